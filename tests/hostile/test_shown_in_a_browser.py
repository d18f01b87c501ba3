"""A real browser over all that is shown of a hostile workspace: nothing runs, is asked for, or opens a dialog."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import pytest
from forms.test_table import MODEL, SYNCED

import ledgerkit as lk
from ledgerkit.forms import table as table_module

from .shown_workspace import ATTACKS, CANARY, hostile_workspace
from .test_shown import CARDS, SECTIONS, every

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page


@pytest.fixture(scope="module")
def session() -> Iterator[lk.Session]:
    with hostile_workspace(transactions=100) as session:
        yield session


class Watched:
    """A page, and what it did besides being shown."""

    def __init__(self, page: "Page") -> None:
        self.page = page
        self.did: list[str] = []
        page.on("dialog", self._asked_by)
        page.on("request", lambda request: self._asked(request.url))
        page.on("pageerror", lambda error: self.did.append(f"ran: {error}"))

    def _asked_by(self, dialog: "Dialog") -> None:
        self.did.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _asked(self, url: str) -> None:
        if not url.startswith(("about:", "blob:", "file:", "data:")):
            self.did.append(f"asked for {url}")

    def faults(self) -> list[str]:
        ran = self.page.evaluate(f"typeof window.{CANARY} !== 'undefined'")
        elements = "img, script, svg[onload], iframe, object, embed, a[href^=javascript]"
        there = self.page.evaluate(f"[...document.querySelectorAll({elements!r})].map((one) => one.outerHTML)")
        return [*self.did, *(["the canary is set"] if ran else []), *there]


@pytest.fixture
def watched(session: lk.Session, browser: "Browser") -> "Iterator[Watched]":
    page = browser.new_page()
    yield Watched(page)
    page.close()


def test_the_canary_is_set_where_a_text_is_taken_for_html(watched: Watched) -> None:
    watched.page.set_content(f"<table><tr><td>{ATTACKS[1]}{ATTACKS[2]}</table>")
    assert "the canary is set" in watched.faults()


def test_cards_drafts_and_frames_run_nothing(session: lk.Session, watched: Watched) -> None:
    shown: list[Any] = [session]
    for kind in CARDS:
        section = getattr(session, SECTIONS[kind])
        found = section.search(limit=6)
        shown += [found, *(section.get(int(one)) for one in found["id"])]
    listed = session.whitelists.get(1)["addresses"].iloc[0]
    recipient = next(one["address"] for one in listed if one["currency"] == "bitcoin")
    shown.append(session.transactions.send(1, recipient, "0.1 BTC", note=ATTACKS[0]))
    watched.page.set_content("".join(str(one._repr_html_()) for one in shown))
    assert watched.faults() == []
    assert CANARY in watched.page.inner_text("body")


def test_forms_run_nothing(session: lk.Session, watched: Watched) -> None:
    explorer = lk.explorer(session)
    explorer.wait()
    payment = session.transactions.payment_form().wait()
    payment.entries["account"].write(1)
    payment.wait()
    inbox = session.requests.inbox_form().wait()
    parts = [one.value for form in (explorer, payment, inbox) for one in every(form) if isinstance(one, widgets.HTML)]
    watched.page.set_content("".join(f"<div>{one}</div>" for one in parts))
    assert watched.faults() == []
    for form in (explorer, payment, inbox):
        form.close()


def test_a_table_runs_nothing(session: lk.Session, watched: Watched) -> None:
    form = session.accounts.form().wait()
    form.search.click()
    form.wait()
    table = next(one for one in every(form) if isinstance(one, table_module.Table))
    table.all_columns, table.page_size = True, 50
    page = watched.page
    page.goto("about:blank")
    page.expose_function("sent", lambda values: {name: getattr(table, name) for name in SYNCED})
    page.expose_function("told", lambda content: None)
    page.evaluate(MODEL, Path(table_module.__file__).with_name("table.js").read_text())
    page.locator("#one tbody tr:nth-child(20)").wait_for()
    assert watched.faults() == []
    assert CANARY in page.inner_text("#one")
    form.close()


def test_the_page_of_a_report_runs_nothing(session: lk.Session, watched: Watched, tmp_path: Path) -> None:
    path = lk.reports.portfolio(session).to_html(tmp_path / "report.html")
    watched.page.goto(path.as_uri())
    assert watched.faults() == []
    assert CANARY in watched.page.inner_text("body")
