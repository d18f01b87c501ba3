"""An archive: everything that a search finds, kept as Parquet files that grow, stay whole, and are read back exactly.

This module needs none of the packages of the extra ``archive``; those that do are imported when they are asked for.
"""

from collections.abc import Iterable, Mapping, Sequence
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
        From this moment on, and before that one; times without a zone are UTC. Only the rows of these months are
        read.

    Returns
    -------
    DataFrame
        ``workspace`` (str), then the columns of the search with their dtypes, units and exact values, then
        ``archived_at`` (``datetime64[us, UTC]``: when a row was last read, by the server's clock). Newest first;
        lists without dates, such as pledges, in the order of the search. Rows that the service no longer lists are
        among them. ``attrs["since"]`` says how far back the archive was meant to go (None: to the first object),
        ``attrs["until"]`` before which moment all was looked at, ``attrs["complete"]`` whether nothing is missing
        between the two, as far as the files show it. Of several workspaces these are the latest ``since`` and the
        earliest ``until``.

    Raises
    ------
    InvalidRequest
        There is no such archive, or the system does not let a file of it be read.
    ArchiveDamaged
        A file is not what the kit wrote, or a newer version wrote it; a file or a directory was renamed, moved or
        copied by hand; or the same workspace is in the archive under two names. The message says which, and how to
        mend it.
    ContractViolation
        A row is in it twice: the service gave it another ``created_on`` since. Where only a part of the time is
        read, this is looked at for rows in it that are no longer listed there.

    Warns
    -----
    IncompleteResult
        Rows may be missing, and the message says of which span and workspace: no run has come to its end yet, the
        last one did not, a file was taken away, or one could not be shown to be complete when it was written. Or
        older rows are asked for than were archived.
    """
    check_packages()
    from ledgerkit.archives import reading

    return reading.read(
        folder, dataset, workspace=workspace, created_after=created_after, created_before=created_before
    )


def query(sql: str, folder: str | PathLike[str] = "data") -> pd.DataFrame:
    """Ask an archive in SQL, on this machine alone; no digit changes on the way.

    Parameters
    ----------
    sql
        One SELECT, in the SQL of DuckDB. Each list of the archive is a table: ``transactions``, ``requests`` and so
        on, with ``workspace`` in front, the columns of the search, and ``year`` and ``month`` of its creation. An
        exact number such as ``amount`` is text; ``amount_decimal`` beside it is for sums, null where the number
        has a fraction or more than 38 digits. ``sum(amount::bignum)`` adds up whole numbers of any size. Rows that
        the service no longer lists are among them.
    folder
        Where ``session.transactions.archive`` keeps it.

    Returns
    -------
    DataFrame
        Integers ``Int64``; sums, integers of more than 64 bits, and decimals without places object of exact int;
        decimals with places object of Decimal; text ``str``; times ``datetime64[us, UTC]``; booleans ``boolean``;
        intervals ``timedelta64[us]``; floating point ``float64``; dates, times of a day, lists and structs object.
        The same with no rows as with many. ``attrs["since"]`` says for each list and workspace how far back it is
        archived: None for all.

    Raises
    ------
    ConfigurationError
        The extra ``archive`` is not installed.
    InvalidRequest
        There is no archive, or it can't be read; there is no such table or column; it is not one SELECT; a number
        became too large, or has a type that no frame holds exactly.
    ArchiveDamaged
        A file of it is not what the kit wrote, or not where it was put.

    Warns
    -----
    InexactNumbers
        It calculates in floating point, orders or compares exact numbers by their text, rounds them, or leaves out
        those that fit no decimal, or not the type of a ``try_cast``; or rows stand in two files, and count twice.
    IncompleteResult
        Rows or values may be missing: a run did not come to its end; a file could not be shown to be complete when
        it was written, or an older version of the kit wrote it, which did not know a column; workspaces of one list
        reach back differently.

    Notes
    -----
    What is warned about goes by the plan of the query, through renames, subqueries, lists and structs. A function
    that makes another text of an exact number hides it: ``max(amount || '')`` is not warned about. All rows of the
    columns that are read count for a warning, whatever ``where`` leaves over.
    """
    check_packages(("pyarrow", "duckdb"))
    from ledgerkit.archives import sql as asking

    return asking.query(sql, folder)


def archive(
    folder: str | PathLike[str],
    workspaces: "str | Session | Iterable[str | Session] | Mapping[str, Session | str]",
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
        One or more: names of profiles, as :func:`connect` takes them, or sessions, which stay open. Each is called
        in the archive as its credentials name it, and the profile of a LAM as it is; or as you do:
        ``["treasury", "cold=custody"]``, ``{"treasury": session}``. The session of a LAM needs such a name.
    sections
        The lists to keep of each.
    created_after
        How far back lists go that grow without end: transactions, requests, messages and digests. All others are kept
        whole.
    again
        As ``archive`` of a section takes it.

    Returns
    -------
    DataFrame
        A row for each workspace and list: ``dataset``, ``workspace`` (str); ``rows``, ``new``, ``changed``,
        ``no_longer_listed``, ``open``, ``parts`` (Int64); ``since``, ``until`` (UTC); ``complete`` (boolean),
        ``requests`` (Int64); ``note`` (what was warned about, or that a list was kept whole) and ``error`` (why it
        failed; missing where it did not).

    Raises
    ------
    ConfigurationError
        The extra ``archive`` is not installed.
    InvalidRequest
        A workspace or a section can't be archived, two would be written into one directory, or are the same
        workspace; nothing was sent.
    LedgerError
        All failed; the message says each.

    Warns
    -----
    IncompleteResult
        Some failed, or a part could not be shown to be complete; the next run goes on.
    NoLongerListed
        Rows that were archived are no longer listed.
    """
    check_packages()
    from ledgerkit.archives import many

    return many.archive(folder, workspaces, sections=sections, created_after=created_after, again=again)


def keep(section: Any, connection: "Connection", folder: str | PathLike[str], **options: Any) -> pd.DataFrame:
    """Keep one list of a workspace; see :meth:`ledgerkit.resources.base.Section.archive`."""
    check_packages()
    from ledgerkit.archives import run

    return run.keep(section, connection, folder, **options)
