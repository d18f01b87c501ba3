"""Listings: each filter against the workspace itself, order, pages and bad values."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from ledgerkit.sandbox import Sandbox
from ledgerkit.sandbox.world import World

from .conftest import NOW, ids, log_in

Node = dict[str, Any]
Start = Callable[..., tuple[Sandbox, httpx.Client]]

PAGED = ["accounts", "digests", "entities", "groups", "labels", "messages"]
PAGED += ["requests", "transactions", "users", "whitelists"]


def parties(account: Node, world: World) -> tuple[set[int], set[int], set[int]]:
    """Return groups, users and whitelists of an account's rules, worked out the plain way."""
    groups, users, whitelists = set(), set(), set()
    for rule_set in account["governance_rules"]:
        for rule in rule_set["rules"]:
            for entry in rule["data"]:
                if entry and "group" in entry:
                    groups.add(entry["group"])
                if entry and "users" in entry:
                    users |= set(entry["users"]) - {None}
                if entry and "whitelist" in entry:
                    whitelists.add(entry["whitelist"])
    for group in world.groups:
        if group["id"] in groups:
            users |= set(group["members"]) - {None}
    return groups, users, whitelists


def about(node: Node) -> str:
    return " ".join(note["title"] + " " + note["content"] for note in node["notes"]).lower()


def number(node: Node) -> Decimal | None:
    return None if node["amount"] is None else Decimal(node["amount"])


def check(sandbox: Sandbox, client: httpx.Client, section: str, expected: list[Any], **parameters: Any) -> None:
    nodes = getattr(sandbox.world, section)
    assert expected, f"the workspace has no {section} for {parameters}"
    assert len(expected) < len(nodes), f"the filter {parameters} keeps everything: it shows nothing"
    assert ids(client, f"/{section}", **parameters) == list(reversed(expected))


@pytest.mark.parametrize("section", [*PAGED, "pledges", "settlements"])
def test_a_listing_has_every_row_newest_first(sandbox: Sandbox, client: httpx.Client, section: str) -> None:
    expected = [node["id"] for node in getattr(sandbox.world, section)]
    assert ids(client, f"/{section}") == list(reversed(expected))


@pytest.mark.parametrize("section", PAGED)
def test_dates_narrow_a_listing(sandbox: Sandbox, client: httpx.Client, section: str) -> None:
    nodes = getattr(sandbox.world, section)
    after, before = nodes[len(nodes) // 4]["created_on"], nodes[len(nodes) * 3 // 4]["created_on"]
    expected = [node["id"] for node in nodes if after <= node["created_on"] < before]
    check(sandbox, client, section, expected, created_after=after, created_before=before)


def test_the_bounds_of_dates_are_a_setting(start: Start) -> None:
    sandbox, client = start(created_after_inclusive=False, created_before_inclusive=True)
    log_in(client, sandbox)
    row = sandbox.world.transactions[30]
    later = sandbox.world.transactions[31]
    found = ids(client, "/transactions", created_after=row["created_on"], created_before=later["created_on"])
    assert found == [later["id"]]


@pytest.mark.parametrize("section", PAGED)
def test_an_id_finds_one(sandbox: Sandbox, client: httpx.Client, section: str) -> None:
    node = getattr(sandbox.world, section)[1]
    assert ids(client, f"/{section}", id=node["id"]) == [node["id"]]
    assert ids(client, f"/{section}", id=987654) == []


def test_accounts_by_what_they_are(sandbox: Sandbox, client: httpx.Client) -> None:
    accounts = sandbox.world.accounts
    for field, parameter in [("status", "status"), ("type", "account_type"), ("name", "name"), ("parent", "parent")]:
        for value in {account[field] for account in accounts} - {None}:
            expected = [account["id"] for account in accounts if account[field] == value]
            check(sandbox, client, "accounts", expected, **{parameter: value})
    for currency in ("bitcoin", "ethereum"):
        expected = [account["id"] for account in accounts if account["currency"] == currency]
        check(sandbox, client, "accounts", expected, currency=currency)
    token = next(account for account in accounts if account["contract_address"])
    pair = (token["currency"], token["contract_address"])
    expected = [account["id"] for account in accounts if (account["currency"], account["contract_address"]) == pair]
    check(sandbox, client, "accounts", expected, currency=":".join(pair))


def test_accounts_by_who_belongs_to_them(sandbox: Sandbox, client: httpx.Client) -> None:
    world = sandbox.world
    named = {account["id"]: parties(account, world) for account in world.accounts}
    group = next(iter(named[world.accounts[0]["id"]][0]))
    check(sandbox, client, "accounts", [key for key, (groups, _, _) in named.items() if group in groups], group=group)
    user = next(iter(named[world.accounts[0]["id"]][1]))
    check(sandbox, client, "accounts", [key for key, (_, users, _) in named.items() if user in users], user=user)
    entities = [entity for entity in world.entities if entity["accounts"]][:2]
    tied = {account for entity in entities for account in entity["accounts"]}
    check(sandbox, client, "accounts", sorted(tied), entity=[entity["id"] for entity in entities])
    label = next(account["labels"] for account in world.accounts if account["labels"])[0]["id"]
    labelled = [account["id"] for account in world.accounts if label in [entry["id"] for entry in account["labels"]]]
    check(sandbox, client, "accounts", labelled, account_label=label)


def test_children_of_an_account(sandbox: Sandbox, client: httpx.Client) -> None:
    accounts = sandbox.world.accounts
    parent = next(account["parent"] for account in accounts if account["type"] == "Erc20")
    expected = [account["id"] for account in accounts if account["parent"] == parent and account["type"] == "Erc20"]
    path = f"/accounts/{parent}/erc20-children-accounts"
    assert ids(client, path) == list(reversed(expected))
    assert ids(client, path, status="REJECTED") == []


def test_transactions_by_their_fields(sandbox: Sandbox, client: httpx.Client) -> None:
    nodes = list(sandbox.world.transactions)
    for parameter, field in [
        ("type", "type"),
        ("status", "status"),
        ("recipient", "recipient"),
        ("tx_hash", "tx_hash"),
    ]:
        for value in sorted({node[field] for node in nodes} - {None})[:5]:
            expected = [node["id"] for node in nodes if node[field] == value]
            check(sandbox, client, "transactions", expected, **{parameter: value})
    kind = next(node["interaction_type"] for node in nodes if node["interaction_type"])
    expected = [node["id"] for node in nodes if node["interaction_type"] == kind]
    check(sandbox, client, "transactions", expected, interaction_type=kind)


def test_transactions_by_several_values(sandbox: Sandbox, client: httpx.Client) -> None:
    nodes = list(sandbox.world.transactions)
    wanted = ["PENDING_APPROVAL", "REJECTED"]
    check(sandbox, client, "transactions", [node["id"] for node in nodes if node["status"] in wanted], status=wanted)
    accounts = sorted({node["account_id"] for node in nodes})[:2]
    found = [node["id"] for node in nodes if node["account_id"] in accounts]
    check(sandbox, client, "transactions", found, account=accounts)


def test_transactions_by_currency_and_token(sandbox: Sandbox, client: httpx.Client) -> None:
    nodes, accounts = list(sandbox.world.transactions), {node["id"]: node for node in sandbox.world.accounts}
    check(
        sandbox,
        client,
        "transactions",
        [node["id"] for node in nodes if node["currency"] in {"bitcoin", "solana"}],
        currency=["bitcoin", "solana"],
    )
    token = next(node for node in nodes if accounts[node["account_id"]]["contract_address"])
    contract = accounts[token["account_id"]]["contract_address"]
    expected = [node["id"] for node in nodes if accounts[node["account_id"]]["contract_address"] == contract]
    check(sandbox, client, "transactions", expected, currency=f"{token['currency']}:{contract}")


def test_transactions_by_amount(sandbox: Sandbox, client: httpx.Client) -> None:
    nodes = list(sandbox.world.transactions)
    low, high = 10**6, 2**64
    expected = [node["id"] for node in nodes if (value := number(node)) is not None and low <= value <= high]
    check(sandbox, client, "transactions", expected, min_amount=low, max_amount=high)
    above = [node["id"] for node in nodes if (value := number(node)) is not None and value >= 2**64]
    check(sandbox, client, "transactions", above, min_amount=2**64)


def test_transactions_by_text_of_their_notes(sandbox: Sandbox, client: httpx.Client) -> None:
    nodes = list(sandbox.world.transactions)
    word = next(node["notes"][0]["title"] for node in nodes if node["notes"]).split()[0]
    expected = [node["id"] for node in nodes if word.lower() in about(node)]
    for parameter in ("title", "label"):
        check(sandbox, client, "transactions", expected, **{parameter: word.upper()})


def test_transactions_by_label(sandbox: Sandbox, client: httpx.Client) -> None:
    nodes = list(sandbox.world.transactions)
    label = next(node["labels"][0]["id"] for node in nodes if node["labels"])
    expected = [node["id"] for node in nodes if label in [entry["id"] for entry in node["labels"]]]
    check(sandbox, client, "transactions", expected, tx_label=label)


def test_transactions_by_destination_tag_and_memo(sandbox: Sandbox, client: httpx.Client) -> None:
    nodes = list(sandbox.world.transactions)
    tags = {node["id"]: (node["coin_fields"] or {}).get("destination_tag") for node in nodes}
    tag = next(value for value in tags.values() if value is not None)
    check(sandbox, client, "transactions", [key for key, value in tags.items() if value == tag], destination_tag=tag)
    memos = {node["id"]: (node["coin_fields"] or {}).get("memo") for node in nodes}
    for memo in [value for value in memos.values() if value][:3]:
        text = str(next(value for key, value in memo.items() if key != "type"))
        same = [key for key, value in memos.items() if value and text in [str(part) for part in value.values()]]
        check(sandbox, client, "transactions", same, memo=text)


@pytest.mark.parametrize("field", ["status", "type", "target_type"])
def test_requests_by_their_fields(sandbox: Sandbox, client: httpx.Client, field: str) -> None:
    nodes = sandbox.world.requests
    values = sorted({node[field] for node in nodes})[:2]
    expected = [node["id"] for node in nodes if node[field] in values]
    check(sandbox, client, "requests", expected, **{field: values})


@pytest.mark.parametrize("parameter", ["pending_by", "approved_by", "rejected_by"])
def test_requests_by_who_acted_or_has_to(sandbox: Sandbox, client: httpx.Client, parameter: str) -> None:
    acted = getattr(sandbox.world, parameter)
    user = next(users[0] for users in acted.values() if users)
    expected = sorted(request for request, users in acted.items() if user in users)
    check(sandbox, client, "requests", expected, **{parameter: user})


def test_requests_by_target_and_creator(sandbox: Sandbox, client: httpx.Client) -> None:
    nodes = sandbox.world.requests
    target, creator = nodes[0]["target_id"], next(node["created_by"] for node in nodes if node["created_by"])
    expected = [node["id"] for node in nodes if node["target_id"] == target]
    check(sandbox, client, "requests", expected, target_id=target)
    expected = [node["id"] for node in nodes if node["created_by"] == creator]
    check(sandbox, client, "requests", expected, created_by=creator)


def test_users_by_role_status_group_and_account(sandbox: Sandbox, client: httpx.Client) -> None:
    world = sandbox.world
    for field in ("role", "status", "username"):
        value = world.users[-3][field] if field != "role" else "OPERATOR"
        check(
            sandbox, client, "users", [user["id"] for user in world.users if user[field] == value], **{field: value}
        )
    group = next(group for group in world.groups if group["members"])
    check(sandbox, client, "users", sorted(set(group["members"]) - {None}), group=group["id"])
    account = world.accounts[0]
    check(sandbox, client, "users", sorted(parties(account, world)[1]), account=account["id"])


def test_groups_and_whitelists_by_text_and_members(sandbox: Sandbox, client: httpx.Client) -> None:
    world = sandbox.world
    for section in ("groups", "whitelists"):
        nodes = getattr(world, section)
        word = next(node["description"] for node in nodes if node["description"]).split()[-1]
        expected = [node["id"] for node in nodes if word.lower() in (node["description"] or "").lower()]
        check(sandbox, client, section, expected, description=word.upper())
        expected = [node["id"] for node in nodes if node["name"] == nodes[0]["name"]]
        check(sandbox, client, section, expected, name=nodes[0]["name"])
        expected = [node["id"] for node in nodes if node["status"] in {"PENDING", "REJECTED"}]
        check(sandbox, client, section, expected, status=["PENDING", "REJECTED"])
    member = next(member for member in world.groups[1]["members"] if member)
    expected = [group["id"] for group in world.groups if member in group["members"]]
    check(sandbox, client, "groups", expected, members=member)
    address = world.whitelists[0]["addresses"][0]["address"]
    expected = [
        node["id"] for node in world.whitelists if address in [entry["address"] for entry in node["addresses"]]
    ]
    check(sandbox, client, "whitelists", expected, address=address)
    account = next(account for account in world.accounts if parties(account, world)[2])
    check(sandbox, client, "whitelists", sorted(parties(account, world)[2]), account=account["id"])


def test_entities_messages_digests_and_labels(sandbox: Sandbox, client: httpx.Client) -> None:
    world = sandbox.world
    account = world.entities[0]["accounts"][0]
    expected = [node["id"] for node in world.entities if account in node["accounts"]]
    check(sandbox, client, "entities", expected, account=account)
    for section in ("messages", "digests"):
        nodes = getattr(world, section)
        expected = [node["id"] for node in nodes if node["status"] == nodes[0]["status"]]
        check(sandbox, client, section, expected, status=nodes[0]["status"])
    expected = [node["id"] for node in world.messages if node["message_type"] == "EIP-712"]
    check(sandbox, client, "messages", expected, message_type="EIP712")
    check(sandbox, client, "labels", [world.labels[0]["id"]], name=world.labels[0]["name"])


def test_pledges_by_state_account_and_parties(sandbox: Sandbox, client: httpx.Client) -> None:
    nodes = sandbox.world.pledges
    states = ["PLEDGE_READY", "PLEDGE_CONSUMED"]
    check(sandbox, client, "pledges", [node["id"] for node in nodes if node["state"] in states], state=states)
    first = nodes[0]
    expected = [node["id"] for node in nodes if node["exchange"]["id"] == first["exchange"]["id"]]
    check(sandbox, client, "pledges", expected, exchange_id=first["exchange"]["id"])
    expected = [node["id"] for node in nodes if node["account_id"] == first["account_id"]]
    check(sandbox, client, "pledges", expected, account_id=first["account_id"])


@pytest.mark.parametrize("field", ["id", "created_on", "fees", "status", "amount", "broadcast_on"])
def test_a_listing_is_ordered_by_any_plain_field(sandbox: Sandbox, client: httpx.Client, field: str) -> None:
    nodes = {node["id"]: node for node in sandbox.world.transactions}
    found = ids(client, "/transactions", order="asc", order_by=field)
    values = [nodes[identifier][field] for identifier in found]
    present = [value for value in values if value is not None]
    numbers = field in {"amount", "fees"}
    assert present == sorted(present, key=Decimal if numbers else None)
    assert values[: len(values) - len(present)] == [None] * (len(values) - len(present))
    assert ids(client, "/transactions", order="desc", order_by=field) == list(reversed(found))


@pytest.mark.parametrize("size", [0, -1, 100, 5000])
def test_a_page_is_cut_to_the_maximum(client: httpx.Client, size: int) -> None:
    body = client.get("/transactions", params={"page_size": size}).json()
    assert len(body["edges"]) == 100
    assert body["page_info"] == {"count": 600, "has_next_page": True}


def test_a_page_has_twenty_rows_and_cursors_count_through(client: httpx.Client) -> None:
    body = client.get("/transactions", params={"page": 3}).json()
    assert [edge["cursor"] for edge in body["edges"]] == list(range(40, 60))


def test_beyond_the_last_page_there_is_nothing(client: httpx.Client) -> None:
    body = client.get("/transactions", params={"page": 31}).json()
    assert body == {"edges": [], "page_info": {"count": 600, "has_next_page": False}}
    last = client.get("/transactions", params={"page": 30}).json()
    assert (len(last["edges"]), last["page_info"]["has_next_page"]) == (20, False)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/transactions?page=0", 400),
        ("/transactions?page_size=-2", 400),
        ("/transactions?page_size=many", 400),
        ("/transactions?status=DONE", 400),
        ("/transactions?type=SEND&type=RECEIVE", 400),
        ("/transactions?created_after=yesterday", 400),
        ("/transactions?min_amount=1e18", 400),
        ("/transactions?min_amount=-1", 400),
        ("/transactions?account=one", 400),
        ("/transactions?order=up", 400),
        ("/transactions?order_by=nothing", 400),
        ("/transactions?order_by=notes", 400),
        ("/transactions?colour=red", 400),
        ("/users?role=READ_ONLY_API_KEY", 400),
        ("/messages?message_type=EIP-191", 400),
        ("/pledges?order=asc", 400),
        ("/pledges?account_id=-1", 400),
        ("/accounts?colour=red", 404),
        ("/accounts/one", 400),
        ("/accounts/987654", 404),
        ("/pledges/987654", 404),
    ],
)
def test_bad_values_are_refused_with_an_error_body(client: httpx.Client, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert set(answer.json()) == {"message", "name", "status_code"}
    assert answer.json()["status_code"] == status


def test_times_without_offset_are_utc(client: httpx.Client) -> None:
    plain = NOW.replace(tzinfo=None).isoformat()
    aware = datetime.fromisoformat(plain + "+00:00").isoformat()
    both = [client.get("/transactions", params={"created_before": text}).json() for text in (plain, aware)]
    assert both[0] == both[1]
    assert both[0]["page_info"]["count"] == 600
