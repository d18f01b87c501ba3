"""A service that keeps strict books of tokens and calls, and the clock of a laptop that sleeps and is wrong."""

import email.utils
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import httpx
from clocks import FakeClock
from token_service import CREDENTIALS

import ledgerkit as lk

LIFE = 300.0
# What an exchange may meet. After the last three the service has seen the refresh token, and the answer is lost.
FAULTS = (
    "refused with 401",
    "failed with 500",
    "failed with 503",
    "limited with 429, seconds",
    "limited with 420, a date",
    "never arrived",
    "slow",
    "answer lost",
    "answer broken",
    "answer an HTML page",
)


# Of a login, the first is final (see `key`), and after the others no read is repeated either.
OF_REFRESHES = ("refused with 401", "failed with 500", "answer broken", "answer an HTML page")


class Laptop(FakeClock):
    """A clock that is wrong by ``skew``; calls that wait move it, the thread that renews waits for its moment."""

    def __init__(self, *, skew: float, stands_still: bool) -> None:
        super().__init__(wall=1_800_000_000.0 + skew)
        self.skew = skew
        self.stands_still = stands_still
        self.alarms: set[threading.Event] = set()
        # When the laptop last slept, or its clock was set: what it thinks of a token's age may be wrong since.
        self.stepped_at = 0.0

    def true(self) -> float:
        return self._wall - self.skew

    def wait(self, event: threading.Event, seconds: float) -> bool:
        if event in self.alarms:
            return super().wait(event, seconds)
        if not event.is_set():
            self.leap(seconds)
        return event.is_set()

    def leap(self, seconds: float) -> None:
        """Let time pass in the middle of a call."""
        with self._condition:
            self._move(self._monotonic + seconds)

    def run(self, seconds: float) -> None:
        """Let time pass from one alarm to the next, each answered before time goes on."""
        self.settle()
        end = self._monotonic + seconds
        while self._monotonic < end:
            with self._condition:
                due = min([end, *(deadline for deadline, _ in self._waiting.values())])
                self._move(max(due, self._monotonic + 0.01))  # less may be nothing: a float of these has few digits
            self.settle()

    def _move(self, until: float) -> None:
        passed = max(0.0, until - self._monotonic)
        self._monotonic += passed
        self._wall += passed
        for deadline, event in self._waiting.values():
            if deadline <= self._monotonic:
                event.set()

    def sleep(self, seconds: float) -> None:
        self.jump(wall=seconds, monotonic=0.0 if self.stands_still else seconds)
        self.stepped_at = self.true()

    def correct(self, skew: float) -> None:
        self.jump(wall=skew - self.skew)
        self.skew = skew
        self.stepped_at = self.true()


@dataclass
class Life:
    """An access token and the refresh token that came with it."""

    number: int
    begun: float
    # When the client began to ask for it: it counts the life from there.
    asked: float
    refresh_until: float
    # How many refusals there were when it was asked for.
    after: int
    revoked: bool = False
    refresh_seen: bool = False


class Books:
    """The service. Whatever a client should not have done is in ``wrong``, each once."""

    def __init__(self, clock: Laptop, chance: random.Random, *, leeway: float, often: float = 0.15) -> None:
        self.clock = clock
        self.leeway = leeway
        self.wrong: set[str] = set()
        self.done: Counter[str] = Counter()
        self.key = "key-secret"
        # Nothing reaches the service between these two moments.
        self.away = (0.0, 0.0)
        # Whether then calls are answered, and exchanges alone are not.
        self.only_exchanges = False
        # The next refresh is seen, its answer is lost, and for so long nothing reaches the service.
        self.away_after_refresh: float | None = None
        # What happens during the next exchange that does not arrive, which takes until the token has ended.
        self.meanwhile: Callable[[], None] | None = None
        # So many calls from now, every access token is revoked.
        self.revoke_in: int | None = None
        # Whether many threads call now.
        self.crowded = False
        self._chance = chance
        self._often = often
        self._lives: list[Life] = []
        # The life whose tokens the client was given last; none for a new session.
        self._held: Life | None = None
        self._exchanging = 0
        self._in_a_row = 0
        self._asking_since: float | None = None
        self._key_refused = False
        # By call: how often it was refused, and how many refusals there were with the first.
        self._refused: Counter[str] = Counter()
        self._first_refused: dict[str, int] = {}
        self._carried_out: Counter[str] = Counter()
        self._lock = threading.Lock()

    def session(self) -> lk.Session:
        """Open a session whose calls end here instead of in the network."""
        with self._lock:
            self._held, self._asking_since, self._key_refused = None, None, False
        session = lk.Session(
            lk.ApiUser(CREDENTIALS.workspace, "key-id", self.key),
            base_url="http://127.0.0.1:1",
            writes=True,
            clock=self.clock,
        )
        session._transport._client._transport = httpx.MockTransport(self.answer)
        assert session._keeper is not None
        session._keeper._spawn = self.clock.spawn
        self.clock.alarms.add(session._keeper._wake)
        return session

    def answer(self, request: httpx.Request) -> httpx.Response:
        exchanges = request.url.path.startswith("/auth/token")
        if exchanges and self._asking_since is None:
            self._asking_since = self.clock.true()
        if self.away[0] <= self.clock.true() < self.away[1] and (exchanges or not self.only_exchanges):
            if exchanges and self.meanwhile is not None and self._held is not None:
                meanwhile, self.meanwhile = self.meanwhile, None
                self.clock.leap(max(0.0, self._held.begun + 1.02 * LIFE - self.clock.true()))
                self.done["exchanges that outlasted their token"] += 1
                meanwhile()
            raise httpx.ConnectError("no route")
        if not exchanges:
            return self._serve(request)
        with self._lock:
            self._exchanging += 1
            self._book(self._exchanging > 1, "two exchanges at once")
        try:
            if self.crowded:
                time.sleep(0.002)  # of real time: otherwise no other thread would get as far as to meet this one
            return self._exchange(request)
        finally:
            with self._lock:
                self._exchanging -= 1

    def revoke(self) -> None:
        self.done["revoked"] += 1
        for life in self._lives[-3:]:
            life.revoked = True

    def check_call(self, number: str, *, worked: bool, write: bool) -> None:
        """Hold what a client was told of a call against what became of it."""
        times = self._carried_out[number]
        self._book(worked and times != 1, f"a call that worked was carried out {times} times")
        self._book(write and not worked and times > 0, "a write that failed was carried out")
        self._book(self._refused[number] > 2, "one call was refused again and again")

    def _book(self, is_wrong: bool, what: str) -> None:
        if is_wrong:
            self.wrong.add(what)

    def _serve(self, request: httpx.Request) -> httpx.Response:
        number = request.url.params["call"]
        with self._lock:
            if self.revoke_in is not None:
                self.revoke_in -= 1
                if self.revoke_in < 0:
                    self.revoke_in = None
                    self.revoke()
            token = request.headers["Authorization"].removeprefix("Bearer access-")
            life = self._lives[int(token)]
            now = self.clock.true()
            left = life.begun + LIFE - now
            if life.revoked or left <= self.leeway:
                self.revoke_in = None  # for two reasons one after the other a call may be refused twice, and fail
                self._refused[number] += 1
                self.done["calls refused with 401"] += 1
                first = self._first_refused.setdefault(number, self.done["calls refused with 401"])
                again = self._refused[number] > 1 and life.after >= first
                self._book(again, "a call was refused a second time, with a token that it had asked for itself")
                excused = life.revoked or self.clock.stepped_at >= life.begun or left > 0
                self._book(not excused, "a token was sent that had ended, by a clock that never jumped")
                return httpx.Response(401, json={"message": "signed out"}, headers=self._date())
            self._carried_out[number] += 1
            self.done["calls carried out"] += 1
            return httpx.Response(200, json={"call": number}, headers=self._date())

    def _exchange(self, request: httpx.Request) -> httpx.Response:
        refreshes = request.url.path.endswith("/refresh")
        with self._lock:
            fault = None
            # The first login of a session gives up after 15 seconds: somebody waits to hear that an address is wrong.
            if self._held is not None and self._in_a_row < 2 and self._chance.random() < self._often:
                fault = self._chance.choice(FAULTS)
            if not refreshes and fault in OF_REFRESHES:
                fault = None
            # No call waits longer than two minutes: not for two lost answers, nor for one after an outage.
            if (self._in_a_row and fault == "answer lost") or 0.0 < self.clock.true() - self.away[1] < 180.0:
                fault = None
            self._in_a_row = self._in_a_row + 1 if fault else 0
            if fault:
                self.done[fault] += 1
        kind = "refreshes" if refreshes else "logins"
        match fault:
            case "never arrived":
                raise httpx.ConnectError("no route")
            case "limited with 429, seconds":
                return httpx.Response(429, headers={"Retry-After": str(self._chance.randrange(40)), **self._date()})
            case "limited with 420, a date":
                until = email.utils.formatdate(self.clock.true() + self._chance.randrange(40), usegmt=True)
                return httpx.Response(420, headers={"Retry-After": until, **self._date()})
            case "slow":
                self.clock.leap(self._chance.uniform(1.0, 25.0))
        with self._lock:
            self.done[kind] += 1
            refusal = self._read_refresh(request) if refreshes else self._read_login(request)
        if refusal is not None:
            return refusal
        if refreshes and self.away_after_refresh is not None:
            now, lasts, self.away_after_refresh = self.clock.true(), self.away_after_refresh, None
            self.away = (now, now + lasts)
            self.done["away after a refresh"] += 1
            raise httpx.ReadTimeout("no answer")
        match fault:
            case "refused with 401":
                return httpx.Response(401, json={"message": "not now"}, headers=self._date())
            case "failed with 500" | "failed with 503":
                return httpx.Response(int(fault[-3:]), text="away", headers=self._date())
        with self._lock:
            life = self._issue()
            match fault:
                case "answer lost":
                    self.clock.leap(60.0)
                    raise httpx.ReadTimeout("no answer")
                case "answer broken":
                    return httpx.Response(200, text='{"access_token": "acc', headers=self._date())
                case "answer an HTML page":
                    return httpx.Response(200, text="<html><title>Welcome</title></html>", headers=self._date())
            self._held, self._asking_since = life, None
            self.done["lives"] += 1
        return httpx.Response(
            200,
            json={
                "access_token": f"access-{life.number}",
                "refresh_token": f"refresh-{life.number}",
                "expires_in": int(LIFE),
                "token_type": "Bearer",
            },
            headers=self._date(),
        )

    def _read_refresh(self, request: httpx.Request) -> httpx.Response | None:
        life = self._lives[int(_body(request, "refresh_token").removeprefix("refresh-"))]
        self._book(life.refresh_seen, "a refresh token was used twice")
        self._check_early()
        used, life.refresh_seen = life.refresh_seen, True
        if used or self.clock.true() >= life.refresh_until:
            self.done["refresh tokens that had ended"] += 1
            return httpx.Response(401, json={"message": "the refresh token has ended"}, headers=self._date())
        return None

    def _read_login(self, request: httpx.Request) -> httpx.Response | None:
        held = self._held
        useful = held is not None and not held.refresh_seen and self.clock.true() < held.refresh_until
        self._book(useful, "the key was exchanged where the refresh token would have done")
        self._check_early()
        if _body(request, "api_key_secret") == self.key:
            return None
        self._book(self._key_refused, "a key was sent again after it had been refused")
        self._key_refused = True
        self.done["keys refused"] += 1
        return httpx.Response(401, json={"message": "the key is not accepted"}, headers=self._date())

    def _check_early(self) -> None:
        if self._held is None or self._held.revoked or self.clock.stepped_at >= self._held.begun:
            return
        early = self.clock.true() - self._held.asked < 0.7 * LIFE
        self._book(early, "a token was exchanged that had most of its life before it")

    def _issue(self) -> Life:
        now = self.clock.true()
        asked = now if self._asking_since is None else self._asking_since
        until = now + self._chance.choice([600.0, 1800.0])
        life = Life(len(self._lives), now, asked, until, self.done["calls refused with 401"])
        self._lives.append(life)
        return life

    def _date(self) -> dict[str, str]:
        return {"Date": email.utils.formatdate(self.clock.true(), usegmt=True)}


def _body(request: httpx.Request, field: str) -> str:
    value: str = httpx.Response(200, content=request.content).json()[field]
    return value


def at_once(count: int, call: Callable[[], None]) -> None:
    """Make a call in so many threads that start at one barrier."""
    barrier = threading.Barrier(count)

    def run() -> None:
        barrier.wait(10)
        call()

    threads = [threading.Thread(target=run, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "a call never came back"
