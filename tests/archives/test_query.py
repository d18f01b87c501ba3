"""SQL over an archive: exact, of this folder alone, and never silent where a number is not what it seems."""

import _thread
import os
import socket
import sys
import threading
import warnings
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

import ledgerkit as lk
from archives.handmade import TABLES, day, node, put
from ledgerkit.archives import sql
from ledgerkit.frames import INTEGER, TEXT, Table

WEI = 10**27 + 1
MARCH = [
    node(1, "5", "2026-03-02T00:00:00Z", status="CONFIRMED"),
    node(2, "12", "2026-03-03T10:00:00.123456Z", status="CONFIRMED"),
    node(3, str(WEI), "2026-03-04T00:00:00Z", status="ABORTED"),
    node(4, None, "2026-03-05T00:00:00Z", status="SUBMITTED"),
]
APRIL = [node(5, "-7", "2026-04-02T00:00:00Z", status="CONFIRMED")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two workspaces, one of them with two months."""
    data = tmp_path / "data"
    put(data, MARCH, start=day(3), until=day(4))
    put(data, APRIL, start=day(4), until=day(5))
    put(data, MARCH[:1], workspace="beta / x%", start=day(3), until=day(4))
    return data


def test_a_sum_has_every_digit(folder: Path) -> None:
    asked = (
        "select workspace, sum(amount_decimal) as total, count(*) as rows from transactions group by all order by 1"
    )
    found = lk.query(asked, folder)
    assert found.to_dict("list") == {
        "workspace": ["acme", "beta / x%"],
        "total": [5 + 12 + WEI - 7, 5],
        "rows": [5, 1],
    }
    assert [type(one) for one in found["total"]] == [int, int]
    assert found.dtypes.astype(str).to_dict() == {"workspace": "str", "total": "object", "rows": "Int64"}


def test_columns_of_the_search_stand_between_the_workspace_and_the_month(folder: Path) -> None:
    found = lk.query("select * from transactions order by workspace, id", folder)
    searched = list(put_table())
    assert list(found.columns[:3]) == ["workspace", *searched[:2]]
    assert list(found.columns[-4:]) == ["further", "archived_at", "year", "month"]
    assert found["month"].tolist() == [3, 3, 3, 3, 4, 3]
    assert found["created_on"][1] == pd.Timestamp("2026-03-03T10:00:00.123456Z")
    assert found["amount"].tolist()[:2] == ["5", "12"]
    assert found["amount"].isna().tolist() == [False, False, False, True, False, False]


def put_table() -> dict[str, str]:
    return TABLES["transactions"].kinds


def test_no_rows_have_the_dtypes_of_many(folder: Path) -> None:
    asked = (
        "select *, amount_decimal * 0.01 as scaled, created_on - timestamptz '2026-01-01' as age from transactions"
    )
    some, none = lk.query(asked, folder), lk.query(f"{asked} where id < 0", folder)
    assert len(none) == 0
    assert none.dtypes.to_dict() == some.dtypes.to_dict()


def test_a_list_of_which_no_file_was_written_has_its_columns(folder: Path) -> None:
    (folder / "requests" / "workspace=acme").mkdir(parents=True)
    with pytest.warns(lk.IncompleteResult, match="requests of acme"):
        found = lk.query("select * from requests", folder)
    put(folder, [{"id": 1, "created_on": "2026-03-02T00:00:00Z"}], dataset="requests", start=day(3), until=day(4))
    assert len(found) == 0
    assert found.dtypes.to_dict() == lk.query("select * from requests", folder).dtypes.to_dict()


def test_a_list_without_dates_has_no_month(folder: Path) -> None:
    put(folder, [{"id": "f2a6", "amount": "1"}], dataset="pledges")
    found = lk.query("select * from pledges", folder)
    assert found["workspace"].tolist() == ["acme"]
    assert not {"year", "month"} & set(found.columns)


def test_show_tables_lists_what_there_is(folder: Path) -> None:
    put(folder, [], dataset="requests", start=day(3), until=day(4))
    assert lk.query("show tables", folder)["name"].tolist() == ["requests", "transactions"]


@pytest.mark.parametrize("name", ["[a]*?", "year=1999", "status=REFUSED", "it's", "ü \N{EURO SIGN}"])
def test_the_name_of_a_folder_above_changes_nothing(tmp_path: Path, name: str) -> None:
    data = tmp_path / name / "data"
    put(data, MARCH, start=day(3), until=day(4))
    found = lk.query("select id, status, year, workspace from transactions order by id", data)
    assert found["status"].tolist() == [one["status"] for one in MARCH]
    assert found["year"].unique().tolist() == [2026]


# Exact types


INTEGERS = [0, 1, -1, 255, -256, 2**63, -(2**64), 10**38 - 1, 2**127 - 1, -(2**127), 10**78, -(10**90)]


@pytest.mark.parametrize("number", INTEGERS)
def test_a_bignum_comes_with_every_digit(folder: Path, number: int) -> None:
    found = lk.query(f"select '{number}'::bignum as one, ['{number}'::bignum, null] as more", folder)
    assert found["one"].tolist() == [number]
    assert found["more"].tolist() == [[number, None]]


@pytest.mark.parametrize(
    ("sql", "value", "dtype"),
    [
        pytest.param("(-170141183460469231731687303715884105727)::hugeint", -(2**127) + 1, "object", id="hugeint"),
        # Without `arrow_lossless_conversion` this one is -1.
        pytest.param("340282366920938463463374607431768211455::uhugeint", 2**128 - 1, "object", id="uhugeint"),
        pytest.param("18446744073709551615::ubigint", 2**64 - 1, "object", id="ubigint"),
        pytest.param("9223372036854775807::bigint", 2**63 - 1, "Int64", id="bigint"),
        pytest.param("-7::tinyint", -7, "Int64", id="tinyint"),
        pytest.param("'-0.000000000000000001'::decimal(38,18)", Decimal("-1E-18"), "object", id="decimal"),
        pytest.param("true", True, "boolean", id="boolean"),
        pytest.param("'a'::enum('a')", "a", "str", id="enum"),
        pytest.param(
            "timestamp '2026-03-01 12:00'", pd.Timestamp("2026-03-01T12:00Z"), "datetime64[us, UTC]", id="t"
        ),
        pytest.param("interval '26 hours'", pd.Timedelta(hours=26), "timedelta64[us]", id="interval"),
        pytest.param("date '2026-03-01'", pd.Timestamp("2026-03-01").date(), "object", id="date"),
        pytest.param("{'a': 1::hugeint, 'b': [2::uhugeint]}", {"a": 1, "b": [2]}, "object", id="struct"),
        pytest.param("map {'a': 5::hugeint}", {"a": 5}, "object", id="map"),
    ],
)
def test_a_value_is_exact_and_none_of_it_has_the_same_dtype(folder: Path, sql: str, value: Any, dtype: str) -> None:
    for more in ("", " union all select null", " where false"):
        found = lk.query(f"select {sql} as one{more}", folder)["one"]
        assert str(found.dtype) == dtype
        assert found.dropna().tolist() == ([] if more.endswith("false") else [value])


@pytest.mark.parametrize("sql", ["'101'::bit", "interval 1 month", "'10:00:00+01'::timetz", "'infinity'::date"])
def test_what_no_frame_can_hold_is_refused_with_a_way_out(folder: Path, sql: str) -> None:
    with pytest.raises(lk.InvalidRequest, match=r"`odd`.*Cast it in the SQL"):
        lk.query(f"select {sql} as odd", folder)


def test_columns_of_one_name_are_told_apart(folder: Path) -> None:
    found = lk.query("select 1 as id, 2 as id, 3 as id_1, 4 as id", folder)
    assert found.to_dict("list") == {"id": [1], "id_2": [2], "id_1": [3], "id_3": [4]}


def test_an_overflow_is_an_error_that_names_the_way(folder: Path) -> None:
    put(
        folder,
        [node(9, "9" * 38, "2026-05-02T00:00:00Z"), node(10, "9" * 38, "2026-05-03T00:00:00Z")],
        start=day(5),
        until=day(6),
    )
    with pytest.raises(lk.InvalidRequest, match="Overflow") as raised:
        lk.query("select sum(amount_decimal) from transactions where month = 5", folder)
    assert "sum(amount::bignum)" in str(raised.value)
    exactly = lk.query("select sum(amount::bignum) as total from transactions where month = 5", folder)
    assert exactly["total"].tolist() == [2 * (10**38 - 1)]


# What is not exact is said


def warned(ask: Callable[[], object]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ask()
    assert {one.category for one in caught} <= {lk.InexactNumbers, lk.IncompleteResult}
    assert {Path(one.filename).name for one in caught} <= {"test_query.py"}  # at the line that asked
    return [str(one.message) for one in caught]


JOINED = "select count(*) from transactions a join transactions b"


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("select avg(amount_decimal) as mean from transactions", "floating point in mean"),
        ("select amount_decimal / 100 as share, id / 2 as half from transactions", "floating point in share, half"),
        ("select [amount::double] as some from transactions", "floating point in some"),
        ("select (amount_decimal / 100)::decimal(38, 2) from transactions", "floating point inside"),
        (
            "select (sum(x) * 1e0)::hugeint from (select amount_decimal as x from transactions)",
            "floating point inside",
        ),
        ("select max(amount) from transactions", "by the text of exact numbers"),
        ("select id from transactions order by amount desc limit 1", "by the text of exact numbers"),
        ("select max(x) from (select amount as x from transactions)", "by the text of exact numbers"),
        ("select id from transactions where fees > '10'", "by the text of exact numbers"),
        ("select arg_max(id, amount) from transactions", "by the text of exact numbers"),
        ("select median(amount_decimal) from transactions", "median between two integers"),
        ("select (amount_decimal * 0.01)::hugeint from transactions", "rounds it"),
        ("select (amount_decimal * 0.001)::decimal(38, 2) from transactions", "rounds it"),
        ("select max(struct_pack(a := amount)) from transactions", "by the text of exact numbers"),
        ("select list_sort(list(amount)) from transactions", "by the text of exact numbers"),
        ("select list_max(list(amount)) from transactions", "by the text of exact numbers"),
        ("select id from transactions where (amount, id) > ('5', 3)", "by the text of exact numbers"),
        ("select id, row_number() over (order by amount) from transactions", "by the text of exact numbers"),
        (f"{JOINED} on a.id = b.id and a.amount < b.amount", "by the text of exact numbers"),
        (f"{JOINED} on a.amount < b.amount", "by the text of exact numbers"),
        (f"{JOINED} on a.amount <= b.amount and a.amount >= b.fees", "by the text of exact numbers"),
        (f"{JOINED} on a.id = b.id and {{'x': a.amount}} < {{'x': b.amount}}", "by the text of exact numbers"),
        (f"{JOINED} on a.id = b.id and b.amount > '7'", "by the text of exact numbers"),
        (f"{JOINED.replace('join', 'left join')} on a.id = b.id and a.fees > b.fees", "by the text of exact numbers"),
        (f"{JOINED.replace('join', 'semi join')} on a.id = b.id and a.fees > b.fees", "by the text of exact numbers"),
        (f"{JOINED.replace('join', 'asof join')} on a.id = b.id and a.amount >= b.amount", "by the text of exact"),
        (f"{JOINED} on true where a.id = b.id and a.amount < b.amount", "by the text of exact numbers"),
    ],
)
def test_numbers_that_are_not_what_they_seem_are_told(folder: Path, sql: str, says: str) -> None:
    (said,) = warned(lambda: lk.query(sql, folder))
    assert says in said


@pytest.mark.parametrize(
    "sql",
    [
        "select * from transactions where created_on > now() - interval 30 day",
        "select date_trunc('month', created_on), sum(amount_decimal) from transactions group by all order by all",
        "select amount_decimal * 0.00000001 from transactions",
        "select max(amount::bignum), min(amount_decimal), max(status) from transactions",
        "select distinct amount from transactions where amount = '5' order by amount_decimal".replace(
            "distinct ", ""
        ),
        "select arg_max(amount, id) from transactions",
        "select id from transactions order by created_on desc limit 2",
        f"{JOINED} on a.amount = b.amount and a.id < b.id and a.amount is distinct from b.fees",
        f"{JOINED} on a.id = b.id and a.amount::bignum < b.amount::bignum",
        f"{JOINED.replace('join', 'asof join')} on a.amount = b.amount and a.amount_decimal >= b.amount_decimal",
        "describe transactions",
    ],
)
def test_what_is_exact_is_not_warned_about(folder: Path, sql: str) -> None:
    assert warned(lambda: lk.query(sql, folder)) == []


def test_a_sum_that_leaves_out_large_numbers_is_told_with_the_exact_way(folder: Path) -> None:
    put(folder, [node(9, str(10**40), "2026-05-02T00:00:00Z")], start=day(5), until=day(6))
    asked = "select sum(amount_decimal) as total from transactions"
    (said,) = warned(lambda: lk.query(asked, folder))
    assert "in 1 rows of transactions amount is no integer of up to 38 digits" in said
    assert "sum(amount::bignum)" in said
    exactly = lk.query("select sum(amount::bignum) as total from transactions", folder)
    assert exactly["total"].tolist() == [5 + 12 + WEI - 7 + 5 + 10**40]
    # Without the column there is nothing to tell.
    assert warned(lambda: lk.query("select count(*) from transactions", folder)) == []
    (said,) = warned(lambda: lk.query("select sum(columns('amount_dec.*')) from transactions", folder))
    assert "amount_decimal is null" in said


def test_a_cast_that_rounds_a_fraction_is_told_with_the_exact_way(folder: Path) -> None:
    put(
        folder,
        [node(9, "0.5", "2026-05-02T00:00:00Z"), node(10, "1.125", "2026-05-03T00:00:00Z")],
        start=day(5),
        until=day(6),
    )
    (said,) = warned(lambda: lk.query("select sum(amount::bignum) from transactions", folder))
    assert "in 2 rows of transactions amount has a fraction of up to 3 places, which a cast rounds" in said
    assert "sum(amount::decimal(38,3))" in said
    assert len(warned(lambda: lk.query("select sum(amount::decimal(38,2)) from transactions", folder))) == 1
    (said,) = warned(lambda: lk.query("select sum(amount_decimal) from transactions", folder))
    assert "amount_decimal is null" in said
    assert "sum(amount::decimal(38,3))" in said
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = lk.query("select sum(amount::decimal(38,3)) as total from transactions", folder)
    assert found["total"].tolist() == [Decimal(f"{5 + 12 + WEI - 7 + 5 + 1}.625")]


# What is told of a column goes by what the plan reads, and not by what the SQL is called


@pytest.fixture
def uneven(folder: Path) -> Path:
    """An amount that is too large for a decimal, and one with a fraction; the fees are whole."""
    put(
        folder,
        [
            node(9, str(10**40), "2026-05-02T00:00:00Z", fees="7"),
            node(10, "0.5", "2026-05-03T00:00:00Z", fees="8"),
        ],
        start=day(5),
        until=day(6),
    )
    return folder


@pytest.mark.parametrize(
    "sql",
    [
        "select sum(fees::bigint) from transactions",
        "select sum(fees_decimal) from transactions",
        "with t as (select * from transactions) select sum(fees_decimal) from t",
        "select sum(fees_decimal) as amount_decimal from transactions",
        "select count(*) from (select amount_decimal from transactions)",
    ],
)
def test_a_column_that_is_not_read_is_not_warned_about(uneven: Path, sql: str) -> None:
    assert warned(lambda: lk.query(sql, uneven)) == []


@pytest.mark.parametrize(
    "sql",
    [
        "with t as (select id, amount_decimal as x from transactions) select sum(x) from t",
        "with t(a, b) as materialized (select id, amount_decimal from transactions) select sum(b) from t",
        "select sum(columns('amount_d.*')) from transactions",
        "select (select sum(u.amount_decimal) from transactions u where u.id = t.id) from transactions t",
    ],
)
def test_a_column_under_another_name_is_warned_about(uneven: Path, sql: str) -> None:
    (said,) = warned(lambda: lk.query(sql, uneven))
    assert "there amount_decimal is null" in said


@pytest.mark.parametrize(
    ("sql", "rows", "kind"),
    [
        ("select sum(try_cast(amount as bigint)) from transactions", 2, "BIGINT"),
        ("select sum(try(amount::hugeint)) from transactions", 1, "HUGEINT"),
        ("select sum(try_cast(amount as decimal(38, 1))) from transactions", 1, "DECIMAL(38,1)"),
    ],
)
def test_a_cast_that_is_tried_and_fails_is_told(uneven: Path, sql: str, rows: int, kind: str) -> None:
    (said,) = warned(lambda: lk.query(sql, uneven))
    assert f"in {rows} rows of transactions amount is too large for {kind}" in said
    assert warned(lambda: lk.query(sql.replace("amount", "fees"), uneven)) == []


@pytest.mark.parametrize(
    "sql",
    [
        "select sum(fees_decimal) from transactions",
        "select sum(fees::bignum) from transactions",
        "select count(*) from transactions where fees_decimal > 5",
        "select id from transactions order by fees_decimal desc limit 1",
        "with t as (select id, fees_decimal as x from transactions) select sum(x) from t",
        "select sum(columns('fees_d.*')) from transactions",
        "select count(*) from transactions a join transactions b on a.fees_decimal = b.fees_decimal",
        "select count(*) from transactions group by fees_decimal",
    ],
)
def test_a_value_that_an_older_kit_kept_under_further_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, sql: str
) -> None:
    full = TABLES["transactions"]
    older = Table(full.name, {name: kind for name, kind in full.kinds.items() if name != "fees"})
    monkeypatch.setitem(TABLES, "transactions", older)
    put(folder, [node(9, "1", "2026-05-02T00:00:00Z", fees="70")], start=day(5), until=day(6))
    (said,) = warned(lambda: lk.query(sql, folder))
    assert "fees of acme from 2026-05-01 on. Archive again, and it is written anew" in said
    assert warned(lambda: lk.query(sql.replace("fees", "amount"), folder)) == []


@pytest.mark.parametrize("kind", [TEXT, INTEGER])
def test_a_number_that_was_none_to_an_older_kit_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    full = TABLES["transactions"]
    monkeypatch.setitem(TABLES, "transactions", Table(full.name, {**full.kinds, "fees": kind}))
    fees = 70 if kind == INTEGER else "70"
    put(folder, [node(9, "1", "2026-05-02T00:00:00Z", fees=fees)], start=day(5), until=day(6))
    (said,) = warned(lambda: lk.query("select sum(fees_decimal) from transactions", folder))
    assert "fees_decimal of acme from 2026-05-01 on" in said
    assert warned(lambda: lk.query("select sum(fees::bignum), sum(amount_decimal) from transactions", folder)) == []


def test_how_far_back_each_workspace_goes_is_told(folder: Path) -> None:
    put(folder, APRIL, workspace="late", start=day(4), until=day(5), since=day(4))
    found: list[pd.DataFrame] = []
    (said,) = warned(lambda: found.append(lk.query("select count(*) from transactions", folder)))
    assert "acme to the beginning; beta / x% to the beginning; late to 2026-04-01T00:00:00Z" in said
    assert found[0].attrs["since"] == {
        "transactions": {"acme": None, "beta / x%": None, "late": "2026-04-01T00:00:00Z"}
    }


def test_ids_are_compared_only_where_files_overlap(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[str] = []
    real = sql._run

    def run(connection: duckdb.DuckDBPyConnection, text: str) -> pa.Table:
        looked_at.append(text)
        return real(connection, text)

    monkeypatch.setattr(sql, "_run", run)
    lk.query("select count(*) from transactions", folder)
    assert not [one for one in looked_at if "having" in one]
    put(folder, [node(2, "12", "2026-05-02T00:00:00Z")], start=day(5), until=day(6))
    with pytest.warns(lk.InexactNumbers, match="2 of acme"):
        lk.query("select count(*) from transactions", folder)
    (compared,) = [one for one in looked_at if "having" in one]
    assert "month=03" in compared
    assert "month=05" in compared
    assert "month=04" not in compared
    assert "beta" not in compared


@pytest.mark.parametrize(
    ("spans", "files"),
    [
        pytest.param([(1, 4, "a"), (5, 9, "b")], [], id="apart"),
        pytest.param([(5, 9, "b"), (1, 5, "a")], ["a", "b"], id="one id in common"),
        pytest.param([(1, 90, "a"), (5, 9, "b"), (20, 30, "c"), (91, 92, "d")], ["a", "b", "c"], id="inside"),
        pytest.param([(None, None, "a")][:0], [], id="none"),
    ],
)
def test_spans_that_touch(spans: list[tuple[int, int, str]], files: list[str]) -> None:
    assert sorted(sql._touching(spans)) == files


def test_a_row_that_stands_in_two_files_is_told(folder: Path) -> None:
    put(folder, [node(2, "12", "2026-05-02T00:00:00Z")], start=day(5), until=day(6))
    (said,) = warned(lambda: lk.query("select count(*) from transactions", folder))
    assert "count twice" in said
    assert "2 of acme" in said
    # The same id in two workspaces is two rows.
    assert "1 of" not in said


def test_a_part_that_may_lack_rows_is_told(folder: Path) -> None:
    put(folder, APRIL, start=day(4), until=day(5), complete=False)
    (said,) = warned(lambda: lk.query("select count(*) from transactions", folder))
    assert "transactions of acme from 2026-04-01 on" in said


def test_what_a_run_that_was_stopped_did_not_read_is_told(folder: Path) -> None:
    put(folder, MARCH, workspace="new", start=day(3), until=day(4), ended=False)
    (said,) = warned(lambda: lk.query("select count(*) from transactions", folder))
    assert "transactions of new from the beginning to 2026-03-01T00:00:00Z" in said
    assert "of acme" not in said


def test_a_workspace_whose_first_run_never_ended_is_told(folder: Path) -> None:
    (folder / "transactions" / "workspace=new").mkdir()
    (said,) = warned(lambda: lk.query("select count(*) from transactions", folder))
    assert "transactions of new from the beginning to the end" in said


# One folder, and nothing else


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('{outside}')",
        "select * from read_text('{outside}')",
        "select * from '{outside}'",
        "select * from glob('{outside}')",
        "select * from 'http://127.0.0.1:9/rows.parquet'",
        "select * from read_parquet('s3://bucket/rows.parquet')",
        "select * from sqlite_scan('{outside}', 'rows')",
        "select * from secret_frame",
    ],
)
def test_a_query_reads_nothing_but_the_archive(folder: Path, sql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    outside = folder.parent / "outside.csv"
    outside.write_text("a\n1\n")
    secret_frame = pd.DataFrame(
        {"a": [1]}
    )  # DuckDB takes variables of the caller for tables, unless it is told not to
    assert len(secret_frame) == 1
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("something was asked for"))
    with pytest.raises(lk.InvalidRequest, match="could not be run"):
        lk.query(sql.format(outside=outside), folder)


@pytest.mark.parametrize(
    "sql",
    [
        "copy (select 1) to '{folder}/transactions/out.parquet'",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "attach '{folder}/x.db'",
        "create table t as select 1",
        "select 1; select 2",
        "export database '{folder}/x'",
        "pragma database_list",
        "call pragma_version()",
    ],
)
def test_anything_but_one_select_is_refused(folder: Path, sql: str) -> None:
    before = sorted(os.walk(folder))
    with pytest.raises(lk.InvalidRequest, match="one SELECT"):
        lk.query(sql.format(folder=folder), folder)
    assert sorted(os.walk(folder)) == before


def test_nothing_is_left_behind(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    lk.query(
        "select * from transactions a, transactions b order by random()".replace("order by random()", ""), folder
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "temporary"]
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("select * from transaction", "The archive has transactions"),
        ("select nosuch from transactions", "nosuch"),
        ("selec 1", "can't be read"),
        ("select sum(amount) from transactions", "sum\\(VARCHAR\\)"),
        ("select sum(fees) from transactions", "As numbers there are fees_decimal"),
        ("select id from transactions where amount = 1", "As numbers there are amount_decimal"),
        ("select * from requests", r"session\.requests\.archive\('.*data'\) adds requests"),
        ("select ? from transactions", "could not be run"),
    ],
)
def test_an_error_says_what_there_is(folder: Path, sql: str, says: str) -> None:
    with pytest.raises(lk.InvalidRequest, match=says):
        lk.query(sql, folder)


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_folder_without_an_archive_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(lk.InvalidRequest, match="no archive"):
        lk.query("select 1", tmp_path / name)


def test_an_interrupt_stops_a_long_query(folder: Path) -> None:
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        lk.query("select count(*) from range(1000000) a(x), range(1000000) b(y) where (x * y) % 7 = 3", folder)
    timer.join()
    assert lk.query("select count(*) as rows from transactions", folder)["rows"].tolist() == [6]


@pytest.mark.parametrize("nothing", [7, "", " "])
def test_a_query_is_text(folder: Path, nothing: Any) -> None:
    with pytest.raises(lk.InvalidRequest, match="one SELECT, as text"):
        lk.query(nothing, folder)


@pytest.mark.parametrize("deeper", ["transactions", "transactions/workspace=acme"])
def test_a_folder_inside_of_an_archive_is_told_apart(folder: Path, deeper: str) -> None:
    inside = folder / deeper
    with pytest.raises(lk.InvalidRequest, match=f"inside of an archive: give '{folder}'"):
        lk.query("select 1", inside)
    with pytest.raises(lk.InvalidRequest, match=f"inside of an archive: give '{folder}'"):
        lk.read_archive(inside)


def test_without_the_packages_the_error_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The package by its own name: `lk.archive` is the function.
    monkeypatch.setattr(sys.modules["ledgerkit.archives"], "find_spec", lambda name: None)
    with pytest.raises(lk.ConfigurationError, match=r"ledgerkit-enterprise\[archive\]"):
        lk.query("select 1", folder)


def test_the_frame_says_where_it_came_from(folder: Path) -> None:
    found = lk.query("select count(*) as rows from transactions", folder)
    assert found.attrs == {
        "sql": "select count(*) as rows from transactions",
        "folder": str(folder),
        "datasets": {"transactions": 6},
        "since": {"transactions": {"acme": None, "beta / x%": None}},
    }


def test_duckdb_gives_what_it_is_relied_on_for() -> None:
    """The layout of a BIGNUM, and the JSON of a plan, are DuckDB's own: a version that changes them fails here."""
    with duckdb.connect(":memory:") as connection:
        connection.execute("set arrow_lossless_conversion = true")
        table = connection.sql("select '-256'::bignum as one").to_arrow_table()
    assert isinstance(table.schema.field("one").type, pa.OpaqueType)
    assert table["one"].to_pylist() == [bytes.fromhex("7ffffdfeff")]
