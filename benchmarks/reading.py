"""All transactions over HTTP: every contestant in turn, at every latency, in every round."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from benchmarks.contestants import CONTESTANTS
from benchmarks.measuring import Measure, Served, Step, compared, divided, run

# How many times faster than the tutorial's loop, by latency in milliseconds.
GOALS: Final[Mapping[str, float]] = {"0": 2, "5": 4, "25": 10}
# At most so many times the floor.
FLOOR: Final = 1.5
FASTER: Final = "times faster"
TIME: Final = "times the time"
MUCH: Final = "times as much"
FLOORS: Final = ("floor, threads", "floor, asyncio")


def measure(served: Served, latencies: Sequence[float], rounds: int, say: Callable[[str], None]) -> Iterator[Step]:
    """Measure one latency after the other; samples are kept by latency and contestant."""
    for position, latency in enumerate((f"{one:g}" for one in latencies), 1):
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTESTANTS}
        for number in range(rounds):
            # Another one goes first in each round: what runs beside it on the machine comes and goes.
            names = list(CONTESTANTS)
            for name in names[number % len(names) :] + names[: number % len(names)]:
                done = run("worker", name, served.urls[latency])
                served.check(name, done["found"])
                runs[name].append(done)
                say(f"{latency} ms, round {number + 1}, {name}: {done['seconds']:.2f} s")
        measures = _compared(latency, runs)
        if position == len(latencies):  # memory does not depend on the latency: the last one, where least is queued
            measures += memory(runs, served.truth["bytes_of_json"])
        yield Step(measures, "reading", {latency: runs})


def _compared(latency: str, runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Measure]:
    tutorial, ours = runs["tutorial"], runs["ledgerkit"]
    # The faster one of each round, and the cheaper one: together they may be better than either.
    floor = [
        {name: min(one[name] for one in pair) for name in ("seconds", "processor_seconds")}
        for pair in zip(*(runs[name] for name in FLOORS), strict=True)
    ]
    what = f"all transactions into a frame, {latency} ms a request"
    return [
        compared(what, "the loop of the tutorials", tutorial, ours, FASTER, at_least=GOALS.get(latency)),
        compared(what, "the faster floor of the round", ours, floor, TIME, at_most=FLOOR),
        Measure(
            f"first use at {latency} ms: imports, sign-in, one page",
            "the same of the tutorials, without sign-in",
            divided(*([one["first_use_seconds"] for one in each] for each in (ours, tutorial))),
            TIME,
        ),
    ]


def memory(runs: Mapping[str, Sequence[Mapping[str, Any]]], bytes_of_json: int) -> list[Measure]:
    """Return what a read holds at most, beyond what it held before; none where the kernel does not tell."""
    ours, tutorial = ([one["peak_bytes"] for one in runs[name]] for name in ("ledgerkit", "tutorial"))
    if None in ours or None in tutorial:
        return []
    what = "peak of memory of a read, for each row"
    return [
        Measure(what, "the JSON of a row", [one / bytes_of_json for one in ours], MUCH),
        Measure(what, "the loop of the tutorials", divided(ours, tutorial), MUCH),
    ]
