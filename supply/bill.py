"""The software bill: what the package brings with all of its extras, as CycloneDX."""

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from email.parser import HeaderParser
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from packaging.utils import canonicalize_name

from supply.bounds import ROOT, project
from supply.environments import Failed, install, make, run
from supply.wheels import build

BILL = ROOT / "dist" / "bill.cdx.json"
# Paths and addresses of a machine. Of the web, a bill names the pages of projects.
OF_A_MACHINE = re.compile(
    r"file:|(?<![\w:/.-])/(?:home|root|tmp|opt|work|usr|var|Users|private)/|localhost|127\.0\.0\.1"
)


def version_in(wheel: Path) -> str:
    """Return the version that the metadata of a wheel says."""
    with ZipFile(wheel) as archive:
        (name,) = [one for one in archive.namelist() if one.endswith(".dist-info/METADATA")]
        return str(HeaderParser().parsestr(archive.read(name).decode())["Version"])


def settled(bill: Mapping[str, Any], version: str, own: str) -> dict[str, Any]:
    """Return a bill that is the same each time: in order, with our version, and nothing of this machine.

    Parameters
    ----------
    bill
        As the tool wrote it.
    version, own
        The version and the name of the package.

    Raises
    ------
    Failed
        A path or an address of a machine is left in it, or a part has no version.
    """
    ours = canonicalize_name(own)
    root = {
        **bill["metadata"]["component"],
        "version": version,
        "bom-ref": ours,
        "purl": f"pkg:pypi/{ours}@{version}",
    }
    # What made the environment is no part of the package, and the package is not its own part.
    left_out = {"pip", "setuptools", ours}
    parts = [one for one in bill["components"] if canonicalize_name(one["name"]) not in left_out]
    parts.sort(key=lambda one: (canonicalize_name(one["name"]), str(one.get("version"))))
    known = {one["bom-ref"] for one in parts} | {ours}
    old = {bill["metadata"]["component"]["bom-ref"]} | {
        one["bom-ref"] for one in bill["components"] if canonicalize_name(one["name"]) == ours
    }
    links: dict[str, set[str]] = {ref: set() for ref in known}
    for one in bill.get("dependencies", []):
        ref = ours if one["ref"] in old else one["ref"]
        if ref in known:
            links[ref] |= {part for part in one.get("dependsOn", []) if part in known and part != ours}
    result = {
        **bill,
        "metadata": {**bill["metadata"], "component": root},
        "components": parts,
        "dependencies": [{"ref": ref, "dependsOn": sorted(links[ref])} for ref in sorted(links)],
    }
    if unknown := [one["name"] for one in parts if not one.get("version")]:
        raise Failed(f"the bill has no version of {', '.join(unknown)}")
    if left := OF_A_MACHINE.search(json.dumps(result)):
        raise Failed(
            f"the bill names something of this machine: {left.string[max(0, left.start() - 60) : left.end() + 60]}"
        )
    return result


def run_bill(options: Sequence[str]) -> None:
    """Install the wheel with all extras, at the pinned versions, into an empty environment, and write its bill."""
    if options:
        raise Failed("`make bill` takes no options")
    name = project()["name"]
    tools = make("tools")
    install(tools, ["-r", "supply/tools.txt"])
    with tempfile.TemporaryDirectory() as folder:
        wheel = build(ROOT, Path(folder), "wheel")
        python = make("bill")
        install(python, ["-c", "constraints.txt", f"{name}[all] @ {wheel.as_uri()}"])
        written = Path(folder) / "bill.json"
        program = tools.with_name("cyclonedx-py")
        run([program, "environment", "--output-reproducible", "--pyproject", "pyproject.toml", "-o", written, python])
        bill = settled(json.loads(written.read_text("utf-8")), version_in(wheel), name)
    BILL.parent.mkdir(exist_ok=True)
    BILL.write_text(json.dumps(bill, indent=2, sort_keys=True) + "\n", "utf-8")
    brought = f"{len(bill['components'])} packages that {name}[all] brings on this Python and system"
    print(f"{BILL.relative_to(ROOT)}: {brought}")
