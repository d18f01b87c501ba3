"""Reading a challenge: base64url of JSON that every reader reads alike, and how well its shape is known."""

import base64
import json
import re
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from typing import Any, Literal, NoReturn

from ledgerkit.errors import ContractViolation, shorten

Verb = Literal["approve", "reject"]
Level = Literal["documented", "assumed", "display", "unknown"]

TYPE = re.compile(r"(APPROVE|REJECT)_([A-Z][A-Z0-9_]*)")
ANTIREPLAY = re.compile(r"[0-9A-F]{64}")
# With the context of a caller who traps nothing, a number of too many digits in its exponent would be a NaN.
_TRAPPING = Context(traps=[InvalidOperation])
_SAMPLE_FIELDS = {"account_name", "amount", "currency", "max_fees", "recipient"}


@dataclass(frozen=True, slots=True)
class Challenge:
    """The bytes that would be signed."""

    raw: bytes

    @property
    def decoded(self) -> Any:
        """What the bytes say, read anew each time: what a caller changes in it is not what is signed."""
        return _parse(self.raw)

    @property
    def recogniser(self) -> Level:
        """How well the shape is known."""
        return _recognise(self.decoded)

    @property
    def verb(self) -> Verb | None:
        """Whether its signature approves or rejects; None where the challenge does not say it."""
        return _verb(self.decoded)

    @property
    def antireplay(self) -> str:
        """What ties it to its one request; all of it, where the shape is not known."""
        decoded = self.decoded
        for name in ("antireplay", "challenge", "nonce"):
            if isinstance(decoded, dict) and isinstance(decoded.get(name), str):
                return str(decoded[name])
        return encoded(self.raw)


def decode(challenge: str) -> Challenge:
    """Read a challenge as the API gives it: base64url of JSON.

    Raises
    ------
    ContractViolation
        It is another alphabet, or JSON that two readers may read differently, such as one with a key twice.
    """
    body = challenge.rstrip("=") if isinstance(challenge, str) else ""
    raw = b""
    if re.fullmatch(r"[A-Za-z0-9_-]+", body) and len(body) % 4 != 1:
        raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    # Read back, because unused bits at the end would make the signed text another than the challenge.
    if not raw or encoded(raw) != body or len(challenge) - len(body) not in (0, -len(body) % 4):
        raise ContractViolation(
            "the challenge is not base64url text, and is not signed.", field="challenge", body=shorten(challenge)
        )
    _parse(raw)
    return Challenge(raw)


def encoded(raw: bytes) -> str:
    """Return bytes as base64url without padding, as challenges and signatures have them."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _parse(raw: bytes) -> Any:
    try:
        decoded = read_alike(raw)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else _reason(error)
        raise ContractViolation(
            f"the challenge can't be read without guessing, and is not signed: {reason}.",
            field="challenge",
            body=shorten(raw, 400),
        ) from None
    return decoded


def _reason(error: ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return "a text of it has half of a character" if isinstance(error, UnicodeEncodeError) else str(error)


def read_alike(text: bytes) -> Any:
    """Read JSON that every reader reads alike: UTF-8, no key twice, numbers exact and finite, whole characters.

    Raises
    ------
    ValueError
        It is none; the message says why.
    RecursionError
        It is nested too deep.
    """
    decoded = json.loads(
        text.decode(), object_pairs_hook=each_key_once, parse_float=_decimal, parse_constant=_not_a_number
    )
    json.dumps(decoded, ensure_ascii=False, default=str).encode()
    return decoded


def each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its pairs, as ``object_pairs_hook`` of ``json.loads``; a key that is there twice is an error.

    Readers take the first value, the last, or both: what one of them shows is not what another one acts upon.
    """
    decoded = dict(pairs)
    if len(decoded) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise KeyTwice(name)
            seen.add(name)
    return decoded


class KeyTwice(ValueError):
    """An object of JSON has a key twice."""

    def __init__(self, key: str) -> None:
        super().__init__(f"it has the key {shorten(key)} twice")
        self.key = key


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text, _TRAPPING)
    except InvalidOperation:
        raise ValueError(f"{shorten(text)} is too large or too small for a number") from None


def _not_a_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _recognise(decoded: Any) -> Level:
    if not isinstance(decoded, dict):
        return "unknown"
    properties, data = decoded.get("Transaction properties"), decoded.get("data")
    if isinstance(properties, dict) and decoded.keys() == {"Transaction properties", "challenge"}:
        return "display"
    if _verb(decoded) is None or not isinstance(data, dict):
        return "unknown"
    fields = data.get("transaction_data")
    is_sample = (
        decoded.keys() == {"antireplay", "data", "type"}
        and decoded["type"] == "APPROVE_TRANSACTION"
        and data.keys() == {"transaction_data", "transaction_type"}
        and data["transaction_type"] == "BITCOIN_LIKE_SEND"
        and isinstance(fields, dict)
        and fields.keys() == _SAMPLE_FIELDS
        and all(isinstance(value, str) for value in fields.values())
    )
    return "documented" if is_sample else "assumed"


def _verb(decoded: Any) -> Verb | None:
    kind = decoded.get("type") if isinstance(decoded, dict) else None
    if not isinstance(kind, str) or not (match := TYPE.fullmatch(kind)):
        return None
    return "approve" if match[1] == "APPROVE" else "reject"
