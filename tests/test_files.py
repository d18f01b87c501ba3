"""``lk.read_csv``: what ``df.to_csv`` wrote comes back with every digit."""

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import ledgerkit as lk
from ledgerkit.operations import tables
from ledgerkit.resources.transactions import TRANSACTION

Read = Callable[..., pd.DataFrame]

NODES = [
    {
        "id": 1,
        "account_id": 2**53 + 1,
        "amount": 10**77,
        "fees": "0",
        "created_on": "2026-01-01T00:00:00.000001Z",
        "recipient": "0x1",
        "uid": "007",
        "tx_hash": "12e4",
        "senders": ["a", 'with "quotes", and commas'],
        "notes": [{"title": "line\nbreak", "content": None}],
        "block": {"height": 2**40, "details": {"a": [1]}},
        "coin_fields": {"tx_parameters": {"is_proxy": True}, "gas_limit": 2**70},
    },
    {"id": 2, "created_on": "2026-01-01T00:00:00Z", "uid": "NA", "tx_hash": "null", "currency": "+1"},
    {},
]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a frame or a text back from a file."""

    def there_and_back(content: pd.DataFrame | str, **options: Any) -> pd.DataFrame:
        path = tmp_path / "file.csv"
        if isinstance(content, str):
            path.write_text(content)
            return lk.read_csv(path, **options)
        content.to_csv(path, **{"index": False, **options})
        return lk.read_csv(path)

    return there_and_back


@pytest.fixture
def df() -> pd.DataFrame:
    return TRANSACTION.frame(TRANSACTION.leaves(NODES))


def test_a_frame_comes_back_as_it_was(read: Read, df: pd.DataFrame) -> None:
    assert_frame_equal(read(df), df)


@pytest.mark.parametrize("operation", tables())
def test_a_frame_without_rows_comes_back_with_its_columns_and_dtypes(read: Read, operation: str) -> None:
    table = tables()[operation]
    empty = table.frame(table.leaves([]))
    assert_frame_equal(read(empty), empty, check_index_type=False)


def test_the_index_comes_back_as_an_index(read: Read, df: pd.DataFrame) -> None:
    back = read(df.iloc[::-1], index=True)
    assert back.index.tolist() == [2, 1, 0]
    assert_frame_equal(back.sort_index(), df, check_index_type=False, check_names=False)


def test_an_index_of_texts_keeps_leading_zeros(read: Read) -> None:
    assert read(pd.DataFrame({"a": ["x", "y"]}, index=["007", "7"]), index=True).index.tolist() == ["007", "7"]


def test_part_of_a_frame_comes_back_with_its_dtypes(read: Read, df: pd.DataFrame) -> None:
    part = df[["id", "account_id", "type", "amount", "created_on"]]
    assert_frame_equal(read(part), part)


def test_amounts_in_display_units_come_back_as_exact_decimals(read: Read) -> None:
    shown = pd.DataFrame({"amount_display": [Decimal("1E-18"), pd.NA, Decimal("-0.100000000000000000000000000001")]})
    assert read(shown)["amount_display"].tolist() == shown["amount_display"].tolist()


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["18446744073709551617", "", "-5"], [18446744073709551617, pd.NA, -5]),
        (["0", "0.5", "1E-7"], [0, Decimal("0.5"), Decimal("1E-7")]),
    ],
)
def test_numbers_in_columns_that_no_table_has_are_exact(read: Read, texts: list[str], values: list[Any]) -> None:
    column = read("\n".join(["other,more", *(f"{text},x" for text in texts)]))["other"]
    assert column.tolist() == values
    assert column.dtype == object


@pytest.mark.parametrize(
    "text",
    ["+1", "007", "-007", "12e4", "1E5", "1_000", "1,000", "0x10", "nan", "inf", "NA", "None", " 5", "٥", "5."],
)
def test_what_only_looks_like_a_number_stays_text(read: Read, text: str) -> None:
    # 12e4 is a short hash: it became 120000.
    column = read(f'other,more\n"{text}",x\n5,x\n')["other"]
    assert column.tolist() == [text, "5"]
    assert str(column.dtype) == "str"


def test_a_column_of_gaps_alone_is_text(read: Read) -> None:
    column = read("other,more\n,x\n,x\n")["other"]
    assert column.isna().all()
    assert str(column.dtype) == "str"


def test_a_known_column_that_holds_something_else_stays_text(read: Read) -> None:
    column = read("id,amount,created_on\n1,many,soon\n2,5,2026-01-01\n")
    assert column["amount"].tolist() == ["many", "5"]
    assert column["created_on"].tolist() == ["soon", "2026-01-01"]
    assert column["id"].tolist() == [1, 2]


def test_a_list_that_python_can_not_read_back_is_kept_as_text(read: Read) -> None:
    df = pd.DataFrame({"notes": [[Decimal("1.5")], [1]]})
    assert read(df)["notes"].tolist() == ["[Decimal('1.5')]", [1]]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_line_ends_inside_of_texts_are_no_line_ends_of_the_file(read: Read, line_end: str) -> None:
    # The csv module does not quote a lone carriage return: `bc1x\r2,5` became a row of its own, with an amount of 5.
    texts = ["bc1x\r2,5", "a\r\nb", "a\nb", "\r", "x"]
    df = TRANSACTION.frame(TRANSACTION.leaves([{"id": 1, "recipient": text} for text in texts]))
    back = read(df[["recipient", "id"]], lineterminator=line_end)
    assert_frame_equal(back, df[["recipient", "id"]])


@pytest.mark.parametrize(
    "content",
    [
        "id,amount,recipient\n1,5,0xabc\r\n2,6,0xdef\r\n",
        "id,amount,recipient\n1,5,0xabc\n2,6,0xdef\r\n",
        "id,amount,recipient\n1,5,0xabc\r\n2,6,0xdef\r",
        "id,amount,recipient\n1,5,0xabc\r\r\n2,6,0xdef\n",
        "id,amount,recipient\r\n1,5,0xabc\n2,6,0xdef\n",
    ],
)
def test_lines_may_end_in_two_ways_and_no_carriage_return_stays(tmp_path: Path, content: str) -> None:
    # '0xabc\r' was no address, and amounts at the end of a row became texts.
    path = tmp_path / "file.csv"
    path.write_bytes(content.encode())
    assert lk.read_csv(path).to_dict("list") == {"id": [1, 2], "amount": [5, 6], "recipient": ["0xabc", "0xdef"]}
    path.write_bytes(b'name,amount\n"a\r\nb\r",5\r\n')
    assert lk.read_csv(path).to_dict("list") == {"name": ["a\r\nb\r"], "amount": [5]}


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_lines_may_end_as_on_any_system(tmp_path: Path, line_end: str) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(line_end.join(["id,name", "1,a", "2,b", ""]).encode())
    assert lk.read_csv(path).to_dict("list") == {"id": [1, 2], "name": ["a", "b"]}


@pytest.mark.parametrize(
    ("name", "options"), [("a.csv.gz", {}), ("a.csv", {"encoding": "utf-16"}), ("a.csv", {"sep": ";"})]
)
def test_so_it_is_whatever_the_file_is_written_in(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    df = pd.DataFrame({"name": ["a\rb", "c"], "type": ["d", "e\rf"]})
    df.to_csv(tmp_path / name, index=False, **options)
    assert_frame_equal(lk.read_csv(tmp_path / name, **options), df)


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"])
def test_a_file_without_anything_in_it_is_an_error_that_names_it(read: Read, content: str) -> None:
    with pytest.raises(lk.InvalidRequest, match=r"file\.csv has nothing in it"):
        read(content)


@pytest.mark.parametrize(
    "column",
    [
        *("created_by_name", "account_name", "error", "ticker", "fees_ticker", "display_note"),
        *("notes_title", "notes_content", "addresses_name", "addresses_address", "addresses_currency"),
    ],
)
def test_texts_that_the_kit_adds_stay_texts(read: Read, column: str) -> None:
    # A user called 1E+5 came back as the number 100000, and a note 2.0 as 2.
    df = pd.DataFrame({"account_id": pd.Series([1, 2, 3], dtype="Int64"), column: ["1E+5", "2.0", "34"]})
    assert_frame_equal(read(df), df)


def test_a_file_of_another_country_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes("name;amount\nZoë;5\n".encode("latin-1"))
    assert lk.read_csv(path, sep=";", encoding="latin-1").to_dict("list") == {"name": ["Zoë"], "amount": [5]}


def test_ids_of_a_few_columns_are_integers_again_and_those_of_pledges_texts(tmp_path: Path) -> None:
    # Pledges have an `id` of text and an `amount` as well: of these two columns alone, ids came back as text.
    path = tmp_path / "few.csv"
    pd.DataFrame({"id": [7, 8], "amount": [10**30, 1]}).to_csv(path, index=False)
    few = lk.read_csv(path)
    assert (few["id"].tolist(), str(few["id"].dtype), few["amount"].tolist()) == ([7, 8], "Int64", [10**30, 1])
    pd.DataFrame({"id": ["6f1c", "007"], "amount": [1, 2]}).to_csv(path, index=False)
    assert lk.read_csv(path)["id"].tolist() == ["6f1c", "007"]


@pytest.mark.parametrize(
    "option",
    [
        *(
            "dtype",
            "na_values",
            "keep_default_na",
            "chunksize",
            "converters",
            "engine",
            "header",
            "names",
            "skiprows",
        ),
        *("thousands", "decimal", "parse_dates", "true_values", "delimiter", "comment", "on_bad_lines"),
    ],
)
def test_options_that_would_change_values_or_do_nothing_are_refused(read: Read, option: str) -> None:
    # thousands="," was taken and did nothing: 1,000 stayed a text, and decimal="," left amounts a thousand times off.
    read("id\n1\n")
    with pytest.raises(lk.InvalidRequest, match=f"does not take `{option}`.*It takes sep, encoding"):
        read("id\n1\n", **{option: 1})


@pytest.mark.parametrize(
    ("content", "number", "values", "columns"),
    [
        ("id,amount\n1,5,\n2,6,\n", 1, 3, 2),  # id was 5 and 6, and no row had an amount
        ("id,amount\n1,5,7\n", 1, 3, 2),  # id was 5, amount 7
        ("ticker,price\nBTC,60,000\n", 1, 3, 2),  # the ticker was 60, the price 0
        ("id,amount,note\n1,5,000,\n2,6,000,\n", 1, 4, 3),
        ("id,amount,note\n1,5,x\n\n2,6\n", 2, 2, 3),
        ("name\na,b\n", 1, 2, 1),
        ("sep=,\nid,amount\n1,5,7\n", 1, 3, 2),
    ],
)
def test_a_row_longer_or_shorter_than_the_header_is_refused(
    read: Read, content: str, number: int, values: int, columns: int
) -> None:
    said = rf"row {number} of .*file\.csv has {values} values, and the header {columns} columns: a comma inside"
    with pytest.raises(lk.InvalidRequest, match=said):
        read(content)


def test_a_comma_at_the_end_of_every_line_is_a_column_without_a_name(read: Read) -> None:
    back = read("id,amount,\n1,5,\n2,6,\n")
    assert (back["id"].tolist(), back["amount"].tolist(), list(back.columns)) == (
        [1, 2],
        [5, 6],
        ["id", "amount", ""],
    )


@pytest.mark.parametrize("other", [";", "\t", "|"])
def test_a_file_that_something_else_parts_is_refused_with_the_way_out(read: Read, other: str) -> None:
    for rows in (["1", "5"], ["1", "5,0"]):
        content = f"{other.join(['id', 'amount'])}\n{other.join(rows)}\n"
        with pytest.raises(lk.InvalidRequest, match=r"looks parted by .*lk\.read_csv\(path, sep="):
            read(content)
    assert read(f"id{other}amount\n1{other}5\n", sep=other).to_dict("list") == {"id": [1], "amount": [5]}
    assert list(read(f"a{other}b\nx\n").columns) == [f"a{other}b"]
    assert list(read(f"a{other}b\nx{other}y\n", sep=",").columns) == [f"a{other}b"]


@pytest.mark.parametrize(
    ("content", "sep", "right"),
    [
        ("id,amount\n1,5\n", ";", ","),
        ("id,amount\n1,5\n", "\t", ","),
        ("id,amount\n", ";", ","),
        ("id;amount\n1;5\n", "|", ";"),
        ("id;amount\n1;5\n\n2;6\n", None, ";"),  # an empty line between them made it a file of one column
    ],
)
def test_a_file_that_is_read_with_a_wrong_sep_is_refused_with_the_way_out(
    read: Read, content: str, sep: str | None, right: str
) -> None:
    # sep=";" of a file with commas was one column, 'id,amount'.
    with pytest.raises(lk.InvalidRequest, match=re.escape(f"lk.read_csv(path, sep={right!r})")) as refused:
        read(content, sep=sep)
    assert refused.value.details["field"] == "sep"
    assert list(read(content, sep=right).columns) == ["id", "amount"]


def test_a_file_of_one_column_is_read_whatever_sep_is_given(read: Read) -> None:
    assert read("name\na,b\nc,d\n", sep=";").to_dict("list") == {"name": ["a,b", "c,d"]}
    assert read("name, first\na,b\nc\n", sep=";").to_dict("list") == {"name, first": ["a,b", "c"]}
    assert read('"id,amount"\n"1,5"\n').to_dict("list") == {"id,amount": ["1,5"]}


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("sep", [",", ";", "\t"])
def test_a_first_line_that_says_what_parts_values_is_no_header(tmp_path: Path, sep: str, line_end: str) -> None:
    path = tmp_path / "excel.csv"
    path.write_bytes(line_end.join([f"\ufeffsep={sep}", f"id{sep}amount", f"1{sep}5", ""]).encode())
    assert lk.read_csv(path, sep=sep).to_dict("list") == {"id": [1], "amount": [5]}
    with pytest.raises(lk.InvalidRequest, match=re.escape(f"says that {sep!r} parts its values")):
        lk.read_csv(path, sep="|")
    if sep != ",":
        with pytest.raises(lk.InvalidRequest, match="read it with lk"):
            lk.read_csv(path)


def test_a_column_that_is_called_so_is_a_column(read: Read) -> None:
    df = pd.DataFrame({"sep=,": ["a", "b"]})
    assert_frame_equal(read(df), df)


def test_the_line_of_an_error_counts_the_one_that_says_what_parts_values(read: Read) -> None:
    with pytest.raises(lk.InvalidRequest, match="line 3 of"):
        read('sep=,\nid,name\n1,"a"b\n')


@pytest.mark.parametrize("sep", ["", ";;", r";\s*", "\n", '"', 5])
def test_what_parts_values_is_one_character(read: Read, sep: Any) -> None:
    with pytest.raises(lk.InvalidRequest, match="is not one character"):
        read("id\n1\n", sep=sep)


@pytest.mark.parametrize(("encoding", "content"), [("utf-16", "name\nZoë\n"), ("cp1252", "name\nZoë\n")])
def test_a_file_in_another_encoding_is_refused_with_the_way_out(tmp_path: Path, encoding: str, content: str) -> None:
    path = tmp_path / "excel.csv"
    path.write_bytes(content.encode(encoding))
    with pytest.raises(lk.InvalidRequest, match=rf"excel\.csv is not written in utf-8.*encoding='{encoding}'"):
        lk.read_csv(path)
    assert lk.read_csv(path, encoding=encoding)["name"].tolist() == ["Zoë"]


def test_a_file_that_can_not_be_read_is_an_error_of_the_kit_that_names_it(tmp_path: Path) -> None:
    for name, content, said in (
        ("none.csv", None, "No such file"),
        ("broken.csv.gz", b"id\n1\n", "Not a gzipped file"),
        ("open.csv", b'id,name\n1,"a\n', "unexpected end of data"),
        ("after.csv", b'id,name\n1,"a"b\n', "expected after"),
    ):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(lk.InvalidRequest, match=rf"{name} can't be read: .*{said}"):
            lk.read_csv(tmp_path / name)
    with pytest.raises(lk.InvalidRequest, match="unknown encoding"):
        lk.read_csv(tmp_path / "open.csv", encoding="utf-99")


def test_a_file_as_excel_saves_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "excel.csv"
    path.write_bytes(b"\xef\xbb\xbfid,username,is_api\r\n1,a,FALSE\r\n2,b,TRUE\r\n")
    back = lk.read_csv(path)
    assert list(back.columns) == ["id", "username", "is_api"]
    assert str(back["is_api"].dtype) == "boolean"
    assert back["is_api"].tolist() == [False, True]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", ["a\rb", "\ra", "a\nb", "a\r\nb"])
def test_a_line_end_in_the_name_of_a_column_is_none_of_the_file(read: Read, line_end: str, name: str) -> None:
    df = pd.DataFrame({name: ["x", "y\rz"], "name": ["\r", "b"], "last": ["c", "d"]})
    assert_frame_equal(read(df, lineterminator=line_end), df)


def test_rows_of_one_column_without_a_value_are_rows(read: Read) -> None:
    df = pd.DataFrame({"name": pd.Series(["a", None, None, "b", None], dtype="str")})
    assert_frame_equal(read(df), df)
    assert read("name\na\n\nb\n\n\n")["name"].fillna("").tolist() == ["a", "", "b"]


def test_columns_of_one_name_and_of_a_name_that_pandas_gives_come_back(read: Read) -> None:
    for names in (["id", "name", "name"], ["Unnamed: 0", "id", "id"]):
        df = pd.DataFrame([[1, 2, 3]], columns=pd.Index(names))
        back = read(df)
        assert list(back.columns) == names
        assert back.index.tolist() == [0]
        assert [str(value) for value in back.iloc[0]] == ["1", "2", "3"]


def test_some_rows_and_columns_are_read_and_an_index(read: Read) -> None:
    content = "id,name,amount\n1,a,5\n2,b,6\n"
    assert read(content, usecols=["amount", "id"], nrows=1).to_dict("list") == {"id": [1], "amount": [5]}
    for index in ("id", 0):
        back = read(content, index_col=index)
        assert (back.index.tolist(), back.index.name, list(back.columns)) == ([1, 2], "id", ["name", "amount"])
    for options in (
        {"usecols": ["ids"]},
        {"index_col": "ids"},
        {"index_col": 3},
        {"index_col": False},
    ):
        with pytest.raises(lk.InvalidRequest, match=r"has no columns called .*it has 'id, name, amount'"):
            read(content, **options)
    assert list(read(content, usecols=["id", "id"]).columns) == ["id"]
    with pytest.raises(lk.InvalidRequest, match="has no columns called") as refused:
        read(content, index_col="ids")
    assert refused.value.details["field"] == "index_col"
    with pytest.raises(lk.InvalidRequest, match="has 2 columns called 'id'"):
        read("id,id\n1,2\n", usecols=["id"])
    for rows in (-1, 1.5, True):
        with pytest.raises(lk.InvalidRequest, match="is no number of rows"):
            read(content, nrows=rows)


@pytest.mark.parametrize(
    "usecols", ["id", "name", b"id", len, 5, True], ids=["id", "name", "bytes", "len", "5", "True"]
)
def test_columns_are_asked_for_by_a_list_of_names(read: Read, usecols: Any) -> None:
    # A function was a TypeError, and a name was taken letter by letter.
    with pytest.raises(lk.InvalidRequest, match=r"`usecols` = .* takes a list of names of columns") as refused:
        read("id,name,i,d\n1,a,2,3\n", usecols=usecols)
    assert refused.value.details["field"] == "usecols"
    for given in (("id",), {"id"}, pd.Index(["id"])):
        assert list(read("id,name\n1,a\n", usecols=given).columns) == ["id"]


def test_a_text_of_any_length_comes_back(read: Read) -> None:
    # The csv module ends at 131,072 characters of its own accord.
    df = pd.DataFrame({"name": ["x" * 200_000, "\ue000\r\ue001"]})
    assert read(df)["name"].tolist() == df["name"].tolist()
