"""Tables of reports: declared columns, filled from rows, with the same dtypes for no rows as for many."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from ledgerkit.frames import SERIES, TIME


def tabled(kinds: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return a frame of rows; a column that a row lacks is missing there.

    Parameters
    ----------
    kinds
        Column to kind, as :mod:`ledgerkit.frames` names them.
    rows
        Of Python values. Times are moments or their texts, missing values None, ``pd.NA`` or NaN.
    """
    listed = list(rows)
    columns = {
        name: SERIES[kind]([plain(row.get(name), as_text=kind == TIME) for row in listed])
        for name, kind in kinds.items()
    }
    return pd.DataFrame(columns)


def plain(value: Any, *, as_text: bool = False) -> Any:
    """Return a value of a frame as the one that it came from: None for any missing one."""
    if isinstance(value, list | dict):
        return value
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return None
    return value.isoformat() if as_text and isinstance(value, pd.Timestamp) else value


def records(df: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as dicts of plain values."""
    return [{str(name): plain(value) for name, value in row.items()} for row in df.to_dict("records")]
