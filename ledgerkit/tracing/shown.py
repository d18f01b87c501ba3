"""What is shown of the tables of a trace: of wide ones the columns that people read, and words about the others."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

PAYMENT: Final = (
    "id",
    "created_on",
    "account_id",
    "account_name",
    "type",
    "status",
    "amount",
    "ticker",
    "recipient",
    "created_by_name",
    "last_request",
    "tx_hash",
)
ACCOUNT: Final = ("id", "name", "type", "status", "balance", "ticker", "currency", "address", "created_on")
OBJECT: Final = (
    "id",
    "name",
    "username",
    "role",
    "status",
    "created_by",
    "created_by_name",
    "created_on",
    "last_request",
    "description",
)
REQUEST: Final = (
    "id",
    "type",
    "status",
    "target_type",
    "target_id",
    "created_by",
    "created_by_name",
    "created_on",
    "relation",
)
SETTLEMENT: Final = (
    "id",
    "state",
    "from_pledge_id",
    "outbound_transaction_transaction_id",
    "outbound_transaction_request_id",
    "inbound_transaction_intent_amount",
    "inbound_transaction_intent_to_address",
    "repledge_request_id",
)
COLUMNS: Final[Mapping[str, Sequence[str]]] = {
    **dict.fromkeys(("transactions", "other_transactions"), PAYMENT),
    **dict.fromkeys(("account", "accounts", "parent_and_tokens"), ACCOUNT),
    **dict.fromkeys(("user", "group", "groups", "whitelist", "whitelists", "entity", "entities"), OBJECT),
    **dict.fromkeys(("request", "requests"), REQUEST),
    **dict.fromkeys(("settlement", "settlements"), SETTLEMENT),
    "timeline": ("time", "event", "who", "who_id", "kind", "id", "detail"),
    "approvals": ("request_id", "step", "group_name", "quorum", "vote", "who", "who_id", "time", "may_approve"),
    "flows": (
        "account_id",
        "account_name",
        "direction",
        "amount",
        "ticker",
        "confirmed",
        "transactions",
        "first",
        "last",
    ),
    "balances": ("account_id", "total_display", "available_display", "pending_display", "ticker"),
    "message": (
        "id",
        "message_type",
        "status",
        "account_id",
        "account_name",
        "created_by",
        "created_by_name",
        "created_on",
        "data",
    ),
    "pledge": (
        "id",
        "state",
        "account_id",
        "account_name",
        "amount_display",
        "ticker",
        "exchange_name",
        "asset_manager_name",
        "custodian_name",
    ),
}
# What says that something is missing, or not what it seems, is shown wherever a row has it.
TELLING: Final = ("token_mint", "without_amount", "failure", "why_not", "error", "display_note")


def narrowed(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return tables with the columns that people read, in the order in which they do."""
    return {name: frame[_chosen(name, frame)] for name, frame in tables.items()}


def left_out(tables: Mapping[str, pd.DataFrame], where: str) -> list[str]:
    """Return the note about the columns that are not shown; none where all are.

    Parameters
    ----------
    where
        What has them, in words.
    """
    counts = {name: len(frame.columns) - len(_chosen(name, frame)) for name, frame in tables.items()}
    there = [f"{name} {count}" for name, count in counts.items() if count and len(tables[name])]
    return [f"Columns that are not shown here, and are in {where}: {', '.join(there)}."] if there else []


def _chosen(name: str, frame: pd.DataFrame) -> list[str]:
    if name not in COLUMNS:
        return [str(column) for column in frame.columns]
    said = [column for column in TELLING if column in frame.columns and _says(frame[column])]
    return [*(column for column in COLUMNS[name] if column in frame.columns), *said]


def _says(values: "pd.Series[Any]") -> bool:
    there = values.dropna()
    return bool(len(there)) and not (pd.api.types.is_integer_dtype(there) and not there.any())
