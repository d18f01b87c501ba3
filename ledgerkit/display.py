"""Frames for people: amounts in the units of their accounts, names beside ids."""

from collections.abc import Iterable
from typing import Final

import pandas as pd

from ledgerkit.amounts import column_to_display
from ledgerkit.directory import Directory, Units
from ledgerkit.errors import InvalidRequest
from ledgerkit.frames import AMOUNT, FEES
from ledgerkit.operations import TABLES

# The columns that hold the id of something with a name, and what it is the name of.
NAMED: Final = {
    "account_id": "account",
    "parent": "account",
    "parent_id": "account",
    "created_by": "user",
    "updated_by": "user",
    "request_created_by": "user",
    "group_id": "group",
    "asset_manager_approver_group_id": "group",
    "exchange_approver_group_id": "group",
}


def to_display(df: pd.DataFrame, columns: Iterable[str] | None, directory: Directory) -> pd.DataFrame:
    """See :meth:`ledgerkit.Session.to_display`."""
    directory.check_origin(df)
    kinds = _amount_kinds(df, columns)
    ids = df[_account_column(df)]
    units = directory.units([int(one) for one in ids.dropna().unique()])
    of_rows = [None if pd.isna(one) else units[int(one)] for one in ids]
    # What an earlier call added is computed anew, so that a cell may be run twice.
    result = df.drop(columns=[f"{name}_display" for name in kinds], errors="ignore")
    for name, kind in kinds.items():
        row_units = [None if one is None else one.fees if kind == FEES else one.amount for one in of_rows]
        shown = pd.Series(column_to_display(df[name], row_units), dtype=object, index=df.index)
        result.insert(result.columns.tolist().index(name) + 1, f"{name}_display", shown)
    for title, kind in (("ticker", AMOUNT), ("fees_ticker", FEES)):
        if kind in kinds.values():
            codes = [None if one is None else one.fees if kind == FEES else one.amount for one in of_rows]
            texts = [None if unit is None else unit.code for unit in codes]
            result[title] = pd.Series(texts, dtype="str", index=df.index)
    notes = [_note(one, set(kinds.values())) for one in of_rows]
    result["display_note"] = pd.Series(notes, dtype="str", index=df.index)
    return result


def with_names(df: pd.DataFrame, directory: Directory) -> pd.DataFrame:
    """See :meth:`ledgerkit.Session.with_names`."""
    directory.check_origin(df)
    result = df.copy()
    for column, kind in NAMED.items():
        name = f"{column.removesuffix('_id')}_name"
        if column not in df.columns or name in df.columns:
            continue
        known = directory.names(kind, [int(one) for one in df[column].dropna().unique()])
        texts = [None if pd.isna(one) else known.get(int(one)) for one in df[column]]
        result.insert(result.columns.tolist().index(column) + 1, name, pd.Series(texts, dtype="str", index=df.index))
    return result


def _note(units: Units | None, kinds: set[str]) -> str | None:
    """Say why a row lacks a unit of what is shown of it."""
    if units is None:
        return "no unit known: the row has no account"
    if units.error:
        return f"no unit known: {units.error}"
    missing = [
        words
        for kind, unit, words in ((AMOUNT, units.amount, "no unit"), (FEES, units.fees, "no unit of fees"))
        if kind in kinds and unit is None
    ]
    return f"{' and '.join(missing)} known: the service names none" if missing else None


def _amount_kinds(df: pd.DataFrame, columns: Iterable[str] | None) -> dict[str, str]:
    """Return the columns of a frame that hold amounts or fees, and which of the two."""
    table = TABLES.get(df.attrs.get("endpoint", ""))
    if table is not None:
        known = {name: kind for name, kind in table.kinds.items() if kind in (AMOUNT, FEES)}
    else:
        # A frame that was merged or read from a file has lost its origin: go by names that mean one thing only.
        found: dict[str, set[str]] = {}
        for one in TABLES.values():
            for name, kind in one.kinds.items():
                found.setdefault(name, set()).add(kind)
        known = {name: kinds.pop() for name, kinds in found.items() if kinds in ({AMOUNT}, {FEES})}
    if columns is None:
        return {name: kind for name, kind in known.items() if name in df.columns and "coin_fields" not in name}
    for name in columns:
        if name not in df.columns:
            raise InvalidRequest(f"there is no column {name!r}; the frame has: {', '.join(map(str, df.columns))}.")
    return {name: known.get(name, AMOUNT) for name in columns}


def _account_column(df: pd.DataFrame) -> str:
    if "account_id" in df.columns:
        return "account_id"
    if {"id", "balance", "available_balance"} <= set(df.columns):
        return "id"
    raise InvalidRequest(
        "units are those of accounts, and this frame names none: it has no column `account_id` and is no frame of "
        "accounts."
    )
