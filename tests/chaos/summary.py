"""What a run of many seeds saw, in a few lines at its end; the reports come from one process or from several."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import pytest

from chaos.storm import KINDS

# Of what is done while it storms, how much has at least to come to a good end, over so many seeds.
SHARES: Final = {
    "search transactions": 0.5,
    "search requests": 0.5,
    "balances": 0.5,
    "archive": 0.4,
    "submit": 0.1,
    "approve": 0.3,
    "plan": 0.2,
}
ENOUGH: Final = 12
# In so many seeds each kind of fault is drawn some times, also the rarest.
ENOUGH_FOR_EACH_KIND: Final = 48


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
        if len(reports) >= ENOUGH and (found := list(lacking(reports))):
            for line in found:
                terminalreporter.write_line(f"ERROR: {line}", red=True)
            session = terminalreporter._session
            assert session is not None
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def lacking(reports: list[dict[str, Any]]) -> Iterator[str]:
    """Say what came to a good end so seldom that the storms have shown little of it, and what never went wrong."""
    for name, share in SHARES.items():
        tried, ended = (sum(report[which].get(name, 0) for report in reports) for which in ("actions", "ended"))
        if not tried or ended < share * tried:
            yield f"of {tried} times, {name} came to a good end {ended} times"
    if len(reports) >= ENOUGH_FOR_EACH_KIND:
        for kind in KINDS:
            if not any(report["faults"].get(kind) for report in reports):
                yield f"in {len(reports)} seeds, {kind} never struck"


def lines(reports: list[dict[str, Any]]) -> Iterator[str]:
    """Write what the reports say together."""
    yield f"seeds run: {len(reports)}"
    for title, name in (
        ("actions", "actions"),
        ("came to a good end", "ended"),
        ("faults injected", "faults"),
        ("errors met", "errors"),
    ):
        total: Counter[str] = Counter()
        for report in reports:
            total.update(report[name])
        kinds = ", ".join(f"{kind} {times}" for kind, times in sorted(total.items()) if times)
        yield f"{title}: {total.total()} ({kinds})"
    yield f"incomplete results said: {sum(report['incomplete'] for report in reports)}"
    yield f"violations: {sum(len(report['violations']) for report in reports)}"
