"""What a trace gives: the tables, the timeline, the notes, and the files of a report."""

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import ClassVar, Final

import pandas as pd

from ledgerkit.charts import Chart
from ledgerkit.errors import InvalidRequest
from ledgerkit.reports.page import outline
from ledgerkit.reports.report import Report
from ledgerkit.tracing.shown import left_out, narrowed

CANDIDATES: Final = "candidates"
TIMELINE: Final = "timeline"


@dataclass(frozen=True, repr=False)
class Trace(Report):
    """What is known around one object, as of one moment.

    Parameters
    ----------
    kind
        What was traced: ``account``, ``address``, ``entity``, ``group``, ``hash`` (several transactions of one hash),
        ``message``, ``pledge``, ``request``, ``settlement``, ``transaction``, ``user`` or ``whitelist``; or
        ``candidates``, where several objects may be meant and nothing was traced.
    """

    kind: str = CANDIDATES

    _called: ClassVar[str] = "trace"

    @property
    def objects(self) -> Mapping[str, pd.DataFrame]:
        """The tables by name, the thing itself first, without the timeline."""
        return {name: frame for name, frame in self.tables.items() if name != TIMELINE}

    @property
    def timeline(self) -> pd.DataFrame:
        """What happened, in order, by the times that the service gives.

        ``time`` (UTC), ``event``, ``who`` and ``who_id`` (missing where nobody is named), ``kind`` and ``id`` of what
        it happened to, ``detail``, and ``source``, the field of the API that has the time.

        Raises
        ------
        InvalidRequest
            Several objects may be meant, and nothing was traced.
        """
        self._refuse_candidates()
        return self[TIMELINE]

    def to_html(self, path: str | PathLike[str]) -> Path:
        """Write notes, tables and chart into a new page, which runs no script and loads nothing.

        It has all rows; of wide tables those columns that people read, and a note about the others.

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
            altair or vl-convert-python is not installed.
        """
        notes = (*self.notes, *left_out(self.tables, "the workbook of to_excel"))
        return Report(self.title, narrowed(self.tables), notes, self.about, self.drawings).to_html(path)

    def _repr_html_(self) -> str:
        notes = (*self.notes, *left_out(self.tables, 'the tables, such as trace["timeline"]'))
        shown = narrowed(self.tables)
        return outline(self.title, shown, notes, self.about, list(self.drawings), self._called)

    def chart(self, name: str | None = None) -> Chart:
        """Draw the timeline.

        Raises
        ------
        InvalidRequest
            Several objects may be meant, and nothing was traced; or there is no chart of that name.
        ConfigurationError
            altair is not installed.
        """
        self._refuse_candidates()
        return super().chart(name)

    def _refuse_candidates(self) -> None:
        # An empty timeline would say that nothing happened.
        if self.kind == CANDIDATES:
            asks = ", ".join(f'"{ask}"' for ask in self[CANDIDATES]["ask"].head(6))
            raise InvalidRequest(
                f"nothing was traced: {self.title}. Trace one of them: {asks}.", field="anything", candidates=asks
            )
