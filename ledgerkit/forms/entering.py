"""Enter in a plain field does what the first button of its form does."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import ipywidgets as widgets

from ledgerkit.forms.fields import SECONDS_BEHIND_ENTER, Field


def on_enter(fields: Iterable[Field], act: Callable[[], None]) -> None:
    """Have Enter in plain texts call ``act``; in a field to pick from, Enter picks."""
    for field in fields:
        plain: Any = getattr(field, "input", None)
        if type(plain) is widgets.Text:
            plain.on_msg(_Entered(plain, act))


class _Entered:
    def __init__(self, plain: widgets.Text, act: Callable[[], None]) -> None:
        self._plain = plain
        self._act = act
        self._due: asyncio.TimerHandle | None = None

    def __call__(self, _: Any, content: Any, __: Any) -> None:
        if content.get("event") != "submit":
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # a script: no letters are held back
            self._run()
            return
        if self._due is not None:
            self._due.cancel()
        # Enter overtakes the letters that the browser holds back.
        self._due = loop.call_later(SECONDS_BEHIND_ENTER, self._run)

    def _run(self) -> None:
        self._due = None
        if self._plain.comm is not None:  # not closed meanwhile
            self._act()
