"""How much memory this process holds, and held at most; only where the kernel tells (Linux)."""

import contextlib
import re
from pathlib import Path
from typing import Final

STATUS: Final = Path("/proc/self/status")
CLEAR: Final = Path("/proc/self/clear_refs")


def start() -> int | None:
    """Let the peak be what is held now, and return it."""
    with contextlib.suppress(OSError):
        CLEAR.write_text("5")
    return _read("VmRSS")


def peak() -> int | None:
    """Return the most bytes that were held since :func:`start`."""
    return _read("VmHWM")


def _read(name: str) -> int | None:
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None
