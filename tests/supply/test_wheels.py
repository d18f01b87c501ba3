"""The wheel and the source distribution: the same from everywhere, with what belongs and nothing else."""

import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.metadata import Metadata

import ledgerkit as lk
from supply.bounds import ROOT, project
from supply.environments import Failed
from supply.wheels import ELSEWHERE, amiss, amiss_in_source, build, tracked

pytestmark = pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(), reason="this is no checkout of git"
)

CANARY = "canary-of-a-person"
# What people have in a checkout, ignored by git or not.
LITTER = (
    ".env",
    ".env.production",
    "operator.pem",
    "operator.key",
    "data/acme/transactions.parquet",
    "payments.jsonl",
    ".venv/lib/python3.11/site-packages/secret.py",
    ".venv-lowest/pyvenv.cfg",
    "node_modules/jose/index.js",
    "ledgerkit/__pycache__/session.cpython-311.pyc",
    "ledgerkit/customers.csv",
    "ledgerkit/operator.pem",
    "ledgerkit/.env",
    "ledgerkit/forms/notes.txt",
    "notebooks/.ipynb_checkpoints/mine-checkpoint.ipynb",
    "notebooks/.env",
    "notebooks/balances.csv",
    "tests/__pycache__/conftest.cpython-311.pyc",
    "docs/_build/html/index.html",
    "dist/old-0.0.1.tar.gz",
    ".mypy_cache/3.11/cache.json",
    ".hypothesis/examples/0",
    "screenshots/portfolio.png",
    "holdings.xlsx",
)
# In a source distribution, too, though git would take them: they lie in folders that belong.
LEAVES = ("ledgerkit/customers.csv", "ledgerkit/forms/notes.txt", "notebooks/balances.csv")


@dataclass(frozen=True)
class Built:
    """What two builds made."""

    files: list[str]
    wheel: Path
    other_wheel: Path
    sdist: Path
    other_sdist: Path


def copy(files: list[str], target: Path) -> Path:
    """Copy files of the checkout, as they are now."""
    for name in files:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target / name)
    return target


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("builds")
    files = [name for name in tracked() if (ROOT / name).is_file()]
    here = copy(files, folder / "here")
    there = copy(files, folder / "a much deeper" / "place, elsewhere")
    for name in LITTER:
        (there / name).parent.mkdir(parents=True, exist_ok=True)
        (there / name).write_text(CANARY)
    for path in there.rglob("*"):
        os.utime(path, (2_000_000_000, 2_000_000_000))
        if path.is_file():
            path.chmod(path.stat().st_mode & 0o700)  # as under a strict umask; git keeps who may run it
    out = folder / "out"
    wheel = build(here, out / "1", "wheel")
    other_wheel = build(there, out / "2", "wheel", ELSEWHERE, 0o077)
    sdist = build(here, out / "1", "sdist")
    for name in LEAVES:
        (there / name).unlink()
    other_sdist = build(there, out / "2", "sdist", ELSEWHERE, 0o077)
    return Built(files, wheel, other_wheel, sdist, other_sdist)


def test_a_wheel_is_the_same_to_the_byte_wherever_it_is_built_and_whatever_lies_about(built: Built) -> None:
    assert built.wheel.name == built.other_wheel.name
    assert built.wheel.read_bytes() == built.other_wheel.read_bytes()


def test_a_source_distribution_is_the_same_to_the_byte(built: Built) -> None:
    assert built.sdist.read_bytes() == built.other_sdist.read_bytes()


def test_a_wheel_holds_the_tracked_files_of_the_kit_and_nothing_else(built: Built) -> None:
    assert amiss(built.wheel, built.files) == []


def test_a_source_distribution_holds_what_is_tracked_and_nothing_else(built: Built) -> None:
    assert amiss_in_source(built.sdist, built.files) == []


def test_the_wheel_of_the_source_distribution_is_that_of_the_checkout(built: Built, tmp_path: Path) -> None:
    shutil.unpack_archive(built.sdist, tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    assert build(source, tmp_path / "out", "wheel").read_bytes() == built.wheel.read_bytes()


def test_the_metadata_is_valid_and_says_what_the_project_says(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        (folder,) = {one.partition("/")[0] for one in archive.namelist() if ".dist-info/" in one}
        metadata = Metadata.from_email(archive.read(f"{folder}/METADATA"), validate=True)
        entry_points = archive.read(f"{folder}/entry_points.txt").decode()
        licence = archive.read(f"{folder}/licenses/LICENSE").decode()
    assert (metadata.name, str(metadata.version)) == (project()["name"], lk.__version__)
    assert str(metadata.requires_python) == project()["requires-python"]
    assert set(metadata.provides_extra or []) == set(project()["optional-dependencies"])
    assert metadata.description_content_type == "text/markdown"
    assert metadata.description == (ROOT / "README.md").read_text("utf-8")
    assert metadata.license_expression == project()["license"]
    assert licence == (ROOT / "LICENSE").read_text("utf-8")
    assert entry_points == "[console_scripts]\nledgerkit = ledgerkit.cli:main\n"


def add(name: str, mode: int = 0o644) -> Callable[[zipfile.ZipFile], None]:
    """Return what puts a file into a wheel."""

    def change(archive: zipfile.ZipFile) -> None:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = mode << 16
        archive.writestr(entry, CANARY)

    return change


DIST_INFO = f"ledgerkit_enterprise-{lk.__version__}.dist-info"
WRONG = {
    "settings": (add("ledgerkit/.env"), "ledgerkit/.env is no file of the kit"),
    "a key": (add("ledgerkit/operator.pem"), "ledgerkit/operator.pem is no file of the kit"),
    "a test": (add("tests/test_import.py"), "tests/test_import.py is no file of the kit"),
    "a module that is not tracked": (add("ledgerkit/mine.py"), "ledgerkit/mine.py is not tracked"),
    "a notebook of a person": (
        add("ledgerkit/notebooks/mine.ipynb"),
        "ledgerkit/notebooks/mine.ipynb is not tracked",
    ),
    "a file for its owner alone": (add("ledgerkit/mine.py", 0o600), "ledgerkit/mine.py has mode 600"),
    "a program": (add("ledgerkit/mine.py", 0o755), "ledgerkit/mine.py has mode 755"),
    "unknown metadata": (add(f"{DIST_INFO}/RECORD.jws"), "RECORD.jws is not known metadata"),
}


@pytest.mark.parametrize("what", list(WRONG))
def test_what_does_not_belong_into_a_wheel_is_named(what: str, built: Built, tmp_path: Path) -> None:
    change, said = WRONG[what]
    wheel = Path(shutil.copy(built.wheel, tmp_path / "changed.whl"))
    with zipfile.ZipFile(wheel, "a") as archive:
        change(archive)
    assert said in amiss(wheel, built.files)


def test_a_file_that_a_wheel_lacks_is_named(built: Built, tmp_path: Path) -> None:
    with zipfile.ZipFile(built.wheel) as whole, zipfile.ZipFile(tmp_path / "less.whl", "w") as less:
        for entry in whole.infolist():
            if entry.filename != "ledgerkit/py.typed":
                less.writestr(entry, whole.read(entry))
    assert amiss(tmp_path / "less.whl", built.files) == ["ledgerkit/py.typed is missing"]


def test_a_build_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    with pytest.raises(Failed, match="the wheel could not be built"):
        build(tmp_path, tmp_path / "out", "wheel")


IGNORED = [name for name in LITTER if name not in (*LEAVES, "holdings.xlsx")]


@pytest.mark.parametrize("name", IGNORED)
def test_git_ignores_what_is_a_persons_or_a_machines(name: str) -> None:
    command = ["git", "check-ignore", "--quiet", "--no-index", name]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0, name  # noqa: S603 - git of this machine
