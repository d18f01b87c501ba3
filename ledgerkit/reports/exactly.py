"""Sums, products and shares of exact numbers: any digit that would be lost is an error instead."""

from collections.abc import Iterable
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation
from typing import Any, Final

from ledgerkit.amounts import DisplayAmount

# A number of the service has at most a thousand digits: products and sums of them fit, and anything else is refused.
_EXACT: Final = Context(prec=9000, traps=[Inexact, InvalidOperation, DivisionByZero])
_ROUNDING_SHORT: Final = Context(prec=200, traps=[InvalidOperation, DivisionByZero])
_ROUNDING: Final = Context(prec=9000, traps=[InvalidOperation, DivisionByZero])


def known(value: Any) -> bool:
    """Return whether there is a number."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def total(values: Iterable[Any]) -> Any:
    """Return the exact sum of ints and Decimals; what is none is left out, and the sum of nothing is 0."""
    whole = 0
    parts = Decimal(0)
    fractions = False
    for value in values:
        if isinstance(value, Decimal):
            parts, fractions = _EXACT.add(parts, value), True
        elif known(value):
            whole += value
    return DisplayAmount(_EXACT.add(parts, Decimal(whole))) if fractions else whole


def difference(one: Any, other: Any) -> Any:
    """Return one exact number without another; the minus of a Decimal alone would round at 28 digits."""
    if isinstance(one, int) and isinstance(other, int):
        return one - other
    return DisplayAmount(_EXACT.subtract(Decimal(one), Decimal(other)))


def product(one: Any, other: Any) -> Decimal:
    """Return the exact product of two numbers."""
    return DisplayAmount(_EXACT.multiply(Decimal(one), Decimal(other)))


def rounded(value: Any, places: int = 2) -> Decimal:
    """Return a number with so many places, for reading; half goes to the even digit."""
    return DisplayAmount(Decimal(value).quantize(Decimal(1).scaleb(-places), context=_ROUNDING))


def short(amount: Any) -> Decimal:
    """Return an amount with as many places as a label of a chart has room for; the tables have all."""
    return rounded(amount, 2 if abs(amount) >= 1 else 8)


def percent(part: Any, whole: Any, places: int = 2) -> Decimal | None:
    """Return how much of a whole a part is, in percent with so many places; None where there is no whole."""
    if not known(part) or not known(whole) or whole <= 0:
        return None
    return rounded(_ROUNDING_SHORT.divide(_EXACT.multiply(Decimal(part), Decimal(100)), Decimal(whole)), places)
