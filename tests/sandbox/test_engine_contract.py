"""Every kind of creation, carried through to its end: each answer on the way meets the contract's schema."""

from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import pytest

from ledgerkit.sandbox import Sandbox
from ledgerkit.sandbox.answers import decode, encode
from ledgerkit.sandbox.service import Service

from . import creations
from .conftest import NOW, HandClock, log_in
from .test_answers_match_contract import definitions, needs_contract, problems

Node = dict[str, Any]

SECTIONS = {"ACCOUNT": "accounts", "DIGESTS": "digests", "MESSAGE": "messages"}
NAMES = {
    "accounts": "account_id",
    "digests": "digests_id",
    "messages": "message_id",
    "transactions": "transaction_id",
}
LIVES = {
    "accounts": ["PENDING", "PENDING_CREATE_IN_HSM", "ACTIVE"],
    "digests": ["PENDING_APPROVAL", "APPROVED", "SIGNED"],
    "messages": ["PENDING_APPROVAL", "APPROVED", "SIGNED"],
    "transactions": ["PENDING_APPROVAL", "APPROVED", "SUBMITTED", "CONFIRMED"],
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(transactions=250, now=NOW, clock=HandClock(), pace=10.0) as running:
        yield running


@pytest.fixture(scope="module")
def service(sandbox: Sandbox) -> Service:
    return sandbox._build()


@pytest.fixture
def administrator(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox.url) as opened:
        log_in(opened, sandbox, 1)
        yield opened


def meets_contract(client: httpx.Client, path: str, number: int) -> Node:
    name = path.split("{")[1].split("}")[0]
    answer: Node = client.get(path.format(**{name: number})).raise_for_status().json()
    assert problems(path, answer) == []
    return answer


def vault_request_problems(node: Node) -> list[str]:
    schema = {"$ref": "#/$defs/VaultRequest", "$defs": definitions()}
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(node)]


@needs_contract
@pytest.mark.parametrize("name", creations.ALL)
def test_every_kind_lives_as_the_contract_says(
    sandbox: Sandbox, service: Service, administrator: httpx.Client, name: str
) -> None:
    body = creations.creation(service, name)
    if name == creations.TOKEN_ACCOUNT:
        body["data"]["account_data"]["name"] = "New token account"
    engine = service.engine
    # answers hold what JSON holds: written and read, as a caller gets it
    made = decode(encode(engine.create(creations.creator(service, body), creations.read(service, body))))
    assert vault_request_problems(made) == []
    number, target = made["id"], made["target_id"]
    section = SECTIONS.get(made["target_type"], "transactions")
    shown = section in NAMES and made["target_type"] not in ("PLEDGE_INCREMENT", "FORCED_UNPLEDGE")
    path = f"/{section}/{{{NAMES[section]}}}"
    seen = [meets_contract(administrator, path, target)["status"]] if shown else []
    while sandbox.world.pending_by[number]:
        meets_contract(administrator, "/requests/{request_id}", number)
        status = meets_contract(administrator, "/requests/{request_id}/governance-status", number)
        assert not status["is_complete"]
        made = decode(encode(engine.approve_now(number, sandbox.world.pending_by[number][0])))
        assert vault_request_problems(made) == []
    assert made["status"] == "APPROVED"
    assert meets_contract(administrator, "/requests/{request_id}/governance-status", number)["is_complete"]
    while shown and len(seen) < len(LIVES[section]):
        seen.append(meets_contract(administrator, path, target)["status"])
        sandbox.advance(10)
    assert seen == (LIVES[section] if shown else [])
    if shown:
        meets_contract(administrator, f"{path}/history", target)


@needs_contract
@pytest.mark.parametrize("verb", ["reject", "expire"])
@pytest.mark.parametrize("name", ["bitcoin", creations.MESSAGE, creations.DIGESTS])
def test_what_was_not_approved_ends_as_the_contract_says(
    sandbox: Sandbox, service: Service, administrator: httpx.Client, name: str, verb: str
) -> None:
    body = creations.creation(service, name)
    made = service.engine.create(creations.creator(service, body), creations.read(service, body))
    if verb == "reject":
        made = service.engine.reject_now(made["id"], made["created_by"]["id"])
        assert (made["status"], vault_request_problems(made)) == ("ABORTED", [])
    else:
        sandbox.advance(7 * 24 * 3600)
        log_in(administrator, sandbox, 1)
    section = SECTIONS.get(made["target_type"], "transactions")
    node = meets_contract(administrator, f"/{section}/{{{NAMES[section]}}}", made["target_id"])
    assert node["status"] == ("REJECTED" if section == "transactions" else "ABORTED")
    status = meets_contract(administrator, "/requests/{request_id}/governance-status", made["id"])
    assert status["request"]["status"] == ("ABORTED" if verb == "reject" else "EXPIRED")
