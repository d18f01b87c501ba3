"""The Makefile: what is no file is run whatever files lie about, and options of pytest reach every run of it."""

import re
from pathlib import Path

import pytest

MAKEFILE = (Path(__file__).parent.parent.parent / "Makefile").read_text("utf-8")
TARGETS = re.findall(r"^([^\s#:=]+):(?!=)", MAKEFILE, re.MULTILINE)
PHONY = {name for line in re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE) for name in line.split()}


def test_every_target_that_is_no_file_is_run_though_a_file_has_its_name() -> None:
    assert {"test", "bare", "audit"} <= set(TARGETS)
    # A target that is a file is one in a folder.
    assert {name for name in TARGETS if "/" not in name and name != ".PHONY"} == PHONY


@pytest.mark.parametrize(
    "line", re.findall(r"^\t(.* -m (?:pytest|supply (?:bare|lowest|newest|pythons))\b.*)$", MAKEFILE, re.M)
)
def test_every_run_of_pytest_takes_the_options_that_are_given(line: str) -> None:
    assert line.endswith("$(PYTEST)")
