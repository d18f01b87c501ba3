"""Frames to files: CSV that comes back exactly, Excel that changes no digit and runs nothing, Parquet.

A file is written whole beside the notebook, under a name that was free: none is ever written over.
"""

import importlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from numbers import Integral
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import msgspec
import numpy as np
import pandas as pd

from ledgerkit.directory import Directory
from ledgerkit.display import to_display, with_names
from ledgerkit.errors import ConfigurationError, InvalidRequest, LedgerError, shorten
from ledgerkit.forms.views import column_kinds
from ledgerkit.forms.workspace import Workspace
from ledgerkit.frames import AMOUNT, FEES

# What Excel takes: more rows are lost without a word, longer texts are cut, and the 16th digit becomes a zero.
EXCEL_ROWS: Final = 1_048_576
EXCEL_CHARACTERS: Final = 32_767
EXCEL_DIGITS: Final = 15
# Its calendar begins with 1900, and has a 29th of February then.
EXCEL_YEARS: Final = range(1901, 10_000)
MOST_NAMES: Final = 1000
_JSON: Final = msgspec.json.Encoder(decimal_format="number", enc_hook=str)


@dataclass(frozen=True)
class Written:
    """A file that was written.

    Attributes
    ----------
    path, rows
        Where, and how many rows it has.
    notes
        What is not as it is in the frame, in words.
    """

    path: Path
    rows: int
    notes: tuple[str, ...] = ()


Writer = Callable[[Workspace, pd.DataFrame, Path], tuple[str, ...]]


def export(
    workspace: Workspace,
    frame: pd.DataFrame,
    kind: str,
    name: str,
    folder: Path,
    about: Mapping[str, Any] | None = None,
) -> Written:
    """Write a frame into a new file.

    Parameters
    ----------
    workspace
        Where names and units for Excel are looked up.
    frame
        What is written.
    kind
        ``"csv"``, ``"xlsx"`` or ``"parquet"``.
    name
        What the file is called; the ending is added, and a number where the name is taken.
    folder
        Where it goes.
    about
        What to say of it beside where the frame came from, where the format has a place for it.

    Raises
    ------
    InvalidRequest
        It can't be called so, can't be written there, or has more rows than the format takes.
    ConfigurationError
        A package is not installed.
    """
    stem = checked_name(name, kind)
    writer = WRITERS[kind]
    described = frame.copy(deep=False)
    described.attrs.update(about or {})
    part = folder / f".{stem[:100]}.{secrets.token_hex(4)}.part"
    try:
        with part.open("xb"):
            pass
        notes = writer(workspace, described, part)
        path = _placed(part, folder, stem, kind)
    except LedgerError:  # some of them are OSErrors too
        raise
    except OSError as error:
        raise InvalidRequest(
            f"{stem}.{kind} could not be written into {folder}: {error.strerror or error}. Nothing is left of it; "
            "free space, or start the notebook in a folder that you may write to.",
            field="file name",
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return Written(path, len(frame), notes)


def checked_name(name: str, kind: str) -> str:
    """Return the name of a file without its ending, or say why it can't be one."""
    stem = name.strip().removesuffix(f".{kind}")
    why = ""
    if not stem:
        why = "it is empty"
    elif any(one in '/\\:*?"<>|' or not one.isprintable() for one in stem):
        why = "it has one of / \\ : * ? \" < > |, or a character that can't be seen; folders are not taken"
    elif stem.startswith(".") or stem.endswith("."):
        why = "it begins or ends with a point"
    elif len(stem.encode()) > 200:
        why = "it is longer than 200 bytes"
    if why:
        raise InvalidRequest(
            f"`file name` = {shorten(name)} can't be used: {why}. Take letters, digits, - and _.", field="file name"
        )
    return stem


def _placed(part: Path, folder: Path, stem: str, kind: str) -> Path:
    """Give a file that is whole the first name that is free."""
    for number in range(1, MOST_NAMES):
        path = folder / (f"{stem}.{kind}" if number == 1 else f"{stem}-{number}.{kind}")
        try:
            with path.open("xb"):  # takes the name: somebody else may write at the same time
                pass
        except FileExistsError:
            continue
        try:
            return part.replace(path)
        except OSError:
            path.unlink(missing_ok=True)
            raise
    raise InvalidRequest(
        f"{stem}.{kind} and {MOST_NAMES - 2} names after it are taken: choose another name.", field="file name"
    )


def _csv(workspace: Workspace, frame: pd.DataFrame, path: Path) -> tuple[str, ...]:
    frame.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
    nested = [name for name in frame.columns if frame[name].dtype == object]
    fractions = [str(name) for name in nested if any(map(_has_fraction, frame[name]))]
    if not fractions:
        return ()
    return (f"lists with fractions inside come back from read_csv as text: {', '.join(fractions)}",)


def _has_fraction(value: Any) -> bool:
    """Return whether there is a Decimal inside of a list or dict."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(isinstance(one, Decimal) or _has_fraction(one) for one in inner)


def _excel(workspace: Workspace, frame: pd.DataFrame, path: Path) -> tuple[str, ...]:
    if len(frame) >= EXCEL_ROWS:
        raise InvalidRequest(
            f"Excel takes {EXCEL_ROWS - 1:,} rows on a sheet, and these are {len(frame):,}: nothing was written. "
            "Save them as CSV or Parquet, or search for a shorter time.",
            field="rows",
        )
    openpyxl = _needed("openpyxl", "Excel", "lab")
    shown, notes = _for_people(workspace, frame)
    book = openpyxl.Workbook(write_only=True)
    try:
        sheet = book.create_sheet("rows")
        sheet.freeze_panes = "A2"
        cells = _Cells(openpyxl, sheet)
        sheet.append([cells.text(str(name)) for name in shown.columns])
        for row in zip(*(shown[name] for name in shown.columns), strict=True):
            sheet.append([cells.cell(value) for value in row])
        if cells.cut:
            said = f"{cells.cut} texts are longer than the {EXCEL_CHARACTERS:,} characters that Excel takes, and cut"
            notes = (*notes, f"{said} at “[cut]”; CSV and Parquet have the whole")
        _about(book, openpyxl, frame, notes)
        book.save(path)
    finally:
        book.close()
    return notes


def _about(book: Any, openpyxl: ModuleType, frame: pd.DataFrame, notes: tuple[str, ...]) -> None:
    sheet = book.create_sheet("about")
    cells = _Cells(openpyxl, sheet)
    said = {
        **{str(name): value for name, value in frame.attrs.items()},
        "rows": len(frame),
        "amounts": "text, in base units: every digit is kept; columns that end in _display are in the unit of ticker",
        "integers": f"text where they have more than {EXCEL_DIGITS} digits, which Excel would round",
        "times": "UTC, to the millisecond",
        **{f"note {number}": note for number, note in enumerate(notes, start=1)},
    }
    for name, value in said.items():
        sheet.append([cells.text(name), cells.text(value if isinstance(value, str) else _json(value))])


class _Cells:
    """Makes cells of which none is a formula, and none loses a digit."""

    def __init__(self, openpyxl: ModuleType, sheet: Any) -> None:
        self._cell = importlib.import_module("openpyxl.cell").WriteOnlyCell
        self._illegal = importlib.import_module("openpyxl.cell.cell").ILLEGAL_CHARACTERS_RE
        self._sheet = sheet
        self.cut = 0

    def cell(self, value: Any) -> Any:
        if _is_missing(value):
            return None
        if isinstance(value, bool | np.bool_):
            return bool(value)
        if isinstance(value, pd.Timestamp):
            utc = value.tz_convert("UTC").tz_localize(None) if value.tzinfo else value
            return utc.floor("ms").to_pydatetime() if utc.year in EXCEL_YEARS else self.text(value.isoformat())
        if isinstance(value, Integral):
            return self.text(str(value)) if len(str(abs(value))) > EXCEL_DIGITS else int(value)
        if isinstance(value, list | dict):
            return self.text(_json(value))
        return self.text(str(value))

    def text(self, value: str) -> Any:
        # XML has no place for these, and openpyxl refuses them.
        shown = self._illegal.sub(lambda found: f"\\u{ord(found[0]):04x}", value)
        if len(shown) > EXCEL_CHARACTERS:
            self.cut += 1
            shown = f"{shown[: EXCEL_CHARACTERS - 6]} [cut]"
        cell = self._cell(self._sheet, shown)
        # openpyxl takes =… for a formula and #N/A for an error; Excel makes a formula of a text that is edited,
        # unless it is marked as one.
        cell.data_type = "s"
        cell.quotePrefix = True
        return cell


def _for_people(workspace: Workspace, frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return a frame with display units and names, and what could not be had; amounts are texts."""
    shown, notes = frame, []
    adding: list[tuple[str, Callable[[pd.DataFrame, Directory], pd.DataFrame]]] = [("names", with_names)]
    if {AMOUNT, FEES} & set(column_kinds(frame).values()):
        adding.append(("units", lambda one, directory: to_display(one, None, directory)))
    for what, add in adding:
        try:
            shown = add(shown, workspace.directory)
        except LedgerError as error:
            notes.append(f"without {what}: {str(error).rstrip('.')}")
    return _exact_as_text(shown), tuple(notes)


def _exact_as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose columns of exact numbers, which may be of any size, are texts of all their digits."""
    result = frame.copy(deep=False)
    for name in frame.columns:
        if _is_exact(frame[name]):
            texts = [None if _is_missing(value) else str(value) for value in frame[name]]
            result[name] = pd.Series(texts, dtype=object, index=frame.index)
    return result


def _parquet(workspace: Workspace, frame: pd.DataFrame, path: Path) -> tuple[str, ...]:
    arrow = _needed("pyarrow", "Parquet", "archive")
    parquet = _needed("pyarrow.parquet", "Parquet", "archive")
    numbers: list[str] = []
    nested: list[str] = []
    columns = {}
    for name in frame.columns:
        values = frame[name]
        if values.dtype != object:
            columns[name] = values
            continue
        exact = _is_exact(values)
        (numbers if exact else nested).append(str(name))
        texts = [None if _is_missing(one) else str(one) if exact else _json(one) for one in values]
        columns[name] = pd.Series(texts, dtype="str", index=frame.index)
    shown = pd.DataFrame(columns, index=frame.index)
    table = arrow.Table.from_pandas(shown, preserve_index=False)
    said = {
        "attrs": frame.attrs,
        "exact numbers as text": numbers,
        "JSON as text": nested,
        "why": "amounts have up to 78 digits, and no number type of Parquet holds them all",
    }
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), b"ledgerkit": _JSON.encode(said)})
    parquet.write_table(table, path)
    return (f"amounts and other exact numbers are text: {', '.join(numbers)}",) if numbers else ()


def _is_exact(values: "pd.Series[Any]") -> bool:
    """Return whether a column holds exact numbers; one without any value does, so that files have one shape."""
    return values.dtype == object and all(
        _is_missing(one) or (isinstance(one, int | Decimal) and not isinstance(one, bool)) for one in values
    )


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def _json(value: Any) -> str:
    return _JSON.encode(value).decode()


def _needed(package: str, what: str, extra: str) -> ModuleType:
    try:
        return importlib.import_module(package)
    except ImportError:
        raise ConfigurationError(
            f"{what} files need the package {package.partition('.')[0]}, which is not installed: "
            f"pip install 'ledgerkit-enterprise[{extra}]', or save as CSV."
        ) from None


WRITERS: Final[Mapping[str, Writer]] = {"csv": _csv, "xlsx": _excel, "parquet": _parquet}
