"""After a lost answer there is one way out; and a review does not call what nobody stated as meant."""

from collections.abc import Callable
from typing import Any

import pytest

import ledgerkit as lk
from ledgerkit.drafts import Draft
from writes.conftest import BITCOIN_ACCOUNT, HurriedClock, listed_address, open_session


@pytest.fixture
def lost(start: Callable[..., lk.Session]) -> Any:
    """A draft whose request never arrived, and the error that said so."""
    server = start().sandbox
    assert server is not None
    with open_session(server, clock=HurriedClock()) as session:
        draft = session.transactions.send(BITCOIN_ACCOUNT, listed_address(session, "bitcoin"), "0.5 BTC")
        server.faults.drop(path="/requests", method="POST")
        with pytest.raises(lk.OutcomeUnknown) as error:
            draft.submit()
        server.faults.clear()
        yield session, draft, error.value


def test_a_lost_answer_is_looked_for_and_then_sent_by_a_new_draft(lost: tuple[lk.Session, Draft, Any]) -> None:
    session, draft, error = lost
    assert str(error).endswith("To look: find() of this error.")
    with pytest.raises(lk.InvalidRequest, match=r"draft\.find\(\) looks for it\. Nothing was sent\.$"):
        draft.submit()
    assert draft.find().state == "not found"
    way = r"make a new draft and submit\(again=True\)"
    with pytest.raises(lk.InvalidRequest, match=way):
        draft.submit()
    assert "make a new draft and submit(again=True)" in repr(draft)
    anew = session.transactions.send(BITCOIN_ACCOUNT, listed_address(session, "bitcoin"), "0.5 BTC")
    with pytest.raises(lk.InvalidRequest, match=r"If a second one is meant: draft\.submit\(again=True\)"):
        anew.submit()
    anew.submit(again=True)
    assert anew.state == "sent"


def test_an_error_without_a_finder_names_none() -> None:
    assert "find()" not in str(lk.OutcomeUnknown("the answer was lost"))


def test_what_nobody_stated_is_not_said_to_be_as_meant(session: lk.Session, recipient: str) -> None:
    draft = session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.5 BTC")
    request_id = int(draft.submit()["id"].iloc[0])
    of_draft = session.requests.review(request_id, intent=draft)
    assert repr(of_draft).startswith("All 7 signed fields are as meant; ")
    assert "--jp-success-color1" in of_draft._repr_html_()
    stated = session.requests.review(request_id, amount=50_000_000, recipient_end=recipient[-8:])
    assert repr(stated).startswith("2 fields are as you stated; 4 were not stated: ")
    assert "Account, " in repr(stated).splitlines()[0]
    assert "--jp-warn-color1" in stated._repr_html_()
    assert "--jp-success-color1" not in stated._repr_html_()


def test_what_the_service_says_of_itself_is_not_shown_in_green(session: lk.Session, recipient: str) -> None:
    request_id = int(session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.5 BTC").submit()["id"].iloc[0])
    assert "--jp-success-color1" not in session.requests.review(request_id)._repr_html_()
