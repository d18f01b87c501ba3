"""A detail: one object, who approved it, what belongs to it, the way back; and what it does where that fails."""

from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets as widgets
import pytest
from serving import LeapingClock, Reply, Seen, Server, page, signed_in
from test_cards import text_of
from test_showing import FORGED, Reading, signs

import ledgerkit as lk
from ledgerkit.forms.detail import Detail
from ledgerkit.forms.style import style
from ledgerkit.transport import Transport

BITCOIN = "bc1qyrnx8hh7683gdfcr9qke05lku2yy9l4yxsup4g"


@pytest.fixture
def detail(session: lk.Session) -> Iterator[Detail]:
    made = Detail.on(session.accounts._connection)
    yield made
    made.close()


def press(detail: Detail, label: str) -> None:
    """Click a button by its words, and wait for what it loads."""
    buttons = [*detail.links.children, detail.back_button, detail.close_button]
    next(one for one in buttons if one.description == label).click()
    detail.wait()


def test_it_tells_who_approved_the_largest_payment(session: lk.Session, detail: Detail) -> None:
    sent = session.to_display(session.transactions.search(account=1, type="SEND", status="CONFIRMED"))
    largest = sent.sort_values("amount", ascending=False).iloc[0]
    names = {}
    for votes in session.requests.governance_status(int(largest["last_request"]))["approvals"]:
        for vote in votes:
            user = int(vote["user"]["id"])
            names[user] = session.users.get(user)["username"].iloc[0]

    detail.open("transaction", int(largest["id"]))
    detail.wait()

    assert detail.state == "done"
    shown = text_of(detail.card.value)
    assert names
    for user, name in names.items():
        assert f"{name} user {user}" in shown
        assert f"Approver {name}" in detail.related
        assert name in detail.text()
    assert f"−{largest['amount_display'].normalize():f}BTC" in Reading(detail.card.value).text


def test_from_a_payment_to_its_account_and_back(session: lk.Session, detail: Detail) -> None:
    payment = session.transactions.search(account=1, type="SEND", limit=1)
    detail.open("transaction", int(payment["id"].iloc[0]))
    detail.wait()
    assert detail.back_button.disabled

    focused: list[bool] = []
    detail.back_button.focus = lambda: focused.append(detail.back_button.disabled)
    press(detail, "Account 1 BTC Treasury 1")
    assert focused == [False]  # the button that was pressed is gone, and the keyboard goes on from here
    assert (detail.kind, detail.key) == ("account", "1")
    assert "BTC Treasury 1" in detail.card.value

    press(detail, "Back")
    assert (detail.kind, detail.key) == ("transaction", str(payment["id"].iloc[0]))
    assert detail.back_button.disabled


def test_a_request_shows_its_steps_and_its_target(session: lk.Session, detail: Detail) -> None:
    waiting = session.requests.search(status="PENDING_APPROVAL", type="CREATE_TRANSACTION", limit=1)
    detail.open("request", int(waiting["id"].iloc[0]))
    detail.wait()
    target = int(waiting["target_id"].iloc[0])
    shown = text_of(detail.card.value)
    assert f"Transaction {target}" in shown
    assert session.transactions.get(target)["recipient"].iloc[0] in shown
    assert "nobody yet" in shown
    assert "May approve" in shown
    assert f"Transaction {target}" in detail.related


def test_an_account_shows_its_balances_and_its_tokens(session: lk.Session, detail: Detail) -> None:
    token = session.accounts.search()
    parent = int(token["parent"].dropna().iloc[0])
    own = token[token["parent"] == parent].iloc[0]
    detail.open("account", parent)
    detail.wait()
    shown = Reading(detail.card.value)
    assert "Balances" in shown.text
    assert f"{own['name']} account {own['id']}" in shown.text
    assert f"Token account {own['id']} {own['name']}" in detail.related
    assert f"title='{own['balance']} base units'" in detail.card.value


def test_the_rules_of_an_account_name_the_groups_that_approve(session: lk.Session, detail: Detail) -> None:
    session.accounts._connection.memory.frames.clear()  # as in a new session
    detail.open("account", 1)
    detail.wait()
    assert "Approvals: 1 of Treasury group 2, then 1 of Risk group 3" in text_of(detail.card.value)


def test_an_address_is_found_in_whitelists_with_its_risk(session: lk.Session, detail: Detail) -> None:
    holders = session.whitelists.search(address=BITCOIN)
    detail.open("address", BITCOIN)
    detail.wait()
    shown = text_of(detail.card.value)
    assert "Under sanctionsno" in shown
    assert f"Risk{session.compliance.address_risk(BITCOIN)['risk'].iloc[0].capitalize()}" in shown
    assert len(holders)
    for number, name in zip(holders["id"], holders["name"], strict=True):
        assert f"Whitelist {number} {name}" in detail.related


def test_an_address_that_nobody_holds_says_what_was_looked_at(detail: Detail) -> None:
    detail.open("address", "0x" + "12" * 20)
    detail.wait()
    assert "No whitelist holds it that you can see" in detail.card.value
    assert "does not list the addresses that they have used" in detail.card.value


@pytest.mark.parametrize(
    ("kind", "number", "related"),
    [
        ("user", 18, "Group 4 Trading Desk"),
        ("whitelist", 1, "Address Kestrel Exchange deposit bc1qyrnx…4yxsup4g"),
        ("group", 4, "Member isabel.ortega"),
        ("entity", 1, "Account 1 BTC Treasury 1"),
    ],
)
def test_every_kind_has_a_card_and_leads_on(detail: Detail, kind: str, number: int, related: str) -> None:
    detail.open(kind, number)
    detail.wait()
    assert detail.state == "done"
    assert detail.message == ""
    assert related in detail.related
    press(detail, related)
    assert detail.state == "done"
    assert not detail.back_button.disabled


def test_what_can_not_be_seen_is_an_error_in_words_under_no_other_card(detail: Detail) -> None:
    detail.open("account", 1)
    detail.wait()
    detail.open("transaction", 99_999)
    detail.wait()
    assert detail.state == "failed"
    assert "Transaction 99999 not found" in detail.message
    assert detail.message_kind == "error"
    assert detail.card.value == ""
    assert detail.links.children == ()
    press(detail, "Back")
    assert (detail.kind, detail.state, detail.message) == ("account", "done", "")


@pytest.mark.parametrize(
    ("kind", "number", "words"),
    [
        ("pledge", 1, "`kind` = 'pledge' can't be opened"),
        ("user", "1; DROP", "its id is a whole number"),
        ("account", "٣", "its id is a whole number"),
        ("address", " ", "its id is the whole address"),
    ],
)
def test_what_can_not_be_opened_is_said_and_asks_nothing(
    detail: Detail, monkeypatch: pytest.MonkeyPatch, kind: str, number: Any, words: str
) -> None:
    monkeypatch.setattr(Transport, "request", lambda *_, **__: pytest.fail("a call was made"))
    detail.open(kind, number)
    detail.wait()
    assert detail.state == "failed"
    assert words in detail.message


def test_what_is_overtaken_is_not_shown(detail: Detail) -> None:
    detail.open("account", 1)
    detail.open("user", 18)
    detail.wait()
    assert (detail.kind, detail.key) == ("user", "18")
    assert "isabel.ortega" in detail.card.value


def test_close_shows_nothing_and_what_is_opened_next_is_shown_again(detail: Detail) -> None:
    detail.open("account", 1)
    detail.wait()
    press(detail, "Close")
    assert (detail.state, detail.card.value, detail.text()) == ("ready", "", "Detail · SANDBOX · ready")
    assert detail.layout.display == "none"
    detail.open("user", 18)
    detail.wait()
    assert detail.layout.display is None
    assert detail.back_button.disabled


def test_a_closed_detail_leaves_no_widget_behind(session: lk.Session) -> None:
    style()
    before = set(widgets.widget._instances)
    detail = Detail.on(session.accounts._connection)
    for kind, number in (("transaction", 1), ("account", 1), ("user", 18)):
        detail.open(kind, number)
        detail.wait()
    detail.open("account", 2)  # closed while it loads
    detail.close()
    assert set(widgets.widget._instances) == before


def test_to_draw_it_makes_no_call(session: lk.Session, detail: Detail, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = session.transactions.search(type="SEND", status="CONFIRMED", limit=1)
    detail.open("transaction", int(sent["id"].iloc[0]))
    show = detail._show

    def drawn(found: Any) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Transport, "request", lambda *_, **__: pytest.fail("a call was made"))
            show(found)

    monkeypatch.setattr(detail, "_show", drawn)
    detail._load()
    detail.wait()
    assert detail.state == "done"
    assert "Approvals" in detail.card.value


# Where not all can be had, and where names are chosen to deceive


def answers(name: str, refused: tuple[str, ...] = ()) -> Callable[[Seen], Reply]:
    """Return a service in which everything is called ``name``, and some paths are refused."""

    lists = {
        "/accounts": {"id": 3, "name": name, "currency": name, "created_on": "2026-01-01T00:00:00Z"},
        "/users": {"id": 8, "username": name, "created_on": "2026-01-01T00:00:00Z"},
        "/groups": {"id": 4, "name": name, "created_on": "2026-01-01T00:00:00Z"},
    }
    step = {
        "step_index": 0,
        "quorum": 1,
        "group_id": 4,
        "approvers": [{"id": 8}, {"id": None}],
        "approvals": [{"type": name, "user": {"id": 8}}, {"type": "APPROVE", "user": None, "created_on": name}],
        "is_complete": False,
    }
    one: dict[str, Any] = {
        "/transactions/1": {
            "id": 1,
            "account_id": 3,
            "amount": "5",
            "status": name,
            "recipient": name,
            "notes": [{"title": name, "content": name}],
            "created_by": 8,
        },
        "/transactions/1/history": {"history": [[{"id": 9, "type": name, "status": name}]]},
        "/requests/9/governance-status": {
            "request": {"id": 9, "status": "PENDING_APPROVAL", "current_step_index": 0},
            "governance_steps": [step],
        },
        "/accounts/3/currency": {"amount_units": [{"code": name, "magnitude": 2}], "fees_units": []},
    }

    def answer(seen: Seen) -> Reply:
        if any(seen.path.startswith(path) for path in refused):
            return Reply({"message": "not for you"}, 403)
        if seen.path in one:
            return Reply(one[seen.path])
        return page([lists[seen.path]]) if seen.path in lists else Reply({"message": "no such object"}, 404)

    return answer


@pytest.fixture
def on(serve: Callable[..., Server], connect_to: Callable[..., lk.Session]) -> Iterator[Callable[..., Detail]]:
    made: list[Detail] = []

    def make(handler: Callable[[Seen], Reply]) -> Detail:
        session = connect_to(serve(signed_in(handler)), lk.ApiUser("acme", "key", "secret"), clock=LeapingClock())
        made.append(Detail.on(session.accounts._connection))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize(
    "name", [FORGED, "<img src=x onerror='alert(1)'>", r"$\color{green}{approved}$", "\u202egnp"]
)
def test_names_that_deceive_are_drawn_harmlessly(on: Callable[..., Detail], name: str) -> None:
    plain, hostile = on(answers("plain")), on(answers(name))
    for detail in (plain, hostile):
        detail.open("transaction", 1)
        detail.wait()
        assert detail.state == "done", detail.message
    read = Reading(hostile.card.value)
    assert read.tags == Reading(plain.card.value).tags
    assert read.attributes <= {"class", "style", "title", "colspan"}
    assert signs(read.text) == []
    assert read.text.isprintable()
    assert "lk-card mathjax_ignore tex2jax_ignore" in hostile.card.value
    for button in hostile.links.children:
        assert button.description.isprintable()
        assert button.tooltip.isprintable()
    assert len(hostile.text().splitlines()) == len(plain.text().splitlines())
    assert hostile.text().replace("\n", "").isprintable()


def test_a_vote_that_is_hidden_and_one_that_is_new_are_not_taken_for_an_approval_of_somebody(
    on: Callable[..., Detail],
) -> None:
    detail = on(answers("ABSTAIN"))
    detail.open("transaction", 1)
    detail.wait()
    shown = text_of(detail.card.value)
    assert "Abstain by ABSTAIN user 8" in shown
    assert "a user who is hidden from you" in shown
    assert "Approver ABSTAIN" not in detail.related


@pytest.mark.parametrize(
    ("refused", "missing"),
    [
        ("/requests/9/governance-status", "Not shown: who approved request 9. "),
        ("/transactions/1/history", "Not shown: its requests. "),
        ("/users", "Not shown: names of users. "),
        ("/accounts/3/currency", ""),
    ],
)
def test_what_else_can_not_be_had_is_said_beside_what_can(
    on: Callable[..., Detail], refused: str, missing: str
) -> None:
    detail = on(answers("Dana", (refused,)))
    detail.open("transaction", 1)
    detail.wait()
    assert detail.state == "done"
    assert "Transaction 1" in detail.card.value
    assert missing in detail.message
    assert detail.message_kind == ("warning" if missing else "none")
    if not missing:
        assert "5base units" in text_of(detail.card.value)
