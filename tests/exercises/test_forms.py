"""The exercise of tutorial 08: a search that finds all of something, and nothing else."""

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from on_a_day import on_a_day

import ledgerkit as lk
from ledgerkit import exercises

MEANT: dict[str, Any] = {"account": 1, "type": "SEND", "status": "CONFIRMED"}


@pytest.fixture(scope="module")
def session() -> Iterator[lk.Session]:
    with lk.connect("sandbox", **on_a_day()) as session:
        yield session


def test_no_answer_yet(session: lk.Session) -> None:
    assert exercises.forms(session, ...).solved is None


def test_the_form_its_frame_and_its_line_of_code_find_the_same(session: lk.Session) -> None:
    form = session.transactions.form()
    assert "has found nothing yet" in exercises.forms(session, form).text
    for name, value in {**MEANT, "account": [1], "status": ["CONFIRMED"]}.items():
        form.fields[name].write(value)
    form.run()
    form.wait()
    assert exercises.forms(session, form).solved is True
    assert exercises.forms(session, form.frame).solved is True
    assert exercises.forms(session, session.transactions.search(**MEANT)[["id"]]).solved is True


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({**MEANT, "account": 2}, "of its rows are of other accounts"),
        ({**MEANT, "type": None}, "not of the type SEND."),
        ({**MEANT, "status": None}, "not CONFIRMED."),
        ({**MEANT, "limit": 3}, "are missing: is another filter set, or a limit?"),
        ({**MEANT, "title": "no such note"}, "are missing"),
    ],
    ids=lambda one: str(one),
)
def test_another_search_gets_a_hint(session: lk.Session, given: dict[str, Any], hint: str) -> None:
    verdict = exercises.forms(session, session.transactions.search(**given))
    assert verdict.solved is False
    assert hint in verdict.text


def test_rows_that_stand_there_twice_do_not_count(session: lk.Session) -> None:
    found = session.transactions.search(**MEANT)
    assert "twice" in exercises.forms(session, pd.concat([found, found.head(1)])).text


@pytest.mark.parametrize("answer", [66, "66", None, pd.DataFrame({"number": [1]}), pd.Series([1])], ids=repr)
def test_what_is_no_frame_of_transactions_is_told(session: lk.Session, answer: Any) -> None:
    verdict = exercises.forms(session, answer)
    assert verdict.solved is False
