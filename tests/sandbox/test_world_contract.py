"""Every node of the world is what the contract says, but for the quirks that the service is known for."""

import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ledgerkit.sandbox.world import World, build

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
Schema = dict[str, Any]


@cache
def contract_schemas() -> dict[str, Schema] | None:
    folder = os.environ.get("LEDGERKIT_CONTRACT")
    root = Path(folder) if folder else Path(__file__).parents[3] / "shared" / "contract"
    found = sorted(root.glob("vault-api-*.yaml"))
    if not found:
        return None
    schemas: dict[str, Schema] = yaml.safe_load(found[-1].read_text(encoding="utf-8"))["components"]["schemas"]
    return schemas


pytestmark = pytest.mark.skipif(
    contract_schemas() is None, reason="the contract is neither at ../shared/contract nor at LEDGERKIT_CONTRACT"
)


def as_json_schema(node: Any) -> Any:
    """Turn a schema of OpenAPI 3.0 into JSON Schema; alternatives of the contract may overlap."""
    if isinstance(node, list):
        return [as_json_schema(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    made = {
        "anyOf" if key == "oneOf" else key: as_json_schema(value)
        for key, value in node.items()
        if key not in ("nullable", "example", "default", "discriminator") or isinstance(value, dict)
    }
    if node.get("nullable") is True:
        return {"anyOf": [made, {"type": "null"}]}
    return made


# Where the service answers against its own schema: schema, field, and what comes instead.
QUIRKS: list[tuple[str, str, Schema]] = [
    # the printed answers of /balances have bare integers where the schema says text
    *(("AccountBalances", field, {"type": "integer"}) for field in ("available", "pending", "total")),
    *(
        ("BitcoinBalances", field, {"type": "integer"})
        for field in (
            *("available", "confirmed", "pending", "total", "worthless"),
            *("mempool_change", "mempool_in", "mempool_out"),
            *("under_confirmation_change", "under_confirmation_in", "under_confirmation_out"),
        )
    ),
]


@cache
def definitions() -> dict[str, Schema]:
    schemas = contract_schemas()
    assert schemas is not None
    made = {name: as_json_schema(schema) for name, schema in schemas.items()}
    # strings in an account's coin_fields, bare integers in /accounts/{id}/balances
    made["SolanaBalancesAnswer"] = as_json_schema(schemas["SolanaBalances"])
    for field in ("activating", "deactivating", "delegated", "total_staked", "undelegated"):
        made["SolanaBalancesAnswer"]["properties"][field] = {"type": "integer"}
    for name, field, schema in QUIRKS:
        assert field in made[name]["properties"], f"{name}.{field} is no longer in the contract"
        made[name]["properties"][field] = schema
    return made


def mismatches(name: str, nodes: list[dict[str, Any]]) -> list[str]:
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": definitions()}}
    validator = jsonschema.Draft7Validator(schema)
    found = []
    for node in nodes:
        # a field that the contract does not know is as wrong as one that is missing
        unknown = set(node) - set(definitions()[name]["properties"])
        found += [f"{name}: unknown {sorted(unknown)}"] if unknown else []
        found += [f"{name} {error.json_path}: {error.message[:200]}" for error in validator.iter_errors(node)]
    return found[:5]


@pytest.fixture(scope="module")
def world() -> World:
    return build(transactions=700, now=NOW)


@pytest.mark.parametrize(
    ("schema", "section"),
    [
        ("User", "users"),
        ("Group", "groups"),
        ("Entity", "entities"),
        ("Label", "labels"),
        ("Whitelist", "whitelists"),
        ("Account", "accounts"),
        ("Request", "requests"),
        ("Message", "messages"),
        ("Digests", "digests"),
        ("Transaction", "transactions"),
        ("Pledge", "pledges"),
        ("Settlement", "settlements"),
        ("Currency", "currencies"),
        ("Token", "tokens"),
    ],
)
def test_nodes_of_listings_have_the_form_of_the_contract(world: World, schema: str, section: str) -> None:
    nodes = getattr(world, section)
    assert nodes
    assert not mismatches(schema, nodes)


@pytest.mark.parametrize(
    ("schema", "section"),
    [
        ("AccountCurrency", "account_currency"),
        ("Address", "addresses"),
        ("LightTokenAccount", "light_tokens"),
        ("NFT", "nfts"),
        ("NFTCollection", "nft_collections"),
        ("NFTPortfolioValuation", "nft_portfolio"),
        ("VaultRequestGovernance", "governance"),
    ],
)
def test_nodes_by_account_or_request_have_the_form_of_the_contract(world: World, schema: str, section: str) -> None:
    nodes: list[dict[str, Any]] = []
    for value in getattr(world, section).values():
        nodes += value if isinstance(value, list) else [value]
    assert nodes
    assert not mismatches(schema, nodes)


@pytest.mark.parametrize(
    ("chain", "stake", "reward"),
    [
        ("cardano", "_CardanoStake", "CardanoStakeReward"),
        ("ethereum", "_EthereumBlockchainStake", "EthereumStakeReward"),
        ("solana", "_SolanaStake", "SolanaStakeReward"),
        ("tezos", "_TezosStake", "TezosRewards"),
    ],
)
def test_stakes_and_rewards_have_the_form_of_the_contract(world: World, chain: str, stake: str, reward: str) -> None:
    stakes = [node for nodes in world.stakes[chain].values() for node in nodes]
    rewards = [node for nodes in world.stake_rewards[chain].values() for node in nodes]
    assert stakes
    assert rewards
    assert not mismatches(stake, stakes)
    assert not mismatches(reward, rewards)
    periodic = list(world.periodic_rewards.get(chain, {}).values())
    assert not mismatches("PeriodicRewards", periodic)


def test_balances_have_the_form_of_the_contract_but_for_bare_integers(world: World) -> None:
    schemas = {"Bitcoin": "BitcoinBalances", "Solana": "SolanaBalancesAnswer"}
    for account in world.accounts:
        schema = schemas.get(account["type"], "AccountBalances")
        assert not mismatches(schema, [world.balances[account["id"]]]), account["name"]


def test_histories_have_the_form_of_the_contract(world: World) -> None:
    rows = [row for groups in world.history.values() for group in groups for row in group]
    assert not mismatches("APIHistoryResult", rows)
    balances = [world.balance_history(account["id"], None, None) for account in world.accounts]
    assert not mismatches("AccountBalancesHistory", [answer for answer in balances if answer])


def test_compliance_has_the_form_of_the_contract(world: World) -> None:
    addresses = [address for group in world.bad_addresses.values() for address in group] + ["anything"]
    assert not mismatches("AddressRisk", [world.address_risk(address) for address in addresses])
    assert not mismatches("AddressSanctions", [world.address_sanctions(address) for address in addresses])


def test_the_validation_can_fail() -> None:
    assert mismatches("Label", [{"id": "one"}])
    assert mismatches("AccountBalances", [{"available": "1", "pending": "1", "total": "2"}])
