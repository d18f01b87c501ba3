"""Staking through the LAM: opening a stake on Ethereum, closing one on Solana or Tezos."""

from typing import Any

from . import rules
from .addressbook import CONTRACTS
from .answers import Refusal, encode
from .bodies import body_of
from .intent import Intent
from .intents_fields import choice, integer, record, refused, text
from .lam_users import acting
from .lam_writes import SPEEDS, check_number
from .reads import currency_family
from .service import Call, Service
from .store import Node
from .viewers import Viewer

# what a validator of Ethereum is opened with, in wei
_VALIDATOR = 32 * 10**18
# what becomes of a stake once the transaction that closes it is approved: the Vault's word and the chain's
_CLOSED = {
    "STAKE_DEACTIVATE": ("solana", "DEACTIVATING", {"status": "deactivating"}),
    "UNDELEGATE": ("tezos", "DEACTIVATED", {"state": "inactive"}),
}


def attach(service: Service) -> None:
    """Let stakes follow the requests of a service."""
    service.engine.finished.append(lambda request, outcome: _close(service, request, outcome))


def create_ethereum(service: Service, call: Call) -> bytes:
    """Make the transaction that opens a stake of 32 ether with a provider."""
    user, account = acting(service, call), _account(service, call, "ethereum")
    body = record(body_of(call), "", ("max_fees", "provider", "provider_fields", "speed"), ("gas_limit", "gas_price"))
    choice(body["provider"], "provider", ("kiln",))
    if not isinstance(body["provider_fields"], dict):
        raise refused("provider_fields", body["provider_fields"], "an object is expected")
    strategy = _strategy(body, ("gas_limit", "gas_price"))
    transaction = _create(
        service, user, account, "ETHEREUM_LIKE_STAKE", strategy, _VALIDATOR, body["max_fees"], CONTRACTS["DEPOSIT"][2]
    )
    return encode(transaction)


def deactivate_solana(service: Service, call: Call) -> bytes:
    """Make the transaction that deactivates a stake; it earns until that is approved."""
    user, account = acting(service, call), _account(service, call, "solana")
    stake = _stake(service, call, account)
    body = record(body_of(call), "", ("stake_account",), ("account_name",))
    _check_name(account, body)
    own = stake["blockchain_state"]["pub_key"]
    if text(body["stake_account"], "stake_account") != own:
        raise refused("stake_account", body["stake_account"], f"is not the account of stake {stake['id']}")
    if stake["status"] not in ("ACTIVE", "ACTIVATING"):
        raise Refusal(400, f"Stake {stake['id']} is {stake['status']}: only one that is active can be deactivated")
    _check_free(service, stake)
    transaction = _create(service, user, account, "SOLANA_LIKE_STAKE_DEACTIVATE", None, 0, None, None)
    return encode(_ask(service, "solana", account, stake, transaction))


def approve_solana(service: Service, call: Call) -> bytes:
    """Approve an action on a stake whose values the caller repeats exactly."""
    user, account = acting(service, call), _account(service, call, "solana")
    stake, action = _stake(service, call, account), call.parameters["staking_action"]
    body = record(body_of(call), "", ("amount", "request_id", "validator"), ("account_name",))
    _check_name(account, body)
    # an integer by its type, a text in the sample
    if str(body["amount"]) != stake["amount"]:
        raise refused("amount", body["amount"], f"is not what stake {stake['id']} holds")
    if body["validator"] != stake["validator"]:
        raise refused("validator", body["validator"], f"is not the validator of stake {stake['id']}")
    number = integer(body["request_id"], "request_id", 2**63 - 1)
    intent = service.engine.intents.get(number)
    if number != stake["last_request"] or intent is None or number not in service.engine.ballots:
        raise refused("request_id", number, f"is no request about stake {stake['id']} that waits")
    if intent.kind != f"SOLANA_LIKE_STAKE_{action.upper()}":
        raise refused("staking_action", action, f"request {number} is about another action")
    service.engine.approve_now(number, user)
    return encode(stake)


def undelegate_tezos(service: Service, call: Call) -> bytes:
    """Make the transaction that takes the delegation of an account back."""
    user, account = acting(service, call), _account(service, call, "tezos")
    body = record(body_of(call), "", ("max_fees", "speed"), ("account_name", "gas_limit", "storage_limit"))
    _check_name(account, body)
    strategy = _strategy(body, ("gas_limit", "storage_limit"))
    stakes = service.world.stakes["tezos"].get(account["id"], [])
    stake = next((node for node in stakes if node["status"] == "ACTIVE"), None)
    if stake is None:
        raise Refusal(400, f"Account '{account['name']}' delegates to nobody")
    _check_free(service, stake)
    transaction = _create(service, user, account, "TEZOS_LIKE_UNDELEGATE", strategy, 0, body["max_fees"], None)
    return encode(_ask(service, "tezos", account, stake, transaction))


def _account(service: Service, call: Call, family: str) -> Node:
    account = service.account(call)
    if currency_family(service, account["currency"]) != family or account["contract_address"] is not None:
        raise Refusal(400, f"Account '{account['name']}' is not one of {family}: it has no such stakes")
    if account["status"] != "ACTIVE":
        raise Refusal(400, f"Account '{account['name']}' is {account['status']}, not ACTIVE")
    return account


def _stake(service: Service, call: Call, account: Node) -> Node:
    number = call.integer("stake_id")
    found = next(
        (node for node in service.world.stakes["solana"].get(account["id"], []) if node["id"] == number), None
    )
    if found is None:
        raise Refusal(404, f"Stake {number} not found")
    return found


def _check_name(account: Node, body: Node) -> None:
    if body.get("account_name") not in (None, account["name"]):
        raise refused("account_name", body["account_name"], f"account {account['id']} has '{account['name']}'")


def _check_free(service: Service, stake: Node) -> None:
    if stake["last_request"] in service.engine.ballots:
        raise Refusal(400, f"Stake {stake['id']} waits for request {stake['last_request']} already")


def _strategy(body: Node, limits: tuple[str, ...]) -> Node:
    """Return the fee strategy of a body; its limits are read with CUSTOM alone."""
    speed = choice(body["speed"], "speed", SPEEDS)
    check_number(body["max_fees"], "max_fees")
    custom: dict[str, Any] = {}
    for name in limits:
        if body.get(name) is None:
            continue
        # decimals are rounded down
        custom[name] = check_number(body[name], name).partition(".")[0]
        if int(custom[name] or 0) < 1:
            raise refused(name, body[name], "must be 1 at the least")
    if speed != "CUSTOM":
        return {"type": "SPEED", "data": {"speed": speed}}
    for name in limits:
        if name not in custom:
            raise Refusal(400, f"Missing field '{name}': the speed CUSTOM takes it")
    return {"type": "CUSTOM", "data": custom}


def _create(
    service: Service,
    user: int,
    account: Node,
    kind: str,
    strategy: Node | None,
    amount: int,
    max_fees: str | None,
    recipient: str | None,
) -> Node:
    """Create the request of a staking transaction and return the transaction."""
    ceiling = None if max_fees is None else int(max_fees.partition(".")[0] or 0)
    needed, available = amount + (ceiling or 0), int(account["available_balance"])
    if needed > available:
        raise Refusal(400, f"Insufficient funds: account '{account['name']}' has {available} available, not {needed}")
    details: Node = {"account_name": account["name"], "amount": str(amount), "currency": account["currency"]}
    if ceiling is not None:
        details["max_fees"] = str(ceiling)
    if recipient is not None:
        details["recipient"] = recipient
    data: Node = {"account_id": account["id"], "transaction_type": kind, "transaction_data": details}
    if strategy is not None:
        data["fees_strategy"] = strategy
    steps = rules.admit(service, account, rules.Question(user))
    intent = Intent(
        "CREATE_TRANSACTION", account, kind, data, None, amount, ceiling, recipient, None, steps, "TRANSACTION"
    )
    request = service.engine.create(Viewer("api_user", user), intent)
    transaction: Node = service.collections["transactions"].find(request["target_id"]) or {}
    return transaction


def _ask(service: Service, chain: str, account: Node, stake: Node, transaction: Node) -> Node:
    """Write into a stake that a request about it waits."""
    stake["last_request"] = transaction["last_request"]
    _forget(service, chain, account["id"])
    return stake


def _close(service: Service, request: Node, outcome: str) -> None:
    intent = service.engine.intents.get(request["id"])
    kind = "" if intent is None else intent.kind.partition("_LIKE_")[2]
    if intent is None or intent.account is None or kind not in _CLOSED or outcome != "APPROVED":
        return
    chain, status, state = _CLOSED[kind]
    for stake in service.world.stakes[chain].get(intent.account["id"], []):
        if stake["last_request"] == request["id"]:
            stake["status"] = status
            stake["blockchain_state"].update(state)
    _forget(service, chain, intent.account["id"])


def _forget(service: Service, chain: str, account: int) -> None:
    """Drop the listings of stakes that were made of older nodes."""
    for light in (True, False):
        service.parts.pop((f"{chain} stakes {light}", account), None)
