"""Nodes to DataFrames: declared columns, exact values, nothing inferred and nothing dropped.

A :class:`Table` declares the columns of one kind of object. :meth:`Table.leaves` turns a page of nodes into
one list per column, so that the dicts of a page can be dropped at once; :meth:`Table.frame` makes the
DataFrame. The same table gives the same columns and dtypes for no rows and for a million.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
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

Fields = Mapping[str, "str | Fields"]
# Values of unknown fields by prefix and field: `block_hash` may be a field, and a field inside of `block`.
Unknown = dict[tuple[str, str], list[Any]]


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

    def leaves(self, nodes: Sequence[Any], call: str = "") -> dict[str, list[Any]]:
        """Return one list per column, unknown fields after the known ones, all as long as ``nodes``."""
        for position, node in enumerate(nodes):
            if not isinstance(node, dict):
                raise _violation(self.name, call, f"object {position} is a {type(node).__name__}", node)
        if self.normalise:
            nodes = [self.normalise(node) for node in nodes]
        columns: dict[str, list[Any]] = {name: [] for name in self.kinds}
        unknown: Unknown = {}
        self._collect(self.fields, nodes, "", columns, unknown, call)
        for (prefix, field), values in unknown.items():
            name = prefix + field
            while name in columns:
                name += "_"  # an unknown `block_hash` beside `block.hash`: kept under a name of its own
            columns[name] = values
        return columns

    def _collect(
        self,
        fields: Fields,
        nodes: Sequence[dict[str, Any]],
        prefix: str,
        columns: dict[str, list[Any]],
        unknown: Unknown,
        call: str,
    ) -> None:
        for field, kind in fields.items():
            if field == SELF:
                continue
            name = prefix + field
            values = [node.get(field) for node in nodes]
            if isinstance(kind, str):
                if kind is REFERENCE:
                    values = _references(name, values, unknown)
                columns[name] = values
                continue
            if SELF in kind:
                columns[name] = [None if isinstance(value, dict) else value for value in values]
                values = [value if isinstance(value, dict) else None for value in values]
            inner = [_NOTHING if value is None else value for value in values]
            for value in inner:
                if not isinstance(value, dict):
                    raise _violation(name, call, f"is a {type(value).__name__} where an object belongs", value)
            self._collect(kind, inner, name + "_", columns, unknown, call)
        known = fields.keys()
        for position, node in enumerate(nodes):
            if not node.keys() <= known:
                for field in node:
                    if field not in known:
                        unknown.setdefault((prefix, field), [None] * len(nodes))[position] = node[field]

    def frame(self, columns: Mapping[str, list[Any]], *, call: str = "", **attrs: Any) -> pd.DataFrame:
        """Return the DataFrame of columns from :meth:`leaves`.

        Raises
        ------
        ContractViolation
            A value does not fit its column; the error names the field.
        """
        series: dict[Hashable, pd.Series[Any]] = {}
        for name in [*self.kinds, *(name for name in columns if name not in self.kinds)]:
            series[name] = self._series(name, columns.get(name, ()), call)
        frame = pd.DataFrame(series)
        frame.attrs.update(table=self.name, **attrs)
        return frame

    def _series(self, name: str, values: Sequence[Any], call: str) -> "pd.Series[Any]":
        kind = self.kinds.get(name, OBJECT)  # what is not known is kept as it came
        try:
            return SERIES[kind](values)
        except (ValueError, TypeError, OverflowError, InvalidOperation):
            # Slow path, only to say which value it is.
            for value in values:
                try:
                    SERIES[kind]([value])
                except (ValueError, TypeError, OverflowError, InvalidOperation):
                    raise _violation(name, call, f"does not read as {kind}: {shorten(value)}", value) from None
            raise

    def extended(self, before: Fields | None = None, after: Fields | None = None) -> "Table":
        """Return a table with more columns in front or at the end."""
        fields: dict[str, str | Fields] = dict(before or {})
        fields |= self.fields
        fields |= after or {}
        return Table(self.name, fields, normalise=self.normalise)


_NOTHING: dict[str, Any] = {}


def _flat(fields: Fields, prefix: str = "") -> Iterable[tuple[str, str]]:
    for field, kind in fields.items():
        if isinstance(kind, str):
            yield (prefix + field if field else prefix[:-1]), kind
        else:
            yield from _flat(kind, f"{prefix}{field}_")


def _references(name: str, values: list[Any], unknown: Unknown) -> list[Any]:
    ids = []
    for position, value in enumerate(values):
        if isinstance(value, dict):
            for field, inner in value.items():
                if field != "id":
                    unknown.setdefault((f"{name}_", field), [None] * len(values))[position] = inner
            value = value.get("id")
        ids.append(value)
    return ids


def _violation(field: str, call: str, what: str, value: Any) -> ContractViolation:
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


def _exacts(values: Sequence[Any]) -> "pd.Series[Any]":
    return pd.Series([exact(value) for value in values], dtype=object)


def _integer(value: Any) -> Any:
    if value is None or type(value) is int:
        return value
    value = exact(value)
    if not isinstance(value, int) and value is not pd.NA:
        raise TypeError(type(value).__name__)
    return None if value is pd.NA else value


def _integers(values: Sequence[Any]) -> "pd.Series[Any]":
    # Through NumPy, since pandas takes [1, 2**63] for floats; here it is an OverflowError.
    integers = [_integer(value) for value in values]
    data = np.array([0 if value is None else value for value in integers], dtype=np.int64)
    mask = np.array([value is None for value in integers], dtype=bool)
    return pd.Series(pd.arrays.IntegerArray(data, mask))


def _text(value: Any) -> Any:
    if value is None or type(value) is str:
        return value
    if isinstance(value, bool | dict | list):
        raise TypeError(type(value).__name__)
    return str(value)  # a number where the schema says string: its digits


def _texts(values: Sequence[Any]) -> "pd.Series[Any]":
    if set(map(type, values)) <= {str, type(None)}:  # as nearly always, and then twice as fast
        return pd.Series(list(values), dtype="str")
    return pd.Series([_text(value) for value in values], dtype="str")


def _times(values: Sequence[Any]) -> "pd.Series[Any]":
    for value in values:
        if value is not None and type(value) is not str:
            raise TypeError(type(value).__name__)
        if value and not value[0].isdecimal():
            raise ValueError("not a time")  # pandas takes "now" for the present moment
    # as_unit: to_datetime alone gives other units for empty or odd input
    texts = np.array([value or None for value in values], dtype=object)
    return pd.Series(pd.to_datetime(texts, format="ISO8601", utc=True).as_unit("us"))


def _flags(values: Sequence[Any]) -> "pd.Series[Any]":
    for value in values:
        if value is not None and type(value) is not bool:
            raise TypeError(type(value).__name__)
    return pd.Series(list(values), dtype="boolean")


def _objects(values: Sequence[Any]) -> "pd.Series[Any]":
    return pd.Series([pd.NA if value is None else value for value in values], dtype=object)


def _lists(values: Sequence[Any]) -> "pd.Series[Any]":
    for value in values:
        if value is not None and type(value) is not list:
            raise TypeError(type(value).__name__)
    return _objects(values)


SERIES: Final[Mapping[str, Callable[[Sequence[Any]], "pd.Series[Any]"]]] = {
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


def join(parts: Sequence[Mapping[str, list[Any]]]) -> dict[str, list[Any]]:
    """Put the columns of several pages behind one another; a column that a page lacks is filled with None."""
    columns: dict[str, list[Any]] = {}
    length = 0
    for part in parts:
        added = len(next(iter(part.values()), ()))
        for name in part:
            if name not in columns:
                columns[name] = [None] * length
        for name, values in columns.items():
            values.extend(part[name] if name in part else [None] * added)
        length += added
    return columns


def take(columns: Mapping[str, list[Any]], positions: Sequence[int]) -> dict[str, list[Any]]:
    """Return the rows at these positions."""
    return {name: [values[position] for position in positions] for name, values in columns.items()}
