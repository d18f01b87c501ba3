"""A session on a sandbox of its own, shared by the tests that only read; and small workspaces made by hand."""

from collections.abc import Callable, Iterator

import pytest
from on_a_day import on_a_day
from serving import Server

import ledgerkit as lk
from tracing.small import Small


@pytest.fixture(scope="module")
def session() -> Iterator[lk.Session]:
    with lk.connect("sandbox", **on_a_day()) as session:
        yield session


@pytest.fixture
def small(serve: Callable[..., Server], connect_to: Callable[..., lk.Session]) -> Callable[[Small], lk.Session]:
    """Open a session on a workspace that a test made by hand."""
    return lambda workspace: connect_to(serve(workspace.answer))
