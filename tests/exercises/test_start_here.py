"""The exercise of tutorial 00: how many BTC the active accounts hold together."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from on_a_day import on_a_day
from serving import Reply, Seen, Server, listing, page

import ledgerkit as lk
from ledgerkit import exercises

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]

# Past 2^53, and past the 28 digits at which sums of decimals round.
LARGE = 123_456_789_012_345_678_901_234_567_890


@pytest.fixture(scope="module")
def session() -> Iterator[lk.Session]:
    with lk.connect("sandbox", transactions=300, **on_a_day()) as session:
        yield session


@pytest.fixture(scope="module")
def satoshi(session: lk.Session) -> int:
    """The right answer in base units, from the texts of ``GET /accounts``."""
    edges = session.raw("GET", "/accounts", params={"currency": "bitcoin", "page_size": 100})["edges"]
    return sum(int(edge["node"]["balance"]) for edge in edges if edge["node"]["status"] == "ACTIVE")


def account(number: int, balance: int, status: str = "ACTIVE", currency: str = "bitcoin") -> dict[str, Any]:
    return {"id": number, "type": "Bitcoin", "currency": currency, "status": status, "balance": str(balance)}


def service(*accounts: dict[str, Any]) -> Callable[[Seen], Reply]:
    """Serve these accounts, with their balances as texts and a hundredth of them pending."""
    held = {str(one["id"]): int(one["balance"]) for one in accounts}

    def answer(seen: Seen) -> Reply:
        parts = seen.path.strip("/").split("/")
        if parts == ["accounts"]:
            reply = listing(list(accounts))(seen)
            assert isinstance(reply, Reply)
            return reply
        if parts[2] == "currency":
            units = [{"code": "BTC", "magnitude": 8}, {"code": "satoshi", "magnitude": 0}]
            return Reply({"amount_units": units, "fees_units": units})
        total = held[parts[1]]
        return Reply({"total": str(total), "available": total - total // 100, "pending": total // 100})

    return answer


def test_no_answer_yet(session: lk.Session) -> None:
    verdict = exercises.start_here(session, ...)
    assert verdict.solved is None
    assert repr(verdict).startswith("Not answered yet: ")


@pytest.mark.parametrize("shape", [Decimal, str, lambda text: f"{text} BTC", lambda text: pd.Series([Decimal(text)])])
def test_the_right_number_in_any_shape(session: lk.Session, satoshi: int, shape: Callable[[str], Any]) -> None:
    whole, rest = divmod(satoshi, 10**8)
    assert exercises.start_here(session, shape(f"{whole}.{rest:08d}")).solved is True


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda satoshi: satoshi, "base units"),
        (lambda satoshi: Decimal(satoshi + 1).scaleb(-8), "digits were lost"),
        (lambda satoshi: round(satoshi / 10**8, 4), "digits were lost"),
        (lambda satoshi: 0, "another number"),
        (lambda satoshi: "many", "no number such as"),
        (lambda satoshi: f"{satoshi} ETH", "BTC is asked for"),
    ],
)
def test_a_wrong_answer_gets_a_hint_that_does_not_give_it_away(
    session: lk.Session, satoshi: int, wrong: Callable[[int], Any], hint: str
) -> None:
    verdict = exercises.start_here(session, wrong(satoshi))
    assert verdict.solved is False
    assert hint in verdict.text
    assert str(satoshi // 10**8) not in verdict.text.replace(str(wrong(satoshi)), "")


def test_what_is_available_is_less_than_what_is_held(session: lk.Session) -> None:
    bitcoin = session.accounts.search(currency="bitcoin", status="ACTIVE")
    answer = Decimal(int(bitcoin["available_balance"].sum())).scaleb(-8)
    assert "what is available" in exercises.start_here(session, answer).text


def test_closed_accounts_do_not_count(serve: Serve, connect_to: Connect) -> None:
    session = connect_to(serve(service(account(1, 300_000_000), account(2, 500_000_000, "VIEW_ONLY"))))
    assert exercises.start_here(session, 3).solved is True
    assert "not ACTIVE, too" in exercises.start_here(session, 8).text


def test_digits_past_those_of_floats_and_of_the_default_decimals_count(serve: Serve, connect_to: Connect) -> None:
    accounts = [account(1, LARGE), account(2, 1), account(3, 7, currency="litecoin")]
    session = connect_to(serve(service(*accounts)))
    assert exercises.start_here(session, "1234567890123456789012.34567891").solved is True
    assert exercises.start_here(session, "1234567890123456789012.34567890").solved is False
    assert exercises.start_here(session, float(LARGE + 1) / 1e8).solved is False


def test_the_check_reads_all_pages(serve: Serve, connect_to: Connect) -> None:
    session = connect_to(serve(service(*[account(number, 10**8) for number in range(1, 132)])))
    assert exercises.start_here(session, 131).solved is True


def test_a_workspace_that_shows_no_bitcoin_is_told(serve: Serve, connect_to: Connect) -> None:
    session = connect_to(serve(lambda seen: page([])))
    verdict = exercises.start_here(session, 0)
    assert verdict.solved is False
    assert "no ACTIVE account of bitcoin" in verdict.text
