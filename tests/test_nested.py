"""``lk.explode``: one row for each member of a list."""

from typing import Any

import pandas as pd
import pytest

import ledgerkit as lk


def holding(*lists: Any, column: str = "notes") -> pd.DataFrame:
    df = pd.DataFrame(
        {
            "id": pd.Series(range(len(lists)), dtype="Int64"),
            column: pd.Series(list(lists), dtype=object),
            "amount": pd.Series([10**30] * len(lists), dtype=object),
        }
    )
    df.attrs["endpoint"] = "GET /transactions"
    return df


def test_objects_become_columns_in_the_place_of_the_list() -> None:
    df = lk.explode(holding([{"title": "a", "content": "x"}, {"title": "b"}], [{"content": "y", "new": 1}]), "notes")
    assert list(df.columns) == ["id", "notes_title", "notes_content", "notes_new", "amount"]
    assert df["id"].tolist() == [0, 0, 1]
    assert df["notes_title"].tolist() == ["a", "b", pd.NA]
    assert df["notes_content"].tolist() == ["x", pd.NA, "y"]
    assert df["amount"].tolist() == [10**30] * 3


def test_scalars_stay_in_their_column() -> None:
    df = lk.explode(holding(["0xa", "0xb"], ["0xc"], column="senders"), "senders")
    assert list(df.columns) == ["id", "senders", "amount"]
    assert df["senders"].tolist() == ["0xa", "0xb", "0xc"]


def test_big_integers_stay_exact_with_nulls_among_them() -> None:
    df = lk.explode(holding([{"amount": 2**64 + 1}, {"amount": None}], [2**64 + 1, None]), "notes")
    assert df["notes_amount"].tolist() == [2**64 + 1, pd.NA, pd.NA, pd.NA]
    assert df["notes"].tolist() == [{"amount": 2**64 + 1}, {"amount": None}, 2**64 + 1, pd.NA]


@pytest.mark.parametrize("nothing", [[], None, pd.NA, float("nan")])
def test_a_row_with_an_empty_or_missing_list_stays(nothing: Any) -> None:
    df = lk.explode(holding([{"title": "a"}], nothing), "notes")
    assert df["id"].tolist() == [0, 1]
    assert df["notes_title"].tolist() == ["a", pd.NA]


@pytest.mark.parametrize("lists", [[], [[]], [None]])
def test_where_no_list_has_a_member_the_column_stays(lists: list[Any]) -> None:
    df = lk.explode(holding(*lists), "notes")
    assert list(df.columns) == ["id", "notes", "amount"]
    assert df["notes"].isna().all()
    assert len(df) == len(lists)


def test_dtypes_and_origin_are_those_of_the_frame() -> None:
    for lists in ([["a"]], [[{"a": 1}]]):
        df = lk.explode(holding(*lists), "notes")
        assert str(df["id"].dtype) == "Int64"
        assert df.attrs == {"endpoint": "GET /transactions"}
        assert df.index.tolist() == [0]


def test_the_frame_itself_stays_as_it_was() -> None:
    df = holding([{"title": "a"}])
    lk.explode(df, "notes")
    assert df["notes"].tolist() == [[{"title": "a"}]]


def test_inner_lists_can_be_opened_one_after_the_other() -> None:
    rules = holding([{"steps": [{"quorum": 1}, {"quorum": 2}]}], column="rules")
    assert lk.explode(lk.explode(rules, "rules"), "rules_steps")["rules_steps_quorum"].tolist() == [1, 2]


def test_a_column_of_the_same_name_is_kept_beside() -> None:
    # There were two columns of one name then, and selecting it gave a frame.
    df = lk.explode(holding([{"title": "a"}]).assign(notes_title="other"), "notes")
    assert df["notes_title"].tolist() == ["other"]
    assert df["notes_title_"].tolist() == ["a"]


def test_two_fields_that_would_share_a_name_are_both_kept() -> None:
    # `a` took the name notes_a_, since the frame has a notes_a, and `a_` then took its place.
    df = lk.explode(holding([{"a": 1, "a_": 2}]).assign(notes_a=9), "notes")
    assert df[["notes_a", "notes_a_", "notes_a__"]].to_numpy().tolist() == [[9, 1, 2]]


def test_a_column_that_is_not_there_is_an_error_that_names_those_that_are() -> None:
    with pytest.raises(lk.InvalidRequest, match="no column 'note'; the frame has: id, notes, amount"):
        lk.explode(holding([]), "note")


@pytest.mark.parametrize("value", ["text", 5, {"a": 1}])
def test_a_column_without_lists_is_an_error(value: Any) -> None:
    with pytest.raises(lk.InvalidRequest, match="holds no lists"):
        lk.explode(holding(value), "notes")
