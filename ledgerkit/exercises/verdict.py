"""What an exercise says of an answer."""

import html
from collections.abc import Callable
from dataclasses import dataclass
from types import EllipsisType
from typing import Any, TypeGuard

from ledgerkit.exercises.given import Unreadable
from ledgerkit.showing import page, visible


@dataclass(frozen=True, repr=False)
class Verdict:
    """What is said of an answer.

    Parameters
    ----------
    solved
        Whether it is right; None where there is no answer yet.
    text
        Why, or what to try: a hint, and never the answer.
    """

    solved: bool | None
    text: str

    def __repr__(self) -> str:
        word = {True: "Solved", False: "Not yet", None: "Not answered yet"}[self.solved]
        return f"{word}: {visible(self.text)}"

    def _repr_html_(self) -> str:
        return page("exercise", f"<div>{html.escape(repr(self))}</div>")


def is_open(answer: Any) -> TypeGuard[EllipsisType]:
    """Return whether an exercise has no answer yet: its cell holds ``...``."""
    return answer is ...


def judged(answer: Any, task: str, check: Callable[[], Verdict]) -> Verdict:
    """Return what a check says of an answer; where there is none yet, what is asked for.

    Parameters
    ----------
    task
        What is asked for, in a sentence.
    check
        Looks at the answer; an :class:`~ledgerkit.exercises.given.Unreadable` that it raises is told as a hint.
    """
    if is_open(answer):
        return Verdict(None, task)
    try:
        return check()
    except Unreadable as unreadable:
        return Verdict(False, str(unreadable))
