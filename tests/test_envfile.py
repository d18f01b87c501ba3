"""Every form of ``.env`` that people write, and where the file is found."""

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from bug_reports import shown
from env_files import API_USER, IN_ENVIRONMENT, PEM, Write, api_user, lines, refused, secret_in
from hypothesis import assume, given
from hypothesis import strategies as st

from ledgerkit.credentials import (
    DEFAULT_BASE_URL,
    load,
)
from ledgerkit.errors import ConfigurationError
from ledgerkit.secret import Secret

# --- every form of .env ---------------------------------------------------------------------------------------------

FORMS = {
    "plain": ("S=a-b_c", "a-b_c"),
    "byte order mark": ("\ufeffS=value", "value"),
    "CRLF": ("X=1\r\nS=value\r\nY=2\r\n", "value"),
    "double quotes": ('S="value"', "value"),
    "single quotes": ("S='value'", "value"),
    "blanks around": ("  S  =  value  ", "value"),
    "tabs around": ("\tS\t=\tvalue\t", "value"),
    "export": ("export S=value", "value"),
    "hash inside": ("S=a#b", "a#b"),
    "hash first": ("S=#value", "#value"),
    "comment": ("S=value # the key", "value"),
    "comment after quotes": ('S="value" # the key', "value"),
    "hash in quotes": ('S="a #b"', "a #b"),
    "equals inside": ("S=value==", "value=="),
    "dollar": ("S=a$b$HOME", "a$b$HOME"),
    "escaped quote": (r'S="a\"b"', 'a"b'),
    "backslash at the end": ("S='ab\\\\'", "ab\\"),
    "escaped backslash": (r'S="a\\b"', r"a\b"),
    "plain backslash": (r"S=a\nb", r"a\nb"),
    "single quotes keep backslashes": (r"S='a\nb'", r"a\nb"),
    "quotes inside": ("S=a'b\"c", "a'b\"c"),
    "no newline at the end": ("S=value", "value"),
    "the same twice": ("S=value\nS=value", "value"),
    "empty, then set": ("S=\nS=value", "value"),
    "other people's lines": ("OTHER=${HOME}\nDEBUG\nOTHER=x\nS=value", "value"),
    "commented line": ("# S=old\nS=value", "value"),
}


@pytest.mark.parametrize(("text", "expected"), FORMS.values(), ids=FORMS)
def test_every_form_of_env_gives_the_value(write: Write, text: str, expected: str) -> None:
    text = text.replace("S=", "LEDGER_ENTERPRISE_API_KEY_SECRET=").replace(
        "S\t", "LEDGER_ENTERPRISE_API_KEY_SECRET\t"
    )
    text = text.replace("S  ", "LEDGER_ENTERPRISE_API_KEY_SECRET  ")
    assert secret_in(write(text + "\n" + lines(WORKSPACE="w", API_KEY_ID="i"))) == expected


BAD = {
    "open double quote": ('{S}="canary\n', 3, "can't be read"),
    "open single quote": ("{S}='canary\n", 3, "can't be read"),
    "open quote that swallows": ('{S}="canary\n{GATE}="canary"\n', 3, "can't be read"),
    "open quote that ends with a later one": ('{S}="canary\n{GATE}="\n', 3, "quote left open"),
    "text after the quote": ('{S}="can"ary\n', 3, "can't be read"),
    "no equals sign": ("{S}\n", 3, "can't be read"),
    "colon": ("{S}: canary\n", 3, "can't be read"),
    "blank lines before": ('\n\r\n\n{S}="canary\n', 6, "can't be read"),
    "reference": ("{S}=${{CANARY}}\n", 3, "expands nothing"),
    "reference in single quotes": ("{S}='x${{CANARY}}'\n", 3, "expands nothing"),
    "placeholder": ("{S}=your-key-secret\n", 3, "placeholder"),
    "placeholder in brackets": ("{S}=<key secret>\n", 3, "placeholder"),
    "placeholder word": ("{S}=changeme\n", 3, "placeholder"),
    "line break in quotes": ('{S}="can\nary"\n', 3, "line break"),
    "escaped line break": ('{S}="can\\nary"\n', 3, "line break"),
    "tab inside": ("{S}=can\tary\n", 3, "control character"),
    "outside ASCII": ("{S}=canarÿ\n", 3, "outside ASCII"),
    "NUL": ("{S}=can\0ary\n", None, "UTF-8"),
    "twice": ("{S}=canary1\n{S}=canary2\n", 4, "in line 3 and in line 4"),
}


@pytest.mark.parametrize(("text", "line", "words"), BAD.values(), ids=BAD)
def test_what_can_not_be_read_names_file_and_line_and_no_value(
    write: Write, text: str, line: int | None, words: str
) -> None:
    text = text.format(S="LEDGER_ENTERPRISE_API_KEY_SECRET", GATE="LEDGER_ENTERPRISE_GATEWAY_API_KEY")
    path = write(lines(WORKSPACE="w", API_KEY_ID="i") + text)
    with pytest.raises(ConfigurationError) as caught:
        load(environ={}, start=path.parent)
    message = str(caught.value)
    assert str(path) in message
    assert words in message
    assert line is None or f"line {line}" in message
    everything = shown(caught.value).lower()
    assert "canar" not in everything
    assert "ary" not in everything.replace("temporary", "").replace("library", "")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_file_saved_as_utf_16_is_told_from_an_empty_one(write: Write, encoding: str) -> None:
    path = write(API_USER.encode(encoding))
    assert refused(path.parent) == f"{path} is UTF-16 text or not a text: save it as UTF-8"


def test_a_file_in_another_encoding_is_refused_with_its_line(write: Write) -> None:
    path = write(API_USER.encode() + b"LEDGER_ENTERPRISE_GATEWAY_API_KEY=canary\xe9\n")
    with pytest.raises(ConfigurationError, match=r"not UTF-8 text \(line 4\)") as caught:
        load(environ={}, start=path.parent)
    assert "canary" not in shown(caught.value)


@pytest.mark.parametrize(
    "form", ['"{pem}"', "'{pem}'", '"{folded}"', "'{folded}'", "{folded}", '"{crlf}"', "{hexadecimal}"]
)
def test_a_private_key_is_read_in_every_form(write: Write, form: str) -> None:
    value = form.format(
        pem=PEM, folded=PEM.replace("\n", "\\n"), crlf=PEM.replace("\n", "\r\n"), hexadecimal=PEM.encode().hex()
    )
    path = write(lines(API_PRIVATE_KEY=value) + API_USER)
    key = api_user(load(environ={}, start=path.parent).credentials).private_key
    assert key is not None
    assert key.reveal().replace("\r\n", "\n") in (PEM, PEM.encode().hex())


def test_a_private_key_in_several_lines_needs_quotes(write: Write) -> None:
    path = write(API_USER + lines(API_PRIVATE_KEY=PEM))
    message = refused(path.parent)
    assert f"{path}, line 4" in message
    assert "between double quotes" in message


def test_a_private_key_with_an_open_quote_does_not_swallow_what_follows(write: Write) -> None:
    path = write(lines(API_PRIVATE_KEY=f'"{PEM}') + API_USER + lines(GATEWAY_API_KEY='"'))
    assert "a quote is left open" in refused(path.parent)


def test_the_private_key_file_is_relative_to_the_file_that_names_it(write: Write, tmp_path: Path) -> None:
    write(API_USER + lines(PRIVATE_KEY_FILE="keys/operator.pem"))
    (tmp_path / "notebooks").mkdir()
    user = api_user(load(environ={}, start=tmp_path / "notebooks").credentials)
    assert user.private_key_file == tmp_path / "keys" / "operator.pem"


def test_a_private_key_set_in_two_places_is_taken_from_the_stronger(write: Write, tmp_path: Path) -> None:
    write(API_USER + lines(API_PRIVATE_KEY=PEM.encode().hex()))
    loaded = load(environ={}, start=tmp_path, overrides={"private_key_file": "other.pem"})
    assert api_user(loaded.credentials).private_key is None
    assert api_user(loaded.credentials).private_key_file == Path("other.pem")
    write(API_USER + lines(API_PRIVATE_KEY=PEM.encode().hex(), PRIVATE_KEY_FILE="other.pem"))
    assert "not both" in refused(tmp_path)


printable = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f"), min_size=1)
WRITTEN: dict[str, Callable[[str], str]] = {
    "plain": lambda secret: secret,
    "single quotes": lambda secret: "'" + secret.replace("\\", "\\\\").replace("'", "\\'") + "'",
    "double quotes": lambda secret: '"' + secret.replace("\\", "\\\\").replace('"', '\\"') + '"',
}


@given(printable, st.sampled_from(sorted(WRITTEN)))
def test_any_secret_in_any_quotes_reads_back_the_same_or_is_refused_clearly(secret: str, style: str) -> None:
    if style == "plain":  # what begins with a quote or holds a comment has to be quoted
        assume(secret.strip() and secret.strip()[0] not in "'\"" and not re.search(r"\s#", f" {secret}"))
    with TemporaryDirectory() as folder:
        path = Path(folder) / ".env"
        text = lines(API_KEY_SECRET=WRITTEN[style](secret), WORKSPACE="w", API_KEY_ID="i")
        path.write_text(text, encoding="utf-8")
        assert_same_or_refused(path, secret)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)), st.sampled_from(sorted(WRITTEN)))
def test_any_ascii_secret_in_any_quotes_reads_back_the_same(text: str, style: str) -> None:
    secret = f"k7{text}".rstrip()  # so that it is no placeholder
    assume("${" not in secret and "-----BEGIN" not in secret and "LEDGER" not in secret)
    assume(style != "plain" or " #" not in secret)
    with TemporaryDirectory() as folder:
        path = Path(folder) / ".env"
        path.write_text(lines(API_KEY_SECRET=WRITTEN[style](secret), WORKSPACE="w", API_KEY_ID="i"))
        assert secret_in(path) == secret


def assert_same_or_refused(path: Path, secret: str) -> None:
    try:
        value = secret_in(path)
    except ConfigurationError as error:
        value, message = None, str(error)
    assert value == secret.strip() or (str(path) in message or "LEDGER_ENTERPRISE_API_KEY_SECRET" in message)


# --- finding the file -----------------------------------------------------------------------------------------------


def test_the_first_env_upwards_wins(write: Write, tmp_path: Path) -> None:
    write(API_USER)
    deep = tmp_path / "notebooks" / "deep"
    deep.mkdir(parents=True)
    assert secret_in(deep / ".env") == "key-secret"
    (tmp_path / "notebooks" / ".env").write_text(API_USER.replace("key-secret", "nearer"))
    assert secret_in(deep / ".env") == "nearer"


def test_the_working_directory_is_where_the_search_begins(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(API_USER)
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    before = dict(os.environ)
    assert load(environ={}).sources["LEDGER_ENTERPRISE_WORKSPACE"] == str(tmp_path / ".env")
    assert dict(os.environ) == before


def test_the_process_environment_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in IN_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    assert set(load(start=tmp_path).sources.values()) == {"the environment"}


def test_the_search_ends_with_the_home_folder(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(API_USER)
    home = tmp_path / "home"
    work = home / "work"
    work.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    message = refused(work)
    assert f"there is none in {work}, {home})" in message


@pytest.mark.parametrize("name", ["BASE_URL", "URL", "API_URI_URL"])
def test_a_misspelt_address_does_not_send_the_secret_to_the_vendors_host(
    write: Write, tmp_path: Path, name: str
) -> None:
    write(f"{API_USER}\nLEDGER_ENTERPRISE_{name}=https://tenant.example\n")
    assert f"LEDGER_ENTERPRISE_{name}" in (message := refused(tmp_path))
    assert "the address is LEDGER_ENTERPRISE_API_URL" in message


@pytest.mark.skipif(os.name != "posix", reason="owners and rights of files are POSIX's")
def test_a_file_that_somebody_else_may_have_planted_is_refused(write: Write, tmp_path: Path) -> None:
    path = write(API_USER)
    path.chmod(0o606)
    assert "can be written by everybody" in refused(tmp_path)
    path.chmod(0o600)
    tmp_path.chmod(0o777)
    assert "in a folder in which everybody can put files" in refused(tmp_path)
    tmp_path.chmod(0o1777)  # as /tmp is: everybody may put files there, but nobody can replace another's
    assert secret_in(path) == "key-secret"
    tmp_path.chmod(0o700)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user_is_refused_unless_the_working_directory_is_theirs_too(
    write: Write, tmp_path: Path
) -> None:
    path = write(API_USER)
    os.chown(path, 12345, -1)
    assert "belongs to another user" in refused(tmp_path)
    os.chown(tmp_path, 12345, -1)  # a folder of the host, in a container
    assert load(environ={}, start=tmp_path).base_url == DEFAULT_BASE_URL


def test_a_folder_called_env_is_passed_over(write: Write, tmp_path: Path) -> None:
    write(API_USER)
    (tmp_path / "notebooks" / ".env").mkdir(parents=True)
    assert secret_in(tmp_path / "notebooks" / ".env") == "key-secret"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this platform has no named pipes")
def test_a_pipe_called_env_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".env")
    assert "is not a regular file" in refused(tmp_path)


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").symlink_to(tmp_path / "gone")
    assert refused(tmp_path) == f"{tmp_path / '.env'} can't be read: No such file or directory"


def test_a_file_that_may_not_be_read_is_named(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(API_USER)

    def denied(self: Path) -> bytes:  # the tests may run as root, whom no mode keeps out
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", denied)
    assert refused(path.parent) == f"{path} can't be read: Permission denied"


def test_a_named_file_is_read_instead_and_must_exist(write: Write, tmp_path: Path) -> None:
    write(API_USER)
    other = tmp_path / "treasury.env"
    other.write_text(API_USER.replace("key-secret", "other"))
    other.chmod(stat.S_IRUSR)
    named = load(environ={}, start=tmp_path, env_file=str(other))
    assert api_user(named.credentials).key_secret == Secret("other")
    gone = tmp_path / "gone.env"
    assert str(gone) in refused(tmp_path, env_file=gone)
    assert "is a folder" in refused(tmp_path, env_file=tmp_path)
