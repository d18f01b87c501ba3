"""No answer fills the memory or holds a call without end, whatever part of it is without end."""

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable

import pytest
from serving import LeapingClock, Reply, Server, in_turn

import ledgerkit as lk
from ledgerkit import transport, wire
from ledgerkit.errors import Cancelled
from network.in_between import Talk, Talking, answering, endless

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]
Talks = Callable[..., Talking]


def heads_without_end() -> dict[str, Talk]:
    return {
        "announcements": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 500),
        "early hints": endless(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 500),
        "one header": endless(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 4096),
        "headers": endless(b"HTTP/1.1 200 OK\r\n", b"X-Many: 1\r\n" * 400),
        "the first line": endless(b"HTTP/1.1 200 ", b"O" * 4096),
        "empty lines": endless(b"", b"\r\n" * 2000),
        "a header of 1 MB": answering(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 2**20 + b"\r\nContent-Length: 2\r\n\r\n{}"),
        "10,000 headers": answering(
            b"HTTP/1.1 200 OK\r\n" + b"X-Number: 1234\r\n" * 10_000 + b"Content-Length: 2\r\n\r\n{}"
        ),
    }


KINDS = [
    "announcements",
    "early hints",
    "one header",
    "headers",
    "the first line",
    "empty lines",
    "a header of 1 MB",
    "10,000 headers",
]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_before_a_body_is_bounded_in_size(talking: Talks, kind: str, method: str) -> None:
    # Announcements without end held a call for ever.
    server = talking(heads_without_end()[kind])
    began = time.monotonic()
    with lk.Session(
        lk.LAM("robot"), base_url=f"http://{server.address}", clock=LeapingClock(), writes=True, retry_seconds=3
    ) as session:
        with pytest.raises(lk.OutcomeUnknown if method == "POST" else lk.ConnectionFailed):
            session.raw(method, "/transactions", json={} if method == "POST" else None)
        assert time.monotonic() - began < 30
    if method == "POST":
        assert len(server.heard) == 1


DRIPS = {
    "the first line": b"HTTP/1.1 2",
    "announcements": b"HTTP/1.1 100 Continue\r\n\r\n",
    "a header": b"HTTP/1.1 200 OK\r\nX-Slow: ",
}


def dripping(first: bytes, each: bytes) -> Talk:
    def drip(connection: object, _: bytes) -> None:
        connection.sendall(first)  # type: ignore[attr-defined]  # a socket
        while True:
            time.sleep(0.02)
            connection.sendall(each)  # type: ignore[attr-defined]  # a socket

    return drip


@pytest.mark.parametrize("kind", list(DRIPS))
@pytest.mark.parametrize("through", ["directly", "a proxy"])
def test_the_head_of_an_answer_is_given_up_in_time_though_each_byte_is_in_time(
    talking: Talks, monkeypatch: pytest.MonkeyPatch, kind: str, through: str
) -> None:
    begun = DRIPS[kind]
    server = talking(dripping(begun, begun if kind == "announcements" else b"x"))
    url = f"http://{server.address}"
    if through == "a proxy":
        monkeypatch.setenv("HTTPS_PROXY", url)
        url = "https://lam.example.com"
    began = time.monotonic()
    with lk.Session(lk.LAM("robot"), base_url=url, read_timeout=0.3, retry_seconds=0.4, writes=True) as session:
        with pytest.raises(lk.ConnectionFailed, match="no answer came in time"):
            session.raw("GET", "/organization")
        with pytest.raises(lk.OutcomeUnknown if through == "directly" else lk.ConnectionFailed):
            session.raw("POST", "/transactions", json={})
    assert time.monotonic() - began < 30


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BODIES = {
    "an extension of a chunk": (CHUNKED + b"1;", b"a"),
    "the size of a chunk": (CHUNKED, b"0"),
    "a chunk": (CHUNKED + b"fffff\r\n", b" "),
    "chunks": (CHUNKED, b"1\r\n \r\n"),
    "a line of the trailer": (CHUNKED + b"2\r\n{}\r\n0\r\nX: ", b"a"),
    "lines of the trailer": (CHUNKED + b"2\r\n{}\r\n0\r\n", b"X: a\r\n"),
    "a body of a known length": (b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b" "),
    "a body until the end": (b"HTTP/1.1 200 OK\r\n\r\n", b" "),
    "a packed body": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"")[:10],
        b"\x00\x00\x00\xff\xff",
    ),
    "the body of an error": (b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"a"),
}


@pytest.mark.parametrize("kind", list(BODIES))
def test_a_body_is_given_up_in_time_though_each_byte_is_in_time(talking: Talks, kind: str) -> None:
    # Where no byte is of the body itself, as in a trailer, nothing looked at the time: a call was held without end.
    server = talking(dripping(*BODIES[kind]))
    began = time.monotonic()
    with lk.Session(
        lk.LAM("robot"), base_url=f"http://{server.address}", read_timeout=0.15, retry_seconds=0.1, writes=True
    ) as session:
        with pytest.raises(lk.ConnectionFailed, match="no answer came in time"):
            session.raw("GET", "/organization")
        with pytest.raises(lk.OutcomeUnknown):
            session.raw("POST", "/transactions", json={})
    assert time.monotonic() - began < 30
    assert len(server.heard) == 2


@pytest.mark.parametrize("kind", ["an extension of a chunk", "lines of the trailer", "chunks"])
def test_a_read_that_is_given_up_ends_in_the_middle_of_a_body(talking: Talks, kind: str) -> None:
    server, cancel = talking(dripping(*BODIES[kind])), threading.Event()
    began = time.monotonic()
    with lk.Session(lk.LAM("robot"), base_url=f"http://{server.address}") as session:
        threading.Timer(0.1, cancel.set).start()
        with pytest.raises((lk.ConnectionFailed, Cancelled)):
            session._transport.request("GET", "/organization", cancel=cancel)
    assert time.monotonic() - began < 30


def test_the_answer_that_makes_a_session_sign_in_anew_is_bounded_by_its_own_time(
    talking: Talks, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its body is read after the exchange that it leads to, whose own answer has ended by then.
    token = b'{"access_token": "a.b.c", "refresh_token": "r", "expires_in": 300}'
    begun: list[bytes] = []

    def talk(connection: socket.socket, first: bytes) -> None:
        begun.append(first.split(b"\r\n", 1)[0])
        if b"/auth/token" in first:
            head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(token)
            connection.sendall(head + token)
        else:
            dripping(b"HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"a")(connection, first)

    server = talking(talk)
    began = time.monotonic()
    with (
        lk.Session(
            lk.ApiUser("acme", "id", "secret"),
            base_url=f"http://{server.address}",
            read_timeout=0.3,
            retry_seconds=0.2,
        ) as session,
        pytest.raises(lk.LedgerError),
    ):
        session.raw("GET", "/organization")
    assert time.monotonic() - began < 30
    assert any(line.startswith(b"GET") for line in begun)


def test_many_headers_that_are_not_too_many_are_taken(serve: Serve, connect_to: Connect) -> None:
    server = serve(in_turn(Reply({"name": "Acme"}, headers={f"X-{number}": "x" * 90 for number in range(700)})))
    assert connect_to(server).raw("GET", "/organization") == {"name": "Acme"}


# --- what unpacks to more -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "packing",
    [
        "gzip, gzip",
        "gzip,deflate",
        "zstd",
        "br",
        "identity, gzip",
        "x-gzip",
        "gzip, identity",
        "compress",
        "aes128gcm",
    ],
)
@pytest.mark.parametrize("status", [200, 401, 500])
def test_an_answer_that_is_packed_twice_or_in_a_way_that_has_no_bound_is_not_unpacked(
    serve: Serve, connect_to: Connect, packing: str, status: int
) -> None:
    # 64 kB of gzip in gzip unpacked to gigabytes at once, before anything was counted.
    body = gzip.compress(gzip.compress(b'{"name": "Acme"}'))
    server = serve(in_turn(Reply(body, status, {"Content-Encoding": packing})))
    clock = LeapingClock()
    with pytest.raises(lk.ConnectionFailed, match="compression could not be read"):
        connect_to(server, clock=clock).raw("GET", "/organization")
    assert len(server.seen) == 1  # it would be packed so again
    assert clock.waits == []
    writing = connect_to(server, lk.LAM("robot"), writes=True)
    with pytest.raises(lk.OutcomeUnknown):
        writing.raw("POST", "/transactions", json={})


@pytest.mark.parametrize("packing", ["gzip", "GZip", "deflate", "identity", ""])
def test_an_answer_that_is_packed_as_it_was_asked_for_is_read(
    serve: Serve, connect_to: Connect, packing: str
) -> None:
    plain = b'{"name": "Acme"}'
    packed = {"gzip": gzip.compress(plain), "deflate": zlib.compress(plain)}.get(packing.lower(), plain)
    server = serve(in_turn(Reply(packed, headers={"Content-Encoding": packing})))
    assert connect_to(server).raw("GET", "/organization") == {"name": "Acme"}
    assert server.seen[0].headers["Accept-Encoding"] == "gzip, deflate"


@pytest.mark.parametrize("kind", ["with a length", "in chunks", "until the end"])
def test_a_body_without_end_is_given_up_whatever_announces_it(
    talking: Talks, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(transport, "LARGEST_ANSWER", 2**20)
    begin, again = {
        "with a length": (b"Content-Length: 99999999999\r\n\r\n", b" " * 65536),
        "in chunks": (b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 65536 + b"\r\n"),
        "until the end": (b"Connection: close\r\n\r\n", b" " * 65536),
    }[kind]
    server = talking(endless(b"HTTP/1.1 200 OK\r\n" + begin, again))
    with lk.Session(lk.LAM("robot"), base_url=f"http://{server.address}", writes=True) as session:
        with pytest.raises(lk.ContractViolation, match="more than 1 MB"):
            session.raw("GET", "/organization")
        with pytest.raises(lk.OutcomeUnknown, match="more than 1 MB"):
            session.raw("POST", "/transactions", json={})
    assert len(server.heard) == 2


def test_chunks_of_one_byte_are_given_up_too(talking: Talks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "LARGEST_ANSWER", 2**14)
    server = talking(endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n" * 1000))
    with (
        lk.Session(lk.LAM("robot"), base_url=f"http://{server.address}") as session,
        pytest.raises(lk.ContractViolation),
    ):
        session.raw("GET", "/organization")


def test_the_bounds_are_what_the_guide_says() -> None:
    assert transport.LARGEST_ANSWER == 64 * 2**20
    assert wire.LARGEST_HEAD == 256 * 2**10
    assert wire.LARGEST_ERROR == 64 * 2**10
