"""The life of a token: one exchange in flight, renewed behind the caller's back, and the headers of each family.

Nothing here does HTTP: the transport sends what :func:`token_request` and :func:`refresh_request` describe.
"""

import contextlib
import copy
import logging
import os
import random
import threading
import weakref
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Literal, Protocol, TypeGuard, assert_never

import httpx

from ledgerkit.clock import Clock, SystemClock
from ledgerkit.credentials import LAM, ApiUser, Credentials, ReportingKey
from ledgerkit.errors import (
    AuthenticationError,
    ConnectionFailed,
    ContractViolation,
    LedgerError,
    RateLimited,
    SessionClosed,
)
from ledgerkit.secret import Secret

_log = logging.getLogger(__name__)

# Shares of a token's life. Of the usual 300 s that is a renewal 75 to 60 s before the end, drawn anew for each token
# so that many sessions don't renew in step, and 30 s at the end in which the token is not sent any more.
_STALE_FROM = 0.75
_STALE_JITTER = 0.05
_EXPIRED_FROM = 0.9
# A token may take longer to fetch than it lives; it is not renewed in a loop then.
_NEXT_RENEWAL_FROM = 0.5

# A life shorter than this would have the key exchanged in a loop, until the service locks the user out.
_SHORTEST_LIFE = 1.0
_REST_AFTER = 1800.0
_BACKOFF_LIMIT = 60.0
_JOIN_SECONDS = 2.0
# Who joins an exchange that has been under way for longer than this does not fail with it: it may have begun minutes
# before the call that now waits, which has a time of its own to try in.
_TOGETHER = 1.0


class Joinable(Protocol):
    """What the keeper needs of a thread."""

    def is_alive(self) -> bool:
        """Say whether it runs."""
        ...

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end."""
        ...


@dataclass(frozen=True, slots=True)
class Tokens:
    """An answer of the token endpoint."""

    access: Secret
    refresh: Secret | None
    expires_in: float
    session_state: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class TokenState:
    """What a session card shows of the token; generation 0 means that none was asked for yet."""

    state: Literal["fresh", "stale", "expired"]
    seconds_left: float
    generation: int
    problem: str | None
    thread_running: bool


@dataclass(slots=True)
class _Held:
    """The token in use, with the moments before it was asked for: its life is not counted from later than that."""

    access: Secret
    refresh: Secret | None
    life: float
    stale_from: float
    monotonic: float
    wall: float

    def age(self, clock: Clock) -> float:
        # Suspend stops the monotonic clock on some systems, and the wall clock may be set back: the larger counts.
        return max(clock.monotonic() - self.monotonic, clock.time() - self.wall)

    def state(self, clock: Clock) -> Literal["fresh", "stale", "expired"]:
        age = self.age(clock)
        if age < self.stale_from:
            return "fresh"
        return "stale" if age < self.life * _EXPIRED_FROM else "expired"


class _Flight:
    """One exchange under way; the others wait for its end."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.landed = threading.Event()
        self.error: LedgerError | None = None


def _start_daemon(target: Callable[[], None]) -> Joinable | None:
    thread = threading.Thread(target=target, name="ledgerkit-token", daemon=True)
    thread.start()
    return thread


class TokenKeeper:
    """Holds one token for any number of threads, and keeps it fresh.

    Parameters
    ----------
    login
        Exchanges the key for tokens. Its ``AuthenticationError`` is final until :meth:`reset`.
    refresh
        Exchanges a refresh token for tokens; where that is refused or lost, the key is exchanged again. Its
        ``RateLimited``, and its ``ConnectionFailed`` without a status, say that nobody has seen the refresh token,
        which is then kept for the next exchange.
    clock, spawn, random
        Time, threads and chance. ``spawn`` may return None or raise ``RuntimeError`` where no thread can be
        started: the token is then renewed when it is asked for.
    """

    def __init__(
        self,
        login: Callable[[], Tokens],
        refresh: Callable[[Secret], Tokens],
        *,
        clock: Clock | None = None,
        spawn: Callable[[Callable[[], None]], Joinable | None] = _start_daemon,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._login = login
        self._refresh = refresh
        self._clock = clock or SystemClock()
        self._spawn = spawn
        self._random = random
        self._generation = 0
        self._closed = False
        self._begin()
        _keepers.add(self)

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._wake = threading.Event()
        # The thread holds no more than a weak reference, and is woken to notice that it is gone.
        weakref.finalize(self, self._wake.set).atexit = False
        self._held: _Held | None = None
        # What was handed out last and before: a call may be under way with it, and its answer repeat it.
        self._lately: tuple[dict[str, Secret | None], ...] = ()
        self._flight: _Flight | None = None
        self._thread: Joinable | None = None
        self._threadless = False
        self._refused: AuthenticationError | None = None
        self._problem: str | None = None
        self._failures = 0
        self._not_before = 0.0
        self._last_use = self._clock.monotonic()

    @property
    def problem(self) -> str | None:
        """The text of the last error, until an exchange succeeds."""
        return self._problem

    def state(self) -> TokenState:
        """Return how the token is."""
        with self._lock:
            held = self._held
            return TokenState(
                state=held.state(self._clock) if held else "expired",
                seconds_left=max(0.0, held.life - held.age(self._clock)) if held else 0.0,
                generation=self._generation,
                problem=self._problem,
                thread_running=self._thread is not None and self._thread.is_alive(),
            )

    def token(self) -> tuple[Secret, int]:
        """Return a token that may be sent, and its generation."""
        with self._lock:
            self._refuse_closed()
            self._last_use = self._clock.monotonic()
            generation, held = self._generation, self._held
            state = held.state(self._clock) if held else "expired"
            if held and state != "expired":
                behind = self._run_thread()
                if state == "fresh" or behind or self._flight or self._clock.monotonic() < self._not_before:
                    if state == "stale":
                        self._wake.set()  # after a suspend the thread may still have long to sleep
                    return held.access, generation
        try:
            return self._renewed(generation)
        except LedgerError:
            if held and state == "stale" and not self._closed:
                return held.access, generation
            raise

    def renew(self, after: int) -> tuple[Secret, int]:
        """Return another token than that of generation ``after``, which the service rejected."""
        with self._lock:
            moved_on = self._generation != after
        return self.token() if moved_on else self._renewed(after)

    def renewing(self, generation: int) -> bool:
        """Say whether another token than this was asked for already, perhaps before something that happens now."""
        with self._lock:
            return self._flight is not None or self._generation != generation

    def reset(self) -> None:
        """Forget the token and any refusal: the next call exchanges the key again."""
        with self._lock:
            self._generation += 1
            self._held = self._flight = self._refused = self._problem = None
            self._failures, self._not_before = 0, 0.0

    def close(self) -> None:
        """Forget the token and end the thread; later calls raise ``SessionClosed``."""
        with self._lock:
            self._closed = True
            self._held, self._lately = None, ()
            thread, self._thread = self._thread, None
            self._wake.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(_JOIN_SECONDS)

    def _refuse_closed(self) -> None:
        if self._closed:
            raise SessionClosed("the session was closed: connect again")

    def _renewed(self, after: int) -> tuple[Secret, int]:
        """Lead the exchange or wait for the one under way, and return what it brought."""
        asked = self._clock.monotonic()
        while True:
            mine = _Flight(self._clock.monotonic())
            try:
                with self._lock:
                    self._refuse_closed()
                    if self._held is not None and self._generation != after:
                        return self._held.access, self._generation
                    if self._refused is not None:
                        raise copy.copy(self._refused)
                    if self._flight is None:
                        self._flight = mine
                    flight = self._flight
                if flight is mine:
                    self._fly(mine)
                else:
                    while not flight.landed.wait(1.0):  # a wait without an end can't be interrupted on Windows
                        pass
            finally:  # reached by Ctrl-C as well: the threads that wait must not be left waiting
                with self._lock:
                    if self._flight is mine:
                        self._flight = None
                mine.landed.set()
            # Each thread raises its own copy: a shared error would gather the tracebacks of all of them. A flight
            # without error and without a newer token was interrupted or overtaken by reset(): another one leads.
            if flight.error is not None and flight.began >= asked - _TOGETHER:
                raise copy.copy(flight.error)

    def _fly(self, flight: _Flight) -> None:
        with self._lock:
            generation, held = self._generation, self._held
        monotonic, wall = self._clock.monotonic(), self._clock.time()
        try:
            tokens = self._exchange(held)
        except Exception as error:
            with self._lock:
                overtaken = self._generation != generation
                if not overtaken:
                    self._note_failure(error)
            if not isinstance(error, LedgerError):
                raise
            if not overtaken:
                # Without the traceback, whose frames hold what was sent; without the answer, which may hold a token.
                flight.error = copy.copy(error)
                flight.error.details.pop("body", None)
            return
        with self._lock:
            if not self._closed and self._generation == generation:
                self._adopt(tokens, monotonic, wall)

    def _exchange(self, held: _Held | None) -> Tokens:
        if held is not None and (spent := held.refresh) is not None:
            held.refresh = None  # it may be good for one use: where the answer is lost, so is the token
            try:
                return _alive(self._refresh(spent))
            except LedgerError as error:
                if isinstance(error, RateLimited) or (isinstance(error, ConnectionFailed) and error.status is None):
                    held.refresh = spent
                    raise
                _log.info("the token could not be refreshed (%s): exchanging the key again", type(error).__name__)
        return _alive(self._login())

    def _adopt(self, tokens: Tokens, monotonic: float, wall: float) -> None:
        life = tokens.expires_in
        stale_from = life * (_STALE_FROM + _STALE_JITTER * self._random())
        state = None if tokens.session_state is None else Secret(tokens.session_state)
        self._held = _Held(tokens.access, tokens.refresh, life, stale_from, monotonic, wall)
        handed = {"access": tokens.access, "refresh": tokens.refresh, "session_state": state}
        self._lately = (*self._lately[-1:], handed)
        self._generation += 1
        self._problem = None
        self._failures = 0
        self._not_before = self._clock.monotonic() + life * _NEXT_RENEWAL_FROM
        self._threadless = False
        self._run_thread()
        self._wake.set()

    def _note_failure(self, error: Exception) -> None:
        # The text of an error that is not the kit's own may quote anything.
        self._problem = str(error) if isinstance(error, LedgerError) else f"unexpected {type(error).__name__}"
        if isinstance(error, AuthenticationError):
            self._refused = copy.copy(error)
        delay = min(_BACKOFF_LIMIT, 2.0**self._failures) * (0.5 + 0.5 * self._random())
        if isinstance(error, RateLimited):
            delay = max(delay, error.details.get("retry_after") or 0.0)
        self._failures = min(self._failures + 1, 10)
        self._not_before = self._clock.monotonic() + delay

    def _run_thread(self) -> bool:
        """Start the thread where it does not run, and say whether it runs."""
        if self._thread is not None and self._thread.is_alive():
            return True
        if not self._threadless and self._refused is None:
            try:
                self._thread = self._spawn(partial(_keep_fresh, weakref.ref(self), self._wake, self._clock))
            except RuntimeError:
                self._thread = None
            self._threadless = self._thread is None
        return self._thread is not None

    def _tend(self) -> float | None:
        """Renew the token if that is due; return the seconds until it is, or None to end the thread."""
        while True:
            with self._lock:
                idle = self._clock.monotonic() - self._last_use
                if self._closed or self._refused or self._held is None or idle >= _REST_AFTER:
                    self._thread = None
                    return None
                generation = self._generation
                due = max(
                    self._held.stale_from - self._held.age(self._clock),
                    self._not_before - self._clock.monotonic(),
                )
            if due > 0:
                return min(due, _REST_AFTER - idle)
            # Whatever it is has been noted for the session card; a traceback on stderr would help nobody.
            with contextlib.suppress(Exception):
                self._renewed(generation)


def _keep_fresh(reference: "weakref.ref[TokenKeeper]", wake: threading.Event, clock: Clock) -> None:
    while (keeper := reference()) is not None:
        seconds = keeper._tend()
        del keeper
        if seconds is None:
            return
        clock.wait(wake, seconds)
        wake.clear()


def _alive(tokens: Tokens) -> Tokens:
    if not tokens.expires_in > 0:
        raise ContractViolation("the token that the service gave has ended already (expires_in)", field="expires_in")
    return tokens


_keepers: "weakref.WeakSet[TokenKeeper]" = weakref.WeakSet()


def _begin_anew() -> None:
    """Let a forked child log in for itself: it has no thread, and the refresh token is the parent's to use."""
    for keeper in _keepers:
        keeper._begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


def secrets_of(credentials: Credentials, keeper: "Callable[[], TokenKeeper | None]") -> dict[str, Secret]:
    """Return what no answer may show, by name: what the credentials hold, and the tokens in use and before."""
    found = {name: getattr(credentials, name) for name in type(credentials).__slots__ if name != "private_key"}
    for number, handed in enumerate(() if (one := keeper()) is None else one._lately):
        found |= {f"{name} {number}": value for name, value in handed.items()}
    return {name: value for name, value in found.items() if isinstance(value, Secret)}


def token_request(credentials: ApiUser) -> tuple[str, dict[str, str | Secret], dict[str, Secret]]:
    """Return path, headers and JSON body of the POST that exchanges a key for tokens.

    They hold secrets as such until they are written: collectors of errors look into mappings, whatever their repr is.
    """
    body = {"api_key_id": credentials.key_id, "api_key_secret": credentials.key_secret}
    return "/auth/token", _token_headers(credentials), body


def refresh_request(credentials: ApiUser, refresh: Secret) -> tuple[str, dict[str, str | Secret], dict[str, Secret]]:
    """Return path, headers and JSON body of the POST that exchanges a refresh token for tokens."""
    return "/auth/token/refresh", _token_headers(credentials), {"refresh_token": refresh}


def _token_headers(credentials: ApiUser) -> dict[str, str | Secret]:
    headers: dict[str, str | Secret] = {"X-Ledger-Workspace": credentials.workspace}
    if credentials.gateway_key is not None:
        headers["X-Ledger-API-Key"] = credentials.gateway_key
    return headers


def tokens_from(answer: object) -> Tokens:
    """Read an answer of the token endpoint, or raise ``ContractViolation`` with the name of the field."""
    read = _read(answer)
    del answer  # a traceback shows the variables of this frame
    if isinstance(read, str):
        raise ContractViolation(f"the answer with the token can't be read: {read} is missing or unusable", field=read)
    return read


def _read(answer: object) -> Tokens | str:
    """Return the tokens, or the name of the field that is wrong."""
    if not isinstance(answer, dict):
        return "the JSON object"
    access, refresh, life = answer.get("access_token"), answer.get("refresh_token"), answer.get("expires_in")
    if not _is_header_text(access):
        return "access_token"
    if refresh is not None and not _is_header_text(refresh):
        return "refresh_token"
    if isinstance(life, bool) or not isinstance(life, int | float | Decimal) or not _SHORTEST_LIFE <= life < 1e9:
        return "expires_in"
    if str(answer.get("token_type", "Bearer")).lower() != "bearer":
        return "token_type"
    state = answer.get("session_state")
    return Tokens(
        access=Secret(access),
        refresh=None if refresh is None else Secret(refresh),
        expires_in=float(life),
        session_state=state if isinstance(state, str) else None,
    )


def _is_header_text(value: object) -> TypeGuard[str]:
    # httpx quotes a header value that it can't send, so that such a token must not get that far.
    return isinstance(value, str) and value.isascii() and value.isprintable() and value.strip() != ""


class ApiUserAuth(httpx.Auth):
    """Signs calls with the keeper's token; a rejected token is renewed and the call repeated, once.

    It is once more where the token with which it was repeated had been asked for before the rejection.
    """

    def __init__(self, keeper: TokenKeeper, credentials: ApiUser) -> None:
        self._keeper = keeper
        self._workspace = credentials.workspace

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the call, and once more where the token was rejected."""
        token, generation = _signed_in(self._keeper.token)
        response = yield self._signed(request, token)
        if response.status_code == 401:
            # Gives the connection back: threads that wait for the renewal would otherwise hold the whole pool.
            response.read()
            # What another thread has asked for may be revoked together with what was refused here.
            may_be_refused_too = self._keeper.renewing(generation)
            token, generation = _signed_in(partial(self._keeper.renew, generation))
            response = yield self._signed(request, token)
            if response.status_code == 401 and may_be_refused_too:
                response.read()
                token, _ = _signed_in(partial(self._keeper.renew, generation))
                yield self._signed(request, token)

    def _signed(self, request: httpx.Request, token: Secret) -> httpx.Request:
        request.headers["X-Ledger-Workspace"] = self._workspace
        request.headers["Authorization"] = f"Bearer {token.reveal()}"
        return request


def _signed_in(token: Callable[[], tuple[Secret, int]]) -> tuple[Secret, int]:
    """Return a token; an answer without one that can be read is no answer to the call that was to be signed in."""
    try:
        return token()
    except ContractViolation as error:
        problem = AuthenticationError(
            f"signing in failed: {error.message}", call=error.call, status=error.status, **error.details
        )
    raise problem


class ReportingKeyAuth(httpx.Auth):
    """Signs calls with a reporting key."""

    def __init__(self, credentials: ReportingKey) -> None:
        self._credentials = credentials

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the call."""
        request.headers["X-Ledger-Workspace"] = self._credentials.workspace
        request.headers["X-Ledger-Reporting-API-Key"] = self._credentials.key.reveal()
        yield request


class LamAuth(httpx.Auth):
    """Signs calls to a LAM; the second and third header only where they are set up."""

    def __init__(self, credentials: LAM) -> None:
        self._credentials = credentials

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the call."""
        request.headers["X-Ledger-API-User"] = self._credentials.api_user.reveal()
        if self._credentials.api_key is not None:
            request.headers["X-Ledger-API-Key"] = self._credentials.api_key.reveal()
        if self._credentials.store_token is not None:
            request.headers["X-Ledger-Store-Auth-Token"] = self._credentials.store_token.reveal()
        yield request


def auth_for(credentials: Credentials, keeper: TokenKeeper | None = None) -> httpx.Auth:
    """Return the httpx.Auth of a family; an API user needs a keeper."""
    match credentials:
        case ApiUser():
            if keeper is None:
                raise TypeError("an ApiUser needs a TokenKeeper")
            return ApiUserAuth(keeper, credentials)
        case ReportingKey():
            return ReportingKeyAuth(credentials)
        case LAM():
            return LamAuth(credentials)
        case _:
            assert_never(credentials)
