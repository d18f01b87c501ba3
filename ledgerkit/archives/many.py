"""Several workspaces archived side by side, each within its own rate limit; one that fails stops no other."""

import difflib
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ledgerkit import credentials
from ledgerkit.archives import parts, run
from ledgerkit.errors import Cancelled, IncompleteResult, InvalidRequest, LedgerError, NoLongerListed, shorten, warn
from ledgerkit.frames import FLAG, INTEGER, SERIES, TEXT, TIME
from ledgerkit.parallel import Progress, gather
from ledgerkit.resources.base import all_sections
from ledgerkit.session import Session, connect
from ledgerkit.watching import Watch, watched

# Each workspace has threads of its own, and a part of a list in memory.
MOST_AT_ONCE: Final = 8
# What runs ends with the read that it is in the middle of.
SECONDS_TO_END: Final = 15.0
DONE: Final = run.DONE.extended(after={"note": TEXT, "error": TEXT})

Workspaces = str | Iterable[str | Session] | Mapping[str, Session | str]


@dataclass
class _Workspace:
    """One workspace to be archived: how it is called, what opens it, and where its files go."""

    label: str
    opened: Session | str
    name: str | None = None
    # What tells workspaces apart, where it is known before anything is sent.
    origin: tuple[str, str] | None = None
    fault: LedgerError | None = None


def archive(
    folder: str | PathLike[str],
    workspaces: Workspaces,
    *,
    sections: str | Iterable[str] = ("transactions", "requests"),
    created_after: Any = None,
    again: Any = None,
) -> pd.DataFrame:
    """Archive several workspaces; see :func:`ledgerkit.archives`."""
    chosen = _sections(sections)
    found = _workspaces(workspaces)
    _check_apart(Path(folder), found)
    options = {
        name: value for name, value in (("created_after", created_after), ("again", again)) if value is not None
    }
    ended = [threading.Event() for _ in found]
    begun: list[threading.Event] = []

    def work(position: int, cancel: threading.Event) -> list[dict[str, Any]]:
        begun.append(ended[position])
        try:
            return _archived(folder, found[position], chosen, options, cancel)
        finally:
            ended[position].set()

    progress = Progress("archive")
    try:
        rows = gather(
            [partial(work, position) for position in range(len(found))], workers=MOST_AT_ONCE, progress=progress
        )
    finally:
        # Whoever interrupts wants to run it again: not before the locks are free.
        for one in begun:
            one.wait(SECONDS_TO_END)
        progress.close()
    return _result([row for one in rows for row in one])


def _sections(sections: str | Iterable[str]) -> list[str]:
    chosen = list(dict.fromkeys([sections] if isinstance(sections, str) else sections))
    known = sorted(section.name for section in all_sections() if hasattr(section, "search"))
    if not chosen:
        raise InvalidRequest("`sections` is empty, and nothing was sent: name one or more.", field="sections")
    for one in chosen:
        if one not in known:
            near = difflib.get_close_matches(str(one), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}."
            raise InvalidRequest(
                f"`sections` has {shorten(one)}, which is none, and nothing was sent: {hint}", field="sections"
            )
    return chosen


def _workspaces(workspaces: Workspaces) -> list[_Workspace]:
    if isinstance(workspaces, Mapping):
        found = [_workspace(opened, str(name)) for name, opened in workspaces.items()]
    else:
        found = [_workspace(one) for one in ([workspaces] if isinstance(workspaces, str) else workspaces)]
    if not found:
        raise InvalidRequest("`workspaces` is empty, and nothing was sent: name one or more.", field="workspaces")
    return found


def _workspace(opened: Any, name: str | None = None) -> _Workspace:
    """Return what is known of a workspace without asking the service."""
    if isinstance(opened, Session):
        own, base_url = opened.workspace, opened.base_url
        return _Workspace(name or own or base_url, opened, name or own, (base_url, own) if own else None)
    if not isinstance(opened, str):
        raise InvalidRequest(
            f"`workspaces` has {shorten(opened)}, and nothing was sent: it takes names of profiles, such as "
            "['treasury', 'custody'], or sessions by name, {'treasury': session}.",
            field="workspaces",
        )
    if opened == "sandbox":  # its server is not there yet
        return _Workspace(name or opened, opened, name)
    try:
        loaded = credentials.load(opened)
    except LedgerError as error:
        return _Workspace(name or opened, opened, name, fault=error)
    own = getattr(loaded.credentials, "workspace", None)
    return _Workspace(name or opened, opened, name or own, (loaded.base_url, own) if own else None)


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
                    f"{shorten(one.name)}, and nothing was sent. Name each: {{'one': ..., 'another': ...}}.",
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


def _archived(
    folder: str | PathLike[str],
    workspace: _Workspace,
    sections: Sequence[str],
    options: Mapping[str, Any],
    cancel: threading.Event,
) -> list[dict[str, Any]]:
    """Archive the lists of one workspace, one after the other; a row for each, with the error where it failed."""
    try:
        if workspace.fault is not None:
            raise workspace.fault
        opened = workspace.opened
        with connect(opened) if isinstance(opened, str) else nullcontext(opened) as session:
            return [_one(folder, workspace, session, section, options, cancel) for section in sections]
    except Cancelled:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the other workspaces are archived, and it is told
        return [_failed(workspace, section, error) for section in sections]


def _one(
    folder: str | PathLike[str],
    workspace: _Workspace,
    session: Session,
    section: str,
    options: Mapping[str, Any],
    cancel: threading.Event,
) -> dict[str, Any]:
    watch = Watch()
    watch.cancel = cancel
    if cancel.is_set():
        raise Cancelled
    try:
        with watched(watch):
            done = getattr(session, section).archive(folder, name=workspace.name, **options)
    except Cancelled:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the other lists are archived, and it is told
        return _failed(workspace, section, error, watch.warnings)
    row = {str(name): done[name].iloc[0] for name in done.columns}
    return {**row, "note": "; ".join(watch.warnings) or None}


def _failed(workspace: _Workspace, section: str, error: Exception, notes: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "dataset": section,
        "workspace": workspace.name or workspace.label,
        "note": "; ".join(notes) or None,
        "error": " ".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())]),
    }


def _result(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the frame of what was done, and say what a reader must not miss."""
    failed = [row for row in rows if row.get("error")]
    if len(failed) == len(rows):
        said = "\n".join(f"{row['workspace']}, {row['dataset']}: {row['error']}" for row in rows)
        raise LedgerError(f"nothing was archived.\n{said}", failed=[dict(row) for row in rows])
    for row in rows:
        if row.get("note"):
            warn(f"{row['workspace']}, {row['dataset']}: {row['note']}", _kind_of(row))
    if failed:
        named = "; ".join(f"{row['workspace']}, {row['dataset']}: {row['error']}" for row in failed)
        warn(f"{len(failed)} of {len(rows)} lists were not archived to the end: {named}", IncompleteResult)
    columns = {name: SERIES[kind]([_plain(row.get(name), kind) for row in rows]) for name, kind in DONE.kinds.items()}
    frame = pd.DataFrame(columns)
    frame.attrs["table"] = DONE.name
    return frame


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
