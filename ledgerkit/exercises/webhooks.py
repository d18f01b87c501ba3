"""The exercise of the webhooks: an event is a pointer, and what it points to is read through the API."""

import re
from typing import Any, Final

from ledgerkit.errors import shorten
from ledgerkit.exercises.given import Unreadable, single
from ledgerkit.exercises.verdict import Verdict, judged
from ledgerkit.session import Session

EVENT: Final = "NEW_TRANSACTION_HAS_BEEN_BROADCASTED"
TASK: Final = (
    f"find the event {EVENT} among those that you received, read the transaction that it points to, and put its hash "
    "on the chain in place of the three dots."
)
# A number is an id, an amount, and no hash of any chain.
_NUMBER: Final = re.compile(r"[0-9]{1,18}")


def webhooks(session: Session, answer: Any) -> Verdict:
    """Check that a text is the hash of a transaction whose broadcast was told to this user's webhook.

    Parameters
    ----------
    session
        On the embedded sandbox, of the API user who set the webhook.
    answer
        The hash, or the frame of the transaction; ``...`` where there is none yet.

    Returns
    -------
    Verdict
        Made of what the sandbox delivered, and ``GET /transactions/{transaction_id}``.
    """
    return judged(answer, TASK, lambda: _check(session, answer))


def _check(session: Session, answer: Any) -> Verdict:
    if session.sandbox is None:
        raise Unreadable("this exercise looks at what the embedded sandbox delivered: connect to that.")
    given = single(answer, "tx_hash")
    owner = ("api_user", int(session.me()["id"].iloc[0]))
    told = [one for one in session.sandbox.webhooks.deliveries if one.event_type == EVENT and one.owner == owner]
    if not told:
        return Verdict(False, f"no event {EVENT} came about yet: run the cells above, from the first one on.")
    delivered = {one.id for one in told if one.status == "delivered"}
    if not delivered:
        return Verdict(False, f"the event {EVENT} waits to be delivered: does your receiver listen, and where?")
    if isinstance(given, bool) or not isinstance(given, str):
        # The ids of a frame are no int, but they are written alike.
        given = str(given) if _NUMBER.fullmatch(str(given)) else _refuse(given)
    given = given.strip()
    if _NUMBER.fullmatch(given):
        pointed = " that the event points to" if int(given) in delivered else ""
        return Verdict(False, f"{given} is an id{pointed}, and a hash is asked for. Which section has the object?")
    hashes = [session.raw("GET", f"/transactions/{identifier}")["tx_hash"] for identifier in sorted(delivered)]
    if given.casefold() in {str(one).casefold() for one in hashes if one}:
        return Verdict(True, "the event told where to look, and the API told what is there.")
    return Verdict(
        False,
        f"{shorten(given)} is another text than the hash of that transaction. An event has a `section` and an `id`: "
        "get the object from there.",
    )


def _refuse(given: Any) -> str:
    raise Unreadable(f"the hash of a transaction is asked for, a text, and this is a {type(given).__name__}.")
