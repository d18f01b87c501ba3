"""Rows that nobody thought of: each value that is sent is found in its row, exact, or an error says which is not."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

import ledgerkit as lk
from hostile.samples import COIN, FEW, plain, read
from ledgerkit.frames import AMOUNT, DTYPES, FEES, FLAG, INTEGER, LIST, NUMBER, OBJECT, REFERENCE, TEXT, TIME
from ledgerkit.operations import tables
from ledgerkit.resources.transactions import TRANSACTION

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["NaN", "null", "None", "0x1", "1e5", "007", "+1", "-0", "=1+1", "a,b", 'a"b', "\r", "\n", "\0", "\u202e", "True"]
)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    [*COIN.fields, *COIN.columns, "block_hash_", "created_by_role", "", "a.b"]
)
NUMBERS = st.integers(-(10**80), 10**80) | st.decimals(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
MOMENTS = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30))  # noqa: DTZ001 - of no zone
GOOD: dict[str, st.SearchStrategy[Any]] = {
    INTEGER: st.integers(-(2**63), 2**63 - 1),
    REFERENCE: st.integers(0, 2**63 - 1) | st.fixed_dictionaries({"id": st.integers(0, 9), "role": TEXTS}),
    TEXT: TEXTS,
    TIME: st.tuples(MOMENTS, st.integers(-14, 14)).map(lambda one: f"{one[0].isoformat()}{one[1]:+03d}:00"),
    FLAG: st.booleans(),
    **dict.fromkeys(
        (AMOUNT, FEES), st.integers(-(10**78), 10**78).flatmap(lambda one: st.sampled_from([one, str(one)]))
    ),
    NUMBER: NUMBERS.flatmap(lambda one: st.sampled_from([one, str(one)])),
    LIST: st.lists(JSON, max_size=3),
    OBJECT: st.dictionaries(TEXTS, JSON, max_size=3),
}


def written(value: Any) -> str:
    """Write JSON with every digit of its Decimals."""
    if isinstance(value, Decimal):
        text = str(value)
        return text if any(sign in text for sign in ".E") else f"{text}.0"
    if isinstance(value, list):
        return f"[{','.join(map(written, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{written(one)}" for name, one in value.items()) + "}"
    return json.dumps(value)


def is_exactly(kind: str, sent: Any, found: Any) -> bool:
    """Say whether what is in a frame is what was sent, in the way that a column of this kind shows it."""
    if sent is None or (sent == "" and kind in (INTEGER, REFERENCE, AMOUNT, FEES, NUMBER, TIME)):
        return found is None
    if found is None or isinstance(found, float):
        return False
    if kind in (INTEGER, REFERENCE, AMOUNT, FEES, NUMBER):
        return not isinstance(sent, bool) and Decimal(found if isinstance(found, Decimal) else int(found)) == Decimal(
            sent
        )
    if kind == TIME:
        moment = datetime.fromisoformat(sent)
        return bool(found.to_pydatetime() == moment.replace(tzinfo=moment.tzinfo or UTC))
    if kind == TEXT and not isinstance(sent, str):
        return str(sent) == found or Decimal(sent) == Decimal(found)
    return same(sent, found)


def same(sent: Any, found: Any) -> bool:
    """Compare by type too: 1, True and Decimal("1.0") are equal in Python."""
    if type(sent) is not type(found):
        return False
    if isinstance(sent, dict):
        return sent.keys() == found.keys() and all(same(one, found[name]) for name, one in sent.items())
    if isinstance(sent, list):
        return len(sent) == len(found) and all(map(same, sent, found))
    return bool(sent == found)


def is_found(df: pd.DataFrame, row: int, name: str, kind: str, value: Any) -> bool:
    """Say whether a value is in its row, under its name or under that with an underscore more."""
    columns = [name + "_" * more for more in range(6)]
    return any(column in df and is_exactly(kind, value, plain(df[column].iloc[row])) for column in columns)


def losses(df: pd.DataFrame, rows: list[dict[str, Any]], fields: Any = COIN.fields, prefix: str = "") -> list[Any]:
    """Return each value that was sent and is not found; an object whose fields are columns counts by its fields."""
    lost = []
    for row, node in enumerate(rows):
        for name, value in node.items():
            kind = fields.get(name, OBJECT) if name else OBJECT
            before: list[dict[str, Any]] = [{} for _ in rows[:row]]
            if isinstance(kind, dict) and value is None:
                continue  # all of its columns are missing
            if isinstance(kind, dict) and isinstance(value, dict):
                lost += losses(df, [*before, value], kind, f"{prefix}{name}_")
            elif kind == REFERENCE and isinstance(value, dict):
                if not is_exactly(INTEGER, value.get("id"), plain(df[prefix + name].iloc[row])):
                    lost.append((row, name, value))
                others = {inner: one for inner, one in value.items() if inner != "id"}
                lost += losses(df, [*before, others], {}, f"{prefix}{name}_")
            else:
                kind = kind.get("", OBJECT) if isinstance(kind, dict) else kind
                if not is_found(df, row, prefix + name, kind, value):
                    lost.append((row, prefix + name, value))
    return lost


def of(kind: Any) -> st.SearchStrategy[Any]:
    if isinstance(kind, str):
        return st.none() | GOOD[kind]
    inner = st.fixed_dictionaries({}, optional={name: of(one) for name, one in kind.items() if name})
    return st.none() | (inner | GOOD[kind[""]] if "" in kind else inner)


def unknown_or(rows: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    more = st.dictionaries(NAMES.filter(lambda name: name not in COIN.fields), JSON, max_size=3)
    return st.tuples(rows, more).map(lambda both: {**both[1], **both[0]})


ROWS = unknown_or(st.fixed_dictionaries({}, optional={name: of(kind) for name, kind in COIN.fields.items()}))
PAGES = st.lists(st.lists(ROWS, max_size=4), min_size=1, max_size=3)


@FEW
@given(pages=PAGES)
def test_every_value_that_fits_is_in_its_row_to_the_last_digit(pages: list[list[dict[str, Any]]]) -> None:
    df = read(*map(written, pages))
    rows = [row for page in pages for row in page]
    assert len(df) == len(rows)
    assert losses(df, rows) == []
    assert list(df.columns[: len(COIN.columns)]) == COIN.columns
    assert df.columns.is_unique
    for name, kind in COIN.kinds.items():
        assert str(df[name].dtype) == DTYPES[kind].partition(" of ")[0]


ANYTHING = st.lists(
    st.dictionaries(NAMES, JSON | st.sampled_from([1, "2026-01-01T00:00:00Z", "5"]), max_size=5), max_size=4
)


@FEW
@given(rows=ANYTHING)
def test_any_rows_are_read_with_nothing_lost_or_refused_by_an_error_of_the_kit(rows: list[dict[str, Any]]) -> None:
    try:
        df = read(written(rows))
    except lk.ContractViolation:
        return
    assert len(df) == len(rows)
    assert losses(df, rows) == []


@FEW
@given(pages=PAGES, data=st.data())
def test_where_pages_end_makes_no_difference(pages: list[list[dict[str, Any]]], data: st.DataObject) -> None:
    rows = [row for page in pages for row in page]
    cut = data.draw(st.integers(0, len(rows)))
    one, two = read(written(rows)), read(written(rows[:cut]), written(rows[cut:]))
    assert losses(two, rows) == losses(one, rows) == []
    assert sorted(one.columns) == sorted(two.columns)


# --- there and back -------------------------------------------------------------------------------------------------

IN_FILES = {
    **GOOD,
    TEXT: TEXTS.filter(bool),  # a file of CSV does not tell no text from none
    LIST: st.lists(TEXTS | st.integers(), max_size=3),
    OBJECT: st.dictionaries(TEXTS, TEXTS | st.integers(), max_size=3),
    REFERENCE: GOOD[INTEGER],
}
FLAT = {name: kind for name, kind in TRANSACTION.fields.items() if isinstance(kind, str)}
TRANSACTIONS = st.lists(
    st.fixed_dictionaries(
        {"id": GOOD[INTEGER]}, optional={name: IN_FILES[kind] for name, kind in FLAT.items() if name != "id"}
    ),
    min_size=1,
    max_size=4,
)


@FEW
@given(rows=TRANSACTIONS, options=st.sampled_from([{}, {"sep": ";"}, {"encoding": "utf-16"}]))
def test_any_transactions_come_back_from_a_file(rows: list[dict[str, Any]], options: dict[str, Any]) -> None:
    df = TRANSACTION.frame(TRANSACTION.leaves(json.loads(written(rows), parse_float=Decimal)))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "transactions.csv"
        df.to_csv(path, index=False, **options)
        back = lk.read_csv(path, **options)
    assert list(back.columns) == list(df.columns)
    assert back.dtypes.tolist() == df.dtypes.tolist()
    for name in df.columns:
        assert [plain(value) for value in back[name]] == [plain(value) for value in df[name]], name


def test_every_table_is_made_of_these_kinds() -> None:
    kinds = {kind for table in tables().values() for kind in table.kinds.values()}
    assert kinds == {*GOOD, "fees"}
