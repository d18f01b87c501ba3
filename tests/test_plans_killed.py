"""A plan of 200 payments whose process is killed again and again, over HTTP, and none is made twice or lost."""

import email.utils
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from paying import UNITS
from plan_runner import IN_USE
from serving import Act, Drop, Reply, Seen, Server, Stall, page, signed_in

NOW = 1_800_000_000
COUNT = 200
MOMENTS_OF_THE_HEADER, MOMENTS_OF_A_ROW = 3, 6


class Workspace:
    """Makes a transaction of each POST, and then does with the answer what the test says."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        # By the number of the request, from 1.
        self.answers: dict[int, Act] = {}

    def __call__(self, seen: Seen) -> Act:
        if seen.method == "POST":
            return self._make(seen.json)
        if seen.path == "/accounts/2":
            account = {"id": 2, "type": "Bitcoin", "currency": "bitcoin_testnet", "parent": None}
            return _dated({**account, "available_balance": str(10**12)})
        if seen.path == "/accounts/2/currency":
            return _dated({"amount_units": UNITS, "fees_units": UNITS})
        if seen.path in ("/accounts", "/whitelists"):  # what an address is held against
            return _listed([])
        if seen.path == "/transactions":
            [mark] = seen.query["title"]
            return _listed([self._transaction(n) for n, body in self._numbered() if mark in body["note"]["content"]])
        if seen.path == "/requests" and "target_id" in seen.query:
            return _listed([self._request(int(seen.query["target_id"][0]) - 1000)])
        assert seen.query["status"] == ["PENDING_APPROVAL", "PENDING_FIRST_APPROVAL"], seen.target
        return _listed([])

    def amounts(self) -> list[int]:
        return [int(body["data"]["transaction_data"]["amount"]) for body in self.bodies]

    def _make(self, body: dict[str, Any]) -> Act:
        self.bodies.append(body)
        number = len(self.bodies)
        return self.answers.get(number) or _dated(self._request(number))

    def _numbered(self) -> Iterator[tuple[int, dict[str, Any]]]:
        return enumerate(self.bodies, 1)

    def _request(self, number: int) -> dict[str, Any]:
        return {
            "id": number,
            "type": "CREATE_TRANSACTION",
            "status": "PENDING_APPROVAL",
            "target_type": "TRANSACTION",
            "target_id": 1000 + number,
            "created_on": _moment(),
        }

    def _transaction(self, number: int) -> dict[str, Any]:
        note = self.bodies[number - 1]["note"]
        return {"id": 1000 + number, "notes": [note], "created_on": _moment()}


def _moment() -> str:
    return datetime.fromtimestamp(NOW, UTC).isoformat()


def _dated(body: Any) -> Reply:
    return Reply(body, headers={"Date": email.utils.formatdate(NOW, usegmt=True)})


def _listed(nodes: list[Any]) -> Reply:
    return page(nodes, Date=email.utils.formatdate(NOW, usegmt=True))


@contextmanager
def running(
    server: Server, journal: Path, moment: int | None = None, count: int = COUNT
) -> Iterator["subprocess.Popen[str]"]:
    runner = Path(__file__).with_name("plan_runner.py")
    arguments = [server.url, str(journal), str(count), *([] if moment is None else [str(moment)])]
    with subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, "-W", "error", str(runner), *arguments], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def run(server: Server, journal: Path, moment: int | None = None, count: int = COUNT) -> int:
    with running(server, journal, moment, count) as process:
        _, said = process.communicate(timeout=120)
    assert process.returncode in (0, -9), said
    return process.returncode


def stalled(server: Server, workspace: Workspace, journal: Path, count: int = COUNT) -> Callable[[], None]:
    """Start a process whose next send but nine is carried out and never answered; return what kills it."""
    last = len(workspace.bodies) + 10
    workspace.answers[last] = Stall()
    context = running(server, journal, count=count)
    process = context.__enter__()
    while len(workspace.bodies) < last:
        server.wait_for(len(server.seen) + 1)

    def kill() -> None:
        process.kill()
        context.__exit__(None, None, None)

    return kill


@pytest.fixture
def workspace() -> Workspace:
    return Workspace()


def test_two_hundred_payments_survive_every_kind_of_death(
    serve: Callable[..., Server], workspace: Workspace, tmp_path: Path
) -> None:
    server, journal = serve(signed_in(workspace)), tmp_path / "plan.jsonl"
    # Of a row: before its line, in it, when it is on the disk and nothing was sent, after the answer, in the line of
    # the outcome, after it. Later processes go through fewer moments: each dies ten rows on.
    for moment in range(MOMENTS_OF_A_ROW):
        header = MOMENTS_OF_THE_HEADER if moment == 0 else 0
        assert run(server, journal, header + 10 * MOMENTS_OF_A_ROW + moment) == -9
    assert len(workspace.bodies) in range(60, 70)

    stalled(server, workspace, journal)()
    workspace.answers[len(workspace.bodies) + 10] = Drop()
    assert run(server, journal) == 0
    assert workspace.amounts() == list(range(1, COUNT + 1))

    assert run(server, journal) == 0
    assert len(workspace.bodies) == COUNT


def test_two_processes_can_not_run_one_plan(
    serve: Callable[..., Server], workspace: Workspace, tmp_path: Path
) -> None:
    server, journal = serve(signed_in(workspace)), tmp_path / "plan.jsonl"
    kill = stalled(server, workspace, journal, count=20)
    with running(server, journal, count=20) as second:
        _, said = second.communicate(timeout=120)
    assert second.returncode == IN_USE, said
    assert len(workspace.bodies) == 10
    kill()
    assert run(server, journal, count=20) == 0
    assert workspace.amounts() == list(range(1, 21))
