"""The table of histories, which accounts, users, transactions and other objects share."""

from ledgerkit.frames import FLAG, INTEGER, TEXT, TIME, Table


def history_table(lead: str) -> Table:
    """Return the table of the requests that changed an object whose id stands in the column ``lead``."""
    return Table(
        "change",
        {
            lead: INTEGER,
            "position": INTEGER,
            "id": INTEGER,
            "type": TEXT,
            "status": TEXT,
            "created_by": INTEGER,
            "created_on": TIME,
            "expired_at": TIME,
            "is_complete": FLAG,
        },
    )
