"""Whatever a server answers, and however it repeats what it was sent, no secret is logged, raised, shown or kept."""

import base64
import gzip
import hashlib
import html
import json
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import canaries
import pytest
from evidence import Evidence, gathered
from serving import Act, Bytes, Drop, Reply, Seen, Server, Stall, page
from tls import self_signed
from workspace import always, clean, credentials, signing_in, tokens

import ledgerkit as lk
from ledgerkit.echoes import finder, unseen
from ledgerkit.secret import Secret

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


# What no good answer may hold, however a gateway writes it; one secret in one writing at once, so that each is
# noticed for itself. Ids of keys and names of users are content.
SECRETS = {
    "api_user": ["KEY_SECRET", "GATEWAY_KEY", "ACCESS_TOKEN", "REFRESH_TOKEN", "SESSION_STATE"],
    "reporting_key": ["REPORTING_KEY"],
    "lam": ["LAM_API_KEY", "LAM_STORE_TOKEN"],
}
REPEATED: dict[str, Callable[[str], str]] = {
    "as it is": lambda one: one,
    "JSON in JSON": lambda one: json.dumps({"key": one}),
    "HTML": lambda one: html.escape(one).replace("/", "&#x2F;").replace(".", "&#46;"),
    "URL": lambda one: quote(one, safe="").replace(".", "%2E"),
    "URL in URL": lambda one: quote(quote(one, safe=""), safe="").replace(".", "%252E"),
    "base64": lambda one: base64.b64encode(one.encode()).decode(),
    "Basic": lambda one: "Basic " + base64.b64encode(f"u:{one}".encode()).decode(),
    "base64, one further": lambda one: base64.b64encode(f"k{one}k".encode()).decode(),
    "base64 for URLs": lambda one: base64.urlsafe_b64encode(f"name:{one}".encode()).decode().rstrip("="),
    "lines of base64": lambda one: base64.encodebytes(b"x" * 40 + one.encode()).decode(),
    "hex": lambda one: one.encode().hex(),
    "upper hex": lambda one: one.encode().hex().upper(),
    "beginning": lambda one: (one.rpartition(".")[2] or one)[:30] + "...",
    "end": lambda one: "..." + one[-30:],
    "without its last character": lambda one: one[:-1],
    "for URLs": lambda one: one.translate(str.maketrans("+/", "-_")),
}


@pytest.mark.parametrize("written", REPEATED)
@pytest.mark.parametrize("name", [name for names in SECRETS.values() for name in names])
def test_each_secret_is_found_in_each_writing(name: str, written: str) -> None:
    secret = getattr(canaries, name)
    content = json.dumps({"id": 7, "name": f"R&D 5 %: {REPEATED[written](secret)}, as it came"}).encode()
    assert finder({"held": Secret(secret)})(content)
    assert not finder({"held": Secret(secret[::-1])})(content)


@pytest.mark.parametrize("name", [name for names in SECRETS.values() for name in names])
def test_a_server_that_repeats_credentials_in_good_answers_shows_none(
    serve: Serve, connect_to: Connect, name: str
) -> None:
    family = next(family for family, names in SECRETS.items() if name in names)
    written: list[str] = []

    def answer(seen: Seen) -> Act:
        return page([{"id": 6, "name": "R&D 5 %"}, {"id": 7, "name": f"seen: {written[-1]}"}])

    session = connect_to(serve(signing_in(answer)), credentials(family))
    with gathered() as evidence:
        for write in REPEATED.values():
            written.append(write(getattr(canaries, name)))
            found = evidence.call(partial(session.raw, "GET", "/accounts"))
            assert isinstance(found, lk.ContractViolation)
            assert "repeats the credentials" in str(found)
    clean(evidence)


@pytest.mark.parametrize("family", KNOWN)
def test_a_good_answer_that_is_packed_or_of_a_type_that_repeats_credentials_shows_none(
    serve: Serve, connect_to: Connect, family: str
) -> None:
    known = [one for one in KNOWN[family] if one not in (canaries.KEY_ID, canaries.LAM_USER)]
    with gathered() as evidence:
        for act in (
            Reply(gzip.compress(WRITINGS["message"](known)), headers={"Content-Encoding": "gzip"}),
            Reply(b"no JSON", headers={"Content-Type": f"text/plain; {known[0]}"}),
            Reply(WRITINGS["UTF-16"](known)),
        ):
            session = connect_to(serve(always(act)), credentials(family), writes=True)
            everything(evidence, session, "get", "raw", "many", "write")
    clean(evidence)


def test_each_part_of_a_token_is_known(serve: Serve, connect_to: Connect) -> None:
    _, payload, signature = canaries.ACCESS_TOKEN.split(".")
    for part in (payload, signature, f"{payload}.{signature}"):
        session = connect_to(serve(always(page([{"id": 7, "name": part}]))), credentials("api_user"))
        with pytest.raises(lk.ContractViolation, match="repeats the credentials"):
            session.raw("GET", "/accounts")


def drawn(name: str, length: int) -> str:
    """Draw text as base64 has it for URLs."""
    return base64.urlsafe_b64encode(hashlib.shake_256(name.encode()).digest(length)).decode()[:length]


def runs(text: str, length: int) -> list[str]:
    return [text[start : start + length] for start in range(0, len(text) - length + 1, 5)]


def segment(claims: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


CLAIMS = {
    "exp": 1_800_000_300,
    "iat": 1_800_000_000,
    "jti": drawn("jti", 36),
    "iss": "https://keycloak.example/realms/acme",
    "pub_key": canaries.POINT,
    "workspace": "acme",
    "roles": [drawn(f"role {number}", 9) for number in range(20)],
    "sid": drawn("sid", 36),
}
LONG_TOKEN = f"{segment({'alg': 'RS512', 'typ': 'JWT'})}.{segment(CLAIMS)}.{drawn('signature', 683)}"


@pytest.mark.parametrize(
    "write", [str, lambda run: run.encode().hex(), lambda run: base64.b64encode(run.encode()).decode()], ids=[0, 1, 2]
)
def test_any_run_of_a_long_secret_is_found(write: Callable[[str], str]) -> None:
    opaque, signature = drawn("refresh token", 600), LONG_TOKEN.rpartition(".")[2]
    for held, searched in ((opaque, opaque), (LONG_TOKEN, signature)):
        finds = finder({"refresh_token": Secret(held)})
        length = 19 if write is str else 24
        missed = [run for run in runs(searched, length) if not finds(f'{{"name": "seen {write(run)}"}}'.encode())]
        assert missed == []
        assert not finds(f'{{"name": "seen {write(searched[::-1])}"}}'.encode())


def test_of_the_claims_of_a_token_each_long_run_is_found_and_what_names_it() -> None:
    finds = finder({"access_token": Secret(LONG_TOKEN)})
    claims = LONG_TOKEN.split(".")[1]
    assert [run for run in [*runs(claims, 259), claims[:72]] if not finds(b'{"name": "%b"}' % run.encode())] == []
    for name in ("jti", "sid"):
        value = str(CLAIMS[name])
        for written in (value, segment({name: value}), value.encode().hex()):
            assert finds(json.dumps({"name": written}).encode())


def test_a_challenge_with_the_public_key_of_a_token_is_read() -> None:
    finds = finder({"access_token": Secret(LONG_TOKEN)})
    kept = {name: CLAIMS[name] for name in ("pub_key", "workspace")}
    for blanks in range(3):
        challenge = segment({"": " " * blanks, **kept})
        assert not finds(json.dumps({"challenge": challenge, **kept, "roles": CLAIMS["roles"]}).encode())
    assert not finds(LONG_TOKEN.split(".")[0].encode())


def test_a_token_of_two_parts_is_known_by_its_claims_and_one_whose_claims_are_none_by_its_signature() -> None:
    assert finder({"held": Secret(f"eyJhbGciOiJub25lIn0.{segment(CLAIMS)}")})(segment(CLAIMS)[400:419].encode())
    for body in (drawn("no claims", 40), segment({"jti": 1}), base64.b64encode(b"[" * 99_999).decode().rstrip("=")):
        held = f"eyJhbGciOiJub25lIn0.{body}.{drawn('signature', 86)}"
        assert finder({"held": Secret(held)})(drawn("signature", 86)[30:49].encode())


def test_a_secret_of_fewer_than_twelve_characters_is_known_beside_its_header_alone() -> None:
    long_enough, short = drawn("short", 12), drawn("short", 11)
    assert finder({"X-Ledger-Reporting-API-Key": Secret(long_enough)})(b'{"name": "%b"}' % long_enough.encode())
    finds = finder({"X-Ledger-Reporting-API-Key": Secret(short)})
    assert finds(b'{"x-ledger-reporting-api-key": "%b"}' % short.encode())
    assert not finds(b'{"name": "%b"}' % short.encode())


@pytest.mark.parametrize("place", range(0, 60_000, 4_999))
def test_a_secret_is_found_wherever_it_stands_in_an_answer(place: int) -> None:
    finds = finder({"key_secret": Secret(canaries.KEY_SECRET)})
    content = b"the quick brown fox " * 3000
    for start in range(place, place + 4):
        assert finds(content[:start] + canaries.KEY_SECRET[11:30].encode() + content[start:])
    assert not finds(content)


def test_a_secret_is_found_across_the_parts_that_a_large_answer_is_searched_in() -> None:
    finds = finder({"key_secret": Secret(canaries.KEY_SECRET)})
    for start in range(2**20 - 48, 2**20 + 2, 3):
        assert finds(b" " * start + canaries.KEY_SECRET.encode() + b" " * 40)


@pytest.mark.parametrize(
    "secret",
    ["0" * 44, "00000000000000000000000000000001", "x" * 30],
    ids=["zeros", "a number", "one letter"],
)
def test_an_answer_of_zeros_repeats_no_secret_of_zeros_and_one_that_repeats_all_of_it_is_not_read(
    secret: str,
) -> None:
    finds = finder({"key_secret": Secret(secret)})
    assert not finds(b'{"recipient": "0x0000000000000000000000000000000000000000", "name": "xxxxxxxxxxxxxxxxxx"}')
    assert not finds(b"")


def test_ids_of_keys_and_names_of_users_are_content_of_good_answers(serve: Serve, connect_to: Connect) -> None:
    # Lists of API users and of who created what have them.
    for family, name in (("api_user", canaries.KEY_ID), ("lam", canaries.LAM_USER)):
        session = connect_to(serve(always(page([{"id": 7, "name": name}]))), credentials(family))
        assert session.raw("GET", "/accounts")["edges"][0]["node"]["name"] == name


def test_the_refresh_token_is_known_while_it_is_exchanged_and_afterwards(serve: Serve, connect_to: Connect) -> None:
    known: list[bool] = []

    def answer(seen: Seen) -> Act:
        # Another call may be under way, and its answer repeat the token.
        known.append(canaries.REFRESH_TOKEN in {one.reveal() for one in session._transport.secrets().values()})
        if seen.path.startswith("/auth/"):
            return tokens()
        return Reply({"message": "expired"}, 401) if len(known) == 2 else Reply({"id": 7})

    session = connect_to(serve(answer), credentials("api_user"))
    session.raw("GET", "/accounts/7")
    assert known == [False, True, True, True]


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


# --- logs


SECRET = canaries.KEY_SECRET
LOGGED: dict[str, tuple[str, str, tuple[Any, ...]]] = {
    "httpx, four arguments": ("httpx", 'HTTP Request: %s %s "%s %s"', ("GET", "u", "HTTP/1.1", SECRET)),
    "httpx, six arguments": ("httpx", '%s %s "%s %d %s" %s', ("GET", "u", "HTTP/1.1", 200, "OK", SECRET)),
    "httpx, the version": ("httpx", 'HTTP Request: %s %s "%s %d %s"', ("GET", "u", SECRET, 200, "OK")),
    "httpx, the phrase": ("httpx", 'HTTP Request: %s %s "%s %d %s"', ("GET", "u", "HTTP/1.1", 200, SECRET)),
    "httpx, something new": ("httpx", f"redirected to {SECRET}", ()),
    "an event of another kind": ("httpcore.http11", f"receive_response_headers.ended return_value={SECRET}", ()),
    "complete": (
        "httpcore.http11",
        f"receive_response_headers.complete return_value=(b'HTTP/1.1', 200, {SECRET}",
        (),
    ),
    "complete, another way": ("httpcore.http2", f"receive_response_headers.complete headers={SECRET}", ()),
    "started": ("httpcore.http11", f"send_request_headers.started request=<Request [b'GET']> seen={SECRET}", ()),
    "failed": ("httpcore.connection", f"connect_tcp.failed exception={SECRET}", ()),
    "without an event": ("httpcore.proxy", SECRET, ()),
    "as an argument": ("httpcore.http11", "%s", (SECRET,)),
}


@pytest.mark.parametrize("record", LOGGED)
def test_a_record_of_a_form_that_is_not_known_is_cut_to_its_event(record: str) -> None:
    with gathered() as evidence:
        name, message, arguments = LOGGED[record]
        unseen(lambda: logging.getLogger(name).debug(message, *arguments))()
    assert len(evidence.seen) == 1
    if name != "httpx" and "." in message.partition(" ")[0]:
        assert message.partition(" ")[0] in str(evidence.seen[0][1])
    clean(evidence)


def test_an_error_beside_a_record_is_not_logged() -> None:
    with gathered() as evidence:
        error = ValueError(SECRET)
        unseen(lambda: logging.getLogger("httpcore.http11").debug("close.started", exc_info=error))()
    clean(evidence)


@pytest.mark.parametrize(
    "message",
    [
        "connect_tcp.started host='127.0.0.1' port=443 local_address=None timeout=10.0 socket_options=None",
        "start_tls.started ssl_context=<ssl.SSLContext object at 0x7f00> server_hostname='x.example' timeout=10.0",
        "send_request_headers.started request=<Request [b'GET']>",
        "close.started",
    ],
)
def test_what_the_kit_does_itself_is_logged_as_it_is(message: str) -> None:
    with gathered() as evidence:
        unseen(lambda: logging.getLogger("httpcore.http11").debug(message))()
    assert message in str(evidence.seen[0][1])
