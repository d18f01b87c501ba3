"""Digests: 32-byte hashes that were signed as they are."""

from typing import Final

import pandas as pd

from ledgerkit.filters import Many, Time
from ledgerkit.frames import INTEGER, LIST, TEXT, TIME, Table
from ledgerkit.operations import operation
from ledgerkit.resources.base import Section, history
from ledgerkit.resources.histories import history_table
from ledgerkit.vocabulary import Order, SigningStatus

DIGEST: Final = Table(
    "digest",
    {
        "id": INTEGER,
        "account_id": INTEGER,
        "status": TEXT,
        "created_by": INTEGER,
        "created_on": TIME,
        "last_request": INTEGER,
        "digests_data": LIST,
        "notes": LIST,
    },
)
HISTORY: Final = history_table("digests_id")


class Digests(Section, name="digests"):
    """Hashes that an account signed as such, for calls that the service does not know (raw signing)."""

    @operation("GET /digests", returns=DIGEST)
    def search(
        self,
        *,
        account: Many[int] | None = None,
        created_after: Time | None = None,
        created_before: Time | None = None,
        id: int | None = None,
        order: Order | None = None,
        order_by: str | None = None,
        status: Many[SigningStatus] | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Search digests.

        Parameters
        ----------
        account
            Ids of the accounts that sign them.
        created_after, created_before
            From this moment on, and before that one.
        order, order_by
            Order of the frame, by any of its columns; newest first by default.
        limit
            Only so many, the newest.
        """
        return self._list(Digests.search, locals(), settled=frozenset({"account"}))

    @operation("GET /digests/{digests_id}", returns=DIGEST)
    def get(self, digests_id: Many[int]) -> pd.DataFrame:
        """Get digests by id; for several ids, a column ``error`` says what could not be had."""
        return self._each(Digests.get, locals(), lead={"digests_id": "id"})

    @operation("GET /digests/{digests_id}/history", returns=HISTORY)
    def history(self, digests_id: Many[int]) -> pd.DataFrame:
        """Get the requests that created and changed digests."""
        return self._each(Digests.history, locals(), lead={"digests_id": "digests_id"}, nodes=history)
