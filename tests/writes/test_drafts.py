"""A draft is sent once, whatever happens: two submits, fifty threads, a lost answer, an interrupt."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd
import pytest
from serving import Drop, Reply, Seen, Server, page

import ledgerkit as lk
from ledgerkit.drafts import Check, Draft
from ledgerkit.errors import NOT_CARRIED_OUT
from ledgerkit.operator import Operator
from ledgerkit.outbox import Outbox
from ledgerkit.outcomes import Outcome, new_mark
from ledgerkit.payloads import BitcoinLikeSend, ForcedUnpledge, LamTransaction, MessageSigning, Note, Raw, Speed
from writes.conftest import BITCOIN_ACCOUNT, HurriedClock, listed_address, open_session, unlisted

PAYLOAD = BitcoinLikeSend(
    account_id=2,
    account_name="ClientA COL TBTC 1",
    amount=100,
    currency="bitcoin_testnet",
    max_fees=211,
    recipient="tb1q9wexw9pzjklj7yqld6g3lejxzr0wgvwhzx0nek",
    fees_strategy=Speed("FAST"),
    note=Note("Invoice 42", "March"),
)
API_USER = lk.ApiUser("acme", "key-id", "key-secret")


def posts(session: lk.Session) -> list[Any]:
    assert session.sandbox is not None
    return [seen for seen in session.sandbox.requests_seen if (seen.method, seen.path) == ("POST", "/requests")]


def draft_of(send: Callable[[Any], pd.DataFrame], **options: Any) -> Draft:
    return Draft(
        PAYLOAD, send=send, find=lambda _: Outcome("can't tell", "nobody looked"), outbox=Outbox(), **options
    )


def test_a_second_submit_names_the_request_that_the_first_made(session: lk.Session, recipient: str) -> None:
    draft = session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.5 BTC")
    made = int(draft.submit()["id"].iloc[0])
    with pytest.raises(lk.InvalidRequest, match=f"was sent before, as request {made}"):
        draft.submit()
    with pytest.raises(lk.InvalidRequest, match=f"was sent before, as request {made}"):
        draft.submit(again=True)  # that is for another draft
    assert len(posts(session)) == 1
    assert draft.request_id == made
    assert f"SENT as request {made}" in repr(draft)


def test_a_cell_that_is_run_again_sends_nothing(session: lk.Session, recipient: str) -> None:
    session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.5 BTC", note="Invoice 42").submit()
    with pytest.raises(lk.InvalidRequest, match="nothing was sent: double: "):
        session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.5 BTC", note="Invoice 42").submit()
    assert len(posts(session)) == 1
    session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.5 BTC", note="Invoice 42", again=True).submit()
    assert len(posts(session)) == 2


def test_a_body_that_is_sent_again_is_refused(session: lk.Session, recipient: str) -> None:
    payload = session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.5 BTC").payload
    session.requests.create(payload)
    with pytest.raises(lk.InvalidRequest, match=r"sent the same before: request \d+.*again=True"):
        session.requests.create(payload)
    assert len(posts(session)) == 1
    session.requests.create(payload, again=True)
    assert len(posts(session)) == 2


def test_fifty_threads_that_submit_one_draft_make_one_request(session: lk.Session, recipient: str) -> None:
    draft = session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.5 BTC")
    together = threading.Barrier(50)

    def submit(_: int) -> str:
        together.wait()
        try:
            return f"made {draft.submit()['id'].iloc[0]}"
        except lk.InvalidRequest as error:
            return str(error)

    with ThreadPoolExecutor(50) as pool:
        said = list(pool.map(submit, range(50)))
    assert len(posts(session)) == 1
    assert sum(text.startswith("made") for text in said) == 1
    assert sum(f"as request {draft.request_id}" in text for text in said) == 49


@pytest.mark.parametrize("stalls", [True, False], ids=["stalls", "hangs up"])
def test_a_server_that_commits_and_then_is_silent_receives_one_request(
    start: Callable[..., lk.Session], stalls: bool
) -> None:
    patient = start()
    assert patient.sandbox is not None
    with open_session(patient.sandbox, clock=HurriedClock(), read_timeout=0.5) as session:
        draft = session.transactions.send(BITCOIN_ACCOUNT, listed_address(session, "bitcoin"), "0.5 BTC")
        if stalls:
            patient.sandbox.faults.latency(1.5, path="/requests", method="POST", answered=True)
        else:
            patient.sandbox.faults.drop(answered=True, path="/requests", method="POST")
        with pytest.raises(lk.OutcomeUnknown) as lost:
            draft.submit()
        patient.sandbox.faults.clear()
        assert draft.state == "unknown"
        with pytest.raises(lk.InvalidRequest, match=r"its outcome is not known: draft\.find"):
            draft.submit()
        found = lost.value.find()
        assert found.state == "found"
        assert draft.request_id == found.request_id
        assert len(session.transactions.search(title=draft.mark)) == 1


def test_what_never_arrived_is_not_found_only_after_several_looks(start: Callable[..., lk.Session]) -> None:
    patient = start()
    assert patient.sandbox is not None
    with open_session(patient.sandbox, clock=HurriedClock(), read_timeout=0.5) as session:
        draft = session.transactions.send(BITCOIN_ACCOUNT, listed_address(session, "bitcoin"), "0.5 BTC")
        patient.sandbox.faults.drop(path="/requests", method="POST")
        with pytest.raises(lk.OutcomeUnknown):
            draft.submit()
        patient.sandbox.faults.clear()
        before = len(patient.sandbox.requests_seen)
        assert draft.find().state == "not found"
        looks = [seen for seen in list(patient.sandbox.requests_seen)[before:] if seen.path == "/transactions"]
        assert len(looks) == 4


def test_a_mark_in_several_transactions_of_a_lam_can_not_be_told(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session]
) -> None:
    def answer(seen: Seen) -> Any:
        if seen.method == "POST":
            return Drop()
        note = {"title": "Invoice 42", "content": seen.query["title"][0]}
        return page([{"id": number, "notes": [note], "created_on": seen.query["created_after"][0]} for number in ids])

    ids = [306, 305]
    payload = LamTransaction(
        account_name="Treasury 1", amount=100, recipient=PAYLOAD.recipient, max_fees=211, speed="SLOW"
    )
    session = connect_to(serve(unlisted(answer)), lk.LAM("api_lam_user", "canary-api-key"), writes=True)
    with pytest.raises(lk.OutcomeUnknown) as lost:
        session.transactions.create(payload)
    outcome = lost.value.find()
    assert (outcome.state, outcome.candidates["id"].tolist()) == ("can't tell", [306, 305])
    ids.remove(306)
    assert lost.value.find().request_id == 305


def lost_without_a_note(session: lk.Session) -> Draft:
    """Send a draft of a kind without a note, and lose the answer."""
    draft: Draft = session.requests.draft(
        ForcedUnpledge(pledge_subaccount_id=1, account_name="TL-0001", currency="bitcoin", exchange_name="Clearport")
    )
    assert session.sandbox is not None
    session.sandbox.faults.drop(answered=True, path="/requests", method="POST")
    with pytest.raises(lk.OutcomeUnknown):
        draft.submit()
    return draft


def test_a_kind_without_a_note_can_not_be_told(start: Callable[..., lk.Session]) -> None:
    session = start()
    draft = lost_without_a_note(session)
    assert draft.mark is None
    assert draft.find().state == "can't tell"


def test_where_it_is_not_known_who_asks_a_kind_without_a_note_can_not_be_told_either(
    start: Callable[..., lk.Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    # After the key pair of the user was replaced, find() ended in the error that the own user was not found.
    session = start()
    draft = lost_without_a_note(session)

    def nobody(*_: Any) -> int:
        raise lk.NotFound("the own user can't be told")

    monkeypatch.setattr(Operator, "user_id", nobody)
    outcome = draft.find()
    assert outcome.state == "can't tell"
    assert "the own user can't be told" in outcome.text


def test_the_mark_goes_into_the_note_and_leaves_what_is_there(session: lk.Session) -> None:
    draft = session.requests.draft(PAYLOAD)
    assert draft.to_json()["note"] == {"title": "Invoice 42", "content": f"March [{draft.mark}]"}
    message = MessageSigning(account_id=9, account_name="ETH Treasury 1", raw_message="Hello")
    assert session.requests.draft(message).to_json()["note"]["title"] == "ledgerkit"
    assert len({new_mark() for _ in range(100)}) == 100


def test_a_body_of_ones_own_is_sent_as_it_is(session: lk.Session) -> None:
    body = {"type": "EDIT_GROUP", "data": {"group_id": 3, "name": "validators"}}
    draft = session.requests.draft(body)
    assert draft.to_json() == body
    assert isinstance(draft.payload, Raw)
    with pytest.raises(lk.InvalidRequest):  # the service does not know it
        draft.submit()
    assert draft.state == "draft"


@pytest.mark.parametrize("refusal", NOT_CARRIED_OUT)
def test_what_the_service_refused_may_be_sent_again(refusal: type[lk.LedgerError]) -> None:
    answers: Iterator[lk.LedgerError | pd.DataFrame] = iter([refusal("no"), pd.DataFrame({"id": [7]})])

    def send(_: Any) -> pd.DataFrame:
        answer = next(answers)
        if isinstance(answer, pd.DataFrame):
            return answer
        raise answer

    draft = draft_of(send)
    with pytest.raises(refusal):
        draft.submit()
    assert draft.state == "draft"
    assert draft.submit()["id"].tolist() == [7]


@pytest.mark.parametrize(
    "fault",
    [lk.OutcomeUnknown("lost"), lk.ContractViolation("garbage"), KeyError("id"), KeyboardInterrupt()],
    ids=repr,
)
def test_what_may_have_been_carried_out_is_never_sent_again(fault: BaseException) -> None:
    sent: list[Any] = []

    def send(payload: Any) -> pd.DataFrame:
        sent.append(payload)
        raise fault

    draft = draft_of(send)
    with pytest.raises(type(fault)):
        draft.submit()
    for _ in range(2):
        with pytest.raises(lk.InvalidRequest, match="its outcome is not known"):
            draft.submit(again=True)
    assert len(sent) == 1


def test_an_answer_without_an_id_is_no_made_request() -> None:
    draft = draft_of(lambda _: pd.DataFrame({"id": pd.array([None], dtype="Int64")}))
    with pytest.raises(lk.OutcomeUnknown, match="can't be read"):
        draft.submit()
    assert draft.state == "unknown"


def test_a_problem_stops_a_draft_and_a_warning_does_not() -> None:
    made = pd.DataFrame({"id": [7]})
    with pytest.raises(lk.InvalidRequest, match="nothing was sent: address: it is none"):
        draft_of(lambda _: made, checks=[Check("address", "problem", "it is none")]).submit()
    assert len(draft_of(lambda _: made, checks=[Check("rules", "warning", "hidden")]).submit()) == 1


def test_a_session_that_reads_only_sends_nothing(serve: Callable[..., Server]) -> None:
    server = serve(unlisted(lambda _: Reply({"id": 1})))
    with lk.Session(API_USER, base_url=server.url) as session:
        draft = session.requests.draft(PAYLOAD)
        with pytest.raises(lk.PermissionDenied, match="reads only, and nothing was sent"):
            draft.submit()
        with pytest.raises(lk.PermissionDenied, match="reads only, and nothing was sent"):
            session.requests.create(PAYLOAD)
        with pytest.raises(lk.PermissionDenied, match="reads only, and nothing was sent"):
            session.requests.approve(29, PAYLOAD, confirm="approve 29")
        with pytest.raises(lk.PermissionDenied, match="reads only, and nothing was sent"):
            session.requests.reject(29, confirm="reject 29 assumed")
        with pytest.raises(lk.PermissionDenied, match="reads only, and nothing was sent"):
            session.transactions.reject(305, confirm="reject 305")
    assert {seen.path for seen in server.seen if seen.method == "POST"} <= {"/auth/token"}
    assert server.paths() == ["/whitelists", "/accounts"]  # of the draft, which is made to be looked at


PAGE = "<html><head><title>Blocked by gateway</title></head></html>"
NOT_ITS_OWN = [(status, PAGE) for status in (400, 403, 404, 413, 501)]


@pytest.mark.parametrize(
    "act",
    [
        Drop(),
        Reply(b"<html>", status=502),
        Reply({"message": "no"}, status=500),
        *(Reply({"message": "no"}, status=status) for status in (408, 409, 425)),
        *(Reply(page.encode(), status=status) for status, page in NOT_ITS_OWN),
        Reply(status=404),
        Reply(["no"], status=400),
        Reply({"message": {"text": "no"}}, status=403),
        Reply({"message": " ", "status_code": 403}, status=403),
        Reply({"message": "not on the whitelist"}, status=400, cut_after=20),
    ],
    ids=repr,
)
def test_a_write_is_posted_once_whatever_comes_back(serve: Callable[..., Server], act: Any) -> None:
    def handle(seen: Seen) -> Any:
        return act

    server = serve(unlisted(handle))
    with lk.Session(API_USER, base_url=server.url, writes=True, retry_seconds=1) as session:
        with pytest.raises(lk.OutcomeUnknown):
            session.requests.create(PAYLOAD)
        with pytest.raises(lk.InvalidRequest, match="has sent the same before"):
            session.requests.create(PAYLOAD)
    assert [seen.path for seen in server.seen if seen.method == "POST" and seen.path == "/requests"] == ["/requests"]


@pytest.mark.parametrize(
    ("status", "body"), [*((status, None) for status in (408, 409, 425)), *NOT_ITS_OWN], ids=lambda one: str(one)[:6]
)
def test_what_was_made_and_answered_by_a_gateway_is_not_made_again(
    start: Callable[..., lk.Session], status: int, body: str | None
) -> None:
    patient = start(transactions=0)
    assert patient.sandbox is not None
    with open_session(patient.sandbox, clock=HurriedClock()) as session:
        draft = session.transactions.send(BITCOIN_ACCOUNT, listed_address(session, "bitcoin"), "0.5 BTC")
        patient.sandbox.faults.status(
            status, path="/requests", method="POST", times=1, answered=True, body=body, content_type="text/html"
        )
        with pytest.raises(lk.OutcomeUnknown, match=str(status)) as lost:
            draft.submit()
        with pytest.raises(lk.InvalidRequest, match=r"its outcome is not known: draft\.find"):
            draft.submit()
        assert lost.value.find().state == "found"
        assert draft.state == "sent"
        assert len(session.transactions.search(title=draft.mark)) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 501])
def test_what_the_service_itself_refused_is_a_draft_still(start: Callable[..., lk.Session], status: int) -> None:
    session = start(transactions=0)
    assert session.sandbox is not None
    draft = session.transactions.send(BITCOIN_ACCOUNT, listed_address(session, "bitcoin"), "0.5 BTC")
    session.sandbox.faults.status(status, path="/requests", method="POST", times=1)
    with pytest.raises(lk.LedgerError) as refused:
        draft.submit()
    assert isinstance(refused.value, NOT_CARRIED_OUT)
    assert draft.state == "draft"
    assert len(draft.submit()) == 1
    assert len(session.transactions.search(title=draft.mark)) == 1
