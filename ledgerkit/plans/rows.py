"""The rows of a plan: what was given for each, what is sent for it, and which of them are the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ledgerkit.drafts import Draft


@dataclass
class PlannedRow:
    """One row of a plan: what was given, and what is sent for it."""

    given: dict[str, Any]
    draft: Draft | None = None
    body: dict[str, Any] = field(default_factory=dict)
    mark: str | None = None
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    # Its amounts in display units, and their tickers, by column.
    shown: dict[str, Any] = field(default_factory=dict)

    @property
    def written(self) -> dict[str, Any]:
        """What the journal keeps of it."""
        return {"mark": self.mark, "body": self.body}

    def value(self, name: str) -> Any:
        """Return a field of what is sent, or else what was given for it."""
        of_payload = getattr(self.draft.payload, name, None) if self.draft else None
        return self.given.get(name) if of_payload is None else of_payload


def flag_duplicates(rows: list[PlannedRow], names: tuple[str, ...], rule: str | None) -> None:
    """Note on each row that is the same as an earlier one in these fields: a problem where a rule is against it."""
    first: dict[tuple[str, ...], int] = {}
    for number, row in enumerate(rows, 1):
        # Some chains write an address in two cases: one too many is flagged rather than one too few.
        key = tuple(str(row.value(name)).casefold() for name in names)
        if first.setdefault(key, number) != number:
            text = f"it is the same as row {first[key]}: " + ", ".join(name for name in names if row.value(name))
            if rule is None:
                row.warnings.append(text)
            else:
                row.problems.append(f"{text}. {rule}")


def difference(payload: Any, expected: Mapping[str, Any]) -> tuple[str, Any, Any] | None:
    """Return the first field in which a payload is not as expected, what it has there, and what it should have.

    Parameters
    ----------
    expected
        Values by field; None where the payload should have none.
    """
    of_kind = {name: value for name, value in expected.items() if name in payload.values()}
    # Made by the same rules: they write some values in one way only.
    meant = {**expected, **{name: getattr(payload.replace(**of_kind), name) for name in of_kind}}
    for name, value in meant.items():
        found = getattr(payload, name, None)
        if found != value:
            return name, found, value
    return None
