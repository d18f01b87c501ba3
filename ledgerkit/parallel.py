"""Many calls at once: bounded, in order, interruptible, with one progress bar."""

import contextvars
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, Final, Protocol, TypeVar

from ledgerkit import garbage, watching
from ledgerkit.errors import Cancelled, ipython_shell
from ledgerkit.limits import Limiter, among_many

Result = TypeVar("Result")

# A shorter wait than this is no reason for a bar that comes and goes.
SECONDS_BEFORE_BAR: Final = 1.0


class Progress:
    """One quiet bar for one read of an analyst; only in a notebook, and only where it takes a while.

    What runs behind a form shows there how far it is.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._bar: Any = None
        self.watch = watching.current()

    def expect(self, calls: int) -> None:
        """Say that this many more calls will come."""
        if self.watch is not None:
            self.watch.expect(calls)
            return
        if self._bar is None:
            if calls < 2 or not in_notebook():
                return
            from tqdm.notebook import tqdm  # costs 30 ms, so only where it is shown

            self._bar = tqdm(total=0, desc=self._title, unit="call", leave=False, delay=SECONDS_BEFORE_BAR)
        self._bar.total += calls
        self._bar.refresh()

    def advance(self) -> None:
        """Say that one call is done."""
        if self.watch is not None:
            self.watch.advance()
        if self._bar is not None:
            self._bar.update()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()


def in_notebook() -> bool:
    """Say whether this code runs in a Jupyter kernel."""
    return type(ipython_shell()).__name__ == "ZMQInteractiveShell"


class Lines(Protocol):
    """What many calls go through together: how many at once, and the rate limit that they share."""

    concurrency: int
    limiter: Limiter


def ask_all(lines: Lines, calls: Sequence[Callable[[threading.Event], Result]], progress: Progress) -> list[Result]:
    """Make calls of one transport, as many at once as its rate limit has room for, spread over the windows of it."""
    return gather(
        calls, workers=min(lines.concurrency, lines.limiter.width()), progress=progress, limiter=lines.limiter
    )


def gather(
    calls: Sequence[Callable[[threading.Event], Result]],
    *,
    workers: int,
    progress: Progress,
    limiter: Limiter | None = None,
) -> list[Result]:
    """Run the calls in threads and return their results in the order of the calls.

    The first failure, or an interrupt of the caller, sets the event that each call was given: calls that wait or
    have not started give up, and the failure is raised. What runs behind a form can be stopped there, which raises
    :class:`~ledgerkit.errors.Cancelled`. The threads end with the call; as daemons they hold up
    nothing where a call hangs. All that they ask for counts as bulk; with a ``limiter`` they are spread over the
    windows of the rate limit where one does not hold them all.
    """
    progress.expect(len(calls))
    cancel = threading.Event()
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, Result | None, BaseException | None]] = queue.SimpleQueue()
    for position in range(len(calls)):
        waiting.put(position)

    def work() -> None:
        among_many.set(len(calls) > 1 or among_many.get())
        while not cancel.is_set():
            try:
                position = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((position, calls[position](cancel), None))
            except BaseException as error:  # noqa: BLE001 - handed to the caller's thread, which raises it
                done.put((position, None, error))
                return

    results: dict[int, Any] = {}
    with nullcontext() if limiter is None else limiter.expecting(len(calls)):
        try:
            for started in range(min(workers, len(calls))):
                try:
                    # Each in a copy of the caller's context: who listens to warnings hears those of the threads too.
                    context = contextvars.copy_context()
                    threading.Thread(target=context.run, args=(work,), name="ledgerkit-read", daemon=True).start()
                except RuntimeError:  # no more threads here: those that there are do it all, or else this one
                    if not started:
                        contextvars.copy_context().run(work)
                    break
            while len(results) < len(calls):
                try:
                    # A time limit, since on Windows a wait without one can't be interrupted, and to see Cancel.
                    position, result, error = done.get(timeout=1.0 if progress.watch is None else 0.1)
                except queue.Empty:
                    position, result, error = -1, None, None
                garbage.tidy()
                if progress.watch is not None and progress.watch.cancel.is_set():
                    raise Cancelled
                if position < 0:
                    continue
                if error is not None:
                    raise error
                results[position] = result
                progress.advance()
        finally:
            cancel.set()
    return [results[position] for position in range(len(calls))]
