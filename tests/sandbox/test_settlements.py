"""Settlements take from a pledge or pay to its owner and follow their transactions; pledges follow their requests."""

import base64
import json
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import jsonschema
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from ledgerkit.sandbox import Sandbox
from ledgerkit.sandbox.viewers import Viewer

from .conftest import HandClock, log_in
from .test_answers_match_contract import definitions, needs_contract

Node = dict[str, Any]
Start = Callable[..., tuple[Sandbox, httpx.Client]]

BITCOIN_ACCOUNT = "TL-0001-BTC-CLP-HSE"


def segment(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def approve(sandbox: Sandbox, client: httpx.Client, request_id: int, user: int = 0) -> Node:
    """Sign the challenge of a request with the key of an API user, as a client does."""
    challenge = client.get(f"/requests/{request_id}/challenge").raise_for_status().json()["challenge"]
    head = segment(json.dumps({"alg": "ES256", "typ": "JWT"}).encode())
    pem = sandbox.credentials.api_users[user].private_key_pem.encode()
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signed = f"{head}.{challenge}"
    r, s = utils.decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    jws = f"{signed}.{segment(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
    answer: Node = client.post(f"/requests/{request_id}/approve", json={"jws": jws}).raise_for_status().json()
    return answer


def account_named(sandbox: Sandbox, name: str) -> Node:
    return next(node for node in sandbox.world.accounts if node["name"] == name)


def listed_recipient(sandbox: Sandbox, account: Node) -> str:
    """An address that the whitelist of the account's rules holds."""
    [rule] = [rule for rule in account["governance_rules"][0]["rules"] if rule["type"] == "WHITELIST"]
    book = next(node for node in sandbox.world.whitelists if node["id"] == rule["data"][0]["whitelist"])
    address: str = next(row["address"] for row in book["addresses"] if row["currency"] == account["currency"])
    return address


def ready_pledge(client: httpx.Client, account: Node) -> Node:
    page = client.get("/pledges", params={"state": "PLEDGE_READY", "account_id": account["id"]}).json()
    pledge: Node = page["edges"][0]["node"]
    return pledge


def outbound(sandbox: Sandbox, client: httpx.Client, **changes: Any) -> Node:
    account = account_named(sandbox, BITCOIN_ACCOUNT)
    details = {
        "account_name": account["name"],
        "amount": "150000000",
        "currency": "bitcoin",
        "max_fees": "200000",
        "recipient": listed_recipient(sandbox, account),
    }
    intent = {
        "account_id": account["id"],
        "transaction_type": "BITCOIN_LIKE_SEND",
        "fees_strategy": {"type": "SPEED", "data": {"speed": "NORMAL"}},
        "transaction_data": details | changes,
    }
    return {
        "id": str(uuid.uuid4()),
        "from_pledge_id": ready_pledge(client, account)["id"],
        "meta": {"reference": "NET-0100"},
        "outbound_transaction_intent": intent,
    }


def inbound(sandbox: Sandbox, client: httpx.Client) -> Node:
    account = account_named(sandbox, BITCOIN_ACCOUNT)
    address = sandbox.world.addresses[account["id"]][0]["address"]
    return {
        "id": str(uuid.uuid4()),
        "from_pledge_id": ready_pledge(client, account)["id"],
        "meta": {},
        "inbound_transaction_intent": {"amount": 10**8, "to_account_id": account["id"], "to_address": address},
        "outbound_transaction_intent": None,
        "repledge_intent": None,
    }


def matches(schema: str, body: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator({"$ref": f"#/$defs/{schema}", "$defs": definitions()})
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(body)]


@pytest.fixture
def exchange(start: Start) -> tuple[Sandbox, httpx.Client]:
    """An operator with view-all, in a sandbox where what is approved gets through in two steps of 10 seconds."""
    sandbox, client = start(clock=HandClock(), pace=10.0)
    log_in(client, sandbox)
    return sandbox, client


def seeded(client: httpx.Client, state: str) -> Node:
    nodes = [edge["node"] for edge in client.get("/settlements").json()["edges"]]
    return next(node for node in nodes if node["state"] == state)


@needs_contract
def test_an_outbound_settlement_takes_from_its_pledge_once_its_transaction_is_confirmed(
    exchange: tuple[Sandbox, httpx.Client],
) -> None:
    sandbox, client = exchange
    body = outbound(sandbox, client)
    pledge = client.get(f"/pledges/{body['from_pledge_id']}").json()

    made = client.post("/settlements", json=body).raise_for_status().json()

    assert matches("Settlement", made) == []
    assert made["state"] == "OUTBOUND_TRANSACTION_PENDING_APPROVAL"
    assert (made["id"], made["meta"]) == (body["id"], body["meta"])
    assert client.get(f"/pledges/{pledge['id']}").json()["state"] == "ASSIGNED_TO_SETTLEMENT"
    request_id, transaction_id = (made["outbound_transaction"][name] for name in ("request_id", "transaction_id"))
    transaction = client.get(f"/transactions/{transaction_id}").json()
    assert (transaction["status"], transaction["amount"]) == ("PENDING_APPROVAL", "150000000")

    approve(sandbox, client, request_id)  # the exchange, then its owner, then the custodian
    sandbox.colleagues.approve(request_id, count=2)
    sandbox.advance(10)
    submitted = client.get(f"/settlements/{made['id']}").json()
    assert submitted["state"] == "OUTBOUND_TRANSACTION_SUBMITTED"
    hashed = client.get(f"/transactions/{transaction_id}").json()["tx_hash"]
    assert hashed
    assert submitted["outbound_transaction"]["transaction_hash"] == hashed

    sandbox.advance(10)
    assert client.get(f"/settlements/{made['id']}").json()["state"] == "SETTLED"
    after = client.get(f"/pledges/{pledge['id']}").json()
    assert (after["state"], after["amount"]) == ("PLEDGE_READY", pledge["amount"] - 150_000_000)
    assert matches("Pledge", after) == []


def test_a_rejected_outbound_transaction_gives_its_pledge_back(exchange: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, client = exchange
    body = outbound(sandbox, client)
    pledge = client.get(f"/pledges/{body['from_pledge_id']}").json()
    made = client.post("/settlements", json=body).raise_for_status().json()
    approve(sandbox, client, made["outbound_transaction"]["request_id"])
    sandbox.colleagues.reject(made["outbound_transaction"]["request_id"])
    assert client.get(f"/pledges/{pledge['id']}").json() == pledge
    assert client.get(f"/settlements/{made['id']}").json()["state"] == "OUTBOUND_TRANSACTION_REJECTED"


@needs_contract
def test_an_inbound_settlement_waits_without_a_request(exchange: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, client = exchange
    requests = client.get("/requests").json()["page_info"]["count"]
    body = inbound(sandbox, client)
    body["repledge_intent"] = {
        "account_name": BITCOIN_ACCOUNT,
        "amount": "100000000",
        "currency": "bitcoin",
        "exchange_name": "Clearport",
        "pledge_subaccount_id": 2,
    }
    made = client.post("/settlements", json=body).raise_for_status().json()
    assert matches("Settlement", made) == []
    assert (made["state"], made["outbound_transaction"]) == ("INBOUND_TRANSACTION_PENDING", None)
    assert made["inbound_transaction_intent"] == body["inbound_transaction_intent"]
    assert client.get("/requests").json()["page_info"]["count"] == requests
    assert client.get("/settlements").json()["edges"][0]["node"] == made


def test_the_id_is_a_key_of_its_own(exchange: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, client = exchange
    body = inbound(sandbox, client)
    client.post("/settlements", json=body).raise_for_status()
    count = client.get("/settlements").json()["page_info"]["count"]
    again = client.post("/settlements", json=body)
    assert again.status_code == 400
    assert "exists already" in again.json()["message"]
    assert client.get("/settlements").json()["page_info"]["count"] == count


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"id": 7}, "'id'"),
        ({"id": str(uuid.uuid1())}, "'id'"),
        ({"id": str(uuid.uuid4()).upper()}, "'id'"),
        ({"meta": None}, "'meta'"),
        ({"from_pledge_id": str(uuid.uuid4())}, "'from_pledge_id'"),
        ({"from_pledge_id": 3}, "'from_pledge_id'"),
        ({"inbound_transaction_intent": None}, "inbound_transaction_intent"),
        ({"inbound_transaction_intent": {"amount": "1", "to_account_id": 52, "to_address": "x"}}, "amount"),
        ({"inbound_transaction_intent": {"amount": 1, "to_account_id": 52, "to_address": "x"}}, "to_address"),
        ({"repledge_intent": {"amount": "1"}}, "repledge_intent.account_name"),
        ({"fees": "1"}, "fees"),
    ],
)
def test_a_body_is_refused_with_the_field(exchange: tuple[Sandbox, httpx.Client], changes: Node, named: str) -> None:
    sandbox, client = exchange
    answer = client.post("/settlements", json=inbound(sandbox, client) | changes)
    assert answer.status_code == 400
    assert named in answer.json()["message"]


def test_only_a_ready_pledge_is_settled(exchange: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, client = exchange
    body = outbound(sandbox, client)
    client.post("/settlements", json=body).raise_for_status()
    answer = client.post("/settlements", json=body | {"id": str(uuid.uuid4())})
    assert answer.status_code == 400
    assert "ASSIGNED_TO_SETTLEMENT" in answer.json()["message"]


def test_more_than_the_pledge_is_refused_and_leaves_nothing_behind(exchange: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, client = exchange
    counts = [
        client.get(path).json()["page_info"]["count"] for path in ("/settlements", "/requests", "/transactions")
    ]
    answer = client.post("/settlements", json=outbound(sandbox, client, amount="800000001"))
    assert answer.status_code == 400
    assert "the pledge holds 800000000" in answer.json()["message"]
    assert counts == [
        client.get(path).json()["page_info"]["count"] for path in ("/settlements", "/requests", "/transactions")
    ]


def test_only_operators_settle(exchange: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, client = exchange
    body = inbound(sandbox, client)
    log_in(client, sandbox, 1)  # the administrator
    assert client.post("/settlements", json=body).status_code == 403


@needs_contract
def test_cancelling_is_for_what_could_not_be_broadcast(exchange: tuple[Sandbox, httpx.Client]) -> None:
    _, client = exchange
    failed = seeded(client, "OUTBOUND_TRANSACTION_FAILED")
    cancelled = client.post(f"/settlements/{failed['id']}/cancel").raise_for_status().json()
    assert matches("Settlement", cancelled) == []
    assert cancelled["state"] == "CANCELLED"
    assert client.get(f"/pledges/{failed['from_pledge_id']}").json()["state"] == "PLEDGE_READY"

    assert client.post(f"/settlements/{failed['id']}/cancel").status_code == 400
    submitted = seeded(client, "OUTBOUND_TRANSACTION_SUBMITTED")
    refused = client.post(f"/settlements/{submitted['id']}/cancel")
    assert refused.status_code == 400
    assert "SUBMITTED" in refused.json()["message"]
    assert client.post(f"/settlements/{uuid.uuid4()}/cancel").status_code == 404


@needs_contract
def test_a_recovered_transaction_has_another_hash_and_the_new_ceiling(exchange: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, client = exchange
    account = account_named(sandbox, BITCOIN_ACCOUNT)
    made = client.post("/settlements", json=outbound(sandbox, client)).raise_for_status().json()
    request_id, transaction_id = (made["outbound_transaction"][name] for name in ("request_id", "transaction_id"))
    path = f"/settlements/{made['id']}/recover"
    recovery = {"fee_strategy": {"type": "SPEED", "data": {"speed": "FAST"}}, "max_fee": "300000"}
    assert "PENDING_APPROVAL" in client.post(path, json=recovery).json()["message"]
    approve(sandbox, client, request_id)
    sandbox.colleagues.approve(request_id, count=2)
    sandbox.advance(10)
    before = client.get(f"/settlements/{made['id']}").json()

    recovered = client.post(path, json=recovery).raise_for_status().json()

    assert matches("Settlement", recovered) == []
    transaction = client.get(f"/transactions/{transaction_id}").json()
    assert (transaction["max_fees"], transaction["speed"], transaction["status"]) == ("300000", "FAST", "SUBMITTED")
    hashed = recovered["outbound_transaction"]["transaction_hash"]
    assert hashed == transaction["tx_hash"] != before["outbound_transaction"]["transaction_hash"]

    sandbox.advance(10)  # all that was set aside is released, no more and no less
    settled = client.get(f"/accounts/{account['id']}").json()
    fees = int(client.get(f"/transactions/{transaction_id}").json()["fees"])
    assert int(settled["balance"]) == int(account["balance"]) - 150_000_000 - fees
    assert settled["pending_balance"] == account["pending_balance"]
    assert int(settled["available_balance"]) == int(settled["balance"]) - int(settled["pending_balance"])


def test_an_ethereum_transaction_is_recovered_by_its_nonce(exchange: tuple[Sandbox, httpx.Client]) -> None:
    _, client = exchange
    before = seeded(client, "OUTBOUND_TRANSACTION_SUBMITTED")
    gas = {"gas_limit": "21000", "priority_fees": "2000000000"}
    recovery = {"fee_strategy": {"type": "CUSTOM", "data": gas}, "max_fee": "9" + "0" * 17}
    recovered = client.post(f"/settlements/{before['id']}/recover", json=recovery).raise_for_status().json()
    old, new = (node["outbound_transaction"]["transaction_hash"] for node in (before, recovered))
    assert new != old
    assert (new[:2], len(new)) == ("0x", len(old))


def test_what_a_chain_cannot_replace_is_not_recovered(exchange: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, client = exchange
    submitted = seeded(client, "OUTBOUND_TRANSACTION_SUBMITTED")
    transactions = sandbox._build().collections["transactions"]
    node = transactions.find(submitted["outbound_transaction"]["transaction_id"])
    assert node is not None
    transactions.replace(node | {"currency": "tron", "currency_family": "tron"})
    recovery = {"fee_strategy": {"type": "SPEED", "data": {"speed": "FAST"}}, "max_fee": "9" + "0" * 18}
    answer = client.post(f"/settlements/{submitted['id']}/recover", json=recovery)
    assert answer.status_code == 400
    assert "tron cannot be replaced" in answer.json()["message"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"fee_strategy": {"type": "SPEED", "data": {"speed": "CUSTOM"}}, "max_fee": "1"}, "fee_strategy.data.speed"),
        ({"fee_strategy": {"type": "CUSTOM", "data": {"fees_per_byte": "9"}}, "max_fee": "1"}, "gas_limit"),
        ({"fee_strategy": {"type": "SPEED", "data": {"speed": "FAST"}}, "max_fee": "1"}, "max_fee"),
        ({"fee_strategy": {"type": "SPEED", "data": {"speed": "FAST"}}, "max_fees": "1"}, "max_fee"),
        ({"fee_strategy": {"type": "SPEED", "data": {"speed": "FAST"}}, "max_fee": 1}, "max_fee"),
    ],
)
def test_a_recovery_is_refused_with_the_field(client: httpx.Client, body: Node, named: str) -> None:
    submitted = seeded(client, "OUTBOUND_TRANSACTION_SUBMITTED")
    answer = client.post(f"/settlements/{submitted['id']}/recover", json=body)
    assert answer.status_code == 400
    assert named in answer.json()["message"]


@pytest.mark.parametrize(
    ("amount", "outcome"), [("5000000", "APPROVED"), ("-5000000", "APPROVED"), ("-7", "REJECTED")]
)
def test_a_pledge_follows_the_request_that_changes_it(
    exchange: tuple[Sandbox, httpx.Client], amount: str, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox, client = exchange
    account = account_named(sandbox, BITCOIN_ACCOUNT)
    pledge = ready_pledge(client, account)
    # the asset manager's people have no key of the sandbox's API: the operator acts as one of them
    group = next(node for node in sandbox.world.groups if node["id"] == pledge["asset_manager"]["approver_group_id"])
    owner, key = group["members"][0], (sandbox.credentials.api_users[0].user_id)
    access = sandbox._access
    assert access is not None
    monkeypatch.setitem(access._viewers, key, Viewer("api_user", owner, sees_xpub=True))
    details = {
        "account_name": account["name"],
        "amount": amount,
        "currency": "bitcoin",
        "exchange_name": "Clearport",
        "contract_address": None,
    }
    data = {"pledge_subaccount_id": pledge["pledge_subaccount_id"], "pledge_data": details}
    body = {"type": "CREATE_PLEDGE_INCREMENT", "data": data}

    request = client.post("/requests", json=body).raise_for_status().json()

    waiting = client.get(f"/pledges/{pledge['id']}").json()
    word = "UNPLEDGE_PENDING_APPROVAL" if amount.startswith("-") else "PLEDGE_INCREMENT_PENDING_APPROVAL"
    assert (waiting["state"], waiting["pending"], waiting["amount"]) == (word, int(amount), pledge["amount"])
    assert client.post("/requests", json=body).status_code == 400, "a pledge changes once at a time"

    sandbox._engine.approve_now(request["id"], owner)
    if outcome == "REJECTED":
        sandbox.colleagues.reject(request["id"])
    else:
        sandbox.colleagues.approve(request["id"])
    after = client.get(f"/pledges/{pledge['id']}").json()
    gained = int(amount) if outcome == "APPROVED" else 0
    assert after == pledge | {"amount": pledge["amount"] + gained}
