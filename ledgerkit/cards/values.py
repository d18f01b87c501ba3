"""Single values as HTML: amounts, times, states, ids with names. Every text in them is visible and escaped."""

import html
import json
import re
from dataclasses import dataclass
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Any, Final

import pandas as pd

from ledgerkit import showing
from ledgerkit.addresses import Mark
from ledgerkit.amounts import Unit, to_display
from ledgerkit.cards.known import Known
from ledgerkit.showing import QUIET, spelled, visible
from ledgerkit.states import meaning, words

_COLOURS: Final = {
    "waiting": "var(--jp-warn-color1,#b26a00)",
    "done": "var(--jp-success-color1,#2e7d32)",
    "refused": "var(--jp-error-color1,#c62828)",
    "neutral": "var(--jp-content-font-color2,GrayText)",
}
_CODE: Final = "font-family:var(--jp-code-font-family,monospace);overflow-wrap:anywhere"


@dataclass(frozen=True)
class Value:
    """A value as HTML; with a unit it is right-aligned before it."""

    html: str
    unit: str | None = None


def absent(value: Any) -> bool:
    """Whether a frame has no value."""
    return not isinstance(value, list | dict | str) and (value is None or bool(pd.isna(value)))


def missing(value: Any) -> bool:
    """Whether there is nothing to show: no value, or an empty list, object or text."""
    return not value if isinstance(value, list | dict | str) else absent(value)


def pill(status: str, kind: str = "") -> str:
    """Return the HTML of a state: a dot and a word."""
    colour = _COLOURS[meaning(kind, status) or "neutral"]
    return f"<span style='white-space:nowrap'><span style='color:{colour}'>●</span> {text(words(status))}</span>"


def text(value: Any) -> str:
    """Return the HTML of a text."""
    return html.escape(visible(str(value)))


def code(value: Any) -> str:
    """Return the HTML of something that is read letter by letter."""
    return f"<span style='{_CODE}'>{text(value)}</span>"


def quiet(shown: str) -> str:
    """Return HTML that stands back."""
    return f"<span style='{QUIET}'>{shown}</span>"


def named(kind: str, key: int, known: Known) -> str:
    """Return the HTML of an id of an account, user or group, with its name where that is known."""
    name = known.name(kind, key)
    return f"{kind} {key}" if name is None else f"{html.escape(spelled(name))} {quiet(f'{kind} {key}')}"


def amount(base: Any, unit: Unit | None, *, outgoing: bool = False) -> Value:
    """Return an amount in its unit, the exact base units on hover; without a unit in base units, which is said.

    Parameters
    ----------
    base
        Base units, exact.
    outgoing
        Whether it has the sign of what leaves.
    """
    shown = format(Decimal(base) if unit is None else to_display(base, unit.magnitude), "f")
    sign = "−" if outgoing or shown.startswith("-") else ""
    whole, point, places = shown.removeprefix("-").partition(".")
    places = places.rstrip("0")
    head = len(whole) % 3 or 3
    # Margins part the digits, so that what is copied is the amount.
    groups = "".join(f"<span style='margin-left:.3em'>{one}</span>" for one in re.findall("...", whole[head:]))
    digits = f"{sign}{whole[:head]}{groups}{point + places if places else ''}"
    return Value(
        f"<span title='{base} base units'>{digits}</span>", "base units" if unit is None else spelled(unit.code)
    )


def time(moment: pd.Timestamp, zone: tzinfo, now: pd.Timestamp | None) -> str:
    """Return the HTML of a time in a zone, its age beside it and UTC on hover."""
    local = moment.tz_convert(zone)
    utc = moment.tz_convert(UTC).isoformat(timespec="microseconds")
    age = "" if now is None else f" {quiet(_age((now - moment).total_seconds()))}"
    shown = f"{local.strftime('%Y-%m-%d %H:%M:%S')} {text(local.strftime('%Z'))}"
    return f"<span style='white-space:nowrap' title='{utc}'>{shown}</span>{age}"


def _age(seconds: float) -> str:
    past = abs(seconds)
    for size, least, unit in ((86_400, 2, "d"), (3_600, 2, "h"), (60, 2, "min")):
        if past >= least * size:
            shown = f"{int(past // size)} {unit}"
            break
    else:
        shown = f"{int(past)} s"
    return f"{shown} ago" if seconds >= 0 else f"in {shown}"


def plain(value: Any) -> str:
    """Return any value of a frame as a text on one line, exact."""
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    if isinstance(value, list | dict):
        return visible(json.dumps(value, ensure_ascii=False, default=_digits))
    if isinstance(value, Decimal):
        return format(value, "f")
    return visible(str(value))


def address(value: Any, known: Known | None = None) -> str:
    """Return the HTML of an address or a hash: whole, in groups of four, and what it may be taken for."""
    alike = None if known is None else known.look_alike(value)
    return f"{showing.address(str(value))}{'' if alike is None else look_alike(alike)}"


def look_alike(mark: Mark) -> str:
    """Return the HTML of what says that an address may be taken for a known one."""
    said = f"{mark.label}: {showing.told(visible(mark.text))}"
    return f"<br><strong style='color:{_COLOURS['refused']}'>{said}</strong>" if mark.sure else f"<br>{said}"


def _digits(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)
