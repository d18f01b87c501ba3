"""Whom an account may pay: the entries of its whitelists, and what is known of an address while it is typed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ledgerkit.addresses import Mark, mark
from ledgerkit.connection import Connection
from ledgerkit.errors import LedgerError
from ledgerkit.forms.fields import unique_labels
from ledgerkit.lookups import Lookups
from ledgerkit.operations import families
from ledgerkit.resources.compliance import Compliance
from ledgerkit.rules import listed_in


@dataclass(frozen=True)
class Entry:
    """An address of a whitelist, and the one tag that it is listed with, where there is one."""

    address: str
    tag: int | None = None


@dataclass(frozen=True)
class Known:
    """What is known of an address.

    Parameters
    ----------
    valid
        What the service says of its form; None where it says nothing.
    listed
        The whitelist and the name there, or empty.
    as_given
        Whether it is listed with the tag that the payment has, or without one as the payment is.
    risk
        What is said of its risk, in words.
    alike
        Which known addresses it may be taken for; None where it is like none.
    uncompared
        Among what no look-alike could be looked for; empty where all was there.
    """

    valid: bool | None
    listed: str
    as_given: bool
    risk: str
    alike: Mark | None = None
    uncompared: str = ""


def entries(lookups: Lookups, source: "pd.Series[Any]") -> dict[str, Entry]:
    """Return the entries of the whitelists of an account's rules that are of its currency, by their labels."""
    named: list[tuple[str, Entry]] = []
    seen: set[int] = set()
    for rule in _whitelist_rules(source):
        for one in rule:
            number = one.get("whitelist") if isinstance(one, Mapping) else None
            if number is None or int(number) in seen:
                continue
            seen.add(int(number))
            found = lookups.whitelist(int(number))
            if found is None:
                continue
            for entry in found["addresses"] or []:
                if entry.get("currency") != source["currency"]:
                    continue
                address = str(entry.get("address"))
                for tag in entry.get("destination_tags") or [None]:
                    tagged = "" if tag is None else f", tag {tag}"
                    # ASCII of our own: what is not is spelled out in labels, for names that deceive.
                    label = f"{entry.get('name')}, {found['name']}, {address[:8]}...{address[-8:]}{tagged}"
                    named.append((label, Entry(address, tag)))
    return unique_labels(named)


def known(connection: Connection, lookups: Lookups, source: "pd.Series[Any]", address: str, tag: str | None) -> Known:
    """Return what is known of an address that an account may pay with this tag."""

    def admits(tags: list[int]) -> bool:
        return tag in map(str, tags) if tag is not None else not tags

    currency = str(source["currency"])
    said = lookups.is_address(currency, address)
    listed, as_given = "", False
    for rule in _whitelist_rules(source):
        place, _ = listed_in(lookups, rule, currency, address)
        with_tag, _ = listed_in(lookups, rule, currency, address, admits)
        if with_tag is not None and not as_given:
            listed, as_given = with_tag, True
        listed = listed or place or ""
    # What is no address has no risk either, and the provider charges for each question.
    risk = "" if said is False else risk_of(connection, address)
    known_ones = lookups.listed()
    alike = mark(address, known_ones)
    valid = None if isinstance(said, LedgerError) else said
    return Known(valid, listed, as_given, risk, alike, known_ones.uncompared)


def risk_of(connection: Connection, address: str) -> str:
    """Return what compliance says of the risk of an address, in words."""
    if connection.family not in families("GET /compliance/address-risk/{address}"):
        return "risk not known: these credentials can't ask"
    try:
        row = Compliance(connection).address_risk(address).iloc[0]
    except LedgerError as error:
        return f"risk not known: {error.message}"
    return "risk not known: the service says none" if pd.isna(row["risk"]) else f"risk {row['risk']}"


def _whitelist_rules(source: "pd.Series[Any]") -> Iterator[list[Any]]:
    rule_sets = source["governance_rules"]
    for rule_set in rule_sets if isinstance(rule_sets, list) else []:
        for rule in rule_set.get("rules") or []:
            if rule.get("type") == "WHITELIST":
                yield rule.get("data") or []
