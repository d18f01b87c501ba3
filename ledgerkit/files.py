"""Frames from CSV files, exactly: what ``df.to_csv`` wrote comes back with every digit."""

import ast
import csv
import re
from collections.abc import Iterable, Mapping
from os import PathLike
from typing import Any, Final

import pandas as pd

from ledgerkit.defusing import MARK, original_frame
from ledgerkit.errors import InvalidRequest
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

# Options of pandas that would undo what this is for.
NOT_TAKEN: Final = frozenset({"dtype", "na_values", "keep_default_na", "chunksize", "iterator", "converters"})

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

# As Python writes an int or a Decimal. 007, +1 and 12e4 are names, telephone numbers and hashes.
NUMBER_AS_WRITTEN: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?(E[+-]\d+)?", re.ASCII)


def read_csv(path: str | PathLike[str], **options: Any) -> pd.DataFrame:
    """Read a CSV file that was written from a frame of the kit.

    Amounts come back as exact integers, times in UTC, ids as ``Int64``; ``pd.read_csv`` would make floats of
    amounts above 2^64 and of columns with gaps.

    Parameters
    ----------
    path
        The file. Where a form saved it, texts that a spreadsheet would calculate have an apostrophe before them, and
        its last column says which: here they come back without. What ``df.to_csv`` wrote is read as it stands.
    **options
        Passed on to ``pandas.read_csv``: ``sep``, ``encoding`` and the like.

    Returns
    -------
    DataFrame
        Known columns have the dtypes that they had. Others: whole numbers are exact integers, numbers with a fraction
        exact Decimals, anything else text.
    """
    for name in NOT_TAKEN & options.keys():
        raise InvalidRequest(f"read_csv does not take `{name}`: it reads every column exactly, and the file at once.")
    frame: pd.DataFrame = pd.read_csv(
        path, **{**_line_end(path, options), **options, "dtype": "str", "keep_default_na": False, "na_values": [""]}
    )
    if "usecols" in options and MARK not in frame.columns:
        _require_no_mark(path, options)
    frame = original_frame(frame)
    if len(frame.columns) and str(frame.columns[0]).startswith("Unnamed: 0"):
        frame = frame.set_index(frame.columns[0])
        if all(re.fullmatch(r"0|[1-9][0-9]*", str(label)) for label in frame.index):
            frame.index = pd.Index([int(label) for label in frame.index])
    kinds = _kinds(set(frame.columns))
    for name in frame.columns:
        values = [None if value is pd.NA or value != value else value for value in frame[name]]
        kind = kinds.get(str(name), TEXT if ADDED_TEXTS.fullmatch(str(name)) else None)
        series = _read(values, kind)
        frame[name] = series.set_axis(frame.index)
    return frame


def _require_no_mark(path: Any, options: Mapping[str, Any]) -> None:
    """Raise where the columns that are asked for leave out the one that says which texts have an apostrophe more."""
    if not isinstance(path, str | PathLike):
        return
    others = {name: value for name, value in options.items() if name not in ("usecols", "nrows", "skipfooter")}
    if MARK in pd.read_csv(path, **others, nrows=0, dtype="str").columns[-1:]:
        raise InvalidRequest(
            f"`usecols` leaves out the column `{MARK}` of this file, which says where a text has an apostrophe that "
            "is not its own: read the whole file, and take the columns from the frame.",
            field="usecols",
        )


def _line_end(path: Any, options: Mapping[str, Any]) -> dict[str, str]:
    """Return the option for files whose lines end in a line feed: a lone carriage return is text there.

    The csv module of Python 3.11 does not quote one, and pandas takes each for the end of a row: half an address
    became a row of its own.
    """
    separator = options.get("sep", options.get("delimiter", ","))
    other_parser = options.get("engine", "c") != "c" or "skipfooter" in options or len(separator or "") != 1
    if other_parser or not isinstance(path, str | PathLike):  # only pandas' own parser has the option
        return {}
    of_file = ("compression", "encoding", "encoding_errors", "storage_options")
    same = {name: options[name] for name in of_file if name in options}
    lines: pd.DataFrame = pd.read_csv(
        path,
        header=None,
        names=["line"],
        sep="\0",
        quoting=csv.QUOTE_NONE,
        nrows=1,
        lineterminator="\n",
        dtype="str",
        **same,
    )
    return {} if lines["line"].str.contains("\r").any() else {"lineterminator": "\n"}


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
        values = [{"True": True, "False": False}.get(value, value) for value in values]
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
