"""A sandbox whose clock begins on a day that is always the same.

Its workspace ends at the hour of its clock, and follows weeks and months: which payment is the latest, how many rows
a month has, whether an amount ends in a zero. What is said of such a workspace would hold on some days alone.
"""

import time
from datetime import UTC, datetime
from typing import Any, Final

A_DAY: Final = datetime(2026, 11, 25, 14, 20, tzinfo=UTC)


def on_a_day(day: datetime = A_DAY) -> dict[str, Any]:
    """Return what a sandbox is made from, so that it begins at that moment, and goes on as time does."""
    began = time.time()
    return {
        "now": day.replace(minute=0, second=0, microsecond=0),
        "clock": lambda: day.timestamp() + time.time() - began,
    }
