"""Finding credentials: the arguments of ``connect()``, then the environment, then ``.env``."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledgerkit.envfile import ENVIRONMENT, PREFIX, Setting, find_file, from_environment, from_file
from ledgerkit.errors import ConfigurationError, clearing
from ledgerkit.families import LAM, ApiUser, Credentials, Family, ReportingKey, check_base_url, unsendable, wrap
from ledgerkit.secret import Secret

__all__ = [
    "DEFAULT_BASE_URL",
    "LAM",
    "ApiUser",
    "Credentials",
    "Family",
    "Loaded",
    "ReportingKey",
    "check_base_url",
    "configured",
    "load",
    "wrap_arguments",
]

DEFAULT_BASE_URL = "https://api.vault.ledger.com"

# What follows the prefix in the name of a variable, and the argument of connect() that says the same.
_ARGUMENTS = {
    "API_URL": "base_url",
    "WORKSPACE": "workspace",
    "API_KEY_ID": "api_key_id",
    "API_KEY_SECRET": "api_key_secret",
    "API_PRIVATE_KEY": "private_key",
    "PRIVATE_KEY_FILE": "private_key_file",
    "GATEWAY_API_KEY": "gateway_api_key",
    "REPORTING_API_KEY": "reporting_api_key",
    "LAM_URL": "base_url",
    "LAM_USER": "lam_user",
    "LAM_API_KEY": "lam_api_key",
    "LAM_STORE_TOKEN": "lam_store_token",
}
_NEEDED: dict[Family, tuple[str, ...]] = {
    "api_user": ("WORKSPACE", "API_KEY_ID", "API_KEY_SECRET"),
    "reporting_key": ("WORKSPACE", "REPORTING_API_KEY"),
    "lam": ("LAM_URL", "LAM_USER"),
}
# The variables that only this family uses: where one is set, the family is meant.
_OWN: dict[Family, tuple[str, ...]] = {
    "api_user": ("API_KEY_ID", "API_KEY_SECRET", "API_PRIVATE_KEY", "PRIVATE_KEY_FILE", "GATEWAY_API_KEY"),
    "reporting_key": ("REPORTING_API_KEY",),
    "lam": ("LAM_URL", "LAM_USER", "LAM_API_KEY", "LAM_STORE_TOKEN"),
}
_NOT_SECRET = {"API_URL", "LAM_URL", "WORKSPACE"}
_LABELS: dict[Family, str] = {"api_user": "API user", "reporting_key": "reporting key", "lam": "LAM"}
_KNOWN_NAME = re.compile(rf"{PREFIX}(?:(?P<profile>[A-Z0-9_]+)_)?(?:{'|'.join(_ARGUMENTS)})")
_PLACEHOLDER = re.compile(
    r"your[-_ ].*|<.*>|change[-_ ]?(me|it)|replace[-_ ]?me|placeholder|todo|x{3,}|\.{3,}|…", re.IGNORECASE
)

_ARGUMENT = "arguments"


@dataclass(frozen=True, slots=True)
class Loaded:
    """Credentials that were found; ``sources`` maps each variable to a file, "the environment" or "arguments"."""

    credentials: Credentials
    base_url: str
    profile: str | None
    sources: Mapping[str, str]


def wrap_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Wrap the values of the arguments of ``connect()`` as secrets, so that no traceback shows them; drop Nones."""
    return {
        name: value if name == "family" else Secret(str(value)) if isinstance(value, Path) else wrap(value)
        for name, value in arguments.items()
        if value is not None
    }


@clearing
def configured(
    profile: str | None = None,
    *,
    env_file: str | Path | None = None,
    environ: Mapping[str, str] | None = None,
    start: Path | None = None,
) -> dict[str, str]:
    """Say which variables of a profile are set, and where, without judging them."""
    environment = from_environment(environ)
    del environ
    path, _ = find_file(env_file, start)
    found = {**from_file(path), **environment}
    prefix = _prefix(profile)
    return {prefix + name: found[prefix + name].where for name in _ARGUMENTS if prefix + name in found}


@clearing
def load(
    profile: str | None = None,
    *,
    env_file: str | Path | None = None,
    environ: Mapping[str, str] | None = None,
    start: Path | None = None,
    family: str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Loaded:
    """Find the credentials of a profile in the arguments, the environment and ``.env``, in this order.

    Parameters
    ----------
    profile
        Which workspace: ``"treasury"`` reads ``LEDGER_ENTERPRISE_TREASURY_*`` and nothing else.
    env_file
        The file to read, instead of the first ``.env`` upwards from the working directory.
    environ
        The environment, for tests.
    start
        The folder to search upwards from, instead of the working directory.
    family
        Which family to use where several are configured.
    overrides
        The arguments that ``connect()`` was given: base_url, workspace, api_key_id and so on.
    """
    arguments, environment = wrap_arguments(overrides or {}), from_environment(environ)
    del overrides, environ
    _refuse_unknown(arguments)
    prefix = _prefix(profile)
    path, folders = find_file(env_file, start)
    found = {**from_file(path), **environment}

    settings = {name: found[prefix + name] for name in _ARGUMENTS if prefix + name in found}
    given = {
        name: Setting(arguments[argument], _ARGUMENT)
        for name, argument in _ARGUMENTS.items()
        if argument in arguments and argument != "base_url"
    }
    chosen = _choose(family or arguments.get("family"), {**settings, **given}, given, prefix)
    if chosen is None:
        raise ConfigurationError(_nothing_found(profile, prefix, settings, found, path, folders))
    url_name = "LAM_URL" if chosen == "lam" else "API_URL"
    if "base_url" in arguments:
        given[url_name] = Setting(arguments["base_url"], _ARGUMENT)
    used = {
        name: setting
        for name, setting in {**settings, **given}.items()
        if name in (*_NEEDED[chosen], *_OWN[chosen], url_name)
    }
    _keep_stronger_key(used)
    for name, setting in used.items():
        if problem := _unusable(name, setting):
            raise ConfigurationError(f"{_placed(prefix, name, setting)} {problem}", field=name)
    if missing := [prefix + name for name in _NEEDED[chosen] if name not in used]:
        raise ConfigurationError(_partly_found(chosen, prefix, missing, used, found, path), missing=missing)
    base_url = DEFAULT_BASE_URL
    if url_name not in used:
        _refuse_misspelt_url(prefix, url_name, found)
    else:
        url = used[url_name]
        base_url = check_base_url(url.value, _placed(prefix, url_name, url))
        if base_url != DEFAULT_BASE_URL:
            _refuse_mixed_sources(prefix, url_name, used)
    return Loaded(
        credentials=_build(chosen, used, path),
        base_url=base_url,
        profile=profile,
        sources={prefix + name: setting.source for name, setting in used.items()},
    )


def _refuse_misspelt_url(prefix: str, url_name: str, found: Mapping[str, Setting]) -> None:
    """Refuse a name that was meant as the address: the secret of a tenant would go to the vendor's own host."""
    for name, setting in found.items():
        if name.startswith(prefix) and "URL" in name and not _KNOWN_NAME.fullmatch(name):
            raise ConfigurationError(
                f"{name} ({setting.where}) is not a name that is read: the address is {prefix}{url_name}. Without "
                f"it, the credentials would go to {DEFAULT_BASE_URL}.",
                field=name,
            )


def _prefix(profile: str | None) -> str:
    if profile is None:
        return PREFIX
    name = profile.strip().replace("-", "_").upper()
    if not re.fullmatch(r"[A-Z0-9_]+", name):
        raise ConfigurationError("A profile's name has letters, digits, dashes and underscores only", field="profile")
    return f"{PREFIX}{name}_"


def _refuse_unknown(arguments: Mapping[str, Any]) -> None:
    known = {*_ARGUMENTS.values(), "family"}
    for name in arguments:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(known))}"
            raise ConfigurationError(f"There is no argument {name}: {hint}", field=name, suggestions=close)


def _choose(
    family: str | None, settings: Mapping[str, Setting], given: Mapping[str, Setting], prefix: str
) -> Family | None:
    if family is not None:
        for one in _NEEDED:
            if one == family:
                return one
        raise ConfigurationError(f"There is no family of that name: there are {', '.join(_NEEDED)}", field="family")
    # A key that is passed as an argument chooses its family: nobody passes one to have another used.
    for names in (given, settings):
        meant = [one for one in _NEEDED if any(name in names for name in _OWN[one])]
        if len(meant) == 1:
            return meant[0]
        if meant:
            lists = "; ".join(
                f"{_LABELS[one]}: {_located(prefix, {n: names[n] for n in _OWN[one] if n in names})}" for one in meant
            )
            raise ConfigurationError(
                f"Several credential families are configured at once ({lists}). Say which one is meant, "
                f"as family={meant[0]!r}, or remove the other's variables",
                suggestions=meant,
            )
    return None


def _keep_stronger_key(used: dict[str, Setting]) -> None:
    """Where the private key is set twice, the argument hides the environment, and that hides the file."""
    key, file = used.get("API_PRIVATE_KEY"), used.get("PRIVATE_KEY_FILE")
    if key is None or file is None or key.source == file.source:
        return
    for source in (_ARGUMENT, ENVIRONMENT):
        if source in (key.source, file.source):
            del used["PRIVATE_KEY_FILE" if key.source == source else "API_PRIVATE_KEY"]
            return


def _unusable(name: str, setting: Setting) -> str | None:
    text = setting.value.reveal()
    if setting.source != _ARGUMENT:
        if re.search(r"\$\{[^}]*\}", text):
            return "refers to another variable with ${...}, and ledgerkit expands nothing: write the value itself"
        if _PLACEHOLDER.fullmatch(text):
            return "still holds the placeholder: write the real value, or remove the line"
    if name == "API_PRIVATE_KEY":
        if PREFIX in text:
            return "runs on into the next variable: a quote is left open"
        return None if text else "is empty or not a text"
    problem = unsendable(setting.value)
    if problem and setting.line and "\n" in text:
        problem += ": is a quote left open there?"
    return problem


def _refuse_mixed_sources(prefix: str, url_name: str, used: Mapping[str, Setting]) -> None:
    # A planted .env, or an argument in a shared notebook, would otherwise redirect real keys to any host.
    url = used[url_name]
    for name, setting in used.items():
        if name not in _NOT_SECRET and setting.source != url.source:
            raise ConfigurationError(
                f"{_named(prefix, url_name, url)} comes from {url.source}, but {_named(prefix, name, setting)} from "
                f"{setting.source}: a base URL never receives a secret from another source. Put both into the same "
                f"place, or leave out the URL that you did not mean"
            )


def _build(family: Family, used: Mapping[str, Setting], path: Path | None) -> Credentials:
    value = {name: setting.value for name, setting in used.items()}
    if family == "lam":
        return LAM(value["LAM_USER"], value.get("LAM_API_KEY"), value.get("LAM_STORE_TOKEN"))
    workspace = value["WORKSPACE"].reveal()
    if family == "reporting_key":
        return ReportingKey(workspace, value["REPORTING_API_KEY"])
    key_file = None
    if "PRIVATE_KEY_FILE" in used:
        key_file = Path(value["PRIVATE_KEY_FILE"].reveal()).expanduser()
        if path is not None and used["PRIVATE_KEY_FILE"].source == str(path):
            key_file = path.parent / key_file  # a relative name means the same from every notebook folder
    return ApiUser(
        workspace,
        value["API_KEY_ID"],
        value["API_KEY_SECRET"],
        private_key=value.get("API_PRIVATE_KEY"),
        private_key_file=key_file,
        gateway_key=value.get("GATEWAY_API_KEY"),
    )


def _named(prefix: str, name: str, setting: Setting) -> str:
    return f"the argument {_ARGUMENTS[name]}" if setting.source == _ARGUMENT else prefix + name


def _placed(prefix: str, name: str, setting: Setting) -> str:
    named = _named(prefix, name, setting)
    return named if setting.source == _ARGUMENT else f"{named} ({setting.where})"


def _located(prefix: str, settings: Mapping[str, Setting]) -> str:
    return ", ".join(_placed(prefix, name, setting) for name, setting in settings.items())


def _partly_found(
    family: Family,
    prefix: str,
    missing: list[str],
    used: Mapping[str, Setting],
    found: Mapping[str, Setting],
    path: Path | None,
) -> str:
    have = f"found {_located(prefix, used)}" if used else "nothing of it was found"
    where = f"the environment or in {path or 'a .env file'}"
    return (
        f"The {_LABELS[family]} is not complete: missing {', '.join(missing)} ({have}). "
        f"Set what is missing in {where}.{_near_misses(prefix, found)}"
    )


def _nothing_found(
    profile: str | None,
    prefix: str,
    settings: Mapping[str, Setting],
    found: Mapping[str, Setting],
    path: Path | None,
    folders: list[Path],
) -> str:
    wanted = "; or ".join(
        f"{', '.join(prefix + name for name in names)} ({_LABELS[family]})" for family, names in _NEEDED.items()
    )
    file = f"in {path}" if path else f"in a .env file (there is none in {', '.join(map(str, folders))})"
    have = f" Found only {_located(prefix, settings)}." if settings else ""
    profiles = {match["profile"] for name in found if (match := _KNOWN_NAME.fullmatch(name)) and match["profile"]}
    others = f" Profiles that are configured: {', '.join(sorted(profiles))}." if profiles else ""
    return (
        f"No credentials found for {f'the profile {profile}' if profile else 'the default profile'}. "
        f"Looked for {wanted}; in the environment and {file}.{have}{_near_misses(prefix, found)}{others} "
        f'Two ways on: fill in .env (see .env.example), or connect("sandbox") to work without credentials.'
    )


def _near_misses(prefix: str, found: Mapping[str, Setting]) -> str:
    expected = [prefix + name for name in _ARGUMENTS]
    hints = ""
    for name, setting in found.items():
        if not _KNOWN_NAME.fullmatch(name) and (close := difflib.get_close_matches(name.upper(), expected, 1, 0.7)):
            hints += f" {name} ({setting.where}) is not a name that is read: did you mean {close[0]}?"
    return hints
