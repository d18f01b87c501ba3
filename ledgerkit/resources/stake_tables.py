"""The columns of stakes and their rewards, by chain, in the base unit of the chain."""

from typing import Final

from ledgerkit.frames import AMOUNT, INTEGER, NUMBER, OBJECT, REFERENCE, TEXT, TIME, Table

CARDANO_STAKE: Final = Table(
    "stake",
    {
        "account_id": INTEGER,
        "id": INTEGER,
        "stake_uid": TEXT,
        "status": TEXT,
        "amount": AMOUNT,
        "created_by": REFERENCE,
        "created_on": TIME,
        "last_request": REFERENCE,
        "blockchain_state": {
            "balances": OBJECT,
            "block_number": INTEGER,
            "date": TIME,
            "drep_delegation": TEXT,
            "epoch": INTEGER,
            "pool_id": TEXT,
            "stake_address": TEXT,
        },
        "creation_tx": REFERENCE,
        "total_reward": AMOUNT,
        "validator": TEXT,
    },
)
ETHEREUM_STAKE: Final = Table(
    "stake",
    {
        "uid": TEXT,
        "account_id": INTEGER,
        "account_name": TEXT,
        "status": TEXT,
        "currency": TEXT,
        "created_on": TIME,
        "blockchain_state": {
            "activated_at": TIME,
            "balance": AMOUNT,
            "consensus_rewards": AMOUNT,
            "delegated_at": TIME,
            "deposit_tx_sender": TEXT,
            "effective_balance": AMOUNT,
            "execution_rewards": AMOUNT,
            "fee_recipient": TEXT,
            "gross_apy": NUMBER,
            "state": TEXT,
            "validator_address": TEXT,
            "withdrawal_credentials": TEXT,
        },
        "total_reward": AMOUNT,
    },
)
SOLANA_STAKE: Final = Table(
    "stake",
    {
        "account_id": INTEGER,
        "id": INTEGER,
        "stake_uid": TEXT,
        "status": TEXT,
        "amount": AMOUNT,
        "created_by": REFERENCE,
        "created_on": TIME,
        "last_request": REFERENCE,
        "blockchain_state": {
            "activation_date": TIME,
            "activation_epoch": INTEGER,
            "active_balance": AMOUNT,
            "deactivation_date": TIME,
            "deactivation_epoch": INTEGER,
            "inactive_balance": AMOUNT,
            "pub_key": TEXT,
            "rent_exempt_reserve": AMOUNT,
            "status": TEXT,
            "total_balance": AMOUNT,
            "validator_address": TEXT,
            "withdrawable_balance": AMOUNT,
        },
        "creation_tx": REFERENCE,
        "total_reward": AMOUNT,
        "validator": TEXT,
    },
)
TEZOS_STAKE: Final = Table(
    "stake",
    {
        "account_id": INTEGER,
        "id": INTEGER,
        "stake_uid": TEXT,
        "status": TEXT,
        "amount": AMOUNT,
        "created_by": REFERENCE,
        "created_on": TIME,
        "last_request": REFERENCE,
        "blockchain_state": {
            "activated_at": TIME,
            "activated_cycle": INTEGER,
            "active_balance": AMOUNT,
            "baker_address": TEXT,
            "delegated_at": TIME,
            "delegated_block": TEXT,
            "delegated_cycle": INTEGER,
            "gross_apy": NUMBER,
            "rewards": AMOUNT,
            "state": TEXT,
            "updated_at": TIME,
        },
        "creation_tx": REFERENCE,
        "total_reward": AMOUNT,
        "validator": TEXT,
    },
)
CARDANO_REWARD: Final = Table(
    "reward",
    {
        "account_id": INTEGER,
        "stake_uid": TEXT,
        "amount": AMOUNT,
        "created_on": TIME,
        "info": {
            "accumulated": AMOUNT,
            "earned_in": TEXT,
            "received_in": TEXT,
        },
    },
)
# created_on of a reward is when the service indexed it, not when it was paid.
ETHEREUM_REWARD: Final = Table(
    "reward",
    {
        "account_id": INTEGER,
        "stake_uid": TEXT,
        "amount": AMOUNT,
        "created_on": TIME,
        "info": {
            "cl_apy": NUMBER,
            "consensus_rewards": AMOUNT,
            "el_apy": NUMBER,
            "execution_rewards": AMOUNT,
            "gross_apy": NUMBER,
            "stake_balance": AMOUNT,
        },
    },
)
SOLANA_REWARD: Final = Table(
    "reward",
    {
        "account_id": INTEGER,
        "stake_uid": TEXT,
        "amount": AMOUNT,
        "created_on": TIME,
        "info": {
            "date": TIME,
            "effective_slot": TEXT,
            "epoch": TEXT,
            "post_balance": AMOUNT,
        },
    },
)
TEZOS_REWARD: Final = Table(
    "reward",
    {
        "account_id": INTEGER,
        "stake_uid": TEXT,
        "amount": AMOUNT,
        "created_on": TIME,
        "info": {
            "active_balance": AMOUNT,
            "cycle": INTEGER,
            "cycle_begins_at": TIME,
            "gross_apy": NUMBER,
            "rewards": AMOUNT,
        },
    },
)
PERIODIC_REWARDS: Final = Table(
    "account",
    {
        "account_id": INTEGER,
        "last7": AMOUNT,
        "last30": AMOUNT,
        "total": AMOUNT,
    },
)
