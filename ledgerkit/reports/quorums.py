"""How few people meet several quorums: counted exactly, never estimated."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

# What each step asks for: so many of these people.
Need = tuple[int, frozenset[int]]
# More ways than these to count are not gone through: a set of rules of usual size has some dozens.
MOST_WAYS = 200_000


@lru_cache(maxsize=4096)
def fewest(needs: tuple[Need, ...]) -> frozenset[int] | None:
    """Return a smallest set of people that meets all quorums, where a person counts in each step that names them.

    Parameters
    ----------
    needs
        Of each step the quorum, and who counts in it.

    Returns
    -------
    frozenset of int
        One of the smallest sets, always the same for the same needs; None where no set is large enough.

    Raises
    ------
    OverflowError
        There are too many ways to count.
    """
    if any(quorum > len(people) for quorum, people in needs):
        return None
    asked = [need for need in needs if need[0] > 0]
    # People who count in the same steps are one as good as the other: the lowest ids stand for them.
    alike: dict[tuple[int, ...], list[int]] = {}
    for person in sorted(frozenset[int]().union(*(people for _, people in asked))):
        alike.setdefault(tuple(int(person in people) for _, people in asked), []).append(person)
    start = tuple(quorum for quorum, _ in asked)
    most = len(_greedy(start, alike))
    # What is still needed, to the fewest who leave so much open; a set with more than the greedy one has no future.
    reached: dict[tuple[int, ...], tuple[int, ...]] = {start: ()}
    for steps in sorted(alike, key=lambda one: (-sum(one), one)):
        found: dict[tuple[int, ...], tuple[int, ...]] = {}
        for left, chosen in reached.items():
            useful = max((need for need, counts in zip(left, steps, strict=True) if counts), default=0)
            for number in range(min(useful, len(alike[steps])) + 1):
                rest = tuple(max(0, need - number * counts) for need, counts in zip(left, steps, strict=True))
                taken = (*chosen, *alike[steps][:number])
                if len(taken) + max(rest, default=0) <= most and (rest not in found or len(taken) < len(found[rest])):
                    found[rest] = taken
        if len(found) > MOST_WAYS:
            raise OverflowError("there are too many ways to meet these quorums to count them")
        reached = found
    return frozenset(reached[tuple(0 for _ in asked)])


def _greedy(left: tuple[int, ...], alike: dict[tuple[int, ...], list[int]]) -> list[int]:
    """Return some set that is large enough: each time one who counts in most of the steps that are open."""
    free = {steps: list(people) for steps, people in alike.items()}
    chosen = []
    while any(left):
        steps = max(
            (one for one, people in free.items() if people),
            key=lambda one: sum(counts for counts, need in zip(one, left, strict=True) if need),
        )
        chosen.append(free[steps].pop(0))
        left = tuple(max(0, need - counts) for need, counts in zip(left, steps, strict=True))
    return chosen


def once(needs: Sequence[Need]) -> int | None:
    """Return how many people it takes where each counts in one step alone; None where there are not enough."""
    places = [people for quorum, people in needs for _ in range(quorum)]
    holder: dict[int, int] = {}

    def seat(place: int, asked: set[int]) -> bool:
        for person in places[place]:
            if person not in asked:
                asked.add(person)
                if person not in holder or seat(holder[person], asked):
                    holder[person] = place
                    return True
        return False

    return len(places) if all(seat(place, set()) for place in range(len(places))) else None


def everyone_alone(needs: Iterable[Need]) -> frozenset[int]:
    """Return those of whom each one alone meets all quorums."""
    needs = [need for need in needs if need[0] > 0]
    if not needs or any(quorum > 1 for quorum, _ in needs):
        return frozenset()
    return frozenset.intersection(*(people for _, people in needs))
