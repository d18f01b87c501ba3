"""Rows of the listings, kept as encoded JSON beside small columns for filters and order.

A node of a transaction as Python dicts takes several kilobytes, encoded it takes one, packed a third of that; a page
is a join of encoded rows.
"""

import threading
from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol, overload

import numpy as np

from .answers import decode, encode
from .blocks import Blocks
from .columns import Codes, Column, Mask, Numbers, Positions, Test, Values

Node = dict[str, Any]
Extractor = Callable[[Node], Any]
Columns = Mapping[str, tuple[type[Column], Extractor]]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# texts that hold numbers: a service orders them as numbers
AMOUNTS = frozenset({"amount", "available_balance", "balance", "fees", "max_fees", "pending_balance", "total_reward"})
VIEWS_KEPT = 32
# rows that the views have in all; a view of a range of dates takes no room
VIEWED_AT_MOST = 10_000_000


def microseconds(when: datetime) -> int:
    """Return the microseconds since the epoch; a time without an offset is UTC."""
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return (aware - EPOCH) // _MICROSECOND


def wire_time(seconds: float) -> str:
    """Write a time as the API does: microseconds and ``+00:00``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def created(node: Node) -> int | None:
    """Return ``created_on`` in microseconds."""
    value = node.get("created_on")
    return None if value is None else microseconds(datetime.fromisoformat(value))


def values(extract: Extractor) -> tuple[type[Column], Extractor]:
    """Declare a column of any objects."""
    return Values, extract


def codes(extract: Extractor) -> tuple[type[Column], Extractor]:
    """Declare a column of values of which many rows have the same."""
    return Codes, extract


def numbers(extract: Extractor) -> tuple[type[Column], Extractor]:
    """Declare a column of integers of 64 bits."""
    return Numbers, extract


class Condition(Protocol):
    """What rows have to fulfil."""

    def mask(self, collection: "Collection", positions: Positions) -> Mask:
        """Say which of the rows do."""


@dataclass(frozen=True, slots=True)
class Where:
    """A column has a value that passes a test."""

    column: str
    test: Test

    def mask(self, collection: "Collection", positions: Positions) -> Mask:
        """Say which of the rows do."""
        return collection.columns[self.column].fits(self.test, positions)


@dataclass(frozen=True, slots=True)
class Window:
    """A column of :class:`Numbers` has one from `low` to `high`, both inside."""

    column: str
    low: int
    high: int

    def mask(self, collection: "Collection", positions: Positions) -> Mask:
        """Say which of the rows do."""
        return collection.numbers(self.column).within(self.low, self.high, positions)


class Collection(Sequence[Node]):
    """The rows of one listing, oldest first; as a sequence it decodes its nodes one by one.

    Parameters
    ----------
    nodes
        The rows in the order of their creation.
    columns
        What filters look at: name to a kind of column and a function of the node.
    write
        Encodes a node as listings show it.
    """

    def __init__(self, nodes: Iterable[Node], columns: Columns, write: Callable[[Node], bytes] = encode) -> None:
        self.lock = threading.RLock()
        self.encoded = Blocks()
        self.columns: dict[str, Column] = {name: kind() for name, (kind, _) in columns.items()}
        self._write = write
        self._fill = [(self.columns[name], extract) for name, (_, extract) in columns.items()]
        self._fields: set[str] = set()
        self._nested: set[str] = set()
        self._ids = _Ids()
        self._hidden: set[int] = set()
        self._views: OrderedDict[Any, Sequence[int]] = OrderedDict()
        for node in nodes:
            self.append(node)

    def __len__(self) -> int:
        return len(self.encoded)

    @overload
    def __getitem__(self, index: int) -> Node: ...
    @overload
    def __getitem__(self, index: slice) -> list[Node]: ...
    def __getitem__(self, index: int | slice) -> Node | list[Node]:
        found = range(len(self))[index]
        if isinstance(found, range):
            return [decode(self.encoded[position]) for position in found]
        return decode(self.encoded[found])  # type: ignore[no-any-return]  # an object as it was encoded

    @property
    def ids(self) -> Sequence[Any]:
        """The ids of all rows, also of those that were taken out."""
        return self._ids.all

    @property
    def fields(self) -> dict[str, bool]:
        """The fields of the rows, and whether one can be ordered by: when no row holds an object or a list in it."""
        return {field: field not in self._nested for field in self._fields}

    def numbers(self, name: str) -> Numbers:
        """Return a column of integers."""
        column = self.columns[name]
        if not isinstance(column, Numbers):
            raise TypeError(f"{name} is no column of integers")
        return column

    def append(self, node: Node) -> None:
        """Add a row at the young end."""
        with self.lock:
            for column, extract in self._fill:
                column.append(extract(node))
            self._ids.append(node.get("id", len(self)))
            self._learn(node)
            self.encoded.append(self._write(node))
            self._views.clear()

    def replace(self, node: Node) -> None:
        """Write the row with this node's id anew; its place in the order of creation stays."""
        with self.lock:
            position = self._ids.known(node["id"])
            for column, extract in self._fill:
                column[position] = extract(node)
            self._learn(node)
            self.encoded[position] = self._write(node)
            self._views.clear()

    def next_id(self) -> int:
        """Return the id of the next row, where ids are integers."""
        return self._ids.greatest() + 1

    def find(self, identifier: Any) -> Node | None:
        """Return the node with this id, also where listings hide it."""
        position = self.position(identifier)
        return None if position is None else self[position]

    def position(self, identifier: Any) -> int | None:
        """Return the position of the row with this id."""
        return self._ids.position(identifier)

    def positions(self, identifiers: Positions) -> Positions:
        """Return the positions of the rows with these ids, integers all; -1 where there is none."""
        return self._ids.positions(identifiers)

    def hide(self, position: int) -> None:
        """Take a row out of listings."""
        with self.lock:
            self._hidden.add(position)
            self._views.clear()

    def show(self, position: int) -> None:
        """Bring a hidden row back into listings."""
        with self.lock:
            self._hidden.discard(position)
            self._views.clear()

    def remove(self, identifier: Any) -> None:
        """Take a row out for good: neither its id nor a listing finds it."""
        with self.lock:
            self.hide(self._ids.remove(identifier))

    def fulfils(self, position: int, condition: Condition) -> bool:
        """Say whether one row fulfils a condition."""
        with self.lock:
            return bool(condition.mask(self, np.array([position]))[0])

    def select(self, conditions: Iterable[Condition], *, hidden: bool = False) -> Sequence[int]:
        """Return the positions of the rows that fulfil all conditions, oldest first; hidden ones where asked for."""
        with self.lock:
            first, last = 0, len(self)
            others = []
            for condition in conditions:
                if isinstance(condition, Window) and self.numbers(condition.column).rising:
                    low, high = self.numbers(condition.column).span(condition.low, condition.high)
                    first, last = max(first, low), min(last, high)
                else:
                    others.append(condition)
            last = max(first, last)
            unseen = [] if hidden else [position for position in self._hidden if first <= position < last]
            if not others and not unseen:
                return range(first, last)
            positions = np.arange(first, last)
            if unseen:
                positions = np.setdiff1d(positions, unseen, assume_unique=True)
            for condition in others:
                positions = positions[condition.mask(self, positions)]
            return array("I", positions.astype(np.uintc).tobytes())

    def view(
        self, key: Any, conditions: Callable[[], Iterable[Condition]], order_by: str | None, *, descending: bool
    ) -> Sequence[int]:
        """Return the positions of the rows that fit, in order.

        Parameters
        ----------
        key
            What makes the conditions; pages of one search share the view that is kept under it.
        conditions
            Called where the view has to be made.
        order_by
            A field of the node; None for the order of creation.
        descending
            Newest, or greatest, first.
        """
        view_key = (key, order_by, descending)
        with self.lock:
            view = self._views.get(view_key)
            if view is not None:
                self._views.move_to_end(view_key)
                return view
            view = self.select(conditions())
            if order_by not in (None, "id", "created_on"):
                ranks = {position: _rank(order_by, self[position].get(order_by)) for position in view}
                view = array("I", sorted(view, key=ranks.__getitem__))
            if descending:
                view = view[::-1]
            self._views[view_key] = view
            while len(self._views) > VIEWS_KEPT or (len(self._views) > 1 and self._viewed() > VIEWED_AT_MOST):
                self._views.popitem(last=False)
            return view

    def _viewed(self) -> int:
        return sum(0 if isinstance(view, range) else len(view) for view in self._views.values())

    def _learn(self, node: Node) -> None:
        self._fields |= node.keys()
        for field, value in node.items():
            # of what JSON has, dicts and lists alone; `isinstance` takes four times as long
            if value.__class__ is dict or value.__class__ is list:
                self._nested.add(field)


class _Ids:
    """Ids in the order of their rows: rising integers are found by bisection, all others by a dict."""

    def __init__(self) -> None:
        self.all: list[Any] | array[int] = array("q")
        self._positions: dict[Any, int] | None = None
        self._removed: set[Any] = set()

    def append(self, identifier: Any) -> None:
        if self._positions is None and (
            not isinstance(identifier, int) or (len(self.all) > 0 and identifier <= self.all[-1])
        ):
            self.all = list(self.all)
            self._positions = {known: position for position, known in enumerate(self.all)}
        if self._positions is not None:
            self._positions[identifier] = len(self.all)
            self._removed.discard(identifier)
        self.all.append(identifier)

    def position(self, identifier: Any) -> int | None:
        if identifier in self._removed:
            return None
        if self._positions is not None:
            return self._positions.get(identifier)
        if not isinstance(identifier, int):
            return None
        position = bisect_left(self.all, identifier)
        return position if position < len(self.all) and self.all[position] == identifier else None

    def positions(self, identifiers: Positions) -> Positions:
        if self._positions is not None or self._removed or not self.all:
            places = [self.position(identifier) for identifier in identifiers.tolist()]
            return np.array([-1 if place is None else place for place in places], np.int64)
        known = np.frombuffer(self.all, np.int64)  # type: ignore[arg-type]  # an array while there is no dict
        found = np.minimum(np.searchsorted(known, identifiers), len(known) - 1)
        return np.where(known[found] == identifiers, found, -1)

    def known(self, identifier: Any) -> int:
        position = self.position(identifier)
        if position is None:
            raise KeyError(identifier)
        return position

    def remove(self, identifier: Any) -> int:
        position = self.known(identifier)
        self._removed.add(identifier)
        return position

    def greatest(self) -> int:
        if self._positions is None:
            return self.all[-1] if self.all else 0
        return max(self.all, default=0)


def _rank(field: str, value: Any) -> tuple[int, Any]:
    """Order values of one field: nulls first, then numbers, then texts."""
    if value is None:
        return 0, 0
    if isinstance(value, str):
        if field in AMOUNTS:
            try:
                return 1, Decimal(value)
            except InvalidOperation:
                return 2, value
        return 2, value
    return 1, value
