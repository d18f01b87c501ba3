"""The exercise of tutorial 07: what an event points to, read through the API."""

from collections.abc import Callable, Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient
from on_a_day import on_a_day
from serving import Reply, Server

import ledgerkit as lk
from exercises.notebooks import NOTEBOOKS, verdict_with
from ledgerkit import exercises

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]

SOLUTION = """
event = events[events["event_type"] == "NEW_TRANSACTION_HAS_BEEN_BROADCASTED"].iloc[0]
answer = session.transactions.get(int(event["id"]))["tx_hash"]
"""
EVENT = "NEW_TRANSACTION_HAS_BEEN_BROADCASTED"


def started(session: lk.Session, url: str) -> None:
    """Let events go to an address, and tell of the broadcast of the newest confirmed transaction."""
    assert session.sandbox is not None
    session.notifications.set(url, token_hex(16))
    session.sandbox.webhooks.announce(EVENT, "TRANSACTION", confirmed(session)["id"], None)
    session.sandbox.deliver_webhooks()


def confirmed(session: lk.Session, place: int = 0) -> dict[str, Any]:
    asked = {"status": "CONFIRMED", "type": "SEND", "page_size": 5}
    edges = session.raw("GET", "/transactions", params=asked)["edges"]
    node: dict[str, Any] = edges[place]["node"]
    return node


@pytest.fixture
def session() -> Iterator[lk.Session]:
    with lk.connect("sandbox", writes=True, transactions=300, **on_a_day()) as session:
        yield session


@pytest.fixture
def told(session: lk.Session, serve: Serve) -> lk.Session:
    """A session whose receiver was told of a broadcast."""
    started(session, serve(lambda seen: Reply(status=204)).url)
    return session


def test_no_answer_yet(told: lk.Session) -> None:
    verdict = exercises.webhooks(told, ...)
    assert verdict.solved is None
    assert confirmed(told)["tx_hash"] not in verdict.text


@pytest.mark.parametrize(
    "shape",
    [
        str,
        str.upper,
        lambda text: f" {text}\n",
        lambda text: pd.Series([text]),
        lambda text: pd.DataFrame({"id": [1], "tx_hash": [text]}),
    ],
    ids=["text", "capitals", "blanks around", "column", "frame"],
)
def test_the_right_hash_in_any_shape(told: lk.Session, shape: Callable[[str], Any]) -> None:
    assert exercises.webhooks(told, shape(confirmed(told)["tx_hash"])).solved is True


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda told: confirmed(told)["id"], "an id that the event points to"),
        (lambda told: str(confirmed(told)["id"]), "an id that the event points to"),
        (lambda told: 1, "1 is an id, and a hash is asked for"),
        (lambda told: confirmed(told, 1)["tx_hash"], "another text"),
        (lambda told: "", "another text"),
        (lambda told: True, "this is a bool"),
        (lambda told: 1.5, "this is a float"),
        (lambda told: None, "this is a NoneType"),
        (lambda told: pd.DataFrame({"id": [1], "status": ["CONFIRMED"]}), "a column `tx_hash`"),
        (lambda told: [], "0 values"),
    ],
)
def test_a_wrong_answer_gets_a_hint_that_does_not_give_it_away(
    told: lk.Session, wrong: Callable[[lk.Session], Any], hint: str
) -> None:
    verdict = exercises.webhooks(told, wrong(told))
    assert verdict.solved is False
    assert hint in verdict.text
    assert confirmed(told)["tx_hash"] not in verdict.text


def test_without_an_event_there_is_nothing_to_answer(session: lk.Session) -> None:
    assert "run the cells above" in exercises.webhooks(session, confirmed(session)["tx_hash"]).text


def test_an_event_that_did_not_arrive_tells_nobody(session: lk.Session, serve: Serve) -> None:
    started(session, serve(lambda seen: Reply(status=500)).url)
    assert "waits to be delivered" in exercises.webhooks(session, confirmed(session)["tx_hash"]).text


def test_events_of_others_do_not_count(session: lk.Session, serve: Serve) -> None:
    with lk.connect("sandbox", join=session, role="ADMIN", writes=True) as administrator:
        started(administrator, serve(lambda seen: Reply(status=204)).url)
    assert exercises.webhooks(session, confirmed(session)["tx_hash"]).solved is False


def test_another_workspace_than_the_sandbox_delivers_where_nobody_looks(serve: Serve, connect_to: Connect) -> None:
    verdict = exercises.webhooks(connect_to(serve(lambda seen: Reply({}))), "a hash")
    assert verdict.solved is False
    assert "the embedded sandbox" in verdict.text


def test_the_tutorial_is_solved_with_what_it_taught() -> None:
    assert verdict_with("07_webhooks.ipynb", SOLUTION).startswith("Solved: ")


# What a notebook shows is saved with it. The last cell hands out the secrets that were used before it.
SECRETS = {
    "04_reporting_keys.ipynb": 'print(*[one.key for one in session.sandbox.credentials.reporting_keys], sep="\\n")',
    "07_webhooks.ipynb": "print(secret)",
}


@pytest.mark.parametrize("name", SECRETS)
def test_no_secret_is_left_in_a_saved_tutorial(name: str, tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)  # type: ignore[no-untyped-call]  # nbformat has no types
    notebook.cells.append(nbformat.v4.new_code_cell(SECRETS[name]))  # type: ignore[no-untyped-call]  # as above
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()

    secrets = notebook.cells.pop().outputs[0].text.split()

    saved = nbformat.writes(notebook)  # type: ignore[no-untyped-call]  # as above
    assert len(secrets) >= 1
    assert all(len(secret) > 20 and secret not in saved for secret in secrets)
