"""Binder: what repo2docker makes of the repository without a container engine; ``make binder`` builds and runs it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# In a process of its own: it warns about names of its own dependencies, and goes by the working directory.
RENDER = """
from repo2docker.app import Repo2Docker

app = Repo2Docker()
pack = next(one for one in (kind(base_image=app.base_image) for kind in app.buildpacks) if one.detect())
pack.platform = "linux/amd64"
print(type(pack).__name__)
print(pack.render({"NB_USER": "somebody", "NB_UID": "1000"}))
"""


@pytest.fixture(scope="module")
def build_file() -> str:
    """The build file that repo2docker writes for this repository."""
    done = subprocess.run([sys.executable, "-c", RENDER], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - fixed code
    kind, _, text = done.stdout.partition("\n")
    assert kind == "PythonBuildPack"
    return text


def test_the_image_has_the_python_that_the_kit_is_tested_with(build_file: str) -> None:
    lock = re.search(r"COPY \S+ \S+environment\S+py\S+?3\S+?11\S+ /tmp/env/environment.lock", build_file)
    assert lock, "the environment of another Python"
    # The kernel is the one of the server: nothing is installed twice.
    assert "ENV KERNEL_PYTHON_PREFIX=${NB_PYTHON_PREFIX}" in build_file


def test_the_kit_is_installed_by_post_build_as_the_user_and_by_nothing_else(build_file: str) -> None:
    steps = [line for line in build_file.splitlines() if line.startswith(("RUN", "USER", "COPY"))]
    after_copy = steps[next(at for at, line in enumerate(steps) if "src/ ${REPO_DIR}/" in line) :]
    assert after_copy[1:4] == ["USER ${NB_USER}", "RUN chmod +x binder/postBuild", "RUN ./binder/postBuild"]
    assert "pip install" not in build_file


def test_post_build_installs_pinned_versions_and_no_more_than_the_notebooks_need() -> None:
    script = (ROOT / "binder" / "postBuild").read_text()
    commands = [line for line in script.splitlines() if line and not line.startswith("#")]
    assert commands == [
        "set -euo pipefail",
        "python -m pip install --no-cache-dir -c constraints.txt '.[lab,sandbox]'",
    ]


def test_no_secret_is_asked_for() -> None:
    read = "\n".join(path.read_text() for path in (ROOT / "binder").iterdir() if path.is_file())
    assert "LEDGER_ENTERPRISE" not in read
