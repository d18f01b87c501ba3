"""The calls of the kit: which method makes an operation, and arguments that every call takes."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import pandas as pd

import ledgerkit as lk
from ledgerkit.filters import Filter, filters
from ledgerkit.frames import Table
from ledgerkit.operations import marked
from ledgerkit.resources.base import all_sections

SAMPLES: Mapping[str, Any] = {
    "integer": 7,
    "text": "7",
    "time": "2026-01-31",
    "day": "2026-01-31",
    "exact": 5,
    "flag": True,
}


@dataclass(frozen=True)
class Call:
    """The method that makes an operation."""

    operation: str
    section: str
    method: Callable[..., pd.DataFrame]

    @property
    def filters(self) -> Mapping[str, Filter]:
        """What the method takes."""
        return filters(self.method)

    @property
    def table(self) -> Table:
        """The table of its frames."""
        return marked(self.method).table

    def arguments(self, **more: Any) -> dict[str, Any]:
        """Return what the call can't be made without, and more."""
        given = {}
        for name, parameter in inspect.signature(self.method).parameters.items():
            inside = f"{{{name}}}" in self.operation
            if name != "self" and (inside or parameter.default is parameter.empty):
                given[name] = self.sample(name)
        return {**given, **more}

    def sample(self, name: str) -> Any:
        """Return a value that a parameter takes."""
        known = self.filters[name]
        return known.choices[0] if known.choices else SAMPLES[known.kind]

    def samples(self, name: str) -> Any:
        """Return two values of a parameter that takes several, one of any other."""
        known = self.filters[name]
        if not known.many:
            return self.sample(name)
        return list(known.choices[:2]) if known.choices else [7, 8]

    def make(self, session: lk.Session, **more: Any) -> pd.DataFrame:
        """Make the call."""
        section = attrgetter(self.section)(session)
        frame: pd.DataFrame = getattr(section, self.method.__name__)(**self.arguments(**more))
        return frame


def all_calls() -> list[Call]:
    """Return every operation that a method claims, as often as one claims it."""
    return [
        Call(operation, section.name, method)
        for section in all_sections()
        for method in vars(section).values()
        for operation in getattr(method, "operations", ())
    ]


BY_OPERATION: Mapping[str, Call] = {call.operation: call for call in all_calls()}
