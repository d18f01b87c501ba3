"""Pledges while a request about them waits, and after it ended."""

from .answers import decode
from .reads import Answer
from .service import Call, Service
from .settlement_writes import OPEN_STATES
from .store import Node

_TARGETS = ("FORCED_UNPLEDGE", "PLEDGE_INCREMENT")


def attach(service: Service) -> None:
    """Let pledges follow the requests of a service."""
    service.engine.finished.append(lambda request, outcome: _end(service, request, outcome))


def creating(create: Answer) -> Answer:
    """Set aside in a pledge what a request that was just created would add to it or take from it."""

    def answer(service: Service, call: Call) -> bytes:
        made = create(service, call)
        request: Node = decode(made)
        if request["target_type"] in _TARGETS:
            _begin(service, request["id"])
        return made

    return answer


def _begin(service: Service, request_id: int) -> None:
    pledge = _pledge(service, request_id)
    if pledge is not None:
        wanted = service.engine.intents[request_id].amount
        # a forced unpledge has no amount: it frees everything
        pending = -pledge["amount"] if wanted is None else wanted
        state = "UNPLEDGE_PENDING_APPROVAL" if pending < 0 else "PLEDGE_INCREMENT_PENDING_APPROVAL"
        service.collections["pledges"].replace({**pledge, "pending": pending, "state": state})


def _end(service: Service, request: Node, outcome: str) -> None:
    if request["target_type"] not in _TARGETS:
        return
    pledge = _pledge(service, request["id"])
    if pledge is None:
        return
    if outcome == "APPROVED":
        pledge["amount"] += pledge["pending"]
    settlements = service.collections["settlements"]
    assigned = any(node["from_pledge_id"] == pledge["id"] and node["state"] in OPEN_STATES for node in settlements)
    pledge["state"] = "ASSIGNED_TO_SETTLEMENT" if assigned else "PLEDGE_READY"
    service.collections["pledges"].replace({**pledge, "pending": 0})


def _pledge(service: Service, request_id: int) -> Node | None:
    """Return the pledge of a request; the requests of the past name none."""
    intent = service.engine.intents.get(request_id)
    if intent is None:
        return None
    number = intent.data["pledge_subaccount_id"]
    return next((node for node in service.collections["pledges"] if node["pledge_subaccount_id"] == number), None)
