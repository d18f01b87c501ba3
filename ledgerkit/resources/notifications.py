"""Notifications: where the service sends the events of the calling user."""

from typing import Any, Final

import pandas as pd

from ledgerkit.errors import NotFound
from ledgerkit.frames import TEXT, Table
from ledgerkit.operations import operation
from ledgerkit.resources.base import Section
from ledgerkit.secret import MASK


def masked(answer: Any) -> Any:
    """Mask every webhook secret in an answer: frames and answers are printed, and saved with the notebook."""
    if isinstance(answer, dict):
        return {
            field: MASK if field == "secret" and value is not None else masked(value)
            for field, value in answer.items()
        }
    return [masked(one) for one in answer] if isinstance(answer, list) else answer


CONFIGURATION: Final = Table("configuration", {"all": {"webhook": {"url": TEXT, "secret": TEXT}}}, normalise=masked)


class Notifications(Section, name="notifications"):
    """Where the service sends the events of the calling user."""

    @operation("GET /notifications/configuration", returns=CONFIGURATION)
    def configuration(self) -> pd.DataFrame:
        """Get the configuration of the calling user, its secret masked; no rows where none is set."""
        try:
            return self._each(Notifications.configuration, {})
        except NotFound:
            return self._frame("GET /notifications/configuration", CONFIGURATION, [], {})
