"""Compliance: what the provider says of an address. An administrator must have set the provider up."""

from typing import Final

import pandas as pd

from ledgerkit.filters import Many
from ledgerkit.frames import FLAG, LIST, TEXT, Table
from ledgerkit.operations import operation
from ledgerkit.resources.base import Section

# `provider_details_exposures` holds values in US dollars.
ADDRESS_RISK: Final = Table(
    "address",
    {
        "address": TEXT,
        "risk": TEXT,
        "provider_details": {
            "exposures": LIST,
            "reason": TEXT,
            "risk": TEXT,
        },
    },
)
ADDRESS_SANCTIONS: Final = Table(
    "address",
    {
        "address": TEXT,
        "has_sanctions": FLAG,
        "provider_details": LIST,
    },
)


class Compliance(Section, name="compliance"):
    """Risk and sanctions of addresses."""

    @operation("GET /compliance/address-risk/{address}", returns=ADDRESS_RISK)
    def address_risk(self, address: Many[str]) -> pd.DataFrame:
        """Get the risk of addresses: ``risk`` on the service's scale, ``provider_details_risk`` on the provider's."""
        return self._each(Compliance.address_risk, locals(), lead={"address": "address"})

    @operation("GET /compliance/sanctions/{address}", returns=ADDRESS_SANCTIONS)
    def sanctions(self, address: Many[str]) -> pd.DataFrame:
        """Get whether addresses are under sanctions, and under which."""
        return self._each(Compliance.sanctions, locals(), lead={"address": "address"})
