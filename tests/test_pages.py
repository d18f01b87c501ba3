"""What one page shows, and several together: right answers, worked out by hand."""

import time
from typing import Any

import pytest

import ledgerkit as lk
from ledgerkit.frames import Leaves
from ledgerkit.pages import (
    NEWEST_FIRST,
    NO_ORDER,
    OLDEST_FIRST,
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
from ledgerkit.transport import Answer

NOON = 1_769_860_800.0  # 2026-01-31T12:00:00Z, from `date -d ... +%s`


def page(*keys: Any, count: int = 100, has_next: bool = True, start: int = 0, size: int | None = None) -> Page:
    rows = Leaves(len(keys), {"id": list(keys)})
    return Page(list(keys), rows, count, has_next, start, len(keys) if size is None else size, NOON)


def last(*keys: Any, start: int = 0, size: int | None = None) -> Page:
    return page(*keys, count=start + len(keys), has_next=False, start=start, size=size)


@pytest.mark.parametrize(
    ("shown", "is_last"),
    [
        (page(9, 8, count=2, has_next=False), True),
        (page(9, 8, count=2, has_next=True), False),  # a full page that says that more follow
        (page(9, 8, count=2, has_next=True, size=3), True),  # one that had room for more
        (page(9, 8, count=3, has_next=False), False),  # the count says that more follow
        (page(9, 8, count=3, has_next=True, size=3), False),
        (page(9, 8, count=7, has_next=False, start=5), True),
        (page(9, 8, count=7, has_next=False, start=4, size=5), False),
        (page(count=0, has_next=False), True),
        (page(9, 8, count=1, has_next=False), True),
    ],
)
def test_a_page_is_the_last_where_count_and_flag_or_room_say_so(shown: Page, is_last: bool) -> None:
    assert shown.is_last is is_last


@pytest.mark.parametrize(
    ("shown", "limit", "more"),
    [
        (page(9, 8, count=2, has_next=False), None, False),
        (page(9, 8, count=2, has_next=True), None, True),
        (page(9, 8, count=3, has_next=False), None, True),
        (page(9, 8, count=9, has_next=True), 2, False),
        (page(9, 8, count=9, has_next=True), 3, True),
        (page(9, 8, count=9, has_next=True, start=2), 4, False),
    ],
)
def test_more_follows_where_the_flag_or_the_count_says_so_and_it_is_wanted(
    shown: Page, limit: int | None, more: bool
) -> None:
    assert unfinished(shown, limit) is more


@pytest.mark.parametrize(
    ("keys", "order"),
    [
        ((9, 8, 7), NEWEST_FIRST),
        ((7, 8, 9), OLDEST_FIRST),
        ((9, 7, 8), NO_ORDER),
        ((9, 8, 8), NO_ORDER),  # twice the same row
        (("c", "b", "a"), NO_ORDER),
        ((5,), NEWEST_FIRST),
    ],
)
def test_a_page_shows_the_order_of_its_ids(keys: tuple[Any, ...], order: int) -> None:
    assert order_of(page(*keys)) == order
    assert not order or is_in_order(page(*keys), order)


def test_pages_are_steady_where_all_have_one_count_and_are_as_full_as_it_says() -> None:
    full, rest = page(9, 8, count=3, size=2), page(7, count=3, start=2, size=2)
    assert is_steady([full, rest])
    assert is_steady([full, rest, page(count=3, start=4, size=2)])  # behind the last row
    assert not is_steady([full, rest, page(6, count=3, start=4, size=2)])
    assert not is_steady([full, page(7, count=4, start=2, size=2)])
    assert not is_steady([full, page(8, count=3, start=2, size=2)])  # a row twice
    assert not is_steady([full, page(count=3, start=2, size=2)])  # a row less than counted
    assert not is_steady([page(9, count=3, size=2), rest])


def seams(*pages: Page, limit: int | None = None, ties: bool = False, order: int = NEWEST_FIRST) -> list[int]:
    return open_seams(pages, order, limit, ties=ties)


def test_a_seam_is_closed_by_a_page_that_shows_both_sides_of_it() -> None:
    first, second, third = page(9, 8), page(7, 6, start=2), last(5, 4, start=4, size=2)
    assert seams(first, second, third) == [2, 4]
    assert seams(first, second, third, page(8, 7, 6, start=1)) == [4]
    assert seams(first, second, third, page(8, 7, 6, start=1), page(6, 5, start=3)) == []
    assert seams(page(1, 2), last(3, start=2), order=OLDEST_FIRST) == [2]
    assert seams(page(1, 2), last(2, 3, start=1), order=OLDEST_FIRST) == []


def test_a_list_whose_end_no_page_shows_is_open_behind_the_last_row() -> None:
    assert seams(page(9, 8)) == [2]
    assert seams(page(9, 8), page(8, 7, start=1)) == [3]
    assert seams(last(9, 8)) == []


def test_pages_out_of_order_close_nothing() -> None:
    assert seams(page(8, 9)) == [0]
    assert seams(page(), page(9, 8), last(6, 7, start=2)) == [2]


def test_two_pages_with_one_row_in_common_may_have_missed_another_of_its_moment() -> None:
    pages = page(9, 8), last(8, 7, start=1)
    assert seams(*pages) == []
    assert seams(*pages, ties=True) == [1]
    assert seams(page(9, 8, 7), last(8, 7, 6, start=1), ties=True) == []
    assert seams(last(9, 8), ties=True) == []


@pytest.mark.parametrize(("limit", "open_ones"), [(1, []), (2, []), (3, [2]), (4, [2]), (5, [2, 4]), (None, [2, 4])])
def test_a_seam_behind_the_rows_that_are_wanted_is_none(limit: int | None, open_ones: list[int]) -> None:
    assert seams(page(9, 8), page(7, 6, start=2), last(5, 4, start=4), limit=limit) == open_ones


@pytest.mark.parametrize(("limit", "open_ones"), [(1, []), (2, []), (3, [2]), (None, [2])])
def test_what_follows_the_last_page_is_open_as_far_as_it_is_wanted(limit: int | None, open_ones: list[int]) -> None:
    assert seams(page(9, 8), limit=limit) == open_ones


@pytest.mark.parametrize("size", [2, 3, 4, 9, 10, 100])
def test_the_page_across_a_seam_shows_as_much_of_both_sides_as_any_of_its_sizes(size: int) -> None:
    for seam in range(1, 300):
        number, chosen = across(seam, size)
        assert max(2, size // 2) <= chosen <= size
        before = seam - (number - 1) * chosen
        assert 0 <= before < chosen
        best = max(min(seam % other, -seam % other) for other in range(max(2, size // 2), size + 1))
        assert min(before, chosen - before) == best or best == 0


@pytest.mark.parametrize(
    ("one", "other", "limit", "same"),
    [
        ([page(3, 1), page(2)], [page(3), page(1, 2)], None, True),
        ([page(3, 1)], [page(1, 3)], None, False),
        ([page(3, 1)], [page(3, 1), page(2)], None, False),
        ([page(3, 1)], [page(3, 1, 2)], 2, True),
        ([page(3, 1)], [page(3, 1, 2)], 3, False),
        ([page(3, 3)], [page(3, 3)], None, False),  # both show one row twice: which one is missing?
    ],
)
def test_two_passes_agree_where_they_give_the_same_rows_each_once_in_one_order(
    one: list[Page], other: list[Page], limit: int | None, same: bool
) -> None:
    assert agree(one, other, limit) is same


def test_each_row_comes_once_as_it_was_seen_last() -> None:
    def seen(*rows: tuple[int, str]) -> Page:
        columns: dict[str, list[Any]] = {"id": [key for key, _ in rows], "status": [status for _, status in rows]}
        return Page([key for key, _ in rows], Leaves(len(rows), columns), 4, False, 0, 3, NOON)

    rows = merged([seen((3, "old"), (2, "old")), seen((2, "new"), (1, "new")), seen((4, "last"))])
    assert rows.length == 4
    assert rows["id"] == [3, 2, 1, 4]
    assert rows["status"] == ["old", "new", "new", "last"]
    assert merged([seen((1, "a"), (1, "b"))])["status"] == ["b"]
    assert merged([]).length == 0


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOON, "2026-01-31T12:00:00Z"),
        (NOON + 0.9, "2026-01-31T12:00:00Z"),
        (0.0, "1970-01-01T00:00:00Z"),
    ],
)
def test_a_moment_is_written_as_the_service_writes_it(moment: float, text: str) -> None:
    assert instant(moment) == text


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T12:00:00Z", NOON),
        ("2026-01-31T12:00:00.250000+00:00", NOON + 0.25),
        ("2026-01-31T14:00:00+02:00", NOON),
        ("2026-01-31T07:00:00-05:00", NOON),
        ("soon", None),
        ("", None),
        (None, None),
        (5, None),
    ],
)
def test_a_time_of_the_service_is_a_moment_whatever_its_offset(text: Any, moment: float | None) -> None:
    assert moment_of(text) == moment


def test_a_time_without_an_offset_is_utc_wherever_the_kit_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(time, "tzset"):
        pytest.skip("the zone of a process can't be changed here")
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert moment_of("2026-01-31T12:00:00") == NOON
        assert instant(NOON) == "2026-01-31T12:00:00Z"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_rows_are_told_apart_by_one_field_or_by_several() -> None:
    rows = Leaves(2, {"id": [2, 1], "contract": ["a", "a"], "token": [10, 11]})
    assert keys_of(("id",), rows, "GET /x", None) == [2, 1]
    assert keys_of(("contract", "token"), rows, "GET /x", None) == [("a", 10), ("a", 11)]
    assert keys_of(("contract", "token"), rows, "GET /x", ("b", 9)) == [("a", 10), ("a", 11)]
    assert keys_of(("id",), Leaves(), "GET /x", None) == []


@pytest.mark.parametrize(
    ("ids", "like", "said"),
    [
        ([2, "1"], None, "one row's `id` is '1', another's 2: rows can't be told apart."),
        (["1"], 7, "one row's `id` is '1', another's 7: rows can't be told apart."),
        ([None, 3], "a", "one row's `id` is None, another's 'a': rows can't be told apart."),
    ],
)
def test_rows_that_can_not_be_told_apart_are_shown(ids: list[Any], like: Any, said: str) -> None:
    with pytest.raises(lk.ContractViolation) as refused:
        keys_of(("id",), Leaves(len(ids), {"id": ids}), "GET /x", like)
    assert str(refused.value) == f"GET /x: {said}"
    assert refused.value.details["field"] == "id"


def test_an_answer_that_is_no_page_is_shown_shortened_to_what_a_message_can_hold() -> None:
    with pytest.raises(
        lk.ContractViolation, match=r"^GET /x: this is no page of a list: `edges` is missing"
    ) as refused:
        edges_of(Answer("GET /x", {"note": "n" * 1000}, NOON))
    body = refused.value.details["body"]
    assert "note" in body
    assert 400 < len(body) <= 520
