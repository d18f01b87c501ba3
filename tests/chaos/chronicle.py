"""What the lists of a sandbox held at which moment, read beside the client: the truth that frames are held against.

A change is possible from before it is made until after it: a read that overlaps it may show either state.
"""

import itertools
import math
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ledgerkit.sandbox import Sandbox
from ledgerkit.sandbox.store import Collection

Node = dict[str, Any]
Fits = Callable[[Node], bool]


@dataclass
class State:
    """How one row was for a while: its node, or None where no list shows it."""

    node: Node | None
    begins: float
    ends: float = math.inf


class Chronicle:
    """The states of every row of some lists.

    Moments are numbers that only grow: :meth:`now` before a read and after it gives the span that it is judged by.
    """

    def __init__(self, sandbox: Sandbox, sections: Iterable[str]) -> None:
        self._moments = itertools.count()
        self._lock = threading.Lock()
        self._rows: dict[str, dict[Any, list[State]]] = {}
        self._collections: dict[str, Collection] = {}
        for section in sections:
            collection = getattr(sandbox.world, section)
            self._collections[section] = collection
            self._rows[section] = {}
            with collection.lock:
                for position in collection.select(()):
                    node = collection[position]
                    self._rows[section][node["id"]] = [State(node, self.now())]
                for change in ("append", "replace", "hide", "show", "remove"):
                    setattr(collection, change, self._noted(section, collection, getattr(collection, change)))

    def now(self) -> int:
        """Return a moment."""
        return next(self._moments)

    def must(self, section: str, begin: int, end: int, fits: Fits) -> set[Any]:
        """Return the ids of the rows that were listed, and fitted, from begin to end."""
        return {
            identifier
            for identifier, states in self._between(section, begin, end)
            if states and all(state.node is not None and fits(state.node) for state in states)
        }

    def may(self, section: str, begin: int, end: int, fits: Fits) -> dict[Any, list[Node]]:
        """Return how the rows that were listed, and fitted, at any moment from begin to end were then, by id."""
        found = {
            identifier: [state.node for state in states if state.node is not None and fits(state.node)]
            for identifier, states in self._between(section, begin, end)
        }
        return {identifier: nodes for identifier, nodes in found.items() if nodes}

    def ever(self, section: str) -> dict[Any, list[Node]]:
        """Return how every row has ever been, by id."""
        return self.may(section, 0, self.now(), lambda node: True)

    def show_all(self) -> None:
        """Bring back what was taken out."""
        for collection in self._collections.values():
            with collection.lock:
                for position in list(collection._hidden):
                    collection.show(position)

    def _between(self, section: str, begin: int, end: int) -> Iterator[tuple[Any, list[State]]]:
        with self._lock:
            rows = {identifier: list(states) for identifier, states in self._rows[section].items()}
        for identifier, states in rows.items():
            known = [state for state in states if state.begins <= end and state.ends >= begin]
            # Before its first state a row was in no list.
            if states[0].begins > begin:
                known.append(State(None, -1, states[0].begins))
            yield identifier, known

    def _noted(self, section: str, collection: Collection, original: Callable[[Any], None]) -> Callable[[Any], None]:
        def change(what: Any) -> None:
            with collection.lock:
                identifier = self._identifier(collection, original.__name__, what)
                begins = self.now()
                original(what)
                node = None if self._is_hidden(collection, identifier) else collection.find(identifier)
                ends = self.now()
                with self._lock:
                    states = self._rows[section].setdefault(identifier, [])
                    if states:
                        states[-1].ends = ends
                    states.append(State(node, begins))

        return change

    @staticmethod
    def _identifier(collection: Collection, change: str, what: Any) -> Any:
        match change:
            case "append" | "replace":
                return what["id"]
            case "hide" | "show":
                return collection.ids[what]
            case _:
                return what

    @staticmethod
    def _is_hidden(collection: Collection, identifier: Any) -> bool:
        position = collection.position(identifier)
        return position is None or position in collection._hidden
