"""``python -m mutation [MODULE ...]``: change a line at a time, and see whether a test fails.

Each module of `modules.toml` is mutated by mutmut in a copy of the tree, `.mutants/MODULE`. What survives there must
stand in `accepted.toml` with the reason why it does not matter, or the command fails. A run that was interrupted goes
on where it was, and survivors are tried again each time; what was killed is tried again where its function changed,
or with ``--anew``. What mutmut leaves alone is changed as `by_hand.toml` says.
"""

import argparse
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from mutation import by_hand
from mutation.copies import Copy
from mutation.survivors import Survivor, accepted, stanza

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line says; 0 where every survivor is accepted, and every accepted mutant survives."""
    modules: dict[str, dict[str, list[str]]] = tomllib.loads((ROOT / "mutation/modules.toml").read_text())
    parser = argparse.ArgumentParser(prog="python -m mutation", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("modules", nargs="*", help=f"which modules of the kit; all by default: {', '.join(modules)}")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="how many mutants at once")
    parser.add_argument("--mutmut", default=".venv-mutants/bin/mutmut", help="where mutmut is")
    parser.add_argument("--anew", action="store_true", help="forget what earlier runs found")
    parser.add_argument("--report", action="store_true", help="run nothing, say what the last run found")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.modules) - set(modules):
        parser.error(f"not in mutation/modules.toml: {', '.join(sorted(unknown))}")
    good = True
    for module in asked.modules or modules:
        copy = Copy(ROOT, module, modules[module]["tests"], modules[module].get("left_out"))
        if not asked.report:
            copy.bring_up_to_date(anew=asked.anew)
            command = [str(ROOT / asked.mutmut), "run", "--max-children", str(asked.workers)]
            if subprocess.run(command, cwd=copy.folder).returncode:  # noqa: S603 - the tool of this command
                return 1
        hand = Copy(ROOT, module, copy.tests, name="by_hand")
        for line in chain(report(copy), () if asked.report else by_hand.run(hand, ROOT / "mutation/by_hand.toml")):
            good = good and not line.startswith("!")
            print(line)
    return 0 if good else 1


def report(copy: Copy) -> Iterator[str]:
    """Say what became of the mutants of a module; what must be looked at begins with ``!``."""
    outcomes = copy.outcomes()
    survivors = [
        Survivor(copy.module, *copy.change(name)) for name, outcome in outcomes.items() if outcome == "survived"
    ]
    reasons = accepted(ROOT / "mutation/accepted.toml", copy.module)
    new = [one for one in survivors if not one.is_wording and not reasons.get(one.key)]
    counts = {outcome: list(outcomes.values()).count(outcome) for outcome in sorted(set(outcomes.values()))}
    yield (
        f"{copy.module}: {len(outcomes)} mutants, "
        + ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        + f"; of the survivors {sum(one.is_wording for one in survivors)} differ in words of a message alone, "
        f"{len(survivors) - len(new) - sum(one.is_wording for one in survivors)} are accepted, {len(new)} are not"
    )
    for name, outcome in outcomes.items():
        if outcome not in {"killed", "timeout", "survived"}:
            yield f"! {name}: {outcome}"
    for one in new:
        yield f"! survived, and is not in mutation/accepted.toml:\n\n{stanza(one)}"
    for key in sorted(set(reasons) - {one.key for one in survivors}):
        yield f"! is in mutation/accepted.toml, and no mutant that survives is: {' | '.join(key)}"


if __name__ == "__main__":
    sys.exit(main())
