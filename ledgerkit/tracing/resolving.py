"""Which objects are meant by what somebody gives: by the shape of a text first, and then by asking."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Final

import pandas as pd

from ledgerkit.addresses import same_address
from ledgerkit.errors import (
    InvalidRequest,
    LedgerError,
    NotFound,
    PermissionDenied,
    ServerError,
    Unsupported,
    shorten,
)
from ledgerkit.reports.rows import counted, framed, records
from ledgerkit.showing import spelled, visible
from ledgerkit.tracing import shapes
from ledgerkit.tracing.reads import Reads
from ledgerkit.tracing.tables import MATCHES, notes_text

SECTIONS: Final = {
    "account": "accounts",
    "transaction": "transactions",
    "request": "requests",
    "message": "messages",
    "user": "users",
    "group": "groups",
    "whitelist": "whitelists",
    "entity": "entities",
    "pledge": "pledges",
    "settlement": "settlements",
}
TITLES: Final = {"user": "username"}
# Which column of a frame of the kit is the id of what, by the name of its table.
KEYS: Final = {**dict.fromkeys(SECTIONS, "id"), "step": "request_id", "day": "account_id"}
# A place that can't be looked at: what is not found may be there.
CLOSED: Final = (PermissionDenied, Unsupported, ServerError)
MOST_SHOWN: Final = 6
# Ids of the API are 64-bit integers.
MOST_ID: Final = 2**63 - 1
TAKES: Final = (
    "an id such as 29 or 'request 29', a name, an address, a hash, the mark of a note, the UUID of a pledge or a "
    "settlement, or a frame of one row"
)


@dataclass(frozen=True)
class Match:
    """One object that may be meant."""

    kind: str
    key: int | str
    name: str = ""
    detail: str = ""

    @property
    def ask(self) -> str:
        """What to give to trace this one, and no other."""
        return f"{self.kind} {self.key}"


def matches(reads: Reads, anything: Any) -> list[Match]:
    """Return the objects that are meant; several, where it can't be told which.

    Raises
    ------
    NotFound
        There is none; ``details["candidates"]`` has what may have been meant.
    InvalidRequest
        It is nothing that can be looked for.
    """
    if isinstance(anything, pd.DataFrame):
        return [_of_frame(reads, anything)]
    if not isinstance(anything, bool) and isinstance(anything, Integral):
        text = str(int(anything))
    elif isinstance(anything, str) and anything.strip():
        text = anything.strip()
    else:
        raise InvalidRequest(f"{shorten(anything)} can't be traced: it takes {TAKES}.", field="anything")
    finder = _Finder(reads)
    if (given := shapes.prefixed(text)) is not None:
        kind, rest = given
        found = finder.of_kind(kind, rest)
        for other in finder.named(text) if found else ():
            reads.making.note(f"{other.ask} is named {spelled(other.name)}: it is not what is shown here.")
    else:
        kind, found = "", finder.of_any(text)
    if found:
        return found
    raise _missing(reads, finder, text if not kind else rest, kind)


def match_frame(found: Sequence[Match]) -> pd.DataFrame:
    """Return matches as a table, with what to give to trace each."""
    return framed(MATCHES, [{**vars(one), "id": str(one.key), "ask": one.ask} for one in found])


class _Finder:
    """Looks in each place that an object may be in, and remembers where."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._session = reads.session
        self.looked: list[str] = []

    def of_kind(self, kind: str, rest: str) -> list[Match]:
        if kind == "transaction" and not _is_id(rest):
            kind = "hash"
        if kind in shapes.NUMBERED and _is_id(rest):
            found = self.of_id(kind, int(rest))
            return found or self.named(rest, kind)
        if kind in shapes.NAMED_KINDS:
            return self.named(rest, kind)
        look = {
            "hash": self.of_hash,
            "address": self.of_address,
            "pledge": lambda text: self.of_uuid(text, "pledge"),
            "settlement": lambda text: self.of_uuid(text, "settlement"),
            "note": self.of_note,
        }.get(kind)
        return [] if look is None else look(rest)

    def of_any(self, text: str) -> list[Match]:
        found: list[Match] = []
        if _is_id(text):
            for kind in shapes.NUMBERED:
                found += self.of_id(kind, int(text))
        if shapes.UUID.fullmatch(text):
            for kind in ("pledge", "settlement"):
                found += self.of_uuid(text, kind)
        if shapes.MARK.fullmatch(text):
            found += self.of_note(text)
        if shapes.may_be_on_chain(text):
            # No hash has the 40 digits of an Ethereum-like address; other shapes may be either.
            found += [] if shapes.is_evm(text) else self.of_hash(text)
            found += self.of_address(text)
        return found + self.named(text)

    def of_id(self, kind: str, key: int) -> list[Match]:
        if key > MOST_ID:
            return []
        self._look(f"{kind}s by id" if kind != "entity" else "entities by id")
        try:
            frame = getattr(self._session, SECTIONS[kind]).get(key)
        except NotFound:
            return []
        except CLOSED as error:
            self._closed(SECTIONS[kind], error)
            return []
        return [Match(kind, key, *_described(kind, records(frame)[0]))]

    def of_uuid(self, text: str, kind: str) -> list[Match]:
        if not shapes.UUID.fullmatch(text):
            self._look(f"no {kind}s, whose ids are UUIDs")
            return []
        self._look(f"{kind}s by id")
        # A UUID is the same in upper case; who compares letter by letter has it in lower case.
        for spelling in dict.fromkeys((text, text.lower())):
            try:
                row = records(getattr(self._session, SECTIONS[kind]).get(spelling))[0]
            except NotFound:
                continue
            except CLOSED as error:
                self._closed(SECTIONS[kind], error)
                return []
            return [Match(kind, spelling, "", str(row["state"] or ""))]
        return []

    def of_hash(self, text: str) -> list[Match]:
        self._look("hashes of transactions")
        found = self._reads.of_hash(shapes.hash_spellings(text))
        rows = records(found)
        if len(rows) == 1:
            return [Match("transaction", rows[0]["id"], *_described("transaction", rows[0]))]
        # Both sides of a transfer between two accounts of the workspace have its hash: together they are one event.
        return [Match("hash", str(rows[0]["tx_hash"]), "", f"{len(rows)} transactions")] if rows else []

    def of_address(self, text: str) -> list[Match]:
        reads = self._reads
        self._look("addresses of accounts, whitelists and token contracts")
        self._look(f"recipients of all transactions, and senders of those since {reads.since_text}")
        known = [one for one in reads.addresses() if same_address(one, text)]
        if known:
            return [Match("address", text if text in known else known[0], "", "known here")]
        touched = reads.touching(text, [text])
        if touched is not None and len(touched):
            return [Match("address", text, "", counted(len(touched), "transaction"))]
        # Bitcoin-like accounts show no address as theirs, but the next ones that they will use.
        for row in records(fresh_addresses(reads)):
            if row["address"] and same_address(row["address"], text):
                return [Match("address", row["address"], "", f"a fresh address of account {row['account_id']}")]
        return []

    def of_note(self, text: str) -> list[Match]:
        self._look("notes of transactions")
        self._look(f"notes of messages since {self._reads.since_text}")
        found: list[Match] = []
        for kind, frame in self._noted(text).items():
            found += [
                Match(kind, row["id"], *_described(kind, row))
                for row in records(frame)
                if text in (notes_text(row["notes"]) or "")
            ]
        return found

    def _noted(self, text: str) -> dict[str, pd.DataFrame | None]:
        session, part = self._session, self._reads.part
        since = self._reads.since.to_pydatetime()
        found = {
            "transaction": part("transactions by their notes", lambda: session.transactions.search(title=text)),
            "message": part("messages by their notes", lambda: session.messages.search(created_after=since)),
        }
        self._reads.unread += [f"notes of {kind}s" for kind, frame in found.items() if frame is None]
        return found

    def named(self, text: str, kind: str = "") -> list[Match]:
        """Return what has just this name."""
        self._look(f"names of {_plural(kind)}" if kind else "names of accounts, users, groups, whitelists, entities")
        return [
            Match(one, row["id"], row[TITLES.get(one, "name")] or "", _detail(one, row))
            for one, row in self.all_named(kind)
            if text in (row[TITLES.get(one, "name")], row.get("user_id"))
        ]

    def all_named(self, kind: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
        """Give everything that has a name, with its kind."""
        for one in (kind,) if kind else shapes.NAMED_KINDS:
            for row in records(getattr(self._reads, SECTIONS[one])):
                yield one, row

    def near(self, text: str, kind: str) -> list[Match]:
        """Return what may have been meant by a text that is nothing known."""
        found: list[Match] = []
        if kind in ("", *shapes.NAMED_KINDS):
            named = list(self.all_named(kind))
            for name in shapes.near_names(text, [str(row[TITLES.get(one, "name")] or "") for one, row in named]):
                found += [
                    Match(one, row["id"], name, _detail(one, row))
                    for one, row in named
                    if row[TITLES.get(one, "name")] == name
                ]
        if kind in ("", "hash", "transaction") and (shapes.has_ends(text) or shapes.may_be_on_chain(text)):
            found += [Match("hash", one) for one in shapes.near_texts(text, self._reads.hashes())]
        if kind in ("", "address") and (shapes.has_ends(text) or shapes.may_be_on_chain(text)):
            known = self._reads.addresses()
            near = shapes.near_texts(text, known)
            near += [one for one in shapes.lookalikes(text, known) if one not in near]
            found += [Match("address", one) for one in near]
        if kind == "" and len(text) >= shapes.LEAST_OF_AN_END and not _is_id(text):
            found += self.of_note(text)
        return found

    def _look(self, place: str) -> None:
        if place not in self.looked:
            self.looked.append(place)

    def _closed(self, section: str, error: LedgerError) -> None:
        self._reads.making.note(f"Not looked among the {section}: {error}")
        self._reads.unread.append(section)


def fresh_addresses(reads: Reads) -> pd.DataFrame | None:
    """Return the next addresses of the accounts that show none as theirs, such as Bitcoin-like ones."""
    accounts = reads.accounts
    if accounts is None:
        return None
    silent = accounts[accounts["address"].isna() & (accounts["status"] == "ACTIVE")]
    return reads.part(
        "the next addresses of accounts that show none", lambda: reads.session.accounts.addresses(silent["id"])
    )


def _missing(reads: Reads, finder: _Finder, text: str, kind: str) -> NotFound:
    """Return the error that says what was looked for, where, and what may have been meant."""
    near = list(dict.fromkeys(finder.near(text, kind)))
    shown = "; ".join(f"{one.ask} {spelled(one.name)}".strip() for one in near[:MOST_SHOWN])
    more = f", and {len(near) - MOST_SHOWN} more in details['candidates'] of this error" if near[MOST_SHOWN:] else ""
    sought = f"{shorten(visible(text), 100)} was not found{f' as {kind}' if kind else ''}."
    parts = [sought, f"Looked at: {'; '.join(finder.looked) or 'nothing'}."]
    if reads.unread:
        parts.append(f"Could not be looked at: {', '.join(dict.fromkeys(reads.unread))}.")
    if reads.session.family == "reporting_key":
        parts.append("A reporting key sees the accounts of its entities alone.")
    if near:
        parts.append(f"Did you mean {shown}{more}? None was taken for it.")
    elif shapes.may_be_on_chain(text):
        parts.append("session.compliance.address_risk(...) tells the risk of an address that is not known here.")
    return NotFound(" ".join(parts), looked=list(finder.looked), candidates=match_frame(near))


def _of_frame(reads: Reads, frame: pd.DataFrame) -> Match:
    """Return the object of a frame of the kit."""
    kind = str(frame.attrs.get("table", ""))
    if len(frame) != 1:
        raise InvalidRequest(
            f"a frame of {len(frame)} rows can't be traced: give one row, as frame.head(1) or frame.loc[[3]].",
            field="anything",
        )
    # The same ids are those of other objects elsewhere; frames without ids of names are checked too.
    reads.session.with_names(frame[[]])
    column = KEYS.get(kind) or ("address" if "address" in frame.columns else "")
    if column not in frame.columns or absent_key(frame[column].iloc[0]):
        raise InvalidRequest(
            f"this frame does not say which object it is of: it takes a row of the kit with its column "
            f"`{column or 'id'}`, or {TAKES}.",
            field="anything",
        )
    value = frame[column].iloc[0]
    owner = {"step": "request", "day": "account"}.get(kind, kind if kind in SECTIONS else "address")
    if owner in shapes.NUMBERED:
        return Match(owner, int(value))
    return Match(owner, str(value))


def absent_key(value: Any) -> bool:
    """Say whether a row has no id."""
    return bool(pd.isna(value)) or value == ""


def _described(kind: str, row: dict[str, Any]) -> tuple[str, str]:
    return str(row.get(TITLES.get(kind, "name")) or ""), _detail(kind, row)


def _detail(kind: str, row: dict[str, Any]) -> str:
    parts = [row.get("type"), row.get("role"), row.get("status"), row.get("currency")]
    if kind == "request" and row.get("target_id") is not None:
        parts.append(f"of {str(row['target_type']).lower()} {row['target_id']}")
    made = row.get("created_on")
    if made is not None:
        parts.append(f"created {made.strftime('%Y-%m-%d')}")
    return ", ".join(str(part) for part in parts if part)


def _plural(kind: str) -> str:
    return "entities" if kind == "entity" else f"{kind}s"


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal()
