"""Credentials: every form of ``.env`` that people write gives the right value, or an error that shows none."""

from pathlib import Path
from typing import Any

import pytest
from bug_reports import shown
from env_files import API_USER, IN_ENVIRONMENT, PEM, Write, api_user, lines, refused

from ledgerkit.credentials import (
    DEFAULT_BASE_URL,
    LAM,
    ReportingKey,
    configured,
    load,
)
from ledgerkit.errors import ConfigurationError
from ledgerkit.secret import Secret

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
