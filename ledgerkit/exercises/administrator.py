"""The exercise of the administrator: an account that exists."""

from typing import Any, Final

from ledgerkit.errors import NotFound
from ledgerkit.exercises import evidence
from ledgerkit.exercises.given import identifier
from ledgerkit.exercises.verdict import Verdict, judged
from ledgerkit.session import Session

NAME: Final = "LTC Tutorial"
CURRENCY: Final = "litecoin"
TASK: Final = (
    f"create the account {NAME} in {CURRENCY}, see it through its approvals until it is ACTIVE, and put its id in "
    "place of the three dots."
)


def administrator(session: Session, answer: Any) -> Verdict:
    """Check that an account of litecoin was created under the name asked for, and is ACTIVE.

    Parameters
    ----------
    session
        Of the API administrator who made it.
    answer
        The id of the account, or the frame of one; ``...`` where there is none yet.

    Returns
    -------
    Verdict
        Made of ``GET /accounts/{account_id}`` and ``GET /requests``.
    """
    return judged(answer, TASK, lambda: _check(session, identifier(answer)))


def _check(session: Session, account_id: int) -> Verdict:
    try:
        account = session.raw("GET", f"/accounts/{account_id}")
    except NotFound:
        return Verdict(
            False,
            f"there is no account {account_id}. A request has an id of its own; that of the account is its "
            "`target_id`.",
        )
    if account["name"] != NAME:
        return Verdict(
            False,
            f"account {account_id} has another name. Letters, digits and blanks count: {NAME}. A request has an id "
            "of its own; that of the account is its `target_id`.",
        )
    if account["currency"] != CURRENCY:
        return Verdict(False, f"account {account_id} has the name, but is in {account['currency']}.")
    if account["status"] == "ACTIVE":
        return Verdict(True, f"account {account_id} is ACTIVE, at index {account['index']}, and holds nothing yet.")
    if account["status"] == "PENDING_CREATE_IN_HSM":
        return Verdict(
            False, f"account {account_id} is approved, and being made: give it a moment. How did time pass above?"
        )
    asked = {
        "target_id": account_id,
        "target_type": "ACCOUNT",
        "status": ["PENDING_APPROVAL", "PENDING_FIRST_APPROVAL"],
    }
    waiting = [edge["node"]["id"] for edge in session.raw("GET", "/requests", params=asked)["edges"]]
    if not waiting:
        return Verdict(False, f"account {account_id} is {account['status']}, and no request is open to change that.")
    own = {"id": waiting[0], "pending_by": evidence.own_id(session)}
    if session.raw("GET", "/requests", params=own)["edges"]:
        return Verdict(False, f"account {account_id} is the right one. Its request waits for your approval first.")
    return Verdict(False, f"account {account_id} is the right one, and you approved it. Now it waits for colleagues.")
