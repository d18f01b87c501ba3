"""Accounts and entities as people name them, found in the frame of a search."""

import difflib
from collections.abc import Iterable
from numbers import Integral
from typing import Any

import pandas as pd

from ledgerkit.errors import InvalidRequest, NotFound, shorten


def as_asked(asked: Any) -> Any:
    """Return what was asked for as one value, or as a list of several: what can be gone through once is kept."""
    single = isinstance(asked, str | Integral) or not isinstance(asked, Iterable)
    return asked if single else list(asked)


def told(asked: Any) -> Any:
    """Return what was asked for as it is told with the report."""
    return None if asked is None else [str(one) for one in asked] if isinstance(asked, list) else str(asked)


def chosen_ids(frame: pd.DataFrame, asked: Any, field: str) -> list[int]:
    """Return the ids of what was asked for by id or by name, each once, in the order of the question.

    Parameters
    ----------
    frame
        All that is visible, with the columns ``id`` and ``name``.
    asked
        An id, a name, or a list of either, as :func:`as_asked` gives it.
    field
        What the parameter is called, such as ``"account"``.

    Raises
    ------
    NotFound
        One is not visible.
    InvalidRequest
        One is a name of several, or neither an id nor a name; or nothing is asked for.
    """
    wanted = asked if isinstance(asked, list) else [asked]
    if not wanted:
        raise InvalidRequest(f"`{field}` is empty: leave it out for all that is visible.", field=field)
    return list(dict.fromkeys(_one(frame, one, field) for one in wanted))


def _one(frame: pd.DataFrame, asked: Any, field: str) -> int:
    if not isinstance(asked, bool) and isinstance(asked, Integral):  # of NumPy too, as columns give them
        if int(asked) in set(frame["id"].dropna()):
            return int(asked)
        raise NotFound(f"`{field}` = {int(asked)}: no {field} with this id is visible to these credentials.")
    if not isinstance(asked, str) or not asked:
        raise InvalidRequest(f"`{field}` = {shorten(asked)} can't be used: it takes ids and names.", field=field)
    found = frame.loc[frame["name"] == asked, "id"].dropna()
    if len(found) == 1:
        return int(found.iloc[0])
    if len(found):
        ids = ", ".join(str(one) for one in found)
        raise InvalidRequest(
            f"`{field}` = {shorten(asked)} is the name of {len(found)}: {ids}. Give the id that you mean.",
            field=field,
        )
    near = difflib.get_close_matches(asked, frame["name"].dropna().tolist(), n=3)
    hint = f" Did you mean {' or '.join(shorten(one) for one in near)}?" if near else ""
    raise NotFound(f"`{field}` = {shorten(asked)}: no {field} of this name is visible to these credentials.{hint}")


def listed(texts: Iterable[str], most: int = 8) -> str:
    """Return texts as a list in a sentence, the first of them where there are many."""
    every = list(texts)
    return ", ".join(every[:most]) + (f" and {len(every) - most:,} more" if len(every) > most else "")
