"""The bill names everything and nothing of this machine; an audit that could not ask is no good news."""

import copy
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from supply import audit, bill
from supply.environments import Failed

PINS = "Alpha==1.0\nbeta-two==2.1\n"
CLEAN: dict[str, Any] = {
    "dependencies": [
        {"name": "alpha", "version": "1.0", "vulns": []},
        {"name": "beta_two", "version": "2.1", "vulns": []},
    ]
}
FAULT = {"id": "PYSEC-2026-7", "fix_versions": ["1.1"], "aliases": [], "description": ""}


def changed(at: int, **fields: Any) -> dict[str, Any]:
    """Return a clean audit in which one package is another thing."""
    result = copy.deepcopy(CLEAN)
    result["dependencies"][at] = fields
    return result


def test_an_audit_that_looked_at_every_version_and_found_none_says_so() -> None:
    assert audit.verdict(CLEAN, PINS).startswith("None of the 2 pinned versions is known to be vulnerable.")


@pytest.mark.parametrize(
    "answer",
    [
        changed(0, name="alpha", skip_reason="Dependency not found on PyPI and could not be audited: alpha (1.0)"),
        changed(0, name="alpha", version="1.0", vulns=[], skip_reason="the database was away"),
        changed(0, name="alpha", version="1.0"),
        changed(0, name="alpha", version="0.9", vulns=[]),
        changed(0, name="alphabet", version="1.0", vulns=[]),
        {"dependencies": CLEAN["dependencies"][1:]},
    ],
    ids=["skipped", "skipped with a version", "without a list", "another version", "another package", "left out"],
)
def test_a_package_that_could_not_be_audited_fails_the_audit_and_is_named(answer: dict[str, Any]) -> None:
    with pytest.raises(Failed, match=r"1 of 2 packages could not be audited \(alpha\)"):
        audit.verdict(answer, PINS)


def test_an_audit_of_nothing_fails() -> None:
    with pytest.raises(Failed, match="no pinned version"):
        audit.verdict({"dependencies": []}, "")


def test_pins_may_have_words_beside_them() -> None:
    assert audit.verdict(CLEAN, "# why\nAlpha==1.0  # until 2.0 is mended\n\nbeta.two == 2.1\n").startswith(
        "None of the 2"
    )


@pytest.mark.parametrize(
    "line", ["alpha", "alpha>=1.0", "alpha==", "alpha==1.0; python_version < '3.12'", "-r more.txt"]
)
def test_a_line_that_pins_no_version_fails_the_audit_and_is_shown(line: str) -> None:
    with pytest.raises(Failed, match=re.escape(f"constraints.txt could not be read: {line}: this pins no version")):
        audit.verdict(CLEAN, f"{PINS}{line}\n")


def test_a_vulnerable_version_is_named_with_the_one_that_mends_it_and_so_is_what_was_not_looked_at() -> None:
    answer = changed(0, name="alpha", version="1.0", vulns=[FAULT])
    del answer["dependencies"][1]
    with pytest.raises(Failed, match=r"(?s)alpha 1.0: PYSEC-2026-7, mended in 1.1.*1 of 2 .*\(beta-two\)"):
        audit.verdict(answer, PINS)


def test_a_tool_that_breaks_has_audited_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "make", lambda name: Path("/environment/bin/python"))
    monkeypatch.setattr(audit, "install", lambda python, what: None)
    broken = subprocess.CompletedProcess([], 1, "No known vulnerabilities found", "Traceback\nConnectionError: away")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: broken)
    with pytest.raises(Failed, match="nothing was audited: pip-audit ended with 1: ConnectionError: away"):
        audit.run_audit([])


# The bill

BILL: dict[str, Any] = {
    "bomFormat": "CycloneDX",
    "metadata": {"component": {"bom-ref": "root-component", "name": "ledgerkit-enterprise", "type": "application"}},
    "components": [
        {"bom-ref": "zeta==2", "name": "zeta", "version": "2", "type": "library"},
        {"bom-ref": "pip==26", "name": "pip", "version": "26", "type": "library"},
        {
            "bom-ref": "ledgerkit-enterprise==1",
            "name": "ledgerkit-enterprise",
            "version": "1",
            "type": "library",
            "externalReferences": [{"type": "distribution", "url": "file:///home/somebody/ledgerkit.whl"}],
        },
        {"bom-ref": "Alpha==1", "name": "Alpha", "version": "1", "type": "library"},
    ],
    "dependencies": [
        {"ref": "zeta==2"},
        {"ref": "root-component", "dependsOn": ["ledgerkit-enterprise==1"]},
        {"ref": "ledgerkit-enterprise==1", "dependsOn": ["zeta==2", "Alpha==1"]},
        {"ref": "Alpha==1", "dependsOn": ["zeta==2", "pip==26"]},
    ],
}


def test_a_bill_names_the_version_of_the_kit_and_what_it_brings_in_order() -> None:
    made = bill.settled(BILL, "1", "ledgerkit-enterprise")
    assert made["metadata"]["component"]["version"] == "1"
    assert [one["name"] for one in made["components"]] == ["Alpha", "zeta"]
    assert made["dependencies"] == [
        {"ref": "Alpha==1", "dependsOn": ["zeta==2"]},
        {"ref": "ledgerkit-enterprise", "dependsOn": ["Alpha==1", "zeta==2"]},
        {"ref": "zeta==2", "dependsOn": []},
    ]


def test_a_bill_is_the_same_whatever_order_the_packages_were_found_in() -> None:
    other = {**BILL, "components": BILL["components"][::-1], "dependencies": BILL["dependencies"][::-1]}
    assert json.dumps(bill.settled(other, "1", "ledgerkit-enterprise")) == json.dumps(
        bill.settled(BILL, "1", "ledgerkit-enterprise")
    )


@pytest.mark.parametrize(
    "text",
    # Put together here, so that no file of the project names such a place itself.
    [
        "file:" + "///a.whl",
        *("built in " + "/".join(["", top, "a"]) for top in ("home", "tmp", "root")),
        "local" + "host",
    ],
)
def test_a_bill_that_names_this_machine_is_refused(text: str) -> None:
    named = copy.deepcopy(BILL)
    named["components"][0]["description"] = text
    with pytest.raises(Failed, match="names something of this machine"):
        bill.settled(named, "1", "ledgerkit-enterprise")


def test_a_part_without_a_version_is_refused_by_name() -> None:
    named = copy.deepcopy(BILL)
    del named["components"][0]["version"]
    with pytest.raises(Failed, match="no version of zeta"):
        bill.settled(named, "1", "ledgerkit-enterprise")
