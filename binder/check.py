"""Build the environment of Binder from scratch, and run the tutorials in it: ``make binder``.

No container engine is needed: the steps of the build file that repo2docker writes are the base image, which has
Python, and ``binder/postBuild``, which is run here in a virtual environment that is otherwise empty. No secret and no
setting of this machine gets into it.

Then the checkout is put away, and the notebooks that the installed package brings along are run.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
# What may come from this machine: where programs are, and how packages are fetched.
KEPT = (
    "PATH",
    "LANG",
    "SSL_CERT_FILE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "https_proxy",
    "http_proxy",
    "no_proxy",
)
FIRST = "00_start_here.ipynb"
# From nothing to a payment that is approved; the others are run by the tests.
TUTORIALS = (FIRST, "01_register_an_api_user.ipynb", "02_first_steps_as_an_operator.ipynb")
RUN = "import sys, nbformat, nbclient; nbclient.NotebookClient(nbformat.read(sys.argv[1], 4), timeout=120).execute()"


def main() -> int:
    """Build, run, and say how long it took."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checkout, home = folder / "checkout", folder / "home"
        home.mkdir()
        copy_tracked(checkout)
        environment = {one: os.environ[one] for one in KEPT if one in os.environ}
        environment |= {one: value for one, value in os.environ.items() if one.startswith("PIP_")}
        environment |= {
            "PIP_QUIET": "1",
            "HOME": str(home),
            "PATH": f"{folder / 'env' / 'bin'}{os.pathsep}{environment['PATH']}",
        }
        began = time.monotonic()
        subprocess.run([sys.executable, "-m", "venv", str(folder / "env")], check=True)  # noqa: S603 - this Python
        run(["bash", "binder/postBuild"], checkout, environment)
        print(f"built in {time.monotonic() - began:.0f} s", flush=True)
        run_notebook(checkout / "notebooks", FIRST, environment)
        # From here on there is no checkout any more.
        shutil.rmtree(checkout)
        desk = folder / "desk"
        run(["ledgerkit", "lab", str(desk), "--version"], home, environment)  # copies, and asks for no browser
        for notebook in TUTORIALS:
            run_notebook(desk, notebook, environment)
    return 0


def copy_tracked(target: Path) -> None:
    """Copy what belongs to the repository, as it is now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - git of this machine
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)


def run_notebook(folder: Path, name: str, environment: dict[str, str]) -> None:
    """Run a notebook from top to bottom, in its own folder as JupyterLab does."""
    began = time.monotonic()
    run(["python", "-c", RUN, name], folder, environment)
    print(f"{folder.name}/{name} ran in {time.monotonic() - began:.0f} s", flush=True)


def run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Run a command of the new environment."""
    subprocess.run(command, cwd=folder, env=environment, check=True)  # noqa: S603 - fixed commands of this file


if __name__ == "__main__":
    sys.exit(main())
