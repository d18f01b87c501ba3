"""Transactions: search, labels, and the history of changes."""

from typing import Final

import pandas as pd

from ledgerkit.filters import Exact, Many, Time
from ledgerkit.frames import AMOUNT, FEES, FLAG, INTEGER, LIST, NUMBER, OBJECT, TEXT, TIME, Table
from ledgerkit.operations import operation
from ledgerkit.resources.base import Section, history, items
from ledgerkit.resources.histories import history_table
from ledgerkit.resources.labels import LABEL
from ledgerkit.vocabulary import InteractionType, Order, TransactionStatus, TransactionType

TRANSACTION: Final = Table(
    "transaction",
    {
        "id": INTEGER,
        "uid": TEXT,
        "account_id": INTEGER,
        "account_index": INTEGER,
        "type": TEXT,
        "status": TEXT,
        "currency": TEXT,
        "currency_family": TEXT,
        "amount": AMOUNT,
        "fees": FEES,
        "max_fees": FEES,
        "speed": TEXT,
        "recipient": TEXT,
        "senders": LIST,
        "tx_hash": TEXT,
        "block": {
            "details": OBJECT,
            "hash": TEXT,
            "height": INTEGER,
            "time": TIME,
        },
        "confirmations": INTEGER,
        "min_confirmations": INTEGER,
        "created_by": INTEGER,
        "created_on": TIME,
        "broadcast_on": TIME,
        "last_request": INTEGER,
        "interaction_type": TEXT,
        "notes": LIST,
        "labels": LIST,
        "failure_reasons": {
            "client_reason": TEXT,
            "reason": TEXT,
        },
        "compliance": {
            "registration_ids": {
                "chainalysis": TEXT,
            },
            "risk": {
                "provider_details": {
                    "chainalysis": LIST,
                },
                "risk": TEXT,
            },
        },
        "metadata": {
            "stake_pubkey": TEXT,
            "amount": AMOUNT,
            "change_path": TEXT,
            "stake_path": TEXT,
        },
        "coin_fields": {
            "type": TEXT,
            "fees_per_byte": NUMBER,
            "utxo_picking_strategy": TEXT,
            "contract_deployment": {
                "creation_bytecode": TEXT,
            },
            "contract_interaction": {
                "contract_data": TEXT,
                "contract_name": TEXT,
                "dapp": TEXT,
                "function_arguments": OBJECT,
                "function_name": TEXT,
                "smart_contract_interaction_type": TEXT,
            },
            "gas_limit": NUMBER,
            "gas_price": NUMBER,
            "tx_parameters": {
                "type": TEXT,
                "controller": TEXT,
                "is_proxy": FLAG,
                "payee": TEXT,
                "real": TEXT,
                "kind": TEXT,
                "proxy": TEXT,
                "ext_index": INTEGER,
                "height": INTEGER,
                "index": INTEGER,
                "anonymousproxy_address": TEXT,
                "stake_account": TEXT,
                "merge_dst_account": TEXT,
                "merge_src_account": TEXT,
                "token_mint": TEXT,
            },
            "destination_tag": INTEGER,
            "memo": {
                "type": TEXT,
                "MEMO_HASH": TEXT,
                "MEMO_ID": NUMBER,
                "MEMO_RETURN": TEXT,
                "MEMO_TEXT": TEXT,
            },
            "storage_limit": NUMBER,
            "priority_fees": NUMBER,
        },
    },
)
TRANSACTION_LABEL: Final = LABEL.extended(before={"transaction_id": INTEGER})
HISTORY: Final = history_table("transaction_id")
# What a transaction is from its creation on. Not the amount (it may be null at first), nor what notes and hash say.
SETTLED: Final = frozenset(
    {"account", "currency", "destination_tag", "interaction_type", "memo", "recipient", "type"}
)


class Transactions(Section, name="transactions"):
    """The transactions of the workspace.

    ``amount`` is in the base unit of the account's currency or token, ``fees`` and ``max_fees`` in the base unit of
    what the account pays fees in; ``session.to_display`` scales both.
    """

    @operation("GET /transactions", returns=TRANSACTION)
    def search(
        self,
        *,
        account: Many[int] | None = None,
        created_after: Time | None = None,
        created_before: Time | None = None,
        currency: Many[str] | None = None,
        destination_tag: int | None = None,
        id: int | None = None,
        interaction_type: InteractionType | None = None,
        label: str | None = None,
        max_amount: Exact | None = None,
        memo: str | None = None,
        min_amount: Exact | None = None,
        order: Order | None = None,
        order_by: str | None = None,
        recipient: str | None = None,
        status: Many[TransactionStatus] | None = None,
        title: str | None = None,
        tx_hash: str | None = None,
        tx_label: Many[str] | None = None,
        type: TransactionType | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Search transactions.

        Parameters
        ----------
        account
            Ids of the accounts that the transactions were created in.
        currency
            Currencies (``"bitcoin"``), or networks and token contracts (``"ethereum:0x..."``).
        destination_tag
            Of XRP payments only.
        label, title
            A text in the title or content of a note; ``label`` is deprecated by the API.
        min_amount, max_amount
            Base units, as an integer, a Decimal or a text; the API does not say whether the bounds count.
        memo
            A text, a hex string, or an integer as text.
        tx_label
            Ids of labels.
        created_after, created_before
            From this moment on, and before that one.
        order, order_by
            Order of the frame, by any of its columns; newest first by default.
        limit
            Only so many, the newest.
        """
        return self._list(Transactions.search, locals(), settled=SETTLED)

    @operation("GET /transactions/{transaction_id}", returns=TRANSACTION)
    def get(self, transaction_id: Many[int]) -> pd.DataFrame:
        """Get transactions by id; for several ids, a column ``error`` says what could not be had."""
        return self._each(Transactions.get, locals(), lead={"transaction_id": "id"})

    @operation("GET /transactions/{transaction_id}/history", returns=HISTORY)
    def history(self, transaction_id: Many[int]) -> pd.DataFrame:
        """Get the requests that created and changed transactions."""
        return self._each(Transactions.history, locals(), lead={"transaction_id": "transaction_id"}, nodes=history)

    @operation("GET /transactions/{transaction_id}/labels", returns=TRANSACTION_LABEL)
    def labels(self, transaction_id: Many[int]) -> pd.DataFrame:
        """Get the labels of transactions."""
        lead = {"transaction_id": "transaction_id"}
        return self._each(Transactions.labels, locals(), lead=lead, nodes=items)
