"""What the project says of its packages is true: every one is pinned, at a version that its bounds allow."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REQUIREMENTS = sorted(
    {*PROJECT["dependencies"], *(one for extra in PROJECT["optional-dependencies"].values() for one in extra)}
)
PINNED = {
    canonicalize_name(name): Version(version)
    for name, version in re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
}


@pytest.mark.parametrize("text", [one for one in REQUIREMENTS if not one.startswith("ledgerkit-enterprise[")])
def test_every_package_is_pinned_within_its_bounds(text: str) -> None:
    requirement = Requirement(text)
    pinned = PINNED.get(canonicalize_name(requirement.name))
    assert pinned is not None, "run `make constraints`"
    assert pinned in requirement.specifier


def test_a_pin_is_a_name_and_a_version_and_nothing_of_a_machine() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.!+-]+", line)] == []
