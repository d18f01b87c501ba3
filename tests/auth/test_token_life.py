"""The life of a token, told with a clock that is moved by hand and a service that keeps strict books."""

import logging
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from clocks import FakeClock, no_threads
from token_service import DAY, Make, Service, client_of

from ledgerkit.auth import (
    TokenKeeper,
    Tokens,
)
from ledgerkit.errors import (
    AuthenticationError,
    LedgerError,
    ServerError,
)
from ledgerkit.secret import Secret

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
