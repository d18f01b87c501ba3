"""Settlements: an exchange takes from a pledge, or pays to its owner; their states follow their transactions."""

import hashlib
import uuid
from dataclasses import replace
from typing import Any

from . import intents
from .answers import Refusal, encode
from .bodies import body_of
from .intents_fields import amount, choice, integer, record, refused, text
from .lam_users import acting
from .reads import Answer
from .service import Call, Service
from .store import Node
from .viewers import Viewer

# Settlement.state has no list of values; these are the sandbox's own words
_STATES = {
    "CONFIRMED": "SETTLED",
    "DROPPED": "OUTBOUND_TRANSACTION_FAILED",
    "FAILED": "OUTBOUND_TRANSACTION_FAILED",
    "FAILED_TO_BROADCAST": "OUTBOUND_TRANSACTION_FAILED",
    "FAILED_TO_CRAFT": "OUTBOUND_TRANSACTION_FAILED",
    "FAILED_TO_SIGN": "OUTBOUND_TRANSACTION_FAILED",
    "REJECTED": "OUTBOUND_TRANSACTION_REJECTED",
    "SUBMITTED": "OUTBOUND_TRANSACTION_SUBMITTED",
}
_WAITING = "OUTBOUND_TRANSACTION_PENDING_APPROVAL"
_INBOUND = "INBOUND_TRANSACTION_PENDING"
_CANCELLED = "CANCELLED"
# while a settlement is in one of these, its pledge is its own
OPEN_STATES = frozenset({_WAITING, "OUTBOUND_TRANSACTION_SUBMITTED"})
# replace-by-fee on bitcoin, replace-by-nonce where accounts count their transactions
_REPLACEABLE = frozenset({"bitcoin", "ethereum", "polygon"})
_LARGEST_ID = 2**63 - 1


def create(service: Service, call: Call) -> bytes:
    """Make a settlement; an outbound transaction waits for its approvals, an inbound one for the chain."""
    user = _exchange_user(service, call)
    follow(service)
    body = record(
        body_of(call),
        "",
        ("id", "from_pledge_id", "meta"),
        ("inbound_transaction_intent", "outbound_transaction_intent", "repledge_intent"),
    )
    identifier = _uuid4(body["id"])
    if service.collections["settlements"].find(identifier) is not None:
        raise refused("id", identifier, "a settlement with this id exists already")
    if not isinstance(body["meta"], dict):
        raise refused("meta", body["meta"], "an object is expected")
    pledge = _pledge(service, call, body["from_pledge_id"])
    inbound, outbound = body.get("inbound_transaction_intent"), body.get("outbound_transaction_intent")
    if inbound is None and outbound is None:
        raise Refusal(
            400, "A settlement has an 'inbound_transaction_intent', an 'outbound_transaction_intent' or both"
        )
    settlement: Node = {
        "id": identifier,
        "from_pledge_id": pledge["id"],
        "state": _INBOUND if outbound is None else _WAITING,
        "meta": body["meta"],
        "inbound_transaction_intent": None if inbound is None else _inbound(service, inbound),
        "outbound_transaction": None,
        "repledge": None,
        "repledge_intent": _repledge(body.get("repledge_intent")),
    }
    if outbound is not None:
        settlement["outbound_transaction"] = _outbound(service, user, pledge, outbound)
        service.collections["pledges"].replace({**pledge, "state": "ASSIGNED_TO_SETTLEMENT"})
    service.collections["settlements"].append(settlement)
    return encode(settlement)


def cancel(service: Service, call: Call) -> bytes:
    """Give a settlement up whose outbound transaction could not be broadcast; its pledge is free again."""
    _exchange_user(service, call)
    settlement, transaction = _outgoing(service, call)
    if settlement["state"] == _CANCELLED:
        raise Refusal(400, f"Settlement {settlement['id']} is cancelled already")
    if transaction is None or transaction["status"] != "FAILED_TO_BROADCAST":
        raise Refusal(
            400,
            f"Settlement {settlement['id']} cannot be cancelled: only one whose outbound transaction is "
            f"FAILED_TO_BROADCAST can, and {_described(transaction)}",
        )
    settlement["state"] = _CANCELLED
    service.collections["settlements"].replace(settlement)
    _free(service, settlement, 0)
    return encode(settlement)


def recover(service: Service, call: Call) -> bytes:
    """Replace an outbound transaction that waits in the mempool by one that pays more."""
    _exchange_user(service, call)
    body = record(body_of(call), "", ("fee_strategy", "max_fee"))
    ceiling = amount(body["max_fee"], "max_fee")
    settlement, transaction = _outgoing(service, call)
    if transaction is None or transaction["status"] != "SUBMITTED":
        raise Refusal(
            400,
            f"Settlement {settlement['id']} cannot be recovered: only one whose outbound transaction is SUBMITTED "
            f"can, and {_described(transaction)}",
        )
    if transaction["currency_family"] not in _REPLACEABLE:
        raise Refusal(
            400,
            f"Settlement {settlement['id']} cannot be recovered: a transaction of {transaction['currency']} cannot "
            "be replaced by one that pays more",
        )
    speed = _fee_strategy(body["fee_strategy"], transaction["currency_family"])
    if ceiling <= int(transaction["max_fees"]):
        raise refused("max_fee", body["max_fee"], f"must be above the {transaction['max_fees']} of what it replaces")
    replaced = hashlib.sha256(f"{transaction['tx_hash']} {ceiling}".encode()).hexdigest()
    prefix = "0x" if transaction["tx_hash"].startswith("0x") else ""
    _set_aside(service, transaction, ceiling - int(transaction["max_fees"]))
    service.collections["transactions"].replace(
        {**transaction, "max_fees": str(ceiling), "speed": speed, "tx_hash": prefix + replaced}
    )
    follow(service)
    return encode(service.collections["settlements"].find(settlement["id"]))


def following(read: Answer) -> Answer:
    """Answer a read of settlements or pledges after both have followed their transactions."""

    def answer(service: Service, call: Call) -> bytes:
        follow(service)
        return read(service, call)

    return answer


def follow(service: Service) -> None:
    """Bring settlements, and the pledges that they take from, to where their outbound transactions are."""
    settlements = service.collections["settlements"]
    for settlement in settlements:
        outbound = settlement["outbound_transaction"]
        if outbound is None or settlement["state"] in (_CANCELLED, _INBOUND, "SETTLED"):
            continue
        transaction = service.collections["transactions"].find(outbound["transaction_id"])
        if transaction is None:
            continue
        state = _STATES.get(transaction["status"], _WAITING)
        if state == settlement["state"] and transaction["tx_hash"] == outbound["transaction_hash"]:
            continue
        outbound["transaction_hash"] = transaction["tx_hash"]
        taken = int(transaction["amount"] or 0) if state == "SETTLED" else 0
        if state == "SETTLED" and settlement["inbound_transaction_intent"] is not None:
            state = _INBOUND
        settlements.replace({**settlement, "state": state})
        if transaction["status"] in ("CONFIRMED", "REJECTED"):
            _free(service, settlement, taken)
        elif state == "OUTBOUND_TRANSACTION_FAILED":
            _write_pledge(service, settlement, {"state": state})


def _exchange_user(service: Service, call: Call) -> int:
    """Return the user who acts for the exchange: every operator of the sandbox's API may."""
    if call.viewer.family == "lam":
        return acting(service, call)
    user = service.collections["users"].find(call.viewer.identity)
    if user is None or user["role"] != "OPERATOR":
        raise Refusal(403, f"Forbidden: user {call.viewer.identity} is no operator of an exchange")
    return int(user["id"])


def _pledge(service: Service, call: Call, identifier: Any) -> Node:
    found = service.collections["pledges"].find(identifier) if isinstance(identifier, str) else None
    if found is None or not service.sight.sees(call.viewer, "pledges", found):
        raise refused("from_pledge_id", identifier, "no such pledge")
    if found["state"] != "PLEDGE_READY":
        raise refused("from_pledge_id", identifier, f"the pledge is {found['state']}, not PLEDGE_READY")
    return found


def _inbound(service: Service, intent: Any) -> Node:
    name = "inbound_transaction_intent"
    fields = record(intent, name, ("amount", "to_account_id", "to_address"))
    account = integer(fields["to_account_id"], f"{name}.to_account_id", _LARGEST_ID)
    integer(fields["amount"], f"{name}.amount", 2**256 - 1)
    own = [node["address"] for node in service.world.addresses.get(account, [])]
    if text(fields["to_address"], f"{name}.to_address") not in own:
        raise refused(f"{name}.to_address", fields["to_address"], f"is no address of account {account}")
    return fields


def _outbound(service: Service, user: int, pledge: Node, intent: Any) -> Node:
    """Create the request of the outbound transaction; the caller joins the creators, who are the exchange."""
    name = "outbound_transaction_intent"
    if not isinstance(intent, dict):
        raise refused(name, intent, "an object is expected")
    if intent.get("account_id") != pledge["account_id"]:
        raise refused(
            f"{name}.account_id", intent.get("account_id"), f"the pledge is of account {pledge['account_id']}"
        )
    members = service.collections["groups"].find(pledge["exchange"]["approver_group_id"])
    exchange = next(member for member in (members or {"members": []})["members"] if member is not None)
    admitted = intents.read(
        service, Viewer("api_user", exchange), {"type": "CREATE_TRANSACTION", "data": intent, "note": None}
    )
    if admitted.amount is not None and admitted.amount > pledge["amount"]:
        raise refused(f"{name}.transaction_data.amount", str(admitted.amount), f"the pledge holds {pledge['amount']}")
    creators, *others = admitted.steps
    joined = replace(creators, approvers=(user, *creators.approvers))
    request = service.engine.create(Viewer("api_user", user), replace(admitted, steps=(joined, *others)))
    return {"request_id": request["id"], "transaction_id": request["target_id"], "transaction_hash": None}


def _repledge(intent: Any) -> Node | None:
    """Return what would be pledged anew after an inbound gain; the custodian of the sandbox has not enabled it."""
    if intent is None:
        return None
    name = "repledge_intent"
    texts = ("account_name", "amount", "currency", "exchange_name")
    optional = ("contract_address", "to_address", "transaction_hash")
    fields = record(intent, name, (*texts, "pledge_subaccount_id"), optional)
    for field in texts:
        text(fields[field], f"{name}.{field}")
    amount(fields["amount"], f"{name}.amount")
    integer(fields["pledge_subaccount_id"], f"{name}.pledge_subaccount_id", _LARGEST_ID)
    return {**dict.fromkeys(optional), **fields}


def _outgoing(service: Service, call: Call) -> tuple[Node, Node | None]:
    """Return the settlement of the path and its outbound transaction."""
    follow(service)
    settlement = service.node(call, "settlements", call.parameters["settlement_id"], "Settlement")
    outbound = settlement["outbound_transaction"]
    return settlement, outbound and service.collections["transactions"].find(outbound["transaction_id"])


def _set_aside(service: Service, transaction: Node, more: int) -> None:
    """Set aside what a higher ceiling may cost: the end of the transaction releases all of it."""
    accounts = service.collections["accounts"]
    account = accounts.find(transaction["account_id"]) or {}
    payer: Node = accounts.find(account["parent"] or account["id"]) or {}
    available = int(payer["available_balance"])
    if more > available:
        raise Refusal(
            400, f"Insufficient funds: account '{payer['name']}' has {available} available, not {more} more"
        )
    payer["available_balance"] = str(available - more)
    payer["pending_balance"] = str(int(payer["pending_balance"]) + more)
    accounts.replace(payer)
    balances = service.world.balances[payer["id"]]
    balances["available"], balances["pending"] = available - more, int(payer["pending_balance"])


def _described(transaction: Node | None) -> str:
    return "it has none" if transaction is None else f"it is {transaction['status']}"


def _free(service: Service, settlement: Node, taken: int) -> None:
    """Give what a settlement did not take back to the pledge."""
    pledge = service.collections["pledges"].find(settlement["from_pledge_id"])
    if pledge is not None:
        left = max(pledge["amount"] - taken, 0)
        _write_pledge(service, settlement, {"amount": left, "state": "PLEDGE_READY" if left else "PLEDGE_CONSUMED"})


def _write_pledge(service: Service, settlement: Node, changes: Node) -> None:
    pledge = service.collections["pledges"].find(settlement["from_pledge_id"])
    if pledge is not None:
        service.collections["pledges"].replace({**pledge, **changes})


def _fee_strategy(strategy: Any, family: str) -> str:
    """Return the speed that a fee strategy stands for."""
    record(strategy, "fee_strategy", ("type", "data"))
    kind = choice(strategy["type"], "fee_strategy.type", ("CUSTOM", "SPEED"))
    if kind == "SPEED":
        data = record(strategy["data"], "fee_strategy.data", ("speed",))
        return choice(data["speed"], "fee_strategy.data.speed", ("FAST", "NORMAL", "SLOW"))
    if family == "bitcoin":
        fields: tuple[str, ...] = ("fees_per_byte",)
    else:
        eip1559 = isinstance(strategy["data"], dict) and "priority_fees" in strategy["data"]
        fields = ("gas_limit", "priority_fees" if eip1559 else "gas_price")
    data = record(strategy["data"], "fee_strategy.data", fields)
    for field in fields:
        amount(data[field], f"fee_strategy.data.{field}")
    return kind


def _uuid4(value: Any) -> str:
    try:
        found = uuid.UUID(value if isinstance(value, str) else "")
    except ValueError:
        raise refused("id", value, "a UUID is expected") from None
    if found.version != 4 or str(found) != value:
        raise refused("id", value, "a UUID of version 4 is expected, in lower case with hyphens")
    return str(found)
