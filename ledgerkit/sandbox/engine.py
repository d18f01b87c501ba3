"""Governance: requests from their creation to their end, and the clock that drives what follows."""

import heapq
import random
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime
from functools import partial
from operator import eq
from typing import TYPE_CHECKING, Any

from .answers import Refusal
from .catalogue import Relations
from .challenges import Challenges, Verb, subject_of
from .colleagues import Colleagues
from .governance import FINAL, SECTIONS, Ballot, Step, governance_status, remember
from .progress import Progress, prefix_of
from .store import Collection, Node, Where, wire_time
from .viewers import Viewer
from .world import World

if TYPE_CHECKING:
    from .intent import Intent

Announce = Callable[[str, str, Any, frozenset[int] | None], None]
Outcome = str

LIFE = 7 * 24 * 3600.0
PENDING_AT_MOST = 100
ACCOUNTS_AN_HOUR = 200
# what is created under one name and listed under another
_LISTED_TYPES = {"CREATE_MESSAGE_SIGNING": "MESSAGE_SIGNING"}
_ANSWERED_TYPES = {listed: created for created, listed in _LISTED_TYPES.items()}


class Engine:
    """The requests of one workspace.

    Parameters
    ----------
    world, collections, relations
        The workspace.
    clock
        Seconds since the epoch.
    pace
        Seconds for each stage of a transaction after its quorum; 0 goes through all of them at once.

    Attributes
    ----------
    lock
        Held while anything changes, and by whoever wants to read several things that agree.
    intents
        What was asked for, by the id of the request; the requests of the past have none.
    listeners
        Told of every event: its type, the type and the id of its object, and the users whom it concerns (None: all).
    finished
        Called with a request and its outcome (APPROVED, REJECTED or EXPIRED) once it waits no longer.
    """

    def __init__(
        self,
        world: World,
        collections: dict[str, Collection],
        relations: Relations,
        clock: Callable[[], float],
        pace: float,
    ) -> None:
        self.lock = threading.RLock()
        self.world = world
        self.ballots = world.ballots
        self.intents: dict[int, Intent] = {}
        self.challenges = Challenges()
        self.colleagues = Colleagues(self)
        self.listeners: list[Announce] = []
        self.finished: list[Callable[[Node, Outcome], None]] = []
        self._requests = collections["requests"]
        self._transactions = collections["transactions"]
        self._clock = clock
        self._ahead = 0.0
        self._advancing = False
        self._random = random.Random(f"engine {world.seed}")
        self._agenda: list[tuple[float, int, Callable[[float], None]]] = []
        self._scheduled = 0
        # when the last vote came in, for requests whose creator approved while the sandbox ran
        self._last_votes: dict[int, float] = {}
        self._account_acts: deque[float] = deque()
        self._progress = Progress(world, collections, relations, self._schedule, self.announce, pace)
        self._schedule_expiries()

    def announce(self, event_type: str, payload_type: str, identifier: Any, users: frozenset[int] | None) -> None:
        """Tell every listener of an event."""
        for listener in self.listeners:
            listener(event_type, payload_type, identifier, users)

    # --- time -----------------------------------------------------------------------------------------------------

    def now(self) -> float:
        """Return the time of the service in seconds since the epoch."""
        return self._clock() + self._ahead

    def skip(self, seconds: float) -> None:
        """Move the time of the service forward, and let everything happen that falls due."""
        with self.lock:
            self._ahead += seconds
            self.advance()

    def advance(self) -> None:
        """Let everything happen whose time has come."""
        with self.lock:
            # a colleague who acts votes, and a vote lets the time pass: once is enough
            if self._advancing:
                return
            self._advancing = True
            try:
                self._keep_agenda()
                while any(self._let_act(request_id) for request_id in list(self._last_votes)):
                    self._keep_agenda()
            finally:
                self._advancing = False

    def _keep_agenda(self) -> None:
        now = self.now()
        while self._agenda and self._agenda[0][0] <= now:
            when, _, action = heapq.heappop(self._agenda)
            action(when)

    def _let_act(self, request_id: int) -> bool:
        due = self._last_votes[request_id] + self.colleagues.after <= self.now()
        return due and self.colleagues.act(request_id)

    def _schedule(self, when: float, action: Callable[[float], None]) -> None:
        self._scheduled += 1
        heapq.heappush(self._agenda, (when, self._scheduled, action))

    def _schedule_expiries(self) -> None:
        """Let the waiting requests of the past expire as late as their dates lie after the end of the world."""
        end, now = self.world.now.timestamp(), self.now()
        # a workspace is usually made at the full hour; one that ends at another time keeps the time it has left
        shift = 0.0 if 0 <= now - end < 3600 else now - end
        for request_id in self.ballots:
            node = self._request(request_id)
            expires = datetime.fromisoformat(node["expires_at"]).timestamp() + shift
            self._schedule(expires, partial(self._expire, request_id))

    # --- creation -------------------------------------------------------------------------------------------------

    def create(self, viewer: Viewer, intent: "Intent") -> Node:
        """Create a request and its object; the creator has to approve it before anybody else learns of it.

        Parameters
        ----------
        viewer
            The user who creates; a LAM acts for one.

        Raises
        ------
        Refusal
            400 where too many requests wait already, 420 where too many accounts were made within an hour.
        """
        with self.lock:
            self.advance()
            if len(self.ballots) >= PENDING_AT_MOST:
                raise Refusal(
                    400, f"{len(self.ballots)} requests are pending, and a workspace has at most {PENDING_AT_MOST}"
                )
            if intent.request_type == "CREATE_ACCOUNT":
                self._count_account_act()
            now, creator = self.now(), user_of(viewer)
            identifier = self._requests.next_id()
            # the service reads its clock twice: the expiry is never exactly seven days on
            expires = now + LIFE - self._random.randrange(20, 900) / 1e6
            request = {
                "id": identifier,
                "type": _LISTED_TYPES.get(intent.request_type, intent.request_type),
                "status": "PENDING_APPROVAL",
                "target_type": intent.target_type,
                "target_id": self._progress.begin(intent, creator, identifier, now),
                "created_by": creator,
                "created_on": wire_time(now),
                "expires_at": wire_time(expires),
                "used_admin_group": intent.steps[0].group if intent.account is None else None,
            }
            self.intents[identifier] = intent
            self._enter(request, Ballot(creator, intent.steps, [[] for _ in intent.steps], 0, opened=False))
            self._schedule(expires, partial(self._expire, identifier))
            self.announce("REQUEST_HAS_BEEN_CREATED", "REQUEST", identifier, frozenset({creator}))
            return self._answered(request)

    def _enter(self, request: Node, ballot: Ballot) -> None:
        identifier, world = request["id"], self.world
        self.ballots[identifier] = ballot
        world.pending_by[identifier] = ballot.awaited()
        world.approved_by[identifier], world.rejected_by[identifier] = [], []
        subject = subject_of(self.intents[identifier])
        kind = request["type"].removeprefix("CREATE_")
        world.challenges[identifier] = {
            verb: {"data": subject, "type": f"{verb.upper()}_{kind}"} for verb in ("approve", "reject")
        }
        world.governance[identifier] = {
            "is_complete": False,
            "governance_steps": [_step_node(index, step) for index, step in enumerate(ballot.steps)],
            "request": {
                **{key: request[key] for key in ("id", "type", "status", "target_type", "target_id", "created_on")},
                "current_step_index": 0,
                "created_by": {"id": ballot.creator},
                "expired_at": request["expires_at"],
            },
        }
        if request["target_type"] in SECTIONS:
            row = {
                **{key: request[key] for key in ("id", "type", "status", "created_by", "created_on")},
                "expired_at": request["expires_at"],
                "is_complete": False,
            }
            remember(world.history.setdefault((SECTIONS[request["target_type"]], request["target_id"]), []), row)
        self._requests.append(request)

    # --- votes ----------------------------------------------------------------------------------------------------

    def challenge(self, request_id: int, user: int, verb: Verb) -> bytes | None:
        """Make the challenge for a vote; None where the request does not wait for this user."""
        with self.lock:
            self.advance()
            ballot = self.ballots.get(request_id)
            if ballot is None or user not in ballot.awaited():
                return None
            node = self._request(request_id)
            subject = self.world.challenges[request_id][verb]["data"]
            units = self._units(node)
            kind = node["type"].removeprefix("CREATE_")
            return self.challenges.issue(request_id, user, verb, kind, subject, units)

    def vote_signed(self, request_id: int, user: Node, verb: Verb, jws: str) -> Node:
        """Take a vote whose challenge the user signed, and return the request as a POST answers it.

        Raises
        ------
        Refusal
            400 where the JWS or the moment is wrong, 403 before the creator approved.
        """
        with self.lock:
            self.advance()
            self._check(request_id, user["id"])
            self.challenges.redeem(request_id, user, verb, jws)
            return self._vote(request_id, user["id"], verb)

    def approve_now(self, request_id: int, user: int) -> Node:
        """Approve as a user whose signature is made elsewhere, as by a LAM."""
        with self.lock:
            self.advance()
            return self._vote(request_id, user, "approve")

    def reject_now(self, request_id: int, user: int) -> Node:
        """Reject as a user whose signature is made elsewhere."""
        with self.lock:
            self.advance()
            return self._vote(request_id, user, "reject")

    def _check(self, request_id: int, user: int) -> Ballot:
        """Refuse a vote that is not this user's to give now."""
        ballot = self.ballots.get(request_id)
        if ballot is None:
            node = self._request(request_id)
            raise Refusal(400, f"Request {request_id} is {node['status']}: it waits for no votes")
        if not ballot.opened and user != ballot.creator:
            raise Refusal(403, f"Forbidden: the creator of request {request_id} has to approve it first")
        if user in ballot.votes[ballot.stage]:
            raise Refusal(400, f"User {user} has already approved request {request_id}")
        if user not in ballot.awaited():
            raise Refusal(
                400, f"User {user} is not among those whom step {ballot.stage} of request {request_id} waits for"
            )
        return ballot

    def _vote(self, request_id: int, user: int, verb: Verb) -> Node:
        ballot = self._check(request_id, user)
        if verb == "approve":
            self._approve(request_id, ballot, user)
        else:
            self._record(request_id, ballot, user, "ABORT")
            self.world.rejected_by[request_id].append(user)
            self._end(request_id, "REJECTED")
        # at a pace of 0 everything that follows happens within the vote
        self.advance()
        return self._answered(self._request(request_id))

    def _approve(self, request_id: int, ballot: Ballot, user: int) -> None:
        request = self._request(request_id)
        if request["type"] == "CREATE_ACCOUNT":
            self._count_account_act()
        if request["type"] == "EDIT_ACCOUNT":
            self._check_edit(request)
        self._record(request_id, ballot, user, "APPROVE")
        ballot.votes[ballot.stage].append(user)
        if user not in self.world.approved_by[request_id]:
            self.world.approved_by[request_id].append(user)
        if user == ballot.creator or request_id in self._last_votes:
            self._last_votes[request_id] = self.now()
        ballot.opened = True
        self.announce("REQUEST_HAS_RECEIVED_AN_APPROVAL", "REQUEST", request_id, None)
        if ballot.missing > 0:
            self._write(request, "PENDING_APPROVAL")
        elif ballot.stage + 1 < len(ballot.steps):
            ballot.stage += 1
            self._write(request, "PENDING_APPROVAL")
            self.announce("REQUEST_HAS_REACHED_STEP", "REQUEST", request_id, None)
        else:
            self._end(request_id, "APPROVED")

    def _record(self, request_id: int, ballot: Ballot, user: int, kind: str) -> None:
        vote = {"type": kind, "created_on": wire_time(self.now()), "user": {"id": ballot.step.shown(user)}}
        self.world.governance[request_id]["governance_steps"][ballot.stage]["approvals"].append(vote)

    def _check_edit(self, request: Node) -> None:
        waiting = (
            Where("account_id", partial(eq, request["target_id"])),
            Where("status", partial(eq, "PENDING_APPROVAL")),
        )
        if self._transactions.select(waiting, hidden=True):
            raise Refusal(
                400, f"Account {request['target_id']} can't be edited while one of its transactions is pending"
            )

    def _count_account_act(self) -> None:
        """Count the creation of an account or an approval of one, of which an hour has room for so many."""
        now, acts = self.now(), self._account_acts
        while acts and acts[0] <= now - 3600:
            acts.popleft()
        if len(acts) >= ACCOUNTS_AN_HOUR:
            wait = str(max(1, int(acts[0] + 3600 - now) + 1))
            message = f"Rate limit exceeded: {ACCOUNTS_AN_HOUR} creations and approvals of accounts an hour"
            raise Refusal(420, message, headers={"Retry-After": wait})
        acts.append(now)

    # --- ends -----------------------------------------------------------------------------------------------------

    def _end(self, request_id: int, outcome: Outcome) -> None:
        request = self._request(request_id)
        del self.ballots[request_id]
        self._last_votes.pop(request_id, None)
        self.challenges.forget(request_id)
        self.world.challenges.pop(request_id, None)
        self._write(request, outcome)
        event = {
            "APPROVED": "REQUEST_HAS_REACHED_QUORUM",
            "REJECTED": "REQUEST_HAS_BEEN_ABORTED",
            "EXPIRED": "REQUEST_HAS_EXPIRED",
        }[outcome]
        self.announce(event, "REQUEST", request_id, None)
        self._progress.end(request, outcome, self.now())
        for act in self.finished:
            act(request, outcome)

    def _expire(self, request_id: int, _when: float) -> None:
        if request_id in self.ballots:
            self._end(request_id, "EXPIRED")

    def _write(self, request: Node, status: str) -> None:
        """Write the status of a request to everything that tells it."""
        identifier, world = request["id"], self.world
        complete = status in FINAL
        ballot = self.ballots.get(identifier)
        world.pending_by[identifier] = [] if ballot is None else ballot.awaited()
        request["status"] = status
        governance = world.governance[identifier]
        governance["is_complete"] = complete
        governance["request"]["status"] = governance_status(status)
        if ballot is not None:
            governance["request"]["current_step_index"] = ballot.stage
        section = SECTIONS.get(request["target_type"], "")
        for group in world.history.get((section, request["target_id"]), ()):
            for row in group:
                if row["id"] == identifier:
                    row["status"], row["is_complete"] = status, complete
        self._requests.replace(request)

    def _target(self, request: Node) -> Node | None:
        """Return the transaction of a request, where it is about one."""
        return self._transactions.find(request["target_id"]) if request["target_type"] == "TRANSACTION" else None

    def _units(self, request: Node) -> tuple[str, str]:
        """Return the names of the smallest units of amount and fees."""
        target = self._target(request)
        if target is None:
            return "", ""
        units = self.world.account_currency[target["account_id"]]
        return units["amount_units"][0]["code"].removesuffix(" base unit"), units["fees_units"][0]["code"]

    def _answered_target(self, request: Node) -> str:
        """Return the type of the target as answers to a POST word it."""
        target = self._target(request)
        found: str = request["target_type"]
        return found if target is None else f"{prefix_of(target['currency_family'])}_LIKE_TRANSACTION"

    def _request(self, request_id: int) -> Node:
        found = self._requests.find(request_id)
        if found is None:
            raise Refusal(404, f"Request {request_id} not found")
        return found

    def _answered(self, request: Node) -> Node:
        """Write a request as answers to a POST do, which differs from how it is listed."""
        status = "ABORTED" if request["status"] == "REJECTED" else request["status"]
        return {
            "id": request["id"],
            "type": _ANSWERED_TYPES.get(request["type"], request["type"]),
            "status": status,
            "target_type": self._answered_target(request),
            "target_id": request["target_id"],
            "created_by": {"id": request["created_by"]},
            "created_on": request["created_on"],
            "expired_at": request["expires_at"],
            "used_admin_group": request["used_admin_group"],
        }


def user_of(viewer: Viewer) -> int:
    """Return the user who acts, or refuse with 403."""
    if viewer.family != "api_user" or not isinstance(viewer.identity, int):
        raise Refusal(403, "Forbidden: only a user of the workspace creates requests and votes on them")
    return viewer.identity


def _step_node(index: int, step: Step) -> Node:
    return {
        "step_index": index,
        "quorum": step.quorum,
        "group": None if step.group is None else {"id": step.group},
        "approvers": [{"id": step.shown(user)} for user in step.approvers],
        "approvals": [],
    }
