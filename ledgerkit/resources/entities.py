"""Entities: folders of accounts that scope reporting keys."""

from typing import Final

import pandas as pd

from ledgerkit.filters import Many, Time
from ledgerkit.frames import INTEGER, LIST, TEXT, TIME, Table
from ledgerkit.operations import operation
from ledgerkit.resources.base import Section, history, wrapped
from ledgerkit.resources.histories import history_table
from ledgerkit.resources.users import USER
from ledgerkit.vocabulary import GroupStatus, Order

ENTITY: Final = Table(
    "entity",
    {
        "id": INTEGER,
        "name": TEXT,
        "status": TEXT,
        "created_by": INTEGER,
        "created_on": TIME,
        "last_request": INTEGER,
        "accounts": LIST,
    },
)
ENTITY_USER: Final = USER.extended(before={"entity_id": INTEGER})
HISTORY: Final = history_table("entity_id")


class Entities(Section, name="entities"):
    """Folders of accounts for reporting; they scope reporting keys and have no effect on rules."""

    @operation("GET /entities", returns=ENTITY)
    def search(
        self,
        *,
        account: Many[int] | None = None,
        created_after: Time | None = None,
        created_before: Time | None = None,
        id: int | None = None,
        name: str | None = None,
        order: Order | None = None,
        order_by: str | None = None,
        status: Many[GroupStatus] | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Search entities.

        Parameters
        ----------
        account
            Ids of accounts: entities that hold them.
        created_after, created_before
            From this moment on, and before that one.
        order, order_by
            Order of the frame, by any of its columns; newest first by default.
        limit
            Only so many, the newest.
        """
        return self._list(Entities.search, locals())

    @operation("GET /entities/{entity_id}", returns=ENTITY)
    def get(self, entity_id: Many[int]) -> pd.DataFrame:
        """Get entities by id; for several ids, a column ``error`` says what could not be had."""
        return self._each(Entities.get, locals(), lead={"entity_id": "id"})

    @operation("GET /entities/{entity_id}/history", returns=HISTORY)
    def history(self, entity_id: Many[int]) -> pd.DataFrame:
        """Get the requests that created and changed entities."""
        return self._each(Entities.history, locals(), lead={"entity_id": "entity_id"}, nodes=history)

    @operation("GET /entities/{entity_id}/users", returns=ENTITY_USER)
    def users(self, entity_id: Many[int]) -> pd.DataFrame:
        """Get the operators of at least one account of entities."""
        return self._each(Entities.users, locals(), lead={"entity_id": "entity_id"}, nodes=wrapped("users"))
