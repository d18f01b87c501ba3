"""The contract: loading the two documents, and flattening the schemas of their answers to columns."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ledgerkit.frames import FLAG, INTEGER, LIST, NUMBER, OBJECT, REFERENCE, TEXT, TIME

Schema = dict[str, Any]

FOLDER = Path(os.environ.get("LEDGERKIT_CONTRACT") or Path(__file__).parents[3] / "shared" / "contract")
VAULT_FILE = FOLDER / "vault-api-1.35.0.yaml"
LAM_FILE = FOLDER / "lam-operations.yaml"

needs_contract = pytest.mark.skipif(
    not VAULT_FILE.is_file() or not LAM_FILE.is_file(),
    reason="the contract is neither at ../shared/contract nor at LEDGERKIT_CONTRACT",
)

METHODS = ("get", "post", "put", "delete")
# How the contract marks a text that is a number.
NUMERIC_PATTERN = r"^[0-9]*(\.[0-9]+)?$"


@cache
def document(path: Path) -> dict[str, Any]:
    """Return a document of the contract; nothing where it is absent, so that tests can be collected without it."""
    if not path.is_file():
        return {"paths": {}, "components": {"schemas": {}}}
    with path.open(encoding="utf-8") as file:
        loaded: dict[str, Any] = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders
    return loaded


def operations(path: Path) -> dict[str, dict[str, Any]]:
    """Return the operations of a document by name, such as ``GET /accounts``."""
    return {
        f"{method.upper()} {template}": item[method]
        for template, item in document(path)["paths"].items()
        for method in METHODS
        if method in item
    }


def vault() -> dict[str, dict[str, Any]]:
    return operations(VAULT_FILE)


def lam() -> dict[str, dict[str, Any]]:
    return operations(LAM_FILE)


def reads() -> list[str]:
    """Return the names of the reads of the Vault API."""
    return [name for name in vault() if name.startswith("GET ")]


def writes() -> list[str]:
    """Return the names of the writes of both documents, but those that sign in or ask."""
    asked = {"POST /auth/token", "POST /auth/token/refresh", "POST /transactions/estimate-fees"}
    return [name for name in {**vault(), **lam()} if not name.startswith("GET ") and name not in asked]


def parameters(operation: str, place: str) -> dict[str, Schema]:
    """Return the schemas of the parameters in ``query`` or ``path``, by name."""
    given = vault()[operation].get("parameters", [])
    return {parameter["name"]: parameter["schema"] for parameter in given if parameter["in"] == place}


def enum(schema: Schema) -> list[str]:
    """Return the values that a schema, or the items of its lists, may have; null is not one of them."""
    return [value for value in schema.get("items", schema).get("enum", []) if value is not None]


def schemas() -> dict[str, Schema]:
    named: dict[str, Schema] = document(VAULT_FILE)["components"]["schemas"]
    return named


def answer(operation: str) -> Schema:
    """Return the schema of the body of a good answer."""
    content = vault()[operation]["responses"]["200"]["content"]
    schema: Schema = content["application/json"]["schema"]
    return schema


# Flattening


@dataclass(frozen=True)
class Leaf:
    """A field that holds no further fields: its path, where it is declared (``Account.balance``), and its schema."""

    path: tuple[str, ...]
    origin: str
    schema: Schema
    reference: bool = False

    @property
    def kind(self) -> str | None:
        """The kind of the column that the schema alone asks for; None for a text that is a number of some unit."""
        if self.reference:
            return REFERENCE
        if self.schema.get("format") == "date-time":
            return TIME
        if self.schema.get("pattern") == NUMERIC_PATTERN:
            return None
        kinds = {"array": LIST, "boolean": FLAG, "integer": INTEGER, "number": NUMBER, "object": OBJECT}
        return kinds.get(self.schema.get("type", "string"), TEXT)


def alternatives(schema: Schema, name: str) -> Iterator[tuple[str, Schema]]:
    """Return what a schema may stand for, references followed, each with the name of its declaration."""
    if "$ref" in schema:
        target = schema["$ref"].rpartition("/")[2]
        yield from alternatives(schemas()[target], target)
        return
    for group in ("allOf", "oneOf"):  # an allOf of this contract has one member: it is how a reference is nullable
        if group in schema:
            for member in schema[group]:
                yield from alternatives(member, name)
            return
    yield name, schema


def leaves(schema: Schema, name: str, path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Return every field of an object that holds no further fields, with all that it may stand for."""
    options = list(alternatives(schema, name))
    if {option.get("type") for _, option in options} == {"integer", "object"}:
        yield Leaf(path, name, {}, reference=True)  # the id of an object, or the whole object
        return
    for origin, option in options:
        if option.get("properties"):
            for field, inner in option["properties"].items():
                yield from leaves(inner, f"{origin}.{field}", (*path, field))
        else:
            yield Leaf(path, name if "." in name else origin, option)


def the(schema: Schema) -> Schema:
    """Return what a schema stands for, where that is one thing."""
    [(_, found)] = alternatives(schema, "")
    return found


def row(operation: str) -> Schema:
    """Return the schema of a row of an answer: a node of a page, a member of a list, or the answer itself."""
    schema = answer(operation)
    options = list(alternatives(schema, ""))
    if len(options) > 1:
        return schema
    whole = options[0][1]
    fields = whole.get("properties", {})
    if set(fields) == {"edges", "page_info"}:
        node: Schema = the(fields["edges"]["items"])["properties"]["node"]
        return node
    if len(fields) == 1:
        [only] = fields.values()
        if only.get("type") == "array":
            whole = only
    if whole.get("type") != "array":
        return schema
    while whole.get("type") == "array":  # histories are lists of lists
        schema = whole["items"]
        whole = next(option for _, option in alternatives(schema, ""))
    return schema


def columns(operation: str, schema: Schema | None = None) -> dict[str, list[Leaf]]:
    """Return the columns of the rows of an operation, each with everything that it may come from."""
    found: dict[str, list[Leaf]] = {}
    for leaf in leaves(schema or row(operation), operation):
        found.setdefault("_".join(leaf.path), []).append(leaf)  # as the kit joins nested names
    return found


# What a write sends


def problems_of_body(operation: str, body: Any) -> list[str]:
    """Return what is wrong with a body by the schema of its operation; no body is right where none is documented."""
    path = VAULT_FILE if operation in vault() else LAM_FILE
    documented = operations(path)[operation].get("requestBody")
    if documented is None:
        return [] if body is None else ["the operation takes no body"]
    [content] = documented["content"].values()
    named = {name: json_schema(schema) for name, schema in document(path)["components"]["schemas"].items()}
    schema = {**json_schema(content["schema"]), "$defs": named}
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(body)] + [
        f"$.{name}: no such field" for name in unknown_fields(body, content["schema"], path)
    ]


def json_schema(node: Any) -> Any:
    """Turn OpenAPI 3.0 into JSON Schema: nullable becomes a type."""
    if isinstance(node, list):
        return [json_schema(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {"$ref": node["$ref"].replace("#/components/schemas/", "#/$defs/")}
    made = {key: json_schema(value) for key, value in node.items() if key not in {"nullable", "example", "default"}}
    if isinstance(node.get("properties"), dict):  # a field may be called `default` or `example`
        made["properties"] = {name: json_schema(value) for name, value in node["properties"].items()}
    return {"anyOf": [made, {"type": "null"}]} if node.get("nullable") is True else made


def unknown_fields(body: Any, schema: Schema, path: Path, at: str = "") -> list[str]:
    """Return the fields that no alternative of a schema has: a service that is strict would refuse them."""
    if not isinstance(body, dict):
        return []
    fields: dict[str, list[Schema]] = {}
    free = True
    for option in options_of(schema, path):
        if "properties" in option:
            free = False
            for name, inner in option["properties"].items():
                fields.setdefault(name, []).append(inner)
    if free:  # an object of one's own
        return []
    found = []
    for name, value in body.items():
        inside = [unknown_fields(value, inner, path, f"{at}{name}.") for inner in fields.get(name, [])]
        fewest: list[str] = min(inside, key=len, default=[f"{at}{name}"])
        found += fewest
    return found


def options_of(schema: Schema, path: Path) -> Iterator[Schema]:
    """Return what a schema of a document may stand for, references followed."""
    if "$ref" in schema:
        yield from options_of(document(path)["components"]["schemas"][schema["$ref"].rpartition("/")[2]], path)
        return
    for group in ("allOf", "oneOf"):
        if group in schema:
            for member in schema[group]:
                yield from options_of(member, path)
            return
    yield schema
