"""Pages of the documentation in a real browser: no number is cut without a sign of it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

STYLE = Path(__file__).parents[2] / "docs" / "_static"
ROW = "".join(f"<td>{'1234567890' * 2}</td>" for _ in range(5))
# As wide as the frames of most notebooks, and one that no screen holds.
FITS = f"<table class='dataframe' id='fits'><tr>{ROW}</tr></table>"
WIDE = f"<table class='dataframe' id='wide'><tr>{ROW * 4}</tr></table>"
LONG = "print('" + "0123456789" * 20 + "')"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, browser: "Browser") -> "Iterator[Page]":
    """Build a page of one notebook with the theme and the style of the documentation, and open it."""
    source = tmp_path_factory.mktemp("pages")
    told = [
        nbformat.v4.new_output("execute_result", {"text/html": one, "text/plain": ""})  # type: ignore[no-untyped-call]  # nbformat has no types
        for one in (FITS, WIDE)
    ]
    error = nbformat.v4.new_output("error", ename="E", evalue="", traceback=["word " * 80])  # type: ignore[no-untyped-call]  # nbformat has no types
    cell = nbformat.v4.new_code_cell(LONG, outputs=[*told, error])  # type: ignore[no-untyped-call]  # nbformat has no types
    title = nbformat.v4.new_markdown_cell("# Title\n\n" + "A sentence that goes on. " * 40)  # type: ignore[no-untyped-call]  # nbformat has no types
    nbformat.write(nbformat.v4.new_notebook(cells=[title, cell]), source / "index.ipynb")  # type: ignore[no-untyped-call]  # nbformat has no types
    settings = {
        "extensions": "myst_nb",
        "html_theme": "furo",
        "html_static_path": str(STYLE),
        "html_css_files": "ledgerkit.css",
        "nb_execution_mode": "off",
    }
    given = [part for name, value in settings.items() for part in ("-D", f"{name}={value}")]
    command = [sys.executable, "-m", "sphinx", "-q", "-C", *given, "-b", "html", str(source), str(source / "html")]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own command, with no input
    opened = browser.new_page(viewport={"width": 1440, "height": 900})
    opened.goto((source / "html" / "index.html").as_uri())
    yield opened
    opened.close()


def width(page: "Page", selector: str, which: str) -> int:
    found: int = page.evaluate(f"document.querySelector({selector!r}).{which}")
    return found


def test_a_frame_of_a_notebook_is_shown_whole(page: "Page") -> None:
    output = ".output:has(#fits)"
    assert width(page, output, "scrollWidth") == width(page, output, "clientWidth")
    assert width(page, "#fits", "offsetWidth") > 736  # the column of sentences, which cut it


def test_what_no_screen_holds_scrolls_on_its_own_and_is_marked_where_it_is_cut(page: "Page") -> None:
    output = ".output:has(#wide)"
    assert width(page, output, "scrollWidth") > width(page, output, "clientWidth")
    assert width(page, "html", "scrollWidth") <= 1440
    look = f"getComputedStyle(document.querySelector({output!r}))"
    assert page.evaluate(f"{look}.overflowX") == "auto"
    assert page.evaluate(f"{look}.backgroundImage").count("linear-gradient") == 4
    assert page.evaluate(f"{look}.backgroundAttachment") == "local, local, scroll, scroll"
    assert (
        page.evaluate(f"getComputedStyle(document.querySelector({output!r}), '::-webkit-scrollbar').height") == "10px"
    )


def test_code_and_messages_wrap_and_sentences_stay_narrow(page: "Page") -> None:
    for selector in (".cell_input pre", ".output.traceback pre"):
        assert width(page, selector, "scrollWidth") == width(page, selector, "clientWidth")
    assert width(page, "article p", "offsetWidth") <= 736


def test_on_a_narrow_screen_the_page_is_no_wider_than_it(page: "Page") -> None:
    page.set_viewport_size({"width": 600, "height": 900})
    assert width(page, "html", "scrollWidth") <= 600
    page.set_viewport_size({"width": 1440, "height": 900})
