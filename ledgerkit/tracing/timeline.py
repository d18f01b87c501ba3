"""What happened around an object, by the times that the service gives; none is made up."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

import pandas as pd

from ledgerkit.directions import INCOMING, direction
from ledgerkit.reports.rows import framed, records
from ledgerkit.showing import visible
from ledgerkit.tracing.tables import EVENTS, HIDDEN, PEOPLE, Row

# Somebody else sent these, and the service recorded them, whoever it names as their creator; what else comes in, such
# as a stake that is withdrawn, was asked for here.
FROM_OUTSIDE: Final = frozenset(one for one in INCOMING if one.startswith("RECEIVE")) | {"REWARD"}
# What the API calls ABORTED elsewhere is a rejection.
VOTES: Final = {"APPROVE": "approved", "REJECT": "rejected", "ABORT": "rejected"}
MOST_DEEDS: Final = 6


def came_by_itself(row: Row) -> bool:
    """Say whether a transaction came from outside, and no request of this workspace is named by it."""
    return row["type"] in FROM_OUTSIDE and row["last_request"] is None


def of_payments(payments: pd.DataFrame) -> list[Row]:
    """Return the events of transactions: recorded or created, broadcast, in a block."""
    events: list[Row] = []
    for row in records(payments):
        said = f"{row['type']} {_amount(row['amount'], row['ticker'])}".strip()
        # Where a request made it, or it went out, somebody did, who may be hidden.
        by_people = row["last_request"] is not None or direction(row["type"]) in ("out", "inside")
        hidden = row["created_by"] is None and by_people
        made = {
            "kind": "transaction",
            "id": row["id"],
            "who_id": row["created_by"],
            "who": HIDDEN if hidden else row["created_by_name"],
            "detail": f"{said}, now {row['status']}",
        }
        first = "incoming transaction recorded" if came_by_itself(row) else "transaction created"
        events.append({**made, "time": row["created_on"], "event": first, "source": "transaction.created_on"})
        # Whoever created it did neither of these.
        service = {**made, "who_id": None, "who": None}
        events.append(
            {**service, "time": row["broadcast_on"], "event": "broadcast", "source": "transaction.broadcast_on"}
        )
        block = "" if row["block_height"] is None else f"block {row['block_height']}"
        events.append(
            {
                **service,
                "time": row["block_time"],
                "event": "in a block",
                "detail": block,
                "source": "transaction.block.time",
            }
        )
    return events


def of_requests(requests: pd.DataFrame) -> list[Row]:
    """Return the events of requests: created, and where the service says so, expired."""
    events: list[Row] = []
    for row in records(requests):
        target = "" if row["target_id"] is None else f" of {str(row['target_type']).lower()} {row['target_id']}"
        made = {"kind": "request", "id": row["id"]}
        events.append(
            {
                **made,
                "time": row["created_on"],
                "event": "request created",
                "who_id": row["created_by"],
                "who": row["created_by_name"] if row["created_by"] is not None else HIDDEN,
                "detail": f"{row['type']}{target}, now {row['status']}",
                "source": "request.created_on",
            }
        )
        if row["status"] == "EXPIRED":
            events.append(
                {**made, "time": row["expires_at"], "event": "request expired", "source": "request.expires_at"}
            )
    return events


def of_approvals(approvals: pd.DataFrame) -> list[Row]:
    """Return the votes that have a time."""
    return [
        {
            "time": row["time"],
            "event": VOTES.get(row["vote"], f"voted {row['vote']}"),
            "who_id": row["who_id"],
            "who": row["who"],
            "kind": "request",
            "id": row["request_id"],
            "detail": f"step {row['step']}{_group(row)}",
            "source": "governance-status.approvals.created_on",
        }
        for row in records(approvals)
        if row["vote"] is not None
    ]


def of_objects(kind: str, frame: pd.DataFrame, names: dict[int, str], title: str = "name") -> list[Row]:
    """Return the creation of objects such as accounts."""
    return [
        {
            "time": row["created_on"],
            "event": f"{kind} created",
            "who_id": row["created_by"],
            "who": HIDDEN if row["created_by"] is None else names.get(row["created_by"]),
            "kind": kind,
            "id": row["id"],
            "detail": visible(str(row.get(title) or "")),
            "source": f"{kind}.created_on",
        }
        for row in records(frame)
    ]


def timeline(events: Iterable[Row]) -> pd.DataFrame:
    """Return events in order; what has no time is no event."""
    timed = [event for event in events if event.get("time") is not None]
    ordered = sorted(timed, key=lambda event: (event["time"], event["kind"], event["id"] or 0))
    seen: dict[Any, Row] = {}
    for event in ordered:
        key = tuple(event.get(name) for name in ("time", "event", "who_id", "kind", "id", "detail"))
        seen.setdefault(key, event)
    return framed(EVENTS, seen.values())


def people(events: pd.DataFrame, users: pd.DataFrame | None, also: Sequence[int] = ()) -> pd.DataFrame:
    """Return who did what; those whom the service hides are one row without an id."""
    known = {row["id"]: row for row in records(users)}
    deeds: dict[int | None, list[str]] = {one: [] for one in also}
    names: dict[int | None, str] = {None: HIDDEN}
    for row in records(events):
        if row["who_id"] is None and row["who"] != HIDDEN:
            continue  # nobody did it, such as a block
        deeds.setdefault(row["who_id"], []).append(f"{row['event']} ({row['kind']} {row['id']})")
        names.setdefault(row["who_id"], row["who"])
    ordered = sorted(deeds, key=lambda one: (one is None, one or 0))
    return framed(
        PEOPLE,
        [
            {
                **known.get(one, {}),
                "user_id": one,
                "username": known.get(one, {}).get("username") or names.get(one),
                "events": len(deeds[one]),
                "did": _few(deeds[one]),
            }
            for one in ordered
        ],
    )


def _few(deeds: Sequence[str]) -> str:
    more = f", and {len(deeds) - MOST_DEEDS} more" if len(deeds) > MOST_DEEDS else ""
    return ", ".join(deeds[:MOST_DEEDS]) + more


def _group(row: Row) -> str:
    return f", {visible(row['group_name'])}" if row["group_name"] else ""


def _amount(amount: Decimal | int | None, ticker: str | None) -> str:
    if amount is None:
        return ""
    return f"{format(amount, 'f') if isinstance(amount, Decimal) else amount} {visible(ticker or '')}".strip()
