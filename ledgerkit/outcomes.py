"""What became of a write whose answer was lost.

The API has no idempotency key. What tells one request from an identical other is the mark in its note, where its kind
has a note; elsewhere candidates are listed, and a person decides.
"""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

import pandas as pd

from ledgerkit.clock import Clock
from ledgerkit.showing import visible, visible_frame

State = Literal["found", "not found", "can't tell", "not sent"]
# Without letters that are mistaken for others: people read marks to each other.
_LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
# A write may become visible a while after it was carried out.
LOOKS: Final = 4
SECONDS_BETWEEN: Final = 5.0


def new_mark() -> str:
    """Return a short text that no other note holds: ten letters are 50 bits."""
    return "lk-" + "".join(secrets.choice(_LETTERS) for _ in range(10))


@dataclass(frozen=True)
class Outcome:
    """Whether a write was carried out.

    Parameters
    ----------
    state
        ``"found"``, ``"not found"`` (after repeated looks), ``"can't tell"``, or ``"not sent"`` of a draft that was
        not sent.
    text
        What was looked for, and what to do next.
    request_id
        The request that it made, where it was found; on a LAM, the transaction.
    candidates
        The requests that may be it, where it can't be told.
    """

    state: State
    text: str
    request_id: int | None = None
    candidates: pd.DataFrame = field(default_factory=pd.DataFrame, compare=False)

    def __repr__(self) -> str:
        more = f"\n{visible_frame(self.candidates).to_string()}" if len(self.candidates) else ""
        return f"{self.state}: {visible(self.text)}{more}"


def look(once: Callable[[], Outcome | None], clock: Clock, missing: Outcome) -> Outcome:
    """Look until something is found; only after all looks it is missing."""
    for turn in range(LOOKS):
        if turn:
            clock.wait(threading.Event(), SECONDS_BETWEEN)
        if (found := once()) is not None:
            return found
    return missing
