"""The garbage collector is paused while many answers are read, and left as it was found."""

import gc
import threading
import weakref
from collections.abc import Callable, Iterator

import pytest
from clocks import FakeClock
from serving import Reply, Server, in_turn, page, signed_in

import ledgerkit as lk
from ledgerkit import garbage
from ledgerkit.errors import InvalidRequest
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


def test_it_is_paused_while_the_calls_of_a_read_run_and_goes_on_after() -> None:
    seen = gather([lambda cancel: gc.isenabled()] * 3, workers=2, progress=Progress("test"))
    assert seen == [False] * 3
    assert gc.isenabled()


def test_it_goes_on_after_a_read_that_fails() -> None:
    def fail(cancel: threading.Event) -> None:
        raise InvalidRequest("no")

    with pytest.raises(InvalidRequest):
        gather([fail], workers=1, progress=Progress("test"))
    assert gc.isenabled()


def test_it_stays_off_where_it_was_off() -> None:
    gc.disable()
    with garbage.paused() as tidy:
        tidy()
    assert not gc.isenabled()


def test_of_several_reads_the_last_one_switches_it_on_again() -> None:
    with garbage.paused():
        with garbage.paused():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_becomes_garbage_during_a_long_read_is_taken_away_now_and_then() -> None:
    clock = FakeClock()
    with garbage.paused(clock.monotonic) as tidy:
        gone = weakref.ref(Knot())
        tidy()
        assert gone() is not None
        clock.advance(garbage.SECONDS_UNTIDY + 1)
        tidy()
        assert gone() is None


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
