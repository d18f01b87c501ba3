"""Pledges against collateral: added up by account, and never said to be covered where that is not known."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from serving import Reply, Server

import ledgerkit as lk
from reports.small_workspace import BTC, ETH, account, transaction, units, workspace

Connect = Callable[..., lk.Session]
Serve = Callable[..., Server]
ONE = 10**18


def collateral(number: int, balance: Any = str(10 * ONE), **fields: Any) -> dict[str, Any]:
    amounts = {"balance": balance, "available_balance": balance, "pending_balance": "0"}
    return account(number, **{**amounts, "name": f"TL-{number}", **fields})


def pledge(number: int, amount: Any, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"pledge-{number}",
        "account_id": 1,
        "amount": amount,
        "pending": 0,
        "state": "PLEDGE_READY",
        "pledge_subaccount_id": number,
        "exchange": {"id": "3", "name": "Clearport"},
        "asset_manager": {"id": "1", "name": "Manager"},
        "custodian": {"id": "2", "name": "Custodian"},
        **fields,
    }


def settlement(number: int, state: str, **fields: Any) -> dict[str, Any]:
    return {"id": f"settlement-{number}", "from_pledge_id": "pledge-1", "state": state, "meta": {}, **fields}


def sent(number: int, request: int = 5) -> dict[str, Any]:
    return {"outbound_transaction": {"request_id": request, "transaction_id": number, "transaction_hash": None}}


@pytest.fixture
def made(serve: Serve, connect_to: Connect) -> Callable[..., lk.reports.Report]:
    def make(
        pledges: list[dict[str, Any]],
        accounts: list[dict[str, Any]] | None = None,
        settlements: list[dict[str, Any]] | None = None,
        answers: dict[str, Any] | None = None,
    ) -> lk.reports.Report:
        rows = [collateral(1)] if accounts is None else accounts
        told: dict[str, Any] = {
            f"/accounts/{one['id']}/currency": units(BTC if one["currency"] == "bitcoin" else ETH) for one in rows
        }
        lists = {"/accounts": rows, "/pledges": pledges, "/settlements": settlements or []}
        return lk.reports.pledges(connect_to(serve(workspace(lists, {**told, **(answers or {})}))))

    return make


def notes(report: lk.reports.Report) -> str:
    return " | ".join(report.notes)


def test_sums_of_the_sandbox_are_those_of_the_raw_rows(session: lk.Session) -> None:
    report = lk.reports.pledges(session)
    raw = [edge["node"] for edge in session.raw("GET", "/pledges", params={"page_size": "100"})["edges"]]
    pledged: dict[int, int] = {}
    for row in raw:
        counted = row["state"] not in ("PLEDGE_REJECTED", "PLEDGE_CONSUMED")
        pledged[row["account_id"]] = pledged.get(row["account_id"], 0) + row["amount"] * counted
    shown = report["accounts"].set_index("account_id")
    assert shown["pledged_base"].to_dict() == pledged
    for number, row in shown.iterrows():
        balance = int(session.raw("GET", f"/accounts/{number}")["balance"])
        assert row["free_base"] == balance - pledged[int(str(number))]
        assert Fraction(row["pledged"]) / Fraction(row["balance"]) == Fraction(row["pledged_base"], balance)
    assert len(report["pledges"]) == len(raw)
    assert (
        report["pledges"]["state"].value_counts().to_dict()
        == pd.Series([one["state"] for one in raw]).value_counts().to_dict()
    )


def test_settlements_of_the_sandbox_that_are_under_way(session: lk.Session) -> None:
    rows = lk.reports.pledges(session)["settlements"].set_index("state")
    assert rows["in_flight"].to_dict() == {
        "INBOUND_TRANSACTION_PENDING": True,
        "OUTBOUND_TRANSACTION_PENDING_APPROVAL": True,
        "OUTBOUND_TRANSACTION_SUBMITTED": True,
        "OUTBOUND_TRANSACTION_FAILED": False,
        "SETTLED": False,
    }
    row: Any = rows.loc["OUTBOUND_TRANSACTION_SUBMITTED"]
    amount = int(session.raw("GET", f"/transactions/{row['transaction_id']}")["amount"])
    assert row["amount_out_base"] == amount
    assert Fraction(row["amount_out"]) == Fraction(amount, ONE)


def test_several_pledges_of_one_account_add_up_to_more_than_it_holds(made: Callable[..., lk.reports.Report]) -> None:
    report = made([pledge(1, 6 * ONE), pledge(2, 5 * ONE, exchange={"id": "4", "name": "Halcyon"})])
    row = report["accounts"].iloc[0]
    assert row["pledged"] == Decimal(11)
    assert row["free"] == Decimal(-1)
    assert row["pledged_percent"] == Decimal("110.00")
    assert not row["covered"]
    assert report["pledges"]["covered"].tolist() == [False, False]
    assert "NOT COVERED: TL-1 lacks 1 ETH of what is pledged of it, by 2 pledges" in notes(report)
    exchanges = report["exchanges"].set_index("exchange")
    assert exchanges["pledged"].to_dict() == {"Clearport": Decimal(6), "Halcyon": Decimal(5)}
    assert exchanges["shares_accounts_with"].to_dict() == {"Clearport": "Halcyon", "Halcyon": "Clearport"}
    assert exchanges["covered"].tolist() == [False, False]
    assert "1 of 1 collateral accounts do not cover" in report.chart("pledged by account").words
    assert "NOT COVERED" in report.chart("pledged by account").words


def test_one_base_unit_too_much_is_seen(made: Callable[..., lk.reports.Report]) -> None:
    balance = 10**27 + 1
    exact = made([pledge(1, 10**27), pledge(2, 1)], [collateral(1, str(balance))])
    assert exact["accounts"]["covered"].tolist() == [True]
    assert exact["accounts"]["free_base"].tolist() == [0]
    over = made([pledge(1, 10**27), pledge(2, 2)], [collateral(1, str(balance))])
    assert over["accounts"]["covered"].tolist() == [False]
    assert "lacks 0.000000000000000001 ETH" in notes(over)


def test_what_is_pending_is_told_beside_and_not_in_the_sum(made: Callable[..., lk.reports.Report]) -> None:
    coming = pledge(1, 6 * ONE, pending=5 * ONE, state="PLEDGE_INCREMENT_PENDING_APPROVAL")
    going = pledge(2, 3 * ONE, pending=-ONE, state="UNPLEDGE_PENDING_APPROVAL")
    report = made([coming, going])
    row = report["accounts"].iloc[0]
    assert (row["pledged"], row["pending_in"], row["pending_out"]) == (Decimal(9), Decimal(5), Decimal(-1))
    assert row["free_after_pending"] == Decimal(-3)
    assert row["free_after_pending_in"] == Decimal(-4)
    assert row["covered"]
    assert not row["covered_after_pending_in"]
    assert "Not covered any more once what is pending to come is approved: TL-1" in notes(report)


def test_what_is_pending_to_go_makes_no_cover_for_what_comes(made: Callable[..., lk.reports.Report]) -> None:
    """5 come and 5 go: netted, nothing would change; approved in the other order, 2 are not covered."""
    coming = pledge(1, 4 * ONE, pending=5 * ONE, state="PLEDGE_INCREMENT_PENDING_APPROVAL")
    going = pledge(2, 4 * ONE, pending=-5 * ONE, state="UNPLEDGE_PENDING_APPROVAL")
    report = made([coming, going], [collateral(1, str(11 * ONE))])
    row = report["accounts"].iloc[0]
    assert (row["free_after_pending_in"], row["free_after_pending"]) == (Decimal(-2), Decimal(3))
    assert not row["covered_after_pending_in"]
    words = report.chart("pledged by account").words
    assert "(+5 ETH, −5 ETH pending)" in words
    bar = next(rows for rows in report.chart().spec()["datasets"].values() if "share" in rows[0])[0]
    eleven = [round(100 * amount / 11, 2) for amount in (3, 8, 13)]
    assert [bar["least"], bar["share"], bar["most"]] == eleven


def test_a_pending_amount_that_is_not_known_leaves_open_what_comes(made: Callable[..., lk.reports.Report]) -> None:
    report = made([pledge(1, ONE, pending=None), pledge(2, ONE)])
    row = report["accounts"].iloc[0]
    assert row["free"] == Decimal(8)
    assert row["free_after_pending"] is pd.NA
    assert row["covered_after_pending_in"] is pd.NA
    assert "What is pending is not known of some pledges: TL-1" in notes(report)
    too_much = made([pledge(1, ONE, pending=None), pledge(2, ONE, pending=10 * ONE)])
    assert too_much["accounts"]["covered_after_pending_in"].tolist() == [False]
    assert report.chart().svg()


def test_states_in_which_nothing_is_locked_are_shown_and_not_counted(made: Callable[..., lk.reports.Report]) -> None:
    report = made(
        [pledge(1, ONE), pledge(2, 50 * ONE, state="PLEDGE_CONSUMED"), pledge(3, 50 * ONE, state="PLEDGE_REJECTED")]
    )
    assert report["accounts"]["pledged"].tolist() == [Decimal(1)]
    assert report["pledges"].set_index("pledge_subaccount_id")["counted"].to_dict() == {1: True, 2: False, 3: False}
    assert "2 pledges in PLEDGE_CONSUMED and PLEDGE_REJECTED" in notes(report)


def test_a_state_that_nobody_documented_counts_and_is_told(made: Callable[..., lk.reports.Report]) -> None:
    report = made([pledge(1, 11 * ONE, state="PLEDGE_TELEPORTED")])
    assert report["accounts"]["covered"].tolist() == [False]
    assert report["pledges"]["state"].tolist() == ["PLEDGE_TELEPORTED"]
    assert "States that are not documented, counted as pledged: PLEDGE_TELEPORTED" in notes(report)


def test_an_account_that_can_not_be_seen_covers_nothing_for_certain(made: Callable[..., lk.reports.Report]) -> None:
    report = made([pledge(1, ONE), pledge(2, ONE, account_id=77)])
    row = report["accounts"].set_index("account_id").loc[77]
    assert row["covered"] is pd.NA
    assert row["balance"] is pd.NA
    assert row["pledged_base"] == ONE
    assert "nothing is known of its balance: account 77" in notes(report)
    assert report["exchanges"]["covered"].isna().sum() == 1
    assert "1 of 2 collateral accounts are known to cover" in report.chart().words


def test_a_balance_that_is_not_known_is_not_zero(made: Callable[..., lk.reports.Report]) -> None:
    report = made([pledge(1, ONE)], [collateral(1, None)])
    row = report["accounts"].iloc[0]
    assert row["covered"] is pd.NA
    assert row["free"] is pd.NA
    assert "The balance of TL-1 is not known" in notes(report)


def test_a_pledge_without_an_amount_leaves_coverage_open(made: Callable[..., lk.reports.Report]) -> None:
    report = made([pledge(1, ONE), pledge(2, None)])
    assert report["accounts"]["covered"].isna().tolist() == [True]
    assert "The amount of some pledges is not known: TL-1" in notes(report)
    assert report["accounts"]["complete"].tolist() == [False]
    assert report["accounts"]["pledged_percent"].isna().tolist() == [True]
    too_much_already = made([pledge(1, 11 * ONE), pledge(2, None)])
    assert too_much_already["accounts"]["covered"].tolist() == [False]


def test_an_account_that_holds_nothing_has_no_percent(made: Callable[..., lk.reports.Report]) -> None:
    report = made([pledge(1, ONE)], [collateral(1, "0")])
    assert report["accounts"]["pledged_percent"].iloc[0] is pd.NA
    assert report["accounts"]["covered"].tolist() == [False]
    assert "1 ETH of a balance of 0 ETH, NOT COVERED" in report.chart("pledged by account").words


def test_an_account_without_a_unit_is_not_told_as_not_covered(made: Callable[..., lk.reports.Report]) -> None:
    refused = {"/accounts/1/currency": Reply({"message": "no"}, status=501)}
    strange = collateral(1, "1000", currency="coin_of_tomorrow")
    words = made([pledge(1, 250)], [strange], answers=refused).chart("pledged by account").words
    assert "25.00 % · 250 base units of 1,000 base units" in words
    assert "NOT COVERED" not in words
    assert "balance is 0" not in words


def test_nothing_pledged_of_nothing_is_covered(made: Callable[..., lk.reports.Report]) -> None:
    report = made([pledge(1, 0)], [collateral(1, "0")])
    assert report["accounts"]["covered"].tolist() == [True]
    words = report.chart("pledged by account").words
    assert "0 ETH of a balance of 0 ETH" in words
    assert "NOT COVERED" not in words


def test_a_sum_without_one_of_its_pledges_does_not_pass_for_whole(made: Callable[..., lk.reports.Report]) -> None:
    report = made([pledge(1, ONE), pledge(2, None), pledge(3, ONE, exchange={"id": "4", "name": "Halcyon"})])
    rows: Any = report["exchanges"].set_index("exchange")
    assert rows["complete"].to_dict() == {"Clearport": False, "Halcyon": True}
    assert rows.loc["Clearport", "pledged_percent"] is pd.NA
    assert "the amount of a pledge is not known" in rows.loc["Clearport", "note"]
    assert rows.loc["Halcyon", "pledged_percent"] == Decimal("10.00")
    assert rows.loc["Halcyon", ["pledged_to_others", "all_pledged_percent"]].isna().all()
    assert "to others is not known" in rows.loc["Halcyon", "note"]
    words = report.chart("pledged by exchange").words
    assert "Clearport · ETH: at least 10.00 % · 1 ETH of 10 ETH" in words


def test_the_share_of_an_exchange_and_that_of_all_are_told_apart(made: Callable[..., lk.reports.Report]) -> None:
    report = made([pledge(1, 6 * ONE), pledge(2, 3 * ONE, exchange={"id": "4", "name": "Halcyon"})])
    rows = report["exchanges"].set_index("exchange")
    assert rows["pledged_percent"].to_dict() == {"Clearport": Decimal("60.00"), "Halcyon": Decimal("30.00")}
    assert rows["pledged_to_others"].to_dict() == {"Clearport": Decimal(3), "Halcyon": Decimal(6)}
    assert rows["all_pledged_percent"].tolist() == [Decimal("90.00")] * 2
    chart = report.chart("pledged by exchange")
    assert chart.words.startswith(
        "Clearport · ETH: 60.00 % of the balance behind it is pledged to it, the most of all"
    )
    assert "a balance behind several exchanges is behind each of them" in str(chart.spec())


def test_units_that_can_not_be_had_do_not_take_the_report_with_them(made: Callable[..., lk.reports.Report]) -> None:
    arriving = {"inbound_transaction_intent": {"to_account_id": 88, "amount": "5"}}
    report = made([pledge(1, ONE)], settlements=[settlement(1, "SETTLED", **arriving)])
    row = report["settlements"].iloc[0]
    assert (row["amount_in_base"], row["amount_in"]) == (5, pd.NA)
    assert "no unit is known of the account that amount_in goes to" in row["note"]


def test_covered_by_the_balance_alone_is_told(made: Callable[..., lk.reports.Report]) -> None:
    row = collateral(1, str(10 * ONE), available_balance=str(4 * ONE), pending_balance=str(6 * ONE))
    report = made([pledge(1, 5 * ONE)], [row])
    assert report["accounts"]["covered"].tolist() == [True]
    assert report["accounts"]["covered_by_available"].tolist() == [False]
    assert "but not by what is available of it: TL-1" in notes(report)


def test_two_exchanges_of_one_name_and_two_currencies_stay_apart(made: Callable[..., lk.reports.Report]) -> None:
    other = collateral(2, "1000000000", type="Bitcoin", currency="bitcoin")
    twin = {"id": "9", "name": "Clearport"}
    report = made([pledge(1, ONE), pledge(2, ONE, exchange=twin), pledge(3, 5, account_id=2)], [collateral(1), other])
    found = report["exchanges"]
    assert list(zip(found["exchange_id"], found["ticker"], strict=True)) == [("3", "BTC"), ("3", "ETH"), ("9", "ETH")]
    assert found["pledged_base"].tolist() == [5, ONE, ONE]


def test_what_leaves_is_the_amount_of_transactions_that_are_under_way(made: Callable[..., lk.reports.Report]) -> None:
    rows = [settlement(1, "WHATEVER", **sent(8)), settlement(2, "WHATEVER", **sent(9)), settlement(3, "WHATEVER")]
    answers = {
        "/transactions/8": transaction(8, status="SUBMITTED", amount=str(2 * ONE)),
        "/transactions/9": transaction(9, status="CONFIRMED", amount=str(3 * ONE)),
    }
    report = made([pledge(1, ONE)], settlements=rows, answers=answers)
    shown = report["settlements"].set_index("settlement_id")
    assert shown["in_flight"].dropna().to_dict() == {"settlement-1": True, "settlement-2": False}
    assert shown["transaction_status"].dropna().to_dict() == {
        "settlement-1": "SUBMITTED",
        "settlement-2": "CONFIRMED",
    }
    assert report["accounts"]["leaving"].tolist() == [Decimal(2)]
    assert "Whether 1 settlements are under way can't be told" in notes(report)


def test_a_transaction_that_can_not_be_read_is_told_in_its_row(made: Callable[..., lk.reports.Report]) -> None:
    report = made([pledge(1, ONE)], settlements=[settlement(1, "OUTBOUND_TRANSACTION_SUBMITTED", **sent(8))])
    row = report["settlements"].iloc[0]
    assert row["in_flight"]
    assert row["amount_out"] is pd.NA
    assert "could not be read: GET /transactions/8" in row["note"]


@pytest.mark.parametrize("status", [403, 404, 501])
def test_without_settlements_and_requests_the_report_goes_on(
    made: Callable[..., lk.reports.Report], status: int
) -> None:
    refusal = Reply({"message": "no"}, status=status)
    report = made([pledge(1, ONE)], answers={"/settlements": refusal, "/requests": refusal})
    assert report["accounts"]["pledged"].tolist() == [Decimal(1)]
    assert "Without the settlements" in notes(report)
    assert "Without the requests about pledges" in notes(report)


def test_no_pledges_are_tables_with_the_same_columns_and_dtypes(
    session: lk.Session, made: Callable[..., lk.reports.Report]
) -> None:
    full, empty = lk.reports.pledges(session), made([])
    for name in full.tables:
        assert full[name].dtypes.to_dict() == empty[name].dtypes.to_dict(), name
    assert "No pledge is visible" in notes(empty)
    assert empty.drawings == {}


def test_names_that_mislead_are_shown_as_they_are(made: Callable[..., lk.reports.Report], tmp_path: Path) -> None:
    name = "<b>Clearport</b>\u202e\nNOT COVERED"
    report = made([pledge(1, ONE, exchange={"id": "3", "name": name})], [collateral(1, name=name)])
    page = report.to_html(tmp_path / "page.html").read_text()
    assert "<b>Clearport" not in page
    assert "\u202e" not in page
    assert report.to_excel(tmp_path / "book.xlsx").exists()


def test_tables_do_not_pass_for_those_of_a_section(session: lk.Session) -> None:
    report = lk.reports.pledges(session)
    assert all(frame.attrs == {} for frame in report.tables.values())
    assert report["requests"]["created_by_name"].notna().all()
    for name in ("accounts", "pledges", "settlements"):
        assert {"account_id", "account_name"} <= set(report[name].columns)
