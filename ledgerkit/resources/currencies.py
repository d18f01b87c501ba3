"""Currencies and tokens: their units, and whether an address is one of theirs."""

from typing import Any, Final

import pandas as pd

from ledgerkit.filters import Many
from ledgerkit.frames import FLAG, INTEGER, LIST, TEXT, Table
from ledgerkit.operations import operation
from ledgerkit.resources.base import Section, wrapped

CURRENCY: Final = Table(
    "currency",
    {
        "name": TEXT,
        "type": TEXT,
        "family": TEXT,
        "num_confirmation_needed": INTEGER,
        "units": LIST,
    },
)


def _units_listed(node: dict[str, Any]) -> dict[str, Any]:
    # The schema says a list; the example beside it is one unit that stands alone.
    units = node.get("units")
    return {**node, "units": [units]} if isinstance(units, dict) else node


TOKEN: Final = Table(
    "token",
    {
        "name": TEXT,
        "contract_address": TEXT,
        "parent_currency": TEXT,
        "units": LIST,
    },
    normalise=_units_listed,
)
ADDRESS_CHECK: Final = Table("address", {"currency_name": TEXT, "address": TEXT, "is_valid": FLAG})


class Currencies(Section, name="currencies"):
    """The currencies and tokens that the service knows; each unit has a code and a magnitude, a power of ten."""

    @operation("GET /currencies", returns=CURRENCY)
    def search(self) -> pd.DataFrame:
        """Get all currencies."""
        return self._each(Currencies.search, {}, nodes=wrapped("currencies"))

    @operation("GET /currencies/{currency_name}", returns=CURRENCY)
    def get(self, currency_name: Many[str]) -> pd.DataFrame:
        """Get currencies by name; for several, a column ``error`` says what could not be had."""
        return self._each(Currencies.get, locals(), lead={"currency_name": "name"})

    @operation("GET /currencies/tokens", returns=TOKEN)
    def tokens(self) -> pd.DataFrame:
        """Get all tokens."""
        return self._each(Currencies.tokens, {}, nodes=wrapped("tokens"))

    @operation("GET /currencies/{currency_name}/tokens/{contract_address}", returns=TOKEN)
    def token(self, currency_name: str, contract_address: Many[str]) -> pd.DataFrame:
        """Get tokens of a network by their contracts; for several, a column ``error`` says what could not be had."""
        lead = {"contract_address": "contract_address", "currency_name": "parent_currency"}
        return self._each(Currencies.token, locals(), lead=lead)

    @operation("GET /currencies/{currency_name}/{address}", returns=ADDRESS_CHECK)
    def check_address(self, currency_name: str, address: Many[str]) -> pd.DataFrame:
        """Ask whether addresses are well-formed addresses of a currency; not whether they are anybody's."""
        lead = {"address": "address", "currency_name": "currency_name"}
        return self._each(Currencies.check_address, locals(), lead=lead)
