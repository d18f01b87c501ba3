"""The forms of all kinds: what is filled in is the payload that code would make, to the last digit, and sent once."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
import pandas as pd
import pytest
from writes.conftest import listed_address

import ledgerkit as lk
from ledgerkit import payloads
from ledgerkit.amounts import to_base_units
from ledgerkit.forms.base import close_all
from ledgerkit.forms.kinds import KINDS, PAYMENT, RequestForm
from ledgerkit.forms.kinds.base import Kind
from ledgerkit.forms.kinds.form import KindForm
from ledgerkit.forms.kinds.inputs import AmountField, JsonField
from ledgerkit.forms.style import style
from ledgerkit.payloads import (
    AccountCreation,
    EthereumLikeDeployContract,
    EthereumLikeExecuteContract,
    ForcedUnpledge,
    GasPrice,
    InboundTransactionIntent,
    MessageSigning,
    Note,
    Payload,
    PledgeIncrement,
    PolkadotLikeBondExtra,
    PolkadotLikeChill,
    PolkadotLikeRebond,
    PolkadotLikeSetPayee,
    PolkadotLikeUnbond,
    PolkadotLikeWithdrawUnbonded,
    RepledgeIntent,
    Settlement,
    SettlementRecovery,
    SolanaLikeCreateSplTokenAccount,
    Speed,
)
from ledgerkit.payments import SENDS
from ledgerkit.resources.requests import with_mark

DAI = "0x6B175474E89094C44Da98b954EedeAC495271d0F"
MINT = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
ROUTER = "0x68b3465833fb72A70ecDF485E0e4C7bD8665Fc45"
ETH: dict[str, Any] = {"account_id": 9, "account_name": "ETH Treasury 1", "currency": "ethereum"}
DOT: dict[str, Any] = {"account_id": 29, "account_name": "DOT Staking", "currency": "polkadot"}
SOL: dict[str, Any] = {"account_id": 28, "account_name": "SOL Staking", "currency": "solana"}
NOTE = {"note_title": "T-42", "note_content": "Two\nlines"}


@pytest.fixture(scope="module")
def session() -> Iterator[lk.Session]:
    with lk.connect("sandbox", writes=True, transactions=60) as one:
        assert one.sandbox is not None
        # The rules of all accounts leave the calls of contracts to the trading desk: the caller joins it.
        groups = one.sandbox._build().collections["groups"]
        desk = groups.find(4)
        assert desk is not None
        groups.replace({**desk, "members": [*desk["members"], int(one.me()["id"].iloc[0])]})
        yield one


@pytest.fixture(scope="module")
def gateway() -> Iterator[lk.Session]:
    with lk.connect("sandbox", family="lam", writes=True, transactions=60) as one:
        yield one


@pytest.fixture(scope="module")
def administrator(session: lk.Session) -> Iterator[lk.Session]:
    with lk.connect("sandbox", join=session, role="ADMIN", writes=True) as one:
        yield one


@pytest.fixture
def opened() -> Iterator[Callable[..., RequestForm]]:
    """Open forms that end with the test."""
    made: list[RequestForm] = []

    def on(session: lk.Session, kind: str | None = None) -> RequestForm:
        made.append(session.requests.new_form(kind).wait())
        return made[-1]

    yield on
    for one in made:
        one.close()


def fill(form: RequestForm, **values: Any) -> None:
    assert form.current is not None
    for name, value in values.items():
        form.current.entries[name].write(value)
    form.wait()


def review(form: RequestForm) -> Any:
    assert form.current is not None
    form.current.review.click()
    form.wait()
    assert form.current.step == "review", form.message
    return form.current.draft


def send(form: RequestForm) -> None:
    """Say yes, and click three times."""
    assert form.current is not None
    form.current.agree.value = True
    for _ in range(3):
        form.current.create.click()
    form.wait()


def posted(session: lk.Session, path: str) -> int:
    """Return how often the sandbox was sent a write."""
    assert session.sandbox is not None
    return sum(one.method == "POST" and one.path == path for one in session.sandbox.requests_seen)


def pledge_of(session: lk.Session, account: int) -> Any:
    found = session.pledges.search(state="PLEDGE_READY")
    return found[found["account_id"] == account].iloc[0]


@dataclass(frozen=True)
class Case:
    """One kind: what is filled in, and the payload that code would make of the same."""

    kind: str
    values: Mapping[str, Any]
    payload: Payload


APPROVE = [{"type": "function", "name": "approve", "inputs": [{"name": "spender"}, {"name": "amount"}]}]
# More than a float holds, and than 64 bits.
MUCH = "115792089237316195423570985008687907853269984665640564039457"

CASES = [
    Case(
        "Contract call",
        {
            "account_id": "ETH Trading Hot",
            "recipient": ROUTER,
            "amount": "0.000000000000000001 ETH",
            "function_name": "approve",
            "function_arguments": f'{{"spender": "{DAI}", "amount": "{MUCH}"}}',
            "abi": APPROVE,
            "max_fees": "0.0301 ETH",
            **NOTE,
        },
        EthereumLikeExecuteContract(
            account_id=10,
            account_name="ETH Trading Hot",
            currency="ethereum",
            amount=1,
            recipient=ROUTER,
            contract_data={
                "function_name": "approve",
                "function_arguments": {"spender": DAI, "amount": MUCH},
                "abi": APPROVE,
            },
            max_fees=30_100_000_000_000_000,
            fees_strategy=Speed("NORMAL"),
            note=Note("T-42", "Two\nlines"),
        ),
    ),
    Case(
        "Contract deployment",
        {
            "account_id": 9,
            "encoded_contract_bytecode": "0x6080",
            "gas_limit": "90000",
            "gas_price": "30000000000",
            "max_fees": "0.1 ETH",
        },
        EthereumLikeDeployContract(
            **ETH,
            encoded_contract_bytecode="0x6080",
            max_fees=10**17,
            fees_strategy=GasPrice(gas_limit=90_000, gas_price=30_000_000_000),
        ),
    ),
    Case(
        "Polkadot: bond more",
        {"account_id": 29, "amount": "12.5 DOT", **NOTE},
        PolkadotLikeBondExtra(**DOT, amount=125_000_000_000, note=Note("T-42", "Two\nlines")),
    ),
    Case("Polkadot: unbond", {"account_id": 29, "amount": "1 DOT"}, PolkadotLikeUnbond(**DOT, amount=10_000_000_000)),
    Case(
        "Polkadot: bond again",
        {"account_id": 29, "amount": 10_000_000_000},
        PolkadotLikeRebond(**DOT, amount=10_000_000_000),
    ),
    Case(
        "Polkadot: where rewards go",
        {"account_id": 29, "payee": "Stash"},
        PolkadotLikeSetPayee(**DOT, payee="Stash"),
    ),
    Case("Polkadot: withdraw what is unbonded", {"account_id": 29}, PolkadotLikeWithdrawUnbonded(**DOT)),
    Case("Polkadot: stop to nominate", {"account_id": 29}, PolkadotLikeChill(**DOT)),
    Case(
        "Solana token account",
        {"account_id": 28, "token_mint": MINT, "max_priority_fee": "0.000005 SOL"},
        SolanaLikeCreateSplTokenAccount(**SOL, token_mint=MINT, max_priority_fee=5_000),
    ),
    Case(
        "Message signing",
        {"account_id": 9, "raw_message": " Log in\nnonce 7 "},
        MessageSigning(account_id=9, account_name="ETH Treasury 1", raw_message=" Log in\nnonce 7 "),
    ),
    Case(
        "Account",
        {"name": "BTC Desk 9", "account_type": "BITCOIN_LIKE", "currency": "bitcoin", "policy_name": "Everyday"},
        AccountCreation(
            name="BTC Desk 9", account_type="BITCOIN_LIKE", currency="bitcoin", policy_name="Everyday", index=0
        ),
    ),
    Case(
        "Pledge: more or less",
        {"pledge_subaccount_id": 18, "direction": -1, "amount": "0.1 BTC"},
        PledgeIncrement(
            pledge_subaccount_id=18,
            amount=-10_000_000,
            account_name="TL-0001-BTC-CLP-HSE",
            currency="bitcoin",
            exchange_name="Clearport",
        ),
    ),
    Case(
        "Pledge: un-pledge by force",
        {"pledge_subaccount_id": 18},
        ForcedUnpledge(
            pledge_subaccount_id=18,
            account_name="TL-0001-BTC-CLP-HSE",
            currency="bitcoin",
            exchange_name="Clearport",
        ),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_what_is_reviewed_is_what_code_would_make(
    session: lk.Session, opened: Callable[..., RequestForm], case: Case
) -> None:
    form = opened(session, case.kind)
    fill(form, **case.values)

    draft = review(form)

    meant = case.payload
    if draft.mark is not None:
        meant = meant.replace(note=with_mark(meant.values()["note"], draft.mark))
    assert draft.to_json() == meant.to_json()
    assert draft.state == "draft"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_the_copied_code_makes_the_same(session: lk.Session, opened: Callable[..., RequestForm], case: Case) -> None:
    form = opened(session, case.kind)
    fill(form, **case.values)
    reviewed = review(form)
    assert form.current is not None

    copied: dict[str, Any] = {"session": session, "lk": lk}
    exec(form.current.code, copied)  # noqa: S102 - the code of the form, which people run

    body, again = reviewed.to_json(), copied["draft"].to_json()
    if reviewed.mark is not None:
        assert again.pop("note") == {
            name: text.replace(reviewed.mark, copied["draft"].mark) for name, text in body.pop("note").items()
        }
    assert again == body


def test_every_kind_of_payload_is_reached_by_a_form() -> None:
    offered = {one for kind in KINDS.values() for one in kind.payloads}
    paid = {payloads.KINDS[name] for name in SENDS.values()} | {payloads.SolanaLikeSendSplTokenChecked}
    assert {*payloads.KINDS.values()} <= offered | paid
    assert {MessageSigning, AccountCreation, PledgeIncrement, ForcedUnpledge, Settlement} <= offered


# Units that the service tells


def told(code: str, magnitude: int) -> list[dict[str, Any]]:
    return [{"code": "base", "magnitude": 0}, {"code": code, "magnitude": magnitude}]


@pytest.mark.parametrize(
    ("kind", "values", "lie"),
    [
        ("Polkadot: unbond", {"account_id": 29, "amount": "0.01 DOT"}, told("DOT", 12)),
        ("Polkadot: bond more", {"account_id": 29, "amount": "0.01 DOT"}, told("DOT", 12)),
        ("Contract call", CASES[0].values, told("ETH", 20)),
    ],
)
def test_amounts_in_units_that_the_coin_does_not_have_are_not_sent(
    session: lk.Session,
    opened: Callable[..., RequestForm],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    values: Mapping[str, Any],
    lie: list[dict[str, Any]],
) -> None:
    monkeypatch.setattr("ledgerkit.lookups.Lookups.units", lambda *_: (lie, lie))
    form = opened(session, kind)
    fill(form, **values)
    before = posted(session, "/requests")

    draft = review(form)
    send(form)

    assert [one.verdict for one in draft.checks if one.name == "units"] == ["problem"]
    assert f"the service says {lie[1]['magnitude']} decimal places" in form.message
    assert posted(session, "/requests") == before


def test_a_pledge_in_units_that_the_coin_does_not_have_is_refused(
    session: lk.Session, opened: Callable[..., RequestForm], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledgerkit.lookups.Lookups.units", lambda *_: (told("BTC", 10), told("BTC", 8)))
    form = opened(session, "Pledge: more or less")
    fill(form, pledge_subaccount_id=18, direction=1, amount="0.1 BTC")
    assert form.current is not None

    form.current.review.click()
    form.wait()

    assert form.current.step == "fields"
    assert "the service says 10 decimal places of BTC, and the coin of bitcoin has 8" in form.message


def test_a_lam_stakes_nothing_in_units_that_the_coin_does_not_have(
    gateway: lk.Session, opened: Callable[..., RequestForm], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledgerkit.lookups.Lookups.units", lambda *_: (told("BTC", 10), told("BTC", 8)))
    form = opened(gateway, "LAM: transaction")
    account = gateway.accounts.search(currency="bitcoin")["id"].iloc[0]
    fill(form, account_id=int(account), recipient=listed_address(gateway, "bitcoin"), amount="0.1 BTC", max_fees=9000)

    draft = review(form)

    assert any(one.startswith("units: the service says 10 decimal places") for one in draft.problems)


# Sending


@pytest.mark.parametrize("kind", ["Contract call", "Polkadot: bond more", "Message signing"])
def test_three_clicks_make_one_request(session: lk.Session, opened: Callable[..., RequestForm], kind: str) -> None:
    [case] = [one for one in CASES if one.kind == kind]
    form = opened(session, kind)
    fill(form, **case.values)
    draft = review(form)
    before = posted(session, "/requests")

    send(form)

    assert posted(session, "/requests") == before + 1
    assert f"Request {draft.request_id} was created" in form.message
    assert form.sent == [draft]


def test_more_is_pledged_in_one_request(session: lk.Session, opened: Callable[..., RequestForm]) -> None:
    form = opened(session, "Pledge: more or less")
    fill(form, pledge_subaccount_id=16, direction=1, amount="25.5 USDC")
    draft = review(form)
    before = posted(session, "/requests")

    send(form)

    assert posted(session, "/requests") == before + 1
    assert session.requests.get(draft.request_id)["type"].tolist() == ["CREATE_PLEDGE_INCREMENT"]
    assert draft.to_json()["data"]["pledge_data"]["amount"] == "25500000"


def test_an_administrator_creates_an_account(administrator: lk.Session, opened: Callable[..., RequestForm]) -> None:
    form = opened(administrator, "Account")
    fill(form, name="BTC Desk 9", account_type="BITCOIN_LIKE", currency="bitcoin", policy_name="Everyday", index="90")
    draft = review(form)

    send(form)

    assert administrator.requests.get(draft.request_id)["type"].tolist() == ["CREATE_ACCOUNT"]


def test_who_may_not_create_an_account_is_told_and_keeps_what_was_typed(
    session: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    form = opened(session, "Account")
    fill(form, **CASES[10].values)
    review(form)

    send(form)

    assert form.current is not None
    assert "no administrator" in form.message
    assert (form.current.step, form.current.entries["name"].read()) == ("fields", "BTC Desk 9")


# Settlements, which are no requests


def settle(form: RequestForm, session: lk.Session) -> Any:
    pledge = pledge_of(session, 52)
    fill(
        form,
        from_pledge_id=pledge["id"],
        amount="0.015 BTC",
        recipient=listed_address(session, "bitcoin"),
        max_fees="0.002 BTC",
        meta='{"reference": "T+1"}',
    )
    return pledge


def test_a_settlement_is_what_code_would_make_and_is_sent_once(
    session: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    form = opened(session, "Settlement")
    pledge = settle(form, session)
    draft = review(form)
    before = posted(session, "/settlements")

    assert (
        draft.to_json()
        == Settlement(
            from_pledge_id=pledge["id"],
            outbound_transaction_intent=payloads.BitcoinLikeSend(
                account_id=52,
                account_name="TL-0001-BTC-CLP-HSE",
                currency="bitcoin",
                amount=1_500_000,
                recipient=listed_address(session, "bitcoin"),
                max_fees=200_000,
                fees_strategy=Speed("NORMAL"),
            ),
            meta={"reference": "T+1"},
            id=draft.payload.id,
        ).to_json()
    )
    send(form)

    assert form.current is not None
    assert posted(session, "/settlements") == before + 1
    assert f"Settlement {draft.payload.id} was created" in form.message
    assert session.settlements.get(draft.payload.id)["meta"].tolist() == [{"reference": "T+1"}]
    assert form.current.follow.layout.display == "none"  # it shows requests, and this is none
    with pytest.raises(lk.InvalidRequest, match="was sent before"):
        draft.submit()


def test_what_is_paid_in_and_pledged_anew_is_in_the_units_of_its_account(
    session: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    form = opened(session, "Settlement")
    pledge = pledge_of(session, 53)
    fill(
        form,
        from_pledge_id=pledge["id"],
        inbound_amount="10.000000000000000001 ETH",
        to_account_id=9,
        to_address=DAI,
        repledge_amount="1 ETH",
    )

    draft = review(form)

    assert (
        draft.to_json()
        == Settlement(
            from_pledge_id=pledge["id"],
            inbound_transaction_intent=InboundTransactionIntent(amount=10**19 + 1, to_account_id=9, to_address=DAI),
            repledge_intent=RepledgeIntent(
                account_name="TL-0002-ETH-CLP-HSE",
                amount=10**18,
                currency="ethereum",
                exchange_name="Clearport",
                pledge_subaccount_id=int(pledge["pledge_subaccount_id"]),
            ),
            id=draft.payload.id,
        ).to_json()
    )


def test_a_settlement_that_waits_in_the_mempool_gets_other_fees(
    session: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    found = session.settlements.search()
    stuck = found[found["state"] == "OUTBOUND_TRANSACTION_SUBMITTED"].iloc[0]
    before = session.transactions.get(int(stuck["outbound_transaction_transaction_id"])).iloc[0]
    form = opened(session, "Settlement: other fees")
    fill(form, settlement_id=stuck["id"], speed="FAST", max_fee=int(before["max_fees"]) * 2)
    draft = review(form)

    assert draft.to_json() == (
        SettlementRecovery(fee_strategy=Speed("FAST"), max_fee=int(before["max_fees"]) * 2).to_json()
    )
    send(form)

    assert f"settlement {stuck['id']} was sent again" in form.message


def test_a_settlement_that_was_not_broadcast_is_cancelled(
    session: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    found = session.settlements.search()
    failed = found[found["state"] == "OUTBOUND_TRANSACTION_FAILED"].iloc[0]["id"]
    form = opened(session, "Settlement: cancel")
    fill(form, settlement_id=failed)
    review(form)

    send(form)

    assert posted(session, f"/settlements/{failed}/cancel") == 1
    assert form.message == f"Settlement {failed} was cancelled."


def test_a_settlement_that_can_not_be_cancelled_says_why(
    session: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    found = session.settlements.search()
    settled = found[found["state"] == "SETTLED"].iloc[0]["id"]
    form = opened(session, "Settlement: cancel")
    fill(form, settlement_id=settled)
    draft = review(form)
    assert draft.to_json() == {}
    assert f"POST /settlements/{settled}/cancel" in str(draft)

    send(form)

    assert form.state == "failed"
    assert "FAILED_TO_BROADCAST" in form.message


def test_a_settlement_whose_answer_was_lost_is_looked_for_by_its_id(
    session: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    assert session.sandbox is not None
    form = opened(session, "Settlement")
    recipient = listed_address(session, "ethereum", 2)
    fill(form, from_pledge_id=pledge_of(session, 54)["id"], amount="1 ETH", max_fees="0.01 ETH", recipient=recipient)
    draft = review(form)
    assert form.current is not None

    session.sandbox.faults.drop(path="/settlements", method="POST", answered=True)
    send(form)
    session.sandbox.faults.clear()

    assert form.current.step == "unknown"
    assert form.message_kind == "error"
    assert "its answer was lost" in form.message
    form.choose("Account")
    assert form.kind.value == "Settlement"
    assert "settled first" in form.message
    form.current.look.click()
    form.wait()
    assert f"Settlement {draft.payload.id} was created" in form.message


@pytest.mark.parametrize(
    ("kind", "values", "path", "told"),
    [
        ("Settlement: cancel", {}, "cancel", "cancellation"),
        ("Settlement: other fees", {"max_fee": 5000, "speed": "FAST"}, "recover", "recovery"),
    ],
)
def test_a_lost_answer_says_what_was_sent_by_its_own_name(
    session: lk.Session,
    opened: Callable[..., RequestForm],
    kind: str,
    values: Mapping[str, Any],
    path: str,
    told: str,
) -> None:
    assert session.sandbox is not None
    found = session.settlements.search()
    settlement = found["id"].iloc[0]
    form = opened(session, kind)
    fill(form, settlement_id=settlement, **values)
    review(form)

    session.sandbox.faults.drop(path=f"/settlements/{settlement}/{path}", method="POST")
    send(form)
    session.sandbox.faults.clear()

    assert f"the {told} was sent, and its answer was lost" in form.message
    assert form.current is not None
    assert "SENT, OUTCOME UNKNOWN" in str(form.current.draft)
    form.current.look.click()
    form.wait()
    assert f"session.settlements.get('{settlement}') shows" in form.message


@pytest.mark.parametrize(
    ("refusal", "of_a_call"),
    [
        (lk.InvalidRequest("no creator."), "service: the service would refuse this: no creator."),
        (lk.NotFound("no such call."), "fees: they can't be estimated: no such call. Fill in the ceiling yourself"),
    ],
)
def test_without_an_estimate_a_ceiling_is_asked_for(
    session: lk.Session,
    opened: Callable[..., RequestForm],
    monkeypatch: pytest.MonkeyPatch,
    refusal: lk.LedgerError,
    of_a_call: str,
) -> None:
    def refused(*_: Any) -> None:
        raise refusal

    monkeypatch.setattr("ledgerkit.payments.estimate", refused)
    form = opened(session, "Contract call")
    fill(form, **{**CASES[0].values, "max_fees": None})
    assert review(form).problems == [of_a_call]

    # The exchange joins its creators, so that a refusal of the estimate is none of the settlement.
    form.choose("Settlement")
    recipient = listed_address(session, "ethereum", 2)
    fill(form, from_pledge_id=pledge_of(session, 53)["id"], amount="1 ETH", recipient=recipient)
    [problem] = review(form).problems
    assert problem == f"fees: they can't be estimated: {refusal.message} Fill in the ceiling yourself"


# A LAM


def test_a_lam_is_offered_what_only_it_can(gateway: lk.Session, opened: Callable[..., RequestForm]) -> None:
    form = opened(gateway)
    assert form.kind.value == "LAM: transaction"
    fill(
        form,
        account_id=1,
        recipient=listed_address(gateway, "bitcoin"),
        amount="0.01 BTC",
        max_fees="0.0005 BTC",
        speed="FAST",
        note_title="T-42",
    )
    draft = review(form)

    assert (
        draft.to_json()
        == payloads.LamTransaction(
            account_id=1,
            account_name="BTC Treasury 1",
            amount=1_000_000,
            recipient=listed_address(gateway, "bitcoin"),
            max_fees=50_000,
            speed="FAST",
            note=Note("T-42", draft.mark),
        ).to_json()
    )
    send(form)

    assert gateway.transactions.get(draft.request_id)["amount"].tolist() == [1_000_000]


def test_a_stake_on_ethereum_is_sent_once_by_a_lam(gateway: lk.Session, opened: Callable[..., RequestForm]) -> None:
    form = opened(gateway, "LAM: Ethereum stake")
    fill(
        form,
        account_id="ETH Staking",
        provider="kiln",
        provider_fields='{"validators": 1}',
        max_fees="0.01 ETH",
    )
    draft = review(form)

    send(form)

    assert gateway.transactions.get(draft.request_id)["max_fees"].tolist() == [10**16]


def test_gas_of_a_stake_is_a_plain_number_and_no_ether(
    gateway: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    form = opened(gateway, "LAM: Ethereum stake")
    fill(form, account_id="ETH Staking", provider="kiln", provider_fields="{}", max_fees="0.01 ETH")
    fill(form, speed="CUSTOM", gas_limit="90000", gas_price="30000000000")

    body = review(form).to_json()

    assert (body["gas_limit"], body["gas_price"], body["max_fees"]) == ("90000", "30000000000", str(10**16))


def test_a_delegation_on_tezos_is_ended_by_a_lam(gateway: lk.Session, opened: Callable[..., RequestForm]) -> None:
    form = opened(gateway, "LAM: end a Tezos delegation")
    fill(form, account_id="XTZ Staking", max_fees="0.005478 XTZ")
    draft = review(form)
    assert draft.to_json() == (
        payloads.TezosUndelegation(speed="NORMAL", max_fees=5478, account_name="XTZ Staking").to_json()
    )

    send(form)

    assert form.message == f"Request of the LAM {draft.request_id} was created."
    assert gateway.requests.get(draft.request_id)["status"].iloc[0].startswith("PENDING")


def test_a_stake_on_solana_is_deactivated_and_that_is_approved(
    gateway: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    accounts = gateway.accounts.search(currency="solana")["id"].tolist()
    stakes = pd.concat([gateway.stakes.solana.search(one) for one in accounts])
    stake = stakes[stakes["status"] == "ACTIVE"].iloc[0]
    form = opened(gateway, "LAM: deactivate a Solana stake")
    fill(
        form,
        account_id=int(stake["account_id"]),
        stake_id=str(stake["id"]),
        stake_account=stake["blockchain_state_pub_key"],
    )
    asked = review(form)
    send(form)
    assert asked.request_id is not None, form.message

    form.choose("LAM: approve an action on a Solana stake")
    fill(
        form,
        stake_id=str(stake["id"]),
        staking_action="deactivate",
        request_id=str(asked.request_id),
        amount=int(stake["amount"]),
        validator=stake["validator"],
    )
    review(form)
    send(form)

    assert "of the LAM was approved" in form.message


def test_a_label_is_made_put_on_an_account_and_taken_off(
    gateway: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    form = opened(gateway, "Label")
    fill(form, name="Desk 9", color="#fe3423")
    made = review(form)
    send(form)
    label = made.request_id

    form.choose("Label: attach")
    form.wait()
    fill(form, label_id=label, account_id=1)
    review(form)
    send(form)
    assert label in gateway.accounts.labels(1)["id"].tolist()

    form.choose("Label: take off")
    form.wait()
    fill(form, label_id=label, account_id=1)
    review(form)
    send(form)
    assert label not in gateway.accounts.labels(1)["id"].tolist()


@pytest.mark.parametrize(
    "kind", [name for name, one in KINDS.items() if one.operation not in ("POST /requests",) and name[:3] == "LAM"]
)
def test_who_can_is_said_where_these_credentials_can_not(
    session: lk.Session, opened: Callable[..., RequestForm], kind: str
) -> None:
    form = opened(session, kind)
    assert form.current is None
    assert form.message.startswith(f"{kind}: an API user can't make this call; a LAM can.")


# Changing the kind


def test_account_and_note_stay_when_the_kind_changes_and_a_review_does_not(
    session: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    form = opened(session, "Contract call")
    fill(form, **CASES[0].values)
    review(form)

    form.choose("Pledge: more or less")
    form.choose("Message signing")
    form.wait()

    assert form.current is not None
    entries = form.current.entries
    assert (form.current.step, form.draft) == ("fields", None)
    assert [entries[name].read() for name in ("account_id", *NOTE)] == [10, "T-42", "Two\nlines"]

    form.choose(PAYMENT)
    form.wait()
    assert form.current.entries["account"].read() == 10


def test_a_kind_that_is_not_known_is_refused_with_those_that_are(session: lk.Session) -> None:
    with pytest.raises(lk.InvalidRequest, match=r"`kind` = 'Loan'.*Payment, Contract call"):
        session.requests.new_form("Loan")


# What was typed wrong


@pytest.mark.parametrize(
    ("kind", "values", "told"),
    [
        ("Contract call", {"account_id": None}, "Account is missing"),
        ("Contract call", {"recipient": None}, "To is missing"),
        ("Contract call", {"account_id": 1}, "BTC Treasury 1 is of type Bitcoin"),
        ("Contract call", {"amount": "0.0000000000000000001 ETH"}, "ETH has 18 decimal places"),
        ("Contract call", {"amount": "1 BTC"}, "the account has no unit 'BTC'"),
        ("Contract call", {"amount": "-1 ETH"}, "no sign"),
        ("Contract call", {"amount": "1e18 ETH"}, "exponent"),
        ("Contract call", {"recipient": "0x6B17...1d0F"}, "cut for display"),
        ("Contract call", {"function_arguments": '{"to": 1.5}'}, "by the abi, approve takes"),
        ("Contract call", {"function_arguments": '{"to": "1", "to": "2"}'}, "stands in it twice"),
        ("Contract call", {"function_arguments": "{to}"}, "it takes JSON"),
        ("Contract call", {"contract_data": "0xa9059cbb"}, "given twice"),
        ("Contract call", {"gas_limit": "90000"}, "not said in whole"),
        ("Contract call", {"speed": "FAST", "gas_limit": "90000"}, "both given"),
        ("Contract deployment", {"encoded_contract_bytecode": "6080"}, "hexadecimal digits after 0x"),
        ("Polkadot: bond more", {"amount": "0 DOT"}, "it would do nothing"),
        ("Polkadot: bond more", {"amount": "99999999999 DOT"}, "are available"),
        ("Polkadot: where rewards go", {"payee": None}, "Rewards go to is missing"),
        ("Message signing", {"raw_message": "  "}, "Message is missing"),
        ("Message signing", {"note_title": None, "note_content": "x"}, "Note is missing"),
        ("Account", {"name": "A name that is much too long"}, "more than 19"),
        ("Account", {"index": "x"}, "it takes an integer"),
        ("Account", {"contract_address": DAI}, "both given for a token"),
        ("Pledge: more or less", {"direction": None}, "Direction is missing"),
        ("Pledge: more or less", {"amount": "0 BTC"}, "it would change nothing"),
        ("Pledge: more or less", {"pledge_subaccount_id": 999}, "999"),
    ],
)
def test_wrong_input_is_told_in_words_and_stays(
    session: lk.Session, opened: Callable[..., RequestForm], kind: str, values: Mapping[str, Any], told: str
) -> None:
    [case] = [one for one in CASES if one.kind == kind]
    form = opened(session, kind)
    fill(form, **{**case.values, **values})
    assert form.current is not None
    before = posted(session, "/requests")

    form.current.review.click()
    form.wait()

    assert told in form.message
    assert form.message_kind == "error"
    send(form)
    assert posted(session, "/requests") == before
    for name, value in values.items():
        if value is not None and not isinstance(value, int):
            assert str(value).strip() in str(form.current.entries[name].widget)


# Amounts, as they are typed


def units(*codes: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"code": code, "magnitude": magnitude} for code, magnitude in codes]


def test_the_exact_base_units_stand_beside_an_amount() -> None:
    field = AmountField("amount", "Amount")
    field.offer(units(("wei", 0), ("ETH", 18)))
    field.write("0.5")
    assert "= 500000000000000000 base units" in re.sub("<[^>]*>", "", field.beside.value)
    assert field.read() == "0.5 ETH"
    field.write("0.0000000000000000001")
    assert "decimal places" in field.beside.value


def test_a_number_without_a_unit_is_refused_and_another_account_asks_for_its_unit_anew() -> None:
    field = AmountField("amount", "Amount")
    field.write("0.5")
    with pytest.raises(lk.InvalidRequest, match="choose its unit"):
        field.read()
    field.offer(units(("BTC", 8)))
    assert field.read() == "0.5 BTC"
    field.offer(units(("ETH", 18)))  # half a bitcoin does not become half an ether
    with pytest.raises(lk.InvalidRequest, match="choose its unit"):
        field.read()


def test_an_amount_of_any_size_is_shown_with_all_its_digits() -> None:
    field = AmountField("max_fees", "At most for fees")
    field.offer(units(("wei", 0), ("ETH", 18)))
    field.show(2**128)
    assert field.read() == "340282366920938463463.374607431768211456 ETH"


def test_json_is_read_without_floats() -> None:
    field = JsonField("meta", "Object")
    field.write('{"a": 123456789012345678901234567890}')
    assert field.read() == {"a": 123456789012345678901234567890}
    field.write('{"a": NaN}')
    with pytest.raises(lk.InvalidRequest, match="no number of JSON"):
        field.read()


def test_fees_are_estimated_and_the_ceiling_can_be_changed(
    session: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    form = opened(session, "Contract call")
    values = dict(CASES[0].values)
    del values["max_fees"]
    fill(form, **values)
    estimate = session.transactions.estimate_fees(CASES[0].payload)["max_fees"].iloc[0]

    assert review(form).payload.max_fees == estimate  # left empty, it is the estimate

    assert isinstance(form.current, KindForm)
    form.current.back.click()
    form.current.estimate.click()
    form.wait()
    assert "what the service estimates" in form.message
    ceiling = form.current.entries["max_fees"]
    assert to_base_units(ceiling.read(), [{"code": "ETH", "magnitude": 18}]) == estimate
    ceiling.write("9")
    assert "times the estimate" in str(review(form))


def test_only_accounts_that_a_kind_can_be_used_with_are_offered(
    session: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    form = opened(session, "Polkadot: unbond")
    assert form.current is not None
    field = form.current.entries["account_id"]
    assert set(field.widget.children[0].options) == {"WND Test", "DOT Staking"}


def test_a_form_ends_with_all_its_widgets(session: lk.Session) -> None:
    style()
    before = set(widgets.widget._instances)
    form = session.requests.new_form("Contract call").wait()
    form.choose("Settlement")
    form.wait()
    form.close()
    assert set(widgets.widget._instances) == before


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_field_has_a_label_a_tooltip_and_no_number_widget(kind: Kind) -> None:
    def inputs(widget: widgets.Widget) -> Iterator[widgets.Widget]:
        for one in getattr(widget, "children", ()):
            yield from inputs(one)
        if isinstance(widget, widgets.Text | widgets.Textarea | widgets.Dropdown | widgets.Combobox):
            yield widget
        assert not isinstance(widget, widgets.widget_float._Float | widgets.widget_int._Int)

    made = kind.fields()
    assert len({field.name for field in made}) == len(made)
    for field in made:
        assert field.name not in ("account_name", "exchange_name")  # looked up, never typed
        for one in inputs(field.widget):
            assert one.description
            assert one.tooltip
        close_all(field.widget)


def test_an_account_that_another_kind_can_not_use_is_dropped(
    session: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    form = opened(session, "Polkadot: unbond")
    fill(form, account_id=29)
    form.choose("Polkadot: bond more")
    form.wait()
    assert form.current is not None
    assert form.current.entries["account_id"].read() == 29
    form.choose("Contract call")
    form.wait()
    assert form.current.entries["account_id"].read() is None


def test_a_vote_below_that_is_not_settled_keeps_the_kind(
    session: lk.Session, opened: Callable[..., RequestForm], monkeypatch: pytest.MonkeyPatch
) -> None:
    form = opened(session, "Message signing")
    current = form.current
    monkeypatch.setattr(KindForm, "unsettled", True)
    form.choose("Contract call")
    assert form.unsettled
    assert (form.kind.value, form.current) == ("Message signing", current)
    assert "is settled first" in form.message
