"""Rows that were read now, put over those that were there: nothing that was archived is lost."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ledgerkit.archives.schema import ARCHIVED_AT


@dataclass(frozen=True)
class Merged:
    """What became of a part.

    Parameters
    ----------
    rows
        By id, ascending.
    new, changed
        How many rows were not there before, or said something else.
    left
        The ids of the rows that were there and were not read now.
    """

    rows: pa.Table
    new: int
    changed: int
    left: list[int | str]


def merged(old: pa.Table | None, fresh: pa.Table) -> Merged:
    """Put rows that were read now over those that were there, both in the schema of their dataset."""
    if old is None or not len(old):
        return Merged(_by_id(fresh), len(fresh), 0, [])
    again = pc.is_in(old["id"], value_set=fresh["id"].combine_chunks())
    left = old.filter(pc.invert(again))
    places = pc.index_in(fresh["id"], value_set=old["id"].combine_chunks())
    known = pc.is_valid(places)
    before, after = old.take(places.filter(known)), fresh.filter(known)
    rows = _by_id(pa.concat_tables([left, fresh]))
    return Merged(rows, len(fresh) - len(after), _changed(before, after), left["id"].to_pylist())


def _by_id(rows: pa.Table) -> pa.Table:
    return rows.sort_by("id").combine_chunks()


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
