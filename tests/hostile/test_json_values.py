"""Numbers, times and texts that a service has no business to send: exact, or an error; never another value."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, ExtendedContext, localcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from serving import Reply, Server, page, signed_in

import ledgerkit as lk
from hostile.samples import one, read
from ledgerkit.answers import decoded

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]

EXACT = {
    "an integer beyond every float": ("amount", "9" * 400, int("9" * 400)),
    "an integer of 1000 digits": ("amount", f'"{"9" * 1000}"', int("9" * 1000)),
    "an exponent in an amount": ("amount", "1E5", 100_000),
    "an exponent in a text": ("amount", '"1e5"', 100_000),
    "an exponent that floats have not": ("amount", "1e400", 10**400),
    "a fraction that floats make zero": ("amount", "1e-400", Decimal("1e-400")),
    "a fraction of 40 digits": ("apy", "0.1234567890123456789012345678901234567891", None),
    "minus zero": ("amount", "-0", 0),
    "minus zero as a fraction": ("amount", "-0.0", 0),
    "a whole number with places where nothing is known": ("new", "1.0", Decimal("1.0")),
    "an exponent for an id": ("created_by", "1E5", 100_000),
    "the largest id": ("created_by", str(2**63 - 1), 2**63 - 1),
    "an id of digits": ("created_by", '"7"', 7),
    "a number where a text belongs": ("name", str(10**30), str(10**30)),
    "a fraction where a text belongs": ("name", "1.10", "1.10"),
    "a number where nothing is known": ("new", "1e400", Decimal("1e400")),
    "an integer where nothing is known": ("new", str(2**64 + 1), 2**64 + 1),
    "a flag where nothing is known": ("new", "true", True),
    "the character NUL": ("name", r'"a\u0000b"', "a\0b"),
    "line ends and directions": ("name", r'"a\r\n\u202eb\u2028"', "a\r\n\u202eb\u2028"),
    "a character beyond 16 bits": ("name", r'"\ud83d\ude00"', "\U0001f600"),
    "a text that looks like nothing": ("name", '"NaN"', "NaN"),
    "no text": ("name", '""', ""),
}


@pytest.mark.parametrize(("field", "text", "value"), EXACT.values(), ids=EXACT)
def test_a_value_is_exact_whatever_its_size(field: str, text: str, value: Any) -> None:
    found = one(field, text)
    found = int(found) if isinstance(found, np.integer) else found
    expected = Decimal(text) if value is None else value
    assert (type(found), str(found)) == (type(expected), str(expected)) or found == expected == 0
    assert type(found) is not float


REFUSED = {
    "a flag for an id": ("id", "true"),
    "a fraction for an id": ("id", "1.5"),
    "an id beyond 64 bits": ("id", str(2**63)),
    "an id below 64 bits": ("created_by", str(-(2**63) - 1)),
    "an id of an exponent beyond 64 bits": ("created_by", "1e30"),
    "a text for an id": ("id", '"seven"'),
    "a list for an id": ("created_by", "[1]"),
    "an object in the id of an object": ("created_by", '{"id":{"id":1}}'),
    "a flag for an amount": ("amount", "true"),
    "digits of another script": ("amount", '"\u0661\u0662"'),
    "a minus of another kind": ("amount", '"\u22125"'),
    "blanks in an amount": ("amount", '"1 000"'),
    "a comma in an amount": ("amount", '"1,000"'),
    "no number": ("amount", '"NaN"'),
    "no end": ("amount", '"Infinity"'),
    "an amount of 1001 digits": ("amount", f'"{"9" * 1001}"'),
    "an exponent that would fill the memory": ("amount", "1e999999999"),
    "the same in a text": ("amount", '"1e999999999"'),
    "a number for a flag": ("active", "1"),
    "a text for a flag": ("active", '"true"'),
    "a list for a text": ("name", "[]"),
    "a flag for a text": ("name", "true"),
    "an object for a list": ("notes", '{"0":1}'),
    "a list for an object": ("block", "[]"),
    "a text for an object": ("block", '"0xab"'),
    "a number for a time": ("created_on", "1767225600"),
    "a year for a time": ("created_on", '"2026"'),
    "a month for a time": ("created_on", '"2026-01"'),
    "an hour that is none": ("created_on", '"2026-01-01T24:00:00Z"'),
    "a second that is none": ("created_on", '"2026-01-01T00:00:60Z"'),
    "a day that is none": ("created_on", '"2026-02-30"'),
    "year 0": ("created_on", '"0000-01-01T00:00:00Z"'),
    "before year 1, by its zone": ("created_on", '"0001-01-01T00:00:00+10:00"'),
    "after year 9999, by its zone": ("created_on", '"9999-12-31T23:59:59-10:00"'),
    "year 10000": ("created_on", '"10000-01-01T00:00:00Z"'),
    "a zone that is none": ("created_on", '"2026-01-01T00:00:00+99:00"'),
}


@pytest.mark.parametrize(("field", "text"), REFUSED.values(), ids=REFUSED)
def test_a_value_that_would_have_to_be_guessed_is_an_error_that_names_its_field(field: str, text: str) -> None:
    with pytest.raises(lk.ContractViolation) as caught:
        read(f'[{{"id":1}},{{{json.dumps(field)}:{text}}}]')
    assert f"`{field}`" in str(caught.value)
    assert "GET /coins" in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1500-01-01T00:00:00Z", datetime(1500, 1, 1, tzinfo=UTC)),  # nanoseconds begin in 1677
        ("2300-01-01T00:00:00Z", datetime(2300, 1, 1, tzinfo=UTC)),  # and end in 2262
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999999Z", datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
        ("2026-01-01T00:00:00+14:00", datetime(2025, 12, 31, 10, tzinfo=UTC)),
        ("2026-01-01T00:00:00-12:00", datetime(2026, 1, 1, 12, tzinfo=UTC)),
    ],
)
def test_a_time_of_any_year_and_zone_is_the_same_moment(text: str, moment: datetime) -> None:
    assert one("created_on", json.dumps(text)).to_pydatetime() == moment


# --- bodies ---------------------------------------------------------------------------------------------------------

PAGE = b'{"edges":[{"node":{"id":1,"name":"%b"}}],"page_info":{"count":1,"has_next_page":false}}'
GOOD = PAGE % b"Cold"
BODIES = {
    "NaN": (GOOD.replace(b'"Cold"', b"NaN"), "is not JSON"),
    "Infinity": (GOOD.replace(b'"Cold"', b"-Infinity"), "is not JSON"),
    "not UTF-8": (PAGE % b"\xff", "is not JSON"),
    "a surrogate in UTF-8": (PAGE % b"\xed\xa0\x80", "is not JSON"),
    "half of a character": (PAGE % b"\\ud800", "is not JSON"),
    "the other half": (PAGE % b"\\udc00!", "is not JSON"),
    "both halves the wrong way round": (PAGE % b"\\ude00\\ud83d", "is not JSON"),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD, "is not JSON"),
    "UTF-16": (GOOD.decode().encode("utf-16"), "is not JSON"),
    "UTF-32 without a mark": (GOOD.decode().encode("utf-32-le"), "is not JSON"),
    "something after it": (GOOD + b"x", "is not JSON"),
    "another one after it": (GOOD + GOOD, "is not JSON"),
    "cut short": (GOOD[:-1], "is not JSON"),
    "a comma too many": (GOOD.replace(b"}]", b"},]"), "is not JSON"),
    "a comment": (GOOD + b"// end", "is not JSON"),
    "a leading zero": (GOOD.replace(b'"id":1', b'"id":01'), "is not JSON"),
    "a plain NUL": (PAGE % b"a\x00b", "is not JSON"),
    "a plain line end": (PAGE % b"a\nb", "is not JSON"),
    "5000 digits": (GOOD.replace(b'"Cold"', b"9" * 5000), "too large"),
    "an exponent of 20 digits": (GOOD.replace(b'"Cold"', b"1e99999999999999999999"), "too large"),
    "10,000 lists in a known field": (GOOD.replace(b'"Cold"', b"[" * 10_000 + b"]" * 10_000), "nested too deep"),
    "10,000 objects": (GOOD.replace(b'"Cold"', b'{"a":' * 10_000 + b"1" + b"}" * 10_000), "nested too deep"),
    "10,000 lists that nobody asked for": (GOOD[:-1] + b',"x":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "too deep"),
}


@pytest.mark.parametrize(("body", "reason"), BODIES.values(), ids=BODIES)
def test_a_body_that_readers_read_differently_is_an_error_of_a_read_and_no_answer_to_a_write(
    serve: Serve, connect_to: Connect, body: bytes, reason: str
) -> None:
    server = serve(signed_in(lambda seen: Reply(body)))
    session = connect_to(server, lk.ApiUser("acme", "key", "canary-secret"), writes=True)
    with pytest.raises(lk.ContractViolation, match=reason):
        session.accounts.search()
    with pytest.raises(lk.OutcomeUnknown, match=reason):
        session.raw("POST", "/requests", json={"type": "CREATE_TRANSACTION"})
    assert server.paths() == ["/accounts", "/requests"]


def test_a_number_that_no_decimal_holds_is_an_error_for_a_caller_who_traps_nothing_too() -> None:
    with localcontext(ExtendedContext):
        assert decoded(b"[1e99999999999999999999]") == (
            None,
            "holds a number that is too large or too small to be read",
        )
        assert decoded(b"[0.12345678901234567890123456789]") == ([Decimal("0.12345678901234567890123456789")], None)


def test_a_row_of_nulls_is_a_row_where_rows_need_no_id_and_an_error_where_they_do(
    serve: Serve, connect_to: Connect
) -> None:
    df = read('[{"id":null,"name":null,"block":null,"rewards":null,"notes":null,"new":null},{}]')
    assert len(df) == 2
    assert df.isna().all(axis=None)
    session = connect_to(serve(signed_in(lambda seen: page([{"id": 1}, {"id": None, "name": None}]))))
    with pytest.raises(lk.ContractViolation, match="can't be told apart"):
        session.accounts.search()


@pytest.mark.parametrize("identifier", [{"id": 1}, [1], True, 1.5, None], ids=str)
def test_what_is_no_id_tells_no_rows_apart(serve: Serve, connect_to: Connect, identifier: Any) -> None:
    session = connect_to(serve(signed_in(lambda seen: page([{"id": identifier}, {"id": identifier}]))))
    with pytest.raises(lk.ContractViolation, match="`id`"):
        session.accounts.search()


def test_an_id_beyond_64_bits_is_an_error_of_the_kit(serve: Serve, connect_to: Connect) -> None:
    session = connect_to(serve(signed_in(lambda seen: page([{"id": 2**63}, {"id": 5}]))))
    with pytest.raises(lk.ContractViolation, match="`id` does not read as integer: 9223372036854775808"):
        session.accounts.search()


def test_what_was_read_is_written_and_read_back_with_nothing_lost(tmp_path: Path) -> None:
    path = tmp_path / "coins.csv"
    df = read(
        r"""[{"id":9223372036854775807,"name":"a\u0000\r\n\"b,","amount":"%s","apy":1e-30,"notes":[1,[null]]},
        {"id":-1,"name":"\u202e\u2028","created_on":"0001-01-01T00:00:00Z","active":false}]"""
        % ("9" * 300)
    )
    df.to_csv(path, index=False)
    back = lk.read_csv(path)
    assert len(back) == 2
    assert back["amount"][0] == int("9" * 300)
    assert back["apy"][0] == Decimal("1e-30")
    assert back["name"].tolist() == df["name"].tolist()
    assert back["id"].tolist() == df["id"].tolist()
    assert back["notes"][0] == [1, [None]]
    assert back["created_on"].tolist()[1] == df["created_on"].tolist()[1]
