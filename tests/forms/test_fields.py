"""Fields and quick ranges: what was typed is read, or said to be wrong; it is never left out."""

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import ipywidgets as widgets
import pytest

import ledgerkit as lk
from ledgerkit.filters import instant
from ledgerkit.forms import cells
from ledgerkit.forms.base import close_all
from ledgerkit.forms.fields import (
    ChoiceField,
    Field,
    FlagField,
    PickField,
    TextField,
    TimeField,
    sentence,
    unique_labels,
)
from ledgerkit.forms.ranges import RANGES, bounds

ACCOUNTS = {"BTC": 1, "BTC Treasury": 2, "Ethereum Fund": 3}


@pytest.fixture
def account() -> PickField:
    field = PickField("account", "Account", many=True)
    field.offer(ACCOUNTS)
    return field


def type_in(field: PickField, text: str) -> None:
    """Do what a browser does as somebody types."""
    for end in range(1, len(text) + 1):
        field.input.value = text[:end]


def press_enter(field: PickField) -> None:
    field.input._handle_custom_msg({"event": "submit"}, [])


def chips(field: PickField) -> list[str]:
    return [chip.description for chip in field.chips.children]


# Names


def test_a_name_that_is_picked_becomes_a_button_and_the_box_is_free_for_another(account: PickField) -> None:
    account.input.value = "BTC Treasury"
    assert (chips(account), account.input.value) == (["BTC Treasury ×"], "")
    account.input.value = "Ethereum Fund"
    assert account.read() == [2, 3]


def test_a_name_that_another_begins_with_waits_for_the_rest(account: PickField) -> None:
    type_in(account, "BTC Treasury")
    assert account.read() == [2]


@pytest.mark.parametrize(
    ("typed", "read"), [("btc", [1]), ("ETHEREUM fund ", [3]), ("7", [7]), ("7, 8\n9", [7, 8, 9])]
)
def test_what_was_typed_and_not_picked_counts_too(account: PickField, typed: str, read: list[int]) -> None:
    account.write(None)
    account.input.value = typed
    assert account.read() == read


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("t", "it may mean 3: BTC, BTC Treasury, Ethereum Fund"),
        ("treas", "did you mean BTC Treasury"),
        ("Treasure", "nothing that is offered has that in its name"),
    ],
)
def test_what_names_no_one_is_refused_and_not_left_out(account: PickField, typed: str, said: str) -> None:
    account.write([1])
    account.input.value = typed
    with pytest.raises(lk.InvalidRequest, match=said) as caught:
        account.read()
    assert caught.value.details["field"] == "account"
    assert account.input.value == typed


@pytest.mark.parametrize("typed", ["BTC Treasury · 2", "btc treasury (2)", "BTC Treasury 2"])
def test_a_name_with_its_id_is_taken_as_tables_and_cards_show_it(account: PickField, typed: str) -> None:
    account.input.value = typed
    assert account.read() == [2]
    press_enter(account)
    assert chips(account) == ["BTC Treasury ×"]


def test_a_name_beside_the_id_of_another_names_neither(account: PickField) -> None:
    account.input.value = "BTC Treasury · 3"
    with pytest.raises(lk.InvalidRequest, match="nothing that is offered"):
        account.read()


def test_a_name_that_ends_in_a_number_is_itself_and_not_another_with_that_id() -> None:
    field = PickField("account", "Account")
    field.offer({"Fund": 3, "Fund 3": 9})
    field.input.value = "fund 3"
    assert field.read() == 9
    field.input.value = "Fund · 3"
    assert field.read() == 3


def test_names_that_were_made_unique_or_spelled_are_found_as_tables_show_them() -> None:
    field = PickField("account", "Account")
    field.offer(unique_labels([("Fund", 3), ("fund", 4), ("Fünd", 5)]))
    for typed, read in (("Fund · 3", 3), ("fund 4", 4), ("Fünd · 5", 5)):
        field.input.value = typed
        assert field.read() == read


def test_the_one_name_that_fits_is_offered_on_a_button(account: PickField) -> None:
    heard: list[Any] = []
    account.write([3])
    assert account.suggest.layout.display == "none"
    account.on_edit(lambda: heard.append(account.input.value))
    account.input.value = "treas"
    with pytest.raises(lk.InvalidRequest, match="did you mean BTC Treasury"):
        account.read()
    assert (account.suggest.description, account.suggest.layout.display) == ("Use BTC Treasury", None)
    account.suggest.click()
    assert (account.read(), chips(account)) == ([3, 2], ["Ethereum Fund ×", "BTC Treasury ×"])
    assert heard == ["treas", ""]
    assert account.suggest.layout.display == "none"
    account.suggest.click()  # a click of before
    assert account.read() == [3, 2]


def test_a_button_that_fits_goes_with_the_next_letter(account: PickField) -> None:
    account.input.value = "treas"
    press_enter(account)
    assert account.suggest.layout.display is None
    account.input.value = "treasx"
    assert account.suggest.layout.display == "none"


def test_two_of_one_name_are_two_whatever_their_case() -> None:
    labels = unique_labels([("Fund", 3), ("fund", 4), ("Fund (3)", 5), ("7", 6), ("", 8)])
    assert labels == {"Fund (3)": 3, "fund (4)": 4, "Fund (3) (5)": 5, "7 (6)": 6, " (8)": 8}
    field = PickField("account", "Account")
    field.offer(labels)
    field.input.value = "fund"
    with pytest.raises(lk.InvalidRequest, match="it may mean 3"):
        field.read()


def test_enter_takes_what_is_in_the_box_and_marks_what_it_can_not_take(account: PickField) -> None:
    account.input.value = "btc"
    press_enter(account)
    assert chips(account) == ["BTC ×"]
    account.input.value = "fu"
    press_enter(account)
    assert "lk-wrong" in account.widget._dom_classes
    account.input.value = ""
    assert "lk-wrong" not in account.widget._dom_classes


def test_a_button_takes_its_own_away_and_leaves_no_widget(account: PickField) -> None:
    account.write([1, 2])
    before = len(widgets.widget._instances)
    account.chips.children[0].click()
    assert account.read() == [2]
    assert len(widgets.widget._instances) < before


def test_one_of_several_that_are_picked_is_one_too_many_where_it_takes_one() -> None:
    field = PickField("user", "User")
    field.offer({"Dana": 5, "Kim": 6})
    field.input.value = "Dana"
    field.input.value = "Kim"
    assert field.read() == 6  # the second pick replaces the first
    field.input.value = "5"
    with pytest.raises(lk.InvalidRequest, match="it takes one"):
        field.read()


def test_of_thousands_only_those_that_match_are_sent_to_the_browser() -> None:
    field = PickField("account", "Account", many=True)
    field.offer({f"Account {number:04}": number for number in range(5000)})
    assert len(field.input.options) == 50
    field.input.value = "account 49"
    assert len(field.input.options) == 50
    assert field.input.options[0] == "Account 4900"
    field.input.value = "account 4999"
    assert field.input.options == ("Account 4999",)
    assert field.read() == [4999]


def test_names_that_come_later_are_shown_of_what_was_picked_by_id() -> None:
    field = PickField("account", "Account", many=True)
    field.write([2])
    assert chips(field) == ["2 ×"]
    field.offer(ACCOUNTS)
    assert chips(field) == ["BTC Treasury ×"]


def test_a_currency_that_is_not_offered_is_sent_as_it_was_typed() -> None:
    field = PickField("currency", "Currency", many=True, integer=False)
    field.offer({"bitcoin · BTC": "bitcoin"})
    field.input.value = "ethereum:0xA0b8"
    assert field.read() == ["ethereum:0xA0b8"]
    field.input.value = "Bitcoin"
    assert field.read() == ["bitcoin"]


# Choices, flags, texts, times


def test_a_choice_is_any_one_of_the_list_or_another() -> None:
    field = ChoiceField("status", "Status", ["CONFIRMED", "PENDING_APPROVAL"], free=True)
    assert [label for label, _ in field.input.options] == ["any", "Confirmed", "Pending approval", "other…"]
    assert field.read() is None
    field.write("PENDING_APPROVAL")
    assert field.read() == "PENDING_APPROVAL"
    field.input.value = "other…"
    assert field.other.layout.display is None
    with pytest.raises(lk.InvalidRequest, match=r"Status: .* type the value"):
        field.read()
    field.other.value = " NEW_STATE "
    assert field.read() == "NEW_STATE"
    field.clear()
    assert (field.read(), field.input.label) == (None, "any")
    assert field.other.layout.display == "none"


def test_several_choices_are_picked_by_their_words_or_by_the_values_of_the_api() -> None:
    field = ChoiceField("status", "Status", ["CONFIRMED", "PENDING_APPROVAL"], many=True, free=True)
    field.write("CONFIRMED")
    for child in field.widget.children:
        if isinstance(child, widgets.Combobox):
            child.value = "pending_approval"
    assert field.read() == ["CONFIRMED", "PENDING_APPROVAL"]


def test_a_closed_list_takes_nothing_else() -> None:
    with pytest.raises(lk.InvalidRequest, match="Speed: 'WARP' was not taken"):
        ChoiceField("speed", "Speed", ["FAST", "SLOW"]).write("WARP")
    several = ChoiceField("speed", "Speed", ["FAST", "SLOW"], many=True)
    several.write("WARP")
    with pytest.raises(lk.InvalidRequest, match="Speed: 'WARP' was not taken"):
        several.read()


def test_a_flag_is_yes_no_or_any() -> None:
    field = FlagField("light", "Light")
    assert (field.read(), field.input.label) == (None, "any")
    for value in (True, False):
        field.write(value)
        assert field.read() is value
    with pytest.raises(lk.InvalidRequest, match="it takes True or False"):
        field.write("no")


def test_a_text_is_read_without_the_blanks_around_it() -> None:
    field = TextField("amount", "Amount", help="Base units.")
    assert field.read() is None
    field.input.value = "  1.50 "
    assert field.read() == "1.50"
    assert field.input.tooltip == "amount: Base units."


@pytest.mark.parametrize("text", ["2026-01-31", "2026-01-31T14:00", "2026-01-31T14:00:00+02:00"])
def test_a_time_is_a_day_or_a_moment(text: str) -> None:
    field = TimeField("created_after", "Created from")
    field.input.value = f" {text} "
    assert field.read() == text


def test_the_calendar_fills_in_the_text_and_shows_no_other_day_than_it() -> None:
    field = TimeField("created_after", "Created from")
    field.calendar.value = date(2026, 1, 31)
    assert field.read() == "2026-01-31"
    field.input.value = "2026-01-31T14:00"
    assert field.calendar.value is None
    assert field.read() == "2026-01-31T14:00"


@pytest.mark.parametrize(("day", "text"), [(False, "31.01.2026"), (True, "2026-01-31T14:00"), (True, "yesterday")])
def test_what_is_no_time_is_refused(day: bool, text: str) -> None:
    field = TimeField("start", "Start", day=day)
    field.input.value = text
    with pytest.raises(lk.InvalidRequest, match=r"Start: .* was not taken"):
        field.read()


FIELDS: list[tuple[Callable[[], Field], Any]] = [
    (lambda: TextField("one", "One"), "text"),
    (lambda: FlagField("one", "One"), True),
    (lambda: TimeField("one", "One"), "2026-01-31"),
    (lambda: PickField("one", "One"), 7),
    (lambda: ChoiceField("one", "One", ["A"]), "A"),
    (lambda: ChoiceField("one", "One", ["A"], many=True), "A"),
    (lambda: ChoiceField("one", "One", ["A"], free=True), "B"),
]


@pytest.mark.parametrize(("make", "value"), FIELDS)
def test_every_field_tells_of_its_edits_takes_its_mark_off_and_can_be_emptied(
    make: Callable[[], Field], value: Any
) -> None:
    before = set(widgets.widget._instances)
    field, told = make(), []
    field.on_edit(lambda: told.append(field.read()))
    field.mark(True)
    field.write(value)
    assert told[-1] in (value, [value])
    assert "lk-wrong" not in field.widget._dom_classes
    field.clear()
    assert told[-1] is None
    close_all(field.widget)
    assert set(widgets.widget._instances) == before


@pytest.mark.parametrize(
    ("value", "shown"),
    [("PENDING_APPROVAL", "Pending approval"), ("EIP-191", "EIP-191"), ("receive", "receive"), ("ERC20", "ERC20")],
)
def test_values_of_the_api_are_shown_in_sentence_case(value: str, shown: str) -> None:
    assert sentence(value) == shown


# Quick ranges


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("name", "now", "after", "before"),
    [
        ("Today", "2026-11-25T12:00Z", "2026-11-25", "2026-11-26"),
        ("Last 7 days", "2026-03-03T12:00Z", "2026-02-25", "2026-03-04"),
        ("This month", "2026-12-31T23:59Z", "2026-12-01", "2027-01-01"),
        ("Last month", "2026-01-01T00:00Z", "2025-12-01", "2026-01-01"),
        ("This quarter", "2026-11-25T12:00Z", "2026-10-01", "2027-01-01"),
        ("This quarter", "2026-02-28T12:00Z", "2026-01-01", "2026-04-01"),
        ("Year to date", "2026-11-25T12:00Z", "2026-01-01", "2026-11-26"),
    ],
)
def test_quick_ranges_are_whole_days(name: str, now: str, after: str, before: str) -> None:
    assert bounds(name, at(now), UTC) == (after, before)


def test_a_day_is_one_of_the_zone_of_the_session() -> None:
    new_year = at("2026-12-31T23:30Z")
    assert bounds("Today", new_year, ZoneInfo("Europe/Paris")) == (
        "2027-01-01T00:00:00+01:00",
        "2027-01-02T00:00:00+01:00",
    )


def test_each_bound_has_the_offset_of_its_own_day_where_summer_time_begins_between_them() -> None:
    assert bounds("This month", at("2026-03-31T12:00Z"), ZoneInfo("Europe/Paris")) == (
        "2026-03-01T00:00:00+01:00",
        "2026-04-01T00:00:00+02:00",
    )


def test_a_day_that_has_no_midnight_begins_when_the_clocks_have_gone_forward() -> None:
    cairo = ZoneInfo("Africa/Cairo")  # on 24 April 2026 the clocks go from 00:00 to 01:00
    after, before = bounds("Today", at("2026-04-24T12:00Z"), cairo)
    assert datetime.fromisoformat(after).astimezone(cairo) == datetime(2026, 4, 24, 1, tzinfo=cairo)
    assert (at(before) - at(after)) == 23 * 3600


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("zone", ["UTC", "Europe/London", "Pacific/Auckland", "America/Havana"])
def test_every_range_holds_the_moment_that_it_is_of_or_lies_before_it(name: str, zone: str) -> None:
    for month in range(1, 13):
        now = at(f"2026-{month:02}-01T00:30Z")
        after, before = (instant("created_after", one, UTC) for one in bounds(name, now, ZoneInfo(zone)))
        assert after.timestamp() < before.timestamp()
        assert (name == "Last month") == (before.timestamp() <= now)


# One live form for each cell


class Shown:
    """What stands for a form: it is there until it is closed."""

    def __init__(self, *, sending: bool = False) -> None:
        self.sending = sending
        self.comm: Any = object()

    def close(self) -> None:
        self.comm = None


@pytest.fixture
def run_cell(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Say which cell runs, and which run of it this is."""
    monkeypatch.setattr(cells, "_SHOWN", {})
    return lambda cell, run: monkeypatch.setattr(cells, "_cell", lambda: (cell, run))


def show(key: str = "transactions.search", *, sending: bool = False) -> Any:
    form: Any = Shown(sending=sending)
    cells.replace(form, key)
    return form


def test_a_cell_that_is_run_again_closes_what_it_showed(run_cell: Callable[[str, str], None]) -> None:
    run_cell("a", "1")
    first, twin, other = show(), show(), show("accounts.search")
    run_cell("b", "2")
    elsewhere = show()
    run_cell("a", "3")
    again = show()
    assert [one.comm is None for one in (first, twin, other, elsewhere, again)] == [True, True, False, False, False]


def test_a_form_that_is_sending_is_not_closed_until_it_has_sent(run_cell: Callable[[str, str], None]) -> None:
    run_cell("a", "1")
    busy = show(sending=True)
    run_cell("a", "2")
    show()
    assert busy.comm is not None
    busy.sending = False
    run_cell("a", "3")
    show()
    assert busy.comm is None


def test_the_cell_is_the_one_that_the_kernel_was_asked_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"header": {"msg_id": "run-1"}, "metadata": {"cellId": "cell-a"}}
    kernel = SimpleNamespace(get_parent=lambda _: asked)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=kernel)))
    assert cells._cell() == ("cell-a", "run-1")
    asked["metadata"] = {}  # a click: it is no run of a cell
    assert cells._cell() == ("", "run-1")
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert cells._cell() == ("", "")


def test_outside_of_a_notebook_nothing_is_closed(run_cell: Callable[[str, str], None]) -> None:
    run_cell("", "")
    first, second = show(), show()
    assert first.comm is not None
    assert second.comm is not None


@pytest.mark.parametrize(
    ("make", "value"),
    [
        (lambda: ChoiceField("type", "Type", ["SEND", "RECEIVE"]), "SEND"),
        (lambda: ChoiceField("type", "Type", ["SEND"], free=True), "NEW"),
        (lambda: TextField("title", "Title"), "Invoice 42"),
        (lambda: TimeField("created_after", "After"), "2026-01-01"),
        (lambda: FlagField("spam", "Spam"), True),
    ],
    ids=["choice", "free choice", "text", "time", "flag"],
)
def test_a_field_of_one_value_takes_a_list_of_one_and_refuses_several(make: Callable[[], Field], value: Any) -> None:
    field = make()
    field.write([value])
    alone = field.read()
    field.write(value)
    assert field.read() == alone
    for several in ([value, value], [], [[value]] if isinstance(field, ChoiceField) else [value] * 3):
        with pytest.raises(lk.InvalidRequest, match="was not taken: it "):
            field.write(several)
    assert field.read() == alone
