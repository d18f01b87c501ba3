"""What only a LAM can, and who can where these credentials can not."""

from collections.abc import Callable

import pandas as pd
import pytest
from writes.conftest import listed_address

import ledgerkit as lk
from forms.kinds.filling import fill, review, send
from ledgerkit import payloads
from ledgerkit.forms.kinds import KINDS, RequestForm
from ledgerkit.payloads import (
    Note,
)


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
