"""The workspace that a sandbox serves: its collections, and how a listing of them is answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import QueryParams

from . import filters
from .answers import Refusal, bad_value, encode, page_body
from .catalogue import Listing, Relations
from .engine import Announce, Engine
from .faults import Faults
from .store import Collection, Condition, Node
from .tokens import TokenIssuer
from .viewers import Sight, Viewer
from .webhooks import Webhooks
from .world import World


@dataclass(frozen=True, slots=True)
class Call:
    """One call, after its credentials were accepted."""

    method: str
    path: str
    viewer: Viewer
    parameters: Mapping[str, str]
    query: QueryParams
    body: bytes = b""

    def integer(self, name: str) -> int:
        """Return a path parameter that has to be an integer."""
        try:
            return filters.integer(self.parameters[name])
        except ValueError as error:
            raise bad_value(self.parameters[name], name, str(error)) from None

    def option(self, name: str, read: Any, default: Any = None) -> Any:
        """Return a query parameter that may be given once."""
        values = self.query.getlist(name)
        if not values:
            return default
        if len(values) > 1:
            raise Refusal(400, f"Parameter '{name}' may be given once")
        try:
            return read(values[0])
        except ValueError as error:
            raise bad_value(values[0], name, str(error)) from None


@dataclass(slots=True)
class Service:
    """Everything that answers are made from."""

    world: World
    faults: Faults
    tokens: TokenIssuer
    listings: dict[str, Listing]
    relations: Relations
    collections: dict[str, Collection]
    sight: Sight
    page_size_maximum: int
    webhooks: Webhooks
    engine: Engine
    parts: dict[tuple[str, int], Collection] = field(default_factory=dict)

    @property
    def listeners(self) -> list[Announce]:
        """Who is told of events; append to subscribe."""
        return self.engine.listeners

    def announce(
        self, event_type: str, payload_type: str, identifier: Any, users: frozenset[int] | None = None
    ) -> None:
        """Tell every listener of an event; `users` are those whom it concerns, None all who see the object."""
        self.engine.announce(event_type, payload_type, identifier, users)

    def node(self, call: Call, section: str, identifier: Any, name: str) -> Node:
        """Return a node that the caller may see, or refuse with 404."""
        found = self.collections[section].find(identifier)
        if found is None or not self.sight.sees(call.viewer, section, found):
            raise Refusal(404, f"{name} {identifier} not found")
        return call.viewer.mask(section, found)

    def account(self, call: Call, name: str = "account_id") -> Node:
        """Return the account of the path."""
        return self.node(call, "accounts", call.integer(name), "Account")

    def list(self, call: Call, section: str) -> bytes:
        """Answer a listing of a section."""
        keep = self.sight.keeps(call.viewer, section)
        base = () if keep is None else (keep,)
        return self.page(call, self.listings[section], self.collections[section], section, base)

    def page(
        self, call: Call, listing: Listing, collection: Collection, section: str, base: tuple[Condition, ...] = ()
    ) -> bytes:
        """Answer one page of the rows of a collection that the call's filters keep."""
        page, size = self._page_of(call, listing)
        wanted = _filters_of(call, listing)
        order_by, descending = _order_of(call, listing, collection)

        def view() -> Sequence[int]:
            key = (call.path, call.viewer, wanted)
            return collection.view(
                key,
                lambda: (*base, *(listing.filters[name].keep(value) for name, value in wanted)),
                order_by,
                descending=descending,
            )

        with collection.lock:
            self.faults.before_page(call.path, page, collection, view)
            positions = view()
            first = (page - 1) * size
            rows = positions[first : first + size]
            nodes = collection.encoded.take(rows)
            if call.viewer.masks(section):
                nodes = [encode(call.viewer.mask(section, collection[position])) for position in rows]
            body = page_body(nodes, first, len(positions))
            self.faults.after_page(call.path, page, collection, rows, positions)
        return body

    def _page_of(self, call: Call, listing: Listing) -> tuple[int, int]:
        page = call.option("page", filters.integer, 1)
        size = call.option("page_size", filters.integer, listing.page_size)
        if page < 1:
            raise bad_value(page, "page", "must be greater than or equal to 1")
        if size < -1:
            raise bad_value(size, "page_size", "must be greater than or equal to -1")
        return page, self.page_size_maximum if size < 1 else min(size, self.page_size_maximum)


def _filters_of(call: Call, listing: Listing) -> tuple[tuple[str, Any], ...]:
    """Read the filters of a call, in a form that can be a key."""
    known = {"page", "page_size", *listing.filters, *listing.options}
    wanted: list[tuple[str, Any]] = []
    for name in sorted(call.query.keys()):
        if name not in known:
            raise Refusal(listing.unknown, f"Unknown search parameter '{name}'")
        if name not in listing.filters:
            continue
        found = listing.filters[name]
        if not found.many:
            wanted.append((name, call.option(name, found.read)))
            continue
        values = call.query.getlist(name)
        try:
            wanted.append((name, frozenset(found.read(value) for value in values)))
        except ValueError as error:
            raise bad_value(values, name, str(error)) from None
    return tuple(wanted)


def _order_of(call: Call, listing: Listing, collection: Collection) -> tuple[str | None, bool]:
    if "order" not in listing.options:
        return None, True
    order = call.option("order", filters.choice(("asc", "desc")), "desc")
    order_by = call.option("order_by", filters.text)
    if order_by not in (None, "id", "created_on") and not collection.fields.get(order_by):
        raise bad_value(order_by, "order_by", "a sortable field of the object is expected")
    return order_by, order == "desc"
