"""Frames to Arrow and back, with every digit: the schema is made from the declared table, whatever the rows.

An exact number is a text with all its digits, and beside it a decimal for sums in SQL, null where it does not fit.
"""

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ledgerkit.archives.parts import Part
from ledgerkit.errors import Unsupported
from ledgerkit.frames import EXACT, FLAG, INTEGER, LIST, OBJECT, REFERENCE, SERIES, TEXT, TIME, Table, exact

# The most digits of Arrow's 128-bit decimal, which every engine knows.
DIGITS: Final = 38
DECIMAL: Final = pa.decimal128(DIGITS, 0)
MOMENT: Final = pa.timestamp("us", tz="UTC")
# Beside each exact number.
SUFFIX: Final = "_decimal"
# Fields that the table does not know, as JSON, and when the row was last read.
FURTHER: Final = "further"
ARCHIVED_AT: Final = "archived_at"
# What a column is in the tables of the kit that wrote it, beside its type: a LIST is a text like any other in a file.
KIND: Final = b"kind"
# Names that a field which no table declares can't have in a frame that was read from an archive.
TAKEN: Final = frozenset({"workspace", ARCHIVED_AT})

TYPES: Final[dict[str, pa.DataType]] = {
    TEXT: pa.string(),
    TIME: MOMENT,
    FLAG: pa.bool_(),
    INTEGER: pa.int64(),
    REFERENCE: pa.int64(),
    LIST: pa.string(),
    OBJECT: pa.string(),
    **dict.fromkeys(EXACT, pa.string()),
}
# What pandas makes of each type: never floats where values are missing.
_PANDAS: Final = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}


def schema_of(table: Table) -> pa.Schema:
    """Return the columns of every file of a dataset, in order."""
    fields = []
    for name, kind in table.kinds.items():
        fields.append(pa.field(name, TYPES[kind], metadata={KIND: kind.encode()}))
        if kind in EXACT:
            fields.append(pa.field(name + SUFFIX, DECIMAL))
    return pa.schema([*fields, pa.field(FURTHER, pa.string()), pa.field(ARCHIVED_AT, MOMENT)])


def conformed(arrow: pa.Table, table: Table) -> pa.Table:
    """Return rows that another version of the kit may have written in the schema of today; no value is lost.

    What a column holds that this version does not know goes into ``further`` as the service sent it, and what
    ``further`` holds of a column that it knows is moved there.
    """
    wanted = schema_of(table)
    arrow = arrow.replace_schema_metadata(None)
    if arrow.schema == wanted:
        return arrow
    texts: list[dict[str, Any]] = [from_json(text) if text else {} for text in arrow[FURTHER].to_pylist()]
    for name in _unknown_columns(arrow.schema, table):
        for row, value in zip(texts, _as_sent(arrow[name], arrow.schema.field(name)), strict=True):
            if value is not None:
                row.setdefault(name, value)
    columns = dict(zip(arrow.column_names, arrow.columns, strict=True))
    columns[FURTHER] = pa.array([json_text(row) if row else None for row in texts], pa.string())
    known = {name: columns.get(name, pa.nulls(len(arrow), wanted.field(name).type)) for name in wanted.names}
    moment = pd.Timestamp(0, tz="UTC").as_unit("us")
    # Through a frame: what a new column has is taken out of `further`, and decimals are made of the digits.
    frame = to_frame(pa.table({name: known[name] for name in wanted.names}), table).drop(columns=ARCHIVED_AT)
    made = to_arrow(frame, table, moment)
    return made.set_column(made.column_names.index(ARCHIVED_AT), wanted.field(ARCHIVED_AT), arrow[ARCHIVED_AT])


def rewritable(arrow: pa.Table, table: Table) -> pa.Table:
    """Return the rows of a file that is to be written again, as :func:`conformed` does.

    Raises
    ------
    Unsupported
        A newer version of the kit wrote columns that this one does not know, and would take out of the file.
    """
    if unknown := _unknown_columns(arrow.schema, table):
        raise Unsupported(
            f"a newer version of ledgerkit wrote this archive: this one does not know the columns "
            f"{', '.join(unknown)}, and would write the file without them. Nothing of it was changed; update "
            "ledgerkit, and archive again."
        )
    return conformed(arrow, table)


def lacking(part: Part, table: Table) -> list[str]:
    """Return the columns that a file holds in ``further``: the kit did not know them when it wrote it.

    A run that writes the file again moves them to their columns.
    """
    return [name for name in part.further if name in table.kinds]


def _unknown_columns(found: pa.Schema, table: Table) -> list[str]:
    wanted = schema_of(table).names
    names = [name for name in found.names if name not in wanted]
    # The decimal beside a number says nothing more than its digits.
    return [name for name in names if not (name.endswith(SUFFIX) and name.removesuffix(SUFFIX) in found.names)]


def _as_sent(column: pa.ChunkedArray, of: pa.Field) -> list[Any]:
    """Return the values of a column as they are in the JSON of the service."""
    kind = (of.metadata or {}).get(KIND, b"").decode()
    values: list[Any] = column.to_pylist()
    if kind in (LIST, OBJECT):
        return [None if value is None else from_json(value) for value in values]
    if pa.types.is_timestamp(of.type):
        return [None if value is None else value.isoformat().replace("+00:00", "Z") for value in values]
    if pa.types.is_boolean(of.type) or pa.types.is_integer(of.type):
        return values
    return [None if value is None else str(value) for value in values]


def further_names(frame: pd.DataFrame, table: Table) -> list[str]:
    """Return the columns of a searched frame that its table does not declare, in order."""
    return [str(name) for name in frame.columns if name not in table.kinds]


def to_arrow(frame: pd.DataFrame, table: Table, archived_at: pd.Timestamp) -> pa.Table:
    """Return a searched frame in the schema of its dataset.

    Parameters
    ----------
    frame
        From ``search()``; columns that the table does not declare go into ``further``.
    table
        The table of the search.
    archived_at
        When it was read, by the server's clock.
    """
    columns: dict[str, pa.Array] = {}
    for name, kind in table.kinds.items():
        if kind in EXACT:
            values = frame[name].tolist()
            columns[name] = pa.array([_digits(value) for value in values], pa.string())
            columns[name + SUFFIX] = pa.array([_fitting(value) for value in values], DECIMAL)
        elif kind in (LIST, OBJECT):
            texts = [None if _is_missing(value) else json_text(value) for value in frame[name]]
            columns[name] = pa.array(texts, pa.string())
        else:
            column = pa.Array.from_pandas(frame[name])
            columns[name] = _chunk(column).cast(TYPES[kind])
    columns[FURTHER] = pa.array(_further(frame, further_names(frame, table)), pa.string())
    columns[ARCHIVED_AT] = pa.array([archived_at.to_pydatetime()] * len(frame), MOMENT)
    return pa.table(columns, schema=schema_of(table))


def to_frame(arrow: pa.Table, table: Table, further: Sequence[str] = ()) -> pd.DataFrame:
    """Return the frame that a search gave, and ``archived_at`` as its last column.

    Parameters
    ----------
    arrow
        From files of the dataset, of this version of the kit or another.
    table
        The table of the search as it is now: a field that it came to know since is taken out of ``further``.
    further
        The fields that no table declares, in the order in which the search gave them.
    """
    unknown = _unknown(arrow, further)
    series: dict[str, Any] = {}
    for name, kind in table.kinds.items():
        if name in arrow.column_names:
            series[name] = _series(arrow[name], kind)
            if name in unknown:  # some of the files are older than the column
                found = SERIES[kind](unknown.pop(name))
                series[name] = series[name].where(series[name].notna(), found)
        else:
            series[name] = SERIES[kind](unknown.pop(name, [None] * len(arrow)))
    for name, values in unknown.items():
        while name in series or name in TAKEN:
            name += "_"
        series[name] = SERIES[OBJECT](values)
    series[ARCHIVED_AT] = _series(arrow[ARCHIVED_AT], TIME)
    return pd.DataFrame(series)


def unfit(arrow: pa.Table, table: Table) -> dict[str, int]:
    """Return how many rows have a number that its decimal can't hold, by column; columns without any are left out."""
    found = {}
    for name, kind in table.kinds.items():
        if kind in EXACT and (rows := arrow[name + SUFFIX].null_count - arrow[name].null_count):
            found[name] = rows
    return found


def json_text(value: Any) -> str:
    """Write what the service sent as JSON with exact digits.

    As :func:`from_json` reads it: a Decimal is a number with a point or an exponent.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except TypeError:  # a Decimal somewhere inside
        text = _with_decimals(value)
    return text


def from_json(text: str) -> Any:
    """Read JSON with exact digits."""
    return json.loads(text, parse_float=Decimal)


def _with_decimals(value: Any) -> str:
    if isinstance(value, Decimal):
        text = str(value)
        return text if any(one in text for one in ".E") else f"{text}E+0"  # else it came back as an int
    if isinstance(value, dict):
        return "{" + ",".join(f"{json_text(str(name))}:{_with_decimals(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_with_decimals, value)) + "]"
    return json_text(value)


def _is_missing(value: Any) -> bool:
    # pandas writes a missing value as NaN where all others of a column are texts; no other float is in a frame.
    return value is pd.NA or value is None or isinstance(value, float)


def _digits(value: Any) -> str | None:
    if _is_missing(value):
        return None
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _fitting(value: Any) -> Decimal | None:
    return Decimal(value) if type(value) is int and -(10**DIGITS) < value < 10**DIGITS else None


def _further(frame: pd.DataFrame, names: Sequence[str]) -> Iterable[str | None]:
    if not names:
        return [None] * len(frame)
    rows = zip(*(frame[name] for name in names), strict=True)
    found = ({name: one for name, one in zip(names, row, strict=True) if not _is_missing(one)} for row in rows)
    return [json_text(row) if row else None for row in found]


def _unknown(arrow: pa.Table, further: Sequence[str]) -> dict[str, list[Any]]:
    """Return the fields that were in no table when they were written, each as a column."""
    columns: dict[str, list[Any]] = {name: [None] * len(arrow) for name in further}
    texts = arrow[FURTHER]
    if texts.null_count == len(texts):
        return columns
    for position, text in enumerate(texts.to_pylist()):
        for name, value in (from_json(text) if text is not None else {}).items():
            columns.setdefault(name, [None] * len(arrow))[position] = value
    return columns


def _series(column: pa.ChunkedArray, kind: str) -> "pd.Series[Any]":
    if kind in EXACT:
        texts = pc.unique(column).to_pylist()
        known = {text: exact(text) for text in texts}
        return pd.Series([known[text] for text in column.to_pylist()], dtype=object)
    if kind in (LIST, OBJECT):
        values = [pd.NA if text is None else from_json(text) for text in column.to_pylist()]
        return pd.Series(values, dtype=object)
    frame: pd.DataFrame = pa.table({"values": column}).to_pandas(types_mapper=_PANDAS.get)
    series = frame["values"]
    return series.astype("str") if kind == TEXT else series


def _chunk(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
