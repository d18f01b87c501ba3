"""A body read back is the payload that it came from, or is refused."""

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgerkit.errors import InvalidRequest
from ledgerkit.payloads import KINDS, EthereumLikeExecuteContract, Payload, Raw, Settlement, Transaction, from_json
from payloads.examples import ACCOUNT, ANY, BITCOIN, EVM, EXAMPLES, PLEDGE, SEND

TYPES = sorted({payload.type for payload in [*EXAMPLES.values(), ACCOUNT]})
DIGESTS = {
    "type": "SIGN_DIGESTS",
    "data": {"account_id": 1, "digests_data": {"digests": [{"digest": "66", "x": None}]}},
}


@pytest.mark.parametrize("payload", [*EXAMPLES.values(), ACCOUNT], ids=[*EXAMPLES, "account"])
def test_an_example_comes_back_from_its_json(payload: Payload) -> None:
    back = from_json(payload.to_json())

    assert back == payload
    assert type(back) is type(payload)
    assert back.to_json() == payload.to_json()


@given(payload=ANY)
def test_any_transaction_comes_back_from_its_json(payload: Transaction) -> None:
    assert from_json(payload.to_json()) == payload


@given(one=ANY, other=ANY)
def test_payloads_are_equal_where_their_json_is(one: Transaction, other: Transaction) -> None:
    assert (one == other) == (one.to_json() == other.to_json())


def test_a_body_of_an_unknown_type_is_raw_and_sent_as_it_is() -> None:
    payload = from_json(DIGESTS)

    assert payload == Raw(DIGESTS)
    assert payload.type == "SIGN_DIGESTS"
    assert payload.to_json() == DIGESTS


def test_a_transaction_of_an_unknown_kind_is_raw() -> None:
    payload = from_json({"type": "CREATE_TRANSACTION", "data": {"transaction_type": "COSMOS_LIKE_SEND"}})

    assert isinstance(payload, Raw)
    assert payload.transaction_type == "COSMOS_LIKE_SEND"


def test_nulls_of_a_body_are_as_if_they_were_left_out() -> None:
    body = EXAMPLES["ethereum"].to_json()
    body["note"] = None
    body["data"]["transaction_data"]["contract_address"] = None

    assert from_json(body) == EXAMPLES["ethereum"]


def test_a_null_among_the_arguments_of_a_call_is_kept() -> None:
    body = EXAMPLES["ethereum, a call"].to_json()
    body["data"]["transaction_data"]["contract_data"] = {"function_name": "f", "function_arguments": {"x": None}}

    assert from_json(body).to_json() == body


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the body of an example with one value changed, or taken out where it is ``...``."""
    body = SEND.to_json()
    *way, last = path.split(".")
    inner = body
    for step in way:
        inner = inner[step]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return body


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("data.transaction_data.amount", 100, "amount"),
        ("data.transaction_data.amount", "0100", "amount"),
        ("data.transaction_data.amount", "1e2", "amount"),
        ("data.transaction_data.amount", ..., "amount"),
        ("data.transaction_data.amount", None, "amount"),
        ("data.transaction_data.memo", "42", "memo"),
        ("data.transaction_data.account_id", 2, "account_id"),
        ("data.transaction_data.note", {}, "note"),
        ("data.transaction_data", [], "transaction_data"),
        ("data.account_id", True, "account_id"),
        ("data.account_id", 2.0, "account_id"),
        ("data.account_id", "2", "account_id"),
        ("data.amount", "100", "amount"),
        ("data", None, "data"),
        ("data.fees_strategy.type", "CUSTOM", "fees_strategy"),
        ("data.fees_strategy.data", {"speed": "FAST", "gas_limit": "1"}, "fees_strategy"),
        ("data.fees_strategy.data.speed", "fast", "speed"),
        ("data.fees_strategy", {"type": "CUSTOM", "data": {"fees_per_byte": "030"}}, "fees_per_byte"),
        ("data.fees_strategy", {"type": "CUSTOM", "data": {"fees_per_byte": 30}}, "fees_per_byte"),
        ("extra", 1, "extra"),
        ("note", "Invoice 42", "note"),
        ("note.more", "x", "note"),
    ],
)
def test_a_body_that_would_not_be_written_like_this_is_refused(path: str, value: Any, field: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        from_json(changed(path, value))

    assert raised.value.details["field"] == field


# Hypothesis draws names out of the code as well, those of the body itself among them.
OTHER_TYPES = (st.none() | st.integers() | st.text() | st.sampled_from([*KINDS, *TYPES])).filter(
    lambda value: value not in (SEND.type, SEND.transaction_type)
)


@given(path=st.sampled_from(["type", "data.transaction_type"]), value=OTHER_TYPES)
def test_a_body_of_another_type_is_never_read_as_a_transaction(path: str, value: Any) -> None:
    try:
        read = from_json(changed(path, value))
    except InvalidRequest:
        return
    assert isinstance(read, Raw)


@pytest.mark.parametrize("body", [None, [], "x", 1])
def test_what_is_no_object_is_no_body(body: Any) -> None:
    with pytest.raises(InvalidRequest, match="dict"):
        from_json(body)


@pytest.mark.parametrize(("example", "name"), [("ethereum, a call", "amount"), ("ethereum, a contract", "amount")])
def test_a_body_without_a_field_that_would_be_sent_is_refused(example: str, name: str) -> None:
    for absent in ({}, {name: None}):
        body = EXAMPLES[example].to_json()
        del body["data"]["transaction_data"][name]
        body["data"]["transaction_data"] |= absent

        with pytest.raises(InvalidRequest, match=f"`{name}` is missing"):
            from_json(body)


# Values that can't change


def test_the_json_is_a_new_one_each_time() -> None:
    payload = EXAMPLES["ethereum, a call"]
    before = copy.deepcopy(payload.to_json())

    body = payload.to_json()
    body["data"]["transaction_data"]["contract_data"]["function_arguments"]["amount"] = 10**9

    assert payload.to_json() == before


def test_what_a_payload_was_made_of_can_change_without_it() -> None:
    arguments = {"to": EVM, "list": [1, 2]}
    payload = EthereumLikeExecuteContract(
        account_id=1,
        account_name="x",
        currency="base",
        recipient=EVM,
        max_fees=1,
        fees_strategy=EXAMPLES["ethereum"].fees_strategy,  # type: ignore[attr-defined]  # an EthereumLikeSend
        contract_data={"function_name": "f", "function_arguments": arguments},
    )
    before = copy.deepcopy(payload.to_json())

    arguments["to"] = "0xattacker"
    arguments["list"].append(3)  # type: ignore[attr-defined]  # the list

    assert payload.to_json() == before


@pytest.mark.parametrize("name", ["amount", "recipient", "note"])
def test_a_field_can_not_be_set(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(SEND, name, "1")


def test_the_parts_of_a_call_can_not_be_set() -> None:
    call = EXAMPLES["ethereum, a call"].values()["contract_data"]

    with pytest.raises(TypeError):
        call["function_arguments"]["amount"] = 1


def test_a_copy_with_changes_is_checked_and_leaves_the_first_as_it_was() -> None:
    other = SEND.replace(amount="7")

    assert (other.amount, SEND.amount) == (7, 100)
    assert other.replace(amount=100) == SEND
    with pytest.raises(InvalidRequest):
        SEND.replace(amount="7.0")
    with pytest.raises(TypeError):
        SEND.replace(max_fee=7)


@pytest.mark.parametrize("payload", EXAMPLES.values(), ids=EXAMPLES)
def test_copies_and_pickles_are_equal(payload: Payload) -> None:
    assert copy.deepcopy(payload) == payload
    assert pickle.loads(pickle.dumps(payload)) == payload  # noqa: S301 - made on the line


# Settlements


def test_the_id_of_a_settlement_is_made_once() -> None:
    one = Settlement(from_pledge_id=PLEDGE, outbound_transaction_intent=SEND.replace(note=None))
    other = Settlement(from_pledge_id=PLEDGE, outbound_transaction_intent=SEND.replace(note=None))

    assert one.to_json()["id"] == one.to_json()["id"] == one.replace(meta={"a": 1}).to_json()["id"]
    assert one.id != other.id


def test_a_settlement_takes_parts_as_dicts_and_comes_back_from_its_json() -> None:
    payload = Settlement(
        from_pledge_id=PLEDGE.upper(),
        inbound_transaction_intent={"amount": "5", "to_account_id": 3, "to_address": BITCOIN},
        outbound_transaction_intent=SEND.to_json()["data"],
    )

    body = payload.to_json()
    assert body["from_pledge_id"] == PLEDGE
    assert body["inbound_transaction_intent"]["amount"] == 5
    assert body["outbound_transaction_intent"] == SEND.to_json()["data"]
    assert body["meta"] == {}
    assert Settlement.from_json(body) == payload


def test_a_settlement_without_its_id_does_not_come_back_with_another() -> None:
    body = Settlement(from_pledge_id=PLEDGE, outbound_transaction_intent=SEND.replace(note=None)).to_json()
    del body["id"]

    with pytest.raises(InvalidRequest, match="`id` is missing"):
        Settlement.from_json(body)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "nothing is settled"),
        ({"outbound_transaction_intent": SEND}, "no note"),
        ({"outbound_transaction_intent": EXAMPLES["message"]}, "it takes a transaction"),
        ({"outbound_transaction_intent": {"transaction_type": "COSMOS_LIKE_SEND"}}, "it takes a transaction"),
        ({"inbound_transaction_intent": {"amount": 5, "to_account_id": 3}}, "to_address` is missing"),
        ({"inbound_transaction_intent": {"ammount": 5}}, "inbound_transaction_intent.ammount"),
        ({"inbound_transaction_intent": {"amount": -5, "to_account_id": 3, "to_address": "x"}}, "negative"),
        ({"from_pledge_id": "1"}, "UUID"),
        ({"id": "{0f8fad5b-d9cb-469f-a165-70867728950e}"}, "UUID"),
        ({"meta": {"a": 0.1}}, "`meta.a` = 0.1"),
    ],
)
def test_a_settlement_says_what_is_wrong_with_it(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        Settlement(**{"from_pledge_id": PLEDGE, **changes})

    assert said in str(raised.value)
