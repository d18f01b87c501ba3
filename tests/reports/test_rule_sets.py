"""Rules counted to people: exactly, and with a lowest and a highest value where something is hidden."""

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgerkit.reports import quorums
from ledgerkit.reports.quorums import Need, everyone_alone, fewest, once
from ledgerkit.reports.rule_sets import EVERY_AMOUNT, Group, People, Person, Range, RuleSet, rule_sets

NEEDS = st.lists(
    st.tuples(st.integers(0, 3), st.frozensets(st.integers(1, 7), max_size=5)), min_size=1, max_size=4
).map(tuple)


def tried_out(needs: tuple[Need, ...]) -> int | None:
    """Return how few people are enough by trying every set of them."""
    people = sorted(frozenset[int]().union(*(who for _, who in needs)))
    for number in range(len(people) + 1):
        for chosen in combinations(people, number):
            if all(len(who & set(chosen)) >= quorum for quorum, who in needs):
                return number
    return None


@given(NEEDS)
def test_the_fewest_people_are_those_that_trying_all_sets_finds(needs: tuple[Need, ...]) -> None:
    found = fewest(needs)
    assert (None if found is None else len(found)) == tried_out(needs)
    if found is not None:
        assert all(len(who & found) >= quorum for quorum, who in needs)


@given(NEEDS)
def test_those_who_are_enough_alone_are_those_whom_each_step_names(needs: tuple[Need, ...]) -> None:
    people = frozenset[int]().union(*(who for _, who in needs))
    asked = [need for need in needs if need[0]]
    expected = {one for one in people if asked and all(quorum == 1 and one in who for quorum, who in asked)}
    assert everyone_alone(needs) == expected


@pytest.mark.parametrize(
    ("needs", "number"),
    [
        ([(1, {1}), (1, {1})], None),
        ([(1, {1, 2}), (1, {1})], 2),
        ([(2, {1, 2, 3}), (2, {2, 3, 4})], 4),
        ([(2, {1, 2, 3}), (2, {2, 3})], None),
        ([], 0),
    ],
)
def test_how_many_it_takes_where_nobody_counts_twice(needs: list[Any], number: int | None) -> None:
    assert once([(quorum, frozenset(who)) for quorum, who in needs]) == number


def test_too_many_ways_to_count_are_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quorums, "MOST_WAYS", 1)
    with pytest.raises(OverflowError):
        fewest(((2, frozenset({91, 92, 93})), (2, frozenset({93, 94, 95})), (2, frozenset({91, 95, 96}))))
    one = read(
        {"quorum": 2, "users": [1, 2, 3]}, {"quorum": 2, "users": [3, 4, 5]}, {"quorum": 2, "users": [1, 5, 6]}
    )
    assert (one.fewest, one.at_least) == (None, 2)


PEOPLE = People(
    {
        **{number: Person(number, f"user-{number}", "ACTIVE", False) for number in range(1, 8)},
        8: Person(8, "gone", "REVOKED", False),
        9: Person(9, "api", "ACTIVE", True),
        10: Person(10, "odd", "ON_HOLIDAY", False),
    },
    {
        1: Group(1, "Desk", "ACTIVE", (1, 2)),
        2: Group(2, "Risk", "ACTIVE", (2, 3, None)),
        3: Group(3, "Nobody", "ACTIVE", ()),
    },
)


def read(*steps: Any, people: People = PEOPLE, **rules: list[Any]) -> RuleSet:
    others = [{"id": 9, "type": kind, "data": data} for kind, data in rules.items()]
    listed = [{"id": 1, "type": "MULTI_AUTHORIZATIONS", "data": list(steps)}, *others]
    return rule_sets([{"id": 1, "index": 0, "name": "Rule 1", "rules": listed}], people)[0]


@pytest.mark.parametrize(
    ("steps", "number", "at_least"),
    [
        # One who is in both groups is enough.
        ([{"quorum": 1, "group": 1}, {"quorum": 1, "users": [2, 3]}], 1, 1),
        ([{"quorum": 1, "users": [1]}, {"quorum": 2, "users": [2, 3]}], 3, 3),
        # No approval asked for.
        ([{"quorum": 1, "users": [1, 2]}], 1, 1),
        # Whoever creates approves first, also where no quorum of creators is asked for.
        ([{"quorum": 0, "users": [1]}, {"quorum": 1, "users": [2]}], 2, 2),
        # A hidden member may be the creator: one may be enough, or it takes two.
        ([{"quorum": 1, "users": [1]}, {"quorum": 1, "users": [3, None]}], None, 1),
        # Whoever the hidden one is, two are asked for in one step, and user 1 is in both.
        ([{"quorum": 1, "users": [1]}, {"quorum": 2, "users": [1, 3, None]}], 2, 2),
        ([{"quorum": 1, "users": [1]}, {"quorum": 1, "users": [3]}, None], None, 2),
        ([{"quorum": 1, "users": [1]}, {"quorum": 2, "group": 77}], None, 2),
        # An empty list beside a group is a field that is not used.
        ([{"quorum": 1, "users": [1]}, {"quorum": 1, "users": [], "group": 1}], 1, 1),
        # Who is asked where a list stands beside a group is not documented.
        ([{"quorum": 1, "users": [1]}, {"quorum": 1, "users": [4], "group": 1}], None, 1),
        # Nobody in a list, and no group: somebody who can't be seen.
        ([{"quorum": 1, "users": [1]}, {"quorum": 2, "users": []}], None, 2),
        # A state that is not documented: perhaps able, perhaps not.
        ([{"quorum": 1, "users": [10]}, {"quorum": 1, "users": [10, 1]}], None, 1),
    ],
)
def test_how_few_people_it_takes(steps: list[Any], number: int | None, at_least: int) -> None:
    one = read(*steps)
    assert (one.fewest, one.at_least, one.stuck) == (number, at_least, False)


@pytest.mark.parametrize(
    "steps",
    [
        [{"quorum": 1, "users": [1]}, {"quorum": 2, "users": [2, 8]}],
        [{"quorum": 1, "users": [1]}, {"quorum": 1, "group": 3}],
        [{"quorum": 1, "users": [8]}, {"quorum": 1, "users": [1]}],
        [{"quorum": None, "users": [8]}, {"quorum": 1, "users": [1]}],  # a creator is one, whatever is hidden
        [{"quorum": 1, "users": [1]}, {"quorum": 4, "users": [2, 3, None]}],
    ],
)
def test_money_is_stuck_where_too_few_can_act_whoever_is_hidden(steps: list[Any]) -> None:
    one = read(*steps)
    assert one.stuck
    assert (one.fewest, one.at_least) == (None, None)


def test_what_is_not_read_leaves_the_number_open() -> None:
    one = read({"quorum": 1, "users": [1]}, BIOMETRICS=[{"fingers": 2}])
    assert (one.fewest, one.at_least) == (None, 1)
    assert "a rule of type BIOMETRICS" in str(one.hides)
    assert rule_sets(["Rule 1", None], PEOPLE)[0].unread == ("a shape that is not known",)
    assert rule_sets(None, PEOPLE) == ()


@pytest.mark.parametrize("quorum", [2, 9])
def test_several_rules_of_approvals_leave_the_number_open(quorum: int) -> None:
    several = [
        {"type": "MULTI_AUTHORIZATIONS", "data": [{"quorum": 1, "users": [1]}, {"quorum": quorum, "users": [2, 3]}]},
        {"type": "MULTI_AUTHORIZATIONS", "data": [{"quorum": 1, "users": [4]}, {"quorum": 2, "users": [5, 6]}]},
    ]
    one = rule_sets([{"index": 0, "name": "Rule 1", "rules": several}], PEOPLE)[0]
    assert (one.at_least, one.fewest, one.each_once, one.stuck) == (1, None, None, False)
    assert "several rules of approvals" in str(one.hides)


def test_where_users_can_not_be_read_nothing_is_known_for_certain() -> None:
    one = read({"quorum": 1, "users": [1]}, {"quorum": 1, "users": [1]}, people=People(None, None))
    assert (one.fewest, one.at_least) == (None, 1)
    assert "whether user 1 in the creators may act is not known" in str(one.hides)


@pytest.mark.parametrize(
    ("thresholds", "amounts"),
    [
        ([], EVERY_AMOUNT),
        ([{"currency_type": "CRYPTO", "min": 0, "max": None}], EVERY_AMOUNT),
        ([{"currency_type": "CRYPTO", "min": "10", "max": 10**27}], Range(10, 10**27)),
        ([{"currency_type": "CRYPTO", "min": None, "max": 5}], Range(0, 5)),
        ([{"currency_type": "FIAT", "min": 0, "max": 5}], None),
        ([{"currency_type": "CRYPTO", "min": "many"}], None),
        ([{"currency_type": "CRYPTO", "min": 0, "max": 5}, {"currency_type": "CRYPTO", "min": 9}], None),
    ],
)
def test_which_amounts_a_threshold_admits(thresholds: list[Any], amounts: Range | None) -> None:
    assert read({"quorum": 1, "users": [1]}, THRESHOLD=thresholds).amounts == amounts


def test_api_users_alone() -> None:
    machines = read({"quorum": 1, "users": [9, 1]}, {"quorum": 1, "users": [9, 2]})
    assert machines.api_users == frozenset({9})
    assert machines.alone == {9}
    assert read({"quorum": 1, "users": [9, 1]}, {"quorum": 1, "users": [2]}).api_users is None
