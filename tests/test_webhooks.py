"""Events, as the service posts them: checked, accepted once, and read back."""

import contextlib
import hashlib
import hmac
import json
import socket
import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from bug_reports import shown
from clocks import FakeClock
from hypothesis import given
from hypothesis import strategies as st

import ledgerkit as lk
from ledgerkit import webhooks
from ledgerkit.errors import AuthenticationError, ConfigurationError, InvalidRequest, LedgerError
from ledgerkit.sandbox import Sandbox
from ledgerkit.secret import Secret
from ledgerkit.webhooks import Event, Receiver, verify

SECRET = "canary-webhook-secret"
NOW = 1_700_000_000
BODY = b'{"payload_type":"TRANSACTION","event_type":"NEW_TRANSACTION_HAS_BEEN_RECEIVED","id":10}'
EVENT = Event("TRANSACTION", "NEW_TRANSACTION_HAS_BEEN_RECEIVED", 10, NOW)


def digest(body: bytes = BODY, stamp: object = NOW, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()


def signed(body: bytes = BODY, stamp: object = NOW, secret: str = SECRET) -> str:
    return f"t={stamp},v1={digest(body, stamp, secret)}"


def pointer(event_type: str, identifier: int = 10, payload_type: str = "REQUEST") -> bytes:
    return json.dumps({"payload_type": payload_type, "event_type": event_type, "id": identifier}).encode()


def post(receiver: Receiver, body: bytes = BODY, stamp: int = NOW, header: str | None = None) -> int:
    headers = {"X-Ledger-Signature": header or signed(body, stamp)}
    return httpx.post(receiver.url, content=body, headers=headers, trust_env=False).status_code


def receiver(on_event: Callable[[Event, Any], object] | None = None, **settings: Any) -> Receiver:
    settings.setdefault("clock", FakeClock(NOW))
    return Receiver(SECRET, on_event, **settings)


def as_operator(sandbox: Sandbox) -> lk.Session:
    user = sandbox.credentials.api_users[0]
    workspace = sandbox.environment("api_user")["LEDGER_ENTERPRISE_WORKSPACE"]
    return lk.Session(lk.ApiUser(workspace, user.key_id, user.key_secret), base_url=sandbox.url, writes=True)


# One body


@pytest.mark.parametrize(
    "header",
    [
        signed(),
        f"v1={digest()},t={NOW}",
        f" t = {NOW} , v1 = {digest()} ",
        f"t={NOW},v1={digest().upper()}",
        f"t={NOW},v0=abc,v1={'0' * 64},v1={digest()},v2=x=y,more",
        f"t={NOW},t={NOW},v1={digest()}",
    ],
)
def test_a_signature_is_found_in_any_order_beside_what_is_not_known(header: str) -> None:
    assert verify(BODY, header, SECRET, NOW) == verify(BODY, header, Secret(SECRET), NOW) == EVENT


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_message_may_be_as_old_as_the_tolerance(seconds: int) -> None:
    assert verify(BODY, signed(), SECRET, NOW + seconds) == EVENT


@pytest.mark.parametrize(("seconds", "message"), [(301, "301 s ago, and 300 s"), (-301, "301 s ahead")])
def test_an_older_message_is_taken_for_a_replay(seconds: int, message: str) -> None:
    with pytest.raises(AuthenticationError, match=message):
        verify(BODY, signed(), SECRET, NOW + seconds)
    assert verify(BODY, signed(), SECRET, NOW + seconds, tolerance=400) == EVENT


@pytest.mark.parametrize(
    "header",
    [
        signed(secret="another"),
        signed(body=BODY.replace(b"10", b"11")),
        f"t={NOW + 1},v1={digest()}",
        f"t=0{NOW},v1={digest()}",
        f"t={NOW},v1=",
        f"t={NOW},v1={digest()[:-1]}",
        f"t={NOW},v1=ä",
        f"t={NOW},v1=\udcff",
    ],
)
def test_a_signature_of_anything_else_is_refused(header: str) -> None:
    with pytest.raises(AuthenticationError, match="not that of its body") as refused:
        verify(BODY, header, SECRET, NOW)
    assert SECRET not in shown(refused.value)


def test_the_signature_that_was_expected_is_not_shown() -> None:
    with pytest.raises(AuthenticationError) as refused:
        verify(BODY, signed(secret="another"), SECRET, NOW)
    assert digest() not in shown(refused.value)  # it would sign the forged body


@pytest.mark.parametrize(
    "header",
    ["nonsense", f"t={NOW}", f"v1={digest()}", f"t={NOW},t=1,v1={digest()}", signed(stamp="１"), signed(stamp="-1")],
)
def test_a_header_that_can_not_be_read_is_refused(header: str) -> None:
    with pytest.raises(InvalidRequest, match=r"t=<Unix seconds>,v1=<hex> is expected"):
        verify(BODY, header, SECRET, NOW)


@pytest.mark.parametrize("header", [None, ""])
def test_without_a_signature_nothing_is_an_event(header: str | None) -> None:
    with pytest.raises(AuthenticationError, match="no header X-Ledger-Signature"):
        verify(BODY, header, SECRET, NOW)


@pytest.mark.parametrize("secret", ["", Secret("")])
def test_an_empty_secret_is_refused(secret: Secret | str) -> None:
    with pytest.raises(ConfigurationError, match="anybody could sign"):
        verify(BODY, signed(secret=""), secret, NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"payload_type":"USER","event_type":"X"}',
        b'{"payload_type":"USER","event_type":"X","id":true}',
        b'{"payload_type":"USER","event_type":"X","id":"1"}',
        b'{"payload_type":"USER","event_type":"X","id":9223372036854775808}',
        b'{"payload_type":null,"event_type":"X","id":1}',
    ],
)
def test_a_signed_body_that_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest, match="no event with payload_type, event_type and id"):
        verify(body, signed(body), SECRET, NOW)


@given(header=st.text(max_size=40), body=st.binary(max_size=40))
def test_whatever_a_stranger_sends_is_refused_by_an_error_of_the_kit(header: str, body: bytes) -> None:
    with pytest.raises(LedgerError):
        verify(body, header, SECRET, NOW)


@pytest.mark.parametrize(
    ("payload_type", "section"),
    [
        ("TRANSACTION", "transactions"),
        ("REQUEST", "requests"),
        ("USER", "users"),
        ("GROUP", "groups"),
        ("ENTITY", "entities"),
        ("WHITELIST", "whitelists"),
        ("BITCOIN_ACCOUNT", "accounts"),
        ("SOMETHING_NEW_ACCOUNT", "accounts"),
        ("PLEDGE", None),
    ],
)
def test_the_kind_of_object_names_the_section_that_has_it(payload_type: str, section: str | None) -> None:
    assert Event(payload_type, "X", 1, NOW).section == section


# The server


def test_an_event_is_read_back_and_handed_on() -> None:
    session = SimpleNamespace(transactions=SimpleNamespace(get=lambda identifier: {"id": identifier, "amount": "5"}))
    handed: list[Any] = []
    with receiver(lambda event, found: handed.append((event, found)), session=session) as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert post(server) == 204
    assert handed == [(EVENT, {"id": 10, "amount": "5"})]
    events = server.events()
    assert events.dtypes.astype(str).to_dict() == {
        "received_at": "datetime64[us, UTC]",
        "sent_at": "datetime64[us, UTC]",
        "event_type": "str",
        "payload_type": "str",
        "id": "Int64",
        "section": "str",
        "deliveries": "Int64",
        "state": "str",
        "error": "str",
    }
    assert events["state"].tolist() == ["done"]
    assert receiver().events().dtypes.equals(events.dtypes)


def test_a_delivery_that_comes_twice_is_one_event() -> None:
    with receiver() as server:
        assert [post(server), post(server), post(server, stamp=NOW + 9)] == [204, 204, 204]
    assert server.events()["deliveries"].tolist() == [3]


APPROVAL = pointer("REQUEST_HAS_RECEIVED_AN_APPROVAL")


def test_the_second_approval_of_a_request_is_no_repetition() -> None:
    with receiver() as server:
        for stamp in (NOW, NOW + 1):
            assert post(server, APPROVAL, stamp) == 204
    assert server.events()["sent_at"].astype("int64").tolist() == [NOW * 10**6, (NOW + 1) * 10**6]


def test_a_second_approval_in_the_same_second_is_read_back_when_the_first_was_read_before_it() -> None:
    approvals, started, go_on = ["Ada"], threading.Event(), threading.Event()

    def get(identifier: int) -> list[str]:
        found = list(approvals)
        started.set()
        assert go_on.wait(10)
        return found

    handed: list[list[str]] = []
    session = SimpleNamespace(requests=SimpleNamespace(get=get))
    with receiver(lambda event, found: handed.append(found), session=session) as server:
        assert post(server, APPROVAL) == 204
        assert started.wait(10)
        approvals.append("Grace")
        assert post(server, APPROVAL) == 204  # not one byte tells it from a repetition of the first
        go_on.set()
    assert handed == [["Ada"], ["Ada", "Grace"]]
    assert server.events()["deliveries"].tolist() == [1, 1]


def test_approvals_in_the_same_second_are_read_back_once_while_the_first_still_waits() -> None:
    approvals, started, go_on = ["Ada"], threading.Event(), threading.Event()

    def hold(event: Event, found: Any) -> None:
        handed.append((event.id, found))
        if event.id == 1:
            started.set()
            assert go_on.wait(10)

    handed: list[tuple[int, Any]] = []
    session = SimpleNamespace(requests=SimpleNamespace(get=lambda identifier: list(approvals)))
    with receiver(hold, session=session) as server:
        assert post(server, pointer("REQUEST_HAS_BEEN_CREATED", 1)) == 204
        assert started.wait(10)
        assert post(server, APPROVAL) == 204
        approvals.append("Grace")
        assert post(server, APPROVAL) == 204
        go_on.set()
    assert handed == [(1, ["Ada"]), (10, ["Ada", "Grace"])]
    assert server.events()["deliveries"].tolist() == [1, 2]


def test_an_event_that_failed_is_handed_on_again_when_it_is_delivered_again() -> None:
    handed: list[int] = []
    next_one = threading.Event()

    def on_event(event: Event, found: Any) -> None:
        handed.append(event.id)
        if handed == [10]:
            raise KeyError("mine")
        next_one.set()

    with receiver(on_event) as server:
        assert post(server) == 204
        assert post(server, pointer("REQUEST_HAS_BEEN_CREATED", 2)) == 204
        assert next_one.wait(10)
        assert post(server) == 204
    assert handed == [10, 2, 10]
    assert server.events()["state"].tolist() == ["failed", "done", "done"]


def raw_answer(server: Receiver, request: bytes) -> bytes:
    """Send bytes as they are, and return all that comes back until the connection is closed."""
    with socket.create_connection(("127.0.0.1", httpx.URL(server.url).port or 0), timeout=5) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(4096), b""))


def request_of(header: str | None, body: bytes = BODY) -> bytes:
    lines = ["POST / HTTP/1.1", "Host: rebound.example", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *([f"X-Ledger-Signature: {header}"] if header else []), "", ""]).encode() + body


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (request_of(None), b"401 Unauthorized"),
        (request_of(signed(secret="another")), b"401 Unauthorized"),
        (request_of(signed(stamp=NOW - 301)), b"401 Unauthorized"),
        (request_of(None, b"x" * 65536), b"401 Unauthorized"),
        (request_of("nonsense"), b"400 Bad Request"),
        (request_of(signed(b"[]"), b"[]"), b"400 Bad Request"),
        (b"GET / HTTP/1.1\r\n\r\n", b"501 Not Implemented"),
        (b"OPTIONS / HTTP/1.1\r\nOrigin: https://rebound.example\r\n\r\n", b"501 Not Implemented"),
        (b"canary of nonsense in a line\r\n\r\n", b"400 Bad Request"),
        (b"\x16\x03\x01 canary\r\n\r\n", b"400 Bad Request"),
    ],
)
def test_a_stranger_is_told_the_status_alone_and_hands_nothing_on(request_: bytes, answer: bytes) -> None:
    handed: list[Event] = []
    with receiver(lambda event, found: handed.append(event)) as server:
        assert raw_answer(server, request_) == b"HTTP/1.0 " + answer + b"\r\nContent-Length: 0\r\n\r\n"
    assert handed == []


class WatchedClock(FakeClock):
    def __init__(self) -> None:
        super().__init__(NOW)
        self.asked = threading.Event()

    def monotonic(self) -> float:
        self.asked.set()
        return super().monotonic()


@pytest.mark.parametrize("start", [b"", request_of(signed())[: -len(BODY)]], ids=["in the head", "in the body"])
def test_who_sends_a_byte_every_seven_seconds_is_cut_off_after_ten(start: bytes) -> None:
    clock = WatchedClock()
    with receiver(clock=clock) as server:
        port = httpx.URL(server.url).port or 0
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(start + b"P")
            assert clock.asked.wait(10)
            answer = b""
            with contextlib.suppress(ConnectionError):  # cut off before the second byte was sent, or with it unread
                for _ in range(2):
                    clock.jump(monotonic=7)
                    connection.sendall(b"O")
                answer = connection.recv(100)
            assert answer == b""


def test_a_head_without_an_end_is_read_up_to_its_bound() -> None:
    head = b"POST / HTTP/1.1\r\n" + (b"X: " + b"x" * 1000 + b"\r\n") * 90
    with receiver() as server, contextlib.suppress(ConnectionError):  # cut off, where not all was sent yet
        assert raw_answer(server, head) == b""


def test_who_holds_all_connections_makes_others_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "_MOST_HANDLERS", 2)
    with receiver() as server:
        port = httpx.URL(server.url).port or 0
        held = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(2)]
        assert raw_answer(server, b"").startswith(b"HTTP/1.0 503 ")
        for connection in held:
            connection.close()
        statuses: list[int] = []
        for _ in range(100):
            with contextlib.suppress(ConnectionError):  # refused before all was sent
                statuses.append(int(raw_answer(server, request_of(signed())).split()[1]))
            if 204 in statuses:
                break
        assert statuses[-1] == 204


def test_what_is_not_from_the_service_is_refused() -> None:
    with receiver() as server:
        assert post(server, header=signed(secret="another")) == 401
        assert post(server, stamp=NOW - 301) == 401
        assert httpx.post(server.url, content=BODY, trust_env=False).status_code == 401
        assert post(server, header="nonsense") == 400
        assert post(server, b"[]") == 400
        assert httpx.get(server.url, trust_env=False).status_code == 501
    assert server.events().empty


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("Content-Length: 65537", 413),
        ("Content-Length: -1", 411),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", 411),
        ("X: y", 411),
    ],
)
def test_a_body_of_no_known_or_too_large_a_size_is_not_read(line: str, status: int) -> None:
    with receiver() as server, socket.create_connection(("127.0.0.1", httpx.URL(server.url).port or 0)) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nHost: x\r\n{line}\r\n\r\n".encode())
        assert connection.makefile("rb").readline().split()[1] == str(status).encode()


def test_more_than_may_wait_is_refused_so_that_the_service_sends_it_again() -> None:
    taken, go_on = threading.Event(), threading.Event()

    def slow(event: Event, found: Any) -> None:
        taken.set()
        assert go_on.wait(10)

    with receiver(slow, waiting=1) as server:
        assert post(server, pointer("REQUEST_HAS_BEEN_CREATED", 1)) == 204
        assert taken.wait(10)
        assert post(server, pointer("REQUEST_HAS_BEEN_CREATED", 2)) == 204
        third = pointer("REQUEST_HAS_BEEN_CREATED", 3)
        assert post(server, third) == 503
        go_on.set()
        statuses = [post(server, third)]
        while statuses[-1] == 503 and len(statuses) < 100:
            statuses.append(post(server, third))
        assert statuses[-1] == 204
    assert server.events()["id"].tolist() == [1, 2, 3]


def test_a_fault_is_written_down_and_the_next_event_is_handed_on() -> None:
    def get(identifier: int) -> str:
        if identifier == 1:
            raise LedgerError("the service does not answer")
        return "read"

    handed: list[tuple[int, Any]] = []

    def on_event(event: Event, found: Any) -> None:
        handed.append((event.id, found))
        if event.id == 2:
            raise KeyError("mine")

    session = SimpleNamespace(requests=SimpleNamespace(get=get))
    with receiver(on_event, session=session) as server:
        for identifier in (1, 2, 3):
            post(server, pointer("REQUEST_HAS_BEEN_CREATED", identifier))
        post(server, pointer("PLEDGE_HAS_BEEN_CREATED", 4, "PLEDGE"))
    assert handed == [(1, None), (2, "read"), (3, "read"), (4, None)]
    events = server.events()
    assert events["state"].tolist() == ["failed", "failed", "done", "failed"]
    assert events["error"].fillna("").tolist() == [
        "not read, LedgerError: the service does not answer",
        "not handed on, KeyError: 'mine'",
        "",
        "not read, LedgerError: 'PLEDGE' is of no section that is known: nothing was read.",
    ]


def test_a_callback_that_exits_does_not_end_the_receiver() -> None:
    with receiver(lambda event, found: sys.exit("enough")) as server:
        for identifier in (1, 2):
            assert post(server, pointer("REQUEST_HAS_BEEN_CREATED", identifier)) == 204
    assert server.events()["error"].tolist() == ["not handed on, SystemExit: enough"] * 2


def test_it_can_be_stopped_by_its_own_callback_and_started_again() -> None:
    stopped = threading.Event()

    def stop(event: Event, found: Any) -> None:
        server.stop()
        stopped.set()

    server = receiver(stop).start()
    assert post(server) == 204
    assert stopped.wait(10)
    assert repr(server) == "Receiver(stopped, 1 events)"
    with pytest.raises(ConfigurationError, match="not started"):
        _ = server.url
    with server:
        assert post(server, pointer("REQUEST_HAS_BEEN_CREATED", 2)) == 204
    server.stop()
    assert len(server.events()) == 2


def test_it_leaves_no_thread_behind_and_shows_no_secret() -> None:
    before = set(threading.enumerate())
    with receiver() as server:
        post(server)
        assert SECRET not in repr(server) + repr(vars(server))
    assert [thread for thread in set(threading.enumerate()) - before if "webhooks" in thread.name] == []


def test_the_events_of_a_workspace_come_in_with_their_objects() -> None:
    handed: list[tuple[Event, Any]] = []
    with Sandbox(transactions=50) as sandbox, as_operator(sandbox) as session:
        identifier = int(session.transactions.search(limit=1)["id"].iloc[0])
        with Receiver(SECRET, lambda *event: handed.append(event), session=session) as server:
            session.notifications.set(server.url, Secret(SECRET))
            sandbox.webhooks.duplicate = True
            sandbox.webhooks.announce("NEW_TRANSACTION_HAS_BEEN_RECEIVED", "TRANSACTION", identifier, None)
            sandbox.deliver_webhooks()
    ((event, found),) = handed
    assert (event.event_type, event.id) == ("NEW_TRANSACTION_HAS_BEEN_RECEIVED", identifier)
    assert found["id"].tolist() == [identifier]


def test_a_receiver_without_a_secret_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="anybody could sign"):
        Receiver("")


def test_a_secret_that_is_no_text_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigurationError, match="not a text") as refused:
        Receiver(SECRET.encode())  # type: ignore[arg-type]  # bytes, which the signature forbids: refused by name
    assert SECRET not in shown(refused.value)
