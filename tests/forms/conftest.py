"""What most forms are tried on: a sandbox of one module, only read unless the module opens another session."""

from collections.abc import Iterator

import pytest
from on_a_day import on_a_day
from writes.conftest import recipient as recipient
from writes.conftest import request_id as request_id

import ledgerkit as lk
from ledgerkit.forms.workspace import Workspace


@pytest.fixture(scope="module")
def session() -> Iterator[lk.Session]:
    """A session that only reads."""
    with lk.connect("sandbox", **on_a_day()) as session:
        yield session


@pytest.fixture(scope="module")
def workspace(session: lk.Session) -> Workspace:
    """The workspace of the session."""
    return Workspace(session.accounts._connection)
