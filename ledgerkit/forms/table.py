"""A table that is sorted, searched and paged in the kernel.

Numbers stay exact, and the browser and a saved notebook hold the page that is shown alone.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import anywidget
import numpy as np
import pandas as pd
import traitlets

from ledgerkit.forms.views import View
from ledgerkit.showing import visible

PAGE_SIZES: Final = (20, 50, 100)
LONGEST_QUERY: Final = 200

Opened = Callable[[str, Any], None]


class Table(anywidget.AnyWidget):
    """A page of a view, with a search in it, sorting, and links.

    The browser has texts alone, and sends what was searched, sorted, turned to and opened.

    Attributes
    ----------
    columns
        Name, title, kind and tooltip of each column that is shown.
    rows
        The cells of the page that is shown.
    query, sort_column, ascending, page, page_size, all_columns
        What is asked for; pages count from 0. What can't be done is put right.
    total, matching
        How many rows there are, and how many of them the query finds.
    status
        Which rows are shown, and how they are sorted, in words.
    empty
        What is said where there are no rows.
    """

    # As text: of a path anywidget watches the file, and keeps every table, with its frame, while the kernel runs.
    _esm = Path(__file__).with_name("table.js").read_text(encoding="utf-8")

    columns: traitlets.List[Any] = traitlets.List().tag(sync=True)
    rows: traitlets.List[Any] = traitlets.List().tag(sync=True)
    query = traitlets.Unicode("").tag(sync=True)
    sort_column = traitlets.Unicode("").tag(sync=True)
    ascending = traitlets.Bool(True).tag(sync=True)
    page = traitlets.Int(0).tag(sync=True)
    page_size = traitlets.Int(PAGE_SIZES[0]).tag(sync=True)
    all_columns = traitlets.Bool(False).tag(sync=True)
    total = traitlets.Int(0).tag(sync=True)
    matching = traitlets.Int(0).tag(sync=True)
    status = traitlets.Unicode("").tag(sync=True)
    empty = traitlets.Unicode("").tag(sync=True)

    def __init__(self) -> None:
        self._view: View | None = None
        self._opened: list[Opened] = []
        # What the links of this frame lead to: an id may be too large for a number of JavaScript, and goes as text.
        self._links: dict[tuple[str, str], Any] = {}
        self._found: tuple[str, tuple[str, ...], np.ndarray[Any, Any]] = ("", (), np.arange(0))
        self._drawing = False
        super().__init__()
        self.observe(self._changed, ["query", "sort_column", "ascending", "page", "page_size", "all_columns"])
        self.on_msg(self._received)

    def show(self, frame: pd.DataFrame, view: View, *, empty: str = "") -> None:
        """Show a frame from its first page on.

        Parameters
        ----------
        frame, view
            What is shown, and how, from :func:`ledgerkit.forms.views.view`.
        empty
            What to say where there are no rows.
        """
        self._view, self._links = view, {}
        self._found = ("", (), np.arange(len(frame)))
        self._drawing = True
        try:
            with self.hold_sync():
                self.empty, self.query, self.sort_column, self.ascending, self.page = empty, "", "", True, 0
                self._draw()
        finally:
            self._drawing = False

    def clear(self) -> None:
        """Show nothing."""
        self._view, self._links = None, {}
        with self.hold_sync():
            self.columns, self.rows, self.status, self.empty = [], [], "", ""
            self.total = self.matching = 0

    def on_open(self, callback: Opened) -> None:
        """Have a callback called with the kind and the id of what a link leads to."""
        self._opened.append(callback)

    def positions(self) -> "np.ndarray[Any, Any]":
        """Return the positions in the frame of all rows that the query finds, as they are sorted."""
        view = self._view
        if view is None:
            return np.arange(0)
        found = self._search(view)
        if not self.sort_column:
            return found
        order = view.order(self.sort_column, ascending=self.ascending)
        chosen = np.zeros(len(view.frame), dtype=bool)
        chosen[found] = True
        return np.compress(chosen[order], order)

    def _shown(self, view: View) -> tuple[str, ...]:
        return tuple(view.columns) if self.all_columns else view.shown

    def _search(self, view: View) -> "np.ndarray[Any, Any]":
        query, names = self.query.strip(), self._shown(view)
        before, searched, within = self._found
        if query != before or names != searched:
            # Every further letter narrows down what was found already.
            if names != searched or not query.startswith(before):
                within = np.arange(len(view.frame))
            self._found = (query, names, view.matching(query, names, within) if query else within)
        return self._found[2]

    def _changed(self, change: Any) -> None:
        if self._drawing or self._view is None:
            return
        self._drawing = True
        try:
            with self.hold_sync():
                if change["name"] != "page":
                    self.page = 0
                self._draw()
        finally:
            self._drawing = False

    def _draw(self) -> None:
        view = self._view
        if view is None:
            return
        # A view of before may ask for what this frame has not.
        names = self._shown(view)
        self.query = self.query[:LONGEST_QUERY]
        self.sort_column = self.sort_column if self.sort_column in names else ""
        self.page_size = min(PAGE_SIZES, key=lambda size: abs(size - self.page_size))
        positions = self.positions()
        self.page = max(0, min(self.page, (len(positions) - 1) // self.page_size))
        first = self.page * self.page_size
        page = positions[first : first + self.page_size]
        self.columns = [
            {"name": one.name, "title": one.title, "kind": one.kind, "tooltip": one.tooltip}
            for one in (view.columns[name] for name in names)
        ]
        self.rows = [[self._cell(view, name, int(position)) for name in names] for position in page]
        self.total, self.matching = len(view.frame), len(positions)
        self.status = self._status(view, first, len(page))

    def _cell(self, view: View, name: str, position: int) -> dict[str, Any]:
        cell = view.cell(name, position)
        link = None
        if cell.link:
            kind, target = cell.link
            self._links[kind, str(target)] = target
            link = {"kind": kind, "id": str(target)}
        return {"text": cell.text, "copy": cell.copy, "title": cell.title, "link": link, "state": cell.state}

    def _status(self, view: View, first: int, shown: int) -> str:
        if not self.matching:
            searched = "all columns" if self.all_columns else "the columns shown"
            return f"No row has “{visible(self.query.strip())}” in {searched}" if self.total else ""
        text = f"Rows {first + 1:,} to {first + shown:,} of {self.matching:,}"
        if self.query.strip():
            text += f" that have “{visible(self.query.strip())}”, of {self.total:,} in all"
        if not self.sort_column:
            return text
        title = view.columns[self.sort_column].title
        tickers = view.tickers(self.sort_column)
        way = "upwards" if self.ascending else "downwards"
        by = (
            f"ticker, then by {title}: amounts of {len(tickers)} units have no common order"
            if len(tickers) > 1
            else title
        )
        return f"{text}; sorted {way} by {by}"

    def _received(self, _: Any, content: Any, buffers: Any) -> None:
        asked = content.get("open") if isinstance(content, dict) else None
        if not isinstance(asked, dict):
            return
        key = (str(asked.get("kind")), str(asked.get("id")))
        if key in self._links:  # a view of before may ask for what is shown no more
            for callback in list(self._opened):
                callback(key[0], self._links[key])
