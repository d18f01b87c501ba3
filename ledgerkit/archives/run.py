"""One run: what is new, what may still change, and what is counted other than it was; written part by part."""

import inspect
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from os import PathLike
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from ledgerkit import watching
from ledgerkit.archives import finality, parts, schema, windows
from ledgerkit.archives.merging import Merged, merged
from ledgerkit.archives.parts import Origin, Part
from ledgerkit.archives.source import Rows, Source
from ledgerkit.connection import Connection
from ledgerkit.errors import IncompleteResult, InvalidRequest, NoLongerListed, Unsupported, shorten, warn
from ledgerkit.filters import Time, instant
from ledgerkit.frames import FLAG, INTEGER, TEXT, TIME, Leaves, Table
from ledgerkit.operations import marked
from ledgerkit.parallel import Progress

# A part grows to about so many rows; memory is bounded by it.
SLICE_ROWS: Final = 20_000
MOST_NAMED: Final = 10
DONE: Final = Table(
    "archive",
    {
        "dataset": TEXT,
        "workspace": TEXT,
        "rows": INTEGER,
        "new": INTEGER,
        "changed": INTEGER,
        "no_longer_listed": INTEGER,
        "open": INTEGER,
        "parts": INTEGER,
        "since": TIME,
        "until": TIME,
        "complete": FLAG,
        "requests": INTEGER,
    },
)


def keep(
    section: Any,
    connection: Connection,
    folder: str | PathLike[str],
    *,
    created_after: Time | None = None,
    again: Time | None = None,
    name: str | None = None,
    slice_rows: int = SLICE_ROWS,
) -> pd.DataFrame:
    """Keep one list of a workspace; see :meth:`ledgerkit.resources.base.Section.archive`."""
    _check_section(section)
    source = Source(section, connection)
    if not source.dated and created_after is not None:
        raise InvalidRequest(
            f"`created_after` was not used: {section.name} can't be searched by date, and all of it is kept. Leave "
            "it out.",
            field="created_after",
        )
    after, beyond = (
        None if value is None else instant(what, value, connection.zone)
        for what, value in (("created_after", created_after), ("again", again))
    )
    workspace = _checked_name(connection.origin["workspace"] if name is None else name)
    kept = {one: connection.origin[one] for one in ("base_url", "environment")}
    origin = Origin(section.name, workspace, family=connection.family, **kept)
    directory = parts.directory_of(Path(folder), section.name, workspace)
    with parts.held(directory):
        parts.clear(directory)
        found = parts.parts_in(directory)
        parts.check_origin(directory, found, origin)
        run = Run(Path(folder), origin, source, found, slice_rows)
        run.go(after, beyond)
    return run.said()


class Run:
    """A run, while it holds the lock.

    Parameters
    ----------
    folder, origin
        Where the parts are, and where their rows come from.
    source
        What is asked.
    found
        The parts that are there.
    slice_rows
        How many rows a part grows to.
    """

    def __init__(self, folder: Path, origin: Origin, source: Source, found: list[Part], slice_rows: int) -> None:
        self._folder = folder
        self._origin = origin
        self._source = source
        self._most = slice_rows
        self._parts = {part.start: part for part in found}
        self._new = self._changed = self._written = 0
        self._gone: list[int | str] = []
        # Parts that this run has brought up to date.
        self._done: set[datetime | None] = set()
        self._again: datetime | None = None
        # Whether each window in which no row was found is known to have none.
        self._sure = True
        self._bar = Progress(f"archive {origin.dataset}")

    def go(self, after: datetime | None, again: datetime | None) -> None:
        """Bring the archive up to date."""
        self._again = again
        watch = None if watching.current() else _Relayed(self._bar)
        try:
            with ExitStack() as stack:
                if watch is not None:  # nobody watches: one bar, and each warning once, at the end
                    stack.enter_context(watching.watched(watch))
                    stack.enter_context(watching.heard())
                if self._source.dated:
                    self._dated(after)
                else:
                    self._undated()
        except BaseException as error:
            error.add_note(
                f"Archiving {self._origin.dataset} of {self._origin.workspace} stopped after {self._written} files "
                f"were written and {self._source.requests} calls made. What is in the archive is whole; archive "
                "again to go on."
            )
            raise
        finally:
            self._bar.close()
            for message in dict.fromkeys(watch.warnings if watch else ()):
                warn(message, IncompleteResult)
        if self._gone:
            named = ", ".join(map(str, self._gone[:MOST_NAMED]))
            more = f" and {len(self._gone) - MOST_NAMED} more" if len(self._gone) > MOST_NAMED else ""
            warn(
                f"{self._origin.dataset} of {self._origin.workspace}: {len(self._gone)} archived rows are no longer "
                f"listed by the service, or can't be seen with these credentials any more: {named}{more}. They are "
                "kept as they were read last; archived_at says when.",
                NoLongerListed,
            )

    def said(self) -> pd.DataFrame:
        """Return what was done."""
        all_parts = list(self._parts.values())
        starts = [part.start for part in all_parts if part.start]
        ends = [part.until for part in all_parts if part.until]
        done = {
            "dataset": self._origin.dataset,
            "workspace": self._origin.workspace,
            "rows": sum(part.rows for part in all_parts),
            "new": self._new,
            "changed": self._changed,
            "no_longer_listed": sum(len(part.gone) for part in all_parts),
            "open": sum(part.open for part in all_parts),
            "parts": len(all_parts),
            "since": min(starts).isoformat() if starts else None,
            "until": max(ends).isoformat() if ends else None,
            "complete": self._sure and all(part.complete for part in all_parts),
            "requests": self._source.requests,
        }
        return DONE.frame(Leaves(1, {name: [value] for name, value in done.items()}))

    # Lists with dates

    def _dated(self, after: datetime | None) -> None:
        source = self._source
        starts = sorted(start for start in self._parts if start)
        first = starts[0] if starts else None
        newest = self._parts[starts[-1]] if starts else None
        low = newest.until if newest else after
        some_are_newer = source.count(low, None) > 0
        if not starts and not some_are_newer:
            return
        end = source.end()  # by now the server has told its time
        since = min(after, first) if after and first else after
        if not finality.ends(self._origin.dataset) and source.count(since, end) <= self._most:
            source.hold(since, end)
        if some_are_newer and (low is None or low < end):
            self._fill(low, end, newest)
        if first is not None:
            self._look_after(starts, after if after is None or after < first else first)
        if self._sure:
            self._seal(after)

    def _look_after(self, starts: list[datetime], after: datetime | None) -> None:
        """Count all parts and gaps that were there before, and read again what is not as it was."""
        there = [self._parts[start] for start in starts]
        looked_at: list[tuple[datetime | None, datetime | None, Part | None]] = []
        low = after
        for part in there:
            if low != part.start:
                looked_at.append((low, part.start, None))
            low = part.until
            if part.start not in self._done:
                looked_at.append((part.start, part.until, part))
        looked_at.reverse()
        counted = self._source.counts([(low, high) for low, high, _ in looked_at], self._bar)
        ends = {part.until: part for part in there}
        for (low, high, known), rows in zip(looked_at, counted, strict=True):
            if known is None:
                before = ends.get(low) if low else None
                if high is not None and (rows or before):
                    self._fill(low, high, before, counted=rows)
            elif known.start not in self._done:
                self._refresh(self._now(known), rows)

    def _fill(self, low: datetime | None, high: datetime, before: Part | None, counted: int | None = None) -> None:
        """Read a gap, month by month, newest first.

        Parameters
        ----------
        before
            The part that ends where the gap begins.
        counted
            What was counted in all of it, where it was.
        """
        while low is None or low < high:
            start = windows.month_before(high)
            start = start if low is None else max(start, low)
            rows = counted if counted == 0 else self._source.count(start, high)
            beside = before is not None and before.until == start and windows.month_of(start) != start
            if before is not None and beside and rows == 0:
                self._extend(before, high)
                found = 0
            elif before is not None and beside and self._now(before).rows + rows <= self._most:
                self._grow(before, high)
                found = 1
            else:
                found = sum(
                    self._take(since, until, part_rows)
                    for since, until, part_rows in windows.slices(start, high, rows, self._most, self._source.count)
                    if part_rows
                )
            if start == low or counted == 0:
                return
            high = start
            if not found:
                # Months without rows are stepped over at once, and the walk ends where nothing is older.
                created = self._source.newest(low, start)
                if created is None:
                    return
                high = min(start, windows.month_after(created))

    def _take(self, start: datetime, until: datetime, counted: int) -> int:
        """Read a window that no part covers yet, and say how many rows it had."""
        rows = self._source.rows(start, until)
        if len(rows.arrow):
            self._write(start, until, counted, rows.complete, merged(None, rows.arrow), rows.further, gone=[])
        elif not rows.complete:
            self._sure = False
        return len(rows.arrow)

    def _grow(self, part: Part, until: datetime) -> None:
        """Add to a part what was created since it ended."""
        assert part.start is not None  # noqa: S101 - of a list with dates
        assert part.until is not None  # noqa: S101
        # First the count of what will be, then that of what was: a row that arrives late between the two is missing
        # from the first, and found by the next run.
        counted = self._source.count(part.start, until)
        if self._is_stale(part, self._source.count(part.start, part.until)):
            self._read_again(part, until, counted)
            return
        rows = self._source.rows(part.until, until)
        fresh = rows.arrow
        old = self._rows_of(part)
        gone = list(part.gone)
        if part.open:
            refreshed = self._by_id(part, old)
            if refreshed is None:
                self._read_again(part, until, counted)
                return
            fresh, gone = pa.concat_tables([fresh, refreshed[0].arrow]), refreshed[1]
        further = list(dict.fromkeys([*part.further, *rows.further]))
        self._write(part.start, until, counted, rows.complete, merged(old, fresh), further, gone=gone, was=part)

    def _refresh(self, part: Part, counted: int) -> None:
        """Bring a part up to date that does not grow."""
        if self._is_stale(part, counted):
            self._read_again(part, part.until, counted)
        elif part.open:
            old = self._rows_of(part)
            refreshed = self._by_id(part, old)
            if refreshed is None:
                self._read_again(part, part.until, counted)
                return
            rows, gone = refreshed
            result = merged(old, rows.arrow)
            self._write(part.start, part.until, counted, True, result, part.further, gone=gone, was=part)

    def _is_stale(self, part: Part, counted: int) -> bool:
        """Say whether all of a part has to be read again."""
        return (
            counted != part.counted
            or not part.complete
            or not finality.ends(self._origin.dataset)
            or (self._again is not None and part.until is not None and part.until > self._again)
        )

    def _read_again(self, part: Part, until: datetime | None, counted: int) -> None:
        rows = self._source.rows(part.start, until)
        result = merged(self._rows_of(part), rows.arrow)
        further = list(dict.fromkeys([*rows.further, *part.further]))
        self._write(part.start, until, counted, rows.complete, result, further, gone=result.left, was=part)

    def _by_id(self, part: Part, old: pa.Table) -> tuple[Rows, list[int | str]] | None:
        """Return the rows of a part that may still change as they are now, and the ids of all that are gone.

        None where it takes fewer calls to read the whole part, or a row has to be placed anew.
        """
        names = [name for name in finality.COLUMNS if name in old.column_names]
        frame: pd.DataFrame = schema.to_frame(old, self._source.table)[names]
        ids = frame.loc[finality.open_rows(self._origin.dataset, frame), "id"].tolist()
        if not self._source.by_id or len(ids) >= self._source.pages(part.rows):
            return None
        found = self._source.one_by_one(ids, part.further, self._bar)
        if found is None:
            return None
        rows, gone = found
        created = rows.arrow["created_on"].to_pylist()
        if any(one is None or one < part.start or one >= part.until for one in created):
            return None
        back = set(rows.arrow["id"].to_pylist())
        return rows, [one for one in dict.fromkeys([*part.gone, *gone]) if one not in back]

    def _extend(self, part: Part, until: datetime) -> None:
        """Let a part cover what follows and has no rows: later runs need not count it."""
        self._rewrite(replace(self._now(part), until=until))

    def _seal(self, after: datetime | None) -> None:
        """Write down that nothing is missing before and between the parts: without this, whoever reads is warned."""
        until: datetime | None = None
        for start in sorted(start for start in self._parts if start):
            part = self._parts[start]
            low = until or (min(after, start) if after else parts.EVERYTHING)
            if (until is None or low < start) and (part.reaches is None or part.reaches > low):
                self._rewrite(replace(part, reaches=low))
            until = part.until

    def _rewrite(self, part: Part) -> None:
        """Write the same rows with another word about them."""
        parts.write(self._folder, part, self._rows_of(part))
        self._parts[part.start] = part
        self._written += 1

    # Lists without dates

    def _undated(self) -> None:
        was = self._parts.get(None)
        rows = self._source.rows(None, None)
        result = merged(self._rows_of(was) if was else None, rows.arrow)
        if was or len(result.rows):
            further = list(dict.fromkeys([*rows.further, *(was.further if was else ())]))
            self._write(None, None, len(rows.arrow), rows.complete, result, further, gone=result.left, was=was)

    # Files

    def _now(self, part: Part) -> Part:
        return self._parts[part.start]

    def _rows_of(self, part: Part) -> pa.Table:
        return schema.conformed(parts.read_rows(part.path(self._folder)), self._source.table)

    def _write(
        self,
        start: datetime | None,
        until: datetime | None,
        counted: int,
        complete: bool,
        result: Merged,
        further: list[str],
        *,
        gone: list[int | str],
        was: Part | None = None,
    ) -> None:
        frame = schema.to_frame(result.rows, self._source.table)
        part = Part(
            self._origin,
            start,
            until,
            rows=len(result.rows),
            open=int(finality.open_rows(self._origin.dataset, frame).sum()),
            counted=counted,
            complete=complete,
            read_at=self._source.now(),
            unfit=schema.unfit(result.rows, self._source.table),
            further=further,
            gone=gone,
            kit=_kit(),
            reaches=was.reaches if was else None,
        )
        parts.write(self._folder, part, result.rows)
        known = set(was.gone) if was else set()
        self._gone += [one for one in gone if one not in known]
        self._new += result.new
        self._changed += result.changed
        self._written += 1
        self._parts[start] = part
        self._done.add(start)


class _Relayed(watching.Watch):
    """Shows all searches of a run as one bar."""

    def __init__(self, bar: Progress) -> None:
        super().__init__()
        self._bar = bar

    def expect(self, calls: int) -> None:
        super().expect(calls)
        self._bar.expect(calls)

    def advance(self) -> None:
        super().advance()
        self._bar.advance()


def _check_section(section: Any) -> None:
    search = getattr(type(section), "search", None)
    why = ""
    if search is None or not hasattr(search, "operations"):
        why = "has no search"
    elif any(
        one.default is one.empty for name, one in inspect.signature(search).parameters.items() if name != "self"
    ):
        why = "can be searched for one account at a time only"
    elif "id" not in marked(search).table.kinds:
        why = "lists rows without ids, which can't be told apart"
    if why:
        raise Unsupported(f"session.{section.name} {why}, and can't be archived. Nothing was asked.")


def _checked_name(name: Any) -> str:
    if name == "":
        raise InvalidRequest(
            "these credentials name no workspace: give name=, what it is to be called in the archive.", field="name"
        )
    if not isinstance(name, str) or not name.strip() or len(name.encode()) > 60 or not name.isprintable():
        raise InvalidRequest(
            f"`name` = {shorten(name)} can't be used: it is a short text that can be printed, such as 'treasury'.",
            field="name",
        )
    return name


def _kit() -> str:
    try:
        return version("ledgerkit-enterprise")
    except PackageNotFoundError:
        return ""
