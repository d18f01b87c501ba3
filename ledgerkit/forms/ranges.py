"""Quick ranges of time: whole days of the session's zone, by the clock of the service."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final


def _month(year: int, month: int) -> date:
    """Return the first day of a month; months before January and after December are those of other years."""
    return date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)


def _quarter(today: date) -> tuple[date, date]:
    first = (today.month - 1) // 3 * 3 + 1
    return _month(today.year, first), _month(today.year, first + 3)


# From the first day on, and before the second.
RANGES: Final[Mapping[str, Callable[[date], tuple[date, date]]]] = {
    "Today": lambda today: (today, today + timedelta(days=1)),
    "Last 7 days": lambda today: (today - timedelta(days=6), today + timedelta(days=1)),
    "This month": lambda today: (_month(today.year, today.month), _month(today.year, today.month + 1)),
    "Last month": lambda today: (_month(today.year, today.month - 1), _month(today.year, today.month)),
    "This quarter": _quarter,
    "Year to date": lambda today: (date(today.year, 1, 1), today + timedelta(days=1)),
}


def bounds(name: str, now: float, zone: tzinfo) -> tuple[str, str]:
    """Return a range as texts: from the first moment on, and before the second.

    Parameters
    ----------
    name
        One of :data:`RANGES`.
    now
        What the server's clock shows, in seconds since the epoch.
    zone
        The zone whose days are meant; where it is not UTC, its offset stands in the texts.
    """
    first, last = RANGES[name](datetime.fromtimestamp(now, UTC).astimezone(zone).date())
    return _text(first, zone), _text(last, zone)


def _text(day: date, zone: tzinfo) -> str:
    if str(zone) == "UTC":
        return day.isoformat()
    # Each bound has the offset of its own day: summer time may begin between them.
    return datetime(day.year, day.month, day.day, tzinfo=zone).isoformat()
