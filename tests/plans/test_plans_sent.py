"""Plans: one confirmation, then each row once and in order; the same plan again sends nothing twice."""

from pathlib import Path
from typing import Any

import pytest
from paying import RECIPIENT, Service, forge, payments, states

from ledgerkit import plans
from ledgerkit.errors import (
    ConnectionFailed,
    InvalidRequest,
    PermissionDenied,
)
from ledgerkit.plans import journal as journals
from ledgerkit.plans.journal import JournalInUse


def operator(subject: str | None, key: str = "04AB") -> Any:
    return type("Operator", (), {"subject": lambda self: subject, "claimed": lambda self: key})()


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
    connection.operator = operator("somebody else")
    with pytest.raises(InvalidRequest, match="`user`"):
        plans.payments(connection, service.desk(), payments(2), journal=path)


def test_the_journal_of_a_user_whose_key_pair_was_replaced_is_gone_on_with(service: Service, path: Path) -> None:
    mine, anew = service.connection(), service.connection()
    mine.operator, anew.operator = operator("me", "04AB"), operator("me", "04CD")
    plan = plans.payments(mine, service.desk(), payments(3), journal=path)
    service.acts = ["make", ConnectionFailed("no route")]
    with pytest.raises(ConnectionFailed):
        plan.run(plan.phrase)
    for source in (None, payments(3)):
        resumed = plans.payments(anew, service.desk(), source, journal=path)
        assert resumed.phrase.startswith("send 2 ")
    resumed.run(resumed.phrase)
    assert service.amounts() == [1, 2, 3]


def test_a_journal_of_the_first_version_names_the_key_of_its_user(service: Service, path: Path) -> None:
    plan = service.plan(payments(2), path)
    plan.run(plan.phrase)
    forge(path, lambda header: header.update(version=1, user="04AB"))
    same, other = service.connection(), service.connection()
    same.operator, other.operator = operator("me", "04AB"), operator("04AB", "04CD")
    assert plans.payments(same, service.desk(), payments(2), journal=path).results()["state"].tolist() == ["sent"] * 2
    with pytest.raises(InvalidRequest, match="`user`"):
        plans.payments(other, service.desk(), payments(2), journal=path)


def test_where_a_token_names_no_subject_its_key_tells_the_user(service: Service, path: Path) -> None:
    mine, other = service.connection(), service.connection()
    mine.operator, other.operator = operator(None, "04AB"), operator(None, "04CD")
    plan = plans.payments(mine, service.desk(), payments(1), journal=path)
    plan.run(plan.phrase)
    with pytest.raises(InvalidRequest, match="`user`"):
        plans.payments(other, service.desk(), None, journal=path)


def test_a_colleague_who_plans_the_same_file_is_refused_by_its_journal(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "march.csv"
    file.write_text(f"account,recipient,amount\n2,{RECIPIENT},0.5 BTC\n")
    plan = plans.payments(service.connection(), service.desk(), file)
    plan.run(plan.phrase)
    colleague = service.connection()
    colleague.operator = operator("a colleague")
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
