"""Making a plan: from rows that are checked for the first time, or from the journal of one that was begun."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, Final, TypeVar

import pandas as pd

from ledgerkit.connection import Connection
from ledgerkit.errors import InvalidRequest
from ledgerkit.operations import check_family
from ledgerkit.parallel import Progress, ask_all
from ledgerkit.plans import journal as journals
from ledgerkit.plans import resuming, sums
from ledgerkit.plans.desks import Desk
from ledgerkit.plans.plan import Plan
from ledgerkit.plans.rows import PlannedRow, flag_duplicates
from ledgerkit.plans.sending import REFUSALS, is_left
from ledgerkit.plans.sheets import Columns, Source, read

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
# What makes two rows the same.
SAME_PAYMENT: Final = ("account_id", "recipient", "amount", "contract_address", "token_mint")
Result = TypeVar("Result")


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
    those that are still planned, or may turn out to be, are checked again.
    """
    opened = journals.read(path)
    identity = _identity(connection, desk, kind, opened.header["source"] if asked is None else asked)
    if opened.header["version"] == journals.NAMES_KEY:
        identity["user"] = connection.operator.claimed() if connection.operator else None
    journals.refuse_other(opened.header, identity, path)
    rows = resuming.from_journal(desk, opened)
    if given is not None:
        resuming.hold_against(desk, opened, rows, given)
    open_rows = [
        (row, standing.state)
        for row, standing in zip(rows, opened.rows, strict=True)
        if standing.state in ("planned", "in doubt")
    ]
    marks = frozenset(row.mark for row in rows if row.mark is not None)
    _at_once(connection, desk, [partial(resuming.check_again, desk, row, state, marks) for row, state in open_rows])
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
        # Not by the key pair, which an administrator may replace while a plan is under way.
        "user": connection.operator.subject() or connection.operator.claimed() if connection.operator else None,
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
        return ask_all(connection.transport, cancellable, progress)
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
