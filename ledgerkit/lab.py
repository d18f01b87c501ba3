"""The notebooks of the kit, and JupyterLab on them: in a checkout its own, from an installed package a copy."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from ledgerkit.errors import ConfigurationError, InvalidRequest

FIRST: Final = "00_start_here.ipynb"
_PACKAGE: Final = Path(__file__).parent
# Beside the notebooks: what is copied to make a `.env` of.
_EXAMPLE: Final = ".env.example"


@dataclass(frozen=True)
class Copied:
    """What became of a copy.

    Parameters
    ----------
    folder
        Where it is.
    new, kept
        How many files were written, and which were not: what stood there before and is not of this version is left,
        and nothing is written through a link that leads out of the folder.
    """

    folder: Path
    new: int
    kept: tuple[str, ...]


def originals() -> Path:
    """Return the folder of the notebooks that came with the kit.

    Raises
    ------
    ConfigurationError
        There is none.
    """
    # A checkout goes first: an editable installation may have an older copy beside it.
    for folder in (_PACKAGE.parent / "notebooks", _PACKAGE / "notebooks"):
        if (folder / FIRST).is_file():
            return folder
    raise ConfigurationError(
        "the notebooks are not with this installation of ledgerkit: install the wheel again, or take them from the "
        "repository."
    )


def copy(folder: Path) -> Copied:
    """Copy the notebooks, and the example of a ``.env``, into a folder; what is there already is left as it is.

    Parameters
    ----------
    folder
        It is made where it is not there.

    Raises
    ------
    InvalidRequest
        Something else is there, or it can't be written.
    """
    source, new, kept = originals(), 0, []
    examples = [path for path in (source / _EXAMPLE, source.parent / _EXAMPLE) if path.is_file()]
    files = {path.relative_to(source): path for path in sorted(source.rglob("*.ipynb")) if _is_ours(path, source)}
    files |= {Path(_EXAMPLE): path for path in examples[:1]}
    try:
        for name, path in files.items():
            target, content = folder / name, path.read_bytes()
            if _leads_away(folder, name):
                kept.append(name.as_posix())
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with target.open("xb") as file:
                    file.write(content)
                new += 1
            except FileExistsError:
                if not target.is_file() or target.read_bytes() != content:
                    kept.append(name.as_posix())
    except OSError as error:
        raise InvalidRequest(
            f"the notebooks could not be copied to {folder}: {error.strerror or error}. Name a folder that you may "
            "write to, or a new one.",
            field="folder",
        ) from error
    return Copied(folder, new, tuple(kept))


def _leads_away(folder: Path, name: Path) -> bool:
    """Say whether a file's place in a folder is a link, or in one: what is behind it is somebody else's."""
    return any((folder / inner).is_symlink() for inner in (name, *name.parents[:-1]))


def _is_ours(path: Path, source: Path) -> bool:
    # JupyterLab keeps checkpoints in folders that begin with a point.
    return not any(part.startswith(".") for part in path.relative_to(source).parts)


def open_lab(folder: Path, notebook: str | None, options: Sequence[str]) -> int:
    """Run JupyterLab in a folder until it ends, and return its exit code.

    Parameters
    ----------
    folder
        Its root.
    notebook
        Which it opens first, from there; None opens its launcher.
    options
        Passed on to ``jupyter lab``.

    Raises
    ------
    ConfigurationError
        JupyterLab is not installed.
    """
    if find_spec("jupyterlab") is None:
        raise ConfigurationError("JupyterLab is not installed: pip install 'ledgerkit-enterprise[lab,sandbox]'")
    # -P: without it Python would take a jupyterlab.py or a json.py of the folder for that of the installation.
    command = [sys.executable, "-P", "-m", "jupyterlab"]
    if notebook is not None:
        # Not as an argument: JupyterLab would take the notebook's folder for its root, and hide the rest.
        command.append(f"--LabApp.default_url=/lab/tree/{notebook}")
    if getattr(os, "geteuid", lambda: 1)() == 0:
        command.append("--allow-root")  # in a container there is often no other user, and JupyterLab refuses root
    try:
        return subprocess.call([*command, *options], cwd=folder)  # noqa: S603 - this Python and the user's own options
    except KeyboardInterrupt:  # the lab has had the same Ctrl+C, and asked its own question
        return 0
