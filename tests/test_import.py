"""What ``import ledgerkit`` does: it makes names, and loads what connecting needs. It does nothing else."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import ledgerkit as lk
from ledgerkit import resources
from ledgerkit.resources.base import all_sections
from ledgerkit.sections import Sections


def fresh(code: str, *, folder: Path | None = None) -> Any:
    """Run code in an interpreter of its own, and return what it prints as JSON."""
    # -B: the files that cache compiled modules are Python's, not the kit's.
    command = [sys.executable, "-B", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)  # noqa: S603 - the code is of this file
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


LOADED = "import json, sys; print(json.dumps(sorted(sys.modules)))"

# Extras, and what few notebooks need.
HEAVY = [
    "IPython",
    "altair",
    "anywidget",
    "cryptography",
    "dotenv",
    "duckdb",
    "fsspec",
    "ipywidgets",
    "joserfc",
    "matplotlib",
    "openpyxl",
    "pyarrow.parquet",
    "starlette",
    "tqdm",
    "uvicorn",
]
# Whole parts of the kit.
PARTS = [
    "approvals",
    "cards",
    "challenges",
    "charts",
    "directory",
    "display",
    "doctor",
    "drafts",
    "exercises",
    "files",
    "forms",
    "payloads",
    "payments",
    "plans",
    "reports",
    "resources",
    "reviews",
    "sandbox",
    "tracing",
    "webhooks",
    "workbooks",
]


@pytest.fixture(scope="module")
def loaded() -> list[str]:
    """What is loaded by the import, over pandas and httpx: these load what they like, as they find it installed."""
    before = set(fresh("import pandas, httpx; " + LOADED))
    return sorted(set(fresh("import ledgerkit; " + LOADED)) - before)


@pytest.mark.parametrize("module", HEAVY)
def test_no_package_is_loaded_that_the_first_call_does_not_need(loaded: list[str], module: str) -> None:
    assert [one for one in loaded if one == module or one.startswith(f"{module}.")] == []


@pytest.mark.parametrize("part", PARTS)
def test_no_part_of_the_kit_is_loaded_that_connecting_does_not_need(loaded: list[str], part: str) -> None:
    assert [one for one in loaded if one == f"ledgerkit.{part}" or one.startswith(f"ledgerkit.{part}.")] == []


def test_few_modules_are_loaded(loaded: list[str]) -> None:
    # pandas and httpx are some 900; each of the kit's costs about a millisecond.
    assert len([one for one in loaded if one.partition(".")[0] == "ledgerkit"]) <= 36
    others = {one.partition(".")[0] for one in loaded} - sys.stdlib_module_names - {"ledgerkit"}
    assert others <= {"msgspec", "typing_extensions"}


def test_a_search_loads_its_section_and_no_payments() -> None:
    code = "import ledgerkit as lk; lk.Session(lk.ReportingKey('a', 'b')).transactions; " + LOADED
    mine = {one for one in fresh(code) if one.startswith("ledgerkit.")}
    sections = {one for one in mine if one.removeprefix("ledgerkit.resources.") in resources.SECTIONS}
    assert sections == {"ledgerkit.resources.transactions", "ledgerkit.resources.labels"}
    assert not {"ledgerkit.payloads", "ledgerkit.drafts", "ledgerkit.payments", "ledgerkit.cards"} & mine


# What an import must not do

SIDE_EFFECTS = """
import decimal, json, locale, logging, os, signal, sys, threading, warnings
import pandas, httpx

def state():
    return {
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "locale": locale.setlocale(locale.LC_ALL),
        "threads": [thread.name for thread in threading.enumerate()],
        "handlers": [repr(signal.getsignal(one)) for one in (signal.SIGINT, signal.SIGTERM)],
        "hooks": [repr(sys.excepthook), repr(threading.excepthook), repr(sys.displayhook)],
        "logging": [repr(logging.root.handlers), logging.root.level],
        "warnings": [repr(one) for one in warnings.filters],
        "decimal": repr(decimal.getcontext()),
        "path": list(sys.path),
        "pandas": {name: repr(pandas.get_option(name)) for name in (
            "display.max_rows", "display.max_columns", "display.max_colwidth", "display.precision",
        )},
        "files": sorted(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else [],
    }

done = []
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT

def hook(event, arguments):
    if event.startswith(("socket.", "subprocess.", "os.system", "os.mkdir", "os.remove", "os.rename", "os.putenv")):
        done.append(event)
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES:
        done.append(f"open {arguments[0]}")
    if event == "open" and ".env" in str(arguments[0]):
        done.append(f"read {arguments[0]}")

before = state()
sys.addaudithook(hook)
import ledgerkit
after = state()
print(json.dumps([before, after, done]))
"""


def test_an_import_changes_nothing_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LEDGER_ENTERPRISE_WORKSPACE=acme\n")
    before, after, done = fresh(SIDE_EFFECTS, folder=tmp_path)
    for what, was in before.items():
        assert after[what] == was, what
    assert done == []
    assert [one.name for one in tmp_path.iterdir()] == [".env"]


# What is imported later is there all the same


def test_every_name_that_is_offered_is_there() -> None:
    for name in lk.__all__:
        assert getattr(lk, name) is getattr(lk, name), name
    assert set(lk.__all__) <= set(dir(lk))


def test_a_name_that_is_not_there_is_said_as_python_says_it() -> None:
    with pytest.raises(AttributeError, match="module 'ledgerkit' has no attribute 'payload'"):
        lk.payload  # noqa: B018  # it is the access that fails


def test_what_is_a_function_stays_one_whatever_is_imported_later() -> None:
    code = (
        "import json, ledgerkit as lk; from ledgerkit import resources; resources.load(); lk.payloads; lk.reports; "
        "import ledgerkit.tracing, ledgerkit.archives, ledgerkit.operations, ledgerkit.forms.explorer; "
        "print(json.dumps([callable(getattr(lk, name)) for name in ('operations', 'trace', 'explorer', 'panel')]))"
    )
    assert fresh(code) == [True] * 4


def test_the_sections_are_those_of_the_package() -> None:
    folder = Path(resources.__file__).parent
    defining = {
        path.stem for path in folder.glob("*.py") if f'(Section, name="{path.stem}' in path.read_text("utf-8")
    }
    assert set(resources.SECTIONS) == defining
    assert {name for name in vars(Sections) if not name.startswith("_")} == defining
    assert {section.name.partition(".")[0] for section in all_sections()} == defining


@pytest.mark.parametrize("name", resources.SECTIONS)
def test_a_section_is_made_once_and_is_that_of_its_name(name: str) -> None:
    with lk.Session(lk.ReportingKey("acme", "canary-reporting-key")) as session:
        section = getattr(session, name)
        assert section is getattr(session, name)
        assert type(section).__module__ == f"ledgerkit.resources.{name}"


def test_each_section_can_be_the_first_that_is_imported() -> None:
    code = """
import json, sys
from ledgerkit.resources import SECTIONS
for name in SECTIONS:
    for module in [one for one in sys.modules if one.partition(".")[0] == "ledgerkit"]:
        del sys.modules[module]
    __import__(f"ledgerkit.resources.{name}")
print(json.dumps(SECTIONS))
"""
    assert fresh(code) == list(resources.SECTIONS)


def test_tables_are_known_before_their_sections_were_asked_for() -> None:
    code = (
        "import json; from ledgerkit.operations import table_of, tables; "
        "print(json.dumps([table_of('GET /pledges').name, len(tables()), table_of(None), table_of('GET /nothing')]))"
    )
    name, number, nothing, unknown = fresh(code)
    assert (name, nothing, unknown) == ("pledge", None, None)
    assert number > 60


def test_all_operations_are_listed_by_a_session_that_has_asked_for_no_section() -> None:
    code = "import json, ledgerkit as lk; print(json.dumps(int(lk.operations()['call'].notna().sum())))"
    assert fresh(code) == int(lk.operations()["call"].notna().sum()) > 90
