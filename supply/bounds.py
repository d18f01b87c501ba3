"""The lowest versions that pyproject.toml allows: they are computed from it, and stand nowhere else."""

import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent


def project() -> dict[str, Any]:
    """Return the section ``project`` of pyproject.toml."""
    section: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return section


def requirements() -> list[Requirement]:
    """Return every direct dependency of the package and of its extras, but for the package itself."""
    section = project()
    texts = {*section["dependencies"], *(one for extra in section["optional-dependencies"].values() for one in extra)}
    found = [Requirement(text) for text in sorted(texts)]
    return [one for one in found if canonicalize_name(one.name) != canonicalize_name(section["name"])]


def lowest(found: list[Requirement] | None = None) -> dict[str, Version]:
    """Return the lowest version that is allowed of each direct dependency.

    Parameters
    ----------
    found
        The dependencies; by default those of the package.

    Raises
    ------
    ValueError
        One has no lower bound, or two that differ.
    """
    versions: dict[str, Version] = {}
    for one in requirements() if found is None else found:
        bounds = [Version(part.version) for part in one.specifier if part.operator in (">=", "==", "~=")]
        name = canonicalize_name(one.name)
        if len(bounds) != 1:
            raise ValueError(f"{one}: a dependency has one lower bound, the lowest version that was tested")
        if versions.setdefault(name, bounds[0]) != bounds[0]:
            raise ValueError(f"{name} has two lower bounds, {versions[name]} and {bounds[0]}: write one of them")
    return versions


def as_constraints(versions: dict[str, Version]) -> str:
    """Write versions as pip reads them after ``-c``."""
    return "".join(f"{name}=={version}\n" for name, version in sorted(versions.items()))


def read_pins(text: str) -> dict[str, str]:
    """Return the versions that a file of constraints pins, by the names of packages in their normal form.

    Raises
    ------
    ValueError
        A line pins no version.
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        wanted = line.partition(" #")[0].strip()
        if not wanted or wanted.startswith("#"):
            continue
        name, equal, version = wanted.partition("==")
        if not equal or not version or ";" in version:
            raise ValueError(f"{wanted}: this pins no version; a line is name==version")
        found[str(canonicalize_name(name.strip()))] = version.strip()
    return found
