"""What the tests of the network share."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from network.authorities_made import Authority
from network.in_between import Talk, Talking


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority that no machine trusts by itself."""
    return Authority(tmp_path / "authority")


@pytest.fixture
def talking() -> Iterator[Callable[..., Talking]]:
    """Start servers that say what they like, and that end with the test."""
    with ExitStack() as stack:

        def start(talk: Talk, **settings: Any) -> Talking:
            return stack.enter_context(Talking(talk, **settings))

        yield start
