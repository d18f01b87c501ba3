"""Which rows may still change: those of a list that says when it is over with them, and all rows of every other."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import pandas as pd

from ledgerkit.resources.request_tables import FINAL
from ledgerkit.resources.transactions import ENDED


def _transactions(frame: pd.DataFrame) -> "pd.Series[Any]":
    """As :meth:`session.transactions.watch` has it: CONFIRMED is the first confirmation only."""
    wanted = frame["min_confirmations"].fillna(1)
    enough = (frame["confirmations"] >= wanted).fillna(False)
    return frame["status"].isin(ENDED) | ((frame["status"] == "CONFIRMED") & enough)


def _requests(frame: pd.DataFrame) -> "pd.Series[Any]":
    return frame["status"].isin(FINAL)


_RULES: Final[Mapping[str, Callable[[pd.DataFrame], "pd.Series[Any]"]]] = {
    "transactions": _transactions,
    "requests": _requests,
}
# What the rules look at.
COLUMNS: Final = ("status", "confirmations", "min_confirmations")


def ends(dataset: str) -> bool:
    """Say whether the rows of a list come to an end after which they are not read again."""
    return dataset in _RULES


def open_rows(dataset: str, frame: pd.DataFrame) -> "pd.Series[Any]":
    """Say of each row whether it may still change; a state that nobody knows is no end."""
    if dataset not in _RULES:
        return pd.Series(True, index=frame.index, dtype=bool)
    return ~_RULES[dataset](frame).fillna(False).astype(bool)
