"""The report on governance: who can move what, and what is weak, by rules written out in the test."""

from collections.abc import Callable
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from serving import Reply, Server

import ledgerkit as lk
from ledgerkit.reports import Report
from reports.small_workspace import ETH, account, units, user, workspace

Connect = Callable[..., lk.Session]
Serve = Callable[..., Server]
ONE_EACH = [{"quorum": 1, "users": [1]}, {"quorum": 1, "users": [2]}]


def rule_set(index: int, steps: list[Any], **rules: list[Any]) -> dict[str, Any]:
    listed = [{"id": 1, "type": "MULTI_AUTHORIZATIONS", "data": steps}]
    listed += [{"id": 2, "type": kind, "data": data} for kind, data in rules.items()]
    return {"id": index, "index": index, "name": f"Rule {index}", "rules": listed}


def up_to(low: int, high: int | None, kind: str = "CRYPTO") -> list[Any]:
    return [{"currency_type": kind, "min": low, "max": high}]


def group(number: int, members: list[int | None], **fields: Any) -> dict[str, Any]:
    return {"id": number, "name": f"Group {number}", "status": "ACTIVE", "members": members, **fields}


@pytest.fixture
def report_on(serve: Serve, connect_to: Connect) -> Callable[..., Report]:
    def make(*sets: Any, answers: dict[str, Any] | None = None, asked: Any = None, **lists: Any) -> Report:
        rows = {
            "/accounts": [account(1, governance_rules=list(sets))],
            "/users": [user(number, is_api=False) for number in range(1, 6)],
            "/groups": [],
            "/whitelists": [{"id": 1, "name": "Payees", "status": "ACTIVE", "addresses": [{"id": 1}]}],
            **{f"/{name}": found for name, found in lists.items()},
        }
        told = {"/accounts/1/currency": units(ETH), **(answers or {})}
        return lk.reports.governance(connect_to(serve(workspace(rows, told))), account=asked)

    return make


def kinds(report: Report) -> set[str]:
    return set(report["weak_spots"]["kind"])


def spot(report: Report, kind: str) -> Any:
    found = report["weak_spots"][report["weak_spots"]["kind"] == kind]
    assert len(found) == 1, found
    return found.iloc[0]


# On the sandbox, against the raw rows


def nodes(session: lk.Session, path: str) -> list[dict[str, Any]]:
    answer = session.raw("GET", path, params={"page_size": "1000"})
    assert not answer["page_info"]["has_next_page"]
    return [edge["node"] for edge in answer["edges"]]


def test_the_fewest_people_of_the_sandbox_are_those_that_trying_out_finds(session: lk.Session) -> None:
    report = lk.reports.governance(session)
    active = {row["id"] for row in nodes(session, "/users") if row["status"] in ("ACTIVE", "PENDING_REVOCATION")}
    members = {row["id"]: row["members"] for row in nodes(session, "/groups")}
    told = report["accounts"].set_index("account_id")["fewest_people"]
    compared = 0
    for row in nodes(session, "/accounts"):
        numbers: list[int | None] = []
        for one in row["governance_rules"]:
            steps = next(rule["data"] for rule in one["rules"] if rule["type"] == "MULTI_AUTHORIZATIONS")
            asked = [members[step["group"]] if step and "group" in step else step and step["users"] for step in steps]
            if any(who is None or None in who for who in asked):
                numbers.append(None)
                continue
            people = sorted({one for who in asked for one in who} & active)
            numbers.append(
                next(
                    size
                    for size in range(1, 8)
                    for some in combinations(people, size)
                    if all(len({*some} & {*who}) >= step["quorum"] for who, step in zip(asked, steps, strict=True))
                )
            )
        if numbers and None not in numbers:
            compared += 1
            assert told[row["id"]] == min(one for one in numbers if one is not None), row["name"]
    assert compared > 40


def test_every_step_of_the_sandbox_is_a_row(session: lk.Session) -> None:
    report = lk.reports.governance(session)
    steps = sum(
        len(rule["data"])
        for row in nodes(session, "/accounts")
        for one in row["governance_rules"]
        for rule in one["rules"]
        if rule["type"] == "MULTI_AUTHORIZATIONS"
    )
    assert report["rules"]["step"].notna().sum() == steps
    # kate.sullivan is in both groups of the trading desk.
    hot = report["accounts"].set_index("account_name").loc["BTC Trading Hot"]
    assert (hot["fewest_people"], hot["if_each_counts_once"], hot["for_example"]) == (1, 2, "kate.sullivan")
    assert any("hide steps or people" in note for note in report.notes)


def test_a_reporting_key_that_sees_little_is_told_so(session: lk.Session) -> None:
    with lk.connect("sandbox", join=session, family="reporting_key") as narrow:
        report = lk.reports.governance(narrow)
    assert any("entities" in note for note in report.notes)


def test_charts_and_files_can_be_made(session: lk.Session, tmp_path: Path) -> None:
    report = lk.reports.governance(session, account="BTC Trading Hot")
    assert len(report["accounts"]) == 1
    assert "<svg" in report.chart("fewest people").svg()
    assert "<svg" in report.chart("weak spots").svg()
    assert report.to_excel(tmp_path / "governance.xlsx").exists()
    assert "BTC Trading Hot" in report.to_html(tmp_path / "governance.html").read_text(encoding="utf-8")


# Weak spots, by rules written out here


def test_one_who_creates_without_any_approval(report_on: Callable[..., Report]) -> None:
    report = report_on(rule_set(0, [{"quorum": 1, "users": [1, 2]}]))
    found = spot(report, "one person alone")
    assert found["severity"] == "critical"
    assert "user-1, user-2" in found["sentence"]
    assert report["accounts"]["fewest_people"].tolist() == [1]


def test_one_who_is_in_every_step(report_on: Callable[..., Report]) -> None:
    groups = [group(1, [1, 2]), group(2, [2, 3])]
    report = report_on(rule_set(0, [{"quorum": 1, "group": 1}, {"quorum": 1, "group": 2}]), groups=groups)
    assert "user-2 can create and give all approvals alone" in spot(report, "one person alone")["sentence"]
    alone = report["people"].set_index("user_id")["alone"]
    assert alone.to_dict() == {1: False, 2: True, 3: False}


def test_api_users_that_need_no_person(report_on: Callable[..., Report]) -> None:
    users = [user(1, is_api=True), user(2, is_api=True)]
    assert (
        "user-1 (API), user-2 (API)"
        in spot(report_on(rule_set(0, ONE_EACH), users=users), "API users alone")["sentence"]
    )
    assert "API users alone" not in kinds(report_on(rule_set(0, ONE_EACH)))


def test_a_quorum_that_nobody_can_meet(report_on: Callable[..., Report]) -> None:
    users = [user(1), user(2), user(3, status="REVOKED"), user(4, status="ACCESS_SUSPENDED")]
    steps = [{"quorum": 1, "users": [1]}, {"quorum": 2, "users": [2, 3, 4]}]
    report = report_on(rule_set(0, steps), users=users)
    assert "2 asked, and 1 can act" in spot(report, "money is stuck")["sentence"]
    gone = spot(report, "approver who can't act")["sentence"]
    assert "user-3 (REVOKED), user-4 (ACCESS_SUSPENDED)" in gone
    assert report["accounts"]["note"].tolist() == ["no rule set lets anybody move money"]
    assert report["accounts"]["fewest_people"].isna().all()


@pytest.mark.parametrize(
    ("members", "fields", "kind", "severity"),
    [
        ([], {}, "empty group", "high"),
        ([1, 2], {"status": "REVOKED"}, "group not active", "high"),
        ([1, 2], {"status": "A_NEW_STATE"}, "group not active", "high"),
        ([1, 2, 5], {}, "approver who can't act", "medium"),
        ([1, 2, 4], {}, "approver who leaves", "low"),
        (None, {}, "group not seen", "can't tell"),
    ],
)
def test_groups_are_told_once_with_the_accounts_that_use_them(
    report_on: Callable[..., Report], members: Any, fields: Any, kind: str, severity: str
) -> None:
    rules = [rule_set(0, [{"quorum": 1, "users": [1]}, {"quorum": 1, "group": 1}])]
    users = [user(1), user(2), user(4, status="PENDING_REVOCATION"), user(5, status="REVOKED")]
    accounts = [account(1, governance_rules=rules), account(2, governance_rules=rules)]
    report = report_on(accounts=accounts, users=users, groups=[group(1, members, **fields)])
    found = spot(report, kind)
    assert (found["severity"], found["accounts"]) == (severity, 2)
    assert "Account 1, Account 2" in found["evidence"]


def test_hidden_steps_and_people_are_said_and_not_guessed(report_on: Callable[..., Report]) -> None:
    report = report_on(rule_set(0, [{"quorum": 1, "users": [1]}, None, {"quorum": 2, "users": [2, None, None]}]))
    row = report["accounts"].iloc[0]
    assert pd.isna(row["fewest_people"])
    assert row["at_least"] == 2
    assert "step 1 can't be seen; 2 of 3 in step 2 can't be seen" in spot(report, "hidden")["sentence"]
    hidden = report["people"][report["people"]["user_id"].isna()]
    assert hidden["note"].tolist() == ["hidden: Rule 0: step 1 can't be seen; Rule 0: 2 in step 2"]
    steps = report["rules"]
    assert steps["hidden"].tolist() == [0, pd.NA, 2]
    assert steps["people"].tolist() == ["user-1", "hidden", "user-2, 2 hidden"]


ENDLESS = "no whitelist and no upper end"


def test_any_amount_to_any_address(report_on: Callable[..., Report]) -> None:
    kind = "no whitelist and no threshold"
    assert spot(report_on(rule_set(0, ONE_EACH)), kind)["severity"] == "high"
    assert spot(report_on(rule_set(0, ONE_EACH, THRESHOLD=up_to(0, None))), kind)["severity"] == "high"
    # As good as without an end: more than there is of anything.
    assert spot(report_on(rule_set(0, ONE_EACH, THRESHOLD=up_to(0, 10**40))), kind)["severity"] == "high"
    for rules in ({"THRESHOLD": up_to(0, 10)}, {"WHITELIST": [{"whitelist": 1}]}):
        assert not {kind, ENDLESS} & kinds(report_on(rule_set(0, ONE_EACH, **rules)))


@pytest.mark.parametrize(
    ("threshold", "severity"),
    [
        (up_to(1, None), "high"),
        (up_to(10**20, None), "high"),
        (up_to(10**20, 10**40), "high"),
        (up_to(0, None, "FIAT"), "high"),
        (up_to(1, 10**27), None),
        (up_to(0, 500, "FIAT"), None),
    ],
)
def test_no_upper_end_is_told_wherever_the_range_begins(
    report_on: Callable[..., Report], threshold: Any, severity: str | None
) -> None:
    report = report_on(rule_set(0, ONE_EACH, THRESHOLD=threshold))
    if severity is None:
        assert ENDLESS not in kinds(report)
    else:
        assert spot(report, ENDLESS)["severity"] == severity
    listed = report_on(rule_set(0, ONE_EACH, THRESHOLD=threshold, WHITELIST=[{"whitelist": 1}]))
    assert ENDLESS not in kinds(listed)


def test_tokens_of_which_there_are_very_many_have_ends_further_up(report_on: Callable[..., Report]) -> None:
    sets = [rule_set(0, ONE_EACH, THRESHOLD=up_to(0, 10**32))]
    coin, token = (account(1, governance_rules=sets, contract_address=one) for one in (None, "0x" + "c" * 40))
    assert "no whitelist and no threshold" in kinds(report_on(accounts=[coin]))
    assert "no whitelist and no threshold" not in kinds(report_on(accounts=[token]))


def test_only_large_amounts_to_anybody_is_the_worst_case(report_on: Callable[..., Report]) -> None:
    hundred = 100 * 10**18
    report = report_on(
        rule_set(1, ONE_EACH, THRESHOLD=up_to(0, hundred), WHITELIST=[{"whitelist": 1}]),
        rule_set(2, ONE_EACH, THRESHOLD=up_to(hundred, None)),
    )
    found = spot(report, ENDLESS)
    assert (found["severity"], found["rule_set_name"]) == ("high", "Rule 2")
    assert "from 100 ETH to any address" in found["sentence"]
    assert "smaller amounts go to whitelists alone" in found["sentence"]


@pytest.mark.parametrize(
    ("ranges", "together"),
    [
        ([(0, 100), (100, None)], True),
        ([(1, 100), (101, None)], True),
        ([(0, 100), (50, 200), (200, 10**40)], True),
        ([(0, 100), (102, None)], False),
        ([(0, 100), (100, 10**27)], False),
        ([(0, None), (0, 100)], False),
    ],
)
def test_ranges_that_cover_all_amounts_together(
    report_on: Callable[..., Report], ranges: list[Any], together: bool
) -> None:
    report = report_on(*(rule_set(index, ONE_EACH, THRESHOLD=up_to(*ends)) for index, ends in enumerate(ranges)))
    kind = "any amount to any address"
    assert (kind in kinds(report)) is together
    if together:
        assert spot(report, kind)["severity"] == "high"


@pytest.mark.parametrize("data", [[], None, "everybody"])
def test_a_whitelist_rule_that_can_not_be_read_is_no_all_clear(report_on: Callable[..., Report], data: Any) -> None:
    report = report_on(rule_set(0, ONE_EACH, WHITELIST=data))
    assert spot(report, "whitelist not seen")["severity"] == "can't tell"


@pytest.mark.parametrize("data", [None, "none", [None], [{"currency_type": "CRYPTO", "min": "many"}]])
def test_a_threshold_that_can_not_be_read_is_no_all_clear(report_on: Callable[..., Report], data: Any) -> None:
    found = spot(report_on(rule_set(0, ONE_EACH, THRESHOLD=data)), "threshold not compared")
    assert found["severity"] == "can't tell"
    assert "it has no whitelist" in found["sentence"]


def test_a_filter_that_can_not_be_read_limits_in_a_way_that_is_not_known(report_on: Callable[..., Report]) -> None:
    sets = rule_set(0, ONE_EACH, TRANSACTION_FILTER=None)  # type: ignore[arg-type]  # as a service may send it
    assert spot(report_on(sets), "no whitelist and no threshold")["severity"] == "medium"


def test_money_is_not_called_stuck_where_approvals_stand_in_several_rules(report_on: Callable[..., Report]) -> None:
    several = rule_set(0, [ONE_EACH[0], {"quorum": 9, "users": [2]}], MULTI_AUTHORIZATIONS=ONE_EACH)
    report = report_on(several)
    assert "money is stuck" not in kinds(report)
    assert spot(report, "perhaps stuck")["severity"] == "can't tell"
    assert report["accounts"]["at_least"].tolist() == [1]
    assert report["accounts"]["fewest_people"].isna().all()


# Rule sets that hide how few people they take

HIDING: list[Any] = [
    *(
        {"index": 1, "name": "Rule 2", "rules": rules}
        for rules in (
            [],
            None,
            {"type": "MULTI_AUTHORIZATIONS"},
            [None],
            [{"type": "MULTI_AUTHORIZATIONS", "data": []}],
            [{"type": "MULTI_AUTHORIZATIONS", "data": None}],
            [{"type": "MULTI_AUTHORIZATIONS", "data": {"quorum": 1}}],
        )
    ),
    None,
]


@pytest.mark.parametrize("hiding", HIDING)
def test_a_rule_set_whose_steps_can_not_be_read_may_need_one_person_alone(
    report_on: Callable[..., Report], hiding: Any
) -> None:
    report = report_on(rule_set(0, [ONE_EACH[0], {"quorum": 2, "users": [2, 3]}]), hiding)
    row = report["accounts"].iloc[0]
    assert row["at_least"] == 1
    assert pd.isna(row["fewest_people"])
    assert pd.isna(row["if_each_counts_once"])
    assert "hidden" in kinds(report)
    # Whether one of these moves money alone can't be told either.
    known = report["people"][report["people"]["user_id"].notna()]
    assert known["alone"].isna().all()
    assert report["people"]["note"].dropna().str.startswith("hidden: ").sum() == 1
    alone = report_on(hiding)["accounts"].iloc[0]
    assert (alone["at_least"], pd.isna(alone["fewest_people"])) == (1, True)


def test_the_chart_counts_accounts_of_which_nothing_can_be_told(report_on: Callable[..., Report]) -> None:
    accounts = [
        account(1, governance_rules=[rule_set(0, [ONE_EACH[0]])]),
        account(2, governance_rules=[HIDING[0]]),
        account(3),
        account(4, governance_rules=[rule_set(0, [{"quorum": 9, "users": [1]}])]),
    ]
    chart = report_on(accounts=accounts).chart("fewest people")
    assert chart.words.startswith("One person alone can move money from 1 of 4 accounts; of 2 it can't be told")
    picture = chart.svg()
    for name in ("Account 1", "Account 2", "Account 3", "Account 4"):
        assert name in picture
    assert "be told, 1 person at least" in picture


def test_what_can_not_be_told_is_not_cut_off_by_what_can(report_on: Callable[..., Report]) -> None:
    known, hiding = rule_set(0, ONE_EACH), rule_set(0, [*ONE_EACH, None])
    accounts = [account(number, governance_rules=[known]) for number in range(1, 41)]
    report = report_on(accounts=[*accounts, account(41, name="Zulu", governance_rules=[hiding])])
    assert "Zulu" in report.chart("fewest people").svg()


STRONG = [{"quorum": 1, "users": [1]}, {"quorum": 2, "users": [2, 3]}]


@pytest.mark.parametrize(
    ("weak", "strong", "severity", "part"),
    [
        (up_to(0, 10**27), up_to(0, 10**27), "high", "never needed"),
        (up_to(0, 10**27), up_to(10**18, None), "medium", "from 1 ETH up to 1,000,000,000 ETH"),
        (up_to(0, 10**18), up_to(10**18, None), None, ""),
        (up_to(0, 10**18), up_to(10**18 + 1, None), None, ""),
    ],
)
def test_a_weaker_rule_set_that_admits_what_a_stronger_one_is_meant_for(
    report_on: Callable[..., Report], weak: Any, strong: Any, severity: str | None, part: str
) -> None:
    report = report_on(rule_set(0, ONE_EACH, THRESHOLD=weak), rule_set(1, STRONG, THRESHOLD=strong))
    if severity is None:
        assert "weaker rule set applies too" not in kinds(report)
    else:
        found = spot(report, "weaker rule set applies too")
        assert found["severity"] == severity
        assert part in found["sentence"]


def test_fewer_approvals_for_listed_addresses_are_no_weak_spot(report_on: Callable[..., Report]) -> None:
    listed = rule_set(0, ONE_EACH, WHITELIST=[{"whitelist": 1}])
    assert "weaker rule set applies too" not in kinds(report_on(listed, rule_set(1, STRONG)))
    both = rule_set(1, STRONG, WHITELIST=[{"whitelist": 1}])
    assert "weaker rule set applies too" in kinds(report_on(listed, both))


def test_an_overlap_with_hidden_steps_is_not_judged(report_on: Callable[..., Report]) -> None:
    unknown = rule_set(0, [{"quorum": 1, "users": [1]}, None], THRESHOLD=up_to(0, 100))
    report = report_on(unknown, rule_set(1, STRONG, THRESHOLD=up_to(0, 100)))
    assert spot(report, "overlap not judged")["severity"] == "can't tell"


@pytest.mark.parametrize(
    ("thresholds", "sentence"),
    [
        ([(0, 10**18), (2 * 10**18, None)], "No rule set admits amounts from 1.000000000000000001 ETH up to"),
        ([(0, 10**18)], "No rule set admits amounts above 1 ETH."),
        ([(5, None)], "No rule set admits amounts from 0 ETH up to 0.000000000000000004 ETH."),
        ([(0, 10), (11, None)], None),
        ([(0, 10), (5, None)], None),
    ],
)
def test_amounts_that_no_rule_set_admits(
    report_on: Callable[..., Report], thresholds: list[Any], sentence: str | None
) -> None:
    sets = [rule_set(index, ONE_EACH, THRESHOLD=up_to(*bounds)) for index, bounds in enumerate(thresholds)]
    report = report_on(*sets)
    if sentence is None:
        assert "threshold gap" not in kinds(report)
    else:
        assert spot(report, "threshold gap")["sentence"].startswith(sentence)


def test_thresholds_are_exact_and_those_in_fiat_are_as_they_came(report_on: Callable[..., Report]) -> None:
    report = report_on(
        rule_set(0, ONE_EACH, THRESHOLD=up_to(0, 10**27 + 1)), rule_set(1, STRONG, THRESHOLD=up_to(0, 500, "FIAT"))
    )
    rows = report["rules"].drop_duplicates("rule_set").set_index("rule_set")
    assert rows.loc[0, "threshold_max_base"] == 10**27 + 1
    assert rows.loc[0, "threshold_max"] == Decimal("1000000000.000000000000000001")
    assert rows.loc[0, "ticker"] == "ETH"
    assert (rows.loc[1, "threshold_max"], rows.loc[1, "threshold_currency"]) == (500, "FIAT")
    assert rows["threshold_max_base"].isna().tolist() == [False, True]
    assert rows["ticker"].isna().tolist() == [False, True]
    assert spot(report, "threshold not compared")["severity"] == "can't tell"
    assert "threshold gap" not in kinds(report)
    assert any("another currency" in note for note in report.notes)


@pytest.mark.parametrize(
    ("whitelist", "kind"),
    [
        ({"status": "REVOKED", "addresses": [{"id": 1}]}, "whitelist without effect"),
        ({"status": "ACTIVE", "addresses": []}, "whitelist without effect"),
        (None, "whitelist not seen"),
    ],
)
def test_whitelists_that_let_nobody_be_paid(report_on: Callable[..., Report], whitelist: Any, kind: str) -> None:
    lists = [] if whitelist is None else [{"id": 1, "name": "Payees", **whitelist}]
    assert kind in kinds(report_on(rule_set(0, ONE_EACH, WHITELIST=[{"whitelist": 1}]), whitelists=lists))


def test_an_account_without_rules_and_one_that_was_rejected(report_on: Callable[..., Report]) -> None:
    accounts = [account(1), account(2, status="REJECTED", governance_rules=[rule_set(0, [ONE_EACH[0]])])]
    report = report_on(accounts=accounts)
    assert report["weak_spots"]["kind"].tolist() == ["no rules shown"]
    assert report["rules"]["note"].tolist()[0] == "the account shows no rules"
    assert report["accounts"]["note"].tolist() == ["the account shows no rules", "not looked at: REJECTED"]
    assert any("1 accounts that were rejected" in note for note in report.notes)


def test_a_name_can_not_forge_a_sentence(report_on: Callable[..., Report]) -> None:
    forged = {**rule_set(0, [ONE_EACH[0]]), "name": "Safe\n  ok \u202e"}
    users = [user(1, username="eve\u200b\n[approved by all]")]
    report = report_on(forged, users=users)
    for sentence in report["weak_spots"]["sentence"]:
        assert sentence.isprintable()


@pytest.mark.parametrize("status", [403, 404, 501])
def test_without_users_groups_and_whitelists_there_is_a_report(report_on: Callable[..., Report], status: int) -> None:
    refusal = Reply({"message": "no"}, status=status)
    answers = {f"/{path}": refusal for path in ("users", "groups", "whitelists", "accounts/1/currency")}
    report = report_on(
        rule_set(0, [*ONE_EACH, {"quorum": 1, "group": 4}], THRESHOLD=up_to(0, 7), WHITELIST=[{"whitelist": 3}]),
        answers=answers,
    )
    assert sum(note.startswith("Without the") for note in report.notes) >= 3
    assert report["accounts"]["fewest_people"].isna().all()
    assert report["accounts"]["at_least"].tolist() == [2]
    assert "one person alone" not in kinds(report)
    assert report["rules"]["threshold_max_base"].tolist() == [7, 7, 7]
    assert report["rules"]["threshold_max"].isna().all()


def test_no_accounts_have_the_same_columns_as_many(report_on: Callable[..., Report], session: lk.Session) -> None:
    empty, full = report_on(accounts=[]), lk.reports.governance(session)
    for name, frame in full.tables.items():
        assert len(empty[name]) == 0
        assert empty[name].dtypes.equals(frame.dtypes), name
    assert "<svg" in empty.chart("fewest people").svg()
    assert "<svg" in empty.chart("weak spots").svg()


def test_accounts_that_can_not_be_seen_are_an_error(report_on: Callable[..., Report]) -> None:
    with pytest.raises(lk.NotFound, match="42"):
        report_on(asked=42)
