"""The tables of requests, and the one shape that the API's two become."""

from typing import Any, Final

from ledgerkit.frames import AMOUNT, FLAG, INTEGER, LIST, OBJECT, REFERENCE, TEXT, TIME, Table


def as_searched(node: dict[str, Any]) -> dict[str, Any]:
    """Return a request as searches show it, whichever of the API's shapes it came in."""
    request = dict(node)
    if isinstance(request.get("created_by"), dict):
        request["created_by"] = request["created_by"].get("id")
    if "expired_at" in request and "expires_at" not in request:
        request["expires_at"] = request.pop("expired_at")
    if request.get("status") == "ABORTED":
        request["status"] = "REJECTED"
    if str(request.get("target_type")).endswith("_LIKE_TRANSACTION"):
        request["target_type"] = "TRANSACTION"
    return request


REQUEST: Final = Table(
    "request",
    {
        "id": INTEGER,
        "type": TEXT,
        "status": TEXT,
        "target_type": TEXT,
        "target_id": INTEGER,
        "created_by": INTEGER,
        "created_on": TIME,
        "expires_at": TIME,
        "used_admin_group": INTEGER,
    },
    normalise=as_searched,
)
# What an inbox shows of a payment.
PAYMENT: Final = Table(
    "payment",
    {
        "id": INTEGER,
        "account_id": INTEGER,
        "currency": TEXT,
        "type": TEXT,
        "amount": AMOUNT,
        "recipient": TEXT,
        "notes": LIST,
    },
)
REQUEST_WITH_CHALLENGE: Final = REQUEST.extended(after={"challenge": OBJECT})
CHALLENGE: Final = Table("request", {"id": INTEGER, "challenge": TEXT})
GOVERNANCE_STEP: Final = Table(
    "step",
    {
        "request_id": INTEGER,
        "step_index": INTEGER,
        "quorum": INTEGER,
        "group_id": INTEGER,
        "approvers": LIST,
        "approvals": LIST,
        "is_complete": FLAG,
        "request": {
            "type": TEXT,
            "status": TEXT,
            "target_type": TEXT,
            "target_id": INTEGER,
            "current_step_index": INTEGER,
            "created_by": REFERENCE,
            "created_on": TIME,
            "expired_at": TIME,
        },
    },
)
# After these nothing more happens to a request.
FINAL: Final = frozenset({"ACTIVE", "APPROVED", "BLOCKED", "EXPIRED", "REJECTED", "SIGNED", "SUBMITTED"})
# What a request is from its creation on.
SETTLED: Final = frozenset({"created_by", "target_id", "target_type", "type"})
