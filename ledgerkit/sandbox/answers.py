"""What the service answers: JSON bodies, pages of a listing, and refusals in its two shapes."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec

# The only JSON coder of the sandbox: integers of any size keep every digit, which wei amounts need.
encode = msgspec.json.encode
decode = msgspec.json.decode


class Refusal(Exception):  # an answer of the service, not a fault of the sandbox
    """The service refuses a call.

    Parameters
    ----------
    status
        The HTTP status.
    message
        What a person is told.
    gateway
        Answer in the shape of the gateway, ``{code, message}``, instead of ``{message, name, status_code}``.
    headers
        Further headers of the answer.
    """

    def __init__(
        self, status: int, message: str, *, gateway: bool = False, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.gateway = gateway
        self.headers = headers or {}

    def body(self) -> bytes:
        """Return the JSON of the refusal."""
        if self.gateway:
            return encode({"code": self.status, "message": self.message})
        return encode({"message": self.message, "name": error_name(self.status), "status_code": self.status})


def error_name(status: int) -> str:
    """Return the ``name`` of an error body, as ``NOT_FOUND``; 420 is unknown to HTTP and gets its own."""
    return "RATE_LIMIT_EXCEEDED" if status == 420 else HTTPStatus(status).name


def page_body(nodes: Sequence[bytes], first: int, count: int) -> bytes:
    """Join encoded nodes to a page; ``first`` is the position of its first node in the view."""
    edges = b",".join([b'{"cursor":%d,"node":%b}' % (first + offset, node) for offset, node in enumerate(nodes)])
    more = b"true" if first + len(nodes) < count and nodes else b"false"
    return b'{"edges":[%b],"page_info":{"count":%d,"has_next_page":%b}}' % (edges, count, more)


def bad_value(value: Any, name: str, wanted: str) -> Refusal:
    """Make the refusal of a bad query parameter."""
    return Refusal(400, f"Invalid value {value!r} for parameter '{name}': {wanted}")
