"""The rate limit: all threads wait together, and a long read leaves half of what remains to others."""

import contextlib
import email.utils
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from serving import HandClock, LeapingClock, Reply, Seen, Server, in_turn, listing

import ledgerkit as lk
from ledgerkit.limits import Limiter, RateLimit, seconds_to_wait

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


def test_nothing_waits_before_the_service_announced_a_limit() -> None:
    limiter = Limiter(LeapingClock())
    assert [limiter.reserve(bulk=True) for _ in range(1000)] == [0.0] * 1000
    assert limiter.announced == RateLimit(None, None)


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


@pytest.mark.parametrize("share", [0, -1, 1.01])
def test_a_share_is_a_share(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        Limiter(LeapingClock(), share)
