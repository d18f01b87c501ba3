"""Notebooks in real JupyterLab, with a real browser: what `make lab` opens works from top to bottom."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def test_the_first_notebook_runs_in_jupyterlab(lab: str, browser: "Browser") -> None:
    # So tall that JupyterLab, which draws the cells in view alone, draws all of them.
    page = browser.new_page(viewport={"width": 1300, "height": 12000})
    page.set_default_timeout(60_000)
    _run_all(page, lab)
    page.wait_for_selector(".vega-embed canvas, .vega-embed svg")
    outputs = page.locator(".jp-OutputArea-output").all_inner_texts()
    tables = page.locator(".jp-RenderedHTMLCommon table.dataframe").count()
    page.close()
    assert not [text for text in outputs if "traceback" in text.lower() or "Error" in text]
    assert "SANDBOX" in outputs[0]
    assert tables >= 6


def test_payments_and_approvals_are_shown_in_jupyterlab(lab: str, browser: "Browser") -> None:
    page = browser.new_page(viewport={"width": 1300, "height": 12000})
    page.set_default_timeout(60_000)
    _run_all(page, lab.replace("/?", "/lab/tree/notebooks/02_first_steps_as_an_operator.ipynb?"))
    outputs = page.locator(".jp-OutputArea-output").all_inner_texts()
    page.close()
    shown = "\n".join(outputs)
    assert "SANDBOX" in outputs[0]
    assert any("DRAFT" in text and "nothing was sent" in text for text in outputs)
    assert "Your approval of request" in shown
    assert "CONFIRMED, 3 of 3 confirmations" in shown
    # Two cells show what is refused: a second submit, and a challenge that was tampered with.
    refused = [text for text in outputs if "The whole traceback" in text]
    assert len(refused) == 2
    assert all(len(text.splitlines()) < 40 for text in refused)
    assert "this draft was sent before" in refused[0]
    assert "Recipient: DIFFERS" in refused[1]


def _run_all(page: "Page", lab: str) -> None:
    # On a busy machine JupyterLab shows a kernel as idle before it is connected, and then drops the cells that it was
    # asked to run without a word: open the page anew, as a person would.
    for _ in range(4):
        page.goto(lab)
        page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]")
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        # A star stands in the prompt of a cell that waits or runs, a number in that of one that is done.
        if _prompts(page, r"[\d*]", seconds=10):
            break
    assert _prompts(page, r"\d", seconds=60)


def _prompts(page: "Page", pattern: str, seconds: int) -> bool:
    """Say whether the prompts of all cells match within the time."""
    for _ in range(2 * seconds):
        prompts = page.locator(".jp-CodeCell .jp-InputPrompt").all_inner_texts()
        if len(prompts) >= 8 and all(re.search(pattern, prompt) for prompt in prompts):
            return True
        page.wait_for_timeout(500)
    return False
