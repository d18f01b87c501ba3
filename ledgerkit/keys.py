"""Making the operator's key pair: the private half goes into a file that only its owner reads, and nowhere else."""

import contextlib
import os
from pathlib import Path

from ledgerkit.errors import ConfigurationError
from ledgerkit.signing import load_private_key, need_libraries, public_point


def new(path: Path) -> str:
    """Make a key pair on P-256, write its private half to a new file, and return the public point.

    The file holds a PEM in the SEC1 form without a passphrase, as the service asks for, and has the mode 600.

    Raises
    ------
    ConfigurationError
        There is a file of that name (none is ever overwritten), or it can't be written.
    """
    need_libraries()
    path = _at_home(path)
    problem = _write(path)
    if problem:
        raise ConfigurationError(f"no key was written to {path}: {problem}.", field="out")
    return show(path)


def show(path: Path) -> str:
    """Return the public point of the private key in a file, for the administrator who registers it.

    Raises
    ------
    ConfigurationError
        The file can't be read, or holds no private key on P-256.
    """
    return public_point(load_private_key(_at_home(path)))


def setting(path: Path) -> str:
    """Return the line for ``.env`` that names the file."""
    # In single quotes, since a blank or a # would end the value; the parser of .env knows these two escapes there.
    name = str(_at_home(path).resolve()).replace("\\", "\\\\").replace("'", "\\'")
    return f"LEDGER_ENTERPRISE_PRIVATE_KEY_FILE='{name}'"


def _at_home(path: Path) -> Path:
    """Read a ~ as the home folder, for shells leave it in ``--out=~/KEY``, and the settings read it so too."""
    try:
        return path.expanduser()
    except RuntimeError:  # there is no such user
        return path


def _write(path: Path) -> str:
    """Write a new private key, or say why not; an error raised here would show the key in its frame."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    # Before there is a file, so that an interrupt meanwhile leaves none.
    key = ec.generate_private_key(ec.SECP256R1())
    try:
        # O_EXCL follows no symbolic link, not even one that points nowhere.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if path.is_dir():
            return "it is a folder. Name a file in it"
        return (
            "something of that name is there already, and a key is never overwritten. Choose another name, or see "
            "with `ledgerkit keys show` which key it is"
        )
    except FileNotFoundError:
        return f"the folder {path.parent} is not there. Make it first, or choose another"
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or "it is no name of a file"
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - the file is open already
            if os.name == "posix":
                os.fchmod(descriptor, 0o600)  # a umask such as 0277 would keep even its owner from reading it
            file.write(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
            file.flush()
            os.fsync(file.fileno())
    except BaseException as error:
        with contextlib.suppress(OSError):
            path.unlink()  # ours: it was made above
        if isinstance(error, OSError):
            return str(error.strerror)
        raise
    return ""
