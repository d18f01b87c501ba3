"""Entities as reports need them: which accounts are in which, and where they overlap."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from ledgerkit.errors import ContractViolation, shorten
from ledgerkit.reports.choosing import chosen_ids, listed
from ledgerkit.reports.holdings import LIGHT, Holding
from ledgerkit.reports.making import Making
from ledgerkit.reports.rows import records
from ledgerkit.showing import visible

NO_ENTITY: Final = "in no entity"


@dataclass(frozen=True)
class Folder:
    """An entity, and the accounts in it.

    Parameters
    ----------
    id
        Its id; None for what is in no entity.
    complete
        Whether all of its accounts are visible.
    """

    id: int | None
    name: str
    accounts: frozenset[int]
    complete: bool


def read_folders(making: Making, accounts: pd.DataFrame, asked: Any) -> list[Folder] | None:
    """Read the entities that are active, or those that are asked for whatever their status.

    Parameters
    ----------
    accounts
        All accounts that are visible.
    asked
        Ids or names; None for all.

    Returns
    -------
    list of Folder or None
        In the order of their ids; None where entities could not be read, which is noted.

    Raises
    ------
    NotFound
        One that is asked for is not visible.
    """
    search = making.session.entities.search
    entities = making.part("the entities", search) if asked is None else search()
    if entities is None:
        return None
    if asked is not None:
        chosen = entities[entities["id"].isin(chosen_ids(entities, asked, "entity"))]
    else:
        chosen = entities[entities["status"] == "ACTIVE"]
        others = entities[entities["status"] != "ACTIVE"]
        if not others.empty:
            said = [f"{visible(row['name'])} ({row['status']})" for row in records(others)]
            making.note(f"Entities that are not ACTIVE are no part of this: {listed(said)}.")
    seen = set(accounts["id"])
    folders, names = [], set()
    for row in records(chosen.sort_values("id")):
        number = int(row["id"])
        name = row["name"] if isinstance(row["name"], str) else f"entity {number}"
        # Names need not be unique, and one may be called as accounts without an entity are here.
        name = f"{name} ({number})" if name in names or name == NO_ENTITY else name
        names.add(name)
        inside = [] if not isinstance(row["accounts"], list) else [_id(one) for one in row["accounts"]]
        hidden = [one for one in inside if one not in seen]
        if hidden or not isinstance(row["accounts"], list):
            what = f"{len(hidden)} of its accounts are" if hidden else "its list of accounts is"
            making.note(f"{visible(name)} is not complete: {what} not visible to these credentials.")
        whole = isinstance(row["accounts"], list) and not hidden
        folders.append(Folder(number, name, frozenset(one for one in inside if one in seen), whole))
    return folders


def note_overlaps(making: Making, holdings: Sequence[Holding], folders: Sequence[Folder] | None) -> None:
    """Say what is in several entities, and which token accounts are in none though their parent is in one."""
    if folders is None:
        return
    double = [one for one in holdings if len(one.entities) > 1]
    if double:
        said = [f"{one.name}, {one.said()}, in {' and '.join(map(visible, one.entities))}" for one in double]
        making.note(f"Entities overlap: their totals do not add up to what is held. In several are: {listed(said)}.")
    inside = {one for folder in folders for one in folder.accounts}
    orphans = [
        one
        for one in holdings
        if one.kind != LIGHT and not one.entities and one.parent_id in inside and one.something
    ]
    if orphans:
        making.note(
            f"In no entity, though their parent account is in one: {listed(one.name for one in orphans)}. An entity "
            "holds the accounts that were put into it, and no others."
        )


def _id(value: Any) -> int:
    """Return the id of an account, which may come as the whole object."""
    found = value.get("id") if isinstance(value, dict) else value
    if isinstance(found, bool) or not isinstance(found, int):
        raise ContractViolation(f"an entity names an account that can't be read: {shorten(value)}", field="accounts")
    return found
