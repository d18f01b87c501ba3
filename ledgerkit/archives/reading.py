"""An archive read back: the frame that a search would have given when the archive was brought up to date."""

from collections.abc import Iterable
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ledgerkit.archives import parts, schema, windows
from ledgerkit.archives.parts import Part
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
    there = parts.datasets_in(folder) if folder.is_dir() else []
    if not there:
        for inside, above in ((folder / "workspace=*", folder.parent), (folder, folder.parent.parent)):
            if inside.name.startswith("workspace=") and any(inside.parent.glob(inside.name)):
                raise InvalidRequest(
                    f"{folder} is inside of an archive: give {str(above)!r}, which holds the list as a whole.",
                    field="folder",
                )
        raise InvalidRequest(
            f"{folder} holds no archive: session.transactions.archive({str(folder)!r}) makes one.", field="folder"
        )
    if dataset is not None and dataset not in there:
        makes = f" session.{dataset}.archive({str(folder)!r}) adds it." if dataset in archivable() else ""
        raise InvalidRequest(
            f"{folder} holds no {shorten(dataset)}; there are: {', '.join(there)}.{makes}",
            field="dataset",
            there=there,
        )


def archivable() -> set[str]:
    """Return the lists that an archive can have."""
    return {section.name for section in all_sections() if hasattr(section, "search")}


def read(
    folder: str | PathLike[str],
    dataset: str,
    *,
    workspace: str | None,
    created_after: Time | None,
    created_before: Time | None,
) -> pd.DataFrame:
    """Read an archive back; see :func:`ledgerkit.read_archive`."""
    root = Path(folder)
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
    frames, found, missing, since = [], [], [], parts.EVERYTHING
    for one in there if workspace is None else [workspace]:
        directory = parts.directory_of(root, dataset, one)
        read_now, holes = _selected(directory, after, before)
        missing += [f"{_moment(low)} to {_moment(high)} of {one}" for low, high in holes]
        since = max(since, _since(directory))
        found += [part for part, _ in read_now]
        frames.append(_frame(one, read_now, table, after, before))
    frame = _together(frames, table)
    if len(there if workspace is None else [workspace]) > 1 and "created_on" in table.kinds:
        frame = frame.sort_values("created_on", ascending=False, kind="stable", ignore_index=True)
    complete = not missing and all(part.complete for part in found)
    frame.attrs = {
        "table": table.name,
        "complete": complete,
        "count": len(frame),
        "since": None if since == parts.EVERYTHING else _moment(since),
        **{name: next(iter(values)) for name, values in _origins(found).items() if len(values) == 1},
    }
    if missing:
        warn(
            f"{root}: {dataset} created in these spans may be missing, since a run did not come to its end: "
            f"{'; '.join(missing[:MOST_NAMED])}. Archive again, and it goes on.",
            IncompleteResult,
        )
    if after is not None and after < since:
        warn(
            f"{root}: {dataset} are archived from {_moment(since)} on, and older ones were asked for too. Archive "
            "with an earlier created_after=, or without it.",
            IncompleteResult,
        )
    if not all(part.complete for part in found):
        warn(
            f"{root}: some {dataset} may be missing: when they were read, they could not be shown to be complete. "
            "Archive again, and they are read again.",
            IncompleteResult,
        )
    return frame


def _selected(
    directory: Path, after: datetime | None, before: datetime | None
) -> tuple[list[tuple[Part, pa.Table]], list[tuple[datetime, datetime]]]:
    """Return the parts that may hold what is asked for, newest first, and the spans of it that may lack rows.

    A part is read at one moment. The one behind the span says what is missing before it.
    """
    found: list[tuple[Part, pa.Table]] = []
    said: list[Part] = []
    for path in parts.files_in(directory):
        start = parts.start_of(path)
        if start is not None and after is not None and windows.month_after(start) <= after:
            continue
        if start is not None and before is not None and start >= before:
            said.append(parts.read_part(path))
            break
        part, rows = parts.read_whole(path)
        said.append(part)
        found.append((part, rows))
    earliest, latest = after or parts.EVERYTHING, before or datetime.max.replace(tzinfo=UTC)
    holes = [(low, high) for low, high in parts.holes(said) if low < latest and high > earliest]
    return found[::-1], holes


def _since(directory: Path) -> datetime:
    """Return how far back a list was meant to be archived."""
    first = next(iter(parts.files_in(directory)), None)
    reaches = parts.read_part(first).reaches if first else None
    return parts.EVERYTHING if reaches is None else reaches


def _moment(moment: datetime) -> str:
    return "the beginning" if moment == parts.EVERYTHING else moment.isoformat().replace("+00:00", "Z")


def _frame(
    workspace: str,
    found: list[tuple[Part, pa.Table]],
    table: Table,
    after: datetime | None,
    before: datetime | None,
) -> pd.DataFrame:
    empty = schema.schema_of(table).empty_table()
    rows = pa.concat_tables([empty, *(schema.conformed(one, table) for _, one in found)])
    _check_once(rows, workspace)
    for moment, inside in ((after, pc.greater_equal), (before, pc.less)):
        if moment is not None and "created_on" in table.kinds:
            rows = rows.filter(inside(rows["created_on"], pa.scalar(moment, schema.MOMENT)))
    rows = rows.sort_by([("id", "descending")])
    further = list(dict.fromkeys(name for part, _ in found for name in part.further))
    frame = schema.to_frame(rows, table, further)
    frame.insert(0, "workspace", pd.Series([workspace] * len(frame), dtype="str"))
    return frame


def _check_once(rows: pa.Table, workspace: str) -> None:
    counted = pc.value_counts(rows["id"].combine_chunks())
    twice = [one["values"] for one in counted.filter(pc.greater(counted.field("counts"), 1)).to_pylist()]
    if twice:
        named = ", ".join(map(str, twice[:MOST_NAMED]))
        raise ContractViolation(
            f"{len(twice)} rows of {workspace} are in the archive twice, with another `created_on` each: {named}. "
            "The service dated them anew. Look at them with lk.query, and archive into another folder.",
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


def _origins(found: list[Part]) -> dict[str, set[str]]:
    names = ("base_url", "environment", "workspace")
    return {name: {getattr(part.origin, name) for part in found} for name in names}
