"""The wheel, with no extra or with one alone: ``make bare`` installs it with pytest beside it and runs these.

What needs an extra that is not there refuses in words that name it; all else works.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from reports.small_workspace import ETH, account, transaction, units, workspace
from serving import Server, signed_in

import ledgerkit as lk
from ledgerkit import keys
from ledgerkit.charts import altair
from ledgerkit.workbooks import write_workbook

pytestmark = pytest.mark.bare

ROOT = Path(__file__).parent.parent.parent
Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]

# Packages that one extra alone brings.
OF_EXTRAS = {
    "lab": ("altair", "jupyterlab", "openpyxl", "vl-convert-python", "voila"),
    "signing": ("cryptography", "joserfc"),
    "sandbox": ("starlette", "uvicorn"),
    "archive": ("duckdb", "filelock", "pyarrow"),
}
# 10^27 base units and more: a float would lose digits of each.
AMOUNTS = [10**27 + number for number in range(25)]
WORKSPACE = workspace(
    {
        "/transactions": [transaction(number, amount=str(amount)) for number, amount in enumerate(AMOUNTS, start=1)],
        "/accounts": [account(1)],
    },
    {"/accounts/1/currency": units(ETH)},
)


def is_there(package: str) -> bool:
    """Say whether a package is installed here."""
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


HERE = {extra: all(map(is_there, packages)) for extra, packages in OF_EXTRAS.items()}
# The packages of `sandbox` are more than those of `signing`.
HERE["signing"] = HERE["signing"] or HERE["sandbox"]


@pytest.fixture
def session(serve: Serve, connect_to: Connect) -> lk.Session:
    return connect_to(serve(WORKSPACE))


def command(folder: Path, *arguments: str, settings: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command line of the package that is installed."""
    (folder / ".env").write_text(settings)
    program = Path(sys.executable).with_name("ledgerkit")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LEDGER_"))}
    return subprocess.run(  # noqa: S603 - the command that is tested
        [program, *arguments], cwd=folder, env=clean, capture_output=True, text=True, check=False, timeout=60
    )


def test_it_is_the_wheel_that_is_tested_and_not_the_checkout() -> None:
    assert Path(lk.__file__).parent != ROOT / "ledgerkit"
    assert (Path(lk.__file__).parent / "notebooks" / "00_start_here.ipynb").is_file()


def test_an_extra_is_there_whole_or_not_at_all() -> None:
    asked = os.environ.get("LEDGERKIT_EXTRA", "")
    there = {extra for extra, packages in OF_EXTRAS.items() if any(map(is_there, packages))}
    # cryptography and joserfc belong to two of them.
    assert there == ({asked} if asked else set()) | ({"signing"} if asked == "sandbox" else set())


def test_a_search_finds_every_row_to_the_last_digit(session: lk.Session) -> None:
    assert sorted(session.transactions.search()["amount"]) == AMOUNTS


def test_a_frame_without_rows_has_the_dtypes_of_one_with_rows(serve: Serve, connect_to: Connect) -> None:
    empty = connect_to(serve(workspace({}))).transactions.search()
    assert empty.dtypes.to_dict() == connect_to(serve(WORKSPACE)).transactions.search().dtypes.to_dict()


def test_a_frame_goes_into_a_csv_file_and_comes_back(session: lk.Session, tmp_path: Path) -> None:
    frame = session.transactions.search()
    frame.to_csv(tmp_path / "all.csv", index=False)
    pd.testing.assert_series_equal(lk.read_csv(tmp_path / "all.csv")["amount"], frame["amount"])


def test_display_units_are_exact(session: lk.Session) -> None:
    frame = session.to_display(session.transactions.search())
    exact = {f"{str(amount)[:-18]}.{str(amount)[-18:]}" for amount in AMOUNTS}
    assert {str(value) for value in frame["amount_display"]} == exact


def test_a_report_is_made_and_its_chart_needs_the_lab(session: lk.Session) -> None:
    report = lk.reports.approvals(session, "2026-05-01")
    assert "lk-report" in report._repr_html_()
    if HERE["lab"]:
        report.chart()
    else:
        with pytest.raises(lk.ConfigurationError, match=r"ledgerkit-enterprise\[lab\]"):
            report.chart()


def test_forms_are_made_without_jupyterlab(session: lk.Session) -> None:
    assert session.transactions.form() is not None
    assert lk.panel(session) is not None


USES: dict[str, tuple[str, Callable[[lk.Session, Path], Any]]] = {
    "the sandbox": ("sandbox", lambda session, folder: lk.connect("sandbox").close()),
    "new keys": ("signing", lambda session, folder: keys.new(folder / "key.pem")),
    "an archive": ("archive", lambda session, folder: session.transactions.archive(folder / "data")),
    "reading an archive": ("archive", lambda session, folder: lk.read_archive(folder / "none")),
    "SQL": ("archive", lambda session, folder: lk.query("select 1", folder / "none")),
    "charts": ("lab", lambda session, folder: altair()),
    "Excel": ("lab", lambda session, folder: write_workbook(folder / "a.xlsx", {"a": pd.DataFrame({"b": [1]})}, {})),
}


@pytest.mark.parametrize("what", list(USES))
def test_what_needs_an_extra_works_with_it_and_without_it_refuses_and_names_it(
    what: str, session: lk.Session, tmp_path: Path
) -> None:
    extra, use = USES[what]
    if not HERE[extra]:
        with pytest.raises(lk.ConfigurationError) as refusal:
            use(session, tmp_path)
        assert f"pip install 'ledgerkit-enterprise[{extra}]'" in str(refusal.value)
    elif what in ("reading an archive", "SQL"):
        with pytest.raises(lk.NotFound):  # there is none in the folder: no word of packages
            use(session, tmp_path)
    else:
        use(session, tmp_path)


COMMANDS = {
    "lab": ("lab", ["lab", "desk", "--version"]),
    "keys": ("signing", ["keys", "new"]),
    "archive": ("archive", ["archive", "data"]),
}


@pytest.mark.parametrize("name", list(COMMANDS))
def test_a_command_that_needs_an_extra_says_which_in_one_line(name: str, tmp_path: Path) -> None:
    extra, arguments = COMMANDS[name]
    done = command(tmp_path, *arguments)
    missing = f"ledgerkit-enterprise[{extra}" in done.stderr
    assert missing is not HERE[extra]
    assert "Traceback" not in done.stderr
    if missing:
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(HERE["sandbox"], reason="the extra is there: the command would serve for ever")
def test_the_command_that_serves_a_sandbox_says_which_extra_it_needs(tmp_path: Path) -> None:
    done = command(tmp_path, "sandbox")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "The sandbox is not installed: pip install 'ledgerkit-enterprise[sandbox]'\n"


def test_the_doctor_works_and_names_the_extras_that_are_missing(serve: Serve, tmp_path: Path) -> None:
    server = serve(signed_in(WORKSPACE))
    settings = (
        f"LEDGER_ENTERPRISE_API_URL={server.url}\nLEDGER_ENTERPRISE_WORKSPACE=acme\n"
        "LEDGER_ENTERPRISE_REPORTING_API_KEY=canary-reporting-key\n"
    )
    done = command(tmp_path, "doctor", settings=settings)
    assert "Traceback" not in done.stderr
    assert "canary" not in done.stdout + done.stderr
    for extra, there in HERE.items():
        (line,) = [one for one in done.stdout.splitlines() if one.startswith(f"extra {extra}:")]
        assert (f"pip install 'ledgerkit-enterprise[{extra}]'" in line) is not there
    assert server.paths(), "it asked the service"
