"""`ledgerkit keys`, as a person makes the key of an API user."""

import os
import re
import stat
from pathlib import Path

import pytest
from bug_reports import shown
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jose.samples import new_key, sec1

from ledgerkit import credentials, keys, signing
from ledgerkit.cli import main
from ledgerkit.errors import ConfigurationError
from ledgerkit.signing import load_private_key, public_point, sign_challenge, verify

Printed = pytest.CaptureFixture[str]
posix = pytest.mark.skipif(os.name != "posix", reason="rights and links of files are another thing here")


def body_of(pem: str) -> list[str]:
    return [line for line in pem.splitlines() if "-----" not in line]


def test_a_new_key_is_written_for_its_owner_alone_and_never_printed(tmp_path: Path, capsys: Printed) -> None:
    path = tmp_path / "operator.pem"
    before = os.umask(0)
    try:
        assert main(["keys", "new", "--out", str(path)]) == 0
    finally:
        os.umask(before)
    printed, complaints = capsys.readouterr()
    pem = path.read_text()
    assert pem.startswith("-----BEGIN EC PRIVATE KEY-----\n")
    assert len(pem) == 227  # SEC1 on P-256 without a passphrase, as the service asks for
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert complaints == ""
    assert not [line for line in body_of(pem) if line in printed or line.encode().hex() in printed]
    point = next(line for line in printed.splitlines() if re.fullmatch(r"04[0-9A-F]{128}", line))
    assert verify(sign_challenge(load_private_key(path), b"{}"), point) == b"{}"


@pytest.mark.parametrize("folder", ["plain", "with blank", "with # and $HOME", "it's", "back\\slash"])
def test_the_printed_line_names_the_file_in_a_dotenv(folder: str, tmp_path: Path, capsys: Printed) -> None:
    path = tmp_path / folder / "operator.pem"
    path.parent.mkdir()
    main(["keys", "new", "--out", str(path)])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("LEDGER_ENTERPRISE_")]
    names = ("WORKSPACE=acme", "API_KEY_ID=id", "API_KEY_SECRET=secret")
    (tmp_path / ".env").write_text("\n".join([*(f"LEDGER_ENTERPRISE_{name}" for name in names), line]))
    user = credentials.load(env_file=tmp_path / ".env", environ={}).credentials
    assert isinstance(user, credentials.ApiUser)
    assert user.private_key_file == path
    assert public_point(load_private_key(user)) == keys.show(path)


def test_without_a_name_the_key_is_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["keys", "new"]) == 0
    assert str(tmp_path / "ledger-operator.pem") in capsys.readouterr().out
    assert keys.show(tmp_path / "ledger-operator.pem").startswith("04")


def test_a_file_is_never_overwritten(tmp_path: Path, capsys: Printed) -> None:
    path = tmp_path / "operator.pem"
    path.write_text("another key")
    assert main(["keys", "new", "--out", str(path)]) == 1
    assert "never overwritten. Choose another name, or see with `ledgerkit keys show`" in capsys.readouterr().err
    assert path.read_text() == "another key"


@posix
@pytest.mark.parametrize("there", [True, False])
def test_a_symbolic_link_is_never_followed(there: bool, tmp_path: Path) -> None:
    target, link = tmp_path / "public" / "key.pem", tmp_path / "operator.pem"
    target.parent.mkdir()
    if there:
        target.touch()
    link.symlink_to(target)
    with pytest.raises(ConfigurationError, match="never overwritten"):
        keys.new(link)
    assert target.exists() == there
    assert not there or target.read_text() == ""


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, capsys: Printed) -> None:
    assert main(["keys", "new", "--out", str(tmp_path / "none" / "operator.pem")]) == 1
    assert f"the folder {tmp_path / 'none'} is not there. Make it first" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_name_for_a_key(tmp_path: Path, capsys: Printed) -> None:
    assert main(["keys", "new", "--out", str(tmp_path)]) == 1
    assert "it is a folder. Name a file in it." in capsys.readouterr().err


def test_a_tilde_that_the_shell_left_is_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert main(["keys", "new", "--out=~/operator.pem"]) == 0
    assert f"LEDGER_ENTERPRISE_PRIVATE_KEY_FILE='{tmp_path / 'operator.pem'}'" in capsys.readouterr().out
    assert main(["keys", "show", "~/operator.pem"]) == 0
    assert capsys.readouterr().out == f"{keys.show(tmp_path / 'operator.pem')}\n"


@pytest.mark.parametrize("name", ["~nobody-of-that-name/operator.pem", "x" * 300, "a\0b"])
def test_what_is_no_name_of_a_file_is_refused_by_an_error_of_the_kit(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no key was written to"):
        keys.new(Path(name) if name.startswith("~") else tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@posix
def test_a_umask_that_takes_all_rights_leaves_the_owner_those_to_read(tmp_path: Path) -> None:
    before = os.umask(0o777)
    try:
        keys.new(tmp_path / "operator.pem")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "operator.pem").stat().st_mode) == 0o600


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupt_while_the_key_is_written_leaves_no_half_file(
    error: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(descriptor: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(error) as raised:
        keys.new(tmp_path / "operator.pem")
    assert list(tmp_path.iterdir()) == []
    assert "PRIVATE KEY" not in shown(raised.value)


def test_what_could_not_be_written_is_not_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigurationError, match="No space left"):
        keys.new(tmp_path / "operator.pem")
    assert list(tmp_path.iterdir()) == []


def test_show_prints_the_public_half_alone(tmp_path: Path, capsys: Printed) -> None:
    path = tmp_path / "operator.pem"
    path.write_text(sec1(new_key()))
    path.chmod(0o600)
    assert main(["keys", "show", str(path)]) == 0
    key = load_pem_private_key(path.read_bytes(), None)
    assert capsys.readouterr().out == f"{public_point(key)}\n"  # type: ignore[arg-type]  # any private key serves: EC keys are what is made


def test_show_says_what_is_wrong_with_a_file(tmp_path: Path, capsys: Printed) -> None:
    assert main(["keys", "show", str(tmp_path / "none.pem")]) == 1
    complaint = capsys.readouterr().err
    assert "ConfigurationError: the private key can't be read" in complaint
    assert "LEDGER_ENTERPRISE_PRIVATE_KEY_FILE" not in complaint  # no setting named the file


def test_without_the_libraries_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setattr(signing, "find_spec", lambda name: None)
    assert main(["keys", "new", "--out", str(tmp_path / "operator.pem")]) == 1
    assert "pip install 'ledgerkit-enterprise[signing]'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("line", [["keys"], ["keys", "show"], ["keys", "new", "--force"]])
def test_a_wrong_command_line_is_refused(line: list[str], capsys: Printed) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(line)
