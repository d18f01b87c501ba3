"""A service with one list that a test holds in its hands: its rows, its clock, and what it does otherwise than told.

It is written from the documentation of the service alone, and shares nothing with the sandbox.
"""

import email.utils
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
from serving import Act, Drop, Reply, Seen, page

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def transaction(number: int, created: datetime, **fields: Any) -> dict[str, Any]:
    """A transaction over which nothing more can happen, unless its fields say otherwise."""
    return {
        "id": number,
        "created_on": created.isoformat().replace("+00:00", "Z"),
        "status": "CONFIRMED",
        "confirmations": 6,
        "min_confirmations": 6,
        "amount": str(number),
        **fields,
    }


class Service:
    """Answers ``GET /transactions`` and its like.

    Parameters
    ----------
    rows
        The nodes of the list.
    path
        Where the list is.
    most
        The most rows of a page.
    after_counts, before_counts
        Whether a row of the very moment of a bound is in.
    ignores
        Parameters that do nothing; ``refuses`` those that are answered with 400.
    latency
        Seconds until an answer.
    shows_undated
        Whether a row without a date is in where dates are asked for.
    counted
        What it says that it counts, by how many rows there are.
    """

    def __init__(
        self,
        rows: list[dict[str, Any]],
        *,
        path: str = "/transactions",
        most: int = 100,
        after_counts: bool = True,
        before_counts: bool = False,
        ignores: tuple[str, ...] = (),
        refuses: tuple[str, ...] = (),
        latency: float = 0.0,
        shows_undated: bool = True,
        counted: Callable[[int], int] = int,
    ) -> None:
        self.rows = {row["id"]: row for row in rows}
        self.path, self.most = path, most
        self.after_counts, self.before_counts = after_counts, before_counts
        self.ignores, self.refuses = ignores, refuses
        self.latency = latency
        self.shows_undated, self.counted = shows_undated, counted
        self.now = NOON
        # What an object answers by its id in place of itself.
        self.by_id: dict[Any, Act] = {}
        # Called before each answer with the number of the request, from 1.
        self.before: Callable[[int], Act | None] = lambda number: None
        self.seen: list[Seen] = []
        self._lock = threading.Lock()

    def add(self, *rows: dict[str, Any]) -> None:
        self.rows |= {row["id"]: row for row in rows}

    def remove(self, number: Any) -> None:
        del self.rows[number]

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)

    # What was asked since it was last looked at

    def asked(self) -> Counter[str]:
        """How many requests only counted, read pages, or asked for one object."""
        seen, self.seen = self.seen, []
        return Counter(self._kind(one) for one in seen)

    def _kind(self, seen: Seen) -> str:
        if seen.path != self.path:
            return "object"
        return "count" if seen.query.get("page_size") == ["2"] else "page"

    def __call__(self, seen: Seen) -> Act:
        with self._lock:
            self.seen.append(seen)
            other = self.before(len(self.seen))
        if self.latency:
            time.sleep(self.latency)
        if other is not None:
            return other
        with self._lock:
            return self._answer(seen)

    def _answer(self, seen: Seen) -> Act:
        clock = {"Date": email.utils.format_datetime(self.now, usegmt=True)}
        if seen.path != self.path:
            number: Any = seen.path.rpartition("/")[2]
            number = int(number) if number.isdecimal() else number
            if number in self.by_id:
                return self.by_id[number]
            if number not in self.rows:
                return Reply({"message": "there is no such object"}, status=404, headers=clock)
            return Reply(self.rows[number], headers=clock)
        query = {name: values[0] for name, values in seen.query.items()}
        if set(query) & set(self.refuses):
            return Reply({"message": f"{self.refuses} can't be used"}, status=400, headers=clock)
        query = {name: value for name, value in query.items() if name not in self.ignores}
        rows = [row for row in self.rows.values() if self._within(row, query)]
        if "order" in query:
            by = query.get("order_by", "created_on")
            rows.sort(key=lambda row: (row[by], row["id"]), reverse=query["order"] == "desc")
        number, size = int(query.get("page", 1)), min(self.most, int(query.get("page_size", 20)))
        start = (number - 1) * size
        more = start + size < len(rows)
        return page(rows[start : start + size], count=self.counted(len(rows)), has_next=more, **clock)

    def _within(self, row: dict[str, Any], query: dict[str, str]) -> bool:
        if row.get("created_on") is None:
            return self.shows_undated or not {"created_after", "created_before"} & set(query)
        created = datetime.fromisoformat(row["created_on"])
        if "created_after" in query:
            bound = datetime.fromisoformat(query["created_after"])
            if created < bound or (created == bound and not self.after_counts):
                return False
        if "created_before" in query:
            bound = datetime.fromisoformat(query["created_before"])
            if created > bound or (created == bound and not self.before_counts):
                return False
        return True


def spread(count: int, start: datetime, until: datetime, **fields: Any) -> list[dict[str, Any]]:
    """So many transactions at equal distances."""
    step = (until - start) / count
    return [transaction(number, start + (number - 1) * step, **fields) for number in range(1, count + 1)]


def ids(frame: pd.DataFrame) -> list[int]:
    return [int(number) for number in frame["id"]]


def dropped(number: int) -> Callable[[int], Act | None]:
    """Answer no request from this one on."""
    return lambda asked: Drop() if asked >= number else None
