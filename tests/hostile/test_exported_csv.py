"""CSV files: no text of the service is calculated by a spreadsheet, no number changes, and all comes back."""

import csv
import unicodedata
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import ledgerkit as lk
from ledgerkit.defusing import MARK, defused, defused_frame, original
from ledgerkit.forms.exports import export

ATTACKS = [
    "=1+1",
    "+1",
    "-1+1",
    "@SUM(A1)",
    '=HYPERLINK("http://127.0.0.1/?"&A1,"open")',
    "=cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "\xa0=1+1",
    "\ufeff=1+1",
    "\u200b=1+1",
    "\x00=1+1",
    '"=1+1"',
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20SUM(A1)",
    "Acme;=1+1",
    "Acme\n=1+1",
    "Acme\r=1+1",
    "Acme\t=1+1",
    "Acme|=1+1",
    'Acme";=1+1',
    "'=1+1",
    "''=1+1",
]
HARMLESS = ["Acme", "", "it's", "'quoted'", "a=b", "1-2", "2026-01-01", "a, -b", "'", "x'=1"]
# What a spreadsheet drops or skips before it looks at a cell; written down apart from the code under test.
DROPPED = {"Zs", "Zl", "Zp", "Cc", "Cf"}


def begins_a_formula(cell: str) -> bool:
    """Say whether a spreadsheet may calculate a cell, of those that it finds in a line whatever parts them."""
    for part in (cell, *cell.replace("|", ";").replace("\t", ";").replace("\n", ";").replace("\r", ";").split(";")):
        seen = "".join(one for one in part if unicodedata.category(one) not in DROPPED).lstrip('"')
        if unicodedata.normalize("NFKC", seen[:1]) in ("=", "+", "-", "@"):
            return True
    return False


def cells(path: Path) -> list[list[str]]:
    """Return the cells of a file as any reader of CSV finds them."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.fixture
def save(session: lk.Session, tmp_path: Path) -> Any:
    from ledgerkit.forms.workspace import Workspace

    workspace = Workspace(session.accounts._connection)

    def save(frame: pd.DataFrame) -> Path:
        return export(workspace, frame, "csv", "rows", tmp_path).path

    return save


@pytest.fixture(scope="module")
def session() -> Any:
    with lk.connect("sandbox", transactions=50, pace=0) as session:
        yield session


def test_no_text_in_a_csv_file_is_a_formula_and_all_texts_come_back(save: Any) -> None:
    frame = pd.DataFrame({"name": pd.Series([*ATTACKS, *HARMLESS[:1]], dtype="str"), "status": "ACTIVE"})
    path = save(frame)
    for row in cells(path)[1:]:
        assert not any(map(begins_a_formula, row)), row
    assert lk.read_csv(path)["name"].tolist() == frame["name"].tolist()
    assert list(lk.read_csv(path).columns) == ["name", "status"]


def test_numbers_and_times_in_a_csv_file_stay_themselves(save: Any) -> None:
    frame = pd.DataFrame(
        {
            "amount": pd.Series([-5, 10**27], dtype=object),
            "fees_display": pd.Series([Decimal("-0.000000000000000001"), pd.NA], dtype=object),
            "id": pd.Series([-7, None], dtype="Int64"),
            "created_on": pd.Series([pd.Timestamp("2026-01-01", tz="UTC"), pd.NaT], dtype="datetime64[us, UTC]"),
            "name": pd.Series(["=1", "plain"], dtype="str"),
        }
    )
    head, first, second = cells(save(frame))
    assert head == ["amount", "fees_display", "id", "created_on", "name", MARK]
    assert first[:4] == ["-5", "-1E-18", "-7", "2026-01-01 00:00:00+00:00"]
    assert first[4:] == ["'=1", '["name"]']
    assert second == [str(10**27), "", "", "", "plain", ""]


def test_what_people_write_with_to_csv_comes_back_with_its_apostrophes(tmp_path: Path) -> None:
    frame = pd.DataFrame({"name": pd.Series(["'=1", "=1", "''", "'+1"], dtype="str"), "status": "ACTIVE"})
    path = tmp_path / "plain.csv"
    frame.to_csv(path, index=False)
    assert lk.read_csv(path)["name"].tolist() == frame["name"].tolist()


def test_names_of_columns_are_no_formulas_either_and_come_back(save: Any) -> None:
    for names in (["=1+1", "x"], [MARK, "x"], [f"'{MARK}", "x"], ["'=1", "x"], ["x", "y;=1"]):
        frame = pd.DataFrame([["a", "b"]], columns=pd.Index(names), dtype="str")
        for one in (frame, frame.iloc[:0]):
            path = save(one)
            assert not any(map(begins_a_formula, cells(path)[0]))
            assert list(lk.read_csv(path).columns) == names
        assert lk.read_csv(path).empty


def test_a_file_without_such_texts_has_no_column_more(save: Any) -> None:
    frame = pd.DataFrame({"name": pd.Series(HARMLESS, dtype="str")})
    assert defused_frame(frame) is frame
    assert cells(save(frame))[0] == ["name"]


def test_a_cell_that_was_changed_since_stays_as_it_is_and_that_is_said(save: Any) -> None:
    path = save(pd.DataFrame({"name": pd.Series(["=1", "=2"], dtype="str"), "status": "ACTIVE"}))
    path.write_text(path.read_text().replace("'=1", "corrected"))
    with pytest.warns(UserWarning, match="of 1 cells"):
        assert lk.read_csv(path)["name"].tolist() == ["corrected", "=2"]


def test_columns_are_not_read_without_the_one_that_says_what_was_added(save: Any) -> None:
    path = save(pd.DataFrame({"name": pd.Series(["=1"], dtype="str"), "status": "ACTIVE"}))
    with pytest.raises(lk.InvalidRequest, match="read the whole file"):
        lk.read_csv(path, usecols=["name"])
    assert lk.read_csv(path)[["name"]].values.tolist() == [["=1"]]


TEXTS = st.text(
    st.one_of(st.sampled_from(list("'\"=+-@;|\t\r\n \x00\ufeff\uff1dab")), st.characters(exclude_categories=["Cs"])),
    max_size=12,
)


@given(text=TEXTS)
@example(text="\t=x")
@example(text="'\t=x")
@example(text="';'=")
@example(text="\U000e0041=")
@example(text="\x90=")
def test_whatever_a_text_is_it_is_no_formula_and_comes_back(text: str) -> None:
    assert not begins_a_formula(defused(text))
    assert original(defused(text)) == text


@given(texts=st.lists(TEXTS.filter(lambda text: text != "" and "\x00" not in text), min_size=1, max_size=5))
def test_whatever_a_file_holds_comes_back(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    frame = pd.DataFrame({"name": pd.Series(texts, dtype="str"), "status": "ACTIVE"})
    path = tmp_path_factory.mktemp("csv") / "file.csv"
    defused_frame(frame).to_csv(path, index=False, lineterminator="\n")
    assert lk.read_csv(path)["name"].tolist() == texts
