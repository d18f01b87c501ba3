"""What was measured, as a table for people and as JSON: with its spread, its goal, and whether the goal is met."""

import json
import os
import platform
import re
import statistics
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from benchmarks.measuring import Measure

BEGIN: Final = "<!-- measured: begin -->"
END: Final = "<!-- measured: end -->"
VERSIONS: Final = ("httpx", "msgspec", "orjson", "pandas", "numpy", "requests")


def machine() -> str:
    """Name the machine in general terms."""
    model, memory = platform.machine(), ""
    cpu, mem = Path("/proc/cpuinfo"), Path("/proc/meminfo")
    if cpu.exists() and (found := re.search(r"^model name\s*:\s*(.+)$", cpu.read_text(), re.MULTILINE)):
        model = found[1]
    if mem.exists() and (found := re.search(r"^MemTotal:\s+(\d+) kB", mem.read_text(), re.MULTILINE)):
        memory = f", {int(found[1]) / 2**20:.0f} GiB of memory"
    packages = ", ".join(f"{name} {version(name)}" for name in VERSIONS)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{os.cpu_count()} cores ({model}){memory}; {platform.system()}, {python}; {packages}"


def table(measures: Sequence[Measure]) -> str:
    """Return the table of all measures."""
    rows = [
        "| what | against | median | lowest to highest | by processor time | goal | |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*rows, *map(_row, measures)])


def _row(one: Measure) -> str:
    if one.why_not is not None:
        return f"| {one.what} | {one.against} | not measured: {one.why_not} |  |  | {_goal(one)} |  |"
    spread = f"{min(one.ratios):.2f} to {max(one.ratios):.2f} ({len(one.ratios)} rounds)"
    processor = f"{statistics.median(one.processor):.2f}" if one.processor else ""
    cells = [one.what, one.against, f"**{one.median:.2f}** {one.unit}", spread, processor, _goal(one), _met(one)]
    return f"| {' | '.join(cells)} |"


def _goal(one: Measure) -> str:
    if one.at_least is not None:
        return f"at least {one.at_least:g}"
    return "none" if one.at_most is None else f"at most {one.at_most:g}"


def _met(one: Measure) -> str:
    return {True: "met", False: "**not met**", None: ""}[one.met]


def text(measures: Sequence[Measure], settings: str, *, whole: bool) -> str:
    """Return what stands between the markers; ``whole`` says whether the run has come to its end."""
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "not known"
    return "\n\n".join(
        [
            f"Measured with `{settings}` on {machine()}. Load of the machine at the end, this run included: {load}.",
            *([] if whole else ["**The run did not come to its end**: this is what it had measured before."]),
            table(measures),
        ]
    )


def save(
    folder: Path, measures: Sequence[Measure], samples: Mapping[str, Any], settings: str, *, whole: bool
) -> None:
    """Write ``results.json``, and the table between the markers of ``README.md``, whose rest stays as it is."""
    results = {
        "settings": settings,
        "whole": whole,
        "machine": machine(),
        "measures": [one.to_dict() for one in measures],
        "samples": samples,
    }
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    readme = folder / "README.md"
    before = readme.read_text(encoding="utf-8") if readme.exists() else f"# Benchmarks\n\n{BEGIN}\n{END}\n"
    head, _, rest = before.partition(BEGIN)
    _, marker, tail = rest.partition(END)
    if not marker:
        raise ValueError(f"{readme.name} has lost its markers, {BEGIN} and {END}: the table has no place")
    written = text(measures, settings, whole=whole)
    readme.write_text(f"{head}{BEGIN}\n{written}\n{END}{tail}", encoding="utf-8")
