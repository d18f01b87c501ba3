"""How the reader asks for a list, and what it says of it: the right requests and the right words, by examples."""

from datetime import UTC, datetime
from typing import Any, cast

import pytest
from changing_list import NOON, ChangingList, arrive, leave

import ledgerkit as lk
from ledgerkit import paging
from ledgerkit.frames import INTEGER, TEXT, Leaves, Table
from ledgerkit.pages import Page
from ledgerkit.paging import Listing, Reader
from ledgerkit.parallel import Progress
from ledgerkit.transport import Answer, Transport

THING = Table("thing", {"id": INTEGER, "created_on": TEXT})
UNDATED = Table("thing", {"id": INTEGER})


def reader_of(world: Any) -> Reader:
    return Reader(cast("Transport", world))


class OnePage:
    """A transport that answers one page, and keeps what it was asked."""

    concurrency = 1

    def __init__(self, ids: list[Any], **info: Any) -> None:
        self.ids, self.info = ids, info
        self.asked: list[dict[str, str]] = []

    def request(self, method: str, path: str, *, params: dict[str, str], **_: Any) -> Answer:
        self.asked.append(params)
        edges = [{"node": {"id": one, "created_on": "2026-01-01T00:00:00Z"}} for one in self.ids]
        return Answer(f"{method} {path}", {"edges": edges, "page_info": self.info}, NOON)


# The count


@pytest.mark.parametrize(
    ("ids", "count", "has_next", "believed"),
    [
        ([9, 8], 30, True, 30),
        ([9, 8], 2, False, 2),
        ([9], 1, False, 1),
        ([], 0, False, 0),
        ([9, 8], 3, False, 3),  # hidden ones are counted too
        ([9, 8], 1, False, None),  # two were shown
        ([9, 8], 2, True, None),  # more are said to follow
        ([], 0, True, None),
    ],
)
def test_a_count_is_believed_where_the_page_it_came_with_does_not_show_more(
    ids: list[int], count: int, has_next: bool, believed: int | None
) -> None:
    world = OnePage(ids, count=count, has_next_page=has_next)
    assert reader_of(world).count(Listing("/things", THING, {"memo": "x"})) == believed
    assert world.asked == [{"memo": "x", "order": "desc", "order_by": "id", "page_size": "2", "page": "1"}]


def test_a_count_of_a_list_without_order_asks_for_none() -> None:
    world = OnePage([2, 1], count=7, has_next_page=True)
    assert reader_of(world).count(Listing("/things", THING, dated=False)) == 7
    assert world.asked == [{"page_size": "2", "page": "1"}]


# What is asked


def test_a_list_of_several_pages_is_asked_for_before_the_moment_of_the_first_answer() -> None:
    world = ChangingList(rows=25)
    rows, said = reader_of(world).read(Listing("/things", THING), limit=None, progress=Progress("test"))
    assert rows["id"] == list(range(25, 0, -1))
    assert said == {"sweeps": 1, "complete": True}
    order = {"order": "desc", "order_by": "id"}
    assert world.asked == [
        {**order, "page_size": "100", "page": "1"},
        {**order, "page_size": "10", "page": "2", "created_before": "2026-01-31T11:59:59Z"},
        {**order, "page_size": "10", "page": "3", "created_before": "2026-01-31T11:59:59Z"},
    ]


@pytest.mark.parametrize(("limit", "size"), [(1, "2"), (2, "2"), (3, "3"), (100, "100"), (101, "100")])
def test_no_more_rows_are_asked_for_than_are_wanted_and_two_at_least(limit: int, size: str) -> None:
    world = ChangingList(rows=300, most=100)
    rows, _ = reader_of(world).read(Listing("/things", THING), limit=limit, progress=Progress("test"))
    assert rows["id"] == list(range(300, 300 - limit, -1))
    assert world.asked[0]["page_size"] == size


def test_whether_a_filter_is_refused_is_asked_with_the_plainest_call() -> None:
    world = ChangingList(rows=5, refused=["memo"])
    with pytest.raises(lk.InvalidRequest):
        reader_of(world).read(Listing("/things", THING, {"memo": "x"}), limit=None, progress=Progress("test"))
    assert world.asked[1:] == [{"memo": "x", "page": "1"}]


@pytest.mark.parametrize("limit", [None, 3])
def test_only_pages_behind_the_first_belong_to_a_bulk_read_and_can_be_called_off(limit: int | None) -> None:
    class Watched(ChangingList):
        def request(self, method: str, path: str, **told: Any) -> Answer:
            behind = told["params"]["page"] != "1"
            assert (told["bulk"], told["cancel"] is not None) == (behind, behind)
            return super().request(method, path, **told)

    reader_of(Watched(rows=25)).read(Listing("/things", THING), limit=limit, progress=Progress("test"))


def test_a_page_whose_ids_are_all_of_another_type_is_an_error() -> None:
    world = ChangingList(rows=20)
    for row in world.rows[:10]:
        row.id = str(row.id)
    with pytest.raises(lk.ContractViolation, match="another's 20: rows can't be told apart"):
        reader_of(world).read(Listing("/things", THING), limit=None, progress=Progress("test"))


# What is said


def test_the_warning_says_what_was_seen_and_counted() -> None:
    world = ChangingList(rows=30, miscount=2)
    with pytest.warns(lk.IncompleteResult) as caught:
        _, said = reader_of(world).read(Listing("/things", THING), limit=None, progress=Progress("test"))
    assert said == {"sweeps": 5, "complete": False}
    assert world.requests == 4 + 3 + 1 + 1 + 1  # the end is looked at in each of five passes
    assert str(caught[0].message).startswith(
        "GET /things: the rows may not be complete. 30 were seen in 5 passes, and the service counted 32: rows came "
        "or went during each pass, or it counts other than it lists. Every row that was seen is in the frame. "
    )


def test_the_warning_says_between_what_the_counts_were() -> None:
    def counted(*ids: int, count: int) -> Page:
        return Page(list(ids), Leaves(len(ids), {"id": list(ids)}), count, False, 0, 2, NOON)

    pages = [counted(5, 4, count=7), counted(4, 3, count=9), counted(2, count=8)]
    with pytest.warns(lk.IncompleteResult, match="4 were seen in 3 passes, and the service counted 7 to 9: rows"):
        paging._warn(Listing("/things", THING), pages, 3)


# The moment before which nothing is created any more


@pytest.mark.parametrize(
    ("created", "date", "bound", "newcomers", "waits"),
    [
        ([-50.0, -10.0], NOON, NOON - 1, False, []),
        ([-50.0, -1.001], NOON, NOON - 1, False, []),
        ([-50.0, -1.0], NOON, NOON - 1, True, []),  # not before the bound, so it is not in what is read below it
        ([-50.0, 1.0], NOON, NOON - 1, True, []),
        ([-50.0, 1.001], NOON, None, False, []),  # later than the second of the answer: another clock dates the rows
        ([-1.0, -0.5], NOON, NOON + 1, True, [2.0]),
        ([-1.001, -0.5], NOON, NOON - 1, True, []),
        ([-50.0, None], NOON, None, False, []),
        ([-50.0, -10.0], None, None, False, []),
    ],
)
def test_the_bound_of_a_read_is_a_second_before_the_answer_or_one_behind_it_where_all_rows_are_new(
    created: list[float | None], date: float | None, bound: float | None, newcomers: bool, waits: list[float]
) -> None:
    world = ChangingList()
    moments = [None if one is None else datetime.fromtimestamp(NOON + one, UTC).isoformat() for one in created]
    rows = Leaves(len(moments), {"id": list(range(len(moments))), "created_on": moments})
    first = Page(list(range(len(moments))), rows, 9, True, 0, 2, date)
    assert reader_of(world)._bound(first) == (bound, newcomers)
    assert world.clock.waits == waits


# Pages


@pytest.mark.parametrize("at_once", [1, 2, 3, 5, 6, 7, 500])
def test_each_page_is_asked_for_once_however_many_are_planned_at_once(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGES_AT_ONCE", at_once)
    world = ChangingList(rows=65)
    rows, _ = reader_of(world).read(Listing("/things", THING), limit=None, progress=Progress("test"))
    assert rows["id"] == list(range(65, 0, -1))
    assert [asked["page"] for asked in world.asked] == ["1", "2", "3", "4", "5", "6", "7"]


@pytest.mark.parametrize(("limit", "pages"), [(10, 1), (11, 2), (20, 2), (21, 3), (64, 7), (65, 7), (70, 7)])
def test_a_limit_plans_no_page_behind_the_last_row_that_is_wanted(limit: int, pages: int) -> None:
    world = ChangingList(rows=65)
    rows, _ = reader_of(world).read(Listing("/things", THING), limit=limit, progress=Progress("test"))
    assert rows["id"] == list(range(65, max(65 - limit, 0), -1))
    assert world.requests == pages


def test_a_limit_that_one_page_fills_is_one_request_whoever_came_just_before() -> None:
    world = ChangingList(rows=25)
    mine = world.create(world.now() - 0.1)
    rows, said = reader_of(world).read(Listing("/things", THING), limit=5, progress=Progress("test"))
    assert rows["id"] == [mine.id, 25, 24, 23, 22]
    assert (world.requests, said) == (1, {"sweeps": 1, "complete": True})


def test_a_service_of_one_row_a_page_is_read_until_two_passes_agree() -> None:
    world = ChangingList(rows=4, most=1)
    listing = Listing("/things", THING, settled=False)
    rows, said = reader_of(world).read(listing, limit=None, progress=Progress("test"))
    assert rows["id"] == [4, 3, 2, 1]
    assert said == {"sweeps": 2, "complete": True}
    assert [asked["page"] for asked in world.asked] == ["1", "2", "3", "4"] * 2


def test_the_newest_rows_are_among_those_of_a_limit_whatever_the_order() -> None:
    for oldest_first in (False, True):
        world = ChangingList(rows=25, ignores_order=True, oldest_first=oldest_first)
        rows, said = reader_of(world).read(Listing("/things", THING), limit=4, progress=Progress("test"))
        # Of a list that is oldest first all are read, and all are given: the caller takes the newest.
        assert sorted(rows["id"]) == (list(range(1, 26)) if oldest_first else [22, 23, 24, 25])
        # The four, a page of full size, two more pages, and one over each of the two seams.
        assert world.requests == (6 if oldest_first else 1)
        assert said["complete"] is True


def test_a_row_created_just_before_a_read_is_there_where_the_service_lists_the_oldest_first() -> None:
    # The first page shows the oldest rows: what it says of newcomers is nothing, and no moment may bound the others.
    world = ChangingList(rows=25, ignores_order=True, oldest_first=True)
    mine = world.create(world.now() - 0.1)
    rows, said = reader_of(world).read(Listing("/things", THING), limit=None, progress=Progress("test"))
    assert sorted(rows["id"]) == [*range(1, 26), mine.id]
    assert said["complete"] is True
    assert not [asked for asked in world.asked if "created_before" in asked]


def test_a_page_behind_the_last_row_ends_a_count_that_promised_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PAGES_AT_ONCE", 1)
    world = ChangingList(rows=25, miscount=75, dated=False)
    with pytest.warns(lk.IncompleteResult):
        reader_of(world).read(Listing("/things", UNDATED, dated=False), limit=None, progress=Progress("test"))
    assert [asked["page"] for asked in world.asked[:5]] == ["1", "2", "3", "4", "1"]


def test_pages_behind_those_that_the_count_promised_are_read_one_after_the_other() -> None:
    world = ChangingList(rows=45, miscount=-25, dated=False)
    listing = Listing("/things", UNDATED, dated=False)
    rows, _ = reader_of(world).read(listing, limit=None, progress=Progress("test"))
    assert rows["id"] == list(range(45, 0, -1))
    assert [asked["page"] for asked in world.asked[:5]] == ["1", "2", "3", "4", "5"]


def test_a_list_that_does_not_end_is_an_error_that_names_the_call_and_the_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(paging, "MOST_LATE_PAGES", 2)
    world = ChangingList(rows=300, miscount=-290)
    with pytest.raises(
        lk.ContractViolation, match=r"^GET /things: the list does not end: .* page 4 still has"
    ) as bad:
        reader_of(world).read(Listing("/things", THING), limit=None, progress=Progress("test"))
    assert bad.value.details["field"] == "page_info.count"


# Lists without order


@pytest.mark.parametrize(
    ("rows", "limit", "settings"), [(25, None, {"has_next": True}), (45, 25, {}), (25, None, {})]
)
def test_two_passes_that_agree_on_all_that_is_wanted_are_complete(
    rows: int, limit: int | None, settings: dict[str, Any]
) -> None:
    world = ChangingList(rows=rows, dated=False, **settings)
    listing = Listing("/things", UNDATED, dated=False)
    found, said = reader_of(world).read(listing, limit=limit, progress=Progress("test"))
    assert found["id"] == list(range(rows, 0, -1))[:limit]
    assert said == {"sweeps": 2, "complete": True}


def test_every_row_that_any_pass_showed_is_there_where_no_two_passes_agree() -> None:
    world = ChangingList(rows=25, dated=False)
    for _ in range(20):
        world.then(leave(5), arrive(1))
    listing = Listing("/things", UNDATED, dated=False)
    with pytest.warns(lk.IncompleteResult, match="seen in 5 passes"):
        rows, _ = reader_of(world).read(listing, limit=None, progress=Progress("test"))
    assert len(world.shown_on_pages) > 30
    assert set(rows["id"]) == world.shown_on_pages
    assert len(rows["id"]) == len(world.shown_on_pages)


# Refusals


def test_a_refusal_after_it_is_known_how_to_ask_costs_one_request() -> None:
    world = ChangingList(rows=5, refused=["memo"])
    reader = reader_of(world)
    reader.read(Listing("/things", THING), limit=None, progress=Progress("test"))
    world.asked.clear()
    with pytest.raises(lk.InvalidRequest, match="`memo` is no good"):
        reader.read(Listing("/things", THING, {"memo": "x"}), limit=None, progress=Progress("test"))
    assert world.requests == 1


def test_a_service_that_refuses_what_it_just_took_is_quoted() -> None:
    class Moody(OnePage):
        def request(self, method: str, path: str, **told: Any) -> Answer:
            if len(self.asked) == 1:  # the second call, which asks whether the filter is refused
                return super().request(method, path, **told)
            self.asked.append(told["params"])
            raise lk.InvalidRequest("not today.", call=f"{method} {path}", status=400)

    world = Moody([2, 1], count=2, has_next_page=False)
    with pytest.raises(lk.InvalidRequest, match="not today"):
        reader_of(world).read(Listing("/things", UNDATED, dated=False), limit=None, progress=Progress("test"))
    assert world.asked == [{"page_size": "100", "page": "1"}, {"page": "1"}, {"page": "1"}]


def test_a_seam_between_rows_that_may_be_of_one_moment_is_looked_at_until_two_rows_are_in_common() -> None:
    # In the order of `created_on` either of two rows of one moment may come first: page 1 ends with row 11, and after
    # two rows left, the page over the seam begins with row 11. Another row of its moment could be between them.
    world = ChangingList(rows=20, refused=["order_by=id"])
    world.then().then().then().then(leave(0), leave(0))
    listing = Listing("/things", THING, settled=False)
    rows, said = reader_of(world).read(listing, limit=None, progress=Progress("test"))
    assert world.asked[4]["page_size"] == "7"
    assert sorted(rows["id"]) == list(range(1, 21))
    assert said == {"sweeps": 3, "complete": True}
    assert world.requests == 2 + 2 + 1 + 1


def test_of_a_count_of_billions_five_hundred_pages_are_planned() -> None:
    world = ChangingList(rows=25, miscount=10**10, dated=False)
    with pytest.warns(lk.IncompleteResult, match="25 were seen"):
        reader_of(world).read(Listing("/things", UNDATED, dated=False), limit=None, progress=Progress("test"))
    assert 500 <= world.requests <= 5 * 502
