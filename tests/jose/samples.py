"""The one challenge that is documented with its decoded form, and keys to sign it with."""

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ledgerkit.challenges import encoded

ANTIREPLAY = "3BB37DFB1DF1FD9DE34FCAFBBEF66CB5C1ED15731354FB0146DCC229767D35B1"
RECIPIENT = "tb1q9wexw9pzjklj7yqld6g3lejxzr0wgvwhzx0nek"


def documented() -> dict[str, Any]:
    """Return the documented challenge, decoded."""
    return {
        "antireplay": ANTIREPLAY,
        "data": {
            "transaction_data": {
                "account_name": "ClientA COL TBTC 1",
                "amount": "100",
                "currency": "bitcoin testnet",
                "max_fees": "211",
                "recipient": RECIPIENT,
            },
            "transaction_type": "BITCOIN_LIKE_SEND",
        },
        "type": "APPROVE_TRANSACTION",
    }


def body() -> dict[str, Any]:
    """Return the body that creates the request of that challenge."""
    return {
        "type": "CREATE_TRANSACTION",
        "data": {
            "account_id": 2,
            "transaction_type": "BITCOIN_LIKE_SEND",
            "fees_strategy": {"type": "SPEED", "data": {"speed": "FAST"}},
            "transaction_data": {
                "account_name": "ClientA COL TBTC 1",
                "amount": "100",
                "currency": "bitcoin_testnet",
                "max_fees": "211",
                "recipient": RECIPIENT,
            },
        },
        "note": {"title": "Invoice 42", "content": "March"},
    }


def challenge_text(decoded: Any) -> str:
    """Write a challenge as the service does: compact JSON with sorted keys, in base64url without padding."""
    return encoded(json.dumps(decoded, separators=(",", ":"), sort_keys=True).encode())


def new_key(curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    """Make a private key, on P-256 unless another curve is named."""
    return ec.generate_private_key(curve or ec.SECP256R1())


def sec1(key: ec.EllipticCurvePrivateKey) -> str:
    """Write a key as the vendor's documentation asks for."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
