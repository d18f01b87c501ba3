"""Parts of a card below its facts: small tables, the steps of a request, and what is folded."""

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from ledgerkit.cards import values
from ledgerkit.cards.known import Known
from ledgerkit.cards.values import missing, named, quiet, text
from ledgerkit.showing import QUIET, visible
from ledgerkit.states import words

_CELL: Final = "padding:2px 12px 2px 0;text-align:left;vertical-align:top;white-space:normal"
_HEAD: Final = f"padding:2px 12px 2px 0;text-align:left;white-space:nowrap;font-weight:normal;{QUIET}"
_NUMBER: Final = "padding:2px 12px 2px 0;text-align:right;vertical-align:top;white-space:nowrap"


def section(name: str, heads: Sequence[str], rows: Iterable[Sequence[str | values.Value]]) -> str:
    """Return the HTML of a small table under a heading; without rows there is none.

    Parameters
    ----------
    name
        The heading, as text.
    heads
        The heads of the columns, as text.
    rows
        The cells as HTML; a :class:`~ledgerkit.cards.values.Value` with a unit is right-aligned.
    """
    lines = ["".join(_cell(one) for one in row) for row in rows]
    if not lines:
        return ""
    head = "".join(f"<th style='{_HEAD}'>{text(one)}</th>" for one in heads)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return (
        f"<div style='margin:8px 0 0'>{heading(name)}<table style='margin:0;border:0;"
        f"font-variant-numeric:tabular-nums'><tr>{head}</tr>{body}</table></div>"
    )


def heading(name: str) -> str:
    """Return the HTML of a heading inside of a card."""
    return f"<div style='font-weight:600'>{text(name)}</div>"


def _cell(value: "str | values.Value") -> str:
    if isinstance(value, str):
        return f"<td style='{_CELL}'>{value}</td>"
    if value.unit is None:
        return f"<td style='{_CELL}'>{value.html}</td>"
    return f"<td style='{_NUMBER}'>{value.html} {text(value.unit)}</td>"


def steps(frame: pd.DataFrame, known: Known, now: pd.Timestamp | None = None) -> str:
    """Return the HTML of the steps of a request: who may approve, and who did and when.

    Parameters
    ----------
    frame
        What ``requests.governance_status`` gives for one request.
    now
        The moment against which ages are told.
    """
    rows: list[Mapping[str, Any]] = [
        {str(name): value for name, value in row.items()} for row in frame.to_dict("records")
    ]
    shown = [row for row in rows if not missing(row["step_index"])]
    if not shown:
        return f"<div style='margin:8px 0 0'>{heading('Approvals')}{quiet('The service shows no steps of it.')}</div>"
    return section(
        "Approvals",
        ["Step", "Group", "Quorum", "Voted", "May approve"],
        [
            [
                f"{int(row['step_index']) + 1} {values.pill(_step_state(row))}",
                quiet("hidden") if missing(row["group_id"]) else named("group", int(row["group_id"]), known),
                _quorum(row),
                "<br>".join(_vote(one, known, now) for one in _listed(row["approvals"])) or quiet("nobody yet"),
                ", ".join(_person(one, known) for one in _listed(row["approvers"])) or quiet("hidden"),
            ]
            for row in shown
        ],
    )


def approvals(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the approvals among the votes of a step."""
    return [one for one in _listed(row["approvals"]) if one.get("type") == "APPROVE"]


def _step_state(row: Mapping[str, Any]) -> str:
    if any(one.get("type") == "ABORT" for one in _listed(row["approvals"])):
        return "REJECTED"
    if row["is_complete"] is True or (not missing(row["is_complete"]) and bool(row["is_complete"])):
        return "COMPLETE"
    quorum = row["quorum"]
    if not missing(quorum) and len(approvals(row)) >= int(quorum):
        return "COMPLETE"
    status, current = row["request_status"], row["request_current_step_index"]
    if not (isinstance(status, str) and status.startswith("PENDING")):
        return "NOT_REACHED"
    if not missing(current) and int(row["step_index"]) > int(current):
        return "LATER"
    return "PENDING"


def _quorum(row: Mapping[str, Any]) -> str:
    needed = "?" if missing(row["quorum"]) else int(row["quorum"])
    return f"{len(approvals(row))} of {needed}"


def _vote(vote: Mapping[str, Any], known: Known, now: pd.Timestamp | None) -> str:
    kind = str(vote.get("type"))
    verb = {"APPROVE": "", "ABORT": "rejected by "}.get(kind, f"{visible(words(kind))} by ")
    moment = _moment(vote.get("created_on"))
    when = "" if moment is None else f" {values.time(moment, known.zone, now)}"
    return f"{html.escape(verb)}{_person(vote.get('user'), known)}{when}"


def _moment(value: Any) -> pd.Timestamp | None:
    """Return the time of a vote, which is inside of a list, and so as it came."""
    if not isinstance(value, str) or not value[:1].isdecimal():
        return None
    moment = pd.to_datetime(value, format="ISO8601", utc=True, errors="coerce")
    return None if pd.isna(moment) else moment


def _person(user: Any, known: Known) -> str:
    key = person(user)
    return quiet("a user who is hidden from you") if key is None else named("user", key, known)


def person(user: Any) -> int | None:
    """Return the id of a user in a list of approvers or approvals, which the service may hide."""
    key = user.get("id") if isinstance(user, dict) else user
    return key if isinstance(key, int) and not isinstance(key, bool) else None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def rows_of(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Return all columns of the one row of a frame that have a value, as text."""
    record = frame.iloc[0]
    pairs = ((str(name), record.iloc[position]) for position, name in enumerate(frame.columns))
    return [(visible(name), values.plain(value)) for name, value in pairs if not values.absent(value)]


def all_fields(frame: pd.DataFrame) -> str:
    """Return the HTML of all that a frame has of an object, folded, so that nothing is hidden."""
    rows = rows_of(frame)
    lines = "".join(
        f"<tr><td style='{_CELL};{QUIET}'>{html.escape(name)}</td><td style='{_CELL}'>{html.escape(value)}</td></tr>"
        for name, value in rows
    )
    return (
        f"<details style='margin:8px 0 0'><summary style='cursor:pointer;{QUIET}'>All fields</summary>"
        f"<table style='margin:4px 0;border:0'>{lines}</table></details>"
    )
