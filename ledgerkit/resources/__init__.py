"""The sections of the API reference, one module each."""

from importlib import import_module
from typing import Final

# Each is a module of this package, and an attribute of a session.
SECTIONS: Final = (
    "accounts",
    "api_users",
    "certificates",
    "compliance",
    "currencies",
    "digests",
    "entities",
    "groups",
    "labels",
    "messages",
    "notifications",
    "organization",
    "pledges",
    "requests",
    "settlements",
    "stakes",
    "transactions",
    "users",
    "whitelists",
)


def load() -> None:
    """Import every section: they are imported one by one, as they are asked for."""
    for name in SECTIONS:
        import_module(f"{__name__}.{name}")
