"""The result of a query, from Arrow to a DataFrame in which no digit changes."""

from collections.abc import Callable, Hashable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from ledgerkit.errors import InvalidRequest

# DuckDB's own types, as Arrow carries them with `arrow_lossless_conversion`. Without it a UHUGEINT above 2^127 comes
# as a negative decimal (seen with DuckDB 2.0.1).
_INTEGERS: Final = frozenset({"hugeint", "uhugeint", "bignum"})
# A BIGNUM starts with a bit for its sign and 23 bits that count its bytes; all bits are turned where it is negative.
_BIGNUM_HEAD: Final = 3
_TURN: Final = bytes(byte ^ 0xFF for byte in range(256))
# Text may come as one of several layouts.
_TEXTS: Final = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)


def frame_of(table: pa.Table) -> pd.DataFrame:
    """Return a result as a frame: the same columns and dtypes with no rows as with many.

    Parameters
    ----------
    table
        From DuckDB with ``arrow_lossless_conversion``.

    Returns
    -------
    DataFrame
        Integers up to 64 bits ``Int64``; larger ones, and decimals without places, object of exact ``int``; other
        decimals object of ``Decimal``; text ``str``; times ``datetime64[us, UTC]``; booleans ``boolean``; intervals
        ``timedelta64[us]``; floating point ``float64``; all else object.

    Raises
    ------
    InvalidRequest
        A column has a type that no frame can hold exactly.
    """
    series: dict[Hashable, pd.Series[Any]] = {}
    for name, field, column in zip(_names(table.column_names), table.schema, table.columns, strict=True):
        try:
            series[name] = _series(field.type, column)
        except (_NoFrame, OverflowError, pa.ArrowInvalid) as error:
            said = str(error) if isinstance(error, _NoFrame) else "holds a time that no frame can hold"
            raise InvalidRequest(
                f"the column `{name}` of the result {said}. Cast it in the SQL, such as {name}::varchar.", field=name
            ) from None
    return pd.DataFrame(series)


def inexact(table: pa.Table) -> list[str]:
    """Return the columns of a result that are, or hold, numbers in floating point."""
    names = zip(_names(table.column_names), table.schema, strict=True)
    return [name for name, field in names if _holds_floats(field.type)]


class _NoFrame(ValueError):
    """No frame can hold a column."""


def _names(names: Sequence[str]) -> list[str]:
    """Return the names of the columns, each once, as DuckDB itself tells those of a subquery apart: id, id_1."""
    found: dict[str, None] = {}
    for name in names:
        one, number = name, 0
        while one in found or (number and one in names):
            number += 1
            one = f"{name}_{number}"
        found[one] = None
    return list(found)


def _holds_floats(kind: pa.DataType) -> bool:
    inner = [kind.field(position).type for position in range(kind.num_fields)]
    return pa.types.is_floating(kind) or any(_holds_floats(one) for one in inner)


def _series(kind: pa.DataType, column: pa.ChunkedArray) -> "pd.Series[Any]":
    if pa.types.is_integer(kind) and not pa.types.is_uint64(kind):
        data = column.fill_null(0).to_numpy().astype(np.int64)
        return pd.Series(pd.arrays.IntegerArray(data, column.is_null().to_numpy()))
    if any(is_text(kind) for is_text in _TEXTS):
        return pd.Series(column.to_numpy(), dtype="str")
    if pa.types.is_timestamp(kind):
        # Without a zone it is in that of the connection, which is UTC.
        times = column.cast(pa.timestamp("us", tz=kind.tz)).to_numpy()
        return pd.Series(pd.DatetimeIndex(times.astype("datetime64[us]"), tz="UTC"))
    if pa.types.is_floating(kind):
        return pd.Series(column.to_numpy().astype(np.float64))
    exactly = _exact(kind)
    values = [pd.NA if value is None else exactly(value) for value in column.to_pylist()]
    if isinstance(kind, pa.Bool8Type) or pa.types.is_boolean(kind):
        return pd.Series(values, dtype="boolean")
    if pa.types.is_interval(kind):
        return pd.Series([pd.NaT if value is pd.NA else value for value in values], dtype="timedelta64[us]")
    if pa.types.is_dictionary(kind):
        return pd.Series(values, dtype="str")
    return pd.Series(values, dtype=object)


def _exact(kind: pa.DataType) -> Callable[[Any], Any]:
    """Return what makes an exact Python value of one that Arrow gives for a type, inside of lists and structs too."""
    if isinstance(kind, pa.OpaqueType):
        if kind.type_name not in _INTEGERS:
            raise _NoFrame(f"has the type {kind.type_name.upper()}, which no frame can hold")
        return _bignum if kind.type_name == "bignum" else _unsigned if kind.type_name == "uhugeint" else _signed
    if pa.types.is_decimal(kind):
        return int if kind.scale == 0 else _same
    if pa.types.is_interval(kind):
        return _interval
    if pa.types.is_map(kind):
        key, item = _exact(kind.key_type), _optional(kind.item_type)
        return lambda value: {key(one): item(other) for one, other in value}
    if pa.types.is_struct(kind):
        fields = {field.name: _optional(field.type) for field in kind}
        return lambda value: {name: fields[name](one) for name, one in value.items()}
    if pa.types.is_nested(kind) and not pa.types.is_union(kind):
        inner = _optional(kind.value_type)
        return lambda value: [inner(one) for one in value]
    return _same


def _optional(kind: pa.DataType) -> Callable[[Any], Any]:
    exactly = _exact(kind)
    return lambda value: None if value is None else exactly(value)


def _same(value: Any) -> Any:
    return value


def _signed(value: bytes) -> int:
    return int.from_bytes(value, "little", signed=True)


def _unsigned(value: bytes) -> int:
    return int.from_bytes(value, "little")


def _bignum(value: bytes) -> int:
    negative = value[0] < 0x80
    plain = value.translate(_TURN) if negative else value
    if int.from_bytes(plain[:_BIGNUM_HEAD], "big") & 0x7FFFFF != len(plain) - _BIGNUM_HEAD:
        raise _NoFrame("has a BIGNUM in a form that is not known here")  # better than a wrong number
    number = int.from_bytes(plain[_BIGNUM_HEAD:], "big")
    return -number if negative else number


def _interval(value: Any) -> timedelta:
    if value.months:
        raise _NoFrame("counts in months, which have no fixed length")
    return timedelta(days=value.days, microseconds=int(Decimal(value.nanoseconds) / 1000))
