"""Transactions through the LAM, which names accounts, signs by itself, and so takes them without a challenge."""

import re
from typing import Any

from . import intents
from .answers import Refusal, encode
from .bodies import body_of
from .intents_fields import choice, record, refused, text
from .lam_users import acting
from .service import Call, Service
from .store import Node
from .viewers import Viewer

SPEEDS = ("CUSTOM", "FAST", "NORMAL", "SLOW")
# as the contract writes its amounts
_NUMBER = re.compile(r"[0-9]*(\.[0-9]+)?")
# the fields of a transaction by the family of its chain; the cloud names the same things otherwise
_SENDS = {
    "bitcoin": "BITCOIN_LIKE_SEND",
    "cardano": "CARDANO_LIKE_SEND",
    "ethereum": "ETHEREUM_LIKE_SEND",
    "polkadot": "POLKADOT_LIKE_SEND",
    "polygon": "ETHEREUM_LIKE_SEND",
    "ripple": "RIPPLE_LIKE_SEND",
    "solana": "SOLANA_LIKE_SEND",
    "stellar": "STELLAR_LIKE_SEND",
    "tezos": "TEZOS_LIKE_SEND",
    "tron": "TRON_LIKE_SEND",
}
# the network sets the fee: the ceiling of the body is ignored
_WITHOUT_CEILING = frozenset({"polkadot", "solana"})
_CUSTOM = {"fees_per_byte", "gas_limit", "gas_price", "priority_fees"}
_CHAIN_FIELDS = {"destination_tag": "tag", "memo": "memo"}
_PICKING = ("DEEP_OUTPUTS_FIRST", "MERGE_OUTPUTS", "OPTIMIZE_SIZE")
_REPEATED = ("amount", "max_fees", "recipient")


def create(service: Service, call: Call) -> bytes:
    """Make a transaction from the account of a name; it waits for its approvals, the creator's first."""
    user = acting(service, call)
    body = record(
        body_of(call),
        "",
        ("account_name", "max_fees", "recipient", "speed"),
        ("account_id", "amount", "coin_fields", "note"),
    )
    account = _account(service, body)
    family = _family(service, account)
    request = service.engine.create(
        Viewer("api_user", user), intents.read(service, Viewer("api_user", user), _cloud_body(account, family, body))
    )
    transaction: Node = service.collections["transactions"].find(request["target_id"]) or {}
    strategy = (body.get("coin_fields") or {}).get("utxo_picking_strategy")
    if strategy is not None:
        transaction["coin_fields"] = {**transaction["coin_fields"], "utxo_picking_strategy": strategy}
        service.collections["transactions"].replace(transaction)
    return encode(transaction)


def approve(service: Service, call: Call) -> bytes:
    """Approve a transaction whose values the caller repeats exactly as they were given."""
    user = acting(service, call)
    transaction = service.node(call, "transactions", call.integer("transaction_id"), "Transaction")
    body = record(body_of(call), "", ("account_name", "recipient"), ("amount", "coin_fields", "max_fees"))
    account: Node = service.collections["accounts"].find(transaction["account_id"]) or {}
    if body["account_name"] != account["name"]:
        raise _differs(transaction, "account_name", body["account_name"])
    for field in _REPEATED:
        if field == "max_fees" and transaction["max_fees"] is None:
            continue
        if body.get(field) != transaction[field]:
            raise _differs(transaction, field, body.get(field))
    for field, value in (body.get("coin_fields") or {}).items():
        if (transaction["coin_fields"] or {}).get(field) != value:
            raise _differs(transaction, f"coin_fields.{field}", value)
    if transaction["status"] != "PENDING_APPROVAL":
        raise Refusal(400, f"Transaction {transaction['id']} is {transaction['status']}: it waits for no approval")
    service.engine.approve_now(transaction["last_request"], user)
    return encode(service.node(call, "transactions", transaction["id"], "Transaction"))


def check_number(value: Any, name: str) -> str:
    """Return a text that is a number as the contract writes amounts."""
    if not isinstance(value, str) or not value or not _NUMBER.fullmatch(value):
        raise refused(name, value, "a string of digits is expected")
    return value


def _account(service: Service, body: Node) -> Node:
    name = text(body["account_name"], "account_name")
    accounts = service.collections["accounts"]
    for identifier, found in zip(accounts.ids, accounts.columns["name"], strict=True):
        node = accounts.find(identifier) if found == name else None
        # a name that was declined may have been given again
        if node is not None and node["status"] == "ACTIVE":
            if body.get("account_id") not in (None, identifier):
                raise refused("account_id", body["account_id"], f"account '{name}' has the id {identifier}")
            return node
    raise refused("account_name", name, "no active account has this name")


def _family(service: Service, account: Node) -> str:
    families = {entry["name"]: entry["family"] for entry in service.world.currencies}
    family = families[account["currency"]]
    if family not in _SENDS:
        raise refused("account_name", account["name"], f"transactions of {account['currency']} are not supported")
    return str(family)


def _cloud_body(account: Node, family: str, body: Node) -> Node:
    """Write a creation as the cloud takes it, so that one set of checks serves both."""
    check_number(body["max_fees"], "max_fees")
    speed = choice(body["speed"], "speed", SPEEDS)
    given = body.get("coin_fields")
    coin_fields = {} if given is None else given
    if not isinstance(coin_fields, dict):
        raise refused("coin_fields", coin_fields, "an object is expected")
    known = {"type", "utxo_picking_strategy", *_CUSTOM, *_CHAIN_FIELDS}
    record(coin_fields, "coin_fields", (), sorted(known))
    if "utxo_picking_strategy" in coin_fields:
        if family != "bitcoin":
            raise refused(
                "coin_fields.utxo_picking_strategy", coin_fields["utxo_picking_strategy"], "not for this chain"
            )
        choice(
            coin_fields["utxo_picking_strategy"],
            "coin_fields.utxo_picking_strategy",
            ("DEEP_OUTPUTS_FIRST", "MERGE_OUTPUTS", "OPTIMIZE_SIZE"),
        )
    fields = {
        "account_name": body["account_name"],
        "amount": body.get("amount"),
        "currency": account["currency"],
        "recipient": body["recipient"],
        **{cloud: coin_fields[name] for name, cloud in _CHAIN_FIELDS.items() if name in coin_fields},
    }
    data: Node = {"account_id": account["id"], "transaction_type": _SENDS[family], "transaction_data": fields}
    if account["contract_address"] is not None and _SENDS[family] == "ETHEREUM_LIKE_SEND":
        fields["contract_address"] = account["contract_address"]
    if family not in _WITHOUT_CEILING:
        custom = {name: coin_fields[name] for name in sorted(_CUSTOM & set(coin_fields))}
        if custom and speed != "CUSTOM":
            raise refused("speed", speed, f"coin_fields set {', '.join(custom)}, which takes CUSTOM")
        strategy = (
            {"type": "CUSTOM", "data": custom} if speed == "CUSTOM" else {"type": "SPEED", "data": {"speed": speed}}
        )
        data["fees_strategy"] = strategy
        fields["max_fees"] = body["max_fees"]
    return {"type": "CREATE_TRANSACTION", "data": data, "note": body.get("note")}


def _differs(transaction: Node, field: str, value: Any) -> Refusal:
    # the value that would have fitted is not told: whoever approves has to know it from elsewhere
    return refused(field, value, f"is not what transaction {transaction['id']} was created with")
