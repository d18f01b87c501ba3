"""What learners hand in: read generously, and never guessed."""

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ledgerkit.exercises.given import Unreadable, identifier, quantity


@pytest.mark.parametrize(
    "answer",
    [
        42,
        "42",
        " 42 ",
        np.int64(42),
        pd.Series([42], dtype="Int64"),
        pd.Series([42], dtype="Int64")[0],
        pd.DataFrame({"id": [42], "name": ["x"]}),
        [42],
        np.array([42]),
        pd.Index([42]),
    ],
    ids=repr,
)
def test_an_id_in_any_shape(answer: Any) -> None:
    assert identifier(answer) == 42


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (True, "an id is asked for"),
        (4.0, r"4\.0 \(float\)"),
        (0, "an id is asked for"),
        (-3, "an id is asked for"),
        (10**40, "an id is asked for"),
        ("٤٢", "an id is asked for"),
        ("request 42", "an id is asked for"),
        (None, "this is nothing"),
        (pd.NA, "this is nothing"),
        ([], "0 values where one"),
        ([1, 2], "2 values where one"),
        (pd.DataFrame({"id": [1, 2]}), "2 values where one"),
        (pd.DataFrame({"id": []}), "0 values where one"),
        (pd.DataFrame({"number": [1]}), "a column `id`"),
    ],
    ids=repr,
)
def test_what_is_no_id_is_told(answer: Any, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        identifier(answer)


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        (12, "12"),
        (np.int64(12), "12"),
        (Decimal("12.50000000"), "12.5"),
        (Decimal("1E+3"), "1000"),
        (12.5, "12.5"),
        (np.float64(0.1), "0.1"),
        (1e22, "1e22"),
        ("12.5", "12.5"),
        (" 12.5 BTC ", "12.5"),
        ("12.5btc", "12.5"),
        (pd.DataFrame({"balance_display": [Decimal("12.5")]}), "12.5"),
        (pd.Series([Decimal("12.5")]), "12.5"),
        ("123456789012345678901234567890.000000000000000001", "123456789012345678901234567890.000000000000000001"),
    ],
    ids=repr,
)
def test_a_quantity_keeps_every_digit(answer: Any, number: str) -> None:
    assert quantity(answer, "BTC") == Decimal(number)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (True, "a number is asked for"),
        (None, "this is nothing"),
        (float("nan"), "a number is asked for"),
        (float("inf"), "no number such as"),
        (Decimal("Infinity"), "no number such as"),
        (Decimal("NaN"), "a number is asked for"),
        ("12.5 ETH", "in 'ETH', and BTC is asked for"),
        ("1,250.5", "nothing between them"),
        ("1_250", "nothing between them"),
        ("٤٢", "no number such as"),
        ("9" * 200, "no number such as"),
        ("", "no number such as"),
        (print, "a number is asked for"),
        ({"BTC": 1}, "a number is asked for"),
        (pd.DataFrame({"a": [1], "b": [2]}), "without one column"),
    ],
    ids=repr,
)
def test_what_is_no_quantity_is_told(answer: Any, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        quantity(answer, "BTC")
