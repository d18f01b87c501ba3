"""A plan on its way: each row is written down, sent, and its outcome written down, before the next one is touched."""

import threading
from typing import Any, Final

from ledgerkit.connection import Connection
from ledgerkit.errors import (
    NOT_CARRIED_OUT,
    InvalidRequest,
    LedgerError,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Unsupported,
)
from ledgerkit.outcomes import Outcome
from ledgerkit.parallel import Progress
from ledgerkit.plans import journal as journals
from ledgerkit.plans.desks import Desk
from ledgerkit.plans.journal import Journal, Standing
from ledgerkit.plans.rows import PlannedRow

# The service's own limits: waiting requests of a workspace, and creations of accounts an hour with their approvals.
MOST_PENDING: Final = 100
WAITING: Final = ("PENDING_APPROVAL", "PENDING_FIRST_APPROVAL")
MOST_ACCOUNT_STEPS: Final = 200
HOUR: Final = 3600.0
# When a row was sent whose line was lost: before all that the service has, with room for margins after the epoch.
LONG_AGO: Final = 86_400.0
# What the row itself is refused for; after the others of NOT_CARRIED_OUT, it is sent when the plan goes on.
REFUSALS: Final = (InvalidRequest, NotFound, Unsupported)


def is_left(standing: Standing, desk: Desk) -> bool:
    """Say whether something is left to be done about a row."""
    unapproved = desk.approve is not None and standing.state == "sent" and standing.approval != "approved"
    return standing.state in ("planned", "in doubt") or unapproved


class Sending:
    """Sends the rows of a plan, while its journal is held.

    Parameters
    ----------
    skip
        Whether rows that the service refuses are skipped; otherwise the first one stops the plan.
    resumed
        Whether the journal was there before: it may have lost its end, and with it rows that were sent.
    """

    def __init__(
        self, connection: Connection, desk: Desk, journal: Journal, *, skip: bool, resumed: bool = False
    ) -> None:
        self._connection = connection
        self._desk = desk
        self._journal = journal
        self._skip = skip
        self._resumed = resumed

    def run(self, rows: list[PlannedRow], progress: Progress) -> None:
        """Send what is left, one row after the other."""
        room, unapproved = 0, None
        for number, row in enumerate(rows, 1):
            left = is_left(self._standing(number), self._desk)
            if self._standing(number).state == "in doubt":
                self._look(number, row, "its outcome is not known")
            elif self._standing(number).state == "planned" and self._resumed:
                self._look_back(number, row)
            while self._standing(number).state == "planned":
                if unapproved is not None:
                    self._check_approved(unapproved)
                    unapproved = None
                if room <= 0:
                    room = self._room(number)
                self._pace()
                self._send(number, row)
                room -= 1
            if left:
                self._approve(number, row)
                progress.advance()
            if self._standing(number).request_id is not None:
                unapproved = number

    def _send(self, number: int, row: PlannedRow) -> None:
        draft = self._desk.remake(row.body, row.mark)  # a draft is sent once, and this row may have been tried before
        self._note("sending", number, mark=row.mark, body=journals.digest(row.body))
        try:
            request_id = int(draft.submit()["id"].iloc[0])
        except OutcomeUnknown:
            self._look(number, row, "the answer was lost", send_after=False)
        except RateLimited as error:
            self._note("not sent", number, error=str(error))
            self._wait_for(error)
        except REFUSALS as error:
            self._note("refused", number, error=str(error))  # before any other call, which may fail or be killed
            if self._seems_full():
                self._note("not sent", number, error=str(error))
                raise self._full(number) from error
            if not self._skip:
                raise self._stopped(error, number, "was refused, and is not sent again") from error
        except NOT_CARRIED_OUT as error:
            self._note("not sent", number, error=str(error))
            raise self._stopped(error, number, "was not sent") from error
        else:
            self._note("sent", number, request_id=request_id, how="answered")

    def _look_back(self, number: int, row: PlannedRow) -> None:
        """Look for the mark of a row that the journal does not have as sent."""
        if row.mark is None or self._desk.seen is None:
            return
        try:
            seen = self._desk.seen(row.mark)
        except LedgerError as error:
            raise self._stopped(error, number, "was not sent, since whether it was before can't be seen") from error
        if not seen:
            return
        self._journal.write("sending", number, LONG_AGO, mark=row.mark, body=journals.digest(row.body), how="found")
        self._look(number, row, "its mark is there already", send_after=False)

    def _look(self, number: int, row: PlannedRow, why: str, *, send_after: bool = True) -> None:
        """Find out about a row whose outcome is not known; right after its send, only "found" settles it.

        A service that stalled may still carry it out: only a later run takes "not found" for "not carried out".
        """
        sent_at = self._standing(number).sending_at or 0.0
        failure: LedgerError | None = None
        print(f"row {number}: {why}, looking for it")  # it takes a while, in which nothing else is seen
        try:
            outcome = self._desk.find(row.body, row.mark, sent_at)
        except LedgerError as error:
            failure, outcome = error, Outcome("can't tell", f"looking for it failed: {error}")
        if outcome.state == "found" and outcome.request_id is not None:
            self._note("sent", number, request_id=outcome.request_id, how="found")
        elif outcome.state == "not found" and send_after:
            self._note("not sent", number, error=outcome.text)
        else:
            unknown = OutcomeUnknown(
                f"whether row {number} was carried out is not known ({outcome.state}: {outcome.text.rstrip('.')}). "
                f"{self._progress()} Run the plan again: it looks again, and goes on. Where that does not help, and "
                f"a person has found out, say so with plan.decide({number}, request_id=...), None where it made no "
                "request.",
                row=number,
                mark=row.mark,
            )
            unknown.finder = lambda: self._desk.find(row.body, row.mark, sent_at)
            raise unknown from failure

    def _approve(self, number: int, row: PlannedRow) -> None:
        standing, waits = self._standing(number), self._desk.waits
        if self._desk.approve is None or standing.request_id is None:
            return
        while standing.approval != "approved":
            if standing.approval is not None and waits is not None and not waits(standing.request_id):
                ended = None if self._desk.refused is None else self._desk.refused(standing.request_id)
                if ended is not None:
                    self._note("not approved", number, error=f"request {standing.request_id} is {ended}")
                else:
                    self._note("approved", number, how="found")  # the answer to an earlier approval was lost
                return
            self._pace()
            self._note("approving", number)
            try:
                self._desk.approve(standing.request_id, row.body)
            except RateLimited as error:
                self._note("not approved", number, error=str(error))
                self._wait_for(error)
            except LedgerError as error:
                self._note("not approved", number, error=str(error))
                raise self._stopped(error, number, "was sent, but not approved") from error
            else:
                self._note("approved", number)

    def _check_approved(self, number: int) -> None:
        """Stop where the service wants a row approved before the next is sent, and nobody has approved it."""
        request_id, waits = self._standing(number).request_id, self._desk.waits
        if self._desk.approve is not None or waits is None or request_id is None or not waits(request_id):
            return
        raise InvalidRequest(
            f"request {request_id} of row {number} waits for your approval, and the service wants it before the next "
            f"is made. {self._progress()} Approve it: session.requests.approve({request_id}, "
            f"intent=plan.payload({number})); then run the plan again. accounts.plan(..., approve=True) does both.",
            field="plan",
            row=number,
        )

    # The service's limits

    def _pending(self) -> int:
        """Return how many requests of the workspace wait for approvals, as far as the caller may see them."""
        params = {"status": WAITING, "page": "1", "page_size": "1"}
        body = self._connection.ask("GET /requests", "/requests", params=params).body
        count = body.get("page_info", {}).get("count") if isinstance(body, dict) else None
        return count if isinstance(count, int) else 0

    def _seems_full(self) -> bool:
        """Say whether a row may have been refused for want of room; where that can't be asked, it stays refused."""
        try:
            return self._pending() >= MOST_PENDING
        except LedgerError:
            return False

    def _room(self, number: int) -> int:
        room = MOST_PENDING - self._pending()
        if room <= 0:
            raise self._full(number)
        return room

    def _full(self, number: int) -> InvalidRequest:
        return InvalidRequest(
            f"the workspace has {MOST_PENDING} requests that wait for approvals, as many as the service takes: row "
            f"{number} was not sent. {self._progress()} Run the plan again once some are approved or rejected.",
            field="plan",
            row=number,
        )

    def _pace(self) -> None:
        """Wait where the hour has had its creations and approvals of accounts."""
        if self._journal.header["kind"] != "accounts":
            return
        now = self._now()
        steps = self._journal.moments("sending", "approving", since=now - HOUR)
        if len(steps) >= MOST_ACCOUNT_STEPS:
            self._wait(steps[MOST_ACCOUNT_STEPS - 1] + HOUR - now)

    def _wait_for(self, limit: RateLimited) -> None:
        self._wait(float(limit.details.get("retry_after") or 1.0))

    def _wait(self, seconds: float) -> None:
        self._connection.transport.clock.wait(threading.Event(), seconds)

    # What it says

    def _note(self, entry: str, number: int, **details: Any) -> None:
        self._journal.write(entry, number, self._now(), **details)

    def _now(self) -> float:
        return self._connection.transport.server_time()

    def _standing(self, number: int) -> Standing:
        return self._journal.rows[number - 1]

    def _stopped(self, error: LedgerError, number: int, what: str) -> LedgerError:
        said = error.message.rstrip(".")
        message = f"row {number} {what}: {said}. {self._progress()} Running the plan again goes on from there."
        details = {**error.details, "row": number}
        return type(error)(message, call=error.call, status=error.status, **details)

    def _progress(self) -> str:
        rows = self._journal.rows
        done = sum(not is_left(row, self._desk) for row in rows)
        return f"{done} of {len(rows)} rows are done, as {self._journal.path} says."
