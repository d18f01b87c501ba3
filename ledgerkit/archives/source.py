"""What a run asks of the service: how many rows a window has, which they are, and what became of some of them."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from ledgerkit import filters
from ledgerkit.archives import schema
from ledgerkit.connection import Connection
from ledgerkit.errors import ContractViolation, InvalidRequest, NotFound, PermissionDenied, Unsupported
from ledgerkit.filters import instant_text
from ledgerkit.frames import Leaves, Table, join
from ledgerkit.operations import check_family, marked
from ledgerkit.paging import PAGE_SIZE, SETTLING_SECONDS, Listing, Reader
from ledgerkit.parallel import Progress, gather
from ledgerkit.resources.base import MARGIN, shifted
from ledgerkit.transport import path_with

# A search asks a second more than it keeps: what lies before the end of a run has settled for its query too.
SETTLING: Final = timedelta(seconds=2 * SETTLING_SECONDS)
# What an object answers that can't be read by its id here; its list may still show it.
NOT_BY_ID: Final = (InvalidRequest, PermissionDenied, Unsupported, ContractViolation)


class Rows:
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

    def __init__(self, arrow: pa.Table, further: list[str], complete: bool) -> None:
        self.arrow = arrow
        self.further = further
        self.complete = complete


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
        self._get = marked(section.get) if hasattr(section, "get") else None
        # Another table than that of the search: the same object in another shape.
        self.by_id = self._get is not None and self._get.table is self.table
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

    def hold(self, start: datetime | None, until: datetime) -> None:
        """Read a stretch at once, and take all further answers from it."""
        read_at = self.now()
        self._all = self._searched(start, until), read_at

    def count(self, start: datetime | None, until: datetime | None) -> int:
        """Return how many rows the service counts in a window, asked as a search of it asks."""
        if self._all is not None:
            return len(_cut(self._all[0], start, until))
        asked = {
            **({"created_after": instant_text(shifted(start, -MARGIN))} if start else {}),
            **({"created_before": instant_text(shifted(until, MARGIN))} if until else {}),
        }
        return self._connection.reader.count(Listing(self.operation.split()[1], self.table, asked))

    def counts(self, windows: list[tuple[datetime | None, datetime | None]], progress: Progress) -> list[int]:
        """Count several windows at once."""
        if self._all is not None:
            return [self.count(*window) for window in windows]

        def count(window: tuple[datetime | None, datetime | None], cancel: threading.Event) -> int:
            return self.count(*window)

        return gather(
            [partial(count, window) for window in windows],
            workers=self._connection.transport.concurrency,
            progress=progress,
            limiter=self._connection.transport.limiter,
        )

    def rows(self, start: datetime | None, until: datetime | None) -> Rows:
        """Return the rows that were created from a moment on, and before another."""
        if self._all is None:
            read_at = self.now()
            frame = self._searched(start, until)
            return self._rows(frame, read_at, complete=frame.attrs["complete"])
        frame, read_at = self._all
        return self._rows(_cut(frame, start, until), read_at, complete=frame.attrs["complete"])

    def newest(self, start: datetime | None, until: datetime) -> datetime | None:
        """Return when the newest row of a window was created; None where there is none."""
        if self._all is None:
            frame = self._section.search(created_after=start, created_before=until, limit=1)
            _check_dated(frame, self.operation)
        else:
            frame = _cut(self._all[0], start, until)
        return None if frame.empty else frame["created_on"].max().to_pydatetime()

    def pages(self, rows: int) -> int:
        """Return how many calls a search for so many rows makes."""
        return -(-rows // PAGE_SIZE)

    def one_by_one(self, ids: list[int], known: list[str], progress: Progress) -> tuple[Rows, list[int]] | None:
        """Return rows by their ids, and the ids that are no more; None where one can't be had in this way.

        Parameters
        ----------
        known
            The fields that no table declares and that the search shows: an object alone may show more.
        """
        assert self._get is not None  # noqa: S101 - by_id is looked at first
        template = self._get.operations[0].split()[1]
        parameter = template[template.index("{") + 1 : template.index("}")]
        read_at = self.now()

        def ask(number: int, cancel: threading.Event) -> Leaves | None:
            path = path_with(template, **{parameter: str(number)})
            try:
                answer = self._connection.ask(self._get_operation, path, bulk=True, cancel=cancel)
            except NotFound:
                return None
            columns = self.table.leaves([answer.body], answer.call)
            if columns["id"] != [number]:
                raise ContractViolation("it answers for another id.", call=answer.call, field="id")
            return columns

        try:
            found = gather(
                [partial(ask, number) for number in ids],
                workers=self._connection.transport.concurrency,
                progress=progress,
                limiter=self._connection.transport.limiter,
            )
            frame = self.table.frame(join([columns for columns in found if columns is not None]))
        except NOT_BY_ID:
            return None
        extra = [name for name in schema.further_names(frame, self.table) if name not in known]
        gone = [number for number, columns in zip(ids, found, strict=True) if columns is None]
        return self._rows(frame.drop(columns=extra), read_at, complete=True), gone

    @property
    def _get_operation(self) -> str:
        assert self._get is not None  # noqa: S101 - by_id is looked at first
        return self._get.operations[0]

    def _searched(self, start: datetime | None, until: datetime | None) -> pd.DataFrame:
        if not self.dated:
            frame: pd.DataFrame = self._section.search()
            return frame
        frame = self._section.search(created_after=start, created_before=until)
        _check_dated(frame, self.operation)
        return frame

    def _rows(self, frame: pd.DataFrame, read_at: datetime, *, complete: bool) -> Rows:
        arrow = schema.to_arrow(frame, self.table, pd.Timestamp(read_at).as_unit("us"))
        return Rows(arrow, schema.further_names(frame, self.table), complete)


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
