"""What the three credential families hold and refuse, and what a base URL may be."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bug_reports import shown
from env_files import PEM

from ledgerkit.credentials import (
    LAM,
    ApiUser,
    Credentials,
    ReportingKey,
    check_base_url,
)
from ledgerkit.errors import ConfigurationError
from ledgerkit.secret import Secret

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
