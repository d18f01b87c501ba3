"""Search forms on the sandbox: every read has one, and what it finds is what the method finds."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets as widgets
import pandas as pd
import pytest
from serving import LeapingClock, Reply, Seen, Server, page

import ledgerkit as lk
from ledgerkit.filters import filters
from ledgerkit.forms.detail import Detail
from ledgerkit.forms.search import NAMES_FIRST, STALE, SearchForm
from ledgerkit.forms.sections import COMMON, LABELS, NAMED, documented, reads
from ledgerkit.forms.style import style
from ledgerkit.forms.workspace import Workspace
from ledgerkit.resources.base import Section, all_sections
from ledgerkit.resources.transactions import Transactions

READS = [(section, name) for section in all_sections() for name in reads(section)]


@pytest.fixture
def form(session: lk.Session) -> Iterator[SearchForm]:
    form: SearchForm = session.transactions.form()
    yield form.wait()
    form.close()
    assert session.sandbox is not None
    session.sandbox.faults.clear()


def faults(session: lk.Session) -> Any:
    assert session.sandbox is not None
    return session.sandbox.faults


def search(form: SearchForm) -> SearchForm:
    form.search.click()
    return form.wait()


def found(form: SearchForm) -> pd.DataFrame:
    return shown(search(form))


def shown(form: SearchForm) -> pd.DataFrame:
    assert form.state == "done", form.message
    frame = form.frame
    assert frame is not None
    return frame


def executed(form: SearchForm, session: lk.Session) -> pd.DataFrame:
    names: dict[str, Any] = {"session": session}
    exec(form.code, names)  # noqa: S102 - what a form offers to copy
    frame: pd.DataFrame = names["frame"]
    return frame


# Made of signatures


@pytest.mark.parametrize(("section", "name"), READS, ids=[f"{section.name}.{name}" for section, name in READS])
def test_every_read_of_every_section_makes_a_form(session: lk.Session, section: type[Section], name: str) -> None:
    form = SearchForm(Workspace(session.accounts._connection), section.name, name).wait()
    assert list(form.fields) == list(filters(getattr(section, name)))
    assert form.message == ""
    assert f"{section.name}.{name}" in form.head.value
    form.close()


def test_what_is_no_read_makes_none(session: lk.Session) -> None:
    for method in ("create", "sync", "form", "_list", "nothing"):
        with pytest.raises(lk.InvalidRequest, match=r"there is one for .*search"):
            session.accounts.form(method)


def test_the_tables_of_fields_name_parameters_that_there_are() -> None:
    parameters = {name for section, method in READS for name in filters(getattr(section, method))}
    assert set(NAMED) <= parameters
    assert set(LABELS) <= parameters
    for section, names in COMMON.items():
        [kind] = [one for one in all_sections() if one.name == section]
        assert set(names) <= set(filters(kind.search))  # type: ignore[attr-defined]  # those of the table have one


def test_a_field_says_its_parameter_and_what_the_documentation_says_of_it() -> None:
    told = documented(Transactions.search)
    assert told["account"] == "Ids of the accounts that the transactions were created in."
    assert told["min_amount"] == told["max_amount"]
    assert "status" not in told
    assert not any("DataFrame" in text or "API:" in text for text in told.values())


# From the fields to the query


WRITTEN: list[tuple[str, Any, Any]] = [
    ("account", [7, 12], ["7", "12"]),
    ("created_after", "2026-01-31", None),
    ("created_before", "2026-02-28", None),
    ("currency", ["bitcoin", "ethereum:0xA0b8"], ["bitcoin", "ethereum:0xA0b8"]),
    ("destination_tag", "12", ["12"]),
    ("id", "4", ["4"]),
    ("interaction_type", "SWAP", ["SWAP"]),
    ("label", "Rent", ["Rent"]),
    ("max_amount", "340282366920938463463374607431768211455", ["340282366920938463463374607431768211455"]),
    ("memo", "a memo", ["a memo"]),
    ("min_amount", "1", ["1"]),
    ("order", "asc", None),
    ("order_by", "amount", None),
    ("recipient", "0xAb", ["0xAb"]),
    ("status", ["CONFIRMED", "FAILED"], ["CONFIRMED", "FAILED"]),
    ("title", "Rent", ["Rent"]),
    ("tx_hash", "0x12", ["0x12"]),
    ("tx_label", [3], ["3"]),
    ("type", "SEND", ["SEND"]),
    ("limit", "5", None),
]


def nothing(seen: Seen) -> Reply:
    return Reply({"currencies": []}) if seen.path == "/currencies" else page([])


@pytest.fixture
def recording(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session]
) -> Iterator[tuple[SearchForm, Server]]:
    """A form on a server that remembers what it was asked, at noon of 24 March 2026 UTC; summer time is near."""
    server = serve(nothing)
    session = connect_to(server, tz="Europe/Paris", clock=LeapingClock(1_774_353_600.0))
    form: SearchForm = session.transactions.form()
    yield form.wait(), server
    form.close()


def test_there_is_an_example_of_every_filter() -> None:
    assert [name for name, _, _ in WRITTEN] == list(filters(Transactions.search))


@pytest.mark.parametrize(("name", "value", "sent"), WRITTEN, ids=[name for name, _, _ in WRITTEN])
def test_every_filter_that_is_filled_in_is_sent_and_kept_in_the_frame(
    recording: tuple[SearchForm, Server], name: str, value: Any, sent: Any
) -> None:
    form, server = recording
    form.fields[name].write(value)
    before = len(server.seen)
    frame = found(form)
    asked = [one for one in server.seen[before:] if one.path == "/transactions"]
    assert asked
    assert name in frame.attrs["parameters"]
    if sent is not None:
        assert all(one.query[name] == sent for one in asked)
    form.clear()
    assert form.values() == {}


def test_bounds_are_sent_as_moments_of_the_zone_of_the_session(recording: tuple[SearchForm, Server]) -> None:
    form, server = recording
    form.fields["created_after"].write("2026-01-31")
    search(form)
    [bound] = server.seen[-1].query["created_after"]
    assert bound == "2026-01-30T22:59:59Z"  # a second wider, and cut in the frame


def test_a_quick_range_fills_in_explicit_moments_by_the_clock_of_the_server(
    recording: tuple[SearchForm, Server],
) -> None:
    form, _ = recording
    form.choose_range("This month")
    assert form.values() == {
        "created_after": "2026-03-01T00:00:00+01:00",
        "created_before": "2026-04-01T00:00:00+02:00",
    }
    assert "created_before='2026-04-01T00:00:00+02:00'" in form.code


def test_a_range_is_a_button_of_every_form_that_takes_two_moments(session: lk.Session) -> None:
    form: SearchForm = session.accounts.form("balance_history")
    form.wait()
    form.fields["account_id"].write([1])
    [button] = [
        one
        for row in form.children
        if isinstance(row, widgets.HBox)
        for one in row.children
        if one.description == "Last month"
    ]
    button.click()
    assert set(form.values()) == {"account_id", "start", "end"}
    search(form)
    assert form.state == "done", form.message
    form.close()


# Searching


def test_what_is_found_is_what_the_method_finds_and_the_code_finds_it_again(
    session: lk.Session, form: SearchForm
) -> None:
    form.fields["status"].write(["CONFIRMED"])
    form.fields["account"].write([1, 2])
    form.fields["limit"].write("20")
    frame = found(form)
    assert form.code == "frame = session.transactions.search(account=[1, 2], status='CONFIRMED', limit=20)"
    assert form.code_box.code == form.code
    pd.testing.assert_frame_equal(frame, executed(form, session))
    assert form.results.frame is not None
    assert f"{len(frame)} rows" in form.results.count.value


def test_several_searches_with_one_form_each_find_what_they_ask_for(form: SearchForm) -> None:
    for status in ("FAILED", "CONFIRMED"):
        form.fields["status"].write(status)
        assert set(found(form)["status"]) == {status}


def test_names_are_offered_and_a_name_that_was_typed_and_not_picked_counts(
    session: lk.Session, form: SearchForm
) -> None:
    account = session.accounts.search(limit=1, name="BTC Treasury 1")
    box: Any = form.fields["account"]
    box.input.value = "btc treasury 1"
    assert set(found(form)["account_id"]) == {account["id"].iloc[0]}


@pytest.fixture
def early(session: lk.Session) -> Iterator[SearchForm]:
    """A form that waits for names yet."""
    form: SearchForm = session.transactions.form()
    form.fields["limit"].write("5")
    yield form
    form.close()


@pytest.mark.parametrize(
    ("name", "typed", "meant"),
    [("account", "btc treasury 1", "account=1"), ("currency", "BITCOIN", "currency='bitcoin'")],
)
def test_a_name_that_was_typed_before_names_are_there_is_searched_for_once_they_are(
    early: SearchForm, name: str, typed: str, meant: str
) -> None:
    box: Any = early.fields[name]
    box.input.value = typed
    early.search.click()
    assert (early.state, early.message, early.search.disabled) == ("running", NAMES_FIRST, True)
    early.wait()
    assert set(shown(early)["currency"]) == {"bitcoin"}
    assert meant in early.code
    assert early.message == ""


def test_ids_wait_for_no_names(early: SearchForm) -> None:
    box: Any = early.fields["account"]
    box.input.value = "1"
    early.search.click()
    assert early.work.running
    assert set(shown(early.wait())["account_id"]) == {1}


def test_a_search_that_waits_for_names_can_be_cancelled(early: SearchForm) -> None:
    box: Any = early.fields["account"]
    box.input.value = "btc treasury 1"
    early.search.click()
    early.cancel.click()
    assert (early.state, early.search.disabled) == ("stopped", False)
    early.wait()
    assert (early.state, early.frame) == ("stopped", None)


def test_a_name_is_refused_where_names_do_not_come(session: lk.Session) -> None:
    session.accounts._connection.memory.frames.clear()
    faults(session).status(403, path="/accounts")
    form: SearchForm = session.transactions.form()
    box: Any = form.fields["account"]
    box.input.value = "btc treasury 1"
    search(form)
    faults(session).clear()
    assert (form.state, form.message_kind) == ("failed", "error")
    assert "names are not known here; type an id" in form.message
    form.close()


def test_a_name_that_may_mean_several_is_refused_at_its_field_and_stays(form: SearchForm) -> None:
    box: Any = form.fields["account"]
    box.input.value = "treasury"
    search(form)
    assert form.state == "failed"
    assert form.frame is None
    assert "Account: 'treasury' was not taken: it may mean" in form.message
    assert "lk-wrong" in box.widget._dom_classes
    assert box.input.value == "treasury"
    assert form.code == ""  # there is no line for it
    box.input.value = ""
    assert "lk-wrong" not in box.widget._dom_classes


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("id", "seven", "integer"),
        ("limit", "1,000", "limit"),
        ("min_amount", "1e", "base units"),
        ("created_after", "31.1.2026", "Created from"),
        ("destination_tag", "7.5", "integer"),
    ],
)
def test_a_value_that_is_wrong_is_marked_and_kept(form: SearchForm, name: str, value: str, said: str) -> None:
    form.fields[name].write(value)
    search(form)
    assert (form.state, form.message_kind) == ("failed", "error")
    assert said in form.message
    assert "lk-wrong" in form.fields[name].widget._dom_classes
    assert not form.search.disabled
    form.fields[name].clear()
    form.fields["limit"].write("1")
    assert search(form).state == "done"


def test_a_value_that_the_documentation_lacks_is_sent_and_said_in_the_form(
    recording: tuple[SearchForm, Server],
) -> None:
    form, server = recording
    form.fields["status"].write(["TELEPORTED"])
    search(form)
    assert server.seen[-1].query["status"] == ["TELEPORTED"]
    assert form.message_kind == "warning"
    assert "`status` = 'TELEPORTED' is not among the documented values" in form.message


def test_filters_that_are_folded_away_are_counted_and_a_wrong_one_is_shown(form: SearchForm) -> None:
    [folded] = [part for part in form.children if isinstance(part, widgets.Accordion)]
    assert folded.titles == ("More filters",)
    form.fields["account"].write([1])
    form.fields["memo"].write("x")
    form.fields["id"].write("seven")
    assert folded.titles == ("More filters · 2 filled in",)
    opened: list[Any] = []
    folded.observe(lambda change: opened.append(change.new), "selected_index")
    search(form)
    assert opened == [0]
    form.clear()
    assert folded.titles == ("More filters",)


def test_a_near_miss_is_refused_with_what_was_meant(form: SearchForm) -> None:
    form.fields["status"].write(["CONFIRMD"])
    search(form)
    assert "did you mean 'CONFIRMED'" in form.message
    assert "lk-wrong" in form.fields["status"].widget._dom_classes


def test_what_a_method_needs_is_asked_for_before_anything_is_sent(session: lk.Session) -> None:
    form: SearchForm = session.accounts.form("balances")
    form.wait()
    search(form)
    assert form.message == "Account (needed): it is empty, and there is nothing to ask without it."
    form.fields["account_id"].write([1, 999_999])
    assert len(found(form)) == 2
    assert "1 could not be read" in form.text()
    form.close()


def test_nothing_found_says_why_that_may_be(form: SearchForm) -> None:
    form.fields["created_before"].write("2001-01-01")
    assert len(found(form)) == 0
    assert "Nothing was found" in form.text()


def test_an_edit_leaves_the_result_and_says_that_it_is_older(form: SearchForm) -> None:
    form.fields["limit"].write("3")
    frame, code = found(form), form.code
    form.fields["status"].write(["FAILED"])
    assert form.stale
    assert STALE in form.text()
    assert form.frame is frame
    assert form.code == code  # the line of what is shown
    assert STALE not in search(form).text()
    assert "FAILED" in form.code


def test_an_edit_while_it_runs_marks_what_comes_as_older(form: SearchForm) -> None:
    form.fields["limit"].write("3")
    form.search.click()
    form.fields["limit"].write("4")
    form.wait()
    assert form.stale
    assert len(shown(form)) == 3


def test_pages_are_counted_while_they_come(form: SearchForm) -> None:
    counted: list[str] = []
    form._progress.observe(lambda change: counted.append(change.new), "value")
    assert form.cancel.disabled
    form.search.click()
    assert form.frame is None
    assert (form.search.disabled, form.cancel.disabled) == (True, False)
    form.wait()
    assert form.state == "done"
    assert any(one.startswith("page ") and " of " in one for one in counted)
    assert (form.search.disabled, form.cancel.disabled) == (False, True)
    assert form.bar.layout.display == "none"


# Cancel, faults, and the end


def test_cancel_stops_at_once_and_drops_what_comes_later(session: lk.Session, form: SearchForm) -> None:
    faults(session).latency(0.5, path="/transactions")
    begun = [one for one in threading.enumerate() if one.name == "ledgerkit-form"]
    form.search.click()
    [job] = [one for one in threading.enumerate() if one.name == "ledgerkit-form" and one not in begun]
    form.cancel.click()
    assert (form.state, form.cancel.disabled) == ("stopped", True)
    job.join(10)
    form.work.drain()
    assert form.frame is None
    assert form.message.startswith("Stopped")
    faults(session).clear()
    form.fields["limit"].write("1")
    assert len(found(form)) == 1


def test_after_a_search_that_was_stopped_or_failed_the_code_is_that_of_the_fields(
    session: lk.Session, form: SearchForm
) -> None:
    form.fields["limit"].write("3")
    form.search.click()
    form.fields["limit"].write("4")
    assert "limit=3" in form.code  # the line of what runs
    form.cancel.click()
    assert (form.state, form.stale) == ("stopped", False)
    assert form.code == form.code_box.code == "frame = session.transactions.search(limit=4)"
    faults(session).status(403, path="/transactions")
    form.search.click()
    form.fields["limit"].write("5")
    form.wait()
    assert (form.state, form.stale) == ("failed", False)
    assert form.code == form.code_box.code == "frame = session.transactions.search(limit=5)"
    assert "GET /transactions" in form.message


@pytest.mark.parametrize(("status", "said"), [(500, "GET /transactions"), (403, "GET /transactions")])
def test_a_fault_of_the_service_is_shown_and_the_input_stays(
    session: lk.Session, form: SearchForm, status: int, said: str
) -> None:
    form.fields["title"].write("Rent")
    faults(session).status(status, path="/transactions", times=1)
    search(form)
    assert form.message_kind == "error"
    assert said in form.message
    assert form.frame is None
    assert form.values() == {"title": "Rent"}
    assert search(form).state == "done"


def test_a_form_without_names_says_so_and_takes_ids() -> None:
    with lk.connect("sandbox") as session:
        faults(session).status(403, path="/labels")
        form: SearchForm = session.transactions.form()
        form.wait()
        assert "Names could not be looked up" in form.message
        form.fields["tx_label"].write(["3"])
        form.fields["limit"].write("1")
        assert search(form).state == "done"
        form.close()


def test_two_forms_at_once_each_find_their_own(session: lk.Session) -> None:
    first: SearchForm = session.transactions.form()
    second: SearchForm = session.transactions.form()
    first.fields["status"].write(["FAILED"])
    second.fields["status"].write(["CONFIRMED"])
    first.search.click()
    second.search.click()
    for form, status in ((second, "CONFIRMED"), (first, "FAILED")):
        assert set(shown(form.wait())["status"]) == {status}
    first.close()
    assert len(found(second))
    second.close()


def test_a_form_that_is_closed_leaves_no_widget_and_nothing_that_runs(session: lk.Session) -> None:
    style()
    before = set(widgets.widget._instances)
    form: SearchForm = session.transactions.form()
    form.wait()
    form.fields["account"].write([1, 2])
    form.fields["limit"].write("3")
    search(form)
    form.search.click()
    form.close()
    assert not form.work.running
    assert {type(widgets.widget._instances[one]).__name__ for one in set(widgets.widget._instances) - before} == set()


def test_one_object_opens_below(session: lk.Session, form: SearchForm) -> None:
    form.fields["limit"].write("1")
    form._open("transaction", int(found(form)["id"].iloc[0]))
    assert form.detail is not None
    form.detail.wait()
    assert form.detail.state != "failed", form.detail.message


def test_a_detail_that_stands_elsewhere_is_used_and_outlives_the_form(session: lk.Session) -> None:
    workspace = Workspace(session.accounts._connection)
    elsewhere = Detail(workspace)
    form = SearchForm(workspace, "transactions").wait()
    form.detail = elsewhere
    form._open("account", 1)
    elsewhere.wait()
    form.close()
    assert (elsewhere.kind, elsewhere.key) == ("account", "1")
    assert elsewhere.comm is not None
    elsewhere.close()


def test_without_widgets_the_filters_and_the_first_rows_are_text(form: SearchForm) -> None:
    form.fields["limit"].write("2")
    assert "limit: 2" in form.text()
    frame, text = found(form), form.text()
    assert "Search · SANDBOX · done" in text
    assert "newest 2 rows only" in text
    assert str(frame["id"].iloc[0]) in text


def test_a_filter_of_somebody_else_is_shown_as_text_and_not_as_markup(form: SearchForm) -> None:
    form.fields["title"].write("<img src=x onerror=alert(1)>\u202e")
    search(form)
    assert "\u202e" not in form.text()
    assert "<img" not in form.head.value
    assert r"\u202e" in form.code


def test_enter_in_a_text_searches_and_names_are_said_to_be_matched_whole(session: lk.Session) -> None:
    form = SearchForm.on(session.accounts._connection, "accounts", "search").wait()
    name: Any = form.fields["name"]
    assert name.input.placeholder == "the whole name"
    name.write("BTC Treas")
    name.input._handle_custom_msg({"event": "submit"}, [])
    form.wait()
    assert len(shown(form)) == 0
    assert "Names may be matched whole" in form.message
    name.write("BTC Treasury 1")
    assert len(found(form)) == 1
    assert form.message == ""
    form.close()


def test_a_quick_range_shows_the_filters_that_it_fills_in(session: lk.Session) -> None:
    form = SearchForm.on(session.accounts._connection, "accounts", "search").wait()
    folded: Any = form._folded
    before = folded.selected_index
    form.choose_range("Last 7 days")
    assert (before, folded.selected_index) == (None, 0)
    form.close()
