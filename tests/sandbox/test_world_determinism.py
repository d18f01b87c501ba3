"""The same arguments give the same bytes, in any process; other seeds give other worlds."""

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from ledgerkit.sandbox.world import World, build

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SIZE = 500


def as_text(world: World) -> str:
    plain: dict[str, Any] = {}
    for item in dataclasses.fields(world):
        value = getattr(world, item.name)
        if item.name == "history":
            value = {f"{section}/{identifier}": rows for (section, identifier), rows in value.items()}
        if item.name == "credentials":
            value = dataclasses.asdict(value)
        if not item.name.startswith("_") and item.name != "now":
            plain[item.name] = value
    # what grows with the world is no list and no dict, though it reads like one
    return json.dumps(plain, default=lambda value: dict(value) if isinstance(value, Mapping) else list(value))


def fingerprint() -> str:
    world = build(transactions=SIZE, now=NOW)
    history = json.dumps([world.balance_history(account["id"], None, None) for account in world.accounts])
    token = world.address_jwt(1, 0)
    return hashlib.sha256(f"{as_text(world)}{history}{token}".encode()).hexdigest()


def test_two_builds_give_the_same_bytes() -> None:
    assert fingerprint() == fingerprint()


@pytest.mark.parametrize("hash_seed", ["1", "77"])
def test_another_process_gives_the_same_bytes(hash_seed: str) -> None:
    code = f"from {__name__} import fingerprint; print(fingerprint())"
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    answer = subprocess.run(  # noqa: S603 - our own interpreter with our own line
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == fingerprint()


def test_another_seed_gives_another_world() -> None:
    first, second = build(7, SIZE, NOW), build(8, SIZE, NOW)
    assert list(first.transactions) != list(second.transactions)
    assert first.certificates != second.certificates
    assert first.credentials.api_users[0].key_secret != second.credentials.api_users[0].key_secret
    # the people and the names stay: notebooks may count on them
    assert [account["name"] for account in first.accounts] == [account["name"] for account in second.accounts]


def test_the_size_is_exact_but_the_script_is_never_cut() -> None:
    assert len(build(transactions=SIZE, now=NOW).transactions) == SIZE
    assert 150 < len(build(transactions=1, now=NOW).transactions) < 300


def test_without_a_time_the_world_ends_at_the_current_hour() -> None:
    world = build(transactions=1)
    assert world.now.tzinfo is UTC
    assert (world.now.minute, world.now.second, world.now.microsecond) == (0, 0, 0)
    assert 0 <= (datetime.now(UTC) - world.now).total_seconds() < 3700


def test_the_default_world_is_built_quickly() -> None:
    def processor_seconds() -> float:
        started = time.process_time()
        build(now=NOW)
        return time.process_time() - started

    # 0.4 s where it was measured; the best of three, since neighbours on a machine slow each other down
    assert min(processor_seconds() for _ in range(3)) < 1.5
