"""The table: pages, sorting and searching in the kernel, and what a browser makes of it."""

import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import ledgerkit as lk
from ledgerkit.forms import table as table_module
from ledgerkit.forms.table import Table
from ledgerkit.forms.views import Column, View, view
from ledgerkit.forms.workspace import Workspace

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SYNCED = [
    "columns", "rows", "query", "sort_column", "ascending", "page", "page_size", "all_columns", "total", "matching",
    "status", "empty",
]  # fmt: skip


@pytest.fixture(scope="module")
def requests(session: lk.Session) -> View:
    return view(Workspace(session.accounts._connection), session.requests.search())


@pytest.fixture(scope="module")
def transactions(session: lk.Session) -> View:
    return view(Workspace(session.accounts._connection), session.transactions.search(limit=300))


@pytest.fixture
def table(requests: View) -> Iterator[Table]:
    table = Table()
    table.show(requests.frame, requests)
    yield table
    table.close()


def ids(table: Table) -> list[int]:
    return [int(row[0]["copy"]) for row in table.rows]


def test_one_page_is_all_that_a_browser_or_a_saved_notebook_has(table: Table, requests: View) -> None:
    assert ids(table) == requests.frame["id"].head(20).tolist()
    assert table.total == table.matching == len(requests.frame)
    table.page = 1
    assert ids(table) == requests.frame["id"].iloc[20:40].tolist()
    table.page_size = 50
    assert ids(table) == requests.frame["id"].head(50).tolist()
    assert len(json.dumps(table.get_state(SYNCED))) < 200_000


def test_a_column_is_sorted_by_value_over_all_pages(table: Table, requests: View) -> None:
    table.sort_column = "id"
    assert ids(table) == sorted(requests.frame["id"])[:20]
    table.ascending = False
    assert ids(table) == sorted(requests.frame["id"], reverse=True)[:20]
    assert table.status.endswith("sorted downwards by Id")


def test_a_search_finds_rows_of_all_pages_and_keeps_the_order(table: Table, requests: View) -> None:
    table.sort_column = "id"
    table.page = 3
    table.query = "pending app"
    expected = requests.frame.loc[requests.frame["status"] == "PENDING_APPROVAL", "id"]
    assert table.page == 0
    assert table.matching == len(expected)
    assert [int(requests.frame["id"].iloc[one]) for one in table.positions()] == sorted(expected)
    assert f"of {table.matching:,} that have “pending app”, of {table.total:,} in all" in table.status


def test_a_search_that_is_taken_back_finds_all_rows_again(table: Table) -> None:
    table.query = "pending approval"
    table.query = "pending"
    wider = table.matching
    table.query = "create"
    assert table.matching != wider
    table.query = ""
    assert table.matching == table.total


def test_a_search_that_finds_nothing_says_where_it_looked(table: Table) -> None:
    table.query = "no such thing"
    assert table.rows == []
    assert table.status == "No row has “no such thing” in the columns shown"


def test_all_columns_are_there_on_demand(table: Table, requests: View) -> None:
    table.all_columns = True
    assert [one["name"] for one in table.columns] == list(requests.frame.columns)


def test_amounts_of_several_units_say_how_they_are_sorted(transactions: View) -> None:
    table = Table()
    table.show(transactions.frame, transactions)
    table.sort_column = "amount"
    assert "sorted upwards by ticker, then by Amount: amounts of" in table.status


def test_what_a_view_of_before_asks_for_is_put_right(table: Table) -> None:
    table.page = 10**9
    assert table.page == (table.total - 1) // table.page_size
    table.page = -3
    assert table.page == 0
    table.page_size = 10**6
    assert table.page_size == 100
    table.sort_column = "no_such_column"
    assert table.sort_column == ""
    assert len(table.rows) == 100


@pytest.mark.parametrize(
    "content", [None, {}, [], "open", {"open": None}, {"open": {"kind": [], "id": {}}}, {"open": {"kind": "request"}}]
)
def test_a_message_that_makes_no_sense_opens_nothing(table: Table, content: Any) -> None:
    opened: list[Any] = []
    table.on_open(lambda *link: opened.append(link))
    table._handle_custom_msg(content, [])
    table._handle_custom_msg({"open": {"kind": "request", "id": "-1"}}, [])
    assert opened == []


def test_a_link_opens_what_it_was_made_for_with_every_digit(session: lk.Session) -> None:
    frame = pd.DataFrame({"id": pd.Series([2**53 + 1], dtype="Int64"), "status": ["ACTIVE"], "type": ["ACTIVATE"]})
    frame.attrs["table"] = "request"
    shown = view(Workspace(session.accounts._connection), frame)
    table, opened = Table(), []
    table.on_open(lambda *link: opened.append(link))
    table.show(frame, shown)
    link = table.rows[0][0]["link"]
    assert link == {"kind": "request", "id": "9007199254740993"}
    table._handle_custom_msg({"open": link}, [])
    assert opened == [("request", 2**53 + 1)]


def test_another_frame_forgets_what_was_asked_of_the_one_before(table: Table, transactions: View) -> None:
    table.query, table.sort_column, table.page = "pending", "id", 1
    table.show(transactions.frame, transactions)
    assert (table.query, table.sort_column, table.page) == ("", "", 0)
    assert ids(table) == transactions.frame["id"].head(20).tolist()
    table.clear()
    assert table.rows == table.columns == []
    table.query = "pending"
    assert table.rows == []


# In a browser: the ESM with a model that is this table.

MODEL = """
(text) => new Promise((ready, failed) => {
  const source = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  import(source).then((module) => {
    const listeners = new Set();
    let changed = {};
    const state = {};
    const take = (values) => {
      Object.assign(state, values);
      for (const one of [...listeners]) one();
    };
    const model = {
      get: (name) => state[name],
      set: (name, value) => { state[name] = value; changed[name] = value; },
      save_changes: () => {
        const sent = changed;
        changed = {};
        window.sent(sent).then(take);
      },
      send: (content) => window.told(content).then(() => { window.heard = true; }),
      on: (_, act) => listeners.add(act),
      off: (_, act) => listeners.delete(act),
    };
    window.listeners = listeners;
    window.refresh = () => window.sent({}).then(take);
    window.sent({}).then((values) => {
      take(values);
      window.ends = ["one", "two"].map((id) => {
        const el = document.createElement("div");
        el.id = id;
        document.body.append(el);
        return module.default.render({ model, el });
      });
      ready();
    });
  }, failed);
})
"""


class Shown:
    """A table twice on a page, as a notebook shows it that displays one model in two cells."""

    def __init__(self, page: "Page", table: Table) -> None:
        self.page = page
        self.opened: list[Any] = []
        self.errors: list[str] = []
        table.on_open(lambda *link: self.opened.append(link))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto("about:blank")
        self.table = table

    def start(self) -> None:
        text = Path(table_module.__file__).with_name("table.js").read_text()
        self.page.evaluate(MODEL, text)

    def sent(self, values: dict[str, Any]) -> dict[str, Any]:
        if values:
            self.table.set_state(values)
        return {name: getattr(self.table, name) for name in SYNCED}


@pytest.fixture
def shown(browser: "Browser", table: Table) -> "Iterator[Shown]":
    page = browser.new_page()
    shown = Shown(page, table)
    page.expose_function("sent", shown.sent)
    page.expose_function("told", lambda content: table._handle_custom_msg(content, []))
    shown.start()
    yield shown
    page.close()
    assert shown.errors == []


def test_a_page_is_drawn_and_turned(shown: Shown, requests: View) -> None:
    one = shown.page.locator("#one")
    assert one.locator("tbody tr").count() == 20
    assert one.locator("tbody td").first.inner_text() == str(requests.frame["id"].iloc[0])
    one.get_by_role("button", name="Show next rows").click()
    # both displays of the one model
    for place in ("#one", "#two"):
        shown.page.locator(f"{place} .lk-table-status", has_text="Rows 21 to 40").wait_for()
    one.get_by_label("Rows on a page").select_option("50")
    shown.page.locator("#two tbody tr:nth-child(50)").wait_for()


def test_a_heading_sorts_and_keeps_the_focus(shown: Shown, requests: View) -> None:
    one = shown.page.locator("#one")
    one.get_by_role("button", name="Id", exact=True).focus()
    shown.page.keyboard.press("Enter")
    shown.page.locator("#one th[aria-sort=ascending]").wait_for()
    shown.page.keyboard.press("Enter")
    shown.page.locator("#one th[aria-sort=descending]").wait_for()
    assert one.locator("tbody td").first.inner_text() == str(max(requests.frame["id"]))
    shown.page.keyboard.press("Enter")
    shown.page.locator("#one th[aria-sort=none]").first.wait_for()
    assert shown.table.sort_column == ""


def test_a_search_by_label_and_a_link_by_keyboard(shown: Shown) -> None:
    one = shown.page.locator("#one")
    one.get_by_label("Search in these rows").fill("pending approval")
    shown.page.locator("#two .lk-table-status", has_text="that have").wait_for()
    assert shown.page.locator("#two").get_by_label("Search in these rows").input_value() == "pending approval"
    one.locator("tbody tr").first.locator(".lk-link").first.focus()
    shown.page.keyboard.press("Enter")
    shown.page.wait_for_function("() => window.heard")
    assert shown.opened == [("request", ids(shown.table)[0])]


def test_states_and_texts_are_text(shown: Shown) -> None:
    frame = pd.DataFrame({"name": ["<img src=x onerror=alert(1)>"], "status": ["ACTIVE"], "id": [1]})
    kinds = {"name": "text", "status": "state", "id": "integer"}
    columns = {name: Column(name, name, kind, name) for name, kind in kinds.items()}
    shown.table.show(frame, View(frame, columns, tuple(columns), datetime.UTC))
    shown.page.evaluate("() => window.refresh()")
    cell = shown.page.locator("#one tbody td").first
    assert shown.page.locator("#one .lk-pill.lk-done").inner_text() == "Active"
    assert cell.inner_text() == "<img src=x onerror=alert(1)>"
    assert shown.page.locator("#one img").count() == 0


def test_a_selection_is_copied_whole(shown: Shown, transactions: View) -> None:
    shown.table.show(transactions.frame, transactions)
    shown.page.evaluate("() => window.refresh()")
    text = shown.page.evaluate(
        """() => {
          const row = document.querySelector("#one tbody tr");
          const range = document.createRange();
          range.selectNodeContents(row);
          getSelection().removeAllRanges();
          getSelection().addRange(range);
          const clipboardData = new DataTransfer();
          row.dispatchEvent(new ClipboardEvent("copy", { clipboardData, bubbles: true, cancelable: true }));
          return clipboardData.getData("text/plain");
        }"""
    )
    row = transactions.frame.iloc[0]
    assert text.split("\t")[0] == str(row["id"])
    assert str(row["amount"]) in text.split("\t")
    assert row["recipient"] in text.split("\t")


def test_a_display_that_is_closed_leaves_nothing(shown: Shown) -> None:
    shown.page.evaluate("() => window.ends[0]()")
    assert shown.page.locator("#one *").count() == 0
    assert shown.page.evaluate("() => window.listeners.size") == 1
    assert shown.page.locator("#two tbody tr").count() == 20
