"""Every method takes what its operation takes: each parameter, as one value or many, each value of each enum."""

import inspect
import warnings
from datetime import UTC

import pytest

from conformance.calls import BY_OPERATION
from conformance.contract import NUMERIC_PATTERN, Schema, enum, needs_contract, parameters, reads, schemas
from conformance.differences import (
    ADDED_CHOICES,
    ADDED_PARAMETERS,
    CHOICES_OF_OBJECTS,
    LIMIT,
    NEVER_PARAMETERS,
    RENAMED_PARAMETERS,
    TEXT_IN_PATHS,
)
from ledgerkit.errors import InvalidRequest, UnknownValue
from ledgerkit.filters import query

pytestmark = needs_contract

PAGED = [operation for operation in reads() if "page" in parameters(operation, "query")]


def filters_of(operation: str) -> dict[str, tuple[str, Schema]]:
    """The filters of an operation by the name that the method has for them: the API's name, and the schema."""
    renamed = RENAMED_PARAMETERS.get(operation, {})
    return {
        renamed.get(name, name): (name, schema)
        for name, schema in parameters(operation, "query").items()
        if name not in NEVER_PARAMETERS
    }


FILTERS = [(operation, name) for operation in reads() for name in filters_of(operation)]
CHOICES = [
    (operation, name)
    for operation, name in FILTERS
    if enum(filters_of(operation)[name][1]) or (operation, name) in CHOICES_OF_OBJECTS
]


def kind_of(schema: Schema) -> str:
    one = schema.get("items", schema)
    if enum(schema):
        return "choice"
    if one.get("pattern") == NUMERIC_PATTERN:
        return "exact"
    formats = {"date-time": "time", "date": "day"}
    types = {"integer": "integer", "boolean": "flag", "string": "text"}
    return formats.get(one.get("format", "")) or types[one["type"]]


def choices_of(operation: str, name: str) -> list[str]:
    if (operation, name) in CHOICES_OF_OBJECTS:
        schema = schemas()[CHOICES_OF_OBJECTS[operation, name]]["properties"][name]
    else:
        schema = filters_of(operation)[name][1]
    return sorted({*enum(schema), *ADDED_CHOICES.get((operation, name), set())})


@pytest.mark.parametrize("operation", reads())
def test_a_method_takes_the_parameters_of_its_operation_and_no_others(operation: str) -> None:
    inside = set(parameters(operation, "path"))
    # One method makes this operation and the one without an index: it takes what either takes.
    both = {"index", "type"} if operation.endswith("/address") else {"index"} & set(BY_OPERATION[operation].filters)
    limit = {LIMIT} if operation in PAGED else set()
    added = set(ADDED_PARAMETERS.get(operation, {}))

    taken = set(inspect.signature(BY_OPERATION[operation].method).parameters) - {"self"}

    assert sorted(taken) == sorted({*inside, *filters_of(operation), *limit, *added, *both})


@pytest.mark.parametrize(("operation", "name"), FILTERS)
def test_a_filter_is_of_the_kind_that_the_contract_says(operation: str, name: str) -> None:
    _, schema = filters_of(operation)[name]
    known = BY_OPERATION[operation].filters[name]

    assert known.kind == ("choice" if (operation, name) in CHOICES_OF_OBJECTS else kind_of(schema))
    assert known.many is (schema["type"] == "array")


@pytest.mark.parametrize(("operation", "name"), FILTERS)
def test_a_filter_takes_a_list_where_the_contract_repeats_it_and_refuses_one_elsewhere(
    operation: str, name: str
) -> None:
    _, schema = filters_of(operation)[name]
    call = BY_OPERATION[operation]
    value = call.sample(name)

    if schema["type"] == "array":
        other = call.filters[name].choices[1] if call.filters[name].choices else 8
        assert query(call.method, {name: [value, other]}, UTC)[name] == [str(value), str(other)]
    else:
        with pytest.raises(InvalidRequest, match="it takes one value"):
            query(call.method, {name: [value, value]}, UTC)
    assert isinstance(query(call.method, {name: value}, UTC)[name], str)


@pytest.mark.parametrize(("operation", "name"), CHOICES)
def test_a_filter_takes_every_documented_value_and_no_invented_one(operation: str, name: str) -> None:
    call = BY_OPERATION[operation]
    documented = choices_of(operation, name)

    assert sorted(call.filters[name].choices) == documented
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for value in documented:
            assert query(call.method, {name: value}, UTC) == {name: value}


@pytest.mark.parametrize(("operation", "name"), CHOICES)
def test_a_value_that_the_documented_list_lacks_is_sent_with_a_warning(operation: str, name: str) -> None:
    with pytest.warns(UnknownValue, match=name):
        sent = query(BY_OPERATION[operation].method, {name: "zz9-plural-z-alpha"}, UTC)

    assert sent == {name: "zz9-plural-z-alpha"}


@pytest.mark.parametrize("operation", reads())
def test_an_id_in_a_path_is_of_the_kind_that_the_contract_says(operation: str) -> None:
    for name, schema in parameters(operation, "path").items():
        expected = "text" if name in TEXT_IN_PATHS else kind_of(schema)

        assert BY_OPERATION[operation].filters[name].kind == expected, name


def test_every_exception_is_of_an_operation_that_exists() -> None:
    for operation in [*ADDED_PARAMETERS, *RENAMED_PARAMETERS]:
        assert operation in reads()
    for operation, name in [*ADDED_CHOICES, *CHOICES_OF_OBJECTS]:
        assert name in filters_of(operation)
