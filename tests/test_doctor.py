"""The doctor: what is amiss is named with its way out, and nothing that it prints is a secret."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from serving import Reply

import ledgerkit as lk
from ledgerkit import cli, doctor, tracked
from ledgerkit.credentials import ApiUser
from ledgerkit.doctor import Finding, diagnose, in_git
from ledgerkit.sandbox import Sandbox

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
    assert tracked.look(folder) == tracked.Tracked(folder, notebooks=1)
    assert not (folder / "ran").exists()


def git(folder: Path, *arguments: str) -> str:
    person = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
    command = ["git", *person, *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)  # noqa: S603 - git, on our files
    return done.stdout.strip()


@needs_git
def test_a_missing_object_is_not_fetched_with_a_command_of_the_repository(
    repository: Callable[[dict[str, str]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = repository({"seen/a.ipynb": notebook(), "hidden/b.ipynb": notebook()})
    git(folder, "commit", "-q", "-m", "all")
    git(folder, "sparse-checkout", "set", "--cone", "--sparse-index", "seen")
    tree = git(folder, "rev-parse", "HEAD:hidden")
    (folder / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    for name, value in {
        "remote.origin.url": "ssh://x/y",
        "remote.origin.promisor": "true",
        "extensions.partialClone": "origin",
        "core.repositoryFormatVersion": "1",
        "core.sshCommand": f"touch {folder / 'ran'}; false",
        "protocol.ssh.allow": "always",
        "protocol.allow": "always",
    }.items():
        git(folder, "config", name, value)
    # The setting of whoever starts the doctor may not bring it back either.
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "ssh")
    (found,) = in_git(folder)
    assert not (folder / "ran").exists()
    assert (found.name, found.level) == ("git", "warning")
    assert "could not be looked at: git says: error" in found.text
    # Without what the doctor sets, git runs it: this repository is one of the kind.
    subprocess.run(["git", "ls-files"], cwd=folder, check=False, capture_output=True)  # noqa: S607 - git, on our files
    assert (folder / "ran").exists()


@needs_git
def test_the_variables_of_a_caller_name_no_other_repository(
    repository: Callable[[dict[str, str]], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = repository({"a.ipynb": notebook(SHOWN)})
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / "index"))
    found = tracked.look(folder)
    assert found is not None
    assert found.filled == ("a.ipynb",)


@needs_git
def test_an_index_that_can_not_be_read_is_told_and_not_an_empty_one(
    repository: Callable[[dict[str, str]], Path],
) -> None:
    folder = repository({"a.ipynb": notebook(SHOWN), ".env": "canary"})
    (folder / ".git" / "index").write_bytes(b"junk")
    (found,) = in_git(folder)
    assert found.level == "warning"
    assert "could not be looked at" in found.text
    assert "git tracks 0" not in found.text


@needs_git
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such things here")
@pytest.mark.parametrize("kind", ["device", "pipe", "link to a pipe", "folder", "large", "memory"])
def test_what_would_never_end_is_not_read(
    kind: str, repository: Callable[[dict[str, str]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = repository({"a.ipynb": notebook(), "b.ipynb": notebook(SHOWN)})
    path = folder / "a.ipynb"
    if kind == "large":
        monkeypatch.setattr(tracked, "_MOST_BYTES", 4096)
        path.write_text(notebook() + " " * 4096)
    elif kind == "memory":

        def exhausted(content: bytes) -> Any:
            if b"canary" not in content:
                raise MemoryError
            return json.JSONDecoder().decode(content.decode())

        monkeypatch.setattr(json, "loads", exhausted)
    else:
        path.unlink()
        if kind == "device":
            path.symlink_to("/dev/zero")
        elif kind == "pipe":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
        else:
            os.mkfifo(folder / "pipe")
            path.symlink_to(folder / "pipe")
    found = tracked.look(folder)
    assert found is not None
    assert (found.unread, found.filled) == (("a.ipynb",), ("b.ipynb",))


PRIVATE = "-----BEGIN EC PRIVATE KEY-----\ncanary\n"


@needs_git
def test_a_private_key_that_git_tracks_is_a_problem_and_a_certificate_is_none(
    repository: Callable[[dict[str, str]], Path],
) -> None:
    folder = repository(
        {
            "operator.pem": PRIVATE,
            "deep/OTHER.KEY": "hex without any frame",
            "chain.pem": "-----BEGIN CERTIFICATE-----\n",
            "desk.env": "",
            ".envrc": "",
            ".env.template": "",
        }
    )
    found = by_name(in_git(folder))
    assert found["git keys"].level == "problem"
    assert "git tracks deep/OTHER.KEY, operator.pem, which" in found["git keys"].text
    assert "git tracks .envrc, desk.env, which" in found["git settings"].text
    assert not [one for one in found.values() if "canary" in one.text]


@needs_git
def test_the_files_that_are_set_are_looked_for_by_their_paths(
    repository: Callable[[dict[str, str]], Path], tmp_path: Path
) -> None:
    folder = repository({"operator": PRIVATE, ".gitignore": "kept.pem\n"})
    for name in ("new", "kept.pem"):
        (folder / name).write_text(PRIVATE)
    for one in folder.iterdir():
        one.chmod(0o600 if one.is_file() else 0o700)
    link = tmp_path.parent / f"{tmp_path.name}-link"
    link.symlink_to(folder / "operator")
    standings = {name: tracked.standing(folder / name) for name in ("operator", "new", "kept.pem")}
    assert standings == {"operator": "tracked", "new": "not ignored", "kept.pem": "ignored"}
    assert tracked.standing(link) == "tracked"
    assert tracked.standing(tmp_path.parent / "elsewhere") == "outside"

    def told(path: Path) -> list[tuple[str, str]]:
        given = ApiUser(workspace="acme", key_id="id", key_secret="secret", private_key_file=path)
        return [(one.name, one.level) for one in doctor._key_file(given)]

    assert told(folder / "operator") == [("private key file", "problem")]
    assert told(folder / "new") == [("private key file", "warning")]
    assert told(folder / "kept.pem") == []


@needs_git
def test_a_new_key_that_git_would_take_is_warned_about(
    repository: Callable[[dict[str, str]], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = repository({".gitignore": "kept.pem\n"})
    assert cli.main(["keys", "new", "--out", str(folder / "kept.pem")]) == 0
    assert capsys.readouterr().err == ""
    assert cli.main(["keys", "new", "--out", str(folder / "new.pem")]) == 0
    assert "does not ignore it: name it in .gitignore" in capsys.readouterr().err


def test_where_there_is_no_repository_or_no_git_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert in_git(tmp_path) == []
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tracked.look(Path(__file__).parent) is None


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


def test_a_private_key_that_others_can_read_is_told_whatever_the_network_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # It was told after the service had answered and signed in.
    key = tmp_path / "operator.pem"
    key.write_text(PRIVATE)
    settings = {
        "API_URL": "http://127.0.0.1:9",
        "WORKSPACE": "acme",
        "API_KEY_ID": "id",
        "API_KEY_SECRET": "canary",
        "PRIVATE_KEY_FILE": str(key),
    }
    monkeypatch.chdir(tmp_path)
    for name, value in settings.items():
        monkeypatch.setenv(f"LEDGER_ENTERPRISE_{name}", value)
    monkeypatch.setattr(doctor, "RETRY_SECONDS", 0.1)
    for mode, told in ((0o644, True), (0o640, True), (0o600, False)):
        key.chmod(mode)
        found = diagnose()
        assert by_name(found)["address"].level == "problem"
        assert any("chmod 600" in one.text for one in found if one.name == "private key file") is told


def test_each_finding_is_given_as_soon_as_it_is_made_and_a_service_that_is_away_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # With a proxy that is none, the first line came after two minutes.
    monkeypatch.chdir(tmp_path)
    for name, value in {"WORKSPACE": "acme", "REPORTING_API_KEY": "canary", "API_URL": "http://127.0.0.1:9"}.items():
        monkeypatch.setenv(f"LEDGER_ENTERPRISE_{name}", value)
    told_before: list[str] = []

    def reach(connection: Any) -> list[Finding]:
        assert connection.transport._retry_seconds <= 5
        told_before.extend(capsys.readouterr().out.splitlines())
        return [Finding("address", "problem", "can't be reached")]

    monkeypatch.setattr(doctor, "_reach", reach)
    assert cli.main(["doctor"]) == 1
    names = [line.partition(":")[0] for line in told_before]
    assert names[0] == "ledgerkit"
    assert {"LEDGER_ENTERPRISE_WORKSPACE", "rights", "proxy"} <= set(names)
    assert capsys.readouterr().err == "address: PROBLEM: can't be reached\n"


def test_the_address_is_said_without_a_path_and_without_a_name(serve: Any, connect_to: Any) -> None:
    server = serve(lambda seen: Reply({"name": "Acme"}))
    with connect_to(server, prefix="/canary") as session:
        connection = session.organization._connection
        found = by_name(doctor.examine(connection))
        assert found["address"].text == f"{server.url} (LOCAL) answers"
        connection.transport.base_url = server.url.replace("//", "//canary:canary@") + "/canary"
        assert not [one for one in doctor.examine(connection) if "canary" in one.text]


def test_a_key_of_somebody_else_is_told_without_a_word_about_signing() -> None:
    with Sandbox(transactions=50) as sandbox:
        own, other, *_ = sandbox.credentials.api_users
        given = ApiUser(sandbox.world.workspace, own.key_id, own.key_secret, private_key=other.private_key_pem)
        with lk.Session(given, base_url=sandbox.url, writes=True) as session:
            connection = session.organization._connection
            found = by_name(doctor.examine(connection))["private key"]
            assert found.level == "problem"
            assert "the private key is not that of the user who is signed in" in found.text
            assert "Nothing was signed" not in found.text
            assert "LEDGER_ENTERPRISE_API_KEY_ID" not in found.text  # a profile has another name for it
            # To sign is what was wanted here.
            operator: Any = connection.operator
            with pytest.raises(lk.ConfigurationError, match=r"Nothing was signed\."):
                operator.sign(None, 1)  # the key is looked at first


def test_the_sandbox_is_healthy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    found = diagnose("sandbox")
    assert [str(one) for one in found if one.level == "problem"] == []
    assert {"address", "token", "clock", "rights", "rate limit", "proxy"} <= by_name(found).keys()


@needs_git
@pytest.mark.parametrize("entry", ["", "."])
def test_a_git_that_the_folder_brings_along_is_not_run(
    repository: Callable[[dict[str, str]], Path], monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    folder = repository({"a.ipynb": notebook(SHOWN)})
    own = folder / "git"
    own.write_text(f"#!/bin/sh\ntouch {folder}/ran\n")
    own.chmod(0o755)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", os.pathsep.join([entry, os.environ["PATH"]]))
    assert "a.ipynb with outputs" in " ".join(one.text for one in in_git(folder))
    monkeypatch.setenv("PATH", str(folder))
    assert in_git(folder) == []
    assert not (folder / "ran").exists()
