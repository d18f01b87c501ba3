"""An archive whose process is killed again and again, over HTTP: nothing is lost, doubled, or left half written."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from serving import Act, Drop, Server

import ledgerkit as lk
from archives.service import NOON, Service, at, ids, spread, transaction
from ledgerkit.archives import parts

KILLS = 10
SLICE_ROWS = 60

# One process imports the kit, and each run is a fork of it: the import takes longer than a run. A line says how often
# the run may flush something to the disk until it dies: a file half written, a file not yet renamed, a name not yet
# on the disk. 0 is for ever.
RUNS = """
import os, signal, sys
import ledgerkit as lk
from ledgerkit.archives.run import keep
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        left, flush = int(line), os.fsync
        def fsync(descriptor):
            global left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            flush(descriptor)
        os.fsync = fsync
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
        self._number = 0
        self._begun = threading.Event()

    def run(self, flushes: int = 0) -> int:
        """Begin a run, and return how it ended."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{flushes}\n".encode())
        self._process.stdin.flush()
        self._number = self._said()
        self._begun.set()
        ended = self._said()
        self._begun.clear()
        return ended

    def kill(self) -> None:
        """Kill the run that asks something now."""
        assert self._begun.wait(30)
        os.kill(self._number, signal.SIGKILL)

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
    service = Service(spread(1500, at("2025-06-01T01:00:00"), NOON))
    server = serve(service)
    runs = Runs(server, folder)
    written = []
    for kill in range(KILLS):
        # In turn while it waits for an answer, and while it writes: at a request or a flush that the dice chose, so
        # that it does not matter how fast the machine is.
        fatal = len(service.seen) + dice.randint(2, 30) if kill % 2 == 0 else None

        def dies(number: int, fatal: int | None = fatal) -> Act | None:
            if number == fatal:
                runs.kill()
                return Drop()
            return None

        service.before = dies
        assert runs.run(flushes=0 if fatal else dice.randint(1, 12)) == -signal.SIGKILL, kill
        written.append(len(list(folder.rglob("*.parquet"))))
        if written[-1]:
            with pytest.warns(lk.IncompleteResult, match="a run did not come to its end"):
                so_far = lk.read_archive(folder)
            assert so_far["id"].is_unique
            assert set(ids(so_far)) <= set(service.rows)
        service.later(minutes=10)
        service.add(transaction(2000 + kill, service.now - timedelta(minutes=5)))
    assert written == sorted(written)
    assert written[-1] > written[0]

    service.before = lambda number: None
    assert runs.run() == 0
    runs.close()
    session = connect_to(server)
    found = session.transactions.search()
    kept = lk.read_archive(folder)
    assert sorted(ids(kept)) == sorted(service.rows)
    assert ids(kept) == ids(found)
    left = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".parquet"]
    assert sorted(path.name for path in left) == [".lock", "ended.json"]
    parts.kept_in(folder / "transactions" / "workspace=acme")  # raises where two parts overlap


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
