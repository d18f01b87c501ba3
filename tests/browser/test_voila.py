"""The explorer as a page of its own, served by Voila to a real browser: a person clicks, and sees no code."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "explorer.ipynb"

pytestmark = pytest.mark.skipif(find_spec("voila") is None, reason="voila is not installed")


@pytest.fixture(scope="module")
def voila(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the notebook on loopback, and give its address."""
    folder = tmp_path_factory.mktemp("voila")
    shutil.copy(NOTEBOOK, folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "voila", NOTEBOOK.name, "--no-browser", "--Voila.ip=127.0.0.1", f"--port={port}"]
    environment = {**os.environ, "JUPYTER_CONFIG_DIR": str(folder / "config"), "HOME": str(folder)}
    log = folder / "log"
    with log.open("w") as written:
        process = subprocess.Popen(  # noqa: S603 - this Python and fixed options
            command, cwd=folder, stdout=written, stderr=written, env=environment
        )
        try:
            _wait_for(port, process, log)
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            process.wait(30)


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(120):
        try:
            # Not by HTTP: every page that is asked for starts a kernel.
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.5)  # another program's start can't be put on a fake clock
        else:
            return
    pytest.fail(f"Voila did not start: {log.read_text()}")


@pytest.fixture(scope="module")
def page(voila: str, browser: "Browser") -> Iterator["Page"]:
    page = browser.new_page(viewport={"width": 1400, "height": 1600})
    page.set_default_timeout(60_000)
    # Voila's page asks a content network for icons, which nothing here needs; a test leaves loopback alone.
    page.route(lambda url: not url.startswith(voila), lambda route: route.abort())
    page.goto(voila)
    page.wait_for_selector(".lk-mark")
    yield page
    page.close()


def test_the_page_begins_with_where_one_is(page: "Page") -> None:
    mark = page.locator(".lk-mark").first.inner_text()
    assert mark.startswith("SANDBOX")
    assert "Nothing here is real" in mark
    page.get_by_text("waiting for your approval").wait_for()
    page.locator(".lk-counts", has_text="bitcoin").first.wait_for()
    assert page.get_by_text("import ledgerkit").count() == 0


def test_transactions_are_found_without_typing_code(page: "Page") -> None:
    page.get_by_role("tab", name="Transactions").click()
    page.get_by_role("button", name="Last 7 days").filter(visible=True).click()
    page.get_by_role("button", name="Search", exact=True).filter(visible=True).click()
    page.locator("td", has_text="Confirmed").filter(visible=True).first.wait_for()
    assert page.locator(".lk-message.lk-error").filter(visible=True).count() == 0


def test_a_link_in_the_table_opens_the_card_of_a_transaction(page: "Page") -> None:
    link = page.locator("tbody td").locator("a, button").filter(visible=True).first
    number = link.inner_text()
    link.click()
    page.get_by_role("tab", name=f"Transaction {number}").wait_for()
    page.get_by_role("button", name="Close", exact=True).filter(visible=True).click()
    page.get_by_role("tab", name="Detail", exact=True).wait_for()
    assert page.locator("td", has_text="Confirmed").filter(visible=True).count() > 0  # the table is where it was
