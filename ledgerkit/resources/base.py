"""What the sections have in common: a search of a list, and a call for each of several ids."""

import inspect
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from importlib import import_module
from numbers import Integral
from os import PathLike
from typing import Any, ClassVar, Final

import pandas as pd

from ledgerkit import filters, garbage, paging, resources
from ledgerkit.connection import Connection
from ledgerkit.errors import (
    ContractViolation,
    InvalidRequest,
    LedgerError,
    NotFound,
    PermissionDenied,
    Unsupported,
    shorten,
)
from ledgerkit.filters import Time, instant, instant_text
from ledgerkit.frames import INTEGER, LIST, OBJECT, TEXT, Leaves, Table, exact, join
from ledgerkit.operations import check_family, marked
from ledgerkit.parallel import Progress, ask_all
from ledgerkit.transport import path_with

# Whether a bound is in or out is documented nowhere: ask this much wider, and cut here.
MARGIN: Final = timedelta(seconds=1)
# What becomes a row with its reason, where several ids are asked for.
MEMBER_FAULTS: Final = (InvalidRequest, NotFound, PermissionDenied, Unsupported)

Nodes = list[Any]
Query = Mapping[str, str | list[str]]
# Filters whose name the API uses twice in one operation, in the path and in the query.
RENAMED: Final = {"creation_account_id": "account_id"}
# Parameters of a method that are the kit's own.
OWN: Final = frozenset({"order", "order_by", "limit", "include_xpub"})
# The filters on what an object is from its creation on, in any list.
ALWAYS_SETTLED: Final = frozenset({"id", "created_after", "created_before"})


class Section:
    """One section of the API reference.

    Parameters
    ----------
    name
        Of a subclass: where a session has it, such as ``"accounts"``.
    """

    name: ClassVar[str]

    def __init_subclass__(cls, *, name: str) -> None:
        cls.name = name

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __repr__(self) -> str:
        methods = {
            name: method
            for name, method in vars(type(self)).items()
            if inspect.isfunction(method) and not name.startswith("_")
        }
        lines = [f"  {name}: {str(method.__doc__).splitlines()[0]}" for name, method in methods.items()]
        return "\n".join([f"session.{self.name}", *lines])

    def form(self, method: str = "search") -> Any:
        """Return a form for one of the reads of this section, made from the signature of its method.

        Parameters
        ----------
        method
            Such as ``"search"`` or ``"get"``.

        Returns
        -------
        ledgerkit.forms.search.SearchForm
            Its ``frame`` is what was found.
        """
        # The one step up: forms are made of sections, and nobody needs them who asks for none.
        return import_module("ledgerkit.forms.search").SearchForm.of(self, method)

    def archive(
        self,
        folder: str | PathLike[str],
        *,
        created_after: Time | None = None,
        again: Time | None = None,
        name: str | None = None,
    ) -> pd.DataFrame:
        """Keep everything that the search of this section finds as Parquet files, and bring them up to date.

        The first run reads all; a later one what is new, what may still change, and what the service counts other
        than it did. It may be stopped at any moment: what was written is whole, and the next run goes on.

        Parameters
        ----------
        folder
            The folder of the archive; files and folders in it are made for their owner alone.
        created_after
            How far back it goes; by default to the first object.
        again
            What was created after this moment, or lies in a file that reaches beyond it, is read again whatever its
            state: labels, notes and risk can change when everything else is over.
        name
            What the workspace is called in the archive, by default as the credentials name it; a LAM's do not.

        Returns
        -------
        DataFrame
            One row: ``dataset``, ``workspace``, ``rows`` (Int64: in the archive now), ``new``, ``changed`` (by this
            run), ``no_longer_listed`` (kept, though the service lists them no longer), ``open`` (may still change),
            ``parts`` (files), ``since`` (when the first file starts), ``until`` (all that was created before this
            moment was looked at, whether or not there was anything new; both times in UTC, missing for lists without
            dates), ``complete`` (boolean: no row is missing, as far as the service shows it), ``requests`` (calls
            made).

        Raises
        ------
        ConfigurationError
            The extra ``archive`` is not installed, or the folder holds rows of another service, name or family of
            credentials.
        ArchiveInUse
            Somebody else is writing to the same list of the same workspace.
        Unsupported
            The section has no search of everything.
        InvalidRequest
            An argument can't be used, or the folder not be written to.
        ContractViolation
            A row has no ``created_on``.

        Warns
        -----
        IncompleteResult
            A part could not be shown to be complete, and the next run reads it again. Or the service counts more or
            fewer rows than were archived: some have no ``created_on`` and no search by date finds them, some came
            or went during the run, or its counts are not right. This is looked at where ``created_after`` is not
            given.
        NoLongerListed
            Rows that were archived are no longer listed.

        Notes
        -----
        It reads the list of the section's ``search()`` and nothing else, and leaves half of the rate limit to others.

        Whether what is over with is still as it was is seen by counts, a file at a time. One such row that vanishes
        while another arrives late in the same file can't be seen: ``again="2020-01-01"`` reads everything after that
        date anew.
        """
        # A step up, as with forms: an archive is made of sections, and needs packages that nobody else does.
        made: pd.DataFrame = import_module("ledgerkit.archives").keep(
            self, self._connection, folder, created_after=created_after, again=again, name=name
        )
        return made

    def _form(self, module: str, name: str, *arguments: Any) -> Any:
        form = getattr(import_module(f"ledgerkit.forms.{module}"), name).on(self._connection, *arguments)
        import_module("ledgerkit.forms.cells").replace(form, name)
        return form

    def _list(
        self,
        method: Callable[..., Any],
        given: Mapping[str, Any],
        *,
        table: Table | None = None,
        key: tuple[str, ...] = ("id",),
        dated: bool = True,
        settled: frozenset[str] = frozenset(),
    ) -> pd.DataFrame:
        """Read a whole list into a frame.

        Parameters
        ----------
        method, given
            The method of the section that was called, and its arguments (``locals()``).
        table
            Where it is another one than the method declares.
        key, dated
            See :class:`~ledgerkit.paging.Listing`.
        settled
            The filters on what never changes once an object exists, beside those that no list changes.
        """
        operation, chosen = marked(method).operations[0], table or marked(method).table
        connection = self._connection
        values = _filters_in(method, given)
        for name, value in values.items():
            if f"{{{name}}}" in operation and _is_many(value):
                asked_for = partial(self._list, method, table=table, key=key, dated=dated, settled=settled)
                taken = {one: given[one] for one in filters.filters(method) if one in given}
                return self._lists(operation, chosen, asked_for, {**taken, name: value}, name)
        order, order_by, limit = given.get("order"), given.get("order_by"), _checked_limit(given.get("limit"))
        _check_order(chosen, order, order_by)
        after, before = (
            None if values.get(name) is None else instant(name, values[name], connection.zone)
            for name in ("created_after", "created_before")
        )
        _check_bounds(after, before, "created_after", "created_before")
        path, query, inside = _filled(operation, filters.query(method, values, connection.zone))
        check_family(operation, connection.family, f"GET {path}")
        listing = paging.Listing(
            path,
            chosen,
            {**query, **_between(after, before)},
            key=key,
            dated=dated,
            settled=query.keys() <= settled | ALWAYS_SETTLED,
            before=_shifted(before, MARGIN).timestamp() if before else None,
        )
        progress = Progress(path)
        try:
            frame = self._read(listing, limit, after, before, progress)
        finally:
            progress.close()
        if dated and not frame["id"].is_monotonic_decreasing:  # as it is asked for, but a service may not follow
            frame = frame.sort_values("id", ascending=False, kind="stable", ignore_index=True)
        if limit is not None:
            frame = frame.head(limit)
        if dated:
            by = order_by or "id"
            if (by, order) != ("id", None):
                frame = frame.sort_values(by, ascending=order == "asc", kind="stable", ignore_index=True)
        for name in inside.keys() & chosen.kinds.keys():  # what was asked for, where the rows do not repeat it
            asked_id = str(inside[name])
            for answered in frame[name].dropna().unique().tolist():
                _check_asked(name, INTEGER, asked_id, answered, f"GET {path}")
            frame[name] = frame[name].fillna(int(asked_id))
        own = {name: given[name] for name in OWN if given.get(name)}
        shown = {name: value for name, value in {**values, **own}.items() if value is not None}
        return self._signed(frame, operation, shown)

    def _count(self, method: Callable[..., Any], after: datetime | None, before: datetime | None) -> int | None:
        """Return how many rows the service counts where ``method`` would read them; see ``Reader.count``."""
        marks, connection = marked(method), self._connection
        path = marks.operations[0].split()[1]
        check_family(marks.operations[0], connection.family, f"GET {path}")
        return connection.reader.count(paging.Listing(path, marks.table, _between(after, before)))

    def _lists(
        self,
        operation: str,
        table: Table,
        asked_for: Callable[[Mapping[str, Any]], pd.DataFrame],
        given: Mapping[str, Any],
        many: str,
    ) -> pd.DataFrame:
        """Read the list of each of several objects into one frame."""
        table = table.extended(after={"error": TEXT})
        frames = [table.frame(Leaves())]
        for member in dict.fromkeys(given[many]):
            try:
                frames.append(asked_for({**given, many: member}).rename(columns=_kept))
            except MEMBER_FAULTS as error:
                column = many if many in table.kinds else "parent"
                frames.append(table.frame(Leaves(1, {column: [member], "error": [str(error)]})))
        frame = pd.concat([frame.reindex(columns=_union(frames)) for frame in frames if len(frame)] or frames)
        frame = frame.astype({name: frames[0][name].dtype for name in table.kinds}).reset_index(drop=True)
        frame.attrs = {"table": table.name, "complete": all(one.attrs.get("complete", True) for one in frames)}
        shown = {name: value for name, value in given.items() if value is not None}
        return self._signed(frame, operation, shown)

    def _read(
        self,
        listing: paging.Listing,
        limit: int | None,
        after: datetime | None,
        before: datetime | None,
        progress: Progress,
    ) -> pd.DataFrame:
        asked = limit
        while True:
            with garbage.paused():  # until the rows are in arrays, which the collector does not walk
                rows, said = self._connection.reader.read(listing, limit=asked, progress=progress)
                frame = listing.table.frame(rows, call=f"GET {listing.path}", **said)
                del rows
            kept = frame
            # Cut what is outside, not what is inside: a row without a date came because the service counts it in.
            if after is not None:
                kept = kept[~(kept["created_on"] < pd.Timestamp(after))]
            if before is not None:
                kept = kept[~(kept["created_on"] >= pd.Timestamp(before))]
            # Of the newest rows, those in the margin do not count: ask for as many more.
            if asked is None or limit is None or len(kept) >= limit or len(frame) < asked:
                return frame if len(kept) == len(frame) else kept.reset_index(drop=True)
            asked += len(frame) - len(kept)

    def _each(
        self,
        method: Callable[..., Any],
        given: Mapping[str, Any],
        *,
        operation: str | None = None,
        table: Table | None = None,
        lead: Mapping[str, str] | None = None,
        nodes: Callable[[Any], Nodes] | None = None,
        retry: bool = True,
    ) -> pd.DataFrame:
        """Make one call, or one for each of several ids at once, into one frame.

        Parameters
        ----------
        operation, table
            Where they are others than the method declares.
        lead
            The columns that hold what was asked for, by parameter of the path.
        nodes
            Takes the rows out of an answer; by default the answer is the row.
        retry
            False for a GET that acts.
        """
        operation, chosen = operation or marked(method).operations[0], table or marked(method).table
        lead = lead or {}
        connection = self._connection
        values = _filters_in(method, given)
        empty = next((name for name in lead if isinstance(values.get(name), list) and not values[name]), None)
        if empty:  # the ids of a search that found nothing: no rows, and nothing to ask
            return self._frame(operation, chosen.extended(after={"error": TEXT}), [], values)
        query = filters.query(method, values, connection.zone)
        many = next((name for name in lead if isinstance(query.get(name), list)), None)
        members = query[many] if many else [""]
        if many:
            chosen = chosen.extended(after={"error": TEXT})
        faults: list[LedgerError] = []

        def ask(member: str, cancel: threading.Event) -> tuple[str, Nodes]:
            asked = {**query, **({many: member} if many else {})}
            found = {column: asked[name] for name, column in lead.items() if name in asked}
            path, rest, _ = _filled(operation, asked)
            try:
                answer = connection.ask(operation, path, params=rest, retry=retry, bulk=bool(many), cancel=cancel)
            except MEMBER_FAULTS as error:
                if not many:
                    raise
                faults.append(error)
                return f"GET {path}", [{**found, "error": str(error)}]
            try:
                rows = nodes(answer.body) if nodes else [answer.body]
            except ContractViolation as error:
                error.call = answer.call  # what takes rows out of an answer knows the answer alone
                raise
            return answer.call, [
                _under(found, row, chosen, answer.call) if isinstance(row, dict) else row for row in rows
            ]

        progress = Progress(operation)
        try:
            answers = ask_all(connection.transport, [partial(ask, member) for member in members], progress)
        finally:
            progress.close()
        if faults and len(faults) == len(members) and all(fault.status == 400 for fault in faults):
            raise faults[0]  # it is not this or that id: what they were all asked with is wrong
        frame = self._frame(operation, chosen, answers, {name: values[name] for name in query})
        if many is None and method.__name__ == "get":
            from ledgerkit.cards import KINDS, Known, Record

            if chosen.name in KINDS:
                return Record(frame, Known(connection))
        return frame

    def _frame(
        self, operation: str, table: Table, answers: Sequence[tuple[str, Nodes]], given: Mapping[str, Any]
    ) -> pd.DataFrame:
        rows = join([table.leaves(nodes, call) for call, nodes in answers])
        try:
            frame = table.frame(rows)
        except ContractViolation:
            for call, nodes in answers:  # which of the calls was it?
                table.frame(table.leaves(nodes, call), call=call)
            raise
        return self._signed(frame, operation, given)

    def _signed(self, frame: pd.DataFrame, operation: str, given: Mapping[str, Any]) -> pd.DataFrame:
        """Write into a frame where it came from."""
        parameters = {name: _plain(value) for name, value in given.items()}
        frame.attrs |= {**self._connection.provenance(operation, parameters), "count": len(frame)}
        return frame


def items(body: Any) -> Nodes:
    """Return the rows of an answer that is a bare list."""
    if isinstance(body, list):
        return body
    raise _shape("the answer", body)


def wrapped(field: str) -> Callable[[Any], Nodes]:
    """Return what takes the rows out of ``{field: [...]}``."""

    def rows(body: Any) -> Nodes:
        if isinstance(body, dict) and isinstance(body.get(field), list):
            inner: Nodes = body[field]
            return inner
        raise _shape(field, body)

    return rows


def history(body: Any) -> Nodes:
    """Return the rows of a history: a list of lists, whose position is kept."""
    return [
        {"position": position, **entry} if isinstance(entry, dict) else entry
        for position, group in enumerate(wrapped("history")(body))
        for entry in items(group)
    ]


def _under(found: Mapping[str, Any], row: Mapping[str, Any], table: Table, call: str) -> dict[str, Any]:
    """Return a row under the ids that were asked for: an answer may leave them out, but not name others."""
    for column, asked in found.items():
        _check_asked(column, table.kinds[column], asked, row.get(column), call)
    # Only the kit says in `error` why a row could not be had.
    return {**{_kept(name): value for name, value in row.items()}, **found}


def _kept(name: str) -> str:
    return f"{name}_" if name.rstrip("_") == "error" else name


def _check_asked(column: str, kind: str, asked: str, answered: Any, call: str) -> None:
    if answered is not None and not _same(kind, asked, answered):
        raise ContractViolation(
            f"the service was asked for `{column}` {shorten(asked)} and answered for {shorten(answered)}. "
            "The raw answer is there with session.raw(...).",
            call=call,
            field=column,
            asked=asked,
            body=shorten(answered, 500),
        )


def _same(kind: str, asked: str, answered: Any) -> bool:
    try:
        if kind == INTEGER:
            return bool(exact(answered) == int(asked))
        return str(answered).casefold() == asked.casefold()  # the checksum of an address is in its case
    except (ArithmeticError, TypeError, ValueError):
        return False


def _shape(field: str, body: Any) -> ContractViolation:
    return ContractViolation(
        f"`{field}` is not the list that it should be. An empty table would be a lie.",
        field=field,
        body=shorten(body, 500),
    )


def _between(after: datetime | None, before: datetime | None) -> dict[str, str]:
    """Return what is asked for where rows of a span are wanted: a little more, which is cut afterwards."""
    return {
        **({"created_after": instant_text(_shifted(after, -MARGIN))} if after else {}),
        **({"created_before": instant_text(_shifted(before, MARGIN))} if before else {}),
    }


def _filled(operation: str, query: Query) -> tuple[str, Query, Query]:
    """Return the path with its parameters filled in, the parameters left for the query, and those of the path."""
    template = operation.split()[1]
    inside = {name: value for name, value in query.items() if f"{{{name}}}" in template}
    rest = {RENAMED.get(name, name): value for name, value in query.items() if name not in inside}
    return path_with(template, **inside), rest, inside


def _filters_in(method: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: given[name] for name in filters.filters(method) if name not in OWN and name in given}
    # Lists, whatever they came as: what can be gone through only once is asked with, and then named in attrs.
    return {name: list(value) if _is_many(value) else value for name, value in values.items()}


def _is_many(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping | pd.DataFrame)


def _union(frames: Sequence[pd.DataFrame]) -> list[Any]:
    """Return all columns, unknown ones behind those that are declared, and the error last of these."""
    return list(dict.fromkeys(name for frame in frames for name in frame.columns))


def _checked_limit(limit: Any) -> int | None:
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise InvalidRequest(
            f"`limit` = {shorten(limit)} was not sent: it takes a number of rows, 1 or more; leave it out for all.",
            field="limit",
        )
    return limit


def _check_bounds(start: datetime | None, end: datetime | None, first: str, last: str) -> None:
    if start is not None and end is not None and start > end:
        raise InvalidRequest(
            f"`{first}` = {start.isoformat()} is after `{last}` = {end.isoformat()}: nothing lies between them.",
            field=first,
        )


def _check_order(table: Table, order: Any, order_by: Any) -> None:
    if order not in (None, "asc", "desc"):  # it sorts the frame, so that no newer value can mean anything here
        raise InvalidRequest(f"`order` = {shorten(order)} was not sent: it takes 'asc' or 'desc'.", field="order")
    sortable = [name for name, kind in table.kinds.items() if kind not in (LIST, OBJECT)]
    if order_by is not None and order_by not in sortable:
        raise InvalidRequest(
            f"`order_by` = {shorten(order_by)} was not sent: it takes a column of the frame that can be sorted: "
            f"{', '.join(sortable)}.",
            field="order_by",
        )


def _shifted(moment: datetime, by: timedelta) -> datetime:
    """Return another moment, or the same where the calendar ends."""
    try:
        return moment + by
    except OverflowError:
        return moment  # at the end of the calendar there is nothing to ask wider for


def _plain(value: Any) -> Any:
    """Return a parameter as ``attrs`` keep it: something that compares and that JSON can hold."""
    if isinstance(value, str | int | bool) or value is None:
        return value
    if isinstance(value, Integral):
        return int(value)  # of NumPy, as the ids of a column are
    if isinstance(value, Iterable) and not isinstance(value, bytes | Mapping):
        return [_plain(one) for one in value]
    return str(value)


def all_sections() -> list[type[Section]]:
    """Return every section; they are imported one by one, as they are asked for, and all of them here."""
    resources.load()
    return Section.__subclasses__()


def calls() -> dict[str, str]:
    """Return the kit's call for each operation that has one."""
    found = {}
    for section in all_sections():
        for name, method in vars(section).items():
            for operation in getattr(method, "operations", ()):
                parameters = inspect.signature(method).parameters
                given = [
                    one if parameter.kind is not parameter.KEYWORD_ONLY else f"{one}=..."
                    for one, parameter in parameters.items()
                    if one != "self" and (f"{{{one}}}" in operation or parameter.default is parameter.empty)
                ]
                found[operation] = f"session.{section.name}.{name}({', '.join(given)})"
    return found
