"""``ledgerkit archive``, as cron runs it."""

import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from serving import Act, Reply, Seen, Server, page

import ledgerkit as lk
from archives.looking import write_profiles
from ledgerkit.archives import many
from ledgerkit.cli import main


@pytest.fixture
def profiles(tmp_path: Path, serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> dict[str, Server]:
    """A ``.env`` with the default profile, another, and one whose key may nothing."""
    servers = {
        "": serve(lambda seen: page([])),
        "MAIN_": serve(lambda seen: page([])),
        "CUSTODY_": serve(lambda seen: Reply({"message": "this key may not"}, status=403)),
    }
    write_profiles(tmp_path, servers, {prefix: f"{prefix.lower()}workspace" for prefix in servers})
    monkeypatch.chdir(tmp_path)
    return servers


def test_the_default_profile_is_archived_and_a_table_printed(
    profiles: dict[str, Server], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["archive", "data", "--sections", "pledges"]) == 0
    said = capsys.readouterr()
    assert said.out.split("\n")[0].split() == [
        *("workspace", "dataset", "rows", "new", "changed", "open", "until", "complete", "requests"),
    ]
    assert "workspace" in said.out.split("\n")[1]
    assert said.err == ""


def test_one_that_fails_is_told_and_ends_with_1(
    profiles: dict[str, Server], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["archive", "data", "main", "custody", "--sections", "pledges"]) == 1
    said = capsys.readouterr()
    assert "custody_workspace" in said.out
    assert "custody_workspace, pledges: PermissionDenied" in said.err
    assert "canary" not in said.out + said.err


def test_where_all_fail_nothing_is_printed_but_why(
    profiles: dict[str, Server], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["archive", "data", "custody"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("LedgerError: nothing was archived.")


@pytest.mark.parametrize(
    ("section", "says"),
    [
        pytest.param("transaction", "did you mean 'transactions'", id="misspelt"),
        pytest.param("currencies", "can't be archived", id="no ids"),
        pytest.param("stakes.solana", "can't be archived", id="one account at a time"),
    ],
)
def test_a_section_that_can_t_be_archived_is_refused_before_anything_is_sent(
    profiles: dict[str, Server], capsys: pytest.CaptureFixture[str], section: str, says: str
) -> None:
    assert main(["archive", "data", "--sections", section]) == 1
    assert says in capsys.readouterr().err
    assert profiles[""].seen == []


def test_a_profile_may_have_a_name_of_its_own(
    profiles: dict[str, Server], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["archive", "data", "treasury=", "vault=main", "--sections", "pledges"]) == 0
    printed = capsys.readouterr().out.splitlines()[1:]
    assert [line.split()[0] for line in printed] == ["treasury", "vault"]
    there = sorted(path.name for path in (tmp_path / "data" / "pledges").iterdir())
    assert there == ["workspace=treasury", "workspace=vault"]


def test_a_profile_that_is_not_set_up_is_explained_once(
    profiles: dict[str, Server], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["archive", "data", "main", "nowhere"]) == 1
    said = capsys.readouterr().err
    assert "nowhere, transactions and requests: ConfigurationError" in said
    assert said.count("No credentials found") == 1


def test_how_far_it_is_is_told_on_stderr(
    profiles: dict[str, Server], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def archive(*_: object, told: Callable[[str], None], **__: object) -> pd.DataFrame:
        told("workspace pledges: back to 2026-03, 140,000 rows")
        raise lk.LedgerError("it ends here")

    monkeypatch.setattr(many, "archive", archive)
    assert main(["archive", "data"]) == 1
    said = capsys.readouterr()
    assert said.err.splitlines()[0] == "workspace pledges: back to 2026-03, 140,000 rows"
    assert said.out == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_with_one_line(
    serve: Callable[..., Server], tmp_path: Path, number: signal.Signals
) -> None:
    asked = threading.Event()

    def slowly(seen: Seen) -> Act:
        asked.set()
        time.sleep(0.5)  # the signal comes meanwhile
        return page([])

    (tmp_path / ".env").write_text(
        f"LEDGER_ENTERPRISE_API_URL={serve(slowly).url}\nLEDGER_ENTERPRISE_WORKSPACE=acme\n"
        "LEDGER_ENTERPRISE_REPORTING_API_KEY=canary-reporting-key\n"
    )
    command = [sys.executable, "-m", "ledgerkit", "archive", "data"]
    with subprocess.Popen(  # noqa: S603 - this Python and fixed options
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as running:
        assert asked.wait(timeout=60)
        running.send_signal(number)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 128 + number
    assert out == ""
    assert err == "Stopped. What is in the archive is whole, and the same command goes on.\n"


@pytest.mark.skipif(shutil.which("git") is None, reason="no git in PATH")
def test_a_folder_that_git_would_take_is_told(
    profiles: dict[str, Server], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)  # noqa: S603, S607 - fixed options
    assert main(["archive", "data", "--sections", "pledges"]) == 0
    assert "does not ignore it" in capsys.readouterr().err
    (tmp_path / ".gitignore").write_text("data/\n")
    assert main(["archive", "data", "--sections", "pledges"]) == 0
    assert capsys.readouterr().err == ""


def test_without_a_folder_it_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["archive"])
    assert "FOLDER" in capsys.readouterr().err


def test_a_process_of_its_own_archives_the_sandbox(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ledgerkit", "archive", "data", "sandbox", "--created-after", "2026-06-01"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)  # noqa: S603 - this Python and fixed options
    assert (done.returncode, done.stderr) == (0, "")
    assert lk.query("select min(created_on) >= '2026-06-01' as bounded from transactions", tmp_path / "data")[
        "bounded"
    ].tolist() == [True]
