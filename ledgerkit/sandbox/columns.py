"""Columns beside the encoded rows: what filters look at, in a few bytes for each row."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]
Mask = NDArray[np.bool_]
Test = Callable[[Any], bool]

# what stands for None among 64-bit numbers
_NONE = -(2**63)
_LEAST, _GREATEST = _NONE + 1, 2**63 - 1


class Column(Protocol):
    """The values of one column, by position."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __getitem__(self, position: int) -> Any: ...
    def __setitem__(self, position: int, value: Any) -> None: ...
    def append(self, value: Any) -> None:
        """Add the value of a new row."""

    def fits(self, test: Test, positions: Positions) -> Mask:
        """Say which of the rows have a value that passes."""


class Values:
    """Any objects, as they are: for listings that stay small, and for numbers of any size."""

    def __init__(self) -> None:
        self._values: list[Any] = []

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __getitem__(self, position: int) -> Any:
        return self._values[position]

    def __setitem__(self, position: int, value: Any) -> None:
        self._values[position] = value

    def append(self, value: Any) -> None:
        """Add the value of a new row."""
        self._values.append(value)

    def fits(self, test: Test, positions: Positions) -> Mask:
        """Say which of the rows have a value that passes."""
        values = self._values
        return np.fromiter((test(values[position]) for position in positions.tolist()), bool, len(positions))


class Codes:
    """Values of which many rows have the same: four bytes for each row, and a test looks at each value once."""

    def __init__(self) -> None:
        self._codes = array("I")
        self._values: list[Any] = []
        self._known: dict[Any, int] = {}

    def __len__(self) -> int:
        return len(self._codes)

    def __iter__(self) -> Iterator[Any]:
        return map(self._values.__getitem__, self._codes)

    def __getitem__(self, position: int) -> Any:
        return self._values[self._codes[position]]

    def __setitem__(self, position: int, value: Any) -> None:
        self._codes[position] = self._code(value)

    def append(self, value: Any) -> None:
        """Add the value of a new row."""
        try:
            self._codes.append(self._known[value])
        except KeyError:
            self._codes.append(self._code(value))

    def fits(self, test: Test, positions: Positions) -> Mask:
        """Say which of the rows have a value that passes."""
        passes = np.fromiter(map(test, self._values), bool, len(self._values))
        # the array can't grow while a view of it lives: it ends with this line
        found: Mask = passes[np.frombuffer(self._codes, np.uintc)[positions]]
        return found

    def _code(self, value: Any) -> int:
        code = self._known.setdefault(value, len(self._values))
        if code == len(self._values):
            self._values.append(value)
        return code


class Numbers:
    """Integers of 64 bits, or None; where they rise, a window of them is found by bisection."""

    def __init__(self, values: Iterable[int | None] = ()) -> None:
        self._numbers = array("q")
        self.rising = True
        for value in values:
            self.append(value)

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[int | None]:
        return (None if number == _NONE else number for number in self._numbers)

    def __getitem__(self, position: int) -> int | None:
        number = self._numbers[position]
        return None if number == _NONE else number

    def __setitem__(self, position: int, value: int | None) -> None:
        number = _NONE if value is None else value
        if number != self._numbers[position]:
            self._numbers[position] = number
            # a row that is written anew keeps its id and its date: any other change is rare enough for this
            self.rising = False

    def append(self, value: int | None) -> None:
        """Add the value of a new row."""
        number = _NONE if value is None else value
        if self.rising and (number == _NONE or (self._numbers and number < self._numbers[-1])):
            self.rising = False
        self._numbers.append(number)

    def fits(self, test: Test, positions: Positions) -> Mask:
        """Say which of the rows have a value that passes."""
        return np.fromiter((test(self[position]) for position in positions.tolist()), bool, len(positions))

    def at(self, positions: Positions) -> Positions:
        """Return the numbers of some rows; the least number of 64 bits stands for None."""
        found: Positions = np.frombuffer(self._numbers, np.int64)[positions]
        return found

    def within(self, low: int, high: int, positions: Positions) -> Mask:
        """Say which of the rows have a number from `low` to `high`, both inside."""
        low, high = max(low, _LEAST), min(high, _GREATEST)
        if low > high:
            return np.zeros(len(positions), bool)
        numbers = self.at(positions)
        return (numbers >= low) & (numbers <= high)

    def span(self, low: int, high: int) -> tuple[int, int]:
        """Return between which positions the numbers from `low` to `high` stand; only where numbers rise."""
        first = bisect_left(self._numbers, low)
        return first, max(first, bisect_right(self._numbers, high))
