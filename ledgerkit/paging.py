"""Pages to rows: concurrent, and complete or it says so.

A list of this API is numbered pages over something that changes while it is read: a new object pushes rows to
later pages, one that leaves pulls rows to earlier ones, and the count does not tell where one leaves while
another enters. What protects a read of several pages:

* It goes through the list from the oldest object on (``order=asc&order_by=id``), so that newcomers land at the
  end, and it checks the order that it got.
* All pages but the first and the last ask for ``created_before`` = a moment that has passed by the server's own
  clock (the ``Date`` of the first page). Nothing can enter what lies before that moment, so their count can only
  fall, and equal counts show that nothing left. The first and the last page are compared with it, newcomers
  counted out. Such a *sweep* is proven, at one request a page.
* Where rows can enter anywhere (a filter on something that changes, a list without dates or order), a sweep
  proves nothing: it is repeated until two agree row by row.
* Where that does not come about, every row that was seen is returned with an :class:`IncompleteResult` warning.
"""

import math
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from typing import Any, Final

from ledgerkit.errors import ContractViolation, IncompleteResult, InvalidRequest
from ledgerkit.frames import Table, join, shorten, take
from ledgerkit.parallel import Progress, gather
from ledgerkit.transport import Answer, Transport

# The most that is known to be accepted somewhere; a service that clamps it is noticed by the rows that come.
PAGE_SIZE: Final = 100
MOST_SWEEPS: Final = 5
# A last page that never ends: newcomers can't outrun this many pages of a read.
MOST_LATE_PAGES: Final = 50

Columns = dict[str, list[Any]]


@dataclass(frozen=True)
class Listing:
    """What is listed, and what is known about how it can change.

    Parameters
    ----------
    path, table, params
        What to ask, and how to read a node.
    key
        The fields that tell objects apart.
    dated
        Whether the list takes ``created_before`` and an order; pledges, settlements and NFTs take neither.
    settled
        Whether the filters are on things that never change, so that an object can enter only by being created.
    before
        The upper bound that is asked for, in seconds since the epoch, where the caller gave one.
    """

    path: str
    table: Table
    params: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    key: tuple[str, ...] = ("id",)
    dated: bool = True
    settled: bool = True
    before: float | None = None


@dataclass(frozen=True)
class Page:
    """One page as it came."""

    keys: list[tuple[Any, ...]]
    created: list[float | None]
    columns: Columns
    count: int
    has_next: bool
    date: float | None


@dataclass(frozen=True)
class Sweep:
    """One pass over all pages."""

    pages: list[Page]
    # Shown to be complete by its own counts.
    proven: bool
    count: int

    @property
    def keys(self) -> list[tuple[Any, ...]]:
        """The keys of all rows, in order."""
        return [key for page in self.pages for key in page.keys]


# How a list may be asked for, best first; the last one sends nothing that a server could refuse.
MANNERS: Final[tuple[dict[str, str], ...]] = (
    {"order": "asc", "order_by": "id", "page_size": str(PAGE_SIZE)},
    {"order": "asc", "order_by": "created_on", "page_size": str(PAGE_SIZE)},
    {"order": "asc", "page_size": str(PAGE_SIZE)},
    {"page_size": str(PAGE_SIZE)},
    {},
)
UNORDERED: Final = MANNERS[3:]


class Reader:
    """Reads whole lists.

    Parameters
    ----------
    transport
        What sends the calls.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        # Which manner a path accepted, so that a refusal costs its calls only once in a session.
        self._manners: dict[str, dict[str, str]] = {}

    def read(self, listing: Listing, *, limit: int | None, progress: Progress) -> tuple[Columns, dict[str, Any]]:
        """Return the columns of every row, oldest first where the list has an order, and what to say of them.

        Parameters
        ----------
        limit
            Stop at this many rows, the newest.

        Warns
        -----
        IncompleteResult
            Completeness could not be shown.
        """
        sweeps: list[Sweep] = []
        while len(sweeps) < MOST_SWEEPS:
            sweep = self._newest(listing, limit, progress) if limit else self._all(listing, progress)
            agrees = bool(sweeps) and sweep.keys == sweeps[-1].keys
            sweeps.append(sweep)
            if len(sweep.pages) == 1 and sweep.proven:
                break  # one page is one moment
            if (sweep.proven and listing.settled) or (agrees and len(set(sweep.keys)) == sweep.count):
                break
            if agrees and sweep.count == sweeps[-2].count:
                _warn(listing, sweeps, "the service counts other than it lists")
                break
        else:
            _warn(listing, sweeps, f"rows came or went during each of {MOST_SWEEPS} passes")
            return self._union(sweeps), {"sweeps": len(sweeps), "complete": False}
        columns = self._union(sweeps[-1:])
        return columns, {"sweeps": len(sweeps), "complete": sweep.proven or len(set(sweep.keys)) == sweep.count}

    # One pass

    def _all(self, listing: Listing, progress: Progress) -> Sweep:
        first, manner = self._first(listing, None)
        if not first.has_next:
            return Sweep([first], proven=len(set(first.keys)) == first.count, count=first.count)
        size = len(first.keys)
        if not size:
            return Sweep([first], proven=first.count == 0, count=first.count)
        number = max(2, math.ceil(first.count / size))
        asked = {**manner, "page_size": str(size)}
        pin = _pin(listing, first)
        pinned = {"created_before": _instant(pin)} if pin else {}
        calls = [partial(self._fetch, listing, {**asked, **pinned}, page) for page in range(2, number)]
        calls.append(partial(self._fetch, listing, asked, number))
        pages = [first, *gather(calls, workers=self._transport.concurrency, progress=progress)]
        middle = pages[1:-1]
        late = [pages[-1]]
        while late[-1].has_next and late[-1].keys and len(late) < MOST_LATE_PAGES:
            page = self._fetch(listing, asked, number + len(late), threading.Event())
            if set(page.keys) <= set(late[-1].keys):
                break  # a server that repeats its last page would never end
            late.append(page)
        pages = [first, *middle, *late]
        sweep = Sweep(pages, proven=False, count=late[-1].count)
        ordered = manner.get("order_by") == "id" and listing.dated
        full = all(len(page.keys) == size for page in middle)
        rising = ordered and _rises(sweep.keys)
        closed = len(sweep.keys) == sweep.count and not late[-1].has_next
        if not (full and rising and closed and first.date):
            return sweep
        return Sweep(pages, self._adds_up(listing, asked, pin, first, middle, late), sweep.count)

    def _adds_up(
        self,
        listing: Listing,
        asked: dict[str, str],
        pin: float | None,
        first: Page,
        middle: list[Page],
        late: list[Page],
    ) -> bool:
        """Say whether the counts show that nothing that was there when the first page came left since."""
        counts = {page.count for page in middle}
        if pin is None:
            # The caller's own bound lies in the past: nothing enters, and every page must count the same.
            return counts | {first.count} == {late[-1].count}
        created = [moment for page in late for moment in page.created]
        newcomers = [moment for moment in created if moment is not None and moment >= pin]
        if None in created or any(moment is None or moment >= pin for page in middle for moment in page.created):
            return False
        old = late[-1].count - len(newcomers)
        if counts - {old}:
            return False
        # The first page counted the newcomers that were there by then. Its Date is cut to the second, so of those
        # created within that second it can't be told.
        date = pin + 1
        there = sum(moment < date for moment in newcomers)
        unclear = sum(date <= moment < date + 1 for moment in newcomers)
        if not unclear:
            return first.count == old + there
        again = self._fetch(listing, {**asked, "created_before": _instant(pin)}, 1, threading.Event())
        return again.count == old and again.keys == first.keys

    def _newest(self, listing: Listing, limit: int, progress: Progress) -> Sweep:
        first, manner = self._first(listing, limit)
        if len(first.keys) >= limit or not first.has_next or not first.keys:
            rows = min(len(first.keys), limit)
            return Sweep([_cut(first, rows)], proven=True, count=rows)
        size = len(first.keys)
        number = math.ceil(min(limit, max(first.count, size + 1)) / size)
        asked = {**manner, "page_size": str(size)}
        pin = _pin(listing, first)
        newcomers = 0 if pin is None else sum(moment is not None and moment >= pin for moment in first.created)
        if pin is not None:
            asked["created_before"] = _instant(pin)
        # Below a pin the list starts behind the newcomers of the first page, so its first page is read again.
        calls = [partial(self._fetch, listing, asked, page) for page in range(1 if newcomers else 2, number + 1)]
        rest = gather(calls, workers=self._transport.concurrency, progress=progress)
        head = _cut(first, newcomers) if newcomers else first
        sweep = _limited([head, *rest], limit)
        falling = "order" in manner and _rises(sweep.keys[::-1])
        steady = {page.count for page in rest} == {first.count - newcomers}
        enough = len(sweep.keys) == min(limit, first.count)
        return Sweep(sweep.pages, bool(first.date) and falling and steady and enough, sweep.count)

    # One page

    def _first(self, listing: Listing, limit: int | None) -> tuple[Page, dict[str, str]]:
        """Fetch page 1 in the best manner that the service accepts."""
        manners = MANNERS if listing.dated else UNORDERED
        known = self._manners.get(listing.path)
        for manner in [known] if known is not None else manners:
            try:
                page = self._fetch(listing, _turned(manner, limit), 1, threading.Event())
            except InvalidRequest as error:
                if error.status is None or manner == manners[-1] or known is not None:
                    raise
                if manner == manners[0]:
                    # Is it the manner that is refused, or the caller's filters? The plainest call tells.
                    plainest = self._refuses(listing)
                    if plainest:
                        raise
                continue
            self._manners[listing.path] = manner
            return page, _turned(manner, limit)
        raise AssertionError  # the last manner returns or raises

    def _refuses(self, listing: Listing) -> bool:
        try:
            self._fetch(listing, MANNERS[-1], 1, threading.Event())
        except InvalidRequest:
            return True
        return False

    def _fetch(self, listing: Listing, asked: Mapping[str, str], page: int, cancel: threading.Event) -> Page:
        params = {**listing.params, **asked, "page": str(page)}
        answer = self._transport.request("GET", listing.path, params=params, bulk=True, cancel=cancel)
        nodes, count, has_next = _edges(answer)
        columns = listing.table.leaves(nodes, answer.call)
        keys = list(zip(*(columns[name] for name in listing.key), strict=True))
        for key in keys:
            if not all(isinstance(part, int | str) for part in key):
                raise ContractViolation(
                    f"a row without `{'`, `'.join(listing.key)}`: rows could not be told apart.",
                    call=answer.call,
                    field=listing.key[0],
                )
        created = [_moment(text) for text in columns["created_on"]] if listing.dated else []
        return Page(keys, created, columns, count, has_next, answer.date)

    @staticmethod
    def _union(sweeps: Sequence[Sweep]) -> Columns:
        """Put all rows behind one another, each once: as it was seen last."""
        pages = [page for sweep in sweeps for page in sweep.pages]
        columns = join([page.columns for page in pages])
        keys = [key for page in pages for key in page.keys]
        last = {key: position for position, key in enumerate(keys)}
        if len(last) == len(keys):
            return columns
        return take(columns, list(last.values()))


def _edges(answer: Answer) -> tuple[list[Any], int, bool]:
    """Return the nodes of a page, the count over all pages, and whether more follow."""
    body = answer.body
    try:
        nodes = [edge["node"] for edge in body["edges"]]
        count, has_next = body["page_info"]["count"], body["page_info"]["has_next_page"]
    except (TypeError, KeyError) as error:
        missing = error.args[0] if isinstance(error, KeyError) else "edges"
        what = shorten(body, 500)
    else:
        if type(count) is int and type(has_next) is bool:
            return nodes, count, has_next
        missing, what = "page_info", shorten(body["page_info"])
    raise ContractViolation(
        f"this is no page of a list: `{missing}` is missing or not what it should be. An empty table would be a lie.",
        call=answer.call,
        field=missing,
        body=what,
    )


def _turned(manner: Mapping[str, str], limit: int | None) -> dict[str, str]:
    """Return the manner of a whole read, or of one for the newest rows."""
    turned = dict(manner)
    if limit:
        if "order" in turned:
            turned["order"] = "desc"
        if "page_size" in turned:
            turned["page_size"] = str(min(limit, PAGE_SIZE))
    return turned


def _pin(listing: Listing, first: Page) -> float | None:
    """Return a moment before which nothing can be created any more; None where there is none, or no need."""
    if not listing.dated or first.date is None:
        return None
    # A second before the Date: whether the bound itself is in or out, the service is done with that second.
    pin = first.date - 1
    return None if listing.before is not None and listing.before <= pin else pin


def _instant(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _moment(text: Any) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


def _rises(keys: list[tuple[Any, ...]]) -> bool:
    """Say whether these are integer ids in ascending order, each once."""
    ids = [key[0] for key in keys]
    return all(type(number) is int for number in ids) and all(a < b for a, b in pairwise(ids))


def _cut(page: Page, rows: int) -> Page:
    return Page(
        page.keys[:rows],
        page.created[:rows],
        {name: values[:rows] for name, values in page.columns.items()},
        page.count,
        page.has_next,
        page.date,
    )


def _limited(pages: list[Page], limit: int) -> Sweep:
    kept: list[Page] = []
    left = limit
    for page in pages:
        kept.append(_cut(page, left))
        left -= len(kept[-1].keys)
    rows = sum(len(page.keys) for page in kept)
    return Sweep(kept, proven=False, count=min(limit, max([rows, *(page.count for page in pages)])))


def _warn(listing: Listing, sweeps: list[Sweep], why: str) -> None:
    rows = [len(set(sweep.keys)) for sweep in sweeps]
    counts = [sweep.count for sweep in sweeps]
    warnings.warn(
        f"GET {listing.path}: the rows may not be complete, since {why} (rows seen: {rows}, counted by the service: "
        f"{counts}). Every row that was seen is in the frame. Read again at a quieter time, or filter on things "
        "that don't change (dates, accounts) and select the rest in the frame.",
        IncompleteResult,
        stacklevel=5,
    )
