"""Whether the memory of an archive grows with its rows: many parts against one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, Final

from benchmarks.measuring import Measure, Served, Step, divided, run, serving

# What fits into one part.
PART: Final = 20_000
LARGE: Final = 1_000_000
# A part is of half this size to all of it, so a little more than one is still flat.
FLAT: Final = 1.2


def measure(
    served: Served, transactions: int, rounds: int, say: Callable[[str], None], *, large: bool
) -> Iterator[Step]:
    """Measure the peak of memory; without the extra ``archive``, say that it is missing.

    Raises
    ------
    AssertionError
        The files have other rows or another sum than were served.
    """
    if find_spec("pyarrow") is None:
        yield Step([_unmeasured("an archive", "the extra `archive` is not installed")], "archive", {})
        return
    one_part, several = [], []
    for _ in range(rounds):
        say(f"archive, {min(PART, transactions)} and {transactions} rows")
        one_part.append(run("pieces", "archive", served.urls["0"], str(min(PART, transactions))))
        several.append(_archived(served, transactions))
    samples = {"one part": one_part, str(transactions): several}
    yield Step([compared_by_memory(transactions, several, one_part)], "archive", samples)
    if large:
        say(f"archive, {LARGE} rows: some minutes, and 2 GB of memory for the server")
        with serving(LARGE, [0.0]) as more:
            done = [_archived(more, LARGE)]
        yield Step([compared_by_memory(LARGE, done, one_part[:1])], "archive", {str(LARGE): done})


def compared_by_memory(
    rows: int, runs: Sequence[Mapping[str, Any]], one_part: Sequence[Mapping[str, Any]]
) -> Measure:
    """Return how many times the memory of one part many parts took: nothing where there are not many, nor one."""
    what = f"peak of memory of an archive, {rows:,} rows"
    parts, fewest = max(run["parts"] for run in runs), max(run["parts"] for run in one_part)
    peaks, base = ([one["peak_bytes"] for one in each] for each in (runs, one_part))
    if parts == 1:
        return _unmeasured(what, "all of it fits into one part")
    if fewest != 1:
        return _unmeasured(what, f"what it is compared with is in {fewest} parts")
    if None in peaks or None in base:
        return _unmeasured(what, "this system does not tell how much memory is held")
    return Measure(
        f"{what} in {parts} parts",
        f"the same, {one_part[0]['rows']:,} rows in one part",
        divided(peaks, base),
        "times as much",
        at_most=FLAT,
    )


def _unmeasured(what: str, why_not: str) -> Measure:
    return Measure(what, "the same in one part", (), "times as much", at_most=FLAT, why_not=why_not)


def _archived(served: Served, rows: int) -> dict[str, Any]:
    done = run("pieces", "archive", served.urls["0"], str(rows))
    served.check("archive", {name: done[name] for name in ("rows", "amount")})
    return done
