"""Several ids at once: one call for each, one frame, and a row with the reason where one can't be had."""

import json
import math
import threading
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from serving import LeapingClock, Reply, Seen, Server, in_turn, page

import ledgerkit as lk

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]

MISSING = {13: 404, 14: 403, 15: 501, 16: 400}


def accounts(seen: Seen) -> Reply:
    """Answer any read of an account; some can't be had."""
    _, _, number, *rest = seen.path.split("/")
    if status := MISSING.get(int(number)):
        return Reply({"message": f"not {number}"}, status)
    answers: dict[str, Any] = {
        "": {"id": int(number), "name": f"a{number}", "balance": 10**30 + int(number), "xpub": "xpub-canary"},
        "labels": [{"id": 1, "name": "hot"}, {"id": 2, "name": f"of {number}"}] if number != "2" else [],
        "history": {"history": [[{"id": 5, "type": "CREATE_ACCOUNT"}], [{"id": 6}, {"id": 7}]]},
        "balances/history": {
            "account_index": 0,
            "currency": {"name": "bitcoin", "magnitude": 8},
            "balances": [{"date": "2026-01-01", "value": "5"}, {"date": "2026-01-02", "value": None}],
        },
    }
    return Reply(answers["/".join(rest)])


@pytest.fixture
def server(serve: Serve) -> Server:
    return serve(accounts)


@pytest.fixture
def session(server: Server, connect_to: Connect) -> lk.Session:
    return connect_to(server)


def test_one_id_is_one_row_without_a_column_for_errors(session: lk.Session) -> None:
    df = session.accounts.get(7)
    assert df["id"].tolist() == [7]
    assert df["balance"].tolist() == [10**30 + 7]
    assert "error" not in df.columns


def test_several_ids_are_one_frame_in_their_order_each_once(session: lk.Session, server: Server) -> None:
    df = session.accounts.get([9, 7, 8, 7, 9])
    assert df["id"].tolist() == [9, 7, 8]
    assert df["name"].tolist() == ["a9", "a7", "a8"]
    assert df["error"].isna().all()
    assert sorted(server.paths()) == ["/accounts/7", "/accounts/8", "/accounts/9"]


@pytest.mark.parametrize(
    "ids",
    [
        [7, 8],
        (7, 8),
        ["7", 8],
        range(7, 9),
        np.array([7, 8]),
        pd.Series([7, 8, 7], dtype="Int64"),
        pd.Index([7, 8]),
        pd.DataFrame({"account_id": [7, 8]})["account_id"].unique(),
        (number for number in (7, 8)),
    ],
)
def test_ids_may_come_from_any_column_or_list(session: lk.Session, ids: Any) -> None:
    df = session.accounts.get(ids)
    assert df["id"].tolist() == [7, 8]
    # An array, a range and a generator were kept as their repr.
    kept = json.loads(json.dumps(df.attrs["parameters"]))["account_id"]
    assert [int(one) for one in kept[:2]] == [7, 8]


def test_a_list_of_one_is_a_list(session: lk.Session) -> None:
    assert "error" in session.accounts.get([7]).columns


def test_columns_are_those_of_a_single_get_and_the_error(session: lk.Session) -> None:
    one, several = session.accounts.get(7), session.accounts.get([7, 8])
    assert_frame_equal(several.drop(columns="error").head(1), one)
    assert list(several.columns)[-1] == "error"
    assert str(several["error"].dtype) == "str"


@pytest.mark.parametrize("ids", [[], (), pd.Series([], dtype="Int64")])
def test_no_ids_are_no_rows_and_no_call(session: lk.Session, server: Server, ids: Any) -> None:
    # As after a search that found nothing; it was an error whose advice, to leave the ids out, could not be followed.
    none = session.accounts.get(ids)
    assert (len(none), none.columns[-1]) == (0, "error")
    assert server.seen == []
    assert none.dtypes.equals(session.accounts.get([7]).dtypes)


def test_lists_of_several_accounts_are_one_frame(serve: Serve, connect_to: Connect) -> None:
    def nfts(seen: Seen) -> Reply:
        number = seen.path.split("/")[2]
        if number == "13":
            return Reply({"message": "no such account"}, 404)
        return page([{"contract_address": "0xa", "token_id": number, "value": 10**30}] if number != "9" else [])

    session = connect_to(serve(nfts))
    frame = session.accounts.nfts([7, 9, 13, 8])
    assert frame["account_id"].tolist() == [7, 13, 8]
    assert frame["token_id"].tolist()[::2] == ["7", "8"]
    assert frame["value"].tolist()[0] == 10**30
    assert "no such account" in frame["error"][1]
    assert frame.dtypes.equals(session.accounts.nfts([]).dtypes)
    assert frame.attrs["parameters"] == {"account_id": [7, 9, 13, 8]}
    assert frame.attrs["complete"]


def test_one_list_of_several_that_is_not_complete_is_told_in_the_attrs_of_all(
    serve: Serve, connect_to: Connect
) -> None:
    def nfts(seen: Seen) -> Reply:
        nodes = [{"contract_address": "0xa", "token_id": "1", "value": 1}]
        answer = page(nodes)
        if "/8/" in seen.path:
            answer.body["page_info"]["count"] = 2
        return answer

    session = connect_to(serve(nfts))
    with pytest.warns(lk.IncompleteResult):
        assert not session.accounts.nfts([7, 8]).attrs["complete"]


def test_what_is_wrong_for_every_id_is_an_error_and_not_a_frame_of_reasons(serve: Serve, connect_to: Connect) -> None:
    session = connect_to(serve(lambda seen: Reply({"message": "start is after end"}, 400)))
    with pytest.raises(lk.InvalidRequest, match=r"start is after end"):
        session.accounts.balances([1, 2])


def test_wrong_names_of_parameters_are_hinted_at(session: lk.Session, server: Server) -> None:
    with pytest.raises(TypeError, match=r"'state'; did you mean status\?"):
        session.accounts.search(state="ACTIVE")  # type: ignore[call-arg]  # the mistake
    with pytest.raises(TypeError, match=r"filters go by name, as in name=\.\.\."):
        session.accounts.search("BTC")  # type: ignore[call-arg]  # the mistake
    with pytest.raises(lk.InvalidRequest, match=r"`created_after` = 2026-05-01.* is after `created_before`"):
        session.accounts.search(created_after="2026-05-01", created_before="2026-04-01")
    assert server.seen == []


def test_a_section_shows_what_it_can_do(session: lk.Session) -> None:
    assert "balances: Get the balances of accounts" in repr(session.accounts)
    assert "session.stakes.solana" in repr(session.stakes)


@pytest.mark.parametrize("ids", [None, True, 1.5, "x/../y", [7, None], ""])
def test_what_is_no_id_is_refused_before_anything_is_sent(session: lk.Session, server: Server, ids: Any) -> None:
    with pytest.raises(lk.InvalidRequest, match="account_id"):
        session.accounts.get(ids)
    assert server.seen == []


# --- one that can't be had ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "kind"), [(13, lk.NotFound), (14, lk.PermissionDenied), (15, lk.Unsupported), (16, lk.InvalidRequest)]
)
def test_for_a_single_id_it_is_an_error_and_among_several_a_row(
    session: lk.Session, number: int, kind: type[lk.LedgerError]
) -> None:
    with pytest.raises(kind, match=f"not {number}"):
        session.accounts.get(number)
    df = session.accounts.get([7, number, 8])
    assert df["id"].tolist() == [7, number, 8]
    assert df["name"].fillna("").tolist() == ["a7", "", "a8"]
    assert f"GET /accounts/{number}: not {number} ({MISSING[number]})" in df["error"].tolist()[1]
    assert df["error"].isna().tolist() == [True, False, True]


def test_a_history_that_a_currency_does_not_have_is_a_row_with_the_reason(session: lk.Session) -> None:
    df = session.accounts.balance_history([7, 15], start="2026-01-01", end=date(2026, 1, 2))
    assert df["account_id"].tolist() == [7, 7, 15]
    assert df["value"].tolist() == [5, pd.NA, pd.NA]
    assert "(501)" in df["error"].tolist()[-1]
    with pytest.raises(lk.Unsupported):
        session.accounts.balance_history(15, start="2026-01-01", end="2026-01-02")


def test_other_failures_end_the_whole_call(serve: Serve, connect_to: Connect) -> None:
    server = serve(lambda seen: Reply({}, 500) if seen.path == "/accounts/8" else accounts(seen))
    with pytest.raises(lk.ServerError, match="GET /accounts/8"):
        connect_to(server).accounts.get(range(1, 12))


# --- an answer for another id ---------------------------------------------------------------------------------------


def test_an_answer_for_another_id_is_no_row_of_the_one_that_was_asked_for(serve: Serve, connect_to: Connect) -> None:
    # get(5), answered with account 7, was a row of account 7.
    session = connect_to(serve(in_turn(Reply({"id": 7, "name": "a7"}))))
    for ids in (5, [5, 6]):
        with pytest.raises(
            lk.ContractViolation, match=r"GET /accounts/[56]: .*asked for `id` '[56]' and answered for 7"
        ) as raised:
            session.accounts.get(ids)
        assert raised.value.details["field"] == "id"


def test_a_row_of_a_list_may_not_name_another_id_either(serve: Serve, connect_to: Connect) -> None:
    rows = [{"account_id": 5, "id": 1}, {"account_id": 99, "id": 2}]
    with pytest.raises(lk.ContractViolation, match="asked for `account_id` '5' and answered for 99"):
        connect_to(serve(in_turn(Reply(rows)))).accounts.labels(5)


@pytest.mark.parametrize("ids", [7, [7, 8]])
def test_a_row_of_pages_may_not_name_another_id_either(serve: Serve, connect_to: Connect, ids: Any) -> None:
    nfts = [{"contract_address": "0xa", "token_id": str(number), "account_id": number} for number in (7, 99)]
    with pytest.raises(lk.ContractViolation, match=r"GET /accounts/7/nfts: .*`account_id` '7' and answered for 99"):
        connect_to(serve(lambda seen: page(nfts))).accounts.nfts(ids)
    same = connect_to(serve(lambda seen: page([{**nfts[0], "error": "spoof"}]))).accounts.nfts([7])
    assert same["account_id"].tolist() == [7]
    assert same["error"].isna().all()
    assert same["error_"].tolist() == ["spoof"]


@pytest.mark.parametrize("named", [{}, {"id": None}, {"id": 7}, {"id": "7"}, {"id": "07"}])
def test_an_answer_may_leave_the_id_out_or_write_it_otherwise(
    serve: Serve, connect_to: Connect, named: dict[str, Any]
) -> None:
    # A null made the id that was asked for a missing value.
    df = connect_to(serve(in_turn(Reply({**named, "name": "a7"})))).accounts.get([7])
    assert df["id"].tolist() == [7]


@pytest.mark.parametrize("odd", ["", "many", 7.5, True, [7], {"id": 7}, 10**400])
def test_what_is_no_id_is_not_the_one_that_was_asked_for(serve: Serve, connect_to: Connect, odd: Any) -> None:
    with pytest.raises(lk.ContractViolation, match="asked for `id` '1' and answered for"):
        connect_to(serve(in_turn(Reply({"id": odd})))).accounts.get(1)


def test_an_address_may_come_back_in_the_case_of_its_checksum(serve: Serve, connect_to: Connect) -> None:
    session = connect_to(serve(in_turn(Reply({"address": "0xAbC", "has_sanctions": False}))))
    assert session.compliance.sanctions("0xabc")["address"].tolist() == ["0xabc"]
    with pytest.raises(lk.ContractViolation, match="asked for `address` '0xabd' and answered for '0xAbC'"):
        session.compliance.sanctions("0xabd")


def test_only_the_kit_says_in_error_why_a_row_is_missing(serve: Serve, connect_to: Connect) -> None:
    # A field of that name in an answer looked like a row that could not be had.
    session = connect_to(serve(in_turn(Reply({"total": 1, "error": "spoof", "error_": "spoof too"}))))
    df = session.accounts.balances([5, 6])
    assert df["error"].isna().all()
    assert df["error_"].tolist() == ["spoof"] * 2
    assert df["error__"].tolist() == ["spoof too"] * 2
    assert list(session.accounts.balances(5).columns) == [name for name in df.columns if name != "error"]


# --- how far a request has come -------------------------------------------------------------------------------------


def governance(*steps: Any, request: int = 62) -> Reply:
    return Reply({"is_complete": False, "governance_steps": list(steps), "request": {"id": request}})


def test_a_group_may_come_as_an_object_or_as_its_id(serve: Serve, connect_to: Connect) -> None:
    # A bare id was dropped: the step looked as if no group had to approve.
    steps = ({"step_index": 0, "group": {"id": 11}}, {"step_index": 1, "group": 12}, {"step_index": 2}, None)
    df = connect_to(serve(in_turn(governance(*steps)))).requests.governance_status(62)
    assert df["group_id"].tolist() == [11, 12, pd.NA, pd.NA]
    assert df["step_index"].tolist() == [0, 1, 2, pd.NA]


@pytest.mark.parametrize("step", ["hidden", 7, ["x"], False])
def test_only_null_is_a_hidden_step(serve: Serve, connect_to: Connect, step: Any) -> None:
    session = connect_to(serve(in_turn(governance({"step_index": 0}, step))))
    with pytest.raises(
        lk.ContractViolation, match=f"GET /requests/62/governance-status: .*is a {type(step).__name__}"
    ):
        session.requests.governance_status(62)


def test_the_steps_of_another_request_are_not_those_that_were_asked_for(serve: Serve, connect_to: Connect) -> None:
    with pytest.raises(lk.ContractViolation, match="asked for `request_id` '62' and answered for 63"):
        connect_to(serve(in_turn(governance({}, request=63)))).requests.governance_status(62)


# --- several rows for one id ----------------------------------------------------------------------------------------


def test_each_row_names_the_id_that_it_belongs_to(session: lk.Session) -> None:
    df = session.accounts.labels([1, 2, 3, 13])
    assert df["account_id"].tolist() == [1, 1, 3, 3, 13]  # account 2 has no labels
    assert df["name"].fillna("").tolist() == ["hot", "of 1", "hot", "of 3", ""]
    assert df["error"].isna().tolist() == [True, True, True, True, False]


def test_a_history_is_a_list_of_lists_whose_position_is_kept(session: lk.Session) -> None:
    df = session.accounts.history([1, 3])
    assert df["account_id"].tolist() == [1, 1, 1, 3, 3, 3]
    assert df["position"].tolist() == [0, 1, 1, 0, 1, 1]


def test_ids_that_are_texts_stay_whole_segments_of_the_path(serve: Serve, connect_to: Connect) -> None:
    server = serve(in_turn(Reply({"has_sanctions": False})))
    connect_to(server).compliance.sanctions(["bc1/../q", "a b?c#d", "é"])
    assert sorted(seen.target for seen in server.seen) == [
        "/compliance/sanctions/%C3%A9",
        "/compliance/sanctions/a%20b%3Fc%23d",
        "/compliance/sanctions/bc1%2F..%2Fq",
    ]


@pytest.mark.parametrize("address", [".", ".."])
def test_an_id_that_would_lead_elsewhere_is_refused(session: lk.Session, server: Server, address: str) -> None:
    with pytest.raises(lk.InvalidRequest, match="names no object"):
        session.compliance.sanctions(address)
    assert server.seen == []


# --- at once --------------------------------------------------------------------------------------------------------


def test_calls_are_under_way_together_but_no_more_than_the_session_allows(serve: Serve, connect_to: Connect) -> None:
    together = threading.Barrier(4)
    under_way, most = 0, 0
    lock = threading.Lock()

    def handle(seen: Seen) -> Reply:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        together.wait(10)  # breaks, and fails the test, where fewer than four come at once
        with lock:
            under_way -= 1
        return accounts(seen)

    assert len(connect_to(serve(handle), concurrency=4).accounts.get(range(1, 9))) == 8
    assert most == 4


def test_many_ids_leave_half_of_the_rate_limit_to_others(serve: Serve, connect_to: Connect) -> None:
    clock = LeapingClock()
    moments: list[float] = []

    def handle(seen: Seen) -> Reply:
        window = clock.monotonic() // 60
        moments.append(clock.monotonic())
        made = sum(moment // 60 == window for moment in moments)
        ends = math.ceil((window + 1) * 60 - clock.monotonic())
        headers = {"X-RateLimit-Remaining": str(20 - made), "X-RateLimit-Reset": str(ends)}
        return Reply({"name": "of the workspace"}, headers=headers)

    connect_to(serve(handle), clock=clock, concurrency=1).accounts.get(range(12))
    first = [moment for moment in moments if moment // 60 == moments[0] // 60]
    assert (len(first), len(moments)) == (10, 12)
    assert first[-1] - first[0] > 10  # more are wanted than there are: these are spread over the window


# --- what is left out -----------------------------------------------------------------------------------------------


def test_the_extended_public_key_is_left_out_unless_it_is_asked_for(serve: Serve, connect_to: Connect) -> None:
    node = {"id": 7, "xpub": "xpub-canary", "new": 1, "created_on": "2026-01-01T00:00:00Z"}
    single = ("/accounts/7", "/accounts/7/sync")
    session = connect_to(serve(lambda seen: Reply(node) if seen.path in single else page([node])))
    for df in (
        session.accounts.get(7),
        session.accounts.get([7]),
        session.accounts.search(),
        session.accounts.erc20_children(7),
        session.accounts.sync(7),
    ):
        assert "new" in df.columns  # unknown fields are kept; this one is known, and left out
        assert "xpub-canary" not in df.to_csv() + repr(df.attrs)
    for df in (session.accounts.get(7, include_xpub=True), session.accounts.search(include_xpub=True)):
        assert df["xpub"].tolist() == ["xpub-canary"]


def test_where_it_came_from(session: lk.Session) -> None:
    attrs = session.accounts.get(pd.Series([7, 8], dtype="Int64").tolist()).attrs
    assert attrs["endpoint"] == "GET /accounts/{account_id}"
    assert attrs["parameters"] == {"account_id": [7, 8]}
    assert attrs["count"] == 2


def test_where_it_came_from_does_not_name_the_credentials(serve: Serve) -> None:
    # The name of a LAM's API user is all that some LAMs ask for: a saved notebook would hold it.
    server = serve(in_turn(Reply({"api_users": [{"name": "ops"}]}), Reply({"name": "ops"}), page([])))
    with lk.Session(lk.LAM("user-canary", "key-canary", "token-canary"), base_url=server.url) as session:
        for df in (session.api_users.search(), session.api_users.get("ops"), session.transactions.search()):
            assert "canary" not in repr(df.attrs)


def test_a_value_that_cant_be_read_is_reported_with_the_id_that_was_asked_for(
    serve: Serve, connect_to: Connect
) -> None:
    def balances(seen: Seen) -> Reply:
        return Reply({"total": "lots" if seen.path.endswith("/8/balances") else "1", "available": "1"})

    session = connect_to(serve(balances))
    with pytest.raises(lk.ContractViolation, match=r"GET /accounts/8/balances: .*`total` does not read as amount"):
        session.accounts.balances([7, 8, 9])
