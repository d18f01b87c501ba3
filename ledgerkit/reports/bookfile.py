"""Books of accountants, read exactly from a CSV file or a frame, with errors that name row and column."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from os import PathLike
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.files import read_sheet

NEEDED: Final = ("account", "date", "amount")
COLUMNS: Final = (*NEEDED, "ticker", "currency", "tx_hash", "reference")
MOST_SHOWN: Final = 10
MOST_DIGITS: Final = 200
# The header decides what separates: a name has none of them.
SEPARATORS: Final = ",;\t"
# As people and spreadsheets write it; the minus of reports is read too.
_AMOUNT: Final = re.compile(r"[+-]?\d+(\.\d+)?|[+-]?\.\d+", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?", re.ASCII)


@dataclass(frozen=True)
class Entry:
    """One row of the books."""

    # As a spreadsheet counts: the header of a file is row 1. Of a frame, the position from 0.
    row: int
    account: str | int
    moment: pd.Timestamp
    amount: Decimal
    ticker: str | None
    tx_hash: str | None
    reference: str | None


def read_books(source: str | PathLike[str] | pd.DataFrame) -> list[Entry]:
    """Read books.

    Parameters
    ----------
    source
        A CSV file in UTF-8, separated by comma, semicolon or tab, or a frame.

    Raises
    ------
    InvalidRequest
        A column is missing, or values can't be read: each is named by row and column, up to ten of them.
    """
    if isinstance(source, pd.DataFrame):
        columns = [_plain_name(name) for name in source.columns]
        rows = [
            (number, dict(zip(columns, values, strict=True)))
            for number, values in enumerate(zip(*(source.iloc[:, at] for at in range(len(columns))), strict=True))
        ]
        what = "the frame of books"
    else:
        what = Path(source).name
        names, lines = read_sheet(Path(source), what, field="books", separators=SEPARATORS, header_counts=True)
        columns = [_plain_name(name) for name in names]
        rows = [(number, dict(zip(columns, values, strict=True))) for number, values in lines]
    _check_columns(columns, what)
    problems: list[str] = []
    entries = [entry for number, row in rows if (entry := _entry(number, row, problems)) is not None]
    complain(problems, what)
    return entries


def complain(problems: Sequence[str], what: str) -> None:
    """Refuse books with problems, naming the first of them.

    Raises
    ------
    InvalidRequest
        There are any.
    """
    if problems:
        more = f" And {len(problems) - MOST_SHOWN} more." if len(problems) > MOST_SHOWN else ""
        raise InvalidRequest(
            f"{what} can't be compared: {'; '.join(problems[:MOST_SHOWN])}.{more} Nothing was guessed.", field="books"
        )


def _plain_name(name: Any) -> str:
    return str(name).strip().casefold().replace(" ", "_")


def _check_columns(columns: Sequence[str], what: str) -> None:
    missing = [name for name in NEEDED if name not in columns]
    twice = sorted({name for name in COLUMNS if columns.count(name) > 1})
    if missing or twice:
        said = f"lacks the column {', '.join(missing)}" if missing else f"has the column {', '.join(twice)} twice"
        raise InvalidRequest(
            f"{what} {said}. Columns are {', '.join(COLUMNS)}; the first three are needed. It has: "
            f"{shorten(', '.join(columns))}.",
            field="books",
        )


def _entry(number: int, row: Mapping[str, Any], problems: list[str]) -> Entry | None:
    def read(column: str, reader: Callable[[Any], Any]) -> Any:
        try:
            return reader(row.get(column))
        except ValueError as error:
            problems.append(f"row {number}, column {column}: {shorten(row.get(column))} {error}")
            return None

    account, moment, amount = read("account", _account), read("date", _moment), read("amount", _amount)
    if account is None or moment is None or amount is None:
        return None
    ticker = _text(row.get("ticker")) or _text(row.get("currency"))
    return Entry(number, account, moment, amount, ticker, _text(row.get("tx_hash")), _text(row.get("reference")))


def _text(value: Any) -> str | None:
    if value is None or value is pd.NA or value != value:
        return None
    return str(value).strip() or None


def _account(value: Any) -> str | int:
    if isinstance(value, float) and value == value:
        raise ValueError("is a float: give a name or a whole id")
    if (text := _text(value)) is None:
        raise ValueError("names no account")
    return text


def _moment(value: Any) -> pd.Timestamp:
    if isinstance(value, date | datetime) and value is not pd.NaT:
        moment = pd.Timestamp(value)
    else:
        text = _text(value)
        if text is None or not _DATE.fullmatch(text):
            raise ValueError("is no date such as 2026-01-31")
        try:
            moment = pd.Timestamp(datetime.fromisoformat(text))
        except ValueError:
            raise ValueError("is no date such as 2026-01-31") from None
    return moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")


def _amount(value: Any) -> Decimal:
    if isinstance(value, bool | float):
        raise ValueError("is no exact number: read the file with dtype=str, or give Decimals")
    text = format(value, "f") if isinstance(value, Decimal) and value.is_finite() else _text(value)
    if text is None:
        raise ValueError("is no amount")
    text = text.replace("\u2212", "-")
    if "," in text:
        raise ValueError("has a comma: write 1234.56, with a point and no separator of thousands")
    if not _AMOUNT.fullmatch(text) or len(text) > MOST_DIGITS:
        raise ValueError("is no amount: digits, perhaps with a sign and a point, and no unit")
    return Decimal(text)


def to_base(amount: Decimal, magnitude: int) -> int | None:
    """Return an amount in base units, None where it has more places than they have."""
    sign, digits, exponent = amount.as_tuple()
    places = int(exponent) + magnitude
    number = int("".join(map(str, digits)) or "0")
    if places < 0:
        number, rest = divmod(number, 10**-places)
        if rest:
            return None
    else:
        number *= int(10**places)
    return -number if sign else number
