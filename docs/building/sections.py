"""One page per section of the API: every call with its operation, what it takes, and the columns that come back."""

import inspect
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from building import objects
from building.docstrings import list_table
from ledgerkit.frames import AMOUNT, DTYPES, FEES, LIST, NUMBER, OBJECT, Table
from ledgerkit.operations import FAMILIES, families
from ledgerkit.resources.base import Section, all_sections
from ledgerkit.session import Session

_ROLE = re.compile(r":[a-z]+:`~?([^`]+)`")
_UNITS = {AMOUNT: "base units of the account", FEES: "base units of the account's fees"}


@cache
def _notes() -> dict[str, str]:
    import ledgerkit

    frame = ledgerkit.operations()
    return {f"{row.method} {row.path}": row.note if isinstance(row.note, str) else "" for row in frame.itertuples()}


def named() -> list[str]:
    """Return the sections that a session has, in the order of their names; those of chains stand on one page."""
    return sorted({cls.name.partition(".")[0] for cls in _classes()})


def page(section: str) -> str:
    """Return the page of a section of a session."""
    title = f"session.{section}"
    parts = [f".. _section-{section}:", f"{title}\n{'=' * len(title)}"]
    classes = [cls for cls in _classes() if cls.name.partition(".")[0] == section]
    if len(classes) > 1 or classes[0].name != section:
        parts.append(_summary(_type_of(section)))
    for cls in classes:
        parts += _section(cls, title=len(classes) > 1)
    return "\n\n".join(parts) + "\n"


def _classes() -> list[type[Section]]:
    return sorted(
        (cls for cls in all_sections() if cls.__module__.startswith("ledgerkit.")), key=lambda cls: cls.name
    )


def _type_of(section: str) -> type:
    with Session(_nobody()) as session:
        return type(getattr(session, section))


def _nobody() -> Any:
    from ledgerkit.credentials import ReportingKey

    return ReportingKey("nobody", "nothing is sent with this")


def _summary(described: Any) -> str:
    return inspect.cleandoc(described.__doc__ or "").split("\n\n")[0].replace("\n", " ")


def _section(cls: type[Section], *, title: bool) -> Iterator[str]:
    methods = {
        name: method
        for name, method in vars(cls).items()
        if inspect.isfunction(method) and not name.startswith("_") and method.__doc__
    }
    if title:
        yield f"{cls.name}\n{'-' * len(cls.name)}"
    yield _summary(cls)
    tables = _tables(methods)
    rows = [
        (
            f":py:meth:`~session.{cls.name}.{name}`",
            _ROLE.sub(r"``\1``", _summary(method).split(". ")[0].rstrip(":.")),
            "\n".join(f"| ``{one}``" for one in getattr(method, "operations", ())) or "made of other calls",
        )
        for name, method in methods.items()
    ]
    yield list_table(("Call", "What it does", "Operation"), rows, "22 43 35", "lk-calls")
    for name, method in methods.items():
        said = _operation(cls, name, method, tables)
        yield objects.function(f"session.{cls.name}.{name}", _own(method), kind="method", more=said)
    if tables:
        heading = f"Columns of {cls.name}"
        yield f"{heading}\n{('^' if title else '-') * len(heading)}"
        yield (
            "The columns are the same, in this order, for no rows and for a million. What a newer API adds stands "
            "behind them."
        )
        for label, (table, names) in tables.items():
            yield _columns(cls, label, table, names)


def _own(method: Any) -> Any:
    """Return a method as it was written, without the columns that were added to its docstring."""
    return inspect.unwrap(method)


def _tables(methods: dict[str, Any]) -> dict[str, tuple[Table, list[str]]]:
    found: dict[str, tuple[Table, list[str]]] = {}
    for name, method in methods.items():
        table = getattr(method, "table", None)
        if table is None:
            continue
        same = next((label for label, (one, _) in found.items() if one.kinds == table.kinds), None)
        if same:
            found[same][1].append(name)
        else:
            found[name] = (table, [name])
    return found


def _operation(cls: type[Section], name: str, method: Any, tables: dict[str, tuple[Table, list[str]]]) -> str:
    made = getattr(method, "operations", ())
    if not made:
        return ""
    able = list(dict.fromkeys(family for one in made for family in families(one)))
    notes = _notes()
    lines = [f"| **API**: {' or '.join(f'``{one}``' for one in made)}"]
    lines.append(f"| **Who can**: {', '.join(FAMILIES[one] for one in able)}")
    lines += [f"| **Note**: {note}" for note in dict.fromkeys(notes[one] for one in made) if note]
    table = method.table
    label = next(label for label, (one, _) in tables.items() if one.kinds == table.kinds)
    result = inspect.signature(method).return_annotation
    frame = getattr(result, "__name__", str(result)) if not isinstance(result, str) else result
    where = f":ref:`columns <{_label(cls, label)}>`"
    if frame.endswith("DataFrame"):
        lines.append(f"| **Returns**: a DataFrame, one row per {table.name}; its {where} stand below")
    else:
        lines.append(f"| **Returns**: ``{frame}``, whose ``{table.name}`` is a frame of one row with these {where}")
    several = [one for one in inspect.signature(method).parameters if any(f"{{{one}}}" in path for path in made)]
    if several and all(path.startswith("GET ") for path in made) and "Many" in str(_own(method).__annotations__):
        lines.append(
            "| **Several ids**: one frame for all, with a last column ``error`` (str) that says what could not be had"
        )
    return "\n".join(lines)


def _label(cls: type[Section], name: str) -> str:
    return f"columns-{cls.name.replace('.', '-')}-{name.replace('_', '-')}"


def _columns(cls: type[Section], label: str, table: Table, names: list[str]) -> str:
    caption = f"One row per {table.name}, of " + ", ".join(f":py:meth:`~session.{cls.name}.{one}`" for one in names)
    rows = [(f"``{column}``", _dtype(kind), _meaning(kind)) for column, kind in table.kinds.items()]
    written = list_table(("Column", "dtype", "Holds"), rows, "50 25 25", "lk-columns")
    return f".. _{_label(cls, label)}:\n\n.. rubric:: {caption}\n\n{written}"


def _dtype(kind: str) -> str:
    return DTYPES[kind].partition(" of ")[0]


def _meaning(kind: str) -> str:
    if kind in _UNITS:
        return f"exact int, {_UNITS[kind]}"
    found = {NUMBER: "exact int or Decimal", LIST: "a list, as it came", OBJECT: "a dict, as it came"}
    return found.get(kind, "")


def operations_page() -> str:
    """Return the page of all operations, each with its call."""
    import ledgerkit

    tables: dict[str, list[tuple[str, str, str]]] = {}
    for row in ledgerkit.operations().itertuples():
        called = str(row.call).partition("(")[0]
        link = f":py:meth:`{called}`" if called.startswith("session.") else ":py:func:`ledgerkit.connect`"
        able = families(f"{row.method} {row.path}")
        notes = [
            "writes" if row.writes else "",
            "" if len(able) == len(FAMILIES) else f"only {' or '.join(FAMILIES[one] for one in able)}",
            row.note if isinstance(row.note, str) else "",
        ]
        text = "; ".join(note for note in notes if note)
        tables.setdefault(str(row.section), []).append((f"``{row.method} {row.path}``", link, text))
    title = "Operations of the API"
    text = (
        "Every operation of the Vault API 1.35.0, and those that only a LAM offers, with the call that makes it. "
        ":py:func:`ledgerkit.operations` gives the same as a frame, and :py:meth:`ledgerkit.Session.raw` makes any "
        "call that has no method of its own. Where nothing else is said, all credentials can make it."
    )
    parts = [f".. _operations:\n\n{title}\n{'=' * len(title)}\n\n{text}"]
    for section, rows in tables.items():
        table = list_table(("Operation", "Call", "Note"), rows, "45 30 25", "lk-operations")
        parts.append(f"{section}\n{'-' * len(section)}\n\n{table}")
    return "\n\n".join(parts) + "\n"
