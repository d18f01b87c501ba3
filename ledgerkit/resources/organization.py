"""The organization that the workspace belongs to."""

from typing import Final

import pandas as pd

from ledgerkit.frames import INTEGER, TEXT, Table
from ledgerkit.operations import operation
from ledgerkit.resources.base import Section

ORGANIZATION: Final = Table(
    "organization",
    {
        "name": TEXT,
        "workspace": TEXT,
        "num_admins": INTEGER,
        "num_shared_owners": INTEGER,
        "num_wrapping_keys": INTEGER,
        "quorum": INTEGER,
    },
)


class Organization(Section, name="organization"):
    """The organization that the workspace belongs to."""

    @operation("GET /organization", returns=ORGANIZATION)
    def get(self) -> pd.DataFrame:
        """Get the organization: its name, its workspace, and how many people and approvals guard it."""
        return self._each(Organization.get, {})
