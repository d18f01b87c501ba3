"""Virtual environments that are made anew beside the checkout, and the tests that are run in them."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from supply.bounds import ROOT, as_constraints, lowest, read_pins

# How `make tests` runs them.
SUITE = ("-m", "pytest", "-p", "no:cacheprovider")


class Failed(Exception):
    """A step did not end well; the text says which."""


def run(command: Sequence[str | Path], *, folder: Path = ROOT) -> None:
    """Run a command that has to end well.

    Raises
    ------
    Failed
        It did not.
    """
    done = subprocess.run([str(part) for part in command], cwd=folder, check=False)  # noqa: S603 - commands of this package
    if done.returncode:
        raise Failed(f"{' '.join(str(part) for part in command[:4])} ... ended with {done.returncode}")


def make(name: str, python: str | Path = sys.executable) -> Path:
    """Make the environment ``.venv-NAME`` from nothing, and return its Python.

    Parameters
    ----------
    name
        Of the environment.
    python
        What it is made with.
    """
    folder = ROOT / f".venv-{name}"
    run([python, "-m", "venv", "--clear", folder])
    made = folder / "bin" / "python"
    run([made, "-m", "pip", "install", "--quiet", "--upgrade", "pip"])
    return made


def install(python: Path, what: Sequence[str | Path]) -> None:
    """Install with pip; a version that its authors took back is refused.

    Raises
    ------
    Failed
        It could not be installed, or a version was taken back.
    """
    command = [str(python), "-m", "pip", "install", "--quiet", *[str(part) for part in what]]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)  # noqa: S603 - pip of an own environment
    if done.returncode:
        raise Failed(f"pip could not install {' '.join(command[5:])}:\n{done.stdout}{done.stderr}")
    if taken_back := [line for line in done.stderr.splitlines() if "yanked version" in line]:
        raise Failed("a version was taken back by its authors; raise its bound in pyproject.toml:\n" + taken_back[0])


def installed(python: Path) -> str:
    """Return what is installed, as pip tells it."""
    command = [str(python), "-m", "pip", "list", "--format=freeze", "--exclude-editable"]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout  # noqa: S603 - pip of an own environment


def run_lowest(options: Sequence[str]) -> None:
    """Run the tests with the lowest version of each direct dependency."""
    python = make("lowest")
    bounds = python.parent.parent / "lowest.txt"
    versions = lowest()
    bounds.write_text(as_constraints(versions), "utf-8")
    install(python, ["-c", bounds, "--editable", ".[dev]"])
    run([python, *SUITE, *options])


def run_newest(options: Sequence[str]) -> None:
    """Run the tests with the newest version of everything that the bounds allow."""
    python = make("newest")
    install(python, ["--editable", ".[dev]"])
    print(differences(installed(python), (ROOT / "constraints.txt").read_text("utf-8")), flush=True)
    run([python, *SUITE, *options])


def differences(now: str, pinned: str) -> str:
    """Say in one line for each package where it stands apart from the pinned version."""
    old, new = read_pins(pinned), read_pins(now)
    lines = [f"{name} {old[name]} -> {version}" for name, version in new.items() if old.get(name, version) != version]
    lines += [f"{name} {version}, not pinned" for name, version in new.items() if name not in old and name != "pip"]
    return "\n".join(sorted(lines, key=str.casefold)) or "The newest versions are those of constraints.txt."
