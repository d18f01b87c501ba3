"""The report on compliance: what is an alert, with whom it was, and what is not known."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from serving import Reply, Seen, Server

import ledgerkit as lk
from reports.small_workspace import BTC, ETH, account, transaction, units, workspace

Connect = Callable[..., lk.Session]
Serve = Callable[..., Server]
MAY = ("2026-05-01", "2026-06-01")
A, B = "0x" + "a" * 40, "0x" + "B" * 40


def rated(risk: str | None, *provider: str) -> dict[str, Any]:
    details = [{"provider_id": "p", "risk": one, "exposure_type": "DIRECT", "value": 10.5} for one in provider]
    score = None if risk is None and not provider else {"risk": risk, "provider_details": {"chainalysis": details}}
    return {"registration_ids": {"chainalysis": "r"}, "risk": score}


def report_on(
    serve: Serve, connect_to: Connect, rows: list[dict[str, Any]], answers: Any = None, **asked: Any
) -> Any:
    told = {"/accounts/1/currency": units(ETH), "/accounts/2/currency": units(BTC), **(answers or {})}
    accounts = [account(1), account(2, type="Bitcoin", currency="bitcoin")]
    server = serve(workspace({"/accounts": accounts, "/transactions": rows}, told))
    return lk.reports.compliance(connect_to(server), *MAY, **{"addresses": False, **asked})


def test_alerts_of_the_sandbox_are_those_of_the_raw_rows(session: lk.Session) -> None:
    report = lk.reports.compliance(session, "2026-01-01", "2026-07-01")
    raw, page = [], 1
    while True:
        query = {"page": str(page), "page_size": "100", "created_after": "2025-12-31T00:00:00Z"}
        answer = session.raw("GET", "/transactions", params=query)
        raw += [edge["node"] for edge in answer["edges"]]
        if not answer["page_info"]["has_next_page"]:
            break
        page += 1
    inside = [row for row in raw if "2026-01-01" <= row["created_on"] < "2026-07-01"]
    bad = {row["id"] for row in inside if ((row["compliance"] or {}).get("risk") or {}).get("risk") == "HIGH"}
    assert bad
    assert set(report["alerts"]["transaction_id"]) == bad
    assert int(report["scores"]["transactions"].sum()) == len(inside)
    unscored = report["scores"].set_index("score").loc["not scored", "transactions"]
    assert unscored == sum(1 for row in inside if row["compliance"] is None)
    assert report["counterparties"]["sanctioned"].sum() > 0
    assert report["months"]["alerts"].sum() == len(bad)


@pytest.mark.parametrize(
    ("compliance", "severity"),
    [
        (rated("HIGH"), "HIGH"),
        (rated("HIGH", "Low", "Severe"), "SEVERE"),
        (rated("LOW", "High"), "HIGH"),
        (rated(None, "Severe"), "SEVERE"),
        (rated("CATASTROPHIC"), "CATASTROPHIC"),
        (rated("LOW", "Apocalyptic"), "Apocalyptic"),
        (rated("MEDIUM", "Medium"), None),
        (rated("LOW"), None),
        (rated(None), None),
        (None, None),
    ],
)
def test_what_is_an_alert(serve: Serve, connect_to: Connect, compliance: Any, severity: str | None) -> None:
    report = report_on(serve, connect_to, [transaction(1, compliance=compliance)])
    assert report["alerts"]["severity"].tolist() == ([severity] if severity else [])


def test_an_alert_shows_who_how_much_and_what_became_of_it(serve: Serve, connect_to: Connect) -> None:
    rows = [
        transaction(1, amount=str(10**27 + 1), compliance=rated("HIGH"), senders=[A]),
        transaction(2, type="SEND", status="REJECTED", amount="5", recipient=B, compliance=rated("HIGH")),
    ]
    alerts = report_on(serve, connect_to, rows)["alerts"].set_index("transaction_id")
    assert alerts.loc[1, "amount"] == Decimal("1000000000.000000000000000001")
    assert alerts.loc[1, ["direction", "counterparty", "outcome", "ticker"]].tolist() == ["in", A, "happened", "ETH"]
    assert alerts.loc[2, ["direction", "counterparty", "outcome"]].tolist() == ["out", B, "did not happen"]
    assert alerts.loc[2, "account_name"] == "Account 1"


def test_sums_hold_confirmed_amounts_alone_and_every_digit(serve: Serve, connect_to: Connect) -> None:
    rows = [
        transaction(1, amount=str(10**27 + 1), compliance=rated("HIGH")),
        transaction(2, amount=str(10**27 + 2), compliance=rated("HIGH")),
        transaction(3, amount=str(10**27), status="FAILED", type="SEND", compliance=rated("HIGH")),
        transaction(4, amount=None, compliance=rated("HIGH")),
    ]
    report = report_on(serve, connect_to, rows)
    (row,) = report["by_account"].to_dict("records")
    assert (row["alerts"], row["not_confirmed"]) == (4, 2)
    assert row["amount_in_base"] == 2 * 10**27 + 3
    assert row["amount_in"] == Decimal("2000000000.000000000000000003")
    assert row["amount_out_base"] == 0
    assert any("2 alerts are not confirmed" in note for note in report.notes)


def test_the_end_of_the_period_is_not_in_it(serve: Serve, connect_to: Connect) -> None:
    rows = [
        transaction(1, created_on="2026-05-01T00:00:00+00:00", compliance=rated("HIGH")),
        transaction(2, created_on="2026-06-01T00:00:00+00:00", compliance=rated("HIGH")),
    ]
    report = report_on(serve, connect_to, rows)
    assert report["alerts"]["transaction_id"].tolist() == [1]
    assert set(report["months"]["month"]) == {"2026-05"}


def test_not_scored_is_told_apart_from_no_risk(serve: Serve, connect_to: Connect) -> None:
    rows = [
        transaction(1, compliance=None),
        transaction(2, compliance=rated(None)),
        transaction(3, compliance=rated("LOW")),
    ]
    report = report_on(serve, connect_to, rows)
    scores = report["scores"].set_index("score")["transactions"]
    assert scores["not scored"] == scores["sent to the provider, no score yet"] == scores["LOW"] == 1
    assert any("1 of 3 transactions have no score" in note for note in report.notes)


def test_each_address_is_asked_once_however_it_is_spelled(serve: Serve, connect_to: Connect) -> None:
    asked: list[str] = []

    def risk(seen: Seen) -> Any:
        asked.append(seen.path)
        return {
            "address": A,
            "risk": "HIGH",
            "provider_details": {"risk": "High", "reason": "mixer", "exposures": []},
        }

    answers = {
        f"/compliance/address-risk/{A}": risk,
        f"/compliance/sanctions/{A}": {"address": A, "has_sanctions": True, "provider_details": [{"name": "LIST 7"}]},
    }
    upper = "0x" + "A" * 40
    rows = [transaction(1, senders=[A]), transaction(2, senders=[upper]), transaction(3, senders=[A, upper])]
    report = report_on(serve, connect_to, rows, answers, addresses=True)
    assert len(asked) == 1
    (row,) = report["counterparties"].to_dict("records")
    assert (row["transactions"], row["shared"]) == (3, 0)
    assert (row["sanctioned"], row["sanctions"], row["risk"], row["reason"]) == (True, "LIST 7", "HIGH", "mixer")
    assert row["amount_in_base"] == 3000


def test_a_transaction_of_several_senders_counts_at_each_and_says_so(serve: Serve, connect_to: Connect) -> None:
    report = report_on(
        serve, connect_to, [transaction(1, account_id=2, currency="bitcoin", senders=["bc1qx", "bc1qy"])]
    )
    assert report["counterparties"]["shared"].tolist() == [1, 1]
    assert report["counterparties"]["amount_in_base"].tolist() == [1000, 1000]
    assert any("Do not add up" in note for note in report.notes)


@pytest.mark.parametrize(("status", "calls"), [(400, 3), (403, 3), (404, 3), (501, 3)])
def test_where_compliance_is_off_few_are_asked_and_the_notes_say_why(
    serve: Serve, connect_to: Connect, status: int, calls: int
) -> None:
    addresses = [f"0x{number:040x}" for number in range(1, 11)]
    refusal = Reply({"message": "invalid secret"}, status=status)
    answers = {f"/compliance/{what}/{one}": refusal for one in addresses for what in ("address-risk", "sanctions")}
    rows = [transaction(number, senders=[one]) for number, one in enumerate(addresses, start=1)]
    server = serve(
        workspace({"/accounts": [account(1)], "/transactions": rows}, {"/accounts/1/currency": units(ETH), **answers})
    )
    report = lk.reports.compliance(connect_to(server), *MAY)
    asked = [path for path in server.paths() if path.startswith("/compliance/")]
    assert len(asked) == 2 * calls
    assert report["counterparties"]["sanctioned"].isna().all()
    assert report["counterparties"]["checked"].str.contains("no answer|invalid secret").all()
    assert sum("Without the" in note for note in report.notes) >= 2


def test_a_rate_limit_in_the_middle_leaves_the_rest_of_the_report(serve: Serve, connect_to: Connect) -> None:
    answers = {
        f"/compliance/{what}/{A}": Reply({"message": "slow"}, status=420) for what in ("address-risk", "sanctions")
    }
    report = report_on(serve, connect_to, [transaction(1, compliance=rated("HIGH"))], answers, addresses=True)
    assert len(report["alerts"]) == 1
    assert any("Without the risk of addresses" in note for note in report.notes)


def test_addresses_that_were_not_asked_have_no_verdict(serve: Serve, connect_to: Connect) -> None:
    answers = {
        f"/compliance/address-risk/{A}": {"address": A, "risk": "LOW", "provider_details": {"risk": "Low"}},
        f"/compliance/sanctions/{A}": {"address": A, "has_sanctions": False, "provider_details": []},
    }
    rows = [
        transaction(1, senders=[B]),
        transaction(2, senders=[B]),
        transaction(3, senders=[A], compliance=rated("HIGH")),
    ]
    report = report_on(serve, connect_to, rows, answers, addresses=1)
    found = report["counterparties"].set_index("address")
    assert found.loc[A, "checked"] == "risk asked; sanctions asked"
    assert found.loc[B, "checked"] == "not asked"
    assert pd.isna(found.loc[B, "sanctioned"])
    assert any("asked for 1 of 2 counterparties" in note for note in report.notes)


@pytest.mark.parametrize("rows", [[], [transaction(1, compliance=rated("HIGH", "Severe"))]])
def test_columns_and_charts_are_the_same_with_and_without_rows(
    serve: Serve, connect_to: Connect, session: lk.Session, rows: list[Any], tmp_path: Path
) -> None:
    report = report_on(serve, connect_to, rows)
    many = lk.reports.compliance(session, "2026-01-01", addresses=False)
    for name, frame in many.tables.items():
        assert report[name].dtypes.to_dict() == frame.dtypes.to_dict()
    for name in report.drawings:
        assert "<svg" in report.chart(name).svg()
    assert report.to_excel(tmp_path / "a.xlsx").exists()


def test_names_that_try_to_deceive_do_nothing(serve: Serve, connect_to: Connect, tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>\u202e"
    row = transaction(1, senders=[hostile], compliance=rated(hostile))
    report = report_on(serve, connect_to, [row])
    page = report.to_html(tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "\u202e" not in page
    assert report["alerts"]["severity"].tolist() == [hostile]


def test_an_answer_for_another_address_is_no_answer(serve: Serve, connect_to: Connect) -> None:
    other = {"address": B, "risk": "LOW", "provider_details": {"risk": "Low"}}
    answers = {f"/compliance/address-risk/{A}": other}
    report = report_on(serve, connect_to, [transaction(1, senders=[A, ".."])], answers, addresses=True)
    assert report["counterparties"]["risk"].isna().all()
    assert report["counterparties"]["checked"].str.contains("no answer").all()
    assert any("Without the risk of addresses" in note for note in report.notes)


def test_a_number_of_addresses_that_is_none_is_refused(session: lk.Session) -> None:
    with pytest.raises(lk.InvalidRequest, match="addresses"):
        lk.reports.compliance(session, "2026-01-01", addresses=-1)


SOL = [{"code": "lamport", "magnitude": 0}, {"code": "SOL", "magnitude": 9}]
MINTS = {"USDC": (6, "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"), "BONK": (5, "DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjn")}


def solana(serve: Serve, connect_to: Connect, rows: list[dict[str, Any]], **told: Any) -> Any:
    tokens = {
        f"/currencies/solana/tokens/{mint}": {
            "name": code,
            "contract_address": mint,
            "parent_currency": "solana",
            "units": [{"code": code, "magnitude": places}],
        }
        for code, (places, mint) in MINTS.items()
    }
    accounts = {"/accounts": [account(1, type="Solana", currency="solana")], "/transactions": rows}
    answers = {"/accounts/1/currency": units(SOL), **tokens, **told}
    return lk.reports.compliance(connect_to(serve(workspace(accounts, answers))), *MAY, addresses=False)


def spl(number: int, amount: int, code: str | None, kind: str = "RECEIVE_SPL_TOKEN_CHECKED") -> dict[str, Any]:
    mint = None if code is None else MINTS[code][1]
    fields = {"tx_parameters": {"token_mint": mint}}
    both = {"senders": ["them"], "recipient": "them"}
    return transaction(
        number, type=kind, amount=str(amount), currency="solana", coin_fields=fields, compliance=rated("HIGH"), **both
    )


def test_tokens_of_solana_are_not_added_to_the_coin_nor_to_each_other(serve: Serve, connect_to: Connect) -> None:
    coin = transaction(1, amount=str(3 * 10**9), currency="solana", senders=["them"], compliance=rated("HIGH"))
    rows = [
        coin,
        spl(2, 5_000_001, "USDC"),
        spl(3, 2_000_000, "USDC"),
        spl(4, 10**27, "BONK"),
        spl(5, 7_000_000, "USDC", "SEND_SPL_TOKEN_CHECKED"),
    ]
    report = solana(serve, connect_to, rows)
    expected = {
        "SOL": (Decimal(3), Decimal(0)),
        "USDC": (Decimal("7.000001"), Decimal(7)),
        "BONK": (Decimal(10) ** 22, Decimal(0)),
    }
    for name in ("by_account", "counterparties"):
        found = report[name].set_index("ticker")
        assert {one: tuple(found.loc[one, ["amount_in", "amount_out"]]) for one in found.index} == expected
        assert found.loc["USDC", "contract_address"] == MINTS["USDC"][1]
        assert pd.isna(found.loc["SOL", "contract_address"])
    alerts = report["alerts"].set_index("transaction_id")
    assert alerts.loc[2, ["amount", "ticker", "direction"]].tolist() == [Decimal("5.000001"), "USDC", "in"]
    assert alerts.loc[5, ["amount", "ticker", "direction"]].tolist() == [Decimal(7), "USDC", "out"]


def test_tokens_that_are_not_named_are_never_added_up(serve: Serve, connect_to: Connect) -> None:
    report = solana(serve, connect_to, [spl(1, 5, None), spl(2, 7, None), transaction(3, currency="solana")])
    by_account = report["by_account"]
    assert sorted(by_account["amount_in_base"]) == [5, 7]
    assert by_account["amount_in"].isna().all()
    assert any("2 transactions with an amount whose unit is not known" in note for note in report.notes)


def test_sandbox_sums_are_those_of_each_token(session: lk.Session) -> None:
    report = lk.reports.compliance(session, "2025-07-01", addresses=False)
    rows = session.transactions.search(created_after="2025-07-01", status="CONFIRMED", currency="solana")
    mint = rows["coin_fields_tx_parameters_token_mint"]
    for token in mint.dropna().unique():
        sent = rows[(mint == token) & rows["type"].str.startswith("SEND_SPL_TOKEN")]
        found = report["counterparties"]
        assert sum(found.loc[found["contract_address"] == token, "amount_out_base"]) == sum(sent["amount"])


@pytest.mark.parametrize("status", [403, 420, 501])
def test_units_that_can_not_be_had_leave_base_units(serve: Serve, connect_to: Connect, status: int) -> None:
    refused = {"/accounts/1/currency": Reply({"message": "no"}, status=status)}
    report = report_on(serve, connect_to, [transaction(1, compliance=rated("HIGH"))], refused)
    (row,) = report["by_account"].to_dict("records")
    assert row["amount_in_base"] == 1000
    assert pd.isna(row["amount_in"])
    assert any("unit" in note for note in report.notes)


def test_users_that_can_not_be_listed_do_not_matter(serve: Serve, connect_to: Connect) -> None:
    refused = {"/users": Reply({"message": "no"}, status=403)}
    report = report_on(serve, connect_to, [transaction(1, created_by=4, compliance=rated("HIGH"))], refused)
    assert report["alerts"]["account_name"].tolist() == ["Account 1"]


@pytest.mark.parametrize("scored", [False, True])
def test_nothing_scored_and_nothing_asked_is_no_all_clear(serve: Serve, connect_to: Connect, scored: bool) -> None:
    rows = [transaction(1, compliance=rated("LOW") if scored else None)]
    report = report_on(serve, connect_to, rows)
    assert f"{int(scored)} of 1 transactions scored" in report.chart("alerts").words
    assert report.chart("alerts").words.startswith("No alert" if scored else "Nothing is known of risk")
    assert "sanctions asked for 0 of 1 counterparties" in report.chart("counterparties").words
    assert report["counterparties"]["verdict"].tolist() == ["not asked"]
    (month,) = report["coverage"].to_dict("records")
    assert month == {
        "month": "2026-05",
        "transactions": 1,
        "scored": int(scored),
        "pending": 0,
        "not_scored": 1 - scored,
        "alerts": 0,
    }


def test_the_chart_of_counterparties_tells_apart_what_is_known(serve: Serve, connect_to: Connect) -> None:
    addresses = [f"0x{number:040x}" for number in range(1, 5)]
    verdicts = (True, False, None)
    told: dict[str, Any] = {
        f"/compliance/sanctions/{one}": {"address": one, "has_sanctions": has, "provider_details": []}
        for one, has in zip(addresses, verdicts, strict=False)
    }
    rows = [
        transaction(number, senders=[one], compliance=rated("HIGH")) for number, one in enumerate(addresses, start=1)
    ]
    report = report_on(serve, connect_to, rows, told, addresses=3)
    expected = ["under sanctions", "no sanctions", "no answer", "not asked"]
    assert report["counterparties"].set_index("address")["verdict"].to_dict() == dict(
        zip(addresses, expected, strict=True)
    )
    words = report.chart("counterparties").words
    assert "sanctions asked for 3 of 4 counterparties, 1 without an answer" in words
    assert {one["kind"] for one in report.chart("counterparties").altair.to_dict()["datasets"].popitem()[1]} == set(
        expected
    )


def test_an_account_goes_by_id_or_name_and_one_that_is_not_there_is_an_error(
    serve: Serve, connect_to: Connect, session: lk.Session
) -> None:
    by_id = lk.reports.compliance(session, "2026-01-01", "2026-02-01", account=12, addresses=False)
    name: Any = session.accounts.search().set_index("id").loc[12, "name"]
    by_name = lk.reports.compliance(session, "2026-01-01", "2026-02-01", account=[name], addresses=False)
    assert by_id["scores"].equals(by_name["scores"])
    for nobody in (999999, "nobody"):
        with pytest.raises(lk.NotFound, match="account"):
            lk.reports.compliance(session, "2026-01-01", account=nobody, addresses=False)
    with pytest.raises(lk.InvalidRequest, match="empty"):
        lk.reports.compliance(session, "2026-01-01", account=[], addresses=False)


def test_money_that_comes_back_from_a_stake_comes_in(serve: Serve, connect_to: Connect) -> None:
    row = transaction(1, type="STAKE_WITHDRAW", senders=[A], recipient=B, compliance=rated("HIGH"))
    (alert,) = report_on(serve, connect_to, [row])["alerts"].to_dict("records")
    assert (alert["direction"], alert["counterparty"]) == ("in", A)
    row = transaction(1, type="BOND", compliance=rated("HIGH"))
    report = report_on(serve, connect_to, [row])
    assert report["alerts"]["direction"].tolist() == ["inside"]
    assert report["scores"]["other"].sum() == 1


def test_addresses_that_are_none_take_nothing_down(serve: Serve, connect_to: Connect) -> None:
    report = report_on(
        serve, connect_to, [transaction(1, senders=["<b>/..?#", "..", " ", "a" * 3000])], addresses=True
    )
    assert report["counterparties"]["verdict"].eq("no answer").all()
