"""Tokens of API users: exchange of a key, rotation of refresh tokens, expiry and revocation."""

import functools
import hashlib
import secrets
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from .answers import Refusal
from .store import Node
from .world import ApiUserCredential


@functools.cache
def signing_key() -> RSAKey:
    """Return the RSA key that signs the access tokens of this process; making one takes a moment."""
    key = RSAKey.generate_key(2048, parameters={"use": "sig", "alg": "RS256"})
    key.ensure_kid()
    return key


@dataclass(slots=True)
class Grant:
    """What one issued token stands for."""

    user: int
    session: str
    expires: float


class TokenIssuer:
    """Issues and checks tokens.

    A token is known by its whole text: one that was not issued here, or was altered, is simply not in the table.

    Parameters
    ----------
    credentials
        The API users' keys.
    users
        The user nodes by id.
    workspace
        The name of the workspace.
    now
        The time of the service.
    token_life, refresh_life
        Seconds for which the two tokens serve.
    refresh_single_use
        Refuse a refresh token that was used.
    """

    def __init__(
        self,
        credentials: list[ApiUserCredential],
        users: dict[int, Node],
        workspace: str,
        now: Callable[[], float],
        *,
        token_life: float,
        refresh_life: float,
        refresh_single_use: bool,
    ) -> None:
        self.issuer = ""
        self._credentials = {credential.key_id: credential for credential in credentials}
        self._users = users
        self._workspace = workspace
        self._now = now
        self._token_life = token_life
        self._refresh_life = refresh_life
        self._single_use = refresh_single_use
        self._refresh_key = OctKey.import_key(secrets.token_bytes(32))
        self._access: dict[str, Grant] = {}
        self._refresh: dict[str, Grant] = {}
        self._lock = threading.Lock()

    def login(self, body: Any) -> Node:
        """Exchange a key id and its secret."""
        if not isinstance(body, dict):
            raise Refusal(401, "Unauthorized: a JSON object with api_key_id and api_key_secret is expected")
        credential = self._credentials.get(str(body.get("api_key_id")))
        offered = str(body.get("api_key_secret"))
        if credential is None or not secrets.compare_digest(credential.key_secret.encode(), offered.encode()):
            raise Refusal(401, "Unauthorized: unknown API key id or wrong secret")
        return self._issue(credential.user_id, str(uuid.uuid4()))

    def refresh(self, body: Any) -> Node:
        """Exchange a refresh token."""
        text = str(body.get("refresh_token")) if isinstance(body, dict) else ""
        with self._lock:
            grant = self._refresh.pop(text, None) if self._single_use else self._refresh.get(text)
        if grant is None or grant.expires <= self._now():
            raise Refusal(401, "Unauthorized: the refresh token is unknown, used or expired")
        return self._issue(grant.user, grant.session)

    def user(self, token: str) -> int:
        """Return the user of an access token."""
        grant = self._access.get(token)
        if grant is None:
            raise Refusal(401, "Unauthorized: the access token is unknown or revoked")
        if grant.expires <= self._now():
            raise Refusal(401, "Unauthorized: the access token has expired")
        return grant.user

    def revoke(self) -> None:
        """Revoke every access token; refresh tokens go on."""
        with self._lock:
            self._access.clear()

    def expire_refresh(self) -> None:
        """End the life of every refresh token."""
        with self._lock:
            self._refresh.clear()

    def rotate_secret(self, key_id: str) -> ApiUserCredential:
        """Give a key another secret, end the tokens of its user, and return the credential as it is now."""
        credential = replace(self._credentials[key_id], key_secret=f"sandbox-{secrets.token_urlsafe(26)}")
        with self._lock:
            self._credentials[key_id] = credential
            self._end(credential.user_id)
        return credential

    def rotate_private_key(self, user: int, pub_key: str) -> None:
        """Name another public key in the tokens of a user from now on, and end those that name the old one."""
        with self._lock:
            self._users[user] = {**self._users[user], "pub_key": pub_key}
            self._end(user)

    def _end(self, user: int) -> None:
        for table in (self._access, self._refresh):
            for token in [token for token, grant in table.items() if grant.user == user]:
                del table[token]

    def _issue(self, user: int, session: str) -> Node:
        now = self._now()
        issued = int(now)
        node = self._users[user]
        subject = str(uuid.UUID(bytes=hashlib.sha256(f"{self._workspace}/{user}".encode()).digest()[:16], version=4))
        claims = {
            "iat": issued,
            "jti": str(uuid.uuid4()),
            "iss": self.issuer,
            "sub": subject,
            "typ": "Bearer",
            "azp": "revault",
            "session_state": session,
            "sid": session,
            "scope": "",
            "workspace": self._workspace,
            "pub_key": node.get("pub_key"),
            "preferred_username": node["username"],
        }
        key = signing_key()
        access = jwt.encode(
            {"alg": "RS256", "typ": "JWT", "kid": key.kid}, {**claims, "exp": issued + int(self._token_life)}, key
        )
        refresh_claims = {
            **{name: claims[name] for name in ("iat", "iss", "sub", "azp", "session_state", "sid", "scope")},
            "jti": str(uuid.uuid4()),
            "typ": "Refresh",
            "exp": issued + int(self._refresh_life),
        }
        refresh = jwt.encode({"alg": "HS256", "typ": "JWT"}, refresh_claims, self._refresh_key)
        with self._lock:
            self._forget_expired(now)
            self._access[access] = Grant(user, session, now + self._token_life)
            self._refresh[refresh] = Grant(user, session, now + self._refresh_life)
        return {
            "access_token": access,
            "expires_in": int(self._token_life),
            "refresh_token": refresh,
            "session_state": session,
            "token_type": "Bearer",
        }

    def _forget_expired(self, now: float) -> None:
        for table in (self._access, self._refresh):
            for token in [token for token, grant in table.items() if grant.expires <= now]:
                del table[token]
