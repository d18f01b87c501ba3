"""One page of a list, and what several of them show together: the same list, or where a row can have been missed."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

from ledgerkit.errors import ContractViolation, shorten
from ledgerkit.frames import Leaves, join
from ledgerkit.transport import Answer

# The order of a page, as the factor that makes its ids ascend.
NEWEST_FIRST: Final = -1
OLDEST_FIRST: Final = 1
NO_ORDER: Final = 0

# An id, or what tells apart where it takes several fields.
Key = int | str | tuple[int | str, ...]


@dataclass(frozen=True)
class Page:
    """One page as it came."""

    keys: list[Key]
    rows: Leaves
    count: int
    has_next: bool
    # The position of its first row in the list, and how many rows a full page of its size has.
    start: int
    size: int
    # The server's clock when it answered, in whole seconds.
    date: float | None

    @property
    def end(self) -> int:
        """The position behind its last row."""
        return self.start + len(self.keys)

    @property
    def is_last(self) -> bool:
        """Whether it shows that nothing follows; `has_next` alone is not believed against the count."""
        return self.count <= self.end and (not self.has_next or len(self.keys) < self.size)


def edges_of(answer: Answer) -> tuple[list[Any], int, bool]:
    """Return the nodes of a page, the count over all pages, and whether more follow."""
    body = answer.body if isinstance(answer.body, dict) else {}
    edges, info = body.get("edges"), body.get("page_info")
    info = info if isinstance(info, dict) else {}
    count, has_next = info.get("count"), info.get("has_next_page")
    if not isinstance(edges, list):
        wrong = "edges"
    elif not all(isinstance(edge, dict) and "node" in edge for edge in edges):
        wrong = "edges.node"
    elif type(count) is not int or count < 0:
        wrong = "page_info.count"
    elif type(has_next) is not bool:
        wrong = "page_info.has_next_page"
    else:
        return [edge["node"] for edge in edges], count, has_next
    raise ContractViolation(
        f"this is no page of a list: `{wrong}` is missing or not what it should be. An empty table would be a lie.",
        call=answer.call,
        field=wrong,
        body=shorten(answer.body, 500),
    )


def keys_of(names: Sequence[str], rows: Leaves, call: str, like: Key | None) -> list[Key]:
    """Return what tells the rows of a page apart.

    Refuses rows that can't be told apart: by ids that are missing, no ids, or not of the same type as ``like``.
    """
    columns = [rows[name] for name in names]
    for position, (name, column) in enumerate(zip(names, columns, strict=True)):
        first = column[0] if like is None and column else like[position] if isinstance(like, tuple) else like
        kind = int if type(first) is int else str
        if not set(map(type, column)) <= {kind}:
            odd = next(part for part in column if type(part) is not kind)
            raise ContractViolation(
                f"one row's `{name}` is {shorten(odd)}, another's {shorten(first)}: rows can't be told apart.",
                call=call,
                field=name,
            )
    return columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))


def order_of(page: Page) -> int:
    """Return the order that the ids of a page show."""
    if not set(map(type, page.keys)) <= {int}:
        return NO_ORDER
    return next((order for order in (NEWEST_FIRST, OLDEST_FIRST) if is_in_order(page, order)), NO_ORDER)


def _ranks(page: Page, order: int) -> list[Any]:
    return [order * key for key in page.keys]  # of an order, so they are ids


def _ascends(ranks: Sequence[Any]) -> bool:
    return all(a < b for a, b in pairwise(ranks))


def unfinished(page: Page, limit: int | None) -> bool:
    """Say whether more rows follow than the page shows, as far as they are wanted."""
    return (page.has_next or page.count > page.end) and (limit is None or page.end < limit)


def is_in_order(page: Page, order: int) -> bool:
    """Say whether the ids of a page are in this order."""
    return _ascends(_ranks(page, order))


def is_steady(sweep: Sequence[Page]) -> bool:
    """Say whether the pages are those of a list that did not change: same counts, every page full, no row twice."""
    count = sweep[0].count
    keys = [key for page in sweep for key in page.keys]
    return len(set(keys)) == len(keys) and all(
        page.count == count and len(page.keys) == min(page.size, max(0, count - page.start)) for page in sweep
    )


def open_seams(pages: Sequence[Page], order: int, limit: int | None, *, ties: bool) -> list[int]:
    """Return the positions in the list at which a row could have been missed, as far as they are wanted.

    Where there are ties (``order_by=created_on``), either of two rows of the same moment may come first, so that two
    pages with only one row in common may still have missed the other.
    """
    stretches = []
    for page in pages:
        ranks = _ranks(page, order)
        if ranks and _ascends(ranks):
            begin = ranks[0] if page.start else -math.inf
            end = math.inf if page.is_last else ranks[-1]
            stretches.append((begin, end, page.start, page.end))
    rows = sorted({rank for page in pages for rank in _ranks(page, order)})
    covered, behind = -math.inf, 0
    seams: list[int] = []
    for begin, end, start, after in sorted(stretches):
        if begin > covered or (ties and begin == covered > -math.inf):
            if limit is not None and bisect_right(rows, covered) >= limit:
                return seams
            seams.append(start)
        if end > covered:
            covered, behind = end, after
    if covered < math.inf and (limit is None or bisect_right(rows, covered) < limit):
        seams.append(behind)
    return seams


def across(seam: int, size: int) -> tuple[int, int]:
    """Return the number and the size of a page that shows most on both sides of a position.

    Where a service gives ten rows a page or fewer, some positions (2,520 is the first for ten) begin a page of any
    size: such a seam stays open.
    """
    best = max(range(max(2, size // 2), size + 1), key=lambda size: min(seam % size, size - seam % size))
    return seam // best + 1, best


def agree(one: Sequence[Page], other: Sequence[Page], limit: int | None) -> bool:
    """Say whether two passes give the same rows in the same order, as far as they are wanted."""
    keys, others = ([key for page in sweep for key in page.keys][:limit] for sweep in (one, other))
    return keys == others and len(set(keys)) == len(keys)


def instant(moment: float) -> str:
    """Write seconds since the epoch as the API does."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def moment_of(text: Any) -> float | None:
    """Read a time of the API as seconds since the epoch; None where it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


def merged(pages: Sequence[Page]) -> Leaves:
    """Put all rows behind one another, each once: as it was seen last."""
    seen: set[Key] = set()
    parts = []
    for page in reversed(pages):
        fresh = {key: position for position, key in enumerate(page.keys) if key not in seen}
        seen.update(fresh)  # not `|=`, which makes a new set of all that were seen, for each page
        parts.append(page.rows if len(fresh) == len(page.keys) else page.rows.take(list(fresh.values())))
    return join(parts[::-1])
