"""A clock that runs faster than the machine's, for the client and the sandbox alike.

Several threads share it: one that leaps when a thread waits would let the calls of all others time out.
"""

import threading
import time

FACTOR = 20.0
BEGINS = 1_800_000_000.0


class SwiftClock:
    """Twenty seconds in one of the machine."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def monotonic(self) -> float:
        return (time.monotonic() - self._started) * FACTOR

    def time(self) -> float:
        return BEGINS + self.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(max(0.0, seconds) / FACTOR)
