"""A long read that the rate limit turns away waits as it does where the limit is announced, and can be stopped."""

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from serving import Act, LeapingClock, Reply, Seen, Server, in_turn, listing

import ledgerkit as lk
from ledgerkit import errors
from ledgerkit.clock import SystemClock
from ledgerkit.limits import among_many
from ledgerkit.watching import Watch, watched

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]

ROWS = [{"id": one, "created_on": "2026-01-01T00:00:00Z"} for one in range(1, 901)]


class TurningAway:
    """A list of 900 rows that turns calls for later pages away, so many times."""

    def __init__(self, times: int, wait: str, status: int = 420) -> None:
        self.rows = listing(ROWS)
        self.left = times
        self.wait = wait
        self.status = status
        self.refused = threading.Event()
        self._lock = threading.Lock()

    def __call__(self, seen: Seen) -> Act:
        with self._lock:
            if seen.query.get("page", ["1"]) != ["1"] and self.left > 0:
                self.left -= 1
                self.refused.set()
                return Reply(status=self.status, headers={"Retry-After": self.wait})
        return self.rows(seen)


@pytest.mark.parametrize("status", [420, 429])
def test_a_long_read_that_is_turned_away_for_minutes_waits_and_has_every_row(
    serve: Serve, connect_to: Connect, status: int
) -> None:
    # It failed with RateLimited where the wait was longer than retry_seconds.
    clock = LeapingClock()
    session = connect_to(serve(TurningAway(1, "600", status)), clock=clock, concurrency=1, retry_seconds=120)
    found = session.transactions.search()
    assert sorted(found["id"]) == [row["id"] for row in ROWS]
    assert 600 <= max(clock.waits) < 601


def test_many_threads_that_are_turned_away_wait_together_and_have_every_row(
    serve: Serve, connect_to: Connect
) -> None:
    turning = TurningAway(8, "0.4")
    found = connect_to(serve(turning), clock=SystemClock(), retry_seconds=0.2).transactions.search()
    assert sorted(found["id"]) == [row["id"] for row in ROWS]
    assert turning.left == 0


def test_calls_of_a_long_read_do_not_wait_a_quarter_of_an_hour_each(serve: Serve, connect_to: Connect) -> None:
    # Sixteen of them, one turned away after the other, would have waited for hours.
    server, clock = serve(in_turn(Reply(status=420, headers={"Retry-After": "400"}))), LeapingClock()
    session = connect_to(server, clock=clock, retry_seconds=120)
    for _ in range(16):
        with pytest.raises(lk.RateLimited):
            session._transport.request("GET", "/accounts/7", bulk=True)
    # What was announced before each call is waited for in line, as ever; being turned away is not, after the first.
    assert len(server.seen) == 3 + 15


def test_a_single_call_that_is_turned_away_for_minutes_says_so_at_once(serve: Serve, connect_to: Connect) -> None:
    server, clock = serve(in_turn(Reply(status=420, headers={"Retry-After": "600"}), Reply({}))), LeapingClock()
    with pytest.raises(lk.RateLimited) as caught:
        connect_to(server, clock=clock, retry_seconds=120).raw("GET", "/organization")
    assert caught.value.details["retry_after"] == 600
    assert clock.waits == []
    assert len(server.seen) == 1


def test_short_refusals_of_a_long_read_may_add_up_to_a_quarter_of_an_hour(serve: Serve, connect_to: Connect) -> None:
    clock = LeapingClock()
    session = connect_to(serve(TurningAway(40, "20")), clock=clock, concurrency=1, retry_seconds=60)
    assert len(session.transactions.search()) == 900
    assert 800 <= sum(clock.waits) < 1000


@pytest.mark.parametrize("wait", ["1", "300", "899", "900", "99999999"])
def test_a_service_that_turns_every_call_away_is_asked_no_longer_than_that(
    serve: Serve, connect_to: Connect, wait: str
) -> None:
    server, clock = serve(TurningAway(10**6, wait)), LeapingClock()
    began = clock.monotonic()
    session = connect_to(server, clock=clock, concurrency=1, retry_seconds=120)
    with pytest.raises(lk.RateLimited):
        session.transactions.search()
    assert clock.monotonic() - began <= 900 + 120


def test_a_wait_that_is_too_long_to_be_believed_is_tried_after_a_quarter_of_an_hour(
    serve: Serve, connect_to: Connect
) -> None:
    clock = LeapingClock()
    session = connect_to(serve(TurningAway(1, "99999999")), clock=clock, concurrency=1)
    assert len(session.transactions.search()) == 900
    assert 900 <= sum(clock.waits) < 901


def test_a_write_among_many_calls_is_not_held_back_for_minutes(serve: Serve, connect_to: Connect) -> None:
    server, clock = serve(in_turn(Reply(status=420, headers={"Retry-After": "600"}), Reply({}))), LeapingClock()
    session = connect_to(server, lk.LAM("robot"), clock=clock, writes=True, retry_seconds=120)
    token = among_many.set(True)
    try:
        with pytest.raises(lk.RateLimited):
            session.raw("POST", "/transactions", json={})
    finally:
        among_many.reset(token)
    assert clock.waits == []


def test_who_says_how_long_a_call_may_take_means_it(serve: Serve, connect_to: Connect) -> None:
    server, clock = serve(in_turn(Reply(status=420, headers={"Retry-After": "600"}), Reply({}))), LeapingClock()
    session = connect_to(server, clock=clock)
    with pytest.raises(lk.RateLimited):
        session._transport.request("GET", "/accounts/7", bulk=True, seconds=15)
    assert clock.waits == []


# --- and can be stopped ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no thread can be interrupted here")
def test_an_interrupt_ends_the_wait_of_a_long_read_at_once(serve: Serve, connect_to: Connect) -> None:
    turning = TurningAway(10**6, "600")
    session = connect_to(serve(turning), clock=SystemClock())
    here = threading.get_ident()

    def press() -> None:
        turning.refused.wait(10)
        signal.pthread_kill(here, signal.SIGINT)

    presses = threading.Thread(target=press)
    presses.start()
    with pytest.raises(KeyboardInterrupt):
        session.transactions.search()
    presses.join()


def test_cancel_of_a_form_ends_the_wait_of_a_long_read_at_once(serve: Serve, connect_to: Connect) -> None:
    turning, watch = TurningAway(10**6, "600"), Watch()
    session = connect_to(serve(turning), clock=SystemClock())
    ended: list[BaseException] = []

    def read() -> None:
        with watched(watch):
            try:
                session.transactions.search()
            except BaseException as error:  # noqa: BLE001 - what it ends with is what is tested
                ended.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    assert turning.refused.wait(10)
    watch.cancel.set()
    thread.join(5)
    assert not thread.is_alive()
    assert [type(one) for one in ended] == [errors.Cancelled]


@pytest.mark.parametrize("calls", ["many", "one"])
def test_the_end_of_a_session_ends_the_wait_of_a_long_read(serve: Serve, connect_to: Connect, calls: str) -> None:
    # A thread that was turned away slept on for as long as it was told to.
    turning = TurningAway(10**6, "600")
    session = connect_to(serve(turning), clock=SystemClock())
    ended: list[BaseException] = []

    def read() -> None:
        try:
            if calls == "many":
                session.transactions.search()
            else:
                session._transport.request("GET", "/transactions", params={"page": "2"}, bulk=True)
        except BaseException as error:  # noqa: BLE001 - what it ends with is what is tested
            ended.append(error)

    before = set(threading.enumerate())
    thread = threading.Thread(target=read)
    thread.start()
    assert turning.refused.wait(10)
    while session._transport.limiter._blocked_until < 0:  # until the refusal was read, too
        time.sleep(0.01)
    session.close()
    thread.join(5)
    assert not thread.is_alive()
    assert [type(one) for one in ended] == [lk.SessionClosed]
    for left in set(threading.enumerate()) - before:
        if left.name == "ledgerkit-read":
            left.join(5)
            assert not left.is_alive()


# --- a service that is away -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [502, 503, 504])
@pytest.mark.parametrize("settings", [{}, {"retry_seconds": 30}])
def test_a_service_that_stays_away_is_asked_for_two_minutes_at_most(
    serve: Serve, connect_to: Connect, status: int, settings: dict[str, Any]
) -> None:
    server, clock = serve(in_turn(Reply(status=status))), LeapingClock()
    session = connect_to(server, clock=clock, **settings)
    session._transport._jitter = lambda: 1.0
    with pytest.raises(lk.ServerError):
        session.raw("GET", "/organization")
    longest = settings.get("retry_seconds", 120)
    assert longest - 20 <= sum(clock.waits) <= longest
    assert 5 <= len(server.seen) <= 12
