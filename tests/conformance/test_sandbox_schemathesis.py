"""The sandbox's answers to requests that Schemathesis draws from the contract: reads only, a few of each."""

import copy
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from conformance.contract import VAULT_FILE, document, needs_contract, reads, vault

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
pytest.importorskip("uvicorn", reason="the sandbox needs the extra `sandbox`")

from hypothesis import HealthCheck, given, settings  # noqa: E402 - after it is known that there is something to test
from schemathesis.checks import not_a_server_error  # noqa: E402 - as above
from schemathesis.specs.openapi.checks import (  # noqa: E402 - as above
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ledgerkit.sandbox import Sandbox  # noqa: E402 - as above

pytestmark = needs_contract

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SETTINGS = settings(
    max_examples=10,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
# How the real service differs from its own document, as its documentation shows; the sandbox follows the service.
BALANCES = ("AccountBalances", "BitcoinBalances", "SolanaBalances")


def quirks(contract: dict[str, Any]) -> None:
    """Write into the contract what the service is known to do otherwise."""
    schemas = contract["components"]["schemas"]
    for name in BALANCES:
        for field, schema in schemas[name]["properties"].items():
            if schema.get("type") == "string":  # bare integers in the printed answer
                schemas[name]["properties"][field] = {"anyOf": [{"type": "string"}, {"type": "integer"}]}
    # A JSON text in the example, an object in the type.
    schemas["RequestWithChallenge"]["properties"]["challenge"] = {"nullable": True}
    # The list of pledges is named here, a slip.
    edge = {"properties": {"cursor": {"type": "integer"}, "node": {"$ref": "#/components/schemas/Settlement"}}}
    settlements = copy.deepcopy(schemas["_APISearchPledgeResults"])
    settlements["properties"]["edges"]["items"] = edge
    content = contract["paths"]["/settlements"]["get"]["responses"]["200"]["content"]
    content["application/json"]["schema"] = settlements
    # The pattern lacks the hyphen of base64url.
    for path in ("/accounts/{account_id}/address", "/accounts/{account_id}/address/{index}"):
        schema = contract["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        schema.pop("pattern")
    # No answer is documented for change addresses, which are listed and not supported yet, nor for a span that ends
    # before it begins.
    refused = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}, "description": ""}
    for path in ("/accounts/{account_id}/address/{index}", "/accounts/{account_id}/balances/history"):
        contract["paths"][path]["get"]["responses"]["400"] = refused


def plain(node: Any) -> Any:
    """Let alternatives overlap, as statuses of users and of reporting keys do."""
    if isinstance(node, list):
        return [plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {("anyOf" if key == "oneOf" else key): plain(value) for key, value in node.items()}


def ids(sandbox: Sandbox, path: str) -> dict[str, list[Any]]:
    """Return values of the parameters of a path that name something, and one that does not."""
    world = sandbox.world
    objects = {
        "account_id": [node for node in world.accounts if node["type"] == "Bitcoin" or "{index}" not in path],
        "digests_id": world.digests,
        "entity_id": world.entities,
        "group_id": world.groups,
        "label_id": world.labels,
        "message_id": world.messages,
        "parent_account_id": world.accounts,
        "pledge_id": world.pledges,
        "request_id": [node for node in world.requests if node["id"] in world.challenges or "challenge" not in path],
        "settlement_id": world.settlements,
        "transaction_id": world.transactions,
        "user_id": world.users,
        "whitelist_id": world.whitelists,
    }
    found: dict[str, list[Any]] = {
        **{name: [*(node["id"] for node in list(nodes)[:30]), 999_999] for name, nodes in objects.items()},
        "index": [0, 1, 10_000],
        "currency_name": ["bitcoin", "ethereum", world.tokens[0]["parent_currency"], "doubloon"],
        "contract_address": [world.tokens[0]["contract_address"], "0x00"],
        "address": [node["address"] for node in list(world.accounts) if node["address"]][:5],
    }
    chain = path.split("/")[1]
    if chain in world.stakes:
        account, stakes = next((account, stakes) for account, stakes in world.stakes[chain].items() if stakes)
        found["account_id"] = [account, 999_999]
        found["stake_uid"] = [*(stake.get("stake_uid") or stake["uid"] for stake in stakes), "none"]
    return found


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(transactions=300, now=NOW) as running:
        yield running


@pytest.fixture(scope="module")
def schema(sandbox: Sandbox) -> Any:
    contract = copy.deepcopy(document(VAULT_FILE))
    quirks(contract)
    for path, item in contract["paths"].items():
        known = ids(sandbox, path)
        for operation in item.values():
            operation.pop("staking", None)  # a key of no standard
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path":
                    parameter["schema"] = {"enum": known[parameter["name"]]}
    return schemathesis.openapi.from_dict(plain(contract))


@pytest.mark.parametrize("operation", reads())
def test_the_sandbox_answers_a_drawn_request_as_the_contract_says(
    sandbox: Sandbox, schema: Any, operation: str
) -> None:
    method, _, path = operation.partition(" ")
    headers = {"X-Ledger-API-User": sandbox.environment("lam", prefix="")["LAM_USER"]}
    answered: set[int] = set()

    @SETTINGS
    @given(case=schema[path][method].as_strategy())
    def ask(case: Any) -> None:
        response = case.call(base_url=sandbox.url, headers=headers)
        # Where a 501 is documented (no history for this currency), it is no fault; an undocumented 5xx always is.
        checks = CHECKS if "501" in vault()[operation]["responses"] else [not_a_server_error, *CHECKS]
        case.validate_response(response, checks=checks)
        answered.add(response.status_code)

    ask()

    # Nobody set a configuration up here; everything else exists.
    assert (404 if operation == "GET /notifications/configuration" else 200) in answered, answered
