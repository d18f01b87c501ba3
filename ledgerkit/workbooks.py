"""Frames to Excel: no digit changes, and nothing in a file runs."""

import importlib
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from numbers import Integral
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import msgspec
import numpy as np
import pandas as pd

from ledgerkit.errors import ConfigurationError, InvalidRequest

# What Excel takes: more rows are lost without a word, longer texts are cut, and the 16th digit becomes a zero.
EXCEL_ROWS: Final = 1_048_576
EXCEL_CHARACTERS: Final = 32_767
EXCEL_DIGITS: Final = 15
EXCEL_SHEET_NAME: Final = 31
# Its calendar begins with 1900, and has a 29th of February then.
EXCEL_YEARS: Final = range(1901, 10_000)
# XML has no place for these, a lone carriage return becomes a line feed when it is read, and openpyxl refuses but the
# first of them: with U+FFFF in one name a workbook can't be opened.
_NOT_IN_XML: Final = re.compile("[\\x00-\\x08\\x0b-\\x1f\\ud800-\\udfff\\ufffe\\uffff]")
# What Excel reads as a character in code, such as _x000D_, has its underscore in code.
_READ_AS_CODE: Final = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_JSON: Final = msgspec.json.Encoder(decimal_format="number", enc_hook=str)


def write_workbook(path: Path, sheets: Mapping[str, pd.DataFrame], about: Mapping[str, Any]) -> tuple[str, ...]:
    """Write frames into a workbook, one sheet each, and a last sheet ``about``.

    Exact numbers are numbers where all of their column have at most 15 digits, and text with all their digits
    otherwise: a column that is partly text would be summed wrongly without a word.

    Parameters
    ----------
    path
        The file, which is overwritten.
    sheets
        The frames by the names of their sheets.
    about
        What is said of them, beside how values are written.

    Returns
    -------
    tuple of str
        What is not as it is in the frames, in words.

    Raises
    ------
    InvalidRequest
        A frame has more rows than a sheet takes.
    ConfigurationError
        openpyxl is not installed.
    """
    for name, frame in sheets.items():
        if len(frame) >= EXCEL_ROWS:
            raise InvalidRequest(
                f"Excel takes {EXCEL_ROWS - 1:,} rows on a sheet, and `{name}` has {len(frame):,}: nothing was "
                "written. Save them as CSV or Parquet, or ask for a shorter time.",
                field="rows",
            )
    openpyxl = needed("openpyxl", "Excel", "lab")
    book = openpyxl.Workbook(write_only=True)
    cut, texts = 0, []
    try:
        for name, frame in sheets.items():
            sheet = book.create_sheet(name[:EXCEL_SHEET_NAME])
            sheet.freeze_panes = "A2"
            cells = Cells(openpyxl, sheet)
            sheet.append([cells.text(str(column)) for column in frame.columns])
            writers = [cells.writer(frame[column]) for column in frame.columns]
            texts += [
                f"{name}.{column}"
                for column, writer in zip(frame.columns, writers, strict=True)
                if writer == cells.digits
            ]
            for row in zip(*(frame[column] for column in frame.columns), strict=True):
                sheet.append([write(value) for write, value in zip(writers, row, strict=True)])
            cut += cells.cut
        notes = []
        if texts:
            notes.append(
                f"text, since Excel would round numbers of more than {EXCEL_DIGITS} digits: {', '.join(texts)}"
            )
        if cut:
            said = f"{cut} texts are longer than the {EXCEL_CHARACTERS:,} characters that Excel takes, and cut"
            notes.append(f"{said} at “[cut]”; CSV and Parquet have the whole")
        said_of_all = {
            **about,
            "times": "UTC, to the millisecond",
            **{f"note {number}": note for number, note in enumerate(notes, start=1)},
        }
        sheet = book.create_sheet("about")
        cells = Cells(openpyxl, sheet)
        for key, value in said_of_all.items():
            sheet.append([cells.text(key), cells.text(value if isinstance(value, str) else as_json(value))])
        book.save(path)
    finally:
        book.close()
    return tuple(notes)


class Cells:
    """Makes cells of which none is a formula, and none loses a digit.

    Parameters
    ----------
    openpyxl, sheet
        The package, and the sheet that they are for.
    """

    def __init__(self, openpyxl: ModuleType, sheet: Any) -> None:
        self._cell = importlib.import_module("openpyxl.cell").WriteOnlyCell
        self._sheet = sheet
        self.cut = 0

    def writer(self, values: "pd.Series[Any]") -> Callable[[Any], Any]:
        """Return what makes the cells of a column."""
        if values.dtype == object and is_exact(values):
            fits = all(is_missing(one) or _significant(one) <= EXCEL_DIGITS for one in values)
            return self.number if fits else self.digits
        return self.cell

    def number(self, value: Any) -> Any:
        """Make the cell of an exact number that Excel holds."""
        return None if is_missing(value) else value

    def digits(self, value: Any) -> Any:
        """Make the cell of an exact number of a column that Excel does not hold."""
        return (
            None if is_missing(value) else self.text(format(value, "f") if isinstance(value, Decimal) else str(value))
        )

    def cell(self, value: Any) -> Any:
        """Make the cell of anything else."""
        if is_missing(value):
            return None
        if isinstance(value, bool | np.bool_):
            return bool(value)
        if isinstance(value, pd.Timestamp):
            utc = value.tz_convert("UTC").tz_localize(None) if value.tzinfo else value
            return utc.floor("ms").to_pydatetime() if utc.year in EXCEL_YEARS else self.text(value.isoformat())
        if isinstance(value, Integral):
            return self.text(str(value)) if len(str(abs(value))) > EXCEL_DIGITS else int(value)
        if isinstance(value, list | dict):
            return self.text(as_json(value))
        return self.text(str(value))

    def text(self, value: str) -> Any:
        """Make the cell of a text."""
        shown = _NOT_IN_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", value)
        if len(shown) > EXCEL_CHARACTERS:
            self.cut += 1
            shown = f"{shown[: EXCEL_CHARACTERS - 6]} [cut]"
        # After the cut, which could part one in two.
        cell = self._cell(self._sheet, _READ_AS_CODE.sub("_x005F_", shown))
        # openpyxl takes =… for a formula and #N/A for an error; Excel makes a formula of a text that is edited,
        # unless it is marked as one.
        cell.data_type = "s"
        cell.quotePrefix = True
        return cell


def _significant(value: int | Decimal) -> int:
    """Return how many digits a number has as it is written, which is what Excel has to hold."""
    _, digits, exponent = Decimal(value).as_tuple()
    whole = len(digits) + max(int(exponent), 0)
    return max(whole, -min(int(exponent), 0))


def is_exact(values: "pd.Series[Any]") -> bool:
    """Return whether a column holds exact numbers; one without any value does, so that files have one shape."""
    return values.dtype == object and all(
        is_missing(one) or (isinstance(one, int | Decimal) and not isinstance(one, bool)) for one in values
    )


def is_missing(value: Any) -> bool:
    """Return whether a value stands for none."""
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def as_json(value: Any) -> str:
    """Write a value as JSON, with every digit."""
    return _JSON.encode(value).decode()


def needed(package: str, what: str, extra: str) -> ModuleType:
    """Import a package that files of some kind need.

    Raises
    ------
    ConfigurationError
        It is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError:
        raise ConfigurationError(
            f"{what} files need the package {package.partition('.')[0]}, which is not installed: "
            f"pip install 'ledgerkit-enterprise[{extra}]', or save as CSV."
        ) from None
