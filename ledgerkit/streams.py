"""Connections that count what comes in, and the pool of them behind the client. Loaded with the first session.

Nothing but what httpx and httpcore publish is used: their own transport takes no connections that count.
"""

import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol, cast

import httpcore
import httpx

from ledgerkit.surroundings import Proxy

# How long a connection that nobody uses is kept; httpx has the same.
KEEP_ALIVE: Final = 5.0


class Counter(Protocol):
    """Who is told how much comes in."""

    def count(self, size: int) -> None:
        """Count so many bytes, and raise where they are too many or too late."""
        ...


class Pool:
    """The connections of a session.

    Parameters
    ----------
    counter
        Is told how much comes in, and raises where it is too much.
    context
        What verifies certificates, the proxy's too.
    proxy
        What they go through.
    connections
        How many there may be at once.
    """

    def __init__(self, counter: Counter, context: ssl.SSLContext, proxy: Proxy | None, connections: int) -> None:
        self._connections = _connections(counter, context, proxy, connections)

    def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request of httpx, and return its answer as soon as its head is there."""
        url = request.url
        with _errors_of_httpx():
            answer = self._connections.handle_request(
                httpcore.Request(
                    request.method,
                    httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                    headers=request.headers.raw,
                    content=cast("httpx.SyncByteStream", request.stream),
                    extensions=request.extensions,
                )
            )
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions
        )

    def close(self) -> None:
        """Close all of them."""
        with _errors_of_httpx():
            self._connections.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        with _errors_of_httpx():
            yield from self._answer.iter_stream()

    def close(self) -> None:
        with _errors_of_httpx():
            self._answer.close()


@contextmanager
def _errors_of_httpx() -> Iterator[None]:
    """Raise the errors of httpcore as those of the same names of httpx, as httpx does."""
    try:
        yield
    except Exception as error:
        for kind in type(error).__mro__:
            same = getattr(httpx, kind.__name__, None) if kind.__module__.startswith("httpcore") else None
            if same is not None:
                raise same(str(error)) from error
        raise


def _connections(
    counter: Counter, context: ssl.SSLContext, proxy: Proxy | None, connections: int
) -> httpcore.ConnectionPool:
    common: dict[str, Any] = {
        "ssl_context": context,
        "max_connections": connections,
        "max_keepalive_connections": connections,
        "keepalive_expiry": KEEP_ALIVE,
        "network_backend": _Backend(counter),
    }
    if proxy is None:
        return httpcore.ConnectionPool(**common)
    url = httpcore.URL(scheme=proxy.scheme, host=proxy.host, port=proxy.port, target="/")
    auth = None
    if proxy.user is not None and proxy.password is not None:
        auth = (proxy.user.reveal().encode(), proxy.password.reveal().encode())
    if proxy.scheme.startswith("socks"):
        return httpcore.SOCKSProxy(url, proxy_auth=auth, **common)
    tls = context if proxy.scheme == "https" else None
    return httpcore.HTTPProxy(url, proxy_auth=auth, proxy_ssl_context=tls, **common)


class _Backend(httpcore.NetworkBackend):
    """Makes the streams of a pool."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._sockets.connect_tcp(host, port, timeout, local_address, socket_options), self._counter)

    def sleep(self, seconds: float) -> None:
        self._sockets.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    """A connection that counts what comes in."""

    def __init__(self, stream: httpcore.NetworkStream, counter: Counter) -> None:
        self._stream = stream
        self._counter = counter

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        content = self._stream.read(max_bytes, timeout)
        self._counter.count(len(content))
        return content

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, timeout), self._counter)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
