"""Find out where the time of a read goes: ``python -m benchmarks.profile``, with ``--gzip`` and ``--latency``.

Stages are timed inside of the kit while it reads, each by the processor time of its thread. What a stage is called by
may be renamed any time: one that is not found any more is named, and its time is in the stage around it.
"""

import argparse
import importlib
import json
import statistics
import sys
import time
from typing import Any, Final

from benchmarks.contestants import CONTESTANTS
from benchmarks.measuring import run, serving
from benchmarks.stopwatch import Stopwatch

# Module, attribute (or class and attribute), stage.
STAGES: Final = (
    ("httpcore._backends.sync", "SyncStream.read", "socket: receiving"),
    ("httpcore._backends.sync", "SyncStream.write", "socket: sending"),
    ("httpx", "Client.send", "httpx: the exchange"),
    ("httpx", "Client.build_request", "httpx: the request"),
    ("httpx._decoders", "GZipDecoder.decode", "compression"),
    ("ledgerkit.transport", "Transport.request", "transport: the rest"),
    ("ledgerkit.transport", "_content", "httpx: the body"),
    ("ledgerkit.transport", "_bound", "transport: bounds"),
    ("ledgerkit.transport", "decoded", "decoding JSON"),
    ("ledgerkit.transport", "repeats", "looking for repeated credentials"),
    ("ledgerkit.transport", "_date", "headers: Date"),
    ("ledgerkit.limits", "Limiter.learn", "headers: rate limit"),
    ("ledgerkit.limits", "Limiter.reserve", "rate limit: a place"),
    ("ledgerkit.paging", "Reader._fetch", "paging: a page"),
    ("ledgerkit.paging", "edges_of", "paging: edges"),
    ("ledgerkit.paging", "keys_of", "paging: keys"),
    ("ledgerkit.paging", "is_steady", "paging: proof"),
    ("ledgerkit.paging", "merged", "concatenation"),
    ("ledgerkit.paging", "ask_all", "threads: waiting for them"),
    ("ledgerkit.frames", "Table.leaves", "leaves"),
    ("ledgerkit.frames", "Table.frame", "frame: putting together"),
    ("ledgerkit.resources.base", "Section._read", "search: bounds, letting go"),
    ("ledgerkit.resources.base", "Section._list", "search: the rest"),
)


def watched() -> tuple[Stopwatch, list[str]]:
    """Put the stopwatch on every stage, and return it with the stages that are not there."""
    watch, missing = Stopwatch(), []
    for module, path, stage in STAGES:
        *owners, name = path.split(".")
        owner: Any = importlib.import_module(module)
        for part in owners:
            owner = getattr(owner, part, None)
        if not watch.watch(owner, name, stage):
            missing.append(f"{module}.{path}")
    arrays: Any = importlib.import_module("ledgerkit.frames").ARRAYS
    for kind in list(arrays):
        watch.watch(arrays, kind, f"frame: {kind}")
    watch.watch_collections()
    return watch, missing


def inside(url: str) -> dict[str, Any]:
    """Read everything once, under the stopwatch, in this process."""
    watch, missing = watched()
    with CONTESTANTS["ledgerkit"](url) as read:
        before, calls = watch.spent(), dict(watch.calls)
        waited = dict(watch.waited)
        started, worked = time.perf_counter(), time.process_time()
        rows = len(read())
        seconds, worked = time.perf_counter() - started, time.process_time() - worked
    spent = {stage: taken - before.get(stage, 0.0) for stage, taken in watch.spent().items()}
    return {
        "rows": rows,
        "seconds": seconds,
        "processor_seconds": worked,
        "spent": spent,
        "calls": {stage: number - calls.get(stage, 0) for stage, number in watch.calls.items()},
        "waited": watch.waited["socket: receiving"] - waited.get("socket: receiving", 0.0),
        "missing": missing,
    }


def shown(runs: list[dict[str, Any]]) -> str:
    """Return the table: the median share of each stage, and its time for a row."""
    rows = runs[0]["rows"]
    stages = {stage for one in runs for stage in one["spent"]}
    shares = {
        stage: statistics.median(one["spent"].get(stage, 0.0) / one["processor_seconds"] for one in runs)
        for stage in stages
    }
    worked = statistics.median(one["processor_seconds"] for one in runs)
    lines = ["| stage | share of processor time | microseconds a row | calls |", "|---|---|---|---|"]
    for stage, share in sorted(shares.items(), key=lambda item: -item[1]):
        calls = runs[0]["calls"].get(stage, "")
        lines.append(f"| {stage} | {share:.1%} | {share * worked / rows * 1e6:.2f} | {calls} |")
    rest = 1 - sum(shares.values())
    lines.append(f"| not in any stage | {rest:.1%} | {rest * worked / rows * 1e6:.2f} | |")
    collections = {name: number for name, number in runs[0]["calls"].items() if name.startswith("collections")}
    took, waited = (statistics.median(one[name] for one in runs) for name in ("seconds", "waited"))
    return "\n".join(
        [
            *lines,
            "",
            f"{rows} rows. By the clock on the wall it took {took / worked:.2f} times the processor time.",
            f"Threads together were {waited / took:.2f} times as long at their sockets, or waiting to go on.",
            f"Collections: {collections}. Not found: {runs[0]['missing'] or 'nothing'}.",
        ]
    )


def main() -> None:
    """Profile in fresh processes, and print the table."""
    if sys.argv[1:2] == ["--inside"]:
        print(json.dumps(inside(sys.argv[2])))
        return
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("--transactions", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--latency", type=float, default=0.0, help="of a request, in ms")
    parser.add_argument("--gzip", action="store_true", help="the server packs its answers, at no latency")
    options = parser.parse_args()
    with serving(options.transactions, [options.latency]) as served:
        url = served.urls["gzip" if options.gzip else f"{options.latency:g}"]
        if options.gzip:
            run("profile", "--inside", url)  # the server packs each page once, and keeps it
        print(shown([run("profile", "--inside", url) for _ in range(options.rounds)]))


if __name__ == "__main__":
    main()
