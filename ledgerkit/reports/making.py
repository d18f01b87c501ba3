"""What reports have in common: a period, reads that may fail without taking the report with them, and notes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from functools import partial
from typing import Any, TypeVar

import pandas as pd

from ledgerkit import watching
from ledgerkit.charts import Chart
from ledgerkit.directory import Units
from ledgerkit.display import NAMED
from ledgerkit.errors import (
    ContractViolation,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    RateLimited,
    ServerError,
    Unsupported,
)
from ledgerkit.filters import instant
from ledgerkit.reports.report import Report
from ledgerkit.session import Session

Found = TypeVar("Found")
# What a part of a report may fail with, and the rest goes on: a feature that is off, a right that is missing.
PARTIAL = (
    ContractViolation,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    RateLimited,
    ServerError,
    Unsupported,
)
SCOPE = (
    "A reporting key sees the accounts of its entities alone: what is missing here may exist, outside of its scope."
)


class Making:
    """One report while it is made.

    Parameters
    ----------
    session
        Where it is read from.
    parameters
        What was asked for; it is told with the report.

    Attributes
    ----------
    notes
        What must be known to read the report; :meth:`note` adds to it.
    now
        The moment that the report is of, by the clock of the service: one that is wrong here would leave out the last
        minutes without a word.
    """

    def __init__(self, session: Session, parameters: Mapping[str, Any]) -> None:
        self.session = session
        self.notes: list[str] = []
        self._parameters = {name: value for name, value in parameters.items() if value is not None}
        self._heard: list[str] = []
        self.now = session.server_time()

    @classmethod
    @contextmanager
    def of(cls, session: Session, **parameters: Any) -> Iterator["Making"]:
        """Make a report: what is warned about inside becomes notes of it too."""
        making = cls(session, parameters)
        if session.family == "reporting_key":
            making.note(SCOPE)
        with watching.heard() as making._heard:
            yield making

    def note(self, text: str) -> None:
        """Add something that must be known to read the report, once."""
        if text not in self.notes:
            self.notes.append(text)

    def part(self, what: str, read: Callable[[], Found]) -> Found | None:
        """Read what the report can do without, and note why it could not be had.

        Parameters
        ----------
        what
            What will be missing, such as ``"the risk of addresses"``.
        """
        try:
            return read()
        except PARTIAL as error:
            if isinstance(error, InvalidRequest) and error.status is None:
                raise  # refused before it was sent: what was asked for is wrong, not what the service offers
            self.note(f"Without {what}: {error}")
            return None

    def named(self, frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
        """Return a frame with the names beside its ids, as far as they can be had.

        Parameters
        ----------
        columns
            Of which ids; by default of all that have names. A report asks for those that it shows: where users can't
            be listed, accounts have their names for all that.
        """
        named = frame
        for column, kind in NAMED.items():
            if column not in (columns or frame.columns) or column not in frame.columns:
                continue
            ids = frame[[column]]
            # Nobody is told that names could not be had of which there are none.
            some = bool(ids[column].notna().any())
            found = self.part(f"the names of {kind}s", partial(self.session.with_names, ids)) if some else None
            name = f"{column.removesuffix('_id')}_name"
            texts = pd.Series(pd.NA, index=frame.index, dtype="str") if found is None else found[name]
            named = named.assign(**{name: texts})
        return named

    def units(self, accounts: Iterable[int]) -> Mapping[int, Units]:
        """Return the units of accounts by id, as far as they can be had.

        ``GET /accounts``, ``GET /accounts/{id}/currency``.
        """
        wanted = sorted(set(accounts))
        found = self.part("the units of accounts", lambda: self.session.units(wanted)) if wanted else {}
        return {account: Units(None, None, "they could not be looked up") for account in wanted} | dict(found or {})

    def period(self, start: Any, end: Any) -> tuple[pd.Timestamp, pd.Timestamp]:
        """Return the first moment of a period, and the first moment after it, in UTC.

        Parameters
        ----------
        start, end
            Dates, moments, or texts such as ``"2026-01-31"``; a time without a zone is in the session's. ``end`` None
            is now.

        Raises
        ------
        InvalidRequest
            One can't be read, or the period ends before it begins.
        """
        first = pd.Timestamp(instant("start", start, self.session.tz))
        last = self.now if end is None else pd.Timestamp(instant("end", end, self.session.tz))
        if not first < last:
            raise InvalidRequest(
                f"`end` = {end!r} is not after `start` = {start!r}. A period holds its start and not its end: the "
                "month of May is start='2026-05-01', end='2026-06-01'.",
                field="end",
            )
        return first.tz_convert(UTC).as_unit("us"), last.tz_convert(UTC).as_unit("us")

    def report(
        self,
        title: str,
        tables: Mapping[str, pd.DataFrame],
        drawings: Mapping[str, Callable[[], Chart]] | None = None,
    ) -> Report:
        """Return the report."""
        session = self.session
        about = {
            "environment": session.environment,
            "workspace": session.workspace or session.base_url,
            "family": session.family,
            "made": self.now.isoformat(timespec="seconds"),
            **self._parameters,
        }
        return Report(title, dict(tables), (*self._heard, *self.notes), about, dict(drawings or {}))
