"""What a keeper does when the service fails, and how it ends."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest
from bug_reports import shown
from clocks import FakeClock
from token_service import Make, Service

from ledgerkit.auth import (
    TokenKeeper,
    Tokens,
)
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
from ledgerkit.secret import Secret

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
        raise OutcomeUnknown("no answer in time")

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
    attempts = service.exchanges
    assert 3 <= attempts <= 9
    clock.advance(600.0)
    for _ in range(600):
        clock.advance(1.0)
    assert service.exchanges - attempts <= 600 / 30 + 4  # at most 60 s apart, at least half of that
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

    def ended(*token: Secret) -> Tokens:
        nonlocal calls
        calls += 1
        return Tokens(Secret("ended"), Secret("ended"), 0.0)

    login, keeper._login, keeper._refresh = keeper._login, ended, ended
    with pytest.raises(ContractViolation, match="expires_in") as caught:
        keeper.renew(generation)
    assert caught.value.details == {"field": "expires_in"}
    assert calls == 2  # the refresh, and then the login
    keeper._login = login
    assert keeper.renew(generation)[1] == generation + 1
    assert calls == 2


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
        cwd=Path(__file__).parents[2],
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
