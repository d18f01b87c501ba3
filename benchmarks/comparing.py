"""The smaller measures: a piece of the kit against what it is made of, in turn, each in a fresh process."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from benchmarks.measuring import Served, Step, compared, run

# A start differs more from one time to the next than a long read does.
STARTS: Final = 15


def _pairs(piece: str, rounds: int, *arguments: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Run a piece and its baseline in turn, each first in every other round."""
    both: dict[str, list[dict[str, Any]]] = {"baseline": [], "ledgerkit": []}
    for number in range(rounds):
        for name in list(both)[:: -1 if number % 2 else 1]:
            both[name].append(run("pieces", f"{piece}, {name}", *arguments))
    return both["baseline"], both["ledgerkit"]


def measure(
    served: Served, transactions: int, rounds: int, starts: int, say: Callable[[str], None]
) -> Iterator[Step]:
    """Measure one piece after the other.

    Raises
    ------
    AssertionError
        A piece and its baseline did not do the same.
    """
    say("nodes to a frame")
    plain, ours = frames = _pairs("frame", rounds, str(transactions))
    for one in (*plain, *ours):
        if (one["rows"], one["amount"]) != (served.truth["rows"], served.truth["amount"]):
            raise AssertionError(f"the frame of the nodes has other rows or another sum than they: {one}")
    frame = compared(
        "nodes to a frame", "`pandas.json_normalize`, all at once", plain, ours, "times faster", at_least=8
    )
    yield Step([frame], "pieces", {"frames": frames})
    say("imports")
    plain, ours = imports = _pairs("import", starts)
    importing = compared("`import ledgerkit`", "`import pandas, httpx`", ours, plain, "times the time", at_most=1.1)
    yield Step([importing], "pieces", {"imports": imports})
    say("first results")
    plain, ours = results = _pairs("first result", starts, next(iter(served.urls.values())))
    if any(one["rows"] != two["rows"] for one, two in zip(plain, ours, strict=True)):
        raise AssertionError("the first result has other rows than the exchange that it needs")
    first = compared(
        "first result, from `connect` on", "its two calls with bare httpx", ours, plain, "times the time"
    )
    yield Step([first], "pieces", {"first results": results})
    say("forms")
    form = run("pieces", "form")
    building = compared(
        "`session.transactions.form()`",
        f"its {form['widgets']} bare widgets",
        form["forms"],
        form["baselines"],
        "times the time",
    )
    yield Step([building], "pieces", {"form": form})
