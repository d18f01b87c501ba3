"""Base units to display units and back, with every digit."""

from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Any, get_args

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ledgerkit as lk
from ledgerkit.amounts import Unit, column_to_display, display_unit, read_amount, to_base_units, to_display
from ledgerkit.coins import magnitude_of
from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.sandbox.currencies import COINS
from ledgerkit.vocabulary import CurrencyName


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
    with pytest.raises(lk.InvalidRequest, match="is no amount") as refused:
        to_display(amount, 8)
    assert shorten(amount) in str(refused.value)


@pytest.mark.parametrize(
    ("units", "unit"),
    [
        ([{"code": "sat", "magnitude": 0}, {"code": "BTC", "magnitude": 8}, {"code": "bit", "magnitude": 2}], "BTC"),
        ([{"code": "XYZ", "magnitude": 0}], "XYZ"),
        ([], None),
        ([{"code": "", "magnitude": 8}, {"code": "BTC"}, {"code": "BTC", "magnitude": "8"}, "BTC", None], None),
        ([{"code": "odd", "magnitude": True}, {"code": "BTC", "magnitude": 8}], "BTC"),
        # What no amount is written in is no unit to show one in: the two ways used to differ.
        ([{"code": "BTC", "magnitude": 8}, {"code": "huge", "magnitude": 101}], "BTC"),
        ([{"code": "BTC", "magnitude": 8}, {"code": "minus", "magnitude": -1}], "BTC"),
        ([{"code": "sat", "magnitude": 0}, {"code": "BTC", "magnitude": 8}, {"code": "BTC", "magnitude": 7}], "sat"),
        # A unit that can't be read hides none of those behind it.
        ([None, {"code": "", "magnitude": 8}, {"code": "BTC", "magnitude": 8}], "BTC"),
        ([{"code": "BTC", "magnitude": 8}, {"code": "most", "magnitude": 100}], "most"),
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


def test_amounts_and_units_of_other_lengths_are_no_column() -> None:
    with pytest.raises(ValueError, match="shorter"):
        column_to_display([1, 2], [Unit("BTC", 8)])


BITCOIN = [{"code": "satoshi", "magnitude": 0}, {"code": "mBTC", "magnitude": 5}, {"code": "BTC", "magnitude": 8}]


@pytest.mark.parametrize(
    ("written", "base"),
    [
        ("0.5 BTC", 50_000_000),
        ("0.5BTC", 50_000_000),
        ("0.5\u00a0BTC", 50_000_000),  # a blank that breaks no line, as spreadsheets and pages write it
        (" 1 BTC ", 100_000_000),
        ("0.00000001 BTC", 1),
        ("1.50 mBTC", 150_000),
        ("7 satoshi", 7),
        ("7.0 satoshi", 7),
        (Decimal("0.5"), 50_000_000),
        (Decimal("5E-1"), 50_000_000),
        (Decimal("1E+2"), 10_000_000_000),
        (12_345, 12_345),
        (0, 0),
        ("0 BTC", 0),
        (2**256 - 1, 2**256 - 1),
        (f"{2**256 - 1} satoshi", 2**256 - 1),
        ("1 BTC".rjust(200, "0"), 100_000_000),
    ],
)
def test_an_amount_as_people_write_it_becomes_base_units(written: object, base: int) -> None:
    assert to_base_units(written, BITCOIN) == base


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("0.5", "has no unit"),
        ("0.5 btc", "Did you mean BTC?"),
        ("0.5 ETH", "has no unit 'ETH'"),
        ("0.000000001 BTC", "8 decimal places"),
        ("1.5 satoshi", "0 decimal places"),
        ("1,5 BTC", "comma"),
        ("1 000 BTC", "separator"),
        ("1e3 BTC", "exponent"),
        ("-1 BTC", "sign"),
        ("+1 BTC", "sign"),
        (".5 BTC", "digits"),
        ("5. BTC", "digits"),
        ("5\nBTC", "digits"),
        ("5\u2009BTC", "digits"),
        ("٣ BTC", "digits"),  # a digit of another script, which int() reads as 3
        ("", "digits"),
        (0.5, "a float is no exact amount"),
        (True, "a bool is no exact amount"),
        (None, "a NoneType is no exact amount"),
        (-1, "outside 0 to 2^256"),
        (2**256, "outside 0 to 2^256"),
        (f"{2**256} satoshi", "outside 0 to 2^256"),
        ("1 BTC".rjust(201, "0"), "digits"),
        (Decimal("-0.5"), "0 or more"),
        (Decimal("NaN"), "0 or more"),
        (Decimal("Infinity"), "0 or more"),
        (Decimal("1E+999999"), "0 or more"),
        (Decimal("9" * 5000), "0 or more"),  # int() refuses so many digits with a ValueError
        ("9" * 90 + " BTC", "outside 0 to 2^256"),
        (Decimal("9" * 90), "outside 0 to 2^256"),
    ],
)
def test_an_amount_that_could_mean_something_else_is_refused(written: object, rule: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        to_base_units(written, BITCOIN, "fee")
    assert str(refused.value).startswith(f"`fee` = {shorten(written)} can't be used: ")
    assert rule in str(refused.value)
    assert refused.value.details["field"] == "fee"


def test_an_amount_is_called_so_where_nothing_else_is_said() -> None:
    for read in (to_base_units, read_amount):
        with pytest.raises(InvalidRequest, match=r"^`amount` = 0\.5 can't be used") as refused:
            read(0.5, BITCOIN)
        assert refused.value.details["field"] == "amount"


@pytest.mark.parametrize(
    ("written", "units", "way_out"),
    [
        (0.5, BITCOIN, "is no exact amount. Write it as '1.5 BTC', or as an int of base units."),
        (0.5, [], "is no exact amount. The account says no units: write it as an int of base units."),
        (Decimal("0.5"), [], "no amount of 0 or more. The account says no units: write it as an int of base units."),
        ("0.5", BITCOIN, "Write it as '0.5 BTC' if that is meant, or as an int of base units."),
        (
            "0.5",
            [],
            "it has no unit, and could mean two things. The account says no units: write it as an int of base units.",
        ),
        ("0.5 ETH", BITCOIN, "the account has no unit 'ETH', but satoshi, mBTC, BTC."),
        ("0.5 ETH", [], "the account has no unit 'ETH', but none."),
        ("1.5 satoshi", BITCOIN, "satoshi has 0 decimal places, and this needs more. Nothing is rounded here."),
    ],
)
def test_an_amount_that_is_refused_says_how_to_write_it(written: object, units: list[Any], way_out: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        to_base_units(written, units)
    assert str(refused.value).endswith(way_out)


def test_the_smallest_part_of_the_smallest_unit_is_one_base_unit() -> None:
    assert to_base_units(Decimal("1E-100"), [{"code": "COIN", "magnitude": 100}]) == 1


def test_a_code_that_stands_for_two_units_reads_no_amount() -> None:
    twice = [{"code": "X", "magnitude": 6}, {"code": "X", "magnitude": 18}]
    with pytest.raises(InvalidRequest, match="has no unit 'X'"):
        to_base_units("1 X", twice)


@pytest.mark.parametrize(
    ("written", "unit"), [("500 mBTC", Unit("mBTC", 5)), (Decimal("0.5"), Unit("BTC", 8)), (50_000_000, None)]
)
def test_the_unit_that_a_person_wrote_is_told(written: object, unit: Unit | None) -> None:
    assert read_amount(written, BITCOIN) == (50_000_000, unit)


@given(base=st.integers(0, 2**128), places=st.integers(0, 30), zeros=st.integers(0, 3))
def test_every_amount_of_base_units_written_in_a_unit_comes_back_to_the_last_digit(
    base: int, places: int, zeros: int
) -> None:
    digits = str(base).rjust(places + 1, "0")
    written = digits if not places else f"{digits[:-places]}.{digits[-places:]}{'0' * zeros}"
    assert to_base_units(f"{written} COIN", [{"code": "COIN", "magnitude": places}]) == base
    assert to_base_units(Decimal(written), [{"code": "COIN", "magnitude": places}]) == base


@pytest.mark.parametrize("currency", sorted(set(get_args(CurrencyName)) - {"Dollar", "Euro"}))
def test_the_decimal_places_of_every_coin_are_known_and_those_of_the_sandbox(currency: str) -> None:
    assert magnitude_of(currency) == COINS[currency].magnitude


@pytest.mark.parametrize(
    ("currency", "magnitude"),
    [("bitcoin_testnet", 8), ("ethereum_sepolia", 18), ("klaytn_baobab", 18), ("westend", 12), ("kusama", None)],
)
def test_a_test_network_counts_as_its_network_does(currency: str, magnitude: int | None) -> None:
    assert magnitude_of(currency) == magnitude


def test_a_small_amount_is_written_with_its_places_however_it_is_written() -> None:
    satoshi = to_display(1, 8)
    assert f"{satoshi}" == str(satoshi) == "0.00000001"
    assert f"{satoshi:>12}" == "  0.00000001"
    assert f"{satoshi:.1e}" == "1.0e-8"
    assert (f"{satoshi:.1E}", f"{satoshi:.1F}", f"{satoshi:.2G}", f"{satoshi:.0%}") == ("1.0E-8", "0.0", "1E-8", "0%")
    assert pd.Series([satoshi], dtype=object).astype("str").tolist() == ["0.00000001"]
