"""Texts in CSV files that no spreadsheet calculates, and that come back as they were.

Excel, LibreOffice and Sheets take a cell that begins with ``=``, ``+``, ``-`` or ``@`` for a formula, after blanks
and in full width too, and a quoted cell that is opened with another separator falls into several. Each place of a
text where one could begin gets an apostrophe, and a column more says in which rows that was done: a file without
that column is read as it stands, so that what people write with ``df.to_csv`` comes back as well.
"""

import re
from collections.abc import Sequence
from numbers import Number
from typing import Final

import pandas as pd

from ledgerkit.errors import warn

# The column of a file in which texts have apostrophes that are not theirs: whether this row has such texts.
MARK: Final = "apostrophe_added"
# What spreadsheets skip or drop before a formula: blanks, controls, what has no width, quotation marks.
_SKIPPED: Final = (
    "\\s\x00-\x20\x7f-\xa0\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\"'"
)
_BEGINS: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
# All that is skipped in one place, whether a formula follows or not: what was looked at is not looked at again.
_RUN: Final = re.compile(rf"(?:(?:[;|]|\A)[{_SKIPPED}]*|[{_SKIPPED}]+)([{_BEGINS}])?")
# Inside of a run, where a cell begins: the start of the text, and behind whatever another reader may take for the
# end of one. `_ADDED` is such a place with its apostrophe.
_PLACE: Final = re.compile(r"(?<=[;\t\r\n|])")
_ADDED: Final = re.compile(r"(?<=[;\t\r\n|])'")
# Names of columns that would be taken for the mark, for the mark of UTF-8 or, without any letter, for an index.
_TAKEN_NAME: Final = re.compile(rf"'*({MARK}|\ufeff.*)?", re.DOTALL)


def defused(text: str) -> str:
    """Return a text with an apostrophe wherever a formula could begin; :func:`original` takes them away again."""

    def added(run: re.Match[str]) -> str:
        if run[1] is None:
            return run[0]
        return ("'" if _starts_a_text(run) else "") + _PLACE.sub("'", run[0])

    return _RUN.sub(added, text)


def original(text: str) -> str:
    """Return what a text was before :func:`defused`."""

    def without(run: re.Match[str]) -> str:
        if run[1] is None:
            return run[0]
        return _ADDED.sub("", run[0].removeprefix("'") if _starts_a_text(run) else run[0])

    return _RUN.sub(without, text)


def _starts_a_text(run: re.Match[str]) -> bool:
    return run.start() == 0 and run[0][0] not in ";|"


def defused_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose texts and names of columns are no formulas, with the column :data:`MARK` where any was.

    A text is whatever a file would hold of a value: of a list or a dict as well. Numbers stay themselves, a negative
    amount too.
    """
    touched = [False] * len(frame)
    result = frame.copy(deep=False)
    for position, dtype in enumerate(frame.dtypes):
        if pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_datetime64_any_dtype(dtype):
            continue
        values, changed = frame.iloc[:, position].tolist(), False
        for row, value in enumerate(values):
            if not isinstance(value, Number) and (safe := defused(text := str(value))) != text:
                values[row], touched[row], changed = safe, True, True
        if changed:
            result.isetitem(position, pd.array(values, dtype=object))
    names = [str(name) for name in frame.columns]
    safe_names = [f"'{safe}" if _TAKEN_NAME.fullmatch(safe) else safe for safe in map(defused, names)]
    if not any(touched) and safe_names == names:
        return frame
    result.columns = pd.Index(safe_names)
    result[MARK] = touched
    return result


def original_columns(
    names: Sequence[str], columns: Sequence[list[str | None]]
) -> tuple[list[str], list[list[str | None]]]:
    """Return the names and texts of a file's columns as they were before :func:`defused_frame`.

    Warns
    -----
    UserWarning
        The file says that a row has apostrophes that are not its own, and it has none: it was changed since.
    """
    if MARK not in names:
        return list(names), list(columns)
    place = names.index(MARK)
    # A spreadsheet writes TRUE. A row that somebody added says nothing.
    rows = [row for row, said in enumerate(columns[place]) if said and said.casefold() != "false"]
    kept = [list(column) for position, column in enumerate(columns) if position != place]
    found = set()
    for column in kept:
        for row in rows:
            if (text := column[row]) is not None and (before := original(text)) != text:
                column[row] = before
                found.add(row)
    if odd := len(rows) - len(found):
        warn(
            f"the column `{MARK}` says of {odd} rows that apostrophes were added, and there are none: the file was "
            "changed since it was written. They are as they stand in the file.",
            UserWarning,
        )
    others = [name for position, name in enumerate(names) if position != place]
    return [original(name[1:] if _TAKEN_NAME.fullmatch(name) else name) for name in others], kept
