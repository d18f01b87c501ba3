"""A reconciliation: what is missing is found to the day and the base unit; what can't be told is not called right."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

import ledgerkit as lk
from ledgerkit.reports import Report, reconciliation
from reports.small_ledger import CONTRACT, ETH, NOW, USDC, Ledger, account, moved

MAY = ("2026-05-01", "2026-06-01")
Connect = Callable[[Ledger], lk.Session]
# A balance of 27 digits before the point, and 18 behind.
LOTS = 10**45


@pytest.fixture
def on(serve: Callable[..., Any], connect_to: Callable[..., lk.Session]) -> Connect:
    return lambda ledger: connect_to(serve(ledger))


def rows(report: Report, table: str = "accounts") -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in report[table].to_dict("records")]


def days(
    values: dict[str, int], first: str = "2026-04-30", last: str = "2026-05-31", gaps: tuple[str, ...] = ()
) -> dict[str, str | None]:
    """Balances of each day: the last one of `values` that is not later, as the day ends."""
    found: dict[str, str | None] = {}
    for day in pd.date_range(first, last).strftime("%Y-%m-%d"):
        known = max(one for one in values if one <= day)
        found[day] = None if day in gaps else str(values[known])
    return found


RECEIVED = moved(1, "RECEIVE", 500, "2026-05-05T10:00:00Z")
SENT = moved(2, "SEND", 100, "2026-05-12T23:59:59Z", fees="7")
RIGHT = {"2026-04-01": LOTS, "2026-05-05": LOTS + 500, "2026-05-12": LOTS + 393}


def book(values: dict[str, int], transactions: list[dict[str, Any]] | None = None, **fields: Any) -> Ledger:
    gaps = fields.pop("gaps", ())
    history = {1: days(values, gaps=gaps)}
    return Ledger([account(1)], [RECEIVED, SENT] if transactions is None else transactions, history=history, **fields)


def test_the_sandbox_reconciles_from_its_first_day_to_this_moment(session: lk.Session) -> None:
    report = reconciliation(session, "2020-01-01", margin_days=None)
    states = report["accounts"]
    assert len(report["breaks"]) == 0
    # Tokens of Solana have no account of their own, and so no balances by day.
    told = states[states["reason"].fillna("") != "the service has no balances by day of tokens under an account"]
    assert set(told["status"]) == {"reconciles"}
    assert set(told["account_id"]) == set(session.accounts.search()["id"])
    assert told["difference_base"].tolist() == [0] * len(told)


def test_the_sandbox_still_reconciles_after_a_payment() -> None:
    with lk.connect("sandbox", writes=True, transactions=300) as session:
        assert session.sandbox is not None
        before = reconciliation(session, "2020-01-01", margin_days=None, account=1)["accounts"].iloc[0]
        allowed = session.raw("GET", "/whitelists/1")["addresses"]
        recipient = next(str(one["address"]) for one in allowed if one["currency"] == "bitcoin")
        draft = session.transactions.send("BTC Treasury 1", recipient, "0.2 BTC")
        draft.submit()
        number = draft.request_id
        assert number is not None
        session.requests.approve(number, intent=draft, confirm=f"approve {number}")
        session.sandbox.colleagues.approve(number, count=2)
        session.sandbox.advance(60)
        after = reconciliation(session, "2020-01-01", margin_days=None, account=1)["accounts"].iloc[0]
        [paid] = session.transactions.search(account=1, limit=1)["fees"]
    assert before["status"] == after["status"] != "broken"
    assert after["sent_base"] == before["sent_base"] - 20_000_000
    assert after["fees_base"] == before["fees_base"] - paid
    assert after["closing_base"] == before["closing_base"] - 20_000_000 - paid


def test_books_that_are_right_reconcile_and_add_up(on: Connect) -> None:
    row = rows(reconciliation(on(book(RIGHT)), *MAY))[0]
    assert row["status"] == "reconciles"
    sums = [row[f"{name}_base"] for name in ("opening", "received", "sent", "fees", "expected", "closing")]
    assert sums == [LOTS, 500, -100, -7, LOTS + 393, LOTS + 393]
    assert (row["checked_from"], row["checked_until"]) == (
        pd.Timestamp(MAY[0], tz="UTC"),
        pd.Timestamp(MAY[1], tz="UTC"),
    )


@pytest.mark.parametrize("size", [1, -1, 250, -(10**30)])
def test_a_movement_that_is_missing_is_found_to_the_day_and_the_base_unit(on: Connect, size: int) -> None:
    values = {day: value + size * (day >= "2026-05-20") for day, value in RIGHT.items()}
    values["2026-05-20"] = LOTS + 393 + size
    report = reconciliation(on(book(values)), *MAY)
    row = rows(report)[0]
    assert (row["status"], row["difference_base"], row["first_break"]) == (
        "broken",
        size,
        pd.Timestamp("2026-05-20", tz="UTC"),
    )
    [found] = rows(report, "breaks")
    assert (found["first_day"], found["last_day"]) == (pd.Timestamp("2026-05-20", tz="UTC"),) * 2
    assert (found["size_base"], found["difference_base"], found["explanation"]) == (size, size, "unexplained")


def test_a_break_behind_days_without_a_value_is_told_with_the_days_between(on: Connect) -> None:
    values = RIGHT | {"2026-05-20": LOTS + 394}
    report = reconciliation(on(book(values, gaps=("2026-05-19", "2026-05-20"))), *MAY)
    [found] = rows(report, "breaks")
    assert [str(found[name])[:10] for name in ("first_day", "last_day")] == ["2026-05-19", "2026-05-21"]
    assert rows(report)[0]["days_missing"] == 2


def test_a_block_at_midnight_belongs_to_the_day_that_begins(on: Connect) -> None:
    at_midnight = moved(1, "RECEIVE", 500, "2026-05-05T00:00:00Z")
    report = reconciliation(on(book({"2026-04-01": 1, "2026-05-05": 501}, [at_midnight])), *MAY)
    assert rows(report)[0]["status"] == "reconciles"


def test_two_breaks_on_two_days_are_two(on: Connect) -> None:
    report = reconciliation(on(book(RIGHT | {"2026-05-20": LOTS + 394, "2026-05-25": LOTS + 400})), *MAY)
    assert [(row["size_base"], row["difference_base"]) for row in rows(report, "breaks")] == [(1, 1), (6, 7)]


def test_days_that_hold_the_balance_of_their_start_are_recognised(on: Connect) -> None:
    start = {f"{pd.Timestamp(day) + pd.Timedelta(days=1):%Y-%m-%d}": value for day, value in RIGHT.items()}
    ledger = book(RIGHT)
    ledger.history = {1: days(start, last="2026-06-01")}
    session = on(ledger)
    report = reconciliation(session, *MAY)
    assert rows(report)[0]["status"] == "reconciles"
    assert any(
        "balance at the start of the day" in note and "4 of the days that can tell" in note for note in report.notes
    )
    forced = reconciliation(session, *MAY, value_of_day="end")
    assert any(
        "as you asked; 0 of the days that can tell fit that alone, 4 the other" in note for note in forced.notes
    )
    undone = [row["explanation"] for row in rows(forced, "breaks")]
    assert len(undone) == 4
    assert all("on another day" in one for one in undone)


def test_where_no_day_tells_the_end_of_the_day_is_assumed_and_said(on: Connect) -> None:
    report = reconciliation(on(book({"2026-04-01": 5}, [])), *MAY)
    assert rows(report)[0]["status"] == "reconciles"
    assert any("it is assumed: no day tells" in note for note in report.notes)


@pytest.mark.parametrize(("status", "words"), [(501, "501"), (403, "403"), (404, "404")])
def test_an_account_without_balances_by_day_cannot_be_told_and_says_why(on: Connect, status: int, words: str) -> None:
    ledger = book(RIGHT)
    ledger.history = {1: status}
    row = rows(reconciliation(on(ledger), *MAY))[0]
    assert row["status"] == "can't tell"
    assert row["reason"].startswith("no balances by day:")
    assert words in row["reason"]
    assert [row[f"{name}_base"] for name in ("received", "sent", "fees")] == [500, -100, -7]


def test_without_an_opening_balance_the_rest_is_checked_and_called_a_part(on: Connect) -> None:
    report = reconciliation(on(book(RIGHT, gaps=("2026-04-30", "2026-05-01"))), *MAY)
    row = rows(report)[0]
    assert row["status"] == "reconciles in part"
    assert row["reason"] == "no opening balance: the service has no value for that day"
    assert str(row["checked_from"])[:10] == "2026-05-03"
    assert report["accounts"]["difference"].iloc[0] is pd.NA


def test_a_day_with_two_values_is_no_day(on: Connect) -> None:
    class Twice(dict[str, Any]):
        def items(self) -> Any:
            return [*super().items(), ("2026-05-31", "1")]

    ledger = book(RIGHT)
    ledger.history = {1: Twice(days(RIGHT))}
    row = rows(reconciliation(on(ledger), *MAY))[0]
    assert row["status"] == "reconciles in part"
    assert "several values for 1 day" in row["reason"]


def test_an_account_made_in_the_period_opens_with_nothing_and_says_that_it_is_assumed(on: Connect) -> None:
    ledger = Ledger(
        [account(1, created_on="2026-05-04T00:00:00Z"), account(2, created_on="2026-07-01T00:00:00Z")],
        [RECEIVED],
        history={1: days({"2026-05-04": 0, "2026-05-05": 500}, first="2026-05-04")},
    )
    report = reconciliation(on(ledger), *MAY)
    [row] = rows(report)
    assert (row["status"], row["opening_base"]) == ("reconciles", 0)
    assert row["reason"] == "opening taken as 0: created on 2026-05-04"
    assert any("1 account created after the period: left out" in note for note in report.notes)


def test_the_account_above_a_token_is_short_by_the_fees_of_its_tokens(on: Connect) -> None:
    erc20 = {"account_id": 3, "currency": "ethereum", "fees": "9"}
    ledger = Ledger(
        [
            account(2, "ETH Treasury", "ethereum", type="Ethereum"),
            account(3, "USDC Treasury", "ethereum", type="Erc20", contract_address=CONTRACT, parent=2),
        ],
        [moved(1, "SEND", 40, "2026-05-05T10:00:00Z", **erc20)],
        units={2: {"amount_units": [ETH], "fees_units": [ETH]}, 3: {"amount_units": [USDC], "fees_units": [ETH]}},
        history={2: days({"2026-04-01": 100, "2026-05-05": 91}), 3: days({"2026-04-01": 100, "2026-05-05": 60})},
    )
    report = reconciliation(on(ledger), *MAY)
    assert [(row["status"], row["sent_base"], row["fees_base"]) for row in rows(report)] == [
        ("reconciles", 0, -9),
        ("reconciles", -40, 0),
    ]


# Explanations


@pytest.mark.parametrize(
    ("transaction", "values", "words"),
    [
        (moved(9, "UNKNOWN", 30, "2026-05-20T10:00:00Z"), {"2026-05-20": 30}, "not counted (UNKNOWN, CONFIRMED)"),
        (
            moved(9, "BOND", 30, "2026-05-20T10:00:00Z", fees="0"),
            {"2026-05-20": -30},
            "not counted (BOND, CONFIRMED)",
        ),
        (moved(9, "RECEIVE", 30, "2026-05-20T10:00:00Z"), {"2026-05-20": 0}, "that the balance does not show"),
        (moved(9, "RECEIVE", 30, "2026-05-20T10:00:00Z"), {"2026-05-20": 60}, "that the balance shows twice"),
        (moved(9, "SEND", 30, "2026-05-20T10:00:00Z", fees="4"), {"2026-05-20": -30}, "the fees of a transaction"),
        (moved(9, "SEND", 30, None, fees="0"), {"2026-05-20": -30}, "without a block time"),
        (
            moved(9, "SEND", 30, None, fees="4", status="DROPPED", created_on="2026-05-20T00:00:00Z"),
            {"2026-05-20": -34},
            "amount and fees of one that is not counted (DROPPED)",
        ),
    ],
)
def test_a_break_of_exactly_the_size_of_something_names_it(
    on: Connect, transaction: dict[str, Any], values: dict[str, int], words: str
) -> None:
    shifted = {day: LOTS + value for day, value in values.items()}
    [found] = rows(reconciliation(on(book({"2026-04-01": LOTS} | shifted, [transaction])), *MAY), "breaks")
    assert words in found["explanation"]
    assert found["transaction_id"] == 9


def test_a_movement_that_the_balance_counts_a_day_later_is_undone_there(on: Connect) -> None:
    later = {"2026-04-01": LOTS, "2026-05-06": LOTS + 500, "2026-05-12": LOTS + 393}
    report = reconciliation(on(book(later)), *MAY)
    assert rows(report)[0]["status"] == "breaks cancel out"
    first, second = (row["explanation"] for row in rows(report, "breaks"))
    assert "undone on 2026-05-06" in first
    assert "undone on 2026-05-05" in second


def test_a_difference_within_the_tolerance_is_none_until_it_adds_up(on: Connect) -> None:
    session = on(book(RIGHT | {"2026-05-20": LOTS + 395, "2026-05-25": LOTS + 397}))
    assert rows(reconciliation(session, *MAY, tolerance=4))[0]["status"] == "reconciles"
    crept = reconciliation(session, *MAY, tolerance=3)
    assert rows(crept)[0]["status"] == "broken"
    assert [row["size_base"] for row in rows(crept, "breaks")] == [4]


# Now


def now_ledger(held: int, listed: int | None = None, **fields: Any) -> tuple[Ledger, str]:
    """An account that held 500 three days ago, and got 70 just now."""
    day = (NOW - dt.timedelta(days=3)).date()
    came = (NOW - dt.timedelta(seconds=2)).isoformat()
    values = {str(day): 500}
    ledger = Ledger(
        [account(1, balance=str(held if listed is None else listed))],
        [moved(1, "RECEIVE", 70, came), *fields.pop("more", ())],
        history={1: days(values, str(day), str(NOW.date()))},
        held={1: held},
    )
    return ledger, str(day + dt.timedelta(days=1))


def test_the_day_that_is_not_over_is_held_against_the_balance_of_this_moment(on: Connect) -> None:
    ledger, start = now_ledger(570)
    row = rows(reconciliation(on(ledger), start))[0]
    assert (row["status"], row["opening_base"], row["closing_base"]) == ("reconciles", 500, 570)
    short, start = now_ledger(569)
    report = reconciliation(on(short), start)
    assert rows(report)[0]["status"] == "broken"
    assert [row["size_base"] for row in rows(report, "breaks")] == [-1]


def test_the_value_of_a_day_that_is_not_over_is_not_used_even_when_the_period_ends_later(on: Connect) -> None:
    ledger, start = now_ledger(570)
    later = NOW.date() + dt.timedelta(days=3)
    report = reconciliation(on(ledger), start, str(later), value_of_day="end")
    assert (rows(report)[0]["status"], len(report["breaks"])) == ("reconciles", 0)


def test_an_account_that_moved_while_it_was_read_is_not_called_broken(on: Connect) -> None:
    ledger, start = now_ledger(600, listed=570)
    report = reconciliation(on(ledger), start)
    row = rows(report)[0]
    assert row["status"] == "reconciles in part"
    assert "it went from 570 to 600 base units while it was read" in row["reason"]


def test_what_is_sent_and_not_confirmed_explains_a_balance_that_counts_it(on: Connect) -> None:
    created = NOW.isoformat()
    sent = moved(5, "SEND", 30, None, status="SUBMITTED", fees="2", created_on=created)
    ledger, start = now_ledger(538, more=[sent])
    [found] = rows(reconciliation(on(ledger), start), "breaks")
    assert found["explanation"] == "a transaction that is sent and not confirmed, which the balance counts already"
    assert found["transaction_id"] == 5


def test_a_balance_that_only_the_list_of_accounts_tells_is_taken_from_it(on: Connect) -> None:
    ledger, start = now_ledger(570)
    ledger.held = {1: None}
    assert rows(reconciliation(on(ledger), start))[0]["status"] == "reconciles"


# Arguments, shapes and charts


def test_days_are_of_utc_wherever_the_session_is(serve: Any, connect_to: Any) -> None:
    session = connect_to(serve(book(RIGHT)), tz="Asia/Tokyo")
    assert rows(reconciliation(session, *MAY))[0]["status"] == "reconciles"
    with pytest.raises(lk.InvalidRequest, match=r"inside of a day.*'2026-05-01'"):
        reconciliation(session, "2026-05-01T09:30:00Z", "2026-06-01")


def test_no_accounts_have_the_same_columns_and_dtypes_as_many(on: Connect, session: lk.Session) -> None:
    none, many = reconciliation(on(Ledger([])), *MAY), reconciliation(session, "2026-05-01")
    for name, frame in none.tables.items():
        assert len(frame) == 0
        assert frame.dtypes.tolist() == many[name].dtypes.tolist()


@pytest.mark.parametrize("arguments", [{"tolerance": -1}, {"tolerance": 0.5}, {"value_of_day": "noon"}])
def test_arguments_that_cannot_be_used_are_refused(session: lk.Session, arguments: dict[str, Any]) -> None:
    with pytest.raises(lk.InvalidRequest):
        reconciliation(session, *MAY, **arguments)


def test_charts_name_the_account_the_size_and_the_day(on: Connect) -> None:
    report = reconciliation(on(book(RIGHT | {"2026-05-20": LOTS + 394})), *MAY)
    assert repr(report.chart("accounts by status")) == "Chart: 1 account broken, 0 of 1 reconcile."
    assert repr(report.chart("breaks by account")) == "Chart: 1 break in 1 account."
    difference = report.chart("difference of BTC Treasury")
    assert "BTC Treasury (1): off by 0.00000001 BTC, first on 2026-05-20" in repr(difference)
    assert all("<svg" in report.chart(name).svg() for name in report.drawings)


def test_a_title_is_rounded_for_reading_and_accounts_of_one_name_have_a_chart_each(on: Connect) -> None:
    values = {"2026-04-01": LOTS, "2026-05-20": LOTS + 123_456_789_123}
    ledger = Ledger([account(1), account(2)], [], history={1: days(values), 2: days(values)})
    report = reconciliation(on(ledger), *MAY)
    names = [name for name in report.drawings if name.startswith("difference")]
    assert names == ["difference of BTC Treasury", "difference of BTC Treasury (2)"]
    assert "BTC Treasury (2): off by about 1,234.57 BTC" in repr(report.chart(names[1]))
    assert str(report["accounts"]["difference"].iloc[1]) == "1234.56789123"


def test_what_is_now_is_told_by_the_clock_of_the_service_and_not_by_that_of_this_machine(on: Connect) -> None:
    """The service is months before this machine, and its day is not over."""
    ledger, start = now_ledger(570)
    report = reconciliation(on(ledger), start)
    assert report.about["made"] == NOW.isoformat()
    assert rows(report)[0]["checked_until"] == pd.Timestamp(NOW)


def test_units_that_cannot_be_had_leave_base_units_and_a_word(on: Connect) -> None:
    ledger = book(RIGHT)
    ledger.units = {1: 403}
    report = reconciliation(on(ledger), *MAY)
    row = rows(report)[0]
    assert (row["status"], row["closing_base"]) == ("reconciles", LOTS + 393)
    assert report["accounts"]["closing"].iloc[0] is pd.NA
    assert any("1 row of `accounts` in an unknown unit" in note and "403" in note for note in report.notes)
