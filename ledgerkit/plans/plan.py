"""A plan: what is sent, what is shown of it, and its confirmation."""

import html
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import pandas as pd

from ledgerkit.connection import Connection
from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.parallel import Progress
from ledgerkit.plans import journal as journals
from ledgerkit.plans import sums
from ledgerkit.plans.desks import Desk
from ledgerkit.plans.journal import Journal, JournalInUse, Standing
from ledgerkit.plans.rows import PlannedRow
from ledgerkit.plans.sending import Sending, is_left
from ledgerkit.showing import page, visible, visible_frame

# What a plan shows of each row, where it has it.
SHOWN: Final = (
    "account_id",
    "account_name",
    "name",
    "account_type",
    "policy_name",
    "index",
    "parent_id",
    "recipient",
    "amount_display",
    "ticker",
    "amount",
    "max_fees_display",
    "fees_ticker",
    "max_fees",
    "currency",
    "contract_address",
    "tag",
    "memo",
)
# How many rows a plan shows at its beginning, at its end, and of those with problems: a person reads no more.
ENDS: Final = 20
# How many rows without problems are shown beside those that have some.
GOOD: Final = 10


class Plan:
    """Requests that were checked together, to be confirmed once; :meth:`run` sends them.

    ``session.transactions.plan(...)`` and ``session.accounts.plan(...)`` make one.
    """

    def __init__(
        self,
        connection: Connection,
        desk: Desk,
        identity: dict[str, Any],
        rows: list[PlannedRow],
        path: Path,
        journal: Journal | None,
        faults: list[str],
    ) -> None:
        self._connection = connection
        self._desk = desk
        self._identity = identity
        self._rows = rows
        self._path = path
        self._journal = journal
        self._faults = faults
        self._running = threading.Lock()

    # What it is

    @property
    def problems(self) -> list[str]:
        """What stops the plan, with the number of the row where it is one's; nothing is sent while there is one."""
        of_rows = [f"row {number}: {text}" for number, row in enumerate(self._rows, 1) for text in row.problems]
        return [*self._faults, *of_rows]

    @property
    def digest(self) -> str:
        """The SHA-256 of all that is sent, marks included."""
        return journals.digest([row.written for row in self._rows])

    @property
    def phrase(self) -> str:
        """What confirms the plan: how many requests are left to be sent, and the beginning of the digest."""
        if self._desk.approve is not None:  # no sample of what is signed is documented
            return f"send and approve {self._left()} {self.digest[:6]} assumed"
        return f"send {self._left()} {self.digest[:6]}"

    def payload(self, row: int) -> Any:
        """Return what a row sends, by its number; ``session.requests.approve`` takes it as the intent."""
        draft = self._rows[row - 1].draft if 1 <= row <= len(self._rows) else None
        if draft is None:
            raise InvalidRequest(f"row {shorten(row)} has nothing that could be sent.", field="row")
        return draft.payload

    @property
    def path(self) -> Path:
        """Where the journal is, or will be."""
        return self._path

    def table(self) -> pd.DataFrame:
        """Return one row per request, with all its problems and warnings; amounts in both units."""
        return self._table(range(1, len(self._rows) + 1))

    def totals(self) -> pd.DataFrame:
        """Return the sums of amounts and of fees that are left to pay, apart, per currency; exact in both units.

        Of the requests in ``not_known`` the fees can't be told: they are in no sum.
        """
        return pd.DataFrame() if self._desk.lookups is None else sums.totals(self._desk.lookups, self._planned())

    def balances(self) -> pd.DataFrame:
        """Return what the rows that are left to pay need of each account, in base units.

        Beside it stands what the account had available when the plan was made, and of how many requests the fees are
        not known, which comes on top.
        """
        return pd.DataFrame() if self._desk.lookups is None else sums.balances(self._desk.lookups, self._planned())

    def results(self) -> pd.DataFrame:
        """Return what became of each row: it is ``planned``, ``in doubt``, ``sent`` or ``refused``.

        Sent is not paid: a request waits for approvals, its creator's first. Where the plan did not give that,
        ``next`` has the call that does, compared with what the row sent; whether it was made since, the plan does not
        know.
        """
        rows = self._standings()
        frame = pd.DataFrame(
            {
                "row": range(1, len(rows) + 1),
                "state": [row.state for row in rows],
                "request_id": pd.array([row.request_id for row in rows], dtype="Int64"),
                "mark": pd.Series([row.mark for row in self._rows], dtype="str"),
                "error": pd.Series([row.error for row in rows], dtype="str"),
            }
        )
        frame["next"] = pd.Series([self._way_on(number, row) for number, row in enumerate(rows, 1)], dtype="str")
        if self._identity["approve"]:
            frame["approval"] = pd.Series([row.approval for row in rows], dtype="str")
        return frame

    # Sending it

    def run(self, confirm: str | None = None, *, on_refusal: Literal["stop", "skip"] = "stop") -> pd.DataFrame:
        """Send what is left to be sent, one request after the other.

        Parameters
        ----------
        confirm
            The phrase that confirms it, which :attr:`phrase` shows; None asks for it. Another one sends nothing.
        on_refusal
            Whether a row that the service refuses stops the plan, or is skipped. It is not sent again either way.

        Returns
        -------
        DataFrame
            :meth:`results`.

        Raises
        ------
        InvalidRequest
            A row has a problem, the phrase is wrong, the service refused a row, or it has as many waiting requests as
            it takes.
        OutcomeUnknown
            Whether a row was carried out can't be told; ``details["row"]`` names it. Running the plan again looks
            again; :meth:`decide` says what a person found.
        JournalInUse, JournalDamaged
            See :mod:`ledgerkit.plans.journal`.

        Notes
        -----
        After an error, an interrupt, or the end of the process, running the plan again goes on where it stopped: what
        was sent is not sent again.
        """
        if on_refusal not in ("stop", "skip"):
            raise InvalidRequest(f"`on_refusal` = {shorten(on_refusal)}: it is 'stop' or 'skip'.", field="on_refusal")
        journals.check_platform()
        self._connection.check_writes("POST /requests")
        if problems := self.problems:
            some = "; ".join(problem.rstrip(".") for problem in problems[:5])
            raise InvalidRequest(
                f"nothing was sent: {self._wrong()}. {some}. plan.problems has them all.", field="plan"
            )
        with self._alone(), ExitStack() as holding:
            if self._journal is not None:
                holding.enter_context(self._journal.held())
            if not self._left():
                return self.results()
            self._confirm(confirm)
            resumed = self._journal is not None
            if self._journal is None:
                self._journal = self._created()
                holding.enter_context(self._journal.held())
            progress = Progress("send")
            try:
                progress.expect(self._left())
                skip = on_refusal == "skip"
                sending = Sending(self._connection, self._desk, self._journal, skip=skip, resumed=resumed)
                sending.run(self._rows, progress)
            finally:
                progress.close()
            return self.results()

    def decide(self, row: int, *, request_id: int | None) -> None:
        """Say what became of a row that is in doubt, where the kit can't tell.

        Parameters
        ----------
        row
            Its number.
        request_id
            The request that it made; None where it surely made none, so that it is sent when the plan goes on.
        """
        with self._alone():
            if self._journal is None:
                raise InvalidRequest("nothing of this plan was sent: there is nothing to decide.", field="row")
            with self._journal.held():
                if not 1 <= row <= len(self._rows) or self._journal.rows[row - 1].state != "in doubt":
                    raise InvalidRequest(f"row {row} is not in doubt: there is nothing to decide.", field="row")
                taken = [number for number, one in enumerate(self._journal.rows, 1) if one.request_id == request_id]
                if request_id is not None and taken:
                    raise InvalidRequest(
                        f"`request_id` = {shorten(request_id)} is that of row {taken[0]}: row {row} made another, "
                        "or none.",
                        field="request_id",
                    )
                now, who = self._connection.transport.server_time(), "decided by a person"
                if request_id is None:
                    self._journal.write("not sent", row, now, error=who)
                else:
                    self._journal.write("sent", row, now, request_id=int(request_id), how=who)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other threads from this plan."""
        if not self._running.acquire(blocking=False):
            raise JournalInUse("another thread is running this plan. Nothing was sent from here.")
        try:
            yield
        finally:
            self._running.release()

    # Its journal

    def _standings(self) -> list[Standing]:
        return self._journal.rows if self._journal else [Standing() for _ in self._rows]

    def _left(self) -> int:
        return sum(is_left(standing, self._desk) for standing in self._standings())

    def _planned(self) -> list[PlannedRow]:
        """Return the rows that are still to be sent, as far as is known."""
        return [row for row, standing in self._paired() if standing.state == "planned"]

    def _paired(self) -> Iterator[tuple[PlannedRow, Standing]]:
        return zip(self._rows, self._standings(), strict=True)

    def _created(self) -> Journal:
        try:
            return journals.create(
                self._path,
                {**self._identity, "digest": self.digest, "rows": [row.written for row in self._rows]},
            )
        except FileExistsError:
            raise InvalidRequest(
                f"{self._path} was made since this plan was, by another kernel or process perhaps. Nothing was sent. "
                "Make the plan anew, to go on with it.",
                field="journal",
            ) from None

    def _confirm(self, confirm: str | None) -> None:
        if confirm is None:
            print(self)
            try:
                confirm = input(f'Type "{self.phrase}" to send {self._left()} requests: ')
            except (EOFError, RuntimeError) as error:  # a kernel that can't ask raises its own RuntimeError
                confirm = f"nothing ({type(error).__name__}: nobody can be asked here)"
        if confirm.strip() != self.phrase:
            raise InvalidRequest(
                f"{shorten(confirm)} does not confirm this plan, and nothing was sent: that is {self.phrase!r}.",
                field="confirm",
            )

    # How it looks

    def _title(self) -> str:
        done = "" if self._journal is None else f", {len(self._rows) - self._left()} of them done before"
        origin = self._connection.origin
        what = f"plan of {len(self._rows)} {self._identity['kind']}"
        return f"{origin['environment']} · {origin['workspace']} · {what}{done}"

    def _next(self) -> str:
        if self.problems:
            return f"Nothing is sent as it is: {self._wrong()}. plan.problems has them all."
        if not self._left():
            return f"Nothing is left to be sent; plan.results() has what became of it.{self._unapproved()}"
        return f'To send {self._left()} requests: plan.run(), and type "{self.phrase}". Journal: {self._path}'

    def _way_on(self, number: int, standing: Standing) -> str | None:
        """Return the call that approves what a row sent, where the plan did not."""
        if standing.state != "sent" or standing.approval == "approved":
            return None
        return f"session.requests.approve({standing.request_id}, plan.payload({number}))"

    def _unapproved(self) -> str:
        ways = [way for number, row in enumerate(self._standings(), 1) if (way := self._way_on(number, row))]
        if not ways:
            return ""
        return (
            f" Sent is not approved: each of {len(ways)} waits for you first, unless you approved it since. "
            f"{ways[0]} compares what is signed with its row; the others are in the column `next`."
        )

    def _wrong(self) -> str:
        count = sum(bool(row.problems) for row in self._rows)
        told = [f"{len(self._faults)} problems of the whole plan"] if self._faults else []
        return " and ".join([*told, *([f"{count} of {len(self._rows)} rows have problems"] if count else [])])

    def _problem_lines(self) -> list[str]:
        """Return one line for each row with problems, of which many are cut short."""
        wrong = [(number, row) for number, row in enumerate(self._rows, 1) if row.problems]
        lines = [f"row {number}: {'; '.join(row.problems)}" for number, row in wrong[:ENDS]]
        more = [f"{len(wrong) - ENDS} more rows have problems"] if len(wrong) > ENDS else []
        return [visible(line) for line in (*self._faults, *lines, *more)]

    def _table(self, numbers: Sequence[int]) -> pd.DataFrame:
        records, standings = [], self._standings()
        for number in numbers:
            row = self._rows[number - 1]
            found = {name: row.shown.get(name, row.value(name)) for name in SHOWN}
            records.append(
                {
                    "row": number,
                    **({} if self._journal is None else {"state": standings[number - 1].state}),
                    **{name: value for name, value in found.items() if value is not None},
                    "mark": row.mark,
                    "problems": row.problems,
                    "warnings": row.warnings,
                }
            )
        names = dict.fromkeys(name for record in records for name in record)
        columns = [name for name in ("row", "state", *SHOWN, "mark", "problems", "warnings") if name in names]
        # Inferred, a column of amounts with a gap would be floats.
        return pd.DataFrame(records, columns=columns, dtype=object)

    def _parts(self) -> list[tuple[str, pd.DataFrame]]:
        """Return what is shown of it: tables, each with what is said above it."""
        if self.problems:
            good = [number for number, row in enumerate(self._rows, 1) if not row.problems][:GOOD]
            said = f"{len(good)} of the rows without problems:" if good else ""
            return [(said, _full_columns(self._table(good))), *self._sums()]
        if self._journal is not None and not self._left():
            return self._ends(self.results(), "plan.results()")
        return [*self._sums(), *self._ends(self.table(), "plan.table()")]

    def _sums(self) -> list[tuple[str, pd.DataFrame]]:
        left = len(self._planned())
        said = "" if self._journal is None else f"Left to pay, {left} of {len(self._rows)} rows:"
        return [(said, _without_gaps(self.totals())), ("", _without_gaps(self.balances()))]

    def _ends(self, frame: pd.DataFrame, whole: str) -> list[tuple[str, pd.DataFrame]]:
        """Return a frame of all rows, of which a long one is cut to its two ends."""
        count = len(self._rows)
        if count <= 2 * ENDS:
            return [("", _full_columns(frame))]
        warned = sum(bool(row.warnings) for row in self._rows[ENDS:-ENDS])
        return [
            (f"The first {ENDS} of {count} rows:", _full_columns(frame[:ENDS])),
            (
                f"{count - 2 * ENDS} rows are between, {warned} of them with warnings; {whole} has all. Last:",
                _full_columns(frame[-ENDS:]),
            ),
        ]

    def __repr__(self) -> str:
        with pd.option_context("display.max_colwidth", None, "display.width", 240, "display.max_columns", None):
            parts = [
                f"{said}\n{visible_frame(frame).to_string(index=False, na_rep='')}".lstrip("\n")
                for said, frame in self._parts()
                if len(frame)
            ]
        wrong = "\n".join(self._problem_lines())
        return "\n\n".join([visible(self._title()), *([wrong] if wrong else []), *parts, visible(self._next())])

    def _repr_html_(self) -> str:
        with pd.option_context("display.max_colwidth", None):
            parts = [
                f"<div>{html.escape(said)}</div><div style='max-height:420px;overflow:auto;margin:8px 0;"
                f"font-variant-numeric:tabular-nums'>"
                f"{visible_frame(frame).to_html(index=False, border=0, na_rep='')}</div>"
                for said, frame in self._parts()
                if len(frame)
            ]
        following = f"<div>{html.escape(visible(self._next()))}</div>"
        environment = self._connection.origin["environment"]
        wrong = [f"<div>{html.escape(line)}</div>" for line in self._problem_lines()]
        return page("plan", *wrong, *parts, following, title=self._title(), environment=environment)


def _full_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame without the columns that have nothing in any row."""
    full = [name for name in frame.columns if not all(_is_empty(value) for value in frame[name])]
    return frame[full]


def _is_empty(value: Any) -> bool:
    return len(value) == 0 if isinstance(value, list | str) else bool(pd.isna(value))


def _without_gaps(frame: pd.DataFrame) -> pd.DataFrame:
    """Return sums without the counts of what is not known, where all is known, and without contracts of no token."""
    optional = ("contract", "not_known", "fees_not_known")
    return frame.drop(columns=[name for name in frame.columns if name in optional and not frame[name].any()])
