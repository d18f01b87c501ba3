"""Webhooks: events of objects that a caller may see, posted to the caller's own target until it takes them."""

import hashlib
import hmac
import ipaddress
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from .answers import encode
from .store import Collection, Node
from .viewers import Sight, Viewer

Key = tuple[str, int | str]

FIRST_DELAY = 5.0
LONGEST_DELAY = 1800.0
TRIES = 100
SECONDS_TO_ANSWER = 5.0
# how often the thread looks at the clock, which a test may move by hand
SECONDS_BETWEEN_LOOKS = 0.2
_SECTIONS = {
    "ENTITY": "entities",
    "GROUP": "groups",
    "REQUEST": "requests",
    "TRANSACTION": "transactions",
    "USER": "users",
    "WHITELIST": "whitelists",
}


@dataclass(slots=True)
class Delivery:
    """One event on its way to one caller.

    Parameters
    ----------
    event_type, payload_type, id
        The whole body: a pointer, so that the object is read through the API.
    owner
        Family and identity of the caller whose webhook it is.
    status
        ``not delivered`` is final: the reason says why.
    tries
        Posts so far, duplicates left out.
    next_try
        Seconds since the epoch.
    """

    event_type: str
    payload_type: str
    id: Any
    owner: Key
    next_try: float
    status: Literal["waiting", "delivered", "not delivered"] = "waiting"
    tries: int = 0
    reason: str = ""

    def body(self) -> bytes:
        """Return the bytes that are posted and signed."""
        return encode({"payload_type": self.payload_type, "event_type": self.event_type, "id": self.id})


@dataclass(slots=True)
class _Watch:
    viewer: Viewer
    configuration: Node = field(repr=False)


class Webhooks:
    """The configurations of all callers and what is delivered to them: at least once, in no certain order.

    Parameters
    ----------
    sight, collections
        What decides which events a caller may see.
    now
        Seconds since the epoch.
    lam_operators
        The user for whom each user of the LAM acts.

    Attributes
    ----------
    deliveries
        Every event for every caller, oldest first.
    duplicate
        Post everything twice, as a service that lost the answer to the first post.
    """

    def __init__(
        self,
        sight: Sight,
        collections: Mapping[str, Collection],
        now: Callable[[], float],
        lam_operators: Mapping[str, int],
    ) -> None:
        self.deliveries: list[Delivery] = []
        self.duplicate = False
        self._sight = sight
        self._collections = collections
        self._now = now
        self._lam_operators = lam_operators
        self._watches: dict[Key, _Watch] = {}
        self._lock = threading.Lock()
        self._posting = threading.Lock()
        self._client: httpx.Client | None = None
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()

    def configuration(self, viewer: Viewer) -> Node | None:
        """Return what the caller set."""
        watch = self._watches.get(_key(viewer))
        return None if watch is None else watch.configuration

    def configure(self, viewer: Viewer, configuration: Node) -> None:
        """Replace what the caller set; events that still wait go to the new target."""
        with self._lock:
            self._watches[_key(viewer)] = _Watch(viewer, configuration)

    def announce(self, event_type: str, payload_type: str, identifier: Any, users: frozenset[int] | None) -> None:
        """Queue an event for every caller with a webhook who may see the object; ``users`` narrows them further."""
        with self._lock:
            watches = list(self._watches.items())
        for key, watch in watches:
            if not watch.configuration["all"]["webhook"] or not self._concerns(watch.viewer, users):
                continue
            if not self._sees(watch.viewer, payload_type, identifier):
                continue
            with self._lock:
                self.deliveries.append(Delivery(event_type, payload_type, identifier, key, self._now()))

    def deliver_due(self, now: float) -> int:
        """Post every event whose time has come, and return how many targets took one; none after :meth:`stop`."""
        with self._posting:
            with self._lock:
                due = [
                    delivery
                    for delivery in self.deliveries
                    if delivery.status == "waiting" and delivery.next_try <= now
                ]
            for delivery in due:
                if self._ended.is_set():
                    break
                self._deliver(delivery, now)
            return sum(delivery.status == "delivered" for delivery in due)

    def start(self) -> None:
        """Deliver in a thread until :meth:`stop`."""
        self._ended.clear()
        self._thread = threading.Thread(target=self._run, name="sandbox-webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what waits is kept."""
        self._ended.set()
        # the garbage collector may end a sandbox in this very thread
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=SECONDS_TO_ANSWER)
        self._thread = None
        # a target that sends its answer byte by byte may hold a post for as long as it likes, but not the sandbox
        if self._posting.acquire(timeout=SECONDS_TO_ANSWER):
            if self._client is not None:
                self._client.close()
                self._client = None
            self._posting.release()

    def _run(self) -> None:
        while not self._ended.wait(SECONDS_BETWEEN_LOOKS):
            self.deliver_due(self._now())

    def _concerns(self, viewer: Viewer, users: frozenset[int] | None) -> bool:
        identity = viewer.identity
        user = self._lam_operators.get(identity) if isinstance(identity, str) else identity
        return users is None or user in users

    def _sees(self, viewer: Viewer, payload_type: str, identifier: Any) -> bool:
        # BITCOIN_ACCOUNT, ERC20_ACCOUNT...: one payload type for each kind of account
        section = "accounts" if payload_type.endswith("_ACCOUNT") else _SECTIONS[payload_type]
        node = self._collections[section].find(identifier)
        return node is not None and self._sight.sees(viewer, section, node)

    def _deliver(self, delivery: Delivery, now: float) -> None:
        webhook = self._watches[delivery.owner].configuration["all"]["webhook"]
        refused = "the caller took the webhook away" if webhook is None else _refused(webhook["url"])
        if refused:
            delivery.status, delivery.reason = "not delivered", refused
            return
        delivery.tries += 1
        problem = self._post(webhook, delivery.body(), now)
        if self.duplicate:
            problem = self._post(webhook, delivery.body(), now)
        if not problem:
            delivery.status, delivery.reason = "delivered", ""
        elif delivery.tries == TRIES:
            delivery.status, delivery.reason = "not delivered", f"{TRIES} tries failed, the last with {problem}"
        else:
            delivery.reason = problem
            delivery.next_try = now + min(FIRST_DELAY * 2.0 ** (delivery.tries - 1), LONGEST_DELAY)

    def _post(self, webhook: Node, body: bytes, now: float) -> str:
        """Post once and return what went wrong, nothing where it went well."""
        if self._client is None:
            # neither a proxy of the environment nor a redirect may lead the post off this machine
            self._client = httpx.Client(trust_env=False, follow_redirects=False, timeout=SECONDS_TO_ANSWER)
        headers = {"Content-Type": "application/json", "X-Ledger-Signature": signature(webhook["secret"], now, body)}
        try:
            answer = self._client.post(webhook["url"], content=body, headers=headers)
        except httpx.HTTPError as error:
            return type(error).__name__
        return "" if answer.is_success else f"status {answer.status_code}"


def signature(secret: str, now: float, body: bytes) -> str:
    """Return the header that lets the target check a body.

    Nobody documents whether a retry carries the time of the first try; here each post has its own time.
    """
    moment = str(int(now))
    digest = hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256)
    return f"t={moment},v1={digest.hexdigest()}"


def accepts(url: str) -> bool:
    """Say whether a caller may set this target.

    The service wants https. A receiver that runs beside the sandbox is plain http on loopback, so that is
    accepted here.
    """
    target = _parsed(url)
    if target is None or not target.host:
        return False
    return target.scheme == "https" or (target.scheme == "http" and _is_loopback(target.host))


def _refused(url: str) -> str:
    """Return why nothing is posted to a target: a sandbox speaks to its own machine alone."""
    target = _parsed(url)
    if target is not None and _is_loopback(target.host):
        return ""
    return "the target is not on loopback, and a sandbox calls nothing else"


def _parsed(url: str) -> httpx.URL | None:
    # read by the parser of the client that posts: two parsers may find two hosts in one text
    try:
        return httpx.URL(url)
    except httpx.InvalidURL:
        return None


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return bool((getattr(address, "ipv4_mapped", None) or address).is_loopback)


def _key(viewer: Viewer) -> Key:
    return viewer.family, viewer.identity
