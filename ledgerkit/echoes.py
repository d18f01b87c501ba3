"""What an answer repeats of the request's secrets, as debugging proxies do, however the answer escapes it."""

import html
import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import unquote

from ledgerkit.secret import MASK

# JSON may write "/" as "\/" and any character as "\u003d", and JSON inside JSON doubles the backslashes.
ESCAPE: Final = re.compile(r"\\\\*(?:u00([0-7][0-9a-fA-F]))?")
# A shorter text is in many an answer by chance.
TELLING_LENGTH: Final = 12
# Its value is the name of a user, which answers tell rightly: who created what.
USER_HEADER: Final = "X-Ledger-API-User"
NOT_SHOWN: Final = "what came is not shown, since it repeats the credentials"


def hidden(text: str, secrets: Iterable[str]) -> str:
    """Return a text with the secrets masked; nothing of it where it has one in another writing."""
    secrets = [secret for secret in secrets if secret]
    for secret in secrets:
        text = text.replace(secret, MASK)
    plain = _any(text)
    return NOT_SHOWN if any(_any(secret) in plain for secret in secrets) else text


def repeats(text: str, headers: Mapping[str, str]) -> bool:
    """Say whether a text repeats one of these headers of the request, given by name."""
    plain = _plain(text)
    return any(
        value
        and _plain(value) in plain
        and ((len(value) >= TELLING_LENGTH and name != USER_HEADER) or name.lower() in plain.lower())
        for name, value in headers.items()
    )


def _plain(text: str) -> str:
    """Undo the escapes of JSON."""
    return ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else "", text) if "\\" in text else text


def _any(text: str) -> str:
    """Undo the escapes of JSON, HTML and URLs."""
    return unquote(html.unescape(_plain(text)))
