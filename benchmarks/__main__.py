"""``python -m benchmarks``: everything that is measured, in one run."""

import argparse
import itertools
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import archiving, comparing, reading, report
from benchmarks.measuring import Measure, serving


def options_of(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--transactions", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--latency", type=float, nargs="+", default=[0.0, 5.0, 25.0], help="of a request, in ms")
    parser.add_argument("--starts", type=int, default=comparing.STARTS, help="rounds of what takes little time")
    parser.add_argument("--large", action="store_true", help="an archive of 1,000,000 transactions too")
    parser.add_argument("--quick", action="store_true", help="10,000 transactions, few rounds; nothing is saved")
    parser.add_argument("--into", type=Path, help="the folder of results.json and README.md (by default, this one)")
    options = parser.parse_args(arguments)
    if options.quick:
        options.transactions, options.rounds, options.starts = 10_000, 2, 5
    return options


def main(arguments: Sequence[str]) -> None:
    """Measure, print and save."""
    options = options_of(arguments)
    settings = shlex.join(["python", "-m", "benchmarks", *arguments])
    into = options.into or (None if options.quick else Path(__file__).parent)
    measures: list[Measure] = []
    samples: dict[str, dict[str, Any]] = {}

    def keep(*, whole: bool) -> None:
        if into is not None:
            report.save(into, measures, samples, settings, whole=whole)

    with serving(options.transactions, options.latency) as served:
        for step in itertools.chain(
            reading.measure(served, options.latency, options.rounds, _say),
            comparing.measure(served, options.transactions, options.rounds, options.starts, _say),
            archiving.measure(served, options.transactions, options.rounds, _say, large=options.large),
        ):
            measures += step.measures
            samples.setdefault(step.group, {}).update(step.samples)
            _say(report.table(step.measures))
            keep(whole=False)
    keep(whole=True)
    print(report.text(measures, settings, whole=True))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
