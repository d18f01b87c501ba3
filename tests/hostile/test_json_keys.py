"""An answer in which an object has a key twice: readers differ in what it says, and the kit says nothing of it."""

import base64
import json
import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from serving import Reply, Server, in_turn, signed_in

import ledgerkit as lk
from ledgerkit.answers import decoded
from ledgerkit.archives import parts
from ledgerkit.errors import ArchiveDamaged
from ledgerkit.identity import public_key
from ledgerkit.plans import journal as journals
from ledgerkit.secret import Secret

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]

TWICE: dict[str, str] = {
    "side by side": '{"a":1,"a":2}',
    "the same value": '{"a":1,"a":1}',
    "far apart": '{"a":1,"b":[1,2,{"c":{}}],"a":null}',
    "inside of a list": '[1,{"x":[{"a":1,"a":2}]}]',
    "dropped with all that is in it": '{"a":{"b":{"c":1}},"a":0}',
    "escaped": r'{"a":1,"\u0061":2}',
    "a pair of surrogates": r'{"😀":1,"\ud83d\ude00":2}',
    "empty": '{"":1,"":2}',
    "the colon of a text that was escaped makes up for it": r'{"a":1,"a":2,"b":"\u003a"}',
    "in upper case too": r'{"a":1,"a":2,"b":"\u003A"}',
    "two colons of keys": r'{"a":1,"a":2,"\u003a":"\u003a"}',
    "blanks before the colon": '{"a":1,"a" \t\r\n:2}',
    "a text that looks like a key": r'{"a":1,"a":"\":","b":"a\":"}',
    "a text of colons": '{"a":":::::","a":""}',
    "beside an integer of many digits": '{"a":1,"a":2,"b":%s}' % ("9" * 100),
    "beside a fraction": '{"a":1,"a":2,"b":1e-30}',
    "three times": '{"a":1,"a":2,"a":1}',
    "in the second of two objects alike": '[{"a":1,"b":2},{"a":1,"a":2}]',
}
ONCE: dict[str, str] = {
    "in two objects": '[{"a":1},{"a":1}]',
    "inside of itself": '{"a":{"a":{"a":1}}}',
    "in another case": '{"a":1,"A":2}',
    "a text that looks like a key": r'{"a":"\"a\":1,\"a\":2"}',
    "escaped colons": r'{"a\u003a":"\u003a","b":"\u003A"}',
    "escaped backslashes": r'{"a":"\\u003a","b":"\\"}',
    "composed and not": '{"\u00e9":1,"e\u0301":2}',
    "an integer of many digits": '{"a":%s}' % ("9" * 100),
    "numbers of all kinds": '{"a":-0,"b":1.0,"c":1E400,"d":1e-400}',
    "blanks everywhere": '\n{ "a" : 1 , "b" : [ { "a" : 1 } ] }\t',
}


@pytest.mark.parametrize("text", TWICE.values(), ids=TWICE)
def test_a_key_twice_in_one_object_is_found_however_it_is_written(text: str) -> None:
    body, unreadable = decoded(text.encode())
    assert body is None
    assert unreadable is not None
    assert "twice in one object" in unreadable


@pytest.mark.parametrize("text", ONCE.values(), ids=ONCE)
def test_keys_that_only_look_alike_are_read(text: str) -> None:
    body, unreadable = decoded(text.encode())
    assert unreadable is None
    assert repr(body) == repr(json.loads(text, parse_float=Decimal))


PAGE = b"""{"page_info":{"count":2,"has_next_page":false},"edges":[
{"node":{"id":1,"name":"Cold","status":"ACTIVE"}},
{"node":{"id":2,"name":"Hot","status":"ACTIVE","balance":"100","balance":"900"}}]}"""


def test_an_answer_with_a_key_twice_is_an_error_that_names_the_key_and_the_call(
    serve: Serve, connect_to: Connect
) -> None:
    session = connect_to(serve(signed_in(lambda seen: Reply(PAGE))))
    for read in (session.accounts.search, partial(session.raw, "GET", "/accounts")):
        with pytest.raises(lk.ContractViolation, match="'balance' twice") as caught:
            read()
        assert "GET /accounts" in str(caught.value)


def test_a_write_whose_answer_has_a_key_twice_was_sent(serve: Serve, connect_to: Connect) -> None:
    server = serve(signed_in(lambda seen: Reply(b'{"id":41,"id":42,"status":"CREATED"}', 201)))
    session = connect_to(server, lk.ApiUser("acme", "key", "canary-secret"), writes=True)
    with pytest.raises(lk.OutcomeUnknown, match="'id' twice"):
        session.raw("POST", "/requests", json={"type": "CREATE_TRANSACTION"})
    assert server.paths() == ["/requests"]  # once


def test_an_answer_about_tokens_with_a_key_twice_signs_nobody_in(serve: Serve, connect_to: Connect) -> None:
    answer = b'{"access_token":"canary-one","access_token":"canary-two","expires_in":300,"refresh_token":"canary-3"}'
    server = serve(in_turn(Reply(answer)))
    session = connect_to(server, lk.ApiUser("acme", "key", "canary-secret"))
    with pytest.raises(lk.LedgerError, match="'access_token' twice") as caught:
        session.accounts.search()
    assert "canary" not in str(caught.value) + repr(caught.value.details)
    assert server.paths() == []


def test_a_key_that_may_be_a_secret_is_not_shown() -> None:
    secret = "wh5ec-Canary-0123456789abcdef"
    _, unreadable = decoded(json.dumps({secret: 1})[:-1].encode() + f',"{secret}":2}}'.encode())
    assert unreadable == (
        f"has the same key of {len(secret)} characters twice in one object, so that no reader can tell which value "
        "counts"
    )


def test_many_keys_of_which_the_last_is_there_twice_are_looked_at_once() -> None:
    names = ",".join(f'"k{position}":1' for position in range(100_000))
    started = time.perf_counter()
    _, unreadable = decoded(f'{{{names},"k99999":2}}'.encode())
    assert unreadable is not None
    assert time.perf_counter() - started < 20  # compared each with each, it takes minutes


# --- drawn ----------------------------------------------------------------------------------------------------------

TEXTS = st.text(st.sampled_from('ab:"\\ {}[],\u00e9\u2028\U0001f600\n'), max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=25,
)


def written(value: Any, draw: Callable[[Any], Any]) -> str:
    """Write JSON as anybody may: blanks anywhere, any character escaped."""

    def blank() -> str:
        return str(draw(st.sampled_from(["", "", "", " ", "\n\t"])))

    def text(one: str) -> str:
        if draw(st.booleans()):
            return json.dumps(one, ensure_ascii=draw(st.booleans()))
        units = one.encode("utf-16-be")
        case = draw(st.sampled_from(["04x", "04X"]))
        return '"' + "".join(f"\\u{units[at] * 256 + units[at + 1]:{case}}" for at in range(0, len(units), 2)) + '"'

    if isinstance(value, Pairs):
        inner = [f"{text(name)}{blank()}:{blank()}{written(one, draw)}" for name, one in value.pairs]
        return "{" + blank() + f"{blank()},".join(inner) + "}"
    if isinstance(value, list):
        return "[" + f"{blank()},{blank()}".join(written(one, draw) for one in value) + blank() + "]"
    return text(value) if isinstance(value, str) else json.dumps(value)


class Pairs:
    """An object of JSON as it is written: keys in order, perhaps one of them twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        self.pairs = pairs


def as_pairs(value: Any) -> Any:
    if isinstance(value, dict):
        return Pairs([(name, as_pairs(one)) for name, one in value.items()])
    return [as_pairs(one) for one in value] if isinstance(value, list) else value


def objects(value: Any) -> list[Pairs]:
    if isinstance(value, Pairs):
        return [value, *(found for _, one in value.pairs for found in objects(one))]
    return [found for one in value for found in objects(one)] if isinstance(value, list) else []


@given(value=JSON, twice=st.booleans(), data=st.data())
def test_whatever_is_sent_is_read_as_it_is_or_refused_where_a_key_is_there_twice(
    value: Any, twice: bool, data: st.DataObject
) -> None:
    pairs = as_pairs(value)
    with_keys = [one for one in objects(pairs) if one.pairs]
    twice = twice and bool(with_keys)
    if twice:
        chosen = data.draw(st.sampled_from(range(len(with_keys))))
        pairs_of_one = with_keys[chosen].pairs
        name, _ = pairs_of_one[data.draw(st.sampled_from(range(len(pairs_of_one))))]
        again = data.draw(st.sampled_from(range(len(pairs_of_one) + 1)))
        pairs_of_one.insert(again, (name, as_pairs(data.draw(JSON))))
    body, unreadable = decoded(written(pairs, data.draw).encode())
    if twice:
        assert body is None
        assert unreadable is not None
        assert "twice" in unreadable
    else:
        assert unreadable is None
        assert body == value


@given(text=st.text(st.sampled_from('{}[]:,"\\ab01 eu3A'), max_size=30))
@example(text='{"a":1,"a":2}')
def test_any_text_is_read_as_the_standard_library_reads_it_or_refused(text: str) -> None:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({name for name, _ in pairs}) == len(pairs), "twice"
        return dict(pairs)

    body, unreadable = decoded(text.encode())
    if unreadable is None and text:
        assert body == json.loads(text, object_pairs_hook=once, parse_float=Decimal)


# --- elsewhere ------------------------------------------------------------------------------------------------------


def jwt(payload: str) -> str:
    return "e30." + base64.urlsafe_b64encode(payload.encode()).rstrip(b"=").decode() + ".c2lnbmF0dXJl"


def test_a_receive_address_that_is_stated_twice_is_no_address(serve: Serve, connect_to: Connect) -> None:
    both = jwt('{"address":"bc1qgood","currency":"bitcoin","address":"bc1qevil"}')
    session = connect_to(serve(signed_in(lambda seen: Reply(both))))
    with pytest.raises(lk.ContractViolation, match="'address' twice"):
        session.accounts.receive_address(7)


def test_a_token_that_names_two_keys_names_no_user() -> None:
    assert public_key(Secret(jwt('{"pub_key":"ab"}'))) == "AB"
    assert public_key(Secret(jwt('{"pub_key":"ab","pub_key":"cd"}'))) is None


def test_a_line_of_a_journal_with_a_key_twice_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "plan.jsonl"
    header = {"kind": "payments", "source": "abc", "rows": [{"mark": "lk-A", "body": {"amount": "5"}}]}
    journals.create(path, header)
    content = path.read_bytes()
    assert content.count(b'"amount"') == 1
    path.write_bytes(content.replace(b'"amount"', b'"amount":"9","amount"'))
    with pytest.raises(journals.JournalDamaged):
        journals.read(path)
    path.write_bytes(path.read_bytes().rstrip(b"\n"))  # what an editor saves is not taken for a line cut short
    with pytest.raises(journals.JournalDamaged):
        journals.read(path)


def test_a_file_of_an_archive_that_says_something_twice_is_damaged() -> None:
    good = json.dumps({"format": parts.FORMAT}).encode()
    assert parts._said(Path("a.parquet"), good)["format"] == parts.FORMAT
    with pytest.raises(ArchiveDamaged):
        parts._said(Path("a.parquet"), good[:-1] + b',"format":%d}' % parts.FORMAT)
