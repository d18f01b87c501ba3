"""The garbage collector is paused while many answers are read, and left as it was found."""

import contextlib
import gc
import os
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from clocks import FakeClock
from serving import Reply, Server, in_turn, listing, page, signed_in

import ledgerkit as lk
from ledgerkit import garbage
from ledgerkit.frames import Leaves, Table
from ledgerkit.parallel import Progress, gather


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    was = gc.isenabled()
    gc.enable()
    yield
    (gc.enable if was else gc.disable)()


class Knot:
    """An object that only the collector can take away."""

    def __init__(self) -> None:
        self.itself = self


def test_it_is_paused_while_the_pages_of_a_list_are_read_and_goes_on_after(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    leaves = Table.leaves

    def watched(self: Table, nodes: Sequence[Any], call: str = "") -> Leaves:
        seen.append(gc.isenabled())
        return leaves(self, nodes, call)

    monkeypatch.setattr(Table, "leaves", watched)
    session = connect_to(serve(signed_in(listing([{"id": number, "name": "cold"} for number in range(250)]))))
    assert len(session.accounts.search()) == 250
    assert len(seen) >= 3
    assert not any(seen)
    assert gc.isenabled()


def test_other_work_of_many_threads_does_not_pause_it() -> None:
    seen = gather([lambda cancel: gc.isenabled()] * 3, workers=2, progress=Progress("test"))
    assert seen == [True] * 3


def test_it_goes_on_after_a_read_that_fails(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session]
) -> None:
    session = connect_to(serve(signed_in(in_turn(Reply({"message": "no"}, status=403)))))
    with pytest.raises(lk.PermissionDenied):
        session.accounts.search()
    assert gc.isenabled()


def test_it_stays_off_where_it_was_off() -> None:
    gc.disable()
    with garbage.paused():
        assert not gc.isenabled()
    assert not gc.isenabled()


def test_of_several_reads_the_last_one_switches_it_on_again() -> None:
    with garbage.paused():
        with garbage.paused():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    clock = FakeClock()
    monkeypatch.setattr(garbage, "_stopwatch", clock.monotonic)
    return clock


def test_what_becomes_garbage_during_a_long_read_is_taken_away_now_and_then(clock: FakeClock) -> None:
    with garbage.paused():
        gone = weakref.ref(Knot())
        garbage.tidy()
        assert gone() is not None
        clock.advance(garbage.SECONDS_UNTIDY)
        garbage.tidy()
        assert gone() is None


def test_garbage_of_other_threads_that_was_kept_for_long_is_taken_away_too(clock: FakeClock) -> None:
    old: list[Knot] = []
    with garbage.paused():
        old.append(Knot())
        gone = weakref.ref(old[0])
        for _ in range(3):  # it survives, and is walked no more
            clock.advance(garbage.SECONDS_UNTIDY)
            garbage.tidy()
        old.clear()
        for _ in range(8):
            clock.advance(garbage.SECONDS_UNTIDY)
            garbage.tidy()
        assert gone() is not None
        clock.advance(garbage.SECONDS_UNTIDY)
        garbage.tidy()
        assert gone() is None


def test_reads_that_overlap_for_hours_are_tidied_by_any_of_them(clock: FakeClock) -> None:
    with contextlib.ExitStack() as first:
        first.enter_context(garbage.paused())
        for _ in range(5):
            second = contextlib.ExitStack()
            second.enter_context(garbage.paused())
            gone = weakref.ref(Knot())
            first.close()
            clock.advance(garbage.SECONDS_UNTIDY)
            garbage.tidy()
            assert gone() is None
            first = second
        first.close()
    assert gc.isenabled()


def test_without_a_pause_and_where_it_was_off_nothing_is_collected(clock: FakeClock) -> None:
    gc.disable()
    gone = weakref.ref(Knot())
    clock.advance(1000)
    garbage.tidy()
    with garbage.paused():
        clock.advance(1000)
        garbage.tidy()
    assert gone() is not None


def test_gather_tidies_while_it_waits(clock: FakeClock) -> None:
    with garbage.paused():
        gone = weakref.ref(Knot())
        clock.advance(garbage.SECONDS_UNTIDY)
        gather([lambda cancel: None], workers=1, progress=Progress("test"))
        assert gone() is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes are forked here")
def test_a_process_that_is_forked_during_a_read_collects_again_and_can_read() -> None:
    program = """
import gc, os, threading
from ledgerkit import garbage

reading, go_on = threading.Event(), threading.Event()

def read():
    with garbage.paused():
        reading.set()
        go_on.wait(10)

threading.Thread(target=read).start()
reading.wait(10)
with garbage.paused():
    child = os.fork()
    if not child:
        fine = gc.isenabled()
if not child:
    fine = fine and gc.isenabled()
    with garbage.paused():
        fine = fine and not gc.isenabled()
    os._exit(0 if fine and gc.isenabled() else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert not gc.isenabled()
go_on.set()
"""
    done = subprocess.run(  # noqa: S603 - this interpreter and the text above
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes are forked here")
def test_the_lock_is_free_in_a_process_that_is_forked_while_another_thread_holds_it() -> None:
    program = """
import os, threading, time
from ledgerkit import garbage

stop = threading.Event()

def read():
    while not stop.is_set():
        with garbage.paused():
            pass

for _ in range(3):
    threading.Thread(target=read, daemon=True).start()
for _ in range(60):
    child = os.fork()
    if not child:
        free = garbage._lock.acquire(timeout=5)
        os._exit(0 if free else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
stop.set()
"""
    done = subprocess.run(  # noqa: S603 - this interpreter and the text above
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_call_leaves_nothing_that_only_the_collector_finds(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session]
) -> None:
    session = connect_to(serve(in_turn(*[Reply({"name": "Acme"})] * 9)))
    session.raw("GET", "/organization")
    gc.collect()
    gc.disable()
    for _ in range(5):
        session.raw("GET", "/organization")
    assert gc.collect() == 0


def test_the_rows_of_a_read_are_gone_when_its_frame_is(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session]
) -> None:
    session = connect_to(serve(signed_in(in_turn(page([{"id": 1, "name": "cold"}])))))
    session.accounts.search()
    gc.collect()
    gc.disable()
    frame = weakref.ref(session.accounts.search())
    assert frame() is None
