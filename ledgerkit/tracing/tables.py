"""The tables of a trace: declared columns, the same for no rows as for many; and what makes them of API frames."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from ledgerkit.cards.sections import person
from ledgerkit.coins import TOKEN_MINT, counts_a_token
from ledgerkit.frames import AMOUNT, FLAG, INTEGER, LIST, NUMBER, TEXT, TIME
from ledgerkit.reports.making import Making
from ledgerkit.reports.rows import framed, records

Row = Mapping[str, Any]
Kinds = Mapping[str, str]
# Whom the service does not name to this caller.
HIDDEN: Final = "hidden from you"

PAYMENTS: Final[Kinds] = {
    "id": INTEGER,
    "created_on": TIME,
    "account_id": INTEGER,
    "account_name": TEXT,
    "type": TEXT,
    "status": TEXT,
    "amount": NUMBER,
    "ticker": TEXT,
    "token_mint": TEXT,
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
    "currency": TEXT,
    "risk": TEXT,
    "failure": TEXT,
    "amount_base": NUMBER,
    "fees_base": NUMBER,
    "display_note": TEXT,
}
ACCOUNTS: Final[Kinds] = {
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
}
REQUESTS: Final[Kinds] = {
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
}
APPROVALS: Final[Kinds] = {
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
}
PEOPLE: Final[Kinds] = {
    "user_id": INTEGER,
    "username": TEXT,
    "role": TEXT,
    "status": TEXT,
    "is_api": FLAG,
    "events": INTEGER,
    "did": TEXT,
}
ENTRIES: Final[Kinds] = {
    "whitelist_id": INTEGER,
    "whitelist_name": TEXT,
    "status": TEXT,
    "name": TEXT,
    "currency": TEXT,
    "address": TEXT,
}
RISKS: Final[Kinds] = {
    "address": TEXT,
    "role": TEXT,
    "risk": TEXT,
    "provider_risk": TEXT,
    "reason": TEXT,
    "has_sanctions": FLAG,
    "why_not": TEXT,
}
FLOWS: Final[Kinds] = {
    "account_id": INTEGER,
    "account_name": TEXT,
    "direction": TEXT,
    "transactions": INTEGER,
    "confirmed": INTEGER,
    "amount": NUMBER,
    "ticker": TEXT,
    "token_mint": TEXT,
    "without_amount": INTEGER,
    "first": TIME,
    "last": TIME,
    "amount_base": NUMBER,
    "display_note": TEXT,
}
ROLES: Final[Kinds] = {"role": TEXT, "kind": TEXT, "id": INTEGER, "name": TEXT, "detail": TEXT}
# What the sums of flows are scaled by: to_display tells a token from the coin of its account by these.
SUMMED: Final[Kinds] = {
    "account_id": INTEGER,
    "type": TEXT,
    "currency": TEXT,
    TOKEN_MINT: TEXT,
    "amount_base": AMOUNT,
}
RELATED: Final[Kinds] = {"relation": TEXT, "address": TEXT, "detail": TEXT}
MATCHES: Final[Kinds] = {"kind": TEXT, "id": TEXT, "name": TEXT, "detail": TEXT, "ask": TEXT}
EVENTS: Final[Kinds] = {
    "time": TIME,
    "event": TEXT,
    "who": TEXT,
    "who_id": INTEGER,
    "kind": TEXT,
    "id": INTEGER,
    "detail": TEXT,
    "source": TEXT,
}


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
                "token_mint": row.get(TOKEN_MINT) if counts_a_token(row["type"]) else None,
            }
            for row in records(self._making.named(self._scaled(frame), "account_id", "created_by"))
        ]
        return framed(PAYMENTS, rows)

    def accounts(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return accounts with names and exact display balances."""
        rows = [
            {**row, "balance": row.get("balance_display"), "balance_base": row["balance"]}
            for row in records(self._making.named(self._scaled(frame), "created_by"))
        ]
        return framed(ACCOUNTS, rows)

    def requests(self, rows: Sequence[Row]) -> pd.DataFrame:
        """Return requests with the names of who made them, the newest first, each once."""
        once = {int(row["id"]): row for row in reversed(rows)}
        ordered = sorted(once.values(), key=lambda row: -int(row["id"]))
        return framed(REQUESTS, records(self._making.named(framed(REQUESTS, ordered), "created_by")))

    def flows(self, rows: Sequence[Row]) -> pd.DataFrame:
        """Return sums per account and what is moved with names, exact, in base units and in display units."""
        frame = framed(SUMMED, rows)
        scaled = self._making.part(
            "the sums in display units", lambda: self._session.to_display(frame, {"amount_base": "amount"})
        )
        shown = records(self._making.named(frame if scaled is None else scaled, "account_id"))
        return framed(
            FLOWS,
            [
                {
                    **row,
                    **unit,
                    "amount": unit.get("amount_base_display"),
                    "token_mint": unit[TOKEN_MINT],
                }
                for row, unit in zip(rows, shown, strict=True)
            ],
        )

    def names(self, kind: str, ids: Iterable[int]) -> dict[int, str]:
        """Return the names of accounts, users or groups by id."""
        column = {"account": "account_id", "user": "created_by", "group": "group_id"}[kind]
        frame = pd.DataFrame({column: pd.array(sorted(set(ids)), dtype="Int64")})
        return {
            row[column]: row[f"{column.removesuffix('_id')}_name"]
            for row in records(self._making.named(frame, column))
            if row.get(f"{column.removesuffix('_id')}_name") is not None
        }

    def _scaled(self, frame: pd.DataFrame) -> pd.DataFrame:
        scaled = self._making.part("amounts in display units", lambda: self._session.to_display(frame))
        return frame if scaled is None else scaled


def votes(step: Row) -> list[tuple[str, int | None, pd.Timestamp | None]]:
    """Return the votes of a step of a request: what, whose (None where that is hidden), and when."""
    given = step.get("approvals")
    return [
        (str(one.get("type")), person(one.get("user")), moment(one.get("created_on")))
        for one in (given if isinstance(given, list) else [])
        if isinstance(one, dict)
    ]
