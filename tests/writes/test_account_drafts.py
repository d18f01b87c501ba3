"""Drafts of accounts: what is surely wrong with one is said before it is sent."""

from collections.abc import Iterator
from typing import Any

import pytest

import ledgerkit as lk


@pytest.fixture(scope="module")
def administrator() -> Iterator[lk.Session]:
    with lk.connect("sandbox", role="ADMIN") as session:
        yield session


def taken(session: lk.Session, currency: str) -> dict[int, str]:
    """The indices of a currency and whose they are, from raw rows."""
    nodes = session.raw("GET", "/accounts", params={"currency": currency, "page_size": 100})["edges"]
    rows = [one["node"] for one in nodes]
    return {row["index"]: row["name"] for row in rows if row["parent"] is None and row["status"] != "REJECTED"}


@pytest.mark.parametrize(
    ("given", "meant"),
    [("LITECOIN_LIKE", "BITCOIN_LIKE"), ("Bitcoin", "BITCOIN_LIKE"), ("erc-20", "ERC20_LIKE"), ("TRON", "TRON_LIKE")],
)
def test_a_type_that_no_account_has_is_refused_with_the_one_that_is_near(
    administrator: lk.Session, given: str, meant: str
) -> None:
    with pytest.raises(
        lk.InvalidRequest, match=f"`account_type` = '{given}' can't be used: did you mean .*'{meant}'"
    ):
        administrator.accounts.create("Desk 1", "bitcoin", given, "Everyday")


@pytest.mark.parametrize("given", [None, "", 7, ["BITCOIN_LIKE"], "nothing of the kind"])
def test_what_is_near_to_no_type_is_refused_with_all_of_them(administrator: lk.Session, given: Any) -> None:
    with pytest.raises(lk.InvalidRequest, match=r"it is one of BEP20_LIKE, BITCOIN_LIKE"):
        administrator.accounts.create("Desk 1", "bitcoin", given, "Everyday")


def test_an_index_that_an_account_has_stops_the_draft_and_a_free_one_is_named(administrator: lk.Session) -> None:
    indices = taken(administrator, "bitcoin")
    free = min(set(range(100)) - indices.keys())
    draft = administrator.accounts.create("Desk 1", "bitcoin", "BITCOIN_LIKE", "Everyday", index=max(indices))
    (problem,) = draft.problems
    assert (
        f"{max(indices)}, which account '{indices[max(indices)]}' has. None of the {len(indices)} accounts" in problem
    )
    assert f"index={free}" in problem
    assert "✗ index" in repr(draft)
    with pytest.raises(lk.InvalidRequest, match="nothing was sent"):
        draft.submit()
    good = administrator.accounts.create("Desk 1", "bitcoin", "BITCOIN_LIKE", "Everyday", index=free)
    assert good.problems == []
    assert f"✓ index: {free}; none of the {len(indices)} accounts of bitcoin that you see has it" in repr(good)


def test_an_index_that_is_left_out_is_said(administrator: lk.Session) -> None:
    draft = administrator.accounts.create("Desk 1", "bitcoin", "BITCOIN_LIKE", "Everyday")
    assert "0, since none was given" in repr(draft)
    assert ("0" in draft.problems[0]) is (0 in taken(administrator, "bitcoin"))


def test_the_index_of_a_rejected_account_is_free(administrator: lk.Session) -> None:
    rejected = administrator.accounts.search(currency="litecoin", status="REJECTED").iloc[0]
    others = taken(administrator, "litecoin")
    assert int(rejected["index"]) not in others
    draft = administrator.accounts.create(
        "Desk 1", "litecoin", "BITCOIN_LIKE", "Everyday", index=int(rejected["index"])
    )
    assert draft.problems == []


def test_a_token_without_its_contract_is_a_problem(administrator: lk.Session) -> None:
    draft = administrator.accounts.create("Desk 1", "ethereum", "ERC20_LIKE", "Everyday")
    assert "give its parent_id and its contract_address" in draft.problems[0]


def test_where_accounts_can_not_be_seen_the_draft_warns(
    administrator: lk.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise lk.PermissionDenied("not for you")

    monkeypatch.setattr("ledgerkit.resources.accounts.Accounts.search", refuse)
    draft = administrator.accounts.create("Desk 1", "bitcoin", "BITCOIN_LIKE", "Everyday", index=5)
    assert draft.problems == []
    assert "whether an account has it can't be seen: not for you" in draft.warnings[0]
