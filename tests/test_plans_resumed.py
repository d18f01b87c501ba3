"""Plans that go on: what their journals may say, what is looked for before it is sent, and what is left to pay."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from paying import Service, forge, payments

from ledgerkit import plans
from ledgerkit.drafts import Check
from ledgerkit.errors import ConnectionFailed, InvalidRequest, NotFound, OutcomeUnknown
from ledgerkit.outcomes import Outcome
from ledgerkit.plans.journal import JournalDamaged
from ledgerkit.plans.sending import LONG_AGO


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plan.jsonl"


def begun(service: Service, path: Path, count: int, sent: int) -> plans.Plan:
    """A plan that stopped after some of its rows."""
    plan = service.plan(payments(count), path)
    service.acts = ["make"] * sent + [ConnectionFailed("no route")]
    with pytest.raises(ConnectionFailed):
        plan.run(plan.phrase)
    return plan


# A journal that somebody changed


def to_another(header: dict[str, Any]) -> None:
    header["rows"][1]["body"]["data"]["transaction_data"]["recipient"] = "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"


def more(header: dict[str, Any]) -> None:
    header["rows"][1]["body"]["data"]["transaction_data"]["amount"] = "2000"


def from_another(header: dict[str, Any]) -> None:
    header["rows"][1]["body"]["data"]["account_id"] = 3


@pytest.mark.parametrize(
    ("change", "field"), [(to_another, "recipient"), (more, "amount"), (from_another, "account_id")]
)
def test_a_journal_that_pays_anything_else_than_the_source_is_refused(
    service: Service, path: Path, change: Callable[[dict[str, Any]], None], field: str
) -> None:
    begun(service, path, 3, sent=1)
    forge(path, change)
    with pytest.raises(JournalDamaged, match=f"row 2 of .*`{field}`") as raised:
        service.plan(payments(3), path)
    assert raised.value.details == {"row": 2, "field": field}


def test_a_journal_with_a_row_more_than_the_source_is_refused(service: Service, path: Path) -> None:
    begun(service, path, 3, sent=1)
    forge(path, lambda header: header["rows"].append(header["rows"][0]))
    with pytest.raises(JournalDamaged, match="4 rows, and 3 are asked for"):
        service.plan(payments(3), path)


def test_a_journal_whose_row_does_not_carry_its_mark_is_refused_since_its_row_would_not_be_found(
    service: Service, path: Path
) -> None:
    begun(service, path, 3, sent=1)
    forge(path, lambda header: header["rows"][1].update(mark="lk-2222222222"))
    with pytest.raises(JournalDamaged, match=r"row 2 of .*lk-2222222222"):
        plans.payments(service.connection(), service.desk(), None, journal=path)


def test_a_row_that_can_not_be_held_against_the_source_is_not_sent(service: Service, path: Path) -> None:
    begun(service, path, 3, sent=1)

    def hidden(given: dict[str, Any]) -> dict[str, Any]:
        raise NotFound("no account 2.")

    plan = plans.payments(service.connection(), replace(service.desk(), expected=hidden), payments(3), journal=path)
    assert [problem[:6] for problem in plan.problems] == ["row 2:", "row 3:"]  # row 1 was sent


def test_the_rows_that_are_left_are_checked_again(service: Service, path: Path) -> None:
    plan = begun(service, path, 3, sent=1)
    seen: list[tuple[int, frozenset[str]]] = []

    def check(payload: Any, marks: frozenset[str]) -> list[Check]:
        seen.append((payload.amount, marks))
        return [Check("whitelist", "problem", f"not on it: {payload.amount}"), Check("address", "warning", "?")]

    desk = replace(service.desk(), check=check)
    again = plans.payments(service.connection(), desk, None, journal=path)
    assert again.problems == ["row 2: whitelist: not on it: 2", "row 3: whitelist: not on it: 3"]
    assert again.table()["warnings"].tolist() == [[], ["address: ?"], ["address: ?"]]
    assert sorted(seen) == [(amount, frozenset(plan.results()["mark"])) for amount in (2, 3)]
    with pytest.raises(InvalidRequest, match="2 of 3 rows have problems"):
        again.run(again.phrase)


def test_a_row_in_doubt_is_checked_too_and_looked_for_all_the_same(service: Service, path: Path) -> None:
    plan = service.plan(payments(1), path)
    service.acts = ["lose"]
    plan._desk = replace(plan._desk, find=lambda *_: Outcome("can't tell", "two carry the mark."))
    with pytest.raises(OutcomeUnknown):
        plan.run(plan.phrase)
    uncovered = replace(service.desk(), check=lambda payload, marks: [Check("balance", "problem", "it is gone")])
    again = plans.payments(service.connection(), uncovered, payments(1), journal=path)
    assert again.problems == []
    assert again.table()["warnings"].tolist() == [["balance: it is gone"]]
    assert again.run(again.phrase)["state"].tolist() == ["sent"]
    assert service.amounts() == [1]


def test_where_a_mark_can_not_be_looked_for_the_row_is_not_sent(service: Service, path: Path) -> None:
    begun(service, path, 3, sent=1)

    def unseen(mark: str) -> bool:
        raise NotFound("no transactions here.")

    desk = replace(service.desk(), seen=unseen)
    plan = plans.payments(service.connection(), desk, payments(3), journal=path)
    with pytest.raises(NotFound, match="row 2 was not sent, since whether it was before can't be seen"):
        plan.run(plan.phrase)
    assert service.amounts() == [1]


def test_the_balance_must_cover_what_is_left_alone(service: Service, path: Path) -> None:
    begun(service, path, 3, sent=1)
    service.available = 2 * 100 + 2 + 3
    assert service.plan(payments(3), path).problems == []
    service.available -= 1
    assert [problem[:15] for problem in service.plan(payments(3), path).problems] == ["row 3: balance:"]


# A journal that was replaced, or lost its end


def test_nothing_more_is_sent_once_the_journal_was_replaced(service: Service, path: Path) -> None:
    plan = service.plan(payments(3), path)
    post = service.post

    def replacing(payload: Any) -> pd.DataFrame:
        copy = path.with_name("copy")
        copy.write_bytes(path.read_bytes())
        copy.replace(path)
        return post(payload)

    service.post = replacing  # type: ignore[method-assign]  # a fault of the test in the place of the method
    with pytest.raises(JournalDamaged, match="replaced"):
        plan.run(plan.phrase)
    assert service.amounts() == [1]


def restored(service: Service, path: Path) -> plans.Plan:
    """A plan of 5 whose journal has one row as sent, as a backup does, where three were."""
    begun(service, path, 5, sent=1)
    backup = path.read_bytes()
    plan = service.plan(payments(5), path)
    service.acts = ["make", "make", ConnectionFailed("no route")]
    with pytest.raises(ConnectionFailed):
        plan.run(plan.phrase)
    path.write_bytes(backup)
    return service.plan(payments(5), path)


def test_rows_that_the_journal_lost_are_found_by_their_marks_and_not_sent_again(service: Service, path: Path) -> None:
    plan = restored(service, path)
    assert plan.results()["state"].tolist() == ["sent"] + ["planned"] * 4
    results = plan.run(plan.phrase)
    assert service.amounts() == [1, 2, 3, 4, 5]
    assert results["request_id"].tolist() == [1, 2, 3, 4, 5]


def test_rows_that_the_journal_lost_are_looked_for_in_all_the_time_before(service: Service, path: Path) -> None:
    plan, moments = restored(service, path), []
    find, answers = plan._desk.find, [Outcome("can't tell", "two carry the mark."), None, None]

    def noted(body: dict[str, Any], mark: str | None, sent_at: float) -> Outcome:
        moments.append(sent_at)
        return answers.pop(0) or find(body, mark, sent_at)

    plan._desk = replace(plan._desk, find=noted)
    with pytest.raises(OutcomeUnknown, match="row 2"):
        plan.run(plan.phrase)
    plan.run(plan.phrase)
    assert moments == [LONG_AGO] * 3
    assert service.amounts() == [1, 2, 3, 4, 5]


def test_a_plan_that_was_just_made_looks_for_nothing(service: Service, path: Path) -> None:
    plan = service.plan(payments(3), path)
    plan._desk = replace(plan._desk, seen=lambda mark: pytest.fail("nothing of it can be there"))
    plan.run(plan.phrase)
    assert service.amounts() == [1, 2, 3]


# What is told


def test_what_is_left_to_pay_is_summed_and_labelled_so(service: Service, path: Path) -> None:
    plan = begun(service, path, 3, sent=1)
    for one in (plan, service.plan(payments(3), path)):
        assert one.totals()["base_units"].tolist() == [5, 200]
        assert one.balances()["needed"].tolist() == [205]
        assert "Left to pay, 2 of 3 rows:" in repr(one)
        assert "Left to pay, 2 of 3 rows:" in one._repr_html_()
    fresh = service.plan(payments(3), path.with_name("fresh.jsonl"))
    assert "Left to pay" not in repr(fresh)


def test_a_finished_plan_shows_what_became_of_it(service: Service, path: Path) -> None:
    plan = service.plan(payments(3), path)
    plan.run(plan.phrase)
    for shown in (repr(plan), plan._repr_html_()):
        assert "request_id" in shown
        assert "Left to pay" not in shown
        assert "amount" not in shown


def test_rows_with_problems_come_first_one_line_each_and_few_of_the_others(service: Service, path: Path) -> None:
    frame = payments(30)
    frame["amount"] = frame["amount"].astype(object)
    frame.loc[[20, 24], "amount"] = "1 ETH"
    plan = service.plan(frame, path)
    plan._rows[20].problems.append("another.")
    _, wrong, good, *_ = repr(plan).split("\n\n")
    first, second = wrong.split("\n")
    assert first.startswith("row 21: `amount`")
    assert first.endswith("; another.")
    assert second.startswith("row 25: `amount`")
    said, header, *rows = good.split("\n")
    assert said == "10 of the rows without problems:"
    assert [int(row.split()[0]) for row in rows] == list(range(1, 11))
    assert "problems" not in header
    assert "warnings" not in header
    assert "Nothing is sent as it is: 2 of 30 rows have problems." in repr(plan)
    html = plan._repr_html_()
    assert html.index("row 25: ") < html.index("10 of the rows without problems:")


def test_the_lines_of_many_rows_with_problems_are_cut_short(service: Service, path: Path) -> None:
    service.available = 0
    plan = service.plan(payments(50), path)
    wrong = repr(plan).split("\n\n")[1].split("\n")
    assert len(wrong) == 21
    assert wrong[-1] == "30 more rows have problems"


def test_a_column_called_note_is_the_title_of_the_note(service: Service, path: Path) -> None:
    titles = []
    desk = service.desk()

    def make(*, note_title: str, **fields: Any) -> Any:
        titles.append(note_title)
        return desk.make(**fields)

    plans.payments(service.connection(), replace(desk, make=make), payments(1).assign(note="March"), journal=path)
    assert titles == ["March"]
    both = payments(1).assign(note="March", note_title="April")
    with pytest.raises(InvalidRequest, match="'note_title' is there twice"):
        service.plan(both, path)


def test_looking_for_a_lost_answer_is_told(service: Service, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = service.plan(payments(3), path)
    service.acts = ["make", "make", OutcomeUnknown("the answer was lost.")]
    with pytest.raises(OutcomeUnknown, match="Run the plan again: it looks again, and goes on"):
        plan.run(plan.phrase)
    assert "row 3: the answer was lost, looking for it\n" in capsys.readouterr().out
    plan.run(plan.phrase)
    assert "row 3: its outcome is not known, looking for it\n" in capsys.readouterr().out
