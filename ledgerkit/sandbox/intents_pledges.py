"""Pledges that a caller wants to raise, lower or free."""

from . import rules
from .answers import Refusal
from .governance import Step
from .intent import LARGEST_ID, Intent, check_named, creator_of
from .intents_fields import amount, integer, record, refused, text
from .service import Service
from .store import Node
from .viewers import Viewer


def read_increment(service: Service, viewer: Viewer, body: Node) -> Intent:
    """Check the body of an increment, which takes back where its amount is negative."""
    data, where = _data(body, "pledge_data")
    required = ("account_name", "amount", "currency", "exchange_name")
    fields = record(data["pledge_data"], where, required, ("contract_address",))
    pledge, account = _pledge(service, viewer, data, fields, where)
    contract = fields.get("contract_address")
    own = account["contract_address"]
    if (contract is None) != (own is None) or str(contract).lower() != str(own).lower():
        raise refused(f"{where}.contract_address", contract, f"account '{account['name']}' holds {own or 'no token'}")
    wanted = amount(fields["amount"], f"{where}.amount", signed=True)
    if wanted == 0:
        raise refused(f"{where}.amount", fields["amount"], "must be above 0 to pledge, below 0 to take back")
    if pledge["state"] != "PLEDGE_READY":
        raise refused("data.pledge_subaccount_id", data["pledge_subaccount_id"], f"the pledge is {pledge['state']}")
    if wanted < 0 and -wanted > pledge["amount"]:
        raise refused(f"{where}.amount", fields["amount"], f"{pledge['amount']} are pledged")
    available = int(account["available_balance"])
    if wanted > available:
        name = account["name"]
        raise Refusal(400, f"Insufficient funds: account '{name}' has {available} available, amount {wanted}")
    steps = tuple(
        rules.group_step(service, pledge[party]["approver_group_id"]) for party in ("asset_manager", "exchange")
    )
    _check_creator(viewer, steps)
    kind, target = body["type"], "PLEDGE_INCREMENT"
    return Intent(kind, account, "", data, None, wanted, None, None, contract, steps, target)


def read_forced_unpledge(service: Service, viewer: Viewer, body: Node) -> Intent:
    """Check the body of a forced unpledge: the custodian frees what an exchange does not give back."""
    data, where = _data(body, "forced_unpledge_data")
    fields = record(data["forced_unpledge_data"], where, ("account_name", "currency", "exchange_name"))
    pledge, account = _pledge(service, viewer, data, fields, where)
    if pledge["pending"] or pledge["state"] == "PLEDGE_CONSUMED":
        raise refused("data.pledge_subaccount_id", data["pledge_subaccount_id"], f"the pledge is {pledge['state']}")
    # the custodian approves last whatever leaves a collateral account
    custodian = rules.steps_of(service, account["governance_rules"][0])[-1]
    steps = (custodian, rules.group_step(service, pledge["asset_manager"]["approver_group_id"]))
    _check_creator(viewer, steps)
    return Intent(body["type"], account, "", data, None, None, None, None, None, steps, "FORCED_UNPLEDGE")


def _data(body: Node, details: str) -> tuple[Node, str]:
    body = record(body, "", ("type", "data"))
    return record(body["data"], "data", ("pledge_subaccount_id", details)), f"data.{details}"


def _pledge(service: Service, viewer: Viewer, data: Node, fields: Node, where: str) -> tuple[Node, Node]:
    """Return the pledge of a body and its account, which the fields have to name."""
    number = integer(data["pledge_subaccount_id"], "data.pledge_subaccount_id", LARGEST_ID)
    for pledge in service.collections["pledges"]:
        account = service.collections["accounts"].find(pledge["account_id"])
        if pledge["pledge_subaccount_id"] == number and account is not None:
            break
    else:
        raise Refusal(404, f"Pledge account {number} not found")
    if not service.sight.sees(viewer, "accounts", account):
        raise Refusal(404, f"Pledge account {number} not found")
    check_named(account, fields, where, "account_name", "currency")
    exchange = text(fields["exchange_name"], f"{where}.exchange_name")
    if exchange != pledge["exchange"]["name"]:
        raise refused(f"{where}.exchange_name", exchange, f"the pledge is with '{pledge['exchange']['name']}'")
    return pledge, account


def _check_creator(viewer: Viewer, steps: tuple[Step, ...]) -> None:
    creator = creator_of(viewer)
    if creator not in steps[0].approvers:
        raise Refusal(403, f"Forbidden: user {creator} is not in group {steps[0].group}, which creates this")
