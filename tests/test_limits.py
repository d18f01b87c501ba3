"""The rate limit: all threads wait together, and a long read leaves half of what remains to others."""

import contextlib
import email.utils
import heapq
import math
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from serving import HandClock, LeapingClock, Reply, Seen, Server, in_turn, listing

import ledgerkit as lk
from ledgerkit import transport
from ledgerkit.announcements import RateLimit, seconds_to_wait
from ledgerkit.clock import SystemClock
from ledgerkit.limits import Limiter, among_many
from ledgerkit.parallel import Progress, ask_all
from ledgerkit.transport import LOOK_EVERY, PATIENCE

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5),
        ("0", 0),
        ("0.5", 0.5),
        (" 7 ", 7),
        (f"{NOW + 30:.0f}", 30),
        (f"{(NOW + 30) * 1000:.0f}", 30),
        (f"{NOW - 30:.0f}", 0),
        (email.utils.formatdate(NOW + 30, usegmt=True), 30),
        (email.utils.format_datetime(datetime.fromtimestamp(NOW + 30, UTC)), 30),
        (email.utils.formatdate(NOW - 30, usegmt=True), 0),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("1e400", None),
        ("9" * 400, None),
        ("soon", None),
        ("Fri, 99 Foo 2099 00:00:00 GMT", None),
        ("", None),
        (None, None),
    ],
)
def test_a_wait_is_read_in_every_form_and_what_is_none_is_none(text: str | None, seconds: float | None) -> None:
    assert seconds_to_wait(text, NOW) == seconds


@pytest.mark.parametrize("bulk", [False, True])
def test_one_call_goes_first_and_the_others_learn_from_its_answer(bulk: bool) -> None:
    limiter = Limiter(LeapingClock())
    assert [limiter.reserve(bulk=bulk) for _ in range(3)] == [0, None, None]
    limiter.learn(limits(remaining=3, reset=60), NOW)
    limiter.done()
    allowed = 1 if bulk else 3  # a long read has the half of three
    assert [limiter.reserve(bulk=bulk) for _ in range(3)].count(0) == allowed


def test_a_service_that_announces_nothing_is_asked_by_all_threads_from_its_first_answer_on() -> None:
    limiter = Limiter(LeapingClock())
    assert limiter.reserve(bulk=False) == 0
    limiter.learn({}, NOW)
    limiter.done()
    assert [limiter.reserve(bulk=True) for _ in range(1000)] == [0.0] * 1000
    assert limiter.announced == RateLimit(None, None)


def test_who_is_not_patient_waits_for_no_answer() -> None:
    limiter = Limiter(LeapingClock())
    assert [limiter.reserve(bulk=False, patient=False) for _ in range(3)] == [0, 0, 0]


def test_calls_that_are_under_way_count_as_used() -> None:
    limiter = Limiter(LeapingClock())
    limiter.learn(limits(remaining=3, reset=60), NOW)
    assert [limiter.reserve(bulk=False) for _ in range(4)] == [0, 0, 0, None]
    limiter.learn(limits(remaining=2, reset=60), NOW)
    limiter.done()  # two are under way, and these two may be those that remain
    assert limiter.reserve(bulk=False) is None


def test_after_a_refusal_one_call_goes_and_then_slowly_more() -> None:
    clock = LeapingClock()
    limiter = Limiter(clock)
    limiter.learn({}, NOW)
    assert [limiter.reserve(bulk=True) for _ in range(8)] == [0] * 8
    limiter.block(30)
    for _ in range(8):
        limiter.done()
    assert limiter.reserve(bulk=True) == 30
    clock.advance(30)
    at_once = []
    for _ in range(40):
        taken = 0
        while limiter.reserve(bulk=True) == 0:
            taken += 1
        at_once.append(taken)
        for _ in range(taken):
            limiter.learn({}, NOW)
            limiter.done()
    assert at_once[:4] == [1, 2, 3, 4]
    assert max(at_once) > 30


def test_a_new_window_begins_with_the_share_of_the_limit_that_is_known() -> None:
    clock = LeapingClock()
    limiter = Limiter(clock)
    limiter.learn({"X-RateLimit-Limit": "20", **limits(remaining=20, reset=60)}, NOW)
    clock.advance(60)
    # Nobody answers: who waits no longer takes no more than that.
    places = [limiter.reserve(bulk=True, patient=False) for _ in range(12)]
    assert places == [0] * 10 + [1, 1]


def test_what_is_more_than_the_window_has_left_is_spread_over_it() -> None:
    clock = LeapingClock()
    limiter = Limiter(clock)
    limiter.learn(limits(remaining=20, reset=50), NOW)
    moments = []
    with limiter.expecting(500):
        for _ in range(10):
            while wait := limiter.reserve(bulk=True):
                clock.advance(wait)
            moments.append(clock.monotonic())
    assert moments == pytest.approx([1000 + 5 * turn for turn in range(10)])


def test_what_the_window_holds_is_asked_for_at_once() -> None:
    limiter = Limiter(LeapingClock())
    limiter.learn(limits(remaining=20, reset=50), NOW)
    with limiter.expecting(10):
        assert [limiter.reserve(bulk=True) for _ in range(10)] == [0] * 10


def test_one_refusal_parks_all_threads_and_all_go_on_together(serve: Serve, connect_to: Connect) -> None:
    refusing = threading.Event()
    refusing.set()

    def handle(seen: Seen) -> Reply:
        return Reply(status=420, headers={"Retry-After": "30"}) if refusing.is_set() else Reply({"id": 7})

    server, clock = serve(handle), HandClock()
    session = connect_to(server, clock=clock)
    answers: list[Any] = []
    threads = [threading.Thread(target=lambda: answers.append(session.raw("GET", "/accounts/7"))) for _ in range(5)]
    threads[0].start()
    clock.wait_for(threads=1)
    for thread in threads[1:]:
        thread.start()
    clock.wait_for(threads=5)
    clock.advance(29)
    clock.wait_for(threads=5)
    assert len(server.seen) == 1  # the others learned it from the first

    refusing.clear()
    clock.advance(1)
    for thread in threads:
        thread.join(10)
    assert answers == [{"id": 7}] * 5
    assert len(server.seen) == 6


def test_where_nothing_remains_everybody_waits_for_the_reset_before_the_limit_is_hit(
    serve: Serve, connect_to: Connect
) -> None:
    last = Reply({"id": 1}, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "17"})
    clock = LeapingClock()
    session = connect_to(serve(in_turn(last, Reply({"id": 2}))), clock=clock)
    session.raw("GET", "/accounts/1")
    assert clock.waits == []
    session.raw("GET", "/accounts/2")
    assert clock.waits == [17]


class Workspace:
    """Allows so many calls in each window of 60 s; others make all of theirs right after the first of ours."""

    def __init__(self, clock: LeapingClock, rows: int, *, limit: int, others: int = 0) -> None:
        self.clock = clock
        self.rows = listing([{"id": one, "created_on": "2026-01-01T00:00:00Z"} for one in range(rows)])
        self.limit = limit
        self.others = others
        self.calls: dict[int, int] = {}

    def __call__(self, seen: Seen) -> Any:
        window, passed = divmod(self.clock.monotonic(), 60)
        self.calls[int(window)] = made = self.calls.get(int(window), 0) + 1
        remaining = self.limit - made - (self.others if made > 1 else 0)
        assert remaining >= 0, "the limit was hit"
        answer = self.rows(seen)
        limits = {"Limit": self.limit, "Remaining": remaining, "Reset": 60 - passed}
        headers = {f"X-RateLimit-{name}": str(value) for name, value in limits.items()}
        return Reply(answer.body, headers={**answer.headers, **headers})  # type: ignore[union-attr]  # a list is always a Reply


def test_a_long_read_takes_at_most_half_of_what_remains(serve: Serve, connect_to: Connect) -> None:
    clock = LeapingClock()
    workspace = Workspace(clock, rows=2500, limit=20)
    frame = connect_to(serve(workspace), clock=clock, concurrency=1).transactions.search()
    assert len(frame) == 2500
    assert list(workspace.calls.values()) == [10, 10, 5]


def test_a_long_read_takes_less_where_others_use_the_workspace_up_meanwhile(
    serve: Serve, connect_to: Connect
) -> None:
    # The half was counted once, at the start of a window: it took 10 calls of 20 though others had taken 12.
    clock = LeapingClock()
    workspace = Workspace(clock, rows=1000, limit=20, others=12)
    connect_to(serve(workspace), clock=clock, concurrency=1).transactions.search()
    assert list(workspace.calls.values()) == [5, 5]


def test_a_session_may_be_told_to_take_it_all(serve: Serve, connect_to: Connect) -> None:
    clock = LeapingClock()
    workspace = Workspace(clock, rows=2500, limit=20)
    connect_to(serve(workspace), clock=clock, concurrency=1, share=1).transactions.search()
    assert list(workspace.calls.values()) == [20, 5]


def test_single_calls_are_not_held_up_by_a_long_read(serve: Serve, connect_to: Connect) -> None:
    clock = LeapingClock()
    workspace = Workspace(clock, rows=900, limit=20)
    session = connect_to(serve(workspace), clock=clock, concurrency=1)
    session.transactions.search()
    for _ in range(5):
        session.raw("GET", "/transactions")
        session.accounts.search(limit=1)  # a list, but of one page
    assert clock.waits == []
    session.accounts.search(limit=200)
    assert len(clock.waits) == 1


def test_a_wait_that_is_too_long_is_an_error_that_names_it(serve: Serve, connect_to: Connect) -> None:
    last = Reply({}, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "900"})
    server = serve(in_turn(last))
    session = connect_to(server)
    session.raw("GET", "/organization")
    with pytest.raises(lk.RateLimited, match=r"used up for another 900 s.*Ask for less, or again later") as caught:
        session.raw("GET", "/organization")
    assert caught.value.details["retry_after"] == 900
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "odd",
    [
        Reply(status=429, headers={"Retry-After": "999999999"}),
        Reply({}, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "90000000"}),
    ],
)
def test_one_odd_header_holds_a_session_up_for_minutes_and_not_for_years(
    serve: Serve, connect_to: Connect, odd: Reply
) -> None:
    clock = LeapingClock()
    session = connect_to(serve(in_turn(odd, Reply({"name": "Acme"}))), clock=clock)
    with contextlib.suppress(lk.RateLimited):
        session.raw("GET", "/organization")
    with pytest.raises(lk.RateLimited, match="another 900 s"):
        session.raw("GET", "/organization")
    clock.advance(900)
    assert session.raw("GET", "/organization") == {"name": "Acme"}


def limits(remaining: int, reset: int) -> dict[str, str]:
    return {"X-RateLimit-Remaining": str(remaining), "X-RateLimit-Reset": str(reset)}


def test_a_long_read_that_has_had_its_share_leaves_the_rest_to_single_calls() -> None:
    limiter = Limiter(LeapingClock())
    limiter.learn(limits(remaining=20, reset=60), NOW)
    with limiter.expecting(10):
        assert [limiter.reserve(bulk=True) for _ in range(10)] == [0] * 10
        assert limiter.reserve(bulk=True) == 60
        assert [limiter.reserve(bulk=False) for _ in range(10)] == [0] * 10


@pytest.mark.parametrize("bulk", [False, True])
def test_where_no_answer_comes_who_waits_for_it_goes_in_the_end(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, bulk: bool
) -> None:
    hanging, release = threading.Event(), threading.Event()

    def handle(seen: Seen) -> Reply:
        if seen.path == "/accounts/1":
            hanging.set()
            release.wait(30)
        return Reply({"id": 7})

    monkeypatch.setattr(transport, "PATIENCE", 0.2)
    session = lk.Session(lk.ReportingKey("acme", "canary-reporting-key"), base_url=serve(handle).url)
    first = threading.Thread(target=lambda: session.raw("GET", "/accounts/1"))
    first.start()
    try:
        assert hanging.wait(10)
        among_many.set(bulk)
        assert session.raw("GET", "/accounts/7") == {"id": 7}
        assert first.is_alive()
    finally:
        among_many.set(False)
        release.set()
        first.join(10)
        session.close()


def test_a_part_of_a_long_read_waits_for_a_window_that_is_longer_than_a_call_may_take(
    serve: Serve, connect_to: Connect
) -> None:
    used_up = Reply({"id": 7}, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "600"})
    server, clock = serve(in_turn(used_up, Reply({"id": 8}))), LeapingClock()
    session = connect_to(server, clock=clock, retry_seconds=120)
    session.raw("GET", "/accounts/7")
    with pytest.raises(lk.RateLimited, match="longer than a call may wait"):
        session.raw("GET", "/accounts/8")
    with pytest.raises(lk.RateLimited):  # who says how long it may take means it
        session._transport.request("GET", "/accounts/8", bulk=True, seconds=15)
    assert clock.waits == []
    assert session._transport.request("GET", "/accounts/8", bulk=True).body == {"id": 8}
    assert sum(clock.waits) == pytest.approx(600, abs=1)
    assert len(server.seen) == 2


def test_many_answers_of_others_use_up_nobodys_patience() -> None:
    # It was counted in answers, and a window that was nearly used up was overdrawn by who had seen twenty of them.
    limiter = Limiter(LeapingClock())
    waited: list[float] = []
    watcher = threading.Thread(target=lambda: waited.append(limiter.wait_for_answer(30)))
    limiter.reserve(bulk=False)
    watcher.start()
    while watcher.is_alive():
        limiter.done()
        watcher.join(0.01)
    assert waited[0] < 10


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no thread can be interrupted here")
def test_an_interrupt_ends_a_wait_for_the_rate_limit_at_once(serve: Serve, connect_to: Connect) -> None:
    last = Reply({}, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "60"})
    session = connect_to(serve(in_turn(last)), clock=SystemClock())
    session.raw("GET", "/organization")
    here = threading.get_ident()
    presses = threading.Timer(0.2, lambda: signal.pthread_kill(here, signal.SIGINT))
    presses.start()
    with pytest.raises(KeyboardInterrupt):
        session.raw("GET", "/organization")
    presses.join()


def test_a_window_ends_when_a_later_answer_says_sooner() -> None:
    limiter = Limiter(LeapingClock())
    limiter.learn(limits(remaining=1, reset=50), NOW)
    assert limiter.reserve(bulk=True) == 50
    limiter.learn(limits(remaining=1, reset=20), NOW)
    assert limiter.reserve(bulk=True) == 20
    limiter.learn(limits(remaining=1, reset=30), NOW)
    assert limiter.reserve(bulk=True) == 20


def test_a_window_that_was_announced_far_too_long_does_not_hold_a_long_read_up() -> None:
    limiter = Limiter(LeapingClock())
    limiter.learn(limits(remaining=1, reset=90_000_000), NOW)
    assert limiter.reserve(bulk=True) == 900
    limiter.learn(limits(remaining=1000, reset=60), NOW)
    assert [limiter.reserve(bulk=True) for _ in range(501)] == [0.0] * 500 + [60]


def test_the_card_says_what_is_left(serve: Serve, connect_to: Connect) -> None:
    headers = {"X-RateLimit-Limit": "600", "X-RateLimit-Remaining": "541", "X-RateLimit-Reset": "60"}
    session = connect_to(serve(in_turn(Reply({}, headers=headers))))
    session.raw("GET", "/organization")
    assert "rate limit: 541 of 600 calls left" in repr(session)


@pytest.mark.parametrize("announced", ["-5", "1.5", "many", "9" * 30, "٣", ""])
def test_an_announcement_that_is_no_count_is_passed_over(serve: Serve, connect_to: Connect, announced: str) -> None:
    headers = {"X-RateLimit-Remaining": announced.encode().decode("latin-1"), "X-RateLimit-Reset": "60"}
    session = connect_to(serve(in_turn(Reply({}, headers=headers))))
    session.raw("GET", "/organization")
    assert "rate limit" not in repr(session)


def test_a_read_that_is_given_up_spreads_the_next_one_no_more() -> None:
    limiter = Limiter(LeapingClock())
    limiter.learn(limits(remaining=20, reset=50), NOW)
    with limiter.expecting(500):
        assert limiter.reserve(bulk=True) == 0
    with limiter.expecting(9):
        assert [limiter.reserve(bulk=True) for _ in range(9)] == [0] * 9


def test_an_answer_that_announces_nothing_in_between_lifts_no_limit() -> None:
    limiter = Limiter(LeapingClock())
    limiter.learn(limits(remaining=4, reset=50), NOW)
    limiter.learn({}, NOW)
    assert [limiter.reserve(bulk=True) for _ in range(3)] == [0, 0, 50]
    assert limiter.announced.remaining == 4


def test_a_window_of_a_second_is_told_from_the_one_before() -> None:
    clock = LeapingClock()
    limiter = Limiter(clock)
    headers = {"X-RateLimit-Limit": "10"}
    limiter.learn({**headers, **limits(remaining=0, reset=1)}, NOW)
    assert limiter.reserve(bulk=True) == 1
    clock.advance(1)
    limiter.learn({**headers, **limits(remaining=10, reset=1)}, NOW + 1)
    assert [limiter.reserve(bulk=True) for _ in range(6)] == [0] * 5 + [1]


def test_a_new_window_that_others_have_nearly_used_up_is_not_the_old_one() -> None:
    clock = LeapingClock()
    limiter = Limiter(clock)
    headers = {"X-RateLimit-Limit": "60"}
    limiter.learn({**headers, **limits(remaining=10, reset=60)}, NOW)
    for _ in range(5):
        assert limiter.reserve(bulk=True) == 0
        limiter.done()
    assert limiter.reserve(bulk=True) == 60
    clock.advance(60)
    limiter.learn({**headers, **limits(remaining=10, reset=60)}, NOW + 60)
    assert [limiter.reserve(bulk=True) for _ in range(6)] == [0] * 5 + [60]


def test_calls_that_were_sent_at_the_turn_of_a_window_may_count_in_the_new_one() -> None:
    clock = LeapingClock()
    limiter = Limiter(clock)
    headers = {"X-RateLimit-Limit": "20"}
    limiter.learn({**headers, **limits(remaining=20, reset=60)}, NOW)
    assert [limiter.reserve(bulk=True) for _ in range(8)] == [0] * 8
    clock.advance(60)
    limiter.learn({**headers, **limits(remaining=19, reset=60)}, NOW + 60)
    limiter.done()
    assert [limiter.reserve(bulk=True) for _ in range(3)] == [0, 0, 60]  # ten in all, the half of the limit


def test_a_turn_is_not_waited_for_beyond_the_end_of_the_window() -> None:
    limiter = Limiter(LeapingClock())
    limiter.learn(limits(remaining=4, reset=100), NOW)
    with limiter.expecting(50):
        assert limiter.reserve(bulk=True) == 0
        assert limiter.reserve(bulk=True) == 50
        limiter.learn(limits(remaining=3, reset=20), NOW)
        assert limiter.reserve(bulk=True) == 20


def test_of_a_window_whose_end_is_not_told_a_long_read_has_its_share_at_once() -> None:
    limiter = Limiter(LeapingClock())
    limiter.learn({"X-RateLimit-Remaining": "6"}, NOW)
    assert [limiter.reserve(bulk=True) for _ in range(4)] == [0, 0, 0, None]
    assert [limiter.reserve(bulk=False) for _ in range(4)] == [0, 0, 0, None]


def test_of_a_window_whose_end_is_not_told_each_answer_tells_anew_what_remains() -> None:
    limiter = Limiter(LeapingClock())
    for _ in range(6):
        assert limiter.reserve(bulk=False, patient=False) == 0
    for remaining in (2, 4):
        limiter.learn({"X-RateLimit-Remaining": str(remaining)}, NOW)
    for _ in range(6):
        limiter.done()
    assert [limiter.reserve(bulk=False) for _ in range(5)] == [0, 0, 0, 0, None]


def test_a_window_that_is_used_up_and_over_now_is_waited_for_a_second() -> None:
    limiter = Limiter(LeapingClock())
    limiter.learn(limits(remaining=0, reset=0), NOW)
    assert limiter.reserve(bulk=False) == 1


@pytest.mark.parametrize("share", [0, -1, 1.01])
def test_a_share_is_a_share(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        Limiter(LeapingClock(), share)


# A service with a limit, and a long read against it, in simulated time


@dataclass(frozen=True)
class Announced:
    """How a service announces a limit: in which form the end of a window, and the wait of a refusal."""

    reset: Callable[[float, float], str | None]
    refusal: Callable[[float, float], str | None]


def _seconds_up(now: float, left: float) -> str:
    return str(math.ceil(left))


def _seconds_down(now: float, left: float) -> str:
    return str(math.floor(left))


def _fraction(now: float, left: float) -> str:
    return f"{left:.3f}"


def _epoch(now: float, left: float) -> str:
    return str(math.ceil(now + left))


def _date(now: float, left: float) -> str:
    return email.utils.formatdate(math.ceil(now + left), usegmt=True)


def _nothing(now: float, left: float) -> None:
    return None


FORMS = {
    "seconds, rounded up": Announced(_seconds_up, _seconds_up),
    "fractions": Announced(_fraction, _fraction),
    "an epoch, and a date": Announced(_epoch, _date),
    "a reset alone": Announced(_epoch, _nothing),
}


class Service:
    """Allows so many calls in each window; ``others`` says how many of them others have made after so much of it."""

    def __init__(
        self, limit: int, window: float, form: Announced, others: Callable[[float], int] = lambda passed: 0
    ) -> None:
        self.limit, self.window, self.form, self.others = limit, window, form, others
        self.ours: Counter[int] = Counter()
        self.refused: Counter[int] = Counter()

    def take(self, now: float) -> tuple[bool, dict[str, str]]:
        """Count a call; say whether it was allowed, and what its answer announces."""
        number = int(now // self.window)
        passed = now - number * self.window
        used = min(self.limit, self.ours[number] + self.others(passed / self.window))
        allowed = used < self.limit
        (self.ours if allowed else self.refused)[number] += 1
        left = self.window - passed
        headers = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(0, self.limit - used - allowed)),
            "X-RateLimit-Reset": self.form.reset(NOW + now, left),
            "Retry-After": None if allowed else self.form.refusal(NOW + now, left),
        }
        return allowed, {name: text for name, text in headers.items() if text is not None}


class Simulation:
    """Workers that read pages, as threads do with the transport, but in simulated time, so that a run is exact."""

    def __init__(self, service: Service, *, share: float = 0.5, workers: int = 8, start: float = 0.0) -> None:
        self.service, self.workers, self.now = service, workers, start
        self.limiter = Limiter(self, share)
        self.chance = random.Random(1)
        self.answered = 0
        self.sent: list[float] = []
        self.most_at_once = 0
        self.under_way = 0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return NOW + self.now

    def wait(self, event: threading.Event, seconds: float) -> bool:
        raise AssertionError("nobody sleeps in simulated time")

    def worker(self, calls: Iterator[int], *, bulk: bool) -> Iterator[float]:
        """Make calls until there are no more; what it yields are seconds to sleep."""
        for _ in calls:
            done = False
            while not done:
                patience = PATIENCE
                while (wait := self.limiter.reserve(bulk=bulk, patient=patience > 0)) != 0:
                    if wait is None:
                        patience -= LOOK_EVERY
                    assert wait is None or wait > 0
                    yield LOOK_EVERY if wait is None else wait
                self.sent.append(self.now)
                self.under_way += 1
                self.most_at_once = max(self.most_at_once, self.under_way)
                yield self.chance.uniform(0.02, 0.1)
                done, headers = self.service.take(self.now)
                at_service = self.now
                yield self.chance.uniform(0.02, 0.1)
                self.limiter.learn(headers, NOW + at_service)
                pause = 0.0
                if not done:
                    told = seconds_to_wait(
                        headers.get("Retry-After", headers.get("X-RateLimit-Reset")), NOW + at_service
                    )
                    pause = max(self.chance.uniform(0, 0.5), 1.0 if told is None else told)
                    self.limiter.block(pause)
                self.under_way -= 1
                self.limiter.done()
                if pause:
                    yield pause
            self.answered += 1

    def run(self, calls: int, *, bulk: bool = True, most: float = 36_000) -> float:
        """Make so many calls; return the seconds that they took."""
        began = self.now
        shared = iter(range(calls))
        with self.limiter.expecting(calls if bulk else 0):
            events = [(self.now, order, self.worker(shared, bulk=bulk)) for order in range(self.workers)]
            heapq.heapify(events)
            order = self.workers
            while events:
                moment, _, worker = heapq.heappop(events)
                self.now = max(self.now, moment)
                assert self.now - began < most, "it does not end"
                with contextlib.suppress(StopIteration):
                    heapq.heappush(events, (self.now + next(worker), order := order + 1, worker))
        return self.now - began


STEADY = [(60, 60, 200), (10, 10, 47), (600, 60, 800), (6, 60, 15), (4, 10, 12)]


def nobody(passed: float) -> int:
    return 0


@pytest.mark.parametrize(("limit", "window", "calls"), STEADY)
@pytest.mark.parametrize("form", FORMS)
def test_a_steady_limit_is_never_hit_and_half_of_every_window_stays_to_others(
    form: str, limit: int, window: float, calls: int
) -> None:
    service = Service(limit, window, FORMS[form], nobody)
    simulation = Simulation(service, start=3.3)
    simulation.run(1, bulk=False)  # page 1
    seconds = simulation.run(calls)
    assert simulation.answered == calls + 1
    assert service.refused.total() == 0
    assert max(service.ours.values()) <= limit // 2
    # Between the windows that are needed at least, and one more; each begins up to a second late, as it is announced.
    windows = math.ceil((calls + 1) / (limit // 2))
    assert (windows - 2) * window < seconds < windows * (window + 1) + 2


@pytest.mark.parametrize("limit", [60, 600])
def test_a_reset_that_is_rounded_down_costs_a_call_once(limit: int) -> None:
    service = Service(limit, 60, Announced(_seconds_down, _seconds_down), nobody)
    simulation = Simulation(service, start=3.3)
    simulation.run(1, bulk=False)
    simulation.run(limit * 4)
    assert service.refused.total() == 0
    assert sorted(service.ours.values())[-2:] == [limit // 2, limit // 2 + 1]


OTHERS: dict[str, tuple[Callable[[int, float], int], int]] = {
    "a part, all the time": (lambda limit, passed: int(limit * passed * 0.5), 0),
    "nearly all, all the time": (lambda limit, passed: int(limit * passed * 0.9), 2),
    "all at once": (lambda limit, passed: limit if passed > 0.3 else 0, 1),
    "all but four, before anybody else": (lambda limit, passed: limit - 4, 1),
}


@pytest.mark.parametrize("others", OTHERS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("limit", "calls"), [(60, 100), (600, 700), (10, 20)])
def test_where_others_take_the_rest_few_calls_of_a_window_are_refused(
    form: str, limit: int, calls: int, others: str
) -> None:
    take, most = OTHERS[others]
    service = Service(limit, 60, FORMS[form], lambda passed: take(limit, passed))
    simulation = Simulation(service, start=3.3)
    simulation.run(1, bulk=False)
    simulation.run(calls)
    assert simulation.answered == calls + 1
    assert max(service.refused.values(), default=0) <= most
    assert max(service.ours.values()) <= limit // 2


def test_single_calls_of_many_threads_use_a_window_up_and_are_not_refused() -> None:
    service = Service(20, 60, FORMS["fractions"], nobody)
    simulation = Simulation(service, workers=30, start=3.3)
    simulation.run(50, bulk=False)
    assert service.refused.total() == 0
    assert list(service.ours.values()) == [20, 20, 10]


def test_where_there_is_plenty_nothing_is_slowed() -> None:
    with_limit = Simulation(Service(10_000, 60, FORMS["fractions"], nobody), start=3.3)
    without = Simulation(Service(10_000, 60, Announced(_nothing, _nothing), nobody), start=3.3)
    for simulation in (with_limit, without):
        simulation.run(1, bulk=False)
    assert with_limit.run(400) == pytest.approx(without.run(400), rel=0.02)
    assert with_limit.most_at_once == 8


def test_a_refusal_without_any_announcement_is_no_storm() -> None:
    class Silent(Service):
        def take(self, now: float) -> tuple[bool, dict[str, str]]:
            allowed, headers = super().take(now)
            return allowed, {} if allowed else {"Retry-After": headers["Retry-After"]}

    service = Silent(60, 60, FORMS["seconds, rounded up"], nobody)
    simulation = Simulation(service, start=3.3)
    simulation.run(400)
    assert simulation.answered == 400
    assert max(service.refused.values()) <= 11
    assert len(service.ours) == 7


ABSURD = {
    "a limit of none": {"Limit": "0", "Remaining": "50", "Reset": "60"},
    "none of none": {"Limit": "0", "Remaining": "0", "Reset": "1"},
    "more than there are": {"Limit": "10", "Remaining": "500", "Reset": "60"},
    "no reset": {"Limit": "10", "Remaining": "5"},
    "no reset, and none left": {"Limit": "10", "Remaining": "0"},
    "always over now": {"Limit": "10", "Remaining": "5", "Reset": "0"},
    "none left, and over now": {"Limit": "10", "Remaining": "0", "Reset": "0"},
    "over long ago": {"Limit": "10", "Remaining": "5", "Reset": "1000000000"},
    "over in a hundred years": {"Limit": "10", "Remaining": "5", "Reset": "3155760000"},
    "one left for ever": {"Limit": "1", "Remaining": "1", "Reset": "60"},
    "junk": {"Limit": "many", "Remaining": "-1", "Reset": "soon"},
}


@pytest.mark.parametrize("odd", ABSURD)
def test_announcements_that_make_no_sense_hang_nothing_up(odd: str) -> None:
    class Odd(Service):
        def take(self, now: float) -> tuple[bool, dict[str, str]]:
            return True, {f"X-RateLimit-{name}": text for name, text in ABSURD[odd].items()}

    simulation = Simulation(Odd(1, 60, FORMS["fractions"], nobody))
    simulation.run(30)
    assert simulation.answered == 30


@pytest.mark.parametrize("after", [1, 5, 12])
def test_a_service_that_stops_announcing_is_believed_in_the_end(after: int) -> None:
    class Falling(Service):
        def take(self, now: float) -> tuple[bool, dict[str, str]]:
            headers = super().take(now)[1]
            return True, headers if self.ours.total() <= after else {}

    simulation = Simulation(Falling(20, 60, FORMS["fractions"], nobody))
    simulation.run(1, bulk=False)
    assert simulation.run(300) < (80 if after < 10 else 140)
    assert simulation.most_at_once == 8


# The same over HTTP, against the sandbox


def test_a_long_search_of_the_sandbox_is_not_refused() -> None:
    with lk.connect("sandbox", seed=3, transactions=3000, rate_limit=(30, 1.0)) as session:
        frame = session.transactions.search()
        assert session.sandbox is not None
        seen = list(session.sandbox.requests_seen)
    assert len(frame) == 3000
    assert [call.status for call in seen if call.status != 200] == []


# --- how many at once -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "width"),
    [
        ({}, 8),
        ({"X-RateLimit-Remaining": "1000", "X-RateLimit-Reset": "60"}, 500),
        ({"X-RateLimit-Remaining": "10", "X-RateLimit-Reset": "60"}, 5),
        ({"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "60"}, 1),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "60"}, 1),
        ({"X-RateLimit-Remaining": "1000"}, 8),
    ],
    ids=["nothing announced", "plenty", "few", "one", "none", "no end announced"],
)
def test_a_long_read_is_as_wide_as_the_announced_limit_has_room_for(headers: dict[str, str], width: int) -> None:
    clock = LeapingClock()
    limiter = Limiter(clock)
    limiter.learn(headers, clock.time())
    assert limiter.width() == width


def test_what_was_announced_of_a_window_that_is_over_makes_no_read_wide() -> None:
    clock = LeapingClock()
    limiter = Limiter(clock)
    limiter.learn({"X-RateLimit-Remaining": "1000", "X-RateLimit-Reset": "60"}, clock.time())
    clock.wait(threading.Event(), 61)
    assert limiter.width() == 8


@pytest.mark.parametrize(
    ("remaining", "width"), [(None, 8), ("900", 16), ("10", 5)], ids=["unknown", "plenty", "few"]
)
def test_calls_go_side_by_side_as_the_limit_allows(remaining: str | None, width: int) -> None:
    clock = LeapingClock()
    limiter = Limiter(clock)
    limiter.learn({"X-RateLimit-Remaining": remaining, "X-RateLimit-Reset": "60"} if remaining else {}, clock.time())
    together = threading.Barrier(width)
    under_way, most = [0], [0]
    lock = threading.Lock()

    def call(cancel: threading.Event) -> None:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        together.wait(timeout=10)
        with lock:
            under_way[0] -= 1

    lines = SimpleNamespace(concurrency=16, limiter=limiter)
    ask_all(lines, [call] * 5 * width, Progress("test"))
    assert most == [width]
