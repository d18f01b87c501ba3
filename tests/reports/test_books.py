"""Books beside movements: each row of either once, and errors that a bookkeeper can act on."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import ledgerkit as lk
from ledgerkit.reports import Report, reconciliation
from ledgerkit.reports.bookfile import read_books, to_base
from reports.small_ledger import CONTRACT, ETH, MINT, SOL, USDC, Ledger, account, moved

MAY = ("2026-05-01", "2026-06-01")
HEADER = "account,date,amount,ticker,tx_hash,reference"
Compare = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def on(serve: Callable[..., Any], connect_to: Callable[..., lk.Session]) -> Callable[[Ledger], lk.Session]:
    return lambda ledger: connect_to(serve(ledger))


@pytest.fixture
def against(on: Callable[[Ledger], lk.Session], tmp_path: Path) -> Callable[..., Report]:
    """Compare lines of a CSV file with the transactions of two accounts."""

    def compare(transactions: list[dict[str, Any]], *lines: str, header: str = HEADER, **options: Any) -> Report:
        path = tmp_path / "books.csv"
        path.write_text("\n".join([header, *lines]) + "\n")
        ledger = Ledger([account(1, "One"), account(2, "Two")], transactions)
        return reconciliation(on(ledger), *MAY, books=path, **options)

    return compare


def told(report: Report) -> list[tuple[Any, ...]]:
    """What is said of each row: match, row of the books, transaction."""
    columns = report["books"][["match", "book_row", "transaction_id"]]
    return [tuple(None if pd.isna(one) else one for one in row) for row in columns.itertuples(index=False)]


RECEIVED = moved(1, "RECEIVE", 50_000_000, "2026-05-05T10:00:00Z")
SENT = moved(2, "SEND", 10_000_000, "2026-05-12T23:59:59Z", fees="700", notes=[{"title": "INV-1", "content": None}])
ONE, TWO = (f"{number:064x}" for number in (1, 2))


def test_books_that_are_right_match_row_by_row(against: Callable[..., Report]) -> None:
    report = against(
        [RECEIVED, SENT],
        f"One,2026-05-05,0.5,BTC,{ONE},",
        f"One,2026-05-12,-0.10,BTC,{TWO},",
        f"One,2026-05-12,-0.00000700,BTC,{TWO},",
    )
    assert told(report) == [("matched", 2, 1), ("matched", 3, 2), ("matched", 4, 2)]
    assert report["books"]["difference_base"].tolist() == [0, 0, 0]
    assert report["books"]["movement"].tolist() == ["amount", "amount", "fees"]
    counts = report["books_count"]
    assert counts[counts["rows"] > 0].values.tolist() == [["matched", 3, 3, 3]]


def test_an_amount_that_holds_its_fees_matches_both_movements(against: Callable[..., Report]) -> None:
    report = against([SENT], f"One,2026-05-12,-0.10000700,BTC,{TWO},")
    assert told(report) == [("matched", 2, 2)]
    assert report["books"][["movement", "movements"]].values.tolist() == [["amount and fees", 2]]


def test_what_differs_and_what_is_on_one_side_alone_is_told_apart(against: Callable[..., Report]) -> None:
    report = against(
        [RECEIVED, SENT, moved(3, "RECEIVE", 5, "2026-05-20T00:00:00Z")],
        f"One,2026-05-06,0.5,BTC,{ONE},",  # a day late
        f"One,2026-05-12,-0.1001,BTC,{TWO},",  # other amount; its fees are in no books
        "One,2026-05-21,3,BTC,,INV-9",  # nothing like it on chain
    )
    assert told(report) == [
        ("differs in amount", 3, 2),
        ("differs in date", 2, 1),
        ("only in the books", 4, None),
        ("only on chain", None, 2),
        ("only on chain", None, 3),
    ]
    assert str(report["books"]["difference"].iloc[0]) == "0.00010000"


def test_a_row_that_is_there_twice_is_a_duplicate_unless_the_chain_has_two(against: Callable[..., Report]) -> None:
    line = f"One,2026-05-12,-0.10,BTC,{TWO},"
    report = against([SENT], line, line, f"One,2026-05-12,-0.000007,BTC,{TWO},")
    assert told(report) == [("matched", 2, 2), ("matched", 4, 2), ("duplicate in the books", 3, None)]
    assert report["books"]["reason"].iloc[2] == "as row 2"
    again = moved(3, "RECEIVE", 50_000_000, "2026-05-05T10:00:00Z", tx_hash=ONE)
    twice = against([RECEIVED, again], *[f"One,2026-05-05,0.5,BTC,{ONE},"] * 2)
    assert [row[0] for row in told(twice)] == ["matched", "matched"]


def test_a_duplicate_never_takes_the_fees_for_its_movement(against: Callable[..., Report]) -> None:
    line = f"One,2026-05-12,-0.10,BTC,{TWO},"
    assert told(against([SENT], line, line)) == [
        ("matched", 2, 2),
        ("only on chain", None, 2),
        ("duplicate in the books", 3, None),
    ]


def test_without_a_hash_references_and_then_amounts_and_dates_decide(against: Callable[..., Report]) -> None:
    others = [moved(day, "RECEIVE", 7, f"2026-05-{day}T00:00:00Z") for day in (20, 22, 28)]
    report = against(
        [RECEIVED, SENT, *others],
        "One,2026-05-12,-0.1,BTC,,INV-1",  # the title of a note
        "One,2026-05-05,0.4,BTC,,1",  # the id of a transaction, and another amount
        "One,2026-05-23,0.00000007,BTC,,",  # a day after one, three after another: the nearer
        "One,2026-05-01,0.00000007,BTC,,",  # too far from all
    )
    assert told(report) == [
        ("matched", 2, 2),
        ("differs in amount", 3, 1),
        ("differs in date", 4, 22),
        ("only in the books", 5, None),
        ("only on chain", None, 2),
        ("only on chain", None, 20),
        ("only on chain", None, 28),
    ]
    found_by = report["books"]["found_by"].tolist()[:3]
    assert found_by == ["reference", "reference", "amount and date"]
    assert report["books"]["reason"].iloc[2] == "2 movements have this amount within 3 days"


def test_a_hash_that_is_on_no_chain_is_matched_with_nothing_else(against: Callable[..., Report]) -> None:
    report = against([RECEIVED], f"One,2026-05-05,0.5,BTC,{TWO},")
    assert [row[0] for row in told(report)] == ["only in the books", "only on chain"]


def test_hashes_are_one_whatever_their_case_and_prefix(against: Callable[..., Report]) -> None:
    one = moved(1, "RECEIVE", 5, "2026-05-05T10:00:00Z", tx_hash="0x" + "ab" * 32)
    assert [row[0] for row in told(against([one], f"One,2026-05-05,0.00000005,BTC,{'AB' * 32},"))] == ["matched"]


def test_the_same_hash_on_two_own_accounts_matches_each_with_its_own(against: Callable[..., Report]) -> None:
    arrived = moved(3, "RECEIVE", 10_000_000, "2026-05-12T23:59:59Z", account_id=2, tx_hash=TWO)
    report = against(
        [SENT, arrived],
        f"Two,2026-05-12,0.1,BTC,{TWO},",
        f"1,2026-05-12,-0.1,BTC,{TWO},",
        f"One,2026-05-12,-0.000007,BTC,{TWO},",
    )
    assert told(report) == [("matched", 2, 3), ("matched", 3, 2), ("matched", 4, 2)]


def test_rows_of_another_time_account_or_coin_are_listed_with_the_reason(against: Callable[..., Report]) -> None:
    june = moved(3, "RECEIVE", 5, "2026-06-01T00:30:00Z")
    report = against(
        [june],
        "One,2026-07-01,1,BTC,,",
        "Two,2026-05-05,1,BTC,,",
        "Nobody,2026-05-05,1,BTC,,",
        "One,2026-05-05,1,DOGE,,",
        f"One,2026-05-31,0.00000005,BTC,{june['tx_hash']},",
        account="One",
    )
    books = report["books"].sort_values("book_row")
    assert list(zip(books["match"], books["reason"], strict=True)) == [
        ("outside of the report", "the date lies outside of the period"),
        ("outside of the report", "the account was not chosen"),
        ("only in the books", "no account of this name or id can be seen"),
        ("only in the books", "the account has no 'DOGE', but BTC"),
        ("differs in date", "the movement lies outside of the period"),
    ]


@pytest.mark.parametrize(
    ("book_day", "block"), [("2026-05-31", "2026-06-01T00:00:00Z"), ("2026-05-01", "2026-04-30T23:59:59Z")]
)
@pytest.mark.parametrize(
    ("hash_and_reference", "found_by"),
    [(f"{7:064x},", "hash"), (",7", "reference"), (",INV-7", "reference"), (",", "amount and date")],
)
def test_a_row_whose_movement_lies_a_day_beyond_either_end_is_found_there(
    against: Callable[..., Report], book_day: str, block: str, hash_and_reference: str, found_by: str
) -> None:
    beyond = moved(7, "RECEIVE", 5, block, notes=[{"title": "INV-7", "content": None}])
    report = against([beyond], f"One,{book_day},0.00000005,BTC,{hash_and_reference}")
    assert told(report) == [("differs in date", 2, 7)]
    assert report["books"][["found_by", "reason", "movements"]].values.tolist() == [
        [found_by, "the movement lies outside of the period", 0]
    ]
    assert report["books_count"]["movements"].sum() == len(report["movements"]) == 0


def test_a_row_of_the_next_month_leaves_the_movement_of_this_month_to_itself(against: Callable[..., Report]) -> None:
    """Else what is missing in the books of this month would be hidden by those of the next."""
    ends = [moved(1, "RECEIVE", 5, "2026-05-31T10:00:00Z"), moved(2, "RECEIVE", 5, "2026-06-01T10:00:00Z")]
    report = against(ends, "One,2026-06-01,0.00000005,BTC,,")
    assert told(report) == [("only on chain", None, 1), ("outside of the report", 2, None)]
    assert report["books"]["reason"].iloc[1] == "the date and the movement lie outside of the period"
    both = against(ends, "One,2026-06-01,0.00000005,BTC,,", "One,2026-05-31,0.00000005,BTC,,")
    assert told(both) == [("matched", 3, 1), ("outside of the report", 2, None)]


def test_of_two_movements_as_near_as_each_other_the_one_of_the_period_is_taken(
    against: Callable[..., Report],
) -> None:
    ends = [moved(1, "RECEIVE", 5, "2026-06-01T10:00:00Z"), moved(2, "RECEIVE", 5, "2026-05-30T10:00:00Z")]
    assert told(against(ends, "One,2026-05-31,0.00000005,BTC,,")) == [("differs in date", 2, 2)]


def test_a_title_that_comes_again_each_month_means_the_one_of_this_month(against: Callable[..., Report]) -> None:
    rent = {"notes": [{"title": "RENT", "content": None}], "fees": "0"}
    months = [moved(number, "SEND", 5, f"2026-0{number}-03T00:00:00Z", **rent) for number in (4, 5, 6)]
    report = against(months, "One,2026-05-03,-0.00000006,BTC,,RENT")
    assert told(report) == [("differs in amount", 2, 5)]


def test_two_accounts_of_one_name_are_not_told_apart_by_it(
    on: Callable[[Ledger], lk.Session], tmp_path: Path
) -> None:
    path = tmp_path / "books.csv"
    path.write_text(f"{HEADER}\nOne,2026-05-05,0.5,BTC,{ONE},\n1,2026-05-05,0.5,BTC,{ONE},\n")
    report = reconciliation(on(Ledger([account(1, "One"), account(2, "One")], [RECEIVED])), *MAY, books=path)
    assert told(report) == [("matched", 3, 1), ("only in the books", 2, None)]
    assert report["books"]["reason"].iloc[1] == "2 accounts have this name: give the id"


def test_tokens_are_compared_in_their_own_unit(on: Callable[[Ledger], lk.Session]) -> None:
    erc20 = {"account_id": 3, "currency": "ethereum", "fees": "9"}
    spl = {"account_id": 4, "currency": "solana", "coin_fields": {"tx_parameters": {"token_mint": MINT}}}
    ledger = Ledger(
        [
            account(2, "ETH", "ethereum", type="Ethereum"),
            account(3, "USDC", "ethereum", type="Erc20", contract_address=CONTRACT, parent=2),
            account(4, "SOL", "solana", type="Solana"),
        ],
        [
            moved(1, "SEND", 1_500_000, "2026-05-05T10:00:00Z", **erc20),
            moved(2, "RECEIVE_SPL_TOKEN_CHECKED", 2_500_000, "2026-05-06T10:00:00Z", **spl),
        ],
        units={
            2: {"amount_units": [ETH], "fees_units": [ETH]},
            3: {"amount_units": [USDC], "fees_units": [ETH]},
            4: {"amount_units": [SOL], "fees_units": [SOL]},
        },
    )
    books = pd.DataFrame(
        {
            "account": ["USDC", "ETH", "SOL"],
            "date": ["2026-05-05", "2026-05-05", "2026-05-06"],
            "amount": [Decimal("-1.5"), Decimal("-0.000000000000000009"), Decimal("2.5")],
            "currency": ["usdc", "ethereum", MINT],
        }
    )
    assert told(reconciliation(on(ledger), *MAY, books=books)) == [
        ("matched", 0, 1),
        ("matched", 1, 1),
        ("matched", 2, 2),
    ]


# Reading


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("account,date,amount\nOne,2026-05-05,0.5\n", "utf-8-sig"),
        ("Account ; Date;AMOUNT\nOne;2026-05-05;0.5\n\n", "utf-8"),
        ("sep=;\r\naccount;date;amount\r\nOne;2026-05-05;0.5\r\n", "utf-8-sig"),
        (",account,date,amount\n0,One,2026-05-05,0.5\n1,,,\n", "utf-8"),
        ("account,date,amount,,\nOne,2026-05-05,0.5,,\n,,,,\n", "utf-8"),
        ("account,date,amount\nOne,2026-05-05,0.5\r\n", "utf-8"),
        ("account\tdate\tamount\r\nOne\t2026-05-05 \t +0.50\r\n", "utf-8"),
        ('account,date,amount,memo\n"One",2026-05-05T00:00:00Z,0.5,"a, b\nc"\n', "utf-8"),
    ],
)
def test_files_as_spreadsheets_write_them_are_read_alike(tmp_path: Path, content: str, encoding: str) -> None:
    path = tmp_path / "books.csv"
    path.write_bytes(content.encode(encoding))
    [entry] = read_books(path)
    assert (entry.row, entry.account, entry.moment, entry.amount) == (
        2,
        "One",
        pd.Timestamp("2026-05-05", tz="UTC"),
        Decimal("0.5"),
    )


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ('"1,234.56"', "row 2, column amount: '1,234.56' has a comma"),
        ('"1234,56"', "has a comma: write 1234.56"),
        ("1e5", "is no amount"),
        ("0.5 BTC", "is no amount"),
        ("(5.00)", "is no amount"),
        ("١٢", "is no amount"),
        ("", "is no amount"),
        ("NaN", "is no amount"),
    ],
)
def test_an_amount_that_could_be_misread_is_refused_by_row_and_column(
    tmp_path: Path, amount: str, words: str
) -> None:
    path = tmp_path / "books.csv"
    path.write_text(f"account,date,amount\nOne,2026-05-05,{amount}\n")
    with pytest.raises(lk.InvalidRequest, match="column amount") as refused:
        read_books(path)
    assert words in str(refused.value)


@pytest.mark.parametrize("date", ["05/06/2026", "2026-13-01", "5 May 2026", "20260505", ""])
def test_a_date_that_could_be_two_is_refused(tmp_path: Path, date: str) -> None:
    path = tmp_path / "books.csv"
    path.write_text(f"account,date,amount\nOne,{date},1\n")
    with pytest.raises(lk.InvalidRequest, match="row 2, column date"):
        read_books(path)


def test_all_problems_are_told_at_once_up_to_ten(tmp_path: Path) -> None:
    path = tmp_path / "books.csv"
    path.write_text("account,date,amount\n" + ",2026-05-05,x\n" * 8)
    with pytest.raises(lk.InvalidRequest) as refused:
        read_books(path)
    assert "row 2, column account" in str(refused.value)
    assert "And 6 more" in str(refused.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("account,date\nOne,2026-05-05\n", "lacks the column amount"),
        ("account,date,amount,amount\nOne,2026-05-05,1,2\n", "has the column amount twice"),
        ("account,date,amount\nOne,2026-05-05,1,000.00\n", "row 2 of .* has 4 values, and the header 3"),
        ("\n\naccount,date,amount\n,,\nOne,2026-05-05,1,0\n", "row 5 of"),
        # The mark that is not closed took in the rows behind it.
        ('account,date,amount\n"One,2026-05-05,1\nTwo,2026-05-05,2\n', "can't be read: unexpected end of data"),
        ("account|date|amount\n", r"parted by '\|', and not by ',' or ';'"),
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "books.csv"
    path.write_text(content)
    with pytest.raises(lk.InvalidRequest, match=words):
        read_books(path)


def test_a_file_that_is_not_there_or_not_in_utf_8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(lk.InvalidRequest, match="can't be read"):
        read_books(tmp_path / "none.csv")
    path = tmp_path / "books.csv"
    path.write_bytes("account,date,amount\nTrésor,2026-05-05,1\n".encode("latin-1"))
    with pytest.raises(lk.InvalidRequest, match="not in UTF-8"):
        read_books(path)


def test_floats_of_a_frame_are_refused_since_they_lost_digits() -> None:
    with pytest.raises(lk.InvalidRequest, match=r"row 0, column amount.*no exact number"):
        read_books(pd.DataFrame({"account": ["One"], "date": ["2026-05-05"], "amount": [0.1]}))


def test_an_amount_finer_than_the_coin_is_refused(against: Callable[..., Report]) -> None:
    with pytest.raises(lk.InvalidRequest, match=r"row 2, column amount: '0\.000000001' has more than the 8 places"):
        against([], "One,2026-05-05,0.000000001,BTC,,")


@given(number=st.integers(-(10**60), 10**60), magnitude=st.integers(0, 24))
def test_amounts_go_to_base_units_exactly(number: int, magnitude: int) -> None:
    sign, whole = ("-" if number < 0 else ""), str(abs(number)).rjust(magnitude + 1, "0")
    text = f"{sign}{whole[:-magnitude]}.{whole[-magnitude:]}" if magnitude else f"{sign}{whole}"
    assert to_base(Decimal(text), magnitude) == number


lines = st.lists(
    st.tuples(
        st.sampled_from(["One", "Two", "Nobody"]),
        st.integers(1, 31),
        st.sampled_from(["0.5", "-0.1", "-0.000007", "-0.100007", "0.00000007", "0"]),
        st.sampled_from(["", ONE, TWO, "other"]),
        st.sampled_from(["", "INV-1", "1", "2"]),
    ),
    max_size=12,
)


@settings(max_examples=60)
@given(lines=lines)
@example(
    lines=[("One", 12, "-0.1", TWO, ""), ("One", 12, "-0.100007", TWO, "")]
)  # fees of May with an amount of April
def test_whatever_the_books_say_each_row_and_each_movement_is_there_once(
    lines: list[tuple[Any, ...]],
) -> None:
    from ledgerkit.amounts import Unit
    from ledgerkit.reports.bookfile import Entry
    from ledgerkit.reports.books import compare
    from ledgerkit.reports.movements import Scope

    class Units:
        def of(self, unit_of: Any) -> Unit:
            return Unit("BTC", 8)

    entries = [
        Entry(row, name, pd.Timestamp(f"2026-05-{day:02}", tz="UTC"), Decimal(amount), "BTC", tx or None, ref or None)
        for row, (name, day, amount, tx, ref) in enumerate(lines, start=2)
    ]
    scope = Scope({number: account(number, name) for number, name in ((1, "One"), (2, "Two"))}, None)
    moved_at: list[dict[str, Any]] = [
        {
            "account_id": owner,
            "account_name": "x",
            "contract_address": None,
            "unit_of": (False, owner),
            "ticker": "BTC",
            "magnitude": 8,
            "amount_base": amount,
            "amount": None,
            "movement": kind,
            "tx_hash": tx,
            "transaction_id": number,
            "titles": ["INV-1"] if number == 2 else [],
            "notes": None,
            "date": pd.Timestamp("2026-05-01", tz="UTC") + pd.Timedelta(days=day - 1),
        }
        for number, owner, amount, kind, tx, day in (
            (1, 1, 50_000_000, "amount", ONE, 5),
            (2, 1, -10_000_000, "amount", TWO, 12),
            (2, 1, -700, "fees", TWO, 12),
            (3, 2, 10_000_000, "amount", TWO, 12),
            (4, 1, 7, "amount", None, 20),
            (5, 1, 7, "amount", None, 21),
            (6, 1, 7, "amount", None, 32),
            (7, 1, -10_000_000, "amount", TWO, 0),
        )
    ]
    first, last = (pd.Timestamp(day, tz="UTC") for day in MAY)
    inside = [row for row in moved_at if first <= row["date"] < last]
    beyond = [row for row in moved_at if row not in inside]
    rows, counts = compare(scope, Units(), entries, inside, beyond, first, last, 3)  # type: ignore[arg-type]  # one unit for all
    assert sorted(row["book_row"] for row in rows if row["book_row"] is not None) == [one.row for one in entries]
    assert sum(row["movements"] for row in rows) == len(inside)
    # Nothing is gained or lost: what the rows name on the chain's side is what moved.
    counted = [row for row in rows if row["movements"]]
    assert sum(row["chain_amount_base"] for row in counted) == sum(row["amount_base"] for row in inside)
    assert sum(one["rows"] for one in counts) == len(rows)
