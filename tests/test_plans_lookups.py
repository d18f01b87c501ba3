"""What the payments of a plan look up: each thing once, whatever the number of threads that ask for it."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC
from typing import Any

import pytest
from serving import LeapingClock

from ledgerkit.connection import Connection
from ledgerkit.errors import Cancelled, ConnectionFailed, LedgerError, NotFound
from ledgerkit.limits import Limiter
from ledgerkit.lookups import Lookups
from ledgerkit.parallel import Progress, gather
from ledgerkit.transport import Answer

THREADS = 8


class Service:
    """Answers slowly, so that all threads come while the first call is under way; counts its calls by path."""

    def __init__(self, *faults: LedgerError) -> None:
        self.calls: Counter[str] = Counter()
        self.faults = list(faults)
        self.clock = LeapingClock()
        self.concurrency = THREADS
        self.limiter = Limiter(self.clock)

    def request(self, method: str, path: str, **_: object) -> Answer:
        self.calls[path] += 1
        time.sleep(0.02)
        if self.faults:
            raise self.faults.pop(0)
        return Answer(f"{method} {path}", {"id": int(path.rpartition("/")[2]), "name": "Treasury"}, None)


def lookups_of(service: Service) -> Lookups:
    return Lookups(Connection(service, None, "api_user", UTC, {}))  # type: ignore[arg-type]  # only what lookups ask of a transport is played


def at_once(look: Callable[[int], Any]) -> list[Any]:
    """Ask from all threads at once; what one of them gets may be an error."""
    ready = threading.Barrier(THREADS)

    def ask(number: int) -> Any:
        ready.wait()
        try:
            return look(number)
        except LedgerError as error:
            return error

    def call(number: int) -> Callable[[threading.Event], Any]:
        return lambda cancel: ask(number)

    return gather([call(number) for number in range(THREADS)], workers=THREADS, progress=Progress(""))


def test_one_thing_is_looked_up_once_by_all_threads() -> None:
    service = Service()
    lookups = lookups_of(service)
    assert [found["name"] for found in at_once(lambda _: lookups.account(2))] == ["Treasury"] * THREADS
    assert service.calls == {"/accounts/2": 1}


def test_two_things_do_not_wait_for_each_other() -> None:
    service = Service()
    lookups = lookups_of(service)
    together = threading.Barrier(2, timeout=10)  # broken where one call begins only after the other
    request = service.request

    def met(method: str, path: str, **more: object) -> Answer:
        together.wait()
        return request(method, path, **more)

    service.request = met  # type: ignore[method-assign]  # only what lookups ask of a transport is played
    at_once(lambda number: lookups.account(number % 2 + 1))
    assert service.calls == {"/accounts/1": 1, "/accounts/2": 1}


def test_what_is_not_there_is_asked_for_once_and_each_row_gets_an_error_of_its_own() -> None:
    service = Service(NotFound("no such account.", call="GET /accounts/2", status=404))
    lookups = lookups_of(service)
    errors = at_once(lambda _: lookups.account(2))
    assert service.calls == {"/accounts/2": 1}
    assert {(type(error), error.message, error.status) for error in errors} == {(NotFound, "no such account.", 404)}
    assert len({id(error) for error in errors}) == THREADS


def test_what_could_not_be_asked_is_asked_again() -> None:
    lookups = lookups_of(Service(ConnectionFailed("no route")))
    with pytest.raises(ConnectionFailed):
        lookups.account(2)
    assert lookups.account(2)["id"] == 2


def test_once_it_is_stopped_nothing_more_is_asked() -> None:
    service = Service()
    lookups = lookups_of(service)
    lookups.account(2)
    lookups.stop()
    assert lookups.account(2)["id"] == 2
    with pytest.raises(Cancelled):
        lookups.account(3)
    assert service.calls == {"/accounts/2": 1}
