"""ledgerkit: read and drive a Ledger Enterprise workspace from JupyterLab.

>>> import ledgerkit as lk
>>> session = lk.connect("sandbox")
>>> session.transactions.search(status="CONFIRMED", limit=10)  # doctest: +SKIP
"""

from typing import Any as _Any

import pandas as _pd

from ledgerkit import payloads
from ledgerkit.credentials import LAM, ApiUser, ReportingKey
from ledgerkit.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailed,
    ContractViolation,
    IncompleteResult,
    InvalidRequest,
    LedgerError,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    RateLimited,
    ReviewFailed,
    ServerError,
    SessionClosed,
    UnknownValue,
    Unsupported,
)
from ledgerkit.files import read_csv
from ledgerkit.nested import explode
from ledgerkit.operations import table as _table
from ledgerkit.resources.base import calls as _calls
from ledgerkit.session import Session, connect

__version__ = "0.1.0.dev0"

__all__ = [
    "LAM",
    "ApiUser",
    "AuthenticationError",
    "ConfigurationError",
    "ConnectionFailed",
    "ContractViolation",
    "IncompleteResult",
    "InvalidRequest",
    "LedgerError",
    "NotFound",
    "OutcomeUnknown",
    "PermissionDenied",
    "RateLimited",
    "ReportingKey",
    "ReviewFailed",
    "ServerError",
    "Session",
    "SessionClosed",
    "UnknownValue",
    "Unsupported",
    "connect",
    "explode",
    "explorer",
    "operations",
    "panel",
    "payloads",
    "read_csv",
    "reports",
    "webhooks",
]


def operations() -> _pd.DataFrame:
    """Return every operation of the API, and the call of the kit that makes it.

    Returns
    -------
    DataFrame
        ``section``, ``method``, ``path``, ``call`` (missing where the kit has none yet), ``writes``, ``families``
        (the credentials that can make it) and ``note``: the 85 operations of the Vault API 1.35.0, then the 17 that
        only a LAM offers.
    """
    return _table(_calls())


def explorer(session: Session) -> _Any:
    """Return everything that the kit can do, to be used without typing code: a page with a tab for each.

    Parameters
    ----------
    session
        From :func:`connect`; with ``writes=True`` requests can be made and approved.

    Returns
    -------
    ledgerkit.forms.explorer.Explorer
        To be the last line of a cell.
    """
    # Forms need ipywidgets, which a session without them has no use for.
    from importlib import import_module

    return import_module("ledgerkit.forms.explorer").Explorer.of(session)


def panel(session: Session) -> _Any:
    """Return a panel of the connection: environment, workspace, user, rights, life of the token, and the doctor.

    Parameters
    ----------
    session
        From :func:`connect`.

    Returns
    -------
    ledgerkit.forms.panel.Panel
        To be the last line of a cell.
    """
    from importlib import import_module

    return import_module("ledgerkit.forms.panel").Panel.of(session)


def __getattr__(name: str) -> _Any:
    """Import what a session does not need, when it is asked for."""
    if name in ("reports", "webhooks"):
        from importlib import import_module

        return import_module(f"ledgerkit.{name}")
    raise AttributeError(f"module 'ledgerkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Complete to what the kit offers, and not to the modules that it is made of."""
    return __all__
