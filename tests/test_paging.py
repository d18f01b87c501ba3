"""Searches of lists as people make them, one case each: what comes back, and what it costs."""

import threading
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pandas as pd
import pytest
from changing_list import MINUTE, NOON, ChangingList, arrive, leave, swap
from serving import Act, Reply, Seen, Server

import ledgerkit as lk
from ledgerkit import paging
from ledgerkit.connection import Connection
from ledgerkit.paging import Reader
from ledgerkit.resources.accounts import Accounts
from ledgerkit.resources.pledges import Pledges
from ledgerkit.resources.transactions import Transactions
from ledgerkit.transport import Answer, Transport


def connection(world: Any) -> Connection:
    transport = cast("Transport", world)
    return Connection(transport, Reader(transport), "api_user", UTC, {"environment": "TEST"})


def search(world: ChangingList, **filters: Any) -> pd.DataFrame:
    return Transactions(connection(world)).search(**filters)


def ids(frame: pd.DataFrame) -> list[int]:
    return [int(number) for number in frame["id"]]


def at(seconds_after_noon: float) -> datetime:
    return datetime.fromtimestamp(NOON + seconds_after_noon, UTC)


# What a search costs


def test_an_empty_list_is_one_request_and_no_warning() -> None:
    world = ChangingList()
    assert ids(search(world)) == []
    assert world.requests == 1


def test_one_page_is_one_request_whatever_it_is_filtered_by() -> None:
    world = ChangingList(rows=10)
    assert ids(search(world, status="CONFIRMED")) == list(range(10, 0, -1))
    assert world.requests == 1


def test_three_pages_are_three_requests() -> None:
    world = ChangingList(rows=30)
    frame = search(world, account=7, type="SEND")
    assert ids(frame) == list(range(30, 0, -1))
    assert frame.attrs["complete"] is True
    assert world.requests == 3


def test_a_filter_on_what_changes_is_read_once_more_between_the_pages() -> None:
    world = ChangingList(rows=30)
    assert ids(search(world, status="CONFIRMED")) == list(range(30, 0, -1))
    assert world.requests == 5
    # Rows 9 and 10 (the 21st and 22nd newest) on one page, and rows 19 and 20.
    assert [(asked["page"], asked["page_size"]) for asked in world.asked[3:]] == [("2", "7"), ("3", "8")]


def test_newcomers_during_a_read_cost_nothing() -> None:
    world = ChangingList(rows=30).then(arrive(50)).then(arrive(50))
    assert ids(search(world)) == list(range(30, 0, -1))
    assert world.requests == 3


def test_a_row_created_just_before_the_search_is_there() -> None:
    world = ChangingList(rows=30)
    mine = world.create(world.now() - 0.1)
    assert ids(search(world)) == [mine.id, *range(30, 0, -1)]
    assert world.requests == 4  # three pages without the newcomer, and the one that shows it


def test_more_rows_than_a_page_created_just_before_the_search_are_all_there() -> None:
    world = ChangingList(rows=5).then(arrive(3))
    for _ in range(25):
        world.create(world.now() - 0.1)
    assert set(ids(search(world))) >= set(range(1, 31))
    assert world.clock.waits == [2.0]  # until nothing can be created any more in the second of the first page
    assert world.requests == 5


def test_rows_that_go_while_others_come_lose_no_third_one() -> None:
    world = ChangingList(rows=30, hidden=[15]).then(swap(0, 0)).then(swap(3, 0))
    frame = search(world, status="CONFIRMED")
    assert set(ids(frame)) >= world.throughout
    assert frame.attrs["complete"] is True


def test_what_left_is_noticed_also_under_filters_on_what_never_changes() -> None:
    world = ChangingList(rows=30).then(leave(2))
    assert set(ids(search(world))) >= set(range(1, 31)) - {28}
    assert world.requests == 5


def test_the_warning_points_to_the_line_of_the_search() -> None:
    world = ChangingList(rows=30, miscount=2)
    with pytest.warns(lk.IncompleteResult, match="30 were seen .* counted 32") as caught:
        frame = search(world)
    assert ids(frame) == list(range(30, 0, -1))
    assert frame.attrs["complete"] is False
    assert caught[0].filename == __file__
    assert world.requests == 4 + 3 + 1 + 1 + 1  # the end is looked at in each of five passes


# Servers with ways of their own


def test_a_service_that_gives_smaller_pages_than_asked() -> None:
    world = ChangingList(rows=90, most=30)
    assert ids(search(world)) == list(range(90, 0, -1))
    assert [asked["page_size"] for asked in world.asked] == ["100", "30", "30"]


@pytest.mark.parametrize("refused", ["order_by=id", "order_by", "order", "page_size=100", "page_size"])
def test_what_the_service_refuses_is_asked_for_once_in_a_session(refused: str) -> None:
    world = ChangingList(rows=45, most=30, refused=[refused])
    transactions = Transactions(connection(world))
    assert ids(transactions.search()) == list(range(45, 0, -1))

    world.asked.clear()
    assert ids(transactions.search()) == list(range(45, 0, -1))
    assert not any(refused in (name, f"{name}={value}") for asked in world.asked for name, value in asked.items())
    assert world.requests <= 3


def test_a_filter_that_the_service_refuses_costs_two_requests_and_says_what_the_service_said() -> None:
    world = ChangingList(rows=45, refused=["memo"])
    transactions = Transactions(connection(world))
    with pytest.raises(lk.InvalidRequest, match="`memo` is no good"):
        transactions.search(memo="x")
    assert world.requests == 2

    # Nothing was learnt from it about how to ask.
    world.asked.clear()
    transactions.search()
    assert world.asked[0]["order_by"] == "id"


@pytest.mark.parametrize("oldest_first", [False, True])
def test_a_service_that_ignores_the_order(oldest_first: bool) -> None:
    world = ChangingList(rows=45, ignores_order=True, oldest_first=oldest_first).then(arrive(2))
    assert set(ids(search(world))) >= set(range(1, 46))


@pytest.mark.parametrize("limit", [1, 3, 12])
def test_the_newest_rows_of_a_service_that_ignores_the_order(limit: int) -> None:
    world = ChangingList(rows=45, most=30, ignores_order=True, oldest_first=True)
    assert ids(search(world, limit=limit)) == list(range(45, 45 - limit, -1))


@pytest.mark.parametrize("rows", [7, 10, 25, 30])
@pytest.mark.parametrize("has_next", [True, False])
@pytest.mark.parametrize("repeats", [True, False])
def test_a_service_that_says_anything_about_the_next_page(rows: int, has_next: bool, repeats: bool) -> None:
    world = ChangingList(rows=rows, has_next=has_next, repeats=repeats)
    assert ids(search(world)) == list(range(rows, 0, -1))
    assert world.requests <= -(-rows // 10) + 1


def test_a_count_that_stops_short_hides_no_rows() -> None:
    world = ChangingList(rows=55, miscount=-35)
    assert ids(search(world)) == list(range(55, 0, -1))


def test_hidden_rows_that_are_counted_end_in_a_warning_on_a_single_page_too() -> None:
    world = ChangingList(rows=3, miscount=2)
    with pytest.warns(lk.IncompleteResult, match="3 were seen .* counted 5"):
        assert ids(search(world)) == [3, 2, 1]
    assert world.requests <= 6


def test_a_count_of_billions_is_not_planned_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PAGES_AT_ONCE", 10)
    world = ChangingList(rows=25, miscount=10**10)
    with pytest.warns(lk.IncompleteResult):
        assert ids(search(world)) == list(range(25, 0, -1))
    assert world.requests < 60


def test_a_count_without_any_row_ends_in_a_warning() -> None:
    with pytest.warns(lk.IncompleteResult, match="0 were seen .* counted 4"):
        assert ids(search(ChangingList(miscount=4))) == []


def test_without_a_date_every_row_comes_at_the_cost_of_one_more_pass() -> None:
    world = ChangingList(rows=30, date=False).then(arrive(3))
    assert set(ids(search(world))) >= set(range(1, 31))
    assert world.requests == 4 + 2  # three newcomers made a fourth page


@pytest.mark.parametrize("ahead", [600.0, -600.0])
def test_the_clock_of_the_service_is_the_one_that_counts(ahead: float) -> None:
    world = ChangingList(rows=30, ahead=ahead)
    mine = world.create(world.now() - 5)
    assert ids(search(world)) == [mine.id, *range(30, 0, -1)]
    assert world.requests == 4


@pytest.mark.parametrize("stale", [90.0, 600.0, 7200.0, 86400.0 * 3650])
def test_a_date_that_a_proxy_kept_from_earlier_loses_no_rows(stale: float) -> None:
    # Rows between that Date and the oldest row of page 1 were never asked for, and the read was called complete.
    world = ChangingList(rows=60, stale=stale)
    assert ids(search(world)) == list(range(60, 0, -1))


def test_two_rows_of_one_page_that_have_one_id_end_in_a_warning() -> None:
    world = ChangingList(rows=3)
    world.rows[1] = world.rows[2]
    with pytest.warns(lk.IncompleteResult, match="2 were seen .* counted 3"):
        assert ids(search(world)) == [3, 1]


@pytest.mark.parametrize(("filters", "requests"), [({}, 3), ({"status": "CONFIRMED"}, 3 + 4)])
def test_ids_that_do_not_follow_the_order(filters: dict[str, Any], requests: int) -> None:
    world = ChangingList(rows=30)
    world.rows[2], world.rows[5] = world.rows[5], world.rows[2]
    assert ids(search(world, **filters)) == list(range(30, 0, -1))
    assert world.requests == requests


# Bounds that the caller gives


@pytest.fixture(params=[(False, False), (False, True), (True, False), (True, True)])
def bounds_count(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Whether the service counts bounds in is documented nowhere: each of the four ways."""
    before, after = request.param
    return {"before_counts": before, "after_counts": after}


@pytest.mark.parametrize("limit", [None, 5, 12])
def test_from_a_moment_on_and_before_another(bounds_count: dict[str, Any], limit: int | None) -> None:
    world = ChangingList(rows=60, **bounds_count)
    # Row 60 was created at 11:59, row 30 at 11:29, to the microsecond.
    expected = list(range(54, 29, -1))
    found = search(world, created_after=at(-31 * MINUTE), created_before=at(-6 * MINUTE), limit=limit)
    assert ids(found) == expected[:limit]


@pytest.mark.parametrize("limit", [None, 3, 25])
def test_rows_within_a_microsecond_of_the_bounds(bounds_count: dict[str, Any], limit: int | None) -> None:
    world = ChangingList(most=3, **bounds_count)
    step = 1e-5
    edges = [NOON - 50, NOON - 40]
    for edge in edges:
        for created in (edge - 0.9, edge - step, edge, edge + step, edge + 0.9):
            world.create(created)
    found = search(world, created_after=at(-50), created_before=at(-40), limit=limit)
    assert ids(found) == [7, 6, 5, 4, 3][:limit]


def test_a_service_that_cuts_the_fractions_of_bounds_off() -> None:
    world = ChangingList(whole_seconds=True)
    for created in (-50.75, -50.5, -50.25, -40.75, -40.5, -40.25):
        world.create(NOON + created)
    assert ids(search(world, created_after=at(-50.5), created_before=at(-40.5))) == [4, 3, 2]


@pytest.mark.parametrize("ends", [600.0, 0.2, -0.2, -1.0, -2.0, -30.0])
def test_a_bound_in_the_future_now_and_in_the_past(bounds_count: dict[str, Any], ends: float) -> None:
    world = ChangingList(rows=25, **bounds_count).then(arrive(4)).then(arrive(4))
    for seconds in (40.0, 20.0, 1.5, 0.5, 0.1):
        world.create(NOON - seconds)
    there = [row.id for row in world.shown() if row.created < NOON + ends]

    found = ids(search(world, created_before=at(ends)))

    assert [number for number in found if number <= 30] == there
    assert world.requests <= 4


def test_a_bound_in_the_past_costs_one_request_a_page_whatever_is_created() -> None:
    world = ChangingList(rows=30).then(arrive(4))
    world.create(NOON - 10)
    assert ids(search(world, created_before=at(-MINUTE / 2))) == list(range(30, 0, -1))
    assert world.requests == 3


def test_a_row_without_a_date_that_the_service_counts_in_is_kept() -> None:
    world = ChangingList(rows=3)
    world.rows[1].fields["created_on"] = None
    assert ids(search(world, created_after=at(-3600))) == [3, 2, 1]


# limit=


@pytest.mark.parametrize(("limit", "requests"), [(1, 1), (10, 1), (11, 2), (30, 3), (100, 3)])
def test_a_limit_reads_no_more_than_it_takes(limit: int, requests: int) -> None:
    world = ChangingList(rows=30)
    assert ids(search(world, limit=limit)) == list(range(30, 30 - min(limit, 30), -1))
    assert world.requests == requests


def test_a_limit_closes_only_the_seams_above_it() -> None:
    world = ChangingList(rows=90)
    assert ids(search(world, status="CONFIRMED", limit=25)) == list(range(90, 65, -1))
    assert world.requests == 3 + 2


def test_what_left_moves_no_row_past_a_limit() -> None:
    world = ChangingList(rows=40).then(leave(2))
    found = ids(search(world, limit=15))
    assert found[-1] >= 25
    assert set(found) >= set(range(26, 41)) - {38}


# Lists without order and dates


def pledges(world: ChangingList, **filters: Any) -> pd.DataFrame:
    for row in world.rows:
        row.id = f"pledge-{row.id:02}"
    return Pledges(connection(world)).search(**filters)


def test_one_page_of_pledges_is_one_request() -> None:
    world = ChangingList(rows=10, dated=False)
    assert len(pledges(world)) == 10
    assert world.requests == 1
    assert world.asked[0].keys() == {"page", "page_size"}


def test_pledges_are_read_twice_in_pages_that_begin_elsewhere() -> None:
    world = ChangingList(rows=25, dated=False)
    assert list(pledges(world)["id"]) == [f"pledge-{number:02}" for number in range(25, 0, -1)]
    assert [asked["page_size"] for asked in world.asked[1:]] == ["10", "10", "9", "9", "9"]


def test_a_pledge_that_moves_up_between_two_pages_is_found_in_the_next_passes() -> None:
    world = ChangingList(rows=25, dated=False).then(leave(3))
    assert len(pledges(world)) == 24


def test_pledges_that_are_counted_and_not_listed_end_in_a_warning() -> None:
    world = ChangingList(rows=25, dated=False, miscount=1)
    with pytest.warns(lk.IncompleteResult, match="25 were seen .* counted 26"):
        assert len(pledges(world)) == 25


def test_a_pledge_that_the_last_page_of_each_pass_counts_ends_in_a_warning() -> None:
    world = ChangingList(rows=25, dated=False)

    def counts(too_many: int) -> Callable[[ChangingList], None]:
        return lambda world: setattr(world, "miscount", too_many)

    # Two passes of four requests with the same rows: the fourth asks for what the third page counted, in vain.
    world.then().then(counts(1)).then().then(counts(0)).then().then(counts(1))
    with pytest.warns(lk.IncompleteResult, match="25 were seen .* counted 25 to 26"):
        assert pledges(world).attrs["complete"] is False
    assert world.requests == 4 + 4


def test_a_pledge_that_is_listed_twice_ends_in_a_warning() -> None:
    world = ChangingList(rows=25, dated=False)
    world.rows.append(world.rows[3])
    with pytest.warns(lk.IncompleteResult, match="25 were seen .* counted 26"):
        assert len(pledges(world)) == 25


def test_pledges_whose_order_changes_are_read_until_two_passes_agree() -> None:
    world = ChangingList(rows=25, dated=False)
    world.then().then().then(lambda world: world.rows.reverse())
    assert len(pledges(world)) == 25
    assert world.requests == 3 + 3 + 3


def test_pledges_with_a_limit() -> None:
    world = ChangingList(rows=25, dated=False)
    assert list(pledges(world, limit=12)["id"]) == [f"pledge-{number:02}" for number in range(25, 13, -1)]


def test_nfts_are_told_apart_by_contract_and_token() -> None:
    world = ChangingList(rows=25, dated=False)
    for row in world.rows:
        row.fields = {"contract_address": f"0x{row.id % 3}", "token_id": str(row.id // 3)}
    frame = Accounts(connection(world)).nfts(7)
    assert len(frame) == 25
    assert frame["account_id"].tolist() == [7] * 25


# Answers that are no page


class Saying:
    """A transport that always answers the same."""

    concurrency = 1

    def __init__(self, body: Any) -> None:
        self.body = body

    def request(self, method: str, path: str, **_: Any) -> Answer:
        return Answer(f"{method} {path}", self.body, NOON)


def page(*nodes: Any, **info: Any) -> dict[str, Any]:
    edges = [{"cursor": position, "node": node} for position, node in enumerate(nodes)]
    return {"edges": edges, "page_info": {"count": len(nodes), "has_next_page": False, **info}}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (None, "edges"),
        ([], "edges"),
        ({}, "edges"),
        ({"page_info": {"count": 0, "has_next_page": False}}, "edges"),
        ({**page(), "edges": None}, "edges"),
        ({**page(), "edges": {}}, "edges"),
        ({**page(), "edges": ""}, "edges"),
        ({**page(), "edges": [{}]}, "edges.node"),
        ({**page(), "edges": [None]}, "edges.node"),
        ({"edges": []}, "page_info.count"),
        (page(count="3"), "page_info.count"),
        (page(count=None), "page_info.count"),
        (page(count=True), "page_info.count"),
        (page(count=-1), "page_info.count"),
        (page(has_next_page=None), "page_info.has_next_page"),
        (page(has_next_page="false"), "page_info.has_next_page"),
        (page({}), "id"),
        (page({"id": None}), "id"),
        (page({"id": True}), "id"),
        (page({"id": 1.5}), "id"),
        (page({"id": [1]}), "id"),
        (page({"id": {}}), "id"),
        (page({"id": 2}, {"id": "1"}), "id"),
        (page({"id": 2}, {"id": None}), "id"),
        (page(None), "transaction"),
        (page("x"), "transaction"),
    ],
)
def test_what_is_no_page_is_an_error_that_names_the_field(body: Any, field: str) -> None:
    with pytest.raises(lk.ContractViolation) as caught:
        Transactions(connection(Saying(body))).search()
    assert caught.value.details["field"] == field
    assert caught.value.call == "GET /transactions"


def test_ids_that_change_their_type_from_page_to_page_are_an_error() -> None:
    world = ChangingList(rows=20)
    world.rows[0].id = "1"
    with pytest.raises(lk.ContractViolation) as caught:
        search(world)
    assert caught.value.details["field"] == "id"


def test_a_list_that_does_not_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledgerkit.paging.MOST_LATE_PAGES", 20)
    world = ChangingList(rows=3000, miscount=-2990, most=10)
    with pytest.raises(lk.ContractViolation, match="said to have 10 rows, and page 22 still has others"):
        search(world)


# The order of the frame


def test_the_frame_is_newest_first_or_as_the_caller_asks() -> None:
    world = ChangingList()
    for seconds, amount in enumerate(("20", None, "9" * 30, "3", None)):
        world.create(NOON - 60 + seconds, amount=amount)

    assert ids(search(world)) == [5, 4, 3, 2, 1]
    assert ids(search(world, order="asc")) == [1, 2, 3, 4, 5]
    # Numbers, not their texts; rows without an amount come last, newest first.
    assert ids(search(world, order_by="amount", order="asc")) == [4, 1, 3, 5, 2]
    assert ids(search(world, order_by="amount", order="desc")) == [3, 1, 4, 5, 2]
    assert ids(search(world, order_by="amount")) == [3, 1, 4, 5, 2]
    assert ids(search(world, order_by="created_on", order="asc")) == [1, 2, 3, 4, 5]


def test_an_order_chooses_no_rows() -> None:
    world = ChangingList(rows=30)
    assert ids(search(world, order="asc", limit=3)) == [28, 29, 30]


@pytest.mark.parametrize("column", ["nonsense", "senders", "created"])
def test_an_order_by_what_can_not_be_sorted_is_refused_before_anything_is_sent(column: str) -> None:
    world = ChangingList(rows=3)
    with pytest.raises(lk.InvalidRequest, match="order_by"):
        search(world, order_by=column)
    assert world.requests == 0


# The same over HTTP


@pytest.fixture
def changing(serve: Callable[..., Server]) -> Callable[[ChangingList], Server]:
    """Serve a changing list on loopback, one request at a time."""

    def start(world: ChangingList) -> Server:
        lock = threading.Lock()

        def handle(seen: Seen) -> Act:
            with lock:
                answer = world.request("GET", seen.path, params={name: one for name, (one,) in seen.query.items()})
            date = datetime.fromtimestamp(answer.date or 0, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
            return Reply(answer.body, headers={"Date": date} if answer.date is not None else {})

        return serve(handle)

    return start


@pytest.mark.parametrize("filters", [{}, {"status": "CONFIRMED"}])
def test_over_http_with_eight_requests_at_once(
    changing: Callable[[ChangingList], Server], connect_to: Callable[..., lk.Session], filters: dict[str, Any]
) -> None:
    world = ChangingList(rows=200).then(arrive(3)).then().then(arrive(3))
    session = connect_to(changing(world))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = session.transactions.search(**filters)
    assert set(ids(frame)) >= set(range(1, 201))
    assert world.requests == (39 if filters else 20)


def test_a_refusal_over_http_raises_what_the_service_said(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session]
) -> None:
    server = serve(lambda seen: Reply({"message": "memo is malformed"}, status=400))
    with pytest.raises(lk.InvalidRequest, match="memo is malformed"):
        connect_to(server).transactions.search(memo="x")
    assert len(server.seen) == 2


def test_an_end_of_the_calendar_is_a_bound_like_another() -> None:
    world = ChangingList(rows=25)
    last = datetime.max.replace(tzinfo=UTC)
    assert (
        len(search(world, created_before=last, created_after=datetime.min.replace(tzinfo=UTC) + timedelta(1))) == 25
    )
