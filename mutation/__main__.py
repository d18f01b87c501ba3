"""``python -m mutation [MODULE ...]``: change a line at a time, and see whether a test fails.

Each module of `modules.toml` is mutated by mutmut in a copy of the tree, `.mutants/MODULE`. What survives there must
stand in `accepted.toml` with the reason why it does not matter, or the command fails. A run that was interrupted goes
on where it was, and survivors are tried again each time; all is tried again where a module or a test changed, or with
``--keep`` what was changed alone. What mutmut leaves alone is changed as `by_hand.toml` says.
"""

import argparse
import os
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from mutation import by_hand
from mutation.copies import Copy
from mutation.survivors import Survivor, accepted, stanza

ROOT = Path(__file__).resolve().parents[1]
ACCEPTED = ROOT / "mutation/accepted.toml"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line says; 0 where every survivor is accepted, and every accepted mutant survives."""
    modules: dict[str, dict[str, list[str]]] = tomllib.loads((ROOT / "mutation/modules.toml").read_text())
    parser = argparse.ArgumentParser(prog="python -m mutation", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("modules", nargs="*", help=f"which modules of the kit; all by default: {', '.join(modules)}")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="how many mutants at once")
    parser.add_argument("--environment", default=".venv-mutants", help="where mutmut is installed")
    parser.add_argument("--keep", action="store_true", help="keep kills of earlier runs, though the tree has changed")
    parser.add_argument("--report", action="store_true", help="run nothing, say what the last run found")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.modules) - set(modules):
        parser.error(f"not in mutation/modules.toml: {', '.join(sorted(unknown))}")
    good = True
    for module in asked.modules or modules:
        said = modules[module]
        copy = Copy(ROOT, module, said["tests"], said.get("left_out"))
        if not asked.report:
            copy.bring_up_to_date(keep=asked.keep)
            run(copy, ROOT / asked.environment / "bin", asked.workers, said.get("slow"))
        hand = Copy(ROOT, module, said["tests"], name="by_hand")
        for line in chain(report(copy), () if asked.report else by_hand.run(hand, ROOT / "mutation/by_hand.toml")):
            good = good and not line.startswith("!")
            print(line, flush=True)
    return 0 if good else 1


def run(copy: Copy, tools: Path, workers: int, slow: list[str] | None) -> None:
    """Let each mutant of a module face its tests, and those that nobody explained the slow ones."""
    command = [str(tools / "mutmut"), "run", "--max-children", str(workers)]
    if subprocess.run(command, cwd=copy.folder).returncode:  # noqa: S603 - the tool of this command
        raise SystemExit(f"mutmut did not get to the mutants of {copy.module}; what it says is above.")
    if slow:
        reasons = accepted(ACCEPTED, copy.module)
        for name, one in survivors(copy).items():
            if not one.is_wording and one.key not in reasons:
                copy.face(name, slow, tools / "python")


def survivors(copy: Copy) -> dict[str, Survivor]:
    """Return the mutants that no test noticed, by name."""
    alive = [name for name, outcome in copy.outcomes().items() if outcome == "survived"]
    return {name: Survivor(copy.module, *copy.change(name)) for name in alive}


def report(copy: Copy) -> Iterator[str]:
    """Say what became of the mutants of a module; what must be looked at begins with ``!``."""
    outcomes = copy.outcomes()
    alive = list(survivors(copy).values())
    reasons = accepted(ACCEPTED, copy.module)
    worded = [one for one in alive if one.is_wording]
    new = [one for one in alive if not one.is_wording and not reasons.get(one.key)]
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(Counter(outcomes.values()).items()))
    yield (
        f"{copy.module}: {len(outcomes)} mutants, {counts}; of the survivors {len(worded)} differ in words of a "
        f"message alone, {len(alive) - len(worded) - len(new)} are accepted, {len(new)} are not"
    )
    for name, outcome in outcomes.items():
        if outcome not in {"killed", "timeout", "survived"}:
            yield f"! {name}: {outcome}"
    for one in new:
        yield f"! survived, and is not in mutation/accepted.toml:\n\n{stanza(one)}"
    for key in sorted(set(reasons) - {one.key for one in alive}):
        yield f"! is in mutation/accepted.toml, and no mutant that survives is: {' | '.join(key)}"


if __name__ == "__main__":
    sys.exit(main())
