"""One object is read as a card: nothing hidden, nothing forged, no call for it; and its frame stays a frame."""

import copy
import io
import pickle
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from IPython.core.formatters import DisplayFormatter
from serving import Reply, Seen
from test_showing import FORGED, NASTY, Reading, signs

import ledgerkit as lk
from ledgerkit.amounts import Unit
from ledgerkit.cards import KINDS, Record, card, pill, steps
from ledgerkit.cards.known import Known
from ledgerkit.cards.values import amount, time
from ledgerkit.resources.accounts import ACCOUNT
from ledgerkit.resources.entities import ENTITY
from ledgerkit.resources.groups import GROUP
from ledgerkit.resources.request_tables import GOVERNANCE_STEP, REQUEST
from ledgerkit.resources.transactions import TRANSACTION
from ledgerkit.resources.users import USER
from ledgerkit.resources.whitelists import WHITELIST
from ledgerkit.states import words
from ledgerkit.transport import Transport

# What a frame can hold as text: no halves of a pair.
NAMES = st.text(st.one_of(NASTY, st.characters(exclude_categories=["Cs"])), min_size=1, max_size=40)


@pytest.fixture(scope="module")
def session() -> Iterator[lk.Session]:
    with lk.connect("sandbox", tz="Europe/Paris") as session:
        yield session


@pytest.fixture
def payment(session: lk.Session) -> pd.DataFrame:
    """A payment of bitcoin, with the units of its account looked up."""
    found = session.transactions.search(account=1, type="SEND", status="CONFIRMED", limit=1)
    session.to_display(found)
    return session.transactions.get(int(found["id"].iloc[0]))


def html_of(one: Any) -> str:
    return str(one._repr_html_())


def text_of(markup: str) -> str:
    return " ".join(Reading(markup).text.split())


# The frame


def test_one_object_is_shown_as_its_card_and_several_as_a_table(session: lk.Session) -> None:
    one, several = session.transactions.get(1), session.transactions.get([1, 2])
    shown, _ = DisplayFormatter().format(one)  # type: ignore[no-untyped-call]  # IPython has no types
    assert "lk-card" in shown["text/html"]
    assert shown["text/plain"].splitlines()[0] == "SANDBOX · Transaction 1"
    assert type(several) is pd.DataFrame


@pytest.mark.parametrize(
    "section", ["accounts", "transactions", "requests", "users", "whitelists", "groups", "entities"]
)
def test_every_object_with_a_card_shows_all_its_values(session: lk.Session, section: str) -> None:
    one = getattr(session, section).get(1)
    assert type(one) is Record
    text, html = repr(one), text_of(html_of(one))
    for name in one.columns:
        value = one[name].iloc[0]
        present = isinstance(value, list | dict) or not pd.isna(value)
        assert (f"\n  {name} " in text) == present
        assert not present or f"{name}" in html


def test_what_is_made_of_a_record_is_a_plain_frame(payment: pd.DataFrame) -> None:
    made = [payment.copy(), copy.copy(payment), payment.head(1), payment[["id"]], payment.assign(x=1), payment.T]
    for one in [*made, pd.concat([payment, payment])]:
        assert type(one) is pd.DataFrame
    assert pd.concat([payment, payment]).attrs == payment.attrs
    pd.testing.assert_frame_equal(payment, payment.copy())
    pd.testing.assert_frame_equal(payment.copy(), payment)


def test_a_record_can_be_kept_and_shown_again(payment: pd.DataFrame) -> None:
    again = pickle.loads(pickle.dumps(payment))  # noqa: S301 - our own
    assert type(again) is Record
    assert again.attrs == payment.attrs
    pd.testing.assert_frame_equal(again, payment)
    assert "base units" in text_of(html_of(again))  # the names and units of a session are not in the file


def test_a_record_writes_to_a_file_as_any_frame(payment: pd.DataFrame) -> None:
    buffer = io.StringIO()
    payment[["id", "amount"]].to_csv(buffer, index=False)
    assert buffer.getvalue() == f"id,amount\n{payment['id'].iloc[0]},{payment['amount'].iloc[0]}\n"


def test_a_record_that_lost_what_it_is_is_shown_as_any_frame(session: lk.Session) -> None:
    one = session.users.get(1)
    one.attrs.clear()
    assert "lk-card" not in html_of(one)
    assert repr(one) == repr(one.copy())


def test_no_call_is_made_to_draw(session: lk.Session, payment: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [payment, session.accounts.get(1), session.requests.get(1), session.whitelists.get(1)]
    monkeypatch.setattr(Transport, "request", lambda *_, **__: pytest.fail("a call was made"))
    for one in found:
        assert "lk-card" in html_of(one)
        assert repr(one)


# What it shows


def test_an_amount_is_in_the_unit_of_the_account_with_the_base_units_on_hover(payment: pd.DataFrame) -> None:
    base = int(payment["amount"].iloc[0])
    html = html_of(payment)
    assert f"title='{base} base units'" in html
    shown = format(Decimal(base).scaleb(-8).normalize(), "f")
    assert f"Amount−{shown}BTC" in Reading(html).text.replace(" ", "")
    assert "text-align:right" in html


@pytest.mark.parametrize(
    ("base", "unit", "shown", "code"),
    [
        (2**256 - 1, Unit("ETH", 18), f"{(2**256 - 1) // 10**18}.{(2**256 - 1) % 10**18:018}", "ETH"),
        (150000000, Unit("BTC", 8), "1.5", "BTC"),
        (10, Unit("BTC", 8), "0.0000001", "BTC"),
        (100, Unit("sat", 0), "100", "sat"),
        (-1234567, None, "−1234567", "base units"),
        (0, Unit("BTC", 8), "0", "BTC"),
    ],
)
def test_amounts_are_exact_to_the_last_digit(base: int, unit: Unit | None, shown: str, code: str) -> None:
    value = amount(base, unit)
    assert (Reading(value.html).text, value.unit) == (shown, code)
    assert f"title='{base} base units'" in value.html


def test_where_no_unit_is_known_base_units_are_shown_and_it_says_so() -> None:
    frame = TRANSACTION.frame(TRANSACTION.leaves([{"id": 1, "account_id": 3, "amount": "150000000"}]))
    shown = text_of(card("transaction", frame))
    assert "150000000base units" in shown
    assert "session.to_display(frame)" in shown


def test_addresses_and_hashes_stand_there_whole_in_groups(payment: pd.DataFrame) -> None:
    read = Reading(html_of(payment))
    for column in ("recipient", "tx_hash"):
        assert payment[column].iloc[0] in read.text
    assert ">0000<" in html_of(Record(payment.assign(tx_hash="0000" * 16)))


def test_names_stand_beside_ids(payment: pd.DataFrame, session: lk.Session) -> None:
    session.with_names(payment)
    assert "BTC Treasury 1 account 1" in text_of(html_of(payment))


def test_times_are_in_the_zone_of_the_session_with_their_age_and_utc_on_hover() -> None:
    moment, now = pd.Timestamp("2026-07-01T10:00:00Z"), pd.Timestamp("2026-07-01T13:00:00Z")
    shown = time(moment, ZoneInfo("Europe/Paris"), now)
    assert text_of(shown) == "2026-07-01 12:00:00 CEST 3 h ago"
    assert "title='2026-07-01T10:00:00.000000+00:00'" in shown
    assert text_of(time(now, ZoneInfo("UTC"), moment)).endswith("in 3 h")


def test_why_a_transaction_failed_stands_below_its_state(session: lk.Session) -> None:
    failed = session.transactions.search(status="FAILED_TO_SIGN", limit=1)
    shown = text_of(html_of(session.transactions.get(int(failed["id"].iloc[0]))))
    assert failed["failure_reasons_client_reason"].iloc[0] in shown
    assert "Failed to sign" in shown


def test_a_whitelist_lists_its_addresses_whole(session: lk.Session) -> None:
    one = session.whitelists.get(1)
    read = Reading(html_of(one))
    for address in one["addresses"].iloc[0]:
        assert address["address"] in read.text
        assert address["name"] in read.text


def test_rules_are_in_words_and_one_of_another_shape_as_it_came() -> None:
    rules = [
        {
            "name": "Everyday",
            "rules": [
                {"type": "MULTI_AUTHORIZATIONS", "data": [{"group": 2, "quorum": 1}]},
                {"type": "WHITELIST", "data": [{"whitelist": 7}]},
                {"type": "THRESHOLD", "data": [{"currency_type": "CRYPTO", "min": 0, "max": 9}]},
                {"type": "THRESHOLD", "data": [{"currency_type": "FIAT", "min": 0, "max": 9}]},
                {"type": "NEWER"},
            ],
        }
    ]
    frame = ACCOUNT.frame(ACCOUNT.leaves([{"id": 1, "governance_rules": rules}]))
    shown = text_of(card("account", frame))
    assert "1 of group 2" in shown
    assert "Only to whitelist 7" in shown
    assert "from 0 base units up to 9 base units" in shown
    assert '"currency_type": "FIAT"' in shown
    assert '{"type": "NEWER"}' in shown


def test_a_member_who_is_hidden_is_said_to_be() -> None:
    frame = GROUP.frame(GROUP.leaves([{"id": 1, "name": "Desk", "members": [4, None]}]))
    assert "Members (2)" in text_of(card("group", frame))
    assert "hidden from you" in text_of(card("group", frame))


def test_steps_say_who_approved_and_who_may() -> None:
    nodes = [
        {
            "request_id": 5,
            "step_index": 0,
            "quorum": 1,
            "group_id": 4,
            "approvers": [{"id": 18}, None],
            "approvals": [{"type": "APPROVE", "created_on": "2026-06-19T09:45:55Z", "user": {"id": 18}}],
            "is_complete": True,
        },
        {"request_id": 5, "step_index": 1, "quorum": 2, "approvers": [], "approvals": [], "is_complete": False},
    ]
    shown = text_of(steps(GOVERNANCE_STEP.frame(GOVERNANCE_STEP.leaves(nodes)), Known()))
    assert "1 of 1user 18 2026-06-19 09:45:55 UTC" in shown
    assert "a user who is hidden from you" in shown
    assert "0 of 2nobody yet" in shown


def test_a_step_that_somebody_rejected_says_so_and_by_whom() -> None:
    votes = [
        {"type": kind, "created_on": "2026-06-19T09:45:55Z", "user": {"id": 18}} for kind in ("APPROVE", "ABORT")
    ]
    node = {"request_id": 5, "step_index": 0, "quorum": 2, "approvers": [], "approvals": votes, "is_complete": False}
    shown = text_of(steps(GOVERNANCE_STEP.frame(GOVERNANCE_STEP.leaves([node])), Known()))
    assert "● Rejected" in shown
    assert "rejected by user 18" in shown


def test_a_request_whose_steps_are_hidden_says_so() -> None:
    frame = GOVERNANCE_STEP.frame(GOVERNANCE_STEP.leaves([{"request_id": 5}]))
    assert "The service shows no steps of it." in text_of(steps(frame, Known()))


def test_a_state_is_a_dot_and_a_word() -> None:
    assert "--jp-success-color1" in pill("APPROVED", "request")
    assert "--jp-warn-color1" in pill("APPROVED", "transaction")  # nothing has arrived yet
    assert "--jp-content-font-color2" in pill("SOMETHING_NEW")
    assert text_of(pill("PENDING_CREATE_IN_HSM")) == "● Pending create in HSM"
    assert words("Low") == "Low"


def test_a_kind_without_a_card_is_refused_in_words() -> None:
    with pytest.raises(lk.InvalidRequest, match="no card of `kind` = 'pledge'; there are: account, transaction"):
        card("pledge", pd.DataFrame({"id": [1]}))
    with pytest.raises(lk.InvalidRequest, match="has 2 rows"):
        card("user", pd.DataFrame({"id": [1, 2]}))


# What can't be forged


def _transaction(name: str) -> pd.DataFrame:
    node = {
        "id": 1,
        "account_id": 2,
        "type": name,
        "status": name,
        "currency": name,
        "amount": 5,
        "recipient": name,
        "senders": [name],
        "notes": [{"title": name, "content": name}],
        "labels": [{"id": 1, "name": name}],
        "failure_reasons": {"client_reason": name, "reason": name},
        "unknown": name,
    }
    return TRANSACTION.frame(TRANSACTION.leaves([node]), environment="SANDBOX", workspace=name)


def _account(name: str) -> pd.DataFrame:
    rules = [{"name": name, "rules": [{"type": name, "data": [name]}]}]
    tokens = [{"ticker": name, "contract_address": name, "status": name, "available": 1}]
    node = {"id": 1, "name": name, "governance_rules": rules, "token_accounts": tokens, "labels": [{"name": name}]}
    return ACCOUNT.frame(ACCOUNT.leaves([node]))


def _whitelist(name: str) -> pd.DataFrame:
    addresses = [{"name": name, "currency": name, "address": name, "destination_tags": [name]}]
    return WHITELIST.frame(WHITELIST.leaves([{"id": 1, "name": name, "addresses": addresses, "description": name}]))


HOSTILE: dict[str, Callable[[str], pd.DataFrame]] = {
    "transaction": _transaction,
    "account": _account,
    "whitelist": _whitelist,
    "request": lambda name: REQUEST.frame(
        REQUEST.leaves([{"id": 1, "type": name, "status": name, "target_type": name, "target_id": 7}])
    ),
    "user": lambda name: USER.frame(USER.leaves([{"id": 1, "username": name, "role": name, "pub_key": name}])),
    "group": lambda name: GROUP.frame(
        GROUP.leaves([{"id": 1, "name": name, "description": name, "members": [name]}])
    ),
    "entity": lambda name: ENTITY.frame(ENTITY.leaves([{"id": 1, "name": name, "accounts": [{"id": name}]}])),
    "address": lambda name: pd.DataFrame(
        {"address": [name], "risk": [name], "provider_details_exposures": [[{"category": name, "value": name}]]}
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=50)
@given(name=NAMES)
@example(name=FORGED)
@example(name="<img src=x onerror='alert(1)'>")
@example(name=r"$\color{green}{approved}$")
def test_no_name_makes_a_line_a_mark_or_an_element(kind: str, name: str) -> None:
    plain, read = Reading(card(kind, HOSTILE[kind]("x"))), Reading(card(kind, HOSTILE[kind](name)))
    assert read.tags == plain.tags
    assert read.attributes <= {"class", "style", "title", "colspan"}
    assert signs(read.text) == []
    assert read.text.isprintable()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "address"])
@settings(max_examples=50)
@given(name=NAMES)
@example(name=FORGED)
def test_no_name_makes_a_line_of_the_text(kind: str, name: str) -> None:
    plain, shown = repr(Record(HOSTILE[kind]("x"))), repr(Record(HOSTILE[kind](name)))
    assert len(shown.splitlines()) == len(plain.splitlines())
    assert shown.replace("\n", "").isprintable()


def test_no_card_is_set_as_mathematics() -> None:
    assert "lk-card mathjax_ignore tex2jax_ignore" in card("user", HOSTILE["user"]("$x$"))


def test_a_node_with_fields_that_are_new_shows_them(serve: Any, connect_to: Any) -> None:
    def answer(_: Seen) -> Reply:
        return Reply({"id": 1, "username": "Dana", "badge": {"colour": "green"}})

    one = connect_to(serve(answer)).users.get(1)
    assert 'badge{"colour": "green"}' in text_of(html_of(one))
    assert '{"colour": "green"}' in repr(one)
