"""The exercise of tutorial 01: settings of a second profile, tried on the sandbox and nowhere else."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from on_a_day import on_a_day
from serving import Reply, Server

import ledgerkit as lk
from ledgerkit import exercises, keys

PREFIX = "LEDGER_ENTERPRISE_ADMINISTRATOR_"


@pytest.fixture(scope="module")
def session() -> Iterator[lk.Session]:
    with lk.connect("sandbox", transactions=300, **on_a_day()) as session:
        yield session


def settings(session: lk.Session, role: Literal["OPERATOR", "ADMIN"] = "ADMIN") -> dict[str, str]:
    assert session.sandbox is not None
    given = session.sandbox.environment(role=role, prefix="")
    return {name: value for name, value in given.items() if name != "API_PRIVATE_KEY"}


def written(folder: Path, values: dict[str, str], mode: int = 0o600) -> Path:
    path = folder / ".env"
    path.touch(mode=0o600)
    path.write_text("".join(f"{PREFIX}{name}={value}\n" for name, value in values.items()))
    path.chmod(mode)
    return path


def key_file(folder: Path, session: lk.Session, mode: int = 0o600) -> str:
    assert session.sandbox is not None
    path = folder / "administrator.pem"
    path.touch(mode=0o600)
    path.write_text(session.sandbox.environment(role="ADMIN", prefix="")["API_PRIVATE_KEY"])
    path.chmod(mode)
    return path.name


def test_no_answer_yet(session: lk.Session) -> None:
    assert exercises.register(session, ...).solved is None


@pytest.mark.parametrize("shape", [Path, str])
def test_the_profile_of_the_administrator(session: lk.Session, tmp_path: Path, shape: Callable[[Path], Any]) -> None:
    path = written(tmp_path, {**settings(session), "PRIVATE_KEY_FILE": key_file(tmp_path, session)})
    assert exercises.register(session, shape(path)).solved is True


def test_the_environment_of_the_process_does_not_count(
    session: lk.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{PREFIX}API_KEY_ID", "another-one")
    path = written(tmp_path, {**settings(session), "PRIVATE_KEY_FILE": key_file(tmp_path, session)})
    assert exercises.register(session, path).solved is True


def wrongly(session: lk.Session, folder: Path, which: str) -> dict[str, str]:
    good = {**settings(session), "PRIVATE_KEY_FILE": key_file(folder, session)}
    if which == "operator":
        return {**settings(session, "OPERATOR"), "PRIVATE_KEY_FILE": good["PRIVATE_KEY_FILE"]}
    if which == "another key":
        keys.new(folder / "new.pem")
        return {**good, "PRIVATE_KEY_FILE": "new.pem"}
    if which == "reporting key":
        return {"WORKSPACE": good["WORKSPACE"], "API_URL": good["API_URL"], "REPORTING_API_KEY": "canary"}
    changed = {
        "no key file": {"PRIVATE_KEY_FILE": ""},
        "missing key file": {"PRIVATE_KEY_FILE": "nowhere.pem"},
        "old secret": {"API_KEY_SECRET": "of-last-year"},
        "no secret": {"API_KEY_SECRET": ""},
    }
    return {**good, **changed[which]}


@pytest.mark.parametrize(
    ("which", "hint"),
    [
        ("operator", "the private key is not that of the user"),
        ("another key", "the private key is not that of the user"),
        ("reporting key", "none of an API user"),
        ("no key file", "has no file of its own"),
        ("missing key file", "No such file"),
        ("old secret", "the doctor says of the sign-in"),
        ("no secret", f"missing {PREFIX}API_KEY_SECRET"),
    ],
)
def test_settings_that_can_not_be_used_get_a_hint(session: lk.Session, tmp_path: Path, which: str, hint: str) -> None:
    verdict = exercises.register(session, written(tmp_path, wrongly(session, tmp_path, which)))
    assert verdict.solved is False
    assert hint in verdict.text


def test_an_operator_with_the_right_key_is_no_administrator(session: lk.Session, tmp_path: Path) -> None:
    assert session.sandbox is not None
    path = tmp_path / "operator.pem"
    path.touch(mode=0o600)
    path.write_text(session.sandbox.environment(prefix="")["API_PRIVATE_KEY"])
    env_file = written(tmp_path, {**settings(session, "OPERATOR"), "PRIVATE_KEY_FILE": path.name})
    assert "as a user with the role OPERATOR" in exercises.register(session, env_file).text


def test_files_that_others_may_read_are_told(session: lk.Session, tmp_path: Path) -> None:
    name = key_file(tmp_path, session, mode=0o644)
    path = written(tmp_path, {**settings(session), "PRIVATE_KEY_FILE": name}, mode=0o640)
    assert "others on this machine may read .env" in exercises.register(session, path).text
    path.chmod(0o600)
    assert f"others on this machine may read {name}" in exercises.register(session, path).text


def test_no_secret_goes_to_another_address(session: lk.Session, tmp_path: Path, serve: Callable[..., Server]) -> None:
    elsewhere = serve(lambda seen: Reply({}))
    name = key_file(tmp_path, session)
    path = written(tmp_path, {**settings(session), "API_URL": elsewhere.url, "PRIVATE_KEY_FILE": name})
    assert "leads to another address" in exercises.register(session, path).text
    assert elsewhere.seen == []


def test_another_profile_alone_is_not_enough(session: lk.Session, tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("LEDGER_ENTERPRISE_TUTORIAL_WORKSPACE=acme\n")
    assert "No credentials found for the profile administrator" in exercises.register(session, path).text


@pytest.mark.parametrize(
    "answer", [66, None, "", "x" * 5000, "a\0b", "~nobody-of-this-name/x", {"API_KEY": "canary"}]
)
def test_what_is_no_file_is_told_and_not_repeated(session: lk.Session, answer: Any) -> None:
    verdict = exercises.register(session, answer)
    assert verdict.solved is False
    assert "canary" not in verdict.text
    assert "xxxx" not in verdict.text


def test_a_folder_is_no_file_of_settings(session: lk.Session, tmp_path: Path) -> None:
    assert "no regular file" in exercises.register(session, tmp_path).text


def test_it_is_done_on_the_sandbox_alone(
    tmp_path: Path, serve: Callable[..., Server], connect_to: Callable[..., lk.Session]
) -> None:
    path = written(tmp_path, {"WORKSPACE": "acme"})
    other = connect_to(serve(lambda seen: Reply({})))
    assert "embedded sandbox" in exercises.register(other, path).text
