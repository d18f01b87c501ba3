"""The exercise of the forms: a search that finds all of something, and nothing else."""

from typing import Any, Final

import pandas as pd

from ledgerkit.exercises import evidence
from ledgerkit.exercises.given import Unreadable
from ledgerkit.exercises.verdict import Verdict, judged
from ledgerkit.session import Session

ACCOUNT: Final = "BTC Treasury 1"
TYPE: Final = "SEND"
STATUS: Final = "CONFIRMED"
TASK: Final = (
    f"fill the form so that it finds the payments (type {TYPE}) of {ACCOUNT} that are {STATUS}, press Search, and "
    "put its `frame` in place of the three dots."
)


def forms(session: Session, answer: Any) -> Verdict:
    """Check that a frame has all confirmed payments of one account, and no other row.

    Parameters
    ----------
    session
        Where it was searched.
    answer
        The frame, or the form that found it; ``...`` where there is none yet.

    Returns
    -------
    Verdict
        Made of ``GET /accounts`` and ``GET /transactions``, read page by page.
    """
    return judged(answer, TASK, lambda: _check(session, _frame(answer)))


def _frame(answer: Any) -> pd.DataFrame:
    frame = getattr(answer, "frame", answer)
    if frame is None:
        raise Unreadable("the form has found nothing yet: press Search, wait for the table, and run this cell again.")
    if not isinstance(frame, pd.DataFrame) or "id" not in frame.columns:
        raise Unreadable(f"a frame of transactions is asked for, `form.frame`, and this is a {type(frame).__name__}.")
    return frame


def _check(session: Session, frame: pd.DataFrame) -> Verdict:
    account = evidence.account(session, ACCOUNT)
    listed = evidence.rows(session, "/transactions", account=account["id"])
    meant = {one["id"] for one in listed if one["type"] == TYPE and one["status"] == STATUS}
    found = {int(one) for one in frame["id"].dropna()}
    if len(found) != len(frame):
        return Verdict(False, "some rows stand in the frame twice, or have no id: hand in what the form found.")
    if found == meant:
        return Verdict(True, f"all {len(meant)} payments, and nothing else. `form.code` returns the same frame.")
    own = {one["id"]: one for one in listed}
    surplus = found - meant
    hints = [
        (surplus - own.keys(), "of other accounts"),
        ({one for one in surplus & own.keys() if own[one]["type"] != TYPE}, f"not of the type {TYPE}"),
        ({one for one in surplus & own.keys() if own[one]["status"] != STATUS}, f"not {STATUS}"),
    ]
    said = [f"{len(rows)} of its rows are {what}" for rows, what in hints if rows]
    if meant - found:
        said.append(f"{len(meant - found)} are missing: is another filter set, or a limit?")
    return Verdict(False, f"{'; '.join(said)}{'' if said[-1].endswith('?') else '.'}")
