"""Groups of operators, which approve together."""

from typing import Final

import pandas as pd

from ledgerkit.filters import Many, Time
from ledgerkit.frames import INTEGER, LIST, TEXT, TIME, Table
from ledgerkit.operations import operation
from ledgerkit.resources.base import Section, history
from ledgerkit.resources.histories import history_table
from ledgerkit.vocabulary import GroupStatus, Order

GROUP: Final = Table(
    "group",
    {
        "id": INTEGER,
        "name": TEXT,
        "status": TEXT,
        "created_by": INTEGER,
        "created_on": TIME,
        "last_request": INTEGER,
        "description": TEXT,
        "members": LIST,
    },
)
HISTORY: Final = history_table("group_id")


class Groups(Section, name="groups"):
    """Groups of operators; ids of members that the caller may not see are null."""

    @operation("GET /groups", returns=GROUP)
    def search(
        self,
        *,
        created_after: Time | None = None,
        created_before: Time | None = None,
        description: str | None = None,
        id: int | None = None,
        members: Many[int] | None = None,
        name: str | None = None,
        order: Order | None = None,
        order_by: str | None = None,
        status: Many[GroupStatus] | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Search groups.

        Parameters
        ----------
        description
            A text that the description contains.
        members
            Ids of users: groups that have them as members.
        created_after, created_before
            From this moment on, and before that one.
        order, order_by
            Order of the frame, by any of its columns; newest first by default.
        limit
            Only so many, the newest.
        """
        return self._list(Groups.search, locals())

    @operation("GET /groups/{group_id}", returns=GROUP)
    def get(self, group_id: Many[int]) -> pd.DataFrame:
        """Get groups by id; for several ids, a column ``error`` says what could not be had."""
        return self._each(Groups.get, locals(), lead={"group_id": "id"})

    @operation("GET /groups/{group_id}/history", returns=HISTORY)
    def history(self, group_id: Many[int]) -> pd.DataFrame:
        """Get the requests that created and changed groups."""
        return self._each(Groups.history, locals(), lead={"group_id": "group_id"}, nodes=history)
