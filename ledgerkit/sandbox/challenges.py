"""Challenges: what a voter signs, how it is written, and whether the signature that comes back is the voter's."""

import base64
import binascii
import copy
import json
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from .answers import Refusal, decode
from .store import Node

if TYPE_CHECKING:
    from .intent import Intent

Verb = Literal["approve", "reject"]
Shape = Literal["documented", "display", "unknown"]

SIGNATURE_BYTES = 64


class Challenges:
    """Hands challenges out and takes each back once, from the user who got it.

    Attributes
    ----------
    shape
        How challenges of transactions are written: as the documentation's sample, as the text for a display that
        the contract's example of a JWS holds, or in a way that no client knows.
    raw
        Changes the bytes of a challenge before they are handed out, as to write a key twice.
    """

    def __init__(self) -> None:
        self.shape: Shape = "documented"
        self.raw: Callable[[bytes], bytes] | None = None
        self._change: Callable[[Node], Node] | None = None
        self._issued: dict[tuple[int, int, Verb], bytes] = {}

    def tamper(self, change: Callable[[Node], Node] | None) -> None:
        """Alter what is handed out from now on, and so what is taken back; None ends it."""
        self._change = change

    def issue(
        self, request_id: int, user: int, verb: Verb, kind: str, subject: Node, units: tuple[str, str]
    ) -> bytes:
        """Make a challenge with an antireplay of its own; an older one for the same vote is void.

        Parameters
        ----------
        kind
            What is voted on, as in ``TRANSACTION``.
        subject
            What the service will carry out.
        units
            The names of the units of amount and fees, for a display.
        """
        antireplay = secrets.token_hex(32).upper()
        decoded: Node = {"antireplay": antireplay, "data": subject, "type": f"{verb.upper()}_{kind}"}
        if self.shape == "unknown":
            decoded = {"body": {"fields": [subject], "verb": verb}, "nonce": antireplay, "version": 3}
        elif self.shape == "display" and "transaction_data" in subject:
            decoded = {
                "Transaction properties": _display(subject["transaction_data"], units),
                "challenge": antireplay,
            }
        if self._change is not None:
            decoded = self._change(copy.deepcopy(decoded))  # it may change in place what the engine holds
        written = json.dumps(decoded, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        if self.raw is not None:
            written = self.raw(written)
        self._issued[request_id, user, verb] = written
        return written

    def outstanding(self, request_id: int, user: int, verb: Verb) -> bytes | None:
        """Return the challenge that a user got last and has not used."""
        return self._issued.get((request_id, user, verb))

    def redeem(self, request_id: int, user: Node, verb: Verb, jws: str) -> None:
        """Check that a user signed the challenge that this user was given for this vote; it serves one attempt.

        Raises
        ------
        Refusal
            400, with the rule that the JWS breaks.
        """
        payload, signed, signature = read_jws(jws)
        if payload != self._issued.get((request_id, user["id"], verb)):
            raise Refusal(
                400,
                f"The JWS does not hold the challenge to {verb} request {request_id} that user {user['id']} got last "
                "and has not used: fetch a new one",
            )
        del self._issued[request_id, user["id"], verb]
        if not _verifies(user["pub_key"], signed, signature):
            raise Refusal(
                400, f"The signature is not one of the public key of user {user['id']}: fetch a new challenge"
            )

    def forget(self, request_id: int) -> None:
        """Make every challenge of a request void."""
        self._issued = {key: issued for key, issued in self._issued.items() if key[0] != request_id}


def subject_of(intent: "Intent") -> Node:
    """Return what a challenge shows of a creation: what the service will carry out.

    Only transactions are documented; the rest is shown alike.
    """
    data = {key: value for key, value in intent.data.items() if key != "account_id"}
    if intent.target_type == "TRANSACTION":
        return {"transaction_data": _signed(data["transaction_data"]), "transaction_type": intent.kind}
    if intent.target_type == "MESSAGE":
        message = dict(data["message_data"])
        return {**data, "account_name": message.pop("account_name"), "message_data": message}
    if intent.target_type in ("FORCED_UNPLEDGE", "PLEDGE_INCREMENT"):
        return _signed(next(value for value in data.values() if isinstance(value, dict)))
    return data


def _signed(fields: Node) -> Node:
    """Write fields as the signing device shows them: without what is null, and currencies with spaces."""
    shown = {key: value for key, value in fields.items() if value is not None}
    return {**shown, "currency": shown["currency"].replace("_", " ")}


def read_jws(jws: str) -> tuple[bytes, bytes, bytes]:
    """Take a compact JWS apart: its payload, the bytes that are signed, and the signature of ES256.

    Raises
    ------
    Refusal
        400 for anything that is no such JWS.
    """
    parts = jws.split(".")
    if len(parts) != 3:
        raise Refusal(400, f"Invalid jws: three segments are expected, {len(parts)} came")
    try:
        header, payload, signature = (_unpadded(part) for part in parts)
        head: Any = decode(header)
    except ValueError:
        raise Refusal(400, "Invalid jws: segments are base64url without padding, the first one of JSON") from None
    if not isinstance(head, dict) or head.get("alg") != "ES256":
        raise Refusal(400, "Invalid jws: the header's alg has to be ES256")
    if not set(head) <= {"alg", "typ", "kid"}:
        raise Refusal(400, f"Invalid jws: the header has fields that are not understood: {', '.join(sorted(head))}")
    if len(signature) != SIGNATURE_BYTES:
        raise Refusal(
            400, f"Invalid jws: a signature of ES256 is r and s in {SIGNATURE_BYTES} bytes, {len(signature)} came"
        )
    return payload, f"{parts[0]}.{parts[1]}".encode(), signature


def encode_challenge(written: bytes) -> str:
    """Write a challenge for an answer: base64url without padding."""
    return base64.urlsafe_b64encode(written).rstrip(b"=").decode()


def _unpadded(segment: str) -> bytes:
    if "=" in segment or "+" in segment or "/" in segment:
        raise ValueError(segment)
    try:
        return base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(segment) from error


def _verifies(pub_key: str | None, signed: bytes, signature: bytes) -> bool:
    if pub_key is None:
        return False
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes.fromhex(pub_key))
    half = SIGNATURE_BYTES // 2
    r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    try:
        key.verify(utils.encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


# labels of the contract's example; those of other fields are made up
_LABELS = {
    "amount": "Amount",
    "max_fees": "Max total fees",
    "recipient": "Recipient address",
    "account_name": "Account name",
    "contract_address": "Token address",
    "tag": "Destination tag",
}


def _display(data: Node, units: tuple[str, str]) -> Node:
    """Write a transaction as the text that a device shows: the contract's example puts an ``s`` before the unit."""
    unit = {"amount": f"s{units[0]} ", "max_fees": f"s{units[1]} "}
    return {
        label: f"{unit.get(name, '')}{data[name]}" for name, label in _LABELS.items() if data.get(name) is not None
    }
