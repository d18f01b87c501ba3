"""Reads of one call each: how many are asked, and what is said of those that are not."""

from collections.abc import Callable, Iterator

import pandas as pd
import pytest

import ledgerkit as lk
from ledgerkit.frames import INTEGER, TEXT
from ledgerkit.reports.making import Making
from ledgerkit.reports.probing import probed
from ledgerkit.reports.rows import framed


@pytest.fixture
def making(session: lk.Session) -> Iterator[Making]:
    with Making.of(session) as making:
        yield making


def reading(asked: list[int], refused: set[int]) -> Callable[[list[int]], pd.DataFrame]:
    def read(ids: list[int]) -> pd.DataFrame:
        asked.extend(ids)
        return framed(
            {"id": INTEGER, "error": TEXT}, [{"id": one, "error": "no" if one in refused else None} for one in ids]
        )

    return read


@pytest.mark.parametrize(
    ("number", "refused", "asked"),
    [
        (0, set(), 0),
        (1, {0}, 1),
        (3, {0, 1, 2}, 3),
        (4, {0, 1, 2, 3}, 3),
        (100, set(range(100)), 3),
        # One that answers among those at both ends and in the middle is reason to ask for all.
        (100, set(range(99)), 100),
        (100, {0, 1, 2}, 100),
        (100, set(), 100),
    ],
)
def test_where_the_first_are_refused_the_others_are_not_asked(
    making: Making, number: int, refused: set[int], asked: int
) -> None:
    called: list[int] = []
    before = len(making.notes)
    rows = probed(making, "the steps", reading(called, refused), range(number))
    assert len(called) == len(set(called)) == len(rows) == asked
    said = making.notes[before:]
    assert said == (
        [f"Without the steps: the first 3 were refused, and {number - 3} more not asked. no"]
        if asked < number
        else []
    )


def test_where_nothing_can_be_read_at_all_it_is_asked_once(making: Making) -> None:
    called = []

    def read(ids: list[int]) -> pd.DataFrame:
        called.append(ids)
        raise lk.PermissionDenied("not for you", status=403)

    assert probed(making, "the steps", read, range(10)) == []
    assert len(called) == 1
    assert any("7 more not asked" in note for note in making.notes)
