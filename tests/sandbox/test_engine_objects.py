"""What requests make and move: balances, transfers inside, messages, digests, accounts, and their answers' form."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ledgerkit.sandbox import Sandbox

from .conftest import HandClock, ids, log_in
from .test_engine import ADMINISTRATOR, TRADER, Desk, account_named, bitcoin, payment, priced, sign

Node = dict[str, Any]
Start = Callable[..., tuple[Sandbox, httpx.Client]]


@pytest.fixture
def office(start: Start) -> tuple[Sandbox, Desk]:
    """An office where what is approved happens at once."""
    sandbox, client = start(clock=HandClock(), pace=0.0)
    return sandbox, Desk(sandbox, client)


def holdings(desk: Desk, account: Node) -> tuple[int, int, int]:
    """Return total, pending and available of an account, once every answer about it agrees."""
    number = account["id"]
    node = desk.get(f"/accounts/{number}")
    told = (int(node["balance"]), int(node["pending_balance"]), int(node["available_balance"]))
    [edge] = desk.get(f"/accounts?id={number}")["edges"]
    assert edge["node"] == node
    balances = desk.get(f"/accounts/{number}/balances")
    if "total" in balances:
        assert (balances["total"], balances["pending"], balances["available"]) == told
    history = desk.client.get(f"/accounts/{number}/balances/history")
    if history.status_code == 200:
        assert int(history.json()["balances"][-1]["value"]) == told[0]
    assert told[2] == told[0] - told[1]
    return told


def carried_out(sandbox: Sandbox, desk: Desk, body: Node) -> Node:
    """Create, approve as creator and as colleagues, and return the object."""
    made = desk.create(body)
    desk.approve(made["id"])
    if sandbox.world.pending_by[made["id"]]:
        sandbox.colleagues.approve(made["id"], count=3)
    assert desk.get(f"/requests/{made['id']}")["status"] == "APPROVED"
    section = {"ACCOUNT": "accounts", "DIGESTS": "digests", "MESSAGE": "messages"}.get(
        made["target_type"], "transactions"
    )
    node: Node = desk.get(f"/{section}/{made['target_id']}")
    return node


def test_a_payment_sets_aside_then_costs_what_it_did_cost(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office
    account = account_named(sandbox, "BTC Treasury 1")
    total, pending, available = holdings(desk, account)
    body = bitcoin(sandbox, desk)
    ceiling = int(body["data"]["transaction_data"]["max_fees"])
    made = desk.create(body)
    assert holdings(desk, account) == (total, pending + 12_345 + ceiling, available - 12_345 - ceiling)
    desk.approve(made["id"])
    sandbox.colleagues.approve(made["id"], count=2)
    node = desk.get(f"/transactions/{made['target_id']}")
    assert node["status"] == "CONFIRMED"
    spent = 12_345 + int(node["fees"])
    assert holdings(desk, account) == (total - spent, pending, available - spent)


def test_a_generous_ceiling_is_not_spent(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office
    body = bitcoin(sandbox, desk)
    usual = carried_out(sandbox, desk, body)
    data = body["data"]["transaction_data"]
    generous = {**body, "data": {**body["data"], "transaction_data": {**data, "max_fees": "10000000"}}}
    assert carried_out(sandbox, desk, generous)["fees"] == usual["fees"]


def test_blocks_count_up_to_what_the_currency_asks_for(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office
    node = carried_out(sandbox, desk, bitcoin(sandbox, desk))
    account = node["account_id"]
    assert node["confirmations"] == 1
    assert desk.get(f"/accounts/{account}/balances")["under_confirmation_out"] == 12_345
    sandbox.advance(2 * 600)
    node = desk.get(f"/transactions/{node['id']}")
    assert node["confirmations"] == node["min_confirmations"] == 3
    assert desk.get(f"/accounts/{account}/balances")["under_confirmation_out"] == 0
    sandbox.advance(600)
    assert desk.get(f"/transactions/{node['id']}")["confirmations"] == 3


def test_the_fees_of_a_token_fall_on_its_parent(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office
    token, parent = account_named(sandbox, "USDC Treasury"), account_named(sandbox, "ETH Treasury 1")
    before = holdings(desk, token), holdings(desk, parent)
    contract = token["contract_address"]
    body = priced(desk, payment(sandbox, token["name"], "ETHEREUM_LIKE_SEND", 5_000_000, contract_address=contract))
    made = desk.create(body)
    ceiling = int(body["data"]["transaction_data"]["max_fees"])
    assert holdings(desk, token)[1] == before[0][1] + 5_000_000
    assert holdings(desk, parent)[1] == before[1][1] + ceiling
    desk.approve(made["id"])
    sandbox.colleagues.approve(made["id"], count=2)
    fees = int(desk.get(f"/transactions/{made['target_id']}")["fees"])
    assert 0 < fees <= ceiling
    assert holdings(desk, token)[0] == before[0][0] - 5_000_000
    assert holdings(desk, parent)[0] == before[1][0] - fees


def test_an_account_of_the_workspace_receives(start: Start) -> None:
    sandbox, client = start(clock=HandClock(), pace=0.0)
    desk = Desk(sandbox, client)
    payee = account_named(sandbox, "XRP Clients")
    source = account_named(sandbox, "XRP Treasury")
    # the sandbox lists outside addresses: an own one is put in place of one
    whitelist = sandbox.world.whitelists[source["governance_rules"][-1]["rules"][1]["data"][0]["whitelist"] - 1]
    entry = next(entry for entry in whitelist["addresses"] if entry["currency"] == "ripple")
    entry["address"], entry["destination_tags"] = payee["address"], None
    sandbox._build().collections["whitelists"].replace(whitelist)
    before = holdings(desk, payee)
    body = payment(sandbox, "XRP Treasury", "RIPPLE_LIKE_SEND", 7_000_000, recipient=payee["address"], tag=4294967295)
    sent = carried_out(sandbox, desk, priced(desk, body))
    received = desk.get(f"/transactions/{ids(client, '/transactions', account=payee['id'])[0]}")
    assert (received["type"], received["amount"], received["status"]) == ("RECEIVE", "7000000", "CONFIRMED")
    assert received["tx_hash"] == sent["tx_hash"]
    assert received["coin_fields"] == sent["coin_fields"] == {"type": "Ripple", "destination_tag": 4294967295}
    assert (received["fees"], received["last_request"]) == (None, None)
    assert holdings(desk, payee)[0] == before[0] + 7_000_000


def test_a_token_of_solana_moves_in_its_own_account(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office
    account = account_named(sandbox, "SOL Trading")
    held = account["token_accounts"][0]
    before = holdings(desk, account)
    made = desk.create(
        payment(
            sandbox, account["name"], "SOLANA_LIKE_SEND_SPL_TOKEN_CHECKED", 1_000, token_mint=held["contract_address"]
        )
    )
    assert desk.get(f"/accounts/{account['id']}/tokens")[0]["pending"] == held["pending"] + 1_000
    desk.approve(made["id"])
    sandbox.colleagues.approve(made["id"], count=2)
    node = desk.get(f"/transactions/{made['target_id']}")
    assert (node["type"], node["status"]) == ("SEND_SPL_TOKEN_CHECKED", "CONFIRMED")
    after = desk.get(f"/accounts/{account['id']}/tokens")[0]
    assert (after["available"], after["pending"]) == (held["available"] - 1_000, held["pending"])
    assert desk.get(f"/accounts/{account['id']}")["token_accounts"][0] == after
    assert holdings(desk, account)[0] == before[0] - int(node["fees"]), "lamports pay the fees alone"


def test_bonds_of_polkadot_move_within_the_account(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office
    number = account_named(sandbox, "DOT Staking")["id"]

    def bonds() -> dict[str, int]:
        held = desk.get(f"/accounts/{number}")["coin_fields"]["balances"]
        assert sum(int(entry["amount"]) for entry in held["unbonding"]) == int(held["total_unbonding"])
        assert int(held["frozen"]) == int(held["bonded"]) + int(held["total_unbonding"])
        return {part: int(held[part]) for part in ("available", "bonded", "total_unbonding", "total")}

    def carry_out(kind: str, amount: int) -> int:
        data = {"account_name": "DOT Staking", "amount": str(amount), "currency": "polkadot"}
        body = {"account_id": number, "transaction_type": f"POLKADOT_LIKE_{kind}", "transaction_data": data}
        return int(carried_out(sandbox, desk, {"type": "CREATE_TRANSACTION", "data": body})["fees"])

    before = bonds()
    fees = carry_out("BONDEXTRA", 5_000)
    assert bonds() == {
        **before,
        "available": before["available"] - 5_000 - fees,
        "bonded": before["bonded"] + 5_000,
        "total": before["total"] - fees,
    }
    carry_out("UNBOND", 3_000)
    assert bonds()["total_unbonding"] == before["total_unbonding"] + 3_000
    carry_out("REBOND", before["total_unbonding"] + 1_000)
    assert bonds()["total_unbonding"] == 2_000
    assert bonds()["bonded"] == before["bonded"] + 5_000 + before["total_unbonding"] - 2_000


@pytest.mark.parametrize("memo", [{"MEMO_TEXT": "INV-42"}, {"MEMO_ID": 2**64 - 1}, {"MEMO_HASH": "ab" * 32}])
def test_a_memo_is_kept_to_the_digit(office: tuple[Sandbox, Desk], memo: Node) -> None:
    sandbox, desk = office
    body = priced(desk, payment(sandbox, "XLM Clients", "STELLAR_LIKE_SEND", 10_000_000, memo=memo))
    node = carried_out(sandbox, desk, body)
    [(name, value)] = memo.items()
    assert node["coin_fields"] == {"type": "Stellar", "memo": {"type": name, name: value}}
    assert node["id"] in ids(desk.client, "/transactions", memo=str(value))


@pytest.mark.parametrize(
    ("name", "kind", "user"),
    [
        ("BTC Treasury 1", "BITCOIN_LIKE_SEND", 0),
        ("ETH Treasury 1", "ETHEREUM_LIKE_SEND", 0),
        ("XRP Treasury", "RIPPLE_LIKE_SEND", 0),
        ("SOL Trading", "SOLANA_LIKE_SEND", 0),
        ("TBTC Test 1", "BITCOIN_LIKE_SEND", 0),
        ("SOL Trading", "SOLANA_LIKE_SEND", TRADER),
    ],
)
def test_api_users_pay_from_accounts_of_several_families(
    office: tuple[Sandbox, Desk], name: str, kind: str, user: int
) -> None:
    sandbox, desk = office
    if user != 0:
        desk = Desk(sandbox, desk.client, user)
    node = carried_out(sandbox, desk, priced(desk, payment(sandbox, name, kind, 10_000)))
    assert (node["status"], node["created_by"]) == ("CONFIRMED", desk.id)


def test_a_message_is_signed_after_its_quorum(start: Start) -> None:
    sandbox, client = start(clock=HandClock(), pace=5.0)
    desk = Desk(sandbox, client)
    account = account_named(sandbox, "ETH Treasury 1")
    text = "Proof of reserve, 1 June"
    message = {"account_name": account["name"], "raw_message": text, "address": None}
    data = {"account_id": account["id"], "message_type": "EIP-191", "message_data": message}
    made = desk.create({"type": "CREATE_MESSAGE_SIGNING", "data": data, "note": {"title": "Audit", "content": text}})
    number, target = made["id"], made["target_id"]
    assert made["type"] == "CREATE_MESSAGE_SIGNING"
    assert desk.get(f"/requests/{number}")["type"] == "MESSAGE_SIGNING", (
        "created under one name, listed under another"
    )
    assert desk.get(f"/messages/{target}")["status"] == "PENDING_APPROVAL"
    desk.approve(number)
    sandbox.colleagues.approve(number, count=2)
    assert desk.get(f"/messages/{target}")["status"] == "APPROVED"
    sandbox.advance(5)
    signed = desk.get(f"/messages/{target}")
    assert (signed["status"], signed["data"], signed["last_request"]) == ("SIGNED", text, number)
    assert signed["signature"].startswith("0x30")
    assert target in ids(client, "/messages", status="SIGNED")


def test_a_rejected_message_is_aborted(office: tuple[Sandbox, Desk]) -> None:
    _, desk = office
    number = next(iter(ids(desk.client, "/requests", pending_by=desk.id, type="MESSAGE_SIGNING")))
    assert desk.reject(number).json()["type"] == "CREATE_MESSAGE_SIGNING"
    assert desk.get(f"/messages/{desk.get(f'/requests/{number}')['target_id']}")["status"] == "ABORTED"


def new_account(name: str, index: int) -> Node:
    data = {"index": index, "name": name, "currency": "bitcoin", "policy_name": "Policy 1"}
    return {"type": "CREATE_ACCOUNT", "data": {"account_type": "BITCOIN_LIKE", "account_data": data}}


def test_administrators_make_an_account_that_can_be_used(start: Start) -> None:
    sandbox, client = start(clock=HandClock(), pace=0.0)
    with httpx.Client(base_url=sandbox.url) as second:
        administrator, operator = Desk(sandbox, second, ADMINISTRATOR), Desk(sandbox, client)
        made = administrator.create(new_account("BTC Fund Gamma", 7))
        assert made["used_admin_group"] == 1
        assert administrator.get(f"/accounts/{made['target_id']}")["status"] == "PENDING"
        assert client.post("/requests", json=new_account("BTC Fund Delta", 8)).status_code == 403
        jws = sign(administrator.credential.private_key_pem, administrator.challenge(made["id"]))
        path = f"/requests/{made['id']}/approve"
        assert second.post(path, json={"jws": jws}).json()["status"] == "PENDING_APPROVAL"
        again = second.post(path, json={"jws": jws})
        assert (again.status_code, "already approved" in again.json()["message"]) == (400, True)
        sandbox.colleagues.approve(made["id"])
        account = administrator.get(f"/accounts/{made['target_id']}")
        assert (account["status"], account["name"], account["balance"]) == ("ACTIVE", "BTC Fund Gamma", "0")
        assert account["id"] in ids(client, "/accounts", status="ACTIVE", currency="bitcoin")
        assert operator.get(f"/accounts/{account['id']}/balances")["total"] == 0
        assert operator.get(f"/accounts/{account['id']}/currency")["amount_units"]
        [[row]] = operator.get(f"/accounts/{account['id']}/history")["history"]
        assert row["id"] == made["id"]
        addresses = operator.get(f"/accounts/{account['id']}/addresses")["addresses"]
        assert client.get(f"/currencies/bitcoin/{addresses[0]['address']}").json() == {"is_valid": True}


def test_accounts_are_limited_to_two_hundred_acts_an_hour(start: Start) -> None:
    clock = HandClock()
    sandbox, client = start(clock=clock)
    administrator = Desk(sandbox, client, ADMINISTRATOR)
    for index in range(200 // 3 + 1):
        answer = client.post("/requests", json=new_account(f"Fund {index}", 100 + index))
        if index == 66:
            break
        number = answer.json()["id"]
        assert administrator.approve(number).status_code == 200
        sandbox.colleagues.approve(number)
    assert answer.status_code == 200, "the 199th act"
    clock.seconds += 60
    log_in(client, sandbox, ADMINISTRATOR)
    assert administrator.approve(answer.json()["id"]).status_code == 200
    limited = client.post("/requests", json=new_account("One too many", 400))
    assert limited.status_code == 420
    assert 3500 <= int(limited.headers["retry-after"]) <= 3600 - 59
    sandbox.advance(float(limited.headers["retry-after"]))
    assert client.post("/requests", json=new_account("One too many", 400)).status_code == 200


def test_an_account_can_not_be_edited_while_it_pays(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office
    number = ids(desk.client, "/requests", type="EDIT_ACCOUNT", status="PENDING_APPROVAL")[0]
    target = desk.get(f"/requests/{number}")["target_id"]
    service = sandbox._build()
    waiting = service.collections["transactions"][0] | {"account_id": target, "status": "PENDING_APPROVAL"}
    service.collections["transactions"].replace(waiting)
    administrator = Desk(sandbox, desk.client, ADMINISTRATOR)
    refused = administrator.approve(number)
    assert refused.status_code == 400
    assert "pending" in refused.json()["message"]
