"""What `make mutants` accepts and changes by hand belongs to the modules as they are."""

import tomllib
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("module", MODULES)
def test_the_tests_of_a_module_are_there(module: str) -> None:
    for path in [*MODULES[module]["tests"], *MODULES[module].get("slow", [])]:
        assert (ROOT / path).exists(), path


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
