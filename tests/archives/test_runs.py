"""Runs of an archive: what is asked, what is found, and what is said."""

from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import ledgerkit as lk
from archives.looking import PENDING, Connected, files, one
from archives.service import NOON, Service, at, ids, spread, transaction
from ledgerkit import limits
from ledgerkit.archives import parts
from ledgerkit.archives.windows import BEGINNING, end_of_rows, month_before


def test_a_part_is_a_month_and_says_what_it_covers(archived: Connected, folder: Path) -> None:
    rows = [
        transaction(1, at("2025-12-31T23:59:59.999999")),
        transaction(2, at("2026-01-01T00:00:00")),
        transaction(3, NOON - timedelta(minutes=1)),
    ]
    done = archived(Service(rows))()
    assert files(folder) == [
        "year=2025/month=12/20251201T000000.000000Z.parquet",
        "year=2026/month=01/20260101T000000.000000Z.parquet",
        "year=2026/month=03/20260301T000000.000000Z.parquet",
    ]
    one(done, rows=3, new=3, changed=0, no_longer_listed=0, open=0, parts=3, complete=True)
    assert done["until"][0] == pd.Timestamp(NOON - timedelta(seconds=2))
    january = parts.read_part(next(folder.rglob("20260101*.parquet")))
    assert (january.start, january.until) == (at("2026-01-01"), at("2026-02-01"))
    assert january.origin.workspace == "acme"
    assert january.origin.family == "reporting_key"


def test_a_run_with_nothing_new_counts_each_part_and_gap_and_reads_nothing(archived: Connected) -> None:
    # Six months with rows, two without: three gaps (before the first, the two months, after the last).
    months = ["2025-06", "2025-07", "2025-08", "2025-11", "2026-01", "2026-03"]
    service = Service([transaction(number, at(f"{month}-10")) for number, month in enumerate(months, 1)])
    run = archived(service)
    run()
    service.later(hours=1)
    service.asked()
    done = run()
    # September and October are one gap, December and February one each; and what is counted in all.
    assert service.asked() == {"count": 6 + 5 + 1}
    one(done, rows=6, new=0, changed=0, requests=12)


def test_months_without_rows_are_stepped_over_at_once(archived: Connected) -> None:
    service = Service([transaction(1, at("1999-05-05")), transaction(2, NOON - timedelta(days=1))])
    done = archived(service)()
    one(done, rows=2)
    # Twenty-seven years: the steps back double, and the month is found by halves.
    assert int(done["requests"][0]) < 30


@pytest.mark.parametrize("after", [None, "2020-01-01"], ids=["all", "bounded"])
@pytest.mark.parametrize("most", [20_000, 3])
def test_months_are_found_whatever_their_ids_say(
    archived: Connected, folder: Path, after: str | None, most: int
) -> None:
    # The highest id before the empty February is of the oldest row.
    rows = [
        transaction(900, at("2021-11-05")),
        *[transaction(number, at("2024-01-31T23:59:59")) for number in range(10, 15)],
        transaction(3, at("2025-12-03")),
        transaction(2, at("2026-01-10")),
        transaction(1, NOON - timedelta(days=1)),
    ]
    run = archived(Service(rows))
    one(run(created_after=after, slice_rows=most), rows=9, complete=True)
    assert set(ids(lk.read_archive(folder))) == {900, 1, 2, 3, *range(10, 15)}


def test_what_is_new_goes_into_the_part_of_its_month(archived: Connected, folder: Path) -> None:
    service = Service(spread(150, at("2026-03-01T09:00:00"), NOON))
    run = archived(service)
    run()
    service.later(days=1)
    service.add(transaction(151, NOON + timedelta(hours=3)))
    service.asked()
    one(run(), rows=151, new=1, changed=0, parts=1)
    # The tail twice, the part as it will be and as it was, what is before it, all, and the page of the new row.
    assert service.asked() == {"count": 6, "page": 1}
    assert ids(lk.read_archive(folder)) == list(range(151, 0, -1))


def test_what_is_new_after_a_month_ended_goes_into_both_months(archived: Connected, folder: Path) -> None:
    service = Service([transaction(1, at("2026-03-05"))])
    run = archived(service)
    run()
    service.now = at("2026-05-02T00:00:00")
    service.add(transaction(2, at("2026-03-31T23:59:50")), transaction(3, at("2026-05-01T00:00:05")))
    one(run(), rows=3, new=2, parts=2)
    march = parts.read_part(next(folder.rglob("20260301*.parquet")))
    assert (march.rows, march.until) == (2, at("2026-04-01"))
    service.asked()
    run()
    assert service.asked() == {"count": 2 + 3 + 1}


def test_a_month_that_ended_without_new_rows_is_covered_to_its_end(archived: Connected, folder: Path) -> None:
    service = Service([transaction(1, at("2026-03-05"))])
    run = archived(service)
    run()
    service.now = at("2026-04-02T00:00:00")
    service.add(transaction(2, at("2026-04-01T07:00:00")))
    run()
    assert parts.read_part(next(folder.rglob("20260301*.parquet"))).until == at("2026-04-01")
    service.asked()
    run()
    assert service.asked() == {"count": 2 + 2 + 1}


def test_a_full_month_becomes_several_parts_that_do_not_overlap(archived: Connected, folder: Path) -> None:
    service = Service(spread(1000, at("2026-02-01T00:00:09"), at("2026-03-01")))
    run = archived(service)
    one(run(slice_rows=100), rows=1000, new=1000)
    found = parts.kept_in(folder / "transactions" / "workspace=acme").parts
    assert max(part.rows for part in found) <= 102
    assert 10 <= len(found) <= 20
    assert found[0].start == at("2026-02-01")
    assert all(before.until == part.start for before, part in pairwise(found))
    assert ids(lk.read_archive(folder)) == list(range(1000, 0, -1))
    service.asked()
    one(run(slice_rows=100), new=0)
    assert service.asked() == {"count": len(found) + 2 + 1}


def test_a_part_grows_until_it_is_full_and_then_the_next_one_starts(archived: Connected, folder: Path) -> None:
    service = Service([])
    run = archived(service)
    for number in range(1, 26):
        service.add(transaction(number, service.now - timedelta(minutes=30)))
        run(slice_rows=10)
        service.later(hours=1)
    found = parts.kept_in(folder / "transactions" / "workspace=acme").parts
    assert [part.rows for part in found] == [10, 10, 5]
    assert ids(lk.read_archive(folder)) == list(range(25, 0, -1))


@pytest.mark.parametrize("inclusive", [False, True])
def test_rows_of_one_moment_on_the_border_of_parts_are_there_once(
    archived: Connected, folder: Path, inclusive: bool
) -> None:
    # Thirty rows in each of ten seconds, and the borders are seconds.
    rows = [transaction(n, at("2026-02-10") + timedelta(seconds=(n - 1) // 30)) for n in range(1, 301)]
    service = Service(rows, after_counts=inclusive, before_counts=inclusive)
    one(archived(service)(slice_rows=45), rows=300, new=300)
    assert ids(lk.read_archive(folder)) == list(range(300, 0, -1))


def test_more_rows_in_one_second_than_a_part_holds_stay_together(archived: Connected, folder: Path) -> None:
    moment = at("2026-02-10T10:00:00")
    rows = [transaction(n, moment + timedelta(milliseconds=n)) for n in range(1, 61)]
    rows += [transaction(100, at("2026-02-09")), transaction(101, at("2026-02-11"))]
    one(archived(Service(rows))(slice_rows=20), rows=62)
    assert len(lk.read_archive(folder)) == 62


def test_what_is_created_during_the_run_belongs_to_the_next_one(archived: Connected, folder: Path) -> None:
    service = Service(spread(150, at("2026-03-01"), NOON - timedelta(minutes=1)))
    numbers = iter(range(1001, 2000))

    def somebody_pays(number: int) -> None:
        service.later(seconds=1)
        service.add(transaction(next(numbers), service.now))

    service.before = somebody_pays
    run = archived(service)
    one(run(), rows=150)
    service.before = lambda number: None
    service.later(minutes=1)
    run()
    assert set(ids(lk.read_archive(folder))) == set(service.rows)


def test_what_is_created_after_the_end_of_a_run_is_not_missing(archived: Connected) -> None:
    service = Service([transaction(1, at("2026-03-05")), transaction(2, NOON)])
    one(archived(service)(), rows=1, complete=True)


def test_the_newest_month_with_rows_is_found_by_counts_alone() -> None:
    for low, high in ((BEGINNING, NOON), (at("1999-12-31T23:59:59"), at("2026-01-01")), (at("2025-12-05"), NOON)):
        moments = [
            one for one in (low, *map(at, ("1999-12-31T23:59:59.5", "2025-11-30", "2026-01-01"))) if one < high
        ]
        for there in (moments[:number] for number in range(1, len(moments) + 1)):
            newest = max(one for one in there if one >= low)
            counted = 0

            def count(start: datetime, until: datetime, there: list[datetime] = there) -> int:
                nonlocal counted
                counted += 1
                return sum(start <= one < until for one in there)

            end = end_of_rows(low, high, count)
            assert month_before(end) <= newest < end
            assert counted < 40


def test_all_that_is_asked_is_bulk_and_what_follows_is_not(
    archived: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    reserve = limits.Limiter.reserve

    def reserved(limiter: limits.Limiter, *, bulk: bool, **options: Any) -> float | None:
        asked.append(bulk)
        return reserve(limiter, bulk=bulk, **options)

    service = Service([transaction(1, at("2026-02-05"), **PENDING), *spread(150, at("2026-03-01"), NOON)])
    run = archived(service)
    monkeypatch.setattr(limits.Limiter, "reserve", reserved)
    run()
    run()
    assert set(asked) == {True}
    asked.clear()
    run.session.transactions.search(limit=1)  # type: ignore[attr-defined]  # see conftest
    assert set(asked) == {False}


def test_the_result_says_up_to_when_all_was_looked_at(archived: Connected) -> None:
    service = Service([transaction(1, at("2026-01-05"))])
    run = archived(service)
    for _ in range(2):
        one(run(), until=pd.Timestamp(service.now - timedelta(seconds=2)))
        service.later(days=1)
