"""All transactions over HTTP: every contestant in turn, at every latency, in every round."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from benchmarks.contestants import CONTESTANTS
from benchmarks.measuring import Measure, Served, divided, run

# How many times faster than the tutorial's loop, by latency in milliseconds.
GOALS: Final[Mapping[str, float]] = {"0": 2, "5": 4, "25": 10}
# At most so many times the floor.
FLOOR: Final = 1.5
FLOORS: Final = ("floor, threads", "floor, asyncio")


def measure(
    served: Served, latencies: Sequence[float], rounds: int, say: Callable[[str], None]
) -> tuple[list[Measure], dict[str, Any]]:
    """Return the ratios, and the samples that they are made of, by latency and contestant."""
    measures: list[Measure] = []
    samples: dict[str, Any] = {}
    for latency in (f"{one:g}" for one in latencies):
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTESTANTS}
        for number in range(rounds):
            # Another one goes first in each round: what runs beside it on the machine comes and goes.
            names = list(CONTESTANTS)
            for name in names[number % len(names) :] + names[: number % len(names)]:
                done = run("worker", name, served.urls[latency])
                served.check(name, done["found"])
                runs[name].append(done)
                say(f"{latency} ms, round {number + 1}, {name}: {done['seconds']:.2f} s")
        measures += _compared(latency, runs)
        samples[latency] = runs
    return measures, samples


def _compared(latency: str, runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Measure]:
    def column(name: str, field: str) -> list[float]:
        return [one[field] for one in runs[name]]

    def fastest(field: str) -> list[float]:
        return [min(pair) for pair in zip(*(column(name, field) for name in FLOORS), strict=True)]

    what = f"all transactions into a frame, {latency} ms a request"
    return [
        Measure(
            what,
            "the loop of the tutorials",
            divided(column("tutorial", "seconds"), column("ledgerkit", "seconds")),
            "times faster",
            at_least=GOALS.get(latency),
        ),
        Measure(
            what,
            "the faster floor of the round",
            divided(column("ledgerkit", "seconds"), fastest("seconds")),
            "times the time",
            at_most=FLOOR,
        ),
        Measure(
            f"the same, processor time, {latency} ms",
            "the loop of the tutorials",
            divided(column("tutorial", "processor_seconds"), column("ledgerkit", "processor_seconds")),
            "times less",
        ),
        Measure(
            f"the same, processor time, {latency} ms",
            "the cheaper floor of the round",
            divided(column("ledgerkit", "processor_seconds"), fastest("processor_seconds")),
            "times the time",
        ),
        Measure(
            f"first use: imports, sign-in, one page, {latency} ms",
            "the loop of the tutorials",
            divided(column("ledgerkit", "first_use_seconds"), column("tutorial", "first_use_seconds")),
            "times the time",
        ),
    ]
