"""Accounts: search, balances, addresses, labels, tokens, NFTs, and the history of changes."""

from collections.abc import Callable
from functools import cache, partial
from os import PathLike
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from ledgerkit.errors import ContractViolation, InvalidRequest
from ledgerkit.filters import Many, Time, instant
from ledgerkit.frames import AMOUNT, FLAG, INTEGER, LIST, NUMBER, SELF, TEXT, TIME, Fields, Table
from ledgerkit.operations import operation
from ledgerkit.resources.addresses import read_address
from ledgerkit.resources.base import Section, history, items, wrapped
from ledgerkit.resources.histories import history_table
from ledgerkit.resources.nft_tables import NFT, NFT_COLLECTION, NFT_PORTFOLIO
from ledgerkit.vocabulary import AccountStatus, AccountType, AddressType, Order

# What an account's creation needs is imported by those who draft one.
if TYPE_CHECKING:
    from ledgerkit import plans
    from ledgerkit.drafts import Draft

FIELDS: Final[Fields] = {
    "id": INTEGER,
    "index": INTEGER,
    "name": TEXT,
    "type": TEXT,
    "status": TEXT,
    "currency": TEXT,
    "contract_address": TEXT,
    "parent": INTEGER,
    "address": TEXT,
    "balance": AMOUNT,
    "available_balance": AMOUNT,
    "pending_balance": AMOUNT,
    "created_by": INTEGER,
    "created_on": TIME,
    "last_request": INTEGER,
    "derivation_path": TEXT,
    "governance_rules": LIST,
    "labels": LIST,
    "token_accounts": LIST,
    "tradelink_data": {
        "total_repledge": AMOUNT,
    },
    "coin_fields": {
        "type": TEXT,
        "staking": {
            "activated_at": TIME,
            "activated_cycle": INTEGER,
            "active_balance": AMOUNT,
            "baker_address": TEXT,
            "delegated_at": TIME,
            "delegated_block": TEXT,
            "delegated_cycle": INTEGER,
            "gross_apy": NUMBER,
            "rewards": {
                SELF: AMOUNT,
                "last30": AMOUNT,
                "last7": AMOUNT,
                "total": AMOUNT,
            },
            "state": TEXT,
            "updated_at": TIME,
            "controller_address": TEXT,
            "is_nominator": FLAG,
            "legacy_staking": FLAG,
            "proxies": LIST,
            "rewards_destination": TEXT,
            "balances": {
                "activating": AMOUNT,
                "deactivating": AMOUNT,
                "delegated": AMOUNT,
                "token_accounts": LIST,
                "total_staked": AMOUNT,
                "undelegated": AMOUNT,
            },
            "available_rewards": AMOUNT,
            "network_apy": NUMBER,
            "total_rewards": AMOUNT,
            "total_staking": AMOUNT,
            "total_unbonded": AMOUNT,
            "total_unbonding": AMOUNT,
        },
        "anonymous_proxy": {
            "address": TEXT,
            "balances": {
                "available": AMOUNT,
                "bonded": AMOUNT,
                "free": AMOUNT,
                "frozen": AMOUNT,
                "reserved": AMOUNT,
                "total": AMOUNT,
            },
            "block_height": INTEGER,
            "created_at": TIME,
            "ext_index": INTEGER,
            "index": INTEGER,
            "is_controller": FLAG,
            "is_main": FLAG,
            "kind": TEXT,
        },
        "balances": {
            "available": AMOUNT,
            "bonded": AMOUNT,
            "free": AMOUNT,
            "frozen": AMOUNT,
            "reserved": AMOUNT,
            "total": AMOUNT,
            "total_unbonded": AMOUNT,
            "total_unbonding": AMOUNT,
            "unbonded": LIST,
            "unbonding": LIST,
        },
    },
}


def _without_xpub(node: dict[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in node.items() if field != "xpub"}


ACCOUNT: Final = Table("account", FIELDS, normalise=_without_xpub)
# Only where it is asked for: with the extended public key, all addresses of an account can be followed.
ACCOUNT_WITH_XPUB: Final = Table("account", {**FIELDS, "xpub": TEXT})
# Every chain has totals of its own; the three that all share stand first.
BALANCES: Final = Table(
    "account",
    {
        "account_id": INTEGER,
        "total": AMOUNT,
        "available": AMOUNT,
        "pending": AMOUNT,
        "confirmed": AMOUNT,
        "mempool_change": AMOUNT,
        "mempool_in": AMOUNT,
        "mempool_out": AMOUNT,
        "under_confirmation_change": AMOUNT,
        "under_confirmation_in": AMOUNT,
        "under_confirmation_out": AMOUNT,
        "worthless": AMOUNT,
        "activating": AMOUNT,
        "deactivating": AMOUNT,
        "delegated": AMOUNT,
        "token_accounts": LIST,
        "total_staked": AMOUNT,
        "undelegated": AMOUNT,
    },
)
BALANCE_HISTORY: Final = Table(
    "day",
    {
        "account_id": INTEGER,
        "account_index": INTEGER,
        "currency_name": TEXT,
        "currency_magnitude": INTEGER,
        "currency_network": TEXT,
        "currency_token_address": TEXT,
        "date": TIME,
        "value": AMOUNT,
    },
)
ADDRESS: Final = Table("address", {"account_id": INTEGER, "address": TEXT, "derivation_path": TEXT})
RECEIVE_ADDRESS: Final = Table(
    "address",
    {
        "account_id": INTEGER,
        "address": TEXT,
        "derivation_path": TEXT,
        "blockchain_name": TEXT,
        "verification": TEXT,
        "jwt": TEXT,
    },
)
CURRENCY_UNITS: Final = Table("account", {"account_id": INTEGER, "amount_units": LIST, "fees_units": LIST})
LABEL: Final = Table(
    "label",
    {
        "account_id": INTEGER,
        "id": INTEGER,
        "name": TEXT,
        "info": {
            "color": TEXT,
            "description": TEXT,
        },
    },
)
LIGHT_TOKEN: Final = Table(
    "token account",
    {
        "account_id": INTEGER,
        "account_name": TEXT,
        "status": TEXT,
        "contract_address": TEXT,
        # In the base unit of the token; `account_id` is the account above it, whose unit would scale them wrongly.
        "pending": NUMBER,
        "associated_token_account": TEXT,
        "available": NUMBER,
        "creation_transaction_hash": TEXT,
        "parent_id": INTEGER,
        "ticker": TEXT,
    },
)
HISTORY: Final = history_table("account_id")


class Accounts(Section, name="accounts"):
    """The accounts of the workspace. Amounts are in the base unit of each account's currency."""

    @operation("GET /accounts", returns=ACCOUNT)
    def search(
        self,
        *,
        account_label: Many[str] | None = None,
        account_type: AccountType | None = None,
        created_after: Time | None = None,
        created_before: Time | None = None,
        currency: str | None = None,
        entity: Many[int] | None = None,
        group: int | None = None,
        id: int | None = None,
        name: str | None = None,
        order: Order | None = None,
        order_by: str | None = None,
        parent: int | None = None,
        status: AccountStatus | None = None,
        user: int | None = None,
        limit: int | None = None,
        include_xpub: bool = False,
    ) -> pd.DataFrame:
        """Search accounts.

        Parameters
        ----------
        account_label
            Ids of labels.
        currency
            A currency (``"bitcoin"``), or a network and a token contract (``"ethereum:0x..."``).
        entity, group, user
            Ids: accounts in these entities, and accounts whose rules name this group or user.
        parent
            Id of the parent account of token accounts.
        created_after, created_before
            From this moment on, and before that one.
        order, order_by
            Order of the frame, by any of its columns; newest first by default.
        limit
            Only so many, the newest.
        include_xpub
            Adds the column ``xpub``, which only operators with the right to view all may read. Whoever has it can
            follow every address of the account.
        """
        return self._list(Accounts.search, locals(), table=_chosen(include_xpub), settled=SETTLED)

    @operation("GET /accounts/{account_id}", returns=ACCOUNT)
    def get(self, account_id: Many[int], *, include_xpub: bool = False) -> pd.DataFrame:
        """Get accounts by id: one row for one id; for several, a column ``error`` says what could not be had."""
        return self._each(Accounts.get, locals(), table=_chosen(include_xpub), lead={"account_id": "id"})

    @operation("GET /accounts/{account_id}/history", returns=HISTORY)
    def history(self, account_id: Many[int]) -> pd.DataFrame:
        """Get the requests that created and changed accounts."""
        return self._each(Accounts.history, locals(), lead={"account_id": "account_id"}, nodes=history)

    @operation("GET /accounts/{account_id}/balances", returns=BALANCES)
    def balances(self, account_id: Many[int]) -> pd.DataFrame:
        """Get the balances of accounts, with the totals that only some chains have."""
        return self._each(Accounts.balances, locals(), lead={"account_id": "account_id"})

    @operation("GET /accounts/{account_id}/balances/history", returns=BALANCE_HISTORY)
    def balance_history(self, account_id: Many[int], *, start: Time, end: Time) -> pd.DataFrame:
        """Get the balance of accounts day by day; a missing value is a gap, not a zero.

        Some currencies have no history: for one id that is an :class:`~ledgerkit.Unsupported`, among several a
        row with the reason.

        Parameters
        ----------
        start, end
            Both needed: the defaults that the API documents are a moment of the past. Whether the day of ``end`` is
            in is up to the service.
        """
        zone = self._connection.zone
        if instant("start", start, zone) > instant("end", end, zone):
            raise InvalidRequest(
                f"`start` = {start} is after `end` = {end}: nothing lies between them.", field="start"
            )
        return self._each(Accounts.balance_history, locals(), lead={"account_id": "account_id"}, nodes=_days)

    @operation("GET /accounts/{account_id}/currency", returns=CURRENCY_UNITS)
    def currency(self, account_id: Many[int]) -> pd.DataFrame:
        """Get the units in which amounts and fees of accounts are shown; each unit has a code and a magnitude."""
        return self._each(Accounts.currency, locals(), lead={"account_id": "account_id"})

    @operation(
        "GET /accounts/{account_id}/address", "GET /accounts/{account_id}/address/{index}", returns=RECEIVE_ADDRESS
    )
    def receive_address(
        self, account_id: Many[int], *, index: int | None = None, type: AddressType = "receive"
    ) -> pd.DataFrame:
        """Get addresses to receive at, as the signed statements of the service.

        Parameters
        ----------
        index
            For Bitcoin-like accounts, which of their addresses; other accounts have one and take none.
        type
            ``change`` is listed by the API but not supported by it yet.

        Notes
        -----
        The signature of the statement is **not verified** here, and the column ``verification`` says so: the
        certificates that it could be checked with (``session.certificates.chain()``) come from the same service.
        """
        given: dict[str, Any] = {"account_id": account_id}
        if index is not None:
            given |= {"index": index, "type": type}
        elif type != "receive":
            raise InvalidRequest("`type` goes with `index`: only Bitcoin-like accounts have several addresses.")
        return self._each(
            Accounts.receive_address,
            given,
            operation=f"GET /accounts/{{account_id}}/address{'' if index is None else '/{index}'}",
            lead={"account_id": "account_id"},
            nodes=read_address,
        )

    @operation(
        "GET /accounts/{account_id}/addresses", "GET /accounts/{account_id}/addresses/{index}", returns=ADDRESS
    )
    def addresses(self, account_id: Many[int], *, index: int | None = None) -> pd.DataFrame:
        """Get addresses of accounts (deprecated by the API: see :meth:`receive_address`).

        Bitcoin-like accounts give the next three fresh ones, or the one at ``index``; others their only one.
        """
        return self._each(
            Accounts.addresses,
            locals(),
            operation=f"GET /accounts/{{account_id}}/addresses{'' if index is None else '/{index}'}",
            lead={"account_id": "account_id"},
            nodes=wrapped("addresses") if index is None else None,
        )

    @operation("GET /accounts/{account_id}/labels", returns=LABEL)
    def labels(self, account_id: Many[int]) -> pd.DataFrame:
        """Get the labels of accounts."""
        return self._each(Accounts.labels, locals(), lead={"account_id": "account_id"}, nodes=items)

    @operation("GET /accounts/{account_id}/nfts", returns=NFT)
    def nfts(self, account_id: Many[int], *, limit: int | None = None) -> pd.DataFrame:
        """Get the NFTs of accounts; the list has no order and no dates. ``limit`` is for each account."""
        key = ("contract_address", "token_id")
        return self._list(Accounts.nfts, locals(), key=key, dated=False)

    @operation("GET /accounts/{account_id}/nft-collections", returns=NFT_COLLECTION)
    def nft_collections(self, account_id: Many[int], *, limit: int | None = None) -> pd.DataFrame:
        """Get the NFT collections of accounts; the list has no order and no dates. ``limit`` is for each account."""
        return self._list(Accounts.nft_collections, locals(), key=("contract_address",), dated=False)

    @operation("GET /accounts/{account_id}/nft-portfolio", returns=NFT_PORTFOLIO)
    def nft_portfolio(self, account_id: Many[int]) -> pd.DataFrame:
        """Get the estimated value of all NFTs of accounts: ``eth_value`` in wei, ``usd_value`` in dollars."""
        return self._each(Accounts.nft_portfolio, locals(), lead={"account_id": "account_id"})

    @operation("GET /accounts/{account_id}/tokens", returns=LIGHT_TOKEN)
    def tokens(self, account_id: Many[int]) -> pd.DataFrame:
        """Get the light token accounts (SPL) under accounts."""
        return self._each(Accounts.tokens, locals(), lead={"account_id": "account_id"}, nodes=items)

    @operation("GET /accounts/{parent_account_id}/erc20-children-accounts", returns=ACCOUNT)
    def erc20_children(
        self,
        parent_account_id: Many[int],
        *,
        created_after: Time | None = None,
        created_before: Time | None = None,
        entity: Many[int] | None = None,
        group: int | None = None,
        id: int | None = None,
        order: Order | None = None,
        order_by: str | None = None,
        status: AccountStatus | None = None,
        user: int | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Search the token accounts under an Ethereum-like account; the parameters are those of :meth:`search`."""
        return self._list(Accounts.erc20_children, locals(), settled=SETTLED)

    @operation("GET /accounts/{account_id}/sync", returns=ACCOUNT)
    def sync(self, account_id: int, *, synchronous: bool = False) -> pd.DataFrame:
        """Make the service bring the transactions of an account in line with the chain, and get the account.

        This GET acts: it is sent once, for one account, and never repeated.

        Parameters
        ----------
        synchronous
            Wait until it is done; otherwise the service does it in the background.
        """
        return self._each(Accounts.sync, locals(), lead={"account_id": "id"}, retry=False)

    def create(
        self,
        name: str,
        currency: str,
        account_type: str,
        policy_name: str,
        *,
        index: int | None = None,
        parent_id: int | None = None,
        contract_address: str | None = None,
    ) -> "Draft":
        """Draft a request to create an account; for administrators, and experimental: only a tutorial documents it.

        Parameters
        ----------
        name
            At most 19 characters.
        account_type
            The type of the account as a creation writes it, such as ``"BITCOIN_LIKE"``.
        policy_name
            Of a policy of the workspace; no call lists them.
        index
            0 where none is given. One that an account of the currency has is a problem of the draft, which names a
            free one.
        parent_id, contract_address
            Of a token account: the account above it, and the token.

        Raises
        ------
        InvalidRequest
            An argument can't be used, such as a type that no account has.
        """
        return self._created(
            lambda of: self.search(currency=of),
            name,
            currency,
            account_type,
            policy_name,
            index=index,
            parent_id=parent_id,
            contract_address=contract_address,
        )

    def _created(
        self,
        search: Callable[[str], pd.DataFrame],
        name: str,
        currency: str,
        account_type: str,
        policy_name: str,
        *,
        index: int | None = None,
        parent_id: int | None = None,
        contract_address: str | None = None,
    ) -> "Draft":
        from ledgerkit.payloads import AccountCreation
        from ledgerkit.resources import account_checks
        from ledgerkit.resources.requests import Requests

        account_checks.require_type(account_type)
        payload = AccountCreation(
            name=name,
            currency=currency,
            account_type=account_type,
            policy_name=policy_name,
            index=0 if index is None else index,
            parent_id=parent_id,
            contract_address=contract_address,
        )
        checks = account_checks.checks(payload, search, given=index is not None)
        return Requests(self._connection)._draft(payload, (), checks)

    def plan(
        self,
        accounts: "plans.Source | None" = None,
        *,
        journal: str | PathLike[str] | None = None,
        approve: bool = False,
    ) -> "plans.Plan":
        """Make a plan to create many accounts, one after the other; nothing is sent before ``plan.run()``.

        Parameters
        ----------
        accounts
            A frame, or the path of a CSV file, with the columns ``name``, ``currency``, ``account_type`` and
            ``policy_name``, and where needed ``index``, ``parent_id`` and ``contract_address``. None goes on with the
            plan in ``journal``.
        journal
            The file in which the plan is written down. By default its name follows from the accounts, beside the CSV
            file, or in the working directory for a frame: the same accounts planned again find it and go on, and are
            not created a second time.
        approve
            Whether each is approved by its creator before the next is created, as the service wants it. At most 200
            accounts an hour are created, their approvals counted. Where you can't approve them, for want of the right
            private key or the role ADMIN, that is in ``plan.problems``.

        Raises
        ------
        InvalidRequest
            A row can't be read, or the journal is that of something else.
        JournalDamaged
            The journal is not what was written there, or would create anything else than ``accounts``.
        """
        # Few notebooks make a plan: its modules would be 14 ms of the 150 that the kit adds to the import of pandas.
        from ledgerkit import plans
        from ledgerkit.plans import desks

        # Of each currency once: a plan of 200 accounts asks no more than one of them.
        create = partial(self._created, cache(lambda of: self.search(currency=of)))
        desk = desks.for_accounts(self._connection, create, approve=approve)
        return plans.accounts(self._connection, desk, accounts, journal=journal)


# What an account is from its creation on.
SETTLED: Final = frozenset({"account_type", "currency", "parent", "parent_account_id"})


def _chosen(include_xpub: bool) -> Table:
    return ACCOUNT_WITH_XPUB if include_xpub else ACCOUNT


def _days(body: Any) -> list[Any]:
    try:
        index, currency, days = (body[field] for field in ("account_index", "currency", "balances"))
        shared = {"account_index": index, **{f"currency_{field}": value for field, value in currency.items()}}
        return [{**shared, **day} for day in days]
    except (TypeError, KeyError, AttributeError) as error:
        raise ContractViolation(
            f"this is no balance history: {error!r}.", field="balances", body=repr(body)[:500]
        ) from None
