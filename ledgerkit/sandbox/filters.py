"""Filters of listings: how a query parameter is read, and which rows it keeps."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from operator import eq
from typing import Any, get_args

import numpy as np

from .answers import encode
from .columns import Mask, Positions
from .store import Collection, Condition, Where, Window, microseconds

AMOUNT = re.compile(r"[0-9]*(\.[0-9]+)?", re.ASCII)
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
INTEGER = re.compile(r"-?[0-9]+", re.ASCII)
# a bound of numbers of 64 bits that none reaches
ALWAYS = 2**63


@dataclass(frozen=True, slots=True)
class Filter:
    """One parameter of a listing.

    Parameters
    ----------
    read
        Reads the text of the parameter; a ``ValueError`` with what was wanted becomes a 400.
    keep
        Makes the condition of a row from the value, or from the set of values where ``many``.
    many
        The key may be repeated, and a row that fits one of the values is kept.
    """

    read: Callable[[str], Any]
    keep: Callable[[Any], Condition]
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
    return Filter(read, lambda value: Where(column, lambda held: bool(held == value)))


def number(column: str) -> Filter:
    """Keep rows whose column, one of integers, is the value."""
    return Filter(integer, lambda value: Window(column, value, value))


def one_of(column: str, read: Callable[[str], Any] = text) -> Filter:
    """Keep rows whose column is one of the values."""
    return Filter(read, lambda wanted: Where(column, lambda held: held in wanted), many=True)


def includes(column: str, read: Callable[[str], Any] = text) -> Filter:
    """Keep rows whose column, a tuple, has the value."""
    return Filter(read, lambda value: Where(column, lambda held: value in held))


def shares(column: str, read: Callable[[str], Any] = text) -> Filter:
    """Keep rows whose column, a tuple, has one of the values."""
    return Filter(read, lambda wanted: Where(column, lambda held: not wanted.isdisjoint(held)), many=True)


def contains(column: str) -> Filter:
    """Keep rows whose column, a lower-case text, contains the text in any case."""

    def keep(value: str) -> Condition:
        wanted = value.lower()
        return Where(column, lambda held: wanted in held)

    return Filter(text, keep)


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the encoded row is a text; a column of the same name has the hashes of such texts.

    A text that no two rows share, as a hash of a transaction, would take more memory than all other columns.
    """

    field: str
    value: str

    def mask(self, collection: Collection, positions: Positions) -> Mask:
        """Say which of the rows do."""
        digest, wanted = hash(self.value), encode({self.field: self.value})[1:-1]
        found = collection.numbers(self.field).within(digest, digest, positions)
        for index in np.flatnonzero(found).tolist():
            found[index] = wanted in collection.encoded[int(positions[index])]
        return found


def member(field: str) -> Filter:
    """Keep rows whose JSON has this member, a text, with just this value."""
    return Filter(text, lambda value: Member(field, value))


def since(column: str, *, inclusive: bool) -> Filter:
    """Keep rows whose column, one of moments, is there and not before the value."""
    return Filter(moment, lambda value: Window(column, value if inclusive else value + 1, ALWAYS))


def until(column: str, *, inclusive: bool) -> Filter:
    """Keep rows whose column, one of moments, is there and not after the value."""
    return Filter(moment, lambda value: Window(column, -ALWAYS, value if inclusive else value - 1))


def at_least(column: str, read: Callable[[str], Any]) -> Filter:
    """Keep rows whose column is there and not below the value."""
    return Filter(read, lambda value: Where(column, lambda held: held is not None and held >= value))


def at_most(column: str, read: Callable[[str], Any]) -> Filter:
    """Keep rows whose column is there and not above the value."""
    return Filter(read, lambda value: Where(column, lambda held: held is not None and held <= value))


@dataclass(frozen=True, slots=True)
class Currency:
    """The currency of a row is among names, or among tokens as network and contract."""

    names: frozenset[str]
    tokens: frozenset[tuple[str, str]]

    def mask(self, collection: Collection, positions: Positions) -> Mask:
        """Say which of the rows do."""
        columns = collection.columns
        found = columns["currency"].fits(lambda name: name in self.names, positions)
        for network, contract in self.tokens:
            ours = columns["currency"].fits(partial(eq, network), positions)
            found |= ours & columns["contract"].fits(partial(eq, contract), positions)
        return found


def currency(read: Callable[[str], Any] = text, *, many: bool = False) -> Filter:
    """Keep rows of a currency by ``name``, or of one token by ``network:contract``.

    A name alone fits the ``currency`` field as it stands, tokens of that network included.
    """

    def keep(value: Any) -> Condition:
        wanted = value if many else (value,)
        parts = [one.partition(":") for one in wanted if ":" in one]
        return Currency(
            frozenset(one for one in wanted if ":" not in one),
            frozenset((network, contract.lower()) for network, _, contract in parts),
        )

    return Filter(read, keep, many=many)
