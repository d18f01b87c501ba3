"""The governance rules of accounts as they can be counted: who is asked in each step, and what stays hidden.

What the caller may not see is never guessed: a number that depends on it has a lowest and a highest value.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import pandas as pd

from ledgerkit.frames import exact
from ledgerkit.reports.quorums import Need, everyone_alone, fewest, once

# Who may approve now. One whose revocation waits for approvals is still there.
ABLE: Final = frozenset({"ACTIVE", "PENDING_REVOCATION"})
APPROVALS: Final = "MULTI_AUTHORIZATIONS"
# Documented states of those who may not.
UNABLE: Final = frozenset(
    {
        "ABORTED",
        "ACCESS_SUSPENDED",
        "APPROVED",
        "PENDING_APPROVAL",
        "PENDING_REGISTRATION",
        "PENDING_SECRET",
        "REJECTED",
        "REVOKED",
        "SUSPENDED",
    }
)


@dataclass(frozen=True)
class Person:
    """A user as far as the caller sees one."""

    id: int
    name: str | None
    status: str | None = None
    is_api: bool | None = None

    @property
    def able(self) -> bool | None:
        """Whether this user may approve now; None where the status is not known, or not documented."""
        return True if self.status in ABLE else False if self.status in UNABLE else None


@dataclass(frozen=True)
class Group:
    """A group as far as the caller sees it: None stands for a hidden member, and for members that are not told."""

    id: int
    name: str | None
    status: str | None
    members: tuple[int | None, ...] | None


@dataclass(frozen=True)
class People:
    """The users and groups that the caller sees; None of either where they could not be read."""

    users: Mapping[int, Person] | None
    groups: Mapping[int, Group] | None

    @classmethod
    def of(cls, users: pd.DataFrame | None, groups: pd.DataFrame | None) -> "People":
        """Read the frames of users and groups."""
        return cls(
            None
            if users is None
            else {
                number: Person(number, _text(name), _text(status), _flag(is_api))
                for number, name, status, is_api in _rows(users, "id", "username", "status", "is_api")
            },
            None
            if groups is None
            else {
                number: Group(number, _text(name), _text(status), ids_in(members))
                for number, name, status, members in _rows(groups, "id", "name", "status", "members")
            },
        )

    def person(self, user: int) -> Person:
        """Return a user; of one who can't be seen only the id is known."""
        return (self.users or {}).get(user) or Person(user, None)

    def group(self, group: int) -> Group:
        """Return a group; of one that can't be seen only the id is known."""
        return (self.groups or {}).get(group) or Group(group, None, None, None)


@dataclass(frozen=True)
class Step:
    """One step of a rule set: the creators (position 0), or one of the approvals after it.

    Parameters
    ----------
    quorum
        How many are asked; None where it is hidden or can't be read.
    group
        The group that is asked, where it is one.
    seen
        The users in it whose ids can be seen.
    hidden
        How many are in it whose ids can't; None where even that is not known.
    """

    position: int
    quorum: int | None
    group: Group | None = None
    seen: tuple[Person, ...] = ()
    hidden: int | None = None

    @property
    def role(self) -> str:
        """What people do in it, in a word."""
        return "creates" if self.position == 0 else "approves"

    @property
    def words(self) -> str:
        """How the step is called in sentences."""
        return "the creators" if self.position == 0 else f"step {self.position}"

    def may(self) -> frozenset[int]:
        """Return who of those that can be seen may act, also those of whom that is not known."""
        return frozenset(one.id for one in self.seen if one.able is not False)

    def can(self) -> frozenset[int]:
        """Return who of those that can be seen is known to be able to act."""
        return frozenset(one.id for one in self.seen if one.able)


@dataclass(frozen=True)
class Range:
    """The amounts that a threshold admits, in base units of the account; ``high`` None is without an end."""

    low: int
    high: int | None

    @property
    def empty(self) -> bool:
        """Whether no amount is in it."""
        return self.high is not None and self.high < self.low


EVERY_AMOUNT: Final = Range(0, None)


@dataclass(frozen=True)
class RuleSet:
    """One rule set of an account.

    Parameters
    ----------
    steps
        Its creators and approvals; none where it shows none.
    whitelists
        The ids of its whitelists, None for one that can't be seen; None as a whole where it has no such rule, and
        goes to any address.
    amounts
        What its threshold admits; None where that can't be told.
    thresholds
        The entries of its thresholds as they came.
    filters
        What it says of contract calls: the entries of TRANSACTION_FILTER.
    contracts
        Whether smart contracts may be called; None where it does not say.
    unread
        What is in it that this kit does not read, in words.
    """

    index: int | None
    name: str
    steps: tuple[Step, ...]
    whitelists: tuple[int | None, ...] | None = None
    amounts: Range | None = EVERY_AMOUNT
    thresholds: tuple[Any, ...] = ()
    filters: tuple[Any, ...] = ()
    contracts: bool | None = None
    unread: tuple[str, ...] = field(default=())

    @cached_property
    def _low_needs(self) -> tuple[Need, ...]:
        # A hidden member may be one who is counted already: as few as can be are asked for.
        return tuple(
            (
                0 if one.hidden is None else max(0, _asked(one) - one.hidden),
                one.may(),
            )
            for one in self.steps
        )

    @cached_property
    def _high_needs(self) -> tuple[Need, ...] | None:
        # What is not read may ask for other people, and how several rules of approvals go together is not documented.
        if not self.steps or self.unread or any(one.quorum is None or one.hidden is None for one in self.steps):
            return None
        return tuple((_asked(one), one.can()) for one in self.steps)

    @cached_property
    def stuck(self) -> bool:
        """Whether nobody can move money by it, whoever the hidden ones are."""
        # What is not read may be another way to the same end.
        return not self.unread and any(quorum > len(people) for quorum, people in self._low_needs)

    @cached_property
    def at_least(self) -> int | None:
        """How many people it takes at least, which is 1 where nothing is known; None where nobody can move money."""
        if self.stuck:
            return None
        if not self.steps or self.unread:
            return 1
        try:
            counted = fewest(self._low_needs)
        except OverflowError:
            counted = None
        # Each step takes as many different people as its quorum says, hidden or not; the creator is one.
        asked = max((_asked(one) for one in self.steps if one.quorum is not None), default=1)
        return max(1, asked, len(counted or ()))

    @cached_property
    def some_fewest(self) -> frozenset[int] | None:
        """A smallest set of people known to be able to move money; None where none is known."""
        if self._high_needs is None:
            return None
        try:
            return fewest(self._high_needs)
        except OverflowError:
            return None

    @property
    def at_most(self) -> int | None:
        """How many people it takes at most, chosen well; None where that can't be told."""
        return None if self.some_fewest is None else len(self.some_fewest)

    @property
    def fewest(self) -> int | None:
        """How many people it takes, chosen well; None where that can't be told."""
        return self.at_least if self.at_least == self.at_most else None

    @cached_property
    def each_once(self) -> int | None:
        """How many people it takes where nobody counts in two steps; None where that can't be told, or can't be."""
        return None if self._high_needs is None else once(self._high_needs)

    @cached_property
    def alone(self) -> frozenset[int]:
        """Those who can move money all alone, counted in each step that names them."""
        return frozenset() if self._high_needs is None else everyone_alone(self._high_needs)

    @cached_property
    def api_users(self) -> frozenset[int] | None:
        """A smallest set of API users that moves money without any person; None where there is none."""
        if self._high_needs is None:
            return None
        machines = frozenset(one.id for step in self.steps for one in step.seen if one.is_api)
        try:
            return fewest(tuple((quorum, people & machines) for quorum, people in self._high_needs))
        except OverflowError:
            return None

    @property
    def hides(self) -> str | None:
        """What of its steps can't be seen, in words; None where all can."""
        if not self.steps and not self.unread:
            return "it shows no creators and no approvals"
        said = [f"it has {one}, which is not read" for one in self.unread]
        for one in self.steps:
            if one.quorum is None:
                said.append(f"{one.words} can't be seen")
            elif one.hidden is None:
                said.append(f"who is in {one.words} can't be seen")
            elif one.hidden:
                said.append(f"{one.hidden} of {one.hidden + len(one.seen)} in {one.words} can't be seen")
            if unknown := [str(person.id) for person in one.seen if person.able is None]:
                said.append(f"whether user {', '.join(unknown)} in {one.words} may act is not known")
        return "; ".join(said) or None


def _asked(step: Step) -> int:
    # Whoever creates approves it first, whatever the quorum of creators says.
    return max(step.quorum or 0, 1 if step.position == 0 else 0)


def rule_sets(governance_rules: Any, people: People) -> tuple[RuleSet, ...]:
    """Read the rule sets of an account, in their order.

    Parameters
    ----------
    governance_rules
        The column of that name of a frame of accounts.
    people
        The users and groups that can be seen.
    """
    listed = governance_rules if isinstance(governance_rules, list) else []
    return tuple(
        _rule_set(one, people)
        if isinstance(one, Mapping)
        else RuleSet(None, f"rule set {position}", (), unread=("a shape that is not known",))
        for position, one in enumerate(listed)
    )


def _rule_set(one: Mapping[str, Any], people: People) -> RuleSet:
    by_type: dict[str, list[Any]] = {}
    unread = []
    rules = one.get("rules")
    for rule in rules if isinstance(rules, list) else []:
        kind, data = (rule.get("type"), rule.get("data")) if isinstance(rule, Mapping) else (None, None)
        if kind in _READ and isinstance(data, list):
            by_type.setdefault(kind, []).extend(data)
        elif kind in _LIMITS:
            # It limits where money goes, in a way that can't be seen.
            by_type.setdefault(kind, []).append(None)
        elif kind == APPROVALS or not isinstance(kind, str):
            unread.append("a rule of an unknown shape")
        else:
            unread.append(f"a rule of type {kind}")
    index, name = one.get("index"), one.get("name")
    whitelists = by_type.get("WHITELIST")
    # Whether a whitelist rule that names none admits nobody or everybody is not documented: one that can't be seen.
    listed = [
        entry["whitelist"] if isinstance(entry, Mapping) and type(entry.get("whitelist")) is int else None
        for entry in whitelists or [None]
    ]
    if (
        isinstance(rules, list)
        and sum(isinstance(rule, Mapping) and rule.get("type") == APPROVALS for rule in rules) > 1
    ):
        unread.append("several rules of approvals")
    enabled = [
        entry.get("enabled") for entry in by_type.get("SMART_CONTRACT_INTERACTION", []) if isinstance(entry, Mapping)
    ]
    thresholds = tuple(by_type.get("THRESHOLD", []))
    return RuleSet(
        index=index if isinstance(index, int) else None,
        name=str(name) if name else f"rule set {index}",
        steps=tuple(_step(position, entry, people) for position, entry in enumerate(by_type.get(APPROVALS, []))),
        whitelists=None if whitelists is None else tuple(listed),
        amounts=_amounts(thresholds),
        thresholds=thresholds,
        filters=tuple(by_type.get("TRANSACTION_FILTER", [])),
        contracts=any(one is True for one in enabled) if enabled else None,
        unread=tuple(dict.fromkeys(unread)),
    )


_LIMITS: Final = frozenset({"THRESHOLD", "TRANSACTION_FILTER", "WHITELIST"})
_READ: Final = frozenset({APPROVALS, "SMART_CONTRACT_INTERACTION", *_LIMITS})


def _step(position: int, entry: Any, people: People) -> Step:
    if not isinstance(entry, Mapping):
        return Step(position, None)
    quorum = entry.get("quorum")
    asked = quorum if type(quorum) is int and quorum >= 0 else None
    group = people.group(entry["group"]) if type(entry.get("group")) is int else None
    # An empty list is what a field reads that is not used: it says of nobody that they are not asked.
    users = ids_in(entry.get("users")) or None
    both = users is not None and group is not None
    members = (*(users or ()), *(group.members or () if group else ())) if both else users
    if members is None and group is not None:
        members = group.members
    if members is None:
        return Step(position, asked, group)
    seen = dict.fromkeys(one for one in members if one is not None)
    # Of a list beside a group it is not known who of them is asked.
    hidden = None if both else members.count(None)
    return Step(position, asked, group, tuple(people.person(one) for one in seen), hidden)


def _amounts(thresholds: Sequence[Any]) -> Range | None:
    """Return what thresholds admit; None for what can't be compared with an amount of the account."""
    if not thresholds:
        return EVERY_AMOUNT
    # How several ranges of one rule set go together is documented nowhere.
    if len(thresholds) > 1 or not is_crypto(thresholds[0]):
        return None
    low, high = bounds(thresholds[0])
    return None if low is None else Range(low, high)


def is_crypto(threshold: Any) -> bool:
    """Say whether a threshold is one in base units of the account, and can be read."""
    if not isinstance(threshold, Mapping) or threshold.get("currency_type") != "CRYPTO":
        return False
    return bounds(threshold)[0] is not None


def bounds(threshold: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Return from and up to which number a threshold goes; the first is None where either can't be read."""
    try:
        low, high = (exact(threshold.get(name)) for name in ("min", "max"))
    except (ArithmeticError, TypeError, ValueError):
        return None, None
    if not all(one is pd.NA or isinstance(one, int) for one in (low, high)):
        return None, None
    return 0 if low is pd.NA else low, None if high is pd.NA else high


def ids_in(members: Any) -> tuple[int | None, ...] | None:
    """Return the ids in a list of users, None for a hidden one; None where there is no list."""
    if not isinstance(members, list):
        return None
    return tuple(one if type(one) is int else None for one in members)


def _rows(frame: pd.DataFrame, *columns: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(frame[one].tolist() for one in columns), strict=True)


def _text(value: Any) -> str | None:
    return None if pd.isna(value) else str(value)


def _flag(value: Any) -> bool | None:
    return None if pd.isna(value) else bool(value)
