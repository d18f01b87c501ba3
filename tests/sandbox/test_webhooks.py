"""Events reach the target that a caller set: signed, at least once, and never beyond this machine."""

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from ledgerkit.sandbox import Sandbox, webhooks

from .conftest import HandClock, log_in
from .test_settlements import approve, outbound

Start = Callable[..., tuple[Sandbox, httpx.Client]]

SECRET = "a shared secret"


class Receiver:
    """A target on loopback that keeps what it gets, and answers with the statuses it was told."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.signatures: list[str] = []
        self.statuses: list[int] = []
        self.location: str | None = None
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.signatures.append(self.headers["X-Ledger-Signature"])
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 204)
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.bodies]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    opened = Receiver()
    yield opened
    opened.close()


def watch(client: httpx.Client, url: str) -> None:
    hook = {"all": {"webhook": {"url": url, "secret": SECRET}}}
    assert client.put("/notifications/configuration", json=hook).raise_for_status().json() == hook


def waiting_request(sandbox: Sandbox) -> int:
    identifier: int = next(node["id"] for node in sandbox.world.requests if node["status"] == "PENDING_APPROVAL")
    return identifier


def test_an_event_is_a_pointer_signed_over_time_and_raw_body(start: Start, receiver: Receiver) -> None:
    clock = HandClock()
    sandbox, client = start(clock=clock)
    log_in(client, sandbox)
    watch(client, receiver.url)
    identifier = waiting_request(sandbox)

    sandbox.webhooks.announce("REQUEST_HAS_BEEN_CREATED", "REQUEST", identifier, None)
    sandbox.deliver_webhooks()

    body = b'{"payload_type":"REQUEST","event_type":"REQUEST_HAS_BEEN_CREATED","id":%d}' % identifier
    assert receiver.bodies == [body]
    moment = str(int(clock()))
    expected = hmac.new(SECRET.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert receiver.signatures == [f"t={moment},v1={expected}"]
    assert [delivery.status for delivery in sandbox.webhooks.deliveries] == ["delivered"]
    assert client.get("/notifications/configuration").json()["all"]["webhook"]["secret"] == SECRET


def test_the_thread_of_a_running_sandbox_delivers_by_itself(start: Start, receiver: Receiver) -> None:
    arrived = threading.Event()
    sandbox, client = start()
    log_in(client, sandbox)
    watch(client, receiver.url)
    post = sandbox.webhooks.deliver_due

    def deliver(now: float) -> int:
        count = post(now)
        if count:
            arrived.set()
        return count

    sandbox.webhooks.deliver_due = deliver  # type: ignore[method-assign]  # a delivery of the test in the place of the method
    sandbox.webhooks.announce("REQUEST_HAS_BEEN_CREATED", "REQUEST", waiting_request(sandbox), None)
    assert arrived.wait(10)
    assert len(receiver.bodies) == 1


def test_a_refused_event_comes_again_after_5_seconds_doubled_to_30_minutes(start: Start, receiver: Receiver) -> None:
    clock = HandClock()
    sandbox, client = start(clock=clock)
    log_in(client, sandbox)
    watch(client, receiver.url)
    receiver.statuses = [500] * 12
    sandbox.webhooks.announce("REQUEST_HAS_BEEN_CREATED", "REQUEST", waiting_request(sandbox), None)
    sandbox.deliver_webhooks()
    [delivery] = sandbox.webhooks.deliveries
    waits = []
    while delivery.status == "waiting":
        assert delivery.reason == "status 500"
        tries = delivery.tries
        waits.append(delivery.next_try - clock())
        clock.seconds = delivery.next_try - 0.5
        sandbox.deliver_webhooks()
        assert delivery.tries == tries, "nothing is posted before its time"
        clock.seconds = delivery.next_try
        sandbox.deliver_webhooks()
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 1800, 1800, 1800]
    assert len(set(receiver.bodies)) == 1
    assert len(set(receiver.signatures)) == 13, "every post is signed anew"


def test_after_a_hundred_tries_an_event_is_given_up(start: Start, receiver: Receiver) -> None:
    clock = HandClock()
    sandbox, client = start(clock=clock)
    log_in(client, sandbox)
    watch(client, receiver.url)
    receiver.statuses = [503] * 200
    sandbox.webhooks.announce("REQUEST_HAS_BEEN_CREATED", "REQUEST", waiting_request(sandbox), None)
    began = clock()
    for _ in range(120):
        sandbox.deliver_webhooks()
        clock.seconds = max(clock(), sandbox.webhooks.deliveries[0].next_try)
    [delivery] = sandbox.webhooks.deliveries
    assert (delivery.status, delivery.tries, len(receiver.bodies)) == ("not delivered", 100, 100)
    assert "100 tries" in delivery.reason
    assert 1.8 < (clock() - began) / 86_400 < 2.0


def test_an_event_may_come_twice(start: Start, receiver: Receiver) -> None:
    sandbox, client = start(clock=HandClock())
    log_in(client, sandbox)
    watch(client, receiver.url)
    sandbox.webhooks.duplicate = True
    sandbox.webhooks.announce("REQUEST_HAS_BEEN_CREATED", "REQUEST", waiting_request(sandbox), None)
    sandbox.deliver_webhooks()
    assert len(receiver.bodies) == 2
    assert len(set(receiver.bodies)) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook",
        "https://127.0.0.1.example.com/hook",
        "https://localhost@example.com/hook",
        "https://10.0.0.1/hook",
        "https://0.0.0.0/hook",
    ],
)
def test_nothing_is_posted_beyond_loopback(start: Start, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox, client = start(clock=HandClock())
    log_in(client, sandbox)
    watch(client, url)
    monkeypatch.setattr(httpx.Client, "post", lambda *_, **__: pytest.fail("a sandbox called the network"))
    sandbox.webhooks.announce("REQUEST_HAS_BEEN_CREATED", "REQUEST", waiting_request(sandbox), None)
    sandbox.deliver_webhooks()
    [delivery] = sandbox.webhooks.deliveries
    assert (delivery.status, delivery.tries) == ("not delivered", 0)
    assert "not on loopback" in delivery.reason


def test_a_redirect_of_a_target_is_not_followed(start: Start, receiver: Receiver) -> None:
    sandbox, client = start(clock=HandClock())
    log_in(client, sandbox)
    watch(client, receiver.url)
    receiver.statuses = [307]
    receiver.location = "https://example.com/hook"
    sandbox.webhooks.announce("REQUEST_HAS_BEEN_CREATED", "REQUEST", waiting_request(sandbox), None)
    sandbox.deliver_webhooks()
    [delivery] = sandbox.webhooks.deliveries
    assert (delivery.status, delivery.reason) == ("waiting", "status 307")


def test_plain_http_is_for_receivers_on_loopback(start: Start) -> None:
    sandbox, client = start()
    log_in(client, sandbox)
    for url, status in {
        "http://localhost:9/hook": 200,
        "http://[::1]:9/hook": 200,
        "http://example.com/hook": 400,
        "http://127.0.0.1@example.com/hook": 400,
        "http://[": 400,
        "/hook": 400,
    }.items():
        hook = {"all": {"webhook": {"url": url, "secret": SECRET}}}
        assert client.put("/notifications/configuration", json=hook).status_code == status, url


def test_callers_hear_only_of_what_they_may_see(start: Start) -> None:
    sandbox, client = start(clock=HandClock())
    log_in(client, sandbox)
    watch(client, "https://everything.example/hook")
    log_in(client, sandbox, 2)  # an operator without view-all
    watch(client, "https://own.example/hook")
    seen = {edge["node"]["id"] for edge in client.get("/accounts", params={"page_size": 100}).json()["edges"]}
    hidden = next(node["id"] for node in sandbox.world.accounts if node["id"] not in seen)
    shown = min(seen)

    for account in (shown, hidden):
        sandbox.webhooks.announce("ACCOUNT_HAS_BEEN_EDITED", "ETHEREUM_ACCOUNT", account, None)

    told: dict[Any, list[int]] = {}
    for delivery in sandbox.webhooks.deliveries:
        told.setdefault(delivery.owner[1], []).append(delivery.id)
    assert told == {27: [shown, hidden], 29: [shown]}


def test_events_for_some_users_reach_those_alone(start: Start) -> None:
    sandbox, client = start(clock=HandClock())
    for user in (0, 1):
        log_in(client, sandbox, user)
        watch(client, "https://hook.example/hook")
    identifier = waiting_request(sandbox)
    sandbox.webhooks.announce("REQUEST_HAS_BEEN_CREATED", "REQUEST", identifier, frozenset({28}))
    assert [delivery.owner for delivery in sandbox.webhooks.deliveries] == [("api_user", 28)]


def test_a_webhook_that_was_taken_away_gets_nothing(start: Start, receiver: Receiver) -> None:
    sandbox, client = start(clock=HandClock())
    log_in(client, sandbox)
    watch(client, receiver.url)
    receiver.statuses = [500]
    sandbox.webhooks.announce("REQUEST_HAS_BEEN_CREATED", "REQUEST", waiting_request(sandbox), None)
    sandbox.deliver_webhooks()
    client.put("/notifications/configuration", json={"all": {"webhook": None}}).raise_for_status()
    sandbox.webhooks.deliver_due(sandbox.faults.now() + 5)
    [delivery] = sandbox.webhooks.deliveries
    assert (delivery.status, delivery.reason) == ("not delivered", "the caller took the webhook away")
    assert len(receiver.bodies) == 1


def test_a_target_that_never_ends_its_answer_does_not_hold_the_sandbox(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "SECONDS_TO_ANSWER", 0.05)
    sandbox, client = start()
    log_in(client, sandbox)
    watch(client, "http://127.0.0.1:9/hook")
    posting, ended = threading.Event(), threading.Event()

    def post(*_: Any) -> str:
        posting.set()
        ended.wait(20)
        return "late"

    monkeypatch.setattr(sandbox.webhooks, "_post", post)
    for _ in range(2):
        sandbox.webhooks.announce("REQUEST_HAS_BEEN_CREATED", "REQUEST", waiting_request(sandbox), None)
    try:
        assert posting.wait(10)
        stopping = threading.Thread(target=sandbox.stop)
        stopping.start()
        stopping.join(10)
        assert not stopping.is_alive()
    finally:
        ended.set()


def test_no_secret_of_a_webhook_is_in_what_tests_print(start: Start) -> None:
    sandbox, client = start(clock=HandClock())
    log_in(client, sandbox)
    watch(client, "https://hook.example/hook")
    sandbox.webhooks.announce("REQUEST_HAS_BEEN_CREATED", "REQUEST", waiting_request(sandbox), None)
    assert SECRET not in repr(sandbox.webhooks.deliveries)


def test_a_settlement_is_told_step_by_step_and_to_its_creator_alone_before_the_first_approval(
    start: Start, receiver: Receiver
) -> None:
    sandbox, client = start(clock=HandClock(), pace=0)
    log_in(client, sandbox, 1)
    watch(client, "https://administrator.example/hook")
    log_in(client, sandbox)
    watch(client, receiver.url)

    made = client.post("/settlements", json=outbound(sandbox, client)).raise_for_status().json()

    request, transaction = (made["outbound_transaction"][name] for name in ("request_id", "transaction_id"))
    assert {delivery.owner[1] for delivery in sandbox.webhooks.deliveries} == {27}
    approve(sandbox, client, request)
    sandbox.colleagues.approve(request, count=2)
    sandbox.deliver_webhooks()
    told = [(event["event_type"], event["payload_type"], event["id"]) for event in receiver.events]
    # the order is not promised
    assert sorted(told) == sorted(
        [
            ("REQUEST_HAS_BEEN_CREATED", "REQUEST", request),
            *[("REQUEST_HAS_RECEIVED_AN_APPROVAL", "REQUEST", request)] * 3,
            *[("REQUEST_HAS_REACHED_STEP", "REQUEST", request)] * 2,
            ("REQUEST_HAS_REACHED_QUORUM", "REQUEST", request),
            ("NEW_TRANSACTION_HAS_BEEN_SIGNED", "TRANSACTION", transaction),
            ("NEW_TRANSACTION_HAS_BEEN_BROADCASTED", "TRANSACTION", transaction),
        ]
    )
    others = {delivery.event_type for delivery in sandbox.webhooks.deliveries if delivery.owner[1] == 28}
    assert others == {event for event, _, _ in told} - {"REQUEST_HAS_BEEN_CREATED"}
