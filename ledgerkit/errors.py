"""The error tree: one root, and branches named by what the caller can do next.

Every message says what failed, on which call, why, and what to do next. No message, field or repr holds
a secret: errors take texts and ids, never credentials, tokens or headers.
"""

import functools
import linecache
import sys
import sysconfig
import textwrap
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

from ledgerkit import watching

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")

_PACKAGE = str(Path(__file__).parent)
# An integer of more digits is no amount of any chain (2^256 has 78), and int() of millions of digits hangs.
MOST_DIGITS: Final = 1000
# What a notebook shows of an error: as wide as an output is on most screens, and a few lines of code.
_WIDTH: Final = 96
_MOST_LINES: Final = 4
# Where code is that the reader of a notebook has not written.
_FOREIGN: Final = tuple(
    {_PACKAGE, *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))}
)


class LedgerError(Exception):
    """The root of every error that the kit raises on purpose.

    Parameters
    ----------
    message
        What failed, why, and what to do next.
    call
        The call that failed, as ``"GET /accounts/7"``; None where nothing was called.
    status
        The HTTP status of the answer, where there was one.
    details
        Anything else a program may want: fields of the input, suggestions, numbers.
    """

    def __init__(self, message: str, *, call: str | None = None, status: int | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.call = call
        self.status = status
        self.details = details

    def __str__(self) -> str:
        return f"{self.call}: {self.message}" if self.call else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.call, self.status, self.details)

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows in place of a traceback: the message, whole, and the reader's own lines.

        The frames of the kit say nothing to whoever has to mend a call. ``%tb`` shows them, ``%xmode`` goes before
        this, and outside of IPython nothing changes.
        """
        shell = ipython_shell()
        if shell is not None and (_asked_for_all() or shell.InteractiveTB.mode != "Context"):
            whole: list[str] = shell.InteractiveTB.structured_traceback(
                type(self), self, self.__traceback__, tb_offset=1
            )
            return whole
        said = "\n".join([str(self), *getattr(self, "__notes__", ())])
        first, *rest = _wrapped(f"{type(self).__name__}: {said}")
        name = type(self).__name__
        head = f"\x1b[31m{name}\x1b[39m{first.removeprefix(name)}"
        return [head, *rest, "", *_own_lines(self, shell), "", "The whole traceback: %tb"]


def ipython_shell() -> Any:
    """Return the shell of IPython that this code runs in, or None.

    Another thread may be importing IPython for the first time: it is among the modules then, and empty.
    """
    shell = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return None if shell is None else shell()


def _asked_for_all() -> bool:
    """Say whether ``%tb`` asks: it shows an error as IPython did when it was raised, with no word of its own."""
    frame = sys._getframe(1)
    while (back := frame.f_back) is not None:
        frame = back
        if frame.f_code.co_name == "tb" and frame.f_globals.get("__name__") == "IPython.core.magics.execution":
            return True
    return False


def _wrapped(text: str) -> Iterator[str]:
    """Give the lines of a text, none wider than an output; what a terminal would obey is escaped."""
    for line in text.split("\n"):
        shown = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in line)
        indent = " " * (len(shown) - len(shown.lstrip(" ")))
        # An address or an id stays in one piece, to be copied.
        yield from textwrap.wrap(
            shown, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        ) or [""]


def _own_lines(error: BaseException, shell: Any) -> Iterator[str]:
    """Give the lines of the reader's own code that led to an error, as they stand there, without values."""
    frames = [
        (frame.f_code, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if not frame.f_code.co_filename.startswith(_FOREIGN)
    ]
    for code, line in frames[-_MOST_LINES:]:
        cell = shell.compile.format_code_name(code.co_filename) if shell is not None else None
        where = " ".join(cell) if cell else Path(code.co_filename).name
        inside = "" if code.co_name == "<module>" else f", in {code.co_name}"
        yield f"{where}, line {line}{inside}"
        if text := linecache.getline(code.co_filename, line).strip():
            yield f"    {text}"


def _rebuild(
    kind: type[LedgerError], message: str, call: str | None, status: int | None, details: dict[str, Any]
) -> LedgerError:
    return kind(message, call=call, status=status, **details)


class ConfigurationError(LedgerError, ValueError):
    """Credentials or settings are missing, contradict each other or can't be read: mend ``.env`` or the call."""


class AuthenticationError(LedgerError):
    """The service does not accept the credentials, or answers without a token: check them and the base URL."""


class PermissionDenied(LedgerError, PermissionError):
    """The credentials are good, but may not do this: another family, another role, or ``writes=True``."""


class NotFound(LedgerError, LookupError):
    """The service says that there is no such object, or that these credentials may not see it."""


class InvalidRequest(LedgerError, ValueError):
    """The input is wrong: refused here before it was sent, or by the service with its own message."""


class Unsupported(LedgerError, NotImplementedError):
    """The service can't do this for this object (501), such as a balance history of some currencies."""


class RateLimited(LedgerError, TimeoutError):
    """The rate limit is used up for longer than the kit may wait; ``details["retry_after"]`` has the seconds."""


class ServerError(LedgerError):
    """The service, or something in front of it, failed; nothing is wrong with the input."""


class ConnectionFailed(LedgerError, ConnectionError):
    """The service could not be asked: no route, no name, TLS, proxy, or no answer in time."""


class OutcomeUnknown(LedgerError):
    """A write was sent, and no answer of the service tells what became of it. Look before you repeat it.

    The answer was lost, can't be read, is a failure or a time-out, or came from something in front of the service.
    :meth:`find` looks whether it was, where the call that raised it knows how.
    """

    finder: Callable[[], Any] | None = None

    def __str__(self) -> str:
        return super().__str__() + (" To look: find() of this error." if self.finder else "")

    def find(self) -> Any:
        """Look whether the write was carried out; see :class:`ledgerkit.outcomes.Outcome`."""
        if self.finder is None:
            raise NotImplementedError("this call has no mark to look for: read the object that it was about.")
        return self.finder()


class ReviewFailed(LedgerError, ValueError):
    """What would be signed is not what was meant, or can't be compared with it. Nothing was signed."""


class ContractViolation(LedgerError, ValueError):
    """The service answered something that can't be read without guessing.

    ``details["field"]`` names the field where there is one, ``details["body"]`` keeps the answer, shortened.
    """


class ArchiveDamaged(LedgerError, ValueError):
    """A file of an archive is not what the kit wrote, or not where the kit put it; the message says which and why."""


class ArchiveInUse(LedgerError, RuntimeError):
    """Another process, kernel or thread is writing to this list of this workspace: wait until it is done."""


class SessionClosed(LedgerError, RuntimeError):
    """The session was closed: connect again."""


# What ends a write that the service itself refused, or that never reached it: the same may be sent again. A
# ServerError of a write is one of signing in: a write that fails on the way, or is answered by others, raises
# OutcomeUnknown.
NOT_CARRIED_OUT: Final = (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailed,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    RateLimited,
    ServerError,
    SessionClosed,
    Unsupported,
)


class IncompleteResult(UserWarning):
    """A search could not be shown to be complete: rows came or went while it was read, and went on doing so."""


class InexactNumbers(UserWarning):
    """Numbers of a query are not exact, or some were left out of it: the message says which, and the exact way."""


class NoLongerListed(UserWarning):
    """Rows of an archive are no longer listed by the service; they are kept as they were read last."""


class UnknownValue(UserWarning):
    """A value that the documented list of the API lacks was sent as it is: the lists lag behind the service."""


def shorten(value: Any, length: int = 80) -> str:
    """Return the repr of a value, cut in the middle of what is too long for a message."""
    if isinstance(value, int) and value.bit_length() > 4 * MOST_DIGITS:
        return f"an integer of {value.bit_length()} bits"  # its repr would take seconds, or raise
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # lists in lists, or such an integer inside of one
        return f"a {type(value).__name__} that is too large to be shown"
    return text if len(text) <= length else f"{text[: length - 3]}..."


def warn(message: str, category: type[UserWarning]) -> None:
    """Warn at the line that called into the kit.

    Python shows a warning once for each line: at a line of the kit, the second search with the same problem would say
    nothing. What runs behind a form has no such line: there the form shows it.
    """
    watching.hear(message)
    if (watch := watching.current()) is not None:
        watch.warnings.append(message)
        return
    level = 2
    while (frame := sys._getframe(level - 1)).f_code.co_filename.startswith(_PACKAGE) and frame.f_back:
        level += 1
    warnings.warn(message, category, stacklevel=level)


def clear_frames(error: BaseException, handled: BaseException | None) -> None:
    """Clear the local variables of all frames that have ended, up to what was being handled before the call."""
    errors: list[BaseException | None] = [error]
    met: set[int] = set()
    while errors:
        one = errors.pop()
        if one is not None and one is not handled and id(one) not in met:
            met.add(id(one))
            traceback.clear_frames(one.__traceback__)
            # Both: where a codec is interrupted, the interrupt is the cause of another one, and not its context.
            errors += [one.__cause__, one.__context__]


def clearing(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Have whatever is raised in a function, an interrupt included, leave it without the variables of its frames.

    Notebooks and collectors of errors show those, and the libraries below hold headers and bodies in clear.
    """

    @functools.wraps(function)
    def cleared(*arguments: _Parameters.args, **named: _Parameters.kwargs) -> _Result:
        handled = sys.exception()
        try:
            return function(*arguments, **named)
        except BaseException as error:
            del arguments, named  # variables of this frame, which goes on
            clear_frames(error, handled)
            raise

    return cleared


class Cancelled(Exception):
    """A read was given up by whoever waited for it; nobody else sees it."""
