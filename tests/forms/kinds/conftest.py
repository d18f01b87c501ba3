"""Sessions and forms of the other kinds."""

from collections.abc import Callable, Iterator

import pytest
from on_a_day import on_a_day

import ledgerkit as lk
from ledgerkit.forms.kinds import RequestForm


@pytest.fixture(scope="module")
def session() -> Iterator[lk.Session]:
    with lk.connect("sandbox", writes=True, transactions=60, **on_a_day()) as one:
        assert one.sandbox is not None
        # The rules of all accounts leave the calls of contracts to the trading desk: the caller joins it.
        groups = one.sandbox._build().collections["groups"]
        desk = groups.find(4)
        assert desk is not None
        groups.replace({**desk, "members": [*desk["members"], int(one.me()["id"].iloc[0])]})
        yield one


@pytest.fixture(scope="module")
def gateway() -> Iterator[lk.Session]:
    with lk.connect("sandbox", family="lam", writes=True, transactions=60, **on_a_day()) as one:
        yield one


@pytest.fixture(scope="module")
def administrator(session: lk.Session) -> Iterator[lk.Session]:
    with lk.connect("sandbox", join=session, role="ADMIN", writes=True) as one:
        yield one


@pytest.fixture
def opened() -> Iterator[Callable[..., RequestForm]]:
    """Open forms that end with the test."""
    made: list[RequestForm] = []

    def on(session: lk.Session, kind: str | None = None) -> RequestForm:
        made.append(session.requests.new_form(kind).wait())
        return made[-1]

    yield on
    for one in made:
        one.close()
