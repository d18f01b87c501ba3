"""Connections: how one is made, what an attempt has come to, and that no answer is without end.

A time limit of httpx starts anew with every byte, and it unpacks whatever it is told to.
"""

import contextlib
import math
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

import httpx

from ledgerkit.hosts import is_loopback
from ledgerkit.surroundings import Proxy

if TYPE_CHECKING:
    import httpcore

# Of any answer but a good one only the beginning is shown; so many bytes of gzip unpack to 64 MB at most.
LARGEST_ERROR: Final = 64 * 2**10
# What comes before the body: h11 takes 100 kB of one head, but any number of heads that announce the real one.
LARGEST_HEAD: Final = 256 * 2**10
# A piece of 64 kB unpacks to 64 MB at most. Packed twice, or as zstd and brotli, it fills the memory at once.
PACKED_OTHERWISE: Final = "the answer is packed in another way than was asked for"
TOO_LONG: Final = "the head of the answer is too long"
PACKINGS: Final = ("", "identity", "gzip", "deflate")


class Attempt:
    """What one call has come to on the wire; httpcore tells it of each step.

    Parameters
    ----------
    wire
        Whose connections it uses.
    """

    def __init__(self, wire: "Wire") -> None:
        self._wire = wire
        # Between the first step to a connection and the last, nothing of the request itself was sent.
        self.connecting = False
        # With whom TLS was being agreed on.
        self.with_proxy = False
        # How many there were of the call.
        self.number = 0

    def begin(self) -> None:
        """Forget the attempt before."""
        self.connecting = self.with_proxy = False
        self.number += 1
        self._wire.nothing_is_read()

    @property
    def led_on(self) -> bool:
        """Whether the proxy has made a tunnel for this session before: then it is none that is set wrongly."""
        return self._wire.led_on

    def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of a step."""
        tunnelled = self._wire.proxy is not None
        if event.endswith("connect_tcp.started"):
            self.connecting, self.with_proxy = True, tunnelled
        elif event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._wire.made(info["return_value"])
            # To the service itself: of an https proxy's own TLS the event is `connection.start_tls`.
            if event.startswith(("proxy.", "socks.start_tls")) or not tunnelled:
                self.connecting = False
        elif event in ("proxy.start_tls.started", "socks.start_tls.started"):
            self.with_proxy, self._wire.led_on = False, True
        elif event == "http11.receive_response_headers.started":
            self._wire.head_begins()
        elif event.startswith("http11.receive_response_headers."):
            self._wire.nothing_is_read()

    def body_begins(self, in_time: Callable[[], bool]) -> None:
        """Say that this thread reads the body now, for as long as this says so."""
        self._wire.body_begins(in_time)

    def body_ends(self) -> None:
        """Say that it does so no more."""
        self._wire.nothing_is_read()


class Wire(httpx.BaseTransport):
    """The connections of one session.

    Parameters
    ----------
    context
        What verifies certificates, the proxy's too.
    proxy
        What calls go through.
    connections
        How many there may be at once.
    local
        Whether nothing but this machine's loopback may be reached, since what is sent is not encrypted.
    read_timeout
        How long the head of an answer may take, however many bytes it comes in.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        *,
        proxy: Proxy | None,
        connections: int,
        local: bool,
        read_timeout: float,
        ended: threading.Event,
    ) -> None:
        self.proxy = proxy
        self._local = local
        self._read_timeout = read_timeout
        self._ended = ended
        # Whether the proxy has made a tunnel.
        self.led_on = False
        self.sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._reading = threading.local()
        # httpx loads httpcore with its first client too, and not with itself.
        from ledgerkit.streams import Pool

        # They are held by the pool, and this one holds the pool.
        self._pool = Pool(weakref.proxy(self), context, proxy, connections)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, as the client of httpx asks for it."""
        return self._pool.send(request)

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def made(self, stream: "httpcore.NetworkStream") -> None:
        """Take note of a connection."""
        connection = stream.get_extra_info("socket")
        if self._local and not _is_here(connection):
            stream.close()
            raise httpx.ConnectError("the name of this machine leads to another one")
        self.sockets.add(connection)
        if self._ended.is_set():  # made while the others were closed
            wake(connection)

    def wake_all(self) -> None:
        """Wake the threads that wait for an answer."""
        for connection in list(self.sockets):
            wake(connection)

    def head_begins(self) -> None:
        """Say that this thread waits for the head of an answer now; by the machine's time, as sockets do."""
        ends = time.monotonic() + self._read_timeout
        self._reading.left, self._reading.in_time = LARGEST_HEAD, lambda: time.monotonic() <= ends

    def body_begins(self, in_time: Callable[[], bool]) -> None:
        """Say that this thread reads a body now, for as long as this says so; its size is counted unpacked."""
        self._reading.left, self._reading.in_time = math.inf, in_time

    def nothing_is_read(self) -> None:
        """Say that this thread reads no part of an answer."""
        self.body_begins(lambda: True)

    def count(self, size: int) -> None:
        """Count what came in, and give up on an answer that has no end, whatever part of it has none."""
        reading = self._reading
        if not hasattr(reading, "left"):
            return  # nothing was begun in this thread
        reading.left -= size
        if reading.left < 0:
            raise httpx.RemoteProtocolError(TOO_LONG)
        if not reading.in_time():
            raise httpx.ReadTimeout("the answer came too slowly, or its read was given up")


def _is_here(connection: socket.socket) -> bool:
    try:
        return is_loopback(str(connection.getpeername()[0]))
    except OSError:  # it is closed already, and nothing is sent
        return True


def wake(connection: socket.socket) -> None:
    """Wake the thread that waits at a connection: closed alone, it would wait out its read_timeout."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Bounded(httpx.SyncByteStream):
    """A body as it arrives, given up where it is too slow or too long, or where nobody wants it any more.

    Time is looked at with each piece that comes in: what frames a chunk, or follows the last, makes none of the body.
    """

    def __init__(self, response: httpx.Response) -> None:
        self._stream = cast("httpx.SyncByteStream", response.stream)
        self._most = math.inf if response.is_success else LARGEST_ERROR
        self._attempt: Attempt = response.request.extensions["trace"]
        self._in_time: Callable[[], bool] = response.request.extensions["ledgerkit"]()

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        # Here, and not with the head: between the two the answer may make its caller sign in anew.
        self._attempt.body_begins(self._in_time)
        try:
            for chunk in self._stream:
                yield chunk
                size += len(chunk)
                if size > self._most:
                    return
        finally:
            self._attempt.body_ends()

    def close(self) -> None:
        self._stream.close()


def bound(response: httpx.Response) -> None:
    """Bound every answer, those that the sign-in reads included."""
    if response.headers.get("Content-Encoding", "").strip().lower() not in PACKINGS:
        raise httpx.DecodingError(PACKED_OTHERWISE, request=response.request)
    response.stream = _Bounded(response)
