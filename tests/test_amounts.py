"""Base units to display units, with every digit."""

from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ledgerkit as lk
from ledgerkit.amounts import Unit, column_to_display, display_unit, to_display


@pytest.mark.parametrize(
    ("amount", "magnitude", "shown"),
    [
        (12345, 8, "0.00012345"),
        (-12345, 2, "-123.45"),
        (0, 18, "0.000000000000000000"),
        (1, 0, "1"),
        (10**18, 18, "1.000000000000000000"),
        # 40 digits: the default context would keep 28 of them, even in a unary minus.
        (-(2**128), 18, "-340282366920938463463.374607431768211456"),
        (Decimal("1.5"), 6, "0.0000015"),
        (Decimal("2E+3"), 2, "20.00"),
        ("100", 2, "1.00"),
    ],
)
def test_the_point_moves_and_the_digits_stay(amount: Any, magnitude: int, shown: str) -> None:
    assert str(to_display(amount, magnitude)) == shown


@given(amount=st.integers(-(10**90), 10**90), magnitude=st.integers(0, 30))
def test_the_context_of_decimals_has_no_say(amount: int, magnitude: int) -> None:
    with localcontext(prec=5, rounding=ROUND_DOWN):
        shown = to_display(amount, magnitude)
    assert int(f"{shown:f}".replace(".", "")) == amount


@pytest.mark.parametrize("missing", [None, pd.NA, float("nan"), Decimal("NaN"), ""])
def test_what_is_missing_stays_missing(missing: Any) -> None:
    # An outer merge leaves NaN in a column of exact integers: it raised an error.
    assert to_display(missing, 8) is pd.NA


@pytest.mark.parametrize("amount", ["many", Decimal("Infinity"), [], object(), "١٢", " 1", "1_000", True, 1.5])
def test_what_is_no_amount_is_an_error(amount: Any) -> None:
    # Decimal() reads digits of other scripts, blanks, underscores, truth and the rounding of floats.
    with pytest.raises(lk.InvalidRequest, match="is no amount"):
        to_display(amount, 8)


@pytest.mark.parametrize(
    ("units", "unit"),
    [
        ([{"code": "sat", "magnitude": 0}, {"code": "BTC", "magnitude": 8}, {"code": "bit", "magnitude": 2}], "BTC"),
        ([{"code": "XYZ", "magnitude": 0}], "XYZ"),
        ([], None),
        ([{"code": "", "magnitude": 8}, {"code": "BTC"}, {"code": "BTC", "magnitude": "8"}, "BTC", None], None),
        ([{"code": "odd", "magnitude": True}, {"code": "BTC", "magnitude": 8}], "BTC"),
    ],
)
def test_people_speak_of_the_largest_unit(units: list[Any], unit: str | None) -> None:
    chosen = display_unit(units)
    assert (chosen.code if chosen else None) == unit


def test_each_row_is_shown_in_its_own_unit() -> None:
    bitcoin, ether = Unit("BTC", 8), Unit("ETH", 18)
    assert column_to_display([1, 1, 1, None], [bitcoin, ether, None, ether]) == [
        Decimal("0.00000001"),
        Decimal("1E-18"),
        pd.NA,
        pd.NA,
    ]
