"""Runs of an archive: what is asked, what is found, and what is said."""

import contextlib
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from serving import Reply, Server

import ledgerkit as lk
from archives.service import NOON, Service, at, dropped, ids, spread, transaction
from ledgerkit import limits, watching
from ledgerkit.archives import parts
from ledgerkit.archives.windows import BEGINNING, end_of_rows, month_before
from ledgerkit.errors import Cancelled

Connected = Callable[..., Callable[..., pd.DataFrame]]

PENDING = {"status": "PENDING_APPROVAL", "confirmations": 0}


def files(folder: Path) -> list[str]:
    """The files of the archive, without the workspace's folder."""
    return sorted("/".join(path.parts[-3:]) for path in folder.rglob("*.parquet"))


def one(frame: pd.DataFrame, **wanted: Any) -> None:
    """The one row of a result says this."""
    row = frame.iloc[0].to_dict()
    assert {name: row[name] for name in wanted} == wanted


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


def at_the_comparison(service: Service, act: Callable[[], Reply | None]) -> Callable[[int], Reply | None]:
    """Do something when the run counts all in the end: after its first question, that alone has no upper bound."""
    asked = len(service.seen)
    return lambda number: act() if number > asked + 1 and "created_before" not in service.seen[-1].query else None


@pytest.mark.parametrize("after", [None, "2026-01-01"], ids=["all", "bounded"])
def test_what_is_counted_and_was_not_found_is_told_and_doubted_until_it_is(
    archived: Connected, folder: Path, after: str | None
) -> None:
    service = Service([transaction(number, at(f"2026-02-{number:02}")) for number in range(1, 21)])
    # Just before the bound, where a search asks a second more: no row of that archive, and none that is missing.
    service.add(transaction(30, at("2025-12-31T23:59:59.5")))
    run = archived(service)
    there = 20 if after else 21
    one(run(created_after=after), rows=there, complete=True)
    service.later(hours=1)
    service.before = at_the_comparison(service, lambda: service.add(transaction(40, at("2026-02-03T03:03:03"))))
    with pytest.warns(lk.IncompleteResult, match=f"rows may be missing. The archive has {there} that"):
        one(run(created_after=after), rows=there, complete=False)
    for reads in (lk.read_archive, partial(lk.query, "select count(*) from transactions")):
        with pytest.warns(lk.IncompleteResult, match="the beginning to the end"):
            reads(folder=folder)
    service.before = lambda number: None
    one(run(created_after=after), new=1, complete=True)
    assert lk.read_archive(folder).attrs["complete"] is True


def test_a_bound_later_than_that_of_the_archive_leaves_none_of_it_out(archived: Connected, folder: Path) -> None:
    service = Service(spread(30, at("2026-02-01"), at("2026-02-20")))
    run = archived(service)
    for first, late in ((None, "2025-06-06"), ("2025-01-01", "2025-07-07")):
        into = folder / str(first)
        run(into=into, created_after=first)
        service.later(days=1)
        number = 900 + len(service.rows)
        service.add(transaction(number, at(late)))
        one(run(into=into, created_after="2026-01-01"), new=1)
        assert number in ids(lk.read_archive(into))


@pytest.mark.parametrize("fault", ["undated", "comparison"])
def test_a_run_that_finds_what_it_can_not_place_or_compare_leaves_a_doubt(
    archived: Connected, folder: Path, fault: str
) -> None:
    service = Service(spread(30, at("2026-02-01"), at("2026-02-20")))
    run = archived(service)
    run()
    service.later(hours=1)
    if fault == "undated":
        service.add({**transaction(50, at("2026-02-02")), "created_on": None})
    else:
        service.before = at_the_comparison(service, lambda: Reply({"message": "no"}, status=403))
    with pytest.raises((lk.ContractViolation, lk.PermissionDenied)):
        run()
    with pytest.warns(lk.IncompleteResult, match="the beginning to the end of acme"):
        lk.read_archive(folder)
    service.rows.pop(50, None)
    service.before = lambda number: None
    run()
    assert len(lk.read_archive(folder)) == 30


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


def test_a_transaction_that_is_confirmed_meanwhile_is_read_with_those_beside_it(
    archived: Connected, folder: Path
) -> None:
    service = Service(
        [*spread(250, at("2026-02-01T09:00:00"), at("2026-02-20")), transaction(251, at("2026-02-21"), **PENDING)]
    )
    run = archived(service)
    one(run(), rows=251, open=1)
    service.later(hours=1)
    service.rows[251] = transaction(251, at("2026-02-21"), tx_hash="ab" * 32)
    service.asked()
    one(run(), rows=251, new=0, changed=1, open=0)
    assert service.asked() == {"count": 4, "page": 1}
    frame = lk.read_archive(folder).set_index("id")
    assert frame.loc[251, "status"] == "CONFIRMED"
    assert frame.loc[251, "tx_hash"] == "ab" * 32
    assert frame["archived_at"].nunique() == 2
    run()
    assert service.asked() == {"count": 4}


def test_confirmed_is_not_the_end_until_it_has_the_confirmations_that_it_needs(archived: Connected) -> None:
    states: list[dict[str, Any]] = [
        {"status": "CONFIRMED", "confirmations": 5, "min_confirmations": 6},
        {"status": "CONFIRMED", "confirmations": None, "min_confirmations": 6},
        {"status": "CONFIRMED", "confirmations": 0, "min_confirmations": None},
        {"status": "WHATEVER_COMES", "confirmations": 9},
        {"status": None},
        {"status": "SUBMITTED"},
    ]
    over: list[dict[str, Any]] = [
        {"status": "CONFIRMED", "confirmations": 1, "min_confirmations": None},
        {"status": "FAILED", "confirmations": None},
        {"status": "REJECTED"},
        {"status": "DROPPED"},
    ]
    rows = [transaction(number, at("2026-03-02"), **state) for number, state in enumerate([*states, *over])]
    one(archived(Service(rows))(), open=len(states))


def test_where_many_may_change_the_part_is_read_again(archived: Connected, folder: Path) -> None:
    service = Service(spread(150, at("2026-02-01T09:00:00"), at("2026-02-20"), **PENDING))
    run = archived(service)
    run()
    service.asked()
    service.later(hours=1)
    for number in range(1, 151):
        service.rows[number] |= {"status": "CONFIRMED", "confirmations": 6}
    one(run(), changed=150, open=0)
    assert service.asked() == {"count": 4, "page": 2}
    assert set(lk.read_archive(folder)["status"]) == {"CONFIRMED"}


def test_a_row_that_arrives_late_in_an_old_month_is_found(archived: Connected, folder: Path) -> None:
    service = Service(spread(40, at("2025-11-01"), at("2026-03-10")))
    run = archived(service)
    run()
    service.later(hours=1)
    service.add(transaction(99, at("2025-12-24T08:00:00")))
    one(run(), rows=41, new=1)
    assert set(ids(lk.read_archive(folder))) == {*range(1, 41), 99}


def test_a_row_that_arrives_late_in_a_gap_is_found(archived: Connected, folder: Path) -> None:
    service = Service([transaction(1, at("2025-06-05")), transaction(2, at("2026-03-05"))])
    run = archived(service)
    run()
    service.add(transaction(3, at("2025-09-09")), transaction(4, at("2025-01-09")))
    one(run(), rows=4, new=2)
    one(run(), rows=4, new=0)


@pytest.mark.filterwarnings("ignore:.*rows may be missing:ledgerkit.errors.IncompleteResult")
def test_a_row_that_arrives_late_while_the_last_part_grows_is_found_then_or_by_the_next_run(
    archived: Connected, folder: Path
) -> None:
    late = transaction(99, at("2026-03-02"))
    for moment in range(1, 9):
        service = Service(spread(10, at("2026-03-01"), NOON))
        run, into = archived(service), folder / str(moment)
        run(into=into)
        service.later(hours=2)
        service.add(transaction(11, NOON + timedelta(hours=1)))
        service.asked()

        def arrives(number: int, service: Service = service, moment: int = moment) -> None:
            if number == moment:
                service.add(late)

        service.before = arrives
        run(into=into)
        service.before = lambda number: None
        service.add(late)
        run(into=into)
        assert set(ids(lk.read_archive(into))) == {*range(1, 12), 99}, moment


def test_a_row_that_vanished_is_kept_counted_and_told(archived: Connected, folder: Path) -> None:
    service = Service(spread(30, at("2026-02-01"), at("2026-02-20")))
    run = archived(service)
    run()
    was = lk.read_archive(folder).set_index("id")["archived_at"][7]
    service.later(hours=1)
    service.remove(7)
    with pytest.warns(lk.NoLongerListed, match="1 archived rows .* any more: 7. They are kept"):
        one(run(), rows=30, no_longer_listed=1, new=0)
    kept = lk.read_archive(folder).set_index("id")
    assert kept["archived_at"][7] == was
    assert kept["archived_at"][8] > kept["archived_at"][7]
    # Told once: the next run finds it as it was.
    one(run(), rows=30, no_longer_listed=1)


def test_what_is_no_longer_listed_is_told_by_a_run_that_stops_too(archived: Connected, folder: Path) -> None:
    service = Service([*spread(30, at("2026-02-01"), at("2026-02-20")), transaction(99, at("2025-12-03"))])
    run = archived(service)
    run()
    service.remove(7)
    service.later(hours=1)
    pages = len(service.seen)

    def refuses(number: int) -> Reply | None:
        read = [one for one in service.seen[pages:-1] if service._kind(one) == "page"]
        return Reply({"message": "no"}, status=403) if read else None

    service.before = refuses
    with (
        pytest.warns(lk.NoLongerListed, match=r"1 archived rows .*: 7\. .*only dated anew"),
        pytest.raises(lk.PermissionDenied),
    ):
        run()
    service.before = lambda number: None
    one(run(), no_longer_listed=1)


def test_a_row_that_was_gone_and_comes_back_in_another_month_is_changed_and_not_new(
    archived: Connected, folder: Path
) -> None:
    service = Service(spread(30, at("2026-01-01"), at("2026-02-20")))
    run = archived(service)
    run()
    service.remove(3)
    with pytest.warns(lk.NoLongerListed):
        run()
    service.later(hours=1)
    service.add(transaction(3, at("2026-02-19T03:00:00")), transaction(31, at("2026-02-19T04:00:00")))
    one(run(), rows=31, new=1, changed=1, no_longer_listed=0)
    assert sorted(ids(lk.read_archive(folder))) == list(range(1, 32))


def test_beside_a_directory_that_was_renamed_nothing_is_asked(archived: Connected, folder: Path) -> None:
    service = Service([transaction(1, at("2026-03-05"))])
    run = archived(service)
    run()
    there = folder / "transactions" / "workspace=acme"
    there.rename(there.with_name("workspace=old"))
    service.asked()
    with pytest.raises(lk.ArchiveDamaged, match=r"workspace=old .* Rename it back"):
        run()
    assert service.asked() == {}
    assert not there.exists()  # so that it can be renamed back


def test_a_row_that_comes_back_is_no_longer_counted_as_gone(archived: Connected) -> None:
    service = Service(spread(30, at("2026-02-01"), at("2026-02-20")))
    run = archived(service)
    run()
    row = service.rows.pop(7)
    with pytest.warns(lk.NoLongerListed):
        run()
    service.add(row)
    one(run(), rows=30, no_longer_listed=0, new=0)


def test_at_most_ten_ids_are_named(archived: Connected) -> None:
    service = Service(spread(30, at("2026-02-01"), at("2026-02-20")))
    run = archived(service)
    run()
    for number in range(1, 13):
        service.remove(number)
    with pytest.warns(lk.NoLongerListed, match=r"12 archived .* more: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more\."):
        one(run(), no_longer_listed=12)


def test_an_open_row_that_is_no_longer_listed_is_kept_and_told(archived: Connected) -> None:
    rows = [*spread(250, at("2026-02-01"), at("2026-02-20")), transaction(251, at("2026-02-21"), **PENDING)]
    service = Service(rows)
    run = archived(service)
    run()
    row = service.rows.pop(251)
    with pytest.warns(lk.NoLongerListed, match="251"):
        one(run(), rows=251, no_longer_listed=1, open=1)
    one(run(), rows=251, no_longer_listed=1, open=1)
    service.add(row)
    one(run(), rows=251, no_longer_listed=0, open=1)


def test_an_open_row_that_vanishes_while_another_arrives_late_hides_it_not(archived: Connected, folder: Path) -> None:
    rows = [*spread(250, at("2026-02-01"), at("2026-02-20")), transaction(251, at("2026-02-21"), **PENDING)]
    service = Service(rows)
    run = archived(service)
    run()
    service.remove(251)
    service.add(transaction(900, at("2026-02-03T03:03:03")))
    with pytest.warns(lk.NoLongerListed, match="251"):
        one(run(), rows=252, new=1, no_longer_listed=1)
    assert 900 in ids(lk.read_archive(folder))


@pytest.mark.parametrize("status", [400, 403, 404, 501])
def test_what_an_object_answers_by_its_id_says_nothing_the_list_decides(
    archived: Connected, folder: Path, status: int
) -> None:
    rows = [*spread(250, at("2026-02-01"), at("2026-02-20")), transaction(251, at("2026-02-21"), **PENDING)]
    service = Service(rows)
    run = archived(service)
    run()
    service.by_id[251] = Reply({"message": "not this one"}, status=status)
    service.rows[251] = transaction(251, at("2026-02-21"))
    one(run(), rows=251, changed=1, open=0, no_longer_listed=0)
    assert set(lk.read_archive(folder)["status"]) == {"CONFIRMED"}


def test_what_is_read_again_has_the_fields_that_no_table_knows(archived: Connected, folder: Path) -> None:
    rows = [*spread(250, at("2026-02-01"), at("2026-02-20")), transaction(251, at("2026-02-21"), **PENDING)]
    service = Service(rows)
    run = archived(service)
    run()
    service.rows[251] |= {"status": "CONFIRMED", "confirmations": 6, "brand_new": {"amount": 10**27}}
    # The object alone shows less, and more.
    service.by_id[251] = Reply({"id": 251, "status": "CONFIRMED", "secret_detail": 1})
    run()
    kept = lk.read_archive(folder)
    pd.testing.assert_frame_equal(
        kept.drop(columns=["workspace", "archived_at"]),
        run.session.transactions.search(),  # type: ignore[attr-defined]  # see conftest
    )
    assert kept.set_index("id")["brand_new"][251] == {"amount": 10**27}


def test_open_rows_of_one_day_are_read_in_one_page(archived: Connected) -> None:
    service = Service(spread(500, at("2026-02-01T09:00:00"), at("2026-02-20")))
    for number in range(201, 207):
        service.rows[number] |= PENDING
    run = archived(service)
    one(run(), open=6)
    service.asked()
    one(run(), open=6)
    assert service.asked() == {"count": 4, "page": 1}


def test_again_reads_what_is_over_too(archived: Connected, folder: Path) -> None:
    service = Service([transaction(1, at("2026-01-05")), transaction(2, at("2026-02-05"))])
    run = archived(service)
    run()
    for row in service.rows.values():
        row["labels"] = [{"id": 4, "name": "audited"}]
    one(run(), changed=0)
    one(run(again="2026-02-01"), changed=1)
    labels = lk.read_archive(folder).set_index("id")["labels"]
    assert labels[2] == [{"id": 4, "name": "audited"}]
    assert labels[1] is pd.NA


def test_created_after_says_how_far_back_it_goes_and_a_later_run_may_go_further(
    archived: Connected, folder: Path
) -> None:
    rows = [
        transaction(1, at("2025-12-05")),
        transaction(2, at("2026-01-09T23:59:59.999999")),
        transaction(3, at("2026-01-10")),
        transaction(4, at("2026-03-10")),
    ]
    run = archived(Service(rows))
    run(created_after="2026-01-10")
    assert ids(lk.read_archive(folder)) == [4, 3]
    assert lk.read_archive(folder).attrs["since"] == "2026-01-10T00:00:00Z"
    with pytest.warns(lk.IncompleteResult, match="archived from 2026-01-10T00:00:00Z on, and older ones"):
        lk.read_archive(folder, created_after="2026-01-09")
    one(run(created_after="2026-01-10"), rows=2)
    one(run(created_after="2026-01-01"), rows=3, new=1)
    one(run(), rows=4, new=1)
    assert ids(lk.read_archive(folder, created_after="2020-01-01")) == [4, 3, 2, 1]
    assert lk.read_archive(folder).attrs["since"] is None


def test_a_full_month_becomes_several_parts_that_do_not_overlap(archived: Connected, folder: Path) -> None:
    service = Service(spread(1000, at("2026-02-01T00:00:09"), at("2026-03-01")))
    run = archived(service)
    one(run(slice_rows=100), rows=1000, new=1000)
    found = parts.parts_in(folder / "transactions" / "workspace=acme")
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
    found = parts.parts_in(folder / "transactions" / "workspace=acme")
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


@pytest.mark.parametrize("slice_rows", [1000, 20])
def test_a_service_that_goes_by_no_dates_is_archived_completely_and_once(
    archived: Connected, folder: Path, slice_rows: int
) -> None:
    rows = [transaction(number, at("2025-11-03") + timedelta(days=number)) for number in range(1, 61)]
    service = Service(rows, ignores=("created_after", "created_before"))
    one(archived(service)(slice_rows=slice_rows), rows=60)
    assert sorted(ids(lk.read_archive(folder))) == list(range(1, 61))


@pytest.mark.parametrize("how", ["ignores", "refuses"])
def test_a_service_that_knows_no_order_is_archived_completely(archived: Connected, folder: Path, how: str) -> None:
    rows = [transaction(number, at("2025-11-03") + timedelta(hours=number)) for number in range(1, 401)]
    options: dict[str, Any] = {how: ("order", "order_by")}
    one(archived(Service(rows, **options))(), rows=400, complete=True)
    assert ids(lk.read_archive(folder)) == list(range(400, 0, -1))


def test_nothing_is_written_of_an_empty_workspace(archived: Connected, folder: Path) -> None:
    run = archived(Service([]))
    done = run()
    one(done, rows=0, parts=0, open=0, complete=True)
    assert done["since"].isna().all()
    assert files(folder) == []
    assert list(lk.read_archive(folder)["id"]) == []
    filled = archived(Service([transaction(1, at("2026-03-05"))]))(into=folder / "other")
    assert done.dtypes.to_dict() == filled.dtypes.to_dict()


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


def test_a_row_without_a_date_is_refused_by_its_id(archived: Connected, folder: Path) -> None:
    rows = [transaction(1, at("2026-03-05")), {**transaction(77, NOON), "created_on": None}]
    with pytest.raises(lk.ContractViolation, match="the first of them is 77"):
        archived(Service(rows))()
    assert files(folder) == []


def test_rows_that_no_search_by_date_shows_are_told(archived: Connected, folder: Path) -> None:
    rows = [transaction(1, at("2026-03-05")), {**transaction(77, NOON), "created_on": None}]
    run = archived(Service(rows, shows_undated=False))
    for _ in range(2):
        with pytest.warns(
            lk.IncompleteResult, match="archive has 1 that .* 0 are newer, and all in all it counts 2.*again="
        ):
            one(run(), rows=1, complete=False)
    with pytest.warns(lk.IncompleteResult):
        lk.read_archive(folder)


def test_what_is_created_after_the_end_of_a_run_is_not_missing(archived: Connected) -> None:
    service = Service([transaction(1, at("2026-03-05")), transaction(2, NOON)])
    one(archived(service)(), rows=1, complete=True)


@pytest.mark.parametrize("slice_rows", [1000, 20])
@pytest.mark.parametrize("counted", [lambda rows: 0, lambda rows: min(rows, 1)], ids=["nothing", "one"])
def test_a_count_that_its_page_shows_to_be_wrong_is_not_believed(
    archived: Connected, folder: Path, slice_rows: int, counted: Callable[[int], int]
) -> None:
    service = Service(spread(150, at("2026-02-01"), at("2026-03-10")), counted=counted)
    run = archived(service)
    with pytest.warns(lk.IncompleteResult):
        one(run(slice_rows=slice_rows), rows=150, complete=False)
    service.add(transaction(999, at("2026-02-11T11:11:11")))
    with pytest.warns(lk.IncompleteResult):
        one(run(slice_rows=slice_rows), rows=151, new=1, complete=False)
    service.counted = int
    one(run(slice_rows=slice_rows), rows=151, complete=True)
    assert sorted(ids(lk.read_archive(folder))) == [*range(1, 151), 999]


def test_a_count_that_stops_at_some_number_hides_no_late_row(archived: Connected) -> None:
    service = Service(spread(150, at("2026-02-01T09:00:00"), at("2026-02-20")), counted=lambda rows: min(rows, 120))
    run = archived(service)
    with pytest.warns(lk.IncompleteResult, match="all in all it counts 120"):
        one(run(), rows=150, complete=False)
    service.add(transaction(999, at("2026-02-11T11:11:11")))
    with pytest.warns(lk.IncompleteResult):
        one(run(), rows=151, new=1)


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


@pytest.mark.parametrize("to", ["2026-03-01", "2025-11-11", "2026-03-19", "2026-01-10"])
def test_a_row_that_gets_another_date_is_there_once(archived: Connected, folder: Path, to: str) -> None:
    service = Service(spread(90, at("2026-01-01T09:00:00"), NOON))
    run = archived(service)
    run()
    service.later(hours=3)
    service.rows[40] |= {"created_on": f"{to}T07:00:00Z", "notes": [{"title": "dated anew"}]}
    service.rows[41] |= {"created_on": f"{to}T07:00:00Z"}
    one(run(), rows=90, new=0, changed=2, no_longer_listed=0, complete=True)
    kept = lk.read_archive(folder)
    assert ids(kept) == list(range(90, 0, -1))
    assert kept.set_index("id")["created_on"][40] == pd.Timestamp(f"{to}T07:00:00Z")
    one(run(), rows=90, new=0, changed=0)


@pytest.mark.parametrize("to", ["2025-11-11", "2026-03-19"])
@pytest.mark.filterwarnings("ignore::ledgerkit.errors.IncompleteResult")
@pytest.mark.filterwarnings("ignore::ledgerkit.errors.NoLongerListed")
def test_a_row_that_gets_another_date_is_there_once_wherever_a_run_stops(
    archived: Connected, folder: Path, monkeypatch: pytest.MonkeyPatch, to: str
) -> None:
    write = parts.write
    for stop in range(1, 5):
        service, into = Service(spread(30, at("2026-02-01T09:00:00"), NOON)), folder / str(stop)
        run = archived(service)
        run(into=into)
        service.rows[4] |= {"created_on": f"{to}T07:00:00Z"}
        # As many came into its month as left it, so that its count tells nothing.
        service.add(transaction(999, at("2026-02-03T03:03:03")))
        written: list[Any] = []
        monkeypatch.setattr(parts, "write", partial(_written_and_interrupted, write, stop, written))
        with contextlib.suppress(KeyboardInterrupt):
            run(into=into)
        monkeypatch.undo()
        one(run(into=into), rows=31, no_longer_listed=0)
        assert lk.read_archive(into)["id"].tolist().count(4) == 1, stop


def _written_and_interrupted(write: Callable[..., None], stop: int, written: list[Any], *arguments: Any) -> None:
    write(*arguments)
    written.append(arguments)
    if len(written) == stop:
        raise KeyboardInterrupt


def test_a_clock_that_went_back_makes_no_row_vanish(archived: Connected, folder: Path) -> None:
    rows = [{"id": n, "name": f"group {n}", "created_on": f"2026-03-20T1{n}:30:00Z"} for n in (0, 1)]
    service = Service(rows, path="/groups")
    run = archived(service)
    one(run("groups"), rows=2)
    service.later(hours=-1)
    one(run("groups"), rows=2, no_longer_listed=0, complete=True, until=pd.Timestamp(NOON - timedelta(seconds=2)))


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00", "0001-01-31T00:00:00", "0987-06-05T00:00:00"])
def test_a_row_from_the_beginning_of_the_calendar_is_archived(archived: Connected, folder: Path, date: str) -> None:
    service = Service([transaction(1, at(date), **PENDING), transaction(2, at("2026-03-05"))])
    run = archived(service)
    one(run(), rows=2, complete=True)
    service.later(days=1)
    service.add(transaction(3, NOON))
    one(run(), rows=3, new=1, changed=0, complete=True)
    kept = lk.read_archive(folder).set_index("id")
    assert kept["created_on"][1] == pd.Timestamp(at(date))


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


def test_an_interrupt_says_that_what_is_there_is_whole(
    archived: Connected, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = archived(Service(spread(600, at("2025-09-01"), NOON)))
    monkeypatch.setattr(parts, "write", partial(_written_and_interrupted, parts.write, 2, []))
    with pytest.raises(KeyboardInterrupt) as caught:
        run()
    assert re.search(
        r"of acme stopped after \d files .* is whole; archive again to go on\.", caught.value.__notes__[0]
    )
    monkeypatch.undo()
    one(run(), rows=600)


def test_what_could_not_be_shown_to_be_complete_is_told_marked_and_read_again(
    archived: Connected, folder: Path
) -> None:
    service = Service(spread(150, at("2026-02-01"), at("2026-02-20")), ignores=("order", "order_by"))
    run = archived(service)

    def shuffles(number: int) -> None:
        # Without an order, the list shows its rows in another one each time.
        service.rows = dict(sorted(service.rows.items(), key=lambda item: (item[0] * 7919 + number * 31) % 151))

    service.before = shuffles
    with pytest.warns(lk.IncompleteResult, match="may not be complete"):
        one(run(), complete=False)
    with pytest.warns(lk.IncompleteResult, match="some transactions of acme may be missing"):
        lk.read_archive(folder)
    service.before = lambda number: None
    one(run(), complete=True)
    assert lk.read_archive(folder).attrs["complete"] is True


def test_an_error_in_the_middle_says_how_far_it_came_and_the_next_run_goes_on(
    archived: Connected, folder: Path
) -> None:
    service = Service(spread(600, at("2025-09-01"), NOON))
    run = archived(service)
    service.before = dropped(12)
    with pytest.raises(lk.ConnectionFailed) as caught:
        run()
    [note] = caught.value.__notes__
    assert re.search(r"of acme stopped after [1-9] files were written and \d+ calls made", note)
    there = len(files(folder))
    with pytest.warns(lk.IncompleteResult, match="may be missing.*the beginning to 202.* of acme. Archive again"):
        lk.read_archive(folder)
    service.before = lambda number: None
    one(run(), rows=600)
    assert len(files(folder)) > there
    assert ids(lk.read_archive(folder)) == list(range(600, 0, -1))


def test_a_gap_that_a_run_did_not_come_to_is_said_by_whoever_reads_it(archived: Connected, folder: Path) -> None:
    service = Service([transaction(1, at("2025-10-05"))])
    service.now = at("2025-11-01T00:00:02")
    run = archived(service)
    run()
    service.now = NOON
    service.add(transaction(2, at("2025-12-05")), transaction(3, at("2026-03-05")))
    service.asked()
    # The tail twice, the page of March, the step over February: then nothing more is answered.
    service.before = dropped(6)
    with pytest.raises(lk.ConnectionFailed):
        run()
    with pytest.warns(lk.IncompleteResult, match=r"2025-11-01T00:00:00Z to 2026-03-01T00:00:00Z of acme\."):
        assert ids(lk.read_archive(folder)) == [3, 1]
    assert ids(lk.read_archive(folder, created_before="2025-11-01")) == [1]
    assert ids(lk.read_archive(folder, created_after="2026-03-01")) == [3]
    with pytest.warns(lk.IncompleteResult):
        assert ids(lk.read_archive(folder, created_before="2026-01-01")) == [1]
    service.before = lambda number: None
    run()
    assert ids(lk.read_archive(folder)) == [3, 2, 1]


def test_a_form_that_cancels_stops_it_and_what_was_written_stays(archived: Connected, folder: Path) -> None:
    service = Service(spread(600, at("2025-09-01"), NOON))
    run = archived(service)
    watch = watching.Watch()

    def cancels(number: int) -> None:
        if number == 12:
            watch.cancel.set()

    service.before = cancels
    with watching.watched(watch), pytest.raises(Cancelled) as caught:
        run()
    assert "What is in the archive is whole" in caught.value.__notes__[0]
    service.before = lambda number: None
    one(run(), rows=600)


def test_one_writes_at_a_time(archived: Connected, folder: Path) -> None:
    service = Service(spread(50, at("2026-02-01"), NOON))
    run = archived(service)
    refused: list[BaseException] = []

    def another(number: int) -> None:
        if number == 3:
            asked = len(service.seen)
            with pytest.raises(lk.ArchiveInUse, match="is writing to") as caught:
                run()
            refused.append(caught.value)
            assert len(service.seen) == asked

    service._lock = type("NoLock", (), {"__enter__": lambda self: self, "__exit__": lambda *_: None})()
    service.before = another
    one(run(), rows=50)
    assert len(refused) == 1


def test_another_process_that_writes_is_noticed(archived: Connected, folder: Path) -> None:
    directory = folder / "transactions" / "workspace=acme"
    holds = (
        "import sys, pathlib; from ledgerkit.archives import folders\n"
        f"with folders.held(pathlib.Path({str(directory)!r})):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    run = archived(Service([transaction(1, at("2026-03-05"))]))
    command = [sys.executable, "-c", holds]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:  # noqa: S603 - fixed code
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(lk.ArchiveInUse):
            run()
        other.kill()
        other.wait()
    one(run(), rows=1)  # the system let go of what a killed process held


@pytest.mark.parametrize("what", ["service", "family"])
def test_rows_of_another_origin_are_refused_before_anything_is_asked(
    archived: Connected, serve: Callable[..., Server], connect_to: Callable[..., lk.Session], folder: Path, what: str
) -> None:
    service = Service([transaction(1, at("2026-03-05"))])
    run = archived(service)
    run()
    before = {path: path.read_bytes() for path in folder.rglob("*.parquet")}
    server = serve(service)
    credentials = lk.LAM("lam-user") if what == "family" else None
    session = connect_to(server, credentials)
    service.asked()
    name = "acme"
    if what == "family":
        run_there = run.session.base_url  # type: ignore[attr-defined]  # see conftest
        session = lk.Session(lk.LAM("lam-user"), base_url=run_there)
    with session, pytest.raises(lk.ConfigurationError, match=r"another folder, or under another name=") as caught:
        session.transactions.archive(folder, name=name)
    assert service.asked() == {}
    there, here = ("'reporting_key'", "'lam'") if what == "family" else (run.session.base_url, session.base_url)  # type: ignore[attr-defined]  # see conftest
    assert there in str(caught.value)
    assert here in str(caught.value)
    assert {path: path.read_bytes() for path in folder.rglob("*.parquet")} == before


def test_a_lam_must_say_what_the_workspace_is_called(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session], folder: Path
) -> None:
    server = serve(Service([transaction(1, at("2026-03-05"))]))
    session = connect_to(server, lk.LAM("lam-user"))
    with pytest.raises(lk.InvalidRequest, match="give name="):
        session.transactions.archive(folder)
    assert server.seen == []
    one(session.transactions.archive(folder, name="treasury"), workspace="treasury", rows=1)
    assert list(lk.read_archive(folder)["workspace"]) == ["treasury"]


@pytest.mark.parametrize("name", ["../../escape", "a/b", "..", "Zürich & co", "x=y", "100%"])
def test_a_name_that_is_no_name_of_a_folder_stays_inside(archived: Connected, folder: Path, name: str) -> None:
    archived(Service([transaction(1, at("2026-03-05"))]))(name=name)
    [path] = folder.parent.rglob("*.parquet")
    assert len(path.relative_to(folder).parts) == 5
    assert list(lk.read_archive(folder)["workspace"]) == [name]
    assert list(lk.read_archive(folder, workspace=name)["id"]) == [1]


@pytest.mark.parametrize("name", ["", " ", "x" * 100, "a\nb", 7])
def test_a_name_that_can_not_be_one_is_refused(archived: Connected, folder: Path, name: Any) -> None:
    with pytest.raises(lk.InvalidRequest):
        archived(Service([]))(name=name)
    assert not folder.exists()


def test_a_list_without_end_states_is_read_again_at_once(archived: Connected, folder: Path) -> None:
    rows = [{"id": n, "name": f"group {n}", "created_on": f"2026-0{n}-05T00:00:00Z"} for n in (1, 2, 3)]
    service = Service(rows, path="/groups")
    run = archived(service)
    one(run("groups"), rows=3, open=3, parts=3)
    service.later(hours=1)
    service.rows[2]["name"] = "renamed"
    service.asked()
    one(run("groups"), rows=3, changed=1)
    assert service.asked() == {"count": 3, "page": 1}
    assert list(lk.read_archive(folder, "groups")["name"]) == ["group 3", "renamed", "group 1"]


def test_a_long_list_without_end_states_is_read_again_part_by_part(archived: Connected, folder: Path) -> None:
    rows = [{"id": n, "name": f"user {n}", "created_on": f"2026-01-{n:02}T10:00:00Z"} for n in range(1, 31)]
    service = Service(rows, path="/groups")
    run = archived(service)
    one(run("groups", slice_rows=10), rows=30, new=30)
    assert len(files(folder)) >= 3
    service.later(hours=1)
    for row in service.rows.values():
        row["name"] = "renamed"
    one(run("groups", slice_rows=10), rows=30, changed=30)
    assert set(lk.read_archive(folder, "groups")["name"]) == {"renamed"}


def test_a_list_without_dates_keeps_its_order(archived: Connected, folder: Path) -> None:
    rows = [{"id": f"0000000{n}-0000-4000-8000-000000000000", "status": "ACTIVE"} for n in (3, 1, 2)]
    service = Service(rows, path="/pledges")
    run = archived(service)
    run("pledges")
    assert [text[7] for text in lk.read_archive(folder, "pledges")["id"]] == ["3", "1", "2"]
    service.remove(rows[0]["id"])
    service.rows = {row["id"]: row for row in (*reversed(rows[1:]), {**rows[0], "id": "4" * 8 + rows[0]["id"][8:]})}
    with pytest.warns(lk.NoLongerListed):
        run("pledges")
    assert [text[7] for text in lk.read_archive(folder, "pledges")["id"]] == ["2", "1", "4", "3"]


def test_a_file_of_an_older_kit_is_written_anew_where_it_lacks_a_column(
    archived: Connected, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service([transaction(1, at("2026-03-05"), maker_note="hello"), transaction(2, at("2026-02-05"))])
    run = archived(service)
    run()
    table = type(run.session.transactions).search.table  # type: ignore[attr-defined]  # see conftest
    newer = table.extended(after={"maker_note": "text"})
    monkeypatch.setattr(type(run.session.transactions).search, "table", newer)  # type: ignore[attr-defined]  # see conftest
    one(run(), rows=2, changed=0)
    [path] = folder.rglob("202603*.parquet")
    part, rows = parts.read_whole(path)
    assert part.further == []
    assert rows["maker_note"].to_pylist() == ["hello"]


def test_a_list_without_dates_is_one_file(archived: Connected, folder: Path) -> None:
    rows = [{"id": f"0000000{n}-0000-4000-8000-000000000000", "status": "ACTIVE"} for n in (3, 1, 2)]
    service = Service(rows, path="/pledges")
    run = archived(service)
    one(run("pledges"), rows=3, parts=1, complete=True)
    assert files(folder) == ["pledges/workspace=acme/all.parquet"]
    service.remove(rows[0]["id"])
    service.add({"id": "00000004-0000-4000-8000-000000000000", "status": "ACTIVE"})
    with pytest.warns(lk.NoLongerListed, match="00000003-"):
        one(run("pledges"), rows=4, new=1, no_longer_listed=1)
    one(run("pledges"), rows=4, new=0, no_longer_listed=1)
    with pytest.raises(lk.InvalidRequest, match="can't be searched by date"):
        run("pledges", created_after="2026-01-01")


@pytest.mark.parametrize("section", ["currencies", "api_users", "compliance", "organization"])
def test_what_has_no_list_of_rows_with_ids_is_refused(archived: Connected, folder: Path, section: str) -> None:
    with pytest.raises(lk.Unsupported, match=f"session.{section}"):
        archived(Service([]))(section)
    assert not folder.exists()


def _always(reply: Reply, number: int) -> Reply:
    return reply


def test_a_fault_of_the_service_leaves_the_archive_as_it_was(archived: Connected, folder: Path) -> None:
    service = Service(spread(150, at("2026-02-01"), NOON))
    run = archived(service)
    run()
    before = {path: path.read_bytes() for path in folder.rglob("*.parquet")}
    service.later(hours=1)
    for status in (403, 404, 501):
        reply = Reply({"message": "no"}, status=status)
        service.before = partial(_always, reply)
        with pytest.raises(lk.LedgerError):
            run()
    assert {path: path.read_bytes() for path in folder.rglob("*.parquet")} == before
