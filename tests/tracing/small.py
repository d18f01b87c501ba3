"""A workspace made by hand: a payment of a token of 18 decimals, asked for by one user and approved by another."""

import copy
import re
from collections.abc import Mapping
from typing import Any

from serving import Act, Reply, Seen, listing

RECIPIENT = "0x52908400098527886E0F7030069857D2E4169EE7"
OWN = "0xde709f2102306220921060314715629080e2fb77"
# The same first and last four characters as the recipient's, and another address.
LOOKALIKE = "0x52908411111111111111111111111111111111E7".replace("1111E7", "119EE7")
HASH = "0x" + "ab" * 32
MARK = "lk-7KQ2M9XWPA"
PLEDGE = "6f9619ff-8b86-4011-b42d-00c04fc964ff"
# A billion tokens of 18 decimals, and one base unit: 28 digits, one more than a float or a default Decimal sum keeps.
AMOUNT = 10**27 + 1

OBJECTS: Mapping[str, list[dict[str, Any]]] = {
    "accounts": [
        {
            "id": 1,
            "name": "Token desk",
            "type": "Erc20",
            "status": "ACTIVE",
            "currency": "ethereum",
            "contract_address": "0x" + "c" * 40,
            "address": OWN,
            "balance": str(AMOUNT),
            "created_by": 7,
            "created_on": "2026-01-01T00:00:00Z",
        },
    ],
    "users": [
        {"id": 7, "username": "ada", "role": "ADMIN", "status": "ACTIVE", "created_on": "2026-01-01T00:00:00Z"},
        {"id": 8, "username": "grace", "role": "OPERATOR", "status": "ACTIVE", "created_on": "2026-01-01T00:00:00Z"},
    ],
    "groups": [{"id": 3, "name": "Approvers", "status": "ACTIVE", "members": [8, None], "created_by": None}],
    "whitelists": [
        {
            "id": 4,
            "name": "Brokers",
            "status": "ACTIVE",
            "created_on": "2026-01-02T00:00:00Z",
            "created_by": 7,
            "addresses": [
                {"id": 1, "name": "Broker A", "currency": "ethereum", "address": RECIPIENT.lower()},
                {"id": 2, "name": "Broker B", "currency": "ethereum", "address": LOOKALIKE},
            ],
        }
    ],
    "entities": [{"id": 5, "name": "Fund", "status": "ACTIVE", "accounts": [1]}],
    "transactions": [
        {
            "id": 29,
            "account_id": 1,
            "type": "SEND",
            "status": "CONFIRMED",
            "currency": "ethereum",
            "amount": str(AMOUNT),
            "fees": "21000",
            "recipient": RECIPIENT,
            "senders": [OWN],
            "tx_hash": HASH,
            "block": {"height": 99, "time": "2026-03-01T12:00:00Z"},
            "broadcast_on": "2026-03-01T11:00:00Z",
            "created_by": 8,
            "created_on": "2026-03-01T09:00:00Z",
            "last_request": 29,
            "notes": [{"title": "Invoice 42", "content": f"March [{MARK}]"}],
        },
        {
            "id": 28,
            "account_id": 1,
            "type": "RECEIVE",
            "status": "CONFIRMED",
            "currency": "ethereum",
            "amount": None,
            "recipient": OWN,
            "senders": [RECIPIENT.lower()],
            "tx_hash": "0x" + "cd" * 32,
            "block": None,
            "created_by": None,
            "created_on": "2026-02-01T09:00:00Z",
            "last_request": None,
            "notes": [],
        },
    ],
    "requests": [
        {
            "id": 29,
            "type": "CREATE_TRANSACTION",
            "status": "APPROVED",
            "target_type": "TRANSACTION",
            "target_id": 29,
            "created_by": 8,
            "created_on": "2026-03-01T09:00:01Z",
            "expires_at": "2026-03-08T09:00:01Z",
        },
        {
            "id": 30,
            "type": "CREATE_WHITELIST",
            "status": "EXPIRED",
            "target_type": "WHITELIST",
            "target_id": 4,
            "created_by": None,
            "created_on": "2026-01-02T00:00:00Z",
            "expires_at": "2026-01-09T00:00:00Z",
        },
    ],
    "messages": [],
    "pledges": [{"id": PLEDGE, "account_id": 1, "state": "PLEDGE_READY", "amount": "5"}],
    "settlements": [],
}
VOTES: list[dict[str, Any] | None] = [
    {
        "step_index": 0,
        "quorum": 2,
        "group": {"id": 3},
        "approvers": [{"id": 8}, None],
        "approvals": [
            {"type": "APPROVE", "created_on": "2026-03-01T10:00:00Z", "user": {"id": 8}},
            {"type": "ABORT", "created_on": "2026-03-01T10:30:00Z", "user": None},
            {"type": "APPROVE", "created_on": "soon", "user": {"id": 7}},
        ],
        "is_complete": True,
    },
    None,
]
FILTERED = {
    "transactions": ("recipient", "tx_hash", "id"),
    "requests": ("created_by", "id"),
    "users": ("id",),
    "groups": ("id",),
}


class Small:
    """The workspace: a test changes ``objects``, and ``instead`` by patterns of paths."""

    def __init__(self) -> None:
        self.objects = {name: copy.deepcopy(rows) for name, rows in OBJECTS.items()}
        self.votes = copy.deepcopy(VOTES)
        self.instead: dict[str, Reply] = {}

    def answer(self, seen: Seen) -> Act:
        path = seen.path
        for pattern, reply in self.instead.items():
            if re.fullmatch(pattern, path):
                return reply
        section, *rest = path.strip("/").split("/")
        if section == "organization":
            return Reply({"name": "Acme", "uid": "acme"})
        if section == "compliance":
            said = {"address": rest[1], "risk": "LOW", "has_sanctions": False, "provider_details": []}
            if rest[0] == "address-risk":
                said["provider_details"] = {"risk": "Low"}
            return Reply(said)
        rows = self.objects[section]
        if not rest:
            return listing(self._kept(section, rows, seen))(seen)
        found = next((row for row in rows if str(row["id"]) == rest[0]), None)
        if found is None:
            return Reply({"message": f"no {section} {rest[0]}"}, status=404)
        return Reply(found) if len(rest) == 1 else self._of(section, found, rest[1])

    def _kept(self, section: str, rows: list[dict[str, Any]], seen: Seen) -> list[dict[str, Any]]:
        # The service may compare letter by letter: so does this one.
        for name in FILTERED.get(section, ()):
            if name in seen.query:
                rows = [row for row in rows if str(row[name]) == seen.query[name][0]]
        if "title" in seen.query:
            rows = [row for row in rows if seen.query["title"][0] in str(row["notes"])]
        if any(name in seen.query for name in ("approved_by", "rejected_by", "pending_by", "members", "user")):
            rows = []
        return rows

    def _of(self, section: str, found: dict[str, Any], what: str) -> Reply:
        if what == "history":
            kind = section.removesuffix("s").upper()
            made = [
                {
                    **{name: value for name, value in row.items() if name not in ("target_type", "target_id")},
                    "expired_at": row["expires_at"],
                    "is_complete": True,
                }
                for row in self.objects["requests"]
                if (row["target_type"], row["target_id"]) == (kind, found["id"])
            ]
            return Reply({"history": [[{k: v for k, v in one.items() if k != "expires_at"}] for one in made]})
        if what == "governance-status":
            request = {name: value for name, value in found.items() if name != "created_by"}
            return Reply({"request": request, "governance_steps": self.votes if found["id"] == 29 else []})
        if what == "currency":
            unit = [{"code": "TKN", "magnitude": 18, "name": "token"}]
            return Reply({"amount_units": unit, "fees_units": [{"code": "ETH", "magnitude": 18, "name": "ether"}]})
        if what == "balances":
            return Reply({"total": found["balance"], "available": found["balance"], "pending": "0"})
        return Reply({"message": "not found"}, status=404)
