"""The body of an answer: decoded exactly, or worded as an error with advice."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from decimal import Context, Decimal, InvalidOperation
from functools import partial
from typing import Any, Final

import msgspec
import numpy as np

from ledgerkit.decoding import KeyTwice, each_key_once
from ledgerkit.errors import (
    AuthenticationError,
    ConnectionFailed,
    InvalidRequest,
    LedgerError,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    ServerError,
    Unsupported,
    shorten,
)

# With the context of a caller who traps nothing, a number of too many digits in its exponent would be a NaN.
_decode = msgspec.json.Decoder(float_hook=partial(Decimal, context=Context(traps=[InvalidOperation]))).decode
_encode = msgspec.json.Encoder().encode
# What a key looks like that is surely no secret: those are long, and have digits among their letters.
_NAME: Final = re.compile(r"[A-Za-z_]{1,40}[0-9]{0,2}")
_TOO_DEEP: Final = "is nested too deep to be read"


def decoded(content: bytes | str) -> tuple[Any, str | None]:
    """Return the decoded body, or what is wrong with it."""
    content = content.encode() if isinstance(content, str) else content
    body, unreadable = _read(content)
    if unreadable is None:
        unreadable = _ambiguous(content, body)
    return (None if unreadable else body), unreadable


def _read(content: bytes | str) -> tuple[Any, str | None]:
    if not content:
        return None, None
    try:
        return _decode(content), None
    except (msgspec.ValidationError, ArithmeticError):  # of an int with more digits than Python reads, of a Decimal
        return None, "holds a number that is too large or too small to be read"
    except (msgspec.DecodeError, ValueError):
        return None, "is not JSON"
    except RecursionError:
        return None, _TOO_DEEP


def _ambiguous(content: bytes, body: Any) -> str | None:
    """Return what is wrong with a text that has a key twice in one object, of which the decoder keeps the last.

    Written anew, a body has a colon for each key that was kept and each colon inside of texts that were kept. Each of
    them stands in the text itself too, unless it is escaped there; a key that was not kept leaves one more there. So
    equal numbers prove that nothing was dropped, for a thirtieth of the time of a read.
    """
    if not (b"\\" in content and b"\\u003" in content):
        with suppress(OverflowError, RecursionError, ValueError):  # what can't be written is looked at the other way
            if _colons(content) == _colons(_encode(body)):
                return None
    try:
        json.loads(content, object_pairs_hook=each_key_once, parse_int=str, parse_float=str)
    except KeyTwice as error:
        key = f"key {error.key!r}" if _NAME.fullmatch(error.key) else f"same key of {len(error.key)} characters"
        return f"has the {key} twice in one object, so that no reader can tell which value counts"
    except RecursionError:
        return _TOO_DEEP
    return None


def _colons(text: bytes) -> int:
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == ord(":")))  # six times as fast as bytes.count


def problem(text: str, call: str, status: int, *, safe: bool, whole: bool) -> LedgerError:
    """Return the error that an answer of another status than success is.

    A write is taken for refused only where the service says so itself: gateways scan answers, and replace them.

    Parameters
    ----------
    text
        The body, with nothing in it that must not be shown.
    safe
        Whether the call may be repeated without harm.
    whole
        Whether the body may be shown where it holds no message.
    """
    own = _own_words(text)
    said = own or _in_other_words(text, whole)
    if 300 <= status < 400:
        if not safe and status not in (307, 308):  # the others are also how a service says "done: look there"
            return outcome_unknown(f"the service answered with a redirect ({status})", call, status)
        return ConnectionFailed(
            f"answered with a redirect ({status}), which is not followed since it would carry the credentials to "
            "another address. Check the base URL.",
            call=call,
            status=status,
        )
    if status >= 500 and status != 501:
        if not safe:
            return outcome_unknown(f"the service failed ({status}): {said}", call, status)
        return ServerError(
            f"the service failed ({status}): {said} Try again later; status.ledger.com tells of outages.",
            call=call,
            status=status,
        )
    if not safe and status not in TURNED_AWAY:
        if own is None:  # who answers in the service's place may do so after the service has carried it out
            return outcome_unknown(f"it may not be the service that answered {status}: {said}", call, status)
        if status in UNSURE:
            return outcome_unknown(f"the service answered {status}, which is no sure refusal: {said}", call, status)
    kind, advice = PROBLEMS.get(status, (InvalidRequest, "Check what was asked."))
    return kind(f"{said} ({status}). {advice}", call=call, status=status, said=said)


def _own_words(text: str) -> str | None:
    """Return what the service says of the error, in one of its kinds of JSON; None where it is no such answer."""
    body, _ = _read(text)
    fields = ("message", "error_description", "error", "detail", "name") if isinstance(body, dict) else ()
    said = (one_line(body[field]) for field in fields if isinstance(body.get(field), str))
    return next(filter(None, said), None)


def _in_other_words(text: str, whole: bool) -> str:
    """Return what can be told of an answer without a message: other JSON, HTML, text, nothing."""
    body, unreadable = _read(text)
    if not whole and text:
        return "what came is not shown, since it may hold a secret"
    if unreadable is None and body is not None:
        try:
            return one_line(shorten(body, 200))
        except RecursionError:
            return "an answer came that is nested too deep to be read"
    if "<html" in text[:2000].lower():
        # Many a "<title>" without an end would take time with the square of the length.
        title = re.search(r"<title[^>]*>(.*?)</title>", text[:5000], re.IGNORECASE | re.DOTALL)
        name = f" titled {one_line(title[1])!r}" if title else ""
        return f"an HTML page{name} came instead of JSON, most likely from a proxy or gateway in between"
    return one_line(text) or "the answer says nothing more"


# What is turned away before it is looked at, as 420 and 429 are: for want of a token, or by a proxy that asks first.
TURNED_AWAY: Final = frozenset({401, 407})
# A time-out, a conflict, which may be with what was made just now, and "too early": none says that nothing was done.
UNSURE: Final = frozenset({408, 409, 425})

PROBLEMS: Final[Mapping[int, tuple[type[LedgerError], str]]] = {
    400: (InvalidRequest, "The service refuses this input."),
    401: (
        AuthenticationError,
        "The credentials are not accepted: check them in .env, or have new ones made.",
    ),
    403: (PermissionDenied, "These credentials may not do this; ask an administrator of the workspace."),
    404: (NotFound, "There is no such object, or these credentials may not see it."),
    407: (ConnectionFailed, "A proxy in between wants to be signed in to."),
    501: (Unsupported, "The service can't do this for this object."),
}


def outcome_unknown(what: str, call: str, status: int | None) -> OutcomeUnknown:
    """Return the error of a write that was sent and whose answer was lost, or does not tell what became of it."""
    what = what.rstrip(".")
    return OutcomeUnknown(
        f"{what}. It was sent, and may have been carried out: look for its effect before you send it again.",
        call=call,
        status=status,
    )


def one_line(text: str) -> str:
    """Make a text of the server fit into a message: one line, no control characters, not too long."""
    text = " ".join("".join(char if char.isprintable() else " " for char in text[:2000]).split())
    return text if len(text) <= 300 else f"{text[:297]}..."
