"""What git keeps of a folder that it should not: secrets, and outputs of notebooks, which hold names and amounts."""

import json
import os
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Standing = Literal["tracked", "not ignored", "ignored", "outside", "not known"]

# A repository may be somebody else's: what its settings would run is not run.
_GIT: Final = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
# An object that is missing would be fetched with a command of the repository's choice (core.sshCommand). A setting of
# its own, protocol.ssh.allow, goes before any `-c protocol.allow`; this list goes before both.
_ENVIRONMENT: Final = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C",  # its words are read below
}
# It needs no credentials, and a traceback of an interrupt would show what is handed to it.
_NOT_ITS_BUSINESS: Final = ("GIT_", "LEDGER")
_SECONDS: Final = 20
_MOST_BYTES: Final = 100 * 2**20  # more is no notebook without outputs
_MOST_SAID: Final = 200
_NOWHERE: Final = ("not a git repository", "must be run in a work tree")
_LISTED: Final = ("*.ipynb", "*.env", ".env*", "*.pem", "*.key")
_EXAMPLES: Final = (".example", ".sample", ".template")


class _CannotLook(Exception):
    """Git could not say."""


@dataclass(frozen=True)
class Tracked:
    """What was found in the repository of a folder.

    Parameters
    ----------
    top
        The folder of the repository.
    notebooks
        How many git tracks.
    filled
        Those that hold outputs or the state of widgets, by their paths in the repository.
    unread
        Those that could not be read: too large, no notebook, or no regular file.
    settings
        The files of settings that git tracks: ``.env`` and the like.
    keys
        The ``*.pem`` and ``*.key`` that git tracks, but for those that hold public parts alone.
    fault
        Why it could not be looked; nothing is known then.
    """

    top: Path
    notebooks: int = 0
    filled: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    fault: str | None = None


def look(folder: Path) -> Tracked | None:
    """Look at what git tracks in the repository of a folder; None where there is no git, or no repository."""
    try:
        root = _git(folder, "rev-parse", "--show-toplevel")
        if root is None:
            return None
        top = Path(root.removesuffix("\n"))
        listed = _git(top, "ls-files", "-z", "--", *(f":(icase,glob)**/{one}" for one in _LISTED)) or ""
    except _CannotLook as error:
        return Tracked(folder, fault=str(error))
    names = [name for name in dict.fromkeys(listed.split("\0")) if name]  # of a conflict it lists a name three times
    notebooks = [name for name in names if name.lower().endswith(".ipynb")]
    keys = [name for name in names if name.lower().endswith((".pem", ".key"))]
    others = {*notebooks, *keys}
    settings = [name for name in names if name not in others and not name.lower().endswith(_EXAMPLES)]
    filled, unread = [], []
    for name in notebooks:
        try:
            if _is_filled(top / name):
                filled.append(name)
        except FileNotFoundError:  # deleted, and not committed yet
            continue
        except (OSError, ValueError, RecursionError, MemoryError):
            unread.append(name)
    private = tuple(name for name in keys if not _is_public(top / name))
    return Tracked(top, len(notebooks), tuple(filled), tuple(unread), tuple(settings), private)


def standing(path: Path) -> Standing:
    """Say whether git tracks a file, ignores it, or would take it with the next ``git add``.

    A link and the file that it leads to are both looked at; the worse of the two counts.
    """
    found = [_standing(one) for one in dict.fromkeys((path.absolute(), path.resolve()))]
    order: tuple[Standing, ...] = ("tracked", "not ignored", "not known", "ignored", "outside")
    return min(found, key=order.index)


def _standing(path: Path) -> Standing:
    name = f":(literal){path.name}"
    try:
        if _git(path.parent, "rev-parse", "--show-toplevel") is None:
            return "outside"
        if _git(path.parent, "ls-files", "-z", "--", name):
            return "tracked"
        # 1 says that it is not ignored.
        ignored = _git(path.parent, "check-ignore", "-q", "--", f"./{path.name}", no=1)
    except _CannotLook:
        return "not known"
    return "not ignored" if ignored is None else "ignored"


def _is_filled(path: Path) -> bool:
    notebook = json.loads(_content(path))
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise ValueError(path.name)  # it is read as what can't be read
    outputs = any(isinstance(cell, dict) and cell.get("outputs") for cell in cells)
    return outputs or "widgets" in (notebook.get("metadata") or {})


def _is_public(path: Path) -> bool:
    """Say whether a file holds certificates or public keys, and no private one; what can't be read may be one."""
    try:
        content = _content(path)
    except (OSError, ValueError, MemoryError):
        return False
    return b"-----BEGIN " in content and b"PRIVATE" not in content


def _content(path: Path) -> bytes:
    """Read a regular file; a link, a pipe or a device, which might never end, is refused, as is one too large."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise ValueError(path.name)
    flags = (getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY", "O_CLOEXEC"))
    with open(os.open(path, os.O_RDONLY | sum(flags)), "rb") as file:  # noqa: PTH123 - the file is open already
        # It may be another one by now.
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError(path.name)
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ValueError(path.name)
    return content


def _program(folder: Path) -> str | None:
    """Return the git of this machine; one that the folder brings along is none."""
    # An empty or relative entry of PATH is the working directory, and Windows looks there first.
    path = os.pathsep.join(one for one in os.get_exec_path() if Path(one).is_absolute())
    found = shutil.which("git", path=path)
    if found is None or Path(found).parent.resolve() in (folder.resolve(), Path.cwd()):
        return None
    return found


def _git(folder: Path, *arguments: str, no: int | None = None) -> str | None:
    """Return what git prints; None where there is no git or no repository, or with the exit code that means no.

    Raises
    ------
    _CannotLook
        It failed, with its reason.
    """
    git = _program(folder)
    if git is None:
        return None
    # Those of the caller may name another repository, or turn on what is turned off here.
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(_NOT_ITS_BUSINESS) and not name.lower().endswith("_proxy")
    }
    try:
        done = subprocess.run(  # noqa: S603 - git, and arguments of our own
            [git, *_GIT, *arguments],
            cwd=folder,
            env=environment | _ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _CannotLook(f"git did not end within {_SECONDS} s") from None
    except OSError as error:
        raise _CannotLook(f"git could not be run: {error.strerror or error}") from None
    said = done.stderr.decode("utf-8", "replace").splitlines()
    # Where an object is missing, `ls-files` leaves out a whole folder, complains, and ends with 0.
    faults = [line for line in said if line.startswith(("error:", "fatal:"))]
    if done.returncode == 0 and not faults:
        return done.stdout.decode("utf-8", "surrogateescape")
    if done.returncode == no or any(words in line for line in faults for words in _NOWHERE):
        return None
    why = next(iter(faults or said), f"exit code {done.returncode}")
    raise _CannotLook(f"git says: {why[:_MOST_SAID]}")
