"""The wheel in environments that have little else: none of the extras, or one of them."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from supply.bounds import ROOT, project
from supply.environments import Failed, install, make, run
from supply.wheels import build

# What is tested alone: the parts of the package, and no tools.
# What tests/conftest.py imports.
TOOLS = ("pytest", "hypothesis")
PARTS = ("lab", "signing", "sandbox", "archive")


def run_bare(options: Sequence[str]) -> None:
    """Run the tests of the bare wheel; ``EXTRAS`` of the environment names extras that are installed each alone.

    Raises
    ------
    Failed
        They failed, or there is no extra of that name.
    """
    asked = os.environ.get("EXTRAS", "").split()
    known = project()["optional-dependencies"]
    extras = ["", *(PARTS if asked == ["each"] else asked)]
    if unknown := [one for one in extras if one and one not in known]:
        raise Failed(f"there is no extra {unknown[0]}; there are {', '.join(PARTS)}, and `each` for each of them")
    with tempfile.TemporaryDirectory() as name:
        wheel = build(ROOT, Path(name), "wheel")
        for extra in extras:
            print(f"The wheel with {extra or 'no extra'}", flush=True)
            python = make(f"bare{'-' if extra else ''}{extra}")
            asking = f"ledgerkit-enterprise[{extra}] @ {wheel.as_uri()}" if extra else str(wheel)
            install(python, ["-c", "constraints.txt", asking, *TOOLS])
            os.environ["LEDGERKIT_EXTRA"] = extra
            # -P: the folder where it runs is the checkout, which is not what is tested.
            run(
                [
                    python,
                    "-P",
                    "-m",
                    "pytest",
                    "-p",
                    "no:cacheprovider",
                    "-q",
                    "-m",
                    "bare",
                    "tests/supply/test_bare.py",
                    *options,
                ]
            )
