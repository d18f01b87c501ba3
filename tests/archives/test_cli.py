"""``ledgerkit archive``, as cron runs it."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from serving import Reply, Server, page

import ledgerkit as lk
from ledgerkit.cli import main


@pytest.fixture
def profiles(tmp_path: Path, serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> dict[str, Server]:
    """A ``.env`` with the default profile, another, and one whose key may nothing."""
    servers = {
        "": serve(lambda seen: page([])),
        "MAIN_": serve(lambda seen: page([])),
        "CUSTODY_": serve(lambda seen: Reply({"message": "this key may not"}, status=403)),
    }
    lines = [
        f"LEDGER_ENTERPRISE_{prefix}{name}={value}"
        for prefix, server in servers.items()
        for name, value in (
            ("API_URL", server.url),
            ("WORKSPACE", f"{prefix.lower()}workspace"),
            ("REPORTING_API_KEY", "canary-reporting-key"),
        )
    ]
    (tmp_path / ".env").write_text("\n".join(lines))
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


def test_a_section_that_is_none_is_refused(profiles: dict[str, Server], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["archive", "data", "--sections", "transaction"]) == 1
    assert "did you mean 'transactions'" in capsys.readouterr().err


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
