"""The days of one account, and what a period opens and closes with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from ledgerkit.amounts import to_display
from ledgerkit.reports.choosing import listed
from ledgerkit.reports.daily import DAY
from ledgerkit.reports.exactly import difference, known
from ledgerkit.reports.holdings import plain
from ledgerkit.reports.prices import Key, asset_key
from ledgerkit.showing import visible

NO_ROW: Final = "the service lists no value for this day"
NULL: Final = "the service has no value for this day"
CONTRADICTED: Final = "contradicted: the service lists different values for this day"


@dataclass
class Line:
    """The days of one account. Amounts are in base units."""

    id: int
    name: str | None
    status: str | None
    currency: str | None
    contract: str | None
    ticker: str | None
    magnitude: int | None
    # The value of each day, None for a gap, with what is to be said of it.
    days: dict[pd.Timestamp, tuple[Any, str | None]] = field(default_factory=dict)
    # The balance as the period begins, and as it ends, with the day of the value that tells it.
    opening: Any = None
    opening_on: pd.Timestamp | None = None
    closing: Any = None
    closing_on: pd.Timestamp | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def key(self) -> Key:
        """What has one unit, and so one chart."""
        if self.currency is None or self.magnitude is None:
            return f"account {self.id}", None
        return asset_key(self.currency, self.contract)

    @property
    def label(self) -> str:
        """How charts and notes call it."""
        return visible(self.name) if self.name else f"account {self.id}"

    @property
    def change(self) -> Any:
        """What came and went over the whole period; None where one of its ends is not known."""
        return difference(self.closing, self.opening) if known(self.opening) and known(self.closing) else None

    @property
    def contradicted(self) -> list[pd.Timestamp]:
        """The days for which there are different values."""
        return sorted(day for day, (_, note) in self.days.items() if (note or "").startswith(CONTRADICTED))

    @property
    def known(self) -> list[tuple[pd.Timestamp, Any]]:
        """The days that have a value, in order."""
        return [(day, value) for day, (value, _) in sorted(self.days.items()) if known(value)]

    def shown(self, amount: Any) -> Any:
        """Return an amount in the display unit; None where there is none, or no unit."""
        return to_display(amount, self.magnitude) if known(amount) and self.magnitude is not None else None

    def asset(self) -> dict[str, Any]:
        """Return what it is a balance of."""
        return {"ticker": self.ticker, "currency": self.currency, "contract_address": self.contract}


def values_of(line: Line, rows: Sequence[Mapping[Any, Any]]) -> dict[pd.Timestamp, tuple[Any, str | None]]:
    """Return the days of an answer, and give the line the decimal places that it says where no unit is known."""
    said = {int(one["currency_magnitude"]) for one in rows if one["currency_magnitude"] is not None}
    if line.magnitude is None and len(said) == 1:
        line.magnitude = said.pop()
        line.notes.append("no unit known: the decimal places are those that stand beside the history")
    elif line.magnitude is not None and said - {line.magnitude}:
        line.notes.append(
            f"the history says {' and '.join(map(str, sorted(said)))} decimal places, and the unit of the account "
            f"has {line.magnitude}: amounts are in the unit of the account"
        )
    elif line.magnitude is None:
        line.notes.append("no unit known: amounts are in base units alone")
    listed_for: dict[pd.Timestamp, list[Any]] = {}
    for row in rows:
        if row["date"] is not None:
            listed_for.setdefault(row["date"].normalize(), []).append(row["value"])
    return {day: _value_of(values) for day, values in sorted(listed_for.items())}


def _value_of(values: Sequence[Any]) -> tuple[Any, str | None]:
    """Return the value of a day, and what is to be said of it: which of two is right, nobody can say."""
    different = list(dict.fromkeys(one for one in values if known(one)))
    if len(different) > 1:
        return None, f"{CONTRADICTED}, in base units {listed(plain(one) for one in different)}"
    return (different[0], None) if different else (None, NULL)


def opened(
    line: Line,
    values: Mapping[pd.Timestamp, tuple[Any, str | None]],
    first: pd.Timestamp,
    shift: pd.Timedelta,
    created: pd.Timestamp | None,
) -> None:
    """Find the balance as the period begins."""
    day = first - shift
    value, why = values.get(day, (None, NO_ROW))
    if known(value):
        line.opening, line.opening_on = value, day
    elif created is not None and created >= first:
        line.opening = 0
        line.notes.append(f"opening taken as 0: created on {created:%Y-%m-%d}")
    else:
        line.notes.append(f"no opening balance, and no change: of {day:%Y-%m-%d}, {why}")


def closed(
    line: Line,
    values: Mapping[pd.Timestamp, tuple[Any, str | None]],
    last: pd.Timestamp,
    shift: pd.Timedelta,
    now: pd.Timestamp,
    balance: Any,
) -> None:
    """Find the balance as the period ends; where it goes on, that of now."""
    day = last - shift
    if last > now:
        if known(balance):
            line.closing, line.closing_on = balance, now.normalize()
        else:
            line.notes.append("no closing balance, and no change: the list of accounts has no balance of now")
        return
    value, why = values.get(day, (None, NO_ROW))
    if known(value):
        line.closing, line.closing_on = value, day
    else:
        line.notes.append(f"no closing balance, and no change: of {day:%Y-%m-%d}, {why}")


def with_gaps(line: Line, created: Any, first: pd.Timestamp, last: pd.Timestamp) -> None:
    """Add the days that an answer leaves out, from the day of the account's creation on."""
    begin = first if pd.isna(created) else max(first, created.normalize())
    for day in pd.date_range(begin, last - DAY, freq="D"):
        line.days.setdefault(day, (None, NO_ROW))
