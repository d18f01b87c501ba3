"""What compliance says of addresses, asked once for each, and only as often as it answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import pandas as pd

from ledgerkit.addresses import EVM_ADDRESS
from ledgerkit.reports.making import Making
from ledgerkit.reports.rows import records

# The scale of the service ends at HIGH; that of the provider goes on to Severe.
PROVIDER: Final = ("LOW", "MEDIUM", "HIGH", "SEVERE")
# Two calls each. The only limit that was ever printed for all calls of a workspace is 600 an hour.
MOST_ADDRESSES: Final = 100
# One address may be refused for its own sake; when all of the first fail alike, the rest is not asked.
PROBE: Final = 3
NO_ANSWER: Final = "no answer, the notes say why"


@dataclass
class Screened:
    """What was found about addresses, by the key of :func:`one_address`."""

    risk: dict[str, dict[str, Any]] = field(default_factory=dict)
    sanctions: dict[str, dict[str, Any]] = field(default_factory=dict)


def one_address(address: str) -> str:
    """Return the same text for all spellings of an address: in some chains its case is a checksum alone."""
    return address.lower() if EVM_ADDRESS.fullmatch(address) else address


def rank(*ratings: str | None) -> int:
    """Return how bad the worst of ratings is; one that is not documented counts as worse than all that are."""
    return max(
        (0 if one is None else PROVIDER.index(one.upper()) + 1 if one.upper() in PROVIDER else len(PROVIDER) + 1)
        for one in ratings
    )


def screen(making: Making, addresses: Sequence[str], table: str = "counterparties") -> Screened:
    """Ask for the risk and the sanctions of addresses; what can't be had is noted.

    Parameters
    ----------
    table
        The table of the report whose column ``checked`` says what became of each.
    """
    session, found = making.session, Screened()
    found.risk = _ask(making, "the risk of addresses", session.compliance.address_risk, addresses, table)
    found.sanctions = _ask(making, "the sanctions of addresses", session.compliance.sanctions, addresses, table)
    return found


def _ask(
    making: Making, what: str, read: Callable[[list[str]], pd.DataFrame], addresses: Sequence[str], table: str
) -> dict[str, dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    # These would lead to another path, and are refused before anything is asked.
    askable = [one for one in addresses if one not in (".", "..")]
    for some in (askable[:PROBE], askable[PROBE:]):
        if not some:
            continue
        answer = making.part(what, partial(read, some))
        if answer is None:
            break  # the part says why
        rows += records(answer)
        refusals = [row["error"] for row in rows if row.get("error")]
        if refusals and len(refusals) == len(rows):
            if len(rows) == len(askable):
                making.note(f"Without {what}: all of {len(rows)} were refused. {refusals[0]}")
            else:
                left = len(askable) - len(rows)
                making.note(
                    f"Without {what}: the first {len(rows)} were refused, and {left:,} more not asked. {refusals[0]}"
                )
            break
    else:
        if refused := sum(1 for row in rows if row.get("error")):
            making.note(f"Without {what} for {refused} of {len(rows)}: the column `checked` of {table} says why.")
    unknown = {one_address(one): {"address": one, "error": NO_ANSWER} for one in addresses}
    return unknown | {one_address(str(row["address"])): row for row in rows}
