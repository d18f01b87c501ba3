"""The one way to the service: base URL, TLS, timeouts, retries, rate limit, and errors in the kit's own terms.

httpx stays behind this module, those of its connections, and the headers of :mod:`ledgerkit.auth`: none of its types
appears in an error, or in what people call.
"""

import copy
import functools
import json as json_format
import math
import os
import random
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import quote

import httpx

from ledgerkit import connecting, surroundings, trust, watching
from ledgerkit.announcements import seconds_to_wait
from ledgerkit.answers import decoded, one_line, outcome_unknown, problem
from ledgerkit.clock import Clock, SystemClock
from ledgerkit.echoes import finder, hidden, revealed, secrets_in, unseen
from ledgerkit.errors import (
    Cancelled,
    ConfigurationError,
    ContractViolation,
    InvalidRequest,
    LedgerError,
    OutcomeUnknown,
    RateLimited,
    SessionClosed,
    shorten,
)
from ledgerkit.limits import LONGEST_WAIT as LONGEST_REFUSAL
from ledgerkit.limits import Limiter, among_many
from ledgerkit.paths import of_notifications
from ledgerkit.secret import Secret
from ledgerkit.wire import Attempt, Wire, bound

# 420 is what the documentation names, 429 what other gateways in front of it may send.
RATE_LIMITED: Final = frozenset({420, 429})
# What a gateway answers while the service behind it is away; a read may be repeated.
PASSING: Final = frozenset({502, 503, 504})
CLOSED_MEANWHILE: Final = "this session was closed meanwhile."
FIRST_WAIT: Final = 0.5
# For so long a call waits to learn from the answer to another how many calls are left; then it goes.
PATIENCE: Final = 1.0
# How soon a call that waits for an answer notices that it is given up.
LOOK_EVERY: Final = 0.05
LONGEST_WAIT: Final = 20.0
# A page of 100 of the largest objects has some MB; more than this would rather fill the memory of the kernel.
LARGEST_ANSWER: Final = 64 * 2**20
# What people may say of how to ask.
SETTINGS: Final = ("connect_timeout", "read_timeout", "retry_seconds", "concurrency", "share")
# What signs a request in.
SECRET_HEADERS: Final = (
    "Authorization",
    "X-Ledger-API-Key",
    "X-Ledger-API-User",
    "X-Ledger-Reporting-API-Key",
    "X-Ledger-Store-Auth-Token",
)

Params = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Answer:
    """What the service answered to one call."""

    call: str
    body: Any = field(repr=False)  # it may hold tokens
    # The server's clock, in whole seconds since the epoch; None where the answer had no Date.
    date: float | None


@dataclass(frozen=True)
class Fault:
    """An attempt that failed, and whether the call may be sent again."""

    error: LedgerError
    again: bool = False


class Transport:
    """One HTTP client for all calls of a session.

    Parameters
    ----------
    base_url
        Where the service is; a path prefix is kept, and paths are appended to it.
    connect_timeout, read_timeout
        Seconds; each attempt has its own.
    retry_seconds
        How long all attempts of one read may take together, waits included; but the body of an answer that has begun
        may take ``read_timeout`` whatever is left.
    concurrency
        How many requests of a long read may be under way at once; eight at most where no rate limit is announced.
    share
        See :class:`~ledgerkit.limits.Limiter`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        clock: Clock | None = None,
        connect_timeout: float = 10.0,
        read_timeout: float = 60.0,
        retry_seconds: float = 120.0,
        concurrency: int = 16,
        share: float = 0.5,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.base_url = base_url
        self.clock = clock or SystemClock()
        self.concurrency = concurrency
        self.limiter = Limiter(self.clock, share)
        self._auth: httpx.Auth | None = None
        # What the session holds, whichever of it a call sends: an answer must not show any.
        self.secrets: Callable[[], Mapping[str, Secret]] = dict
        # What good answers were searched for last, and what searches them.
        self._finder: tuple[Mapping[str, Secret], Callable[[bytes], bool]] = ({}, finder({}))
        self._read_timeout = read_timeout
        self._retry_seconds = retry_seconds
        self._jitter = jitter
        self._never = threading.Event()
        # Set when the session ends. Reads that are under way look at it, and so they end with it.
        self._ended = threading.Event()
        # What calls that wait for something else than an answer look at: it may take minutes.
        self._waiting: weakref.WeakSet[threading.Event] = weakref.WeakSet()
        # Since when the rate limit has turned every call away.
        self._refused_since: float | None = None
        self._process = os.getpid()
        # By how much the server's clock is ahead of this machine's, as its last answer said.
        self._ahead = 0.0
        # What the server's clock showed with its last answer, and this machine's stopwatch at that moment.
        self._told: tuple[float, float] | None = None
        # Plain http is for loopback alone: the base URL was checked when it was read.
        local = base_url.startswith("http://")
        self._wire = Wire(
            trust.context(local=local),
            proxy=surroundings.proxy_for(base_url),
            connections=concurrency + 2,
            local=local,
            read_timeout=read_timeout,
            ended=self._ended,
        )
        self._client = httpx.Client(
            transport=self._wire,
            timeout=httpx.Timeout(read_timeout, connect=connect_timeout),
            trust_env=False,  # `surroundings` and `trust` read it, and say what is wrong
            follow_redirects=False,  # a redirect would carry the credentials to another host
            # Nothing but what `wire` can bound: with more packages installed httpx asks for other packings too.
            headers={"Accept": "application/json", "Accept-Encoding": "gzip, deflate"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # the API has none, gateways' may sign in
            event_hooks={"response": [bound]},
        )

    def server_time(self) -> float:
        """Return what the server's clock shows, in seconds since the epoch, as far as its answers have said."""
        by_clock = self.clock.time() + self._ahead
        if self._told is None:
            return by_clock
        date, stopwatch = self._told
        # The clock may have been set back since, and the stopwatch may have stood still while the machine slept.
        return max(by_clock, date + self.clock.monotonic() - stopwatch)

    @property
    def knows_time(self) -> bool:
        """Whether an answer has told the server's time."""
        return self._told is not None

    def signed(self, auth: httpx.Auth) -> "Transport":
        """Return a transport over the same connections that signs each call in.

        What exchanges the key for tokens holds this one, which does not sign: so neither holds the other.
        """
        signed = copy.copy(self)
        signed._auth = auth
        return signed

    def close(self) -> None:
        """End the calls that are under way, which raise :class:`~ledgerkit.errors.SessionClosed`, and disconnect."""
        self._ended.set()
        for event in list(self._waiting):
            event.set()
        self._wire.wake_all()
        self.disconnect()

    def disconnect(self) -> None:
        """Close the connections, and wake nobody: at the exit of the interpreter there is nobody left to tell."""
        self._ended.set()
        self._client.close()

    @unseen
    def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: Any = None,
        headers: Mapping[str, str | Secret] | None = None,
        safe: bool | None = None,
        retry: bool = True,
        bulk: bool = False,
        seconds: float | None = None,
        cancel: threading.Event | None = None,
    ) -> Answer:
        """Send one call and return its answer, decoded exactly.

        Parameters
        ----------
        method, path
            Such as ``"GET"``, ``"/accounts/7"``; the path is appended to the base URL as it is.
        safe
            Whether sending it twice does no harm; by default, whether it is a GET. What is not safe is sent again
            only where the first was surely not carried out: never sent, or refused by the rate limit.
        retry
            False sends it once, whatever happens.
        bulk
            Whether it is part of a long read, which leaves a share of the rate limit to others.
        seconds
            How long all attempts may take together, where it is to be less than ``retry_seconds``.
        cancel
            Set by the caller to give up, by default with what runs behind a form; the call then raises
            :class:`~ledgerkit.errors.Cancelled`.

        Raises
        ------
        LedgerError
            One of its branches, by what the caller can do next; an :class:`OutcomeUnknown` where a write was sent
            and no answer of the service says what became of it.
        """
        call = f"{method} {path}"
        if self._ended.is_set():
            raise SessionClosed("this session is closed; connect() again.", call=call)
        if os.getpid() != self._process:
            # Both would read from the same sockets, and get each other's answers without a word.
            raise SessionClosed(
                "this session belongs to the process that this one was forked from; connect() here.", call=call
            )
        safe = method == "GET" if safe is None else safe
        watch = watching.current()
        # A write is never given up: nobody would know what became of it.
        cancel = cancel or (watch.cancel if watch and safe else self._never)
        # Who signs in is no part of the long read that it is for: everybody waits for the token.
        bulk = bulk or (among_many.get() and self._auth is not None)
        budget = min(self._retry_seconds, seconds or math.inf)
        deadline = self.clock.monotonic() + budget
        request = self._build(method, path, params, json, headers)

        def body_begins() -> Callable[[], bool]:
            ends = max(deadline, self.clock.monotonic() + self._read_timeout)
            return lambda: not cancel.is_set() and self.clock.monotonic() <= ends

        steps = Attempt(self._wire)
        request.extensions |= {"ledgerkit": body_begins, "trace": steps}
        attempt = 0
        # How long a part of a long read may be turned away by the rate limit; what it waits so is not of its time.
        patience = LONGEST_REFUSAL if bulk and safe and retry and seconds is None else 0.0
        self._waiting.add(cancel)
        while True:
            # A part of a long read waits in line for its turn, however long the window lasts, and that is not of its
            # time either: the limiter believes no wait that is longer than some minutes.
            began = self.clock.monotonic()
            most = (seconds or math.inf) if bulk else deadline - began
            self._wait_for_limit(call, bulk, most, cancel)
            if bulk:
                deadline += self.clock.monotonic() - began
            try:
                outcome = self._attempt(request, call, safe, steps)
                if isinstance(outcome, Answer):
                    self._refused_since = None
                    return outcome
                wait = self._jitter() * min(LONGEST_WAIT, FIRST_WAIT * 2**attempt)
                if isinstance(outcome.error, RateLimited):
                    wait = max(wait, outcome.error.details["retry_after"])
                    self.limiter.block(wait)
                    believed = min(wait, LONGEST_REFUSAL)
                    if believed <= min(patience, self._patience()):
                        wait, patience, deadline = believed, patience - believed, deadline + believed
            finally:
                self.limiter.done()
            attempt += 1
            if not (outcome.again and retry) or self.clock.monotonic() + wait > deadline:
                raise outcome.error
            if self.clock.wait(cancel, wait):
                raise self._given_up(call)

    def _attempt(self, request: httpx.Request, call: str, safe: bool, steps: Attempt) -> "Answer | Fault":
        # Faults are returned, not raised: raised here, their context would be httpx's error, which holds the request.
        steps.begin()
        try:
            response = self._client.send(request, auth=self._auth, stream=True)
            content = _content(response)
        except httpx.RequestError as error:
            fault = connecting.broken(error, call, safe=safe, attempt=steps, proxy=self._wire.proxy)
            ended = self._ended.is_set() and not isinstance(fault.error, OutcomeUnknown)
            return Fault(SessionClosed(CLOSED_MEANWHILE, call=call)) if ended else Fault(*fault)
        except RuntimeError:
            if not self._ended.is_set():
                raise
            return Fault(SessionClosed(CLOSED_MEANWHILE, call=call))
        if content is None:
            what = f"the service answered with more than {LARGEST_ANSWER // 2**20} MB"
            if not safe:
                return Fault(outcome_unknown(what, call, response.status_code))
            advice = "Ask for less at once: with filters, limit=, or a smaller page_size in raw()."
            return Fault(ContractViolation(f"{what}. {advice}", call=call, status=response.status_code))
        return self._read(response, content, call, safe)

    def _build(
        self, method: str, path: str, params: Params | None, json: Any, headers: Mapping[str, str | Secret] | None
    ) -> httpx.Request:
        pairs: list[tuple[str, str | int | float | bool | None]] = [
            (name, value)
            for name, values in (params or {}).items()
            for value in ([values] if isinstance(values, str) else values)
        ]
        content = None
        sent = {
            name: value.reveal() if isinstance(value, Secret) else value for name, value in (headers or {}).items()
        }
        try:
            if json is not None:
                # Not msgspec: it refuses integers beyond 64 bits. No float of the kit gets here, so no digit is lost.
                content = json_format.dumps(
                    json, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=revealed
                ).encode()
                sent["Content-Type"] = "application/json"
            request = self._client.build_request(
                method, self.base_url + path, params=pairs or None, content=content, headers=sent
            )
            if _is_below(request.url, self.base_url):
                return request
            problem = "it was not sent: it would lead to another address than that of the session."
        except httpx.InvalidURL:
            problem = "the parameters make an address that is too long to be sent. Ask for less at once."
        except (TypeError, ValueError, RecursionError):
            problem = (
                "it was not sent: the body or a parameter holds something that can't be written as JSON or text."
            )
        raise InvalidRequest(problem, call=f"{method} {path[:200]}")

    def _wait_for_limit(self, call: str, bulk: bool, most: float, cancel: threading.Event) -> None:
        # Who exchanges the key is waited for by the call that is to be signed in, and waits for none.
        patience = PATIENCE if self._auth is not None else 0.0
        ends = self.clock.monotonic() + most
        while not cancel.is_set():
            wait = self.limiter.reserve(bulk=bulk, patient=patience > 0)
            if wait is None:
                patience -= self.limiter.wait_for_answer(LOOK_EVERY)
                continue
            if wait <= 0:
                return
            if wait > most or (not bulk and self.clock.monotonic() + wait > ends):
                raise RateLimited(
                    f"the rate limit of the workspace is used up for another {wait:.0f} s, longer than a call may "
                    "wait. Ask for less, or again later.",
                    call=call,
                    retry_after=wait,
                )
            self.clock.wait(cancel, wait)
        raise self._given_up(call)

    def _patience(self) -> float:
        """Return for how long all threads may be turned away yet: sixteen would wait one after the other."""
        now = self.clock.monotonic()
        if self._refused_since is None:
            self._refused_since = now
        return LONGEST_REFUSAL - (now - self._refused_since)

    def _given_up(self, call: str) -> LedgerError | Cancelled:
        return SessionClosed(CLOSED_MEANWHILE, call=call) if self._ended.is_set() else Cancelled()

    def _read(self, response: httpx.Response, content: bytes, call: str, safe: bool) -> "Answer | Fault":
        date = _date(response.headers.get("Date"))
        if date is not None:
            self._ahead, self._told = date - self.clock.time(), (date, self.clock.monotonic())
        now = self.server_time()
        # What hands out tokens may announce nothing where all else does.
        if self._auth is not None or "X-RateLimit-Remaining" in response.headers:
            self.limiter.learn(response.headers, now)
        status = response.status_code
        if status in RATE_LIMITED:
            announced = (response.headers.get(name) for name in ("Retry-After", "X-RateLimit-Reset"))
            waits = [wait for text in announced if (wait := seconds_to_wait(text, now)) is not None]
            wait = waits[0] if waits else 1.0
            refusal = RateLimited(
                f"the rate limit of the workspace is used up; the service asks to wait {wait:.1f} s.",
                call=call,
                status=status,
                retry_after=wait,
            )
            return Fault(refusal, again=True)
        if 200 <= status < 300:
            body, unreadable = decoded(content)
            if self._auth is not None and self._repeats(response.request, content):
                body, unreadable, content = None, "repeats the credentials of the request", b""
            if unreadable is None:
                return Answer(call, body, date)
            kind = response.headers.get("Content-Type") or "a body of no declared type"
            kind = one_line(self._shown(response, kind, call))
            what = f"the service answered {status} with {kind}, which {unreadable}"
            if safe:
                return Fault(self._unreadable(what, call, status, self._shown(response, content, call)))
            return Fault(outcome_unknown(what, call, status))
        text, whole = self._shown(response, content, call), self._auth is not None and not of_notifications(call)
        return Fault(problem(text, call, status, safe=safe, whole=whole), again=safe and status in PASSING)

    def _shown(self, response: httpx.Response, what: bytes | str, call: str) -> str:
        """Return something of an answer with whatever it repeats of the request's secrets hidden."""
        text = what if isinstance(what, str) else what.decode("utf-8", "replace")
        secrets = list(_signature(response.request).values())
        secrets += [secret.reveal() for secret in self.secrets().values()]
        sent = response.request.content
        if self._auth is None:  # it exchanges a key for tokens: what was sent is secret too
            secrets += json_format.loads(sent or b"{}").values()
        elif sent and of_notifications(call):
            secrets += secrets_in(json_format.loads(sent))
        return hidden(text, secrets)

    def _repeats(self, request: httpx.Request, content: bytes) -> bool:
        """Say whether a good answer repeats a secret of the session, or of the request, whose token may be old."""
        held = {**self.secrets(), **{name: Secret(value) for name, value in _signature(request).items()}}
        searched, finds = self._finder
        if held != searched:
            finds = finder(held)
            self._finder = held, finds
        return finds(content)

    def _unreadable(self, what: str, call: str, status: int, text: str) -> ContractViolation:
        # An answer with tokens or the secret of a webhook is not kept.
        kept = {"body": shorten(text, 500)} if text and self._auth and not of_notifications(call) else {}
        return ContractViolation(
            f"{what}. Something else may answer in the service's place: check the base URL and the proxy.",
            call=call,
            status=status,
            **kept,
        )


@functools.lru_cache(maxsize=32)
def _address(base_url: str) -> tuple[tuple[str, str, int | None], bytes]:
    url = httpx.URL(base_url)
    return (url.scheme, url.host, url.port), url.raw_path.rstrip(b"/") + b"/"


def _is_below(url: httpx.URL, base_url: str) -> bool:
    """Say whether an address is below the base URL, whatever a path was made of."""
    origin, prefix = _address(base_url)
    return (url.scheme, url.host, url.port) == origin and not url.userinfo and url.raw_path.startswith(prefix)


def path_with(template: str, **values: Any) -> str:
    """Fill a path template such as ``/accounts/{account_id}``, each value quoted as one segment.

    Raises
    ------
    InvalidRequest
        A value is missing, empty or would lead to another path.
    """
    for name, value in values.items():
        if str(value) in ("", ".", ".."):
            raise InvalidRequest(f"`{name}` is {value!r}, which names no object.", field=name)
    try:
        return template.format_map({name: quote(str(value), safe="") for name, value in values.items()})
    except KeyError as error:
        missing = error.args[0]
    raise InvalidRequest(f"`{missing}` is None, which names no object.", field=missing)


def _signature(request: httpx.Request) -> dict[str, str]:
    """Return what signs a request in, by header."""
    sent = dict(request.headers.items())  # once: httpx looks through all of them for each name
    return {name: sent[name.lower()].removeprefix("Bearer ") for name in SECRET_HEADERS if name.lower() in sent}


def _content(response: httpx.Response) -> bytes | None:
    """Return the unpacked body, or None where it is too large."""
    chunks, size = [], 0
    try:
        with closing(response):
            for chunk in response.iter_bytes():
                chunks.append(chunk)
                size += len(chunk)
                if size > LARGEST_ANSWER:
                    return None
    finally:
        # httpx's response and its stream hold each other; let go, all of a call is gone with it, and no collector
        # has to find the sixty objects.
        response.stream = httpx.ByteStream(b"")
    return b"".join(chunks)


def _date(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def checked(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings that people gave, or refuse one that is none, or whose value can't be meant."""
    for name, value in settings.items():
        if name not in SETTINGS:
            raise ConfigurationError(f"there is no setting `{name}`; there are {', '.join(SETTINGS)}.", field=name)
        whole = name == "concurrency"
        fits = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        if not fits or not 0 < value <= (1 if name == "share" else 100_000):
            raise ConfigurationError(
                f"`{name}` = {shorten(value)} can't be used: it is a number above 0.", field=name
            )
    return settings
