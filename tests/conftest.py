"""What holds for every test: no network but loopback, no credentials and no proxy of this machine."""

import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from chaos.summary import pytest_terminal_summary  # noqa: F401 - pytest calls it when all processes are done
from hypothesis import HealthCheck, settings
from serving import Handler, LeapingClock, Server

import ledgerkit as lk

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Chromium asks its maker's hosts for news at every start; a test leaves loopback alone.
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
TRUST_VARIABLES = (
    "ssl_cert_file",
    "ssl_cert_dir",
    "requests_ca_bundle",
    "curl_ca_bundle",
    "pip_cert",
    "node_extra_ca_certs",
    "sslkeylogfile",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a command run more of what is drawn at random than the ordinary tests do."""
    parser.addoption("--seeds", type=int, default=None, help="how many seeds each random suite runs; few by default")
    parser.addoption("--first", type=int, default=0, help="the first of the seeds")
    parser.addoption("--examples", type=int, default=None, help="how many examples each property is tried with")
    parser.addoption("--minutes", type=float, default=60.0, help="how long a soak runs, where it was asked for")


def pytest_configure(config: pytest.Config) -> None:
    """Try properties with as many examples as a command asks for, and refuse to be green without having looked."""
    for option in ("--seeds", "--minutes"):
        asked = config.getoption(option)
        if asked is not None and not asked > 0:
            raise pytest.UsageError(f"{option} {asked}: nothing would be looked at, and all be green")
    # A shell lets what it starts in the background ignore interrupts: tests that interrupt would wait for ever.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # How long an example takes says something of the machine and what else it does, and nothing of the kit.
    unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
    # A run of all tests tries the same examples each time, so that what fails it is a change; whoever asks for a
    # number of them looks for others.
    examples = config.getoption("--examples")
    settings.register_profile(
        "unhurried", unhurried, max_examples=examples or unhurried.max_examples, derandomize=examples is None
    )
    settings.load_profile("unhurried")


def _is_local(host: Any) -> bool:
    if host in (None, "", b"", "localhost"):
        return True
    try:
        address = ip_address(host.decode() if isinstance(host, bytes) else host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _refuse(host: Any) -> None:
    # Not an OSError: the code under test would take it for a connection fault, and go on.
    pytest.fail(f"a test tried to reach {host!r}: tests use loopback addresses only")


@pytest.fixture(scope="session", autouse=True)
def only_loopback() -> Iterator[None]:
    """Fail whatever looks up a name or connects to an address that is not of this machine."""

    def guarded(original: Callable[..., Any], position: int) -> Callable[..., Any]:
        def call(self: socket.socket, *args: Any) -> Any:
            address = args[position]
            if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_local(address[0]):
                _refuse(address[0])
            return original(self, *args)

        return call

    def lookup(host: Any, *args: Any, **options: Any) -> Any:
        if not _is_local(host):
            _refuse(host)
        return getaddrinfo(host, *args, **options)

    getaddrinfo = socket.getaddrinfo
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded(socket.socket.connect, 0))
        patch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex, 0))
        patch.setattr(socket.socket, "sendto", guarded(socket.socket.sendto, -1))
        patch.setattr(socket, "getaddrinfo", lookup)
        yield


@pytest.fixture(scope="session", autouse=True)
def plain_environment() -> Iterator[None]:
    """Take away what a machine that is set up for the kit, or sits behind a proxy, would add to a test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.upper().startswith("LEDGER_ENTERPRISE_") or name.lower() in PROXY_VARIABLES + TRUST_VARIABLES:
                patch.delenv(name)
        yield


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start servers that end with the test: ``serve(handler).url``."""
    with ExitStack() as stack:

        def start(handler: Handler, **settings: Any) -> Server:
            return stack.enter_context(Server(handler, **settings))

        yield start


@pytest.fixture
def connect_to() -> Iterator[Callable[..., lk.Session]]:
    """Open sessions on a server that end with the test, signed in with a reporting key unless told otherwise."""
    with ExitStack() as stack:

        def connect(server: Server, credentials: Any = None, *, prefix: str = "", **settings: Any) -> lk.Session:
            settings.setdefault("clock", LeapingClock())
            credentials = credentials or lk.ReportingKey("acme", "canary-reporting-key")
            return stack.enter_context(lk.Session(credentials, base_url=server.url + prefix, **settings))

        yield connect


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str | bytes], Path]:
    """Write a ``.env`` and return its path."""

    def write(content: str | bytes) -> Path:
        path = tmp_path / ".env"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Start Chromium for a module: while it runs, nothing else in this thread can start a loop of its own."""
    if CHROMIUM is None:
        pytest.skip("no chromium in PATH: the browser tests need one")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()
