"""ledgerkit: read and drive a Ledger Enterprise workspace from JupyterLab.

>>> import ledgerkit as lk
>>> session = lk.connect("sandbox")
>>> session.transactions.search(status="CONFIRMED", limit=10)  # doctest: +SKIP
"""

from collections.abc import Iterable as _Iterable
from collections.abc import Mapping as _Mapping
from importlib import import_module as _import_module
from os import PathLike as _PathLike
from typing import TYPE_CHECKING
from typing import Any as _Any

import pandas as _pd

# Here, so that the function below takes the name of the package, and keeps it.
from ledgerkit.archive import check_packages as _check_packages
from ledgerkit.credentials import LAM, ApiUser, ReportingKey
from ledgerkit.errors import (
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
    from ledgerkit.files import read_csv
    from ledgerkit.nested import explode

__version__ = "0.1.0.dev0"

__all__ = [
    "LAM",
    "ApiUser",
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
    from importlib import import_module

    return import_module("ledgerkit.tracing").trace(session, anything, since=since)


def read_archive(
    folder: str | _PathLike[str],
    dataset: str = "transactions",
    *,
    workspace: str | None = None,
    created_after: _Any = None,
    created_before: _Any = None,
) -> _pd.DataFrame:
    """Read an archive back: the frame that the search gave when the archive was brought up to date, and no request.

    Parameters
    ----------
    folder
        Where ``session.transactions.archive`` keeps it.
    dataset
        The section whose search is archived, such as ``"transactions"`` or ``"requests"``.
    workspace
        One of those in the archive; by default all.
    created_after, created_before
        From this moment on, and before that one; times without a zone are UTC. Only the files of these months are
        read.

    Returns
    -------
    DataFrame
        ``workspace`` (str), then the columns of the search with their dtypes, units and exact values, then
        ``archived_at`` (``datetime64[us, UTC]``: when a row was last read, by the server's clock); newest first.
        Rows that the service no longer lists are among them.

    Raises
    ------
    InvalidRequest
        There is no such archive.
    ledgerkit.archive.parts.ArchiveDamaged
        A file of it is not what the kit wrote.
    ContractViolation
        A row is in it twice: the service gave it another ``created_on`` since.

    Warns
    -----
    IncompleteResult
        Rows may be missing: a file could not be shown to be complete when it was written, a run did not come to its
        end, or older rows are asked for than were archived (``attrs["since"]``, None for all).
    """
    from importlib import import_module

    _check_packages()
    frame: _pd.DataFrame = import_module("ledgerkit.archive.reading").read(
        folder, dataset, workspace=workspace, created_after=created_after, created_before=created_before
    )
    return frame


def query(sql: str, folder: str | _PathLike[str] = "data") -> _pd.DataFrame:
    """Ask an archive in SQL, on this machine alone; no digit changes on the way.

    Parameters
    ----------
    sql
        One SELECT, in the SQL of DuckDB. Each list of the archive is a table: ``transactions``, ``requests`` and so
        on, with ``workspace`` in front, the columns of the search, and ``year`` and ``month`` of its creation. An
        exact number such as ``amount`` is text; ``amount_decimal`` beside it is for sums, null where the number
        has a fraction or more than 38 digits. ``sum(amount::bignum)`` adds up whole numbers of any size.
    folder
        Where ``session.transactions.archive`` keeps it.

    Returns
    -------
    DataFrame
        Integers ``Int64``; sums, integers of more than 64 bits, and decimals without places object of exact int;
        decimals with places object of Decimal; text ``str``; times ``datetime64[us, UTC]``; booleans ``boolean``. The
        same with no rows as with many.

    Raises
    ------
    InvalidRequest
        There is no archive, no such table or column, it is not one SELECT, or a number became too large.

    Warns
    -----
    InexactNumbers
        It calculates in floating point, compares numbers as text, rounds, or leaves out what fits no decimal.
    IncompleteResult
        Files of the archive could not be shown to be complete when they were written.
    """
    from importlib import import_module

    _check_packages(("pyarrow", "duckdb"))
    frame: _pd.DataFrame = import_module("ledgerkit.archive.query").query(sql, folder)
    return frame


def archive(
    folder: str | _PathLike[str],
    workspaces: str | _Iterable[str | Session] | _Mapping[str, Session | str],
    *,
    sections: str | _Iterable[str] = ("transactions", "requests"),
    created_after: _Any = None,
    again: _Any = None,
) -> _pd.DataFrame:
    """Archive several workspaces side by side, each within its own rate limit, in one folder.

    Parameters
    ----------
    folder
        Where it is kept; see ``session.transactions.archive``.
    workspaces
        Names of profiles, as :func:`connect` takes them, or sessions, which stay open; or one of these by the name of
        its directory: ``{"treasury": session, "custody": "custody"}``. A LAM needs such a name.
    sections
        The lists to keep of each.
    created_after, again
        As ``archive`` of a section takes them.

    Returns
    -------
    DataFrame
        A row for each workspace and list: ``dataset``, ``workspace`` (str); ``rows``, ``new``, ``changed``,
        ``no_longer_listed``, ``open``, ``parts`` (Int64); ``since``, ``until`` (UTC); ``complete`` (boolean),
        ``requests`` (Int64); ``note`` (what was warned about) and ``error`` (why it failed; missing where it did
        not).

    Raises
    ------
    InvalidRequest
        Two would be written into one directory, or are the same workspace; nothing was sent.
    LedgerError
        All failed; the message says each.
    """
    from importlib import import_module

    _check_packages()
    frame: _pd.DataFrame = import_module("ledgerkit.archive.many").archive(
        folder, workspaces, sections=sections, created_after=created_after, again=again
    )
    return frame


# What connecting and searching do not need is imported when it is asked for: modules, and functions with theirs.
_LATER = {"payloads": None, "reports": None, "webhooks": None, "read_csv": "files", "explode": "nested"}


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
