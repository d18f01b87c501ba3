"""The exercise of tutorial 09: to how much the payments of one account add up."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pandas as pd
import pytest
from on_a_day import on_a_day
from serving import Server, page

import ledgerkit as lk
from ledgerkit import exercises


@pytest.fixture(scope="module")
def session() -> Iterator[lk.Session]:
    with lk.connect("sandbox", transactions=300, **on_a_day()) as session:
        yield session


@pytest.fixture(scope="module")
def sent(session: lk.Session) -> list[Fraction]:
    """The amounts, from the texts of ``GET /transactions``."""
    edges = session.raw("GET", "/transactions", params={"account": 45, "type": "SEND", "page_size": 100})["edges"]
    amounts = [Fraction(str(edge["node"]["amount"])) for edge in edges]
    assert any(one.denominator > 1 for one in amounts)  # else the exercise asks for nothing
    return amounts


def test_no_answer_yet(session: lk.Session) -> None:
    assert repr(exercises.archive(session, ...)).startswith("Not answered yet: ")


@pytest.mark.parametrize("shape", ["decimal", "text", "frame"])
def test_the_right_number_in_any_shape(session: lk.Session, sent: list[Fraction], shape: str) -> None:
    number = Decimal(f"{int(sum(sent))}.5")
    answers = {"decimal": number, "text": str(number), "frame": pd.DataFrame({"sum(amount)": [number]})}
    assert exercises.archive(session, answers[shape]).solved is True


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        pytest.param(lambda sent: int(sum(one for one in sent if one.denominator == 1)), "left out", id="left out"),
        pytest.param(lambda sent: int(sum(sent)) + 1, "rounded", id="rounded"),
        pytest.param(lambda sent: int(sum(sent)), "rounded", id="cut"),
        pytest.param(lambda sent: 7, "another number", id="another"),
        pytest.param(lambda sent: "many", "no number such as", id="none"),
    ],
)
def test_a_wrong_answer_gets_a_hint_that_does_not_give_it_away(
    session: lk.Session, sent: list[Fraction], wrong: Callable[[list[Fraction]], Any], hint: str
) -> None:
    verdict = exercises.archive(session, wrong(sent))
    assert verdict.solved is False
    assert hint in verdict.text
    assert str(int(sum(sent))) not in verdict.text


def test_what_came_in_and_what_is_confirmed_are_told(session: lk.Session) -> None:
    own = session.raw("GET", "/transactions", params={"account": 45, "page_size": 100})["edges"]
    everything = sum(Fraction(str(edge["node"]["amount"])) for edge in own)
    assert "what came in" in exercises.archive(session, f"{float(everything):.1f}").text
    confirmed = sum(
        int(edge["node"]["amount"])
        for edge in own
        if (edge["node"]["type"], edge["node"]["status"]) == ("SEND", "CONFIRMED")
    )
    assert "confirmed ones" in exercises.archive(session, confirmed).text


def test_a_workspace_without_the_account_is_told(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session]
) -> None:
    verdict = exercises.archive(connect_to(serve(lambda seen: page([]))), 5)
    assert verdict.solved is False
    assert "made for the embedded sandbox" in verdict.text
