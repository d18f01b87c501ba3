"""What a caller wants to create: the body of a creation, checked as the service checks it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import rules
from .answers import Refusal
from .governance import Step
from .intents_fields import amount, choice, integer, record, refused, text
from .service import Service
from .store import Node
from .viewers import Viewer


@dataclass(frozen=True, slots=True)
class Intent:
    """A creation that the service accepts.

    Parameters
    ----------
    request_type
        As in ``CREATE_TRANSACTION``.
    account
        The account that it acts on; None for one that is still to be made.
    kind
        The transaction type, or nothing.
    data
        The ``data`` of the body, as it came.
    note
        Title and content, where there are any.
    amount
        In base units of the account, or of the token that `contract` names.
    max_fees
        In base units of the coin that pays the fees; None where the chain takes no ceiling.
    recipient, contract
        As the body says.
    steps
        The approvals, creators first.
    target_type
        The kind of object that it makes.
    """

    request_type: str
    account: Node | None
    kind: str
    data: Node
    note: Node | None
    amount: int | None
    max_fees: int | None
    recipient: str | None
    contract: str | None
    steps: tuple[Step, ...]
    target_type: str


def creator_of(viewer: Viewer) -> int:
    """Return the user who creates."""
    if viewer.family != "api_user" or not isinstance(viewer.identity, int):
        raise Refusal(403, "Forbidden: only a user of the workspace creates requests")
    return viewer.identity


def account_of(service: Service, viewer: Viewer, identifier: Any) -> Node:
    """Return an account that the caller sees and that is in use."""
    number = integer(identifier, "data.account_id", 2**63 - 1)
    node = service.collections["accounts"].find(number)
    if node is None or not service.sight.sees(viewer, "accounts", node):
        raise Refusal(404, f"Account {number} not found")
    if node["status"] != "ACTIVE":
        raise refused("data.account_id", number, f"account '{node['name']}' is {node['status']}, not ACTIVE")
    return node


def _transaction(service: Service, viewer: Viewer, body: Node) -> Intent:
    data = record(body["data"], "data", ("account_id", "transaction_type", "transaction_data", "fees_strategy"))
    creator = creator_of(viewer)
    account = account_of(service, viewer, data["account_id"])
    kind = choice(data["transaction_type"], "data.transaction_type", ("BITCOIN_LIKE_SEND",))
    fields = record(
        data["transaction_data"],
        "data.transaction_data",
        ("account_name", "amount", "currency", "max_fees", "recipient"),
    )
    wanted = amount(fields["amount"], "data.transaction_data.amount")
    recipient = text(fields["recipient"], "data.transaction_data.recipient")
    steps = rules.admit(service, account, rules.Question(creator, wanted, recipient))
    return Intent(
        body["type"],
        account,
        kind,
        data,
        body.get("note"),
        wanted,
        amount(fields["max_fees"], "data.transaction_data.max_fees"),
        recipient,
        None,
        steps,
        "TRANSACTION",
    )


_READERS: dict[str, Callable[[Service, Viewer, Node], Intent]] = {"CREATE_TRANSACTION": _transaction}


def read(service: Service, viewer: Viewer, body: Any) -> Intent:
    """Check the body of a creation.

    Raises
    ------
    Refusal
        400 for a body that the service does not take, 403 where the caller may not create it, 404 for an account
        that the caller does not see.
    """
    if not isinstance(body, dict):
        raise refused("body", body, "an object is expected")
    kind = choice(body.get("type"), "type", _READERS)
    return _READERS[kind](service, viewer, record(body, "", ("type", "data"), ("note",)))
