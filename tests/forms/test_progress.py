"""Following a request: looks that become rarer, a change that is seen, an end that stops them."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from writes.conftest import BITCOIN_ACCOUNT, HurriedClock, listed_address, open_session

import ledgerkit as lk
from ledgerkit.forms.progress import Progress
from ledgerkit.forms.workspace import Workspace
from ledgerkit.sandbox import Sandbox


class WatchedClock(HurriedClock):
    """A clock in a hurry that remembers how long it was asked to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.waits.append(seconds)
        return super().wait(event, seconds)


@pytest.fixture(scope="module")
def clock() -> WatchedClock:
    return WatchedClock()


@pytest.fixture(scope="module")
def session(clock: WatchedClock) -> Iterator[lk.Session]:
    with Sandbox(transactions=5, pace=0) as server, open_session(server, sandbox=server, clock=clock) as one:
        yield one


@pytest.fixture
def request_id(session: lk.Session) -> int:
    draft = session.transactions.send(BITCOIN_ACCOUNT, listed_address(session, "bitcoin"), "0.5 BTC", again=True)
    made: int = draft.submit(again=True)["id"].iloc[0]
    return int(made)


@pytest.fixture
def progress(session: lk.Session, request_id: int, clock: WatchedClock) -> Iterator[Progress]:
    clock.waits.clear()
    made = Progress(Workspace(session.accounts._connection), request_id)
    yield made
    made.close()


def look(progress: Progress) -> None:
    """Take what one look brings."""
    progress.work._take(*progress.work._done.get(timeout=10))


def test_looks_become_rarer_while_nothing_changes(progress: Progress, clock: WatchedClock) -> None:
    for _ in range(14):
        look(progress)
    waits = [one for one in clock.waits if 0 < one < 60]  # whoever keeps the token fresh waits longer
    assert waits[:2] == [3.0, pytest.approx(3.9)]
    assert waits == sorted(waits)
    assert max(waits) == 30.0
    assert "Pending approval" in progress.shown.value
    assert "Step 1: 0 of 1" in progress.shown.value


def test_it_ends_with_the_request(session: lk.Session, progress: Progress, request_id: int) -> None:
    look(progress)
    session.requests.reject(request_id, confirm=f"reject {request_id} assumed")
    progress.wait()
    assert (progress.state, progress.status) == ("done", "REJECTED")
    assert not progress.work.running
    assert progress.stop.disabled


def test_a_look_that_fails_is_told_and_may_be_followed_again(session: lk.Session, progress: Progress) -> None:
    look(progress)
    assert session.sandbox is not None
    session.sandbox.faults.status(403, path="/requests/*", method="GET")
    progress.wait()
    session.sandbox.faults.clear()
    assert (progress.state, progress.message_kind) == ("failed", "error")
    assert progress.stop.disabled
    progress.again.click()
    look(progress)
    assert progress.state == "running"
    progress.stop.click()
    assert progress.state == "stopped"
    assert "is not followed any more" in progress.message


def test_a_closed_one_looks_no_more(progress: Progress, session: lk.Session) -> None:
    look(progress)
    progress.close()
    assert not progress.work.running


def test_what_the_service_says_is_no_html(session: lk.Session, progress: Progress) -> None:
    seen: Any = ("<b>ODD</b>", ("<i>step</i>",))
    progress.work.stop()
    progress._seen(seen)
    assert "<b>" not in progress.shown.value
    assert "<i>" not in progress.shown.value
