"""Rows of a plan as people give them, in a frame or a CSV file, read without losing a digit."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.files import read_sheet

Source = pd.DataFrame | str | PathLike[str]


@dataclass(frozen=True)
class Columns:
    """The columns that rows must have, those that they may have, and those of ids, which are whole numbers."""

    required: tuple[str, ...]
    optional: tuple[str, ...]
    ids: frozenset[str] = frozenset()
    # What else a column may be called.
    aliases: Mapping[str, str] = field(default_factory=dict)

    @property
    def all(self) -> tuple[str, ...]:
        """All of them, in the order in which people are told of them."""
        return self.required + self.optional


def read(source: Source, columns: Columns) -> list[dict[str, Any]]:
    """Return the rows of a frame or a CSV file, without the fields that a row leaves empty.

    Values are texts, ints and Decimals: those of a CSV file are its texts, but for ids. A row without any value is
    none and is not counted, as at the end of what a spreadsheet saves; nor is a first column of a file without a
    name, as ``df.to_csv`` writes an index.

    Raises
    ------
    InvalidRequest
        A column is missing or unknown, a row is longer or shorter than the header, a required value is empty, or a
        value of a frame is a float, which may have lost digits already.
    """
    if isinstance(source, pd.DataFrame):
        names = [str(name) for name in source.columns]
        rows = _without_none(source.itertuples(index=False, name=None))
    elif isinstance(source, str | PathLike):
        path = Path(source)
        names, numbered = read_sheet(path, str(path), field="source", separators=",", header_counts=False)
        rows = [values for _, values in numbered]
    else:
        raise InvalidRequest(
            f"{shorten(source)} is neither a DataFrame nor the path of a CSV file with the columns "
            f"{', '.join(columns.all)}.",
            field="source",
        )
    names = [columns.aliases.get(name, name) for name in names]
    _check_names(names, columns)
    if not rows:
        raise InvalidRequest("there are no rows, and so there is nothing to plan.", field="source")
    return [_row(number, dict(zip(names, values, strict=True)), columns) for number, values in enumerate(rows, 1)]


def _without_none(rows: Iterable[Sequence[Any]]) -> list[Sequence[Any]]:
    """Return the rows that have a value: spreadsheets leave others behind the last."""
    return [row for row in rows if any(not _is_none(value) and value != "" for value in row)]


def _check_names(names: Sequence[str], columns: Columns) -> None:
    for name in names:
        if not name:
            raise InvalidRequest("a column has values and no name.", field="source", column=name)
        if name not in columns.all:
            near = difflib.get_close_matches(name.lower(), columns.all, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(columns.all)}."
            raise InvalidRequest(f"there is no column {shorten(name)}. {hint}", field="source", column=name)
        if names.count(name) > 1:
            raise InvalidRequest(f"column {name!r} is there twice.", field="source", column=name)
    if missing := [name for name in columns.required if name not in names]:
        raise InvalidRequest(f"column {', '.join(missing)} is missing.", field="source", column=missing[0])


def _row(number: int, values: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    row = {
        name: read
        for name, value in values.items()
        if (read := _value(number, name, value, is_id=name in columns.ids)) is not None
    }
    if missing := [name for name in columns.required if name not in row]:
        raise InvalidRequest(f"row {number} has no {', '.join(missing)}.", field=missing[0], row=number)
    return row


def _value(number: int, name: str, value: Any, *, is_id: bool) -> Any:
    """Return a value exactly, None where there is none: pandas writes that in four ways."""
    if _is_none(value):
        return None
    if isinstance(value, str):
        text = value.strip()
        return int(text) if is_id and re.fullmatch(r"0|[1-9][0-9]{0,17}", text) else text or None
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value)
    kind = (
        "float, which may have lost digits already"
        if isinstance(value, float | np.floating)
        else type(value).__name__
    )
    raise InvalidRequest(
        f"row {number}: `{name}` = {shorten(value)} is a {kind}. Give a text such as '0.5 BTC', or an int of base "
        "units; pd.read_csv(..., dtype=str) keeps texts.",
        field=name,
        row=number,
    )


def _is_none(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or bool(value != value)
