"""Transactions that a caller wants to create: the types, what each takes, and whether the account can pay."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import fee_quotes, rules
from .answers import Refusal
from .currencies import COINS
from .fee_quotes import Quote, Strategy
from .intent import Intent, account_of, check_named, creator_of, note_of
from .intents_fields import amount, choice, hexadecimal, integer, record, refused, text
from .service import Service
from .store import Node
from .viewers import Viewer

WHERE = "data.transaction_data"
LARGEST_TAG = 2**32 - 1
LARGEST_MEMO_ID = 2**64 - 1
MEMO_BYTES = 28
_HASH = re.compile(r"[0-9a-fA-F]{64}")
_EVM = ("ethereum", "polygon")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a type of transaction takes beside the name and the currency of the account.

    Parameters
    ----------
    families
        The families of currencies whose accounts make it.
    required, optional
        Fields of ``transaction_data``.
    account_types
        Types of accounts, where those of a family have several.
    fees
        Whether it takes a fee strategy and a ceiling.
    currencies
        The currencies, where not all of the family.
    """

    families: tuple[str, ...]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    account_types: tuple[str, ...] = ()
    fees: bool = True
    currencies: tuple[str, ...] = ()


_COIN_ACCOUNTS = ("Ethereum", "Polygon")
_PRIORITY = ("max_priority_fee",)
KINDS: dict[str, Kind] = {
    # the contract has these two currencies, although accounts of other UTXO chains exist
    "BITCOIN_LIKE_SEND": Kind(("bitcoin",), ("amount", "recipient"), currencies=("bitcoin", "bitcoin_testnet")),
    "ETHEREUM_LIKE_SEND": Kind(_EVM, ("amount", "recipient"), ("contract_address",)),
    "ETHEREUM_LIKE_EXECUTE_CONTRACT": Kind(
        _EVM, ("amount", "recipient"), ("contract_data", "encoded_contract_data"), _COIN_ACCOUNTS
    ),
    "ETHEREUM_LIKE_DEPLOY_CONTRACT": Kind(_EVM, ("encoded_contract_bytecode",), ("amount",), _COIN_ACCOUNTS),
    "RIPPLE_LIKE_SEND": Kind(("ripple",), ("amount", "recipient"), ("tag",)),
    "STELLAR_LIKE_SEND": Kind(("stellar",), ("amount", "recipient"), ("memo",)),
    "TRON_LIKE_SEND": Kind(("tron",), ("amount", "recipient")),
    "TEZOS_LIKE_SEND": Kind(("tezos",), ("amount", "recipient")),
    "CARDANO_LIKE_SEND": Kind(("cardano",), ("amount", "recipient")),
    "SOLANA_LIKE_SEND": Kind(("solana",), ("amount", "recipient"), _PRIORITY, fees=False),
    "SOLANA_LIKE_SEND_SPL_TOKEN_CHECKED": Kind(
        ("solana",), ("amount", "recipient", "token_mint"), _PRIORITY, fees=False
    ),
    "SOLANA_LIKE_CREATE_SPL_TOKEN_ACCOUNT": Kind(("solana",), ("token_mint",), _PRIORITY, fees=False),
    "POLKADOT_LIKE_SEND": Kind(("polkadot",), ("amount", "recipient"), fees=False),
    "POLKADOT_LIKE_BONDEXTRA": Kind(("polkadot",), ("amount",), fees=False),
    "POLKADOT_LIKE_UNBOND": Kind(("polkadot",), ("amount",), fees=False),
    "POLKADOT_LIKE_REBOND": Kind(("polkadot",), ("amount",), fees=False),
    "POLKADOT_LIKE_SETPAYEE": Kind(("polkadot",), ("payee",), fees=False),
    "POLKADOT_LIKE_WITHDRAWUNBONDED": Kind(("polkadot",), fees=False),
    "POLKADOT_LIKE_CHILL": Kind(("polkadot",), fees=False),
}
_CONTRACT_KINDS = ("ETHEREUM_LIKE_EXECUTE_CONTRACT", "ETHEREUM_LIKE_DEPLOY_CONTRACT")
# what these move is bonded: it neither is available nor leaves the account
_BONDED = {"POLKADOT_LIKE_UNBOND": "bonded", "POLKADOT_LIKE_REBOND": "total_unbonding"}


def read(service: Service, viewer: Viewer, body: Node) -> tuple[Intent, Strategy]:
    """Check the body of a transaction, all but its ceiling and the balance: an estimate comes before both."""
    body = record(body, "", ("type", "data"), ("note",))
    note = note_of(body)
    data = body["data"]
    if not isinstance(data, dict):
        raise refused("data", data, "an object is expected")
    name = choice(data.get("transaction_type"), "data.transaction_type", KINDS)
    kind = KINDS[name]
    strategy_field = ("fees_strategy",) if kind.fees else ()
    record(data, "data", ("account_id", "transaction_type", "transaction_data", *strategy_field))
    account = account_of(service, viewer, data["account_id"])
    _check_account(account, name, kind)
    ceiling = ("max_fees",) if kind.fees else ()
    required = ("account_name", "currency", *kind.required, *ceiling)
    fields = record(data["transaction_data"], WHERE, required, kind.optional)
    check_named(account, fields, WHERE, "account_name", "currency")
    strategy = fee_quotes.read_strategy(data["fees_strategy"], account["currency"]) if kind.fees else Strategy()
    wanted = _amount(name, fields)
    recipient = _recipient(service, account, fields) if "recipient" in kind.required else None
    for field, check in _CHECKS.items():
        # fields that may be absent may be null too
        if field in kind.required or fields.get(field) is not None:
            check(fields[field], f"{WHERE}.{field}")
    contract = _contract(service, account, name, fields)
    question = rules.Question(
        creator_of(viewer),
        # a threshold is in units of the account: it says nothing about tokens that a Solana account holds
        amount=None if name.startswith("SOLANA_LIKE_") and contract else wanted,
        recipient=recipient,
        tag=fields.get("tag"),
        contract=name in _CONTRACT_KINDS,
        function=_function(fields) if name == "ETHEREUM_LIKE_EXECUTE_CONTRACT" else None,
    )
    steps = rules.admit(service, account, question)
    intent = Intent(
        body["type"],
        account,
        name,
        data,
        note,
        wanted,
        amount(fields["max_fees"], f"{WHERE}.max_fees") if kind.fees else None,
        recipient,
        contract,
        steps,
        "TRANSACTION",
    )
    return intent, strategy


def check_cost(service: Service, intent: Intent, strategy: Strategy) -> None:
    """Refuse a ceiling that is too low for any speed, and what the account can't pay."""
    account = intent.account or {}
    least = fee_quotes.quote(service.world.seed, account, intent.kind, fee_quotes.slowest(strategy))
    if intent.max_fees is not None and intent.max_fees < least.max_fees:
        rule = f"the estimate is {least.max_fees} at the least: ask POST /transactions/estimate-fees for one"
        raise refused(f"{WHERE}.max_fees", str(intent.max_fees), rule)
    fees = _fees(intent, least)
    if intent.kind in _BONDED:
        field = _BONDED[intent.kind]
        bonded = int(((account["coin_fields"] or {}).get("balances") or {}).get(field, "0"))
        _check_funds(account, field, bonded, intent.amount or 0, 0)
        _check_funds(account, "available", int(account["available_balance"]), 0, fees)
    elif intent.contract is None:
        _check_funds(account, "available", int(account["available_balance"]), intent.amount or 0, fees)
    elif account["parent"] is not None:
        _check_funds(account, "available", int(account["available_balance"]), intent.amount or 0, 0)
        parent = service.collections["accounts"].find(account["parent"]) or {}
        _check_funds(parent, "available", int(parent["available_balance"]), 0, fees)
    else:
        held = _light_token(service, account, intent.contract)
        if held is not None:
            _check_funds(account, f"{held['ticker']} available", held["available"], intent.amount or 0, 0)
        _check_funds(account, "available", int(account["available_balance"]), 0, fees)


def _fees(intent: Intent, least: Quote) -> int:
    if intent.max_fees is not None:
        return intent.max_fees
    return least.max_fees + int(intent.data["transaction_data"].get("max_priority_fee") or 0)


def _check_funds(account: Node, what: str, held: int, wanted: int, fees: int) -> None:
    if wanted + fees > held:
        parts = [f"amount {wanted}"] * bool(wanted) + [f"fees {fees}"] * bool(fees)
        needed = f"{' and '.join(parts)} need {wanted + fees}"
        raise Refusal(400, f"Insufficient funds: account '{account['name']}' has {held} {what}, {needed}")


def _check_account(account: Node, name: str, kind: Kind) -> None:
    family, currency = COINS[account["currency"]].family, account["currency"]
    what = f"account {account['id']} is of type {account['type']} in {currency}"
    if family not in kind.families or (kind.account_types and account["type"] not in kind.account_types):
        raise refused("data.transaction_type", name, what)
    if kind.currencies and currency not in kind.currencies:
        rule = f"{what}, and this type is for {' and '.join(kind.currencies)}"
        raise refused("data.transaction_type", name, rule)


def _amount(name: str, fields: Node) -> int | None:
    value = fields.get("amount")
    # a deployment may pay nothing
    if "amount" not in fields or (value is None and name == "ETHEREUM_LIKE_DEPLOY_CONTRACT"):
        return None
    wanted = amount(value, f"{WHERE}.amount")
    if wanted == 0 and name not in _CONTRACT_KINDS:
        raise refused(f"{WHERE}.amount", value, "must be above 0")
    return wanted


def _recipient(service: Service, account: Node, fields: Node) -> str:
    recipient = text(fields["recipient"], f"{WHERE}.recipient")
    if not service.world.check_address(account["currency"], recipient):
        raise refused(f"{WHERE}.recipient", recipient, f"not a valid address of {account['currency']}")
    return recipient


def _contract(service: Service, account: Node, name: str, fields: Node) -> str | None:
    """Return the token that a transaction moves, or for which it opens an account."""
    own: str | None = account["contract_address"]
    if name == "ETHEREUM_LIKE_SEND":
        given = fields.get("contract_address")
        if own is None and given is not None:
            rule = f"account '{account['name']}' holds {account['currency']}: send from the account of the token"
            raise refused(f"{WHERE}.contract_address", given, rule)
        if own is not None and (not isinstance(given, str) or given.lower() != own.lower()):
            raise refused(f"{WHERE}.contract_address", given, f"account '{account['name']}' holds {own}")
    if "token_mint" not in fields:
        return own
    mint = text(fields["token_mint"], f"{WHERE}.token_mint")
    held = _light_token(service, account, mint)
    if name == "SOLANA_LIKE_SEND_SPL_TOKEN_CHECKED" and held is None:
        rule = f"account '{account['name']}' has no token account for it"
        raise refused(f"{WHERE}.token_mint", mint, rule)
    if name == "SOLANA_LIKE_CREATE_SPL_TOKEN_ACCOUNT":
        if not service.world.check_address(account["currency"], mint):
            raise refused(f"{WHERE}.token_mint", mint, f"not a valid address of {account['currency']}")
        if held is not None:
            raise refused(f"{WHERE}.token_mint", mint, f"account '{account['name']}' has a token account for it")
    return mint


def _light_token(service: Service, account: Node, mint: str) -> Node | None:
    tokens = service.world.light_tokens.get(account["id"], [])
    return next((token for token in tokens if token["contract_address"] == mint), None)


def _function(fields: Node) -> str:
    """Return the function that a contract call names."""
    encoded, described = fields.get("encoded_contract_data"), fields.get("contract_data")
    if (encoded is None) == (described is None):
        raise Refusal(400, f"One of '{WHERE}.contract_data' and '{WHERE}.encoded_contract_data' is expected")
    if isinstance(described, dict):
        return str(described["function_name"])
    return rules.function_of(str(described if encoded is None else encoded))


def _check_contract_data(value: Any, name: str) -> None:
    if isinstance(value, str):
        hexadecimal(value, name)
        return
    call = record(value, name, ("abi", "function_name", "function_arguments"))
    function = text(call["function_name"], f"{name}.function_name")
    if not isinstance(call["abi"], list) or not all(isinstance(entry, dict) for entry in call["abi"]):
        raise refused(f"{name}.abi", call["abi"], "a list of objects is expected")
    inputs = [_inputs(entry) for entry in call["abi"] if entry.get("name") == function]
    if not inputs:
        raise refused(f"{name}.function_name", function, "the abi has no such function")
    arguments = call["function_arguments"]
    if not isinstance(arguments, dict):
        raise refused(f"{name}.function_arguments", arguments, "an object is expected")
    if sorted(arguments) not in inputs:
        rule = f"the function takes {', '.join(inputs[0]) or 'none'}"
        raise refused(f"{name}.function_arguments", sorted(arguments), rule)


def _inputs(entry: Node) -> list[str]:
    """Return the names of the arguments of a function of an abi, in order of the alphabet."""
    parts = entry.get("inputs")
    return (
        sorted(str(part.get("name")) for part in parts if isinstance(part, dict)) if isinstance(parts, list) else []
    )


def _check_memo(value: Any, name: str) -> None:
    kinds = ("MEMO_TEXT", "MEMO_ID", "MEMO_HASH", "MEMO_RETURN")
    if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in kinds:
        raise refused(name, value, f"an object with one of {', '.join(kinds)} is expected")
    [(kind, memo)] = value.items()
    if kind == "MEMO_ID":
        integer(memo, f"{name}.{kind}", LARGEST_MEMO_ID)
    elif not isinstance(memo, str):
        raise refused(f"{name}.{kind}", memo, "a string is expected")
    elif kind == "MEMO_TEXT" and len(memo.encode()) > MEMO_BYTES:
        raise refused(f"{name}.{kind}", memo, f"has {len(memo.encode())} bytes of at most {MEMO_BYTES}")
    elif kind != "MEMO_TEXT" and not _HASH.fullmatch(memo):
        raise refused(f"{name}.{kind}", memo, "64 hexadecimal digits are expected")


# fields that stand alone: what each has to be, whatever the rest says
_CHECKS: dict[str, Callable[[Any, str], object]] = {
    "contract_data": _check_contract_data,
    "encoded_contract_bytecode": hexadecimal,
    "encoded_contract_data": hexadecimal,
    "max_priority_fee": amount,
    "memo": _check_memo,
    "payee": lambda value, name: choice(value, name, ("Staked", "Stash")),
    "tag": lambda value, name: integer(value, name, LARGEST_TAG),
}
