"""The inbox as a form: what waits for me, told in words, and the panel of the one that is looked at."""

import re
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import ipywidgets as widgets
import pytest
from writes.conftest import submitted

import ledgerkit as lk
from ledgerkit.drafts import Draft
from ledgerkit.forms.approval import ApprovalPanel
from ledgerkit.forms.inbox import InboxForm
from ledgerkit.forms.style import style

AMOUNTS = count(60_000_000)


@pytest.fixture(scope="module")
def session() -> Iterator[lk.Session]:
    with lk.connect("sandbox", writes=True, transactions=250) as session:
        yield session


@pytest.fixture
def draft(session: lk.Session) -> Draft:
    return submitted(session, next(AMOUNTS), note="<i>Invoice</i> 42")


@pytest.fixture
def open_inbox() -> Iterator[Callable[[lk.Session], InboxForm]]:
    """Open inboxes that end with the test."""
    opened: list[InboxForm] = []

    def inbox(session: lk.Session) -> InboxForm:
        opened.append(session.requests.inbox_form())
        return opened[-1].wait()

    yield inbox
    for form in opened:
        form.close()


@pytest.fixture
def inbox(session: lk.Session, request_id: int, open_inbox: Callable[[lk.Session], InboxForm]) -> InboxForm:
    """The inbox of the operator, in which a payment waits."""
    return open_inbox(session)


def look_at(inbox: InboxForm, request_id: int) -> ApprovalPanel:
    inbox.buttons[request_id].click()
    inbox.wait()
    assert inbox.panel is not None
    return inbox.panel


def line(inbox: InboxForm, request_id: int) -> str:
    row = list(inbox.buttons).index(request_id)
    return str(inbox.rows.children[row].children[1].value)


def approve(panel: ApprovalPanel, draft: Draft) -> None:
    panel.statement.fields["amount"].write(f"0.{draft.payload.amount:08d}")
    panel.statement.fields["recipient_end"].write(draft.payload.recipient[-8:])
    panel.compare.click()
    panel.wait()
    panel.phrase.value = f"approve {panel.request_id}"
    panel.sign.click()


def test_what_waits_is_listed_oldest_first_in_words(
    session: lk.Session, inbox: InboxForm, draft: Draft, request_id: int
) -> None:
    assert inbox.frame is not None
    assert list(inbox.buttons) == session.requests.inbox()["id"].tolist()
    assert f"{len(inbox.buttons)} requests wait for your vote" in inbox.count.value
    shown, recipient = line(inbox, request_id), draft.payload.recipient
    assert f"0.{draft.payload.amount}".rstrip("0") + " BTC" in shown
    assert f"title='{draft.payload.amount} base units'" in shown
    assert f"{recipient[:8]}…{recipient[-8:]}" in shown
    assert "0 of 1" in shown
    assert "0 min old" in shown
    assert re.search("expires in [67] d", shown)  # the server tells its time in whole seconds
    assert "&lt;i&gt;Invoice&lt;/i&gt; 42" in shown
    assert "mathjax_ignore" in shown


def test_a_vote_takes_the_request_from_the_list(
    session: lk.Session, inbox: InboxForm, draft: Draft, request_id: int
) -> None:
    panel = look_at(inbox, request_id)
    assert inbox.buttons[request_id].button_style == "info"
    approve(panel, draft)
    inbox.wait()
    assert panel.message.startswith(f"Your approval of request {request_id} is in")
    assert request_id not in inbox.buttons
    assert inbox.panel is panel  # how far it is stays to be read


def test_what_is_looked_at_takes_the_place_of_the_list_until_one_goes_back(inbox: InboxForm, request_id: int) -> None:
    assert re.search(r"Read at \d\d:\d\d", inbox.count.value)
    assert (inbox.rows.layout.display, inbox.back.layout.display) == (None, "none")
    panel = look_at(inbox, request_id)
    assert (inbox.rows.layout.display, inbox.place.layout.display) == ("none", None)
    panel.statement.fields["amount"].write("0.5")
    inbox.back.click()
    assert (inbox.rows.layout.display, inbox.place.layout.display) == (None, "none")
    assert look_at(inbox, request_id).statement.fields["amount"].read() == 50_000_000


def test_another_request_is_looked_at_in_place_of_the_first(inbox: InboxForm, request_id: int) -> None:
    first = look_at(inbox, request_id)
    other = next(iter(inbox.buttons))
    second = look_at(inbox, other)
    assert second.request_id == other
    assert inbox.place.children == (second,)
    assert first.comm is None


def test_the_same_request_is_read_anew_and_keeps_what_was_stated(inbox: InboxForm, request_id: int) -> None:
    panel = look_at(inbox, request_id)
    panel.statement.fields["amount"].write("0.5")
    assert look_at(inbox, request_id) is panel
    assert panel.statement.fields["amount"].read() == 50_000_000


def test_a_vote_that_is_being_posted_is_not_left(inbox: InboxForm, draft: Draft, request_id: int) -> None:
    panel = look_at(inbox, request_id)
    approve(panel, draft)
    assert panel.sending
    inbox.back.click()
    assert inbox.place.layout.display is None
    inbox.buttons[next(iter(inbox.buttons))].click()
    assert inbox.panel is panel
    assert f"Your vote on request {request_id} is being posted" in inbox.message
    inbox.wait()
    assert panel.state == "done"


def test_a_lost_vote_is_not_left_before_it_is_known_whether_it_is_in(
    session: lk.Session, inbox: InboxForm, draft: Draft, request_id: int
) -> None:
    assert session.sandbox is not None
    session.sandbox.faults.drop(answered=True, path=f"/requests/{request_id}/approve", method="POST")
    panel = look_at(inbox, request_id)
    approve(panel, draft)
    inbox.wait()
    session.sandbox.faults.clear()
    assert inbox.unsettled
    for other in list(inbox.buttons):  # its own button as well: what it says of the lost answer stays
        inbox.buttons[other].click()
        inbox.wait()
        assert inbox.panel is panel
        assert f"Whether your vote on request {request_id} is in is not known" in inbox.message
    assert "the answer was lost" in panel.message
    panel.look.click()
    inbox.wait()
    assert panel.message == f"Your vote on request {request_id} is in."
    assert look_at(inbox, next(iter(inbox.buttons))) is not panel


def test_an_empty_inbox_says_why(open_inbox: Callable[[lk.Session], InboxForm]) -> None:
    with lk.connect("sandbox", writes=True, transactions=250) as session:
        assert session.sandbox is not None
        session.sandbox.advance(8 * 86400)  # all that waited has expired
        inbox = open_inbox(session)
        assert "Nothing waits for your vote now" in inbox.count.value
        assert inbox.rows.children == ()
        assert inbox.state == "ready"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"writes": False}, "This session reads only"),
        ({"family": "reporting_key", "writes": True}, "Only an API user approves and rejects"),
        ({"family": "lam", "writes": True}, "Only an API user approves and rejects"),
    ],
)
def test_who_can_not_vote_is_told_and_reads(
    session: lk.Session,
    request_id: int,
    open_inbox: Callable[[lk.Session], InboxForm],
    settings: dict[str, Any],
    said: str,
) -> None:
    with lk.connect("sandbox", join=session, **settings) as reader:
        inbox = open_inbox(reader)
        assert inbox.message.startswith(said)
        assert request_id in inbox.buttons
        panel = look_at(inbox, request_id)
        assert panel.message.startswith(said)
        assert "Amount" in panel.said.value


def test_an_error_is_shown_and_what_was_read_before_stays(
    session: lk.Session, inbox: InboxForm, request_id: int
) -> None:
    assert session.sandbox is not None
    session.sandbox.faults.status(403, path="/requests", method="GET")
    inbox.reload.click()
    inbox.wait()
    session.sandbox.faults.clear()
    assert inbox.state == "failed"
    assert "GET /requests" in inbox.message
    assert request_id in inbox.buttons
    inbox.reload.click()
    inbox.wait()
    assert inbox.state == "ready"


def test_reading_can_be_stopped(inbox: InboxForm, request_id: int) -> None:
    inbox.reload.click()
    assert inbox.state == "running"
    inbox.stop.click()
    assert inbox.state == "stopped"
    assert "Stopped" in inbox.message
    assert request_id in inbox.buttons


def test_without_widgets_the_text_names_what_waits(inbox: InboxForm, request_id: int) -> None:
    assert f"request {request_id}" in inbox.text()


def test_a_closed_inbox_leaves_no_widget_behind(session: lk.Session, request_id: int) -> None:
    style()
    before = set(widgets.widget._instances)
    inbox = session.requests.inbox_form().wait()
    look_at(inbox, request_id)
    inbox.reload.click()
    inbox.wait()
    inbox.close()
    assert set(widgets.widget._instances) == before
