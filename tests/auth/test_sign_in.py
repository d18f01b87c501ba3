"""What is sent to sign in, how its answer is read, and that no secret of it shows."""

import pickle

import httpx
import pytest
from bug_reports import shown
from clocks import FakeClock
from token_service import CREDENTIALS, Make, Service, client_of

from ledgerkit.auth import (
    ApiUserAuth,
    TokenKeeper,
    Tokens,
    auth_for,
    refresh_request,
    secrets_of,
    token_request,
    tokens_from,
)
from ledgerkit.credentials import LAM, ApiUser, ReportingKey
from ledgerkit.errors import (
    AuthenticationError,
    ConnectionFailed,
    ContractViolation,
    LedgerError,
    SessionClosed,
)
from ledgerkit.secret import Secret

# --- on the wire ----------------------------------------------------------------------------------------------------


def test_the_exchange_of_a_key() -> None:
    path, headers, body = token_request(ApiUser("minivault", "id", "secret"))
    assert path == "/auth/token"
    assert headers == {"X-Ledger-Workspace": "minivault"}
    assert body == {"api_key_id": Secret("id"), "api_key_secret": Secret("secret")}


def test_the_exchange_of_a_refresh_token_behind_a_gateway() -> None:
    path, headers, body = refresh_request(ApiUser("minivault", "id", "secret", gateway_key="gate"), Secret("again"))
    assert path == "/auth/token/refresh"
    assert headers == {"X-Ledger-Workspace": "minivault", "X-Ledger-API-Key": Secret("gate")}
    assert body == {"refresh_token": Secret("again")}


@pytest.mark.parametrize(
    ("credentials", "expected"),
    [
        (ReportingKey("minivault", "rk"), {"x-ledger-workspace": "minivault", "x-ledger-reporting-api-key": "rk"}),
        (LAM("bob"), {"x-ledger-api-user": "bob"}),
        (
            LAM("bob", "key", "store"),
            {"x-ledger-api-user": "bob", "x-ledger-api-key": "key", "x-ledger-store-auth-token": "store"},
        ),
    ],
)
def test_the_headers_of_the_families_without_tokens(
    credentials: ReportingKey | LAM, expected: dict[str, str]
) -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    with httpx.Client(transport=httpx.MockTransport(answer), auth=auth_for(credentials)) as client:
        client.get("https://ledger.test/accounts")
    theirs = {name: value for name, value in sent[0].headers.items() if name.startswith(("x-ledger", "auth"))}
    assert theirs == expected


def test_the_headers_of_an_api_user(make: Make, service: Service) -> None:
    request = next(auth_for(CREDENTIALS, make(service)).auth_flow(httpx.Request("GET", "https://ledger.test/")))
    assert request.headers["X-Ledger-Workspace"] == "minivault"
    assert request.headers["Authorization"] == "Bearer access-0"
    with pytest.raises(TypeError, match="TokenKeeper"):
        auth_for(CREDENTIALS)


GOOD = {
    "access_token": "access-canary",
    "expires_in": 300,
    "refresh_token": "refresh-canary",
    "session_state": "state-canary",
    "token_type": "Bearer",
}


def test_an_answer_of_the_token_endpoint_is_read() -> None:
    tokens = tokens_from(GOOD)
    assert tokens == Tokens(Secret("access-canary"), Secret("refresh-canary"), 300.0, "state-canary")
    without = tokens_from({"access_token": "access", "expires_in": 1})
    assert (without.refresh, without.expires_in) == (None, 1.0)
    assert tokens_from({**GOOD, "session_state": 7}).session_state is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"access_token": None}, "access_token"),
        ({"access_token": ""}, "access_token"),
        ({"access_token": 7}, "access_token"),
        ({"access_token": "access-canary\n"}, "access_token"),
        ({"access_token": "access-canary\u2028"}, "access_token"),
        ({"refresh_token": ["refresh-canary"]}, "refresh_token"),
        ({"expires_in": None}, "expires_in"),
        ({"expires_in": "300"}, "expires_in"),
        ({"expires_in": True}, "expires_in"),
        ({"expires_in": 0}, "expires_in"),
        ({"expires_in": 0.02}, "expires_in"),  # was renewed 96 times in 1.5 s
        ({"expires_in": -1}, "expires_in"),
        ({"expires_in": float("nan")}, "expires_in"),
        ({"expires_in": float("inf")}, "expires_in"),
        ({"expires_in": 1_000_000_000}, "expires_in"),
        ({"expires_in": 10**400}, "expires_in"),
        ({"token_type": "Basic"}, "token_type"),
    ],
)
def test_an_answer_that_can_not_be_used_names_the_field_and_shows_no_value(
    change: dict[str, object], field: str
) -> None:
    with pytest.raises(ContractViolation) as caught:
        tokens_from({**GOOD, **change})
    assert caught.value.details["field"] == field
    assert "canary" not in shown(caught.value)


@pytest.mark.parametrize("answer", [None, [], "access-canary", 7])
def test_an_answer_that_is_no_object_is_a_violation(answer: object) -> None:
    with pytest.raises(ContractViolation) as caught:
        tokens_from(answer)
    assert "canary" not in shown(caught.value)


def test_what_no_answer_may_show_is_what_was_sent_and_the_tokens_of_late(
    make: Make, service: Service, clock: FakeClock
) -> None:
    user = ApiUser("minivault", "key-id", "key-secret", private_key="the key never leaves", gateway_key="gateway")
    sent = {"key_id": "key-id", "key_secret": "key-secret", "gateway_key": "gateway"}

    def revealed(keeper: TokenKeeper | None) -> dict[str, str]:
        return {name: value.reveal() for name, value in secrets_of(user, lambda: keeper).items()}

    assert revealed(None) == sent
    keeper = make(service)
    keeper.token()
    first = {"access 0": "access-0", "refresh 0": "refresh-0", "session_state 0": "state-0"}
    assert revealed(keeper) == {**sent, **first}
    clock.advance(service.life)
    keeper.token()
    second = {"access 1": "access-1", "refresh 1": "refresh-1", "session_state 1": "state-1"}
    assert revealed(keeper) == {**sent, **first, **second}
    clock.advance(service.life)
    keeper.token()
    assert sorted(revealed(keeper).values()) == sorted(
        [*sent.values(), *second.values(), "access-2", "refresh-2", "state-2"]
    )


# --- no secret anywhere ---------------------------------------------------------------------------------------------


def test_no_token_is_shown_by_anything_that_holds_one(make: Make, service: Service, clock: FakeClock) -> None:
    service._issue = lambda: tokens_from(GOOD)  # type: ignore[method-assign]  # stands in
    keeper = make(service)
    token, _ = keeper.token()
    user = ApiUser("minivault", "id-canary", "secret-canary", gateway_key="gate-canary")
    _, headers, body = token_request(user)
    _, _, refresh_body = refresh_request(user, Secret("refresh-canary"))
    for thing in (keeper, keeper.state(), keeper.__dict__, tokens_from(GOOD), headers, body, refresh_body):
        assert "canary" not in f"{thing!r}{thing!s}{thing}", type(thing)
    assert "canary" not in f"{token!r} {token} {ApiUserAuth(keeper, user).__dict__}"
    with pytest.raises(TypeError):
        pickle.dumps(keeper)
    with pytest.raises(TypeError):
        pickle.dumps(tokens_from(GOOD))


@pytest.mark.parametrize("failure", [AuthenticationError("no"), ConnectionFailed("no"), SessionClosed("no")])
def test_no_secret_is_shown_by_the_errors_of_a_keeper(make: Make, clock: FakeClock, failure: LedgerError) -> None:
    user = ApiUser("minivault", "id-canary", "secret-canary", gateway_key="gate-canary")
    service = Service(clock)

    def send(path: str, headers: object, body: object) -> Tokens:
        raise failure

    keeper = make(service)
    keeper._login = lambda: send(*token_request(user))
    keeper._refresh = lambda refresh: send(*refresh_request(user, refresh))
    with client_of(keeper, service.answer) as client, pytest.raises(type(failure)) as caught:
        client.get("/accounts")
    assert "canary" not in shown(caught.value)
    keeper._login = lambda: tokens_from(GOOD)
    keeper.reset()
    _, generation = keeper.token()
    keeper._login = lambda: send(*token_request(user))
    with pytest.raises(type(failure)) as caught:
        keeper.renew(generation)
    assert "canary" not in shown(caught.value)
