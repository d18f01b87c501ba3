"""A request goes to the address of the session, and no spelling, redirect or path leads it elsewhere."""

import contextlib
import socket
from collections.abc import Callable
from itertools import cycle
from typing import Any

import pytest
from serving import LeapingClock, Reply, Seen, Server, in_turn, signed_in, tokens

import ledgerkit as lk
from ledgerkit import families, surroundings, wire
from ledgerkit.hosts import is_loopback
from ledgerkit.sandbox import webhooks
from network.in_between import Talking, answering

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]
Talks = Callable[..., Talking]

GOOD = Reply({"name": "Acme"})


# --- plain http -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1.evil.com",
        "http://localhost.evil.com",
        "http://localhost@evil.com",
        "http://localhost:80@evil.com",
        "http://localhost%40evil.com",
        "http://evil.com#@localhost",
        "http://evil.com?@localhost",
        "http://evil.com\\@localhost",
        "http://localhost\\.evil.com",
        "http://localhost\t.evil.com",
        "http://local\nhost",
        "http://localhost .evil.com",
        "http://xn--lcalhost-54a",
        "http://loc\u0430lhost",
        "http://localhost\u3002",
        "http://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3.evil.com",
        "http://\uff11\uff12\uff17.0.0.1",
        "http://evil\uff0ecom",
        "http://0x7f.1",
        "http://0x7f000001",
        "http://2130706433",
        "http://017700000001",
        "http://127.1",
        "http://0",
        "http://0.0.0.0",
        "http://[::]",
        "http://[::2]",
        "http://[fe80::1]",
        "http://[::ffff:10.0.0.1]",
        "http://10.0.0.1",
        "http://192.168.0.1",
        "http://ip6-localhost",
        "http://127.0.0.1.",
        "http:/127.0.0.1",
        "http:127.0.0.1",
        "http:///127.0.0.1",
        "//127.0.0.1",
        "127.0.0.1:8000",
        "ftp://127.0.0.1",
        "ws://127.0.0.1",
        "HTTP://evil.com",
        "file:///etc/passwd",
        "",
    ],
)
def test_plain_http_is_for_loopback_alone_however_an_address_is_spelled(url: str) -> None:
    with pytest.raises(lk.ConfigurationError):
        lk.Session(lk.ReportingKey("acme", "key"), base_url=url)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]:1", "http://[::ffff:127.0.0.1]", "http://localhost:1"],
)
def test_what_is_loopback_is_taken(url: str) -> None:
    with lk.Session(lk.ReportingKey("acme", "key"), base_url=url) as session:
        assert session.environment == "LOCAL"


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.255.255.254", True),
        ("::1", True),
        ("::1%lo", True),
        ("::ffff:127.0.0.1", True),
        ("LocalHost", True),
        ("::ffff:10.0.0.1", False),
        ("10.0.0.1", False),
        ("0.0.0.0", False),  # noqa: S104  # nothing is bound to it
        ("localhost.", False),
        ("localhost.evil.com", False),
        ("", False),
    ],
)
def test_an_address_is_this_machines_own_or_not(host: str, here: bool) -> None:
    assert is_loopback(host) is here
    assert webhooks._is_loopback(host) is here  # the sandbox shares no module with the client, and no answer differs


@pytest.mark.parametrize(
    "host", ["a." * 126 + "a", "a." * 127 + "a", "a" * 64, "a..b", "10.0.0.999", "1::2::3", "-", "a b"]
)
def test_a_host_is_the_same_to_a_base_url_to_a_proxy_and_to_no_proxy(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    # A proxy whose name has 254 characters was taken, and was a UnicodeError of the first call.
    def is_taken(variable: str, url: str) -> bool:
        with monkeypatch.context() as patch:
            patch.setenv(variable, url)
            remarks = surroundings.proxies("https://lam.example.com")
            return all(one.level == "ok" for one in remarks)

    try:
        families.check_base_url(f"https://{host}")
        taken = True
    except lk.ConfigurationError:
        taken = False
    assert taken is (len(host) == 253 or host == "-")
    assert is_taken("HTTPS_PROXY", f"http://{host}") is taken
    if " " not in host:
        assert is_taken("NO_PROXY", host) is taken


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_name_of_this_machine_that_leads_to_another_gets_nothing(
    talking: Talks, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    # `localhost` that a resolver was made to lead elsewhere: the key went there in clear.
    other = talking(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"))
    monkeypatch.setattr(wire, "is_loopback", lambda host: False)  # as if the address of `other` were elsewhere
    with lk.Session(
        lk.LAM("canary"),
        base_url=f"http://localhost:{other.port}",
        clock=LeapingClock(),
        writes=True,
        retry_seconds=1,
    ) as session:
        with pytest.raises(lk.ConnectionFailed, match="no connection could be made"):
            session.raw(method, "/transactions", json={} if method == "POST" else None)
        monkeypatch.undo()
    assert [begun for begun in other.heard if begun] == []


# --- redirects ------------------------------------------------------------------------------------------------------

STATUSES = [300, 301, 302, 303, 304, 305, 306, 307, 308]


@pytest.mark.parametrize("status", STATUSES)
def test_no_redirect_of_any_call_is_followed(serve: Serve, connect_to: Connect, status: int) -> None:
    elsewhere = serve(in_turn(GOOD))
    targets = cycle([f"{elsewhere.url}/x", elsewhere.url.removeprefix("http:"), "/accounts/8"])
    server = serve(lambda seen: Reply(status=status, headers={"Location": next(targets)}))
    session = connect_to(server, lk.LAM("robot"), writes=True, retry_seconds=1)
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE") * 3:
        with pytest.raises((lk.ConnectionFailed, lk.OutcomeUnknown)):
            session.raw(method, "/accounts/7", json=None if method == "GET" else {})
    assert {seen.path for seen in server.seen} == {"/accounts/7"}
    assert len(server.seen) == 15
    assert elsewhere.seen == []


@pytest.mark.parametrize("status", STATUSES)
def test_no_redirect_of_the_exchange_of_keys_or_tokens_is_followed(
    serve: Serve, connect_to: Connect, status: int
) -> None:
    elsewhere = serve(in_turn(tokens("stolen")))
    redirect = Reply(status=status, headers={"Location": f"{elsewhere.url}/auth/token"})
    server = serve(in_turn(redirect))
    session = connect_to(server, lk.ApiUser("acme", "key-id", "canary-secret"), retry_seconds=1)
    with pytest.raises(lk.LedgerError) as caught:
        session.raw("GET", "/organization")
    assert "canary" not in str(caught.value)
    assert elsewhere.seen == []

    def refresh_goes_elsewhere(seen: Seen) -> Reply:
        return redirect if seen.path.endswith("/refresh") else signed_in(in_turn(GOOD))(seen)  # type: ignore[return-value]  # replies alone

    server = serve(refresh_goes_elsewhere)
    session = connect_to(server, lk.ApiUser("acme", "key-id", "canary-secret"))
    assert session.raw("GET", "/organization") == {"name": "Acme"}
    assert session._keeper is not None
    session._keeper.renew(after=session._keeper.state().generation)
    assert "/auth/token/refresh" in [seen.path for seen in server.seen]
    assert elsewhere.seen == []


def test_a_redirect_to_an_address_with_a_password_shows_none_of_it(serve: Serve, connect_to: Connect) -> None:
    server = serve(in_turn(Reply(status=302, headers={"Location": "https://me:canary@evil.example/"})))
    with pytest.raises(lk.ConnectionFailed) as caught:
        connect_to(server).raw("GET", "/organization")
    assert "canary" not in str(caught.value)


# --- the path of raw ------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The addresses that names were looked up for."""
    names: list[Any] = []
    lookup = socket.getaddrinfo

    def watched(host: Any, *args: Any, **options: Any) -> Any:
        names.append(host)
        return lookup(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", watched)
    return names


REFUSED = [
    "http://evil.example/accounts",
    "https://evil.example",
    "HTTPS:evil.example",
    "javascript:alert(1)",
    "//evil.example/accounts",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "@evil.example",
    ":80@evil.example/",
    ".evil.example/accounts",
    "/%2f%2fevil.example",
    "/%2f/evil.example",
    "/%252f%252fevil.example",
    "/%5cevil.example",
    "/accounts//7",
    "/accounts/%2f%2f7",
    "/..",
    "/../other/prefix",
    "/accounts/../../other",
    "/accounts/..",
    "/accounts/.",
    "/accounts/..;/auth/token",
    "/accounts/..;x=1/auth/token",
    "/accounts/.;/7",
    "/%2e%2e/other",
    "/%2E%2e/other",
    "/.%2e/other",
    "/%252e%252e/other",
    "/%25252e%25252e/other",
    "/..%2fother",
    "/..%5cother",
    "/%c0%ae%c0%ae/other",
    "/\uff0e\uff0e/other",
    "/\u2025/other",
    "/%ef%bc%8e%ef%bc%8e/other",
    "/\uff0f\uff0fevil.example",
    "/accounts?x=1",
    "/accounts#x",
    "/accounts\uff1fx".replace("\uff1f", "?"),
    "/accounts/7\r\nX-Evil: 1",
    "/accounts/7\n",
    "/accounts/7\r",
    "/accounts/7\t",
    "/accounts/7\x00",
    "/accounts/7\x0b",
    "/accounts/7\u2028X",
    "/accounts/%0d%0aX-Evil:%201",
    "/accounts/%250d%250aX-Evil:%201",
    "/accounts/%00",
    "/accounts/7 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "/accounts\ud800",
    b"/accounts",
    ["/accounts"],
]


@pytest.mark.parametrize("path", REFUSED, ids=ascii)
@pytest.mark.parametrize("prefix", ["", "/custody/v1"])
def test_no_path_leads_to_another_host_or_out_of_the_prefix(
    serve: Serve, connect_to: Connect, asked: list[Any], path: Any, prefix: str
) -> None:
    server = serve(in_turn(GOOD))
    session = connect_to(server, lk.LAM("robot"), prefix=prefix, writes=True)
    for method in ("GET", "POST"):
        with pytest.raises(lk.InvalidRequest):
            session.raw(method, path, json={} if method == "POST" else None)
    assert server.seen == []
    assert set(asked) <= {"127.0.0.1"}


@pytest.mark.parametrize(
    "path", [*(one for one in REFUSED if isinstance(one, str)), "@evil.example", ".evil.example", ":1/x"], ids=ascii
)
def test_the_transport_itself_sends_nothing_that_is_not_below_the_base_url(
    serve: Serve, connect_to: Connect, asked: list[Any], path: str
) -> None:
    # Whoever forgets to check a path: what is built is compared with the base URL once more.
    server, clock = serve(in_turn(GOOD)), LeapingClock()
    session = connect_to(server, lk.LAM("robot"), prefix="/custody/v1", clock=clock)
    with contextlib.suppress(lk.InvalidRequest):
        session._transport.request("GET", path)
    assert all(seen.target.startswith("/custody/v1/") for seen in server.seen)
    assert all(seen.headers.get("X-Evil") is None for seen in server.seen)
    assert set(asked) <= {"127.0.0.1"}


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/accounts/7", "/v1/accounts/7"),
        ("/accounts/", "/v1/accounts/"),
        ("/accounts/a b", "/v1/accounts/a%20b"),
        ("/accounts/a;b", "/v1/accounts/a;b"),
        ("/accounts/a%3Fb%23c", "/v1/accounts/a%3Fb%23c"),
        ("/accounts/bc1%2Fq", "/v1/accounts/bc1%2Fq"),
        ("/accounts/x@evil.example:80", "/v1/accounts/x@evil.example:80"),
        ("/accounts/\u00e9", "/v1/accounts/%C3%A9"),
        ("/http:evil.example", "/v1/http:evil.example"),
        ("/...", "/v1/..."),
    ],
)
def test_what_is_odd_and_harmless_is_sent_as_it_is_below_the_prefix(
    serve: Serve, connect_to: Connect, path: str, target: str
) -> None:
    server = serve(in_turn(GOOD))
    connect_to(server, prefix="/v1").raw("GET", path)
    assert [seen.target for seen in server.seen] == [target]


@pytest.mark.parametrize(
    "path",
    [
        "/auth/token",
        "/auth",
        "/AUTH/token",
        "/%61uth/token",
        "/%2561uth/token",
        "/auth;x=1/token",
        "/auth%3bx/token",
        "/auth%2ftoken",
        "/\uff41uth/token",
    ],
    ids=ascii,
)
def test_tokens_are_not_to_be_had_however_the_path_is_written(serve: Serve, connect_to: Connect, path: str) -> None:
    server = serve(in_turn(tokens("canary")))
    with pytest.raises(lk.InvalidRequest):
        connect_to(server, lk.LAM("robot"), writes=True).raw("POST", path, json={})
    assert server.seen == []


@pytest.mark.parametrize(
    "path",
    [
        "/notifications/configuration",
        "/notifications;x/configuration",
        "/%256eotifications/configuration",
        "/notifications%3bx/configuration",
    ],
)
def test_the_secret_of_a_webhook_is_masked_however_the_path_is_written(
    serve: Serve, connect_to: Connect, path: str
) -> None:
    # A path that was quoted twice, or held a `;`, was not known again, and the secret stood in the notebook.
    server = serve(in_turn(Reply({"all": {"webhook": {"url": "https://x", "secret": "canary"}}})))
    assert "canary" not in str(connect_to(server).raw("GET", path))


@pytest.mark.parametrize("path", ["/accounts/7/sync", "/accounts/7/sync;x", "/accounts/7/%2573ync"])
def test_a_get_that_acts_is_sent_once_however_its_path_is_written(
    serve: Serve, connect_to: Connect, path: str
) -> None:
    server = serve(in_turn(Reply(status=503), GOOD))
    with pytest.raises(lk.ServerError):
        connect_to(server, lk.LAM("robot")).raw("GET", path)
    assert len(server.seen) == 1


def test_neither_parameters_nor_a_body_bring_headers_or_requests_along(serve: Serve, connect_to: Connect) -> None:
    evil = "x\r\nX-Evil: 1\r\n\r\nGET /evil HTTP/1.1\r\nHost: evil\r\n\r\n"
    server = serve(in_turn(GOOD))
    session = connect_to(server, lk.LAM("robot"), writes=True)
    session.raw("GET", "/accounts", params={evil: evil, "many": [evil, "&a=b#c"]})
    session.raw("POST", "/transactions", json={evil: evil})
    assert [seen.path for seen in server.seen] == ["/accounts", "/transactions"]
    assert server.seen[0].query == {evil: [evil], "many": [evil, "&a=b#c"]}
    assert server.seen[1].json == {evil: evil}
    for seen in server.seen:
        assert seen.headers["X-Evil"] is None
        assert seen.headers["Host"] == server.url.removeprefix("http://")


@pytest.mark.parametrize("part", ["accounts", "users", "groups"])
@pytest.mark.parametrize(
    "odd", ["../auth/token", "7/../8", "//evil.example", "7?x=1", "7#x", "7\r\nX-Evil: 1", "..;"]
)
def test_an_id_that_is_a_path_stays_one_segment_or_is_refused(
    serve: Serve, connect_to: Connect, part: str, odd: str
) -> None:
    server = serve(in_turn(Reply({"id": 7})))
    session = connect_to(server, lk.LAM("robot"), prefix="/v1", retry_seconds=1)
    with contextlib.suppress(lk.LedgerError, TypeError, ValueError):
        getattr(session, part).get(odd)
    for seen in server.seen:
        assert seen.target.startswith(f"/v1/{part}/")
        assert seen.target.removeprefix(f"/v1/{part}/").count("/") == 0
        assert seen.headers["X-Evil"] is None
