"""The exercise of tutorial 02: a payment of 0.2 BTC to the second whitelisted address, through all its approvals."""

from collections.abc import Iterator

import numpy as np
import pytest
from on_a_day import on_a_day

import ledgerkit as lk
from ledgerkit import exercises
from ledgerkit.drafts import Draft


@pytest.fixture
def session() -> Iterator[lk.Session]:
    with lk.connect("sandbox", writes=True, transactions=300, **on_a_day()) as session:
        yield session


def listed(session: lk.Session) -> list[str]:
    book = session.raw("GET", "/whitelists/1")["addresses"]
    return [str(one["address"]) for one in book if one["currency"] == "bitcoin"]


def number_of(draft: Draft) -> int:
    assert draft.request_id is not None
    return draft.request_id


def submitted(session: lk.Session, amount: str = "0.2 BTC", *, row: int = 1) -> Draft:
    draft = session.transactions.send("BTC Treasury 1", listed(session)[row], amount)
    draft.submit()
    return draft


def approved(session: lk.Session, draft: Draft) -> int:
    number = number_of(draft)
    session.requests.approve(number, intent=draft, confirm=f"approve {number}")
    return number


def completed(session: lk.Session, draft: Draft) -> int:
    assert session.sandbox is not None
    number = approved(session, draft)
    session.sandbox.colleagues.approve(number, count=2)
    return number


def test_no_answer_yet(session: lk.Session) -> None:
    verdict = exercises.operator(session, ...)
    assert verdict.solved is None
    assert listed(session)[1] not in verdict.text


def test_step_by_step_to_the_end(session: lk.Session) -> None:
    assert session.sandbox is not None
    draft = submitted(session)
    number = number_of(draft)
    assert "waits for its creator" in exercises.operator(session, number).text
    approved(session, draft)
    assert "Now it waits for colleagues" in exercises.operator(session, number).text
    session.sandbox.colleagues.approve(number)
    assert exercises.operator(session, number).solved is False
    session.sandbox.colleagues.approve(number)
    for answer in (number, str(number), np.int64(number), session.requests.get(number)):
        assert exercises.operator(session, answer).solved is True


def test_another_address_is_not_the_second(session: lk.Session) -> None:
    verdict = exercises.operator(session, completed(session, submitted(session, row=0)))
    assert verdict.solved is False
    assert "does not pay the second address" in verdict.text
    assert listed(session)[1] not in verdict.text


def test_another_amount_is_named(session: lk.Session) -> None:
    verdict = exercises.operator(session, completed(session, submitted(session, "0.02 BTC")))
    assert verdict.solved is False
    assert "it pays 0.02000000 BTC, and 0.2 BTC is asked for" in verdict.text


def test_another_account_is_not_the_one(session: lk.Session) -> None:
    mine = session.requests.search(type="CREATE_TRANSACTION", created_by=int(session.me()["id"].iloc[0]))
    payments = session.transactions.get(mine["target_id"].tolist())
    other = payments.loc[payments["account_id"] != 1, "last_request"].iloc[0]
    verdict = exercises.operator(session, other)
    assert verdict.solved is False
    assert "from another account" in verdict.text


def test_what_was_rejected_is_over(session: lk.Session) -> None:
    number = number_of(submitted(session))
    session.requests.reject(number, confirm=f"reject {number} assumed")
    assert f"request {number} is REJECTED, which is final" in exercises.operator(session, number).text


def test_a_payment_of_somebody_else_does_not_count(session: lk.Session) -> None:
    payments = session.requests.search(type="CREATE_TRANSACTION")
    others = payments[payments["created_by"] != session.me()["id"].iloc[0]]
    assert "of another user" in exercises.operator(session, others["id"].iloc[0]).text


def test_a_request_of_another_kind_does_not_count(session: lk.Session) -> None:
    entity = session.requests.search(type="CREATE_ENTITY", limit=1)
    assert "is a CREATE_ENTITY, no payment" in exercises.operator(session, entity).text


@pytest.mark.parametrize(
    ("answer", "hint"),
    [(999_999, "no request 999999 that you may see"), ("BTC", "an id is asked for"), (0.2, "an id is asked for")],
)
def test_what_is_no_request_is_told(session: lk.Session, answer: object, hint: str) -> None:
    verdict = exercises.operator(session, answer)
    assert verdict.solved is False
    assert hint in verdict.text


def test_a_reporting_key_is_no_operator(session: lk.Session) -> None:
    number = completed(session, submitted(session))
    with lk.connect("sandbox", join=session, family="reporting_key") as reader:
        verdict = exercises.operator(reader, number)
    assert verdict.solved is False
    assert "for an API user" in verdict.text
