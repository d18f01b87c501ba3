"""The Pythons of this machine, and the tests on each of them."""

import os
import subprocess
import time
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from supply.bounds import project
from supply.environments import SUITE, Failed, install, make, run

# Where versions of Python are kept side by side, besides the folders of PATH.
KEEPERS = ("{PYENV_ROOT}/versions/*/bin", "{HOME}/.pyenv/versions/*/bin", "{HOME}/.local/share/uv/python/*/bin")
ASK = "import sys; print('.'.join(map(str, sys.version_info[:3])), sys.version_info.releaselevel)"


def promised() -> list[str]:
    """Return the versions that the classifiers of pyproject.toml name, such as 3.11."""
    last = [text.rpartition(" :: ")[2] for text in project()["classifiers"] if "Python :: 3." in text]
    return sorted(last, key=Version)


def version_of(program: Path) -> Version | None:
    """Return the version of a Python, or None where it is none, does not run, or is not released."""
    try:
        done = subprocess.run([str(program), "-c", ASK], check=False, capture_output=True, text=True, timeout=30)  # noqa: S603 - a Python of this machine
    except (OSError, subprocess.TimeoutExpired):
        return None
    number, _, level = done.stdout.strip().partition(" ")
    return Version(number) if done.returncode == 0 and level == "final" else None


def programs() -> list[Path]:
    """Return what may be a Python of this machine: ``python3.N`` of PATH and of the folders of version managers."""
    folders: list[Path] = [Path(part) for part in os.environ.get("PATH", "").split(os.pathsep) if part]
    for pattern in KEEPERS:
        name = pattern[1 : pattern.index("}")]
        if home := os.environ.get(name):
            folders += sorted(Path(home).glob(pattern.partition("}/")[2]))
    return list(chain.from_iterable(sorted(folder.glob("python3.[0-9]*[0-9]")) for folder in folders))


def choose(found: Iterable[tuple[Path, Version | None]], allowed: SpecifierSet) -> dict[str, tuple[Path, Version]]:
    """Choose one Python for each minor version that the package allows: the newest of them.

    Parameters
    ----------
    found
        Programs with their versions.
    allowed
        What ``requires-python`` says.
    """
    chosen: dict[str, tuple[Path, Version]] = {}
    for program, version in found:
        if version is None or version not in allowed:
            continue
        minor = f"{version.major}.{version.minor}"
        if minor not in chosen or chosen[minor][1] < version:
            chosen[minor] = (program, version)
    return dict(sorted(chosen.items(), key=lambda one: one[1][1]))


def run_each(options: Sequence[str]) -> None:
    """Run the tests on each Python that is here, and say which were not.

    ``PYTHONS`` of the environment names programs instead of those that are found.

    Raises
    ------
    Failed
        The tests failed on one, or fewer than two were here: that shows nothing of another Python.
    """
    named = os.environ.get("PYTHONS", "").split()
    candidates = [Path(one) for one in named] or programs()
    here = choose(((one, version_of(one)) for one in candidates), SpecifierSet(project()["requires-python"]))
    print("Found: " + (", ".join(str(version) for _, version in here.values()) or "none"), flush=True)
    seen: dict[str, str] = {}
    for minor, (program, version) in here.items():
        began = time.monotonic()
        try:
            python = make(f"py{minor}", program)
            install(python, ["--editable", ".[dev]"])  # without pins: newer Pythons need newer wheels
            run([python, *SUITE, *options])
        except Failed as failure:
            seen[minor] = f"{version}: FAILED, {failure}"
        else:
            seen[minor] = f"{version}: passed in {time.monotonic() - began:.0f} s"
    missing = [one for one in promised() if one not in here]
    print("\n".join(["", *seen.values(), *(f"{one}: not on this machine, so not tested" for one in missing)]))
    if any("FAILED" in text for text in seen.values()):
        raise Failed("not every Python passed")
    if len(here) < 2:
        raise Failed("fewer than two Pythons are here: this shows nothing beyond `make test`")
    if missing:
        print(f"Passed on {len(seen)} of {len(seen) + len(missing)}.")
