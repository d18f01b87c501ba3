"""What a session has sent, so that a cell that is run again does not send the same a second time."""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ledgerkit.errors import NOT_CARRIED_OUT, InvalidRequest


class Claim:
    """One send of a body: it stands unless the send was surely not carried out."""

    def __init__(self, what: str) -> None:
        self.told = f"{what}, whose outcome is not known"
        self.released = False

    def record(self, made: str) -> None:
        """Write down what it made; that also stands where it was taken for not carried out before."""
        self.told, self.released = made, False


class Outbox:
    """Remembers what was sent, by the digests of the bodies."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claims: dict[str, list[Claim]] = {}

    @contextmanager
    def claim(
        self, body: Mapping[str, Any], what: str, *, again: bool, way: str = "the same call with again=True"
    ) -> Iterator[Claim]:
        """Claim a body while it is sent; the claim stands afterwards, unless the body was surely not carried out.

        Parameters
        ----------
        what
            What it makes, for the one who sends the same again.
        again
            That a second one is meant.
        way
            The call that says so.

        Raises
        ------
        InvalidRequest
            The same body was claimed before, and ``again`` does not say that a second one is meant.
        """
        key = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        claim = Claim(what)
        with self._lock:
            claims = self._claims.setdefault(key, [])
            standing = [one for one in claims if not one.released]
            if standing and not again:
                raise InvalidRequest(
                    f"this session has sent the same before: {'; '.join(one.told for one in standing)}. Nothing was "
                    f"sent. If a second one is meant: {way}.",
                    field="again",
                )
            claims.append(claim)
        try:
            yield claim
        except NOT_CARRIED_OUT:
            claim.released = True
            raise
