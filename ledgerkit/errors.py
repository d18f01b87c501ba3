"""The error tree: one root, and branches named by what the caller can do next.

Every message says what failed, on which call, why, and what to do next. No message, field or repr holds
a secret: errors take texts and ids, never credentials, tokens or headers.
"""

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ledgerkit import watching

_PACKAGE = str(Path(__file__).parent)
# An integer of more digits is no amount of any chain (2^256 has 78), and int() of millions of digits hangs.
MOST_DIGITS: Final = 1000


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
    """A write was sent and its answer was lost: it may have been carried out. Look before you repeat it.

    :meth:`find` looks whether it was, where the call that raised it knows how.
    """

    finder: Callable[[], Any] | None = None

    def __str__(self) -> str:
        return super().__str__() + (" To look: draft.find(), or find() of this error." if self.finder else "")

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


class SessionClosed(LedgerError, RuntimeError):
    """The session was closed: connect again."""


# What ends a write that the service refused, or that never reached it: the same may be sent again. A ServerError of
# a write is one of signing in: a write that fails on the way raises OutcomeUnknown.
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


class UnknownValue(UserWarning):
    """A value that the documented list of the API lacks was sent as it is: the lists lag behind the service."""


def shorten(value: Any, length: int = 80) -> str:
    """Return the repr of a value, cut in the middle of what is too long for a message."""
    if isinstance(value, int) and value.bit_length() > 4 * MOST_DIGITS:
        return f"an integer of {value.bit_length()} bits"  # its repr would take seconds, or raise
    text = repr(value)
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


class Cancelled(Exception):
    """A read was given up by whoever waited for it; nobody else sees it."""
