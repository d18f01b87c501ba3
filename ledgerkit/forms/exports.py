"""What was found to files: CSV that comes back exactly, Excel with names and units, Parquet."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ledgerkit.defusing import MARK, defused_frame
from ledgerkit.directory import Directory
from ledgerkit.display import to_display, with_names
from ledgerkit.errors import LedgerError
from ledgerkit.forms.views import column_kinds
from ledgerkit.forms.workspace import Workspace
from ledgerkit.frames import AMOUNT, FEES
from ledgerkit.saving import save
from ledgerkit.workbooks import EXCEL_DIGITS, as_json, is_exact, is_missing, needed, write_workbook


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
    writer = WRITERS[kind]
    described = frame.copy(deep=False)
    described.attrs.update(about or {})
    path, notes = save(folder, name, kind, lambda part: writer(workspace, described, part))
    return Written(path, len(frame), notes)


def _csv(workspace: Workspace, frame: pd.DataFrame, path: Path) -> tuple[str, ...]:
    safe = defused_frame(frame)
    # With this end of lines the csv module of Python 3.11 too quotes a lone carriage return.
    safe.to_csv(path, index=False, lineterminator="\r\n", encoding="utf-8")
    notes = []
    if safe is not frame:
        notes.append(
            "texts that a spreadsheet would calculate have an apostrophe before them; the last column, "
            f"{MARK}, says in which rows, and read_csv takes them away again"
        )
    columns = ((str(name), frame.iloc[:, position]) for position, name in enumerate(frame.columns))
    fractions = [name for name, values in columns if values.dtype == object and any(map(_has_fraction, values))]
    if fractions:
        notes.append(f"lists with fractions inside come back from read_csv as text: {', '.join(fractions)}")
    return tuple(notes)


def _has_fraction(value: Any) -> bool:
    """Return whether there is a Decimal inside of a list or dict."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(isinstance(one, Decimal) or _has_fraction(one) for one in inner)


def _excel(workspace: Workspace, frame: pd.DataFrame, path: Path) -> tuple[str, ...]:
    shown, notes = _for_people(workspace, frame)
    about = {
        **{str(name): value for name, value in frame.attrs.items()},
        "rows": len(frame),
        "amounts": "text, in base units: every digit is kept; columns that end in _display are in the unit of ticker",
        "integers": f"text where they have more than {EXCEL_DIGITS} digits, which Excel would round",
        **{f"note on rows {number}": note for number, note in enumerate(notes, start=1)},
    }
    return (*notes, *write_workbook(path, {"rows": shown}, about))


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
        if is_exact(frame[name]):
            texts = [None if is_missing(value) else str(value) for value in frame[name]]
            result[name] = pd.Series(texts, dtype=object, index=frame.index)
    return result


def _parquet(workspace: Workspace, frame: pd.DataFrame, path: Path) -> tuple[str, ...]:
    arrow = needed("pyarrow", "Parquet", "archive")
    parquet = needed("pyarrow.parquet", "Parquet", "archive")
    numbers: list[str] = []
    nested: list[str] = []
    columns = {}
    for name in frame.columns:
        values = frame[name]
        if values.dtype != object:
            columns[name] = values
            continue
        exact = is_exact(values)
        (numbers if exact else nested).append(str(name))
        texts = [None if is_missing(one) else str(one) if exact else as_json(one) for one in values]
        columns[name] = pd.Series(texts, dtype="str", index=frame.index)
    shown = pd.DataFrame(columns, index=frame.index)
    table = arrow.Table.from_pandas(shown, preserve_index=False)
    said = {
        "attrs": frame.attrs,
        "exact numbers as text": numbers,
        "JSON as text": nested,
        "why": "amounts have up to 78 digits, and no number type of Parquet holds them all",
    }
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), b"ledgerkit": as_json(said).encode()})
    parquet.write_table(table, path)
    return (f"amounts and other exact numbers are text: {', '.join(numbers)}",) if numbers else ()


WRITERS: Final[Mapping[str, Writer]] = {"csv": _csv, "xlsx": _excel, "parquet": _parquet}
