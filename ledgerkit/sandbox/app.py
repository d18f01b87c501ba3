"""The HTTP application: faults, rate limit, credentials, routes, and the log of calls."""

import asyncio
import logging
import socket
import struct
from asyncio import Transport
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from email.utils import formatdate
from typing import Any, NamedTuple, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from . import lam_users
from .access import Access
from .answers import Refusal, decode, encode
from .faults import Fault, Faults
from .limits import RateLimit
from .reads import Answer
from .routes import ANSWERS
from .service import Call, Service

logger = logging.getLogger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]


class SeenRequest(NamedTuple):
    """One call that the sandbox answered; status 0 where the connection was dropped instead."""

    method: str
    path: str
    query: str
    status: int


class App:
    """The ASGI application of one sandbox."""

    def __init__(
        self,
        service: Service,
        access: Access,
        *,
        latency: float,
        limit: RateLimit | None,
        seen: deque[SeenRequest],
        path_prefix: str,
    ) -> None:
        self._service = service
        self._access = access
        self._faults: Faults = service.faults
        self._latency = latency
        self._limit = limit
        self._seen = seen
        self._path_prefix = path_prefix
        self._routes = [
            Route("/auth/token", self._login, methods=["POST"]),
            Route("/auth/token/refresh", self._refresh, methods=["POST"]),
            Route("/_health", self._health, methods=["GET"]),
            Route("/api_users", self._lam_users, methods=["GET"]),
            Route("/api_users", self._create_lam_user, methods=["POST"]),
            Route("/api_users/{name}", self._lam_user, methods=["GET"]),
            Route("/api_users/{name}/register/{url_id}", self._register_lam_user, methods=["POST"]),
            *(Route(path, self._endpoint(answer), methods=[method]) for (method, path), answer in ANSWERS.items()),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call, well or, where a fault strikes it, badly."""
        # a path outside the prefix keeps its name, so that no route fits it
        if self._path_prefix and scope["path"].startswith(f"{self._path_prefix}/"):
            scope["path"] = scope["path"].removeprefix(self._path_prefix)
        elif self._path_prefix:
            scope["path"] = f"/outside{scope['path']}"
        request = Request(scope, receive)
        struck = self._faults.strikes(request.method, scope["path"])
        by_kind = {fault.kind: fault for fault in struck}
        await request.body()  # it is here before it is late: a caller who gives up does not take it back
        early, late = (sum(fault.seconds for fault in struck if fault.answered is after) for after in (False, True))
        if self._latency + early:
            await asyncio.sleep(self._latency + early)
        blow = by_kind.get("drop") or by_kind.get("status")
        response = Response() if blow and not blow.answered else await self._answer(request)
        if late:
            await asyncio.sleep(late)
        if "drop" in by_kind:
            self._note(request, 0)
            await _abort(receive, reset=by_kind["drop"].reset)
            return
        if "status" in by_kind:
            response = _error_response(by_kind["status"])
        if "invalid_json" in by_kind:
            response = _spoilt(response, by_kind["invalid_json"])
        if "content_type" in by_kind:
            response.headers.update(by_kind["content_type"].headers)
        if "padding" in by_kind:
            response = _padded(response, by_kind["padding"].size)
        response.headers["date"] = formatdate(self._service.engine.now(), usegmt=True)
        self._note(request, response.status_code)
        if "truncate" in by_kind:
            await _send_half(response, receive, send, reset=by_kind["truncate"].reset)
        else:
            await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        allowed, headers = (True, {}) if self._limit is None else self._limit.take()
        if not allowed:
            return _json(Refusal(420, "Rate limit exceeded").body(), 420, headers)
        try:
            response = await self._dispatch(request)
        except Refusal as refusal:
            response = _json(refusal.body(), refusal.status, refusal.headers)
        except Exception:
            logger.exception("the sandbox failed to answer %s %s", request.method, request.scope["path"])
            response = _json(Refusal(500, "The sandbox itself failed: its log says why").body(), 500)
        response.headers.update(headers)
        return response

    async def _dispatch(self, request: Request) -> Response:
        allowed: set[str] = set()
        for route in self._routes:
            match, found = route.matches(request.scope)
            if match is Match.FULL:
                request.scope.update(found)
                return await cast(Endpoint, found["endpoint"])(request)
            if match is Match.PARTIAL:
                allowed |= route.methods or set()
        if allowed:
            raise Refusal(405, "Method not allowed", gateway=True, headers={"allow": ", ".join(sorted(allowed))})
        raise Refusal(404, "no Route matched with those values", gateway=True)

    def _endpoint(self, answer: Answer) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            method, path = request.method, request.scope["path"]
            viewer = self._access.viewer(method, path, request.headers)
            body = b"" if method == "GET" else await request.body()
            call = Call(method, path, viewer, request.path_params, request.query_params, body)
            # one call sees one state: other threads let colleagues act and the time pass
            with self._service.engine.lock:
                self._service.engine.advance()
                return _json(answer(self._service, call))

        return endpoint

    async def _login(self, request: Request) -> Response:
        self._access.check_token_request(request.headers)
        return _json(encode(self._service.tokens.login(await _object(request))))

    async def _refresh(self, request: Request) -> Response:
        self._access.check_token_request(request.headers)
        if self._faults.refuses_refresh():
            raise Refusal(401, "Unauthorized: the refresh token is refused")
        return _json(encode(self._service.tokens.refresh(await _object(request))))

    async def _health(self, request: Request) -> Response:
        if self._access.knows_lam_user(request.headers):
            return _json(encode({"status": "ok"}))
        raise Refusal(400, "The LAM does not know this API user")

    async def _lam_users(self, request: Request) -> Response:
        self._access.check_lam_keys(request.headers)
        return _json(encode({"api_users": self._service.world.lam_users}))

    async def _lam_user(self, request: Request) -> Response:
        self._access.check_lam_keys(request.headers)
        for user in self._service.world.lam_users:
            if user["name"] == request.path_params["name"]:
                return _json(encode(user))
        return Response(status_code=404)

    async def _create_lam_user(self, request: Request) -> Response:
        self._access.check_lam_keys(request.headers)
        return _json(lam_users.create(self._service.world, await _object(request)))

    async def _register_lam_user(self, request: Request) -> Response:
        self._access.check_lam_keys(request.headers)
        return _json(lam_users.register(self._service.world, **request.path_params))

    def _note(self, request: Request, status: int) -> None:
        self._seen.append(SeenRequest(request.method, request.scope["path"], request.url.query, status))


def _json(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, status, headers, media_type="application/json")


async def _object(request: Request) -> Any:
    try:
        return decode(await request.body())
    except ValueError:
        raise Refusal(400, "The body is not JSON") from None


def _error_response(fault: Fault) -> Response:
    body = Refusal(fault.status, "The service is unavailable").body() if fault.body is None else fault.body
    return Response(body, fault.status, fault.headers)


def _spoilt(response: Response, fault: Fault) -> Response:
    half = bytes(response.body)[: len(response.body) // 2]
    return _json(half if fault.body is None else fault.body)


def _padded(response: Response, size: int) -> Response:
    """Return the same answer behind white space, which JSON may have before it."""
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    return Response(b" " * size + bytes(response.body), response.status_code, headers)


async def _send_half(response: Response, receive: Receive, send: Send, *, reset: bool) -> None:
    """Promise the whole body, send half and close."""
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
    half = bytes(response.body)[: len(response.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})
    end_connection(_transport(receive), reset=reset)
    await _gone(receive)


async def _abort(receive: Receive, *, reset: bool) -> None:
    """End the connection without a word."""
    end_connection(_transport(receive), reset=reset)
    await _gone(receive)


def end_connection(transport: Transport, *, reset: bool) -> None:
    """Close a connection once what was written to it is sent, or reset it at once; in the thread of the server."""
    if not reset:
        transport.close()
        return
    connection = transport.get_extra_info("socket")
    with suppress(OSError):  # it is closed already
        # closed like this, a socket sends RST in place of FIN, and drops what was not sent
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _transport(receive: Receive) -> Transport:
    """Return the connection of a call. ASGI has no way to end one, so this reaches uvicorn's behind ``receive``."""
    return cast(Transport, cast(Any, receive).__self__.transport)


async def _gone(receive: Receive) -> None:
    """Wait until the server knows that the connection is gone: it would answer 500 in place of nothing."""
    while (await receive())["type"] != "http.disconnect":
        pass
