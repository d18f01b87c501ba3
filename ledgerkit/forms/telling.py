"""What the service says of requests, in words: for those who decide on them, and labelled as its word alone."""

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final

import pandas as pd

from ledgerkit.addresses import KnownAddresses, Mark, mark
from ledgerkit.amounts import Unit, display_unit, to_display
from ledgerkit.challenges import Review
from ledgerkit.errors import LedgerError
from ledgerkit.forms.voting import pill
from ledgerkit.forms.workspace import Workspace
from ledgerkit.known_addresses import remembered
from ledgerkit.showing import fields, in_threes, spelled, told, visible
from ledgerkit.states import words

NO_GROUND: Final = (
    "What the service says of it, on its word alone. It is no ground to approve: compare what would be signed with "
    "what you know."
)
_WHOLE: Final = re.compile(r"[0-9]{1,78}")
_MINUTE, _HOUR, _DAY = pd.Timedelta(minutes=1), pd.Timedelta(hours=1), pd.Timedelta(days=1)


def request(
    workspace: Workspace,
    row: "pd.Series[Any]",
    payment: "pd.Series[Any] | None",
    amounts: Sequence[Mapping[str, Any]],
    fees: Sequence[Mapping[str, Any]],
) -> str:
    """Return the HTML of a request and of the payment that it makes; asks for names."""
    zone = workspace.connection.zone
    facts: list[tuple[str, str, str | None]] = [
        ("Type", html.escape(words(str(row["type"]))), None),
        ("Status", pill(row["status"]), None),
        ("Made by", html.escape(_named(workspace, "user", row["created_by"])), None),
        ("Made on", moment(row["created_on"], zone), None),
        ("Expires on", moment(row["expires_at"], zone), None),
    ]
    if payment is not None:
        notes = payment["notes"] if isinstance(payment["notes"], list) else []
        titles = [str(one["title"]) for one in notes if isinstance(one, Mapping) and one.get("title")]
        facts += [
            ("Account", html.escape(_named(workspace, "account", payment["account_id"])), None),
            ("Amount", amount(payment["amount"], display_unit(amounts)), None),
            ("Most fees", amount(payment["max_fees"], display_unit(fees)), None),
            ("Recipient", elided(payment["recipient"], remembered(workspace.connection)), None),
            *(("Note", html.escape(spelled(title)), None) for title in titles),
        ]
    return (
        f"<div class='lk-said mathjax_ignore tex2jax_ignore'><div class='lk-quiet'>{html.escape(NO_GROUND)}</div>"
        f"{fields(facts)}</div>"
    )


def steps(lines: Iterable[str]) -> str:
    """Return the HTML of how far a request is."""
    listed = "".join(f"<li>{html.escape(visible(line))}</li>" for line in lines)
    return f"<ul class='lk-steps mathjax_ignore tex2jax_ignore'>{listed}</ul>" if listed else ""


def amount(base: Any, unit: Unit | None) -> str:
    """Return the HTML of an amount in its unit, with its base units on hover."""
    if base is None or pd.isna(base):
        return "not said"
    if unit is None:
        return f"<span class='lk-amount'>{html.escape(visible(str(base)))} base units</span>"
    whole, _, places = f"{to_display(base, unit.magnitude):f}".partition(".")
    places = places.rstrip("0")
    sign = "-" if whole.startswith("-") else ""
    digits = sign + in_threes(whole.removeprefix("-")) + (f".{places}" if places else "")
    return (
        f"<span class='lk-amount' title='{html.escape(str(base))} base units'>"
        f"{digits} {html.escape(visible(unit.code))}</span>"
    )


def in_units(review: Review, amounts: Sequence[Mapping[str, Any]], fees: Sequence[Mapping[str, Any]]) -> str:
    """Return the HTML of the amounts that would be signed, in the units that the service names for the account."""
    units = {"amount": display_unit(amounts), "max_fees": display_unit(fees)}
    said = [
        f"{row.field} {amount(row.to_be_signed, units[row.field])}"
        for row in review.rows
        if row.to_be_signed is not None and units.get(row.field) is not None and _WHOLE.fullmatch(row.to_be_signed)
    ]
    if not said:
        return ""
    return (
        "<div class='lk-said mathjax_ignore tex2jax_ignore'>Would be signed, in the units that the service names: "
        f"{'; '.join(said)}</div>"
    )


def elided(address: Any, known: KnownAddresses | None = None) -> str:
    """Return the HTML of an address, its middle left out, with the whole on hover, and what it only looks like."""
    if not isinstance(address, str):
        return "not said"
    if known is not None and (alike := mark(address, known)) is not None:
        # The ends are the very thing that deceives: it is shown whole, beside the other one.
        said = told(visible(f"{address}: {alike.text}"))
        return f"{look_alike_pill(alike)} {said}"
    shown = visible(address)
    short = shown if len(shown) <= 20 else f"{shown[:8]}…{shown[-8:]}"
    return f"<span class='lk-code' title='{html.escape(shown)}'>{html.escape(short)}</span>"


def look_alike_pill(alike: Mark) -> str:
    """Return the HTML of what stands before the words of a look-alike."""
    if alike.sure:
        return f"<strong class='lk-pill lk-refused'>{alike.label}</strong>"
    return f"<span class='lk-pill lk-waiting'>{alike.label}</span>"


def moment(time: Any, zone: tzinfo) -> str:
    """Return the HTML of a moment in a zone, to the minute, with UTC on hover."""
    if pd.isna(time):
        return "not said"
    return f"<span title='{time:%Y-%m-%d %H:%M:%S} UTC'>{time.astimezone(zone):%Y-%m-%d %H:%M %Z}</span>"


def span(time: Any) -> str:
    """Return how long something is, in its largest unit: ``3 h``."""
    if pd.isna(time):
        return "not said"
    for unit, word in ((_DAY, "d"), (_HOUR, "h")):
        if time >= 2 * unit:
            return f"{time // unit} {word}"
    return f"{max(time, pd.Timedelta(0)) // _MINUTE} min"


def _named(workspace: Workspace, kind: str, one: Any) -> str:
    if pd.isna(one):
        return "not said"
    try:
        name = workspace.directory.names(kind, [int(one)]).get(int(one))
    except LedgerError:  # names are a help
        name = None
    return f"{spelled(name)} ({one})" if isinstance(name, str) else f"{kind} {one}"
