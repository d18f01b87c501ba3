"""The payment form, from the account to what the service has: what was typed is what is sent, once."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import ipywidgets as widgets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from writes.conftest import BITCOIN_ACCOUNT, HurriedClock, listed_address, open_session

import ledgerkit as lk
from ledgerkit.amounts import to_base_units
from ledgerkit.forms.payment import BASE, PaymentForm
from ledgerkit.forms.recipients import Entry
from ledgerkit.forms.workspace import Workspace
from ledgerkit.sandbox import Sandbox

OTHER = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
ETHEREUM_ACCOUNT, XRP_ACCOUNT, STELLAR_ACCOUNT, SOLANA_ACCOUNT = 9, 22, 24, 27
COSMOS_ACCOUNT, TOKEN_ACCOUNT = 31, 34
EVM_ADDRESS = "0x52908400098527886E0F7030069857D2E4169EE7"


@pytest.fixture(scope="module")
def session() -> Iterator[lk.Session]:
    with (
        Sandbox(transactions=60, pace=0) as server,
        open_session(server, sandbox=server, clock=HurriedClock()) as one,
    ):
        yield one


@pytest.fixture
def sandbox(session: lk.Session) -> Iterator[Sandbox]:
    assert session.sandbox is not None
    yield session.sandbox
    session.sandbox.faults.clear()
    session.sandbox.challenges.tamper(None)


@pytest.fixture
def form(session: lk.Session) -> Iterator[PaymentForm]:
    made = PaymentForm(Workspace(session.accounts._connection))
    made.wait()
    yield made
    made.close()


def fill(form: PaymentForm, account: Any = BITCOIN_ACCOUNT, **values: Any) -> None:
    form.entries["account"].write(account)
    form.wait()
    for name, value in values.items():
        form.entries[name].write(value)
    form.wait()


def review(form: PaymentForm) -> None:
    form.review.click()
    form.wait()


def send(form: PaymentForm, *, clicks: int = 1) -> None:
    form.agree.value = True
    for _ in range(clicks):
        form.create.click()
    form.wait()


def posts(sandbox: Sandbox) -> int:
    return sum(seen.method == "POST" and seen.path == "/requests" for seen in sandbox.requests_seen)


def shown(widget: widgets.HTML) -> str:
    return re.sub("<[^>]*>", "", widget.value)


# From the keyboard to the wire


def test_a_payment_is_filled_in_reviewed_and_sent(
    session: lk.Session, sandbox: Sandbox, form: PaymentForm, recipient: str
) -> None:
    before = posts(sandbox)
    fill(form, "BTC Treasury 1", recipient=recipient, amount="0.5", note_title="Invoice 42", note_content="Office")
    assert shown(form.exact) == "= 50000000 base units"
    assert "on whitelist BTC counterparties" in shown(form.of_recipient)
    assert "Well-formed address" in shown(form.of_recipient)
    review(form)
    assert form.step == "review"
    assert form.create.disabled
    for said in ("0.50000000 BTC (50000000 base units)", "whitelist BTC counterparties", "risk LOW", "fees, at most"):
        assert said in shown(form.shown)
    assert recipient in shown(form.shown)
    assert posts(sandbox) == before
    send(form)
    assert (form.step, form.message_kind) == ("sent", "done")
    assert f"Request {form.draft.request_id} was created" in form.message
    assert posts(sandbox) == before + 1
    made = session.transactions.search(title=form.draft.mark).iloc[0]
    assert (made["amount"], made["recipient"]) == (50_000_000, recipient)
    assert made["notes"][0]["title"] == "Invoice 42"


def test_clicks_that_are_queued_send_once(sandbox: Sandbox, form: PaymentForm, recipient: str) -> None:
    before = posts(sandbox)
    fill(form, recipient=recipient, amount="0.011")
    review(form)
    send(form, clicks=3)
    assert form.step == "sent"
    assert posts(sandbox) == before + 1
    send(form, clicks=3)
    form.another.click()
    review(form)
    assert "Account: it is empty" in form.message
    fill(form, recipient=recipient, amount="0.011")  # typed anew, it is seen to have been paid
    review(form)
    assert [one.verdict for one in form.draft.checks if one.name == "double"] == ["problem"]
    send(form, clicks=3)
    assert posts(sandbox) == before + 1


def test_an_edit_makes_another_draft_with_another_mark(sandbox: Sandbox, form: PaymentForm, recipient: str) -> None:
    before = posts(sandbox)
    fill(form, recipient=recipient, amount="0.012")
    review(form)
    send(form)
    first = form.draft.mark
    form.another.click()
    fill(form, recipient=recipient, amount="0.013")
    review(form)
    assert form.draft.mark != first
    send(form)
    assert form.draft.payload.amount == 1_300_000
    assert posts(sandbox) == before + 2
    assert [one.mark for one in form.sent] == [first, form.draft.mark]


def test_what_is_edited_after_the_review_is_reviewed_again(
    sandbox: Sandbox, form: PaymentForm, recipient: str
) -> None:
    before = posts(sandbox)
    fill(form, recipient=recipient, amount="0.014")
    review(form)
    form.agree.value = True
    form.entries["amount"].write("14")
    assert not form.agree.value
    assert "review them again" in form.message
    assert form._review_row.layout.display == "none"
    assert form.shown.value == ""
    send(form, clicks=2)
    assert posts(sandbox) == before


@pytest.mark.parametrize(
    ("amount", "unit", "base"),
    [
        ("0.00000001", None, 1),
        ("1", "sat", 1),
        ("0.1", None, 10_000_000),
        ("1.10", None, 110_000_000),
        ("123456", BASE, 123_456),
        ("0.7 BTC", None, 70_000_000),
    ],
)
def test_amounts_are_sent_to_the_last_digit(
    form: PaymentForm, recipient: str, amount: str, unit: str | None, base: int
) -> None:
    fill(form, recipient=recipient, amount=amount, max_fees="0.001", **({"unit": unit} if unit else {}))
    assert shown(form.exact) == f"= {base} base units"
    review(form)
    sent = form.draft.to_json()["data"]["transaction_data"]
    assert (sent["amount"], sent["max_fees"]) == (str(base), "100000")


def test_an_amount_of_eighteen_places_is_sent_to_the_last_digit(form: PaymentForm) -> None:
    fill(form, ETHEREUM_ACCOUNT, recipient=EVM_ADDRESS, amount="1.000000000000000001")
    review(form)
    assert form.draft.payload.amount == 1_000_000_000_000_000_001


@settings(max_examples=200)
@given(whole=st.integers(0, 10**12), places=st.text("0123456789", max_size=8))
def test_the_amount_that_was_typed_is_the_text_that_is_sent(whole: int, places: str) -> None:
    typed = f"{whole}.{places}" if places else str(whole)
    form = FILLED[0]
    form.entries["amount"].write(typed)
    assert form.read()["amount"] == f"{typed} BTC"
    assert shown(form.exact) == f"= {to_base_units(Decimal(typed), form.source.own)} base units"  # type: ignore[union-attr]  # looked at before


FILLED: list[PaymentForm] = []


@pytest.fixture(autouse=True, scope="module")
def filled(session: lk.Session) -> Iterator[None]:
    """A form whose account is chosen, for what is computed without a call."""
    made = PaymentForm(Workspace(session.accounts._connection))
    fill(made, recipient=listed_address(session, "bitcoin"))
    FILLED[:] = [made]
    yield
    made.close()


def test_copied_code_makes_the_same_payment(session: lk.Session, form: PaymentForm, recipient: str) -> None:
    note = {"note_title": 'It\'s "paid"', "note_content": "in\\full"}
    fill(form, recipient=recipient, amount="0.021", speed="FAST", max_fees="0.0007", **note)
    review(form)
    names: dict[str, Any] = {"session": session, "lk": lk}
    exec(form.code, names)  # noqa: S102 - it is the code that people copy
    assert "draft.submit()" in form.code
    assert names["draft"]._identity == form.draft._identity
    with_mark = names["draft"].to_json()["data"]["transaction_data"]
    assert with_mark == form.draft.to_json()["data"]["transaction_data"]


# While it is typed


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("0.000000001", "has 8 decimal places, and this needs more"),
        ("1,5", "no sign, exponent, comma"),
        ("-1", "no sign"),
        ("1e3", "the unit that is chosen is BTC"),
        ("0.5 mBTC", "the unit that is chosen is BTC"),
    ],
)
def test_an_amount_that_can_not_be_is_told_in_words(
    sandbox: Sandbox, form: PaymentForm, recipient: str, amount: str, said: str
) -> None:
    fill(form, recipient=recipient, amount=amount)
    assert said in shown(form.exact).replace("&#x27;", "'")
    review(form)
    assert form.step == "fields"
    assert (form.message_kind, said in form.message) == ("error", True)
    assert form.entries["amount"].read() == amount


def test_another_account_has_other_units_and_none_is_chosen_for_an_amount_that_stands(
    form: PaymentForm, recipient: str
) -> None:
    fill(form, recipient=recipient, amount="0.5")
    fill(form, ETHEREUM_ACCOUNT)
    assert form.entries["unit"].read() is None
    review(form)
    assert form.message == "Unit: choose one."
    form.entries["unit"].write("ETH")
    assert shown(form.exact) == "= 500000000000000000 base units"


def test_highest_fees_of_one_coin_are_not_those_of_another(form: PaymentForm) -> None:
    fill(form, max_fees="0.002")
    assert form.entries["max_fees"].input.description == "Highest fees, in BTC"  # type: ignore[attr-defined]  # of its own kind of field
    fill(form, BITCOIN_ACCOUNT + 1)
    assert form.entries["max_fees"].read() == "0.002"
    fill(form, ETHEREUM_ACCOUNT)
    assert form.entries["max_fees"].read() is None
    assert form.message_kind == "warning"
    assert form.message.startswith("Highest fees, in ETH: 0.002 was meant in the unit of the account before")


def test_base_units_of_one_account_are_not_those_of_another(form: PaymentForm) -> None:
    fill(form, amount="50000000", unit=BASE)
    fill(form)
    assert form.entries["unit"].read() == BASE
    fill(form, ETHEREUM_ACCOUNT)
    assert form.entries["unit"].read() is None
    assert "Unit: choose one." in shown(form.exact)
    fill(form, SOLANA_ACCOUNT, unit=BASE, token_mint="EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v")
    assert form.entries["unit"].read() is None  # lamports are no units of a token


def test_a_unit_that_a_label_can_not_show_is_none_to_choose(form: PaymentForm, recipient: str) -> None:
    fill(form, recipient=recipient, amount="5", unit=BASE)
    assert form.source is not None
    units: list[Mapping[str, Any]] = [{"code": "$\\alpha$", "magnitude": 8}, {"code": "\u202eCTB", "magnitude": 3}]
    form._show_account(replace(form.source, own=units, of_fees=units))
    assert [one for one, _ in form.entries["unit"].input.options] == ["choose", BASE]  # type: ignore[attr-defined]  # of its own kind of field
    assert form.entries["max_fees"].input.description == "Highest fees, in base units"  # type: ignore[attr-defined]  # of its own kind of field
    form.entries["max_fees"].write("700")
    assert form.read()["max_fees"] == 700
    form.entries["max_fees"].write("0.7")
    with pytest.raises(lk.InvalidRequest, match=r"`max_fees` = '0\.7' can't be used: it is a whole number"):
        form.read()


def test_a_recipient_that_is_no_address_or_on_no_whitelist_is_told(form: PaymentForm) -> None:
    fill(form, recipient=OTHER, amount="0.5")
    assert "NOT WHITELISTED" in shown(form.of_recipient)
    review(form)
    assert "NOT WHITELISTED" in shown(form.shown)
    form.entries["recipient"].write("bc1qnothing")
    form.wait()
    assert "No address of this currency" in shown(form.of_recipient)


def test_a_recipient_is_picked_from_the_whitelists_of_the_account(form: PaymentForm, recipient: str) -> None:
    fill(form)
    label = next(one for one, entry in form.source.entries.items() if entry.address == recipient)  # type: ignore[union-attr]  # looked at before
    form.picker.input.value = label
    form.wait()
    assert form.entries["recipient"].read() == recipient
    assert form.known is not None
    assert form.known.listed


def test_a_recipient_without_a_tag_does_not_get_that_of_the_one_before(
    session: lk.Session, form: PaymentForm
) -> None:
    fill(form, XRP_ACCOUNT)
    address = listed_address(session, "ripple", 4)
    form.picker.offer({"Tagged": Entry(address, 100417), "Untagged": Entry(address)})
    form.picker.input.value = "Tagged"
    assert form.entries["tag"].read() == "100417"
    form.picker.input.value = "Untagged"
    assert (form.entries["recipient"].read(), form.entries["tag"].read()) == (address, None)


def test_what_is_left_in_the_box_of_whitelists_is_told(form: PaymentForm, recipient: str) -> None:
    fill(form, recipient=recipient, amount="0.5")
    form.picker.input.value = "Nobody at all"
    review(form)
    assert "pick one, or empty the box" in form.message


def test_a_review_does_not_overtake_the_account(form: PaymentForm, recipient: str) -> None:
    form.entries["account"].write(BITCOIN_ACCOUNT)
    form.entries["recipient"].write(recipient)
    form.entries["amount"].write("0.5")
    form.review.click()
    assert "it is being looked up" in form.message
    form.wait()
    review(form)
    assert form.step == "review"
    assert "0.50000000 BTC" in form.text()


def test_names_that_can_not_be_had_leave_ids(session: lk.Session, sandbox: Sandbox, recipient: str) -> None:
    session.accounts._connection.memory.frames.clear()
    sandbox.faults.status(403, path="/accounts", method="GET")
    form = PaymentForm(Workspace(session.accounts._connection))
    form.wait()
    assert "type the id of one" in form.message
    sandbox.faults.clear()
    fill(form, str(BITCOIN_ACCOUNT), recipient=recipient, amount="0.5")
    review(form)
    assert form.step == "review"
    form.close()


# What only some take


def test_a_tag_goes_with_xrp_and_leaves_with_it(session: lk.Session, form: PaymentForm) -> None:
    fill(form, XRP_ACCOUNT, recipient=listed_address(session, "ripple", 4), amount="20", tag="100417")
    assert "on whitelist XRP counterparties" in shown(form.of_recipient)
    form.entries["tag"].write("7")
    form.wait()
    assert "NOT WHITELISTED with this tag" in shown(form.of_recipient)
    form.entries["tag"].write("100417")
    review(form)
    assert form.draft.payload.tag == 100417
    assert "tag100417" in shown(form.shown)
    form.back.click()
    fill(form, BITCOIN_ACCOUNT)
    assert form.entries["tag"].read() is None
    assert form.entries["tag"].widget.layout.display == "none"


def test_a_memo_of_stellar_has_a_type(form: PaymentForm) -> None:
    fill(form, STELLAR_ACCOUNT, recipient="GBRPYHIL2CI3FNQ4BXLFMNDLFJUNPU2HY3ZMFSHONUCEOASW7QC7OX2H", amount="3")
    form.entries["memo"].write("18446744073709551615")
    review(form)
    assert "give its type and the memo" in form.message
    form.entries["memo_type"].write("Number (ID)")
    review(form)
    assert form.draft.payload.memo == lk.payloads.MemoId(2**64 - 1)


def test_a_token_of_solana_is_written_in_base_units_and_has_no_ceiling(form: PaymentForm) -> None:
    mint = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
    fill(form, SOLANA_ACCOUNT, recipient="9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM", token_mint=mint)
    assert form.entries["max_fees"].widget.layout.display == "none"
    assert [one for one, _ in form.entries["unit"].input.options] == ["choose", BASE]  # type: ignore[attr-defined]  # of its own kind of field
    fill(form, SOLANA_ACCOUNT, amount="250000", unit=BASE, max_priority_fee="5000")
    review(form)
    payload = form.draft.payload
    assert (payload.token_mint, payload.amount, payload.max_priority_fee) == (mint, 250_000, 5000)


def test_a_token_account_pays_its_token(session: lk.Session, form: PaymentForm) -> None:
    fill(form, TOKEN_ACCOUNT, recipient=listed_address(session, "ethereum", 2), amount="12.5")
    review(form)
    assert form.draft.payload.amount == 12_500_000
    assert form.draft.payload.contract_address == session.accounts.get(TOKEN_ACCOUNT)["contract_address"].iloc[0]
    assert "12.500000 USDC (12500000 base units)" in shown(form.shown)


def test_an_account_without_a_documented_payment_says_so(form: PaymentForm) -> None:
    fill(form, COSMOS_ACCOUNT, recipient="cosmos1qqq", amount="1", unit=BASE)
    assert "documents no payment for accounts of type Cosmos" in shown(form.of_account)
    review(form)
    assert "the API documents no payment for it" in form.message


# What stops it


def test_problems_stop_it(sandbox: Sandbox, form: PaymentForm, recipient: str) -> None:
    before = posts(sandbox)
    fill(form, recipient=recipient, amount="900000")
    review(form)
    assert "It can't be sent as it is" in form.message
    assert "are available" in form.message
    assert form.agree.layout.display == form.create.layout.display == "none"
    send(form, clicks=2)
    assert posts(sandbox) == before


def test_a_session_that_reads_only_says_so_and_reviews(sandbox: Sandbox, session: lk.Session, recipient: str) -> None:
    with lk.Session(session._credentials, base_url=sandbox.url) as reader:
        form = PaymentForm(Workspace(reader.accounts._connection))
        assert "reads only" in shown(form.reads_only)
        fill(form, recipient=recipient, amount="0.5")
        before = posts(sandbox)
        review(form)
        assert "0.50000000 BTC" in shown(form.shown)
        send(form)
        assert posts(sandbox) == before
        form.close()


def test_the_same_payment_again_is_refused_until_a_second_is_meant(
    sandbox: Sandbox, session: lk.Session, form: PaymentForm, recipient: str
) -> None:
    fill(form, recipient=recipient, amount="0.031")
    assert form.again.layout.display == "none"
    review(form)
    send(form)
    before = posts(sandbox)
    other = PaymentForm(Workspace(session.accounts._connection))
    fill(other, recipient=recipient, amount="0.031")
    review(other)
    assert "is of the same amount to the same address" in other.message
    assert other.again.layout.display is None
    send(other)
    assert posts(sandbox) == before
    other.back.click()
    other.again.value = True
    review(other)
    send(other)
    assert other.step == "sent"
    assert not other.again.value
    assert posts(sandbox) == before + 1
    other.close()


def test_a_refusal_of_the_service_is_shown_and_the_fields_stay(
    sandbox: Sandbox, form: PaymentForm, recipient: str
) -> None:
    fill(form, recipient=recipient, amount="0.041")
    review(form)
    sandbox.faults.status(400, path="/requests", method="POST", times=1)
    send(form)
    assert (form.step, form.message_kind) == ("fields", "error")
    assert form.entries["amount"].read() == "0.041"
    assert form.sent == []
    review(form)
    send(form)
    assert form.step == "sent"


# An answer that was lost


def test_a_lost_answer_is_said_and_what_was_sent_is_found(
    sandbox: Sandbox, form: PaymentForm, recipient: str
) -> None:
    before = posts(sandbox)
    fill(form, recipient=recipient, amount="0.051")
    review(form)
    sandbox.faults.drop(path="/requests", method="POST", times=1, answered=True)
    send(form, clicks=2)
    assert (form.step, form.message_kind) == ("unknown", "error")
    assert "is not known" in shown(form.lost)
    assert form._look_row.layout.display is None
    assert form._fields_box.layout.display == form._review_row.layout.display == "none"
    form.entries["amount"].write("0.052")  # nothing that is typed now makes another
    for button in (form.create, form.review, form.back):
        button.click()
    form.wait()
    assert form.step == "unknown"
    assert posts(sandbox) == before + 1
    form.look.click()
    form.wait()
    assert (form.step, form.message_kind) == ("sent", "done")
    assert form.draft.request_id is not None
    assert posts(sandbox) == before + 1


def test_a_page_of_a_gateway_in_place_of_the_answer_is_no_refusal(
    sandbox: Sandbox, form: PaymentForm, recipient: str
) -> None:
    before = posts(sandbox)
    fill(form, recipient=recipient, amount="0.053")
    review(form)
    page = "<html><title>Blocked</title></html>"
    sandbox.faults.status(403, path="/requests", method="POST", times=1, answered=True, body=page)
    send(form)
    assert form.step == "unknown"
    assert "its answer was lost" in form.message
    form.look.click()
    form.wait()
    assert form.step == "sent"
    assert posts(sandbox) == before + 1


def test_what_was_looked_for_and_not_found_is_not_sent_again_unasked(
    sandbox: Sandbox, form: PaymentForm, recipient: str
) -> None:
    fill(form, recipient=recipient, amount="0.061")
    review(form)
    sandbox.faults.drop(path="/requests", method="POST", times=1)
    send(form)
    assert form.step == "unknown"
    form.look.click()
    form.wait()
    assert form.message.startswith("Not found")
    before = posts(sandbox)
    form.back.click()
    review(form)
    assert "this was sent from here, with an outcome unknown" in form.message
    form.again.value = True
    review(form)
    send(form)
    assert form.step == "sent"
    assert posts(sandbox) == before + 1


# What comes next


def test_the_own_request_is_approved_with_the_draft(
    session: lk.Session, sandbox: Sandbox, form: PaymentForm, recipient: str
) -> None:
    fill(form, recipient=recipient, amount="0.071")
    review(form)
    send(form)
    request = form.draft.request_id
    form.approve.click()
    panel = form.below.children[0]
    panel.wait()
    panel.compare.click()
    panel.wait()
    panel.phrase.value = f"approve {request}"
    in_flight: list[bool] = []
    form.observe(lambda change: in_flight.append(change.new), "sending")
    panel.sign.click()
    panel.wait()
    assert in_flight == [True, False]
    assert "Your approval" in panel.message
    assert form.message == ""  # it is told once
    assert session.requests.get(request)["status"].iloc[0] == "PENDING_APPROVAL"
    form.follow.click()
    progress = form.below.children[0]
    sandbox.colleagues.approve(request, count=2)
    progress.wait()
    assert (progress.state, progress.status) == ("done", "APPROVED")


def test_a_lost_vote_on_the_own_request_stays_until_it_was_looked_for(
    sandbox: Sandbox, form: PaymentForm, recipient: str
) -> None:
    fill(form, recipient=recipient, amount="0.075")
    review(form)
    send(form)
    request = form.draft.request_id
    form.approve.click()
    panel = form.below.children[0]
    panel.wait()
    panel.compare.click()
    panel.wait()
    sandbox.faults.drop(answered=True, path=f"/requests/{request}/approve", method="POST")
    panel.phrase.value = f"approve {request}"
    panel.sign.click()
    panel.wait()
    sandbox.faults.clear()
    assert (form.sending, form.unsettled) == (False, True)
    for button in (form.follow, form.approve, form.another):
        button.click()
        assert "look for it there first" in form.message
    form.entries["amount"].write("0.076")
    assert (form.step, form.below.children) == ("sent", (panel,))
    panel.look.click()
    panel.wait()
    assert not form.unsettled
    form.another.click()
    assert (form.step, form.below.children) == ("fields", ())


def test_a_challenge_of_something_else_is_not_signed(sandbox: Sandbox, form: PaymentForm, recipient: str) -> None:
    fill(form, recipient=recipient, amount="0.081")
    review(form)
    send(form)

    def tamper(challenge: Any) -> Any:
        challenge["data"]["transaction_data"]["recipient"] = OTHER
        return challenge

    sandbox.challenges.tamper(tamper)
    form.approve.click()
    panel = form.below.children[0]
    panel.wait()
    panel.compare.click()
    panel.wait()
    assert panel.message_kind == "error"
    assert "not what was meant" in panel.message
    assert panel.phrase.layout.display == "none"
    panel.phrase.value = f"approve {form.draft.request_id}"
    panel.sign.click()
    panel.wait()
    assert not [one for one in sandbox.requests_seen if one.path == f"/requests/{form.draft.request_id}/approve"]


def test_following_can_be_stopped(form: PaymentForm, recipient: str) -> None:
    fill(form, recipient=recipient, amount="0.091")
    review(form)
    send(form)
    form.follow.click()
    progress = form.below.children[0]
    while not progress.status:
        progress.work._take(*progress.work._done.get(timeout=10))
    assert "Pending approval" in shown(progress.shown)
    progress.stop.click()
    assert progress.state == "stopped"
    assert not progress.work.running


def test_nothing_is_left_of_a_form_that_was_closed(session: lk.Session, recipient: str) -> None:
    PaymentForm(Workspace(session.accounts._connection)).close()  # the style sheet, once
    before = set(widgets.widget._instances)
    form = PaymentForm(Workspace(session.accounts._connection))
    fill(form, recipient=recipient, amount="0.101")
    review(form)
    send(form)
    form.approve.click()
    form.close()
    assert set(widgets.widget._instances) <= before


def test_text_of_the_service_is_no_html(form: PaymentForm) -> None:
    fill(form, recipient="<img src=x onerror=alert(1)>", amount="0.5")
    review(form)
    assert "<img" not in form.of_recipient.value + form.shown.value + form.exact.value


@pytest.mark.parametrize("account", [5, 6, 8, 12, 15, 18, 20, 21, 24, 25, 26, 27, 29, 42, 48, 49])
def test_an_account_of_any_family_is_paid_from(form: PaymentForm, account: int) -> None:
    fill(form, account)
    assert form.source is not None
    form.picker.input.value = next(iter(form.source.entries))
    fill(form, account, amount="1.5")
    review(form)
    unit = max(form.source.own, key=lambda one: one["magnitude"])
    assert form.step == "review", form.message
    assert form.draft.payload.amount == 15 * 10 ** (unit["magnitude"] - 1)
    assert form.draft.payload.account_id == account
    assert "NOT WHITELISTED" not in form.shown.value


def test_an_amount_without_a_unit_asks_for_one_at_once_and_at_the_unit(form: PaymentForm, recipient: str) -> None:
    fill(form, recipient=recipient, amount="0.5")
    form.entries["unit"].write(None)
    assert "Unit: choose one." in shown(form.exact)
    review(form)
    assert form.message == "Unit: choose one."
    assert "lk-wrong" in form.entries["unit"].widget._dom_classes


def test_a_review_says_amounts_once_and_folds_the_base_units(form: PaymentForm, recipient: str) -> None:
    fill(form, recipient=recipient, amount="0.5", note_title="Invoice 43", speed="FAST")
    review(form)
    read, folded = form.shown.value.split("<details>", 1)
    assert "base units of bitcoin" in folded
    assert "base units of bitcoin" not in read
    for told in ("Not paid before", "0.50000000 BTC", "Invoice 43", "speed FAST"):
        assert told in read
