"""Work behind a form: calls run in a thread, and what they give comes back in the kernel's own.

Widgets are written to from the kernel's thread alone. What a job gives is put into a queue; where the kernel has an
event loop, the loop takes it from there as soon as it is free; where a cell or a test waits, it is taken there.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from ledgerkit import watching
from ledgerkit.errors import Cancelled
from ledgerkit.watching import Watch

# Ten pages a second need no ten drawings a second.
SECONDS_BETWEEN_TICKS: Final = 0.2


class Work:
    """Runs one job at a time; a job that was stopped or overtaken brings nothing back.

    Parameters
    ----------
    failed
        Called in the kernel's thread with what a job, or what is done with its result, raised.
    warned
        Called there with what a job warned about, after what it gave was shown.
    """

    def __init__(
        self,
        failed: Callable[[BaseException], None],
        warned: Callable[[list[str]], None] = lambda _: None,
    ) -> None:
        self._failed = failed
        self._warned = warned
        self._done: queue.SimpleQueue[tuple[int, Callable[[], None]]] = queue.SimpleQueue()
        self._generation = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self.watch: Watch | None = None

    @property
    def running(self) -> bool:
        """Whether a job runs whose result is still wanted."""
        return self.watch is not None

    def start(
        self,
        job: Callable[[], Any],
        done: Callable[[Any], None],
        *,
        ticked: Callable[[Watch], None] | None = None,
    ) -> None:
        """Start a job in a thread; one that runs is stopped.

        Parameters
        ----------
        job
            What is called in the thread. It touches no widget.
        done
            Called in the kernel's thread with what the job returned.
        ticked
            Called there now and then while it runs.
        """
        self.stop()
        generation = self._generation
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:  # a script or a test: wait() brings it
            self._loop = None
        last = [0.0]

        def changed() -> None:
            now = time.monotonic()
            if ticked is not None and now - last[0] >= SECONDS_BETWEEN_TICKS:
                last[0] = now
                self._put(generation, lambda: ticked(watch))

        watch = self.watch = Watch(changed)

        def run() -> None:
            try:
                with watching.watched(watch):
                    result = job()
            except Cancelled:
                return
            except BaseException as error:  # noqa: BLE001 - shown in the form, by the kernel's thread
                self._put(generation, lambda error=error: self._end(lambda: self._failed(error)))  # type: ignore[misc]  # bound as a default: the name ends with the block
            else:
                self._put(generation, lambda: self._end(lambda: done(result)))

        threading.Thread(target=run, name="ledgerkit-form", daemon=True).start()

    def stop(self) -> None:
        """Give up the job that runs; what it would bring back is dropped."""
        self._generation += 1
        if self.watch is not None:
            self.watch.cancel.set()
            self.watch = None

    def wait(self, seconds: float = 60.0) -> None:
        """Wait until the job is done, in the kernel's thread.

        Raises
        ------
        TimeoutError
            It is not done within the time; it goes on.
        """
        ends = time.monotonic() + seconds
        while self.running:
            left = ends - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"the form still works after {seconds:g} s; it goes on.")
            try:
                self._take(*self._done.get(timeout=min(left, 0.5)))
            except queue.Empty:
                continue

    def drain(self) -> None:
        """Take what has come, without waiting."""
        while True:
            try:
                self._take(*self._done.get_nowait())
            except queue.Empty:
                return

    def _end(self, bring: Callable[[], None]) -> None:
        watch, self.watch = self.watch, None
        bring()
        if watch is not None and watch.warnings:
            self._warned(watch.warnings)

    def _put(self, generation: int, bring: Callable[[], None]) -> None:
        self._done.put((generation, bring))
        if self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(self.drain)
            except RuntimeError:  # the kernel has ended
                return

    def _take(self, generation: int, bring: Callable[[], None]) -> None:
        if generation != self._generation:
            return
        try:
            bring()
        except Exception as error:  # noqa: BLE001 - nothing that goes wrong in a form is swallowed: it shows it
            self._failed(error)
