"""Whether the memory of an archive grows with its rows: many parts against one."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, Final

from benchmarks.measuring import Measure, Served, divided, run, serving

# What fits into one part.
PART: Final = 20_000
LARGE: Final = 1_000_000
# A part is of half this size to all of it, so a little more than one is still flat.
FLAT: Final = 1.2


def measure(
    served: Served, transactions: int, rounds: int, say: Callable[[str], None], *, large: bool
) -> tuple[list[Measure], Mapping[str, Any]]:
    """Return the ratios, and the samples that they are made of; nothing where the extra ``archive`` is missing.

    Raises
    ------
    AssertionError
        The files have other rows or another sum than were served.
    """
    if find_spec("pyarrow") is None:
        say("the extra `archive` is not installed: archives are not measured")
        return [], {}
    one_part, measures = [], []
    samples: dict[int, list[dict[str, Any]]] = {}
    for _ in range(rounds):
        say(f"archive, {min(PART, transactions)} and {transactions} rows")
        one_part.append(run("pieces", "archive", served.urls["0"], str(min(PART, transactions))))
        samples.setdefault(transactions, []).append(_archived(served, transactions))
    if large:
        say(f"archive, {LARGE} rows: some minutes, and 2 GB of memory for the server")
        with serving(LARGE, [0.0]) as more:
            samples[LARGE] = [_archived(more, LARGE)]
    for rows, runs in samples.items():
        peaks, base = ([one["peak_bytes"] for one in each] for each in (runs, one_part[: len(runs)]))
        if None not in peaks and None not in base:
            measures.append(
                Measure(
                    f"peak of memory of an archive, {rows:,} rows in {runs[0]['parts']} parts",
                    f"the same, {min(PART, transactions):,} rows in {one_part[0]['parts']} part",
                    divided(peaks, base),
                    "times as much",
                    at_most=FLAT,
                )
            )
    return measures, {"one part": one_part, **{str(rows): runs for rows, runs in samples.items()}}


def _archived(served: Served, rows: int) -> dict[str, Any]:
    done = run("pieces", "archive", served.urls["0"], str(rows))
    served.check("archive", {name: done[name] for name in ("rows", "amount")})
    return done
