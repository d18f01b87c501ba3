"""The exercise of the rate limits: the request of a payment whose answer was lost."""

from typing import Any, Final

from ledgerkit.errors import NotFound
from ledgerkit.exercises import evidence
from ledgerkit.exercises.given import identifier
from ledgerkit.exercises.verdict import Verdict, judged
from ledgerkit.session import Session

NOTE: Final = "Exercise 05"
TASK: Final = (
    f'the answer to the payment with the note "{NOTE}" was lost: find the request that it made, without sending '
    "anything again, and put its id in place of the three dots."
)


def rate_limits(session: Session, answer: Any) -> Verdict:
    """Check that a request is the one that a payment made whose answer was lost, and that it was made once.

    Parameters
    ----------
    session
        Of the API user who sent it.
    answer
        The id of the request, or the frame of one; ``...`` where there is none yet.

    Returns
    -------
    Verdict
        Made of ``GET /transactions``, read page by page, and ``GET /requests/{request_id}``.
    """
    return judged(answer, TASK, lambda: _check(session, identifier(answer)))


def _check(session: Session, request_id: int) -> Verdict:
    # The service looks for the text in titles and contents: the title is compared here.
    found = evidence.rows(session, "/transactions", title=NOTE)
    payments = [one for one in found if any(note["title"] == NOTE for note in one["notes"] or [])]
    if not payments:
        return Verdict(False, f'no payment has the note "{NOTE}": run the cell that sends it, once.')
    if len(payments) > 1:
        return Verdict(
            False,
            f'{len(payments)} payments have the note "{NOTE}": it was sent again, and would be paid again. Start '
            "with a fresh kernel, and only look.",
        )
    [payment] = payments
    if request_id == payment["last_request"]:
        return Verdict(True, f"request {request_id} is the one, it was made once, and nothing was sent again.")
    if request_id == payment["id"]:
        return Verdict(False, "that is the id of the transaction. The request that made it has an id of its own.")
    try:
        request = session.raw("GET", f"/requests/{request_id}")
    except NotFound:
        return Verdict(False, f"there is no request {request_id} that you may see. What can a draft look for?")
    if request["type"] != "CREATE_TRANSACTION":
        return Verdict(False, f"request {request_id} is a {request['type']}, no payment.")
    return Verdict(
        False,
        f"request {request_id} is another payment. What tells one payment from an identical other is the mark in its "
        "note, and the draft knows how to look for it.",
    )
