"""Whatever happens to a list while it is read: the rows that were there all the time come back once, or it is said.

Each property reads a list to which scripted things happen between any two requests, in whatever order the requests of
one batch are made.
"""

import math
import random
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast
from unittest.mock import patch

import pytest
from changing_list import ChangingList, Event, arrive, enter, leave, pause, swap
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ledgerkit import paging
from ledgerkit.errors import IncompleteResult
from ledgerkit.frames import INTEGER, TEXT, TIME, Table
from ledgerkit.paging import MOST_PASSES, Listing, Reader
from ledgerkit.parallel import Progress
from ledgerkit.transport import Transport

THING = Table("thing", {"id": INTEGER, "created_on": TIME, "title": TEXT})

positions = st.integers(0, 60)
arrivals = st.builds(arrive, st.integers(1, 12))
departures = st.builds(leave, positions)
pauses = st.builds(pause, st.sampled_from([0.3, 1.0, 5.0]))
changes = st.one_of(arrivals, departures, st.builds(enter, positions), st.builds(swap, positions, positions), pauses)
sizes = st.sampled_from([3, 5, 10, 30])
hidden = st.lists(positions, max_size=5, unique=True)


def scripts(events: st.SearchStrategy[Event]) -> st.SearchStrategy[list[list[Event]]]:
    return st.lists(st.lists(events, max_size=3), max_size=25)


@dataclass
class Result:
    """What a reader gave back."""

    ids: list[Any]
    said: dict[str, Any]
    warned: list[str]


def read(
    world: ChangingList,
    *,
    settled: bool = False,
    dated: bool = True,
    limit: int | None = None,
    order: int | None = None,
    reader: Reader | None = None,
) -> Result:
    """Read everything; ``order`` is the seed of the order in which the requests of a batch are made."""

    def shuffled(_: Any, calls: Sequence[Callable[[threading.Event], Any]], progress: Progress) -> list[Any]:
        turns = list(range(len(calls)))
        random.Random(order).shuffle(turns)
        answers = {turn: calls[turn](threading.Event()) for turn in turns}
        return [answers[turn] for turn in range(len(calls))]

    reader = reader or reader_of(world)
    listing = Listing("/things", THING, settled=settled, dated=dated)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if order is None:
            columns, said = reader.read(listing, limit=limit, progress=Progress("test"))
        else:
            with patch.object(paging, "ask_all", shuffled):
                columns, said = reader.read(listing, limit=limit, progress=Progress("test"))
    assert {warning.category for warning in caught} <= {IncompleteResult}
    return Result(columns["id"], said, [str(warning.message) for warning in caught])


def reader_of(world: ChangingList) -> Reader:
    return Reader(cast("Transport", world))


def scripted(world: ChangingList, script: list[list[Event]]) -> ChangingList:
    for events in script:
        world.then(*events)
    return world


def check(world: ChangingList, result: Result) -> None:
    """What holds in every case."""
    assert len(set(result.ids)) == len(result.ids), "a row came twice"
    assert set(result.ids) <= world.ever, "a row came that never was there"
    assert result.said["complete"] is not bool(result.warned), "the frame says other than the warning"
    if not result.warned:
        assert world.throughout <= set(result.ids), (
            "a row that was there all the time is missing, and nothing is said"
        )


def pages(world: ChangingList, rows: int | None = None) -> int:
    return max(1, math.ceil((world.at_first if rows is None else rows) / world.most))


@settings(max_examples=400)
@given(
    rows=st.integers(0, 60),
    hidden=hidden,
    most=sizes,
    script=scripts(changes),
    order=st.integers(0, 1000),
    date=st.booleans(),
    oldest_first=st.booleans(),
    miscount=st.sampled_from([0, 0, 0, -15]),
)
# The same swap during two passes: both miss the same row and agree with each other.
@example(
    rows=12,
    hidden=[0],
    most=5,
    script=[[swap(1, 0)], [], [swap(0, 0)], [swap(1, 0)]],
    order=0,
    date=True,
    oldest_first=False,
    miscount=0,
)
def test_rows_that_come_and_go_anywhere(
    rows: int,
    hidden: list[int],
    most: int,
    script: list[list[Event]],
    order: int,
    date: bool,
    oldest_first: bool,
    miscount: int,
) -> None:
    world = ChangingList(
        rows=rows,
        hidden=[position for position in hidden if position < rows],
        most=most,
        miscount=miscount,
        date=date,
        oldest_first=oldest_first,
        ignores_order=oldest_first,
    )
    result = read(scripted(world, script), order=order)

    check(world, result)
    most_pages = pages(world, len(world.rows))
    assert world.requests <= MOST_PASSES * (most_pages + 2)
    if result.warned:
        assert set(result.ids) == world.shown_on_pages


@settings(max_examples=300)
@given(
    rows=st.integers(0, 60),
    most=sizes,
    script=scripts(st.one_of(arrivals, departures, pauses)),
    order=st.integers(0, 1000),
    recent=st.integers(0, 12),
    takes=st.sampled_from([0.0, 0.02, 0.7, 3.0]),
    ahead=st.sampled_from([0.0, 600.0, -600.0]),
    before_counts=st.booleans(),
)
def test_rows_that_are_created_and_removed(
    rows: int,
    most: int,
    script: list[list[Event]],
    order: int,
    recent: int,
    takes: float,
    ahead: float,
    before_counts: bool,
) -> None:
    world = ChangingList(rows=rows, most=most, takes=takes, ahead=ahead, before_counts=before_counts)
    for number in range(recent):
        world.create(world.now() - 0.1 * (recent - number))
    result = read(scripted(world, script), settled=True, order=order)

    check(world, result)


@settings(max_examples=300)
@given(
    rows=st.integers(0, 60),
    most=sizes,
    script=scripts(st.one_of(arrivals, pauses)),
    order=st.integers(0, 1000),
    recent=st.integers(0, 2),
    ahead=st.sampled_from([0.0, 600.0, -600.0]),
)
def test_newcomers_at_any_rate_cost_one_request_at_most(
    rows: int, most: int, script: list[list[Event]], order: int, recent: int, ahead: float
) -> None:
    world = ChangingList(rows=rows, most=most, ahead=ahead)
    for number in range(recent):
        world.create(world.now() - 0.1 * (recent - number))
    result = read(scripted(world, script), settled=True, order=order)

    check(world, result)
    assert not result.warned
    assert result.said["sweeps"] == 1
    assert world.requests <= pages(world) + (recent > 0 and pages(world) > 1)


@settings(max_examples=300)
@given(
    rows=st.integers(0, 60),
    hidden=hidden,
    most=sizes,
    script=scripts(changes),
    order=st.integers(0, 1000),
    limit=st.integers(1, 40),
    settled=st.booleans(),
    oldest_first=st.booleans(),
)
def test_the_newest_rows_none_skipped_in_favour_of_an_older_one(
    rows: int,
    hidden: list[int],
    most: int,
    script: list[list[Event]],
    order: int,
    limit: int,
    settled: bool,
    oldest_first: bool,
) -> None:
    if settled:
        hidden, script = [], [[event for event in events if kind(event) in ("arrive", "leave")] for events in script]
    world = ChangingList(
        rows=rows,
        hidden=[position for position in hidden if position < rows],
        most=most,
        oldest_first=oldest_first,
        ignores_order=oldest_first,
    )
    result = read(scripted(world, script), settled=settled, order=order, limit=limit)

    newest = sorted(result.ids, reverse=True)[:limit]
    assert len(set(result.ids)) == len(result.ids)
    assert set(result.ids) <= world.ever
    if not oldest_first:
        assert len(result.ids) <= limit
    if not result.warned:
        skipped = [row for row in world.throughout - set(newest) if len(newest) < limit or row > newest[-1]]
        assert skipped == []
    if settled and not oldest_first and all(kind(event) == "arrive" for events in script for event in events):
        assert not result.warned


def kind(event: Event) -> str:
    return event.__qualname__.partition(".")[0]


@settings(max_examples=200)
@given(
    rows=st.integers(0, 40),
    hidden=hidden,
    # Two passes of 10 and 9, or 30 and 29, have no page boundary in common before row 90.
    most=st.sampled_from([10, 30]),
    script=scripts(changes),
    order=st.integers(0, 1000),
    limit=st.none() | st.integers(1, 30),
)
def test_lists_without_order_and_dates(
    rows: int, hidden: list[int], most: int, script: list[list[Event]], order: int, limit: int | None
) -> None:
    world = ChangingList(
        rows=rows, hidden=[position for position in hidden if position < rows], most=most, dated=False
    )
    result = read(scripted(world, script), dated=False, order=order, limit=limit)

    assert len(set(result.ids)) == len(result.ids)
    if limit is None:
        check(world, result)
    else:
        assert len(result.ids) <= limit


@settings(max_examples=200)
@given(
    rows=st.integers(0, 80),
    most=st.sampled_from([5, 10, 30]),
    limit=st.none() | st.integers(1, 60),
    order=st.integers(0, 1000),
    ahead=st.sampled_from([0.0, 600.0, -600.0]),
    takes=st.sampled_from([0.0, 0.02, 3.0]),
)
def test_what_stands_still_costs_one_request_a_page(
    rows: int, most: int, limit: int | None, order: int, ahead: float, takes: float
) -> None:
    world = ChangingList(rows=rows, most=most, ahead=ahead, takes=takes)
    result = read(world, settled=True, order=order, limit=limit)

    wanted = rows if limit is None else min(rows, limit)
    assert result.ids == list(range(rows, rows - wanted, -1))
    assert not result.warned
    assert world.requests == pages(world, wanted)


@settings(max_examples=200)
@given(rows=st.integers(0, 80), most=st.sampled_from([5, 10, 30]), order=st.integers(0, 1000), date=st.booleans())
def test_a_filter_on_what_changes_costs_one_more_pass(rows: int, most: int, order: int, date: bool) -> None:
    if rows > 59 and most == 5:
        rows = 59  # at position 60 every page of 2 to 5 rows begins anew
    world = ChangingList(rows=rows, most=most, date=date)
    result = read(world, settled=False, order=order)

    assert sorted(result.ids) == list(range(1, rows + 1))
    assert not result.warned
    assert world.requests == 2 * pages(world) - 1
    assert result.said["sweeps"] == (1 if pages(world) == 1 else 2)


class Hiding(ChangingList):
    """Keeps one row off every page: as many others as it takes enter before it, and leave again."""

    def __init__(self, victim: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.victim = victim
        self.others = [row for row in self.rows if not row.shown]

    def page(self, asked: Any) -> Any:
        size, number = min(self.most, int(asked["page_size"])), int(asked["page"])
        for shown in range(len(self.others) + 1):
            for position, row in enumerate(self.others):
                row.shown = position < shown
            place = next(place for place, row in enumerate(self.shown()) if row.id == self.victim)
            if not (number - 1) * size <= place < number * size:
                break
        return super().page(asked)


def test_a_row_that_hides_from_every_page_ends_in_a_warning() -> None:
    world = Hiding(23, rows=45, hidden=range(10), most=10)
    result = read(world, settled=False)

    assert 23 not in result.ids
    assert result.said == {"sweeps": MOST_PASSES, "complete": False}
    assert world.requests <= 2 * MOST_PASSES * pages(world, 45)
    (warning,) = result.warned
    assert "GET /things" in warning
    assert f"{len(result.ids)} were seen in 5 passes, and the service counted 35 to 43" in warning
    assert set(result.ids) == world.shown_on_pages


@pytest.mark.parametrize("date", [True, False])
def test_a_row_that_left_between_two_pages_makes_no_other_one_disappear(date: bool) -> None:
    world = ChangingList(rows=30, most=10, date=date).then(leave(3))
    result = read(world, settled=True)

    assert not result.warned
    assert set(result.ids) >= world.throughout
    assert len(world.throughout) == 29


def test_two_rows_of_the_same_moment_that_change_places_between_two_pages() -> None:
    # order_by=created_on leaves it open which of the two comes first: here each page shows the same one.
    world = ChangingList(rows=30, most=10, refused=["order_by=id"])
    tied = world.rows[9].created = world.rows[10].created

    def change_places(world: ChangingList) -> None:
        assert world.rows[9].created == tied
        world.rows[9], world.rows[10] = world.rows[10], world.rows[9]

    world.then().then().then().then(change_places).then(change_places)
    result = read(world, settled=True)

    check(world, result)
    assert sorted(result.ids) == list(range(1, 31))
    assert not result.warned
