"""Answers that would show a secret, hold a call without end, fill the memory, or break what reads them."""

import base64
import contextlib
import gzip
import json
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from serving import Act, Bytes, Reply, Seen, Server, in_turn, page, signed_in

import ledgerkit as lk
from ledgerkit import errors, transport
from ledgerkit.answers import decoded
from ledgerkit.clock import SystemClock
from ledgerkit.echoes import finder, hidden
from ledgerkit.secret import Secret

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]

KEY = "abc/DEF+ghi012345="


def failed(call: Callable[[], Any]) -> lk.LedgerError:
    try:
        call()
    except lk.LedgerError as error:
        return error
    raise AssertionError("nothing failed")


def all_of(error: lk.LedgerError) -> str:
    """What a notebook or a bug report may show of an error."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    return "".join(shown) + repr(error.details)


# --- secrets that come back -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        KEY,
        KEY.replace("/", r"\/"),
        KEY.replace("=", r"\u003d"),
        KEY.replace("/", r"\\\/"),
        KEY.replace("/", "&#x2F;"),
    ],
)
@pytest.mark.parametrize("body", ['{"message": "bad key %s"}', '{"seen": "%s"}', "<html>%s</html>", "bad key %s"])
def test_an_error_does_not_repeat_the_key_however_it_is_written(
    serve: Serve, connect_to: Connect, written: str, body: str
) -> None:
    server = serve(in_turn(Reply((body % written).encode(), 403)))
    error = failed(lambda: connect_to(server, lk.ReportingKey("acme", KEY)).accounts.search())
    assert isinstance(error, lk.PermissionDenied)
    assert "DEF+ghi012345" not in all_of(error)


def echo(seen: Seen) -> Reply:
    return Reply({"id": 7, "headers": dict(seen.headers.items())})


def echo_as_php_does(seen: Seen) -> Reply:
    return Reply(json.dumps(dict(seen.headers.items())).replace("/", r"\/").encode())


def echo_as_text(seen: Seen) -> Reply:
    return Reply(str(seen.headers).encode())


@pytest.mark.parametrize("echoing", [echo, echo_as_php_does, echo_as_text])
@pytest.mark.parametrize(
    "credentials",
    [
        lambda: lk.ReportingKey("acme", KEY),
        lambda: lk.ApiUser("acme", "key-id", "key-secret"),
        lambda: lk.LAM("DEF+ghi012345", "DEF+ghi012345-key"),
        lambda: lk.LAM("DEF+ghi012345"),
    ],
)
def test_a_good_answer_that_repeats_the_credentials_becomes_neither_a_frame_nor_a_detail(
    serve: Serve, connect_to: Connect, echoing: Callable[[Seen], Reply], credentials: Callable[[], Any]
) -> None:
    session = connect_to(serve(signed_in(echoing, access="abc/DEF+ghi012345.x.y")), credentials())
    for call in (session.accounts.search, session.organization.get, lambda: session.raw("GET", "/accounts/7")):
        error = failed(call)
        assert isinstance(error, lk.ContractViolation)
        assert "repeats the credentials" in str(error)
        assert "DEF+ghi012345" not in all_of(error)


def test_the_name_of_a_lam_user_and_a_short_key_may_be_in_an_answer(serve: Serve, connect_to: Connect) -> None:
    user = {"id": 7, "created_by": {"username": "treasury-robot-7"}, "key": "x"}
    session = connect_to(serve(in_turn(Reply(user))), lk.LAM("treasury-robot-7", "key"))
    assert session.raw("GET", "/accounts/7") == user


def test_a_write_whose_answer_repeats_the_credentials_was_sent(serve: Serve, connect_to: Connect) -> None:
    session = connect_to(serve(echo), lk.LAM("robot", "abc/DEF+ghi012345"), writes=True)
    error = failed(lambda: session.raw("POST", "/transactions", json={}))
    assert isinstance(error, lk.OutcomeUnknown)
    assert "DEF+ghi" not in all_of(error)


def test_what_is_escaped_is_not_taken_for_a_secret_that_is_not_there() -> None:
    assert not finder({"X-Ledger-Reporting-API-Key": Secret(KEY)})(rb'{"note": "a\nb \u00e9 \\ \/ 5 % R&D"}')
    assert hidden(r"a\/b", [KEY, ""]) == r"a\/b"


def seen_of(call: Callable[[], Any]) -> str:
    """What people see of a call, whether it succeeds or fails."""
    try:
        return str(call())
    except lk.LedgerError as error:
        return all_of(error)


CONFIGURATION = {"all": {"webhook": {"url": "https://x", "secret": "canary"}}}


@pytest.mark.parametrize(
    "answer",
    [
        Reply(CONFIGURATION),
        Reply([CONFIGURATION]),
        Reply(json.dumps(CONFIGURATION).encode() + b","),
        Reply(CONFIGURATION, 500),
        Reply(b"secret: canary", 400),
    ],
)
@pytest.mark.parametrize(
    "path", ["/notifications/configuration", "/%6eotifications/configuration", "/notifications%2Fconfiguration", None]
)
def test_the_secret_of_a_webhook_is_shown_nowhere(
    serve: Serve, connect_to: Connect, answer: Reply, path: str | None
) -> None:
    session = connect_to(serve(in_turn(answer)))
    assert "canary" not in seen_of(
        lambda: session.raw("GET", path) if path else session.notifications.configuration().to_csv()
    )


def test_a_cookie_is_neither_kept_nor_sent_back(serve: Serve, connect_to: Connect) -> None:
    server = serve(in_turn(Reply({}, headers={"Set-Cookie": "SID=canary; Path=/"})))
    session = connect_to(server)
    session.raw("GET", "/organization")
    session.raw("GET", "/organization")
    assert [seen.headers.get("Cookie") for seen in server.seen] == [None, None]


# --- answers that do not end ----------------------------------------------------------------------------------------


class Dripping:
    """A server that begins every answer and then sends one byte each 20 ms."""

    def __init__(self, status: str = "200 OK") -> None:
        self.status = status
        self.dropped = threading.Event()
        self.begun = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._drip, args=(connection,), daemon=True).start()

    def _drip(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(f"HTTP/1.1 {self.status}\r\nContent-Length: 1000000\r\n\r\n".encode())
            self.begun.set()
            for _ in range(500):
                connection.sendall(b" ")
                time.sleep(0.02)
        self.dropped.set()

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def dripping() -> Iterator[Callable[..., Dripping]]:
    with contextlib.ExitStack() as stack:

        def start(status: str = "200 OK") -> Dripping:
            return stack.enter_context(contextlib.closing(Dripping(status)))

        yield start


@pytest.mark.parametrize("status", ["200 OK", "500 No", "403 No"])
def test_an_answer_that_drips_is_given_up_in_time(dripping: Callable[..., Dripping], status: str) -> None:
    # Each byte is in time: httpx never gave up.
    server = dripping(status)
    began = time.monotonic()
    with lk.Session(
        lk.ReportingKey("acme", KEY), base_url=server.url, read_timeout=0.2, retry_seconds=0.3
    ) as session:
        with pytest.raises(lk.ConnectionFailed, match="no answer came in time"):
            session.raw("GET", "/organization")
        assert time.monotonic() - began < 3
        assert server.dropped.wait(5)  # the connection is let go


def test_a_refused_token_whose_answer_drips_is_given_up_in_time(
    dripping: Callable[..., Dripping], serve: Serve
) -> None:
    # The sign-in reads this answer, before the transport sees it.
    server = serve(signed_in(in_turn(Reply({}))))
    with lk.Session(lk.ApiUser("acme", "key-id", "key-secret"), base_url=server.url) as session:
        assert session.raw("GET", "/organization") == {}
        session._transport.base_url = dripping("401 No").url
        session._transport._retry_seconds = session._transport._read_timeout = 0.2
        with pytest.raises(lk.ConnectionFailed, match="no answer came in time"):
            session.raw("GET", "/organization")


def test_a_write_whose_answer_drips_may_have_been_carried_out(dripping: Callable[..., Dripping]) -> None:
    settings: dict[str, Any] = {"read_timeout": 0.2, "retry_seconds": 0.2, "writes": True}
    with (
        lk.Session(lk.LAM("robot"), base_url=dripping().url, **settings) as session,
        pytest.raises(lk.OutcomeUnknown),
    ):
        session.raw("POST", "/transactions", json={})


def test_a_read_that_is_given_up_lets_its_connection_go_though_the_answer_drips(
    dripping: Callable[..., Dripping],
) -> None:
    server = dripping()
    cancel = threading.Event()
    with lk.Session(lk.ReportingKey("acme", KEY), base_url=server.url) as session:

        def ask() -> None:
            with contextlib.suppress(errors.Cancelled):
                session._transport.request("GET", "/organization", cancel=cancel)

        thread = threading.Thread(target=ask)
        thread.start()
        assert server.begun.wait(5)
        cancel.set()
        assert server.dropped.wait(5)
        thread.join(5)
        assert not thread.is_alive()


def test_an_answer_may_take_its_time_where_little_is_left_of_the_call(serve: Serve) -> None:
    server = serve(in_turn(Reply({"name": "A" * 500_000})))
    with lk.Session(
        lk.ReportingKey("acme", KEY), base_url=server.url, clock=SystemClock(), retry_seconds=1e-6
    ) as session:
        assert len(session.raw("GET", "/organization")["name"]) == 500_000


def test_an_answer_that_unpacks_to_more_than_fits_is_refused_with_advice(
    serve: Serve, connect_to: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "LARGEST_ANSWER", 2**20)
    bomb = gzip.compress(b" " * 30 * 2**20)
    packed = Reply(bomb, headers={"Content-Encoding": "gzip"})
    with pytest.raises(lk.ContractViolation, match=r"more than 1 MB.*limit="):
        connect_to(serve(in_turn(packed))).raw("GET", "/accounts")
    writing = connect_to(serve(in_turn(packed)), lk.LAM("robot"), writes=True)
    with pytest.raises(lk.OutcomeUnknown, match="more than 1 MB"):
        writing.raw("POST", "/transactions", json={})


def test_of_an_error_only_the_beginning_is_read(serve: Serve, connect_to: Connect) -> None:
    session = connect_to(serve(in_turn(Reply(b"too long " * 2**20, 400), Reply({"id": 1}))))
    with pytest.raises(lk.InvalidRequest, match="too long too long"):
        session.raw("GET", "/accounts")
    assert session.raw("GET", "/accounts") == {"id": 1}


def test_a_page_of_many_titles_is_read_in_no_time(serve: Serve, connect_to: Connect) -> None:
    # The search for the end of each took 10 s for these 63 kB.
    server = serve(in_turn(Reply(b"<html>" + b"<title>" * 9000, 500)))
    began = time.process_time()
    with pytest.raises(lk.ServerError, match="an HTML page came"):
        connect_to(server).raw("GET", "/organization")
    assert time.process_time() - began < 1


# --- answers that break what reads them -----------------------------------------------------------------------------


@pytest.mark.parametrize("charset", ["hex", "rot13", "undefined", "zlib", "base64"])
@pytest.mark.parametrize("status", [200, 500])
def test_a_charset_that_is_none_for_text_is_passed_over(
    serve: Serve, connect_to: Connect, charset: str, status: int
) -> None:
    answer = Reply(b"abc", status, {"Content-Type": f"text/plain; charset={charset}"})
    with pytest.raises(lk.LedgerError) as caught:
        connect_to(serve(in_turn(answer))).raw("GET", "/organization")
    assert isinstance(caught.value, lk.ServerError if status == 500 else lk.ContractViolation)


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def jwt(depth: int) -> str:
    claims = b'{"pub_key": %s}' % nested(depth)
    return f"canary.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.canary"


def test_a_token_nested_too_deep_names_no_user_and_is_shown_nowhere(serve: Serve, connect_to: Connect) -> None:
    server = serve(signed_in(in_turn(page([{"id": 1, "pub_key": "04FF"}])), access=jwt(20_000)))
    error = failed(connect_to(server, lk.ApiUser("acme", "key-id", "key-secret")).me)
    assert isinstance(error, lk.NotFound)
    assert "canary" not in all_of(error)


def test_an_address_nested_too_deep_is_refused(serve: Serve, connect_to: Connect) -> None:
    server = serve(in_turn(Reply(jwt(50_000))))
    with pytest.raises(lk.ContractViolation, match="nested too deep"):
        connect_to(server).accounts.receive_address(5)


def test_an_answer_of_notifications_may_be_nested_deep(serve: Serve, connect_to: Connect) -> None:
    body = nested(900)
    assert connect_to(serve(in_turn(Reply(body)))).raw("GET", "/notifications/x") == decoded(body)[0]


def test_an_error_may_be_nested_as_deep_as_json_is_read(serve: Serve, connect_to: Connect) -> None:
    # There are depths that can still be decoded, but not be shown.
    answers = [Reply(nested(depth), 400) for depth in range(850, 1000, 3)]
    session = connect_to(serve(in_turn(*answers)))
    for _ in answers:
        with pytest.raises(lk.InvalidRequest):
            session.organization.get()


@pytest.mark.parametrize("status", [300, 301, 302, 303])
def test_a_write_answered_with_a_redirect_may_have_been_carried_out(
    serve: Serve, connect_to: Connect, status: int
) -> None:
    answer: Act = Reply(status=status, headers={"Location": "/requests/77"})
    with pytest.raises(lk.OutcomeUnknown, match="redirect"):
        connect_to(serve(in_turn(answer)), lk.LAM("robot"), writes=True).raw("POST", "/transactions", json={})


@pytest.mark.parametrize("status", [307, 308])
def test_a_write_that_is_to_be_sent_elsewhere_was_refused(serve: Serve, connect_to: Connect, status: int) -> None:
    answer: Act = Reply(status=status, headers={"Location": "/elsewhere"})
    with pytest.raises(lk.ConnectionFailed, match="is not followed"):
        connect_to(serve(in_turn(answer)), lk.LAM("robot"), writes=True).raw("POST", "/transactions", json={})


def test_a_redirect_to_no_address_is_an_error_of_the_kit(serve: Serve, connect_to: Connect) -> None:
    answer = Bytes(b"HTTP/1.1 302 Found\r\nLocation: https://[\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(lk.LedgerError):
        connect_to(serve(in_turn(answer)), retry_seconds=1).raw("GET", "/organization")


def test_a_socks_proxy_without_its_package_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://user:canary@proxy:1080")
    error = failed(lambda: lk.Session(lk.ReportingKey("acme", KEY)))
    assert isinstance(error, lk.ConfigurationError)
    assert "SOCKS" in str(error)
    assert "canary" not in all_of(error)


@pytest.mark.parametrize(
    "host", ["api..vault.ledger.com", "10.0.0.999", f"{'a' * 64}.com", ".example.com", f"{'a.' * 130}com", "a,b.com"]
)
def test_a_host_that_can_not_be_one_is_refused_where_it_is_read(host: str) -> None:
    with pytest.raises(lk.ConfigurationError, match="names no host"):
        lk.Session(lk.ReportingKey("acme", KEY), base_url=f"https://{host}")


@pytest.mark.parametrize("host", ["lam", "lam.example.com.", "lam_1.internal:8443", "10.0.0.9", "[2001:db8::1]:443"])
def test_hosts_of_any_house_are_taken(host: str) -> None:
    with lk.Session(lk.ReportingKey("acme", KEY), base_url=f"https://{host}") as session:
        assert host in session.base_url
