"""The answers to reads of single objects and of what belongs to them."""

import copy
from collections.abc import Callable
from typing import Any

from . import filters
from .answers import Refusal, bad_value, encode
from .service import Call, Service
from .store import Collection, Node, Where
from .viewers import mask_governance, mask_history

Answer = Callable[[Service, Call], bytes]

# chains whose accounts have many addresses, each with an index
UTXO_FAMILY = "bitcoin"
FRESH_ADDRESSES = 3


def listing(section: str) -> Answer:
    """Answer the listing of a section."""
    return lambda service, call: service.list(call, section)


def one(section: str, parameter: str, name: str) -> Answer:
    """Answer one node of a section with integer ids."""
    return lambda service, call: encode(service.node(call, section, call.integer(parameter), name))


def one_by_uuid(section: str, parameter: str, name: str) -> Answer:
    """Answer one node of a section whose ids are UUIDs."""
    return lambda service, call: encode(service.node(call, section, call.parameters[parameter], name))


def history(section: str, parameter: str, name: str) -> Answer:
    """Answer the requests that made and changed an object."""

    def answer(service: Service, call: Call) -> bytes:
        node = service.node(call, section, call.integer(parameter), name)
        recorded = copy.deepcopy(service.world.history.get((section, node["id"]), []))
        return encode({"history": mask_history(call.viewer, recorded)})

    return answer


def account_nft_portfolio(service: Service, call: Call) -> bytes:
    """Answer what the NFTs of an account are worth."""
    nothing = {"portfolio_value": {"eth_value": 0, "usd_value": None}, "token_quantity": 0}
    return encode(service.world.nft_portfolio.get(service.account(call)["id"], nothing))


def account_tokens(service: Service, call: Call) -> bytes:
    """Answer the light token accounts under an account."""
    return encode(service.world.light_tokens.get(service.account(call)["id"], []))


def account_currency(service: Service, call: Call) -> bytes:
    """Answer the units of an account."""
    return encode(_present(service.world.account_currency.get(service.account(call)["id"]), "Currency"))


def account_balances(service: Service, call: Call) -> bytes:
    """Answer the balances of an account."""
    return encode(_present(service.world.balances.get(service.account(call)["id"]), "Balances"))


def account_balance_history(service: Service, call: Call) -> bytes:
    """Answer daily balances, or 501 where the currency has none."""
    account = service.account(call)
    start, end = call.option("start", filters.date_time), call.option("end", filters.date_time)
    if start is not None and end is not None and start > end:
        raise bad_value(call.query["start"], "start", "must not be after end")
    answer = service.world.balance_history(account["id"], start, end)
    if answer is None:
        raise Refusal(501, f"Balance history is not supported for {account['currency']}")
    return encode(answer)


def account_address(service: Service, call: Call) -> bytes:
    """Answer the signed address of an account that has only one."""
    account = service.account(call)
    if _is_utxo(service, account):
        raise Refusal(404, "Accounts of UTXO currencies have an address per index")
    return encode(_present(service.world.address_jwt(account["id"], None), "Address"))


def account_address_at(service: Service, call: Call) -> bytes:
    """Answer one signed receiving address of an account of a UTXO currency."""
    account, index = service.account(call), call.integer("index")
    kind = call.option("type", filters.choice(("change", "receive")))
    if kind is None:
        raise Refusal(400, "Parameter 'type' is required")
    if kind == "change":
        raise Refusal(400, "Change addresses are not supported yet")
    if not _is_utxo(service, account):
        raise Refusal(404, f"Account {account['id']} has no address at index {index}")
    return encode(_present(service.world.address_jwt(account["id"], index), "Address"))


def account_addresses(service: Service, call: Call) -> bytes:
    """Answer the next fresh addresses, or the only one."""
    account = service.account(call)
    addresses = service.world.addresses.get(account["id"], [])
    return encode({"addresses": addresses[-FRESH_ADDRESSES:] if _is_utxo(service, account) else addresses[:1]})


def account_addresses_at(service: Service, call: Call) -> bytes:
    """Answer the address at an index that is in use or next to be."""
    account, index = service.account(call), call.integer("index")
    addresses = service.world.addresses.get(account["id"], [])
    if not _is_utxo(service, account):
        found = addresses[:1]
    else:
        found = [entry for entry in addresses if entry["derivation_path"].rsplit("/", 1)[-1] == str(index)]
    if not found:
        raise Refusal(404, f"Account {account['id']} has no address at index {index}")
    return encode(found[0])


def account_sync(service: Service, call: Call) -> bytes:
    """Answer the account, as after its transactions were brought in line with the chain."""
    call.option("synchronous", filters.boolean)
    return encode(service.account(call))


def account_labels(service: Service, call: Call) -> bytes:
    """Answer the labels of an account in their short form."""
    return encode(service.account(call).get("labels") or [])


def account_children(service: Service, call: Call) -> bytes:
    """Answer the ERC-20 accounts under an account."""
    parent = service.account(call, "parent_account_id")["id"]
    keep = service.sight.keeps(call.viewer, "accounts")
    base = (
        Where("parent", lambda held: bool(held == parent)),
        Where("type", "Erc20".__eq__),
        *(() if keep is None else (keep,)),
    )
    listed = service.listings["erc20-children-accounts"]
    return service.page(call, listed, service.collections["accounts"], "accounts", base)


def account_part(section: str, attribute: str) -> Answer:
    """Answer a paged list that belongs to one account and takes no filters."""

    def answer(service: Service, call: Call) -> bytes:
        account = service.account(call)["id"]
        key = (section, account)
        if key not in service.parts:
            service.parts[key] = Collection(getattr(service.world, attribute).get(account, []), {})
        return service.page(call, service.listings[section], service.parts[key], section)

    return answer


def entity_users(service: Service, call: Call) -> bytes:
    """Answer the operators of the accounts of an entity."""
    entity = service.node(call, "entities", call.integer("entity_id"), "Entity")
    named: set[int] = set()
    for account in entity["accounts"]:
        named |= service.relations.users.get(account, set())
    users = [service.collections["users"].find(identifier) for identifier in sorted(named)]
    return encode({"users": [user for user in users if user and service.sight.sees(call.viewer, "users", user)]})


def transaction_labels(service: Service, call: Call) -> bytes:
    """Answer the labels of a transaction in their full form."""
    transaction = service.node(call, "transactions", call.integer("transaction_id"), "Transaction")
    return encode([service.collections["labels"].find(label["id"]) for label in transaction.get("labels") or ()])


def governance_status(service: Service, call: Call) -> bytes:
    """Answer how far a request has come through its rules."""
    request = service.node(call, "requests", call.integer("request_id"), "Request")
    status = _present(service.world.governance.get(request["id"]), "Governance status of request")
    return encode(mask_governance(call.viewer, copy.deepcopy(status)))


def currencies(service: Service, call: Call) -> bytes:
    """Answer all currencies."""
    return encode({"currencies": service.world.currencies})


def tokens(service: Service, call: Call) -> bytes:
    """Answer all tokens."""
    return encode({"tokens": service.world.tokens})


def currency(service: Service, call: Call) -> bytes:
    """Answer one currency."""
    return encode(_currency(service, call))


def currency_address(service: Service, call: Call) -> bytes:
    """Answer whether an address is one of a currency."""
    found = _currency(service, call)
    return encode({"is_valid": service.world.check_address(found["name"], call.parameters["address"])})


def currency_token(service: Service, call: Call) -> bytes:
    """Answer one token of a currency."""
    name, contract = _currency(service, call)["name"], call.parameters["contract_address"].lower()
    for token in service.world.tokens:
        if token["parent_currency"] == name and token["contract_address"].lower() == contract:
            return encode(token)
    raise Refusal(404, f"Token {call.parameters['contract_address']} not found")


def address_risk(service: Service, call: Call) -> bytes:
    """Answer the compliance provider's view of an address."""
    return encode(service.world.address_risk(call.parameters["address"]))


def address_sanctions(service: Service, call: Call) -> bytes:
    """Answer whether an address is sanctioned."""
    return encode(service.world.address_sanctions(call.parameters["address"]))


def certificates(service: Service, call: Call) -> bytes:
    """Answer the chain of certificates over the addresses."""
    return encode(service.world.certificates)


def organization(service: Service, call: Call) -> bytes:
    """Answer the organization."""
    return encode(service.world.organization)


def _currency(service: Service, call: Call) -> Node:
    name = call.parameters["currency_name"]
    found: Node | None = next((entry for entry in service.world.currencies if entry["name"] == name), None)
    if found is None:
        raise Refusal(404, f"Currency {name} not found")
    return found


def _is_utxo(service: Service, account: Node) -> bool:
    return currency_family(service, account["currency"]) == UTXO_FAMILY


def currency_family(service: Service, name: str) -> str | None:
    """Return the family of a currency."""
    return next((entry["family"] for entry in service.world.currencies if entry["name"] == name), None)


def _present(value: Any, name: str) -> Any:
    if value is None:
        raise Refusal(404, f"{name} not found")
    return value
