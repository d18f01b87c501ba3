"""What a report gives: frames, charts, what must be known of them, and the files that they go into."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from ledgerkit.charts import Chart
from ledgerkit.errors import InvalidRequest
from ledgerkit.reports.page import counted, outline, whole_page
from ledgerkit.saving import save
from ledgerkit.showing import visible
from ledgerkit.workbooks import write_workbook


@dataclass(frozen=True, repr=False)
class Report:
    """What was found, as of one moment.

    Parameters
    ----------
    title
        What it is about.
    tables
        The frames by name, the one that is read first before the others. ``report["accounts"]`` is one of them.
    notes
        What must be known to read it: what could not be had, what is not counted, and why a number may surprise.
    about
        Where it came from: environment, workspace, the moment, and what was asked for.
    drawings
        What draws each chart, by name.
    """

    title: str
    tables: Mapping[str, pd.DataFrame]
    notes: tuple[str, ...]
    about: Mapping[str, Any]
    drawings: Mapping[str, Callable[[], Chart]] = field(default_factory=dict)

    # What it is called in the lines that show more of it.
    _called: ClassVar[str] = "report"

    def __getitem__(self, name: str) -> pd.DataFrame:
        """Return one of the tables.

        Raises
        ------
        InvalidRequest
            There is none of that name.
        """
        return self.tables[_named(name, self.tables, "table")]

    def chart(self, name: str | None = None) -> Chart:
        """Draw one of the charts, by default the first.

        Raises
        ------
        InvalidRequest
            There is none of that name.
        ConfigurationError
            altair is not installed.
        """
        chosen = next(iter(self.drawings), "") if name is None else name
        return self.drawings[_named(chosen, self.drawings, "chart")]()

    def to_excel(self, path: str | PathLike[str]) -> Path:
        """Write the tables into a new workbook, a sheet each, with a last sheet that says where they came from.

        Numbers keep every digit: a column whose numbers are longer than the 15 digits of Excel is text.

        Parameters
        ----------
        path
            The file; where the name is taken, a number is added.

        Returns
        -------
        Path
            Where it is.

        Raises
        ------
        InvalidRequest
            It can't be written there, or a table has more rows than a sheet takes.
        ConfigurationError
            openpyxl is not installed.
        """
        about = {
            "report": self.title,
            **self.about,
            **{f"read this {number}": note for number, note in enumerate(self.notes, start=1)},
        }
        target = Path(path)
        written, _ = save(target.parent, target.name, "xlsx", lambda part: write_workbook(part, self.tables, about))
        return written

    def to_html(self, path: str | PathLike[str]) -> Path:
        """Write notes, tables and charts into a new page, which runs no script and loads nothing.

        Parameters
        ----------
        path
            The file; where the name is taken, a number is added.

        Returns
        -------
        Path
            Where it is.

        Raises
        ------
        InvalidRequest
            It can't be written there.
        ConfigurationError
            altair or vl-convert-python is not installed, and the report has charts.
        """
        target = Path(path)
        drawings = {name: draw().svg() for name, draw in self.drawings.items()}
        page = whole_page(self.title, self.tables, self.notes, self.about, drawings)
        written, _ = save(target.parent, target.name, "html", lambda part: part.write_text(page, encoding="utf-8"))
        return written

    def __repr__(self) -> str:
        tables = (f"  {name}: {counted(frame)}" for name, frame in self.tables.items())
        charts = (f"  chart {name}" for name in self.drawings)
        notes = (f"! {visible(note)}" for note in self.notes)
        return "\n".join([visible(self.title), *notes, *tables, *charts])

    def _repr_html_(self) -> str:
        return outline(self.title, self.tables, self.notes, self.about, list(self.drawings), self._called)


def _named(name: str, known: Mapping[str, Any], what: str) -> str:
    if name in known:
        return name
    there = ", ".join(known) or "none"
    raise InvalidRequest(f"this report has no {what} {name!r}: it has {there}.", field=what)
