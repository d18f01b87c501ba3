"""The schema of an archive, and every value on its way into it and back."""

import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

import ledgerkit as lk
from ledgerkit.archives import finality, schema
from ledgerkit.archives.merging import merged
from ledgerkit.archives.parts import Origin, Part
from ledgerkit.frames import AMOUNT, FLAG, INTEGER, LIST, OBJECT, TEXT, TIME, Table
from ledgerkit.operations import marked
from ledgerkit.resources.base import all_sections
from ledgerkit.resources.transactions import TRANSACTION, _is_final
from ledgerkit.vocabulary import TransactionStatus

ORIGIN = Origin("thing", "acme", "http://127.0.0.1:1", "LOCAL", "api_user", "acme")
NOW = pd.Timestamp("2026-03-20T12:00:00Z").as_unit("us")
THING = Table(
    "thing",
    {
        "id": INTEGER,
        "name": TEXT,
        "amount": AMOUNT,
        "created_on": TIME,
        "is_on": FLAG,
        "members": LIST,
        "extra": OBJECT,
    },
)
SEARCHES = {section.name: marked(section.search).table for section in all_sections() if hasattr(section, "search")}


def frame_of(table: Table, nodes: list[dict[str, Any]]) -> pd.DataFrame:
    return table.frame(table.leaves(nodes))


def back(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    arrow = schema.to_arrow(frame, table, NOW)
    return schema.to_frame(arrow, table, schema.further_names(frame, table))


@pytest.mark.parametrize("name", sorted(SEARCHES))
def test_the_schema_is_the_same_with_no_rows_and_an_empty_frame_comes_back(name: str) -> None:
    table = SEARCHES[name]
    empty = frame_of(table, [])
    assert schema.to_arrow(empty, table, NOW).schema == schema.schema_of(table)
    assert_frame_equal(back(empty, table).drop(columns="archived_at"), empty)


def test_no_declared_column_has_a_name_that_the_archive_needs() -> None:
    needed = {"archived_at", "further", "year", "month"}
    for name in ("transactions", "requests", "accounts", "users", "groups", "pledges"):
        kinds = SEARCHES[name].kinds
        assert not needed & kinds.keys()
        assert "workspace" not in kinds
        assert not [column for column in kinds if f"{column}_decimal" in kinds]


def test_an_exact_number_stands_beside_its_decimal() -> None:
    assert schema.schema_of(THING) == pa.schema(
        [
            ("id", pa.int64()),
            ("name", pa.string()),
            ("amount", pa.string()),
            ("amount_decimal", pa.decimal128(38, 0)),
            ("created_on", pa.timestamp("us", "UTC")),
            ("is_on", pa.bool_()),
            ("members", pa.string()),
            ("extra", pa.string()),
            ("further", pa.string()),
            ("archived_at", pa.timestamp("us", "UTC")),
        ]
    )


@pytest.mark.parametrize(
    ("sent", "text", "decimal"),
    [
        ("0", "0", Decimal(0)),
        ("-0", "0", Decimal(0)),
        ("007", "7", Decimal(7)),
        (12, "12", Decimal(12)),
        ("1.00", "1", Decimal(1)),
        ("1E+3", "1000", Decimal(1000)),
        ("1.50", "1.50", None),
        ("1E-7", "0.0000001", None),
        ("-0.5", "-0.5", None),
        ("9" * 38, "9" * 38, Decimal("9" * 38)),
        ("-" + "9" * 38, "-" + "9" * 38, Decimal("-" + "9" * 38)),
        ("1" + "0" * 38, "1" + "0" * 38, None),
        ("1E+50", "1" + "0" * 50, None),
        (None, None, None),
        ("", None, None),
    ],
)
def test_each_number_is_a_plain_text_and_a_decimal_where_it_fits(
    sent: Any, text: str | None, decimal: Decimal | None
) -> None:
    arrow = schema.to_arrow(frame_of(THING, [{"id": 1, "amount": sent}]), THING, NOW)
    assert arrow["amount"].to_pylist() == [text]
    assert arrow["amount_decimal"].to_pylist() == [decimal]
    # What has no decimal though it has a value is counted.
    assert schema.unfit(arrow, THING) == ({"amount": 1} if text is not None and decimal is None else {})


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        [1, -(10**40), "1", None, True, False],
        {"b": 1, "a": {"c": [Decimal("0.10"), Decimal("1E+5"), Decimal("1"), Decimal("-2.5E-30")]}},
        ['quote " backslash \\ line \n null \x00 \N{GRINNING FACE}'],
        {"": ""},
        "text",
        7,
    ],
)
def test_json_keeps_each_digit_and_the_type_of_each_number(value: Any) -> None:
    text = schema.json_text(value)
    assert repr(schema.from_json(text)) == repr(value)


def test_what_the_table_does_not_know_is_kept_in_the_order_of_the_search() -> None:
    nodes: list[dict[str, Any]] = [
        {"id": 3, "zeta": "1", "alpha": [Decimal("1.10")]},
        {"id": 2, "null_everywhere": None},
        {"id": 1, "alpha": {"x": None}},
    ]
    frame = frame_of(THING, nodes)
    arrow = schema.to_arrow(frame, THING, NOW)
    assert arrow["further"].to_pylist() == ['{"zeta":"1","alpha":[1.10]}', None, '{"alpha":{"x":null}}']
    assert_frame_equal(back(frame, THING).drop(columns="archived_at"), frame)


def test_a_field_that_the_table_came_to_know_is_taken_out_of_further() -> None:
    older = Table("thing", {"id": INTEGER, "name": TEXT, "created_on": TIME, "gone": AMOUNT})
    nodes: list[dict[str, Any]] = [
        {
            "id": 1,
            "name": "a",
            "amount": "5" * 50,
            "members": [1],
            "gone": "12",
            "created_on": "2026-01-01T00:00:00Z",
        },
        {"id": 2, "amount": None, "unheard_of": 1},
    ]
    written = schema.to_arrow(frame_of(older, nodes), older, NOW)
    now = schema.conformed(written, THING)
    assert now.schema == schema.schema_of(THING)
    frame = schema.to_frame(now, THING)
    assert frame["amount"].tolist() == [int("5" * 50), pd.NA]
    assert frame["members"].tolist() == [[1], pd.NA]
    # A column that is none any more is kept as what it was: text with all its digits.
    assert frame["gone"].dropna().to_dict() == {0: "12"}
    assert frame["unheard_of"].dropna().to_dict() == {1: 1}
    assert now["archived_at"].to_pylist() == written["archived_at"].to_pylist()


NEWER = Table(
    "thing",
    {
        **THING.kinds,
        "tags": LIST,
        "limits": OBJECT,
        "is_new": FLAG,
        "number": INTEGER,
        "weight": AMOUNT,
        "seen_on": TIME,
        "word": TEXT,
    },
)
OF_NEWER: dict[str, Any] = {
    "tags": ["a", {"n": Decimal("0.10")}],
    "limits": {"most": 10**30},
    "is_new": False,
    "number": 2**62,
    "weight": "9" * 60,
    "seen_on": "2026-01-01T00:00:00.000001Z",
    "word": "[1]",
    "x_decimal": "5",
}


def test_columns_of_a_newer_kit_are_read_as_the_fields_that_they_are_and_come_back_as_columns() -> None:
    nodes: list[dict[str, Any]] = [{"id": 2, **OF_NEWER}, {"id": 1}]
    written = schema.to_arrow(frame_of(NEWER, nodes), NEWER, NOW)
    here = schema.conformed(written, THING)
    frame = schema.to_frame(here, THING)
    for name, value in OF_NEWER.items():
        assert frame[name].isna().tolist() == [False, True]
        assert repr(frame[name][0]) == repr(value), name
    # What an older kit kept as fields is what the newer one kept as columns.
    again = schema.conformed(here, NEWER)
    assert again.drop_columns("further").equals(written.drop_columns("further"))
    assert schema.to_arrow(frame_of(THING, nodes), THING, NOW)["further"].to_pylist()[1] is None


def test_a_file_keeps_what_its_columns_are(tmp_path: Path) -> None:
    written = schema.to_arrow(frame_of(NEWER, [{"id": 2, **OF_NEWER}]), NEWER, NOW)
    pq.write_table(written.replace_schema_metadata({"other": "x"}), tmp_path / "file.parquet")
    read = pq.ParquetFile(tmp_path / "file.parquet").read()
    assert schema.to_frame(schema.conformed(read, THING), THING)["tags"][0] == OF_NEWER["tags"]


def test_a_file_of_a_newer_kit_is_not_written_again_by_an_older_one() -> None:
    rows = schema.to_arrow(frame_of(NEWER, [{"id": 1}]), NEWER, NOW)
    with pytest.raises(lk.Unsupported, match=r"does not know the columns tags, limits, .*update ledgerkit"):
        schema.rewritable(rows, THING)
    assert schema.rewritable(rows, NEWER).schema == schema.schema_of(NEWER)


def test_what_an_older_kit_did_not_know_is_named_and_moves_to_its_column() -> None:
    frame = frame_of(THING, [{"id": 1, **OF_NEWER}])
    older = schema.to_arrow(frame, THING, NOW)
    part = Part(ORIGIN, None, None, 1, 0, 1, True, NOW, further=schema.further_names(frame, THING))
    assert schema.lacking(part, THING) == []
    assert schema.lacking(part, NEWER) == [name for name in OF_NEWER if name != "x_decimal"]
    now = schema.rewritable(older, NEWER)
    assert now["weight"].to_pylist() == ["9" * 60]
    assert now["further"].to_pylist() == ['{"x_decimal":"5"}']


def test_a_field_of_the_service_takes_no_name_of_the_archive() -> None:
    frame = frame_of(THING, [{"id": 1, "archived_at": "x", "workspace": "y"}])
    there = back(frame, THING)
    assert there["archived_at"].tolist() == [NOW]
    assert there["archived_at_"].tolist() == ["x"]
    assert there["workspace_"].tolist() == ["y"]


def test_merging_counts_what_is_new_and_what_differs_and_keeps_what_is_left() -> None:
    def rows(*nodes: dict[str, Any], at: pd.Timestamp = NOW) -> pa.Table:
        return schema.to_arrow(frame_of(THING, list(nodes)), THING, at)

    old = rows({"id": 3, "name": "c"}, {"id": 1, "name": None}, {"id": 2, "amount": "1"}, {"id": 9, "name": "left"})
    later = NOW + pd.Timedelta(hours=1)
    fresh = rows({"id": 4}, {"id": 1, "name": "now"}, {"id": 2, "amount": "1"}, {"id": 3, "name": None}, at=later)
    result = merged(old, fresh)
    assert (result.new.to_pylist(), result.changed, result.left) == ([4], 2, [9])
    assert result.rows["id"].to_pylist() == [1, 2, 3, 4, 9]
    assert result.rows["name"].to_pylist() == ["now", None, None, None, "left"]
    assert result.rows["archived_at"].to_pylist() == [later.to_pydatetime()] * 4 + [NOW.to_pydatetime()]


def test_what_may_still_change_is_what_watch_follows() -> None:
    statuses = [*get_args(TransactionStatus), "STATE_OF_TOMORROW", None]
    nodes = [
        {"id": 1, "status": status, "confirmations": confirmations, "min_confirmations": wanted}
        for status in statuses
        for confirmations in (None, 0, 1, 6)
        for wanted in (None, 0, 1, 6)
    ]
    frame = frame_of(TRANSACTION, nodes)
    watched = [not _is_final(row) for _, row in frame.iterrows()]
    assert finality.open_rows("transactions", frame).tolist() == watched
    assert not all(watched)


def test_without_the_packages_it_is_said_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    # lk.archive is a function, which has the name of the package.
    monkeypatch.setattr(sys.modules["ledgerkit.archives"], "find_spec", lambda name: None)
    with pytest.raises(lk.ConfigurationError, match=r"pip install 'ledgerkit-enterprise\[archive\]'"):
        lk.read_archive("nowhere")
