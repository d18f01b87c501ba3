"""Nodes to DataFrames: declared columns, exact values, nothing inferred and nothing dropped.

A :class:`Table` declares the columns of one kind of object. :meth:`Table.leaves` turns a page of nodes into
one list per column, so that the dicts of a page can be dropped at once; :meth:`Table.frame` makes the
DataFrame. The same table gives the same columns and dtypes for no rows and for a million.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from ledgerkit.errors import MOST_DIGITS, ContractViolation, shorten

# The kinds of a column. Docstrings show what they are in a frame (`DTYPES`).
TEXT: Final = "text"  # str
TIME: Final = "time"  # datetime64[us, UTC]
FLAG: Final = "flag"  # boolean
INTEGER: Final = "integer"  # Int64: ids, counts, positions
REFERENCE: Final = "reference"  # Int64: an id where the service sends the id or the whole object
NUMBER: Final = "number"  # object: Python int of any size, Decimal where there is a fraction
AMOUNT: Final = "amount"  # the same, counted in the base unit of the account (its amount_units)
FEES: Final = "fees"  # the same, counted in the base unit in which the account pays fees (its fees_units)
LIST: Final = "list"  # object: the list as it came; `explode` opens it
OBJECT: Final = "object"  # object: a free-form dict as it came

# What the columns of each kind are in a frame.
DTYPES: Final = {
    TEXT: "str",
    TIME: "datetime64[us, UTC]",
    FLAG: "boolean",
    INTEGER: "Int64",
    REFERENCE: "Int64",
    NUMBER: "object of exact int or Decimal",
    AMOUNT: "object of exact int, in base units of the account",
    FEES: "object of exact int, in base units of the account's fees",
    LIST: "object of list",
    OBJECT: "object of dict",
}
EXACT: Final = frozenset({NUMBER, AMOUNT, FEES})
# Inside nested fields: the column of the value itself, where one chain sends an object and another a scalar.
SELF: Final = ""
# What holds more says nothing that anybody documented, and does not survive what pandas, pickle and copy do with it:
# they call themselves once or more for each level, and Python ends that at a thousand.
MOST_LEVELS: Final = 100
# Each is a column of the frame, whose memory is their number times the number of rows.
MOST_UNKNOWN: Final = 1000
# The least that names a day: "2026" and "2026-01" would be read as the first of January.
SHORTEST_TIME: Final = len("20260101")
# From year 1 to 9999, in microseconds: outside of them Python has no date, and neither has a CSV file.
FIRST_TIME, LAST_TIME = (
    int(np.datetime64(text, "us").astype(np.int64)) for text in ("0001-01-01", "9999-12-31T23:59:59.999999")
)
# What the values of a column raise that do not fit it.
UNREADABLE: Final = (ValueError, TypeError, OverflowError, InvalidOperation)
# What pandas keeps texts in: Arrow where it is installed, as with the extra `archive`.
BY_ARROW: Final = pd.StringDtype(na_value=np.nan).storage == "pyarrow"
if BY_ARROW:
    import pyarrow

Fields = Mapping[str, "str | Fields"]


@dataclass(frozen=True)
class Leaves:
    """Rows as one list per column. A column that is absent is null in all of them, and costs nothing.

    Of the 72 columns of a transaction a page fills half, and which it fills depends on the chains in it.
    """

    length: int = 0
    # Fields that are not known by prefix and name: `block_hash` may be a field, and a field inside of `block`.
    columns: dict[Any, list[Any]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> list[Any]:
        return self.columns[name] if name in self.columns else [None] * self.length

    def take(self, positions: Sequence[int]) -> "Leaves":
        """Return the rows at these positions."""
        columns = {name: [values[position] for position in positions] for name, values in self.columns.items()}
        return Leaves(len(positions), columns)


def join(parts: Sequence[Leaves]) -> Leaves:
    """Put the rows of several pages behind one another."""
    _refuse_masses({name for part in parts for name in part.columns if not isinstance(name, str)})
    columns: dict[Any, list[Any]] = {}
    length = 0
    for part in parts:
        for name, values in part.columns.items():
            column = columns.setdefault(name, [])
            if len(column) < length:  # the pages before had none
                column += [None] * (length - len(column))
            column += values
        length += part.length
    for column in columns.values():
        column += [None] * (length - len(column))
    return Leaves(length, columns)


class Table:
    """The declared columns of one kind of object.

    Parameters
    ----------
    name
        The name that ``df.attrs["table"]`` carries.
    fields
        Field to kind, or to nested fields; nested names are joined by ``_``.
    normalise
        Applied to each node first, where the API has several shapes for one thing.
    """

    def __init__(
        self,
        name: str,
        fields: Fields,
        *,
        normalise: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    ) -> None:
        self.name = name
        self.fields = fields
        self.normalise = normalise
        self.kinds: dict[str, str] = dict(_flat(fields))

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in order."""
        return list(self.kinds)

    def leaves(self, nodes: Sequence[Any], call: str = "") -> Leaves:
        """Return the columns of nodes, unknown fields after the known ones."""
        for position, node in enumerate(nodes):
            if not isinstance(node, dict):
                raise _violation(self.name, call, f"object {position} is a {type(node).__name__}", node)
        if self.normalise:
            nodes = [self.normalise(node) for node in nodes]
        gathering = _Gathering(len(nodes), call)
        gathering.add(self.fields, nodes, range(len(nodes)), "")
        _refuse_masses(gathering.unknown, call)
        columns: dict[Any, list[Any]] = dict(gathering.columns)
        columns.update(gathering.unknown)
        for name, values in columns.items():
            if self.kinds.get(name, OBJECT) in (LIST, OBJECT) and _is_deep(values):
                raise _violation(_named(name), call, f"is nested more than {MOST_LEVELS} deep", values)
        return Leaves(len(nodes), columns)

    def frame(self, rows: Leaves, *, call: str = "", **attrs: Any) -> pd.DataFrame:
        """Return the DataFrame of rows from :meth:`leaves`.

        Raises
        ------
        ContractViolation
            A value does not fit its column; the error names the field.
        """
        columns = self._by_name(rows.columns)
        nulls = {kind: ARRAYS[kind]([None]).repeat(rows.length) for kind in set(self.kinds.values())}
        arrays = {
            name: self._array(name, columns[name], call) if name in columns else nulls[self.kinds[name]].copy()
            for name in [*self.kinds, *(name for name in columns if name not in self.kinds)]
        }
        # The arrays are nobody else's; copied, they would be held twice for a moment.
        series = {name: _column(array) for name, array in arrays.items()}
        frame = pd.DataFrame(series, index=pd.RangeIndex(rows.length), copy=False)
        frame.attrs.update(table=self.name, **attrs)
        return frame

    def _by_name(self, columns: Mapping[Any, list[Any]]) -> dict[str, list[Any]]:
        """Return the columns by their names in a frame, in which no two are the same, whichever page had which."""
        found = {name: values for name, values in columns.items() if isinstance(name, str)}
        unknown = {name: values for name, values in columns.items() if not isinstance(name, str)}
        for (prefix, name), values in unknown.items():
            column = prefix + name
            while column in self.kinds or column in found:
                column += "_"  # an unknown `block_hash` beside `block.hash`: kept under a name of its own
            found[column] = values
        return found

    def _array(self, name: str, values: Sequence[Any], call: str) -> Any:
        kind = self.kinds.get(name, OBJECT)  # what is not known is kept as it came
        try:
            return ARRAYS[kind](values)
        except UNREADABLE:
            # Slow path, only to say which value it is.
            for value in values:
                try:
                    ARRAYS[kind]([value])
                except UNREADABLE:
                    raise _violation(name, call, f"does not read as {kind}: {shorten(value)}", value) from None
            raise

    def extended(self, before: Fields | None = None, after: Fields | None = None) -> "Table":
        """Return a table with more columns in front or at the end."""
        fields: dict[str, str | Fields] = dict(before or {})
        fields |= self.fields
        fields |= after or {}
        return Table(self.name, fields, normalise=self.normalise)


class _Gathering:
    """The columns of some nodes, as far as they are gathered.

    Objects of one shape (the same fields in the same order) are read together: their values are transposed in one
    step of C, where looking up each field in each object takes most of the time of a read.
    """

    def __init__(self, length: int, call: str) -> None:
        self.columns: dict[str, list[Any]] = {}
        self.unknown: dict[tuple[str, str], list[Any]] = {}
        self._length = length
        self._call = call

    def add(self, fields: Fields, nodes: Sequence[dict[str, Any]], rows: Sequence[int], prefix: str) -> None:
        """Add objects; ``rows`` says which row each of them belongs to."""
        shapes: dict[tuple[str, ...], list[int]] = {}
        for position, node in enumerate(nodes):
            shapes.setdefault(tuple(node), []).append(position)
        for shape, members in shapes.items():
            alike, at = nodes, rows
            if len(shapes) > 1:
                alike, at = [nodes[position] for position in members], [rows[position] for position in members]
            for name, values in zip(shape, zip(*map(dict.values, alike), strict=True), strict=True):
                kind = fields.get(name) if name != SELF else None
                if kind is None:
                    self._place(self.unknown, (prefix, name), values, at)
                elif values.count(None) == len(values):
                    continue
                elif isinstance(kind, str):
                    column = prefix + name
                    self._place(
                        self.columns, column, self._ids(column, values, at) if kind is REFERENCE else values, at
                    )
                else:
                    self._open(kind, values, at, prefix + name)

    def _open(self, fields: Fields, values: Sequence[Any], rows: Sequence[int], name: str) -> None:
        """Add the objects inside of a field."""
        given = [(row, value) for row, value in zip(rows, values, strict=True) if value is not None]
        if SELF in fields:
            plain = [(row, value) for row, value in given if not isinstance(value, dict)]
            if plain:
                self._place(self.columns, name, [value for _, value in plain], [row for row, _ in plain])
            given = [(row, value) for row, value in given if isinstance(value, dict)]
        for _, value in given:
            if not isinstance(value, dict):
                raise _violation(name, self._call, f"is a {type(value).__name__} where an object belongs", value)
        if given:
            self.add(fields, [value for _, value in given], [row for row, _ in given], f"{name}_")

    def _ids(self, name: str, values: Sequence[Any], rows: Sequence[int]) -> Sequence[Any]:
        """Return the ids where the service sends whole objects, whose other fields are kept."""
        if dict not in set(map(type, values)):
            return values
        for row, value in zip(rows, values, strict=True):
            if isinstance(value, dict):
                for inner, content in value.items():
                    if inner != "id":
                        self._place(self.unknown, (f"{name}_", inner), [content], [row])
        return [value.get("id") if isinstance(value, dict) else value for value in values]

    def _place(self, columns: dict[Any, list[Any]], name: Any, values: Sequence[Any], rows: Sequence[int]) -> None:
        if len(rows) == self._length and name not in columns:
            columns[name] = list(values)
            return
        column = columns.setdefault(name, [None] * self._length)
        for row, value in zip(rows, values, strict=True):
            column[row] = value


def _named(name: str | tuple[str, str]) -> str:
    return name if isinstance(name, str) else "".join(name)


def _refuse_masses(unknown: Collection[tuple[str, str]], call: str = "") -> None:
    if len(unknown) > MOST_UNKNOWN:
        what = f"is one of {len(unknown):,} that nobody documented, where an object of the service has a few dozen"
        name = _named(min(unknown))
        raise _violation(name, call, what, name)


def _is_deep(values: Sequence[Any]) -> bool:
    """Say whether a value holds lists or objects inside of one another on too many levels."""
    level: list[Any] = [value for value in values if type(value) in (list, dict)]
    for _ in range(MOST_LEVELS):
        if not level:
            return False
        level = [
            inner
            for value in level
            for inner in (value if type(value) is list else value.values())
            if type(inner) in (list, dict)
        ]
    return bool(level)


def _flat(fields: Fields, prefix: str = "") -> Iterable[tuple[str, str]]:
    for name, kind in fields.items():
        if isinstance(kind, str):
            yield (prefix + name if name != SELF else prefix[:-1]), kind
        else:
            yield from _flat(kind, f"{prefix}{name}_")


def _violation(field: str, call: str, what: str, value: Any) -> ContractViolation:
    # A name of the service is shown as it is; anything else may be long, or of several lines.
    field = field if len(field) <= 80 and field.isprintable() else shorten(field)
    return ContractViolation(
        f"the service answered something that can't be read without guessing: `{field}` {what}. "
        "The raw answer is there with session.raw(...).",
        call=call or None,
        field=field,
        body=shorten(value, 500),
    )


def exact(value: Any) -> Any:
    """Return a number exactly: int where it is whole, Decimal where it has a fraction, ``pd.NA`` for none.

    Raises
    ------
    ValueError
        The value is no number, or has more than a thousand digits.
    """
    if value is None or value is pd.NA or value == "":
        return pd.NA
    if type(value) is int:
        if value.bit_length() > 4 * MOST_DIGITS:
            raise ValueError("too many digits")
        return value
    if isinstance(value, str):
        # isdecimal() also takes digits of other scripts, and int() reads them: neither is a number of this API
        if len(value) <= MOST_DIGITS and value.isascii() and value.isdecimal():
            return int(value)
        if not value.isascii() or "_" in value or value != value.strip():
            raise ValueError("not a plain number")
        value = Decimal(value)
    elif not isinstance(value, Decimal):
        raise TypeError(type(value).__name__)
    if not value.is_finite() or abs(value.adjusted()) > MOST_DIGITS or len(value.as_tuple().digits) > MOST_DIGITS:
        raise ValueError("not a finite number of reasonable size")
    whole = int(value)
    return whole if whole == value else value


def _exacts(values: Sequence[Any]) -> Any:
    if _is_digits(values):  # as nearly always, and then five times as fast
        return _object_array([int(value) if value else pd.NA for value in values])
    return _object_array([exact(value) for value in values])


def _is_digits(values: Sequence[Any]) -> bool:
    """Say whether all values are texts of plain digits, or missing."""
    if not set(map(type, values)) <= {str, type(None)}:
        return False
    texts = [value for value in values if value]
    digits = "".join(texts)
    return digits.isascii() and digits.isdecimal() and max(map(len, texts)) <= MOST_DIGITS


def _integers(values: Sequence[Any]) -> Any:
    # Through NumPy, since pandas takes [1, 2**63] for floats; here it is an OverflowError.
    if not set(map(type, values)) <= {int, type(None)}:
        values = [_integer(value) for value in values]
    mask = np.array([value is None for value in values], dtype=bool)
    data = np.array([0 if value is None else value for value in values] if mask.any() else values, dtype=np.int64)
    return pd.arrays.IntegerArray(data, mask)


def _integer(value: Any) -> Any:
    if value is None or type(value) is int:
        return value
    value = exact(value)
    if not isinstance(value, int) and value is not pd.NA:
        raise TypeError(type(value).__name__)
    return None if value is pd.NA else value


def _texts(values: Sequence[Any]) -> Any:
    if BY_ARROW:
        # pandas would look at each text in Python before it hands them all to Arrow.
        with suppress(TypeError):  # not all are texts
            return pd.array(pyarrow.array(values, pyarrow.large_string()), dtype="str")
    return pd.array([_text(value) for value in values], dtype="str")


def _text(value: Any) -> Any:
    if value is None or type(value) is str:
        return value
    if isinstance(value, bool | dict | list):
        raise TypeError(type(value).__name__)
    return str(value)  # a number where the schema says string: its digits


def _times(values: Sequence[Any]) -> Any:
    if not set(map(type, values)) <= {str, type(None)}:
        raise TypeError("not a text")
    if not {value[0] for value in values if value} <= set("0123456789"):
        raise ValueError("not a time")  # pandas takes "now" for the present moment
    texts = [value or None for value in values]
    if min(map(len, filter(None, texts)), default=SHORTEST_TIME) < SHORTEST_TIME:
        raise ValueError("not a day")
    # as_unit: to_datetime alone gives other units for empty or odd input
    times = pd.to_datetime(_object_array(texts), format="ISO8601", utc=True).as_unit("us")
    moments = times.asi8[~times.isna()]
    if len(moments) and not FIRST_TIME <= moments.min() <= moments.max() <= LAST_TIME:
        raise OverflowError("not a date of the calendar")
    return times.array


def _flags(values: Sequence[Any]) -> Any:
    if not set(map(type, values)) <= {bool, type(None)}:
        raise TypeError("not a flag")
    return pd.array(values, dtype="boolean")


def _objects(values: Sequence[Any]) -> Any:
    return _object_array([pd.NA if value is None else value for value in values])


def _lists(values: Sequence[Any]) -> Any:
    if not set(map(type, values)) <= {list, type(None)}:
        raise TypeError("not a list")
    return _objects(values)


def _object_array(values: Sequence[Any]) -> Any:
    return np.fromiter(values, object, len(values))  # np.array() would make a table of lists of one length


ARRAYS: Final[Mapping[str, Callable[[Sequence[Any]], Any]]] = {
    TEXT: _texts,
    TIME: _times,
    FLAG: _flags,
    INTEGER: _integers,
    REFERENCE: _integers,
    NUMBER: _exacts,
    AMOUNT: _exacts,
    FEES: _exacts,
    LIST: _lists,
    OBJECT: _objects,
}


def _series(kind: str, values: Sequence[Any]) -> "pd.Series[Any]":
    return _column(ARRAYS[kind](values))


def _column(array: Any) -> "pd.Series[Any]":
    # Told its dtype, since pandas takes objects that are all texts for a column of texts.
    series: pd.Series[Any] = pd.Series(array, dtype=array.dtype, copy=False)
    return series


# The values of a column as a Series, by kind.
SERIES: Final[Mapping[str, Callable[[Sequence[Any]], "pd.Series[Any]"]]] = {
    kind: partial(_series, kind) for kind in ARRAYS
}
