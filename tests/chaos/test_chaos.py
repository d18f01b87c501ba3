"""One suite, many seeds: whatever goes wrong, nothing is lost, nothing is doubled, and nothing is left behind.

``make chaos SEEDS=2000`` runs many. What goes wrong follows from the seed; how the threads take turns does not, so
that a seed that failed may have to be run some times until it fails again.
"""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chaos.run import run
from chaos.storm import Storm, storm_of

FEW = 12


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        first, seeds = metafunc.config.getoption("first"), metafunc.config.getoption("seeds") or FEW
        metafunc.parametrize("seed", range(first, first + seeds), ids=lambda seed: f"seed-{seed}")


def test_in_good_weather_every_question_is_answered_and_no_call_ends_in_an_error(tmp_path: Path) -> None:
    report = run(Storm(0, {"transactions": 80, "page_size_maximum": 20}, ()), tmp_path)
    assert report.violations == []
    assert sum(report.errors.values()) == 0
    assert report.ended == report.actions


def test_nothing_is_lost_doubled_or_left_behind_whatever_goes_wrong(
    seed: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    report = run(storm_of(seed), tmp_path)
    record_property("chaos", report.to_json())
    alone = f".venv/bin/python -m pytest tests/chaos/test_chaos.py --seeds 1 --first {seed}"
    assert not report.violations, "\n".join([*report.violations, "", *report.told, "", f"This seed alone: {alone}"])


@pytest.mark.parametrize("asked", [{"--seeds": 0}, {"--seeds": -1}, {"--minutes": 0.0}, {"--minutes": float("nan")}])
def test_no_run_is_green_that_was_asked_to_look_at_nothing(
    pytestconfig: pytest.Config, asked: dict[str, Any]
) -> None:
    options = SimpleNamespace(getoption=lambda name: asked.get(name))
    conftest = pytestconfig.pluginmanager.getplugin(str(Path(__file__).parents[1] / "conftest.py"))
    with pytest.raises(pytest.UsageError, match="nothing would be looked at"):
        conftest.pytest_configure(options)
