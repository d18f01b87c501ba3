"""A clock that is moved by hand, a service that gives tokens, and keepers that must leave no thread."""

import random
from collections.abc import Iterator

import pytest
from clocks import FakeClock
from token_service import Make, Service

from ledgerkit.auth import (
    TokenKeeper,
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def service(clock: FakeClock) -> Service:
    return Service(clock)


@pytest.fixture
def make(clock: FakeClock) -> Iterator[Make]:
    """Makes keepers, and proves at the end of every test that closing them leaves no thread."""
    made: list[TokenKeeper] = []

    def make(service: Service, **options: object) -> TokenKeeper:
        settings = {"clock": clock, "spawn": clock.spawn, "random": random.Random(7).random, **options}
        made.append(TokenKeeper(service.login, service.refresh, **settings))  # type: ignore[arg-type]  # any of its settings
        return made[-1]

    yield make
    for keeper in made:
        keeper.close()
    clock.settle()
    assert clock.threads == []
