"""The bodies of writes."""

from typing import Any

from .answers import Refusal, decode
from .service import Call


def body_of(call: Call) -> Any:
    """Return the JSON of a call's body.

    Raises
    ------
    Refusal
        400 for anything else, and for JSON that is nested too deep to read.
    """
    try:
        return decode(call.body)
    except (ValueError, RecursionError):
        raise Refusal(400, "The body is not JSON") from None
