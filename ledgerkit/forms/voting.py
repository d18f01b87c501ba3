"""A vote from a form: what is signed is what was shown, to the last byte."""

import html
from collections.abc import Iterable, Mapping
from typing import Any, Final

import pandas as pd

from ledgerkit import approvals
from ledgerkit.approvals import Verb, Vote
from ledgerkit.challenges import Review, compare, shown_alone
from ledgerkit.connection import Connection
from ledgerkit.directory import Directory
from ledgerkit.errors import LedgerError, ReviewFailed
from ledgerkit.resources.requests import Requests
from ledgerkit.showing import visible
from ledgerkit.states import meaning, words

READS_ONLY: Final = (
    "This session reads only: nothing can be approved or rejected with it. To vote, open one with "
    "connect(..., writes=True)."
)


def obstacle(connection: Connection) -> str | None:
    """Return why this session can't vote at all, or None; may sign in, so it is asked in a job."""
    if connection.operator is None:
        return (
            "Only an API user approves and rejects: these credentials can read this. To vote, connect with the key "
            "of an API user and its private key."
        )
    if not connection.writes:
        return READS_ONLY
    try:
        connection.operator.check_key()
    except LedgerError as error:
        return f"Nothing can be signed with these credentials, but this can be read: {error.message}"
    return None


def review_of(
    connection: Connection, request_id: int, verb: Verb, meant: Mapping[str, Any] | None
) -> tuple[Review, str | None]:
    """Return what would be signed beside what was meant, and why it may not be signed, where it may not."""
    challenge = approvals.fetch(connection, request_id, verb)
    found = shown_alone(challenge, verb) if meant is None else compare(challenge, meant, verb=verb)
    review = approvals.marked(connection, found)
    try:
        approvals.check(review, request_id, verb, meant)
    except ReviewFailed as error:
        return review, error.message
    return review, None


def cast(section: Requests, review: Review, request_id: int, meant: Mapping[str, Any] | None, typed: str) -> Vote:
    """Sign the challenge that a review showed, and post it.

    Another one is not fetched: what nobody stated is left to the eye, and the eye saw this one. A service for which
    it has become too old refuses it.

    Raises
    ------
    ReviewFailed
        It may not be signed, or was not confirmed.
    OutcomeUnknown
        It was posted, and the answer lost; its ``find()`` looks whether the vote is in.
    """
    verb, connection = review.verb, section._connection
    connection.check_writes(f"POST /requests/{request_id}/{verb}")
    approvals.check(review, request_id, verb, meant)
    phrase = approvals.phrase_for(review, request_id)
    if typed.strip() != phrase:
        raise ReviewFailed(f"nothing was signed: it is confirmed by {phrase!r}.", request_id=request_id)
    jws = approvals.operator_of(connection).sign(review.challenge, request_id)
    return section._post_vote(request_id, verb, jws)


def told_steps(steps: pd.DataFrame, directory: Directory) -> list[str]:
    """Return how far a request is, a line for each step, with names where they can be seen; asks for names."""
    rows = steps.to_dict("records")
    people = {one for row in rows for one in (*_ids(row["approvers"]), *_users(row["approvals"]))}
    users = _names(directory, "user", people)
    groups = _names(directory, "group", {int(row["group_id"]) for row in rows if not pd.isna(row["group_id"])})
    return [_told_step(row, users, groups) for row in rows]


def told_next(steps: pd.DataFrame, directory: Directory) -> str:
    """Return whose approvals a request waits for now, or nothing where that can't be seen; asks for a name."""
    for row in steps.to_dict("records"):
        current, approvals, quorum = row["request_current_step_index"], row["approvals"], row["quorum"]
        if pd.isna(row["step_index"]) or pd.isna(current) or row["step_index"] != current:
            continue
        if not isinstance(approvals, list) or pd.isna(quorum):
            return ""
        given = [one for one in approvals if isinstance(one, Mapping) and one.get("type") == "APPROVE"]
        left = int(quorum) - len(given)
        if left < 1:
            return ""
        count = "1 approval" if left == 1 else f"{left} approvals"
        if pd.isna(row["group_id"]):
            return f"It now waits for {count}."
        group = int(row["group_id"])
        name = _names(directory, "group", {group}).get(group)
        return f"It now waits for {count} of {visible(name) if isinstance(name, str) else f'group {group}'}."
    return ""


def _told_step(row: Any, users: Mapping[int, str], groups: Mapping[int, str]) -> str:
    if not isinstance(row["approvals"], list) or pd.isna(row["step_index"]):
        return "A step that is hidden from you."
    given = [one for one in row["approvals"] if isinstance(one, Mapping) and one.get("type") == "APPROVE"]
    group = "" if pd.isna(row["group_id"]) else f", {_name(groups, int(row['group_id']), 'group')}"
    told = f"Step {int(row['step_index']) + 1}: {len(given)} of {row['quorum']}{group}."
    voted = _users(row["approvals"])
    if given:
        told += f" Approved by {_listed(_users(given), users)}."
    waiting = [one for one in _ids(row["approvers"]) if one not in voted]
    if waiting and row["is_complete"] is not True and row["step_index"] == row["request_current_step_index"]:
        told += f" Asked now: {_listed(waiting, users)}."
    return told


def _listed(ids: Iterable[int], users: Mapping[int, str]) -> str:
    return ", ".join(_name(users, one, "user") for one in ids) or "someone who is hidden from you"


def _name(names: Mapping[int, str], one: int, kind: str) -> str:
    return f"{visible(names[one])} ({one})" if isinstance(names.get(one), str) else f"{kind} {one}"


def _names(directory: Directory, kind: str, ids: set[int]) -> Mapping[int, str]:
    try:
        return directory.names(kind, ids) if ids else {}
    except LedgerError:  # names are a help: without them it is told by ids
        return {}


def _ids(people: Any) -> list[int]:
    found = people if isinstance(people, list) else []
    return [one["id"] for one in found if isinstance(one, Mapping) and type(one.get("id")) is int]


def _users(votes: Any) -> list[int]:
    return _ids([one.get("user") for one in votes if isinstance(one, Mapping)] if isinstance(votes, list) else [])


def pill(status: Any) -> str:
    """Return the HTML of the status of a request: dot and word."""
    kind = meaning("request", str(status))
    return f"<span class='lk-pill lk-{kind or 'neutral'}'>{html.escape(words(str(status)))}</span>"
