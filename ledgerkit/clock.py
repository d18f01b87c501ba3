"""Time, as a parameter: everything that waits or measures takes a clock, so that no test sleeps."""

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """What the kit asks of time."""

    def monotonic(self) -> float:
        """Seconds that never go back; they may stand still while the machine is suspended."""
        ...

    def time(self) -> float:
        """Seconds since the epoch by the wall clock; they may jump."""
        ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until the event is set or the seconds have passed; say whether it is set."""
        ...


class SystemClock:
    """The clock of the machine."""

    def monotonic(self) -> float:
        """Return ``time.monotonic()``."""
        return time.monotonic()

    def time(self) -> float:
        """Return ``time.time()``."""
        return time.time()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Return ``event.wait(seconds)``."""
        return event.wait(seconds)
