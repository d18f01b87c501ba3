"""What runs behind a form: how far it is, what it warned about, and a way to stop it; and what a report must repeat.

A read finds its watch by itself, so that searches need no parameters for it. Where nobody watches, there is none.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Watch:
    """One piece of work as whoever waits for it sees it.

    Parameters
    ----------
    changed
        Called in the thread that works, whenever there is something new to see.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self.cancel = threading.Event()
        self.calls_expected = 0
        self.calls_done = 0
        self.warnings: list[str] = []
        self._changed = changed

    def expect(self, calls: int) -> None:
        """Say that this many more calls will come."""
        self.calls_expected += calls
        self._changed()

    def advance(self) -> None:
        """Say that one call is done."""
        self.calls_done += 1
        self._changed()


_WATCH: ContextVar[Watch | None] = ContextVar("ledgerkit_watch", default=None)
_HEARD: ContextVar[list[str] | None] = ContextVar("ledgerkit_heard", default=None)


def current() -> Watch | None:
    """Return the watch of what runs here, or None where nobody watches."""
    return _WATCH.get()


@contextmanager
def watched(watch: Watch) -> Iterator[Watch]:
    """Watch what runs inside."""
    token = _WATCH.set(watch)
    try:
        yield watch
    finally:
        _WATCH.reset(token)


@contextmanager
def heard() -> Iterator[list[str]]:
    """Give a list that fills with what is warned about inside, beside the warnings themselves."""
    messages: list[str] = []
    token = _HEARD.set(messages)
    try:
        yield messages
    finally:
        _HEARD.reset(token)


def hear(message: str) -> None:
    """Hand a warning to whoever listens."""
    if (messages := _HEARD.get()) is not None:
        messages.append(message)
