"""Settlements between an exchange and an asset manager (Tradelink)."""

from typing import Final

import pandas as pd

from ledgerkit.filters import Many
from ledgerkit.frames import AMOUNT, INTEGER, OBJECT, TEXT, Table
from ledgerkit.operations import operation
from ledgerkit.resources.base import Section

SETTLEMENT: Final = Table(
    "settlement",
    {
        "id": TEXT,
        "state": TEXT,
        "from_pledge_id": TEXT,
        "inbound_transaction_intent": {
            "amount": AMOUNT,
            "to_account_id": INTEGER,
            "to_address": TEXT,
        },
        "meta": OBJECT,
        "outbound_transaction": {
            "request_id": INTEGER,
            "transaction_hash": TEXT,
            "transaction_id": INTEGER,
        },
        "repledge": {
            "repledge_id": INTEGER,
            "request_id": INTEGER,
        },
        "repledge_intent": {
            "account_name": TEXT,
            "amount": AMOUNT,
            "contract_address": TEXT,
            "currency": TEXT,
            "exchange_name": TEXT,
            "pledge_subaccount_id": INTEGER,
            "to_address": TEXT,
            "transaction_hash": TEXT,
        },
    },
)


class Settlements(Section, name="settlements"):
    """What exchanges settled against pledges.

    The list has no filters, no dates and no order; the API documents it with the fields of a pledge, and whatever
    fields come are kept.
    """

    @operation("GET /settlements", returns=SETTLEMENT)
    def search(
        self,
        *,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Get all settlements.

        Parameters
        ----------
        limit
            Only so many, as the service lists them.
        """
        return self._list(Settlements.search, locals(), dated=False)

    @operation("GET /settlements/{settlement_id}", returns=SETTLEMENT)
    def get(self, settlement_id: Many[str]) -> pd.DataFrame:
        """Get settlements by id; for several ids, a column ``error`` says what could not be had."""
        return self._each(Settlements.get, locals(), lead={"settlement_id": "id"})
