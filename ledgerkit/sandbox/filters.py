"""Filters of listings: how a query parameter is read, and which rows it keeps."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args

from .answers import encode
from .store import Collection, microseconds

Predicate = Callable[[int], bool]

AMOUNT = re.compile(r"[0-9]*(\.[0-9]+)?", re.ASCII)
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
INTEGER = re.compile(r"-?[0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Filter:
    """One parameter of a listing.

    Parameters
    ----------
    read
        Reads the text of the parameter; a ``ValueError`` with what was wanted becomes a 400.
    keep
        Makes the test of a row from the value, or from the set of values where ``many``.
    many
        The key may be repeated, and a row that fits one of the values is kept.
    """

    read: Callable[[str], Any]
    keep: Callable[[Collection, Any], Predicate]
    many: bool = False


def text(value: str) -> str:
    """Read a text as it is."""
    return value


def integer(value: str) -> int:
    """Read an integer."""
    if not INTEGER.fullmatch(value):
        raise ValueError("an integer is expected")
    return int(value)


def natural(value: str) -> int:
    """Read an integer that is not negative."""
    number = integer(value)
    if number < 0:
        raise ValueError("must be greater than or equal to 0")
    return number


def boolean(value: str) -> bool:
    """Read a boolean."""
    if value.lower() not in {"true", "false", "1", "0"}:
        raise ValueError("a boolean is expected")
    return value.lower() in {"true", "1"}


def amount(value: str) -> Decimal:
    """Read an amount of base units: digits and at most one point."""
    if not value or not AMOUNT.fullmatch(value):
        raise ValueError("a decimal number without sign or exponent is expected")
    return Decimal(value)


def date_time(value: str) -> datetime:
    """Read an ISO date-time; without an offset it is UTC."""
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("an ISO 8601 date-time is expected") from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def date(value: str) -> str:
    """Read a day."""
    if not DAY.fullmatch(value):
        raise ValueError("a date such as 2026-01-31 is expected")
    datetime.fromisoformat(value)
    return value


def moment(value: str) -> int:
    """Read an ISO date-time into microseconds since the epoch."""
    return microseconds(date_time(value))


def choice(values: Iterable[str]) -> Callable[[str], str]:
    """Make a reader that accepts one of a closed set."""
    allowed = frozenset(values)

    def read(value: str) -> str:
        if value not in allowed:
            raise ValueError("one of " + ", ".join(sorted(allowed)) + " is expected")
        return value

    return read


def literal(kind: Any) -> Callable[[str], str]:
    """Make a reader that accepts the values of a ``Literal``."""
    return choice(get_args(kind))


def equals(column: str, read: Callable[[str], Any] = text) -> Filter:
    """Keep rows whose column is the value."""

    def keep(collection: Collection, value: Any) -> Predicate:
        values = collection.columns[column]
        return lambda position: bool(values[position] == value)

    return Filter(read, keep)


def one_of(column: str, read: Callable[[str], Any] = text) -> Filter:
    """Keep rows whose column is one of the values."""

    def keep(collection: Collection, wanted: Any) -> Predicate:
        values = collection.columns[column]
        return lambda position: values[position] in wanted

    return Filter(read, keep, many=True)


def includes(column: str, read: Callable[[str], Any] = text) -> Filter:
    """Keep rows whose column, a tuple, has the value."""

    def keep(collection: Collection, value: Any) -> Predicate:
        values = collection.columns[column]
        return lambda position: value in values[position]

    return Filter(read, keep)


def shares(column: str, read: Callable[[str], Any] = text) -> Filter:
    """Keep rows whose column, a tuple, has one of the values."""

    def keep(collection: Collection, wanted: Any) -> Predicate:
        values = collection.columns[column]
        return lambda position: not wanted.isdisjoint(values[position])

    return Filter(read, keep, many=True)


def contains(column: str) -> Filter:
    """Keep rows whose column, a lower-case text, contains the text in any case."""

    def keep(collection: Collection, value: str) -> Predicate:
        values, wanted = collection.columns[column], value.lower()
        return lambda position: wanted in values[position]

    return Filter(text, keep)


def member(field: str) -> Filter:
    """Keep rows whose JSON has this member, a text, with just this value.

    The encoded rows are searched instead of a column: hashes and addresses of a hundred thousand
    transactions would double what a row costs, for filters that few calls use.
    """

    def keep(collection: Collection, value: str) -> Predicate:
        encoded, wanted = collection.encoded, encode({field: value})[1:-1]
        return lambda position: wanted in encoded[position]

    return Filter(text, keep)


def at_least(column: str, read: Callable[[str], Any], *, inclusive: bool = True) -> Filter:
    """Keep rows whose column is there and not below the value."""

    def keep(collection: Collection, value: Any) -> Predicate:
        values = collection.columns[column]
        if inclusive:
            return lambda position: values[position] is not None and values[position] >= value
        return lambda position: values[position] is not None and values[position] > value

    return Filter(read, keep)


def at_most(column: str, read: Callable[[str], Any], *, inclusive: bool = True) -> Filter:
    """Keep rows whose column is there and not above the value."""

    def keep(collection: Collection, value: Any) -> Predicate:
        values = collection.columns[column]
        if inclusive:
            return lambda position: values[position] is not None and values[position] <= value
        return lambda position: values[position] is not None and values[position] < value

    return Filter(read, keep)


def currency(read: Callable[[str], Any] = text, *, many: bool = False) -> Filter:
    """Keep rows of a currency by ``name``, or of one token by ``network:contract``.

    A name alone fits the ``currency`` field as it stands, tokens of that network included.
    """

    def fits(wanted: Iterable[str]) -> tuple[frozenset[str], frozenset[tuple[str, str]]]:
        names = frozenset(value for value in wanted if ":" not in value)
        tokens = frozenset(
            (network, contract.lower())
            for value in wanted
            if ":" in value
            for network, _, contract in [value.partition(":")]
        )
        return names, tokens

    def keep(collection: Collection, value: Any) -> Predicate:
        names, tokens = fits(value if many else (value,))
        currencies, contracts = collection.columns["currency"], collection.columns["contract"]
        return lambda position: currencies[position] in names or (currencies[position], contracts[position]) in tokens

    return Filter(read, keep, many=many)
