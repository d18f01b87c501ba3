"""Runs over what changed: rows that arrive late, change, vanish, come back, or are dated anew."""

import contextlib
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from serving import LeapingClock, Reply

import ledgerkit as lk
from archives.looking import PENDING, Connected, one, written_and_interrupted
from archives.service import NOON, Service, at, ids, spread, transaction
from ledgerkit.archives import parts


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


def test_a_count_that_stops_at_some_number_hides_no_late_row(archived: Connected) -> None:
    service = Service(spread(150, at("2026-02-01T09:00:00"), at("2026-02-20")), counted=lambda rows: min(rows, 120))
    run = archived(service)
    with pytest.warns(lk.IncompleteResult, match="all in all it counts 120"):
        one(run(), rows=150, complete=False)
    service.add(transaction(999, at("2026-02-11T11:11:11")))
    with pytest.warns(lk.IncompleteResult):
        one(run(), rows=151, new=1)


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
        monkeypatch.setattr(parts, "write", partial(written_and_interrupted, write, stop, written))
        with contextlib.suppress(KeyboardInterrupt):
            run(into=into)
        monkeypatch.undo()
        one(run(into=into), rows=31, no_longer_listed=0)
        assert lk.read_archive(into)["id"].tolist().count(4) == 1, stop


def test_a_clock_that_went_back_makes_no_row_vanish(archived: Connected, folder: Path) -> None:
    rows = [{"id": n, "name": f"group {n}", "created_on": f"2026-03-20T1{n}:30:00Z"} for n in (0, 1)]
    service = Service(rows, path="/groups")
    run = archived(service)
    one(run("groups"), rows=2)
    service.later(hours=-1)
    with pytest.warns(lk.IncompleteResult, match="set back: all that it dated before 2026-03-20T11:59:58"):
        done = run("groups")
    one(done, rows=2, no_longer_listed=0, complete=False, until=pd.Timestamp(NOON - timedelta(seconds=2)))


def test_what_is_dated_before_the_end_of_an_archive_by_a_clock_that_was_set_back_is_said_to_be_missing(
    archived: Connected, folder: Path
) -> None:
    service = Service([transaction(1, at("2026-03-20T09:00:00"))])
    run = archived(service)
    service.later(minutes=5)
    one(run(), rows=1, complete=True)
    service.later(minutes=-5)
    with pytest.warns(lk.IncompleteResult, match="Archive again after 2026-03-20T12:04:58"):
        one(run(), rows=1, complete=False)
    service.add(transaction(2, NOON + timedelta(seconds=30)))
    with pytest.warns(lk.IncompleteResult):
        assert not lk.read_archive(folder).attrs["complete"]
    service.later(minutes=6)
    one(run(), rows=2, new=1, complete=True)
    assert lk.read_archive(folder).attrs["complete"]


def test_a_clock_that_is_set_back_during_a_run_is_told(archived: Connected, folder: Path) -> None:
    service = Service([transaction(1, at("2026-03-20T09:00:00"))])
    service.before = lambda number: service.later(minutes=-5) if number == 3 else None
    with pytest.warns(lk.IncompleteResult, match="set back"):
        one(archived(service)(), rows=1, complete=False)


def test_a_clock_that_is_set_back_by_a_second_is_none_that_rows_are_lost_by(archived: Connected) -> None:
    service = Service([transaction(1, at("2026-03-20T09:00:00"))])
    run = archived(service)
    one(run(), rows=1, complete=True)
    service.later(seconds=-1)
    one(run(), rows=1, complete=True)


def showing(service: Service, clock: LeapingClock, *ahead: int) -> None:
    """Let time go on while a run waits, and machines answer in turn whose clocks are so many seconds ahead."""

    def before(number: int) -> None:
        seconds = clock.monotonic() - 1000 + ahead[number % len(ahead)]
        service.now = NOON + timedelta(seconds=seconds)

    service.before = before


@pytest.mark.parametrize("ahead", [3, 5, 15])
def test_a_clock_that_was_seconds_ahead_is_waited_for_and_nothing_is_missing(
    archived: Connected, folder: Path, ahead: int
) -> None:
    clock = LeapingClock()
    service = Service([transaction(1, at("2026-03-20T09:00:00"))])
    run = archived(service, clock=clock)
    showing(service, clock, ahead)
    one(run(), rows=1, complete=True)
    service.add(transaction(2, NOON + timedelta(milliseconds=500)))  # dated before the end of that run
    showing(service, clock, 0)
    one(run(), rows=2, new=1, complete=True)
    assert sum(clock.waits) <= ahead
    assert lk.read_archive(folder).attrs["complete"]


def test_what_comes_while_a_run_waits_for_clocks_that_differ_is_in_it(archived: Connected, folder: Path) -> None:
    clock = LeapingClock()
    service = Service([transaction(1, at("2026-03-20T09:00:00"))])
    run = archived(service, clock=clock)
    showing(service, clock, 5)
    one(run(), rows=1, complete=True)
    late = transaction(2, NOON + timedelta(seconds=1))
    showing(service, clock, 0)
    slower = service.before

    def before(number: int) -> None:
        slower(number)
        if clock.waits:
            service.add(late)

    service.before = before
    one(run(), rows=2, new=1, complete=True)
    assert ids(lk.read_archive(folder)) == [2, 1]


@pytest.mark.parametrize("section", ["transactions", "groups"])
def test_machines_with_clocks_that_differ_and_answer_in_turn_make_no_run_incomplete(
    archived: Connected, folder: Path, section: str
) -> None:
    clock = LeapingClock()
    service = Service([transaction(1, at("2026-03-20T09:00:00"))], path=f"/{section}")
    run = archived(service, clock=clock)
    for _ in range(4):
        showing(service, clock, 4, 0, 2)
        one(run(section), rows=1, complete=True)
        clock.advance(1)


def test_only_what_a_clock_that_was_set_back_dates_anew_is_in_doubt(archived: Connected, folder: Path) -> None:
    service = Service([transaction(1, at("2026-03-20T09:00:00"))])
    run = archived(service)
    service.later(minutes=5)
    one(run(), rows=1, complete=True)
    service.later(minutes=-5)
    with pytest.warns(lk.IncompleteResult, match="set back"):
        one(run(), rows=1, complete=False)
    with pytest.warns(lk.IncompleteResult, match="taken away: 2026-03-20T11:59:58Z to 2026-03-20T12:04:58Z of acme"):
        assert not lk.read_archive(folder).attrs["complete"]
    assert lk.read_archive(folder, created_before="2026-03-20T11:59:58Z").attrs["complete"]


@pytest.mark.parametrize("rows", [[], [transaction(1, at("2026-01-20T09:00:00"))]], ids=["none", "in another month"])
def test_a_clock_that_is_set_back_is_told_where_no_file_reaches_so_far(
    archived: Connected, folder: Path, rows: list[Any]
) -> None:
    service = Service(rows)
    run = archived(service)
    service.later(minutes=5)
    one(run(), rows=len(rows), complete=True)
    service.later(minutes=-5)
    with pytest.warns(lk.IncompleteResult, match="set back: all that it dated before 2026-03-20T12:04:58Z"):
        one(run(), rows=len(rows), complete=False)
