"""Frames for people: amounts in the units of their accounts, names beside ids."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Final

import pandas as pd

from ledgerkit.amounts import column_to_display
from ledgerkit.coins import TOKEN_MINT, counts_a_token
from ledgerkit.directory import Directory, Units
from ledgerkit.errors import InvalidRequest
from ledgerkit.frames import AMOUNT, FEES
from ledgerkit.operations import table_of, tables

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

# Columns to scale: their names, or for columns of one's own also whether they hold amounts or fees.
Columns = str | Iterable[str] | Mapping[str, str] | None


def to_display(df: pd.DataFrame, columns: Columns, directory: Directory) -> pd.DataFrame:
    """See :meth:`ledgerkit.Session.to_display`."""
    directory.check_origin(df)
    kinds = _amount_kinds(df, columns)
    ids = df[_account_column(df)]
    units = directory.units([int(one) for one in ids.dropna().unique()])
    of_rows = [None if pd.isna(one) else units[int(one)] for one in ids]
    for position, of_token in units_of_tokens(df, directory).items():
        fees = of_rows[position]
        of_rows[position] = Units(of_token.amount, None if fees is None else fees.fees, of_token.error)
    row_units = {
        AMOUNT: [None if one is None else one.amount for one in of_rows],
        FEES: [None if one is None else one.fees for one in of_rows],
    }
    # What an earlier call added is computed anew, so that a cell may be run twice.
    result = df.drop(columns=[f"{name}_display" for name in kinds], errors="ignore")
    for name, kind in kinds.items():
        shown = pd.Series(column_to_display(df[name], row_units[kind]), dtype=object, index=df.index)
        result.insert(result.columns.tolist().index(name) + 1, f"{name}_display", shown)
    for title, kind in (("ticker", AMOUNT), ("fees_ticker", FEES)):
        if kind in kinds.values():
            texts = [None if unit is None else unit.code for unit in row_units[kind]]
            result[title] = pd.Series(texts, dtype="str", index=df.index)
    notes = [_note(one, set(kinds.values())) for one in of_rows]
    result["display_note"] = pd.Series(notes, dtype="str", index=df.index)
    return result


def with_names(df: pd.DataFrame, directory: Directory) -> pd.DataFrame:
    """See :meth:`ledgerkit.Session.with_names`."""
    directory.check_origin(df)
    table = table_of(df.attrs.get("endpoint"))
    result = df.copy()
    for column, kind in NAMED.items():
        name = f"{column.removesuffix('_id')}_name"
        if column not in df.columns:
            continue
        if name in df.columns:
            if table is None or name in table.kinds:
                continue  # a name that the service gives
            result = result.drop(columns=name)  # what an earlier call added is looked up anew
        known = directory.names(kind, [int(one) for one in df[column].dropna().unique()])
        texts = [None if pd.isna(one) else known.get(int(one)) for one in df[column]]
        result.insert(result.columns.tolist().index(column) + 1, name, pd.Series(texts, dtype="str", index=df.index))
    return result


def units_of_tokens(df: pd.DataFrame, directory: Directory) -> dict[int, Units]:
    """Return the units of rows whose amount counts a token, by position: the unit of their account would be wrong."""
    if "type" not in df.columns:
        return _units_not_told(df, directory)
    rows = [position for position, kind in enumerate(df["type"]) if counts_a_token(kind)]
    found: dict[int, Units] = {}
    tokens: dict[str, dict[str, list[int]]] = {}
    for position in rows:
        currency, mint = (
            df[name].iloc[position] if name in df.columns else None for name in ("currency", TOKEN_MINT)
        )
        if isinstance(currency, str) and isinstance(mint, str):
            tokens.setdefault(currency, {}).setdefault(mint, []).append(position)
        else:
            found[position] = Units(None, None, "the amount counts a token, and the row does not say which")
    for currency, mints in tokens.items():
        units = directory.token_units(currency, mints)
        found |= {position: units[mint] for mint, positions in mints.items() for position in positions}
    return found


def _units_not_told(df: pd.DataFrame, directory: Directory) -> dict[int, Units]:
    """Return that there is no unit for rows of transactions that may count a token, and have lost their type."""
    if df.attrs.get("table", "transaction") != "transaction" or not {"amount", "account_id"} <= set(df.columns):
        return {}
    lost = Units(None, None, "the row has lost its `type`, which tells SOL from a token: keep that column")
    ids = enumerate(df["account_id"])
    return {at: lost for at, one in ids if not pd.isna(one) and directory.has_light_tokens(int(one))}


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


def _amount_kinds(df: pd.DataFrame, columns: Columns) -> dict[str, str]:
    """Return the columns of a frame that hold amounts or fees, and which of the two."""
    table = table_of(df.attrs.get("endpoint"))
    if table is not None:
        known = {name: kind for name, kind in table.kinds.items() if kind in (AMOUNT, FEES)}
    else:
        # A frame that was merged or read from a file has lost its origin: go by names that mean one thing only.
        found: dict[str, set[str]] = {}
        for one in tables().values():
            for name, kind in one.kinds.items():
                found.setdefault(name, set()).add(kind)
        known = {name: kinds.pop() for name, kinds in found.items() if kinds in ({AMOUNT}, {FEES})}
    if columns is None:
        return {name: kind for name, kind in known.items() if name in df.columns and "coin_fields" not in name}
    if isinstance(columns, str):
        columns = [columns]
    asked: Mapping[str, str | None] = (
        columns if isinstance(columns, Mapping) else {name: known.get(name) for name in columns}
    )
    chosen = {}
    for name, wanted in asked.items():
        if name not in df.columns:
            near = difflib.get_close_matches(name, map(str, df.columns), n=3)
            hint = (
                f"did you mean {' or '.join(near)}?" if near else f"the frame has: {', '.join(map(str, df.columns))}."
            )
            raise InvalidRequest(f"there is no column {name!r}; {hint}", field="columns")
        if wanted not in (AMOUNT, FEES):
            # Fees of a token are in another coin than its amounts: a guess would be wrong by many powers of ten.
            raise InvalidRequest(
                f"whether {name!r} holds amounts or fees is not known: say so, columns={{{name!r}: 'amount'}} where "
                f"it is in the unit of the account's amounts, columns={{{name!r}: 'fees'}} where in that of fees.",
                field="columns",
            )
        chosen[name] = wanted
    return chosen


def _account_column(df: pd.DataFrame) -> str:
    if "account_id" in df.columns:
        return "account_id"
    of_accounts = df.attrs.get("table") == "account" or {"balance", "available_balance"} <= set(df.columns)
    if "id" in df.columns and of_accounts:
        return "id"
    raise InvalidRequest(
        "units are those of accounts, and this frame names none: it has no column `account_id` and is no frame of "
        "accounts."
    )
