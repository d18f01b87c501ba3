"""Whitelists: what is on them, what is odd about it, what was never paid, and who is paid without being listed."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from ledgerkit.addresses import one_key
from ledgerkit.amounts import Unit, to_display
from ledgerkit.directions import direction
from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.frames import FLAG, INTEGER, NUMBER, TEXT, TIME
from ledgerkit.known_addresses import DEAD
from ledgerkit.reports.exactly import known as is_known
from ledgerkit.reports.exactly import total
from ledgerkit.reports.listed_addresses import (
    COMPARED,
    Entry,
    Finding,
    Seen,
    Whitelist,
    entries_of,
    odd,
)
from ledgerkit.reports.making import Making
from ledgerkit.reports.report import Report
from ledgerkit.reports.rows import counted, framed, records
from ledgerkit.reports.screening import MOST_ADDRESSES, Screened, one_address, screen
from ledgerkit.reports.weak_spots import SEVERITIES
from ledgerkit.reports.whitelist_charts import draw_addresses
from ledgerkit.reports.whitelist_findings import Rules, Uses, of_lists, of_rules, risky, unused, used_by
from ledgerkit.resources.transactions import ENDED
from ledgerkit.session import Session
from ledgerkit.showing import visible

ADDRESSES: Final = {
    "whitelist_id": INTEGER,
    "whitelist_name": TEXT,
    "whitelist_status": TEXT,
    "address_id": INTEGER,
    "address_name": TEXT,
    "currency": TEXT,
    "address": TEXT,
    "tags": TEXT,
    "transactions": INTEGER,
    "last_used": TIME,
    "risk": TEXT,
    "provider_risk": TEXT,
    "risk_reason": TEXT,
    "sanctioned": FLAG,
    "checked": TEXT,
    "gravest": TEXT,
    "findings": TEXT,
}
FINDINGS: Final = {
    "severity": TEXT,
    "kind": TEXT,
    "sentence": TEXT,
    "whitelists": TEXT,
    "currency": TEXT,
    "address": TEXT,
    "address_names": TEXT,
    "evidence": TEXT,
}
LISTS: Final = {
    "whitelist_id": INTEGER,
    "whitelist_name": TEXT,
    "status": TEXT,
    "created_on": TIME,
    "addresses": INTEGER,
    "currencies": TEXT,
    "accounts": INTEGER,
    "account_names": TEXT,
    "used": INTEGER,
    "unused": INTEGER,
    "findings": INTEGER,
}
RECIPIENTS: Final = {
    "account_id": INTEGER,
    "account_name": TEXT,
    "currency": TEXT,
    "recipient": TEXT,
    "own_account": TEXT,
    "why": TEXT,
    "types": TEXT,
    "transactions": INTEGER,
    "first_on": TIME,
    "last_on": TIME,
    "amount": NUMBER,
    "ticker": TEXT,
    "amount_base": NUMBER,
    "note": TEXT,
}


@dataclass
class Traffic:
    """What was sent, and who sent, in the time that is looked at; None where it could not be read."""

    sent: list[dict[str, Any]] | None = None
    senders: Counter[str] = field(default_factory=Counter)


def whitelists(session: Session, *, months: int = 12, checked: int = MOST_ADDRESSES) -> Report:
    """Say what is on whitelists, what is odd about it, and who is paid without being listed.

    Parameters
    ----------
    session
        From :func:`ledgerkit.connect`.
    months
        An address to which nothing was sent for so long is unused.
    checked
        About how many addresses compliance is asked, those that are used most first: two calls each, 0 for none.

    Returns
    -------
    Report
        ``findings``: ``severity``, ``kind``, ``whitelists``, the addresses with their names, ``sentence`` and
        ``evidence``.

        ``addresses``: a row per whitelist and address: ``transactions`` to it (those that failed, were rejected or
        replaced do not count), ``last_used``, what compliance says, and the kinds of its findings.

        ``recipients``: who was paid and is on no list that is in force, a row per account and address: ``why``,
        ``own_account`` where it is one, and of transactions of the type SEND the exact sum in ``ticker``, with the
        base units beside.

        ``whitelists``: a row each: ``accounts`` whose rules use it, how many addresses were used.

        Chart ``addresses``.

    Raises
    ------
    InvalidRequest
        ``months`` or ``checked`` can't be used.

    Notes
    -----
    From ``GET /whitelists``, ``/accounts``, ``/transactions``, ``/compliance/address-risk`` and
    ``/compliance/sanctions``.
    """
    for name, value, least in (("months", months, 1), ("checked", checked, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 1_200:
            raise InvalidRequest(f"`{name}` = {shorten(value)} can't be used: it is {least} to 1200.", field=name)
    with Making.of(session, months=months, checked=checked) as making:
        first, last = making.period(making.now.normalize() - pd.DateOffset(months=months), None)
        rows = records(session.whitelists.search(order="asc", order_by="id"))
        accounts = making.part("the rules and addresses of accounts", lambda: session.accounts.search())
        owned = records(accounts)
        lists, entries = _read(making, rows)
        traffic = _traffic(making, first, last)
        uses = _uses(entries, traffic)
        users = used_by(owned)
        living = [one for one in entries if one.whitelist.living]
        unlisted = _unlisted(making, entries, traffic, owned)
        screened = _screened(making, living, uses, checked)
        findings = sorted(
            [
                *odd(living, _seen(unlisted, traffic, living, owned)),
                *risky(living, screened),
                *unused(rows, living, uses, months, first),
                *([] if accounts is None else of_rules(lists, entries, users, owned)),
                *of_lists(lists, entries),
            ],
            key=lambda one: (SEVERITIES.index(one.severity), one.kind),
        )
        _notes(making, traffic, lists, months)
        kinds = _kinds(findings)
        held: dict[int, list[Entry]] = {}
        for one in entries:
            held.setdefault(one.whitelist.id, []).append(one)
        about = Counter(number for one in findings for number in _lists_of(one))
        tables = {
            "findings": framed(FINDINGS, map(_finding_row, findings)),
            "addresses": framed(ADDRESSES, (_entry_row(one, uses, screened, kinds.get(one, [])) for one in entries)),
            "recipients": framed(RECIPIENTS, unlisted),
            "whitelists": framed(
                LISTS,
                (
                    _list_row(
                        row, held.get(row["id"], []), uses, None if accounts is None else users, about[row["id"]]
                    )
                    for row in rows
                ),
            ),
        }
        in_force = tables["addresses"][~tables["addresses"]["whitelist_status"].isin(list(DEAD))]
        return making.report(
            "Whitelists: what is on them, and what is not", tables, {"addresses": lambda: draw_addresses(in_force)}
        )


def _read(making: Making, rows: Sequence[Mapping[str, Any]]) -> tuple[dict[int, Whitelist], list[Entry]]:
    lists, entries, unread, bare = {}, [], 0, 0
    for row in rows:
        one = Whitelist(row["id"], str(row["name"] or f"whitelist {row['id']}"), row["status"])
        lists[one.id] = one
        found, missed = entries_of(one, row["addresses"])
        entries += found
        unread += missed
        bare += not isinstance(row["addresses"], list)
    if unread:
        making.note(
            f"{unread} addresses of whitelists are empty, or of a shape that is not known: they are left out."
        )
    if bare:
        making.note(f"{bare} whitelists do not show their addresses: they count as empty here.")
    return lists, entries


def _traffic(making: Making, first: pd.Timestamp, last: pd.Timestamp) -> Traffic:
    session = making.session
    found = making.part(
        "transactions, and so without what is used and who is paid",
        lambda: session.transactions.search(created_after=first, created_before=last),
    )
    if found is None:
        return Traffic()
    found = making.named(found, "account_id")
    columns = [
        *("id", "account_id", "account_name", "type", "status", "currency", "amount", "recipient", "senders"),
        *("created_on", "coin_fields_destination_tag"),
    ]
    rows = records(found[columns])
    incoming = [row for row in rows if direction(row["type"]) == "in"]
    # What stays inside, and what is of a type of which that is not known, may name somebody who is paid.
    outgoing = [row for row in rows if direction(row["type"]) != "in" and row["status"] not in ENDED]
    if lost := sum(row["recipient"] is None and str(row["type"]).startswith("SEND") for row in outgoing):
        making.note(
            f"{lost} transactions of the type SEND show no recipient: whether they went to a list is not told."
        )
    senders = Counter(
        one for row in incoming for one in dict.fromkeys(row["senders"] or []) if isinstance(one, str) and one
    )
    return Traffic([row for row in outgoing if row["recipient"]], senders)


def _uses(entries: Sequence[Entry], traffic: Traffic) -> Uses | None:
    """Return how many transactions went to each entry, and when the last was made."""
    if traffic.sent is None:
        return None
    by_key: dict[tuple[str, str], list[Entry]] = {}
    for one in entries:
        by_key.setdefault(one.key, []).append(one)
    uses: dict[Entry, tuple[int, Any]] = {}
    for row in traffic.sent:
        for one in by_key.get((str(row["currency"]), one_key(row["recipient"])), ()):
            if one.admits(row["coin_fields_destination_tag"]):
                number, last = uses.get(one, (0, None))
                later = [moment for moment in (last, row["created_on"]) if moment is not None]
                uses[one] = number + 1, max(later, default=None)
    return uses


def _unlisted(
    making: Making, entries: Sequence[Entry], traffic: Traffic, accounts: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    by_key: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        by_key.setdefault(entry.key, []).append(entry)
    own = _own(accounts)
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in traffic.sent or []:
        key = str(row["currency"]), one_key(row["recipient"])
        why = _why(by_key.get(key, ()), row["coin_fields_destination_tag"])
        if why is not None:
            groups.setdefault((row["account_id"], *key, why), []).append(row)
    units = making.units({one[0] for one in groups if one[0] is not None})
    found = [
        {
            "account_id": account,
            "account_name": rows[0]["account_name"],
            "currency": currency,
            "recipient": rows[0]["recipient"],
            "own_account": own.get(address),
            "why": why,
            "types": ", ".join(sorted({str(row["type"]) for row in rows})),
            "transactions": len(rows),
            "first_on": min((row["created_on"] for row in rows if row["created_on"] is not None), default=None),
            "last_on": max((row["created_on"] for row in rows if row["created_on"] is not None), default=None),
            **_sum(rows, units[account].amount if account in units else None),
        }
        for (account, currency, address, why), rows in groups.items()
    ]
    return sorted(found, key=lambda row: (-row["transactions"], row["account_id"] or 0, row["recipient"]))


def _why(entries: Iterable[Entry], tag: int | None) -> str | None:
    """Return why a payment goes to no list in force; None where it goes to one."""
    listed = list(entries)
    force = [one for one in listed if one.whitelist.status == "ACTIVE"]
    if any(one.admits(tag) for one in force):
        return None
    if force:
        return "listed with other tags" if tag is not None else "listed with tags, and this has none"
    if listed:
        lists = dict.fromkeys(f"{visible(one.whitelist.name)} ({one.whitelist.status})" for one in listed)
        return f"only on {', '.join(lists)}"
    return "on no list"


def _own(accounts: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the names of own accounts by their address; tokens have that of the account that they are on."""
    return {
        one_key(str(row["address"])): str(row["name"]) for row in accounts if row["address"] and not row["parent"]
    }


def _sum(rows: Sequence[Mapping[str, Any]], unit: Unit | None) -> dict[str, Any]:
    """Return the exact sum of what was sent; what is no plain send is in a unit that is not sure."""
    plain = [row["amount"] for row in rows if row["type"] == "SEND"]
    missing = sum(not is_known(one) for one in plain)
    parts = []
    if len(plain) < len(rows):
        parts.append(f"{len(rows) - len(plain)} are no SEND, and not in the sum")
    if missing:
        parts.append(f"{missing} show no amount, and are not in the sum")
    if len(plain) == missing:
        return {"note": "; ".join(parts) or None}
    base = total(plain)
    shown = {} if unit is None else {"amount": to_display(base, unit.magnitude), "ticker": unit.code}
    return {"amount_base": base, **shown, "note": "; ".join(parts) or None}


def _seen(
    unlisted: Sequence[Mapping[str, Any]],
    traffic: Traffic,
    living: Sequence[Entry],
    accounts: Sequence[Mapping[str, Any]],
) -> list[Seen]:
    listed = {one_key(one.address) for one in living}
    own = _own(accounts)
    paid: Counter[str] = Counter()
    for row in unlisted:
        paid[row["recipient"]] += row["transactions"]
    seen = [
        *(Seen(address, f"{visible(address)}, the own account {visible(name)},") for address, name in own.items()),
        *(
            Seen(address, f"{visible(address)}, which {counted(number, 'transaction')} went to,")
            for address, number in paid.items()
        ),
        *(
            Seen(address, f"{visible(address)}, the sender of {counted(number, 'transaction')},")
            for address, number in traffic.senders.items()
        ),
    ]
    # The first of an address says what it is.
    first = {one_key(one.address): one for one in reversed(seen)}
    return [one for key, one in reversed(first.items()) if key not in listed]


def _screened(making: Making, living: Sequence[Entry], uses: Uses | None, checked: int) -> Screened:
    often: Counter[str] = Counter()
    for one in living:
        often[one.address] += (uses or {}).get(one, (0, None))[0]
    wanted = [address for address, _ in often.most_common()]
    if len(wanted) > checked:
        making.note(
            f"Compliance was asked about {checked} of {len(wanted)} addresses, those that are used most; `checked` "
            "takes more."
        )
    return screen(making, wanted[:checked], "addresses") if checked and wanted else Screened()


def _notes(making: Making, traffic: Traffic, lists: Mapping[int, Whitelist], months: int) -> None:
    if traffic.sent is not None:
        making.note(
            f"Used means a transaction created in the last {months} months that did not fail and was not rejected or "
            "replaced; what a contract call passes on is not seen."
        )
    making.note(
        f"{COMPARED} Compared are listed addresses with each other, with those of own accounts, and with recipients "
        "and senders; of own accounts of Bitcoin and its like, which have many, no address is known here."
    )
    states = Counter(one.status for one in lists.values() if one.status != "ACTIVE")
    if states:
        listed = ", ".join(f"{number} {status}" for status, number in sorted(states.items(), key=str))
        making.note(
            f"Not in force: {listed}. What was rejected or revoked is listed, and looked at for nothing else."
        )


# Tables


def _kinds(findings: Iterable[Finding]) -> dict[Entry, list[Finding]]:
    found: dict[Entry, list[Finding]] = {}
    for one in findings:
        for entry in one.entries:
            found.setdefault(entry, []).append(one)
    return found


def _lists_of(one: Finding) -> set[int]:
    return {entry.whitelist.id for entry in one.entries} | ({one.whitelist.id} if one.whitelist else set())


def _finding_row(one: Finding) -> dict[str, Any]:
    lists = [entry.whitelist for entry in one.entries] or ([one.whitelist] if one.whitelist else [])
    return {
        "severity": one.severity,
        "kind": one.kind,
        "whitelists": ", ".join(dict.fromkeys(visible(entry.name) for entry in lists)) or None,
        "currency": ", ".join(dict.fromkeys(entry.currency for entry in one.entries)) or None,
        "address": ", ".join(dict.fromkeys(entry.address for entry in one.entries)) or None,
        "address_names": ", ".join(dict.fromkeys(visible(entry.name) for entry in one.entries)) or None,
        "sentence": one.sentence,
        "evidence": one.evidence,
    }


def _entry_row(
    one: Entry,
    uses: Uses | None,
    screened: Screened,
    findings: Sequence[Finding],
) -> dict[str, Any]:
    number, last = (None, None) if uses is None else uses.get(one, (0, None))
    risk, sanctions = (of.get(one_address(one.address), {}) for of in (screened.risk, screened.sanctions))
    refusals = dict.fromkeys(str(answer["error"]) for answer in (risk, sanctions) if answer.get("error"))
    asked = "not asked" if not risk and not sanctions else "; ".join(refusals) or "yes"
    return {
        "whitelist_id": one.whitelist.id,
        "whitelist_name": one.whitelist.name,
        "whitelist_status": one.whitelist.status,
        "address_id": one.id,
        "address_name": one.name,
        "currency": one.currency,
        "address": one.address,
        "tags": ", ".join(map(str, one.tags)) or None,
        "transactions": number,
        "last_used": last,
        "risk": risk.get("risk"),
        "provider_risk": risk.get("provider_details_risk"),
        "risk_reason": risk.get("provider_details_reason"),
        "sanctioned": sanctions.get("has_sanctions"),
        "checked": asked,
        "gravest": findings[0].severity if findings else None,
        "findings": ", ".join(dict.fromkeys(finding.kind for finding in findings)) or None,
    }


def _list_row(
    row: Mapping[str, Any],
    own: Sequence[Entry],
    uses: Uses | None,
    users: Rules | None,
    findings: int,
) -> dict[str, Any]:
    accounts = None if users is None else dict.fromkeys(account for account, _, _ in users.get(row["id"], ()))
    used = None if uses is None else sum(one in uses for one in own)
    return {
        "whitelist_id": row["id"],
        "whitelist_name": row["name"],
        "status": row["status"],
        "created_on": row["created_on"],
        "addresses": len(own),
        "currencies": ", ".join(dict.fromkeys(one.currency for one in own)) or None,
        "accounts": None if accounts is None else len(accounts),
        "account_names": None if not accounts else ", ".join(map(visible, accounts)),
        "used": used,
        "unused": None if used is None else len(own) - used,
        "findings": findings,
    }
