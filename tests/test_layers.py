"""The one direction of dependency, as CONTRIBUTING draws it: a module imports only from those in its row or below."""

import ast
import graphlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "ledgerkit"


def rows() -> dict[str, int]:
    """Return the row of each module in the table of CONTRIBUTING, from top to bottom."""
    table = [
        line.split("|")[1] for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines() if line.startswith("| `")
    ]
    named = [re.findall(r"`(?:ledgerkit/)?(\w+)(?:\.py|/)`", cell) for cell in table]
    return {module: row for row, modules in enumerate(named) for module in modules}


def imports() -> dict[str, set[str]]:
    """Return the modules that each module imports, inside of functions too, by their full names."""

    def full_name(path: Path) -> str:
        return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")

    files = {full_name(path): path for path in PACKAGE.rglob("*.py")}
    found: dict[str, set[str]] = {module: set() for module in files}
    for module, path in files.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "ledgerkit":
                named = {f"{node.module}.{one.name}" for one in node.names}
                found[module] |= {one if one in files else str(node.module) for one in named}
            elif isinstance(node, ast.Import):
                found[module] |= {one.name for one in node.names} & files.keys()
    return found


def imported(path: Path) -> Iterator[str]:
    """Give the modules of the package that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "ledgerkit":
            module = (node.module or "").split(".")
            yield from module[1:2] or [name.name for name in node.names]


INSIDE = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in PACKAGE.rglob("*.py")}
MODULES = sorted(INSIDE - {"__init__", "__main__", "sandbox"})


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_from_no_row_above_its_own(module: str) -> None:
    order = rows()
    alone = PACKAGE / f"{module}.py"
    for path in [alone] if alone.exists() else (PACKAGE / module).rglob("*.py"):
        for other in imported(path):
            if other == "sandbox" and module in ("session", "cli"):
                continue  # connect("sandbox") and the command start the server
            assert other not in order or order[module] <= order[other], f"{path.name} imports {other}"


def test_no_modules_import_each_other_not_even_inside_of_functions() -> None:
    order = list(graphlib.TopologicalSorter(imports()).static_order())  # raises a CycleError that names the circle
    assert order.index("ledgerkit.finding") < order.index("ledgerkit.resources.requests")


def test_the_sandbox_shares_nothing_with_the_client_but_the_vocabulary() -> None:
    taken = {other for path in (PACKAGE / "sandbox").rglob("*.py") for other in imported(path)}
    assert taken <= {"sandbox", "vocabulary"}
