"""The exercise of tutorial 05: the request of a payment whose answer was lost, without sending it again."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from on_a_day import on_a_day

import ledgerkit as lk
from exercises.notebooks import verdict_with
from ledgerkit import exercises
from ledgerkit.drafts import Draft

SOLUTION = "answer = second_payment.find().request_id"
NOTE = "Exercise 05"


@pytest.fixture
def session() -> Iterator[lk.Session]:
    with lk.connect("sandbox", writes=True, transactions=300, **on_a_day()) as session:
        yield session


def drafted(session: lk.Session, amount: str = "0.05 BTC", note: str = NOTE, **more: Any) -> Draft:
    book = session.raw("GET", "/whitelists/1")["addresses"]
    recipient = next(str(one["address"]) for one in book if one["currency"] == "bitcoin")
    return session.transactions.send("BTC Treasury 1", recipient, amount, note=note, **more)


def lost(session: lk.Session, **more: Any) -> Draft:
    """Send a payment whose answer is lost after it was carried out."""
    assert session.sandbox is not None
    draft = drafted(session, **more)
    session.sandbox.faults.drop(path="/requests", method="POST", times=1, answered=True)
    with pytest.raises(lk.OutcomeUnknown):
        draft.submit()
    return draft


def newest(session: lk.Session) -> dict[str, Any]:
    """The request that was made last, as the service lists it."""
    node: dict[str, Any] = session.raw("GET", "/requests", params={"page_size": 1})["edges"][0]["node"]
    return node


def test_no_answer_yet(session: lk.Session) -> None:
    lost(session)
    verdict = exercises.rate_limits(session, ...)
    assert verdict.solved is None
    assert str(newest(session)["id"]) not in verdict.text


def test_what_find_finds_is_the_answer(session: lk.Session) -> None:
    assert exercises.rate_limits(session, lost(session).find().request_id).solved is True


@pytest.mark.parametrize(
    "shape", [int, str, np.int64, lambda one: pd.DataFrame({"id": [one], "status": ["?"]}), lambda one: [one]]
)
def test_the_right_id_in_any_shape(session: lk.Session, shape: Callable[[int], Any]) -> None:
    lost(session)
    assert exercises.rate_limits(session, shape(newest(session)["id"])).solved is True


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda request: request["target_id"], "the id of the transaction"),
        (lambda request: request["id"] + 1000, "there is no request"),
        (lambda request: "the last one", "an id is asked for"),
        (lambda request: None, "an id is asked for"),
        (lambda request: float(request["id"]), "an id is asked for"),
    ],
)
def test_a_wrong_answer_gets_a_hint_that_does_not_give_it_away(
    session: lk.Session, wrong: Callable[[dict[str, Any]], Any], hint: str
) -> None:
    lost(session)
    request = newest(session)
    verdict = exercises.rate_limits(session, wrong(request))
    assert verdict.solved is False
    assert hint in verdict.text
    if not isinstance(wrong(request), float):  # which is shown as it was given
        assert f" {request['id']} " not in verdict.text


def test_another_payment_and_another_kind_of_request_are_told_apart(session: lk.Session) -> None:
    other = drafted(session, "0.06 BTC", "Exercise 05 of somebody else")
    other.submit()
    lost(session)
    assert "is another payment" in exercises.rate_limits(session, other.request_id).text
    group = session.requests.search(type="EDIT_GROUP", limit=1)
    assert "is a EDIT_GROUP, no payment" in exercises.rate_limits(session, group).text


def test_before_the_payment_was_sent_there_is_nothing_to_find(session: lk.Session) -> None:
    assert "run the cell that sends it" in exercises.rate_limits(session, newest(session)["id"]).text


def test_a_payment_that_was_sent_again_is_no_solution(session: lk.Session) -> None:
    first = lost(session).find().request_id
    lost(session, again=True)
    for answer in (first, newest(session)["id"]):
        verdict = exercises.rate_limits(session, answer)
        assert verdict.solved is False
        assert "2 payments have the note" in verdict.text


def test_the_tutorial_is_solved_with_what_it_taught() -> None:
    assert verdict_with("05_rate_limits_and_paging.ipynb", SOLUTION).startswith("Solved: ")
