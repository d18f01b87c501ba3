"""The audit: whether a pinned version is known to be vulnerable. What could not be asked for is no good news."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from packaging.utils import canonicalize_name

from supply.bounds import ROOT, read_pins
from supply.environments import Failed, install, make

# Names in one line.
MOST_NAMED = 5
NOT_AUDITED = "package.json is not part of it (Prism and jose play other servers in the tests, and are not shipped)."


def verdict(audited: Mapping[str, Any], pins: str) -> str:
    """Return the sentence of a clean audit.

    Parameters
    ----------
    audited
        What pip-audit says, as JSON. It ends well where it could ask about no package at all.
    pins
        The versions that had to be looked at, as constraints.txt has them.

    Raises
    ------
    Failed
        A version is known to be vulnerable, or one was not looked at.
    """
    try:
        wanted = read_pins(pins)
    except ValueError as error:
        raise Failed(f"constraints.txt could not be read: {error}") from None
    looked_at, known = set(), []
    for one in audited["dependencies"]:
        name = canonicalize_name(one["name"])
        # Another version than ours says nothing of ours; without the list nothing was asked.
        if "skip_reason" in one or "vulns" not in one or one.get("version") != wanted.get(name):
            continue
        looked_at.add(name)
        for fault in one["vulns"]:
            mended = ", ".join(fault.get("fix_versions") or []) or "no version yet"
            known.append(f"{name} {one['version']}: {fault['id']}, mended in {mended}")
    missing = sorted(set(wanted) - looked_at)
    told = []
    if known:
        told.append(f"{len(known)} known vulnerabilities:\n" + "\n".join(sorted(known)))
    if missing:
        named = ", ".join(missing[:MOST_NAMED]) + (" and others" if len(missing) > MOST_NAMED else "")
        told.append(
            f"{len(missing)} of {len(wanted)} packages could not be audited ({named}): the database of "
            "vulnerabilities gave no answer about them. This says nothing about their safety; try again where it can "
            "be reached."
        )
    if not wanted:
        told.append("there is no pinned version to audit")
    if told:
        raise Failed("\n".join(told))
    return f"None of the {len(wanted)} pinned versions is known to be vulnerable. {NOT_AUDITED}"


def run_audit(options: Sequence[str]) -> None:
    """Ask the database of vulnerabilities about every version of constraints.txt.

    Raises
    ------
    Failed
        One is vulnerable, or could not be audited.
    """
    if options:
        raise Failed("`make audit` takes no options")
    tools = make("tools")
    install(tools, ["-r", "supply/tools.txt"])
    command = [str(tools.with_name("pip-audit")), "--progress-spinner", "off", "--format", "json"]
    command += ["--disable-pip", "--no-deps", "--requirement", "constraints.txt"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - an own environment
    try:
        audited = json.loads(done.stdout)
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise Failed(f"nothing was audited: pip-audit ended with {done.returncode}: {last[:300]}") from None
    print(verdict(audited, (ROOT / "constraints.txt").read_text("utf-8")))
