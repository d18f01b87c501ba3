"""How frames are shown: nothing differs from what was read, and the whole is always there to be copied."""

import datetime
from decimal import Decimal
from typing import Any, get_args
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

import ledgerkit as lk
from ledgerkit import states, vocabulary
from ledgerkit.forms.views import MISSING, Cell, Column, View, column_kinds, digits, short, view
from ledgerkit.forms.workspace import Workspace


@pytest.fixture(scope="module")
def transactions(session: lk.Session, workspace: Workspace) -> View:
    return view(workspace, session.transactions.search())


def where(shown: View, **wanted: Any) -> int:
    """Return the position of the first row with these values."""
    mask = np.ones(len(shown.frame), dtype=bool)
    for name, value in wanted.items():
        mask &= (shown.frame[name] == value).fillna(False).to_numpy(dtype=bool)
    return int(np.flatnonzero(mask)[0])


def made(**columns: Any) -> View:
    """Return the view of a frame that came from nowhere, without a workspace."""
    frame = pd.DataFrame(columns)
    kinds = column_kinds(frame)
    return View(
        frame,
        {name: Column(name, name, kind, name) for name, kind in kinds.items()},
        tuple(kinds),
        datetime.UTC,
    )


def sorted_values(shown: View, name: str, *, ascending: bool = True) -> list[Any]:
    return shown.frame[name].iloc[shown.order(name, ascending=ascending)].tolist()


@pytest.mark.parametrize(
    ("number", "places", "text"),
    [
        (0, 18, "0"),
        (1, 18, "0.000000000000000001"),
        (-1_234_567, 0, "−1 234 567"),
        (123_456_789_000, 8, "1 234.56789"),
        (
            2**256,
            18,
            "115 792 089 237 316 195 423 570 985 008 687 907 853 269 984 665 640 564 039 457.584007913129639936",
        ),
    ],
)
def test_every_digit_of_an_amount_is_shown(number: int, places: int, text: str) -> None:
    assert digits(number, places) == text.replace(" ", "\u202f")


def test_an_amount_has_its_unit_and_base_units_on_hover_and_to_copy(transactions: View, session: lk.Session) -> None:
    position = where(transactions, type="SEND", currency="bitcoin")
    display = session.to_display(transactions.frame.iloc[[position]]).iloc[0]
    cell = transactions.cell("amount", position)
    assert cell.text.replace("\u202f", "") == f"−{Decimal(display['amount_display']).normalize():f}BTC"
    assert cell.copy == str(display["amount"])
    assert cell.title == f"outgoing, {display['amount']} base units"


def test_what_comes_has_no_sign_and_what_is_neither_is_not_guessed(transactions: View, workspace: Workspace) -> None:
    incoming = transactions.cell("amount", where(transactions, type="RECEIVE"))
    assert not incoming.text.startswith("−")
    assert incoming.title.startswith("incoming, ")
    stake = transactions.cell("amount", where(transactions, type="STAKE_CREATE_DELEGATE"))
    assert stake.text.startswith("−")
    assert stake.title.startswith("outgoing, ")
    newer = transactions.frame.assign(type="SENDER_OF_A_NEWER_API")
    unsigned = view(workspace, newer).cell("amount", where(transactions, type="SEND"))
    assert not unsigned.text.startswith("−")
    assert unsigned.title[0].isdigit()


def test_all_amounts_of_a_token_are_in_the_unit_of_their_account(transactions: View, session: lk.Session) -> None:
    display = session.to_display(transactions.frame)
    for position, (value, ticker) in enumerate(zip(display["amount_display"], display["ticker"], strict=True)):
        if value is pd.NA:
            assert transactions.cell("amount", position).text == MISSING
            continue
        number, _, unit = transactions.cell("amount", position).text.rpartition("\u202f")
        assert unit == ticker
        assert Decimal(number.replace("\u202f", "").replace("−", "")) == value


def test_an_amount_of_a_token_without_an_account_is_in_the_unit_of_the_token(transactions: View) -> None:
    position = where(transactions, type="SEND_SPL_TOKEN_CHECKED", status="CONFIRMED")
    mint = transactions.at("coin_fields_tx_parameters_token_mint", position)
    tickers = {
        "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v": "USDC",
        "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB": "USDT",
    }
    assert transactions.cell("amount", position).text.endswith(tickers[mint])
    assert transactions.cell("fees", position).text.endswith("SOL")
    assert "USDT" in transactions.tickers("amount")


def test_ids_have_names_and_lead_somewhere(transactions: View, session: lk.Session) -> None:
    row = transactions.frame.iloc[0]
    name = session.with_names(transactions.frame.head(1))["account_name"].iloc[0]
    cell = transactions.cell("account_id", 0)
    assert cell.text == f"{name} · {row['account_id']}"
    assert cell.copy == str(row["account_id"])
    assert cell.link == ("account", row["account_id"])
    assert transactions.cell("id", 0).link == ("transaction", row["id"])
    assert transactions.cell("tx_hash", where(transactions, status="CONFIRMED")).link == (
        "transaction",
        transactions.frame["id"].iloc[where(transactions, status="CONFIRMED")],
    )
    assert transactions.cell("recipient", 0).link == ("address", row["recipient"])
    assert transactions.cell("created_by", 0).link == ("user", row["created_by"])


def test_the_target_of_a_request_leads_to_what_it_is(session: lk.Session, workspace: Workspace) -> None:
    shown = view(workspace, session.requests.search())
    position = where(shown, target_type="WHITELIST")
    assert shown.cell("target_id", position).link == ("whitelist", shown.frame["target_id"].iloc[position])
    assert shown.cell("id", position).link == ("request", shown.frame["id"].iloc[position])


def test_an_address_is_elided_and_copied_whole(transactions: View) -> None:
    whole = transactions.frame["recipient"].iloc[0]
    cell = transactions.cell("recipient", 0)
    assert cell.text == f"{whole[:8]}…{whole[-8:]}"
    assert cell.copy == cell.title == whole
    assert short("0x12345678") == "0x12345678"


@pytest.mark.parametrize(
    "words",
    [
        vocabulary.TransactionStatus,
        vocabulary.RequestStatus,
        vocabulary.AccountStatus,
        vocabulary.PledgeState,
        vocabulary.GroupStatus,
        vocabulary.SigningStatus,
        vocabulary.UserStatus,
        vocabulary.ReportingKeyStatus,
        vocabulary.StakeStatus,
        vocabulary.SolanaStakeState,
        vocabulary.TezosStakeState,
    ],
)
def test_every_documented_state_has_a_meaning(words: Any) -> None:
    assert [word for word in get_args(words) if not states.meaning("", word)] == []


def test_every_state_of_settlements_has_a_meaning(session: lk.Session) -> None:
    found = set(session.settlements.search()["state"])
    assert {state for state in found if not states.meaning("settlement", state)} == set()


def test_a_state_is_its_own_word_and_one_that_is_new_has_no_colour(transactions: View) -> None:
    cell = transactions.cell("status", where(transactions, status="PENDING_APPROVAL"))
    assert (cell.text, cell.copy, cell.state) == ("Pending approval", "PENDING_APPROVAL", "waiting")
    assert states.meaning("transaction", "TELEPORTED") == ""


def test_words_of_the_service_are_shown_as_in_filters_and_found_either_way(
    session: lk.Session, workspace: Workspace
) -> None:
    shown = view(workspace, session.requests.search())
    position = where(shown, type="CREATE_TRANSACTION")
    assert shown.cell("type", position) == Cell("Create transaction", "CREATE_TRANSACTION", "CREATE_TRANSACTION")
    assert shown.cell("target_type", position).text == "Transaction"
    found = [
        shown.matching(query, ["type"], np.arange(len(shown.frame))) for query in ("create trans", "CREATE_TRANS")
    ]
    assert position in found[0]
    assert found[0].tolist() == found[1].tolist()


def test_a_name_in_capitals_stays_as_it_was_chosen(session: lk.Session, workspace: Workspace) -> None:
    frame = session.accounts.search(limit=1)
    frame["name"] = "TREASURY"
    assert view(workspace, frame).cell("name", 0).text == "TREASURY"


def test_times_are_in_the_zone_of_the_session_and_utc_on_hover(session: lk.Session, workspace: Workspace) -> None:
    shown = view(workspace, session.users.search(limit=1))
    shown.zone = ZoneInfo("Asia/Kolkata")
    moment = shown.frame["created_on"].iloc[0]
    cell = shown.cell("created_on", 0)
    assert cell.text == moment.tz_convert("Asia/Kolkata").isoformat(sep=" ", timespec="seconds")
    assert cell.text.endswith("+05:30")
    assert cell.title == f"{moment.isoformat(sep=' ')} (UTC)"
    assert pd.Timestamp(cell.copy) == moment


def test_the_title_of_a_time_says_its_zone(transactions: View) -> None:
    assert transactions.columns["created_on"].title == "Created on (UTC)"
    assert transactions.columns["created_on"].tooltip.startswith("created_on: ")


def test_flags_lists_and_what_is_missing() -> None:
    shown = made(
        flag=pd.Series([True, None], dtype="boolean"),
        members=[[19, 21], []],
        rules=[[{"id": 1}, {"id": 2}], pd.NA],
    )
    assert [shown.cell("flag", position).text for position in (0, 1)] == ["yes", MISSING]
    assert shown.cell("members", 0) == Cell("19, 21", "[19, 21]", "[19, 21]")
    assert shown.cell("members", 1).text == "none"
    assert shown.cell("rules", 0) == Cell("2 items", '[{"id": 1}, {"id": 2}]', '[{"id": 1}, {"id": 2}]')


def test_a_text_that_misleads_is_shown_as_what_it_is_and_copied_as_it_came() -> None:
    cell = made(name=["safe\u202elive"]).cell("name", 0)
    assert cell.text == "safe\\u202elive"
    assert cell.copy == "safe\u202elive"


def test_integers_sort_by_value_and_what_is_missing_is_last() -> None:
    shown = made(
        id=pd.Series([10, None, 9, 2**62], dtype="Int64"),
        number=pd.Series([2**70, 5, Decimal("5.5"), pd.NA], dtype=object),
    )
    assert shown.order("id", ascending=True).tolist() == [2, 0, 3, 1]
    assert shown.order("id", ascending=False).tolist() == [3, 0, 2, 1]
    assert shown.order("number", ascending=True).tolist() == [1, 2, 0, 3]
    assert shown.order("number", ascending=False).tolist() == [0, 2, 1, 3]


def test_amounts_sort_by_ticker_and_then_as_they_are_shown(transactions: View) -> None:
    texts = [transactions.cell("amount", int(one)).text for one in transactions.order("amount", ascending=False)]
    known = [text.rpartition("\u202f") for text in texts if text != MISSING]
    assert set(texts[len(known) :]) <= {MISSING}
    assert [ticker for _, _, ticker in known] == sorted(ticker for _, _, ticker in known)
    bitcoin = [Decimal(n.replace("\u202f", "").replace("−", "-")) for n, _, ticker in known if ticker == "BTC"]
    assert bitcoin == sorted(bitcoin, reverse=True)
    assert bitcoin[0] > 0 > bitcoin[-1]


def test_times_and_names_sort(transactions: View) -> None:
    assert sorted_values(transactions, "created_on") == sorted(transactions.frame["created_on"])
    names = [
        transactions.cell("account_id", int(one)).text for one in transactions.order("account_id", ascending=True)
    ]
    assert names == sorted(names, key=lambda text: text.rpartition(" · ")[0].casefold())


@pytest.mark.parametrize("column", ["amount", "account_id", "status", "created_on", "recipient", "id", "notes"])
def test_a_row_is_found_by_what_it_shows(transactions: View, column: str) -> None:
    position = next(at for at in range(len(transactions.frame)) if transactions.cell(column, at).text != MISSING)
    cell = transactions.cell(column, position)
    query = cell.copy if column in ("recipient", "notes") else cell.text
    assert position in transactions.matching(query, [column], np.arange(len(transactions.frame)))


def test_few_columns_are_shown_and_all_are_there(transactions: View) -> None:
    assert len(transactions.shown) <= 10
    assert list(transactions.columns) == list(transactions.frame.columns)


@pytest.mark.parametrize(
    "section",
    ["accounts", "requests", "pledges", "settlements", "users", "whitelists", "groups", "entities", "currencies"],
)
def test_every_cell_of_every_table_can_be_shown(session: lk.Session, workspace: Workspace, section: str) -> None:
    frame = getattr(session, section).search()
    shown = view(workspace, frame)
    for name in shown.columns:
        for position in range(min(40, len(frame))):
            cell = shown.cell(name, position)
            assert cell.text
            assert (cell.text == MISSING) == (cell.copy == "")
        assert sorted(shown.order(name, ascending=False)) == list(range(len(frame)))


def test_amounts_of_rows_without_an_account_are_in_base_units_and_say_so(
    session: lk.Session, workspace: Workspace
) -> None:
    shown = view(workspace, session.settlements.search())
    name = "inbound_transaction_intent_amount"
    position = int(np.flatnonzero(shown.frame[name].notna())[0])
    assert shown.cell(name, position).text == f"{digits(shown.frame[name].iloc[position])}\u202fbase units"
    assert shown.notes == ("Amounts are in base units: the rows name no account whose unit they could be shown in.",)


def test_a_frame_of_another_workspace_is_refused(session: lk.Session, workspace: Workspace) -> None:
    frame = session.users.search(limit=1)
    frame.attrs["workspace"] = "another"
    with pytest.raises(lk.InvalidRequest, match="another workspace"):
        view(workspace, frame)
