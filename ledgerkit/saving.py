"""A file is written whole or not at all, for its owner alone, under a name that was free: none is written over."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from ledgerkit.errors import InvalidRequest, LedgerError, shorten

MOST_NAMES: Final = 1000
Said = TypeVar("Said")


def save(folder: Path, name: str, kind: str, write: Callable[[Path], Said]) -> tuple[Path, Said]:
    """Have a new file written.

    Parameters
    ----------
    folder
        Where it goes.
    name
        What it is called; the ending is added, and a number where the name is taken.
    kind
        Its ending, such as ``"csv"``.
    write
        Writes it at the path that it is given.

    Returns
    -------
    tuple
        Where it is, and what ``write`` returned.

    Raises
    ------
    InvalidRequest
        It can't be called so, or can't be written there.
    """
    stem = checked_name(name, kind)
    part = folder / f".{stem[:100]}.{secrets.token_hex(4)}.part"
    try:
        _make(part)
        said = write(part)
        return _placed(part, folder, stem, kind), said
    except LedgerError:  # some of them are OSErrors too
        raise
    except OSError as error:
        raise InvalidRequest(
            f"{stem}.{kind} could not be written into {folder}: {error.strerror or error}. Nothing is left of it; "
            "free space, or start the notebook in a folder that you may write to.",
            field="file name",
        ) from error
    finally:
        part.unlink(missing_ok=True)


def checked_name(name: str, kind: str) -> str:
    """Return the name of a file without its ending, or say why it can't be one."""
    stem = name.strip().removesuffix(f".{kind}")
    why = ""
    if not stem:
        why = "it is empty"
    elif any(one in '/\\:*?"<>|' or not one.isprintable() for one in stem):
        why = "it has one of / \\ : * ? \" < > |, or a character that can't be seen; folders are not taken"
    elif stem.startswith(".") or stem.endswith("."):
        why = "it begins or ends with a point"
    elif len(stem.encode()) > 200:
        why = "it is longer than 200 bytes"
    if why:
        raise InvalidRequest(
            f"`file name` = {shorten(name)} can't be used: {why}. Take letters, digits, - and _.", field="file name"
        )
    return stem


def _make(path: Path) -> None:
    """Make an empty file that its owner alone can read: what it will hold is of a workspace."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _placed(part: Path, folder: Path, stem: str, kind: str) -> Path:
    """Give a file that is whole the first name that is free."""
    for number in range(1, MOST_NAMES):
        path = folder / (f"{stem}.{kind}" if number == 1 else f"{stem}-{number}.{kind}")
        try:
            _make(path)  # takes the name: somebody else may write at the same time
        except FileExistsError:
            continue
        try:
            return part.replace(path)
        except OSError:
            path.unlink(missing_ok=True)
            raise
    raise InvalidRequest(
        f"{stem}.{kind} and {MOST_NAMES - 2} names after it are taken: choose another name.", field="file name"
    )
