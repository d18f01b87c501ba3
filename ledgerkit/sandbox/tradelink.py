"""Collateral of a sandbox world: pledges in every state, and settlements against them."""

from datetime import timedelta
from typing import get_args

from ledgerkit.vocabulary import PledgeState

from .accounts import Account, Chart
from .governance import Draft, Step
from .material import Material, Node
from .people import People, moment
from .traffic import Traffic

_ACCOUNTS = ("TL-0002-ETH-CLP-HSE", "TL-0001-BTC-CLP-HSE", "TL-0003-ETH-HAL-HSE", "TL-0003-USD-HAL-HSE")
# day, type, kind of target, id of the target, position in the list of collateral accounts, status
_REQUESTS: tuple[tuple[float, str, str, int, int, str], ...] = (
    *((60.0 + 17 * i, "CREATE_PLEDGE_INCREMENT", "PLEDGE_INCREMENT", i + 1, i % 4, "APPROVED") for i in range(12)),
    (264.5, "CREATE_PLEDGE_INCREMENT", "PLEDGE_INCREMENT", 13, 0, "REJECTED"),
    (277.0, "CREATE_FORCED_UNPLEDGE", "FORCED_UNPLEDGE", 1, 3, "APPROVED"),
    (311.0, "CREATE_REPLEDGE", "REPLEDGE", 1, 0, "APPROVED"),
    (330.0, "CREATE_REPLEDGE", "REPLEDGE", 2, 2, "REJECTED"),
    (-3.3, "CREATE_PLEDGE_INCREMENT", "PLEDGE_INCREMENT", 14, 0, "PENDING_APPROVAL"),
    (-2.2, "CREATE_PLEDGE_INCREMENT", "PLEDGE_INCREMENT", 15, 2, "PENDING_APPROVAL"),
    (-1.5, "CREATE_REPLEDGE", "REPLEDGE", 3, 1, "PENDING_APPROVAL"),
    (-0.65, "CREATE_FORCED_UNPLEDGE", "FORCED_UNPLEDGE", 2, 3, "PENDING_APPROVAL"),
)
_EXCHANGES = {"clearport": ("3", "Clearport", "CLP", 9, 1), "halcyon": ("4", "Halcyon", "HAL", 10, 2)}


def draft_pledges(material: Material, people: People, chart: Chart) -> list[Draft]:
    """Draft the requests about pledges, whose objects the API does not show by number."""
    drafts = []
    for day, kind, target_type, target, position, status in _REQUESTS:
        account = chart.by_name[_ACCOUNTS[position]]
        created_on = moment(material, day)
        exchange = people.group_ids[_EXCHANGES[account.department][1]]
        steps = tuple(Step(tuple(people.members[group]), 1, group) for group in (11, exchange))
        draft = Draft(
            created_on,
            kind,
            status,
            target_type,
            target,
            people.members[11][target % 2],
            steps,
            created_on + min(timedelta(hours=3), (material.now - created_on) * 0.6),
            1 if status in ("PENDING_APPROVAL", "REJECTED") else None,
        )
        draft.subject = {
            "account_name": account.node["name"],
            "amount": str(10 ** (account.magnitude + 1)),
            "currency": account.coin.name.replace("_", " "),
            "exchange_name": _EXCHANGES[account.department][1],
        }
        drafts.append(draft)
    return drafts


def build_pledges(material: Material, chart: Chart) -> list[Node]:
    """Make one pledge for each state, and a few more that are ready."""
    pledges = []
    for index, state in enumerate((*get_args(PledgeState), *["PLEDGE_READY"] * 5)):
        account = chart.by_name[_ACCOUNTS[index % 4]]
        # a share of the balance, cut to whole display units where there are any
        amount = int(account.node["balance"]) * (2 + index % 4) // 100
        unit = int(10**account.magnitude)
        amount -= amount % (unit if amount > unit else unit // 1000)
        pending = 0
        if state.endswith("PENDING_APPROVAL"):
            pending = -amount // 2 if state.startswith("UNPLEDGE") else amount // 2
        identifier, name, code, group, whitelist = _EXCHANGES[account.department]
        pledges.append(
            {
                "id": material.uuid("pledge", index),
                "account_id": account.node["id"],
                "pledge_subaccount_id": index + 1,
                "amount": amount,
                "pending": pending,
                "state": state,
                "asset_manager": {
                    "id": "1",
                    "name": "Tidewell Asset Management",
                    "code": "TAM",
                    "role": "ASSET_MANAGER",
                    "approver_group_id": 11,
                    "whitelist_id": 9,
                },
                "custodian": {"id": "2", "name": "Harbour Street Custody", "code": "HSE", "role": "CUSTODIAN"},
                "exchange": {
                    "id": identifier,
                    "name": name,
                    "code": code,
                    "role": "EXCHANGE",
                    "approver_group_id": group,
                    "whitelist_id": whitelist,
                },
            }
        )
    return pledges


_STATES = {
    "CONFIRMED": "SETTLED",
    "FAILED_TO_BROADCAST": "OUTBOUND_TRANSACTION_FAILED",
    "PENDING_APPROVAL": "OUTBOUND_TRANSACTION_PENDING_APPROVAL",
    "SUBMITTED": "OUTBOUND_TRANSACTION_SUBMITTED",
}


def build_settlements(
    material: Material, chart: Chart, traffic: Traffic, pledges: list[Node], repledges: list[Node]
) -> list[Node]:
    """Make the settlements: five that pay out of the collateral, and two that pay in."""
    settlements: list[Node] = []

    def settlement(pledge: Node, state: str) -> Node:
        node: Node = {
            "id": material.uuid("settlement", len(settlements)),
            "from_pledge_id": pledge["id"],
            "state": state,
            "meta": {"reference": f"NET-{len(settlements) + 1:04d}"},
            "inbound_transaction_intent": None,
            "outbound_transaction": None,
            "repledge": None,
            "repledge_intent": None,
        }
        settlements.append(node)
        return node

    def pledge_of(account_id: int) -> Node:
        return next(pledge for pledge in reversed(pledges) if pledge["account_id"] == account_id)

    for index in range(1, 6):
        transaction = traffic.marks[f"settlement {index}"]
        node = settlement(pledge_of(transaction["account_id"]), _STATES[transaction["status"]])
        node["outbound_transaction"] = {
            "request_id": transaction["last_request"],
            "transaction_id": transaction["id"],
            "transaction_hash": transaction["tx_hash"],
        }
    for index, name in enumerate(_ACCOUNTS[:2]):
        account: Account = chart.by_name[name]
        node = settlement(pledge_of(account.node["id"]), "INBOUND_TRANSACTION_PENDING")
        amount = 40 * int(10**account.magnitude)
        node["inbound_transaction_intent"] = {
            "amount": amount,
            "to_account_id": account.node["id"],
            "to_address": account.used[0],
        }
        if index == 0:
            node["state"] = "SETTLED"
            node["repledge"] = {"repledge_id": repledges[0]["target_id"], "request_id": repledges[0]["id"]}
            node["repledge_intent"] = {
                "account_name": name,
                "amount": str(amount),
                "contract_address": account.node["contract_address"],
                "currency": account.coin.name,
                "exchange_name": _EXCHANGES[account.department][1],
                "pledge_subaccount_id": 1,
                "to_address": account.used[0],
                "transaction_hash": None,
            }
    return settlements
