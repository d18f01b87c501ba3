"""Settlements, which are no requests: made, changed, cancelled, and looked for."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from writes.conftest import listed_address

import ledgerkit as lk
from forms.kinds.filling import CASES, DAI, fill, pledge_of, posted, review, send
from ledgerkit import payloads
from ledgerkit.forms.kinds import RequestForm
from ledgerkit.payloads import (
    InboundTransactionIntent,
    RepledgeIntent,
    Settlement,
    SettlementRecovery,
    Speed,
)


def settle(form: RequestForm, session: lk.Session) -> Any:
    pledge = pledge_of(session, 52)
    fill(
        form,
        from_pledge_id=pledge["id"],
        amount="0.015 BTC",
        recipient=listed_address(session, "bitcoin"),
        max_fees="0.002 BTC",
        meta='{"reference": "T+1"}',
    )
    return pledge


def test_a_settlement_is_what_code_would_make_and_is_sent_once(
    session: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    form = opened(session, "Settlement")
    pledge = settle(form, session)
    draft = review(form)
    before = posted(session, "/settlements")

    assert (
        draft.to_json()
        == Settlement(
            from_pledge_id=pledge["id"],
            outbound_transaction_intent=payloads.BitcoinLikeSend(
                account_id=52,
                account_name="TL-0001-BTC-CLP-HSE",
                currency="bitcoin",
                amount=1_500_000,
                recipient=listed_address(session, "bitcoin"),
                max_fees=200_000,
                fees_strategy=Speed("NORMAL"),
            ),
            meta={"reference": "T+1"},
            id=draft.payload.id,
        ).to_json()
    )
    send(form)

    assert form.current is not None
    assert posted(session, "/settlements") == before + 1
    assert f"Settlement {draft.payload.id} was created" in form.message
    assert session.settlements.get(draft.payload.id)["meta"].tolist() == [{"reference": "T+1"}]
    assert form.current.follow.layout.display == "none"  # it shows requests, and this is none
    with pytest.raises(lk.InvalidRequest, match="was sent before"):
        draft.submit()


def test_what_is_paid_in_and_pledged_anew_is_in_the_units_of_its_account(
    session: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    form = opened(session, "Settlement")
    pledge = pledge_of(session, 53)
    fill(
        form,
        from_pledge_id=pledge["id"],
        inbound_amount="10.000000000000000001 ETH",
        to_account_id=9,
        to_address=DAI,
        repledge_amount="1 ETH",
    )

    draft = review(form)

    assert (
        draft.to_json()
        == Settlement(
            from_pledge_id=pledge["id"],
            inbound_transaction_intent=InboundTransactionIntent(amount=10**19 + 1, to_account_id=9, to_address=DAI),
            repledge_intent=RepledgeIntent(
                account_name="TL-0002-ETH-CLP-HSE",
                amount=10**18,
                currency="ethereum",
                exchange_name="Clearport",
                pledge_subaccount_id=int(pledge["pledge_subaccount_id"]),
            ),
            id=draft.payload.id,
        ).to_json()
    )


def test_a_settlement_that_waits_in_the_mempool_gets_other_fees(
    session: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    found = session.settlements.search()
    stuck = found[found["state"] == "OUTBOUND_TRANSACTION_SUBMITTED"].iloc[0]
    before = session.transactions.get(int(stuck["outbound_transaction_transaction_id"])).iloc[0]
    form = opened(session, "Settlement: other fees")
    fill(form, settlement_id=stuck["id"], speed="FAST", max_fee=int(before["max_fees"]) * 2)
    draft = review(form)

    assert draft.to_json() == (
        SettlementRecovery(fee_strategy=Speed("FAST"), max_fee=int(before["max_fees"]) * 2).to_json()
    )
    send(form)

    assert f"settlement {stuck['id']} was sent again" in form.message


def test_a_settlement_that_was_not_broadcast_is_cancelled(
    session: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    found = session.settlements.search()
    failed = found[found["state"] == "OUTBOUND_TRANSACTION_FAILED"].iloc[0]["id"]
    form = opened(session, "Settlement: cancel")
    fill(form, settlement_id=failed)
    review(form)

    send(form)

    assert posted(session, f"/settlements/{failed}/cancel") == 1
    assert form.message == f"Settlement {failed} was cancelled."


def test_a_settlement_that_can_not_be_cancelled_says_why(
    session: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    found = session.settlements.search()
    settled = found[found["state"] == "SETTLED"].iloc[0]["id"]
    form = opened(session, "Settlement: cancel")
    fill(form, settlement_id=settled)
    draft = review(form)
    assert draft.to_json() == {}
    assert f"POST /settlements/{settled}/cancel" in str(draft)

    send(form)

    assert form.state == "failed"
    assert "FAILED_TO_BROADCAST" in form.message


def test_a_settlement_whose_answer_was_lost_is_looked_for_by_its_id(
    session: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    assert session.sandbox is not None
    form = opened(session, "Settlement")
    recipient = listed_address(session, "ethereum", 2)
    fill(form, from_pledge_id=pledge_of(session, 54)["id"], amount="1 ETH", max_fees="0.01 ETH", recipient=recipient)
    draft = review(form)
    assert form.current is not None

    session.sandbox.faults.drop(path="/settlements", method="POST", answered=True)
    send(form)
    session.sandbox.faults.clear()

    assert form.current.step == "unknown"
    assert form.message_kind == "error"
    assert "its answer was lost" in form.message
    form.choose("Account")
    assert form.kind.value == "Settlement"
    assert "settled first" in form.message
    form.current.look.click()
    form.wait()
    assert f"Settlement {draft.payload.id} was created" in form.message


@pytest.mark.parametrize(
    ("kind", "values", "path", "told"),
    [
        ("Settlement: cancel", {}, "cancel", "cancellation"),
        ("Settlement: other fees", {"max_fee": 5000, "speed": "FAST"}, "recover", "recovery"),
    ],
)
def test_a_lost_answer_says_what_was_sent_by_its_own_name(
    session: lk.Session,
    opened: Callable[..., RequestForm],
    kind: str,
    values: Mapping[str, Any],
    path: str,
    told: str,
) -> None:
    assert session.sandbox is not None
    found = session.settlements.search()
    settlement = found["id"].iloc[0]
    form = opened(session, kind)
    fill(form, settlement_id=settlement, **values)
    review(form)

    session.sandbox.faults.drop(path=f"/settlements/{settlement}/{path}", method="POST")
    send(form)
    session.sandbox.faults.clear()

    assert f"the {told} was sent, and its answer was lost" in form.message
    assert form.current is not None
    assert "SENT, OUTCOME UNKNOWN" in str(form.current.draft)
    form.current.look.click()
    form.wait()
    assert f"session.settlements.get('{settlement}') shows" in form.message


@pytest.mark.parametrize(
    ("refusal", "of_a_call"),
    [
        (lk.InvalidRequest("no creator."), "service: the service would refuse this: no creator."),
        (lk.NotFound("no such call."), "fees: they can't be estimated: no such call. Fill in the ceiling yourself"),
    ],
)
def test_without_an_estimate_a_ceiling_is_asked_for(
    session: lk.Session,
    opened: Callable[..., RequestForm],
    monkeypatch: pytest.MonkeyPatch,
    refusal: lk.LedgerError,
    of_a_call: str,
) -> None:
    def refused(*_: Any) -> None:
        raise refusal

    monkeypatch.setattr("ledgerkit.payments.estimate", refused)
    form = opened(session, "Contract call")
    fill(form, **{**CASES[0].values, "max_fees": None})
    assert review(form).problems == [of_a_call]

    # The exchange joins its creators, so that a refusal of the estimate is none of the settlement.
    form.choose("Settlement")
    recipient = listed_address(session, "ethereum", 2)
    fill(form, from_pledge_id=pledge_of(session, 53)["id"], amount="1 ETH", recipient=recipient)
    [problem] = review(form).problems
    assert problem == f"fees: they can't be estimated: {refusal.message} Fill in the ceiling yourself"


def test_a_settlement_that_pays_a_look_alike_in_is_sent_by_who_says_that_it_is_meant(
    session: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    form = opened(session, "Settlement")
    listed = listed_address(session, "ethereum", 2)
    alike = f"{listed[:8]}{'9' * 30}{listed[-4:]}"
    pledge = pledge_of(session, 53)
    fill(form, from_pledge_id=pledge["id"], inbound_amount="1 ETH", to_account_id=9, to_address=alike)

    draft = review(form)

    check = next(one for one in draft.checks if one.name == "look-alike")
    assert (check.verdict, check.allowed_by) == ("problem", "look_alike")
    assert "To send it all the same: draft.submit(look_alike=True)" in repr(draft)
    assert check.text.startswith(f"in, to {alike}: it begins and ends like {listed} (")
    before = posted(session, "/settlements")
    with pytest.raises(lk.InvalidRequest, match="begins and ends like"):
        draft.submit()
    assert posted(session, "/settlements") == before
    # The sandbox looks at what is sent: that it was asked is all that counts here.
    with pytest.raises(lk.InvalidRequest, match=r"400|refused|not"):
        draft.submit(look_alike=True)
    assert posted(session, "/settlements") == before + 1
