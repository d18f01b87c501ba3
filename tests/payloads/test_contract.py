"""Every body is one that the contract takes, and no field of the contract is out of reach."""

from typing import Any

import jsonschema
import pytest
from conformance.contract import LAM_FILE, VAULT_FILE, document, needs_contract, schemas, vault
from hypothesis import given

from ledgerkit.payloads import (
    KINDS,
    ApiUserCreation,
    Body,
    EthereumStakeCreation,
    LabelAssignment,
    LabelCreation,
    LamTransaction,
    NotificationConfiguration,
    Payload,
    Settlement,
    SettlementRecovery,
    SolanaStakeApproval,
    SolanaStakeDeactivation,
    Speed,
    TezosUndelegation,
    Transaction,
)
from ledgerkit.secret import Secret
from payloads.examples import ANY, BITCOIN, EXAMPLES, PLEDGE, SEND, currencies

pytestmark = needs_contract


def strict(node: Any) -> Any:
    """Turn OpenAPI 3.0 into JSON Schema in which an object has no fields but its own."""
    if isinstance(node, list):
        return [strict(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    made = {key: strict(value) for key, value in node.items() if key not in ("nullable", "example", "default")}
    if isinstance(node.get("properties"), dict):
        made["properties"] = {name: strict(value) for name, value in node["properties"].items()}
        made.setdefault("additionalProperties", False)
    return {"anyOf": [made, {"type": "null"}]} if node.get("nullable") is True else made


def problems(operation: str, body: Any, file: Any = VAULT_FILE) -> list[str]:
    method, path = operation.split()
    whole = document(file)
    schema = whole["paths"][path][method.lower()]["requestBody"]["content"]["application/json"]["schema"]
    components = {"schemas": {name: strict(one) for name, one in whole["components"]["schemas"].items()}}
    validator = jsonschema.Draft202012Validator({**strict(schema), "components": components})
    return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(body)]


@pytest.mark.parametrize("payload", EXAMPLES.values(), ids=EXAMPLES)
def test_an_example_is_a_body_of_the_contract(payload: Payload) -> None:
    assert problems("POST /requests", payload.to_json()) == []


@given(payload=ANY)
def test_any_transaction_is_a_body_of_the_contract(payload: Transaction) -> None:
    assert problems("POST /requests", payload.to_json()) == []


def test_the_contract_refuses_what_it_does_not_have() -> None:
    body = SEND.to_json()
    body["data"]["transaction_data"]["memo"] = "42"

    assert problems("POST /requests", body)


def of_kind(transaction_type: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the schemas of ``data`` and of ``transaction_data`` of a kind."""
    for name in schemas():
        properties = schemas()[name].get("properties", {})
        if properties.get("transaction_type", {}).get("enum") == [transaction_type]:
            [inner] = properties["transaction_data"]["allOf"]
            return schemas()[name], schemas()[inner["$ref"].rpartition("/")[2]]
    raise LookupError(transaction_type)


def test_there_is_a_payload_for_every_kind_of_the_contract() -> None:
    named = {
        kind
        for schema in schemas().values()
        if "transaction_data" in schema.get("properties", {})
        for kind in schema["properties"]["transaction_type"]["enum"]
    }

    assert KINDS.keys() == named
    assert len(KINDS) == 19


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_fields_of_a_kind_are_those_of_the_contract(kind: type[Transaction]) -> None:
    data, details = of_kind(kind.transaction_type)

    own = {*data["properties"], *details["properties"]} - {"transaction_type", "transaction_data"}
    assert set(kind.__struct_fields__) == own | {"note"}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_currencies_of_a_kind_are_those_of_the_contract(kind: type[Transaction]) -> None:
    _, details = of_kind(kind.transaction_type)

    assert currencies(kind) == details["properties"]["currency"]["enum"]


@pytest.mark.parametrize("name", ["MessageSigningData", "IncrementDetails", "ForcedUnpledgeDetails"])
def test_no_other_body_of_requests_is_left_out(name: str) -> None:
    body = vault()["POST /requests"]["requestBody"]["content"]["application/json"]["schema"]
    types = {payload.type for payload in EXAMPLES.values()}

    assert name in schemas()
    assert types == body["discriminator"]["mapping"].keys()


SETTLEMENT = Settlement(
    from_pledge_id=PLEDGE,
    inbound_transaction_intent={"amount": "10000000000000000000000", "to_account_id": 3, "to_address": BITCOIN},
    outbound_transaction_intent=SEND.replace(note=None),
    repledge_intent={
        "account_name": "TL-0001",
        "amount": 5,
        "currency": "bitcoin",
        "exchange_name": "Crypto.com",
        "pledge_subaccount_id": 1,
    },
    meta={"ours": [1, None, {"batch": "a"}]},
)
BODIES = {
    "POST /settlements": SETTLEMENT,
    "POST /settlements/{settlement_id}/recover": SettlementRecovery(fee_strategy=Speed("FAST"), max_fee=234),
    "PUT /notifications/configuration": NotificationConfiguration(url="https://a.example/b", secret=Secret("canary")),
}


@pytest.mark.parametrize("operation", BODIES)
def test_a_body_that_is_no_request_is_one_of_the_contract(operation: str) -> None:
    body: Body = BODIES[operation]

    assert body.destination == operation
    assert problems(operation, body.to_json()) == []


LAM_TRANSACTION = LamTransaction(
    account_id=1,
    account_name="Treasury 1",
    amount=100,
    recipient=BITCOIN,
    max_fees="2100",
    speed="FAST",
    coin_fields={"utxo_picking_strategy": "DEEP_OUTPUTS_FIRST"},
)
LAM_BODIES: dict[str, Body] = {
    "POST /transactions": LAM_TRANSACTION.replace(coin_fields=None),
    "POST /transactions/{transaction_id}/approve": LAM_TRANSACTION.replace(coin_fields=None).approval(),
    "POST /api_users": ApiUserCreation(name="api_lam_user"),
    "POST /labels": LabelCreation(name="SPAM", color="#fe3423", description="harmful"),
    "POST /accounts/{account_id}/labels": LabelAssignment(label_id=42),
    "POST /transactions/{transaction_id}/labels": LabelAssignment(label_id=42),
    "POST /ethereum/accounts/{account_id}/stakes": EthereumStakeCreation(
        provider="kiln", provider_fields={}, speed="CUSTOM", max_fees=5, gas_limit=21000, gas_price=1
    ),
    "POST /solana/accounts/{account_id}/stakes/{stake_id}/actions/deactivate": SolanaStakeDeactivation(
        stake_account="9bqA5QJnegJPC3i5YR13HJd1KDEYJVVoh2araKt448iX"
    ),
    "POST /solana/accounts/{account_id}/stakes/{stake_id}/actions/{staking_action}/approve": SolanaStakeApproval(
        request_id=42, amount=7653545, validator="4QUZQ4c7bZuJ4o4L8tYAEGnePFV27SUFEVmC7BYfsXRp"
    ),
    "POST /tezos/accounts/{account_id}/stake/actions/undelegate": TezosUndelegation(speed="NORMAL", max_fees="5478"),
}


@pytest.mark.parametrize("operation", LAM_BODIES)
def test_a_body_of_a_lam_is_one_of_its_contract(operation: str) -> None:
    assert problems(operation, LAM_BODIES[operation].to_json(), LAM_FILE) == []


def test_every_write_of_a_lam_with_a_body_has_one() -> None:
    paths = document(LAM_FILE)["paths"]
    with_body = {f"POST {path}" for path, item in paths.items() if "requestBody" in item.get("post", {})}

    assert with_body == LAM_BODIES.keys()
