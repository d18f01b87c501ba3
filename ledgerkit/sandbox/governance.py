"""Requests of a sandbox world: who approved what, and what still waits for whom."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from .material import Material, Node, stamp

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


@dataclass(slots=True)
class Docket:
    """All requests in their wire form, with everything that hangs on their ids."""

    requests: list[Node] = field(default_factory=list)
    governance: dict[int, Node] = field(default_factory=dict)
    pending_by: dict[int, list[int]] = field(default_factory=dict)
    approved_by: dict[int, list[int]] = field(default_factory=dict)
    rejected_by: dict[int, list[int]] = field(default_factory=dict)
    challenges: dict[int, Node] = field(default_factory=dict)
    history: dict[tuple[str, int], list[list[Node]]] = field(default_factory=dict)
    ballots: dict[int, Ballot] = field(default_factory=dict)


def challenge_pair(material: Material, request: int, draft_type: str, subject: Node) -> Node:
    """Return what an approver and a rejecter of a request sign."""
    return {
        verb: {
            "antireplay": material.derive("antireplay", request, verb).hex().upper(),
            "data": subject,
            "type": f"{verb.upper()}_{draft_type}",
        }
        for verb in ("approve", "reject")
    }


def _collect(rng: Random, draft: Draft) -> tuple[list[list[int]], int | None]:
    """Choose who approved at each step, and who rejected."""
    complete = len(draft.steps) if draft.stage is None else draft.stage
    chosen: list[list[int]] = []
    spent = {draft.created_by}
    for index, step in enumerate(draft.steps):
        if index > complete or (index == complete and draft.status == "PENDING_FIRST_APPROVAL"):
            chosen.append([])
            continue
        wanted = step.quorum if index < complete else step.quorum - 1
        first = [draft.created_by] if index == 0 and draft.created_by in step.approvers and wanted else []
        # a person who already approved an earlier step is asked again only where nobody else is left
        others = [user for user in step.approvers if user not in spent]
        others += [user for user in step.approvers if user in spent and user != draft.created_by]
        missing = wanted - len(first)
        fresh = others[: max(missing + 1, len(others) - 1)]
        extra = rng.sample(fresh, missing) if 0 < missing <= len(fresh) else []
        spent.update(extra)
        chosen.append(first + extra)
    rejecter = None
    if draft.status == "REJECTED" and draft.stage is not None:
        step = draft.steps[draft.stage]
        free = [user for user in step.approvers if user not in chosen[draft.stage] and user != draft.created_by]
        rejecter = rng.choice(free or list(step.approvers))
    return chosen, rejecter


def settle(material: Material, drafts: Sequence[Draft]) -> Docket:
    """Give ids to all requests in the order of their creation, and write what follows from them."""
    docket = Docket()
    rng = Random(f"requests {material.seed}")
    references: dict[int | None, Node] = {}
    panels: dict[Step, list[Node]] = {}

    def reference(user: int | None) -> Node:
        return references.setdefault(user, {"id": user})

    for identifier, draft in enumerate(sorted(drafts, key=lambda draft: draft.created_on), start=1):
        target = draft.target if isinstance(draft.target, int) else draft.target["id"]
        created_on = stamp(draft.created_on)
        # the service reads its clock twice: the expiry is never exactly seven days on
        expires_on = stamp(draft.created_on + timedelta(days=7, microseconds=-rng.randrange(20, 900)))
        docket.requests.append(
            {
                "id": identifier,
                "type": draft.type,
                "status": draft.status,
                "target_type": draft.target_type,
                "target_id": target,
                "created_by": draft.created_by,
                "created_on": created_on,
                "expires_at": expires_on,
                "used_admin_group": draft.admin_group,
            }
        )
        if isinstance(draft.target, dict) and "last_request" in draft.target:
            draft.target["last_request"] = identifier

        chosen, rejecter = _collect(rng, draft)
        votes = sum(map(len, chosen)) + (rejecter is not None)
        pace = (draft.settled_on - draft.created_on) / max(votes, 1)
        moment = draft.created_on
        steps = []
        for index, step in enumerate(draft.steps):
            approvals = []
            for user in chosen[index]:
                moment += pace
                vote = {"type": "APPROVE", "created_on": stamp(moment), "user": reference(step.shown(user))}
                approvals.append(vote)
            if rejecter is not None and index == draft.stage:
                moment += pace
                vote = {"type": "ABORT", "created_on": stamp(moment), "user": reference(step.shown(rejecter))}
                approvals.append(vote)
            if step not in panels:
                panels[step] = [reference(step.shown(user)) for user in step.approvers]
            steps.append(
                {
                    "step_index": index,
                    "quorum": step.quorum,
                    "group": None if step.group is None else reference(step.group),
                    "approvers": panels[step],
                    "approvals": approvals,
                }
            )
        current = len(draft.steps) - 1 if draft.stage is None else draft.stage
        complete = draft.status in FINAL
        docket.governance[identifier] = {
            "is_complete": complete,
            "governance_steps": steps,
            "request": {
                "id": identifier,
                "type": draft.type,
                "status": governance_status(draft.status),
                "target_type": draft.target_type,
                "target_id": target,
                "current_step_index": max(current, 0),
                "created_by": reference(draft.created_by),
                "created_on": created_on,
                "expired_at": expires_on,
            },
        }
        docket.approved_by[identifier] = list(dict.fromkeys(user for step in chosen for user in step))
        docket.rejected_by[identifier] = [] if rejecter is None else [rejecter]
        docket.pending_by[identifier] = []
        if draft.status in PENDING:
            opened = draft.status == "PENDING_APPROVAL"
            ballot = Ballot(draft.created_by, draft.steps, chosen, max(current, 0), opened)
            docket.ballots[identifier] = ballot
            docket.pending_by[identifier] = ballot.awaited()
            subject = draft.subject or {"request_type": draft.type, "target_id": target}
            kind = draft.type.removeprefix("CREATE_")
            docket.challenges[identifier] = challenge_pair(material, identifier, kind, subject)
        if draft.target_type in SECTIONS:
            row = {
                "id": identifier,
                "type": draft.type,
                "status": draft.status,
                "created_by": draft.created_by,
                "created_on": created_on,
                "expired_at": expires_on,
                "is_complete": complete,
            }
            remember(docket.history.setdefault((SECTIONS[draft.target_type], target), []), row)
    return docket


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
