"""The wheel in environments that have little else: none of the extras, or one of them."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from supply.bounds import ROOT
from supply.environments import Failed, install, make, run
from supply.wheels import build

# What tests/conftest.py imports.
TOOLS = ("pytest", "hypothesis")
# What is tested alone: the parts of the package, and no tools.
PARTS = ("lab", "signing", "sandbox", "archive")


def chosen(asked: Sequence[str]) -> list[str]:
    """Return which extras are installed, each alone: those that are named, or all where one of the names is ``each``.

    Raises
    ------
    Failed
        There is no extra of a name.
    """
    if unknown := [one for one in asked if one not in (*PARTS, "each")]:
        raise Failed(f"there is no extra {unknown[0]}; there are {', '.join(PARTS)}, and `each` for each of them")
    return list(PARTS if "each" in asked else dict.fromkeys(asked))


def run_bare(options: Sequence[str]) -> None:
    """Run the tests of the bare wheel; ``EXTRAS`` of the environment names extras that are installed each alone.

    Raises
    ------
    Failed
        They failed, or there is no extra of that name.
    """
    extras = ["", *chosen(os.environ.get("EXTRAS", "").split())]
    with tempfile.TemporaryDirectory() as name:
        wheel = build(ROOT, Path(name), "wheel")
        for extra in extras:
            print(f"The wheel with {extra or 'no extra'}", flush=True)
            python = make(f"bare{'-' if extra else ''}{extra}")
            asking = f"ledgerkit-enterprise[{extra}] @ {wheel.as_uri()}" if extra else str(wheel)
            install(python, ["-c", "constraints.txt", asking, *TOOLS])
            os.environ["LEDGERKIT_EXTRA"] = extra
            # -P: the folder where it runs is the checkout, which is not what is tested.
            suite = ["-P", "-m", "pytest", "-p", "no:cacheprovider", "-q", "-m", "bare", "tests/supply/test_bare.py"]
            run([python, *suite, *options])
