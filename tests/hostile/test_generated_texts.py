"""Texts of people and of strangers, drawn at random: `.env`, challenges, headers of webhooks, amounts."""

import base64
import hashlib
import hmac
import json
import logging
from decimal import Decimal
from fractions import Fraction
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from dotenv import dotenv_values
from hypothesis import example, given
from hypothesis import strategies as st

from ledgerkit import webhooks
from ledgerkit.amounts import to_base_units, to_display
from ledgerkit.challenges import decode, encoded
from ledgerkit.envfile import from_file
from ledgerkit.errors import ConfigurationError, ContractViolation, InvalidRequest, LedgerError
from ledgerkit.webhooks import verify

# --- .env -----------------------------------------------------------------------------------------------------------

CANARY = "s3cr3t"
PIECES = [
    "LEDGER_A",
    "ledger_b",
    "OTHER",
    "=",
    f"={CANARY}",
    f"='{CANARY}'",
    f'="{CANARY}',
    f" {CANARY}",
    *("\n", "\r", "\r\n", " ", "\t", "#", "'", '"', "\\", "\\n", "export ", "${HOME}", "$", "\ufeff", "\u2028"),
    *("\x0b", "\x0c", "\x85", "\xa0", "\0", "-----BEGIN", "-----END", "\u00e9", "\u0130"),
]
FILES = st.lists(st.sampled_from(PIECES), max_size=14).map(lambda pieces: "".join(pieces).encode()) | st.binary(
    max_size=60
)


@given(content=FILES)
@example(content=f"LEDGER_A={CANARY}\nLEDGER_A=other".encode())
@example(content=f"'LEDGER_A={CANARY}'=1\n'LEDGER_A={CANARY}'=2".encode())
@example(content=f'LEDGER_A="{CANARY}'.encode())
@example(content=f'LEDGER_A="-----BEGIN {CANARY}'.encode())
@example(content=CANARY.encode("utf-16"))
def test_any_env_file_is_read_as_dotenv_reads_it_or_refused_without_a_value(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / ".env"
        path.write_bytes(content)
        refused, settings = None, {}
        try:
            settings = from_file(path)
        except ConfigurationError as error:
            refused = error
    if refused is not None:
        assert str(path) in str(refused)
        assert CANARY not in str(refused) + repr(refused.details)
        return
    found = {name: setting.value.reveal() for name, setting in settings.items()}
    logging.disable()  # of lines that are not ours, dotenv says that it can't read them
    try:
        read = dotenv_values(stream=StringIO(content.decode("utf-8-sig"), newline=""), interpolate=False)
    finally:
        logging.disable(logging.NOTSET)
    ours = {name: (value or "").strip() for name, value in read.items() if name.upper().startswith("LEDGER")}
    # An empty line after one that sets a value takes it away for dotenv; here it sets nothing.
    assert {name: value for name, value in ours.items() if value} == {
        name: value for name, value in found.items() if ours.get(name)
    }
    assert found.keys() <= ours.keys()
    assert CANARY not in repr(settings)


# --- challenges -----------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
ALMOST_JSON = st.lists(
    st.sampled_from(
        [*'{}[]:,"\\ -.0123456789eE', '"a"', '"a":1', r'"\u0061":', "NaN", r"\ud800", "true", "\ufeff", "1e9"]
    ),
    max_size=12,
).map("".join)
RAW = (
    st.binary(max_size=40)
    | JSON.map(lambda one: json.dumps(one, ensure_ascii=False).encode())
    | ALMOST_JSON.map(lambda text: text.encode())
)
CHALLENGES = RAW.map(encoded) | RAW.map(lambda raw: base64.b64encode(raw).decode()) | st.text(max_size=30)


def strictly(raw: bytes) -> Any:
    """Read JSON, refusing all that two readers may read differently, without the kit."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(pairs) != len({name for name, _ in pairs}):
            raise ValueError("twice")
        return dict(pairs)

    def number(text: str) -> Any:
        value = Decimal(text)
        if not value.is_finite():
            raise ValueError(text)
        return value

    value = json.loads(raw.decode("utf-8"), object_pairs_hook=once, parse_float=number, parse_constant=number)
    json.dumps(value, default=str, ensure_ascii=False).encode("utf-8")
    return value


@given(text=CHALLENGES, padding=st.sampled_from(["", "", "=", "==", "\n", " "]))
@example(text=encoded(b'{"a":1e99999999999999999999}'), padding="")
@example(text=encoded(b'{"a":1,"a":1}'), padding="")
@example(text=encoded(b"9" * 5000), padding="")
@example(text=encoded(b"[" * 10_000 + b"]" * 10_000), padding="")
@example(text="e31", padding="")  # bits at the end that no bytes have
def test_any_challenge_is_exactly_what_its_bytes_say_or_is_not_signed(text: str, padding: str) -> None:
    text += padding
    try:
        challenge = decode(text)
    except ContractViolation:
        return
    assert encoded(challenge.raw) == text.rstrip("=")
    assert base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), b"-_", True) == challenge.raw
    assert repr(challenge.decoded) == repr(strictly(challenge.raw))


@given(value=JSON)
def test_every_challenge_that_readers_read_alike_is_read(value: Any) -> None:
    raw = json.dumps(value).encode()
    assert decode(encoded(raw)).decoded == value
    assert decode(base64.urlsafe_b64encode(raw).decode()).raw == raw


# --- webhooks -------------------------------------------------------------------------------------------------------

SECRET, NOW = "canary-webhook-secret", 1_700_000_000
BODY = b'{"payload_type":"REQUEST","event_type":"REQUEST_HAS_BEEN_CREATED","id":10}'


def digest(body: bytes, stamp: object, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()


GOOD = digest(BODY, NOW)
PARTS = [
    f"t={NOW}",
    f"t={NOW + 1}",
    f"t=0{NOW}",
    f"t={NOW}.0",
    f"t=+{NOW}",
    f"t={NOW - 301}",
    "t=",
    "t",
    f"T={NOW}",
    f"v1={GOOD}",
    f"v1={GOOD.upper()}",
    f"v1={GOOD[:-1]}",
    f"v1={GOOD}0",
    f"v1={digest(BODY, NOW + 1)}",
    f"v1={digest(BODY, NOW, 'other')}",
    f"v1={digest(BODY, f'0{NOW}')}",
    f"v1={digest(BODY, NOW - 301)}",
    f"v1={digest(BODY.replace(b'10', b'11'), NOW)}",
    f"V1={GOOD}",
    f"v0={GOOD}",
    f"v1=={GOOD}",
    *("v1=", "v1", "", " ", "=", "\0", "\u0661"),
]


@given(
    parts=st.lists(st.sampled_from(PARTS), max_size=6),
    between=st.sampled_from([",", ",", ", ", " ,", ";", ",,"]),
    body=st.sampled_from([BODY, BODY, BODY.replace(b"10", b"11"), BODY + b" ", b"", BODY.decode().encode("utf-16")]),
    secret=st.sampled_from([SECRET, SECRET, "another-canary", SECRET + " "]),
)
def test_an_event_is_one_only_with_one_time_and_the_signature_of_just_this_body(
    parts: list[str], between: str, body: bytes, secret: str
) -> None:
    header = between.join(parts)
    given_parts = [part.strip() for part in header.split(",")]
    times = {part.partition("=")[2].strip() for part in given_parts if part.partition("=")[0].strip() == "t"}
    signatures = {part[3:].lower() for part in given_parts if part.startswith("v1=")}
    meant = len(times) == 1 and digest(body, min(times), secret) in signatures
    said, event = "", None
    try:
        event = verify(body, header, secret, NOW)
    except LedgerError as error:
        said = str(error)
    if event is None:
        assert not (meant and body == BODY and times == {str(NOW)})
        assert secret not in said
        assert digest(body, NOW, secret) not in said
    else:
        assert meant
        assert (event.id, event.sent_at) == (json.loads(body)["id"], int(min(times)))
        assert abs(NOW - event.sent_at) <= webhooks.TOLERANCE


@given(
    position=st.integers(0, len(BODY) - 1),
    byte=st.integers(0, 255),
    place=st.integers(0, 63),
    digit=st.integers(0, 15),
)
def test_nothing_that_was_altered_is_verified(position: int, byte: int, place: int, digit: int) -> None:
    altered = BODY[:position] + bytes([byte]) + BODY[position + 1 :]
    if altered != BODY:
        with pytest.raises(LedgerError):
            verify(altered, f"t={NOW},v1={GOOD}", SECRET, NOW)
    other = GOOD[:place] + f"{digit:x}" + GOOD[place + 1 :]
    if other != GOOD:
        with pytest.raises(LedgerError):
            verify(BODY, f"t={NOW},v1={other}", SECRET, NOW)
    with pytest.raises(LedgerError):
        verify(BODY, f"t={NOW + 1 + place},v1={GOOD}", SECRET, NOW)


def test_signatures_are_compared_in_constant_time_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[Any] = []

    def no(*pair: bytes) -> bool:
        compared.append(pair)
        return False

    monkeypatch.setattr(hmac, "compare_digest", no)
    with pytest.raises(LedgerError):  # the right one, by a comparison that says no
        verify(BODY, f"t={NOW},v1={GOOD},v1=ab", SECRET, NOW)
    assert compared == [(GOOD.encode(), GOOD.encode()), (GOOD.encode(), b"ab")]


@pytest.mark.parametrize(
    "body",
    [
        BODY[:-1] + b',"id":11}',
        BODY[:-1] + b',"x":{"y":1,"y":1}}',
        BODY[:-1] + b',"x":NaN}',
        BODY[:-1] + b',"x":1e99999999999999999999}',
        BODY[:-1] + b',"x":"\\ud800"}',
        BODY.replace(b"REQUEST_HAS", b"\\ud800_HAS"),
        BODY.replace(b"REQUEST_HAS", b"\xed\xa0\x80_HAS"),
        BODY.replace(b"10", b"9" * 5000),
        BODY.replace(b"10", b"9223372036854775808"),
        BODY.replace(b"10", b"1e1"),
        BODY.replace(b"10", b"10.0"),
        BODY.replace(b"10", b"[" * 10_000 + b"]" * 10_000),
        b"\xef\xbb\xbf" + BODY,
        BODY.decode().encode("utf-16"),
        BODY.decode().encode("utf-32-be"),
        BODY + BODY,
    ],
    ids=range(16),
)
def test_a_signed_body_that_readers_read_differently_is_no_event(body: bytes) -> None:
    with pytest.raises(InvalidRequest, match="no event"):
        verify(body, f"t={NOW},v1={digest(body, NOW)}", SECRET, NOW)


# --- amounts --------------------------------------------------------------------------------------------------------

UNITS = [
    {"code": "satoshi", "magnitude": 0},
    {"code": "mBTC", "magnitude": 5},
    {"code": "BTC", "magnitude": 8},
    {"code": "e", "magnitude": 3},
    {"code": "\u0661BTC", "magnitude": 2},
]
MAGNITUDES = {str(unit["code"]): int(str(unit["magnitude"])) for unit in UNITS}
WRITTEN = st.lists(
    st.sampled_from(
        [
            *"0123456789.,+-_'eE ",
            *("\u0661", "\uff11", "\u00b2", "\u2212", "\u00a0", "\u202f", "\u3000", "\u200b", "\u202e", "\0", "\n"),
            *("BTC", " BTC", "mBTC", "satoshi", "btc", "\u0392TC", "1,000.5", "1.000,5", "1e5", "0x1", "NaN", "10"),
            *("9" * 80, "0." + "0" * 30 + "1"),
        ]
    ),
    max_size=8,
).map("".join)


def read_by_hand(text: str) -> Fraction | None:
    """Return base units of what is ASCII digits, perhaps a point among them, blanks, and the code of a unit."""
    text = text.strip()
    for code, magnitude in MAGNITUDES.items():
        number = text.removesuffix(code).rstrip(" \u00a0") if text.endswith(code) else ""
        whole, point, fraction = number.partition(".")
        digits = [whole, fraction] if point else [whole]
        if all(one and set(one) <= set("0123456789") for one in digits):
            return Fraction(number) * Fraction(10**magnitude)
    return None


@given(text=WRITTEN | st.text(max_size=12))
@example(text="1e5 BTC")
@example(text="1,000.5 BTC")
@example(text="1.000,5 BTC")
@example(text="\u0661 BTC")
@example(text="\u22121 BTC")
@example(text="1\u0661BTC")
@example(text="1e")
def test_any_amount_is_exactly_what_is_written_or_refused(text: str) -> None:
    meant = read_by_hand(text)
    try:
        base = to_base_units(text, UNITS)
    except InvalidRequest:
        assert meant is None or meant.denominator != 1 or meant >= 2**256 or len(text) > 200 or not text.isascii()
        return
    assert meant == base


@given(
    base=st.integers(0, 2**256 - 1),
    code=st.sampled_from(["satoshi", "mBTC", "BTC"]),
    blank=st.sampled_from(["", " "]),
)
def test_an_amount_that_is_shown_is_read_again_to_the_last_digit(base: int, code: str, blank: str) -> None:
    shown = to_display(base, MAGNITUDES[code])
    assert to_base_units(f"{shown}{blank}{code}", UNITS) == base
    assert Fraction(str(shown)) * 10 ** MAGNITUDES[code] == base
