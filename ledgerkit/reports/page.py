"""A report as HTML: what stands below a cell, and a page of its own that runs nothing."""

import html
import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import pandas as pd

from ledgerkit import showing
from ledgerkit.showing import QUIET, visible

# What is shown of a table below a cell; a page and a workbook have all rows.
MOST_ROWS: Final = 12
MOST_CELL: Final = 120
MISSING: Final = "–"
_QUOTED: Final = re.compile(r"(`{1,2})([^`]+)\1")
_CODE: Final = "font-family:var(--jp-code-font-family,monospace);font-size:.92em"
_CELL: Final = "padding:2px 12px 2px 0;vertical-align:top;white-space:nowrap"
_NUMBER: Final = f"{_CELL};text-align:right"
_WORD: Final = f"{_CELL};text-align:left"
# Read with the style of a notebook where there is one, and on its own in light and dark.
_STYLE: Final = """
:root{color-scheme:light dark}
body{font-family:system-ui,sans-serif;margin:24px;line-height:1.45}
h1{font-size:20px} h2{font-size:15px;margin:24px 0 4px}
table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}
th{border-bottom:1px solid GrayText}
figure{margin:16px 0;background:white;padding:8px;overflow-x:auto;width:fit-content}
section{overflow-x:auto}
"""


def outline(
    title: str,
    tables: Mapping[str, pd.DataFrame],
    notes: Sequence[str],
    about: Mapping[str, Any],
    charts: Sequence[str],
    called: str = "report",
) -> str:
    """Return what stands below a cell: title, notes, and the head of each table.

    Parameters
    ----------
    called
        What people call it in code, for the lines that show more.
    """
    parts = [_sentences(notes), *(_section(name, frame, MOST_ROWS, called) for name, frame in tables.items())]
    if charts:
        calls = ", ".join(f'{called}.chart("{visible(name)}")' for name in charts)
        parts.append(f"<div style='{QUIET};margin-top:8px'>Charts: {html.escape(calls)}</div>")
    environment = str(about.get("environment", ""))
    return _wide(showing.page("report", *parts, title=f"{environment} · {title}", environment=environment))


def whole_page(
    title: str,
    tables: Mapping[str, pd.DataFrame],
    notes: Sequence[str],
    about: Mapping[str, Any],
    drawings: Mapping[str, str],
) -> str:
    """Return a page of its own: all rows of all tables, and the charts as drawings."""
    environment = str(about.get("environment", ""))
    figures = "".join(f"<figure>{drawing}</figure>" for drawing in drawings.values())
    facts = [(name, _text(value if isinstance(value, str) else _plain(value)), None) for name, value in about.items()]
    body = "".join(
        [
            _sentences(notes),
            figures,
            *(_section(name, frame, None) for name, frame in tables.items()),
            f"<h2>About</h2>{showing.fields(facts)}",
        ]
    )
    shown = showing.page("report", body, title=f"{environment} · {title}", environment=environment)
    # No script, nothing loaded: names come from the service, and the page is opened from a disk.
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return (
        f"<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'>"
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head><body>{_wide(shown)}</body></html>"
    )


def counted(frame: pd.DataFrame) -> str:
    """Say how many rows a frame has."""
    return "1 row" if len(frame) == 1 else f"{len(frame):,} rows"


def _wide(page: str) -> str:
    # A card is as narrow as it is read best; tables take the width that they need.
    return page.replace("max-width:800px;", "", 1)


def _sentences(notes: Sequence[str]) -> str:
    return "".join(f"<div style='margin:4px 0'>! {_prose(note)}</div>" for note in notes)


def _prose(note: str) -> str:
    """Return a note with what stands between backticks, such as a column, as code."""
    return _QUOTED.sub(rf"<code style='{_CODE}'>\2</code>", _text(note))


def _section(name: str, frame: pd.DataFrame, most: int | None, called: str = "") -> str:
    shown = frame if most is None else frame.head(most)
    rows = counted(frame)
    if len(shown) < len(frame):
        rows = f"the first {len(shown)} of {rows}; {called}[{name!r}] has all"
    words = name.replace("_", " ")
    head = f"<h2 style='font-size:13px;margin:12px 0 2px'>{_text(words[:1].upper() + words[1:])} "
    head += f"<span style='{QUIET};font-weight:normal'>{_text(rows)}</span></h2>"
    if not len(frame):
        return head
    numeric = [_is_number(frame[column]) for column in frame.columns]
    styles = [_NUMBER if one else _WORD for one in numeric]
    titles = "".join(
        f"<th style='{style}'>{_text(str(column))}</th>" for style, column in zip(styles, shown, strict=True)
    )
    lines = [
        "".join(f"<td style='{style}'>{_value(value)}</td>" for style, value in zip(styles, row, strict=True))
        for row in zip(*(shown[column] for column in shown.columns), strict=True)
    ]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    table = f"<table style='margin:0;font-variant-numeric:tabular-nums'><thead><tr>{titles}</tr></thead>"
    return f"<section style='overflow-x:auto'>{head}{table}<tbody>{body}</tbody></table></section>"


def _is_number(values: "pd.Series[Any]") -> bool:
    if values.dtype == object:
        there = [one for one in values if one is not None and one is not pd.NA]
        return bool(there) and all(isinstance(one, int | Decimal) and not isinstance(one, bool) for one in there)
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _value(value: Any) -> str:
    if not isinstance(value, list | dict | str) and (value is None or bool(pd.isna(value))):
        return MISSING
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return _digits(value)
    shown = visible(_plain(value))
    if len(shown) > MOST_CELL:
        return f"<span title='{html.escape(shown)}'>{html.escape(shown[:MOST_CELL])}…</span>"
    return html.escape(shown)


def _digits(value: int | Decimal) -> str:
    """Return a number with its digits in threes, a true minus sign and no zeros that say nothing."""
    text = format(value, "f") if isinstance(value, Decimal) else str(value)
    sign = "−" if text.startswith("-") else ""
    whole, _, places = text.removeprefix("-").partition(".")
    places = places.rstrip("0")
    return f"{sign}{showing.in_threes(whole)}{'.' + places if places else ''}"


def _plain(value: Any) -> str:
    if isinstance(value, pd.Timestamp):
        day = value == value.normalize()
        return value.strftime("%Y-%m-%d") if day else value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, pd.Timedelta):
        return _duration(value)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _duration(value: pd.Timedelta) -> str:
    seconds = abs(value.total_seconds())
    sign = "−" if value < pd.Timedelta(0) else ""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{sign}{seconds / size:.1f} {unit}"
    return f"{sign}{seconds:.0f} s"


def _text(text: str) -> str:
    return html.escape(visible(text))
