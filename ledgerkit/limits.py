"""The rate limit, shared by all threads of a session: slow down before it is hit, wait together when it is.

The service announces ``X-RateLimit-Limit``, ``-Remaining`` and ``-Reset`` and answers 420 (other gateways 429)
with ``Retry-After``; no source states whether a reset or a wait is a number of seconds, a date or an epoch, so
all are read.
"""

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from ledgerkit.clock import Clock

# Above this, a number is seconds since the epoch and not a wait: 10^9 s are 31 years.
EPOCH_FROM = 1e9
# And above this it is in milliseconds.
EPOCH_MILLISECONDS_FROM = 1e11

# A longer wait is not believed: one odd header would hold the session up for years. Windows are minutes long.
LONGEST_WAIT = 900.0


@dataclass(frozen=True)
class RateLimit:
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
    """Says how long a request has to wait.

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
        self._lock = threading.Lock()
        self._announced = RateLimit()
        self._blocked_until = -math.inf
        self._window_ends = -math.inf
        self._left_for_bulk = math.inf

    @property
    def announced(self) -> RateLimit:
        """What the service last announced."""
        with self._lock:
            return self._announced

    def reserve(self, *, bulk: bool) -> float:
        """Take a place, or return the seconds to wait before asking again."""
        with self._lock:
            now = self._clock.monotonic()
            if now < self._blocked_until:
                return self._blocked_until - now
            if now >= self._window_ends:
                self._left_for_bulk = math.inf  # a new window: the next answer says what it holds
            if bulk:
                if self._left_for_bulk < 1:
                    return self._window_ends - now
                self._left_for_bulk -= 1
            return 0.0

    def learn(self, headers: Mapping[str, str], now: float) -> None:
        """Read what an answer announces; ``now`` is the server's time, since a reset may be an epoch of its clock."""
        remaining, limit = (_count(headers.get(f"X-RateLimit-{name}")) for name in ("Remaining", "Limit"))
        if remaining is None:
            return
        wait = seconds_to_wait(headers.get("X-RateLimit-Reset"), now)
        with self._lock:
            self._announced = RateLimit(limit, remaining)
            if wait is None:
                return
            moment, wait = self._clock.monotonic(), min(wait, LONGEST_WAIT)
            ends = moment + wait
            # Answers that travel for different times announce one end a little apart; this far apart, the first was
            # wrong, and so was the share that it allowed.
            if moment >= self._window_ends or ends < self._window_ends - 60:
                self._window_ends = ends
                self._left_for_bulk = math.inf
            self._window_ends = min(self._window_ends, ends)
            # Others use up the same window: half of what remained at its start may be all that remains now.
            self._left_for_bulk = min(self._left_for_bulk, math.floor(remaining * self._share))
            if remaining == 0:
                self._blocked_until = max(self._blocked_until, moment + wait)

    def block(self, seconds: float) -> None:
        """Park every thread for this long: the limit was hit."""
        with self._lock:
            self._blocked_until = max(self._blocked_until, self._clock.monotonic() + min(seconds, LONGEST_WAIT))


def _count(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 16 else None
