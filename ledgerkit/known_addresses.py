"""Which addresses are known in a workspace: those of its whitelists, of its accounts, and those that were paid."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import pandas as pd

from ledgerkit.addresses import KnownAddresses, destinations, one_key
from ledgerkit.connection import Connection
from ledgerkit.directions import direction
from ledgerkit.drafts import Check
from ledgerkit.errors import InvalidRequest, LedgerError
from ledgerkit.frames import INTEGER, TEXT, Table
from ledgerkit.paging import Listing
from ledgerkit.parallel import Progress
from ledgerkit.payloads import Body
from ledgerkit.resources.whitelists import Whitelists
from ledgerkit.showing import visible

# A list of these states allows nothing; of a state that is not documented that is not known.
DEAD: Final = frozenset({"REJECTED", "REVOKED"})
LOOK_ALIKE: Final = "look-alike"
# Of accounts no more is needed, so that this can be asked beneath the section that makes plans of them.
OWN: Final = Table("own account", {"id": INTEGER, "name": TEXT, "address": TEXT})
SECONDS_KEPT: Final = 900.0
# What could not be had may be had soon.
SECONDS_BEFORE_ANOTHER_LOOK: Final = 60.0
_WAY: Final = (
    "compare them whole, with a source of your own. If this one is meant, have it listed, or send it by itself and "
    "say so: in a form with the box below its review, in code with look_alike=True"
)


def of_whitelists(frame: pd.DataFrame, *, active: bool) -> Iterator[tuple[str, str]]:
    """Give the addresses of whitelists, each once, and what it is called on the first and on how many more it is.

    Parameters
    ----------
    active
        Those of the lists that are in force, or of those that may be one day: whoever may ask for a list makes one.
    """
    lists: dict[str, dict[int, str]] = {}
    spelled: dict[str, str] = {}
    columns = (frame[name].tolist() for name in ("name", "status", "addresses"))
    for number, (name, status, addresses) in enumerate(zip(*columns, strict=True)):
        state = status if isinstance(status, str) else "of no known status"
        if state in DEAD or (state == "ACTIVE") is not active:
            continue
        said = "" if active else f", which is {visible(state)}"
        for one in addresses if isinstance(addresses, list) else []:
            address = one.get("address") if isinstance(one, dict) else None
            if isinstance(address, str) and address:
                called = f"“{visible(str(one.get('name') or ''))}”" if one.get("name") else "an address"
                words = f"{called} on whitelist {visible(str(name))}{said}"
                lists.setdefault(one_key(address), {}).setdefault(number, words)
                spelled.setdefault(one_key(address), address)
    for key, (first, *others) in ((key, found.values()) for key, found in lists.items()):
        yield spelled[key], first + (f"{'' if active else ','} and {len(others)} more" if others else "")


def of_accounts(frame: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Give the addresses of accounts, and whose they are; an account and those of its tokens share one."""
    names: dict[str, list[str]] = {}
    spelled: dict[str, str] = {}
    for name, address in zip(frame["name"].tolist(), frame["address"].tolist(), strict=True):
        if isinstance(address, str) and address:
            names.setdefault(one_key(address), []).append(visible(str(name)))
            spelled.setdefault(one_key(address), address)
    for key, (first, *others) in names.items():
        yield spelled[key], f"the own account {first}" + (f" and {len(others)} more with it" if others else "")


def paid(frame: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Give whom transactions paid, or are to pay; who sent something in is not known by it, since anybody can."""
    if frame.empty:
        return
    columns = (frame[name].tolist() for name in ("id", "type", "status", "recipient"))
    for number, kind, status, recipient in zip(*columns, strict=True):
        lives = isinstance(status, str) and status != "REJECTED" and not status.startswith(("FAILED", "DROPPED"))
        if lives and isinstance(recipient, str) and recipient and direction(kind) == "out":
            said = "paid by" if status == "CONFIRMED" else f"to be paid, {visible(status)}, by"
            yield recipient, f"{said} transaction {number}"


def listed(connection: Connection) -> KnownAddresses:
    """Return what is known of addresses now, and remember it: GET /whitelists, and GET /accounts where it is due."""
    memory, clock = connection.memory, connection.transport.clock
    missing, whitelists, accounts = [], None, None
    try:
        whitelists = Whitelists(connection).search()
    except LedgerError:  # who shows or sends something says so
        missing.append("whitelists")
    try:
        accounts = _accounts(connection)
    except LedgerError:
        missing.append("own accounts")
    known = KnownAddresses(
        [
            *(() if whitelists is None else of_whitelists(whitelists, active=True)),
            *(() if accounts is None else of_accounts(accounts)),
        ],
        () if whitelists is None else of_whitelists(whitelists, active=False),
        missing,
    )
    kept = SECONDS_BEFORE_ANOTHER_LOOK if missing else SECONDS_KEPT
    memory.known_addresses = (clock.monotonic() + kept, known)
    return known


def remembered(connection: Connection) -> KnownAddresses:
    """Return what is known of addresses, as it was a quarter of an hour ago at most."""
    memory = connection.memory
    with memory.lock:
        until, known = memory.known_addresses
        return listed(connection) if known is None or connection.transport.clock.monotonic() > until else known


def checked(address: str, listed: KnownAddresses, paid: KnownAddresses | None = None) -> Check:
    """Say whether an address may be taken for a known one: it may come from a history into which somebody put it.

    One that is on no whitelist in force and is no own one stops what pays it; who means it says so.

    Parameters
    ----------
    listed
        What is known of addresses.
    paid
        Whom the account that pays has paid within 7 days; None where that was not asked.
    """
    there = [listed] if paid is None else [listed, paid]
    missing = [one for known in there for one in known.missing]
    unseen = f"; {' and '.join(missing)} can't be seen" if missing else ""
    # An address on both is told once, by its whitelist.
    alike = {(one_key(like.address), like.part): like for known in reversed(there) for like in known.alike(address)}
    sure = [one for one in alike.values() if not one.nearly]
    told = "; ".join(one.words(address) for one in sure or alike.values())
    if sure and (words := listed.words(address)) is not None:
        return Check(LOOK_ALIKE, "warning", f"{told}. This one is known too, as {words}")
    if sure:
        return Check(LOOK_ALIKE, "problem", f"{told}: {_WAY}", allowed_by="look_alike")
    if alike:
        return Check(LOOK_ALIKE, "warning", f"{told}: compare them whole{unseen}")
    of_paid = "" if paid is None else " and of who was paid within 7 days"
    others = sum(len(known) - (address in known) for known in there)
    told = f"like none of the {others:,} addresses of whitelists and own accounts{of_paid}{unseen}"
    if (words := listed.words(address)) is not None:
        told = f"it is {words}, and {told.replace(' addresses', ' other addresses', 1)}"
    return Check(LOOK_ALIKE, "warning" if missing else "ok", told)


def look_alikes(connection: Connection, payload: Any) -> list[Check]:
    """Return what :func:`checked` says of each destination of a payload or a body; without one, nothing is asked."""
    found = destinations(payload.to_json() if isinstance(payload, Body) else payload)
    if not found:
        return []
    known = listed(connection)
    return each_checked(found, known) if len(found) > 1 else [checked(found[0], known)]


def refuse_look_alikes(connection: Connection, payload: Any) -> None:
    """Raise an InvalidRequest where a destination of a payload or a body only looks like a known address."""
    stopping = [one for one in look_alikes(connection, payload) if one.verdict == "problem"]
    if stopping:
        told = " ".join(f"{one.name}: {one.text}." for one in stopping)
        raise InvalidRequest(f"nothing was sent: {told}", field="look_alike")


def each_checked(addresses: Sequence[str], known: KnownAddresses) -> list[Check]:
    """Return what :func:`checked` says of addresses; each is named, and those of one answer share it."""
    said: dict[Check, list[str]] = {}
    for one in addresses:
        said.setdefault(checked(one, known), []).append(one)
    return [replace(check, text=f"{', '.join(those)}: {check.text}") for check, those in said.items()]


def _accounts(connection: Connection) -> pd.DataFrame:
    """Return the names and addresses of all accounts, of what a session remembers where that is there."""
    memory, now = connection.memory, connection.transport.clock.monotonic()
    with memory.lock:
        kept = [memory.frames[kind] for kind in ("account", OWN.name) if kind in memory.frames]
        for moment, frame in kept:
            if now - moment <= SECONDS_KEPT:
                return frame
        progress = Progress("GET /accounts")
        try:
            rows, said = connection.reader.read(Listing("/accounts", OWN), limit=None, progress=progress)
        finally:
            progress.close()
        memory.frames[OWN.name] = (now, OWN.frame(rows, call="GET /accounts", **said))
        return memory.frames[OWN.name][1]
