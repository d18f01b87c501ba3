"""Runs that are stopped, fail, or find another one at work."""

import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from serving import Reply

import ledgerkit as lk
from archives.looking import Connected, files, one, written_and_interrupted
from archives.service import NOON, Service, at, dropped, ids, spread, transaction
from ledgerkit import watching
from ledgerkit.archives import parts
from ledgerkit.errors import Cancelled


def test_an_interrupt_says_that_what_is_there_is_whole(
    archived: Connected, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = archived(Service(spread(600, at("2025-09-01"), NOON)))
    monkeypatch.setattr(parts, "write", partial(written_and_interrupted, parts.write, 2, []))
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
