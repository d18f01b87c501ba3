"""The steps of requests in time: when each began and was complete, and who voted when."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from ledgerkit.frames import SERIES, TIME

# What became of a request, in words; a state that is not documented is told as it came.
OUTCOMES: Final = {
    "ACTIVE": "approved",
    "APPROVED": "approved",
    "SIGNED": "approved",
    "SUBMITTED": "approved",
    "REJECTED": "rejected",
    "ABORTED": "rejected",
    "EXPIRED": "expired",
    "BLOCKED": "blocked",
    "PENDING_APPROVAL": "waiting",
    "PENDING_FIRST_APPROVAL": "waiting",
    "PENDING_REGISTRATION": "waiting",
}
OTHER: Final = "not documented"
# Of fewer, "nine in ten" says nothing that the slowest does not.
ENOUGH: Final = 10
_LONG_AGO: Final = pd.Timestamp(0, tz="UTC")


@dataclass(frozen=True)
class Vote:
    """One approval (APPROVE) or rejection (ABORT); ``user`` None is one whom the caller may not see."""

    user: int | None
    type: str
    on: pd.Timestamp | None


@dataclass(frozen=True)
class StepInTime:
    """One step of a request.

    Parameters
    ----------
    index
        Its position, from 0; None where the step as a whole is hidden.
    approvers
        The ids of those who may approve, None for each hidden one.
    began, complete
        When it could be voted on, and when its quorum was met; None where that can't be told, or has not been.
    """

    index: int | None
    quorum: int | None
    group: int | None
    approvers: tuple[int | None, ...]
    votes: tuple[Vote, ...]
    began: pd.Timestamp | None
    complete: pd.Timestamp | None

    @property
    def approvals(self) -> int:
        """How many have approved it."""
        return sum(one.type == "APPROVE" for one in self.votes)

    @property
    def took(self) -> pd.Timedelta | None:
        """How long it took from when it could be voted on; None where that can't be told."""
        return None if self.began is None or self.complete is None else self.complete - self.began


@dataclass(frozen=True)
class Flow:
    """What the governance of one request says; ``error`` where it could not be had."""

    request: int
    steps: tuple[StepInTime, ...]
    current: int | None
    error: str | None = None

    @property
    def hidden(self) -> int:
        """How many of its steps are hidden."""
        return sum(one.index is None for one in self.steps)

    @property
    def told(self) -> bool:
        """Whether all of its steps can be seen."""
        return self.error is None and bool(self.steps) and not self.hidden

    @property
    def last_complete(self) -> pd.Timestamp | None:
        """When the last step was complete, where all steps can be seen and all are."""
        moments = [one.complete for one in self.steps]
        return None if not self.told or None in moments else max(one for one in moments if one is not None)

    @property
    def rejected_on(self) -> pd.Timestamp | None:
        """When somebody whose vote can be seen rejected it."""
        moments = [vote.on for step in self.steps for vote in step.votes if vote.type == "ABORT" and vote.on]
        return min(moments, default=None)

    def at(self) -> StepInTime | None:
        """Return the step in progress; None where it is hidden."""
        return next((one for one in self.steps if one.index is not None and one.index == self.current), None)


def flows(governance: Iterable[Mapping[str, Any]], created: Mapping[int, pd.Timestamp]) -> dict[int, Flow]:
    """Read the rows of ``session.requests.governance_status`` of several requests.

    Parameters
    ----------
    created
        When each request was created: its first step begins then.
    """
    rows: dict[int, list[Mapping[str, Any]]] = {}
    for row in governance:
        rows.setdefault(int(row["request_id"]), []).append(row)
    return {request: _flow(request, some, created.get(request)) for request, some in rows.items()}


def _flow(request: int, rows: Sequence[Mapping[str, Any]], created: pd.Timestamp | None) -> Flow:
    error = next((str(row["error"]) for row in rows if row.get("error")), None)
    if error is not None:
        return Flow(request, (), None, error)
    current = rows[0].get("request_current_step_index")
    seen = all(row.get("step_index") is not None for row in rows)
    # Hidden steps have no position: they stay where they stand.
    ordered = sorted(rows, key=lambda row: row["step_index"]) if seen else rows
    steps = []
    began = created
    for row in ordered:
        step = _step(row, began)
        steps.append(step)
        began = step.complete
    return Flow(request, tuple(steps), None if current is None else int(current))


def _step(row: Mapping[str, Any], began: pd.Timestamp | None) -> StepInTime:
    index, quorum, group = (row.get(one) for one in ("step_index", "quorum", "group_id"))
    votes = tuple(sorted(_votes(row.get("approvals")), key=lambda vote: (vote.on is None, vote.on or _LONG_AGO)))
    moments = [vote.on for vote in votes if vote.type == "APPROVE"]
    complete = None
    if index is not None and quorum is not None and quorum > 0 and len(moments) >= quorum and None not in moments:
        complete = moments[int(quorum) - 1]
    return StepInTime(
        None if index is None else int(index),
        None if quorum is None else int(quorum),
        None if group is None else int(group),
        tuple(_user(one) for one in row.get("approvers") or ()),
        votes,
        began,
        complete,
    )


def _votes(approvals: Any) -> Iterator[Vote]:
    listed = [one for one in approvals if isinstance(one, Mapping)] if isinstance(approvals, list) else []
    moments = _moments(one.get("created_on") for one in listed)
    for one, moment in zip(listed, moments, strict=True):
        yield Vote(_user(one.get("user")), str(one.get("type")), moment)


def _moments(texts: Iterable[Any]) -> list[pd.Timestamp | None]:
    return [None if pd.isna(one) else one for one in SERIES[TIME](list(texts))]


def _user(value: Any) -> int | None:
    found = value.get("id") if isinstance(value, Mapping) else value
    return found if type(found) is int else None


def times_of(taken: Sequence[pd.Timedelta | None]) -> dict[str, Any]:
    """Return what can be said of durations, by times that occurred: nothing is interpolated."""
    told = sorted(one for one in taken if one is not None)
    return {
        "told": len(told),
        "not_told": len(taken) - len(told),
        "half_within": _within(told, 5),
        "nine_in_ten_within": _within(told, 9) if len(told) >= ENOUGH else None,
        "slowest": told[-1] if told else None,
    }


def _within(told: Sequence[pd.Timedelta], tenths: int) -> pd.Timedelta | None:
    return told[math.ceil(len(told) * tenths / 10) - 1] if told else None
