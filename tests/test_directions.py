"""Which way amounts go, by the type of their transaction: every documented type has an answer, and no other."""

from typing import Any, get_args

import pytest

from ledgerkit.directions import INCOMING, INSIDE, OUTGOING, direction
from ledgerkit.vocabulary import TransactionType


@pytest.mark.parametrize(
    ("transaction_type", "way"),
    [
        ("RECEIVE", "in"),
        ("RECEIVE_SPL_TOKEN_CHECKED_FUNDED", "in"),
        ("REWARD", "in"),
        ("STAKE_WITHDRAW", "in"),
        ("SEND", "out"),
        ("SEND_SPL_TOKEN_CHECKED", "out"),
        ("STAKE_CREATE_DELEGATE", "out"),
        ("EXECUTE_CONTRACT", "out"),
        ("BOND", "inside"),
        ("STAKE_SPLIT", "inside"),
        ("UNKNOWN", None),
        ("SENDER_OF_A_NEWER_API", None),
        ("send", None),
        (None, None),
        (["SEND"], None),
    ],
)
def test_a_type_says_which_way_its_amount_goes_or_nothing_is_guessed(transaction_type: Any, way: str | None) -> None:
    assert direction(transaction_type) == way


def test_every_documented_type_has_one_direction_but_unknown() -> None:
    assert [one for one in get_args(TransactionType) if direction(one) is None] == ["UNKNOWN"]
    assert len(INCOMING | OUTGOING | INSIDE) == len(INCOMING) + len(OUTGOING) + len(INSIDE)
