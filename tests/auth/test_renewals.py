"""What a renewal does with the refresh token, with those who wait for it, and with the pauses between attempts."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from itertools import pairwise

import httpx
import pytest
from clocks import FakeClock, no_threads
from serving import LeapingClock, Reply, Seen, Server, tokens
from token_service import CREDENTIALS, Make, Service, client_of

import ledgerkit as lk
from ledgerkit import auth
from ledgerkit.auth import TokenKeeper, Tokens
from ledgerkit.errors import (
    AuthenticationError,
    ConnectionFailed,
    ContractViolation,
    LedgerError,
    OutcomeUnknown,
    RateLimited,
    ServerError,
    SessionClosed,
)
from ledgerkit.limits import among_many
from ledgerkit.secret import Secret
from ledgerkit.watching import Watch, watched

# --- the refresh token ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "failure",
    [RateLimited("slow down", status=429, retry_after=5.0), ConnectionFailed("no connection could be made")],
    ids=["refused by the rate limit", "never arrived"],
)
def test_a_refresh_token_that_nobody_has_seen_is_kept_for_the_next_exchange(
    make: Make, service: Service, failure: LedgerError
) -> None:
    keeper = make(service, spawn=no_threads)
    _, generation = keeper.token()
    service.failing = failure
    with pytest.raises(type(failure)):
        keeper.renew(generation)
    service.failing = None
    assert service.accepts(keeper.renew(generation)[0])
    assert (service.logins, service.refused_refreshes) == (1, 0)


@pytest.mark.parametrize(
    "failure",
    [
        OutcomeUnknown("the answer broke off"),
        ServerError("away", status=503),
        AuthenticationError("not accepted", status=401),
        ConnectionFailed("answered with a redirect", status=307),
        ContractViolation("expires_in is missing", field="expires_in"),
    ],
    ids=["answer lost", "503", "401", "redirect", "senseless answer"],
)
def test_a_refresh_token_that_may_have_been_seen_is_never_sent_again_and_the_key_is_exchanged(
    make: Make, service: Service, failure: LedgerError
) -> None:
    keeper = make(service, spawn=no_threads)
    _, generation = keeper.token()
    sent: list[str] = []

    def lost(token: Secret) -> Tokens:
        sent.append(token.reveal())
        raise failure

    keeper._refresh = lost
    assert service.accepts(keeper.renew(generation)[0])
    service.failing_login = ServerError("away", status=503)
    for _ in range(3):
        with pytest.raises(ServerError):
            keeper.renew(generation + 1)
    assert sent == ["refresh-0", "refresh-1"]


# --- those who wait -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("joins_after", "works"), [(0.5, False), (30.0, True)], ids=["together", "late"])
def test_a_call_that_joins_an_exchange_late_does_not_fail_with_it_but_tries_for_itself(
    make: Make, service: Service, clock: FakeClock, joins_after: float, works: bool
) -> None:
    began, go, joined = threading.Event(), threading.Event(), threading.Semaphore(0)
    keeper = make(service, spawn=no_threads)
    login = service.login

    def at_its_end() -> Tokens:
        keeper._login = login
        began.set()
        assert go.wait(10)
        raise ServerError("away for two minutes", status=503)

    keeper._login = at_its_end
    refuse_closed = keeper._refuse_closed

    def asked() -> None:
        refuse_closed()
        if began.is_set():
            joined.release()

    keeper._refuse_closed = asked  # type: ignore[method-assign]  # tells that the second thread is there
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(keeper.token)
        assert began.wait(10)
        clock.jump(wall=joins_after, monotonic=joins_after)
        second = pool.submit(keeper.token)
        for _ in range(2):  # in token(), and under the lock under which it finds the exchange
            assert joined.acquire(timeout=10)
        with keeper._lock:
            pass
        go.set()
        with pytest.raises(ServerError):
            first.result(10)
        if works:
            assert service.accepts(second.result(10)[0])
        else:
            with pytest.raises(ServerError):
                second.result(10)


def test_a_rejection_of_an_old_token_is_not_answered_with_a_newer_one_that_has_ended(
    make: Make, service: Service, clock: FakeClock
) -> None:
    keeper = make(service, spawn=no_threads)
    _, generation = keeper.token()
    keeper.renew(generation)
    clock.advance(301.0)
    assert service.accepts(keeper.renew(generation)[0])


def test_a_call_works_where_the_token_that_another_thread_asked_for_is_revoked_with_its_own(
    make: Make, service: Service
) -> None:
    keeper = make(service, spawn=no_threads)
    statuses: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if not statuses:
            keeper.renew(1)  # by another thread, just before everything is revoked
            service.revoke_access()
        statuses.append(service.answer(request).status_code)
        return httpx.Response(statuses[-1])

    with client_of(keeper, answer) as client:
        assert client.get("/accounts").status_code == 200
    assert statuses == [401, 401, 200]
    assert (service.logins, service.refreshes) == (1, 2)


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside another renewal"])
def test_a_call_that_is_always_refused_comes_to_an_end(make: Make, service: Service, beside: bool) -> None:
    keeper = make(service, spawn=no_threads)
    sent = 0

    def refuse(request: httpx.Request) -> httpx.Response:
        nonlocal sent
        sent += 1
        if beside:
            keeper.renew(sent)
        return httpx.Response(401)

    with client_of(keeper, refuse) as client:
        assert client.get("/accounts").status_code == 401
    assert sent == (3 if beside else 2)


def test_a_slow_refresh_loses_against_credentials_that_were_changed_meanwhile(make: Make, service: Service) -> None:
    keeper = make(service, spawn=no_threads)
    _, generation = keeper.token()

    def slow(token: Secret) -> Tokens:
        keeper.reset()
        return Tokens(Secret("of the old key"), None, 300.0)

    keeper._refresh = slow
    assert keeper.renew(generation)[0] == Secret("access-1")
    assert keeper.token()[0] == Secret("access-1")


# --- pauses, states and threads -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("drawn", "pauses"),
    [(1.0, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60]), (0.0, [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30, 30, 30])],
)
@pytest.mark.parametrize("before", ["the first", "after a success", "after a reset"])
def test_the_pauses_between_attempts_double_up_to_a_minute_and_begin_anew_with_a_success(
    make: Make, service: Service, clock: FakeClock, drawn: float, pauses: list[float], before: str
) -> None:
    keeper = make(service, random=lambda: drawn)
    if before != "the first":
        service.failing = ServerError("away", status=503)
        with pytest.raises(ServerError):
            keeper.token()
        service.failing = None
    if before == "after a reset":
        keeper.reset()
    keeper.token()
    failed: list[float] = []

    def fail(*token: Secret) -> Tokens:
        failed.append(clock.monotonic())
        raise ConnectionFailed("no route")

    keeper._refresh = keeper._login = fail
    while len(failed) <= len(pauses):
        clock.advance(0.125)
    between = [later - earlier for earlier, later in pairwise(failed)][: len(pauses)]
    assert between == pytest.approx(pauses, abs=0.2)


def test_the_card_is_told_of_a_token_that_is_fresh_stale_and_ended(
    make: Make, service: Service, clock: FakeClock
) -> None:
    keeper = make(service, spawn=no_threads)
    assert (keeper.problem, keeper.state().state, keeper.state().generation) == (None, "expired", 0)
    keeper.token()
    told = []
    for _ in range(3):
        told.append((keeper.state().state, keeper.state().seconds_left))
        clock.advance(250.0)
    assert told == [("fresh", 300.0), ("stale", 50.0), ("expired", 0.0)]


def test_where_no_thread_can_be_started_that_is_tried_once_for_each_token(
    make: Make, service: Service, clock: FakeClock
) -> None:
    tried = 0

    def none(target: Callable[[], None]) -> None:
        nonlocal tried
        tried += 1

    keeper = make(service, spawn=none)
    for _ in range(10):
        keeper.token()
    assert tried == 1
    clock.advance(290.0)
    keeper.token()
    assert tried == 2


def test_a_refused_key_starts_no_thread_with_each_call(make: Make, service: Service, clock: FakeClock) -> None:
    started = 0

    def spawn(target: Callable[[], None]) -> threading.Thread:
        nonlocal started
        started += 1
        return clock.spawn(target)

    keeper = make(service, spawn=spawn)
    keeper.token()
    service.failing = service.failing_login = AuthenticationError("revoked", status=401)
    clock.advance(245.0)
    for _ in range(10):
        keeper.token()
        clock.settle()
    assert started == 1


def test_a_token_that_lives_for_hours_is_rested_too(make: Make, clock: FakeClock) -> None:
    service = Service(clock, life=7200.0)
    keeper = make(service)
    keeper.token()
    clock.advance(1000.0)
    keeper.token()
    clock.advance(1799.0)
    assert keeper.state().thread_running
    clock.advance(2.0)
    assert clock.threads == []


def test_a_token_of_a_second_is_used(make: Make, clock: FakeClock) -> None:
    service = Service(clock, life=1.0)
    assert service.accepts(make(service).token()[0])


def test_a_token_that_is_renewed_before_one_was_asked_for_is_kept_fresh(
    make: Make, service: Service, clock: FakeClock
) -> None:
    keeper = make(service)
    assert keeper.renew(0)[1] == 1
    clock.advance(245.0)
    assert keeper.state().generation == 2


def test_the_thread_has_a_name_holds_up_no_exit_and_ends_with_the_keeper() -> None:
    keeper = TokenKeeper(lambda: Tokens(Secret("access"), None, 300.0), lambda token: Tokens(token, None, 300.0))
    keeper.token()
    assert isinstance(keeper._thread, threading.Thread)
    thread = keeper._thread
    assert (thread.name, thread.daemon, thread.is_alive()) == ("ledgerkit-token", True, True)
    keeper.close()
    assert not thread.is_alive()


def test_close_does_not_wait_for_an_exchange_that_hangs(
    monkeypatch: pytest.MonkeyPatch, service: Service, clock: FakeClock
) -> None:
    monkeypatch.setattr(auth, "_JOIN_SECONDS", 0.05)
    hangs, go = threading.Event(), threading.Event()

    def hang(token: Secret) -> Tokens:
        hangs.set()
        assert go.wait(20)
        return service.refresh(token)

    keeper = TokenKeeper(service.login, hang, clock=clock, spawn=clock.spawn)
    keeper.token()
    clock.jump(monotonic=250.0)
    keeper.token()  # wakes the thread
    assert hangs.wait(10)
    closing = threading.Thread(target=keeper.close, daemon=True)
    closing.start()
    closing.join(10)
    still_closing = closing.is_alive()
    go.set()
    assert not still_closing
    with pytest.raises(SessionClosed, match="connect again"):
        keeper.token()
    clock.settle()


def test_an_answer_without_a_token_is_an_error_of_signing_in_that_says_where(make: Make, service: Service) -> None:
    service.failing = ContractViolation("it can't be read", call="POST /auth/token", status=200, field="expires_in")
    with client_of(make(service), service.answer) as client, pytest.raises(AuthenticationError) as caught:
        client.get("/accounts")
    error = caught.value
    assert error.message == "signing in failed: it can't be read"
    assert (error.call, error.status, error.details) == ("POST /auth/token", 200, {"field": "expires_in"})


# --- a whole session ------------------------------------------------------------------------------------------------

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]


class Gate:
    """A service whose token endpoints do as a test says, one answer after the other, and then work."""

    def __init__(self, *acts: Reply) -> None:
        self.acts = list(acts)
        self.exchanges: list[str] = []
        self.good = ""

    def __call__(self, seen: Seen) -> Reply:
        if "/auth/" not in seen.path:
            signed_in = seen.headers["Authorization"] == f"Bearer {self.good}"
            return Reply({"name": "Acme"}) if signed_in else Reply({"message": "signed out"}, 401)
        self.exchanges.append(seen.path.removeprefix("/auth/token") or "/")
        if len(self.exchanges) > 1 and self.acts:
            return self.acts.pop(0)
        self.good = f"access-{len(self.exchanges)}"
        return tokens(self.good)


def test_a_refresh_that_the_rate_limit_refuses_is_waited_for_and_the_call_works(
    serve: Serve, connect_to: Connect
) -> None:
    gate, clock = Gate(Reply(status=429, headers={"Retry-After": "40"})), LeapingClock()
    session = connect_to(serve(gate), CREDENTIALS, clock=clock)
    session.raw("GET", "/organization")
    gate.good = "revoked"
    assert session.raw("GET", "/organization") == {"name": "Acme"}
    assert gate.exchanges == ["/", "/refresh", "/refresh"]
    assert max(clock.waits) == pytest.approx(40.0, abs=1.0)


def test_once_signed_in_a_login_has_the_time_of_a_read(serve: Serve, connect_to: Connect) -> None:
    away = Reply(status=503)
    gate, clock = Gate(away, *[Reply(status=429, headers={"Retry-After": "35"})] * 2), LeapingClock()
    session = connect_to(serve(gate), CREDENTIALS, clock=clock)
    session.raw("GET", "/organization")
    gate.good = "revoked"
    assert session.raw("GET", "/organization") == {"name": "Acme"}
    assert gate.exchanges == ["/", "/refresh", "/", "/", "/"]


def test_a_long_read_signs_in_at_once_where_its_share_of_the_rate_limit_is_used_up(
    serve: Serve, connect_to: Connect
) -> None:
    gate, clock = Gate(), LeapingClock()
    limits = {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "3", "X-RateLimit-Reset": "50"}

    def handle(seen: Seen) -> Reply:
        reply = gate(seen)
        return reply if "/auth/" in seen.path else Reply(reply.body, reply.status, limits)

    session = connect_to(serve(handle), CREDENTIALS, clock=clock)
    session.raw("GET", "/organization")

    def long_read() -> object:
        among_many.set(True)
        gate.good = "revoked"
        return session.raw("GET", "/organization")

    clock.waits.clear()
    assert copy_context().run(long_read) == {"name": "Acme"}
    assert gate.exchanges == ["/", "/refresh"]
    assert clock.waits == []


def test_a_write_whose_form_is_left_while_it_signs_in_is_sent_once_and_answered(
    serve: Serve, connect_to: Connect
) -> None:
    watch = Watch()
    gate, clock = Gate(Reply(status=401), Reply(status=503), Reply(status=503)), LeapingClock()

    def left_meanwhile(seen: Seen) -> Reply:
        if len(gate.exchanges) > 1:
            watch.cancel.set()
        return gate(seen)

    server = serve(left_meanwhile)
    session = connect_to(server, CREDENTIALS, clock=clock, writes=True)
    session.raw("GET", "/organization")
    gate.good = "revoked"
    with watched(watch):
        assert session.raw("POST", "/requests", json={}) == {"name": "Acme"}  # what is not said gets sent again
    assert gate.exchanges == ["/", "/refresh", "/", "/", "/"]
