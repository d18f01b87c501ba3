"""Lists inside of a frame, opened: one row for each member."""

from collections.abc import Hashable
from typing import Any

import pandas as pd

from ledgerkit.errors import InvalidRequest


def explode(df: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return a frame with one row for each member of the lists in a column.

    Where the members are objects, their fields become columns named ``<column>_<field>``. The other columns are
    repeated; a row whose list is empty or missing stays, with missing values.

    Parameters
    ----------
    df
        Any frame.
    column
        The column with the lists, such as ``"notes"``, ``"addresses"`` or ``"governance_rules"``.

    Raises
    ------
    InvalidRequest
        There is no such column, or it holds no lists.
    """
    if column not in df.columns:
        raise InvalidRequest(f"there is no column {column!r}; the frame has: {', '.join(map(str, df.columns))}.")
    for value in df[column]:
        if not isinstance(value, list | tuple) and not _missing(value):
            raise InvalidRequest(f"{column!r} holds no lists but {type(value).__name__}: nothing to explode.")
    rows = df.explode(column, ignore_index=True)
    members = rows[column].tolist()
    rows = rows.assign(**{column: pd.Series([_known(member) for member in members], dtype=object)})
    if not any(isinstance(member, dict) for member in members):
        return rows
    fields = dict.fromkeys(field for member in members if isinstance(member, dict) for field in member)
    opened: dict[Hashable, pd.Series[Any]] = {}
    for field in fields:
        name = f"{column}_{field}"
        while name in df.columns or name in opened:
            name += "_"  # there is a column of this name already: both are kept
        inner = [_known(member.get(field)) if isinstance(member, dict) else pd.NA for member in members]
        opened[name] = pd.Series(inner, dtype=object)
    whole = [not isinstance(member, dict) and not _missing(member) for member in members]
    if not any(whole):
        rows = rows.drop(columns=column)
    position = df.columns.get_loc(column)
    left, right = rows.columns[:position], rows.columns[position:]
    result = pd.concat([rows[left], pd.DataFrame(opened), rows[right]], axis=1)
    result.attrs = dict(df.attrs)
    return result


def _missing(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)


def _known(value: Any) -> Any:
    return pd.NA if _missing(value) else value
