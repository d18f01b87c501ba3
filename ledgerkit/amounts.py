"""Base units to display units and back, exactly.

Base units are integers of any size. The default decimal context rounds at 28 digits, even in a unary minus, and
2^128 wei have 39: nothing here computes with decimals, exponents are set.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import pandas as pd

from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.frames import exact


@dataclass(frozen=True)
class Unit:
    """A unit of a currency: ``10**magnitude`` base units."""

    code: str
    magnitude: int


class DisplayAmount(Decimal):
    """A Decimal that is shown with all its digits: str() of a plain one writes a zero of 18 places as 0E-18."""

    def __str__(self) -> str:
        return format(self, "f")

    def __repr__(self) -> str:
        return f"Decimal('{self}')"


def display_unit(units: Any) -> Unit | None:
    """Return the unit in which people speak of a currency, the largest: BTC of sat, bit, mBTC, BTC."""
    read = [
        Unit(str(unit["code"]), unit["magnitude"])
        for unit in units
        if isinstance(unit, Mapping) and unit.get("code") and type(unit.get("magnitude")) is int
    ]
    return max(read, key=lambda unit: unit.magnitude, default=None)


def to_display(amount: Any, magnitude: int) -> Any:
    """Return an amount of base units in a unit of this magnitude, every digit kept; NA stays NA.

    Examples
    --------
    >>> to_display(12345, 8)
    Decimal('0.00012345')
    """
    if amount is None or amount is pd.NA or amount != amount:  # pandas leaves NaN where a merge found nothing
        return pd.NA
    try:
        read = exact(amount)
    except (InvalidOperation, TypeError, ValueError):
        raise InvalidRequest(
            f"{shorten(amount)} is no amount: that is an int, a Decimal, or a text of plain digits."
        ) from None
    if read is pd.NA:
        return read
    sign, digits, exponent = Decimal(read).as_tuple()
    return DisplayAmount((sign, digits, int(exponent) - magnitude))


def column_to_display(amounts: Iterable[Any], units: Iterable[Unit | None]) -> list[Any]:
    """Return a column of amounts, each in its own unit; NA where no unit is known."""
    return [
        pd.NA if unit is None else to_display(amount, unit.magnitude)
        for amount, unit in zip(amounts, units, strict=True)
    ]
