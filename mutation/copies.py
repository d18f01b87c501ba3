"""A copy of the tree in which one module is mutated, and what mutmut left there."""

import difflib
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

COPIED: Final = ("ledgerkit", "tests", "mutation")
SETTINGS: Final = """
[tool.mutmut]
source_paths = ["ledgerkit"]
only_mutate = ["ledgerkit/{module}.py"]
also_copy = ["mutation"]
pytest_add_cli_args = ["-p", "mutation.quick", "-p", "no:cacheprovider", "-p", "no:xdist"{left_out}]
pytest_add_cli_args_test_selection = {tests}
# A mutant that makes a test wait may wait so much longer than all tests of its function took.
timeout_multiplier = 5.0
timeout_constant = 2.0
on_dependency_change = "ignore"
use_git_change_detection = false
"""
# How mutmut writes down what became of a mutant: the status with which pytest ended, or the signal.
OUTCOMES: Final = {0: "survived", 1: "killed", 3: "killed", 33: "without a test", 5: "without a test"}
TIMEOUTS: Final = (36, -24, 24, 152, 255)


class Copy:
    """One module, and the folder where it is mutated."""

    def __init__(
        self, root: Path, module: str, tests: list[str], left_out: list[str] | None = None, name: str | None = None
    ) -> None:
        self.module = module
        self.tests = tests
        self.left_out = left_out or []
        self.source = f"ledgerkit/{module}.py"
        self.folder = root / ".mutants" / (name or module)
        self._root = root

    def bring_up_to_date(self, *, keep: bool = False) -> None:
        """Copy the tree as it is, and forget what an earlier run found where it was another.

        A mutant that one test killed may live without that test, or in another package: kills are those of one tree.

        Parameters
        ----------
        keep
            Keep kills all the same, while functions are the same: for whoever writes tests against survivors.
        """
        ignored = shutil.ignore_patterns("__pycache__", "*.pem")
        for name in COPIED:
            shutil.rmtree(self.folder / name, ignore_errors=True)
            shutil.copytree(self._root / name, self.folder / name, ignore=ignored)
        pyproject = (self._root / "pyproject.toml").read_text()
        left_out = "".join(f', "--deselect={test}"' for test in self.left_out)
        settings = SETTINGS.format(module=self.module, tests=json.dumps(self.tests), left_out=left_out)
        (self.folder / "pyproject.toml").write_text(pyproject + settings)
        # What is kept in spite of a change stays marked with the tree that it is of.
        known, tree = self.folder / "tree.txt", self._tree()
        if not keep and (not known.exists() or known.read_text() != tree):
            shutil.rmtree(self.folder / "mutants", ignore_errors=True)
            known.write_text(tree)
        if self._found.exists():
            kept = json.loads(self._found.read_text())
            codes = kept["exit_code_by_key"]
            kept["exit_code_by_key"] = {name: 1 if code == 1 else None for name, code in codes.items()}
            self._found.write_text(json.dumps(kept))

    def outcomes(self) -> dict[str, str]:
        """Return what became of each mutant."""
        codes: dict[str, int | None] = json.loads(self._found.read_text())["exit_code_by_key"]
        return {
            name: "not run"
            if code is None
            else "timeout"
            if code in TIMEOUTS
            else OUTCOMES.get(code, f"ended {code}")
            for name, code in codes.items()
        }

    def face(self, mutant: str, tests: list[str], python: Path) -> None:
        """Run further tests on a mutant that survived, and write down where they kill it."""
        command = [str(python), "-m", "pytest", "-x", "-q", "-p", "mutation.quick", "-p", "no:cacheprovider", *tests]
        environment = {**os.environ, "MUTANT_UNDER_TEST": mutant}
        folder = self.folder / "mutants"
        ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True)  # noqa: S603 - the tests
        if ended.returncode == 1:
            found = json.loads(self._found.read_text())
            found["exit_code_by_key"][mutant] = 1
            self._found.write_text(json.dumps(found))

    def change(self, mutant: str) -> tuple[str, str, str]:
        """Return the function that a mutant changes, the lines as they are, and as the mutant has them."""
        name = mutant.rpartition(".")[2]
        mangled = name.rpartition("__mutmut_")[0]
        function = mangled.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
        original, changed = self._lines(f"{mangled}__mutmut_orig", function), self._lines(name, function)
        difference = [line for line in difflib.ndiff(original, changed) if line[0] in "-+"]
        was, now = ("\n".join(line[2:].strip() for line in difference if line[0] == sign) for sign in "-+")
        return function, was, now

    def _tree(self) -> str:
        """Return what tells apart all that a mutant was tried with: modules, tests, and how they are run."""
        files = [self.folder / "pyproject.toml", self.folder / "mutation/quick.py"]
        files += (path for name in ("ledgerkit", "tests") for path in (self.folder / name).rglob("*"))
        digests = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.is_file()}
        return "".join(f"{digests[path]} {path.relative_to(self.folder)}\n" for path in sorted(digests))

    @property
    def _found(self) -> Path:
        return self.folder / "mutants" / f"{self.source}.meta"

    def _lines(self, name: str, function: str) -> list[str]:
        mutated = self.folder / "mutants" / self.source
        spans: dict[str, tuple[int, int]] = json.loads(mutated.with_name(f"{mutated.name}.spans").read_text())[
            "spans"
        ]
        first, last = spans[name]
        return mutated.read_text().replace(name, function.rpartition(".")[2]).splitlines()[first - 1 : last]
