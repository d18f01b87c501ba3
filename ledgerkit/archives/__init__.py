"""An archive: everything that a search finds, kept as Parquet files that grow, stay whole, and are read back exactly.

This module needs none of the packages of the extra ``archive``; those that do are imported when they are asked for.
"""

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from os import PathLike
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from ledgerkit.errors import ConfigurationError

if TYPE_CHECKING:
    from ledgerkit.connection import Connection
    from ledgerkit.session import Session

# What an archive is written and read with.
PACKAGES: Final = ("pyarrow", "filelock")


def check_packages(names: Sequence[str] = PACKAGES) -> None:
    """Raise where a package of the extra ``archive`` is missing."""
    if missing := [name for name in names if find_spec(name) is None]:
        raise ConfigurationError(
            f"archives need {' and '.join(missing)}, not installed here: pip install 'ledgerkit-enterprise[archive]'."
        )


def read_archive(
    folder: str | PathLike[str],
    dataset: str = "transactions",
    *,
    workspace: str | None = None,
    created_after: Any = None,
    created_before: Any = None,
) -> pd.DataFrame:
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
    ledgerkit.archives.parts.ArchiveDamaged
        A file of it is not what the kit wrote.
    ContractViolation
        A row is in it twice: the service gave it another ``created_on`` since.

    Warns
    -----
    IncompleteResult
        Rows may be missing: a file could not be shown to be complete when it was written, a run did not come to its
        end, or older rows are asked for than were archived (``attrs["since"]``, None for all).
    """
    check_packages()
    frame: pd.DataFrame = import_module("ledgerkit.archives.reading").read(
        folder, dataset, workspace=workspace, created_after=created_after, created_before=created_before
    )
    return frame


def query(sql: str, folder: str | PathLike[str] = "data") -> pd.DataFrame:
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
    check_packages(("pyarrow", "duckdb"))
    frame: pd.DataFrame = import_module("ledgerkit.archives.sql").query(sql, folder)
    return frame


def archive(
    folder: str | PathLike[str],
    workspaces: "str | Iterable[str | Session] | Mapping[str, Session | str]",
    *,
    sections: str | Iterable[str] = ("transactions", "requests"),
    created_after: Any = None,
    again: Any = None,
) -> pd.DataFrame:
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
    check_packages()
    frame: pd.DataFrame = import_module("ledgerkit.archives.many").archive(
        folder, workspaces, sections=sections, created_after=created_after, again=again
    )
    return frame


def keep(section: Any, connection: "Connection", folder: str | PathLike[str], **options: Any) -> pd.DataFrame:
    """Keep one list of a workspace; see :meth:`ledgerkit.resources.base.Section.archive`."""
    check_packages()
    done: pd.DataFrame = import_module("ledgerkit.archives.run").keep(section, connection, folder, **options)
    return done
