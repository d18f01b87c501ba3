"""The exercise of tutorial 06: how many ETH an exchange can settle against."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from on_a_day import on_a_day
from serving import Reply, Seen, Server, listing, page

import ledgerkit as lk
from exercises.notebooks import verdict_with
from ledgerkit import exercises

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]

SOLUTION = """
halcyon = pledges[(pledges["exchange_name"] == "Halcyon") & (pledges["state"] == "PLEDGE_READY")]
halcyon = session.to_display(halcyon)
answer = halcyon[halcyon["ticker"] == "ETH"]["amount_display"].sum()
"""
ETHER = 10**18
# 10^27 base units and one: past the 28 digits at which sums of decimals round.
LARGE = 10**27 * 10 + 1


@pytest.fixture(scope="module")
def session() -> Iterator[lk.Session]:
    with lk.connect("sandbox", writes=True, transactions=300, **on_a_day()) as session:
        yield session


@pytest.fixture
def wei(session: lk.Session) -> int:
    """The right answer in base units, by the name of the one collateral account of ether at Halcyon."""
    [account] = [
        edge["node"]
        for edge in session.raw("GET", "/accounts", params={"page_size": 100})["edges"]
        if edge["node"]["name"] == "TL-0003-ETH-HAL-HSE"
    ]
    asked = {"account_id": account["id"], "state": "PLEDGE_READY", "page_size": 100}
    return sum(edge["node"]["amount"] for edge in session.raw("GET", "/pledges", params=asked)["edges"])


def test_no_answer_yet(session: lk.Session, wei: int) -> None:
    verdict = exercises.tradelink(session, ...)
    assert verdict.solved is None
    assert str(wei // ETHER) not in verdict.text


@pytest.mark.parametrize(
    "shape",
    [Decimal, str, lambda text: f"{text} ETH", lambda text: pd.Series([Decimal(text)])],
    ids=["number", "text", "with its unit", "column"],
)
def test_the_right_number_in_any_shape(session: lk.Session, wei: int, shape: Callable[[str], Any]) -> None:
    whole, rest = divmod(wei, ETHER)
    assert exercises.tradelink(session, shape(f"{whole}.{rest:018d}")).solved is True


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda wei: wei, "base units"),
        (lambda wei: wei // ETHER // 2, "one of its pledges"),
        (lambda wei: 7, "another number"),
        (lambda wei: "plenty", "no number such as"),
        (lambda wei: "534 BTC", "ETH is asked for"),
        (lambda wei: [1, 2], "2 values"),
        (lambda wei: pd.NA, "a number is asked for"),
    ],
)
def test_a_wrong_answer_gets_a_hint_that_does_not_give_it_away(
    session: lk.Session, wei: int, wrong: Callable[[int], Any], hint: str
) -> None:
    verdict = exercises.tradelink(session, wrong(wei))
    assert verdict.solved is False
    assert hint in verdict.text
    assert str(wei // ETHER) not in verdict.text


def test_pledges_in_other_states_do_not_count(session: lk.Session) -> None:
    pledges = session.to_display(session.pledges.search())
    own = pledges[(pledges["exchange_name"] == "Halcyon") & (pledges["ticker"] == "ETH")]
    verdict = exercises.tradelink(session, own["amount_display"].sum())
    assert "counts every pledge of Halcyon" in verdict.text


def test_pledges_to_other_exchanges_do_not_count(session: lk.Session) -> None:
    ready = session.to_display(session.pledges.search(state="PLEDGE_READY"))
    verdict = exercises.tradelink(session, ready[ready["ticker"] == "ETH"]["amount_display"].sum())
    assert "the pledges of every exchange" in verdict.text


def test_the_answer_follows_the_pledges(session: lk.Session, wei: int) -> None:
    assert session.sandbox is not None
    ready = session.pledges.search(state="PLEDGE_READY")
    # the last one: a settlement takes from the first, which is not free again after a request
    own = ready[(ready["exchange_name"] == "Halcyon") & (ready["amount"] == wei // 2)].iloc[-1]
    more = session.pledges.increment(int(own["pledge_subaccount_id"]), "1 ETH")
    more.submit()
    number = more.request_id
    assert number is not None
    # while the request waits, its pledge is not ready
    assert exercises.tradelink(session, str(wei // ETHER // 2)).solved is True
    session.requests.approve(number, intent=more, confirm=f"approve {number} assumed")
    session.sandbox.colleagues.approve(number)
    assert exercises.tradelink(session, str(wei // ETHER)).solved is False
    assert exercises.tradelink(session, str(wei // ETHER + 1)).solved is True


def service(*pledges: dict[str, Any], units: bool = True) -> Callable[[Seen], Reply]:
    """Serve these pledges, of account 1 (ether), 2 (a token of the same network) and 3 (bitcoin)."""
    accounts = [
        {"id": 1, "currency": "ethereum", "contract_address": None},
        {"id": 2, "currency": "ethereum", "contract_address": "0x" + "a" * 40},
        {"id": 3, "currency": "bitcoin", "contract_address": None},
    ]

    def answer(seen: Seen) -> Reply:
        if seen.path == "/accounts":
            reply = listing(accounts)(seen)
            assert isinstance(reply, Reply)
            return reply
        if seen.path == "/pledges":
            return page(list(pledges))
        known = [{"code": "ETH", "magnitude": 18}, {"code": "wei", "magnitude": 0}] if units else []
        return Reply({"amount_units": known, "fees_units": known})

    return answer


def pledge(number: int, account: int, amount: int | None, **more: Any) -> dict[str, Any]:
    exchange = {"id": "4", "name": more.pop("exchange", "Halcyon"), "code": "HAL", "role": "EXCHANGE"}
    node = {"id": f"pledge {number}", "account_id": account, "amount": amount, "pending": 0, "exchange": exchange}
    return {**node, "state": "PLEDGE_READY", **more}


def test_tokens_other_exchanges_and_unknown_states_do_not_count(serve: Serve, connect_to: Connect) -> None:
    pledges = [
        pledge(1, 1, LARGE),
        pledge(2, 1, 1),
        pledge(3, 2, ETHER),
        pledge(4, 3, ETHER),
        pledge(5, 1, ETHER, exchange="Halcyon "),
        pledge(6, 1, ETHER, state="PLEDGE_READY_SOON"),
        pledge(7, 1, None),
    ]
    session = connect_to(serve(service(*pledges)))
    assert exercises.tradelink(session, "10000000000.000000000000000002").solved is True
    assert exercises.tradelink(session, "10000000000.000000000000000001").solved is False
    assert exercises.tradelink(session, 1e10).solved is False


@pytest.mark.parametrize(
    ("served", "said"),
    [
        (service(), "no pledge of ethereum that is ready"),
        (service(pledge(1, 1, ETHER), units=False), "tells no unit of ethereum"),
    ],
)
def test_a_workspace_where_nothing_can_be_checked_is_told(
    serve: Serve, connect_to: Connect, served: Callable[[Seen], Reply], said: str
) -> None:
    verdict = exercises.tradelink(connect_to(serve(served)), 0)
    assert verdict.solved is False
    assert said in verdict.text


def test_the_tutorial_is_solved_with_what_it_taught() -> None:
    assert verdict_with("06_tradelink.ipynb", SOLUTION).startswith("Solved: ")
