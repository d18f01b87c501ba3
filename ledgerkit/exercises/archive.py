"""The exercise of the archive: a sum of which no row may be left out, and no digit."""

import math
from fractions import Fraction
from typing import Any, Final

from ledgerkit.exercises import evidence
from ledgerkit.exercises.given import Unreadable, quantity
from ledgerkit.exercises.verdict import Verdict, judged
from ledgerkit.session import Session

ACCOUNT: Final = "USDC Clients"
TYPE: Final = "SEND"
TASK: Final = (
    f"put in place of the three dots to how much all payments (type {TYPE}) of {ACCOUNT} add up, in base units, to "
    "the last digit and whatever became of them."
)


def archive(session: Session, answer: Any) -> Verdict:
    """Check to how much the payments of one account add up, in base units.

    Parameters
    ----------
    session
        Whose transactions were archived.
    answer
        A number, or a frame that has it alone; ``...`` where there is none yet.

    Returns
    -------
    Verdict
        Made of ``GET /accounts`` and ``GET /transactions``, read page by page.
    """
    return judged(answer, TASK, lambda: _check(session, answer))


def _check(session: Session, answer: Any) -> Verdict:
    account = evidence.account(session, ACCOUNT)
    given = Fraction(quantity(answer, "units"))
    own = evidence.rows(session, "/transactions", account=account["id"])
    sent = [Fraction(str(one["amount"])) for one in own if one["type"] == TYPE]
    if not sent:
        raise Unreadable(f"this workspace shows no payment of {ACCOUNT}: do the exercise on the sandbox.")
    truth = sum(sent, Fraction(0))
    if given == truth:
        return Verdict(True, f"that is the sum of {len(sent)} payments, with every digit and every row.")
    if given == sum(one for one in sent if one.denominator == 1):
        return Verdict(False, "a row is left out: its amount has a fraction, and no `amount_decimal`. Sum the text.")
    if math.floor(truth) <= given <= math.ceil(truth):
        return Verdict(False, "a fraction was rounded: cast to a decimal with places, as the warning says.")
    if given == sum(Fraction(str(one["amount"])) for one in own if one["amount"] is not None):
        return Verdict(False, f"that counts what came in, too: only the type {TYPE} is asked for.")
    confirmed = (one for one in own if one["type"] == TYPE and one["status"] == "CONFIRMED")
    if given == sum(Fraction(str(one["amount"])) for one in confirmed):
        return Verdict(False, "these are the confirmed ones: all are asked for, whatever became of them.")
    return Verdict(False, f"it is another number. Does it go by `account_id`, and by the type {TYPE} alone?")
