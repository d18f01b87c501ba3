"""ledgerkit: read and drive a Ledger Enterprise workspace from JupyterLab.

>>> import ledgerkit as lk
>>> session = lk.connect("sandbox")
>>> session.transactions.search(status="CONFIRMED", limit=10)  # doctest: +SKIP
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING
from typing import Any as _Any

import pandas as _pd

from ledgerkit.credentials import LAM, ApiUser, ReportingKey
from ledgerkit.errors import (
    ArchiveDamaged,
    ArchiveInUse,
    AuthenticationError,
    ConfigurationError,
    ConnectionFailed,
    ContractViolation,
    IncompleteResult,
    InexactNumbers,
    InvalidRequest,
    LedgerError,
    NoLongerListed,
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
from ledgerkit.operations import table as _table
from ledgerkit.session import Session, connect

if TYPE_CHECKING:
    from ledgerkit import payloads, reports, webhooks
    from ledgerkit.archives import archive, query, read_archive
    from ledgerkit.files import read_csv
    from ledgerkit.nested import explode

__version__ = "0.1.0.dev0"

__all__ = [
    "LAM",
    "ApiUser",
    "ArchiveDamaged",
    "ArchiveInUse",
    "AuthenticationError",
    "ConfigurationError",
    "ConnectionFailed",
    "ContractViolation",
    "IncompleteResult",
    "InexactNumbers",
    "InvalidRequest",
    "LedgerError",
    "NoLongerListed",
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
    "archive",
    "connect",
    "explode",
    "explorer",
    "operations",
    "panel",
    "payloads",
    "query",
    "read_archive",
    "read_csv",
    "reports",
    "trace",
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
    from ledgerkit.resources.base import calls

    return _table(calls())


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
    return _import_module("ledgerkit.forms.explorer").Explorer.of(session)


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
    return _import_module("ledgerkit.forms.panel").Panel.of(session)


def trace(session: Session, anything: _Any, *, since: _Any = None) -> _Any:
    """Return what is known around one object: itself, its requests and votes, people, addresses, and a timeline.

    Parameters
    ----------
    session
        From :func:`connect`; any credentials will do, and what they may not see is noted.
    anything
        The hash of a transaction, an address, an id, the name of an account, user, group, whitelist or entity, the
        mark of a note (``"lk-..."``), the UUID of a pledge or a settlement, or a frame of one row. ``"request 29"``
        says which kind is meant.
    since
        From when on transactions are looked through for senders, and requests for what a user did; by default the
        last 12 months. Recipients and hashes are asked for of all times.

    Returns
    -------
    ledgerkit.tracing.Trace
        ``kind``, ``title``, ``objects`` (tables by name: ``amount`` and ``fees`` in the unit of ``ticker`` and
        ``fees_ticker``, exact, and in base units in ``amount_base`` and ``fees_base``), ``timeline`` (``time`` UTC,
        ``event``, ``who``, ``who_id``, ``kind``, ``id``, ``detail``, ``source``), ``notes``, ``chart()``,
        ``to_excel()`` and ``to_html()``. Where several objects may be meant its kind is ``candidates``, and its one
        table says what to give for each.

    Raises
    ------
    NotFound
        There is no such object to be seen. It says where was looked; what may be meant is in
        ``details["candidates"]``, and never taken for what was given.
    InvalidRequest
        It is nothing that can be traced.

    Notes
    -----
    It reads ``GET /transactions``, ``/requests``, ``/requests/{id}/governance-status``, ``/accounts``, ``/users``,
    ``/groups``, ``/whitelists``, ``/entities``, the histories of these, and ``/compliance``.
    """
    return _import_module("ledgerkit.tracing").trace(session, anything, since=since)


# What connecting and searching do not need is imported when it is asked for: modules, and functions with theirs.
_LATER = {
    "archive": "archives",
    "explode": "nested",
    "payloads": None,
    "query": "archives",
    "read_archive": "archives",
    "read_csv": "files",
    "reports": None,
    "webhooks": None,
}


def __getattr__(name: str) -> _Any:
    """Import what is asked for, once."""
    if name not in _LATER:
        raise AttributeError(f"module 'ledgerkit' has no attribute {name!r}")
    module = _import_module(f"ledgerkit.{_LATER[name] or name}")
    globals()[name] = found = module if _LATER[name] is None else getattr(module, name)
    return found


def __dir__() -> list[str]:
    """Complete to what the kit offers, and not to the modules that it is made of."""
    return __all__
