"""What is sent, what is sent again, and how every kind of answer and of silence becomes an error with advice."""

import email.utils
import gzip
import logging
import pickle
import re
import socket
import ssl
import threading
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from serving import Act, Bytes, Drop, LeapingClock, Reply, Seen, Server, Stall, in_turn, page, signed_in, tokens

import ledgerkit as lk
from ledgerkit import errors
from ledgerkit.credentials import Credentials
from ledgerkit.transport import Transport

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]

GOOD = Reply({"name": "Acme"})
NOW = LeapingClock().time()


def http_date(seconds_from_now: float) -> str:
    return email.utils.formatdate(NOW + seconds_from_now, usegmt=True)


# --- reads are sent again -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(Drop(), id="dropped"),
        pytest.param(Bytes(b"\x00\x01 not HTTP"), id="no HTTP"),
        pytest.param(Reply({"name": "Acme"}, cut_after=5), id="cut off"),
        pytest.param(Reply(b"not gzip", headers={"Content-Encoding": "gzip"}), id="broken compression"),
        pytest.param(Reply(status=502), id="502"),
        pytest.param(Reply(status=503), id="503"),
        pytest.param(Reply(status=504), id="504"),
        pytest.param(Reply(status=420), id="420"),
        pytest.param(Reply(status=429), id="429"),
    ],
)
def test_a_read_that_failed_is_sent_again(serve: Serve, connect_to: Connect, failure: Act) -> None:
    server = serve(in_turn(failure, failure, GOOD))
    assert connect_to(server).raw("GET", "/organization") == {"name": "Acme"}
    assert server.paths() == ["/organization"] * 3


def test_a_read_that_is_not_answered_in_time_is_sent_again(serve: Serve, connect_to: Connect) -> None:
    server = serve(in_turn(Stall(), GOOD))
    assert connect_to(server, read_timeout=0.05).raw("GET", "/organization") == {"name": "Acme"}


def test_a_read_is_sent_again_where_nobody_listens_yet(connect_to: Connect) -> None:
    with Server(in_turn(GOOD)) as gone:
        pass
    clock = LeapingClock()
    with pytest.raises(lk.ConnectionFailed, match=r"no connection could be made\. Check whether") as caught:
        connect_to(gone, clock=clock, retry_seconds=30).raw("GET", "/organization")
    assert len(clock.waits) > 1
    assert caught.value.call == "GET /organization"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 418, 422, 500, 501, 505])
def test_other_answers_are_final(serve: Serve, connect_to: Connect, status: int) -> None:
    server = serve(in_turn(Reply({"message": "no"}, status), GOOD))
    with pytest.raises(lk.LedgerError):
        connect_to(server).raw("GET", "/organization")
    assert len(server.seen) == 1


def test_all_attempts_of_a_read_share_one_budget_of_time(serve: Serve, connect_to: Connect) -> None:
    server, clock = serve(in_turn(Reply(status=503))), LeapingClock()
    with pytest.raises(lk.ServerError, match="503"):
        connect_to(server, clock=clock, retry_seconds=60).raw("GET", "/organization")
    assert 5 < len(server.seen) < 60
    assert sum(clock.waits) <= 60


def test_waits_grow_and_are_drawn_at_random_so_that_many_clients_do_not_return_in_step(serve: Serve) -> None:
    server, clock = serve(in_turn(Reply(status=503))), LeapingClock()
    transport = Transport(server.url, clock=clock, jitter=lambda: 1.0, retry_seconds=60)
    with pytest.raises(lk.ServerError):
        transport.request("GET", "/organization")
    transport.close()
    assert clock.waits == [0.5, 1, 2, 4, 8, 16, 20]


@pytest.mark.parametrize(
    ("announced", "seconds"),
    [
        ({"Retry-After": "5"}, 5),
        ({"Retry-After": "0.5"}, 0.5),
        ({"Retry-After": http_date(7)}, 7),
        ({"X-RateLimit-Reset": "9"}, 9),
        ({"X-RateLimit-Reset": str(int(NOW) + 11)}, 11),
        ({"X-RateLimit-Reset": str((int(NOW) + 12) * 1000)}, 12),
        ({"Retry-After": "junk", "X-RateLimit-Reset": "9"}, 9),
        ({"Retry-After": "-1"}, 1),
        ({"Retry-After": "nan"}, 1),
        ({"Retry-After": "1e400"}, 1),
        ({"Retry-After": "9" * 400}, 1),
        ({"Retry-After": "Someday, 99 Foo 2099"}, 1),
        ({"Retry-After": ""}, 1),
        ({}, 1),
    ],
)
def test_the_wait_that_the_service_asks_for_is_kept(
    serve: Serve, connect_to: Connect, announced: dict[str, str], seconds: float
) -> None:
    clock = LeapingClock()
    connect_to(serve(in_turn(Reply(status=420, headers=announced), GOOD)), clock=clock).raw("GET", "/organization")
    assert clock.waits == [seconds]


def test_a_moment_that_has_passed_is_no_wait(serve: Serve, connect_to: Connect) -> None:
    clock = LeapingClock()
    past = Reply(status=420, headers={"Retry-After": http_date(-3600)})
    connect_to(serve(in_turn(past, GOOD)), clock=clock).raw("GET", "/organization")
    assert all(wait < 0.5 for wait in clock.waits)


def test_a_date_is_measured_by_the_clock_of_the_server(serve: Serve, connect_to: Connect) -> None:
    slow = LeapingClock(wall=NOW - 86_400)  # this machine lags a day behind
    answer = Reply(status=420, headers={"Retry-After": http_date(7), "Date": http_date(0)})
    connect_to(serve(in_turn(answer, GOOD)), clock=slow).raw("GET", "/organization")
    assert slow.waits == [7]


def test_a_wait_beyond_the_budget_is_an_error_that_names_it(serve: Serve, connect_to: Connect) -> None:
    server = serve(in_turn(Reply(status=420, headers={"Retry-After": "3600"})))
    with pytest.raises(lk.RateLimited, match="asks to wait 3600") as caught:
        connect_to(server).raw("GET", "/organization")
    assert caught.value.details["retry_after"] == 3600
    assert len(server.seen) == 1


# --- what acts is sent once -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "failure", [Drop(), Reply(status=502), Reply(status=503), Reply(status=420), Reply(status=429)]
)
@pytest.mark.parametrize("raw", [False, True])
def test_sync_is_sent_once_whatever_fails(serve: Serve, connect_to: Connect, failure: Act, raw: bool) -> None:
    server = serve(in_turn(failure))
    session = connect_to(server)
    with pytest.raises(lk.LedgerError):
        session.raw("GET", "/accounts/7/sync") if raw else session.accounts.sync(7)
    assert server.paths() == ["/accounts/7/sync"]


def test_sync_is_sent_once_where_the_answer_does_not_come(serve: Serve, connect_to: Connect) -> None:
    server = serve(in_turn(Stall()))
    with pytest.raises(lk.ConnectionFailed, match="no answer came in time"):
        connect_to(server, read_timeout=0.05).accounts.sync(7)
    assert server.paths() == ["/accounts/7/sync"]


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(Drop(), id="dropped"),
        pytest.param(Stall(), id="stalled"),
        pytest.param(Reply({"id": 1}, cut_after=3), id="cut off"),
        pytest.param(Reply(status=500), id="500"),
        pytest.param(Reply(status=502), id="502"),
        pytest.param(Reply(b"<html>", headers={"Content-Type": "text/html"}), id="unreadable"),
        pytest.param(Reply({"message": "too slow"}, 408), id="408"),
        pytest.param(Reply({"message": "there is one"}, 409), id="409"),
        pytest.param(Reply({"message": "too early"}, 425), id="425"),
        pytest.param(Reply(b"<html><title>Blocked</title></html>", 403), id="a page with 403"),
        pytest.param(Reply(b"no such page", 404), id="a text with 404"),
        pytest.param(Reply(status=413), id="413 alone"),
        pytest.param(Reply({"blocked": True}, 501), id="other JSON with 501"),
    ],
)
def test_a_write_whose_answer_is_lost_is_sent_once(serve: Serve, connect_to: Connect, failure: Act) -> None:
    created: list[Any] = []

    def commit_and_fail(seen: Seen) -> Act:
        created.append(seen.json)
        return failure

    server = serve(commit_and_fail)
    session = connect_to(server, lam(), writes=True, read_timeout=0.2)
    with pytest.raises(lk.OutcomeUnknown, match="may have been carried out: look for its effect"):
        session.raw("POST", "/transactions", json={"amount": "1"})
    server.wait_for(1)
    assert created == [{"amount": "1"}]


@pytest.mark.parametrize("status", [420, 429])
def test_a_write_that_the_rate_limit_refused_is_sent_again(serve: Serve, connect_to: Connect, status: int) -> None:
    server = serve(in_turn(Reply(status=status, headers={"Retry-After": "5"}), Reply({"id": 1}, 201)))
    assert connect_to(server, lam(), writes=True).raw("POST", "/transactions", json={}) == {"id": 1}
    assert len(server.seen) == 2


def test_a_write_that_was_never_sent_says_so_and_not_that_it_may_have_happened(connect_to: Connect) -> None:
    with Server(in_turn(GOOD)) as gone:
        pass
    clock = LeapingClock()
    with pytest.raises(lk.ConnectionFailed, match="no connection could be made"):
        connect_to(gone, lam(), writes=True, clock=clock, retry_seconds=5).raw("POST", "/transactions", json={})
    assert clock.waits  # it was tried again


def test_an_answer_that_is_not_known_to_be_the_services_own_is_told(serve: Serve, connect_to: Connect) -> None:
    session = connect_to(serve(in_turn(Reply(b"<html><title>Blocked</title></html>", 403))), lam(), writes=True)
    with pytest.raises(
        lk.OutcomeUnknown,
        match=r"^POST /transactions: it may not be the service that answered 403: an HTML page titled 'Blocked' .* "
        r"gateway in between\. It was sent, and may have been carried out",
    ) as caught:
        session.raw("POST", "/transactions", json={})
    assert caught.value.status == 403


@pytest.mark.parametrize(("status", "kind"), [(401, lk.AuthenticationError), (407, lk.ConnectionFailed)])
def test_a_write_that_is_turned_away_has_a_known_outcome_whoever_answers(
    serve: Serve, connect_to: Connect, status: int, kind: type[lk.LedgerError]
) -> None:
    session = connect_to(serve(in_turn(Reply(b"<html>", status))), lam(), writes=True)
    with pytest.raises(kind):
        session.raw("POST", "/transactions", json={})


@pytest.mark.parametrize("status", [400, 401, 403, 404, 501])
def test_a_write_that_was_refused_has_a_known_outcome(serve: Serve, connect_to: Connect, status: int) -> None:
    server = serve(in_turn(Reply({"message": "no"}, status)))
    with pytest.raises(lk.LedgerError) as caught:
        connect_to(server, lam(), writes=True).raw("POST", "/transactions", json={})
    assert not isinstance(caught.value, lk.OutcomeUnknown)
    assert len(server.seen) == 1


# --- where it goes --------------------------------------------------------------------------------------------------


def test_paths_are_appended_to_a_base_url_with_a_prefix(serve: Serve, connect_to: Connect) -> None:
    server = serve(in_turn(GOOD))
    connect_to(server, prefix="/api-gateway/").raw("GET", "/organization", params={"a": ["1", "2"], "b": None})
    assert server.seen[0].target == "/api-gateway/organization?a=1&a=2"


@pytest.mark.parametrize("url", ["http://api.vault.ledger.com", "http://10.0.0.1", "http://localhost.example.com"])
def test_plain_http_is_for_loopback_alone(url: str) -> None:
    with pytest.raises(lk.ConfigurationError, match="https://"):
        lk.Session(lk.ReportingKey("acme", "key"), base_url=url)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_loopback_is_never_asked_through_a_proxy(
    serve: Serve, connect_to: Connect, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    proxy, server = serve(in_turn(Reply(status=500))), serve(in_turn(GOOD))
    monkeypatch.setenv(variable, proxy.url)
    assert connect_to(server).raw("GET", "/organization") == {"name": "Acme"}
    assert proxy.seen == []


def test_a_proxy_that_refuses_has_had_nothing_of_the_write(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(in_turn(Reply(status=407)))
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    session = lk.Session(
        lam(), base_url="https://lam.example.com", writes=True, clock=LeapingClock(), retry_seconds=2
    )
    with session, pytest.raises(lk.ConnectionFailed, match="the proxy in between refused the connection"):
        session.raw("POST", "/transactions", json={})
    assert {seen.method for seen in proxy.seen} == {"CONNECT"}


def test_a_proxy_variable_that_is_no_url_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "ftp://proxy")
    with pytest.raises(lk.ConfigurationError, match="HTTPS_PROXY"):
        lk.Session(lk.ReportingKey("acme", "key"))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_no_credential_goes_anywhere(
    serve: Serve, connect_to: Connect, status: int
) -> None:
    elsewhere = serve(in_turn(GOOD))
    server = serve(in_turn(Reply(status=status, headers={"Location": f"{elsewhere.url}/organization"})))
    with pytest.raises(lk.ConnectionFailed, match=r"redirect .* is not followed.*Check the base URL"):
        connect_to(server).raw("GET", "/organization")
    assert len(server.seen) == 1
    assert elsewhere.seen == []


def test_an_address_longer_than_any_server_takes_is_refused_before_it_is_sent(
    serve: Serve, connect_to: Connect
) -> None:
    # httpx raises an error of its own kind for it, which is no RequestError.
    server = serve(in_turn(GOOD))
    with pytest.raises(lk.InvalidRequest, match="Ask for less at once"):
        connect_to(server).transactions.search(account=range(20_000))
    assert server.seen == []


def test_connections_are_used_again(serve: Serve, connect_to: Connect) -> None:
    server = serve(in_turn(GOOD))
    session = connect_to(server)
    for _ in range(3):
        session.raw("GET", "/organization")
    assert {seen.connection for seen in server.seen} == {1}


# --- TLS ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context with a certificate for localhost that signs itself, and the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2001, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2101, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path, key_path = tmp_path / "certificate.pem", tmp_path / "key.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key_path)
    return context, path


def test_a_certificate_that_is_not_trusted_is_refused_at_once_with_advice(
    serve: Serve, connect_to: Connect, tls: tuple[ssl.SSLContext, Path]
) -> None:
    server, clock = serve(in_turn(GOOD), tls=tls[0], host="localhost"), LeapingClock()
    with pytest.raises(lk.ConnectionFailed, match=r"self-signed certificate.*SSL_CERT_FILE"):
        connect_to(server, clock=clock).raw("GET", "/organization")
    assert server.seen == []
    assert clock.waits == []


def test_a_write_over_tls_whose_connection_breaks_may_have_been_carried_out(
    serve: Serve, connect_to: Connect, tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # What breaks into a TLS connection is an SSLError too: it was taken for a refused certificate.
    monkeypatch.setenv("SSL_CERT_FILE", str(tls[1]))
    server = serve(in_turn(Bytes(b"junk" * 9), Bytes(b"junk" * 9), GOOD), tls=tls[0], host="localhost")
    session = connect_to(server, lam(), writes=True)
    with pytest.raises(lk.OutcomeUnknown):
        session.raw("POST", "/transactions", json={})
    assert session.raw("GET", "/organization") == {"name": "Acme"}
    assert [seen.method for seen in server.seen] == ["POST", "GET", "GET"]


# --- answers and errors ---------------------------------------------------------------------------------------------

PROXY_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>\n 502 Bad\n Gateway</title></head><body>secrets of nginx</body></html>"
)


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (Reply({"message": "no such id", "name": "X", "status_code": 404}, 404), lk.NotFound, "no such id (404)"),
        (Reply({"code": 40001, "message": "bad amount"}, 400), lk.InvalidRequest, "bad amount (400)"),
        (Reply({"name": "UNKNOWN_USER", "status_code": 403}, 403), lk.PermissionDenied, "UNKNOWN_USER (403)"),
        (Reply({"error": "invalid_grant", "error_description": "gone"}, 400), lk.InvalidRequest, "gone (400)"),
        (Reply({"detail": {"x": 1}}, 400), lk.InvalidRequest, "{'detail': {'x': 1}} (400)"),
        (Reply(["one", "two"], 400), lk.InvalidRequest, "['one', 'two'] (400)"),
        (Reply(b"plain\n  text\x1b[31m", 404), lk.NotFound, "plain text [31m (404)"),
        (Reply(status=404), lk.NotFound, "the answer says nothing more (404)"),
        (Reply(PROXY_PAGE, 403), lk.PermissionDenied, "an HTML page titled '502 Bad Gateway' came instead of JSON"),
        (Reply(b"<html></html>", 403), lk.PermissionDenied, "an HTML page came instead of JSON"),
        (Reply(b"\xff\xfe\x00", 404), lk.NotFound, "(404)"),
        (Reply({"message": "x" * 5000}, 400), lk.InvalidRequest, "xxx... (400)"),
        (Reply({"message": "no history"}, 501), lk.Unsupported, "no history (501)"),
        (Reply({"message": "wrong key"}, 401), lk.AuthenticationError, "wrong key (401)"),
        (Reply({"message": "boom"}, 500), lk.ServerError, "boom Try again later; status.ledger.com"),
    ],
)
def test_every_form_of_error_is_read(
    serve: Serve, connect_to: Connect, answer: Reply, kind: type[lk.LedgerError], said: str
) -> None:
    with pytest.raises(kind) as caught:
        connect_to(serve(in_turn(answer))).raw("GET", "/accounts/7")
    assert said in str(caught.value)
    assert str(caught.value).startswith("GET /accounts/7: ")
    assert len(str(caught.value)) < 600
    assert (caught.value.call, caught.value.status) == ("GET /accounts/7", answer.status)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"<html><title>Sign in</title></html>", "text/html, which is not JSON"),
        (b'{"edges": [', "is not JSON"),
        (b'{"amount": NaN}', "is not JSON"),
        (b'{"amount": 1} {}', "is not JSON"),
        (b'{"name": "\xff"}', "is not JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "is nested too deep to be read"),
    ],
)
def test_a_good_status_with_a_body_that_is_no_json_keeps_the_body(
    serve: Serve, connect_to: Connect, body: bytes, what: str
) -> None:
    server = serve(in_turn(Reply(body, headers={"Content-Type": "text/html"})))
    with pytest.raises(lk.ContractViolation, match=what) as caught:
        connect_to(server).raw("GET", "/accounts")
    assert "Something else may answer in the service's place" in str(caught.value)
    assert caught.value.details["body"].startswith(repr(body.decode("utf-8", "replace")[:10])[:-1])
    assert len(caught.value.details["body"]) <= 500
    assert len(server.seen) == 1


def test_an_integer_of_five_thousand_digits_is_an_error_and_not_a_float(serve: Serve, connect_to: Connect) -> None:
    account = b'{"id": 7, "balance": ' + b"9" * 5000 + b"}"
    session = connect_to(serve(in_turn(Reply(account))))
    for call in (lambda: session.accounts.get(7), lambda: session.raw("GET", "/accounts/7")):
        with pytest.raises(lk.ContractViolation):
            call()


def test_compressed_answers_are_read(serve: Serve, connect_to: Connect) -> None:
    packed = Reply(gzip.compress(b'{"name": "Acme"}'), headers={"Content-Encoding": "gzip"})
    assert connect_to(serve(in_turn(packed))).raw("GET", "/organization") == {"name": "Acme"}


def test_an_answer_without_a_body_is_none(serve: Serve, connect_to: Connect) -> None:
    assert (
        connect_to(serve(in_turn(Reply(status=204))), writes=True).raw("PUT", "/notifications/configuration") is None
    )


# --- nothing of httpx and nothing secret in an error ----------------------------------------------------------------


def lam() -> lk.LAM:
    return lk.LAM("canary-user", "canary-api-key", "canary-store-token")


FAMILIES: dict[str, Callable[[], Credentials]] = {
    "api_user": lambda: lk.ApiUser("acme", "canary-key-id", "canary-key-secret", gateway_key="canary-gateway"),
    "reporting_key": lambda: lk.ReportingKey("acme", "canary-reporting-key"),
    "lam": lam,
}


def echo(seen: Seen) -> Reply:
    """Answer as a gateway in debug mode does: with all that it was sent."""
    return Reply({"message": f"{seen.headers.items()} {seen.body.decode()}"}, 400)


def echo_as_page(seen: Seen) -> Reply:
    return Reply(f"<html>{seen.headers.items()} {seen.body.decode()}</html>".encode())


FAILURES: dict[str, Callable[[Seen], Act]] = {
    "drop": in_turn(Drop()),
    "junk": in_turn(Bytes(b"junk\r\n\r\n")),
    "500": in_turn(Reply({"message": "no"}, 500)),
    "401": in_turn(Reply({"message": "no"}, 401)),
    "420": in_turn(Reply(status=420, headers={"Retry-After": "999"})),
    "html": in_turn(Reply(b"<html>")),
    "redirect": in_turn(Reply(status=302, headers={"Location": "http://127.0.0.1:1/"})),
    "echo": echo,
    "echo as page": echo_as_page,
}


@pytest.fixture
def debug_log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        for name in ("httpx", "httpcore", "ledgerkit"):
            caplog.set_level(logging.DEBUG, logger=name)
        yield caplog


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("at_sign_in", [False, True])
def test_no_error_shows_a_secret_or_anything_of_httpx(
    serve: Serve, debug_log: pytest.LogCaptureFixture, failure: str, family: str, at_sign_in: bool
) -> None:
    act = FAILURES[failure]
    server = serve(act if at_sign_in else signed_in(act, access="canary-access"))
    with lk.Session(FAMILIES[family](), base_url=server.url, writes=True, retry_seconds=0.01) as session:
        error = failed(session)
        shown = [formatted(error), repr(error.details), repr(session), session._repr_html_(), debug_log.text]
    assert "canary" not in "".join(shown)
    assert "canary" not in repr(vars(again(error)))
    assert [type(one).__module__ for one in chain(error)] == ["ledgerkit.errors"]


def failed(session: lk.Session) -> lk.LedgerError:
    try:
        session.raw("GET", "/accounts/7")
    except lk.LedgerError as error:
        return error
    raise AssertionError("nothing failed")


def formatted(error: BaseException) -> str:
    """The traceback as notebooks and bug reports show it, with the local variables of every frame."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def again(error: BaseException) -> Any:
    return pickle.loads(pickle.dumps(error))  # noqa: S301 - the test wrote it


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all that it says it came from."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and one not in seen:
            seen.append(one)
            waiting += [one.__cause__, one.__context__]
    return iter(seen)


def test_no_token_is_shown_where_its_answer_can_not_be_read(
    serve: Serve, debug_log: pytest.LogCaptureFixture
) -> None:
    body = tokens("canary-access").encoded().partition(b"\r\n\r\n")[2]
    server = serve(in_turn(Reply(body[:-1])))
    with lk.Session(FAMILIES["api_user"](), base_url=server.url, retry_seconds=0.01) as session:
        error = failed(session)
    assert isinstance(error, lk.AuthenticationError)
    assert "canary" not in formatted(error) + repr(error.details) + debug_log.text


@pytest.mark.parametrize("kind", [one for one in vars(errors).values() if isinstance(one, type)])
def test_every_error_survives_pickling_with_all_that_it_says(kind: type[Exception]) -> None:
    if issubclass(kind, lk.LedgerError):
        error = kind("what failed", call="GET /a", status=404, field="id", suggestions=["b"])
        back = again(error)
        assert (type(back), str(back), vars(back)) == (kind, "GET /a: what failed", vars(error))
    elif issubclass(kind, Warning):
        assert str(again(kind("what"))) == "what"


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (lk.InvalidRequest, ValueError),
        (lk.NotFound, LookupError),
        (lk.RateLimited, TimeoutError),
        (lk.ConnectionFailed, ConnectionError),
        (lk.PermissionDenied, PermissionError),
        (lk.Unsupported, NotImplementedError),
    ],
)
def test_errors_are_also_what_people_catch(kind: type[lk.LedgerError], builtin: type[Exception]) -> None:
    with pytest.raises(builtin, match=r"^why$"):
        raise kind("why")


def test_no_module_but_those_of_the_transport_and_the_sign_in_knows_httpx() -> None:
    package = Path(lk.__file__).parent
    knowing = {
        path.name
        for path in package.glob("**/*.py")
        if re.search(r"(import|from) httpx|httpx\.", path.read_text()) and "sandbox" not in path.parts
    }
    assert knowing == {"transport.py", "wire.py", "streams.py", "connecting.py", "auth.py"}


def test_many_threads_share_the_connections(serve: Serve, connect_to: Connect) -> None:
    server = serve(lambda seen: page([{"id": int(seen.query["id"][0])}]))
    session = connect_to(server, concurrency=4)
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: found.append(session.accounts.search(id=n)["id"][0])) for n in range(30)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(30))
    assert len({seen.connection for seen in server.seen}) <= 6


def test_the_error_of_httpx_for_a_long_address_is_no_request_error() -> None:
    """The reason for a branch in the transport; where this fails, the branch can go."""
    assert not issubclass(httpx.InvalidURL, httpx.RequestError)


@pytest.mark.parametrize("host", ["api.vault.ledger.com", "192.0.2.1", "2001:db8::1"])
def test_no_test_reaches_anything_but_this_machine(host: str) -> None:
    with pytest.raises(pytest.fail.Exception, match=f"tried to reach '{host}'"):
        socket.create_connection((host, 443), timeout=1)
