"""Balances by day: gaps stay gaps, and what has no history says why."""

import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from serving import LeapingClock, Reply, Seen, Server

import ledgerkit as lk
from reports.small_workspace import BTC, ETH, account, units, workspace

Connect = Callable[..., lk.Session]
Serve = Callable[..., Server]
Days = dict[str, Any]


# What the clock of the service shows: that of the sessions that these tests open.
NOW = pd.Timestamp(LeapingClock().wall, unit="s", tz="UTC")


def day(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def answer(days: Days, magnitude: int = 8, name: str = "bitcoin") -> dict[str, Any]:
    return {
        "account_index": 0,
        "currency": {"magnitude": magnitude, "name": name, "network": name, "token_address": None},
        "balances": [{"date": f"{one}T00:00:00+00:00", "value": value} for one, value in days.items()],
    }


def bitcoin(number: int, **fields: Any) -> dict[str, Any]:
    return account(number, **{"type": "Bitcoin", "currency": "bitcoin", "balance": "1", **fields})


@pytest.fixture
def made(serve: Serve, connect_to: Connect) -> Callable[..., lk.reports.Report]:
    def make(
        histories: dict[int, Any], accounts: list[dict[str, Any]] | None = None, **asked: Any
    ) -> lk.reports.Report:
        rows = accounts if accounts is not None else [bitcoin(one) for one in histories]
        told: dict[str, Any] = {f"/accounts/{one}/balances/history": body for one, body in histories.items()}
        for one in rows:
            told[f"/accounts/{one['id']}/currency"] = units(BTC if one["currency"] == "bitcoin" else ETH)
        settings = asked.pop("settings", {})
        session = connect_to(serve(workspace({"/accounts": rows}, told)), **settings)
        return lk.reports.balance_history(session, **{"start": "2026-05-01", "end": "2026-05-05", **asked})

    return make


def notes(report: lk.reports.Report) -> str:
    return " | ".join(report.notes)


FOUR: Days = {"2026-05-01": "500000000", "2026-05-02": None, "2026-05-03": "900000000", "2026-05-04": "100000000"}


AROUND: Days = {"2026-04-30": "300000000", **FOUR, "2026-05-05": "200000000"}


def test_opening_closing_lowest_and_highest(made: Callable[..., lk.reports.Report]) -> None:
    row = made({1: answer(AROUND)})["changes"].iloc[0]
    assert (row["opening"], row["closing"], row["change"]) == (Decimal(3), Decimal(1), Decimal(-2))
    assert (row["opening_on"], row["closing_on"]) == (day("2026-04-30"), day("2026-05-04"))
    assert (row["opening_base"], row["closing_base"], row["change_base"]) == (300000000, 100000000, -200000000)
    assert (row["lowest"], row["lowest_on"]) == (Decimal(1), day("2026-05-04"))
    assert (row["highest"], row["highest_on"]) == (Decimal(9), day("2026-05-03"))
    assert (row["days"], row["days_without_value"]) == (4, 1)


def test_a_day_without_a_value_is_a_gap_and_not_a_zero(made: Callable[..., lk.reports.Report]) -> None:
    report = made({1: answer(FOUR)})
    row = report["daily"].set_index("date").loc[day("2026-05-02")]
    assert row["balance"] is pd.NA
    assert row["balance_base"] is pd.NA
    assert row["note"] == "the service has no value for this day"
    assert "Account 1 (1 of 4 days)" in notes(report)
    assert "NaN" not in str(report.chart().spec()["datasets"])
    points = next(rows for rows in report.chart().spec()["datasets"].values() if "alone" in rows[0])
    assert [one["balance"] for one in points] == [5.0, None, 9.0, 1.0]
    assert [one["alone"] for one in points] == [True, False, False, False]


def test_a_day_that_the_answer_leaves_out_is_a_row_too(made: Callable[..., lk.reports.Report]) -> None:
    report = made({1: answer({"2026-05-01": "1", "2026-05-04": "2"})})
    assert report["daily"]["date"].tolist() == [day(f"2026-05-0{one}") for one in (1, 2, 3, 4)]
    assert report["daily"]["note"].dropna().unique().tolist() == ["the service lists no value for this day"]
    assert report["changes"]["days_without_value"].tolist() == [2]


def test_the_day_of_the_end_is_not_in_whatever_the_service_sends(made: Callable[..., lk.reports.Report]) -> None:
    more = {"2026-04-30": "7", **FOUR, "2026-05-05": "8", "2026-05-06": "9"}
    assert made({1: answer(more)})["daily"]["date"].tolist() == [day(one) for one in FOUR]


def test_days_before_the_account_was_made_are_no_gaps(made: Callable[..., lk.reports.Report]) -> None:
    young = bitcoin(1, created_on="2026-05-03T09:00:00+00:00")
    report = made({1: answer({"2026-05-03": "1", "2026-05-04": "2"})}, [young])
    assert report["changes"]["days"].tolist() == [2]
    assert report["changes"]["days_without_value"].tolist() == [0]


def test_the_change_holds_the_first_day_and_the_last(made: Callable[..., lk.reports.Report]) -> None:
    """With values at the end of days, the day of `start` moved from the value of the day before."""
    one_day = made({1: answer(AROUND)}, end="2026-05-02")
    assert one_day["changes"]["change"].tolist() == [Decimal(2)]
    assert one_day.chart().words.startswith("Account 1: +2 BTC from 2026-05-01 to 2026-05-01")
    assert "read as the balance at the end of the day in UTC" in notes(one_day)
    assert "it is assumed" in notes(one_day)


def test_the_values_of_days_may_be_those_of_their_start(made: Callable[..., lk.reports.Report]) -> None:
    report = made({1: answer(AROUND)}, value_of_day="start")
    row = report["changes"].iloc[0]
    assert (row["opening"], row["closing"], row["change"]) == (Decimal(5), Decimal(2), Decimal(-3))
    assert (row["opening_on"], row["closing_on"]) == (day("2026-05-01"), day("2026-05-05"))
    assert report["daily"]["date"].tolist() == [day(one) for one in FOUR]
    assert "at the start of the day in UTC" in notes(report)
    assert "as you asked" in notes(report)
    with pytest.raises(lk.InvalidRequest, match="it is start or end"):
        made({1: answer(AROUND)}, value_of_day="noon")


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ({"2026-04-30": None}, "no opening balance, and no change: of 2026-04-30, the service has no value"),
        ({"2026-05-04": None}, "no closing balance, and no change: of 2026-05-04, the service has no value"),
    ],
)
def test_a_period_of_which_an_end_is_not_known_has_no_change(
    made: Callable[..., lk.reports.Report], missing: Days, said: str
) -> None:
    report = made({1: answer({**AROUND, **missing})})
    row = report["changes"].iloc[0]
    assert row["change"] is pd.NA
    assert row["change_base"] is pd.NA
    assert said in row["note"]
    assert f"Account 1: {said}" in notes(report)
    assert "the change is not known" in report.chart().words


def test_an_account_of_the_period_opens_with_nothing(made: Callable[..., lk.reports.Report]) -> None:
    """Its first funding is a part of the change."""
    young = bitcoin(1, created_on="2026-05-02T09:00:00+00:00")
    report = made({1: answer({"2026-05-02": "900000000", "2026-05-03": "1", "2026-05-04": "500000000"})}, [young])
    row = report["changes"].iloc[0]
    assert (row["opening"], row["change"]) == (Decimal(0), Decimal(5))
    assert row["opening_on"] is pd.NaT
    assert row["note"] == "opening taken as 0: created on 2026-05-02"


def test_an_account_created_after_the_period_says_so(made: Callable[..., lk.reports.Report]) -> None:
    later = bitcoin(1, created_on="2026-05-05T00:00:00+00:00")
    report = made({1: answer({})}, [later])
    assert report["missing"]["reason"].tolist() == ["created on 2026-05-05, after the period"]


def test_a_period_that_goes_on_closes_with_the_balance_of_now(made: Callable[..., lk.reports.Report]) -> None:
    today = NOW.normalize()
    days = {f"{today - pd.Timedelta(days=back):%Y-%m-%d}": "700000000" for back in (2, 1, 0)}
    for reading in ("start", "end"):
        rows = [bitcoin(1, balance="900000000")]
        asked = {"start": f"{today - pd.Timedelta(days=1):%Y-%m-%d}", "end": None, "value_of_day": reading}
        row = made({1: answer(days)}, rows, **asked)["changes"].iloc[0]
        assert (row["opening"], row["closing"], row["change"]) == (Decimal(7), Decimal(9), Decimal(2))
    unknown = made({1: answer(days)}, [bitcoin(1, balance=None)], **asked)["changes"].iloc[0]
    assert unknown["change"] is pd.NA
    assert "has no balance of now" in unknown["note"]


def test_a_start_that_has_not_come_is_refused(made: Callable[..., lk.reports.Report]) -> None:
    with pytest.raises(lk.InvalidRequest, match="has not begun"):
        made({1: answer(FOUR)}, start="2190-01-01", end="2190-02-01")


def test_units_that_can_not_be_had_leave_amounts_in_base_units(serve: Serve, connect_to: Connect) -> None:
    body = answer(AROUND)
    body["currency"] = {"magnitude": None, "name": "bitcoin", "network": "bitcoin", "token_address": None}
    told = {
        "/accounts/1/balances/history": body,
        "/accounts/1/currency": Reply({"message": "no"}, status=403),
    }
    session = connect_to(serve(workspace({"/accounts": [bitcoin(1)]}, told)))
    row = lk.reports.balance_history(session, start="2026-05-01", end="2026-05-05")["changes"].iloc[0]
    assert (row["change"], row["change_base"]) == (pd.NA, -200000000)
    assert "amounts are in base units alone" in row["note"]


@pytest.mark.parametrize("status", [501, 404, 403])
def test_what_has_no_history_is_a_row_with_the_reason(made: Callable[..., lk.reports.Report], status: int) -> None:
    report = made({1: answer(FOUR), 2: Reply({"message": "not here"}, status=status)})
    assert report["missing"]["account_id"].tolist() == [2]
    assert str(status) in report["missing"]["reason"].iloc[0]
    assert report["changes"]["account_id"].tolist() == [1]
    assert "Without a history: Account 2" in notes(report)


def test_an_account_without_any_value_is_missing_and_not_zero(made: Callable[..., lk.reports.Report]) -> None:
    report = made({1: answer(dict.fromkeys(FOUR)), 2: answer({})})
    assert report["changes"].empty
    assert report["missing"]["reason"].unique().tolist() == ["the service has no value for any day of the period"]
    assert report.drawings == {}


def test_amounts_of_27_digits_keep_all_of_them(made: Callable[..., lk.reports.Report]) -> None:
    high, low = 10**27 + 1, 10**27
    days = {"2026-04-30": str(high), **{f"2026-05-0{one}": str(low) for one in (1, 2, 3, 4)}}
    row = made({1: answer(days, 18, "ethereum")}, [account(1, balance="1")])["changes"].iloc[0]
    assert row["opening"] == Decimal("1000000000.000000000000000001")
    assert row["change"] == Decimal("-0.000000000000000001")
    assert row["change_base"] == -1


def test_decimal_places_that_contradict_the_unit_are_told(made: Callable[..., lk.reports.Report]) -> None:
    assert "Account 1: the history says 6 decimal places" in notes(made({1: answer(FOUR, 6)}))


def several(*values: Any, of: str = "2026-05-01") -> dict[str, Any]:
    body = answer({one: value for one, value in AROUND.items() if one != of})
    body["balances"] += [{"date": f"{of}T{hour:02}:00:00+00:00", "value": one} for hour, one in enumerate(values)]
    return body


@pytest.mark.parametrize("values", [("600000000", None), (None, "600000000"), ("600000000", "600000000")])
def test_a_value_that_is_known_stands_beside_none(made: Callable[..., lk.reports.Report], values: Any) -> None:
    row = made({1: several(*values)})["daily"].set_index("date").loc[day("2026-05-01")]
    assert row["balance"] == Decimal(6)
    assert pd.isna(row["note"])


def test_two_values_of_a_day_contradict_each_other(made: Callable[..., lk.reports.Report]) -> None:
    report = made({1: several("600000000", None, "500000000")})
    row = report["daily"].set_index("date").loc[day("2026-05-01")]
    assert row["balance"] is pd.NA
    assert row["note"].startswith("contradicted: the service lists different values for this day")
    assert "600,000,000, 500,000,000" in row["note"]
    assert "Contradicted, since the service lists different values of one day: Account 1 (2026-05-01)" in notes(
        report
    )
    assert report["changes"]["note"].tolist() == ["different values of 2026-05-01"]
    assert report["changes"]["change"].tolist() == [Decimal(-2)]  # of its ends, which are known


@pytest.mark.parametrize("edge", ["2026-04-30", "2026-05-04"])
def test_no_change_is_told_from_a_day_that_contradicts_itself(
    made: Callable[..., lk.reports.Report], edge: str
) -> None:
    row = made({1: several("1", "2", of=edge)})["changes"].iloc[0]
    assert row["change"] is pd.NA
    assert f"no change: of {edge}, contradicted" in row["note"]


def test_two_currencies_are_never_in_one_chart(made: Callable[..., lk.reports.Report]) -> None:
    rows = [bitcoin(1), account(2, balance="1"), bitcoin(3)]
    histories = {1: answer(FOUR), 2: answer(FOUR, 18, "ethereum"), 3: answer(FOUR)}
    report = made(histories, rows)
    assert list(report.drawings) == ["BTC", "ETH"]
    assert "2 accounts" in report.chart("BTC").words
    assert "<svg" in report.chart("ETH").svg()


def test_dates_are_those_of_the_zone_of_the_session(made: Callable[..., lk.reports.Report]) -> None:
    for zone in ("America/New_York", "Asia/Tokyo"):
        report = made({1: answer({**FOUR, "2026-05-05": "1"})}, settings={"tz": zone})
        assert report["daily"]["date"].tolist() == [day(one) for one in FOUR]


def test_a_moment_within_a_day_takes_that_day_in(made: Callable[..., lk.reports.Report]) -> None:
    report = made({1: answer(FOUR)}, end="2026-05-04T00:00:01")
    assert report["daily"]["date"].iloc[-1] == day("2026-05-04")
    with pytest.raises(lk.InvalidRequest, match="not after"):
        made({1: answer(FOUR)}, end="2026-05-01")


def test_nothing_is_asked_of_the_future_and_today_is_told(serve: Serve, connect_to: Connect) -> None:
    asked: list[Seen] = []
    today = NOW.date()

    def history(seen: Seen) -> Any:
        asked.append(seen)
        return answer({str(today): "5"})

    told = {"/accounts/1/currency": units(BTC), "/accounts/1/balances/history": history}
    rows = [bitcoin(1, created_on=f"{today}T00:00:00+00:00")]
    session = connect_to(serve(workspace({"/accounts": rows}, told)))
    report = lk.reports.balance_history(session, 1, start=today - datetime.timedelta(days=1))
    end = pd.Timestamp(asked[0].query["end"][0])
    assert end <= NOW
    assert f"The day {today} is not over" in notes(report)
    assert report["changes"]["days"].tolist() == [1]


def test_tables_without_rows_have_the_same_columns_and_dtypes(made: Callable[..., lk.reports.Report]) -> None:
    full = made({1: answer(FOUR), 2: Reply({"message": "no"}, status=501)})
    empty = made({}, [])
    for name in full.tables:
        assert full[name].dtypes.to_dict() == empty[name].dtypes.to_dict(), name


def test_days_of_the_sandbox_are_those_of_the_raw_answer(session: lk.Session) -> None:
    report = lk.reports.balance_history(session, ["BTC Treasury 1", 33], start="2026-05-01", end="2026-06-01")
    query = {"start": "2026-05-01T00:00:00Z", "end": "2026-05-31T12:00:00Z"}
    raw = session.raw("GET", "/accounts/1/balances/history", params=query)["balances"]
    expected = {one["date"][:10]: None if one["value"] is None else int(one["value"]) for one in raw}
    shown = report["daily"]
    got = {
        f"{one:%Y-%m-%d}": None if value is pd.NA else value
        for one, value in zip(shown["date"], shown["balance_base"], strict=True)
    }
    assert len(expected) == 31
    assert got == expected
    assert report["missing"]["account_name"].tolist() == ["KMD Raw Signing"]
    assert "501" in report["missing"]["reason"].iloc[0]


def test_ids_may_come_as_anything_that_holds_them(session: lk.Session) -> None:
    ids = session.accounts.search(name="BTC Treasury 1")["id"]
    for asked in (ids, ids.iloc[0], (int(one) for one in ids)):
        report = lk.reports.balance_history(session, asked, start="2026-05-01", end="2026-05-02")
        assert report["changes"]["account_name"].tolist() == ["BTC Treasury 1"]


def test_light_token_accounts_have_no_line_and_that_is_told(session: lk.Session) -> None:
    report = lk.reports.balance_history(session, "SOL Staking", start="2026-05-01", end="2026-05-02")
    assert "The light token accounts under SOL Staking have no history" in notes(report)


def test_changes_of_the_sandbox_are_what_its_movements_say(session: lk.Session) -> None:
    start, end = "2026-10-01", "2026-11-01"
    changes = lk.reports.balance_history(session, start=start, end=end)["changes"].set_index("account_id")
    check = lk.reports.reconciliation(session, start, end)["accounts"]
    whole = check[(check["status"] == "reconciles") & (check["movements"] > 0)]
    assert len(whole) > 10
    for row in whole.to_dict("records"):
        moved = row["expected_base"] - row["opening_base"]  # the sum of its movements
        assert changes.loc[row["account_id"], "change_base"] == moved, row["account_id"]


def test_tables_do_not_pass_for_those_of_a_section(session: lk.Session) -> None:
    report = lk.reports.balance_history(session, 1, start="2026-05-01", end="2026-05-03")
    assert all(frame.attrs == {} for frame in report.tables.values())


def test_the_line_of_a_chart_begins_with_the_opening(made: Callable[..., lk.reports.Report]) -> None:
    points = next(
        rows for rows in made({1: answer(AROUND)}).chart().spec()["datasets"].values() if "alone" in rows[0]
    )
    assert [one["balance"] for one in points] == [3.0, 5.0, None, 9.0, 1.0]
