"""Tables of reports: declared columns, filled from rows, with the same dtypes for no rows as for many."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from ledgerkit.frames import AMOUNT, INTEGER, NUMBER, OBJECT, SERIES, TIME
from ledgerkit.session import Session


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
    columns: dict[str, pd.Series[Any]] = {}
    for name, kind in kinds.items():
        values = [plain(row.get(name), as_text=kind == TIME) for row in listed]
        # A Decimal keeps its places, where the reader of answers makes an int of a whole one.
        columns[name] = SERIES[OBJECT if kind == NUMBER else kind](values)
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
    names = [str(name) for name in df.columns]
    columns = [[plain(value) for value in df[name].tolist()] for name in df.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def scaled(
    session: Session, kinds: Mapping[str, str], rows: Sequence[Mapping[str, Any]], *names: str
) -> pd.DataFrame:
    """Return a frame of rows with amounts in the unit of their account beside those in base units.

    Parameters
    ----------
    names
        ``"amount"`` for rows that hold ``amount_base``; ``ticker`` is filled in too. Rows have an ``account_id``.
    """
    columns = [f"{name}_base" for name in names]
    base = tabled({"account_id": INTEGER, **dict.fromkeys(columns, AMOUNT)}, rows)
    shown = records(session.to_display(base, dict.fromkeys(columns, "amount")))
    return tabled(
        kinds,
        [
            {**row, "ticker": one["ticker"], **{name: one[f"{name}_base_display"] for name in names}}
            for row, one in zip(rows, shown, strict=True)
        ],
    )
