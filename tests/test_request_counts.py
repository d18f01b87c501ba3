"""How many HTTP requests each thing costs that people do: the fewest that answer it, and none for showing."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import ledgerkit as lk

# One sandbox for all: what is counted is what one session sends to it.
TRANSACTIONS = 430
PAGES = 5  # of 100


@pytest.fixture(scope="module")
def shared() -> Iterator[lk.Session]:
    with lk.connect("sandbox", seed=7, transactions=TRANSACTIONS, pace=0) as session:
        yield session


@pytest.fixture
def session(shared: lk.Session) -> Iterator[lk.Session]:
    """A session that remembers nothing yet, on the sandbox of all."""
    with lk.connect("sandbox", join=shared, writes=True) as session:
        yield session


def sent(session: lk.Session, does: Callable[[lk.Session], Any]) -> Counter[str]:
    """Return how often which operation was called; an id, an index or an address of a path is ``*``."""
    assert session.sandbox is not None
    before = len(session.sandbox.requests_seen)
    does(session)
    return Counter(f"{seen.method} {_plain(seen.path)}" for seen in list(session.sandbox.requests_seen)[before:])


def _plain(path: str) -> str:
    return "/".join("*" if any(map(str.isdigit, part)) else part for part in path.split("/"))


def nodes(session: lk.Session, path: str, **params: str) -> list[dict[str, Any]]:
    """Return the rows of the first page, as they come."""
    body = session.raw("GET", path, params={"page_size": "100", **params})
    return [edge["node"] for edge in body["edges"]]


# What is only shown or made costs nothing

SHOWN: dict[str, Callable[[lk.Session], Any]] = {
    "the card of a session": lambda session: session._repr_html_(),
    "the text of a session": repr,
    "a section": lambda session: repr(session.transactions),
    "the list of operations": lambda session: lk.operations(),
    "a payload": lambda session: repr(lk.payloads.Note("Invoice 42", "March")),
}


@pytest.mark.parametrize("what", SHOWN)
def test_what_is_only_shown_costs_no_request(session: lk.Session, what: str) -> None:
    assert sent(session, SHOWN[what]) == {}


def test_to_connect_as_an_api_user_is_to_sign_in_and_no_more(shared: lk.Session) -> None:
    def connect(session: lk.Session) -> None:
        lk.connect("sandbox", join=session).close()

    assert sent(shared, connect) == {"POST /auth/token": 1}


def test_to_connect_with_a_reporting_key_costs_no_request(shared: lk.Session) -> None:
    def connect(session: lk.Session) -> None:
        lk.connect("sandbox", join=session, family="reporting_key").close()

    assert sent(shared, connect) == {}


# Reads

READS: dict[str, tuple[Callable[[lk.Session], Any], dict[str, int]]] = {
    "who am I": (lambda session: session.me(), {"GET /users": 1}),
    "a list of one page": (lambda session: session.accounts.search(), {"GET /accounts": 1}),
    "a list of one page, by a state": (
        lambda session: session.accounts.search(status="ACTIVE"),
        {"GET /accounts": 1},
    ),
    "a list of five pages": (lambda session: session.transactions.search(), {"GET /transactions": PAGES}),
    "the newest ten": (lambda session: session.transactions.search(limit=10), {"GET /transactions": 1}),
    "the newest hundred": (lambda session: session.transactions.search(limit=100), {"GET /transactions": 1}),
    "the newest 250": (lambda session: session.transactions.search(limit=250), {"GET /transactions": 3}),
    "nothing that is found": (
        lambda session: session.transactions.search(created_before="2001-01-01"),
        {"GET /transactions": 1},
    ),
    "one by id": (lambda session: session.transactions.get(7), {"GET /transactions/*": 1}),
    "five by id": (lambda session: session.transactions.get([1, 2, 3, 4, 5]), {"GET /transactions/*": 5}),
    "two, each twice": (
        lambda session: session.transactions.get([1, 2, 1, 2]),
        {"GET /transactions/*": 2},
    ),
    "no id": (lambda session: session.transactions.get([]), {}),
    "the balances of three accounts": (
        lambda session: session.accounts.balances([1, 2, 4]),
        {"GET /accounts/*/balances": 3},
    ),
    "the history of one": (lambda session: session.accounts.history(1), {"GET /accounts/*/history": 1}),
    "a list without an order, of one page": (lambda session: session.pledges.search(), {"GET /pledges": 1}),
    "a call of one's own": (lambda session: session.raw("GET", "/organization"), {"GET /organization": 1}),
    "a filter that is none": (lambda session: _refused(session), {}),
}


def _refused(session: lk.Session) -> None:
    with pytest.raises(lk.InvalidRequest, match="did you mean 'CONFIRMED'"):
        session.transactions.search(status="CONFIRMD")  # type: ignore[arg-type]  # what a person may type


@pytest.mark.parametrize("what", READS)
def test_a_read_costs_as_many_requests_as_it_has_pages_or_ids(session: lk.Session, what: str) -> None:
    does, expected = READS[what]
    assert sent(session, does) == expected


def test_a_filter_on_what_changes_costs_one_more_pass_less_a_request(session: lk.Session) -> None:
    asked = {"status": "CONFIRMED", "page_size": "1"}
    count = session.raw("GET", "/transactions", params=asked)["page_info"]["count"]
    pages = math.ceil(count / 100)
    assert pages > 2
    found = sent(session, lambda session: session.transactions.search(status="CONFIRMED"))
    assert found == {"GET /transactions": 2 * pages - 1}


def test_amounts_in_their_units_cost_the_accounts_once_and_one_call_a_currency_or_token(session: lk.Session) -> None:
    kinds = {(node["currency"], node.get("contract_address")) for node in nodes(session, "/accounts")}
    frame = session.accounts.search()
    assert sent(session, lambda session: session.to_display(frame)) == {
        "GET /accounts": 1,
        "GET /accounts/*/currency": len(kinds),
    }
    assert sent(session, lambda session: session.to_display(frame)) == {}


def test_names_cost_each_list_once(session: lk.Session) -> None:
    frame = session.transactions.search(limit=50)
    assert sent(session, lambda session: session.with_names(frame)) == {"GET /accounts": 1, "GET /users": 1}
    assert sent(session, lambda session: session.with_names(frame)) == {}
    # What units need of the accounts is known by then.
    assert "GET /accounts" not in sent(session, lambda session: session.to_display(frame))


# Writes


def recipient(session: lk.Session) -> str:
    listed = session.whitelists.get(1)["addresses"].iloc[0]
    return next(str(one["address"]) for one in listed if one["currency"] == "bitcoin")


def test_a_payment_costs_its_checks_one_post_and_the_reading_of_what_is_signed(session: lk.Session) -> None:
    address, drafts = recipient(session), []
    looked = sent(session, lambda session: drafts.append(session.transactions.send(1, address, "0.5 BTC")))
    assert looked == {
        "GET /accounts/*": 1,
        "GET /accounts/*/currency": 1,
        "POST /transactions/estimate-fees": 1,
        "GET /currencies/bitcoin/*": 1,  # is it an address
        "GET /transactions": 1,  # was the same sent lately
        "GET /groups/*": 2,  # who may approve
        "GET /whitelists/*": 1,
        "GET /whitelists": 1,  # does the address only look like one of them
        "GET /accounts": 1,  # or like one of the own
        "GET /users": 1,  # am I one of them
    }
    draft: Any = drafts[0]
    assert sent(session, lambda session: (repr(draft), draft._repr_html_())) == {}
    assert sent(session, lambda session: draft.submit()) == {"POST /requests": 1}
    confirm = f"approve {draft.request_id}"
    approved = sent(session, lambda session: session.requests.approve(draft.request_id, draft, confirm=confirm))
    assert approved == {
        "GET /requests/*/challenge": 1,
        "POST /requests/*/approve": 1,
        "GET /requests/*/governance-status": 1,
    }


def test_two_payments_of_a_plan_are_looked_at_with_the_lookups_of_one(session: lk.Session, tmp_path: Path) -> None:
    rows = [{"account": 1, "recipient": recipient(session), "amount": f"0.{one} BTC"} for one in (1, 2)]
    journal = tmp_path / "journal.jsonl"
    looked = sent(session, lambda session: session.transactions.plan(pd.DataFrame(rows), journal=journal))
    assert looked.pop("POST /transactions/estimate-fees") == 2  # fees depend on the amount
    assert looked == {
        "GET /accounts/*": 1,
        "GET /accounts/*/currency": 1,
        "GET /currencies/bitcoin/*": 1,
        "GET /transactions": 1,
        "GET /groups/*": 2,
        "GET /whitelists/*": 1,
        "GET /whitelists": 1,
        "GET /accounts": 1,
        "GET /users": 1,
    }


# Forms


def test_a_form_looks_up_the_names_that_it_offers_and_searches_as_the_call_does(session: lk.Session) -> None:
    made: list[Any] = []
    assert sent(session, lambda session: made.append(session.certificates.form("chain"))) == {}
    form = made[0]

    def press(session: lk.Session) -> None:
        form.search.click()
        form.work.wait()

    assert sent(session, press) == {"GET /certificates/chain": 1}


def test_a_form_that_offers_accounts_currencies_and_labels_by_name_lists_each_once(session: lk.Session) -> None:
    assert sent(session, lambda session: session.transactions.form().wait()) == {
        "GET /accounts": 1,
        "GET /currencies": 1,
        "GET /labels": 1,
    }


# Reports


def test_a_second_report_on_who_may_move_what_reads_each_list_once(session: lk.Session) -> None:
    lk.reports.governance(session)
    assert sent(session, lambda session: lk.reports.governance(session)) == {
        "GET /accounts": 1,
        "GET /users": 1,
        "GET /groups": 1,
        "GET /whitelists": 1,
    }


def test_a_portfolio_asks_for_the_units_of_a_currency_once(session: lk.Session) -> None:
    kinds = {(node["currency"], node.get("contract_address")) for node in nodes(session, "/accounts")}
    first = sent(session, lambda session: lk.reports.portfolio(session))
    assert first["GET /accounts/*/currency"] == len(kinds)
    again = sent(session, lambda session: lk.reports.portfolio(session))
    assert again["GET /accounts"] == again["GET /entities"] == 1
    assert again["GET /accounts/*/currency"] == 0
