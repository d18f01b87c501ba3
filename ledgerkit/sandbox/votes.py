"""The answers to what creates a request and to what votes on one."""

from typing import Any

from . import intents
from .answers import Refusal, decode, encode
from .challenges import Verb, encode_challenge
from .engine import user_of
from .lam_users import acting, operators
from .reads import Answer
from .service import Call, Service
from .store import Node


def create(service: Service, call: Call) -> bytes:
    """Create a request; it waits for its creator first."""
    intent = intents.read(service, call.viewer, _json(call))
    return encode(service.engine.create(call.viewer, intent))


def challenge(verb: Verb) -> Answer:
    """Answer the challenge to approve or to reject a request, to those who may vote on it now."""

    def answer(service: Service, call: Call) -> bytes:
        request = _request(service, call)
        user = _reader(service, call)
        written = None if user is None else service.engine.challenge(request["id"], user, verb)
        if written is None:
            raise Refusal(404, f"Challenge of request {request['id']} not found: it waits for no vote of yours")
        return encode({"challenge": encode_challenge(written), "id": request["id"]})

    return answer


def vote(verb: Verb) -> Answer:
    """Take a signed vote and answer the request as it is then."""

    def answer(service: Service, call: Call) -> bytes:
        request = _request(service, call)
        user = _voter(service, call)
        if not call.body:
            raise Refusal(400, f"The body is empty: to {verb} a request, its challenge is signed and sent as 'jws'")
        body = _json(call)
        if not isinstance(body, dict) or set(body) != {"jws"} or not isinstance(body["jws"], str):
            raise Refusal(400, "A body with one field is expected: 'jws', a text")
        answered = service.engine.vote_signed(request["id"], user, verb, body["jws"])
        answered["created_by"]["id"] = call.viewer.user(answered["created_by"]["id"])
        return encode(answered)

    return answer


def reject_transaction(service: Service, call: Call) -> bytes:
    """Reject a transaction that waits for approvals; the contract asks for no signature here."""
    transaction = service.node(call, "transactions", call.integer("transaction_id"), "Transaction")
    if transaction["status"] != "PENDING_APPROVAL":
        raise Refusal(400, f"Transaction {transaction['id']} is {transaction['status']}: it waits for no approval")
    user = acting(service, call) if call.viewer.family == "lam" else user_of(call.viewer)
    service.engine.reject_now(transaction["last_request"], user)
    return encode(service.node(call, "transactions", transaction["id"], "Transaction"))


def request_with_challenge(service: Service, call: Call) -> bytes:
    """Answer a request; its deprecated ``challenge`` is a JSON text, though typed as an object.

    It shows the challenge that the caller holds already, if any: a read may not void what somebody is signing.
    """
    request = _request(service, call)
    user, written = _reader(service, call), None
    if user is not None:
        held = service.engine.challenges.outstanding(request["id"], user, "approve")
        written = held or service.engine.challenge(request["id"], user, "approve")
    text = None
    if written is not None:
        text = encode({"challenge": encode_challenge(written), "id": request["id"]}).decode()
    return encode({**request, "challenge": text})


def _request(service: Service, call: Call) -> Node:
    return service.node(call, "requests", call.integer("request_id"), "Request")


def _reader(service: Service, call: Call) -> int | None:
    """Return the user whose challenges a caller reads; a LAM has its operator's, a reporting key none."""
    if call.viewer.family == "lam":
        return operators(service.world).get(str(call.viewer.identity))
    return user_of(call.viewer) if call.viewer.family == "api_user" else None


def _voter(service: Service, call: Call) -> Node:
    found = service.collections["users"].find(user_of(call.viewer))
    if found is None or found["status"] != "ACTIVE":
        raise Refusal(403, f"Forbidden: user {call.viewer.identity} is not active")
    return found


def _json(call: Call) -> Any:
    try:
        return decode(call.body)
    except ValueError:
        raise Refusal(400, "The body is not JSON") from None
