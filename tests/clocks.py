"""A clock that tests move by hand, and the threads that wait on it."""

import threading
from collections.abc import Callable


class FakeClock:
    """Time that stands still until ``advance`` moves it; threads made by ``spawn`` are followed to their next wait.

    ``advance`` returns when every thread waits again or has ended, so that what a background thread does in the
    meantime has happened when the test goes on. Nothing sleeps.
    """

    def __init__(self, wall: float = 1_700_000_000.0) -> None:
        self._condition = threading.Condition()
        self._monotonic = 1000.0
        self._wall = wall
        self._waiting: dict[threading.Thread, tuple[float, threading.Event]] = {}
        self.threads: list[threading.Thread] = []

    def monotonic(self) -> float:
        return self._monotonic

    def time(self) -> float:
        return self._wall

    def wait(self, event: threading.Event, seconds: float) -> bool:
        thread = threading.current_thread()
        with self._condition:
            deadline = self._monotonic + seconds
            if event.is_set() or seconds <= 0:
                return event.is_set()
            self._waiting[thread] = (deadline, event)
            self._condition.notify_all()
        assert event.wait(10), "the test forgot to advance the clock"
        with self._condition:
            del self._waiting[thread]
            return self._monotonic < deadline

    def spawn(self, target: Callable[[], None]) -> threading.Thread:
        """Start a thread; it counts as settled while it waits on this clock, and when it has ended."""

        def run() -> None:
            try:
                target()
            finally:
                with self._condition:
                    self.threads.remove(threading.current_thread())
                    self._condition.notify_all()

        thread = threading.Thread(target=run, daemon=True)
        with self._condition:
            self.threads.append(thread)
        thread.start()
        return thread

    def settle(self) -> None:
        """Wait until every thread waits on this clock or has ended."""
        with self._condition:
            assert self._condition.wait_for(self._settled, timeout=10), "a thread neither waits nor ends"

    def _settled(self) -> bool:
        return all(thread in self._waiting and not self._waiting[thread][1].is_set() for thread in self.threads)

    def advance(self, seconds: float) -> None:
        """Let both clocks run, as they do while the machine is awake."""
        self.settle()
        with self._condition:
            self._monotonic += seconds
            self._wall += seconds
            for deadline, event in self._waiting.values():
                if deadline <= self._monotonic:
                    event.set()
        self.settle()

    def jump(self, *, wall: float = 0.0, monotonic: float = 0.0) -> None:
        """Let the clocks jump while nobody is woken, as a closed lid or a corrected time does."""
        self._wall += wall
        self._monotonic += monotonic


def no_threads(target: Callable[[], None]) -> None:
    """Stand for a platform on which no thread can be started."""
    raise RuntimeError("can't start new thread")
