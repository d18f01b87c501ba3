"""What a trace reads once: the lists that names are looked for in, and the transactions of a period."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC
from functools import cached_property, partial
from typing import Any

import pandas as pd

from ledgerkit.addresses import same_address
from ledgerkit.errors import RateLimited
from ledgerkit.reports.making import Making
from ledgerkit.reports.rows import records
from ledgerkit.tracing.shapes import same_hash


class Reads:
    """Lists of the workspace, each read when it is first needed; what can't be had is noted, and None.

    Parameters
    ----------
    making
        The trace that is made.
    since
        From when on transactions are looked through.
    """

    def __init__(self, making: Making, since: pd.Timestamp) -> None:
        self.making = making
        self.session = making.session
        self.since = since
        # What could not be looked through: none of what is not found may be said not to exist.
        self.unread: list[str] = []
        # While it is looked for what is meant, a rate limit is no answer, and other objects may be meant.
        self.finding = True

    def part(self, what: str, read: Callable[[], pd.DataFrame]) -> pd.DataFrame | None:
        """Read what the trace can do without; while it is looked for what is meant, a rate limit ends it."""
        limited: list[RateLimited] = []

        def watched() -> pd.DataFrame:
            try:
                return read()
            except RateLimited as error:
                limited.append(error)
                raise

        found = self.making.part(what, watched)
        if limited and self.finding:
            raise limited[0]
        return found

    @cached_property
    def accounts(self) -> pd.DataFrame | None:
        """All accounts that are visible."""
        return self._list("accounts")

    @cached_property
    def users(self) -> pd.DataFrame | None:
        """All users that are visible."""
        return self._list("users")

    @cached_property
    def groups(self) -> pd.DataFrame | None:
        """All groups that are visible."""
        return self._list("groups")

    @cached_property
    def whitelists(self) -> pd.DataFrame | None:
        """All whitelists that are visible."""
        return self._list("whitelists")

    @cached_property
    def entities(self) -> pd.DataFrame | None:
        """All entities that are visible."""
        return self._list("entities")

    @cached_property
    def period(self) -> pd.DataFrame | None:
        """The transactions that were created since the beginning of the period."""
        return self._list("transactions", created_after=self.since.to_pydatetime())

    @property
    def since_text(self) -> str:
        """The beginning of the period, in words."""
        return f"{self.since.tz_convert(UTC).strftime('%Y-%m-%d')} UTC"

    def entries(self) -> Iterator[dict[str, Any]]:
        """Give the addresses of whitelists, with their list."""
        for row in records(self.whitelists):
            for one in row["addresses"] or []:
                if isinstance(one, dict) and isinstance(one.get("address"), str):
                    shown = {name: one.get(name) for name in ("name", "currency", "address")}
                    yield {
                        "whitelist_id": row["id"],
                        "whitelist_name": row["name"],
                        "status": row["status"],
                        **{name: value if isinstance(value, str) else None for name, value in shown.items()},
                    }

    def own(self) -> dict[str, list[int]]:
        """Return the addresses that accounts show as theirs, with the ids of these accounts."""
        found: dict[str, list[int]] = {}
        for row in records(self.accounts):
            if row["address"]:
                found.setdefault(row["address"], []).append(row["id"])
        return found

    def addresses(self) -> list[str]:
        """Return all addresses that are known here: of accounts, whitelists, contracts and transactions."""
        found = [*self.own(), *(str(one["address"]) for one in self.entries())]
        found += [row["contract_address"] for row in records(self.accounts) if row["contract_address"]]
        for recipient, senders in self._sides():
            found += [one for one in (recipient, *senders) if one]
        return list(dict.fromkeys(found))

    def hashes(self) -> list[str]:
        """Return the hashes of the transactions of the period."""
        return [] if self.period is None else self.period["tx_hash"].dropna().unique().tolist()

    def touching(self, address: str, spellings: list[str]) -> pd.DataFrame | None:
        """Return the transactions from or to an address: to it of all times, from it of the period alone."""
        session = self.session
        parts = []
        for one in spellings:
            paid = self.part(
                f"transactions to {one} from before {self.since_text}",
                partial(session.transactions.search, recipient=one),
            )
            if paid is not None:
                parts.append(paid)
        if self.period is not None:
            parts.append(self.period)
        if not parts:
            return None
        # The service may find parts of an address: what counts is what is in the row.
        kept = [where(part, (self._touches(row, address) for row in self._rows(part))) for part in parts]
        return _joined(kept)

    def of_hash(self, spellings: list[str]) -> pd.DataFrame | None:
        """Return the transactions of a hash, of all times."""
        session = self.session
        parts = []
        for one in spellings:
            found = self.part(
                f"transactions of the hash {one}",
                partial(session.transactions.search, tx_hash=one),
            )
            if found is None:
                self.unread.append("hashes of transactions")
            else:
                same = (isinstance(value, str) and same_hash(value, one) for value in found["tx_hash"])
                parts.append(where(found, same))
        return _joined(parts) if parts else None

    def _list(self, section: str, **filters: Any) -> pd.DataFrame | None:
        found = self.part(f"the {section}", lambda: getattr(self.session, section).search(**filters))
        if found is None:
            self.unread.append(section)
        return found

    def _sides(self) -> Iterator[tuple[str | None, list[str]]]:
        if self.period is not None:
            yield from self._rows(self.period)

    @staticmethod
    def _rows(frame: pd.DataFrame) -> Iterator[tuple[str | None, list[str]]]:
        for recipient, senders in zip(frame["recipient"], frame["senders"], strict=True):
            yield (recipient if isinstance(recipient, str) else None), texts(senders)

    @staticmethod
    def _touches(row: tuple[str | None, list[str]], address: str) -> bool:
        recipient, senders = row
        return any(same_address(one, address) for one in (recipient, *senders) if one)


def where(frame: pd.DataFrame, flags: Iterable[bool]) -> pd.DataFrame:
    """Return the rows of a frame that are flagged; with an empty list pandas would take columns, and none of them."""
    return frame[pd.Series(list(flags), index=frame.index, dtype=bool)]


def texts(value: Any) -> list[str]:
    """Return the texts of a list of the API, which may be missing."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Return transactions of several searches, each once, the newest first."""
    first = parts[0]
    there = [part for part in parts if len(part)] or [first]
    columns = list(dict.fromkeys(name for part in there for name in part.columns))
    joined = pd.concat([part.reindex(columns=columns) for part in there]) if len(there) > 1 else there[0]
    joined = joined[~joined["id"].duplicated()].sort_values("id", ascending=False, ignore_index=True)
    joined = joined.astype({name: first[name].dtype for name in first.columns})
    joined.attrs = dict(first.attrs)
    return joined
