"""Faults that tests and demonstrations switch on: of answers, of connections, of tokens, of lists that change."""

import random
import threading
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from .store import Collection, wire_time

Change = Literal["arrive", "leave", "swap"]
Kind = Literal["latency", "status", "drop", "truncate", "invalid_json", "content_type", "padding"]


@dataclass(eq=False, slots=True)
class Fault:
    """One fault that is switched on.

    Parameters
    ----------
    kind
        What goes wrong.
    path
        A pattern such as ``/accounts/*``; None fits every path.
    method
        An HTTP method; None fits every one.
    times
        How often it happens at most; None means without end.
    rate
        The share of the calls that it strikes.
    """

    kind: Kind
    path: str | None = None
    method: str | None = None
    times: int | None = None
    rate: float = 1.0
    seconds: float = 0.0
    status: int = 0
    size: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    answered: bool = False
    reset: bool = False
    struck: int = 0


@dataclass(eq=False, slots=True)
class ListChange:
    """A change of a list between two of its pages."""

    path: str
    change: Change
    after_page: int
    times: int | None
    struck: int = 0
    reserve: tuple[Collection, int] | None = None


class Faults:
    """The switches. Every one may be used from any thread.

    Parameters
    ----------
    seed
        Makes the calls that a ``rate`` strikes the same at each run.
    clock
        The time that :meth:`shift_clock` shifts.
    """

    def __init__(self, seed: int, clock: Callable[[], float]) -> None:
        self._random = random.Random(seed)
        self._clock = clock
        self._lock = threading.RLock()
        self._faults: list[Fault] = []
        self._changes: list[ListChange] = []
        self._shift = 0.0
        self._refuse_refresh = 0
        self.on_revoke: list[Callable[[], None]] = []
        self.on_expire_refresh: list[Callable[[], None]] = []
        self.on_hang_up: list[Callable[[bool], None]] = []
        self.on_rotate_secret: list[Callable[[str], str]] = []
        self.on_rotate_private_key: list[Callable[[int], str]] = []

    def now(self) -> float:
        """Return the time of the service in seconds since the epoch, shifted where it was asked for."""
        return self._clock() + self._shift

    def clear(self) -> None:
        """Switch every fault off; rows that came or went stay so."""
        with self._lock:
            ended = self._changes
            self._changes = []
            self._faults = []
            self._shift = 0.0
            self._refuse_refresh = 0
        self._release(ended)

    def latency(
        self,
        seconds: float,
        *,
        path: str | None = None,
        method: str | None = None,
        times: int | None = None,
        answered: bool = False,
    ) -> Fault:
        """Let answers take longer; with ``answered``, after the call was carried out."""
        return self._add(Fault("latency", path, method, times, seconds=seconds, answered=answered))

    def status(
        self,
        status: int,
        *,
        path: str | None = None,
        method: str | None = None,
        times: int | None = None,
        rate: float = 1.0,
        retry_after: str | None = None,
        content_type: str = "application/json",
        body: str | None = None,
        answered: bool = False,
    ) -> Fault:
        """Answer with an error status.

        Parameters
        ----------
        retry_after
            The text of a ``Retry-After`` header.
        content_type, body
            What is sent, such as a proxy's HTML; an error body of the API by default.
        answered
            Carry the call out first, as where a gateway gives up on a service that works on.
        """
        headers = {"content-type": content_type}
        if retry_after is not None:
            headers["retry-after"] = retry_after
        encoded = None if body is None else body.encode()
        return self._add(
            Fault(
                "status", path, method, times, rate, status=status, headers=headers, body=encoded, answered=answered
            )
        )

    def drop(
        self,
        *,
        path: str | None = None,
        method: str | None = None,
        times: int | None = None,
        rate: float = 1.0,
        answered: bool = False,
        reset: bool = False,
    ) -> Fault:
        """Drop the connection without an answer; with ``answered``, after the call was carried out.

        With ``reset`` it is reset (RST) instead of closed (FIN).
        """
        return self._add(Fault("drop", path, method, times, rate, answered=answered, reset=reset))

    def truncate(
        self,
        *,
        path: str | None = None,
        method: str | None = None,
        times: int | None = None,
        rate: float = 1.0,
        reset: bool = False,
    ) -> Fault:
        """Send half of the body and close, or reset."""
        return self._add(Fault("truncate", path, method, times, rate, reset=reset))

    def invalid_json(
        self,
        *,
        path: str | None = None,
        method: str | None = None,
        times: int | None = None,
        rate: float = 1.0,
        body: str | None = None,
    ) -> Fault:
        """Answer 200 with something that is no JSON: half of the answer, or the text given."""
        encoded = None if body is None else body.encode()
        return self._add(Fault("invalid_json", path, method, times, rate, body=encoded))

    def content_type(
        self,
        kind: str,
        *,
        path: str | None = None,
        method: str | None = None,
        times: int | None = None,
        rate: float = 1.0,
    ) -> Fault:
        """Answer well, but call the body something that it is not."""
        return self._add(Fault("content_type", path, method, times, rate, headers={"content-type": kind}))

    def padding(
        self,
        size: int,
        *,
        path: str | None = None,
        method: str | None = None,
        times: int | None = None,
        rate: float = 1.0,
    ) -> Fault:
        """Send so many bytes of white space before the body, which is the same JSON with them."""
        return self._add(Fault("padding", path, method, times, rate, size=size))

    def between_pages(self, path: str, change: Change, *, times: int | None = 1, after_page: int = 1) -> ListChange:
        """Change a list right after a page of it was answered, if more pages follow.

        Parameters
        ----------
        path
            A pattern of the list's path.
        change
            ``leave`` takes the first row of that page out, so that the next page skips one; ``arrive`` adds a
            new row like the oldest one, which has no mark of a payment; ``swap`` takes one out and brings the
            oldest, not seen before, in.
        times
            How often; None means after each reading of that page.
        after_page
            The number of the page.
        """
        added = ListChange(path, change, after_page, times)
        with self._lock:
            self._changes.append(added)
        return added

    def hang_up(self, *, reset: bool = False) -> None:
        """End every connection now, the idle ones too; what is being carried out goes on."""
        for act in self.on_hang_up:
            act(reset)

    def rotate_secret(self, key_id: str) -> str:
        """Replace the secret of an API key and return the new one; the old one and its tokens are refused."""
        return [rotate(key_id) for rotate in self.on_rotate_secret][-1]

    def rotate_private_key(self, user_id: int) -> str:
        """Give an API user another key pair and return the private key as PEM; what the old one signs is refused."""
        return [rotate(user_id) for rotate in self.on_rotate_private_key][-1]

    def revoke_tokens(self) -> None:
        """Revoke every access token before its time."""
        for act in self.on_revoke:
            act()

    def expire_refresh(self) -> None:
        """End the life of every refresh token."""
        for act in self.on_expire_refresh:
            act()

    def refuse_refresh(self, times: int = 1) -> None:
        """Refuse the next refreshes."""
        with self._lock:
            self._refuse_refresh = times

    def shift_clock(self, seconds: float) -> None:
        """Set the clock of the service ahead, or back: its ``Date``, its tokens, its dates."""
        with self._lock:
            self._shift = seconds

    def stop(self, fault: Fault | ListChange) -> None:
        """Switch one fault off."""
        with self._lock:
            if isinstance(fault, Fault):
                self._faults.remove(fault)
                return
            self._changes.remove(fault)
        self._release([fault])

    def strikes(self, method: str, path: str) -> list[Fault]:
        """Return the faults that strike this call, and count them."""
        if not self._faults:
            return []
        with self._lock:
            struck = [fault for fault in self._faults if self._hits(fault, method, path)]
            for fault in struck:
                fault.struck += 1
            return struck

    def refuses_refresh(self) -> bool:
        """Say whether this refresh is refused, and count it."""
        with self._lock:
            refused = self._refuse_refresh > 0
            self._refuse_refresh -= refused
            return refused

    def before_page(self, path: str, page: int, collection: Collection, view: Callable[[], Sequence[int]]) -> None:
        """Hold back the row that a swap will bring in."""
        for change in self._due(path):
            if change.change == "swap" and page == 1 and change.reserve is None and len(view()) > 1:
                change.reserve = (collection, min(view()))
                collection.hide(change.reserve[1])

    def after_page(
        self, path: str, page: int, collection: Collection, rows: Sequence[int], view: Sequence[int]
    ) -> None:
        """Change the list that a page was just read from; the view is the whole search of that page."""
        if not rows or rows[-1] == view[-1]:
            return
        due = [change for change in self._due(path) if page == change.after_page]
        for change in due:
            change.struck += 1
            if change.change == "arrive":
                self._arrive(collection, min(view))
            else:
                collection.hide(rows[0])
        self._release(due)

    def _due(self, path: str) -> list[ListChange]:
        with self._lock:
            return [
                change
                for change in self._changes
                if fnmatchcase(path, change.path) and (change.times is None or change.struck < change.times)
            ]

    def _arrive(self, collection: Collection, template: int) -> None:
        node = collection[template]
        identifier = node.get("id")
        if isinstance(identifier, int):
            node["id"] = collection.next_id()
        elif identifier is not None:
            node["id"] = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        if node.get("created_on") is not None:
            node["created_on"] = wire_time(self.now())
        collection.append(node)

    def _release(self, changes: Iterable[ListChange]) -> None:
        """Show the rows held back for swaps.

        Never under the own lock: a page holds its collection's lock when it asks here, and two orders of
        the same two locks end in a standstill.
        """
        for change in changes:
            if change.reserve is not None:
                collection, position = change.reserve
                change.reserve = None
                collection.show(position)

    def _add(self, fault: Fault) -> Fault:
        with self._lock:
            self._faults.append(fault)
        return fault

    def _hits(self, fault: Fault, method: str, path: str) -> bool:
        return (
            (fault.times is None or fault.struck < fault.times)
            and (fault.method is None or fault.method == method)
            and (fault.path is None or fnmatchcase(path, fault.path))
            and (fault.rate >= 1.0 or self._random.random() < fault.rate)
        )
