"""The exercise of the first tutorial: a sum that has to be exact."""

from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from ledgerkit.exercises import evidence
from ledgerkit.exercises.given import Unreadable, quantity
from ledgerkit.exercises.verdict import Verdict, judged
from ledgerkit.session import Session

CURRENCY: Final = "bitcoin"
TASK: Final = (
    f"put in place of the three dots how many BTC the ACTIVE accounts of {CURRENCY} hold together, to the last digit."
)


def start_here(session: Session, answer: Any) -> Verdict:
    """Check how many BTC the active bitcoin accounts hold together, counted in ``balance``.

    Parameters
    ----------
    session
        Where it was looked up.
    answer
        A number in BTC: Decimal, int, text, or a float that shows every digit; ``...`` where there is none yet.

    Returns
    -------
    Verdict
        Made of ``GET /accounts``, read page by page, and ``GET /accounts/{account_id}/balances`` and ``/currency``.
    """
    return judged(answer, TASK, lambda: _check(session, answer))


def _check(session: Session, answer: Any) -> Verdict:
    accounts = evidence.rows(session, "/accounts")
    held = [one for one in accounts if one["currency"] == CURRENCY]
    active = [one for one in held if one["status"] == "ACTIVE"]
    if not active:
        raise Unreadable(f"this workspace shows no ACTIVE account of {CURRENCY}: do the exercise on the sandbox.")
    unit = evidence.unit(session, active[0]["id"], CURRENCY, "answer")
    given = Fraction(quantity(answer, unit.code))
    totals = {one["id"]: _balances(session, one["id"]) for one in held}
    scale = 10**unit.magnitude

    def of(part: str, among: list[dict[str, Any]]) -> Fraction:
        return Fraction(sum(totals[one["id"]][part] for one in among), scale)

    truth = of("total", active)
    if given == truth:
        return Verdict(True, f"that is the sum of {len(active)} accounts, to the last digit.")
    if given == truth * scale:
        return Verdict(False, f"these are base units, exact but hard to read: how many {unit.code} are they?")
    if given == of("available", active):
        return Verdict(False, "that is what is available: what is on its way out belongs to the balance as well.")
    if given == of("total", held):
        return Verdict(False, "that counts accounts that are not ACTIVE, too: the search has a filter for it.")
    if round(given, 4) == round(truth, 4):
        return Verdict(False, "close, but digits were lost: add up whole base units, and scale the sum.")
    others = [one for one in accounts if one["type"] == "Bitcoin" and one["currency"] != CURRENCY]
    more = (
        " Accounts of type Bitcoin hold other currencies, too: the search has a filter for those." if others else ""
    )
    return Verdict(
        False, f"it is another number. Which accounts did the search give, and which column was added up?{more}"
    )


def _balances(session: Session, account_id: int) -> dict[str, int]:
    body = session.raw("GET", f"/accounts/{account_id}/balances")
    # Documents show both, integers and texts.
    return {part: int(Decimal(str(body[part]))) for part in ("total", "available")}
