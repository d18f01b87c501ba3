"""Days, weeks, months and quarters of a period, in UTC: none overlaps, and none is missed."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from ledgerkit.errors import InvalidRequest, shorten

By = Literal["day", "week", "month", "quarter"]
_STEPS = {
    "day": pd.DateOffset(days=1),
    "week": pd.DateOffset(days=7),
    "month": pd.DateOffset(months=1),
    "quarter": pd.DateOffset(months=3),
}


@dataclass(frozen=True)
class Span:
    """A part of a period: ``begins`` is in it, ``ends`` is not.

    Parameters
    ----------
    whole
        Whether it is all of the day, week, month or quarter that ``name`` says.
    """

    name: str
    begins: pd.Timestamp
    ends: pd.Timestamp
    whole: bool


def spans(first: pd.Timestamp, last: pd.Timestamp, by: By) -> list[Span]:
    """Return the days, weeks (from Monday), months or quarters of a period, cut at its ends.

    Raises
    ------
    InvalidRequest
        ``by`` is none of these.
    """
    if by not in _STEPS:
        raise InvalidRequest(f"`by` = {shorten(by)}: it is one of {', '.join(_STEPS)}.", field="by")
    begins, found = _beginning(first, by), []
    while begins < last:
        ends = begins + _STEPS[by]
        cut = (max(begins, first), min(ends, last))
        found.append(Span(_name(begins, by), *cut, whole=cut == (begins, ends)))
        begins = ends
    return found


def place(moment: pd.Timestamp, among: Sequence[Span]) -> int | None:
    """Return the position of the span that a moment is in; None where it is in none."""
    position = bisect_right(among, moment, key=lambda one: one.begins) - 1
    return position if position >= 0 and moment < among[position].ends else None


def _beginning(moment: pd.Timestamp, by: By) -> pd.Timestamp:
    day = moment.normalize()
    if by == "day":
        return day
    if by == "week":
        return day - pd.Timedelta(days=day.weekday())
    return day.replace(day=1, month=day.month if by == "month" else day.month - (day.month - 1) % 3)


def _name(begins: pd.Timestamp, by: By) -> str:
    if by == "week":
        year, week, _ = begins.isocalendar()
        return f"{year}-W{week:02d}"
    if by == "quarter":
        return f"{begins.year}-Q{begins.quarter}"
    return f"{begins:%Y-%m}" if by == "month" else f"{begins:%Y-%m-%d}"
