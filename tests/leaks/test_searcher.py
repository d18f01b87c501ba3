"""The search finds a secret however it is written: where these fail, the other tests of this folder show nothing."""

import base64
import bz2
import codecs
import gzip
import html
import io
import json
import lzma
import pickle
import quopri
import textwrap
import zipfile
import zlib
from collections.abc import Callable
from urllib.parse import quote

import pandas as pd
import pytest
from canaries import ACCESS_TOKEN, PEM, PKCS8, POINT, PRIVATE_KEY, SCALAR, VALUES, Searcher

SEARCHER = Searcher()


def _zipped(value: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner/part.xml", b"<a>" + value + b"</a>")
    return file.getvalue()


def _parquet(value: bytes) -> bytes:
    file = io.BytesIO()
    pd.DataFrame({"note": ["x", value.decode("latin-1")]}).to_parquet(file, compression="zstd")
    return file.getvalue()


def _of_attributes(value: bytes) -> bytes:
    file = io.BytesIO()
    frame = pd.DataFrame({"a": [1]})
    frame.attrs["note"] = value.decode("latin-1")
    frame.to_parquet(file)
    return file.getvalue()


WRITTEN: dict[str, Callable[[bytes], str | bytes]] = {
    "raw": lambda value: b"before " + value + b" behind",
    "upper": lambda value: value.decode("latin-1").upper() if value.isascii() else value,
    "first 12": lambda value: b"... " + value[:12] + b"...",
    "last 12": lambda value: b"..." + value[-12:] + b" ...",
    "base64": lambda value: base64.b64encode(b"k" + value + b"k"),
    "base64, one further": lambda value: base64.b64encode(b"kk" + value + b"kk"),
    "base64, two further": lambda value: base64.b64encode(b"kkk" + value + b"kkk"),
    "base64 for URLs": lambda value: base64.urlsafe_b64encode(b"user:" + value),
    "base64 in lines": lambda value: base64.encodebytes(b"k" * 50 + value),
    "basic authorization": lambda value: "Basic " + base64.b64encode(b"someone:" + value).decode(),
    "hex": lambda value: value.hex(),
    "upper hex": lambda value: value.hex().upper(),
    "hex with colons": lambda value: value.hex(":"),
    "hex with blanks": lambda value: value.hex(" ", 2),
    r"\x": lambda value: "".join(f"\\x{byte:02x}" for byte in value),
    "repr of bytes": lambda value: repr(value),
    "repr of repr": lambda value: repr(repr(value)),
    "percent": lambda value: quote(value, safe=""),
    "each byte by percent": lambda value: "".join(f"%{byte:02X}" for byte in value),
    "percent, twice": lambda value: quote(quote(value, safe=""), safe=""),
    "JSON": lambda value: json.dumps({"a": value.decode("latin-1")}) if value.isascii() else value,
    "JSON in JSON": lambda value: json.dumps(json.dumps(value.decode("latin-1"))) if value.isascii() else value,
    "JSON of PHP": lambda value: (
        json.dumps(value.decode("latin-1")).replace("/", r"\/") if value.isascii() else value
    ),
    r"\u": lambda value: "".join(f"\\u{byte:04x}" for byte in value) if value.isascii() else value,
    "HTML": lambda value: html.escape(value.decode("latin-1")).replace("/", "&#x2F;").encode("latin-1"),
    "HTML numbers": lambda value: "".join(f"&#{byte};" for byte in value) if value.isascii() else value,
    "UTF-16": lambda value: value.decode("latin-1").encode("utf-16") if value.isascii() else value,
    "UTF-32": lambda value: value.decode("latin-1").encode("utf-32-be") if value.isascii() else value,
    "bytes as numbers": lambda value: str(list(value)),
    "lines": lambda value: "\n".join(textwrap.wrap(value.decode(), 9)) if value.isascii() else value,
    "groups": lambda value: " ".join(textwrap.wrap(value.decode(), 4)) if value.isascii() else value,
    "quoted pieces": lambda value: "'\n    '".join(textwrap.wrap(value.decode(), 7)) if value.isascii() else value,
    "coloured pieces": lambda value: b"\x1b[31m" + value + b"\x1b[0m",
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zip": _zipped,
    "zip in base64": lambda value: b'{"a": "' + base64.b64encode(_zipped(value)) + b'"}',
    "gzip of zip": lambda value: gzip.compress(_zipped(value)),
    "pickle": lambda value: pickle.dumps({"a": [value]}),
    "old pickle": lambda value: pickle.dumps({"a": [value]}, protocol=2),
    "zlib of pickle": lambda value: zlib.compress(pickle.dumps([value])),
    "pickle of zlib": lambda value: pickle.dumps([zlib.compress(value)]),
    "parquet": _parquet,
    "attributes in parquet": _of_attributes,
    "quoted printable": lambda value: quopri.encodestring(value) if value.isascii() else value,
    "rot of nothing": lambda value: codecs.encode(value, "hex"),
}
# Written so, the bytes of a key are not the same ones any more.
TEXT_ALONE = {"parquet", "attributes in parquet"}


@pytest.mark.parametrize("written", WRITTEN)
def test_each_writing_of_each_secret_is_found(written: str) -> None:
    def shown(value: bytes) -> str | bytes:
        text_alone = written in TEXT_ALONE and not value.isascii()
        return WRITTEN[written](value.hex().encode() if text_alone else value)

    missed = [
        field for field, value in VALUES.items() if field not in {hit.field for hit in SEARCHER.find(shown(value))}
    ]
    assert missed == []


KEYS = {
    "PEM": PEM,
    "PKCS#8": PKCS8,
    "PEM in one line": PEM.replace("\n", ""),
    "PEM with escaped ends of lines": PEM.replace("\n", "\\n"),
    "hex of the PEM": PEM.encode().hex(),
    "upper hex of the PEM": PEM.encode().hex().upper(),
    "base64 of the PEM": base64.b64encode(PEM.encode()).decode(),
    "base64 of the PEM, one further": base64.b64encode(b"x" + PEM.encode()).decode(),
    "number": str(SCALAR),
    "number in groups": f"{SCALAR:,}",
    "hex": f"{SCALAR:x}",
    "upper hex": f"{SCALAR:064X}",
    "number of the library": repr(PRIVATE_KEY.private_numbers().private_value),
    "repr of its bytes": repr(SCALAR.to_bytes(32)),
    "the beginning alone": repr(SCALAR.to_bytes(32)[:14]),
}


@pytest.mark.parametrize("written", KEYS)
def test_the_private_key_is_found_in_each_of_its_forms(written: str) -> None:
    assert "private scalar" in {hit.field for hit in SEARCHER.find(KEYS[written])}


@pytest.mark.parametrize("part", range(3))
def test_parts_of_the_access_token_are_found(part: int) -> None:
    found = SEARCHER.find(ACCESS_TOKEN.split(".")[part])
    assert bool(found) is (part > 0)  # the first part is that of every token


def test_what_holds_no_secret_gives_no_hit() -> None:
    for text in (POINT, "workspace acme", "********", "Secret('********')", PEM.splitlines()[0], "0" * 400):
        assert SEARCHER.find(text) == []
