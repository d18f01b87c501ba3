"""What `make mutants` accepts and changes by hand belongs to the modules as they are."""

import json
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from mutation import by_hand
from mutation.copies import Copy
from mutation.survivors import Survivor, accepted, stanza

ROOT = Path(__file__).resolve().parents[1]
ACCEPTED = tomllib.loads((ROOT / "mutation/accepted.toml").read_text())
BY_HAND = tomllib.loads((ROOT / "mutation/by_hand.toml").read_text())
MODULES = tomllib.loads((ROOT / "mutation/modules.toml").read_text())


def lines_of(module: str) -> set[str]:
    return {line.strip() for line in (ROOT / f"ledgerkit/{module}.py").read_text().splitlines()}


@pytest.mark.parametrize("module", MODULES)
def test_each_survivor_that_is_accepted_has_a_reason_and_is_a_line_of_its_module(module: str) -> None:
    for one in ACCEPTED.get(module, []):
        assert len(one["reason"].split()) >= 3, one
        assert one["was"] != one["now"]
        assert {line.strip() for line in one["was"].strip().splitlines()} <= lines_of(module), one["was"]


@pytest.mark.parametrize("module", MODULES)
def test_each_change_by_hand_has_one_place_in_its_module(module: str) -> None:
    source = (ROOT / f"ledgerkit/{module}.py").read_text()
    for one in BY_HAND.get(module, []):
        assert source.count(one["was"]) == 1, one["was"]
        assert one["was"] != one["now"]
        # What is no module makes every test fail, and shows nothing.
        compile(source.replace(one["was"], one["now"]), module, "exec")


@pytest.mark.parametrize("module", MODULES)
def test_the_tests_of_a_module_are_there(module: str) -> None:
    for path in [*MODULES[module]["tests"], *MODULES[module].get("slow", [])]:
        assert (ROOT / path).exists(), path


# What was killed, and by what


@pytest.fixture
def small(tmp_path: Path) -> Copy:
    """A copy of a tree of one module, one test, and what a test imports; one of two mutants was killed."""
    files = {
        "pyproject.toml": "",
        "ledgerkit/small.py": "LIMIT = 10\n",
        "ledgerkit/other.py": "LIMIT = 20\n",
        "tests/test_small.py": "from ledgerkit import small\n\ndef test_limit():\n    assert small.LIMIT == 10\n",
        "tests/serving.py": "PORT = 80\n",
        "mutation/quick.py": "",
        "mutation/by_hand.toml": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    copy = Copy(tmp_path, "small", ["tests/test_small.py"])
    copy.bring_up_to_date()
    found = copy.folder / "mutants/ledgerkit/small.py.meta"
    found.parent.mkdir(parents=True)
    found.write_text(json.dumps({"exit_code_by_key": {"one": 1, "two": 0}}))
    return copy


def test_a_run_over_the_same_tree_goes_on_where_it_was(small: Copy, tmp_path: Path) -> None:
    (tmp_path / "mutation/by_hand.toml").write_text("# another reason")
    small.bring_up_to_date()
    assert small.outcomes() == {"one": "killed", "two": "not run"}


@pytest.mark.parametrize(
    "changed", ["tests/test_small.py", "tests/serving.py", "ledgerkit/small.py", "ledgerkit/other.py"]
)
@pytest.mark.parametrize("deleted", [False, True])
def test_nothing_stays_killed_by_tests_that_have_changed_or_in_another_package(
    small: Copy, tmp_path: Path, changed: str, deleted: bool
) -> None:
    (tmp_path / changed).write_text("LIMIT = 10\n# changed\n")
    if deleted:
        (tmp_path / changed).unlink()
    small.bring_up_to_date(keep=True)
    assert small.outcomes() == {"one": "killed", "two": "not run"}, "as was asked for"
    small.bring_up_to_date()
    assert not (small.folder / "mutants").exists()


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        (0, "! survived: small: 10 -> 11"),
        (2, "! pytest ended with 2: small: 10 -> 11"),
        (4, "! pytest ended with 4: small: 10 -> 11"),
        (-9, "! pytest ended with -9: small: 10 -> 11"),
        (None, "! not done after 3 seconds: small: 10 -> 11"),
    ],
)
def test_a_change_by_hand_is_killed_by_a_test_that_fails_and_by_nothing_else(
    small: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: int | None, said: str
) -> None:
    listed = tmp_path / "changes.toml"
    listed.write_text('[[small]]\nwas = "10"\nnow = "11"\n[[small]]\nwas = "LIMIT"\nnow = "MOST"\n')
    ends: list[int | None] = [0, ended, 1]

    def run(*_: Any, timeout: float | None, **__: Any) -> subprocess.CompletedProcess[str]:
        code = ends.pop(0)
        if code is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired("pytest", 3.0)
        return subprocess.CompletedProcess([], code)

    monkeypatch.setattr(subprocess, "run", run)
    assert list(by_hand.run(small, listed)) == [said, "small: 2 changes by hand, 1 killed"]


def test_tests_that_fail_without_a_change_kill_nothing(
    small: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = tmp_path / "changes.toml"
    listed.write_text('[[small]]\nwas = "10"\nnow = "11"\n')
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 1))
    assert list(by_hand.run(small, listed)) == ["! the tests of small do not pass without any change: a test failed"]


# What is accepted


@pytest.mark.parametrize(
    ("was", "now", "worded"),
    [
        ('raise E("it is no amount")', 'raise E("IT IS NO AMOUNT")', True),
        ('raise E("it is no amount")', 'raise E("XXit is no amountXX")', True),
        ('raise E("it is no amount", field="a")', 'raise E("it is no amount", field="A")', False),
        ('raise E("it is no amount")', "raise E(None)", False),
        ('asked["order_by"]', 'asked["ORDER_BY"]', False),
        ('if "PRIVATE KEY" in text', 'if "private key" in text', False),
        ('f("a b c", 1)', 'f("a b c", 2)', False),
        ('f("a b c")', 'f("a b d")', False),
    ],
)
def test_only_the_case_of_a_text_for_people_is_a_matter_of_words(was: str, now: str, worded: bool) -> None:
    assert Survivor("x", "f", was, now).is_wording is worded


def test_a_stanza_is_accepted_as_it_is_printed(tmp_path: Path) -> None:
    one, two = Survivor("x", "f", "a = 1\nb = 2", "a = 2\nb = 2"), Survivor("x", "g.h", 'c = "d"', 'c = "D"')
    path = tmp_path / "accepted.toml"
    path.write_text(stanza(one) + stanza(two))
    assert accepted(path, "x") == {one.key: "", two.key: ""}
    assert accepted(path, "y") == {}
