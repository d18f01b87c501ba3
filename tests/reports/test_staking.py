"""The report on staking: each reward once, in its part of the period, with every digit."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from serving import Reply, Server

import ledgerkit as lk
from ledgerkit.reports.spans import By, place, spans
from reports.small_workspace import ETH, XTZ, account, transaction, units, workspace

Connect = Callable[..., lk.Session]
Serve = Callable[..., Server]
MAY = ("2026-05-01", "2026-06-01")
CHAINS = {"cardano": 26, "ethereum": 12, "solana": 28, "tezos": 25}


def earned(amount: Any, on: Any, stake: str | None = "s1", **info: Any) -> dict[str, Any]:
    return {"amount": amount, "created_on": on, "info": info, **({"stake_uid": stake} if stake else {})}


def validated(amount: Any, on: Any, balance: Any = str(32 * 10**18)) -> dict[str, Any]:
    return earned(amount, on, None, stake_balance=balance, gross_apy=3.1)


def report_on(
    serve: Serve,
    connect_to: Connect,
    rewards: Any,
    *,
    chain: str = "ethereum",
    transactions: list[dict[str, Any]] | None = None,
    stakes: Any = None,
    **asked: Any,
) -> Any:
    kinds = {
        "ethereum": ("Ethereum", "ethereum", ETH),
        "tezos": ("Tezos", "tezos", XTZ),
        "solana": ("Solana", "solana", ETH),
    }
    kind, currency, unit = kinds[chain]
    answers = {
        "/accounts/1/currency": units(unit),
        f"/{chain}/accounts/1/rewards": rewards,
        f"/{chain}/accounts/1/stakes": stakes if stakes is not None else [],
    }
    lists = {"/accounts": [account(1, type=kind, currency=currency)], "/transactions": transactions or []}
    if chain != "ethereum":
        lists[f"/{chain}/accounts/1/stakes"] = answers.pop(f"/{chain}/accounts/1/stakes")
    return lk.reports.staking(connect_to(serve(workspace(lists, answers))), *MAY, **asked)


@pytest.mark.parametrize(
    ("chain", "field"), [("cardano", None), ("ethereum", None), ("solana", "date"), ("tezos", "cycle_begins_at")]
)
def test_sums_of_the_sandbox_are_those_of_the_raw_rewards(session: lk.Session, chain: str, field: str | None) -> None:
    report = lk.reports.staking(session, "2026-02-01", "2026-08-01")
    expected: dict[str, int] = {}
    for one in session.raw("GET", f"/{chain}/accounts/{CHAINS[chain]}/rewards"):
        dated = (field and one["info"][field]) or one["created_on"]
        if "2026-02-01" <= dated < "2026-08-01":
            expected[dated[:7]] = expected.get(dated[:7], 0) + int(one["amount"])
    rows = report["rewards"][report["rewards"]["account_id"] == CHAINS[chain]]
    assert dict(zip(rows["period"], rows["amount_base"], strict=True)) == expected
    assert sum(expected.values()) > 0


def test_polkadot_has_no_list_and_its_transactions_count(session: lk.Session) -> None:
    report = lk.reports.staking(session, "2026-02-01", "2026-08-01")
    raw = session.raw("GET", "/transactions", params={"type": "REWARD", "page_size": "100"})["edges"]
    inside = [one["node"] for one in raw if "2026-02-01" <= one["node"]["created_on"] < "2026-08-01"]
    paid = sum(int(node["amount"]) for node in inside if node["currency"] == "polkadot")
    totals: Any = report["totals"].set_index("currency")
    assert totals.loc["polkadot", "amount_base"] == totals.loc["polkadot", "paid_amount_base"] == paid > 0
    assert pd.isna(totals.loc["polkadot", "listed_amount_base"])
    assert any("no list of rewards for Cosmos, Near, Polkadot" in note for note in report.notes)


def test_the_same_money_is_not_counted_twice(serve: Serve, connect_to: Connect) -> None:
    listed = [earned("84625000", "2026-05-13T00:00:00+00:00", cycle=9, cycle_begins_at="2026-05-10T00:00:00+00:00")]
    paid = [transaction(5, type="REWARD", amount="84625000", currency="tezos")]
    report = report_on(serve, connect_to, listed, chain="tezos", transactions=paid)
    assert report["totals"]["amount_base"].tolist() == [84625000]
    (row,) = report["accounts"].to_dict("records")
    assert (row["source"], row["left_out"], row["left_out_amount"]) == ("list of rewards", 1, Decimal("84.625"))
    assert "of the amount of a reward in the list: the same money" in row["note"]
    assert report["rewards"]["source"].tolist() == ["list of rewards"]


def in_cycle(amount: int, day: str) -> dict[str, Any]:
    return earned(str(amount), f"{day}T15:00:00+00:00", cycle=9, cycle_begins_at=f"{day}T00:00:00+00:00")


def paid_on(number: int, amount: int, day: int = 13) -> dict[str, Any]:
    return transaction(
        number, type="REWARD", amount=str(amount), currency="tezos", created_on=f"2026-05-{day:02d}T15:00:00+00:00"
    )


def test_one_old_reward_in_the_list_takes_no_payment_of_today_away(serve: Serve, connect_to: Connect) -> None:
    report = report_on(
        serve, connect_to, [in_cycle(9, "2025-01-10")], chain="tezos", transactions=[paid_on(5, 84_625_000)]
    )
    assert report["totals"]["amount"].tolist() == [Decimal("84.625")]
    assert report["rewards"]["source"].tolist() == ["REWARD transactions"]
    (row,) = report["accounts"].to_dict("records")
    assert (row["listed_amount_base"], row["paid_amount_base"]) == (0, 84_625_000)
    assert any("do not tell the same of the period: Account 1: 84.625 XTZ" in note for note in report.notes)
    assert not any("the same money, counted once" in note for note in report.notes)


def test_a_payment_whose_reward_is_dated_before_the_period_is_told_with_that_date(session: lk.Session) -> None:
    paid = session.raw("GET", "/transactions", params={"type": "REWARD", "account": "25", "page_size": "100"})
    newest = paid["edges"][0]["node"]
    day = date.fromisoformat(newest["created_on"][:10])
    report = lk.reports.staking(session, day, day + timedelta(days=1), account=[25])
    assert report["totals"]["amount_base"].tolist() == [int(newest["amount"])]
    told = re.search(r"the list dates rewards of these amounts (\d{4}-\d\d-\d\d)", "\n".join(report.notes))
    assert told is not None
    assert date.fromisoformat(told[1]) < day


@pytest.mark.parametrize(
    ("listed", "paid", "total", "words"),
    [
        ([10, 20], [10, 20], 30, None),
        ([10, 20], [10], 30, None),
        ([10, 20], [30], 30, "the list counts"),
        ([10, 20], [10, 19], 30, "the list counts"),
        ([10, 20], [10, 21], 31, "the transactions count"),
        ([10], [10, 10], 20, "the transactions count"),
        ([10, 10], [10], 20, None),
        ([], [7], 7, None),
    ],
)
def test_a_total_is_less_than_neither_source_and_counts_nothing_twice(
    serve: Serve, connect_to: Connect, listed: list[int], paid: list[int], total: int, words: str | None
) -> None:
    rows = [in_cycle(one, f"2026-05-{day:02d}") for day, one in enumerate(listed, start=10)]
    payments = [paid_on(number, one) for number, one in enumerate(paid, start=5)]
    report = report_on(serve, connect_to, rows, chain="tezos", transactions=payments)
    (row,) = report["accounts"].to_dict("records")
    assert row["amount_base"] == total == sum(report["rewards"]["amount_base"]) >= max(sum(listed), sum(paid))
    assert (row["listed_amount_base"], row["paid_amount_base"]) == (sum(listed), sum(paid))
    (of_all,) = report["totals"].to_dict("records")
    assert (of_all["amount_base"], of_all["listed_amount_base"], of_all["paid_amount_base"]) == (
        total,
        sum(listed),
        sum(paid),
    )
    loud = [note for note in report.notes if "do not tell the same" in note]
    assert [words in note for note in loud] == ([True] if words else [])
    assert len(report["each_reward"]) + (row["left_out"] or 0) == len(listed) + len(paid)


def test_what_both_sources_have_and_what_one_alone_stand_in_rows_of_their_own(
    serve: Serve, connect_to: Connect
) -> None:
    report = report_on(
        serve,
        connect_to,
        [in_cycle(10, "2026-05-10")],
        chain="tezos",
        transactions=[paid_on(5, 10), paid_on(6, 4)],
    )
    assert report["rewards"].set_index("source")["amount_base"].to_dict() == {
        "list of rewards": 10,
        "REWARD transactions": 4,
    }
    assert report["accounts"]["source"].tolist() == ["list of rewards and REWARD transactions"]
    assert "0.000014 XTZ" in report.chart("XTZ").words


def test_transactions_that_could_not_be_had_are_no_zero(serve: Serve, connect_to: Connect) -> None:
    accounts = [account(1, type="Polkadot", currency="polkadot")]
    answers = {"/accounts/1/currency": units(XTZ), "/transactions": Reply({"message": "no"}, status=403)}
    report = lk.reports.staking(connect_to(serve(workspace({"/accounts": accounts}, answers))), *MAY)
    (row,) = report["accounts"].to_dict("records")
    assert pd.isna(row["rewards"])
    assert pd.isna(row["paid_amount"])
    assert any(note.startswith("Without REWARD transactions") for note in report.notes)


def test_a_note_of_another_part_makes_no_list_missing(serve: Serve, connect_to: Connect) -> None:
    same = in_cycle(5, "2026-05-10")
    report = report_on(serve, connect_to, [same, same, earned(None, None)], chain="tezos")
    (row,) = report["accounts"].to_dict("records")
    assert row["amount_base"] == 5
    assert pd.isna(row["note"])


@pytest.mark.parametrize("status", [403, 420, 501])
def test_units_that_can_not_be_had_leave_base_units(serve: Serve, connect_to: Connect, status: int) -> None:
    accounts = [account(1, type="Tezos", currency="tezos")]
    answers = {
        "/accounts/1/currency": Reply({"message": "no"}, status=status),
        "/tezos/accounts/1/rewards": [in_cycle(5, "2026-05-10")],
    }
    lists = {"/accounts": accounts, "/tezos/accounts/1/stakes": []}
    report = lk.reports.staking(connect_to(serve(workspace(lists, answers))), *MAY)
    assert report["totals"]["amount_base"].tolist() == [5]
    assert report["totals"]["amount"].isna().all()
    assert any("unit" in note for note in report.notes)


def test_the_title_says_what_came_out(serve: Serve, connect_to: Connect) -> None:
    listed = [in_cycle(1_000_000, "2026-05-10"), in_cycle(1_234_567, "2026-05-20"), in_cycle(5, "2026-06-10")]
    report = report_on(serve, connect_to, listed, chain="tezos", by="day")
    words = report.chart().words
    assert words.startswith("Rewards 2026-05-01 to 2026-05-31: 2.235 XTZ")
    assert "2.234567 XTZ" in words
    risen = [in_cycle(1_000_000, "2026-05-01"), in_cycle(1_500_000, "2026-05-31")]
    report = report_on(serve, connect_to, risen, chain="tezos", by="day")
    assert "2.5 XTZ, up 50 %" in report.chart("XTZ").words
    # May begins within a week, which is compared with nothing; the first whole one has none: no percentage.
    report = report_on(serve, connect_to, risen, chain="tezos", by="week")
    assert "2.5 XTZ, up (" in report.chart().words


def test_an_empty_list_leaves_the_transactions(serve: Serve, connect_to: Connect) -> None:
    paid = [
        transaction(5, type="REWARD", amount="7"),
        transaction(6, type="REWARD", amount="8", status="SUBMITTED"),
        transaction(7, type="REWARD", amount=None),
    ]
    report = report_on(serve, connect_to, [], chain="tezos", transactions=paid)
    assert report["totals"]["amount_base"].tolist() == [7]
    assert report["rewards"]["source"].tolist() == ["REWARD transactions"]
    assert any("2 REWARD transactions are not confirmed" in note for note in report.notes)


@pytest.mark.parametrize("status", [400, 403, 404, 501])
def test_a_list_that_could_not_be_had_is_no_zero(serve: Serve, connect_to: Connect, status: int) -> None:
    report = report_on(serve, connect_to, Reply({"message": "off"}, status=status))
    (row,) = report["accounts"].itertuples()
    assert pd.isna(row.rewards)
    assert row.amount_base is pd.NA
    assert row.amount is pd.NA
    assert row.note.startswith("no list of rewards")
    assert any("The rewards of 1 accounts could not be had" in note for note in report.notes)


def test_a_rate_limit_leaves_the_rest_of_the_report(serve: Serve, connect_to: Connect) -> None:
    paid = [transaction(5, type="REWARD", amount="7")]
    report = report_on(serve, connect_to, Reply({"message": "slow"}, status=420), chain="tezos", transactions=paid)
    (row,) = report["accounts"].to_dict("records")
    assert row["amount_base"] == 7
    assert "REWARD transactions are counted instead" in row["note"]


def test_penalties_that_outweigh_the_rewards_are_counted(serve: Serve, connect_to: Connect) -> None:
    listed = [validated("3000000", "2026-05-02T00:00:00Z"), validated("-5000000", "2026-05-03T00:00:00Z")]
    report = report_on(serve, connect_to, listed)
    assert report["totals"]["amount_base"].tolist() == [-2000000]
    assert report["accounts"]["listed_amount_base"].tolist() == [-2000000]


def test_ends_of_the_period_and_every_digit(serve: Serve, connect_to: Connect) -> None:
    listed = [
        validated("1", "2026-04-30T23:59:59.999999+00:00"),
        validated(str(10**27 + 1), "2026-05-01T00:00:00+00:00"),
        validated(str(10**27 + 2), "2026-05-31T23:59:59.999999+00:00"),
        validated("1", "2026-06-01T00:00:00+00:00"),
    ]
    report = report_on(serve, connect_to, listed)
    (row,) = report["rewards"].to_dict("records")
    assert (row["rewards"], row["amount_base"]) == (2, 2 * 10**27 + 3)
    assert row["amount"] == Decimal("2000000000.000000000000000003")
    assert row["whole"] is True


def test_parts_without_rewards_are_zeros(serve: Serve, connect_to: Connect) -> None:
    report = report_on(serve, connect_to, [validated("5", "2026-05-20T10:00:00+00:00")], by="day")
    assert len(report["rewards"]) == 31
    assert report["rewards"].set_index("period")["amount_base"].to_dict()["2026-05-20"] == 5
    assert sum(report["rewards"]["amount_base"]) == 5


def test_a_reward_listed_twice_counts_once_and_two_that_only_look_alike_twice(
    serve: Serve, connect_to: Connect
) -> None:
    same = earned("5", "2026-05-20T10:00:00+00:00", date="2026-05-20T08:00:00+00:00", epoch="7")
    report = report_on(serve, connect_to, [same, same], chain="solana")
    assert report["totals"]["amount_base"].tolist() == [5]
    assert any("listed twice" in note for note in report.notes)
    alike = validated("5", "2026-05-20T10:00:00+00:00")
    assert report_on(serve, connect_to, [alike, alike])["totals"]["amount_base"].tolist() == [10]


def test_solana_goes_by_the_date_of_the_chain_where_there_is_one(serve: Serve, connect_to: Connect) -> None:
    listed = [
        earned("1", "2026-06-01T01:00:00+00:00", date="2026-05-31T23:00:00+00:00", epoch="1"),
        earned("2", "2026-05-31T01:00:00+00:00", date=None, epoch="2"),
        earned("4", "2026-05-01T01:00:00+00:00", date="2026-04-30T23:00:00+00:00", epoch="3"),
    ]
    each = report_on(serve, connect_to, listed, chain="solana")["each_reward"]
    assert each.set_index("amount_base")["dated_by"].to_dict() == {
        1: "on the chain",
        2: "when the service indexed it",
    }


def test_rewards_without_amount_or_date_are_told(serve: Serve, connect_to: Connect) -> None:
    listed = [
        validated(None, "2026-05-20T10:00:00+00:00"),
        validated("5", None),
        validated("7", "2026-05-20T10:00:00Z"),
    ]
    report = report_on(serve, connect_to, listed)
    assert report["totals"]["amount_base"].tolist() == [7]
    assert any("2 rewards on ethereum have no whole amount or no date" in note for note in report.notes)


def test_the_rate_is_a_ratio_of_ints(serve: Serve, connect_to: Connect) -> None:
    day = "2026-05-{:02d}T12:00:00+00:00"
    listed = [validated("3000000000000000", day.format(one)) for one in range(1, 11)]
    listed.append(validated("9" * 18, day.format(11), balance=None))
    (row,) = report_on(serve, connect_to, listed)["rates"].to_dict("records")
    # 0.003 of 32 ETH a day is 3.421875 % a year; the reward without a balance is in neither sum.
    assert row["rate_percent"] == Decimal("3.4219")
    assert (row["rewards"], row["not_counted"]) == (10, 1)
    assert not isinstance(row["rate_percent"], float)


def test_no_rate_where_the_api_does_not_tell_the_time(session: lk.Session) -> None:
    rates: Any = lk.reports.staking(session, "2026-02-01", "2026-08-01")["rates"].set_index("currency")
    assert rates["rate_percent"].drop("ethereum").isna().all()
    assert rates.loc["solana", "note"].startswith("not computed")
    assert "gross_apy" in rates.loc["tezos", "service_says"]


def test_stakes_of_the_sandbox_and_what_they_earned(session: lk.Session) -> None:
    report = lk.reports.staking(session, "2026-02-01", "2026-08-01")
    stakes = report["stakes"]
    raw = session.raw("GET", "/solana/accounts/28/stakes", params={"page_size": "100"})["edges"]
    solana = stakes[stakes["chain"] == "solana"].set_index("stake_uid")
    assert {one["node"]["stake_uid"]: one["node"]["status"] for one in raw} == solana["status"].to_dict()
    each = report["each_reward"]
    of_solana = each.loc[each["account_id"] == 28, "amount_base"]
    assert sum(solana["reward_in_period_base"]) == sum(of_solana)
    assert stakes.loc[stakes["chain"] == "ethereum", "reward_in_period"].isna().all()


def test_an_account_that_is_not_asked_for_is_not_in_it(session: lk.Session) -> None:
    report = lk.reports.staking(session, "2026-02-01", "2026-08-01", account=29)
    assert report["accounts"]["account_id"].tolist() == [29]
    assert set(report["rewards"]["currency"]) == {"polkadot"}


def test_accounts_go_by_name_too(session: lk.Session) -> None:
    by_name = lk.reports.staking(session, "2026-02-01", "2026-08-01", account="DOT Staking")
    assert by_name["accounts"]["account_id"].tolist() == [29]


@pytest.mark.parametrize("account", [999999, "29", [29, 999999], pd.Series([29, 999999])])
def test_an_account_that_can_not_be_seen_is_an_error(session: lk.Session, account: Any) -> None:
    with pytest.raises(lk.NotFound, match="account"):
        lk.reports.staking(session, "2026-02-01", "2026-08-01", account=account)


@pytest.mark.parametrize("account", [[], [True]])
def test_accounts_that_are_none_are_refused(session: lk.Session, account: Any) -> None:
    with pytest.raises(lk.InvalidRequest, match="account"):
        lk.reports.staking(session, "2026-02-01", account=account)


def test_two_tokens_of_one_ticker_have_charts_of_their_own(serve: Serve, connect_to: Connect) -> None:
    accounts = [
        account(1, type="Erc20", contract_address="0x" + "1" * 40),
        account(2, type="Erc20", contract_address="0x" + "2" * 40),
    ]
    rows = [transaction(number, account_id=number, type="REWARD", amount="5") for number in (1, 2)]
    small = units([{"code": "ETH", "magnitude": 2}])
    answers = {"/accounts/1/currency": units(ETH), "/accounts/2/currency": small}
    report = lk.reports.staking(
        connect_to(serve(workspace({"/accounts": accounts, "/transactions": rows}, answers))), *MAY
    )
    assert list(report.drawings) == ["rewards", f"ETH of 0x{'1' * 40}", f"ETH of 0x{'2' * 40}"]
    assert "0.05 ETH of" in report.chart(f"ETH of 0x{'2' * 40}").words
    assert sorted(report["totals"]["amount"]) == [Decimal("0.000000000000000005"), Decimal("0.05")]


@pytest.mark.parametrize("rewards", [[], [validated("5", "2026-05-20T10:00:00+00:00")]])
def test_columns_and_charts_are_the_same_with_and_without_rows(
    serve: Serve, connect_to: Connect, session: lk.Session, rewards: list[Any], tmp_path: Path
) -> None:
    report = report_on(serve, connect_to, rewards)
    many = lk.reports.staking(session, "2026-02-01", "2026-08-01")
    for name, frame in many.tables.items():
        assert report[name].dtypes.to_dict() == frame.dtypes.to_dict()
    for name in report.drawings:
        assert "<svg" in report.chart(name).svg()
    assert report.to_excel(tmp_path / "a.xlsx").exists()
    assert report.to_html(tmp_path / "a.html").exists()


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("week", ["2026-W01", "2026-W02", "2026-W03"]),
        ("month", ["2025-12", "2026-01"]),
        ("quarter", ["2025-Q4", "2026-Q1"]),
    ],
)
def test_parts_of_a_period_touch_and_lie_in_it(by: By, names: list[str]) -> None:
    first, last = pd.Timestamp("2025-12-30T12:00Z"), pd.Timestamp("2026-01-12T00:00:01Z")
    found = spans(first, last, by)
    assert [one.name for one in found] == names
    assert (found[0].begins, found[-1].ends) == (first, last)
    assert all(one.ends == other.begins for one, other in pairwise(found))
    assert [one.whole for one in found] == [False] + [True] * (len(found) - 2) + [False]
    assert place(last, found) is None
    assert place(first, found) == 0


def test_parts_that_are_none_are_refused(session: lk.Session) -> None:
    with pytest.raises(lk.InvalidRequest, match="by"):
        lk.reports.staking(session, "2026-02-01", by="year")  # type: ignore[arg-type]  # what a caller without types may do
