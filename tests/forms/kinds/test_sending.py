"""What a form of another kind sends, it sends once."""

from collections.abc import Callable

import pytest

import ledgerkit as lk
from forms.kinds.filling import (
    CASES,
    fill,
    posted,
    review,
    send,
)
from ledgerkit.forms.kinds import RequestForm


@pytest.mark.parametrize("kind", ["Contract call", "Polkadot: bond more", "Message signing"])
def test_three_clicks_make_one_request(session: lk.Session, opened: Callable[..., RequestForm], kind: str) -> None:
    [case] = [one for one in CASES if one.kind == kind]
    form = opened(session, kind)
    fill(form, **case.values)
    draft = review(form)
    before = posted(session, "/requests")

    send(form)

    assert posted(session, "/requests") == before + 1
    assert f"Request {draft.request_id} was created" in form.message
    assert form.sent == [draft]


def test_more_is_pledged_in_one_request(session: lk.Session, opened: Callable[..., RequestForm]) -> None:
    form = opened(session, "Pledge: more or less")
    fill(form, pledge_subaccount_id=16, direction=1, amount="25.5 USDC")
    draft = review(form)
    before = posted(session, "/requests")

    send(form)

    assert posted(session, "/requests") == before + 1
    assert session.requests.get(draft.request_id)["type"].tolist() == ["CREATE_PLEDGE_INCREMENT"]
    assert draft.to_json()["data"]["pledge_data"]["amount"] == "25500000"


def test_an_administrator_creates_an_account(administrator: lk.Session, opened: Callable[..., RequestForm]) -> None:
    form = opened(administrator, "Account")
    fill(form, name="BTC Desk 9", account_type="BITCOIN_LIKE", currency="bitcoin", policy_name="Everyday", index="90")
    draft = review(form)

    send(form)

    assert administrator.requests.get(draft.request_id)["type"].tolist() == ["CREATE_ACCOUNT"]


def test_who_may_not_create_an_account_is_told_and_keeps_what_was_typed(
    session: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    form = opened(session, "Account")
    fill(form, **{**CASES[10].values, "index": "91"})
    review(form)

    send(form)

    assert form.current is not None
    assert "no administrator" in form.message
    assert (form.current.step, form.current.entries["name"].read()) == ("fields", "BTC Desk 9")
