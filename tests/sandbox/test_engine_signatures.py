"""Challenges and the signatures over them: what is accepted once, and what never."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from ledgerkit.sandbox import Sandbox

from .conftest import HandClock
from .test_engine import (
    ADMINISTRATOR,
    TRADER,
    Desk,
    account_named,
    bitcoin,
    decoded,
    encoded,
    listed_recipient,
    payment,
    priced,
    raw_signature,
    sign,
)

Start = Callable[..., tuple[Sandbox, httpx.Client]]
Forge = Callable[[Desk, str], str]

HEAD = encoded(b'{"alg":"ES256"}')


@pytest.fixture
def office(start: Start) -> tuple[Sandbox, Desk]:
    sandbox, client = start(clock=HandClock())
    return sandbox, Desk(sandbox, client)


def post(desk: Desk, number: int, jws: Any) -> httpx.Response:
    return desk.client.post(f"/requests/{number}/approve", json={"jws": jws})


def test_a_challenge_is_written_as_documented(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office
    body = priced(desk, payment(sandbox, "TBTC Test 1", "BITCOIN_LIKE_SEND", 1000))
    data = body["data"]["transaction_data"]
    text = desk.challenge(desk.create(body)["id"])
    assert re.fullmatch(r"[A-Za-z0-9_-]+", text), "base64url without padding"
    written = decoded(text).decode()
    shown = json.loads(written)
    assert written == json.dumps(shown, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert re.fullmatch(r"[0-9A-F]{64}", shown.pop("antireplay"))
    assert shown == {
        "type": "APPROVE_TRANSACTION",
        "data": {
            "transaction_type": "BITCOIN_LIKE_SEND",
            "transaction_data": {**data, "currency": "bitcoin testnet"},
        },
    }


def test_a_rejection_has_a_challenge_of_its_own(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office
    number = desk.create(bitcoin(sandbox, desk))["id"]
    shown = json.loads(decoded(desk.challenge(number, "challenge/reject")))
    assert shown["type"] == "REJECT_TRANSACTION"
    assert shown["antireplay"] != json.loads(decoded(desk.challenge(number)))["antireplay"]


def test_a_new_challenge_makes_the_older_one_void(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office
    number = desk.create(bitcoin(sandbox, desk))["id"]
    old, new = desk.challenge(number), desk.challenge(number)
    assert old != new
    refused = post(desk, number, sign(desk.credential.private_key_pem, old))
    assert refused.status_code == 400
    assert "fetch a new one" in refused.json()["message"]
    assert post(desk, number, sign(desk.credential.private_key_pem, new)).status_code == 200


def test_reading_a_request_leaves_the_challenge_that_is_being_signed(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office
    number = desk.create(bitcoin(sandbox, desk))["id"]
    text = desk.challenge(number)
    assert json.loads(desk.get(f"/requests/{number}")["challenge"]) == {"challenge": text, "id": number}
    assert post(desk, number, sign(desk.credential.private_key_pem, text)).status_code == 200


def test_a_challenge_serves_one_attempt(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office
    number = desk.create(bitcoin(sandbox, desk))["id"]
    text = desk.challenge(number)
    stranger = sandbox.credentials.api_users[ADMINISTRATOR].private_key_pem
    refused = post(desk, number, sign(stranger, text))
    assert refused.status_code == 400
    assert "public key" in refused.json()["message"]
    assert post(desk, number, sign(desk.credential.private_key_pem, text)).status_code == 400
    assert desk.approve(number).status_code == 200


def test_a_signature_that_arrives_twice_at_once_counts_once(start: Start) -> None:
    sandbox, client = start(clock=HandClock())
    desk = Desk(sandbox, client, ADMINISTRATOR)
    number = next(
        number
        for number, users in sandbox.world.pending_by.items()
        if desk.id in users and sandbox.world.governance[number]["governance_steps"][0]["quorum"] == 2
    )
    jws = sign(desk.credential.private_key_pem, desk.challenge(number))
    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(answer.status_code for answer in pool.map(lambda _: post(desk, number, jws), range(8)))
    assert statuses == [200] + [400] * 7
    assert sandbox.world.approved_by[number].count(desk.id) == 1


def test_the_challenge_of_one_request_does_not_serve_for_another(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office
    body = bitcoin(sandbox, desk)
    one, other = desk.create(body)["id"], desk.create(body)["id"]
    desk.challenge(other)
    assert post(desk, other, sign(desk.credential.private_key_pem, desk.challenge(one))).status_code == 400


def test_the_challenge_of_one_user_does_not_serve_another(start: Start) -> None:
    sandbox, client = start(clock=HandClock())
    with httpx.Client(base_url=sandbox.url) as second:
        trader, operator = Desk(sandbox, second, TRADER), Desk(sandbox, client)
        recipient = listed_recipient(sandbox, account_named(sandbox, "BTC Treasury 1"))
        body = payment(sandbox, "BTC Trading Hot", "BITCOIN_LIKE_SEND", 70_000, recipient=recipient)
        number = trader.create(priced(trader, body))["id"]
        own = trader.challenge(number)
        post(trader, number, sign(trader.credential.private_key_pem, own))
        assert post(operator, number, sign(operator.credential.private_key_pem, own)).status_code == 400
        assert operator.approve(number).status_code == 200


def der(desk: Desk, text: str) -> str:
    """Sign as libraries do that know of no JWS: the signature as ASN.1."""
    raw = raw_signature(desk.credential.private_key_pem, f"{HEAD}.{text}".encode())
    parts = [part.lstrip(b"\0") for part in (raw[:32], raw[32:])]
    numbers = [(b"\0" if part[0] > 127 else b"") + part for part in parts]
    body = b"".join(b"\x02" + bytes([len(number)]) + number for number in numbers)
    return f"{HEAD}.{text}.{encoded(b'0' + bytes([len(body)]) + body)}"


def changed_amount(desk: Desk, text: str) -> str:
    """Sign a payload in which somebody wrote another amount."""
    return sign(desk.credential.private_key_pem, encoded(decoded(text).replace(b'"12345"', b'"12346"')))


def written_anew(desk: Desk, text: str) -> str:
    """Sign the same JSON with spaces, as a library that takes an object writes it."""
    return sign(desk.credential.private_key_pem, encoded(json.dumps(json.loads(decoded(text))).encode()))


def with_header(header: bytes) -> Forge:
    return lambda desk, text: sign(desk.credential.private_key_pem, text, header)


FORGERIES: dict[str, Forge] = {
    "another payload": changed_amount,
    "the same payload in other bytes": written_anew,
    "a signature in DER": der,
    "no algorithm": with_header(b'{"typ":"JWT"}'),
    "the algorithm none": with_header(b'{"alg":"none"}'),
    "an algorithm with a shared secret": with_header(b'{"alg":"HS256"}'),
    "the curve of a LAM": with_header(b'{"alg":"ES256K"}'),
    "a header with an extension": with_header(b'{"alg":"ES256","crit":["b64"],"b64":false}'),
    "a header that is a list": with_header(b'["ES256"]'),
    "a header that is no JSON": with_header(b"ES256"),
    "no signature": lambda desk, text: sign(desk.credential.private_key_pem, text).rpartition(".")[0] + ".",
    "two segments": lambda desk, text: sign(desk.credential.private_key_pem, text).rpartition(".")[0],
    "padding": lambda desk, text: sign(desk.credential.private_key_pem, text) + "==",
    "a signature of zeros": lambda desk, text: ".".join((HEAD, text, encoded(bytes(64)))),
    "the challenge alone": lambda desk, text: text,
    "nothing": lambda desk, text: "",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_nothing_but_the_jws_of_the_voter_is_accepted(sandbox: Sandbox, client: httpx.Client, name: str) -> None:
    desk = Desk(sandbox, client)
    number = desk.create(bitcoin(sandbox, desk))["id"]
    answer = post(desk, number, FORGERIES[name](desk, desk.challenge(number)))
    assert answer.status_code == 400, answer.text
    assert sandbox.world.approved_by[number] == []
    assert desk.approve(number).status_code == 200


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b'{"jws":1}', b'{"jws":"a.b.c","verb":"approve"}', b"{"]
)
def test_a_body_is_one_jws(sandbox: Sandbox, client: httpx.Client, body: bytes) -> None:
    desk = Desk(sandbox, client)
    number = desk.create(bitcoin(sandbox, desk))["id"]
    assert desk.client.post(f"/requests/{number}/approve", content=body).status_code == 400


def test_a_display_shows_units_and_a_hash(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office
    sandbox.challenges.shape = "display"
    body = priced(desk, payment(sandbox, "ETH Treasury 1", "ETHEREUM_LIKE_SEND", 123_000_000_000_000))
    number = desk.create(body)["id"]
    data = body["data"]["transaction_data"]
    shown = json.loads(decoded(desk.challenge(number)))
    assert re.fullmatch(r"[0-9A-F]{64}", shown["challenge"])
    assert shown["Transaction properties"] == {
        "Account name": "ETH Treasury 1",
        "Amount": "swei 123000000000000",
        "Max total fees": f"swei {data['max_fees']}",
        "Recipient address": data["recipient"],
    }
    assert desk.approve(number).status_code == 200


def test_a_shape_that_nobody_knows_is_accepted_too(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office
    sandbox.challenges.shape = "unknown"
    number = desk.create(bitcoin(sandbox, desk))["id"]
    shown = json.loads(decoded(desk.challenge(number)))
    assert not {"antireplay", "challenge", "data", "type"} & set(shown)
    assert desk.approve(number).status_code == 200


def test_what_is_handed_out_may_be_altered(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office

    def richer(shown: dict[str, Any]) -> dict[str, Any]:
        shown["data"]["transaction_data"]["amount"] = "99999999"
        return shown

    number = desk.create(bitcoin(sandbox, desk))["id"]
    sandbox.challenges.tamper(richer)
    altered = desk.challenge(number)
    assert json.loads(decoded(altered))["data"]["transaction_data"]["amount"] == "99999999"
    sandbox.challenges.tamper(None)
    honest = json.loads(decoded(desk.challenge(number, "challenge/reject")))
    assert honest["data"]["transaction_data"]["amount"] == "12345", "only what is handed out was altered"
    assert post(desk, number, sign(desk.credential.private_key_pem, altered)).status_code == 200


def test_the_bytes_may_be_altered_as_to_name_a_key_twice(office: tuple[Sandbox, Desk]) -> None:
    sandbox, desk = office
    sandbox.challenges.raw = lambda written: written.replace(b'"amount"', b'"amount":"1","amount"')
    number = desk.create(bitcoin(sandbox, desk))["id"]
    assert decoded(desk.challenge(number)).count(b'"amount"') == 2
    assert desk.approve(number).status_code == 200


def test_who_has_no_vote_gets_no_challenge(start: Start) -> None:
    sandbox, client = start(clock=HandClock())
    operator = Desk(sandbox, client)
    number = operator.create(bitcoin(sandbox, operator))["id"]
    with httpx.Client(base_url=sandbox.url) as second:
        administrator = Desk(sandbox, second, ADMINISTRATOR)
        assert second.get(f"/requests/{number}/challenge").status_code == 404
        assert administrator.get(f"/requests/{number}")["challenge"] is None
        operator.approve(number)
        refused = second.post(f"/requests/{number}/approve", json={"jws": "a.b.c"})
        assert refused.status_code == 400
        assert "step 1" in refused.json()["message"]
    key = sandbox.credentials.reporting_keys[0].key
    headers = {"X-Ledger-Workspace": sandbox.world.workspace, "X-Ledger-Reporting-API-Key": key}
    assert httpx.get(f"{sandbox.url}/requests/{number}/challenge", headers=headers).status_code == 404
    voted = httpx.post(f"{sandbox.url}/requests/{number}/approve", headers=headers, json={"jws": "a.b.c"})
    assert voted.status_code == 403
