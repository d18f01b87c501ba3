"""What a session has sent, so that a cell that is run again does not send the same a second time."""

import hashlib
import json
import threading
from collections.abc import Mapping
from typing import Any

from ledgerkit.errors import InvalidRequest


class Outbox:
    """Remembers the bodies of one session, by their digest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: dict[str, str] = {}

    def take(self, body: Mapping[str, Any], *, again: bool) -> str:
        """Claim a body before it is sent, and return its key for :meth:`record` or :meth:`release`.

        Raises
        ------
        InvalidRequest
            The same body was claimed before, and ``again`` does not say that a second one is meant.
        """
        key = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        with self._lock:
            if key in self._sent and not again:
                raise InvalidRequest(
                    f"this session has sent the same before: {self._sent[key]}. Nothing was sent. If a second one is "
                    "meant, say so with again=True.",
                    field="again",
                )
            self._sent[key] = "its outcome is not known yet"
        return key

    def record(self, key: str, made: str) -> None:
        """Write down what a body made."""
        with self._lock:
            self._sent[key] = made

    def release(self, key: str) -> None:
        """Forget a body that was surely not carried out."""
        with self._lock:
            self._sent.pop(key, None)
