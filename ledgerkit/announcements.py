"""What the service announces of its rate limit, read in every form that it may have.

It announces ``X-RateLimit-Limit``, ``-Remaining`` and ``-Reset`` and answers 420 (other gateways 429) with
``Retry-After``; no source states whether a reset or a wait is a number of seconds, a date or an epoch, so all are
read.
"""

import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple

# Above this, a number is seconds since the epoch and not a wait: 10^9 s are 31 years.
EPOCH_FROM: Final = 1e9
# And above this it is in milliseconds.
EPOCH_MILLISECONDS_FROM: Final = 1e11


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


def announced(headers: Mapping[str, str], now: float) -> tuple[RateLimit, float | None]:
    """Return the limit that an answer announces, and the seconds until its reset; ``now`` is the server's time."""
    limit, remaining = (_count(headers.get(f"X-RateLimit-{name}")) for name in ("Limit", "Remaining"))
    return RateLimit(limit, remaining), seconds_to_wait(headers.get("X-RateLimit-Reset"), now)


def _count(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 16 else None
