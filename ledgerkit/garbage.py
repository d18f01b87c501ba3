"""Garbage collection, paused while many answers are taken apart.

Decoding makes millions of objects, hardly any of them garbage, and Python's collector walks those that stay again and
again: of 100,000 transactions it took a quarter of the time of the read. What is decoded is dropped at once without
it, by counts of references.
"""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

# A read leaves no garbage of its own, but other threads of the process may: it is not kept for longer than this.
SECONDS_UNTIDY: Final = 5.0

_lock = threading.Lock()
_pausing = 0
_was_enabled = False


@contextmanager
def paused(stopwatch: Callable[[], float] = time.monotonic) -> Iterator[Callable[[], None]]:
    """Pause the collector, which is the whole process's, in any number of threads, and leave it as it was.

    Yields what is to be called now and then: it collects what became garbage lately, where that is due.
    """
    global _pausing, _was_enabled
    with _lock:
        if not _pausing:
            _was_enabled = gc.isenabled()
            gc.disable()
        _pausing += 1
    due = stopwatch() + SECONDS_UNTIDY

    def tidy() -> None:
        nonlocal due
        if _was_enabled and stopwatch() > due:
            gc.collect(1)
            due = stopwatch() + SECONDS_UNTIDY

    try:
        yield tidy
    finally:
        with _lock:
            _pausing -= 1
            if not _pausing and _was_enabled:
                gc.enable()
