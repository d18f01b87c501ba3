"""Accounts that an administrator wants to create."""

import re
from typing import get_args

from ledgerkit.vocabulary import AccountType

from . import rules
from .answers import Refusal
from .currencies import COINS
from .governance import Step
from .intent import LARGEST_ID, Intent, creator_of
from .intents_fields import choice, integer, record, refused, text
from .service import Service
from .store import Node
from .viewers import Viewer

WHERE = "data.account_data"
ADMINISTRATORS = 1
LONGEST_NAME = 19
LARGEST_INDEX = 2**31 - 1
TYPES = {f"{name.upper()}_LIKE": name for name in get_args(AccountType)}
_NAME = re.compile(r"[A-Za-z0-9 _-]+")
# the families of the types that are not named after theirs; an account of type Generic signs for any
_FAMILIES = {"Bep20": ("ethereum",), "Erc20": ("ethereum", "polygon"), "Trc20": ("tron",)}


def read(service: Service, viewer: Viewer, body: Node) -> Intent:
    """Check the body of an account, which administrators alone create."""
    body = record(body, "", ("type", "data"))
    creator = creator_of(viewer)
    user = service.collections["users"].find(creator)
    if user is None or user["role"] != "ADMIN":
        raise Refusal(403, f"Forbidden: user {creator} is no administrator, and only those create accounts")
    data = record(body["data"], "data", ("account_type", "account_data"))
    kind = TYPES[choice(data["account_type"], "data.account_type", TYPES)]
    required = ("index", "name", "currency", "policy_name")
    fields = record(data["account_data"], WHERE, required, ("parent_id", "contract_address"))
    _check_name(service, fields["name"])
    currency = text(fields["currency"], f"{WHERE}.currency")
    if currency not in COINS or COINS[currency].family == "fiat":
        raise refused(f"{WHERE}.currency", currency, "not a currency of which there are accounts")
    index = integer(fields["index"], f"{WHERE}.index", LARGEST_INDEX)
    text(fields["policy_name"], f"{WHERE}.policy_name")
    families = _FAMILIES.get(kind, (kind.lower(),))
    if (kind != "Generic" and COINS[currency].family not in families) or (kind == "Bep20") > (currency == "bsc"):
        raise refused(f"{WHERE}.currency", currency, f"accounts of type {data['account_type']} are not in it")
    contract = None
    if kind in _FAMILIES:
        contract = _token(service, currency, fields)
    else:
        for name in ("parent_id", "contract_address"):
            if fields.get(name) is not None:
                raise refused(f"{WHERE}.{name}", fields[name], "only an account of a token has one")
        _check_index(service, currency, index)
    group = rules.group_step(service, ADMINISTRATORS, service.world.organization["quorum"])
    steps: tuple[Step, ...] = (group,)
    return Intent(body["type"], None, "", data, None, None, None, None, contract, steps, "ACCOUNT")


def _check_name(service: Service, value: object) -> None:
    name = text(value, f"{WHERE}.name")
    if len(name) > LONGEST_NAME:
        raise refused(f"{WHERE}.name", name, f"has {len(name)} characters of at most {LONGEST_NAME}")
    if not _NAME.fullmatch(name):
        raise refused(f"{WHERE}.name", name, "letters, digits, spaces, _ and - are allowed")
    # the module that signs knows accounts by their names
    if any(node["name"] == name and node["status"] != "REJECTED" for node in service.collections["accounts"]):
        raise refused(f"{WHERE}.name", name, "another account has this name")


def _check_index(service: Service, currency: str, index: int) -> None:
    """Refuse an index whose derivation path another account has: both would have the same keys."""
    taken = {
        account["index"]
        for account in service.collections["accounts"]
        if account["currency"] == currency and account["parent"] is None and account["status"] != "REJECTED"
    }
    if index in taken:
        free = next(number for number in range(len(taken) + 1) if number not in taken)
        rule = f"another account of {currency} has this index, and {free} is free"
        raise refused(f"{WHERE}.index", index, rule)


def _token(service: Service, currency: str, fields: Node) -> str:
    """Return the contract of an account of a token, after a look at its parent."""
    number = integer(fields.get("parent_id"), f"{WHERE}.parent_id", LARGEST_ID)
    parent = service.collections["accounts"].find(number)
    if parent is None:
        raise Refusal(404, f"Account {number} not found")
    if parent["currency"] != currency or parent["parent"] is not None:
        rule = f"account '{parent['name']}' is of type {parent['type']} in {parent['currency']}, not {currency}"
        raise refused(f"{WHERE}.parent_id", number, rule)
    if parent["status"] not in ("ACTIVE", "VIEW_ONLY"):
        raise refused(f"{WHERE}.parent_id", number, f"account '{parent['name']}' is {parent['status']}")
    contract = text(fields.get("contract_address"), f"{WHERE}.contract_address")
    known = [token for token in service.world.tokens if token["parent_currency"] == currency]
    found = [token for token in known if token["contract_address"].lower() == contract.lower()]
    if not found:
        raise refused(f"{WHERE}.contract_address", contract, f"no token of {currency} that is known")
    for account in service.collections["accounts"]:
        own = account["contract_address"]
        if account["parent"] == number and own and own.lower() == contract.lower():
            raise refused(f"{WHERE}.contract_address", contract, f"account '{account['name']}' holds it already")
    return contract
