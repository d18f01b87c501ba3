"""A payload as people read it before they confirm: plain words first, then the exact JSON."""

import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Form = Literal["text", "amount", "address"]


@dataclass(frozen=True)
class Line:
    """One line of a summary: what it is, and its value in whole."""

    label: str
    value: str
    form: Form = "text"
    unit: str = ""


@dataclass(frozen=True)
class Preview:
    """What a payload does: ``title`` and ``lines`` in plain words, and ``body``, the exact JSON with secrets masked.

    Nothing is shortened, and characters that can't be seen are written as escapes.
    """

    title: str
    lines: Sequence[Line]
    body: dict[str, Any] = field(repr=False)
    destination: str

    def __str__(self) -> str:
        width = max((len(line.label) for line in self.lines), default=0)
        said = [
            f"  {line.label.ljust(width)}  {visible(line.value)}{f' {line.unit}' if line.unit else ''}".replace(
                "\n", "\n" + " " * (width + 4)
            )
            for line in self.lines
        ]
        return "\n".join([visible(self.title), *said, f"{self.destination} with exactly:", self._json()])

    __repr__ = __str__

    def _json(self) -> str:
        return visible(json.dumps(self.body, ensure_ascii=False, indent=2, allow_nan=False))

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='padding:0 12px 0 0;text-align:left;vertical-align:top;"
            f"color:var(--jp-content-font-color2,inherit)'>{html.escape(line.label)}</td>"
            f"<td style='text-align:left;white-space:pre-wrap;overflow-wrap:anywhere'>{_cell(line)}</td></tr>"
            for line in self.lines
        )
        return (
            "<div class='lk-preview' style='max-width:960px;font-family:var(--jp-ui-font-family,sans-serif);"
            "color:var(--jp-content-font-color1,inherit)'>"
            f"<strong>{html.escape(visible(self.title))}</strong>"
            f"<table style='margin:4px 0;border:0;font-variant-numeric:tabular-nums'>{rows}</table>"
            f"<div style='font-size:12px;color:var(--jp-content-font-color2,inherit)'>"
            f"{html.escape(self.destination)} with exactly:</div>"
            "<pre style='white-space:pre-wrap;overflow-wrap:anywhere;margin:4px 0;"
            f"font-family:var(--jp-code-font-family,monospace)'>{html.escape(self._json())}</pre></div>"
        )


def visible(text: str) -> str:
    r"""Return a text in which characters that can't be seen, or turn others around, are ``\uXXXX`` as in JSON."""
    return "".join(
        one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] if one != "\x7f" else r"\u007f"
        for one in text
    )


def _cell(line: Line) -> str:
    # Gaps are drawn, not written: what is copied has none.
    value = visible(line.value)
    unit = f" {html.escape(line.unit)}" if line.unit else ""
    if line.form == "amount":
        head = len(value) % 3 or 3
        pieces = [value[:head], *re.findall("...", value[head:])]
        return f"<span title='{html.escape(value)}'>{_spaced(pieces)}</span>{unit}"
    if line.form == "address":
        pieces = re.findall(".{1,4}", value)
        return f"<span style='font-family:var(--jp-code-font-family,monospace)'>{_spaced(pieces)}</span>{unit}"
    return f"{html.escape(value)}{unit}"


def _spaced(pieces: list[str]) -> str:
    first, *rest = pieces
    return html.escape(first) + "".join(
        f"<span style='margin-left:.3em'>{html.escape(piece)}</span>" for piece in rest
    )
