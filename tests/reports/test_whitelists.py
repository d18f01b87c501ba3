"""The report on whitelists: what is one address, what only looks so, and who is paid without being listed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from serving import Reply, Seen, Server

import ledgerkit as lk
from ledgerkit.addresses import ends, one_key
from ledgerkit.reports import Report
from reports.small_workspace import BTC, ETH, account, transaction, units, workspace

Connect = Callable[..., lk.Session]
Serve = Callable[..., Server]
EVM = "0xAbCdEf0123456789aBcDeF0123456789AbCdEf01"
OTHER = "0x1111111111111111111111111111111111111111"
# The same first and last four characters as EVM, and another address.
POISON = "0xabcd000000000000000000000000000000000f01".replace("0f01", "ef01")
BECH32 = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
BASE58 = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"
RECENT = (datetime.now(UTC) - timedelta(days=10)).isoformat()


def listed(address: str, name: str = "Payee", currency: str = "ethereum", **fields: Any) -> dict[str, Any]:
    return {"id": 1, "name": name, "currency": currency, "address": address, "destination_tags": None, **fields}


def whitelist(number: int, *addresses: Any, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"List {number}",
        "status": "ACTIVE",
        "created_on": "2020-01-01T00:00:00+00:00",
        "addresses": list(addresses),
        **fields,
    }


def sent(number: int, recipient: str | None, **fields: Any) -> dict[str, Any]:
    return {**transaction(number, type="SEND", recipient=recipient, created_on=RECENT, amount="5"), **fields}


def ruled(number: int, *lists: int | None, **fields: Any) -> dict[str, Any]:
    rule = {"id": 1, "type": "WHITELIST", "data": [{"whitelist": one} for one in lists]}
    rules = [{"id": 1, "index": 0, "name": "Rule 1", "rules": [rule]}]
    return account(number, governance_rules=rules, **fields)


@pytest.fixture
def report_on(serve: Serve, connect_to: Connect) -> Callable[..., Report]:
    def make(
        lists: list[Any],
        transactions: list[Any] | None = None,
        accounts: list[Any] | None = None,
        *,
        answers: dict[str, Any] | None = None,
        checked: int = 0,
        **asked: Any,
    ) -> Report:
        rows = {
            "/whitelists": lists,
            "/transactions": transactions or [],
            "/accounts": [account(1), account(2, currency="bitcoin")] if accounts is None else accounts,
        }
        told = {"/accounts/1/currency": units(ETH), "/accounts/2/currency": units(BTC), **(answers or {})}
        return lk.reports.whitelists(connect_to(serve(workspace(rows, told))), checked=checked, **asked)

    return make


def kinds(report: Report) -> set[str]:
    return set(report["findings"]["kind"])


def finding(report: Report, kind: str) -> Any:
    found = report["findings"][report["findings"]["kind"] == kind]
    assert len(found) == 1, found["sentence"].tolist()
    return found.iloc[0]


# Which addresses are one


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (EVM, EVM.lower(), True),
        (BECH32, BECH32.upper(), True),
        (BECH32, BECH32[:-1] + "Q", False),
        (BASE58, BASE58.lower(), False),
        (BASE58, BASE58, True),
    ],
)
def test_case_is_a_checksum_to_some_chains_and_a_letter_to_others(one: str, other: str, same: bool) -> None:
    assert (one_key(one) == one_key(other)) is same


def test_what_people_compare_is_what_follows_the_start_of_all_addresses() -> None:
    assert ends(EVM) == ends(POISON) == "abcd…ef01"
    assert ends(BECH32) == "ar0s…5mdq"
    assert ends("r123") is None


def test_two_lists_two_names_and_two_spellings_of_one_address(report_on: Callable[..., Report]) -> None:
    report = report_on([whitelist(1, listed(EVM, "Exchange")), whitelist(2, listed(EVM.lower(), "Kestrel"))])
    assert finding(report, "on several whitelists")["whitelists"] == "List 1, List 2"
    assert finding(report, "several names")["address_names"] == "Exchange, Kestrel"
    assert finding(report, "several spellings")["evidence"] == f"{EVM}, {EVM.lower()}"
    assert "look-alike" not in kinds(report)


def test_one_address_on_several_networks_is_no_duplicate(report_on: Callable[..., Report]) -> None:
    report = report_on([whitelist(1, listed(EVM), listed(EVM, currency="polygon"))])
    assert kinds(report) == {"mixed currencies", "unused", "used by no rule"}


def test_several_tags_of_one_address_are_several_payees(report_on: Callable[..., Report]) -> None:
    address = "rsrXArZ8Jpq1SvaZYp227KeU2L6dLA4v4g"
    two = [listed(address, f"Client {tag}", "ripple", destination_tags=[tag]) for tag in (1, 2)]
    assert not {"twice on one whitelist", "several names"} & kinds(report_on([whitelist(1, *two)]))
    twice = [listed(address, "Client", "ripple", destination_tags=[1]) for _ in range(2)]
    assert "twice on one whitelist" in kinds(report_on([whitelist(1, *twice)]))


def test_one_name_of_two_addresses(report_on: Callable[..., Report]) -> None:
    report = report_on([whitelist(1, listed(EVM, "Payroll"), listed(OTHER, "Payroll"))])
    assert "2 different ethereum addresses" in finding(report, "one name, several addresses")["sentence"]


@pytest.mark.parametrize("how", ["listed", "paid", "sender", "own"])
def test_an_address_that_looks_like_a_listed_one(report_on: Callable[..., Report], how: str) -> None:
    lists = [whitelist(1, listed(EVM), *([listed(POISON, "Payee 2")] if how == "listed" else []))]
    rows = {
        "listed": [],
        "paid": [sent(1, POISON)],
        "sender": [transaction(1, senders=[POISON], created_on=RECENT)],
        "own": [],
    }[how]
    accounts = [account(1, address=POISON if how == "own" else None, name="Cold")]
    found = finding(report_on(lists, rows, accounts), "look-alike")
    assert ("the own account Cold" in found["sentence"]) is (how == "own")
    assert found["severity"] == "high"
    assert "begin and end alike" in found["sentence"]
    assert EVM in found["address"]
    assert POISON.lower() in found["evidence"]


def test_an_own_address_that_is_listed_or_paid_is_no_look_alike_of_itself(report_on: Callable[..., Report]) -> None:
    own = [account(1, address=EVM), account(2, address=EVM.lower(), currency="polygon")]
    for one in ([listed(EVM)], [listed(OTHER)]):
        report = report_on([whitelist(1, *one)], [sent(1, EVM)], own)
        assert not {"look-alike", "near look-alike"} & kinds(report)


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ("0xdead" + "1" * 33 + "afe", "0xdeadbeef1" + "2" * 27 + "cafe", "near look-alike"),
        ("0xdea1" + "1" * 32 + "cafe", "0xdeadbeef1" + "2" * 27 + "cafe", "near look-alike"),
        ("0xdead" + "1" * 34 + "fe", "0xdeadbeef1" + "2" * 27 + "cafe", None),
        ("0xdea1" + "1" * 33 + "afe", "0xdeadbeef1" + "2" * 27 + "cafe", None),
    ],
)
def test_ends_that_are_nearly_alike_are_told_with_less_weight(
    report_on: Callable[..., Report], one: str, other: str, kind: str | None
) -> None:
    assert len(one) == len(other) == len(EVM)
    report = report_on([whitelist(1, listed(other))], [sent(1, one)])
    assert kinds(report) & {"look-alike", "near look-alike"} == ({kind} if kind else set())
    if kind:
        assert finding(report, kind)["severity"] == "medium"
    # What is compared at all is said.
    assert any("first 4 and last 4 characters" in note for note in report.notes)


def test_what_is_a_look_alike_is_not_told_again_as_nearly_one(report_on: Callable[..., Report]) -> None:
    assert "near look-alike" not in kinds(report_on([whitelist(1, listed(EVM), listed(POISON, "Payee 2"))]))


@pytest.mark.parametrize(
    "address", [EVM.replace("A", "\u0410", 1), EVM + "\u200b", " " + EVM, EVM + "\u00e9", EVM + "\n"]
)
def test_an_address_that_is_not_what_it_looks_like(report_on: Callable[..., Report], address: str) -> None:
    report = report_on([whitelist(1, listed(address), listed(OTHER, "Plain"))])
    found = finding(report, "misleading address")
    assert (found["severity"], found["address_names"]) == ("high", "Payee")
    assert found["evidence"].isprintable()
    assert "\\" in found["evidence"]
    assert report["addresses"]["findings"].str.contains("misleading address").tolist() == [True, False]


def test_the_chart_says_how_many_have_any_finding(report_on: Callable[..., Report]) -> None:
    lists = [whitelist(1, listed(EVM + "\u200b"), listed(OTHER, "One"), listed(OTHER, "Other"))]
    chart = report_on(lists, [sent(1, OTHER)]).chart()
    assert "1 of 3 whitelisted addresses are risky or not what they seem, and 2 have other findings" in chart.words
    fine = report_on([whitelist(1, listed(OTHER, "One"), listed(OTHER, "Other"))], [sent(1, OTHER)]).chart()
    assert "2 of 2 whitelisted addresses have findings, none of them known as a risk" in fine.words


def test_the_chart_says_what_it_does_not_know(report_on: Callable[..., Report]) -> None:
    refusal = Reply({"message": "no"}, status=403)
    chart = report_on([whitelist(1, listed(OTHER))], answers={"/transactions": refusal}).chart()
    picture = chart.svg()
    assert "nothing found, use not known" in picture
    assert "in use, nothing found: 1" not in picture
    assert "compliance answered about 0 of 1" in chart.words


@pytest.mark.parametrize("address", ["..", "a/b?c=d#e", EVM + "\n", EVM + "\u200b", "%2e%2e", " "])
def test_compliance_is_asked_about_any_text_that_is_listed(report_on: Callable[..., Report], address: str) -> None:
    report = report_on([whitelist(1, listed(address), listed(OTHER, "Plain"))], checked=10)
    assert report["addresses"]["address"].tolist() == [address, OTHER]
    assert (report["addresses"]["checked"] != "yes").all()
    assert all(text.isprintable() for text in [*report["findings"]["sentence"], *report["findings"]["evidence"]])


def test_addresses_that_differ_in_a_case_that_counts(report_on: Callable[..., Report]) -> None:
    swapped = BASE58.replace("Wet", "weT")
    report = report_on([whitelist(1, listed(BASE58, currency="bitcoin"), listed(swapped, "Other", "bitcoin"))])
    assert "differ only in case" in finding(report, "look-alike")["sentence"]


def test_names_that_mislead_are_spelled_out(report_on: Callable[..., Report]) -> None:
    report = report_on([whitelist(1, listed(EVM, "Pay\u200bee\n[approved]"), name="List\u202e 1")])
    misleading = report["findings"][report["findings"]["kind"] == "misleading name"]
    assert len(misleading) == 2
    assert all(sentence.isprintable() for sentence in report["findings"]["sentence"])


# What is used


def test_use_is_counted_by_address_and_currency(report_on: Callable[..., Report]) -> None:
    lists = [whitelist(1, listed(EVM, "Used"), listed(EVM, "On polygon", "polygon"), listed(OTHER, "Not used"))]
    rows = [
        sent(1, EVM.lower()),
        sent(2, EVM, status="SUBMITTED"),
        *(
            sent(number, OTHER, status=state)
            for number, state in enumerate(["REJECTED", "FAILED_TO_BROADCAST", "REPLACED", "DROPPED"], 3)
        ),
        transaction(9, recipient=OTHER, created_on=RECENT),
    ]
    report = report_on(lists, rows)
    used = report["addresses"].set_index("address_name")
    assert used["transactions"].to_dict() == {"Used": 2, "On polygon": 0, "Not used": 0}
    assert used.loc["Used", "last_used"] == pd.Timestamp(RECENT)
    unused = report["findings"][report["findings"]["kind"] == "unused"]
    assert unused["address_names"].tolist() == ["On polygon", "Not used"]
    assert (report["whitelists"].loc[0, "used"], report["whitelists"].loc[0, "unused"]) == (1, 2)


def test_a_young_list_is_not_blamed_for_a_year(report_on: Callable[..., Report]) -> None:
    report = report_on([whitelist(1, listed(EVM), created_on=RECENT)])
    assert "since the list was made on" in finding(report, "unused")["sentence"]


def test_who_is_paid_and_is_on_no_list(report_on: Callable[..., Report]) -> None:
    lists = [
        whitelist(1, listed(EVM)),
        whitelist(2, listed(OTHER), status="REVOKED", name="Old"),
        whitelist(3, listed("rPayee11111111111111111", currency="ripple", destination_tags=[7])),
    ]
    ripple = {"account_id": 3, "currency": "ripple"}
    rows = [
        sent(1, EVM),
        sent(2, OTHER, amount=str(10**27)),
        sent(3, OTHER, amount="1"),
        sent(4, OTHER, amount=None),
        sent(5, OTHER, type="EXECUTE_CONTRACT", amount="999"),
        sent(6, "rPayee11111111111111111", **ripple, coin_fields={"type": "Ripple", "destination_tag": 7}),
        sent(7, "rPayee11111111111111111", **ripple, coin_fields={"type": "Ripple", "destination_tag": 8}),
        sent(8, "rPayee11111111111111111", **ripple, coin_fields={"type": "Ripple"}),
        sent(9, None),
    ]
    report = report_on(lists, rows, [account(1), account(3, currency="ripple", name="XRP")])
    found = report["recipients"].set_index("why")
    old = found.loc["only on Old (REVOKED)"]
    assert old["transactions"] == 4
    assert old["amount_base"] == 10**27 + 1
    assert old["amount"] == Decimal("1000000000.000000000000000001")
    assert old["note"] == "1 are no SEND, and not in the sum; 1 show no amount, and are not in the sum"
    assert set(found.index) == {
        "only on Old (REVOKED)",
        "listed with other tags",
        "listed with tags, and this has none",
    }
    # Its unit could not be had: the base units are there.
    assert found.loc["listed with other tags", "amount_base"] == 5
    assert report["recipients"]["ticker"].isna().sum() == 2
    assert any("1 transactions of the type SEND show no recipient" in note for note in report.notes)


def test_what_comes_back_from_a_stake_is_not_paid_to_anybody(report_on: Callable[..., Report]) -> None:
    rows = [
        sent(number, OTHER, type=kind, senders=[POISON])
        for number, kind in enumerate(("STAKE_WITHDRAW", "STAKING_WITHDRAW"), 1)
    ]
    report = report_on([whitelist(1, listed(EVM), listed(OTHER, "Payee 2"))], rows)
    assert len(report["recipients"]) == 0
    assert report["addresses"]["transactions"].tolist() == [0, 0]
    assert "the sender of 2 transactions" in finding(report, "look-alike")["sentence"]


def test_where_users_can_not_be_listed_recipients_are_there_all_the_same(report_on: Callable[..., Report]) -> None:
    refusal = Reply({"message": "no"}, status=403)
    report = report_on([whitelist(1)], [sent(1, OTHER, created_by=7)], answers={"/users": refusal})
    assert report["recipients"][["account_name", "recipient"]].to_numpy().tolist() == [["Account 1", OTHER]]
    assert not any(note.startswith("Without transactions") for note in report.notes)


def test_own_accounts_among_recipients_are_named(report_on: Callable[..., Report]) -> None:
    accounts = [account(1), account(4, name="Cold", address=EVM)]
    report = report_on([whitelist(1)], [sent(1, EVM.lower())], accounts)
    assert report["recipients"]["own_account"].tolist() == ["Cold"]


# What rules make of lists


def test_lists_and_rules_that_do_not_fit(report_on: Callable[..., Report]) -> None:
    lists = [
        whitelist(1, listed(EVM)),
        whitelist(2, listed(OTHER), status="REVOKED"),
        whitelist(3, listed(BECH32, currency="bitcoin")),
        whitelist(4),
    ]
    report = report_on(lists, accounts=[ruled(1, 2, 3, 77), ruled(2, 1, status="REJECTED")])
    assert finding(report, "not in force")["whitelists"] == "List 2"
    assert (
        "List 3 holds no ethereum address, and rules of Account 1 use it"
        in finding(report, "nobody to pay")["sentence"]
    )
    assert "whitelist 77" in finding(report, "not seen")["sentence"]
    assert finding(report, "empty")["whitelists"] == "List 4"
    unused_lists = report["findings"][report["findings"]["kind"] == "used by no rule"]
    # The rules of a rejected account move nothing.
    assert unused_lists["whitelists"].tolist() == ["List 1", "List 4"]
    assert report["whitelists"]["accounts"].tolist() == [0, 1, 1, 0]


# Compliance


def test_risk_sanctions_and_ratings_that_nobody_documented(report_on: Callable[..., Report]) -> None:
    third = "0x2222222222222222222222222222222222222222"
    ratings = {EVM: ("HIGH", "Severe", True), OTHER: ("LOW", "Low", False), third: ("APOCALYPTIC", None, False)}
    answers: dict[str, Any] = {}
    for address, (risk, provider, sanctioned) in ratings.items():
        details: dict[str, Any] = {"risk": provider, "reason": "a reason", "exposures": []}
        answers[f"/compliance/address-risk/{address}"] = {
            "address": address,
            "risk": risk,
            "provider_details": details,
        }
        answers[f"/compliance/sanctions/{address}"] = {
            "address": address,
            "has_sanctions": sanctioned,
            "provider_details": [],
        }
    lists = [whitelist(1, *(listed(address, f"Payee {address[2]}") for address in ratings))]
    report = report_on(lists, answers=answers, checked=10)
    risky = report["findings"][report["findings"]["kind"] == "risky"]
    assert sorted(risky["address"]) == sorted([EVM, third])
    assert finding(report, "sanctioned")["severity"] == "critical"
    rows = report["addresses"].set_index("address")
    assert rows["sanctioned"].to_dict() == {EVM: True, OTHER: False, third: False}
    assert rows.loc[EVM, "gravest"] == "critical"
    assert rows["checked"].tolist() == ["yes"] * 3


def test_without_a_key_of_the_provider_there_is_a_note(report_on: Callable[..., Report]) -> None:
    def refused(seen: Seen) -> Any:
        return Reply({"message": "invalid secret"}, status=400)

    answers = {f"/compliance/{kind}/{EVM}": refused for kind in ("address-risk", "sanctions")}
    report = report_on([whitelist(1, listed(EVM))], answers=answers, checked=10)
    assert any(note.startswith("Without the risk of addresses") and "invalid secret" in note for note in report.notes)
    assert report["addresses"]["risk"].isna().all()
    assert "risky" not in kinds(report)


def test_what_compliance_refuses_in_part_is_told_of_the_table_that_it_is_in(report_on: Callable[..., Report]) -> None:
    answers = {
        f"/compliance/{kind}/{EVM}": {"address": EVM, "risk": "LOW", "has_sanctions": False, "provider_details": None}
        for kind in ("address-risk", "sanctions")
    }
    report = report_on([whitelist(1, listed(EVM), listed(OTHER, "Payee 2"))], answers=answers, checked=10)
    assert any("`checked` of addresses" in note for note in report.notes)
    assert not any("counterparties" in note for note in report.notes)


def test_only_so_many_addresses_are_asked_about_and_that_is_said(serve: Serve, connect_to: Connect) -> None:
    lists = [whitelist(1, listed(OTHER, "Not used"), listed(EVM, "Used"))]
    server = serve(workspace({"/whitelists": lists, "/transactions": [sent(1, EVM)], "/accounts": []}))
    report = lk.reports.whitelists(connect_to(server), checked=1)
    asked = {path for path in server.paths() if path.startswith("/compliance")}
    assert asked == {f"/compliance/address-risk/{EVM}", f"/compliance/sanctions/{EVM}"}
    assert any("asked about 1 of 2 addresses" in note for note in report.notes)


# What could not be had


@pytest.mark.parametrize("status", [403, 404, 501])
def test_without_transactions_nothing_is_called_unused(report_on: Callable[..., Report], status: int) -> None:
    refusal = Reply({"message": "no"}, status=status)
    report = report_on([whitelist(1, listed(EVM))], answers={"/transactions": refusal, "/accounts": refusal})
    assert report["addresses"]["transactions"].isna().all()
    assert report["whitelists"]["used"].isna().all()
    assert report["whitelists"]["accounts"].isna().all()
    assert kinds(report) == set()
    assert sum(note.startswith("Without") for note in report.notes) == 2


def test_addresses_of_an_odd_shape_are_counted(report_on: Callable[..., Report]) -> None:
    lists = [whitelist(1, None, {"name": "none"}, listed(""), listed(EVM)), whitelist(2, addresses=None)]
    report = report_on(lists, checked=9)
    assert report["addresses"]["address"].tolist() == [EVM]
    assert any("3 addresses of whitelists are empty, or of a shape" in note for note in report.notes)
    assert any("1 whitelists do not show their addresses" in note for note in report.notes)


def every_row(session: lk.Session, **query: str) -> list[dict[str, Any]]:
    """Read all pages of transactions: how many there are depends on the time of the day."""
    rows: list[dict[str, Any]] = []
    for number in range(1, 100):
        answer = session.raw("GET", "/transactions", params={**query, "page": str(number), "page_size": "100"})
        rows += [edge["node"] for edge in answer["edges"]]
        if not answer["page_info"]["has_next_page"]:
            return rows
    raise AssertionError("pages without an end")


def test_on_the_sandbox_every_address_is_a_row_and_use_is_that_of_the_raw_rows(
    session: lk.Session, report_on: Callable[..., Report], tmp_path: Path
) -> None:
    report = lk.reports.whitelists(session, checked=0)
    answer = session.raw("GET", "/whitelists", params={"page_size": "100"})
    entries = [(row["id"], one) for row in (edge["node"] for edge in answer["edges"]) for one in row["addresses"]]
    assert len(report["addresses"]) == len(entries)
    since = (session.server_time().normalize() - pd.DateOffset(months=12)).isoformat()
    rows = every_row(session, created_after=since, currency="tron")
    dead = ("REJECTED", "REPLACED", "DROPPED", "FAILED", "FAILED_TO_SIGN", "FAILED_TO_CRAFT", "FAILED_TO_BROADCAST")
    paid = [row["recipient"] for row in rows if row["type"] == "SEND" and row["status"] not in dead]
    tron = report["addresses"][report["addresses"]["currency"] == "tron"]
    assert tron["transactions"].tolist() == [paid.count(address) for address in tron["address"]]
    assert sum(tron["transactions"]) > 0
    assert "<svg" in report.chart().svg()
    assert report.to_excel(tmp_path / "whitelists.xlsx").exists()
    empty = report_on([])
    for name, frame in report.tables.items():
        assert len(empty[name]) == 0
        assert empty[name].dtypes.equals(frame.dtypes), name
    assert "<svg" in empty.chart().svg()


@pytest.mark.parametrize("asked", [{"months": 0}, {"months": True}, {"checked": -1}, {"checked": "all"}])
def test_bounds_that_are_none(session: lk.Session, asked: Any) -> None:
    with pytest.raises(lk.InvalidRequest, match=next(iter(asked))):
        lk.reports.whitelists(session, **asked)
