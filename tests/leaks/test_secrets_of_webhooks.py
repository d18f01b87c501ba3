"""The secret of a webhook is sent and read back, and shows nowhere."""

import base64
import json
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote

import canaries
import pytest
from evidence import gathered
from serving import Act, Drop, Reply, Seen, Server
from workspace import always, clean, credentials, tokens

import ledgerkit as lk
from ledgerkit.echoes import secrets_in
from ledgerkit.resources.notifications import masked
from ledgerkit.secret import MASK

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]

SECRET = canaries.WEBHOOK_SECRET
HOOK = "https://x.example/"
CONFIGURATION = {"all": {"webhook": {"url": HOOK, "secret": SECRET}}}
ANSWERS: dict[str, tuple[int, Any]] = {
    "taken": (200, CONFIGURATION),
    "as the URL": (200, {"all": {"webhook": {"url": SECRET, "secret": SECRET}}}),
    "in the URL": (200, {"all": {"webhook": {"url": f"{HOOK}?s={SECRET}", "secret": None}}}),
    "quoted in the URL": (200, {"all": {"webhook": {"url": f"{HOOK}?s={quote(SECRET, safe='')}"}}}),
    "list": (200, [SECRET]),
    "text": (200, SECRET),
    "said": (200, {**CONFIGURATION, "message": f"set to {SECRET}"}),
    "said in base64": (200, {**CONFIGURATION, "message": base64.b64encode(f"to {SECRET}".encode()).decode()}),
    "said in hex": (200, {"message": {"text": SECRET.encode().hex()}}),
    "as a name": (200, {**CONFIGURATION, SECRET: {f"of {SECRET}": 1}}),
    "weak": (400, {"message": f"the secret {SECRET} is weak"}),
    "weak, in base64": (400, {"message": base64.b64encode(SECRET.encode()).decode()}),
    "repeated": (403, {"message": f"no: {json.dumps(CONFIGURATION)}"}),
    "base64": (400, {"message": base64.b64encode(json.dumps(CONFIGURATION).encode()).decode()}),
    "404": (404, CONFIGURATION),
    "500": (500, {"seen": CONFIGURATION}),
    "501": (501, CONFIGURATION),
    "503": (503, {"message": f"later: {SECRET}"}),
}


@pytest.mark.parametrize("prefix", ["", "/ledger/v1"], ids=["root", "prefix"])
@pytest.mark.parametrize("said", ANSWERS)
def test_the_secret_of_a_webhook_shows_nowhere_when_it_is_set(
    serve: Serve, connect_to: Connect, said: str, prefix: str
) -> None:
    status, body = ANSWERS[said]

    def answer(seen: Seen) -> Act:
        if seen.path.startswith(f"{prefix}/auth/"):
            return tokens()
        return Reply(CONFIGURATION) if seen.method == "GET" else Reply(body, status)

    with gathered() as evidence:
        for family in ("api_user", "reporting_key"):
            server = serve(answer)
            session = connect_to(server, credentials(family), writes=True, prefix=prefix)
            evidence.call(partial(lambda session: session.notifications.set(HOOK, SECRET), session))
            evidence.call(session.notifications.configuration)
            if said == "taken":  # else it would tell a secret that was not sent, nor read
                evidence.call(session.notifications.clear)
            for call in (("PUT", "/notifications/configuration"), ("POST", "/notifications/webhooks")):
                evidence.call(partial(lambda one, call: one.raw(*call, json=CONFIGURATION), session, call))
            evidence.call(partial(lambda session: session.raw("GET", "/%6eotifications/configuration"), session))
            evidence.thing(session, "session", steps=1)
            assert [seen.method for seen in server.seen].count("PUT") > 1
        reads = connect_to(server, credentials("reporting_key"), prefix=prefix)
        evidence.call(
            partial(lambda reads: reads.raw("PUT", "/notifications/configuration", json=CONFIGURATION), reads)
        )
    clean(evidence)


def test_what_an_answer_of_notifications_says_beside_the_secret_is_shown() -> None:
    answer = {"all": {"webhook": {"url": HOOK, "secret": SECRET}}, "message": f"set to {SECRET} by robot", "count": 3}
    assert masked(answer) == {
        "all": {"webhook": {"url": HOOK, "secret": MASK}},
        "message": f"set to {MASK} by robot",
        "count": 3,
    }


def test_a_short_secret_that_stands_in_the_url_too_is_set(serve: Serve, connect_to: Connect) -> None:
    answer = {"all": {"webhook": {"url": "https://hook.acme.example/hook", "secret": "hook"}}}
    session = connect_to(serve(always(Reply(answer))), credentials("api_user"), writes=True)
    frame = session.notifications.set("https://hook.acme.example/hook", "hook")
    assert frame["all_webhook_url"].tolist() == [f"https://{MASK}.acme.example/{MASK}"]
    assert "hook" not in str(frame.attrs.get("url"))


def test_a_secret_below_a_key_that_names_it_is_one() -> None:
    body = {"secret": {"current": ["a", {"value": "b"}]}, "url": "c", "list": ["d", {"url": "e", "token": "f"}]}
    assert sorted(secrets_in(body)) == ["a", "b", "d", "f"]


@pytest.mark.parametrize("act", [Reply({"message": "no"}, 400), Reply("", 500), Drop()], ids=["400", "500", "lost"])
def test_what_a_body_of_any_call_names_a_secret_shows_nowhere(serve: Serve, connect_to: Connect, act: Act) -> None:
    session = connect_to(serve(always(act)), credentials("api_user"), writes=True)
    with gathered() as evidence:
        evidence.call(lambda: session.raw("POST", "/api_keys", json={"api_key": {"value": 1}, "secret": SECRET}))
    clean(evidence)


def test_a_body_too_deep_to_be_written_is_refused(serve: Serve, connect_to: Connect) -> None:
    server = serve(always(Reply({})))
    session, body = connect_to(server, credentials("api_user"), writes=True), {"secret": SECRET}
    for _ in range(5000):
        body = {"inside": body}  # type: ignore[dict-item]  # of any depth
    with pytest.raises(lk.InvalidRequest, match="it was not sent"):
        session.raw("POST", "/requests", json=body)
    assert [seen.path for seen in server.seen] == []


# --- deliveries


def test_a_delivery_with_a_bad_signature_shows_no_secret() -> None:
    with gathered() as evidence, lk.webhooks.Receiver(canaries.WEBHOOK_SECRET) as receiver:
        for header in (None, "", "t=1,v1=00", "x"):
            evidence.call(
                partial(lambda header: lk.webhooks.verify(b'{"id": 1}', header, canaries.WEBHOOK_SECRET, 1.0), header)
            )
            evidence.add("status", str(receiver._receive(b"{}", header)))
        evidence.call(lambda: lk.webhooks.verify(b"{}", "t=1,v1=00", [canaries.WEBHOOK_SECRET], 1.0))  # type: ignore[arg-type]  # what people may give
        evidence.thing(receiver, "receiver")
        evidence.thing(receiver.events(), "events")
        evidence.thing(lk.payloads.NotificationConfiguration(url="https://x", secret=canaries.WEBHOOK_SECRET), "body")
    # What was handed in as a header is the server's to repeat: nobody does.
    clean(evidence)
