"""One running sandbox per module, and clients that carry each kind of credentials."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from ledgerkit.sandbox import Sandbox

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


class HandClock:
    """A clock that moves when a test moves it."""

    def __init__(self) -> None:
        self.seconds = NOW.timestamp()

    def __call__(self) -> float:
        return self.seconds


def log_in(client: httpx.Client, sandbox: Sandbox, user: int = 0) -> dict[str, Any]:
    """Exchange the key of an API user, and let the client carry the token."""
    credential = sandbox.credentials.api_users[user]
    client.headers["X-Ledger-Workspace"] = sandbox.world.workspace
    answer = client.post(
        "/auth/token", json={"api_key_id": credential.key_id, "api_key_secret": credential.key_secret}
    )
    tokens: dict[str, Any] = answer.raise_for_status().json()
    client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    return tokens


def ids(client: httpx.Client, path: str, **parameters: Any) -> list[Any]:
    """Read every page of a listing and return the ids in order."""
    found: list[Any] = []
    page = 1
    while True:
        answer = client.get(path, params={"page_size": 100, **parameters, "page": page})
        body = answer.raise_for_status().json()
        found += [edge["node"]["id"] for edge in body["edges"]]
        if not body["page_info"]["has_next_page"]:
            assert body["page_info"]["count"] == len(found)
            return found
        page += 1


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(transactions=600, now=NOW) as running:
        yield running


@pytest.fixture(scope="module")
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    """An operator with view-all."""
    with httpx.Client(base_url=sandbox.url) as opened:
        log_in(opened, sandbox)
        yield opened


@pytest.fixture
def start() -> Iterator[Callable[..., tuple[Sandbox, httpx.Client]]]:
    """Start a sandbox of one test's own, small and on a clock that the test moves if it wants."""
    with ExitStack() as stack:

        def begin(*, transactions: int = 250, **settings: Any) -> tuple[Sandbox, httpx.Client]:
            running = stack.enter_context(Sandbox(transactions=transactions, now=NOW, **settings))
            return running, stack.enter_context(httpx.Client(base_url=running.url))

        yield begin
