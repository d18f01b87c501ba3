"""From answers to frames: the same columns and dtypes always, every digit kept, nothing dropped, nothing guessed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest
from hostile.samples import COIN
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from serving import Reply, Seen, Server, in_turn, page

import ledgerkit as lk
from ledgerkit.frames import (
    join,
)
from ledgerkit.operations import tables

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]

# As the transport reads answers.
decode = msgspec.json.Decoder(float_hook=Decimal).decode
SIZES = [0, 1, 2**53 - 1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**63 + 1, 2**64, 10**24 + 1, 10**77]


def frame(*nodes: Any) -> pd.DataFrame:
    return COIN.frame(COIN.leaves(list(nodes)))


def values(column: Any) -> list[Any]:
    """The values of a column as Python's own, None for what is missing."""
    return [None if not isinstance(one, list | dict) and pd.isna(one) else one for one in column]


# --- the same always ------------------------------------------------------------------------------------------------


def test_a_frame_without_rows_has_the_columns_and_dtypes_of_one_with_many() -> None:
    full = {
        "id": 1,
        "name": "a",
        "created_on": "2026-01-01T00:00:00Z",
        "active": True,
        "created_by": 7,
        "amount": "5",
        "notes": [],
        "block": {"hash": "h", "inner": {"height": 1}},
        "rewards": {"total": 1},
    }
    empty, hollow, many = frame(), frame({}, {}), frame(full, {}, full)
    assert list(empty.columns) == [
        *("id", "name", "created_on", "active", "created_by", "amount", "fees", "apy", "notes", "details"),
        *("block_hash", "block_inner_height", "rewards", "rewards_total"),
    ]
    assert empty.dtypes.to_dict() == hollow.dtypes.to_dict() == many.dtypes.to_dict()
    assert {name: str(dtype) for name, dtype in many.dtypes.items() if str(dtype) != "object"} == {
        "id": "Int64",
        "name": "str",
        "created_on": "datetime64[us, UTC]",
        "active": "boolean",
        "created_by": "Int64",
        "block_hash": "str",
        "block_inner_height": "Int64",
    }
    assert_frame_equal(many.iloc[:0], empty)


@pytest.mark.parametrize("operation", tables())
def test_every_operation_gives_the_same_for_nothing_and_for_an_empty_object(operation: str) -> None:
    table = tables()[operation]
    nothing, one = table.frame(table.leaves([])), table.frame(table.leaves([{}]))
    assert list(nothing.columns) == table.columns
    assert_frame_equal(nothing, one.iloc[:0])


def test_a_search_over_http_without_rows_is_as_one_with_rows(serve: Serve, connect_to: Connect) -> None:
    row = {"id": 1, "created_on": "2026-01-01T00:00:00.5Z", "amount": "5", "status": "CONFIRMED", "notes": None}
    session = connect_to(serve(in_turn(page([]), page([row]))))
    empty, one = session.transactions.search(), session.transactions.search()
    assert (len(empty), len(one)) == (0, 1)
    assert_frame_equal(empty, one.iloc[:0])


# --- exact ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_text", [True, False])
def test_integers_of_every_size_arrive_over_http_with_nulls_among_them(
    serve: Serve, connect_to: Connect, as_text: bool, tmp_path: Path
) -> None:
    amounts = [amount for size in SIZES for amount in (size, None)]
    rows = [
        {"id": number, "account_id": 1, "amount": str(amount) if as_text and amount is not None else amount}
        for number, amount in enumerate(amounts)
    ]

    def handle(seen: Seen) -> Reply:
        if seen.path == "/transactions":
            return page([{**row, "created_on": "2026-01-01T00:00:00Z"} for row in rows])
        if seen.path == "/accounts":
            return page([{"id": 1, "currency": "ethereum", "created_on": "2026-01-01T00:00:00Z"}])
        assert seen.path == "/accounts/1/currency"
        units = [{"code": "wei", "magnitude": 0}, {"code": "ETH", "magnitude": 18}]
        return Reply({"amount_units": units, "fees_units": units})

    session = connect_to(serve(handle))
    df = session.transactions.search(order="asc")
    assert df["amount"].dtype == object
    assert values(df["amount"]) == amounts
    assert {type(one) for one in df["amount"].dropna()} == {int}
    assert df["amount"].sum() == sum(SIZES)
    assert df["amount"].max() == 10**77

    ordered = df.sort_values("amount", ascending=False)
    assert values(ordered["amount"])[: len(SIZES)] == SIZES[::-1]
    assert values(pd.concat([df, df])["amount"]) == amounts * 2
    assert values(pd.concat([df.iloc[:0], df])["amount"]) == amounts
    assert df[df["amount"] == 2**53 + 1]["id"].tolist() == [8]

    shown = session.to_display(df)
    assert values(shown["amount_display"]) == [
        None if amount is None else Decimal(amount).scaleb(-18) if amount < 10**28 else Decimal(f"{amount}E-18")
        for amount in amounts
    ]
    path = tmp_path / "transactions.csv"
    df.to_csv(path, index=False)
    assert values(lk.read_csv(path)["amount"]) == amounts
    assert_frame_equal(lk.read_csv(path)[["id", "amount", "created_on"]], df[["id", "amount", "created_on"]])


def test_bare_integers_beyond_64_bits_are_exact_where_the_api_sends_them(serve: Serve, connect_to: Connect) -> None:
    rows = [{"id": str(position), "amount": size, "pending": -size} for position, size in enumerate(SIZES)]
    df = connect_to(serve(in_turn(page(rows)))).pledges.search()
    assert df["amount"].tolist() == SIZES
    assert df["pending"].tolist() == [-size for size in SIZES]


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (5, 5),
        ("5", 5),
        ("-5", -5),
        ("007", 7),
        ("5.0", 5),
        (Decimal("5.0"), 5),
        ("1E+21", 10**21),
        ("0.1", Decimal("0.1")),
        (Decimal("0.1000000000000000000000000000000001"), Decimal("0.1000000000000000000000000000000001")),
        ("", None),
        (None, None),
    ],
)
def test_a_number_is_an_int_where_it_is_whole_and_a_decimal_where_it_is_not(sent: Any, read: Any) -> None:
    (value,) = values(frame({"amount": sent})["amount"])
    assert value == read
    assert type(value) is type(read)


# --- nothing dropped ------------------------------------------------------------------------------------------------


def test_unknown_fields_follow_the_known_ones_in_the_order_in_which_they_came() -> None:
    # They were taken from a set, whose order differs from one kernel to the next.
    later = [f"new_{letter}" for letter in "zyxabc"]
    df = frame({"id": 1, **dict.fromkeys(later, 1)}, {"id": 2, "newest": [1]})
    assert list(df.columns) == [*COIN.columns, *later, "newest"]
    assert values(df["newest"]) == [None, [1]]
    assert values(df["new_z"]) == [1, None]


def test_unknown_fields_inside_of_objects_are_kept_too() -> None:
    df = frame({"block": {"hash": "h", "miner": "m", "inner": {"height": 1, "depth": {"any": "thing"}}}})
    assert values(df["block_miner"]) == ["m"]
    assert values(df["block_inner_depth"]) == [{"any": "thing"}]


def test_an_unknown_field_never_hides_another() -> None:
    # block.hash is a known column, block.new an unknown one: fields of these very names have columns of their own.
    df = frame(
        {"block": {"hash": "h", "new": 1}, "block_hash": "H", "block_new": 2},
        {"created_by": {"id": 7, "name": "Zoë"}, "created_by_name": "other"},
    )
    assert values(df["block_hash"]) == ["h", None]
    assert values(df["block_hash_"]) == ["H", None]
    assert values(df["block_new"]) == [1, None]
    assert values(df["block_new_"]) == [2, None]
    assert values(df["created_by_name"]) == [None, "Zoë"]
    assert values(df["created_by_name_"]) == [None, "other"]


def test_an_object_where_an_id_belongs_gives_the_id_and_keeps_the_rest() -> None:
    df = frame({"created_by": 3}, {"created_by": {"id": 4, "name": "Zoë"}}, {"created_by": None}, {"created_by": {}})
    assert values(df["created_by"]) == [3, 4, None, None]
    assert values(df["created_by_name"]) == [None, "Zoë", None, None]


def test_one_field_may_be_a_value_here_and_an_object_there() -> None:
    df = frame({"rewards": "5"}, {"rewards": {"total": 10**30, "new": 1}}, {"rewards": None})
    assert values(df["rewards"]) == [5, None, None]
    assert values(df["rewards_total"]) == [None, 10**30, None]
    assert values(df["rewards_new"]) == [None, 1, None]


def test_pages_with_different_fields_are_put_behind_one_another() -> None:
    first, second = COIN.leaves([{"id": 1, "new": "a"}]), COIN.leaves([{"id": 2, "newer": "b"}, {"id": 3}])
    df = COIN.frame(join([first, second]))
    assert values(df["id"]) == [1, 2, 3]
    assert values(df["new"]) == ["a", None, None]
    assert values(df["newer"]) == [None, "b", None]
    assert list(df.columns)[-2:] == ["new", "newer"]
    assert values(COIN.frame(join([COIN.leaves([{"id": 1}, {"id": 2}])]).take([1]))["id"]) == [2]


def test_null_ids_stay_null_and_ids_stay_integers() -> None:
    df = frame({"id": 2**53 + 1, "created_by": None}, {"id": None, "created_by": 2**63 - 1}, {"id": "7"})
    assert values(df["id"]) == [2**53 + 1, None, 7]
    assert values(df["created_by"]) == [None, 2**63 - 1, None]


def test_lists_and_free_objects_stay_as_they_came() -> None:
    df = frame({"notes": [{"title": "a"}], "details": {"a": [1]}}, {"notes": [], "details": {}}, {})
    assert values(df["notes"]) == [[{"title": "a"}], [], None]
    assert values(df["details"]) == [{"a": [1]}, {}, None]


# --- times ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T14:00:00Z", "2026-01-31T14:00:00"),
        ("2026-01-31T14:00:00.5Z", "2026-01-31T14:00:00.500000"),
        ("2026-01-31T14:00:00.123456+00:00", "2026-01-31T14:00:00.123456"),
        ("2026-01-31T14:00:00.123456789Z", "2026-01-31T14:00:00.123456"),
        ("2026-01-31T14:00:00+05:30", "2026-01-31T08:30:00"),
        ("2026-01-31T14:00:00", "2026-01-31T14:00:00"),
        ("2026-01-31 14:00:00", "2026-01-31T14:00:00"),
        ("2026-01-31", "2026-01-31T00:00:00"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999"),
    ],
)
def test_times_are_utc_to_the_microsecond(text: str, moment: str) -> None:
    column = frame({"created_on": text}, {"created_on": None}, {"created_on": ""})["created_on"]
    assert str(column.dtype) == "datetime64[us, UTC]"
    assert values(column) == [datetime.fromisoformat(moment).replace(tzinfo=UTC), None, None]


def test_forms_of_time_may_be_mixed() -> None:
    texts = ["2026-01-31T14:00:00Z", "2026-01-31T14:00:00.5+02:00", None, "2026-01-31", "2026-01-31T14:00:00.123456"]
    column = frame(*({"created_on": text} for text in texts))["created_on"]
    assert str(column.dtype) == "datetime64[us, UTC]"
    assert column.isna().tolist() == [False, False, True, False, False]


# --- nothing guessed ------------------------------------------------------------------------------------------------


WRONG: dict[str, list[Any]] = {
    "id": ["seven", 1.5, Decimal("1.5"), True, [], {}, 2**63, "1_0", " 7"],
    "name": [True, [], {}, ["a"]],
    # pandas takes "now" for the present moment
    "created_on": ["now", "today", "NaT", "soon", "2026-02-30", 1767225600, True, [], "-1"],
    "active": [1, 0, "true", "", []],
    "created_by": ["Zoë", [], True, 1.5],
    "amount": ["12abc", "0x10", "1_000", " 5", "٣", "NaN", "Infinity", True, [], {}, "9" * 1001, 10**1300],
    "fees": [Decimal("1e5000")],
    "apy": ["high"],
    "notes": ["a", 1, {"a": 1}, True],
    "block": ["h", 1, [], True],
    "rewards": ["many"],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in WRONG.items() for value in values])
def test_a_wrong_value_is_an_error_that_names_field_and_value(field: str, value: Any) -> None:
    good = {"id": 1, "name": "a", "amount": "5"}
    with pytest.raises(lk.ContractViolation) as caught:
        frame(good, {**good, field: value}, good)
    assert caught.value.details["field"] == field
    assert f"`{field}`" in str(caught.value)
    assert caught.value.details["body"]
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("node", [None, 5, "a", [], True])
def test_a_node_that_is_no_object_is_an_error(node: Any) -> None:
    with pytest.raises(lk.ContractViolation, match="object 1 is a"):
        frame({"id": 1}, node)


def test_the_error_names_the_call_too(serve: Serve, connect_to: Connect) -> None:
    rows = [{"id": 1, "created_on": "2026-01-01T00:00:00Z", "amount": "many"}]
    with pytest.raises(lk.ContractViolation, match=r"^GET /transactions: .*`amount` does not read as amount: 'many'"):
        connect_to(serve(in_turn(page(rows)))).transactions.search()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "edges"),
        ([], "edges"),
        (None, "edges"),
        ({"edges": None, "page_info": {"count": 0, "has_next_page": False}}, "edges"),
        ({"edges": []}, "page_info"),
        ({"edges": [], "page_info": {"count": 0}}, "has_next_page"),
        ({"edges": [], "page_info": {"count": "0", "has_next_page": False}}, "page_info"),
        ({"edges": [], "page_info": {"count": 0, "has_next_page": "no"}}, "page_info"),
        ({"edges": [{"cursor": 0}], "page_info": {"count": 1, "has_next_page": False}}, "node"),
    ],
)
def test_what_is_no_page_is_no_empty_table(serve: Serve, connect_to: Connect, body: Any, field: str) -> None:
    with pytest.raises(lk.ContractViolation, match="An empty table would be a lie") as caught:
        connect_to(serve(in_turn(Reply(body)))).accounts.search()
    assert field in caught.value.details["field"]


# --- where it came from ---------------------------------------------------------------------------------------------


def test_a_frame_says_where_it_came_from(serve: Serve, connect_to: Connect) -> None:
    server = serve(in_turn(page([{"id": 1, "created_on": "2026-01-01T00:00:00Z"}])))
    accounts: Any = pd.Series([1, 2])
    df = connect_to(server).transactions.search(account=accounts, created_after=datetime(2026, 1, 1, tzinfo=UTC))
    said = df.attrs
    assert said["table"] == "transaction"
    assert said["endpoint"] == "GET /transactions"
    assert said["parameters"] == {"account": [1, 2], "created_after": "2026-01-01 00:00:00+00:00"}
    assert (said["environment"], said["workspace"], said["base_url"]) == ("LOCAL", "acme", server.url)
    assert said["fetched_at"] == "2027-01-15T08:00:00+00:00"
    assert (said["count"], said["complete"]) == (1, True)
    json.dumps(said)


# --- there and back -------------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**80), 10**80) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
AMOUNTS = st.integers(-(10**80), 10**80)
IDS = st.integers(-(2**63), 2**63 - 1)
MOMENTS = st.datetimes(timezones=st.just(UTC))
# A value as it is sent, and as it must come back.
VALUES: dict[str, st.SearchStrategy[tuple[Any, Any]]] = {
    "id": IDS.map(lambda one: (one, one)),
    "name": TEXTS.map(lambda one: (one, one)),
    "created_on": MOMENTS.map(lambda one: (one.isoformat(), one)),
    "active": st.booleans().map(lambda one: (one, one)),
    "created_by": st.one_of(IDS.map(lambda one: (one, one)), IDS.map(lambda one: ({"id": one}, one))),
    "amount": st.one_of(AMOUNTS.map(lambda one: (one, one)), AMOUNTS.map(lambda one: (str(one), one))),
    "apy": st.decimals(allow_nan=False, allow_infinity=False, places=12).map(lambda one: (str(one), one)),
    "notes": st.lists(JSON).map(lambda one: (one, one)),
    "details": st.dictionaries(TEXTS, JSON).map(lambda one: (one, one)),
    "unheard_of": JSON.map(lambda one: (one, one)),
}
NODES = st.lists(
    st.fixed_dictionaries({}, optional={name: st.just((None, None)) | pairs for name, pairs in VALUES.items()})
)


@pytest.mark.parametrize("sent", [["a", "b"], ["a", None], [None, None], [1, 2], [True, None], [[1], [2]]], ids=str)
def test_an_unknown_field_is_kept_as_it_came_whatever_it_holds(sent: list[Any]) -> None:
    column = frame(*[{"id": position, "unheard_of": one} for position, one in enumerate(sent)])["unheard_of"]
    assert column.dtype == object
    assert column.tolist() == [pd.NA if one is None else one for one in sent]


def test_objects_of_several_shapes_in_one_page_keep_their_rows() -> None:
    df = frame(
        {"id": 1, "name": "one", "block": {"hash": "aa", "inner": {"height": 5}}},
        {"name": "two", "id": 2, "block": None},
        {
            "block": {"inner": {"height": 7}, "hash": None, "miner": "m"},
            "id": 3,
            "created_by": {"id": 9, "role": "ADMIN"},
        },
        {"id": 4},
    )
    assert values(df["id"]) == [1, 2, 3, 4]
    assert values(df["name"]) == ["one", "two", None, None]
    assert values(df["block_hash"]) == ["aa", None, None, None]
    assert values(df["block_inner_height"]) == [5, None, 7, None]
    assert values(df["block_miner"]) == [None, None, "m", None]
    assert values(df["created_by"]) == [None, None, 9, None]
    assert values(df["created_by_role"]) == [None, None, "ADMIN", None]


@given(nodes=NODES)
def test_what_is_sent_is_what_is_in_the_frame(nodes: list[dict[str, tuple[Any, Any]]]) -> None:
    decoded = decode(json.dumps([{name: pair[0] for name, pair in node.items()} for node in nodes]))
    df = COIN.frame(COIN.leaves(decoded))
    assert len(df) == len(nodes)
    for name in VALUES:
        expected = [node.get(name, (None, None))[1] for node in nodes]
        if name in df.columns:
            assert values(df[name]) == expected
        else:
            assert name == "unheard_of"
            assert not any(name in node for node in nodes)
