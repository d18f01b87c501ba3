"""Receive addresses: the signed statements (JWT) in which the service gives them."""

import base64
from typing import Any

from ledgerkit.answers import decoded
from ledgerkit.errors import ContractViolation, shorten

UNVERIFIED = "not verified"


def read_address(body: Any) -> list[dict[str, Any]]:
    """Return the row of an address JWT; its signature is not checked, and the row says so."""
    try:
        _, payload, _ = body.split(".")
        claims, unreadable = decoded(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (AttributeError, ValueError, TypeError):
        claims, unreadable = None, "is not of three parts"
    if not isinstance(claims, dict):
        raise ContractViolation(
            f"an address should come as a JWT that says it; what came {unreadable or 'says none'}. Do not use it.",
            field="jwt",
            body=shorten(body, 500),
        )
    return [{**claims, "verification": UNVERIFIED, "jwt": body}]
