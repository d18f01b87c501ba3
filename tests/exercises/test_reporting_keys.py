"""The exercise of tutorial 04: how many transactions a key that is tied to an entity does not show."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from on_a_day import on_a_day
from serving import Reply, Seen, Server, page, signed_in

import ledgerkit as lk
from exercises.notebooks import verdict_with
from ledgerkit import exercises

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]

SOLUTION = "answer = len(session.transactions.search()) - len(alpha.transactions.search())"
OPERATOR = lk.ApiUser("acme", "key-id", "canary-key-secret")


@pytest.fixture(scope="module")
def session() -> Iterator[lk.Session]:
    with lk.connect("sandbox", transactions=300, **on_a_day()) as session:
        yield session


@pytest.fixture(scope="module")
def counts(session: lk.Session) -> tuple[int, int]:
    """All transactions, and those that the key of Fund Alpha itself shows."""
    assert session.sandbox is not None
    assert session.workspace is not None
    key = next(one.key for one in session.sandbox.credentials.reporting_keys if one.entities)
    with lk.Session(lk.ReportingKey(session.workspace, key), base_url=session.base_url) as alpha:
        return len(session.transactions.search()), len(alpha.transactions.search())


def test_no_answer_yet(session: lk.Session) -> None:
    verdict = exercises.reporting_keys(session, ...)
    assert verdict.solved is None
    assert "Fund Alpha" in verdict.text


@pytest.mark.parametrize("shape", [int, str, Decimal, float, np.int64, lambda one: pd.Series([one])])
def test_the_right_number_in_any_shape(
    session: lk.Session, counts: tuple[int, int], shape: Callable[[int], Any]
) -> None:
    everything, shown = counts
    assert 0 < shown < everything
    assert exercises.reporting_keys(session, shape(everything - shown)).solved is True


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda everything, shown: shown, "what the key shows"),
        (lambda everything, shown: everything, "all transactions"),
        (lambda everything, shown: shown - everything, "the larger one"),
        (lambda everything, shown: everything - shown + 1, "another number"),
        (lambda everything, shown: "all of them", "no number such as"),
        (lambda everything, shown: None, "a number is asked for"),
        (lambda everything, shown: True, "a number is asked for"),
        (lambda everything, shown: pd.DataFrame({"id": [1, 2]}), "2 values where one is asked for"),
    ],
)
def test_a_wrong_answer_gets_a_hint_that_does_not_give_it_away(
    session: lk.Session, counts: tuple[int, int], wrong: Callable[[int, int], Any], hint: str
) -> None:
    everything, shown = counts
    verdict = exercises.reporting_keys(session, wrong(everything, shown))
    assert verdict.solved is False
    assert hint in verdict.text
    assert str(everything - shown) not in verdict.text


def test_a_key_that_is_itself_narrowed_can_check_nothing(session: lk.Session) -> None:
    with lk.connect("sandbox", join=session, family="reporting_key") as key:
        verdict = exercises.reporting_keys(key, 1)
    assert verdict.solved is False
    assert "that of the API user" in verdict.text


def entities(*accounts: int) -> Reply:
    return page([{"id": 1, "name": "Fund Alpha", "accounts": list(accounts)}])


def service(own: Reply) -> Callable[[Seen], Any]:
    """Serve the entities, and nine transactions of which four are of the accounts 5 and 6."""

    def answer(seen: Seen) -> Reply:
        if seen.path == "/entities":
            return own
        narrowed = seen.query.get("account")
        assert narrowed in (None, ["5", "6"])
        return page([], count=9 if narrowed is None else 4)

    return signed_in(answer)


def test_the_accounts_of_the_entity_at_this_moment_count(serve: Serve, connect_to: Connect) -> None:
    session = connect_to(serve(service(entities(5, 6))), OPERATOR)
    assert exercises.reporting_keys(session, 5).solved is True
    assert exercises.reporting_keys(session, 4).solved is False


@pytest.mark.parametrize("own", [page([]), entities()], ids=["no such entity", "an entity without accounts"])
def test_a_workspace_without_the_entity_is_told(serve: Serve, connect_to: Connect, own: Reply) -> None:
    # Without accounts the filter would be none, and every number wrong.
    verdict = exercises.reporting_keys(connect_to(serve(service(own)), OPERATOR), 0)
    assert verdict.solved is False
    assert "no entity Fund Alpha with accounts" in verdict.text


def test_the_tutorial_is_solved_with_what_it_taught() -> None:
    assert verdict_with("04_reporting_keys.ipynb", SOLUTION).startswith("Solved: ")
