"""A workspace of a few rows, written out in the test that uses it."""

from collections.abc import Mapping
from typing import Any

from serving import Act, Handler, Reply, Seen, listing

ETH = [{"code": "wei", "magnitude": 0}, {"code": "ETH", "magnitude": 18}]
BTC = [{"code": "satoshi", "magnitude": 0}, {"code": "BTC", "magnitude": 8}]
XTZ = [{"code": "mutez", "magnitude": 0}, {"code": "XTZ", "magnitude": 6}]
NOT_FOUND = Reply({"message": "not found"}, status=404)


def account(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"Account {number}",
        "type": "Ethereum",
        "currency": "ethereum",
        "contract_address": None,
        "status": "ACTIVE",
        "created_on": "2026-01-01T00:00:00+00:00",
        "governance_rules": [],
        **fields,
    }


def transaction(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "account_id": 1,
        "type": "RECEIVE",
        "status": "CONFIRMED",
        "currency": "ethereum",
        "amount": "1000",
        "senders": ["0x" + "a" * 40],
        "recipient": "0x" + "b" * 40,
        "created_on": "2026-05-10T12:00:00+00:00",
        **fields,
    }


def user(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "username": f"user-{number}",
        "user_id": "5CA88C5165CF3640",
        "role": "OPERATOR",
        "status": "ACTIVE",
        "is_api": True,
        "created_by": None,
        "created_on": "2024-01-01T00:00:00+00:00",
        "key_handle": "secret-key-handle",
        "pub_key": "04secretpublickey",
        **fields,
    }


def units(listed: list[dict[str, Any]]) -> dict[str, Any]:
    return {"amount_units": listed, "fees_units": listed}


def workspace(lists: Mapping[str, list[dict[str, Any]]], answers: Mapping[str, Any] | None = None) -> Handler:
    """Serve lists page by page, other paths as they are told, and 404 for the rest."""
    told = dict(answers or {})

    def handle(seen: Seen) -> Act:
        if seen.path in told:
            body = told[seen.path]
            if callable(body):
                body = body(seen)
            return body if isinstance(body, Reply) else Reply(body)
        if seen.path in lists:
            return listing(lists[seen.path])(seen)
        if seen.path in ("/accounts", "/users", "/groups", "/entities", "/transactions", "/requests"):
            return listing([])(seen)
        return NOT_FOUND

    return handle
