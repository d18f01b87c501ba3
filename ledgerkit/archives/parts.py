"""The files of an archive: their names, what they say of themselves, and what a run has shown of them together.

What a file covers is in its own metadata. Beside the files of a list one mark says which span the last run that came
to its end has looked at: what lies in it and in no file was shown to be empty.
"""

import contextlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.parquet as pq

from ledgerkit.archives import folders
from ledgerkit.decoding import each_key_once
from ledgerkit.errors import ArchiveDamaged, ConfigurationError, InvalidRequest, shorten

T = TypeVar("T")

FORMAT: Final = 1
# The key of the file's metadata under which JSON says what the file is.
KEY: Final = b"ledgerkit"
STAMP: Final = "%Y%m%dT%H%M%S.%fZ"
# The one file of a list without dates.
ALL: Final = "all"
MARK: Final = "ended.json"
# Since the beginning, and without an end.
EVERYTHING: Final = datetime.min.replace(tzinfo=UTC)
FOREVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Origin:
    """Where the rows of a file came from."""

    dataset: str
    workspace: str
    base_url: str
    environment: str
    family: str
    # The workspace as the service knows it, whatever its directory is called; empty where it is not known.
    identity: str = ""


@dataclass(frozen=True)
class Part:
    """What a file says of itself.

    Parameters
    ----------
    origin
        Where its rows came from.
    start, until
        It holds the rows created from this moment on, and before that one; None of a list without dates.
    rows
        How many there are.
    open
        How many of them may still change.
    counted
        What the service counted for this window when it was read.
    complete
        Whether it was shown to be complete.
    read_at
        When it was last read, whole or not, by the server's clock.
    unfit
        By column, how many numbers do not fit their decimal.
    further
        The fields that no table declares, in the order of the search.
    gone
        The ids of rows that are kept, though the service no longer listed them when it was read last.
    kit
        The version of the kit that wrote it.
    """

    origin: Origin
    start: datetime | None
    until: datetime | None
    rows: int
    open: int
    counted: int
    complete: bool
    read_at: datetime
    unfit: dict[str, int] = field(default_factory=dict)
    further: list[str] = field(default_factory=list)
    gone: list[int | str] = field(default_factory=list)
    kit: str = ""

    def path(self, folder: Path) -> Path:
        """Return where it is inside of the folder of an archive."""
        directory = directory_of(folder, self.origin.dataset, self.origin.workspace)
        if self.start is None:
            return directory / f"{ALL}.parquet"
        # "%Y" pads no year before 1000.
        year = f"{self.start.year:04}"
        name = f"{year}{self.start:{STAMP.removeprefix('%Y')}}.parquet"
        return directory / f"year={year}" / f"month={self.start:%m}" / name

    def to_json(self) -> bytes:
        """Return what is written into the file."""
        said = {name: value for name, value in asdict(self).items() if name != "origin"}
        return _to_json(self.origin, said)


class Mark(NamedTuple):
    """What the last run that came to its end has shown.

    Parameters
    ----------
    origin
        What was looked at.
    since, until
        All that was created from this moment on, and before that one, was in the files then: each moment of it that
        no file covered had no rows.
    spans
        What the files covered, so that one that is missing since is noticed; of a list without dates both are None.
    sure
        Whether it was so: False where what was counted in the end was not what was found.
    doubted
        From when on, up to ``until``, it may not be so, where only that is in doubt. ``sure`` is False then too, for
        readers that know this field not.
    """

    origin: Origin
    since: datetime
    until: datetime
    spans: tuple[tuple[datetime | None, datetime | None], ...]
    sure: bool = True
    doubted: datetime | None = None


class Kept(NamedTuple):
    """One list of one workspace as it lies on the disk: what a run said of it, then its files, oldest first."""

    mark: Mark | None
    parts: list[Part]

    @property
    def origins(self) -> list[Origin]:
        """Where the mark and each file are from."""
        return ([self.mark.origin] if self.mark else []) + [part.origin for part in self.parts]

    @property
    def since(self) -> datetime | None:
        """How far back it was meant to be kept; None where no run has come to its end."""
        return self.mark.since if self.mark else None

    def holes(self, after: datetime | None = None, before: datetime | None = None) -> list[tuple[datetime, datetime]]:
        """Return the spans that may lack rows, oldest first, as far as they lie between two moments.

        No file covers them, and no run that came to its end has shown them to be empty.
        """
        low, high = after or EVERYTHING, before or FOREVER
        return [span for span in _holes(self.mark, self.parts) if span[0] < high and span[1] > low]

    def doubts(self, after: datetime | None = None, before: datetime | None = None) -> list[str]:
        """Return the spans that may lack rows in words."""
        return [f"{moment_text(low)} to {moment_text(high)}" for low, high in self.holes(after, before)]


def moment_text(moment: datetime) -> str:
    """Return a moment as it is shown."""
    if moment in (EVERYTHING, FOREVER):
        return "the beginning" if moment == EVERYTHING else "the end"
    return moment.isoformat().replace("+00:00", "Z")


def _holes(mark: Mark | None, found: Sequence[Part]) -> list[tuple[datetime, datetime]]:
    if mark is not None and not mark.sure:
        if mark.doubted is None:
            return [(EVERYTHING, FOREVER)]
        holes = _holes(mark._replace(sure=True), found)
        return _joined([*holes, (mark.doubted, mark.until)])
    covered = [(part.start, part.until) for part in found if part.start and part.until]
    if any(part.start is None for part in found):
        return []  # the one file of a list without dates
    if mark is None:
        # No run has come to its end, or another has taken its word away.
        return _uncovered(covered, EVERYTHING, max((high for _, high in covered), default=FOREVER))
    spans = [(low, high) for low, high in mark.spans if low and high]
    if len(spans) < len(mark.spans):
        return [(EVERYTHING, FOREVER)]
    empty = _uncovered(spans, mark.since, mark.until)
    # Files from before this moment are of a run that went further back, and did not end.
    floor = EVERYTHING if covered and covered[0][0] < min([mark.since, *(low for low, _ in spans)]) else mark.since
    top = max(high for _, high in [*covered, *spans, (EVERYTHING, mark.until)])
    return _uncovered(sorted([*covered, *empty]), floor, top)


def _uncovered(
    spans: Iterable[tuple[datetime, datetime]], since: datetime, until: datetime
) -> list[tuple[datetime, datetime]]:
    """Return what lies between two moments, and in none of some spans, which are sorted."""
    found = []
    for low, high in spans:
        if since < min(low, until):
            found.append((since, min(low, until)))
        since = max(since, high)
    return [*found, (since, until)] if since < until else found


def _joined(spans: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Return spans in order, those as one that touch."""
    joined: list[tuple[datetime, datetime]] = []
    for low, high in sorted(spans):
        if joined and low <= joined[-1][1]:
            low, high = joined[-1][0], max(high, joined.pop()[1])
        joined.append((low, high))
    return joined


def directory_of(folder: Path, dataset: str, workspace: str) -> Path:
    """Return where the files of one list of one workspace are."""
    return folder / dataset / f"workspace={quote(workspace, safe='')}"


def workspaces_in(folder: Path, dataset: str) -> list[str]:
    """Return the workspaces that have a list in the archive.

    Raises
    ------
    ArchiveDamaged
        A directory has a name that the kit gives none.
    """
    names = []
    for path in folders.directories(folder / dataset, "workspace="):
        names.append(unquote(path.name.removeprefix("workspace=")))
        if path != directory_of(folder, dataset, names[-1]):
            raise ArchiveDamaged(
                f"{path} is no directory of an archive: its name would be "
                f"{directory_of(folder, dataset, names[-1]).name}. Rename it back, or move it out.",
                path=str(path),
            )
    return sorted(names)


def datasets_in(folder: Path) -> list[str]:
    """Return the lists that the archive has."""
    return [path.name for path in folders.directories(folder) if folders.directories(path, "workspace=")]


def files_in(directory: Path) -> list[Path]:
    """Return the files of one list of one workspace, oldest first."""
    found = [path for path in folders.entries(directory) if path.name == f"{ALL}.parquet"]
    for month in folders.months_in(directory):
        found += [path for path in folders.entries(month) if path.suffix == ".parquet"]
    return sorted(found)


def start_of(path: Path) -> datetime | None:
    """Return the moment that a file is named by; None of a list without dates."""
    if path.stem == ALL:
        return None
    try:
        return datetime.strptime(path.stem, STAMP).replace(tzinfo=UTC)
    except ValueError:
        raise folders.damaged(path, "its name is none that the kit gives") from None


def read_part(path: Path) -> Part:
    """Return what a file says of itself.

    Raises
    ------
    ArchiveDamaged
        It is no file that the kit wrote, or not where the kit put it, or one of a later format.
    InvalidRequest
        The system does not let it be read.
    """
    with folders.opened(path) as file:
        return _part(path, pq.read_schema(file).metadata)


def read_whole(path: Path) -> tuple[Part, pa.Table]:
    """Return what a file says of itself, and its rows: both of one moment, whoever replaces it meanwhile."""
    with folders.opened(path) as opened, pq.ParquetFile(opened) as file:
        return _part(path, file.schema_arrow.metadata), file.read()


def read_rows(path: Path) -> pa.Table:
    """Return the rows of a file; its folders' names add no columns."""
    return read_whole(path)[1]


def ids_among(path: Path, ids: Collection[int | str]) -> set[int | str]:
    """Return which of some ids a file has; it is read only where they may be in it, and of it the ids alone."""
    with folders.opened(path) as opened, pq.ParquetFile(opened) as file:
        group = file.metadata.row_group(0) if file.metadata.num_row_groups else None
        column = file.schema_arrow.get_field_index("id")
        known = group.column(column).statistics if group is not None and column >= 0 else None
        if known is not None and known.has_min_max and not any(known.min <= one <= known.max for one in ids):
            return set()
        return {one for one in file.read(columns=["id"])["id"].to_pylist() if one in ids}


def _part(path: Path, metadata: Mapping[bytes, bytes] | None) -> Part:
    said = _said(path, (metadata or {}).get(KEY))
    try:
        origin = _origin(said)
        one = Part(
            origin,
            start=_moment_or_none(said["start"]),
            until=_moment_or_none(said["until"]),
            rows=_of(int, said["rows"]),
            open=_of(int, said["open"]),
            counted=_of(int, said["counted"]),
            complete=_of(bool, said["complete"]),
            read_at=_moment(said["read_at"]),
            unfit={_of(str, name): _of(int, rows) for name, rows in _of(dict, said["unfit"]).items()},
            further=[_of(str, name) for name in _of(list, said["further"])],
            gone=[name if isinstance(name, str) else _of(int, name) for name in _of(list, said["gone"])],
            kit=_of(str, said["kit"]),
        )
        if not _is_window(one.start, one.until):
            raise ValueError(one.until)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise folders.damaged(path, "it does not say what the kit writes into each file") from error
    return _in_place(path, one)


def _is_window(start: datetime | None, until: datetime | None) -> bool:
    """Say whether a file may cover a window: it lies in one month, by which readers leave out files unread."""
    if start is None or until is None:
        return start is until
    last = until - timedelta(microseconds=1)
    return start < until and (start.year, start.month) == (last.year, last.month)


def _in_place(path: Path, part: Part) -> Part:
    """Refuse a file that is not where the kit put it: it would be read as another list, or twice."""
    there = path.parents[0 if part.start is None else 2]
    folder = there.parents[1]
    meant = part.path(folder)
    if meant == path:
        return part
    if there != directory_of(folder, part.origin.dataset, part.origin.workspace):
        raise _elsewhere(path, there, part.origin)
    raise folders.damaged(path, f"it says that it starts at {part.start}, and its name says otherwise")


def _elsewhere(path: Path, directory: Path, origin: Origin) -> ArchiveDamaged:
    meant = directory_of(Path(), origin.dataset, origin.workspace)
    return ArchiveDamaged(
        f"{directory} holds {shorten(origin.dataset)} of the workspace {shorten(origin.workspace)}, and was renamed "
        f"or copied by hand: {path.name} says so. Nothing was changed. Rename it back to {str(meant)!r}, or move it "
        "out of the archive, where that one is there too.",
        path=str(path),
    )


def _said(path: Path, text: bytes | None) -> dict[str, Any]:
    """Return the JSON that the kit wrote, of the format that this version reads."""
    try:
        said = json.loads(text or b"", object_pairs_hook=each_key_once)
        found = said["format"]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise folders.damaged(path, "it does not say what the kit writes into each file") from error
    if found != FORMAT:
        raise ArchiveDamaged(
            f"{path} can't be used: it has the format {shorten(found)}, and this version reads {FORMAT}. A newer one "
            "of ledgerkit wrote it: update.",
            path=str(path),
        )
    return dict(said)


def _to_json(origin: Origin, said: Mapping[str, Any]) -> bytes:
    values = {"format": FORMAT, **asdict(origin), **said}
    return json.dumps(values, default=lambda moment: moment.isoformat()).encode()


def _origin(said: Mapping[str, Any]) -> Origin:
    return Origin(**{one.name: _of(str, said[one.name]) for one in fields(Origin)})


def _of(kind: type[T], value: Any) -> T:
    if type(value) is not kind:
        raise TypeError(value)
    return value


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(_of(str, value))
    if moment.utcoffset() != timedelta(0):
        raise ValueError(value)
    return moment.replace(tzinfo=UTC)


def _moment_or_none(value: Any) -> datetime | None:
    return None if value is None else _moment(value)


def kept_in(directory: Path) -> Kept:
    """Return what is there of one list of one workspace: the mark first, so that it promises no file found later.

    Raises
    ------
    ArchiveDamaged
        A file is not what the kit wrote, or not where it was put, or two cover the same moment.
    InvalidRequest
        The system does not let one be read.
    """
    mark = mark_in(directory)
    return Kept(mark, in_order([(path, read_part(path)) for path in files_in(directory)]))


def in_order(found: Sequence[tuple[Path, Part]]) -> list[Part]:
    """Return what files say of themselves, after a look that no two of them cover the same moment."""
    for (path, one), (other, two) in pairwise(found):
        if one.until is None or two.start is None or one.until > two.start:
            raise folders.damaged(path, f"it covers what {other.name} covers too")
    return [part for _, part in found]


def mark_in(directory: Path) -> Mark | None:
    """Return what the last run said that came to its end; None where there was none.

    Raises
    ------
    ArchiveDamaged
        The mark is not what the kit wrote, or of another directory.
    """
    path = directory / MARK
    if path not in folders.entries(directory):
        return None
    with folders.opened(path) as file:
        said = _said(path, file.read())
    try:
        spans = tuple((_moment_or_none(low), _moment_or_none(high)) for low, high in _of(list, said["spans"]))
        mark = Mark(
            _origin(said),
            _moment(said["since"]),
            _moment(said["until"]),
            spans,
            _of(bool, said["sure"]),
            _moment_or_none(said.get("doubted")),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise folders.damaged(path, "it does not say what the kit writes into it") from error
    if directory != directory_of(directory.parents[1], mark.origin.dataset, mark.origin.workspace):
        raise _elsewhere(path, directory, mark.origin)
    return mark


def seal(
    folder: Path,
    origin: Origin,
    found: Iterable[Part],
    *,
    since: datetime | None,
    until: datetime,
    sure: bool = True,
    doubted: datetime | None = None,
) -> Mark:
    """Write down what a run has shown that came to its end: without it, whoever reads is warned.

    Parameters
    ----------
    found
        All files of the list, as they are now.
    since, until
        All that was created from this moment on (None: since the beginning), and before that one, was looked at, and
        is in the files.
    sure
        False where that could not be shown: whoever reads is warned until a run has shown it.
    doubted
        From when on it could not be shown, where all before was.
    """
    low = EVERYTHING if since is None else since
    directory = directory_of(folder, origin.dataset, origin.workspace)
    was = mark_in(directory)
    spans = {(part.start, part.until) for part in found}
    if was is not None and was.until >= low:
        # What lies before is as an earlier run has shown it, and a file that is missing there still is.
        starts = {start for start, _ in spans}
        spans |= {span for span in was.spans if span[0] and span[0] < low and span[0] not in starts}
        low, until = min(low, was.since), max(until, was.until)
    mark = Mark(origin, low, until, tuple(sorted(spans, key=lambda span: span[0] or EVERYTHING)), sure, doubted)
    put_mark(folder, mark)
    return mark


def put_mark(folder: Path, mark: Mark) -> None:
    """Write a mark in place of the one that is there."""
    said = {name: value for name, value in mark._asdict().items() if name != "origin"}
    path = directory_of(folder, mark.origin.dataset, mark.origin.workspace) / MARK
    folders.put(path, lambda file: file.write(_to_json(mark.origin, said)))


def write(folder: Path, part: Part, rows: pa.Table) -> None:
    """Put a file in its place, whole or not at all; see :func:`ledgerkit.archives.folders.put`."""
    said = replace(part, rows=len(rows))
    content = rows.replace_schema_metadata({KEY: said.to_json()})
    folders.put(
        part.path(folder),
        lambda file: pq.write_table(content, file, compression="zstd", row_group_size=max(len(rows), 1)),
    )


def check_origin(directory: Path, kept: Kept, origin: Origin) -> None:
    """Raise where files of another service, or of credentials that may see other rows, are there already."""
    ways = "archive into another folder, or under another name=."
    for known in kept.origins:
        for what, name in (
            ("the service", "base_url"),
            ("a credential family", "family"),
            ("the workspace", "identity"),
        ):
            there, here = getattr(known, name), getattr(origin, name)
            if there != here:
                sandbox = " The sandbox is another institution with each kernel: archive it into a temporary folder."
                raise ConfigurationError(
                    f"{directory} holds rows of {what} {shorten(there)}, and these would be of {shorten(here)}: what "
                    f"each may see differs, and the archive would mix them. Nothing was asked; {ways}"
                    + (sandbox if origin.environment in ("SANDBOX", "LOCAL") else "")
                )


def check_only_here(directory: Path, origin: Origin) -> None:
    """Raise where the same workspace is in the archive under another name: its rows would count twice.

    Raises
    ------
    ArchiveDamaged
        Its directory was renamed or copied by hand.
    ConfigurationError
        It was archived under another name.
    """
    for other in folders.directories(directory.parent, "workspace="):
        path, there = _origin_in(other) if other != directory else (other, None)
        if there is None:
            continue
        if (there.base_url, there.workspace) == (origin.base_url, origin.workspace):
            raise _elsewhere(path, other, there)
        if origin.identity and _who(there) == _who(origin):
            if other != directory_of(other.parents[1], there.dataset, there.workspace):
                raise _elsewhere(path, other, there)
            raise ConfigurationError(
                f"{other} holds {origin.dataset} of the workspace {shorten(origin.identity)} of {origin.base_url} "
                f"already, and its rows would be in the archive twice. Nothing was asked; go on with "
                f"name={there.workspace!r}, or archive into another folder."
            )


def check_apart(kept: Iterable[Kept]) -> None:
    """Raise where two directories of a list hold the same workspace, so that its rows would count twice.

    Raises
    ------
    ArchiveDamaged
        The message names both.
    """
    known: dict[tuple[str, str], Origin] = {}
    for one in kept:
        origin = next(iter(one.origins), None)
        if origin is None or not origin.identity:
            continue
        other = known.setdefault(_who(origin), origin)
        if other.workspace != origin.workspace:
            raise ArchiveDamaged(
                f"{shorten(other.workspace)} and {shorten(origin.workspace)} are the same workspace, "
                f"{shorten(origin.identity)} of {origin.base_url}, and each row of {origin.dataset} would count "
                f"twice. Move one out of the archive: {directory_of(Path(), origin.dataset, other.workspace)} or "
                f"{directory_of(Path(), origin.dataset, origin.workspace)}."
            )


def _who(origin: Origin) -> tuple[str, str]:
    return origin.base_url, origin.identity


def _origin_in(directory: Path) -> tuple[Path, Origin | None]:
    """Return whose rows a directory says to hold, wherever it lies now, and which file says so.

    None where it can't be told: what is wrong there is said to who reads it.
    """
    path = directory
    with contextlib.suppress(ArchiveDamaged, InvalidRequest, KeyError, TypeError):
        for path in [*(one for one in folders.entries(directory) if one.name == MARK), *files_in(directory)[:1]]:
            with folders.opened(path) as file:
                content = file.read() if path.name == MARK else (pq.read_schema(file).metadata or {}).get(KEY)
            return path, _origin(_said(path, content))
    return path, None
