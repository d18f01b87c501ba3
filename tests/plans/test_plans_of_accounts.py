"""Plans of accounts: each approved before the next, two hundred steps an hour."""

import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from paying import Killed, Moments, Service, accounts, watch_the_disk

from ledgerkit import plans
from ledgerkit.errors import (
    InvalidRequest,
    RateLimited,
)
from ledgerkit.plans import journal as journals


def account_plan(service: Service, path: Path, count: int) -> plans.Plan:
    return plans.accounts(service.connection(), service.account_desk(), accounts(count), journal=path)


def test_each_account_is_approved_before_the_next_is_made(service: Service, path: Path) -> None:
    plan = account_plan(service, path, 3)
    plan.run(plan.phrase)
    entries = [(entry["entry"], entry["row"]) for entry in journals.read(path).entries]
    steps = ["sending", "sent", "approving", "approved"]
    assert entries == [(step, row) for row in (1, 2, 3) for step in steps]


def test_an_hour_has_two_hundred_creations_and_approvals_of_accounts(service: Service, path: Path) -> None:
    plan = account_plan(service, path, 201)
    plan.run(plan.phrase)
    assert service.clock.waits == [3600.0, 3600.0]
    started = service.clock.wall
    assert [round(at - started) for at in service.approved_at] == [0] * 100 + [3600] * 100 + [7200]


def test_no_hour_has_more_steps_and_none_waits_longer_than_it_must(service: Service, path: Path) -> None:
    post = service.post

    def slow(payload: Any) -> pd.DataFrame:
        service.clock.advance(7.0)
        return post(payload)

    service.post = slow  # type: ignore[method-assign]  # a fault of the test in the place of the method
    plan = account_plan(service, path, 150)
    plan.run(plan.phrase)
    steps = [
        datetime.fromisoformat(entry["at"]).timestamp()
        for entry in journals.read(path).entries
        if entry["entry"] in ("sending", "approving")
    ]
    assert min(later - sooner for sooner, later in zip(steps, steps[200:], strict=False)) == 3600.0


def test_every_moment_at_which_a_process_that_creates_accounts_can_die(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service()
    watch_the_disk(monkeypatch, lambda: service.moments)
    plan = account_plan(service, tmp_path / "whole.jsonl", 2)
    plan.run(plan.phrase)
    moments = service.moments.names
    for end_at in range(3, len(moments)):
        service = Service(moments=Moments(end_at))
        path = tmp_path / f"{end_at}.jsonl"
        plan = account_plan(service, path, 2)
        with pytest.raises(Killed):
            plan.run(plan.phrase)
        service.moments = Moments()
        for _ in range(2):
            plan = account_plan(service, path, 2)
            plan.run(plan.phrase)
        assert [made["data"]["account_data"]["name"] for made in service.made] == ["Account 0", "Account 1"]
        assert service.approved == [1, 2], moments[end_at]
        assert plan.results()["approval"].tolist() == ["approved", "approved"]


def test_an_approval_waits_for_the_rate_limit_however_often(service: Service, path: Path) -> None:
    desk, refusals = service.account_desk(), 1500  # more than calls can be nested
    approve = desk.approve
    assert approve is not None

    def limited(request_id: int, body: dict[str, Any]) -> None:
        nonlocal refusals
        refusals -= 1
        if refusals >= 0:
            raise RateLimited("used up", retry_after=3600.0)
        approve(request_id, body)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        plan = plans.accounts(service.connection(), replace(desk, approve=limited), accounts(1), journal=path)
        plan.run(plan.phrase)
    assert service.approved == [1]


def test_a_name_twice_is_a_problem(service: Service, path: Path) -> None:
    frame = pd.concat([accounts(1), accounts(1)], ignore_index=True)
    plan = plans.accounts(service.connection(), service.account_desk(), frame, journal=path)
    assert plan.problems == ["row 2: it is the same as row 1: name. No two accounts have one name"]


def test_the_journal_of_accounts_is_not_gone_on_with_as_payments(service: Service, path: Path) -> None:
    plan = account_plan(service, path, 1)
    plan.run(plan.phrase)
    with pytest.raises(InvalidRequest, match="another kind of plan"):
        plans.payments(service.connection(), service.desk(), None, journal=path)
