"""Credentials on a call: which of the three families it carries, and whom they stand for."""

import hmac
from collections.abc import Mapping

from .answers import Refusal
from .tokens import TokenIssuer
from .viewers import Sight, Viewer
from .world import World


class Access:
    """Turns the headers of a call into a viewer.

    Parameters
    ----------
    world, tokens, sight
        What is known about users, their tokens and their scopes.
    gateway
        Whether token requests need the gateway's key.
    lam_api_key, lam_store_token
        Whether the LAM was set up with them.
    """

    def __init__(
        self,
        world: World,
        tokens: TokenIssuer,
        sight: Sight,
        *,
        gateway: bool,
        lam_api_key: bool,
        lam_store_token: bool,
    ) -> None:
        credentials = world.credentials
        self._workspace = world.workspace
        self._tokens = tokens
        self._gateway_key = credentials.gateway_key if gateway else None
        self._lam_api_key = credentials.lam_api_key if lam_api_key else None
        self._lam_store_token = credentials.lam_store_token if lam_store_token else None
        self._world = world
        self._reporting = {credential.key: credential for credential in credentials.reporting_keys}
        self._viewers: dict[int, Viewer] = {}
        for user in credentials.api_users:
            partial = user.role == "OPERATOR" and not user.view_all
            self._viewers[user.user_id] = Viewer(
                "api_user",
                user.user_id,
                scope=sight.of_operator(user.user_id) if partial else None,
                sees_xpub=user.role == "OPERATOR" and user.view_all,
            )
        self._reporters = {
            key: Viewer(
                "reporting_key",
                credential.user_id,
                scope=sight.of_entities(credential.entities) if credential.entities else None,
            )
            for key, credential in self._reporting.items()
        }

    def check_token_request(self, headers: Mapping[str, str]) -> None:
        """Refuse a token request for another workspace, or without the gateway's key where one is needed."""
        self._check_workspace(headers)
        if not _same(self._gateway_key, headers.get("x-ledger-api-key")):
            raise Refusal(401, "Unauthorized: the gateway's API key is missing or wrong")

    def viewer(self, method: str, path: str, headers: Mapping[str, str]) -> Viewer:
        """Return who is calling, or refuse."""
        if "x-ledger-api-user" in headers:
            return self._lam_viewer(headers)
        if "x-ledger-reporting-api-key" in headers:
            return self._reporter(method, path, headers)
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refusal(401, "Unauthorized: no credentials")
        self._check_workspace(headers)
        return self._viewers[self._tokens.user(token.strip())]

    def check_lam_keys(self, headers: Mapping[str, str]) -> None:
        """Refuse a call to the LAM that lacks a key the LAM was set up with."""
        if not _same(self._lam_api_key, headers.get("x-ledger-api-key")):
            raise Refusal(401, "Unauthorized: the LAM's API key is missing or wrong")

    def knows_lam_user(self, headers: Mapping[str, str]) -> bool:
        """Say whether the LAM knows the user that the call names."""
        return any(user["name"] == headers.get("x-ledger-api-user") for user in self._world.lam_users)

    def _lam_viewer(self, headers: Mapping[str, str]) -> Viewer:
        self.check_lam_keys(headers)
        if not _same(self._lam_store_token, headers.get("x-ledger-store-auth-token")):
            raise Refusal(401, "Unauthorized: the store's authentication token is missing or wrong")
        if not self.knows_lam_user(headers):
            raise Refusal(401, "Unauthorized: unknown API user")
        return Viewer("lam", headers["x-ledger-api-user"])

    def _reporter(self, method: str, path: str, headers: Mapping[str, str]) -> Viewer:
        self._check_workspace(headers)
        credential = self._reporting.get(headers["x-ledger-reporting-api-key"])
        if credential is None:
            raise Refusal(401, "Unauthorized: unknown reporting key")
        if credential.status != "ACTIVE":
            raise Refusal(403, f"Forbidden: the reporting key is {credential.status}")
        if method != "GET" and not path.startswith("/notifications/"):
            raise Refusal(403, "Forbidden: a reporting key reads, and sets its notifications")
        return self._reporters[credential.key]

    def _check_workspace(self, headers: Mapping[str, str]) -> None:
        if headers.get("x-ledger-workspace") != self._workspace:
            raise Refusal(401, "Unauthorized: X-Ledger-Workspace is missing or names another workspace")


def _same(expected: str | None, offered: str | None) -> bool:
    """Compare in constant time; where nothing is expected anything serves."""
    return expected is None or (offered is not None and hmac.compare_digest(expected.encode(), offered.encode()))
