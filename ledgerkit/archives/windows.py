"""Months, and windows of them that hold no more rows than a part."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

SECOND: Final = timedelta(seconds=1)


def month_of(moment: datetime) -> datetime:
    """Return the first moment of a month."""
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def month_before(moment: datetime) -> datetime:
    """Return the first moment of the month that the time just before a moment lies in."""
    return month_of(moment - timedelta(microseconds=1))


def month_after(moment: datetime) -> datetime:
    """Return the first moment of the next month."""
    return month_of(month_of(moment) + timedelta(days=32))


def slices(
    start: datetime, until: datetime, rows: int, most: int, count: Callable[[datetime, datetime], int]
) -> Iterator[tuple[datetime, datetime, int]]:
    """Give windows that together are the whole one, newest first, and how many rows are counted in each.

    Parameters
    ----------
    rows
        How many rows the whole one has.
    most
        How many a window may have. Borders are whole seconds: more rows than this in one second stay together.
    count
        Counts the rows of a window.
    """
    if rows > most and count(start, start) > most:
        # No window is shorter than this one: the service does not go by dates, and slices would never end.
        yield start, until, rows
        return
    while True:
        low = start
        if rows > most:
            low, rows = _lowest(start, until, most, count)
        yield low, until, rows
        if low <= start:
            return
        until = low
        rows = count(start, until)


def _lowest(
    start: datetime, until: datetime, most: int, count: Callable[[datetime, datetime], int]
) -> tuple[datetime, int]:
    """Return from which second on a window that begins after ``start`` holds enough rows and no more than it may."""
    too_many, few, held = start, until, 0
    while few - too_many > SECOND:
        middle = (too_many + (few - too_many) / 2).replace(microsecond=0)
        if middle <= too_many:
            break
        rows = count(middle, until)
        if rows > most:
            too_many = middle
        else:
            few, held = middle, rows
            if rows > most // 2:
                break
    if held:
        return few, held
    # All of them are of one second.
    return too_many, count(too_many, until)
