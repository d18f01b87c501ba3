"""Credentials: every form of ``.env`` that people write gives the right value, or an error that shows none."""

import copy
import os
import pickle
import re
import stat
import traceback
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ledgerkit.credentials import (
    DEFAULT_BASE_URL,
    LAM,
    ApiUser,
    Credentials,
    ReportingKey,
    check_base_url,
    configured,
    load,
)
from ledgerkit.errors import ConfigurationError
from ledgerkit.secret import Secret

PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIAbc\nDEFG==\n-----END EC PRIVATE KEY-----"

Write = Callable[[str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a ``.env`` and return its path."""

    def write(content: str | bytes) -> Path:
        path = tmp_path / ".env"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def lines(prefix: str = "LEDGER_ENTERPRISE_", **values: str) -> str:
    return "".join(f"{prefix}{name}={value}\n" for name, value in values.items())


API_USER = lines(WORKSPACE="minivault", API_KEY_ID="key-id", API_KEY_SECRET="key-secret")
IN_ENVIRONMENT = {
    "LEDGER_ENTERPRISE_WORKSPACE": "fromenv",
    "LEDGER_ENTERPRISE_API_KEY_ID": "id-of-environment",
    "LEDGER_ENTERPRISE_API_KEY_SECRET": "secret-of-environment",
}


def api_user(credentials: Credentials) -> ApiUser:
    assert isinstance(credentials, ApiUser)
    return credentials


def secret_in(path: Path) -> str:
    """Return the key secret as it is read from a file."""
    return api_user(load(environ={}, start=path.parent).credentials).key_secret.reveal()


def refused(start: Path, **options: Any) -> str:
    """Return the text of the error that loading ends in."""
    with pytest.raises(ConfigurationError) as caught:
        load(**{"environ": {}, "start": start, **options})
    return str(caught.value)


# --- the families ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("credentials", "family", "text"),
    [
        (
            ApiUser("minivault", "id-canary", "secret-canary", private_key="pem-canary", gateway_key="gate-canary"),
            "api_user",
            "ApiUser(workspace='minivault', key_id=********, key_secret=********)",
        ),
        (
            ReportingKey("minivault", "key-canary"),
            "reporting_key",
            "ReportingKey(workspace='minivault', key=********)",
        ),
        (LAM("user-canary", "key-canary", "store-canary"), "lam", "LAM(api_user=********)"),
    ],
)
def test_credentials_are_masked_and_stay_as_they_are(credentials: Credentials, family: str, text: str) -> None:
    assert credentials.family == family
    assert f"{credentials!r}|{credentials!s}|{credentials}" == f"{text}|{text}|{text}"
    assert not hasattr(credentials, "__dict__")
    for name in credentials.__slots__:
        assert "canary" not in f"{getattr(credentials, name)!r}"
        with pytest.raises(AttributeError, match="make a new one"):
            setattr(credentials, name, "other")
        with pytest.raises(AttributeError, match="make a new one"):
            delattr(credentials, name)
    for take in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="pickled or copied"):
            take(credentials)


def test_surrounding_blanks_are_left_out_and_inner_ones_kept() -> None:
    user = ApiUser(" minivault\n", "\tid ", " two words \r\n", gateway_key=Secret(" gate "))
    assert user.workspace == "minivault"
    assert user.key_id == Secret("id")
    assert user.key_secret == Secret("two words")
    assert user.gateway_key == Secret("gate")


UNSENDABLE = {
    "line break": "cana\nry",
    "carriage return": "cana\rry",
    "tab": "cana\try",
    "delete": "cana\x7fry",
    "dash pasted from a web page": "cana–ry",
    "invisible space": "canary\u200b",
    "nothing": "",
    "blanks": "  ",
    "no text": b"canary",
}


@pytest.mark.parametrize("value", UNSENDABLE.values(), ids=UNSENDABLE)
@pytest.mark.parametrize(
    ("field", "make"),
    [
        ("workspace", lambda value: ApiUser(value, "i", "s")),
        ("key_id", lambda value: ApiUser("w", value, "s")),
        ("key_secret", lambda value: ApiUser("w", "i", value)),
        ("gateway_key", lambda value: ApiUser("w", "i", "s", gateway_key=value)),
        ("workspace", lambda value: ReportingKey(value, "k")),
        ("key", lambda value: ReportingKey("w", value)),
        ("api_user", lambda value: LAM(value)),
        ("api_key", lambda value: LAM("u", value)),
        ("store_token", lambda value: LAM("u", None, value)),
    ],
)
def test_a_value_that_can_not_be_sent_is_refused_by_name(
    field: str, make: Callable[[Any], object], value: Any
) -> None:
    with pytest.raises(ConfigurationError, match=f"^{field} of ") as caught:
        make(value)
    assert caught.value.details["field"] == field
    if field != "workspace":
        assert "cana" not in shown(caught.value)
    assert "cana" not in str(caught.value)


def test_a_private_key_may_be_a_pem_a_pem_in_one_line_hex_or_a_file() -> None:
    def key(text: str) -> str:
        kept = ApiUser("w", "i", "s", private_key=text).private_key
        assert kept is not None
        return kept.reveal()

    assert key(PEM) == PEM
    assert key(PEM + "\n") == PEM
    assert key(PEM.replace("\n", "\\n")) == PEM
    assert key(PEM.encode().hex()) == PEM.encode().hex()
    assert ApiUser("w", "i", "s", private_key_file="key.pem").private_key_file == Path("key.pem")
    assert ApiUser("w", "i", "s", private_key_file="~/key.pem").private_key_file == Path.home() / "key.pem"


def test_a_private_key_is_given_once() -> None:
    with pytest.raises(ConfigurationError, match="not both"):
        ApiUser("w", "i", "s", private_key=PEM, private_key_file="key.pem")
    with pytest.raises(ConfigurationError, match="private_key of ApiUser is empty"):
        ApiUser("w", "i", "s", private_key=" ")


# --- the base URL ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.vault.ledger.com", "https://api.vault.ledger.com"),
        ("https://api.vault.ledger.com/", "https://api.vault.ledger.com"),
        (" HTTPS://Tenant.Example:8443/prefix/v1// ", "https://tenant.example:8443/prefix/v1"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://localhost:5000/x", "http://localhost:5000/x"),
        ("http://[::1]:5000", "http://[::1]:5000"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
    ],
)
def test_a_base_url_keeps_its_prefix_and_loses_its_slash(url: str, expected: str) -> None:
    assert check_base_url(url) == expected
    assert check_base_url(expected) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.vault.ledger.com",
        "//api.vault.ledger.com",
        "https://",
        "https:///path",
        "ftp://api.vault.ledger.com",
        "http://api.vault.ledger.com",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://127.1",
        "http://0.0.0.0",
        "http://[::2]",
        "http://127.0.0.1@evil.example",
        "http://evil.example\\@127.0.0.1",
        "https://user:canary@api.vault.ledger.com",
        "https://canary@api.vault.ledger.com",
        "https://api.vault.ledger.com?key=canary",
        "https://api.vault.ledger.com/?",
        "https://api.vault.ledger.com#canary",
        "https://api.vault.ledger.com:port",
        "https://api.vault.ledger.com:0",
        "https://api.vault.ledger.com:70000",
        "https://[::1",
        "https://api vault",
        "https://evil.example\\.ledger.com",
        "https://api\n.vault",
        "https://api.väult.example",
    ],
)
def test_a_base_url_that_could_betray_a_secret_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^the URL ") as caught:
        check_base_url(url, "the URL")
    assert "canary" not in shown(caught.value)


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


# --- which value wins -----------------------------------------------------------------------------------------------


def test_what_was_found_says_where_it_came_from(write: Write, tmp_path: Path) -> None:
    path = write(API_USER)
    loaded = load(environ={}, start=tmp_path)
    assert (loaded.base_url, loaded.profile) == (DEFAULT_BASE_URL, None)
    assert loaded.sources == {
        "LEDGER_ENTERPRISE_WORKSPACE": str(path),
        "LEDGER_ENTERPRISE_API_KEY_ID": str(path),
        "LEDGER_ENTERPRISE_API_KEY_SECRET": str(path),
    }
    assert "key-secret" not in repr(loaded)


def test_the_environment_wins_variable_by_variable_and_arguments_win_over_it(write: Write, tmp_path: Path) -> None:
    write(API_USER)
    loaded = load(
        start=tmp_path,
        environ={"LEDGER_ENTERPRISE_API_KEY_ID": "env-id", "LEDGER_ENTERPRISE_WORKSPACE": "env", "PATH": "/bin"},
        overrides={"workspace": "argued", "api_key_secret": None},
    )
    user = api_user(loaded.credentials)
    assert (user.workspace, user.key_id.reveal(), user.key_secret.reveal()) == ("argued", "env-id", "key-secret")
    assert list(loaded.sources.values()) == ["arguments", "the environment", str(tmp_path / ".env")]


def test_an_empty_value_counts_as_not_set(write: Write, tmp_path: Path) -> None:
    write(API_USER + lines(GATEWAY_API_KEY="", REPORTING_API_KEY='""', LAM_URL="  "))
    loaded = load(start=tmp_path, environ={"LEDGER_ENTERPRISE_API_KEY_SECRET": " "})
    assert api_user(loaded.credentials).key_secret == Secret("key-secret")
    assert api_user(loaded.credentials).gateway_key is None


def test_an_empty_argument_is_a_mistake(write: Write, tmp_path: Path) -> None:
    write(API_USER)
    assert "the argument api_key_secret is empty" in refused(tmp_path, overrides={"api_key_secret": ""})


def test_a_profile_inherits_nothing(write: Write, tmp_path: Path) -> None:
    write(API_USER + lines("LEDGER_ENTERPRISE_COLD_STORAGE_", WORKSPACE="cold", REPORTING_API_KEY="rk"))
    loaded = load("cold-storage", environ={}, start=tmp_path)
    assert isinstance(loaded.credentials, ReportingKey)
    assert loaded.credentials.workspace == "cold"
    assert loaded.profile == "cold-storage"
    assert api_user(load(environ={}, start=tmp_path).credentials).workspace == "minivault"
    message = refused(tmp_path, profile="treasury")
    assert "LEDGER_ENTERPRISE_TREASURY_API_KEY_ID" in message
    assert "Profiles that are configured: COLD_STORAGE." in message


@pytest.mark.parametrize("profile", ["", "a b", "a/b", "é", "a=b"])
def test_a_profile_has_a_plain_name(tmp_path: Path, profile: str) -> None:
    assert "letters, digits" in refused(tmp_path, profile=profile)


def test_the_set_variables_of_a_profile_can_be_listed(write: Write, tmp_path: Path) -> None:
    path = write(lines("LEDGER_ENTERPRISE_SANDBOX_", WORKSPACE="tenant"))
    assert configured("sandbox", environ={}, start=tmp_path) == {
        "LEDGER_ENTERPRISE_SANDBOX_WORKSPACE": f"{path}, line 1"
    }
    assert configured(environ={}, start=tmp_path) == {}


# --- which family ---------------------------------------------------------------------------------------------------


def test_each_family_is_loaded(tmp_path: Path, write: Write) -> None:
    write(
        API_USER
        + lines(GATEWAY_API_KEY="gate")
        + lines("LEDGER_ENTERPRISE_R_", WORKSPACE="w", REPORTING_API_KEY="rk")
        + lines("LEDGER_ENTERPRISE_L_", LAM_URL="http://localhost:8000/lam/", LAM_USER="bob", LAM_API_KEY="lk")
    )
    user = api_user(load(environ={}, start=tmp_path).credentials)
    assert user.gateway_key == Secret("gate")
    reporting = load("r", environ={}, start=tmp_path)
    assert isinstance(reporting.credentials, ReportingKey)
    assert reporting.base_url == DEFAULT_BASE_URL
    lam = load("l", environ={}, start=tmp_path)
    assert isinstance(lam.credentials, LAM)
    assert lam.credentials.api_user == Secret("bob")
    assert lam.credentials.api_key == Secret("lk")
    assert lam.credentials.store_token is None
    assert lam.base_url == "http://localhost:8000/lam"


def test_two_families_at_once_are_an_error_unless_one_is_chosen(write: Write, tmp_path: Path) -> None:
    path = write(API_USER + lines(REPORTING_API_KEY="rk"))
    message = refused(tmp_path)
    assert f"LEDGER_ENTERPRISE_REPORTING_API_KEY ({path}, line 4)" in message
    assert "family='api_user'" in message
    for choice in ({"family": "reporting_key"}, {"overrides": {"family": "reporting_key"}}):
        assert isinstance(load(environ={}, start=tmp_path, **choice).credentials, ReportingKey)
    assert "api_user, reporting_key, lam" in refused(tmp_path, family="operator")


def test_a_key_passed_as_an_argument_chooses_its_family(write: Write, tmp_path: Path) -> None:
    write(API_USER)
    loaded = load(environ={}, start=tmp_path, overrides={"reporting_api_key": "rk"})
    assert isinstance(loaded.credentials, ReportingKey)


# --- a URL and its secrets ------------------------------------------------------------------------------------------

EVIL = "https://evil.example"


@pytest.mark.parametrize(
    ("in_file", "in_environment", "in_arguments", "first", "second"),
    [
        (lines(API_URL=EVIL), IN_ENVIRONMENT, {}, ".env", "the environment"),
        (API_USER, {"LEDGER_ENTERPRISE_API_URL": EVIL}, {}, "the environment", ".env"),
        (API_USER, {}, {"base_url": EVIL}, "arguments", ".env"),
        ("", IN_ENVIRONMENT, {"base_url": EVIL}, "arguments", "the environment"),
        (API_USER + lines(API_URL=EVIL), {}, {"api_key_secret": "s"}, ".env", "arguments"),
        (
            API_USER + lines(API_URL=EVIL),
            {"LEDGER_ENTERPRISE_PRIVATE_KEY_FILE": "k.pem"},
            {},
            ".env",
            "the environment",
        ),
        (lines(LAM_URL=EVIL), {"LEDGER_ENTERPRISE_LAM_USER": "bob"}, {}, ".env", "the environment"),
    ],
)
def test_a_base_url_never_receives_a_secret_from_another_source(
    write: Write,
    tmp_path: Path,
    in_file: str,
    in_environment: dict[str, str],
    in_arguments: dict[str, str],
    first: str,
    second: str,
) -> None:
    path = str(write(in_file))
    message = refused(tmp_path, environ=in_environment, overrides=in_arguments)
    assert f"comes from {first}".replace(".env", path) in message
    assert f"from {second}:".replace(".env", path) in message
    assert "the same place" in message


def test_a_base_url_beside_its_secrets_is_used(write: Write, tmp_path: Path) -> None:
    write(API_USER + lines(API_URL="https://tenant.example/prefix/"))
    assert load(environ={}, start=tmp_path).base_url == "https://tenant.example/prefix"
    # Who the workspace is, is no secret; nor can the service's own address redirect anything.
    load(environ={}, start=tmp_path, overrides={"workspace": "other"})
    write(API_USER)
    load(environ={}, start=tmp_path, overrides={"base_url": DEFAULT_BASE_URL + "/"})


def test_a_bad_base_url_names_its_variable_and_place(write: Write, tmp_path: Path) -> None:
    path = write(API_USER + lines(API_URL="http://tenant.example"))
    assert refused(tmp_path).startswith(f"LEDGER_ENTERPRISE_API_URL ({path}, line 4) must begin with https://")


# --- what is missing ------------------------------------------------------------------------------------------------


def test_nothing_found_lists_what_was_looked_for_where_and_the_two_ways_on(tmp_path: Path) -> None:
    message = refused(tmp_path)
    for words in (
        "LEDGER_ENTERPRISE_WORKSPACE, LEDGER_ENTERPRISE_API_KEY_ID, LEDGER_ENTERPRISE_API_KEY_SECRET (API user)",
        "LEDGER_ENTERPRISE_WORKSPACE, LEDGER_ENTERPRISE_REPORTING_API_KEY (reporting key)",
        "LEDGER_ENTERPRISE_LAM_URL, LEDGER_ENTERPRISE_LAM_USER (LAM)",
        "in the environment and in a .env file",
        str(tmp_path),
        str(tmp_path.parent),
        "fill in .env",
        'connect("sandbox")',
    ):
        assert words in message


def test_a_file_without_credentials_is_named(write: Write, tmp_path: Path) -> None:
    path = write(lines(WORKSPACE="minivault"))
    message = refused(tmp_path)
    assert f"and in {path}." in message
    assert f"Found only LEDGER_ENTERPRISE_WORKSPACE ({path}, line 1)." in message


def test_half_a_configuration_names_the_missing_half_and_the_place_of_the_other(write: Write, tmp_path: Path) -> None:
    path = write(lines(WORKSPACE="minivault", API_KEY_ID="key-id"))
    message = refused(tmp_path, environ={"LEDGER_ENTERPRISE_API_PRIVATE_KEY": PEM})
    assert "missing LEDGER_ENTERPRISE_API_KEY_SECRET (" in message
    assert f"LEDGER_ENTERPRISE_API_KEY_ID ({path}, line 2)" in message
    assert "LEDGER_ENTERPRISE_API_PRIVATE_KEY (the environment)" in message
    assert "key-id" not in message


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("LEDGER_ENTERPRISE_API_SECRET", "LEDGER_ENTERPRISE_API_KEY_SECRET"),
        ("LEDGER_ENTERPRSE_API_KEY_SECRET", "LEDGER_ENTERPRISE_API_KEY_SECRET"),
        ("ledger_enterprise_api_key_secret", "LEDGER_ENTERPRISE_API_KEY_SECRET"),
        ("LEDGER_API_KEY_SECRET", "LEDGER_ENTERPRISE_API_KEY_SECRET"),
    ],
)
def test_a_name_that_is_nearly_right_is_pointed_out(write: Write, tmp_path: Path, written: str, meant: str) -> None:
    path = write(lines(WORKSPACE="w", API_KEY_ID="i") + f"{written}=canary\n")
    message = refused(tmp_path)
    assert f"{written} ({path}, line 3) is not a name that is read: did you mean {meant}?" in message


def test_an_unknown_argument_is_pointed_out(tmp_path: Path) -> None:
    assert refused(tmp_path, overrides={"workspce": "w"}) == "There is no argument workspce: did you mean workspace?"
    assert "there are api_key_id" in refused(tmp_path, overrides={"zzz": "w"})


# --- no secret anywhere ---------------------------------------------------------------------------------------------


def shown(error: BaseException) -> str:
    """Return all that a bug report may show of an error, local variables of the kit's frames included."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    report.stack[:] = [frame for frame in report.stack if f"{os.sep}ledgerkit{os.sep}" in frame.filename]
    assert report.stack
    return "".join(report.format()) + repr(error) + pickle.dumps(error).decode("latin-1")


CANARIES = {
    "LEDGER_ENTERPRISE_API_KEY_ID": "canary-1",
    "LEDGER_ENTERPRISE_API_KEY_SECRET": "canary-2",
    "LEDGER_ENTERPRISE_API_PRIVATE_KEY": "canary-3",
    "LEDGER_ENTERPRISE_GATEWAY_API_KEY": "canary-4",
    "LEDGER_ENTERPRISE_REPORTING_API_KEY": "canary-5",
    "LEDGER_ENTERPRISE_LAM_USER": "canary-6",
    "LEDGER_ENTERPRISE_LAM_API_KEY": "canary-7",
    "LEDGER_ENTERPRISE_LAM_STORE_TOKEN": "canary-8",
}


@pytest.mark.parametrize("place", ["file", "environment", "arguments"])
@pytest.mark.parametrize(
    "options",
    [
        {},  # several families
        {"family": "api_user"},  # no workspace
        {"family": "reporting_key"},
        {"family": "lam"},
        {"family": "none"},
        {"profile": "other"},
        {"profile": "no name"},
        {"env_file": "/nowhere/.env"},
        {"family": "lam", "overrides": {"base_url": "https://canary:canary@evil.example"}},
        {"family": "reporting_key", "overrides": {"workspace": "w", "base_url": "https://evil.example"}},
        {"overrides": {"api_key_secrets": "canary"}},
    ],
)
def test_no_error_of_loading_shows_a_secret(
    write: Write, tmp_path: Path, place: str, options: dict[str, Any]
) -> None:
    environ, overrides = {}, dict(options.get("overrides", {}))
    if place == "file":
        write("".join(f"{name}={value}\n" for name, value in CANARIES.items()))
    elif place == "environment":
        environ = dict(CANARIES)
    else:
        environ = {"LEDGER_ENTERPRISE_REPORTING_API_KEY": "canary-5"}
        overrides |= {"api_key_id": "canary-1", "lam_user": "canary-6"}
    with pytest.raises(ConfigurationError) as caught:
        load(**{"environ": environ, "start": tmp_path, **options, "overrides": overrides})
    assert "canary" not in shown(caught.value)
