"""Every operation of both documents is listed, and every read has one call."""

from collections import Counter

import pytest

import ledgerkit as lk
from conformance.calls import all_calls
from conformance.contract import lam, needs_contract, reads, vault, writes

pytestmark = needs_contract


def listed() -> list[str]:
    frame = lk.operations()
    return [f"{method} {path}" for method, path in zip(frame["method"], frame["path"], strict=True)]


def test_every_operation_of_the_vault_and_of_a_lam_is_listed_once() -> None:
    only_lam = lam().keys() - vault().keys()

    assert (len(vault()), len(only_lam)) == (85, 17)
    assert sorted(listed()) == sorted([*vault(), *only_lam])


def test_every_read_is_made_by_one_method() -> None:
    claims = Counter(call.operation for call in all_calls())

    assert {operation: claims[operation] for operation in reads()} == dict.fromkeys(reads(), 1)
    assert claims.keys() <= {*vault(), *lam()}, "a method claims an operation that does not exist"


def test_every_read_of_a_lam_is_made_by_one_method() -> None:
    claims = Counter(call.operation for call in all_calls())

    assert {name: claims[name] for name in lam() if name.startswith("GET ")} == {
        "GET /_health": 1,
        "GET /api_users": 1,
        "GET /api_users/{name}": 1,
    }


def test_every_read_is_listed_with_its_call_and_as_no_write() -> None:
    frame = lk.operations()
    of_reads = frame[frame["method"] == "GET"]

    assert of_reads["call"].notna().all()
    assert not of_reads["writes"].any()
    assert of_reads["call"].str.match(r"session\.[a-z0-9_.]+\(.*\)$").all()


# Two calls with one operation: a webhook is set, or cleared.
MADE_BY_TWO = {"PUT /notifications/configuration": 2}


def test_every_write_is_made_by_one_method() -> None:
    claims = Counter(call.operation for call in all_calls())

    assert {operation: claims[operation] for operation in writes()} == {**dict.fromkeys(writes(), 1), **MADE_BY_TWO}


def test_every_operation_is_listed_with_its_call() -> None:
    frame = lk.operations()
    calls = frame.set_index(frame["method"] + " " + frame["path"])["call"]

    assert calls[calls.isna()].index.tolist() == []
    assert calls["PUT /notifications/configuration"] == "session.notifications.set(url, secret)"
    assert calls["POST /accounts/{account_id}/labels"] == "session.labels.attach(label_id, account_id=...)"


def test_what_changes_something_is_listed_as_a_write() -> None:
    frame = lk.operations()
    listed_writes = frame[frame["writes"]]

    assert sorted(listed_writes["method"] + " " + listed_writes["path"]) == sorted(writes())
    assert listed_writes["note"].str.startswith("sent once").all()


@pytest.mark.parametrize("operation", sorted(lam().keys() - vault().keys()))
def test_what_only_a_lam_has_only_a_lam_can_make(operation: str) -> None:
    frame = lk.operations()
    [families] = frame[frame["method"] + " " + frame["path"] == operation]["families"]

    assert families == "lam"
