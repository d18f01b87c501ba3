"""Credentials: tokens and their lives, reporting keys, the LAM, and what a narrowed caller sees."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from ledgerkit.sandbox import Sandbox
from ledgerkit.sandbox.tokens import signing_key

from .conftest import HandClock, ids, log_in

Start = Callable[..., tuple[Sandbox, httpx.Client]]


def reporting_client(sandbox: Sandbox, key: int) -> httpx.Client:
    headers = {
        "X-Ledger-Workspace": sandbox.world.workspace,
        "X-Ledger-Reporting-API-Key": sandbox.credentials.reporting_keys[key].key,
    }
    return httpx.Client(base_url=sandbox.url, headers=headers)


def test_a_key_is_exchanged_for_tokens(sandbox: Sandbox) -> None:
    with httpx.Client(base_url=sandbox.url) as client:
        tokens = log_in(client, sandbox)
    assert tokens["expires_in"] == 300
    assert tokens["token_type"] == "Bearer"
    public = RSAKey.import_key(signing_key().as_dict(private=False))
    decoded = jwt.decode(tokens["access_token"], public)
    user = next(node for node in sandbox.world.users if node["id"] == sandbox.credentials.api_users[0].user_id)
    claims = decoded.claims
    assert decoded.header["alg"] == "RS256"
    assert decoded.header["kid"]
    assert claims["exp"] - claims["iat"] == 300
    assert claims["iss"].endswith(f"/keycloak/realms/{sandbox.world.workspace}")
    assert claims["azp"] == "revault"
    assert claims["sid"] == claims["session_state"] == tokens["session_state"]
    assert claims["workspace"] == sandbox.world.workspace
    assert claims["pub_key"] == user["pub_key"]
    assert claims["preferred_username"] == user["username"]
    assert claims["scope"] == ""


@pytest.mark.parametrize(
    ("field", "value"), [("api_key_id", "nobody"), ("api_key_secret", "wrong"), ("api_key_secret", None)]
)
def test_a_wrong_key_is_refused(sandbox: Sandbox, field: str, value: Any) -> None:
    credential = sandbox.credentials.api_users[0]
    body = {"api_key_id": credential.key_id, "api_key_secret": credential.key_secret, field: value}
    answer = httpx.post(
        f"{sandbox.url}/auth/token", json=body, headers={"X-Ledger-Workspace": sandbox.world.workspace}
    )
    assert answer.status_code == 401
    assert answer.json()["status_code"] == 401
    assert set(answer.json()) == {"message", "name", "status_code"}


def test_another_workspace_is_refused(sandbox: Sandbox, client: httpx.Client) -> None:
    credential = sandbox.credentials.api_users[0]
    body = {"api_key_id": credential.key_id, "api_key_secret": credential.key_secret}
    elsewhere = {"X-Ledger-Workspace": "elsewhere"}
    assert httpx.post(f"{sandbox.url}/auth/token", json=body, headers=elsewhere).status_code == 401
    assert httpx.post(f"{sandbox.url}/auth/token", json=body).status_code == 401
    assert client.get("/organization", headers=elsewhere).status_code == 401


def test_without_credentials_nothing_is_answered(sandbox: Sandbox) -> None:
    headers = {"X-Ledger-Workspace": sandbox.world.workspace}
    for more in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic dTpw"}):
        assert httpx.get(f"{sandbox.url}/accounts", headers={**headers, **more}).status_code == 401


def test_an_altered_token_is_refused(sandbox: Sandbox, client: httpx.Client) -> None:
    token = client.headers["Authorization"]
    flipped = token[:-1] + ("A" if token[-1] != "A" else "B")
    assert client.get("/organization", headers={"Authorization": flipped}).status_code == 401
    assert client.get("/organization").status_code == 200


def test_a_refresh_token_serves_once_and_replaces_both(start: Start) -> None:
    sandbox, client = start()
    first = log_in(client, sandbox)
    second = client.post("/auth/token/refresh", json={"refresh_token": first["refresh_token"]}).json()
    assert second["access_token"] != first["access_token"]
    assert second["session_state"] == first["session_state"]
    again = client.post("/auth/token/refresh", json={"refresh_token": first["refresh_token"]})
    assert again.status_code == 401
    third = client.post("/auth/token/refresh", json={"refresh_token": second["refresh_token"]})
    assert third.status_code == 200


def test_a_refresh_token_may_be_let_serve_again(start: Start) -> None:
    sandbox, client = start(refresh_single_use=False)
    refresh = {"refresh_token": log_in(client, sandbox)["refresh_token"]}
    assert client.post("/auth/token/refresh", json=refresh).status_code == 200
    assert client.post("/auth/token/refresh", json=refresh).status_code == 200


def test_tokens_end_with_their_lives(start: Start) -> None:
    clock = HandClock()
    sandbox, client = start(clock=clock, token_life=300.0, refresh_life=1800.0)
    tokens = log_in(client, sandbox)
    clock.seconds += 299
    assert client.get("/organization").status_code == 200
    clock.seconds += 1
    assert client.get("/organization").status_code == 401
    clock.seconds += 1500
    refresh = {"refresh_token": tokens["refresh_token"]}
    assert client.post("/auth/token/refresh", json=refresh).status_code == 401


def test_tokens_can_be_revoked_and_refreshes_refused(start: Start) -> None:
    sandbox, client = start()
    tokens = log_in(client, sandbox)
    refresh = {"refresh_token": tokens["refresh_token"]}
    sandbox.faults.revoke_tokens()
    assert client.get("/organization").status_code == 401
    sandbox.faults.refuse_refresh()
    assert client.post("/auth/token/refresh", json=refresh).status_code == 401
    assert client.post("/auth/token/refresh", json=refresh).status_code == 200
    newer = log_in(client, sandbox)
    sandbox.faults.expire_refresh()
    late = {"refresh_token": newer["refresh_token"]}
    assert client.post("/auth/token/refresh", json=late).status_code == 401
    assert client.get("/organization").status_code == 200


def test_the_gateway_may_want_a_key_for_tokens(start: Start) -> None:
    sandbox, client = start(gateway=True)
    with pytest.raises(httpx.HTTPStatusError, match="401"):
        log_in(client, sandbox)
    client.headers["X-Ledger-API-Key"] = sandbox.credentials.gateway_key
    log_in(client, sandbox)
    assert sandbox.environment()["LEDGER_ENTERPRISE_GATEWAY_API_KEY"] == sandbox.credentials.gateway_key


def test_a_reporting_key_reads_and_sets_notifications_only(sandbox: Sandbox) -> None:
    with reporting_client(sandbox, 0) as client:
        assert len(ids(client, "/accounts")) == len(sandbox.world.accounts)
        assert client.get("/notifications/configuration").status_code == 404
        hook = {"all": {"webhook": {"url": "https://example.com/hook", "secret": "s"}}}
        assert client.put("/notifications/configuration", json=hook).json() == hook
        assert client.get("/notifications/configuration").json() == hook
        assert all(edge["node"]["xpub"] is None for edge in client.get("/accounts").json()["edges"])


def test_a_reporting_key_may_not_write(sandbox: Sandbox) -> None:
    with reporting_client(sandbox, 0) as client:
        assert client.post("/requests", json={}).status_code in {403, 405}


def test_a_suspended_reporting_key_is_forbidden(sandbox: Sandbox) -> None:
    keys = sandbox.credentials.reporting_keys
    suspended = next(position for position, key in enumerate(keys) if key.status == "SUSPENDED")
    with reporting_client(sandbox, suspended) as client:
        assert client.get("/accounts").status_code == 403


def test_an_unknown_reporting_key_is_unauthorized(sandbox: Sandbox) -> None:
    headers = {"X-Ledger-Workspace": sandbox.world.workspace, "X-Ledger-Reporting-API-Key": "unknown"}
    assert httpx.get(f"{sandbox.url}/accounts", headers=headers).status_code == 401


def test_a_scoped_reporting_key_sees_what_its_entities_hold(sandbox: Sandbox) -> None:
    world, keys = sandbox.world, sandbox.credentials.reporting_keys
    scoped = next(position for position, key in enumerate(keys) if key.entities)
    accounts = {
        account
        for entity in world.entities
        if entity["id"] in keys[scoped].entities
        for account in entity["accounts"]
    }
    with reporting_client(sandbox, scoped) as client:
        assert set(ids(client, "/accounts")) == accounts
        transactions = set(ids(client, "/transactions"))
        assert transactions == {node["id"] for node in world.transactions if node["account_id"] in accounts}
        assert 0 < len(transactions) < len(world.transactions)
        assert 0 < len(ids(client, "/users")) < len(world.users)
        assert 0 < len(ids(client, "/whitelists")) < len(world.whitelists)
        assert 0 < len(ids(client, "/requests")) < len(world.requests)
        hidden = next(node["id"] for node in world.accounts if node["id"] not in accounts)
        assert client.get(f"/accounts/{hidden}").status_code == 404
        assert client.get(f"/accounts/{hidden}/balances").status_code == 404


def test_an_operator_without_view_all_sees_its_part(sandbox: Sandbox) -> None:
    world, users = sandbox.world, sandbox.credentials.api_users
    partial = next(position for position, user in enumerate(users) if user.role == "OPERATOR" and not user.view_all)
    user = users[partial].user_id
    with httpx.Client(base_url=sandbox.url) as client:
        log_in(client, sandbox, partial)
        seen = set(ids(client, "/accounts"))
        assert 0 < len(seen) < len(world.accounts)
        groups = {group["id"] for group in world.groups if user in group["members"]}
        for account in world.accounts:
            entries = [
                entry
                for rule_set in account["governance_rules"]
                for rule in rule_set["rules"]
                if rule["type"] == "MULTI_AUTHORIZATIONS"
                for entry in rule["data"]
                if entry
            ]
            named = any(user in entry.get("users", ()) or entry.get("group") in groups for entry in entries)
            assert (account["id"] in seen) == named
        visible = set(ids(client, "/users"))
        requests = [edge["node"] for edge in client.get("/requests?page_size=100").json()["edges"]]
        assert all(node["created_by"] is None or node["created_by"] in visible for node in requests)
        assert all(edge["node"]["xpub"] is None for edge in client.get("/accounts").json()["edges"])


def test_only_an_operator_with_view_all_gets_xpubs(sandbox: Sandbox, client: httpx.Client) -> None:
    nodes = [edge["node"] for edge in client.get("/accounts?page_size=100").json()["edges"]]
    assert any(node["xpub"] for node in nodes)


def test_the_lam_knows_users_by_name(start: Start) -> None:
    sandbox, client = start(lam_api_key=True, lam_store_token=True)
    name = sandbox.credentials.lam_user
    user = {"X-Ledger-API-User": name}
    key = {"X-Ledger-API-Key": sandbox.credentials.lam_api_key}
    store = {"X-Ledger-Store-Auth-Token": sandbox.credentials.lam_store_token}
    assert client.get("/_health", headers=user).status_code == 200
    assert client.get("/_health").status_code == 400
    assert client.get("/api_users").status_code == 401
    assert name in [node["name"] for node in client.get("/api_users", headers=key).json()["api_users"]]
    assert client.get(f"/api_users/{name}", headers=key).json()["name"] == name
    missing = client.get("/api_users/nobody", headers=key)
    assert (missing.status_code, missing.content) == (404, b"")
    assert client.get("/accounts", headers=user).status_code == 401
    assert client.get("/accounts", headers={**user, **key}).status_code == 401
    assert client.get("/accounts", headers={**user, **key, **store}).status_code == 200
    unknown = {"X-Ledger-API-User": "nobody"}
    assert client.get("/accounts", headers={**unknown, **key, **store}).status_code == 401


def test_the_environment_names_what_a_client_needs(start: Start) -> None:
    sandbox, _ = start(lam_api_key=True)
    assert set(sandbox.environment()) == {
        "LEDGER_ENTERPRISE_API_URL",
        "LEDGER_ENTERPRISE_WORKSPACE",
        "LEDGER_ENTERPRISE_API_KEY_ID",
        "LEDGER_ENTERPRISE_API_KEY_SECRET",
        "LEDGER_ENTERPRISE_API_PRIVATE_KEY",
    }
    reporting = sandbox.environment("reporting_key", prefix="LEDGER_ENTERPRISE_TREASURY_")
    assert reporting["LEDGER_ENTERPRISE_TREASURY_API_URL"] == sandbox.url
    assert "LEDGER_ENTERPRISE_TREASURY_REPORTING_API_KEY" in reporting
    lam = sandbox.environment("lam")
    assert lam["LEDGER_ENTERPRISE_LAM_URL"] == sandbox.url
    assert "LEDGER_ENTERPRISE_LAM_API_KEY" in lam
    assert "LEDGER_ENTERPRISE_LAM_STORE_TOKEN" not in lam


@pytest.mark.parametrize("url", ["http://example.com/hook", "ftp://example.com", "https://", 7])
def test_a_webhook_has_to_be_https(client: httpx.Client, url: Any) -> None:
    body = {"all": {"webhook": {"url": url, "secret": "s"}}}
    assert client.put("/notifications/configuration", json=body).status_code == 400
