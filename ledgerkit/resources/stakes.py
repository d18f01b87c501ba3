"""Staking on Cardano, Ethereum, Solana and Tezos: positions and rewards, in the base unit of the chain."""

from typing import Final

import pandas as pd

from ledgerkit.connection import Connection
from ledgerkit.filters import Day, Many, Time
from ledgerkit.frames import AMOUNT, INTEGER, NUMBER, OBJECT, REFERENCE, TEXT, TIME, Table
from ledgerkit.operations import operation
from ledgerkit.resources.base import Section, items
from ledgerkit.vocabulary import Order, StakeStatus

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
# What a stake is from its creation on.
SETTLED: Final = frozenset({"account_id", "creation_account_id", "creation_tx", "light", "stake_uid"})


class CardanoStakes(Section, name="stakes.cardano"):
    """Stakes on Cardano."""

    @operation("GET /cardano/accounts/{account_id}/stakes", returns=CARDANO_STAKE)
    def search(
        self,
        account_id: Many[int],
        *,
        creation_account_id: int | None = None,
        created_after: Time | None = None,
        created_before: Time | None = None,
        creation_tx: int | None = None,
        id: int | None = None,
        light: bool | None = None,
        order: Order | None = None,
        order_by: str | None = None,
        stake_uid: Many[str] | None = None,
        status: Many[StakeStatus] | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Search the stakes of accounts.

        Parameters
        ----------
        account_id
            Ids of the accounts; ``limit`` is for each.
        creation_account_id
            Id of the account of the transaction that opened the stake. The API calls this filter ``account_id`` too,
            beside the ``account_id`` of the path.
        creation_tx
            Id of the transaction that opened the stake.
        light
            False embeds the whole user, transaction and request; their fields follow the known columns.
        created_after, created_before
            From this moment on, and before that one.
        order, order_by
            Order of the frame, by any of its columns; newest first by default.
        limit
            Only so many, the newest.
        """
        return self._list(CardanoStakes.search, locals(), settled=SETTLED)

    @operation("GET /cardano/accounts/{account_id}/rewards", returns=CARDANO_REWARD)
    def rewards(self, account_id: Many[int]) -> pd.DataFrame:
        """Get the rewards of all stakes of accounts."""
        return self._each(CardanoStakes.rewards, locals(), lead={"account_id": "account_id"}, nodes=items)

    @operation("GET /cardano/accounts/{account_id}/stakes/{stake_uid}/rewards", returns=CARDANO_REWARD)
    def stake_rewards(self, account_id: int, stake_uid: Many[str]) -> pd.DataFrame:
        """Get the rewards of stakes."""
        lead = {"stake_uid": "stake_uid", "account_id": "account_id"}
        return self._each(CardanoStakes.stake_rewards, locals(), lead=lead, nodes=items)

    @operation("GET /cardano/accounts/{account_id}/periodic-rewards", returns=PERIODIC_REWARDS)
    def periodic_rewards(self, account_id: Many[int]) -> pd.DataFrame:
        """Get the rewards of all active stakes of accounts over 7 days, 30 days, and altogether."""
        return self._each(CardanoStakes.periodic_rewards, locals(), lead={"account_id": "account_id"}, nodes=items)


class EthereumStakes(Section, name="stakes.ethereum"):
    """Stakes on Ethereum."""

    @operation("GET /ethereum/accounts/{account_id}/stakes", returns=ETHEREUM_STAKE)
    def search(self, account_id: Many[int]) -> pd.DataFrame:
        """Get the stakes of accounts: all of them, since this list of the API has no pages and no filters."""
        return self._each(EthereumStakes.search, locals(), lead={"account_id": "account_id"}, nodes=items)

    @operation("GET /ethereum/accounts/{account_id}/rewards", returns=ETHEREUM_REWARD)
    def rewards(self, account_id: Many[int]) -> pd.DataFrame:
        """Get the rewards of all stakes of accounts."""
        return self._each(EthereumStakes.rewards, locals(), lead={"account_id": "account_id"}, nodes=items)

    @operation("GET /ethereum/accounts/{account_id}/stakes/{stake_uid}/rewards", returns=ETHEREUM_REWARD)
    def stake_rewards(
        self, account_id: int, stake_uid: Many[str], *, start_date: Day | None = None, end_date: Day | None = None
    ) -> pd.DataFrame:
        """Get the rewards of stakes, after one day and before another where they are given."""
        lead = {"stake_uid": "stake_uid", "account_id": "account_id"}
        return self._each(EthereumStakes.stake_rewards, locals(), lead=lead, nodes=items)


class SolanaStakes(Section, name="stakes.solana"):
    """Stakes on Solana."""

    @operation("GET /solana/accounts/{account_id}/stakes", returns=SOLANA_STAKE)
    def search(
        self,
        account_id: Many[int],
        *,
        creation_account_id: int | None = None,
        created_after: Time | None = None,
        created_before: Time | None = None,
        creation_tx: int | None = None,
        id: int | None = None,
        light: bool | None = None,
        order: Order | None = None,
        order_by: str | None = None,
        stake_uid: Many[str] | None = None,
        status: Many[StakeStatus] | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Search the stakes of accounts.

        Parameters
        ----------
        account_id
            Ids of the accounts; ``limit`` is for each.
        creation_account_id
            Id of the account of the transaction that opened the stake. The API calls this filter ``account_id`` too,
            beside the ``account_id`` of the path.
        creation_tx
            Id of the transaction that opened the stake.
        light
            False embeds the whole user, transaction and request; their fields follow the known columns.
        created_after, created_before
            From this moment on, and before that one.
        order, order_by
            Order of the frame, by any of its columns; newest first by default.
        limit
            Only so many, the newest.
        """
        return self._list(SolanaStakes.search, locals(), settled=SETTLED)

    @operation("GET /solana/accounts/{account_id}/rewards", returns=SOLANA_REWARD)
    def rewards(self, account_id: Many[int]) -> pd.DataFrame:
        """Get the rewards of all stakes of accounts."""
        return self._each(SolanaStakes.rewards, locals(), lead={"account_id": "account_id"}, nodes=items)

    @operation("GET /solana/accounts/{account_id}/stakes/{stake_uid}/rewards", returns=SOLANA_REWARD)
    def stake_rewards(self, account_id: int, stake_uid: Many[str]) -> pd.DataFrame:
        """Get the rewards of stakes."""
        lead = {"stake_uid": "stake_uid", "account_id": "account_id"}
        return self._each(SolanaStakes.stake_rewards, locals(), lead=lead, nodes=items)

    @operation("GET /solana/accounts/{account_id}/periodic-rewards", returns=PERIODIC_REWARDS)
    def periodic_rewards(self, account_id: Many[int]) -> pd.DataFrame:
        """Get the rewards of all active stakes of accounts over 7 days, 30 days, and altogether."""
        return self._each(SolanaStakes.periodic_rewards, locals(), lead={"account_id": "account_id"}, nodes=items)


class TezosStakes(Section, name="stakes.tezos"):
    """Stakes on Tezos."""

    @operation("GET /tezos/accounts/{account_id}/stakes", returns=TEZOS_STAKE)
    def search(
        self,
        account_id: Many[int],
        *,
        creation_account_id: int | None = None,
        created_after: Time | None = None,
        created_before: Time | None = None,
        creation_tx: int | None = None,
        id: int | None = None,
        light: bool | None = None,
        order: Order | None = None,
        order_by: str | None = None,
        stake_uid: Many[str] | None = None,
        status: Many[StakeStatus] | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Search the stakes of accounts.

        Parameters
        ----------
        account_id
            Ids of the accounts; ``limit`` is for each.
        creation_account_id
            Id of the account of the transaction that opened the stake. The API calls this filter ``account_id`` too,
            beside the ``account_id`` of the path.
        creation_tx
            Id of the transaction that opened the stake.
        light
            False embeds the whole user, transaction and request; their fields follow the known columns.
        created_after, created_before
            From this moment on, and before that one.
        order, order_by
            Order of the frame, by any of its columns; newest first by default.
        limit
            Only so many, the newest.
        """
        return self._list(TezosStakes.search, locals(), settled=SETTLED)

    @operation("GET /tezos/accounts/{account_id}/rewards", returns=TEZOS_REWARD)
    def rewards(
        self, account_id: Many[int], *, start_cycle: int | None = None, end_cycle: int | None = None
    ) -> pd.DataFrame:
        """Get the rewards of accounts, between two cycles of the chain where they are given."""
        return self._each(TezosStakes.rewards, locals(), lead={"account_id": "account_id"}, nodes=items)


class Stakes:
    """Stakes, by chain: ``stakes.cardano``, ``stakes.ethereum``, ``stakes.solana``, ``stakes.tezos``."""

    def __init__(self, connection: Connection) -> None:
        self.cardano = CardanoStakes(connection)
        self.ethereum = EthereumStakes(connection)
        self.solana = SolanaStakes(connection)
        self.tezos = TezosStakes(connection)

    def __repr__(self) -> str:
        return "\n".join(map(repr, (self.cardano, self.ethereum, self.solana, self.tezos)))
