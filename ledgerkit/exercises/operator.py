"""The exercise of the operator: a payment that went through all of its approvals."""

from decimal import Decimal
from typing import Any, Final

from ledgerkit.amounts import to_display
from ledgerkit.errors import NotFound
from ledgerkit.exercises import evidence
from ledgerkit.exercises.given import Unreadable, identifier
from ledgerkit.exercises.verdict import Verdict, judged
from ledgerkit.session import Session

ACCOUNT: Final = "BTC Treasury 1"
AMOUNT: Final = Decimal("0.2")
TASK: Final = (
    f"pay {AMOUNT} BTC from {ACCOUNT} to the second address of its whitelist, see it through all approvals, and put "
    "the id of its request in place of the three dots."
)


def operator(session: Session, answer: Any) -> Verdict:
    """Check that a request is an approved payment of 0.2 BTC to the second whitelisted address of its account.

    Parameters
    ----------
    session
        Of the API user who made it.
    answer
        The id of the request, or the frame of one; ``...`` where there is none yet.

    Returns
    -------
    Verdict
        Made of ``GET /requests/{request_id}`` and its governance status, ``/transactions/{transaction_id}``,
        ``/accounts`` and ``/whitelists/{whitelist_id}``.
    """
    return judged(answer, TASK, lambda: _check(session, identifier(answer)))


def _check(session: Session, request_id: int) -> Verdict:
    try:
        request = session.raw("GET", f"/requests/{request_id}")
    except NotFound:
        return Verdict(False, f"there is no request {request_id} that you may see. A draft has a `request_id`.")
    if request["type"] != "CREATE_TRANSACTION":
        return Verdict(
            False,
            f"request {request_id} is a {request['type']}, no payment. Requests and payments have ids of their own: "
            "a draft has a `request_id`.",
        )
    if request["created_by"] != evidence.own_id(session):
        return Verdict(False, f"request {request_id} is the payment of another user: make one of your own.")
    paying = evidence.account(session, ACCOUNT)
    payment = session.raw("GET", f"/transactions/{request['target_id']}")
    if payment["account_id"] != paying["id"]:
        return Verdict(False, f"request {request_id} pays from another account than {ACCOUNT}.")
    if payment["recipient"] != _second_address(session, paying):
        return Verdict(
            False,
            f"request {request_id} does not pay the second address. Of the whitelist's rows in {paying['currency']}, "
            "the first is number 0.",
        )
    if (problem := _another_amount(session, paying, payment["amount"])) is not None:
        return Verdict(False, problem)
    return _approved(session, request)


def _second_address(session: Session, paying: dict[str, Any]) -> str:
    """Return the second address that the rules of an account admit, in the order of their whitelist."""
    listed = [
        entry["whitelist"]
        for rule_set in paying["governance_rules"] or []
        for rule in (rule_set or {}).get("rules") or []
        if rule and rule["type"] == "WHITELIST"
        for entry in rule["data"] or []
    ]
    if listed:
        book = session.raw("GET", f"/whitelists/{listed[0]}")["addresses"]
        addresses = [one["address"] for one in book if one["currency"] == paying["currency"]]
        if len(addresses) > 1:
            return str(addresses[1])
    raise Unreadable(f"the rules of {ACCOUNT} admit no two addresses here: do the exercise on a fresh sandbox.")


def _another_amount(session: Session, paying: dict[str, Any], amount: Any) -> str | None:
    """Say what is paid instead, where it is not what was asked for."""
    unit = evidence.unit(session, paying["id"], ACCOUNT, "amount")
    paid = to_display(int(amount), unit.magnitude)
    return None if paid == AMOUNT else f"it pays {paid} {unit.code}, and {AMOUNT} {unit.code} is asked for."


def _approved(session: Session, request: dict[str, Any]) -> Verdict:
    number, status = request["id"], request["status"]
    if status == "APPROVED":
        return Verdict(True, f"request {number} went through all of its approvals, and the payment is on its way.")
    if status not in ("PENDING_APPROVAL", "PENDING_FIRST_APPROVAL"):
        return Verdict(False, f"request {number} is {status}, which is final: make a new draft, and submit that.")
    mine = session.raw("GET", "/requests", params={"id": number, "pending_by": request["created_by"]})
    if mine["edges"]:
        return Verdict(
            False, f"request {number} is the right one. It waits for its creator, and nobody else is told yet."
        )
    return Verdict(False, f"request {number} is the right one, and you approved it. Now it waits for colleagues.")
