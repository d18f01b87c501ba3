"""A list that changes while it is read, behind a transport that is not one: no HTTP, no threads, no time that passes.

It is written from the documentation of the service alone, and shares nothing with the sandbox, so that one wrong idea
can't make both sides agree. ``ChangingList`` stands where the kit's transport stands::

    world = ChangingList(rows=25, most=10)
    world.then(arrive(3), leave(7))            # between the first request and the second
    Reader(world).read(...)
    world.throughout                           # the ids that any honest reader must have returned
"""

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ledgerkit.errors import InvalidRequest
from ledgerkit.limits import Limiter
from ledgerkit.transport import Answer

# Noon of a day in 2026, by the server's clock, when the first request comes.
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp()
MINUTE = 60.0

Event = Callable[["ChangingList"], None]


class Clock:
    """The client's clock; whoever waits makes it go on."""

    def __init__(self, wall: float) -> None:
        self.passed = 0.0
        self.wall = wall
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return 77.0 + self.passed

    def time(self) -> float:
        return self.wall + self.passed

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.waits.append(seconds)
        self.passed += seconds
        return event.is_set()


@dataclass
class Row:
    """One object, and whether the filter lets it through."""

    id: Any
    created: float
    shown: bool = True
    fields: dict[str, Any] = field(default_factory=dict)

    def node(self) -> dict[str, Any]:
        created = datetime.fromtimestamp(self.created, UTC).isoformat(timespec="microseconds")
        return {"id": self.id, "created_on": created, **self.fields}


def arrive(count: int = 1) -> Event:
    """Objects are created."""

    def event(world: "ChangingList") -> None:
        for _ in range(count):
            world.create()

    return event


def leave(position: int) -> Event:
    """One of the objects that are shown leaves the filter; positions count from the newest, and start over."""

    def event(world: "ChangingList") -> None:
        shown = world.shown()
        if shown:
            shown[position % len(shown)].shown = False

    return event


def enter(position: int) -> Event:
    """One of the objects that are not shown enters the filter."""

    def event(world: "ChangingList") -> None:
        hidden = sorted((row for row in world.rows if not row.shown), key=lambda row: row.created, reverse=True)
        if hidden:
            hidden[position % len(hidden)].shown = True

    return event


def swap(leaving: int, entering: int) -> Event:
    """One enters while another leaves, so that the count says nothing."""

    def event(world: "ChangingList") -> None:
        if any(not row.shown for row in world.rows):
            enter_first, leave_then = enter(entering), leave(leaving)
            enter_first(world)
            leave_then(world)

    return event


def pause(seconds: float) -> Event:
    """Nothing happens for a while."""

    def event(world: "ChangingList") -> None:
        world.clock.passed += seconds

    return event


class ChangingList:
    """The list, the server that pages it, and the transport to it.

    Parameters
    ----------
    rows, hidden
        How many objects there are, one a minute up to a minute before noon, and which of them (by position from the
        newest) the filter does not let through at first.
    most
        The most rows that a page may have, whatever is asked for; ``default`` where nothing is.
    refused
        Parameters, or ``name=value``, that are answered with 400.
    ignores_order
        Whether ``order`` and ``order_by`` do nothing; ``oldest_first`` is the order without them.
    before_counts, after_counts
        Whether the bounds themselves are in; ``whole_seconds`` whether their fractions are cut off.
    date
        Whether the answers tell the server's time, in whole seconds; ``ahead`` of the client's clock by so much.
    stale
        How many seconds the Date of the answers is behind the clock by which objects are dated.
    takes
        Seconds from the moment that an answer shows to the one at which it has arrived.
    repeats
        Whether pages behind the last one show the last one again.
    has_next
        What every page says, where it does not tell the truth.
    miscount
        How many rows the count has too many, or too few.
    dated
        Whether order and dates are known to the server at all.
    """

    def __init__(
        self,
        *,
        rows: int = 0,
        hidden: Sequence[int] = (),
        most: int = 10,
        default: int = 20,
        refused: Sequence[str] = (),
        ignores_order: bool = False,
        oldest_first: bool = False,
        before_counts: bool = False,
        after_counts: bool = False,
        whole_seconds: bool = False,
        date: bool = True,
        ahead: float = 0.0,
        stale: float = 0.0,
        takes: float = 0.02,
        repeats: bool = False,
        has_next: bool | None = None,
        miscount: int = 0,
        dated: bool = True,
        concurrency: int = 1,
    ) -> None:
        self.clock = Clock(NOON - ahead)
        self.concurrency = concurrency
        self.limiter = Limiter(self.clock)
        self.rows: list[Row] = []
        for minutes in range(rows, 0, -1):
            self.create(NOON - minutes * MINUTE)
        for position in hidden:
            self.rows[-1 - position].shown = False
        self.most, self.default = most, default
        self.refused = tuple(refused)
        self.ignores_order, self.oldest_first = ignores_order, oldest_first
        self.before_counts, self.after_counts = before_counts, after_counts
        self.whole_seconds = whole_seconds
        self.date, self.ahead, self.stale, self.takes = date, ahead, stale, takes
        self.repeats, self.has_next, self.miscount = repeats, has_next, miscount
        self.dated = dated
        self.asked: list[dict[str, str]] = []
        self.throughout: set[Any] = set()
        self.ever: set[Any] = set()
        # What any page showed.
        self.shown_on_pages: set[Any] = set()
        # How many rows there were at the first request.
        self.at_first = 0
        self._untouched = True
        self._script: list[tuple[Event, ...]] = []
        self._lock = threading.Lock()

    # The world

    def now(self) -> float:
        """The server's clock."""
        return self.clock.time() + self.ahead

    def create(self, created: float | None = None, **fields: Any) -> Row:
        row = Row(len(self.rows) + 1, self.now() if created is None else created, fields=fields)
        self.rows.append(row)
        return row

    def shown(self) -> list[Row]:
        """What the filter lets through, newest first."""
        return [row for row in reversed(self.rows) if row.shown]

    def then(self, *events: Event) -> "ChangingList":
        """Let these things happen after the next request that has nothing to follow it yet."""
        self._script.append(events)
        return self

    # The transport

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        bulk: bool = False,
        cancel: threading.Event | None = None,
        **_: Any,
    ) -> Answer:
        assert method == "GET"
        with self._lock:
            return self._answered(path, dict(params or {}))

    def _answered(self, path: str, asked: dict[str, str]) -> Answer:
        for name, value in asked.items():
            if {name, f"{name}={value}"} & set(self.refused):
                self.asked.append(asked)
                raise InvalidRequest(f"`{name}` is no good (400).", call=f"GET {path}", status=400)
        body = self.page(asked)
        ids = {row.id for row in self.shown()}
        if self._untouched:
            self.throughout, self.at_first, self._untouched = ids, len(ids), False
        self.throughout &= ids
        self.ever |= ids
        self.shown_on_pages |= {edge["node"]["id"] for edge in body["edges"]}
        turn = len(self.asked)
        self.asked.append(asked)
        self.clock.passed += self.takes
        date = float(int(self.now() - self.stale)) if self.date else None
        for event in self._script[turn] if turn < len(self._script) else ():
            event(self)
            # A row that left and came back before anyone looked was not there throughout.
            self.throughout &= {row.id for row in self.shown()}
        return Answer(f"GET {path}", body, date)

    def page(self, asked: Mapping[str, str]) -> Any:
        """Answer a page of the list as it is now."""
        rows = [row for row in self.shown() if self._within(row, asked)]
        oldest_first = self.oldest_first
        if self.dated and not self.ignores_order and "order" in asked:
            oldest_first = asked["order"] == "asc"
        if oldest_first:
            rows.reverse()
        size = min(self.most, int(asked.get("page_size", self.default)))
        number = int(asked.get("page", 1))
        pages = max(1, -(-len(rows) // size))
        if self.repeats:
            number = min(number, pages)
        start = (number - 1) * size
        nodes = [row.node() for row in rows[start : start + size]]
        if not self.dated:
            for node in nodes:
                del node["created_on"]
        has_next = number < pages if self.has_next is None else self.has_next
        return {
            "edges": [{"cursor": position, "node": node} for position, node in enumerate(nodes)],
            "page_info": {"count": max(0, len(rows) + self.miscount), "has_next_page": has_next},
        }

    def _within(self, row: Row, asked: Mapping[str, str]) -> bool:
        if not self.dated:
            return True
        before, after = (self._bound(asked.get(name)) for name in ("created_before", "created_after"))
        if before is not None and not (row.created < before or (self.before_counts and row.created == before)):
            return False
        return after is None or row.created > after or (self.after_counts and row.created == after)

    def _bound(self, text: str | None) -> float | None:
        if text is None:
            return None
        moment = datetime.fromisoformat(text).timestamp()
        return float(math.floor(moment)) if self.whole_seconds else moment

    # What was asked

    @property
    def requests(self) -> int:
        return len(self.asked)
