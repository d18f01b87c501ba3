"""The exercise of tutorial 03: an account of litecoin that is ACTIVE."""

from collections.abc import Iterator

import pytest
from on_a_day import on_a_day

import ledgerkit as lk
from ledgerkit import exercises
from ledgerkit.drafts import Draft

NAME = "LTC Tutorial"


@pytest.fixture
def session() -> Iterator[lk.Session]:
    with lk.connect("sandbox", role="ADMIN", writes=True, transactions=300, **on_a_day()) as session:
        yield session


def submitted(session: lk.Session, name: str = NAME, currency: str = "litecoin") -> tuple[Draft, int]:
    free = session.accounts.search(currency=currency)["index"].max() + 1
    draft = session.accounts.create(name, currency, "BITCOIN_LIKE", "Everyday", index=free)
    return draft, int(draft.submit()["target_id"].iloc[0])


def test_no_answer_yet(session: lk.Session) -> None:
    assert exercises.administrator(session, ...).solved is None


def test_step_by_step_to_the_end(session: lk.Session) -> None:
    assert session.sandbox is not None
    draft, account = submitted(session)
    assert draft.request_id is not None
    assert "waits for your approval first" in exercises.administrator(session, account).text
    session.requests.approve(draft.request_id, draft, confirm=f"approve {draft.request_id} assumed")
    assert "Now it waits for colleagues" in exercises.administrator(session, account).text
    session.sandbox.colleagues.approve(draft.request_id)
    assert "give it a moment" in exercises.administrator(session, account).text
    session.sandbox.advance(60)
    for answer in (account, str(account), session.accounts.search(name=NAME), session.accounts.get(account)["id"]):
        assert exercises.administrator(session, answer).solved is True


def test_a_rejected_account_is_over(session: lk.Session) -> None:
    draft, account = submitted(session)
    assert draft.request_id is not None
    session.requests.reject(draft.request_id, confirm=f"reject {draft.request_id} assumed")
    verdict = exercises.administrator(session, account)
    assert verdict.solved is False
    assert "no request is open" in verdict.text


@pytest.mark.parametrize(
    ("name", "currency", "hint"),
    [("LTC tutorial", "litecoin", "has another name"), (NAME, "bitcoin", "is in bitcoin")],
)
def test_another_account_is_not_the_one(session: lk.Session, name: str, currency: str, hint: str) -> None:
    verdict = exercises.administrator(session, submitted(session, name, currency)[1])
    assert verdict.solved is False
    assert hint in verdict.text


def test_an_account_that_was_there_before_is_not_the_one(session: lk.Session) -> None:
    before = session.accounts.search(currency="litecoin", limit=1)
    assert exercises.administrator(session, before).solved is False


@pytest.mark.parametrize(("answer", "hint"), [(999_999, "no account 999999"), (NAME, "an id is asked for")])
def test_what_is_no_account_is_told(session: lk.Session, answer: object, hint: str) -> None:
    assert hint in exercises.administrator(session, answer).text
