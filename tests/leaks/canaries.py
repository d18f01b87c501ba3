"""Canaries: a value for each secret that the kit handles, and a search that finds them however they are written.

What is a secret, and what is not:

==========================  ========================================================================================
field                       secret, because
==========================  ========================================================================================
``key_id``                  one half of what is exchanged for tokens (its id in a good answer is content)
``key_secret``              the other half
``gateway_key``             opens the gateway in front of the token endpoint
``private scalar``          the operator's private key: as bytes, as a number, in a PEM, in the hex of a PEM
``reporting_key``           reads the workspace
``lam_user``                all that a LAM without an API key asks for (its name in a good answer is content)
``lam_api_key``             opens a LAM
``lam_store_token``         opens a LAM's store
``access token``            its claims and its signature: opens the API for minutes
``refresh_token``           is exchanged for access tokens
``session_state``           names the signed-in session at the identity provider
``webhook_secret``          whoever has it can forge events
``proxy_password``          of ``HTTPS_PROXY`` and the like; the user name in front of it is not shown either
``url_password``            what people put in front of the ``@`` of a base URL
``env_value``               any other value in ``.env``, such as one under a name that is spelled wrongly
==========================  ========================================================================================

No secrets: workspace, base URL, public key, profile names, paths of files, ids and names of objects.

Out of scope: the memory of the process, since whoever runs code in it can call ``Secret.reveal()``; what the reader's
own cell holds; and what ``ledgerkit sandbox`` prints of the made-up workspace, which is meant to be copied.
"""

import base64
import binascii
import bz2
import gzip
import hashlib
import html
import io
import json
import lzma
import pickletools
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

# So many characters of a secret are a hit; fewer are in many a text by chance.
PIECE: Final = 12
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def _drawn(name: str, length: int = 44) -> str:
    """Draw a value with characters that JSON, HTML and URLs escape; the same in each process."""
    digest = hashlib.sha512(f"canary of {name}".encode()).digest()
    return base64.b64encode(digest).decode()[:length]


def _segment(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


KEY_ID: Final = _drawn("key_id")
KEY_SECRET: Final = _drawn("key_secret")
GATEWAY_KEY: Final = _drawn("gateway_key")
REPORTING_KEY: Final = _drawn("reporting_key")
LAM_USER: Final = _drawn("lam_user")
LAM_API_KEY: Final = _drawn("lam_api_key")
LAM_STORE_TOKEN: Final = _drawn("lam_store_token")
REFRESH_TOKEN: Final = _drawn("refresh_token")
SESSION_STATE: Final = _drawn("session_state")
WEBHOOK_SECRET: Final = _drawn("webhook_secret")
# In a URL: without "/", "+" and "=".
PROXY_PASSWORD: Final = _drawn("proxy_password").translate(str.maketrans("/+=", "abc"))
URL_PASSWORD: Final = _drawn("url_password").translate(str.maketrans("/+=", "abc"))
ENV_VALUE: Final = _drawn("env_value")

SCALAR: Final = int.from_bytes(hashlib.sha256(b"canary of the private key").digest()) % _ORDER
PRIVATE_KEY: Final = ec.derive_private_key(SCALAR, ec.SECP256R1())
PEM: Final = PRIVATE_KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
PKCS8: Final = PRIVATE_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
POINT: Final = PRIVATE_KEY.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint).hex().upper()

TOKEN_CLAIM: Final = _drawn("claim of the access token", 43)
TOKEN_SIGNATURE: Final = _segment(hashlib.sha512(b"signature of the access token").digest())
ACCESS_TOKEN: Final = ".".join(
    (
        _segment(b'{"alg":"RS256","typ":"JWT"}'),
        _segment(json.dumps({"jti": TOKEN_CLAIM, "pub_key": POINT, "session_state": SESSION_STATE}).encode()),
        TOKEN_SIGNATURE,
    )
)

VALUES: Final[dict[str, bytes]] = {
    "key_id": KEY_ID.encode(),
    "key_secret": KEY_SECRET.encode(),
    "gateway_key": GATEWAY_KEY.encode(),
    "private scalar": SCALAR.to_bytes(32),
    "reporting_key": REPORTING_KEY.encode(),
    "lam_user": LAM_USER.encode(),
    "lam_api_key": LAM_API_KEY.encode(),
    "lam_store_token": LAM_STORE_TOKEN.encode(),
    "claim of the access token": TOKEN_CLAIM.encode(),
    "signature of the access token": TOKEN_SIGNATURE.encode(),
    "refresh_token": REFRESH_TOKEN.encode(),
    "session_state": SESSION_STATE.encode(),
    "webhook_secret": WEBHOOK_SECRET.encode(),
    "proxy_password": PROXY_PASSWORD.encode(),
    "url_password": URL_PASSWORD.encode(),
    "env_value": ENV_VALUE.encode(),
}

_URLSAFE: Final = str.maketrans("-_", "+/")
_NOISE: Final = re.compile(r"[^0-9a-z+/]+")
_BYTES_AS_NUMBERS: Final = re.compile(r"\d{1,3}(?:,\s*\d{1,3}){11,}")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{120,}={0,2}")
_ESCAPED: Final = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([/\\\"'nrt]))")
_NUMERIC_ENTITY: Final = re.compile(r"&(?:#|amp;|[a-z]+;)", re.IGNORECASE)
_DEEPEST: Final = 6


@dataclass(frozen=True)
class Hit:
    """A secret that was found: which, as what, and where."""

    field: str
    written: str
    where: str


def _in_base64(value: bytes) -> Iterator[str]:
    """Give what stands in a base64 text for certain, whatever is in front of and behind the value."""
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + value).decode().rstrip("=")
        # The first and the last characters mix with the neighbours.
        yield text[-(-shift * 8 // 6) : len(text) - (1 if (shift + len(value)) % 3 else 0)]


def _written(value: bytes) -> Iterator[tuple[str, str]]:
    """Give each way to write a value, as it is squeezed."""
    if value.isascii():
        yield "text", value.decode()
    else:
        yield "bytes", value.decode("latin-1")
        yield "number", str(int.from_bytes(value))
        for text in _in_base64(value):
            # A PEM, encoded once more.
            yield "hex of base64", text.encode().hex()
            yield from (("base64 of base64", again) for again in _in_base64(text.encode()))
        yield from (("base64 of hex", text) for text in _in_base64(value.hex().encode()))
    yield "hex", value.hex()
    for text in _in_base64(value):
        yield "base64", text


def squeezed(text: str) -> str:
    """Return the letters, digits, + and / of a text in lower case: nothing is hidden by wraps, blanks or quotes."""
    return _NOISE.sub("", text.translate(_URLSAFE).lower())


class Searcher:
    """Looks for secrets in anything.

    Parameters
    ----------
    values
        The secrets by their names; by default all canaries.
    """

    def __init__(self, values: dict[str, bytes] | None = None) -> None:
        self._needles: dict[str, tuple[str, str]] = {}
        self._raw: dict[str, str] = {}
        for field, value in (VALUES if values is None else values).items():
            for written, text in _written(value):
                if written == "bytes":
                    self._raw |= {text[:PIECE]: field, text[-PIECE:]: field}
                    continue
                size = PIECE if written == "text" else PIECE * 4 // 3
                plain = squeezed(text)
                assert len(plain) >= size, (field, written)
                self._needles[plain[:size]] = self._needles[plain[-size:]] = (field, written)

    def find(self, what: str | bytes, where: str = "") -> list[Hit]:
        """Return the secrets that a text or the bytes of a file hold."""
        hits: dict[Hit, None] = {}
        content = what.encode("utf-8", "surrogatepass") if isinstance(what, str) else what
        for place, one in _unpacked(content, where):
            for text in _readings(one):
                for raw, field in self._raw.items():
                    if raw in text:
                        hits[Hit(field, "bytes", place)] = None
                plain = squeezed(text)
                for needle, (field, written) in self._needles.items():
                    if needle in plain:
                        hits[Hit(field, written, place)] = None
        return list(hits)

    def find_in_files(self, folder: Path) -> list[Hit]:
        """Return the secrets in the names and the bytes of all files of a folder."""
        return [
            hit
            for path in sorted(folder.rglob("*"))
            for hit in [
                *self.find(str(path.relative_to(folder)), f"name of {path.name}"),
                *(self.find(path.read_bytes(), path.name) if path.is_file() else []),
            ]
        ]


def _readings(content: bytes) -> Iterator[str]:
    """Give the texts that bytes may be: as they are, and with what escapes them undone."""
    text = content.decode("latin-1")
    yield text
    if b"\0" in content:
        yield text.replace("\0", "")  # UTF-16 and UTF-32 of ASCII
    for run in _BYTES_AS_NUMBERS.findall(text):
        numbers = [int(number) for number in run.split(",")]
        if max(numbers) < 256:
            yield bytes(numbers).decode("latin-1")
    for _ in range(3):
        undone = _ESCAPED.sub(_character, text)
        if "%" in undone:
            undone = unquote_to_bytes(undone.encode("utf-8" if max(undone) > "\xff" else "latin-1")).decode("latin-1")
        if _NUMERIC_ENTITY.search(undone):
            undone = html.unescape(undone)
        if undone == text:
            return
        text = undone
        yield text


def _character(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else {"n": "\n", "r": "\r", "t": "\t"}.get(found[3], found[3])


def _unpacked(content: bytes, where: str, depth: int = 0) -> Iterator[tuple[str, bytes]]:
    """Give bytes, and whatever is packed into them."""
    yield where, content
    if depth > _DEEPEST:
        return
    for name, part in _parts(content):
        yield from _unpacked(part, f"{where} > {name}", depth + 1)


def _parts(content: bytes) -> Iterator[tuple[str, bytes]]:
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            for name in file.namelist():
                yield "name", name.encode()
                yield name, file.read(name)
    elif content[:2] == b"\x1f\x8b":
        yield "gzip", gzip.decompress(content)
    elif content[:3] == b"BZh":
        yield "bz2", bz2.decompress(content)
    elif content[:6] == b"\xfd7zXZ\0":
        yield "xz", lzma.decompress(content)
    elif content[:1] == b"\x78" and content[1:2] in (b"\x01", b"\x5e", b"\x9c", b"\xda"):
        try:
            yield "zlib", zlib.decompress(content)
        except zlib.error:
            return
    elif content[:8] == b"\x89PNG\r\n\x1a\n":
        yield from _png(content)
    elif content[:4] == content[-4:] == b"PAR1":
        yield "parquet", _parquet(content)
    elif content[:1] == b"\x80" and content[-1:] == b".":
        # Walked, not loaded: nothing in it runs.
        for operation, argument, _ in pickletools.genops(content):
            if isinstance(argument, str):
                yield operation.name, argument.encode("utf-8", "surrogatepass")
                yield operation.name, argument.encode("latin-1", "replace")  # bytes, in old protocols
            elif isinstance(argument, bytes | bytearray):
                yield operation.name, bytes(argument)
            elif isinstance(argument, int):
                yield operation.name, str(argument).encode()
    else:
        for number, found in enumerate(_BASE64.findall(content)):
            try:
                part = base64.b64decode(found + b"=" * (-len(found) % 4), altchars=b"-_" if b"-" in found else None)
            except (binascii.Error, ValueError):
                continue
            if part[:2] in (b"PK", b"\x1f\x8b", b"\x78\x9c", b"\x89P") or part[:4] == b"PAR1" or part[:1] == b"\x80":
                try:
                    yield from ((f"base64 {number} > {name}", one) for name, one in _parts(part))
                except (ValueError, OSError, zipfile.BadZipFile, EOFError):
                    continue


def _png(content: bytes) -> Iterator[tuple[str, bytes]]:
    position = 8
    while position + 8 <= len(content):
        size, kind = int.from_bytes(content[position : position + 4]), content[position + 4 : position + 8]
        if kind != b"IDAT":
            yield kind.decode("latin-1"), content[position + 8 : position + 8 + size]
        position += size + 12


def _parquet(content: bytes) -> bytes:
    from pyarrow import parquet

    file = parquet.ParquetFile(io.BytesIO(content))
    texts: list[Any] = [file.metadata.metadata, file.schema_arrow.metadata, file.read().to_pylist()]
    return "\n".join(_texts(texts)).encode("utf-8", "surrogatepass")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _texts(list(value))
        yield from _texts(list(value.values()))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, bytes):
        yield value.decode("latin-1")
    elif value is not None:
        yield str(value)


def described(hits: Iterable[Hit]) -> str:
    """Return hits as lines for a failed test."""
    return "\n".join(sorted({f"{hit.field} as {hit.written} in {hit.where}" for hit in hits}))
