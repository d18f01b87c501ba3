"""Changes outside of plain functions, which mutmut does not make: of constants, patterns and properties."""

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from mutation.copies import Copy


def run(copy: Copy, changes: Path) -> Iterator[str]:
    """Make each change of `by_hand.toml` to a module, run its tests, and say what they did not notice."""
    listed = tomllib.loads(changes.read_text()).get(copy.module, [])
    if not listed:
        return
    copy.bring_up_to_date()
    source = copy.folder / copy.source
    original = source.read_text()
    tests = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "-p",
        "mutation.quick",
        "-p",
        "no:cacheprovider",
        *copy.tests,
    ]
    noticed = 0
    for change in [{"was": "", "now": ""}, *listed]:
        was, now = change["was"], change["now"]
        if was and original.count(was) != 1:
            yield f"! by_hand.toml, {copy.module}: not once in the module: {was}"
            continue
        source.write_text(original.replace(was, now) if was else original)
        ended = subprocess.run(tests, cwd=copy.folder, capture_output=True, text=True)  # noqa: S603 - the tests
        if not was and ended.returncode:
            yield f"! the tests of {copy.module} fail without any change:\n{ended.stdout}"
            return
        if was and not ended.returncode:
            yield f"! survived: {copy.module}: {was} -> {now}"
        noticed += bool(was and ended.returncode)
    yield f"{copy.module}: {len(listed)} changes by hand, {noticed} killed"
