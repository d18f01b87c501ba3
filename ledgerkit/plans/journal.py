"""A plan on disk: what is to be sent, each send written down before it is made, and what became of it.

A process may die between any two instructions. What decides whether a row is sent again is what was on the disk
before it was sent, so every entry is flushed to the disk before the next step is taken.
"""

import errno
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

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
VERSION: Final = 1
# Who may be told what is paid to whom: the owner of the file.
MODE: Final = 0o600


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
    """

    def __init__(self, path: Path, header: dict[str, Any], entries: list[dict[str, Any]]) -> None:
        self.path = path
        self.header = header
        self.entries = entries
        # What has become of each row, in the order of the plan.
        self.rows = _standings(header, entries)
        self._descriptor: int | None = None
        self._check = ""

    def moments(self, *entries: str) -> list[float]:
        """Return when such entries were written, in seconds since the epoch, in their order."""
        return [_seconds(one["at"]) for one in self.entries if one["entry"] in entries]

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
        """
        if self._descriptor is None:
            raise RuntimeError("a journal is written to while it is held: see `held`")
        line = {"entry": entry, "row": row, "at": _moment(now), **details}
        encoded, self._check = _line(line, self._check)
        _write(self._descriptor, encoded)
        self.entries.append(line)
        _apply(self.rows[row - 1], line)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the journal, so that no other process runs its plan, and read it anew.

        Raises
        ------
        JournalInUse
            Another process, kernel or thread holds it.
        JournalDamaged
            It is not what the kit wrote.
        """
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND)
        try:
            _lock(descriptor, self.path)
            header, entries, check, whole = _parsed(_content(descriptor), self.path)
            if header != self.header:
                raise JournalDamaged(f"{self.path} now holds another plan than when it was opened. Nothing was sent.")
            if whole is not None:
                # What a crash left of a line: the next one would be written behind it.
                os.ftruncate(descriptor, whole)
                os.fsync(descriptor)
            elif not _content(descriptor).endswith(b"\n"):
                _write(descriptor, b"\n")
            self.entries, self.rows = entries, _standings(header, entries)
            self._check, self._descriptor = check, descriptor
            yield
        finally:
            self._descriptor = None
            os.close(descriptor)  # and the lock goes with it


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
    return Journal(path, line, [])


def read(path: Path) -> Journal:
    """Read a journal that was made before.

    Raises
    ------
    InvalidRequest
        It is not there, or can't be read.
    JournalDamaged
        It is not what the kit wrote; an unfinished last line alone is what a crash leaves, and is passed over.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidRequest(
            f"{path} can't be read ({error.strerror}), and what was sent stands nowhere else. Nothing was sent now.",
            field="journal",
        ) from None
    header, entries, _, _ = _parsed(content, path)
    return Journal(path, header, entries)


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
    """Return the line of an entry and its check, which holds it to all lines before: none can go missing unseen."""
    check = hashlib.sha256(before.encode() + _json(entry)).hexdigest()[:16]
    return _json({**entry, "check": check}) + b"\n", check


def _parsed(content: bytes, path: Path) -> tuple[dict[str, Any], list[dict[str, Any]], str, int | None]:
    """Return header, entries, the last check, and, where the last line is unfinished, where the whole ones end."""
    lines = content.split(b"\n")
    tail = lines.pop()  # empty, unless the last line is unfinished
    if tail and _readable(tail):  # an editor took the line's end away: dropping it could send a row twice
        lines.append(tail)
        tail = b""
    if not lines:
        raise JournalDamaged(
            f"{path} holds no whole line: either it is no journal, or making it was cut short, and nothing was sent "
            "from it. Delete it, or name another one."
        )
    entries, check = [], ""
    for number, line in enumerate(lines, 1):
        entry = _readable(line)
        found = None if entry is None else entry.pop("check", None)
        if entry is None or (expected := _line(entry, check)[1]) != found:
            raise JournalDamaged(
                f"line {number} of {path} is not what the kit wrote: what was sent can't be told from it. Nothing "
                "was sent now. Restore the file, or look for each row's mark in the notes of transactions before "
                "any of it is sent again.",
                line=number,
            )
        entries.append(entry)
        check = expected
    header = entries.pop(0)
    if header.get("entry") != "plan" or header.get("version") != VERSION:
        raise JournalDamaged(
            f"{path} is no journal of a plan that this version of the kit reads: it begins with "
            f"{shorten(header.get('entry'))}, version {shorten(header.get('version'))}.",
            line=1,
        )
    rows = [Standing() for _ in header["rows"]]
    for number, entry in enumerate(entries, 2):
        row = entry["row"]
        if not 1 <= row <= len(rows) or rows[row - 1].state not in FOLLOWS.get(entry["entry"], ()):
            raise JournalDamaged(
                f"line {number} of {path} says {shorten(entry['entry'])} of row {row}, which does not follow from "
                "the lines before. Nothing was sent now.",
                line=number,
            )
        _apply(rows[row - 1], entry)
    return header, entries, check, len(content) - len(tail) if tail else None


def _standings(header: Mapping[str, Any], entries: list[dict[str, Any]]) -> list[Standing]:
    rows = [Standing() for _ in header["rows"]]
    for entry in entries:
        _apply(rows[entry["row"] - 1], entry)
    return rows


def _apply(row: Standing, entry: Mapping[str, Any]) -> None:
    if entry["entry"] in APPROVALS:
        row.approval, row.error = entry["entry"], entry.get("error")
        return
    row.state = STATES[entry["entry"]]
    row.request_id, row.error = entry.get("request_id"), entry.get("error")
    if entry["entry"] == "sending":
        row.sending_at = _seconds(entry["at"])


def _readable(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _moment(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).isoformat()


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def _content(descriptor: int) -> bytes:
    os.lseek(descriptor, 0, os.SEEK_SET)
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


def refuse_other(journal: Journal, expected: Mapping[str, Any]) -> None:
    """Raise where a journal is that of another plan, workspace, environment or user.

    Raises
    ------
    InvalidRequest
        What differs is named. A request is looked for among those of the own user: another one would not find what
        was sent, and would send it again.
    """
    for field, value in expected.items():
        if journal.header.get(field) != value:
            raise InvalidRequest(
                f"{journal.path} is the journal of another {WORDS.get(field, field)}: its `{field}` is "
                f"{shorten(journal.header.get(field))}, and here it is {shorten(value)}. Nothing was sent. Name "
                "another journal, or connect as it says.",
                field=field,
            )
