"""What a plan of payments that goes on is held against: what was asked for, and how things are now.

Not in the package's own imports: payments look accounts up, whose section offers plans.
"""

from collections.abc import Callable
from typing import Any

import pandas as pd

from ledgerkit import payloads, payments
from ledgerkit.amounts import read_amount
from ledgerkit.drafts import Check
from ledgerkit.errors import shorten
from ledgerkit.lookups import Lookups
from ledgerkit.plans.desks import memo_of
from ledgerkit.plans.rows import difference

# What only some kinds of payments take.
OWN = ("memo", "tag", "token_mint", "max_priority_fee")


def expected(lookups: Lookups, given: dict[str, Any]) -> dict[str, Any]:
    """Return what the fields of a row come to in the payload that it makes; without max_fees that were estimated."""
    source = lookups.account(given["account"])
    account = int(source["id"])
    own, of_fees = lookups.units(account)
    kind = payments.SENDS.get(str(source["type"]), "")
    contract = source["contract_address"]
    fields: dict[str, Any] = {
        "transaction_type": kind,
        "account_id": account,
        "currency": str(source["currency"]),
        "recipient": given["recipient"],
        "amount": read_amount(given["amount"], own)[0],
        "tag": given.get("tag"),
        "memo": memo_of(given["memo"]) if "memo" in given else None,
        "contract_address": None if pd.isna(contract) else str(contract),
        "token_mint": None,
    }
    if not kind.startswith(payments.WITHOUT_FEES):
        fields["fees_strategy"] = payloads.Speed(given.get("speed", "NORMAL"))
    if "max_fees" in given:
        fields["max_fees"] = read_amount(given["max_fees"], of_fees, "max_fees")[0]
    return fields


def check(
    lookups: Lookups,
    search: Callable[..., pd.DataFrame],
    payload: Any,
    marks: frozenset[str],
    *,
    again: bool,
) -> list[Check]:
    """Look at a payment that a journal holds as at a new one, and whether it is one of its account.

    Parameters
    ----------
    search
        ``session.transactions.search``.
    marks
        Of all rows of the plan: what they paid is no double.
    again
        Whether payments are meant that were made in the last 7 days already.
    """

    def others(**asked: Any) -> pd.DataFrame:
        found = search(**asked)
        return found[[not any(mark in str(notes) for mark in marks) for notes in found["notes"]]]

    given = payload.given()
    anew = payments.prepare(
        lookups,
        payload.account_id,
        payload.recipient,
        payload.amount,
        max_fees=given.get("max_fees"),
        fees_strategy=given.get("fees_strategy"),
        note=None,
        search=others,
        again=again,
        **{name: given[name] for name in OWN if name in given},
    )
    of_account = ("transaction_type", "currency", "contract_address")
    differs = difference(payload, {name: getattr(anew.payload, name, None) for name in of_account})
    if differs is None:
        return list(anew.checks)
    name, found, meant = differs
    text = f"`{name}` = {shorten(found)}, and for account {payload.account_id} it is {shorten(meant)}"
    return [*anew.checks, Check("journal", "problem", text)]
