"""What the storms have found, each made by hand."""

from collections.abc import Iterator

import pytest

import ledgerkit as lk
from chaos.actors import ACCOUNT, payee_of
from chaos.clock import SwiftClock
from ledgerkit.sandbox import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(transactions=40, clock=SwiftClock().time) as sandbox:
        yield sandbox


@pytest.fixture
def session(sandbox: Sandbox) -> Iterator[lk.Session]:
    user = sandbox.credentials.api_users[0]
    credentials = lk.ApiUser(sandbox.world.workspace, user.key_id, user.key_secret)
    with lk.Session(credentials, base_url=sandbox.url, writes=True, clock=SwiftClock()) as session:
        yield session


def test_a_payment_is_found_though_the_clock_of_the_service_was_set_back_before_it_was_sent(
    sandbox: Sandbox, session: lk.Session
) -> None:
    # "not found" was said of a payment that was made, dated before its draft; the next one would have been a second.
    draft = session.transactions.send(ACCOUNT, payee_of(sandbox), 50_001, note="Invoice")
    sandbox.faults.shift_clock(-300)
    sandbox.faults.drop(method="POST", path="/requests", answered=True, times=1)
    with pytest.raises(lk.OutcomeUnknown) as raised:
        draft.submit()
    assert raised.value.find().state == "found"
    assert draft.request_id == sandbox.world.transactions[-1]["last_request"]
