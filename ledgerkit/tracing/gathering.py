"""What every trace gathers: requests and their votes, accounts, whitelist entries, risk, people, and events."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from ledgerkit.addresses import same_address
from ledgerkit.charts import Chart
from ledgerkit.directions import direction
from ledgerkit.reports.making import Making
from ledgerkit.reports.rows import framed, records
from ledgerkit.showing import visible
from ledgerkit.tracing import timeline
from ledgerkit.tracing.lanes import draw
from ledgerkit.tracing.reads import Reads, texts
from ledgerkit.tracing.shapes import address_spellings
from ledgerkit.tracing.tables import (
    APPROVALS,
    ENTRIES,
    HIDDEN,
    RISKS,
    Row,
    Shaping,
    votes,
)
from ledgerkit.tracing.trace import TIMELINE, Trace

# Each costs a call, or two: what is left out is noted.
MOST_REQUESTS: Final = 200
MOST_ADDRESSES: Final = 20


class Gathering:
    """What is known around one object, while it is looked up.

    Parameters
    ----------
    making
        The report that is made.
    reads
        What is read once.
    """

    def __init__(self, making: Making, reads: Reads) -> None:
        self.making = making
        self.session = making.session
        self.reads = reads
        self.shaping = Shaping(making)
        self.tables: dict[str, pd.DataFrame] = {}
        self.events: list[Row] = []
        self.involved: list[int] = []
        self._requests: list[Row] = []

    # Requests and votes

    def history(self, kind: str, section: Any, ids: Sequence[int]) -> None:
        """Add the requests that created and changed objects of a kind; each object costs a call."""
        asked = self._bounded(ids, f"History of {kind}s")
        frame = self.making.part(f"the history of {kind}s", lambda: section.history(asked)) if asked else None
        for row in records(frame):
            if row["id"] is None:
                if row.get("error"):
                    self.making.note(f"Without the history of {kind} {row[f'{kind}_id']}: {row['error']}")
                continue
            of = {"target_type": kind.upper(), "target_id": row[f"{kind}_id"], "expires_at": row["expired_at"]}
            self.add_requests([{**row, **of}], f"changed {kind} {row[f'{kind}_id']}")

    def add_requests(self, rows: Iterable[Row], relation: str) -> None:
        """Add requests, with what they have to do with what is traced."""
        for row in rows:
            word = "made" if relation.startswith("changed") and str(row["type"]).startswith("CREATE_") else None
            said = relation.replace("changed", word, 1) if word else relation
            before = next((one for one in self._requests if one["id"] == row["id"]), None)
            if before is None:
                self._requests.append({**row, "relation": said})
            elif said not in str(before["relation"]).split("; "):
                self._requests[self._requests.index(before)] = {
                    **before,
                    "relation": f"{before['relation']}; {said}",
                }

    def request_ids(self, ids: Iterable[Any], relation: str) -> None:
        """Add requests by their ids, where they are not there already."""
        there = {row["id"] for row in self._requests}
        missing = sorted({int(one) for one in ids if one is not None} - there, reverse=True)
        asked = self._bounded(missing, "Requests by id")
        frame = self.making.part("some requests", lambda: self.session.requests.get(asked)) if asked else None
        for row in records(frame):
            if row.get("error"):
                self.making.note(f"Without request {row['id']}: {row['error']}")
            else:
                self.add_requests([row], relation)

    def settle_requests(self) -> None:
        """Make the tables of requests and of their votes, and the events of both."""
        requests = self.shaping.requests(self._requests)
        self.tables["requests"] = requests
        self.events += timeline.of_requests(requests)
        ids = self._bounded(requests["id"].tolist(), "Votes on requests")
        session = self.session
        steps = self.making.part("who approved", lambda: session.requests.governance_status(ids)) if ids else None
        approvals = self.approvals(records(steps))
        self.tables["approvals"] = approvals
        self.events += timeline.of_approvals(approvals)

    def approvals(self, steps: Sequence[Row]) -> pd.DataFrame:
        """Return a row for each vote, and one for each step that has none."""
        rows: list[dict[str, Any]] = []
        for step in steps:
            may = [
                one.get("id") if isinstance(one, dict) else one
                for group in [step.get("approvers")]
                if isinstance(group, list)
                for one in group
            ]
            index = step.get("step_index")
            shared = {
                "request_id": step["request_id"],
                "step": None if index is None else index + 1,
                "group_id": step.get("group_id"),
                "quorum": step.get("quorum"),
                "is_complete": step.get("is_complete"),
                "may": may,
                "why_not": step.get("error"),
            }
            if index is None and not step.get("error"):
                shared["why_not"] = "the service shows no step of it to you"
            given = votes(step)
            rows += [{**shared, "vote": vote, "who_id": who, "time": at} for vote, who, at in given]
            if not given:
                rows.append(shared)
        people = {one for row in rows for one in (row.get("who_id"), *row["may"]) if isinstance(one, int)}
        names = self.shaping.names("user", people)
        groups = self.shaping.names("group", [row["group_id"] for row in rows if row["group_id"] is not None])
        for row in rows:
            row["group_name"] = groups.get(row["group_id"])
            row["may_approve"] = ", ".join(_called(one, names) for one in row["may"]) or None
            if row.get("vote") is not None:
                row["who"] = _called(row["who_id"], names)
                if row.get("time") is None:
                    row["why_not"] = "the service gives no time that can be read"
                    self.making.note(
                        f"A vote on request {row['request_id']} has no time: it is in `approvals`, and not in the "
                        "timeline."
                    )
        return framed(APPROVALS, rows)

    # What stands around

    def accounts(self, ids: Iterable[Any], *, events: bool = True, name: str = "accounts") -> pd.DataFrame:
        """Add accounts by their ids, as far as they are visible."""
        wanted = {int(one) for one in ids if one is not None}
        listed = self.reads.accounts
        if listed is None:
            listed = self.session.accounts.get([])
        found = self.shaping.accounts(listed[listed["id"].isin(list(wanted))])
        if self.reads.accounts is not None and (unseen := wanted - set(found["id"])):
            self.making.note(f"Accounts that are not visible here: {', '.join(map(str, sorted(unseen)))}.")
        self.tables[name] = found
        if events:
            self.events += timeline.of_objects("account", found, self._creators(found))
        return found

    def entries(self, addresses: Iterable[str]) -> pd.DataFrame:
        """Add the whitelist entries of addresses."""
        wanted = list(addresses)
        rows = [one for one in self.reads.entries() if any(same_address(one["address"], other) for other in wanted)]
        found = framed(ENTRIES, rows)
        self.tables["whitelist_entries"] = found
        return found

    def risk(self, roles: Mapping[str, str]) -> pd.DataFrame:
        """Add the risk and the sanctions of addresses; each costs two calls."""
        asked = self._bounded(list(roles), "Risk of addresses", MOST_ADDRESSES)
        compliance = self.session.compliance
        if asked:
            risks = self.making.part("the risk of addresses", lambda: compliance.address_risk(asked))
            sanctions = self.making.part("sanctions", lambda: compliance.sanctions(asked))
        else:
            risks = sanctions = None
        by_risk = {row["address"]: row for row in records(risks)}
        by_sanctions = {row["address"]: row for row in records(sanctions)}
        rows = []
        for one in asked:
            risk, sanction = by_risk.get(one, {}), by_sanctions.get(one, {})
            faults = [answer["error"] for answer in (risk, sanction) if answer.get("error")]
            rows.append(
                {
                    "address": one,
                    "role": roles[one],
                    "risk": risk.get("risk"),
                    "provider_risk": risk.get("provider_details_risk"),
                    "reason": risk.get("provider_details_reason"),
                    "has_sanctions": sanction.get("has_sanctions"),
                    "why_not": "; ".join(dict.fromkeys(faults))
                    or (None if risk and sanction else "could not be asked: see the notes"),
                }
            )
        found = framed(RISKS, rows)
        self.tables["risk"] = found
        self._alarm(found)
        return found

    def payments(self, frame: pd.DataFrame | None, name: str = "transactions") -> pd.DataFrame:
        """Add transactions under a name."""
        found = self.shaping.payments(self.session.transactions.get([]) if frame is None else frame)
        self.tables[name] = found
        return found

    def with_counterparties(self, payments: pd.DataFrame) -> dict[str, str]:
        """Add the other transactions with the counterparties of transactions, and return these with their roles."""
        roles = self.counterparties(payments)
        asked = self._bounded(list(roles), "Other transactions with counterparties", MOST_ADDRESSES)
        ids = set(payments["id"])
        parts = []
        for one in asked:
            spellings = address_spellings(one, roles)
            found = self.reads.touching(one, spellings)
            if found is not None:
                parts.append(found[~found["id"].isin(list(ids))])
                ids |= set(found["id"])
        there = [part for part in parts if len(part)]
        others = pd.concat(there).sort_values("id", ascending=False, ignore_index=True) if there else None
        if others is not None:
            others.attrs = dict(there[0].attrs)
        self.payments(others, "other_transactions")
        if asked:
            self.note_period()
        return roles

    def counterparties(self, payments: pd.DataFrame) -> dict[str, str]:
        """Return the addresses on the other side of transactions, with their roles."""
        roles: dict[str, str] = {}
        for row in records(payments):
            incoming = direction(row["type"]) == "in"
            sent = [] if incoming else [row["recipient"]]
            # What came in has its senders; what a request made was sent by the account itself.
            came = texts(row["senders"]) if incoming or row["last_request"] is None else []
            for role, addresses in (("recipient", sent), ("sender", came)):
                for one in addresses:
                    if one:
                        roles.setdefault(one, role)
        return roles

    def note_period(self) -> None:
        """Say how far back senders were looked for."""
        if self.reads.period is None:
            self.making.note("Without transactions that came from an address: the period could not be read.")
            return
        self.making.note(
            f"Transactions to an address were asked for of all times. Those from it, and those that spell it in "
            f"another case, were looked for among the {len(self.reads.period):,} created since "
            f"{self.reads.since_text}; since=... sets another day."
        )

    # The end

    def trace(self, kind: str, title: str, main: str, *, focus: Sequence[str] = ("transaction", "request")) -> Trace:
        """Return the trace of what was gathered: the thing itself, the timeline, and all that stands around."""
        events = timeline.timeline(self.events)
        others = {name: frame for name, frame in self.tables.items() if name != main}
        users = self.reads.users
        tables = {main: self.tables[main], TIMELINE: events, **others}
        tables["people"] = timeline.people(events, users, self.involved)
        known = records(tables["people"])
        if any(row["user_id"] is None for row in known):
            self.making.note(
                "The service hides some people from you: their ids and names are missing, they share one row of "
                "`people`, and how many they are can't be told."
            )
        if nameless := [str(row["user_id"]) for row in known if row["user_id"] and not row["username"]]:
            self.making.note(f"Users whose names are not visible here: {', '.join(nameless)}.")

        def chart() -> Chart:
            return draw(title, events, focus)

        report = self.making.report(title, tables, {TIMELINE: chart})
        return Trace(report.title, report.tables, report.notes, report.about, report.drawings, kind)

    def object_events(self, kind: str, frame: pd.DataFrame, title: str = "name") -> None:
        """Add the creation of objects that have a creator."""
        self.events += timeline.of_objects(kind, frame, self._creators(frame), title)

    def _creators(self, frame: pd.DataFrame) -> dict[int, str]:
        return self.shaping.names("user", frame["created_by"].dropna().tolist())

    def _bounded(self, ids: Sequence[Any], what: str, most: int = MOST_REQUESTS) -> list[Any]:
        chosen = list(dict.fromkeys(ids))
        if len(chosen) > most:
            self.making.note(
                f"{what}: only the first {most} of {len(chosen):,} were asked for, since each costs a call."
            )
        return chosen[:most]

    def _alarm(self, risks: pd.DataFrame) -> None:
        for row in records(risks):
            if row["has_sanctions"]:
                self.making.note(f"The provider lists sanctions against {visible(row['address'])} ({row['role']}).")


def _called(one: Any, names: Mapping[int, str]) -> str:
    if not isinstance(one, int):
        return HIDDEN
    return names.get(one) or f"user {one}"
