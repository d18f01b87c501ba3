"""Frames for people: amounts in the unit of each row's account, names beside ids, and what that costs."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from serving import LeapingClock, Reply, Seen, Server, page

import ledgerkit as lk

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]

BTC = [{"code": "satoshi", "magnitude": 0}, {"code": "BTC", "magnitude": 8}]
ETH = [{"code": "ETH", "magnitude": 18}, {"code": "wei", "magnitude": 0}]
USDC = [{"code": "USDC", "magnitude": 6}]
CREATED = {"created_on": "2026-01-01T00:00:00Z"}
ACCOUNTS: list[dict[str, Any]] = [
    {"id": 1, "name": "Cold", "currency": "bitcoin", "balance": "150000000"},
    {"id": 2, "name": "Warm", "currency": "bitcoin", "balance": None},
    {"id": 3, "name": "Vault", "currency": "ethereum", "balance": str(10**30 + 1)},
    {
        "id": 4,
        "name": "Dollars",
        "currency": "ethereum",
        "contract_address": "0xa0",
        "parent": 3,
        "balance": "1500000",
    },
    {"id": 5, "name": None, "currency": "odd", "balance": "7"},
]
UNITS = {1: (BTC, BTC), 2: (BTC, BTC), 3: (ETH, ETH), 4: (USDC, ETH)}
TRANSACTIONS: list[dict[str, Any]] = [
    {"id": 10, "account_id": 1, "amount": "12345", "fees": "100", "max_fees": None, "created_by": 8},
    {"id": 11, "account_id": 4, "amount": "1500000", "fees": str(10**15), "created_by": 9},
    {"id": 12, "account_id": 5, "amount": "7", "fees": "7", "created_by": None},
    {"id": 13, "account_id": None, "amount": "7", "fees": "7", "created_by": 99},
    {"id": 14, "account_id": 2, "amount": None, "fees": "0", "created_by": 8},
]


def workspace(seen: Seen) -> Reply:
    lists: dict[str, list[dict[str, Any]]] = {
        "/accounts": ACCOUNTS,
        "/transactions": TRANSACTIONS,
        "/users": [{"id": 8, "username": "Anna"}, {"id": 9, "username": "Ben"}],
        "/groups": [{"id": 3, "name": "Operators"}],
    }
    if seen.path in lists:
        return page([{**row, **CREATED} for row in lists[seen.path]])
    number = int(seen.path.split("/")[2])
    assert seen.path == f"/accounts/{number}/currency"
    if number not in UNITS:
        return Reply({"message": "no units"}, 404)
    amount, fees = UNITS[number]
    return Reply({"amount_units": amount, "fees_units": fees})


@pytest.fixture
def server(serve: Serve) -> Server:
    return serve(workspace)


@pytest.fixture
def clock() -> LeapingClock:
    return LeapingClock()


@pytest.fixture
def session(server: Server, connect_to: Connect, clock: LeapingClock) -> lk.Session:
    return connect_to(server, clock=clock)


@pytest.fixture
def transactions(session: lk.Session) -> pd.DataFrame:
    return session.transactions.search(order="asc")


def test_amounts_are_shown_in_the_unit_of_the_account_and_fees_in_what_it_pays_them_in(
    session: lk.Session, transactions: pd.DataFrame
) -> None:
    # A transaction of a token names the currency of its network: by that, 1.5 USDC would be 0.0000000000015 ETH.
    shown = session.to_display(transactions)
    assert shown["amount_display"].tolist() == [Decimal("0.00012345"), Decimal("1.5"), pd.NA, pd.NA, pd.NA]
    assert shown["fees_display"].tolist() == [Decimal("0.000001"), Decimal("0.001"), pd.NA, pd.NA, Decimal(0)]
    assert shown["ticker"].fillna("").tolist() == ["BTC", "USDC", "", "", "BTC"]
    assert shown["fees_ticker"].fillna("").tolist() == ["BTC", "ETH", "", "", "BTC"]


def test_where_no_unit_is_known_the_row_says_why(session: lk.Session, transactions: pd.DataFrame) -> None:
    notes = session.to_display(transactions)["display_note"].fillna("").tolist()
    assert notes[:2] == ["", ""]
    assert "no unit known: GET /accounts/5/currency: no units (404)" in notes[2]
    assert notes[3] == "no unit known: the row has no account"


def two_accounts(seen: Seen) -> Reply:
    """Two accounts whose currency the service does not say, and which have units of their own; and none of fees."""
    if seen.path == "/accounts":
        return page([{"id": number, "currency": None, **CREATED} for number in (1, 2)])
    return Reply({"amount_units": BTC if seen.path == "/accounts/1/currency" else ETH, "fees_units": []})


@pytest.fixture
def of_two_accounts() -> pd.DataFrame:
    ids = pd.Series([1, 2], dtype="Int64")
    return pd.DataFrame({"account_id": ids, "amount": [10**18, 10**18], "fees": [1, 1]})


def test_accounts_of_unknown_currency_do_not_share_a_unit(
    serve: Serve, connect_to: Connect, of_two_accounts: pd.DataFrame
) -> None:
    # Both were shown in the unit of the first.
    shown = connect_to(serve(two_accounts)).to_display(of_two_accounts)
    assert shown["ticker"].tolist() == ["BTC", "ETH"]
    assert shown["amount_display"].tolist() == [Decimal("1e10"), Decimal(1)]


def test_the_note_says_what_has_no_unit_of_what_is_shown(
    serve: Serve, connect_to: Connect, of_two_accounts: pd.DataFrame
) -> None:
    # Fees without a unit were missing without a reason.
    session = connect_to(serve(two_accounts))
    shown = session.to_display(of_two_accounts)
    assert shown["fees_display"].isna().all()
    assert shown["display_note"].tolist() == ["no unit of fees known: the service names none"] * 2
    assert session.to_display(of_two_accounts, ["amount"])["display_note"].isna().all()

    without = connect_to(serve(lambda seen: two_accounts(seen) if seen.path == "/accounts" else Reply({})))
    notes = without.to_display(of_two_accounts)["display_note"].tolist()
    assert notes == ["no unit and no unit of fees known: the service names none"] * 2


@pytest.mark.parametrize(("name", "value"), [("workspace", "other"), ("base_url", "https://elsewhere.example")])
def test_a_frame_of_another_workspace_is_refused(
    session: lk.Session, transactions: pd.DataFrame, server: Server, name: str, value: str
) -> None:
    # Its account 1 is not the account 1 of this session: amounts were scaled with the units of a stranger.
    transactions.attrs[name] = value
    server.seen.clear()
    for add in (session.to_display, session.with_names):
        with pytest.raises(lk.InvalidRequest, match=f"another workspace: its `{name}` is '{value}'"):
            add(transactions)
    assert server.seen == []
    transactions.attrs = {}
    assert session.to_display(transactions)["ticker"].tolist()[0] == "BTC"


def test_columns_stand_behind_what_they_show_and_the_rest_stays(
    session: lk.Session, transactions: pd.DataFrame
) -> None:
    shown = session.to_display(transactions)
    names = list(shown.columns)
    for name in ("amount", "fees", "max_fees"):
        assert names[names.index(name) + 1] == f"{name}_display"
    assert names[-3:] == ["ticker", "fees_ticker", "display_note"]
    assert shown[transactions.columns].equals(transactions)
    assert shown.attrs == transactions.attrs
    assert "amount_display" not in transactions.columns


def test_balances_of_accounts_are_shown_by_their_own_id(session: lk.Session) -> None:
    shown = session.to_display(session.accounts.search(order="asc"))
    assert shown["balance_display"].tolist()[:4] == [
        Decimal("1.5"),
        pd.NA,
        Decimal("1000000000000.000000000000000001"),
        Decimal("1.5"),
    ]
    assert not any("coin_fields" in name and name.endswith("_display") for name in shown.columns)


def test_a_frame_without_rows_is_shown_with_the_same_columns(session: lk.Session, transactions: pd.DataFrame) -> None:
    empty, full = session.to_display(transactions.iloc[:0]), session.to_display(transactions)
    assert list(empty.columns) == list(full.columns)
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()


def test_a_cell_may_be_run_twice(session: lk.Session, transactions: pd.DataFrame) -> None:
    # The second call raised pandas' error about a column that exists already.
    once = session.with_names(session.to_display(transactions))
    assert session.with_names(session.to_display(once)).equals(once)


def test_filtered_merged_and_sorted_frames_can_be_shown(session: lk.Session, transactions: pd.DataFrame) -> None:
    picked = transactions[transactions["id"] > 10].sort_values("amount")
    assert session.to_display(picked)["amount_display"].dropna().tolist() == [Decimal("1.5")]
    merged = transactions[["account_id", "amount"]].merge(
        pd.DataFrame({"account_id": pd.Series([1, 3], dtype="Int64")}), how="right"
    )
    merged.attrs = {}
    assert session.to_display(merged)["amount_display"].tolist() == [Decimal("0.00012345"), pd.NA]


def test_columns_of_ones_own_can_be_scaled(session: lk.Session, transactions: pd.DataFrame) -> None:
    sums = pd.DataFrame({"account_id": [1, 4], "amount": [12345, 1500000]}).astype({"account_id": "Int64"})
    assert session.to_display(sums, ["amount"])["amount_display"].tolist() == [Decimal("0.00012345"), Decimal("1.5")]
    with pytest.raises(lk.InvalidRequest, match="no column 'total'; the frame has: account_id, amount"):
        session.to_display(sums, ["total"])


def test_a_frame_without_accounts_has_no_units(session: lk.Session) -> None:
    with pytest.raises(lk.InvalidRequest, match="units are those of accounts"):
        session.to_display(session.users.search())


def test_names_stand_beside_ids(session: lk.Session, transactions: pd.DataFrame) -> None:
    named = session.with_names(transactions)
    columns = list(named.columns)
    assert columns[columns.index("account_id") + 1] == "account_name"
    assert columns[columns.index("created_by") + 1] == "created_by_name"
    assert named["account_name"].fillna("").tolist() == ["Cold", "Dollars", "", "", "Warm"]
    assert named["created_by_name"].fillna("").tolist() == ["Anna", "Ben", "", "", "Anna"]
    assert str(named["created_by_name"].dtype) == "str"


def test_the_account_above_a_token_account_is_named_too(session: lk.Session) -> None:
    named = session.with_names(session.accounts.search(order="asc"))
    assert named["parent_name"].fillna("").tolist() == ["", "", "", "Vault", ""]


def test_units_and_names_cost_one_search_and_one_call_for_each_currency(
    session: lk.Session, server: Server, transactions: pd.DataFrame
) -> None:
    server.seen.clear()
    for _ in range(3):
        session.with_names(session.to_display(transactions))
    asked = server.paths()
    assert len([path for path in asked if path.endswith("/currency")]) == 3  # of bitcoin, USDC and what is odd
    assert asked.count("/accounts") == 1
    # User 99 may be new: it is looked for once more, but not again and again.
    assert asked.count("/users") == 1


def test_what_is_remembered_is_asked_anew_after_a_while(
    session: lk.Session, server: Server, transactions: pd.DataFrame, clock: LeapingClock
) -> None:
    session.with_names(transactions)
    clock.advance(61)
    session.with_names(transactions)
    assert server.paths().count("/users") == 2  # for the sake of 99, who is still not known
    assert server.paths().count("/accounts") == 1
    clock.advance(901)
    session.with_names(transactions)
    assert server.paths().count("/accounts") == 2


def test_a_column_of_ones_own_is_scaled_only_with_a_word_on_its_unit(serve: Serve, connect_to: Connect) -> None:
    # It was taken for an amount: fees of a token account came out in the token's unit, wrong by 10^12.
    session = connect_to(serve(workspace))
    own = session.transactions.search().assign(signed_fees=lambda frame: -frame["fees"])
    with pytest.raises(lk.InvalidRequest, match=r"\{'signed_fees': 'amount'\} where .*\{'signed_fees': 'fees'\}"):
        session.to_display(own, ["fees", "signed_fees"])
    shown = session.to_display(own[own["id"] == 11], {"signed_fees": "fees"})
    assert (shown["signed_fees_display"].item(), shown["fees_ticker"].item()) == (Decimal("-0.001"), "ETH")


def test_one_column_may_be_named_alone_and_a_near_miss_is_hinted_at(serve: Serve, connect_to: Connect) -> None:
    session = connect_to(serve(workspace))
    accounts = session.accounts.search()
    assert "balance_display" in session.to_display(accounts, "balance")
    with pytest.raises(lk.InvalidRequest, match="did you mean balance"):
        session.to_display(accounts, "balanc")


def test_some_columns_of_accounts_are_still_accounts(serve: Serve, connect_to: Connect) -> None:
    session = connect_to(serve(workspace))
    few = session.accounts.search()[["id", "balance"]]
    assert session.to_display(few)["ticker"].dropna().tolist() == ["USDC", "ETH", "BTC", "BTC"]


def test_one_refused_account_does_not_take_the_unit_from_the_others_of_its_currency(
    serve: Serve, connect_to: Connect
) -> None:
    def refusing(seen: Seen) -> Reply:
        return Reply({"message": "gone"}, 404) if seen.path == "/accounts/2/currency" else workspace(seen)

    session = connect_to(serve(refusing))
    shown = session.to_display(session.accounts.search()).set_index("id")
    assert shown.loc[[1, 2], "ticker"].tolist() == ["BTC", "BTC"]


def test_names_that_an_earlier_call_added_are_looked_up_anew(serve: Serve, connect_to: Connect) -> None:
    session = connect_to(serve(workspace))
    named = session.with_names(session.transactions.search())
    named["account_id"] = named["account_id"].to_numpy()[::-1]
    again = session.with_names(named)
    fresh = session.with_names(named.drop(columns="account_name"))
    assert again["account_name"].tolist() == fresh["account_name"].tolist()
    assert again["account_name"].tolist() != named["account_name"].tolist()


# Tokens without an account of their own


@pytest.fixture(scope="module")
def sandbox_session() -> Iterator[lk.Session]:
    with lk.connect("sandbox") as session:
        yield session


def test_the_amount_of_a_token_is_not_shown_in_the_coin_of_its_account(sandbox_session: lk.Session) -> None:
    session = sandbox_session
    sent = session.transactions.search(account=27, type="SEND_SPL_TOKEN_CHECKED", limit=3)
    coins = session.transactions.search(account=27, type="SEND", limit=1)
    shown = session.to_display(pd.concat([sent, coins], ignore_index=True))
    for row in shown.head(3).to_dict("records"):
        token = session.raw("GET", f"/currencies/solana/tokens/{row['coin_fields_tx_parameters_token_mint']}")
        (unit,) = (one for one in token["units"] if one["code"] == row["ticker"])
        assert row["amount_display"] == Decimal(row["amount"]).scaleb(-unit["magnitude"])
        assert row["fees_ticker"] == "SOL"
    assert shown["ticker"].iloc[3] == "SOL"


@pytest.mark.parametrize(
    ("lost", "why"),
    [("type", "has lost its `type`"), ("coin_fields_tx_parameters_token_mint", "does not say which")],
)
def test_without_what_tells_a_token_from_a_coin_there_is_no_unit(
    sandbox_session: lk.Session, lost: str, why: str
) -> None:
    sent = sandbox_session.transactions.search(account=27, type="SEND_SPL_TOKEN_CHECKED", limit=2)
    shown = sandbox_session.to_display(sent.drop(columns=lost))
    assert shown["amount_display"].isna().all()
    assert shown["ticker"].isna().all()
    assert shown["display_note"].str.contains(why).all()
    bitcoin = sandbox_session.transactions.search(account=1, limit=2)[["account_id", "amount"]]
    assert set(sandbox_session.to_display(bitcoin)["ticker"]) == {"BTC"}
