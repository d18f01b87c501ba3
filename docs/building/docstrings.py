"""Docstrings and annotations as the reference shows them."""

import importlib
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

# More than these stand on a page of their own.
_MOST_CHOICES = 24
_WITH_VALUES = ("ledgerkit.vocabulary", "ledgerkit.payloads.transactions", "ledgerkit.payloads.requests")
_RULE = re.compile(r"-{3,}")


@dataclass
class Entry:
    """One thing of a section: its names, what stands behind the colon, and its text."""

    names: list[str]
    kind: str
    text: str


@dataclass
class Docstring:
    """A NumPy docstring: its text, and its sections."""

    text: str
    sections: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, described: Any) -> "Docstring":
        """Read the docstring of an object; one that it inherits counts only for methods."""
        written = getattr(described, "__doc__", None) or ""
        parts: dict[str, list[str]] = {"": []}
        name = ""
        lines = inspect.cleandoc(written).splitlines()
        for place, line in enumerate(lines):
            following = lines[place + 1] if place + 1 < len(lines) else ""
            if _RULE.fullmatch(following.strip()) and line.strip():
                name = line.strip()
                parts.setdefault(name, [])
            elif not (_RULE.fullmatch(line.strip()) and name):
                parts[name].append(line)
        read = {title: "\n".join(text).strip("\n") for title, text in parts.items()}
        return cls(read.pop("").strip(), read)

    def entries(self, section: str) -> list[Entry]:
        """Return the entries of a section such as ``Parameters``."""
        found: list[Entry] = []
        for line in self.sections.get(section, "").splitlines():
            if line and not line.startswith(" "):
                names, _, kind = line.partition(" : ")
                found.append(Entry([one.strip() for one in names.split(",")], kind.strip(), ""))
            elif found:
                found[-1].text += f"{line}\n"
        for entry in found:
            entry.text = inspect.cleandoc(entry.text)
        return found

    def described(self, section: str = "Parameters") -> dict[str, str]:
        """Return the text of each name of a section; names that share a text have it each."""
        return {name.lstrip("*"): entry.text for entry in self.entries(section) for name in entry.names}


def signature(called: Callable[..., Any]) -> inspect.Signature | None:
    """Return a signature without the object that it is called on; None for what has none."""
    try:
        found = inspect.signature(called)
    except (TypeError, ValueError):
        return None
    return found.replace(parameters=[one for name, one in found.parameters.items() if name not in ("self", "cls")])


def shown(found: inspect.Signature | None) -> str:
    """Return a signature without annotations, which stand in the table below it."""
    if found is None:
        return ""
    plain = [
        one.replace(annotation=inspect.Parameter.empty, default=_Default.of(one.default))
        for one in found.parameters.values()
    ]
    return str(found.replace(parameters=plain, return_annotation=inspect.Signature.empty))


class _Default:
    """A default as code would write it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text

    @classmethod
    def of(cls, value: Any) -> Any:
        if value is inspect.Parameter.empty or isinstance(value, str | int | bool | float | None):
            return value
        # The repr of a function or of an object has an address in memory, which differs from build to build.
        text = repr(value)
        return cls("..." if text.startswith("<") or " at 0x" in text else text)


def hints(described: Any) -> dict[str, Any]:
    """Return annotations, as far as they can be read."""
    try:
        return typing.get_type_hints(described)
    except (NameError, TypeError, AttributeError):
        return dict(getattr(described, "__annotations__", {}))


def in_words(hint: Any) -> str:
    """Return what an annotation takes, as a line of reStructuredText; nothing where anything goes."""
    single: list[str] = []
    choices: list[str] = []
    several = False
    for member in _members(hint):
        origin = typing.get_origin(member)
        if member in (type(None), Any, inspect.Parameter.empty):
            continue
        if origin is typing.Literal:
            values = typing.get_args(member)
            named = values_named(member) if len(values) > _MOST_CHOICES else None
            choices += [named] if named else [_code(one if isinstance(one, str) else repr(one)) for one in values]
        elif origin is not None and _is_series(origin) and _covered(member, hint):
            several = True
        else:
            single.append(_named(member))
    words = list(dict.fromkeys(single))
    if choices:
        words.append(("one of " if len(choices) > 1 else "") + ", ".join(dict.fromkeys(choices)))
    text = " or ".join(words)
    return f"{text}; or several" if several else text


def closed_sets() -> dict[str, Any]:
    """Return the sets of values that the kit has a name for, by name."""
    found: dict[str, Any] = {}
    for module in _WITH_VALUES:
        for name, hint in vars(importlib.import_module(module)).items():
            if typing.get_origin(hint) is typing.Literal and not name.startswith("_"):
                found.setdefault(name, hint)
    return dict(sorted(found.items()))


def values_named(hint: Any) -> str | None:
    """Return a link to the values of a closed set, and how many there are."""
    name = next((name for name, one in closed_sets().items() if one == hint), None)
    return f"{len(typing.get_args(hint))} :ref:`values of {name} <values-{name.lower()}>`" if name else None


def _is_series(origin: Any) -> bool:
    return isinstance(origin, type) and issubclass(origin, Sequence)


def _covered(series: Any, hint: Any) -> bool:
    """Say whether a union takes one of what the sequence in it holds: an id, or several."""
    inner = set(_members(typing.get_args(series)[0])) if typing.get_args(series) else set()
    return bool(inner) and inner <= set(_members(hint)) - {series}


def _members(hint: Any) -> Iterator[Any]:
    if typing.get_origin(hint) is typing.Annotated:
        yield from _members(typing.get_args(hint)[0])
    elif typing.get_origin(hint) in (typing.Union, types.UnionType):
        for member in typing.get_args(hint):
            yield from _members(member)
    else:
        yield hint


def _named(hint: Any) -> str:
    if isinstance(hint, str):
        return _code(hint)
    if isinstance(hint, type) and typing.get_origin(hint) is None:
        return _code(hint.__name__)
    text = re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Za-z])", "", str(hint))
    return _code(text.replace("~", ""))


def _code(text: str) -> str:
    return f"``{text}``"


def indented(text: str, by: int = 3) -> str:
    """Return a text with each line moved to the right."""
    return "\n".join(f"{' ' * by}{line}" if line.strip() else "" for line in text.splitlines())


def list_table(head: Sequence[str], rows: Iterable[Sequence[str]], widths: str = "auto", kind: str = "") -> str:
    """Return a table of reStructuredText whose cells may hold anything."""
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}"]
    lines += [f"   :class: {kind}"] if kind else []
    lines.append("")
    for row in (head, *rows):
        for place, cell in enumerate(row):
            written = indented(cell, 7).lstrip() or ""
            lines.append(f"   {'* -' if place == 0 else '  -'} {written}".rstrip())
    return "\n".join(lines)
