"""A service that lies or stammers, and a body of two readings: nothing is signed that an approver did not mean."""

import json
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pandas as pd
import pytest
from writes.conftest import BITCOIN_ACCOUNT, listed_address

import ledgerkit as lk
from ledgerkit.amounts import Unit
from ledgerkit.approvals import Vote
from ledgerkit.drafts import Draft
from ledgerkit.forms import voting
from ledgerkit.forms.approval import ApprovalPanel
from ledgerkit.forms.statement import AmountField, BodyField
from ledgerkit.forms.units import code_for_label, offered
from ledgerkit.sandbox import Sandbox

AMOUNTS = count(70_000_000)
BITCOIN = [{"code": "sat", "magnitude": 0}, {"code": "mBTC", "magnitude": 5}, {"code": "BTC", "magnitude": 8}]
TEN_PLACES = [{"code": "sat", "magnitude": 0}, {"code": "BTC", "magnitude": 10}]


@pytest.fixture(scope="module")
def session() -> Iterator[lk.Session]:
    with lk.connect("sandbox", writes=True, transactions=250) as session:
        yield session


@pytest.fixture
def sandbox(session: lk.Session) -> Iterator[Sandbox]:
    assert session.sandbox is not None
    yield session.sandbox
    session.sandbox.challenges.tamper(None)
    session.sandbox.faults.clear()


@pytest.fixture
def draft(session: lk.Session) -> Draft:
    made: Draft = session.transactions.send(BITCOIN_ACCOUNT, listed_address(session, "bitcoin"), next(AMOUNTS))
    made.submit()
    return made


@pytest.fixture
def show(session: lk.Session) -> Iterator[Callable[[Any], ApprovalPanel]]:
    """Open panels that end with the test."""
    opened: list[ApprovalPanel] = []

    def open_panel(request_id: Any) -> ApprovalPanel:
        opened.append(ApprovalPanel.on(session.requests._connection, request_id))
        return opened[-1].wait()

    yield open_panel
    for panel in opened:
        panel.close()


def answer(sandbox: Sandbox, path: str, body: Any) -> None:
    sandbox.faults.status(200, path=path, method="GET", body=json.dumps(body))


def say_units(sandbox: Sandbox, amounts: Any, fees: Any = None) -> None:
    said = {"amount_units": amounts, "fees_units": amounts if fees is None else fees}
    answer(sandbox, f"/accounts/{BITCOIN_ACCOUNT}/currency", said)


def say_account(session: lk.Session, sandbox: Sandbox, **fields: Any) -> None:
    path = f"/accounts/{BITCOIN_ACCOUNT}"
    answer(sandbox, path, {**session.accounts._connection.transport.request("GET", path).body, **fields})


def amount_of(panel: ApprovalPanel) -> AmountField:
    field = panel.statement.fields["amount"]
    assert isinstance(field, AmountField)
    return field


def compare(panel: ApprovalPanel, amount: str, recipient: str) -> None:
    panel.statement.fields["amount"].write(amount)
    panel.statement.fields["recipient"].write(recipient)
    panel.compare.click()
    panel.wait()


def sign(panel: ApprovalPanel) -> None:
    panel.phrase.value = f"approve {panel.request_id}"
    panel.sign.click()
    panel.wait()


# The scale of what an approver types


@pytest.mark.parametrize(("amounts", "fees"), [(TEN_PLACES, BITCOIN), (BITCOIN, TEN_PLACES)])
def test_units_that_contradict_the_coin_are_not_offered(
    sandbox: Sandbox, draft: Draft, show: Callable[[Any], ApprovalPanel], amounts: Any, fees: Any
) -> None:
    say_units(sandbox, amounts, fees)
    panel = show(draft.request_id)
    assert amount_of(panel).label == "Amount, in base units"
    assert panel.statement.fields["max_fees"].label == "Most fees, in base units"
    assert "lk-problem" in panel.said.value
    assert "10 decimal places of BTC, and the coin of bitcoin has 8" in panel.said.value
    assert f"{draft.payload.amount} base units" in panel.said.value
    compare(panel, "0.007", draft.payload.recipient)  # 70000000 in the units that the service says
    assert panel.state == "failed"
    assert panel.review is None
    compare(panel, str(draft.payload.amount), draft.payload.recipient)
    sign(panel)
    assert panel.state == "done"


def test_units_of_a_coin_that_is_not_known_are_on_the_word_of_the_service(
    session: lk.Session, sandbox: Sandbox, draft: Draft, show: Callable[[Any], ApprovalPanel]
) -> None:
    say_account(session, sandbox, currency="newcoin")
    say_units(sandbox, [{"code": "NEW", "magnitude": 3}])
    panel = show(draft.request_id)
    assert amount_of(panel).label == "Amount, in NEW, on the word of the service, 3 decimal places"
    amount_of(panel).write("1.5")
    assert "title='1500'" in amount_of(panel).shown.value
    assert "NEW of newcoin has 3 decimal places" in amount_of(panel).shown.value


@pytest.mark.parametrize("currency", ["polkadot", "newcoin"])
def test_units_of_another_coin_than_would_be_signed_sign_nothing(
    session: lk.Session, sandbox: Sandbox, draft: Draft, show: Callable[[Any], ApprovalPanel], currency: str
) -> None:
    say_account(session, sandbox, currency=currency)  # polkadot has 10 decimal places
    say_units(sandbox, TEN_PLACES)
    panel = show(draft.request_id)
    typed = f"0.{draft.payload.amount:010d}"  # a hundredth of what is paid, as an approver reads it
    compare(panel, typed, draft.payload.recipient)
    assert panel.state == "failed"
    assert "10 decimal places of BTC, and the coin of bitcoin has 8" in panel.message
    assert panel.phrase.layout.display == "none"
    assert amount_of(panel).label == "Amount, in base units"
    assert amount_of(panel).read() is None
    sign(panel)
    assert panel.vote is None


def test_units_of_an_account_that_is_hidden_are_not_offered(
    sandbox: Sandbox, draft: Draft, show: Callable[[Any], ApprovalPanel]
) -> None:
    sandbox.faults.status(404, path=f"/accounts/{BITCOIN_ACCOUNT}", method="GET")
    assert amount_of(show(draft.request_id)).label == "Amount, in base units"


def test_a_token_has_units_of_its_own_and_fees_of_its_network() -> None:
    account = pd.Series({"type": "Erc20", "currency": "ethereum", "contract_address": "0xA0b8"})
    ether = [{"code": "wei", "magnitude": 0}, {"code": "gwei", "magnitude": 9}, {"code": "ETH", "magnitude": 18}]
    found = offered(account, [{"code": "USDC", "magnitude": 6}], ether)
    assert (found.problem, found.amounts_on_word, found.fees_on_word) == (None, True, False)
    assert [unit["code"] for unit in found.fees] == ["wei", "ETH"]  # how large others are is the word of the service
    assert offered(account, [{"code": "USDC", "magnitude": 6}], ether[:2]).problem


@pytest.mark.parametrize("name", ["token_mint", "contract_address"])
def test_a_token_that_the_service_does_not_speak_of_is_typed_in_base_units(
    draft: Draft, show: Callable[[Any], ApprovalPanel], name: str
) -> None:
    panel = show(draft.request_id)
    amount_of(panel).write("0.5")
    panel.statement.fields[name].write("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48")
    assert amount_of(panel).label == "Amount, in base units"
    assert amount_of(panel).read() is None
    assert "Its unit is another now" in amount_of(panel).shown.value


def test_an_amount_is_not_read_in_a_unit_that_came_after_it(
    session: lk.Session, sandbox: Sandbox, draft: Draft, show: Callable[[Any], ApprovalPanel]
) -> None:
    panel = show(draft.request_id)
    amount_of(panel).write("0.5")
    say_account(session, sandbox, currency="newcoin")
    say_units(sandbox, TEN_PLACES)
    panel.load()
    panel.wait()
    assert amount_of(panel).read() is None


@pytest.mark.parametrize("code", ["$\\text{BTC}$", "\u202eCTB", "BTC\u200b", "B TC", "", "B" * 17, "ВТС"])
def test_a_code_that_a_label_can_not_show_as_it_is_is_in_none(
    sandbox: Sandbox, draft: Draft, show: Callable[[Any], ApprovalPanel], code: str
) -> None:
    assert code_for_label(Unit(code, 8)) is None
    say_units(sandbox, [{"code": code, "magnitude": 8}])
    panel = show(draft.request_id)
    assert amount_of(panel).input.description == "Amount, in base units"
    amount_of(panel).write("50000000")
    assert amount_of(panel).read() == 50_000_000


@pytest.mark.parametrize("code", ["BTC", "USDC.e", "tBTC-2", "wei_1"])
def test_a_plain_code_is_shown_in_labels(code: str) -> None:
    assert code_for_label(Unit(code, 8)) == code
    assert code_for_label(None) is None


# How far a request is


def status_of(**step: Any) -> dict[str, Any]:
    own: dict[str, Any] = {"step_index": 0, "quorum": 1, "group": None, "approvers": [], "approvals": []}
    return {"is_complete": False, "governance_steps": [{**own, **step}], "request": None}


STAMMERED = [
    status_of(approvals=["x"]),
    status_of(approvals=[None, 7, {"type": "APPROVE", "user": "x"}, {"type": "APPROVE", "user": {"id": "x"}}]),
    status_of(approvers=["x", {"id": "one"}, {"id": None}, {"id": [1]}, {"id": True}]),
    status_of(approvals="x", approvers="x"),
]


@pytest.mark.parametrize("said", STAMMERED)
def test_a_vote_that_is_in_is_told_so_whatever_the_service_says_of_its_steps(
    sandbox: Sandbox, draft: Draft, show: Callable[[Any], ApprovalPanel], said: Any
) -> None:
    answer(sandbox, f"/requests/{draft.request_id}/governance-status", said)
    panel = show(draft.request_id)
    assert panel.state == "ready"  # what is said of a request is read as well
    compare(panel, str(draft.payload.amount) + " sat", draft.payload.recipient)
    sign(panel)
    assert panel.state == "done"
    assert panel.message.startswith(f"Your approval of request {draft.request_id} is in")
    assert panel.vote is not None
    assert repr(panel.vote).startswith(f"Your approval of request {draft.request_id} is in")
    # What is a list is told, without what in it can't be read.
    assert ("Step 1: " in panel.steps.value) is (said is not STAMMERED[-1])


def test_a_fault_after_the_vote_is_no_fault_of_the_vote(
    draft: Draft, show: Callable[[Any], ApprovalPanel], monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = show(draft.request_id)
    compare(panel, str(draft.payload.amount) + " sat", draft.payload.recipient)

    def stumble(*_: Any) -> list[str]:
        raise RuntimeError("of a shape that nobody expected")

    monkeypatch.setattr(voting, "told_steps", stumble)
    sign(panel)
    assert panel.state == "done"
    assert panel.message.startswith(f"Your approval of request {draft.request_id} is in")
    assert "How far it is can&#x27;t be read now." in panel.steps.value


def test_a_vote_counts_the_approvals_that_can_be_read() -> None:
    steps = pd.DataFrame(
        {"approvals": [["x", {"type": "APPROVE"}]], "group_id": [pd.NA], "step_index": [0], "quorum": [2]}
    )
    assert "step 0: 1 of 2" in repr(Vote("approve", pd.DataFrame({"id": [1], "status": ["PENDING_APPROVAL"]}), steps))


# The body that was agreed


@pytest.fixture
def body() -> BodyField:
    return BodyField()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"type": "CREATE_MESSAGE_SIGNING", "data": {"a": 1, "a": 2}}', "the key 'a' twice"),
        ('{"type": "A", "type": "B", "data": {}}', "the key 'type' twice"),
        ('{"type": "A", "data": {"a": NaN}}', "NaN is no number"),
        ('{"type": "A", "data": {"a": -Infinity}}', "-Infinity is no number"),
        ('{"type": "A", "data": ' + '{"a": ' * 100_000, "nested too deeply"),
        ('{"type": "A", "data": {"a": ' + "[" * 60 + "]" * 60 + "}}", "nested too deeply"),
    ],
)
def test_a_body_of_two_readings_or_none_is_refused_in_words(body: BodyField, text: str, said: str) -> None:
    body.write(text)
    assert "This can't be read as a body yet." in body.shown.value
    with pytest.raises(lk.errors.InvalidRequest, match="The whole body that was agreed") as caught:
        body.read()
    assert said in str(caught.value)


def test_a_body_is_shown_back_as_it_was_read(body: BodyField) -> None:
    body.write(
        '{\n "type": "CREATE_X",\n "data": {"amount": 1.50, "to": ["$a$ <b>", "1"], "no": {}, "\\u202ex": null}}'
    )
    for line in (
        "type: &quot;CREATE_X&quot;",
        "data.amount: 1.50",
        "data.to[0]: &quot;$a$ &lt;b&gt;&quot;",
        "data.to[1]: &quot;1&quot;",
        "data.no: {}",
        "data.\\u202ex: null",
    ):
        assert line in body.shown.value
    assert "mathjax_ignore" in body.shown.value
    body.clear()
    assert body.shown.value == ""
