"""An archive read back: the frame that a search would have given when the archive was brought up to date."""

from collections.abc import Iterable
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Any, Final, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ledgerkit.archives import folders, lists, parts, schema, windows
from ledgerkit.archives.parts import Kept, Part
from ledgerkit.errors import ContractViolation, IncompleteResult, InvalidRequest, Unsupported, shorten, warn
from ledgerkit.filters import Time, instant
from ledgerkit.frames import Table
from ledgerkit.operations import marked
from ledgerkit.resources.base import all_sections

MOST_NAMED: Final = 10


def table_of(dataset: str) -> Table:
    """Return the table of the search that a dataset is made of."""
    for section in all_sections():
        if section.name == dataset and hasattr(section, "search"):
            return marked(section.search).table
    raise Unsupported(f"this version of the kit has no search of {shorten(dataset)}, and can't read what it found.")


def check_folder(folder: Path, dataset: str | None = None) -> None:
    """Raise where there is no archive, or not this list in it."""
    there = parts.datasets_in(folder)
    if not there:
        for inside, above in ((folder / "workspace=*", folder.parent), (folder, folder.parent.parent)):
            if inside.name.startswith("workspace=") and folders.directories(inside.parent, inside.name.rstrip("*")):
                raise InvalidRequest(
                    f"{folder} is inside of an archive: give {str(above)!r}, which holds the list as a whole.",
                    field="folder",
                )
        raise InvalidRequest(
            f"{folder} holds no archive: session.transactions.archive({str(folder)!r}) makes one.", field="folder"
        )
    if dataset is not None and dataset not in there:
        makes = f" session.{dataset}.archive({str(folder)!r}) adds it." if dataset in lists.archivable() else ""
        raise InvalidRequest(
            f"{folder} holds no {shorten(dataset)}; there are: {', '.join(there)}.{makes}",
            field="dataset",
            there=there,
        )


def read(
    folder: str | PathLike[str],
    dataset: str,
    *,
    workspace: str | None,
    created_after: Time | None,
    created_before: Time | None,
) -> pd.DataFrame:
    """Read an archive back; see :func:`ledgerkit.read_archive`."""
    root = folders.folder_of(folder)
    after, before = (
        None if value is None else instant(name, value, UTC)
        for name, value in (("created_after", created_after), ("created_before", created_before))
    )
    check_folder(root, dataset)
    table = table_of(dataset)
    there = parts.workspaces_in(root, dataset)
    if workspace is not None and workspace not in there:
        raise InvalidRequest(
            f"{root} holds no {dataset} of {shorten(workspace)}; there are: {', '.join(there)}.", field="workspace"
        )
    chosen = there if workspace is None else [workspace]
    all_read = {one: _read(parts.directory_of(root, dataset, one), after, before) for one in chosen}
    parts.check_apart(one.kept for one in all_read.values())
    frame = _together([_frame(name, one, table, after, before) for name, one in all_read.items()], table)
    if len(chosen) > 1 and "created_on" in table.kinds:
        frame = frame.sort_values("created_on", ascending=False, kind="stable", ignore_index=True)
    missing = [f"{span} of {name}" for name, one in all_read.items() for span in one.kept.doubts(after, before)]
    unsure = [name for name, one in all_read.items() if not all(part.complete for part, _ in one.found)]
    marks = [one.kept.mark for one in all_read.values() if one.kept.mark]
    since = max((mark.since for mark in marks), default=parts.EVERYTHING)
    frame.attrs = {
        "table": table.name,
        "complete": not missing and not unsure,
        "count": len(frame),
        "since": None if since == parts.EVERYTHING else parts.moment_text(since),
        "until": parts.moment_text(min(mark.until for mark in marks)) if len(marks) == len(chosen) else None,
        **{name: next(iter(values)) for name, values in _origins(all_read.values()).items() if len(values) == 1},
    }
    if missing:
        warn(
            f"{root}: {dataset} created in these spans may be missing, since a run did not come to its end, or "
            "counted other than it found, or a file was taken away: "
            f"{'; '.join(missing[:MOST_NAMED])}. Archive again, and it goes on.",
            IncompleteResult,
        )
    bounded = [name for name, one in all_read.items() if (one.kept.since or parts.EVERYTHING) > parts.EVERYTHING]
    if after is not None and after < since:
        warn(
            f"{root}: {dataset} of {', '.join(bounded[:MOST_NAMED])} are archived from {parts.moment_text(since)} "
            "on, and older ones were asked for too. Archive with an earlier created_after=, or without it.",
            IncompleteResult,
        )
    if unsure:
        warn(
            f"{root}: some {dataset} of {', '.join(unsure[:MOST_NAMED])} may be missing: when they were read, they "
            "could not be shown to be complete. Archive again, and they are read again.",
            IncompleteResult,
        )
    return frame


class _Read(NamedTuple):
    """One list of one workspace: what its files say, and those that may hold what is asked for, newest first."""

    directory: Path
    kept: Kept
    found: list[tuple[Part, pa.Table]]


def _read(directory: Path, after: datetime | None, before: datetime | None) -> _Read:
    """Read each file once, so that what is said and what is given are of one moment."""
    mark = parts.mark_in(directory)
    said: list[tuple[Path, Part]] = []
    found: list[tuple[Part, pa.Table]] = []
    for path in parts.files_in(directory):
        start = parts.start_of(path)
        # By its name alone: no file goes beyond its month.
        if start is not None and (
            (after is not None and windows.month_after(start) <= after) or (before is not None and start >= before)
        ):
            said.append((path, parts.read_part(path)))
            continue
        part, rows = parts.read_whole(path)
        said.append((path, part))
        found.append((part, rows))
    return _Read(directory, Kept(mark, parts.in_order(said)), found[::-1])


def _frame(
    workspace: str,
    read: _Read,
    table: Table,
    after: datetime | None,
    before: datetime | None,
) -> pd.DataFrame:
    empty = schema.schema_of(table).empty_table()
    rows = pa.concat_tables([empty, *(schema.conformed(one, table) for _, one in read.found)])
    _check_once(rows, read, workspace)
    for moment, inside in ((after, pc.greater_equal), (before, pc.less)):
        if moment is not None and "created_on" in table.kinds:
            rows = rows.filter(inside(rows["created_on"], pa.scalar(moment, schema.MOMENT)))
    if "created_on" in table.kinds:  # others are kept in the order of the search
        rows = rows.sort_by([("id", "descending")])
    further = list(dict.fromkeys(name for part, _ in read.found for name in part.further))
    frame = schema.to_frame(rows, table, further)
    frame.insert(0, "workspace", pd.Series([workspace] * len(frame), dtype="str"))
    return frame


def _check_once(rows: pa.Table, read: _Read, workspace: str) -> None:
    """Refuse rows that are in the archive with another date as well, also where that lies outside of what is read.

    A row that was dated anew is gone from where it was: only such ids are looked for in the files that are not read.
    """
    counted = pc.value_counts(rows["id"].combine_chunks())
    twice = [one["values"] for one in counted.filter(pc.greater(counted.field("counts"), 1)).to_pylist()]
    gone = {one for part, _ in read.found for one in part.gone}
    if gone and not twice:
        here = {part.start for part, _ in read.found}
        for part in read.kept.parts:
            if part.start not in here:
                twice += sorted(gone & parts.ids_among(part.path(read.directory.parents[1]), gone), key=str)
    if twice:
        named = ", ".join(map(str, twice[:MOST_NAMED]))
        raise ContractViolation(
            f"{len(twice)} rows of {workspace} are in the archive twice, with another `created_on` each: {named}. "
            "The service dated them anew, and the run that found it stopped before its end. Archive again, which "
            "takes out the older ones; where this stays, look at them with lk.query and archive into another folder.",
            field="id",
            ids=twice[:MOST_NAMED],
        )


def _together(frames: list[pd.DataFrame], table: Table) -> pd.DataFrame:
    if len(frames) == 1:
        return frames[0]
    names = list(dict.fromkeys(name for frame in frames for name in frame.columns if name != schema.ARCHIVED_AT))
    names.append(schema.ARCHIVED_AT)
    filled = [_with_all(frame, names) for frame in frames]
    kinds = frames[0].dtypes
    frame = pd.concat([one for one in filled if len(one)] or filled[:1], ignore_index=True)
    return frame.astype({name: kinds[name] for name in ["workspace", *table.kinds]})


def _with_all(frame: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """Give a frame the fields that only other workspaces have."""
    missing: dict[str, Any] = {
        name: pd.Series([pd.NA] * len(frame), dtype=object) for name in names if name not in frame
    }
    return frame.assign(**missing)[list(names)]


def _origins(all_read: Iterable[_Read]) -> dict[str, set[str]]:
    origins = [origin for read in all_read for origin in read.kept.origins]
    return {name: {getattr(one, name) for one in origins} for name in ("base_url", "environment", "workspace")}
