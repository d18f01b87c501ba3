"""Staking on Cardano, Ethereum, Solana and Tezos: positions and rewards, in the base unit of the chain."""

from collections.abc import Mapping
from typing import Any, Final, Literal

import pandas as pd

from ledgerkit.connection import Connection
from ledgerkit.filters import Day, Many, Time
from ledgerkit.operations import operation
from ledgerkit.payloads import (
    EthereumStakeCreation,
    SolanaStakeApproval,
    SolanaStakeDeactivation,
    TezosUndelegation,
)
from ledgerkit.resources.base import Section, items
from ledgerkit.resources.stake_tables import (
    CARDANO_REWARD,
    CARDANO_STAKE,
    ETHEREUM_REWARD,
    ETHEREUM_STAKE,
    PERIODIC_REWARDS,
    SOLANA_REWARD,
    SOLANA_STAKE,
    TEZOS_REWARD,
    TEZOS_STAKE,
)
from ledgerkit.resources.transactions import TRANSACTION
from ledgerkit.resources.writing import identifier, write
from ledgerkit.vocabulary import Order, Speed, StakeStatus

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

    @operation("POST /ethereum/accounts/{account_id}/stakes", returns=TRANSACTION)
    def create(
        self,
        account_id: int,
        *,
        max_fees: int | str,
        provider_fields: Mapping[str, Any],
        provider: Literal["kiln"] = "kiln",
        speed: Speed = "NORMAL",
        gas_limit: int | str | None = None,
        gas_price: int | str | None = None,
        again: bool = False,
    ) -> pd.DataFrame:
        """Create a stake, and get its transaction; only a LAM can, and its documentation of it is of 2023.

        Parameters
        ----------
        max_fees, gas_price
            In wei. The gas goes with the speed ``CUSTOM``.
        provider_fields
            What the provider asks for; what that is is documented nowhere.
        again
            That a second stake of the same content is meant, where this session has sent one.
        """
        body = EthereumStakeCreation(
            max_fees=max_fees,
            provider=provider,
            provider_fields=provider_fields,
            speed=speed,
            gas_limit=gas_limit,
            gas_price=gas_price,
        ).to_json()
        inside = {"account_id": identifier("account_id", account_id)}
        path = "POST /ethereum/accounts/{account_id}/stakes"
        what, same = f"a stake of account {account_id}", {"operation": path, **inside, **body}
        with self._connection.outbox.claim(same, what, again=again) as claim:
            frame = write(self, path, TRANSACTION, inside, body=body, lead=inside, given=body)
            claim.record(what)
        return frame


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

    @operation("POST /solana/accounts/{account_id}/stakes/{stake_id}/actions/deactivate", returns=SOLANA_STAKE)
    def deactivate(
        self, account_id: int, stake_id: int, *, stake_account: str, account_name: str | None = None
    ) -> pd.DataFrame:
        """Ask to deactivate a stake; only a LAM can, and its documentation of it is of 2023.

        Parameters
        ----------
        stake_account
            The address of the stake.
        """
        body = SolanaStakeDeactivation(stake_account=stake_account, account_name=account_name).to_json()
        account = {"account_id": identifier("account_id", account_id)}
        path = "POST /solana/accounts/{account_id}/stakes/{stake_id}/actions/deactivate"
        inside = {**account, "stake_id": identifier("stake_id", stake_id)}
        return write(self, path, SOLANA_STAKE, inside, body=body, lead=account, given=body)

    @operation(
        "POST /solana/accounts/{account_id}/stakes/{stake_id}/actions/{staking_action}/approve", returns=SOLANA_STAKE
    )
    def approve(
        self,
        account_id: int,
        stake_id: int,
        staking_action: str,
        *,
        request_id: int,
        amount: int | str,
        validator: str,
        account_name: str | None = None,
    ) -> pd.DataFrame:
        """Approve an action on a stake by repeating what it is; only a LAM can, which signs by itself.

        Parameters
        ----------
        staking_action
            Such as ``"deactivate"``; the values are documented nowhere.
        amount
            In lamports.
        validator
            The address that is delegated to.
        """
        body = SolanaStakeApproval(
            request_id=request_id, amount=amount, validator=validator, account_name=account_name
        ).to_json()
        account = {"account_id": identifier("account_id", account_id)}
        path = "POST /solana/accounts/{account_id}/stakes/{stake_id}/actions/{staking_action}/approve"
        inside = {
            **account,
            "stake_id": identifier("stake_id", stake_id),
            "staking_action": identifier("staking_action", staking_action, "text"),
        }
        return write(self, path, SOLANA_STAKE, inside, body=body, lead=account, given=body)


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

    @operation("POST /tezos/accounts/{account_id}/stake/actions/undelegate", returns=TEZOS_STAKE)
    def undelegate(
        self,
        account_id: int,
        *,
        max_fees: int | str,
        speed: Speed = "NORMAL",
        account_name: str | None = None,
        gas_limit: int | str | None = None,
        storage_limit: int | str | None = None,
    ) -> pd.DataFrame:
        """Ask to end the delegation of an account; only a LAM can, and its documentation of it is of 2023.

        Parameters
        ----------
        max_fees
            In mutez.
        """
        body = TezosUndelegation(
            max_fees=max_fees,
            speed=speed,
            account_name=account_name,
            gas_limit=gas_limit,
            storage_limit=storage_limit,
        ).to_json()
        inside = {"account_id": identifier("account_id", account_id)}
        path = "POST /tezos/accounts/{account_id}/stake/actions/undelegate"
        return write(self, path, TEZOS_STAKE, inside, body=body, lead=inside, given=body)


class Stakes:
    """Stakes, by chain: ``stakes.cardano``, ``stakes.ethereum``, ``stakes.solana``, ``stakes.tezos``."""

    def __init__(self, connection: Connection) -> None:
        self.cardano = CardanoStakes(connection)
        self.ethereum = EthereumStakes(connection)
        self.solana = SolanaStakes(connection)
        self.tezos = TezosStakes(connection)

    def __repr__(self) -> str:
        return "\n".join(map(repr, (self.cardano, self.ethereum, self.solana, self.tezos)))
