"""Reads of stakes and their rewards on four chains."""

from typing import Any

from . import filters
from .answers import Refusal, encode
from .catalogue import stakes as collect
from .reads import Answer, currency_family
from .service import Call, Service
from .store import Node


def stakes(chain: str) -> Answer:
    """Answer the paged stakes of an account; with ``light=false`` their creators, transactions and requests too."""

    def answer(service: Service, call: Call) -> bytes:
        account = _staker(service, call, chain)
        light = call.option("light", filters.boolean, True)
        key = (f"{chain} stakes {light}", account)
        if key not in service.parts:
            nodes = service.world.stakes[chain].get(account, [])
            transactions = service.collections["transactions"]
            accounts = {
                node["creation_tx"]: (transactions.find(node["creation_tx"]) or {}).get("account_id")
                for node in nodes
            }
            write = encode if light else lambda node: encode(_deep(service, node))
            service.parts[key] = collect(nodes, accounts, write)
        return service.page(call, service.listings["stakes"], service.parts[key], "stakes")

    return answer


def plain_stakes(chain: str) -> Answer:
    """Answer all stakes of an account at once."""
    return lambda service, call: encode(service.world.stakes[chain].get(_staker(service, call, chain), []))


def rewards(chain: str, *leave_out: str) -> Answer:
    """Answer the rewards of an account, without the fields that only the rewards of one stake have."""

    def answer(service: Service, call: Call) -> bytes:
        found = _rewards(service, call, chain)
        return encode([{name: value for name, value in node.items() if name not in leave_out} for node in found])

    return answer


def rewards_by_cycle(chain: str) -> Answer:
    """Answer the rewards of an account between two cycles, both inside."""

    def answer(service: Service, call: Call) -> bytes:
        start, end = call.option("start_cycle", filters.integer), call.option("end_cycle", filters.integer)
        return encode(
            [
                node
                for node in _rewards(service, call, chain)
                if (start is None or int(node["info"]["cycle"]) >= start)
                and (end is None or int(node["info"]["cycle"]) <= end)
            ]
        )

    return answer


def rewards_of_stake(chain: str) -> Answer:
    """Answer the rewards of one stake, where the chain has it between two days."""

    def answer(service: Service, call: Call) -> bytes:
        account, uid = _staker(service, call, chain), call.parameters["stake_uid"]
        known = service.world.stakes[chain].get(account, [])
        if all(uid != node.get("stake_uid", node.get("uid")) for node in known):
            raise Refusal(404, f"Stake {uid} not found")
        start, end = call.option("start_date", filters.date, ""), call.option("end_date", filters.date, "9999-12-31")
        found = [node for node in _rewards(service, call, chain) if node["stake_uid"] == uid]
        return encode([node for node in found if start <= node["created_on"][:10] <= end])

    return answer


def periodic_rewards(chain: str) -> Answer:
    """Answer the rewards of an account added up by period, as a list of one."""

    def answer(service: Service, call: Call) -> bytes:
        found = service.world.periodic_rewards[chain].get(_staker(service, call, chain))
        return encode([] if found is None else [found])

    return answer


def _staker(service: Service, call: Call, chain: str) -> int:
    """Return the account of the path, if it is one of the chain."""
    account = service.account(call)
    identifier: int = account["id"]
    if identifier in service.world.stakes[chain] or currency_family(service, account["currency"]) == chain:
        return identifier
    raise Refusal(404, f"Account {identifier} has no {chain} stakes")


def _rewards(service: Service, call: Call, chain: str) -> list[Node]:
    found: list[Node] = service.world.stake_rewards[chain].get(_staker(service, call, chain), [])
    return found


def _deep(service: Service, node: Node) -> dict[str, Any]:
    collections = service.collections
    return {
        **node,
        "created_by": collections["users"].find(node["created_by"]) or node["created_by"],
        "creation_tx": collections["transactions"].find(node["creation_tx"]) or node["creation_tx"],
        "last_request": collections["requests"].find(node["last_request"]) or node["last_request"],
    }
