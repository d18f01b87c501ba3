"""The operator's private key, and signatures with it: JWS in compact form, ES256, over bytes as they are.

Nothing is kept: a key is read for each signature. Whatever is raised on the way, an interrupt included, leaves with
the local variables of all frames below cleared, because notebooks and bug reports show those of tracebacks.
"""

from __future__ import annotations

import base64
import os
import re
import stat
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ledgerkit.errors import ConfigurationError, InvalidRequest, clear_frames, warn
from ledgerkit.families import ApiUser
from ledgerkit.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

HEADER: Final = {"alg": "ES256", "typ": "JWT"}
# A P-256 key is a PEM of 227 bytes, or 454 as hex: what is much larger is another file.
LARGEST_FILE: Final = 64 * 1024

_PRIVATE_BLOCK = re.compile(
    r"-----BEGIN ((?:[A-Z0-9]+ )*)PRIVATE KEY-----(.*?)-----END \1PRIVATE KEY-----", re.DOTALL
)
_OTHER_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
_HEX_OF_A_PEM = b"-----BEGIN".hex()
# What people put where the name of a file belongs: a part of a PEM or of its hex, or the bare number of the key.
_LIKE_A_KEY = re.compile(r"-----END|[0-9A-Fa-f]{60}|[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{60}")
_POINT = re.compile(r"04[0-9A-Fa-f]{128}")
_NAMES = "LEDGER_ENTERPRISE_PRIVATE_KEY_FILE or LEDGER_ENTERPRISE_API_PRIVATE_KEY"


def load_private_key(source: ApiUser | Secret | Path) -> EllipticCurvePrivateKey:
    """Read the private key of an API user: PEM (SEC1 or PKCS#8, no passphrase), or hex of the PEM.

    Parameters
    ----------
    source
        Credentials that hold the key or name its file, the key itself, or its file.

    Raises
    ------
    ConfigurationError
        There is no key, it can't be read, or it is not a private key on P-256. No message quotes it.
    """
    handled = sys.exception()
    try:
        return _loaded(source)
    except BaseException as error:
        clear_frames(error, handled)
        raise


def public_point(key: EllipticCurvePrivateKey) -> str:
    """Return the public half of a key as the administrator registers it: 130 upper-case hex digits, from 04 on."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint).hex().upper()


def sign_challenge(key: EllipticCurvePrivateKey, challenge: bytes) -> str:
    """Return the JWS of a challenge: its bytes are signed as they are, never decoded and written anew."""
    need_libraries()
    from joserfc import jws
    from joserfc.jwk import ECKey

    handled = sys.exception()
    try:
        return jws.serialize_compact(dict(HEADER), challenge, ECKey.import_key(key))
    except BaseException as error:
        clear_frames(error, handled)
        raise


def verify(signed: str, point: str) -> bytes:
    """Return the bytes that a JWS signs, after checking it against the public point of the signer.

    Raises
    ------
    InvalidRequest
        The point is no public key on P-256, or the JWS is not an ES256 signature of its holder.
    """
    need_libraries()
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from joserfc import jws
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey

    try:
        if not _POINT.fullmatch(point):
            raise ValueError
        public = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), bytes.fromhex(point))
    except ValueError:
        raise InvalidRequest(
            "the public key is no point on P-256: it has 130 hex digits and begins with 04.", field="point"
        ) from None
    try:
        checked = jws.deserialize_compact(signed, ECKey.import_key(public), algorithms=[HEADER["alg"]])
    except (JoseError, ValueError):
        raise InvalidRequest(
            f"the JWS is no ES256 signature by the public key that ends in {point[-8:]}.", field="jws"
        ) from None
    return checked.payload


def need_libraries() -> None:
    """Raise ``ConfigurationError`` where the libraries for keys and signatures are not installed."""
    if find_spec("cryptography") is None or find_spec("joserfc") is None:
        raise ConfigurationError(
            "keys and signatures need two more libraries: pip install 'ledgerkit-enterprise[signing]'."
        )


def _loaded(source: ApiUser | Secret | Path) -> EllipticCurvePrivateKey:
    if isinstance(source, Secret):
        return _checked(source, "the private key")
    if not isinstance(source, ApiUser):
        return _from_file(Secret(str(source)))
    if source.private_key is not None:
        return _checked(source.private_key, "the private key")
    if source.private_key_file is None:
        raise ConfigurationError(
            f"there is no private key, and nothing can be signed without one: set {_NAMES}, or make a key with "
            "`ledgerkit keys new`.",
            field="private_key",
        )
    return _from_file(Secret(str(source.private_key_file)), " Mend LEDGER_ENTERPRISE_PRIVATE_KEY_FILE.")


def _from_file(path: Secret, way_out: str = "") -> EllipticCurvePrivateKey:
    text, problem = _read(path)
    if problem or text is None:
        raise ConfigurationError(f"the private key can't be read: {problem}{way_out}", field="private_key_file")
    return _checked(text, f"the private key in {path.reveal()}")


def _read(path: Secret) -> tuple[Secret | None, str]:
    """Return what a file holds, or why it can't be used; the name is wrapped, for it may be the key by mistake."""
    name = path.reveal()
    if "-----BEGIN" in name or _HEX_OF_A_PEM in name.lower():
        return None, (
            "LEDGER_ENTERPRISE_PRIVATE_KEY_FILE holds the key itself, where the name of a file is expected. "
            "Move it to LEDGER_ENTERPRISE_API_PRIVATE_KEY."
        )
    try:
        status = Path(name).stat()
        if not stat.S_ISREG(status.st_mode):
            return None, f"{name} is not a regular file."  # reading a pipe would wait for a writer, perhaps for ever
        if status.st_size > LARGEST_FILE:
            return None, f"{name} has {status.st_size} bytes, and a key has a few hundred: it is another file."
        if os.name == "posix" and status.st_mode & 0o077:
            # Before it is read: where warnings are errors, this frame is shown.
            warn(f"{name} holds a private key, and others on this machine may use it: chmod 600 it.", UserWarning)
        content = Path(name).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no name of a file"
        if _LIKE_A_KEY.search(name):  # a path may look so too, but then it leads to a file
            return None, (
                "no file of that name can be read, and the name is not shown, since it looks like the key itself. "
                "Keys belong into the file, or into LEDGER_ENTERPRISE_API_PRIVATE_KEY."
            )
        return None, f"{name}: {reason}."
    # What is no text becomes a text that is no key: the check that follows says what is expected.
    return Secret(content.decode("utf-8-sig", errors="replace")), ""


def _checked(text: Secret, name: str) -> EllipticCurvePrivateKey:
    need_libraries()
    key, problem = _parsed(text)
    if key is None:
        raise ConfigurationError(f"{name} can't be used: {problem}", field="private_key")
    return key


def _parsed(secret: Secret) -> tuple[EllipticCurvePrivateKey | None, str]:
    """Return the key, or what is wrong with it, in words that hold nothing of it."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    text, problem = _pem(secret.reveal())
    if problem:
        return None, problem
    blocks = _PRIVATE_BLOCK.findall(text)
    if len(blocks) != 1:
        return None, _no_single_key(text, len(blocks))
    kind, body = blocks[0]
    if kind == "ENCRYPTED " or ":" in body:  # PKCS#8 says it in its name, SEC1 in headers such as Proc-Type
        return None, (
            "it is protected by a passphrase, which this API's users can't have: "
            "write it without one (openssl pkey -in KEY -out NEW -traditional)."
        )
    try:
        # From DER, because a PEM that was kept in one line has blanks where its line breaks were.
        der = base64.b64decode("".join(body.split()), validate=True)
        key = serialization.load_der_private_key(der, password=None)
    except Exception:  # noqa: BLE001 - whatever it is, going on it would show the key that this frame holds
        return None, "it is damaged, or of a kind that is not known: a whole PEM of a key on P-256 is expected."
    curve = key.curve.name if isinstance(key, ec.EllipticCurvePrivateKey) else type(key).__name__.strip("_")
    if not isinstance(key, ec.EllipticCurvePrivateKey) or curve != ec.SECP256R1.name:
        hint = " That is the curve of a LAM's users: an API user has another key." if curve == "secp256k1" else ""
        return None, f"it is a key on {curve}, and signatures need P-256 (secp256r1).{hint}"
    return key, ""


def _pem(text: str) -> tuple[str, str]:
    """Return a PEM that was given as such or as hex, or what was given instead."""
    if "-----BEGIN" in text:
        return text.replace("\\n", "\n"), ""
    digits = "".join(text.split()).lower().removeprefix("0x")
    if not digits:
        return "", "it is empty."
    if re.fullmatch(r"[0-9a-f]+", digits):
        if digits.startswith(_HEX_OF_A_PEM) and len(digits) % 2 == 0:
            return bytes.fromhex(digits).decode("ascii", errors="replace"), ""
        if _POINT.fullmatch(digits):
            return "", "it is a public key: the private key is the other half, which stays with you."
    return "", "it is neither a PEM (-----BEGIN EC PRIVATE KEY----- ...) nor hex of a PEM, which begins with 2d2d2d."


def _no_single_key(text: str, count: int) -> str:
    if count:
        return f"it holds {count} private keys, and it can't be known which one is meant."
    labels = _OTHER_BLOCK.findall(text)
    if any(label.endswith("PRIVATE KEY") for label in labels):
        return "its beginning is there, but not its end: it was cut."
    if any("PUBLIC" in label or "CERTIFICATE" in label for label in labels):
        return "it is a public key or a certificate: the private key is the other half, which stays with you."
    return "it is a PEM, but of no private key."
