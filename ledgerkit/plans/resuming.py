"""The rows of a plan that goes on: read from its journal, held against what is asked for, and checked again."""

from typing import Any

from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.plans.desks import Desk
from ledgerkit.plans.journal import Journal, JournalDamaged, State
from ledgerkit.plans.rows import PlannedRow, difference
from ledgerkit.plans.sending import REFUSALS
from ledgerkit.showing import visible


def from_journal(desk: Desk, journal: Journal) -> list[PlannedRow]:
    """Return the rows that were checked before their journal was made.

    Raises
    ------
    InvalidRequest
        A body can't be read, or would be sent as another one.
    JournalDamaged
        A row does not carry its mark.
    """
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


def hold_against(desk: Desk, journal: Journal, rows: list[PlannedRow], given: list[dict[str, Any]]) -> None:
    """Raise where a journal would pay anything else than what is asked for: its lines can all be made anew.

    Raises
    ------
    JournalDamaged
        The row and its field are named.
    """
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
            (row.problems if standing.state in ("planned", "in doubt") else row.warnings).append(text)
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


def check_again(desk: Desk, row: PlannedRow, state: State, marks: frozenset[str]) -> None:
    """Note on a row what is wrong with it now; ``marks`` are those of all rows of its plan."""
    if desk.check is None or row.draft is None:
        return
    try:
        checks = desk.check(row.draft.payload, marks)
    except REFUSALS as error:
        found, warnings = [error.message], []
    else:
        found = [f"{check.name}: {visible(check.text)}" for check in checks if check.verdict == "problem"]
        warnings = [f"{check.name}: {visible(check.text)}" for check in checks if check.verdict == "warning"]
    # A row in doubt may have been paid, and its balance be gone for that: a problem would keep it from being found.
    stops = row.problems if state == "planned" else row.warnings
    stops += found
    row.warnings += warnings
