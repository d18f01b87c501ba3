"""Traces on the sandbox, against what the API says, read in another way."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from on_a_day import A_DAY

import ledgerkit as lk


def rows_of(session: lk.Session, path: str, **params: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while True:
        number = len(rows) // 100 + 1
        body = session.raw("GET", path, params={**params, "page": number, "page_size": 100})
        rows += [edge["node"] for edge in body["edges"]]
        if not body["page_info"]["has_next_page"]:
            return rows


def a_year_ago() -> pd.Timestamp:
    """Return the day from which on a trace looks through lists, where it is told no other."""
    return pd.Timestamp(A_DAY).normalize() - pd.DateOffset(months=12)


@pytest.fixture(scope="module")
def payment(session: lk.Session) -> dict[str, Any]:
    """A confirmed payment to somebody else, who was paid several times."""
    every = rows_of(session, "/transactions")
    hashes = [row["tx_hash"] for row in every]
    sent = [row for row in every if (row["status"], row["type"]) == ("CONFIRMED", "SEND")]
    to = [row["recipient"] for row in sent]
    # Which rows there are depends on the time of the day: a transfer between own accounts has one hash for two, and
    # an account of Solana is paid in tokens too, whose sums are a test of their own.
    return next(
        row
        for row in sent
        if 3 <= to.count(row["recipient"]) <= 10 and hashes.count(row["tx_hash"]) == 1 and row["currency"] != "solana"
    )


def test_from_a_hash_to_the_people(session: lk.Session, payment: dict[str, Any]) -> None:
    trace = lk.trace(session, payment["tx_hash"])
    assert trace.kind == "transaction"
    assert trace["transactions"]["id"].tolist() == [payment["id"]]
    status = session.raw("GET", f"/requests/{payment['last_request']}/governance-status")
    voted = {
        vote["user"]["id"]: vote["created_on"] for step in status["governance_steps"] for vote in step["approvals"]
    }
    seen = trace["approvals"].dropna(subset=["vote"])
    people = [None if pd.isna(one) else int(one) for one in seen["who_id"]]  # of some the service hides who they are
    assert dict(zip(people, seen["time"], strict=True)) == {user: pd.Timestamp(at) for user, at in voted.items()}
    assert {payment["created_by"], *voted} - {None} <= set(trace["people"]["user_id"])


def test_every_event_has_a_time_of_the_service_and_they_are_in_order(
    session: lk.Session, payment: dict[str, Any]
) -> None:
    timeline = lk.trace(session, payment["tx_hash"]).timeline
    assert timeline["time"].is_monotonic_increasing
    assert timeline["source"].notna().all()
    account = session.raw("GET", f"/accounts/{payment['account_id']}")
    request = session.raw("GET", f"/requests/{payment['last_request']}")
    status = session.raw("GET", f"/requests/{payment['last_request']}/governance-status")
    given = [payment["created_on"], payment["broadcast_on"], payment["block"]["time"], account["created_on"]]
    given += [request["created_on"]]
    given += [vote["created_on"] for step in status["governance_steps"] for vote in step["approvals"]]
    assert timeline["time"].tolist() == sorted(pd.Timestamp(one) for one in given)


def test_the_other_payments_of_the_same_recipient_are_all_there(session: lk.Session, payment: dict[str, Any]) -> None:
    others = lk.trace(session, payment["tx_hash"])["other_transactions"]
    wanted = {
        row["id"]
        for row in rows_of(session, "/transactions")
        if payment["recipient"] == row["recipient"]
        or (payment["recipient"] in (row["senders"] or []) and pd.Timestamp(row["created_on"]) >= a_year_ago())
    }
    assert set(others["id"]) == wanted - {payment["id"]}
    assert others["id"].is_unique


def test_an_address_adds_up_what_was_paid_to_it(session: lk.Session, payment: dict[str, Any]) -> None:
    trace = lk.trace(session, payment["recipient"])
    assert trace.kind == "address"
    sums: dict[int, int] = {}
    for row in rows_of(session, "/transactions", recipient=payment["recipient"]):
        if row["status"] == "CONFIRMED" and row["type"] == "SEND":
            sums[row["account_id"]] = sums.get(row["account_id"], 0) + int(row["amount"])
    paid = trace["flows"].query("direction == 'paid to it' and confirmed > 0")
    assert dict(zip(paid["account_id"], paid["amount_base"], strict=True)) == sums


def test_whoever_asked_and_approved_is_traced_by_name(session: lk.Session, payment: dict[str, Any]) -> None:
    user = session.raw("GET", f"/users/{payment['created_by']}")
    trace = lk.trace(session, user["username"])
    assert trace.kind == "user"
    made = {
        row["id"]
        for row in rows_of(session, "/requests", created_by=user["id"])
        if pd.Timestamp(row["created_on"]) >= a_year_ago()
    }
    requests = trace["requests"]
    assert set(requests[requests["relation"].str.contains("created by the user")]["id"]) == made
    groups = {row["id"] for row in rows_of(session, "/groups", members=user["id"])}
    assert set(trace["groups"]["id"]) == groups


def test_a_number_that_several_objects_have_is_asked_back(session: lk.Session) -> None:
    trace = lk.trace(session, 29)
    assert trace.kind == "candidates"
    asks = trace["candidates"]["ask"].tolist()
    assert {"account 29", "request 29", "transaction 29", "user 29"} <= set(asks)
    with pytest.raises(lk.InvalidRequest, match="nothing was traced"):
        _ = trace.timeline
    with pytest.raises(lk.InvalidRequest, match="request 29"):
        trace.chart()
    assert {lk.trace(session, ask)["people"].shape[1] for ask in asks} == {7}


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("account 1", "account"),
        ("group 13", "group"),
        ("whitelist 3", "whitelist"),
        ("entity 1", "entity"),
        ("message 1", "message"),
        ("request 562", "request"),
    ],
)
def test_every_kind_has_itself_first_then_its_timeline(session: lk.Session, what: str, kind: str) -> None:
    trace = lk.trace(session, what)
    assert trace.kind == kind
    assert list(trace.tables)[:2] == [kind, "timeline"]
    assert trace[kind]["id"].tolist() == [int(what.split()[1])]
    assert len(trace.timeline)
    assert what.split()[1] in repr(trace.chart())


def test_pledges_and_settlements_are_traced_by_their_uuid(session: lk.Session) -> None:
    settlement = next(row for row in rows_of(session, "/settlements") if row["state"] == "SETTLED")
    trace = lk.trace(session, settlement["id"])
    assert trace["pledge"]["id"].tolist() == [settlement["from_pledge_id"]]
    pledge = lk.trace(session, settlement["from_pledge_id"].upper())
    assert settlement["id"] in pledge["settlements"]["id"].tolist()
    assert any("no times of pledges" in note for note in pledge.notes)


def test_a_row_of_the_kit_is_traced(session: lk.Session, payment: dict[str, Any]) -> None:
    found = session.transactions.search(id=payment["id"])
    assert lk.trace(session, found).title == lk.trace(session, session.transactions.get(payment["id"])).title
    with pytest.raises(lk.InvalidRequest, match="0 rows"):
        lk.trace(session, found.head(0))
    with pytest.raises(lk.InvalidRequest, match="does not say which object"):
        lk.trace(session, pd.DataFrame({"id": [1]}))


def test_a_row_of_another_workspace_is_refused(session: lk.Session, payment: dict[str, Any]) -> None:
    found = session.transactions.get(payment["id"])
    found.attrs["workspace"] = "another"
    with pytest.raises(lk.InvalidRequest, match="another workspace"):
        lk.trace(session, found)


def test_both_sides_of_a_transfer_are_one_hash(session: lk.Session) -> None:
    hashes = [row["tx_hash"] for row in rows_of(session, "/transactions") if row["tx_hash"]]
    shared = next(one for one in hashes if hashes.count(one) == 2)
    trace = lk.trace(session, shared)
    assert trace.kind == "hash"
    assert set(trace["transactions"]["tx_hash"]) == {shared}
    assert len(trace["transactions"]) == 2


@pytest.mark.parametrize("nothing", ["", "  ", True, None, 3.5, ["a"]])
def test_what_can_not_be_looked_for_is_refused(session: lk.Session, nothing: Any) -> None:
    with pytest.raises(lk.InvalidRequest, match="can't be traced"):
        lk.trace(session, nothing)


def test_a_trace_is_saved_with_all_its_rows(session: lk.Session, payment: dict[str, Any], tmp_path: Path) -> None:
    trace = lk.trace(session, payment["tx_hash"])
    page = trace.to_html(tmp_path / "trace.html").read_text(encoding="utf-8")
    assert payment["recipient"] in page
    assert "<svg" in page
    assert "<script" not in page
    with zipfile.ZipFile(trace.to_excel(tmp_path / "trace.xlsx")) as book:
        assert "timeline" in book.read("xl/workbook.xml").decode()
    assert trace.objects.keys() == trace.tables.keys() - {"timeline"}


def test_the_chart_is_bounded_and_says_so(session: lk.Session) -> None:
    busiest = pd.Series([row["created_by"] for row in rows_of(session, "/requests")]).value_counts().index[0]
    trace = lk.trace(session, f"user {busiest}")
    spec = trace.chart().spec()
    drawn = next(iter(spec["datasets"].values()))
    assert len(trace.timeline) > len(drawn) == 300
    assert "the newest 300 of" in json.dumps(spec["title"])
    assert {row["time"][-1] for row in drawn} == {"Z"}


def test_sums_of_an_account_of_solana_are_of_one_token_each(session: lk.Session) -> None:
    tokens = ("SEND_SPL_TOKEN_CHECKED", "SEND_SPL_TOKEN_CHECKED_FUNDED")
    paid = [row for row in rows_of(session, "/transactions") if row["currency"] == "solana" and row["recipient"]]
    paid = [row for row in paid if row["status"] == "CONFIRMED" and row["type"] in ("SEND", *tokens)]
    mixed = {row["recipient"] for row in paid if row["type"] in tokens}
    recipient = next(row["recipient"] for row in paid if row["type"] == "SEND" and row["recipient"] in mixed)
    sums: dict[tuple[int, str], int] = {}
    for row in paid:
        if row["recipient"] == recipient:
            mint = row["coin_fields"]["tx_parameters"]["token_mint"] if row["type"] in tokens else ""
            key = (row["account_id"], mint)
            sums[key] = sums.get(key, 0) + int(row["amount"])
    flows = lk.trace(session, recipient)["flows"].query("direction == 'paid to it' and confirmed > 0")
    keys = zip(flows["account_id"], flows["token_mint"].fillna(""), strict=True)
    assert dict(zip(keys, flows["amount_base"], strict=True)) == sums
    assert len({mint for _, mint in sums}) > 1
    for mint, base, shown, ticker in flows[["token_mint", "amount_base", "amount", "ticker"]].fillna("").to_numpy():
        places = 9 if not mint else session.raw("GET", f"/currencies/solana/tokens/{mint}")["units"][-1]["magnitude"]
        assert int(shown.scaleb(places)) == base
        assert (ticker == "SOL") is (mint == "")
