"""How far a large workspace is, told while it is made."""

import time
from collections.abc import Callable
from typing import TextIO

# a usual workspace takes half a second, and is not talked about
PATIENCE = 3.0
EVERY = 5.0


class Telling:
    """Writes a line now and then, where making a workspace takes longer than some seconds.

    Parameters
    ----------
    stream
        Where to.
    clock
        Seconds of any beginning.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._started: float | None = None
        self._next = 0.0

    def __call__(self, number: int, count: int) -> None:
        """Take note of how many transactions there are, of how many there will be."""
        now = self._clock()
        if self._started is None:
            self._started, self._next = now, now + PATIENCE
        if now < self._next or not number:
            return
        self._next = now + EVERY
        left = (now - self._started) * (count - number) / number
        print(
            f"The workspace is being made: {number:,} of {count:,} transactions, about {left:.0f} s left",
            file=self._stream,
            flush=True,
        )
