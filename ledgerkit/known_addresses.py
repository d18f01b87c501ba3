"""Which addresses are known in a workspace: those of its whitelists, of its accounts, and those that were paid."""

from collections.abc import Iterable, Iterator
from typing import Final

import pandas as pd

from ledgerkit.addresses import KnownAddresses
from ledgerkit.connection import Connection
from ledgerkit.directions import direction
from ledgerkit.errors import LedgerError
from ledgerkit.resources.whitelists import Whitelists
from ledgerkit.showing import visible

# A list of these states allows nothing; of a state that is not documented that is not known.
DEAD: Final = frozenset({"REJECTED", "REVOKED"})
SECONDS_KEPT: Final = 900.0
# What could not be had may be had soon.
SECONDS_BEFORE_ANOTHER_LOOK: Final = 60.0


def of_whitelists(frame: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Give the addresses of whitelists that may allow something, and what each is called there."""
    columns = (frame[name].tolist() for name in ("name", "status", "addresses"))
    for name, status, addresses in zip(*columns, strict=True):
        if status in DEAD:
            continue
        for one in addresses if isinstance(addresses, list) else []:
            address = one.get("address") if isinstance(one, dict) else None
            if isinstance(address, str) and address:
                called = f"“{visible(str(one.get('name') or ''))}”" if one.get("name") else "an address"
                yield address, f"{called} on whitelist {visible(str(name))}"


def of_accounts(frame: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Give the addresses of accounts, and whose they are."""
    for name, address in zip(frame["name"].tolist(), frame["address"].tolist(), strict=True):
        if isinstance(address, str) and address:
            yield address, f"the own account {visible(str(name))}"


def paid(frame: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Give whom transactions paid; who sent something in is not known by it, since anybody can."""
    if frame.empty:
        return
    columns = (frame[name].tolist() for name in ("id", "type", "status", "recipient"))
    for number, kind, status, recipient in zip(*columns, strict=True):
        done = isinstance(status, str) and status != "REJECTED" and not status.startswith(("FAILED", "DROPPED"))
        if done and isinstance(recipient, str) and recipient and direction(kind) == "out":
            yield recipient, f"paid by transaction {number}"


def listed(connection: Connection, whitelists: pd.DataFrame) -> KnownAddresses:
    """Return what whitelists hold, and the addresses of accounts that the session remembers; cards show it too."""
    found: list[Iterable[tuple[str, str]]] = [of_whitelists(whitelists)]
    accounts = connection.memory.frames.get("account")
    if accounts is not None:
        found.append(of_accounts(accounts[1]))
    known = KnownAddresses(one for some in found for one in some)
    connection.memory.known_addresses = (connection.transport.clock.monotonic() + SECONDS_KEPT, known)
    return known


def remembered(connection: Connection) -> KnownAddresses:
    """Return what is known of addresses, as it was a quarter of an hour ago at most: GET /whitelists."""
    memory, now = connection.memory, connection.transport.clock.monotonic()
    with memory.lock:
        until, known = memory.known_addresses
        if now > until:
            try:
                known = listed(connection, Whitelists(connection).search())
            except LedgerError:  # a help: without it nothing is marked
                memory.known_addresses = (now + SECONDS_BEFORE_ANOTHER_LOOK, known)
        return known
