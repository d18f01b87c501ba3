"""What a transaction of an account would cost, at each speed and at fees of the caller's own."""

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from typing import Any

from . import terms
from .accounts import Account
from .currencies import COINS, TOKENS, Token, is_testnet
from .intents_fields import amount, choice, record, refused
from .store import Node

# the fee at a speed, in quarters of the usual one
_QUARTERS = {"SLOW": 3, "NORMAL": 4, "FAST": 6}
# outputs that one bitcoin transaction may spend
UTXO_LIMIT = 100
# gas of a plain transfer: no transaction takes less
SMALLEST_GAS_LIMIT = 21_000
# lamports that a token account of Solana holds, so that the chain keeps it
TOKEN_ACCOUNT_RENT = 2_039_280
# lamports on top of the fee, so that validators take a transaction soon
RECOMMENDED_PRIORITY_FEES = 5_000
# how long an estimate stays as it is, and by how much the next one is dearer or cheaper, of 1000
DRIFT_SECONDS = 600
_DRIFT = 5
# estimates in a row that rise, and then fall again
_RISES = 10
_RATE = re.compile(r"[0-9]{1,12}(\.[0-9]{1,8})?")
# what a whole block holds
LARGEST_GAS_LIMIT = 30_000_000


@dataclass(frozen=True, slots=True)
class Strategy:
    """How the caller wants to pay: a speed, or own values in base units."""

    speed: str = "NORMAL"
    fees_per_byte: Decimal | None = None
    gas_limit: int | None = None
    gas_price: int | None = None
    priority_fees: int | None = None

    @property
    def custom(self) -> bool:
        """Whether the caller gave values of its own."""
        return self.fees_per_byte is not None or self.gas_limit is not None


@dataclass(frozen=True, slots=True)
class Quote:
    """The fees of a transaction in base units of the coin that pays them, and what the answer shows beside them."""

    max_fees: int
    coin_fields: Node | None


def read_strategy(value: Any, currency: str) -> Strategy:
    """Read ``fees_strategy``: every family takes a speed, bitcoin and EVM chains take own values too."""
    where = "data.fees_strategy"
    given = record(value, where, ("type", "data"))
    family = COINS[currency].family
    allowed = ("SPEED", "CUSTOM") if family in ("bitcoin", "ethereum", "polygon") else ("SPEED",)
    if choice(given["type"], f"{where}.type", allowed) == "SPEED":
        data = record(given["data"], f"{where}.data", ("speed",))
        return Strategy(speed=choice(data["speed"], f"{where}.data.speed", _QUARTERS))
    if family == "bitcoin":
        data = record(given["data"], f"{where}.data", ("fees_per_byte",))
        return Strategy(fees_per_byte=_rate(data["fees_per_byte"], f"{where}.data.fees_per_byte"))
    price = "priority_fees" if isinstance(given["data"], dict) and "priority_fees" in given["data"] else "gas_price"
    data = record(given["data"], f"{where}.data", ("gas_limit", price))
    if price == "priority_fees" and _takes_gas_price(currency):
        raise refused(f"{where}.data.priority_fees", data[price], f"{currency} takes gas_price instead")
    limit = amount(data["gas_limit"], f"{where}.data.gas_limit")
    if not SMALLEST_GAS_LIMIT <= limit <= LARGEST_GAS_LIMIT:
        rule = f"must be between {SMALLEST_GAS_LIMIT} and {LARGEST_GAS_LIMIT}"
        raise refused(f"{where}.data.gas_limit", data["gas_limit"], rule)
    paid = amount(data[price], f"{where}.data.{price}")
    if price == "priority_fees":
        return Strategy(gas_limit=limit, priority_fees=paid)
    if paid == 0:
        raise refused(f"{where}.data.gas_price", data[price], "must be above 0")
    return Strategy(gas_limit=limit, gas_price=paid)


def quote(seed: int, account: Node, kind: str, strategy: Strategy) -> Quote:
    """Return the fees of a transaction, the same each time for an account, a kind and a strategy."""
    coin = COINS[account["currency"]]
    plain = Account(account, coin, _token_of(account), "", 0.0, 0.0, 0.0)
    name = kind.partition("_LIKE_")[2]
    usual = terms.estimate_fees(Random(f"fees {seed} {account['id']} {kind}"), plain, name)
    if coin.family == "bitcoin":
        return _bytes_quote(usual.paid // usual.rate, usual.rate, account["currency"], strategy)
    if coin.family in ("ethereum", "polygon"):
        return _gas_quote(usual, account["currency"], strategy)
    ceiling = usual.paid if usual.ceiling is None else usual.ceiling
    if name == "CREATE_SPL_TOKEN_ACCOUNT":
        ceiling += TOKEN_ACCOUNT_RENT
    fields: Node | None = None
    if coin.family == "tezos":
        shown = terms.coin_fields(Random(0), plain, name, usual, None) or {}
        fields = {part: int(shown[part]) for part in ("gas_limit", "storage_limit")}
    return Quote(_at_speed(ceiling, strategy.speed), fields)


def drifted(quote: Quote, moment: float) -> Quote:
    """Return a quote as an estimate at a moment gives it: above what a creation wants, by 5 % at the most.

    So an estimate of any moment is enough for a creation at any other.
    """
    turn = int(moment // DRIFT_SECONDS) % (2 * _RISES)
    steps = min(turn, 2 * _RISES - turn)
    return replace(quote, max_fees=quote.max_fees * (1000 + _DRIFT * steps) // 1000)


def slowest(strategy: Strategy) -> Strategy:
    """Return the cheapest strategy to which a ceiling has to suffice: own values stand for themselves."""
    return strategy if strategy.custom else Strategy(speed="SLOW")


def _bytes_quote(size: int, usual_rate: int, currency: str, strategy: Strategy) -> Quote:
    rate = strategy.fees_per_byte
    if rate is None:
        # blocks of a testnet are empty: the lowest rate that nodes relay serves
        quarters = _QUARTERS[strategy.speed] * (2 if is_testnet(currency) else usual_rate)
        rate = Decimal(max(quarters // 4, 1))
    # half as much again: the fee is worked out anew after the last approval
    ceiling = int(size * rate * 3 / 2)
    shown = int(rate) if rate == int(rate) else float(rate)
    return Quote(ceiling, {"UTXO_limit": UTXO_LIMIT, "fees_per_byte": shown})


def _gas_quote(usual: terms.Fees, currency: str, strategy: Strategy) -> Quote:
    limit = usual.gas_limit if strategy.gas_limit is None else strategy.gas_limit
    if strategy.gas_price is not None:
        return Quote(limit * strategy.gas_price, {"gas_limit": limit, "gas_price": strategy.gas_price})
    if strategy.priority_fees is not None:
        price = usual.rate * 2 + strategy.priority_fees
        return Quote(limit * price, {"gas_limit": limit, "priority_fees": strategy.priority_fees})
    rate = _at_speed(usual.rate, strategy.speed)
    # twice the usual price: the base fee of a chain may double within a few blocks
    if _takes_gas_price(currency):
        return Quote(limit * rate * 2, {"gas_limit": limit, "gas_price": rate})
    return Quote(limit * rate * 2, {"gas_limit": limit, "priority_fees": rate // 10})


def _at_speed(usual: int, speed: str) -> int:
    return usual * _QUARTERS[speed] // 4


def _takes_gas_price(currency: str) -> bool:
    """Say whether a chain has no base fee, as the fields of its transactions show."""
    account = Account({}, COINS[currency], None, "", 0.0, 0.0, 0.0)
    return "gas_price" in (terms.coin_fields(Random(0), account, "SEND", terms.Fees(0, 0), None) or {})


def _token_of(account: Node) -> Token | None:
    wanted = (account.get("contract_address") or "").lower()
    return next((token for token in TOKENS if wanted and token.contract.lower() == wanted), None)


def _rate(value: Any, name: str) -> Decimal:
    if not isinstance(value, str) or not _RATE.fullmatch(value) or not Decimal(value):
        raise refused(name, value, "a string with a number above 0 is expected, in base units per byte")
    return Decimal(value)
