"""A session on a sandbox of its own, shared by the tests that only read."""

from collections.abc import Iterator

import pytest
from on_a_day import on_a_day

import ledgerkit as lk


@pytest.fixture(scope="module")
def session() -> Iterator[lk.Session]:
    with lk.connect("sandbox", **on_a_day()) as session:
        yield session
