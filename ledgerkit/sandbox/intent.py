"""A creation that the service accepts, and whom and what every creation names."""

from dataclasses import dataclass
from typing import Any

from .answers import Refusal
from .governance import Step
from .intents_fields import integer, record, refused, text
from .service import Service
from .store import Node
from .viewers import Viewer

LARGEST_ID = 2**63 - 1


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
        In base units of the account, or of the token that `contract` names; negative where a pledge is taken back.
    max_fees
        In base units of the coin that pays the fees; None where the chain takes no ceiling.
    recipient
        Where the amount goes, if anywhere.
    contract
        The token that is moved, or for which an account is made.
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
    """Return the user who creates.

    Raises
    ------
    Refusal
        403 for a caller who is no user of the workspace.
    """
    if viewer.family != "api_user" or not isinstance(viewer.identity, int):
        raise Refusal(403, "Forbidden: only a user of the workspace creates requests")
    return viewer.identity


def account_of(service: Service, viewer: Viewer, identifier: Any) -> Node:
    """Return an account that the caller sees and that is in use.

    Raises
    ------
    Refusal
        400 where it is not in use, 404 where the caller sees none.
    """
    number = integer(identifier, "data.account_id", LARGEST_ID)
    node = service.collections["accounts"].find(number)
    if node is None or not service.sight.sees(viewer, "accounts", node):
        raise Refusal(404, f"Account {number} not found")
    if node["status"] != "ACTIVE":
        raise refused("data.account_id", number, f"account '{node['name']}' is {node['status']}, not ACTIVE")
    return node


def check_named(account: Node, fields: Node, where: str, *names: str) -> None:
    """Refuse fields that repeat what the account is, but say something else.

    The module that signs knows accounts by their names alone: a name of another account would move its money.
    """
    for name in names:
        field = f"{where}.{name}"
        given, expected = text(fields[name], field), account["name" if name == "account_name" else name]
        if given != expected:
            raise refused(field, given, f"account {account['id']} has '{expected}'")


def note_of(body: Node) -> Node | None:
    """Return the note of a body, where it has one."""
    if body.get("note") is None:
        return None
    note = record(body["note"], "note", ("title", "content"))
    for field in ("title", "content"):
        if not isinstance(note[field], str):
            raise refused(f"note.{field}", note[field], "a string is expected")
    return note
