"""A workspace whose credentials are canaries: who signs in to it, and a server that gives them out."""

from collections.abc import Callable
from typing import Any

import canaries
from canaries import described
from evidence import Evidence
from serving import Act, Reply, Seen

import ledgerkit as lk


def credentials(family: str) -> Any:
    if family == "api_user":
        return lk.ApiUser(
            "acme",
            canaries.KEY_ID,
            canaries.KEY_SECRET,
            private_key=canaries.PEM,
            gateway_key=canaries.GATEWAY_KEY,
        )
    if family == "lam":
        return lk.LAM(canaries.LAM_USER, canaries.LAM_API_KEY, canaries.LAM_STORE_TOKEN)
    return lk.ReportingKey("acme", canaries.REPORTING_KEY)


def tokens() -> Reply:
    return Reply(
        {
            "access_token": canaries.ACCESS_TOKEN,
            "refresh_token": canaries.REFRESH_TOKEN,
            "session_state": canaries.SESSION_STATE,
            "expires_in": 300,
            "token_type": "Bearer",
        }
    )


def signing_in(handler: Callable[[Seen], Act]) -> Callable[[Seen], Act]:
    return lambda seen: tokens() if seen.path.startswith("/auth/") else handler(seen)


def always(act: Act) -> Callable[[Seen], Act]:
    """Give out tokens, and do one thing about every other call."""
    return signing_in(lambda seen: act)


def clean(evidence: Evidence) -> None:
    hits = evidence.hits()
    assert hits == [], described(hits)
