"""What was found about whitelists beside their addresses: risk, no use, and what rules make of them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from ledgerkit.reports.listed_addresses import Entry, Finding, Whitelist, words_of
from ledgerkit.reports.rule_sets import People, rule_sets
from ledgerkit.reports.screening import Screened, one_address, rank
from ledgerkit.showing import visible

# How many transactions went to an entry, and when the last was made.
Uses = dict[Entry, tuple[int, Any]]
# By whitelist, None for a hidden one: names of accounts, their currencies, and the rule sets that use it.
Rules = dict[int | None, list[tuple[str, str | None, str]]]
# No money moves by the rules of these.
GONE: Final = frozenset({"ACTIVATION_ABORTED", "REJECTED"})
# From MEDIUM on; what is on no known scale stands last.
RATED: Final = {2: "medium", 3: "high", 4: "high", 5: "high"}


def used_by(accounts: Sequence[Mapping[str, Any]]) -> Rules:
    """Return the accounts whose rules name each whitelist: their names, currencies, and the rule sets."""
    found: dict[int | None, list[tuple[str, str | None, str]]] = {}
    nobody = People(None, None)
    for row in accounts:
        if row["status"] in GONE:
            continue
        for rule_set in rule_sets(row["governance_rules"], nobody):
            for listed in dict.fromkeys(rule_set.whitelists or ()):
                found.setdefault(listed, []).append((str(row["name"]), row["currency"], rule_set.name))
    return found


def risky(living: Sequence[Entry], screened: Screened) -> Iterator[Finding]:
    """Give what compliance says against addresses; a rating that is not documented counts as a high one."""
    by_address: dict[str, list[Entry]] = {}
    for one in living:
        by_address.setdefault(one_address(one.address), []).append(one)
    for address, entries in by_address.items():
        words = words_of(entries)
        risk, sanctions = screened.risk.get(address, {}), screened.sanctions.get(address, {})
        if sanctions.get("has_sanctions"):
            evidence = str(sanctions.get("provider_details"))
            yield Finding("critical", "sanctioned", f"{words} is under sanctions.", evidence, tuple(entries))
        ratings = risk.get("risk"), risk.get("provider_details_risk")
        if (severity := RATED.get(rank(*ratings))) is not None:
            sentence = f"{words} is rated {' / '.join(str(one) for one in ratings if one)}."
            evidence = str(risk.get("provider_details_reason") or "no reason given")
            yield Finding(severity, "risky", sentence, evidence, tuple(entries))


def unused(
    rows: Sequence[Mapping[str, Any]],
    living: Sequence[Entry],
    uses: Uses | None,
    months: int,
    first: pd.Timestamp,
) -> Iterator[Finding]:
    """Give the addresses that nothing was sent to since ``first``."""
    if uses is None:
        return
    created = {row["id"]: row["created_on"] for row in rows}
    for one in living:
        if one in uses:
            continue
        made = created.get(one.whitelist.id)
        young = made is not None and made > first
        since = f"since the list was made on {made:%Y-%m-%d}" if young else f"in {months} months"
        sentence = f"Nothing was sent to {one.words} {since}."
        yield Finding("low", "unused", sentence, f"no transaction to {visible(one.address)}", (one,))


def of_rules(
    lists: Mapping[int, Whitelist],
    entries: Sequence[Entry],
    users: Rules,
    accounts: Sequence[Mapping[str, Any]],
) -> Iterator[Finding]:
    """Give what rules and whitelists make of each other."""
    held: dict[int, set[str]] = {}
    for one in entries:
        held.setdefault(one.whitelist.id, set()).add(one.currency)
    for one_list in lists.values():
        if one_list.id not in users and one_list.status == "ACTIVE":
            sentence = f"No rule of an account that can be seen uses {visible(one_list.name)}."
            yield Finding("low", "used by no rule", sentence, f"{len(accounts)} accounts", whitelist=one_list)
    for listed, using in users.items():
        names = ", ".join(dict.fromkeys(f"{visible(account)} ({visible(rule)})" for account, _, rule in using))
        where = None if listed is None else lists.get(listed)
        if where is None:
            which = "whitelists that are hidden" if listed is None else f"whitelist {listed}, which can't be seen"
            yield Finding("can't tell", "not seen", f"Rules use {which}.", names)
        elif where.status != "ACTIVE":
            sentence = f"Rules use {visible(where.name)}, which is {where.status}."
            yield Finding("high", "not in force", sentence, names, whitelist=where)
        else:
            for currency in dict.fromkeys(currency for _, currency, _ in using):
                if currency is not None and currency not in held.get(where.id, set()):
                    accounts_of = ", ".join(visible(account) for account, of, _ in using if of == currency)
                    sentence = (
                        f"{visible(where.name)} holds no {currency} address, and rules of {accounts_of} use it."
                    )
                    yield Finding("medium", "nobody to pay", sentence, names, whitelist=where)


def of_lists(lists: Mapping[int, Whitelist], entries: Sequence[Entry]) -> Iterator[Finding]:
    """Give what is odd about whitelists as a whole."""
    held: dict[int, list[Entry]] = {}
    for entry in entries:
        held.setdefault(entry.whitelist.id, []).append(entry)
    for one in lists.values():
        own = held.get(one.id, [])
        currencies = dict.fromkeys(entry.currency for entry in own)
        if visible(one.name) != one.name:
            sentence = f"The name {visible(one.name)} of a whitelist is not what it looks like."
            yield Finding("medium", "misleading name", sentence, visible(one.name), whitelist=one)
        if not one.living:
            continue
        if not own:
            yield Finding("medium", "empty", f"{visible(one.name)} holds no address.", "addresses", whitelist=one)
        if len(currencies) > 1:
            sentence = f"{visible(one.name)} mixes {len(currencies)} currencies; one each is easier to review."
            yield Finding("low", "mixed currencies", sentence, ", ".join(currencies), whitelist=one)
