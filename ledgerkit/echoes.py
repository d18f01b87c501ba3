"""What an answer repeats of the session's secrets, as debugging proxies do, in any writing; and what is logged.

The libraries below log what comes back, headers and status lines included, so a server chooses what stands in a log.
"""

import base64
import contextlib
import functools
import html
import logging
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, ParamSpec, TypeVar
from urllib.parse import unquote

from ledgerkit.errors import clearing
from ledgerkit.secret import MASK, Secret

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")

# JSON may write "/" as "\/" and any character as "\u003d", and JSON inside JSON doubles the backslashes.
ESCAPE: Final = re.compile(r"\\\\*(?:u00([0-7][0-9a-fA-F]))?")
# A shorter text is in many an answer by chance.
TELLING_LENGTH: Final = 12
# Its value is the name of a user, which answers tell rightly: who created what.
USER_HEADER: Final = "X-Ledger-API-User"
NOT_SHOWN: Final = "what came is not shown, since it repeats the credentials"

# What is not part of a key, of base64 or of hex: blanks, ends of lines, quotes and the like.
_BETWEEN: Final = re.compile(r"[^0-9A-Za-z+/]+")
_URLSAFE: Final = str.maketrans("-_", "+/")
_ENDS_OF_LINES: Final = re.compile(r"\\+[nrt]")
# Whoever has issued it: it opens something. Its beginning is that of a JSON object in base64.
_JWT: Final = re.compile(r"eyJ[\w+/=-]{8,}\.[\w+/=-]{8,}(?:\.[\w+/=-]*)?")
# The names that httpx and httpcore log by. A filter is asked for records of its own logger alone.
_LOGGERS: Final = ("httpx", *(f"httpcore.{one}" for one in ("connection", "http11", "http2", "proxy", "socks")))
_call = threading.local()


# Answers


def hidden(text: str, secrets: Iterable[str]) -> str:
    """Return a text with the secrets masked; nothing of it where it has one, or a part of one, in another writing."""
    secrets = [secret for secret in secrets if secret]
    for secret in secrets:
        text = text.replace(secret, MASK)
    text = _JWT.sub(MASK, text)
    plain = _any(text)
    if any(_any(secret) in plain for secret in secrets):
        return NOT_SHOWN
    pieces = set[str]().union(*(_pieces(secret) for secret in secrets))
    return (
        NOT_SHOWN
        if pieces and any(_has(one, pieces) for one in (text, _ENDS_OF_LINES.sub("", text), plain))
        else text
    )


def repeats(text: str, headers: Mapping[str, str], others: Iterable[str] = ()) -> bool:
    """Say whether a text repeats one of these headers of the request, given by name, or another secret."""
    plain = _plain(text)
    return any(
        value
        and _plain(value) in plain
        and ((len(value) >= TELLING_LENGTH and name != USER_HEADER) or name.lower() in plain.lower())
        for name, value in headers.items()
    ) or any(len(value) >= TELLING_LENGTH and value in plain for value in others)


def _plain(text: str) -> str:
    """Undo the escapes of JSON."""
    return ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else "", text) if "\\" in text else text


def _any(text: str) -> str:
    """Undo the escapes of JSON, HTML and URLs."""
    return unquote(html.unescape(_plain(text)))


def _joined(text: str) -> str:
    return _BETWEEN.sub("", text.translate(_URLSAFE))


def _has(text: str, pieces: set[str]) -> bool:
    joined = _joined(text)
    lower = joined.lower()  # of hex
    return any(
        joined[place : place + TELLING_LENGTH] in pieces or lower[place : place + TELLING_LENGTH] in pieces
        for place in range(len(joined) - TELLING_LENGTH + 1)
    )


def _pieces(secret: str) -> set[str]:
    """Return all runs of so many characters of a secret, of its base64 and of its hex."""
    if len(secret) < TELLING_LENGTH:
        return set()
    content = secret.encode()
    # In base64 the first and the last characters mix with the neighbours.
    written = [
        _joined(secret),
        content.hex(),
        *(
            base64.b64encode(b"\0" * shift + content).decode().rstrip("=")[2 if shift else 0 : -1]
            for shift in range(3)
        ),
    ]
    return {one[place : place + TELLING_LENGTH] for one in written for place in range(len(one) - TELLING_LENGTH + 1)}


# Requests


def revealed(value: Any) -> str:
    """Return the text of a secret, for the encoder of JSON that meets one in a body."""
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"{type(value).__name__} can't be written as JSON")


def concealed(value: Any) -> Any:
    """Return a copy of a body in which what its keys call a secret is a :class:`~ledgerkit.secret.Secret`."""
    if isinstance(value, dict):
        return {
            name: Secret(one) if isinstance(one, str) and is_secret_name(name) else concealed(one)
            for name, one in value.items()
        }
    return [concealed(one) for one in value] if isinstance(value, list | tuple) else value


def is_secret_name(name: object) -> bool:
    """Say whether a key of a body names a secret."""
    return isinstance(name, str) and re.search(r"secret|password|token|api_?key", name, re.IGNORECASE) is not None


def secrets_in(body: Any) -> Iterator[str]:
    """Give the texts of a body whose keys call them a secret, and those without a key."""
    waiting = [body]  # recursion would end at a depth that JSON may have
    while waiting:
        one = waiting.pop()
        if isinstance(one, str | Secret):
            yield one.reveal() if isinstance(one, Secret) else one
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            waiting += [value for name, value in one.items() if not isinstance(value, str) or is_secret_name(name)]


# Logs


class _WithoutAnswers(logging.Filter):
    """Takes out of the records of a call of the kit what the server chose; what others log is left as it is."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(_call, "depth", 0):
            if record.name == "httpx" and isinstance(record.args, tuple) and len(record.args) == 5:
                record.args = (*record.args[:4], "")  # the phrase behind the status
            elif record.name != "httpx":
                record.msg, record.args = _told(record.getMessage()), ()
        return True


def _told(message: str) -> str:
    event, _, said = message.partition(" ")
    if event.endswith(".failed"):
        return f"{event} {said.removeprefix('exception=').partition('(')[0]}"
    if event.endswith(".complete") and said:
        status = re.match(r"return_value=\(b'HTTP/[0-9.]{1,3}', ([0-9]{3}), ", said)
        return f"{event} {status[1]}" if status else event
    return message


for _name in _LOGGERS:
    logging.getLogger(_name).addFilter(_WithoutAnswers())


@contextlib.contextmanager
def _unlogged() -> Iterator[None]:
    _call.depth = getattr(_call, "depth", 0) + 1
    try:
        yield
    finally:
        _call.depth -= 1


def unseen(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Have a function that makes a call log nothing that came back, and leave no variables of its frames behind."""

    @functools.wraps(function)
    def call(*arguments: _Parameters.args, **named: _Parameters.kwargs) -> _Result:
        with _unlogged():
            return function(*arguments, **named)

    return clearing(call)
