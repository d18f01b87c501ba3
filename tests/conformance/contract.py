"""The contract: loading the two documents, and flattening the schemas of their answers to columns."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

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
