"""The exercise of the reporting keys: what a key that is tied to an entity does not show."""

from fractions import Fraction
from typing import Any, Final

from ledgerkit.exercises import evidence
from ledgerkit.exercises.given import Unreadable, quantity
from ledgerkit.exercises.verdict import Verdict, judged
from ledgerkit.session import Session

ENTITY: Final = "Fund Alpha"
TASK: Final = (
    f"put in place of the three dots how many transactions the workspace has that the key of {ENTITY} does not show, "
    "whatever their status."
)


def reporting_keys(session: Session, answer: Any) -> Verdict:
    """Check how many transactions a reporting key that is tied to one entity does not show.

    Parameters
    ----------
    session
        Of an API user who sees the whole workspace.
    answer
        A whole number; ``...`` where there is none yet.

    Returns
    -------
    Verdict
        Made of ``GET /entities`` and the counts of ``GET /transactions``, all of them and those of the accounts of
        the entity: no reporting key is used.
    """
    return judged(answer, TASK, lambda: _check(session, answer))


def _check(session: Session, answer: Any) -> Verdict:
    if session.family != "api_user":
        raise Unreadable("this check needs a session that sees everything: hand in that of the API user.")
    entity = next((one for one in evidence.rows(session, "/entities") if one["name"] == ENTITY), None)
    # Without an account the count would be that of no filter at all.
    if entity is None or not entity["accounts"]:
        raise Unreadable(f"this session sees no entity {ENTITY} with accounts: do the exercise on the sandbox.")
    given = Fraction(quantity(answer, "transactions"))
    everything = _count(session)
    shown = _count(session, account=entity["accounts"])
    if given == everything - shown:
        return Verdict(True, f"{ENTITY} sees {shown} of {everything}, and nothing in its answers tells of the rest.")
    if given == shown:
        return Verdict(False, "that is what the key shows. How much is there besides?")
    if given == everything:
        return Verdict(False, "these are all transactions of the workspace. Some of them the key does show.")
    if given == shown - everything:
        return Verdict(False, "nearly: which of the two counts is the larger one?")
    return Verdict(
        False,
        "it is another number. Make the same search with two sessions, without a filter and without a limit, and "
        "count the rows of each.",
    )


def _count(session: Session, **filters: Any) -> int:
    body = session.raw("GET", "/transactions", params={**filters, "page_size": 1})
    return int(body["page_info"]["count"])
