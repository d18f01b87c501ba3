"""A service of a few accounts whose books a test writes by hand."""

import datetime as dt
import email.utils
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from serving import Reply, Seen, page

BTC = {"code": "BTC", "magnitude": 8}
ETH = {"code": "ETH", "magnitude": 18}
USDC = {"code": "USDC", "magnitude": 6}
SOL = {"code": "SOL", "magnitude": 9}
CONTRACT = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
# What the clock of the service shows, whatever this machine's does.
NOW = dt.datetime(2026, 9, 15, 12, tzinfo=dt.UTC)
MINT = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"


def account(id: int, name: str = "BTC Treasury", currency: str = "bitcoin", **fields: Any) -> dict[str, Any]:
    """An account as the service lists it."""
    return {
        "id": id,
        "name": name,
        "type": "Bitcoin",
        "status": "ACTIVE",
        "currency": currency,
        "contract_address": None,
        "parent": None,
        "address": None,
        "balance": "0",
        "created_on": "2020-01-01T00:00:00+00:00",
        **fields,
    }


def moved(id: int, kind: str, amount: int | str | None, when: str | None, **fields: Any) -> dict[str, Any]:
    """A confirmed transaction in a block of this moment, created a minute before it."""
    return {
        "id": id,
        "account_id": 1,
        "type": kind,
        "status": "CONFIRMED",
        "currency": "bitcoin",
        "currency_family": "bitcoin",
        "amount": None if amount is None else str(amount),
        "fees": None,
        "recipient": "bc1qsomebody",
        "senders": ["bc1qsender"],
        "tx_hash": f"{id:064x}",
        "block": None if when is None else {"height": id, "hash": "aa", "time": when, "details": None},
        "confirmations": 9,
        "min_confirmations": 6,
        "created_by": 7,
        "created_on": when or "2026-05-10T00:00:00+00:00",
        "broadcast_on": None,
        "notes": [],
        "labels": [],
        "coin_fields": None,
        **fields,
    }


@dataclass
class Ledger:
    """What the service answers. A status instead of a value is answered as such."""

    accounts: list[dict[str, Any]]
    transactions: list[dict[str, Any]] = field(default_factory=list)
    users: Sequence[dict[str, Any]] | int = ({"id": 7, "username": "olga"},)
    units: Mapping[int, Any] = field(default_factory=dict)
    history: Mapping[int, Any] = field(default_factory=dict)
    held: Mapping[int, Any] = field(default_factory=dict)

    def __call__(self, seen: Seen) -> Reply:
        answer = self._answer(seen)
        return replace(answer, headers={**answer.headers, "Date": email.utils.format_datetime(NOW, usegmt=True)})

    def _answer(self, seen: Seen) -> Reply:
        parts = seen.path.strip("/").split("/")
        match parts:
            case ["accounts"]:
                return _listing(seen, self.accounts)
            case ["transactions"]:
                return _listing(seen, [row for row in self.transactions if _fits(seen, row)])
            case ["users"]:
                return _refusal(self.users) if isinstance(self.users, int) else _listing(seen, list(self.users))
            case ["accounts", id, "currency"]:
                return _answer(self.units.get(int(id), {"amount_units": [BTC], "fees_units": [BTC]}))
            case ["accounts", id, "balances"]:
                total = self.held.get(int(id), 404)
                return _refusal(total) if total == 404 else Reply({"total": total, "available": total, "pending": 0})
            case ["accounts", id, "balances", "history"]:
                return self._history(int(id))
            case ["currencies", "solana", "tokens", mint]:
                units = [USDC]
                return Reply(
                    {"name": "USD Coin", "contract_address": mint, "parent_currency": "solana", "units": units}
                )
        return _refusal(404)

    def _history(self, id: int) -> Reply:
        days = self.history.get(id, 501)
        if isinstance(days, int):
            return _refusal(days)
        balances = [{"date": f"{day}T00:00:00+00:00", "value": value} for day, value in days.items()]
        currency = {"magnitude": 8, "name": "bitcoin", "network": "bitcoin", "token_address": None}
        return Reply({"account_index": id, "currency": currency, "balances": balances})


def _answer(value: Any) -> Reply:
    return _refusal(value) if isinstance(value, int) else Reply(value)


def _refusal(status: int) -> Reply:
    return Reply({"message": "refused", "name": "Refused", "status_code": status}, status)


def _fits(seen: Seen, row: Mapping[str, Any]) -> bool:
    query = seen.query
    created = row["created_on"][:19]
    return (
        str(row["account_id"]) in query.get("account", [str(row["account_id"])])
        and row["status"] in query.get("status", [row["status"]])
        and query.get("created_after", [""])[0][:19] <= created <= query.get("created_before", ["9999"])[0][:19]
    )


def _listing(seen: Seen, rows: Sequence[dict[str, Any]]) -> Reply:
    number, size = (int(seen.query.get(name, [text])[0]) for name, text in (("page", "1"), ("page_size", "20")))
    ordered = sorted(rows, key=lambda row: int(row["id"]), reverse=seen.query.get("order") != ["asc"])
    start = (number - 1) * size
    more = start + size < len(rows)
    return page(ordered[start : start + size], count=len(rows), has_next=more)
