"""Users: people, API users and reporting keys."""

from typing import Final

import pandas as pd

from ledgerkit.filters import Many, Time
from ledgerkit.frames import FLAG, INTEGER, TEXT, TIME, Table
from ledgerkit.operations import operation
from ledgerkit.resources.base import Section, history
from ledgerkit.resources.histories import history_table
from ledgerkit.vocabulary import Order, UserRole, UserStatus

USER: Final = Table(
    "user",
    {
        "id": INTEGER,
        "username": TEXT,
        "user_id": TEXT,
        "role": TEXT,
        "status": TEXT,
        "is_api": FLAG,
        "created_by": INTEGER,
        "created_on": TIME,
        "last_request": INTEGER,
        "key_handle": TEXT,
        "pub_key": TEXT,
    },
)
HISTORY: Final = history_table("user_id")


class Users(Section, name="users"):
    """The users of the workspace; reporting keys show among them with the role READ_ONLY_API_KEY."""

    @operation("GET /users", returns=USER)
    def search(
        self,
        *,
        account: int | None = None,
        created_after: Time | None = None,
        created_before: Time | None = None,
        group: int | None = None,
        id: int | None = None,
        order: Order | None = None,
        order_by: str | None = None,
        role: UserRole | None = None,
        status: UserStatus | None = None,
        username: str | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Search users.

        Parameters
        ----------
        account, group
            Ids: users in the rules of this account, and members of this group.
        created_after, created_before
            From this moment on, and before that one.
        order, order_by
            Order of the frame, by any of its columns; newest first by default.
        limit
            Only so many, the newest.
        """
        return self._list(Users.search, locals())

    @operation("GET /users/{user_id}", returns=USER)
    def get(self, user_id: Many[int]) -> pd.DataFrame:
        """Get users by id; for several ids, a column ``error`` says what could not be had."""
        return self._each(Users.get, locals(), lead={"user_id": "id"})

    @operation("GET /users/{user_id}/history", returns=HISTORY)
    def history(self, user_id: Many[int]) -> pd.DataFrame:
        """Get the requests that created and changed users."""
        return self._each(Users.history, locals(), lead={"user_id": "user_id"}, nodes=history)
