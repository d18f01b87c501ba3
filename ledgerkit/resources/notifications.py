"""Notifications: where the service sends the events of the calling user."""

from typing import Any, Final

import pandas as pd

from ledgerkit.errors import ContractViolation, NotFound
from ledgerkit.frames import TEXT, Table
from ledgerkit.operations import operation
from ledgerkit.resources.base import Section
from ledgerkit.secret import MASK


def masked(answer: Any) -> Any:
    """Mask every webhook secret in an answer, in place: what is printed is saved with the notebook."""
    waiting = [answer]  # recursion would end at a depth that JSON may have
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if one.get("secret") is not None:
                one["secret"] = MASK
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return answer


CONFIGURATION: Final = Table("configuration", {"all": {"webhook": {"url": TEXT, "secret": TEXT}}})


class Notifications(Section, name="notifications"):
    """Where the service sends the events of the calling user."""

    @operation("GET /notifications/configuration", returns=CONFIGURATION)
    def configuration(self) -> pd.DataFrame:
        """Get the configuration of the calling user, its secret masked; no rows where none is set."""
        try:
            return self._each(Notifications.configuration, {}, nodes=lambda body: [masked(body)])
        except ContractViolation as error:
            error.details.pop("body", None)
            raise
        except NotFound:
            return self._frame("GET /notifications/configuration", CONFIGURATION, [], {})
