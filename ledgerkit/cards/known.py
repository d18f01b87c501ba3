"""What is known beside an object when it is drawn: names, units and the zone. To draw it makes no call."""

from datetime import UTC, tzinfo
from typing import Any, Final

import pandas as pd

from ledgerkit.addresses import Mark, mark
from ledgerkit.amounts import Unit
from ledgerkit.connection import Connection, Memory

# The column of the name in what is remembered of each kind.
_NAMES: Final = {"account": "name", "user": "username", "group": "name"}


class Known:
    """What a session remembers, without asking for more; without a connection nothing is known.

    Parameters
    ----------
    connection
        The way to the workspace of the object.
    """

    def __init__(self, connection: Connection | None = None) -> None:
        # Read without its lock: whoever looks something up holds that for as long as the call takes. Frames and
        # units are put there whole.
        self._memory = Memory() if connection is None else connection.memory
        self.zone: tzinfo = UTC if connection is None else connection.zone
        way = "" if connection is None else " yet: session.compare_address(address) does it"
        self._not_yet = f"addresses are not compared with known ones{way}"

    def name(self, kind: str, key: int) -> str | None:
        """Return the name of an account, user or group."""
        row = self._row(kind, key)
        name = None if row is None else row[_NAMES[kind]]
        return name if isinstance(name, str) else None

    def units(
        self, account: int | None, currency: Any = None, contract: Any = None
    ) -> tuple[Unit | None, Unit | None]:
        """Return the units of amounts and of fees of an account, None where they were not looked up.

        Parameters
        ----------
        account
            Its id.
        currency, contract
            Of the account, where they are at hand.
        """
        if account is None:
            return None, None
        if not isinstance(currency, str):
            row = self._row("account", account)
            currency, contract = (None, None) if row is None else (row["currency"], row["contract_address"])
        # The key is that of the directory: an account of a currency that is not known shares its units with none.
        key = (currency, contract if isinstance(contract, str) else None) if isinstance(currency, str) else account
        remembered = self._memory.units.get(key)
        return (None, None) if remembered is None else (remembered[1].amount, remembered[1].fees)

    def token_unit(self, currency: Any, contract: Any) -> Unit | None:
        """Return the unit of a token that has no account of its own, None where it was not looked up."""
        remembered = self._memory.units.get(("of a token", currency, contract))
        return None if remembered is None else remembered[1].amount

    def look_alike(self, address: Any) -> Mark | None:
        """Return what to say of an address that may be taken for a known one, None where it is like none."""
        known = self._memory.known_addresses[1]
        return None if known is None else mark(address, known)

    @property
    def uncompared(self) -> str:
        """Say that addresses were compared with none, or among what they could not be; empty where all was there."""
        known = self._memory.known_addresses[1]
        return self._not_yet if known is None else known.uncompared

    def _row(self, kind: str, key: int) -> "pd.Series[Any] | None":
        remembered = self._memory.frames.get(kind)
        if remembered is None:
            return None
        found = remembered[1][remembered[1]["id"] == key]
        return found.iloc[0] if len(found) == 1 else None
