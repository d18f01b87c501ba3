"""``session.transactions.send``: from what people say to what the API takes, and what is said before sending."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

import ledgerkit as lk
from ledgerkit import payloads
from writes.conftest import BITCOIN_ACCOUNT, listed_address


def checks(draft: Any) -> dict[str, str]:
    return {check.name: check.verdict for check in draft.checks}


def test_a_payment_is_filled_in_from_the_account(session: lk.Session, recipient: str) -> None:
    draft = session.transactions.send("BTC Treasury 1", recipient, "0.5 BTC", speed="FAST", note="Invoice 42")
    body = draft.to_json()
    fees = int(body["data"]["transaction_data"]["max_fees"])
    assert fees > 0
    assert body == {
        "type": "CREATE_TRANSACTION",
        "data": {
            "account_id": BITCOIN_ACCOUNT,
            "transaction_type": "BITCOIN_LIKE_SEND",
            "fees_strategy": {"type": "SPEED", "data": {"speed": "FAST"}},
            "transaction_data": {
                "account_name": "BTC Treasury 1",
                "amount": "50000000",
                "currency": "bitcoin",
                "max_fees": str(fees),
                "recipient": recipient,
            },
        },
        "note": {"title": "Invoice 42", "content": draft.mark},
    }
    assert set(checks(draft).values()) == {"ok"}
    assert draft.problems == []


def test_the_draft_says_all_that_a_person_has_to_look_at(session: lk.Session, recipient: str) -> None:
    draft = session.transactions.send(BITCOIN_ACCOUNT, recipient, Decimal("0.5"))
    for shown in (repr(draft), draft._repr_html_()):
        assert "nothing was sent" in shown
        assert recipient in shown
        assert "50000000" in shown
        assert "0.50000000 BTC" in shown
        assert "BTC counterparties" in shown  # the whitelist that holds the address
        assert "SANDBOX" in shown


@pytest.mark.parametrize(
    ("account", "kind"),
    [
        ("ETH Treasury 1", "ETHEREUM_LIKE_SEND"),
        ("USDC Treasury", "ETHEREUM_LIKE_SEND"),
        ("POL Treasury", "ETHEREUM_LIKE_SEND"),
        ("XRP Treasury", "RIPPLE_LIKE_SEND"),
        ("XLM Clients", "STELLAR_LIKE_SEND"),
        ("TRX Clients", "TRON_LIKE_SEND"),
        ("XTZ Staking", "TEZOS_LIKE_SEND"),
        ("ADA Staking", "CARDANO_LIKE_SEND"),
        ("SOL Trading", "SOLANA_LIKE_SEND"),
        ("DOT Staking", "POLKADOT_LIKE_SEND"),
    ],
)
def test_the_kind_follows_from_the_type_of_the_account(session: lk.Session, account: str, kind: str) -> None:
    draft = session.transactions.send(account, "somewhere-else", 1000)
    assert draft.payload.transaction_type == kind
    assert checks(draft)["address"] == "problem"


def test_the_fees_of_a_token_are_paid_and_checked_in_the_coin_of_the_network(session: lk.Session) -> None:
    account = session.accounts.search(name="USDC Treasury").iloc[0]
    draft = session.transactions.send("USDC Treasury", "0x" + "ab" * 20, "12.5 USDC", max_fees="0.01 ETH")
    data = draft.to_json()["data"]["transaction_data"]
    assert data["amount"] == "12500000"
    assert data["contract_address"] == account["contract_address"]
    assert "balance of ETH Treasury 1" in checks(draft)


@pytest.mark.parametrize(
    ("account", "amount", "options", "said"),
    [
        ("KMD Raw Signing", 1, {}, "documents no payment"),
        ("No Such Account", 1, {}, "no account that these credentials may see is called 'No Such Account'"),
        (True, 1, {}, "`account` = True can't be used"),
        (BITCOIN_ACCOUNT, 0, {}, "a payment of nothing"),
        (BITCOIN_ACCOUNT, "1 ETH", {}, "has no unit 'ETH'"),
        (BITCOIN_ACCOUNT, 0.5, {}, "a float is no exact amount"),
        (BITCOIN_ACCOUNT, 1, {"memo": payloads.MemoText("a")}, "memo"),
        (BITCOIN_ACCOUNT, 1, {"tag": 7}, "tag"),
        (BITCOIN_ACCOUNT, 1, {"token_mint": "mint"}, "`token_mint` is for Solana"),
        (BITCOIN_ACCOUNT, 1, {"speed": "WARP"}, "`speed` = 'WARP'"),
        (BITCOIN_ACCOUNT, 1, {"speed": "FAST", "fees_strategy": payloads.FeesPerByte(3)}, "not both"),
        (BITCOIN_ACCOUNT, 1, {"max_fees": 0.1}, "`max_fees` = 0.1"),
        ("SOL Trading", 1, {"max_fees": 10}, "has neither"),
        (BITCOIN_ACCOUNT, 1, {"note": 42}, "`note` = 42"),
    ],
)
def test_what_can_not_be_a_payment_is_refused_by_name(
    session: lk.Session, recipient: str, account: Any, amount: Any, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(lk.LedgerError, match=re.escape(said)):
        session.transactions.send(account, recipient, amount, **options)


def test_more_than_there_is_can_not_be_sent(session: lk.Session, recipient: str) -> None:
    available = int(session.accounts.get(BITCOIN_ACCOUNT)["available_balance"].iloc[0])
    draft = session.transactions.send(BITCOIN_ACCOUNT, recipient, available, max_fees=10)
    assert checks(draft)["balance"] == "problem"  # the fees come on top
    with pytest.raises(lk.InvalidRequest, match=r"nothing was sent: .*balance"):
        draft.submit()


def test_an_address_that_is_on_no_whitelist_is_told(session: lk.Session) -> None:
    draft = session.transactions.send(BITCOIN_ACCOUNT, "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "0.1 BTC")
    assert checks(draft)["whitelist"] == "warning"
    assert "none seems to admit it" in " ".join(draft.warnings)


def test_a_ceiling_below_the_estimate_is_told_and_kept(session: lk.Session, recipient: str) -> None:
    draft = session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.1 BTC", max_fees=7)
    assert draft.to_json()["data"]["transaction_data"]["max_fees"] == "7"
    assert checks(draft)["fees"] == "warning"


def test_fees_can_be_asked_for_on_a_session_that_only_reads(start: Callable[..., lk.Session]) -> None:
    writing = start()
    reading = lk.Session(writing._credentials, base_url=writing.base_url)
    with reading:
        payload = writing.transactions.send(BITCOIN_ACCOUNT, listed_address(writing, "bitcoin"), "0.1 BTC").payload
        frame = reading.transactions.estimate_fees(payload)
        assert frame["max_fees"].iloc[0] == payload.max_fees
        assert frame["account_id"].tolist() == [BITCOIN_ACCOUNT]


def test_two_accounts_of_one_name_are_told_apart_by_id(session: lk.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    twice = pd.concat([session.accounts.search(name="BTC Treasury 1")] * 2, ignore_index=True)
    monkeypatch.setattr("ledgerkit.resources.accounts.Accounts.search", lambda *_, **__: twice)
    with pytest.raises(lk.InvalidRequest, match="the name of 2 accounts: give the id"):
        session.transactions.send("BTC Treasury 1", "x", 1)


def test_ids_and_amounts_out_of_a_column_are_taken(session: lk.Session, recipient: str) -> None:
    accounts = session.accounts.search(name="BTC Treasury 1")
    draft = session.transactions.send(accounts["id"].iloc[0], recipient, accounts["id"].iloc[0])
    made = draft.submit()
    assert session.requests.review(made["id"].iloc[0], draft).matches
    vote = session.requests.approve(
        made["id"].iloc[0],
        amount=accounts["id"].iloc[0],
        recipient_end=recipient[-8:],
        confirm=f"approve {made['id'].iloc[0]}",
    )
    assert session.transactions.get(vote.request["target_id"].iloc[0])["amount"].tolist() == [1]
