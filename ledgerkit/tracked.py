"""What git keeps of a folder that it should not: outputs and widgets of notebooks, which hold names and amounts."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# A repository may be somebody else's: what its settings would run is not run.
_GIT: Final = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
_SECONDS: Final = 20
_MOST_BYTES: Final = 100 * 2**20


@dataclass(frozen=True)
class Tracked:
    """What was found in the repository of a folder.

    Parameters
    ----------
    notebooks
        How many git tracks.
    filled
        Those that hold outputs or the state of widgets, by their paths in the repository.
    unread
        Those that could not be read.
    settings
        The files of settings that git tracks: ``.env`` and the like.
    """

    notebooks: int
    filled: tuple[str, ...]
    unread: tuple[str, ...]
    settings: tuple[str, ...]


def look(folder: Path) -> Tracked | None:
    """Look at what git tracks in the repository of a folder; None where there is no git, or no repository."""
    root = _git(folder, "rev-parse", "--show-toplevel")
    if root is None:
        return None
    top = Path(root.rstrip("\n"))
    listed = _git(top, "ls-files", "-z", "--", "*.ipynb", ".env", "**/.env", ".env.*", "**/.env.*") or ""
    names = [name for name in listed.split("\0") if name]
    settings = [name for name in names if not name.endswith((".ipynb", ".example", ".sample", ".template"))]
    notebooks = [name for name in names if name.endswith(".ipynb")]
    filled, unread = [], []
    for name in notebooks:
        path = top / name
        if not path.exists():  # deleted, and not committed yet
            continue
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise ValueError(name)  # so much is no notebook without outputs
            if _is_filled(path):
                filled.append(name)
        except (OSError, ValueError, RecursionError):
            unread.append(name)
    return Tracked(len(notebooks), tuple(filled), tuple(unread), tuple(settings))


def _is_filled(path: Path) -> bool:
    notebook = json.loads(path.read_bytes())
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise ValueError(path.name)  # it is read as what can't be read
    outputs = any(isinstance(cell, dict) and cell.get("outputs") for cell in cells)
    return outputs or "widgets" in (notebook.get("metadata") or {})


def _git(folder: Path, *arguments: str) -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - git, and arguments of our own
            [git, *_GIT, *arguments], cwd=folder, capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "surrogateescape") if done.returncode == 0 else None
