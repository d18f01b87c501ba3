"""Base units to display units and back, exactly.

Base units are integers of any size. The default decimal context rounds at 28 digits, even in a unary minus, and
2^128 wei have 39: nothing here computes with decimals, exponents are set.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from numbers import Integral
from typing import Any, Final

import pandas as pd

from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.frames import exact

# No unit of any currency has more decimal places; larger ones would make numbers that take seconds.
MOST_PLACES: Final = 100
# No chain moves more base units at once: amounts of EVM tokens have 256 bits, which is 78 digits.
LIMIT: Final = 2**256
# ASCII digits alone: \d takes the digits of every script, and int() reads them too.
_QUANTITY: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)[ \u00a0]*([^\s\d.,+-]\S*)?")


@dataclass(frozen=True)
class Unit:
    """A unit of a currency: ``10**magnitude`` base units."""

    code: str
    magnitude: int


class DisplayAmount(Decimal):
    """A Decimal that is shown with all its digits: a plain one writes a zero of 18 places as 0E-18."""

    def __str__(self) -> str:
        return format(self, "f")

    def __format__(self, specifier: str) -> str:  # type: ignore[override]  # the stubs have a second parameter
        kind = "" if specifier[-1:] in tuple("eEfFgGn%") else "f"
        return Decimal.__format__(self, specifier + kind)

    def __repr__(self) -> str:
        return f"Decimal('{self}')"


def readable_units(units: Any) -> dict[str, Unit]:
    """Return the units that amounts are written and shown in, by code.

    A code that stands for two units is none to read an amount by, and so none to show it in.
    """
    found: dict[str, set[Unit]] = {}
    for unit in units:
        if not isinstance(unit, Mapping) or not unit.get("code"):
            continue
        code, magnitude = str(unit["code"]), unit.get("magnitude")
        if type(magnitude) is int and 0 <= magnitude <= MOST_PLACES:
            found.setdefault(code, set()).add(Unit(code, magnitude))
    return {code: same.pop() for code, same in found.items() if len(same) == 1}


def display_unit(units: Any) -> Unit | None:
    """Return the unit in which people speak of a currency, the largest: BTC of sat, bit, mBTC, BTC."""
    return max(readable_units(units).values(), key=lambda unit: unit.magnitude, default=None)


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


def to_base_units(amount: Any, units: Iterable[Mapping[str, Any]], field: str = "amount") -> int:
    """Return an amount as people write it in base units, exactly.

    Parameters
    ----------
    amount
        A text with its unit (``"0.5 BTC"``), a Decimal in the unit that people speak in (as ``to_display`` gives it),
        or an int of base units (as frames hold them).
    units
        The units of the account, each with ``code`` and ``magnitude``.
    field
        What an error calls it.

    Raises
    ------
    InvalidRequest
        It is a float, has no unit or one that the account has not, or does not fit into whole base units.

    Examples
    --------
    >>> to_base_units("0.5 BTC", [{"code": "satoshi", "magnitude": 0}, {"code": "BTC", "magnitude": 8}])
    50000000
    """
    return read_amount(amount, units, field)[0]


def read_amount(amount: Any, units: Iterable[Mapping[str, Any]], field: str = "amount") -> tuple[int, Unit | None]:
    """Return an amount as :func:`to_base_units` does, and the unit that it was written in; None for base units."""
    units = tuple(units)
    known, largest = readable_units(units), display_unit(units)
    ways = (
        f"Write it as '1.5 {largest.code}', or as an int of base units."
        if largest
        else "The account says no units: write it as an int of base units."
    )
    problem = f"`{field}` = {shorten(amount)} can't be used: "
    if isinstance(amount, bool) or not isinstance(amount, Integral | str | Decimal):
        raise InvalidRequest(f"{problem}a {type(amount).__name__} is no exact amount. {ways}", field=field)
    if isinstance(amount, Integral):  # of NumPy too, as columns give them
        if not 0 <= int(amount) < LIMIT:
            raise InvalidRequest(f"{problem}it is outside 0 to 2^256. {ways}", field=field)
        return int(amount), None
    if isinstance(amount, Decimal):
        sign, digits, exponent = amount.as_tuple()
        if (
            sign
            or not isinstance(exponent, int)
            or largest is None
            or abs(exponent) > MOST_PLACES
            or len(digits) > 2 * MOST_PLACES
        ):
            raise InvalidRequest(f"{problem}it is no amount of 0 or more. {ways}", field=field)
        unit, number, places = largest, int("".join(map(str, digits))), -exponent
    else:
        read = _QUANTITY.fullmatch(amount.strip())
        if read is None or len(amount) > 2 * MOST_PLACES:
            raise InvalidRequest(
                f"{problem}it is digits, perhaps with a point, and a unit; no sign, exponent, comma or other "
                f"separator. {ways}",
                field=field,
            )
        if read[2] is None:
            if largest:
                ways = f"Write it as '{read[1]} {largest.code}' if that is meant, or as an int of base units."
            raise InvalidRequest(f"{problem}it has no unit, and could mean two things. {ways}", field=field)
        if read[2] not in known:
            near = [code for code in known if code.casefold() == read[2].casefold()]
            hint = f" Did you mean {near[0]}?" if near else ""
            raise InvalidRequest(
                f"{problem}the account has no unit {shorten(read[2])}, but {', '.join(known) or 'none'}.{hint}",
                field=field,
            )
        unit, (whole, _, fraction) = known[read[2]], read[1].partition(".")
        number, places = int(whole + fraction), len(fraction)
    base, rest = divmod(number * 10 ** (unit.magnitude + max(-places, 0)), 10 ** max(places, 0))
    if rest:
        raise InvalidRequest(
            f"{problem}{unit.code} has {unit.magnitude} decimal places, and this needs more. Nothing is rounded "
            "here.",
            field=field,
        )
    if base >= LIMIT:
        raise InvalidRequest(f"{problem}it is outside 0 to 2^256 base units. {ways}", field=field)
    return base, unit
