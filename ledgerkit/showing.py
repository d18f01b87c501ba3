"""Texts as people can trust them on the screen, and the one frame of everything that is shown as HTML.

Names come from a service, and colleagues choose them: none may look like a line, a mark or another name of ours.
"""

import html
import json
import re
import unicodedata
from collections.abc import Iterable
from typing import Any, Final

import pandas as pd

# The words carry the meaning, the colour repeats it.
COLOURS: Final = {
    "SANDBOX": "var(--jp-success-color1,#2e7d32)",
    "PRODUCTION": "var(--jp-error-color1,#c62828)",
    "TENANT": "var(--jp-warn-color1,#b26a00)",
    "LOCAL": "var(--jp-warn-color1,#b26a00)",
}
QUIET: Final = "color:var(--jp-content-font-color2,inherit)"
# What a check is told with is the kit's alone, whatever letter it is drawn with.
_SIGNS: Final = frozenset("✓✔✅☑🗸🗹✗✘☒❌❎✕✖🗴🗵🗶🗷√⍻☓⨯🆗\U00010102\U0001fbb1")
# Letters, marks and symbols by their class, and yet nothing is drawn for them: Unicode has them ignored by default.
_UNSEEN: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U00016fe4\U0001d159\U000e0000-\U000e0fff]"
)
# Drawn through a letter or around it: a name could seem to be struck out, or to be crossed.
_OVERLAYS: Final = re.compile("[\u0334-\u0338\u0488\u0489\u1abe\u20d2-\u20d3\u20d8-\u20da\u20dd-\u20e0\u20e2-\u20eb]")
_LABEL: Final = f"padding:0 12px 0 0;text-align:left;vertical-align:top;white-space:nowrap;{QUIET}"
_CODE: Final = "font-family:var(--jp-code-font-family,monospace);overflow-wrap:anywhere"
_ADDRESS: Final = re.compile(r"[0-9A-Za-z]{26,}")
# A name such as $\color{green}{approved}$ in a frame that pandas draws would be set as mathematics by JupyterLab,
# over whatever stands beside it, or as a link. Whoever wants formulas in frames sets the option back.
pd.set_option("display.html.use_mathjax", False)


def visible(text: str) -> str:
    r"""Return a text on one line, in which all that can't be seen, or that misleads, is ``\uXXXX`` as in JSON.

    That is control characters, line breaks, what turns others around, what has no width, blanks at an end or after
    another, marks that are drawn over what stands before them, and the signs of checks.
    """
    if text.isascii() and text.isprintable() and "  " not in text and text == text.strip(" "):
        return text
    shown = []
    before = " "
    for one in text:
        shown.append(_escaped(one) if _misleads(one, before) else one)
        before = one
    if text.endswith(" "):
        shown[-1] = _escaped(" ")
    return "".join(shown)


def visible_lines(text: str) -> str:
    """Return a text with each of its lines visible; whoever shows it indents those after the first."""
    lines = []
    for line in text.split("\n"):
        rest = line.lstrip(" ")
        lines.append(" " * (len(line) - len(rest)) + visible(rest))
    return "\n".join(lines)


def spelled(text: str) -> str:
    r"""Return a text with the words beside it that are not ASCII, escaped: another alphabet may look like ours."""
    return visible(text) + beside(text)


def beside(text: str) -> str:
    """Return what :func:`spelled` puts beside a text."""
    words = [word for word in visible(text).split(" ") if not word.isascii()]
    if not words:
        return ""
    return f" [{''.join(one if one.isascii() else _escaped(one) for one in ' '.join(words))}]"


def visible_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame to be shown, with all its texts visible, also those in lists and the names of its columns."""
    rows = [[_visible_value(value) for value in row] for row in frame.astype(object).to_numpy()]
    names = [_visible_value(name) for name in frame.columns]
    # Inferred, a column of amounts with a gap would be floats.
    return pd.DataFrame(rows, index=frame.index, columns=names, dtype=object)


def page(kind: str, *parts: str, title: str = "", environment: str = "") -> str:
    """Return the HTML of something that is shown.

    Parameters
    ----------
    kind
        The class of it, after ``lk-``.
    parts
        What is in it, as HTML.
    title, environment
        The bar at its head; without a title it has none.
    """
    colour = COLOURS.get(environment, COLOURS["TENANT"])
    bar = (
        f"<div style='border-top:4px solid {colour};padding:8px 0 0'><strong>{html.escape(visible(title))}</strong>"
        "</div>"
        if title
        else ""
    )
    # JupyterLab sets what stands between dollar signs as mathematics, which can draw any text over any other.
    return (
        f"<div class='lk-{kind} mathjax_ignore tex2jax_ignore' style='max-width:800px;"
        "font-family:var(--jp-ui-font-family,sans-serif);color:var(--jp-content-font-color1,inherit)'>"
        f"{bar}{''.join(parts)}</div>"
    )


def fields(rows: Iterable[tuple[str, str, str | None]]) -> str:
    """Return a table of labels and values; where there is a unit, the value is right-aligned before it.

    Parameters
    ----------
    rows
        Label as text, value as HTML, unit as text or None.
    """
    lines = []
    for label, value, unit in rows:
        head = f"<td style='{_LABEL}'>{_text(label)}</td>"
        style = "padding:0;vertical-align:top;white-space:pre-wrap;overflow-wrap:anywhere;text-align"
        if unit is None:
            lines.append(f"<tr>{head}<td colspan='2' style='{style}:left'>{value}</td></tr>")
        else:
            lines.append(
                f"<tr>{head}<td style='{style}:right;white-space:nowrap'>{value}</td>"
                f"<td style='{style}:left;width:100%;padding-left:.5em'>{_text(unit)}</td></tr>"
            )
    return f"<table style='margin:4px 0;border:0;font-variant-numeric:tabular-nums'>{''.join(lines)}</table>"


def address(value: str) -> str:
    """Return the HTML of an address: whole, in groups that margins part, so that what is copied is the address."""
    shown = visible(value)
    groups = (html.escape(shown[start : start + 4]) for start in range(0, len(shown), 4))
    spans = "".join(f"<span style='margin-right:.35em'>{group}</span>" for group in groups)
    return f"<span style='{_CODE}' title='{html.escape(shown)}'>{spans}</span>"


def amount(value: str) -> str:
    """Return the HTML of an amount: its digits in threes that margins part, so that what is copied is the amount."""
    shown = visible(value)
    digits = shown.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        return html.escape(shown)
    sign = shown[: len(shown) - len(digits)]
    return f"<span title='{shown}'>{sign}{in_threes(digits)}</span>"


def in_threes(digits: str) -> str:
    """Return the HTML of digits in threes that margins part."""
    head = len(digits) % 3 or 3
    rest = "".join(f"<span style='margin-left:.3em'>{group}</span>" for group in re.findall("...", digits[head:]))
    return digits[:head] + rest


def told(text: str) -> str:
    """Return the HTML of a text, with the addresses and hashes in it in groups."""
    shown, end = [], 0
    for found in _ADDRESS.finditer(text):
        shown += [html.escape(text[end : found.start()]), address(found[0])]
        end = found.end()
    return "".join([*shown, html.escape(text[end:])])


def _text(text: str) -> str:
    return html.escape(visible(text))


def _visible_value(value: Any) -> Any:
    if isinstance(value, list):
        return [_visible_value(one) for one in value]
    return visible(value) if isinstance(value, str) else value


def _misleads(one: str, before: str) -> bool:
    if one == " ":
        return before == " "
    if not one.isprintable() or one in _SIGNS or _UNSEEN.match(one) or _OVERLAYS.match(one):
        return True
    # Over a letter it is an accent; over anything else, or in a stack, it hides what it stands on.
    return unicodedata.category(one) in ("Mn", "Me") and not before.isalpha()


def _escaped(one: str) -> str:
    named = json.dumps(one)[1:-1]
    return named if named != one else f"\\u{ord(one):04x}"
