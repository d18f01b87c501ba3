"""Pledges: collateral that is locked for an exchange (Tradelink)."""

from typing import Any, Final

import pandas as pd

from ledgerkit.amounts import read_amount
from ledgerkit.checks import Units, shown, units_of_coin
from ledgerkit.drafts import Draft
from ledgerkit.errors import InvalidRequest, LedgerError, shorten
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
        account_name: str | None = None,
        currency: str | None = None,
        exchange_name: str | None = None,
        contract_address: str | None = None,
    ) -> Draft:
        """Draft a request to pledge more of a collateral account to an exchange, or less; nothing is sent yet.

        Parameters
        ----------
        amount
            In base units of the account, or a text with its unit (``"-0.1 BTC"``). **A negative amount un-pledges.**
        account_name, currency, exchange_name
            Those of the collateral account and of the exchange; by default looked up by the pledge.
        contract_address
            Of a collateral account that holds a token, which the service wants named; by default it is looked up.

        Raises
        ------
        InvalidRequest
            What is given is not what the pledge says, or the pledge does not say it.
        NotFound
            No account of this name is visible.
        """
        lookups = Lookups(self._connection)
        names, account = self._named(
            pledge_subaccount_id, account_name=account_name, currency=currency, exchange_name=exchange_name
        )
        if contract_address is None:
            held = lookups.account(account)["contract_address"]
            contract_address = None if pd.isna(held) else str(held)
        typed = isinstance(amount, str) and not amount.removeprefix("-").isdecimal()
        own, written = _units(lookups, account, needed=typed), None
        if isinstance(amount, str) and typed:
            base, written = read_amount(amount.removeprefix("-"), own)
            amount = -base if amount.startswith("-") else base
        payload = PledgeIncrement(
            pledge_subaccount_id=pledge_subaccount_id, amount=amount, contract_address=contract_address, **names
        )
        base = int(payload.amount)
        facts = (("un-pledge" if base < 0 else "pledge", shown(abs(base), own, written)),)
        # What a person typed was made base units on the service's word for the places of the coin.
        checks = () if contract_address or not typed else (units_of_coin(payload.currency, written, own),)
        return Requests(self._connection)._draft(payload, facts, checks)

    def force_unpledge(
        self,
        pledge_subaccount_id: int,
        *,
        account_name: str | None = None,
        currency: str | None = None,
        exchange_name: str | None = None,
    ) -> Draft:
        """Draft a request of the custodian to free what is stuck at an exchange; nothing is sent yet.

        Parameters
        ----------
        account_name, currency, exchange_name
            Those of the collateral account and of the exchange; by default looked up by the pledge.

        Raises
        ------
        InvalidRequest
            What is given is not what the pledge says, or the pledge does not say it.
        """
        names, _ = self._named(
            pledge_subaccount_id, account_name=account_name, currency=currency, exchange_name=exchange_name
        )
        return Requests(self._connection).draft(ForcedUnpledge(pledge_subaccount_id=pledge_subaccount_id, **names))

    def _named(self, pledge_subaccount_id: int, **given: str | None) -> tuple[dict[str, Any], int | str]:
        """Return what is given of a pledge, the rest of it looked up, and the id or the name of its account."""
        if None not in given.values():
            return given, str(given["account_name"])
        pledges = self.search()
        held = pledges[pledges["pledge_subaccount_id"] == pledge_subaccount_id]
        parties = held[["account_id", "exchange_name"]].dropna().drop_duplicates()
        if len(parties) != 1:
            raise InvalidRequest(
                f"`pledge_subaccount_id` = {shorten(pledge_subaccount_id)} is that of {len(parties)} visible "
                f"pledges, not of one: give {', '.join(given)}.",
                field="pledge_subaccount_id",
            )
        account = int(parties["account_id"].iloc[0])
        collateral = Lookups(self._connection).account(account)
        found = {
            "account_name": str(collateral["name"]),
            "currency": str(collateral["currency"]),
            "exchange_name": str(parties["exchange_name"].iloc[0]),
        }
        for name, value in given.items():
            if value not in (None, found[name]):
                raise InvalidRequest(
                    f"`{name}` = {shorten(value)} can't be used: of pledge account {pledge_subaccount_id} it is "
                    f"{shorten(found[name])}.",
                    field=name,
                )
        return found, account


def _units(lookups: Lookups, account: int | str, *, needed: bool) -> Units:
    """Return the units of the collateral account; none where they can't be had, and nothing was typed in one."""
    try:
        return lookups.units(int(lookups.account(account)["id"]))[0]
    except LedgerError:
        if needed:
            raise
        return []
