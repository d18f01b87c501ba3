"""A service in memory, and a place for the journal of a plan."""

from pathlib import Path

import pytest
from paying import Service


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plan.jsonl"
