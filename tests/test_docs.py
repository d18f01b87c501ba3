"""The documentation builds without a warning, loads nothing from elsewhere, and its code is true."""

import ast
import html
import inspect
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import pytest
from guides import blocks, run

import ledgerkit as lk

DOCS = Path(__file__).parent.parent / "docs"
MADE_ANEW = ("_build", "notebooks", "reference", "__pycache__")
WRITTEN = [path for path in sorted(DOCS.rglob("*.md")) if path.relative_to(DOCS).parts[0] not in MADE_ANEW]
GUIDES = [path for path in WRITTEN if any(not block.not_run for block in blocks(path))]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages, built anew without running notebooks: each has a test of its own that runs it.

    They are built from a copy, beside which `make docs` may run.
    """
    folder = tmp_path_factory.mktemp("site")
    source = folder / "docs"
    shutil.copytree(DOCS, source, ignore=shutil.ignore_patterns(*MADE_ANEW))
    for name in ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"):
        shutil.copy(DOCS.parent / name, folder)
    (source / "outputs.ipynb").write_text(json.dumps(OUTPUTS), encoding="utf-8")
    built = subprocess.run(  # noqa: S603 - our own command, with no input
        [
            *(sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-n", "-D", "nb_execution_mode=off"),
            *("-b", "html", "-d", str(folder / "doctrees"), str(source), str(folder / "html")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder / "html"


# A notebook as one that was run: a chart, a widget with the text beside it, a bar of progress, an error of the kit.
OUTPUTS = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {
        "orphan": True,
        "language_info": {"name": "python"},
        "widgets": {"application/vnd.jupyter.widget-state+json": {"state": {"0" * 32: {"typed": "into a form"}}}},
    },
    "cells": [
        {"cell_type": "markdown", "id": "title", "metadata": {}, "source": "# Outputs"},
        {
            "cell_type": "code",
            "id": "code",
            "metadata": {},
            "execution_count": 1,
            "source": "1",
            "outputs": [
                {
                    "output_type": "display_data",
                    "metadata": {},
                    "data": {
                        "application/vnd.vegalite.v5+json": {"mark": "bar"},
                        "image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg'><title>drawn</title></svg>",
                        "text/plain": "Chart: in words",
                    },
                },
                {
                    "output_type": "display_data",
                    "metadata": {},
                    "data": {
                        "application/vnd.jupyter.widget-view+json": {"model_id": "0" * 32},
                        "text/plain": "Search · SANDBOX · ready\nthe form as text",
                    },
                },
                {
                    "output_type": "display_data",
                    "metadata": {},
                    "data": {
                        "application/vnd.jupyter.widget-view+json": {"model_id": "1" * 32},
                        "text/plain": "/transactions:   0%|          | 0/40 [00:00<?, ?call/s]",
                    },
                },
                {
                    "output_type": "error",
                    "ename": "InvalidRequest",
                    "evalue": "it was sent before",
                    "traceback": [
                        f"File {DOCS.parent}/ledgerkit/drafts.py:177",
                        "InvalidRequest: it was sent before",
                    ],
                },
            ],
        },
    ],
}


class Page(HTMLParser):
    """What a page links to and loads, and the places in it that can be linked to."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.ids.add(given["id"])
        if "href" in given:
            # A <link> to the next page or to the search is a link; one to a style or an icon is loaded.
            linked = tag == "a" or given.get("rel") in ("next", "prev", "index", "search")
            (self.links if linked else self.loads).append(given["href"])
        self.loads += [given[name] for name in ("src", "data", "poster") if tag != "a" and given.get(name)]


@cache
def read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    return page


def pages(site: Path) -> Iterator[Path]:
    return site.rglob("*.html")


def test_every_link_inside_leads_somewhere(site: Path) -> None:
    lost = []
    for path in pages(site):
        page = read(path)
        for link in page.links + page.loads:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            anchored = not parts.fragment or target.suffix != ".html"
            if not target.exists() or not (anchored or unquote(parts.fragment) in read(target).ids):
                lost.append(f"{path.relative_to(site)}: {link}")
    assert lost == []


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    outside = [
        f"{path.relative_to(site)}: {load}"
        for path in pages(site)
        for load in read(path).loads
        if urlsplit(load).scheme not in ("", "data") or urlsplit(load).netloc
    ]
    assert outside == []


def test_no_style_loads_anything_from_elsewhere(site: Path) -> None:
    styles = list(site.rglob("*.css"))
    assert styles
    for path in styles:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "url(http" not in text.replace('"', "").replace("'", "")
        assert "url(//" not in text.replace('"', "").replace("'", "")
        assert "@import" not in text


def test_outputs_of_notebooks_show_without_a_script(site: Path) -> None:
    text = (site / "outputs.html").read_text(encoding="utf-8")
    [drawing] = [load for load in read(site / "outputs.html").loads if load.endswith(".svg")]
    assert "<title>drawn</title>" in (site / drawing).read_text(encoding="utf-8")
    assert "the form as text" in text
    # Who sees text in place of a form is told that it is one, once: a bar of progress is none.
    assert text.count("Run the notebook in JupyterLab") == 1
    assert text.index("Run the notebook in JupyterLab") < text.index("the form as text")
    assert "widget-view" not in text
    assert "into a form" not in text
    # What is of the moment and of this machine is left out.
    assert "call/s" not in text
    assert "ledgerkit/drafts.py:177" in _plain(text)
    assert str(DOCS.parent) not in text


README = (DOCS.parent / "README.md").read_text(encoding="utf-8")


def test_the_readme_names_every_report_with_a_call_that_can_be_made() -> None:
    calls = re.findall(r"^\|[^|]+\| `lk\.reports\.(\w+)\((.*)\)` \|$", README, re.MULTILINE)
    assert sorted(name for name, _ in calls) == sorted(set(lk.reports.__all__) - {"Report"})
    for name, given in calls:
        call = ast.parse(f"f({given})", mode="eval").body
        assert isinstance(call, ast.Call)
        inspect.signature(getattr(lk.reports, name)).bind(
            *call.args, **{str(one.arg): one.value for one in call.keywords}
        )


def test_the_readme_has_the_tutorials_in_order_and_its_links_lead_somewhere() -> None:
    rows = re.findall(r"^\| \[[^\]]+\]\(notebooks/(\d\d_\w+\.ipynb)\)", README, re.MULTILINE)
    assert rows == sorted(path.name for path in (DOCS.parent / "notebooks").glob("0*.ipynb"))
    headings = {re.sub(r"\W+", "-", one.lower()) for one in re.findall(r"^#+ (.+)$", README, re.MULTILINE)}
    for link in re.findall(r"\]\(([^)\s]+)\)", README):
        if link.startswith("#"):
            assert link[1:] in headings
        elif "://" not in link:
            assert (DOCS.parent / link).exists(), link


def test_every_public_name_has_its_place(site: Path) -> None:
    there = set().union(*(read(path).ids for path in (site / "reference").glob("*.html")))
    missing = [name for name in lk.__all__ if not {f"ledgerkit.{name}", f"module-ledgerkit.{name}"} & there]
    assert missing == []


OPERATIONS = [SimpleNamespace(name=f"{row.method} {row.path}", call=row.call) for row in lk.operations().itertuples()]


def test_every_call_says_its_operation(site: Path) -> None:
    wrong = []
    for one in OPERATIONS:
        if one.call == "connect()":
            continue
        name = one.call.partition("(")[0]
        page = (site / "reference" / f"section-{name.split('.')[1]}.html").read_text(encoding="utf-8")
        # What stands below the signature of the call, and before that of the next.
        _, found, after = page.partition(f'id="{name}"')
        said = re.search(r"^API: (.*)$", _plain(after.split('<dt class="sig', 1)[0]), re.MULTILINE)
        if not found or said is None or one.name not in said[1].split(" or "):
            wrong.append(f"{name}: {one.name}")
    assert wrong == []


def test_every_operation_is_in_the_table_of_operations(site: Path) -> None:
    text = (site / "reference" / "operations.html").read_text(encoding="utf-8")
    rows = {_plain(row.split("</td>")[0]).strip() for row in text.split("<tr")}
    listed = {row.partition(">")[2].strip() for row in rows}
    assert {one.name for one in OPERATIONS} <= listed


def _plain(text: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", text))


@pytest.mark.parametrize("section", ["accounts", "transactions", "requests", "users", "whitelists"])
def test_the_columns_of_a_search_are_those_of_its_frame(site: Path, section: str) -> None:
    """The frame comes from the sandbox, the columns from the page."""
    with lk.connect("sandbox", transactions=50) as session:
        frame = getattr(session, section).search(limit=1)
    page = (site / "reference" / f"section-{section}.html").read_text(encoding="utf-8")
    table = page.partition(f'id="columns-{section}-search"')[2].partition("</table>")[0]
    cells = [_plain(cell).strip() for cell in table.split("<td>")[1:]]
    shown = [(name, dtype) for name, dtype in zip(cells[0::3], cells[1::3], strict=True)]
    assert shown == [(name, str(dtype)) for name, dtype in frame.dtypes.items()]


def test_a_page_says_where_its_code_ends_with_an_error(site: Path) -> None:
    for page in WRITTEN:
        text = _plain((site / page.relative_to(DOCS).with_suffix(".html")).read_text(encoding="utf-8"))
        errors = [block.raises for block in blocks(page) if block.raises]
        assert [found[1] for found in re.finditer(r"This ends with (\w+)\.", text)] == errors


@pytest.mark.parametrize("page", GUIDES, ids=[path.relative_to(DOCS).as_posix() for path in GUIDES])
def test_the_code_of_a_guide_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    into: dict[str, object] = {"__name__": "guide"}
    try:
        run(page, into)
    finally:
        for value in into.values():
            if isinstance(value, lk.Session):
                value.close()


def test_what_is_not_run_has_a_reason_and_is_little() -> None:
    left_out = [block for page in WRITTEN for block in blocks(page) if block.not_run]
    all_blocks = [block for page in WRITTEN for block in blocks(page)]
    assert len(left_out) * 5 < len(all_blocks)
