"""What the service says now: the rows that an answer is held against, read page by page and not with the searches."""

from typing import Any

from ledgerkit.amounts import Unit, display_unit
from ledgerkit.errors import Unsupported
from ledgerkit.exercises.given import Unreadable
from ledgerkit.session import Session

PAGE_SIZE = 50


def rows(session: Session, path: str, **params: Any) -> list[dict[str, Any]]:
    """Return all rows of a list of the API, as they come; the oldest first, each once."""
    found: dict[Any, dict[str, Any]] = {}
    number = 1
    while True:
        asked = {**params, "order": "asc", "order_by": "id", "page": number, "page_size": PAGE_SIZE}
        body = session.raw("GET", path, params=asked)
        found |= {edge["node"]["id"]: edge["node"] for edge in body["edges"]}
        if not body["edges"] or not body["page_info"]["has_next_page"]:
            return list(found.values())
        number += 1


def account(session: Session, name: str) -> dict[str, Any]:
    """Return the account of a name that an exercise is about.

    Raises
    ------
    Unreadable
        This workspace has none, so that the exercise can't be done in it.
    """
    for one in rows(session, "/accounts"):
        if one["name"] == name:
            return one
    raise Unreadable(f"this workspace has no account {name}: the exercise is made for the embedded sandbox.")


def unit(session: Session, account_id: int, of: str, checked: str) -> Unit:
    """Return the unit in which people speak of what an account holds.

    Parameters
    ----------
    of, checked
        What has the unit, and what can't be checked without one, for the message.

    Raises
    ------
    Unreadable
        The service tells none.
    """
    found = display_unit(session.raw("GET", f"/accounts/{account_id}/currency")["amount_units"])
    if found is None:
        raise Unreadable(f"the service tells no unit of {of}, so that no {checked} can be checked.")
    return found


def own_id(session: Session) -> int:
    """Return the id of the user whose credentials a session has.

    Raises
    ------
    Unreadable
        They are of no user: a reporting key or a LAM.
    """
    try:
        return int(session.me()["id"].iloc[0])
    except Unsupported:
        raise Unreadable("this exercise is one for an API user, and this session is none's.") from None
