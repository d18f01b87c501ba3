"""A plan: what is sent, what is shown of it, and its confirmation."""

import html
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import pandas as pd

from ledgerkit.connection import Connection
from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.operations import check_family
from ledgerkit.parallel import Progress, gather
from ledgerkit.plans import journal as journals
from ledgerkit.plans import sums
from ledgerkit.plans.desks import Desk
from ledgerkit.plans.journal import Journal, JournalDamaged, JournalInUse, Standing
from ledgerkit.plans.rows import PlannedRow, difference, flag_duplicates
from ledgerkit.plans.sending import REFUSALS, Sending, is_left
from ledgerkit.plans.sheets import Columns, Source, read
from ledgerkit.showing import page, visible, visible_frame

PAYMENT_COLUMNS: Final = Columns(
    required=("account", "recipient", "amount"),
    optional=("speed", "max_fees", "note_title", "note_content", "tag", "memo"),
    ids=frozenset({"account", "tag"}),
    aliases={"note": "note_title"},
)
ACCOUNT_COLUMNS: Final = Columns(
    required=("name", "currency", "account_type", "policy_name"),
    optional=("index", "parent_id", "contract_address"),
    ids=frozenset({"index", "parent_id"}),
)
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
# What makes two rows the same.
SAME_PAYMENT: Final = ("account_id", "recipient", "amount", "contract_address", "token_mint")


Result = TypeVar("Result")


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
        """Return what became of each row: it is ``planned``, ``in doubt``, ``sent`` or ``refused``."""
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
            return "Nothing is left to be sent; plan.results() has what became of it."
        return f'To send {self._left()} requests: plan.run(), and type "{self.phrase}". Journal: {self._path}'

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
            return self._ends(self.results())
        return [*self._sums(), *self._ends(self.table())]

    def _sums(self) -> list[tuple[str, pd.DataFrame]]:
        left = len(self._planned())
        said = "" if self._journal is None else f"Left to pay, {left} of {len(self._rows)} rows:"
        return [(said, _without_zeros(self.totals())), ("", _without_zeros(self.balances()))]

    def _ends(self, frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
        """Return a frame of all rows, of which a long one is cut to its two ends."""
        count = len(self._rows)
        if count <= 2 * ENDS:
            return [("", _full_columns(frame))]
        warned = sum(bool(row.warnings) for row in self._rows[ENDS:-ENDS])
        return [
            (f"The first {ENDS} of {count} rows:", _full_columns(frame[:ENDS])),
            (
                f"{count - 2 * ENDS} rows are between, {warned} of them with warnings; plan.table() has all. Last:",
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


def payments(
    connection: Connection,
    desk: Desk,
    source: Source | None,
    *,
    journal: str | PathLike[str] | None = None,
    allow_duplicates: bool = False,
) -> Plan:
    """Return a plan of payments; see ``session.transactions.plan``."""
    plan = _plan(connection, desk, "payments", source, PAYMENT_COLUMNS, journal)
    if plan._journal is None:
        rule = None if allow_duplicates else "Where two are meant, say allow_duplicates=True"
        flag_duplicates(plan._rows, SAME_PAYMENT, rule)
    if desk.lookups is not None:
        sums.show_amounts(desk.lookups, plan._rows)
        sums.flag_uncovered(desk.lookups, plan._planned())
    return plan


def accounts(
    connection: Connection, desk: Desk, source: Source | None, *, journal: str | PathLike[str] | None = None
) -> Plan:
    """Return a plan of accounts to be created; see ``session.accounts.plan``."""
    plan = _plan(connection, desk, "accounts", source, ACCOUNT_COLUMNS, journal)
    if plan._journal is None:
        flag_duplicates(plan._rows, ("name",), "No two accounts have one name")
    return plan


def _plan(
    connection: Connection,
    desk: Desk,
    kind: str,
    source: Source | None,
    columns: Columns,
    journal: str | PathLike[str] | None,
) -> Plan:
    check_family("POST /requests", connection.family, "POST /requests")
    if source is None:
        if journal is None:
            raise InvalidRequest(
                "give the rows, as a DataFrame or the path of a CSV file, or the `journal` of a plan that was begun.",
                field="journal",
            )
        return _begun(connection, desk, kind, None, Path(journal).absolute())
    given = read(source, columns)
    asked = journals.digest([_texts(row) for row in given])
    identity = _identity(connection, desk, kind, asked)
    if journal is None:
        # By what is asked for, and beside the file: the same planned again finds its journal, and is not sent twice,
        # nor by a colleague, whom the journal refuses as another user.
        folder = Path() if isinstance(source, pd.DataFrame) else Path(source).parent
        named = {name: identity[name] for name in ("source", "workspace", "base_url")}
        journal = folder / f"{kind}-{journals.digest(named)[:12]}.jsonl"
    path = Path(journal).absolute()
    if not path.parent.is_dir():
        raise InvalidRequest(f"`journal` = {str(path)!r} can't be made: there is no such folder.", field="journal")
    if path.exists():
        return _begun(connection, desk, kind, asked, path, given)
    rows = _at_once(connection, desk, [partial(_made, desk, row) for row in given])
    return Plan(connection, desk, identity, rows, path, None, _faults(desk))


def _begun(
    connection: Connection,
    desk: Desk,
    kind: str,
    asked: str | None,
    path: Path,
    given: list[dict[str, Any]] | None = None,
) -> Plan:
    """Return the plan that a journal holds, which must be that of what is asked for, where that is given.

    Its rows were checked before it was made. Since then accounts, whitelists and the file may have changed, so that
    those that are still planned are checked again.
    """
    opened = journals.read(path)
    identity = _identity(connection, desk, kind, opened.header["source"] if asked is None else asked)
    journals.refuse_other(opened.header, identity, path)
    rows = _from_journal(desk, opened)
    if given is not None:
        _hold_against(desk, opened, rows, given)
    planned = [row for row, standing in zip(rows, opened.rows, strict=True) if standing.state == "planned"]
    marks = frozenset(row.mark for row in rows if row.mark is not None)
    _at_once(connection, desk, [partial(_check_again, desk, row, marks) for row in planned])
    left = any(is_left(standing, desk) for standing in opened.rows)
    return Plan(connection, desk, identity, rows, path, opened, _faults(desk) if left else [])


def _faults(desk: Desk) -> list[str]:
    return desk.ready() if desk.ready is not None else []


def _identity(connection: Connection, desk: Desk, kind: str, source: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "source": source,
        "workspace": connection.origin["workspace"],
        "base_url": connection.origin["base_url"],
        "user": connection.operator.claimed() if connection.operator else None,
        "approve": desk.approve is not None,
    }


def _texts(row: Mapping[str, Any]) -> dict[str, str]:
    """Return a row in a way that is the same for the same values, whether an id was text or int."""
    return {name: format(value, "f") if isinstance(value, Decimal) else str(value) for name, value in row.items()}


def _at_once(connection: Connection, desk: Desk, calls: list[Callable[[], Result]]) -> list[Result]:
    """Make calls that only read, several for each row. Nothing is sent from several threads."""
    progress = Progress("check")
    try:
        cancellable = [lambda _, call=call: call() for call in calls]
        return gather(cancellable, workers=connection.transport.concurrency, progress=progress)
    except BaseException:  # an interrupt too: the drafts that are half made ask for nothing more
        if desk.lookups is not None:
            desk.lookups.stop()
        raise
    finally:
        progress.close()


def _made(desk: Desk, given: dict[str, Any]) -> PlannedRow:
    try:
        draft = desk.make(**given)
    except REFUSALS as error:
        return PlannedRow(given, problems=[error.message])
    return PlannedRow(given, draft, draft.payload.to_json(), draft.mark, draft.problems, draft.warnings)


def _from_journal(desk: Desk, journal: Journal) -> list[PlannedRow]:
    """Return the rows that were checked before their journal was made."""
    rows = []
    for number, written in enumerate(journal.header["rows"], 1):
        draft = desk.remake(written["body"], written["mark"])
        if draft.payload.to_json() != written["body"]:
            raise InvalidRequest(
                f"{journal.path} was written by another version of the kit, which would send other bodies. Nothing "
                "was sent. Go on with that version.",
                field="journal",
            )
        if written["mark"] is not None and written["mark"] not in str(written["body"].get("note")):
            raise JournalDamaged(
                f"row {number} of {journal.path} does not carry its mark {shorten(written['mark'])}: where its "
                "answer is lost, it would not be found, and sent again. Nothing was sent now.",
                row=number,
                field="note",
            )
        rows.append(PlannedRow({}, draft, written["body"], written["mark"]))
    return rows


def _hold_against(desk: Desk, journal: Journal, rows: list[PlannedRow], given: list[dict[str, Any]]) -> None:
    """Raise where a journal would pay anything else than what is asked for: its lines can all be made anew."""
    if len(rows) != len(given):
        raise JournalDamaged(
            f"{journal.path} has {len(rows)} rows, and {len(given)} are asked for. Nothing was sent now.",
        )
    for number, (row, asked, standing) in enumerate(zip(rows, given, journal.rows, strict=True), 1):
        row.given = asked
        if desk.expected is None or row.draft is None:
            continue
        try:
            differs = difference(row.draft.payload, desk.expected(asked))
        except REFUSALS as error:
            text = f"what the journal has of it can't be held against what is asked for: {error.message}"
            (row.problems if standing.state == "planned" else row.warnings).append(text)
            continue
        if differs is not None:
            field, found, meant = differs
            raise JournalDamaged(
                f"row {number} of {journal.path} is not what is asked for: its `{field}` is {shorten(found)}, and "
                f"should be {shorten(meant)}. Nothing was sent now. Who changed it? Restore the file, or look for "
                "each row's mark in the notes of transactions before any of it is sent again.",
                row=number,
                field=field,
            )


def _check_again(desk: Desk, row: PlannedRow, marks: frozenset[str]) -> None:
    if desk.check is None or row.draft is None:
        return
    try:
        checks = desk.check(row.draft.payload, marks)
    except REFUSALS as error:
        row.problems.append(error.message)
        return
    row.problems += [f"{check.name}: {visible(check.text)}" for check in checks if check.verdict == "problem"]
    row.warnings += [f"{check.name}: {visible(check.text)}" for check in checks if check.verdict == "warning"]


def _full_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame without the columns that have nothing in any row."""
    full = [name for name in frame.columns if not all(_is_empty(value) for value in frame[name])]
    return frame[full]


def _is_empty(value: Any) -> bool:
    return len(value) == 0 if isinstance(value, list | str) else bool(pd.isna(value))


def _without_zeros(frame: pd.DataFrame) -> pd.DataFrame:
    """Return sums without the counts of what is not known, where all is known."""
    counts = ("not_known", "fees_not_known")
    return frame.drop(columns=[name for name in frame.columns if name in counts and not frame[name].any()])
