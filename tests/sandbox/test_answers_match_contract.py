"""Every read of the contract is asked of the sandbox, plainly and with sampled filters, and its answer validated."""

import os
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import yaml

from ledgerkit.sandbox import Sandbox

Schema = dict[str, Any]
Contract = dict[str, Any]

SAMPLES_PER_OPERATION = 4
# What the service answers against its own schema, as its documentation shows: path, and the schema that it meets.
INTEGER_BALANCES: Schema = {"type": ["integer", "string"]}


@cache
def contract() -> Contract | None:
    folder = os.environ.get("LEDGERKIT_CONTRACT")
    root = Path(folder) if folder else Path(__file__).parents[2].parent / "shared" / "contract"
    found = sorted(root.glob("vault-api-*.yaml"))
    if not found:
        return None
    loaded: Contract = yaml.safe_load(found[-1].read_text(encoding="utf-8"))
    return loaded


def reads() -> list[str]:
    known = contract()
    return [] if known is None else [path for path, methods in known["paths"].items() if "get" in methods]


needs_contract = pytest.mark.skipif(
    contract() is None, reason="the contract is neither at ../shared/contract nor at LEDGERKIT_CONTRACT"
)


def plain(node: Any) -> Any:
    """Turn OpenAPI 3.0 into JSON Schema: nullable becomes a type, and ambiguous alternatives may overlap."""
    if isinstance(node, list):
        return [plain(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {"$ref": node["$ref"].replace("#/components/schemas/", "#/$defs/")}
    made = {
        key: plain(value) for key, value in node.items() if key not in {"nullable", "example", "default", "oneOf"}
    }
    if "oneOf" in node:
        made["anyOf"] = plain(node["oneOf"])
    if isinstance(node.get("properties"), dict):
        made["properties"] = {name: plain(value) for name, value in node["properties"].items()}
    return {"anyOf": [made, {"type": "null"}]} if node.get("nullable") is True else made


@cache
def definitions() -> Schema:
    known = contract()
    assert known is not None
    made = {name: plain(schema) for name, schema in known["components"]["schemas"].items()}
    # the printed answer of /balances has bare integers where the schema says text
    for name in ("AccountBalances", "BitcoinBalances", "SolanaBalances"):
        for field, schema in made[name]["properties"].items():
            if schema.get("type") == "string":
                made[name]["properties"][field] = INTEGER_BALANCES
    # a JSON text, though typed as an object
    made["RequestWithChallenge"]["properties"]["challenge"] = {"type": ["string", "null"]}
    return made


def schema_of(path: str) -> Schema:
    known = contract()
    assert known is not None
    if path == "/settlements":
        # the document names the result of pledges here, a slip: the nodes are settlements
        edge = {
            "type": "object",
            "properties": {"node": {"$ref": "#/$defs/Settlement"}},
            "required": ["cursor", "node"],
        }
        info = {"$ref": "#/$defs/APISearchPageInfo"}
        found: Schema = {
            "properties": {"edges": {"items": edge}, "page_info": info},
            "required": ["edges", "page_info"],
        }
    else:
        content = known["paths"][path]["get"]["responses"]["200"]["content"]
        found = plain(next(iter(content.values()))["schema"])
        # the pattern leaves out the hyphen of base64url
        found.pop("pattern", None)
    return {**found, "$defs": definitions()}


def problems(path: str, body: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator(schema_of(path))
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(body)]


@pytest.fixture(scope="module")
def path_values(sandbox: Sandbox) -> dict[str, list[dict[str, Any]]]:
    """Real values of the path parameters, a few sets for each path that has some."""
    world = sandbox.world
    sections = {
        "digests_id": world.digests,
        "entity_id": world.entities,
        "group_id": world.groups,
        "label_id": world.labels,
        "message_id": world.messages,
        "parent_account_id": [node for node in world.accounts if node["type"] == "Ethereum"],
        "pledge_id": world.pledges,
        "request_id": [node for node in world.requests if node["id"] in world.challenges],
        "settlement_id": world.settlements,
        "transaction_id": world.transactions,
        "user_id": world.users,
        "whitelist_id": world.whitelists,
        "account_id": [node for node in world.accounts if node["status"] == "ACTIVE"],
    }
    values: dict[str, list[dict[str, Any]]] = {}
    for path in reads():
        names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        chain = path.split("/")[1]
        if not names:
            values[path] = [{}]
        elif chain in world.stakes:
            staking = [key for key, stakes in world.stakes[chain].items() if stakes]
            uids = {key: world.stakes[chain][key][0] for key in staking}
            values[path] = [
                {"account_id": key, "stake_uid": uids[key].get("stake_uid", uids[key].get("uid"))} for key in staking
            ]
        elif names[0] == "currency_name":
            address = next(node["address"] for node in world.accounts if node["address"])
            token = world.tokens[0]
            common = {"contract_address": token["contract_address"], "address": address}
            values[path] = [{"currency_name": token["parent_currency"], **common}]
        elif names == ["address"]:
            values[path] = [{"address": entry["address"]} for entry in world.whitelists[0]["addresses"]]
        elif "index" in names:
            utxo = [node["id"] for node in world.accounts if node["type"] == "Bitcoin" and node["status"] == "ACTIVE"]
            values[path] = [{"account_id": key, "index": 0} for key in utxo]
        else:
            values[path] = [{names[0]: node["id"]} for node in list(sections[names[0]])]
    return values


def sampled(path: str, values: list[dict[str, Any]], draw: random.Random) -> Iterator[dict[str, Any]]:
    """Draw combinations of query parameters from their schemas; texts come from nowhere and find little."""
    known = contract()
    assert known is not None
    parameters = [entry for entry in known["paths"][path]["get"].get("parameters", []) if entry["in"] == "query"]
    for _ in range(SAMPLES_PER_OPERATION if parameters else 0):
        chosen = draw.sample(parameters, min(len(parameters), draw.randint(1, 3)))
        yield {entry["name"]: value_for(entry, draw) for entry in chosen}


def value_for(parameter: dict[str, Any], draw: random.Random) -> Any:
    schema = parameter["schema"]
    if schema.get("type") == "array":
        return [scalar(parameter["name"], schema["items"], draw) for _ in range(draw.randint(1, 2))]
    return scalar(parameter["name"], schema, draw)


def scalar(name: str, schema: Schema, draw: random.Random) -> Any:
    if "enum" in schema:
        return draw.choice([value for value in schema["enum"] if value is not None])
    special = {"order_by": "id", "page": 1, "currency": "ethereum", "min_amount": "10.5", "max_amount": str(10**20)}
    if name in special:
        return special[name]
    if name in {"start", "end"}:
        return f"2026-0{draw.randint(1, 2) if name == 'start' else draw.randint(3, 5)}-01T00:00:00Z"
    if schema.get("format") == "date-time":
        return f"2026-0{draw.randint(1, 5)}-01T00:00:00Z"
    if schema.get("format") == "date":
        return f"2026-0{draw.randint(1, 5)}-01"
    return {"integer": draw.randint(1, 60), "boolean": draw.choice(["true", "false"])}.get(schema["type"], "5")


@needs_contract
@pytest.mark.parametrize("path", reads())
def test_an_answer_meets_its_schema(
    sandbox: Sandbox, client: httpx.Client, path_values: dict[str, list[dict[str, Any]]], path: str
) -> None:
    draw = random.Random(f"samples of {path}")
    candidates = path_values[path]
    assert candidates, f"the workspace has nothing for {path}"
    required = {"type": "receive"} if path.endswith("/address/{index}") else {}
    if path == "/notifications/configuration":
        hook = {"all": {"webhook": {"url": "https://example.com/hook", "secret": "s"}}}
        client.put(path, json=hook)
    # many accounts have no address of their own or no history of balances: 404 and 501 say so
    found = 0
    for values in draw.sample(candidates, min(len(candidates), 40)):
        answer = client.get(path.format(**values), params=required)
        if answer.status_code == 200:
            found += 1
            assert problems(path, answer.json()) == [], (path, values)
        else:
            assert answer.status_code in {404, 501}, (path, values, answer.text)
            assert problems_of_error(answer.json()) == []
    assert found
    for query in sampled(path, candidates, draw):
        values = draw.choice(candidates)
        answer = client.get(path.format(**values), params={**required, **query})
        assert answer.status_code in {200, 404, 501} or query.get("type") == "change", (path, query, answer.text)
        if answer.status_code == 200:
            assert problems(path, answer.json()) == [], (path, values, query)


def problems_of_error(body: Any) -> list[str]:
    schema = {"$ref": "#/$defs/Error", "$defs": definitions()}
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(body)]


@needs_contract
def test_every_read_has_a_route() -> None:
    from ledgerkit.sandbox.routes import ANSWERS

    served = {path for method, path in ANSWERS if method == "GET"}
    assert served == set(reads())


@needs_contract
def test_an_array_parameter_may_be_repeated_and_a_scalar_not(client: httpx.Client) -> None:
    known = contract()
    assert known is not None
    draw = random.Random("repeats")
    for path in reads():
        if "{" in path:
            continue
        for parameter in known["paths"][path]["get"].get("parameters", []):
            many = parameter["schema"].get("type") == "array"
            value = scalar(parameter["name"], parameter["schema"]["items"] if many else parameter["schema"], draw)
            answer = client.get(path, params={parameter["name"]: [value, value]})
            assert answer.status_code == (200 if many else 400), (path, parameter["name"], answer.text)
