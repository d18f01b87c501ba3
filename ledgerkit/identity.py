"""Who the caller is. The API has no call for that; an API user's token names the public key of its user."""

import base64

import pandas as pd

from ledgerkit.answers import decoded
from ledgerkit.errors import NotFound
from ledgerkit.secret import Secret


def public_key(token: Secret) -> str | None:
    """Return the public key that a token names, in upper case, or None.

    The token is not verified: what it says serves to find the own user among those that the service lists, and no
    decision rests on it.
    """
    key = _claim(token, "pub_key")
    return None if key is None else key.upper()


def subject(token: Secret) -> str | None:
    """Return what a token calls its user (``sub``), whatever key pair that user has, or None; it is not verified."""
    return _claim(token, "sub")


def _claim(token: Secret, name: str) -> str | None:
    parts = token.reveal().split(".")
    if len(parts) != 3:
        return None
    try:
        claims, _ = decoded(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    value = claims.get(name) if isinstance(claims, dict) else None
    return value if isinstance(value, str) and value else None


def own_user(users: pd.DataFrame, key: str | None) -> pd.DataFrame:
    """Return the one row of users that has this public key."""
    found = users[users["pub_key"].str.upper().eq(key)] if key else users.head(0)
    if len(found) != 1:
        raise NotFound(
            "the own user can't be told: the API has no call for it, and "
            + ("the token names no public key." if not key else f"{len(found)} of the users have the token's key.")
            + " session.users.search() lists the users that you may see."
        )
    return found.reset_index(drop=True)
