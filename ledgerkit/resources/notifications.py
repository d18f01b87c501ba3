"""Notifications: where the service sends the events of the calling user."""

from typing import Any, Final

import pandas as pd

from ledgerkit.errors import NotFound
from ledgerkit.frames import TEXT, Table
from ledgerkit.operations import operation
from ledgerkit.resources.base import Section
from ledgerkit.secret import MASK


def _masked(node: dict[str, Any]) -> dict[str, Any]:
    """Mask the secret of every webhook, wherever it stands: a frame is printed and saved with its notebook."""
    return {field: _mask(field, value) for field, value in node.items()}


def _mask(field: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {inner: _mask(inner, one) for inner, one in value.items()}
    if isinstance(value, list):
        return [_mask(field, one) for one in value]
    return MASK if field == "secret" and value is not None else value


CONFIGURATION: Final = Table("configuration", {"all": {"webhook": {"url": TEXT, "secret": TEXT}}}, normalise=_masked)


class Notifications(Section):
    """Where the service sends the events of the calling user."""

    @operation("GET /notifications/configuration", returns=CONFIGURATION)
    def configuration(self) -> pd.DataFrame:
        """Get the configuration of the calling user, its secret masked; no rows where none is set."""
        try:
            return self._each(Notifications.configuration, {})
        except NotFound:
            return self._frame("GET /notifications/configuration", CONFIGURATION, [], {})
