"""One run: what is new, what may still change, and what is counted other than it was; written part by part."""

from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from os import PathLike
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ledgerkit import watching
from ledgerkit.archives import finality, folders, parts, schema, windows
from ledgerkit.archives.lists import why_not
from ledgerkit.archives.merging import Merged, doubles, merged, within
from ledgerkit.archives.parts import Kept, Mark, Origin, Part
from ledgerkit.archives.source import Rows, Source, Window
from ledgerkit.connection import Connection
from ledgerkit.errors import ContractViolation, IncompleteResult, InvalidRequest, NoLongerListed, Unsupported, warn
from ledgerkit.filters import Time, instant
from ledgerkit.frames import FLAG, INTEGER, TEXT, TIME, Leaves, Table
from ledgerkit.limits import among_many
from ledgerkit.paging import PAGE_SIZE
from ledgerkit.parallel import Progress

# A part grows to about so many rows; memory is bounded by it.
SLICE_ROWS: Final = 20_000
MOST_NAMED: Final = 10
# By so much the clocks of machines behind one address may differ, and are waited for.
CLOCKS_APART: Final = timedelta(seconds=15)
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
    if why := why_not(type(section)):
        raise Unsupported(f"session.{section.name} {why}, and can't be archived. Nothing was asked.")
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
    identity = connection.origin["workspace"]
    workspace = folders.check_name(identity if name is None else name)
    where = folders.folder_of(folder)
    kept = {one: connection.origin[one] for one in ("base_url", "environment")}
    origin = Origin(section.name, workspace, family=connection.family, identity=identity, **kept)
    directory = parts.directory_of(where, section.name, workspace)
    parts.check_only_here(directory, origin)  # before a directory is made
    with folders.held(directory):
        folders.clear(directory)
        there = parts.kept_in(directory)
        parts.check_origin(directory, there, origin)
        run = Run(where, origin, source, there, slice_rows)
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
    kept
        What is there.
    slice_rows
        How many rows a part grows to.
    """

    def __init__(self, folder: Path, origin: Origin, source: Source, kept: Kept, slice_rows: int) -> None:
        self._folder = folder
        self._origin = origin
        self._source = source
        self._most = slice_rows
        self._mark = kept.mark
        self._parts = {part.start: part for part in kept.parts}
        self._changed = self._written = 0
        # The ids of the rows that were not in their part before.
        self._new: list[pa.Array] = []
        self._dated_anew = 0
        self._gone: list[int | str] = []
        # Parts that this run has brought up to date.
        self._done: set[datetime | None] = set()
        self._again: datetime | None = None
        # Whether each window in which no row was found is known to have none, and what is there is what is counted.
        self._sure = True
        self._goes_by_dates: bool | None = None
        # Before which moment everything was looked at, and from when on.
        self._until: datetime | None = None
        self._low: datetime | None = None
        # Whether nothing is there, nor was.
        self._nothing = False
        # When the run began to look, by the stopwatch.
        self._began = source.stopwatch()
        self._bar = Progress(f"archive {origin.dataset}")

    def go(self, after: datetime | None, again: datetime | None) -> None:
        """Bring the archive up to date."""
        self._again = again
        ended = False
        watch = None if watching.current() else Relayed(self._bar)
        try:
            with ExitStack() as stack:
                # All of it is one long read, its counts and first pages too: others need the rate limit.
                stack.callback(among_many.reset, among_many.set(True))
                if watch is not None:  # nobody watches: one bar, and each warning once, at the end
                    stack.enter_context(watching.watched(watch))
                    stack.enter_context(watching.heard())
                if self._source.dated:
                    self._dated(after)
                else:
                    self._undated()
            ended = True
        except BaseException as error:
            if isinstance(error, ContractViolation) and self._mark:  # such as a row that can't be placed
                parts.put_mark(self._folder, self._mark._replace(sure=False, doubted=None))
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
            # Also of a run that stopped: the next one finds them gone already, and says nothing.
            self._warn_of_gone(ended)

    def _warn_of_gone(self, ended: bool) -> None:
        if not self._gone:
            return
        named = ", ".join(map(str, self._gone[:MOST_NAMED]))
        more = f" and {len(self._gone) - MOST_NAMED} more" if len(self._gone) > MOST_NAMED else ""
        anew = "" if ended else " The run stopped before it could tell which of them were only dated anew."
        warn(
            f"{self._origin.dataset} of {self._origin.workspace}: {len(self._gone)} archived rows are no longer "
            f"listed by the service, or can't be seen with these credentials any more: {named}{more}. They are "
            f"kept as they were read last; archived_at says when.{anew}",
            NoLongerListed,
        )

    def said(self) -> pd.DataFrame:
        """Return what was done."""
        all_parts = list(self._parts.values())
        starts = [part.start for part in all_parts if part.start]
        done = {
            "dataset": self._origin.dataset,
            "workspace": self._origin.workspace,
            "rows": sum(part.rows for part in all_parts),
            "new": sum(map(len, self._new)) - self._dated_anew,
            "changed": self._changed,
            "no_longer_listed": sum(len(part.gone) for part in all_parts),
            "open": sum(part.open for part in all_parts),
            "parts": len(all_parts),
            "since": min(starts).isoformat() if starts else None,
            "until": self._until.isoformat() if self._until else None,
            "complete": self._sure and all(part.complete for part in all_parts),
            "requests": self._source.requests,
        }
        return DONE.frame(Leaves(1, {name: [value] for name, value in done.items()}))

    # Lists with dates

    def _dated(self, after: datetime | None) -> None:
        starts = sorted(start for start in self._parts if start)
        since = self._since(after, starts)
        end = self._look(since)
        if self._nothing and self._waited_until(end):
            end = self._look(since, end)
        if self._nothing:
            self._mark = self._seal(since, end)
            return
        said: str | None = ""
        try:
            said = self._disagreement(since, end)
            if self._waited_until(end):
                end = self._look(since, end)
                said = self._disagreement(since, end)
        finally:
            self._sure = self._sure and said is None
            self._mark = self._seal(since, end)
        if said:
            warn(said, IncompleteResult)

    def _look(self, since: datetime | None, end: datetime | None = None) -> datetime:
        """Count all that is there, read what is new or not as it was, and return before which moment this was.

        Parameters
        ----------
        end
            That moment, where all was looked at before: since then something may have come.
        """
        source = self._source
        source.let_go()
        self._began, self._sure = source.stopwatch(), True
        self._done.clear()
        starts = sorted(start for start in self._parts if start)
        newest = self._parts[starts[-1]] if starts else None
        low = newest.until if newest else since
        some_are_newer = source.count(low, None) != 0
        if end is None:
            end = source.end()  # by now the server has told its time
            # Its clock may be behind what it was.
            end = max([end, *(one.until for one in (newest, self._mark) if one and one.until)])
        self._low, self._until = since, end
        self._nothing = not starts and not some_are_newer
        if self._nothing:
            return end
        if not finality.ends(self._origin.dataset):
            rows = source.count(since, end)
            if rows is not None and rows <= self._most:
                source.hold(since, end)
        if some_are_newer and (low is None or low < end):
            self._fill(low, end, newest)
        if starts:
            self._look_after(starts, since)
        self._once()
        there = {number for part in self._parts.values() for number in part.gone}
        self._gone = [number for number in self._gone if number in there]
        return end

    def _waited_until(self, end: datetime) -> bool:
        """Wait until a moment is past by the clock that the service shows now, which is little behind; say if so.

        Machines that answer in turn behind one address show times that are seconds apart: what one of them dates
        before that moment may have come since it was looked at.
        """
        behind = end - self._source.now()
        if not timedelta(0) < behind <= CLOCKS_APART:
            return False
        self._source.wait(behind)
        return True

    def _since(self, after: datetime | None, starts: list[datetime]) -> datetime | None:
        """Return from when on all is looked at: a later bound than that of the archive leaves none of it out."""
        bounds = [after, *([self._mark.since] if self._mark else []), *starts[:1]]
        earliest = min((one for one in bounds if one is not None), default=None)
        return None if after is None or earliest == parts.EVERYTHING else earliest

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
                if high is not None and (rows != 0 or before):
                    self._fill(low, high, before, nothing=rows == 0)
            elif known.start not in self._done:
                part = self._now(known)
                self._bring_up(part, part.until, rows, before=rows)

    def _fill(self, low: datetime | None, high: datetime, before: Part | None, *, nothing: bool = False) -> None:
        """Read a gap, month by month, newest first.

        Parameters
        ----------
        before
            The part that ends where the gap begins.
        nothing
            Whether no rows were counted in all of it.
        """
        while (low or windows.BEGINNING) < high:
            start = max(windows.month_before(high), low or windows.BEGINNING)
            rows = 0 if nothing else self._source.count(start, high)
            beside = before is not None and before.until == start and windows.month_of(start) != start
            if before is not None and beside and rows == 0:
                self._extend(before, high)
                found = 0
            elif before is not None and beside and rows is not None and self._now(before).rows + rows <= self._most:
                self._grow(before, high)
                found = 1
            else:
                found = sum(
                    self._take(since, until, part_rows)
                    for since, until, part_rows in windows.slices(start, high, rows, self._most, self._source.count)
                    if part_rows != 0
                )
            if nothing:
                return
            high = start
            if not found and (low or windows.BEGINNING) < high:
                if rows != 0:
                    self._check_dates()
                # Months without rows are stepped over at once, and the walk ends where nothing is older.
                if self._source.count(low, high) == 0:
                    return
                high = windows.end_of_rows(low or windows.BEGINNING, high, self._source.count)

    def _check_dates(self) -> None:
        """Read all at once where the service counts the same whatever dates it is asked for: no walk would end."""
        if self._goes_by_dates is None and self._until:
            tomorrow = self._until + timedelta(days=1)  # nothing is there yet
            self._goes_by_dates = self._source.count(tomorrow, tomorrow) == 0
            if not self._goes_by_dates:
                self._source.hold(self._low, self._until)

    def _take(self, start: datetime, until: datetime, counted: int | None) -> int:
        """Read a window that no part covers yet, and say how many rows it had."""
        rows = self._source.rows(start, until)
        if len(rows.arrow):
            self._write(start, until, counted, rows.complete, merged(None, rows.arrow), rows.further, gone=[])
        elif not rows.complete:
            self._sure = False
        return len(rows.arrow)

    def _grow(self, part: Part, until: datetime) -> None:
        """Add to a part what was created since it ended."""
        # First the count of what will be, then that of what was: a row that arrives late between the two is missing
        # from the first, and found by the next run.
        counted = self._source.count(part.start, until)
        self._bring_up(part, until, counted, before=self._source.count(part.start, part.until))

    def _bring_up(self, part: Part, until: datetime | None, counted: int | None, *, before: int | None) -> None:
        """Bring a part up to date: what may still change, and what follows its end, or all of it.

        Parameters
        ----------
        until
            Up to where it is to reach now.
        counted, before
            What the service counts up to there, and up to where the part reached.
        """
        if not self._is_stale(part, before):
            if until == part.until and not part.open:
                if schema.lacking(part, self._source.table):  # an older kit wrote it
                    self._put(part, self._rows_of(part))
                return
            old = self._rows_of(part)
            rows = self._not_over(part, old, until)
            if rows is not None:
                further = list(dict.fromkeys([*part.further, *rows.further]))
                self._write(
                    part.start, until, counted, True, merged(old, rows.arrow), further, gone=part.gone, was=part
                )
                return
        self._read_again(part, until, counted)

    def _is_stale(self, part: Part, counted: int | None) -> bool:
        """Say whether all of a part has to be read again."""
        return (
            counted is None
            or counted != part.counted
            or counted < part.rows - len(part.gone)  # it counts fewer than it lists, so that its counts show nothing
            or not part.complete
            or not finality.ends(self._origin.dataset)
            or (self._again is not None and part.until is not None and part.until > self._again)
        )

    def _not_over(self, part: Part, old: pa.Table, until: datetime | None) -> Rows | None:
        """Return the rows around those that may still change, and those that follow the end of the part.

        None where it takes fewer calls to read the whole part, or where these rows are others than they were: the
        count of the part is what it was, and so another one came or left elsewhere in it.
        """
        may_change = finality.open_rows(self._origin.dataset, self._judged(old))
        wanted = old.filter(pa.array(may_change))["created_on"].to_pylist()
        asked: list[Window] = [
            (
                low if part.start is None else max(low, part.start),
                high if part.until is None else min(high, part.until),
            )
            for low, high in windows.around(sorted(wanted), sorted(old["created_on"].to_pylist()), PAGE_SIZE)
        ]
        if asked and len(asked) >= self._source.pages(part.rows):
            return None
        if until != part.until:
            asked.append((part.until, until))
        rows = self._source.rows_of(asked, self._bar)
        known = {number for window in asked for number in within(old, *window)["id"].to_pylist()}
        seen = set(within(rows.arrow, part.start, part.until)["id"].to_pylist())
        return rows if rows.complete and seen == known - set(part.gone) else None

    def _read_again(self, part: Part, until: datetime | None, counted: int | None) -> None:
        rows = self._source.rows(part.start, until)
        result = merged(self._rows_of(part), rows.arrow)
        further = list(dict.fromkeys([*rows.further, *part.further]))
        self._write(part.start, until, counted, rows.complete, result, further, gone=result.left, was=part)

    def _once(self) -> None:
        """Take out the older copies of rows that the service dates otherwise since: the newer are in other parts."""
        found = doubles({part.start: part.path(self._folder) for part in self._parts.values()})
        for number, starts in found.items():
            for start in starts:
                part = self._parts[start]
                if start not in self._done and number not in part.gone:
                    self._read_again(part, part.until, self._source.count(part.start, part.until))
        older: dict[datetime | None, list[int | str]] = {}
        for number, starts in found.items():
            gone = [start for start in starts if number in self._parts[start].gone]
            if len(gone) < len(starts):
                for start in gone:
                    older.setdefault(start, []).append(number)
        for start, numbers in older.items():
            part = self._parts[start]
            rows = self._rows_of(part)
            copies = pc.is_in(rows["id"], value_set=pa.array(numbers, rows["id"].type))
            left = [one for one in part.gone if one not in numbers]
            self._put(replace(part, gone=left), rows.filter(pc.invert(copies)))
        dated_anew = {number for numbers in older.values() for number in numbers}
        if dated_anew:
            self._gone = [one for one in self._gone if one not in dated_anew]
            # New in their part, and in the archive before.
            known = pa.array(list(dated_anew))
            self._dated_anew = sum(pc.sum(pc.is_in(one, value_set=known)).as_py() or 0 for one in self._new)
            self._changed += self._dated_anew

    def _disagreement(self, since: datetime | None, end: datetime) -> str | None:
        """Say in what the service counts other than the archive: without dates, but where it was to go back less far.

        What was created since the end of the run, or within a second before its beginning, may be counted too. The
        total is asked first, so that what is created meanwhile is not among it before it is shown.
        """
        listed = sum(part.rows - len(part.gone) for part in self._parts.values())
        total = self._source.total(since)
        if total == listed:
            return None
        beside = self._source.newer(end) + (self._source.just_before(since) if since else 0)
        if total is not None and listed <= total <= listed + beside:
            return None
        counted = "a number that can't be right" if total is None else f"{total}"
        others, which = "are newer", "all in all"
        if since:
            others, which = "are newer or were created just before", f"since {parts.moment_text(since)}"
        return (
            f"{self._origin.dataset} of {self._origin.workspace}: rows may be missing. The archive has {listed} that "
            f"the service lists, {beside} {others}, and {which} it counts {counted}. Rows came or went during "
            "this run, or have no created_on, so that no search by date finds them, or the service counts other than "
            "it lists. Archive again; where this stays, with again='1970-01-01', which reads all anew, and then "
            "compare with a search of everything."
        )

    def _extend(self, part: Part, until: datetime) -> None:
        """Let a part cover what follows and has no rows: later runs need not count it."""
        part = self._now(part)
        self._put(replace(part, until=until), self._rows_of(part))

    # Lists without dates

    def _undated(self) -> None:
        was = self._parts.get(None)
        rows = self._source.rows(None, None)
        result = merged(self._rows_of(was) if was else None, rows.arrow)
        if was or len(result.rows):
            further = list(dict.fromkeys([*rows.further, *(was.further if was else ())]))
            self._write(None, None, len(rows.arrow), rows.complete, result, further, gone=result.left, was=was)

        if rows.complete or was or len(result.rows):
            self._seal(None, self._source.now())

    # Files

    def _seal(self, since: datetime | None, until: datetime) -> Mark:
        sure, doubted = self._sure, None
        if until > (now := self._source.now()):
            # What it dates since the run began to look was not there yet.
            began = self._source.end() - timedelta(seconds=self._source.stopwatch() - self._began)
            doubted = min(began, until) if sure else None
            self._sure = sure = False
            why = (
                "The clocks of the service differ"
                if until - now <= CLOCKS_APART
                else "The clock of the service was set back"
            )
            warn(
                f"{self._origin.dataset} of {self._origin.workspace}: rows may be missing. {why}: all that it dated "
                f"before {parts.moment_text(until)} was taken to be there, and it shows {parts.moment_text(now)}. "
                f"Archive again after {parts.moment_text(until)}.",
                IncompleteResult,
            )
        return parts.seal(
            self._folder, self._origin, self._parts.values(), since=since, until=until, sure=sure, doubted=doubted
        )

    def _now(self, part: Part) -> Part:
        return self._parts[part.start]

    def _rows_of(self, part: Part) -> pa.Table:
        return schema.rewritable(parts.read_rows(part.path(self._folder)), self._source.table)

    def _judged(self, rows: pa.Table) -> pd.DataFrame:
        """Return the columns that say whether rows may still change."""
        names = [one for one in (*finality.COLUMNS, schema.FURTHER, schema.ARCHIVED_AT) if one in rows.column_names]
        return schema.to_frame(rows.select(names), self._source.table)

    def _write(
        self,
        start: datetime | None,
        until: datetime | None,
        counted: int | None,
        complete: bool,
        result: Merged,
        further: list[str],
        *,
        gone: list[int | str],
        was: Part | None = None,
    ) -> None:
        part = Part(
            self._origin,
            start,
            until,
            rows=0,
            open=0,
            counted=counted or 0,  # what is not to be believed is less than there is
            complete=complete,
            read_at=self._source.now(),
            further=[name for name in further if name not in self._source.table.kinds],
            gone=gone,
            kit=_kit(),
        )
        self._put(part, result.rows)
        known = set(was.gone) if was else set()
        self._gone += [one for one in gone if one not in known]
        self._new.append(result.new)
        self._changed += result.changed
        self._done.add(start)

    def _put(self, part: Part, rows: pa.Table) -> None:
        """Write a part, and what its rows say of it."""
        may_change = finality.open_rows(self._origin.dataset, self._judged(rows))
        unfit = schema.unfit(rows, self._source.table)
        further = [name for name in part.further if name not in self._source.table.kinds]
        part = replace(part, rows=len(rows), open=int(may_change.sum()), unfit=unfit, further=further)
        parts.write(self._folder, part, rows)
        self._parts[part.start] = part
        self._written += 1


class Relayed(watching.Watch):
    """Shows all searches of a run as one bar."""

    def __init__(self, bar: Progress) -> None:
        super().__init__()
        self._bar = bar

    def expect(self, calls: int) -> None:
        """Say that this many more calls will come."""
        super().expect(calls)
        self._bar.expect(calls)

    def advance(self) -> None:
        """Say that one call is done."""
        super().advance()
        self._bar.advance()


def _kit() -> str:
    try:
        return version("ledgerkit-enterprise")
    except PackageNotFoundError:
        return ""
