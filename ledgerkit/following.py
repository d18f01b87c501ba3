"""Following a request or a transaction until nothing more happens to it."""

import sys
import threading
from collections.abc import Callable
from typing import Any, Final

import pandas as pd

from ledgerkit.clock import Clock
from ledgerkit.errors import InvalidRequest, shorten

# A look costs a call of a limit that a workspace shares.
SECONDS_BETWEEN: Final = 3.0
LONGEST_BETWEEN: Final = 30.0


def follow(
    look: Callable[[], pd.DataFrame],
    is_final: Callable[[Any], bool],
    tell: Callable[[Any], str],
    clock: Clock,
    *,
    seconds: float,
) -> pd.DataFrame:
    """Look at a one-row frame until it is final, or the time is over; each change is printed.

    Looks become rarer, from every 3 to every 30 seconds. When the time is over, the last frame is returned, and said
    to be not final.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        raise InvalidRequest(
            f"`seconds` = {shorten(seconds)} can't be used: it is a number above 0.", field="seconds"
        )
    deadline = clock.monotonic() + seconds
    pause, told = SECONDS_BETWEEN, ""
    while True:
        frame = look()
        row = frame.iloc[0]
        if (text := tell(row)) != told:
            told, pause = text, SECONDS_BETWEEN
            _say(text)
        if is_final(row):
            return frame
        left = deadline - clock.monotonic()
        if left <= 0:
            _say(f"{text}. This is not final; it was watched for {seconds:.0f} s")
            return frame
        clock.wait(threading.Event(), min(pause, left))
        pause = min(LONGEST_BETWEEN, pause * 1.3)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
