"""The portfolio: each thing in its own unit, nothing twice, nothing left out without a word."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from serving import Reply, Server

import ledgerkit as lk
from reports.small_workspace import BTC, ETH, account, units, workspace

Connect = Callable[..., lk.Session]
Serve = Callable[..., Server]
USDC = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
DOLLARS = [{"code": "USDC", "magnitude": 6}]
MINT = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"


def holding(number: int, balance: Any, **fields: Any) -> dict[str, Any]:
    amounts = {"balance": balance, "available_balance": balance, "pending_balance": None if balance is None else "0"}
    return account(number, **{**amounts, "token_accounts": [], **fields})


def bitcoin(number: int, balance: Any, **fields: Any) -> dict[str, Any]:
    return holding(number, balance, type="Bitcoin", currency="bitcoin", **fields)


def entity(number: int, name: str, accounts: list[int], status: str = "ACTIVE") -> dict[str, Any]:
    return {"id": number, "name": name, "status": status, "accounts": accounts, "created_on": "2026-01-01T00:00:00Z"}


@pytest.fixture
def made(serve: Serve, connect_to: Connect) -> Callable[..., lk.reports.Report]:
    def make(
        accounts: list[dict[str, Any]],
        entities: list[dict[str, Any]] | None = None,
        answers: dict[str, Any] | None = None,
        **asked: Any,
    ) -> lk.reports.Report:
        known = {"bitcoin": BTC, "ethereum": ETH}
        told: dict[str, Any] = {}
        for one in accounts:
            named = DOLLARS if one["contract_address"] else known.get(one["currency"], ETH)
            told[f"/accounts/{one['id']}/currency"] = units(named)
        server = serve(workspace({"/accounts": accounts, "/entities": entities or []}, {**told, **(answers or {})}))
        return lk.reports.portfolio(connect_to(server), **asked)

    return make


def raw_rows(session: lk.Session, path: str) -> list[dict[str, Any]]:
    answer = session.raw("GET", path, params={"page_size": "100"})
    assert not answer["page_info"]["has_next_page"]
    return [edge["node"] for edge in answer["edges"]]


def notes(report: lk.reports.Report) -> str:
    return " | ".join(report.notes)


def test_sums_of_the_sandbox_are_those_of_the_raw_rows(session: lk.Session) -> None:
    report = lk.reports.portfolio(session)
    expected: dict[tuple[str, str | None], int] = {}
    for row in raw_rows(session, "/accounts"):
        if row["currency"] in ("bitcoin_testnet", "ethereum_sepolia", "westend") or row["status"] == "REJECTED":
            continue
        key = (row["currency"], row["contract_address"])
        expected[key] = expected.get(key, 0) + int(row["balance"])
        for token in row["token_accounts"]:
            key = (row["currency"], token["contract_address"])
            expected[key] = expected.get(key, 0) + token["available"] + token["pending"]
    shown = report["currencies"]
    contracts = [None if pd.isna(one) else one for one in shown["contract_address"]]
    assert dict(zip(zip(shown["currency"], contracts, strict=True), shown["amount_base"], strict=True)) == expected
    assert set(report["testnets"]["currency"]) == {"bitcoin_testnet", "ethereum_sepolia", "westend"}


def test_amounts_are_shown_in_the_unit_of_each_currency(session: lk.Session) -> None:
    rows: Any = lk.reports.portfolio(session)["currencies"]
    places = {("SHIB", "ethereum"): 18, ("BTC", "bitcoin"): 8, ("USDC", "ethereum"): 6, ("NEAR", "near"): 24}
    for (ticker, currency), magnitude in places.items():
        row = rows[(rows["ticker"] == ticker) & (rows["currency"] == currency)].iloc[0]
        assert isinstance(row["amount"], Decimal)
        assert Fraction(row["amount"]) == Fraction(row["amount_base"], 10**magnitude)


def test_values_are_exact_and_of_what_has_a_price(session: lk.Session) -> None:
    report = lk.reports.portfolio(session, prices={"SHIB": "0.0000123456789", "NEAR": "5.43", "bitcoin": 64000})
    rows: Any = report["currencies"].set_index("ticker")
    expected = Fraction(0)
    for ticker, magnitude, price in (("SHIB", 18, "0.0000123456789"), ("NEAR", 24, "5.43"), ("BTC", 8, "64000")):
        value = Fraction(int(rows.loc[ticker, "amount_base"]), 10**magnitude) * Fraction(price)
        assert Fraction(rows.loc[ticker, "value"]) == value
        expected += value
    total = report["total"].iloc[0]
    assert Fraction(total["value"]) == expected
    assert total["value_rounded"] == Decimal(round(expected * 100)).scaleb(-2)
    assert total["quote"] == "USD"
    assert total["of"].startswith("what has a price: 3 of ")
    assert (total["priced"], total["unpriced"]) == (3, len(report["unpriced"]))
    assert "SHIB (ethereum:0x95aD61b0a150d79219dCF64E1E6Cc01f0B64C4cE)" in notes(report)
    by_account = [one for one in report["accounts"]["value"] if one is not pd.NA]
    assert sum(map(Fraction, by_account)) == expected


def test_without_prices_there_is_no_value(session: lk.Session) -> None:
    report = lk.reports.portfolio(session)
    assert report["total"].iloc[0]["value"] is pd.NA
    assert report["unpriced"].empty
    assert list(report.drawings) == ["who holds what"]


def test_what_has_no_price_is_listed_with_the_key_that_would_name_it(session: lk.Session) -> None:
    missing = lk.reports.portfolio(session, prices={"BTC": 1})["unpriced"]
    keys = dict.fromkeys(missing["price_by"].tolist(), 1)
    assert lk.reports.portfolio(session, prices={"BTC": 1, **keys})["unpriced"].empty


def test_a_price_never_values_a_testnet(session: lk.Session) -> None:
    report = lk.reports.portfolio(session, prices={"bitcoin_testnet": 64000, "tETH": 3000})
    assert report["total"].iloc[0]["value"] is pd.NA
    assert "Prices for what is not held: bitcoin_testnet, tETH" in notes(report)


def test_the_ether_of_four_networks_is_not_one_thing(session: lk.Session) -> None:
    with pytest.raises(lk.InvalidRequest, match=r"'ethereum'.*'arbitrum'"):
        lk.reports.portfolio(session, prices={"ETH": 3000})


def test_entities_are_those_of_the_raw_rows_and_the_rest_is_in_none(session: lk.Session) -> None:
    report = lk.reports.portfolio(session)
    balances = {row["id"]: row for row in raw_rows(session, "/accounts")}
    for row in raw_rows(session, "/entities"):
        shown = report["entities"][report["entities"]["entity_id"] == row["id"]]
        if row["status"] != "ACTIVE":
            assert shown.empty
            assert f"{row['name']} ({row['status']})" in notes(report)
            continue
        bitcoins = [
            int(balances[one]["balance"]) for one in row["accounts"] if balances[one]["currency"] == "bitcoin"
        ]
        assert shown.loc[shown["currency"] == "bitcoin", "amount_base"].sum() == sum(bitcoins)
    everywhere = report["entities"].groupby("currency")["amount_base"].sum()["bitcoin"]
    assert everywhere == report["currencies"].set_index("currency").loc["bitcoin", "amount_base"]


def test_token_accounts_are_in_no_entity_because_their_parent_is_in_one(session: lk.Session) -> None:
    report = lk.reports.portfolio(session)
    row: Any = report["accounts"].set_index("account_name").loc["TL-0003-USD-HAL-HSE"]
    assert pd.isna(row["entities"])
    assert row["parent_name"] == "TL-0003-ETH-HAL-HSE"
    assert "In no entity, though their parent account is in one: TL-0003-USD-HAL-HSE" in notes(report)


def test_accounts_that_are_not_active_are_named_with_what_they_hold(session: lk.Session) -> None:
    row = next(one for one in raw_rows(session, "/accounts") if one["name"] == "DASH Archive")
    amount = Decimal(row["balance"]).scaleb(-8).normalize()
    assert f"DASH Archive (VIEW_ONLY): {amount:,f} DASH" in notes(lk.reports.portfolio(session))


def test_staked_amounts_are_told_and_not_added(session: lk.Session) -> None:
    report = lk.reports.portfolio(session)
    assert "ETH Staking 128 ETH" in notes(report)
    row = next(one for one in raw_rows(session, "/accounts") if one["name"] == "ETH Staking")
    assert report["accounts"].set_index("account_name").loc["ETH Staking", "amount_base"] == int(row["balance"])


def test_only_the_accounts_that_are_asked_for(session: lk.Session) -> None:
    by_entity = lk.reports.portfolio(session, entity="Treasury")
    assert set(by_entity["accounts"]["entities"]) == {"Treasury"}
    one = lk.reports.portfolio(session, entity="Treasury", account="BTC Treasury 1")
    assert one["accounts"]["account_name"].tolist() == ["BTC Treasury 1"]
    assert lk.reports.portfolio(session, account=[1, "ETH Clients"])["accounts"]["account_id"].tolist() == [1, 11]
    outside = lk.reports.portfolio(session, entity="Treasury", account="ETH Clients")
    assert outside["accounts"].empty
    assert "None of the accounts that were asked for counts" in notes(outside)


def test_an_account_that_is_not_there_is_an_error_and_not_an_empty_report(session: lk.Session) -> None:
    with pytest.raises(lk.NotFound, match="Did you mean 'BTC Treasury 1'"):
        lk.reports.portfolio(session, account="BTC Tresury 1")
    with pytest.raises(lk.NotFound, match="no entity with this id"):
        lk.reports.portfolio(session, entity=999)
    with pytest.raises(lk.InvalidRequest, match="is empty"):
        lk.reports.portfolio(session, account=[])


def test_a_name_of_two_accounts_is_refused_with_their_ids(made: Callable[..., lk.reports.Report]) -> None:
    with pytest.raises(lk.InvalidRequest, match="name of 2: "):
        made([bitcoin(1, "5", name="Twin"), bitcoin(2, "6", name="Twin")], account="Twin")


def test_parent_and_token_are_never_in_one_sum_and_the_case_of_a_contract_does_not_part_it(
    made: Callable[..., lk.reports.Report],
) -> None:
    report = made(
        [
            holding(1, "5"),
            holding(2, "7000000", parent=1, contract_address=USDC, type="Erc20"),
            holding(3, "1", parent=1, contract_address=USDC.lower(), type="Erc20"),
        ]
    )
    rows = report["currencies"].set_index("ticker")
    assert rows.loc["ETH", "amount_base"] == 5
    assert rows.loc["USDC", "amount"] == Decimal("7.000001")
    assert rows.loc["USDC", "accounts"] == 2


def test_an_account_in_two_entities_is_told_with_its_amount(made: Callable[..., lk.reports.Report]) -> None:
    entities = [entity(1, "Fund A", [1, 2]), entity(2, "Fund B", [2])]
    report = made([bitcoin(1, "100000000"), bitcoin(2, "250000000"), bitcoin(3, "1")], entities, prices={"BTC": 10})
    assert "In several are: Account 2, 2.5 BTC, in Fund A and Fund B" in notes(report)
    totals = report["entity_totals"].set_index("entity_name")
    assert totals["value"].tolist() == [Decimal(35), Decimal(25), Decimal("0.0000001")]
    assert totals.loc["Fund A", "shares_accounts_with"] == "Fund B"
    assert report["total"].iloc[0]["value"] == Decimal("35.0000001")
    assert "overlap" in str(report.chart("value by entity").spec())
    assert "Fund A + Fund B" in report.chart("who holds what").words


def test_an_entity_that_is_called_as_the_rest_is_told_apart(made: Callable[..., lk.reports.Report]) -> None:
    report = made([bitcoin(1, "1"), bitcoin(2, "2")], [entity(4, "in no entity", [1])])
    assert report["entity_totals"]["entity_name"].tolist() == ["in no entity (4)", "in no entity"]


def test_accounts_of_an_entity_that_can_not_be_seen_make_it_incomplete(
    made: Callable[..., lk.reports.Report],
) -> None:
    report = made([bitcoin(1, "1")], [entity(1, "Fund A", [1, 77])])
    assert "Fund A is not complete: 1 of its accounts are not visible" in notes(report)
    assert report["entity_totals"]["balances_complete"].tolist() == [False]


def test_a_balance_that_the_list_lacks_is_asked_for(made: Callable[..., Any]) -> None:
    answer = {"total": "7", "available": "5", "pending": "2"}
    report = made([bitcoin(1, None)], answers={"/accounts/1/balances": answer})
    assert report["accounts"].loc[0, ["amount_base", "available_base", "pending_base"]].tolist() == [7, 5, 2]
    assert report["total"]["balances_complete"].tolist() == [True]


@pytest.mark.parametrize(("status", "why"), [(404, "404"), (403, "403"), (501, "501")])
def test_a_balance_that_can_not_be_had_is_a_row_with_the_reason(
    made: Callable[..., lk.reports.Report], status: int, why: str
) -> None:
    refusal = Reply({"message": "not for you"}, status=status)
    report = made([bitcoin(1, None), bitcoin(2, "5")], answers={"/accounts/1/balances": refusal}, prices={"BTC": 2})
    row = report["accounts"].set_index("account_id").loc[1]
    assert row["amount"] is pd.NA
    assert why in row["note"]
    assert report["currencies"]["amount_base"].tolist() == [5]
    assert report["currencies"]["balances_complete"].tolist() == [False]
    assert report["currencies"]["note"].tolist() == ["without Account 1"]
    assert report["total"]["balances_complete"].tolist() == [False]
    assert "The balance of Account 1 is not known" in notes(report)


def test_a_refused_account_is_shown_and_not_counted(made: Callable[..., lk.reports.Report]) -> None:
    report = made([bitcoin(1, "5", status="REJECTED"), bitcoin(2, "7", status="SOMETHING_NEW")])
    assert report["currencies"]["amount_base"].tolist() == [7]
    assert report["accounts"].set_index("account_id")["counted"].to_dict() == {1: False, 2: True}
    assert "Not counted, since the account was refused: Account 1 (REJECTED): 0.00000005 BTC" in notes(report)
    assert "Account 2 (SOMETHING_NEW): 0.00000007 BTC" in notes(report)


def light(parent: int, **fields: Any) -> dict[str, Any]:
    return {
        "account_name": "SOL",
        "associated_token_account": "ata",
        "available": 3 * 10**27,
        "contract_address": MINT,
        "creation_transaction_hash": "h",
        "parent_id": parent,
        "pending": 1,
        "status": "ACTIVE",
        "ticker": "USDC",
        **fields,
    }


def solana(number: int, **fields: Any) -> dict[str, Any]:
    return holding(number, "5", type="Solana", currency="solana", **fields)


TOKEN = {f"/currencies/solana/tokens/{MINT}": {"name": "USDC", "contract_address": MINT, "units": DOLLARS}}


def test_light_token_accounts_are_holdings_of_their_own(made: Callable[..., lk.reports.Report]) -> None:
    report = made([solana(1)], answers={"/accounts/1/tokens": [light(1)], **TOKEN})
    row = report["accounts"].set_index("kind").loc["light token account"]
    assert (row["account_id"], row["amount_base"]) == (1, 3 * 10**27 + 1)
    assert row["amount"] == Decimal("3000000000000000000000.000001")
    assert "no account id of its own" in row["note"]


def test_a_light_token_account_with_an_account_of_its_own_is_counted_once(
    made: Callable[..., lk.reports.Report],
) -> None:
    own = holding(2, "9", type="Solana", currency="solana", contract_address=MINT, parent=1)
    report = made([solana(1), own], answers={"/accounts/1/tokens": [light(1)], "/accounts/2/tokens": [], **TOKEN})
    assert report["currencies"].set_index("contract_address").loc[MINT, "amount_base"] == 9
    assert "left out, to be counted once: SOL" in notes(report)


def test_light_token_accounts_that_can_not_be_asked_for_are_taken_from_the_list(
    made: Callable[..., lk.reports.Report],
) -> None:
    report = made([solana(1, token_accounts=[light(1)])], answers=TOKEN)
    assert report["currencies"].set_index("contract_address").loc[MINT, "amount_base"] == 3 * 10**27 + 1
    assert "could not be asked for" in notes(report)


def test_a_token_without_units_is_there_in_base_units(made: Callable[..., lk.reports.Report]) -> None:
    report = made([solana(1)], answers={"/accounts/1/tokens": [light(1)]}, prices={f"solana:{MINT}": 1})
    row = report["currencies"].set_index("contract_address").loc[MINT]
    assert row["amount"] is pd.NA
    assert row["amount_base"] == 3 * 10**27 + 1
    assert row["value"] is pd.NA
    assert "No unit is known of SOL" in notes(report)
    assert report["unpriced"].set_index("contract_address").loc[MINT, "reason"] == "no unit is known of SOL"


def test_units_that_can_not_be_right_are_told(made: Callable[..., lk.reports.Report]) -> None:
    wrong = units([{"code": "BTC", "magnitude": 10}])
    report = made([bitcoin(1, "5")], answers={"/accounts/1/currency": wrong})
    assert "BTC has 10 decimal places, and bitcoin is known to have 8" in notes(report)


def test_parts_that_do_not_make_the_whole_are_told(made: Callable[..., lk.reports.Report]) -> None:
    report = made([bitcoin(1, "100", available_balance="60", pending_balance="30")])
    assert "available and pending make 90 base units, and the balance is 100" in notes(report)


def test_entities_that_can_not_be_read_do_not_take_the_report_with_them(
    made: Callable[..., lk.reports.Report],
) -> None:
    report = made([bitcoin(1, "5")], answers={"/entities": Reply({"message": "no"}, status=403)})
    assert report["currencies"]["amount_base"].tolist() == [5]
    assert report["entities"].empty
    assert report["entity_totals"].empty
    assert "Without the entities" in notes(report)


def test_tables_without_rows_have_the_same_columns_and_dtypes(
    session: lk.Session, made: Callable[..., lk.reports.Report]
) -> None:
    full, empty = lk.reports.portfolio(session, prices={"BTC": 1}), made([])
    assert list(full.tables) == list(empty.tables)
    for name in full.tables:
        assert full[name].dtypes.to_dict() == empty[name].dtypes.to_dict(), name
    assert "No account is visible" in notes(empty)
    assert empty.drawings == {}


def test_a_reporting_key_is_told_what_it_may_not_see(made: Callable[..., lk.reports.Report]) -> None:
    assert "sees the accounts of its entities alone" in notes(made([bitcoin(1, "5")]))


def test_names_that_mislead_are_shown_as_they_are(made: Callable[..., lk.reports.Report], tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>\u202egnp"
    report = made([bitcoin(1, "5", name=name, status="VIEW_ONLY")], [entity(1, name, [1])], prices={"BTC": 2})
    page = report.to_html(tmp_path / "page.html").read_text()
    assert "<img" not in page
    assert "\u202e" not in page
    assert "\u202e" not in notes(report)


def test_charts_are_drawn_and_say_the_same_in_words(session: lk.Session, tmp_path: Path) -> None:
    report = lk.reports.portfolio(session, prices={"BTC": 64000, "SOL": 150})
    bitcoin_value: Any = report["currencies"].set_index("ticker").loc["BTC", "value_rounded"]
    assert f"BTC {round(bitcoin_value):,}" in report.chart("value by currency").words
    for name in report.drawings:
        assert "<svg" in report.chart(name).svg()
    assert report.to_excel(tmp_path / "book.xlsx").exists()


def test_accounts_of_one_token_with_two_units_are_not_shown_in_one(made: Callable[..., lk.reports.Report]) -> None:
    own = holding(2, "9", type="Solana", currency="solana", contract_address=MINT)
    other = {
        f"/currencies/solana/tokens/{MINT}": {"contract_address": MINT, "units": [{"code": "X", "magnitude": 9}]}
    }
    answers = {"/accounts/1/tokens": [light(1)], "/accounts/2/tokens": [], **other}
    report = made([solana(1), own], answers=answers)
    row = report["currencies"].set_index("contract_address").loc[MINT]
    assert row["amount"] is pd.NA
    assert "different units" in row["note"]
    assert "its accounts name different units" in notes(report)


def test_base_units_with_a_fraction_are_summed_without_rounding(made: Callable[..., lk.reports.Report]) -> None:
    report = made([bitcoin(1, f"{10**40}.5"), bitcoin(2, "0.25")])
    assert report["currencies"]["amount_base"].tolist() == [Decimal(f"{10**40}.75")]
    assert report["currencies"]["amount"].tolist() == [Decimal(f"1{'0' * 32}.0000000075")]


def test_an_available_balance_that_is_missing_is_not_counted_as_zero(made: Callable[..., lk.reports.Report]) -> None:
    report = made([bitcoin(1, "5", available_balance=None), bitcoin(2, "7")])
    assert report["currencies"]["amount_base"].tolist() == [12]
    assert report["currencies"]["available"].isna().tolist() == [True]


def test_what_is_priced_in_part_is_said_so_everywhere(made: Callable[..., lk.reports.Report]) -> None:
    """One of two holdings has no unit: its part is in no value, and nothing reads as if it were."""
    own = holding(2, "2500000", type="Solana", currency="solana", contract_address=MINT)
    answers = {"/accounts/1/tokens": [light(1)], "/accounts/2/tokens": []}
    report = made([solana(1), own, bitcoin(3, "1")], None, answers, prices={f"solana:{MINT}": 10, "BTC": 1})
    total = report["total"].iloc[0]
    assert total["value"] == Decimal("25.00000001")
    assert total[["priced", "priced_in_part", "unpriced"]].tolist() == [1, 1, 1]
    assert (total["all_priced"], total["balances_complete"]) == (False, True)
    assert total["of"] == "what has a price: 1, and 1 in part, of 3 currencies and tokens held"
    row = report["currencies"].set_index("contract_address").loc[MINT]
    assert (row["ticker"], row["price"], row["value"], row["share_percent"]) == ("USDC", 10, 25, Decimal("100.00"))
    assert not row["all_priced"]
    assert "no unit is known of SOL" in row["note"]
    lacking = report["unpriced"].set_index("contract_address")
    assert lacking.loc[MINT, "amount_base"] == 3 * 10**27 + 1
    assert lacking.loc[MINT, "reason"] == "no unit is known of SOL"
    assert "In part, since no unit is known of some accounts: USDC without SOL" in notes(report)


def test_a_value_of_few_of_many_does_not_read_as_all(session: lk.Session) -> None:
    total = lk.reports.portfolio(session, prices={"BTC": 1, "SOL": 1})["total"].iloc[0]
    assert (total["priced"], total["all_priced"], total["balances_complete"]) == (2, False, True)
    assert lk.reports.portfolio(session)["total"].iloc[0]["all_priced"] is pd.NA
    assert "complete" not in lk.reports.portfolio(session)["total"].columns


def test_accounts_that_name_different_units_have_no_value(made: Callable[..., lk.reports.Report]) -> None:
    own = holding(2, "9", type="Solana", currency="solana", contract_address=MINT)
    other = {"contract_address": MINT, "units": [{"code": "X", "magnitude": 9}]}
    answers = {"/accounts/1/tokens": [light(1)], "/accounts/2/tokens": [], f"/currencies/solana/tokens/{MINT}": other}
    report = made([solana(1), own], answers=answers, prices={f"solana:{MINT}": 10})
    assert report["total"].iloc[0]["value"] is pd.NA
    assert report["unpriced"].set_index("contract_address").loc[MINT, "reason"] == "its accounts name different units"
    assert "Not valued, since its accounts name different units: USDC" in notes(report)


@pytest.mark.parametrize("asked", [1, 2, [1, 2], None])
def test_a_light_token_account_counts_once_whatever_is_asked_for(
    made: Callable[..., lk.reports.Report], asked: Any
) -> None:
    own = holding(2, "9", type="Solana", currency="solana", contract_address=MINT, parent=1)
    answers = {"/accounts/1/tokens": [light(1)], "/accounts/2/tokens": [], **TOKEN}
    report = made([solana(1), own], answers=answers, account=asked)
    rows = report["currencies"].set_index("contract_address")
    assert rows["amount_base"].get(MINT) == (None if asked == 1 else 9)
    if asked == 1:
        assert "to be counted once: SOL (account 2, which was not asked for)" in notes(report)


def test_a_refused_account_takes_no_light_token_account_with_it(made: Callable[..., lk.reports.Report]) -> None:
    own = holding(2, "9", type="Solana", currency="solana", contract_address=MINT, parent=1, status="REJECTED")
    report = made([solana(1), own], answers={"/accounts/1/tokens": [light(1)], "/accounts/2/tokens": [], **TOKEN})
    assert report["currencies"].set_index("contract_address").loc[MINT, "amount_base"] == 3 * 10**27 + 1


def test_units_that_can_not_be_had_do_not_take_the_report_with_them(made: Callable[..., lk.reports.Report]) -> None:
    refused = {f"/accounts/{one}/currency": Reply({"message": "slow down"}, status=403) for one in (1, 2)}
    report = made([bitcoin(1, "5"), bitcoin(2, "7")], answers=refused)
    assert report["currencies"]["amount_base"].tolist() == [12]
    assert report["currencies"]["amount"].isna().tolist() == [True]


def test_the_chart_of_holders_counts_entities_and_draws_what_is_split(session: lk.Session) -> None:
    report = lk.reports.portfolio(session)
    members = {row["id"]: row for row in raw_rows(session, "/entities") if row["status"] == "ACTIVE"}
    holders: dict[tuple[str, Any], set[int]] = {}
    for row in report["accounts"].to_dict("records"):
        if row["counted"] and row["amount_base"] is not pd.NA and row["amount_base"] > 0:
            contract = None if pd.isna(row["contract_address"]) else row["contract_address"].lower()
            inside = {one for one, its in members.items() if row["account_id"] in its["accounts"]}
            holders.setdefault((row["currency"], contract), set()).update(inside)
    several = sum(len(one) > 1 for one in holders.values())
    words = report.chart("who holds what").words
    assert words.startswith(f"{several} of {len(holders)} currencies and tokens are held in more than one entity")
    data = report.chart("who holds what").spec()["datasets"].values()
    parts = next(rows for rows in data if "owner" in rows[0])
    assert not [one for one in parts if one["share"] == "100.00 %"]


def test_an_account_in_two_entities_is_held_in_two(made: Callable[..., lk.reports.Report]) -> None:
    report = made([bitcoin(1, "5")], [entity(1, "A", [1]), entity(2, "B", [1])])
    assert report.chart("who holds what").words.startswith("1 of 1 currency or token is held in more than one entity")
    outside = made([bitcoin(1, "5"), bitcoin(2, "5")], [entity(1, "A", [1])])
    assert outside.chart("who holds what").words.startswith("0 of 1 currency")


def test_tables_do_not_pass_for_those_of_a_section(session: lk.Session) -> None:
    for frame in lk.reports.portfolio(session, prices={"BTC": 1}).tables.values():
        assert frame.attrs == {}
