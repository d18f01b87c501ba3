"""The explorer and its overview: everything without typing code, each tab made when it is shown."""

import gc
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import ipywidgets as widgets
import pandas as pd
import pytest

import ledgerkit as lk
from ledgerkit.errors import InvalidRequest, warn
from ledgerkit.forms import explorer as module
from ledgerkit.forms.explorer import TABS, Explorer
from ledgerkit.forms.overview import Overview, totals
from ledgerkit.forms.panel import Panel
from ledgerkit.forms.workspace import Workspace


@pytest.fixture(scope="module")
def session() -> Iterator[lk.Session]:
    with lk.connect("sandbox", writes=True) as session:
        yield session


@pytest.fixture
def explorer(session: lk.Session) -> Iterator[Explorer]:
    explorer = lk.explorer(session)
    yield explorer
    explorer.close()


@pytest.fixture
def overview(session: lk.Session) -> Iterator[Overview]:
    overview = Overview.on(session.accounts._connection)
    yield overview
    overview.close()


# The overview


def test_totals_are_exact_sums_of_base_units(session: lk.Session) -> None:
    accounts = session.accounts.search()
    found = totals(accounts, Workspace(session.accounts._connection).directory)
    assert sum(one.accounts for one in found) == len(accounts)
    bitcoin = next(one for one in found if one.currency == "bitcoin")
    assert bitcoin.balance == sum(accounts.loc[accounts["currency"] == "bitcoin", "balance"])
    assert bitcoin.unit is not None
    assert (bitcoin.unit.code, bitcoin.unit.magnitude) == ("BTC", 8)
    # A token's currency is its network: it is no part of what the network's own coin adds up to.
    ether = next(one for one in found if one.currency == "ethereum" and one.contract is None)
    own = accounts[(accounts["currency"] == "ethereum") & accounts["contract_address"].isna()]
    assert ether.balance == sum(own["balance"])


def test_totals_add_up_where_decimals_would_round(session: lk.Session) -> None:
    accounts = session.accounts.search()
    two = accounts[(accounts["currency"] == "ethereum") & accounts["contract_address"].isna()].head(2).copy()
    two["balance"] = pd.Series([2**200, 1], dtype=object, index=two.index)
    (total,) = totals(two, Workspace(session.accounts._connection).directory)
    assert total.balance == 2**200 + 1


def test_one_contract_in_two_spellings_is_one_token(session: lk.Session) -> None:
    accounts = session.accounts.search()
    usdc = accounts[accounts["contract_address"] == "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"].head(2).copy()
    usdc["contract_address"] = [usdc["contract_address"].iloc[0], usdc["contract_address"].iloc[0].lower()]
    (total,) = totals(usdc, Workspace(session.accounts._connection).directory)
    assert total.accounts == 2
    assert total.balance == sum(usdc["balance"])


def test_a_balance_that_is_not_told_makes_no_total(session: lk.Session) -> None:
    accounts = session.accounts.search()
    bitcoin = accounts[accounts["currency"] == "bitcoin"].copy()
    bitcoin["balance"] = pd.Series([None, *bitcoin["balance"].tolist()[1:]], dtype=object, index=bitcoin.index)
    (total,) = totals(bitcoin, Workspace(session.accounts._connection).directory)
    assert total.balance is None
    assert total.available is not None


def test_the_overview_shows_what_one_wants_to_see_first(session: lk.Session, overview: Overview) -> None:
    overview.run()
    assert overview.state == "running"
    overview.wait()
    assert overview.state == "done"
    shown = overview.text()
    bitcoin = session.to_display(session.accounts.search(currency="bitcoin"))
    assert f"{sum(bitcoin['balance_display'], Decimal()):f} BTC (bitcoin)" in shown
    assert f"{len(session.requests.inbox())} waiting for your approval" in shown
    assert "CONFIRMED" in shown


def test_a_part_that_fails_says_so_and_leaves_the_others(overview: Overview, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Any:
        raise InvalidRequest("the accounts <b>are</b> away.")

    monkeypatch.setattr(overview._parts[0], "load", refuse)
    overview.run()
    overview.wait()
    assert overview.state == "failed"
    assert overview.message == "Holdings can't be shown: the accounts <b>are</b> away."
    assert "role='alert'" in overview._parts[0].body.value
    assert "<b>are" not in overview._parts[0].body.value
    assert "waiting for your approval" in overview.text()
    assert "CONFIRMED" in overview.text()


def test_numbers_that_may_be_incomplete_are_marked(overview: Overview, monkeypatch: pytest.MonkeyPatch) -> None:
    part = overview._parts[2]
    load = part.load

    def warns() -> Any:
        warn("3 of 5 rows came.", lk.IncompleteResult)
        return load()

    monkeypatch.setattr(part, "load", warns)
    overview.run()
    overview.wait()
    assert overview.message_kind == "warning"
    assert overview.message == "Transactions: 3 of 5 rows came."
    assert "3 of 5 rows came." in part.body.value
    assert "Confirmed" in part.body.value


def test_a_reporting_key_is_told_what_it_cant_see() -> None:
    with lk.connect("sandbox", family="reporting_key", transactions=300) as session:
        overview = Overview.on(session.accounts._connection)
        overview.run()
        overview.wait()
        assert "Waiting for you can't be told: only an API user" in overview.text()
        assert "BTC (bitcoin)" in overview.text()
        overview.close()


# The explorer


def test_the_explorer_begins_with_the_connection_and_the_overview(explorer: Explorer) -> None:
    explorer.wait()
    assert isinstance(explorer.children[1], Panel)
    assert explorer.tab == "Overview"
    assert set(explorer.forms) == {"Overview", "Detail"}  # the others are made when they are shown
    assert "waiting for your approval" in explorer.text()
    assert "SANDBOX" in explorer.text()


@pytest.mark.parametrize("name", TABS)
def test_every_tab_can_be_shown(explorer: Explorer, name: str) -> None:
    explorer.tabs.selected_index = TABS.index(name)
    explorer.wait()
    assert explorer.tab == name
    assert explorer.forms[name].state != "failed"
    assert explorer.forms[name].message_kind != "error"
    assert explorer.forms[name] in explorer._places[name].children


@pytest.mark.parametrize("family", ["reporting_key", "lam"])
def test_what_a_family_cant_do_is_told_in_its_tab(family: str) -> None:
    with lk.connect("sandbox", family=family, transactions=100) as session:
        explorer = lk.explorer(session)
        for name in TABS:
            explorer.tab = name
            explorer.wait()
            assert "fault of the kit" not in explorer.text()
        assert "Only an API user approves" in explorer.forms["Inbox"].text()
        explorer.close()


def test_who_approved_the_largest_outgoing_payment_of_last_month(session: lk.Session, explorer: Explorer) -> None:
    explorer.tab = "Transactions"
    explorer.wait()
    form: Any = explorer.forms["Transactions"]
    form.choose_range("Last month")
    form.fields["currency"].write(["bitcoin"])
    form.fields["type"].write("SEND")
    form.run()
    form.wait()
    frame = form.frame
    largest = frame.loc[frame["amount"].map(int).idxmax()]
    form.results.wait()
    table = form.results.table
    table.sort_column, table.ascending = "amount", False
    table._received(None, {"open": {"kind": "transaction", "id": str(largest["id"])}}, [])
    assert explorer.tab == "Detail"  # the card comes where one looks
    explorer.wait()
    steps = session.requests.governance_status(int(largest["last_request"]))
    assert len(steps) > 0
    users = session.users.search().set_index("id")["username"]
    shown = explorer.detail.text()
    votes = [vote for step in steps["approvals"] for vote in step]
    assert votes
    for vote in votes:
        assert users[vote["user"]["id"]] in shown
    assert explorer.tabs.titles[-1] == f"Transaction {largest['id']}"
    explorer.detail.close_button.click()
    assert explorer.tab == "Transactions"  # and the table is as it was
    assert table.sort_column == "amount"
    assert explorer.tabs.titles[-1] == "Detail"


def test_the_explorer_is_unsettled_as_long_as_a_form_in_it_is(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not explorer.unsettled
    monkeypatch.setattr(explorer.detail, "unsettled", True, raising=False)
    assert explorer.unsettled


def test_what_cant_be_opened_is_told_where_the_card_would_be(explorer: Explorer) -> None:
    explorer.wait()
    explorer.detail.open("account", 10**9)
    assert explorer.tab == "Detail"
    explorer.wait()
    assert explorer.detail.message_kind == "error"
    explorer.tab = "Overview"
    explorer.detail.open("planet", 3)
    explorer.wait()
    assert "planet" in explorer.detail.message


def test_who_leaves_the_card_while_it_loads_is_not_called_back(explorer: Explorer) -> None:
    explorer.detail.open("account", 1)
    explorer.tab = "Overview"
    explorer.detail.wait()
    assert explorer.detail.state == "done"
    assert explorer.tab == "Overview"


def test_a_tab_that_cant_be_made_says_so_and_can_be_tried_again(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> Any:
        raise InvalidRequest("not today.")

    working = explorer._makers["Inbox"]
    monkeypatch.setitem(explorer._makers, "Inbox", refuse)
    explorer.tab = "Inbox"
    (failed,) = explorer._places["Inbox"].children
    assert failed.message == "not today."
    explorer.tab = "Overview"
    assert "Inbox" not in explorer.forms
    monkeypatch.setitem(explorer._makers, "Inbox", working)
    again = next(one for one in failed.children if isinstance(one, widgets.Button))
    again.click()
    assert "Inbox" in explorer.forms


@pytest.mark.parametrize("question", module.AUDIT)
def test_every_question_of_the_audit_has_a_form(explorer: Explorer, question: str) -> None:
    explorer.tab = "Audit"
    audit: Any = explorer.forms["Audit"]
    audit.chooser.value = question
    audit.wait()
    assert audit.place.children == (audit.forms[question],)
    assert audit.message == ""


def test_the_audit_finds_requests_by_type(session: lk.Session, explorer: Explorer) -> None:
    explorer.tab = "Audit"
    audit: Any = explorer.forms["Audit"]
    audit.form.fields["type"].write(["CREATE_ACCOUNT"])
    audit.form.run()
    audit.wait()
    assert audit.form.frame["id"].tolist() == session.requests.search(type="CREATE_ACCOUNT")["id"].tolist()


def test_buttons_of_the_overview_lead_to_tabs(explorer: Explorer) -> None:
    explorer.wait()
    buttons = explorer.forms["Overview"].children[2].children
    next(one for one in buttons if one.description == "Open inbox").click()
    assert explorer.tab == "Inbox"
    assert explorer.tabs.selected_index == TABS.index("Inbox")


def test_an_explorer_that_sends_something_says_so(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    explorer.tab = "New request"
    assert not explorer.sending
    form = explorer.forms["New request"]
    monkeypatch.setattr(type(form), "sending", True)
    assert explorer.sending  # another run of its cell leaves it alone then


def test_closing_leaves_no_widget(session: lk.Session) -> None:
    lk.explorer(session).close()
    gc.collect()
    before = set(widgets.widget._instances)
    explorer = lk.explorer(session)
    for name in TABS:
        explorer.tab = name
    explorer.wait()
    explorer.close()
    left = [widgets.widget._instances[one] for one in set(widgets.widget._instances) - before]
    assert left == []


def test_explorer_and_panel_can_be_read_about_without_a_session() -> None:
    assert "a page with a tab" in str(lk.explorer.__doc__)
    assert "the doctor" in str(lk.panel.__doc__)
    assert {"explorer", "panel"} <= set(dir(lk))


@pytest.mark.parametrize(("tab", "read"), [("Overview", "run"), ("Inbox", "refresh")])
def test_what_waits_and_what_is_counted_is_read_again_when_its_tab_is_shown_again(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch, tab: str, read: str
) -> None:
    explorer.show(tab)
    explorer.wait()
    reads: list[str] = []
    form = explorer.forms[tab]
    monkeypatch.setattr(form, read, lambda: reads.append(tab))
    explorer.show("Detail")
    explorer.tabs.selected_index = TABS.index(tab)
    assert reads == [tab]
    monkeypatch.setattr(type(form), "unsettled", True, raising=False)
    explorer.show("Detail")
    explorer.show(tab)
    assert reads == [tab]
