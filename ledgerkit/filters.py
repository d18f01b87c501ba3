"""Filters of a search: read off the method's signature, checked before anything is sent.

The signature is the one source of truth: its parameter names are the API's, its annotations say what a value
may be. From it come the check of values here, the query string, and the search forms.
"""

import difflib
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import pandas as pd

from ledgerkit.errors import MOST_DIGITS, ConfigurationError, InvalidRequest, UnknownValue, shorten, warn
from ledgerkit.frames import exact

Item = TypeVar("Item")
# What the annotations of filters are made of.
if TYPE_CHECKING:
    Many: TypeAlias = Item | Sequence[Item] | "pd.Series[Any]"
else:  # a column of a frame is as good as a list, but pandas can't be subscripted where hints are read
    Many: TypeAlias = Item | Sequence[Item]
Time: TypeAlias = str | date | datetime
Day: TypeAlias = str | date
Exact: TypeAlias = str | int | Decimal

Kind = Literal["choice", "integer", "text", "time", "day", "exact", "flag"]


@dataclass(frozen=True)
class Filter:
    """What one parameter of a search takes."""

    name: str
    kind: Kind
    many: bool
    choices: tuple[str, ...] = ()


@cache
def filters(method: Callable[..., Any]) -> Mapping[str, Filter]:
    """Return the filters of a method by name, in the order of its signature."""
    hints = typing.get_type_hints(method)
    hints.pop("return", None)
    return {name: _filter(name, hint) for name, hint in hints.items()}


def _filter(name: str, hint: Any) -> Filter:
    members = [member for member in _members(hint) if member is not type(None)]
    items = [inner for member in members if _is_sequence(member) for inner in _members(typing.get_args(member)[0])]
    single = [member for member in members if not _is_sequence(member)]
    kind, choices = _kind(single)
    return Filter(name, kind, many=bool(items), choices=choices)


def _members(hint: Any) -> list[Any]:
    return list(typing.get_args(hint)) if typing.get_origin(hint) in (typing.Union, types.UnionType) else [hint]


def _is_choice(hint: Any) -> bool:
    return typing.get_origin(hint) is Literal


def _is_sequence(hint: Any) -> bool:
    return typing.get_origin(hint) is Sequence


def _kind(members: list[Any]) -> tuple[Kind, tuple[str, ...]]:
    choices = tuple(choice for member in members for choice in typing.get_args(member) if _is_choice(member))
    if choices:
        return "choice", choices
    for witness, kind in WITNESSES:
        if witness in members:
            return kind, ()
    raise TypeError(f"no filter is annotated with {members}")


# The first type that is found among the members of an annotation says what it is.
WITNESSES: tuple[tuple[type, Kind], ...] = (
    (datetime, "time"),
    (date, "day"),
    (Decimal, "exact"),
    (bool, "flag"),
    (int, "integer"),
    (str, "text"),
)


def query(method: Callable[..., Any], values: Mapping[str, Any], zone: tzinfo) -> dict[str, str | list[str]]:
    """Return the query parameters for the values that are not None.

    Raises
    ------
    InvalidRequest
        A value is not of the kind that the parameter takes, or a near miss of a known one.

    Warns
    -----
    UnknownValue
        A value that the documented list lacks; it is sent.
    """
    known = filters(method)
    return {name: _encode(known[name], value, zone) for name, value in values.items() if value is not None}


def _encode(filter: Filter, value: Any, zone: tzinfo) -> str | list[str]:
    if isinstance(value, pd.DataFrame):
        raise _refused(filter.name, value, "it takes one column of a frame, such as frame['id']")
    if not isinstance(value, str | bytes | Mapping) and isinstance(value, Iterable):
        if not filter.many:
            raise _refused(filter.name, value, "it takes one value; for several, search once each and concat")
        values = list(value)
        if not values:
            # Left out, it would mean no filter at all: every row instead of none.
            raise _refused(filter.name, value, "an empty list selects nothing; leave the filter out for everything")
        return list(dict.fromkeys(ENCODERS[filter.kind](filter, one, zone) for one in values))
    return ENCODERS[filter.kind](filter, value, zone)


def _choice(filter: Filter, value: Any, zone: tzinfo) -> str:
    if isinstance(value, str) and value in filter.choices:
        return value
    if not isinstance(value, str) or not value.strip():
        raise _refused(filter.name, value, f"it takes one of: {', '.join(filter.choices)}")
    alike = {choice.upper().replace("-", "").replace("_", ""): choice for choice in filter.choices}
    plain = value.strip().upper().replace("-", "").replace("_", "").replace(" ", "")
    near = [alike[plain]] if plain in alike else []
    near += [choice for choice in difflib.get_close_matches(value, filter.choices, n=3) if choice not in near]
    if near:
        raise _refused(filter.name, value, f"did you mean {' or '.join(repr(choice) for choice in near)}?", near=near)
    warn(
        f"`{filter.name}` = {value!r} is not among the documented values ({', '.join(filter.choices)}); it is sent "
        "as it is.",
        UnknownValue,
    )
    return value


def _integer(filter: Filter, value: Any, zone: tzinfo) -> str:
    text = value.strip() if isinstance(value, str) else _digits(value)
    if text is None or not (text.isascii() and text.removeprefix("-").isdecimal()) or len(text) > MOST_DIGITS:
        why = "it takes an integer"
        if isinstance(value, float) and value == value:
            why = "a float may have lost digits"
        elif isinstance(value, str) and value.strip():
            why = "it takes an integer, such as an id; a search by name finds ids"
        raise _refused(filter.name, value, why)
    return str(int(text))


def _text(filter: Filter, value: Any, zone: tzinfo) -> str:
    text = value if isinstance(value, str) else _digits(value)
    if not text:
        raise _refused(filter.name, value, "it takes a text")
    return text


def _digits(value: Any) -> str | None:
    """Return an integer of Python, NumPy or pandas as text; None for anything else."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        return None
    number = int(value.__index__())
    return str(number) if number.bit_length() < 4 * MOST_DIGITS else None


def _flag(filter: Filter, value: Any, zone: tzinfo) -> str:
    if not isinstance(value, bool):
        raise _refused(filter.name, value, "it takes True or False")
    return "true" if value else "false"


def _exact(filter: Filter, value: Any, zone: tzinfo) -> str:
    if isinstance(value, bool | float):
        raise _refused(filter.name, value, "it takes an integer, a Decimal or a text: floats are not exact")
    try:
        number = exact(_digits(value) or value)
    except (InvalidOperation, TypeError, ValueError):
        number = pd.NA
    if number is pd.NA or number < 0:
        raise _refused(filter.name, value, "it takes a number of base units that is not negative")
    if isinstance(number, int):
        return str(number)
    warn(
        f"`{filter.name}` = {value!r} is sent as it is. The API does not say in which unit; elsewhere amounts are in "
        "base units, which have no fraction: 1.5 BTC is 150000000.",
        UnknownValue,
    )
    return format(number, "f")


def _time(filter: Filter, value: Any, zone: tzinfo) -> str:
    return instant_text(instant(filter.name, value, zone))


def _day(filter: Filter, value: Any, zone: tzinfo) -> str:
    if isinstance(value, datetime):
        raise _refused(filter.name, value, "it takes a day: a date, or a text such as '2026-01-31'")
    if isinstance(value, date):
        return value.isoformat()
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise _refused(filter.name, value, "it takes a day: a date, or a text such as '2026-01-31'") from None


ENCODERS: Mapping[Kind, Callable[[Filter, Any, tzinfo], str]] = {
    "choice": _choice,
    "integer": _integer,
    "text": _text,
    "time": _time,
    "day": _day,
    "exact": _exact,
    "flag": _flag,
}


def instant(name: str, value: Any, zone: tzinfo) -> datetime:
    """Return a moment in UTC; times without a zone are of the session's, a day is its first moment."""
    forms = "it takes a date, a datetime, or a text such as '2026-01-31' or '2026-01-31T14:00:00Z'"
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise _refused(name, value, forms) from None
    if value is pd.NaT or not isinstance(value, date):
        raise _refused(name, value, forms)
    if isinstance(value, pd.Timestamp):
        value = value.to_pydatetime(
            warn=False
        )  # nanoseconds are cut; floor() fails in the hour when summer time ends
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=zone)
    if value.tzinfo is None:
        value = value.replace(tzinfo=zone)
    try:
        moment: datetime = value.astimezone(UTC)
    except OverflowError:
        raise _refused(name, value, "it lies outside of the years 1 to 9999") from None
    return moment


def instant_text(moment: datetime) -> str:
    """Write a moment as the samples of the API do."""
    return moment.isoformat().replace("+00:00", "Z")


def _refused(name: str, value: Any, why: str, **details: Any) -> InvalidRequest:
    return InvalidRequest(
        f"`{name}` = {shorten(value)} was not sent: {why}.".replace("?.", "?"), field=name, **details
    )


def zone_of(tz: str) -> ZoneInfo:
    """Return a zone by its name."""
    try:
        return ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        pass
    near = difflib.get_close_matches(str(tz), available_timezones(), n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise ConfigurationError(
        f"`tz` = {shorten(tz)} is no time zone such as 'UTC' or 'Europe/Paris'.{hint}", field="tz"
    )
