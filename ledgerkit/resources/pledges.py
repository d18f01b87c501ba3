"""Pledges: collateral that is locked for an exchange (Tradelink)."""

from typing import Final

import pandas as pd

from ledgerkit.drafts import Draft
from ledgerkit.errors import InvalidRequest
from ledgerkit.filters import Many
from ledgerkit.frames import AMOUNT, INTEGER, TEXT, Table
from ledgerkit.lookups import Lookups
from ledgerkit.operations import operation
from ledgerkit.payloads import ForcedUnpledge, PledgeIncrement
from ledgerkit.resources.base import Section
from ledgerkit.resources.requests import Requests
from ledgerkit.vocabulary import PledgeState

PLEDGE: Final = Table(
    "pledge",
    {
        "id": TEXT,
        "account_id": INTEGER,
        "state": TEXT,
        "amount": AMOUNT,
        "pending": AMOUNT,
        "asset_manager": {
            "approver_group_id": INTEGER,
            "code": TEXT,
            "id": TEXT,
            "name": TEXT,
            "role": TEXT,
            "whitelist_id": INTEGER,
        },
        "custodian": {
            "code": TEXT,
            "id": TEXT,
            "name": TEXT,
            "role": TEXT,
        },
        "exchange": {
            "approver_group_id": INTEGER,
            "code": TEXT,
            "id": TEXT,
            "name": TEXT,
            "role": TEXT,
            "whitelist_id": INTEGER,
        },
        "pledge_subaccount_id": INTEGER,
    },
)


class Pledges(Section, name="pledges"):
    """Parts of the balance of collateral accounts, locked for an exchange.

    The list has no dates and no order.
    """

    @operation("GET /pledges", returns=PLEDGE)
    def search(
        self,
        *,
        account_id: int | None = None,
        asset_manager_id: int | None = None,
        exchange_id: int | None = None,
        state: Many[PledgeState] | None = None,
        status: Many[PledgeState] | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Search pledges.

        Parameters
        ----------
        account_id, asset_manager_id, exchange_id
            Ids of the collateral account and of the parties.
        state, status
            The same filter under two names: the API calls it ``state`` here and ``status`` elsewhere.
        limit
            Only so many, as the service lists them.
        """
        given = locals()
        if status is not None:
            if state is not None:
                raise InvalidRequest(
                    "`state` and `status` are the same filter here: give one of them.", field="state"
                )
            given |= {"state": status, "status": None}
        return self._list(Pledges.search, given, dated=False)

    @operation("GET /pledges/{pledge_id}", returns=PLEDGE)
    def get(self, pledge_id: Many[str]) -> pd.DataFrame:
        """Get pledges by id; for several ids, a column ``error`` says what could not be had."""
        return self._each(Pledges.get, locals(), lead={"pledge_id": "id"})

    def increment(
        self,
        pledge_subaccount_id: int,
        amount: int | str,
        *,
        account_name: str,
        currency: str,
        exchange_name: str,
        contract_address: str | None = None,
    ) -> Draft:
        """Draft a request to pledge more of a collateral account to an exchange, or less; nothing is sent yet.

        Parameters
        ----------
        amount
            In base units of the account. **A negative amount un-pledges.**
        account_name, currency
            Those of the collateral account, as ``session.accounts.get()`` has them.
        contract_address
            Of a collateral account that holds a token, which the service wants named; by default it is looked up.

        Raises
        ------
        NotFound
            No account of this name is visible.
        """
        if contract_address is None:
            held = Lookups(self._connection).account(account_name)["contract_address"]
            contract_address = None if pd.isna(held) else str(held)
        payload = PledgeIncrement(
            pledge_subaccount_id=pledge_subaccount_id,
            account_name=account_name,
            amount=amount,
            currency=currency,
            exchange_name=exchange_name,
            contract_address=contract_address,
        )
        return Requests(self._connection).draft(payload)

    def force_unpledge(
        self, pledge_subaccount_id: int, *, account_name: str, currency: str, exchange_name: str
    ) -> Draft:
        """Draft a request of the custodian to free what is stuck at an exchange; nothing is sent yet.

        Parameters
        ----------
        account_name, currency
            Those of the collateral account, as ``session.accounts.get()`` has them.
        """
        payload = ForcedUnpledge(
            pledge_subaccount_id=pledge_subaccount_id,
            account_name=account_name,
            currency=currency,
            exchange_name=exchange_name,
        )
        return Requests(self._connection).draft(payload)
