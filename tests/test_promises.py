"""Every promise of the README stands in docs/promises.md, beside tests that are there and are run."""

import inspect
import re
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
# With what the page says of it, in brackets: the command that runs it, or why it may be skipped.
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py::\w+)`(?: \((.+?)\))?", PAGE)))


@pytest.fixture
def collected(request: pytest.FixtureRequest) -> dict[str, pytest.Item]:
    """One item of each test that this run has; of a test with parameters, any."""
    config = request.config
    asked = [config.invocation_params.dir / one for one in config.args]
    if asked != [ROOT / "tests"] or config.option.keyword or config.option.deselect:
        pytest.skip("only a run of all tests shows which of them are run")
    return {item.nodeid.partition("[")[0]: item for item in request.session.items}


def remark_of(item: pytest.Item) -> str:
    """Return what the page has to say of a test: nothing, or why it may be skipped."""
    assert item.get_closest_marker("xfail") is None
    assert item.get_closest_marker("skip") is None
    reasons = [mark.kwargs["reason"] for mark in item.iter_markers("skipif")]
    fixtures = chain.from_iterable(item._fixtureinfo.name2fixturedefs.values())  # type: ignore[attr-defined]  # no other way
    own = (item.obj.__module__, "conftest")  # type: ignore[attr-defined]  # as above
    for function in {one.func for one in fixtures if one.func.__module__ in own}:
        reasons += re.findall(r'pytest\.skip\(\s*"(.*)"', inspect.getsource(function))
    return ", ".join(f"skipped: {one}" for one in reasons)


def test_each_test_that_is_named_is_run_or_the_page_says_by_which_command_and_where_it_is_skipped(
    collected: dict[str, pytest.Item],
) -> None:
    said = {name: remark for name, remark in NAMED if not remark.startswith("`make ")}
    assert said == {name: remark_of(collected[name]) if name in collected else "is not run" for name in said}


def test_a_test_that_has_a_command_of_its_own_is_there_with_its_mark() -> None:
    for name, remark in NAMED:
        if command := re.fullmatch(r"`make (\w+)`", remark):
            path, _, function = name.partition("::")
            text = (ROOT / path).read_text(encoding="utf-8")
            assert f"def {function}(" in text
            assert f"pytest.mark.{command[1]}" in text


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
