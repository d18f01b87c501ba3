"""Frames from CSV files, exactly: what ``df.to_csv`` wrote comes back with every digit."""

import ast
import csv
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Final

import pandas as pd
from pandas.io.common import get_handle  # type: ignore[import-not-found]  # pandas' stubs leave the module out

from ledgerkit.defusing import original_columns
from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.frames import (
    AMOUNT,
    EXACT,
    FEES,
    FLAG,
    INTEGER,
    LIST,
    OBJECT,
    REFERENCE,
    SERIES,
    TEXT,
    TIME,
    Table,
    exact,
)
from ledgerkit.operations import tables

# Which kind wins for a column whose name has several in different tables: the one that keeps most.
STRONGEST_FIRST: Final = (
    AMOUNT,
    FEES,
    *sorted(EXACT - {AMOUNT, FEES}),
    TEXT,
    LIST,
    OBJECT,
    TIME,
    FLAG,
    REFERENCE,
    INTEGER,
)

# A column such as `id`, an integer but for pledges and settlements: an integer where no digit is lost by it.
TEXT_OR_INTEGER: Final = "text or integer"
ID_AS_WRITTEN: Final = re.compile(r"0|[1-9]\d{0,18}", re.ASCII)

# What `with_names`, `to_display`, several ids at once and `explode` add beside the columns of tables: a user may be
# called 1E+5.
ADDED_TEXTS: Final = re.compile(
    r".+_name|error|(fees_)?ticker|display_note|notes_(title|content)|addresses_(address|currency)"
)

# As pandas writes them, and Excel, which writes TRUE.
FLAGS_AS_WRITTEN: Final = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}

# The end of the first line, which is none inside of quotation marks.
FIRST_LINE: Final = re.compile(r'(?:[^"\r\n]++|"[^"]*+")*+(\r\n|\r|\n)?')

# Excel's own line before the header, which says what parts values. pandas puts quotation marks around such a name.
SEPARATOR_SAID: Final = re.compile(r"sep=([^\r\n])(?:\r\n|\r|\n|\Z)", re.IGNORECASE)

# What may part the values of a file, the likeliest first.
SEPARATORS: Final = ",;\t|"

# As Python writes an int or a Decimal. 007, +1 and 12e4 are names, telephone numbers and hashes.
NUMBER_AS_WRITTEN: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?(E[+-]\d+)?", re.ASCII)


def read_csv(
    path: Any,
    *,
    sep: str | None = None,
    encoding: str = "utf-8",
    compression: Any = "infer",
    skipinitialspace: bool = False,
    nrows: int | None = None,
    usecols: Iterable[str] | None = None,
    index_col: str | int | None = None,
    **others: Any,
) -> pd.DataFrame:
    """Read a CSV file that was written from a frame of the kit.

    Amounts come back as exact integers, times in UTC, ids as ``Int64``; ``pd.read_csv`` would make floats of
    amounts above 2^64 and of columns with gaps.

    Parameters
    ----------
    path
        The file. Where a form saved it, texts that a spreadsheet would calculate have an apostrophe before them, and
        its column ``apostrophe_added`` says in which rows: here they come back without. What ``df.to_csv`` wrote is
        read as it stands.
    sep
        What parts its values, a comma where nothing is said. A first line ``sep=;``, as Excel takes it, is left out.
    encoding
        What it is written in.
    compression
        As of ``pandas.read_csv``: by default what its name ends in says it.
    skipinitialspace
        Whether blanks behind ``sep`` are left out.
    nrows
        How many rows are returned.
    usecols
        The columns that are returned, a list of names.
    index_col
        The column that becomes the index, by name or by position; by default the first, where it has no name, as
        ``df.to_csv`` writes an index.

    Returns
    -------
    DataFrame
        Known columns have the dtypes that they had. Others: whole numbers are exact integers, numbers with a fraction
        exact Decimals, anything else text. A CSV file does not tell an empty text from no value: both come back as
        none. Nor does it tell a carriage return at the end of a row from the end of the line, but in quotes.

    Raises
    ------
    InvalidRequest
        The file can't be read, a row has more or fewer values than the header has names, or the values are not
        parted by ``sep``. Any other option of ``pandas.read_csv``: it would be without effect, or change values.
    """
    for name in others:
        raise InvalidRequest(
            f"read_csv does not take `{name}`: it reads every value exactly as it is written, and the file at once. "
            "It takes sep, encoding, compression, skipinitialspace, nrows, usecols and index_col.",
            field=name,
        )
    if nrows is not None and (type(nrows) is not int or nrows < 0):
        raise InvalidRequest(f"`nrows` = {shorten(nrows)} is no number of rows.", field="nrows")
    if usecols is not None and (isinstance(usecols, str | bytes) or not isinstance(usecols, Iterable)):
        raise InvalidRequest(
            f"`usecols` = {shorten(usecols)} can't be used: it takes a list of names of columns, such as ['id', "
            "'amount'].",
            field="usecols",
        )
    said = str(path) if isinstance(path, str | PathLike) else "the file"
    names, columns, unnamed = _columns(
        _lines(_text(path, said, encoding, compression), said, sep, skipinitialspace), nrows
    )
    if index_col is None and unnamed:
        index_col = 0
    kinds = _kinds(set(names))
    wanted = (
        range(len(names)) if usecols is None else sorted({_position(said, names, one, "usecols") for one in usecols})
    )
    index = None if index_col is None else _position(said, names, index_col, "index_col")
    shown = [position for position in wanted if position != index]
    series = {position: _read(columns[position], _kind(kinds, names[position])) for position in shown}
    frame = pd.DataFrame(series, index=pd.RangeIndex(len(columns[0]) if columns else 0), copy=False)
    frame.columns = pd.Index([names[position] for position in shown], dtype="str")
    if index is not None:
        frame.index = _index(names[index], columns[index], kinds)
    return frame


def read_sheet(
    path: Path, said: str, *, field: str, separators: str, header_counts: bool
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Read a CSV file that somebody made, as its texts.

    Parameters
    ----------
    path
        The file, in UTF-8.
    said
        What it is called in errors.
    field
        The parameter that errors name.
    separators
        What may part its values here; its header shows what does.
    header_counts
        Whether rows are counted as a spreadsheet shows them, from its header on, or those with a value alone.

    Returns
    -------
    tuple
        The names of the columns, and each row that has a value, with its number. The first column is not among them
        where it has no name, as ``df.to_csv`` writes an index, nor one that has neither a name nor a value.

    Raises
    ------
    InvalidRequest
        The file can't be read, something else parts its values, or a row has more or fewer than the header.
    """
    text = _text(path, said, field=field)
    hint = SEPARATOR_SAID.match(text)
    header = FIRST_LINE.match(text, hint.end() if hint else 0)
    sep = hint[1] if hint else max(SEPARATORS, key=header[0].count if header else text.count)
    if sep not in separators:
        raise InvalidRequest(
            f"the values of {said} are parted by {sep!r}, and not by {' or '.join(map(repr, separators))} as here: "
            f"save it so, or give pd.read_csv(path, sep={sep!r}, dtype=str).",
            field=field,
        )
    records = _records(text, said, sep, skip_blanks=False, field=field)
    start = next((at for at, record in enumerate(records) if record), None)
    if start is None:
        raise InvalidRequest(f"{said} is empty: its first row names the columns.", field=field)
    head = [name.strip() for name in records[start]]
    skipped = int(not head[0])
    rows: list[tuple[int, list[str]]] = []
    for at, record in enumerate(records[start + 1 :], start + 2):
        if not any(value.strip() for value in record[skipped:]):
            continue
        number = at if header_counts else len(rows) + 1
        _check_length(number, record, head, said, sep, field)
        rows.append((number, record))
    kept = [at for at, name in enumerate(head) if name or (at and any(row[at].strip() for _, row in rows))]
    return [head[at] for at in kept], [(number, [row[at] for at in kept]) for number, row in rows]


def _text(
    path: Any, said: str, encoding: str = "utf-8", compression: Any = "infer", *, field: str | None = None
) -> str:
    try:
        with get_handle(path, "r", encoding=encoding, compression=compression) as file:
            text = str(file.handle.read())
    except UnicodeError:
        way = (
            f"not written in {encoding}. Say in what it is: lk.read_csv(path, encoding='cp1252'), as Excel writes on "
            "Windows, or encoding='utf-16'."
            if field is None
            else "not in UTF-8: save it as “CSV UTF-8”, so that no name changes."
        )
        raise InvalidRequest(f"{said} is {way}", field=field or "encoding") from None
    except (OSError, EOFError, LookupError, ValueError, zlib.error) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise InvalidRequest(f"{said} can't be read: {why}.", field=field or "path") from None
    return text.removeprefix("\ufeff")  # as Excel begins a file in UTF-8


def _lines(text: str, said: str, sep: str | None, skip_blanks: bool) -> list[list[str]]:
    """Return the header and the rows, each with as many values as the header."""
    if sep is not None and (not isinstance(sep, str) or len(sep) != 1 or sep in '"\r\n'):
        raise InvalidRequest(f"`sep` = {shorten(sep)} is not one character, such as ';'.", field="sep")
    hint = SEPARATOR_SAID.match(text)
    if hint and hint[1] != (sep or ","):
        raise InvalidRequest(
            f"the first line of {said} says that {hint[1]!r} parts its values: read it with lk.read_csv(path, "
            f"sep={hint[1]!r}), or take that line away.",
            field="sep",
        )
    return _even(_records(text, said, sep or ",", skip_blanks=skip_blanks, field="path"), said, sep)


def _records(text: str, said: str, sep: str, *, skip_blanks: bool, field: str) -> list[list[str]]:
    """Return the values of each line, but for one of Excel that says what parts them.

    Where lines end in a line feed, a lone carriage return is text: the csv module of Python 3.11 does not quote one,
    and readers take each for the end of a row, so that half an address became a row of its own. Those directly before
    the line feed are its own, where files of two systems were put together: one stayed at the end of each address.
    """
    hint = SEPARATOR_SAID.match(text)
    begin = hint.end() if hint else 0
    first = FIRST_LINE.match(text, begin)
    end = first[1] if first else None
    ends_in_feed = end == "\n" or (end == "\r" and "\n" in text and not text.endswith("\r"))
    line_end = re.compile(r"[^\n]*\n|[^\n]+" if ends_in_feed else r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
    found = (line[0] for line in line_end.finditer(text, begin))  # StringIO would hold four bytes of each character
    stand_in = None
    if ends_in_feed and "\r" in text:
        stand_in = next(one for one in map(chr, range(0xE000, 0xF900)) if one not in text)
        found = (_replaced(line, stand_in) if "\r" in line else line for line in found)
    reader = csv.reader(found, delimiter=sep, skipinitialspace=skip_blanks, strict=True)
    limit = csv.field_size_limit(max(len(text), csv.field_size_limit()))
    try:
        lines = list(reader)
    except csv.Error as error:
        number = reader.line_num + (hint is not None)
        raise InvalidRequest(f"line {number} of {said} can't be read: {error}.", field=field) from None
    finally:
        csv.field_size_limit(limit)
    if stand_in:
        lines = [[value.replace(stand_in, "\r") for value in line] for line in lines]
    return lines


def _replaced(line: str, stand_in: str) -> str:
    """Return a line with something else for each carriage return before its end; in quotes the reader keeps those."""
    body = line.rstrip("\r\n")
    return body.replace("\r", stand_in) + line[len(body) :]


def _columns(lines: list[list[str]], most: int | None) -> tuple[list[str], list[list[str | None]], bool]:
    """Return the names and texts of the columns, and whether the first has no name; the rows can go then."""
    head, *rows = lines
    rows = rows[:most]
    texts = [[row[position] or None for row in rows] for position in range(len(head))]
    return *original_columns(head, texts), head[0] == ""


def _even(lines: list[list[str]], said: str, sep: str | None) -> list[list[str]]:
    """Return lines without those that are empty, where none is longer or shorter than the header."""
    while lines and not lines[-1]:
        lines.pop()
    if not any(lines):
        raise InvalidRequest(f"{said} has nothing in it, not even the names of columns.", field="path")
    start = next(number for number, line in enumerate(lines) if line)
    head, rows = lines[start], lines[start + 1 :]
    if len(head) == 1:
        rows = [row or [""] for row in rows]  # an empty line is a row without a value
        # Who says that it is a comma has been told of the others.
        others = "" if sep == "," else SEPARATORS.replace(sep or ",", "")
        other = next((one for one in others if one in head[0]), None)
        if other and all(other in row[0] or len(row) > 1 for row in rows if "".join(row).strip()):
            named = "where that is the name of its column"
            way = f"or with sep=',' {named}" if other != "," else f"{named}, with quotes around it and its values"
            raise InvalidRequest(
                f"{said} has one column, {shorten(head[0])}, and looks parted by {other!r}: read it with "
                f"lk.read_csv(path, sep={other!r}), {way}.",
                field="sep",
            )
    else:
        rows = [row for row in rows if len(row) > 1 or "".join(row).strip()]
    for number, row in enumerate(rows, 1):
        _check_length(number, row, head, said, sep or ",", "path")
    return [head, *rows]


def _check_length(number: int, row: Sequence[str], head: Sequence[str], said: str, sep: str, field: str) -> None:
    if len(row) == len(head):
        return
    named = "comma" if sep == "," else repr(sep)
    raise InvalidRequest(
        f"row {number} of {said} has {len(row)} values, and the header {len(head)} columns: a {named} inside "
        f"of a value needs quotes around it, and a {named} at the end of a row one at the end of the header.",
        field=field,
        row=number,
    )


def _position(said: str, names: Sequence[str], asked: str | int, field: str) -> int:
    """Return where the column is that somebody asks for by its name, or by its position."""
    if type(asked) is int and asked in range(len(names)):
        return asked
    if (found := names.count(str(asked))) == 1 and isinstance(asked, str):
        return names.index(asked)
    raise InvalidRequest(
        f"{said} has {found or 'no'} columns called {shorten(asked)}: it has {shorten(', '.join(names), 300)}.",
        field=field,
    )


def _index(name: str, texts: list[str | None], kinds: Mapping[str, str]) -> Any:
    if name:
        return pd.Index(_read(texts, _kind(kinds, name)).array, name=name)
    plain = all(text and ID_AS_WRITTEN.fullmatch(text) for text in texts)
    return pd.Index([int(text) for text in texts if text]) if plain else pd.Index(texts, dtype="str")


def _kind(kinds: Mapping[str, str], name: str) -> str | None:
    return kinds.get(name, TEXT if ADDED_TEXTS.fullmatch(name) else None)


def _kinds(columns: set[str]) -> dict[str, str]:
    """Return the kind of each known column, as it is in the tables that have most of these columns."""
    known = tables().values()
    most = max(len(columns & table.kinds.keys()) for table in known)
    closest = [table for table in known if len(columns & table.kinds.keys()) == most]
    return {**_strongest(known), **_strongest(closest)}


def _strongest(tables: Iterable[Table]) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for table in tables:
        for name, kind in table.kinds.items():
            found.setdefault(name, set()).add(kind)
    return {
        name: TEXT_OR_INTEGER if {TEXT, INTEGER} == kinds else min(kinds, key=STRONGEST_FIRST.index)
        for name, kinds in found.items()
    }


def _read(values: list[Any], kind: str | None) -> "pd.Series[Any]":
    if kind in (LIST, OBJECT):
        return pd.Series([_literal(value) for value in values], dtype=object)
    if kind == FLAG:
        values = [FLAGS_AS_WRITTEN.get(value, value) for value in values]
    if kind == TEXT_OR_INTEGER:
        whole = all(value is None or ID_AS_WRITTEN.fullmatch(value) for value in values)
        kind = INTEGER if whole and any(value is not None for value in values) else TEXT
    try:
        return SERIES[kind](values) if kind else _numbers(values)
    except (ValueError, TypeError, ArithmeticError):
        return SERIES[TEXT](values)


def _numbers(values: list[Any]) -> "pd.Series[Any]":
    for value in values:
        if value is not None and not NUMBER_AS_WRITTEN.fullmatch(value):
            raise ValueError(value)
    if all(value is None for value in values):
        raise ValueError("nothing to go by")
    return pd.Series([exact(value) for value in values], dtype=object)


def _literal(value: Any) -> Any:
    if value is None:
        return pd.NA
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value  # holds what Python can't read back, such as a Decimal: the text is kept
