"""The tables of a trace: declared columns, the same for no rows as for many; and what makes them of API frames."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import pandas as pd

from ledgerkit.cards.sections import person
from ledgerkit.display import NAMED
from ledgerkit.frames import FLAG, INTEGER, LIST, NUMBER, TEXT, TIME, Table
from ledgerkit.reports.making import Making

Row = Mapping[str, Any]
# Whom the service does not name to this caller.
HIDDEN: Final = "hidden from you"

PAYMENTS: Final = Table(
    "payment",
    {
        "id": INTEGER,
        "created_on": TIME,
        "account_id": INTEGER,
        "account_name": TEXT,
        "type": TEXT,
        "status": TEXT,
        "amount": NUMBER,
        "ticker": TEXT,
        "fees": NUMBER,
        "fees_ticker": TEXT,
        "recipient": TEXT,
        "senders": LIST,
        "note": TEXT,
        "tx_hash": TEXT,
        "block_height": INTEGER,
        "block_time": TIME,
        "broadcast_on": TIME,
        "created_by": INTEGER,
        "created_by_name": TEXT,
        "last_request": INTEGER,
        "risk": TEXT,
        "failure": TEXT,
        "amount_base": NUMBER,
        "fees_base": NUMBER,
        "display_note": TEXT,
    },
)
ACCOUNTS: Final = Table(
    "holder",
    {
        "id": INTEGER,
        "name": TEXT,
        "type": TEXT,
        "status": TEXT,
        "currency": TEXT,
        "contract_address": TEXT,
        "balance": NUMBER,
        "ticker": TEXT,
        "address": TEXT,
        "parent": INTEGER,
        "created_by": INTEGER,
        "created_by_name": TEXT,
        "created_on": TIME,
        "last_request": INTEGER,
        "balance_base": NUMBER,
        "display_note": TEXT,
    },
)
REQUESTS: Final = Table(
    "change",
    {
        "id": INTEGER,
        "type": TEXT,
        "status": TEXT,
        "target_type": TEXT,
        "target_id": INTEGER,
        "created_by": INTEGER,
        "created_by_name": TEXT,
        "created_on": TIME,
        "expires_at": TIME,
        "relation": TEXT,
    },
)
APPROVALS: Final = Table(
    "vote",
    {
        "request_id": INTEGER,
        "step": INTEGER,
        "group_id": INTEGER,
        "group_name": TEXT,
        "quorum": INTEGER,
        "is_complete": FLAG,
        "vote": TEXT,
        "who_id": INTEGER,
        "who": TEXT,
        "time": TIME,
        "may_approve": TEXT,
        "why_not": TEXT,
    },
)
PEOPLE: Final = Table(
    "person",
    {
        "user_id": INTEGER,
        "username": TEXT,
        "role": TEXT,
        "status": TEXT,
        "is_api": FLAG,
        "events": INTEGER,
        "did": TEXT,
    },
)
ENTRIES: Final = Table(
    "entry",
    {
        "whitelist_id": INTEGER,
        "whitelist_name": TEXT,
        "status": TEXT,
        "name": TEXT,
        "currency": TEXT,
        "address": TEXT,
    },
)
RISKS: Final = Table(
    "risk",
    {
        "address": TEXT,
        "role": TEXT,
        "risk": TEXT,
        "provider_risk": TEXT,
        "reason": TEXT,
        "has_sanctions": FLAG,
        "why_not": TEXT,
    },
)
FLOWS: Final = Table(
    "flow",
    {
        "account_id": INTEGER,
        "account_name": TEXT,
        "direction": TEXT,
        "transactions": INTEGER,
        "confirmed": INTEGER,
        "amount": NUMBER,
        "ticker": TEXT,
        "without_amount": INTEGER,
        "first": TIME,
        "last": TIME,
        "amount_base": NUMBER,
        "display_note": TEXT,
    },
)
ROLES: Final = Table("role", {"role": TEXT, "kind": TEXT, "id": INTEGER, "name": TEXT, "detail": TEXT})
RELATED: Final = Table("relation", {"relation": TEXT, "address": TEXT, "detail": TEXT})
MATCHES: Final = Table("candidate", {"kind": TEXT, "id": TEXT, "name": TEXT, "detail": TEXT, "ask": TEXT})
EVENTS: Final = Table(
    "event",
    {
        "time": TIME,
        "event": TEXT,
        "who": TEXT,
        "who_id": INTEGER,
        "kind": TEXT,
        "id": INTEGER,
        "detail": TEXT,
        "source": TEXT,
    },
)


def absent(value: Any) -> bool:
    """Say whether a value stands for none."""
    return not isinstance(value, list | dict) and (value is None or bool(pd.isna(value)))


def framed(table: Table, rows: Iterable[Row]) -> pd.DataFrame:
    """Return rows as a frame of declared columns; what a row lacks is missing, what is not declared is left out."""
    known = [{name: _plain(row.get(name)) for name in table.kinds} for row in rows]
    return table.frame(table.leaves(known))


def records(frame: pd.DataFrame | None) -> list[dict[str, Any]]:
    """Return the rows of a frame as dicts, with None for what is missing."""
    if frame is None:
        return []
    return [
        {str(name): None if absent(value) else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ]


def notes_text(notes: Any) -> str | None:
    """Return the notes of an object as one text."""
    parts = [
        " · ".join(str(note[name]) for name in ("title", "content") if note.get(name))
        for note in (notes if isinstance(notes, list) else [])
        if isinstance(note, dict)
    ]
    return " / ".join(part for part in parts if part) or None


def moment(value: Any) -> pd.Timestamp | None:
    """Return a time inside of a list of the API, which is as it came; None where it can't be read."""
    # pandas takes "now" for the present moment.
    if not isinstance(value, str) or not value[:1].isdecimal():
        return None
    read = pd.to_datetime(value, format="ISO8601", utc=True, errors="coerce")
    return None if pd.isna(read) else read.as_unit("us")


class Shaping:
    """Makes tables for people of frames of the API; what names and units can't be had is noted, and missing.

    Parameters
    ----------
    making
        Where it is noted.
    """

    def __init__(self, making: Making) -> None:
        self._making = making
        self._session = making.session

    def payments(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return transactions with names and exact display amounts."""
        rows = [
            {
                **row,
                "amount": row.get("amount_display"),
                "amount_base": row["amount"],
                "fees": row.get("fees_display"),
                "fees_base": row["fees"],
                "note": notes_text(row["notes"]),
                "risk": row["compliance_risk_risk"],
                "failure": row["failure_reasons_reason"] or row["failure_reasons_client_reason"],
            }
            for row in records(self.named(self._scaled(frame)))
        ]
        return framed(PAYMENTS, rows)

    def accounts(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return accounts with names and exact display balances."""
        rows = [
            {**row, "balance": row.get("balance_display"), "balance_base": row["balance"]}
            for row in records(self.named(self._scaled(frame)))
        ]
        return framed(ACCOUNTS, rows)

    def requests(self, rows: Sequence[Row]) -> pd.DataFrame:
        """Return requests with the names of who made them, the newest first, each once."""
        once = {int(row["id"]): row for row in reversed(rows)}
        ordered = sorted(once.values(), key=lambda row: -int(row["id"]))
        return framed(REQUESTS, records(self.named(framed(REQUESTS, ordered))))

    def flows(self, rows: Sequence[Row]) -> pd.DataFrame:
        """Return sums per account with names, exact, in base units and in display units."""
        frame = framed(FLOWS, rows).drop(columns=["amount", "ticker", "account_name", "display_note"])
        scaled = self._making.part(
            "the sums in display units", lambda: self._session.to_display(frame, {"amount_base": "amount"})
        )
        shown = records(self.named(frame if scaled is None else scaled))
        return framed(FLOWS, [{**row, "amount": row.get("amount_base_display")} for row in shown])

    def names(self, kind: str, ids: Iterable[int]) -> dict[int, str]:
        """Return the names of accounts, users or groups by id."""
        column = {"account": "account_id", "user": "created_by", "group": "group_id"}[kind]
        frame = pd.DataFrame({column: pd.array(sorted(set(ids)), dtype="Int64")})
        return {
            row[column]: row[f"{column.removesuffix('_id')}_name"]
            for row in records(self.named(frame))
            if row.get(f"{column.removesuffix('_id')}_name") is not None
        }

    def _scaled(self, frame: pd.DataFrame) -> pd.DataFrame:
        scaled = self._making.part("amounts in display units", lambda: self._session.to_display(frame))
        return frame if scaled is None else scaled

    def named(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a frame with the names beside its ids, as far as they can be had."""
        # A column at a time: where users can't be listed, accounts have their names for all that.
        named = frame
        for column, kind in NAMED.items():
            if column not in frame.columns or not frame[column].notna().any():
                continue
            found = self._making.part(f"the names of {kind}s", partial(self._session.with_names, frame[[column]]))
            if found is not None:
                named = named.assign(**{str(name): found[name] for name in found.columns})
        return named


def counted(number: int, one: str, several: str = "") -> str:
    """Return a number of things in words."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def votes(step: Row) -> list[tuple[str, int | None, pd.Timestamp | None]]:
    """Return the votes of a step of a request: what, whose (None where that is hidden), and when."""
    given = step.get("approvals")
    return [
        (str(one.get("type")), person(one.get("user")), moment(one.get("created_on")))
        for one in (given if isinstance(given, list) else [])
        if isinstance(one, dict)
    ]


def _plain(value: Any) -> Any:
    if absent(value):
        return None
    return value.isoformat() if isinstance(value, pd.Timestamp) else value
