"""One run: a sandbox in a storm, those who work in it, and what is checked when it is over."""

import json
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import ledgerkit as lk
from chaos import actors, checks
from chaos.actors import HURRIED, PATIENT, Diary, Doors, Scene, Warned
from chaos.checks import Intent
from chaos.chronicle import Chronicle
from chaos.clock import SwiftClock
from chaos.storm import LARGEST_ANSWER, Storm
from chaos.weather import Weather
from ledgerkit import transport
from ledgerkit.sandbox import Sandbox

SECONDS = 60.0


@dataclass(frozen=True)
class Report:
    """What one run saw."""

    actions: Counter[str]
    ended: Counter[str]
    faults: Counter[str]
    errors: Counter[str]
    incomplete: int
    violations: list[str]
    told: list[str]

    def to_json(self) -> str:
        return json.dumps({name: value for name, value in vars(self).items() if name != "told"})


def run(storm: Storm, folder: Path) -> Report:
    """Let it storm over a sandbox of its own while threads work with it, and judge what they got."""
    resources = checks.Resources()
    clock = SwiftClock()
    diary = Diary()
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        for told in (lk.IncompleteResult, lk.NoLongerListed):
            warnings.simplefilter("always", told)
        patch.setattr(transport, "LARGEST_ANSWER", LARGEST_ANSWER)
        faults = _storm(storm, folder, clock, diary, Warned())
    diary.found(resources.left())
    met = faults + Counter(limit=1) if storm.sandbox.get("rate_limit") else faults
    diary.found(checks.of_causes(diary.errors, met))
    if not storm.events and diary.errors:
        diary.found([f"errors in good weather: {dict(diary.errors)}"])
    return Report(diary.actions, diary.ended, faults, diary.errors, diary.incomplete, diary.violations, diary.told)


def _storm(storm: Storm, folder: Path, clock: SwiftClock, diary: Diary, warned: Warned) -> Counter[str]:
    with Sandbox(storm.seed, clock=clock.time, **storm.sandbox) as sandbox:
        chronicle = Chronicle(sandbox, ("transactions", "requests", "accounts", "users"))
        hurried, patient = Doors(sandbox, clock, HURRIED), Doors(sandbox, clock, PATIENT)
        scene = Scene(
            *(storm.seed, sandbox, hurried if storm.events else patient, chronicle, diary, warned),
            *(folder / "archive", actors.payee_of(sandbox)),
        )
        payments = [Intent(50_001 + number) for number in range(3)]
        planned = [Intent(60_001 + number) for number in range(3)]
        drafts: dict[int, Any] = {}
        accounts = [account["id"] for account in sandbox.world.accounts][:12]
        try:
            with Weather(storm, sandbox) as weather:
                _together(
                    diary,
                    lambda: actors.search(scene, 6, 0),
                    lambda: actors.search(scene, 3, 1),
                    lambda: actors.balances(scene, accounts),
                    lambda: actors.archive(scene, 2),
                    lambda: actors.pay_and_approve(scene, payments, drafts),
                    lambda: actors.send_plan(scene, planned, 2),
                )
            if weather.failure is not None:
                raise weather.failure
            diary.found(_wait_for_calls(sandbox))
            chronicle.show_all()
            diary.found(checks.of_intents(payments, chronicle))
            scene.doors = patient
            # On a machine with much to do one of a second may end on the way.
            assert sandbox._service is not None
            sandbox._service.tokens._token_life = 300.0
            _settle(scene, payments, planned, drafts)
            _look_around(scene, accounts)
        finally:
            hurried.close()
            patient.close()
        return weather.injected()


def _settle(scene: Scene, payments: list[Intent], planned: list[Intent], drafts: dict[int, Any]) -> None:
    """Do what is left to be done, without faults, and hold everything against what the sandbox has in the end."""
    diary, chronicle = scene.diary, scene.chronicle
    for intent in payments:
        drafts[intent.amount] = actors.settle(scene, intent, drafts.get(intent.amount))
        if intent.request_id is not None and not intent.approved:
            actors.approve(scene, intent, drafts[intent.amount], ())
    if any(intent.request_id is None for intent in planned):
        actors.send_plan(scene, planned, 3)
    unsettled = [intent.amount for intent in (*payments, *planned) if intent.request_id is None]
    diary.found([f"payments that can't be settled in good weather: {unsettled}"] if unsettled else [])
    diary.found(checks.of_intents([*payments, *planned], chronicle))
    world, operator = scene.sandbox.world, scene.sandbox.credentials.api_users[0].user_id
    votes = {
        intent.request_id: [
            vote for step in world.governance[intent.request_id]["governance_steps"] for vote in step["approvals"]
        ]
        for intent in payments
        if intent.request_id is not None
    }
    diary.found(checks.of_votes(payments, votes, operator))
    unapproved = [
        intent.amount for intent in payments if intent.request_id not in votes or not votes[intent.request_id]
    ]
    diary.found([f"payments that can't be approved in good weather: {unapproved}"] if unapproved else [])
    # A run of an archive ends a moment before now.
    scene.doors.clock.wait(threading.Event(), 4.0)
    begin = chronicle.now()
    actors.archive(scene, 1, ())
    frame = actors.read_archive(scene)
    if frame is None:
        diary.found(["the archive can't be read in good weather"])
    else:
        span = (begin, chronicle.now())
        diary.found(checks.of_archive(scene.folder, frame, span, actors.SINCE, chronicle))


def _look_around(scene: Scene, accounts: list[int]) -> None:
    """In good weather every question is answered, and of a list that moves nothing is lost in silence."""
    for query in actors.QUERIES:
        actors.search_once(scene, query, (), "calm ")
    actors.balances(scene, accounts, calm=True)
    scene.attempt("inbox", lambda session: session.requests.inbox(), ())
    actors.search_a_restless_list(scene)
    scene.chronicle.show_all()


def _together(diary: Diary, *acts: Callable[[], Any]) -> None:
    def guarded(act: Callable[[], Any]) -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - a fault of the suite itself is told too
            diary.found([f"the suite itself failed: {error!r}"])

    threads = [
        threading.Thread(target=guarded, args=(act,), name=f"chaos-{n}", daemon=True) for n, act in enumerate(acts)
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            diary.found([f"{thread.name} still works after {SECONDS:.0f} s"])


def _wait_for_calls(sandbox: Sandbox) -> list[str]:
    """Wait until what callers gave up is carried out: before that nobody can know what became of it."""
    server = sandbox._server
    assert server is not None
    deadline = time.monotonic() + 10
    while server.server_state.tasks and time.monotonic() < deadline:
        time.sleep(0.01)
    left = len(server.server_state.tasks)
    return [f"{left} calls are still being carried out"] if left else []
