"""Everything that could be seen of a run, gathered to be searched: logs, warnings, prints, errors, and reprs."""

import copy
import json
import logging
import pickle
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pandas as pd
from canaries import Hit, Searcher
from IPython.core import ultratb

TESTS: Final = str(Path(__file__).parents[1])
SEARCHER: Final = Searcher()
_MET: Final[set[tuple[Any, ...]]] = set()
_SHOWN_BY: Final = ("_repr_html_", "_repr_mimebundle_", "_repr_markdown_", "_repr_json_", "_repr_latex_")


class Evidence(logging.Handler):
    """What was seen, as texts and bytes by where they were seen."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.seen: list[tuple[str, str | bytes]] = []
        self._searched = 0
        self._hits: list[Hit] = []
        self._ways: set[tuple[Any, ...]] = set()

    # Gathering

    def add(self, where: str, what: str | bytes) -> None:
        """Take a text or bytes."""
        self.seen.append((where, what))

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record of a log, with all that handlers see of it."""
        self.add(f"log of {record.name}", f"{record.getMessage()} {record.args!r} {vars(record)!r}")
        if record.exc_info and record.exc_info[1] is not None:
            self.error(record.exc_info[1])

    def error(self, error: BaseException) -> None:
        """Take all that may be shown of an error and of those that led to it."""
        name = type(error).__name__
        for one in chained(error):
            self.add(f"error {name}", f"{one!r} {one} {one.args!r} {vars(one)!r} {getattr(one, '__notes__', '')}")
            for frame, line in traceback.walk_tb(one.__traceback__):
                self._frame(name, frame, line)
            self.pickled(f"pickle of {name}", one)
        walked = [(frame, line) for one in chained(error) for frame, line in traceback.walk_tb(one.__traceback__)]
        way = tuple((frame.f_code, line) for frame, line in walked)
        # Formatting takes long, and shows again what was taken above: once where no frame has variables.
        bare = not any(frame.f_locals for frame, _ in walked if not frame.f_code.co_filename.startswith(TESTS))
        met = _MET if bare else self._ways
        if not _only_of_tests(error) and way not in met:
            met.add(way)
            self._tracebacks(name, error)
        if (render := getattr(error, "_render_traceback_", None)) is not None:
            self.add(f"{name} in IPython", "\n".join(render()))

    def _frame(self, name: str, frame: FrameType, line: int) -> None:
        if frame.f_code.co_filename.startswith(TESTS):
            return  # of the reader's own code
        where = f"{frame.f_code.co_filename}:{line} {frame.f_code.co_qualname}"
        for variable, value in list(frame.f_locals.items()):
            self.add(f"{name}, {variable} at {where}", repr_of(value))
            self.add(f"{name}, {variable} at {where}, expanded", "\n".join(expanded(value)))

    def _tracebacks(self, name: str, error: BaseException) -> None:
        own = _without_frames_of_tests(error)
        with _as_traceback(error, own):
            with suppress(AttributeError):  # Python 3.11 takes no object that is not complete yet
                text = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
                self.add(f"{name} with its locals", text)
            for mode in ("Verbose", "Context"):
                shown = ultratb.AutoFormattedTB(mode=mode, theme_name="nocolor")  # type: ignore[no-untyped-call]  # IPython has no types there
                with suppress(AttributeError, IndexError):  # of an error without frames
                    lines = shown.structured_traceback(type(error), error, error.__traceback__)
                    self.add(f"{name} in IPython's mode {mode}", "\n".join(lines))

    def pickled(self, where: str, thing: Any) -> None:
        """Take what pickling and copying make of a thing, where they don't refuse."""
        for made in (pickle.dumps, copy.copy, copy.deepcopy):
            with suppress(Exception):
                done = made(thing)
                self.add(where, done if isinstance(done, bytes) else repr_of(done))
        with suppress(Exception):
            self.add(f"{where}, as JSON", json.dumps(thing, default=str))

    def thing(self, thing: Any, name: str = "", steps: int = 2) -> None:
        """Take what is shown of an object, and of what can be reached from it in so many steps."""
        waiting, met = [(name or type(thing).__name__, thing, steps)], set()
        while waiting:
            where, one, left = waiting.pop()
            if id(one) in met:
                continue
            met.add(id(one))
            self._shown(where, one)
            if left:
                waiting += [(f"{where}.{part}", value, left - 1) for part, value in parts_of(one)]

    def _shown(self, where: str, one: Any) -> None:
        self.add(f"repr of {where}", repr_of(one))
        with suppress(Exception):
            self.add(f"str of {where}", f"{one}")
        for way in _SHOWN_BY:
            if callable(method := getattr(type(one), way, None)):
                with suppress(Exception):
                    self.add(f"{way} of {where}", repr_of(method(one)))
        self.pickled(f"pickle of {where}", one)
        if isinstance(one, pd.DataFrame):
            self.add(f"attrs of {where}", repr(one.attrs))
            self.add(f"{where} as text", one.to_csv())

    def call(self, function: Callable[[], Any]) -> Any:
        """Call, take what comes of it or what is raised, and return that."""
        try:
            found = function()
        except BaseException as error:  # noqa: BLE001 - an interrupt is looked at as well
            self.error(error)
            return error
        self.thing(found, steps=1)
        return found

    # Searching

    def hits(self, searcher: Searcher = SEARCHER) -> list[Hit]:
        """Return the secrets in what was gathered so far; equal texts are looked at once."""
        for what, where in {what: where for where, what in reversed(self.seen)}.items():
            self._hits += searcher.find(what, where)
        self.seen.clear()
        return self._hits


def repr_of(value: Any) -> str:
    """Return the repr of a value; one that is not complete yet may not have any."""
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is shown
        return f"{error!r}"


def parts_of(thing: Any) -> Iterator[tuple[str, Any]]:
    """Give the attributes of an object, without running code of it but that of slots, and what a container has."""
    if isinstance(thing, dict):
        yield from ((f"[{name!r}]", value) for name, value in list(thing.items())[:50])
    elif isinstance(thing, list | tuple | set | frozenset):
        yield from ((f"[{number}]", value) for number, value in enumerate(list(thing)[:50]))
    elif not isinstance(thing, str | bytes | int | float | type | pd.DataFrame | pd.Series):
        yield from list(getattr(thing, "__dict__", {}).items())
        for kind in type(thing).__mro__:
            slots = kind.__dict__.get("__slots__", ())
            for name in (slots,) if isinstance(slots, str) else slots:
                # The one of a Secret is its memory, under a name that no completion offers.
                if not name.startswith("__"):
                    with suppress(AttributeError):
                        yield name, getattr(thing, name)


def expanded(value: Any, depth: int = 5) -> Iterator[str]:
    """Give what collectors of errors keep of a variable: containers are opened."""
    if depth and isinstance(value, dict):
        for name, one in list(value.items()):
            yield from expanded(name, depth - 1)
            yield from expanded(one, depth - 1)
    elif depth and isinstance(value, list | tuple | set | frozenset):
        for one in list(value):
            yield from expanded(one, depth - 1)
    elif depth and is_dataclass(value) and not isinstance(value, type):
        for part in fields(value):
            if part.repr:
                yield from expanded(getattr(value, part.name, None), depth - 1)
    else:
        yield repr_of(value)


def chained(error: BaseException) -> Iterator[BaseException]:
    """Give an error and all that are behind it, those that a traceback leaves out as well."""
    waiting: list[BaseException | None] = [error]
    met: set[int] = set()
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in met:
            continue
        met.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions


def _without_frames_of_tests(error: BaseException) -> Any:
    found = error.__traceback__
    while found is not None and found.tb_frame.f_code.co_filename.startswith(TESTS):
        found = found.tb_next
    return found


def _only_of_tests(error: BaseException) -> bool:
    return _without_frames_of_tests(error) is None


@contextmanager
def _as_traceback(error: BaseException, own: Any) -> Iterator[None]:
    whole = error.__traceback__
    error.__traceback__ = own
    try:
        yield
    finally:
        error.__traceback__ = whole


@contextmanager
def gathered(capsys: Any = None) -> Iterator[Evidence]:
    """Gather what a block logs at DEBUG, warns of, prints, and what its threads die of."""
    evidence = Evidence()
    root = logging.getLogger()
    level = root.level
    root.addHandler(evidence)
    root.setLevel(logging.DEBUG)
    hooks = threading.excepthook, sys.unraisablehook
    threading.excepthook = lambda died: evidence.error(died.exc_value) if died.exc_value else None
    sys.unraisablehook = lambda lost: evidence.error(lost.exc_value) if lost.exc_value else None
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield evidence
        for warning in caught:
            evidence.add("warning", f"{warning.message} {vars(warning)!r}")
    finally:
        root.removeHandler(evidence)
        root.setLevel(level)
        threading.excepthook, sys.unraisablehook = hooks
    if capsys is not None:
        printed = capsys.readouterr()
        evidence.add("stdout", printed.out)
        evidence.add("stderr", printed.err)
