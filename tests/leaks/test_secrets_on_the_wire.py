"""Whatever a server answers, and however it repeats what it was sent, no secret is logged, raised, shown or kept."""

import base64
import gzip
import html
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import canaries
import pytest
from canaries import described
from evidence import Evidence, gathered
from serving import Act, Bytes, Drop, Reply, Seen, Server, Stall, page
from tls import self_signed

import ledgerkit as lk

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]

KNOWN = {
    "api_user": [
        canaries.KEY_ID,
        canaries.KEY_SECRET,
        canaries.GATEWAY_KEY,
        canaries.ACCESS_TOKEN,
        canaries.REFRESH_TOKEN,
        canaries.SESSION_STATE,
    ],
    "reporting_key": [canaries.REPORTING_KEY],
    "lam": [canaries.LAM_USER, canaries.LAM_API_KEY, canaries.LAM_STORE_TOKEN],
}


def credentials(family: str) -> Any:
    if family == "api_user":
        return lk.ApiUser(
            "acme",
            canaries.KEY_ID,
            canaries.KEY_SECRET,
            private_key=canaries.PEM,
            gateway_key=canaries.GATEWAY_KEY,
        )
    if family == "lam":
        return lk.LAM(canaries.LAM_USER, canaries.LAM_API_KEY, canaries.LAM_STORE_TOKEN)
    return lk.ReportingKey("acme", canaries.REPORTING_KEY)


def tokens() -> Reply:
    return Reply(
        {
            "access_token": canaries.ACCESS_TOKEN,
            "refresh_token": canaries.REFRESH_TOKEN,
            "session_state": canaries.SESSION_STATE,
            "expires_in": 300,
            "token_type": "Bearer",
        }
    )


def signing_in(handler: Callable[[Seen], Act]) -> Callable[[Seen], Act]:
    return lambda seen: tokens() if seen.path.startswith("/auth/") else handler(seen)


def always(act: Act) -> Callable[[Seen], Act]:
    """Give out tokens, and do one thing about every other call."""
    return signing_in(lambda seen: act)


# Each is what a server writes of what it knows: the text, one after another.
WRITINGS: dict[str, Callable[[list[str]], bytes]] = {
    "text": lambda known: " ".join(known).encode(),
    "message": lambda known: json.dumps({"message": f"bad key {known}"}).encode(),
    "error": lambda known: json.dumps({"error": known[0], "seen": known}).encode(),
    "JSON without a message": lambda known: json.dumps({"seen": known}).encode(),
    "escaped JSON": lambda known: json.dumps({"message": json.dumps(known).replace("/", r"\/")}).encode(),
    "HTML": lambda known: f"<html><title>{html.escape(known[-1])}</title>{html.escape(str(known))}</html>".encode(),
    "URL": lambda known: json.dumps({"message": "&".join(quote(one, safe="") for one in known)}).encode(),
    "base64": lambda known: json.dumps({"message": base64.b64encode(" ".join(known).encode()).decode()}).encode(),
    "hex": lambda known: json.dumps({"message": " ".join(one.encode().hex() for one in known)}).encode(),
    "beginnings": lambda known: json.dumps({"message": [f"{one[:14]}..." for one in known], "error": "x"}).encode(),
    "beginnings, said": lambda known: json.dumps(
        {"message": f"no key {known[0][:12]}... {known[-1][-12:]}"}
    ).encode(),
    "in lines": lambda known: json.dumps(
        {"message": "\n".join(one[place : place + 10] for one in known for place in range(0, len(one), 10))}
    ).encode(),
    "UTF-16": lambda known: " ".join(known).encode("utf-16"),
}
STATUSES = (400, 401, 403, 420, 501, 503)


def calls(session: lk.Session) -> dict[str, Callable[[], Any]]:
    return {
        "search": session.accounts.search,
        "get": lambda: session.accounts.get(7),
        "many": lambda: session.accounts.balances([1, 2, 3]),
        "raw": lambda: session.raw("GET", "/accounts", params={"page_size": 3}),
        "write": lambda: session.raw("POST", "/requests", json={"type": "CREATE_GROUP", "data": {}}),
        "clock": session.server_time,
    }


def everything(evidence: Evidence, session: lk.Session, *only: str) -> None:
    """Make calls, and look at what they give and at the session."""
    for name, call in calls(session).items():
        if not only or name in only:
            evidence.call(call)
    evidence.add("session", f"{session!r} {session._repr_html_()}")


def clean(evidence: Evidence) -> None:
    hits = evidence.hits()
    assert hits == [], described(hits)


@pytest.mark.parametrize("family", KNOWN)
def test_a_session_that_works_shows_no_secret(serve: Serve, connect_to: Connect, family: str) -> None:
    def answer(seen: Seen) -> Act:
        return page([{"id": 7, "name": "Treasury", "currency": "bitcoin"}])

    with gathered() as evidence:
        session = connect_to(serve(signing_in(answer)), credentials(family), writes=True)
        everything(evidence, session)
        evidence.thing(session, "session")
        session.close()
        everything(evidence, session)
    assert len(evidence.seen) > 500
    clean(evidence)


@pytest.mark.parametrize("written", WRITINGS)
@pytest.mark.parametrize("family", KNOWN)
def test_a_server_that_repeats_credentials_in_its_refusals_shows_none(
    serve: Serve, connect_to: Connect, family: str, written: str
) -> None:
    body = WRITINGS[written](KNOWN[family])
    with gathered() as evidence:
        for status in STATUSES:
            server = serve(always(Reply(body, status)))
            everything(evidence, connect_to(server, credentials(family), writes=True), "search", "write")
    clean(evidence)


@pytest.mark.parametrize("written", ["text", "message", "error", "JSON without a message", "escaped JSON", "HTML"])
@pytest.mark.parametrize("family", KNOWN)
def test_a_server_that_repeats_credentials_in_good_answers_shows_none(
    serve: Serve, connect_to: Connect, family: str, written: str
) -> None:
    # Whoever has no other key is known by the name, and answers tell names.
    known = [one for one in KNOWN[family] if one not in (canaries.LAM_USER,)]
    body = WRITINGS[written](known)
    for headers in ({"Content-Encoding": "gzip"}, {"Content-Type": f"text/plain; {known[0]}"}):
        content = gzip.compress(body) if "Content-Encoding" in headers else body
        with gathered() as evidence:
            server = serve(always(Reply(content, headers=headers)))
            everything(evidence, connect_to(server, credentials(family), writes=True), "get", "raw", "many", "write")
        clean(evidence)


@pytest.mark.parametrize("written", WRITINGS)
@pytest.mark.parametrize("status", [200, 302, 401, 420, 500])
def test_a_token_endpoint_that_repeats_credentials_shows_none(
    serve: Serve, connect_to: Connect, status: int, written: str
) -> None:
    # A token that nobody was given is known by its form alone.
    known = [canaries.KEY_ID, canaries.KEY_SECRET, canaries.GATEWAY_KEY]
    body = WRITINGS[written]([*known, canaries.ACCESS_TOKEN] if written in ("text", "message", "HTML") else known)
    with gathered() as evidence:
        server = serve(lambda seen: Reply(body, status, headers={"Location": "https://other.example/"}))
        session = connect_to(server, credentials("api_user"), writes=True)
        everything(evidence, session, "search", "write")
    clean(evidence)


@pytest.mark.parametrize("status", [200, 401, 500])
@pytest.mark.parametrize("change", ["expires_in", "token_type", "refresh_token", "access_token", "none"])
def test_an_answer_with_tokens_that_cannot_be_used_shows_none(
    serve: Serve, connect_to: Connect, status: int, change: str
) -> None:
    answer = {**tokens().body, change: [canaries.ACCESS_TOKEN]}
    with gathered() as evidence:
        server = serve(lambda seen: Reply(answer, status))
        everything(evidence, connect_to(server, credentials("api_user")), "search", "many")
    clean(evidence)


@pytest.mark.parametrize("family", KNOWN)
def test_headers_and_status_lines_that_repeat_credentials_are_not_logged(
    serve: Serve, connect_to: Connect, family: str
) -> None:
    said = " ".join(KNOWN[family])
    names = (
        "Location",
        "Set-Cookie",
        "X-Echo",
        "Date",
        "Retry-After",
        "X-RateLimit-Remaining",
        "Content-Type",
        "Via",
    )
    answers: list[Act] = [
        Reply({}, status, headers={name: said}) for name in names for status in (200, 302, 403, 420)
    ]
    answers += [
        Bytes(f"HTTP/1.1 403 {said}\r\nContent-Length: 0\r\n\r\n".encode()),
        Bytes(f"HTTP/1.1 200 {said}\r\nContent-Length: 2\r\n\r\n{{}}".encode()),
        Bytes(f"{said}\r\n\r\n".encode()),
        Bytes(f"HTTP/1.1 200 OK\r\n{said}\r\n\r\n".encode()),
        Bytes(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {said}\r\n\r\n".encode()),
        Bytes(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{said}\r\n".encode()),
        Bytes(f"HTTP/1.1 200 OK\r\nContent-Length: {said}\r\n\r\n".encode()),
        Bytes(f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(said)}\r\n\r\n{said}".encode()),
        Reply({"a": said}, cut_after=40),
        Drop(),
    ]
    with gathered() as evidence:
        for act in answers:
            server = serve(always(act))
            session = connect_to(server, credentials(family), writes=True, retry_seconds=1.0)
            everything(evidence, session, "search", "write")
    clean(evidence)


@pytest.mark.parametrize("family", KNOWN)
def test_timeouts_lost_answers_and_refused_connections_show_no_secret(
    serve: Serve, connect_to: Connect, family: str
) -> None:
    gone = serve(lambda seen: Drop())
    with gathered() as evidence:
        for act in (Stall(), Drop()):
            server = serve(always(act))
            session = connect_to(server, credentials(family), writes=True, read_timeout=0.05, retry_seconds=0.2)
            everything(evidence, session, "search", "write", "many")
        everything(evidence, connect_to(gone, credentials(family), retry_seconds=0.2), "search")
        with lk.Session(
            credentials(family), base_url="http://127.0.0.1:9", writes=True, retry_seconds=0.1
        ) as session:
            everything(evidence, session, "search", "write")
    clean(evidence)


def test_a_certificate_that_is_refused_shows_no_secret(serve: Serve, connect_to: Connect, tmp_path: Path) -> None:
    server = serve(lambda seen: Reply({}), tls=self_signed(tmp_path))
    with gathered() as evidence:
        for family in KNOWN:
            everything(evidence, connect_to(server, credentials(family)), "search")
    assert server.seen == []
    clean(evidence)


def test_a_storm_of_refused_tokens_shows_no_secret(serve: Serve, connect_to: Connect) -> None:
    said = " ".join(KNOWN["api_user"])

    def refuse(seen: Seen) -> Act:
        return Reply({"message": f"expired: {said}"}, 401)

    with gathered() as evidence:
        session = connect_to(serve(signing_in(refuse)), credentials("api_user"), writes=True)
        for _ in range(3):
            everything(evidence, session)
        evidence.thing(session, "session")
    clean(evidence)


def test_a_lost_refresh_shows_no_secret(serve: Serve, connect_to: Connect) -> None:
    def answer(seen: Seen) -> Act:
        if seen.path.endswith("/refresh"):
            return Reply({"message": f"unknown {seen.json} {dict(seen.headers)}"}, 400)
        if seen.path.startswith("/auth/"):
            return tokens()
        return Reply({"message": "expired"}, 401)

    with gathered() as evidence:
        everything(evidence, connect_to(serve(answer), credentials("api_user")), "search", "get")
    clean(evidence)


# --- webhooks


CONFIGURATION = {"all": {"webhook": {"url": "https://x.example/", "secret": canaries.WEBHOOK_SECRET}}}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, CONFIGURATION),
        (200, {"all": {"webhook": {"url": canaries.WEBHOOK_SECRET, "secret": canaries.WEBHOOK_SECRET}}}),
        (200, [canaries.WEBHOOK_SECRET]),
        (200, canaries.WEBHOOK_SECRET),
        (400, {"message": f"the secret {canaries.WEBHOOK_SECRET} is weak"}),
        (403, {"message": f"no: {json.dumps(CONFIGURATION)}"}),
        (400, {"message": base64.b64encode(json.dumps(CONFIGURATION).encode()).decode()}),
        (404, CONFIGURATION),
        (500, {"seen": CONFIGURATION}),
        (501, CONFIGURATION),
    ],
    ids=["taken", "as the URL", "list", "text", "weak", "repeated", "base64", "404", "500", "501"],
)
def test_the_secret_of_a_webhook_shows_nowhere_when_it_is_set(
    serve: Serve, connect_to: Connect, status: int, body: Any
) -> None:
    def answer(seen: Seen) -> Act:
        if seen.method == "GET":
            return Reply(CONFIGURATION)
        return Reply(body, status)

    secret, json_body = canaries.WEBHOOK_SECRET, CONFIGURATION
    with gathered() as evidence:
        for family in ("api_user", "lam"):
            session = connect_to(serve(signing_in(answer)), credentials(family), writes=True)
            evidence.call(partial(lambda session: session.notifications.set("https://x.example/", secret), session))
            evidence.call(session.notifications.configuration)
            if status == 200 and body == CONFIGURATION:  # else it would tell a secret that was not sent, nor read
                evidence.call(session.notifications.clear)
            evidence.call(
                partial(lambda session: session.raw("PUT", "/notifications/configuration", json=json_body), session)
            )
            evidence.call(partial(lambda session: session.raw("GET", "/%6eotifications/configuration"), session))
            reads = connect_to(serve(signing_in(answer)), credentials("reporting_key"))
            evidence.call(
                partial(lambda reads: reads.raw("PUT", "/notifications/configuration", json=json_body), reads)
            )
            evidence.thing(session, "session")
    clean(evidence)


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
