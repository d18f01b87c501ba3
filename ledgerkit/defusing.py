"""Texts in CSV files that no spreadsheet calculates, and that come back as they were.

Excel, LibreOffice and Sheets take a cell that begins with ``=``, ``+``, ``-`` or ``@`` for a formula, after blanks
and in full width too, and a quoted cell that is opened with another separator falls into several. Each place of a
text where one could begin gets an apostrophe, and a last column says in which cells that was done: a file without
that column is read as it stands, so that what people write with ``df.to_csv`` comes back as well.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, Final

import pandas as pd

from ledgerkit.errors import warn

# The last column of a file in which texts have apostrophes that are not theirs: the names of their columns, as JSON.
MARK: Final = "apostrophe_added"
# What spreadsheets skip or drop before a formula: blanks, controls, what has no width, quotation marks.
_SKIPPED: Final = (
    "\\s\x00-\x20\x7f-\xa0\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\"'"
)
_BEGINS: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
# Where a cell begins: the start of the text, and behind whatever another reader may take for the end of one.
_PLACE: Final = r"(?:\A|(?<=[;\t\r\n|]))"
_UNSAFE: Final = re.compile(rf"{_PLACE}(?=[{_SKIPPED}]*[{_BEGINS}])")
_DEFUSED: Final = re.compile(rf"{_PLACE}'(?=[{_SKIPPED}]*[{_BEGINS}])")
_OWN_NAME: Final = re.compile(rf"'*{MARK}")


def defused(text: str) -> str:
    """Return a text with an apostrophe wherever a formula could begin; :func:`original` takes them away again."""
    return _UNSAFE.sub("'", text)


def original(text: str) -> str:
    """Return what a text was before :func:`defused`."""
    return _DEFUSED.sub("", text)


def defused_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose texts and names of columns are no formulas, :data:`MARK` its last column where any was.

    Numbers stay themselves, a negative amount too; of lists and objects the text begins with a bracket.
    """
    columns: dict[str, list[Any]] = {}
    touched: list[list[str]] = [[] for _ in range(len(frame))]
    for position, name in enumerate(frame.columns):
        values = frame.iloc[:, position]
        if not _may_hold_text(values):
            continue
        texts = values.tolist()
        for row, value in enumerate(texts):
            if isinstance(value, str) and (safe := defused(value)) != value:
                texts[row] = safe
                touched[row].append(str(name))
                columns[str(position)] = texts
    names = [_safe_name(str(name)) for name in frame.columns]
    if not columns and names == [str(name) for name in frame.columns]:
        return frame
    result = frame.copy(deep=False)
    for place, texts in columns.items():
        position = int(place)
        result.isetitem(position, pd.Series(texts, index=frame.index, dtype=frame.dtypes.iloc[position]))
    result.columns = pd.Index(names)
    said = [json.dumps(one) if one else None for one in touched]
    result[MARK] = pd.Series(said, index=frame.index, dtype="str")
    return result


def original_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame of texts, as it was read from a file, as it was before :func:`defused_frame`.

    Warns
    -----
    UserWarning
        The file says that cells have an apostrophe that is not theirs, and they have none: it was changed since.
    """
    if not len(frame.columns) or frame.columns[-1] != MARK:
        return frame
    names = [_name_of(str(name)) for name in frame.columns[:-1]]
    said, result = frame[MARK].tolist(), frame.iloc[:, :-1].copy()
    result.columns = pd.Index(names)
    texts: dict[int, list[Any]] = {}
    odd = 0
    for row, value in enumerate(said):
        for name in _listed(value):
            position = names.index(name) if name in names else -1
            cells = texts.setdefault(position, result.iloc[:, position].tolist()) if position >= 0 else []
            cell = cells[row] if cells else None
            if isinstance(cell, str) and (text := original(cell)) != cell:
                cells[row] = text
            else:
                odd += 1
    for position, cells in texts.items():
        result.isetitem(position, pd.Series(cells, index=frame.index, dtype=frame.dtypes.iloc[position]))
    if odd:
        warn(
            f"the column `{MARK}` says of {odd} cells that an apostrophe was added, and there is none, or no such "
            "column: the file was changed since it was written. They are as they stand in the file.",
            UserWarning,
        )
    return result


def _may_hold_text(values: "pd.Series[Any]") -> bool:
    return values.dtype == object or pd.api.types.is_string_dtype(values.dtype)


def _safe_name(name: str) -> str:
    return f"'{name}" if _OWN_NAME.fullmatch(name) else defused(name)


def _name_of(name: str) -> str:
    return name[1:] if _OWN_NAME.fullmatch(name) and name != MARK else original(name)


def _listed(value: Any) -> Iterable[str]:
    if not isinstance(value, str):
        return ()
    try:
        names = json.loads(value)
    except ValueError:
        return ("",)  # of no column: it is told
    return [str(one) for one in names] if isinstance(names, list) else ("",)
