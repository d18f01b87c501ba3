"""CSV files: no text of the service is calculated by a spreadsheet, no number changes, and all comes back."""

import csv
import time
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

from .shown_workspace import hostile_workspace

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
    assert first[4:] == ["'=1", "True"]
    assert second == [str(10**27), "", "", "", "plain", "False"]


def test_what_people_write_with_to_csv_comes_back_with_its_apostrophes(tmp_path: Path) -> None:
    frame = pd.DataFrame({"name": pd.Series(["'=1", "=1", "''", "'+1"], dtype="str"), "status": "ACTIVE"})
    path = tmp_path / "plain.csv"
    frame.to_csv(path, index=False)
    assert lk.read_csv(path)["name"].tolist() == frame["name"].tolist()


def test_names_of_columns_are_no_formulas_either_and_come_back(save: Any) -> None:
    for names in (
        *(["=1+1", "x"], [MARK, "x"], [f"'{MARK}", "x"], ["'=1", "x"], ["x", "y;=1"], [MARK, MARK]),
        *(["", "x"], ["'", ""], ["=1", "=1"], ["Unnamed: 0", "="], ["\r", "x"], ["a\rb", "\r"], ["a\nb", "\r=1"]),
        *(["\ufeff", "x"], ["\ufeff=1;=2", "x"], ["'\ufeffa", "x"]),
    ):
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


def test_a_row_that_was_changed_since_stays_as_it_is_and_that_is_said(save: Any) -> None:
    path = save(pd.DataFrame({"name": pd.Series(["=1", "=2"], dtype="str"), "status": "ACTIVE"}))
    path.write_text(path.read_text().replace("'=1", "corrected"))
    with pytest.warns(UserWarning, match="of 1 rows"):
        assert lk.read_csv(path)["name"].tolist() == ["corrected", "=2"]


def test_only_the_columns_and_the_index_that_are_asked_for_are_read_without_apostrophes(save: Any) -> None:
    # With usecols or index_col the apostrophes stayed, and a warning said that the file was changed.
    path = save(pd.DataFrame({"name": ["=1", "a"], "status": ["b", "+1"], "id": [7, 8]}))
    assert lk.read_csv(path, usecols=["name"]).to_dict("list") == {"name": ["=1", "a"]}
    assert lk.read_csv(path, usecols=["id"]).to_dict("list") == {"id": [7, 8]}
    assert lk.read_csv(path, index_col="name").index.tolist() == ["=1", "a"]
    assert lk.read_csv(path, nrows=1)["name"].tolist() == ["=1"]


@pytest.mark.parametrize("said", ["TRUE", "true", "True"])
def test_apostrophes_are_taken_away_wherever_the_column_stands_that_says_so(save: Any, said: str) -> None:
    # As soon as it was not the very last one, the apostrophes stayed without a word.
    path = save(pd.DataFrame({"name": ["=1", "plain"], "status": ["a", "=2"]}))
    head, *rows = path.read_text().replace("True", said).splitlines()
    for added in (
        "\n".join([f"{head},note", *(f"{row},x" for row in rows)]),
        "\n".join(f"{row}," for row in [head, *rows]),
    ):
        path.write_text(added)
        back = lk.read_csv(path)
        assert back[["name", "status"]].to_dict("list") == {"name": ["=1", "plain"], "status": ["a", "=2"]}
        assert MARK not in back.columns
    path.write_text("\n".join([head, *rows, "'=3,a,"]))
    assert lk.read_csv(path)["name"].tolist() == ["=1", "plain", "'=3"]  # a row that somebody added


def opened_with(path: Path, separator: str) -> list[list[str]]:
    """Return the cells that a spreadsheet finds which parts them by something else."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter=separator))


def live(frame: pd.DataFrame, path: Path) -> list[str]:
    """Return the cells of a file that a spreadsheet may calculate, but for numbers, whatever it parts them by."""
    numbers = {str(value) for name in frame.columns for value in frame[name] if isinstance(value, int | Decimal)}
    rows = [row for separator in (",", ";", "\t", "|") for row in opened_with(path, separator)]
    return [cell for row in rows for cell in row if begins_a_formula(cell) and cell not in numbers]


LIVE = "x;=HYPERLINK(1+1);y"


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([[{"name": LIVE}], [{"name": "plain"}]], dtype=object),
        pd.Series([{"a|=1": "\t=1"}, pd.NA], dtype=object),
        pd.Series([LIVE, "plain"], dtype="category"),
        pd.Series([LIVE, 5], dtype=object),
        pd.Series(pd.to_timedelta([-1, 1], unit="s")),
    ],
    ids=["lists", "objects", "categories", "mixed", "durations"],
)
def test_a_text_inside_of_any_column_is_no_formula_whatever_parts_the_cells(save: Any, values: Any) -> None:
    # A whitelist whose address is called so, opened with semicolons, gave a cell that is a formula.
    for name in ("addresses", "name;=1"):
        frame = pd.DataFrame({"id": [1, 2], name: values})
        plain = save(frame).with_name("plain.csv")
        frame.to_csv(plain, index=False)
        path = save(frame)
        assert live(frame, plain)
        assert not live(frame, path)
        assert lk.read_csv(path).astype(str).to_dict("list") == lk.read_csv(plain).astype(str).to_dict("list")


def test_nothing_in_a_workspace_is_a_formula_whatever_parts_the_cells(save: Any) -> None:
    found = 0
    with hostile_workspace(transactions=60) as session:
        for section in (
            "accounts",
            "whitelists",
            "transactions",
            "requests",
            "users",
            "groups",
            "entities",
            "pledges",
        ):
            frame = getattr(session, section).search()
            path = save(frame)
            assert not live(frame, path), section
            back = lk.read_csv(path)
            plain = path.with_name("plain.csv")
            frame.to_csv(plain, index=False, lineterminator="\n")
            pd.testing.assert_frame_equal(back, lk.read_csv(plain))
            found += len(live(frame, plain))
    assert found > 50


def seconds(call: Any) -> float:
    """Return how long a call takes, at the best of three."""
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return min(taken)


@pytest.mark.parametrize("unit", ["\n ", " ", "\t", ";", "'", "\n'", ";'"])
def test_a_text_of_blanks_and_separators_alone_takes_no_longer_than_it_is(unit: str) -> None:
    # Eight thousand times a line feed and a blank took 3.65 s, and twice as many four times as long.
    for change in (defused, original):
        short, long = (seconds(lambda text=unit * times, change=change: change(text)) for times in (1_000, 16_000))
        assert long < 60 * short + 0.3


def test_a_file_of_many_such_texts_takes_no_longer_than_it_has_rows(tmp_path: Path) -> None:
    # Each marked cell made its whole column anew: 16,000 rows took 24 s.
    def read(rows: int) -> float:
        frame = pd.DataFrame({"name": ["=1"] * rows, "status": "+1"})
        path = tmp_path / f"{rows}.csv"
        defused_frame(frame).to_csv(path, index=False)
        return seconds(lambda: lk.read_csv(path))

    assert read(16_000) < 40 * read(1_000) + 1


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
