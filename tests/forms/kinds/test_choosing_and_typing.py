"""Changing the kind, what was typed wrong, and amounts as they are typed."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import ipywidgets as widgets
import pytest

import ledgerkit as lk
from forms.kinds.filling import (
    CASES,
    DAI,
    NOTE,
    fill,
    posted,
    review,
    send,
)
from ledgerkit.amounts import to_base_units
from ledgerkit.forms.base import close_all
from ledgerkit.forms.kinds import KINDS, PAYMENT, RequestForm
from ledgerkit.forms.kinds.base import Kind
from ledgerkit.forms.kinds.form import KindForm
from ledgerkit.forms.kinds.inputs import AmountField, JsonField
from ledgerkit.forms.style import style


def test_account_and_note_stay_when_the_kind_changes_and_a_review_does_not(
    session: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    form = opened(session, "Contract call")
    fill(form, **CASES[0].values)
    review(form)

    form.choose("Pledge: more or less")
    form.choose("Message signing")
    form.wait()

    assert form.current is not None
    entries = form.current.entries
    assert (form.current.step, form.draft) == ("fields", None)
    assert [entries[name].read() for name in ("account_id", *NOTE)] == [10, "T-42", "Two\nlines"]

    form.choose(PAYMENT)
    form.wait()
    assert form.current.entries["account"].read() == 10


def test_a_kind_that_is_not_known_is_refused_with_those_that_are(session: lk.Session) -> None:
    with pytest.raises(lk.InvalidRequest, match=r"`kind` = 'Loan'.*Payment, Contract call"):
        session.requests.new_form("Loan")


# What was typed wrong


@pytest.mark.parametrize(
    ("kind", "values", "told"),
    [
        ("Contract call", {"account_id": None}, "Account is missing"),
        ("Contract call", {"recipient": None}, "To is missing"),
        ("Contract call", {"account_id": 1}, "BTC Treasury 1 is of type Bitcoin"),
        ("Contract call", {"amount": "0.0000000000000000001 ETH"}, "ETH has 18 decimal places"),
        ("Contract call", {"amount": "1 BTC"}, "the account has no unit 'BTC'"),
        ("Contract call", {"amount": "-1 ETH"}, "no sign"),
        ("Contract call", {"amount": "1e18 ETH"}, "exponent"),
        ("Contract call", {"recipient": "0x6B17...1d0F"}, "cut for display"),
        ("Contract call", {"function_arguments": '{"to": 1.5}'}, "by the abi, approve takes"),
        ("Contract call", {"function_arguments": '{"to": "1", "to": "2"}'}, "stands in it twice"),
        ("Contract call", {"function_arguments": "{to}"}, "it takes JSON"),
        ("Contract call", {"contract_data": "0xa9059cbb"}, "given twice"),
        ("Contract call", {"gas_limit": "90000"}, "not said in whole"),
        ("Contract call", {"speed": "FAST", "gas_limit": "90000"}, "both given"),
        ("Contract deployment", {"encoded_contract_bytecode": "6080"}, "hexadecimal digits after 0x"),
        ("Polkadot: bond more", {"amount": "0 DOT"}, "it would do nothing"),
        ("Polkadot: bond more", {"amount": "99999999999 DOT"}, "are available"),
        ("Polkadot: where rewards go", {"payee": None}, "Rewards go to is missing"),
        ("Message signing", {"raw_message": "  "}, "Message is missing"),
        ("Message signing", {"note_title": None, "note_content": "x"}, "Note is missing"),
        ("Account", {"name": "A name that is much too long"}, "more than 19"),
        ("Account", {"index": "x"}, "it takes an integer"),
        ("Account", {"contract_address": DAI}, "both given for a token"),
        ("Pledge: more or less", {"direction": None}, "Direction is missing"),
        ("Pledge: more or less", {"amount": "0 BTC"}, "it would change nothing"),
        ("Pledge: more or less", {"pledge_subaccount_id": 999}, "999"),
    ],
)
def test_wrong_input_is_told_in_words_and_stays(
    session: lk.Session, opened: Callable[..., RequestForm], kind: str, values: Mapping[str, Any], told: str
) -> None:
    [case] = [one for one in CASES if one.kind == kind]
    form = opened(session, kind)
    fill(form, **{**case.values, **values})
    assert form.current is not None
    before = posted(session, "/requests")

    form.current.review.click()
    form.wait()

    assert told in form.message
    assert form.message_kind == "error"
    send(form)
    assert posted(session, "/requests") == before
    for name, value in values.items():
        if value is not None and not isinstance(value, int):
            assert str(value).strip() in str(form.current.entries[name].widget)


# Amounts, as they are typed


def units(*codes: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"code": code, "magnitude": magnitude} for code, magnitude in codes]


def test_the_exact_base_units_stand_beside_an_amount() -> None:
    field = AmountField("amount", "Amount")
    field.offer(units(("wei", 0), ("ETH", 18)))
    field.write("0.5")
    assert "= 500000000000000000 base units" in re.sub("<[^>]*>", "", field.beside.value)
    assert field.read() == "0.5 ETH"
    field.write("0.0000000000000000001")
    assert "decimal places" in field.beside.value


def test_a_number_without_a_unit_is_refused_and_another_account_asks_for_its_unit_anew() -> None:
    field = AmountField("amount", "Amount")
    field.write("0.5")
    with pytest.raises(lk.InvalidRequest, match="choose its unit"):
        field.read()
    field.offer(units(("BTC", 8)))
    assert field.read() == "0.5 BTC"
    field.offer(units(("ETH", 18)))  # half a bitcoin does not become half an ether
    with pytest.raises(lk.InvalidRequest, match="choose its unit"):
        field.read()


def test_an_amount_of_any_size_is_shown_with_all_its_digits() -> None:
    field = AmountField("max_fees", "At most for fees")
    field.offer(units(("wei", 0), ("ETH", 18)))
    field.show(2**128)
    assert field.read() == "340282366920938463463.374607431768211456 ETH"


def test_json_is_read_without_floats() -> None:
    field = JsonField("meta", "Object")
    field.write('{"a": 123456789012345678901234567890}')
    assert field.read() == {"a": 123456789012345678901234567890}
    field.write('{"a": NaN}')
    with pytest.raises(lk.InvalidRequest, match="no number of JSON"):
        field.read()


def test_fees_are_estimated_and_the_ceiling_can_be_changed(
    session: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    form = opened(session, "Contract call")
    values = dict(CASES[0].values)
    del values["max_fees"]
    fill(form, **values)
    estimate = session.transactions.estimate_fees(CASES[0].payload)["max_fees"].iloc[0]

    assert review(form).payload.max_fees == estimate  # left empty, it is the estimate

    assert isinstance(form.current, KindForm)
    form.current.back.click()
    form.current.estimate.click()
    form.wait()
    assert "what the service estimates" in form.message
    ceiling = form.current.entries["max_fees"]
    assert to_base_units(ceiling.read(), [{"code": "ETH", "magnitude": 18}]) == estimate
    ceiling.write("9")
    assert "times the estimate" in str(review(form))


def test_only_accounts_that_a_kind_can_be_used_with_are_offered(
    session: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    form = opened(session, "Polkadot: unbond")
    assert form.current is not None
    field = form.current.entries["account_id"]
    assert set(field.widget.children[0].options) == {"WND Test", "DOT Staking"}


def test_as_text_a_form_of_all_kinds_says_so_and_which_kind_is_chosen(
    session: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    assert repr(opened(session)).startswith("Create a request: Payment · SANDBOX · ready")
    assert repr(opened(session, "Settlement")).startswith("Create a request: Settlement · SANDBOX · ready")


def test_a_form_ends_with_all_its_widgets(session: lk.Session) -> None:
    style()
    before = set(widgets.widget._instances)
    form = session.requests.new_form("Contract call").wait()
    form.choose("Settlement")
    form.wait()
    form.close()
    assert set(widgets.widget._instances) == before


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_field_has_a_label_a_tooltip_and_no_number_widget(kind: Kind) -> None:
    def inputs(widget: widgets.Widget) -> Iterator[widgets.Widget]:
        for one in getattr(widget, "children", ()):
            yield from inputs(one)
        if isinstance(widget, widgets.Text | widgets.Textarea | widgets.Dropdown | widgets.Combobox):
            yield widget
        assert not isinstance(widget, widgets.widget_float._Float | widgets.widget_int._Int)

    made = kind.fields()
    assert len({field.name for field in made}) == len(made)
    for field in made:
        assert field.name not in ("account_name", "exchange_name")  # looked up, never typed
        for one in inputs(field.widget):
            assert one.description
            assert one.tooltip
        close_all(field.widget)


def test_an_account_that_another_kind_can_not_use_is_dropped(
    session: lk.Session, opened: Callable[..., RequestForm]
) -> None:
    form = opened(session, "Polkadot: unbond")
    fill(form, account_id=29)
    form.choose("Polkadot: bond more")
    form.wait()
    assert form.current is not None
    assert form.current.entries["account_id"].read() == 29
    form.choose("Contract call")
    form.wait()
    assert form.current.entries["account_id"].read() is None


def test_a_vote_below_that_is_not_settled_keeps_the_kind(
    session: lk.Session, opened: Callable[..., RequestForm], monkeypatch: pytest.MonkeyPatch
) -> None:
    form = opened(session, "Message signing")
    current = form.current
    monkeypatch.setattr(KindForm, "unsettled", True)
    form.choose("Contract call")
    assert form.unsettled
    assert (form.kind.value, form.current) == ("Message signing", current)
    assert "is settled first" in form.message
