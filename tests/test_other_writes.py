"""Settlements, webhooks, labels, API users and stakes: sent once, of one object, on a session that may write."""

import traceback
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from bug_reports import shown
from serving import Act, Drop, LeapingClock, Reply, Seen, Server, in_turn, signed_in
from write_examples import (
    HOOK,
    LAM_WRITES,
    OUTBOUND,
    PLEDGE,
    SECRET,
    SETTLED,
    SETTLEMENT,
    TRANSACTION,
    WRITES,
    Write,
)
from writes.conftest import unlisted

import ledgerkit as lk
from ledgerkit.outcomes import SECONDS_BETWEEN
from ledgerkit.secret import MASK, Secret

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]

ALL = [*WRITES, *LAM_WRITES]
OPERATOR = lk.ApiUser("acme", "key-id", "canary-key-secret")
GATEWAY = lk.LAM("api_lam_user", "canary-api-key")


def credentials(write: Write) -> Any:
    return GATEWAY if write in LAM_WRITES else OPERATOR


def written(server: Server) -> list[Seen]:
    """The requests that change something."""
    return [seen for seen in server.seen if seen.method != "GET" and "/auth/" not in seen.path]


# All of them


@pytest.mark.parametrize("write", ALL, ids=repr)
def test_a_write_is_sent_once_and_its_answer_is_one_row(serve: Serve, connect_to: Connect, write: Write) -> None:
    server = serve(write.served())
    session = connect_to(server, credentials(write), writes=True, prefix="/gate")

    frame = write.make(session)

    [sent] = written(server)
    assert (sent.method, sent.path) == (write.method, f"/gate{write.target}")
    assert (sent.json if sent.body else None) == write.body
    assert len(frame) == 1
    assert frame.attrs["endpoint"] == write.operation
    known = write.path.keys() & set(frame.columns)
    assert {name: str(frame[name].iloc[0]) for name in known} == {name: str(write.path[name]) for name in known}


@pytest.mark.parametrize("write", ALL, ids=repr)
def test_a_session_that_reads_only_sends_nothing(serve: Serve, connect_to: Connect, write: Write) -> None:
    server = serve(write.served())
    session = connect_to(server, credentials(write))

    with pytest.raises(lk.PermissionDenied, match=r"reads only, and nothing was sent.*writes=True"):
        write.make(session)

    assert server.seen == []


@pytest.mark.parametrize("write", ALL, ids=repr)
@pytest.mark.parametrize(
    "lost",
    [
        Drop(),
        Reply({"a": "whole answer"}, cut_after=5),
        Reply(b"<html>", 200),
        Reply(status=502),
        Reply(["?"]),
        Reply(b"<html>", 403),
        Reply({"message": "there is one"}, 409),
    ],
    ids=[
        "no answer",
        "half an answer",
        "no JSON",
        "a gateway fails",
        "another shape",
        "a gateway refuses",
        "conflict",
    ],
)
def test_a_lost_answer_leaves_the_outcome_unknown_and_nothing_is_sent_again(
    serve: Serve, connect_to: Connect, write: Write, lost: Act
) -> None:
    server = serve(signed_in(lambda seen: Reply(status=404) if seen.method == "GET" else lost))
    session = connect_to(server, credentials(write), writes=True)

    with pytest.raises(lk.OutcomeUnknown, match="may have been carried out"):
        write.make(session)

    assert len(written(server)) == 1


@pytest.mark.parametrize("write", ALL, ids=repr)
def test_a_refusal_of_the_service_is_told_and_nothing_is_sent_again(
    serve: Serve, connect_to: Connect, write: Write
) -> None:
    refusal = Reply({"message": "not in this state"}, 400)
    server = serve(signed_in(lambda seen: Reply(status=404) if seen.method == "GET" else refusal))
    session = connect_to(server, credentials(write), writes=True)

    with pytest.raises(lk.InvalidRequest, match="not in this state"):
        write.make(session)

    assert len(written(server)) == 1


@pytest.mark.parametrize(
    ("write", "name"), [(write, name) for write in ALL for name in write.several], ids=lambda one: repr(one)
)
def test_a_write_takes_one_id(serve: Serve, connect_to: Connect, write: Write, name: str) -> None:
    server = serve(write.served())
    session = connect_to(server, credentials(write), writes=True)

    with pytest.raises(lk.InvalidRequest, match=f"`{name}` = ") as raised:
        write.several[name](session)

    assert raised.value.details["field"] == name
    assert server.seen == []


@pytest.mark.parametrize("write", ALL, ids=repr)
def test_credentials_that_cannot_make_it_are_told_before_it_is_sent(
    serve: Serve, connect_to: Connect, write: Write
) -> None:
    server = serve(write.served())
    others = OPERATOR if write in LAM_WRITES else GATEWAY

    with pytest.raises(lk.PermissionDenied, match="Nothing was sent"):
        write.make(connect_to(server, others, writes=True))

    assert server.seen == []


@pytest.mark.parametrize("write", [one for one in ALL if one.answer == {"success": True}], ids=repr)
def test_an_answer_that_says_that_it_was_not_done_is_an_error(
    serve: Serve, connect_to: Connect, write: Write
) -> None:
    session = connect_to(serve(lambda seen: Reply({"success": False})), GATEWAY, writes=True)

    with pytest.raises(lk.InvalidRequest, match="it was not done"):
        write.make(session)


@pytest.mark.parametrize("value", [True, 5.0, None, "", "five"])
def test_an_id_is_an_integer(serve: Serve, connect_to: Connect, value: Any) -> None:
    server = serve(lambda seen: Reply({"success": True}))
    session = connect_to(server, GATEWAY, writes=True)

    with pytest.raises(lk.InvalidRequest, match="`label_id`"):
        session.labels.delete(value)

    assert server.seen == []


def test_an_id_of_a_frame_is_as_good(serve: Serve, connect_to: Connect) -> None:
    server = serve(lambda seen: Reply({"success": True}))
    session = connect_to(server, GATEWAY, writes=True)

    frame = session.labels.attach(pd.Series([5], dtype="Int64")[0], account_id=pd.Series([3])[0])

    assert server.seen[0].json == {"label_id": 5}
    assert frame[["label_id", "account_id"]].iloc[0].tolist() == [5, 3]


@pytest.mark.parametrize("given", [{}, {"account_id": 3, "transaction_id": 90}], ids=["neither", "both"])
def test_a_label_goes_on_one_thing(serve: Serve, connect_to: Connect, given: dict[str, int]) -> None:
    server = serve(lambda seen: Reply({"success": True}))
    session = connect_to(server, GATEWAY, writes=True)

    for call in (session.labels.attach, session.labels.detach):
        with pytest.raises(lk.InvalidRequest, match="goes on one of"):
            call(5, **given)

    assert server.seen == []


# Settlements


def settle(session: lk.Session, **more: Any) -> pd.DataFrame:
    return session.settlements.create(PLEDGE, outbound_transaction_intent=OUTBOUND, **more)


def test_every_settlement_has_an_id_of_its_own(serve: Serve, connect_to: Connect) -> None:
    server = serve(unlisted(lambda seen: Reply({**SETTLED, "id": seen.json["id"]})))
    session = connect_to(server, OPERATOR, writes=True)

    frames = [settle(session), settle(session, again=True)]

    sent = [seen.json["id"] for seen in written(server)]
    assert [frame["id"].iloc[0] for frame in frames] == sent
    assert len(set(sent)) == 2


def open_stake(session: lk.Session, **more: Any) -> pd.DataFrame:
    return session.stakes.ethereum.create(3, max_fees=10, provider_fields={"validators": 1}, **more)


@pytest.mark.parametrize(
    ("make", "who", "answer"),
    [(settle, OPERATOR, SETTLED), (open_stake, GATEWAY, TRANSACTION)],
    ids=["settlement", "stake"],
)
def test_a_cell_that_is_run_twice_does_not_send_the_same_twice(
    serve: Serve, connect_to: Connect, make: Callable[..., pd.DataFrame], who: Any, answer: dict[str, Any]
) -> None:
    server = serve(unlisted(lambda seen: Reply({**answer, "id": seen.json.get("id", 90)})))
    session = connect_to(server, who, writes=True)
    make(session)

    with pytest.raises(lk.InvalidRequest, match=r"has sent the same before: .*again=True"):
        make(session)
    assert len(written(server)) == 1

    make(session, again=True)
    assert len(written(server)) == 2


@pytest.mark.parametrize(
    ("answer", "free"),
    [
        (Reply({"message": "no"}, 400), True),
        (Reply({"message": "no"}, 403), True),
        (Drop(), False),
        (Reply({"message": "there is one"}, 409), False),
        (Reply(b"<html>", 404), False),
    ],
    ids=["refused", "denied", "lost", "conflict", "a gateway"],
)
def test_what_was_surely_not_carried_out_may_be_sent_again(
    serve: Serve, connect_to: Connect, answer: Act, free: bool
) -> None:
    server = serve(signed_in(lambda seen: answer))
    session = connect_to(server, OPERATOR, writes=True)
    with pytest.raises(lk.LedgerError):
        settle(session, id=SETTLEMENT)

    with pytest.raises(lk.LedgerError) as raised:
        settle(session, id=SETTLEMENT)

    assert len(written(server)) == (2 if free else 1)
    assert free or f"settlement {SETTLEMENT}, whose outcome is not known" in str(raised.value)


@pytest.mark.parametrize("own", [None, SETTLEMENT], ids=["made here", "given"])
def test_a_settlement_that_is_surely_missing_may_be_sent_again(
    serve: Serve, connect_to: Connect, own: str | None
) -> None:
    def answer(seen: Seen) -> Act:
        if seen.method == "GET":
            return Reply(status=404)
        return Drop() if len(written(server)) == 1 else Reply({**SETTLED, "id": seen.json["id"]})

    server = serve(signed_in(answer))
    session = connect_to(server, OPERATOR, writes=True)
    with pytest.raises(lk.OutcomeUnknown) as raised:
        settle(session, id=own)
    assert raised.value.find().state == "not found"

    frame = settle(session, id=raised.value.details["id"])

    first, second = written(server)
    assert first.json == second.json
    assert frame.attrs["parameters"]["id"] == first.json["id"]


def test_a_settlement_whose_answer_was_lost_is_found_by_its_id(serve: Serve, connect_to: Connect) -> None:
    looks = in_turn(Reply({"message": "none"}, 404), Reply({**SETTLED, "state": "OUTBOUND_PENDING"}))
    server = serve(unlisted(lambda seen: looks(seen) if seen.method == "GET" else Drop()))
    session = connect_to(server, OPERATOR, writes=True)

    with pytest.raises(lk.OutcomeUnknown, match=SETTLEMENT) as raised:
        settle(session, id=SETTLEMENT)
    assert "draft" not in str(raised.value)  # there is none
    assert str(raised.value).count("find()") == 1
    outcome = raised.value.find()

    assert outcome.state == "found"
    assert "OUTBOUND_PENDING: do not send it again" in outcome.text
    looked = [path for path in server.paths() if path.startswith("/settlements")]
    assert looked == ["/settlements", *[f"/settlements/{SETTLEMENT}"] * 2]
    assert len(written(server)) == 1


def test_a_settlement_is_missing_only_after_several_looks(serve: Serve, connect_to: Connect) -> None:
    clock = LeapingClock()
    server = serve(signed_in(lambda seen: Reply(status=404) if seen.method == "GET" else Drop()))
    session = connect_to(server, OPERATOR, writes=True, clock=clock)
    with pytest.raises(lk.OutcomeUnknown) as raised:
        settle(session, id=SETTLEMENT)
    outcome = raised.value.find()

    assert outcome.state == "not found"
    assert f"id='{SETTLEMENT}'" in outcome.text
    assert len([seen for seen in server.seen if seen.method == "GET"]) >= 3
    assert clock.waits.count(SECONDS_BETWEEN) >= 2


def test_a_settlement_of_the_same_id_against_another_pledge_is_not_taken_for_it(
    serve: Serve, connect_to: Connect
) -> None:
    other = Reply({**SETTLED, "from_pledge_id": "00000000-0000-4000-8000-000000000000"})
    server = serve(signed_in(lambda seen: other if seen.method == "GET" else Drop()))
    session = connect_to(server, OPERATOR, writes=True)
    with pytest.raises(lk.OutcomeUnknown) as raised:
        settle(session, id=SETTLEMENT)

    assert raised.value.find().state == "can't tell"


def test_an_answer_about_another_settlement_is_not_taken_for_this_one(serve: Serve, connect_to: Connect) -> None:
    server = serve(signed_in(lambda seen: Reply({**SETTLED, "id": PLEDGE})))
    session = connect_to(server, OPERATOR, writes=True)

    with pytest.raises(lk.OutcomeUnknown, match=f"answered for `id` '{PLEDGE}' instead of '{SETTLEMENT}'"):
        session.settlements.cancel(SETTLEMENT)


def test_a_settlement_without_anything_to_settle_is_not_sent(serve: Serve, connect_to: Connect) -> None:
    server = serve(signed_in(lambda seen: Reply(SETTLED)))
    session = connect_to(server, OPERATOR, writes=True)

    with pytest.raises(lk.InvalidRequest, match="outbound_transaction_intent"):
        session.settlements.create(PLEDGE)

    assert server.seen == []


def test_an_outbound_transaction_may_be_the_data_of_one(serve: Serve, connect_to: Connect) -> None:
    server = serve(signed_in(lambda seen: Reply(SETTLED)))
    session = connect_to(server, OPERATOR, writes=True)

    session.settlements.create(PLEDGE, outbound_transaction_intent=OUTBOUND.to_json()["data"], id=SETTLEMENT)

    [sent] = written(server)
    assert sent.json["outbound_transaction_intent"] == OUTBOUND.to_json()["data"]


# The webhook and its secret


def configured(before: Reply, after: Reply) -> Callable[[Seen], Act]:
    return signed_in(lambda seen: before if seen.method == "GET" else after)


def webhook(url: str) -> Reply:
    return Reply({"all": {"webhook": {"url": url, "secret": SECRET}}})


@pytest.mark.parametrize("secret", [SECRET, Secret(SECRET)], ids=["text", "Secret"])
def test_a_webhook_is_set_and_its_secret_shown_masked(serve: Serve, connect_to: Connect, secret: Any) -> None:
    server = serve(configured(webhook("https://old.acme.example/hook"), webhook(HOOK)))
    session = connect_to(server, OPERATOR, writes=True)

    frame = session.notifications.set(HOOK, secret)

    assert written(server)[0].json["all"]["webhook"] == {"url": HOOK, "secret": SECRET}
    assert frame.loc[0].to_dict() == {
        "all_webhook_url": HOOK,
        "all_webhook_secret": MASK,
        "replaced_url": "https://old.acme.example/hook",
    }
    assert SECRET not in repr(frame.attrs) + frame.to_json()


def test_a_reporting_key_may_set_its_webhook(serve: Serve, connect_to: Connect) -> None:
    session = connect_to(serve(configured(Reply(status=404), webhook(HOOK))), writes=True)

    assert session.notifications.set(HOOK, SECRET)["replaced_url"].isna().all()


def test_a_webhook_is_cleared(serve: Serve, connect_to: Connect) -> None:
    server = serve(configured(webhook(HOOK), Reply({"all": {"webhook": None}})))

    frame = connect_to(server, OPERATOR, writes=True).notifications.clear()

    assert frame["all_webhook_url"].isna().all()
    assert frame["replaced_url"].tolist() == [HOOK]


@pytest.mark.parametrize("url", [HOOK, None], ids=["set", "cleared"])
def test_an_answer_that_names_another_webhook_is_not_taken_for_this_one(
    serve: Serve, connect_to: Connect, url: str | None
) -> None:
    server = serve(configured(Reply(status=404), webhook("https://elsewhere.example/")))
    notifications = connect_to(server, OPERATOR, writes=True).notifications

    with pytest.raises(lk.OutcomeUnknown, match=r"events go to https://elsewhere\.example/"):
        notifications.set(url, SECRET) if url else notifications.clear()


@pytest.mark.parametrize(
    "after",
    [
        Reply({"message": f"the secret {SECRET} is too short"}, 400),
        Reply({"message": f"the secret {SECRET} is too short"}, 500),
        Reply({"message": SECRET.replace("-", "\\u002d")}, 403),
        Reply(SECRET),
        Reply([SECRET]),
        Reply({"all": SECRET}),
        Reply({"all": {"webhook": {"url": [SECRET], "secret": SECRET}}}),
        Reply(SECRET.encode()),
        Drop(),
    ],
    ids=["400", "500", "escaped", "text", "list", "field", "url", "no JSON", "lost"],
)
def test_no_error_and_no_traceback_shows_the_secret(serve: Serve, connect_to: Connect, after: Act) -> None:
    server = serve(signed_in(lambda seen: Reply(status=404) if seen.method == "GET" else after))
    session = connect_to(server, OPERATOR, writes=True)

    with pytest.raises(lk.LedgerError) as raised:
        session.notifications.set(HOOK, SECRET)

    assert SECRET not in shown(raised.value)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), {"url": HOOK, "secret": SECRET, "kind": "all"}),
        ((HOOK, SECRET, "all"), {}),
        (("http://acme.example/hook", SECRET), {}),
        ((SECRET, HOOK), {}),
        ((HOOK, SECRET.encode()), {}),
        ((HOOK, [SECRET]), {}),
    ],
    ids=["another name", "too many", "plain http", "wrong order", "bytes", "a list"],
)
def test_a_wrong_call_does_not_show_the_secret(
    serve: Serve, connect_to: Connect, arguments: tuple[Any, ...], named: dict[str, Any]
) -> None:
    server = serve(configured(Reply(status=404), webhook(HOOK)))
    session = connect_to(server, OPERATOR, writes=True)

    with pytest.raises((lk.InvalidRequest, TypeError)) as raised:
        session.notifications.set(*arguments, **named)

    assert SECRET not in f"{raised.value!r}{raised.value}"
    if arguments[:1] != (SECRET,):  # in the place of the URL it is an argument like any other
        assert SECRET not in shown(raised.value)
    assert server.seen == []


@pytest.mark.parametrize("url", ["http://acme.example/hook", "https://user:pass@acme.example/", "ftp://x", "", None])
def test_a_webhook_is_https(serve: Serve, connect_to: Connect, url: Any) -> None:
    server = serve(configured(Reply(status=404), webhook(HOOK)))
    session = connect_to(server, OPERATOR, writes=True)

    with pytest.raises(lk.InvalidRequest, match="`url`"):
        session.notifications.set(url, SECRET)

    assert server.seen == []


def test_an_empty_secret_is_refused(serve: Serve, connect_to: Connect) -> None:
    session = connect_to(serve(configured(Reply(status=404), webhook(HOOK))), OPERATOR, writes=True)

    with pytest.raises(lk.InvalidRequest, match="`secret`"):
        session.notifications.set(HOOK, "")


def test_the_traceback_of_an_interrupted_call_does_not_show_the_secret(
    serve: Serve, connect_to: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = connect_to(serve(configured(Reply(status=404), webhook(HOOK))), OPERATOR, writes=True)

    def interrupt(*arguments: Any, **named: Any) -> Any:
        raise KeyboardInterrupt

    none_before = pd.DataFrame({"all_webhook_url": []})
    monkeypatch.setattr(type(session.notifications), "configuration", lambda self: none_before)
    monkeypatch.setattr(type(session._transport), "_attempt", interrupt)
    with pytest.raises(KeyboardInterrupt) as raised:
        session.notifications.set(HOOK, SECRET)

    report = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    report.stack[:] = [frame for frame in report.stack if "tests" not in frame.filename]
    assert len(report.stack) > 3
    assert SECRET not in "".join(report.format())
