"""One live form for each cell: a cell that is run again closes what it showed before."""

import weakref
from typing import Any, Final

from ledgerkit.errors import ipython_shell
from ledgerkit.forms.base import Form

# By cell and form: the run that made them, and the forms. Weakly: one that was closed lets its rows go.
_SHOWN: Final[dict[tuple[str, str], tuple[str, weakref.WeakSet[Form]]]] = {}


def replace(form: Form, key: str) -> None:
    """Close the forms that an earlier run of the same cell made, but those that are unsettled.

    One that is sending something is, and one that alone knows that the answer to what it sent was lost.

    Parameters
    ----------
    form
        What the cell shows now.
    key
        What it is, such as ``"transactions.search"``: a cell may show several forms.
    """
    cell, run = _cell()
    if not cell:
        return
    run_before, forms = _SHOWN.get((cell, key), (run, weakref.WeakSet()))
    if run_before != run:
        for one in list(forms):
            if not (getattr(one, "sending", False) or getattr(one, "unsettled", False)):
                one.close()
    _SHOWN[cell, key] = (run, weakref.WeakSet([*(one for one in forms if one.comm is not None), form]))


def _cell() -> tuple[str, str]:
    """Return the id of the cell that runs, and of this run of it; empty outside of a notebook."""
    kernel = getattr(ipython_shell(), "kernel", None)
    parent: dict[str, Any] = kernel.get_parent("shell") if kernel is not None else {}
    return str(parent.get("metadata", {}).get("cellId", "")), str(parent.get("header", {}).get("msg_id", ""))
