"""Receiving events: a webhook's signature checked, and a small server that takes events and reads the objects back.

An event is only a pointer to an object, delivered at least once and in no certain order. What it points to is read
through the API.
"""

import hmac
import json
import re
import socket
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Final, Self

import pandas as pd

from ledgerkit.clock import Clock, SystemClock
from ledgerkit.errors import AuthenticationError, ConfigurationError, InvalidRequest, LedgerError, shorten
from ledgerkit.secret import Secret

SIGNATURE_HEADER: Final = "X-Ledger-Signature"
# A body is a pointer of about 90 bytes.
LARGEST_BODY: Final = 64 * 1024
# The service's own receiver takes what is older for a replay.
TOLERANCE: Final = 300

_SECTIONS = {
    "ENTITY": "entities",
    "GROUP": "groups",
    "REQUEST": "requests",
    "TRANSACTION": "transactions",
    "USER": "users",
    "WHITELIST": "whitelists",
}
# These happen to an object once: whatever comes again is a repeated delivery. All others can happen again, as the
# second approval of a request, and are told from a repeated delivery by the time of their signature.
_ONCE = {
    "NEW_ACCOUNT_HAS_BEEN_CREATED",
    "NEW_ENTITY_HAS_BEEN_CREATED",
    "NEW_GROUP_HAS_BEEN_CREATED",
    "NEW_TRANSACTION_HAS_BEEN_ABORTED",
    "NEW_TRANSACTION_HAS_BEEN_BROADCASTED",
    "NEW_TRANSACTION_HAS_BEEN_RECEIVED",
    "NEW_TRANSACTION_HAS_BEEN_SIGNED",
    "NEW_TRANSACTION_HAS_FAILED",
    "NEW_USER_HAS_BEEN_CREATED",
    "NEW_WHITELIST_HAS_BEEN_CREATED",
    "REQUEST_HAS_BEEN_ABORTED",
    "REQUEST_HAS_BEEN_CREATED",
    "REQUEST_HAS_EXPIRED",
    "REQUEST_HAS_REACHED_QUORUM",
}
_SECONDS_TO_SEND = 10.0
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Event:
    """A pointer to an object to which something happened; ``sent_at`` is when it was signed, in Unix seconds."""

    payload_type: str
    event_type: str
    id: int
    sent_at: int

    @property
    def section(self) -> str | None:
        """The section of the session that has the object, such as ``"transactions"``; None where it is not known."""
        return "accounts" if self.payload_type.endswith("_ACCOUNT") else _SECTIONS.get(self.payload_type)


def verify(
    raw_body: bytes, header: str | None, secret: Secret | str, now: float, tolerance: float = TOLERANCE
) -> Event:
    """Check the signature of a webhook's body, and return its event.

    Parameters
    ----------
    raw_body
        The bytes of the body as they came, not decoded and written anew.
    header
        The header ``X-Ledger-Signature``.
    secret
        The one of the webhook's configuration.
    now
        Unix seconds.
    tolerance
        How far the time of the signature may be from ``now``, in seconds.

    Raises
    ------
    AuthenticationError
        The signature is missing, not made with this secret for this body, or too old.
    InvalidRequest
        Header or body can't be read.
    ConfigurationError
        The secret is empty.
    """
    wrapped = _wrapped(secret)
    del secret
    stamp, signatures = _read_header(header)
    if not _is_signed(raw_body, stamp, signatures, wrapped):
        raise AuthenticationError(
            "the signature of the webhook is not that of its body: another secret is configured, or it is forged."
        )
    age = now - int(stamp)
    if abs(age) > tolerance:
        raise AuthenticationError(
            f"the webhook was signed {abs(age):.0f} s {'ago' if age > 0 else 'ahead'}, and {tolerance:g} s are "
            "allowed: it is repeated, or a clock is wrong."
        )
    return _read_body(raw_body, int(stamp))


def _wrapped(secret: Secret | str) -> Secret:
    wrapped = secret if isinstance(secret, Secret) else Secret(secret)
    del secret
    if not wrapped:
        raise ConfigurationError("the secret of the webhook is empty: anybody could sign events.", field="secret")
    return wrapped


def _read_header(header: str | None) -> tuple[str, list[str]]:
    """Return the time as it is written, and every signature of the version that is known."""
    if not header:
        raise AuthenticationError(f"the webhook has no header {SIGNATURE_HEADER}.")
    pairs = [(name.strip(), value.strip()) for name, _, value in (part.partition("=") for part in header.split(","))]
    stamps = {value for name, value in pairs if name == "t"}
    stamp = stamps.pop() if len(stamps) == 1 else ""
    signatures = [value for name, value in pairs if name == "v1"]
    if not re.fullmatch(r"[0-9]{1,12}", stamp) or not signatures:
        raise InvalidRequest(
            f"the header {SIGNATURE_HEADER} can't be read: t=<Unix seconds>,v1=<hex> is expected.",
            field=SIGNATURE_HEADER,
        )
    return stamp, signatures


def _is_signed(raw_body: bytes, stamp: str, signatures: list[str], secret: Secret) -> bool:
    expected = hmac.digest(secret.reveal().encode(), f"{stamp}.".encode() + raw_body, "sha256").hex().encode()
    return any(hmac.compare_digest(expected, given.lower().encode()) for given in signatures)


def _read_body(raw_body: bytes, stamp: int) -> Event:
    try:
        body = json.loads(raw_body)
    except (ValueError, RecursionError):
        body = None
    named = body if isinstance(body, dict) else {}
    payload_type, event_type, identifier = (named.get(name) for name in ("payload_type", "event_type", "id"))
    if (
        not isinstance(payload_type, str)
        or not isinstance(event_type, str)
        or not isinstance(identifier, int)
        or isinstance(identifier, bool)
        or abs(identifier) >= 2**63
    ):
        raise InvalidRequest(
            f"the webhook's body is no event with payload_type, event_type and id: {shorten(raw_body)}", field="body"
        )
    return Event(payload_type, event_type, identifier, stamp)


@dataclass(slots=True)
class _Entry:
    event: Event
    received_at: datetime
    state: str = "waiting"
    error: str | None = None


class Receiver:
    """A server on this machine that takes events, reads each object back, and hands both on, one after the other.

    The service posts to public https addresses alone: a tunnel or a reverse proxy has to stand in front. Events that
    were accepted and not yet handed on are lost with the process, so go on polling beside it.

    Parameters
    ----------
    secret
        The one of the webhook's configuration.
    on_event
        Called with the event and the object, or None where it was not read, in a thread of the receiver.
    session
        Reads the objects: ``session.transactions.get(id)`` for an event of a transaction.
    port, host
        Where to listen; port 0 takes a free one.
    clock
        What the times of signatures are measured against.
    waiting
        How many events may wait to be handed on; more are refused with 503, and the service sends them again.
    """

    def __init__(
        self,
        secret: Secret | str,
        on_event: Callable[[Event, Any], object] | None = None,
        *,
        session: Any = None,
        port: int = 0,
        host: str = "127.0.0.1",
        clock: Clock | None = None,
        waiting: int = 1000,
    ) -> None:
        self._secret = _wrapped(secret)
        del secret
        self._on_event = on_event
        self._session = session
        self._address = (host, port)
        self._clock = clock or SystemClock()
        self._queue: SimpleQueue[_Entry | None] = SimpleQueue()
        self._waiting = waiting
        self._accepts = False
        self._seen: OrderedDict[tuple[object, ...], None] = OrderedDict()
        self._entries: deque[_Entry] = deque(maxlen=_REMEMBERED)
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        if self._server is None:
            raise ConfigurationError("the receiver is not started: call start(), or use it in a with statement.")
        host = self._address[0]
        return f"http://{f'[{host}]' if ':' in host else host}:{self._server.server_port}/"

    def start(self) -> Self:
        """Begin to listen."""
        if self._server is None:
            self._server = _Server(self._address, self._receive)
            self._accepts = True
            # stop() waits for the server to look up: half a second, unless told otherwise.
            serve = partial(self._server.serve_forever, poll_interval=0.05)
            self._threads = [
                threading.Thread(target=target, name="ledgerkit webhooks", daemon=True)
                for target in (serve, self._work)
            ]
            for thread in self._threads:
                thread.start()
        return self

    def stop(self) -> None:
        """Stop listening, and return when the events that were accepted are handed on."""
        server, self._server = self._server, None
        if server is None:
            return
        server.shutdown()
        server.server_close()
        with self._lock:  # a delivery that is being checked now is refused, and comes again
            self._accepts = False
        self._queue.put(None)
        for thread in self._threads:
            if thread is not threading.current_thread():  # on_event may stop the receiver
                thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Receiver({self.url if self._server else 'stopped'}, {len(self._entries)} events)"

    def events(self) -> pd.DataFrame:
        """Return the events that were accepted, newest last.

        ``state`` is waiting, done or failed; ``error`` says why the object could not be read or handed on.
        """
        with self._lock:
            entries = list(self._entries)
        times = "datetime64[us, UTC]"
        return pd.DataFrame(
            {
                "received_at": pd.Series([entry.received_at for entry in entries], dtype=times),
                "sent_at": pd.Series(
                    [datetime.fromtimestamp(entry.event.sent_at, UTC) for entry in entries], dtype=times
                ),
                "event_type": pd.Series([entry.event.event_type for entry in entries], dtype="str"),
                "payload_type": pd.Series([entry.event.payload_type for entry in entries], dtype="str"),
                "id": pd.Series([entry.event.id for entry in entries], dtype="Int64"),
                "section": pd.Series([entry.event.section for entry in entries], dtype="str"),
                "state": pd.Series([entry.state for entry in entries], dtype="str"),
                "error": pd.Series([entry.error for entry in entries], dtype="str"),
            }
        )

    def _receive(self, raw_body: bytes, header: str | None) -> int:
        """Accept a delivery, and return the status that answers it."""
        now = self._clock.time()
        try:
            event = verify(raw_body, header, self._secret, now)
        except AuthenticationError:
            return 401
        except InvalidRequest:
            return 400
        key: tuple[object, ...] = (event.event_type, event.payload_type, event.id)
        if event.event_type not in _ONCE:
            key = (*key, event.sent_at)
        with self._lock:
            if key in self._seen:
                return 204
            if not self._accepts or self._queue.qsize() >= self._waiting:
                return 503
            entry = _Entry(event, datetime.fromtimestamp(now, UTC))
            self._queue.put(entry)
            self._entries.append(entry)
            self._seen[key] = None
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
        return 204

    def _work(self) -> None:
        while (entry := self._queue.get()) is not None:
            found = None
            try:
                found = self._read(entry.event)
            except Exception as error:  # noqa: BLE001 - the event is handed on all the same, and the next one too
                entry.error = f"not read, {type(error).__name__}: {error}"
            try:
                if self._on_event is not None:
                    self._on_event(entry.event, found)
            except Exception as error:  # noqa: BLE001 - the caller's own code: the next event must not be lost with it
                entry.error = f"not handed on, {type(error).__name__}: {error}"
            entry.state = "failed" if entry.error else "done"

    def _read(self, event: Event) -> Any:
        if self._session is None:
            return None
        if event.section is None:
            raise LedgerError(f"{shorten(event.payload_type)} is of no section that is known: nothing was read.")
        return getattr(self._session, event.section).get(event.id)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], receive: Callable[[bytes, str | None], int]) -> None:
        self.receive = receive
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: who hangs up in the middle is no fault of the notebook, whose output this would go to."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _SECONDS_TO_SEND
    server_version = "ledgerkit"
    sys_version = ""

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"[0-9]{1,10}", length) or self.headers.get("Transfer-Encoding"):
            self._answer(411)
        elif int(length) > LARGEST_BODY:
            self._answer(413)
        else:
            body = self.rfile.read(int(length))
            self._answer(self.server.receive(body, self.headers.get(SIGNATURE_HEADER)))

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: requests of strangers would fill the output of the notebook."""
