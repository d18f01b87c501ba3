"""A server that is much cheaper than any client: pages are bytes already, one write each, and latency blocks nobody.

Run as a process of its own (``python -m benchmarks.server``), so that it takes nothing from the interpreter that is
measured. It listens on one port for each latency, prints them as one line of JSON, and ends with its standard input.
"""

import argparse
import asyncio
import gc
import json
import sys
import time
import zlib
from datetime import datetime
from email.utils import formatdate
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from benchmarks.transactions import Prepared, prepare

# A service that answers a filter with rows that do not fit it would make a wrong number of a speed.
KNOWN: Final = frozenset({"page", "page_size", "order", "order_by", "created_before", "created_after"})
TOKEN: Final = json.dumps(
    {
        "access_token": "benchmark-access-token",
        "expires_in": 300,
        "refresh_token": "benchmark-refresh-token",
        "session_state": "0b0d4f4e-0000-4000-8000-000000000000",
        "token_type": "Bearer",
    }
).encode()
LARGEST_PAGE: Final = 100


class Refused(Exception):
    """What is asked for is not served here."""


class Service:
    """What is answered, apart from how."""

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared
        self._second, self._date = 0, b""
        self.packed = lru_cache(maxsize=None)(self._pack)

    def body(self, method: str, target: str) -> bytes:
        """Return the body of an answer.

        Raises
        ------
        Refused
            For anything but a token and pages of transactions, newest first.
        """
        parts = urlsplit(target)
        if method == "POST" and parts.path in ("/auth/token", "/auth/token/refresh"):
            return TOKEN
        if method != "GET" or parts.path != "/transactions":
            raise Refused(f"{method} {parts.path}")
        asked = dict(parse_qsl(parts.query))
        if not asked.keys() <= KNOWN or asked.get("order", "desc") != "desc":
            raise Refused(parts.query)
        begin, end = 0, len(self._prepared)
        if "created_before" in asked:
            begin = self._prepared.older_than(_moment(asked["created_before"]))
        if "created_after" in asked:
            end = max(begin, self._prepared.older_than(_moment(asked["created_after"])))
        number, size = int(asked.get("page", "1")), min(int(asked.get("page_size", "20")), LARGEST_PAGE)
        first = min(end, begin + (number - 1) * size)
        return self._prepared.page(begin, end, first, min(end, first + size))

    def _pack(self, method: str, target: str) -> bytes:
        packer = zlib.compressobj(6, zlib.DEFLATED, 31)
        return packer.compress(self.body(method, target)) + packer.flush()

    def date(self) -> bytes:
        """Return the moment as HTTP writes it, made once a second."""
        second = int(time.time())
        if second != self._second:
            self._second, self._date = second, formatdate(second, usegmt=True).encode()
        return self._date


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


class Connection(asyncio.Protocol):
    """One connection that is kept; requests on it are answered in turn."""

    def __init__(self, service: Service, latency: float, *, packs: bool) -> None:
        self._service = service
        self._latency = latency
        self._packs = packs
        self._received = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers are written to."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer what has arrived whole, after the latency."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end]
            length = _content_length(head)
            if len(self._received) < end + 4 + length:
                return
            self._received = self._received[end + 4 + length :]
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._answer, head)
            else:
                self._answer(head)

    def _answer(self, head: bytes) -> None:
        if self._transport.is_closing():
            return
        method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        status, coding = b"200 OK", b""
        try:
            if self._packs and b"gzip" in head and method == "GET":
                body, coding = self._service.packed(method, target), b"Content-Encoding: gzip\r\n"
            else:
                body = self._service.body(method, target)
        except (Refused, ValueError) as error:
            status, body = b"400 Bad Request", json.dumps({"message": f"not served here: {error}"}).encode()
        # One write: a header and a body in two packets stall 40 ms, since the client's kernel delays its ACK.
        self._transport.write(
            b"HTTP/1.1 %b\r\nDate: %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%b"
            b"X-RateLimit-Limit: 1000000\r\nX-RateLimit-Remaining: 1000000\r\nX-RateLimit-Reset: 60\r\n\r\n%b"
            % (status, self._service.date(), len(body), coding, body)
        )


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def _serve(prepared: Prepared, latencies: list[float]) -> None:
    service, loop = Service(prepared), asyncio.get_running_loop()
    ports: dict[str, int] = {}

    async def listen(name: str, latency: float, *, packs: bool) -> None:
        server = await loop.create_server(lambda: Connection(service, latency, packs=packs), "127.0.0.1", 0)
        ports[name] = server.sockets[0].getsockname()[1]

    for latency in sorted({0.0, *latencies}):
        await listen(f"{latency:g}", latency / 1000, packs=False)
    await listen("gzip", 0, packs=True)
    gc.collect()
    gc.freeze()
    gc.disable()  # nothing that is made for an answer is cyclic, and a pause here would be the client's
    print(json.dumps({"ports": ports, "truth": prepared.truth.to_dict()}), flush=True)
    # The process that started this one holds the other end, whatever becomes of it.
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Prepare the rows and serve them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transactions", type=int, default=100_000)
    parser.add_argument("--latency", type=float, nargs="+", default=[0.0], help="in milliseconds")
    options = parser.parse_args()
    asyncio.run(_serve(prepare(options.transactions), options.latency))


if __name__ == "__main__":
    main()
