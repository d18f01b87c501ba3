"""Functions and classes as directives of the Python domain."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from building.docstrings import Docstring, hints, in_words, indented, list_table, shown, signature

_KNOWN = ("Parameters", "Attributes", "Returns", "Raises", "Warns", "Yields")


def function(name: str, called: Callable[..., Any], *, kind: str = "function", more: str = "") -> str:
    """Return a function or a method under the name that people call it by.

    Parameters
    ----------
    kind
        ``function``, ``method`` or ``classmethod``.
    more
        What stands between the text and the parameters.
    """
    return f"{_head(kind, name, shown(signature(called)))}\n\n{indented(body(called, more=more))}\n"


def _head(kind: str, name: str, arguments: str) -> str:
    """Return the first lines of a directive. What is of the kit says its module: references inside go by it."""
    module, _, last = name.rpartition(".")
    if not name.startswith("ledgerkit."):
        return f".. py:{kind}:: {name}{arguments}"
    return f".. py:{kind}:: {last}{arguments}\n   :module: {module}"


def body(called: Any, *, more: str = "", skip: frozenset[str] = frozenset()) -> str:
    """Return what a docstring says, with the annotations beside the parameters."""
    docstring = Docstring.of(called)
    return "\n\n".join(
        part
        for part in (
            docstring.text,
            more,
            parameters(docstring, signature(called), hints(inspect.unwrap(called))),
            *(_section(docstring, name) for name in docstring.sections if name != "Parameters" and name not in skip),
        )
        if part
    )


def parameters(docstring: Docstring, found: inspect.Signature | None, annotations: dict[str, Any]) -> str:
    """Return a table of all parameters: what each takes, by default, and what it means."""
    there = found.parameters if found else {}
    groups = [(entry.names, entry.text) for entry in docstring.entries("Parameters")]
    group_of = {name.lstrip("*"): group for group in groups for name in group[0]}
    rows, done = [], set()
    for name in [*there, *group_of]:
        if name in done:
            continue
        names, text = group_of.get(name, ([name], ""))
        names = [one.lstrip("*") for one in names]
        done.update(names)
        takes = {one: _takes(annotations.get(one), there[one]) if one in there else "" for one in names}
        same = len(set(takes.values())) == 1
        told = takes[names[0]] if same else "\n".join(f"| ``{one}``: {said}" for one, said in takes.items())
        stars = {one: _STARS.get(there[one].kind, "") if one in there else "" for one in names}
        rows.append(("\n".join(f"| ``{stars[one]}{one}``" for one in names), told, text))
    return list_table(("Parameter", "Takes", "Meaning"), rows, "20 30 50", "lk-parameters") if rows else ""


_STARS: Mapping[Any, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}


def _takes(hint: Any, one: inspect.Parameter) -> str:
    takes = in_words(one.annotation if hint is None else hint)
    if one.default in (inspect.Parameter.empty, None) or str(one.default).startswith("<") or one.kind in _STARS:
        return takes
    return f"{takes}{'; ' if takes else ''}by default ``{one.default!r}``"


def _section(docstring: Docstring, name: str) -> str:
    if name in _KNOWN:
        entries = docstring.entries(name)
        head = {"Attributes": "Attribute", "Returns": "Returns", "Yields": "Yields"}.get(name, name)
        if not entries:
            return ""
        if name in ("Raises", "Warns"):
            lines = [f"* {_linked(one)}: {entry.text}" for entry in entries for one in entry.names]
            return f"**{head}**\n\n" + "\n".join(_item(line) for line in lines)
        lines = [f"* ``{', '.join(entry.names)}``{_behind(entry.kind)}: {entry.text}" for entry in entries]
        return f"**{head}**\n\n" + "\n".join(_item(line) for line in lines)
    return f"**{name}**\n\n{docstring.sections[name]}"


def _item(line: str) -> str:
    first, *rest = line.splitlines()
    return "\n".join([first, *(f"  {one}" for one in rest)])


def _behind(kind: str) -> str:
    return f" ({kind})" if kind else ""


def _linked(name: str) -> str:
    import builtins

    return f"``{name}``" if hasattr(builtins, name) else f":py:exc:`{name}`"


def kind(name: str, cls: type, *, members: Iterable[str] | None = None, made: bool = True) -> str:
    """Return a class with its public members.

    Parameters
    ----------
    members
        Which of them; by default those with a docstring.
    made
        Whether people make it themselves: only then its parameters are part of the reference.
    """
    arguments = shown(signature(cls)) if made and not issubclass(cls, BaseException) else ""
    head = [_head("exception" if issubclass(cls, BaseException) else "class", name, arguments)]
    canonical = f"{cls.__module__}.{cls.__qualname__}"
    if canonical != name:
        head.append(f"   :canonical: {canonical}")
    inside = "\n\n".join(_members(cls, members))
    docstring = Docstring.of(cls)
    table = parameters(docstring, signature(cls) if arguments else None, _annotations(cls)) if made else ""
    text = "\n\n".join(
        part
        for part in (
            docstring.text,
            table or _plainly(docstring),
            *(_section(docstring, section) for section in docstring.sections if section != "Parameters"),
            inside,
        )
        if part
    )
    return "\n".join(head) + f"\n\n{indented(text)}\n"


def _plainly(docstring: Docstring) -> str:
    rows = [(f"``{name}``", text) for name, text in docstring.described().items()]
    return list_table(("Field", "Meaning"), rows, "25 75", "lk-parameters") if rows else ""


def _annotations(cls: type) -> dict[str, Any]:
    found = hints(cls)
    return found if issubclass(cls, tuple) or "__init__" not in vars(cls) else {**found, **hints(cls.__init__)}


def _members(cls: type, chosen: Iterable[str] | None) -> Iterator[str]:
    names = chosen if chosen is not None else public(cls)
    for name in names:
        member = inspect.getattr_static(cls, name)
        if isinstance(member, property):
            yield f".. py:property:: {name}\n\n{indented(body(member.fget, skip=frozenset(_KNOWN)))}\n"
        elif isinstance(member, classmethod | staticmethod):
            directive = "classmethod" if isinstance(member, classmethod) else "staticmethod"
            yield function(name, getattr(cls, name), kind=directive)
        else:
            yield function(name, member, kind="method")


def public(cls: type) -> Iterator[str]:
    """Return the members that are for people: named without an underscore, described, and of the kit."""
    seen: set[str] = set()
    for owner in cls.__mro__:
        if not owner.__module__.startswith("ledgerkit"):
            continue
        for name, member in vars(owner).items():
            if name.startswith("_") or name in seen:
                continue
            seen.add(name)
            told = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
            if inspect.isroutine(told) and getattr(told, "__doc__", None):
                yield name
