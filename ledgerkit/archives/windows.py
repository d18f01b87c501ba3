"""Months, and windows of them that hold no more rows than a part."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

SECOND: Final = timedelta(seconds=1)
# No row is older: the calendar starts here.
BEGINNING: Final = datetime.min.replace(tzinfo=UTC)

# Counts the rows of a window; None where the count is not to be believed.
Count = Callable[[datetime, datetime], int | None]


def month_of(moment: datetime) -> datetime:
    """Return the first moment of a month."""
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def month_before(moment: datetime) -> datetime:
    """Return the first moment of the month that the time just before a moment lies in."""
    return month_of(moment - timedelta(microseconds=1))


def month_after(moment: datetime) -> datetime:
    """Return the first moment of the next month."""
    return month_of(month_of(moment) + timedelta(days=32))


def end_of_rows(low: datetime, high: datetime, count: Count) -> datetime:
    """Return the end of the newest month before a moment that has rows; some are known to be from ``low`` on.

    Parameters
    ----------
    count
        Counts the rows of a window. Nothing else tells where the newest are: ids need not ascend with time.
    """
    months = 1
    while (start := _months_before(high, months)) > low and count(start, high) == 0:
        high, months = start, 2 * months
    start = max(start, low)
    while start < month_before(high):
        middle = _months_before(high, (_months_between(start, high) + 1) // 2)
        if count(middle, high) == 0:
            high = middle
        else:
            start = middle
    return high


def _months_between(start: datetime, high: datetime) -> int:
    """Return how many months a window touches."""
    last = month_before(high)
    return (last.year - start.year) * 12 + last.month - start.month + 1


def _months_before(moment: datetime, months: int) -> datetime:
    """Return the first moment of the months that end with the one just before a moment; the calendar's at most."""
    last = month_before(moment)
    number = last.year * 12 + last.month - months  # that of the first one, from 0
    return BEGINNING if number < 12 else last.replace(year=number // 12, month=number % 12 + 1)


def around(wanted: Sequence[datetime], moments: Sequence[datetime], most: int) -> list[tuple[datetime, datetime]]:
    """Return windows around some of the moments at which rows were created: as few as one page each allows.

    Parameters
    ----------
    wanted, moments
        Ascending; ``moments`` are those of all rows.
    most
        How many rows a window may have, unless they are of one second: borders are whole seconds.
    """
    found: list[tuple[datetime, datetime]] = []
    for moment in wanted:
        second = moment.replace(microsecond=0)
        start = found[-1][0] if found else second
        # A search asks a second more on both sides.
        first, last = bisect_left(moments, _less_a_second(start)), bisect_right(moments, second + 2 * SECOND)
        if found and last - first <= most:
            found[-1] = start, second + SECOND
        else:
            found.append((second, second + SECOND))
    return found


def _less_a_second(moment: datetime) -> datetime:
    return moment - SECOND if moment - BEGINNING > SECOND else BEGINNING


def slices(
    start: datetime, until: datetime, rows: int | None, most: int, count: Count
) -> Iterator[tuple[datetime, datetime, int | None]]:
    """Give windows that together are the whole one, newest first, and how many rows are counted in each.

    Parameters
    ----------
    rows
        How many rows the whole one has; None where nobody knows, and then it stays whole.
    most
        How many a window may have. Borders are whole seconds: more rows than this in one second stay together.
    count
        Counts the rows of a window.
    """
    if rows is not None and rows > most and (count(start, start) or 0) > most:
        # No window is shorter than this one: the service does not go by dates, and slices would never end.
        yield start, until, rows
        return
    while True:
        low = start
        if rows is not None and rows > most:
            low, rows = _lowest(start, until, most, count)
        yield low, until, rows
        if low <= start:
            return
        until = low
        rows = count(start, until)


def _lowest(start: datetime, until: datetime, most: int, count: Count) -> tuple[datetime, int | None]:
    """Return from which second on a window that begins after ``start`` holds enough rows and no more than it may."""
    too_many, few, held = start, until, 0
    while few - too_many > SECOND:
        middle = (too_many + (few - too_many) / 2).replace(microsecond=0)
        if middle <= too_many:
            break
        rows = count(middle, until)
        if rows is None:
            return middle, None
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
