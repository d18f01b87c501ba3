"""What people read before they confirm: everything, in whole, and nothing that could mislead them."""

import html
import json
import re
from typing import Any

import pytest
from hypothesis import given

from ledgerkit.payloads import (
    KINDS,
    Body,
    FeesPerByte,
    LamTransaction,
    MessageSigning,
    Note,
    Payload,
    Raw,
    Settlement,
    SettlementRecovery,
    Transaction,
)
from ledgerkit.payloads.transactions import SHOWN
from ledgerkit.showing import visible
from payloads.examples import ACCOUNT, ANY, BITCOIN, EVM, EXAMPLES, PLEDGE, SEND


def shown_json(text: str) -> Any:
    return json.loads(text[text.index("\n{") :])


def copied(markup: str) -> str:
    """Return the text that somebody copies from HTML."""
    return html.unescape(re.sub("<[^>]*>", "", markup))


def test_a_preview_says_what_from_where_how_much_to_whom_at_what_cost() -> None:
    summary, _, _ = str(SEND.preview()).partition("\nPOST /requests with exactly:\n")

    assert summary.splitlines() == [
        "Send on bitcoin_testnet (BITCOIN_LIKE_SEND)",
        "  Account           ClientA COL TBTC 1 (id 2)",
        "  Amount            100 base units of bitcoin_testnet",
        "  To                tb1q9wexw9pzjklj7yqld6g3lejxzr0wgvwhzx0nek",
        "  Currency          bitcoin_testnet",
        "  At most for fees  211 base units of bitcoin_testnet",
        "  Fees              speed FAST",
        "  Note              Invoice 42: March",
    ]


def test_the_amount_of_a_token_is_in_units_of_the_token_and_fees_in_those_of_the_network() -> None:
    text = str(EXAMPLES["ethereum, a token"].preview())

    assert f"1000000000000000000 base units of the token {EVM}" in text
    assert "500 base units of polygon" in text


def test_a_negative_increment_is_said_to_take_back() -> None:
    assert str(EXAMPLES["pledge, less of it"].preview()).startswith("Un-pledge: take back")
    assert str(EXAMPLES["pledge"].preview()).startswith("Pledge more")


@pytest.mark.parametrize(
    "body",
    [
        EXAMPLES["message"].replace(note=Note("Proof", "of reserve")),
        EXAMPLES["pledge"].replace(amount=10**20 + 7),
        EXAMPLES["pledge, less of it"].replace(amount=-(10**20) - 7),
        EXAMPLES["pledge, freed by force"],
        ACCOUNT,
        SettlementRecovery(fee_strategy=FeesPerByte(31), max_fee=234567),
        LamTransaction(account_name="Treasury 1", amount=123456, recipient=BITCOIN, max_fees=2101, speed="SLOW"),
    ],
    ids=lambda body: type(body).__name__,
)
def test_every_value_of_another_body_stands_in_its_summary_in_whole(body: Body) -> None:
    summary = str(body.preview()).partition(" with exactly:\n")[0]

    words = summary.split()
    for name, value in body.given().items():
        if isinstance(value, int):
            assert str(abs(value)) in [word.strip("()") for word in words], name
        elif isinstance(value, str):
            assert set(value.split()) <= {*words, *(word.strip("()") for word in words)}, name
        else:
            assert value.said() in summary, name


def test_what_comes_in_by_a_settlement_is_shown_with_its_exact_amount() -> None:
    inbound = {"amount": 10**20 + 7, "to_account_id": 3, "to_address": EVM}
    text = str(Settlement(from_pledge_id=PLEDGE, inbound_transaction_intent=inbound).preview())

    assert re.search(r"In: amount +100000000000000000007 base units\n", text)
    assert re.search(rf"In: to +{EVM}\n", text)


def test_a_ceiling_of_zero_is_said_to_be_a_question() -> None:
    assert "a question for an estimate" in str(SEND.replace(max_fees=0).preview())
    assert "a question for an estimate" not in str(SEND.preview())


def test_what_is_experimental_or_unchecked_says_so() -> None:
    assert "experimental" in str(ACCOUNT.preview())
    assert "nothing in this body was checked" in str(Raw({"type": "SIGN_DIGESTS"}).preview())


@pytest.mark.parametrize("payload", [*EXAMPLES.values(), ACCOUNT], ids=[*EXAMPLES, "account"])
def test_the_exact_json_is_shown(payload: Payload) -> None:
    assert shown_json(str(payload.preview())) == payload.to_json()
    assert repr(payload.preview()) == str(payload.preview())


@given(payload=ANY)
def test_every_text_and_number_stands_in_the_summary_in_whole(payload: Transaction) -> None:
    summary = str(payload.preview()).partition("\nPOST /requests with exactly:\n")[0]

    for name, value in payload.given().items():
        if isinstance(value, str | int):
            assert visible(str(value)) in summary, name  # what can't be seen is spelled


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_no_field_of_a_kind_is_left_out_of_the_summary(kind: type[Transaction]) -> None:
    assert set(kind.__struct_fields__) <= {"account_id", "account_name", *SHOWN}


@given(payload=ANY)
def test_what_is_copied_from_the_html_has_no_gaps(payload: Transaction) -> None:
    text = copied(payload.preview()._repr_html_())

    for name in ("recipient", "amount", "max_fees", "token_mint", "contract_address"):
        value = payload.given().get(name)
        assert value is None or str(value) in text


def test_html_of_a_note_is_text() -> None:
    page = SEND.replace(note=Note("<script>alert(1)</script>", "<b onclick='x'>&amp;")).preview()._repr_html_()

    assert "<script" not in page
    assert "<b " not in page
    assert "&lt;script&gt;" in page


def test_a_note_can_not_forge_a_line_of_the_summary() -> None:
    forged = SEND.replace(note=Note("Invoice", "x\n  To                tb1qattacker\r\n\u2028  Amount  1"))

    lines = str(forged.preview()).splitlines()
    assert [line for line in lines if line.startswith("  To ")] == [f"  To                {BITCOIN}"]
    assert not [line for line in lines if line.startswith("  Amount  1")]


def test_characters_that_turn_others_around_are_shown_as_escapes() -> None:
    message = MessageSigning(account_id=1, account_name="x", raw_message="pay \u202e001\u200b \U000e0041")
    text = str(message.preview())

    assert "pay \\u202e001\\u200b \\udb40\\udc41" in text
    assert text.isascii()
    assert shown_json(text) == message.to_json()


def test_the_parts_of_a_settlement_are_shown() -> None:
    payload = Settlement(
        from_pledge_id=PLEDGE,
        outbound_transaction_intent=SEND.replace(note=None),
        repledge_intent={
            "account_name": "TL-0001",
            "amount": 0,
            "currency": "bitcoin",
            "exchange_name": "Crypto.com",
            "pledge_subaccount_id": 1,
        },
    )
    text = str(payload.preview())

    assert PLEDGE in text
    assert BITCOIN in text
    assert re.search(r"Out: amount +100 base units of bitcoin_testnet", text)
    assert re.search(r"Re-pledge: amount +0", text)
    assert shown_json(text) == payload.to_json()


def test_a_repr_shows_addresses_in_whole_and_bytecode_cut() -> None:
    assert BITCOIN in repr(SEND)
    assert len(repr(EXAMPLES["ethereum, a contract"].replace(encoded_contract_bytecode="0x" + "60" * 24_000))) < 600
