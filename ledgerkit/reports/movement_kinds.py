"""The types of transactions by what they move, and the columns of movements in tables."""

from collections.abc import Mapping
from typing import Final, Literal

from ledgerkit.directions import INCOMING
from ledgerkit.frames import AMOUNT, FLAG, INTEGER, NUMBER, TEXT, TIME
from ledgerkit.vocabulary import TransactionStatus

# Which of its times places a transaction in a period.
DateOf = Literal["block", "broadcast", "creation"]
DATES: Final[Mapping[str, str]] = {"block": "block_time", "broadcast": "broadcast_on", "creation": "created_on"}
# Somebody else paid for these, whatever the service shows as their fees.
PAID_BY_OTHERS: Final = frozenset(one for one in INCOMING if one.startswith("RECEIVE")) | {"REWARD"}
PENDING_SEARCHED: Final[tuple[TransactionStatus, ...]] = (
    "APPROVED",
    "PENDING_APPROVAL",
    "PENDING_CREATE_IN_HSM",
    "SIGNED",
    "SUBMITTED",
)
PENDING: Final = frozenset(PENDING_SEARCHED)
# These never reached a chain: nothing moved, nothing was paid.
NEVER_SENT: Final = frozenset({"FAILED_TO_BROADCAST", "FAILED_TO_CRAFT", "FAILED_TO_SIGN", "REJECTED"})

MOVEMENT: Final[Mapping[str, str]] = {
    "date": TIME,
    "account_id": INTEGER,
    "account_name": TEXT,
    "movement": TEXT,
    "direction": TEXT,
    "amount": NUMBER,
    "ticker": TEXT,
    "amount_base": AMOUNT,
    "currency": TEXT,
    "contract_address": TEXT,
    "transaction_id": INTEGER,
    "type": TEXT,
    "status": TEXT,
    "final": FLAG,
    "counterparty": TEXT,
    "internal": FLAG,
    "pair_transaction_id": INTEGER,
    "pair_account_id": INTEGER,
    "pair_account_name": TEXT,
    "for_account_id": INTEGER,
    "for_account_name": TEXT,
    "tx_hash": TEXT,
    "notes": TEXT,
    "created_by": INTEGER,
    "created_by_name": TEXT,
    "created_on": TIME,
    "broadcast_on": TIME,
    "block_time": TIME,
    "block_height": INTEGER,
}
APART: Final[Mapping[str, str]] = {
    "date": TIME,
    "account_id": INTEGER,
    "account_name": TEXT,
    "currency": TEXT,
    "transaction_id": INTEGER,
    "type": TEXT,
    "status": TEXT,
    "reason": TEXT,
    "amount": NUMBER,
    "ticker": TEXT,
    "amount_base": AMOUNT,
    "fees": NUMBER,
    "fees_ticker": TEXT,
    "fees_base": AMOUNT,
    "tx_hash": TEXT,
    "notes": TEXT,
    "created_on": TIME,
    "block_time": TIME,
}
