"""What requests are made of: steps of approvals, drafts, and the votes on those that wait."""

from dataclasses import dataclass
from datetime import datetime

from .material import Node

# request statuses after which nothing more happens
FINAL = frozenset({"ACTIVE", "APPROVED", "BLOCKED", "EXPIRED", "REJECTED"})
PENDING = frozenset({"PENDING_APPROVAL", "PENDING_FIRST_APPROVAL"})
SECTIONS = {
    "ACCOUNT": "accounts",
    "DIGESTS": "digests",
    "ENTITY": "entities",
    "GROUP": "groups",
    "MESSAGE": "messages",
    "TRANSACTION": "transactions",
    "USER": "users",
    "WHITELIST": "whitelists",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of approvals: who may approve, how many must, and whom the service hides."""

    approvers: tuple[int, ...]
    quorum: int
    group: int | None = None
    hidden: frozenset[int] = frozenset()

    def shown(self, user: int) -> int | None:
        """Return the id of a user as answers show it."""
        return None if user in self.hidden else user


@dataclass(slots=True)
class Draft:
    """A request before it has its id, which only the order of all requests gives."""

    created_on: datetime
    type: str
    status: str
    target_type: str
    # the node it acts on, or the id of an object that the API does not show
    target: Node | int
    created_by: int
    steps: tuple[Step, ...]
    # when the last approval came in
    settled_on: datetime
    # the step in progress, for requests that did not get through all of them
    stage: int | None = None
    admin_group: int | None = None
    # what the challenge shows besides its type, for requests that wait
    subject: Node | None = None


@dataclass(slots=True)
class Ballot:
    """The votes on a request that waits, with the users as they are, also those whom answers hide."""

    creator: int
    steps: tuple[Step, ...]
    # the users who approved, by step
    votes: list[list[int]]
    stage: int
    # whether the creator has approved; until then nobody else may
    opened: bool

    @property
    def step(self) -> Step:
        """The step in progress."""
        return self.steps[self.stage]

    @property
    def missing(self) -> int:
        """How many approvals the step in progress still needs."""
        return self.step.quorum - len(self.votes[self.stage])

    def awaited(self) -> list[int]:
        """Return who may vote now.

        A person who approved an earlier step is asked again only where too few others are left.
        """
        if not self.opened:
            return [self.creator]
        free = [user for user in self.step.approvers if user not in self.votes[self.stage]]
        spent = {user for step in self.votes[: self.stage] for user in step}
        others = [user for user in free if user not in spent]
        return others if len(others) >= self.missing else free


def governance_status(status: str) -> str:
    """Return how the answer about governance words the status of a request."""
    # this answer has a set of its own: ABORTED stands for REJECTED, and there is no first approval
    return {"REJECTED": "ABORTED", "PENDING_FIRST_APPROVAL": "PENDING_APPROVAL"}.get(status, status)


def remember(history: list[list[Node]], row: Node) -> None:
    """Add a row to the history of an object, which the API groups by kind of request."""
    if history and history[-1][0]["type"] == row["type"]:
        history[-1].append(row)
    else:
        history.append([row])


def history_row(request: Node) -> Node:
    """Return how the history of an object tells of a request."""
    return {
        **{key: request[key] for key in ("id", "type", "status", "created_by", "created_on")},
        "expired_at": request["expires_at"],
        "is_complete": request["status"] in FINAL,
    }
