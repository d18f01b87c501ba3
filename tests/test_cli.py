"""The command line, each command as a person runs it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ledgerkit as lk
from ledgerkit.cli import main


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Run `ledgerkit sandbox` in another process, and give the lines that it prints."""
    command = [sys.executable, "-m", "ledgerkit", "sandbox", "--transactions", "300", "--latency", "1ms"]
    process = subprocess.Popen(  # noqa: S603 - this Python and fixed options
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path_factory.mktemp("elsewhere")
    )
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or not lines[-1].startswith("curl"):
        line = process.stdout.readline()
        assert line, process.communicate()
        lines.append(line.rstrip("\n"))
    yield lines
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")


def test_the_printed_lines_are_a_dotenv_that_connects(
    served: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("\n".join(line for line in served if line.startswith("LEDGER_ENTERPRISE_")))
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    with lk.connect() as session:
        assert session.environment == "LOCAL"
        assert len(session.accounts.search()) > 50
        assert len(session.transactions.search()) == 300


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl in PATH")
def test_the_printed_curl_line_gets_a_token(served: list[str]) -> None:
    answer = subprocess.run(["bash", "-c", f"{served[-1]} -s"], capture_output=True, check=True)  # noqa: S603, S607 - our own line
    assert json.loads(answer.stdout)["token_type"] == "Bearer"


def test_the_doctor_says_what_is_found_and_shows_no_secret(
    served: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = dict(line.split("=", 1) for line in served if line.startswith("LEDGER_ENTERPRISE_"))
    (tmp_path / ".env").write_text("\n".join(f"{name}={value}" for name, value in lines.items()))
    monkeypatch.chdir(tmp_path)
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "LEDGER_ENTERPRISE_API_KEY_SECRET: set in" in said
    assert "The service answers for the organization" in said
    for name in ("API_KEY_ID", "API_KEY_SECRET", "API_PRIVATE_KEY"):
        assert lines[f"LEDGER_ENTERPRISE_{name}"] not in said


def test_the_doctor_without_credentials_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["doctor"]) == 1
    assert 'connect("sandbox")' in capsys.readouterr().err


@pytest.mark.parametrize("duration", ["25ms", "0.025s", "0.025"])
def test_durations_are_read_with_their_units(duration: str) -> None:
    from ledgerkit.cli import _seconds

    assert _seconds(duration) == pytest.approx(0.025)


def test_a_duration_that_is_none_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["sandbox", "--latency", "soon"])
    assert "'soon' is no duration" in capsys.readouterr().err


def test_an_unknown_option_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["doctor", "--verbose"])
    assert "--verbose" in capsys.readouterr().err


def test_the_version_is_the_distributions(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"ledgerkit {lk.__version__}\n"


def test_importing_the_kit_has_no_effects_and_loads_nothing_heavy() -> None:
    heavy = ("ipywidgets", "altair", "anywidget", "starlette", "uvicorn", "joserfc", "cryptography", "duckdb", "tqdm")
    code = (
        "import os, sys, threading; before = dict(os.environ); import ledgerkit; "
        f"print([name for name in {heavy!r} if name in sys.modules], threading.active_count(), before == os.environ)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - fixed code
    assert (done.stdout, done.stderr) == ("[] 1 True\n", "")


def test_every_name_of_the_environment_in_the_example_is_read() -> None:
    example = (Path(__file__).parent.parent / ".env.example").read_text()
    named = set(re.findall(r"LEDGER_ENTERPRISE_\w+(?==)", example))
    from ledgerkit.credentials import _ARGUMENTS

    known = {f"LEDGER_ENTERPRISE_{name}" for name in _ARGUMENTS}
    assert {name for name in named if "TREASURY" not in name} == known
    assert {name.replace("TREASURY_", "") for name in named if "TREASURY" in name} <= known
    assert os.environ.get("LEDGER_ENTERPRISE_API_KEY_SECRET") is None
