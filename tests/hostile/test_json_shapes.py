"""Objects where values belong and the reverse, nesting without end, and keys that try to take another one's place."""

import copy
import json
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from serving import Reply, Server, in_turn, page, signed_in

import ledgerkit as lk
from hostile.samples import COIN, plain, read
from ledgerkit.errors import shorten
from ledgerkit.frames import MOST_LEVELS, MOST_UNKNOWN, join

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]


def column(name: str, *pages: str) -> list[Any]:
    return [plain(value) for value in read(*pages)[name]]


# --- keys -----------------------------------------------------------------------------------------------------------


def test_a_field_whose_name_is_that_of_a_joined_one_is_kept_beside_it() -> None:
    df = read('[{"block_hash":"top","block":{"hash":"inner","inner":{"height":1}},"block_inner":{"height":2}}]')
    assert [df["block_hash"][0], df["block_hash_"][0]] == ["inner", "top"]
    assert df["block_inner_height"].tolist() == [1]
    assert df["block_inner"].tolist() == [{"height": 2}]


def test_two_fields_never_share_a_column_whichever_page_has_which() -> None:
    # Both pages had a column `block_hash_`: here it was the field of that name, there the other one.
    first, second = '[{"id":1,"block_hash_":"one"}]', '[{"id":2,"block_hash":"two"}]'
    df = read(first, second)
    assert len(df.columns) == len(set(df.columns)) == len(COIN.columns) + 2
    unknown = [[plain(value) for value in df[name]] for name in df.columns[len(COIN.columns) :]]
    assert sorted(unknown, key=str) == [["one", None], [None, "two"]]


def test_a_field_of_an_object_and_one_of_the_row_are_two_though_their_joined_names_are_one() -> None:
    inner, top = '{"id":1,"created_by":{"id":9,"role":"ADMIN"}}', '{"id":2,"created_by_role":"AUDITOR"}'
    for pages in ([f"[{inner},{top}]"], [f"[{inner}]", f"[{top}]"]):
        assert column("created_by_role", *pages) == ["ADMIN", None]
        assert column("created_by_role_", *pages) == [None, "AUDITOR"]


@pytest.mark.parametrize(
    "name",
    ["", " ", "a.b", "a b", "block.hash", "Id", "id ", "0", "__class__", "table", "attrs", "\n", "\0", "\U0001f600"],
    ids=repr,
)
def test_any_name_is_a_column_of_its_own(name: str) -> None:
    df = read(f'[{{"id":1,{json.dumps(name)}:"kept"}},{{"id":2}}]')
    assert df["id"].tolist() == [1, 2]
    assert [plain(value) for value in df[name]] == ["kept", None]
    assert list(df.columns) == [*COIN.columns, name]


def test_a_name_of_a_megabyte_is_a_column_and_no_message_of_a_megabyte() -> None:
    name = "k" * 2**20
    assert column(name, f'[{{"{name}":1}}]') == [1]
    with pytest.raises(lk.ContractViolation) as caught:
        read(f'[{{"{name}":{"[" * 200}{"]" * 200}}}]')
    assert len(str(caught.value)) < 400


def test_fields_without_end_are_an_error_before_they_fill_the_memory() -> None:
    fields = ",".join(f'"k{number}":1' for number in range(100_000))
    started = time.perf_counter()
    with pytest.raises(lk.ContractViolation, match="one of 100,000 that nobody documented"):
        read(f'[{{"id":1,{fields}}}]')
    assert time.perf_counter() - started < 20


def test_so_they_are_where_each_page_has_a_few_others() -> None:
    def part(number: int) -> Any:
        return COIN.leaves([{"id": number, **{f"k{number}_{field}": 1 for field in range(100)}}])

    most = MOST_UNKNOWN // 100
    assert len(COIN.frame(join([part(number) for number in range(most)])).columns) == len(COIN.columns) + MOST_UNKNOWN
    with pytest.raises(lk.ContractViolation, match="that nobody documented"):
        join([part(number) for number in range(most + 1)])


# --- nesting --------------------------------------------------------------------------------------------------------


def nested(levels: int, kind: str = "[") -> str:
    return "[" * levels + "]" * levels if kind == "[" else '{"a":' * (levels - 1) + "{}" + "}" * (levels - 1)


@pytest.mark.parametrize("kind", ["[", "{"])
@pytest.mark.parametrize(
    "field", ["notes", "new", "details", "block", "created_by", "name", "amount", "created_on", "id"]
)
def test_what_is_nested_without_end_is_an_error_that_names_the_field(field: str, kind: str) -> None:
    with pytest.raises(lk.ContractViolation) as caught:
        read(f'[{{"id":1}},{{"{field}":{nested(800, kind)}}}]')
    assert f"`{field}" in str(caught.value)
    assert len(str(caught.value)) < 400
    pickle.dumps(caught.value.details)


@pytest.mark.parametrize("field", ["notes", "new"])
def test_what_is_nested_as_deep_as_is_read_survives_whatever_is_done_with_a_frame(field: str, tmp_path: Path) -> None:
    df = read(f'[{{"id":1}},{{"{field}":{nested(MOST_LEVELS)}}}]')
    expected = json.loads(nested(MOST_LEVELS))
    assert df[field][1] == expected
    assert pickle.loads(pickle.dumps(df))[field][1] == expected  # noqa: S301 - of the line itself
    assert copy.deepcopy(df[field].tolist())[1] == expected
    df.attrs["seen"] = expected
    assert df.copy().attrs["seen"] == expected
    repr(df)
    assert len(lk.explode(df, field)) == 2
    df.to_csv(tmp_path / "deep.csv", index=False)
    assert len(lk.read_csv(tmp_path / "deep.csv")) == 2
    with pytest.raises(lk.ContractViolation, match="nested more than 100 deep"):
        read(f'[{{"id":1}},{{"{field}":{nested(MOST_LEVELS + 1)}}}]')


def test_an_error_about_what_is_nested_too_deep_can_be_shown(serve: Serve, connect_to: Connect) -> None:
    deep: Any = []
    for _ in range(700):
        deep = [deep]
    bodies = [page([{"id": deep}]), page([{"id": 1, "name": deep}]), page([{"id": 1, "new": deep}]), page([deep])]
    session = connect_to(serve(signed_in(in_turn(*bodies))))
    for _ in bodies:
        with pytest.raises(lk.ContractViolation) as caught:
            session.accounts.search()
        assert len(repr(caught.value)) < 1000
    assert shorten([10**5000]) == "a list that is too large to be shown"


# --- one thing where another belongs --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "edges"),
        ({"edges": {}, "page_info": {"count": 0, "has_next_page": False}}, "edges"),
        ({"edges": [[]], "page_info": {"count": 1, "has_next_page": False}}, "edges.node"),
        ({"edges": [{"node": []}], "page_info": {"count": 1, "has_next_page": False}}, None),
        ({"edges": [], "page_info": []}, "page_info.count"),
        ({"edges": [], "page_info": {"count": "0", "has_next_page": False}}, "page_info.count"),
        ({"edges": [], "page_info": {"count": -1, "has_next_page": False}}, "page_info.count"),
        ({"edges": [], "page_info": {"count": True, "has_next_page": False}}, "page_info.count"),
        ({"edges": [], "page_info": {"count": 0, "has_next_page": 0}}, "page_info.has_next_page"),
    ],
    ids=str,
)
def test_what_is_no_page_is_an_error(serve: Serve, connect_to: Connect, body: Any, field: str | None) -> None:
    content = json.dumps(body).encode()
    session = connect_to(serve(signed_in(lambda seen: Reply(content))))
    with pytest.raises(lk.ContractViolation) as caught:
        session.accounts.search()
    assert field is None or caught.value.details["field"] == field


@pytest.mark.parametrize("body", ["[]", "5", '"text"', "null", "[[]]", '{"id":[]}', '{"id":{"id":1}}', '{"id":true}'])
def test_what_is_no_object_is_no_row_of_one(serve: Serve, connect_to: Connect, body: str) -> None:
    session = connect_to(serve(signed_in(lambda seen: Reply(body.encode()))))
    with pytest.raises(lk.ContractViolation):
        session.accounts.get(7)
