"""The forms of all kinds: what is filled in is the payload that code would make, to the last digit, and sent once."""

from collections.abc import Callable
from typing import Any

import pytest
from writes.conftest import listed_address

import ledgerkit as lk
from forms.kinds.filling import CASES, Case, fill, review
from ledgerkit import payloads
from ledgerkit.forms.kinds import KINDS, RequestForm
from ledgerkit.payloads import (
    AccountCreation,
    ForcedUnpledge,
    MessageSigning,
    PledgeIncrement,
    Settlement,
)
from ledgerkit.payments import SENDS
from ledgerkit.resources.requests import with_mark


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_what_is_reviewed_is_what_code_would_make(
    session: lk.Session, opened: Callable[..., RequestForm], case: Case
) -> None:
    form = opened(session, case.kind)
    fill(form, **case.values)

    draft = review(form)

    meant = case.payload
    if draft.mark is not None:
        meant = meant.replace(note=with_mark(meant.values()["note"], draft.mark))
    assert draft.to_json() == meant.to_json()
    assert draft.state == "draft"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_the_copied_code_makes_the_same(session: lk.Session, opened: Callable[..., RequestForm], case: Case) -> None:
    form = opened(session, case.kind)
    fill(form, **case.values)
    reviewed = review(form)
    assert form.current is not None

    copied: dict[str, Any] = {"session": session, "lk": lk}
    exec(form.current.code, copied)  # noqa: S102 - the code of the form, which people run

    body, again = reviewed.to_json(), copied["draft"].to_json()
    if reviewed.mark is not None:
        assert again.pop("note") == {
            name: text.replace(reviewed.mark, copied["draft"].mark) for name, text in body.pop("note").items()
        }
    assert again == body


def test_every_kind_of_payload_is_reached_by_a_form() -> None:
    offered = {one for kind in KINDS.values() for one in kind.payloads}
    paid = {payloads.KINDS[name] for name in SENDS.values()} | {payloads.SolanaLikeSendSplTokenChecked}
    assert {*payloads.KINDS.values()} <= offered | paid
    assert {MessageSigning, AccountCreation, PledgeIncrement, ForcedUnpledge, Settlement} <= offered


def test_what_a_contract_is_called_with_is_compared_with_known_addresses(
    session: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    listed = listed_address(session, "ethereum", 2)
    alike = f"{listed[:8]}{'9' * 30}{listed[-4:]}"
    form = opened(session, "Contract call")
    call = next(one for one in CASES if one.kind == "Contract call")
    fill(form, **{**call.values, "function_arguments": f'{{"spender": "{alike}", "amount": "1"}}'})

    told = [one for one in review(form).checks if one.name == "look-alike"]

    assert [one.verdict for one in told] == ["ok", "problem"]
    assert told[1].text.startswith(f"{alike}: it begins and ends like {listed} (")
