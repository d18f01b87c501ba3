"""Plans before they are sent: rows read exactly, all problems told, sums and what is shown."""

from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from paying import RECIPIENT, Service, one, payments

from ledgerkit.errors import (
    InvalidRequest,
)

# Rows


def test_a_csv_file_is_read_as_text_so_that_no_digit_is_lost(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "payments.csv"
    file.write_text(
        f'account,recipient,amount\n2,{RECIPIENT},"0.10000001 BTC"\n\n2,{RECIPIENT},3 satoshi\n', "utf-8-sig"
    )
    plan = service.plan(file, tmp_path / "plan.jsonl")
    assert plan.table()["amount"].tolist() == [10_000_001, 3]


@pytest.mark.parametrize("amount", [0.5, 1.0, float("inf")])
def test_a_float_is_refused_by_name_and_row(service: Service, path: Path, amount: float) -> None:
    frame = pd.concat([one(), one(amount=amount)], ignore_index=True)
    with pytest.raises(InvalidRequest, match=r"row 2: `amount` = .* is a float"):
        service.plan(frame, path)


def test_exact_values_of_a_frame_are_taken_as_they_are(service: Service, path: Path) -> None:
    frame = pd.concat([one(amount=Decimal("0.1")), one(amount=7), one(amount="2 satoshi", account="2")])
    plan = service.plan(frame, path)
    assert plan.table()["amount"].tolist() == [10_000_000, 7, 2]
    assert all(type(amount) is int for amount in plan.table()["amount"])


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (one(acount=3), "no column 'acount'. Did you mean 'account'"),
        (one(nonsense=3), "no column 'nonsense'. There are account, recipient"),
        (one().drop(columns="amount"), "column amount is missing"),
        (one(amount=None), "row 1 has no amount"),
        (one(recipient=""), "row 1 has no recipient"),
        (one(amount=True), "is a bool"),
        (one().head(0), "no rows"),
    ],
)
def test_what_is_wrong_with_a_frame_is_said(service: Service, path: Path, frame: pd.DataFrame, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        service.plan(frame, path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("account,recipient,amount\n2,tb1q,1,5 BTC\n", "row 1 of .* has 4 values"),
        ("account,account,recipient,amount\n2,2,tb1q,5\n", "'account' is there twice"),
        ("\ufeffaccount;recipient;amount\n2;tb1q;1 BTC\n", "parted by ';', and not by ','"),
        ("sep=;\naccount;recipient;amount\n2;tb1q;1 BTC\n", "parted by ';', and not by ','"),
        ('account,recipient,amount\n2,"tb1q,1 BTC\n', r"line 2 of .* can't be read"),
        ("account,recipient,amount,\n2,tb1q,1 BTC,x\n", "a column has values and no name"),
        ("account,recipient,amount\n,,\n", "no rows"),
        ("", "is empty"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(service: Service, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "payments.csv"
    file.write_text(text)
    with pytest.raises(InvalidRequest, match=said):
        service.plan(file, tmp_path / "plan.jsonl")


HEADER = "account,recipient,amount"
ROWS = (f"2,{RECIPIENT},0.1 BTC", f"2,{RECIPIENT},3 satoshi")


@pytest.mark.parametrize(
    "lines",
    [
        [HEADER, *ROWS, ",,", " , ,", ",,,,"],
        [f"{HEADER},,", *(f"{row},," for row in ROWS), ",,,,"],
        [f",{HEADER}", *(f"{at},{row}" for at, row in enumerate(ROWS)), "2,,,"],
        ["sep=,", HEADER, *ROWS],
    ],
    ids=["rows without a value", "columns without a name", "an index", "a line of Excel"],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_sheet_as_a_spreadsheet_or_pandas_saves_it_is_read(
    service: Service, tmp_path: Path, lines: list[str], line_end: str
) -> None:
    file = tmp_path / "payments.csv"
    file.write_bytes(line_end.join(["\ufeff" + lines[0], *lines[1:], ""]).encode())
    plan = service.plan(file, tmp_path / "plan.jsonl")
    assert plan.table()["amount"].tolist() == [10_000_000, 3]
    assert plan.problems == []


def test_what_is_said_of_a_file_with_semicolons_is_a_way_out(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "payments.csv"
    file.write_text("\n".join([HEADER, *ROWS, ",,", ""]).replace(",", ";"), "utf-8-sig")
    with pytest.raises(InvalidRequest, match=r"pd\.read_csv\(path, sep=';', dtype=str\)"):
        service.plan(file, tmp_path / "plan.jsonl")
    frame = pd.read_csv(file, sep=";", dtype=str)
    assert service.plan(frame, tmp_path / "plan.jsonl").table()["amount"].tolist() == [10_000_000, 3]


def test_a_file_in_another_encoding_is_named(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "payments.csv"
    file.write_bytes(f"{HEADER},note\n{ROWS[0]},Zoë\n".encode("cp1252"))
    with pytest.raises(InvalidRequest, match=r"payments\.csv is not in UTF-8: save it as “CSV UTF-8”") as refused:
        service.plan(file, tmp_path / "plan.jsonl")
    assert refused.value.details["field"] == "source"


def test_a_file_that_is_not_there_is_named(service: Service, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"none\.csv can't be read"):
        service.plan(tmp_path / "none.csv", tmp_path / "plan.jsonl")


# Checks


def test_all_problems_of_all_rows_are_told_and_nothing_is_sent(service: Service, path: Path) -> None:
    frame = pd.concat([one(amount="1 ETH"), one(), one(amount="0.123456789 BTC")], ignore_index=True)
    plan = service.plan(frame, path)
    assert [bool(problems) for problems in plan.table()["problems"]] == [True, False, True]
    with pytest.raises(InvalidRequest, match="nothing was sent: 2 of 3 rows have problems"):
        plan.run(plan.phrase)
    assert service.made == []
    assert not path.exists()


def test_what_is_said_of_problems_has_one_full_stop_after_each(service: Service, path: Path) -> None:
    plan = service.plan(pd.concat([one(amount="1 ETH"), one(amount="2 ETH")]), path)
    plan._rows[0].problems, plan._rows[1].problems = ["it is wrong."], ["so is this"]
    with pytest.raises(InvalidRequest) as raised:
        plan.run(plan.phrase)
    assert raised.value.message == (
        "nothing was sent: 2 of 2 rows have problems. row 1: it is wrong; row 2: so is this. plan.problems has them "
        "all."
    )


def test_the_same_payment_twice_must_be_meant(service: Service, path: Path) -> None:
    twice = pd.concat([one(), one(recipient=RECIPIENT.upper(), amount=50_000_000)], ignore_index=True)
    plan = service.plan(twice, path)
    assert plan.problems[0].startswith("row 2: it is the same as row 1")
    allowed = service.plan(twice, path, allow_duplicates=True)
    assert allowed.problems == []
    allowed.run(allowed.phrase)
    assert service.amounts() == [50_000_000, 50_000_000]


def test_the_balance_covers_all_rows_and_their_fees_together(service: Service, path: Path) -> None:
    service.available = 3 * 100 + 1 + 2 + 3  # fees of 100 each
    assert service.plan(payments(3), path).problems == []
    service.available -= 1
    plan = service.plan(payments(3), path)
    assert [problem[:6] for problem in plan.problems] == ["row 3:"]
    assert plan.balances().to_dict("records") == [
        {"account_id": 2, "needed": 306, "available": 305, "fees_not_known": 0}
    ]


def test_where_a_balance_is_not_told_each_row_says_so(service: Service, path: Path) -> None:
    service.available = pd.NA
    plan = service.plan(payments(2), path)
    assert plan.problems == []
    assert plan.table()["warnings"].tolist() == [["balance: what account 2 has available can't be told"]] * 2
    assert plan.balances().to_dict("records") == [
        {"account_id": 2, "needed": 203, "available": None, "fees_not_known": 0}
    ]


def test_an_account_that_can_not_be_seen_is_summed_in_base_units_alone(service: Service, path: Path) -> None:
    service.hidden = frozenset({2})
    plan = service.plan(payments(2), path)
    assert plan.totals()["base_units"].tolist() == [3, 200]
    assert plan.totals()["display"].tolist() == [None, None]
    assert plan.balances()["available"].tolist() == [None]


def test_totals_are_exact_in_base_units_and_display_units(service: Service, path: Path) -> None:
    frame = pd.concat([one(amount=2**60 + 1), one(amount=2**60)], ignore_index=True)
    service.available = 2**70
    totals = service.plan(frame, path).totals().set_index("of")
    assert totals["base_units"]["amount"] == 2**61 + 1
    assert totals["display"]["amount"] == Decimal(2**61 + 1).scaleb(-8)
    assert totals["base_units"]["fees, at most"] == 200
    assert set(totals["ticker"]) == {"BTC"}


def test_whole_addresses_and_the_phrase_are_shown_and_nothing_is_html_that_is_text(
    service: Service, path: Path
) -> None:
    plan = service.plan(one(amount="<b>1</b> BTC"), path)
    assert "<b>1" not in plan._repr_html_()
    shown = service.plan(payments(2), path)
    for text in (repr(shown), shown._repr_html_()):
        assert RECIPIENT in text
        assert "LOCAL" in text
    assert shown.phrase in repr(shown)


def test_of_a_long_plan_its_two_ends_and_what_is_wrong_are_shown(service: Service, path: Path) -> None:
    plan = service.plan(payments(500), path)
    plan._rows[299].warnings.append("look at it")
    marks = plan.table()["mark"].tolist()
    for shown in (repr(plan), plan._repr_html_()):
        assert len(shown) < 30_000
        assert "460 rows are between, 1 of them with warnings; plan.table() has all." in shown
        assert [mark in shown for mark in marks] == [True] * 20 + [False] * 460 + [True] * 20


def test_a_name_from_the_service_can_not_draw_a_line_of_its_own(service: Service, path: Path) -> None:
    plan = service.plan(payments(1), path)
    plan._rows[0].warnings.append("account \u202eX\nTo send 1 requests: $\\rlap{x}$")
    assert "\nTo send 1 requests: $" not in repr(plan)
    assert "\u202e" not in repr(plan) + plan._repr_html_()
    assert "mathjax_ignore" in plan._repr_html_()


def test_a_journal_in_no_folder_is_refused_before_anything_else(service: Service, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="no such folder"):
        service.plan(payments(1), tmp_path / "none" / "plan.jsonl")
