"""The tables of the report on staking, and amounts in them in the unit of their account."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from ledgerkit.amounts import to_display
from ledgerkit.frames import AMOUNT, FLAG, INTEGER, NUMBER, TEXT, TIME
from ledgerkit.reports.making import Making
from ledgerkit.reports.rows import framed, records

REWARDS: Final = {
    "period": TEXT,
    "begins": TIME,
    "ends": TIME,
    "whole": FLAG,
    "currency": TEXT,
    "contract_address": TEXT,
    "account_id": INTEGER,
    "account_name": TEXT,
    "rewards": INTEGER,
    "amount": NUMBER,
    "ticker": TEXT,
    "amount_base": AMOUNT,
    "source": TEXT,
}
TOTALS: Final = {
    "currency": TEXT,
    "contract_address": TEXT,
    "ticker": TEXT,
    "accounts": INTEGER,
    "rewards": INTEGER,
    "amount": NUMBER,
    "amount_base": AMOUNT,
    "listed_amount": NUMBER,
    "listed_amount_base": AMOUNT,
    "paid_amount": NUMBER,
    "paid_amount_base": AMOUNT,
}
ACCOUNTS: Final = {
    "account_id": INTEGER,
    "account_name": TEXT,
    "type": TEXT,
    "currency": TEXT,
    "ticker": TEXT,
    "source": TEXT,
    "rewards": INTEGER,
    "amount": NUMBER,
    "amount_base": AMOUNT,
    "listed": INTEGER,
    "listed_amount": NUMBER,
    "listed_amount_base": AMOUNT,
    "paid": INTEGER,
    "paid_amount": NUMBER,
    "paid_amount_base": AMOUNT,
    "left_out": INTEGER,
    "left_out_amount": NUMBER,
    "left_out_amount_base": AMOUNT,
    "stakes": INTEGER,
    "staked_now": NUMBER,
    "staked_now_base": AMOUNT,
    "staked_field": TEXT,
    "rewards_ever": NUMBER,
    "rewards_ever_base": AMOUNT,
    "rewards_ever_field": TEXT,
    "note": TEXT,
}
STAKES: Final = {
    "chain": TEXT,
    "account_id": INTEGER,
    "account_name": TEXT,
    "stake_uid": TEXT,
    "status": TEXT,
    "chain_state": TEXT,
    "amount": NUMBER,
    "balance_now": NUMBER,
    "total_reward": NUMBER,
    "reward_in_period": NUMBER,
    "ticker": TEXT,
    "amount_base": AMOUNT,
    "balance_now_base": AMOUNT,
    "total_reward_base": AMOUNT,
    "reward_in_period_base": AMOUNT,
    "created_on": TIME,
    "creation_tx": INTEGER,
    "validator": TEXT,
    "error": TEXT,
}
RATES: Final = {
    "account_id": INTEGER,
    "account_name": TEXT,
    "currency": TEXT,
    "rate_percent": NUMBER,
    "formula": TEXT,
    "rewards": INTEGER,
    "amount_base": AMOUNT,
    "balances_base": AMOUNT,
    "not_counted": INTEGER,
    "service_says": TEXT,
    "note": TEXT,
}
EACH: Final = {
    "dated": TIME,
    "dated_by": TEXT,
    "currency": TEXT,
    "account_id": INTEGER,
    "account_name": TEXT,
    "stake_uid": TEXT,
    "amount": NUMBER,
    "ticker": TEXT,
    "amount_base": AMOUNT,
    "round": TEXT,
    "indexed_on": TIME,
    "transaction_id": INTEGER,
    "source": TEXT,
}


def scaled(making: Making, kinds: Mapping[str, str], rows: Sequence[Mapping[str, Any]], *names: str) -> pd.DataFrame:
    """Return a frame of rows with amounts in the unit of their account beside those in base units.

    Rewards and stakes are in the coin of their account: what is a token of Solana is no reward.

    Parameters
    ----------
    names
        ``"amount"`` for rows that hold ``amount_base``; ``ticker`` is filled in too. Rows have an ``account_id``.
    """
    units = making.units(row["account_id"] for row in rows if row["account_id"] is not None)
    base = records(framed({f"{name}_base": AMOUNT for name in names}, rows))
    shown = []
    for row, exact in zip(rows, base, strict=True):
        of = units.get(row["account_id"])
        unit = None if of is None else of.amount
        amounts = {
            name: None if unit is None else to_display(exact[f"{name}_base"], unit.magnitude) for name in names
        }
        shown.append({**row, **amounts, "ticker": None if unit is None else unit.code})
    return framed(kinds, shown)
