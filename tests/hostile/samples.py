"""A kind of object with a column of each kind, and pages of it as a service may send them."""

import json
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import settings

from ledgerkit.answers import decoded
from ledgerkit.frames import (
    AMOUNT,
    FEES,
    FLAG,
    INTEGER,
    LIST,
    NUMBER,
    OBJECT,
    REFERENCE,
    SELF,
    TEXT,
    TIME,
    Table,
    join,
)

# A frame takes milliseconds: a property of frames is tried with fewer examples than one of texts.
FEW = settings(max_examples=max(20, settings().max_examples // 5))

COIN = Table(
    "coin",
    {
        "id": INTEGER,
        "name": TEXT,
        "created_on": TIME,
        "active": FLAG,
        "created_by": REFERENCE,
        "amount": AMOUNT,
        "fees": FEES,
        "apy": NUMBER,
        "notes": LIST,
        "details": OBJECT,
        "block": {"hash": TEXT, "inner": {"height": INTEGER}},
        "rewards": {SELF: AMOUNT, "total": AMOUNT},
    },
)


def read(*pages: str) -> pd.DataFrame:
    """Return the frame of pages, each a JSON text of a list of objects, as the kit reads them."""
    parts = []
    for text in pages:
        nodes, unreadable = decoded(text.encode())
        assert unreadable is None, unreadable
        parts.append(COIN.leaves(nodes, "GET /coins"))
    return COIN.frame(join(parts), call="GET /coins")


def one(field: str, text: str) -> Any:
    """Return the value of a field that is sent as this JSON, between two rows that lack it."""
    df = read(f'[{{"id":1}},{{"id":2,{json.dumps(field)}:{text}}},{{"id":3}}]')
    assert df["id"].tolist() == [1, 2, 3]
    assert df[field].isna().tolist()[::2] == [True, True]
    return df[field][1]


def plain(value: Any) -> Any:
    """Return a value of a frame as Python's own; None for none."""
    if isinstance(value, np.generic):
        return value.item()
    return None if not isinstance(value, list | dict) and pd.isna(value) else value
