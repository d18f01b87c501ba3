"""Real JupyterLab, served on loopback, and a real browser."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

if TYPE_CHECKING:
    pass

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
# What the forms looked like, for people to look at after a run.
SCREENSHOTS = ROOT / "screenshots"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """Start JupyterLab as `ledgerkit lab` does, and give its address."""
    with lab_in(tmp_path) as address:
        yield address


@contextmanager
def lab_in(folder: Path) -> Iterator[str]:
    """Run JupyterLab as `ledgerkit lab` does, in a folder, until the block ends."""
    # On a copy: JupyterLab saves notebooks with their outputs by itself.
    shutil.copytree(NOTEBOOKS, folder / "notebooks")
    port = free_port()
    options = ["--no-browser", f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=test"]
    command = [sys.executable, "-m", "ledgerkit", "lab", *options]
    with serving(command, folder, f"http://127.0.0.1:{port}/api"):
        yield f"http://127.0.0.1:{port}/?token=test"


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@contextmanager
def serving(command: list[str], folder: Path, url: str) -> Iterator[None]:
    """Run a server in a folder, with a home of its own, until the block ends."""
    environment = {**os.environ, "JUPYTER_CONFIG_DIR": str(folder / "config"), "HOME": str(folder)}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(  # noqa: S603 - this Python and fixed options
            command, cwd=folder, stdout=log, stderr=log, env=environment
        )
        try:
            _wait_for(url, process, folder / "log")
            yield
        finally:
            process.terminate()
            process.wait(30)


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(120):
        try:
            urlopen(url, timeout=5).close()  # noqa: S310 - a loopback address of our own
        except OSError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.5)  # another program's start can't be put on a fake clock
        else:
            return
    pytest.fail(f"the server did not start: {log.read_text()}")
