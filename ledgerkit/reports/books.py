"""Books beside movements: each row of either exactly once, with what it matches or how it differs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any, Final

import pandas as pd

from ledgerkit.amounts import DisplayAmount, Unit, to_display
from ledgerkit.errors import shorten
from ledgerkit.frames import AMOUNT, INTEGER, NUMBER, TEXT, TIME
from ledgerkit.reports.bookfile import Entry, complain, to_base
from ledgerkit.reports.movements import Scope
from ledgerkit.reports.rows import Row
from ledgerkit.reports.scaling import Scales

MATCHED: Final = "matched"
OTHER_DATE: Final = "differs in date"
OTHER_AMOUNT: Final = "differs in amount"
OTHER_BOTH: Final = "differs in amount and date"
DUPLICATE: Final = "duplicate in the books"
ONLY_BOOKS: Final = "only in the books"
ONLY_CHAIN: Final = "only on chain"
OUTSIDE: Final = "outside of the report"
MATCHES: Final = (
    MATCHED,
    OTHER_AMOUNT,
    OTHER_DATE,
    OTHER_BOTH,
    ONLY_BOOKS,
    ONLY_CHAIN,
    DUPLICATE,
    OUTSIDE,
)
BOOK: Final[Mapping[str, str]] = {
    "match": TEXT,
    "found_by": TEXT,
    "book_row": INTEGER,
    "account_id": INTEGER,
    "account_name": TEXT,
    "book_account": TEXT,
    "book_date": TIME,
    "chain_date": TIME,
    "book_amount": NUMBER,
    "chain_amount": NUMBER,
    "difference": NUMBER,
    "ticker": TEXT,
    "book_amount_base": AMOUNT,
    "chain_amount_base": AMOUNT,
    "difference_base": AMOUNT,
    "transaction_id": INTEGER,
    "movement": TEXT,
    "movements": INTEGER,
    "tx_hash": TEXT,
    "reference": TEXT,
    "reason": TEXT,
}
COUNT: Final[Mapping[str, str]] = {"match": TEXT, "rows": INTEGER, "book_rows": INTEGER, "movements": INTEGER}
# An account and one of its coins: its own, or a token under an account of Solana.
Coin = tuple[int, str | None]


@dataclass
class _Line:
    """A row of the books, with what was found out about it."""

    entry: Entry
    account: int | None = None
    coin: Coin | None = None
    unit: Unit | None = None
    base: int | None = None
    reason: str | None = None
    matched: list[Row] = field(default_factory=list)
    found_by: str | None = None
    twin: int | None = None

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes two rows one and the same: a hash stands for date and reference."""
        entry = self.entry
        if entry.tx_hash is not None:
            return self.coin, self.base, hash_of(entry.tx_hash)
        return self.coin, self.base, None, entry.moment, entry.reference


def compare(
    scope: Scope,
    scales: Scales,
    entries: Sequence[Entry],
    inside: Sequence[Row],
    beyond: Sequence[Row],
    first: pd.Timestamp,
    last: pd.Timestamp,
    days_apart: int,
) -> tuple[list[Row], list[Row]]:
    """Match books with movements, one to one, or one row with an amount and its fees together.

    Parameters
    ----------
    inside, beyond
        Movements of the period, and others that were read; both with their units.
    days_apart
        By how many days dates may differ where no hash tells which movement is meant.

    Returns
    -------
    tuple of list
        Rows of the table of books, and of its counts.

    Raises
    ------
    InvalidRequest
        An amount has more places than its coin.
    """
    lines = _lines(scope, scales, entries, [*inside, *beyond])
    # Books and chain part at both ends of a period: all movements compete, and what lies beyond is told afterwards.
    free = _Free([*inside, *beyond], first, last)
    able = [line for line in lines if line.base is not None]
    _by_hash(able, free)
    _mark_twins(able)
    _by_reference(able, free)
    _by_amount(able, free, days_apart)
    _mark_twins(able)
    rows = [_book_row(scope, line, free) for line in lines]
    taken = {id(row) for line in lines for row in line.matched}
    rows += [_chain_row(row) for row in inside if id(row) not in taken]
    rows.sort(key=lambda row: (MATCHES.index(row["match"]), row["book_row"] is None, row["book_row"] or 0))
    return rows, _counts(rows)


def hash_of(text: Any) -> str | None:
    """Return a hash as it is compared: hexadecimal ones whatever their case and prefix, others letter by letter."""
    if not isinstance(text, str):
        return None
    plain = text.strip()
    digits = plain.removeprefix("0x").removeprefix("0X")
    if len(digits) == 64 and all(one in "0123456789abcdefABCDEF" for one in digits):
        return digits.lower()
    return plain


class _Free:
    """Movements that no row of the books was matched with yet."""

    def __init__(self, rows: Iterable[Row], first: pd.Timestamp, last: pd.Timestamp) -> None:
        self._first, self._last = first, last
        self._taken: set[int] = set()
        self._hashes: dict[Any, list[Row]] = defaultdict(list)
        self._coins: dict[Coin, list[Row]] = defaultdict(list)
        for row in rows:
            self._coins[_coin(row)].append(row)
            if (digest := hash_of(row["tx_hash"])) is not None:
                self._hashes[_coin(row), digest].append(row)

    def with_hash(self, line: _Line) -> list[Row]:
        return self._left(self._hashes.get((line.coin, hash_of(line.entry.tx_hash)), ()))

    def of_coin(self, line: _Line) -> list[Row]:
        return self._left(self._coins.get(line.coin, ()) if line.coin else ())

    def take(self, line: _Line, rows: Sequence[Row], found_by: str) -> None:
        line.matched, line.found_by = list(rows), found_by
        self._taken.update(id(row) for row in rows)

    def within(self, moment: pd.Timestamp) -> bool:
        """Say whether a moment is of the period."""
        return bool(self._first <= moment < self._last)

    def far(self, line: _Line, row: Row) -> tuple[int, bool]:
        """Return how far the dates are apart: in days, and then whether one alone is of the period."""
        return _days(line, row), self.within(line.entry.moment) != self.within(row["date"])

    def _left(self, rows: Iterable[Row]) -> list[Row]:
        return [row for row in rows if id(row) not in self._taken]


def _coin(row: Row) -> Coin:
    return row["account_id"], row["contract_address"] if row["unit_of"][0] == "light" else None


def _lines(scope: Scope, scales: Scales, entries: Sequence[Entry], rows: Sequence[Row]) -> list[_Line]:
    ids: dict[str, list[int]] = defaultdict(list)
    for one, facts in scope.accounts.items():
        if facts["name"] is not None:
            ids[facts["name"]].append(one)
    light: dict[int, dict[str, tuple[str | None, Unit]]] = defaultdict(dict)
    for row in rows:
        if row["unit_of"][0] == "light" and row["ticker"] is not None:
            unit = Unit(row["ticker"], row["magnitude"])
            for name in (row["ticker"], row["contract_address"]):
                light[row["account_id"]][name.casefold()] = row["contract_address"], unit
    problems: list[str] = []
    lines = [_line(_Line(entry), scope, scales, ids, light, problems) for entry in entries]
    complain(problems, "the books")
    return lines


def _line(
    line: _Line,
    scope: Scope,
    scales: Scales,
    ids: Mapping[str, list[int]],
    light: Mapping[int, Mapping[str, tuple[str | None, Unit]]],
    problems: list[str],
) -> _Line:
    """Find account, coin and base units of a row of the books."""
    entry = line.entry
    named = ids.get(str(entry.account), [])
    if not named and str(entry.account).isdecimal() and int(entry.account) in scope.accounts:
        named = [int(entry.account)]
    if len(named) != 1:
        words = "no account of this name or id can be seen" if not named else f"{len(named)} accounts have this name"
        line.reason = words if not named else f"{words}: give the id"
        return line
    line.account = named[0]
    if not scope.holds(line.account):
        line.reason = "the account was not chosen"
        return line
    facts, unit, contract = scope.accounts[line.account], scales.of((False, line.account)), None
    own = [unit.code if unit else None, facts["contract_address"] or facts["currency"]]
    if entry.ticker is not None and entry.ticker.casefold() not in [one.casefold() for one in own if one]:
        found = light.get(line.account, {}).get(entry.ticker.casefold())
        if found is None:
            line.reason = f"the account has no {shorten(entry.ticker)}, but {own[0] or own[1]}"
            return line
        contract, unit = found
    if unit is None:
        line.reason = "the unit of the account is not known"
        return line
    line.coin, line.unit = (line.account, contract), unit
    line.base = to_base(entry.amount, unit.magnitude)
    if line.base is None:
        problems.append(
            f"row {entry.row}, column amount: {shorten(format(entry.amount, 'f'))} has more than the "
            f"{unit.magnitude} places of {unit.code}"
        )
    return line


def _days(line: _Line, row: Row) -> int:
    moment: pd.Timestamp = row["date"]
    return abs((line.entry.moment.normalize() - moment.normalize()).days)


def _by_hash(lines: Sequence[_Line], free: _Free) -> None:
    """Match by hash, account and coin: what is equal first, then amounts with their fees, then what differs."""
    hashed = [line for line in lines if line.entry.tx_hash is not None and not line.matched and line.twin is None]
    for same_day in (True, False):
        for line in hashed:
            equal = [
                row
                for row in ([] if line.matched else free.with_hash(line))
                if row["amount_base"] == line.base and (not same_day or not _days(line, row))
            ]
            if equal:
                free.take(line, equal[:1], "hash")
    for line in hashed:
        rows = [] if line.matched else free.with_hash(line)
        # What lies in the period and what lies beyond it are never one row of the books together.
        for inside in (True, False):
            some = [row for row in rows if free.within(row["date"]) == inside]
            if not line.matched and len(some) > 1 and sum(row["amount_base"] for row in some) == line.base:
                free.take(line, some, "hash")
    _mark_twins(lines)
    pairs = [
        (abs(row["amount_base"] - (line.base or 0)), line.entry.row, row["transaction_id"], position, line, row)
        for line in hashed
        if not line.matched and line.twin is None
        for position, row in enumerate(free.with_hash(line))
    ]
    _take_nearest(pairs, free, "hash")


def _take_nearest(pairs: list[Any], free: _Free, found_by: str) -> None:
    """Take pairs of a line and a movement, the nearest first, each line and each movement once."""
    taken: set[int] = set()
    for *_, line, row in sorted(pairs, key=lambda pair: pair[:-2]):
        if not line.matched and id(row) not in taken:
            taken.add(id(row))
            free.take(line, [row], found_by)


def _by_reference(lines: Sequence[_Line], free: _Free) -> None:
    """Match rows without a hash by what they refer to: an id, or the title of a note that no other movement has."""
    for exact in (True, False):
        for line in _without_hash(lines):
            reference = line.entry.reference
            if reference is None:
                continue
            fits = [
                row
                for row in free.of_coin(line)
                if reference == str(row["transaction_id"]) or reference in row["titles"]
            ]
            equal = [row for row in fits if row["amount_base"] == line.base]
            if exact and equal:
                free.take(line, [min(equal, key=partial(free.far, line))], "reference")
            elif exact and len(fits) > 1 and sum(row["amount_base"] for row in fits) == line.base:
                if len({row["transaction_id"] for row in fits}) == 1:
                    free.take(line, fits, "reference")
            elif not exact:
                amounts = [row for row in fits if row["movement"] == "amount"] or fits
                # A title that comes again each month means the one of this month.
                amounts = [row for row in amounts if free.within(row["date"])] or amounts
                if len(amounts) == 1:
                    free.take(line, amounts, "reference")


def _by_amount(lines: Sequence[_Line], free: _Free, days_apart: int) -> None:
    """Match what is left of rows without a hash by amount and nearness of dates."""
    pairs = []
    for line in _without_hash(lines):
        fits = [
            row
            for row in free.of_coin(line)
            if row["amount_base"] == line.base and line.base and _days(line, row) <= days_apart
        ]
        if len(fits) > 1:
            line.reason = f"{len(fits)} movements have this amount within {days_apart} days"
        pairs += [
            (free.far(line, row), line.entry.row, row["transaction_id"], position, line, row)
            for position, row in enumerate(fits)
        ]
    _take_nearest(pairs, free, "amount and date")


def _without_hash(lines: Sequence[_Line]) -> list[_Line]:
    return [line for line in lines if line.entry.tx_hash is None and not line.matched and line.twin is None]


def _mark_twins(lines: Sequence[_Line]) -> None:
    """Mark rows without a movement that say the same as one that has its own."""
    matched = {line.key: line.entry.row for line in reversed(lines) if line.matched}
    for line in lines:
        if not line.matched and line.twin is None and (twin := matched.get(line.key)) is not None:
            line.twin = twin


def _book_row(scope: Scope, line: _Line, free: _Free) -> Row:
    entry, rows = line.entry, line.matched
    row: Row = {
        "book_row": entry.row,
        "account_id": line.account,
        "account_name": scope.name(line.account),
        "book_account": str(entry.account),
        "book_date": entry.moment,
        "book_amount": DisplayAmount(entry.amount),
        "book_amount_base": line.base,
        "ticker": line.unit.code if line.unit else entry.ticker,
        "tx_hash": entry.tx_hash,
        "reference": entry.reference,
        "reason": line.reason,
        "movements": 0,
    }
    if not rows:
        if line.twin is not None:
            return row | {"match": DUPLICATE, "reason": f"as row {line.twin}"}
        elsewhere = line.account is not None and not scope.holds(line.account)
        if elsewhere or not free.within(entry.moment):
            return row | {"match": OUTSIDE, "reason": line.reason or "the date lies outside of the period"}
        return row | {"match": ONLY_BOOKS}
    beyond = not free.within(rows[0]["date"])
    if beyond and not free.within(entry.moment):
        return row | {"match": OUTSIDE, "reason": "the date and the movement lie outside of the period"}
    chain = sum(one["amount_base"] for one in rows)
    difference = chain - (line.base or 0)
    other_day = bool(_days(line, rows[0]))
    match = {
        (False, False): MATCHED,
        (False, True): OTHER_DATE,
        (True, False): OTHER_AMOUNT,
        (True, True): OTHER_BOTH,
    }[bool(difference), other_day]
    if beyond:
        said = (line.reason, "the movement lies outside of the period")
        row["reason"] = "; ".join(one for one in said if one)
    magnitude = rows[0]["magnitude"]
    return row | {
        "match": match,
        "found_by": line.found_by,
        "chain_date": rows[0]["date"],
        "chain_amount": _shown(chain, magnitude),
        "chain_amount_base": chain,
        "difference": _shown(difference, magnitude),
        "difference_base": difference,
        "transaction_id": rows[0]["transaction_id"],
        "movement": " and ".join(sorted({one["movement"] for one in rows})),
        "movements": 0 if beyond else len(rows),
        "tx_hash": entry.tx_hash or rows[0]["tx_hash"],
    }


def _shown(value: int, magnitude: int | None) -> Decimal | None:
    shown: Decimal | None = None if magnitude is None else to_display(value, magnitude)
    return shown


def _chain_row(row: Row) -> Row:
    return {
        **{name: row[name] for name in ("account_id", "account_name", "ticker", "transaction_id", "movement")},
        "match": ONLY_CHAIN,
        "book_row": None,
        "chain_date": row["date"],
        "chain_amount": row["amount"],
        "chain_amount_base": row["amount_base"],
        "tx_hash": row["tx_hash"],
        "reference": row["notes"],
        "movements": 1,
    }


def _counts(rows: Sequence[Row]) -> list[Row]:
    counts = []
    for match in MATCHES:
        same = [row for row in rows if row["match"] == match]
        counts.append(
            {
                "match": match,
                "rows": len(same),
                "book_rows": sum(row["book_row"] is not None for row in same),
                "movements": sum(row["movements"] for row in same),
            }
        )
    return counts
