"""SQL over an archive, on this machine alone, with results in which no digit changes."""

import re
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Final

import duckdb
import pandas as pd
import pyarrow as pa

from ledgerkit.archives import parts, sql_checks, sql_results
from ledgerkit.archives.parts import Part
from ledgerkit.archives.schema import SUFFIX, schema_of
from ledgerkit.archives.sql_checks import quoted
from ledgerkit.errors import IncompleteResult, InexactNumbers, InvalidRequest, shorten, warn
from ledgerkit.operations import marked
from ledgerkit.resources.base import all_sections

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
# In words of DuckDB, for a list of which no file was written.
_TYPES: Final = {
    pa.string(): "VARCHAR",
    pa.int64(): "BIGINT",
    pa.bool_(): "BOOLEAN",
    pa.timestamp("us", tz="UTC"): "TIMESTAMP WITH TIME ZONE",
    pa.decimal128(38, 0): "DECIMAL(38,0)",
}
# The folders that rows lie in.
_LOCATION: Final = {"workspace": "VARCHAR", "year": "INTEGER", "month": "INTEGER"}
_COLUMNS: Final = re.compile(r"\bcolumns\s*\(", re.IGNORECASE)
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

    def unfit(self) -> dict[str, int]:
        """Return how many numbers of each column do not fit their decimal."""
        found: dict[str, int] = {}
        for part in self.parts:
            for column, rows in part.unfit.items():
                found[column] = found.get(column, 0) + rows
        return found


def query(sql: str, folder: str | PathLike[str] = "data") -> pd.DataFrame:
    """Ask an archive in SQL; see :func:`ledgerkit.query`."""
    where = Path(folder).expanduser().resolve()
    there = parts.datasets_in(where) if where.is_dir() else []
    if not there:
        raise InvalidRequest(
            f"{shorten(str(folder))} is no archive: no list was kept there. "
            "session.transactions.archive(folder) makes one.",
            field="folder",
        )
    if not isinstance(sql, str):
        raise InvalidRequest(f"`sql` = {shorten(sql)}: it takes one SELECT, as text.", field="sql")
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
            raise _refusal(error, there) from error
        frame = sql_results.frame_of(table)
        _warn_of_parts(datasets)
        _warn_of_numbers(connection, sql, datasets, sql_results.inexact(table))
    frame.attrs.update(sql=sql, folder=str(folder), datasets={one.name: _rows(one) for one in datasets})
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
    for workspace in parts.workspaces_in(folder, name):
        found = parts.parts_in(parts.directory_of(folder, name, workspace))
        dataset.parts += found
        dataset.doubtful += [
            f"{name} of {workspace} before {until:%Y-%m-%d %H:%M}" for _, until in parts.holes(found)
        ]
        dataset.doubtful += [
            f"{name} of {workspace}" + (f" from {part.start:%Y-%m-%d} on" if part.start else "")
            for part in found
            if not part.complete
        ]
    return dataset


def _rows(dataset: _Dataset) -> int:
    return sum(part.rows for part in dataset.parts)


def _make_view(connection: duckdb.DuckDBPyConnection, folder: Path, dataset: _Dataset) -> None:
    """Make a view of a list: the workspace, the columns of its files, then year and month."""
    # A list without dates has no folders of years and months.
    dated = not dataset.parts or dataset.parts[0].start is not None
    location = _LOCATION if dated else {"workspace": _LOCATION["workspace"]}
    source, found = "(select 1)", {}
    if dataset.parts:
        files = ", ".join(_text(str(part.path(folder))) for part in dataset.parts)
        hive = ", ".join(f"{_text(name)}: {kind}" for name, kind in location.items())
        source = f"read_parquet([{files}], union_by_name = true, hive_partitioning = true, hive_types = {{{hive}}})"
        described = connection.execute(f"describe select * from {source}").fetchall()  # noqa: S608 - paths are quoted
        found = {str(name): str(kind) for name, kind, *_ in described}
    of_files = {name: kind for name, kind in {**_declared(dataset.name), **found}.items() if name not in location}
    dataset.columns = {"workspace": location["workspace"], **of_files, **location}
    chosen = ", ".join(
        quoted(name) if name in found else f"null::{kind} as {quoted(name)}" for name, kind in dataset.columns.items()
    )
    where = "" if dataset.parts else " where false"
    connection.execute(f"create view {quoted(dataset.name)} as select {chosen} from {source}{where}")  # noqa: S608 - names are quoted


def _declared(dataset: str) -> dict[str, str]:
    """Return the columns that this version of the kit writes: a list without rows has them too."""
    section = next((one for one in all_sections() if one.name == dataset), None)
    search = getattr(section, "search", None)
    if search is None:
        return {}
    return {one.name: _TYPES[one.type] for one in schema_of(marked(search).table)}


def _text(value: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + value.replace("'", "''") + "'"


def _refusal(error: duckdb.Error, there: Sequence[str]) -> InvalidRequest:
    said = f"the query could not be run: {str(error).strip()}"
    if isinstance(error, duckdb.CatalogException):
        said += f"\nThe archive has {', '.join(there)}; `describe {there[0]}` lists the columns."
    elif isinstance(error, duckdb.PermissionException):
        said += "\nA query reads the archive alone: no other file, and nothing of the network."
    elif isinstance(error, duckdb.OutOfRangeException):
        said += "\nThe result is no number of this type. A sum of any size, of whole amounts: sum(amount::bignum)."
    return InvalidRequest(said, field="sql")


def _warn_of_parts(datasets: Sequence[_Dataset]) -> None:
    doubtful = [one for dataset in datasets for one in dataset.doubtful]
    if doubtful:
        more = f" and {len(doubtful) - MOST_NAMED} more" if len(doubtful) > MOST_NAMED else ""
        warn(
            f"rows may be missing, since a run did not come to its end, or could not show that it had read all: "
            f"{'; '.join(doubtful[:MOST_NAMED])}{more}. Archive again, and it goes on.",
            IncompleteResult,
        )


def _warn_of_numbers(
    connection: duckdb.DuckDBPyConnection, sql: str, datasets: Sequence[_Dataset], floats: Sequence[str]
) -> None:
    """Warn once of all that is not exact, or left out."""
    seen = sql_checks.look(sql, {one.name: one.columns for one in datasets})
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
    for dataset in datasets:
        said += _left_out(connection, sql, dataset, 0 if seen is None else seen.places)
        said += _twice(connection, dataset)
    if said:
        warn(f"not all numbers of this query are exact. {'; '.join(said)}.", InexactNumbers)


def _left_out(
    connection: duckdb.DuckDBPyConnection, sql: str, dataset: _Dataset, rounded_to: int | None
) -> Iterator[str]:
    """Say which numbers of a dataset the query leaves out, or rounds to so many places."""
    for column, rows in dataset.unfit().items():
        decimal = f"{column}{SUFFIX}"
        mentioned = re.search(rf"\b{re.escape(decimal)}\b", sql, re.IGNORECASE) or _COLUMNS.search(sql)
        if not mentioned and rounded_to is None:
            continue
        # A number with a fraction fits no decimal here either, so that only these columns can have one.
        point = f"strpos({quoted(column)}, '.')"
        counted = connection.execute(
            f"select count(*), max(length({quoted(column)}) - {point}) from {quoted(dataset.name)} where {point} > 0"  # noqa: S608 - names are quoted
        ).fetchone()
        fractions, places = counted or (0, None)
        exactly = f"exact is sum({column}::{f'decimal(38,{places})' if fractions else 'bignum'})"
        if mentioned:
            yield (
                f"in {rows} rows of {dataset.name} {column} is no integer of up to 38 digits: there {decimal} is "
                f"null, and a sum leaves it out; {exactly}"
            )
        if rounded_to is not None and places is not None and places > rounded_to:
            yield (
                f"in {fractions} rows of {dataset.name} {column} has a fraction of up to {places} places, which a "
                f"cast rounds; {exactly}, or lk.read_archive(folder, {dataset.name!r}) where that is too large"
            )


def _twice(connection: duckdb.DuckDBPyConnection, dataset: _Dataset) -> Iterator[str]:
    """Say which rows stand in several files: the service dated them anew."""
    if len(dataset.parts) < 2 or "id" not in dataset.columns:
        return
    counted = connection.execute(
        f"select workspace, id from {quoted(dataset.name)} where id is not null group by all "  # noqa: S608 - names are quoted
        f"having count(*) > 1 order by all limit {MOST_NAMED + 1}"
    ).fetchall()
    if counted:
        named = ", ".join(f"{identity} of {workspace}" for workspace, identity in counted[:MOST_NAMED])
        more = " and more" if len(counted) > MOST_NAMED else ""
        yield (
            f"rows of {dataset.name} count twice, since the service dated them anew after they were read: "
            f"{named}{more}"
        )
