"""``session.transactions.send``: from what people say to what the API takes, and what is said before sending."""

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import ledgerkit as lk
from ledgerkit import payloads
from ledgerkit.sandbox import Sandbox
from writes.conftest import BITCOIN_ACCOUNT, listed_address, open_session


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


@pytest.mark.parametrize("given", [{}, {"type": "CREATE_TRANSACTION"}, None, 305])
def test_fees_are_asked_for_of_a_draft_or_a_payload_alone(session: lk.Session, given: Any) -> None:
    before = len(session.sandbox.requests_seen) if session.sandbox else 0
    with pytest.raises(lk.InvalidRequest, match=r"`payload` = .* one of ledgerkit\.payloads; a whole body becomes"):
        session.transactions.estimate_fees(given)
    assert session.sandbox is not None
    assert len(session.sandbox.requests_seen) == before


def test_two_accounts_of_one_name_are_told_apart_by_id(session: lk.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    twice = pd.concat([session.accounts.search(name="BTC Treasury 1")] * 2, ignore_index=True)
    monkeypatch.setattr("ledgerkit.resources.accounts.Accounts.search", lambda *_, **__: twice)
    with pytest.raises(lk.InvalidRequest, match="the name of 2 accounts: give the id"):
        session.transactions.send("BTC Treasury 1", "x", 1)


def test_ids_and_amounts_out_of_a_column_are_taken(session: lk.Session, recipient: str) -> None:
    accounts = session.accounts.search(name="BTC Treasury 1")
    ceiling = 50_000  # of one satoshi, an estimate would be refused
    draft = session.transactions.send(accounts["id"].iloc[0], recipient, accounts["id"].iloc[0], max_fees=ceiling)
    made = draft.submit()
    assert session.requests.review(made["id"].iloc[0], draft).matches
    vote = session.requests.approve(
        made["id"].iloc[0],
        amount=accounts["id"].iloc[0],
        max_fees=ceiling,
        recipient_end=recipient[-8:],
        confirm=f"approve {made['id'].iloc[0]}",
    )
    assert session.transactions.get(vote.request["target_id"].iloc[0])["amount"].tolist() == [1]


# The same payment a second time


def text_of(draft: Any, name: str) -> str:
    [text] = [check.text for check in draft.checks if check.name == name]
    return str(text)


def running(session: lk.Session) -> Sandbox:
    assert session.sandbox is not None
    return session.sandbox


def posts(session: lk.Session) -> int:
    return sum((seen.method, seen.path) == ("POST", "/requests") for seen in running(session).requests_seen)


def test_a_cell_that_is_run_again_after_the_fees_have_moved_sends_nothing(
    session: lk.Session, recipient: str
) -> None:
    first = session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.5 BTC", note="Invoice 42")
    first.submit()
    running(session).advance(600)
    later = session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.5 BTC", note="Invoice 42")
    assert later.payload.max_fees != first.payload.max_fees
    with pytest.raises(lk.InvalidRequest, match="nothing was sent: double"):
        later.submit()
    with pytest.raises(lk.InvalidRequest, match="sent the same before"):
        session.requests.create(later.payload)
    assert posts(session) == 1


def test_other_fees_or_another_note_do_not_make_it_another_payment(session: lk.Session, recipient: str) -> None:
    session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.5 BTC", speed="SLOW", note="Invoice 42").submit()
    typed = payloads.BitcoinLikeSend(
        account_id=BITCOIN_ACCOUNT,
        account_name="BTC Treasury 1",
        currency="bitcoin",
        amount=50_000_000,
        recipient=recipient,
        max_fees=99_999,
        fees_strategy=payloads.Speed("FAST"),
    )
    with pytest.raises(lk.InvalidRequest, match="sent the same before"):
        session.requests.create(typed)
    session.requests.create(typed.replace(amount=50_000_001))
    assert posts(session) == 2


def test_a_kernel_that_was_restarted_sends_nothing_a_second_time(session: lk.Session, recipient: str) -> None:
    made = session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.5 BTC").submit()
    with open_session(running(session)) as restarted:
        draft = restarted.transactions.send(BITCOIN_ACCOUNT, recipient, "0.5 BTC")
        assert checks(draft)["double"] == "problem"
        said = text_of(draft, "double")
        assert f"transaction {made['target_id'].iloc[0]} of 20" in said
        assert f"request {made['id'].iloc[0]}" in said
        with pytest.raises(lk.InvalidRequest, match=r"nothing was sent: double: .*send\(\.\.\., again=True\)"):
            draft.submit()
        assert posts(session) == 1

        meant = restarted.transactions.send(BITCOIN_ACCOUNT, recipient, "0.5 BTC", again=True)
        assert checks(meant)["double"] == "warning"
        meant.submit()
        assert posts(session) == 2


def test_a_payment_of_more_than_seven_days_ago_is_no_double(session: lk.Session, recipient: str) -> None:
    session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.5 BTC").submit()
    running(session).advance(7 * 24 * 3600 + 60)
    session.accounts.get(BITCOIN_ACCOUNT)  # by which the session learns the time of the service
    assert checks(session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.5 BTC"))["double"] == "ok"


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, "problem"),
        ({"status": "CONFIRMED"}, "problem"),
        ({"status": "REJECTED"}, "ok"),
        ({"status": "DROPPED"}, "ok"),
        ({"status": "FAILED"}, "ok"),
        ({"status": "FAILED_TO_SIGN"}, "ok"),
        ({"status": "FAILED_IN_A_NEW_WAY"}, "ok"),
        ({"amount": 49_999_999}, "ok"),
        ({"amount": pd.NA}, "problem"),  # not told yet
        ({"type": "RECEIVE"}, "ok"),
        ({"recipient": "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"}, "ok"),
        ({"recipient": pd.NA}, "ok"),
        ({"last_request": pd.NA}, "problem"),
    ],
)
def test_the_same_payment_is_one_that_pays_the_same_to_the_same_and_was_not_undone(
    session: lk.Session,
    recipient: str,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    verdict: str,
) -> None:
    session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.5 BTC").submit()
    found = session.transactions.search(account=BITCOIN_ACCOUNT, limit=1)
    for name, value in change.items():
        found[name] = pd.Series([value], dtype=found[name].dtype)
    monkeypatch.setattr("ledgerkit.resources.transactions.Transactions.search", lambda *_, **__: found)
    draft = session.transactions.send(BITCOIN_ACCOUNT, recipient, 50_000_000)
    assert checks(draft)["double"] == verdict


def test_a_bech32_address_in_capitals_is_the_same_recipient(session: lk.Session, recipient: str) -> None:
    session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.5 BTC").submit()
    draft = session.transactions.send(BITCOIN_ACCOUNT, recipient.upper(), "0.5 BTC")
    assert checks(draft)["double"] == "problem"


def test_to_an_exchange_the_tag_tells_one_customer_from_another(session: lk.Session) -> None:
    exchange = listed_address(session, "ripple", 4)
    session.transactions.send("XRP Treasury", exchange, "25 XRP", tag=100417).submit()
    assert checks(session.transactions.send("XRP Treasury", exchange, "25 XRP", tag=100417))["double"] == "problem"
    assert checks(session.transactions.send("XRP Treasury", exchange, "25 XRP", tag=4294967295))["double"] == "ok"
    assert checks(session.transactions.send("XRP Treasury", exchange, "25 XRP"))["double"] == "problem"


def test_to_an_exchange_the_memo_tells_one_customer_from_another(session: lk.Session) -> None:
    exchange = listed_address(session, "stellar", 5)

    def pay(text: str) -> Any:
        return session.transactions.send("XLM Clients", exchange, "25 XLM", memo=payloads.MemoText(text))

    pay("customer 7").submit()
    assert checks(pay("customer 7"))["double"] == "problem"
    assert checks(pay("customer 8"))["double"] == "ok"


def test_where_transactions_can_not_be_seen_a_double_is_a_warning(
    session: lk.Session, recipient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hidden(*_: Any, **__: Any) -> pd.DataFrame:
        raise lk.PermissionDenied("you may not see transactions.")

    monkeypatch.setattr("ledgerkit.resources.transactions.Transactions.search", hidden)
    draft = session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.5 BTC")
    assert checks(draft)["double"] == "warning"
    assert draft.problems == []


def test_a_plan_looks_for_doubles_once_per_account(session: lk.Session, recipient: str, tmp_path: Path) -> None:
    rows = pd.DataFrame({"account": BITCOIN_ACCOUNT, "recipient": recipient, "amount": range(10**6, 10**6 + 5)})
    session.transactions.plan(rows, journal=tmp_path / "plan.journal")
    asked = [seen for seen in running(session).requests_seen if (seen.method, seen.path) == ("GET", "/transactions")]
    assert len(asked) == 1


# The word of the service


def say_fees(monkeypatch: pytest.MonkeyPatch, max_fees: Any) -> None:
    monkeypatch.setattr("ledgerkit.payments.estimate", lambda *_: {"max_fees": max_fees})


def test_an_estimate_above_the_amount_is_not_believed(
    session: lk.Session, recipient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    say_fees(monkeypatch, "500000000")
    draft = session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.01 BTC")
    assert checks(draft)["size of the fees"] == "problem"
    with pytest.raises(lk.InvalidRequest, match=r"5\.00000000 BTC .* are more than the amount"):
        draft.submit()
    meant = session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.01 BTC", max_fees="0.02 BTC")
    assert checks(meant)["size of the fees"] == "warning"
    assert meant.problems == []


@pytest.mark.parametrize(
    ("fees", "verdict"), [("99999", None), ("100000", "warning"), ("1000000", "warning"), ("1000001", "problem")]
)
def test_fees_are_a_warning_from_a_tenth_of_the_amount_on(
    session: lk.Session, recipient: str, monkeypatch: pytest.MonkeyPatch, fees: str, verdict: str | None
) -> None:
    say_fees(monkeypatch, fees)
    draft = session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.01 BTC")
    assert checks(draft).get("size of the fees") == verdict


def test_fees_of_a_token_are_held_against_what_their_payer_has(
    session: lk.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    payer = int(session.accounts.search(name="ETH Treasury 1")["available_balance"].iloc[0])
    for fees, verdict in ((payer // 10, None), (payer // 10 + 1, "warning")):
        say_fees(monkeypatch, str(fees))
        draft = session.transactions.send("USDC Treasury", "0x" + "ab" * 20, "12.5 USDC")
        assert checks(draft).get("size of the fees") == verdict


def test_a_network_that_sets_its_fees_itself_has_no_ceiling_to_give(
    session: lk.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    say_fees(monkeypatch, "2000")
    draft = session.transactions.send("SOL Trading", listed_address(session, "solana", 6), 1000)
    assert checks(draft)["size of the fees"] == "warning"


@pytest.mark.parametrize("max_fees", ["9" * 5000, str(2**256), "-1", "1.5", "١", None, "", {}])
def test_an_estimate_that_is_no_amount_is_told(
    session: lk.Session, recipient: str, monkeypatch: pytest.MonkeyPatch, max_fees: Any
) -> None:
    # int() of 5,000 digits is a ValueError, which named neither the field nor what to do.
    say_fees(monkeypatch, max_fees)
    draft = session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.01 BTC")
    assert "is no whole number of base units below 2^256" in text_of(draft, "fees")
    assert checks(draft)["fees"] == "problem"


def units(code: str, magnitude: int) -> list[dict[str, Any]]:
    return [{"code": "base", "magnitude": 0}, {"code": code, "magnitude": magnitude}]


@pytest.mark.parametrize(
    ("account", "of_amount", "of_fees", "verdict"),
    [
        ("BTC Treasury 1", units("BTC", 8), units("BTC", 8), "ok"),
        ("BTC Treasury 1", units("BTC", 10), units("BTC", 8), "problem"),
        ("BTC Treasury 1", units("BTC", 8), units("BTC", 7), "problem"),
        ("USDC Treasury", units("USDC", 2), units("ETH", 18), "ok"),  # of tokens nobody but the contract knows
        ("USDC Treasury", units("USDC", 6), units("ETH", 6), "problem"),
        ("BTC Treasury 1", [], [], "warning"),
    ],
)
def test_units_that_the_coin_does_not_have_are_not_believed(
    session: lk.Session,
    monkeypatch: pytest.MonkeyPatch,
    account: str,
    of_amount: list[dict[str, Any]],
    of_fees: list[dict[str, Any]],
    verdict: str,
) -> None:
    monkeypatch.setattr("ledgerkit.lookups.Lookups.units", lambda *_: (of_amount, of_fees))
    draft = session.transactions.send(account, "anywhere", 1000)
    assert checks(draft)["units"] == verdict


def test_a_lie_about_the_decimal_places_of_bitcoin_pays_nobody_a_hundredfold(
    session: lk.Session, recipient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledgerkit.lookups.Lookups.units", lambda *_: (units("BTC", 10), units("BTC", 10)))
    draft = session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.1 BTC")
    with pytest.raises(lk.InvalidRequest, match="10 decimal places of BTC, and the coin of bitcoin has 8"):
        draft.submit()
    assert posts(session) == 0


# What is shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("500 mBTC", "500.00000 mBTC = 0.50000000 BTC (50000000 base units)"),
        ("0.5 BTC", "0.50000000 BTC (50000000 base units)"),
        (50_000_000, "0.50000000 BTC (50000000 base units)"),
    ],
)
def test_the_amount_is_shown_in_the_unit_that_a_person_wrote_too(
    session: lk.Session, recipient: str, amount: Any, shown: str
) -> None:
    draft = session.transactions.send(BITCOIN_ACCOUNT, recipient, amount)
    assert f"amount       {shown}\n" in repr(draft)
    assert checks(draft)["units"] == ("warning" if "mBTC" in shown else "ok")  # who knows what a service calls mBTC


def test_a_token_is_shown_with_its_contract_and_with_whose_word_its_decimals_are(session: lk.Session) -> None:
    contract = session.accounts.search(name="USDC Treasury")["contract_address"].iloc[0]
    draft = session.transactions.send("USDC Treasury", "0x" + "ab" * 20, "12.5 USDC")
    shown = repr(draft)
    assert f"contract     {contract}\n" in shown
    assert "6 decimal places of USDC, on the word of the service alone" in shown
    assert "to           0x" + "ab" * 20 in shown


def test_a_tag_and_a_memo_are_shown(session: lk.Session) -> None:
    tagged = session.transactions.send("XRP Treasury", listed_address(session, "ripple", 4), "25 XRP", tag=7)
    assert "tag          7\n" in repr(tagged)
    memo = payloads.MemoText("customer 7")
    noted = session.transactions.send("XLM Clients", listed_address(session, "stellar", 5), "25 XLM", memo=memo)
    assert "memo         MEMO_TEXT customer 7\n" in repr(noted)
