"""The rules of an account in words, as its card shows them."""

from collections.abc import Sequence
from typing import Any

from ledgerkit.amounts import Unit
from ledgerkit.cards import values
from ledgerkit.cards.known import Known
from ledgerkit.cards.sections import section
from ledgerkit.cards.values import named, text


def rule_sets(rules: Sequence[Any], known: Known, unit: Unit | None) -> str:
    """Return the HTML of the rule sets of an account: who approves, up to which amount, to whom."""
    rows = [
        [
            text(one.get("name") or ""),
            "<br>".join(_rule(rule, known, unit) for rule in one.get("rules") or []),
        ]
        for one in rules
        if isinstance(one, dict)
    ]
    return section("Rules", ["Set", "Rules"], rows)


def _rule(rule: Any, known: Known, unit: Unit | None) -> str:
    kind = rule.get("type") if isinstance(rule, dict) else None
    data = rule.get("data") if isinstance(rule, dict) else None
    if isinstance(data, list) and data and all(isinstance(one, dict) for one in data):
        if kind == "MULTI_AUTHORIZATIONS" and all(_is_step(one) for one in data):
            return "Approvals: " + ", then ".join(f"{one['quorum']} of {_voters(one, known)}" for one in data)
        if kind == "WHITELIST" and all(isinstance(one.get("whitelist"), int) for one in data):
            return "Only to whitelist " + ", ".join(str(one["whitelist"]) for one in data)
        if kind == "THRESHOLD" and all(_is_plain(one) for one in data):
            return "Amounts " + ", ".join(_range(one, unit) for one in data)
    # What is not known by its shape is shown as it came: a rule that reads wrongly is worse.
    return text(values.plain(rule))


def _is_step(step: dict[str, Any]) -> bool:
    users = step.get("users")
    of_users = isinstance(users, list) and all(one is None or type(one) is int for one in users)
    return type(step.get("quorum")) is int and (type(step.get("group")) is int or of_users)


def _voters(step: dict[str, Any], known: Known) -> str:
    if type(step.get("group")) is int:
        return named("group", step["group"], known)
    return ", ".join("a hidden user" if one is None else named("user", one, known) for one in step["users"])


def _is_plain(threshold: dict[str, Any]) -> bool:
    bounds = [threshold.get("min"), threshold.get("max")]
    return threshold.get("currency_type") == "CRYPTO" and all(one is None or type(one) is int for one in bounds)


def _range(threshold: dict[str, Any], unit: Unit | None) -> str:
    parts = []
    for word, name in (("from", "min"), ("up to", "max")):
        bound = threshold.get(name)
        if type(bound) is int:
            shown = values.amount(bound, unit)
            parts.append(f"{word} {shown.html} {text(shown.unit)}")
    return " ".join(parts) or "of any size"
