"""Changes outside of plain functions, which mutmut does not make: of constants, patterns and properties."""

import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mutation.copies import Copy

FAILED: Final = "a test failed"
# How much longer than without a change the tests may take.
MANY_TIMES: Final = 5.0


def run(copy: Copy, changes: Path) -> Iterator[str]:
    """Make each change of `by_hand.toml` to a module, run its tests, and say what they did not notice."""
    listed = tomllib.loads(changes.read_text()).get(copy.module, [])
    if not listed:
        return
    copy.bring_up_to_date()
    source = copy.folder / copy.source
    original = source.read_text()
    began = time.monotonic()
    if ended := _tested(copy, None):
        yield f"! the tests of {copy.module} do not pass without any change: {ended}"
        return
    allowed = MANY_TIMES * (time.monotonic() - began)
    killed = 0
    for change in listed:
        was, now = change["was"], change["now"]
        if original.count(was) != 1:
            yield f"! by_hand.toml, {copy.module}: not once in the module: {was}"
            continue
        source.write_text(original.replace(was, now))
        ended = _tested(copy, allowed)
        if ended == FAILED:
            killed += 1
        else:
            yield f"! {ended or 'survived'}: {copy.module}: {was} -> {now}"
    yield f"{copy.module}: {len(listed)} changes by hand, {killed} killed"


def _tested(copy: Copy, allowed: float | None) -> str:
    """Run the tests of a module, and say how they ended; nothing where they passed."""
    options = ["-x", "-q", "-p", "mutation.quick", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *options, *copy.tests]
    try:
        code = subprocess.run(command, cwd=copy.folder, capture_output=True, timeout=allowed).returncode  # noqa: S603 - the tests
    except subprocess.TimeoutExpired as late:
        return f"not done after {late.timeout:.0f} seconds"
    # Whatever else pytest ends with, no test has judged the change: the module may not even be one.
    return {0: "", 1: FAILED}.get(code, f"pytest ended with {code}")
