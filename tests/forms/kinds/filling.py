"""What is filled in for each kind, filling and sending it, and what the sandbox got of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ledgerkit as lk
from ledgerkit.forms.kinds import RequestForm
from ledgerkit.payloads import (
    AccountCreation,
    EthereumLikeDeployContract,
    EthereumLikeExecuteContract,
    ForcedUnpledge,
    GasPrice,
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
    SolanaLikeCreateSplTokenAccount,
    Speed,
)

DAI = "0x6B175474E89094C44Da98b954EedeAC495271d0F"
MINT = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
ROUTER = "0x68b3465833fb72A70ecDF485E0e4C7bD8665Fc45"
ETH: dict[str, Any] = {"account_id": 9, "account_name": "ETH Treasury 1", "currency": "ethereum"}
DOT: dict[str, Any] = {"account_id": 29, "account_name": "DOT Staking", "currency": "polkadot"}
SOL: dict[str, Any] = {"account_id": 28, "account_name": "SOL Staking", "currency": "solana"}
NOTE = {"note_title": "T-42", "note_content": "Two\nlines"}


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
