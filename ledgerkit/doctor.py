"""What is set up and whether it works, as lines that may be pasted into a report.

They name the settings that are found and where, the address of the service without a path, the organization, and the
user who is signed in; never a secret. ``ledgerkit doctor`` prints them, and the connection panel shows them.
"""

import os
import platform
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from ledgerkit import __version__, credentials, surroundings, tracked, trust
from ledgerkit.connection import Connection
from ledgerkit.envfile import find_file
from ledgerkit.errors import AuthenticationError, ConfigurationError, ConnectionFailed, LedgerError
from ledgerkit.hosts import is_loopback
from ledgerkit.operations import FAMILIES
from ledgerkit.operator import Operator
from ledgerkit.resources.users import Users
from ledgerkit.session import Session, connect
from ledgerkit.showing import visible
from ledgerkit.watching import Watch, watched

Level = Literal["ok", "warning", "problem"]

# A server tells whole seconds, and its answer travels for a while: less than this is no difference.
SECONDS_OF_SKEW: Final = 5.0
NEEDED: Final = ("httpx", "msgspec", "pandas", "ipywidgets", "anywidget")
# What each extra of the distribution is for, and what it brings.
EXTRAS: Final = {
    "lab": ("the lab and charts", ("jupyterlab", "altair", "vl-convert-python", "openpyxl", "voila")),
    "signing": ("approving", ("joserfc", "cryptography")),
    "sandbox": ("the embedded sandbox", ("starlette", "uvicorn", "joserfc", "cryptography")),
    "archive": ("archives", ("pyarrow", "duckdb", "filelock")),
}
RIGHTS: Final = {
    "api_user": "an API user reads what its role may see, makes requests, and approves with its private key",
    "reporting_key": "a reporting key reads, perhaps some entities' accounts alone; it makes and approves nothing",
    "lam": "a LAM reads, makes and approves as it is set up",
}
# Of files, in one line.
MOST_NAMED: Final = 5
# Whoever looks at what is wrong waits for it.
RETRY_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Parameters
    ----------
    name
        What was looked at, such as ``"token"``.
    level
        ``"ok"``, ``"warning"`` or ``"problem"``: nothing works until that is mended.
    text
        What was found, and where something is amiss, the way out.
    """

    name: str
    level: Level
    text: str

    def __str__(self) -> str:
        mark = "" if self.level == "ok" else f"{self.level.upper()}: "
        return f"{self.name}: {mark}{pasteable(self.text)}"


def pasteable(text: str) -> str:
    """Return a text on one line, in which nothing misleads, and the home folder, which names a person, is ``~``."""
    home = os.path.expanduser("~")  # noqa: PTH111  # Path.home() raises where there is none
    line = visible(" ".join(text.split()))
    return line.replace(home + os.sep, f"~{os.sep}") if len(home) > 1 else line


def diagnose(profile: str | None = None) -> list[Finding]:
    """Look at the settings of a profile, connect with them, and look at the connection.

    Parameters
    ----------
    profile
        Which; by default the one without a name. ``"sandbox"`` is the embedded sandbox.
    """
    return list(findings(profile))


def findings(profile: str | None = None) -> Iterator[Finding]:
    """Give what :func:`diagnose` returns, each as soon as it is found: a service that is away takes its time."""
    yield from installed()
    yield from in_git(Path.cwd())
    try:
        if profile == "sandbox":
            session = connect(profile)
        else:
            yield from _settings(profile)
            loaded = credentials.load(profile)
            yield from _key_file(loaded.credentials)
            with watched(Watch()):  # what a session warns about when it is opened is a finding of its own
                # Not signed in yet: that the service refuses the credentials is a finding beside others.
                session = Session(loaded.credentials, base_url=loaded.base_url, retry_seconds=RETRY_SECONDS)
    except LedgerError as error:
        yield Finding("settings", "problem", str(error))
        return
    with session:
        yield from _examined(session.organization._connection)


def examine(connection: Connection) -> list[Finding]:
    """Look at a connection: address, sign-in, clock, rights, user, private key and rate limit."""
    return list(_examined(connection))


def _examined(connection: Connection) -> Iterator[Finding]:
    yield _credentials(connection)
    yield from _proxy(connection.transport.base_url)
    reached = _reach(connection)
    yield from reached
    if all(one.level != "problem" for one in reached):
        if connection.operator is not None:
            yield _user(connection, connection.operator)
            yield _private_key(connection.operator)
        yield _rate_limit(connection)


def installed() -> list[Finding]:
    """Look at the kit, at Python and at the packages beside them."""
    found = [
        Finding("ledgerkit", "ok", f"{__version__}, Python {platform.python_version()} on {platform.system()}"),
        Finding("packages", "ok", ", ".join(f"{name} {_version(name)}" for name in NEEDED)),
    ]
    for extra, (purpose, names) in EXTRAS.items():
        missing = [name for name in names if _version(name) is None]
        have = ", ".join(f"{name} {_version(name)}" for name in names if name not in missing)
        way = f"without {', '.join(missing)}; for {purpose}: pip install 'ledgerkit-enterprise[{extra}]'"
        found.append(Finding(f"extra {extra}", "ok", "; ".join(filter(None, [have, way if missing else ""]))))
    return [*found, *_authorities()]


def _authorities() -> list[Finding]:
    """Say whose certificates are trusted, and what is amiss with the variables that choose them."""
    remarks = [one for one in surroundings.authorities() if one.level != "ok"]
    found = [Finding("TLS authorities", one.level, str(one)) for one in remarks]
    if any(one.level == "problem" for one in remarks):
        return found
    return [Finding("TLS authorities", "ok", trust.authorities()), *found]


def _proxy(url: str) -> list[Finding]:
    """Say whether calls go through a proxy; not through which, since its address may hold a password."""
    if is_loopback(urlsplit(url).hostname or ""):
        return [Finding("proxy", "ok", "none, for a server on this machine")]
    found = [Finding("proxy", one.level, str(one)) for one in surroundings.proxies(url)]
    if any(one.level != "warning" for one in found):
        return found
    return [Finding("proxy", "ok", "none is set for this address"), *found]


def in_git(folder: Path) -> list[Finding]:
    """Look at what git tracks in the repository of a folder: settings, and notebooks with outputs or widgets."""
    found = tracked.look(folder)
    if found is None:
        return []  # no repository: nothing is tracked
    if found.fault is not None:
        return [Finding("git", "warning", f"what git tracks here could not be looked at: {found.fault}")]
    findings = []
    if found.settings:
        findings.append(
            Finding(
                "git settings",
                "problem",
                f"git tracks {_some(found.settings)}, which may hold secrets: `git rm --cached` them, name them in "
                ".gitignore, and have every secret that was in them replaced, since the history keeps them",
            )
        )
    if found.keys:
        findings.append(
            Finding(
                "git keys",
                "problem",
                f"git tracks {_some(found.keys)}, which may hold private keys: `git rm --cached` them, name them in "
                ".gitignore, and have every key that was in them replaced, since the history keeps them",
            )
        )
    if found.filled or found.unread:
        what = (
            [f"{_some(found.filled)} with outputs or widgets, which hold names and amounts"] if found.filled else []
        )
        what += [f"{_some(found.unread)} that can't be read"] if found.unread else []
        way = "Clear their outputs before you commit (Edit, Clear Outputs of All Cells)"
        findings.append(Finding("git notebooks", "warning", f"git tracks {'; and '.join(what)}. {way}"))
    else:
        findings.append(Finding("git notebooks", "ok", f"git tracks {found.notebooks}, all without outputs"))
    return findings


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _settings(profile: str | None) -> list[Finding]:
    """Say which settings are there and where, and no value, and who else can read the file."""
    found = [Finding(name, "ok", f"set in {where}") for name, where in credentials.configured(profile).items()]
    path, _ = find_file()
    return found if path is None else [*found, *_by_path("settings file", path)]


def _key_file(given: credentials.Credentials) -> list[Finding]:
    """Say who else can read the file of the private key, and whether git keeps it, whatever its name."""
    path = given.private_key_file if isinstance(given, credentials.ApiUser) else None
    return [] if path is None else _by_path("private key file", path)


def _by_path(name: str, path: Path) -> list[Finding]:
    """Say what is seen of a file with secrets without the network: who can read it, and whether git keeps it."""
    return [*_by_mode(name, path), *_by_git(name, path)]


def _by_mode(name: str, path: Path) -> list[Finding]:
    try:
        mode = path.stat().st_mode if os.name == "posix" else 0
    except OSError:
        return []  # that it can't be read is told where it is read
    if not mode & (stat.S_IRWXG | stat.S_IRWXO):
        return []
    return [Finding(name, "warning", f"it is open to others than its owner: chmod 600 {path}")]


def _by_git(name: str, path: Path) -> list[Finding]:
    standing = tracked.standing(path)
    if standing == "tracked":
        text = (
            "git tracks it: `git rm --cached` it, name it in .gitignore, and have every secret in it replaced, since "
            "the history keeps it"
        )
        return [Finding(name, "problem", text)]
    if standing == "not ignored":
        return [
            Finding(name, "warning", "git does not ignore it, and `git add` would take it: name it in .gitignore")
        ]
    if standing == "not known":
        return [Finding(name, "warning", "whether git tracks it could not be looked at")]
    return []


def _credentials(connection: Connection) -> Finding:
    opened = "reads and writes" if connection.writes else "reads only"
    return Finding("rights", "ok", f"{RIGHTS[connection.family]}. This session {opened}")


def _reach(connection: Connection) -> list[Finding]:
    """Make one call, and say what it shows of the address, of the sign-in and of the clock."""
    url = urlsplit(connection.transport.base_url)
    address = f"{url.scheme}://{url.netloc.rpartition('@')[2]} ({connection.origin['environment']})"
    try:
        answer = connection.ask("GET /organization", "/organization")
    except ConnectionFailed as error:
        return [Finding("address", "problem", f"{address} can't be reached: {error}")]
    except AuthenticationError as error:
        return [Finding("address", "ok", f"{address} answers"), Finding("sign-in", "problem", str(error))]
    except LedgerError as error:
        return [Finding("service", "problem", f"{address}: {type(error).__name__}: {error}")]
    found = [
        Finding("address", "ok", f"{address} answers"),
        Finding("TLS", "ok", _tls(url.scheme)),
        _signed_in(connection),
    ]
    name = answer.body.get("name") if isinstance(answer.body, dict) else None
    found.append(Finding("service", "ok", f"The service answers for the organization {name!r}"))
    found.append(_clock(connection, answer.date))
    return found


def _tls(scheme: str) -> str:
    if scheme == "http":
        return "none, for a server on this machine"
    return f"the certificate of the address is valid for it, and signed by one of {trust.authorities()}"


def _signed_in(connection: Connection) -> Finding:
    if connection.operator is None:
        return Finding(
            "sign-in", "ok", f"{FAMILIES[connection.family]} sends its key with each call, and it is taken"
        )
    state = connection.operator._keeper.state()
    if state.problem:
        return Finding("token", "warning", f"{state.seconds_left:.0f} s left, but it is not renewed: {state.problem}")
    return Finding("token", "ok", f"the key was exchanged for a token, {state.seconds_left:.0f} s left")


def _clock(connection: Connection, date: float | None) -> Finding:
    if date is None:
        return Finding("clock", "ok", "the service does not tell its time")
    behind = date - connection.transport.clock.time()
    if abs(behind) <= SECONDS_OF_SKEW:
        return Finding("clock", "ok", "this machine and the service show the same time")
    way = "behind" if behind > 0 else "ahead of"
    return Finding(
        "clock",
        "warning",
        f"this machine is {abs(behind):.0f} s {way} the service: the kit goes by the service, but times that you "
        "type and times that you compare by hand do not. Set the clock of this machine",
    )


def _user(connection: Connection, operator: Operator) -> Finding:
    def look() -> str:
        row = operator.user(Users(connection).search).iloc[0]
        return f"{row['username']}, {row['role']}, {row['status']}"

    return _found("user", look, "warning")


def _private_key(operator: Operator) -> Finding:
    given = operator._credentials
    if given.private_key is None and given.private_key_file is None:
        return Finding(
            "private key",
            "warning",
            "none is set, so this session can't approve. To approve, set LEDGER_ENTERPRISE_PRIVATE_KEY_FILE, in a "
            "profile with its name after the second word",
        )

    def look() -> str:
        operator.check_key()
        if operator.claimed() is None:
            return "it can be read; the token names no public key to compare it with"
        return "it can be read, and is that of the user"

    return _found("private key", look, "problem")


def _found(name: str, look: Callable[[], str], otherwise: Level) -> Finding:
    """Make a finding of what a look gives, of what it warns about, or of why it can't be had."""
    with watched(Watch()) as watch:
        try:
            text = look()
        except ConfigurationError as error:
            return Finding(name, otherwise, str(error))
        except LedgerError as error:
            return Finding(name, "warning", f"{type(error).__name__}: {error}")
    if watch.warnings:
        return Finding(name, "warning", "; ".join([text, *watch.warnings]))
    return Finding(name, "ok", text)


def _rate_limit(connection: Connection) -> Finding:
    announced = connection.transport.limiter.announced
    if announced.remaining is None:
        return Finding("rate limit", "ok", "the service announces none")
    of = "" if announced.limit is None else f" of {announced.limit}"
    few = announced.limit is not None and announced.remaining * 10 < announced.limit
    return Finding("rate limit", "warning" if few else "ok", f"{announced.remaining}{of} calls left")
