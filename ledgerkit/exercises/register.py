"""The exercise of the registration: a second profile in ``.env`` that signs in, and keeps its key to itself."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ledgerkit import credentials, doctor
from ledgerkit.credentials import ApiUser
from ledgerkit.errors import ConfigurationError, LedgerError
from ledgerkit.exercises.given import Unreadable, single
from ledgerkit.exercises.verdict import Verdict, judged
from ledgerkit.session import Session

PROFILE: Final = "administrator"
TASK: Final = (
    f"write a file of settings with the profile `{PROFILE}`, for the sandbox's API administrator and with the "
    "private key in a file of its own, and put the path of the settings in place of the three dots."
)


def register(session: Session, answer: Any) -> Verdict:
    """Check that a file of settings has a profile for the sandbox's API administrator, and that both can be used.

    Parameters
    ----------
    session
        On the embedded sandbox: the settings are tried there, and nowhere else.
    answer
        The path of the file; ``...`` where there is none yet.

    Returns
    -------
    Verdict
        Made of a session of its own with these settings: ``GET /organization`` and ``GET /users``.
    """
    return judged(answer, TASK, lambda: _check(session, _path(answer)))


def _path(answer: Any) -> Path:
    value = single(answer)
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        raise Unreadable(f"the path of a file is asked for, and this is a {type(value).__name__}.")
    # What was handed in is not repeated: it may be a key.
    try:
        path = Path(os.fspath(value)).expanduser()
        mode = path.stat().st_mode
    except (OSError, ValueError, RuntimeError):
        raise Unreadable("there is no file of that name: hand in the whole path, or the Path itself.") from None
    if not stat.S_ISREG(mode):
        raise Unreadable("this is no regular file: hand in the path of the file of settings itself.")
    return path


def _check(session: Session, path: Path) -> Verdict:
    if session.sandbox is None:
        raise Unreadable("this exercise tries settings out on the embedded sandbox: connect to that.")
    try:
        # Without the environment of this process, which would go before the file.
        loaded = credentials.load(PROFILE, env_file=path, environ={})
    except ConfigurationError as error:
        return Verdict(False, error.message)
    user = loaded.credentials
    if not isinstance(user, ApiUser):
        return Verdict(
            False, f"the profile `{PROFILE}` is none of an API user: it needs API_KEY_ID and API_KEY_SECRET."
        )
    # Whatever the file says, it is tried on this machine alone.
    if loaded.base_url != session.sandbox.url:
        return Verdict(False, f"the profile `{PROFILE}` leads to another address than this sandbox: see its API_URL.")
    return next(_amiss(session, path, user), None) or Verdict(
        True, f"the profile `{PROFILE}` signs in as an administrator, whose key only you can read."
    )


def _amiss(session: Session, path: Path, user: ApiUser) -> Iterator[Verdict]:
    """Give what is amiss, one thing after the other: a learner mends one at a time."""
    if user.private_key_file is None:
        yield Verdict(False, "the private key has no file of its own: PRIVATE_KEY_FILE names one.")
        return
    for file in (path, user.private_key_file):
        if _others_may_read(file):
            yield Verdict(False, f"others on this machine may read {file.name}: its mode has to be 600.")
    with Session(user, base_url=session.base_url) as own:
        # The doctor looks at a connection, and gives its findings for a session that was opened here with nothing of
        # the environment: `diagnose` opens one of its own, and would read other settings than those handed in.
        for finding in doctor.examine(own.organization._connection):
            if finding.level == "problem":
                yield Verdict(False, f"the doctor says of the {finding.name}: {finding.text}")
        try:
            role = str(own.me()["role"].iloc[0])
        except LedgerError as error:
            yield Verdict(False, error.message)
        else:
            if role != "ADMIN":
                yield Verdict(False, f"it signs in, as a user with the role {role}. Which role has an administrator?")


def _others_may_read(file: Path) -> bool:
    try:
        return os.name == "posix" and bool(stat.S_IMODE(file.stat().st_mode) & 0o077)
    except (OSError, ValueError):  # the doctor says what is wrong with it
        return False
