"""Whatever the schema of an answer allows becomes a frame with the same values, or an error that names the field."""

import re
import string
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.calls import BY_OPERATION
from conformance.contract import NUMERIC_PATTERN, Leaf, Schema, alternatives, needs_contract, reads
from conformance.differences import KINDS, ONE_ROW_PER, ROWS, Difference, columns_of, row_of
from ledgerkit.errors import ContractViolation
from ledgerkit.frames import EXACT, FLAG, INTEGER, LIST, OBJECT, REFERENCE, TEXT, TIME

pytestmark = needs_contract

SETTINGS = settings(
    max_examples=25,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)

# Values

Draw = Callable[[st.SearchStrategy[Any]], Any]

NAMES = st.text(string.ascii_letters + string.digits + " _-/é中'", max_size=12)
NUMBERS = st.from_regex(r"[0-9]{1,60}(\.[0-9]{1,20})?", fullmatch=True)
TIMES = st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat)
# Texts that a schema allows where a number or a time is meant.
JUNK = st.sampled_from(["n/a", "zero", "12 ETH", "1_000", "٣", "Infinity", "0x10", "--1", "12,5"])
INTEGERS = st.one_of(st.integers(-100, 10**6), st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**256))
FRACTIONS = st.decimals(min_value=-(10**6), max_value=10**6, places=9)
OBJECTS = st.dictionaries(NAMES, NAMES | INTEGERS, max_size=2)
CHANCES = st.integers(0, 199)


def value(draw: Draw, schema: Schema, name: str) -> Any:
    """Draw what a schema allows; a text that counts or tells the time mostly does, though it may be any text."""
    if schema.get("nullable") and draw(st.booleans()):
        return None
    options = list(alternatives(schema, name))
    origin, found = options[draw(st.integers(0, len(options) - 1))] if len(options) > 1 else options[0]
    if found.get("properties"):
        required = found.get("required", [])
        return {
            field: value(draw, inner, f"{origin}.{field}")
            for field, inner in found["properties"].items()
            if field in required or draw(st.booleans())
        }
    if found.get("nullable") and found is not schema and draw(st.booleans()):
        return None
    if found.get("type") == "array":
        return [value(draw, found["items"], name) for _ in range(draw(st.integers(0, 2)))]
    return draw(leaf_values(found, KINDS.get(name)))


def leaf_values(schema: Schema, kind: str | None) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    types = {"object": OBJECTS, "boolean": st.booleans(), "integer": INTEGERS, "number": INTEGERS | FRACTIONS}
    if schema.get("type") in types:
        return types[schema["type"]]
    if schema.get("format") == "date-time" or kind == TIME:
        return mostly(TIMES)
    if schema.get("pattern") == NUMERIC_PATTERN or kind in EXACT:
        return mostly(NUMBERS)
    return NAMES


def mostly(common: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return CHANCES.flatmap(lambda chance: JUNK if chance == 199 else common)


@st.composite
def node_lists(draw: Draw, operation: str) -> list[Any]:
    return [value(draw, row_of(operation), operation) for _ in range(draw(st.integers(1, 3)))]


# What a value should be in a frame, worked out from the schema alone

UNREADABLE = object()


def inside(node: Any, leaf: Leaf) -> Any:
    """The value of a field of a node; None where the node has something else there, such as an object."""
    for field in leaf.path:
        node = node.get(field) if isinstance(node, dict) else None
    if leaf.reference:
        return node.get("id") if isinstance(node, dict) else node
    return None if isinstance(node, dict) and leaf.schema.get("type") != "object" else node


def expected(kind: str, value: Any) -> Any:
    """What a column of this kind holds for a value: the value itself, or that it can't be read."""
    if value is None:
        return None
    if kind in (INTEGER, REFERENCE):
        return value if -(2**63) <= value < 2**63 else UNREADABLE
    if kind in EXACT:
        if isinstance(value, str):
            return Decimal(value) if re.fullmatch(r"[0-9]*(\.[0-9]+)?", value, re.ASCII) and value else UNREADABLE
        return value
    if kind == TIME:
        return pd.Timestamp(value) if re.match(r"\d{4}-\d\d-\d\dT", value, re.ASCII) else UNREADABLE
    assert kind in (TEXT, FLAG, LIST, OBJECT)
    return value


def same(kind: str, found: Any, wanted: Any) -> bool:
    if wanted is None:
        return not isinstance(found, list | dict) and bool(pd.isna(found))
    if kind in EXACT:
        # A whole number is an int whatever its size, anything else a Decimal; both compare exactly.
        return bool(found == wanted) and type(found) is (int if wanted == int(wanted) else Decimal)
    return bool(found == wanted)


# One of each table: many operations share one.
TABLES = {
    id(BY_OPERATION[operation].table): operation
    for operation in reads()
    if operation not in ONE_ROW_PER and "" not in columns_of(operation)
}


@pytest.mark.parametrize("operation", sorted(TABLES.values()))
@SETTINGS
@given(data=st.data())
def test_nodes_become_a_frame_with_the_same_values_or_an_error_that_names_the_field(
    operation: str, data: st.DataObject
) -> None:
    table = BY_OPERATION[operation].table
    nodes = data.draw(node_lists(operation))
    wanted = {
        column: [wanted_of(table.kinds[column], leaves, node) for node in nodes]
        for column, leaves in checked(operation)
    }
    unreadable = {column for column, of_rows in wanted.items() if UNREADABLE in of_rows}

    if unreadable:
        with pytest.raises(ContractViolation) as raised:
            table.frame(table.leaves(nodes), call=operation)
        assert raised.value.details["field"] in unreadable
        assert f"`{raised.value.details['field']}`" in str(raised.value)
        return

    frame = table.frame(table.leaves(nodes), call=operation)
    assert frame.columns.tolist()[: len(table.columns)] == table.columns
    for column, of_rows in wanted.items():
        for found, right in zip(frame[column], of_rows, strict=True):
            assert same(table.kinds[column], found, right), (column, found, right)


def wanted_of(kind: str, leaves: list[Leaf], node: Any) -> Any:
    found = [inside(node, leaf) for leaf in leaves]
    return expected(kind, next((one for one in found if one is not None), None))


def checked(operation: str) -> list[tuple[str, list[Leaf]]]:
    """The columns of an operation that hold a field of its node as it is."""
    left_out = ROWS.get(operation, Difference("", {})).left_out
    return [
        (column, leaves)
        for column, leaves in columns_of(operation).items()
        if column not in left_out and not column.endswith("_secret")  # shown masked
    ]
