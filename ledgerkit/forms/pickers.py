"""Names to pick from: those of accounts, users, groups, labels, currencies, entities and whitelists."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import pandas as pd

from ledgerkit.amounts import display_unit
from ledgerkit.directory import SECONDS_KEPT
from ledgerkit.forms.fields import unique_labels
from ledgerkit.forms.workspace import Workspace
from ledgerkit.resources.currencies import Currencies
from ledgerkit.resources.entities import Entities
from ledgerkit.resources.labels import Labels
from ledgerkit.resources.whitelists import Whitelists
from ledgerkit.showing import spelled

Named = Literal["account", "user", "group", "label", "currency", "entity", "whitelist"]

# Those that the directory of a workspace does not list.
_SEARCHES: Final[Mapping[str, Callable[[Workspace], pd.DataFrame]]] = {
    "label": lambda workspace: Labels(workspace.connection).search(),
    "currency": lambda workspace: Currencies(workspace.connection).search(),
    "entity": lambda workspace: Entities(workspace.connection).search(),
    "whitelist": lambda workspace: Whitelists(workspace.connection).search(),
}


def names(workspace: Workspace, kind: Named) -> dict[str, Any]:
    """Look up what there is of a kind: ids by names, made unique; currencies are named by themselves.

    It may call the service, and so runs behind a form. What was looked up is kept for a quarter of an hour.
    """
    frame = _listed(workspace, kind)
    if kind == "currency":
        return {_currency(row): row["name"] for row in frame.to_dict("records")}
    column = "username" if kind == "user" else "name"
    pairs = zip(frame[column].fillna(""), frame["id"], strict=True)
    return unique_labels((str(name), int(one)) for name, one in pairs)


def _listed(workspace: Workspace, kind: Named) -> pd.DataFrame:
    if kind not in _SEARCHES:
        return workspace.directory.listed(kind)
    memory, clock = workspace.connection.memory, workspace.connection.transport.clock
    kept = memory.frames.get(kind)
    if kept is None or clock.monotonic() - kept[0] > SECONDS_KEPT:
        # Not under the lock: who waits for names of accounts does not wait for those of labels.
        kept = memory.frames[kind] = (clock.monotonic(), _SEARCHES[kind](workspace))
    return kept[1]


def _currency(row: Mapping[Any, Any]) -> str:
    """Return the name of a currency and the code that people know it by."""
    unit = display_unit(row["units"]) if isinstance(row["units"], list) else None
    name = spelled(str(row["name"]))
    return f"{name} · {spelled(unit.code)}" if unit else name
