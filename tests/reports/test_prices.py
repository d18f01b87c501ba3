"""Prices of one's own: exact, for one thing each, and refused where they could be for two."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import ledgerkit as lk
from ledgerkit.reports.prices import Asset, matched, read_prices

USDC = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
FAKE = "0x" + "f" * 40
BTC = Asset("bitcoin", None, "BTC")
ETHER = Asset("ethereum", None, "ETH")
ON_ARBITRUM = Asset("arbitrum", None, "ETH")
DOLLARS = Asset("ethereum", USDC, "USDC")


def put(prices: Any, *assets: Asset) -> tuple[dict[str, Any], list[str]]:
    """Return the price of each asset by its name, and the remarks."""
    read, remarks = read_prices(prices, "USD")
    found, more = matched(read, assets)
    named = {asset.key: asset.named for asset in assets}
    return {named[key]: price.value for key, price in found.items()}, [*remarks, *more]


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("64000.50", "64000.50"),
        (7, "7"),
        (np.int64(7), "7"),
        (Decimal("0.1"), "0.1"),
        (0, "0"),
        ("0." + "0" * 30 + "1", "1e-31"),
    ],
)
def test_a_price_keeps_every_digit(given: Any, value: str) -> None:
    assert put({"BTC": given}, BTC)[0] == {"bitcoin": Decimal(value)}


@pytest.mark.parametrize(
    "given",
    [
        64000.5,
        float("nan"),
        np.float64(1),
        True,
        None,
        "",
        "64,000.50",
        "-1",
        -1,
        "1e9",
        "٣",
        "1_000",
        Decimal("NaN"),
        Decimal("-0.1"),
    ],
)
def test_a_price_that_is_no_exact_number_is_refused(given: Any) -> None:
    with pytest.raises(lk.InvalidRequest, match="price of 'BTC'"):
        put({"BTC": given}, BTC)


def test_the_error_about_a_float_says_how_to_give_it_exactly() -> None:
    with pytest.raises(lk.InvalidRequest, match=r"not exact; write it as text or Decimal.*CSV"):
        put({"BTC": 64000.1}, BTC)


def test_a_key_is_a_ticker_a_currency_or_a_currency_and_a_contract() -> None:
    by_pair = {("ethereum", USDC.lower()): 1, ("bitcoin", None): 2, "ETH": 3}
    assert put(by_pair, BTC, ETHER, DOLLARS) == ({f"ethereum:{USDC}": 1, "bitcoin": 2, "ethereum": 3}, [])
    by_text = {f"ethereum:{USDC}": 1, "bitcoin": 2, "ethereum": 3}
    assert put(by_text, BTC, ETHER, DOLLARS) == ({f"ethereum:{USDC}": 1, "bitcoin": 2, "ethereum": 3}, [])


@pytest.mark.parametrize("key", [1, "", ":", "ethereum:", ("a",), ("a", 1), None])
def test_a_key_that_names_nothing_is_refused(key: Any) -> None:
    with pytest.raises(lk.InvalidRequest, match="has the key"):
        put({key: 1}, BTC)


def test_a_price_by_a_ticker_of_two_things_is_refused_with_the_way_out() -> None:
    with pytest.raises(lk.InvalidRequest, match="not unique") as caught:
        put({"USDC": 1}, DOLLARS, Asset("ethereum", FAKE, "USDC"))
    assert caught.value.details["keys"] == [f"ethereum:{USDC}", f"ethereum:{FAKE}"]
    keys = caught.value.details["keys"]
    assert put(dict.fromkeys(keys, 1), DOLLARS, Asset("ethereum", FAKE, "USDC"))[0] == dict.fromkeys(keys, 1)


def test_a_ticker_is_for_what_has_no_price_of_its_own() -> None:
    assert put({"ETH": 3000, "arbitrum": 2999}, ETHER, ON_ARBITRUM)[0] == {"ethereum": 3000, "arbitrum": 2999}


def test_a_token_that_calls_itself_as_a_network_gets_no_price_of_its_coin() -> None:
    assert put({"bitcoin": 64000}, BTC, Asset("ethereum", FAKE, "bitcoin"))[0] == {"bitcoin": 64000}


def test_a_price_that_is_not_used_is_told() -> None:
    found, remarks = put({"BTC": 1, "bitcoin": 2, "DOGE": 3, "eth": 4}, BTC, ETHER)
    assert found == {"bitcoin": 2}
    assert remarks == [
        "The price by ticker BTC was not used: what has it has a price of its own.",
        "Prices for what is not held: DOGE, eth (did you mean ETH?).",
    ]


@pytest.mark.parametrize(
    "prices", [{"bitcoin": 1, ("bitcoin", None): 2}, {f"ethereum:{USDC}": 1, ("ethereum", USDC.lower()): 2}]
)
def test_two_prices_for_one_thing_are_refused(prices: Any) -> None:
    with pytest.raises(lk.InvalidRequest, match="two prices"):
        put(prices, BTC, DOLLARS)


def test_a_csv_file_is_read_with_all_its_digits(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(
        f"ticker,currency,contract_address,price\nBTC,,,64000.123456789012345678\n,ethereum,{USDC},1\n,ethereum,,3000.10\n"
    )
    expected = {"bitcoin": Decimal("64000.123456789012345678"), f"ethereum:{USDC}": 1, "ethereum": Decimal("3000.10")}
    assert put(path, BTC, ETHER, DOLLARS) == (expected, [])
    assert put(str(path), BTC, ETHER, DOLLARS) == (expected, [])


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffticker,price\r\nBTC,64000.50\r\n,\r\n",
        ",ticker,price\n0,BTC,64000.50\n1,,\n",
        "ticker,price,\nBTC,64000.50,\n , ,\n",
        "ticker,price\nBTC,64000.50\r\n",
    ],
    ids=["a row without a value", "an index", "a column without a name", "two line ends"],
)
def test_prices_as_a_spreadsheet_or_pandas_saves_them_are_read(tmp_path: Path, content: str) -> None:
    path = tmp_path / "prices.csv"
    path.write_bytes(content.encode())
    assert put(path, BTC) == ({"bitcoin": Decimal("64000.50")}, [])


def test_of_a_file_of_prices_with_semicolons_the_way_out_is_said(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("ticker;price\nBTC;64000.50\n;\n", "utf-8-sig")
    with pytest.raises(lk.InvalidRequest, match=r"looks parted by ';': read it with lk\.read_csv\(path, sep=';'\)"):
        put(path, BTC)
    assert put(lk.read_csv(path, sep=";"), BTC) == ({"bitcoin": Decimal("64000.50")}, [])


def test_a_frame_of_floats_is_refused() -> None:
    with pytest.raises(lk.InvalidRequest, match="float"):
        put(pd.DataFrame({"ticker": ["BTC"], "price": [64000.5]}), BTC)


def test_rows_without_a_price_are_told() -> None:
    frame = pd.DataFrame({"ticker": ["BTC", "ETH"], "price": ["1", None]})
    assert put(frame, BTC, ETHER) == ({"bitcoin": 1}, ["No price is given for ETH, in row 2 of the prices."])


def test_a_ticker_beside_a_contract_that_the_service_calls_otherwise_is_told() -> None:
    frame = pd.DataFrame({"ticker": ["DAI"], "currency": ["ethereum"], "contract_address": [USDC], "price": ["1"]})
    found, remarks = put(frame, DOLLARS)
    assert found == {f"ethereum:{USDC}": 1}
    assert "the service calls it USDC" in remarks[0]


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ({"name": ["BTC"], "price": ["1"]}, "has a column `price`"),
        ({"ticker": ["BTC"], "price": ["1"], "quote": ["EUR"]}, "is in 'EUR'"),
        ({"ticker": [None], "price": ["1"]}, "row 1 of the prices does not say"),
        ({"ticker": ["USDC"], "contract_address": [USDC], "price": ["1"]}, "row 1 of the prices does not say"),
        ({"ticker": ["BTC", "BTC"], "price": ["1", "2"]}, "two prices are given for 'BTC'"),
    ],
)
def test_a_table_that_can_not_be_read_for_certain_is_refused(frame: Any, said: str) -> None:
    with pytest.raises(lk.InvalidRequest, match=said):
        put(pd.DataFrame(frame), BTC)


def test_what_is_no_table_of_prices_is_refused(tmp_path: Path) -> None:
    with pytest.raises(lk.InvalidRequest, match="no such file"):
        put(tmp_path / "none.csv", BTC)
    with pytest.raises(lk.InvalidRequest, match="it takes a dict"):
        put(5, BTC)


def test_the_case_of_a_mint_of_solana_has_a_meaning() -> None:
    found, remarks = put({"solana:abc": 1}, Asset("solana", "ABC", "X"))
    assert found == {}
    assert remarks == ["Prices for what is not held: solana:abc (did you mean solana:ABC?)."]
