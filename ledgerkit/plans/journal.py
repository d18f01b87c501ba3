"""A plan on disk: what is to be sent, each send written down before it is made, and what became of it.

A process may die between any two instructions. What decides whether a row is sent again is what was on the disk
before it was sent, so every entry is flushed to the disk before the next step is taken.
"""

import errno
import hashlib
import json
import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from ledgerkit.decoding import each_key_once
from ledgerkit.errors import ConfigurationError, InvalidRequest, LedgerError, Unsupported, shorten

State = Literal["planned", "in doubt", "sent", "refused"]
# What each entry says of its row. After "not sent" the row is as if it had never been tried.
STATES: Final[Mapping[str, State]] = {
    "sending": "in doubt",
    "sent": "sent",
    "refused": "refused",
    "not sent": "planned",
}
# An approval follows a row that was sent, and changes nothing of that.
APPROVALS: Final = frozenset({"approving", "approved", "not approved"})
# From which states of a row each entry may follow. A refusal is written down at once; that it was for want of room,
# and none of the row's, is found out after that.
FOLLOWS: Final[Mapping[str, tuple[State, ...]]] = {
    "sending": ("planned",),
    "sent": ("in doubt",),
    "refused": ("in doubt",),
    "not sent": ("in doubt", "refused"),
    **dict.fromkeys(APPROVALS, ("sent",)),
}
# What differs, in words, where a journal is that of something else.
WORDS: Final = {
    "base_url": "environment",
    "digest": "plan",
    "kind": "kind of plan",
    "rows": "plan",
    "source": "plan",
}
VERSION: Final = 2
# In the journals of this version the user is the public key that the token named.
NAMES_KEY: Final = 1
# Who may be told what is paid to whom: the owner of the file.
MODE: Final = 0o600
# After these something goes out that can't be taken back.
LEADING: Final = frozenset({"sending", "approving"})


class JournalDamaged(LedgerError, ValueError):
    """A journal is not what the kit wrote: what was sent can't be told from it."""


class JournalInUse(LedgerError, RuntimeError):
    """Another process, kernel or thread is running this plan."""


@dataclass
class Standing:
    """What a journal says of one row."""

    state: State = "planned"
    request_id: int | None = None
    error: str | None = None
    # When it was last about to be sent.
    sending_at: float | None = None
    # "approving" without an outcome is in doubt, but harmless: a second approval is refused by the service.
    approval: str | None = None

    def admits(self, entry: Mapping[str, Any]) -> bool:
        """Say whether an entry of the row may follow."""
        return self.state in FOLLOWS.get(entry["entry"], ())

    def follow(self, entry: Mapping[str, Any]) -> None:
        """Take in what an entry says."""
        if entry["entry"] in APPROVALS:
            self.approval, self.error = entry["entry"], entry.get("error")
            return
        self.state = STATES[entry["entry"]]
        self.request_id, self.error = entry.get("request_id"), entry.get("error")
        if entry["entry"] == "sending":
            self.sending_at = _seconds(entry["at"])


@dataclass(frozen=True)
class _Parsed:
    """What stands in a journal.

    Parameters
    ----------
    header, entries, rows
        See :class:`Journal`.
    check
        That of the last line.
    whole
        How many bytes the whole lines have; a crash may have left the beginning of another.
    ends_with_newline
        Whether the last whole line has its end.
    """

    header: dict[str, Any]
    entries: list[dict[str, Any]]
    rows: list[Standing]
    check: str
    whole: int
    ends_with_newline: bool


class Journal:
    """The journal of one plan; :func:`create` makes it, :func:`read` reads it.

    Parameters
    ----------
    path
        Where it is.
    header
        What was planned: see :func:`create`.
    entries
        What has happened since.
    rows
        What has become of each row, in the order of the plan.
    """

    def __init__(
        self, path: Path, header: dict[str, Any], entries: list[dict[str, Any]], rows: list[Standing]
    ) -> None:
        self.path = path
        self.header = header
        self.entries = entries
        self.rows = rows
        self._descriptor: int | None = None
        self._check = ""

    def moments(self, *entries: str, since: float) -> list[float]:
        """Return when such entries were written since a moment, in seconds since the epoch, the newest first."""
        found = []
        for one in reversed(self.entries):  # of a long plan, only the end of the journal is read
            at = _seconds(one["at"])
            if at <= since:
                break
            if one["entry"] in entries:
                found.append(at)
        return found

    def write(self, entry: str, row: int, now: float, **details: Any) -> None:
        """Add an entry, and return when it is on the disk.

        Parameters
        ----------
        entry
            ``"sending"`` before a row is sent; ``"sent"``, ``"refused"`` or ``"not sent"`` after; ``"approving"``,
            ``"approved"`` or ``"not approved"``.
        row
            Its number in the plan, from 1.
        now
            Seconds since the epoch.
        details
            What else there is to say.

        Raises
        ------
        JournalDamaged
            The file was replaced or taken away while it was held, and something was about to be sent.
        """
        if self._descriptor is None:
            raise RuntimeError("a journal is written to while it is held: see `held`")
        line = {"entry": entry, "row": row, "at": _moment(now), **details}
        if not self.rows[row - 1].admits(line):
            raise ValueError(f"{entry!r} does not follow for row {row}, which is {self.rows[row - 1].state}")
        if entry in LEADING:
            _check_still_there(self._descriptor, self.path)
        encoded, check = _line(line, self._check)
        _write(self._descriptor, encoded)
        self._check = check
        self.entries.append(line)
        self.rows[row - 1].follow(line)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the journal, so that no other process runs its plan, and read it anew.

        Raises
        ------
        JournalInUse
            Another process, kernel or thread holds it.
        InvalidRequest
            It is gone, is now that of another plan, or somebody else may write to it.
        JournalDamaged
            It is not what the kit wrote.
        """
        check_platform()
        with _neighbour(self.path), _opened(self.path, os.O_RDWR | os.O_APPEND) as descriptor:
            _lock(descriptor, self.path)  # it may have a second name, with a neighbour of its own
            parsed = _parsed(_content(descriptor), self.path)
            refuse_other(parsed.header, self.header, self.path)
            os.ftruncate(descriptor, parsed.whole)  # the next line would be written behind what a crash left
            if not parsed.ends_with_newline:
                _write(descriptor, b"\n")
            self.entries, self.rows, self._check = parsed.entries, parsed.rows, parsed.check
            self._descriptor = descriptor
            try:
                yield
            finally:
                self._descriptor = None


def create(path: Path, header: Mapping[str, Any]) -> Journal:
    """Make the journal of a plan, which must not exist yet.

    Parameters
    ----------
    path
        Where; only the owner may read it.
    header
        ``source`` (digest of what was asked for), ``workspace``, ``base_url``, ``user``, ``kind``, ``rows`` (each
        with ``mark`` and ``body``) and whatever else a plan is told apart by.

    Raises
    ------
    FileExistsError
        There is a file already.
    """
    line = {"entry": "plan", "version": VERSION, **header}
    check_platform()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, MODE)
    try:
        encoded, _ = _line(line, "")
        _write(descriptor, encoded)
    finally:
        os.close(descriptor)
    _sync_folder(path)
    return Journal(path, line, [], [Standing() for _ in line["rows"]])


def read(path: Path) -> Journal:
    """Read a journal that was made before.

    Raises
    ------
    InvalidRequest
        It is not there, can't be read, or others than its owner may write to it.
    JournalDamaged
        It is not what the kit wrote; an unfinished last line alone is what a crash leaves, and is passed over.
    """
    with _opened(path, os.O_RDONLY) as descriptor:
        parsed = _parsed(_content(descriptor), path)
    return Journal(path, parsed.header, parsed.entries, parsed.rows)


def digest(value: Any) -> str:
    """Return the SHA-256 of what is written as JSON: the same for equal values, whatever the order of their keys."""
    return hashlib.sha256(_json(value)).hexdigest()


def check_platform() -> None:
    """Raise where no lock can be held that ends with its process.

    Raises
    ------
    Unsupported
        This is Windows. Its locks keep others from reading the file, and two kernels could run one plan without them.
    """
    if sys.platform == "win32":
        raise Unsupported(
            "a plan is run on Linux or macOS (or in WSL): on Windows there is no lock that keeps a second kernel "
            "from sending the same plan. Nothing was sent. Send single requests here."
        )


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _line(entry: Mapping[str, Any], before: str) -> tuple[bytes, str]:
    """Return the line of an entry and its check, which holds it to all lines before.

    None can go missing unseen but the last ones, as in a file that was restored from a backup: a plan that goes on
    looks for the mark of each row before it sends it. Nor is it a signature: who may write the file can make all of
    it anew.
    """
    check = hashlib.sha256(before.encode() + _json(entry)).hexdigest()[:16]
    return _json({**entry, "check": check}) + b"\n", check


def _parsed(content: bytes, path: Path) -> _Parsed:
    """Return what stands in a journal, each line of which must follow from those before."""
    lines = content.split(b"\n")
    rest = lines.pop()  # empty, unless the last line is unfinished
    ends_with_newline = not rest or not _readable(rest)
    if not ends_with_newline:  # an editor took the line's end away: dropping it could send a row twice
        lines.append(rest)
        rest = b""
    if not lines:
        raise JournalDamaged(
            f"{path} holds no whole line: either it is no journal, or making it was cut short, and nothing was sent "
            "from it. Delete it, or name another one."
        )
    header, check = _checked(lines[0], "", 1, path)
    if header.get("entry") != "plan" or header.get("version") not in (NAMES_KEY, VERSION):
        raise JournalDamaged(
            f"{path} is no journal of a plan that this version of the kit reads: it begins with "
            f"{shorten(header.get('entry'))}, version {shorten(header.get('version'))}.",
            line=1,
        )
    entries, rows = [], [Standing() for _ in header["rows"]]
    for number, line in enumerate(lines[1:], 2):
        entry, check = _checked(line, check, number, path)
        row = entry["row"]
        if not 1 <= row <= len(rows) or not rows[row - 1].admits(entry):
            raise JournalDamaged(
                f"line {number} of {path} says {shorten(entry['entry'])} of row {row}, which does not follow from "
                "the lines before. Nothing was sent now.",
                line=number,
            )
        rows[row - 1].follow(entry)
        entries.append(entry)
    return _Parsed(header, entries, rows, check, len(content) - len(rest), ends_with_newline)


def _checked(line: bytes, before: str, number: int, path: Path) -> tuple[dict[str, Any], str]:
    """Return the entry of a line and its check."""
    entry = _readable(line, each_key_once)
    found = None if entry is None else entry.pop("check", None)
    if entry is None or (expected := _line(entry, before)[1]) != found:
        raise JournalDamaged(
            f"line {number} of {path} is not what the kit wrote: what was sent can't be told from it. Nothing "
            "was sent now. Restore the file, or look for each row's mark in the notes of transactions before "
            "any of it is sent again.",
            line=number,
        )
    return entry, expected


def _readable(
    line: bytes, made: Callable[[list[tuple[str, Any]]], dict[str, Any]] | None = None
) -> dict[str, Any] | None:
    try:
        entry = json.loads(line, object_pairs_hook=made)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _moment(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).isoformat()


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise InvalidRequest(
            f"{path} can't be opened ({error.strerror}), and what was sent stands nowhere else. Nothing was sent "
            "now.",
            field="journal",
        ) from None
    try:
        _check_owner(descriptor, path)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _neighbour(path: Path) -> Iterator[None]:
    """Hold the lock beside a journal: editors and backups replace a file, and a lock on the old one keeps nobody out.

    It is left in place. Taken away, it could be made anew by one process while another still holds the old one.
    """
    beside = path.with_name(f"{path.name}.lock")
    try:
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, MODE)
    except OSError as error:
        raise InvalidRequest(
            f"{beside} can't be opened ({error.strerror}), which keeps a second kernel from sending the same plan. "
            "Nothing was sent.",
            field="journal",
        ) from None
    try:
        _lock(descriptor, path)
        yield
    finally:
        os.close(descriptor)  # the lock goes with it


def _check_owner(descriptor: int, path: Path) -> None:
    """Raise where others may write a journal: it says who is paid."""
    if sys.platform == "win32":  # no plan is run there
        return
    found = os.fstat(descriptor)
    if found.st_uid != os.getuid():
        raise InvalidRequest(
            f"{path} belongs to another user of this machine (uid {found.st_uid}), who could say in it who is paid. "
            "Nothing was sent. Plan under a journal of your own.",
            field="journal",
        )
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise InvalidRequest(
            f"{path} may be written by others than its owner (mode {stat.S_IMODE(found.st_mode):o}), who could say "
            f"in it who is paid. Nothing was sent. See that it holds what you planned, then: chmod 600 {path}",
            field="journal",
        )


def _check_still_there(descriptor: int, path: Path) -> None:
    """Raise where what is written would not be found by the next who reads the journal."""
    held = os.fstat(descriptor)
    try:
        there = path.stat()
    except OSError:
        there = None
    if there is None or (held.st_dev, held.st_ino) != (there.st_dev, there.st_ino):
        raise JournalDamaged(
            f"{path} was replaced or taken away while the plan was running: what is sent would be written down "
            "nowhere that the next run reads. Nothing more was sent. Put back the file that was there, or look for "
            "each row's mark in the notes of transactions before any of it is sent again."
        )


def _content(descriptor: int) -> bytes:
    parts = []
    while part := os.read(descriptor, 1 << 20):
        parts.append(part)
    return b"".join(parts)


def _write(descriptor: int, content: bytes) -> None:
    """Write all of it, and wait until it is on the disk."""
    while content:
        content = content[os.write(descriptor, content) :]
    os.fsync(descriptor)


def _sync_folder(path: Path) -> None:
    """Wait until the name of a new file is on the disk: without it, a power cut could take the whole journal."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems can't, and say so
            raise
    finally:
        os.close(folder)


def _lock(descriptor: int, path: Path) -> None:
    check_platform()
    import fcntl  # not on Windows

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise JournalInUse(
            f"{path} is in use: another kernel, process or thread is running this plan. Nothing was sent from here. "
            "Let it end, or stop it, then run again."
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"{path} can't be locked here ({error.strerror}), so that a second kernel could send the same plan. "
            "Nothing was sent. Put the journal on a local disk.",
            field="journal",
        ) from None


def refuse_other(header: Mapping[str, Any], expected: Mapping[str, Any], path: Path) -> None:
    """Raise where a journal is that of another plan, workspace, environment or user.

    Raises
    ------
    InvalidRequest
        What differs is named. A request is looked for among those of the own user: another one would not find what
        was sent, and would send it again.
    """
    for field, value in expected.items():
        if header.get(field) != value:
            raise InvalidRequest(
                f"{path} is the journal of another {WORDS.get(field, field)}: its `{field}` is "
                f"{shorten(header.get(field))}, and here it is {shorten(value)}. Nothing was sent. Name another "
                "journal, or plan and connect as it says.",
                field=field,
            )
