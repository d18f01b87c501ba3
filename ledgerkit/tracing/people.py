"""What is known around accounts, users, groups, whitelists, entities, messages, pledges and settlements."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from ledgerkit.addresses import same_address
from ledgerkit.cards.sections import person
from ledgerkit.reports.rows import framed, records
from ledgerkit.showing import visible
from ledgerkit.tracing import timeline
from ledgerkit.tracing.gathering import Gathering
from ledgerkit.tracing.money import of_transactions, plain_table
from ledgerkit.tracing.reads import where
from ledgerkit.tracing.tables import ENTRIES
from ledgerkit.tracing.trace import Trace


def account(gathering: Gathering, key: int) -> Trace:
    """Trace one account: its transactions of the period, changes, balances, rules, and what holds it."""
    session, making, reads = gathering.session, gathering.making, gathering.reads
    frame = session.accounts.get(key)
    own = gathering.shaping.accounts(frame)
    gathering.tables["account"] = own
    gathering.object_events("account", frame)
    since = reads.since.to_pydatetime()
    found = making.part("its transactions", lambda: session.transactions.search(account=key, created_after=since))
    payments = gathering.payments(found)
    gathering.events += timeline.of_payments(payments)
    if found is not None:
        making.note(f"Its transactions are those created since {reads.since_text}; since=... sets another day.")
    gathering.history("account", session.accounts, [key])
    gathering.request_ids(frame["last_request"].dropna().tolist(), "last request of the account")
    gathering.request_ids(payments["last_request"].dropna().tolist(), "last request of a transaction of it")
    gathering.settle_requests()
    balances = making.part("its balances", lambda: session.accounts.balances(key))
    if balances is not None:
        scaled = making.part("balances in display units", lambda: session.to_display(balances))
        gathering.tables["balances"] = balances if scaled is None else scaled
    around = [*frame["parent"].dropna().tolist()]
    listed = reads.accounts
    if listed is not None:
        around += listed[(listed["parent"] == key).fillna(False)]["id"].tolist()
    gathering.accounts(around, events=False, name="parent_and_tokens")
    roles = gathering.counterparties(payments)
    gathering.tables["whitelists"] = _list(gathering, "its whitelists", session.whitelists, account=key)
    gathering.tables["entities"] = _list(gathering, "its entities", session.entities, account=key)
    users = making.part("the users in its rules", lambda: session.users.search(account=key))
    gathering.involved += [] if users is None else users["id"].tolist()
    gathering.risk(roles)
    row = records(own)[0]
    return gathering.trace(
        "account", f"Account {key} · {visible(row['name'] or '')}: {row['type']}, {row['status']}", "account"
    )


def user(gathering: Gathering, key: int) -> Trace:
    """Trace one user: what was asked for, approved and rejected, and which groups and accounts name the user."""
    session, making, reads = gathering.session, gathering.making, gathering.reads
    frame = session.users.get(key)
    gathering.tables["user"] = plain_table(gathering, frame)
    gathering.object_events("user", frame, "username")
    gathering.involved.append(key)
    since = reads.since.to_pydatetime()
    asked: dict[str, dict[str, Any]] = {
        "created by the user": {"created_by": key, "created_after": since},
        "approved by the user": {"approved_by": key, "created_after": since},
        "rejected by the user": {"rejected_by": key, "created_after": since},
        "waits for the user": {"pending_by": key},
    }
    for relation, filters in asked.items():
        found = making.part(f"requests {relation}", _search(session.requests, filters))
        gathering.add_requests(records(found), relation)
    making.note(
        f"Requests of the user are those created since {reads.since_text}; since=... sets another day. What waits "
        "for the user is of all times."
    )
    gathering.history("user", session.users, [key])
    gathering.request_ids(frame["last_request"].dropna().tolist(), "last request of the user")
    gathering.settle_requests()
    _own_votes_first(gathering, key)
    gathering.tables["groups"] = _list(gathering, "the user's groups", session.groups, members=key)
    found = making.part("the accounts that name the user", lambda: session.accounts.search(user=key))
    gathering.accounts([] if found is None else found["id"].tolist(), events=False)
    row = records(frame)[0]
    name = visible(str(row["username"] or ""))
    return gathering.trace("user", f"User {key} · {name}: {row['role']}, {row['status']}", "user")


def _own_votes_first(gathering: Gathering, key: int) -> None:
    """Say how many of the user's votes have no time in the timeline, since their requests were not asked for."""
    requests = gathering.tables["requests"]
    voted = requests[requests["relation"].str.contains("(?:approved|rejected) by the user", regex=True)]
    approvals = gathering.tables["approvals"]
    seen = set(approvals[(approvals["who_id"] == key).fillna(False)]["request_id"])
    if unseen := set(voted["id"]) - seen:
        gathering.making.note(
            f"{len(unseen)} of the {len(voted)} requests that the user voted on are in `requests` without the time "
            "of the vote, which is not in the timeline."
        )


def group(gathering: Gathering, key: int) -> Trace:
    """Trace one group: its members, changes, and the accounts whose rules name it."""
    session = gathering.session
    frame = session.groups.get(key)
    gathering.tables["group"] = plain_table(gathering, frame)
    members = [person(one) for one in (records(frame)[0]["members"] or [])]
    gathering.involved += [one for one in members if one is not None]
    if hidden := members.count(None):
        gathering.making.note(f"{hidden} of its {len(members)} members are hidden from you.")
    _changes(gathering, "group", session.groups, frame)
    found = gathering.making.part("the accounts that name it", lambda: session.accounts.search(group=key))
    gathering.accounts([] if found is None else found["id"].tolist(), events=False)
    return _titled(gathering, "group", frame)


def whitelist(gathering: Gathering, key: int) -> Trace:
    """Trace one whitelist: its addresses, changes, what was paid to them, and their risk."""
    session, reads = gathering.session, gathering.reads
    frame = session.whitelists.get(key)
    gathering.tables["whitelist"] = plain_table(gathering, frame)
    _changes(gathering, "whitelist", session.whitelists, frame)
    rows = [
        {
            **one,
            "whitelist_id": key,
            "whitelist_name": records(frame)[0]["name"],
            "status": records(frame)[0]["status"],
        }
        for one in (records(frame)[0]["addresses"] or [])
        if isinstance(one, dict)
    ]
    entries = framed(ENTRIES, rows)
    gathering.tables["whitelist_entries"] = entries
    addresses = entries["address"].dropna().unique().tolist()
    if reads.period is not None:
        there = {one.lower() for one in addresses}
        # In lower case first, which is quick; then as the network compares.
        maybe = reads.period[reads.period["recipient"].str.lower().isin(there)]
        paid = where(maybe, (any(same_address(one, other) for other in addresses) for one in maybe["recipient"]))
        payments = gathering.payments(paid)
        gathering.events += timeline.of_payments(payments)
        gathering.making.note(
            f"Transactions are those to its addresses, whatever list allowed them, created since {reads.since_text}."
        )
    else:
        gathering.payments(None)
    gathering.risk(dict.fromkeys(addresses, "whitelist entry"))
    gathering.making.note(
        "When an address came onto the list is told nowhere; `requests` has the changes of the list."
    )
    return _titled(gathering, "whitelist", frame)


def entity(gathering: Gathering, key: int) -> Trace:
    """Trace one entity: its accounts, users and changes."""
    session = gathering.session
    frame = session.entities.get(key)
    gathering.tables["entity"] = plain_table(gathering, frame)
    _changes(gathering, "entity", session.entities, frame)
    gathering.accounts([person(one) for one in (records(frame)[0]["accounts"] or [])], events=False)
    users = gathering.making.part("its users", lambda: session.entities.users(key))
    gathering.involved += [] if users is None else users["id"].dropna().tolist()
    return _titled(gathering, "entity", frame)


def message(gathering: Gathering, key: int) -> Trace:
    """Trace one message: its account, requests and votes."""
    frame = gathering.session.messages.get(key)
    gathering.tables["message"] = plain_table(gathering, frame)
    _changes(gathering, "message", gathering.session.messages, frame, "type")
    gathering.accounts(frame["account_id"].dropna().tolist(), events=False)
    row = records(frame)[0]
    return gathering.trace(
        "message", f"Message {key}: {row['message_type']}, {row['status']}", "message", focus=("message", "request")
    )


def pledge(gathering: Gathering, key: str) -> Trace:
    """Trace one pledge: its account, groups, and the settlements against it."""
    session, making = gathering.session, gathering.making
    frame = session.pledges.get(key)
    gathering.tables["pledge"] = _scaled(gathering, frame)
    settled = making.part("settlements", session.settlements.search)
    of_it = None if settled is None else settled[_same_text(settled["from_pledge_id"], key)]
    gathering.tables["settlements"] = session.settlements.get([]) if of_it is None else of_it
    gathering.request_ids(_requests_of(gathering.tables["settlements"]), "of a settlement against the pledge")
    gathering.settle_requests()
    gathering.accounts(frame["account_id"].dropna().tolist(), events=False)
    making.note("The service gives no times of pledges: the timeline has the requests that are known of them alone.")
    making.note("Requests that changed the pledge name an id that the pledge does not have: they are not here.")
    row = records(frame)[0]
    return gathering.trace("pledge", f"Pledge {key}: {row['state']}", "pledge")


def settlement(gathering: Gathering, key: str) -> Trace:
    """Trace one settlement: its pledge, transactions and requests."""
    session, making = gathering.session, gathering.making
    frame = session.settlements.get(key)
    gathering.tables["settlement"] = frame
    row = records(frame)[0]
    gathering.request_ids(_requests_of(frame), "of the settlement")
    paid = row["outbound_transaction_transaction_id"]
    found = None if paid is None else making.part("its transaction", lambda: session.transactions.get([paid]))
    if found is not None and not records(found)[0].get("error"):
        of_transactions(gathering, found)
    else:
        gathering.settle_requests()
    pledge_id = row["from_pledge_id"]
    held = None if pledge_id is None else making.part("its pledge", lambda: session.pledges.get([pledge_id]))
    if held is not None:
        gathering.tables["pledge"] = _scaled(gathering, held)
        more = held["account_id"].dropna().tolist()
        before = gathering.tables.get("accounts")
        gathering.accounts([*more, *([] if before is None else before["id"].tolist())], events=False)
    making.note("The service gives no times of settlements, and amounts of them in base units without a unit.")
    return gathering.trace("settlement", f"Settlement {key}: {row['state']}", "settlement")


def _changes(gathering: Gathering, kind: str, section: Any, frame: pd.DataFrame, title: str = "name") -> None:
    gathering.object_events(kind, frame, title)
    gathering.history(kind, section, frame["id"].tolist())
    gathering.request_ids(frame["last_request"].dropna().tolist(), f"last request of the {kind}")
    gathering.settle_requests()


def _titled(gathering: Gathering, kind: str, frame: pd.DataFrame) -> Trace:
    row = records(frame)[0]
    title = f"{kind.capitalize()} {row['id']} · {visible(row['name'] or '')}: {row['status']}"
    return gathering.trace(kind, title, kind, focus=(kind, "request", "transaction"))


def _list(gathering: Gathering, what: str, section: Any, **filters: Any) -> pd.DataFrame:
    found = gathering.making.part(what, _search(section, filters))
    return plain_table(gathering, section.get([]) if found is None else found)


def _search(section: Any, filters: dict[str, Any]) -> Any:
    return lambda: section.search(**filters)


def _scaled(gathering: Gathering, frame: pd.DataFrame) -> pd.DataFrame:
    plain = plain_table(gathering, frame)
    scaled = gathering.making.part("amounts in display units", lambda: gathering.session.to_display(plain))
    return plain if scaled is None else scaled


def _requests_of(settlements: pd.DataFrame) -> Iterable[int]:
    columns = ("outbound_transaction_request_id", "repledge_request_id")
    return [int(one) for name in columns for one in settlements[name].dropna()]


def _same_text(values: "pd.Series[Any]", text: str) -> "pd.Series[bool]":
    return values.str.lower() == text.lower()
