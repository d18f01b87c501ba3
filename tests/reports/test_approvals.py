"""The report on approvals: times from the votes as they were cast, and nothing told that is hidden."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from serving import Act, Reply, Seen, Server, in_turn, listing

import ledgerkit as lk
from ledgerkit.reports import Report
from reports.small_workspace import BTC, ETH, account, transaction, units, user, workspace

Connect = Callable[..., lk.Session]
Serve = Callable[..., Server]
MAY = ("2026-05-01", "2026-06-01")
DAY = "2026-05-10T"


def request(number: int, status: str = "APPROVED", **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "type": "CREATE_TRANSACTION",
        "status": status,
        "target_type": "TRANSACTION",
        "target_id": number + 100,
        "created_by": 1,
        "created_on": f"{DAY}10:00:00+00:00",
        "expires_at": "2026-05-17T10:00:00+00:00",
        **fields,
    }


def vote(user_id: int | None, time: str, kind: str = "APPROVE") -> dict[str, Any]:
    return {"type": kind, "created_on": f"{DAY}{time}+00:00", "user": {"id": user_id}}


def step(index: int, quorum: int, approvers: list[int | None], votes: list[Any], group: int | None = None) -> Any:
    return {
        "step_index": index,
        "quorum": quorum,
        "group": None if group is None else {"id": group},
        "approvers": [{"id": one} for one in approvers],
        "approvals": votes,
    }


def governance(number: int, steps: list[Any], current: int = 0) -> dict[str, Any]:
    return {"is_complete": True, "governance_steps": steps, "request": {"id": number, "current_step_index": current}}


@pytest.fixture
def report_on(serve: Serve, connect_to: Connect) -> Callable[..., Report]:
    def make(
        requests: list[Any], steps: dict[int, Any], *, answers: dict[str, Any] | None = None, **asked: Any
    ) -> Report:
        lists = {
            "/accounts": [account(1), account(2, currency="bitcoin", type="Bitcoin")],
            "/users": [user(number, is_api=False) for number in range(1, 5)],
            "/groups": [{"id": 7, "name": "Desk", "status": "ACTIVE", "members": [2, 3]}],
            "/transactions": [
                transaction(row["target_id"], type="SEND", amount=str(10**27 + 1), created_on=row["created_on"])
                for row in requests
            ],
        }
        told: dict[str, Any] = {"/accounts/1/currency": units(ETH), "/accounts/2/currency": units(BTC)}
        for number, found in steps.items():
            told[f"/requests/{number}/governance-status"] = (
                found if isinstance(found, Reply | dict) else governance(number, *found)
            )

        def of_requests(seen: Seen) -> Act:
            wanted = seen.query.get("status")
            return listing([row for row in requests if wanted is None or row["status"] in wanted])(seen)

        server = serve(workspace(lists, {**told, "/requests": of_requests, **(answers or {})}))
        return lk.reports.approvals(connect_to(server), *MAY, **asked)

    return make


def took(report: Report, stage: str, kind: str = "all types") -> Any:
    found = report["latency"]
    return found[(found["type"] == kind) & (found["stage"] == stage)].iloc[0]


def test_times_are_those_of_the_votes(report_on: Callable[..., Report]) -> None:
    first = [
        step(0, 1, [1], [vote(1, "10:05:00")]),
        # The quorum is met by the second vote, whatever comes later and in whichever order they are listed.
        step(1, 2, [2, 3, 4], [vote(4, "13:00:00"), vote(2, "10:35:00"), vote(3, "11:05:00")], group=7),
    ]
    report = report_on([request(1)], {1: (first,)})
    assert took(report, "step 0")["half_within"] == timedelta(minutes=5)
    assert took(report, "step 1")["half_within"] == timedelta(hours=1)
    # 13:00 is a vote beyond the quorum.
    assert took(report, "approved")["slowest"] == timedelta(hours=1, minutes=5)
    assert report["by_group"][["group_name", "told"]].to_numpy().tolist() == [["Desk", 1]]
    assert report["by_account"]["account_name"].tolist() == ["Account 1"]
    people = report["approvers"].set_index("user_id")
    assert people.loc[1, "of_own_requests"] == 1
    assert people.loc[1, "told"] == 0
    assert people.loc[3, "half_within"] == timedelta(hours=1)


def test_percentiles_are_times_that_occurred_and_say_of_how_many(report_on: Callable[..., Report]) -> None:
    minutes = [50, 10, 20, 30, 40, 1, 2, 3, 4, 5]
    steps = {
        number: ([step(0, 1, [1], [vote(1, f"10:{minute:02}:00")])],) for number, minute in enumerate(minutes, 1)
    }
    few = report_on([request(number) for number in range(1, 10)], steps)
    assert pd.isna(took(few, "approved")["nine_in_ten_within"])
    many = took(report_on([request(number) for number in range(1, 11)], steps), "approved")
    assert many["told"] == 10
    assert many["half_within"] == timedelta(minutes=5)
    assert many["nine_in_ten_within"] == timedelta(minutes=40)
    assert many["slowest"] == timedelta(minutes=50)


def test_hidden_steps_are_counted_as_not_told(report_on: Callable[..., Report]) -> None:
    steps = {
        1: ([step(0, 1, [1], [vote(1, "10:05:00")]), None],),
        2: ([],),
        3: ([step(0, 1, [1, None], [vote(None, "10:10:00")]), step(1, 1, [None], [vote(None, "10:30:00")])],),
    }
    report = report_on([request(1), request(2), request(3)], steps)
    row = took(report, "approved")
    assert (row["told"], row["not_told"]) == (1, 2)
    notes = report["requests"].set_index("request_id")["note"]
    assert notes[1] == "1 hidden steps"
    assert any("steps that this caller may not see" in note for note in report.notes)
    hidden = report["approvers"][report["approvers"]["user_id"].isna()].iloc[0]
    assert (hidden["user_name"], hidden["approvals"]) == ("hidden users", 2)
    assert pd.isna(hidden["waiting_now"])


def test_a_step_behind_a_hidden_one_has_no_beginning(report_on: Callable[..., Report]) -> None:
    behind = [step(0, 1, [1], []), step(1, 1, [2], [vote(2, "11:00:00")])]
    report = report_on([request(1)], {1: (behind,)})
    row = took(report, "step 1")
    assert (row["told"], row["not_told"]) == (0, 1)
    assert report["requests"]["note"].tolist() == ["approved, and yet not every step shows its quorum"]


def test_what_became_of_requests_is_counted_for_all_also_beyond_the_limit(report_on: Callable[..., Report]) -> None:
    states = ["APPROVED", "REJECTED", "EXPIRED", "BLOCKED", "SIGNED", "TELEPORTED"]
    rejected = ([step(0, 1, [1], [vote(1, "10:01:00")]), step(1, 1, [2], [vote(2, "10:31:00", "ABORT")])],)
    steps = dict.fromkeys(range(1, 7), rejected)
    report = report_on([request(number, state) for number, state in enumerate(states, 1)], steps, limit=5)
    assert report["outcomes"].set_index("status")["outcome"].to_dict() == {
        "APPROVED": "approved",
        "REJECTED": "rejected",
        "EXPIRED": "expired",
        "BLOCKED": "blocked",
        "SIGNED": "approved",
        "TELEPORTED": "not documented",
    }
    assert len(report["requests"]) == 5
    assert any("newest 5 of 6 requests" in note and "limit=6" in note for note in report.notes)
    assert took(report, "rejected")["half_within"] == timedelta(minutes=31)
    expired = report["requests"].set_index("status").loc["EXPIRED"]
    assert expired["took"] == timedelta(days=7)
    assert report["approvers"].set_index("user_id").loc[2, "rejections"] == 5


def test_the_inbox_says_who_is_waited_for(report_on: Callable[..., Report]) -> None:
    old = {"created_on": "2026-04-01T00:00:00+00:00", "expires_at": None}
    requests = [
        request(1, "PENDING_APPROVAL", **old),
        request(2, "PENDING_FIRST_APPROVAL"),
        request(3, "PENDING_APPROVAL"),
        request(4, "PENDING_REGISTRATION"),
        request(5, "PENDING_APPROVAL"),
    ]
    signed = step(0, 1, [1], [vote(1, "10:05:00")])
    steps = {
        1: ([signed, step(1, 3, [2, 3, None, None], [vote(2, "11:00:00"), vote(None, "12:00:00")], 7)], 1),
        2: ([step(0, 1, [1, 2], [])], 0),
        3: ([step(0, 1, [1, 2], [])], 0),
        4: ([signed], 0),
        5: ([signed, None], 1),
    }
    report = report_on(requests, steps)
    inbox = report["inbox"].set_index("request_id")
    assert inbox.index.tolist() == [1, 2, 3, 4, 5]
    assert inbox["waits_for"].tolist()[:4] == [
        "user-3, 1 hidden",
        "its creator user-1",
        "user-1, user-2",
        "the registration of a user",
    ]
    assert pd.isna(inbox["waits_for"].tolist()[4])
    assert inbox.loc[5, "note"] == "the step that it waits in is hidden"
    assert "nobody has approved it yet" in str(inbox.loc[3, "note"])
    assert (inbox.loc[1, "approvals"], inbox.loc[1, "quorum"], inbox.loc[1, "group_name"]) == (2, 3, "Desk")
    assert inbox["time_to_expiry"].isna().tolist() == [True, False, False, False, False]
    # Of before the period, and among its requests all the same not.
    assert 1 not in report["requests"]["request_id"].tolist()
    assert inbox["amount_base"].tolist() == [10**27 + 1] * 5
    assert inbox["amount"].tolist() == [Decimal("1000000000.000000000000000001")] * 5
    waiting = report["approvers"].set_index("user_id")["waiting_now"]
    assert (waiting[1], waiting[2], waiting[3]) == (2, 1, 1)


def test_an_amount_of_a_token_of_solana_is_not_shown_in_the_coin(report_on: Callable[..., Report]) -> None:
    row = request(1, "PENDING_APPROVAL")
    spl = [transaction(101, type="SEND_SPL_TOKEN_CHECKED", amount="5000000", created_on=row["created_on"])]
    report = report_on([row], {1: ([step(0, 1, [1], [])],)}, answers={"/transactions": listing(spl)})
    found = report["inbox"].iloc[0]
    assert found["amount_base"] == 5_000_000
    assert report["inbox"]["amount"].isna().all()
    assert "counts a token" in found["note"]


@pytest.mark.parametrize("status", [403, 404, 501])
def test_steps_that_can_not_be_had_are_rows_with_the_reason(report_on: Callable[..., Report], status: int) -> None:
    refusal = Reply({"message": "none of your business"}, status=status)
    steps = {1: refusal, 2: ([step(0, 1, [1], [vote(1, "10:05:00")])],), 3: refusal}
    report = report_on([request(1), request(2), request(3, "PENDING_APPROVAL")], steps)
    row = took(report, "approved")
    assert (row["told"], row["not_told"]) == (1, 1)
    assert any("steps of 2 requests could not be had" in note for note in report.notes)
    assert "none of your business" in str(report["inbox"]["note"].iloc[0])


@pytest.mark.parametrize("status", [403, 404, 501])
def test_where_no_steps_can_be_had_the_service_is_not_asked_for_each(
    serve: Serve, connect_to: Connect, status: int
) -> None:
    requests = [request(number) for number in range(1, 31)]
    refusal = Reply({"message": "not for you"}, status=status)
    answers: dict[str, Any] = {f"/requests/{number}/governance-status": refusal for number in range(1, 31)}
    server = serve(workspace({"/requests": requests}, answers))
    report = lk.reports.approvals(connect_to(server), *MAY)
    asked = {path for path in server.paths() if path.endswith("/governance-status")}
    assert len(asked) == 3
    assert any(
        "first 3 were refused, and 27 more not asked" in note and "not for you" in note for note in report.notes
    )
    assert report["requests"]["note"].notna().all()
    assert int(report["outcomes"]["requests"].sum()) == 30


def test_one_that_can_be_read_among_many_is_found(report_on: Callable[..., Report]) -> None:
    refusal = Reply({"message": "no"}, status=403)
    signed = ([step(0, 1, [1], [vote(1, "10:05:00")])],)
    steps = {number: signed if number == 15 else refusal for number in range(1, 31)}
    requests = [request(number) for number in range(1, 31)]
    middle = report_on(requests, steps)
    assert took(middle, "approved")[["told", "not_told"]].tolist() == [1, 29]


def test_without_users_accounts_have_their_names_and_amounts(
    report_on: Callable[..., Report],
) -> None:
    refusal = Reply({"message": "no"}, status=403)
    signed = step(0, 1, [1], [vote(1, "10:05:00")])
    steps = {1: ([signed],), 2: ([signed, step(1, 1, [2], [], 7)], 1)}
    report = report_on([request(1), request(2, "PENDING_APPROVAL")], steps, answers={"/users": refusal})
    assert report["by_account"][["account_name", "told"]].to_numpy().tolist() == [["Account 1", 1]]
    waits = report["inbox"].iloc[0]
    assert (waits["waits_for"], waits["group_name"]) == ("user 2", "Desk")
    assert waits["amount"] == Decimal("1000000000.000000000000000001")
    assert any(note.startswith("Without the names of users") for note in report.notes)


def test_without_units_amounts_are_there_in_base_units(report_on: Callable[..., Report]) -> None:
    refusal = Reply({"message": "no"}, status=403)
    steps = {1: ([step(0, 1, [1], [])],)}
    report = report_on([request(1, "PENDING_APPROVAL")], steps, answers={"/accounts": refusal})
    assert report["inbox"]["amount_base"].tolist() == [10**27 + 1]
    assert report["inbox"]["account_id"].tolist() == [1]


def test_a_rate_limit_is_waited_for_and_no_step_is_missing(report_on: Callable[..., Report]) -> None:
    signed = governance(1, [step(0, 1, [1], [vote(1, "10:05:00")])])
    busy = Reply({"message": "calm down"}, status=420, headers={"Retry-After": "7"})
    turns = in_turn(busy, Reply(signed))
    report = report_on([request(1)], {}, answers={"/requests/1/governance-status": turns})
    assert took(report, "approved")["told"] == 1


def test_without_transactions_there_is_a_report(report_on: Callable[..., Report]) -> None:
    refusal = Reply({"message": "no"}, status=403)
    steps = {1: ([step(0, 1, [1], [vote(1, "10:05:00")])],)}
    report = report_on([request(1)], steps, answers={"/transactions": refusal, "/users": refusal})
    assert any(note.startswith("Without the accounts and amounts of transactions") for note in report.notes)
    assert took(report, "approved")["told"] == 1
    assert report["requests"]["account_name"].isna().all()


def test_what_waits_beyond_the_limit_is_there_without_its_steps(report_on: Callable[..., Report]) -> None:
    requests = [request(number, "PENDING_APPROVAL") for number in (1, 2, 3)]
    steps = {number: ([step(0, 1, [1], [])],) for number in (1, 2, 3)}
    report = report_on(requests, steps, limit=1)
    # The newest of the period and the oldest that waits are asked for.
    assert report["inbox"]["waits_for"].notna().tolist() == [True, False, True]
    assert any("Of 3 requests that wait" in note for note in report.notes)


def test_on_the_sandbox_every_request_is_counted_and_the_empty_frames_match(
    session: lk.Session, tmp_path: Path
) -> None:
    report = lk.reports.approvals(session, "2026-01-01", limit=50)
    answer = session.raw("GET", "/requests", params={"created_after": "2026-01-01T00:00:00Z", "page_size": "1"})
    assert int(report["outcomes"]["requests"].sum()) == answer["page_info"]["count"]
    pending = ["PENDING_APPROVAL", "PENDING_FIRST_APPROVAL", "PENDING_REGISTRATION"]
    waiting = session.raw("GET", "/requests", params={"status": pending, "page_size": "1"})
    assert len(report["inbox"]) == waiting["page_info"]["count"]
    assert (report["inbox"]["age"] >= timedelta(0)).all()
    number = int(report["requests"]["request_id"].iloc[-1])
    raw = session.raw("GET", f"/requests/{number}/governance-status")
    assert len(raw["governance_steps"]) == int((report["steps"]["request_id"] == number).sum())
    empty = lk.reports.approvals(session, "2020-01-01", "2020-02-01")
    for name, frame in report.tables.items():
        assert empty[name].dtypes.equals(frame.dtypes), name
    for name in report.drawings:
        assert "<svg" in report.chart(name).svg()
        assert "<svg" in empty.chart(name).svg()
    assert report.to_excel(tmp_path / "approvals.xlsx").exists()


def test_nothing_at_all(report_on: Callable[..., Report]) -> None:
    report = report_on([], {})
    assert all(len(frame) == 0 for frame in report.tables.values())
    assert "Nothing waits" in repr(report.chart("inbox"))


@pytest.mark.parametrize("limit", [0, -1, True, "all"])
def test_a_limit_that_is_none(session: lk.Session, limit: Any) -> None:
    with pytest.raises(lk.InvalidRequest, match="limit"):
        lk.reports.approvals(session, "2026-01-01", limit=limit)
