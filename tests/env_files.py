"""What the tests of credentials share: a ``.env`` and how it is read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledgerkit.credentials import (
    ApiUser,
    Credentials,
    load,
)
from ledgerkit.errors import ConfigurationError

PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIAbc\nDEFG==\n-----END EC PRIVATE KEY-----"

Write = Callable[[str | bytes], Path]


def lines(prefix: str = "LEDGER_ENTERPRISE_", **values: str) -> str:
    return "".join(f"{prefix}{name}={value}\n" for name, value in values.items())


API_USER = lines(WORKSPACE="minivault", API_KEY_ID="key-id", API_KEY_SECRET="key-secret")
IN_ENVIRONMENT = {
    "LEDGER_ENTERPRISE_WORKSPACE": "fromenv",
    "LEDGER_ENTERPRISE_API_KEY_ID": "id-of-environment",
    "LEDGER_ENTERPRISE_API_KEY_SECRET": "secret-of-environment",
}


def api_user(credentials: Credentials) -> ApiUser:
    assert isinstance(credentials, ApiUser)
    return credentials


def secret_in(path: Path) -> str:
    """Return the key secret as it is read from a file."""
    return api_user(load(environ={}, start=path.parent).credentials).key_secret.reveal()


def refused(start: Path, **options: Any) -> str:
    """Return the text of the error that loading ends in."""
    with pytest.raises(ConfigurationError) as caught:
        load(**{"environ": {}, "start": start, **options})
    return str(caught.value)
