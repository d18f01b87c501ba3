"""API users of a LAM, the gateway in a customer's own house."""

from typing import Any, Final

import pandas as pd

from ledgerkit.errors import InvalidRequest
from ledgerkit.filters import Many
from ledgerkit.frames import FLAG, TEXT, Table
from ledgerkit.operations import operation
from ledgerkit.resources.base import Section, wrapped

API_USER: Final = Table("API user", {"name": TEXT, "device_id": TEXT, "role": TEXT, "type_": TEXT, "workspace": TEXT})
HEALTH: Final = Table("LAM", {"reachable": FLAG, "answer": TEXT})


class ApiUsers(Section, name="api_users"):
    """The API users that a LAM holds; only with LAM credentials."""

    @operation("GET /api_users", returns=API_USER)
    def search(self) -> pd.DataFrame:
        """Get all API users of the LAM."""
        return self._each(ApiUsers.search, {}, nodes=wrapped("api_users"))

    @operation("GET /api_users/{name}", returns=API_USER)
    def get(self, name: Many[str]) -> pd.DataFrame:
        """Get API users of the LAM by name; for several, a column ``error`` says what could not be had."""
        return self._each(ApiUsers.get, locals(), lead={"name": "name"})

    @operation("GET /_health", returns=HEALTH)
    def health(self) -> pd.DataFrame:
        """Ask whether the LAM answers; it refuses (400) as long as it does not know the user of the credentials.

        What it answers when all is well is documented nowhere: any answer counts as reachable.
        """
        try:
            return self._each(ApiUsers.health, {}, nodes=_reached)
        except InvalidRequest as error:
            refusal = str(error)
        return self._frame("GET /_health", HEALTH, [("GET /_health", _reached(refusal))], {})


def _reached(body: Any) -> list[dict[str, Any]]:
    return [{"reachable": True, "answer": None if body is None else str(body)}]
