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
    assert trace["transactions"].columns.tolist() == list(PAYMENTS)


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
    assert empty["flows"].columns.tolist() == list(FLOWS)


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


MINTS = {
    "USDC1111111111111111111111111111111111111111": ("USDC", 6),
    "JITO1111111111111111111111111111111111111111": ("J", 9),
}
SOL_RECIPIENT = "HtqmrFYd9kKXDBf6fgJFxaEUHcvhYF3dF4a1EDyNqi4J"


def solana(*payments: tuple[str, str, str | None]) -> Small:
    """Return a workspace with an account of Solana that paid one address: type, amount in base units, and mint."""
    workspace = Small()
    account = workspace.objects["accounts"][0]
    workspace.objects["accounts"].append(
        {**account, "id": 2, "name": "SOL", "type": "Solana", "currency": "solana", "contract_address": None}
    )
    paid = workspace.objects["transactions"][0]
    workspace.objects["transactions"] = [
        {
            **paid,
            "id": 40 + at,
            "account_id": 2,
            "currency": "solana",
            "type": kind,
            "amount": amount,
            "recipient": SOL_RECIPIENT,
            "senders": None,
            "last_request": None,
            "coin_fields": {"type": "Solana", "tx_parameters": None if mint is None else {"token_mint": mint}},
        }
        for at, (kind, amount, mint) in enumerate(payments)
    ]
    workspace.instead["/accounts/2/currency"] = Reply(
        {"amount_units": [{"code": "SOL", "magnitude": 9, "name": "sol"}], "fees_units": []}
    )
    for mint, (code, places) in MINTS.items():
        workspace.instead[f"/currencies/solana/tokens/{mint}"] = Reply(
            {"contract_address": mint, "units": [{"code": code, "magnitude": places, "name": code}]}
        )
    return workspace


def test_amounts_of_tokens_are_not_added_to_those_of_the_coin_of_their_account(small: Open) -> None:
    usdc, jito = MINTS
    workspace = solana(
        ("SEND", "1500000000", None),
        ("SEND_SPL_TOKEN_CHECKED", "2000000", usdc),
        ("SEND_SPL_TOKEN_CHECKED_FUNDED", "500001", usdc),
        ("SEND_SPL_TOKEN_CHECKED", "7", jito),
        ("SEND", "1", None),
    )
    flows = lk.trace(small(workspace), SOL_RECIPIENT, since=SINCE)["flows"].sort_values("ticker")
    assert flows[["ticker", "confirmed", "amount_base", "amount"]].to_numpy().tolist() == [
        ["J", 1, 7, Decimal("0.000000007")],
        ["SOL", 2, 1500000001, Decimal("1.500000001")],
        ["USDC", 2, 2500001, Decimal("2.500001")],
    ]
    assert flows["token_mint"].dropna().tolist() == [jito, usdc]


def test_amounts_of_a_token_that_is_not_named_are_in_no_sum(small: Open) -> None:
    trace = lk.trace(
        small(solana(("SEND_SPL_TOKEN_CHECKED", "5", None), ("SEND_SPL_TOKEN_CHECKED", "6", None))),
        SOL_RECIPIENT,
        since=SINCE,
    )
    row = trace["flows"].iloc[0]
    assert (row["confirmed"], row["without_amount"]) == (2, 2)
    assert pd.isna(row["amount_base"])
    assert pd.isna(row["ticker"])
    assert any("does not name the token" in note for note in trace.notes)


def test_what_stays_with_the_account_was_not_paid_to_an_address(small: Open) -> None:
    workspace = solana(("SEND", "5", None), ("STAKE_DELEGATE", "6", None), ("TELEPORT", "7", None))
    flows = lk.trace(small(workspace), SOL_RECIPIENT, since=SINCE)["flows"].set_index("direction")["amount_base"]
    assert flows.to_dict() == {
        "paid to it": 5,
        "named where nothing moves": 6,
        "named, and the type does not say which way": 7,
    }


def unseen(workspace: Small) -> Small:
    workspace.objects["requests"] = []
    return workspace


@pytest.mark.parametrize("status", [403, 404, 501])
def test_a_payment_whose_request_can_not_be_read_is_not_said_to_have_none(small: Open, status: int) -> None:
    workspace = Small()
    workspace.instead["/requests/29|/transactions/29/history"] = Reply({"message": "not for you"}, status=status)
    trace = lk.trace(small(workspace), HASH, since=SINCE)
    assert not len(trace["requests"])
    assert not any("No request made" in note for note in trace.notes)
    assert any(note.startswith("Which request made transaction 29 can't be seen") for note in trace.notes)


@pytest.mark.parametrize("kind", ["SEND", "STAKE_WITHDRAW", "TELEPORT"])
def test_a_payment_that_names_no_request_is_not_said_to_have_none(small: Open, kind: str) -> None:
    workspace = unseen(Small())
    workspace.objects["transactions"][0] |= {"type": kind, "last_request": None}
    trace = lk.trace(small(workspace), HASH, since=SINCE)
    assert not any("No request made" in note for note in trace.notes)
    assert any(note.startswith("Which request made transaction 29 can't be seen") for note in trace.notes)


@pytest.mark.parametrize("kind", ["RECEIVE", "REWARD", "RECEIVE_SPL_TOKEN_CHECKED"])
def test_what_comes_in_from_outside_needs_no_request(small: Open, kind: str) -> None:
    workspace = Small()
    workspace.objects["transactions"][1]["type"] = kind
    trace = lk.trace(small(workspace), "transaction 28", since=SINCE)
    assert any(note.startswith("No request made transaction 28: what comes in") for note in trace.notes)
    assert not any("can't be seen here, nor" in note for note in trace.notes)


def test_both_sides_of_a_transfer_are_told_apart(small: Open) -> None:
    workspace = unseen(Small())
    for row in workspace.objects["transactions"]:
        row["tx_hash"] = HASH
    trace = lk.trace(small(workspace), HASH, since=SINCE)
    assert any(note.startswith("No request made transaction 28:") for note in trace.notes)
    assert any(note.startswith("Which request made transaction 29 can't") for note in trace.notes)


def test_a_payment_whose_creator_is_not_named_was_made_by_somebody(small: Open) -> None:
    workspace = Small()
    workspace.objects["transactions"][0] |= {"created_by": None, "last_request": None}
    timeline = lk.trace(small(workspace), HASH, since=SINCE).timeline
    assert timeline[timeline["event"] == "transaction created"]["who"].tolist() == ["hidden from you"]


@pytest.mark.parametrize("closed", ["/compliance/.*", "/requests/29/governance-status"])
def test_a_rate_limit_around_what_was_found_is_a_note(small: Open, closed: str) -> None:
    workspace = Small()
    workspace.instead[closed] = Reply({"message": "slow down"}, status=420, headers={"Retry-After": "800"})
    trace = lk.trace(small(workspace), HASH, since=SINCE)
    assert trace["transactions"]["id"].tolist() == [29]
    assert any(note.startswith("Without ") for note in trace.notes)


@pytest.mark.parametrize("closed", ["/users", "/whitelists", "/transactions", "/accounts/1/addresses"])
def test_a_rate_limit_while_it_is_looked_for_what_is_meant_is_no_answer(small: Open, closed: str) -> None:
    workspace = Small()
    workspace.objects["accounts"][0]["address"] = None
    workspace.instead[closed] = Reply({"message": "slow down"}, status=420, headers={"Retry-After": "800"})
    with pytest.raises(lk.RateLimited):
        lk.trace(small(workspace), "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", since=SINCE)
