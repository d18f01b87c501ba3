"""What the parts of the world are made from: the seed, the calendar, and keys that follow from the seed."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import NameOID

Node = dict[str, Any]

# eighteen months
SPAN = timedelta(days=548)
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def stamp(moment: datetime) -> str:
    """Return a moment as the API writes it."""
    return moment.isoformat(timespec="microseconds")


@dataclass(frozen=True, slots=True)
class Material:
    """The seed and the span of time of a world."""

    seed: int
    now: datetime

    @property
    def start(self) -> datetime:
        """The day the institution opened its workspace."""
        return self.now - SPAN

    def derive(self, *parts: object) -> bytes:
        """Return 32 bytes that follow from the seed and a path of names."""
        path = "/".join(str(part) for part in ("ledgerkit sandbox", self.seed, *parts))
        return hashlib.sha256(path.encode()).digest()

    def uuid(self, *parts: object) -> str:
        """Return a UUID of version 4 in form, though it follows from the seed."""
        digits = self.derive("uuid", *parts).hex()
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"

    def key(self, *parts: object, curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
        """Return a private key, P-256 unless another curve is named."""
        secret = int.from_bytes(self.derive("key", *parts), "big") % (SECP256K1_ORDER - 1) + 1
        return ec.derive_private_key(secret % (P256_ORDER - 1) + 1, curve or ec.SECP256R1())


def public_point(key: ec.EllipticCurvePrivateKey) -> str:
    """Return the public half of a key as an uncompressed point in hex."""
    form = serialization.PublicFormat.UncompressedPoint
    return key.public_key().public_bytes(serialization.Encoding.X962, form).hex()


def private_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """Return a private key as PEM in the SEC1 form."""
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def sign_digest(key: ec.EllipticCurvePrivateKey, digest: bytes) -> tuple[int, int]:
    """Sign a digest of 32 bytes with a nonce that follows from key and digest.

    Signatures with a random nonce would make two builds of one world differ.
    """
    curve = key.curve
    order = P256_ORDER if isinstance(curve, ec.SECP256R1) else SECP256K1_ORDER
    secret = key.private_numbers().private_value
    nonce = int.from_bytes(hmac.digest(secret.to_bytes(32, "big"), digest, "sha256"), "big") % (order - 1) + 1
    r = ec.derive_private_key(nonce, curve).public_key().public_numbers().x % order
    s = pow(nonce, -1, order) * (int.from_bytes(digest, "big") + r * secret) % order
    return r, min(s, order - s)


def sign(key: ec.EllipticCurvePrivateKey, message: bytes) -> tuple[int, int]:
    """Sign the SHA-256 of a message."""
    return sign_digest(key, hashlib.sha256(message).digest())


def signature_der(signature: tuple[int, int]) -> bytes:
    """Return a signature in DER."""
    return utils.encode_dss_signature(*signature)


def _der(tag: int, body: bytes) -> bytes:
    size = len(body)
    length = bytes([size]) if size < 128 else bytes([0x82]) + size.to_bytes(2, "big")
    return bytes([tag]) + length + body


# the identifier of ecdsa-with-SHA256 (1.2.840.10045.4.3.2)
_ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")


def certificate_chain(material: Material) -> tuple[list[str], ec.EllipticCurvePrivateKey]:
    """Return root, intermediate and leaf certificate as DER in hex, and the key of the leaf."""
    chain: list[str] = []
    names = ("Root", "Issuing", "Address attestation")
    issuer_key = material.key("certificate", names[0])
    issuer = _subject(names[0])
    for level, name in enumerate(names):
        key = material.key("certificate", name)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_subject(name))
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(int.from_bytes(material.derive("serial", name)[:8], "big") | 1)
            .not_valid_before(datetime(2024, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2044, 1, 1, tzinfo=UTC))
            .add_extension(x509.BasicConstraints(ca=level < 2, path_length=1 - level if level < 2 else None), True)
        )
        body = builder.sign(issuer_key, hashes.SHA256()).tbs_certificate_bytes
        signature = _der(0x03, b"\0" + signature_der(sign(issuer_key, body)))
        chain.append(_der(0x30, body + _ECDSA_SHA256 + signature).hex())
        issuer, issuer_key = _subject(name), key
    return chain, issuer_key


def _subject(name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "ledgerkit sandbox"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Sandbox {name} CA" if name != "Address attestation" else name),
        ]
    )


Counter = Callable[[], int]


def counter(first: int = 1) -> Counter:
    """Return a function that counts up from a number."""
    value = first - 1

    def step() -> int:
        nonlocal value
        value += 1
        return value

    return step
