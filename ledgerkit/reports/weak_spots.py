"""What is weak in the rules of accounts, in sentences, with the evidence beside each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Final

from ledgerkit.amounts import Unit, to_display
from ledgerkit.reports.rule_sets import EVERY_AMOUNT, Group, Person, Range, RuleSet, Step, bounds, is_crypto
from ledgerkit.showing import visible

# Powers of ten of whole units that no supply comes near: of coins, and of tokens, of which some have 10^14 and more.
MOST_COINS: Final = 12
MOST_TOKENS: Final = 15
# From the gravest; what can't be told stands last, and is no all-clear.
SEVERITIES: Final = ("critical", "high", "medium", "low", "can't tell")


@dataclass(frozen=True)
class Ruled:
    """An account with its rules.

    Parameters
    ----------
    unit
        The unit that its amounts are shown in; None where none is known.
    is_token
        Whether it holds a token, of which there may be more than of any coin.
    """

    id: int
    name: str
    status: str | None
    rule_sets: tuple[RuleSet, ...]
    unit: Unit | None = None
    is_token: bool = False

    def endless(self, amounts: Range | None) -> bool:
        """Whether a range has no upper end, or one that no amount of this account comes near."""
        if amounts is None or amounts.empty:
            return False
        places = 18 if self.unit is None else self.unit.magnitude
        return amounts.high is None or amounts.high >= 10 ** ((MOST_TOKENS if self.is_token else MOST_COINS) + places)


@dataclass(frozen=True)
class Listing:
    """A whitelist as far as rules are concerned."""

    name: str
    status: str | None
    addresses: int


@dataclass(frozen=True)
class WeakSpot:
    """One finding; of a group that several accounts use, ``account`` is None and ``accounts`` says how many."""

    severity: str
    kind: str
    sentence: str
    evidence: str
    account: Ruled | None = None
    rule_set: str | None = None
    group: Group | None = None
    accounts: int = 1


def of_account(account: Ruled, whitelists: Mapping[int, Listing] | None) -> Iterator[WeakSpot]:
    """Give the weak spots of one account.

    Parameters
    ----------
    whitelists
        Those that can be seen, by id; None where they could not be read.
    """
    if not account.rule_sets:
        yield WeakSpot("can't tell", "no rules shown", "The account shows no rules.", "governance_rules", account)
    for one in account.rule_sets:
        for severity, kind, sentence, evidence in (
            *_people(one),
            *_steps(one),
            *_reach(one, account),
            *_lists(one, whitelists),
        ):
            yield WeakSpot(
                severity, kind, f"{visible(one.name)}: {sentence}.", evidence, account, rule_set=visible(one.name)
            )
    for severity, kind, sentence, evidence in (*_together(account), *_overlaps(account), *_gaps(account)):
        yield WeakSpot(severity, kind, f"{sentence}.", evidence, account)


def of_groups(accounts: Sequence[Ruled]) -> Iterator[WeakSpot]:
    """Give the weak spots of the groups that the rules of accounts ask."""
    used: dict[int, tuple[Group, Step, dict[int, str]]] = {}
    for account in accounts:
        for rule_set in account.rule_sets:
            for step in rule_set.steps:
                if step.group is not None:
                    used.setdefault(step.group.id, (step.group, step, {}))[2][account.id] = account.name
    for group, step, names in used.values():
        name = f"Group {visible(group.name or str(group.id))}"
        # How many are asked may differ by account: the evidence names the accounts.
        evidence = f"used by {len(names)} accounts: {_listed(names.values())}"
        for severity, kind, sentence in _group(group, step):
            yield WeakSpot(severity, kind, f"{name} {sentence}.", evidence, group=group, accounts=len(names))


Found = tuple[str, str, str, str]


def _people(one: RuleSet) -> Iterator[Found]:
    """Say how few people are enough."""
    asked = [step for step in one.steps if step.position]
    if one.hides is not None and one.fewest is None and not one.stuck:
        bound = "" if one.at_least is None else f"; it takes {_persons(one.at_least)} at least"
        may = ", and one alone may be enough" if one.at_least == 1 else ""
        yield "can't tell", "hidden", f"{one.hides}: how many people it takes can't be told{bound}{may}", _rule(one)
    if one.at_most == 1 and not asked:
        names = _persons_in(one.steps[0].seen)
        yield "critical", "one person alone", f"whoever creates a payment moves money: {names}", "no approval step"
    elif one.alone:
        names = _persons_in(person for person in one.steps[0].seen if person.id in one.alone)
        sentence = f"{names} can create and give all approvals alone, if one person counts in every step"
        yield "critical", "one person alone", sentence, _rule(one)
    elif one.some_fewest is not None and len(one.some_fewest) < sum(step.quorum or 0 for step in one.steps):
        names = _persons_in(person for person in _seen(one) if person.id in one.some_fewest)
        sentence = f"{_persons(len(one.some_fewest))} are enough, since some are asked in several steps: {names}"
        yield "medium", "same people in several steps", sentence, _rule(one)
    if one.api_users:
        machines = _persons_in(person for person in _seen(one) if person.id in one.api_users)
        yield "high", "API users alone", f"API users create and approve without any person: {machines}", _rule(one)
    if asked and all(step.quorum == 1 for step in asked):
        severity = "medium" if len(asked) == 1 else "low"
        sentence = "its only approval step is" if len(asked) == 1 else f"each of its {len(asked)} approval steps is"
        yield severity, "quorum of 1", f"{sentence} content with one approval", _rule(one)


def _steps(one: RuleSet) -> Iterator[Found]:
    """Say in which steps money is stuck, or nearly."""
    for step in one.steps:
        if step.quorum is None or step.hidden is None:
            continue
        quorum = max(step.quorum, 1) if step.position == 0 else step.quorum
        most = len(step.may()) + step.hidden
        evidence = f"{_of(step)}: {_persons_in(step.seen) or 'nobody'}" + (
            f", and {step.hidden} hidden" if step.hidden else ""
        )
        if quorum > most and one.unread:
            sentence = f"{step.words}: {quorum} asked, and {most} can act; whether that stops it can't be told"
            yield "can't tell", "perhaps stuck", sentence, evidence
        elif quorum > most:
            sentence = f"{step.words}: {quorum} asked, and {most} can act, so that money is stuck"
            yield "high", "money is stuck", sentence, evidence
        elif quorum > len(step.can()) + step.hidden and any(person.able is False for person in step.seen):
            sentence = f"{step.words}: {quorum} asked, and only {len(step.can())} are known to be able to act"
            yield "can't tell", "perhaps stuck", sentence, evidence
        elif quorum == most:
            sentence = f"{step.words}: everybody who can act is needed ({most}), and one absence stops it"
            yield "low", "nobody to spare", sentence, evidence
        if step.position and not step.quorum:
            yield "high", "quorum of 0", f"{step.words}: nobody is asked", evidence
        if step.group is None and (gone := [person for person in step.seen if person.able is False]):
            yield "medium", "approver who can't act", f"{step.words}: names {_with_status(gone)}", evidence
    if one.fewest is not None and one.each_once is None:
        sentence = "its steps can be met only if one person counts in two of them"
        yield "low", "too few different people", sentence, _rule(one)


def _reach(one: RuleSet, account: Ruled) -> Iterator[Found]:
    """Say how far it goes: to any address, of any amount."""
    evidence = str(list(one.thresholds))
    anywhere = "" if one.whitelists is not None else ", and it has no whitelist"
    if one.thresholds and (len(one.thresholds) > 1 or not is_crypto(one.thresholds[0])):
        what = (
            "several thresholds in one rule set"
            if len(one.thresholds) > 1
            else "a threshold that is not crypto, or can't be read"
        )
        sentence = f"{what}: which amounts of the account it admits can't be told{anywhere}"
        yield "can't tell", "threshold not compared", sentence, evidence
    if one.amounts is not None and one.amounts.empty:
        yield "medium", "threshold that nothing meets", "no amount is within its threshold", evidence
    if one.whitelists is not None:
        return
    if account.endless(one.amounts):
        reached, every = _range(one.amounts, account.unit), one.amounts is not None and one.amounts.low <= 0
    elif len(one.thresholds) == 1 and _without_end(one.thresholds[0]):
        # No upper end is none in whichever currency.
        reached, every = "without an upper end", False
    else:
        return
    kind = "no whitelist and no threshold" if every else "no whitelist and no upper end"
    if one.filters:
        sentence = f"amounts {reached} without a whitelist; its transaction filter limits what it admits"
        yield "medium", kind, sentence, str(list(one.filters))
    else:
        what = "any amount" if one.amounts == EVERY_AMOUNT else f"amounts {reached}"
        sentence = f"{what} to any address: neither whitelist nor {'threshold' if every else 'upper end'}"
        yield "high", kind, f"{sentence}{_smaller(one, account)}", f"threshold {reached}"


def _without_end(threshold: object) -> bool:
    if not isinstance(threshold, Mapping):
        return False
    low, high = bounds(threshold)
    return low is not None and high is None


def _smaller(one: RuleSet, account: Ruled) -> str:
    """Say where only the large amounts go to anybody."""
    if one.amounts is None:
        return ""
    low = one.amounts.low
    below = [other for other in account.rule_sets if other.amounts is not None and other.amounts.low < low]
    if below and all(other.whitelists is not None for other in below):
        return ", while smaller amounts go to whitelists alone"
    return ""


def _together(account: Ruled) -> Iterator[Found]:
    """Say where several rule sets without a whitelist let any amount go to any address, and none does alone."""
    free = [
        (one, one.amounts)
        for one in account.rule_sets
        if one.whitelists is None and not one.filters and not one.stuck and one.amounts and not one.amounts.empty
    ]
    reached, used = 0, []
    for one, amounts in sorted(free, key=lambda each: each[1].low):
        # An amount of nothing needs no rule; whether bounds count is documented nowhere.
        if amounts.low > reached + 1:
            return
        if amounts.high is None or amounts.high > reached:
            used.append(one)
        if account.endless(amounts):
            break
        reached = max(reached, amounts.high or 0)
    else:
        return
    if len(used) < 2 or any(amounts.low <= 1 and account.endless(amounts) for _, amounts in free):
        return
    names = ", ".join(visible(one.name) for one in used)
    evidence = "; ".join(f"{visible(one.name)}: {_range(one.amounts, account.unit)}" for one in used)
    yield "high", "any amount to any address", f"{names} together let any amount go to any address", evidence


def _lists(one: RuleSet, whitelists: Mapping[int, Listing] | None) -> Iterator[Found]:
    """Say whether its whitelists hold anybody to be paid."""
    if one.whitelists is None or whitelists is None:
        return
    known = [None if entry is None else whitelists.get(entry) for entry in one.whitelists]
    for entry, listing in zip(one.whitelists, known, strict=True):
        if listing is None:
            which = "a whitelist" if entry is None else f"whitelist {entry}"
            yield "can't tell", "whitelist not seen", f"{which} can't be seen", f"whitelist {entry}"
        elif listing.status != "ACTIVE" or not listing.addresses:
            why = f"is {listing.status}" if listing.status != "ACTIVE" else "holds no address"
            sentence = f"whitelist {visible(listing.name)} {why}"
            yield "medium", "whitelist without effect", sentence, f"whitelist {entry}"


def _overlaps(account: Ruled) -> Iterator[Found]:
    """Give pairs of rule sets of which the weaker one admits what the stronger one is meant for."""
    moving = [one for one in account.rule_sets if not one.stuck]
    unjudged: list[RuleSet] = []
    for weak, strong in permutations(moving, 2):
        shared = _shared(weak.amounts, strong.amounts)
        if shared is None or not _same_purpose(weak, strong):
            continue
        names = f"{visible(weak.name)} ({_people_of(weak)}) and {visible(strong.name)} ({_people_of(strong)})"
        evidence = (
            f"{visible(weak.name)}: {_range(weak.amounts, account.unit)}; "
            f"{visible(strong.name)}: {_range(strong.amounts, account.unit)}"
        )
        both = f"{names} both admit amounts {_range(shared, account.unit)}"
        if weak.at_most is not None and strong.at_least is not None and weak.at_most < strong.at_least:
            never = shared == strong.amounts
            end = ", so that the stronger one is never needed" if never else ": the weaker one is enough"
            yield "high" if never else "medium", "weaker rule set applies too", f"{both}{end}", evidence
        elif weak.fewest is None and _could_be_weaker(weak, strong) and strong not in unjudged:
            unjudged.append(weak)
            yield "can't tell", "overlap not judged", f"{both}: which is the weaker can't be told", evidence


def _could_be_weaker(weak: RuleSet, strong: RuleSet) -> bool:
    low, high = weak.at_least, strong.at_most
    return low is not None and (high is None or low < high)


def _same_purpose(weak: RuleSet, strong: RuleSet) -> bool:
    """Say whether the weaker one reaches what the stronger one is meant for, as far as lists and filters tell."""
    if weak.filters != strong.filters and (weak.filters or weak.contracts is not True):
        return False
    if weak.whitelists is None:
        return True
    # Fewer approvals for addresses that are known is what whitelists are for.
    return strong.whitelists is not None and bool({*weak.whitelists} & {*strong.whitelists})


def _gaps(account: Ruled) -> Iterator[Found]:
    """Give the amounts that no rule set admits."""
    admitting = [one for one in account.rule_sets if not one.filters]
    if not account.rule_sets or any(one.amounts is None for one in admitting):
        return
    ranges = sorted((one.amounts for one in admitting if one.amounts and not one.amounts.empty), key=_low)
    beside = [visible(one.name) for one in account.rule_sets if one.filters]
    but = f" (but {', '.join(beside)}, by its transaction filter)" if beside else ""
    evidence = (
        "; ".join(f"{visible(one.name)}: {_range(one.amounts, account.unit)}" for one in admitting) or "filters"
    )
    reached = -1
    for one in ranges:
        # An amount of nothing needs no rule.
        if one.low > reached + 1 and one.low > 1:
            between = _range(Range(reached + 1, one.low - 1), account.unit)
            yield "medium", "threshold gap", f"No rule set admits amounts {between}{but}", evidence
        if one.high is None:
            return
        reached = max(reached, one.high)
    above = "" if reached < 0 else f" above {words(reached, account.unit)}"
    yield "low", "threshold gap", f"No rule set admits amounts{above}{but}", evidence


def _group(group: Group, step: Step) -> Iterator[tuple[str, str, str]]:
    if group.status is None or group.members is None:
        yield "can't tell", "group not seen", "can't be seen: who is in it is not known"
        return
    if group.status != "ACTIVE":
        yield "high", "group not active", f"is {group.status}, and rules ask it; its members are counted all the same"
    if not group.members:
        yield "high", "empty group", "has no members, and rules ask it"
    if gone := [person for person in step.seen if person.able is False]:
        yield "medium", "approver who can't act", f"holds {_with_status(gone)}"
    if going := [person for person in step.seen if person.status == "PENDING_REVOCATION"]:
        yield "low", "approver who leaves", f"holds {_with_status(going)}, counted as able to act until then"


# Words


def words(amount: int, unit: Unit | None) -> str:
    """Return an amount of base units in words, exactly."""
    if unit is None:
        return f"{amount:,} base units"
    whole, _, places = str(to_display(amount, unit.magnitude)).partition(".")
    places = places.rstrip("0")
    return f"{int(whole):,}{'.' + places if places else ''} {visible(unit.code)}"


def _range(amounts: Range | None, unit: Unit | None) -> str:
    if amounts is None:
        return "not known"
    if amounts.high is None:
        return "of any size" if amounts.low <= 0 else f"from {words(amounts.low, unit)}"
    return f"from {words(amounts.low, unit)} up to {words(amounts.high, unit)}"


def _low(one: Range) -> int:
    return one.low


def _shared(one: Range | None, other: Range | None) -> Range | None:
    """Return what two ranges share; None where they only touch, since whether bounds count is documented nowhere."""
    if one is None or other is None or one.empty or other.empty:
        return None
    highs = [end for end in (one.high, other.high) if end is not None]
    shared = Range(max(one.low, other.low), min(highs, default=None))
    return shared if shared.high is None or shared.low < shared.high else None


def _people_of(one: RuleSet) -> str:
    return _persons(one.fewest) if one.fewest is not None else f"{_persons(one.at_least or 1)} at least"


def _persons(number: int) -> str:
    return "1 person" if number == 1 else f"{number} people"


def _seen(one: RuleSet) -> list[Person]:
    return list({person.id: person for step in one.steps for person in step.seen}.values())


def name_of(person: Person) -> str:
    """Return how a person is called in sentences."""
    return visible(person.name) if person.name else f"user {person.id}"


def _persons_in(people: Iterable[Person]) -> str:
    return ", ".join(f"{name_of(one)}{' (API)' if one.is_api else ''}" for one in people)


def _with_status(people: Iterable[Person]) -> str:
    return ", ".join(f"{name_of(one)} ({one.status})" for one in people)


def _of(step: Step) -> str:
    whom = visible(step.group.name or f"group {step.group.id}") if step.group else "users"
    return f"{step.quorum} of {whom}"


def _rule(one: RuleSet) -> str:
    steps = []
    for step in one.steps:
        if step.quorum is None:
            steps.append(f"{step.words}: hidden")
            continue
        people = _persons_in(step.seen)
        hidden = "hidden" if step.hidden is None else f"{step.hidden} hidden" if step.hidden else ""
        steps.append(f"{step.words}: {_of(step)} ({', '.join(part for part in (people, hidden) if part)})")
    return "; ".join(steps) or "no steps"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(visible(one) for one in names)
