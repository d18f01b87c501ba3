"""A report: its tables and notes below a cell, and the files that it goes into."""

from collections.abc import Callable
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import altair as alt
import openpyxl
import pandas as pd
import pytest
from serving import Reply, Seen, Server, page

import ledgerkit as lk
from ledgerkit.charts import Chart
from ledgerkit.errors import IncompleteResult, warn
from ledgerkit.reports.making import Making
from ledgerkit.reports.report import Report

HOSTILE = "<script>alert(1)</script> $\\color{green}{ok}$ \u202egnp"


def frame(rows: int = 3) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": pd.Series(range(rows), dtype="Int64"),
            "name": pd.Series([HOSTILE] * rows, dtype="str"),
            "amount": pd.Series([Decimal("-1234567.8900"), pd.NA, 0][:rows] + [1] * max(0, rows - 3), dtype=object),
            "base": pd.Series([10**27 + 1] * rows, dtype=object),
            "day": pd.to_datetime(["2026-05-01"] * rows, utc=True).as_unit("us"),
        }
    )


def draw() -> Chart:
    return Chart(alt.Chart(pd.DataFrame({"x": [1.0]}), title="One").mark_point().encode(x="x:Q"), "one")


def report(rows: int = 3) -> Report:
    about = {"environment": "SANDBOX", "workspace": "acme", "made": "2026-05-01T00:00:00+00:00"}
    return Report("What is held", {"accounts": frame(rows), "none": frame(0)}, ("a note",), about, {"points": draw})


class Tags(HTMLParser):
    """Which tags a page has, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [str(value) for name, value in attrs if name in ("src", "href", "srcset", "onerror", "onload")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_table_and_a_chart_are_had_by_name() -> None:
    made = report()
    assert made["accounts"] is made.tables["accounts"]
    assert made.chart().words == made.chart("points").words == "one"
    with pytest.raises(lk.InvalidRequest, match="no table 'acounts': it has accounts, none"):
        made["acounts"]
    with pytest.raises(lk.InvalidRequest, match="no chart 'pie': it has points"):
        made.chart("pie")
    with pytest.raises(lk.InvalidRequest, match="it has none"):
        Report("x", {}, (), {}).chart()


def test_below_a_cell_stand_notes_and_the_head_of_each_table() -> None:
    shown = Tags(report(40)._repr_html_())
    assert "SANDBOX · What is held" in shown.text
    assert "! a note" in shown.text
    assert "the first 12 of 40 rows; report['accounts'] has all" in shown.text
    assert shown.tags.count("tr") == 13
    assert "−1234567.89" in shown.text  # digits in threes by margins, a true minus sign, no zeros that say nothing
    assert str(10**27 + 1) in shown.text
    assert "–" in shown.text
    assert "2026-05-01" in shown.text
    assert "script" not in shown.tags
    assert "\u202e" not in shown.text
    assert "mathjax_ignore" in report()._repr_html_()


def test_what_a_note_quotes_is_code_and_nothing_that_it_names_is_markup(tmp_path: Path) -> None:
    notes = ("`amount` is in ``ticker``.", "The account `<b>x</b>` is 2` wide.")
    made = Report("Title", {}, notes, {"environment": "SANDBOX"})
    for shown in (made._repr_html_(), made.to_html(tmp_path / "page.html").read_text(encoding="utf-8")):
        codes = [piece.partition(">")[2].partition("</code>")[0] for piece in shown.split("<code")[1:]]
        assert codes == ["amount", "ticker", "&lt;b&gt;x&lt;/b&gt;"]
        assert "2` wide" in shown


def test_as_text_it_says_the_same() -> None:
    assert repr(report()).splitlines() == [
        "What is held",
        "! a note",
        "  accounts: 3 rows",
        "  none: 0 rows",
        "  chart points",
    ]


def test_a_page_of_its_own_has_all_rows_and_runs_and_loads_nothing(tmp_path: Path) -> None:
    path = report(40).to_html(tmp_path / "held.html")
    page = path.read_text(encoding="utf-8")
    shown = Tags(page)
    assert shown.tags.count("tbody") == 1
    assert page.count("<tr>") >= 41
    assert "svg" in shown.tags
    assert {"script", "iframe", "link", "img"}.isdisjoint(shown.tags)
    assert not [one for one in shown.loads if not one.startswith("#")]
    assert "default-src 'none'" in page
    assert "workspaceacme" in shown.text.replace("\n", "")


def test_no_file_is_written_over(tmp_path: Path) -> None:
    paths = [report().to_html(tmp_path / "held"), report().to_html(tmp_path / "held.html")]
    paths += [report().to_excel(str(tmp_path / "held.xlsx")), report().to_excel(tmp_path / "held")]
    assert [path.name for path in paths] == ["held.html", "held-2.html", "held.xlsx", "held-2.xlsx"]


def test_a_workbook_has_a_sheet_for_each_table_and_says_where_it_came_from(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(report().to_excel(tmp_path / "held.xlsx"))
    assert book.sheetnames == ["accounts", "none", "about"]
    rows = list(book["accounts"].iter_rows(values_only=True))
    assert rows[0] == ("id", "name", "amount", "base", "day")
    assert rows[1][2] == pytest.approx(-1234567.89)  # a number: all of its column fit
    assert rows[2][2] is None
    assert rows[1][3] == str(10**27 + 1)
    assert [row[0] for row in book["none"].iter_rows(values_only=True)] == ["id"]
    about = {str(key): str(value) for key, value in book["about"].iter_rows(values_only=True)}
    assert about["report"] == "What is held"
    assert about["read this 1"] == "a note"
    assert "accounts.base" in about["note 1"]


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        ([123456789012345, Decimal("-0.5")], True),
        ([1234567890123456, 1], False),
        ([Decimal("0.000000000000001")], True),
        ([Decimal("0.0000000000000001")], False),  # 1E-16 would be shown with 16 places
        ([Decimal("1E+15")], False),
        ([pd.NA, 1], True),
    ],
)
def test_a_column_is_numbers_for_excel_only_where_all_of_them_fit(
    tmp_path: Path, values: list[Any], numbers: bool
) -> None:
    table = pd.DataFrame({"amount": pd.Series(values, dtype=object)})
    path = Report("x", {"rows": table}, (), {}).to_excel(tmp_path / "x")
    written = [row[0] for row in openpyxl.load_workbook(path)["rows"].iter_rows(min_row=2, values_only=True)]
    assert all(isinstance(one, int | float) for one in written if one is not None) == numbers
    if not numbers:
        assert written == [format(value, "f") if isinstance(value, Decimal) else str(value) for value in values]


def test_a_chart_that_can_not_be_drawn_leaves_no_page(tmp_path: Path) -> None:
    def broken() -> Chart:
        raise lk.ConfigurationError("no altair")

    made = Report("x", {"rows": frame()}, (), {}, {"points": broken})
    with pytest.raises(lk.ConfigurationError):
        made.to_html(tmp_path / "x.html")
    assert list(tmp_path.iterdir()) == []


def test_what_was_warned_about_is_a_note_and_a_warning(session: lk.Session) -> None:
    with Making.of(session, start="2026-05-01") as making:
        with pytest.warns(IncompleteResult, match="two rows short"):
            warn("two rows short", IncompleteResult)
        made = making.report("x", {})
    assert made.notes == ("two rows short",)
    assert made.about["start"] == "2026-05-01"
    assert made.about["environment"] == "SANDBOX"


def test_a_part_that_can_not_be_had_is_a_note(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session]
) -> None:
    def refuse(seen: Seen) -> Reply:
        return Reply({"message": "no KYT key"}, 403)

    asked = connect_to(serve(refuse))
    with Making.of(asked) as making:
        assert making.part("the organization", asked.organization.get) is None
        made = making.report("x", {})
    scope, without = made.notes
    assert "outside of its scope" in scope  # a reporting key
    assert without.startswith("Without the organization: ")
    assert "no KYT key" in without


def test_a_fault_that_concerns_everything_is_raised(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session]
) -> None:
    asked = connect_to(serve(lambda seen: Reply({"message": "who are you"}, 401)))
    with pytest.raises(lk.AuthenticationError), Making.of(asked) as making:
        making.part("the organization", asked.organization.get)


def test_a_period_is_half_open_and_in_the_zone_of_the_session(session: lk.Session) -> None:
    with lk.connect("sandbox", join=session, tz="Europe/Zurich") as there, Making.of(there) as making:
        start, end = making.period("2026-05-01", "2026-06-01")
        assert (str(start), str(end)) == ("2026-04-30 22:00:00+00:00", "2026-05-31 22:00:00+00:00")
        assert start.unit == end.unit == "us"
        with pytest.raises(lk.InvalidRequest, match="`end` = '2026-05-01' is not after"):
            making.period("2026-05-01", "2026-05-01")
        with pytest.raises(lk.InvalidRequest, match="`start` = 'May'"):
            making.period("May", None)


def test_names_that_can_not_be_had_are_missing_and_those_that_nobody_needs_are_not_asked_for(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session]
) -> None:
    def answer(seen: Seen) -> Reply:
        return page([{"id": 1, "name": "Cold"}]) if seen.path == "/accounts" else Reply({"message": "no"}, 403)

    asked = connect_to(serve(answer))
    ids = pd.DataFrame({"account_id": pd.array([1], dtype="Int64"), "created_by": pd.array([pd.NA], dtype="Int64")})
    with Making.of(asked) as making:
        named = making.named(ids)
        assert [one for one in making.notes if "names" in one] == []
        assert named["account_name"].tolist() == ["Cold"]
        assert named["created_by_name"].isna().all()
        somebody = ids.assign(created_by=pd.array([7], dtype="Int64"))
        assert making.named(somebody)["created_by_name"].isna().all()
        assert [one for one in making.notes if one.startswith("Without the names of users")]
