"""An archive whose process is killed again and again, over HTTP: nothing is lost, doubled, or left half written."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from serving import Server

import ledgerkit as lk
from archives.service import NOON, Service, at, ids, spread, transaction
from ledgerkit.archives import parts

KILLS = 10
SLICE_ROWS = 60
# A row is long, so that a file takes a moment to be written.
LONG = {"recipient": "bc1q" + "0" * 200, "notes": [{"title": "x" * 500, "content": "y" * 500}]}

# One process imports the kit, and each run is a fork of it: the import takes longer than a run.
RUNS = """
import os, sys
import ledgerkit as lk
from ledgerkit.archives.run import keep
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        session = lk.Session(lk.ReportingKey("acme", "canary"), base_url=sys.argv[1])
        keep(session.transactions, session.transactions._connection, sys.argv[2], slice_rows=int(sys.argv[3]))
        os._exit(0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Runs:
    """Runs of an archive, each in a process of its own."""

    def __init__(self, server: Server, folder: Path) -> None:
        command = [sys.executable, "-c", RUNS, server.url, str(folder), str(SLICE_ROWS)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - fixed code

    def start(self) -> int:
        """Begin a run, and return the number of its process."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()
        return self._said()

    def ended(self) -> int:
        """Wait for the end of the run, and return how it ended."""
        return self._said()

    def _said(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())

    def close(self) -> None:
        with self._process as process:
            process.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_killed_ten_times_and_then_finished_it_holds_the_rows_of_the_service(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session], folder: Path
) -> None:
    dice = random.Random(20261129)
    service = Service(spread(1500, at("2025-06-01T01:00:00"), NOON, **LONG), latency=0.004)
    server = serve(service)
    runs = Runs(server, folder)
    killed, written = 0, []
    for kill in range(KILLS):
        asked = len(service.seen)
        process = runs.start()
        # After a number of requests, the machine may be fast or slow; and then anywhere in what follows them.
        server.wait_for(asked + dice.randint(2, 30))
        time.sleep(dice.uniform(0, 0.02))
        os.kill(process, signal.SIGKILL)
        killed += runs.ended() == -signal.SIGKILL
        written.append(len(list(folder.rglob("*.parquet"))))
        if written[-1]:
            with pytest.warns(lk.IncompleteResult, match="a run did not come to its end"):
                so_far = lk.read_archive(folder)
            assert so_far["id"].is_unique
            assert set(ids(so_far)) <= set(service.rows)
        service.later(minutes=10)
        service.add(transaction(2000 + kill, service.now - timedelta(minutes=5), **LONG))
    assert killed >= 8
    assert written == sorted(written)
    assert written[-1] > written[0]

    runs.start()
    assert runs.ended() == 0
    runs.close()
    session = connect_to(server)
    found = session.transactions.search()
    kept = lk.read_archive(folder)
    assert sorted(ids(kept)) == sorted(service.rows)
    assert ids(kept) == ids(found)
    left = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".parquet"]
    assert [path.name for path in left] == [".lock"]
    parts.parts_in(folder / "transactions" / "workspace=acme")  # raises where two parts overlap


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_what_a_killed_process_left_half_written_is_read_by_nobody_and_removed(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session], folder: Path
) -> None:
    session = connect_to(serve(Service([transaction(1, at("2026-03-05"))])))
    session.transactions.archive(folder)
    [part] = folder.rglob("*.parquet")
    half = part.with_name(f".{part.stem}.0badf00d.tmp")
    half.write_bytes(part.read_bytes()[:100])
    assert ids(lk.read_archive(folder)) == [1]
    session.transactions.archive(folder)
    assert not half.exists()
