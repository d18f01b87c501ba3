"""Pages to rows: concurrent, and complete or it says so.

A list of this API is numbered pages over something that changes while it is read: a new object pushes rows to later
pages, one that leaves pulls rows to earlier ones, and the count does not tell where one leaves while another enters.
What can be relied on is that a page is one stretch of the list at one moment. So:

* One page is complete.
* Several pages, filtered by what never changes (*settled*): the first shows the newest rows; the others ask for
  ``created_before`` = a moment that had passed by the server's own clock when the first was answered. Nothing can
  enter what lies before that moment, and newcomers move nothing there; its count can only fall, so that equal counts
  on all pages show that nothing left. One request a page. Newcomers that the first page shows already are kept, and
  the first page is read again below the bound.
* Where rows can enter anywhere (a filter on something that changes), or the counts differ: a row that was there all
  the time can have been missed only at a *seam*, between the last row of one page and the first of the next. For each
  seam one more page is read, of another size, which shows both sides of it at one moment. When no seam is left open,
  no such row is missing, whatever else came and went. That is one more pass, less a request.
* Where a list has no order (pledges, NFTs), or the page size can't be chosen: it is read until two passes give the
  same rows in the same order, with page sizes that differ, so that what one pass could miss the other shows.
* Where that does not come about, every row that was seen is returned with an :class:`IncompleteResult` warning.

The order is newest first, the service's own: a service that ignores or refuses to be told still answers in it.
"""

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from ledgerkit.errors import ContractViolation, IncompleteResult, InvalidRequest, warn
from ledgerkit.frames import Leaves, Table
from ledgerkit.pages import (
    NEWEST_FIRST,
    NO_ORDER,
    Key,
    Page,
    across,
    agree,
    edges_of,
    instant,
    is_in_order,
    is_steady,
    keys_of,
    merged,
    moment_of,
    open_seams,
    order_of,
    unfinished,
)
from ledgerkit.parallel import Progress, ask_all
from ledgerkit.transport import Transport

# The most that is known to be accepted somewhere; a service that clamps it is noticed by the rows that come.
PAGE_SIZE: Final = 100
MOST_PASSES: Final = 5
# A count is not believed further than this: one of billions would be planned until the memory is full.
PAGES_AT_ONCE: Final = 500
# Pages behind those that the count promised: a count may be capped, but a list that never ends must not hang.
MOST_LATE_PAGES: Final = 1000
# Dates are whole seconds, and an object shows in lists a little after the moment that it says it was created at.
SETTLING_SECONDS: Final = 1.0


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


# How a list may be asked for, best first; the last one sends nothing that a server could refuse.
MANNERS: Final[tuple[dict[str, str], ...]] = (
    {"order": "desc", "order_by": "id", "page_size": str(PAGE_SIZE)},
    {"order": "desc", "order_by": "created_on", "page_size": str(PAGE_SIZE)},
    {"page_size": str(PAGE_SIZE)},
    {},
)
UNORDERED: Final = MANNERS[2:]


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

    def read(self, listing: Listing, *, limit: int | None, progress: Progress) -> tuple[Leaves, dict[str, Any]]:
        """Return every row, each once, and what to say of them.

        Parameters
        ----------
        limit
            So many rows are enough, the newest; of a list without order, its first. Of a list that is not newest
            first, all rows are returned.

        Warns
        -----
        IncompleteResult
            Completeness could not be shown.
        """
        first, manner = self._first(listing, limit)
        order = order_of(first) if listing.dated else NO_ORDER
        if listing.dated and order != NEWEST_FIRST and limit is not None:
            # The newest rows may be anywhere: all are read, in pages of full size.
            limit = None
            first, manner = self._first(listing, None)
            order = order_of(first)
        if first.keys and unfinished(first, limit):
            pages, passes, complete = self._several(listing, first, manner, order, limit, progress)
        else:
            told_apart = len(set(first.keys)) == len(first.keys)
            pages, passes, complete = [first], 1, told_apart and (bool(first.keys) or first.is_last)
        if not complete:
            _warn(listing, pages, passes)
        rows = merged(pages)
        if limit is not None:
            # Further rows of the last pages may lie behind a seam that nobody asked to close.
            ids = rows[listing.key[0]]
            positions = sorted(range(len(ids)), key=lambda row: order * ids[row] if order else row)
            rows = rows.take(positions[:limit])
        return rows, {"sweeps": passes, "complete": complete}

    def count(self, listing: Listing) -> int | None:
        """Return how many rows the service counts: one request, which shows two of them at most.

        None where the count is not to be believed, since the page that it came with shows that there are more.
        """
        page = self._first(listing, 2)[0]
        return None if page.count < page.end or (page.has_next and page.count <= page.end) else page.count

    def _several(
        self,
        listing: Listing,
        first: Page,
        manner: Mapping[str, str],
        order: int,
        limit: int | None,
        progress: Progress,
    ) -> tuple[list[Page], int, bool]:
        """Return the pages that were read, in how many passes, and whether they are shown to hold every row."""
        size = len(first.keys)
        sizable = "page_size" in manner and size > 1
        ties = manner.get("order_by") != "id"
        asked = dict(manner)
        bound, newcomers = self._bound(first) if order == NEWEST_FIRST else (None, False)
        if bound is not None and (listing.before is None or bound < listing.before):
            asked["created_before"] = instant(bound)

        def fetch(number: int, size: int, cancel: threading.Event | None) -> Page:
            sized = {"page_size": str(size)} if sizable else {}
            return self._fetch(listing, {**asked, **sized}, number, size, cancel, like=first.keys[0])

        def sweep(head: Page) -> list[Page]:
            return self._sweep(listing, head, fetch, limit, progress)

        # The bound leaves out the newcomers that the first page shows, so below it the list starts anew.
        newest = [first] if newcomers else []
        last = sweep(fetch(1, size, None) if newcomers else first)
        pages = [*newest, *last]
        if bound is not None and listing.settled and is_steady(last):
            return pages, 1, True
        if order and not all(is_in_order(page, order) for page in last):
            order = NO_ORDER
        for passes in range(2, MOST_PASSES + 1):
            if order and sizable:
                over = {across(seam, size) for seam in open_seams(pages, order, limit, ties=ties)}
                calls = [partial(fetch, number, other) for number, other in sorted(over)]
                pages += ask_all(self._transport, calls, progress)
                if not open_seams(pages, order, limit, ties=ties):
                    return pages, passes, True
            else:
                before = last
                last = sweep(fetch(1, size - 1 if sizable and passes % 2 == 0 else size, None))
                pages += last
                if agree(before, last, limit):
                    complete = not unfinished(last[-1], limit) or last[-1].count <= last[-1].end
                    return [*newest, *last], passes, complete
        return pages, MOST_PASSES, False

    def _bound(self, first: Page) -> tuple[float | None, bool]:
        """Return a moment before which nothing can be created any more, and whether the page shows anything since.

        There is none without the server's clock or the moments at which all rows were created, nor where rows are
        from after the clock: then it is not the one that dates them (a proxy keeps the Date of what it once fetched).
        """
        created = [moment_of(text) for text in first.rows["created_on"]]
        known = [moment for moment in created if moment is not None]
        if first.date is None or len(known) < len(created) or max(known) > first.date + 1:
            return None, False
        bound = first.date - SETTLING_SECONDS
        if min(known) >= bound:
            # More newcomers than a page holds: let the second of the first page pass, and take in all of it.
            bound = first.date + 1
            self._transport.clock.wait(threading.Event(), 1 + SETTLING_SECONDS)
            return bound, True
        return bound, max(known) >= bound

    def _sweep(
        self,
        listing: Listing,
        head: Page,
        fetch: Callable[[int, int, threading.Event | None], Page],
        limit: int | None,
        progress: Progress,
    ) -> list[Page]:
        """Return a first page and those that follow it."""
        rows = head.count if limit is None else min(head.count, limit)
        promised = math.ceil(rows / head.size) if head.keys else 1
        pages = [head]
        for start in range(2, promised + 1, PAGES_AT_ONCE):
            numbers = range(start, min(start + PAGES_AT_ONCE, promised + 1))
            calls = [partial(fetch, number, head.size) for number in numbers]
            pages += ask_all(self._transport, calls, progress)
            if not pages[-1].keys:
                break  # the count promised more than there is
        while pages[-1].keys and unfinished(pages[-1], limit):
            page = fetch(len(pages) + 1, head.size, None)
            if set(page.keys) <= set(pages[-1].keys):
                break  # nothing follows, whatever the page before said; some repeat their last page for ever
            pages.append(page)
            if len(pages) > promised + MOST_LATE_PAGES:
                raise ContractViolation(
                    f"the list does not end: it was said to have {head.count} rows, and page {len(pages)} still has "
                    "others.",
                    call=f"GET {listing.path}",
                    field="page_info.count",
                )
        return pages

    # One page

    def _first(self, listing: Listing, limit: int | None) -> tuple[Page, dict[str, str]]:
        """Fetch page 1 in the best manner that the service accepts."""
        manners = MANNERS if listing.dated else UNORDERED
        known = self._manners.get(listing.path)
        for manner in [known] if known is not None else manners:
            asked = dict(manner)
            if limit is not None and "page_size" in asked:
                asked["page_size"] = str(min(max(limit, 2), PAGE_SIZE))  # one row shows no order
            try:
                page = self._fetch(listing, asked, 1, None, None)
            except InvalidRequest as error:
                if error.status is None or manner == manners[-1] or known is not None:
                    raise
                # Is it the manner that is refused, or the caller's filters? The plainest call tells.
                if manner == manners[0] and self._refuses(listing):
                    raise
                continue
            self._manners[listing.path] = manner
            return page, manner
        raise AssertionError  # the last manner returns or raises

    def _refuses(self, listing: Listing) -> bool:
        try:
            self._fetch(listing, MANNERS[-1], 1, None, None)
        except InvalidRequest:
            return True
        return False

    def _fetch(
        self,
        listing: Listing,
        asked: Mapping[str, str],
        number: int,
        size: int | None,
        cancel: threading.Event | None,
        *,
        like: Key | None = None,
    ) -> Page:
        params = {**listing.params, **asked, "page": str(number)}
        # A list of one page is no bulk read.
        answer = self._transport.request("GET", listing.path, params=params, bulk=number > 1, cancel=cancel)
        nodes, count, has_next = edges_of(answer)
        rows = listing.table.leaves(nodes, answer.call)
        keys = keys_of(listing.key, rows, answer.call, like)
        size = len(keys) if size is None else size
        return Page(keys, rows, count, has_next, (number - 1) * size, size, answer.date)


def _warn(listing: Listing, pages: Sequence[Page], passes: int) -> None:
    rows = len({key for page in pages for key in page.keys})
    counts = sorted({page.count for page in pages})
    counted = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    warn(
        f"GET {listing.path}: the rows may not be complete. {rows} were seen in {passes} passes, and the service "
        f"counted {counted}: rows came or went during each pass, or it counts other than it lists. Every row that "
        "was seen is in the frame. Read again at a quieter time, or filter on things that don't change (dates, "
        "accounts) and select the rest in the frame.",
        IncompleteResult,
    )
