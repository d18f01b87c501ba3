"""Every promise of the README stands in docs/promises.md, beside tests that are there and are run."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))


@cache
def functions_of(path: str) -> dict[str, ast.FunctionDef]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("path", "name"), NAMED, ids=[name for _, name in NAMED])
def test_a_test_that_is_named_is_there_and_is_run(path: str, name: str) -> None:
    assert name.startswith("test_")
    marks = [ast.unparse(mark) for mark in functions_of(path)[name].decorator_list]
    assert [mark for mark in marks if re.search(r"mark\.(skip|xfail|soak|look)\b", mark)] == []


def test_no_promise_is_without_a_test() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| promise |")]
    assert rows
    assert [row for row in rows if "::test_" not in row.rpartition(" | ")[2]] == []


def test_the_promises_of_the_readme_are_all_there() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    promised = {
        bold.rstrip(".")
        for title in ("Payments and approvals", "What you can rely on")
        for bold in re.findall(r"^- \*\*(.+?)\*\*", _section(readme, title), re.MULTILINE)
    }
    assert len(promised) > 10
    assert promised - {"Everything else"} <= set(re.findall(r"^## (.+)$", PAGE, re.MULTILINE))


def _section(text: str, title: str) -> str:
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
