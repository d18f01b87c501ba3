"""Where a running program spends its processor time: exclusive, by stage, over all threads, collections apart."""

import functools
import gc
import threading
import time
from collections import defaultdict
from collections.abc import Callable, MutableMapping
from typing import Any, Final

COLLECTION: Final = "garbage collection"


class Stopwatch:
    """Charges each moment of a thread's processor time to the innermost stage that is under way in it.

    Parameters
    ----------
    clock
        Tells a thread how much of its time is spent.
    """

    def __init__(self, clock: Callable[[], float] = time.thread_time) -> None:
        self._clock = clock
        self._local = threading.local()
        self._books: list[dict[str, float]] = []
        self._lock = threading.Lock()
        self.calls: dict[str, int] = defaultdict(int)
        # Seconds by the clock on the wall, of stages that wait; summed over threads.
        self.waited: dict[str, float] = defaultdict(float)

    def spent(self) -> dict[str, float]:
        """Return processor seconds by stage."""
        total: dict[str, float] = defaultdict(float)
        for book in self._books:
            for stage, seconds in book.items():
                total[stage] += seconds
        return dict(total)

    def watch(self, owner: Any, name: str, stage: str) -> bool:
        """Time each call of a function that an object or a mapping holds; False where there is none of that name."""
        holds = isinstance(owner, MutableMapping)
        original = owner.get(name) if holds else getattr(owner, name, None)
        if original is None:
            return False
        timed = self._timed(original, stage)
        if holds:
            owner[name] = timed
        else:
            setattr(owner, name, timed)
        return True

    def watch_collections(self) -> None:
        """Time the garbage collector, in whatever thread it runs."""

        def told(phase: str, info: dict[str, int]) -> None:
            if phase == "start":
                self._enter(COLLECTION)
            else:
                self._leave()
                self.calls[f"collections of generation {info['generation']}"] += 1

        gc.callbacks.append(told)

    def _timed(self, original: Callable[..., Any], stage: str) -> Callable[..., Any]:
        @functools.wraps(original)
        def timed(*args: Any, **named: Any) -> Any:
            self.calls[stage] += 1
            started = time.perf_counter()
            self._enter(stage)
            try:
                return original(*args, **named)
            finally:
                self._leave()
                self.waited[stage] += time.perf_counter() - started

        return timed

    def _enter(self, stage: str) -> None:
        now, local = self._clock(), self._local
        if not hasattr(local, "stack"):
            local.stack, local.book = [], defaultdict(float)
            with self._lock:
                self._books.append(local.book)
        elif local.stack:
            local.book[local.stack[-1]] += now - local.since
        local.stack.append(stage)
        local.since = now

    def _leave(self) -> None:
        now, local = self._clock(), self._local
        local.book[local.stack.pop()] += now - local.since
        local.since = now
