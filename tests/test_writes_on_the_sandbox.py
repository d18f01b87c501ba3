"""The same writes against the embedded server, whose state they change; and drafts of pledges and accounts."""

from collections.abc import Iterator
from typing import Any

import pytest

import ledgerkit as lk
from ledgerkit.drafts import Draft
from ledgerkit.payloads import BitcoinLikeSend, Speed
from ledgerkit.secret import MASK
from ledgerkit.vocabulary import AccountType


@pytest.fixture
def operator() -> Iterator[lk.Session]:
    with lk.connect("sandbox", writes=True, transactions=300) as session:
        yield session


@pytest.fixture(scope="module")
def gateway() -> Iterator[lk.Session]:
    with lk.connect("sandbox", family="lam", writes=True, transactions=300) as session:
        yield session


def ready_pledge(session: lk.Session, account_type: AccountType) -> Any:
    """A pledge that nothing is settled against yet, with the name of its account."""
    accounts = session.accounts.search(account_type=account_type).rename(columns={"id": "account_id"})
    pledges = session.pledges.search(state="PLEDGE_READY").merge(accounts[["account_id", "name", "currency"]])
    return pledges.iloc[0]


def listed_recipient(session: lk.Session, account_id: int) -> str:
    """An address that the whitelist of the account's rules holds."""
    rules = session.accounts.get(account_id)["governance_rules"].iloc[0][0]["rules"]
    [listed] = [rule["data"][0]["whitelist"] for rule in rules if rule["type"] == "WHITELIST"]
    book = session.whitelists.get(listed)["addresses"].iloc[0]
    return str(next(one["address"] for one in book if one["currency"] == "bitcoin"))


def test_a_settlement_waits_for_the_approvals_of_what_it_takes_out(operator: lk.Session) -> None:
    pledge = ready_pledge(operator, "Bitcoin")
    account = int(pledge["account_id"])
    outbound = BitcoinLikeSend(
        account_id=account,
        account_name=pledge["name"],
        currency="bitcoin",
        amount=150_000_000,
        recipient=listed_recipient(operator, account),
        max_fees=200_000,
        fees_strategy=Speed("NORMAL"),
    )

    made = operator.settlements.create(
        pledge["id"], outbound_transaction_intent=outbound, meta={"reference": "T+1"}
    ).iloc[0]

    assert operator.settlements.get(made["id"]).iloc[0]["state"] == "OUTBOUND_TRANSACTION_PENDING_APPROVAL"
    [request] = operator.requests.get(int(made["outbound_transaction_request_id"]))["type"]
    assert request == "CREATE_TRANSACTION"
    with pytest.raises(lk.InvalidRequest, match="FAILED_TO_BROADCAST"):
        operator.settlements.cancel(made["id"])
    with pytest.raises(lk.InvalidRequest, match="SUBMITTED"):
        operator.settlements.recover(made["id"], fee_strategy=Speed("FAST"), max_fee=400_000)
    with pytest.raises(lk.InvalidRequest, match="exists already"):
        operator.settlements.create(pledge["id"], outbound_transaction_intent=outbound, id=made["id"])


def test_a_settlement_that_waits_in_the_mempool_is_recovered(operator: lk.Session) -> None:
    settlements = operator.settlements.search()
    stuck = settlements[settlements["state"] == "OUTBOUND_TRANSACTION_SUBMITTED"].iloc[0]
    before = operator.transactions.get(int(stuck["outbound_transaction_transaction_id"])).iloc[0]

    after = operator.settlements.recover(stuck["id"], fee_strategy=Speed("FAST"), max_fee=before["max_fees"] * 2)

    assert after["id"].tolist() == [stuck["id"]]
    assert after["outbound_transaction_transaction_hash"].iloc[0] != before["tx_hash"]


def test_a_webhook_is_set_replaced_and_cleared(operator: lk.Session) -> None:
    first = operator.notifications.set("https://one.acme.example/", "canary-webhook-secret")
    second = operator.notifications.set("https://two.acme.example/", "canary-webhook-secret")

    assert first["replaced_url"].isna().all()
    assert second["replaced_url"].tolist() == ["https://one.acme.example/"]
    assert operator.notifications.configuration()["all_webhook_secret"].tolist() == [MASK]
    assert operator.notifications.clear()["replaced_url"].tolist() == ["https://two.acme.example/"]
    assert operator.notifications.configuration()["all_webhook_url"].isna().all()


@pytest.mark.parametrize("on", ["account_id", "transaction_id"])
def test_a_label_is_made_attached_taken_off_and_deleted(gateway: lk.Session, on: str) -> None:
    section = gateway.accounts if on == "account_id" else gateway.transactions
    target = int(section.search(limit=1)["id"].iloc[0])
    label = int(gateway.labels.create(f"on {on}", "#fe3423", "Dust of strangers")["id"].iloc[0])

    attached = gateway.labels.attach(label, **{on: target})
    assert attached["success"].tolist() == [True]
    assert label in section.labels(target)["id"].tolist()

    gateway.labels.detach(label, **{on: target})
    assert label not in section.labels(target)["id"].tolist()

    gateway.labels.delete(label)
    with pytest.raises(lk.NotFound):
        gateway.labels.get(label)
    with pytest.raises(lk.NotFound):
        gateway.labels.attach(label, **{on: target})


def test_an_api_user_is_made_once_and_registered(gateway: lk.Session) -> None:
    made = gateway.api_users.create("desk_1")

    assert gateway.api_users.get("desk_1")["device_id"].tolist() == made["device_id"].tolist()
    with pytest.raises(lk.InvalidRequest):
        gateway.api_users.create("desk_1")
    registered = gateway.api_users.register("desk_1", "dbb3a760-b876-4400-afa1-9d435bfd33be")
    assert registered.iloc[0].to_dict() == {"name": "desk_1", "success": True}
    with pytest.raises(lk.NotFound):
        gateway.api_users.register("desk_2", "dbb3a760-b876-4400-afa1-9d435bfd33be")


def account_with_stakes(session: lk.Session, chain: str, status: str | None = None) -> tuple[Any, Any]:
    """An account of a chain, and one of its stakes."""
    accounts = session.accounts.search(currency=chain)
    for _, account in accounts.iterrows():
        stakes = getattr(session.stakes, chain).search(int(account["id"]))
        found = stakes if status is None else stakes[stakes["status"] == status]
        if len(found):
            return account, found.iloc[0]
    raise AssertionError(f"the sandbox has no stake on {chain} that is {status}")


def test_a_stake_on_ethereum_is_a_transaction_to_approve(gateway: lk.Session) -> None:
    [account] = gateway.accounts.search(name="ETH Staking")["id"]

    made = gateway.stakes.ethereum.create(account, max_fees=10**16, provider_fields={"validators": 1}).iloc[0]

    assert (made["status"], made["amount"]) == ("PENDING_APPROVAL", 32 * 10**18)
    assert gateway.transactions.get(int(made["id"])).iloc[0]["max_fees"] == 10**16


def test_a_stake_on_solana_is_deactivated_and_that_is_approved(gateway: lk.Session) -> None:
    account, stake = account_with_stakes(gateway, "solana", "ACTIVE")
    account_id, stake_id = int(account["id"]), int(stake["id"])

    asked = gateway.stakes.solana.deactivate(
        account_id, stake_id, stake_account=stake["blockchain_state_pub_key"], account_name=account["name"]
    ).iloc[0]
    with pytest.raises(lk.InvalidRequest, match="amount"):
        gateway.stakes.solana.approve(
            account_id,
            stake_id,
            "deactivate",
            request_id=asked["last_request"],
            amount=int(stake["amount"]) + 1,
            validator=stake["validator"],
        )
    approved = gateway.stakes.solana.approve(
        account_id,
        stake_id,
        "deactivate",
        request_id=asked["last_request"],
        amount=stake["amount"],
        validator=stake["validator"],
    )

    assert approved["stake_uid"].tolist() == [stake["stake_uid"]]


def test_a_delegation_on_tezos_is_ended(gateway: lk.Session) -> None:
    account, stake = account_with_stakes(gateway, "tezos", "ACTIVE")

    asked = gateway.stakes.tezos.undelegate(int(account["id"]), max_fees=5478).iloc[0]

    assert asked["id"] == stake["id"]
    assert gateway.requests.get(int(asked["last_request"])).iloc[0]["status"].startswith("PENDING")


# Drafts


def increment(session: lk.Session, pledge: Any, amount: int) -> Draft:
    return session.pledges.increment(
        int(pledge["pledge_subaccount_id"]),
        amount,
        account_name=pledge["name"],
        currency=pledge["currency"],
        exchange_name=pledge["exchange_name"],
    )


def test_a_pledge_is_drafted(operator: lk.Session) -> None:
    pledge = ready_pledge(operator, "Bitcoin")

    draft = increment(operator, pledge, -5)

    assert draft.to_json() == {
        "type": "CREATE_PLEDGE_INCREMENT",
        "data": {
            "pledge_subaccount_id": pledge["pledge_subaccount_id"],
            "pledge_data": {
                "account_name": pledge["name"],
                "amount": "-5",
                "currency": "bitcoin",
                "exchange_name": pledge["exchange_name"],
            },
        },
    }
    assert "take back" in repr(draft)
    assert (draft.state, draft.mark) == ("draft", None)


@pytest.mark.parametrize("account_type", ["Bitcoin", "Erc20"])
@pytest.mark.parametrize("amount", [1_000, -1_000], ids=["more", "less"])
def test_what_is_pledged_changes_once_both_parties_approved(
    operator: lk.Session, account_type: AccountType, amount: int
) -> None:
    pledge = ready_pledge(operator, account_type)
    assert operator.sandbox is not None

    draft = increment(operator, pledge, amount)
    [request] = draft.submit()["id"].tolist()
    waiting = operator.pledges.get(pledge["id"]).iloc[0]
    operator.requests.approve(request, draft, confirm=f"approve {request} assumed")
    operator.sandbox.colleagues.approve(request)
    after = operator.pledges.get(pledge["id"]).iloc[0]

    assert (waiting["amount"], waiting["pending"]) == (pledge["amount"], amount)
    assert (after["amount"], after["pending"]) == (pledge["amount"] + amount, 0)
    assert operator.requests.get(request)["status"].tolist() == ["APPROVED"]


def test_the_token_of_a_collateral_account_is_named_to_the_service(operator: lk.Session) -> None:
    pledge = ready_pledge(operator, "Erc20")

    draft = increment(operator, pledge, 1_000)

    held = operator.accounts.get(int(pledge["account_id"]))["contract_address"].iloc[0]
    assert draft.payload.contract_address == held
    assert f"base units of the token {held}" in repr(draft)


def test_a_forced_unpledge_has_no_amount(operator: lk.Session) -> None:
    draft = operator.pledges.force_unpledge(
        18, account_name="TL-0001-BTC-CLP-HSE", currency="bitcoin", exchange_name="Clearport"
    )

    assert draft.to_json() == {
        "type": "CREATE_FORCED_UNPLEDGE",
        "data": {
            "pledge_subaccount_id": 18,
            "forced_unpledge_data": {
                "account_name": "TL-0001-BTC-CLP-HSE",
                "currency": "bitcoin",
                "exchange_name": "Clearport",
            },
        },
    }


def test_an_account_is_drafted(operator: lk.Session) -> None:
    draft = operator.accounts.create(
        "JST",
        "tron",
        "TRC20_LIKE",
        "Multipolicy 1",
        parent_id=95,
        contract_address="TCFLL5dx5ZJdKnWuesXxi1VPwjLVmWZZy9",
    )

    assert draft.to_json() == {
        "type": "CREATE_ACCOUNT",
        "data": {
            "account_type": "TRC20_LIKE",
            "account_data": {
                "index": 0,
                "name": "JST",
                "currency": "tron",
                "policy_name": "Multipolicy 1",
                "parent_id": 95,
                "contract_address": "TCFLL5dx5ZJdKnWuesXxi1VPwjLVmWZZy9",
            },
        },
    }
    with pytest.raises(lk.PermissionDenied):
        draft.submit()  # an operator is no administrator
