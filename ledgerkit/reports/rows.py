"""Rows to the tables of reports and back: declared columns, the same dtypes for no rows as for many."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from ledgerkit.frames import NUMBER, OBJECT, SERIES, TIME

Row = dict[str, Any]


def framed(kinds: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return rows as a frame of declared columns; what a row lacks is missing, what is not declared is left out.

    Parameters
    ----------
    kinds
        Column to kind, as :mod:`ledgerkit.frames` names them; a ``NUMBER`` keeps the places of a Decimal.
    rows
        Of Python values. Times are moments or their texts, missing values None, ``pd.NA`` or NaN.
    """
    listed = list(rows)
    columns: dict[str, pd.Series[Any]] = {}
    for name, kind in kinds.items():
        values = [_plain(row.get(name), as_text=kind == TIME) for row in listed]
        # A Decimal keeps its places, where the reader of answers makes an int of a whole one.
        columns[name] = SERIES[OBJECT if kind == NUMBER else kind](values)
    return pd.DataFrame(columns)


def records(frame: pd.DataFrame | None) -> list[Row]:
    """Return the rows of a frame as dicts, with None for what is missing; of no frame none."""
    if frame is None:
        return []
    names = [str(name) for name in frame.columns]
    columns = [[_plain(value) for value in frame[name].tolist()] for name in frame.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def absent(value: Any) -> bool:
    """Say whether a value stands for none."""
    return not isinstance(value, list | dict) and (
        value is None or value is pd.NA or value is pd.NaT or bool(value != value)
    )


def counted(number: int, one: str, several: str = "") -> str:
    """Return a number with its noun: 1 row, 2 rows."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def _plain(value: Any, *, as_text: bool = False) -> Any:
    if absent(value):
        return None
    return value.isoformat() if as_text and isinstance(value, pd.Timestamp) else value
