"""Who is calling, what they may see, and what is blanked in what they see."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from operator import eq
from typing import Any, Literal

import numpy as np

from .catalogue import Relations
from .columns import Mask, Positions
from .store import Collection, Condition, Node, Where
from .world import World

Family = Literal["api_user", "reporting_key", "lam"]


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of a workspace that a narrowed caller sees; entries are ids."""

    accounts: frozenset[int]
    users: frozenset[int]
    groups: frozenset[int]
    whitelists: frozenset[int]
    entities: frozenset[int]


@dataclass(frozen=True, slots=True)
class Viewer:
    """A caller whose credentials were accepted.

    Parameters
    ----------
    family
        The credential family.
    identity
        The id of the user, or the name of a LAM user.
    scope
        None sees everything.
    sees_xpub
        Extended public keys are for operators with view-all alone.
    """

    family: Family
    identity: int | str
    scope: Scope | None = None
    sees_xpub: bool = False

    def masks(self, section: str) -> bool:
        """Say whether nodes of a section have to be rewritten for this caller."""
        if section == "accounts" and not self.sees_xpub:
            return True
        return self.scope is not None and section in {"accounts", "groups", "requests", "entities"}

    def mask(self, section: str, node: Node) -> Node:
        """Blank what this caller may not see in a node, in place."""
        if section == "accounts" and not self.sees_xpub:
            node["xpub"] = None
        if self.scope is not None:
            if section == "accounts":
                self._mask_rules(node)
            elif section == "groups":
                node["members"] = [self.user(member) for member in node["members"]]
            elif section == "requests":
                node["created_by"] = self.user(node.get("created_by"))
            elif section == "entities":
                node["accounts"] = [account for account in node["accounts"] if account in self.scope.accounts]
        return node

    def user(self, identifier: int | None) -> int | None:
        """Return the id of a user, or null where this caller may not see the user."""
        return identifier if self.scope is None or identifier in self.scope.users else None

    def _mask_rules(self, node: Node) -> None:
        for rule_set in node["governance_rules"]:
            for rule in rule_set["rules"]:
                for entry in rule["data"]:
                    if rule["type"] == "MULTI_AUTHORIZATIONS" and entry is not None and "users" in entry:
                        entry["users"] = [self.user(user) for user in entry["users"]]


class Sight:
    """Works out scopes, and which rows lie inside one."""

    def __init__(self, world: World, relations: Relations, collections: dict[str, Collection]) -> None:
        self._relations = relations
        self._entities = {entity["id"]: frozenset(entity["accounts"]) for entity in world.entities}
        self._accounts = frozenset(account["id"] for account in world.accounts)
        self._collections = collections

    def of_entities(self, entities: Iterable[int]) -> Scope:
        """Return what a reporting key sees that is tied to entities."""
        tied = frozenset(entities)
        accounts = frozenset[int]().union(*(self._entities.get(entity, frozenset()) for entity in tied))
        return self._around(accounts, users=(), groups=(), entities=tied)

    def of_operator(self, user: int) -> Scope:
        """Return what an operator without view-all sees: accounts whose rules name it, directly or by group."""
        accounts = frozenset(account for account in self._accounts if user in self._relations.users[account])
        groups = [group for group, members in self._relations.members.items() if user in members]
        entities = frozenset(entity for entity, tied in self._entities.items() if tied & accounts)
        colleagues = {member for group in groups for member in self._relations.members[group]}
        return self._around(accounts, users={user, *colleagues}, groups=groups, entities=entities)

    def _around(
        self, accounts: frozenset[int], *, users: Iterable[int], groups: Iterable[int], entities: frozenset[int]
    ) -> Scope:
        relations = self._relations
        return Scope(
            accounts=accounts,
            users=frozenset(users).union(*(relations.users[account] for account in accounts)),
            groups=frozenset(groups).union(*(relations.groups[account] for account in accounts)),
            whitelists=frozenset[int]().union(*(relations.whitelists[account] for account in accounts)),
            entities=entities,
        )

    def keeps(self, viewer: Viewer, section: str) -> Condition | None:
        """Return the condition of the rows of a section that a caller sees; None where all are."""
        scope = viewer.scope
        if scope is None:
            return None
        if section in {"accounts", "users", "groups", "whitelists", "entities"}:
            return Where("id", getattr(scope, section).__contains__)
        if section in {"transactions", "messages", "digests", "pledges"}:
            return Where("account_id", scope.accounts.__contains__)
        if section == "settlements":
            return Where("from_pledge_id", lambda pledge: self._account_of("pledges", pledge) in scope.accounts)
        if section == "requests":
            creator = viewer.identity if viewer.family == "api_user" else None
            return _SeenRequests(scope, creator, self._collections)
        return None

    def sees(self, viewer: Viewer, section: str, node: Node) -> bool:
        """Say whether a caller sees one node."""
        keep, collection = self.keeps(viewer, section), self._collections[section]
        position = collection.position(node["id"])
        return keep is None or (position is not None and collection.fulfils(position, keep))

    def _account_of(self, section: str, identifier: Any) -> int | None:
        collection = self._collections[section]
        position = collection.position(identifier)
        return None if position is None else collection.columns["account_id"][position]


@dataclass(frozen=True, slots=True)
class _SeenRequests:
    """A narrowed caller made the request, or sees what it is about."""

    scope: Scope
    creator: int | str | None
    collections: Mapping[str, Collection]

    def mask(self, collection: Collection, positions: Positions) -> Mask:
        """Say which of the rows a caller sees."""
        scope, columns = self.scope, collection.columns
        found = columns["created_by"].fits(lambda user: user is not None and user == self.creator, positions)
        by_id = {
            "ACCOUNT": scope.accounts,
            "USER": scope.users,
            "GROUP": scope.groups,
            "WHITELIST": scope.whitelists,
            "ENTITY": scope.entities,
        }
        for kind, seen in by_id.items():
            rows = columns["target_type"].fits(partial(eq, kind), positions)
            found[rows] |= columns["target_id"].fits(seen.__contains__, positions[rows])
        for kind, section in (("TRANSACTION", "transactions"), ("MESSAGE", "messages"), ("DIGESTS", "digests")):
            targets, rows = self.collections[section], columns["target_type"].fits(partial(eq, kind), positions)
            places = targets.positions(collection.numbers("target_id").at(positions[rows]))
            ours = targets.columns["account_id"].fits(scope.accounts.__contains__, places[places >= 0])
            seen_rows = np.zeros(len(places), bool)
            seen_rows[places >= 0] = ours
            found[rows] |= seen_rows
        return found


def mask_governance(viewer: Viewer, status: Node) -> Node:
    """Blank the users of a governance status that the caller may not see, in place."""
    if viewer.scope is None:
        return status
    references: list[Node] = [status["request"]["created_by"]]
    for step in status["governance_steps"]:
        references += step["approvers"]
        references += [approval["user"] for approval in step["approvals"]]
    for reference in references:
        reference["id"] = viewer.user(reference["id"])
    return status


def mask_history(viewer: Viewer, history: list[list[Node]]) -> list[list[Node]]:
    """Blank the creators of a history that the caller may not see, in place."""
    if viewer.scope is not None:
        for step in history:
            for entry in step:
                entry["created_by"] = viewer.user(entry.get("created_by"))
    return history
