"""What a session has sent it does not send again unasked, whatever became of a second send."""

from collections.abc import Callable
from typing import Any

import pytest
from serving import Act, Drop, Reply, Seen, Server, in_turn, signed_in
from write_examples import OUTBOUND, PLEDGE

import ledgerkit as lk
from ledgerkit.outbox import Outbox
from ledgerkit.payloads import BitcoinLikeSend, Speed
from writes.conftest import BITCOIN_ACCOUNT, HurriedClock, listed_address, open_session, unlisted

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]

OPERATOR = lk.ApiUser("acme", "key-id", "canary-key-secret")
PAYLOAD = BitcoinLikeSend(
    account_id=2,
    account_name="ClientA COL TBTC 1",
    amount=100,
    currency="bitcoin_testnet",
    max_fees=211,
    recipient="tb1q9wexw9pzjklj7yqld6g3lejxzr0wgvwhzx0nek",
    fees_strategy=Speed("FAST"),
)
REFUSED = Reply({"message": "too many pending requests"}, 400)


def made(request_id: int) -> Reply:
    return Reply({"id": request_id, "type": "CREATE_TRANSACTION", "status": "PENDING_FIRST_APPROVAL"})


def sent(server: Server, path: str = "/requests") -> list[Seen]:
    return [seen for seen in server.seen if (seen.method, seen.path) == ("POST", path)]


def test_a_refused_second_send_does_not_make_the_first_forgotten(serve: Serve, connect_to: Connect) -> None:
    server = serve(unlisted(in_turn(made(2293), REFUSED, made(2294))))
    requests = connect_to(server, OPERATOR, writes=True).requests
    requests.create(PAYLOAD)
    with pytest.raises(lk.InvalidRequest, match="too many pending"):
        requests.create(PAYLOAD, again=True)

    with pytest.raises(lk.InvalidRequest, match=r"has sent the same before: request 2293\. Nothing was sent"):
        requests.create(PAYLOAD)

    assert len(sent(server)) == 2


def test_all_that_was_sent_of_one_content_is_named(serve: Serve, connect_to: Connect) -> None:
    server = serve(unlisted(in_turn(made(2293), Drop(), made(2295))))
    requests = connect_to(server, OPERATOR, writes=True).requests
    requests.create(PAYLOAD)
    with pytest.raises(lk.OutcomeUnknown):
        requests.create(PAYLOAD, again=True)

    with pytest.raises(
        lk.InvalidRequest, match=r"request 2293; CREATE_TRANSACTION, whose outcome is not known\. Nothing"
    ):
        requests.create(PAYLOAD)


def test_a_settlement_that_is_missing_does_not_make_another_one_forgotten(serve: Serve, connect_to: Connect) -> None:
    first = "11111111-0000-4000-8000-000000000000"
    posts = in_turn(Reply({"id": first, "from_pledge_id": PLEDGE}), Drop())

    def answer(seen: Seen) -> Act:
        if seen.method == "GET":
            return Reply(status=404)
        reply = posts(seen)
        return Reply({**reply.body, "id": seen.json["id"]}) if isinstance(reply, Reply) else reply

    server = serve(signed_in(answer))
    settlements = connect_to(server, OPERATOR, writes=True).settlements

    def settle(**more: Any) -> Any:
        return settlements.create(PLEDGE, outbound_transaction_intent=OUTBOUND, **more)

    there = settle()["id"].iloc[0]
    with pytest.raises(lk.OutcomeUnknown) as lost:
        settle(again=True)
    assert lost.value.find().state == "not found"

    with pytest.raises(lk.InvalidRequest, match=rf"has sent the same before: settlement {there}\. Nothing"):
        settle()

    assert len(sent(server, "/settlements")) == 2


def test_what_was_found_is_named_as_found(start: Callable[..., lk.Session]) -> None:
    patient = start()
    assert patient.sandbox is not None
    with open_session(patient.sandbox, clock=HurriedClock()) as session:
        recipient = listed_address(session, "bitcoin")
        draft = session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.5 BTC")
        patient.sandbox.faults.drop(answered=True, path="/requests", method="POST")
        with pytest.raises(lk.OutcomeUnknown):
            draft.submit()
        patient.sandbox.faults.clear()
        found = draft.find().request_id

        with pytest.raises(lk.InvalidRequest, match=rf"has sent the same before: request {found}\. Nothing"):
            session.requests.create(draft.payload)


@pytest.mark.parametrize(
    ("no_token", "error"),
    [
        (Reply(b"<html>a portal</html>"), lk.AuthenticationError),
        (Reply({"access_token": "t", "expires_in": "soon"}), lk.AuthenticationError),
        (Reply(b"", status=503), lk.ServerError),
        (Reply(b"<html>blocked</html>", status=403), lk.PermissionDenied),
        (Reply({"message": "too slow"}, status=408), lk.InvalidRequest),
    ],
    ids=["a page", "a token without end", "a failure", "a gateway refuses", "a time-out"],
)
def test_a_write_that_could_not_be_signed_in_was_not_sent(
    serve: Serve, connect_to: Connect, no_token: Reply, error: type[lk.LedgerError]
) -> None:
    down = True

    def answer(seen: Seen) -> Act:
        if seen.path.startswith("/auth/") and down:
            return no_token
        return unlisted(in_turn(made(2293)))(seen)

    server = serve(answer)
    session = connect_to(server, OPERATOR, writes=True)
    draft = session.requests.draft(PAYLOAD)

    with pytest.raises(error):
        draft.submit()
    assert draft.state == "draft"
    assert sent(server) == []

    down = False
    assert draft.submit()["id"].tolist() == [2293]


@pytest.mark.parametrize(
    "answer",
    [
        Reply(b"<html>blocked</html>", 403),
        Reply({"message": "conflict"}, 409),
        Reply({"error": "invalid_grant"}, 400),
    ],
    ids=["a gateway", "conflict", "refused"],
)
def test_a_write_is_sent_whatever_became_of_a_refresh(serve: Serve, connect_to: Connect, answer: Reply) -> None:
    posts = in_turn(Reply({"message": "expired"}, 401), made(2293))
    others = unlisted(posts)
    server = serve(lambda seen: answer if seen.path == "/auth/token/refresh" else others(seen))

    frame = connect_to(server, OPERATOR, writes=True).requests.create(PAYLOAD)

    assert frame["id"].tolist() == [2293]
    assert [seen.path for seen in server.seen if seen.path.startswith("/auth/")] == [
        "/auth/token",
        "/auth/token/refresh",
        "/auth/token",
    ]


def test_a_draft_that_was_not_sent_is_not_said_to_be_missing(serve: Serve, connect_to: Connect) -> None:
    server = serve(unlisted(in_turn(Drop(), made(2293))))
    requests = connect_to(server, OPERATOR, writes=True).requests
    lost = requests.draft(PAYLOAD)
    with pytest.raises(lk.OutcomeUnknown):
        lost.submit()

    outcome = requests.draft(PAYLOAD).find()  # the cell was run again: this is another draft, with another mark

    assert outcome.state == "not sent"
    assert "nothing was looked for" in outcome.text
    assert server.paths() == ["/whitelists", "/accounts", "/requests", "/whitelists"]


def test_what_is_found_late_stands_again() -> None:
    outbox = Outbox()
    with pytest.raises(lk.ConnectionFailed), outbox.claim({"amount": 1}, "settlement", again=False) as claim:
        raise lk.ConnectionFailed("no route")
    claim.record("settlement 7")

    with (
        pytest.raises(lk.InvalidRequest, match="before: settlement 7"),
        outbox.claim({"amount": 1}, "settlement", again=False),
    ):
        pytest.fail("it was claimed twice")
