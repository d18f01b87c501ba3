"""What a search found: how many rows, a table of them, and files of them."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import ipywidgets as widgets
import pandas as pd

from ledgerkit.forms.base import Form, close_all
from ledgerkit.forms.exports import Written, export
from ledgerkit.forms.style import style
from ledgerkit.forms.table import Table
from ledgerkit.forms.views import View, view
from ledgerkit.forms.work import Work
from ledgerkit.forms.workspace import Workspace
from ledgerkit.saving import checked_name
from ledgerkit.showing import visible

SAVES: Final = {
    "csv": ("Save as CSV", "Every digit, and lk.read_csv reads it back exactly; to open in Excel, save as Excel."),
    "xlsx": ("Save as Excel", "Amounts and long numbers as text, with names and display units; formulas never run."),
    "parquet": ("Save as Parquet", "Exact, for other programs; amounts as text."),
}


class Results(Form):
    """The rows that were found, a part of another form: it has no bar of its own.

    Parameters
    ----------
    workspace
        Where names and units are looked up.
    on_open
        Called with the kind and the id of what a link in the table leads to.

    Attributes
    ----------
    frame
        What is shown, or None.
    """

    def __init__(self, workspace: Workspace, on_open: Callable[[str, Any], None] | None = None) -> None:
        super().__init__(workspace)
        close_all(self.head)
        # Another search gives up neither a file that is written nor the word where it is.
        self.saves = Work(self.fail)
        self.frame: pd.DataFrame | None = None
        self.count = widgets.HTML()
        self.table = Table()
        if on_open is not None:
            self.table.on_open(self.guarded(on_open))
        self.file_name = widgets.Text(
            description="File name",
            tooltip="What the file is called; its ending is added, and a number if it is taken.",
        )
        self.file_name.add_class("lk-field")
        self.buttons = {
            kind: widgets.Button(description=title, tooltip=tooltip, layout=widgets.Layout(width="auto"))
            for kind, (title, tooltip) in SAVES.items()
        }
        for kind, button in self.buttons.items():
            self.on_click(button, lambda kind=kind: self.save(kind))  # type: ignore[misc]  # bound as a default: the name ends with the loop
        self.saving = widgets.HBox([self.file_name, *self.buttons.values()])
        self.saving.add_class("lk-actions")
        self.add_class("lk-results")
        self.lay(self.count, self.table, self.saving)
        self.clear()

    def lay(self, *parts: widgets.Widget) -> None:
        """Put the parts together, without the bar: the form that they are in has it."""
        self.children = (style(), *parts, self._message)

    def show(self, frame: pd.DataFrame, shown: View | None = None) -> None:
        """Show a frame; names and units are looked up behind it.

        Parameters
        ----------
        frame
            What was found.
        shown
            How it is shown, where that was made already, in the job that read the frame.
        """
        self.clear()  # rows of before must not stand under what was asked now
        if shown is not None:
            self._show(shown)
            return
        self.state = "running"
        self.say(f"Names and units of {len(frame):,} rows are looked up…")
        self.work.start(lambda: view(self.workspace, frame), self._show)

    def clear(self) -> None:
        """Show nothing."""
        self.work.stop()
        self.frame = None
        self.table.clear()
        self.count.value = ""
        self._offer_files(False)
        self.state = "ready"
        self.say("")

    def save(self, kind: str) -> None:
        """Write the rows that the table has into a file, behind the form: ``"csv"``, ``"xlsx"`` or ``"parquet"``."""
        if self.frame is None or self.saves.running:
            return  # a click of before, or the second of two
        frame, folder = self.frame, Path.cwd()
        stem = checked_name(self.file_name.value, kind)
        query, total = self.table.query.strip(), len(frame)
        about: dict[str, Any] = {}
        positions = self.table.positions()
        if query:
            about["rows of the table that have"] = query
            about["rows that were found"] = total
        chosen = frame.iloc[positions]
        chosen.attrs = dict(frame.attrs)
        self.state = "running"
        self.say(f"{stem}.{kind} is written…")
        self.saves.start(
            lambda: export(self.workspace, chosen, kind, stem, folder, about),
            lambda written: self._saved(written, query, total),
        )

    def wait(self, seconds: float = 60.0) -> "Results":
        """Wait in a cell until the rows are shown and the file is written; see :meth:`Form.wait`."""
        self.work.wait(seconds)
        self.saves.wait(seconds)
        return self

    def close(self) -> None:
        """End the form; a file that is being written is written to its end."""
        self.saves.stop()
        super().close()

    def _show(self, shown: View) -> None:
        self.frame = shown.frame
        self.table.show(shown.frame, shown, empty=empty(shown.frame))
        text, sure = counted(shown.frame)
        state = "" if sure else " lk-incomplete"
        self.count.value = f"<div class='lk-count{state}' role='status'>{text}</div>"
        self.file_name.value = self._name(shown.frame)
        self._offer_files(len(shown.frame) > 0)
        self.state = "done"
        self.say("\n".join(shown.notes), "warning" if shown.notes else "none")

    def _offer_files(self, there_are_rows: bool) -> None:
        # Parts that are no children would not be closed with the rest.
        self.saving.layout.display = None if there_are_rows else "none"

    def _saved(self, written: Written, query: str, total: int) -> None:
        self.state = "done"
        rows = (
            f"{written.rows:,} rows"
            if not query
            else f"{written.rows:,} of {total:,} rows, those that have “{query}”,"
        )
        notes = "".join(f"\nNote: {note}." for note in written.notes)
        self.say(f"{rows} were written to {written.path}.{notes}", "done")

    def _name(self, frame: pd.DataFrame) -> str:
        kind = str(frame.attrs.get("table", "rows")).lower().replace(" ", "-")
        day = datetime.fromtimestamp(self.workspace.connection.transport.clock.time(), self.workspace.connection.zone)
        return f"{kind}s-{self.workspace.environment.lower()}-{day:%Y-%m-%d}"


def counted(frame: pd.DataFrame) -> tuple[str, bool]:
    """Return how many rows there are and whether they are all, and whether that is for sure."""
    rows = f"{len(frame):,} {'row' if len(frame) == 1 else 'rows'}"
    limit = frame.attrs.get("parameters", {}).get("limit")
    failed = int(frame["error"].notna().sum()) if "error" in frame.columns else 0
    errors = f"; {failed} could not be read, see the column Error" if failed else ""
    if frame.attrs.get("complete") is False:
        why = "rows came or went while they were read. Search again at a quieter time, or by dates and accounts alone"
        return f"{rows}, perhaps not complete: {why}{errors}", False
    if limit is not None and len(frame) >= int(limit):
        return f"newest {rows} only: the limit is {int(limit):,}, and there may be more{errors}", True
    return f"{rows}{', complete' if frame.attrs.get('complete') else ''}{errors}", not failed


def empty(frame: pd.DataFrame) -> str:
    """Return why there may be no rows, and what to try."""
    asked = {name: value for name, value in frame.attrs.get("parameters", {}).items() if name != "limit"}
    filters = ", ".join(f"{name} = {visible(str(value))}" for name, value in asked.items())
    said = f"It was asked for {filters}." if filters else "No filter was set."
    way = "Take filters away or widen the dates" if filters else "Ask an administrator what the key may see"
    return (
        f"Nothing was found. {said} In {visible(str(frame.attrs.get('workspace') or 'this workspace'))} the key sees "
        f"only what its role and its entities may see. {way}, or look which workspace and user the session is of."
    )
