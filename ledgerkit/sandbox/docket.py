"""The requests of a sandbox world, settled in the order of their creation: who approved, and what still waits."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from .governance import FINAL, PENDING, SECTIONS, Ballot, Draft, Step, governance_status, history_row, remember
from .material import Material, Node, stamp
from .record import Histories, Requests
from .store import EPOCH, Collection, microseconds


@dataclass(frozen=True, slots=True)
class Course:
    """How the votes on a request went; many requests share one."""

    steps: tuple[Step, ...]
    # the users who approved, by step
    chosen: tuple[tuple[int, ...], ...]
    rejecter: int | None
    # the step in progress, for requests that did not get through all of them
    stage: int | None


class Statuses(Mapping[int, Node]):
    """The governance status of each request; those of requests that are over are written when they are read."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._waiting: dict[int, Node] = {}
        self._courses: list[Course] = []
        self._known: dict[Any, int] = {}
        self._codes = array("I")
        self._settled_on = array("q")

    def settle(self, draft: Draft, chosen: list[list[int]], rejecter: int | None) -> None:
        """Keep how the next request went."""
        votes = tuple(map(tuple, chosen))
        # a course keeps its steps alive, so that their identity stands for them
        key = (id(draft.steps), votes, rejecter, draft.stage)
        code = self._known.get(key)
        if code is None:
            code = self._known[key] = len(self._courses)
            self._courses.append(Course(draft.steps, votes, rejecter, draft.stage))
        self._codes.append(code)
        self._settled_on.append(microseconds(draft.settled_on))

    def hold(self, request_id: int) -> None:
        """Keep the status of a request that waits as a node, which votes change."""
        self._waiting[request_id] = self[request_id]

    def __getitem__(self, request_id: int) -> Node:
        waiting = self._waiting.get(request_id)
        if waiting is not None:
            return waiting
        request = self._requests.find(request_id) if 0 < request_id <= len(self._codes) else None
        if request is None:
            raise KeyError(request_id)
        settled_on = EPOCH + timedelta(microseconds=self._settled_on[request_id - 1])
        return _status(request, self._courses[self._codes[request_id - 1]], settled_on)

    def __setitem__(self, request_id: int, status: Node) -> None:
        self._waiting[request_id] = status

    def __iter__(self) -> Iterator[int]:
        return iter(self._requests.ids)

    def __len__(self) -> int:
        return len(self._requests)


class Docket:
    """All requests, with everything that hangs on their ids.

    Parameters
    ----------
    material
        The seed.
    transactions
        The listing of the transactions that requests are about.
    before, after
        Drafts that come before those of transactions, and after them, where they were created at the same moment.
    """

    def __init__(
        self, material: Material, transactions: Collection, before: Sequence[Draft], after: Sequence[Draft]
    ) -> None:
        self.requests = Requests()
        self.governance = Statuses(self.requests)
        self.history = Histories(transactions, self.requests)
        self.challenges: dict[int, Node] = {}
        self.ballots: dict[int, Ballot] = {}
        self._material = material
        self._rng = Random(f"requests {material.seed}")
        ranked = [(draft.created_on, 0, draft) for draft in before] + [
            (draft.created_on, 2, draft) for draft in after
        ]
        self._others = sorted(ranked, key=lambda entry: entry[:2])
        self._settled = 0

    def file(self, draft: Draft) -> None:
        """Settle the request of a transaction, and all that were created before it."""
        self._settle_until((draft.created_on, 1))
        self._settle(draft)

    def close(self) -> None:
        """Settle what was created after the last transaction."""
        self._settle_until(None)
        self.history.close()

    def _settle_until(self, end: tuple[datetime, int] | None) -> None:
        others = self._others
        while self._settled < len(others) and (end is None or others[self._settled][:2] < end):
            self._settle(others[self._settled][2])
            self._settled += 1

    def _settle(self, draft: Draft) -> None:
        """Give a request its id, and write what follows from it."""
        rng, requests = self._rng, self.requests
        identifier = len(requests) + 1
        target = draft.target if isinstance(draft.target, int) else draft.target["id"]
        request = {
            "id": identifier,
            "type": draft.type,
            "status": draft.status,
            "target_type": draft.target_type,
            "target_id": target,
            "created_by": draft.created_by,
            "created_on": stamp(draft.created_on),
            # the service reads its clock twice: the expiry is never exactly seven days on
            "expires_at": stamp(draft.created_on + timedelta(days=7, microseconds=-rng.randrange(20, 900))),
            "used_admin_group": draft.admin_group,
        }
        if isinstance(draft.target, dict) and "last_request" in draft.target:
            draft.target["last_request"] = identifier
        chosen, rejecter = _collect(rng, draft)
        self.governance.settle(draft, chosen, rejecter)
        requests.approved_by[identifier] = list(dict.fromkeys(user for step in chosen for user in step))
        requests.rejected_by[identifier] = [] if rejecter is None else [rejecter]
        waits = draft.status in PENDING
        if waits:
            self._open(draft, identifier, chosen, target)
        requests.append(request)
        if waits:
            self.governance.hold(identifier)
        else:
            requests.approved_by.leave(identifier)
            requests.rejected_by.leave(identifier)
        # the history of a transaction of the past is read off its request
        if draft.target_type in SECTIONS and (waits or draft.target_type != "TRANSACTION"):
            section = SECTIONS[draft.target_type]
            remember(self.history.setdefault((section, target), []), history_row(request))

    def _open(self, draft: Draft, identifier: int, chosen: list[list[int]], target: int) -> None:
        """Let a request wait for its next votes."""
        stage = len(draft.steps) - 1 if draft.stage is None else draft.stage
        opened = draft.status == "PENDING_APPROVAL"
        ballot = Ballot(draft.created_by, draft.steps, chosen, max(stage, 0), opened)
        self.ballots[identifier] = ballot
        self.requests.pending_by[identifier] = ballot.awaited()
        subject = draft.subject or {"request_type": draft.type, "target_id": target}
        kind = draft.type.removeprefix("CREATE_")
        self.challenges[identifier] = challenge_pair(self._material, identifier, kind, subject)


def _status(request: Node, course: Course, settled_on: datetime) -> Node:
    """Write the governance status of a request."""
    created_on = moment = datetime.fromisoformat(request["created_on"])
    votes = sum(map(len, course.chosen)) + (course.rejecter is not None)
    pace = (settled_on - created_on) / max(votes, 1)
    steps: list[Node] = []
    for index, step in enumerate(course.steps):
        cast = [("APPROVE", user) for user in course.chosen[index]]
        if course.rejecter is not None and index == course.stage:
            cast.append(("ABORT", course.rejecter))
        approvals = []
        for kind, user in cast:
            moment += pace
            approvals.append({"type": kind, "created_on": stamp(moment), "user": {"id": step.shown(user)}})
        steps.append(
            {
                "step_index": index,
                "quorum": step.quorum,
                "group": None if step.group is None else {"id": step.group},
                "approvers": [{"id": step.shown(user)} for user in step.approvers],
                "approvals": approvals,
            }
        )
    current = len(course.steps) - 1 if course.stage is None else course.stage
    return {
        "is_complete": request["status"] in FINAL,
        "governance_steps": steps,
        "request": {
            "id": request["id"],
            "type": request["type"],
            "status": governance_status(request["status"]),
            "target_type": request["target_type"],
            "target_id": request["target_id"],
            "current_step_index": max(current, 0),
            "created_by": {"id": request["created_by"]},
            "created_on": request["created_on"],
            "expired_at": request["expires_at"],
        },
    }


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
