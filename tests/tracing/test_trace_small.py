"""Traces of a workspace made by hand: hidden people, missing values, refusals, names that try to deceive."""

from collections.abc import Callable
from decimal import Decimal

import pandas as pd
import pytest
from serving import Reply

import ledgerkit as lk
from ledgerkit.tracing.tables import FLOWS, PAYMENTS
from tracing.small import AMOUNT, HASH, LOOKALIKE, MARK, OWN, PLEDGE, RECIPIENT, Small

Open = Callable[[Small], lk.Session]
SINCE = "2025-12-01"


def test_amounts_of_28_digits_stay_exact(small: Open) -> None:
    trace = lk.trace(small(Small()), HASH, since=SINCE)
    row = trace["transactions"].iloc[0]
    assert row["amount_base"] == AMOUNT
    assert row["amount"] == Decimal("1000000000.000000000000000001")
    assert (row["ticker"], row["fees_ticker"], row["fees_base"]) == ("TKN", "ETH", 21000)


def test_sums_of_28_digits_stay_exact(small: Open) -> None:
    workspace = Small()
    workspace.objects["transactions"].append({**workspace.objects["transactions"][0], "id": 31})
    flows = lk.trace(small(workspace), RECIPIENT, since=SINCE)["flows"].set_index("direction")
    assert flows.loc["paid to it", "amount_base"] == 2 * AMOUNT
    assert flows.loc["paid to it", "amount"] == Decimal("2000000000.000000000000000002")


def test_an_amount_that_is_missing_is_not_zero(small: Open) -> None:
    trace = lk.trace(small(Small()), RECIPIENT, since=SINCE)
    came = trace["flows"].set_index("direction").loc["came from it"]
    assert (came["confirmed"], came["without_amount"]) == (1, 1)
    assert pd.isna(came["amount_base"])
    assert any("without an amount" in note for note in trace.notes)


def test_an_address_is_found_in_any_case_and_in_every_role(small: Open) -> None:
    session = small(Small())
    for spelling in (RECIPIENT, RECIPIENT.lower()):
        trace = lk.trace(session, spelling, since=SINCE)
        assert trace["address"]["role"].tolist() == ["whitelist entry", "paid to it", "came from it"]
        assert trace["transactions"]["id"].tolist() == [29, 28]
        assert trace["related_addresses"]["address"].tolist() == [LOOKALIKE]
    assert lk.trace(session, OWN, since=SINCE)["address"]["role"].iloc[0] == "own address"
    assert lk.trace(session, "0x" + "C" * 40, since=SINCE)["address"]["role"].tolist() == ["token contract"]


def test_what_is_older_than_the_period_is_said_not_to_be_looked_through(small: Open) -> None:
    trace = lk.trace(small(Small()), RECIPIENT, since="2026-02-15")
    assert trace["transactions"]["id"].tolist() == [29]
    assert any("since 2026-02-15 UTC" in note for note in trace.notes)


def test_hidden_people_are_said_to_be_hidden_and_no_time_is_made_up(small: Open) -> None:
    trace = lk.trace(small(Small()), HASH, since=SINCE)
    timeline = trace.timeline
    rejected = timeline[timeline["event"] == "rejected"]
    assert rejected["who"].tolist() == ["hidden from you"]
    assert rejected["who_id"].isna().all()
    # The vote of ada has no time that can be read: it is no event, and a note says so.
    assert timeline[timeline["event"] == "approved"]["who"].tolist() == ["grace"]
    assert trace["approvals"]["who"].tolist()[:3] == ["grace", "hidden from you", "ada"]
    assert any("has no time" in note for note in trace.notes)
    assert trace["people"]["user_id"].isna().sum() == 1
    assert "hidden from you" in repr(trace.chart())


def test_a_step_that_is_hidden_stays_a_row(small: Open) -> None:
    last = lk.trace(small(Small()), HASH, since=SINCE)["approvals"].iloc[-1]
    assert pd.isna(last["step"])
    assert last["why_not"] == "the service shows no step of it to you"


def test_what_expired_did_so_when_the_service_says(small: Open) -> None:
    timeline = lk.trace(small(Small()), "request 30", since=SINCE).timeline
    expired = timeline[timeline["event"] == "request expired"]
    assert expired["time"].tolist() == [pd.Timestamp("2026-01-09", tz="UTC")]


def test_a_mark_finds_its_transaction(small: Open) -> None:
    trace = lk.trace(small(Small()), MARK, since=SINCE)
    assert (trace.kind, trace["transactions"]["id"].tolist()) == ("transaction", [29])


def test_a_mark_that_two_notes_carry_is_asked_back(small: Open) -> None:
    workspace = Small()
    workspace.objects["transactions"][1]["notes"] = [{"title": MARK, "content": None}]
    trace = lk.trace(small(workspace), MARK, since=SINCE)
    assert trace["candidates"]["ask"].tolist() == ["transaction 29", "transaction 28"]


def test_one_number_of_two_objects_shows_both(small: Open) -> None:
    trace = lk.trace(small(Small()), 29, since=SINCE)
    assert trace["candidates"]["ask"].tolist() == ["transaction 29", "request 29"]


def test_a_number_that_one_object_has_is_traced(small: Open) -> None:
    assert lk.trace(small(Small()), "7", since=SINCE).kind == "user"


@pytest.mark.parametrize("typed", ["grce", "Grace", "grace."])
def test_a_name_that_is_nearly_right_is_refused_with_what_may_be_meant(small: Open, typed: str) -> None:
    with pytest.raises(lk.NotFound, match="Did you mean user 8 grace") as caught:
        lk.trace(small(Small()), typed, since=SINCE)
    assert caught.value.details["candidates"]["ask"].tolist() == ["user 8"]


@pytest.mark.parametrize("typed", [f"{HASH[:8]}…{HASH[-6:]}", HASH[:-1] + "c"])
def test_a_hash_that_is_nearly_right_is_refused_with_what_may_be_meant(small: Open, typed: str) -> None:
    with pytest.raises(lk.NotFound, match="None was taken for it") as caught:
        lk.trace(small(Small()), typed, since=SINCE)
    assert f"hash {HASH}" in caught.value.details["candidates"]["ask"].tolist()


def test_what_is_not_there_says_where_was_looked(small: Open) -> None:
    with pytest.raises(lk.NotFound, match="names of accounts, users, groups, whitelists, entities") as caught:
        lk.trace(small(Small()), "Somebody", since=SINCE)
    assert len(caught.value.details["candidates"]) == 0
    with pytest.raises(lk.NotFound, match="address_risk"):
        lk.trace(small(Small()), "0x" + "9" * 40, since=SINCE)


@pytest.mark.parametrize("status", [403, 404, 501])
def test_a_place_that_is_closed_is_not_said_to_be_empty(small: Open, status: int) -> None:
    workspace = Small()
    workspace.instead["/users"] = Reply({"message": "not for you"}, status=status)
    with pytest.raises(lk.NotFound, match="Could not be looked at: users"):
        lk.trace(small(workspace), "Somebody", since=SINCE)


@pytest.mark.parametrize("status", [403, 404, 501])
@pytest.mark.parametrize(
    ("closed", "missing"),
    [
        ("/users", "the names of users"),
        ("/whitelists", "the whitelists"),
        ("/compliance/.*", "not for you"),
        ("/requests/29/governance-status", "not for you"),
        ("/transactions/29/history", "not for you"),
        ("/accounts/1/currency", "not for you"),
    ],
)
def test_a_part_that_can_not_be_had_is_missing_and_said(small: Open, closed: str, missing: str, status: int) -> None:
    workspace = Small()
    workspace.instead[closed] = Reply({"message": "not for you"}, status=status)
    trace = lk.trace(small(workspace), HASH, since=SINCE)
    assert trace["transactions"]["amount_base"].tolist() == [AMOUNT]
    columns = ("why_not", "display_note")
    said = [*trace.notes]
    said += [
        str(value) for frame in trace.tables.values() for name in columns if name in frame for value in frame[name]
    ]
    assert any(missing in one for one in said)
    # Whatever is missing, the shape stays.
    assert trace["transactions"].columns.tolist() == PAYMENTS.columns


def test_a_rate_limit_is_no_answer(small: Open) -> None:
    workspace = Small()
    workspace.instead["/users"] = Reply({"message": "slow down"}, status=420, headers={"Retry-After": "800"})
    with pytest.raises(lk.RateLimited):
        lk.trace(small(workspace), "Somebody", since=SINCE)


def test_names_that_try_to_deceive_are_spelled(small: Open) -> None:
    workspace = Small()
    workspace.objects["users"].append(
        {**workspace.objects["users"][1], "id": 9, "username": "gr\u0430ce"}  # a Cyrillic letter
    )
    trace = lk.trace(small(workspace), "grace", since=SINCE)
    assert trace["user"]["id"].tolist() == [8]
    assert any("looks like this one: 9" in note and "u0430" in note for note in trace.notes)


def test_a_name_that_turns_texts_around_is_shown_escaped(small: Open) -> None:
    workspace = Small()
    workspace.objects["users"][1]["username"] = "gr\u202eeca\nuser 7"
    trace = lk.trace(small(workspace), "user 8", since=SINCE)
    assert "\\u202e" in trace.title
    assert "\u202e" not in trace._repr_html_() + repr(trace) + repr(trace.chart())
    assert "\u202e" not in str(trace.chart().spec())


def test_a_name_like_a_kind_and_a_number_does_not_take_its_place(small: Open) -> None:
    workspace = Small()
    workspace.objects["accounts"][0]["name"] = "user 8"
    trace = lk.trace(small(workspace), "user 8", since=SINCE)
    assert trace["user"]["id"].tolist() == [8]
    assert any("account 1 is named user 8" in note for note in trace.notes)


def test_a_value_of_a_newer_service_is_kept(small: Open) -> None:
    workspace = Small()
    workspace.objects["transactions"][0] |= {"type": "TELEPORT", "status": "BEAMED"}
    trace = lk.trace(small(workspace), HASH, since=SINCE)
    assert trace["transactions"][["type", "status"]].iloc[0].tolist() == ["TELEPORT", "BEAMED"]
    assert RECIPIENT in trace["risk"]["address"].tolist()


def test_a_frame_without_rows_has_the_columns_of_one_with_many(small: Open) -> None:
    workspace = Small()
    full = lk.trace(small(workspace), RECIPIENT, since=SINCE)
    workspace.objects["transactions"] = []
    empty = lk.trace(small(workspace), RECIPIENT, since=SINCE)
    for name in ("transactions", "flows", "requests", "approvals", "people", "timeline", "risk"):
        assert empty[name].dtypes.to_dict() == full[name].dtypes.to_dict(), name
    assert not len(empty["flows"])
    assert empty["flows"].columns.tolist() == FLOWS.columns


def test_a_pledge_without_anything_around_has_an_empty_timeline_and_chart(small: Open) -> None:
    trace = lk.trace(small(Small()), PLEDGE, since=SINCE)
    assert len(trace.timeline) == 0
    assert "0 events" in repr(trace.chart())
    assert trace.chart().svg().startswith("<svg")


def test_a_reporting_key_is_said_to_see_little(small: Open) -> None:
    trace = lk.trace(small(Small()), HASH, since=SINCE)
    assert any("outside of its scope" in note for note in trace.notes)
    with pytest.raises(lk.NotFound, match="A reporting key sees"):
        lk.trace(small(Small()), "account 99", since=SINCE)


def test_a_period_that_has_not_begun_is_refused(small: Open) -> None:
    with pytest.raises(lk.InvalidRequest, match="`since` = '2999-01-01' has not come yet"):
        lk.trace(small(Small()), HASH, since="2999-01-01")


def test_what_is_no_uuid_is_not_said_to_have_been_looked_for(small: Open) -> None:
    with pytest.raises(lk.NotFound, match="whose ids are UUIDs"):
        lk.trace(small(Small()), "pledge 12", since=SINCE)
