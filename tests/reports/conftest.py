"""A session on a sandbox of its own, shared by the tests that only read."""

from collections.abc import Iterator

import pytest

import ledgerkit as lk


@pytest.fixture(scope="module")
def session() -> Iterator[lk.Session]:
    with lk.connect("sandbox") as session:
        yield session
