"""A cell that is run again closes what it showed before, but nothing that alone knows what became of a write."""

import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from writes.conftest import BITCOIN_ACCOUNT, listed_address

import ledgerkit as lk
from ledgerkit.forms import cells
from ledgerkit.forms.approval import ApprovalPanel
from ledgerkit.forms.inbox import InboxForm

Run = Callable[[str], None]


@pytest.fixture
def run_cell(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Say which run of the cell this is."""
    monkeypatch.setattr(cells, "_SHOWN", {})
    return lambda run: monkeypatch.setattr(cells, "_cell", lambda: ("cell", run))


@pytest.fixture(scope="module")
def session() -> Iterator[lk.Session]:
    with lk.connect("sandbox", writes=True, transactions=250) as session:
        yield session


class Shown:
    """What stands for a form: it is there until it is closed."""

    def __init__(self, *, unsettled: bool) -> None:
        self.unsettled = unsettled
        self.comm: Any = object()

    def close(self) -> None:
        self.comm = None


def test_a_form_that_is_unsettled_stays_until_it_is_settled(run_cell: Run) -> None:
    lost: Any = Shown(unsettled=True)
    run_cell("1")
    cells.replace(lost, "payment")
    run_cell("2")
    second: Any = Shown(unsettled=False)
    cells.replace(second, "payment")
    assert lost.comm is not None
    lost.unsettled = False
    run_cell("3")
    third: Any = Shown(unsettled=False)
    cells.replace(third, "payment")
    assert [one.comm is None for one in (lost, second, third)] == [True, True, False]


def test_a_form_that_was_closed_is_not_kept(run_cell: Run) -> None:
    run_cell("1")
    form: Any = Shown(unsettled=False)
    kept = weakref.ref(form)
    cells.replace(form, "search")
    del form
    assert kept() is None


def test_an_inbox_with_a_lost_vote_stays(session: lk.Session, run_cell: Run) -> None:
    assert session.sandbox is not None
    draft = session.transactions.send(BITCOIN_ACCOUNT, listed_address(session, "bitcoin"), 12_345_678)
    draft.submit()
    assert draft.request_id is not None
    run_cell("1")
    inbox: InboxForm = session.requests.inbox_form().wait()
    cells.replace(inbox, "inbox")
    inbox.look_at(draft.request_id)
    panel = inbox.wait().panel
    assert isinstance(panel, ApprovalPanel)
    assert (inbox.sending, inbox.unsettled) == (False, False)
    panel.statement.fields["amount"].write("12345678 sat")
    panel.statement.fields["recipient"].write(draft.payload.recipient)
    panel.compare.click()
    panel.wait()
    session.sandbox.faults.drop(answered=True, path=f"/requests/{draft.request_id}/approve", method="POST")
    panel.phrase.value = f"approve {draft.request_id}"
    panel.sign.click()
    assert (inbox.sending, inbox.unsettled) == (True, True)
    panel.wait()
    session.sandbox.faults.clear()
    assert (inbox.sending, inbox.unsettled) == (False, True)
    run_cell("2")
    second: InboxForm = session.requests.inbox_form().wait()
    cells.replace(second, "inbox")
    assert inbox.comm is not None
    panel.look.click()
    inbox.wait()
    assert not inbox.unsettled
    run_cell("3")
    third: InboxForm = session.requests.inbox_form().wait()
    cells.replace(third, "inbox")
    assert inbox.comm is None
    third.close()
