"""Rows that were read now, put over those that were there: nothing that was archived is lost, and nothing doubled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ledgerkit.archives import folders
from ledgerkit.archives.schema import ARCHIVED_AT


@dataclass(frozen=True)
class Merged:
    """What became of a part.

    Parameters
    ----------
    rows
        By id, ascending; of a list without dates in the order of its search, then those that were not read now.
    new
        The ids of the rows that were not there before.
    changed
        How many said something else.
    left
        The ids of the rows that were there and were not read now.
    """

    rows: pa.Table
    new: pa.Array
    changed: int
    left: list[int | str]


def merged(old: pa.Table | None, fresh: pa.Table) -> Merged:
    """Put rows that were read now over those that were there, both in the schema of their dataset."""
    if old is None or not len(old):
        return Merged(_in_order(fresh), fresh["id"].combine_chunks(), 0, [])
    again = pc.is_in(old["id"], value_set=fresh["id"].combine_chunks())
    left = old.filter(pc.invert(again))
    places = pc.index_in(fresh["id"], value_set=old["id"].combine_chunks())
    known = pc.is_valid(places)
    before, after = old.take(places.filter(known)), fresh.filter(known)
    rows = _in_order(pa.concat_tables([fresh, left]))
    new = fresh.filter(pc.is_null(places))["id"].combine_chunks()
    return Merged(rows, new, _changed(before, after), left["id"].to_pylist())


def within(rows: pa.Table, start: datetime | None, until: datetime | None) -> pa.Table:
    """Return the rows that were created from a moment on, and before another."""
    created = rows["created_on"]
    if start is not None:
        rows = rows.filter(pc.greater_equal(created, pa.scalar(start, created.type)))
    created = rows["created_on"]
    return rows if until is None else rows.filter(pc.less(created, pa.scalar(until, created.type)))


def doubles(paths: Mapping[datetime | None, Path]) -> dict[int | str, list[datetime | None]]:
    """Return the ids that several parts have, and in which.

    Ids ascend with time, nearly: only parts whose ids overlap are looked into.
    """
    # Ids of one list are of one type.
    spans: list[tuple[Any, Any, datetime | None]] = sorted(
        (*span, start) for start, path in paths.items() if (span := _span(path)) is not None
    )
    overlapping: set[datetime | None] = set()
    widest = None
    for low, high, start in spans:
        if widest is not None and low <= widest[0]:
            overlapping |= {start, widest[1]}
        if widest is None or high > widest[0]:
            widest = high, start
    ids = {start: _ids(paths[start]) for start in overlapping}
    if not ids:
        return {}
    counted = pc.value_counts(pa.concat_arrays(ids.values()))
    several = counted.field("values").filter(pc.greater(counted.field("counts"), 1))
    found: dict[int | str, list[datetime | None]] = {}
    for start, own in ids.items():
        for number in own.filter(pc.is_in(own, value_set=several)).to_pylist():
            found.setdefault(number, []).append(start)
    return found


def _span(path: Path) -> tuple[int | str, int | str] | None:
    """Return the lowest and the highest id of a file; None where it has no rows."""
    with folders.opened(path) as stream:
        file = pq.ParquetFile(stream)
        if not file.metadata.num_rows:
            return None
        column = file.schema_arrow.names.index("id")
        groups = [file.metadata.row_group(group).column(column) for group in range(file.metadata.num_row_groups)]
        if all(group.is_stats_set and group.statistics.has_min_max for group in groups):
            return min(group.statistics.min for group in groups), max(group.statistics.max for group in groups)
    ids = _ids(path)
    return pc.min(ids).as_py(), pc.max(ids).as_py()


def _ids(path: Path) -> pa.Array:
    with folders.opened(path) as stream:
        column = pq.ParquetFile(stream).read(columns=["id"])["id"]
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _in_order(rows: pa.Table) -> pa.Table:
    """Sort rows by id, which ascends with time; a list without dates stays in the order of its search."""
    return (rows.sort_by("id") if "created_on" in rows.column_names else rows).combine_chunks()


def _changed(before: pa.Table, after: pa.Table) -> int:
    """Count the rows that differ in any column; one that is null twice does not."""
    if not len(after):
        return 0
    differs = pa.chunked_array([pa.array([False] * len(after))])
    for name in _compared(after.column_names):
        one, two = before[name], after[name]
        unlike = pc.fill_null(pc.not_equal(one, two), pc.not_equal(pc.is_null(one), pc.is_null(two)))
        differs = pc.or_(differs, unlike)
    return int(pc.sum(differs).as_py())


def _compared(names: Sequence[str]) -> list[str]:
    return [name for name in names if name != ARCHIVED_AT]
