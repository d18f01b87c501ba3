"""The forms in real JupyterLab: a person clicks and types, and sees no code.

One notebook, in which the tests follow each other: JupyterLab takes long to start.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from browser.conftest import SCREENSHOTS, lab_in
from browser.notebook import Notebook, contrasts, settle
from ledgerkit.forms.table import PAGE_SIZES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

TAMPER = """
def tamper(challenge):
    challenge["data"]["transaction_data"]["recipient"] = "18sCtg3d3RzsYGa12ojzrv522UxUPXPYva"
    return challenge
session.sandbox.challenges.tamper(tamper)
"""
# They are compared in the kernel: what a cell prints is saved too.
SECRETS_SAVED = """
from pathlib import Path
saved = Path("explorer.ipynb").read_text()
secrets = [session._credentials.key_secret.reveal(), session._credentials.private_key.reveal()]
# Line breaks of a key are written as two characters in JSON.
parts = [[line for line in one.splitlines() if len(line) > 8 and "-----" not in line] for one in secrets]
print(len([one for one in parts if one]), "secrets,", sum(line in saved for one in parts for line in one), "saved")
"""
LEAST_CONTRAST = 4.5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that JupyterLab runs in, with the notebooks."""
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="module")
def notebook(folder: Path, browser: "Browser") -> Iterator[Notebook]:
    """The explorer, open and run."""
    settle(folder / "config")
    with lab_in(folder) as lab:
        opened = Notebook(browser, lab.replace("/?", "/lab/tree/notebooks/explorer.ipynb?"))
        opened.run_until(".lk-tabs")
        opened.page.keyboard.press("Control+b")  # the list of files takes a quarter of the width
        yield opened
        opened.close()


@pytest.fixture
def page(notebook: Notebook) -> "Page":
    return notebook.page


def tab(page: "Page", name: str) -> "Locator":
    """Go to a tab of the explorer, and return what it shows."""
    page.get_by_role("tab", name=name, exact=True).click()
    shown = page.locator(".lk-tabs > .widget-tab-contents > .lm-Widget:visible")
    shown.first.wait_for()
    return shown


def press(form: "Locator", name: str) -> None:
    """Click on the button that is to be seen."""
    form.get_by_role("button", name=name, exact=True).filter(visible=True).first.click()


def rows_found(form: "Locator") -> int:
    """Wait for a search, and return how many rows the form says that it found."""
    said = form.locator(".lk-count").first
    said.wait_for()
    return int(re.match(r"[\d,]+", said.inner_text())[0].replace(",", ""))  # type: ignore[index]  # it was found, or the test fails here


def search_form(page: "Page") -> "Locator":
    """Go to the search for transactions, with empty filters."""
    form = tab(page, "Transactions")
    press(form, "Clear")
    return form


def code_of(form: "Locator") -> str:
    """Return the line of code that a form shows."""
    return form.locator(".lk-code-box > pre").first.inner_text()


# Searching


def test_transactions_are_found_sorted_and_opened_by_clicks(page: "Page") -> None:
    form = search_form(page)
    press(form, "Last month")
    form.get_by_label("Type", exact=True).select_option("Send")
    form.get_by_label("Currency", exact=True).click()
    page.keyboard.type("bitcoin")
    page.keyboard.press("Enter")
    form.locator(".lk-chip", has_text="bitcoin").wait_for()
    press(form, "Search")
    found = rows_found(form)
    assert found > 1, "too few to be sorted"  # how many a month has depends on the day: the next test counts them
    assert "currency='bitcoin', type='SEND'" in code_of(form)

    form.get_by_role("button", name="Amount", exact=True).click()
    form.locator("th[aria-sort=ascending]", has_text="Amount").wait_for()

    def smallest_first() -> bool:  # the kernel sends the rows, a little after the click
        cells = form.locator("td.lk-amount").evaluate_all("cells => cells.map(one => one.dataset.copy)")
        amounts = [-int(one) for one in cells]
        return len(amounts) == min(found, PAGE_SIZES[0]) and amounts == sorted(amounts)

    for _ in range(100):
        if smallest_first():
            break
        page.wait_for_timeout(100)
    assert smallest_first()

    form.locator("tbody tr").first.locator(".lk-link").first.click()
    card = page.locator(".lk-card").filter(visible=True)
    card.wait_for()
    steps = card.locator("table", has_text="May approve").locator("tr", has_text="Complete")
    voted = steps.first.locator("td").nth(3).inner_text()
    assert re.match(r"[a-z]+\.[a-z]+ user \d+", voted), voted


def test_copied_code_finds_what_the_form_found(notebook: Notebook, page: "Page") -> None:
    form = tab(page, "Transactions")
    found = rows_found(form)
    press(form, "Copy code")
    form.get_by_text("Copied", exact=True).wait_for()
    notebook.new_cell()
    page.keyboard.press("Control+v")
    page.keyboard.insert_text("\nprint(len(frame))")
    assert notebook.run_cell() == str(found)


def test_a_name_that_is_typed_and_not_picked_is_used_or_refused(page: "Page") -> None:
    form = search_form(page)
    form.get_by_label("Account", exact=True).click()
    page.keyboard.type("BTC Treasury 1")
    press(form, "Search")  # the mouse goes there with the text still in the box
    form.locator(".lk-code-box", has_text="account=1").wait_for()
    assert rows_found(form) > 0

    press(form, "Clear")
    form.get_by_label("Account", exact=True).click()
    page.keyboard.type("Treasury")
    press(form, "Search")
    form.get_by_role("alert").get_by_text("it may mean").wait_for()
    assert form.locator(".lk-count").count() == 0


def test_a_day_that_is_none_is_no_missing_filter(page: "Page") -> None:
    form = search_form(page)
    form.get_by_label("Created from", exact=True).click()
    page.keyboard.type("2026-02-31")
    press(form, "Search")
    form.get_by_role("alert").get_by_text("Created from: '2026-02-31' was not taken").wait_for()
    assert form.locator(".lk-count").count() == 0


def test_a_long_search_is_cancelled(notebook: Notebook, page: "Page") -> None:
    form = search_form(page)
    notebook.run("session.sandbox.faults.latency(0.5)")
    try:
        press(form, "Search")
        form.get_by_text(re.compile(r"page \d+ of \d\d")).wait_for()
        press(form, "Cancel")
        form.get_by_text("Stopped").wait_for()
        assert form.locator(".lk-count").count() == 0
        assert form.get_by_role("button", name="Search", exact=True).is_enabled()
    finally:
        notebook.run("session.sandbox.faults.clear()")


def test_fields_have_labels_and_the_keyboard_is_enough(page: "Page") -> None:
    form = search_form(page)
    for label in ("Account", "Status", "Type", "Currency", "Created from", "Created before"):
        assert form.get_by_label(label, exact=True).count() == 1, label

    form.get_by_label("Account", exact=True).focus()
    keys = page.keyboard
    keys.press("Tab")
    keys.press("Tab")
    keys.press("S")
    keys.type("END")
    keys.press("Tab")
    keys.type("bitcoin")
    keys.press("Enter")
    form.locator(".lk-chip", has_text="bitcoin").wait_for()
    reach(page, "Last month")
    keys.press("Enter")
    form.locator("input[value], input").first.wait_for()
    reach(page, "Search")
    keys.press("Enter")
    assert rows_found(form) > 1
    line = code_of(form)
    assert "currency='bitcoin', type='SEND'" in line
    assert "created_after=" in line
    reach(page, "Amount")
    keys.press("Enter")
    form.locator("th[aria-sort=ascending]", has_text="Amount").wait_for()


def reach(page: "Page", name: str) -> None:
    """Press Tab until a button has the focus."""
    for _ in range(40):
        focused = page.evaluate("document.activeElement.tagName + ' ' + document.activeElement.innerText.trim()")
        if focused == f"BUTTON {name}":
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{name} is not reached by Tab")


# Creating and approving


def payment(page: "Page", amount: str, base: str) -> "Locator":
    """Fill a payment in, key by key, and have it reviewed."""
    form = tab(page, "New request")
    press(form, "Clear")
    form.get_by_label("Account", exact=True).first.click()
    page.keyboard.type("BTC Treasury 1")
    page.keyboard.press("Enter")
    form.get_by_label("Unit", exact=True).locator("option", has_text="BTC").first.wait_for(state="attached")
    form.get_by_label("Amount", exact=True).first.click()
    page.keyboard.type(amount)
    form.get_by_text(f"= {base} base units").wait_for()
    # A list that drops down belongs to the window and not to the page: what is chosen from it is filled in at once.
    picker = form.get_by_label("Recipient from the whitelists of the account", exact=True)
    picker.click()
    page.keyboard.type("Bright")
    offered = form.locator("datalist option[value^='Brightwater OTC']")
    offered.wait_for(state="attached")
    picker.fill(str(offered.get_attribute("value")))
    form.locator(".lk-grid", has_text="Recipient").get_by_text("as Brightwater OTC").filter(
        visible=True
    ).first.wait_for()
    assert form.get_by_label("Recipient", exact=True).first.input_value().startswith("bc1pn0d4")
    return form


def requests_made(notebook: Notebook) -> int:
    return int(notebook.run("print(len(session.requests.search()))"))


def test_a_payment_is_made_once_by_a_double_click_and_approved(notebook: Notebook, page: "Page") -> None:
    before = requests_made(notebook)
    form = payment(page, "0.0123", "1230000")
    press(form, "Review")
    yes = form.get_by_label(re.compile("are what I mean"))
    yes.wait_for()
    page.screenshot(path=SCREENSHOTS / "light_review.png")
    yes.check()
    form.get_by_role("button", name="Create request", exact=True).dblclick()
    form.get_by_role("button", name="Approve it", exact=True).wait_for()
    assert requests_made(notebook) == before + 1

    press(form, "Approve it")
    press(form, "Compare")
    phrase = form.get_by_label(re.compile("Type 'approve .*' to sign"))
    phrase.wait_for()
    page.screenshot(path=SCREENSHOTS / "light_challenge.png")
    words = re.search("'(.*)'", form.get_by_text(re.compile("Type 'approve")).first.inner_text())
    assert words is not None
    phrase.click()
    page.keyboard.type(words[1])
    press(form, "Sign and approve")
    form.get_by_text(re.compile("Your approval of request .* is in")).first.wait_for()
    page.screenshot(path=SCREENSHOTS / "light_signed.png")


def test_a_tampered_challenge_is_shown_and_can_not_be_signed(notebook: Notebook, page: "Page") -> None:
    press(tab(page, "New request"), "Make another")
    form = payment(page, "0.0124", "1240000")
    press(form, "Review")
    form.get_by_label(re.compile("are what I mean")).check()
    press(form, "Create request")
    form.get_by_role("button", name="Approve it", exact=True).wait_for()
    notebook.run(TAMPER)
    try:
        press(form, "Approve it")
        press(form, "Compare")
        form.get_by_text("DIFFERS").first.wait_for()
        page.screenshot(path=SCREENSHOTS / "light_tampered.png")
        assert form.get_by_label(re.compile("Type 'approve")).filter(visible=True).count() == 0
        assert form.get_by_role("button", name="Sign and approve").filter(visible=True).count() == 0
    finally:
        notebook.run("session.sandbox.challenges.tamper(None)")


# How it looks


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_all_that_is_shown_can_be_read_in_light_and_dark(notebook: Notebook, page: "Page", theme: str) -> None:
    notebook.choose_theme(f"JupyterLab {theme}")
    faint: dict[str, float] = {}
    for name in page.locator(".lk-tabs > .widget-tab-bar [role=tab]").all_inner_texts():
        tab(page, name)
        page.wait_for_timeout(300)
        page.screenshot(path=SCREENSHOTS / f"{theme.lower()}_{name.split()[0].lower()}.png")
        faint |= {f"{name}: {text}": one for text, one in contrasts(page).items() if one < LEAST_CONTRAST}
    assert faint == {}


# What is left


def test_a_saved_notebook_holds_no_secret(notebook: Notebook, folder: Path) -> None:
    notebook.save()
    saved = (folder / "notebooks" / "explorer.ipynb").read_text()
    assert "application/vnd.jupyter.widget-state+json" in saved
    assert notebook.run(SECRETS_SAVED) == "2 secrets, 0 saved"
