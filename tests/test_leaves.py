"""Columns of pages, and values one at a time: right answers at every edge, worked out by hand."""

from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

import ledgerkit as lk
from ledgerkit import frames
from ledgerkit.frames import (
    AMOUNT,
    ARRAYS,
    DTYPES,
    EXACT,
    FEES,
    FLAG,
    INTEGER,
    LIST,
    NUMBER,
    OBJECT,
    REFERENCE,
    SELF,
    SERIES,
    TEXT,
    TIME,
    Leaves,
    Table,
    exact,
    join,
)

# Pages


def test_no_pages_are_no_rows() -> None:
    assert join([]) == Leaves() == Leaves(0, {})
    assert join([Leaves(2, {"a": [1, 2]}), Leaves(0, {"b": []}), Leaves(1, {"c": [3]})]) == Leaves(
        3, {"a": [1, 2, None], "b": [None, None, None], "c": [None, None, 3]}
    )


def test_a_column_that_only_a_later_page_has_is_null_in_all_rows_before() -> None:
    pages = [Leaves(1, {"a": [1]}), Leaves(2, {}), Leaves(2, {"b": [4, 5]}), Leaves(1, {"a": [6]})]
    assert join(pages) == Leaves(6, {"a": [1, None, None, None, None, 6], "b": [None, None, None, 4, 5, None]})
    assert pages[0].columns == {"a": [1]}  # what was joined is left as it was


def test_rows_are_taken_in_the_order_that_is_asked_for() -> None:
    rows = Leaves(3, {"a": [1, 2, 3], ("", "new"): ["x", "y", "z"]})
    assert rows.take([2, 0]) == Leaves(2, {"a": [3, 1], ("", "new"): ["z", "x"]})
    assert rows.take([]) == Leaves(0, {"a": [], ("", "new"): []})
    assert rows["none"] == [None, None, None]


# Tables


def test_a_table_with_more_columns_is_the_same_one_with_more_columns() -> None:
    table = Table("thing", {"id": INTEGER}, normalise=lambda node: {**node, "id": node["id"] + 1})
    wider = table.extended(before={"account_id": INTEGER}, after={"note": TEXT, "block": {"hash": TEXT}})
    assert wider.name == "thing"
    assert wider.columns == ["account_id", "id", "note", "block_hash"]
    assert wider.leaves([{"id": 1}])["id"] == [2]
    assert table.columns == ["id"]
    assert table.extended().columns == ["id"]
    assert table.extended(after={"id": TEXT}).kinds == {"id": TEXT}


def test_nested_fields_are_columns_of_joined_names() -> None:
    table = Table("thing", {"a": {"b": {"c": TEXT, SELF: AMOUNT}, "d": FLAG}, "e": TIME})
    assert table.kinds == {"a_b_c": TEXT, "a_b": AMOUNT, "a_d": FLAG, "e": TIME}


def test_a_field_without_a_name_is_an_unknown_one_and_no_value_of_the_object() -> None:
    table = Table("thing", {"id": INTEGER, "a": {SELF: AMOUNT, "b": AMOUNT}})
    frame = table.frame(table.leaves([{"id": 1, "a": {"": "7", "b": "8"}}, {"id": 2, "a": "9"}]))
    assert frame["a"].tolist() == [pd.NA, 9]
    assert frame["a_b"].tolist() == [8, pd.NA]
    assert frame["a_"].tolist() == ["7", pd.NA]


def test_a_frame_says_what_it_is_told_beside_its_name() -> None:
    table = Table("thing", {"id": INTEGER, "note": TEXT})
    frame = table.frame(Leaves(2, {"id": [1, 2]}), call="GET /things", count=2)
    assert frame.attrs == {"table": "thing", "count": 2}
    assert frame.index.equals(pd.RangeIndex(2))
    assert frame["note"].isna().tolist() == [True, True]


def test_objects_of_which_no_field_is_known_are_rows_too() -> None:
    table = Table("thing", {})
    assert len(table.frame(table.leaves([{}, {}]))) == 2


def test_columns_that_no_row_fills_are_not_one_and_the_same() -> None:
    table = Table("thing", {"one": TEXT, "two": TEXT})
    frame = table.frame(Leaves(1, {}))
    frame.loc[0, "one"] = "x"
    assert frame["two"].isna().all()


@pytest.mark.parametrize(
    ("node", "said", "body"),
    [
        (7, "`thing` object 1 is a int.", "7"),
        ({"id": "x"}, "`id` does not read as integer: 'x'.", "'x'"),
        ({"block": 5}, "`block` is a int where an object belongs.", "5"),
        ({"block": {"height": [1]}}, "`block_height` does not read as integer: [1].", "[1]"),
    ],
)
def test_what_can_not_be_read_is_named_with_its_value_and_its_call(node: Any, said: str, body: str) -> None:
    table = Table("thing", {"id": INTEGER, "block": {"height": INTEGER}})
    with pytest.raises(lk.ContractViolation) as refused:
        table.frame(table.leaves([{"id": 1}, node], "GET /things"), call="GET /things")
    assert str(refused.value) == (
        f"GET /things: the service answered something that can't be read without guessing: {said} "
        "The raw answer is there with session.raw(...)."
    )
    assert refused.value.call == "GET /things"
    assert refused.value.details == {"field": said.split("`")[1], "body": body}
    with pytest.raises(lk.ContractViolation) as refused:
        table.frame(table.leaves([{"id": 1}, node]))
    assert refused.value.call is None


def test_a_long_value_that_can_not_be_read_is_kept_shortened() -> None:
    table = Table("thing", {"id": INTEGER})
    with pytest.raises(lk.ContractViolation) as refused:
        table.frame(table.leaves([{"id": "x" * 3000}]))
    assert 400 < len(refused.value.details["body"]) <= 520


# Values


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("9" * 1000, int("9" * 1000)),
        ("0" * 999 + "1", 1),
        (2**4000 - 1, 2**4000 - 1),
        (Decimal("9" * 1000), int("9" * 1000)),
        (Decimal("1E+1000"), 10**1000),
        (Decimal("1E-1000"), Decimal("1E-1000")),
        (Decimal("-0.5"), Decimal("-0.5")),
        (Decimal("-0"), 0),
        ("-7", -7),
        ("+7", 7),
        ("1e3", 1000),
        ("0.50", Decimal("0.50")),
    ],
)
def test_a_number_is_exact_up_to_a_thousand_digits(value: Any, read: Any) -> None:
    found = exact(value)
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize(
    "value",
    ["9" * 1001, 2**4000, Decimal("9" * 1001), Decimal("1E+1001"), Decimal("1E-1001"), "1E+1001", Decimal("NaN")],
)
def test_a_number_of_more_digits_is_none_of_the_service(value: Any) -> None:
    with pytest.raises(ValueError, match=r"digits|plain|finite"):
        exact(value)


@pytest.mark.parametrize("value", [None, pd.NA, ""])
def test_no_number_is_none(value: Any) -> None:
    assert exact(value) is pd.NA


@pytest.mark.parametrize("value", [True, False, 1.0, [], {}, b"1"])
def test_what_is_another_thing_is_no_number(value: Any) -> None:
    with pytest.raises(TypeError, match=type(value).__name__):
        exact(value)


def read(kind: str, *sent: Any) -> list[Any]:
    return list(ARRAYS[kind](list(sent)))


@pytest.mark.parametrize("kind", sorted(DTYPES))
def test_each_kind_of_column_reads_nothing_and_nulls(kind: str) -> None:
    for sent in ([], [None], [None, None]):
        array = ARRAYS[kind](sent)
        assert len(array) == len(sent)
        assert pd.isna(array).all()
        series = SERIES[kind](sent)
        assert str(series.dtype) == DTYPES[kind].partition(" of ")[0]
        assert len(series) == len(sent)


@pytest.mark.parametrize("kind", sorted(EXACT))
def test_texts_of_digits_and_numbers_may_be_mixed_with_nulls(kind: str) -> None:
    assert {NUMBER, AMOUNT, FEES} == EXACT
    assert read(kind, "10", "", None, "007") == [10, pd.NA, pd.NA, 7]
    assert read(kind, "10", 5, None, Decimal("0.5")) == [10, 5, pd.NA, Decimal("0.5")]
    assert read(kind, "-10", "1") == [-10, 1]
    assert read(kind, "9" * 1000, "1") == [int("9" * 1000), 1]
    for wrong in ("9" * 1001, "٣", "1 ", "1_0"):
        with pytest.raises(ValueError, match=r"plain|finite|digits"):
            read(kind, "5", wrong)


@pytest.mark.parametrize("kind", [INTEGER, REFERENCE])
def test_ids_are_whole_numbers_of_64_bits_or_missing(kind: str) -> None:
    assert read(kind, 2**63 - 1, None, -(2**63)) == [2**63 - 1, pd.NA, -(2**63)]
    assert read(kind, "12", "", 5, None) == [12, pd.NA, 5, pd.NA]
    assert read(kind, 1, 2) == [1, 2]
    assert read(kind, Decimal("5.0"), 1) == [5, 1]
    for wrong in (2**63, "9223372036854775808"):
        with pytest.raises(OverflowError):
            read(kind, 1, wrong)
    with pytest.raises(TypeError, match="Decimal"):
        read(kind, 1, "1.5")


def test_texts_are_texts_and_a_number_in_place_of_one_is_its_digits() -> None:
    assert [None if pd.isna(one) else one for one in read(TEXT, "a", None, "")] == ["a", None, ""]
    assert read(TEXT, "a", 12, Decimal("1.50")) == ["a", "12", "1.50"]
    wrong: Any
    for wrong in (True, {}, []):
        with pytest.raises(TypeError, match=type(wrong).__name__):
            read(TEXT, "a", wrong)


def test_flags_lists_and_objects_are_nothing_else() -> None:
    assert read(FLAG, True, None, False) == [True, pd.NA, False]
    assert read(LIST, [1], None, []) == [[1], pd.NA, []]
    assert read(OBJECT, {"a": 1}, None, "x") == [{"a": 1}, pd.NA, "x"]
    with pytest.raises(TypeError, match="not a flag"):
        read(FLAG, True, 1)
    with pytest.raises(TypeError, match="not a list"):
        read(LIST, [], {})
    with pytest.raises(TypeError, match="not a text"):
        read(TIME, "2026-01-01", 5)


def test_a_null_among_texts_and_numbers_is_no_text() -> None:
    assert [None if pd.isna(one) else one for one in read(TEXT, "a", None, 12)] == ["a", None, "12"]


def test_times_may_begin_with_any_digit() -> None:
    years = [f"{digit}{digit}{digit}1" for digit in range(10)]
    times = pd.Series(read(TIME, *(f"{year}-01-01T00:00:00Z" for year in years)))
    assert [time.year for time in times] == [1, 1111, 2221, 3331, 4441, 5551, 6661, 7771, 8881, 9991]
    for wrong in ("5", "n", "now", "2026", "2026-01"):
        with pytest.raises(ValueError, match="not a"):
            read(TIME, "2026-01-01", wrong)


def test_the_id_of_an_object_is_in_one_column_and_its_other_fields_in_theirs() -> None:
    table = Table("thing", {"created_by": REFERENCE})
    frame = table.frame(table.leaves([{"created_by": {"id": 4, "name": "Zoe"}}, {"created_by": 5}]))
    assert list(frame.columns) == ["created_by", "created_by_name"]
    assert frame["created_by"].tolist() == [4, 5]
    assert frame["created_by_name"].tolist() == ["Zoe", pd.NA]


# What is nested


def nested(levels: int, kind: type) -> Any:
    inner: Any = kind()
    for _ in range(levels - 1):
        inner = [inner] if kind is list else {"a": inner}
    return inner


@pytest.mark.parametrize("kind", [list, dict])
@pytest.mark.parametrize(("levels", "is_read"), [(1, True), (99, True), (100, True), (101, False), (300, False)])
def test_lists_and_objects_are_read_to_a_hundred_levels(levels: int, is_read: bool, kind: type) -> None:
    table = Table("thing", {"known": LIST if kind is list else OBJECT})
    value = nested(levels, kind)
    for field, node in (("known", {"known": value}), ("new", {"new": value})):
        if is_read:
            assert table.leaves([node, {"new": 5}]).length == 2
            continue
        with pytest.raises(lk.ContractViolation, match=f"`{field}` is nested more than 100 deep"):
            table.leaves([{"new": 5}, node])


def test_a_field_inside_of_an_object_is_named_by_both() -> None:
    table = Table("thing", {"block": {"hash": TEXT}})
    with pytest.raises(lk.ContractViolation, match="`block_new` is nested more") as refused:
        table.leaves([{"block": {"hash": "h", "new": nested(200, list)}}], "GET /things")
    assert refused.value.call == "GET /things"
    assert refused.value.details["body"].startswith("[[[[")


@pytest.mark.parametrize(
    ("name", "shown"), [("n" * 80, "n" * 80), ("n" * 81, "'" + "n" * 60), ("a\nb", "'a\\nb'"), ("Zoë", "Zoë")]
)
def test_a_name_that_is_long_or_of_several_lines_is_shown_shortened(name: str, shown: str) -> None:
    table = Table("thing", {})
    with pytest.raises(lk.ContractViolation) as refused:
        table.leaves([{name: nested(200, list)}])
    assert f"`{shown}" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("count", "is_read"), [(1000, True), (1001, False)])
def test_a_thousand_unknown_fields_are_columns_and_one_more_is_an_error(count: int, is_read: bool) -> None:
    table = Table("thing", {"id": INTEGER, "note": TEXT})
    node = {"id": 1, "note": "n", **{f"new_{number:04}": number for number in range(count)}}
    half = count // 2
    names = sorted(name for name in node if name.startswith("new"))
    pages = [dict.fromkeys(("id", *names[:half]), 1), dict.fromkeys(("id", *names[half:]), 1)]
    if is_read:
        assert len(table.frame(table.leaves([node])).columns) == count + 2
        assert len(join([table.leaves([one]) for one in pages]).columns) == count + 1
        return
    with pytest.raises(lk.ContractViolation, match=r"`new_0000` is one of 1,001 that nobody documented") as refused:
        table.leaves([node], "GET /things")
    assert (refused.value.call, refused.value.details["body"]) == ("GET /things", "'new_0000'")
    with pytest.raises(lk.ContractViolation, match=r"`new_0000` is one of 1,001 that nobody documented") as refused:
        join([table.leaves([one]) for one in pages])
    assert refused.value.call is None


@pytest.mark.parametrize("by_arrow", [True, False])
def test_a_column_of_texts_has_one_dtype_whatever_is_in_it_and_installed(
    by_arrow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "BY_ARROW", by_arrow and frames.BY_ARROW)
    for sent in ([], [None], ["a", None], ["a", 12], [12, None]):
        column = SERIES[TEXT](sent)
        assert column.dtype == "str"
        assert [None if pd.isna(one) else one for one in column] == [
            None if one is None else str(one) for one in sent
        ]


def test_a_moment_outside_of_the_calendar_in_utc_is_no_time() -> None:
    assert read(TIME, "20260101") == [pd.Timestamp("2026-01-01", tz="UTC")]
    assert len(read(TIME, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z")) == 2
    for wrong in ("0001-01-01T00:00:00+00:01", "9999-12-31T23:00:00-01:00", "9999-12-31T23:59:59.999999-01:00"):
        with pytest.raises(OverflowError):
            read(TIME, "2026-01-01", wrong)
