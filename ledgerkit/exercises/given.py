"""What a learner hands in, read as generously as it can be without guessing."""

import re
from decimal import Decimal
from numbers import Integral
from typing import Any, Final

import numpy as np
import pandas as pd

from ledgerkit.errors import shorten

# ASCII digits alone: Decimal() reads the digits of every script, and underscores.
_NUMBER: Final = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?)(?:\s*([A-Za-z]+))?")
_ID: Final = re.compile(r"[0-9]{1,18}")


class Unreadable(Exception):
    """An answer can't be read as what is asked for; the text says what is."""


def single(answer: Any, column: str | None = None) -> Any:
    """Return the one value of an answer: itself, or what the one row of a frame has in a column.

    Parameters
    ----------
    column
        Which; by default the frame has one column.

    Raises
    ------
    Unreadable
        There are no rows, or several, or not that column.
    """
    if isinstance(answer, pd.DataFrame):
        if column is None and len(answer.columns) == 1:
            column = str(answer.columns[0])
        if column not in answer.columns:
            wanted = "one column" if column is None else f"a column `{column}`"
            raise Unreadable(f"the answer is a frame without {wanted}: hand in the value itself.")
        answer = answer[column]
    if isinstance(answer, pd.Series | pd.Index | np.ndarray | list | tuple):
        if len(answer) != 1:
            raise Unreadable(f"the answer has {len(answer)} values where one is asked for.")
        answer = answer.iloc[0] if isinstance(answer, pd.Series) else answer[0]
    return answer


def identifier(answer: Any, column: str = "id") -> int:
    """Return an answer as an id: a whole number, its digits, or the one row of a frame that has it.

    Raises
    ------
    Unreadable
        It is none.
    """
    value = single(answer, column)
    written = str(value).strip() if isinstance(value, str | Integral) else ""  # of a bool it is a word
    if not _ID.fullmatch(written) or int(written) == 0:
        raise Unreadable(f"an id is asked for, a whole number such as 42, and this is {_described(value)}.")
    return int(written)


def quantity(answer: Any, ticker: str) -> Decimal:
    """Return an answer as a number in a unit, exactly as it is written.

    Parameters
    ----------
    ticker
        The unit that is asked for; a text may name it.

    Raises
    ------
    Unreadable
        It is no number, or one of another unit.
    """
    value = single(answer)
    if isinstance(value, bool) or pd.api.types.is_scalar(value) is False or pd.isna(value):
        raise Unreadable(f"a number is asked for, and this is {_described(value)}.")
    if isinstance(value, Decimal):
        written = format(value, "f") if value.is_finite() else str(value)
    elif isinstance(value, Integral):
        written = str(int(value))
    elif isinstance(value, float):  # the digits that a person sees, which are all that a float has to say
        written = format(Decimal(repr(float(value))), "f")
    elif isinstance(value, str):
        written = value.strip()
    else:
        raise Unreadable(f"a number is asked for, and this is {_described(value)}.")
    match = _NUMBER.fullmatch(written) if len(written) <= 100 else None
    if match is None:
        raise Unreadable(f"{shorten(value)} is no number such as 12.5: digits and one point, nothing between them.")
    if match[2] and match[2].upper() != ticker.upper():
        raise Unreadable(f"the answer is in {shorten(match[2])}, and {ticker} is asked for.")
    return Decimal(match[1])


def _described(value: Any) -> str:
    return "nothing" if value is None or value is pd.NA else f"{shorten(value)} ({type(value).__name__})"
