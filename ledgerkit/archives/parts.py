"""The files of an archive: their names, what they say of themselves, and how one is written whole or not at all.

There is no list of the files beside them that could disagree with them: what a file covers is in its own metadata.
"""

import contextlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from ledgerkit.errors import ArchiveDamaged, ArchiveInUse, ConfigurationError, InvalidRequest, shorten

FORMAT: Final = 1
# The key of the file's metadata under which JSON says what the file is.
KEY: Final = b"ledgerkit"
# Who may be told what a workspace holds: the owner.
FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
STAMP: Final = "%Y%m%dT%H%M%S.%fZ"
# The one file of a list without dates.
ALL: Final = "all"
LOCK: Final = ".lock"
# Since the beginning.
EVERYTHING: Final = datetime.min.replace(tzinfo=UTC)
TEMPORARY: Final = ".*.tmp"
MOST_BYTES: Final = 60
# What DuckDB and others read as null where a directory is named so.
NULL_PARTITION: Final = "__HIVE_DEFAULT_PARTITION__"


def folder_of(folder: str | os.PathLike[str]) -> Path:
    """Return where an archive is, as every entrance takes it: ``~`` is the home, and nothing else is a pattern.

    Raises
    ------
    InvalidRequest
        It is no path.
    """
    try:
        text = os.fspath(folder)
    except TypeError:
        text = ""
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise InvalidRequest(
            f"`folder` = {shorten(folder)} is no folder: it takes the path of one, such as 'data'.", field="folder"
        )
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:  # ~somebody
        raise InvalidRequest(f"`folder` = {shorten(folder)} can't be found: {error}.", field="folder") from error


def check_name(name: object) -> str:
    """Return what a workspace is called in an archive; every entrance that takes such a name checks it here.

    Raises
    ------
    InvalidRequest
        No directory can be named by it, or one would be read as none.
    """
    if name == "":
        raise InvalidRequest(
            "these credentials name no workspace: give name=, what it is to be called in the archive.", field="name"
        )
    if not isinstance(name, str) or not name.strip() or len(name.encode()) > MOST_BYTES or not name.isprintable():
        raise InvalidRequest(
            f"`name` = {shorten(name)} can't be used: it is a short text that can be printed, such as 'treasury'.",
            field="name",
        )
    if name.upper() == NULL_PARTITION:
        raise InvalidRequest(
            f"`name` = {shorten(name)} can't be used: as the name of a directory it means that there is no name. "
            "Choose another.",
            field="name",
        )
    return name


@dataclass(frozen=True)
class Origin:
    """Where the rows of a file came from."""

    dataset: str
    workspace: str
    base_url: str
    environment: str
    family: str


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
    reaches
        All that was created since this moment and before its start is in the parts before it; None while a run has
        not shown it, so that rows may be missing there.
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
    reaches: datetime | None = EVERYTHING

    def path(self, folder: Path) -> Path:
        """Return where it is inside of the folder of an archive."""
        directory = directory_of(folder, self.origin.dataset, self.origin.workspace)
        if self.start is None:
            return directory / f"{ALL}.parquet"
        name = f"{self.start:{STAMP}}.parquet"
        return directory / f"year={self.start.year}" / f"month={self.start:%m}" / name

    def to_json(self) -> bytes:
        """Return what is written into the file."""
        said = {name: value for name, value in asdict(self).items() if name != "origin"}
        moments = {name: value.isoformat() for name, value in said.items() if isinstance(value, datetime)}
        return json.dumps({"format": FORMAT, **asdict(self.origin), **said, **moments}).encode()


def directory_of(folder: Path, dataset: str, workspace: str) -> Path:
    """Return where the files of one list of one workspace are."""
    return folder / dataset / f"workspace={quote(workspace, safe='')}"


def workspaces_in(folder: Path, dataset: str) -> list[str]:
    """Return the workspaces that have a list in the archive."""
    found = (folder / dataset).glob("workspace=*")
    return sorted(unquote(path.name.removeprefix("workspace=")) for path in found if path.is_dir())


def datasets_in(folder: Path) -> list[str]:
    """Return the lists that the archive has."""
    return sorted({path.parent.name for path in folder.glob("*/workspace=*") if path.is_dir()})


def files_in(directory: Path) -> list[Path]:
    """Return the files of one list of one workspace, oldest first."""
    return sorted([*directory.glob("year=*/month=*/*.parquet"), *directory.glob(f"{ALL}.parquet")])


def start_of(path: Path) -> datetime | None:
    """Return the moment that a file is named by; None of a list without dates."""
    if path.stem == ALL:
        return None
    try:
        return datetime.strptime(path.stem, STAMP).replace(tzinfo=UTC)
    except ValueError:
        raise _damaged(path, "its name is none that the kit gives") from None


def read_part(path: Path) -> Part:
    """Return what a file says of itself.

    Raises
    ------
    ArchiveDamaged
        It is no file that the kit wrote, or one of a later format.
    """
    try:
        return _part(path, pq.read_schema(path).metadata)
    except pa.ArrowException as error:
        raise _damaged(path, "it is no Parquet file") from error


def read_whole(path: Path) -> tuple[Part, pa.Table]:
    """Return what a file says of itself, and its rows: both of one moment, whoever replaces it meanwhile."""
    try:
        with pq.ParquetFile(path) as file:
            return _part(path, file.schema_arrow.metadata), file.read()
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, "it can't be read") from error


def _part(path: Path, metadata: Mapping[bytes, bytes] | None) -> Part:
    try:
        said = json.loads((metadata or {})[KEY])
        if said["format"] != FORMAT:
            raise _damaged(path, f"it has the format {shorten(said['format'])}, and this version reads {FORMAT}")
        origin = Origin(**{one.name: said[one.name] for one in fields(Origin)})
        own = {one.name: said[one.name] for one in fields(Part) if one.name != "origin"}
        for name in ("start", "until", "read_at", "reaches"):
            own[name] = None if own[name] is None else datetime.fromisoformat(own[name])
        part = Part(origin, **own)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, ArchiveDamaged):
            raise
        raise _damaged(path, "it does not say what the kit writes into each file") from error
    if part.start != start_of(path):
        raise _damaged(path, f"it says that it starts at {part.start}, and its name says otherwise")
    return part


def parts_in(directory: Path) -> list[Part]:
    """Return what the files of one list of one workspace say of themselves, oldest first.

    Raises
    ------
    ArchiveDamaged
        Two of them cover the same moment, so that a row could be there twice.
    """
    paths = files_in(directory)
    found = [read_part(path) for path in paths]
    for (path, one), (other, two) in pairwise(zip(paths, found, strict=True)):
        if one.until is None or two.start is None or one.until > two.start:
            raise _damaged(path, f"it covers what {other.name} covers too")
    return found


def holes(found: Sequence[Part]) -> list[tuple[datetime, datetime]]:
    """Return the spans before and between parts, oldest first, of which a run that did not end may lack rows."""
    spans, until = [], EVERYTHING
    for part in found:
        if part.start is None or part.until is None:
            continue
        # What lies before the first part is missing on purpose, where it says how far back it reaches.
        known = part.reaches is not None and (until == EVERYTHING or part.reaches <= until)
        if until < part.start and not known:
            spans.append((until, part.start))
        until = part.until
    return spans


def read_rows(path: Path) -> pa.Table:
    """Return the rows of a file; its folders' names add no columns."""
    return read_whole(path)[1]


def write(folder: Path, part: Part, rows: pa.Table) -> None:
    """Put a file in its place, whole or not at all.

    It is written beside, under a name that no reader looks for, flushed to the disk, and renamed: whoever reads
    meanwhile sees the file as it was, or as it is.

    Raises
    ------
    InvalidRequest
        It could not be written; what was there before is as it was.
    """
    path = part.path(folder)
    # The start may have a point in it, so the name is not cut at one.
    temporary = path.with_name(f".{path.name.removesuffix('.parquet')}.{secrets.token_hex(4)}.tmp")
    said = replace(part, rows=len(rows))
    try:
        make_directory(path.parent)
        try:
            with open(temporary, "xb", opener=_private) as file:
                pq.write_table(
                    rows.replace_schema_metadata({KEY: said.to_json()}),
                    file,
                    compression="zstd",
                    row_group_size=max(len(rows), 1),
                )
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        _sync(path.parent)
    except OSError as error:
        raise InvalidRequest(
            f"{path} could not be written: {error.strerror or error}. What was archived before is as it was; free "
            "space or choose another folder, and archive again.",
            field="folder",
        ) from error


def clear(directory: Path) -> None:
    """Remove what a run that was killed left half written."""
    for path in [*directory.glob(TEMPORARY), *directory.glob(f"year=*/month=*/{TEMPORARY}")]:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def held(directory: Path) -> Iterator[None]:
    """Keep others from writing to one list of one workspace meanwhile; the system lets go when a process dies.

    Raises
    ------
    ArchiveInUse
        Somebody else writes to it.
    """
    try:
        make_directory(directory)
        lock = FileLock(directory / LOCK, mode=FILE_MODE, thread_local=False, fallback_to_soft=False)
        lock.acquire(blocking=False)
    except Timeout:
        raise ArchiveInUse(
            f"another process, kernel or thread is writing to {directory} now; nothing was asked. Wait until it is "
            "done, or archive into another folder."
        ) from None
    except (OSError, NotImplementedError) as error:
        raise InvalidRequest(
            f"{directory} can't be written to: {getattr(error, 'strerror', None) or error}. Choose another folder.",
            field="folder",
        ) from error
    try:
        yield
    finally:
        lock.release()


def check_origin(directory: Path, parts: Iterable[Part], origin: Origin) -> None:
    """Raise where files of another service, or of credentials that may see other rows, are there already."""
    ways = "archive into another folder, or under another name=."
    for part in parts:
        for what, name in (("the service", "base_url"), ("a credential family", "family"), ("a name", "workspace")):
            there, here = getattr(part.origin, name), getattr(origin, name)
            if there != here:
                raise ConfigurationError(
                    f"{directory} holds rows of {what} {shorten(there)}, and these would be of {shorten(here)}: what "
                    f"each may see differs, and the archive would mix them. Nothing was asked; {ways}"
                )


def make_directory(directory: Path) -> None:
    """Make a folder, and those above it that are missing, for the owner alone, and so that they outlast a crash."""
    if directory.is_dir():
        return
    make_directory(directory.parent)
    with contextlib.suppress(FileExistsError):  # somebody else made it meanwhile
        directory.mkdir(mode=FOLDER_MODE)
    _sync(directory.parent)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, FILE_MODE)


def _sync(directory: Path) -> None:
    """Flush the names of a folder to the disk; Windows opens no folders, and keeps names by itself."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _damaged(path: Path, why: str) -> ArchiveDamaged:
    return ArchiveDamaged(
        f"{path} can't be used: {why}. Nothing was changed. Move the file out of the archive, and archive again: "
        "what it held is read from the service anew.",
        path=str(path),
    )
