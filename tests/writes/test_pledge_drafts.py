"""Pledges: what a draft needs beside the pledge account and the amount is looked up."""

from typing import Any

import pytest

import ledgerkit as lk


@pytest.fixture
def pledge(session: lk.Session) -> dict[str, Any]:
    """A pledge of bitcoin."""
    pledges = session.pledges.search()
    accounts = session.accounts.search(currency="bitcoin")["id"].tolist()
    found = pledges[pledges["account_id"].isin(accounts)].iloc[0]
    account = session.accounts.get(int(found["account_id"])).iloc[0]
    return {
        "pledge_subaccount_id": int(found["pledge_subaccount_id"]),
        "account_name": account["name"],
        "currency": "bitcoin",
        "exchange_name": found["exchange_name"],
    }


def test_the_names_of_a_pledge_are_looked_up(session: lk.Session, pledge: dict[str, Any]) -> None:
    more = session.pledges.increment(pledge["pledge_subaccount_id"], 1000).payload
    assert {name: getattr(more, name) for name in pledge} == pledge
    freed = session.pledges.force_unpledge(pledge["pledge_subaccount_id"]).payload
    assert {name: getattr(freed, name) for name in pledge} == pledge


def test_the_contract_of_a_token_is_looked_up_by_the_pledge(session: lk.Session) -> None:
    tokens = session.accounts.search().dropna(subset=["contract_address"]).set_index("id")["contract_address"]
    pledges = session.pledges.search()
    held = pledges[pledges["account_id"].isin(tokens.index)].iloc[0]
    draft = session.pledges.increment(int(held["pledge_subaccount_id"]), 1000)
    assert draft.payload.contract_address == tokens[held["account_id"]]


@pytest.mark.parametrize(
    ("amount", "base"), [("0.1 BTC", 10_000_000), ("-0.1 BTC", -10_000_000), ("-25", -25), (-25, -25)]
)
def test_a_pledge_is_taken_with_its_unit(
    session: lk.Session, pledge: dict[str, Any], amount: int | str, base: int
) -> None:
    assert int(session.pledges.increment(pledge["pledge_subaccount_id"], amount).payload.amount) == base


def test_a_name_that_is_not_that_of_the_pledge_is_refused(session: lk.Session, pledge: dict[str, Any]) -> None:
    with pytest.raises(lk.InvalidRequest, match=f"of pledge account .* it is '{pledge['exchange_name']}'"):
        session.pledges.increment(pledge["pledge_subaccount_id"], 1000, exchange_name="Elsewhere")


def test_a_pledge_account_that_nobody_sees_is_named(session: lk.Session) -> None:
    with pytest.raises(lk.InvalidRequest, match="is that of 0 visible pledges, not of one: give account_name"):
        session.pledges.increment(987654, 1000)


@pytest.mark.parametrize(
    ("amount", "said"),
    [("1 BTC", "pledge: 1.00000000 BTC (100000000 base units)"), (-25, "un-pledge: 0.00000025 BTC (25 base units)")],
)
def test_a_pledge_shows_the_unit_beside_the_base_units(
    session: lk.Session, pledge: dict[str, Any], amount: int | str, said: str
) -> None:
    draft = session.pledges.increment(pledge["pledge_subaccount_id"], amount)
    assert [f"{name}: {text}" for name, text in draft.facts] == [said]


def test_a_pledge_that_is_typed_in_a_unit_that_can_not_be_right_is_not_sent(
    session: lk.Session, pledge: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = [{"code": "BTC", "magnitude": 10}]
    monkeypatch.setattr("ledgerkit.lookups.Lookups.units", lambda *_: (wrong, wrong))
    draft = session.pledges.increment(pledge["pledge_subaccount_id"], "1 BTC")
    assert "the coin of bitcoin has 8" in draft.problems[0]
    assert session.pledges.increment(pledge["pledge_subaccount_id"], 1000).problems == []
