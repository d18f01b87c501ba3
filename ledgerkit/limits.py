"""The rate limit, shared by all threads of a session: slow down before it is hit, wait together when it is."""

import contextlib
import math
import threading
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from ledgerkit.announcements import RateLimit, announced
from ledgerkit.clock import Clock

# A longer wait is not believed: one odd header would hold the session up for years. Windows are minutes long.
LONGEST_WAIT: Final = 900.0

# A window that is said to end now may last for a second yet, where its end is told in whole seconds. An end that is
# told anew so little later is the same end.
SHORTEST_WINDOW: Final = 1.0
ROUNDING: Final = 1.5

# So many answers in a row that announce nothing are believed: the service does so no more.
SILENT_FROM: Final = 20

# So many calls go side by side where no limit is announced: others share the workspace.
UNANNOUNCED: Final = 8

# Whether what is asked is one of many calls that were started together: all of them are bulk then.
among_many: ContextVar[bool] = ContextVar("among_many", default=False)


@dataclass
class _Window:
    """What is known of the time until the next reset; without limits where the service announces none."""

    remaining: float = math.inf
    # By the session's stopwatch; nobody knows where it is not told.
    ends: float = math.inf
    left_for_bulk: float = math.inf
    # When the next bulk call may go, where they are spread over the window.
    next_turn: float = -math.inf


class Limiter:
    """Says when a request may go.

    What the service announces of a window is kept as a budget: a long read takes its share of it and no more, a
    single call may have all. Calls that are under way count as used before their answers say so. While nothing is
    known, at the start and in a new window, one call goes alone and the others wait for its answer.

    Parameters
    ----------
    clock
        Where time comes from.
    share
        The share of what remains in a window that bulk reads may use: other people and systems work in the same
        workspace.
    """

    def __init__(self, clock: Clock, share: float = 0.5) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"the share of the rate limit is more than 0 and at most 1, not {share}")
        self._clock = clock
        self._share = share
        self._changed = threading.Condition()
        self._announced = RateLimit()
        # How many answers in a row have announced nothing.
        self._silent = 0
        self._blocked_until = -math.inf
        # The window that lasts, or None while nothing is known; and then the one before, which may last yet.
        self._window: _Window | None = None
        self._last: _Window | None = None
        # How much later than announced windows have turned out to end.
        self._late = 0.0
        self._under_way = self._most_under_way = 0
        # How many may be under way: after a refusal one, then slowly more.
        self._room = math.inf
        # How many long reads are under way, and how many calls they are still to make.
        self._reads = self._wanted = 0

    @property
    def announced(self) -> RateLimit:
        """What the service last announced."""
        with self._changed:
            return self._announced

    def width(self) -> int:
        """Return how many calls of a long read may go side by side: as many as are left, few if nobody tells."""
        with self._changed:
            self._end_window(self._clock.monotonic())
            left = self._window.left_for_bulk if self._window else math.inf
        return UNANNOUNCED if left == math.inf else max(1, int(left))

    @contextlib.contextmanager
    def expecting(self, calls: int) -> Iterator[None]:
        """Say that so many bulk calls come now: where they are more than the window has left, they are spread."""
        with self._changed:
            self._reads += 1
            self._wanted += calls
        try:
            yield
        finally:
            with self._changed:
                self._reads -= 1
                if not self._reads:
                    self._wanted = 0

    def reserve(self, *, bulk: bool, patient: bool = True) -> float | None:
        """Take a place and return 0, or say what has to pass before asking again.

        Returns
        -------
        float or None
            Seconds; None where an answer that is under way will tell (:meth:`wait_for_answer`), which happens only
            to who is ``patient``. Whoever has taken a place gives it back with :meth:`done`.
        """
        with self._changed:
            now = self._clock.monotonic()
            if now < self._blocked_until:
                return self._blocked_until - now
            self._end_window(now)
            if bulk and self._window and (wait := self._bulk_waits(self._window, now)):
                return wait
            if self._under_way and self._is_crowded(bulk, patient):
                return None if patient else SHORTEST_WINDOW
            if bulk:
                self._take_for_bulk(now)
            self._under_way += 1
            self._most_under_way = max(self._most_under_way, self._under_way)
            return 0.0

    def wait_for_answer(self, seconds: float) -> float:
        """Wait until a call that is under way has ended, at most so long; return how long, in the machine's time."""
        started = time.monotonic()
        with self._changed:
            self._changed.wait(seconds)
        return time.monotonic() - started

    def done(self) -> None:
        """Give a place back: the call was answered, or is lost."""
        with self._changed:
            self._under_way -= 1
            self._changed.notify_all()

    def learn(self, headers: Mapping[str, str], now: float) -> None:
        """Read what an answer announces; ``now`` is the server's time, since a reset may be an epoch of its clock."""
        told, wait = announced(headers, now)
        remaining = told.remaining
        with self._changed:
            self._room += 1 / max(1, self._room)
            if remaining is None:
                self._learn_nothing()
                return
            self._announced, self._silent = told, 0
            moment = self._clock.monotonic()
            self._end_window(moment)
            ends = math.inf if wait is None else moment + min(wait, LONGEST_WAIT) + self._late
            window = self._window = self._told(remaining, ends, moment)
            window.remaining = min(window.remaining, remaining)
            if window.ends == math.inf:
                return
            # Others use up the same window: half of what remained at its start may be all that remains now. What is
            # under way beside this call may not have been counted by the service yet.
            unseen = max(0, self._under_way - 1)
            window.left_for_bulk = max(0, min(window.left_for_bulk, math.floor((remaining - unseen) * self._share)))
            if remaining == 0:
                self._blocked_until = max(self._blocked_until, window.ends)

    def block(self, seconds: float) -> None:
        """Park every thread for this long: the limit was hit. Afterwards one call goes alone, then slowly more."""
        with self._changed:
            self._blocked_until = max(self._blocked_until, self._clock.monotonic() + min(seconds, LONGEST_WAIT))
            self._room = 1

    def _end_window(self, now: float) -> None:
        if self._window and now >= self._window.ends:
            self._window, self._last = None, self._window

    def _bulk_waits(self, window: _Window, now: float) -> float:
        """Return the seconds until the next window, or until the next turn where calls are spread."""
        if window.left_for_bulk < 1:
            return window.ends - now
        spread = self._wanted > window.left_for_bulk and now < window.next_turn
        return min(window.next_turn, window.ends) - now if spread else 0.0

    def _take_for_bulk(self, now: float) -> None:
        if window := self._window:
            if self._wanted > window.left_for_bulk:
                window.next_turn = now + (window.ends - now) / window.left_for_bulk
            window.left_for_bulk -= 1
        self._wanted = max(0, self._wanted - 1)

    def _is_crowded(self, bulk: bool, patient: bool) -> bool:
        share = self._share if bulk else 1
        if patient:
            return not self._window or self._under_way >= min(self._room, self._window.remaining * share)
        # Nobody answers: a long read takes no more than a new window will have for it.
        limit = max(self._announced.limit or 0, self._announced.remaining or 0)
        return bulk and not self._window and limit > 0 and self._under_way >= math.floor(limit * share)

    def _learn_nothing(self) -> None:
        # A gateway in between answers without announcing anything, but a service that announced goes on to do so.
        self._silent += 1
        if self._announced.remaining is None or self._silent >= SILENT_FROM:
            self._announced, self._window, self._last = RateLimit(), _Window(), None

    def _told(self, remaining: int, ends: float, moment: float) -> _Window:
        """Return the window that an answer is about: the one that is known, the one before, or a new one."""
        window, last = self._window, self._last
        if window and window.ends < math.inf:
            # Answers that overtake each other differ by less, unless it has ended before it was to.
            if remaining <= window.remaining + self._most_under_way:
                window.ends = min(window.ends, ends)
                return window
        elif last and remaining <= last.remaining and ends <= last.ends + ROUNDING:
            # Ends are told in whole seconds, rounded in a way that nobody states: this is the old window still.
            self._late = SHORTEST_WINDOW  # it rounds down, and will do so again
            last.ends = max(ends, moment + SHORTEST_WINDOW)
            return last
        # What is under way may be counted in either.
        limit = self._announced.limit or remaining + self._under_way
        left = math.floor(limit * self._share) - self._under_way
        return _Window(remaining, max(ends, moment + SHORTEST_WINDOW), math.inf if ends == math.inf else left)
