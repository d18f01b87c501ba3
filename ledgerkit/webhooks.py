"""Receiving events: a webhook's signature checked, and a small server that takes events and reads the objects back.

An event is only a pointer to an object, delivered at least once and in no certain order. What it points to is read
through the API.
"""

import hmac
import io
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
from ledgerkit.decoding import read_alike
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
# second approval of a request. Signed in another second, they are another event; signed in the same second, nothing
# tells them from a repeated delivery.
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
_REMEMBERED = 10_000

_SECONDS_TO_SEND = 10.0
# Request line and headers: a proxy in front adds a few hundred bytes.
_LARGEST_HEAD = 16 * 1024
_MOST_HANDLERS = 32


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
        The secret is empty, or not a text.
    """
    secret = _wrapped(secret)
    _check(secret)
    stamp, signatures = _read_header(header)
    if not _is_signed(raw_body, stamp, signatures, secret):
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


def _wrapped(secret: object) -> Secret:
    """Wrap a secret without raising, for the frame would show it; what is no text becomes an empty one."""
    return secret if isinstance(secret, Secret) else Secret(secret if isinstance(secret, str) else "")


def _check(secret: Secret) -> None:
    if not secret:
        raise ConfigurationError(
            "the secret of the webhook is empty, or not a text: anybody could sign events.", field="secret"
        )


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
    return any(hmac.compare_digest(expected, given.lower().encode(errors="replace")) for given in signatures)


def _read_body(raw_body: bytes, stamp: int) -> Event:
    try:
        body = read_alike(raw_body)
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
    deliveries: int = 1
    state: str = "waiting"
    error: str | None = None


class Receiver:
    """A server on this machine that takes events, reads each object back, and hands both on, one after the other.

    The service posts to public https addresses alone: a tunnel or a reverse proxy has to stand in front. Events that
    were accepted and not yet handed on are lost with the process, so go on polling beside it.

    Every event is handed on at least once, with its object as it was read after the event came in. A delivery that is
    surely repeated is counted and not handed on, unless the first failed. Where it may as well be a second event of
    the same second, it is handed on again, unless the first still waits: then one reading serves both.

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
        secret = _wrapped(secret)
        self._server: _Server | None = None  # these two before the check, for its traceback may show the receiver
        self._entries: deque[_Entry] = deque(maxlen=_REMEMBERED)
        _check(secret)
        self._secret = secret
        self._on_event = on_event
        self._session = session
        self._address = (host, port)
        self._clock = clock or SystemClock()
        self._queue: SimpleQueue[_Entry | None] = SimpleQueue()
        self._waiting = waiting
        self._accepts = False
        self._seen: OrderedDict[tuple[object, ...], _Entry] = OrderedDict()
        self._lock = threading.Lock()
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
            self._server = _Server(self._address, self._receive, self._clock)
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

        ``state`` is waiting, started, done or failed; ``error`` says why the object could not be read or handed on.
        ``deliveries`` counts how often it came in, with what was taken for a repetition.
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
                "deliveries": pd.Series([entry.deliveries for entry in entries], dtype="Int64"),
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
            first = self._seen.get(key)
            if first is not None and self._covers(first):
                first.deliveries += 1
                return 204
            if not self._accepts or self._queue.qsize() >= self._waiting:
                return 503
            entry = _Entry(event, datetime.fromtimestamp(now, UTC))
            self._queue.put(entry)
            self._entries.append(entry)
            self._seen[key] = entry
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
        return 204

    @staticmethod
    def _covers(first: _Entry) -> bool:
        """Say whether a delivery like one before needs no handing on of its own."""
        if first.state == "waiting":
            return True  # its object is read later than now, and shows what both tell of
        return first.event.event_type in _ONCE and first.state != "failed"

    def _work(self) -> None:
        while (entry := self._queue.get()) is not None:
            with self._lock:  # from here on, a delivery like it may tell of what the reading does not show
                entry.state = "started"
            found = None
            try:
                found = self._read(entry.event)
            except Exception as error:  # noqa: BLE001 - the event is handed on all the same, and the next one too
                entry.error = f"not read, {type(error).__name__}: {error}"
            try:
                if self._on_event is not None:
                    self._on_event(entry.event, found)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - the caller's code must not end this thread
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
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], receive: Callable[[bytes, str | None], int], clock: Clock) -> None:
        self.receive = receive
        self.clock = clock
        self._free = threading.BoundedSemaphore(_MOST_HANDLERS)
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handle a request in a thread of its own, or refuse it where all threads are taken."""
        if not self._free.acquire(blocking=False):
            # So short that it fits into the buffer of a new connection: nobody is waited for.
            request.sendall(b"HTTP/1.0 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Handle a request, and make room for the next one."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: who hangs up in the middle is no fault of the notebook, whose output this would go to."""


class _BoundedStream(io.RawIOBase):
    """What a connection sends, for so many bytes and so long altogether, however small the pieces are."""

    def __init__(self, connection: socket.socket, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._deadline = clock.monotonic() + _SECONDS_TO_SEND
        self.allowed = _LARGEST_HEAD

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - self._clock.monotonic()
        if left <= 0 or self.allowed <= 0:
            raise TimeoutError  # upon it the handler closes the connection
        self._connection.settimeout(left)
        size = self._connection.recv_into(buffer, min(len(buffer), self.allowed))
        self.allowed -= size
        return size


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    # Otherwise a first line that can't be read would be answered without a status.
    default_request_version = "HTTP/1.0"

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self._stream = _BoundedStream(self.connection, self.server.clock)
        self.rfile = io.BufferedReader(self._stream)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"[0-9]{1,10}", length) or self.headers.get("Transfer-Encoding"):
            self._answer(411)
        elif int(length) > LARGEST_BODY:
            self._answer(413)
        else:
            self._stream.allowed += int(length)
            body = self.rfile.read(int(length))
            self._answer(self.server.receive(body, self.headers.get(SIGNATURE_HEADER)))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what the base class can't read, without its page that repeats the request."""
        self._answer(code)

    def _answer(self, status: int) -> None:
        # Neither Server nor Date: what program listens here is no stranger's business.
        self.send_response_only(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: requests of strangers would fill the output of the notebook."""
