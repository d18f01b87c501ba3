"""Real time, real sockets, tokens of two seconds: for some seconds here, for an hour by `make soak`."""

import dataclasses

import pytest

from auth.soak import FILES_MAY_GROW, MEMORY_MAY_GROW, Soaked, Used, soak
from ledgerkit import auth

GOOD = Soaked(seconds=10.0, calls=100, start=Used(9, 20, 100.0), end=Used(9, 20, 101.0))
GOOD.done.update(logins=1, refreshes=6)


def test_for_seconds_every_call_works_and_each_token_of_two_seconds_is_exchanged_once() -> None:
    soaked = soak(4.5, lambda line: None, settle=1.0)
    # Threads and memory after a few seconds say something of the machine; after an hour, of the kit.
    assert soaked.failures == []
    assert (soaked.early, soaked.twice, soaked.done["logins"]) == (0, 0, 1)
    assert soaked.done["refreshes"] >= 2
    assert soaked.calls >= 5


@pytest.mark.soak
def test_for_as_long_as_was_asked_every_call_works_and_nothing_grows(
    pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = 60.0 * pytestconfig.getoption("minutes")

    def tell(line: str) -> None:
        with capsys.disabled():
            print(f"\n{line}", end="", flush=True)

    soaked = soak(seconds, tell, settle=min(120.0, seconds / 4))
    assert soaked.faults() == []


@pytest.mark.soak
def test_a_soak_notices_tokens_that_are_exchanged_before_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "_STALE_FROM", 0.2)
    monkeypatch.setattr(auth, "_NEXT_RENEWAL_FROM", 0.0)
    soaked = soak(3.0, lambda line: None, settle=1.0)
    assert any("before their time" in fault for fault in soaked.faults())


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"calls": 9}, "9 calls were made in 10 s"),
        ({"failures": ["ServerError"]}, "1 calls failed"),
        ({"twice": 1}, "1 refresh tokens were sent twice"),
        ({"early": 1, "shortest": 0.5}, "exchanged before their time, one after 0.50 s"),
        ({"seconds": 1000.0, "calls": 1000}, "no token was exchanged"),
        ({"end": Used(10, 20, 100.0)}, "threads grew from 9 to 10"),
        ({"end": Used(9, 21 + FILES_MAY_GROW, 100.0)}, "files and sockets grew from 20 to 28"),
        ({"end": Used(9, 20, 101.0 + MEMORY_MAY_GROW)}, "memory grew by 13 MB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_soak_fails_with_each_fault_alone(change: dict[str, object], fault: str) -> None:
    assert GOOD.faults() == []
    [told] = dataclasses.replace(GOOD, **change).faults()  # type: ignore[arg-type]  # any of its fields
    assert fault in told
