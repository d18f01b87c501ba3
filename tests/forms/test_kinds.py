"""The forms of all kinds: what is filled in is the payload that code would make, to the last digit, and sent once."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import pytest

import ledgerkit as lk
from ledgerkit import payloads
from ledgerkit.forms.kinds import KINDS, PAYMENT, RequestForm
from ledgerkit.forms.kinds_inputs import AmountField, JsonField
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
TRANSFER = [{"type": "function", "name": "transfer", "inputs": [{"name": "to"}, {"name": "value"}]}]
ETH = {"account_id": 9, "account_name": "ETH Treasury 1", "currency": "ethereum"}
DOT = {"account_id": 29, "account_name": "DOT Staking", "currency": "polkadot"}
SOL = {"account_id": 28, "account_name": "SOL Staking", "currency": "solana"}
NOTE = {"note_title": "T-42", "note_content": "Two\nlines"}


@pytest.fixture(scope="module")
def session() -> Iterator[lk.Session]:
    with lk.connect("sandbox", writes=True, transactions=60) as one:
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


def pledge_of(session: lk.Session, account: int) -> Any:
    found = session.pledges.search(state="PLEDGE_READY")
    return found[found["account_id"] == account].iloc[0]


@dataclass(frozen=True)
class Case:
    """One kind: what is filled in, and the payload that code would make of the same."""

    kind: str
    values: Mapping[str, Any]
    payload: Payload


CASES = [
    Case(
        "Contract call",
        {
            "account_id": "ETH Treasury 1",
            "recipient": DAI,
            "amount": "0.000000000000000001 ETH",
            "function_name": "transfer",
            "function_arguments": '{"to": "0x00", "value": "115792089237316195423570985008687907853269984665640564039457"}',
            "abi": TRANSFER,
            "max_fees": "0.0301 ETH",
            **NOTE,
        },
        EthereumLikeExecuteContract(
            **ETH,
            amount=1,
            recipient=DAI,
            contract_data={
                "function_name": "transfer",
                "function_arguments": {
                    "to": "0x00",
                    "value": "115792089237316195423570985008687907853269984665640564039457",
                },
                "abi": TRANSFER,
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


@pytest.mark.parametrize(
    ("kind", "changes"),
    [("Contract call", {}), ("Polkadot: bond more", {"account_id": 29}), ("Message signing", {})],
)
def test_three_clicks_make_one_request(
    session: lk.Session, opened: Callable[..., RequestForm], kind: str, changes: Mapping[str, Any]
) -> None:
    [case] = [one for one in CASES if one.kind == kind]
    form = opened(session, kind)
    fill(form, **{**case.values, **changes})
    draft = review(form)
    before = len(session.requests.search())

    send(form)

    assert len(session.requests.search()) == before + 1
    assert f"Request {draft.request_id} was created" in form.message
    assert form.sent == [draft]
