"""Tracing: what is known around one object, from a hash to the people; ``lk.trace`` is the way in."""

from numbers import Integral
from typing import Any, Final

import pandas as pd

from ledgerkit.errors import InvalidRequest
from ledgerkit.filters import instant
from ledgerkit.reports.making import Making
from ledgerkit.session import Session
from ledgerkit.showing import spelled
from ledgerkit.tracing import money, people
from ledgerkit.tracing.gathering import Gathering
from ledgerkit.tracing.reads import Reads
from ledgerkit.tracing.resolving import Match, match_frame, matches
from ledgerkit.tracing.shapes import looks_like
from ledgerkit.tracing.trace import CANDIDATES, Trace

__all__ = ["Trace", "trace"]

MONTHS: Final = 12
AROUND: Final = {
    "transaction": money.transaction,
    "hash": money.hashed,
    "address": money.address,
    "request": money.request,
    "account": people.account,
    "user": people.user,
    "group": people.group,
    "whitelist": people.whitelist,
    "entity": people.entity,
    "message": people.message,
    "pledge": people.pledge,
    "settlement": people.settlement,
}


def trace(session: Session, anything: Any, *, since: Any = None) -> Trace:
    """See :func:`ledgerkit.trace`."""
    told = str(anything) if isinstance(anything, str | Integral) else type(anything).__name__
    with Making.of(session, trace=told, since=since) as making:
        usual = making.now.normalize() - pd.DateOffset(months=MONTHS)
        start = usual if since is None else pd.Timestamp(instant("since", since, session.tz))
        if start >= making.now:
            raise InvalidRequest(
                f"`since` = {since!r} has not come yet: nothing would be looked through.", field="since"
            )
        reads = Reads(making, start)
        found = matches(reads, anything)
        reads.finding = False
        if len(found) > 1:
            return _candidates(making, anything, found)
        return _one(making, reads, found[0])


def _one(making: Making, reads: Reads, match: Match) -> Trace:
    if match.name and match.kind in ("account", "user", "group", "whitelist", "entity"):
        listed = {"account": "accounts", "user": "users", "entity": "entities"}.get(match.kind, f"{match.kind}s")
        frame = getattr(reads, listed)
        column = "username" if match.kind == "user" else "name"
        names = [] if frame is None else list(zip(frame["id"], frame[column], strict=True))
        for key, name in names:
            if isinstance(name, str) and looks_like(match.name, name):
                making.note(f"Another {match.kind} has a name that looks like this one: {key} {spelled(name)}.")
    around: Any = AROUND[match.kind]
    made: Trace = around(Gathering(making, reads), match.key)
    return made


def _candidates(making: Making, anything: Any, found: list[Match]) -> Trace:
    making.note(
        f"Nothing was traced: {len(found)} objects may be meant. Give what stands in `ask`, such as "
        f'trace(session, "{found[0].ask}").'
    )
    title = f"{len(found)} objects may be meant by {anything!r}"
    report = making.report(title, {CANDIDATES: match_frame(found)})
    return Trace(report.title, report.tables, report.notes, report.about)
