"""Workbooks: no text of the service is calculated or spoils a file, and numbers stay exact."""

import html
import re
import zipfile
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import openpyxl
import pandas as pd
import pytest

from ledgerkit.workbooks import write_workbook

from .shown_workspace import ATTACKS
from .test_exported_csv import ATTACKS as FORMULAS

CODED = re.compile("_x([0-9A-Fa-f]{4})_")


def written(path: Path, *texts: str) -> list[str]:
    """Return the texts of a workbook as Excel reads them: what is in code between underscores is one character."""
    write_workbook(path, {"rows": pd.DataFrame({"text": pd.Series(texts, dtype="str")})}, {})
    cells = [row[0] for row in openpyxl.load_workbook(path)["rows"].iter_rows(min_row=2)]
    assert {cell.data_type for cell in cells} == {"s"}
    assert all(cell.quotePrefix and cell.hyperlink is None for cell in cells)
    return [CODED.sub(lambda found: chr(int(found[1], 16)), str(cell.value)) for cell in cells]


def test_no_text_in_a_workbook_is_a_formula_or_a_link(tmp_path: Path) -> None:
    attacks = [*FORMULAS, *ATTACKS, "http://127.0.0.1/", "mailto:a@b", "#REF!", "TRUE", "1E5"]
    shown = written(tmp_path / "a.xlsx", *attacks)
    for attack, cell in zip(attacks, shown, strict=True):
        assert re.sub(r"\\u00([01][0-9a-f])", lambda found: chr(int(found[1], 16)), cell) == attack
    with zipfile.ZipFile(tmp_path / "a.xlsx") as book:
        names = book.namelist()
        assert not [name for name in names if re.search("macro|vba|external|hyperlink|connections|drawing", name)]
        for name in names:
            if name.endswith((".xml", ".rels")):
                ElementTree.fromstring(book.read(name))  # noqa: S314 - a file that this test made
                assert b"<f>" not in book.read(name)
                assert b"TargetMode" not in book.read(name)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("a\uffffb", "a\\uffffb"),
        ("a\ufffeb", "a\\ufffeb"),
        ("a\rb", "a\\u000db"),
        ("a\r\nb", "a\\u000d\nb"),
        ("a\x00b", "a\\u0000b"),
        ("_x000D_", "_x000D_"),
        ("_x003D_1+1", "_x003D_1+1"),
        ("_x005F_x000D_", "_x005F_x000D_"),
    ],
)
def test_a_text_that_xml_or_excel_would_change_stands_there_in_words(tmp_path: Path, text: str, cell: str) -> None:
    write_workbook(tmp_path / "a.xlsx", {"rows": pd.DataFrame({"text": pd.Series([text], dtype="str")})}, {})
    found = str(openpyxl.load_workbook(tmp_path / "a.xlsx")["rows"]["A2"].value)
    assert CODED.sub(lambda one: chr(int(one[1], 16)), found) == cell


def test_negative_numbers_stay_numbers_in_a_workbook(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"amount": pd.Series([-5, 7], dtype=object), "shown": pd.Series([Decimal("-0.5"), pd.NA], dtype=object)}
    )
    write_workbook(tmp_path / "a.xlsx", {"rows": frame}, {})
    rows = list(openpyxl.load_workbook(tmp_path / "a.xlsx")["rows"].iter_rows(min_row=2, values_only=True))
    assert rows == [(-5, -0.5), (7, None)]


def test_what_a_workbook_says_of_itself_is_no_formula_either(tmp_path: Path) -> None:
    write_workbook(tmp_path / "a.xlsx", {"rows": pd.DataFrame({"=x": ["a"]})}, {"=cmd": "=1+1", "asked": ["@SUM"]})
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row} == {"s"}
    assert html.escape(str(book.properties.creator)) == "openpyxl"
