"""Units that the service tells are held against what is known of the coin, whatever is made."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from writes.conftest import listed_address

import ledgerkit as lk
from forms.kinds.filling import (
    CASES,
    fill,
    posted,
    review,
    send,
)
from ledgerkit.forms.kinds import RequestForm


def told(code: str, magnitude: int) -> list[dict[str, Any]]:
    return [{"code": "base", "magnitude": 0}, {"code": code, "magnitude": magnitude}]


@pytest.mark.parametrize(
    ("kind", "values", "lie"),
    [
        ("Polkadot: unbond", {"account_id": 29, "amount": "0.01 DOT"}, told("DOT", 12)),
        ("Polkadot: bond more", {"account_id": 29, "amount": "0.01 DOT"}, told("DOT", 12)),
        ("Contract call", CASES[0].values, told("ETH", 20)),
    ],
)
def test_amounts_in_units_that_the_coin_does_not_have_are_not_sent(
    session: lk.Session,
    opened: Callable[..., RequestForm],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    values: Mapping[str, Any],
    lie: list[dict[str, Any]],
) -> None:
    monkeypatch.setattr("ledgerkit.lookups.Lookups.units", lambda *_: (lie, lie))
    form = opened(session, kind)
    fill(form, **values)
    before = posted(session, "/requests")

    draft = review(form)
    send(form)

    assert [one.verdict for one in draft.checks if one.name == "units"] == ["problem"]
    assert f"the service says {lie[1]['magnitude']} decimal places" in form.message
    assert posted(session, "/requests") == before


def test_a_pledge_in_units_that_the_coin_does_not_have_is_refused(
    session: lk.Session, opened: Callable[..., RequestForm], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledgerkit.lookups.Lookups.units", lambda *_: (told("BTC", 10), told("BTC", 8)))
    form = opened(session, "Pledge: more or less")
    fill(form, pledge_subaccount_id=18, direction=1, amount="0.1 BTC")
    assert form.current is not None

    form.current.review.click()
    form.wait()

    assert form.current.step == "fields"
    assert "the service says 10 decimal places of BTC, and the coin of bitcoin has 8" in form.message


def test_a_lam_stakes_nothing_in_units_that_the_coin_does_not_have(
    gateway: lk.Session, opened: Callable[..., RequestForm], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledgerkit.lookups.Lookups.units", lambda *_: (told("BTC", 10), told("BTC", 8)))
    form = opened(gateway, "LAM: transaction")
    account = gateway.accounts.search(currency="bitcoin")["id"].iloc[0]
    fill(form, account_id=int(account), recipient=listed_address(gateway, "bitcoin"), amount="0.1 BTC", max_fees=9000)

    draft = review(form)

    assert any(one.startswith("units: the service says 10 decimal places") for one in draft.problems)
