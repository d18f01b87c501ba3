"""A large workspace tells how far it is; a usual one says nothing."""

import io

from ledgerkit.sandbox import Sandbox
from ledgerkit.sandbox.telling import Telling

from .conftest import NOW


class Seconds:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_line_now_and_then_says_how_far_it_is_and_how_long_it_takes() -> None:
    stream, clock = io.StringIO(), Seconds()
    tell = Telling(stream, clock)
    for number in range(0, 1_000_000, 1000):
        tell(number, 1_000_000)
        clock.now += 1 / 64
    lines = stream.getvalue().splitlines()
    assert lines[0] == "The workspace is being made: 192,000 of 1,000,000 transactions, about 13 s left"
    assert lines[1] == "The workspace is being made: 512,000 of 1,000,000 transactions, about 8 s left"
    assert len(lines) == 3


def test_what_is_made_within_seconds_is_not_talked_about() -> None:
    stream, clock = io.StringIO(), Seconds()
    tell = Telling(stream, clock)
    for number in range(0, 4000, 1000):
        tell(number, 4000)
        clock.now += 0.5
    assert stream.getvalue() == ""


def test_a_sandbox_tells_while_it_is_made() -> None:
    told: list[tuple[int, int]] = []
    sandbox = Sandbox(transactions=2500, now=NOW, told=lambda number, count: told.append((number, count)))
    assert told == []
    assert len(sandbox.world.transactions) == 2500
    assert told == [(0, 2500), (1000, 2500), (2000, 2500)]
