"""A session that works for an hour of real time against a sandbox with tokens of two seconds."""

import gc
import hashlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

import ledgerkit as lk
from ledgerkit.errors import LedgerError

LIFE = 2.0
THREADS = 6
# Of a life: nothing is exchanged before, unless the service refused the token. The kit counts from before it asks,
# and a machine with much else to do asks later.
EARLY = 0.5
# Memory goes up and down by some MB with the collector; an hour of growth is more.
MEMORY_MAY_GROW = 12.0
# A pool may open a connection for each thread that calls, sooner or later.
FILES_MAY_GROW = THREADS + 1


@dataclass(frozen=True)
class Used:
    """What the process has: threads, files and sockets, and MB of memory."""

    threads: int
    files: int
    memory: float

    def __str__(self) -> str:
        return f"{self.threads} threads, {self.files} files and sockets, {self.memory:.0f} MB"


def used() -> Used:
    """Measure this process while it works: the least of some moments, since a read has threads of its own at times.

    Where the system does not tell of files and memory, they are 0.
    """
    gc.collect()
    moments = []
    for _ in range(5):
        files, memory = 0, 0.0
        with suppress(OSError):
            files = len(list(Path("/proc/self/fd").iterdir()))
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            memory = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
        moments.append((threading.active_count(), files, memory))
        time.sleep(0.1)
    threads, files, memory = (min(column) for column in zip(*moments, strict=True))
    return Used(int(threads), int(files), memory)


@dataclass
class Soaked:
    """What came of a soak."""

    seconds: float = 0.0
    calls: int = 0
    failures: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    # The least time between two exchanges with no token refused in between.
    shortest: float = float("inf")
    early: int = 0
    twice: int = 0
    start: Used = Used(0, 0, 0.0)
    end: Used = Used(0, 0, 0.0)

    def faults(self) -> list[str]:
        """Return what should not have been; nothing where all is well."""
        grown, files = self.end.memory - self.start.memory, self.end.files - self.start.files
        found = {
            f"{self.calls} calls were made in {self.seconds:.0f} s": self.calls < self.seconds or not self.calls,
            f"{len(self.failures)} calls failed, the first with {self.failures[:1]}": bool(self.failures),
            f"{self.early} tokens were exchanged before their time, one after {self.shortest:.2f} s": self.early > 0,
            f"{self.twice} refresh tokens were sent twice": self.twice > 0,
            f"the key was exchanged {self.done['logins']} times": self.done["logins"] > 1,
            "no token was exchanged at all": self.done["refreshes"] < self.seconds / LIFE / 2,
            f"threads grew from {self.start.threads} to {self.end.threads}": self.end.threads > self.start.threads,
            f"files and sockets grew from {self.start.files} to {self.end.files}": files > FILES_MAY_GROW,
            f"memory grew by {grown:.0f} MB": grown > MEMORY_MAY_GROW,
        }
        return [what for what, so in found.items() if so]

    def __str__(self) -> str:
        lives = self.done["logins"] + self.done["refreshes"]
        return (
            f"{self.seconds:.0f} s: {self.calls} calls, {len(self.failures)} failed; {lives} lives of a token, "
            f"{self.done['logins']} logins and {self.done['refreshes']} refreshes, the shortest life "
            f"{self.shortest:.2f} s, {self.done['refused']} calls refused with 401 and repeated; "
            f"at the start {self.start}; at the end {self.end}"
        )


@contextmanager
def served() -> Iterator[dict[str, str]]:
    """Run `ledgerkit sandbox` as a process of its own, and give the settings that it prints."""
    command = [sys.executable, "-m", "ledgerkit", "sandbox", "--transactions", "200", "--token-life", f"{LIFE:.0f}s"]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True)  # noqa: S603 - a command of these lines
        try:
            assert process.stdout is not None
            settings: dict[str, str] = {}
            for line in process.stdout:
                name, is_setting, value = line.strip().partition("=")
                if is_setting and not line.startswith("#"):
                    settings[name.removeprefix("LEDGER_ENTERPRISE_")] = value
                elif settings:
                    break
            said.seek(0)
            assert settings, f"the sandbox did not start: {said.read()}"
            yield settings
        finally:
            process.terminate()
            process.wait(20)
            if process.stdout is not None:
                process.stdout.close()


def soak(seconds: float, tell: Callable[[str], None], *, settle: float = 3.0) -> Soaked:
    """Let threads call steadily for so long, and return what came of it; ``tell`` is told now and then.

    What the process has is compared with what it had after ``settle`` seconds.
    """
    soaked = Soaked()
    with served() as settings:
        session = lk.Session(
            lk.ApiUser(settings["WORKSPACE"], settings["API_KEY_ID"], settings["API_KEY_SECRET"]),
            base_url=settings["API_URL"],
        )
        with session:
            _watch(session, soaked)
            _work(session, soaked, seconds, tell, settle)
    return soaked


def _watch(session: lk.Session, soaked: Soaked) -> None:
    """Count exchanges and refusals on the wire, whatever the keeper thinks of them."""
    lock = threading.Lock()
    sent: set[bytes] = set()
    last = float("-inf")
    excused = True

    def before(request: httpx.Request) -> None:
        nonlocal last, excused
        if not request.url.path.startswith("/auth/token"):
            return
        with lock:
            now = time.monotonic()
            if not excused:
                soaked.shortest = min(soaked.shortest, now - last)
                soaked.early += now - last < EARLY * LIFE
            last, excused = now, False
            refreshes = request.url.path.endswith("/refresh")
            soaked.done["refreshes" if refreshes else "logins"] += 1
            if refreshes:
                digest = hashlib.sha256(request.content).digest()
                soaked.twice += digest in sent
                sent.add(digest)

    def after(response: httpx.Response) -> None:
        nonlocal excused
        if response.status_code == 401:
            with lock:
                excused = True
                soaked.done["refused"] += 1

    client = session._transport._client
    hooks = client.event_hooks
    client.event_hooks = {"request": [*hooks["request"], before], "response": [*hooks["response"], after]}


def _work(session: lk.Session, soaked: Soaked, seconds: float, tell: Callable[[str], None], settle: float) -> None:
    lock, stop = threading.Lock(), threading.Event()
    calls: list[Callable[[], object]] = [
        lambda: session.raw("GET", "/organization"),
        lambda: session.users.search(limit=5),
        lambda: session.accounts.search(limit=20),
    ]

    def work(number: int) -> None:
        turn = number
        while not stop.wait(0.05):
            turn += 1
            try:
                calls[turn % len(calls)]()
            except LedgerError as error:
                with lock:
                    soaked.failures.append(repr(error))
            with lock:
                soaked.calls += 1

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(THREADS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    try:
        stop.wait(settle)
        soaked.start = used()
        every = min(60.0, seconds / 3)
        while (left := began + seconds - time.monotonic()) > 0:
            stop.wait(min(every, left))
            soaked.seconds, soaked.end = time.monotonic() - began, used()
            tell(str(soaked))
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
