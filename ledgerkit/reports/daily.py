"""The balances that the service keeps by day, walked beside the movements: where the two part, and by how much."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import pandas as pd

from ledgerkit.reports.making import Making
from ledgerkit.reports.rows import Row, records

DAY: Final = pd.Timedelta(days=1)
# What the value of a day is: the balance as the day begins, or as it ends.
Reading = Literal["start", "end"]


@dataclass
class Days:
    """The balances of one account by the first moment of their day; days without a value are not among them."""

    values: dict[pd.Timestamp, int] = field(default_factory=dict)
    missing: set[pd.Timestamp] = field(default_factory=set)
    # Days for which the service gave several values.
    contradicted: set[pd.Timestamp] = field(default_factory=set)
    error: str | None = None


@dataclass(frozen=True)
class Break:
    """A step of the difference between balance and movements, somewhere after one moment and until another."""

    after: pd.Timestamp
    until: pd.Timestamp
    size: int
    # The difference from there on.
    level: int

    @property
    def first_day(self) -> pd.Timestamp:
        """The first day on which it may have come about."""
        return self.after.normalize()

    @property
    def last_day(self) -> pd.Timestamp:
        """The last day on which it may have come about."""
        return (self.until - pd.Timedelta(microseconds=1)).normalize()


@dataclass
class Walk:
    """What came of walking one account from moment to moment."""

    # Moment, balance, and what the movements make of the balance at the first of them.
    steps: list[tuple[pd.Timestamp, int, int]] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)


def read_days(making: Making, accounts: Sequence[int], first: pd.Timestamp, last: pd.Timestamp) -> dict[int, Days]:
    """Read the balances from the day of one moment to the day of another, both among them."""
    found = {account: Days() for account in accounts}
    if not found:
        return found
    # Whether the day of `end` is in is up to the service: a day more is asked for.
    history = making.session.accounts.balance_history(list(accounts), start=first, end=last + DAY)
    for row in records(history):
        days = found[row["account_id"]]
        if row.get("error") is not None:
            days.error = row["error"]
        elif row["date"] is not None:
            _keep(days, row["date"].tz_convert("UTC").normalize(), row["value"])
    return found


def _keep(days: Days, day: pd.Timestamp, value: Any) -> None:
    if day in days.contradicted:
        return
    if not isinstance(value, int):
        if day not in days.values:
            days.missing.add(day)
    elif days.values.setdefault(day, value) != value:
        days.contradicted.add(day)
        days.missing.add(day)
        del days.values[day]
    else:
        days.missing.discard(day)


def by_day(moved: Iterable[Row]) -> dict[int, dict[pd.Timestamp, int]]:
    """Return the sum of movements by account and day (UTC), without tokens that have no account of their own."""
    sums: dict[int, dict[pd.Timestamp, int]] = defaultdict(lambda: defaultdict(int))
    for row in moved:
        if row["unit_of"][0] != "light" and row["block_time"] is not None:
            sums[row["account_id"]][row["block_time"].normalize()] += row["amount_base"]
    return sums


def evidence(days: Mapping[int, Days], moved: Mapping[int, Mapping[pd.Timestamp, int]]) -> tuple[int, int]:
    """Count the days that fit a value at the end of the day alone, and those that fit one at its start alone."""
    end = start = 0
    for account, its in days.items():
        sums = moved.get(account, {})
        for day, value in its.values.items():
            before = its.values.get(day - DAY)
            if before is None:
                continue
            of_day, of_day_before = sums.get(day, 0), sums.get(day - DAY, 0)
            if of_day != of_day_before:
                end += value - before == of_day
                start += value - before == of_day_before
    return end, start


def moments(days: Days, reading: Reading, now: pd.Timestamp) -> dict[pd.Timestamp, int]:
    """Return balances by the moment of which they are; a day that is not over has none at its end."""
    shift = DAY if reading == "end" else pd.Timedelta(0)
    return {day + shift: value for day, value in days.values.items() if day + shift <= now}


def walk(known: Mapping[pd.Timestamp, int], moved: Sequence[tuple[pd.Timestamp, int]], tolerance: int) -> Walk:
    """Walk from the first known balance to the last, and find each step of the difference.

    Parameters
    ----------
    known
        Balances by moment: what was moved before the moment is in, what was moved at it is not.
    moved
        Moment and amount of each movement, in order.
    tolerance
        How far, in base units, a difference may wander before it counts.
    """
    result = Walk()
    if not known:
        return result
    ordered = sorted(known)
    expected, position, level = known[ordered[0]], 0, 0
    while position < len(moved) and moved[position][0] < ordered[0]:
        position += 1
    for number, moment in enumerate(ordered):
        while position < len(moved) and moved[position][0] < moment:
            expected += moved[position][1]
            position += 1
        result.steps.append((moment, known[moment], expected))
        difference = known[moment] - expected
        if abs(difference - level) > tolerance:
            result.breaks.append(Break(ordered[number - 1], moment, difference - level, difference))
            level = difference
    return result
