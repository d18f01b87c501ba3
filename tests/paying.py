"""A service in memory that plans are run against, and that can die, refuse and lose answers wherever a test says."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from serving import LeapingClock

from ledgerkit import payloads, plans
from ledgerkit.amounts import to_base_units
from ledgerkit.drafts import Draft
from ledgerkit.errors import NotFound, OutcomeUnknown
from ledgerkit.limits import Limiter
from ledgerkit.outcomes import Outcome, new_mark
from ledgerkit.plans import Plan
from ledgerkit.plans import journal as journals
from ledgerkit.plans.desks import Desk
from ledgerkit.transport import Answer

UNITS = [{"code": "satoshi", "magnitude": 0}, {"code": "BTC", "magnitude": 8}]
RECIPIENT = "tb1q9wexw9pzjklj7yqld6g3lejxzr0wgvwhzx0nek"


class Killed(BaseException):
    """The process is gone: nothing after this runs, but what the operating system does."""


@dataclass
class Moments:
    """What happens in the life of a plan, one after the other; it ends at the one that a test says."""

    end_at: int | None = None
    names: list[str] = field(default_factory=list)

    def pass_by(self, name: str) -> None:
        self.names.append(name)
        if self.end_at is not None and len(self.names) > self.end_at:
            raise Killed(name)


@dataclass
class Service:
    """The service, and the disk beside it."""

    # What each account has available; NA where the service does not say.
    available: Any = 10**12
    hidden: frozenset[int] = frozenset()
    clock: LeapingClock = field(default_factory=LeapingClock)
    moments: Moments = field(default_factory=Moments)
    # What it made: the note of each, in order.
    made: list[dict[str, Any]] = field(default_factory=list)
    pending: int = 0
    approved: list[int] = field(default_factory=list)
    approved_at: list[float] = field(default_factory=list)
    # What it does about the next posts, in turn: an error is raised instead, "lose" makes it and loses the answer.
    acts: list[Exception | str] = field(default_factory=list)
    # Whether it was said that nothing more is looked up.
    stopped: bool = False
    # What it answers to reads, by operation, instead of what they ask for.
    faults: dict[str, Exception] = field(default_factory=dict)
    # What it says of a mark that it does not have.
    missing: Callable[[], Outcome] = lambda: Outcome("not found", "nothing was seen.")

    def post(self, payload: Any) -> pd.DataFrame:
        self.moments.pass_by("before the service has it")
        act = self.acts.pop(0) if self.acts else "make"
        if isinstance(act, Exception):
            raise act
        self.made.append(payload.to_json())
        self.moments.pass_by("before the answer")
        if act == "lose":
            raise OutcomeUnknown("the answer was lost.")
        return pd.DataFrame({"id": [len(self.made)]})

    def find(self, body: dict[str, Any], mark: str | None, sent_at: float) -> Outcome:
        for number, made in enumerate(self.made, 1):
            if mark is not None and mark in str(made.get("note")):
                return Outcome("found", "it is there.", number)
        return self.missing()

    def amounts(self) -> list[int]:
        return [int(made["data"]["transaction_data"]["amount"]) for made in self.made]

    # What a connection offers

    def connection(self, **changes: Any) -> Any:
        return SimpleNamespace(
            family="api_user",
            origin={"environment": "LOCAL", "workspace": "acme", "base_url": "http://127.0.0.1:1", **changes},
            operator=None,
            transport=SimpleNamespace(
                clock=self.clock, server_time=self.clock.time, concurrency=2, limiter=Limiter(self.clock)
            ),
            check_writes=lambda call: None,
            ask=self.ask,
        )

    def ask(self, operation: str, path: str, *, params: Any = None) -> Answer:
        if operation in self.faults:
            raise self.faults[operation]
        assert operation == "GET /requests"
        return Answer(path, {"page_info": {"count": self.pending}}, None)

    # What lookups offer

    def account(self, account: int) -> Any:
        self.see(account)
        return pd.Series({"available_balance": self.available, "parent": pd.NA}, dtype=object)

    def units(self, account: int) -> Any:
        self.see(account)
        return UNITS, UNITS

    def see(self, account: int) -> None:
        if account in self.hidden:
            raise NotFound(f"no account {account}.")

    def stop(self) -> None:
        self.stopped = True

    def desk(self) -> Desk:
        def make(*, account: Any, recipient: str, amount: Any, **_: Any) -> Draft:
            mark = new_mark()
            payload = payloads.BitcoinLikeSend(
                account_id=int(account),
                account_name="Treasury",
                currency="bitcoin_testnet",
                amount=to_base_units(amount, UNITS),
                recipient=recipient,
                max_fees=100,
                fees_strategy=payloads.Speed("NORMAL"),
                note=payloads.Note("pay", mark),
            )
            return self.draft(payload, mark)

        def expected(given: dict[str, Any]) -> dict[str, Any]:
            amount = to_base_units(given["amount"], UNITS)
            return {"account_id": int(given["account"]), "recipient": given["recipient"], "amount": amount}

        return Desk(
            make,
            lambda body, mark: self.draft(payloads.from_json(body), mark),
            self.find,
            lookups=self,
            expected=expected,
            seen=lambda mark: mark in str(self.made),
        )

    def account_desk(self) -> Desk:
        """Of accounts, each approved as soon as it is made."""

        def make(**fields: Any) -> Draft:
            return self.draft(payloads.AccountCreation(index=0, **fields), None)

        def approve(request_id: int, body: dict[str, Any]) -> None:
            self.moments.pass_by("before the service has the approval")
            assert request_id not in self.approved, "approved twice"
            self.approved.append(request_id)
            self.approved_at.append(self.clock.time())
            self.moments.pass_by("before the answer to the approval")

        def waits(request_id: int) -> bool:
            return request_id not in self.approved

        return Desk(
            make, lambda body, mark: self.draft(payloads.from_json(body), mark), self.find_account, approve, waits
        )

    def find_account(self, body: dict[str, Any], mark: str | None, sent_at: float) -> Outcome:
        """Find it by its name, as a person would."""
        made = [number for number, one in enumerate(self.made, 1) if one == body]
        return Outcome("found", "", made[0]) if made else Outcome("not found", "")

    def draft(self, payload: Any, mark: str | None) -> Draft:
        return Draft(payload, send=self.post, find=lambda draft: Outcome("can't tell", ""), outbox=None, mark=mark)

    def plan(self, source: Any, journal: Path, **options: Any) -> Plan:
        return plans.payments(self.connection(), self.desk(), source, journal=journal, **options)


def payments(count: int) -> pd.DataFrame:
    """So many payments, each of its own amount: 1, 2, 3 ..."""
    return pd.DataFrame({"account": 2, "recipient": RECIPIENT, "amount": range(1, count + 1)})


def accounts(count: int) -> pd.DataFrame:
    """So many accounts to be created."""
    names = [f"Account {number}" for number in range(count)]
    return pd.DataFrame(
        {"name": names, "currency": "bitcoin", "account_type": "BITCOIN_LIKE", "policy_name": "Policy 1"}
    )


def watch_the_disk(monkeypatch: pytest.MonkeyPatch, moments: Callable[[], Moments]) -> None:
    """Let a process die before a line is written, in the middle of it, and after it is on the disk."""
    write = journals._write

    def written(descriptor: int, content: bytes) -> None:
        moments().pass_by("before a line")
        half = len(content) // 2
        os.write(descriptor, content[:half])
        moments().pass_by("in a line")
        write(descriptor, content[half:])
        moments().pass_by("after a line")

    monkeypatch.setattr(journals, "_write", written)


def forge(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the header of a journal as somebody would who knows how its checks are made."""
    lines, check = path.read_bytes().splitlines(), ""
    entries = [json.loads(line) for line in lines]
    change(entries[0])
    path.write_bytes(b"")
    for entry in entries:
        del entry["check"]
        line, check = journals._line(entry, check)
        path.write_bytes(path.read_bytes() + line)


def states(plan: plans.Plan) -> list[str]:
    return plan.results()["state"].tolist()


def one(**changes: Any) -> pd.DataFrame:
    return pd.DataFrame([{"account": 2, "recipient": RECIPIENT, "amount": "0.5 BTC", **changes}])
