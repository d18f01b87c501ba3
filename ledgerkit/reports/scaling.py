"""Movements in the units that people use, and rows as frames of declared columns."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from ledgerkit.amounts import Unit, display_unit, to_display
from ledgerkit.directory import Units
from ledgerkit.frames import SERIES, TIME
from ledgerkit.reports.making import Making
from ledgerkit.reports.movement_kinds import DISPLAY, Row


class Scales:
    """The units of movements: those of accounts, and those of tokens that have no account of their own."""

    def __init__(self, making: Making, rows: Iterable[Row]) -> None:
        wanted = {row["unit_of"] for row in rows}
        accounts = {one[1] for one in wanted if one[0] != "light" and one[1] is not None}
        light: dict[str, list[str]] = defaultdict(list)
        for one in wanted:
            if one[0] == "light" and one[1] is not None and one[2] is not None:
                light[one[1]].append(one[2])
        session = making.session
        units = making.part("units of accounts", lambda: session._directory.units(accounts)) if accounts else None
        self._accounts: Mapping[int, Units] = units or {}
        self._light: dict[tuple[str, str], Unit | None] = {}
        for currency, mints in light.items():
            tokens = making.part(
                f"units of tokens on {currency}",
                lambda currency=currency, mints=mints: session.currencies.token(currency, sorted(mints)),  # type: ignore[misc]  # mypy does not infer lambdas with defaults
            )
            for row in [] if tokens is None else plain(tokens):
                self._light[currency, row["contract_address"]] = display_unit(row["units"] or [])

    def of(self, unit_of: tuple[Any, ...]) -> Unit | None:
        """Return the unit that people use for a movement, None where it is not known."""
        if unit_of[0] == "light":
            return self._light.get((unit_of[1], unit_of[2]))
        units = self._accounts.get(unit_of[1])
        return None if units is None else units.fees if unit_of[0] else units.amount

    def fees_of(self, account: int) -> Unit | None:
        """Return the unit of the fees of an account."""
        return self.of((True, account))

    def write(self, rows: Iterable[Row]) -> int:
        """Write amounts in display units and tickers into rows; return how many have no unit."""
        missing = 0
        for row in rows:
            unit = self.of(row["unit_of"])
            missing += unit is None
            row["ticker"] = None if unit is None else unit.code
            row["amount"] = None if unit is None else to_display(row["amount_base"], unit.magnitude)
            row["magnitude"] = None if unit is None else unit.magnitude
            if "fees_base" in row:
                of_fees = self.fees_of(row["account_id"])
                row["fees_ticker"] = None if of_fees is None else of_fees.code
                row["fees"] = None if of_fees is None else to_display(row["fees_base"], of_fees.magnitude)
        return missing


def plain(frame: pd.DataFrame) -> list[Row]:
    """Return the rows of a frame as dicts, with None for whatever stands for none."""
    columns = {
        str(name): [None if _none(value) else value for value in frame[name].tolist()] for name in frame.columns
    }
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _none(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def framed(rows: Sequence[Row], columns: Mapping[str, str]) -> pd.DataFrame:
    """Return rows as a frame of these columns, with the same dtypes for no rows as for many."""
    series = {}
    for name, kind in columns.items():
        values = [row.get(name) for row in rows]
        if kind == DISPLAY:
            series[name] = pd.Series([pd.NA if _none(one) else one for one in values], dtype=object)
        elif kind == TIME:
            times = pd.Series([pd.NaT if one is None else one for one in values], dtype="datetime64[us, UTC]")
            series[name] = times
        else:
            series[name] = SERIES[kind]([None if _none(one) else one for one in values])
    return pd.DataFrame(series)


def counted(number: int, what: str) -> str:
    """Return a number with its noun: 1 row, 2 rows."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
