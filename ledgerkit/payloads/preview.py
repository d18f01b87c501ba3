"""A payload as people read it before they confirm: plain words first, then the exact JSON."""

import html
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ledgerkit.showing import QUIET, address, amount, beside, fields, page, spelled, visible, visible_lines

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
        indent = "\n" + " " * (width + 4)
        said = [
            f"  {visible(line.label):<{width}}  {_value(line).replace(chr(10), indent)} {visible(line.unit)}".rstrip()
            for line in self.lines
        ]
        return "\n".join([visible(self.title), *said, f"{self.destination} with exactly:", self._json()])

    __repr__ = __str__

    def _json(self) -> str:
        return visible_lines(json.dumps(self.body, ensure_ascii=False, indent=2, allow_nan=False))

    def _repr_html_(self) -> str:
        rows = ((line.label, _cell(line), line.unit or None) for line in self.lines)
        # Folded where the lines say it all, so that what has to be read is in view.
        opened = "" if self._says_all() else " open"
        return page(
            "preview",
            f"<strong>{html.escape(visible(self.title))}</strong>",
            fields(rows),
            f"<details{opened}><summary style='{QUIET}'>{html.escape(self.destination)} with exactly this JSON"
            "</summary><pre style='white-space:pre-wrap;overflow-wrap:anywhere;margin:4px 0;"
            f"font-family:var(--jp-code-font-family,monospace)'>{html.escape(self._json())}</pre></details>",
        )

    def _says_all(self) -> bool:
        """Say whether every value of the body stands in the summary, but the types that plain words are for."""
        said = "\n".join([self.title, *(f"{line.value} {line.unit}" for line in self.lines)]).casefold()
        values = set(_leaves(self.body)) - {self.body.get("type"), "CUSTOM"}
        return all(value.removeprefix("-").casefold() in said for value in values)


def _value(line: Line) -> str:
    if line.form == "address" or line.label in ("Account", "Name"):
        return spelled(line.value)  # letters of another alphabet may look like those that were meant
    return visible_lines(line.value)


def _cell(line: Line) -> str:
    if line.form == "amount":
        return amount(line.value)
    if line.form == "address":
        return address(line.value) + html.escape(beside(line.value))
    return html.escape(_value(line))


def _leaves(body: Any) -> Iterator[str]:
    if isinstance(body, Mapping):
        for value in body.values():
            yield from _leaves(value)
    elif isinstance(body, list):
        for value in body:
            yield from _leaves(value)
    elif body is not None:
        yield str(body)
