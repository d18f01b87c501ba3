"""Certificates: the chain that signed addresses can be checked with."""

from typing import Any, Final

import pandas as pd

from ledgerkit.frames import INTEGER, TEXT, Table
from ledgerkit.operations import operation
from ledgerkit.resources.base import Section, items

CERTIFICATE: Final = Table("certificate", {"position": INTEGER, "certificate": TEXT})


class Certificates(Section, name="certificates"):
    """The certificates of the service."""

    @operation("GET /certificates/chain", returns=CERTIFICATE)
    def chain(self) -> pd.DataFrame:
        """Get the chain of certificates, each as DER in hexadecimal."""
        return self._each(Certificates.chain, {}, nodes=_positions)


def _positions(body: Any) -> list[Any]:
    return [{"position": position, "certificate": certificate} for position, certificate in enumerate(items(body))]
