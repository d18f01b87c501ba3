"""Estimates of fees, asked with the body of the creation that they are for."""

from typing import Any

from . import fee_quotes, intents_transactions
from .answers import Refusal, decode, encode
from .intents_fields import choice, refused
from .service import Call, Service


def estimate(service: Service, call: Call) -> bytes:
    """Answer what a transaction would cost; its own ``max_fees`` and the balance do not matter yet."""
    try:
        body: Any = decode(call.body)
    except (ValueError, RecursionError):  # nested too deep to read is no JSON of ours either
        raise Refusal(400, "The body is not JSON") from None
    if not isinstance(body, dict):
        raise refused("body", body, "an object is expected")
    choice(body.get("type"), "type", ("CREATE_TRANSACTION",))
    intent, strategy = intents_transactions.read(service, call.viewer, body)
    quote = fee_quotes.quote(service.world.seed, intent.account or {}, intent.kind, strategy)
    if not strategy.custom:
        quote = fee_quotes.drifted(quote, service.engine.now())
    answer: dict[str, Any] = {"max_fees": str(quote.max_fees), "coin_fields": quote.coin_fields}
    if intent.kind.startswith("SOLANA_LIKE_"):
        answer["recommended_max_priority_fees"] = str(fee_quotes.RECOMMENDED_PRIORITY_FEES)
    return encode(answer)
