"""Notebooks, opened in real JupyterLab and run from top to bottom: no cell fails, and every chart is drawn."""

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from browser.conftest import NOTEBOOKS, SCREENSHOTS, lab_in
from browser.notebook import Notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = sorted(
    path.relative_to(NOTEBOOKS).as_posix()
    for path in NOTEBOOKS.rglob("*.ipynb")
    if ".ipynb_checkpoints" not in path.parts
)
# A few in every run; `make look` opens all, which takes minutes.
ALWAYS = ("explorer.ipynb", "reports/portfolio.ipynb", "investigations/trace.ipynb")
# So tall that JupyterLab, which draws the cells in view alone, draws all of them.
TALL = {"width": 1300, "height": 16000}
MOST_SECONDS = 60


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """JupyterLab, as it is for all of them."""
    with lab_in(tmp_path_factory.mktemp("lab")) as address:
        yield address


@pytest.mark.parametrize(
    "name", [one if one in ALWAYS else pytest.param(one, marks=pytest.mark.look) for one in NAMES]
)
def test_a_notebook_runs_in_jupyterlab_and_its_charts_are_drawn(running: str, browser: "Browser", name: str) -> None:
    cells = json.loads((NOTEBOOKS / name).read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]
    # A workspace of its own: JupyterLab would open the notebooks of before beside it.
    workspace = re.sub(r"\W", "-", name)
    notebook = Notebook(browser, running.replace("/?", f"/lab/workspaces/{workspace}/tree/notebooks/{name}?"))
    page = notebook.page
    page.set_viewport_size(TALL)  # type: ignore[arg-type]  # playwright has a type of its own for it
    try:
        done = page.locator(".jp-CodeCell .jp-InputPrompt", has_text=re.compile(r"\[\d+\]"))
        # A page that was opened while its kernel started may hear of the first cell alone: then it is opened anew.
        for _ in range(2):
            notebook.run_until(".jp-CodeCell .jp-InputPrompt:text-matches('\\\\[\\\\d+\\\\]')")
            for _ in range(2 * MOST_SECONDS):
                if done.count() >= len(code):
                    break
                page.wait_for_timeout(500)
            if done.count() >= len(code):
                break
        assert done.count() == len(code)
        wanted = len([cell for cell in code if "raises-exception" in cell["metadata"].get("tags", [])])
        # Errors, and whatever was written to stderr.
        amiss = page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']")
        assert amiss.count() == wanted, amiss.all_inner_texts()
        drawings = page.locator(".vega-embed").locator("canvas.marks, svg.marks")
        assert drawings.count() == len([cell for cell in code if draws(cell)])
        for chart in drawings.all():
            box = chart.bounding_box()
            assert box is not None
            assert box["width"] > 200
            assert box["height"] > 50
        SCREENSHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"notebook-{name.replace('/', '-').removesuffix('.ipynb')}.png")
    finally:
        notebook.close()
        _end_kernels(running)


def draws(cell: dict[str, Any]) -> bool:
    """Say whether the last line of a cell is a chart."""
    return re.search(r"\b(chart|Chart)\(", "".join(cell["source"]).strip().splitlines()[-1]) is not None


def _end_kernels(address: str) -> None:
    """End the kernels that run, each of which holds a sandbox."""
    parts = urlsplit(address)
    base = f"{parts.scheme}://{parts.netloc}/api/sessions"
    headers = {"Authorization": "token test"}
    with urlopen(Request(base, headers=headers), timeout=10) as answer:  # noqa: S310 - a loopback address of our own
        sessions: list[dict[str, Any]] = json.load(answer)
    for one in sessions:
        end = Request(f"{base}/{one['id']}", headers=headers, method="DELETE")  # noqa: S310 - likewise
        urlopen(end, timeout=30).close()  # noqa: S310 - likewise


def test_there_are_notebooks_to_open() -> None:
    assert "00_start_here.ipynb" in NAMES
    assert "reports/portfolio.ipynb" in NAMES
