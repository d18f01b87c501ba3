"""The report on API users and reporting keys: who there is, what they did last, and what to look at."""

import email.utils
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from serving import Act, Reply, Seen, Server, listing

import ledgerkit as lk
from reports.small_workspace import ETH, account, units, user, workspace

Connect = Callable[..., lk.Session]
Serve = Callable[..., Server]


def days_ago(days: float) -> str:
    return (pd.Timestamp.now(tz="UTC") - pd.Timedelta(days=days)).isoformat()


def clock_of_the_service(ahead: float = 0.0) -> Reply:
    """An answer with a date: reports go by it, whatever the clock here says."""
    moment = pd.Timestamp.now(tz="UTC") + pd.Timedelta(days=ahead)
    return Reply({"name": "Acme"}, headers={"Date": email.utils.format_datetime(moment.to_pydatetime(), usegmt=True)})


def step(**fields: Any) -> dict[str, Any]:
    return {"quorum": 1, **fields}


def ruled(number: int, *steps: Any, **fields: Any) -> dict[str, Any]:
    rules = [{"type": "MULTI_AUTHORIZATIONS", "data": list(steps)}]
    return account(number, governance_rules=[{"index": 0, "name": "Payments", "rules": rules}], **fields)


def group(number: int, *members: int | None, status: str = "ACTIVE") -> dict[str, Any]:
    return {"id": number, "name": f"Group {number}", "status": status, "members": list(members), "created_on": None}


def request(number: int, on: str, **fields: Any) -> dict[str, Any]:
    return {"id": number, "type": "CREATE_TRANSACTION", "status": "APPROVED", "created_on": on, **fields}


def report_on(
    serve: Serve,
    connect_to: Connect,
    users: list[dict[str, Any]],
    *,
    accounts: list[dict[str, Any]] | None = None,
    groups: list[dict[str, Any]] | None = None,
    did: dict[tuple[str, int], dict[str, Any]] | None = None,
    answers: dict[str, Any] | None = None,
    **asked: Any,
) -> Any:
    def requests(seen: Seen) -> Act:
        for (way, who), row in (did or {}).items():
            if seen.query.get(way) == [str(who)]:
                return listing([row])(seen)
        return listing([])(seen)

    lists = {"/users": users, "/accounts": accounts or [], "/groups": groups or []}
    histories: dict[str, Any] = {f"/users/{one['id']}/history": {"history": []} for one in users}
    told = {
        "/organization": clock_of_the_service(),
        "/requests": requests,
        "/accounts/1/currency": units(ETH),
        **histories,
        **(answers or {}),
    }
    return lk.reports.api_users(connect_to(serve(workspace(lists, told))), **asked)


def found(report: lk.reports.Report, user_id: int) -> set[str]:
    findings = report["findings"]
    return set(findings.loc[findings["user_id"] == user_id, "finding"])


def test_the_sandbox_shows_every_api_user_and_key(session: lk.Session) -> None:
    report = lk.reports.api_users(session)
    raw = session.raw("GET", "/users", params={"page_size": "100"})["edges"]
    machines = {one["node"]["id"]: one["node"]["status"] for one in raw if one["node"]["is_api"]}
    assert report["users"].set_index("user_id")["status"].to_dict() == machines
    users: Any = report["users"].set_index("username")
    newest = session.raw("GET", "/requests", params={"created_by": "27", "page_size": "1", "order": "desc"})
    assert users.loc["api-operator", "last_created_request"] == newest["edges"][0]["node"]["id"]
    assert users.loc["reporting-all", ["last_seen_by", "entities"]].tolist() == ["not told by the API"] * 2
    assert users.loc["api-trading-desk", "groups"] == "Trading Desk"
    assert "administrator by API" in found(report, int(users.loc["api-administrator", "user_id"]))
    assert {"pending"} == found(report, int(users.loc["reporting-board", "user_id"]))


def test_no_key_and_no_secret_is_in_any_table(serve: Serve, connect_to: Connect, tmp_path: Path) -> None:
    report = report_on(serve, connect_to, [user(1), user(2, role="READ_ONLY_API_KEY")])
    everything = " ".join(frame.to_csv() for frame in report.tables.values())
    everything += report.to_html(tmp_path / "a.html").read_text(encoding="utf-8")
    for secret in ("secret-key-handle", "04secretpublickey", "5CA88C5165CF3640", "canary-reporting-key"):
        assert secret not in everything


def test_people_are_not_in_it_and_unclear_ones_are_told(serve: Serve, connect_to: Connect) -> None:
    report = report_on(serve, connect_to, [user(1), user(2, is_api=False), user(3, is_api=None)])
    assert report["users"]["user_id"].tolist() == [1]
    assert any("Of 1 user the service does not say" in note for note in report.notes)


@pytest.mark.parametrize(
    ("last", "unused"), [(None, True), (89.9, False), (90.1, True), (0.5, False)], ids=["never", "89", "90", "today"]
)
def test_an_active_user_without_a_request_for_ninety_days_is_unused(
    serve: Serve, connect_to: Connect, last: float | None, unused: bool
) -> None:
    did = {} if last is None else {("created_by", 1): request(9, days_ago(last))}
    report = report_on(serve, connect_to, [user(1)], did=did)
    assert ("active and unused" in found(report, 1)) is unused


def test_days_are_counted_by_the_clock_of_the_service(serve: Serve, connect_to: Connect) -> None:
    did = {("created_by", 1): request(9, days_ago(10.5))}
    ahead = {"/organization": clock_of_the_service(ahead=100)}
    report = report_on(serve, connect_to, [user(1)], did=did, answers=ahead)
    assert report["users"]["days_since"].tolist() == [110]
    assert "active and unused" in found(report, 1)


def test_a_new_user_is_not_unused_yet(serve: Serve, connect_to: Connect) -> None:
    report = report_on(serve, connect_to, [user(1, created_on=days_ago(5))])
    assert "active and unused" not in found(report, 1)
    assert "active and unused" in found(
        report_on(serve, connect_to, [user(1, created_on=days_ago(5))], unused_days=3), 1
    )


def test_a_vote_is_dated_by_the_vote(serve: Serve, connect_to: Connect) -> None:
    voted = days_ago(2)
    step_of = {
        "step_index": 0,
        "quorum": 1,
        "group": {"id": 1},
        "approvers": [{"id": None}],
        "approvals": [
            {"type": "APPROVE", "created_on": days_ago(1), "user": {"id": None}},
            {"type": "APPROVE", "created_on": voted, "user": {"id": 1}},
        ],
    }
    status = {"is_complete": True, "governance_steps": [step_of], "request": {"id": 9}}
    report = report_on(
        serve,
        connect_to,
        [user(1)],
        did={("approved_by", 1): request(9, days_ago(95))},
        answers={"/requests/9/governance-status": status},
    )
    (row,) = report["users"].to_dict("records")
    assert row["last_voted_on"] == pd.Timestamp(voted)
    assert row["last_seen_by"] == "voted on request 9"
    assert "active and unused" not in found(report, 1)


def test_without_activity_nobody_is_called_unused(serve: Serve, connect_to: Connect) -> None:
    report = report_on(serve, connect_to, [user(1)], answers={"/requests": Reply({"message": "no"}, status=403)})
    assert "active and unused" not in found(report, 1)
    assert report["users"]["last_seen_by"].tolist() == ["could not be had"]
    assert any("Without the activity" in note for note in report.notes)


def test_api_users_that_need_no_person(serve: Serve, connect_to: Connect) -> None:
    users = [user(1), user(2), user(3, is_api=False)]
    accounts = [
        ruled(1, step(users=[1, 3]), step(users=[2, 3])),
        ruled(2, step(users=[1]), step(users=[3])),
        ruled(3, step(users=[1]), step(users=[2, 3], quorum=2)),
    ]
    report = report_on(serve, connect_to, users, accounts=accounts)
    serious = report["findings"][report["findings"]["finding"] == "moves money without a person"]
    assert serious["user_id"].tolist() == [1, 2]
    assert serious["places"].tolist() == [1, 1]
    assert serious["what"].str.contains("Account 1, Payments").all()
    rights = report["rights"]
    assert set(rights.loc[rights["api_users_alone"], "account_id"]) == {1}


def test_the_only_approver_of_a_step_and_one_that_creates_too(serve: Serve, connect_to: Connect) -> None:
    users = [user(1), user(2), user(4, is_api=False, status="REVOKED")]
    accounts = [
        ruled(1, step(users=[2]), step(users=[1])),
        ruled(2, step(group=7), step(group=7)),
        ruled(3, step(users=[2]), step(users=[1, 4])),
        ruled(4, step(users=[2]), step(users=[1, None])),
    ]
    report = report_on(serve, connect_to, users, accounts=accounts, groups=[group(7, 1, 2)])
    findings = report["findings"].set_index(["finding", "user_id"])
    only = findings.loc[("only approver of a step", 1), "what"]
    # A revoked colleague is no other approver; a hidden one may be.
    assert "Account 1" in only
    assert "Account 3" in only
    assert "Account 4" not in only
    assert {"creates and approves"} <= found(report, 1) & found(report, 2)
    assert any("can't be read whole" in note for note in report.notes)


@pytest.mark.parametrize("status", ["REVOKED", "ACCESS_SUSPENDED", "PENDING_REVOCATION"])
def test_who_is_out_should_not_be_listed(serve: Serve, connect_to: Connect, status: str) -> None:
    report = report_on(
        serve, connect_to, [user(1, status=status)], groups=[group(7, 1), group(8, 1, status="REVOKED")]
    )
    what = report["findings"].set_index("finding").loc["out, but still listed", "what"]
    assert what == f"{status}, and still in Group 7"
    assert report["users"]["groups"].tolist() == ["Group 7, Group 8 (REVOKED)"]


def test_names_that_people_take_for_the_same(serve: Serve, connect_to: Connect) -> None:
    users = [
        user(1, username="API-Pay"),
        user(2, username="api_pay"),
        user(3, username="\uff41pi pay"),
        user(4, username="api-pay", status="REVOKED"),
        user(5, username="other"),
    ]
    report = report_on(serve, connect_to, users)
    assert [one for one in range(1, 6) if "names alike" in found(report, one)] == [1, 2, 3]


def test_what_is_not_documented_is_shown(serve: Serve, connect_to: Connect) -> None:
    report = report_on(serve, connect_to, [user(1, status="FROZEN", role="ROBOT"), user(2, role="ADMIN")])
    assert {"status not documented", "role not documented"} <= found(report, 1)
    assert report["users"].set_index("user_id").loc[1, "kind"] == "API user"
    assert report["users"].set_index("user_id").loc[1, "may"] == "see status"
    assert "administrator by API" in found(report, 2)


def test_parts_that_are_refused_are_notes(serve: Serve, connect_to: Connect) -> None:
    refusal = Reply({"message": "no"}, status=403)
    answers = {"/groups": refusal, "/accounts": refusal, "/entities": refusal, "/users/1/history": refusal}
    report = report_on(serve, connect_to, [user(1)], answers=answers)
    assert len(report["users"]) == 1
    for part in ("the groups", "what they may do", "the entities"):
        assert any(note.startswith(f"Without {part}") for note in report.notes)


def test_a_reporting_key_is_told_what_it_may_miss(session: lk.Session) -> None:
    with lk.connect("sandbox", join=session, family="reporting_key") as key:
        report = lk.reports.api_users(key)
    assert any("A reporting key sees" in note for note in report.notes)


def test_users_of_a_lam(serve: Serve, connect_to: Connect) -> None:
    lam = {"api_users": [{"name": "bot", "device_id": "hidden-device", "role": "OPERATOR", "type_": "SOFT_PSD"}]}
    server = serve(workspace({"/users": [user(1)]}, {"/api_users": lam, "/users/1/history": {"history": []}}))
    report = lk.reports.api_users(connect_to(server, lk.LAM("operator")))
    assert report["lam_users"]["name"].tolist() == ["bot"]
    assert "hidden-device" not in report["lam_users"].to_csv()


@pytest.mark.parametrize("users", [[], [user(1)]])
def test_columns_and_chart_are_the_same_with_and_without_rows(
    serve: Serve, connect_to: Connect, session: lk.Session, users: list[Any], tmp_path: Path
) -> None:
    report = report_on(serve, connect_to, users)
    many = lk.reports.api_users(session)
    for name, frame in many.tables.items():
        assert report[name].dtypes.to_dict() == frame.dtypes.to_dict()
    assert "<svg" in report.chart().svg()
    assert report.to_excel(tmp_path / "a.xlsx").exists()


@pytest.mark.parametrize("days", [0, -1, True, "90"])
def test_a_number_of_days_that_is_none_is_refused(session: lk.Session, days: Any) -> None:
    with pytest.raises(lk.InvalidRequest, match="unused_days"):
        lk.reports.api_users(session, unused_days=days)
