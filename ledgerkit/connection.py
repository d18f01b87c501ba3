"""What the sections of a session share: the way to the service, and what is known about the caller.

Sections hold a connection and not the session, so that a session that is dropped is collected at once.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

import pandas as pd

from ledgerkit.addresses import KnownAddresses
from ledgerkit.errors import PermissionDenied
from ledgerkit.operations import check_family
from ledgerkit.operator import Operator
from ledgerkit.outbox import Outbox
from ledgerkit.paging import Reader
from ledgerkit.transport import Answer, Params, Transport


class Memory:
    """What was looked up in the workspace and is kept for a while, each with the moment until which it is believed.

    All that is made of one connection shares it: the session and its forms ask once.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        # Of accounts, users, groups: when they were listed.
        self.frames: dict[str, tuple[float, pd.DataFrame]] = {}
        # By currency and contract: until when they are kept.
        self.units: dict[Any, tuple[float, Any]] = {}
        # Those of whitelists and of accounts: until when they are believed; None where nothing was looked at.
        self.known_addresses: tuple[float, KnownAddresses | None] = (float("-inf"), None)


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
    writes
        Whether calls that change something may be sent.
    operator
        The API user who signs; None for the other families.
    outbox
        What the session sent.
    memory
        What was looked up and is kept for a while.
    """

    transport: Transport
    reader: Reader
    family: str
    zone: tzinfo
    origin: Mapping[str, str]
    writes: bool = False
    operator: Operator | None = None
    outbox: Outbox = field(default_factory=Outbox)
    memory: Memory = field(default_factory=Memory)

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

    def send(self, operation: str, method: str, path: str, json: Any = None) -> Answer:
        """Make a write, once, after checking that it may and can be made at all.

        Raises
        ------
        PermissionDenied
            The session reads only, or its credentials can't make this call; nothing was sent.
        OutcomeUnknown
            It was sent, and its answer lost.
        """
        call = f"{method} {path}"
        self.check_write(operation, call)
        return self.transport.request(method, path, json=json, safe=False)

    def check_write(self, operation: str, call: str | None = None) -> None:
        """Raise where these credentials can't make a write, or this session reads only: before anything is asked."""
        check_family(operation, self.family, call or operation)
        self.check_writes(call or operation)

    def check_writes(self, call: str) -> None:
        """Raise where this session reads only."""
        if not self.writes:
            raise PermissionDenied(
                "this session reads only, and nothing was sent. Open one with connect(..., writes=True).", call=call
            )

    def provenance(self, endpoint: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a frame's ``attrs`` say of the call that it came from."""
        return {
            "endpoint": endpoint,
            "parameters": dict(parameters),
            "fetched_at": datetime.fromtimestamp(self.transport.clock.time(), UTC).isoformat(timespec="seconds"),
            **self.origin,
        }
