"""Plans: all rows checked first, one confirmation, and no row sent twice or lost, whatever dies on the way."""

import os
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paying import RECIPIENT, Killed, Moments, Service, accounts, payments, watch_the_disk

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
from ledgerkit.plans.journal import JournalDamaged, JournalInUse


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plan.jsonl"


def states(plan: plans.Plan) -> list[str]:
    return plan.results()["state"].tolist()


def one(**changes: Any) -> pd.DataFrame:
    return pd.DataFrame([{"account": 2, "recipient": RECIPIENT, "amount": "0.5 BTC", **changes}])


# Sending


def test_a_confirmed_plan_sends_each_row_once_and_in_order(service: Service, path: Path) -> None:
    plan = service.plan(payments(5), path)
    results = plan.run(plan.phrase)
    assert service.amounts() == [1, 2, 3, 4, 5]
    assert results["request_id"].tolist() == [1, 2, 3, 4, 5]
    assert results["state"].tolist() == ["sent"] * 5
    assert results["mark"].tolist() == [made["note"]["content"] for made in service.made]


def test_the_phrase_names_the_count_and_the_plan(service: Service, path: Path) -> None:
    plan = service.plan(payments(3), path)
    assert plan.phrase == f"send 3 {plan.digest[:6]}"
    assert plan.phrase in repr(plan)


@pytest.mark.parametrize("said", ["", "yes", "send 3", "send 2 {digest}", "SEND 3 {digest}", "send 3 000000"])
def test_any_other_phrase_sends_nothing_and_leaves_no_journal(service: Service, path: Path, said: str) -> None:
    plan = service.plan(payments(3), path)
    with pytest.raises(InvalidRequest, match="nothing was sent"):
        plan.run(said.format(digest=plan.digest[:6]))
    assert service.made == []
    assert not path.exists()


def test_without_a_phrase_it_shows_the_plan_and_asks(
    service: Service, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = service.plan(payments(2), path)
    phrase, asked = plan.phrase, []

    def answer(prompt: str) -> str:
        asked.append(prompt)
        return phrase

    monkeypatch.setattr("builtins.input", answer)
    plan.run()
    assert asked == [f'Type "{phrase}" to send 2 requests: ']
    assert RECIPIENT in capsys.readouterr().out
    assert len(service.made) == 2


def test_where_nobody_can_be_asked_nothing_is_sent(
    service: Service, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", nobody)
    with pytest.raises(InvalidRequest, match="nobody can be asked"):
        service.plan(payments(2), path).run()
    assert service.made == []


def test_a_session_that_reads_only_is_told_before_it_is_asked(service: Service, path: Path) -> None:
    connection = service.connection()

    def refuse(call: str) -> None:
        raise PermissionDenied("this session reads only", call=call)

    connection.check_writes = refuse
    plan = plans.payments(connection, service.desk(), payments(2), journal=path)
    with pytest.raises(PermissionDenied):
        plan.run()
    assert not path.exists()


# Again


def test_running_it_again_sends_nothing_twice(service: Service, path: Path) -> None:
    plan = service.plan(payments(3), path)
    plan.run(plan.phrase)
    assert states(plan) == ["sent"] * 3
    plan.run()  # asks for nothing, since nothing is left
    again = service.plan(payments(3), path)
    again.run()
    assert service.amounts() == [1, 2, 3]


def test_the_same_file_planned_again_finds_its_journal_beside_it(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "march.csv"
    file.write_text(f"account,recipient,amount\n2,{RECIPIENT},0.5 BTC\n")
    plan = plans.payments(service.connection(), service.desk(), file)
    plan.run(plan.phrase)
    again = plans.payments(service.connection(), service.desk(), file)
    assert again.path.parent == tmp_path
    assert again.path == plan.path
    again.run()
    assert len(service.made) == 1


def test_the_same_frame_planned_again_finds_its_journal_in_the_working_directory(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = plans.payments(service.connection(), service.desk(), payments(2))
    plan.run(plan.phrase)
    again = plans.payments(service.connection(), service.desk(), payments(2))
    assert again.path == plan.path
    assert again.results()["state"].tolist() == ["sent", "sent"]
    other = plans.payments(service.connection(), service.desk(), payments(3))
    assert other.path != plan.path


def test_without_rows_the_journal_must_be_named_and_there(service: Service, path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"give the rows, .* or the `journal`"):
        plans.payments(service.connection(), service.desk(), None)
    with pytest.raises(InvalidRequest, match=r"plan\.jsonl can't be opened"):
        plans.payments(service.connection(), service.desk(), None, journal=path)


def test_the_journal_of_accounts_is_not_gone_on_with_as_payments(service: Service, path: Path) -> None:
    plan = account_plan(service, path, 1)
    plan.run(plan.phrase)
    with pytest.raises(InvalidRequest, match="another kind of plan"):
        plans.payments(service.connection(), service.desk(), None, journal=path)


def test_a_plan_is_resumed_from_its_journal_alone_with_the_same_marks(service: Service, path: Path) -> None:
    plan = service.plan(payments(3), path)
    service.acts = ["make", ConnectionFailed("no route")]
    with pytest.raises(ConnectionFailed, match="row 2 was not sent"):
        plan.run(plan.phrase)
    resumed = plans.payments(service.connection(), service.desk(), None, journal=path)
    assert resumed.phrase.startswith("send 2 ")
    resumed.run(resumed.phrase)
    assert service.amounts() == [1, 2, 3]
    assert resumed.results()["mark"].tolist() == plan.results()["mark"].tolist()


@pytest.mark.parametrize("origin", [{"workspace": "other"}, {"base_url": "http://127.0.0.1:2"}])
def test_the_journal_of_another_place_is_refused(service: Service, path: Path, origin: dict[str, str]) -> None:
    plan = service.plan(payments(2), path)
    plan.run(plan.phrase)
    with pytest.raises(InvalidRequest, match=f"`{next(iter(origin))}`"):
        plans.payments(service.connection(**origin), service.desk(), payments(2), journal=path)


def test_the_journal_of_another_user_is_refused_who_would_not_find_what_was_sent(
    service: Service, path: Path
) -> None:
    plan = service.plan(payments(2), path)
    plan.run(plan.phrase)
    connection = service.connection()
    connection.operator = type("Operator", (), {"claimed": lambda self: "04AB"})()
    with pytest.raises(InvalidRequest, match="`user`"):
        plans.payments(connection, service.desk(), payments(2), journal=path)


def test_a_colleague_who_plans_the_same_file_is_refused_by_its_journal(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "march.csv"
    file.write_text(f"account,recipient,amount\n2,{RECIPIENT},0.5 BTC\n")
    plan = plans.payments(service.connection(), service.desk(), file)
    plan.run(plan.phrase)
    colleague = service.connection()
    colleague.operator = type("Operator", (), {"claimed": lambda self: "04AB"})()
    with pytest.raises(InvalidRequest, match="`user`"):
        plans.payments(colleague, service.desk(), file)


def test_the_journal_of_other_payments_is_refused(service: Service, path: Path) -> None:
    plan = service.plan(payments(2), path)
    plan.run(plan.phrase)
    with pytest.raises(InvalidRequest, match="another plan"):
        service.plan(payments(3), path)


def test_without_its_journal_a_plan_that_was_begun_sends_nothing(service: Service, path: Path) -> None:
    plan = service.plan(payments(2), path)
    service.acts = ["make", ConnectionFailed("no route")]
    with pytest.raises(ConnectionFailed):
        plan.run(plan.phrase)
    path.unlink()
    with pytest.raises(InvalidRequest, match="stands nowhere else"):
        plan.run(plan.phrase)
    assert service.amounts() == [1]


def test_the_journal_of_the_same_payments_with_other_marks_is_not_taken_for_its_own(
    service: Service, path: Path
) -> None:
    plan = service.plan(payments(2), path)
    service.acts = ["make", ConnectionFailed("no route"), ConnectionFailed("no route")]
    with pytest.raises(ConnectionFailed):
        plan.run(plan.phrase)
    path.unlink()
    other = service.plan(payments(2), path)
    with pytest.raises(ConnectionFailed):
        other.run(other.phrase)
    with pytest.raises(InvalidRequest, match="another plan"):
        plan.run(plan.phrase)
    assert service.amounts() == [1]


def test_a_journal_that_appeared_since_the_plan_was_made_is_not_taken_for_its_own(
    service: Service, path: Path
) -> None:
    first, second = service.plan(payments(2), path), service.plan(payments(2), path)
    first.run(first.phrase)
    with pytest.raises(InvalidRequest, match="Make the plan anew"):
        second.run(second.phrase)
    assert len(service.made) == 2


def test_two_can_not_run_one_plan(service: Service, path: Path) -> None:
    plan = service.plan(payments(2), path)
    service.acts = [ConnectionFailed("no route")]
    with pytest.raises(ConnectionFailed):
        plan.run(plan.phrase)
    with journals.read(path).held(), pytest.raises(JournalInUse):
        plan.run(plan.phrase)
    assert service.made == []


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

    service.post, post = full, service.post  # type: ignore[method-assign]
    with pytest.raises(InvalidRequest, match="as many as the service takes"):
        plan.run(plan.phrase)
    assert states(plan) == ["planned", "planned"]
    service.post, service.pending = post, 0  # type: ignore[method-assign]
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

    service.post, post = refuse, service.post  # type: ignore[method-assign]
    with pytest.raises(InvalidRequest, match=r"row 1 was refused.*whitelist"):
        plan.run(plan.phrase)
    assert [row.state for row in journals.read(path).rows] == ["refused", "planned", "planned"]
    service.post, service.faults = post, {}  # type: ignore[method-assign]
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
@settings(deadline=None, max_examples=100)
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


# Accounts


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

    service.post = slow  # type: ignore[method-assign]
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


# Rows


def test_a_csv_file_is_read_as_text_so_that_no_digit_is_lost(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "payments.csv"
    file.write_text(
        f'account,recipient,amount\n2,{RECIPIENT},"0.10000001 BTC"\n\n2,{RECIPIENT},3 satoshi\n', "utf-8-sig"
    )
    plan = service.plan(file, tmp_path / "plan.jsonl")
    assert plan.table()["amount"].tolist() == [10_000_001, 3]


@pytest.mark.parametrize("amount", [0.5, 1.0, float("inf")])
def test_a_float_is_refused_by_name_and_row(service: Service, path: Path, amount: float) -> None:
    frame = pd.concat([one(), one(amount=amount)], ignore_index=True)
    with pytest.raises(InvalidRequest, match=r"row 2: `amount` = .* is a float"):
        service.plan(frame, path)


def test_exact_values_of_a_frame_are_taken_as_they_are(service: Service, path: Path) -> None:
    frame = pd.concat([one(amount=Decimal("0.1")), one(amount=7), one(amount="2 satoshi", account="2")])
    plan = service.plan(frame, path)
    assert plan.table()["amount"].tolist() == [10_000_000, 7, 2]
    assert all(type(amount) is int for amount in plan.table()["amount"])


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (one(acount=3), "no column 'acount'. Did you mean 'account'"),
        (one(nonsense=3), "no column 'nonsense'. There are account, recipient"),
        (one().drop(columns="amount"), "column amount is missing"),
        (one(amount=None), "row 1 has no amount"),
        (one(recipient=""), "row 1 has no recipient"),
        (one(amount=True), "is a bool"),
        (one().head(0), "no rows"),
    ],
)
def test_what_is_wrong_with_a_frame_is_said(service: Service, path: Path, frame: pd.DataFrame, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        service.plan(frame, path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("account,recipient,amount\n2,tb1q,1,5 BTC\n", "row 1 of .* has 4 values"),
        ("account,account,recipient,amount\n2,2,tb1q,5\n", "'account' is there twice"),
        ("account;recipient;amount\n", "no column"),
        ('account,recipient,amount\n2,"tb1q,1 BTC\n', "no CSV file"),
        ("", "missing"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(service: Service, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "payments.csv"
    file.write_text(text)
    with pytest.raises(InvalidRequest, match=said):
        service.plan(file, tmp_path / "plan.jsonl")


def test_a_file_that_is_not_there_is_named(service: Service, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"none\.csv can't be used"):
        service.plan(tmp_path / "none.csv", tmp_path / "plan.jsonl")


# Checks


def test_all_problems_of_all_rows_are_told_and_nothing_is_sent(service: Service, path: Path) -> None:
    frame = pd.concat([one(amount="1 ETH"), one(), one(amount="0.123456789 BTC")], ignore_index=True)
    plan = service.plan(frame, path)
    assert [bool(problems) for problems in plan.table()["problems"]] == [True, False, True]
    with pytest.raises(InvalidRequest, match="nothing was sent: 2 of 3 rows have problems"):
        plan.run(plan.phrase)
    assert service.made == []
    assert not path.exists()


def test_what_is_said_of_problems_has_one_full_stop_after_each(service: Service, path: Path) -> None:
    plan = service.plan(pd.concat([one(amount="1 ETH"), one(amount="2 ETH")]), path)
    plan._rows[0].problems, plan._rows[1].problems = ["it is wrong."], ["so is this"]
    with pytest.raises(InvalidRequest) as raised:
        plan.run(plan.phrase)
    assert raised.value.message == (
        "nothing was sent: 2 of 2 rows have problems. row 1: it is wrong; row 2: so is this. plan.problems has them "
        "all."
    )


def test_the_same_payment_twice_must_be_meant(service: Service, path: Path) -> None:
    twice = pd.concat([one(), one(recipient=RECIPIENT.upper(), amount=50_000_000)], ignore_index=True)
    plan = service.plan(twice, path)
    assert plan.problems[0].startswith("row 2: it is the same as row 1")
    allowed = service.plan(twice, path, allow_duplicates=True)
    assert allowed.problems == []
    allowed.run(allowed.phrase)
    assert service.amounts() == [50_000_000, 50_000_000]


def test_the_balance_covers_all_rows_and_their_fees_together(service: Service, path: Path) -> None:
    service.available = 3 * 100 + 1 + 2 + 3  # fees of 100 each
    assert service.plan(payments(3), path).problems == []
    service.available -= 1
    plan = service.plan(payments(3), path)
    assert [problem[:6] for problem in plan.problems] == ["row 3:"]
    assert plan.balances().to_dict("records") == [
        {"account_id": 2, "needed": 306, "available": 305, "fees_not_known": 0}
    ]


def test_where_a_balance_is_not_told_each_row_says_so(service: Service, path: Path) -> None:
    service.available = pd.NA
    plan = service.plan(payments(2), path)
    assert plan.problems == []
    assert plan.table()["warnings"].tolist() == [["balance: what account 2 has available can't be told"]] * 2
    assert plan.balances().to_dict("records") == [
        {"account_id": 2, "needed": 203, "available": None, "fees_not_known": 0}
    ]


def test_an_account_that_can_not_be_seen_is_summed_in_base_units_alone(service: Service, path: Path) -> None:
    service.hidden = frozenset({2})
    plan = service.plan(payments(2), path)
    assert plan.totals()["base_units"].tolist() == [3, 200]
    assert plan.totals()["display"].tolist() == [None, None]
    assert plan.balances()["available"].tolist() == [None]


def test_totals_are_exact_in_base_units_and_display_units(service: Service, path: Path) -> None:
    frame = pd.concat([one(amount=2**60 + 1), one(amount=2**60)], ignore_index=True)
    service.available = 2**70
    totals = service.plan(frame, path).totals().set_index("of")
    assert totals["base_units"]["amount"] == 2**61 + 1
    assert totals["display"]["amount"] == Decimal(2**61 + 1).scaleb(-8)
    assert totals["base_units"]["fees, at most"] == 200
    assert set(totals["ticker"]) == {"BTC"}


def test_whole_addresses_and_the_phrase_are_shown_and_nothing_is_html_that_is_text(
    service: Service, path: Path
) -> None:
    plan = service.plan(one(amount="<b>1</b> BTC"), path)
    assert "<b>1" not in plan._repr_html_()
    shown = service.plan(payments(2), path)
    for text in (repr(shown), shown._repr_html_()):
        assert RECIPIENT in text
        assert "LOCAL" in text
    assert shown.phrase in repr(shown)


def test_of_a_long_plan_its_two_ends_and_what_is_wrong_are_shown(service: Service, path: Path) -> None:
    plan = service.plan(payments(500), path)
    plan._rows[299].warnings.append("look at it")
    marks = plan.table()["mark"].tolist()
    for shown in (repr(plan), plan._repr_html_()):
        assert len(shown) < 30_000
        assert "460 rows are between, 1 of them with warnings; plan.table() has all." in shown
        assert [mark in shown for mark in marks] == [True] * 20 + [False] * 460 + [True] * 20


def test_a_name_from_the_service_can_not_draw_a_line_of_its_own(service: Service, path: Path) -> None:
    plan = service.plan(payments(1), path)
    plan._rows[0].warnings.append("account \u202eX\nTo send 1 requests: $\\rlap{x}$")
    assert "\nTo send 1 requests: $" not in repr(plan)
    assert "\u202e" not in repr(plan) + plan._repr_html_()
    assert "mathjax_ignore" in plan._repr_html_()


def test_a_journal_in_no_folder_is_refused_before_anything_else(service: Service, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="no such folder"):
        service.plan(payments(1), tmp_path / "none" / "plan.jsonl")
