"""What the sections of a session share: the way to the service, and what is known about the caller.

Sections hold a connection and not the session, so that a session that is dropped is collected at once.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from ledgerkit.operations import check_family
from ledgerkit.paging import Reader
from ledgerkit.transport import Answer, Params, Transport


@dataclass(frozen=True)
class Connection:
    """The way to one workspace.

    Parameters
    ----------
    transport, reader
        What sends calls, and what reads whole lists.
    family
        ``"api_user"``, ``"reporting_key"`` or ``"lam"``.
    zone
        The zone of times that are given without one.
    origin
        What every frame's ``attrs`` say of where it came from.
    """

    transport: Transport
    reader: Reader
    family: str
    zone: tzinfo
    origin: Mapping[str, str]

    def ask(
        self,
        operation: str,
        path: str,
        *,
        params: Params | None = None,
        retry: bool = True,
        bulk: bool = False,
        cancel: threading.Event | None = None,
    ) -> Answer:
        """Make a read, after checking that these credentials can make it at all."""
        check_family(operation, self.family, f"GET {path}")
        return self.transport.request("GET", path, params=params, retry=retry, bulk=bulk, cancel=cancel)

    def provenance(self, endpoint: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a frame's ``attrs`` say of the call that it came from."""
        return {
            "endpoint": endpoint,
            "parameters": dict(parameters),
            "fetched_at": datetime.fromtimestamp(self.transport.clock.time(), UTC).isoformat(timespec="seconds"),
            **self.origin,
        }
