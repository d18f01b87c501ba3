"""A small server on loopback that does as one test says, and remembers what it was asked.

A test gives a function from :class:`Seen` to what is done about it::

    server = serve(lambda seen: Reply({"name": "Acme"}))
    server.seen[0].path
"""

import contextlib
import email.utils
import json as json_format
import os
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from itertools import chain, repeat
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    target: str
    headers: Message
    body: bytes
    # Requests with the same number came over the same connection.
    connection: int

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def json(self) -> Any:
        return json_format.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """An answer. A body that is no bytes is sent as JSON; None sends no body."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    # Promise the whole body, send so many bytes of it, and hang up.
    cut_after: int | None = None

    def encoded(self) -> bytes:
        content = b"" if self.body is None else self.body
        kind = {}
        if not isinstance(content, bytes):
            content = json_format.dumps(content).encode()
            kind = {"Content-Type": "application/json"}
        headers = {"Content-Length": str(len(content)), **kind, **self.headers}
        lines = [f"HTTP/1.1 {self.status} {_phrase(self.status)}", *(f"{n}: {v}" for n, v in headers.items()), "", ""]
        return "\r\n".join(lines).encode("latin-1") + content[: self.cut_after]


@dataclass(frozen=True)
class Bytes:
    """These bytes and nothing else, be they HTTP or not; then the connection is closed."""

    content: bytes


@dataclass(frozen=True)
class Drop:
    """The connection is closed without a word."""


@dataclass(frozen=True)
class Stall:
    """Nothing is answered while the server runs."""


Act = Reply | Bytes | Drop | Stall
Handler = Callable[[Seen], Act]


def in_turn(*acts: Act) -> Handler:
    """Do these things one after the other; the last one stays."""
    left = chain(acts, repeat(acts[-1]))
    lock = threading.Lock()

    def handle(seen: Seen) -> Act:
        with lock:
            return next(left)

    return handle


def tokens(access: str = "access-token", *, expires_in: int = 300) -> Reply:
    """The answer of ``/auth/token``."""
    return Reply(
        {
            "access_token": access,
            "expires_in": expires_in,
            "refresh_token": f"{access}-refresh",
            "session_state": "0b0d4f4e-0000-4000-8000-000000000000",
            "token_type": "Bearer",
        }
    )


def signed_in(handler: Handler, access: str = "access-token") -> Handler:
    """Give out tokens, and leave everything else to the handler."""
    return lambda seen: (
        tokens(access) if seen.path.endswith(("/auth/token", "/auth/token/refresh")) else handler(seen)
    )


def page(nodes: list[Any], *, count: int | None = None, has_next: bool = False, **headers: str) -> Reply:
    """One page of a list."""
    body = {
        "edges": [{"cursor": position, "node": node} for position, node in enumerate(nodes)],
        "page_info": {"count": len(nodes) if count is None else count, "has_next_page": has_next},
    }
    return Reply(body, headers=headers)


def listing(rows: list[dict[str, Any]]) -> Handler:
    """Serve rows page by page, as the service does; filters are not applied."""

    def handle(seen: Seen) -> Reply:
        number, size = (
            int(seen.query.get(name, [default])[0]) for name, default in (("page", "1"), ("page_size", "20"))
        )
        ordered = sorted(rows, key=lambda row: row["id"], reverse=seen.query.get("order") != ["asc"])
        start = (number - 1) * size
        now = email.utils.formatdate(usegmt=True)
        return page(ordered[start : start + size], count=len(rows), has_next=start + size < len(rows), Date=now)

    return handle


class Server:
    """The server; use it as a context manager, or through the fixture ``serve``."""

    def __init__(self, handler: Handler, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.handler = handler
        self.seen: list[Seen] = []
        self.stopped = threading.Event()
        # The exception of a handler: the test fails with it instead of with what the client made of silence.
        self.failure: BaseException | None = None
        self._listener = _Listener((host, 0), self, tls)
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True)
        scheme = "http" if tls is None else "https"
        self.port: int = self._listener.server_address[1]
        self.url = f"{scheme}://{host}:{self.port}"

    def paths(self) -> list[str]:
        """The paths that were asked for, without the exchange of tokens."""
        return [seen.path for seen in self.seen if "/auth/" not in seen.path]

    def wait_for(self, requests: int) -> None:
        """Wait until so many requests have arrived."""
        with self._listener.arrived:
            assert self._listener.arrived.wait_for(lambda: len(self.seen) >= requests, timeout=10), self.seen

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stopped.set()
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()
        self._listener.hang_up()
        if self.failure is not None and exception[:1] in ((), (None,)):
            raise self.failure


class _Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    # Idle connections of a pool would hold up the end of a test.
    block_on_close = False

    def __init__(self, address: tuple[str, int], owner: Server, tls: ssl.SSLContext | None) -> None:
        super().__init__(address, _Connection)
        self.owner = owner
        self.arrived = threading.Condition()
        self.connections = 0
        self.open: set[socket.socket] = set()
        if tls is not None:
            # The handshake belongs to the connection's thread, not to the one that accepts.
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def hang_up(self) -> None:
        with self.arrived:
            for connection in self.open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is nothing to print about."""


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener

    def setup(self) -> None:
        super().setup()
        with self.server.arrived:
            self.server.connections += 1
            self._number = self.server.connections
            self.server.open.add(self.connection)

    def finish(self) -> None:
        with self.server.arrived:
            self.server.open.discard(self.connection)
        super().finish()

    def _answer(self) -> None:
        owner = self.server.owner
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        seen = Seen(self.command, self.path, self.headers, body, self._number)
        with self.server.arrived:
            owner.seen.append(seen)
            self.server.arrived.notify_all()
        try:
            act = owner.handler(seen)
        except BaseException as error:  # noqa: BLE001 - raised again where the test can see it
            owner.failure = error
            act = Drop()
        match act:
            case Reply():
                # Header and body in one packet: in two, the client's delayed acknowledgement costs 40 ms.
                self.wfile.write(act.encoded())
                self.close_connection = act.cut_after is not None
            case Bytes():
                # On the wire itself: under TLS too.
                os.write(self.connection.fileno(), act.content)
                self.close_connection = True
            case Drop():
                self.close_connection = True
            case Stall():
                owner.stopped.wait()
                self.close_connection = True
            case _:  # such as a Reply of a second copy of this module: import it as `serving`
                owner.failure = TypeError(f"a handler gave {act!r}")  # type: ignore[unreachable]  # unless types lie
                self.close_connection = True

    # Names that http.server prescribes.
    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_CONNECT = _answer  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Enhance Your Calm"


class LeapingClock:
    """A clock that goes forward when a call waits for it: no test sleeps, and ``waits`` says how long it would have.

    The thread that keeps the token fresh does not move it: it would leap minutes in the middle of a call, which then
    times out.
    """

    def __init__(self, wall: float = 1_800_000_000.0) -> None:
        self.wall = wall
        self.waits: list[float] = []
        self._passed = 0.0
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        return 1000.0 + self._passed

    def time(self) -> float:
        return self.wall + self._passed

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._passed += seconds

    def wait(self, event: threading.Event, seconds: float) -> bool:
        if threading.current_thread().name == "ledgerkit-token":
            return event.wait()
        with self._lock:
            if not event.is_set():
                self.waits.append(seconds)
                self._passed += max(0.0, seconds)
            return event.is_set()


class HandClock:
    """A clock that stands still until ``advance``; any number of threads may wait for one event with it."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._now = 1000.0
        self._waiting = 0

    def monotonic(self) -> float:
        return self._now

    def time(self) -> float:
        return 1_800_000_000.0 + self._now

    def wait(self, event: threading.Event, seconds: float) -> bool:
        with self._condition:
            deadline = self._now + seconds
            self._waiting += 1
            self._condition.notify_all()
            assert self._condition.wait_for(lambda: event.is_set() or self._now >= deadline, timeout=10)
            self._waiting -= 1
            return event.is_set()

    def wait_for(self, threads: int) -> None:
        """Wait until so many threads wait on this clock."""
        with self._condition:
            assert self._condition.wait_for(lambda: self._waiting == threads, timeout=10), self._waiting

    def advance(self, seconds: float) -> None:
        with self._condition:
            self._now += seconds
            self._condition.notify_all()
