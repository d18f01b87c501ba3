"""Requests from their creation to their end: who may vote when, and what everybody then reads."""

import base64
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ledgerkit.sandbox import Sandbox
from ledgerkit.sandbox.answers import Refusal

from .conftest import HandClock, ids, log_in

Node = dict[str, Any]
Start = Callable[..., tuple[Sandbox, httpx.Client]]

OPERATOR, ADMINISTRATOR, TRADER = 0, 1, 2
DAY = 24 * 3600


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def raw_signature(pem: str, message: bytes) -> bytes:
    key = load_pem_private_key(pem.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    r, s = utils.decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def sign(pem: str, challenge: str, header: bytes = b'{"alg":"ES256","typ":"JWT"}') -> str:
    signed = f"{encoded(header)}.{challenge}"
    return f"{signed}.{encoded(raw_signature(pem, signed.encode()))}"


class Desk:
    """One API user at work."""

    def __init__(self, sandbox: Sandbox, client: httpx.Client, user: int = OPERATOR) -> None:
        self.client = client
        self.credential = sandbox.credentials.api_users[user]
        self.id = self.credential.user_id
        log_in(client, sandbox, user)

    def get(self, path: str) -> Any:
        return self.client.get(path).raise_for_status().json()

    def create(self, body: Node) -> Node:
        answer = self.client.post("/requests", json=body)
        assert answer.status_code == 200, answer.text
        found: Node = answer.json()
        return found

    def challenge(self, request_id: int, path: str = "challenge") -> str:
        text: str = self.get(f"/requests/{request_id}/{path}")["challenge"]
        return text

    def approve(self, request_id: int) -> httpx.Response:
        jws = sign(self.credential.private_key_pem, self.challenge(request_id))
        return self.client.post(f"/requests/{request_id}/approve", json={"jws": jws})

    def reject(self, request_id: int) -> httpx.Response:
        jws = sign(self.credential.private_key_pem, self.challenge(request_id, "challenge/reject"))
        return self.client.post(f"/requests/{request_id}/reject", json={"jws": jws})


def account_named(sandbox: Sandbox, name: str) -> Node:
    return next(node for node in sandbox.world.accounts if node["name"] == name)


def listed_recipient(sandbox: Sandbox, account: Node) -> str:
    """Return the first address that the youngest rules of an account let be paid."""
    rules = {rule["type"]: rule["data"] for rule in account["governance_rules"][-1]["rules"]}
    whitelist = sandbox.world.whitelists[rules["WHITELIST"][0]["whitelist"] - 1]
    entries = [entry for entry in whitelist["addresses"] if entry["currency"] == account["currency"]]
    text: str = next(entry["address"] for entry in entries if not entry["destination_tags"])
    return text


def payment(sandbox: Sandbox, name: str, kind: str, amount: int, **fields: Any) -> Node:
    """Return the body of a payment with the ceiling that the sandbox estimates."""
    account = account_named(sandbox, name)
    data: Node = {"account_name": name, "amount": str(amount), "currency": account["currency"], **fields}
    if "recipient" not in data:
        data["recipient"] = listed_recipient(sandbox, account)
    body: Node = {"account_id": account["id"], "transaction_type": kind, "transaction_data": data}
    if not kind.startswith("SOLANA"):
        body["fees_strategy"] = {"type": "SPEED", "data": {"speed": "FAST"}}
        data["max_fees"] = "0"
    note = {"title": "Invoice 42", "content": "March"}
    return {"type": "CREATE_TRANSACTION", "data": body, "note": note}


def priced(desk: Desk, body: Node) -> Node:
    """Put the estimated ceiling into a body."""
    if "fees_strategy" in body["data"]:
        answer = desk.client.post("/transactions/estimate-fees", json=body).raise_for_status().json()
        body["data"]["transaction_data"]["max_fees"] = answer["max_fees"]
    return body


def bitcoin(sandbox: Sandbox, desk: Desk, amount: int = 12_345) -> Node:
    return priced(desk, payment(sandbox, "BTC Treasury 1", "BITCOIN_LIKE_SEND", amount))


@pytest.fixture
def office(start: Start) -> tuple[Sandbox, Desk]:
    sandbox, client = start(clock=HandClock())
    return sandbox, Desk(sandbox, client)


def test_a_payment_goes_from_its_creation_to_the_chain(start: Start) -> None:
    clock = HandClock()
    sandbox, client = start(clock=clock, pace=10.0)
    desk = Desk(sandbox, client)
    made = desk.create(bitcoin(sandbox, desk))
    number, target = made["id"], made["target_id"]
    assert made["status"] == "PENDING_APPROVAL"
    assert made["created_by"] == {"id": desk.id}
    assert (made["type"], made["target_type"]) == ("CREATE_TRANSACTION", "BITCOIN_LIKE_TRANSACTION")
    assert "expires_at" not in made, "answers to a POST say expired_at"

    approved = desk.approve(number)
    assert approved.status_code == 200, approved.text
    assert approved.json()["status"] == "PENDING_APPROVAL", "two managers are still to come"
    assert desk.get(f"/transactions/{target}")["status"] == "PENDING_APPROVAL"

    managers = sandbox.colleagues.approve(number, count=2)
    assert len(set(managers)) == 2
    assert desk.id not in managers
    seen = []
    for _ in range(4):
        node = desk.get(f"/transactions/{target}")
        seen.append((node["status"], node["confirmations"], node["tx_hash"] is not None, node["block"] is not None))
        clock.seconds += 10
    assert seen == [
        ("APPROVED", 0, False, False),
        ("SUBMITTED", 0, True, False),
        ("CONFIRMED", 1, True, True),
        ("CONFIRMED", 2, True, True),
    ]
    final = desk.get(f"/transactions/{target}")
    assert final["senders"]
    assert final["broadcast_on"]
    assert 0 < int(final["fees"]) <= int(final["max_fees"])
    assert final["notes"] == [{"title": "Invoice 42", "content": "March"}]
    assert final["last_request"] == number


def test_a_request_reads_alike_wherever_it_is_told(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office
    made = desk.create(bitcoin(sandbox, desk))
    number, target = made["id"], made["target_id"]
    request = desk.get(f"/requests/{number}")
    assert (request["created_by"], request["target_type"]) == (desk.id, "TRANSACTION")
    assert request["expires_at"] == made["expired_at"]
    assert ids(desk.client, "/requests", pending_by=desk.id)[0] == number
    assert number not in ids(desk.client, "/requests", pending_by=24), (
        "nobody else is told before the creator approved"
    )

    desk.approve(number)
    assert number not in ids(desk.client, "/requests", pending_by=desk.id)
    assert number in ids(desk.client, "/requests", approved_by=desk.id)
    assert number in ids(desk.client, "/requests", pending_by=24)
    status = desk.get(f"/requests/{number}/governance-status")
    assert status["request"]["current_step_index"] == 1
    assert [len(step["approvals"]) for step in status["governance_steps"]] == [1, 0]

    sandbox.colleagues.approve(number, count=2)
    status = desk.get(f"/requests/{number}/governance-status")
    assert status["is_complete"]
    assert status["request"]["status"] == "APPROVED"
    assert [len(step["approvals"]) for step in status["governance_steps"]] == [1, 2]
    assert desk.get(f"/requests/{number}")["status"] == "APPROVED"
    assert ids(desk.client, "/requests", pending_by=24).count(number) == 0
    [[row]] = desk.get(f"/transactions/{target}/history")["history"]
    assert (row["id"], row["status"], row["is_complete"]) == (number, "APPROVED", True)
    assert target in ids(desk.client, "/transactions", status="APPROVED")
    assert target not in ids(desk.client, "/transactions", status="PENDING_APPROVAL")


def test_only_the_creator_votes_first(start: Start) -> None:
    sandbox, client = start(clock=HandClock())
    with httpx.Client(base_url=sandbox.url) as other:
        trader = Desk(sandbox, other, TRADER)
        operator = Desk(sandbox, client)
        made = trader.create(
            priced(
                trader,
                payment(
                    sandbox,
                    "BTC Trading Hot",
                    "BITCOIN_LIKE_SEND",
                    90_000,
                    recipient=listed_recipient(sandbox, account_named(sandbox, "BTC Treasury 1")),
                ),
            )
        )
        number = made["id"]
        assert client.get(f"/requests/{number}/challenge").status_code == 404
        refused = client.post(f"/requests/{number}/approve", json={"jws": "a.b.c"})
        assert refused.status_code == 403
        assert "creator" in refused.json()["message"]
        with pytest.raises(Refusal):
            sandbox.colleagues.approve(number)

        assert trader.approve(number).status_code == 200
        # the operator is in the group of the second step: with the default credentials an approval can be tried
        assert operator.approve(number).json()["status"] == "APPROVED"


def test_a_vote_counts_once_and_only_in_its_step(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office
    number = desk.create(bitcoin(sandbox, desk))["id"]
    jws = sign(desk.credential.private_key_pem, desk.challenge(number))
    assert desk.client.post(f"/requests/{number}/approve", json={"jws": jws}).status_code == 200
    again = desk.client.post(f"/requests/{number}/approve", json={"jws": jws})
    assert again.status_code == 400
    assert desk.client.get(f"/requests/{number}/challenge").status_code == 404
    sandbox.colleagues.approve(number, count=2)
    late = desk.client.post(f"/requests/{number}/approve", json={"jws": jws})
    assert late.status_code == 400
    assert "APPROVED" in late.json()["message"]


def test_a_rejection_is_signed_and_final(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office
    before = account_named(sandbox, "BTC Treasury 1")
    made = desk.create(bitcoin(sandbox, desk))
    number = made["id"]
    bare = desk.client.post(f"/requests/{number}/reject")
    assert bare.status_code == 400
    assert "jws" in bare.json()["message"]
    wrong = sign(desk.credential.private_key_pem, desk.challenge(number))
    assert desk.client.post(f"/requests/{number}/reject", json={"jws": wrong}).status_code == 400

    answer = desk.reject(number)
    assert answer.json()["status"] == "ABORTED", "answers to a POST have no REJECTED"
    assert desk.get(f"/requests/{number}")["status"] == "REJECTED"
    assert desk.get(f"/transactions/{made['target_id']}")["status"] == "REJECTED"
    assert number in ids(desk.client, "/requests", rejected_by=desk.id)
    [first, _] = desk.get(f"/requests/{number}/governance-status")["governance_steps"]
    assert [vote["type"] for vote in first["approvals"]] == ["ABORT"]
    assert account_named(sandbox, "BTC Treasury 1") == before, "what was set aside is free again"
    assert desk.client.get(f"/requests/{number}/challenge/reject").status_code == 404


def test_a_transaction_is_rejected_by_its_own_path_once(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office
    target = desk.create(bitcoin(sandbox, desk))["target_id"]
    assert desk.client.post(f"/transactions/{target}/reject").json()["status"] == "REJECTED"
    again = desk.client.post(f"/transactions/{target}/reject")
    assert again.status_code == 400
    assert "REJECTED" in again.json()["message"]


def test_a_request_expires_within_seven_days(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office
    made = desk.create(bitcoin(sandbox, desk))
    sandbox.advance(7 * DAY - 1)
    assert desk.get(f"/requests/{made['id']}")["status"] == "PENDING_APPROVAL"
    challenge = desk.challenge(made["id"])
    sandbox.advance(1)
    assert desk.get(f"/requests/{made['id']}")["status"] == "EXPIRED"
    late = desk.client.post(
        f"/requests/{made['id']}/approve", json={"jws": sign(desk.credential.private_key_pem, challenge)}
    )
    assert late.status_code == 400
    assert "EXPIRED" in late.json()["message"]
    assert desk.get(f"/transactions/{made['target_id']}")["status"] == "REJECTED"
    assert ids(desk.client, "/requests", pending_by=desk.id) == [], "those of the past have expired before"


def test_the_date_of_answers_moves_with_the_time_that_was_skipped(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office
    sandbox.advance(3 * DAY)
    assert desk.client.get("/organization").headers["date"] == "Thu, 04 Jun 2026 12:00:00 GMT"
    assert desk.create(bitcoin(sandbox, desk))["created_on"].startswith("2026-06-04T12:00")


def test_waiting_requests_of_the_past_are_approved_like_new_ones(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office
    waiting = ids(desk.client, "/requests", pending_by=desk.id, type="CREATE_TRANSACTION")
    first = ids(desk.client, "/requests", pending_by=desk.id, status="PENDING_FIRST_APPROVAL")
    assert set(first) < set(waiting)

    def is_at_its_last_step(number: int) -> bool:
        status = desk.get(f"/requests/{number}/governance-status")
        return bool(status["request"]["current_step_index"] == len(status["governance_steps"]) - 1)

    last_step = next(number for number in waiting if number not in first and is_at_its_last_step(number))
    answer = desk.approve(last_step).json()
    assert answer["status"] == "APPROVED"
    opened = desk.approve(first[0]).json()
    assert opened["status"] == "PENDING_APPROVAL"
    assert sandbox.colleagues.approve(first[0])
    sandbox.advance(3)
    for number in (last_step, first[0]):
        target = desk.get(f"/requests/{number}")["target_id"]
        assert desk.get(f"/transactions/{target}")["status"] == "CONFIRMED"


def test_colleagues_follow_their_mood(start: Start) -> None:
    clock = HandClock()
    sandbox, client = start(clock=clock)
    desk = Desk(sandbox, client)
    before = ids(client, "/requests", status="PENDING_APPROVAL")
    sandbox.colleagues.mood, sandbox.colleagues.after = "approve", 60.0
    number = desk.create(bitcoin(sandbox, desk))["id"]
    clock.seconds += 90
    assert desk.get(f"/requests/{number}")["status"] == "PENDING_APPROVAL", "its creator has not approved"
    desk.approve(number)
    waits = []
    for _ in range(3):
        waits.append(len(sandbox.world.pending_by[number]))
        clock.seconds += 60
        client.get("/organization")
    assert waits == [3, 2, 0], "one manager after the other"
    assert desk.get(f"/requests/{number}")["status"] == "APPROVED"
    assert ids(client, "/requests", status="PENDING_APPROVAL") == before, "the inbox of the past stays"

    sandbox.colleagues.mood, sandbox.colleagues.after = "reject", 0.0
    other = desk.create(bitcoin(sandbox, desk))["id"]
    desk.approve(other)
    assert desk.get(f"/requests/{other}")["status"] == "REJECTED"


def test_a_workspace_has_room_for_a_hundred_pending_requests(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office
    body = bitcoin(sandbox, desk, 1)
    waiting = [number for number, users in sandbox.world.pending_by.items() if users]
    for _ in range(100 - len(waiting)):
        number = desk.create(body)["id"]
    full = desk.client.post("/requests", json=body)
    assert full.status_code == 400
    assert "100" in full.json()["message"]
    desk.reject(number)
    desk.create(body)


def test_events_are_announced_in_their_order(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office
    heard: list[tuple[str, str, Any]] = []
    sandbox._engine.listeners.append(lambda event, kind, number, users: heard.append((event, kind, number)))
    made = desk.create(bitcoin(sandbox, desk))
    desk.approve(made["id"])
    sandbox.colleagues.approve(made["id"], count=2)
    sandbox.advance(1)
    names = [event.removeprefix("REQUEST_HAS_") for event, _, _ in heard]
    assert names == [
        "BEEN_CREATED",
        "RECEIVED_AN_APPROVAL",
        "REACHED_STEP",
        "RECEIVED_AN_APPROVAL",
        "RECEIVED_AN_APPROVAL",
        "REACHED_QUORUM",
        "NEW_TRANSACTION_HAS_BEEN_SIGNED",
        "NEW_TRANSACTION_HAS_BEEN_BROADCASTED",
    ]
    assert {(kind, number) for _, kind, number in heard} == {
        ("REQUEST", made["id"]),
        ("TRANSACTION", made["target_id"]),
    }
