"""What an answer repeats of the session's secrets, as debugging proxies do, in any writing; and what is logged.

The libraries below log what comes back, headers and status lines included, so a server chooses what stands in a log.
"""

import base64
import contextlib
import functools
import html
import json
import logging
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, ParamSpec, TypeVar
from urllib.parse import unquote, unquote_to_bytes

import numpy as np

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
# What a good answer may tell: ids and names. An error shows none of them either.
CONTENT: Final = frozenset({"key_id", "api_user", USER_HEADER})
# Good answers are searched for slices of a secret, at each fourth of their bytes.
SLICE: Final = 16
STEP: Final = 4
# A slice such as "0000000000000000" is in many an answer.
FEWEST_CHARACTERS: Final = 6
# A slice of a token's claims: longer than the public key that is among them, which challenges may hold in base64 too.
CLAIMS_SLICE: Final = 256
# What claims hold that opens something, or names this one token: the rest are names that stand in any answer.
_TELLING_CLAIMS: Final = ("jti", "sid", "session_state")
_HASH_BITS: Final = 20
_HASH: Final = np.uint32(2654435761)
_AT_ONCE: Final = 2**20
NOT_SHOWN: Final = "what came is not shown, since it repeats the credentials"

# What is not part of a key, of base64 or of hex: blanks, ends of lines, quotes and the like.
_BETWEEN: Final = re.compile(r"[^0-9A-Za-z+/]+")
_URLSAFE: Final = str.maketrans("-_", "+/")
_FOR_URLS: Final = str.maketrans("+/", "-_")
_ENDS_OF_LINES: Final = re.compile(r"\\+[nrt]")
# Whoever has issued it: it opens something. Its beginning is that of a JSON object in base64.
_JWT: Final = re.compile(r"eyJ[\w+/=-]{8,}\.[\w+/=-]{8,}(?:\.[\w+/=-]*)?")
# The names that httpx and httpcore log by. A filter is asked for records of its own logger alone.
_LOGGERS: Final = ("httpx", *(f"httpcore.{one}" for one in ("connection", "http11", "http2", "proxy", "socks")))
# What httpx logs of a request, and httpcore of a step before it is made: all of it is the kit's own.
_REQUEST: Final = 'HTTP Request: %s %s "%s %d %s"'
_EVENT: Final = re.compile(r"[a-z][a-z0-9_]{2,40}\.[a-z]{2,12}")
_SENT: Final = re.compile(
    r"(?:(?:request=<Request \[b'[A-Z]{3,7}'\]>|(?:host|server_hostname|local_address)='[\w.:%-]{1,255}'|port=\d{1,5}"
    r"|stream_id=\d{1,9}|timeout=[\d.]{1,20}|ssl_context=<ssl\.SSLContext object at 0x[0-9a-f]{1,16}>"
    r"|(?:timeout|local_address|server_hostname|socket_options)=None) ?)*"
)
NOT_TOLD: Final = "something else, which may hold what the server chose"
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


def finder(held: Mapping[str, Secret]) -> Callable[[bytes], bool]:
    """Return what says whether a good answer repeats one of these secrets.

    A run of 19 characters is found, of any place of the secret, as it is, in base64 or in hex, with whatever JSON,
    HTML and URLs escape in it; not one of fewer than 6 different characters in 16, as in zeros. It takes the same
    time however many and long the secrets are, since every answer is searched.

    Of a JWT these are its signature, and of its claims ``jti``, ``sid`` and ``session_state``. Its claims as they
    stand in the token are known by characters 9 to 72, which have its times, and by any run of 259: they hold names
    and a public key too, and in fewer a challenge may be like them. Its header is that of many tokens.

    Parameters
    ----------
    held
        The secrets by their names, or by the names of the headers that they are sent in. One of fewer than 12
        characters, and the name of a user, is in many an answer by chance: it is taken for one beside the name of its
        header alone, and only as it is. One of 12 to 18 characters is found as a whole.
    """
    # Nothing of it is an attribute: variables and attributes are shown.
    slices, claims, whole = set[bytes](), set[bytes](), set[bytes]()
    beside = list[tuple[bytes, bytes]]()
    for name, secret in held.items():
        text = secret.reveal()
        if name == USER_HEADER or len(text) < TELLING_LENGTH:
            if text and not name.islower():
                beside.append((name.lower().encode(), text.encode()))
        elif name not in CONTENT:
            for one in _telling(text):
                if len(one) < SLICE + STEP - 1:
                    whole.add(one.encode())
                else:
                    slices |= _slices(one)
            if _JWT.fullmatch(text):  # of its claims the beginning, with its times, is of no other text
                body = text.split(".")[1]
                whole.add(body[8:72].encode())
                claims |= _slices(body, CLAIMS_SLICE)
    known, known_next = (_known([*slices, *claims], place) for place in (0, STEP))

    def has(content: bytes) -> bool:
        for start in range(0, len(content) - SLICE + 1, _AT_ONCE):
            fours = np.frombuffer(content, "<u4", min(_AT_ONCE, len(content) - start) // 4, start)
            hashes = _hashed(fours)
            places = np.flatnonzero(known[hashes])
            # Behind the last one a slice goes on in the next stretch, or nowhere.
            last = places == len(hashes) - 1
            for found in places[last | known_next[hashes[np.minimum(places + 1, len(hashes) - 1)]]].tolist():
                place = start + found * STEP
                if content[place : place + SLICE] in slices or content[place : place + CLAIMS_SLICE] in claims:
                    return True
        return any(one in content for one in whole) or any(
            text in content and name in content.lower() for name, text in beside
        )

    def repeats(content: bytes) -> bool:
        if has(content):
            return True
        for _ in range(3):  # what is escaped twice is escaped
            if not (b"\\" in content or b"%" in content or b"&" in content):
                return False
            text = html.unescape(_plain(content.decode("utf-8", "replace")))
            undone = unquote_to_bytes(text.encode("utf-8", "replace"))
            if undone == content:
                return False
            if has(undone):
                return True
            content = undone
        return False

    return repeats


def _hashed(fours: Any) -> Any:
    return (fours * _HASH) >> np.uint32(32 - _HASH_BITS)


def _known(slices: Iterable[bytes], place: int) -> Any:
    """Return which hashes the four bytes at a place of the slices have."""
    known = np.zeros(2**_HASH_BITS, bool)
    known[_hashed(np.frombuffer(b"".join(one[place : place + STEP] for one in slices), "<u4"))] = True
    return known


def _telling(secret: str) -> list[str]:
    """Return the writings of what opens something: of a token its signature, whose claims have words of any text."""
    texts = [secret]
    if _JWT.fullmatch(secret):
        _, body, *signature = secret.split(".")
        texts = ["".join(signature) or body, *_telling_claims(body)]
    return [one for text in texts if len(text) >= TELLING_LENGTH for one in _written(text)]


def _telling_claims(body: str) -> list[str]:
    try:
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (ValueError, RecursionError):  # whoever gave out the token chose what is in it
        return []
    values = [claims.get(name) for name in _TELLING_CLAIMS] if isinstance(claims, dict) else []
    return [one for one in values if isinstance(one, str)]


def _slices(text: str, size: int = SLICE) -> set[bytes]:
    written = {one.encode() for one in (text, text.translate(_URLSAFE), text.translate(_FOR_URLS))}
    found = {one[place : place + size] for one in written for place in range(len(one) - size + 1)}
    return {one for one in found if len(set(one)) >= FEWEST_CHARACTERS}


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
    written = [_joined(one) for one in _written(secret)]
    return {one[place : place + TELLING_LENGTH] for one in written for place in range(len(one) - TELLING_LENGTH + 1)}


def _written(secret: str) -> list[str]:
    """Return a secret as it is, in hex, and what base64 has of it whatever stands in front and behind."""
    content = secret.encode()
    written = [secret, content.hex(), content.hex().upper()]
    for shift, mixed in enumerate((0, 2, 3)):
        text = base64.b64encode(b"\0" * shift + content).decode().rstrip("=")
        written.append(text[mixed : None if (shift + len(content)) % 3 == 0 else -1])
    return written


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
    """Give the texts of a body whose keys, or those around them, call them a secret, and those without a key."""
    waiting = [(body, False)]  # recursion would end at a depth that JSON may have
    while waiting:
        one, inside = waiting.pop()
        if isinstance(one, str | Secret):
            yield one.reveal() if isinstance(one, Secret) else one
        elif isinstance(one, list | tuple):
            waiting += [(value, inside) for value in one]
        elif isinstance(one, dict):
            waiting += [
                (value, named)
                for name, value in one.items()
                if (named := inside or is_secret_name(name)) or not isinstance(value, str)
            ]


# Logs


class _WithoutAnswers(logging.Filter):
    """Leaves in the records of a call of the kit what the kit itself sent, and which event it is."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(_call, "depth", 0):
            told = _of_httpx(record) if record.name == "httpx" else _of_httpcore(record.getMessage())
            record.msg, record.args = told, ()
            record.exc_info = record.exc_text = record.stack_info = None
        return True


def _of_httpx(record: logging.LogRecord) -> str:
    # Without the phrase behind the status, which is the server's.
    arguments = record.args
    if record.msg == _REQUEST and isinstance(arguments, tuple) and len(arguments) == 5:
        method, url, version, status, _ = arguments
        if re.fullmatch(r"HTTP/[0-9.]{1,3}", str(version)) and isinstance(status, int):
            return f'HTTP Request: {method} {url} "{version} {status}"'
    return NOT_TOLD


def _of_httpcore(message: str) -> str:
    event, _, said = message.partition(" ")
    if not _EVENT.fullmatch(event):
        return NOT_TOLD
    if event.endswith(".started") and _SENT.fullmatch(said):
        return message
    if event.endswith(".failed"):
        kind = re.match(r"exception=([A-Z][A-Za-z]{2,30})\(", said)
        return f"{event} {kind[1]}" if kind else event
    status = re.match(r"return_value=\(b'HTTP/[0-9.]{1,3}', ([0-9]{3}), ", said)
    return f"{event} {status[1]}" if status and event.endswith(".complete") else event


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
