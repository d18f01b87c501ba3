"""What goes wrong in one run: a pure function of its seed.

Which call an event strikes also depends on how the threads take turns, which no seed decides: a run that is repeated
meets the same weather, not the same interleaving.
"""

import random
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, Final

# How long a stall lasts, in seconds of the machine: longer than the read_timeout of the sessions.
STALL: Final = 1.3
# How large an answer may be in these runs, and what is sent beyond it.
LARGEST_ANSWER: Final = 2**20
HTML: Final = "<html><head><title>Bad gateway</title></head><body>nginx</body></html>"
# Rows are taken out from this page on: what the actors create stands on the pages before it, and nobody can find
# what a service lists no more.
DEEP_PAGE: Final = 3

# How a write is refused, by the service or by a gateway in its place. No read is, and no sign-in: those end with it.
OF_WRITES: Final = frozenset({403, 408})
WRITES: Final = ("/requests", "/requests*")

RETRY_AFTER: Final = ("seconds", "fraction", "date", "past date", "epoch", "milliseconds", "junk", "negative", "none")

# How often each kind is drawn.
KINDS: Final = {
    "reset": 4,
    "close": 2,
    "truncate": 3,
    "stall": 3,
    "error": 5,
    "limit": 4,
    "html": 2,
    "content type": 2,
    "invalid JSON": 3,
    "padding": 2,
    "revoke": 3,
    "refuse refresh": 1,
    "expire refresh": 1,
    "rotate secret": 1,
    "rotate key pair": 1,
    "restart": 1,
    "clock": 2,
    "rows": 4,
    "flip": 4,
    "hang up": 3,
}


@dataclass(frozen=True)
class Event:
    """One thing that goes wrong, once the sandbox has answered so many calls."""

    at_call: int
    kind: str
    how: dict[str, Any]


@dataclass(frozen=True)
class Storm:
    """The sandbox of one run, and its events in their order."""

    seed: int
    sandbox: dict[str, Any]
    events: tuple[Event, ...]


def storm_of(seed: int) -> Storm:
    """Return the weather of a seed."""
    draw = random.Random(f"chaos {seed}")
    sandbox = {
        "transactions": draw.choice([40, 80]),
        "page_size_maximum": draw.choice([10, 20, 20]),
        "token_life": draw.choice([15.0, 60.0, 300.0]),
        "refresh_single_use": draw.random() < 0.7,
        "rate_limit": draw.choice([None, None, None, (80, 10.0)]),
        "created_after_inclusive": draw.random() < 0.5,
        "created_before_inclusive": draw.random() < 0.5,
    }
    kinds = draw.choices(list(KINDS), list(KINDS.values()), k=draw.randint(15, 40))
    moments = sorted(draw.randint(0, 280) for _ in kinds)
    return Storm(
        seed, sandbox, tuple(Event(at, kind, _how(draw, kind)) for at, kind in zip(moments, kinds, strict=True))
    )


def retry_after(form: str, seconds: float, now: float) -> str | None:
    """Write a ``Retry-After`` in one of the forms that gateways use."""
    return {
        "seconds": str(round(seconds)),
        "fraction": f"{seconds:.3f}",
        "date": formatdate(now + seconds, usegmt=True),
        "past date": formatdate(now - 3600, usegmt=True),
        "epoch": str(round(now + seconds)),
        "milliseconds": str(round((now + seconds) * 1000)),
        "junk": "soon, perhaps",
        "negative": "-5",
        "none": None,
    }[form]


def _how(draw: random.Random, kind: str) -> dict[str, Any]:
    # Most of what the actors ask is asked of these lists.
    path = draw.choice([None, None, "/transactions", "/requests", "/requests*", "/auth/*"])
    method = draw.choice([None, None, "POST", "GET"])
    struck = {"path": path, "method": method, "times": draw.randint(1, 4)}
    match kind:
        case "reset":
            return {**struck, "answered": draw.random() < 0.5}
        case "close":
            return {**struck, "answered": draw.random() < 0.5}
        case "truncate":
            return {**struck, "reset": draw.random() < 0.5}
        case "stall":
            return {**struck, "times": draw.randint(1, 2), "answered": draw.random() < 0.5}
        case "error":
            status = draw.choice([500, 502, 503, 504, *sorted(OF_WRITES)])
            # In the service's own words a 403 says that nothing was done, and so it must be.
            answered = status != 403 and draw.random() < 0.5
            return _of_writes(draw, {**struck, "status": status, "answered": answered})
        case "limit":
            form = draw.choice(RETRY_AFTER)
            return {**struck, "status": draw.choice([420, 429]), "form": form, "seconds": draw.uniform(0.2, 4)}
        case "html":
            status = draw.choice([200, 502, *sorted(OF_WRITES)])
            return _of_writes(draw, {**struck, "status": status, "answered": draw.random() < 0.5})
        case "content type":
            return {**struck, "type": draw.choice(["text/html", "text/plain; charset=latin-1", "image/png", ""])}
        case "invalid JSON":
            return {**struck, "body": draw.choice([None, "", "[]", "null", '{"id": NaN}', "\x00", "[" * 20_000])}
        case "padding":
            return {**struck, "times": 1, "size": draw.choice([LARGEST_ANSWER // 2, 2 * LARGEST_ANSWER])}
        case "restart":
            return {"down": draw.choice([0.0, 0.1])}
        case "clock":
            return {"seconds": draw.choice([-300, -120, -60, 0, 60, 120, 300])}
        case "rows":
            path, change = draw.choice(["/transactions", "/requests"]), draw.choice(["arrive", "leave"])
            return {"path": path, "change": change, "times": draw.randint(1, 3)}
        case "flip":
            return {"times": draw.randint(3, 20)}
        case "hang up":
            return {"reset": draw.random() < 0.5}
        case _:
            return {}


def _of_writes(draw: random.Random, how: dict[str, Any]) -> dict[str, Any]:
    return {**how, "path": draw.choice(WRITES), "method": "POST"} if how["status"] in OF_WRITES else how
