"""What a caller wants to create: the body of a creation, checked as the service checks it."""

from collections.abc import Callable
from typing import Any

from . import intents_accounts, intents_pledges, intents_signing, intents_transactions
from .intent import Intent
from .intents_fields import choice, refused
from .service import Service
from .store import Node
from .viewers import Viewer

__all__ = ["Intent", "read"]


def _transaction(service: Service, viewer: Viewer, body: Node) -> Intent:
    intent, strategy = intents_transactions.read(service, viewer, body)
    intents_transactions.check_cost(service, intent, strategy)
    return intent


_READERS: dict[str, Callable[[Service, Viewer, Node], Intent]] = {
    "CREATE_TRANSACTION": _transaction,
    "CREATE_MESSAGE_SIGNING": intents_signing.read_message,
    "CREATE_PLEDGE_INCREMENT": intents_pledges.read_increment,
    "CREATE_FORCED_UNPLEDGE": intents_pledges.read_forced_unpledge,
    "CREATE_ACCOUNT": intents_accounts.read,
    "SIGN_DIGESTS": intents_signing.read_digests,
}


def read(service: Service, viewer: Viewer, body: Any) -> Intent:
    """Check the body of a creation.

    Raises
    ------
    Refusal
        400 for a body that the service does not take, 403 where the caller may not create it, 404 for an account
        or pledge that the caller does not see.
    """
    if not isinstance(body, dict):
        raise refused("body", body, "an object is expected")
    return _READERS[choice(body.get("type"), "type", _READERS)](service, viewer, body)
