"""Garbage collection, paused while the many answers of a list are taken apart.

Decoding makes millions of objects, hardly any of them garbage, and Python's collector walks those that stay again and
again: of 100,000 transactions it took a quarter of the time of the read. What is decoded is dropped at once without
it, by counts of references.
"""

import gc
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# A read leaves no garbage of its own, but other threads of the process may: what is new is looked through this often,
SECONDS_UNTIDY: Final = 5.0
# and all that the process holds this often: reads that overlap may pause the collector for hours.
SECONDS_UNTIDY_AT_MOST: Final = 60.0

_stopwatch = time.monotonic
_lock = threading.Lock()
_pausing = 0
_was_enabled = False
_tidied = _tidied_all = 0.0


@contextmanager
def paused() -> Iterator[None]:
    """Pause the collector, which is the whole process's, in any number of threads, and leave it as it was."""
    global _pausing, _was_enabled, _tidied, _tidied_all
    with _lock:
        if not _pausing:
            _was_enabled = gc.isenabled()
            _tidied = _tidied_all = _stopwatch()
            gc.disable()
        _pausing += 1
    try:
        yield
    finally:
        with _lock:
            _pausing = max(0, _pausing - 1)  # none are left in a process that was forked in between
            if not _pausing and _was_enabled:
                gc.enable()


def tidy() -> None:
    """Collect what became garbage during a pause, where that is due; to be called now and then."""
    global _tidied, _tidied_all
    now = _stopwatch()
    with _lock:
        if not _pausing or not _was_enabled or now - _tidied < SECONDS_UNTIDY:
            return
        whole = now - _tidied_all >= SECONDS_UNTIDY_AT_MOST
        _tidied, _tidied_all = now, now if whole else _tidied_all
    gc.collect(2 if whole else 1)  # without the lock: what is taken away may read a list at its end


def _on_fork() -> None:
    """Let the collector run in a child: the threads that had paused it are not in there."""
    global _pausing
    if _pausing and _was_enabled:
        gc.enable()
    _pausing = 0
    _lock.release()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    # Held across the fork, so that no thread that is gone in the child holds it there.
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_on_fork)
