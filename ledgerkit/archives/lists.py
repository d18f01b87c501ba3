"""Which lists an archive can have: those whose search needs no argument, and whose rows have ids."""

import inspect
from typing import Any, Final

from ledgerkit.operations import marked
from ledgerkit.resources.base import Section, all_sections

# They grow without end; of all others what is there now is what matters, however old it is.
EVENTS: Final = ("transactions", "requests", "messages", "digests")


def why_not(section: type[Section]) -> str:
    """Say why a section can't be archived; nothing where it can."""
    search: Any = getattr(section, "search", None)
    if search is None or not hasattr(search, "operations"):
        return "has no search"
    parameters = inspect.signature(search).parameters
    if any(one.default is one.empty for name, one in parameters.items() if name != "self"):
        return "can be searched for one account at a time only"
    if "id" not in marked(search).table.kinds:
        return "lists rows without ids, which can't be told apart"
    return ""


def archivable() -> dict[str, type[Section]]:
    """Return the sections that can be archived, by their names."""
    found = {section.name: section for section in all_sections() if not why_not(section)}
    return dict(sorted(found.items()))
