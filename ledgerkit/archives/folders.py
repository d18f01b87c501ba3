"""The folders and files of an archive as the system has them: listed, opened, written whole, and held by one alone.

What the system refuses is told with its own reason, and is never taken for damage, or for nothing being there.
"""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa
from filelock import FileLock, Timeout

from ledgerkit.errors import ArchiveDamaged, ArchiveInUse, InvalidRequest, shorten

# Who may be told what a workspace holds: the owner.
FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
LOCK: Final = ".lock"
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
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name.encode()) > MOST_BYTES:
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


def months_in(directory: Path) -> list[Path]:
    """Return the folders of months of one list of one workspace."""
    return [month for year in directories(directory, "year=") for month in directories(year, "month=")]


def directories(directory: Path, prefix: str = "") -> list[Path]:
    """Return the folders in a folder, sorted; none where there is no such folder."""
    with _asked(directory):
        return [path for path in entries(directory) if path.name.startswith(prefix) and path.is_dir()]


def entries(directory: Path) -> list[Path]:
    """Return what is in a folder, sorted; glob takes one that it can't list for an empty one."""
    with _asked(directory):
        try:
            return sorted(path for path in directory.iterdir() if not path.name.startswith("."))
        except (FileNotFoundError, NotADirectoryError):
            return []


@contextlib.contextmanager
def _asked(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unreadable(path, error) from error


@contextlib.contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to be read: what the system refuses is no damage, and what can't be understood is."""
    try:
        with path.open("rb") as file:
            yield file
    except pa.ArrowMemoryError:
        raise
    except pa.ArrowException as error:
        raise damaged(path, "it can't be read as Parquet") from error
    except OSError as error:
        if error.errno is None:  # of pyarrow: bytes that it can't understand
            raise damaged(path, "it can't be read as Parquet") from error
        raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError) -> InvalidRequest:
    """Return the error for a file or a directory that the system does not let be read: nothing in it is wrong."""
    return InvalidRequest(
        f"{path} could not be read: {error.strerror or error}. Nothing was changed; see that it can be read, and try "
        "again.",
        field="folder",
    )


def put(path: Path, write_into: Callable[[IO[bytes]], Any]) -> None:
    """Put a file in its place, whole or not at all.

    It is written beside, under a name that no reader looks for, flushed to the disk, and renamed: whoever reads
    meanwhile sees the file as it was, or as it is.

    Raises
    ------
    InvalidRequest
        It could not be written; what was there before is as it was.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        make_directory(path.parent)
        try:
            with open(temporary, "xb", opener=_private) as file:
                write_into(file)
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
    try:
        for one in [directory, *months_in(directory)]:
            for path in one.glob(TEMPORARY):
                if not path.is_dir():
                    path.unlink(missing_ok=True)
    except OSError as error:
        raise unreadable(directory, error) from error


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
        _close(directory.parent, directory)
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


def make_directory(directory: Path) -> None:
    """Make a folder, and those above it that are missing, for the owner alone, and so that they outlast a crash."""
    if directory.is_dir():
        return
    make_directory(directory.parent)
    with contextlib.suppress(FileExistsError):  # somebody else made it meanwhile
        directory.mkdir(mode=FOLDER_MODE)
    _sync(directory.parent)


def _close(*directories: Path) -> None:
    """Take from others what they may do in directories of the kit, such as those of a copy."""
    for one in directories if os.name != "nt" else ():
        if one.stat().st_mode & 0o077:
            with contextlib.suppress(PermissionError):  # of another owner
                one.chmod(FOLDER_MODE)


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


def damaged(path: Path, why: str) -> ArchiveDamaged:
    """Return the error for a file that is not what the kit wrote."""
    return ArchiveDamaged(
        f"{path} can't be used: {why}. Nothing was changed. Move the file out of the archive, and archive again: "
        "what it held is read from the service anew.",
        path=str(path),
    )
