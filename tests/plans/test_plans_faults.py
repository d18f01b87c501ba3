"""Plans where something goes wrong: refusals, limits, lost answers, and a death at every moment."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paying import Killed, Moments, Service, payments, states, watch_the_disk

from ledgerkit import plans
from ledgerkit.errors import (
    ConnectionFailed,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    RateLimited,
    SessionClosed,
)
from ledgerkit.outcomes import Outcome
from ledgerkit.plans import journal as journals
from ledgerkit.plans.journal import JournalDamaged

# Refusals, limits and lost answers


def test_a_refused_row_stops_the_plan_and_is_not_sent_again(service: Service, path: Path) -> None:
    plan = service.plan(payments(3), path)
    service.acts = ["make", InvalidRequest("not on the whitelist (400).", status=400)]
    with pytest.raises(InvalidRequest, match=r"row 2 was refused.*whitelist") as raised:
        plan.run(plan.phrase)
    assert raised.value.details["row"] == 2
    assert states(plan) == ["sent", "refused", "planned"]
    plan.run(plan.phrase)
    assert service.amounts() == [1, 3]
    assert states(plan) == ["sent", "refused", "sent"]
    assert "whitelist" in plan.results()["error"][1]


def test_refused_rows_are_skipped_where_that_is_asked_for(service: Service, path: Path) -> None:
    plan = service.plan(payments(3), path)
    service.acts = ["make", NotFound("no such account (404).")]
    plan.run(plan.phrase, on_refusal="skip")
    assert states(plan) == ["sent", "refused", "sent"]


def test_a_rate_limit_is_waited_for_as_long_as_it_says(service: Service, path: Path) -> None:
    plan = service.plan(payments(2), path)
    service.acts = ["make", RateLimited("used up", retry_after=90.0)]
    plan.run(plan.phrase)
    assert service.clock.waits == [90.0]
    assert service.amounts() == [1, 2]


@pytest.mark.parametrize(
    "error",
    [ConnectionFailed("no route"), PermissionDenied("not yours"), SessionClosed("closed before it was sent.")],
)
def test_what_is_no_fault_of_the_row_stops_the_plan_and_is_sent_later(
    service: Service, path: Path, error: Exception
) -> None:
    plan = service.plan(payments(2), path)
    service.acts = [error]
    with pytest.raises(type(error), match="row 1 was not sent"):
        plan.run(plan.phrase)
    assert states(plan) == ["planned", "planned"]
    plan.run(plan.phrase)
    assert service.amounts() == [1, 2]


def test_with_a_hundred_waiting_requests_nothing_is_sent_until_there_is_room(service: Service, path: Path) -> None:
    plan = service.plan(payments(2), path)
    service.pending = 100
    with pytest.raises(InvalidRequest, match="row 1 was not sent"):
        plan.run(plan.phrase)
    assert states(plan) == ["planned", "planned"]
    service.pending = 99
    plan.run(plan.phrase)
    assert service.amounts() == [1, 2]


def test_a_refusal_for_want_of_room_is_none_of_the_row(service: Service, path: Path) -> None:
    plan = service.plan(payments(2), path)

    def full(payload: Any) -> pd.DataFrame:
        service.pending = 100  # others were faster
        raise InvalidRequest("too many pending requests (400).", status=400)

    service.post, post = full, service.post  # type: ignore[method-assign]  # a fault of the test in the place of the method
    with pytest.raises(InvalidRequest, match="as many as the service takes"):
        plan.run(plan.phrase)
    assert states(plan) == ["planned", "planned"]
    service.post, service.pending = post, 0  # type: ignore[method-assign]  # a fault of the test in the place of the method
    plan.run(plan.phrase)
    assert service.amounts() == [1, 2]


def test_an_interrupt_while_it_waits_leaves_a_journal_that_goes_on(service: Service, path: Path) -> None:
    plan = service.plan(payments(3), path)
    service.acts = ["make", RateLimited("used up", retry_after=90.0)]

    def interrupted(event: object, seconds: float) -> bool:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service.clock, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            plan.run(plan.phrase)
    assert states(plan) == ["sent", "planned", "planned"]
    plan.run(plan.phrase)
    assert service.amounts() == [1, 2, 3]


def test_a_lost_answer_is_looked_for_at_once_and_the_plan_goes_on(service: Service, path: Path) -> None:
    plan = service.plan(payments(3), path)
    service.acts = ["make", "lose"]
    plan.run(plan.phrase)
    assert service.amounts() == [1, 2, 3]
    assert plan.results()["request_id"].tolist() == [1, 2, 3]


def test_what_is_not_found_right_after_it_was_sent_is_not_sent_again_at_once(service: Service, path: Path) -> None:
    plan = service.plan(payments(2), path)
    service.acts = [OutcomeUnknown("the answer was lost.")]
    with pytest.raises(OutcomeUnknown, match="row 1") as raised:
        plan.run(plan.phrase)
    assert raised.value.details["mark"] == plan.results()["mark"][0]
    assert raised.value.find().state == "not found"
    assert states(plan) == ["in doubt", "planned"]
    plan.run(plan.phrase)
    assert service.amounts() == [1, 2]


def test_what_arrives_late_is_found_by_the_next_run(service: Service, path: Path) -> None:
    plan = service.plan(payments(2), path)
    service.acts = [OutcomeUnknown("the answer was lost.")]
    with pytest.raises(OutcomeUnknown):
        plan.run(plan.phrase)
    service.made.append(plan.payload(1).to_json())
    plan.run(plan.phrase)
    assert service.amounts() == [1, 2]


def test_a_refusal_is_on_the_disk_before_the_next_call_which_fails(service: Service, path: Path) -> None:
    plan = service.plan(payments(3), path)

    def refuse(payload: Any) -> pd.DataFrame:
        service.faults["GET /requests"] = ConnectionFailed("no route")
        raise InvalidRequest("not on the whitelist (400).", status=400)

    service.post, post = refuse, service.post  # type: ignore[method-assign]  # a fault of the test in the place of the method
    with pytest.raises(InvalidRequest, match=r"row 1 was refused.*whitelist"):
        plan.run(plan.phrase)
    assert [row.state for row in journals.read(path).rows] == ["refused", "planned", "planned"]
    service.post, service.faults = post, {}  # type: ignore[method-assign]  # a fault of the test in the place of the method
    plan.run(plan.phrase)
    assert service.amounts() == [2, 3]


def test_where_looking_for_a_lost_row_fails_the_error_names_the_row_and_its_mark(
    service: Service, path: Path
) -> None:
    plan = service.plan(payments(2), path)
    service.acts = ["make", "lose"]
    looks: list[Outcome | Exception] = [ConnectionFailed("no route"), ConnectionFailed("no route")]

    def look(*_: object) -> Outcome:
        answer = looks.pop(0) if looks else Outcome("found", "it is there.", 2)
        if isinstance(answer, Exception):
            raise answer
        return answer

    plan._desk = replace(plan._desk, find=look)
    with pytest.raises(OutcomeUnknown, match=r"row 2 .*can't tell: looking for it failed: no route") as raised:
        plan.run(plan.phrase)
    assert raised.value.details == {"row": 2, "mark": plan.results()["mark"][1]}
    assert states(plan) == ["sent", "in doubt"]
    with pytest.raises(ConnectionFailed):  # it looks anew
        raised.value.find()
    assert raised.value.find().state == "found"
    plan.run(plan.phrase)
    assert service.amounts() == [1, 2]


def test_where_it_can_not_be_told_a_person_decides(service: Service, path: Path) -> None:
    plan = service.plan(payments(3), path)
    service.missing = lambda: Outcome("can't tell", "two carry the mark.")
    for number, request_id in ((1, 77), (2, None)):
        service.acts = [OutcomeUnknown("the answer was lost.")]
        for _ in range(2):
            with pytest.raises(OutcomeUnknown, match=rf"plan.decide\({number}, request_id="):
                plan.run(plan.phrase)
        plan.decide(number, request_id=request_id)
    plan.run(plan.phrase)
    assert service.amounts() == [2, 3]
    assert plan.results()["request_id"].tolist() == [77, 1, 2]


def test_one_request_is_not_that_of_two_rows(service: Service, path: Path) -> None:
    plan = service.plan(payments(2), path)
    service.missing = lambda: Outcome("can't tell", "two carry the mark.")
    service.acts = ["make", OutcomeUnknown("the answer was lost.")]
    with pytest.raises(OutcomeUnknown, match="row 2"):
        plan.run(plan.phrase)
    with pytest.raises(InvalidRequest, match="`request_id` = 1 is that of row 1"):
        plan.decide(2, request_id=1)
    assert states(plan) == ["sent", "in doubt"]


def test_there_is_nothing_to_decide_of_a_row_that_is_not_in_doubt(service: Service, path: Path) -> None:
    plan = service.plan(payments(2), path)
    with pytest.raises(InvalidRequest):
        plan.decide(1, request_id=None)
    plan.run(plan.phrase)
    for row in (1, 0, 3):
        with pytest.raises(InvalidRequest, match=f"row {row}"):
            plan.decide(row, request_id=None)


# Dying


def run_to_the_end(service: Service, path: Path, count: int) -> None:
    """Plan the same payments anew, as a new process does, and run them."""
    for _ in range(2):  # in the first run, a row may be in doubt that is found not to be there
        plan = service.plan(payments(count), path)
        plan.run(plan.phrase)
    assert states(plan) == ["sent"] * count


def test_every_moment_at_which_a_process_can_die(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service()
    watch_the_disk(monkeypatch, lambda: service.moments)
    plan = service.plan(payments(3), tmp_path / "whole.jsonl")
    plan.run(plan.phrase)
    moments = service.moments.names
    assert len(moments) == 3 + 3 * (3 + 2 + 3)
    for end_at, moment in enumerate(moments):
        path = tmp_path / f"{end_at}.jsonl"
        service = Service(moments=Moments(end_at))
        plan = service.plan(payments(3), path)
        with pytest.raises(Killed, match=moment):
            plan.run(plan.phrase)
        service.moments = Moments()
        if end_at <= 1:  # making the journal was cut short: nothing was sent, as the error says
            with pytest.raises(JournalDamaged, match="nothing was sent") if path.exists() else pytest.raises(Killed):
                service.plan(payments(3), path)
                raise Killed
            assert service.made == []
            path.unlink(missing_ok=True)
        run_to_the_end(service, path, 3)
        assert service.amounts() == [1, 2, 3], moment


@given(
    deaths=st.lists(st.integers(3, 60), max_size=6),
    acts=st.lists(st.sampled_from(["make", "lose", "limit", "unsent"]), max_size=12),
    count=st.integers(1, 8),
)
@settings(max_examples=100)
def test_no_payment_is_made_twice_or_lost(
    deaths: list[int], acts: list[str], count: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    errors: dict[str, Exception] = {
        "limit": RateLimited("used up", retry_after=1.0),
        "unsent": ConnectionFailed("no route"),
    }
    service = Service(acts=[errors.get(act, act) for act in acts])
    path = tmp_path_factory.mktemp("plan") / "plan.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        watch_the_disk(patch, lambda: service.moments)
        for end_at in [*deaths, *[None] * (len(acts) + 1)]:
            service.moments = Moments(end_at)
            plan = service.plan(payments(count), path)
            try:
                plan.run(plan.phrase)
            except (Killed, ConnectionFailed):
                assert len(service.made) == len(set(service.amounts()))
    assert service.amounts() == list(range(1, count + 1))
    assert states(plan) == ["sent"] * count


def test_an_interrupt_while_rows_are_checked_ends_their_threads(service: Service, path: Path) -> None:
    desk = service.desk()

    def interrupted(**_: object) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        plans.payments(service.connection(), replace(desk, make=interrupted), payments(3), journal=path)
    assert service.stopped
