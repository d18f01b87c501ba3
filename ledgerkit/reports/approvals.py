"""Approvals in time: how long they take, who gives them, what became of requests, and what waits now."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.filters import Time
from ledgerkit.frames import INTEGER, NUMBER, TEXT, TIME
from ledgerkit.reports.approval_charts import draw_ages, draw_latency
from ledgerkit.reports.approval_steps import OTHER, OUTCOMES, Flow, StepInTime, flows, times_of
from ledgerkit.reports.making import Making
from ledgerkit.reports.probing import probed
from ledgerkit.reports.report import Report
from ledgerkit.reports.rows import framed, records
from ledgerkit.session import Session
from ledgerkit.showing import visible

WAITING: Final = ("PENDING_APPROVAL", "PENDING_FIRST_APPROVAL", "PENDING_REGISTRATION")
# A transaction is made with its request: a search this much wider finds those at both ends of a period.
MARGIN: Final = pd.Timedelta(hours=1)
ALL_TYPES: Final = "all types"
HIDDEN: Final = "hidden users"
DURATION: Final = "timedelta64[us]"

REQUESTS: Final = {
    "request_id": INTEGER,
    "type": TEXT,
    "status": TEXT,
    "outcome": TEXT,
    "account_id": INTEGER,
    "account_name": TEXT,
    "created_by": INTEGER,
    "created_by_name": TEXT,
    "created_on": TIME,
    "decided_on": TIME,
    "took": DURATION,
    "steps": INTEGER,
    "hidden_steps": INTEGER,
    "note": TEXT,
}
STEPS: Final = {
    "request_id": INTEGER,
    "type": TEXT,
    "step": INTEGER,
    "group_id": INTEGER,
    "group_name": TEXT,
    "quorum": INTEGER,
    "approvals": INTEGER,
    "began": TIME,
    "complete": TIME,
    "took": DURATION,
    "note": TEXT,
}
TIMES: Final = {
    "told": INTEGER,
    "not_told": INTEGER,
    "half_within": DURATION,
    "nine_in_ten_within": DURATION,
    "slowest": DURATION,
}
LATENCY: Final = {"type": TEXT, "stage": TEXT, **TIMES}
BY_GROUP: Final = {"group_id": INTEGER, "group_name": TEXT, **TIMES}
BY_ACCOUNT: Final = {"account_id": INTEGER, "account_name": TEXT, **TIMES}
APPROVERS: Final = {
    "user_id": INTEGER,
    "user_name": TEXT,
    "approvals": INTEGER,
    "of_own_requests": INTEGER,
    "rejections": INTEGER,
    "created": INTEGER,
    "waiting_now": INTEGER,
    "told": INTEGER,
    "half_within": DURATION,
    "nine_in_ten_within": DURATION,
}
INBOX: Final = {
    "request_id": INTEGER,
    "type": TEXT,
    "status": TEXT,
    "created_on": TIME,
    "age": DURATION,
    "time_to_expiry": DURATION,
    "waits_for": TEXT,
    "created_by": INTEGER,
    "created_by_name": TEXT,
    "step": INTEGER,
    "approvals": INTEGER,
    "quorum": INTEGER,
    "group_id": INTEGER,
    "group_name": TEXT,
    "account_id": INTEGER,
    "account_name": TEXT,
    "amount": NUMBER,
    "ticker": TEXT,
    "amount_base": NUMBER,
    "recipient": TEXT,
    "note": TEXT,
}
OUTCOME: Final = {"type": TEXT, "outcome": TEXT, "status": TEXT, "requests": INTEGER}


def approvals(session: Session, start: Time, end: Time | None = None, *, limit: int = 500) -> Report:
    """Say how long approvals take, who gives them, what became of requests, and what waits now.

    Parameters
    ----------
    session
        From :func:`ledgerkit.connect`.
    start, end
        Requests created from this moment on, and before that one; ``end`` None is now. What waits now is shown
        whenever it was created.
    limit
        For how many requests of the period, the newest, and for how many that wait, the oldest, steps are asked for:
        one call each.

    Returns
    -------
    Report
        ``inbox``: what waits now, the oldest first: ``age`` and ``time_to_expiry`` by the server's clock, the step in
        progress (from 0, which is the creator's), ``waits_for``, and of payments ``amount`` in ``ticker`` with the
        base units beside.

        ``latency``: by ``type`` and ``stage`` (``step 0`` ..., from when a step could be voted on until its quorum;
        ``approved`` and ``rejected``, from creation): ``told`` says of how many, ``not_told`` of how many it can't
        be; ``half_within``, ``nine_in_ten_within`` (of 10 or more) and ``slowest`` are times that occurred.

        ``by_group``, ``by_account``: the same of the steps that a group is asked in, and of approved transactions.

        ``approvers``: who voted, how often and how fast after a step began; own requests are not in the times.
        Hidden users are one row together.

        ``outcomes``: how many requests of the period are in which state, all of them. ``requests``, ``steps``: what
        the times were taken from.

        Charts ``latency`` and ``inbox``.

    Raises
    ------
    InvalidRequest
        The period or the limit can't be used.

    Notes
    -----
    From ``GET /requests``, ``/requests/{request_id}/governance-status``, ``/transactions``, and names and units.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise InvalidRequest(f"`limit` = {shorten(limit)} can't be used: it is a number of requests.", field="limit")
    with Making.of(session, start=start, end=end, limit=limit) as making:
        first, last = making.period(start, end)
        found = session.requests.search(created_after=first, created_before=last)
        waiting = session.requests.search(status=list(WAITING)).sort_values("id", ignore_index=True)
        asked, open_asked = found.head(limit), waiting.head(limit)
        _note_limits(making, len(found), len(asked), len(waiting), len(open_asked))
        ids = list(dict.fromkeys([*asked["id"].tolist(), *open_asked["id"].tolist()]))
        created = {
            **dict(zip(found["id"].tolist(), found["created_on"].tolist(), strict=True)),
            **dict(zip(waiting["id"].tolist(), waiting["created_on"].tolist(), strict=True)),
        }
        known = flows(probed(making, "the steps of requests", session.requests.governance_status, ids), created)
        paid = _payments(making, asked, open_asked, first, last)
        names = _Names(making, [*records(found), *records(waiting)], known.values())
        requests = [_request(row, known.get(row["id"]), paid, names) for row in records(asked)]
        flowing = [(row, known[row["request_id"]]) for row in requests if row["request_id"] in known]
        inbox = [_waiting(row, known.get(row["id"]), paid, names, making.now) for row in records(waiting)]
        _note_gaps(making, requests, inbox)
        tables = {
            "inbox": _table(INBOX, inbox),
            "latency": _table(LATENCY, _latency(flowing)),
            "by_group": _table(BY_GROUP, _by_group(flowing, names)),
            "by_account": _table(BY_ACCOUNT, _by_account(requests)),
            "approvers": _table(APPROVERS, _approvers(flowing, asked, inbox, known, names)),
            "outcomes": _table(OUTCOME, _outcomes(found)),
            "requests": _table(REQUESTS, requests),
            "steps": _table(STEPS, _steps(flowing, names)),
        }
        return making.report(
            "Approvals: how long they take, and what waits",
            tables,
            {
                "latency": lambda: draw_latency(tables["latency"]),
                "inbox": lambda: draw_ages(tables["inbox"]),
            },
        )


class _Names:
    """The names of users and groups; a part of the report that it can do without."""

    def __init__(self, making: Making, requests: Iterable[Mapping[str, Any]], known: Iterable[Flow]) -> None:
        steps = [step for flow in known for step in flow.steps]
        users = {
            *(row["created_by"] for row in requests),
            *(one for step in steps for one in step.approvers),
            *(vote.user for step in steps for vote in step.votes),
        }
        self._known = {
            "user": _named(making, "created_by", "created_by_name", users),
            "group": _named(making, "group_id", "group_name", {step.group for step in steps}),
        }

    def of(self, kind: str, number: int | None) -> str | None:
        """Return a name; None of none, and of what can't be seen."""
        return None if number is None else self._known[kind].get(number)

    def user(self, number: int) -> str:
        """Return how a user is called in sentences."""
        name = self.of("user", number)
        return visible(name) if name else f"user {number}"


def _named(making: Making, column: str, name: str, ids: Iterable[int | None]) -> dict[int, str]:
    wanted = sorted(one for one in ids if one is not None)
    rows = records(making.named(framed({column: INTEGER}, [{column: one} for one in wanted]))) if wanted else []
    return {row[column]: row[name] for row in rows if row[name] is not None}


def _note_limits(making: Making, found: int, asked: int, waiting: int, open_asked: int) -> None:
    if asked < found:
        making.note(
            f"Times, steps and approvers are those of the newest {asked:,} of {found:,} requests of the period: each "
            f"costs a call. limit={found} asks for all. `outcomes` counts all of them."
        )
    if open_asked < waiting:
        making.note(
            f"Of {waiting:,} requests that wait, the steps of the oldest {open_asked:,} were asked for: of the "
            "others `inbox` does not say for whom they wait."
        )


def _note_gaps(making: Making, requests: Sequence[Mapping[str, Any]], inbox: Sequence[Mapping[str, Any]]) -> None:
    if hidden := sum(bool(row["hidden_steps"]) for row in requests):
        making.note(
            f"{hidden} of {len(requests)} requests have steps that this caller may not see: how long they took is "
            "not told, and they count in `not_told`."
        )
    if failed := len({row["request_id"] for row in [*requests, *inbox] if row["error"]}):
        making.note(f"The steps of {failed} requests could not be had: the column `note` says why.")
    making.note(
        "A step begins with the quorum of the one before; the times of approvals are those of the service. When an "
        "approved request was executed is not part of it."
    )


def _payments(
    making: Making, asked: pd.DataFrame, waiting: pd.DataFrame, first: pd.Timestamp, last: pd.Timestamp
) -> dict[int, dict[str, Any]]:
    """Return what transactions are from which account, and how much, by id, of those that requests are about."""
    session = making.session
    wanted = {
        int(one)
        for frame in (asked, waiting)
        for one in frame.loc[frame["target_type"] == "TRANSACTION", "target_id"].dropna()
    }
    if not wanted:
        return {}
    begin = min([first, *asked["created_on"].dropna(), *waiting["created_on"].dropna()]) - MARGIN
    end = max([last, *waiting["created_on"].dropna()]) + MARGIN
    found = making.part(
        "the accounts and amounts of transactions",
        lambda: session.transactions.search(created_after=begin, created_before=end),
    )
    if found is None:
        return {}
    kept = making.named(found[found["id"].isin(list(wanted))], "account_id")
    scaled = making.part("amounts in the units of accounts", lambda: session.to_display(kept, "amount"))
    columns = ["id", "account_id", "account_name", "amount", "amount_display", "ticker", "recipient", "display_note"]
    paid = {
        int(row["id"]): {one: row.get(one) for one in columns} for row in records(kept if scaled is None else scaled)
    }
    for row in paid.values():
        row["unit"] = row.pop("display_note")
    if missing := len(wanted - paid.keys()):
        making.note(f"{missing} transactions that requests are about were not found: their accounts are missing.")
    return paid


# Rows


def _request(row: Mapping[str, Any], flow: Flow | None, paid: Mapping[int, Any], names: _Names) -> dict[str, Any]:
    outcome = OUTCOMES.get(str(row["status"]), OTHER)
    decided = None
    if flow is not None and outcome == "approved":
        decided = flow.last_complete
    elif flow is not None and outcome == "rejected":
        decided = flow.rejected_on
    elif outcome == "expired":
        decided = row["expires_at"]
    payment = paid.get(row["target_id"], {}) if row["target_type"] == "TRANSACTION" else {}
    created = row["created_on"]
    error = "its steps were not had" if flow is None else flow.error
    note = error
    if flow is not None and error is None:
        note = f"{flow.hidden} hidden steps" if flow.hidden else None if flow.steps else "it shows no steps"
        if outcome == "approved" and flow.told and decided is None:
            note = "approved, and yet not every step shows its quorum"
    return {
        "request_id": row["id"],
        "type": row["type"],
        "status": row["status"],
        "outcome": outcome,
        "account_id": payment.get("account_id"),
        "account_name": payment.get("account_name"),
        "created_by": row["created_by"],
        "created_by_name": names.of("user", row["created_by"]),
        "created_on": created,
        "decided_on": decided,
        "took": None if decided is None or created is None else decided - created,
        "steps": None if flow is None or flow.error else len(flow.steps),
        "hidden_steps": None if flow is None or flow.error else flow.hidden,
        "note": note,
        "error": error,
    }


def _waiting(
    row: Mapping[str, Any], flow: Flow | None, paid: Mapping[int, Any], names: _Names, now: pd.Timestamp
) -> dict[str, Any]:
    payment = paid.get(row["target_id"], {}) if row["target_type"] == "TRANSACTION" else {}
    step = None if flow is None else flow.at()
    created, expires = row["created_on"], row["expires_at"]
    waits_for, note = _waits_for(row, flow, step, names)
    note = "; ".join(part for part in (note, payment.get("unit")) if part) or None
    return {
        "request_id": row["id"],
        "type": row["type"],
        "status": row["status"],
        "created_on": created,
        # The server tells its time in whole seconds: what it made within this one is not older than nothing.
        "age": None if created is None else max(now - created, pd.Timedelta(0)),
        "time_to_expiry": None if expires is None else expires - now,
        "created_by": row["created_by"],
        "created_by_name": names.of("user", row["created_by"]),
        "step": None if step is None else step.index,
        "approvals": None if step is None else step.approvals,
        "quorum": None if step is None else step.quorum,
        "group_id": None if step is None else step.group,
        "group_name": None if step is None else names.of("group", step.group),
        "waits_for": waits_for,
        "account_id": payment.get("account_id"),
        "account_name": payment.get("account_name"),
        "amount": payment.get("amount_display"),
        "ticker": payment.get("ticker"),
        "amount_base": payment.get("amount"),
        "recipient": payment.get("recipient"),
        "note": note,
        "error": None if flow is None else flow.error,
    }


def _waits_for(
    row: Mapping[str, Any], flow: Flow | None, step: StepInTime | None, names: _Names
) -> tuple[str | None, str | None]:
    """Return by whom a request waits, and what must be known of that."""
    if row["status"] == "PENDING_REGISTRATION":
        return "the registration of a user", None
    if flow is None or flow.error:
        return None, "its steps were not had" if flow is None else flow.error
    if step is None:
        return None, "the step that it waits in is hidden"
    note = None
    if row["status"] == "PENDING_FIRST_APPROVAL" and row["created_by"] is not None:
        return f"its creator {names.user(row['created_by'])}", "nobody else may approve before"
    voted = {vote.user for vote in step.votes}
    free = [names.user(one) for one in step.approvers if one is not None and one not in voted]
    # Votes of hidden users are among the hidden approvers.
    hidden = step.approvers.count(None) - sum(vote.user is None for vote in step.votes)
    if hidden > 0:
        free.append(f"{hidden} hidden")
    if not any(one.approvals for one in flow.steps):
        note = "nobody has approved it yet: until its creator has, others may not be told"
    return ", ".join(free) or None, note


def _steps(flowing: Sequence[tuple[Mapping[str, Any], Flow]], names: _Names) -> Iterable[dict[str, Any]]:
    for row, flow in flowing:
        for step in flow.steps:
            yield {
                "request_id": row["request_id"],
                "type": row["type"],
                "step": step.index,
                "group_id": step.group,
                "group_name": names.of("group", step.group),
                "quorum": step.quorum,
                "approvals": None if step.index is None else step.approvals,
                "began": step.began,
                "complete": step.complete,
                "took": step.took,
                "note": "hidden" if step.index is None else None,
            }


def _latency(flowing: Sequence[tuple[Mapping[str, Any], Flow]]) -> list[dict[str, Any]]:
    taken: dict[tuple[str, str], list[pd.Timedelta | None]] = {}
    for row, flow in flowing:
        for kind in (ALL_TYPES, str(row["type"])):
            for step in flow.steps:
                if step.index is not None and step.complete is not None:
                    taken.setdefault((kind, f"step {step.index}"), []).append(step.took)
            if row["outcome"] in ("approved", "rejected"):
                taken.setdefault((kind, row["outcome"]), []).append(row["took"])
    sizes = {kind: len(times) for (kind, stage), times in taken.items() if stage == "approved"}
    order = sorted(taken, key=lambda one: (one[0] != ALL_TYPES, -sizes.get(one[0], 0), one[0], _stage(one[1])))
    return [{"type": kind, "stage": stage, **times_of(taken[kind, stage])} for kind, stage in order]


def _stage(stage: str) -> tuple[int, int]:
    number = stage.removeprefix("step ")
    return (0, int(number)) if number.isdecimal() else (1 + (stage == "rejected"), 0)


def _grouped(pairs: Iterable[tuple[int | None, pd.Timedelta | None]]) -> dict[int, list[pd.Timedelta | None]]:
    found: dict[int, list[pd.Timedelta | None]] = {}
    for key, taken in pairs:
        if key is not None:
            found.setdefault(key, []).append(taken)
    return dict(sorted(found.items(), key=lambda one: (-len(one[1]), one[0])))


def _by_group(flowing: Sequence[tuple[Mapping[str, Any], Flow]], names: _Names) -> Iterable[dict[str, Any]]:
    steps = (step for _, flow in flowing for step in flow.steps if step.complete is not None)
    for group, taken in _grouped((step.group, step.took) for step in steps).items():
        yield {"group_id": group, "group_name": names.of("group", group), **times_of(taken)}


def _by_account(requests: Sequence[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    approved = [row for row in requests if row["outcome"] == "approved"]
    named = {row["account_id"]: row["account_name"] for row in approved}
    for account, taken in _grouped((row["account_id"], row["took"]) for row in approved).items():
        yield {"account_id": account, "account_name": named[account], **times_of(taken)}


def _approvers(
    flowing: Sequence[tuple[Mapping[str, Any], Flow]],
    asked: pd.DataFrame,
    inbox: Sequence[Mapping[str, Any]],
    known: Mapping[int, Flow],
    names: _Names,
) -> Iterable[dict[str, Any]]:
    counts: dict[int | None, dict[str, Any]] = {}

    def of(user: int | None) -> dict[str, Any]:
        return counts.setdefault(
            user, {"approvals": 0, "of_own_requests": 0, "rejections": 0, "created": 0, "waiting_now": 0, "times": []}
        )

    for row, flow in flowing:
        for step in flow.steps:
            for vote in step.votes:
                one = of(vote.user)
                if vote.type == "APPROVE":
                    one["approvals"] += 1
                elif vote.type == "ABORT":
                    one["rejections"] += 1
                if vote.user is not None and vote.user == row["created_by"]:
                    one["of_own_requests"] += vote.type == "APPROVE"
                elif step.began is not None and vote.on is not None:
                    one["times"].append(vote.on - step.began)
    for user in asked["created_by"].tolist():
        of(None if pd.isna(user) else int(user))["created"] += 1
    for row in inbox:
        current = known[row["request_id"]].at() if row["request_id"] in known else None
        if row["status"] == "PENDING_FIRST_APPROVAL":
            of(row["created_by"])["waiting_now"] += 1
        elif row["status"] == "PENDING_APPROVAL" and current is not None:
            voted = {vote.user for vote in current.votes}
            for user in dict.fromkeys(one for one in current.approvers if one is not None and one not in voted):
                of(user)["waiting_now"] += 1
    order = sorted(counts, key=lambda user: (user is None, -counts[user]["approvals"], user or 0))
    for user in order:
        one = counts[user]
        times = times_of(one.pop("times"))
        yield {
            "user_id": user,
            "user_name": HIDDEN if user is None else names.of("user", user),
            **one,
            # Of hidden users there is no telling for how many of them something waits.
            "waiting_now": None if user is None else one["waiting_now"],
            **{name: times[name] for name in ("told", "half_within", "nine_in_ten_within")},
        }


def _outcomes(found: pd.DataFrame) -> Iterable[dict[str, Any]]:
    counted = Counter((str(row["type"]), str(row["status"])) for row in records(found))
    for (kind, status), number in sorted(counted.items(), key=lambda one: (one[0][0], -one[1], one[0][1])):
        yield {"type": kind, "status": status, "outcome": OUTCOMES.get(status, OTHER), "requests": number}


def _table(kinds: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return a frame of rows; durations are of a kind that frames of the API have none of."""
    listed = list(rows)
    frame = framed({name: kind for name, kind in kinds.items() if kind != DURATION}, listed)
    for name, kind in kinds.items():
        if kind == DURATION:
            frame[name] = pd.Series([row.get(name) for row in listed], dtype=DURATION)
    return frame[list(kinds)]
