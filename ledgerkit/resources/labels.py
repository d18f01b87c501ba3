"""Labels: tags with a colour on accounts and transactions."""

from typing import Final

import pandas as pd

from ledgerkit.filters import Many, Time
from ledgerkit.frames import INTEGER, TEXT, TIME, Table
from ledgerkit.operations import operation
from ledgerkit.resources.base import Section
from ledgerkit.vocabulary import Order

LABEL: Final = Table(
    "label",
    {
        "id": INTEGER,
        "name": TEXT,
        "created_by": INTEGER,
        "created_on": TIME,
        "info": {
            "color": TEXT,
            "description": TEXT,
        },
        "updated_by": INTEGER,
        "updated_on": TIME,
    },
)


class Labels(Section, name="labels"):
    """Tags with a colour on accounts and transactions."""

    @operation("GET /labels", returns=LABEL)
    def search(
        self,
        *,
        created_after: Time | None = None,
        created_before: Time | None = None,
        id: int | None = None,
        name: str | None = None,
        order: Order | None = None,
        order_by: str | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Search labels.

        Parameters
        ----------
        created_after, created_before
            From this moment on, and before that one.
        order, order_by
            Order of the frame, by any of its columns; newest first by default.
        limit
            Only so many, the newest.
        """
        return self._list(Labels.search, locals())

    @operation("GET /labels/{label_id}", returns=LABEL)
    def get(self, label_id: Many[int]) -> pd.DataFrame:
        """Get labels by id; for several ids, a column ``error`` says what could not be had."""
        return self._each(Labels.get, locals(), lead={"label_id": "id"})
