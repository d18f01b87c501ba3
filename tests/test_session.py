"""The session as people hold it: what it shows, how it ends, and what it leaves behind (nothing)."""

import asyncio
import base64
import gc
import html
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import traceback
import weakref
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from serving import (
    Drop,
    HandClock,
    Handler,
    LeapingClock,
    Reply,
    Seen,
    Server,
    Stall,
    in_turn,
    listing,
    page,
    signed_in,
    tokens,
)

import ledgerkit as lk
from ledgerkit.clock import SystemClock
from ledgerkit.session import SECONDS_TO_SIGN_IN
from ledgerkit.transport import Transport

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]

ROWS = [{"id": one, "created_on": "2026-01-01T00:00:00Z"} for one in range(1000)]


def api_user() -> lk.ApiUser:
    return lk.ApiUser("acme", "canary-key-id", "canary-key-secret")


FAMILIES: dict[str, Callable[[], Any]] = {
    "an API user": api_user,
    "a reporting key": lambda: lk.ReportingKey("acme", "canary-reporting-key"),
    "a LAM": lambda: lk.LAM("canary-user", "canary-api-key", "canary-store-token"),
}


# --- what it shows --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_the_card_says_who_one_is_and_never_how(serve: Serve, connect_to: Connect, family: str) -> None:
    server = serve(signed_in(in_turn(Reply({})), access="canary-access"))
    session = connect_to(server, FAMILIES[family](), clock=SystemClock(), writes=True)
    session.raw("GET", "/organization")
    for shown in (repr(session), session._repr_html_()):
        assert "LOCAL" in shown
        assert server.url in shown
        assert family in shown
        assert "reads and writes" in shown
        assert ("acme" in shown) == (family != "a LAM")
        assert ("s left" in shown) == (family == "an API user")
        assert "canary" not in shown
        assert "********" not in shown  # not even that there is one


def test_the_card_follows_the_life_of_the_token(serve: Serve, connect_to: Connect) -> None:
    clock = HandClock()
    session = connect_to(serve(signed_in(in_turn(Reply({})))), api_user(), clock=clock)
    assert "token: none yet: the next call asks for one" in repr(session)
    session.raw("GET", "/organization")
    assert "token: 300 s left" in repr(session)
    clock.wait_for(threads=1)  # the thread that renews it
    clock.advance(100)
    assert "token: 200 s left" in repr(session)
    session.close()
    assert "state: closed" in repr(session)
    assert "token" not in repr(session)


def test_the_card_says_why_there_is_no_token(serve: Serve, connect_to: Connect) -> None:
    server = serve(in_turn(Reply({"message": "the key was revoked"}, 401)))
    session = connect_to(server, api_user())
    with pytest.raises(lk.AuthenticationError):
        session.raw("GET", "/organization")
    assert "the key was revoked" in repr(session)
    assert "the key was revoked" in session._repr_html_()


@pytest.mark.parametrize(
    ("url", "environment"),
    [
        ("https://api.vault.ledger.com", "PRODUCTION"),
        ("https://api.vault.ledger.com/", "PRODUCTION"),
        ("https://acme-test-7.minivault.example.com/api-gateway", "TENANT"),
        ("http://127.0.0.1:8080", "LOCAL"),
    ],
)
def test_the_environment_is_a_word(url: str, environment: str) -> None:
    with lk.Session(lk.ReportingKey("acme", "key"), base_url=url) as session:
        assert session.environment == environment
        assert f"<strong>Ledger Enterprise · {environment}</strong>" in session._repr_html_()


def test_a_session_reads_only_unless_told_otherwise() -> None:
    with lk.Session(lk.ReportingKey("acme", "key")) as session:
        assert "rights: reads only" in repr(session)


def test_nothing_in_the_card_is_taken_for_html(serve: Serve, connect_to: Connect) -> None:
    evil = "<img src=x onerror=alert(1)>"
    server = serve(in_turn(Reply({"message": evil}, 401)))
    session = connect_to(server, lk.ApiUser(evil, "key-id", "key-secret"))
    with pytest.raises(lk.AuthenticationError):
        session.raw("GET", "/organization")
    card = session._repr_html_()
    assert evil not in card
    assert card.count(html.escape(evil)) == 2
    tags: set[str] = set()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.add(tag)  # type: ignore[method-assign]  # a listener
    parser.feed(card)
    assert tags == {"div", "strong", "table", "tr", "td"}


def test_ipython_shows_the_card() -> None:
    formatters = pytest.importorskip("IPython.core.formatters", reason="no IPython is installed")
    with lk.Session(lk.ReportingKey("acme", "canary")) as session:
        assert formatters.HTMLFormatter()(session) == session._repr_html_()
        assert formatters.PlainTextFormatter()(session) == repr(session)


# --- how it ends ----------------------------------------------------------------------------------------------------


def test_a_closed_session_says_so(serve: Serve, connect_to: Connect) -> None:
    server = serve(signed_in(in_turn(Reply({}))))
    session = connect_to(server, api_user(), clock=SystemClock())
    with session as entered:
        assert entered is session
        session.raw("GET", "/organization")
    for call in (
        lambda: session.raw("GET", "/organization"),
        session.accounts.search,
        lambda: session.accounts.get([1, 2]),
    ):
        with pytest.raises(lk.SessionClosed, match=r"closed"):
            call()
    assert server.paths() == ["/organization"]
    session.close()  # twice is fine


def test_two_sessions_live_side_by_side(serve: Serve, connect_to: Connect) -> None:
    def answer(name: str) -> Handler:
        return signed_in(lambda seen: Reply({"name": name, "token": seen.headers["Authorization"]}), access=name)

    one = connect_to(serve(answer("one")), api_user(), clock=SystemClock())
    two = connect_to(serve(answer("two")), api_user(), clock=SystemClock())
    for _ in range(2):
        assert one.raw("GET", "/organization") == {"name": "one", "token": "Bearer one"}
        assert two.raw("GET", "/organization") == {"name": "two", "token": "Bearer two"}
    one.close()
    assert two.raw("GET", "/organization")["name"] == "two"


def kit_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("ledgerkit-")]


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.005)


def used(server: Server) -> lk.Session:
    session = lk.Session(api_user(), base_url=server.url)
    assert len(session.accounts.search()) == len(ROWS)
    return session


def test_no_thread_is_left_after_close(serve: Serve) -> None:
    gc.collect()
    wait_until(lambda: kit_threads() == [], "a thread of an earlier test stayed")
    session = used(serve(signed_in(listing(ROWS))))
    assert kit_threads() == ["ledgerkit-token"]
    session.close()
    assert kit_threads() == []


def test_no_thread_is_left_of_a_session_that_is_dropped(serve: Serve) -> None:
    session = used(serve(signed_in(listing(ROWS))))
    section, gone = session.accounts, weakref.ref(session)
    del session
    gc.collect()
    assert gone() is None
    assert len(section.search()) == len(ROWS)  # which goes on as long as a section of it is held
    del section
    gc.collect()
    wait_until(lambda: kit_threads() == [], "the thread that renews the token stayed")


@pytest.mark.parametrize("ending", ["", "session.close()", "del session", "raise SystemExit", "os._exit(0)"])
def test_the_interpreter_ends_at_once_and_in_silence(serve: Serve, ending: str) -> None:
    server = serve(signed_in(in_turn(Reply({}))))
    code = f"""
        import os
        import ledgerkit as lk
        session = lk.Session(lk.ApiUser("acme", "id", "secret"), base_url={server.url!r})
        session.raw("GET", "/organization")
        {ending}
    """
    assert run(code) == ""


def test_the_interpreter_does_not_wait_for_calls_that_hang(serve: Serve) -> None:
    server = serve(in_turn(Stall()))
    code = f"""
        import contextlib, threading
        import ledgerkit as lk
        session = lk.Session(lk.ReportingKey("acme", "key"), base_url={server.url!r})
        def read():
            with contextlib.suppress(lk.SessionClosed):  # a call that the end comes before is told so
                session.accounts.get([1, 2, 3])
        threading.Thread(target=read, daemon=True).start()
        while len(session._transport._wire.sockets) < 3:
            pass
    """
    begin = time.monotonic()
    assert run(code) == ""
    assert time.monotonic() - begin < 15


def run(code: str) -> str:
    """Run code in an interpreter of its own, where warnings are errors, and return what it wrote to stderr."""
    done = subprocess.run(  # noqa: S603 - the test wrote it
        [sys.executable, "-X", "dev", "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        cwd=Path(lk.__file__).parents[1],
    )
    return done.stderr


# --- where it is used -----------------------------------------------------------------------------------------------


def test_calls_work_where_an_event_loop_runs_as_in_every_notebook(serve: Serve, connect_to: Connect) -> None:
    session = connect_to(serve(listing(ROWS)))

    async def cell() -> int:
        return len(session.accounts.search())

    assert asyncio.run(cell()) == len(ROWS)


def test_calls_work_from_many_threads_at_once(serve: Serve, connect_to: Connect) -> None:
    server = serve(signed_in(listing(ROWS)))
    session = connect_to(server, api_user(), clock=SystemClock())
    lengths: list[int] = []
    threads = [threading.Thread(target=lambda: lengths.append(len(session.accounts.search()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lengths == [len(ROWS)] * 8
    assert [seen.path for seen in server.seen].count("/auth/token") == 1


def test_an_interrupt_of_a_long_read_leaves_the_session_usable_and_no_thread(
    serve: Serve, connect_to: Connect
) -> None:
    pages = listing(ROWS)

    def is_interrupted(seen: Seen) -> bool:
        return "currency" in seen.query

    def handle(seen: Seen) -> Any:
        return Stall() if is_interrupted(seen) and seen.query["page"] != ["1"] else pages(seen)

    server = serve(handle)
    session = connect_to(server, clock=SystemClock(), read_timeout=0.5, concurrency=3)

    def interrupt() -> None:
        server.wait_for(requests=4)  # the first page, and three that stall
        os.kill(os.getpid(), signal.SIGINT)

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        session.transactions.search(currency="bitcoin")
    interrupter.join()
    assert len(session.transactions.search()) == len(ROWS)
    wait_until(lambda: kit_threads() == [], "threads of the read that was given up stayed")
    assert sum(map(is_interrupted, server.seen)) == 4  # it asked for nothing more


def test_a_failure_of_one_page_ends_the_read_at_once(serve: Serve, connect_to: Connect) -> None:
    pages = listing(ROWS)
    server = serve(lambda seen: Reply({}, 500) if seen.query.get("page") == ["4"] else pages(seen))
    with pytest.raises(lk.ServerError):
        connect_to(server).transactions.search()
    wait_until(lambda: kit_threads() == [], "threads of the read that failed stayed")


def test_a_token_that_was_revoked_is_renewed_and_the_call_repeated(serve: Serve, connect_to: Connect) -> None:
    valid = "first"

    def handle(seen: Seen) -> Reply:
        if seen.path.startswith("/auth/"):
            return tokens(valid)
        return Reply({}) if seen.headers["Authorization"] == f"Bearer {valid}" else Reply({}, 401)

    server = serve(handle)
    session = connect_to(server, api_user(), clock=SystemClock())
    session.raw("GET", "/organization")
    valid = "second"
    session.raw("GET", "/organization")
    assert [seen.path for seen in server.seen] == [
        "/auth/token",
        "/organization",
        "/organization",
        "/auth/token/refresh",
        "/organization",
    ]


def test_connect_signs_in_at_once_so_that_a_wrong_key_shows_at_once(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    server = serve(in_turn(Reply({"message": "unknown key"}, 401)))
    env = tmp_path / ".env"
    env.write_text(
        f"LEDGER_ENTERPRISE_API_URL={server.url}\nLEDGER_ENTERPRISE_WORKSPACE=acme\n"
        "LEDGER_ENTERPRISE_API_KEY_ID=id\nLEDGER_ENTERPRISE_API_KEY_SECRET=secret\n"
    )
    with pytest.raises(lk.AuthenticationError, match="unknown key"):
        lk.connect()
    assert kit_threads() == []


def test_connect_reads_the_file_that_it_is_given(serve: Serve, tmp_path: Path) -> None:
    server = serve(signed_in(in_turn(Reply({"name": "Acme"}))))
    env = tmp_path / "treasury.env"
    env.write_text(
        f"LEDGER_ENTERPRISE_TREASURY_API_URL={server.url}\nLEDGER_ENTERPRISE_TREASURY_WORKSPACE=acme\n"
        "LEDGER_ENTERPRISE_TREASURY_REPORTING_API_KEY=key\n"
    )
    with lk.connect("treasury", env_file=env, tz="Europe/Paris", read_timeout=5) as session:
        assert (session.workspace, session.family, session.writes) == ("acme", "reporting_key", False)
        assert session.organization.get()["name"].tolist() == ["Acme"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"timeout": 5}, "there is no setting `timeout`"),
        ({"read_timeout": 0}, "a number above 0"),
        ({"read_timeout": "5"}, "a number above 0"),
        ({"concurrency": 1.5}, "a number above 0"),
        ({"concurrency": True}, "a number above 0"),
        ({"share": 2}, "`share` = 2"),
        ({"retry_seconds": float("nan")}, "a number above 0"),
        ({"tz": "Europe/Pariss"}, "Did you mean Europe/Paris"),
        ({"tz": "../../etc/passwd"}, "no time zone"),
        ({"tz": None}, "no time zone"),
    ],
)
def test_a_setting_that_can_not_be_used_is_refused_in_words(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(lk.ConfigurationError, match=said):
        lk.Session(lk.ReportingKey("acme", "key"), **settings)


def test_a_session_does_nothing_before_the_first_call(serve: Serve, connect_to: Connect) -> None:
    server = serve(in_turn(Drop()))
    session = connect_to(server, api_user(), clock=LeapingClock())
    assert "LOCAL" in repr(session)
    assert server.seen == []
    assert kit_threads() == []


def test_the_sandbox_takes_no_credentials_and_shows_none_that_it_was_given() -> None:
    try:
        lk.connect("sandbox", api_key_secret="canary")
    except lk.ConfigurationError as caught:
        error = caught
    assert "the sandbox takes no credentials and no `api_key_secret`" in str(error)
    frames = traceback.TracebackException.from_exception(error, capture_locals=True).stack[1:]  # not this one
    assert "canary" not in "".join(traceback.StackSummary.from_list(frames).format())


def test_a_name_with_line_breaks_adds_no_lines_to_the_card(serve: Serve, connect_to: Connect) -> None:
    claims = base64.urlsafe_b64encode(b'{"pub_key": "04AB"}').decode().rstrip("=")
    me = {"id": 1, "username": "bob\nrights:\x1b[31m\u202e all", "pub_key": "04AB"}
    server = serve(signed_in(in_turn(page([me])), access=f"a.{claims}.c"))
    session = connect_to(server, api_user())
    session.me()
    assert "bob rights: [31m all" in repr(session)
    assert repr(session).isprintable()


def test_a_section_keeps_its_session_open() -> None:
    # The session was dropped, and so closed, before its section had searched.
    assert len(lk.connect("sandbox", transactions=300).transactions.search(limit=3)) == 3
    accounts = lk.connect("sandbox", transactions=300).accounts
    gc.collect()
    assert len(accounts.search(limit=3)) == 3


def test_a_session_stays_what_it_was_opened_as(serve: Serve, connect_to: Connect) -> None:
    session = connect_to(serve(lambda seen: Reply({})))
    for name, value in (("writes", True), ("base_url", "https://api.vault.ledger.com"), ("sandbox", object())):
        with pytest.raises(AttributeError):
            setattr(session, name, value)
    with pytest.raises(lk.PermissionDenied):
        session.raw("POST", "/requests", json={})


def test_an_address_where_nobody_answers_is_named_after_seconds_and_not_minutes() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
    clock = LeapingClock()
    transport, began = Transport(address, clock=clock), clock.monotonic()
    with pytest.raises(lk.ConnectionFailed, match=re.escape(f"Check whether {address} is the right address")):
        transport.request("POST", "/auth/token", json={}, safe=True, seconds=SECONDS_TO_SIGN_IN)
    assert clock.monotonic() - began <= SECONDS_TO_SIGN_IN


def test_a_second_person_joins_the_sandbox_of_the_first() -> None:
    with lk.connect("sandbox", transactions=250, writes=True) as operator:
        with lk.connect("sandbox", join=operator, role="ADMIN") as administrator:
            assert administrator.base_url == operator.base_url
            assert administrator.environment == "SANDBOX"
            assert (operator.me()["role"].tolist(), administrator.me()["role"].tolist()) == (["OPERATOR"], ["ADMIN"])
        assert len(operator.organization.get()) == 1  # who joined does not end it
    with pytest.raises(lk.ConfigurationError, match="`role` = 'CEO': it is one of OPERATOR, ADMIN"):
        lk.connect("sandbox", role="CEO")
    with pytest.raises(lk.ConfigurationError, match="`join` takes a session on the sandbox"):
        lk.connect("sandbox", join="me")


def test_the_time_of_the_service_is_asked_for_once_where_no_answer_told_it(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session]
) -> None:
    server = serve(lambda seen: Reply({"message": "not for you"}, 403, {"Date": "Fri, 27 Mar 2026 10:00:00 GMT"}))
    session = connect_to(server)
    assert str(session.server_time()) == str(session.server_time()) == "2026-03-27 10:00:00+00:00"
    assert server.paths() == ["/organization"]


def test_the_units_of_accounts_are_had_by_id() -> None:
    with lk.connect("sandbox") as session:
        units = session.units([1, 37])
    coin, fees = units[1].amount, units[37].fees
    assert coin is not None
    assert fees is not None
    assert (coin.code, coin.magnitude, fees.code) == ("BTC", 8, "ETH")


def test_an_answer_without_a_date_leaves_the_time_of_the_service_as_it_was_told(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session]
) -> None:
    dated = Reply({"name": "Acme"}, headers={"Date": "Fri, 27 Mar 2026 10:00:00 GMT"})
    session = connect_to(serve(in_turn(dated, Reply({"name": "Acme"}))))
    session.organization.get()
    session.organization.get()
    assert str(session.server_time()) == "2026-03-27 10:00:00+00:00"


def test_a_clock_that_is_set_back_does_not_set_the_time_of_the_service_back(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session]
) -> None:
    clock = LeapingClock()
    dated = Reply({"name": "Acme"}, headers={"Date": "Fri, 27 Mar 2026 10:00:00 GMT"})
    session = connect_to(serve(lambda seen: dated), clock=clock)
    session.organization.get()
    clock.advance(60)
    clock.wall -= 600
    assert str(session.server_time()) == "2026-03-27 10:01:00+00:00"
    clock.wall += 3600  # the machine slept, and its stopwatch with it
    assert str(session.server_time()) == "2026-03-27 10:51:00+00:00"
