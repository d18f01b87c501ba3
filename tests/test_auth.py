"""The life of a token, told with a clock that is moved by hand and a service that keeps strict books."""

import gc
import logging
import os
import pickle
import random
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from clocks import FakeClock, no_threads

from ledgerkit.auth import (
    ApiUserAuth,
    TokenKeeper,
    Tokens,
    auth_for,
    refresh_request,
    token_request,
    tokens_from,
)
from ledgerkit.credentials import LAM, ApiUser, ReportingKey
from ledgerkit.errors import (
    AuthenticationError,
    ConnectionFailed,
    ContractViolation,
    LedgerError,
    RateLimited,
    ServerError,
    SessionClosed,
)
from ledgerkit.secret import Secret

DAY = 86_400.0
CREDENTIALS = ApiUser("minivault", "key-id", "key-secret")


class Service:
    """Gives tokens as the real one does: the refresh token is good for one use, and both lives end."""

    def __init__(self, clock: FakeClock, *, life: float = 300.0, refresh_life: float = 1800.0, leeway: float = 0.0):
        self.clock = clock
        self.life = life
        self.refresh_life = refresh_life
        self.leeway = leeway  # tokens with less time left than this are refused
        self.logins = 0
        self.refreshes = 0
        self.refused_refreshes = 0
        self.exchanged_at: list[float] = []
        self.failing: Exception | None = None
        self.failing_login: Exception | None = None
        self._lock = threading.Lock()
        self._access: dict[str, float] = {}
        self._refresh: dict[str, float] = {}

    @property
    def exchanges(self) -> int:
        return self.logins + self.refreshes

    def login(self) -> Tokens:
        with self._lock:
            self.logins += 1
            if failure := self.failing_login or self.failing:
                raise failure
            return self._issue()

    def refresh(self, token: Secret) -> Tokens:
        with self._lock:
            if self.failing:
                self.refreshes += 1
                raise self.failing
            if self._refresh.pop(token.reveal(), 0.0) <= self.clock.time():
                self.refused_refreshes += 1
                raise AuthenticationError("the refresh token is not accepted", status=401)
            self.refreshes += 1
            return self._issue()

    def _issue(self) -> Tokens:
        now, number = self.clock.time(), len(self.exchanged_at)
        self.exchanged_at.append(now)
        self._access[f"access-{number}"] = now + self.life
        self._refresh[f"refresh-{number}"] = now + self.refresh_life
        return Tokens(Secret(f"access-{number}"), Secret(f"refresh-{number}"), self.life)

    def accepts(self, token: Secret | str) -> bool:
        text = token.reveal() if isinstance(token, Secret) else token
        return self._access.get(text, 0.0) - self.clock.time() > self.leeway

    def revoke_access(self) -> None:
        self._access.clear()

    def answer(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200 if self.accepts(request.headers["Authorization"].removeprefix("Bearer ")) else 401)


Make = Callable[..., TokenKeeper]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def service(clock: FakeClock) -> Service:
    return Service(clock)


@pytest.fixture
def make(clock: FakeClock) -> Iterator[Make]:
    """Makes keepers, and proves at the end of every test that closing them leaves no thread."""
    made: list[TokenKeeper] = []

    def make(service: Service, **options: object) -> TokenKeeper:
        settings = {"clock": clock, "spawn": clock.spawn, "random": random.Random(7).random, **options}
        made.append(TokenKeeper(service.login, service.refresh, **settings))  # type: ignore[arg-type]  # any of its settings
        return made[-1]

    yield make
    for keeper in made:
        keeper.close()
    clock.settle()
    assert clock.threads == []


def client_of(keeper: TokenKeeper, handler: Callable[[httpx.Request], httpx.Response]) -> httpx.Client:
    return httpx.Client(
        transport=httpx.MockTransport(handler),
        base_url="https://ledger.test",
        auth=ApiUserAuth(keeper, CREDENTIALS),
    )


# --- the life of a token --------------------------------------------------------------------------------------------


def test_nothing_is_started_and_nothing_is_asked_before_the_first_use(
    make: Make, service: Service, clock: FakeClock
) -> None:
    keeper = make(service)
    assert (service.exchanges, clock.threads) == (0, [])
    assert keeper.state().generation == 0
    assert keeper.state().state == "expired"


def test_the_token_is_renewed_behind_the_caller_60_to_75_seconds_before_its_end(
    make: Make, service: Service, clock: FakeClock
) -> None:
    keeper = make(service)
    first, generation = keeper.token()
    clock.advance(224.9)
    assert (keeper.token(), service.exchanges) == ((first, generation), 1)
    clock.advance(15.2)
    assert (service.logins, service.refreshes) == (1, 1)
    second, later = keeper.token()
    assert second != first
    assert later == generation + 1


def test_the_moment_of_renewal_is_spread_over_sessions(make: Make, clock: FakeClock) -> None:
    services = [Service(clock) for _ in range(20)]
    for number, service in enumerate(services):
        make(service, random=random.Random(number).random).token()
    clock.advance(224.0)
    for _ in range(16):
        clock.advance(1.0)
    moments = {service.exchanged_at[-1] for service in services}
    assert [service.exchanges for service in services] == [2] * 20
    assert len(moments) > 5


@pytest.mark.parametrize("life", [20.0, 120.0, 300.0, 2000.0])
def test_the_windows_scale_with_the_life(make: Make, clock: FakeClock, life: float) -> None:
    service = Service(clock, life=life)
    keeper = make(service)
    keeper.token()
    clock.advance(life * 0.749)
    assert service.exchanges == 1
    clock.advance(life * 0.052)
    assert service.exchanges == 2


def test_a_short_token_is_not_renewed_in_a_loop_when_fetching_it_takes_longer_than_it_lives(
    make: Make, clock: FakeClock
) -> None:
    service = Service(clock, life=2.0)
    issue = service._issue

    def slow() -> Tokens:
        tokens = issue()
        clock.jump(wall=3.0, monotonic=3.0)
        return tokens

    service._issue = slow  # type: ignore[method-assign]  # stands in
    make(service).token()
    clock.settle()
    assert service.exchanges == 1


def test_the_life_is_counted_from_before_the_token_was_asked_for(
    make: Make, service: Service, clock: FakeClock
) -> None:
    issue = service._issue

    def slow() -> Tokens:
        tokens = issue()
        clock.jump(wall=100.0, monotonic=100.0)
        return tokens

    service._issue = slow  # type: ignore[method-assign]  # stands in
    keeper = make(service, spawn=no_threads)
    keeper.token()
    assert keeper.state().seconds_left == pytest.approx(200.0)


def test_an_expired_token_is_never_handed_out(make: Make, service: Service, clock: FakeClock) -> None:
    keeper = make(service, spawn=no_threads)
    for _ in range(50):
        token, _ = keeper.token()
        assert service.accepts(token)
        clock.advance(97.0)


def test_the_next_morning_both_tokens_are_dead_and_the_key_is_exchanged_again(
    make: Make, service: Service, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = make(service)
    keeper.token()
    clock.jump(wall=14 * 3600.0)  # asleep: the monotonic clock stood still, the thread was not woken
    with caplog.at_level(logging.INFO, "ledgerkit.auth"):
        token, _ = keeper.token()
    assert service.accepts(token)
    assert (service.logins, service.refused_refreshes) == (2, 1)
    assert [record.getMessage() for record in caplog.records] == [
        "the token could not be refreshed (AuthenticationError): exchanging the key again"
    ]


@pytest.mark.parametrize("monotonic", [0.0, 290.0], ids=["monotonic stands still", "monotonic goes on"])
def test_a_laptop_that_slept_decides_by_the_clocks_and_not_by_the_timer(
    make: Make, service: Service, clock: FakeClock, monotonic: float
) -> None:
    keeper = make(service)
    stale, _ = keeper.token()
    clock.jump(wall=290.0, monotonic=monotonic)
    fresh, _ = keeper.token()
    assert fresh != stale
    assert service.exchanges == 2


def test_a_thread_that_slept_through_the_stale_window_is_woken_by_the_next_call(
    make: Make, service: Service, clock: FakeClock
) -> None:
    keeper = make(service)
    keeper.token()
    clock.advance(200.0)
    clock.jump(wall=50.0)  # 250 s by the wall clock: stale, but usable
    assert keeper.token()[1] == 1
    clock.settle()
    assert keeper.token()[1] == 2


@pytest.mark.parametrize("jump", [-120.0, 120.0, -DAY, DAY])
def test_a_wall_clock_that_jumps_costs_one_renewal_at_most(
    make: Make, service: Service, clock: FakeClock, jump: float
) -> None:
    keeper = make(service)
    keeper.token()
    clock.advance(10.0)
    clock.jump(wall=jump)
    for _ in range(200):
        keeper.token()
        clock.settle()
    assert service.exchanges <= 2


def test_a_wall_clock_set_back_does_not_lengthen_the_life(make: Make, service: Service, clock: FakeClock) -> None:
    keeper = make(service, spawn=no_threads)
    keeper.token()
    clock.jump(wall=-3600.0)
    clock.advance(299.0)
    keeper.token()
    assert service.exchanges == 2


@pytest.mark.parametrize("skew", [-120.0, 120.0])
def test_a_clock_that_is_wrong_by_two_minutes_makes_no_difference(make: Make, clock: FakeClock, skew: float) -> None:
    service = Service(clock)
    local = FakeClock(wall=clock.time() + skew)
    keeper = TokenKeeper(service.login, service.refresh, clock=local, spawn=no_threads)
    for _ in range(120):
        assert service.accepts(keeper.token()[0])
        clock.advance(30.0)
        local.advance(30.0)
    gaps = [later - earlier for earlier, later in zip(service.exchanged_at, service.exchanged_at[1:], strict=False)]
    assert min(gaps) >= 225.0


def test_a_day_of_use_costs_at_most_one_exchange_in_each_life(make: Make, service: Service, clock: FakeClock) -> None:
    keeper = make(service)
    for _ in range(24 * 60):
        assert service.accepts(keeper.token()[0])
        clock.advance(60.0)
    gaps = [later - earlier for earlier, later in zip(service.exchanged_at, service.exchanged_at[1:], strict=False)]
    assert min(gaps) >= 0.75 * service.life
    assert service.logins == 1


def test_a_server_that_wants_a_minute_left_is_never_sent_less(make: Make, clock: FakeClock) -> None:
    service = Service(clock, leeway=60.0)
    keeper = make(service)
    statuses = []

    def answer(request: httpx.Request) -> httpx.Response:
        response = service.answer(request)
        statuses.append(response.status_code)
        return response

    with client_of(keeper, answer) as client:
        for _ in range(1000):
            assert client.get("/transactions").status_code == 200
            clock.advance(5.0)
    assert set(statuses) == {200}


def test_it_rests_after_half_an_hour_without_use_and_the_next_call_renews(
    make: Make, service: Service, clock: FakeClock
) -> None:
    keeper = make(service)
    keeper.token()
    for _ in range(40):
        clock.advance(60.0)
    assert clock.threads == []
    assert not keeper.state().thread_running
    resting = service.exchanges
    clock.advance(DAY)
    assert service.exchanges == resting
    assert service.accepts(keeper.token()[0])
    assert keeper.state().thread_running


def test_without_threads_it_renews_when_it_is_asked(make: Make, service: Service, clock: FakeClock) -> None:
    keeper = make(service, spawn=no_threads)
    keeper.token()
    clock.advance(250.0)
    assert service.exchanges == 1
    assert keeper.token()[1] == 2
    assert not keeper.state().thread_running


def test_without_threads_a_failed_renewal_is_no_matter_while_the_token_is_good(
    make: Make, service: Service, clock: FakeClock
) -> None:
    keeper = make(service, spawn=no_threads)
    token, _ = keeper.token()
    clock.advance(250.0)
    service.failing = ServerError("down", status=503)
    for _ in range(20):
        assert keeper.token()[0] == token
    assert service.exchanges == 3  # one refresh and one login, then a pause
    assert keeper.problem == "down"


# --- many threads ---------------------------------------------------------------------------------------------------


Result = tuple[Secret, int]


def together(count: int, call: Callable[[], Result]) -> list[Result | LedgerError]:
    """Run a call in so many threads that start at one barrier; errors are results too."""
    barrier = threading.Barrier(count)

    def run(_: int) -> Result | LedgerError:
        barrier.wait(10)
        try:
            return call()
        except LedgerError as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_50_threads_share_one_refresh_of_a_single_use_token(make: Make, service: Service, clock: FakeClock) -> None:
    keeper = make(service, spawn=no_threads)
    _, generation = keeper.token()
    clock.advance(299.0)
    results = together(50, keeper.token)
    assert {result[1] for result in results if isinstance(result, tuple)} == {generation + 1}
    assert not [result for result in results if isinstance(result, LedgerError)]
    assert (service.logins, service.refreshes, service.refused_refreshes) == (1, 1, 0)


def test_50_rejected_threads_share_one_renewal(make: Make, service: Service) -> None:
    keeper = make(service, spawn=no_threads)
    _, generation = keeper.token()
    together(50, lambda: keeper.renew(generation))
    assert (service.logins, service.refreshes, service.refused_refreshes) == (1, 1, 0)


def test_threads_that_wait_for_a_failing_exchange_each_get_the_error(make: Make, service: Service) -> None:
    asked, go = threading.Semaphore(0), threading.Event()

    def login() -> Tokens:
        service.logins += 1
        assert go.wait(10)
        raise ServerError("down", status=503)

    keeper = make(service)
    keeper._login = login

    def call() -> Result:
        asked.release()
        return keeper.token()

    def open_when_all_have_asked() -> None:
        for _ in range(20):
            asked.acquire()
        go.set()

    opener = threading.Thread(target=open_when_all_have_asked)
    opener.start()
    errors = together(20, call)
    opener.join()
    assert {type(error) for error in errors} == {ServerError}
    assert len({id(error) for error in errors}) == 20  # a shared error would gather all tracebacks


def test_an_interrupted_exchange_leaves_nobody_waiting(make: Make, service: Service) -> None:
    began, go = threading.Event(), threading.Event()
    keeper = make(service)
    login = service.login

    def interrupted() -> Tokens:
        keeper._login = login
        began.set()
        assert go.wait(10)
        raise KeyboardInterrupt

    keeper._login = interrupted
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(keeper.token)
        assert began.wait(10)
        second = pool.submit(keeper.token)
        go.set()
        with pytest.raises(KeyboardInterrupt):
            first.result(10)
        assert second.result(10)[1] == 1


@pytest.mark.parametrize("refused", [False, True])
def test_a_slow_answer_loses_against_a_newer_token(make: Make, service: Service, refused: bool) -> None:
    began, go = threading.Event(), threading.Event()
    keeper = make(service)
    login = service.login

    def slow() -> Tokens:
        keeper._login = login
        began.set()
        assert go.wait(10)
        if refused:
            raise AuthenticationError("the old key is not accepted", status=401)
        return Tokens(Secret("slow"), None, 300.0)

    keeper._login = slow
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(keeper.token)
        assert began.wait(10)
        keeper.reset()  # the credentials were changed meanwhile
        assert keeper.token()[0] == Secret("access-0")  # and the new ones need not wait for the old
        go.set()
        assert late.result(10)[0] == Secret("access-0")
    assert keeper.token()[0] == Secret("access-0")
    assert keeper.problem is None


# --- rejected tokens ------------------------------------------------------------------------------------------------


def test_early_revocation_costs_one_refresh_and_one_repeated_call(make: Make, service: Service) -> None:
    keeper = make(service)
    seen: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        response = service.answer(request)
        seen.append(response.status_code)
        return response

    with client_of(keeper, answer) as client:
        client.get("/accounts")
        service.revoke_access()
        assert client.get("/accounts").status_code == 200
    assert seen == [200, 401, 200]
    assert (service.logins, service.refreshes) == (1, 1)


def test_a_call_that_is_rejected_twice_goes_back_to_the_caller(make: Make, service: Service) -> None:
    keeper = make(service)
    with client_of(keeper, lambda request: httpx.Response(401)) as client:
        assert client.get("/accounts").status_code == 401
    assert service.exchanges == 2


def test_a_rejected_call_gives_its_connection_back_before_it_waits(make: Make, service: Service) -> None:
    keeper = make(service)

    class Body(httpx.SyncByteStream):
        closed = False

        def __iter__(self) -> Iterator[bytes]:
            yield b"{}"

        def close(self) -> None:
            self.closed = True

    body, renew = Body(), keeper.renew

    def renew_with_free_connections(after: int) -> tuple[Secret, int]:
        assert body.closed
        return renew(after)

    keeper.renew = renew_with_free_connections  # type: ignore[method-assign]  # stands in
    answers = iter([httpx.Response(401, stream=body), httpx.Response(200)])
    with client_of(keeper, lambda request: next(answers)) as client:
        assert client.get("/accounts").status_code == 200


def test_a_rejection_of_an_old_token_does_not_renew_the_new_one(make: Make, service: Service) -> None:
    keeper = make(service)
    _, generation = keeper.token()
    newer = keeper.renew(generation)
    assert keeper.renew(generation) == newer
    assert service.exchanges == 2


# --- failures -------------------------------------------------------------------------------------------------------


def test_a_refused_key_is_final_until_reset(make: Make, service: Service) -> None:
    service.failing_login = AuthenticationError("the key is not accepted", status=401)
    keeper = make(service)
    for _ in range(10):
        with pytest.raises(AuthenticationError, match="the key is not accepted"):
            keeper.token()
    assert service.logins == 1
    assert keeper.problem == "the key is not accepted"
    service.failing_login = None
    keeper.reset()
    assert service.accepts(keeper.token()[0])
    assert keeper.problem is None


def test_a_key_refused_in_the_background_stops_the_thread_but_not_the_token_that_is_still_good(
    make: Make, service: Service, clock: FakeClock
) -> None:
    keeper = make(service)
    keeper.token()
    service.failing = service.failing_login = AuthenticationError("revoked", status=401)
    clock.advance(245.0)
    assert clock.threads == []
    assert service.logins == 2
    assert service.accepts(keeper.token()[0])
    clock.advance(60.0)
    for _ in range(5):
        with pytest.raises(AuthenticationError, match="revoked"):
            keeper.token()
    assert service.logins == 2


@pytest.mark.parametrize(
    "failure",
    [ConnectionFailed("no route"), ServerError("down", status=503), RateLimited("slow down", retry_after=5.0)],
    ids=lambda failure: type(failure).__name__,
)
def test_other_failures_of_the_login_are_not_final(make: Make, service: Service, failure: LedgerError) -> None:
    service.failing = failure
    keeper = make(service)
    with pytest.raises(type(failure)):
        keeper.token()
    service.failing = None
    assert service.accepts(keeper.token()[0])


def test_a_lost_refresh_answer_leads_to_a_login(make: Make, service: Service) -> None:
    keeper = make(service)
    _, generation = keeper.token()

    def lost(token: Secret) -> Tokens:
        service._refresh.pop(token.reveal())  # spent, though nobody will see the answer
        raise ConnectionFailed("no answer in time")

    keeper._refresh = lost
    token, _ = keeper.renew(generation)
    assert service.accepts(token)
    assert (service.logins, service.refused_refreshes) == (2, 0)


def test_a_refresh_answer_that_can_not_be_read_is_as_good_as_lost(make: Make, service: Service) -> None:
    keeper = make(service)
    _, generation = keeper.token()

    def garbled(token: Secret) -> Tokens:
        raise ContractViolation("answered something that is not JSON", body='{"access_token": "canary')

    keeper._refresh = garbled
    assert service.accepts(keeper.renew(generation)[0])
    assert service.logins == 2


def test_the_body_of_an_answer_with_a_token_is_not_kept(make: Make, service: Service) -> None:
    service.failing = ContractViolation("answered something that is not JSON", body='{"access_token": "canary')
    with pytest.raises(ContractViolation) as caught:
        make(service).token()
    assert caught.value.details == {}
    assert "canary" not in shown(caught.value)


def test_background_failures_back_off_and_are_told_on_the_card_alone(
    make: Make, service: Service, clock: FakeClock, capfd: pytest.CaptureFixture[str]
) -> None:
    keeper = make(service)
    token, _ = keeper.token()
    service.failing = ConnectionFailed("no route to the service")
    for _ in range(260):
        clock.advance(1.0)
    assert keeper.token()[0] == token  # nothing is raised while the token is good
    assert keeper.state().problem == "no route to the service"
    attempts = service.logins
    assert 3 <= attempts <= 9
    clock.advance(600.0)
    for _ in range(600):
        clock.advance(1.0)
    assert service.logins - attempts <= 600 / 30 + 4  # at most 60 s apart, at least half of that
    service.failing = None
    clock.advance(61.0)
    assert keeper.state().problem is None
    assert capfd.readouterr() == ("", "")


def test_a_rate_limit_in_the_background_is_waited_for(make: Make, service: Service, clock: FakeClock) -> None:
    keeper = make(service)
    keeper.token()
    service.failing = RateLimited("slow down", retry_after=1000.0)
    clock.advance(240.0)
    attempts = service.exchanges
    for _ in range(90):
        clock.advance(10.0)
    assert service.exchanges == attempts


def test_an_error_that_is_not_the_kits_own_reaches_the_caller_and_hides_its_text(
    make: Make, service: Service
) -> None:
    service.failing = RuntimeError("secret-canary")
    keeper = make(service)
    with pytest.raises(RuntimeError):
        keeper.token()
    assert keeper.problem == "unexpected RuntimeError"
    service.failing = None
    keeper.token()


def test_a_token_that_has_ended_already_is_an_error_and_no_loop(make: Make, service: Service) -> None:
    keeper = make(service)
    _, generation = keeper.token()
    calls = 0

    def ended(token: Secret) -> Tokens:
        nonlocal calls
        calls += 1
        return Tokens(Secret("ended"), Secret("ended"), 0.0)

    keeper._refresh = ended
    with pytest.raises(ContractViolation, match="expires_in"):
        keeper.renew(generation)
    assert (calls, service.logins) == (1, 1)
    assert keeper.renew(generation)[1] == generation + 1


# --- the end --------------------------------------------------------------------------------------------------------


def test_after_close_no_thread_is_left_and_calls_say_so(make: Make, service: Service, clock: FakeClock) -> None:
    keeper = make(service)
    keeper.token()
    assert len(clock.threads) == 1
    keeper.close()
    assert clock.threads == []
    for call in (keeper.token, lambda: keeper.renew(1)):
        with pytest.raises(SessionClosed):
            call()
    keeper.close()


def test_a_token_that_arrives_after_close_is_dropped(make: Make, service: Service) -> None:
    keeper = make(service)
    login = service.login

    def closed_meanwhile() -> Tokens:
        keeper.close()
        return login()

    keeper._login = closed_meanwhile
    with pytest.raises(SessionClosed):
        keeper.token()
    assert keeper.state().seconds_left == 0.0


def test_a_keeper_that_is_garbage_collected_takes_its_thread_along(service: Service, clock: FakeClock) -> None:
    keeper = TokenKeeper(service.login, service.refresh, clock=clock, spawn=clock.spawn)
    keeper.token()
    clock.settle()
    assert len(clock.threads) == 1
    del keeper
    gc.collect()
    clock.settle()
    assert clock.threads == []


def run_script(body: str) -> subprocess.CompletedProcess[str]:
    script = (
        "import os, sys, threading, time\n"
        "from ledgerkit.auth import TokenKeeper, Tokens\n"
        "from ledgerkit.secret import Secret\n" + body
    )
    return subprocess.run(  # noqa: S603  # the interpreter that runs the tests
        [sys.executable, "-W", "error", "-c", script],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("end", ["", "sys.exit(0)", "raise SystemExit", "keeper.close()", "del keeper"])
def test_exit_while_a_refresh_is_under_way_says_nothing(end: str) -> None:
    done = run_script(
        "under_way = threading.Event()\n"
        "def refresh(token):\n"
        "    under_way.set()\n"
        "    time.sleep(0.5)\n"  # still busy when the interpreter ends
        "    return Tokens(Secret('b'), Secret('b'), 300.0)\n"
        "keeper = TokenKeeper(lambda: Tokens(Secret('a'), Secret('a'), 0.2), refresh)\n"
        "keeper.token()\n"
        "assert under_way.wait(10)\n" + end
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_exit_while_the_thread_waits_says_nothing_and_does_not_wait() -> None:
    done = run_script(
        "keeper = TokenKeeper(lambda: Tokens(Secret('a'), None, 300.0), None)\n"
        "keeper.token()\n"
        "assert keeper.state().thread_running\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
def test_a_forked_child_logs_in_for_itself_and_leaves_the_refresh_token_to_its_parent() -> None:
    done = run_script(
        "import warnings; warnings.simplefilter('ignore')\n"
        "logins = 0\n"
        "def login():\n"
        "    global logins; logins += 1\n"
        "    return Tokens(Secret(f'{os.getpid()}-{logins}'), Secret('single-use'), 300.0)\n"
        "keeper = TokenKeeper(login, None)\n"
        "parent = keeper.token()[0]\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    token = keeper.token()[0]\n"
        "    good = token != parent and logins == 2 and keeper.state().thread_running\n"
        "    keeper.close()\n"
        "    os._exit(0 if good else 1)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "assert keeper.token()[0] == parent\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# --- on the wire ----------------------------------------------------------------------------------------------------


def test_the_exchange_of_a_key() -> None:
    path, headers, body = token_request(ApiUser("minivault", "id", "secret"))
    assert path == "/auth/token"
    assert headers == {"X-Ledger-Workspace": "minivault"}
    assert body == {"api_key_id": "id", "api_key_secret": "secret"}


def test_the_exchange_of_a_refresh_token_behind_a_gateway() -> None:
    path, headers, body = refresh_request(ApiUser("minivault", "id", "secret", gateway_key="gate"), Secret("again"))
    assert path == "/auth/token/refresh"
    assert headers == {"X-Ledger-Workspace": "minivault", "X-Ledger-API-Key": "gate"}
    assert body == {"refresh_token": "again"}


@pytest.mark.parametrize(
    ("credentials", "expected"),
    [
        (ReportingKey("minivault", "rk"), {"x-ledger-workspace": "minivault", "x-ledger-reporting-api-key": "rk"}),
        (LAM("bob"), {"x-ledger-api-user": "bob"}),
        (
            LAM("bob", "key", "store"),
            {"x-ledger-api-user": "bob", "x-ledger-api-key": "key", "x-ledger-store-auth-token": "store"},
        ),
    ],
)
def test_the_headers_of_the_families_without_tokens(
    credentials: ReportingKey | LAM, expected: dict[str, str]
) -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    with httpx.Client(transport=httpx.MockTransport(answer), auth=auth_for(credentials)) as client:
        client.get("https://ledger.test/accounts")
    theirs = {name: value for name, value in sent[0].headers.items() if name.startswith(("x-ledger", "auth"))}
    assert theirs == expected


def test_the_headers_of_an_api_user(make: Make, service: Service) -> None:
    request = next(auth_for(CREDENTIALS, make(service)).auth_flow(httpx.Request("GET", "https://ledger.test/")))
    assert request.headers["X-Ledger-Workspace"] == "minivault"
    assert request.headers["Authorization"] == "Bearer access-0"
    with pytest.raises(TypeError, match="TokenKeeper"):
        auth_for(CREDENTIALS)


GOOD = {
    "access_token": "access-canary",
    "expires_in": 300,
    "refresh_token": "refresh-canary",
    "session_state": "state-canary",
    "token_type": "Bearer",
}


def test_an_answer_of_the_token_endpoint_is_read() -> None:
    tokens = tokens_from(GOOD)
    assert tokens == Tokens(Secret("access-canary"), Secret("refresh-canary"), 300.0, "state-canary")
    without = tokens_from({"access_token": "access", "expires_in": 300})
    assert without.refresh is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"access_token": None}, "access_token"),
        ({"access_token": ""}, "access_token"),
        ({"access_token": 7}, "access_token"),
        ({"access_token": "access-canary\n"}, "access_token"),
        ({"access_token": "access-canary\u2028"}, "access_token"),
        ({"refresh_token": ["refresh-canary"]}, "refresh_token"),
        ({"expires_in": None}, "expires_in"),
        ({"expires_in": "300"}, "expires_in"),
        ({"expires_in": True}, "expires_in"),
        ({"expires_in": 0}, "expires_in"),
        ({"expires_in": 0.02}, "expires_in"),  # was renewed 96 times in 1.5 s
        ({"expires_in": -1}, "expires_in"),
        ({"expires_in": float("nan")}, "expires_in"),
        ({"expires_in": float("inf")}, "expires_in"),
        ({"expires_in": 10**400}, "expires_in"),
        ({"token_type": "Basic"}, "token_type"),
    ],
)
def test_an_answer_that_can_not_be_used_names_the_field_and_shows_no_value(
    change: dict[str, object], field: str
) -> None:
    with pytest.raises(ContractViolation) as caught:
        tokens_from({**GOOD, **change})
    assert caught.value.details["field"] == field
    assert "canary" not in shown(caught.value)


@pytest.mark.parametrize("answer", [None, [], "access-canary", 7])
def test_an_answer_that_is_no_object_is_a_violation(answer: object) -> None:
    with pytest.raises(ContractViolation) as caught:
        tokens_from(answer)
    assert "canary" not in shown(caught.value)


# --- no secret anywhere ---------------------------------------------------------------------------------------------


def shown(error: BaseException) -> str:
    """Return all that a bug report may show of an error, local variables of the kit's frames included."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    frames = [frame for frame in report.stack if f"{os.sep}ledgerkit{os.sep}" in frame.filename]
    assert frames
    report.stack[:] = frames
    return "".join(report.format()) + repr(error) + str(error) + pickle.dumps(error).decode("latin-1")


def test_no_token_is_shown_by_anything_that_holds_one(make: Make, service: Service, clock: FakeClock) -> None:
    service._issue = lambda: tokens_from(GOOD)  # type: ignore[method-assign]  # stands in
    keeper = make(service)
    token, _ = keeper.token()
    user = ApiUser("minivault", "id-canary", "secret-canary", gateway_key="gate-canary")
    _, headers, body = token_request(user)
    _, _, refresh_body = refresh_request(user, Secret("refresh-canary"))
    for thing in (keeper, keeper.state(), keeper.__dict__, tokens_from(GOOD), headers, body, refresh_body):
        assert "canary" not in f"{thing!r}{thing!s}{thing}", type(thing)
    assert "canary" not in f"{token!r} {token} {ApiUserAuth(keeper, user).__dict__}"
    with pytest.raises(TypeError):
        pickle.dumps(keeper)
    with pytest.raises(TypeError):
        pickle.dumps(tokens_from(GOOD))


@pytest.mark.parametrize("failure", [AuthenticationError("no"), ConnectionFailed("no"), SessionClosed("no")])
def test_no_secret_is_shown_by_the_errors_of_a_keeper(make: Make, clock: FakeClock, failure: LedgerError) -> None:
    user = ApiUser("minivault", "id-canary", "secret-canary", gateway_key="gate-canary")
    service = Service(clock)

    def send(path: str, headers: dict[str, str], body: dict[str, str]) -> Tokens:
        raise failure

    keeper = make(service)
    keeper._login = lambda: send(*token_request(user))
    keeper._refresh = lambda refresh: send(*refresh_request(user, refresh))
    with client_of(keeper, service.answer) as client, pytest.raises(type(failure)) as caught:
        client.get("/accounts")
    assert "canary" not in shown(caught.value)
    keeper._login = lambda: tokens_from(GOOD)
    keeper.reset()
    _, generation = keeper.token()
    keeper._login = lambda: send(*token_request(user))
    with pytest.raises(type(failure)) as caught:
        keeper.renew(generation)
    assert "canary" not in shown(caught.value)
