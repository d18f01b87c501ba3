"""What users did last, as far as requests tell: two or three small searches for each, many at once."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import pandas as pd

from ledgerkit.parallel import Progress, gather
from ledgerkit.reports.making import PARTIAL, Making
from ledgerkit.reports.rows import records

WAYS: Final = {"created": "created_by", "approved": "approved_by", "rejected": "rejected_by"}
# A few searches at once: this is no reason to use up what others may ask.
WORKERS: Final = 4


@dataclass
class Activity:
    """What a user did last.

    Parameters
    ----------
    created_request, created_on
        The newest request that the user created.
    voted_request, voted_on
        Of the newest requests that the user approved and rejected the one with the later vote; where the vote has no
        date that can be seen, that of the request, which was before it.
    error
        Why it could not be had.
    """

    created_request: int | None = None
    created_on: pd.Timestamp | None = None
    voted_request: int | None = None
    voted_on: pd.Timestamp | None = None
    error: str | None = None

    @property
    def last_on(self) -> pd.Timestamp | None:
        """The later of the two."""
        return max(filter(None, (self.created_on, self.voted_on)), default=None)


def last_activity(making: Making, users: Sequence[int]) -> dict[int, Activity]:
    """Look up the newest request that each user created, approved and rejected.

    ``GET /requests``, ``GET /requests/{id}/governance-status``.
    """
    found = {user: Activity() for user in users}
    newest: dict[tuple[int, str], dict[str, Any]] = {}
    progress = Progress("GET /requests")
    asked = [(user, way) for user in users for way in WAYS]
    try:
        calls = [partial(_newest, making, user, way) for user, way in asked]
        answers = gather(calls, workers=WORKERS, progress=progress)
    finally:
        progress.close()
    for (user, way), answer in zip(asked, answers, strict=True):
        if isinstance(answer, str):
            found[user].error = answer
        elif answer:
            newest[user, way] = answer
    votes = _votes(making, [row["id"] for (_, way), row in newest.items() if way != "created"])
    for (user, way), row in newest.items():
        one = found[user]
        if way == "created":
            one.created_request, one.created_on = row["id"], row["created_on"]
            continue
        voted = votes.get((user, row["id"])) or row["created_on"]
        if voted is not None and (one.voted_on is None or voted > one.voted_on):
            one.voted_request, one.voted_on = row["id"], voted
    if refused := sorted({one.error for one in found.values() if one.error}):
        making.note(f"Without the activity of some API users: {refused[0]}")
    return found


def _newest(making: Making, user: int, way: str, _: threading.Event) -> dict[str, Any] | str | None:
    """Return the newest request of a user, None where there is none, and in words why it could not be had."""
    filters: dict[str, Any] = {WAYS[way]: user}
    try:
        rows = records(making.session.requests.search(**filters, limit=1))
    except PARTIAL as error:
        return str(error)
    return rows[0] if rows else None


def _votes(making: Making, requests: Sequence[int]) -> dict[tuple[int, int], pd.Timestamp]:
    """Return when users voted on requests, where it can be seen."""
    asked = sorted(set(requests))
    steps = making.part("the times of approvals", lambda: making.session.requests.governance_status(asked))
    found: dict[tuple[int, int], pd.Timestamp] = {}
    for step in records(steps):
        for vote in step["approvals"] or []:
            user = vote.get("user") if isinstance(vote, dict) else None
            number = user.get("id") if isinstance(user, dict) else None
            if number is None or not vote.get("created_on"):
                continue
            moment = pd.to_datetime(vote["created_on"], utc=True, errors="coerce")
            key = (int(number), int(step["request_id"]))
            if not pd.isna(moment) and (key not in found or moment > found[key]):
                found[key] = moment
    return found
