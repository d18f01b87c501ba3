"""The rate limit, shared by all threads of a session: slow down before it is hit, wait together when it is.

The service announces ``X-RateLimit-Limit``, ``-Remaining`` and ``-Reset`` and answers 420 (other gateways 429)
with ``Retry-After``; no source states whether a reset or a wait is a number of seconds, a date or an epoch, so
all are read.
"""

import contextlib
import math
import threading
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from ledgerkit.clock import Clock

# Above this, a number is seconds since the epoch and not a wait: 10^9 s are 31 years.
EPOCH_FROM = 1e9
# And above this it is in milliseconds.
EPOCH_MILLISECONDS_FROM = 1e11

# A longer wait is not believed: one odd header would hold the session up for years. Windows are minutes long.
LONGEST_WAIT = 900.0

# A window that is said to end now may last for a second yet, where its end is told in whole seconds. An end that is
# told anew so little later is the same end.
SHORTEST_WINDOW = 1.0
ROUNDING = 1.5

# So many answers in a row that announce nothing are believed: the service does so no more.
SILENT_FROM = 20

# Whether what is asked is one of many calls that were started together: all of them are bulk then.
among_many: ContextVar[bool] = ContextVar("among_many", default=False)


class RateLimit(NamedTuple):
    """What the service last announced; None where it did not."""

    limit: int | None = None
    remaining: int | None = None


def seconds_to_wait(text: str | None, now: float) -> float | None:
    """Read a ``Retry-After`` or ``X-RateLimit-Reset``: seconds, a fraction, an epoch, or an HTTP date.

    Returns None for anything that is no wait: absent, junk, negative, not finite. A date in the past is 0.
    """
    if not text or len(text) > 64:
        return None
    try:
        number = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text).timestamp()
        except (ValueError, TypeError, OverflowError, IndexError):
            return None
        return max(0.0, moment - now)
    if not math.isfinite(number) or number < 0:
        return None
    if number >= EPOCH_MILLISECONDS_FROM:
        number /= 1000
    return max(0.0, number - now) if number >= EPOCH_FROM else number


class Limiter:
    """Says when a request may go.

    What the service announces of a window is kept as a budget: a long read takes its share of it and no more, a
    single call may have all. Calls that are under way count as used before their answers say so. While nothing is
    known, at the start, in a new window and after a refusal, one call goes alone and the others wait for its answer.

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
        self._blocked_until = -math.inf
        self._window_ends = -math.inf
        self._remaining: int | None = None
        # How much later than announced windows have turned out to end.
        self._late = 0.0
        self._left_for_bulk = math.inf
        # What was left of the last window while nothing is known of the next one yet; None while one lasts.
        self._left_before: float | None = math.inf
        # Whether the next answer is the first that tells something, and until then one call goes alone.
        self._probing = True
        self._under_way = self._most_under_way = 0
        # How many may be under way: after a refusal one, then slowly more.
        self._room = math.inf
        # How many answers in a row have announced nothing.
        self._silent = 0
        self._reads = 0
        self._wanted = 0
        self._next_turn = -math.inf

    @property
    def announced(self) -> RateLimit:
        """What the service last announced."""
        with self._changed:
            return self._announced

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
            self._turn_window(now)
            alone = not self._under_way
            if bulk and self._left_for_bulk < 1:
                if self._left_before is None:
                    return self._window_ends - now
                if not alone:
                    return None if patient else SHORTEST_WINDOW
            # Spread where it would not last; the first call of a window is what tells how much there is.
            spread = bulk and not self._probing and now < self._window_ends and self._wanted > self._left_for_bulk
            if spread and now < self._next_turn < self._window_ends:
                return self._next_turn - now
            if patient and not alone and self._is_crowded(now, bulk):
                return None
            if spread:
                self._next_turn = now + (self._window_ends - now) / self._left_for_bulk
            if bulk:
                self._left_for_bulk = max(0, self._left_for_bulk - 1)
                self._wanted = max(0, self._wanted - 1)
            self._under_way += 1
            self._most_under_way = max(self._most_under_way, self._under_way)
            return 0.0

    def wait_for_answer(self, seconds: float) -> None:
        """Wait until a call that is under way has ended, at most so long; in the machine's time."""
        with self._changed:
            self._changed.wait(seconds)

    def done(self) -> None:
        """Give a place back: the call was answered, or is lost."""
        with self._changed:
            self._under_way -= 1
            self._changed.notify_all()

    def learn(self, headers: Mapping[str, str], now: float) -> None:
        """Read what an answer announces; ``now`` is the server's time, since a reset may be an epoch of its clock."""
        remaining, limit = (_count(headers.get(f"X-RateLimit-{name}")) for name in ("Remaining", "Limit"))
        wait = seconds_to_wait(headers.get("X-RateLimit-Reset"), now)
        with self._changed:
            self._room += 1 / max(1, self._room)
            if remaining is None:
                self._learn_nothing()
                return
            self._announced, self._silent = RateLimit(limit, remaining), 0
            moment = self._clock.monotonic()
            self._turn_window(moment)
            self._probing = False
            if wait is None or (wait == 0 and self._window_ends == -math.inf):
                self._remaining = remaining  # of a window whose end nobody knows
                return
            ends = moment + min(wait, LONGEST_WAIT) + self._late
            # Answers that travel for different times announce one end a little apart; this far apart, the first was
            # wrong, and so was the share that it allowed.
            if ends < self._window_ends - 60:
                self._left_for_bulk, self._left_before = math.inf, math.inf
            self._begin_or_go_on(remaining, ends, moment)
            # Others use up the same window: half of what remained at its start may be all that remains now. What is
            # under way beside this call may not have been counted by the service yet.
            unseen = max(0, self._under_way - 1)
            self._left_for_bulk = min(self._left_for_bulk, max(0, math.floor((remaining - unseen) * self._share)))
            if remaining == 0:
                self._blocked_until = max(self._blocked_until, self._window_ends)

    def block(self, seconds: float) -> None:
        """Park every thread for this long: the limit was hit. Afterwards one call goes first."""
        with self._changed:
            self._blocked_until = max(self._blocked_until, self._clock.monotonic() + min(seconds, LONGEST_WAIT))
            self._probing = True
            self._room = 1

    def _turn_window(self, now: float) -> None:
        """Take note that a window has ended: the next has the same limit, as far as it is known."""
        if now >= self._window_ends and self._left_before is None:
            self._begin_unknown()

    def _begin_unknown(self) -> None:
        limit = max(self._announced.limit or 0, self._announced.remaining or 0)
        self._left_before = self._left_for_bulk
        # What is under way may be counted in either.
        self._left_for_bulk = max(0, math.floor(limit * self._share) - self._under_way) if limit else math.inf
        self._probing = True

    def _learn_nothing(self) -> None:
        # A gateway in between answers without announcing anything, but a service that announced goes on to do so.
        self._silent += 1
        if self._remaining is not None and self._silent < SILENT_FROM:
            return
        self._probing, self._remaining, self._announced = False, None, RateLimit()
        self._left_for_bulk, self._left_before, self._window_ends = math.inf, math.inf, -math.inf

    def _begin_or_go_on(self, remaining: int, ends: float, moment: float) -> None:
        if self._left_before is None and remaining > (self._remaining or 0) + self._most_under_way:
            self._begin_unknown()  # it ended before it was to: answers that overtake each other differ by less
            self._probing = False
        if self._left_before is None:
            self._window_ends = min(self._window_ends, ends)
            self._remaining = remaining if self._remaining is None else min(remaining, self._remaining)
            return
        # Ends are told in whole seconds, rounded in a way that nobody states: this may be the old window still.
        if self._remaining is not None and remaining <= self._remaining and ends <= self._window_ends + ROUNDING:
            self._left_for_bulk = max(0, self._left_before - 1)
            self._late = SHORTEST_WINDOW  # it rounds down, and will do so again
        self._window_ends = max(ends, moment + SHORTEST_WINDOW)
        self._remaining, self._left_before = remaining, None
        self._next_turn = -math.inf

    def _is_crowded(self, now: float, bulk: bool) -> bool:
        if self._probing or self._under_way >= self._room:
            return True
        if self._remaining is None:
            return False
        if now < self._window_ends:
            return self._under_way >= self._remaining
        return self._under_way >= max(1, self._remaining * (self._share if bulk else 1))


def _count(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 16 else None
