"""The exercise of Tradelink: the collateral that an exchange can settle against."""

from fractions import Fraction
from typing import Any, Final

import pandas as pd

from ledgerkit.exercises import evidence
from ledgerkit.exercises.given import Unreadable, quantity
from ledgerkit.exercises.verdict import Verdict, judged
from ledgerkit.session import Session

EXCHANGE: Final = "Halcyon"
CURRENCY: Final = "ethereum"
READY: Final = "PLEDGE_READY"
TASK: Final = (
    f"put in place of the three dots how many ETH the exchange {EXCHANGE} can settle against right now: the amounts "
    "of its pledges that are ready, added up."
)


def tradelink(session: Session, answer: Any) -> Verdict:
    """Check how many ETH an exchange can settle against, at this moment.

    Parameters
    ----------
    session
        Where it was looked up.
    answer
        A number in ETH: Decimal, int, text, or a float that shows every digit; ``...`` where there is none yet.

    Returns
    -------
    Verdict
        Made of ``GET /pledges`` without a filter, ``GET /accounts`` and ``GET /accounts/{account_id}/currency``.
    """
    return judged(answer, TASK, lambda: _check(session, answer))


def _check(session: Session, answer: Any) -> Verdict:
    accounts = evidence.rows(session, "/accounts")
    # A token's account names the currency of its network: what it holds is told by its contract.
    coins = {one["id"] for one in accounts if one["currency"] == CURRENCY and not one["contract_address"]}
    pledges = session.pledges.search()
    held = pledges[pledges["account_id"].isin(list(coins))]
    own = held[held["exchange_name"] == EXCHANGE]
    ready = own[own["state"] == READY]
    if ready.empty:
        raise Unreadable(
            f"{EXCHANGE} has no pledge of {CURRENCY} that is ready here: do the exercise on the sandbox."
        )
    unit = evidence.unit(session, int(ready["account_id"].iloc[0]), CURRENCY, "answer")
    given = Fraction(quantity(answer, unit.code))
    scale = 10**unit.magnitude
    truth = Fraction(_total(ready), scale)
    if given == truth:
        return Verdict(True, f"that is the sum of {len(ready)} pledges, to the last digit.")
    if given == truth * scale:
        return Verdict(False, f"these are base units, exact but hard to read: how many {unit.code} are they?")
    if given == Fraction(_total(own), scale):
        return Verdict(False, f"that counts every pledge of {EXCHANGE}: a settlement takes pledges of one state.")
    if given == Fraction(_total(held[held["state"] == READY]), scale):
        return Verdict(False, "that counts the pledges of every exchange, and one can't use those of another.")
    if given in {Fraction(int(amount), scale) for amount in ready["amount"].dropna()}:
        return Verdict(False, "that is one of its pledges, and there are more.")
    return Verdict(
        False, f"it is another number. Which pledges are of {EXCHANGE}, of {CURRENCY} and in the right state?"
    )


def _total(pledges: pd.DataFrame) -> int:
    return sum(int(amount) for amount in pledges["amount"].dropna())
