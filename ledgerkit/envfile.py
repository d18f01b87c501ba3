"""Reading a ``.env`` file and the environment, every value wrapped before anything can go wrong with it."""

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import TYPE_CHECKING

from ledgerkit.errors import ConfigurationError
from ledgerkit.secret import Secret

if TYPE_CHECKING:
    from dotenv.parser import Binding

PREFIX = "LEDGER_ENTERPRISE_"
ENVIRONMENT = "the environment"
# Between single quotes, a name may be anything: 'LEDGER_X=the secret' is one.
NAME = re.compile(r"[A-Za-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Setting:
    """A value with the place that it came from."""

    value: Secret
    source: str
    line: int | None = None

    @property
    def where(self) -> str:
        """The place in words."""
        return self.source if self.line is None else f"{self.source}, line {self.line}"


def find_file(env_file: str | Path | None = None, start: Path | None = None) -> tuple[Path | None, list[Path]]:
    """Return the file to read, if any, and the folders that were looked into.

    The search goes upwards from the working directory. It ends with the home folder: what lies above is shared
    with other people, who could plant a file there.
    """
    if env_file is not None:
        return Path(env_file).expanduser(), []
    home = Path(os.path.expanduser("~"))  # noqa: PTH111  # Path.home() raises where there is none
    here = (start or Path.cwd()).absolute()
    folders: list[Path] = []
    for folder in (here, *here.parents):
        folders.append(folder)
        path = folder / ".env"
        # A folder called .env is a virtual environment, not a file of settings.
        if os.path.lexists(path) and not path.is_dir():
            _refuse_planted(path, here)
            return path, folders
        if folder == home:
            break
    return None, folders


def _refuse_planted(path: Path, here: Path) -> None:
    """Refuse a file that somebody else may have put where the search comes by: it could name an address of theirs."""
    if os.name != "posix":
        return
    try:
        file, folder, start = path.stat(), path.parent.stat(), here.stat()
    except OSError:
        return  # what can't be looked at can't be read either, and reading says so
    # In a container, files often belong to the user outside: who owns the working directory is trusted as well.
    if file.st_uid not in (0, os.geteuid(), start.st_uid):
        why = "belongs to another user"
    elif file.st_mode & stat.S_IWOTH:
        why = "can be written by everybody"
    elif folder.st_mode & stat.S_IWOTH and not folder.st_mode & stat.S_ISVTX:
        why = "is in a folder in which everybody can put files"
    else:
        return
    raise ConfigurationError(
        f"{path} was found, but it {why}, and credentials or an address may have been planted. Mend its owner and "
        "rights, or name it with env_file=... if you trust it.",
        file=str(path),
    )


def from_environment(environ: Mapping[str, str] | None = None) -> dict[str, Setting]:
    """Return what the environment sets; an empty value counts as not set."""
    return {
        name: Setting(Secret(value.strip()), ENVIRONMENT)
        for name, value in (os.environ if environ is None else environ).items()
        if name.upper().startswith("LEDGER") and value.strip()
    }


def from_file(path: Path | None) -> dict[str, Setting]:
    """Return what a file sets, or raise ``ConfigurationError`` with file and line; nothing is expanded."""
    if path is None:
        return {}
    lines, problem = _lines(path)
    if problem:
        raise ConfigurationError(f"{path} {problem}", file=str(path))
    settings: dict[str, Setting] = {}
    for name, value, line in lines:
        setting = Setting(value, str(path), line)
        if name is None or not NAME.fullmatch(name):  # which would be shown where it is set twice
            raise ConfigurationError(
                f"{setting.where} can't be read: write NAME=value, with every quote closed, and nothing after the "
                "closing quote but a comment",
                file=str(path),
                line=line,
            )
        if not value:
            continue
        if _begins_a_pem(value):  # said here, because the lines that follow it may be readable, or may not
            raise ConfigurationError(
                f"{setting.where} has the beginning of a PEM but not its end: "
                "put the whole key between double quotes",
                file=str(path),
                line=line,
            )
        earlier = settings.get(name)
        if earlier is not None and earlier.value != value:
            raise ConfigurationError(
                f"{path} sets {name} twice, to different values: in line {earlier.line} and in line {line}. "
                "Remove the one that you did not mean",
                file=str(path),
                line=line,
            )
        settings.setdefault(name, setting)
    return settings


def _lines(path: Path) -> tuple[list[tuple[str | None, Secret, int]], str | None]:
    """Return name, value and line of each setting, or what is wrong with the file; a name of None is unreadable."""
    try:
        mode = path.stat().st_mode
        if not S_ISREG(mode):
            # Reading a pipe would wait for a writer, perhaps for ever.
            return [], "is a folder, not a file" if S_ISDIR(mode) else "is not a regular file, so it is not read"
        content = path.read_bytes()
    except OSError as error:
        return [], f"can't be read: {error.strerror}"
    if b"\0" in content:
        return [], "is UTF-16 text or not a text: save it as UTF-8"
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return [], f"is not UTF-8 text (line {line}): save it as UTF-8"
    from dotenv.parser import parse_stream  # who has no such file, as the sandbox, needs none

    return [
        (None if binding.value is None else binding.key, Secret((binding.value or "").strip()), _line(binding))
        for binding in parse_stream(StringIO(text, newline=""))
        if _is_ours(binding)
    ], None


def _begins_a_pem(value: Secret) -> bool:
    return "-----BEGIN" in value.reveal() and "-----END" not in value.reveal()


def _is_ours(binding: "Binding") -> bool:
    if binding.error:
        return True
    return binding.key is not None and binding.key.upper().startswith("LEDGER")


def _line(binding: "Binding") -> int:
    # The parser counts the blank lines before a setting as a part of it.
    text = binding.original.string
    return binding.original.line + len(re.findall(r"\r\n|\n|\r", text[: len(text) - len(text.lstrip())]))
