"""What would be signed, laid beside what was meant."""

import base64
import json
import pickle
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jose.samples import ANTIREPLAY, RECIPIENT, body, challenge_text, documented

from ledgerkit.challenges import Challenge, Level, Review, compare, decode, encoded, shown_alone
from ledgerkit.errors import ContractViolation, InvalidRequest, ReviewFailed
from ledgerkit.reviews import label

EVM = "0xb550388547691a526190d60C30C2f9E2af03fF3D"
STATEMENT = {"amount": 100, "recipient_end": "whzx0nek"}


def read(decoded: Any) -> Challenge:
    return decode(challenge_text(decoded))


def of_bytes(raw: bytes) -> Challenge:
    return decode(encoded(raw))


def verdicts(review: Review) -> dict[str, str]:
    return {row.field: row.verdict for row in review.rows}


def ether(**changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return challenge and body of an Ethereum send, with the same changes in both."""
    fields = {
        "account_name": "ETH Treasury 1",
        "amount": "9220000000000000001",
        "currency": "ethereum",
        "max_fees": "21000000000000",
        "recipient": EVM,
    } | changes
    data = {"transaction_type": "ETHEREUM_LIKE_SEND", "transaction_data": fields}
    signed = {"antireplay": ANTIREPLAY, "data": data, "type": "APPROVE_TRANSACTION"}
    return deepcopy(signed), deepcopy({"type": "CREATE_TRANSACTION", "data": {"account_id": 9} | data, "note": None})


def displayed() -> dict[str, Any]:
    return {
        "Transaction properties": {
            "Max gas price": "swei 6736956690",
            "Amount": "swei 123000000000000",
            "Max total fees": "swei 14147609049000",
            "Recipient address": EVM,
            "Gas limit": "21000",
        },
        "challenge": ANTIREPLAY,
    }


def with_a_number() -> dict[str, Any]:
    decoded = documented()
    decoded["data"]["transaction_data"]["amount"] = 100
    return decoded


# Decoding


def test_the_documented_challenge_is_decoded_and_keeps_its_bytes() -> None:
    raw = json.dumps(documented(), separators=(",", ":"), sort_keys=True).encode()
    challenge = decode(base64.urlsafe_b64encode(raw).decode())  # padding is tolerated
    assert challenge == of_bytes(raw)
    assert (challenge.raw, challenge.decoded) == (raw, documented())
    assert (challenge.recogniser, challenge.verb) == ("documented", "approve")


def test_what_a_caller_changes_in_the_decoded_form_changes_nothing() -> None:
    challenge = read(documented())
    challenge.decoded["data"]["transaction_data"]["amount"] = "1"
    assert compare(challenge, body()).matches


def test_integers_are_exact_and_fractions_are_no_floats() -> None:
    decoded = of_bytes(b'{"a":%d,"b":0.1000000000000000000001}' % (2**256 - 1)).decoded
    assert decoded["a"] == 2**256 - 1
    assert str(decoded["b"]) == "0.1000000000000000000001"


@pytest.mark.parametrize(
    "text",
    ["", "=", "e30+", "e30/", "e 30", "e30\n", "e30==", "e3", "e31", "e30.e30", "e30==="[:2], "ｅ30", None, 30],
)
def test_another_alphabet_is_no_challenge(text: Any) -> None:
    with pytest.raises(ContractViolation, match="not base64url text, and is not signed"):
        decode(text)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"amount":"1","amount":"2"}', "the key 'amount' twice"),
        (b'{"data":[{"x":{"amount":"1","\\u0061mount":"2"}}]}', "the key 'amount' twice"),
        (b'{"amount":NaN}', "NaN is no number"),
        (b'{"amount":-Infinity}', "-Infinity is no number"),
        (b'{"amount":"\xff"}', "not UTF-8"),
        ('{"amount":"1"}'.encode("utf-16"), "not UTF-8"),
        (b'{"amount":"\\ud800"}', "half of a character"),
        (b'{"amount":"1"', "Expecting"),
        (b'{"amount":"1"} {}', "Extra data"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"amount":' + b"1" * 5000 + b"}", "limit"),
        (b"not JSON", "Expecting value"),
    ],
)
def test_json_that_two_readers_may_read_differently_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(ContractViolation, match=reason) as refused:
        of_bytes(raw)
    assert "is not signed" in str(refused.value)
    assert pickle.loads(pickle.dumps(refused.value)).details["field"] == "challenge"  # noqa: S301 - our own error


@given(position=st.integers(min_value=0), where=st.sampled_from(["top", "data", "transaction_data"]))
def test_a_key_twice_is_refused_at_any_place(position: int, where: str) -> None:
    def written(value: Any, name: str) -> str:
        if not isinstance(value, dict):
            return json.dumps(value)
        parts = [f"{json.dumps(key)}:{written(inner, key)}" for key, inner in value.items()]
        if name == where:
            parts.append(parts[position % len(parts)])
        return "{" + ",".join(parts) + "}"

    with pytest.raises(ContractViolation, match="twice"):
        of_bytes(written(documented(), "top").encode())


# Recognising


@pytest.mark.parametrize(
    ("decoded", "level", "verb"),
    [
        (documented(), "documented", "approve"),
        (documented() | {"type": "REJECT_TRANSACTION"}, "assumed", "reject"),
        (ether()[0], "assumed", "approve"),
        (documented() | {"more": 1}, "assumed", "approve"),
        (with_a_number(), "assumed", "approve"),
        ({"antireplay": ANTIREPLAY, "data": {"message_data": {}}, "type": "APPROVE_MESSAGE"}, "assumed", "approve"),
        (displayed(), "display", None),
        (displayed() | {"more": 1}, "unknown", None),
        ({"data": {}, "type": "TRANSACTION"}, "unknown", None),
        ({"data": [], "type": "REJECT_TRANSACTION"}, "unknown", "reject"),
        ([1], "unknown", None),
        ("text", "unknown", None),
    ],
)
def test_a_shape_is_recognised_as_far_as_it_is_known(decoded: Any, level: str, verb: str | None) -> None:
    challenge = read(decoded)
    assert (challenge.recogniser, challenge.verb) == (level, verb)


# Comparing with a draft


def test_the_documented_challenge_matches_the_body_that_created_its_request() -> None:
    review = compare(read(documented()), body())
    assert (review.matches, review.level, review.basis, review.verb) == (True, "documented", "your draft", "approve")
    found = verdicts(review)
    assert found.pop("note") == found.pop("data.account_id") == "not_signed"
    assert {found.pop("data.fees_strategy.type"), found.pop("data.fees_strategy.data.speed")} == {"not_signed"}
    names = {"type", "data.transaction_type", "account_name", "amount", "currency", "max_fees", "recipient"}
    assert found == dict.fromkeys(names, "match")
    review.require()


@pytest.mark.parametrize(
    "amount", ["1000", "0100", "1OO", "100.0", "1e2", " 100", "+100", "１００", "1_00", 1000, True, None]
)
def test_another_amount_differs(amount: Any) -> None:
    decoded = documented()
    decoded["data"]["transaction_data"]["amount"] = amount
    review = compare(read(decoded), body())
    assert not review.matches
    assert verdicts(review)["amount"] in ("differs", "missing_in_challenge")
    with pytest.raises(ReviewFailed, match=r"Amount: .*meant '100'.*Nothing was signed") as refused:
        review.require(assumed=True, unknown=True)
    assert refused.value.details["fields"] == ["amount"]


def test_true_is_not_the_amount_1() -> None:
    signed, meant = ether(amount="1")
    signed["data"]["transaction_data"]["amount"] = True
    assert verdicts(compare(read(signed), meant))["amount"] == "differs"


def test_a_draft_leaves_nothing_to_the_eye() -> None:
    for name in ("account_name", "currency", "max_fees", "amount"):
        meant = body()
        del meant["data"]["transaction_data"][name]
        assert verdicts(compare(read(documented()), meant))[name] == "missing_in_intent"


def test_amounts_past_every_float_are_compared_exactly() -> None:
    signed, meant = ether(amount=str(2**200 + 1))
    assert compare(read(signed), meant).matches
    signed["data"]["transaction_data"]["amount"] = str(2**200)
    assert not compare(read(signed), meant).matches


@pytest.mark.parametrize(
    ("meant", "signed", "same"),
    [
        (EVM, EVM.lower(), True),
        (EVM, EVM[:-1] + "E", False),
        (EVM, EVM.replace("0x", "0X"), True),
        (EVM + "A", EVM + "a", True),  # hex digits are the same number in either case
        (RECIPIENT, RECIPIENT.upper(), True),
        (RECIPIENT, RECIPIENT[:-1] + "K", False),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNA", False),
        ("rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh", "rhb9cjawyb4rj91vrwn96dkukg4bwdtyth", False),
        (EVM, f" {EVM}", False),
    ],
)
def test_the_case_of_an_address_counts_where_it_is_a_part_of_it(meant: str, signed: str, same: bool) -> None:
    challenge, intent = ether(recipient=meant)
    challenge["data"]["transaction_data"]["recipient"] = signed
    assert compare(read(challenge), intent).matches is same


def test_a_null_says_the_same_as_no_field() -> None:
    signed, meant = ether(contract_address=None)
    assert compare(read(signed), meant).matches
    del signed["data"]["transaction_data"]["contract_address"]
    assert compare(read(signed), meant).matches
    signed["data"]["transaction_data"]["contract_address"] = EVM
    assert verdicts(compare(read(signed), meant))["contract_address"] == "missing_in_intent"
    signed["data"]["transaction_data"]["recipient"] = None
    assert verdicts(compare(read(signed), meant))["recipient"] == "differs"


def test_a_field_elsewhere_is_not_taken_for_that_of_the_request() -> None:
    decoded = documented()
    decoded["amount"] = decoded["data"]["transaction_data"].pop("amount")
    found = verdicts(compare(read(decoded), body()))
    assert (found["amount"], found["challenge.amount"]) == ("missing_in_challenge", "missing_in_intent")


def test_the_signature_of_a_rejection_is_not_that_of_an_approval() -> None:
    rejection = read(documented() | {"type": "REJECT_TRANSACTION"})
    assert verdicts(compare(rejection, body()))["type"] == "differs"
    assert verdicts(compare(read(documented()), body(), verb="reject"))["type"] == "differs"
    review = compare(rejection, body(), verb="reject")
    assert (review.matches, review.level) == (True, "assumed")


def test_a_message_is_compared_in_the_shape_that_is_assumed() -> None:
    data = {"message_type": "EIP-191", "message_data": {"account_name": "ETH Wallet 1", "raw_message": "Hello"}}
    intent: dict[str, Any] = {
        "type": "CREATE_MESSAGE_SIGNING",
        "data": {"account_id": 101} | deepcopy(data),
        "note": None,
    }
    intent["data"]["message_data"]["address"] = None
    signed = {"antireplay": ANTIREPLAY, "data": data, "type": "APPROVE_MESSAGE_SIGNING"}
    review = compare(read(signed), intent)
    assert (review.matches, review.level) == (True, "assumed")
    signed["type"] = "APPROVE_TRANSACTION"
    assert verdicts(compare(read(signed), intent))["type"] == "differs"


@pytest.mark.parametrize(
    "data",
    [
        {
            "message_type": "EIP-191",
            "message_data": {"account_name": "ETH 1", "raw_message": "Hello", "address": None},
        },
        {"message_type": "EIP-191", "account_name": "ETH 1", "message_data": {"raw_message": "Hello"}},
        {"message_type": "EIP-191", "account_name": "ETH 1", "raw_message": "Hello"},
    ],
)
def test_where_a_field_of_an_assumed_kind_stands_is_not_known(data: dict[str, Any]) -> None:
    fields = {"account_name": "ETH 1", "raw_message": "Hello", "address": None}
    drafted = {"account_id": 101, "message_type": "EIP-191", "message_data": fields}
    intent = {"type": "CREATE_MESSAGE_SIGNING", "data": drafted, "note": None}
    signed = {"antireplay": ANTIREPLAY, "data": data, "type": "APPROVE_MESSAGE_SIGNING"}
    assert compare(read(signed), intent).matches
    assert not compare(read(signed | {"data": data | {"more": 1}}), intent).matches
    assert not compare(read(signed | {"data": data | {"message_type": "EIP-712"}}), intent).matches
    twice = data | {"more": {"raw_message": "Hello"}}
    assert not compare(read(signed | {"data": twice}), intent).matches


def test_a_pledge_may_be_negative_and_keeps_its_sign() -> None:
    fields = {"account_name": "TL-1", "amount": "-100", "currency": "ethereum_sepolia", "exchange_name": "Halcyon"}
    intent = {"type": "CREATE_PLEDGE_INCREMENT", "data": {"pledge_subaccount_id": 1, "pledge_data": dict(fields)}}
    signed = {"antireplay": ANTIREPLAY, "data": {"pledge_data": fields}, "type": "APPROVE_PLEDGE_INCREMENT"}
    assert compare(read(signed), intent).matches
    fields["amount"] = "100"
    assert verdicts(compare(read(signed), intent))["amount"] == "differs"


# Comparing with what an approver states


def test_an_approver_states_at_least_the_amount_and_the_end_of_the_recipient() -> None:
    review = compare(read(documented()), STATEMENT)
    assert (review.matches, review.basis) == (True, "your statement")
    found = verdicts(review)
    assert (found["amount"], found["recipient"]) == ("match", "match")
    assert (found["account_name"], found["currency"], found["max_fees"]) == ("not_stated",) * 3
    assert compare(read(documented()), STATEMENT | {"recipient": RECIPIENT}).matches
    for missing in ({"amount": 100}, {"recipient_end": "whzx0nek"}, {}):
        assert not compare(read(documented()), missing).matches


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 101},
        {"recipient_end": "whzx0neK"},
        {"recipient_end": "z" + RECIPIENT},
        {"recipient_end": RECIPIENT[-20:].upper()},
        {"recipient": RECIPIENT[:-1] + "q"},
        {"currency": "bitcoin"},
        {"account_name": "ClientA COL TBTC 2"},
        {"max_fees": 210},
        {"tag": 7},
        {"type": "CREATE_MESSAGE_SIGNING"},
        {"transaction_type": "BITCOIN_LIKE_SENT"},
        {"recipent": RECIPIENT},
    ],
)
def test_any_part_of_a_statement_that_is_not_signed_so_differs(wrong: dict[str, Any]) -> None:
    assert not compare(read(documented()), STATEMENT | wrong).matches


@pytest.mark.parametrize("extra", [{"contract_address": EVM}, {"tag": 7}, {"memo": {"type": "text", "value": "x"}}])
def test_what_decides_who_gets_what_has_to_be_stated(extra: dict[str, Any]) -> None:
    signed, _ = ether(**extra)
    statement = {"amount": 9220000000000000001, "recipient_end": "e2af03ff3d"}
    assert not compare(read(signed), statement).matches
    assert compare(read(signed), statement | extra).matches


def test_a_kind_that_is_no_send_has_to_be_stated() -> None:
    signed, _ = ether()
    signed["data"]["transaction_type"] = "ETHEREUM_LIKE_EXECUTE_CONTRACT"
    statement = {"amount": 9220000000000000001, "recipient_end": "E2af03fF3D"}
    assert not compare(read(signed), statement).matches
    assert compare(read(signed), statement | {"transaction_type": "ETHEREUM_LIKE_EXECUTE_CONTRACT"}).matches


@pytest.mark.parametrize("end", ["", "nek", "hzx0nek", "whzx0 nek", "whzx0nek\n", 12345678])
def test_an_end_that_proves_nothing_is_refused(end: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"`recipient_end` = .* at least 8 characters"):
        compare(read(documented()), {"amount": 100, "recipient_end": end})


def test_what_the_service_says_of_itself_is_called_consistency() -> None:
    review = compare(read(documented()), body(), basis="the request itself (consistency only)")
    assert "the request itself (consistency only)" in repr(review)


# What can't be compared as a whole


def test_a_text_for_display_is_compared_where_it_can_be() -> None:
    statement = {"amount": 123000000000000, "recipient_end": "e2af03ff3d", "max_fees": 14147609049000}
    review = compare(read(displayed()), statement)
    found = verdicts(review)
    assert (found["amount"], found["recipient"], found["max_fees"]) == ("match",) * 3
    assert not review.matches
    with pytest.raises(ReviewFailed, match=r"assumed unit.*unknown=True"):
        review.require(assumed=True)
    review.require(unknown=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Amount", "swei 123000000000001"),
        ("Amount", "ether 123000000000000"),
        ("Amount", "swei  123000000000000"),
        ("Amount", 123000000000000.5),
        ("Recipient address", EVM[:-1] + "E"),
        ("Max total fees", "swei 1"),
    ],
)
def test_a_difference_in_a_text_for_display_stops_even_who_consents(name: str, value: Any) -> None:
    decoded = displayed()
    decoded["Transaction properties"][name] = value
    review = compare(
        read(decoded), {"amount": 123000000000000, "recipient_end": "E2af03fF3D", "max_fees": 14147609049000}
    )
    with pytest.raises(ReviewFailed, match="DIFFERS"):
        review.require(assumed=True, unknown=True)


@pytest.mark.parametrize("decoded", [{"what": "ever"}, ["100"], {"type": "TRANSFER", "data": {"to": EVM}}, 7])
def test_an_unknown_shape_needs_consent_and_never_matches(decoded: Any) -> None:
    review = compare(read(decoded), body())
    assert (review.matches, review.level) == (False, "unknown")
    with pytest.raises(ReviewFailed, match=r"unknown shape.*unknown=True"):
        review.require(assumed=True)
    review.require(unknown=True)


def test_what_can_not_be_compared_never_matches_not_even_with_nothing() -> None:
    levels: tuple[Level, ...] = ("display", "unknown")
    for level in levels:
        assert not Review(read({}), (), level, "your statement", "approve").matches


def test_an_unknown_shape_that_contradicts_is_stopped() -> None:
    decoded = documented() | {"type": "TRANSACTION"}
    decoded["data"]["transaction_data"]["recipient"] = RECIPIENT[:-1] + "q"
    review = compare(read(decoded), body())
    assert review.level == "unknown"
    with pytest.raises(ReviewFailed, match="Recipient: DIFFERS"):
        review.require(unknown=True)


def test_an_assumed_kind_needs_consent() -> None:
    signed, meant = ether()
    review = compare(read(signed), meant)
    with pytest.raises(ReviewFailed, match="assumed=True"):
        review.require(unknown=True)
    review.require(assumed=True)


# Any change, at any place

LEAVES = [
    ("type",),
    ("data", "transaction_type"),
    *(("data", "transaction_data", name) for name in ("account_name", "amount", "currency", "max_fees", "recipient")),
]
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.floats(allow_nan=False, allow_infinity=False),
    st.lists(st.text(max_size=3), max_size=2), st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
)  # fmt: skip
INTENTS = st.sampled_from([body(), STATEMENT, STATEMENT | {"currency": "bitcoin_testnet", "max_fees": "211"}])


def at(decoded: dict[str, Any], path: tuple[str, ...]) -> Any:
    for name in path:
        decoded = decoded[name]
    return decoded


def spoiled(text: str) -> st.SearchStrategy[str]:
    """Draw texts that are near the given one: a character more, less, or another."""

    def change(position: int, letter: str, kind: Callable[[str, int, str], str]) -> str:
        return kind(text, position % len(text), letter)

    kinds: list[Callable[[str, int, str], str]] = [
        lambda text, at, letter: text[:at] + letter + text[at:],
        lambda text, at, letter: text[:at] + text[at + 1 :],
        lambda text, at, letter: text[:at] + letter + text[at + 1 :],
        lambda text, at, letter: text[:at] + text[at].swapcase() + text[at + 1 :],
    ]
    letters = st.one_of(st.sampled_from("0123456789 _\n\t\u200b\u202e"), st.characters(codec="utf-8"))
    return st.builds(change, st.integers(0, 60), letters, st.sampled_from(kinds))


def says_the_same(path: tuple[str, ...], value: Any) -> bool:
    return value == at(documented(), path) or (path[-1] == "currency" and value == "bitcoin_testnet")


@given(data=st.data(), path=st.sampled_from(LEAVES))
def test_any_change_of_a_field_never_matches_the_draft(data: st.DataObject, path: tuple[str, ...]) -> None:
    decoded = documented()
    value = data.draw(st.one_of(VALUES, spoiled(at(decoded, path))))
    assume(not says_the_same(path, value) and value not in (100, 211))
    at(decoded, path[:-1])[path[-1]] = value
    assert not compare(read(decoded), body()).matches


@given(data=st.data(), path=st.sampled_from([leaf for leaf in LEAVES if leaf[-1] in ("type", "amount", "recipient")]))
def test_any_change_of_what_was_stated_never_matches(data: st.DataObject, path: tuple[str, ...]) -> None:
    decoded = documented()
    before = at(decoded, path)
    value = data.draw(st.one_of(VALUES, spoiled(before)))
    assume(not says_the_same(path, value) and value != 100)
    assume(not (path[-1] == "recipient" and str(value).endswith("whzx0nek")))
    at(decoded, path[:-1])[path[-1]] = value
    assert not compare(read(decoded), STATEMENT).matches


@given(
    intent=INTENTS,
    place=st.sampled_from([(), ("data",), ("data", "transaction_data")]),
    name=st.text(max_size=12),
    value=VALUES,
)
def test_a_field_more_never_matches(intent: dict[str, Any], place: tuple[str, ...], name: str, value: Any) -> None:
    decoded = documented()
    holder = at(decoded, place)
    if name not in holder:
        holder[name] = value
        assert not compare(read(decoded), intent).matches


@given(intent=INTENTS, path=st.sampled_from([*LEAVES, ("antireplay",), ("data",), ("data", "transaction_data")]))
def test_a_field_less_never_matches(intent: dict[str, Any], path: tuple[str, ...]) -> None:
    decoded = documented()
    del at(decoded, path[:-1])[path[-1]]
    assert not compare(read(decoded), intent).matches


@given(once=st.text(max_size=70).filter(lambda text: len(text) != 64))
def test_without_its_antireplay_value_a_challenge_never_matches(once: str) -> None:
    assert not compare(read(documented() | {"antireplay": once}), body()).matches


@given(
    decoded=st.recursive(VALUES, lambda inner: st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=9)
)
def test_whatever_is_handed_out_is_shown_and_never_breaks_the_comparison(decoded: Any) -> None:
    review = compare(read(decoded), body())
    assert not review.matches
    assert isinstance(review._repr_html_() + repr(review), str)
    assert len(review.table()) == len(review.rows)


# Showing


def test_the_table_has_the_fields_as_text() -> None:
    signed, meant = ether(amount=str(2**100))
    signed["data"]["transaction_data"]["more"] = 1
    table = compare(read(signed), meant).table().set_index("field")
    assert list(table.columns) == ["meant", "to_be_signed", "verdict"]
    assert set(table.dtypes.astype(str)) == {"str"}
    assert table.T["amount"].tolist() == [str(2**100), str(2**100), "match"]
    assert table[table["meant"].isna()].index.tolist() == ["more"]


def test_a_reader_sees_the_whole_address_and_the_differences() -> None:
    decoded = documented()
    decoded["data"]["transaction_data"]["amount"] = "1000"
    text = repr(compare(read(decoded), body()))
    assert text.startswith("1 of 11 fields is not as meant, compared with your draft.")
    assert f"Recipient         {RECIPIENT} (equal)" in text
    told = (
        "meant '100' base units = 0.000001 bitcoin_testnet, "
        "would be signed '1000' base units = 0.00001 bitcoin_testnet"
    )
    assert f"Amount            DIFFERS: {told}" in text


def test_amounts_have_their_unit_on_both_sides() -> None:
    review = compare(read(documented()), body())
    lines = repr(review).splitlines()
    assert "Amount            100 base units = 0.000001 bitcoin_testnet (equal)" in lines
    assert "Fees at most      211 base units = 0.00000211 bitcoin_testnet (equal)" in lines
    assert review._repr_html_().count(">= 0.000001 bitcoin_testnet</span></td>") == 2
    assert review.table().set_index("field")["meant"]["amount"] == "100"


def test_an_amount_of_ether_is_shown_with_all_its_digits() -> None:
    signed, meant = ether(amount=str(10**27 + 1))
    assert f"{10**27 + 1} base units = 1000000000.000000000000000001 ethereum (equal)" in repr(
        compare(read(signed), meant)
    )


@pytest.mark.parametrize("side", ["meant", "signed"])
def test_an_amount_of_a_token_is_never_shown_as_one_of_the_coin(side: str) -> None:
    signed, meant = ether(amount="5000000")
    for one in (meant,) if side == "meant" else (signed,):
        one["data"]["transaction_data"]["contract_address"] = EVM
    text = repr(compare(read(signed), meant))
    assert "5000000 base units of the token" in text
    assert "5000000 base units =" not in text


def test_what_is_paid_to_a_contract_is_not_said_to_be_of_a_token() -> None:
    signed, meant = ether(amount="5000000", contract_address=EVM, contract_data="0x00")
    text = repr(compare(read(signed), meant))
    assert "5000000 base units (equal)" in text


@pytest.mark.parametrize("currency", ["made_up", "bitcoin\u200b", None])
def test_where_no_unit_is_known_none_is_guessed(currency: str | None) -> None:
    decoded = documented()
    decoded["data"]["transaction_data"]["currency"] = currency
    text = repr(compare(read(decoded), STATEMENT))
    assert "100 base units (equal)" in text
    assert "100 base units =" not in text


def test_a_statement_without_a_currency_lends_itself_none_from_the_challenge() -> None:
    decoded = documented()
    decoded["data"]["transaction_data"]["amount"] = "1000"
    told = "meant '100' base units, would be signed '1000' base units = 0.00001 bitcoin"
    assert told in repr(compare(read(decoded), STATEMENT))


def test_the_html_is_escaped_and_groups_the_address_without_blanks() -> None:
    signed, meant = ether(account_name="<script>alert(1)</script>")
    page = compare(read(signed), meant)._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    groups = "".join(f"<span style='margin-right:.35em'>{EVM[at : at + 4]}</span>" for at in range(0, len(EVM), 4))
    assert f"title='{EVM}'>{groups}</span>" in page


@pytest.mark.parametrize("letter", ["\u202e", "\u200b", "\n", "\u00ad", "\x1b"])
def test_a_character_without_a_shape_is_written_out(letter: str) -> None:
    signed, meant = ether()
    signed["data"]["transaction_data"]["account_name"] = f"ETH{letter} Treasury 1"
    review = compare(read(signed), meant)
    for shown in (repr(review), review._repr_html_(), review.table().to_csv()):
        assert letter not in shown.replace("\n", "") if letter != "\n" else "ETH\n" not in shown
        assert json.dumps(letter)[1:-1] in shown


def test_what_would_be_rejected_is_shown_alone_and_never_matches() -> None:
    review = shown_alone(read(documented() | {"type": "REJECT_TRANSACTION"}), "reject")
    assert not review.matches
    lines = repr(review).splitlines()
    assert lines[0] == "Rejecting moves nothing. This is what would be refused:"
    assert lines[-1] == "The format of what is signed is not documented; its shape is assumed."
    assert f"Recipient         {RECIPIENT}" in lines
    page = review._repr_html_()
    assert "<th style='text-align:left'>Would be refused</th>" in page
    assert "Meant" not in page
    assert "--jp-border-color1" in page
    folded = page.partition("<details><summary>Antireplay value</summary>")[2]
    assert ANTIREPLAY in folded
    assert page.count(ANTIREPLAY) == 1
    assert "challenge.antireplay" in set(review.table()["field"])
    with pytest.raises(ReviewFailed):
        review.require(assumed=True, unknown=True)


@pytest.mark.parametrize("decoded", [documented(), displayed(), {"what": "ever"}])
def test_what_is_not_known_to_be_a_rejection_is_not_said_to_move_nothing(decoded: Any) -> None:
    review = shown_alone(read(decoded), "reject")
    assert "moves nothing" not in repr(review) + review._repr_html_()
    assert repr(review).startswith("Nothing was given to compare this with, to reject it.")
    assert "--jp-error-color1" in review._repr_html_()


def test_the_end_of_an_address_is_shown_in_words() -> None:
    review = compare(read(documented()), STATEMENT)
    assert review.table().set_index("field")["meant"]["recipient"] == "ends in whzx0nek"
    assert "ends in <span" in review._repr_html_()
    for shown in (repr(review), review._repr_html_()):
        assert "\\u2026" not in shown
    other = compare(read(documented()), STATEMENT | {"recipient_end": "whzx0neq"})
    assert f"Recipient         DIFFERS: meant 'ends in whzx0neq', would be signed '{RECIPIENT}'" in repr(other)
    assert "ends in <span" in other._repr_html_()


def test_all_that_was_meant_is_counted_and_so_is_what_is_not_signed() -> None:
    of_draft = compare(read(documented()), body())
    assert repr(of_draft).startswith(
        "All 7 signed fields are as meant; 4 fields of your draft are not part of what is signed.\n"
    )
    signed, meant = ether()
    assert "The format of what is signed is not documented; its shape is assumed." in repr(
        compare(read(signed), meant)
    )


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        ("max_fees", "Fees at most"),
        ("data.fees_strategy.data.speed", "Speed"),
        ("exchange_name", "Exchange name"),
        ("memo.value", "Memo: value"),
        ("fees_at_most", "'fees_at_most'"),
        ("account", "'account'"),
        ("Amount", "'Amount'"),
        ("amo\u200bunt", r"'amo\u200bunt'"),
    ],
)
def test_a_field_that_could_be_taken_for_another_keeps_its_own_name(field: str, shown: str) -> None:
    assert label(field) == shown
