"""What a run asks of the service: how many rows a window has, and which they are."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

import pandas as pd
import pyarrow as pa

from ledgerkit import filters
from ledgerkit.archives import schema
from ledgerkit.connection import Connection
from ledgerkit.errors import ContractViolation
from ledgerkit.frames import Table
from ledgerkit.operations import check_family, marked
from ledgerkit.paging import PAGE_SIZE, SETTLING_SECONDS, Reader
from ledgerkit.parallel import Progress, ask_all

# A search asks a second more than it keeps: what lies before the end of a run has settled for its query too.
SETTLING: Final = timedelta(seconds=2 * SETTLING_SECONDS)

Window = tuple[datetime | None, datetime | None]
Result = TypeVar("Result")


class Rows(NamedTuple):
    """Rows that were read, in the schema of their dataset.

    Parameters
    ----------
    arrow
        The rows.
    further
        The fields among them that no table declares.
    complete
        Whether they were shown to be all.
    """

    arrow: pa.Table
    further: list[str]
    complete: bool


class Source:
    """One list of one workspace.

    Parameters
    ----------
    section, connection
        Where it is read.
    """

    def __init__(self, section: Any, connection: Connection) -> None:
        self._transport = _Counted(connection.transport)
        transport: Any = self._transport
        self._connection = replace(connection, transport=transport, reader=Reader(transport))
        self._section = type(section)(self._connection)
        search = marked(section.search)
        self.operation = search.operations[0]
        self.table: Table = search.table
        self.dated = "created_after" in filters.filters(type(section).search)
        # All rows of a stretch, and when they were read.
        self._all: tuple[pd.DataFrame, datetime] | None = None
        check_family(self.operation, connection.family, f"GET {self.operation.split()[1]}")

    @property
    def requests(self) -> int:
        """How many calls were made."""
        return self._transport.calls

    def now(self) -> datetime:
        """Return the server's clock."""
        return datetime.fromtimestamp(self._connection.transport.server_time(), UTC)

    def end(self) -> datetime:
        """Return the moment before which nothing can be created any more."""
        return (self.now() - SETTLING).replace(microsecond=0)

    def stopwatch(self) -> float:
        """Return what the stopwatch of this machine shows, in seconds."""
        return float(self._connection.transport.clock.monotonic())

    def wait(self, behind: timedelta) -> None:
        """Wait until what the server's clock is behind is past, and has settled."""
        self._connection.transport.clock.wait(threading.Event(), (behind + SETTLING).total_seconds())

    def hold(self, start: datetime | None, until: datetime) -> None:
        """Read a stretch at once, and take all further answers about windows from it."""
        read_at = self.now()
        self._all = self._searched(start, until), read_at

    def let_go(self) -> None:
        """Ask the service about windows again."""
        self._all = None

    def total(self, since: datetime | None) -> int | None:
        """Return how many rows the service counts from a moment on, or without asking for dates.

        None where the count is not to be believed.
        """
        return self._counted(since, None)

    def count(self, start: datetime | None, until: datetime | None) -> int | None:
        """Return how many rows the service counts in a window; None where the count is not to be believed."""
        if self._all is not None:
            return len(_cut(self._all[0], start, until))
        return self._counted(start, until)

    def counts(self, windows: Sequence[Window], progress: Progress) -> list[int | None]:
        """Count several windows at once."""
        if self._all is not None:
            return [self.count(*window) for window in windows]
        return self._each(self._counted, windows, progress)

    def rows(self, start: datetime | None, until: datetime | None) -> Rows:
        """Return the rows that were created from a moment on, and before another."""
        read_at = self.now()
        if self._all is None:
            return self._rows(self._searched(start, until), read_at)
        frame, read_at = self._all
        return self._rows(_cut(frame, start, until), read_at)

    def rows_of(self, windows: Sequence[Window], progress: Progress) -> Rows:
        """Return the rows of several windows."""
        read_at = self.now()
        frames = self._each(self._searched, windows, progress)
        found = [self._rows(frame, read_at) for frame in frames]
        further = list(dict.fromkeys(name for rows in found for name in rows.further))
        return Rows(pa.concat_tables([rows.arrow for rows in found]), further, all(rows.complete for rows in found))

    def newer(self, start: datetime) -> int:
        """Return how many rows were created from a moment on; the last of them may still arrive."""
        return len(self._searched(start, None))

    def just_before(self, start: datetime) -> int:
        """Return how many rows were created so little before a moment that a count from there on may have them."""
        return len(self._searched(start - SETTLING, start))

    def pages(self, rows: int) -> int:
        """Return how many calls a search for so many rows makes."""
        return -(-rows // PAGE_SIZE)

    def _each(
        self, ask: Callable[[datetime | None, datetime | None], Result], windows: Sequence[Window], progress: Progress
    ) -> list[Result]:
        def one(window: Window, cancel: threading.Event) -> Result:
            return ask(*window)

        return ask_all(self._connection.transport, [partial(one, window) for window in windows], progress)

    def _counted(self, start: datetime | None, until: datetime | None) -> int | None:
        counted: int | None = self._section._count(self._section.search, start, until)
        return counted

    def _searched(self, start: datetime | None, until: datetime | None) -> pd.DataFrame:
        if not self.dated:
            frame: pd.DataFrame = self._section.search()
            return frame
        frame = self._section.search(created_after=start, created_before=until)
        _check_dated(frame, self.operation)
        return frame

    def _rows(self, frame: pd.DataFrame, read_at: datetime) -> Rows:
        arrow = schema.to_arrow(frame, self.table, pd.Timestamp(read_at).as_unit("us"))
        return Rows(arrow, schema.further_names(frame, self.table), frame.attrs["complete"])


class _Counted:
    """A transport that counts its calls."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._lock = threading.Lock()
        self.calls = 0

    def request(self, *arguments: Any, **options: Any) -> Any:
        with self._lock:
            self.calls += 1
        return self._transport.request(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def _cut(frame: pd.DataFrame, start: datetime | None, until: datetime | None) -> pd.DataFrame:
    if start is not None:
        frame = frame[frame["created_on"] >= pd.Timestamp(start)]
    return frame if until is None else frame[frame["created_on"] < pd.Timestamp(until)]


def _check_dated(frame: pd.DataFrame, operation: str) -> None:
    undated = frame.loc[frame["created_on"].isna(), "id"].tolist()
    if undated:
        raise ContractViolation(
            f"{len(undated)} rows say no `created_on`, the first of them is {undated[0]}: an archive can't place "
            "them, and none is left out without a word. Search them, and keep the frame with to_parquet or to_csv "
            "until the service dates them.",
            call=operation,
            field="created_on",
            ids=undated[:10],
        )
