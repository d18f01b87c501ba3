"""What may stand between a machine and the service, on loopback: proxies, and servers that say what they like."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Self

Talk = Callable[[socket.socket, bytes], None]


class Talking:
    """A server that leaves the connection to a function, and the first bytes that came; ``heard`` has them all."""

    def __init__(self, talk: Talk, tls: ssl.SSLContext | None = None) -> None:
        self._talk, self._tls = talk, tls
        self.heard: list[bytes] = []
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._listener.close()
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                begun = connection.recv(65536)
                self.heard.append(begun)
                self._talk(connection, begun)


def answering(content: bytes) -> Talk:
    """Send this and hang up."""
    return lambda connection, _: connection.sendall(content)


def hang_up(connection: socket.socket, begun: bytes) -> None:
    """Say nothing."""


def endless(begin: bytes, again: bytes) -> Talk:
    """Begin an answer that never ends."""

    def talk(connection: socket.socket, _: bytes) -> None:
        connection.sendall(begin)
        while True:
            connection.sendall(again)

    return talk


def tunnel_to(port: int) -> Talk:
    """Be a proxy that leads every tunnel to one server of this machine."""

    def talk(connection: socket.socket, begun: bytes) -> None:
        if not begun.startswith(b"CONNECT "):
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", port)) as onward:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pass_on, args=(onward, connection), daemon=True)
            back.start()
            _pass_on(connection, onward)
            back.join(5)

    return talk


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        for content in _pieces(source):
            target.sendall(content)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _pieces(source: socket.socket) -> Iterator[bytes]:
    while content := source.recv(65536):
        yield content
