"""Reads that take one call for each of many ids, and stop where the service refuses them all."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import pandas as pd

from ledgerkit.reports.making import Making
from ledgerkit.reports.rows import Row, records

# One may be refused for its own sake; where all of these are, the rest is not asked.
PROBE: Final = 3


def probed(making: Making, what: str, read: Callable[[list[int]], pd.DataFrame], ids: Sequence[int]) -> list[Row]:
    """Read the rows of ids, of some at first: where all of these are refused, the others are not asked.

    Parameters
    ----------
    what
        What will be missing, such as ``"the steps of requests"``; what is not asked is noted.
    read
        Makes a frame of a list of ids, with a column ``error`` for those that were refused.

    Returns
    -------
    list of dict
        The rows of all that were asked, the refusals among them; none of those that were not.
    """
    # Those at both ends and in the middle: neighbours may be refused for the same reason of their own.
    chosen = {0, len(ids) // 2, len(ids) - 1} if len(ids) > PROBE else set(range(len(ids)))
    first = [ids[position] for position in sorted(chosen)]
    others = [one for position, one in enumerate(ids) if position not in chosen]
    if not first:
        return []
    rows = records(making.part(what, partial(read, first)))
    refusals = [row.get("error") for row in rows]
    if others and all(refusals):
        why = f" {refusals[0]}" if refusals else ""
        making.note(f"Without {what}: the first {len(first)} were refused, and {len(others):,} more not asked.{why}")
        return rows
    return rows + records(making.part(what, partial(read, others)) if others else None)
