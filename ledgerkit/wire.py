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

    def begin(self) -> None:
        """Forget the attempt before."""
        self.connecting = self.with_proxy = False
        self._wire.head_ends()

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
            self.with_proxy = False
        elif event == "http11.receive_response_headers.started":
            self._wire.head_begins()
        elif event.startswith("http11.receive_response_headers."):
            self._wire.head_ends()


class Wire(httpx.HTTPTransport):
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
        self.sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._reading = threading.local()
        # httpx loads httpcore with its first client too, and not with itself.
        from ledgerkit.streams import pool

        # What httpx's own constructor would put here, but with streams that count. They are held by the pool, and
        # this one holds the pool.
        self._pool = pool(weakref.proxy(self), context, proxy, connections)

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
        self._reading.ends, self._reading.left = time.monotonic() + self._read_timeout, LARGEST_HEAD

    def head_ends(self) -> None:
        """Say that it does so no more: the time of a body is counted where it is read."""
        self._reading.ends, self._reading.left = math.inf, math.inf

    def count(self, size: int) -> None:
        """Count what came in, and give up on a head that has no end."""
        self._reading.left = getattr(self._reading, "left", math.inf) - size
        if self._reading.left < 0:
            raise httpx.RemoteProtocolError(TOO_LONG)
        if time.monotonic() > getattr(self._reading, "ends", math.inf):
            raise httpx.ReadTimeout("the head of the answer came too slowly")


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
    """A body as it arrives, given up where it is too slow or too long, or where nobody wants it any more."""

    def __init__(self, stream: httpx.SyncByteStream, most: float, in_time: Callable[[], bool]) -> None:
        self._stream = stream
        self._most = most
        self._in_time = in_time

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._stream:
            if not self._in_time():
                raise httpx.ReadTimeout("the answer came too slowly, or its read was given up")
            yield chunk
            size += len(chunk)
            if size > self._most:
                return

    def close(self) -> None:
        self._stream.close()


def bound(response: httpx.Response) -> None:
    """Bound every answer, those that the sign-in reads included."""
    if response.headers.get("Content-Encoding", "").strip().lower() not in PACKINGS:
        raise httpx.DecodingError(PACKED_OTHERWISE, request=response.request)
    stream = cast("httpx.SyncByteStream", response.stream)
    most = math.inf if response.is_success else LARGEST_ERROR
    response.stream = _Bounded(stream, most, response.request.extensions["ledgerkit"]())
