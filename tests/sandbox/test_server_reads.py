"""Reads of single objects and of what belongs to them."""

import base64
import json
from typing import Any

import httpx
import pytest

from ledgerkit.sandbox import Sandbox

Node = dict[str, Any]


def account_of(sandbox: Sandbox, **fields: Any) -> Node:
    found: Node = next(
        node
        for node in sandbox.world.accounts
        if all(node[name] == value for name, value in fields.items()) and node["status"] == "ACTIVE"
    )
    return found


@pytest.mark.parametrize(
    "section",
    ["accounts", "digests", "entities", "groups", "labels", "messages", "transactions", "users", "whitelists"],
)
def test_a_node_is_the_one_of_the_listing(sandbox: Sandbox, client: httpx.Client, section: str) -> None:
    node = getattr(sandbox.world, section)[0]
    assert client.get(f"/{section}/{node['id']}").json() == node
    assert client.get(f"/{section}/987654").status_code == 404


@pytest.mark.parametrize("section", ["pledges", "settlements"])
def test_tradelink_ids_are_uuids(sandbox: Sandbox, client: httpx.Client, section: str) -> None:
    node = getattr(sandbox.world, section)[0]
    assert client.get(f"/{section}/{node['id']}").json() == node


@pytest.mark.parametrize(
    "section", ["accounts", "digests", "entities", "groups", "messages", "transactions", "users", "whitelists"]
)
def test_an_object_has_a_history(sandbox: Sandbox, client: httpx.Client, section: str) -> None:
    recorded = {key[1]: steps for key, steps in sandbox.world.history.items() if key[0] == section}
    identifier = next(key for key, steps in recorded.items() if steps)
    assert client.get(f"/{section}/{identifier}/history").json() == {"history": recorded[identifier]}
    assert client.get(f"/{section}/987654/history").status_code == 404


def test_integers_keep_every_digit(sandbox: Sandbox, client: httpx.Client) -> None:
    pledge = max(sandbox.world.pledges, key=lambda node: node["amount"])
    assert pledge["amount"] > 2**63
    assert str(pledge["amount"]) in client.get(f"/pledges/{pledge['id']}").text


def test_a_request_tells_its_challenge_as_a_text(sandbox: Sandbox, client: httpx.Client) -> None:
    own = sandbox.credentials.api_users[0].user_id
    identifier = next(request for request, users in sandbox.world.pending_by.items() if own in users)
    inner = json.loads(client.get(f"/requests/{identifier}").json()["challenge"])
    dedicated = client.get(f"/requests/{identifier}/challenge").json()
    assert dedicated["id"] == inner["id"] == identifier
    text = dedicated["challenge"]
    assert "=" not in text
    decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    assert json.loads(decoded).keys() == {"antireplay", "data", "type"}
    assert decoded == json.dumps(json.loads(decoded), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    rejecting = client.get(f"/requests/{identifier}/challenge/reject").json()["challenge"]
    assert rejecting != text


def test_governance_status(sandbox: Sandbox, client: httpx.Client) -> None:
    identifier, status = next(iter(sandbox.world.governance.items()))
    assert client.get(f"/requests/{identifier}/governance-status").json() == status


def test_a_utxo_account_has_an_address_per_index(sandbox: Sandbox, client: httpx.Client) -> None:
    account = account_of(sandbox, currency="bitcoin", type="Bitcoin")["id"]
    fresh = client.get(f"/accounts/{account}/addresses").json()["addresses"]
    assert fresh == sandbox.world.addresses[account][-3:]
    assert client.get(f"/accounts/{account}/addresses/0").json() == sandbox.world.addresses[account][0]
    assert client.get(f"/accounts/{account}/addresses/987654").status_code == 404
    signed = client.get(f"/accounts/{account}/address/0", params={"type": "receive"}).json()
    payload = signed.split(".")[1]
    decoded = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert decoded["address"] == sandbox.world.addresses[account][0]["address"]
    assert client.get(f"/accounts/{account}/address/0").status_code == 400
    assert client.get(f"/accounts/{account}/address/0", params={"type": "change"}).status_code == 400
    assert client.get(f"/accounts/{account}/address").status_code == 404


def test_other_accounts_have_one_address(sandbox: Sandbox, client: httpx.Client) -> None:
    account = account_of(sandbox, currency="ethereum", type="Ethereum")
    path = f"/accounts/{account['id']}"
    assert [entry["address"] for entry in client.get(f"{path}/addresses").json()["addresses"]] == [account["address"]]
    assert client.get(f"{path}/addresses/5").json()["address"] == account["address"]
    assert client.get(f"{path}/address").json().count(".") == 2
    assert client.get(f"{path}/address/0", params={"type": "receive"}).status_code == 404


def test_what_belongs_to_an_account(sandbox: Sandbox, client: httpx.Client) -> None:
    world = sandbox.world
    account = account_of(sandbox, currency="ethereum", type="Ethereum")
    path = f"/accounts/{account['id']}"
    assert client.get(f"{path}/balances").json() == world.balances[account["id"]]
    assert client.get(f"{path}/currency").json() == world.account_currency[account["id"]]
    assert client.get(f"{path}/sync", params={"synchronous": "true"}).json() == account
    assert client.get(f"{path}/sync", params={"synchronous": "perhaps"}).status_code == 400
    labelled = next(node for node in world.accounts if node["labels"])
    assert client.get(f"/accounts/{labelled['id']}/labels").json() == labelled["labels"]
    with_tokens = next(key for key, tokens in world.light_tokens.items() if tokens)
    assert client.get(f"/accounts/{with_tokens}/tokens").json() == world.light_tokens[with_tokens]


def test_balance_histories_have_gaps_and_limits(sandbox: Sandbox, client: httpx.Client) -> None:
    world = sandbox.world
    answers = {node["id"]: client.get(f"/accounts/{node['id']}/balances/history") for node in world.accounts}
    assert {answer.status_code for answer in answers.values()} == {200, 501}
    account = next(key for key, answer in answers.items() if answer.status_code == 200)
    span = {"start": "2026-05-01T00:00:00Z", "end": "2026-05-10T00:00:00Z"}
    entries = client.get(f"/accounts/{account}/balances/history", params=span).json()["balances"]
    assert entries
    assert all("2026-05-01" <= entry["date"][:10] <= "2026-05-10" for entry in entries)
    backwards = {"start": span["end"], "end": span["start"]}
    assert client.get(f"/accounts/{account}/balances/history", params=backwards).status_code == 400


def test_nfts_come_in_pages_of_ten(sandbox: Sandbox, client: httpx.Client) -> None:
    world = sandbox.world
    account, nfts = max(world.nfts.items(), key=lambda entry: len(entry[1]))
    assert len(nfts) > 10
    first = client.get(f"/accounts/{account}/nfts").json()
    assert len(first["edges"]) == 10
    assert first["page_info"] == {"count": len(nfts), "has_next_page": True}
    everything = client.get(f"/accounts/{account}/nfts", params={"page_size": 0}).json()
    assert [edge["node"] for edge in everything["edges"]] == list(reversed(nfts))
    assert client.get(f"/accounts/{account}/nft-portfolio").json() == world.nft_portfolio[account]
    collections = client.get(f"/accounts/{account}/nft-collections").json()
    assert collections["page_info"]["count"] == len(world.nft_collections[account])


def test_currencies_and_tokens(sandbox: Sandbox, client: httpx.Client) -> None:
    world = sandbox.world
    assert client.get("/currencies").json() == {"currencies": world.currencies}
    assert client.get("/currencies/tokens").json() == {"tokens": world.tokens}
    assert client.get("/currencies/bitcoin").json()["name"] == "bitcoin"
    assert client.get("/currencies/gold").status_code == 404
    token = world.tokens[0]
    path = f"/currencies/{token['parent_currency']}/tokens"
    assert client.get(f"{path}/{token['contract_address']}").json() == token
    assert client.get(f"{path}/0x00").status_code == 404


def test_addresses_are_checked(sandbox: Sandbox, client: httpx.Client) -> None:
    address = account_of(sandbox, currency="ethereum", type="Ethereum")["address"]
    assert client.get(f"/currencies/ethereum/{address}").json() == {"is_valid": True}
    assert client.get(f"/currencies/ethereum/{address[:-1]}").json() == {"is_valid": False}
    assert client.get(f"/compliance/address-risk/{address}").json()["address"] == address
    assert client.get(f"/compliance/sanctions/{address}").json()["address"] == address


def test_certificates_and_organization(sandbox: Sandbox, client: httpx.Client) -> None:
    assert client.get("/certificates/chain").json() == sandbox.world.certificates
    assert client.get("/organization").json()["workspace"] == sandbox.world.workspace


def test_users_of_an_entity_are_operators_of_its_accounts(sandbox: Sandbox, client: httpx.Client) -> None:
    entity = sandbox.world.entities[0]
    found = [user["id"] for user in client.get(f"/entities/{entity['id']}/users").json()["users"]]
    expected = {
        user["id"]
        for account in entity["accounts"]
        for user in sandbox.world.users
        if account in [edge["node"]["id"] for edge in members_of(client, user["id"])]
    }
    assert found == sorted(expected)


def members_of(client: httpx.Client, user: int) -> list[Node]:
    edges: list[Node] = client.get("/accounts", params={"user": user, "page_size": 100}).json()["edges"]
    return edges


def test_labels_of_a_transaction_are_whole(sandbox: Sandbox, client: httpx.Client) -> None:
    node = next(node for node in sandbox.world.transactions if node["labels"])
    labels = client.get(f"/transactions/{node['id']}/labels").json()
    assert [label["id"] for label in labels] == [label["id"] for label in node["labels"]]
    assert all("updated_on" in label for label in labels)


@pytest.mark.parametrize("chain", ["cardano", "solana", "tezos"])
def test_stakes_are_light_or_deep(sandbox: Sandbox, client: httpx.Client, chain: str) -> None:
    account, stakes = next((key, value) for key, value in sandbox.world.stakes[chain].items() if value)
    path = f"/{chain}/accounts/{account}/stakes"
    light = [edge["node"] for edge in client.get(path, params={"page_size": 100}).json()["edges"]]
    assert light == list(reversed(stakes))
    deep = client.get(path, params={"light": "false"}).json()["edges"][0]["node"]
    assert deep["creation_tx"]["id"] == light[0]["creation_tx"]
    assert deep["created_by"]["id"] == light[0]["created_by"]
    by_uid = client.get(path, params={"stake_uid": stakes[0]["stake_uid"], "status": stakes[0]["status"]}).json()
    assert [edge["node"] for edge in by_uid["edges"]] == [stakes[0]]
    by_account = client.get(path, params={"account_id": account, "creation_tx": stakes[0]["creation_tx"]}).json()
    assert [edge["node"]["id"] for edge in by_account["edges"]] == [stakes[0]["id"]]
    assert client.get(path, params={"colour": "red"}).status_code == 404


@pytest.mark.parametrize("chain", ["cardano", "ethereum", "solana"])
def test_rewards_of_an_account_and_of_a_stake(sandbox: Sandbox, client: httpx.Client, chain: str) -> None:
    account, rewards = next((key, value) for key, value in sandbox.world.stake_rewards[chain].items() if value)
    assert len(client.get(f"/{chain}/accounts/{account}/rewards").json()) == len(rewards)
    uid = rewards[0]["stake_uid"]
    path = f"/{chain}/accounts/{account}/stakes/{uid}/rewards"
    found = client.get(path).json()
    assert found == [reward for reward in rewards if reward["stake_uid"] == uid]
    assert client.get(f"/{chain}/accounts/{account}/stakes/unknown/rewards").status_code == 404
    if chain == "ethereum":
        day = found[0]["created_on"][:10]
        one_day = client.get(path, params={"start_date": day, "end_date": day}).json()
        assert one_day == [reward for reward in found if reward["created_on"][:10] == day]
        assert client.get(path, params={"start_date": "1 May"}).status_code == 400


def test_tezos_rewards_by_cycle(sandbox: Sandbox, client: httpx.Client) -> None:
    account, rewards = next((key, value) for key, value in sandbox.world.stake_rewards["tezos"].items() if value)
    cycles = sorted({int(reward["info"]["cycle"]) for reward in rewards})
    bounds = {"start_cycle": cycles[1], "end_cycle": cycles[2]}
    found = client.get(f"/tezos/accounts/{account}/rewards", params=bounds).json()
    assert {int(reward["info"]["cycle"]) for reward in found} == {cycles[1], cycles[2]}


@pytest.mark.parametrize("chain", ["cardano", "solana"])
def test_rewards_by_period(sandbox: Sandbox, client: httpx.Client, chain: str) -> None:
    account, periods = next(iter(sandbox.world.periodic_rewards[chain].items()))
    assert client.get(f"/{chain}/accounts/{account}/periodic-rewards").json() == [periods]


def test_an_account_of_another_chain_has_no_stakes(sandbox: Sandbox, client: httpx.Client) -> None:
    account = account_of(sandbox, currency="bitcoin", type="Bitcoin")["id"]
    assert client.get(f"/tezos/accounts/{account}/stakes").status_code == 404
    assert client.get(f"/ethereum/accounts/{account}/stakes").status_code == 404
