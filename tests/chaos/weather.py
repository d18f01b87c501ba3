"""Lets the events of a storm happen, each once the sandbox has answered as many calls as it says."""

import random
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from typing import Any

import pytest

from chaos.storm import DEEP_PAGE, HTML, STALL, Event, Storm, retry_after
from ledgerkit.sandbox import Sandbox
from ledgerkit.sandbox.faults import Fault
from ledgerkit.sandbox.store import Collection

# Where calls have come to a halt, as while all wait for a rate limit, the next event comes after so many seconds.
IMPATIENCE = 0.15


# How many of the newest rows are out while a page is read, page by page.
OUT = (0, 17, 5, 31, 11, 26, 3)


@contextmanager
def restless(sandbox: Sandbox) -> Iterator[set[Any]]:
    """Let a list of transactions move before each page of it, and gather the ids of the rows that pages show."""
    faults, rows = sandbox.faults, sandbox.world.transactions
    shown: set[Any] = set()
    turns = cycle(OUT)

    def before(path: str, page: int, collection: Collection, view: Any) -> None:
        if collection is rows:
            out = next(turns)
            for back, position in enumerate(range(len(rows) - 1, len(rows) - 1 - max(OUT), -1)):
                (rows.hide if back < out else rows.show)(position)

    def after(path: str, page: int, collection: Collection, read: Sequence[int], view: Any) -> None:
        if collection is rows:
            shown.update(rows.ids[position] for position in read)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(faults, "before_page", before)
        patch.setattr(faults, "after_page", after)
        yield shown


class Weather:
    """A thread that lets it storm while it is entered."""

    def __init__(self, storm: Storm, sandbox: Sandbox) -> None:
        self._storm = storm
        self._sandbox = sandbox
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaos-weather")
        self._switched: list[tuple[str, Any]] = []
        self._done: Counter[str] = Counter()
        self._draw = random.Random(f"flips {storm.seed}")
        self._old = len(sandbox.world.transactions)
        self._flips = 0
        self.failure: BaseException | None = None

    def __enter__(self) -> "Weather":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """End the storm: what was switched on is off, and what is still being carried out has ended."""
        self._over.set()
        self._thread.join()
        self._sandbox.faults.clear()

    def injected(self) -> Counter[str]:
        """How often each kind has struck."""
        struck = Counter(self._done)
        for kind, fault in self._switched:
            struck[kind] += fault.struck
        return struck

    def _run(self) -> None:
        try:
            waited, seen = 0.0, -1
            for event in self._storm.events:
                while len(self._sandbox.requests_seen) < event.at_call and waited < IMPATIENCE:
                    if self._over.wait(0.005):
                        return
                    self._flip()
                    moved = len(self._sandbox.requests_seen) != seen
                    seen, waited = len(self._sandbox.requests_seen), 0.0 if moved else waited + 0.005
                waited = 0.0
                self._happen(event)
        except BaseException as error:  # noqa: BLE001 - raised again by whoever asks for it
            self.failure = error

    def _flip(self) -> None:
        """Let one old transaction enter the lists of a state, and another leave them: it happens where states change.

        A list that is filtered by nothing that changes keeps both where they are.
        """
        if not self._flips:
            return
        self._flips -= 1
        self._done["flip"] += 1
        transactions = self._sandbox.world.transactions
        with self._sandbox._engine.lock:
            for state, other in (("CONFIRMED", "REJECTED"), ("REJECTED", "CONFIRMED")):
                nodes = [node for node in transactions[: self._old] if node["status"] == state]
                if nodes:
                    transactions.replace({**self._draw.choice(nodes), "status": other})

    def _happen(self, event: Event) -> None:
        faults, how = self._sandbox.faults, dict(event.how)
        user = self._sandbox.credentials.api_users[0]
        fault: Fault | Any = None
        match event.kind:
            case "reset":
                fault = faults.drop(**how, reset=True)
            case "close":
                fault = faults.drop(**how)
            case "truncate":
                fault = faults.truncate(**how)
            case "stall":
                fault = faults.latency(STALL, **how)
            case "error":
                fault = faults.status(**how)
            case "limit":
                text = retry_after(how.pop("form"), how.pop("seconds"), faults.now())
                fault = faults.status(**how, retry_after=text)
            case "html":
                fault = faults.status(**how, content_type="text/html", body=HTML)
            case "content type":
                fault = faults.content_type(how.pop("type"), **how)
            case "invalid JSON":
                fault = faults.invalid_json(**how)
            case "padding":
                fault = faults.padding(how.pop("size"), **how)
            case "rows":
                fault = faults.between_pages(**how, after_page=DEEP_PAGE)
            case "flip":
                self._flips += how["times"]
                return
            case "revoke":
                faults.revoke_tokens()
            case "refuse refresh":
                faults.refuse_refresh()
            case "expire refresh":
                faults.expire_refresh()
            case "rotate secret":
                faults.rotate_secret(user.key_id)
            case "rotate key pair":
                faults.rotate_private_key(user.user_id)
            case "restart":
                self._sandbox.restart(**how)
            case "clock":
                faults.shift_clock(how["seconds"])
            case "hang up":
                faults.hang_up(**how)
            case other:
                raise ValueError(other)
        if fault is None:
            self._done[event.kind] += 1
        else:
            self._switched.append((event.kind, fault))
