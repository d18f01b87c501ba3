"""An embedded server that behaves like the service, on loopback, over a workspace made from a seed."""

import asyncio
import os
import socket
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Any, Literal, Self, cast
from urllib.parse import urlsplit

import uvicorn

from . import catalogue, lam_staking, pledge_changes, rotation
from .access import Access
from .app import App, SeenRequest, end_connection
from .challenges import Challenges
from .colleagues import Colleagues
from .engine import Engine
from .faults import Faults
from .lam_users import operators
from .limits import RateLimit
from .service import Service
from .tokens import TokenIssuer
from .traffic import Told
from .viewers import Sight
from .webhooks import Webhooks
from .world import Credentials, World, build

__all__ = ["Sandbox", "SeenRequest"]

_CHANGING = ("accounts", "digests", "entities", "groups", "messages", "users", "whitelists")
REQUESTS_KEPT = 100_000
SECONDS_TO_START = 10.0


class Sandbox:
    """A server of the API with a believable workspace behind it.

    Parameters
    ----------
    seed, transactions, now
        What the workspace is made from; it ends at ``now``, the hour of the clock unless given.
    port, host, path_prefix
        Where it listens; port 0 takes a free one, and tenants have a prefix before every path.
    latency
        Seconds before every answer.
    token_life, refresh_life
        Seconds for which the tokens serve.
    refresh_single_use
        Refuse a refresh token that was used.
    page_size_maximum
        Larger pages are cut to this.
    rate_limit
        Calls and the seconds of their window; None for no limit.
    gateway, lam_api_key, lam_store_token
        Whether token requests need the gateway's key, and LAM calls their optional keys.
    created_after_inclusive, created_before_inclusive
        Whether the bounds of a date are inside; nobody documents it.
    clock
        Seconds since the epoch.
    world
        A workspace to serve instead of one made from the seed; writes change it.
    pace
        Seconds for each stage of a transaction after its last approval; 0 confirms it at once.
    told
        Called now and then while the workspace is made, with how many transactions there are and how many there
        will be.

    Examples
    --------
    >>> with Sandbox(transactions=100) as sandbox:
    ...     sandbox.environment()["LEDGER_ENTERPRISE_API_URL"] == sandbox.url
    True
    """

    def __init__(
        self,
        seed: int = 7,
        transactions: int = 4000,
        *,
        port: int = 0,
        latency: float = 0.0,
        token_life: float = 300.0,
        refresh_life: float = 1800.0,
        refresh_single_use: bool = True,
        page_size_maximum: int = 100,
        rate_limit: tuple[int, float] | None = None,
        gateway: bool = False,
        lam_api_key: bool = False,
        lam_store_token: bool = False,
        created_after_inclusive: bool = True,
        created_before_inclusive: bool = False,
        now: datetime | None = None,
        host: str = "127.0.0.1",
        path_prefix: str = "",
        clock: Callable[[], float] = time.time,
        world: World | None = None,
        pace: float = 1.0,
        told: Told | None = None,
    ) -> None:
        self.faults = Faults(seed, clock)
        self.requests_seen: deque[SeenRequest] = deque(maxlen=REQUESTS_KEPT)
        self._seed = seed
        self._transactions = transactions
        self._now = now
        self._host = host
        self._port = port
        self._path_prefix = path_prefix
        self._latency = latency
        self._limit = None if rate_limit is None else RateLimit(*rate_limit, now=self.faults.now)
        self._token_rules = {
            "token_life": token_life,
            "refresh_life": refresh_life,
            "refresh_single_use": refresh_single_use,
        }
        self._keys = {"gateway": gateway, "lam_api_key": lam_api_key, "lam_store_token": lam_store_token}
        self._listings = catalogue.listings(
            after_inclusive=created_after_inclusive, before_inclusive=created_before_inclusive
        )
        self._page_size_maximum = page_size_maximum
        self._world = world
        self._pace = pace
        self._told = told
        self._service: Service | None = None
        self._access: Access | None = None
        self._url: str | None = None
        self._end: Callable[[], Any] | None = None
        self._server: _Server | None = None

    @property
    def world(self) -> World:
        """The workspace; its transactions are kept encoded and decoded one by one."""
        return self._build().world

    @property
    def credentials(self) -> Credentials:
        """The credentials that the workspace accepts: sandbox material, nothing secret."""
        return self.world.credentials

    @property
    def url(self) -> str:
        """The base URL, while the server runs."""
        if self._url is None:
            raise RuntimeError("the sandbox is not running: use it in a with statement, or call start()")
        return self._url

    @property
    def challenges(self) -> Challenges:
        """How challenges are written, and what is altered in them."""
        return self._engine.challenges

    @property
    def colleagues(self) -> Colleagues:
        """The other people of the workspace."""
        return self._engine.colleagues

    def advance(self, seconds: float) -> None:
        """Move the time of the service forward: requests expire, blocks come. Tokens live on."""
        self._engine.skip(seconds)

    @property
    def _engine(self) -> Engine:
        return self._build().engine

    @property
    def webhooks(self) -> Webhooks:
        """What was delivered to the targets that callers set, and what still waits."""
        return self._build().webhooks

    def deliver_webhooks(self) -> int:
        """Post every event that is due now, and return how many targets took one; a thread does the same."""
        return self.webhooks.deliver_due(self.faults.now())

    def start(self) -> Self:
        """Build the workspace and serve it in a thread of this process."""
        if self._end is not None:
            return self
        service = self._build()
        listener = _listen(self._host, self._port)
        port = listener.getsockname()[1]
        host = f"[{self._host}]" if ":" in self._host else self._host
        self._url = f"http://{host}:{port}{self._path_prefix}"
        service.tokens.issuer = f"{self._url}/keycloak/realms/{service.world.workspace}"
        app = App(
            service,
            cast(Access, self._access),
            latency=self._latency,
            limit=self._limit,
            seen=self.requests_seen,
            path_prefix=self._path_prefix,
        )
        # The server's own Date would not follow a shifted clock; its logs would end up in people's notebooks.
        config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
        )
        server = self._server = _Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), name=f"sandbox-{port}", daemon=True)
        thread.start()
        # Called by stop(), at garbage collection or at exit, whichever comes first; the thread holds nothing of self.
        self._end = weakref.finalize(self, _end, server, thread, listener, service.webhooks)
        self.faults.on_hang_up[:] = [partial(_hang_up, server)]
        service.webhooks.start()
        deadline = time.monotonic() + SECONDS_TO_START
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the sandbox could not start on {self._host}:{port}")
            time.sleep(0.001)
        return self

    def stop(self) -> None:
        """End the thread and free the port."""
        if self._end is not None:
            self._end()
        self._end = self._url = self._server = None

    def restart(self, *, down: float = 0.0) -> None:
        """End the server as a crash does, and serve the same workspace at the same port again.

        Parameters
        ----------
        down
            Seconds for which nobody listens there.
        """
        if self._server is None or self._url is None:
            raise RuntimeError("the sandbox is not running: call start()")
        port = cast(int, urlsplit(self._url).port)
        # it waits for no call that is under way
        self._server.force_exit = True
        _hang_up(self._server, reset=True)
        self.stop()
        time.sleep(down)
        self._port = port
        self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def environment(
        self,
        family: Literal["api_user", "reporting_key", "lam"] = "api_user",
        prefix: str = "LEDGER_ENTERPRISE_",
        role: Literal["OPERATOR", "ADMIN"] = "OPERATOR",
    ) -> dict[str, str]:
        """Return the environment variables with which a client finds this server, an API user of this role."""
        credentials = self.credentials
        if family == "lam":
            values = {"LAM_URL": self.url, "LAM_USER": credentials.lam_user}
            if self._keys["lam_api_key"]:
                values["LAM_API_KEY"] = credentials.lam_api_key
            if self._keys["lam_store_token"]:
                values["LAM_STORE_TOKEN"] = credentials.lam_store_token
        else:
            values = {"API_URL": self.url, "WORKSPACE": self.world.workspace}
            if family == "reporting_key":
                values["REPORTING_API_KEY"] = credentials.reporting_keys[0].key
            else:
                user = next(one for one in credentials.api_users if one.role == role)
                values["API_KEY_ID"] = user.key_id
                values["API_KEY_SECRET"] = user.key_secret
                values["API_PRIVATE_KEY"] = user.private_key_pem
                if self._keys["gateway"]:
                    values["GATEWAY_API_KEY"] = credentials.gateway_key
        return {prefix + name: value for name, value in values.items()}

    def _build(self) -> Service:
        if self._service is not None:
            return self._service
        world = self._world
        if world is None:
            now = self._now or datetime.fromtimestamp(self.faults.now() // 3600 * 3600, UTC)
            world = build(self._seed, self._transactions, now, self._told)
        relations = catalogue.Relations(world)
        collections = catalogue.collections(world, relations)
        # From here on the encoded rows are the lists: of what a write changes there may be one truth alone.
        for section in _CHANGING:
            setattr(world, section, collections[section])
        sight = Sight(world, relations, collections)
        tokens = TokenIssuer(
            world.credentials.api_users,
            {user["id"]: user for user in world.users},
            world.workspace,
            self.faults.now,
            **cast(Any, self._token_rules),
        )
        self.faults.on_revoke.append(tokens.revoke)
        self.faults.on_expire_refresh.append(tokens.expire_refresh)
        self.faults.on_rotate_secret.append(partial(rotation.rotate_secret, world, tokens))
        self._access = Access(world, tokens, sight, **self._keys)
        webhooks = Webhooks(sight, collections, self.faults.now, operators(world))
        engine = Engine(world, collections, relations, self.faults.now, self._pace)
        engine.listeners.append(webhooks.announce)
        self._service = Service(
            world,
            self.faults,
            tokens,
            self._listings,
            relations,
            collections,
            sight,
            self._page_size_maximum,
            webhooks,
            engine,
        )
        self.faults.on_rotate_private_key.append(partial(rotation.rotate_private_key, self._service))
        pledge_changes.attach(self._service)
        lam_staking.attach(self._service)
        return self._service


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    asyncio switches off Nagle's algorithm only where a socket names TCP as its protocol, which
    ``socket.create_server`` does not: headers and body are two packets, and each answer took 44 ms.
    """
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, socket.IPPROTO_TCP)
    if os.name == "posix":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


class _Server(uvicorn.Server):
    """A server that leaves no connection open, whatever is still being carried out when it ends."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        self.end_connections(reset=True)
        # a transport closes its socket in the next round of the loop, which ends with this call
        await asyncio.sleep(0)

    def end_connections(self, *, reset: bool) -> None:
        """End every connection; in the thread of the server."""
        for connection in list(self.server_state.connections):
            end_connection(cast(Any, connection).transport, reset=reset)


def _hang_up(server: _Server, reset: bool) -> None:
    """End every connection, and wait until that is done."""
    done = threading.Event()

    def end() -> None:
        server.end_connections(reset=reset)
        done.set()

    with suppress(RuntimeError, IndexError):  # it has ended, and all connections with it
        server.servers[0].get_loop().call_soon_threadsafe(end)
        done.wait(SECONDS_TO_START)


def _end(server: uvicorn.Server, thread: threading.Thread, listener: socket.socket, webhooks: Webhooks) -> None:
    server.should_exit = True
    webhooks.stop()
    # the garbage collector may run this in the server's own thread
    if thread is not threading.current_thread():
        thread.join(timeout=5)
    listener.close()
