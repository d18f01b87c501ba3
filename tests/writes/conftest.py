"""A session that may write, on a small sandbox whose chain is as fast as the calls."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from serving import Handler, page, signed_in

import ledgerkit as lk
from ledgerkit.clock import SystemClock
from ledgerkit.drafts import Draft
from ledgerkit.sandbox import Sandbox
from ledgerkit.session import _sandbox_credentials

BITCOIN_ACCOUNT = 1


class HurriedClock(SystemClock):
    """The clock of the machine, but that its waits are short: looks are repeated after milliseconds."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(min(seconds, 0.01))


def open_session(server: Sandbox, *, family: str = "api_user", **settings: Any) -> lk.Session:
    """Open a session on a sandbox that runs."""
    return lk.Session(_sandbox_credentials(server, family), base_url=server.url, writes=True, **settings)


def listed_address(session: lk.Session, currency: str, whitelist: int = 1) -> str:
    """Return an address of a currency that the whitelist holds."""
    addresses = session.whitelists.get(whitelist)["addresses"].iloc[0]
    return next(str(one["address"]) for one in addresses if one["currency"] == currency)


def unlisted(handler: Handler) -> Handler:
    """Sign in and list nothing: no whitelist and no account; all else is the handler's."""
    return signed_in(lambda seen: page([]) if seen.path in ("/whitelists", "/accounts") else handler(seen))


def submitted(session: lk.Session, amount: int | str, note: str) -> Draft:
    """Submit a payment of bitcoin, which waits for its approvals then."""
    draft: Draft = session.transactions.send(BITCOIN_ACCOUNT, listed_address(session, "bitcoin"), amount, note=note)
    draft.submit()
    return draft


@pytest.fixture
def start() -> Iterator[Callable[..., lk.Session]]:
    """Start a sandbox of one test's own, and a session on it that may write."""
    with ExitStack() as stack:

        def begin(*, family: str = "api_user", transactions: int = 250, **settings: Any) -> lk.Session:
            server = stack.enter_context(Sandbox(transactions=transactions, pace=0, **settings))
            return stack.enter_context(open_session(server, family=family, sandbox=server))

        yield begin


@pytest.fixture
def session(start: Callable[..., lk.Session]) -> lk.Session:
    """A session of the default operator."""
    return start()


@pytest.fixture
def recipient(session: lk.Session) -> str:
    """An address that the rules of the bitcoin account admit."""
    return listed_address(session, "bitcoin")


@pytest.fixture
def request_id(draft: Draft) -> int:
    """The request that a module's draft made."""
    assert draft.request_id is not None
    return draft.request_id
