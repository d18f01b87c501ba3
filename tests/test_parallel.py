"""Many calls at once: results belong to their calls, a failure ends them all, and no thread stays."""

import random
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from serving import Act, LeapingClock, Reply, Seen, Server

import ledgerkit as lk
from ledgerkit import parallel, watching
from ledgerkit.parallel import Progress, gather
from ledgerkit.transport import Transport

Call = Callable[[threading.Event], Any]


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    yield
    for thread in readers():
        thread.join(10)
    assert readers() == []


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "ledgerkit-read"]


def run(calls: list[Call], workers: int = 4) -> list[Any]:
    return gather(calls, workers=workers, progress=Progress("test"))


@pytest.mark.parametrize("workers", [1, 3, 50])
def test_results_come_in_the_order_of_the_calls(workers: int) -> None:
    calls: list[Call] = [lambda cancel, number=number: number**2 for number in range(12)]  # type: ignore[misc]  # bound as a default
    assert run(calls, workers) == [number**2 for number in range(12)]


def test_results_come_in_the_order_of_the_calls_also_where_the_last_ends_first() -> None:
    ends = [threading.Event() for _ in range(12)]
    ended: list[int] = []

    def call(number: int, cancel: threading.Event) -> int:
        if number < 11:
            assert ends[number + 1].wait(10)
        ended.append(number)
        ends[number].set()
        return number**2

    assert run([partial(call, number) for number in range(12)], workers=12) == [number**2 for number in range(12)]
    assert ended == list(range(11, -1, -1))


def test_nothing_to_do_is_nothing() -> None:
    assert run([]) == []


def test_no_more_calls_run_at_once_than_there_are_workers() -> None:
    running, most = Counter[str](), 0
    lock, full = threading.Lock(), threading.Barrier(3, timeout=10)

    def call(cancel: threading.Event) -> None:
        nonlocal most
        with lock:
            running["now"] += 1
            most = max(most, running["now"])
        full.wait()  # passes only where three run at once
        with lock:
            running["now"] -= 1

    run([call] * 9, workers=3)
    assert most == 3


def test_the_first_failure_cancels_those_that_wait_and_those_that_have_not_started() -> None:
    started: list[int] = []
    waiting, gave_up = threading.Event(), threading.Event()

    def waits(cancel: threading.Event) -> None:
        started.append(0)
        waiting.set()
        if cancel.wait(10):
            gave_up.set()

    def fails(cancel: threading.Event) -> None:
        started.append(1)
        assert waiting.wait(10)
        raise lk.NotFound("no such account")

    def never(cancel: threading.Event) -> None:
        started.append(2)
        assert cancel.wait(10), "it started after the failure, and was not told"

    with pytest.raises(lk.NotFound, match="no such account"):
        run([waits, fails, *[never] * 20], workers=2)
    assert gave_up.wait(10)
    for thread in readers():
        thread.join(10)
    assert started == [0, 1]


def test_an_interrupt_of_the_caller_cancels_everything() -> None:
    gave_up = threading.Event()

    def waits(cancel: threading.Event) -> None:
        if cancel.wait(10):
            gave_up.set()

    def presses(cancel: threading.Event) -> None:
        signal.raise_signal(signal.SIGINT)  # what the stop button of a notebook sends; it reaches the main thread
        cancel.wait(10)

    with pytest.raises(KeyboardInterrupt):
        run([waits, presses], workers=2)
    assert gave_up.wait(10)


def test_a_call_that_hangs_does_not_hold_up_the_failure() -> None:
    release = threading.Event()
    hanging = threading.Event()

    def hangs(cancel: threading.Event) -> None:
        hanging.set()
        release.wait(10)

    def fails(cancel: threading.Event) -> None:
        assert hanging.wait(10)
        raise lk.ServerError("down")

    with pytest.raises(lk.ServerError):
        run([hangs, fails], workers=2)
    assert all(thread.daemon for thread in readers())
    assert len(readers()) == 1
    release.set()


@pytest.mark.parametrize("startable", [0, 2])
def test_where_threads_run_out_the_calls_are_made_all_the_same(
    monkeypatch: pytest.MonkeyPatch, startable: int
) -> None:
    start, left = threading.Thread.start, [None] * startable

    def scarce(self: threading.Thread) -> None:
        if not left:
            raise RuntimeError("can't start new thread")
        left.pop()
        start(self)

    monkeypatch.setattr(threading.Thread, "start", scarce)
    assert run([lambda cancel, number=number: number for number in range(10)], workers=4) == list(range(10))  # type: ignore[misc]  # bound as a default


def test_without_any_thread_the_first_failure_ends_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    def fails(cancel: threading.Event) -> None:
        raise lk.NotFound("no such account")

    made: list[int] = []
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(lk.NotFound):
        run([fails, lambda cancel: made.append(1)])
    assert made == []


# The bar


class Bar:
    def __init__(self, **options: Any) -> None:
        self.options, self.total, self.done, self.closed = options, options["total"], 0, False

    def refresh(self) -> None: ...

    def update(self) -> None:
        self.done += 1

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> list[Bar]:
    """Pretend to be in a notebook; the bars that were made."""
    made: list[Bar] = []

    def tqdm(**options: Any) -> Bar:
        made.append(Bar(**options))
        return made[-1]

    monkeypatch.setitem(sys.modules, "tqdm.notebook", SimpleNamespace(tqdm=tqdm))
    monkeypatch.setattr(parallel, "in_notebook", lambda: True)
    return made


def test_the_bar_advances_with_each_call_and_goes_away(bars: list[Bar]) -> None:
    progress = Progress("GET /accounts")
    gather([lambda cancel: None] * 5, workers=2, progress=progress)
    gather([lambda cancel: None] * 3, workers=2, progress=progress)
    progress.close()

    (bar,) = bars
    assert (bar.total, bar.done, bar.closed) == (8, 8, True)
    assert bar.options["desc"] == "GET /accounts"
    assert bar.options["leave"] is False


def test_a_single_call_shows_no_bar(bars: list[Bar]) -> None:
    gather([lambda cancel: None], workers=2, progress=Progress("GET /accounts/7"))
    assert bars == []


def test_outside_of_a_notebook_there_is_no_bar() -> None:
    progress = Progress("GET /accounts")
    gather([lambda cancel: None] * 5, workers=2, progress=progress)
    progress.close()
    assert progress._bar is None


# Answers belong to the ids that were asked for, also where some had to be asked twice


@settings(max_examples=15)
@given(number=st.integers(1, 40), faults=st.integers(0, 60), seed=st.integers(0, 10**6))
def test_answers_stay_with_their_ids_when_some_fail_first(number: int, faults: int, seed: int) -> None:
    chosen = random.Random(seed)
    ids = chosen.sample(range(1, 1000), number)
    failing = Counter(chosen.choices(ids, k=faults))
    lock = threading.Lock()

    def handle(seen: Seen) -> Act:
        id_ = int(seen.path.split("/")[2])
        with lock:
            if failing[id_] > 0:
                failing[id_] -= 1
                return Reply({"message": "try again"}, status=chosen.choice([502, 503, 504]))
        if id_ % 7 == 0:
            return Reply({"message": f"no account {id_}"}, status=404)
        return Reply({"id": id_, "name": f"account {id_}"})

    with Server(handle) as server, session_on(server) as session:
        frame = session.accounts.get(ids)

    assert list(frame["id"]) == ids
    for id_, name, error in zip(frame["id"], frame["name"], frame["error"], strict=True):
        if id_ % 7 == 0:
            assert f"no account {id_} " in error
        else:
            assert name == f"account {id_}"


@settings(max_examples=15)
@given(pages=st.integers(1, 12), faults=st.integers(0, 25), seed=st.integers(0, 10**6))
def test_pages_stay_in_their_places_when_some_fail_first(pages: int, faults: int, seed: int) -> None:
    chosen = random.Random(seed)
    rows = pages * 10 - chosen.randrange(10)
    failing = Counter(chosen.choices(range(1, pages + 1), k=faults))
    lock = threading.Lock()

    def handle(seen: Seen) -> Act:
        page = int(seen.query["page"][0])
        with lock:
            if failing[page] > 0:
                failing[page] -= 1
                return Reply(status=503)
        newest = rows - (page - 1) * 10
        nodes = [{"id": id_, "created_on": "2026-01-31T00:00:00Z"} for id_ in range(newest, max(newest - 10, 0), -1)]
        edges = [{"cursor": position, "node": node} for position, node in enumerate(nodes)]
        date = {"Date": "Sat, 31 Jan 2026 12:00:00 GMT"}
        return Reply({"edges": edges, "page_info": {"count": rows, "has_next_page": page < pages}}, headers=date)

    with Server(handle) as server, session_on(server) as session:
        frame = session.transactions.search()

    assert list(frame["id"]) == list(range(rows, 0, -1))
    assert frame.attrs["sweeps"] == 1


def session_on(server: Server) -> lk.Session:
    key = lk.ReportingKey("acme", "canary-reporting-key")
    # Time goes on only while somebody waits, but eight threads that wait add up: no budget ends here.
    return lk.Session(key, base_url=server.url, clock=LeapingClock(), retry_seconds=100_000)


def test_a_failure_that_stays_ends_the_read_with_its_own_error(serve: Callable[..., Server]) -> None:
    def handle(seen: Seen) -> Act:
        return Reply({"message": "down"}, status=503) if seen.path.endswith("/13") else Reply({"id": 1})

    server = serve(handle)
    transport = Transport(server.url, clock=LeapingClock(), retry_seconds=30)

    def ask(number: int, cancel: threading.Event) -> Any:
        return transport.request("GET", f"/accounts/{number}", cancel=cancel).body

    with pytest.raises(lk.ServerError, match="GET /accounts/13"):
        run([partial(ask, number) for number in range(40)], workers=8)
    transport.close()


def test_who_listens_to_warnings_hears_those_of_the_threads_too() -> None:
    def call(number: int) -> Callable[[threading.Event], int]:
        def run(cancel: threading.Event) -> int:
            watching.hear(f"warning of {number}")
            return number

        return run

    with watching.heard() as messages:
        assert gather([call(one) for one in range(5)], workers=3, progress=Progress("calls")) == [0, 1, 2, 3, 4]
    assert sorted(messages) == [f"warning of {one}" for one in range(5)]
