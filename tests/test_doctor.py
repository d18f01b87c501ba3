"""The doctor: what is amiss is named with its way out, and nothing that it prints is a secret."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledgerkit import doctor, tracked
from ledgerkit.doctor import Finding, diagnose, in_git

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="no git in PATH")


def notebook(outputs: list[dict[str, Any]] | None = None, **metadata: Any) -> str:
    cell: dict[str, Any] = {
        "cell_type": "code",
        "source": "1",
        "outputs": outputs or [],
        "metadata": {},
        "execution_count": None,
    }
    return json.dumps({"cells": [cell], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


SHOWN = [{"output_type": "stream", "name": "stdout", "text": "canary amount"}]


@pytest.fixture
def repository(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """Make a repository that tracks some files."""

    def make(files: dict[str, str]) -> Path:
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content)
        for command in (["init", "-q"], ["add", "-f", *files]):
            subprocess.run(["git", *command], cwd=tmp_path, check=True, capture_output=True)  # noqa: S603, S607 - git, on our files
        return tmp_path

    return make


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {one.name: one for one in findings}


@needs_git
def test_notebooks_with_outputs_or_widgets_that_git_tracks_are_named(
    repository: Callable[[dict[str, str]], Path],
) -> None:
    folder = repository(
        {
            "clean.ipynb": notebook(),
            "deep/shown.ipynb": notebook(SHOWN),
            "form.ipynb": notebook(widgets={"application/vnd.jupyter.widget-state+json": {"state": {}}}),
            "broken.ipynb": "{",
            "list.ipynb": "[]",
        }
    )
    (folder / "untracked.ipynb").write_text(notebook(SHOWN))
    (found,) = in_git(folder / "deep")
    assert (found.name, found.level) == ("git notebooks", "warning")
    assert "deep/shown.ipynb, form.ipynb with outputs or widgets" in found.text
    assert "broken.ipynb, list.ipynb that can't be read" in found.text
    assert "clean.ipynb" not in found.text
    assert "untracked" not in found.text
    assert "canary" not in str(found)


@needs_git
def test_a_tracked_env_file_is_a_problem_and_its_example_is_none(
    repository: Callable[[dict[str, str]], Path],
) -> None:
    folder = repository({".env": "LEDGER_ENTERPRISE_API_KEY_SECRET=canary", ".env.example": "", "sub/.env.local": ""})
    found = by_name(in_git(folder))
    assert found["git settings"].level == "problem"
    assert "git tracks .env, sub/.env.local, which may hold secrets" in found["git settings"].text
    assert "canary" not in found["git settings"].text
    assert found["git notebooks"].level == "ok"


@needs_git
def test_many_notebooks_are_counted_and_a_deleted_one_is_none(repository: Callable[[dict[str, str]], Path]) -> None:
    folder = repository({f"{number}.ipynb": notebook(SHOWN) for number in range(8)})
    (folder / "7.ipynb").unlink()
    assert "4.ipynb and 2 more with outputs" in in_git(folder)[0].text


@needs_git
def test_what_a_repository_would_have_git_run_is_not_run(repository: Callable[[dict[str, str]], Path]) -> None:
    folder = repository({"a.ipynb": notebook()})
    command = ["git", "config", "core.fsmonitor", f"touch {folder / 'ran'}"]
    subprocess.run(command, cwd=folder, check=True)  # noqa: S603 - git, on our files
    assert tracked.look(folder) == tracked.Tracked(1, (), (), ())
    assert not (folder / "ran").exists()


def test_where_there_is_no_repository_or_no_git_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert in_git(tmp_path) == []
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tracked.look(Path(__file__).parent) is None


@pytest.mark.parametrize(
    ("name", "level", "said"),
    [
        ("SSL_CERT_FILE", "ok", "those that SSL_CERT_FILE names"),
        ("REQUESTS_CA_BUNDLE", "warning", "which the kit does not read: set SSL_CERT_FILE"),
    ],
)
def test_whose_certificates_are_trusted_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, level: str, said: str
) -> None:
    for one in ("SSL_CERT_FILE", "SSL_CERT_DIR", *doctor.OTHER_AUTHORITIES):
        monkeypatch.delenv(one, raising=False)
    (tmp_path / "authorities.pem").touch()
    monkeypatch.setenv(name, str(tmp_path / "authorities.pem"))
    found = by_name(doctor.installed())["TLS authorities"]
    assert found.level == level
    assert said in found.text


def test_authorities_that_are_not_there_are_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nowhere.pem"))
    assert by_name(doctor.installed())["TLS authorities"].level == "problem"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "none is set"),
        ({"https_proxy": "http://me:canary@proxy.example:3128"}, "calls go through that of HTTPS_PROXY"),
        (
            {"https_proxy": "http://me:canary@proxy.example:3128", "no_proxy": ".vault.ledger.com"},
            "NO_PROXY takes this address out",
        ),
        ({"all_proxy": "http://proxy.example:3128"}, "calls go through that of ALL_PROXY"),
    ],
)
def test_the_way_to_the_service_is_said_without_the_address_of_a_proxy(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], said: str
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    found = doctor._proxy("https://api.vault.ledger.com/prefix")
    assert said in found.text
    assert "canary" not in found.text
    assert "proxy.example" not in found.text


def test_a_file_of_settings_that_others_can_read_is_warned_about(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / ".env"
    path.write_text("LEDGER_ENTERPRISE_WORKSPACE=acme\n")
    monkeypatch.chdir(tmp_path)
    path.chmod(0o640)
    found = by_name(doctor._settings(None))
    assert found["settings file"].level == "warning"
    assert "chmod 600" in found["settings file"].text
    path.chmod(0o600)
    assert "settings file" not in by_name(doctor._settings(None))


def test_the_sandbox_is_healthy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    found = diagnose("sandbox")
    assert [str(one) for one in found if one.level == "problem"] == []
    assert {"address", "token", "clock", "rights", "rate limit", "proxy"} <= by_name(found).keys()
