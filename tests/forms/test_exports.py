"""Files: every digit comes back, nothing runs, nothing is written over, and what a format can't take is said."""

import importlib
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow.parquet
import pytest

import ledgerkit as lk
from ledgerkit import workbooks
from ledgerkit.forms.exports import export
from ledgerkit.forms.workspace import Workspace

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://127.0.0.1")', "#N/A", "plain"]


@pytest.mark.parametrize("section", ["accounts", "requests", "pledges", "whitelists", "users"])
def test_a_csv_file_comes_back_exactly(
    session: lk.Session, workspace: Workspace, tmp_path: Path, section: str
) -> None:
    frame = getattr(session, section).search()
    written = export(workspace, frame, "csv", section, tmp_path)
    assert (written.path, written.rows) == (tmp_path / f"{section}.csv", len(frame))
    pd.testing.assert_frame_equal(lk.read_csv(written.path), frame, check_flags=False)


def test_a_csv_file_says_what_comes_back_as_text(session: lk.Session, workspace: Workspace, tmp_path: Path) -> None:
    frame = session.transactions.search()
    nested = "compliance_risk_provider_details_chainalysis"
    written = export(workspace, frame, "csv", "transactions", tmp_path)
    assert written.notes == (f"lists with fractions inside come back from read_csv as text: {nested}",)
    read = lk.read_csv(written.path)
    pd.testing.assert_frame_equal(read.drop(columns=nested), frame.drop(columns=nested), check_flags=False)
    assert read[nested].astype(str).tolist() == frame[nested].astype(str).tolist()


def sheet(path: Path, name: str = "rows") -> list[dict[str, Any]]:
    rows = list(openpyxl.load_workbook(path)[name].iter_rows(values_only=True))
    return [dict(zip(map(str, rows[0]), row, strict=True)) for row in rows[1:]]


def test_excel_has_every_digit_of_amounts_and_names_and_units(
    session: lk.Session, workspace: Workspace, tmp_path: Path
) -> None:
    frame = session.transactions.search(limit=1500)
    rows = sheet(export(workspace, frame, "xlsx", "march", tmp_path).path)
    assert [row["amount"] for row in rows] == [None if value is pd.NA else str(value) for value in frame["amount"]]
    assert max(len(row["amount"] or "") for row in rows) > 16
    first, value = rows[0], session.to_display(frame).iloc[0]
    assert (first["amount_display"], first["ticker"]) == (str(value["amount_display"]), value["ticker"])
    assert first["account_name"] == session.with_names(frame)["account_name"].iloc[0]
    assert first["id"] == frame["id"].iloc[0]
    assert first["created_on"] == frame["created_on"].iloc[0].tz_localize(None).floor("ms").to_pydatetime()


def test_excel_says_where_the_rows_came_from(session: lk.Session, workspace: Workspace, tmp_path: Path) -> None:
    frame = session.transactions.search(status="CONFIRMED", limit=3)
    path = export(workspace, frame, "xlsx", "march", tmp_path, {"rows of the table that have": "eth"}).path
    about = dict(openpyxl.load_workbook(path)["about"].iter_rows(values_only=True))
    assert about["endpoint"] == "GET /transactions"
    assert json.loads(about["parameters"]) == {"status": "CONFIRMED", "limit": 3}
    assert about["environment"] == "SANDBOX"
    assert about["rows"] == "3"
    assert about["rows of the table that have"] == "eth"


def test_texts_that_look_like_formulas_stay_texts(workspace: Workspace, tmp_path: Path) -> None:
    frame = pd.DataFrame({"=cmd": FORMULAS})
    path = export(workspace, frame, "xlsx", "formulas", tmp_path).path
    cells = [row[0] for row in openpyxl.load_workbook(path)["rows"].iter_rows()]
    assert [cell.value for cell in cells] == ["=cmd", *FORMULAS]
    assert {cell.data_type for cell in cells} == {"s"}
    assert all(cell.quotePrefix for cell in cells)


def test_excel_keeps_long_integers_flags_times_and_odd_texts(workspace: Workspace, tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "integer": pd.Series([9_007_199_254_740_993, 7], dtype="Int64"),
            "flag": pd.Series([True, None], dtype="boolean"),
            "time": pd.to_datetime(["1850-01-01", "2026-01-01"], utc=True),
            "text": ["a\x00b", "x" * 40_000],
            "nested": pd.Series([[{"value": Decimal("0.10"), "whole": 2**70}], pd.NA], dtype=object),
        }
    )
    written = export(workspace, frame, "xlsx", "odd", tmp_path)
    first, second = sheet(written.path)
    assert (first["integer"], second["integer"]) == ("9007199254740993", 7)
    assert (first["flag"], second["flag"]) == (True, None)
    assert first["time"] == "1850-01-01T00:00:00+00:00"
    assert first["text"] == "a\\u0000b"
    assert second["text"].endswith(" [cut]")
    assert "1 texts are longer" in " ".join(written.notes)
    assert first["nested"] == '[{"value":0.10,"whole":1180591620717411303424}]'


def test_more_rows_than_excel_takes_are_refused_before_anything_is_written(
    workspace: Workspace, tmp_path: Path
) -> None:
    frame = pd.DataFrame({"id": range(workbooks.EXCEL_ROWS)})
    with pytest.raises(lk.InvalidRequest, match="Save them as CSV or Parquet"):
        export(workspace, frame, "xlsx", "many", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_parquet_is_exact_and_says_what_is_text(session: lk.Session, workspace: Workspace, tmp_path: Path) -> None:
    frame = session.transactions.search(limit=200)
    written = export(workspace, frame, "parquet", "march", tmp_path)
    read = pd.read_parquet(written.path)
    assert list(read.columns) == list(frame.columns)
    assert read["amount"].tolist() == [str(value) for value in frame["amount"]]
    assert read["created_on"].equals(frame["created_on"])
    assert read["id"].equals(frame["id"])
    assert [json.loads(value) for value in read["senders"].dropna()] == frame["senders"].dropna().tolist()
    said = json.loads(pyarrow.parquet.read_schema(written.path).metadata[b"ledgerkit"])
    assert "amount" in said["exact numbers as text"]
    assert "senders" in said["JSON as text"]
    assert said["attrs"]["endpoint"] == "GET /transactions"
    assert "amount" in written.notes[0]


def test_parquet_has_the_same_columns_for_no_rows(session: lk.Session, workspace: Workspace, tmp_path: Path) -> None:
    some = session.transactions.search(limit=5)
    files = [export(workspace, frame, "parquet", "march", tmp_path).path for frame in (some, some.head(0))]
    names, none = (pyarrow.parquet.read_schema(path) for path in files)
    assert names.names == none.names
    assert names.field("amount").type == none.field("amount").type


@pytest.mark.parametrize(("kind", "package"), [("xlsx", "openpyxl"), ("parquet", "pyarrow")])
def test_a_package_that_is_not_there_is_named_with_the_command(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, package: str
) -> None:
    there = importlib.import_module

    def without(name: str, *arguments: Any) -> Any:
        if name.partition(".")[0] == package:
            raise ImportError(name)
        return there(name, *arguments)

    monkeypatch.setattr(workbooks.importlib, "import_module", without)  # type: ignore[attr-defined]  # what it imported
    with pytest.raises(lk.ConfigurationError, match=r"pip install 'ledgerkit-enterprise\[(lab|archive)\]'"):
        export(workspace, pd.DataFrame({"id": [1]}), kind, "march", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_file_is_written_over(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "march.csv").write_text("mine")
    written = export(workspace, pd.DataFrame({"id": [1]}), "csv", "march.csv", tmp_path)
    assert written.path == tmp_path / "march-2.csv"
    assert (tmp_path / "march.csv").read_text() == "mine"


def test_a_file_that_breaks_off_leaves_nothing(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(frame: pd.DataFrame, path: Path, **_: Any) -> None:
        path.write_text("id\n1")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(lk.InvalidRequest, match=r"No space left on device\. Nothing is left of it"):
        export(workspace, pd.DataFrame({"id": [1]}), "csv", "march", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_frame_of_another_kind_is_written_without_units(
    session: lk.Session, workspace: Workspace, tmp_path: Path
) -> None:
    written = export(workspace, session.settlements.search(), "xlsx", "settlements", tmp_path)
    assert any("without units" in note for note in written.notes)
    assert isinstance(sheet(written.path)[0]["inbound_transaction_intent_amount"], str)


def test_rows_without_amounts_are_written_without_a_word_of_units(
    session: lk.Session, workspace: Workspace, tmp_path: Path
) -> None:
    written = export(workspace, session.requests.search(limit=3), "xlsx", "requests", tmp_path)
    assert written.notes == ()
    assert sheet(written.path)[0]["created_by_name"]
