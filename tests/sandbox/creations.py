"""Bodies of creations that the sandbox accepts, one for each kind; who may create each, and what becomes of it."""

import copy
from typing import Any

import pytest

from ledgerkit.sandbox import intents, rules
from ledgerkit.sandbox.answers import Refusal
from ledgerkit.sandbox.intents import Intent
from ledgerkit.sandbox.service import Service
from ledgerkit.sandbox.viewers import Viewer

Node = dict[str, Any]
DETAILS = "data.transaction_data"
# name of the body: transaction type, account, what it has beside amount, recipient and ceiling
SENDS: dict[str, tuple[str, str, Node]] = {
    "bitcoin": ("BITCOIN_LIKE_SEND", "TBTC Test 1", {}),
    "ether": ("ETHEREUM_LIKE_SEND", "ETH Sepolia Test", {"contract_address": None}),
    "polygon": ("ETHEREUM_LIKE_SEND", "POL Treasury", {}),
    "legacy gas": ("ETHEREUM_LIKE_SEND", "BNB Trading", {}),
    "ERC-20": (
        "ETHEREUM_LIKE_SEND",
        "USDC Trading",
        {"contract_address": "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"},
    ),
    "XRP": ("RIPPLE_LIKE_SEND", "XRP Clients", {"tag": 100_417}),
    "stellar": ("STELLAR_LIKE_SEND", "XLM Clients", {"memo": {"MEMO_TEXT": "INV-2041"}}),
    "tron": ("TRON_LIKE_SEND", "TRX Clients", {}),
    "TRC-20": ("TRON_LIKE_SEND", "USDT TRX Clients", {}),
    "tezos": ("TEZOS_LIKE_SEND", "XTZ Staking", {}),
    "cardano": ("CARDANO_LIKE_SEND", "ADA Staking", {}),
    "solana": ("SOLANA_LIKE_SEND", "SOL Trading", {"max_priority_fee": "5000"}),
    "SPL token": (
        "SOLANA_LIKE_SEND_SPL_TOKEN_CHECKED",
        "SOL Trading",
        {"token_mint": "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"},
    ),
    "polkadot": ("POLKADOT_LIKE_SEND", "DOT Staking", {}),
}
ABI = [{"name": "approve", "inputs": [{"name": "spender"}, {"name": "amount"}], "type": "function"}]
CALL = {"abi": ABI, "function_name": "approve", "function_arguments": {"spender": "0x" + "00" * 20, "amount": 1}}
ROUTER = "0x68b3465833fb72A70ecDF485E0e4C7bD8665Fc45"
OTHERS: dict[str, tuple[str, str, Node]] = {
    "contract call": (
        "ETHEREUM_LIKE_EXECUTE_CONTRACT",
        "ETH Trading Hot",
        {"amount": "0", "recipient": ROUTER, "contract_data": CALL},
    ),
    "encoded contract call": (
        "ETHEREUM_LIKE_EXECUTE_CONTRACT",
        "ETH Trading Hot",
        {"amount": "0", "recipient": ROUTER, "encoded_contract_data": "0x095ea7b3" + "00" * 64},
    ),
    "deployment": (
        "ETHEREUM_LIKE_DEPLOY_CONTRACT",
        "ETH Trading Hot",
        {"amount": None, "encoded_contract_bytecode": "0x6080604052"},
    ),
    "SPL token account": (
        "SOLANA_LIKE_CREATE_SPL_TOKEN_ACCOUNT",
        "SOL Trading",
        {"token_mint": "JUPyiwrYJFskUPiHa7hkeR8VUtAeFoSYbKedZNsDvCN"},
    ),
    "bond": ("POLKADOT_LIKE_BONDEXTRA", "DOT Staking", {"amount": "1000"}),
    "unbond": ("POLKADOT_LIKE_UNBOND", "DOT Staking", {"amount": "1000"}),
    "rebond": ("POLKADOT_LIKE_REBOND", "DOT Staking", {"amount": "1000"}),
    "payee": ("POLKADOT_LIKE_SETPAYEE", "DOT Staking", {"payee": "Stash"}),
    "withdraw": ("POLKADOT_LIKE_WITHDRAWUNBONDED", "DOT Staking", {}),
    "chill": ("POLKADOT_LIKE_CHILL", "DOT Staking", {}),
}
# in base units; a whole coin for what has 18 digits
MAX_FEES = {
    "BITCOIN_LIKE_SEND": "100000",
    "CARDANO_LIKE_SEND": "600000",
    "RIPPLE_LIKE_SEND": "100",
    "STELLAR_LIKE_SEND": "1000",
    "TEZOS_LIKE_SEND": "2000",
    "TRON_LIKE_SEND": "5000000",
}
TRANSACTIONS = (*SENDS, *OTHERS)
MESSAGE, DIGESTS, ACCOUNT, TOKEN_ACCOUNT = "message", "digests", "account", "token account"
PLEDGE, UNPLEDGE = "pledge", "forced unpledge"
ALL = (*TRANSACTIONS, MESSAGE, DIGESTS, ACCOUNT, TOKEN_ACCOUNT, PLEDGE, UNPLEDGE)
ADMINISTRATOR = Viewer("api_user", 28)


def account(service: Service, name: str) -> Node:
    """Return an account by its name."""
    return next(node for node in service.collections["accounts"] if node["name"] == name)


def find(service: Service, section: str, identifier: int) -> Node:
    """Return the object of a section that has an id."""
    node = service.collections[section].find(identifier)
    assert node is not None
    return node


def recipient(service: Service, sender: Node) -> str:
    """Return the first address that the whitelists of an account's first rule set hold, or its own."""
    for rule in sender["governance_rules"][0]["rules"]:
        for entry in rule["data"] if rule["type"] == "WHITELIST" else ():
            for listed in find(service, "whitelists", entry["whitelist"])["addresses"]:
                if listed["currency"] == sender["currency"]:
                    found: str = listed["address"]
                    return found
    raise LookupError(f"no whitelist of {sender['name']} has an address of {sender['currency']}")


def creation(service: Service, name: str) -> Node:
    """Return the body of a creation that is accepted."""
    if name in TRANSACTIONS:
        return _transaction(service, name)
    if name in (ACCOUNT, TOKEN_ACCOUNT):
        token = name == TOKEN_ACCOUNT
        data: Node = {"index": 8, "name": "New account 1", "currency": "ethereum", "policy_name": "Multipolicy 1"}
        if token:
            data |= {
                "parent_id": account(service, "ETH Clients")["id"],
                "contract_address": "0x6B175474E89094C44Da98b954EedeAC495271d0F",
            }
        kind = "ERC20_LIKE" if token else "ETHEREUM_LIKE"
        return {"type": "CREATE_ACCOUNT", "data": {"account_type": kind, "account_data": data}}
    if name == MESSAGE:
        signer = account(service, "ETH Trading Hot")
        message = {"account_name": signer["name"], "raw_message": "Hello World!", "address": None}
        data = {"account_id": signer["id"], "message_type": "EIP-191", "message_data": message}
        return {"type": "CREATE_MESSAGE_SIGNING", "data": data, "note": None}
    if name == DIGESTS:
        signer = account(service, "KMD Raw Signing")
        digest = {"digest": "66" * 32, "derivation_path": f"m{signer['derivation_path']}/0/0"}
        data = {"account_id": signer["id"], "digests_data": {"account_name": signer["name"], "digests": [digest]}}
        return {"type": "SIGN_DIGESTS", "data": data, "note": {"title": "Notarisation", "content": "batch 9"}}
    pledge = next(node for node in service.collections["pledges"] if node["pledge_subaccount_id"] == 17)
    collateral = find(service, "accounts", pledge["account_id"])
    named = {"account_name": collateral["name"], "currency": collateral["currency"], "exchange_name": "Clearport"}
    if name == PLEDGE:
        details = {**named, "amount": "1000000", "contract_address": None}
        return {"type": "CREATE_PLEDGE_INCREMENT", "data": {"pledge_subaccount_id": 17, "pledge_data": details}}
    return {"type": "CREATE_FORCED_UNPLEDGE", "data": {"pledge_subaccount_id": 17, "forced_unpledge_data": named}}


def _transaction(service: Service, name: str) -> Node:
    kind, account_name, fields = (SENDS | OTHERS)[name]
    sender = account(service, account_name)
    details: Node = {"account_name": account_name, "currency": sender["currency"]}
    if name in SENDS:
        details |= {"amount": "1000000", "recipient": recipient(service, sender)}
    details |= fields
    data: Node = {"account_id": sender["id"], "transaction_type": kind, "transaction_data": details}
    if not kind.startswith(("SOLANA", "POLKADOT")):
        details["max_fees"] = MAX_FEES.get(kind, str(10**18))
        data["fees_strategy"] = {"type": "SPEED", "data": {"speed": "NORMAL"}}
    return {"type": "CREATE_TRANSACTION", "data": data, "note": {"title": "Invoice 42", "content": "March"}}


def creator(service: Service, body: Node) -> Viewer:
    """Return a user who may create a body."""
    if body["type"] == "CREATE_ACCOUNT":
        return ADMINISTRATOR
    if body["type"] == "CREATE_PLEDGE_INCREMENT":
        return Viewer("api_user", 39)
    if body["type"] == "CREATE_FORCED_UNPLEDGE":
        return Viewer("api_user", 41)
    node = find(service, "accounts", body["data"]["account_id"])
    return Viewer("api_user", rules.steps_of(service, node["governance_rules"][0])[0].approvers[0])


def read(service: Service, body: Node) -> Intent:
    """Read a body as one who may create it."""
    return intents.read(service, creator(service, body), body)


def refusal(service: Service, body: Any, viewer: Viewer | None = None) -> Refusal:
    """Return how the service refuses a body."""
    with pytest.raises(Refusal) as caught:
        intents.read(service, viewer or creator(service, body), body)
    return caught.value


def put(body: Node, path: str, value: Any) -> Node:
    """Return a copy of a body with another value at a dotted path."""
    changed = copy.deepcopy(body)
    *parents, last = path.split(".")
    node = changed
    for name in parents:
        node = node[name]
    node[last] = value
    return changed


def drop(body: Node, path: str) -> Node:
    """Return a copy of a body without the field at a dotted path."""
    changed = copy.deepcopy(body)
    *parents, last = path.split(".")
    node = changed
    for name in parents:
        node = node[name]
    del node[last]
    return changed
