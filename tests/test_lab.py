"""``ledgerkit lab``: the notebooks come along, and what people wrote into theirs stays."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ledgerkit as lk
from ledgerkit import cli, lab

ROOT = Path(__file__).parent.parent
NOTEBOOKS = {path.relative_to(ROOT / "notebooks") for path in (ROOT / "notebooks").rglob("[!.]*.ipynb")}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, str | None, list[str]]]:
    """What JupyterLab was opened with."""
    calls: list[tuple[Path, str | None, list[str]]] = []

    def open_lab(folder: Path, notebook: str | None, options: list[str]) -> int:
        calls.append((folder, notebook, options))
        return 0

    monkeypatch.setattr(lab, "open_lab", open_lab)
    return calls


def test_the_notebooks_and_the_example_of_settings_are_copied(tmp_path: Path) -> None:
    copied = lab.copy(tmp_path / "new" / "desk")
    there = {path.relative_to(copied.folder) for path in copied.folder.rglob("*") if path.is_file()}
    assert there == {path for path in NOTEBOOKS if ".ipynb_checkpoints" not in path.parts} | {Path(".env.example")}
    assert (copied.new, copied.kept) == (len(there), ())
    first = copied.folder / lab.FIRST
    assert first.read_bytes() == (ROOT / "notebooks" / lab.FIRST).read_bytes()


def test_what_is_there_already_is_left_and_named(tmp_path: Path) -> None:
    lab.copy(tmp_path)
    (tmp_path / lab.FIRST).write_text("mine")
    (tmp_path / "explorer.ipynb").unlink()
    again = lab.copy(tmp_path)
    assert (again.new, again.kept) == (1, (lab.FIRST,))
    assert (tmp_path / lab.FIRST).read_text() == "mine"


def test_nothing_is_written_through_a_link_that_leads_elsewhere(tmp_path: Path) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "desk"
    elsewhere.mkdir()
    folder.mkdir()
    (folder / "reports").symlink_to(elsewhere)
    (folder / lab.FIRST).symlink_to(elsewhere / "made.ipynb")
    (folder / "explorer.ipynb").symlink_to("/dev/zero")
    copied = lab.copy(folder)
    assert list(elsewhere.iterdir()) == []
    of_reports = {path.as_posix() for path in NOTEBOOKS if path.parts[0] == "reports"}
    assert of_reports
    assert set(copied.kept) == {lab.FIRST, "explorer.ipynb", *of_reports}


def test_a_folder_that_is_named_by_a_link_is_taken(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "desk").symlink_to(tmp_path / "real")
    assert lab.copy(tmp_path / "desk").kept == ()


def test_python_files_of_the_folder_are_not_run(tmp_path: Path) -> None:
    for name in ("jupyterlab", "json"):
        (tmp_path / f"{name}.py").write_text("open('ran', 'w').close()\nraise SystemExit(7)\n")
    assert lab.open_lab(tmp_path, None, ["--version"]) == 0
    assert not (tmp_path / "ran").exists()


def test_a_place_that_can_not_be_written_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(lk.InvalidRequest, match=r"could not be copied to .*file: .*Name a folder"):
        lab.copy(tmp_path / "file")


def test_notebooks_that_did_not_come_along_are_said_to_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab, "_PACKAGE", tmp_path / "ledgerkit")
    with pytest.raises(lk.ConfigurationError, match="install the wheel again"):
        lab.originals()


def test_the_command_copies_into_a_folder_and_hands_options_on(
    tmp_path: Path,
    opened: list[tuple[Path, str | None, list[str]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "desk"
    assert cli.main(["lab", str(folder), "--no-browser", "--port", "9999"]) == 0
    assert opened == [(folder, lab.FIRST, ["--no-browser", "--port", "9999"])]
    assert capsys.readouterr().out == f"{len(NOTEBOOKS) + 1} new files in {folder}\n"
    (folder / lab.FIRST).write_text("mine")
    assert cli.main(["lab", str(folder)]) == 0
    assert f"Left as they are, since they are not those of ledgerkit {lk.__version__}: {lab.FIRST}" in (
        capsys.readouterr().out
    )


def test_without_a_folder_it_opens_what_is_here(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    opened: list[tuple[Path, str | None, list[str]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["lab", "--port", "9999"]) == 0
    assert "`ledgerkit lab FOLDER` copies them" in capsys.readouterr().out
    lab.copy(tmp_path / "notebooks")
    assert cli.main(["lab"]) == 0
    monkeypatch.chdir(tmp_path / "notebooks")
    assert cli.main(["lab"]) == 0
    assert opened == [
        (Path(), None, ["--port", "9999"]),
        (Path(), f"notebooks/{lab.FIRST}", []),
        (Path(), lab.FIRST, []),
    ]


def test_a_fault_is_one_line_and_a_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert cli.main(["lab", str(tmp_path / "file")]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_wheel_has_the_notebooks_and_nothing_that_is_not_tracked(tmp_path: Path) -> None:
    source = tmp_path / "source"
    kept = ("ledgerkit", "notebooks", "pyproject.toml", "README.md", "LICENSE", ".env.example", ".gitignore")
    for name in kept:
        origin = ROOT / name
        if origin.is_dir():
            shutil.copytree(origin, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(origin, source / name)
    (source / "notebooks" / ".ipynb_checkpoints").mkdir(exist_ok=True)
    (source / "notebooks" / ".ipynb_checkpoints" / "mine-checkpoint.ipynb").write_text("canary")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(command, cwd=source, check=True, capture_output=True)  # noqa: S603 - this Python and fixed options
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    shutil.unpack_archive(wheel, tmp_path / "installed", "zip")
    folder = tmp_path / "installed" / "ledgerkit" / "notebooks"
    there = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    assert there == {path for path in NOTEBOOKS if ".ipynb_checkpoints" not in path.parts} | {Path(".env.example")}
