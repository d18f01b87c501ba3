"""Who can move what: the rules of accounts counted through groups to people, and what is weak in them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from ledgerkit.amounts import to_display
from ledgerkit.filters import Many
from ledgerkit.frames import FLAG, INTEGER, NUMBER, TEXT
from ledgerkit.reports.choosing import chosen_ids
from ledgerkit.reports.governance_charts import STUCK, draw_fewest, draw_spots
from ledgerkit.reports.making import Making
from ledgerkit.reports.report import Report
from ledgerkit.reports.rows import framed
from ledgerkit.reports.rule_sets import People, RuleSet, Step, bounds, is_crypto, rule_sets
from ledgerkit.reports.weak_spots import SEVERITIES, Listing, Ruled, WeakSpot, name_of, of_account, of_groups
from ledgerkit.session import Session
from ledgerkit.showing import visible

# Nothing moves by the rules of these.
ENDED: Final = frozenset({"ACTIVATION_ABORTED", "REJECTED"})

ACCOUNTS: Final = {
    "account_id": INTEGER,
    "account_name": TEXT,
    "account_status": TEXT,
    "currency": TEXT,
    "rule_sets": INTEGER,
    "fewest_people": INTEGER,
    "at_least": INTEGER,
    "by_rule_set": TEXT,
    "for_example": TEXT,
    "if_each_counts_once": INTEGER,
    "weak_spots": INTEGER,
    "gravest": TEXT,
    "note": TEXT,
}
RULES: Final = {
    "account_id": INTEGER,
    "account_name": TEXT,
    "account_status": TEXT,
    "rule_set": INTEGER,
    "rule_set_name": TEXT,
    "step": INTEGER,
    "role": TEXT,
    "quorum": INTEGER,
    "group_id": INTEGER,
    "group_name": TEXT,
    "group_status": TEXT,
    "people": TEXT,
    "members": INTEGER,
    "able": INTEGER,
    "hidden": INTEGER,
    "whitelists": TEXT,
    "threshold_currency": TEXT,
    "threshold_min": NUMBER,
    "threshold_max": NUMBER,
    "ticker": TEXT,
    "threshold_min_base": NUMBER,
    "threshold_max_base": NUMBER,
    "contracts": FLAG,
    "transaction_filter": TEXT,
    "fewest_people": INTEGER,
    "at_least": INTEGER,
    "note": TEXT,
}
PEOPLE: Final = {
    "user_id": INTEGER,
    "user_name": TEXT,
    "user_status": TEXT,
    "is_api": FLAG,
    "can_act": FLAG,
    "account_id": INTEGER,
    "account_name": TEXT,
    "may_create": FLAG,
    "may_approve": FLAG,
    "creates_in": TEXT,
    "approves_in": TEXT,
    "groups": TEXT,
    "alone": FLAG,
    "note": TEXT,
}
WEAK_SPOTS: Final = {
    "severity": TEXT,
    "kind": TEXT,
    "account_id": INTEGER,
    "account_name": TEXT,
    "sentence": TEXT,
    "evidence": TEXT,
    "rule_set_name": TEXT,
    "group_id": INTEGER,
    "group_name": TEXT,
    "accounts": INTEGER,
}


def governance(session: Session, *, account: Many[int | str] | None = None) -> Report:
    """Say who can move what, how few people are enough, and what is weak in the rules.

    Parameters
    ----------
    session
        From :func:`ledgerkit.connect`.
    account
        Ids or whole names of accounts; all that can be seen by default.

    Returns
    -------
    Report
        ``weak_spots``: ``severity`` (critical, high, medium, low, can't tell), ``kind``, the account or the group
        with ``accounts`` that it is used by, ``sentence``, ``evidence``.

        ``accounts``: of each ``fewest_people`` (Int64) that move money, missing where that can't be told;
        ``at_least``, which always holds (1 where nothing can be seen); the rule set, and who would be enough;
        ``if_each_counts_once``, the same where nobody counts in two steps.

        ``rules``: a row per account, rule set and step (0 are the creators). ``threshold_min`` and ``threshold_max``
        are exact, in ``ticker`` where ``threshold_currency`` is CRYPTO, with the base units beside; of any other
        currency they are as they came.

        ``people``: a row per person and account, counted through groups; those who are hidden have a row without an
        id for each account.

        Charts ``fewest people`` (of all accounts that are looked at) and ``weak spots``.

    Raises
    ------
    NotFound
        An account can't be seen.
    InvalidRequest
        A name is that of several accounts.

    Notes
    -----
    From ``GET /accounts``, ``/users``, ``/groups``, ``/whitelists`` and the units of accounts.
    """
    with Making.of(session, account=account) as making:
        found = session.accounts.search(order="asc", order_by="id")
        chosen = found
        if account is not None:
            chosen = found[found["id"].isin(chosen_ids(found, account, "account"))].reset_index(drop=True)
        users = making.part("the users of the workspace", lambda: session.users.search())
        groups = making.part("the groups of the workspace", lambda: session.groups.search())
        lists = making.part("the whitelists of the workspace", lambda: session.whitelists.search())
        people = People.of(users, groups)
        whitelists = _listings(lists)
        units = making.units(chosen["id"].tolist())
        accounts = [
            Ruled(
                int(number),
                str(name),
                None if pd.isna(status) else str(status),
                rule_sets(rules, people),
                units[int(number)].amount,
                is_token=not pd.isna(contract),
            )
            for number, name, status, rules, contract in zip(
                *(chosen[one].tolist() for one in ("id", "name", "status", "governance_rules", "contract_address")),
                strict=True,
            )
        ]
        currencies = dict(zip(chosen["id"].tolist(), chosen["currency"].tolist(), strict=True))
        living = [one for one in accounts if one.status not in ENDED]
        spots = sorted(
            [*(spot for one in living for spot in of_account(one, whitelists)), *of_groups(living)],
            key=lambda spot: (SEVERITIES.index(spot.severity), spot.kind),
        )
        by_account: dict[int, list[WeakSpot]] = {}
        for spot in spots:
            if spot.account is not None:
                by_account.setdefault(spot.account.id, []).append(spot)
        _notes(making, accounts, living)
        tables = {
            "weak_spots": framed(WEAK_SPOTS, map(_spot_row, spots)),
            "accounts": framed(
                ACCOUNTS,
                (_account_row(one, people, currencies.get(one.id), by_account.get(one.id, [])) for one in accounts),
            ),
            "rules": framed(RULES, (row for one in accounts for row in _rule_rows(one, whitelists))),
            "people": framed(PEOPLE, (row for one in living for row in _person_rows(one))),
        }
        looked_at = tables["accounts"][~tables["accounts"]["account_status"].isin(list(ENDED))]
        return making.report(
            "Governance: who can move what",
            tables,
            {
                "fewest people": lambda: draw_fewest(looked_at),
                "weak spots": lambda: draw_spots(tables["weak_spots"]),
            },
        )


def _listings(lists: pd.DataFrame | None) -> dict[int, Listing] | None:
    if lists is None:
        return None
    columns = (lists[one].tolist() for one in ("id", "name", "status", "addresses"))
    return {
        number: Listing(
            str(name), None if pd.isna(status) else str(status), len(held) if isinstance(held, list) else 0
        )
        for number, name, status, held in zip(*columns, strict=True)
    }


def _notes(making: Making, accounts: Sequence[Ruled], living: Sequence[Ruled]) -> None:
    making.note(
        "A person counts in each step whose group or list names them. Whether the service asks somebody twice is "
        "documented nowhere: `if_each_counts_once` is the number where it does not."
    )
    making.note(
        "Which rule set a payment goes by is decided by the service: fewest_people is that of the weakest one. "
        "A transaction that calls a contract counts as moving money, too."
    )
    making.note(
        "A threshold whose upper end is 10^12 coins, or 10^15 whole tokens, or more is as good as none, and told as "
        "one without an end."
    )
    if hiding := [one for one in living if any(rule.hides for rule in one.rule_sets)]:
        making.note(
            f"{len(hiding)} of {len(living)} accounts hide steps or people from this caller, who are not guessed: "
            "where fewest_people is missing, at_least still holds."
        )
    if left := len(accounts) - len(living):
        making.note(
            f"{left} accounts that were rejected or aborted are in `accounts` and `rules`, and not looked at for "
            "weak spots and people."
        )
    if any(rule.thresholds and not all(map(is_crypto, rule.thresholds)) for one in living for rule in one.rule_sets):
        making.note(
            "Thresholds in another currency than that of the account are shown as they came: in which currency and "
            "unit they are is documented nowhere, and they are compared with nothing."
        )
    if any(one.unit is None for one in accounts):
        making.note("Where the unit of an account could not be had, thresholds are in base units alone.")


# Tables


def _spot_row(spot: WeakSpot) -> dict[str, Any]:
    return {
        "severity": spot.severity,
        "kind": spot.kind,
        "account_id": spot.account.id if spot.account else None,
        "account_name": spot.account.name if spot.account else None,
        "rule_set_name": spot.rule_set,
        "group_id": spot.group.id if spot.group else None,
        "group_name": spot.group.name if spot.group else None,
        "accounts": spot.accounts,
        "sentence": spot.sentence,
        "evidence": spot.evidence,
    }


def _account_row(one: Ruled, people: People, currency: Any, own: Sequence[WeakSpot]) -> dict[str, Any]:
    # A rule set whose steps can't be read moves money for all that can be told, and may need one person alone.
    moving = [rule for rule in one.rule_sets if not rule.stuck]
    low = min((rule.at_least for rule in moving if rule.at_least is not None), default=None)
    weakest = min(
        (rule for rule in moving if rule.at_most is not None), key=lambda rule: rule.at_most or 0, default=None
    )
    high = None if weakest is None else weakest.at_most
    if one.status in ENDED:
        note = f"not looked at: {one.status}"
    elif not one.rule_sets:
        note = "the account shows no rules"
    elif not moving:
        note = STUCK
    else:
        note = "; ".join(f"{visible(rule.name)}: {rule.hides}" for rule in one.rule_sets if rule.hides)
    once = [rule.each_once for rule in moving if rule.each_once is not None]
    sure = low is not None and low == high
    return {
        "account_id": one.id,
        "account_name": one.name,
        "account_status": one.status,
        "currency": None if pd.isna(currency) else currency,
        "rule_sets": len(one.rule_sets),
        "fewest_people": low if sure else None,
        "at_least": low,
        "by_rule_set": weakest.name if weakest is not None and sure else None,
        "for_example": ", ".join(name_of(people.person(user)) for user in sorted(weakest.some_fewest or ()))
        if weakest is not None
        else None,
        # A rule set of which something is hidden could take fewer, unless even its lowest number is none.
        "if_each_counts_once": min(once)
        if once and all(rule.hides is None or (rule.at_least or 0) >= min(once) for rule in moving)
        else None,
        "weak_spots": len(own),
        "gravest": own[0].severity if own else None,
        "note": note or None,
    }


def _rule_rows(one: Ruled, whitelists: Mapping[int, Listing] | None) -> Iterable[dict[str, Any]]:
    account = {"account_id": one.id, "account_name": one.name, "account_status": one.status}
    if not one.rule_sets:
        yield {**account, "note": "the account shows no rules"}
    for rule in one.rule_sets:
        shared = {**account, **_of_rule_set(rule, one, whitelists)}
        if not rule.steps:
            yield shared
        for step in rule.steps:
            yield {**shared, **_of_step(step)}


def _of_rule_set(rule: RuleSet, one: Ruled, whitelists: Mapping[int, Listing] | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "rule_set": rule.index,
        "rule_set_name": rule.name,
        "whitelists": None
        if rule.whitelists is None
        else ", ".join(_listing(entry, whitelists) for entry in rule.whitelists),
        "contracts": rule.contracts,
        "transaction_filter": "; ".join(map(str, rule.filters)) or None,
        "fewest_people": rule.fewest,
        "at_least": rule.at_least,
        "note": "; ".join(
            part for part in (rule.hides, "nobody can move money by it" if rule.stuck else None) if part
        )
        or None,
    }
    if len(rule.thresholds) > 1:
        row["note"] = "; ".join(
            part for part in (row["note"], f"several thresholds: {list(rule.thresholds)}") if part
        )
    elif rule.thresholds and isinstance(rule.thresholds[0], Mapping):
        low, high = bounds(rule.thresholds[0])
        row["threshold_currency"] = rule.thresholds[0].get("currency_type")
        if not is_crypto(rule.thresholds[0]):
            row |= {"threshold_min": low, "threshold_max": high}
        else:
            row |= {"threshold_min_base": low, "threshold_max_base": high}
            if one.unit is not None:
                row["threshold_min"] = to_display(low, one.unit.magnitude)
                row["threshold_max"] = to_display(high, one.unit.magnitude)
                row["ticker"] = one.unit.code
    return row


def _listing(entry: int | None, whitelists: Mapping[int, Listing] | None) -> str:
    if entry is None:
        return "a hidden whitelist"
    known = (whitelists or {}).get(entry)
    return f"whitelist {entry}" if known is None else f"{known.name} ({entry})"


def _of_step(step: Step) -> dict[str, Any]:
    names = [f"{name_of(one)}{'' if one.able else f' ({one.status})'}" for one in step.seen]
    if step.hidden is None:
        names.append("hidden")
    elif step.hidden:
        names.append(f"{step.hidden} hidden")
    return {
        "step": step.position,
        "role": step.role,
        "quorum": step.quorum,
        "group_id": step.group.id if step.group else None,
        "group_name": step.group.name if step.group else None,
        "group_status": step.group.status if step.group else None,
        "people": ", ".join(names),
        "members": None if step.hidden is None else len(step.seen) + step.hidden,
        "able": None if step.hidden is None else len(step.can()),
        "hidden": step.hidden,
    }


def _person_rows(one: Ruled) -> Iterable[dict[str, Any]]:
    account = {"account_id": one.id, "account_name": one.name}
    places: dict[int, list[tuple[RuleSet, Step]]] = {}
    known = {}
    hidden = []
    for rule in one.rule_sets:
        if rule.unread or not rule.steps:
            hidden.append(f"{visible(rule.name)}: {rule.hides}")
        for step in rule.steps:
            for person in step.seen:
                known[person.id] = person
                places.setdefault(person.id, []).append((rule, step))
            if step.hidden is None:
                hidden.append(f"{visible(rule.name)}: {step.words} can't be seen")
            elif step.hidden:
                hidden.append(f"{visible(rule.name)}: {step.hidden} in {step.words}")
    for user, at in places.items():
        person = known[user]
        creates = [visible(rule.name) for rule, step in at if step.position == 0]
        approves = [f"{visible(rule.name)} step {step.position}" for rule, step in at if step.position]
        groups = dict.fromkeys(step.group.name or f"group {step.group.id}" for _, step in at if step.group)
        yield {
            **account,
            "user_id": user,
            "user_name": person.name,
            "user_status": person.status,
            "is_api": person.is_api,
            "can_act": person.able,
            "may_create": bool(creates),
            "may_approve": bool(approves),
            "creates_in": ", ".join(dict.fromkeys(creates)) or None,
            "approves_in": ", ".join(dict.fromkeys(approves)) or None,
            "groups": ", ".join(map(visible, groups)) or None,
            "alone": _alone(user, one.rule_sets),
            "note": None if person.name else "not among the users that can be seen",
        }
    if hidden:
        yield {**account, "note": f"hidden: {'; '.join(hidden)}"}


def _alone(user: int, rules: Sequence[RuleSet]) -> bool | None:
    """Say whether somebody can move money alone; None where a hidden step may let them."""
    if any(user in rule.alone for rule in rules):
        return True
    unsure = (
        bool(rule.unread)
        or (
            rule.fewest is None
            and rule.at_least == 1
            and all(step.hidden != 0 or any(one.id == user for one in step.seen) for step in rule.steps)
        )
        for rule in rules
    )
    return None if any(unsure) else False
