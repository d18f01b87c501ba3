"""What the project says of its packages is true: tested bounds, pins that they allow, imports that are named."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from ledgerkit import doctor
from supply.bounds import as_constraints, lowest

ROOT = Path(__file__).parent.parent
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = SETTINGS["project"]
REQUIREMENTS = sorted(
    {*PROJECT["dependencies"], *(one for extra in PROJECT["optional-dependencies"].values() for one in extra)}
)
OTHERS = [one for one in REQUIREMENTS if not one.startswith("ledgerkit-enterprise[")]
PINNED = {
    canonicalize_name(name): Version(version)
    for name, version in re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
}
# What is imported under another name than it is installed.
NAMED: dict[str, str] = {"dotenv": "python-dotenv", "vl_convert": "vl-convert-python"}
# What is part of the interface of a package that is named: pandas gives arrays of numpy, widgets have traitlets and
# are displayed by IPython, httpx trusts certifi.
BROUGHT_BY = {"numpy": "pandas", "traitlets": "ipywidgets", "IPython": "ipywidgets", "certifi": "httpx"}


@pytest.mark.parametrize("text", OTHERS)
def test_every_package_is_pinned_within_its_bounds(text: str) -> None:
    requirement = Requirement(text)
    pinned = PINNED.get(canonicalize_name(requirement.name))
    assert pinned is not None, "run `make constraints`"
    assert pinned in requirement.specifier


def test_a_pin_is_a_name_and_a_version_and_nothing_of_a_machine() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.!+-]+", line)] == []


# Bounds


def test_every_package_has_one_lower_bound_wherever_it_is_named() -> None:
    versions = lowest()
    assert set(versions) == {canonicalize_name(Requirement(text).name) for text in OTHERS}
    for text in OTHERS:
        requirement = Requirement(text)
        assert versions[canonicalize_name(requirement.name)] in requirement.specifier


def test_lower_bounds_are_what_make_lowest_installs() -> None:
    versions = lowest([Requirement("Some_Thing[more]>=1.2,<3"), Requirement("other==4")])
    assert as_constraints(versions) == "other==4\nsome-thing==1.2\n"


@pytest.mark.parametrize(
    "texts", [["thing"], ["thing<3"], ["thing>=1", "thing>=2"]], ids=["no bound", "no lower bound", "two bounds"]
)
def test_a_package_without_one_lower_bound_is_refused_by_name(texts: list[str]) -> None:
    with pytest.raises(ValueError, match="thing"):
        lowest([Requirement(text) for text in texts])


# Imports


def imported(folder: Path) -> dict[str, list[str]]:
    """Return which packages the modules of a folder import, those of Python and of the kit left out."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [one.name for one in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
                names = [str(one.value) for one in node.args[:1] if isinstance(one, ast.Constant)]
            for name in names:
                top = name.partition(".")[0]
                if top and top not in sys.stdlib_module_names and top != "ledgerkit":
                    found.setdefault(top, []).append(str(path.relative_to(folder)))
    return found


def test_every_package_that_the_kit_imports_is_one_that_it_names() -> None:
    named = {canonicalize_name(Requirement(text).name) for text in OTHERS}
    for top, modules in imported(ROOT / "ledgerkit").items():
        package = NAMED.get(top, BROUGHT_BY.get(top, top))
        assert canonicalize_name(package) in named, f"{top} is imported by {modules[0]}, and named nowhere"


def test_what_every_user_gets_needs_no_package_of_an_extra_to_be_imported() -> None:
    core = {canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]}
    extra = {
        canonicalize_name(Requirement(text).name)
        for name in ("lab", "signing", "sandbox", "archive")
        for text in PROJECT["optional-dependencies"][name]
    }
    modules = sorted({f"{name.replace('-', '_')}" for name in extra - core} | {"vl_convert", "jupyterlab"})
    code = (
        "import sys\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] in {modules!r}: raise ImportError(name)\n"
        "sys.meta_path.insert(0, Block())\n"
        "import ledgerkit as lk\n"
        "from ledgerkit import resources\n"
        "resources.load(); lk.payloads; lk.reports; lk.webhooks; lk.read_csv; lk.explode; lk.trace; lk.explorer\n"
        "import ledgerkit.cli, ledgerkit.doctor, ledgerkit.forms.explorer, ledgerkit.exercises, ledgerkit.keys\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 - the code above
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("extra", list(doctor.EXTRAS))
def test_the_doctor_looks_for_packages_that_the_extra_brings(extra: str) -> None:
    brought = {canonicalize_name(Requirement(text).name) for text in PROJECT["optional-dependencies"][extra]}
    looked_for = {canonicalize_name(name) for name in doctor.EXTRAS[extra][1]}
    assert looked_for == brought, "the doctor would say that all is there"


# Pythons, and the source


def test_the_pythons_that_are_promised_are_those_that_may_install_it() -> None:
    allowed = SpecifierSet(PROJECT["requires-python"])
    promised = [Version(text) for text in re.findall(r"Python :: (3\.\d+)\b", "\n".join(PROJECT["classifiers"]))]
    assert promised == sorted(promised)
    assert all(one in allowed for one in promised)
    assert Version("3.10.99") not in allowed
    assert SETTINGS["tool"]["ruff"]["target-version"] == f"py{promised[0]}".replace(".", "")


def test_every_folder_and_file_at_the_top_goes_into_the_source_distribution_or_is_known_to_stay() -> None:
    command = ["git", "ls-files", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)  # noqa: S603 - git of this machine
    if done.returncode:
        pytest.skip("this is no checkout of git")
    top = {name.partition("/")[0] for name in done.stdout.decode().split("\0") if name}
    taken = {name.strip("/") for name in SETTINGS["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]}
    # hatchling adds these by itself; .ci is of the server that runs it.
    assert top - taken == {".ci", ".gitignore", "pyproject.toml"}
