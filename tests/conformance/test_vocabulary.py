"""The closed sets of the kit are those of the contract, value for value."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest

from conformance.contract import alternatives, enum, needs_contract, parameters, reads, schemas, vault
from ledgerkit import vocabulary

pytestmark = needs_contract


def of_field(origin: str) -> list[str]:
    """The values of a field of a schema, or of the items of its lists."""
    name, _, field = origin.partition(".")
    [(_, found)] = alternatives(schemas()[name]["properties"][field], name)
    return enum(found)


def of_filter(operation: str, name: str) -> list[str]:
    return enum(parameters(operation, "query")[name])


# Where the contract has each set; where it has it more than once, all must agree.
PLACES: dict[str, list[str | tuple[str, str]]] = {
    "Order": [("GET /accounts", "order"), ("GET /transactions", "order")],
    "CurrencyName": ["Currency.name", "Account.currency", "Transaction.currency", "WhitelistAddress.currency"],
    "CurrencyFamily": ["Currency.family"],
    "CurrencyType": ["Currency.type"],
    "AccountType": ["Account.type", ("GET /accounts", "account_type")],
    "AccountStatus": ["Account.status", ("GET /accounts", "status")],
    "AddressType": [("GET /accounts/{account_id}/address/{index}", "type")],
    "AccountRuleType": ["AccountMultiauthRule.type", "AccountThresholdRule.type", "AccountWhitelistRule.type"],
    "TransactionStatus": ["Transaction.status", ("GET /transactions", "status")],
    "TransactionType": ["Transaction.type", ("GET /transactions", "type")],
    "InteractionType": [("GET /transactions", "interaction_type")],
    "Speed": ["Transaction.speed"],
    "RequestStatus": ["Request.status", ("GET /requests", "status")],
    "RequestType": ["Request.type", ("GET /requests", "type"), "VaultTargetRequest.type"],
    "RequestTargetType": ["Request.target_type", ("GET /requests", "target_type")],
    "ApprovalType": ["VaultCollectedApproval.type"],
    "GroupStatus": ["Group.status", "Whitelist.status", ("GET /entities", "status"), ("GET /groups", "status")],
    "SigningStatus": ["Message.status", "Digests.status", ("GET /messages", "status"), ("GET /digests", "status")],
    "MessageType": ["Message.message_type"],
    "MessageTypeFilter": [("GET /messages", "message_type")],
    "UserRole": [("GET /users", "role")],
    "UserStatus": [("GET /users", "status")],
    "ReportingKeyStatus": [],  # the second of two sets of one field: see below
    "PledgeState": ["Pledge.state", ("GET /pledges", "state")],
    "StakeStatus": ["_CardanoStake.status", "_SolanaStake.status", "_TezosStake.status"],
    "SolanaStakeState": ["SolanaStakeBlockchainState.status"],
    "TezosStakeState": ["TezosStakeBlockchainState.state"],
    "Risk": ["AddressRisk.risk", "TransactionRisk.risk"],
    "ProviderRisk": ["ChainalysisAddressRisk.risk", "ChainalysisTransactionAlert.risk"],
}


def sets() -> dict[str, list[str]]:
    return {name: list(get_args(value)) for name, value in vars(vocabulary).items() if get_args(value)}


@pytest.mark.parametrize("name", sorted(PLACES))
def test_a_set_is_the_one_of_the_contract(name: str) -> None:
    for place in PLACES[name]:
        values = of_field(place) if isinstance(place, str) else of_filter(*place)
        assert sorted(sets()[name]) == sorted(values), place


def test_users_and_reporting_keys_have_sets_of_their_own_in_one_field() -> None:
    roles, statuses = (
        [sorted(enum(found)) for _, found in alternatives(schemas()["User"]["properties"][field], "User")]
        for field in ("role", "status")
    )

    assert roles == [sorted(sets()["UserRole"]), ["READ_ONLY_API_KEY"]]
    assert statuses == [sorted(sets()["UserStatus"]), sorted(sets()["ReportingKeyStatus"])]


def test_a_transaction_is_of_every_family_but_fiat() -> None:
    assert sorted(of_field("Transaction.currency_family")) == sorted({*sets()["CurrencyFamily"]} - {"fiat"})


def test_every_set_of_the_kit_has_a_place_in_the_contract() -> None:
    assert sets().keys() == PLACES.keys()


# Sets that no filter and no form of the kit needs a name for.
UNNAMED = {
    "Transaction.currency_family": "every family but fiat",
    "VaultTargetRequest.status": "every status of a request but the one before the first approval",
    "AccountTransactionFilterRuleEntry.condition": "inside of a rule",
    "BitcoinFields.utxo_picking_strategy": "shown, never asked for",
    "ChainalysisTransactionAlert.exposure_type": "inside of a list of alerts",
}


def test_every_set_that_a_read_of_the_contract_has_is_one_of_the_kit() -> None:
    known = {frozenset(values) for values in sets().values()}
    unnamed = {
        origin
        for origin, values in [*filter_enums(), *field_enums()]
        if len(values) > 1 and frozenset(values) not in known
    }

    assert unnamed == UNNAMED.keys()


def filter_enums() -> Iterator[tuple[str, list[str]]]:
    for operation in reads():
        for name, schema in parameters(operation, "query").items():
            yield f"{operation} {name}", enum(schema)


def field_enums() -> Iterator[tuple[str, list[str]]]:
    """The values of every field of the schemas that answers to reads are made of."""
    found: set[str] = set()
    waiting: list[Any] = [vault()[operation]["responses"] for operation in reads()]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            name = node["$ref"].rpartition("/")[2] if isinstance(node.get("$ref"), str) else None
            if name and name not in found:
                found.add(name)
                waiting.append(schemas()[name])
                for field, inner in schemas()[name].get("properties", {}).items():
                    yield f"{name}.{field}", enum(inner)
            waiting += node.values()
