"""What a run of many seeds saw, in a few lines at its end; the reports come from one process or from several."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest


# In quotes: pytest 8 does not name it.
def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter") -> None:
    """Add up the reports of all seeds."""
    reports = [
        json.loads(str(value))
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        for name, value in getattr(report, "user_properties", ())
        if name == "chaos" and report.when == "call"
    ]
    if reports:
        terminalreporter.section("chaos")
        for line in lines(reports):
            terminalreporter.write_line(line)


def lines(reports: list[dict[str, Any]]) -> Iterator[str]:
    """Write what the reports say together."""
    yield f"seeds run: {len(reports)}"
    for title, name in (
        ("actions", "actions"),
        ("faults injected", "faults"),
        ("errors met, all documented", "errors"),
    ):
        total: Counter[str] = Counter()
        for report in reports:
            total.update(report[name])
        kinds = ", ".join(f"{kind} {times}" for kind, times in sorted(total.items()) if times)
        yield f"{title}: {total.total()} ({kinds})"
    yield f"incomplete results said: {sum(report['incomplete'] for report in reports)}"
    yield f"violations: {sum(len(report['violations']) for report in reports)}"
