"""Settlements between exchanges and asset managers, with their transactions, and which of them are under way."""

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from ledgerkit.amounts import to_display
from ledgerkit.frames import FLAG, INTEGER, NUMBER, OBJECT, TEXT
from ledgerkit.reports.collateral import Collateral, text, whole
from ledgerkit.reports.exactly import known, total
from ledgerkit.reports.making import Making
from ledgerkit.reports.rows import records
from ledgerkit.states import WAITING, meaning

SETTLEMENTS: Final = {
    "settlement_id": TEXT,
    "state": TEXT,
    "in_flight": FLAG,
    "exchange": TEXT,
    "account_id": INTEGER,
    "account_name": TEXT,
    "ticker": TEXT,
    "amount_out": OBJECT,
    "amount_in": OBJECT,
    "transaction_id": INTEGER,
    "transaction_status": TEXT,
    "request_id": INTEGER,
    "pledge_id": TEXT,
    "amount_out_base": NUMBER,
    "amount_in_base": NUMBER,
    "note": TEXT,
}


def read_settlements(
    making: Making, settlements: pd.DataFrame | None, collaterals: Sequence[Collateral]
) -> list[dict[str, Any]]:
    """Return the rows of settlements, those in flight first; what is leaving is added to the collateral accounts."""
    if settlements is None or settlements.empty:
        return []
    of_pledge = {pledge.id.casefold(): (pledge, one) for one in collaterals for pledge in one.pledges}
    by_id = {one.id: one for one in collaterals}
    ids = settlements["outbound_transaction_transaction_id"].dropna().drop_duplicates()
    sent = making.part("the transactions of settlements", lambda: making.session.transactions.get(ids.tolist()))
    transactions = {int(row["id"]): row for row in records(sent)}
    to = settlements["inbound_transaction_intent_to_account_id"].dropna().drop_duplicates()
    units = making.units(int(one) for one in to)
    rows = []
    for row in records(settlements):
        pledge, collateral = of_pledge.get(str(row["from_pledge_id"]).casefold(), (None, None))
        number, to_id = row["outbound_transaction_transaction_id"], row["inbound_transaction_intent_to_account_id"]
        transaction = {} if number is None else transactions.get(int(number), {})
        status, state = text(transaction.get("status")), text(row["state"])
        notes = []
        if number is not None and status is None:
            notes.append(f"its transaction could not be read: {text(transaction.get('error')) or 'no answer'}")
        if pledge is None:
            notes.append("its pledge is not visible")
        if status == "FAILED_TO_BROADCAST":
            notes.append("the exchange can cancel it")
        out, out_shown, ticker = None, None, None
        if transaction and known(transaction.get("amount")) and collateral is not None:
            out = transaction["amount"]
            if transaction.get("account_id") == collateral.id:
                out_shown, ticker = collateral.shown(out), collateral.asset().get("ticker")
            else:
                notes.append("its transaction is of another account than the pledge: base units of that account")
        into, into_shown = row["inbound_transaction_intent_amount"], None
        if known(into) and to_id is not None:
            unit = units[int(to_id)].amount
            if unit is None:
                notes.append("no unit is known of the account that amount_in goes to: it is in base units alone")
            else:
                into_shown = to_display(into, unit.magnitude)
                ticker = unit.code if ticker in (None, unit.code) else f"{ticker} out, {unit.code} in"
                notes.append("amount_in is taken for base units of the account that it goes to")
        in_flight = _in_flight(status, state)
        if in_flight and out is not None and collateral is not None and transaction.get("account_id") in by_id:
            leaving = by_id[int(transaction["account_id"])]
            leaving.leaving = total([leaving.leaving, out])
        rows.append(
            {
                "settlement_id": row["id"],
                "state": state,
                "in_flight": in_flight,
                "exchange": None if pledge is None else pledge.exchange,
                "account_id": None if collateral is None else collateral.id,
                "account_name": None
                if collateral is None or collateral.holding is None
                else collateral.holding.account,
                "ticker": ticker,
                "amount_out": out_shown,
                "amount_in": into_shown,
                "transaction_id": None if number is None else int(number),
                "transaction_status": status,
                "request_id": whole(row["outbound_transaction_request_id"]),
                "pledge_id": text(row["from_pledge_id"]),
                "amount_out_base": out,
                "amount_in_base": into if known(into) else None,
                "note": "; ".join(notes) or None,
            }
        )
    unsure = [str(row["settlement_id"]) for row in rows if row["in_flight"] is None]
    if unsure:
        making.note(
            f"Whether {len(unsure)} settlements are under way can't be told from their states, which the API does "
            "not list: `in_flight` is empty there."
        )
    return sorted(rows, key=lambda row: {True: 0, None: 1, False: 2}[row["in_flight"]])


def _in_flight(status: str | None, state: str | None) -> bool | None:
    """Say whether a settlement is under way: its transaction knows, and else the state, if it is a known one."""
    table, word = ("settlement", state) if status is None else ("transaction", status)
    said = meaning(table, word or "")
    return None if not said else said == WAITING
