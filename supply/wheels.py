"""The wheel and the source distribution: built from what is committed, twice, and held against each other."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from supply.bounds import ROOT
from supply.environments import Failed

# What may be in a wheel, besides its own metadata: nothing that people keep beside the code.
BELONGS = re.compile(
    r"ledgerkit/(?:[a-z_]+/)*[a-z_0-9]+\.py|ledgerkit/py\.typed|ledgerkit/forms/[a-z_]+\.(?:js|css)"
    r"|ledgerkit/notebooks/(?:[a-z]+/)?[a-z0-9_]+\.ipynb|ledgerkit/notebooks/\.env\.example"
)
METADATA = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
FILE_MODE = 0o644
# A build elsewhere: another time zone, language and mask of new files.
ELSEWHERE = {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "LANG": "C", "HOME": "/nonexistent"}


def build(
    source: Path, target: Path, kind: str, changes: Mapping[str, str] | None = None, umask: int = 0o022
) -> Path:
    """Build the wheel or the source distribution of a folder, without asking for any package.

    Parameters
    ----------
    source, target
        Where the code is, and where the file goes.
    kind
        ``"wheel"`` or ``"sdist"``.
    changes
        Variables of the environment of the build.
    umask
        Of the build.

    Raises
    ------
    Failed
        It could not be built.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SOURCE_DATE"))}
    command = [sys.executable, "-P", "-m", "hatchling", "build", "-t", kind, "-d", str(target.absolute())]
    done = subprocess.run(  # noqa: S603 - this Python and fixed options
        command,
        cwd=source,
        env={**clean, **(changes or {})},
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Failed(f"the {kind} could not be built:\n{done.stdout}{done.stderr}")
    (made,) = target.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return made


def tracked(root: Path = ROOT) -> list[str]:
    """Return the files that git tracks, in order."""
    command = ["git", "ls-files", "-z", "--cached"]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True)  # noqa: S603 - git of this machine
    return sorted(filter(None, done.stdout.decode().split("\0")))


def expected(files: Sequence[str]) -> set[str]:
    """Return what belongs into the wheel, of the files that are tracked."""
    names = {name for name in files if name.startswith("ledgerkit/")}
    names |= {f"ledgerkit/{name}" for name in files if name.startswith("notebooks/") and name.endswith(".ipynb")}
    return names | {"ledgerkit/notebooks/.env.example"}


def amiss(wheel: Path, files: Sequence[str]) -> list[str]:
    """Say what is wrong with the files of a wheel; nothing, where they are what belongs.

    Parameters
    ----------
    wheel
        The file.
    files
        What is tracked.
    """
    found = []
    with zipfile.ZipFile(wheel) as archive:
        entries = archive.infolist()
    own, described = set(), set()
    for one in entries:
        folder, _, rest = one.filename.partition("/")
        if folder.endswith(".dist-info"):
            described.add(rest)
            continue
        own.add(one.filename)
        if not BELONGS.fullmatch(one.filename):
            found.append(f"{one.filename} is no file of the kit")
    found += [
        f"{one.filename} has mode {mode:o}"
        for one in entries
        if (mode := one.external_attr >> 16 & 0o777) != FILE_MODE
    ]
    wanted = expected(files)
    found += [f"{name} is not tracked" for name in sorted(own - wanted)]
    found += [f"{name} is missing" for name in sorted(wanted - own)]
    found += [f"{name} is not known metadata" for name in sorted(described - METADATA)]
    found += [f"{name} is missing from the metadata" for name in sorted(METADATA - described)]
    return found


def amiss_in_source(sdist: Path, files: Sequence[str]) -> list[str]:
    """Say what is wrong with the files of a source distribution: it has what is tracked, and nothing else."""
    found, own = [], set()
    with tarfile.open(sdist) as archive:
        for one in archive.getmembers():
            name = str(PurePosixPath(*PurePosixPath(one.name).parts[1:]))
            own.add(name)
            if not one.isfile() or (one.uid, one.gid, one.uname, one.gname) != (0, 0, "", ""):
                found.append(f"{name} is no plain file of nobody")
    wanted = {name for name in files if not name.startswith(".ci/")} | {"PKG-INFO"}
    found += [f"{name} is not tracked" for name in sorted(own - wanted)]
    found += [f"{name} is missing" for name in sorted(wanted - own)]
    return found


def run_wheel(options: Sequence[str]) -> None:
    """Build both from two clones of what is committed, compare them, and keep one pair in ``dist/``.

    Raises
    ------
    Failed
        They are not the same to the byte, or hold what does not belong.
    """
    if options:
        raise Failed("`make wheel` takes no options")
    dist = ROOT / "dist"
    with tempfile.TemporaryDirectory() as name:
        first, second = Path(name) / "one", Path(name) / "another" / "much deeper place"
        for clone in (first, second):
            command = ["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)]
            subprocess.run(command, check=True)  # noqa: S603 - git of this machine
        files = tracked(first)
        made = []
        for kind in ("sdist", "wheel"):
            one = build(first, Path(name) / f"{kind}-1", kind)
            other = build(second, Path(name) / f"{kind}-2", kind, ELSEWHERE, 0o077)
            if one.read_bytes() != other.read_bytes():
                raise Failed(f"two builds of the same commit differ: {one.name}")
            made.append(one)
        if wrong := amiss(made[1], files) + amiss_in_source(made[0], files):
            raise Failed("what does not belong, or is missing:\n" + "\n".join(wrong))
        dist.mkdir(exist_ok=True)
        for one in made:
            shutil.copy(one, dist / one.name)
            print(f"dist/{one.name}: {one.stat().st_size:,} bytes, the same from two clones")
