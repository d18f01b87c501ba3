"""A statement: every movement once, with its sign, in the coin of the account that it moves."""

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from on_a_day import A_DAY

import ledgerkit as lk
from ledgerkit.reports import Report, statement
from ledgerkit.reports.scaling import rounded
from reports.small_ledger import CONTRACT, ETH, MINT, NOW, SOL, USDC, Ledger, account, moved

MAY = ("2026-05-01", "2026-06-01")
Connect = Callable[[Ledger], lk.Session]


@pytest.fixture
def on(serve: Callable[..., Any], connect_to: Callable[..., lk.Session]) -> Connect:
    return lambda ledger: connect_to(serve(ledger))


def rows(report: Report, table: str = "movements") -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in report[table].to_dict("records")]


# Where amounts go


def test_totals_of_the_sandbox_are_what_its_raw_transactions_add_up_to(session: lk.Session) -> None:
    """Another way to the same numbers: JSON, no frame, and each account's own sign."""
    start, end = (pd.Timestamp(A_DAY).normalize() - pd.Timedelta(days=days) for days in (500, 110))
    arrives = {"RECEIVE", "REWARD", "STAKE_WITHDRAW", "STAKING_WITHDRAW"}
    leaves = {"SEND", "STAKE", "STAKE_CREATE_DELEGATE", "EXECUTE_CONTRACT", "DEPLOY_CONTRACT"}
    sums: dict[int, int] = defaultdict(int)
    parents = {one["id"]: one["parent"] for one in pages(session, "/accounts")}
    for one in pages(session, "/transactions"):
        if one["status"] != "CONFIRMED" or not start <= pd.Timestamp(one["block"]["time"]) < end:
            continue
        if one["confirmations"] < one["min_confirmations"]:
            continue
        if "SPL_TOKEN_CHECKED" not in one["type"]:
            sign = (one["type"] in arrives) - (one["type"] in leaves)
            sums[one["account_id"]] += sign * int(one["amount"] or 0)
        sums[parents[one["account_id"]] or one["account_id"]] -= int(one["fees"] or 0)

    totals = statement(session, start, end)["totals"]

    own = totals[~totals["contract_address"].isin(mints(session))]
    assert len(own) > 40
    assert dict(zip(own["account_id"], own["net_base"], strict=True)) == sums


def pages(session: lk.Session, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        answer = session.raw("GET", path, params={"page": len(found) // 100 + 1, "page_size": 100, "order": "asc"})
        found += [edge["node"] for edge in answer["edges"]]
        if not answer["page_info"]["has_next_page"]:
            return found


def mints(session: lk.Session) -> set[str]:
    return {
        token["contract_address"] for one in pages(session, "/accounts") for token in one.get("token_accounts") or ()
    }


def test_fees_of_a_token_stand_on_the_account_that_pays_them_in_its_coin(on: Connect) -> None:
    ledger = tokens([moved(1, "SEND", 2_500_000, "2026-05-03T10:00:00+00:00", **ERC20, fees="21000000000000")])
    movements = statement(on(ledger), *MAY)["movements"]
    shown = movements[["account_name", "movement", "amount", "ticker", "for_account_name"]]
    assert shown.fillna("").astype("str").values.tolist() == [
        ["USDC Treasury", "amount", "-2.500000", "USDC", ""],
        ["ETH Treasury", "fees", "-0.000021000000000000", "ETH", "USDC Treasury"],
    ]


ERC20: dict[str, Any] = {"account_id": 3, "currency": "ethereum", "currency_family": "ethereum"}


def tokens(transactions: list[dict[str, Any]], **fields: Any) -> Ledger:
    accounts = [
        account(2, "ETH Treasury", "ethereum", type="Ethereum", address="0xOwn"),
        account(3, "USDC Treasury", "ethereum", type="Erc20", contract_address=CONTRACT, parent=2, address="0xOwn"),
    ]
    units = {
        2: {"amount_units": [ETH], "fees_units": [ETH]},
        3: {"amount_units": [USDC], "fees_units": [ETH]},
    }
    return Ledger(accounts, transactions, units=units, **fields)


def test_an_account_that_pays_fees_for_tokens_has_them_when_it_alone_is_chosen(on: Connect) -> None:
    ledger = tokens([moved(1, "SEND", 5, "2026-05-03T10:00:00+00:00", **ERC20, fees="7")])
    session = on(ledger)
    assert [row["amount_base"] for row in rows(statement(session, *MAY, account="ETH Treasury"))] == [-7]
    token = statement(session, *MAY, account=3)
    assert [row["amount_base"] for row in rows(token)] == [-5]
    assert any("paid by accounts that were not chosen: ETH Treasury" in note for note in token.notes)


def test_a_failed_transaction_that_reached_its_chain_costs_its_fees_and_moves_nothing(on: Connect) -> None:
    when = "2026-05-03T10:00:00+00:00"
    ledger = tokens(
        [
            moved(1, "SEND", 5, when, **ERC20, status="FAILED", fees="9"),
            moved(2, "SEND", 5, None, **ERC20, status="FAILED", fees="9", tx_hash=None),
            moved(3, "SEND", 5, when, **ERC20, status="FAILED"),
        ]
    )
    report = statement(on(ledger), *MAY)
    assert [(row["transaction_id"], row["movement"], row["amount_base"]) for row in rows(report)] == [(1, "fees", -9)]
    apart = [(row["transaction_id"], row["reason"]) for row in rows(report, "not_counted")]
    assert apart == [(3, "failed on its chain, and the service names no fees")]


def test_a_failed_transaction_that_was_to_come_in_costs_the_sender_and_not_the_account(on: Connect) -> None:
    when = "2026-05-03T10:00:00+00:00"
    ledger = Ledger(
        [account(1)],
        [
            moved(1, "RECEIVE", 5, when, status="FAILED", fees="9"),
            moved(2, "UNKNOWN", 5, when, status="FAILED", fees="9"),
        ],
    )
    report = statement(on(ledger), *MAY)
    assert len(report["movements"]) == 0
    assert any("1 incoming transaction shown with fees" in one for one in report.notes)
    assert [row["reason"] for row in rows(report, "not_counted")] == [
        "the type UNKNOWN does not say who paid the fees of its failure"
    ]


def test_a_negative_amount_has_no_direction_that_could_be_told(on: Connect) -> None:
    ledger = Ledger([account(1)], [moved(1, "RECEIVE", -5, "2026-05-03T10:00:00Z")])
    report = statement(on(ledger), *MAY)
    assert len(report["movements"]) == 0
    assert "negative" in rows(report, "not_counted")[0]["reason"]


@pytest.mark.parametrize("status", ["REPLACED", "DROPPED"])
def test_what_was_replaced_or_dropped_moves_nothing_and_costs_nothing(on: Connect, status: str) -> None:
    ledger = Ledger([account(1)], [moved(1, "SEND", 5, None, status=status, fees="9")])
    report = statement(on(ledger), *MAY)
    assert len(report["movements"]) == 0
    assert [row["fees_base"] for row in rows(report, "not_counted")] == [9]


def test_unknown_types_and_statuses_are_listed_apart_and_nothing_is_guessed(on: Connect) -> None:
    when = "2026-05-03T10:00:00+00:00"
    ledger = Ledger(
        [account(1)],
        [
            moved(1, "UNKNOWN", 5, when, fees="1"),
            moved(2, "TELEPORT", 5, when, fees="1"),
            moved(3, "SEND", 5, when, status="SORT_OF", fees="1"),
        ],
    )
    report = statement(on(ledger), *MAY)
    assert len(report["movements"]) == 0
    reasons = [row["reason"] for row in rows(report, "not_counted")]
    assert ["UNKNOWN" in reasons[0], "TELEPORT" in reasons[1], "SORT_OF" in reasons[2]] == [True] * 3


def test_no_amount_half_a_base_unit_and_no_fees_are_said_to_be_missing(on: Connect) -> None:
    when = "2026-05-03T10:00:00+00:00"
    ledger = Ledger(
        [account(1)],
        [moved(1, "SEND", None, when, fees="1"), moved(2, "SEND", "1.5", when, fees="1"), moved(3, "SEND", 4, when)],
    )
    report = statement(on(ledger), *MAY)
    assert [(row["transaction_id"], row["amount_base"]) for row in rows(report)] == [(1, -1), (2, -1), (3, -4)]
    assert [row["reason"] for row in rows(report, "not_counted")] == [
        "the service names no amount",
        "its amount is no whole number of base units",
        "confirmed, and the service names no fees",
    ]


def test_fees_shown_on_what_came_in_were_paid_by_the_sender(on: Connect) -> None:
    report = statement(on(Ledger([account(1)], [moved(1, "RECEIVE", 5, "2026-05-03T10:00:00Z", fees="9")])), *MAY)
    assert [row["amount_base"] for row in rows(report)] == [5]
    assert any("the sender paid them" in note for note in report.notes)


def test_what_is_bonded_stays_and_only_its_fees_leave(on: Connect) -> None:
    report = statement(on(Ledger([account(1)], [moved(1, "BOND", 5, "2026-05-03T10:00:00Z", fees="2")])), *MAY)
    assert [(row["movement"], row["amount_base"]) for row in rows(report)] == [("fees", -2)]
    assert [row["amount_base"] for row in rows(report, "not_counted")] == [5]


def test_sent_to_itself_costs_fees_alone_unless_it_arrives_as_a_transaction_of_its_own(on: Connect) -> None:
    when, own = "2026-05-03T10:00:00Z", {"recipient": "bc1qown", "senders": ["bc1qown"], "fees": "2"}
    alone = Ledger([account(1)], [moved(1, "SEND", 5, when, **own)])
    assert [row["amount_base"] for row in rows(statement(on(alone), *MAY))] == [-2]
    both = Ledger(
        [account(1)],
        [moved(1, "SEND", 5, when, **own), moved(2, "RECEIVE", 5, when, tx_hash=f"{1:064x}")],
    )
    assert sorted(row["amount_base"] for row in rows(statement(on(both), *MAY))) == [-5, -2, 5]


@pytest.mark.parametrize(
    ("arrival", "net"),
    [
        ({}, -1),
        ({"status": "SUBMITTED", "block": None}, -1),
        ({"confirmations": 1}, -1),
        ({"min_confirmations": None}, -1),
        *(({"status": status}, -1) for status in ("REPLACED", "DROPPED", "FAILED", "REJECTED", "SORT_OF")),
        ({"amount": None}, -1),
        ({"amount": "-100"}, -1),
        ({"amount": "99.5"}, -1),
        ({"amount": "0"}, -1),
        # Another account's, and another hash: an arrival of its own.
        ({"account_id": 2}, 99),
        ({"tx_hash": "bb"}, 99),
    ],
)
def test_what_is_sent_to_itself_leaves_only_where_its_arrival_counts(
    on: Connect, arrival: dict[str, Any], net: int
) -> None:
    when = "2026-05-03T10:00:00Z"
    sent = moved(1, "SEND", 100, when, fees="1", recipient="bc1qown", senders=["bc1qown"], tx_hash="aa")
    came = moved(2, "RECEIVE", 100, when, tx_hash="aa") | arrival
    ledger = Ledger([account(1, address="bc1qown"), account(2, "Other")], [sent, came])
    assert statement(on(ledger), *MAY)["totals"]["net_base"].sum() == net


@pytest.mark.parametrize(
    ("kind", "mint", "came_kind", "came_mint", "nets"),
    [
        ("SEND", None, "RECEIVE", None, {"": -1}),
        ("SEND", None, "RECEIVE_SPL_TOKEN_CHECKED", MINT, {"": -1, MINT: 100}),
        ("SEND_SPL_TOKEN_CHECKED", MINT, "RECEIVE", None, {"": 99}),
        ("SEND_SPL_TOKEN_CHECKED", MINT, "RECEIVE_SPL_TOKEN_CHECKED", MINT, {"": -1, MINT: 0}),
        ("SEND_SPL_TOKEN_CHECKED", MINT, "RECEIVE_SPL_TOKEN_CHECKED", "other", {"": -1, "other": 100}),
        ("SEND_SPL_TOKEN_CHECKED", MINT, "RECEIVE_SPL_TOKEN_CHECKED", None, {"": -1}),
    ],
)
def test_what_is_sent_to_itself_arrives_as_the_same_coin_or_not_at_all(
    on: Connect, kind: str, mint: str | None, came_kind: str, came_mint: str | None, nets: dict[str, int]
) -> None:
    sent = sol(1, kind, 100, mint, fees="1", recipient="own", senders=["own"], tx_hash="aa")
    came = sol(2, came_kind, 100, came_mint, tx_hash="aa")
    totals = statement(on(solana([sent, came], UNITS_OF_SOL)), *SEPTEMBER)["totals"]
    assert dict(zip(totals["contract_address"].fillna(""), totals["net_base"], strict=True)) == nets


def test_a_transfer_between_own_accounts_is_two_movements_that_name_each_other(on: Connect) -> None:
    when = "2026-05-03T10:00:00Z"
    ledger = Ledger(
        [account(1, "One"), account(2, "Two")],
        [
            moved(1, "SEND", 5, when, fees="1"),
            moved(2, "RECEIVE", 5, when, account_id=2, tx_hash=f"{1:064x}"),
            moved(3, "RECEIVE", 5, when, account_id=2),
        ],
    )
    report = statement(on(ledger), *MAY)
    marked = [(row["transaction_id"], row["internal"], row["pair_account_name"]) for row in rows(report)]
    assert [one[:2] for one in marked] == [(1, True), (1, False), (2, True), (3, False)]
    assert (marked[0][2], marked[2][2]) == ("Two", "One")
    assert report["months"][["internal_received_base", "internal_sent_base"]].values.tolist() == [[5, -5]]


def test_tokens_of_solana_are_in_their_own_unit_and_their_fees_in_sol(on: Connect) -> None:
    fields = {"currency": "solana", "coin_fields": {"type": "Solana", "tx_parameters": {"token_mint": MINT}}}
    ledger = Ledger(
        [account(1, "SOL Trading", "solana", type="Solana")],
        [moved(1, "SEND_SPL_TOKEN_CHECKED", 2_500_000, "2026-05-03T10:00:00Z", fees="5000", **fields)],
        units={1: {"amount_units": [SOL], "fees_units": [SOL]}},
    )
    report = statement(on(ledger), *MAY)
    assert [(str(row["amount"]), row["ticker"]) for row in rows(report)] == [
        ("-2.500000", "USDC"),
        ("-0.000005000", "SOL"),
    ]
    assert report["totals"]["contract_address"].fillna("").tolist() == ["", MINT]


SEPTEMBER = ("2026-09-01", "2026-09-12")


def sol(id: int, kind: str, amount: int, mint: str | None = None, **fields: Any) -> dict[str, Any]:
    coin_fields = {"type": "Solana", "tx_parameters": {"token_mint": mint}}
    return moved(id, kind, amount, "2026-09-03T10:00:00Z", currency="solana", coin_fields=coin_fields, **fields)


def solana(transactions: list[dict[str, Any]], units: Any) -> Ledger:
    return Ledger([account(1, "SOL Trading", "solana", type="Solana")], transactions, units={1: units})


UNITS_OF_SOL: dict[str, Any] = {"amount_units": [SOL], "fees_units": [SOL]}


@pytest.mark.parametrize("units", [403, UNITS_OF_SOL])
def test_tokens_whose_mint_is_not_named_are_added_to_nothing(on: Connect, units: Any) -> None:
    sent = [
        sol(1, "SEND", 100, fees="1"),
        sol(2, "SEND_SPL_TOKEN_CHECKED", 7, fees="1"),
        sol(3, "SEND_SPL_TOKEN_CHECKED", 5000, fees="1"),
        sol(4, "RECEIVE_SPL_TOKEN_CHECKED", 30),
    ]
    report = statement(on(solana(sent, units)), *SEPTEMBER)
    for table in ("totals", "months"):
        sums = report[table][["sent_base", "received_base", "fees_base", "net_base", "movements"]]
        assert sums.values.tolist() == [[-100, 0, -3, -103, 4]]
    apart = [(row["transaction_id"], row["amount_base"], row["reason"]) for row in rows(report, "not_counted")]
    reason = "the service does not name the mint of its token: which token its amount counts is not known"
    assert apart == [(2, 7, reason), (3, 5000, reason), (4, 30, reason)]
    assert report["not_counted"]["amount"].isna().all()
    assert any("3 transactions of the period with something that is not counted" in note for note in report.notes)


@pytest.mark.parametrize("units", [403, UNITS_OF_SOL])
def test_tokens_of_different_mints_are_summed_apart_though_no_unit_is_known(
    on: Connect, monkeypatch: pytest.MonkeyPatch, units: Any
) -> None:
    monkeypatch.setattr("reports.small_ledger.USDC", {})
    other = "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB"
    sent = [
        sol(1, "SEND", 100, fees="1"),
        sol(2, "SEND_SPL_TOKEN_CHECKED", 7, MINT, fees="1"),
        sol(3, "SEND_SPL_TOKEN_CHECKED", 5000, other, fees="1"),
        sol(4, "RECEIVE_SPL_TOKEN_CHECKED", 30, other),
    ]
    report = statement(on(solana(sent, units)), *SEPTEMBER)
    of_tokens = report["movements"]["contract_address"].notna()
    assert report["movements"]["ticker"][of_tokens].isna().all()
    for table in ("totals", "months"):
        nets = zip(report[table]["contract_address"].fillna(""), report[table]["net_base"], strict=True)
        assert sorted(nets) == [("", -103), (MINT, -7), (other, -4970)]
    assert len(report["not_counted"]) == 0


def test_27_digits_and_18_places_are_summed_without_losing_one(on: Connect) -> None:
    huge = 10**45 + 1
    ledger = tokens(
        [
            moved(1, "RECEIVE", huge, "2026-05-03T10:00:00Z", account_id=2, currency="ethereum"),
            moved(2, "RECEIVE", huge, "2026-05-04T10:00:00Z", account_id=2, currency="ethereum"),
            moved(3, "SEND", 3, "2026-05-05T10:00:00Z", account_id=2, currency="ethereum", fees="0"),
        ]
    )
    report = statement(on(ledger), *MAY)
    total = rows(report, "totals")[0]
    assert total["net_base"] == 2 * 10**45 - 1
    assert str(total["net"]) == f"1{'9' * 27}.{'9' * 18}"
    assert str(rows(report)[2]["amount"]) == "-0.000000000000000003"


# Which of them are in


def test_a_period_holds_its_start_and_not_its_end(on: Connect) -> None:
    times = ["2026-04-30T23:59:59Z", "2026-05-01T00:00:00Z", "2026-05-31T23:59:59Z", "2026-06-01T00:00:00Z"]
    ledger = Ledger([account(1)], [moved(number, "RECEIVE", 1, when) for number, when in enumerate(times, start=1)])
    assert [row["transaction_id"] for row in rows(statement(on(ledger), *MAY))] == [2, 3]


def test_what_was_created_before_the_period_and_confirmed_in_it_is_in(on: Connect) -> None:
    early = moved(1, "SEND", 1, "2026-05-02T00:00:00Z", fees="0", created_on="2026-04-10T00:00:00Z")
    late = moved(2, "RECEIVE", 1, "2026-05-31T23:59:00Z", created_on="2026-06-09T00:00:00Z")
    report = statement(on(Ledger([account(1)], [early, late])), *MAY)
    assert [row["transaction_id"] for row in rows(report)] == [1, 2]
    assert any("at most 22.0 days apart" in note for note in report.notes)


def test_what_lies_further_apart_than_the_margin_is_had_with_all_and_an_open_one_is_told(on: Connect) -> None:
    ledger = Ledger(
        [account(1)],
        [
            moved(1, "SEND", 1, "2026-05-02T00:00:00Z", fees="0", created_on="2026-01-10T00:00:00Z"),
            moved(2, "SEND", 1, None, status="SUBMITTED", created_on="2026-01-11T00:00:00Z"),
        ],
    )
    session = on(ledger)
    near = statement(session, *MAY)
    assert len(near["movements"]) == 0
    assert any("created before 2026-03-17 can still be confirmed (ids 2)" in note for note in near.notes)
    assert [row["transaction_id"] for row in rows(statement(session, *MAY, margin_days=None))] == [1]


def test_one_near_the_margin_makes_the_margin_doubtful(on: Connect) -> None:
    one = moved(1, "SEND", 1, "2026-05-10T00:00:00Z", fees="0", created_on="2026-04-10T00:00:00Z")
    report = statement(on(Ledger([account(1)], [one])), *MAY)
    assert any("near the margin: give a larger `margin_days`" in note for note in report.notes)


def test_finality_is_the_number_of_the_currency_or_the_one_asked_for(on: Connect) -> None:
    ledger = Ledger(
        [account(1)],
        [
            moved(1, "RECEIVE", 1, "2026-05-02T00:00:00Z", confirmations=5),
            moved(2, "RECEIVE", 1, "2026-05-03T00:00:00Z", confirmations=6),
            moved(3, "RECEIVE", 1, "2026-05-04T00:00:00Z", confirmations=9, min_confirmations=None),
        ],
    )
    session = on(ledger)
    report = statement(session, *MAY)
    assert [row["transaction_id"] for row in rows(report)] == [2]
    reasons = [row["reason"] for row in rows(report, "not_counted")]
    assert reasons[0] == "not final: 5 of 6 confirmations"
    assert reasons[1].startswith("whether it is final is not known")
    assert [row["transaction_id"] for row in rows(statement(session, *MAY, confirmations=9))] == [3]
    pending = statement(session, *MAY, include_pending=True)["movements"]
    assert [None if pd.isna(one) else one for one in pending["final"]] == [False, True, None]


def test_pending_ones_are_counted_in_a_note_and_listed_when_asked_for(on: Connect) -> None:
    one = moved(1, "SEND", 8, None, status="SUBMITTED", fees="1", created_on="2026-05-10T00:00:00Z")
    session = on(Ledger([account(1)], [one]))
    assert any("1 transaction among those read not confirmed yet" in note for note in statement(session, *MAY).notes)
    created = statement(session, *MAY, include_pending=True, date="creation")["movements"]
    assert created[["amount_base", "final"]].values.tolist() == [[-8, False], [-1, False]]
    assert len(statement(session, *MAY, include_pending=True)["undated"]) == 2


def test_a_movement_without_the_date_asked_for_is_in_undated_and_in_no_total(on: Connect) -> None:
    ledger = Ledger(
        [account(1)],
        [
            moved(1, "RECEIVE", 5, "2026-05-02T00:00:00Z"),
            moved(2, "SEND", 3, "2026-05-02T00:00:00Z", fees="0", broadcast_on="2026-05-01T00:00:00Z"),
            moved(3, "RECEIVE", 7, None),
        ],
    )
    session = on(ledger)
    by_broadcast = statement(session, *MAY, date="broadcast")
    assert [row["transaction_id"] for row in rows(by_broadcast)] == [2]
    assert [row["transaction_id"] for row in rows(by_broadcast, "undated")] == [1, 3]
    assert by_broadcast["totals"]["net_base"].tolist() == [-3]
    assert [row["transaction_id"] for row in rows(statement(session, *MAY), "undated")] == [3]


def test_what_is_not_counted_and_came_while_it_was_read_is_not_left_out(on: Connect) -> None:
    """The service tells its time to the second, and the rows are read after it."""
    moment = (pd.Timestamp(NOW) + pd.Timedelta(milliseconds=700)).isoformat()
    late = [
        moved(1, "RECEIVE", 5, moment, confirmations=1),
        moved(2, "SEND", 5, None, status="DROPPED", created_on=moment),
        moved(3, "RECEIVE", 5, moment),
    ]
    report = statement(on(Ledger([account(1)], late)), "2026-09-01")
    assert [row["transaction_id"] for row in rows(report)] == [3]
    assert [row["transaction_id"] for row in rows(report, "not_counted")] == [1, 2]


# Who may see what


def test_hidden_users_and_units_that_cannot_be_had_leave_base_units_and_a_word(on: Connect) -> None:
    hidden = moved(1, "RECEIVE", 5, "2026-05-02T00:00:00Z", created_by=None)
    known = moved(2, "RECEIVE", 6, "2026-05-03T00:00:00Z", created_by=7)
    report = statement(on(Ledger([account(1)], [hidden, known], users=403, units={1: 404})), *MAY)
    row = rows(report)[0]
    assert row["amount_base"] == 5
    assert report["movements"]["amount"].iloc[0] is pd.NA
    assert pd.isna(row["created_by"])
    assert report["movements"]["created_by_name"].isna().all()
    assert any(note.startswith("Without the names of users:") for note in report.notes)
    assert any("2 movements in an unknown unit (" in note and "404" in note for note in report.notes)
    assert any("A reporting key sees the accounts of its entities alone" in note for note in report.notes)


def test_an_account_that_cannot_be_seen_may_be_a_token_so_nobody_is_charged(on: Connect) -> None:
    report = statement(on(Ledger([], [moved(1, "SEND", 5, "2026-05-02T00:00:00Z", fees="3")], units={1: 404})), *MAY)
    assert [row["movement"] for row in rows(report)] == ["amount"]
    assert [row["reason"] for row in rows(report, "not_counted")] == [
        "its account can't be seen: which account paid the fees is not known"
    ]


def test_a_parent_that_cannot_be_seen_is_charged_in_the_unit_of_the_fees(on: Connect) -> None:
    ledger = tokens([moved(1, "SEND", 5, "2026-05-03T10:00:00Z", **ERC20, fees="7")])
    ledger.accounts = ledger.accounts[1:]
    fees = rows(statement(on(ledger), *MAY))[1]
    assert (fees["account_id"], fees["ticker"], fees["amount_base"]) == (2, "ETH", -7)
    assert pd.isna(fees["account_name"])


def test_no_rows_have_the_same_columns_and_dtypes_as_many(session: lk.Session) -> None:
    many, none = (
        statement(session, pd.Timestamp(A_DAY) - pd.Timedelta(days=90)),
        statement(session, "2020-01-01", "2020-02-01"),
    )
    for name, frame in none.tables.items():
        assert len(frame) == 0
        assert frame.dtypes.tolist() == many[name].dtypes.tolist()
        assert list(frame.columns) == list(many[name].columns)
    assert dict(none.drawings) == {}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"date": "yesterday"}, "it is one of block, broadcast, creation"),
        ({"confirmations": -1}, "whole number"),
        ({"margin_days": 1.5}, "whole number"),
        ({"account": []}, "empty"),
    ],
)
def test_arguments_are_refused_before_anything_is_read(
    session: lk.Session, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(lk.InvalidRequest, match=words):
        statement(session, *MAY, **arguments)


BETWEEN = [
    moved(1, "SEND", 1_000_000_000, "2026-05-31T23:50:00Z", broadcast_on="2026-05-31T23:49:00Z", fees="1"),
    moved(2, "RECEIVE", 1_000_000_000, "2026-05-31T23:50:00Z", account_id=2, tx_hash=f"{1:064x}"),
]


def two(transactions: list[dict[str, Any]]) -> Ledger:
    return Ledger([account(1, "One"), account(2, "Two")], transactions)


def bars(report: Report) -> list[set[tuple[str, str]]]:
    """What the panels of the chart draw, the upper first, without what is 0."""
    spec = report.chart().spec()
    panels = spec.get("vconcat", [spec])
    drawn = [[*spec["datasets"][panel["data"]["name"]]] for panel in panels]
    return [{(one["side"], one["amount"]) for one in rows if one["drawn"]} for rows in drawn]


def test_the_chart_says_what_was_net_and_draws_own_transfers_apart(on: Connect) -> None:
    arrived = moved(3, "RECEIVE", 200_000_000, "2026-05-03T10:00:00Z", account_id=2)
    report = statement(on(two([*BETWEEN, arrived])), *MAY)
    assert "more came in than went out: net about 2 BTC" in repr(report.chart())
    assert bars(report) == [
        {("came in", "2.00000000"), ("went out", "-0.00000001")},
        {("came in", "10.00000000"), ("went out", "-10.00000000")},
    ]
    assert "<svg" in report.chart().svg()


@pytest.mark.parametrize(("side", "amount"), [(1, -1_000_000_000), (2, 1_000_000_000)])
def test_one_side_of_an_own_transfer_is_internal_wherever_the_other_side_lies(
    on: Connect, side: int, amount: int
) -> None:
    """Created on two days, of which the period holds one: nothing went out, and nothing came in."""
    days = {1: "2026-05-31", 2: "2026-06-01"}
    rows_created = [one | {"fees": "0", "created_on": f"{days[one['id']]}T23:49:00Z"} for one in BETWEEN]
    later = pd.Timestamp(days[side]) + pd.Timedelta(days=1)
    report = statement(on(two(rows_created)), days[side], f"{later:%Y-%m-%d}", date="creation")
    assert [(row["transaction_id"], row["internal"]) for row in rows(report)] == [(side, True)]
    month = rows(report, "months")[0]
    assert month["internal_received_base"] + month["internal_sent_base"] == amount == month["net_base"]
    way = "came in" if amount > 0 else "went out"
    assert bars(report) == [set(), {(way, f"{amount // 10**8}.00000000")}]
    assert "as much came in as went out: net 0 BTC" in repr(report.chart())
    assert any("1 movement between own accounts whose other side is not among" in note for note in report.notes)


def test_by_broadcast_an_own_transfer_does_not_go_out(on: Connect) -> None:
    """What is received has no broadcast time: the side that was sent stands alone in the period."""
    report = statement(on(two(BETWEEN)), *MAY, date="broadcast")
    month = rows(report, "months")[0]
    assert (month["sent_base"], month["internal_sent_base"], month["internal_received_base"]) == (
        -(10**9),
        -(10**9),
        0,
    )
    assert bars(report)[0] == {("went out", "-0.00000001")}
    assert any("or has no broadcast time" in note for note in report.notes)


def test_a_transfer_is_internal_only_where_both_accounts_are_chosen(on: Connect) -> None:
    """Tokens below a chosen account are read for their fees; those not chosen are none of the report's."""
    when, below = "2026-05-03T10:00:00+00:00", {**ERC20, "tx_hash": "0xsame"}
    ledger = tokens([moved(1, "SEND", 5, when, **below, fees="7"), moved(2, "RECEIVE", 5, when, **below)])
    ledger.accounts.append(ledger.accounts[1] | {"id": 4, "name": "USDC Other"})
    ledger.transactions[1] |= {"account_id": 4}
    session = on(ledger)
    part = statement(session, *MAY, account=[2, 3])["movements"]
    assert not part["internal"].any()
    assert part[["pair_account_id", "pair_transaction_id"]].isna().all(axis=None)
    whole = statement(session, *MAY, account=[2, 3, 4])["movements"]
    assert whole[whole["movement"] == "amount"]["pair_account_id"].tolist() == [4, 3]


def test_a_chosen_account_on_which_nothing_moved_has_zeros_and_a_word(on: Connect) -> None:
    session = on(two([moved(1, "RECEIVE", 5, "2026-05-02T00:00:00Z")]))
    both = statement(session, *MAY, account=["One", "Two"])
    assert both["totals"][["account_name", "net_base", "ticker", "movements"]].values.tolist() == [
        ["One", 5, "BTC", 1],
        ["Two", 0, "BTC", 0],
    ]
    assert str(both["totals"]["received"].iloc[1]) == "0.00000000"
    alone = statement(session, *MAY, account=2)
    assert alone["totals"]["account_id"].tolist() == [2]
    assert "Nothing moved in the period on Two (2): zeros in `totals`." in alone.notes


def test_charts_round_what_people_read_and_tables_keep_every_digit(on: Connect) -> None:
    one = moved(1, "RECEIVE", 1_234_567_891_234_567_891, "2026-05-03T10:00:00Z", account_id=2, currency="ethereum")
    report = statement(on(tokens([one])), *MAY)
    assert "net about 1.23457 ETH" in repr(report.chart())
    assert str(report["months"]["net"].iloc[0]) == "1.234567891234567891"


def test_tokens_of_one_ticker_have_a_chart_each(on: Connect) -> None:
    when = "2026-05-03T10:00:00+00:00"
    ledger = tokens([moved(1, "RECEIVE", 5, when, **ERC20), moved(2, "RECEIVE", 6, when, **ERC20)])
    ledger.accounts.append(ledger.accounts[1] | {"id": 4, "contract_address": "0xother"})
    ledger.transactions[1] |= {"account_id": 4}
    ledger.units = {**ledger.units, 4: ledger.units[3]}
    assert list(statement(on(ledger), *MAY).drawings) == ["USDC on ethereum", "USDC on ethereum, 0xother"]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0E-18", "0"),
        ("2.500000", "2.5"),
        ("-1234.567891234567", "about \u22121,234.57"),
        ("1.99999999", "about 2"),
        ("0.00000001", "0.00000001"),
        ("0.000000000000000123456789", "about 0.000000000000000123457"),
        ("1" + "9" * 27 + ".5", "about 2" + ",000" * 9),
    ],
)
def test_a_number_is_rounded_for_reading_and_says_so(number: str, text: str) -> None:
    assert rounded(Decimal(number)) == text


def test_names_that_try_to_deceive_are_inert_in_a_page_and_in_a_workbook(on: Connect, tmp_path: Path) -> None:
    note = {"title": "=HYPERLINK(1)", "content": "<script>alert(1)</script>"}
    ledger = Ledger([account(1, "<b>\u202eCTB</b>")], [moved(1, "RECEIVE", 5, "2026-05-02T00:00:00Z", notes=[note])])
    report = statement(on(ledger), *MAY)
    page = report.to_html(tmp_path / "page.html").read_text()
    assert "<script>" not in page
    assert "\u202e" not in page
    assert report.to_excel(tmp_path / "book.xlsx").exists()


def test_amounts_are_decimals_of_the_exact_places(on: Connect) -> None:
    amount = rows(statement(on(Ledger([account(1)], [moved(1, "RECEIVE", 5, "2026-05-02T00:00:00Z")])), *MAY))[0]
    assert isinstance(amount["amount"], Decimal)
    assert str(amount["amount"]) == "0.00000005"
