"""Movements in the units that people use: exact in tables, rounded in the titles of charts."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import partial
from typing import Any, Final

from ledgerkit.amounts import MOST_PLACES, Unit, display_unit, to_display
from ledgerkit.reports.making import Making
from ledgerkit.reports.rows import Row, records

# As many digits as a number has at most: the default context would round at 28 before anything is rounded here.
_WIDE: Final = Context(prec=3 * MOST_PLACES, rounding=ROUND_HALF_EVEN)
DIGITS_READ: Final = 6
MOST_REASONS: Final = 3


class Scales:
    """The units of movements: those of accounts, and those of tokens that have no account of their own."""

    def __init__(self, making: Making, rows: Iterable[Row]) -> None:
        wanted = {row["unit_of"] for row in rows}
        accounts = {one[1] for one in wanted if one[0] != "light" and one[1] is not None}
        light: dict[str, list[str]] = defaultdict(list)
        for one in wanted:
            if one[0] == "light" and one[1] is not None and one[2] is not None:
                light[one[1]].append(one[2])
        self._accounts = making.units(accounts)
        self._light: dict[tuple[str, str], Unit | None] = {}
        for currency, mints in light.items():
            read = partial(making.session.currencies.token, currency, sorted(mints))
            for row in records(making.part(f"the units of tokens on {currency}", read)):
                self._light[currency, row["contract_address"]] = display_unit(row["units"] or [])

    def of(self, unit_of: tuple[Any, ...]) -> Unit | None:
        """Return the unit that people use for a movement, None where it is not known."""
        if unit_of[0] == "light":
            return self._light.get((unit_of[1], unit_of[2]))
        units = self._accounts.get(unit_of[1])
        return None if units is None else units.fees if unit_of[0] else units.amount

    def why(self, accounts: Iterable[int]) -> str:
        """Return why units of these accounts are not known, as the end of a sentence; empty where nothing says it."""
        units = (self._accounts.get(one) for one in accounts)
        reasons = sorted({one.error for one in units if one is not None and one.error})
        return (
            f" ({'; '.join(reasons[:MOST_REASONS])}{'; …' if len(reasons) > MOST_REASONS else ''})" if reasons else ""
        )

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
                of_fees = self.of((True, row["account_id"]))
                row["fees_ticker"] = None if of_fees is None else of_fees.code
                row["fees"] = None if of_fees is None else to_display(row["fees_base"], of_fees.magnitude)
        return missing


def rounded(value: Decimal) -> str:
    """Return a number as titles of charts show it: whole digits and some places, and whether it was rounded.

    Examples
    --------
    >>> rounded(Decimal("-1234.567891234567"))
    'about −1,234.57'
    >>> rounded(Decimal("2.500000"))
    '2.5'
    """
    if not value:
        return "0"
    places = max(DIGITS_READ - 1 - value.adjusted(), 0)
    # Small ones keep as many digits that tell something; whole ones keep all.
    kept = _WIDE.quantize(value, Decimal(1).scaleb(-places)) if places < MOST_PLACES else value
    text = f"{kept:,.{places}f}" if places < MOST_PLACES else f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return ("" if kept == value else "about ") + text.replace("-", "\u2212")
