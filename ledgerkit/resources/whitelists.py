"""Whitelists: the addresses that rules allow."""

from typing import Final

import pandas as pd

from ledgerkit.filters import Many, Time
from ledgerkit.frames import INTEGER, LIST, TEXT, TIME, Table
from ledgerkit.operations import operation
from ledgerkit.resources.base import Section, history
from ledgerkit.resources.histories import history_table
from ledgerkit.vocabulary import GroupStatus, Order

WHITELIST: Final = Table(
    "whitelist",
    {
        "id": INTEGER,
        "name": TEXT,
        "status": TEXT,
        "created_by": INTEGER,
        "created_on": TIME,
        "last_request": INTEGER,
        "addresses": LIST,
        "description": TEXT,
    },
)
HISTORY: Final = history_table("whitelist_id")


class Whitelists(Section, name="whitelists"):
    """Lists of the addresses that the rules of accounts allow.

    ``lk.explode(df, "addresses")`` gives a row for each address.
    """

    @operation("GET /whitelists", returns=WHITELIST)
    def search(
        self,
        *,
        account: Many[int] | None = None,
        address: str | None = None,
        created_after: Time | None = None,
        created_before: Time | None = None,
        description: str | None = None,
        id: int | None = None,
        name: str | None = None,
        order: Order | None = None,
        order_by: str | None = None,
        status: Many[GroupStatus] | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Search whitelists.

        Parameters
        ----------
        account
            Ids of accounts: whitelists that their rules use.
        description
            A text that the description contains.
        created_after, created_before
            From this moment on, and before that one.
        order, order_by
            Order of the frame, by any of its columns; newest first by default.
        limit
            Only so many, the newest.
        """
        return self._list(Whitelists.search, locals())

    @operation("GET /whitelists/{whitelist_id}", returns=WHITELIST)
    def get(self, whitelist_id: Many[int]) -> pd.DataFrame:
        """Get whitelists by id; for several ids, a column ``error`` says what could not be had."""
        return self._each(Whitelists.get, locals(), lead={"whitelist_id": "id"})

    @operation("GET /whitelists/{whitelist_id}/history", returns=HISTORY)
    def history(self, whitelist_id: Many[int]) -> pd.DataFrame:
        """Get the requests that created and changed whitelists."""
        return self._each(Whitelists.history, locals(), lead={"whitelist_id": "whitelist_id"}, nodes=history)
