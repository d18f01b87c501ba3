"""The rate limit: so many calls in a window, told in headers, and 420 beyond."""

import math
import threading
from collections.abc import Callable


class RateLimit:
    """Counts the calls of a fixed window.

    Parameters
    ----------
    limit
        Calls allowed in one window.
    window
        Seconds of a window.
    now
        The time of the service.
    """

    def __init__(self, limit: int, window: float, now: Callable[[], float]) -> None:
        self._limit = limit
        self._window = window
        self._now = now
        self._lock = threading.Lock()
        self._started = -math.inf
        self._used = 0

    def take(self) -> tuple[bool, dict[str, str]]:
        """Count one call; return whether it is allowed, and the headers of its answer."""
        with self._lock:
            now = self._now()
            # a clock that was set back starts a new window instead of a long one
            if not 0 <= now - self._started < self._window:
                self._started, self._used = now, 0
            allowed = self._used < self._limit
            self._used += allowed
            left = max(0.0, self._started + self._window - now)
        headers = {
            "x-ratelimit-limit": str(self._limit),
            "x-ratelimit-remaining": str(self._limit - self._used),
            "x-ratelimit-reset": str(math.ceil(left)),
        }
        if not allowed:
            headers["retry-after"] = str(math.ceil(left))
        return allowed, headers
