"""The governance rules of accounts: who may create what, under which rule set, and who has to approve it."""

from collections.abc import Sequence
from dataclasses import dataclass

from .accounts import plan_departments
from .answers import Refusal
from .chains import keccak256
from .currencies import COINS
from .governance import Step
from .people import People
from .service import Service
from .store import Node


@dataclass(frozen=True, slots=True)
class Question:
    """What the rule sets of an account are asked about.

    Parameters
    ----------
    creator
        The user who wants to create.
    amount
        In base units of what leaves the account; None where thresholds do not apply.
    recipient
        Whom the whitelists have to hold; None where nothing is sent.
    tag
        The destination tag of an XRP payment.
    contract
        Whether a smart contract is called or deployed.
    function
        The name of the function that is called, where it is known.
    """

    creator: int
    amount: int | None = None
    recipient: str | None = None
    tag: int | None = None
    contract: bool = False
    function: str | None = None


def admit(service: Service, account: Node, question: Question) -> tuple[Step, ...]:
    """Return the steps of the first rule set that admits a creation, creators first.

    Raises
    ------
    Refusal
        403 where no rule set has the user among its creators, 400 where those that do ask for something else.
    """
    objections: list[str] = []
    for rule_set in sorted(account["governance_rules"], key=lambda found: int(found["index"])):
        steps = steps_of(service, rule_set)
        if question.creator not in steps[0].approvers:
            continue
        objection = _objection(service, account, rule_set, question)
        if objection is None:
            return steps
        objections.append(f"{rule_set['name']}: {objection}")
    name = account["name"]
    if not objections:
        raise Refusal(
            403, f"Forbidden: user {question.creator} is not among the creators of a rule set of account '{name}'"
        )
    raise Refusal(400, f"No rule set of account '{name}' admits this. {'; '.join(objections)}")


def group_step(service: Service, group: int, quorum: int = 1) -> Step:
    """Return the step that asks a quorum of a group."""
    node = service.collections["groups"].find(group)
    if node is None or node["status"] != "ACTIVE":
        raise Refusal(400, f"Group {group} is not active")
    return Step(tuple(user for user in node["members"] if user is not None), quorum, group)


def steps_of(service: Service, rule_set: Node) -> tuple[Step, ...]:
    """Return the approvals that a rule set asks for, creators first."""
    entries: list[Node | None] = next(
        (rule["data"] for rule in rule_set["rules"] if rule["type"] == "MULTI_AUTHORIZATIONS"), []
    )
    if not entries:
        raise Refusal(400, f"Rule set '{rule_set['name']}' has no creators")
    if any(entry is None or None in entry.get("users", ()) for entry in entries):
        return _with_hidden(service, rule_set["name"], entries)
    return tuple(_step(service, entry) for entry in entries if entry is not None)


def _step(service: Service, entry: Node) -> Step:
    if "group" in entry:
        return group_step(service, entry["group"], entry["quorum"])
    return Step(tuple(entry["users"]), entry["quorum"])


def _with_hidden(service: Service, name: str, entries: Sequence[Node | None]) -> tuple[Step, ...]:
    """Return the steps of a rule set of which the account shows a part: the plan of the world knows the rest."""
    groups = list(service.collections["groups"])
    people = People(
        users=service.world.users,
        groups=groups,
        user_ids={user["username"]: user["id"] for user in service.world.users},
        group_ids={group["name"]: group["id"] for group in groups},
        members={group["id"]: [user for user in group["members"] if user is not None] for group in groups},
    )
    for rule_sets in plan_departments(people).values():
        for planned, steps in rule_sets:
            if planned == name and [_shown(step) for step in steps] == list(entries):
                return steps
    raise Refusal(400, f"Rule set '{name}' hides approvers whom nobody knows")


def _shown(step: Step) -> Node | None:
    """Write a step as the rules of an account show it."""
    if step.hidden and step.hidden == frozenset(step.approvers):
        return None
    if step.group is not None:
        return {"group": step.group, "quorum": step.quorum}
    return {"quorum": step.quorum, "users": [step.shown(user) for user in step.approvers]}


def _objection(service: Service, account: Node, rule_set: Node, question: Question) -> str | None:
    """Return what a rule set has against a creation."""
    rules: dict[str, list[Node]] = {rule["type"]: rule["data"] for rule in rule_set["rules"]}
    enabled = any(entry["enabled"] for entry in rules.get("SMART_CONTRACT_INTERACTION", ()))
    if question.contract and not enabled:
        return "smart contract interactions are not enabled"
    filtered = _filtered(rules.get("TRANSACTION_FILTER", ()), question)
    if filtered is not None:
        return filtered
    if question.amount is not None:
        for bounds in rules.get("THRESHOLD", ()):
            if question.amount < bounds["min"]:
                return f"amount {question.amount} is below its threshold of {bounds['min']}"
            if bounds["max"] is not None and question.amount > bounds["max"]:
                return f"amount {question.amount} is above its threshold of {bounds['max']}"
    if question.recipient is not None and "WHITELIST" in rules:
        whitelists = [entry["whitelist"] for entry in rules["WHITELIST"]]
        return _unlisted(service, account["currency"], whitelists, question)
    return None


def _filtered(filters: Sequence[Node], question: Question) -> str | None:
    for entry in filters:
        names = (entry["filters"] or {}).get("function_name")
        if not names or question.function in names:
            continue
        if question.function is not None:
            return f"function '{question.function}' is not one of {', '.join(names)}"
        # a deployment calls no function at which the filter could look, and a transfer is no interaction
        if not question.contract:
            return f"it takes calls of {', '.join(names)} alone"
    return None


def _unlisted(service: Service, currency: str, whitelists: Sequence[int], question: Question) -> str | None:
    fold = COINS[currency].family in ("ethereum", "polygon")
    for identifier in whitelists:
        node = service.collections["whitelists"].find(identifier)
        if node is None or node["status"] != "ACTIVE":
            continue
        for entry in node["addresses"]:
            if entry["currency"] != currency or not _same(entry["address"], question.recipient or "", fold=fold):
                continue
            tags = entry["destination_tags"]
            # an address that was listed without tags takes any
            if tags and question.tag not in tags:
                return f"tag {question.tag} of the recipient is not one of {tags} on whitelist {identifier}"
            return None
    listed = " or ".join(map(str, whitelists))
    return f"recipient {question.recipient} is not on whitelist {listed}"


def _same(one: str, other: str, *, fold: bool) -> bool:
    # the letters of an EVM address are hexadecimal digits: their case is a check sum and no part of the address
    return one.lower() == other.lower() if fold else one == other


# the functions that the filters of rules name, by the first four bytes of a call
_SELECTORS = {
    keccak256(signature).hex()[:8]: signature.decode().partition("(")[0]
    for signature in (b"approve(address,uint256)", b"swap(uint256,uint256,address,bytes)")
}


def function_of(call_data: str) -> str:
    """Return the function that encoded call data names, or its selector where it is none that rules know."""
    selector = call_data.removeprefix("0x")[:8].lower()
    return _SELECTORS.get(selector, f"0x{selector}")
