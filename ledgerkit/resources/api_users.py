"""API users of a LAM, the gateway in a customer's own house."""

from typing import Any, Final

import pandas as pd

from ledgerkit.errors import InvalidRequest
from ledgerkit.filters import Many
from ledgerkit.frames import FLAG, TEXT, Table
from ledgerkit.operations import operation
from ledgerkit.payloads import ApiUserCreation
from ledgerkit.resources.base import Section, wrapped
from ledgerkit.resources.writing import DONE, identifier, write

API_USER: Final = Table("API user", {"name": TEXT, "device_id": TEXT, "role": TEXT, "type_": TEXT, "workspace": TEXT})
REGISTRATION: Final = DONE.extended(before={"name": TEXT})
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

    @operation("POST /api_users", returns=API_USER)
    def create(self, name: str) -> pd.DataFrame:
        """Create an API user on the LAM; an administrator then invites its ``device_id`` in the web app.

        Parameters
        ----------
        name
            1 to 20 letters, digits and underscores.

        Raises
        ------
        InvalidRequest
            The name can't be one, or the LAM has such a user.
        OutcomeUnknown
            The answer was lost: ``get(name)`` tells whether the user is there.
        """
        body = ApiUserCreation(name=name).to_json()
        return write(self, "POST /api_users", API_USER, {}, body=body, lead={"name": name}, given={"name": name})

    @operation("POST /api_users/{name}/register/{url_id}", returns=REGISTRATION)
    def register(self, name: str, url_id: str) -> pd.DataFrame:
        """Register an API user of the LAM with the invitation of an administrator.

        Parameters
        ----------
        url_id
            The UUID in the address of the invitation.
        """
        inside = {"name": identifier("name", name, "text"), "url_id": identifier("url_id", url_id, "text")}
        return write(
            self,
            "POST /api_users/{name}/register/{url_id}",
            REGISTRATION,
            inside,
            # The reference lists no body, the tutorial sends this one.
            body={"name": inside["name"]},
            lead={"name": inside["name"]},
        )

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
