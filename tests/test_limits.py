"""The rate limit: all threads wait together, and a long read leaves half of what remains to others."""

import contextlib
import email.utils
import signal
import threading
from collections.abc import Callable
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
