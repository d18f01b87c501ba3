"""Messages: texts signed off-chain."""

from typing import Final

import pandas as pd

from ledgerkit.filters import Many, Time
from ledgerkit.frames import INTEGER, LIST, TEXT, TIME, Table
from ledgerkit.operations import operation
from ledgerkit.resources.base import Section, history
from ledgerkit.resources.histories import history_table
from ledgerkit.vocabulary import MessageType, MessageTypeFilter, Order, SigningStatus

MESSAGE: Final = Table(
    "message",
    {
        "id": INTEGER,
        "account_id": INTEGER,
        "type": TEXT,
        "status": TEXT,
        "address": TEXT,
        "created_by": INTEGER,
        "created_on": TIME,
        "last_request": INTEGER,
        "data": TEXT,
        "message_type": TEXT,
        "notes": LIST,
        "signature": TEXT,
    },
)
HISTORY: Final = history_table("message_id")


class Messages(Section, name="messages"):
    """Texts that an account signed off-chain, such as a log-in or a proof of reserve."""

    @operation("GET /messages", returns=MESSAGE)
    def search(
        self,
        *,
        account: Many[int] | None = None,
        created_after: Time | None = None,
        created_before: Time | None = None,
        id: int | None = None,
        message_type: MessageType | MessageTypeFilter | None = None,
        order: Order | None = None,
        order_by: str | None = None,
        status: Many[SigningStatus] | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Search messages.

        Parameters
        ----------
        account
            Ids of the accounts that sign them.
        message_type
            As objects spell it (``EIP-191``) or as the API's filter does (``EIP191``).
        created_after, created_before
            From this moment on, and before that one.
        order, order_by
            Order of the frame, by any of its columns; newest first by default.
        limit
            Only so many, the newest.
        """
        given = locals()
        if isinstance(message_type, str):
            given["message_type"] = message_type.replace("EIP-", "EIP")  # as the API's filter spells it
        return self._list(Messages.search, given, settled=frozenset({"account", "message_type"}))

    @operation("GET /messages/{message_id}", returns=MESSAGE)
    def get(self, message_id: Many[int]) -> pd.DataFrame:
        """Get messages by id; for several ids, a column ``error`` says what could not be had."""
        return self._each(Messages.get, locals(), lead={"message_id": "id"})

    @operation("GET /messages/{message_id}/history", returns=HISTORY)
    def history(self, message_id: Many[int]) -> pd.DataFrame:
        """Get the requests that created and changed messages."""
        return self._each(Messages.history, locals(), lead={"message_id": "message_id"}, nodes=history)
