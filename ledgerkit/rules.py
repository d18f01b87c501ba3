"""Which rule set of an account may apply to a payment: its creators, whitelists and thresholds.

The service decides, and may hide steps from the caller: this only says beforehand what can be told.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pandas as pd

from ledgerkit.addresses import same_address
from ledgerkit.drafts import Check, Verdict
from ledgerkit.lookups import Lookups
from ledgerkit.payloads import Transaction


def rules(lookups: Lookups, source: "pd.Series[Any]", payload: Transaction) -> list[Check]:
    """Say which rule set may apply. The service decides; steps can be hidden from the caller."""
    rule_sets = source["governance_rules"]
    if not isinstance(rule_sets, list) or not rule_sets:
        return [Check("rules", "warning", "this account shows no rules: which applies can't be told")]
    user = lookups.own_id()
    given = payload.given()
    told: list[str] = []
    may_apply: list[str] = []
    listed: dict[str, bool] = {}
    sure = False
    for rule_set in rule_sets:
        name = str(rule_set.get("name") or f"rule {rule_set.get('index')}")
        refusal, doubt, places = _refusal(lookups, rule_set, source, given, user)
        listed |= places
        if refusal:
            told.append(f"{name}: {refusal}")
        else:
            sure |= not doubt
            may_apply.append(f"{name} ({doubt})" if doubt else name)
    on_list = _on_list(listed, given)
    if not may_apply:
        return [on_list, Check("rules", "warning", f"none seems to admit it. {'; '.join(told)}")]
    # To an exchange the tag says whose the payment is: where none was compared, no rule is known to admit it.
    verdict: Verdict = "ok" if on_list.verdict == "ok" or sure else "warning"
    return [on_list, Check("rules", verdict, f"may apply: {'; '.join(may_apply)}")]


def _on_list(listed: Mapping[str, bool], given: Mapping[str, Any]) -> Check:
    if not listed:
        return Check("whitelist", "warning", "the address is on no whitelist of this account's rules")
    if compared := [place for place, same in listed.items() if same]:
        return Check("whitelist", "ok", f"on whitelist {', '.join(compared)}")
    return Check("whitelist", "warning", f"{_not_compared(given)}: on whitelist {', '.join(listed)}")


def _not_compared(given: Mapping[str, Any]) -> str:
    if "memo" in given:
        return "the address is listed; its memo was not compared"
    if "tag" in given:
        return f"the address is listed, but not with tag {given['tag']}"
    return "the address is listed with tags, and this has none"


def _refusal(
    lookups: Lookups,
    rule_set: Mapping[str, Any],
    source: "pd.Series[Any]",
    given: Mapping[str, Any],
    user: int | None,
) -> tuple[str | None, str, dict[str, bool]]:
    """Return why a rule set does not admit a payment, what can't be told, and the whitelists with the address.

    Of each of these: whether it lists the tag of the payment too.
    """
    refusal, doubt, places = None, "", {}
    amount = given["amount"]
    for rule in rule_set.get("rules") or []:
        kind, entries = rule.get("type"), rule.get("data") or []
        if kind == "MULTI_AUTHORIZATIONS":
            member = _creates(lookups, entries, user)
            if member is None:
                doubt = "whether you may create can't be told"
            elif not member:
                refusal = refusal or "you are not among its creators"
        elif kind == "WHITELIST":
            whitelist, unseen = listed_in(lookups, entries, str(source["currency"]), given["recipient"])
            with_tag, _ = listed_in(
                lookups, entries, str(source["currency"]), given["recipient"], partial(_same_tag, given)
            )
            if whitelist is not None:
                places[with_tag or whitelist] = with_tag is not None
                doubt = doubt if with_tag else _not_compared(given)
            elif unseen:
                doubt = "a whitelist can't be seen"
            else:
                refusal = refusal or "the address is on none of its whitelists"
        elif kind == "THRESHOLD":
            for entry in entries:
                low, high = entry.get("min"), entry.get("max")
                if entry.get("currency_type") not in (None, "CRYPTO"):
                    doubt = "a threshold is in another currency"
                elif (low is not None and amount < low) or (high is not None and amount > high):
                    refusal = (
                        refusal or f"the amount is outside {low} to {'any' if high is None else high} base units"
                    )
        else:
            doubt = f"{kind} is not read"
    return refusal, doubt, places


def _creates(lookups: Lookups, entries: list[Any], user: int | None) -> bool | None:
    first = entries[0] if entries else None
    if user is None or not isinstance(first, Mapping):
        return None
    if isinstance(first.get("users"), list):
        return user in first["users"]
    if first.get("group") is None:
        return None
    members = lookups.members(int(first["group"]))
    if members is None:
        return None
    return True if user in members else (None if None in members else False)


def _same_tag(given: Mapping[str, Any], tags: list[int]) -> bool:
    """Say whether an entry lists the tag of a payment; no entry has memos."""
    return "memo" not in given and (given["tag"] in tags if "tag" in given else not tags)


def _any_tag(_tags: list[int]) -> bool:
    return True


def listed_in(
    lookups: Lookups,
    entries: list[Any],
    currency: str,
    recipient: str,
    admits: Callable[[list[int]], bool] = _any_tag,
) -> tuple[str | None, bool]:
    """Return the whitelist that holds the address with tags that are admitted, and whether one could not be seen."""
    unseen = False
    for entry in entries:
        listed = entry.get("whitelist") if isinstance(entry, Mapping) else None
        found = None if listed is None else lookups.whitelist(int(listed))
        if found is None:
            unseen = True
            continue
        for address in found["addresses"] or []:
            if (
                address.get("currency") == currency
                and same_address(str(address.get("address")), recipient)
                and admits(address.get("destination_tags") or [])
            ):
                return f"{found['name']} as {address.get('name')}", unseen
    return None, unseen
