"""The rate limit against a service that is played: many threads, other clients, announcements of every form."""

import contextlib
import email.utils
import heapq
import math
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from serving import Server

import ledgerkit as lk
from ledgerkit.announcements import seconds_to_wait
from ledgerkit.limits import Limiter
from ledgerkit.transport import LOOK_EVERY, PATIENCE

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]

NOW = 1_800_000_000.0


# A service with a limit, and a long read against it, in simulated time


@dataclass(frozen=True)
class Announced:
    """How a service announces a limit: in which form the end of a window, and the wait of a refusal."""

    reset: Callable[[float, float], str | None]
    refusal: Callable[[float, float], str | None]


def _seconds_up(now: float, left: float) -> str:
    return str(math.ceil(left))


def _seconds_down(now: float, left: float) -> str:
    return str(math.floor(left))


def _fraction(now: float, left: float) -> str:
    return f"{left:.3f}"


def _epoch(now: float, left: float) -> str:
    return str(math.ceil(now + left))


def _date(now: float, left: float) -> str:
    return email.utils.formatdate(math.ceil(now + left), usegmt=True)


def _nothing(now: float, left: float) -> None:
    return None


FORMS = {
    "seconds, rounded up": Announced(_seconds_up, _seconds_up),
    "fractions": Announced(_fraction, _fraction),
    "an epoch, and a date": Announced(_epoch, _date),
    "a reset alone": Announced(_epoch, _nothing),
}


class Service:
    """Allows so many calls in each window; ``others`` says how many of them others have made after so much of it."""

    def __init__(
        self, limit: int, window: float, form: Announced, others: Callable[[float], int] = lambda passed: 0
    ) -> None:
        self.limit, self.window, self.form, self.others = limit, window, form, others
        self.ours: Counter[int] = Counter()
        self.refused: Counter[int] = Counter()

    def take(self, now: float) -> tuple[bool, dict[str, str]]:
        """Count a call; say whether it was allowed, and what its answer announces."""
        number = int(now // self.window)
        passed = now - number * self.window
        used = min(self.limit, self.ours[number] + self.others(passed / self.window))
        allowed = used < self.limit
        (self.ours if allowed else self.refused)[number] += 1
        left = self.window - passed
        headers = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(0, self.limit - used - allowed)),
            "X-RateLimit-Reset": self.form.reset(NOW + now, left),
            "Retry-After": None if allowed else self.form.refusal(NOW + now, left),
        }
        return allowed, {name: text for name, text in headers.items() if text is not None}


class Simulation:
    """Workers that read pages, as threads do with the transport, but in simulated time, so that a run is exact."""

    def __init__(self, service: Service, *, share: float = 0.5, workers: int = 8, start: float = 0.0) -> None:
        self.service, self.workers, self.now = service, workers, start
        self.limiter = Limiter(self, share)
        self.chance = random.Random(1)
        self.answered = 0
        self.sent: list[float] = []
        self.most_at_once = 0
        self.under_way = 0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return NOW + self.now

    def wait(self, event: threading.Event, seconds: float) -> bool:
        raise AssertionError("nobody sleeps in simulated time")

    def worker(self, calls: Iterator[int], *, bulk: bool) -> Iterator[float]:
        """Make calls until there are no more; what it yields are seconds to sleep."""
        for _ in calls:
            done = False
            while not done:
                patience = PATIENCE
                while (wait := self.limiter.reserve(bulk=bulk, patient=patience > 0)) != 0:
                    if wait is None:
                        patience -= LOOK_EVERY
                    assert wait is None or wait > 0
                    yield LOOK_EVERY if wait is None else wait
                self.sent.append(self.now)
                self.under_way += 1
                self.most_at_once = max(self.most_at_once, self.under_way)
                yield self.chance.uniform(0.02, 0.1)
                done, headers = self.service.take(self.now)
                at_service = self.now
                yield self.chance.uniform(0.02, 0.1)
                self.limiter.learn(headers, NOW + at_service)
                pause = 0.0
                if not done:
                    told = seconds_to_wait(
                        headers.get("Retry-After", headers.get("X-RateLimit-Reset")), NOW + at_service
                    )
                    pause = max(self.chance.uniform(0, 0.5), 1.0 if told is None else told)
                    self.limiter.block(pause)
                self.under_way -= 1
                self.limiter.done()
                if pause:
                    yield pause
            self.answered += 1

    def run(self, calls: int, *, bulk: bool = True, most: float = 36_000) -> float:
        """Make so many calls; return the seconds that they took."""
        began = self.now
        shared = iter(range(calls))
        with self.limiter.expecting(calls if bulk else 0):
            events = [(self.now, order, self.worker(shared, bulk=bulk)) for order in range(self.workers)]
            heapq.heapify(events)
            order = self.workers
            while events:
                moment, _, worker = heapq.heappop(events)
                self.now = max(self.now, moment)
                assert self.now - began < most, "it does not end"
                with contextlib.suppress(StopIteration):
                    heapq.heappush(events, (self.now + next(worker), order := order + 1, worker))
        return self.now - began


STEADY = [(60, 60, 200), (10, 10, 47), (600, 60, 800), (6, 60, 15), (4, 10, 12)]


def nobody(passed: float) -> int:
    return 0


@pytest.mark.parametrize(("limit", "window", "calls"), STEADY)
@pytest.mark.parametrize("form", FORMS)
def test_a_steady_limit_is_never_hit_and_half_of_every_window_stays_to_others(
    form: str, limit: int, window: float, calls: int
) -> None:
    service = Service(limit, window, FORMS[form], nobody)
    simulation = Simulation(service, start=3.3)
    simulation.run(1, bulk=False)  # page 1
    seconds = simulation.run(calls)
    assert simulation.answered == calls + 1
    assert service.refused.total() == 0
    assert max(service.ours.values()) <= limit // 2
    # Between the windows that are needed at least, and one more; each begins up to a second late, as it is announced.
    windows = math.ceil((calls + 1) / (limit // 2))
    assert (windows - 2) * window < seconds < windows * (window + 1) + 2


@pytest.mark.parametrize("limit", [60, 600])
def test_a_reset_that_is_rounded_down_costs_a_call_once(limit: int) -> None:
    service = Service(limit, 60, Announced(_seconds_down, _seconds_down), nobody)
    simulation = Simulation(service, start=3.3)
    simulation.run(1, bulk=False)
    simulation.run(limit * 4)
    assert service.refused.total() == 0
    assert sorted(service.ours.values())[-2:] == [limit // 2, limit // 2 + 1]


OTHERS: dict[str, tuple[Callable[[int, float], int], int]] = {
    "a part, all the time": (lambda limit, passed: int(limit * passed * 0.5), 0),
    "nearly all, all the time": (lambda limit, passed: int(limit * passed * 0.9), 2),
    "all at once": (lambda limit, passed: limit if passed > 0.3 else 0, 1),
    "all but four, before anybody else": (lambda limit, passed: limit - 4, 1),
}


@pytest.mark.parametrize("others", OTHERS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("limit", "calls"), [(60, 100), (600, 700), (10, 20)])
def test_where_others_take_the_rest_few_calls_of_a_window_are_refused(
    form: str, limit: int, calls: int, others: str
) -> None:
    take, most = OTHERS[others]
    service = Service(limit, 60, FORMS[form], lambda passed: take(limit, passed))
    simulation = Simulation(service, start=3.3)
    simulation.run(1, bulk=False)
    simulation.run(calls)
    assert simulation.answered == calls + 1
    assert max(service.refused.values(), default=0) <= most
    assert max(service.ours.values()) <= limit // 2


def test_single_calls_of_many_threads_use_a_window_up_and_are_not_refused() -> None:
    service = Service(20, 60, FORMS["fractions"], nobody)
    simulation = Simulation(service, workers=30, start=3.3)
    simulation.run(50, bulk=False)
    assert service.refused.total() == 0
    assert list(service.ours.values()) == [20, 20, 10]


def test_where_there_is_plenty_nothing_is_slowed() -> None:
    with_limit = Simulation(Service(10_000, 60, FORMS["fractions"], nobody), start=3.3)
    without = Simulation(Service(10_000, 60, Announced(_nothing, _nothing), nobody), start=3.3)
    for simulation in (with_limit, without):
        simulation.run(1, bulk=False)
    assert with_limit.run(400) == pytest.approx(without.run(400), rel=0.02)
    assert with_limit.most_at_once == 8


def test_a_refusal_without_any_announcement_is_no_storm() -> None:
    class Silent(Service):
        def take(self, now: float) -> tuple[bool, dict[str, str]]:
            allowed, headers = super().take(now)
            return allowed, {} if allowed else {"Retry-After": headers["Retry-After"]}

    service = Silent(60, 60, FORMS["seconds, rounded up"], nobody)
    simulation = Simulation(service, start=3.3)
    simulation.run(400)
    assert simulation.answered == 400
    assert max(service.refused.values()) <= 11
    assert len(service.ours) == 7


ABSURD = {
    "a limit of none": {"Limit": "0", "Remaining": "50", "Reset": "60"},
    "none of none": {"Limit": "0", "Remaining": "0", "Reset": "1"},
    "more than there are": {"Limit": "10", "Remaining": "500", "Reset": "60"},
    "no reset": {"Limit": "10", "Remaining": "5"},
    "no reset, and none left": {"Limit": "10", "Remaining": "0"},
    "always over now": {"Limit": "10", "Remaining": "5", "Reset": "0"},
    "none left, and over now": {"Limit": "10", "Remaining": "0", "Reset": "0"},
    "over long ago": {"Limit": "10", "Remaining": "5", "Reset": "1000000000"},
    "over in a hundred years": {"Limit": "10", "Remaining": "5", "Reset": "3155760000"},
    "one left for ever": {"Limit": "1", "Remaining": "1", "Reset": "60"},
    "junk": {"Limit": "many", "Remaining": "-1", "Reset": "soon"},
}


@pytest.mark.parametrize("odd", ABSURD)
def test_announcements_that_make_no_sense_hang_nothing_up(odd: str) -> None:
    class Odd(Service):
        def take(self, now: float) -> tuple[bool, dict[str, str]]:
            return True, {f"X-RateLimit-{name}": text for name, text in ABSURD[odd].items()}

    simulation = Simulation(Odd(1, 60, FORMS["fractions"], nobody))
    simulation.run(30)
    assert simulation.answered == 30


@pytest.mark.parametrize("after", [1, 5, 12])
def test_a_service_that_stops_announcing_is_believed_in_the_end(after: int) -> None:
    class Falling(Service):
        def take(self, now: float) -> tuple[bool, dict[str, str]]:
            headers = super().take(now)[1]
            return True, headers if self.ours.total() <= after else {}

    simulation = Simulation(Falling(20, 60, FORMS["fractions"], nobody))
    simulation.run(1, bulk=False)
    assert simulation.run(300) < (80 if after < 10 else 140)
    assert simulation.most_at_once == 8


# The same over HTTP, against the sandbox


def test_a_long_search_of_the_sandbox_is_not_refused() -> None:
    with lk.connect("sandbox", seed=3, transactions=3000, rate_limit=(30, 1.0)) as session:
        frame = session.transactions.search()
        assert session.sandbox is not None
        seen = list(session.sandbox.requests_seen)
    assert len(frame) == 3000
    assert [call.status for call in seen if call.status != 200] == []
