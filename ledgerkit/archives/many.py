"""Several workspaces archived side by side, each within its own rate limit; one that fails stops no other."""

import difflib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ledgerkit import credentials
from ledgerkit.archives import folders, lists, parts, run
from ledgerkit.errors import Cancelled, IncompleteResult, InvalidRequest, LedgerError, NoLongerListed, shorten, warn
from ledgerkit.frames import FLAG, INTEGER, SERIES, TEXT, TIME
from ledgerkit.parallel import Progress, gather
from ledgerkit.session import Session, connect
from ledgerkit.watching import watched

# Each workspace has threads of its own, and a part of a list in memory.
MOST_AT_ONCE: Final = 8
# What runs ends with the read that it is in the middle of.
SECONDS_TO_END: Final = 15.0
# How often it is told how far each list is.
SECONDS_BETWEEN: Final = 5.0
DONE: Final = run.DONE.extended(after={"note": TEXT, "error": TEXT})

Workspaces = str | Session | Iterable[str | Session] | Mapping[str, Session | str]


@dataclass
class _Workspace:
    """One workspace to be archived: how it is called, what opens it, and where its files go."""

    label: str
    # A session, or the name of a profile: that of the default one is empty.
    opened: Session | str
    name: str | None = None
    # What tells workspaces apart, where it is known before anything is sent.
    origin: tuple[str, str] | None = None
    fault: LedgerError | None = None


class _Bar(Progress):
    """One bar for the calls of all workspaces, whose threads take turns."""

    def __init__(self) -> None:
        super().__init__("archive")
        self._lock = threading.Lock()

    def expect(self, calls: int) -> None:
        """Say that this many more calls will come."""
        with self._lock:
            super().expect(calls)

    def advance(self) -> None:
        """Say that one call is done."""
        with self._lock:
            super().advance()


class _Underway(run.Relayed):
    """One list on its way: its calls are shown in the bar of all."""

    # Its `cancel` is its own: a session that is closed sets those of its calls, and the others go on.
    def __init__(self, title: str, directory: Path, bar: _Bar) -> None:
        super().__init__(bar)
        self._title, self._directory = title, directory
        self._before = self._files()

    def __str__(self) -> str:
        # What this run has written so far: files that were not there, or not so. A disk may have a clock of its own.
        files = [one for one, written in self._files().items() if self._before.get(one) != written]
        try:
            rows = sum(parts.read_part(one).rows for one in files)
            start = parts.start_of(files[0]) if files else None
        except (OSError, LedgerError):  # it was replaced just now, or the run itself says what is wrong with it
            start = None
        return f"{self._title}: {f'back to {start:%Y-%m}, {rows:,} rows' if start else 'looking at what is new'}"

    def _files(self) -> dict[Path, int]:
        try:
            return {one: one.stat().st_mtime_ns for one in parts.files_in(self._directory)}
        except (OSError, LedgerError):  # it is not there yet, or the run itself says what is wrong with it
            return {}


def _tell(underway: list[_Underway], told: Callable[[str], None], ended: threading.Event) -> None:
    """Tell now and then how far each list is."""
    while not ended.wait(SECONDS_BETWEEN):
        for one in list(underway):
            told(str(one))


def archive(
    folder: str | PathLike[str],
    workspaces: Workspaces,
    *,
    sections: str | Iterable[str] = ("transactions", "requests"),
    created_after: Any = None,
    again: Any = None,
    told: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Archive several workspaces; see :func:`ledgerkit.archive`.

    Parameters
    ----------
    told
        Is given a line every few seconds, in another thread, that says how far a list is.
    """
    chosen = _sections(sections)
    root = folders.folder_of(folder)
    found = _workspaces(workspaces)
    _check_apart(root, found)
    options = {
        name: value for name, value in (("created_after", created_after), ("again", again)) if value is not None
    }
    job = _Job(root, chosen, options)
    ended = [threading.Event() for _ in found]
    begun: list[threading.Event] = []

    def work(position: int, cancel: threading.Event) -> list[dict[str, Any]]:
        begun.append(ended[position])
        try:
            return job.archived(found[position], cancel)
        finally:
            ended[position].set()

    nothing_more = threading.Event()
    if told is not None:
        threading.Thread(target=_tell, args=(job.underway, told, nothing_more), daemon=True).start()
    calls = [partial(work, position) for position in range(len(found))]
    try:
        rows = gather(calls, workers=MOST_AT_ONCE, progress=job.bar)
    finally:
        for watch in list(job.underway):
            watch.cancel.set()
        # Whoever interrupts wants to run it again: not before the locks are free.
        for one in begun:
            one.wait(SECONDS_TO_END)
        nothing_more.set()
        job.bar.close()
    return _result([row for one in rows for row in one])


@dataclass(frozen=True)
class _Job:
    """What is to be archived of each workspace, and the lists that are on their way."""

    folder: Path
    sections: Sequence[str]
    options: Mapping[str, Any]
    bar: _Bar = field(default_factory=_Bar)
    underway: list[_Underway] = field(default_factory=list)

    def archived(self, workspace: _Workspace, cancel: threading.Event) -> list[dict[str, Any]]:
        """Archive the lists of a workspace, one after the other; a row for each, with the error where it failed."""
        try:
            if workspace.fault is not None:
                raise workspace.fault
            opened = workspace.opened
            with connect(opened or None) if isinstance(opened, str) else nullcontext(opened) as session:
                return [self._one(workspace, session, section, cancel) for section in self.sections]
        except Cancelled:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the other workspaces are archived, and it is told
            return [_failed(workspace, section, error) for section in self.sections]

    def _one(self, workspace: _Workspace, session: Session, section: str, cancel: threading.Event) -> dict[str, Any]:
        name = workspace.name or str(session.workspace)
        watch = _Underway(f"{name} {section}", parts.directory_of(self.folder, section, name), self.bar)
        options, notes = dict(self.options), []
        if section not in lists.EVENTS and options.pop("created_after", None) is not None:
            notes.append(f"kept whole: created_after bounds {', '.join(lists.EVENTS)} alone")
        self.underway.append(watch)
        try:
            if cancel.is_set():
                raise Cancelled
            with watched(watch):
                done = getattr(session, section).archive(self.folder, name=workspace.name, **options)
        except Cancelled:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the other lists are archived, and it is told
            return _failed(workspace, section, error, notes, watch.warnings)
        finally:
            self.underway.remove(watch)
        row = {str(column): done[column].iloc[0] for column in done.columns}
        return {**row, "note": "; ".join([*notes, *watch.warnings]) or None, "warned": watch.warnings}


def _sections(sections: str | Iterable[str]) -> list[str]:
    chosen = list(dict.fromkeys([sections] if isinstance(sections, str) else sections))
    known = list(lists.archivable())
    if not chosen:
        raise InvalidRequest("`sections` is empty, and nothing was sent: name one or more.", field="sections")
    for one in chosen:
        if one not in known:
            near = difflib.get_close_matches(str(one), known, n=1, cutoff=0.75)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}."
            raise InvalidRequest(
                f"`sections` has {shorten(one)}, which can't be archived, and nothing was sent: {hint}",
                field="sections",
            )
    return chosen


def _workspaces(workspaces: Workspaces) -> list[_Workspace]:
    if isinstance(workspaces, Mapping):
        found = [_workspace(opened, str(name)) for name, opened in workspaces.items()]
    else:
        found = [_workspace(one) for one in ([workspaces] if isinstance(workspaces, str | Session) else workspaces)]
    if not found:
        raise InvalidRequest("`workspaces` is empty, and nothing was sent: name one or more.", field="workspaces")
    return found


def _workspace(opened: Any, name: str | None = None) -> _Workspace:
    """Return what is known of a workspace without asking the service."""
    if isinstance(opened, str) and name is None and "=" in opened:
        name, _, opened = opened.partition("=")
    if name is not None:
        folders.check_name(name)
    if isinstance(opened, Session):
        own, base_url = opened.workspace, opened.base_url
        if not (name or own):
            raise InvalidRequest(
                "a LAM's session names no workspace, and nothing was sent: say what it is to be called in the "
                "archive, such as {'treasury': session}.",
                field="workspaces",
            )
        return _Workspace(name or str(own), opened, name or own, (base_url, own) if own else None)
    if not isinstance(opened, str):
        raise InvalidRequest(
            f"`workspaces` has {shorten(opened)}, and nothing was sent: it takes names of profiles, such as "
            "['treasury', 'custody'], or sessions by name, {'treasury': session}.",
            field="workspaces",
        )
    label = name or opened or "the default profile"
    if opened == "sandbox":  # its server is not there yet
        return _Workspace(label, opened, name)
    try:
        loaded = credentials.load(opened or None)
    except LedgerError as error:
        return _Workspace(label, opened, name, fault=error)
    own = getattr(loaded.credentials, "workspace", None)
    called = name or own or opened  # a LAM's credentials name no workspace
    if not called:
        raise InvalidRequest(
            "the credentials of the default profile name no workspace, and nothing was sent: say what it is to be "
            "called in the archive, as NAME= such as 'treasury='.",
            field="workspaces",
        )
    return _Workspace(label, opened, called, (loaded.base_url, own) if own else None)


def _check_apart(folder: Path, found: Sequence[_Workspace]) -> None:
    """Refuse two that would write into one directory, and one workspace twice: sums over both would be wrong."""
    places: dict[str, _Workspace] = {}
    origins: dict[tuple[str, str], _Workspace] = {}
    for one in found:
        if one.name is not None:
            # Not every file system tells "Acme" from "acme".
            place = str(parts.directory_of(folder, "", one.name)).casefold()
            if place in places:
                raise InvalidRequest(
                    f"{shorten(places[place].label)} and {shorten(one.label)} would be written into one directory, "
                    f"{shorten(one.name)}, and nothing was sent. Name each: {_named(places[place], 1)} and "
                    f"{_named(one, 2)}.",
                    field="workspaces",
                )
            places[place] = one
        if one.origin is not None:
            if one.origin in origins:
                raise InvalidRequest(
                    f"{shorten(origins[one.origin].label)} and {shorten(one.label)} are the same workspace, "
                    f"{shorten(one.origin[1])} at {one.origin[0]}, and nothing was sent: its rows would be in the "
                    "archive twice. Leave one of them out, or keep it in another folder.",
                    field="workspaces",
                )
            origins[one.origin] = one


def _named(workspace: _Workspace, number: int) -> str:
    """Return what to write for a workspace under a name of its own."""
    name = f"{workspace.name}-{number}"
    return f"'{name}={workspace.opened}'" if isinstance(workspace.opened, str) else f"{{{name!r}: session}}"


def _failed(
    workspace: _Workspace, section: str, error: Exception, notes: Sequence[str] = (), warned: Sequence[str] = ()
) -> dict[str, Any]:
    return {
        "dataset": section,
        "workspace": workspace.name or workspace.label,
        "note": "; ".join([*notes, *warned]) or None,
        "warned": warned,
        "error": " ".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())]),
    }


def _result(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the frame of what was done, and say what a reader must not miss."""
    failed = [row for row in rows if row.get("error")]
    if len(failed) == len(rows):
        raise LedgerError("\n".join(["nothing was archived.", *_why(rows)]), failed=[dict(row) for row in rows])
    for row in rows:
        if row.get("warned"):
            warn(f"{row['workspace']}, {row['dataset']}: {'; '.join(row['warned'])}", _kind_of(row))
    if failed:
        warn(
            f"{len(failed)} of {len(rows)} lists were not archived to the end: {'; '.join(_why(failed))}",
            IncompleteResult,
        )
    columns = {name: SERIES[kind]([_plain(row.get(name), kind) for row in rows]) for name, kind in DONE.kinds.items()}
    frame = pd.DataFrame(columns)
    frame.attrs["table"] = DONE.name
    return frame


def _why(failed: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say why lists were not archived: once for all lists of a workspace that failed alike."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in failed:
        found.setdefault((row["workspace"], row["error"]), []).append(row["dataset"])
    return [f"{workspace}, {' and '.join(datasets)}: {error}" for (workspace, error), datasets in found.items()]


def _kind_of(row: Mapping[str, Any]) -> type[UserWarning]:
    """Return what a note warns about: beside rows that may be missing, a run tells of rows that are gone."""
    return NoLongerListed if row.get("complete") is not None and bool(row["complete"]) else IncompleteResult


def _plain(value: Any, kind: str) -> Any:
    """Return a cell of a frame as a declared column takes it."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if kind == INTEGER:
        return int(value)
    if kind == FLAG:
        return bool(value)
    return pd.Timestamp(value).isoformat() if kind == TIME else str(value)
