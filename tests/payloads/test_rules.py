"""What each field takes, and what the refusal of anything else says."""

import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bug_reports import shown
from hypothesis import given
from hypothesis import strategies as st

from ledgerkit.errors import InvalidRequest, UnknownValue
from ledgerkit.payloads import (
    AccountCreation,
    ApiUserCreation,
    BitcoinLikeSend,
    EthereumStakeCreation,
    FeesPerByte,
    GasPrice,
    LabelCreation,
    LamTransaction,
    MemoHash,
    MemoId,
    MemoText,
    Note,
    NotificationConfiguration,
    Payload,
    Raw,
    Speed,
)
from ledgerkit.secret import Secret
from payloads.examples import ABI, ACCOUNT, BITCOIN, CALL, EVM, EXAMPLES, SEND

# Amounts


def written(amount: Any) -> str:
    text: str = SEND.replace(amount=amount).to_json()["data"]["transaction_data"]["amount"]
    return text


@given(amount=st.integers(0, 10**78 - 1))
def test_an_amount_is_written_digit_for_digit(amount: int) -> None:
    assert written(amount) == written(str(amount)) == str(amount)
    assert SEND.replace(amount=str(amount)).amount == amount


@given(text=st.text())
def test_a_text_is_the_number_of_its_digits_or_is_refused(text: str) -> None:
    plain = 0 < len(text) <= 78 and set(text) <= set("0123456789")
    if plain:
        assert written(text) == (text.lstrip("0") or "0")
    else:
        with pytest.raises(InvalidRequest):
            written(text)


@pytest.mark.parametrize("amount", [np.int64(7), np.uint64(7), pd.Series([7], dtype="Int64")[0], Decimal(7), "7", 7])
def test_an_integer_of_any_make_is_an_amount(amount: Any) -> None:
    assert written(amount) == "7"
    assert type(SEND.replace(amount=amount).amount) is int


@pytest.mark.parametrize(
    "amount",
    [
        "1e3", "1.0", "+5", "-5", "1,000", "1 000", "1_000", " 5", "5\n", "", "٣", "５", "0x10", "NaN", "1" * 79,
        -5, 10**78, True, False, 5.0, float("nan"), np.float64(5), np.bool_(True), None, pd.NA, b"5", [5],
        Decimal("1.5"), Decimal("2.00"), Decimal("1E+3"), Decimal("NaN"), Decimal("Infinity"), Decimal(-1),
    ],
)  # fmt: skip
def test_what_is_no_number_of_base_units_is_refused(amount: Any) -> None:
    with pytest.raises(InvalidRequest) as raised:
        SEND.replace(amount=amount)

    assert raised.value.details["field"] == "amount"
    assert str(raised.value).startswith("`amount` = ")


def test_a_million_digits_are_refused_at_once() -> None:
    for amount in ("9" * 1_000_000, 10**100_000):
        with pytest.raises(InvalidRequest) as raised:
            SEND.replace(amount=amount)
        assert len(str(raised.value)) < 300


def test_a_refusal_names_field_value_and_rule() -> None:
    with pytest.raises(InvalidRequest) as raised:
        SEND.replace(amount="1e3")

    assert str(raised.value) == (
        "`amount` = '1e3' can't be used: it takes base units in plain digits, such as '150000000'."
    )


@pytest.mark.parametrize(("amount", "text"), [(-100, "-100"), ("-100", "-100"), ("-0", "0"), (100, "100")])
def test_a_pledge_increment_may_be_negative(amount: Any, text: str) -> None:
    payload = EXAMPLES["pledge"].replace(amount=amount)

    assert payload.to_json()["data"]["pledge_data"]["amount"] == text


@pytest.mark.parametrize("amount", ["--1", "- 1", "−1", "1-", "-", Decimal("-1.0"), -(10**78)])
def test_a_negative_increment_is_as_strict(amount: Any) -> None:
    with pytest.raises(InvalidRequest, match="amount"):
        EXAMPLES["pledge"].replace(amount=amount)


# Every other field


@pytest.mark.parametrize(
    ("example", "name", "value", "said"),
    [
        ("bitcoin", "account_id", "2", "it takes an integer"),
        ("bitcoin", "account_id", True, "it takes an integer"),
        ("bitcoin", "account_id", -1, "from 0 to"),
        ("bitcoin", "account_id", None, "it takes an integer"),
        ("bitcoin", "account_name", "", "can't be empty"),
        ("bitcoin", "account_name", "  ", "can't be empty"),
        ("bitcoin", "account_name", "a\nb", "can't be seen"),
        ("bitcoin", "account_name", "Main\u200b", "can't be seen"),
        ("bitcoin", "account_name", 7, "it takes a text"),
        ("bitcoin", "account_name", "\ud800", "half of a character"),
        ("bitcoin", "recipient", "", "can't be empty"),
        ("bitcoin", "recipient", BITCOIN + " ", "no spaces"),
        ("bitcoin", "recipient", "tb1q9…zx0nek", "plain ASCII"),
        ("bitcoin", "recipient", "tb1q9...zx0nek", "cut for display"),
        ("bitcoin", "recipient", "tb1q9w\u0435xw", "plain ASCII"),  # a Cyrillic e
        ("bitcoin", "recipient", None, "it takes a text"),
        ("bitcoin", "fees_strategy", "FAST", "it takes Speed(speed) or FeesPerByte(fees_per_byte)"),
        ("bitcoin", "fees_strategy", GasPrice(1, 1), "it takes Speed"),
        ("bitcoin", "fees_strategy", None, "it takes Speed"),
        ("ripple", "fees_strategy", FeesPerByte(1), "it takes Speed(speed)."),
        ("bitcoin", "max_fees", None, "it takes base units"),
        ("bitcoin", "max_fees", "0.5", "plain digits"),
        ("bitcoin", "note", "Invoice 42", "it takes Note(title, content)"),
        ("bitcoin", "currency", "bitcoin_tesnet", "did you mean 'bitcoin_testnet'"),
        ("bitcoin", "currency", "Bitcoin Testnet", "such as 'bitcoin'"),
        ("bitcoin", "currency", "ethereum", "is for bitcoin, bitcoin_testnet"),
        ("bitcoin", "currency", "Euro", "is for bitcoin, bitcoin_testnet"),
        ("pledge", "currency", "Dollar", "is for"),
        ("bitcoin", "currency", "", "such as 'bitcoin'"),
        ("bitcoin", "currency", None, "such as 'bitcoin'"),
        ("ethereum", "currency", "ETHEREUM", "did you mean 'ethereum'"),
        ("ethereum", "contract_address", "", "can't be empty"),
        ("ripple", "tag", 2**32, "from 0 to 4294967295"),
        ("ripple", "tag", "12345", "it takes an integer"),
        ("stellar, text", "memo", "Invoice 42", "MemoText(text)"),
        ("solana", "max_priority_fee", "1e3", "plain digits"),
        ("solana, a token", "token_mint", None, "it takes a text"),
        ("polkadot, payee", "payee", "stash", "did you mean 'Stash'?"),
        ("polkadot, payee", "payee", "Controller", "it takes one of: Staked, Stash"),
        ("ethereum, a contract", "encoded_contract_bytecode", "0x608", "hexadecimal"),
        ("ethereum, a contract", "encoded_contract_bytecode", "0x", "hexadecimal"),
        ("ethereum, a contract", "encoded_contract_bytecode", "6080", "after 0x"),
        ("ethereum, a contract", "encoded_contract_bytecode", "0x60\n", "hexadecimal"),
        ("ethereum, a call", "amount", None, "it takes base units"),
        ("ethereum, a call", "contract_data", "transfer()", "hexadecimal"),
        ("ethereum, a call", "contract_data", None, "`contract_data` or `encoded_contract_data`"),
        ("ethereum, a call", "encoded_contract_data", "0x60", "and not both"),
        ("ethereum, a call", "contract_data", {**CALL, "args": {}}, "it has no 'args'"),
        ("ethereum, a call", "contract_data", {**CALL, "abi": "[]"}, "text of JSON must be read first"),
        ("ethereum, a call", "contract_data", {**CALL, "function_name": "aprove"}, "these functions: approve"),
        ("ethereum, a call", "contract_data", {"abi": ABI}, "function_name"),
        ("ethereum, a call", "contract_data", {**CALL, "function_arguments": {"to": EVM}}, "takes (to, amount)"),
        ("ethereum, a call", "contract_data", {**CALL, "function_arguments": [EVM, 1]}, "it takes a dict"),
        (
            "ethereum, a call",
            "contract_data",
            {**CALL, "function_arguments": {"to": EVM, "amount": 1e18}},
            "`contract_data.function_arguments.amount` = 1e+18",
        ),
        ("message", "raw_message", "", "can't be empty"),
        ("message", "raw_message", b"Hello", "it takes a text"),
        ("message", "raw_message", "a\x00b", "control character"),
        ("pledge", "currency", "ethereum_sepolja", "did you mean 'ethereum_sepolia'"),
        ("pledge", "exchange_name", "", "can't be empty"),
        ("pledge", "pledge_subaccount_id", "1", "it takes an integer"),
    ],
)  # fmt: skip
def test_a_field_refuses_what_it_can_not_have(example: str, name: str, value: Any, said: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        EXAMPLES[example].replace(**{name: value})

    assert f"`{name}" in str(raised.value)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("payload", "currency"),
    [(EXAMPLES["bitcoin"], "litecoin"), (EXAMPLES["ethereum"], "zora"), (EXAMPLES["pledge"], "hedera_mainnet")],
)
def test_a_currency_that_the_document_lacks_is_sent_with_a_warning_at_the_line_of_the_caller(
    payload: Payload, currency: str
) -> None:
    with pytest.warns(UnknownValue, match=currency) as caught:
        other = payload.replace(currency=currency)

    assert f"'{currency}'" in str(other.to_json())
    assert Path(caught[0].filename) == Path(__file__)


def test_a_missing_field_and_one_too_many_are_named() -> None:
    with pytest.raises(TypeError, match="recipient"):
        BitcoinLikeSend(  # type: ignore[call-arg]  # that is the fault
            account_id=1, account_name="x", currency="bitcoin", amount=1, max_fees=1, fees_strategy=Speed("FAST")
        )
    with pytest.raises(TypeError, match="memo"):
        SEND.replace(memo="x")


# Parts


@pytest.mark.parametrize("text", ["", "a" * 28, "é" * 14, "日" * 9 + "a"])
def test_a_memo_may_have_28_bytes(text: str) -> None:
    assert MemoText(text).to_json() == {"MEMO_TEXT": text}


@pytest.mark.parametrize("text", ["a" * 29, "é" * 14 + "a", "日" * 10])
def test_a_memo_of_more_bytes_is_refused_though_it_has_28_characters(text: str) -> None:
    with pytest.raises(InvalidRequest, match="bytes in UTF-8 are more than 28"):
        MemoText(text)


@pytest.mark.parametrize("value", ["a" * 63, "a" * 65, "g" * 64, "0x" + "a" * 62, "a" * 64 + "\n", 64])
def test_a_memo_that_is_a_hash_has_64_hexadecimal_digits(value: Any) -> None:
    with pytest.raises(InvalidRequest, match="64 hexadecimal digits"):
        MemoHash(value)


@pytest.mark.parametrize("value", [-1, 2**64, "1", True])
def test_a_memo_that_is_an_id_has_64_bits(value: Any) -> None:
    with pytest.raises(InvalidRequest, match="integer"):
        MemoId(value)


def test_the_fee_strategies_are_written_as_the_api_has_them() -> None:
    assert Speed("SLOW").to_json() == {"type": "SPEED", "data": {"speed": "SLOW"}}
    assert FeesPerByte(30).to_json() == {"type": "CUSTOM", "data": {"fees_per_byte": "30"}}
    assert GasPrice("21000", 5).to_json() == {"type": "CUSTOM", "data": {"gas_limit": "21000", "gas_price": "5"}}


def test_custom_is_no_speed_that_can_be_asked_for() -> None:
    with pytest.raises(InvalidRequest, match="FAST, NORMAL, SLOW"):
        Speed("CUSTOM")  # type: ignore[arg-type]  # that is the fault


@pytest.mark.parametrize(("title", "content"), [("", "x"), ("a\nb", "x"), ("a", None), (None, "x"), ("a", "b\x07")])
def test_a_note_has_a_title_and_a_content(title: Any, content: Any) -> None:
    with pytest.raises(InvalidRequest):
        Note(title, content)


# Accounts


@pytest.mark.parametrize("name", ["JST", "A" * 19, "ClientA COL TBTC 1", "TL-0001-ETH-XXX-XXX", "a_b"])
def test_the_name_of_an_account_may_have_19_characters(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ACCOUNT.replace(name=name).to_json()["data"]["account_data"]["name"] == name


@pytest.mark.parametrize("name", ["A" * 20, "Café", "a/b", " a", "a  b", "", "a\n"])
def test_a_name_that_an_account_can_not_have_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest, match="`name`"):
        ACCOUNT.replace(name=name)


@pytest.mark.parametrize("missing", ["parent_id", "contract_address"])
def test_a_token_account_has_both_parent_and_contract(missing: str) -> None:
    with pytest.raises(InvalidRequest, match="both given for a token"):
        ACCOUNT.replace(**{missing: None})


def test_an_account_is_written_as_the_api_has_it() -> None:
    plain = AccountCreation(
        account_type="BITCOIN_LIKE", index=3, name="Cold 3", currency="bitcoin", policy_name="Policy 1"
    )

    assert plain.to_json() == {
        "type": "CREATE_ACCOUNT",
        "data": {
            "account_type": "BITCOIN_LIKE",
            "account_data": {"index": 3, "name": "Cold 3", "currency": "bitcoin", "policy_name": "Policy 1"},
        },
    }


# Raw


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "`type` = None"),
        ({"type": ""}, "`type` = ''"),
        ({"type": "X", "data": {"a": 1.5}}, "`body.data.a` = 1.5"),
        ({"type": "X", "data": {1: 2}}, "a key"),
        ({"type": "X", "data": {"a": Secret("canary")}}, "Secret is not of JSON"),
        ([], "it takes a dict"),
    ],
)
def test_raw_takes_json_with_a_type(body: Any, said: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        Raw(body)

    assert said in str(raised.value)
    assert "canary" not in str(raised.value)


# Webhooks


def test_a_webhook_is_written_in_clear_and_shown_masked() -> None:
    body = NotificationConfiguration(url="https://hooks.example/x", secret="canary-7")

    assert body.to_json() == {"all": {"webhook": {"url": "https://hooks.example/x", "secret": "canary-7"}}}
    for text in (repr(body), str(body.preview()), repr(body.preview()), body.preview()._repr_html_(), f"{body}"):
        assert "canary" not in text
        assert "https://hooks.example/x" in text.replace("&#x27;", "'")


def test_no_webhook_at_all_is_a_null() -> None:
    assert NotificationConfiguration().to_json() == {"all": {"webhook": None}}


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/x", "http://localhost/x", "http://[::1]:1/x", "https://a.b"])
def test_events_go_to_https_or_to_this_machine(url: str) -> None:
    assert NotificationConfiguration(url=url, secret=Secret("x")).url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/x",
        "http://127.0.0.1.example/x",
        "ftp://a.b",
        "https://",
        "https://a b",
        "a.b",
        "https://[x",
    ],
)
def test_events_go_nowhere_else(url: str) -> None:
    with pytest.raises(InvalidRequest, match="`url`"):
        NotificationConfiguration(url=url, secret=Secret("x"))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"url": "https://a.b", "secret": b"canary"}, "a Secret or a text, not bytes"),
        ({"url": "https://a.b", "secret": ""}, "it is empty"),
        ({"url": "ftp://a.b", "secret": "canary"}, "https"),
        ({"secret": "canary"}, "given together"),
        ({"url": "https://a.b"}, "given together"),
    ],
)
def test_a_fault_of_a_webhook_shows_no_secret(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        NotificationConfiguration(**fields)

    assert said in str(raised.value)
    assert "canary" not in shown(raised.value)


def test_a_url_with_a_password_is_refused_without_being_shown() -> None:
    with pytest.raises(InvalidRequest) as raised:
        NotificationConfiguration(url="https://me:canary@a.b", secret="x")

    assert "user name or password" in str(raised.value)
    assert "canary" not in str(raised.value) + repr(raised.value.details)


# A LAM


def test_an_approval_repeats_the_values_of_the_creation() -> None:
    payload = LamTransaction(
        account_name="Treasury 1",
        amount="100",
        recipient=BITCOIN,
        max_fees=211,
        speed="FAST",
        note=Note("Invoice", ""),
        coin_fields={"utxo_picking_strategy": "DEEP_OUTPUTS_FIRST"},
    )

    assert payload.approval().to_json() == {
        "account_name": "Treasury 1",
        "amount": "100",
        "recipient": BITCOIN,
        "max_fees": "211",
        "coin_fields": {"utxo_picking_strategy": "DEEP_OUTPUTS_FIRST"},
    }


@pytest.mark.parametrize("name", ["", "a" * 21, "a b", "a-b", "é", "a\n"])
def test_the_name_of_an_api_user_is_a_word(name: str) -> None:
    with pytest.raises(InvalidRequest, match="1 to 20"):
        ApiUserCreation(name=name)


@pytest.mark.parametrize("color", ["fe3423", "#fe342", "red", "#fe342g"])
def test_the_colour_of_a_label_has_six_hexadecimal_digits(color: str) -> None:
    with pytest.raises(InvalidRequest, match="`color`"):
        LabelCreation(name="SPAM", color=color)


@pytest.mark.parametrize(
    "changes",
    [{"speed": "FAST", "gas_limit": 1, "gas_price": 1}, {"speed": "CUSTOM", "gas_limit": 1}, {"speed": "QUICK"}],
)
def test_a_stake_has_gas_with_the_speed_custom_alone(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        EthereumStakeCreation(**{"provider": "kiln", "provider_fields": {}, "max_fees": 1, **changes})
