"""``python -m supply STEP``: what the targets of the Makefile run."""

import sys
from collections.abc import Callable, Sequence

from supply.audit import run_audit
from supply.bare import run_bare
from supply.bill import run_bill
from supply.environments import Failed, run_lowest, run_newest
from supply.pythons import run_each
from supply.wheels import run_wheel

STEPS: dict[str, Callable[[Sequence[str]], None]] = {
    "lowest": run_lowest,
    "newest": run_newest,
    "pythons": run_each,
    "bare": run_bare,
    "wheel": run_wheel,
    "bill": run_bill,
    "audit": run_audit,
}


def main(arguments: Sequence[str]) -> int:
    """Run one step; the rest of the line are options of pytest, where it runs tests."""
    if not arguments or arguments[0] not in STEPS:
        print(f"usage: python -m supply {{{','.join(STEPS)}}} [options of pytest]", file=sys.stderr)
        return 2
    try:
        STEPS[arguments[0]](arguments[1:])
    except Failed as failure:
        print(f"make {arguments[0]}: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
