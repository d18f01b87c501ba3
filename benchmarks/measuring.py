"""Fresh processes side by side: the server, the workers, and what their numbers say as ratios."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent


@dataclass(frozen=True)
class Measure:
    """One thing against its baseline: a ratio for each round.

    Parameters
    ----------
    what, against
        In words.
    ratios
        One per round: how many times faster, or how many times as much; none where it was not measured.
    at_least, at_most
        The goal for the median, where there is one.
    why_not
        Why there are no ratios.
    """

    what: str
    against: str
    ratios: Sequence[float]
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    # The same of the processor time, which others on the machine disturb less; none where no time is measured.
    processor: Sequence[float] = ()
    why_not: str | None = None

    @property
    def median(self) -> float | None:
        """The ratio that counts; None where there is none."""
        return statistics.median(self.ratios) if self.ratios else None

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none, or no ratio."""
        median = self.median
        if median is not None and self.at_least is not None:
            return median >= self.at_least
        if median is not None and self.at_most is not None:
            return median <= self.at_most
        return None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {**vars(self), "median": self.median, "met": self.met}


@dataclass(frozen=True)
class Step:
    """What a part of a run has found out: it is kept as soon as it is known, since the rest may take long.

    Parameters
    ----------
    measures
        The ratios.
    group, samples
        What they are made of, and under which heading that is kept.
    """

    measures: Sequence[Measure]
    group: str
    samples: Mapping[str, Any]


@dataclass(frozen=True)
class Served:
    """The server that runs: its addresses by latency (or by what is particular about them), and what it serves."""

    urls: Mapping[str, str]
    truth: Mapping[str, Any]

    def check(self, name: str, found: Mapping[str, Any]) -> None:
        """Refuse what is not what was served: speed is never bought with wrongness.

        Raises
        ------
        AssertionError
            A number that a contestant found is another than was served.
        """
        wrong = {key: (value, self.truth[key]) for key, value in found.items() if value != self.truth[key]}
        if wrong:
            raise AssertionError(f"{name} found other than was served: {wrong}")


def surroundings() -> dict[str, str]:
    """Return the environment of a process here: without proxies, and without credentials that would be found."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith("LEDGER_ENTERPRISE_")
    }


@contextmanager
def serving(transactions: int, latencies: Sequence[float]) -> Iterator[Served]:
    """Start a server in another process; it ends with the block."""
    command = [sys.executable, "-m", "benchmarks.server", "--transactions", str(transactions), "--latency"]
    with subprocess.Popen(  # noqa: S603 - this interpreter and a module of this folder
        [*command, *(f"{latency:g}" for latency in latencies)],
        cwd=ROOT,
        env=surroundings(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe, as asked for above
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("the server did not start; what it says is above")
        said = json.loads(line)
        yield Served({name: f"http://127.0.0.1:{port}" for name, port in said["ports"].items()}, said["truth"])
        process.communicate()


def run(module: str, *arguments: str) -> dict[str, Any]:
    """Run a module of this folder in a fresh process, and return the JSON that it prints.

    Raises
    ------
    RuntimeError
        It failed; the error carries what it said.
    """
    done = subprocess.run(  # noqa: S603 - this interpreter and a module of this folder
        [sys.executable, "-m", f"benchmarks.{module}", *arguments],
        cwd=ROOT,
        env=surroundings(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"benchmarks.{module} {' '.join(arguments)} failed:\n{done.stderr}")
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def compared(
    what: str,
    against: str,
    upper: Sequence[Mapping[str, Any]],
    lower: Sequence[Mapping[str, Any]],
    unit: str,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Measure:
    """Return the measure that the times of two make, round by round."""
    seconds, processor = (
        divided([one[name] for one in upper], [one[name] for one in lower])
        for name in ("seconds", "processor_seconds")
    )
    return Measure(what, against, seconds, unit, at_least, at_most, processor)


def divided(upper: Sequence[float], lower: Sequence[float]) -> list[float]:
    """Return the ratio of each round."""
    return [one / other for one, other in zip(upper, lower, strict=True)]
