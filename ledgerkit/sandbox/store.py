"""Rows of the listings, kept as encoded JSON beside small columns for filters and order.

A node of a transaction as Python dicts takes several kilobytes, encoded it takes one; a page is a join
of encoded rows, and a hundred thousand of them cost no more than their text.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, overload

from .answers import decode, encode

Node = dict[str, Any]
Extractor = Callable[[Node], Any]
Predicate = Callable[[int], bool]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# texts that hold numbers: a service orders them as numbers
AMOUNTS = frozenset({"amount", "available_balance", "balance", "fees", "max_fees", "pending_balance", "total_reward"})
VIEWS_KEPT = 32


def microseconds(when: datetime) -> int:
    """Return the microseconds since the epoch; a time without an offset is UTC."""
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return (aware - EPOCH) // timedelta(microseconds=1)


def wire_time(seconds: float) -> str:
    """Write a time as the API does: microseconds and ``+00:00``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def created(node: Node) -> int | None:
    """Return ``created_on`` in microseconds."""
    value = node.get("created_on")
    return None if value is None else microseconds(datetime.fromisoformat(value))


class Collection(Sequence[Node]):
    """The rows of one listing, oldest first; as a sequence it decodes its nodes one by one.

    Parameters
    ----------
    nodes
        The rows in the order of their creation.
    columns
        What filters look at: name to a function of the node.
    """

    def __init__(self, nodes: Iterable[Node], columns: Mapping[str, Extractor]) -> None:
        self.lock = threading.RLock()
        self.encoded: list[bytes] = []
        self.ids: list[Any] = []
        self.columns: dict[str, list[Any]] = {name: [] for name in columns}
        self.fields: dict[str, bool] = {}
        self._extractors = dict(columns)
        self._positions: dict[Any, int] = {}
        self._hidden: set[int] = set()
        self._views: OrderedDict[Any, list[int]] = OrderedDict()
        for node in nodes:
            self.append(node)

    def __len__(self) -> int:
        return len(self.encoded)

    @overload
    def __getitem__(self, index: int) -> Node: ...
    @overload
    def __getitem__(self, index: slice) -> list[Node]: ...
    def __getitem__(self, index: int | slice) -> Node | list[Node]:
        if isinstance(index, slice):
            return [decode(encoded) for encoded in self.encoded[index]]
        return decode(self.encoded[index])  # type: ignore[no-any-return]  # an object as it was encoded

    def append(self, node: Node) -> None:
        """Add a row at the young end."""
        with self.lock:
            identifier = node.get("id", len(self.ids))
            self._positions[identifier] = len(self.ids)
            self.ids.append(identifier)
            for name, extract in self._extractors.items():
                self.columns[name].append(extract(node))
            for field, value in node.items():
                # a field is sortable when no row holds an object or a list in it
                self.fields[field] = self.fields.get(field, True) and not isinstance(value, dict | list)
            self.encoded.append(encode(node))
            self._views.clear()

    def replace(self, node: Node) -> None:
        """Write the row with this node's id anew; its place in the order of creation stays."""
        with self.lock:
            position = self._positions[node["id"]]
            for name, extract in self._extractors.items():
                self.columns[name][position] = extract(node)
            for field, value in node.items():
                self.fields[field] = self.fields.get(field, True) and not isinstance(value, dict | list)
            self.encoded[position] = encode(node)
            self._views.clear()

    def next_id(self) -> int:
        """Return the id of the next row, where ids are integers."""
        return max(self.ids, default=0) + 1

    def find(self, identifier: Any) -> Node | None:
        """Return the node with this id, also where listings hide it."""
        position = self.position(identifier)
        return None if position is None else self[position]

    def position(self, identifier: Any) -> int | None:
        """Return the position of the row with this id."""
        return self._positions.get(identifier)

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
            self.hide(self._positions.pop(identifier))

    def view(
        self, key: Any, predicates: Callable[[], Iterable[Predicate]], order_by: str | None, *, descending: bool
    ) -> list[int]:
        """Return the positions of the rows that fit, in order.

        Parameters
        ----------
        key
            What makes the predicates; pages of one search share the view that is kept under it.
        predicates
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
            view = [position for position in range(len(self.encoded)) if position not in self._hidden]
            for predicate in predicates():
                view = [position for position in view if predicate(position)]
            if order_by not in (None, "id", "created_on"):
                view.sort(key=lambda position: _rank(order_by, decode(self.encoded[position]).get(order_by)))
            if descending:
                view.reverse()
            self._views[view_key] = view
            if len(self._views) > VIEWS_KEPT:
                self._views.popitem(last=False)
            return view


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
