"""API users and reporting keys: what they may do, when they did something last, and what to look at."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, get_args

import pandas as pd

from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.frames import FLAG, INTEGER, TEXT, TIME
from ledgerkit.reports.activity import Activity, last_activity
from ledgerkit.reports.api_users_charts import draw_users
from ledgerkit.reports.making import Making
from ledgerkit.reports.report import Report
from ledgerkit.reports.rows import counted, framed, records
from ledgerkit.reports.rule_sets import People, RuleSet, Step, rule_sets
from ledgerkit.session import Session
from ledgerkit.vocabulary import ReportingKeyStatus, UserRole, UserStatus

KEY_ROLE: Final = "READ_ONLY_API_KEY"
KEY: Final = "reporting key"
ENDED: Final = frozenset({"ABORTED", "REJECTED", "REVOKED"})
# Those who should have nothing left to do.
OUT: Final = frozenset({"ACCESS_SUSPENDED", "PENDING_REVOCATION", "REVOKED", "SUSPENDED"})
UNUSED_DAYS: Final = 90
NOT_TOLD: Final = "not told by the API"
# How many places a sentence names; the table of rights has all.
MOST_PLACES: Final = 3
SERIOUS, CHECK, KNOW = "serious", "check", "know"
USERS: Final = {
    "user_id": INTEGER,
    "username": TEXT,
    "kind": TEXT,
    "role": TEXT,
    "status": TEXT,
    "findings": INTEGER,
    "created_on": TIME,
    "age_days": INTEGER,
    "created_by": INTEGER,
    "created_by_name": TEXT,
    "last_seen_on": TIME,
    "days_since": INTEGER,
    "last_seen_by": TEXT,
    "last_created_request": INTEGER,
    "last_created_on": TIME,
    "last_voted_request": INTEGER,
    "last_voted_on": TIME,
    "may": TEXT,
    "groups": TEXT,
    "accounts_created_in": INTEGER,
    "accounts_approved_in": INTEGER,
    "entities": TEXT,
}
FINDINGS: Final = {
    "weight": TEXT,
    "finding": TEXT,
    "user_id": INTEGER,
    "username": TEXT,
    "kind": TEXT,
    "status": TEXT,
    "what": TEXT,
    "places": INTEGER,
}
RIGHTS: Final = {
    "user_id": INTEGER,
    "username": TEXT,
    "status": TEXT,
    "account_id": INTEGER,
    "account_name": TEXT,
    "account_status": TEXT,
    "rule_set": TEXT,
    "role": TEXT,
    "step": INTEGER,
    "quorum": INTEGER,
    "group_id": INTEGER,
    "group_name": TEXT,
    "others": INTEGER,
    "hidden": INTEGER,
    "only_one": FLAG,
    "api_users_alone": FLAG,
}
CHANGES: Final = {
    "user_id": INTEGER,
    "username": TEXT,
    "request_id": INTEGER,
    "type": TEXT,
    "status": TEXT,
    "created_by": INTEGER,
    "created_by_name": TEXT,
    "created_on": TIME,
    "is_complete": FLAG,
    "error": TEXT,
}
LAM_USERS: Final = {"name": TEXT, "role": TEXT, "type": TEXT, "workspace": TEXT}


def api_users(session: Session, *, unused_days: int = UNUSED_DAYS) -> Report:
    """Show the API users and reporting keys of the workspace, what they may do, and what to look at.

    No key, key id, public key or secret is in any table.

    Parameters
    ----------
    session
        Where it is read from.
    unused_days
        After how many days without a request of its own an active API user counts as unused.

    Returns
    -------
    Report
        ``users``: one row for each, with status, age, who created it, what it did last and may do; ``findings``: what
        to look at, ``serious`` before ``check`` before ``know``; ``rights``: one row for each step of a rule set of
        an account that it is in (``step`` 0 creates), ``only_one`` where nobody else is in the step, and
        ``api_users_alone`` where API users need no person to move money by the rule set; ``changes``: the requests
        that created and changed it; ``lam_users``: those of a LAM, with LAM credentials alone. Chart: ``use``.

    Raises
    ------
    InvalidRequest
        ``unused_days`` can't be used.

    Notes
    -----
    ``GET /users``, ``GET /users/{id}/history``, ``GET /groups``, ``GET /accounts``, ``GET /entities``,
    ``GET /entities/{id}/users``, ``GET /requests``, ``GET /requests/{id}/governance-status``, ``GET /api_users``.
    """
    if isinstance(unused_days, bool) or not isinstance(unused_days, int) or unused_days < 1:
        raise InvalidRequest(f"`unused_days` = {shorten(unused_days)}: it is a number of days.", field="unused_days")
    with Making.of(session, unused_days=unused_days) as making:
        now = making.now
        listed = session.users.search()
        found = [
            row | {"kind": _kind(row)} for row in records(making.named(listed, "created_by")) if _is_machine(row)
        ]
        unclear = sum(1 for row in records(listed) if row["is_api"] is None and row["role"] != KEY_ROLE)
        groups = making.part("the groups that they are in", session.groups.search)
        accounts = making.part("what they may do by the rules of accounts", session.accounts.search)
        rights, hidden, moving = _rights(found, People.of(listed, groups), accounts)
        acting = [row["id"] for row in found if row["kind"] != KEY]
        activity = last_activity(making, acting) if acting else {}
        entities = _entities(making, found)
        findings = _findings(found, rights, moving, groups, activity, unused_days, now)
        users = [_user(row, rights, groups, activity, entities, findings, now) for row in found]
        users.sort(key=lambda row: (row["status"] in ENDED, row["kind"], str(row["username"]).casefold()))
        _explain(making, found, unclear, hidden)
        tables = {
            "users": framed(USERS, users),
            "findings": framed(FINDINGS, findings),
            "rights": framed(RIGHTS, rights),
            "changes": _changes(making, found),
            "lam_users": _lam_users(making),
        }
        return making.report(
            "API users and reporting keys",
            tables,
            {"use": lambda: draw_users(tables["users"], tables["findings"], now, unused_days)},
        )


def _is_machine(row: Mapping[str, Any]) -> bool:
    return row["is_api"] is True or row["role"] == KEY_ROLE


def _kind(row: Mapping[str, Any]) -> str:
    kinds = {KEY_ROLE: KEY, "OPERATOR": "API operator", "ADMIN": "API administrator"}
    return kinds.get(row["role"], "API user")


# What they may do


def _rights(
    found: Sequence[Mapping[str, Any]], people: People, accounts: pd.DataFrame | None
) -> tuple[list[dict[str, Any]], int, dict[int, list[str]]]:
    """Return the steps that they are in, how many rule sets hide something, and where API users move money alone."""
    known = {row["id"]: row for row in found}
    rights: list[dict[str, Any]] = []
    moving: dict[int, list[str]] = {}
    hidden = 0
    for account in records(accounts):
        for rule_set in rule_sets(account["governance_rules"], people):
            hidden += rule_set.hides is not None
            alone = rule_set.api_users
            for user in sorted(alone or ()):
                moving.setdefault(user, []).append(_place(account, rule_set))
            for step in rule_set.steps:
                rights += [
                    _right(known[person.id], account, rule_set, step, bool(alone))
                    for person in step.seen
                    if person.id in known
                ]
    return rights, hidden, moving


def _right(
    user: Mapping[str, Any], account: Mapping[str, Any], rule_set: RuleSet, step: Step, alone: bool
) -> dict[str, Any]:
    others = step.may() - {user["id"]}
    return {
        "user_id": user["id"],
        "username": user["username"],
        "status": user["status"],
        "account_id": account["id"],
        "account_name": account["name"],
        "account_status": account["status"],
        "rule_set": rule_set.name,
        "role": step.role,
        "step": step.position,
        "quorum": step.quorum,
        "group_id": step.group.id if step.group else None,
        "group_name": step.group.name if step.group else None,
        "others": len(others),
        "hidden": step.hidden,
        "only_one": not others and step.hidden == 0,
        "api_users_alone": alone,
        "place": _place(account, rule_set),
    }


def _place(account: Mapping[str, Any], rule_set: RuleSet) -> str:
    status = "" if account["status"] == "ACTIVE" else f" ({account['status']})"
    return f"{account['name']}{status}, {rule_set.name}"


def _in_groups(user: int, groups: pd.DataFrame | None) -> list[dict[str, Any]]:
    return [row for row in records(groups) if user in (row["members"] or [])]


def _entities(making: Making, found: Sequence[Mapping[str, Any]]) -> dict[int, list[str]]:
    """Return the names of the entities that users have an account of; the API tells it of operators alone."""
    if all(row["kind"] == KEY for row in found):
        return {}
    what = "the entities that they have an account of"
    entities = making.part(what, making.session.entities.search)
    if entities is None:
        return {}
    names = {row["id"]: row["name"] for row in records(entities) if row["status"] == "ACTIVE"}
    users = making.part(what, lambda: making.session.entities.users(list(names)))
    result: dict[int, list[str]] = {}
    for row in records(users):
        if row["error"]:
            making.note(f"Without the users of entity {names[row['entity_id']]}: {row['error']}")
        elif row["id"] is not None:
            result.setdefault(row["id"], []).append(names[row["entity_id"]])
    return result


# Tables


def _user(
    row: Mapping[str, Any],
    rights: Sequence[Mapping[str, Any]],
    groups: pd.DataFrame | None,
    activity: Mapping[int, Activity],
    entities: Mapping[int, list[str]],
    findings: Sequence[Mapping[str, Any]],
    now: pd.Timestamp,
) -> dict[str, Any]:
    user, key = row["id"], row["kind"] == KEY
    did = activity.get(user, Activity())
    own = [right for right in rights if right["user_id"] == user]
    creates = len({right["account_id"] for right in own if right["step"] == 0})
    approves = len({right["account_id"] for right in own if right["step"] > 0})
    names = [
        str(one["name"]) + ("" if one["status"] == "ACTIVE" else f" ({one['status']})")
        for one in _in_groups(user, groups)
    ]
    return {
        **row,
        "user_id": user,
        "findings": sum(1 for one in findings if one["user_id"] == user),
        "age_days": None if row["created_on"] is None else (now - row["created_on"]).days,
        "last_seen_on": did.last_on,
        "days_since": None if did.last_on is None else (now - did.last_on).days,
        "last_seen_by": NOT_TOLD if key else _seen_by(did),
        "last_created_request": did.created_request,
        "last_created_on": did.created_on,
        "last_voted_request": did.voted_request,
        "last_voted_on": did.voted_on,
        "may": _may(row, creates, approves),
        "groups": ", ".join(sorted(names)) or None,
        "accounts_created_in": creates,
        "accounts_approved_in": approves,
        "entities": NOT_TOLD if key else ", ".join(entities.get(user, [])) or None,
    }


def _seen_by(did: Activity) -> str:
    if did.error:
        return "could not be had"
    if did.last_on is None:
        return "no request seen"
    if did.last_on == did.created_on:
        return f"created request {did.created_request}"
    return f"voted on request {did.voted_request}"


def _may(row: Mapping[str, Any], creates: int, approves: int) -> str:
    if row["status"] != "ACTIVE":
        return "nothing now" if row["status"] in ENDED | OUT - {"PENDING_REVOCATION"} else "see status"
    if row["kind"] == KEY:
        return "read, and set the webhook"
    said = []
    if row["role"] == "ADMIN":
        said.append("administer the workspace")
    if creates:
        said.append(f"create in {counted(creates, 'account')}")
    if approves:
        said.append(f"approve in {counted(approves, 'account')}")
    return ", ".join(said) or "no right seen"


def _changes(making: Making, found: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    names = {row["id"]: row["username"] for row in found}
    history = making.part("the requests that changed them", lambda: making.session.users.history(list(names)))
    rows = [] if history is None else records(making.named(history, "created_by"))
    return framed(CHANGES, [row | {"request_id": row["id"], "username": names[row["user_id"]]} for row in rows])


def _lam_users(making: Making) -> pd.DataFrame:
    session = making.session
    if session.family != "lam":
        making.note("Users that a LAM holds are told with credentials of that LAM alone; none are asked for here.")
        return framed(LAM_USERS, [])
    found = making.part("the users of the LAM", session.api_users.search)
    rows = records(found)
    return framed(LAM_USERS, [row | {"type": row["type_"]} for row in rows])


# What to look at


def _findings(
    found: Sequence[Mapping[str, Any]],
    rights: Sequence[Mapping[str, Any]],
    moving: Mapping[int, list[str]],
    groups: pd.DataFrame | None,
    activity: Mapping[int, Activity],
    unused_days: int,
    now: pd.Timestamp,
) -> list[dict[str, Any]]:
    alike = _alike(found)
    rows = []
    for user in found:
        own = [right for right in rights if right["user_id"] == user["id"]]
        said = [
            *_by_rules(user, own, moving.get(user["id"], [])),
            *_by_status(user, own, _in_groups(user["id"], groups), now),
            *_by_use(user, own, activity.get(user["id"]), unused_days, now),
        ]
        if others := alike.get(user["id"]):
            said.append((CHECK, "names alike", f"others have the same name, or nearly: {', '.join(others)}", 0))
        rows += [
            {
                "weight": weight,
                "finding": finding,
                "user_id": user["id"],
                "username": user["username"],
                "kind": user["kind"],
                "status": user["status"],
                "what": what,
                "places": places or None,
            }
            for weight, finding, what, places in said
        ]
    weights = [SERIOUS, CHECK, KNOW]
    return sorted(rows, key=lambda row: (weights.index(row["weight"]), row["finding"], str(row["username"])))


Finding = tuple[str, str, str, int]


def _by_rules(user: Mapping[str, Any], own: Sequence[Mapping[str, Any]], moving: list[str]) -> Iterable[Finding]:
    if user["status"] in ENDED:
        return
    if moving:
        yield (
            SERIOUS,
            "moves money without a person",
            f"alone or with other API users: {_places(moving)}",
            len(moving),
        )
    only = list(dict.fromkeys(right["place"] for right in own if right["only_one"] and right["step"] > 0))
    if only:
        yield SERIOUS, "only approver of a step", f"nobody else is in the step: {_places(only)}", len(only)
    creates = {right["place"] for right in own if right["step"] == 0}
    both = list(dict.fromkeys(right["place"] for right in own if right["step"] > 0 and right["place"] in creates))
    if both:
        yield CHECK, "creates and approves", f"in one rule set: {_places(both)}", len(both)
    if user["kind"] == "API administrator":
        yield CHECK, "administrator by API", "it may change rules, users and groups with the other administrators", 0


def _by_status(
    user: Mapping[str, Any],
    own: Sequence[Mapping[str, Any]],
    groups: Sequence[Mapping[str, Any]],
    now: pd.Timestamp,
) -> Iterable[Finding]:
    status = user["status"]
    documented = get_args(ReportingKeyStatus) if user["kind"] == KEY else get_args(UserStatus)
    if status not in documented:
        yield CHECK, "status not documented", f"{status}: whether it can act is not known", 0
    elif str(status).startswith("PENDING_") and status != "PENDING_REVOCATION":
        age = "" if user["created_on"] is None else f" for {counted((now - user['created_on']).days, 'day')}"
        yield KNOW, "pending", f"{status}{age}", 0
    if user["role"] not in (*get_args(UserRole), KEY_ROLE):
        yield CHECK, "role not documented", f"{user['role']}: what it may do is not known", 0
    if status in OUT:
        left = [str(one["name"]) for one in groups if one["status"] == "ACTIVE"]
        left += list(dict.fromkeys(right["place"] for right in own if right["group_id"] is None))
        if left:
            yield CHECK, "out, but still listed", f"{status}, and still in {_places(left)}", len(left)


def _by_use(
    user: Mapping[str, Any],
    own: Sequence[Mapping[str, Any]],
    did: Activity | None,
    unused_days: int,
    now: pd.Timestamp,
) -> Iterable[Finding]:
    if user["status"] != "ACTIVE" or user["kind"] == KEY:
        return
    since = pd.Timedelta(days=unused_days)
    old = user["created_on"] is None or now - user["created_on"] >= since
    if did is not None and did.error is None and old and (did.last_on is None or now - did.last_on >= since):
        seen = "ever" if did.last_on is None else f"for {counted((now - did.last_on).days, 'day')}"
        yield CHECK, "active and unused", f"no request created, approved or rejected {seen}; reads leave no trace", 0
    if not own and user["role"] == "OPERATOR":
        yield KNOW, "no right seen", "in no step of a rule that these credentials see", 0


def _alike(found: Sequence[Mapping[str, Any]]) -> dict[int, list[str]]:
    """Return by user the others, not ended, whose names people could take for the same."""
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for row in found:
        if row["status"] not in ENDED:
            text = unicodedata.normalize("NFKC", str(row["username"])).casefold()
            by_name.setdefault("".join(one for one in text if one.isalnum()) or text, []).append(row)
    return {
        row["id"]: [f"{other['username']} (user {other['id']})" for other in same if other["id"] != row["id"]]
        for same in by_name.values()
        if len(same) > 1
        for row in same
    }


def _explain(making: Making, found: Sequence[Mapping[str, Any]], unclear: int, hidden: int) -> None:
    if not found:
        making.note("These credentials see no API user and no reporting key.")
    if unclear:
        making.note(f"Of {counted(unclear, 'user')} the service does not say whether an API user: not in the tables.")
    if hidden:
        making.note(
            f"{counted(hidden, 'rule set')} can't be read whole, since steps or people in them are hidden or "
            "unknown: what API users may do by them can be more than is shown."
        )
    if any(row["kind"] == KEY for row in found):
        making.note(
            "The API does not tell which entities scope a reporting key, nor when a key was used last: no finding "
            "says that one is unused, and an administrator sees the entities in the settings."
        )
    making.note(
        "What was seen last is the newest request that an API user created, approved or rejected, as far as these "
        "credentials see requests. Reading leaves no trace; a vote on an older request can be some days later."
    )
    making.note(
        "The keys themselves are not in the API: neither whether one was renewed, nor where it is kept. Rights are "
        "those in rules of accounts; rights to see everything, and those of administrators, are not told."
    )


def _places(places: Sequence[str]) -> str:
    more = len(places) - MOST_PLACES
    return "; ".join(places[:MOST_PLACES]) + (f"; and {more} more" if more > 0 else "")
