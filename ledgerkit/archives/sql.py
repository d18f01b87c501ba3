"""SQL over an archive, on this machine alone, with results in which no digit changes."""

import re
import tempfile
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any, Final

import duckdb
import pandas as pd
import pyarrow as pa

from ledgerkit.archives import folders, lists, parts, reading, sql_checks, sql_results
from ledgerkit.archives.parts import Part
from ledgerkit.archives.schema import SUFFIX, schema_of
from ledgerkit.archives.schema import lacking as lacking_in
from ledgerkit.archives.sql_checks import Seen, quoted
from ledgerkit.errors import IncompleteResult, InexactNumbers, InvalidRequest, Unsupported, shorten, warn
from ledgerkit.frames import Table

MOST_NAMED: Final = 10
# Nothing is fetched, nothing else on this machine is read, and the SQL can't change that: `lock_configuration` last.
_CLOSED: Final = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "python_enable_replacements": "false",  # a frame of the notebook is no table
    "enable_external_file_cache": "false",
}
# The folders that rows lie in.
_LOCATION: Final = {"workspace": "VARCHAR", "year": "INTEGER", "month": "INTEGER"}
# In a path DuckDB takes the first for patterns, and the last for a column, which may hide one of the files.
_MISREAD: Final = re.compile(r"[*?\[=]")


@dataclass
class _Dataset:
    """One list of an archive as a query sees it."""

    name: str
    parts: list[Part] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    # What may lack rows, in words.
    doubtful: list[str] = field(default_factory=list)
    # How far back each workspace was meant to be archived, where a run came to its end.
    since: dict[str, datetime] = field(default_factory=dict)
    # What DuckDB reads each part from.
    files: list[str] = field(default_factory=list)
    # As the search declares it; None where this version of the kit has no such search.
    table: Table | None = None

    def unfit(self) -> dict[str, int]:
        """Return how many numbers of each column do not fit their decimal."""
        found: dict[str, int] = {}
        for part in self.parts:
            for column, rows in part.unfit.items():
                found[column] = found.get(column, 0) + rows
        return found


def query(sql: str, folder: str | PathLike[str] = "data") -> pd.DataFrame:
    """Ask an archive in SQL; see :func:`ledgerkit.query`."""
    if not isinstance(sql, str) or not sql.strip():
        raise InvalidRequest(
            f"`sql` = {shorten(sql)}: it takes one SELECT, as text: 'select count(*) from transactions', say.",  # noqa: S608 - an example
            field="sql",
        )
    where = folders.folder_of(folder).resolve()
    reading.check_folder(where)
    there = parts.datasets_in(where)
    # A list is opened only where it is named, since each of its files is; `show tables` names none.
    named = [name for name in there if name.casefold() in sql.casefold()] or there
    datasets = [_looked_at(where, name) for name in named]
    with (
        tempfile.TemporaryDirectory(prefix="ledgerkit-query-") as spilled,  # else DuckDB spills into a folder here
        duckdb.connect(":memory:", config=dict(_CLOSED)) as connection,
    ):
        _check_statement(connection, sql)
        seen_at = _plain(where, Path(spilled))
        for dataset in datasets:
            _make_view(connection, seen_at, dataset)
        for setting in (
            f"set temp_directory = {_text(spilled)}",
            f"set allowed_directories = [{_text(str(seen_at))}]",
            "set enable_external_access = false",
            "set TimeZone = 'UTC'",
            # Without it a UHUGEINT comes as a decimal that may be negative.
            "set arrow_lossless_conversion = true",
            "set lock_configuration = true",
        ):
            connection.execute(setting)
        try:
            table = _run(connection, sql)
        except duckdb.Error as error:
            raise _refusal(error, sql, there, datasets, str(folder)) from error
        frame = sql_results.frame_of(table)
        seen = sql_checks.look(sql, {one.name: one.columns for one in datasets})
        _warn_of_parts(connection, datasets, seen)
        _warn_of_numbers(connection, datasets, seen, sql_results.inexact(table))
    frame.attrs.update(
        sql=sql,
        folder=str(folder),
        datasets={one.name: _rows(one) for one in datasets},
        since={one.name: {name: _bound(since) for name, since in one.since.items()} for one in datasets},
    )
    return frame


def _run(connection: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    """Run a query in a thread of its own, so that an interrupt of the kernel stops it.

    In the thread of the kernel it went on for as long as it took (seen with DuckDB 2.0.1).
    """
    done: list[pa.Table] = []
    failed: list[BaseException] = []
    ended = threading.Event()

    def work() -> None:
        try:
            done.append(connection.sql(sql).to_arrow_table())
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread, which raises it
            failed.append(error)
        finally:
            ended.set()

    threading.Thread(target=work, name="ledgerkit-query", daemon=True).start()
    try:
        while not ended.wait(0.5):  # on Windows a wait without an end can't be interrupted
            pass
    except BaseException:
        while not ended.is_set():  # again, since one that comes before the query begins stops nothing
            connection.interrupt()
            ended.wait(0.1)
        raise
    if failed:
        raise failed[0]
    return done[0]


def _check_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise InvalidRequest(f"the SQL can't be read: {str(error).strip()}", field="sql") from error
    if [one.type for one in statements] != [duckdb.StatementType.SELECT]:
        raise InvalidRequest(
            "a query is one SELECT, which changes nothing. (PIVOT needs the values that become columns: "
            "... for workspace in ('acme', 'beta').)",
            field="sql",
        )


def _plain(folder: Path, beside: Path) -> Path:
    """Return a path to a folder that DuckDB reads as nothing but a path."""
    if not _MISREAD.search(str(folder)):
        return folder
    link = beside / "archive"
    try:
        link.symlink_to(folder, target_is_directory=True)
    except OSError as error:  # on Windows not everybody may
        raise InvalidRequest(
            f"{folder} can't be queried: DuckDB reads * ? [ = in a path as patterns. Move the archive, or rename the "
            "folder.",
            field="folder",
        ) from error
    return link


def _looked_at(folder: Path, name: str) -> _Dataset:
    dataset = _Dataset(name)
    with suppress(Unsupported):
        dataset.table = reading.table_of(name)
    found = {one: parts.kept_in(parts.directory_of(folder, name, one)) for one in parts.workspaces_in(folder, name)}
    parts.check_apart(found.values())
    for workspace, kept in found.items():
        dataset.parts += kept.parts
        if kept.since is not None:
            dataset.since[workspace] = kept.since
        dataset.doubtful += [f"{name} of {workspace} from {span}" for span in kept.doubts()]
        dataset.doubtful += [_in(part, name) for part in kept.parts if not part.complete]
    return dataset


def _in(part: Part, what: str) -> str:
    """Say whose file it is that has this, and from when on."""
    return f"{what} of {part.origin.workspace}" + (f" from {part.start:%Y-%m-%d} on" if part.start else "")


def _bound(since: datetime) -> str | None:
    return None if since == parts.EVERYTHING else parts.moment_text(since)


def _rows(dataset: _Dataset) -> int:
    return sum(part.rows for part in dataset.parts)


def _make_view(connection: duckdb.DuckDBPyConnection, folder: Path, dataset: _Dataset) -> None:
    """Make a view of a list: the workspace, the columns of its files, then year and month."""
    # A list without dates has no folders of years and months.
    dated = not dataset.parts or dataset.parts[0].start is not None
    location = _LOCATION if dated else {"workspace": _LOCATION["workspace"]}
    source, found = "(select 1)", {}
    if dataset.parts:
        dataset.files = [str(part.path(folder)) for part in dataset.parts]
        files = ", ".join(map(_text, dataset.files))
        hive = ", ".join(f"{_text(name)}: {kind}" for name, kind in location.items())
        source = f"read_parquet([{files}], union_by_name = true, hive_partitioning = true, hive_types = {{{hive}}})"
        described = connection.execute(f"describe select * from {source}").fetchall()  # noqa: S608 - paths are quoted
        found = {str(name): str(kind) for name, kind, *_ in described}
    known = {**_declared(connection, dataset.table), **found}
    of_files = {name: kind for name, kind in known.items() if name not in location}
    dataset.columns = {"workspace": location["workspace"], **of_files, **location}
    chosen = ", ".join(
        quoted(name) if name in found else f"null::{kind} as {quoted(name)}" for name, kind in dataset.columns.items()
    )
    where = "" if dataset.parts else " where false"
    connection.execute(f"create view {quoted(dataset.name)} as select {chosen} from {source}{where}")  # noqa: S608 - names are quoted


def _declared(connection: duckdb.DuckDBPyConnection, table: Table | None) -> dict[str, str]:
    """Return the columns that this version of the kit writes: a list without rows has them too."""
    if table is None:
        return {}
    empty = connection.from_arrow(schema_of(table).empty_table())
    return dict(zip(empty.columns, map(str, empty.types), strict=True))


def _text(value: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + value.replace("'", "''") + "'"


def _refusal(
    error: duckdb.Error, sql: str, there: Sequence[str], datasets: Sequence[_Dataset], folder: str
) -> InvalidRequest:
    said = f"the query could not be run: {str(error).strip()}"
    exact = {name for one in datasets for name in one.columns if f"{name}{SUFFIX}" in one.columns}
    written = sorted(name for name in exact if re.search(rf"\b{re.escape(name)}\b", sql, re.IGNORECASE))
    if isinstance(error, duckdb.CatalogException):
        said += f"\nThe archive has {', '.join(there)}; `describe {there[0]}` lists the columns."
        absent = re.search(r"Table with name (\w+) does not exist", str(error))
        if absent and absent[1] in lists.archivable():
            said += f"\nsession.{absent[1]}.archive({folder!r}) adds {absent[1]}."
    elif isinstance(error, duckdb.PermissionException):
        said += "\nA query reads the archive alone: no other file, and nothing of the network."
    elif isinstance(error, duckdb.OutOfRangeException):
        said += "\nThe result is no number of this type. A sum of any size, of whole amounts: sum(amount::bignum)."
    elif isinstance(error, duckdb.BinderException | duckdb.ConversionException) and written:
        numbers = ", ".join(f"{name}{SUFFIX}" for name in written)
        said += (
            f"\n{', '.join(written)}: text, with every digit. As numbers there are {numbers}, or a cast to a type "
            f"that is large enough: {written[0]}::bignum."
        )
    return InvalidRequest(said, field="sql")


def _first(named: Sequence[str]) -> str:
    """Return the first of many in words."""
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return f"{'; '.join(named[:MOST_NAMED])}{more}"


def _read(seen: Seen | None, dataset: _Dataset) -> Collection[str]:
    """Return the columns that a query reads: where that is not known, all."""
    return dataset.columns if seen is None else seen.read.get(dataset.name, ())


def _warn_of_parts(connection: duckdb.DuckDBPyConnection, datasets: Sequence[_Dataset], seen: Seen | None) -> None:
    """Warn of rows that may be missing, and of values that are not in the columns that are read."""
    doubtful = [one for dataset in datasets for one in dataset.doubtful]
    if doubtful:
        warn(
            "rows may be missing, since a run did not come to its end, or could not show that it had read all: "
            f"{_first(doubtful)}. Archive again, and it goes on.",
            IncompleteResult,
        )
    for dataset in datasets:
        if len(set(dataset.since.values())) > 1:
            spans = [f"{name} to {parts.moment_text(since)}" for name, since in dataset.since.items()]
            warn(
                f"the {dataset.name} of this archive do not reach back equally far: {_first(spans)}. Compare and add "
                f"up what was created from {parts.moment_text(max(dataset.since.values()))} on, or archive more.",
                IncompleteResult,
            )
        lacking = [
            _in(part, name)
            for part in dataset.parts
            for name in (lacking_in(part, dataset.table) if dataset.table else ())
            if {name, f"{name}{SUFFIX}"} & set(_read(seen, dataset))
        ]
        lacking += _without_decimals(connection, dataset, _read(seen, dataset))
        if lacking:
            warn(
                f"values of {dataset.name} are null in this query, though lk.read_archive has them: an older version "
                f"of the kit, which did not know the column, wrote the file: {_first(lacking)}. Archive again, and "
                "it is written anew; where it is not, with again= from then on.",
                IncompleteResult,
            )


def _without_decimals(
    connection: duckdb.DuckDBPyConnection, dataset: _Dataset, read: Collection[str]
) -> Iterator[str]:
    """Say which files have a column without the decimal beside it: to the kit that wrote it, it was no number."""
    decimals = [name for name in read if name.endswith(SUFFIX) and name.removesuffix(SUFFIX) in dataset.columns]
    if not decimals or not dataset.files:
        return
    listed = ", ".join(map(_text, dataset.files))
    asked = f"select file_name, list(name) from parquet_schema([{listed}]) group by file_name"  # noqa: S608 - paths are quoted
    found = dict(_rows_of(connection, asked))
    for part, file in zip(dataset.parts, dataset.files, strict=True):
        for name in decimals:
            if name not in found[file] and name.removesuffix(SUFFIX) in found[file]:
                yield _in(part, name)


def _warn_of_numbers(
    connection: duckdb.DuckDBPyConnection, datasets: Sequence[_Dataset], seen: Seen | None, floats: Sequence[str]
) -> None:
    """Warn once of all that is not exact, or left out."""
    said = []
    if floats:
        said.append(
            f"floating point in {', '.join(floats)}: of such numbers the first 15 digits are right at best. Divide "
            "and take means in Python, of exact sums"
        )
    elif seen is not None and seen.floats:
        said.append(
            "floating point inside of the query, by a division, a mean or a number such as 1e18, whatever the result "
            "was cast to. To scale exactly, multiply by a decimal: amount_decimal * 0.00000001"
        )
    if seen is None:
        said.append("the plan of the query could not be looked at for floating point and rounding: look yourself")
    else:
        if seen.middles:
            said.append(f"{', '.join(sorted(seen.middles))} between two integers, cut to an integer")
        if seen.as_text:
            said.append(
                "an order or a comparison by the text of exact numbers, where 9 is more than 10: use the column that "
                "ends on _decimal, or cast to bignum"
            )
        if seen.rounds:
            said.append("a decimal is cast to one of fewer places, or to an integer, which rounds it")
    for dataset in datasets:
        said += _left_out(connection, dataset, seen)
        said += _twice(connection, dataset)
    if said:
        warn(f"not all numbers of this query are exact. {'; '.join(said)}.", InexactNumbers)


def _left_out(connection: duckdb.DuckDBPyConnection, dataset: _Dataset, seen: Seen | None) -> Iterator[str]:
    """Say which numbers of a dataset the query leaves out, or rounds."""
    read, table = _read(seen, dataset), quoted(dataset.name)
    rounded_to = 0 if seen is None else seen.places
    for column, rows in dataset.unfit().items():
        decimal = f"{column}{SUFFIX}"
        if decimal not in read and (rounded_to is None or column not in read):
            continue
        # A number with a fraction fits no decimal here either, so that only these columns can have one.
        point = f"strpos({quoted(column)}, '.')"
        ((fractions, places),) = _rows_of(
            connection,
            f"select count(*), max(length({quoted(column)}) - {point}) from {table} where {point} > 0",  # noqa: S608 - names are quoted
        )
        exactly = f"exact is sum({column}::{f'decimal(38,{places})' if fractions else 'bignum'})"
        if decimal in read:
            yield (
                f"in {rows} rows of {dataset.name} {column} is no integer of up to 38 digits: there {decimal} is "
                f"null, and a sum leaves it out; {exactly}"
            )
        if rounded_to is not None and column in read and places is not None and places > rounded_to:
            yield (
                f"in {fractions} rows of {dataset.name} {column} has a fraction of up to {places} places, which a "
                f"cast rounds; {exactly}, or lk.read_archive(folder, {dataset.name!r}) where that is too large"
            )
    for kind in sorted(seen.tried) if seen is not None else ():
        for column in (name for name in dataset.columns if name in read and f"{name}{SUFFIX}" in dataset.columns):
            ((failing,),) = _rows_of(
                connection,
                f"select count(*) from {table} where {quoted(column)} is not null "  # noqa: S608 - names are quoted
                f"and try_cast({quoted(column)} as {kind}) is null",
            )
            if failing:
                yield (
                    f"in {failing} rows of {dataset.name} {column} is too large for {kind}: there a cast that is "
                    f"tried gives null, and a sum leaves it out; {column}::bignum takes any size"
                )


def _twice(connection: duckdb.DuckDBPyConnection, dataset: _Dataset) -> Iterator[str]:
    """Say which rows stand in several files: the service dated them anew."""
    if "id" not in dataset.columns or not (files := _overlapping(connection, dataset)):
        return
    listed = ", ".join(map(_text, files))
    counted = _rows_of(
        connection,
        f"select workspace, id from read_parquet([{listed}], hive_partitioning = true, "  # noqa: S608 - paths are quoted
        "hive_types = {'workspace': VARCHAR}) where id is not null group by all having count(*) > 1 order by all "
        f"limit {MOST_NAMED + 1}",
    )
    if counted:
        named = ", ".join(f"{identity} of {workspace}" for workspace, identity in counted[:MOST_NAMED])
        more = " and more" if len(counted) > MOST_NAMED else ""
        yield (
            f"rows of {dataset.name} count twice, since the service dated them anew after they were read: "
            f"{named}{more}"
        )


def _overlapping(connection: duckdb.DuckDBPyConnection, dataset: _Dataset) -> list[str]:
    """Return the files of which two of a workspace may have an id in common, by the least and the greatest of each.

    Ids grow with time, so that these are few.
    """
    if len(dataset.files) < 2:
        return []
    listed, kind = ", ".join(map(_text, dataset.files)), dataset.columns["id"]
    ranges = {
        str(file): (least, most)
        for file, least, most in _rows_of(
            connection,
            f"select file_name, min(stats_min_value::{kind}), max(stats_max_value::{kind}) "  # noqa: S608 - paths are quoted
            f"from parquet_metadata([{listed}]) where path_in_schema = 'id' group by file_name",
        )
        if least is not None  # the file is empty
    }
    spans: dict[str, list[tuple[object, object, str]]] = {}
    for part, file in zip(dataset.parts, dataset.files, strict=True):
        if file in ranges:
            spans.setdefault(part.origin.workspace, []).append((*ranges[file], file))
    return [file for found in spans.values() for file in _touching(found)]


def _touching(spans: Iterable[tuple[object, object, str]]) -> list[str]:
    """Return those of the files whose span has something in common with that of another."""
    found: dict[str, None] = {}
    furthest: tuple[object, object, str] | None = None
    for span in sorted(spans):
        if furthest is not None and span[0] <= furthest[1]:  # type: ignore[operator]  # the same
            found |= {furthest[2]: None, span[2]: None}
        if furthest is None or span[1] > furthest[1]:  # type: ignore[operator]  # the same
            furthest = span
    return list(found)


def _rows_of(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in _run(connection, sql).to_pylist()]
