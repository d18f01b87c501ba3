"""The tests on each Python: what is found, what is not here, and what one that fails does to the whole."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from supply import __main__ as command
from supply import bare, environments, pythons
from supply.environments import Failed

ALLOWED = SpecifierSet(">=3.11")


def test_the_newest_of_each_minor_version_is_chosen_and_old_ones_are_not() -> None:
    found = [
        (Path("/a/python3.12"), Version("3.12.1")),
        (Path("/b/python3.12"), Version("3.12.9")),
        (Path("/a/python3.10"), Version("3.10.13")),
        (Path("/a/python3.11"), Version("3.11.7")),
        (Path("/a/python3.13"), None),
    ]
    assert pythons.choose(found, ALLOWED) == {
        "3.11": (Path("/a/python3.11"), Version("3.11.7")),
        "3.12": (Path("/b/python3.12"), Version("3.12.9")),
    }


def program(folder: Path, name: str, line: str) -> Path:
    """Write a program that prints a line in the place of a Python."""
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / name
    made.write_text(f"#!/bin/sh\n{line}\n")
    made.chmod(0o755)
    return made


def test_programs_are_asked_for_their_version_and_what_is_no_released_python_is_left(tmp_path: Path) -> None:
    assert pythons.version_of(program(tmp_path, "python3.14", "echo 3.14.8 final")) == Version("3.14.8")
    assert pythons.version_of(program(tmp_path, "python3.15", "echo 3.15.0 beta")) is None
    # What pyenv puts into PATH for a version that is not switched on.
    assert (
        pythons.version_of(program(tmp_path, "python3.13", "echo 'pyenv: command not found' >&2; exit 127")) is None
    )
    assert pythons.version_of(tmp_path / "nothing") is None


def test_pythons_of_the_path_and_of_version_managers_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_path = program(tmp_path / "bin", "python3.11", "")
    kept = program(tmp_path / "pyenv" / "versions" / "3.13.0" / "bin", "python3.13", "")
    program(tmp_path / "bin", "python3.11-config", "")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert pythons.programs() == [in_path, kept]


@pytest.fixture
def with_pythons(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Play that these versions are here, and that the tests fail on some."""

    def play(*here: str, failing: str = "") -> None:
        monkeypatch.setenv("PYTHONS", " ".join(here))
        monkeypatch.setattr(pythons, "programs", list)
        monkeypatch.setattr(pythons, "version_of", lambda program: Version(f"{program}.1"))
        monkeypatch.setattr(pythons, "promised", lambda: ["3.11", "3.12", "3.13"])
        monkeypatch.setattr(pythons, "make", lambda name, program: Path(name))
        monkeypatch.setattr(pythons, "install", lambda python, what: None)

        def run(line: Sequence[str | Path]) -> None:
            if str(line[0]) == f"py{failing}":
                raise Failed("pytest ended with 1")

        monkeypatch.setattr(pythons, "run", run)

    return play


def test_versions_that_are_not_here_are_said_to_be_untested(
    with_pythons: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    with_pythons("3.11", "3.13")
    pythons.run_each([])
    said = capsys.readouterr().out
    assert "3.11.1: passed" in said
    assert "3.12: not on this machine, so not tested" in said
    assert "Passed on 2 of 3." in said


def test_one_that_fails_fails_the_whole_and_the_others_are_run_all_the_same(
    with_pythons: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    with_pythons("3.11", "3.12", "3.13", failing="3.12")
    with pytest.raises(Failed, match="not every Python passed"):
        pythons.run_each([])
    said = capsys.readouterr().out
    assert "3.12.1: FAILED, pytest ended with 1" in said
    assert "3.13.1: passed" in said


@pytest.mark.parametrize("here", [(), ("3.11",)], ids=["none", "one"])
def test_fewer_than_two_pythons_show_nothing_and_fail(
    here: tuple[str, ...], with_pythons: Callable[..., None]
) -> None:
    with_pythons(*here)
    with pytest.raises(Failed, match="fewer than two Pythons"):
        pythons.run_each([])


# The steps themselves


def test_a_step_that_fails_ends_with_one_sentence_and_a_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(options: Sequence[str]) -> None:
        raise Failed(f"nothing was audited {options}")

    monkeypatch.setitem(command.STEPS, "audit", fail)
    assert command.main(["audit", "-x"]) == 1
    assert capsys.readouterr().err == "make audit: nothing was audited ['-x']\n"


@pytest.mark.parametrize("arguments", [[], ["nothing"]], ids=["no step", "unknown"])
def test_an_unknown_step_is_refused_with_those_that_there_are(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(arguments) == 2
    assert "lowest,newest,pythons,bare,wheel,bill,audit" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "extras"),
    [
        ([], []),
        (["each"], ["lab", "signing", "sandbox", "archive"]),
        (["each", "signing"], ["lab", "signing", "sandbox", "archive"]),
        (["signing", "lab", "signing"], ["signing", "lab"]),
    ],
    ids=["none", "each", "each and one", "twice"],
)
def test_extras_are_tested_alone_as_they_are_named(asked: list[str], extras: list[str]) -> None:
    assert bare.chosen(asked) == extras


@pytest.mark.parametrize("name", ["signature", "dev"], ids=["unknown", "of tools"])
def test_an_extra_that_is_none_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(Failed, match=f"no extra {name}; there are lab, signing, sandbox, archive, and `each`"):
        bare.chosen(["each", name])


def test_a_version_that_its_authors_took_back_is_refused(tmp_path: Path) -> None:
    pip = program(tmp_path, "python", "echo \"WARNING: The candidate selected is a yanked version: 'thing'\" >&2")
    with pytest.raises(Failed, match=r"taken back by its authors.*\n.*'thing'"):
        environments.install(pip, ["thing"])


def test_what_differs_from_the_pins_is_said() -> None:
    assert environments.differences("a==1\nB==3\nc==1\npip==26\n", "a==1\nB==2\n") == "b 2 -> 3\nc 1, not pinned"
    assert environments.differences("a_b==1\n", "A-B==1\n") == "The newest versions are those of constraints.txt."
