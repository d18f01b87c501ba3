"""Whether balances are what the movements make of them, account by account and day by day."""

from collections.abc import Sequence
from datetime import UTC
from os import PathLike
from typing import Any

import pandas as pd

from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.filters import instant
from ledgerkit.reports.asked import one_of, whole_number
from ledgerkit.reports.bookfile import read_books
from ledgerkit.reports.books import BOOK, COUNT, compare
from ledgerkit.reports.checking import ACCOUNT, BREAK, STATES, STEP, Check
from ledgerkit.reports.daily import Reading
from ledgerkit.reports.making import Making
from ledgerkit.reports.movement_kinds import APART, MOVEMENT
from ledgerkit.reports.movements import (
    MARGIN_DAYS,
    movements_of,
    note_margin,
    open_end,
    place,
    place_apart,
    read_transactions,
    scope_of,
)
from ledgerkit.reports.reconciliation_charts import drawings
from ledgerkit.reports.report import Report
from ledgerkit.reports.rows import Row, counted, framed
from ledgerkit.reports.scaling import Scales
from ledgerkit.session import Session

BooksSource = str | PathLike[str] | pd.DataFrame


def reconciliation(
    session: Session,
    start: Any,
    end: Any = None,
    *,
    account: Any = None,
    books: BooksSource | None = None,
    tolerance: int = 0,
    value_of_day: Reading | None = None,
    days_apart: int = 3,
    margin_days: int | None = MARGIN_DAYS,
) -> Report:
    """Check that opening balance, movements and fees make the closing balance, and find where they do not.

    Parameters
    ----------
    session
        Where it is read from.
    start, end
        Days in UTC, since balances are kept by them: ``start`` is in the period and ``end`` is not. None is now, when
        what the accounts hold at this moment is the closing balance.
    account
        Ids or names of accounts; by default all.
    books
        Your own books to compare with: a CSV file or a frame with the columns ``account`` (name or id), ``date``,
        ``amount`` (with its sign, in the unit of ``ticker``, as text or Decimal), ``ticker`` or ``currency``, and
        ``tx_hash`` or ``reference`` (the id of the transaction, or the title of a note) or both.
    tolerance
        How many base units a difference may have before it counts.
    value_of_day
        Whether the service's value of a day is the balance at its ``"start"`` or ``"end"``. The contract does not
        say: by default the reading that fits the movements of more days is taken, and the numbers are told.
    days_apart
        By how many days dates in the books may differ, where no hash tells which movement is meant.
    margin_days
        How many days before and after the period are searched, since the API searches by creation; None for all.

    Returns
    -------
    Report
        ``accounts``: for each account ``status`` (reconciles, reconciles in part, breaks cancel out, broken, can't
        tell) and ``reason``; ``opening`` + ``received`` + ``sent`` + ``fees`` = ``expected``, which stands beside
        ``closing``, and ``difference``, in the unit of ``ticker``, as exact Decimals, and in base units in columns
        that end in ``_base``. ``checked_from`` and ``checked_until`` (UTC) say what was walked, ``days_missing`` for
        how many days the service has no value. ``breaks``: each step of a difference with its size, the days between
        which it came about, and an ``explanation`` where one fits, otherwise "unexplained". ``days``: the walk of
        accounts with breaks. ``movements``, ``undated`` (confirmed, without a block time, counted on no day) and
        ``not_counted``: as in :func:`statement`, from the first confirmation on. With ``books``, ``books``: each row
        of the books and each movement once, with a ``match``, and in ``books_count`` how many there are of each. A
        row whose movement lies beyond the period is found there, and counts as no movement of it.

        Charts: ``accounts by status``; ``breaks by account``; for the three accounts that broke first and stayed
        broken, the difference over time, such as ``difference of BTC Treasury``.

    Raises
    ------
    InvalidRequest
        The period or another argument can't be used, or the books can't be read: the message names row and column.
    NotFound
        No such account can be seen.

    Notes
    -----
    ``GET /accounts``, ``/accounts/{account_id}/balances/history``, ``/accounts/{account_id}/balances``, and those of
    :func:`statement`.
    """
    whole_number("tolerance", tolerance)
    whole_number("days_apart", days_apart)
    whole_number("margin_days", margin_days)
    if value_of_day is not None:
        one_of("value_of_day", value_of_day, ("start", "end"))
    entries = None if books is None else read_books(books)
    told = {
        "margin_days": margin_days,
        "tolerance": tolerance or None,
        "books": None if entries is None else f"{len(entries)} rows",
    }
    with Making.of(session, start=start, end=end, account=account, **told) as making:
        first, last = making.period(_utc_day("start", start), _utc_day("end", end))
        scope = scope_of(making, account)
        rows = read_transactions(making, scope, first, last, margin_days)
        found = movements_of(scope, rows, any_depth=True)
        if end is None:
            last = open_end(last, found.moved, "block")
        place(found.moved, "block", first, last)
        moved = [one for one in found.moved if scope.holds(one["account_id"])]
        inside, undated = place(moved, "block", first, last)
        beyond = [one for one in moved if one["date"] is not None and not first <= one["date"] < last]
        check = Check(making, scope, found, rows, first, last, tolerance, value_of_day)
        apart = place_apart(found.apart, scope, "block", first, None if end is None else last)
        pseudo = [{"unit_of": (False, one)} for one in check.accounts]
        scales = Scales(making, [*moved, *apart, *pseudo])
        scales.write(moved)
        scales.write(apart)
        accounts, breaks, days = check.tables(scales, inside)
        unknown = [row["account_id"] for row in accounts if row["ticker"] is None]
        if unknown:
            making.note(
                f"{counted(len(unknown), 'row')} of `accounts` in an unknown unit{scales.why(unknown)}: amounts are "
                "empty there, and the columns that end in `_base` exact."
            )
        note_margin(making, found, margin_days)
        _notes(making, accounts, undated, apart, inside)
        tables = {
            "accounts": framed(ACCOUNT, accounts),
            "breaks": framed(BREAK, breaks),
            "days": framed(STEP, days),
            "movements": framed(MOVEMENT, inside),
            "undated": framed(MOVEMENT, undated),
            "not_counted": framed(APART, apart),
        }
        if entries is not None:
            matched, counts = compare(scope, scales, entries, inside, beyond, first, last, days_apart)
            tables |= {"books": framed(BOOK, matched), "books_count": framed(COUNT, counts)}
        until = f"before {last:%Y-%m-%d}" if end is not None else f"until {last:%Y-%m-%d %H:%M} UTC"
        return making.report(
            f"Reconciliation from {first:%Y-%m-%d}, {until}", tables, drawings(accounts, breaks, days)
        )


def _utc_day(name: str, value: Any) -> Any:
    """Take a day as one in UTC, and refuse a moment inside of one: the service has no balance of it."""
    if value is None:
        return None
    # A time without a zone is of UTC here; what can't be read at all is refused as in other reports.
    moment = pd.Timestamp(instant(name, value, UTC))
    if moment != moment.normalize():
        raise InvalidRequest(
            f"`{name}` = {shorten(value)} lies inside of a day: balances are kept by days in UTC. Give a day, such "
            f"as '{moment:%Y-%m-%d}'.",
            field=name,
        )
    return moment


def _notes(
    making: Making,
    accounts: Sequence[Row],
    undated: Sequence[Row],
    apart: Sequence[Row],
    inside: Sequence[Row],
) -> None:
    states = [row["status"] for row in accounts]
    said = [f"{states.count(one)} {one}" for one in STATES if one in states]
    making.note(f"Of {counted(len(accounts), 'account')}: {', '.join(said) or 'none'}.")
    if any(row["reason"] and "taken as 0" in row["reason"] for row in accounts):
        making.note(
            "An account created in the period is taken to have held nothing before; where its address held something "
            "already, that shows as a break."
        )
    if undated:
        making.note(
            f"{counted(len(undated), 'confirmed movement')} without a block time, in the table `undated`: counted on "
            "no day, so it shows as a break."
        )
    if apart:
        making.note(f"{counted(len(apart), 'transaction')} with something that is not counted: see `not_counted`.")
    if any(row["type"] in ("DELEGATE", "UNDELEGATE") and row["currency"] in ("cosmos", "near") for row in apart):
        making.note("Whether a balance of Cosmos or Near holds what is delegated is not documented: taken as yes.")
    outside = {row["account_id"] for row in inside} - {row["account_id"] for row in accounts}
    if outside:
        listed = ", ".join(str(one) for one in sorted(outside))
        making.note(f"Movements of accounts that can't be seen, whose balances are not checked: ids {listed}.")
