"""Approving from a form: nothing is signed that was not compared, shown and confirmed, and nothing twice."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import ipywidgets as widgets
import pytest
from writes.conftest import BITCOIN_ACCOUNT, listed_address, submitted

import ledgerkit as lk
from forms.kernel import kernel
from ledgerkit import payloads
from ledgerkit.drafts import Draft
from ledgerkit.forms.approval import ApprovalPanel
from ledgerkit.forms.statement import Statement
from ledgerkit.forms.style import style
from ledgerkit.forms.units import Offered
from ledgerkit.sandbox import Sandbox

OTHER = "18sCtg3d3RzsYGa12ojzrv522UxUPXPYva"
# No two payments of this module are alike: a session does not send the same twice.
AMOUNTS = count(50_000_000)


@pytest.fixture(scope="module")
def session() -> Iterator[lk.Session]:
    with lk.connect("sandbox", writes=True, transactions=250) as session:
        yield session


@pytest.fixture
def sandbox(session: lk.Session) -> Iterator[Sandbox]:
    assert session.sandbox is not None
    yield session.sandbox
    session.sandbox.challenges.tamper(None)
    session.sandbox.challenges.shape = "documented"
    session.sandbox.faults.clear()


@pytest.fixture
def draft(session: lk.Session) -> Draft:
    return submitted(session, next(AMOUNTS), note="Invoice 42")


@pytest.fixture
def show() -> Iterator[Callable[..., ApprovalPanel]]:
    """Open panels that end with the test."""
    opened: list[ApprovalPanel] = []

    def open_panel(session: lk.Session, request_id: int, intent: Any = None) -> ApprovalPanel:
        panel = ApprovalPanel.on(session.requests._connection, request_id, intent)
        opened.append(panel)
        return panel.wait()

    yield open_panel
    for panel in opened:
        panel.close()


@pytest.fixture
def panel(session: lk.Session, request_id: int, show: Callable[..., ApprovalPanel]) -> ApprovalPanel:
    """The panel of a payment, for an approver who has no draft of it."""
    return show(session, request_id)


def state(panel: ApprovalPanel, **stated: str) -> None:
    for name, text in stated.items():
        panel.statement.fields[name].write(text)


def compare(panel: ApprovalPanel, **stated: str) -> None:
    state(panel, **stated)
    panel.compare.click()
    panel.wait()


def is_shown(widget: widgets.Widget) -> bool:
    return bool(widget.layout.display != "none")


def in_bitcoin(draft: Draft) -> str:
    return f"0.{draft.payload.amount:08d}"


def votes(session: lk.Session, request_id: int) -> list[str]:
    assert session.sandbox is not None
    ends = (f"/requests/{request_id}/approve", f"/requests/{request_id}/reject")
    return [one.path for one in session.sandbox.requests_seen if one.method == "POST" and one.path.endswith(ends)]


def test_what_was_stated_is_compared_confirmed_signed_and_posted(
    session: lk.Session, panel: ApprovalPanel, draft: Draft, recipient: str, request_id: int
) -> None:
    assert "on its word alone" in panel.said.value
    compare(panel, amount=in_bitcoin(draft), recipient_end=recipient[-8:])
    assert "2 fields are as you stated" in panel.shown.value
    assert f"amount <span class='lk-amount' title='{draft.payload.amount} base units'>" in panel.shown.value
    assert recipient in panel.shown.value  # whole, in what would be signed
    assert repr(panel.review) in panel.text()
    assert panel.phrase.description == f"Type 'approve {request_id}' to sign"
    panel.phrase.value = f"approve {request_id}"
    panel.sign.click()
    assert panel.sending
    assert panel.phrase.value == ""
    panel.wait()
    assert (panel.state, panel.sending) == ("done", False)
    assert (
        panel.message == f"Your approval of request {request_id} is in. It now waits for 2 approvals of Management."
    )
    assert "Approved by api-operator" in panel.steps.value
    assert votes(session, request_id) == [f"/requests/{request_id}/approve"]
    assert [field.read() for field in panel.statement.fields.values()] == [None] * len(panel.statement.fields)
    assert not is_shown(panel.actions)


def test_what_a_bitcoin_payment_has_not_is_folded_away_and_still_compared(
    panel: ApprovalPanel, draft: Draft, recipient: str
) -> None:
    fields = panel.statement.fields
    assert [fields[name].widget for name in ("tag", "memo", "memo_kind", "contract_address", "token_mint")] == list(
        panel.statement.folded.children[0].children
    )
    assert panel.statement.folded.selected_index is None
    assert panel.body_box.selected_index is None
    assert fields["recipient_end"].input.placeholder == "its last 8 characters or more"  # type: ignore[attr-defined]  # a TextField
    compare(panel, amount=in_bitcoin(draft), recipient=recipient, tag="5")
    assert "Do not sign it" in panel.message


@pytest.mark.parametrize("typed", ["fUxUPXPYva", "18sCtg3d3RzsYGa12ojzrv522 UxUPXPYva"])
def test_what_is_no_whole_address_is_told_before_it_is_compared(
    panel: ApprovalPanel, draft: Draft, typed: str
) -> None:
    compare(panel, amount=in_bitcoin(draft), recipient=typed)
    assert panel.state == "failed"
    assert "is no whole address of an account of type Bitcoin" in panel.message
    assert panel.review is None


def test_every_listed_address_is_a_whole_one(session: lk.Session) -> None:
    accounts = session.accounts.search().drop_duplicates(["type", "currency"])
    lists = lk.explode(session.whitelists.search(), "addresses")
    statement = Statement()
    read = set()
    for kind, currency in zip(accounts["type"], accounts["currency"], strict=True):
        statement.use(Offered(), kind)
        for address in lists.loc[lists["addresses_currency"] == currency, "addresses_address"]:
            statement.fields["recipient"].write(address)
            assert statement.read() == {"recipient": address}
            read.add(kind)
    statement.box.close()
    assert {"Bitcoin", "Ethereum", "Ripple", "Solana", "Stellar", "Trc20"} <= read


def test_of_a_type_without_documented_payments_all_is_asked_for() -> None:
    statement = Statement()
    statement.use(Offered(), "Cosmos")
    assert statement.folded.layout.display == "none"
    assert statement.folded.children[0].children == ()


def test_enter_in_the_phrase_says_which_button_signs(
    session: lk.Session, panel: ApprovalPanel, draft: Draft, recipient: str, request_id: int
) -> None:
    compare(panel, amount=in_bitcoin(draft), recipient=recipient)
    panel.phrase.value = f"approve {request_id}"
    panel.phrase._handle_custom_msg({"event": "submit"}, [])
    assert panel.message == "Enter signs nothing: press 'Sign and approve'."
    assert votes(session, request_id) == []
    panel.sign.click()
    panel.wait()
    assert panel.state == "done"


def test_fields_begin_empty_whatever_the_service_says(panel: ApprovalPanel) -> None:
    assert [field.read() for field in panel.statement.fields.values()] == [None] * len(panel.statement.fields)


def test_with_the_draft_nothing_is_asked_but_the_phrase(
    session: lk.Session, draft: Draft, request_id: int, show: Callable[..., ApprovalPanel]
) -> None:
    panel = show(session, request_id, draft)
    assert not is_shown(panel.statement.box)
    compare(panel)
    assert "All 7 signed fields are as meant; " in panel.shown.value
    panel.phrase.value = f"approve {request_id}"
    panel.sign.click()
    panel.wait()
    assert panel.state == "done"
    assert len(votes(session, request_id)) == 1


def test_a_draft_of_another_request_compares_nothing(
    session: lk.Session, recipient: str, request_id: int, show: Callable[..., ApprovalPanel]
) -> None:
    other = session.transactions.send(BITCOIN_ACCOUNT, recipient, next(AMOUNTS))
    panel = show(session, request_id, other)
    compare(panel)
    assert panel.state == "failed"
    assert "this draft was not sent" in panel.message
    assert not is_shown(panel.phrase)


@pytest.mark.parametrize(
    ("typed", "base_units"),
    [
        ("0.5", "50000000"),
        ("0.5 BTC", "50000000"),
        ("50000000 sat", "50000000"),
        ("123456789", "12345678900000000"),
    ],
)
def test_base_units_are_shown_while_an_amount_is_typed(panel: ApprovalPanel, typed: str, base_units: str) -> None:
    field = panel.statement.fields["amount"]
    assert field.label == "Amount, in BTC"
    state(panel, amount=typed)
    assert f"title='{base_units}'" in field.shown.value  # type: ignore[attr-defined]  # an AmountField
    assert field.read() == int(base_units)


@pytest.mark.parametrize("typed", ["0,5", "1e8", "-1", "0.5 ETH", "0.000000001", "½", "\u0660.5"])
def test_what_is_no_exact_amount_is_refused_in_the_form(
    session: lk.Session, panel: ApprovalPanel, request_id: int, recipient: str, typed: str
) -> None:
    compare(panel, amount=typed, recipient=recipient)
    assert panel.state == "failed"
    assert "Amount, in BTC" in panel.message
    assert "can't be used" in panel.message
    assert panel.review is None


def test_an_amount_alone_compares_nothing(panel: ApprovalPanel) -> None:
    compare(panel, amount="0.5")
    assert panel.state == "failed"
    assert panel.message.startswith("State at least the amount and the end of the recipient")
    assert panel.review is None


@pytest.mark.parametrize(
    "wrong", [{"amount": "0.6"}, {"recipient": OTHER}, {"max_fees": "7 BTC"}, {"currency": "litecoin"}, {"tag": "5"}]
)
def test_a_statement_that_differs_is_shown_and_asks_for_no_phrase(
    session: lk.Session, panel: ApprovalPanel, draft: Draft, recipient: str, request_id: int, wrong: dict[str, str]
) -> None:
    compare(panel, **{"amount": in_bitcoin(draft), "recipient": recipient, **wrong})
    assert panel.state == "failed"
    assert "Do not sign it" in panel.message
    assert "DIFFERS" in panel.shown.value or "MISSING" in panel.shown.value
    assert not is_shown(panel.phrase)
    panel.phrase.value = f"approve {request_id}"
    panel.sign.click()
    assert not panel.sending
    assert votes(session, request_id) == []


def test_a_tampered_challenge_differs_and_asks_for_no_phrase(
    session: lk.Session, sandbox: Sandbox, draft: Draft, request_id: int, show: Callable[..., ApprovalPanel]
) -> None:
    def tamper(challenge: Any) -> Any:
        challenge["data"]["transaction_data"]["recipient"] = OTHER
        return challenge

    sandbox.challenges.tamper(tamper)
    panel = show(session, request_id, draft)
    compare(panel)
    assert "DIFFERS" in panel.shown.value
    assert OTHER in panel.shown.value
    assert draft.payload.recipient in panel.shown.value
    assert "1 of" in panel.shown.value
    assert not is_shown(panel.phrase)
    panel.phrase.value = f"approve {request_id}"
    panel.sign.click()
    assert not panel.sending
    assert votes(session, request_id) == []


def test_what_is_signed_is_what_was_shown_and_no_later_challenge(
    session: lk.Session, sandbox: Sandbox, panel: ApprovalPanel, draft: Draft, recipient: str, request_id: int
) -> None:
    compare(panel, amount=in_bitcoin(draft), recipient=recipient)

    def tamper(challenge: Any) -> Any:
        challenge["data"]["transaction_data"]["account_name"] = "BTC Clients"  # which nobody stated
        return challenge

    sandbox.challenges.tamper(tamper)
    panel.phrase.value = f"approve {request_id}"
    panel.sign.click()
    panel.wait()
    assert panel.state == "done"
    assert "BTC Clients" not in panel.shown.value


def test_a_challenge_that_became_void_is_refused_and_compared_anew(
    session: lk.Session, panel: ApprovalPanel, draft: Draft, recipient: str, request_id: int
) -> None:
    compare(panel, amount=in_bitcoin(draft), recipient=recipient)
    session.requests.challenge(request_id)  # the one that was shown is void
    panel.phrase.value = f"approve {request_id}"
    panel.sign.click()
    panel.wait()
    assert panel.state == "failed"
    assert "fetch a new one" in panel.message
    assert not is_shown(panel.phrase)
    compare(panel)
    panel.phrase.value = f"approve {request_id}"
    panel.sign.click()
    panel.wait()
    assert panel.state == "done"


@pytest.mark.parametrize("phrase", ["", "yes", "approve", "approve {} assumed", "APPROVE {}", "reject {}"])
def test_only_the_phrase_signs(
    session: lk.Session, panel: ApprovalPanel, draft: Draft, recipient: str, request_id: int, phrase: str
) -> None:
    compare(panel, amount=in_bitcoin(draft), recipient=recipient)
    panel.phrase.value = phrase.format(request_id)
    panel.sign.click()
    panel.wait()
    assert f"type exactly 'approve {request_id}'" in panel.message
    assert panel.message_kind == "error"
    assert panel.phrase.value == ""
    assert votes(session, request_id) == []


def test_three_clicks_that_queued_post_one_vote(
    session: lk.Session, panel: ApprovalPanel, draft: Draft, recipient: str, request_id: int
) -> None:
    compare(panel, amount=in_bitcoin(draft), recipient=recipient)
    for _ in range(3):
        panel.phrase.value = f"approve {request_id}"
        panel.sign.click()
    panel.wait()
    assert panel.state == "done"
    assert len(votes(session, request_id)) == 1


def test_an_edit_takes_the_review_and_the_phrase_away(
    session: lk.Session, panel: ApprovalPanel, draft: Draft, recipient: str, request_id: int
) -> None:
    compare(panel, amount=in_bitcoin(draft), recipient=recipient)
    panel.phrase.value = f"approve {request_id}"
    state(panel, amount="0.6")
    assert panel.shown.value == ""
    assert panel.phrase.value == ""
    assert not is_shown(panel.phrase)
    panel.sign.click()
    assert not panel.sending
    assert votes(session, request_id) == []


def test_an_edit_while_it_is_compared_shows_nothing_of_the_older_statement(
    panel: ApprovalPanel, draft: Draft, recipient: str
) -> None:
    state(panel, amount=in_bitcoin(draft), recipient=recipient)
    panel.compare.click()
    state(panel, amount="0.6")
    panel.wait()
    assert panel.review is None
    assert not is_shown(panel.phrase)


def test_a_rejection_has_a_phrase_of_its_own_and_ends_the_request(
    session: lk.Session, panel: ApprovalPanel, request_id: int
) -> None:
    assert panel.actions.children[0] is panel.compare  # what can't be undone is never first
    panel.reject.click()
    panel.wait()
    assert panel.phrase.description == f"Type 'reject {request_id} assumed' to sign"
    assert not is_shown(panel.sign)
    assert not any(map(is_shown, (panel.statement.box, panel.body_box, panel.actions)))
    panel.leave.click()
    assert all(map(is_shown, (panel.statement.box, panel.body_box, panel.actions)))
    panel.reject.click()
    panel.wait()
    panel.phrase.value = f"approve {request_id}"
    panel.sign_rejection.click()
    assert not panel.sending
    for _ in range(3):
        panel.phrase.value = f"reject {request_id} assumed"
        panel.sign_rejection.click()
    panel.wait()
    assert panel.message == f"Your rejection of request {request_id} is in. It is rejected now."
    assert votes(session, request_id) == [f"/requests/{request_id}/reject"]


def test_a_service_that_answers_a_rejection_with_an_approval_gets_no_signature(
    session: lk.Session, sandbox: Sandbox, panel: ApprovalPanel, request_id: int
) -> None:
    sandbox.challenges.tamper(lambda challenge: {**challenge, "type": "APPROVE_TRANSACTION"})
    panel.reject.click()
    panel.wait()
    assert "gave what would approve one" in panel.message
    assert not is_shown(panel.phrase)
    assert votes(session, request_id) == []


def test_a_lost_answer_is_looked_up_and_nothing_else_can_be_done_before(
    session: lk.Session, sandbox: Sandbox, panel: ApprovalPanel, draft: Draft, recipient: str, request_id: int
) -> None:
    sandbox.faults.drop(answered=True, path=f"/requests/{request_id}/approve", method="POST")
    compare(panel, amount=in_bitcoin(draft), recipient=recipient)
    panel.phrase.value = f"approve {request_id}"
    panel.sign.click()
    panel.wait()
    assert "the answer was lost" in panel.message
    assert is_shown(panel.look)
    assert not is_shown(panel.actions)
    sandbox.faults.clear()
    panel.look.click()
    panel.wait()
    assert panel.message == f"Your vote on request {request_id} is in."
    assert not is_shown(panel.actions)
    assert len(votes(session, request_id)) == 1


def test_a_vote_that_did_not_arrive_can_be_given_again(
    session: lk.Session, sandbox: Sandbox, panel: ApprovalPanel, draft: Draft, recipient: str, request_id: int
) -> None:
    sandbox.faults.drop(path=f"/requests/{request_id}/approve", method="POST", times=1)
    compare(panel, amount=in_bitcoin(draft), recipient=recipient)
    panel.phrase.value = f"approve {request_id}"
    panel.sign.click()
    panel.wait()
    panel.look.click()
    panel.wait()
    assert "lists no vote of yours" in panel.message
    compare(panel)
    panel.phrase.value = f"approve {request_id}"
    panel.sign.click()
    panel.wait()
    assert panel.state == "done"


def test_a_request_that_is_decided_is_said_so_and_can_be_read(
    session: lk.Session, draft: Draft, request_id: int, show: Callable[..., ApprovalPanel]
) -> None:
    session.requests.reject(request_id, confirm=f"reject {request_id} assumed")
    panel = show(session, request_id, draft)
    assert panel.message == f"Request {request_id} waits for no vote: it is rejected."
    assert "0.5" in panel.said.value
    assert not is_shown(panel.actions)


def test_a_request_that_is_decided_meanwhile_is_said_so_when_it_is_compared(
    session: lk.Session, panel: ApprovalPanel, draft: Draft, recipient: str, request_id: int
) -> None:
    session.requests.reject(request_id, confirm=f"reject {request_id} assumed")
    compare(panel, amount=in_bitcoin(draft), recipient=recipient)
    assert panel.state == "failed"
    assert f"request {request_id}" in panel.message.lower()
    assert not is_shown(panel.phrase)


def test_an_expired_request_asks_for_nothing(show: Callable[..., ApprovalPanel]) -> None:
    with lk.connect("sandbox", writes=True, transactions=250) as session:
        assert session.sandbox is not None
        request_id = int(session.requests.inbox()["id"].iloc[0])
        session.sandbox.advance(8 * 86400)
        panel = show(session, request_id)
        assert panel.message == f"Request {request_id} waits for no vote: it is expired."
        assert not is_shown(panel.statement.box)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"writes": False}, "This session reads only"),
        ({"family": "reporting_key", "writes": True}, "Only an API user approves and rejects"),
        ({"family": "lam", "writes": True}, "Only an API user approves and rejects"),
    ],
)
def test_who_can_not_vote_is_told_before_anything_is_compared(
    session: lk.Session,
    request_id: int,
    show: Callable[..., ApprovalPanel],
    settings: dict[str, Any],
    said: str,
) -> None:
    with lk.connect("sandbox", join=session, **settings) as reader:
        panel = show(reader, request_id)
        assert panel.message.startswith(said)
        assert panel.message_kind == "warning"
        assert "Amount" in panel.said.value  # and can read
        assert not is_shown(panel.statement.box)
        assert not is_shown(panel.actions)
        panel.compare.click()
        panel.wait()
        assert panel.review is None


def test_without_a_private_key_it_can_be_read(
    session: lk.Session, request_id: int, show: Callable[..., ApprovalPanel]
) -> None:
    own = session._credentials
    assert isinstance(own, lk.ApiUser)
    keyless = lk.ApiUser(own.workspace, own.key_id, own.key_secret)
    with lk.Session(keyless, base_url=session.base_url, writes=True) as reader:
        panel = show(reader, request_id)
        assert "Nothing can be signed with these credentials" in panel.message
        assert "Amount" in panel.said.value
        assert not is_shown(panel.actions)


def test_a_kind_without_a_documented_sample_says_so_in_its_phrase(
    session: lk.Session, show: Callable[..., ApprovalPanel]
) -> None:
    recipient = listed_address(session, "ethereum", 2)
    draft = session.transactions.send("ETH Treasury 1", recipient, "0.1 ETH")
    request_id = int(draft.submit()["id"].iloc[0])
    panel = show(session, request_id)
    compare(panel, amount="0.1", recipient_end=recipient[-8:])
    assert "at least 10" in panel.message  # of hex digits more are needed
    compare(panel, recipient_end=recipient[-10:])
    assert panel.phrase.description == f"Type 'approve {request_id} assumed' to sign"


def test_a_request_that_is_no_payment_is_compared_with_the_body_that_was_agreed(
    session: lk.Session, show: Callable[..., ApprovalPanel]
) -> None:
    inbox = session.requests.inbox()
    request_id = int(inbox.loc[inbox["target_type"] == "MESSAGE", "id"].iloc[0])
    panel = show(session, request_id)
    assert is_shown(panel.body_box)
    assert not is_shown(panel.statement.box)
    panel.compare.click()
    assert "Paste the body that was agreed" in panel.message
    panel.body.write('{"type": ')
    panel.compare.click()
    assert "it is no JSON" in panel.message
    panel.body.write('{"type": "CREATE_MESSAGE_SIGNING", "data": {"message_data": {"message": "0x00"}}}')
    panel.compare.click()
    panel.wait()
    assert "Do not sign it" in panel.message
    assert not is_shown(panel.phrase)
    assert votes(session, request_id) == []


def test_where_the_account_is_hidden_amounts_are_typed_in_base_units(
    session: lk.Session, sandbox: Sandbox, draft: Draft, request_id: int, show: Callable[..., ApprovalPanel]
) -> None:
    sandbox.faults.status(403, path=f"/accounts/{BITCOIN_ACCOUNT}/currency", method="GET")
    panel = show(session, request_id)
    assert panel.statement.fields["amount"].label == "Amount, in base units"
    assert f"{draft.payload.amount} base units" in panel.said.value
    compare(panel, amount=str(draft.payload.amount), recipient=draft.payload.recipient)
    assert is_shown(panel.phrase)
    compare(panel, amount="0.5")
    assert "has no unit" in panel.message
    assert not is_shown(panel.phrase)


def test_texts_of_the_service_are_no_markup(
    session: lk.Session, recipient: str, show: Callable[..., ApprovalPanel]
) -> None:
    draft = session.transactions.send(BITCOIN_ACCOUNT, recipient, next(AMOUNTS), note="<b>Paid</b> $x$")
    panel = show(session, int(draft.submit()["id"].iloc[0]))
    assert "<b>" not in panel.said.value
    assert "mathjax_ignore" in panel.said.value


def test_no_widget_ever_holds_the_private_key(
    session: lk.Session, panel: ApprovalPanel, draft: Draft, recipient: str, request_id: int
) -> None:
    compare(panel, amount=in_bitcoin(draft), recipient=recipient)
    panel.phrase.value = f"approve {request_id}"
    panel.sign.click()
    panel.wait()
    assert panel.state == "done"
    own = session._credentials
    assert isinstance(own, lk.ApiUser)
    assert own.private_key is not None
    pem = own.private_key.reveal()
    canaries = ["PRIVATE KEY", own.key_secret.reveal(), *[line for line in pem.split("\n")[1:-1] if len(line) > 20]]
    states = [str(one.get_state()) for one in widgets.widget._instances.values()]
    assert len(canaries) > 2
    assert not [canary for canary in canaries if any(canary in state for state in states)]


def test_a_closed_panel_leaves_no_widget_behind(session: lk.Session, draft: Draft, request_id: int) -> None:
    style()
    before = set(widgets.widget._instances)
    panel = ApprovalPanel.on(session.requests._connection, request_id, draft).wait()
    compare(panel)
    panel.close()
    assert set(widgets.widget._instances) == before


@pytest.mark.parametrize(
    ("account", "amount", "options", "stated"),
    [
        ("USDC Treasury", "12.5 USDC", {}, {"contract_address": ""}),
        ("XRP Treasury", "3 XRP", {"tag": 77}, {"tag": "77"}),
        ("XLM Clients", "3 XLM", {"memo": payloads.MemoText("Invoice 42")}, {"memo": "Invoice 42"}),
    ],
)
def test_what_decides_who_gets_what_is_stated_too(
    session: lk.Session,
    show: Callable[..., ApprovalPanel],
    account: str,
    amount: str,
    options: dict[str, Any],
    stated: dict[str, str],
) -> None:
    row = session.accounts.search(name=account).iloc[0]
    lists = lk.explode(session.whitelists.search(), "addresses")
    for recipient in lists.loc[lists["addresses_currency"] == row["currency"], "addresses_address"]:
        draft = session.transactions.send(account, recipient, amount, **options)
        if not draft.problems:
            break
    panel = show(session, int(draft.submit()["id"].iloc[0]))
    compare(panel, amount=amount, recipient=recipient)
    assert "NOT MEANT" in panel.shown.value
    assert not is_shown(panel.phrase)
    compare(panel, **{name: text or row["contract_address"] for name, text in stated.items()})
    assert panel.phrase.description == f"Type 'approve {panel.request_id} assumed' to sign"


def test_clicks_that_wait_for_a_busy_kernel_post_one_vote() -> None:
    with kernel() as real:
        real.run(
            "import time, ledgerkit as lk\n"
            "session = lk.connect('sandbox', writes=True, transactions=250)\n"
            "inbox = session.requests.inbox()\n"
            "one = inbox[inbox['target_type'] == 'TRANSACTION'].iloc[0]\n"
            "from ledgerkit.forms.approval import ApprovalPanel\n"
            "panel = ApprovalPanel.on(session.requests._connection, one['id']).wait()\n"
            "amount = panel.statement.fields['amount']\n"
            "unit = next(unit['code'] for unit in amount.of if unit['magnitude'] == 0)\n"
            "amount.write(f\"{one['amount']} {unit}\")\n"
            "panel.statement.fields['recipient'].write(one['recipient'])\n"
            "panel.compare.click()\n"
            "panel.wait();"
        )
        ids = real.run("print(panel.phrase.model_id, panel.sign.model_id, panel.phrase.description)").split(" ", 2)
        phrase = ids[2].split("'")[1]
        real.queue("time.sleep(0.5)")
        for _ in range(3):
            real.set(ids[0], value=phrase)
            real.click(ids[1])
        posted = (
            "print(panel.wait().state, [seen.path for seen in session.sandbox.requests_seen "
            "if seen.path.endswith('/approve')])"
        )
        state, paths = real.run(posted).split(" ", 1)
        assert state == "done"
        assert paths.count("/approve") == 1
