"""``session.raw``: any call, with the same care as the methods have."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from serving import Reply, Server, in_turn, signed_in

import ledgerkit as lk
from ledgerkit.clock import SystemClock
from ledgerkit.operations import OPERATIONS, find

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]

API_USER = lk.ApiUser("acme", "key-id", "key-secret")
LAM = lk.LAM("robot")


@pytest.fixture
def server(serve: Serve) -> Server:
    return serve(signed_in(in_turn(Reply({"id": 1}))))


def test_it_returns_what_the_service_answered_with_every_digit(serve: Serve, connect_to: Connect) -> None:
    body = b'{"wei": 123456789012345678901234567890, "apy": 0.1000000000000000055511151231257827, "no": null}'
    answer = connect_to(serve(in_turn(Reply(body)))).raw("get", "/anything/new")
    assert answer == {
        "wei": 123456789012345678901234567890,
        "apy": Decimal("0.1000000000000000055511151231257827"),
        "no": None,
    }


def test_parameters_are_written_as_the_api_writes_them(server: Server, connect_to: Connect) -> None:
    session = connect_to(server, tz="Europe/Paris")
    session.raw(
        "GET",
        "/transactions",
        params={
            "status": ["CONFIRMED", "ABORTED"],
            "account": (1, 2),
            "limit": 10**30,
            "flag": True,
            "created_after": date(2026, 1, 1),
            "created_before": datetime(2026, 7, 1, 12),  # noqa: DTZ001 - a time of the session's zone
            "nothing": None,
        },
    )
    assert server.seen[0].query == {
        "status": ["CONFIRMED", "ABORTED"],
        "account": ["1", "2"],
        "limit": ["1" + "0" * 30],
        "flag": ["true"],
        "created_after": ["2025-12-31T23:00:00Z"],
        "created_before": ["2026-07-01T10:00:00Z"],
    }


def test_a_body_keeps_integers_beyond_64_bits_and_text_beyond_ascii(server: Server, connect_to: Connect) -> None:
    body = {"amount": 2**64 + 1, "all": [10**77, -(2**63) - 1], "note": "für Zoë", "none": None}
    connect_to(server, API_USER, writes=True).raw("POST", "/requests", json=body)
    (sent,) = (
        seen for seen in server.seen if seen.path == "/requests"
    )  # beside the token's, which is renewed behind
    assert sent.json == body
    assert str(10**77).encode() in sent.body
    assert sent.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("body", [{"amount": Decimal("1.5")}, {"amount": float("nan")}, {"note": "\ud800"}, object()])
def test_a_body_that_is_no_json_is_refused_before_it_is_sent(server: Server, connect_to: Connect, body: Any) -> None:
    with pytest.raises(lk.InvalidRequest, match="was not sent"):
        connect_to(server, API_USER, writes=True).raw("POST", "/requests", json=body)
    assert server.paths() == []


@pytest.mark.parametrize("method", ["POST", "put", "PATCH", "DELETE"])
def test_a_write_on_a_session_that_reads_only_is_not_sent(server: Server, connect_to: Connect, method: str) -> None:
    with pytest.raises(lk.PermissionDenied, match=r"reads only, and nothing was sent.*writes=True"):
        connect_to(server, API_USER).raw(method, "/requests/7/anything", json={})
    assert server.seen == []


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "CONNECT", "GET\r\nX: y", "", None, 5])
def test_other_methods_are_refused(server: Server, connect_to: Connect, method: Any) -> None:
    with pytest.raises(lk.InvalidRequest, match="GET, POST, PUT, PATCH, DELETE"):
        connect_to(server).raw(method, "/organization")
    assert server.seen == []


@pytest.mark.parametrize(
    "path",
    [
        "https://elsewhere.example.com/organization",
        "//elsewhere.example.com/organization",
        "@elsewhere.example.com",
        "organization",
        "",
        "/..",
        "/accounts/../auth/token",
        "/accounts/%2e%2e/auth/token",
        "/accounts/..%2fauth/token",
        "/./auth/token",
        "/accounts\\..\\auth",
        "/accounts?status=ACTIVE",
        "/accounts#7",
        "/accounts/7\r\nX-Header: 1",
        None,
        7,
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(server: Server, connect_to: Connect, path: Any) -> None:
    with pytest.raises(lk.InvalidRequest, match="was not sent"):
        connect_to(server).raw("GET", path)
    assert server.seen == []


@pytest.mark.parametrize(
    "path", ["/auth/token", "/auth/token/refresh", "/%61uth/token", "/auth%2Ftoken", "/AUTH/token"]
)
def test_tokens_are_not_to_be_had(server: Server, connect_to: Connect, path: str) -> None:
    # A server decodes %61 to a: the answer would have stood in the notebook.
    with pytest.raises(lk.InvalidRequest, match="exchanges tokens itself"):
        connect_to(server, API_USER, writes=True).raw("POST", path, json={})
    assert server.seen == []


def test_ids_in_a_path_may_be_quoted(server: Server, connect_to: Connect) -> None:
    connect_to(server).raw("GET", "/compliance/sanctions/bc1%2Fq")
    assert server.seen[0].target == "/compliance/sanctions/bc1%2Fq"


@pytest.mark.parametrize(
    ("credentials", "method", "path", "able"),
    [
        (lk.ReportingKey("acme", "key"), "POST", "/requests", "an API user can"),
        (lk.ReportingKey("acme", "key"), "POST", "/requests/7/approve/", "an API user can"),
        (lk.ReportingKey("acme", "key"), "POST", "/transactions", "a LAM can"),
        (API_USER, "POST", "/transactions", "a LAM can"),
        (API_USER, "GET", "/_health", "a LAM can"),
        (API_USER, "DELETE", "/labels/7", "a LAM can"),
        (LAM, "POST", "/requests", "an API user can"),
        (LAM, "PUT", "/notifications/configuration", "an API user or a reporting key can"),
    ],
)
def test_a_call_that_a_family_can_not_make_is_not_sent(
    server: Server, connect_to: Connect, credentials: Any, method: str, path: str, able: str
) -> None:
    with pytest.raises(lk.PermissionDenied, match=f"{able}. Nothing was sent"):
        connect_to(server, credentials, writes=True).raw(method, path)
    assert server.seen == []


@pytest.mark.parametrize(
    ("credentials", "method", "path"),
    [
        (lk.ReportingKey("acme", "key"), "PUT", "/notifications/configuration"),
        (API_USER, "POST", "/requests"),
        (LAM, "POST", "/transactions"),
        (LAM, "POST", "/transactions/7/reject"),
        (lk.ReportingKey("acme", "key"), "POST", "/something/new"),
    ],
)
def test_what_a_family_can_make_is_sent(
    server: Server, connect_to: Connect, credentials: Any, method: str, path: str
) -> None:
    assert connect_to(server, credentials, writes=True).raw(method, path) == {"id": 1}
    assert server.paths() == [path]


@pytest.mark.parametrize("section", ["_health", "search", "get"])
def test_sections_that_only_a_lam_has_ask_nobody_else(server: Server, connect_to: Connect, section: str) -> None:
    calls: dict[str, Callable[[lk.Session], Any]] = {
        "_health": lambda session: session.api_users.health(),
        "search": lambda session: session.api_users.search(),
        "get": lambda session: session.api_users.get("robot"),
    }
    with pytest.raises(lk.PermissionDenied, match="a LAM can"):
        calls[section](connect_to(server, API_USER))
    assert server.seen == []


def test_every_operation_is_found_by_its_own_path() -> None:
    for name in OPERATIONS:
        method, template = name.split()
        path = "/".join("7" if part.startswith("{") else part for part in template.split("/"))
        assert find(method, path) == name
    assert find("GET", "/something/new") is None


def test_the_secret_of_a_webhook_is_masked(serve: Serve, connect_to: Connect) -> None:
    answer = {
        "all": {"webhook": {"url": "https://hook.example.com", "secret": "canary"}},
        "other": [{"secret": "canary"}],
    }
    session = connect_to(serve(in_turn(Reply(answer))), writes=True)
    assert session.raw("GET", "/notifications/configuration") == {
        "all": {"webhook": {"url": "https://hook.example.com", "secret": "********"}},
        "other": [{"secret": "********"}],
    }
    assert "canary" not in str(session.raw("PUT", "/notifications/configuration", json=answer))
    frame = session.notifications.configuration()
    assert frame["all_webhook_url"].tolist() == ["https://hook.example.com"]
    assert "canary" not in frame.to_csv() + repr(frame.attrs)


def test_an_estimate_of_fees_changes_nothing_so_that_a_session_that_reads_only_may_ask_for_it_again(
    serve: Serve, connect_to: Connect
) -> None:
    server = serve(signed_in(in_turn(Reply(status=503), Reply({"fees": 12}))))
    session = connect_to(server, API_USER, clock=SystemClock())  # a leaping one runs away with the token's thread
    session._transport._jitter = lambda: 0.0
    assert session.raw("POST", "/transactions/estimate-fees", json={"amount": "1"}) == {"fees": 12}
    assert server.paths() == ["/transactions/estimate-fees"] * 2


@pytest.mark.parametrize(
    "path", ["/accounts/7/sync", "/accounts/7/syn%63", "/accounts/7%2Fsync", "/accounts/7/sync%2F"]
)
def test_a_get_that_acts_is_sent_once_however_its_path_is_written(
    serve: Serve, connect_to: Connect, path: str
) -> None:
    server = serve(in_turn(Reply(status=503)))
    with pytest.raises(lk.ServerError):
        connect_to(server).raw("GET", path)
    assert len(server.seen) == 1
