"""What only a LAM takes: its users, labels, transactions by the name of their account, and stakes."""

from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import pytest
from conformance.contract import LAM_FILE, document

from ledgerkit.sandbox import Sandbox

from .conftest import NOW, HandClock, log_in
from .test_answers_match_contract import definitions, needs_contract, plain

Node = dict[str, Any]

UUID = "dbb3a760-b876-4400-afa1-9d435bfd33be"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(transactions=250, now=NOW, clock=HandClock(), pace=0) as running:
        yield running


@pytest.fixture(scope="module")
def lam(sandbox: Sandbox) -> Iterator[httpx.Client]:
    """The LAM's operator, who acts for the API user 27."""
    with httpx.Client(base_url=sandbox.url, headers={"X-Ledger-API-User": sandbox.credentials.lam_user}) as opened:
        yield opened


def matches(operation: tuple[str, str], body: Any) -> list[str]:
    """Hold an answer against what the LAM's operation promises, with the vault's schema where that says more."""
    path, method = operation
    contract = document(LAM_FILE)
    content = contract["paths"][path][method]["responses"]["200"]["content"]["application/json"]
    schemas = {**definitions(), **{name: plain(found) for name, found in contract["components"]["schemas"].items()}}
    validator = jsonschema.Draft202012Validator({**plain(content.get("schema", {})), "$defs": schemas})
    problems = [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(body)]
    if "example" in content:
        problems += [f"no {name}" for name in content["example"] if name not in body]
    return problems


def vault_problems(schema: str, body: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator({"$ref": f"#/$defs/{schema}", "$defs": definitions()})
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(body)]


def account_named(sandbox: Sandbox, name: str) -> Node:
    return next(node for node in sandbox.world.accounts if node["name"] == name)


def refusal(answer: httpx.Response, status: int = 400) -> str:
    assert answer.status_code == status, answer.text
    message: str = answer.json()["message"]
    return message


# Users


@needs_contract
def test_a_user_is_made_found_and_registered_with_the_api_key_alone() -> None:
    with (
        Sandbox(transactions=250, now=NOW, lam_api_key=True) as sandbox,
        httpx.Client(base_url=sandbox.url) as client,
    ):
        assert client.post("/api_users", json={"name": "desk_bot"}).status_code == 401
        client.headers["X-Ledger-API-Key"] = sandbox.credentials.lam_api_key
        made = client.post("/api_users", json={"name": "desk_bot"}).raise_for_status().json()
        assert matches(("/api_users", "post"), made) == []
        assert client.get("/api_users/desk_bot").json() == made
        assert made in client.get("/api_users").json()["api_users"]
        assert client.post(f"/api_users/desk_bot/register/{UUID}").json() == {"success": True}
        assert "exists already" in refusal(client.post("/api_users", json={"name": "desk_bot"}))
        assert client.post(f"/api_users/nobody/register/{UUID}").status_code == 404
        assert "url_id" in refusal(client.post("/api_users/desk_bot/register/7"))


@pytest.mark.parametrize("name", ["", "two words", "x" * 21, 7, None])
def test_a_name_of_a_user_has_1_to_20_word_characters(lam: httpx.Client, name: Any) -> None:
    assert "'name'" in refusal(lam.post("/api_users", json={"name": name}))


# Labels


@needs_contract
def test_a_label_is_made_tied_taken_off_and_deleted(lam: httpx.Client) -> None:
    body = {"name": "Year end", "info": {"color": "#fe3423", "description": "Closing"}}
    label = lam.post("/labels", json=body).raise_for_status().json()
    assert matches(("/labels", "post"), label) == []
    assert vault_problems("Label", label) == []
    assert lam.get(f"/labels/{label['id']}").json() == label
    assert "exists already" in refusal(lam.post("/labels", json=body))
    lite = {name: label[name] for name in ("id", "name", "info")}

    for path, filtered in (("/accounts/1", "account_label"), ("/transactions/5", "tx_label")):
        before = lam.get(path).json()["labels"]
        for _ in range(2):  # to tie it again changes nothing
            tied = lam.post(f"{path}/labels", json={"label_id": label["id"]})
            assert tied.json() == {"success": True}
        assert lam.get(path).json()["labels"] == [*before, lite]
        listing = path.rpartition("/")[0]
        found = lam.get(listing, params={filtered: label["id"]}).json()["edges"]
        assert [edge["node"]["id"] for edge in found] == [int(path.rpartition("/")[2])]
        assert lam.delete(f"{path}/labels/{label['id']}").json() == {"success": True}
        assert lam.get(path).json()["labels"] == before
        assert lam.delete(f"{path}/labels/{label['id']}").status_code == 404
        lam.post(f"{path}/labels", json={"label_id": label["id"]})

    count = lam.get("/labels").json()["page_info"]["count"]
    assert lam.delete(f"/labels/{label['id']}").json() == {"success": True}
    assert lam.get("/labels").json()["page_info"]["count"] == count - 1
    assert lam.get(f"/labels/{label['id']}").status_code == 404
    assert lam.delete(f"/labels/{label['id']}").status_code == 404
    for path in ("/accounts/1", "/transactions/5"):
        assert lite not in lam.get(path).json()["labels"]
    lam.post("/labels", json=body).raise_for_status()  # its name is free again


@needs_contract
def test_a_label_needs_neither_colour_nor_description(lam: httpx.Client) -> None:
    made = lam.post("/labels", json={"name": "Bare", "info": {}}).raise_for_status().json()
    assert vault_problems("Label", made) == []
    assert "info.color" in refusal(lam.post("/labels", json={"name": "Odd", "info": {"color": 7}}))


def test_labels_and_what_carries_them_have_to_exist(lam: httpx.Client) -> None:
    assert lam.post("/accounts/1/labels", json={"label_id": 999}).status_code == 404
    assert lam.post("/accounts/999/labels", json={"label_id": 1}).status_code == 404
    assert lam.post("/transactions/99999/labels", json={"label_id": 1}).status_code == 404
    assert "'label_id'" in refusal(lam.post("/accounts/1/labels", json={"label_id": "1"}))
    assert "'info'" in refusal(lam.post("/labels", json={"name": "x"}))


# Transactions


def listed(sandbox: Sandbox, currency: str) -> str:
    """An address that the whitelist of the test accounts holds."""
    book = next(node for node in sandbox.world.whitelists if node["name"] == "Test faucets")
    address: str = next(row["address"] for row in book["addresses"] if row["currency"] == currency)
    return address


def payment(sandbox: Sandbox, **changes: Any) -> Node:
    return {
        "account_name": "TBTC Test 1",
        "amount": "10000",
        "max_fees": "60000",
        "note": {"title": "Invoice 42", "content": "March"},
        "recipient": listed(sandbox, "bitcoin_testnet"),
        "speed": "NORMAL",
    } | changes


def repeated(body: Node) -> Node:
    return {name: body[name] for name in ("account_name", "amount", "max_fees", "recipient")}


@needs_contract
def test_a_transaction_is_made_by_name_and_approved_by_repeating_it(sandbox: Sandbox, lam: httpx.Client) -> None:
    body = payment(sandbox, coin_fields={"utxo_picking_strategy": "MERGE_OUTPUTS"})
    made = lam.post("/transactions", json=body).raise_for_status().json()
    assert matches(("/transactions", "post"), made) == []
    assert vault_problems("Transaction", made) == []
    assert made["status"] == "PENDING_APPROVAL"
    assert {name: made[name] for name in ("amount", "max_fees", "recipient", "speed", "notes", "created_by")} == {
        "amount": "10000",
        "max_fees": "60000",
        "recipient": body["recipient"],
        "speed": "NORMAL",
        "notes": [body["note"]],
        "created_by": 27,
    }
    assert made["coin_fields"]["utxo_picking_strategy"] == "MERGE_OUTPUTS"

    approval = repeated(body) | {"coin_fields": {"utxo_picking_strategy": "MERGE_OUTPUTS"}}
    approved = lam.post(f"/transactions/{made['id']}/approve", json=approval).raise_for_status().json()

    assert matches(("/transactions/{transaction_id}/approve", "post"), approved) == []
    assert approved["status"] == "PENDING_APPROVAL", "the next step has its own approver"
    assert lam.get("/requests", params={"approved_by": 27, "target_id": made["id"]}).json()["page_info"]["count"] == 1
    sandbox.colleagues.approve(made["last_request"])
    assert lam.get(f"/transactions/{made['id']}").json()["status"] == "CONFIRMED"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("account_name", "BTC Treasury 1"),
        ("amount", "10001"),
        ("amount", "010000"),
        ("amount", 10000),
        ("amount", None),
        ("max_fees", "60001"),
        ("max_fees", None),
        ("recipient", "tb1q9wexw9pzjklj7yqld6g3lejxzr0wgvwhzx0nek"),
        ("coin_fields", {"utxo_picking_strategy": "DEEP_OUTPUTS_FIRST"}),
    ],
)
def test_an_approval_that_differs_is_refused_and_counts_nothing(
    sandbox: Sandbox, lam: httpx.Client, field: str, value: Any
) -> None:
    body = payment(sandbox, coin_fields={"utxo_picking_strategy": "MERGE_OUTPUTS"})
    made = lam.post("/transactions", json=body).raise_for_status().json()
    message = refusal(lam.post(f"/transactions/{made['id']}/approve", json=repeated(body) | {field: value}))
    assert field in message
    assert body["recipient"] not in message, "what would have fitted is not told"
    assert lam.get("/requests", params={"approved_by": 27, "target_id": made["id"]}).json()["page_info"]["count"] == 0


def test_an_approval_without_amount_or_ceiling_is_refused(sandbox: Sandbox, lam: httpx.Client) -> None:
    body = payment(sandbox)
    made = lam.post("/transactions", json=body).raise_for_status().json()
    for field in ("amount", "max_fees"):
        short = {name: value for name, value in repeated(body).items() if name != field}
        assert field in refusal(lam.post(f"/transactions/{made['id']}/approve", json=short))


def test_nobody_approves_twice_or_what_is_done(sandbox: Sandbox, lam: httpx.Client) -> None:
    body = payment(sandbox)
    made = lam.post("/transactions", json=body).raise_for_status().json()
    path = f"/transactions/{made['id']}/approve"
    lam.post(path, json=repeated(body)).raise_for_status()
    sandbox.colleagues.approve(made["last_request"])
    assert "CONFIRMED" in refusal(lam.post(path, json=repeated(body)))
    assert lam.post("/transactions/99999/approve", json=repeated(body)).status_code == 404


def test_a_lam_rejects_a_transaction_without_a_body(sandbox: Sandbox, lam: httpx.Client) -> None:
    made = lam.post("/transactions", json=payment(sandbox)).raise_for_status().json()
    rejected = lam.post(f"/transactions/{made['id']}/reject").raise_for_status().json()
    assert rejected["status"] == "REJECTED"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"account_name": "No such account"}, "account_name"),
        ({"account_name": "ATOM Treasury"}, "account_name"),
        ({"account_id": 1}, "account_id"),
        ({"amount": None}, "amount"),
        ({"amount": "1e3"}, "amount"),
        ({"amount": "-5"}, "amount"),
        ({"max_fees": 60000}, "max_fees"),
        ({"max_fees": "1"}, "max_fees"),
        ({"recipient": "tb1qnowhere"}, "recipient"),
        ({"speed": "RAPID"}, "speed"),
        ({"speed": "NORMAL", "coin_fields": {"fees_per_byte": "9"}}, "speed"),
        ({"speed": "CUSTOM"}, "fees_per_byte"),
        ({"coin_fields": {"utxo_picking_strategy": "ANY"}}, "utxo_picking_strategy"),
        ({"coin_fields": {"colour": "red"}}, "colour"),
        ({"note": {"title": 7, "content": ""}}, "note.title"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_transaction_is_refused_with_the_field(
    sandbox: Sandbox, lam: httpx.Client, changes: Node, named: str
) -> None:
    assert named in refusal(lam.post("/transactions", json=payment(sandbox, **changes)))


@pytest.mark.parametrize(
    ("account", "currency", "changes"),
    [
        ("ETH Sepolia Test", "ethereum_sepolia", {"amount": "1000", "max_fees": "9" + "0" * 17}),
        ("WND Test", "westend", {"amount": "1000", "max_fees": "0"}),
    ],
)
def test_other_chains_are_sent_by_the_same_body(
    sandbox: Sandbox, lam: httpx.Client, account: str, currency: str, changes: Node
) -> None:
    recipient = listed(sandbox, currency)
    body = payment(sandbox, account_name=account, recipient=recipient, **changes)
    made = lam.post("/transactions", json=body).raise_for_status().json()
    assert (made["amount"], made["recipient"]) == ("1000", recipient)
    lam.post(f"/transactions/{made['id']}/approve", json=repeated(body)).raise_for_status()


# Stakes


@needs_contract
def test_a_stake_on_ethereum_is_a_transaction_to_the_deposit_contract(sandbox: Sandbox, lam: httpx.Client) -> None:
    account = account_named(sandbox, "ETH Staking")
    path = f"/ethereum/accounts/{account['id']}/stakes"
    body: Node = {"max_fees": "9" + "0" * 16, "provider": "kiln", "provider_fields": {}, "speed": "NORMAL"}
    made = lam.post(path, json=body).raise_for_status().json()
    assert matches(("/ethereum/accounts/{account_id}/stakes", "post"), made) == []
    assert (made["type"], made["amount"], made["status"]) == ("STAKE", "32" + "0" * 18, "PENDING_APPROVAL")
    for changes, named in (
        ({"provider": "other"}, "provider"),
        ({"provider_fields": None}, "provider_fields"),
        ({"speed": "CUSTOM"}, "gas_limit"),
        ({"speed": "CUSTOM", "gas_limit": "0.9", "gas_price": "1"}, "gas_limit"),
        ({"max_fees": 5}, "max_fees"),
        ({"max_fees": "9" + "0" * 21}, "Insufficient funds"),
    ):
        assert named in refusal(lam.post(path, json=body | changes))
    other = account_named(sandbox, "SOL Staking")["id"]
    assert "ethereum" in refusal(lam.post(f"/ethereum/accounts/{other}/stakes", json=body))


@needs_contract
def test_a_stake_on_solana_is_deactivated_by_repeating_it(sandbox: Sandbox, lam: httpx.Client) -> None:
    account = account_named(sandbox, "SOL Staking")
    root = f"/solana/accounts/{account['id']}/stakes"
    stakes = [edge["node"] for edge in lam.get(root).json()["edges"]]
    stake = next(node for node in stakes if node["status"] == "ACTIVE")
    actions = f"{root}/{stake['id']}/actions"
    body = {"account_name": account["name"], "stake_account": stake["blockchain_state"]["pub_key"]}
    assert "stake_account" in refusal(lam.post(f"{actions}/deactivate", json={"stake_account": "other"}))
    assert "account_name" in refusal(lam.post(f"{actions}/deactivate", json=body | {"account_name": "Other"}))

    asked = lam.post(f"{actions}/deactivate", json=body).raise_for_status().json()

    assert vault_problems("_SolanaStake", asked) == []
    assert asked["status"] == "ACTIVE"
    request = lam.get(f"/requests/{asked['last_request']}").json()
    assert (request["type"], request["status"]) == ("CREATE_TRANSACTION", "PENDING_APPROVAL")
    assert lam.get(f"/transactions/{request['target_id']}").json()["type"] == "STAKE_DEACTIVATE"
    assert "waits for request" in refusal(lam.post(f"{actions}/deactivate", json=body))

    approval: Node = {
        "amount": int(stake["amount"]),
        "request_id": asked["last_request"],
        "validator": stake["validator"],
    }
    for changes, named in (
        ({"amount": int(stake["amount"]) + 1}, "amount"),
        ({"validator": "other"}, "validator"),
        ({"request_id": 1}, "request_id"),
    ):
        assert named in refusal(lam.post(f"{actions}/deactivate/approve", json=approval | changes))
    assert "staking_action" in refusal(lam.post(f"{actions}/withdraw/approve", json=approval))
    lam.post(f"{actions}/deactivate/approve", json=approval).raise_for_status()
    sandbox.colleagues.approve(asked["last_request"], count=2)
    after = next(edge["node"] for edge in lam.get(root).json()["edges"] if edge["node"]["id"] == stake["id"])
    assert (after["status"], after["blockchain_state"]["status"]) == ("DEACTIVATING", "deactivating")
    assert "DEACTIVATING" in refusal(lam.post(f"{actions}/deactivate", json=body))


@needs_contract
def test_a_delegation_on_tezos_is_taken_back(sandbox: Sandbox, lam: httpx.Client) -> None:
    account = account_named(sandbox, "XTZ Staking")
    path = f"/tezos/accounts/{account['id']}/stake/actions/undelegate"
    body: Node = {"account_name": account["name"], "max_fees": "5478", "speed": "NORMAL"}
    assert "account_name" in refusal(lam.post(path, json=body | {"account_name": "Other"}))
    asked = lam.post(path, json=body).raise_for_status().json()
    assert vault_problems("_TezosStake", asked) == []
    request = lam.get(f"/requests/{asked['last_request']}").json()
    transaction = lam.get(f"/transactions/{request['target_id']}").json()
    assert transaction["type"] == "UNDELEGATE"
    approval = {"account_name": account["name"], "amount": "0", "max_fees": "5478", "recipient": None}
    lam.post(f"/transactions/{transaction['id']}/approve", json=approval).raise_for_status()
    sandbox.colleagues.approve(request["id"], count=2)
    listed = [edge["node"] for edge in lam.get(f"/tezos/accounts/{account['id']}/stakes").json()["edges"]]
    assert next(node["status"] for node in listed if node["id"] == asked["id"]) == "DEACTIVATED"
    assert "delegates to nobody" in refusal(lam.post(path, json=body))


# Other callers


def lam_calls() -> list[tuple[str, str]]:
    return [
        ("POST", "/transactions"),
        ("POST", "/transactions/1/approve"),
        ("POST", "/labels"),
        ("DELETE", "/labels/1"),
        ("POST", "/accounts/1/labels"),
        ("DELETE", "/accounts/1/labels/1"),
        ("POST", "/transactions/1/labels"),
        ("DELETE", "/transactions/1/labels/1"),
        ("POST", "/ethereum/accounts/12/stakes"),
        ("POST", "/solana/accounts/28/stakes/3/actions/deactivate"),
        ("POST", "/solana/accounts/28/stakes/3/actions/deactivate/approve"),
        ("POST", "/tezos/accounts/25/stake/actions/undelegate"),
    ]


def test_the_cloud_has_no_route_for_what_is_the_lams(sandbox: Sandbox) -> None:
    with httpx.Client(base_url=sandbox.url) as client:
        log_in(client, sandbox)
        assert [client.request(method, path, json={}).status_code for method, path in lam_calls()] == [404] * 12
    key = {
        "X-Ledger-Workspace": sandbox.world.workspace,
        "X-Ledger-Reporting-API-Key": sandbox.credentials.reporting_keys[0].key,
    }
    with httpx.Client(base_url=sandbox.url, headers=key) as client:
        assert [client.request(method, path, json={}).status_code for method, path in lam_calls()] == [403] * 12


def test_a_lam_user_without_a_user_in_the_workspace_only_reads(sandbox: Sandbox) -> None:
    headers = {"X-Ledger-API-User": "sandbox_reporting"}
    with httpx.Client(base_url=sandbox.url, headers=headers) as client:
        assert client.get("/accounts").status_code == 200
        assert [client.request(method, path, json={}).status_code for method, path in lam_calls()] == [403] * 12


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff"])
def test_a_body_that_is_no_json_is_refused(lam: httpx.Client, content: bytes) -> None:
    answer = lam.post("/transactions", content=content, headers={"Content-Type": "application/json"})
    assert "not JSON" in refusal(answer)
