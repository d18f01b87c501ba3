"""Prism, a mock server that knows nothing but the contract: it checks requests and makes answers up from schemas."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import pytest

PROGRAM = Path(__file__).parents[2] / "node_modules" / ".bin" / "prism"
SECONDS_TO_START = 60.0

needs_prism = pytest.mark.skipif(
    not PROGRAM.exists() or shutil.which("node") is None,
    reason="Prism is not installed: `npm install --no-package-lock` in the checkout (needs Node) installs it",
)


class Prism:
    """One server of one document; use it as a context manager.

    Parameters
    ----------
    document
        The OpenAPI document.
    folder
        Where its log goes.
    options
        Such as ``"--dynamic"``: answers drawn from schemas instead of examples.
    """

    def __init__(self, document: Path, folder: Path, *options: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / f"prism-{self.port}.log"
        self._command = [str(PROGRAM), "mock", *options, "-p", str(self.port), "-v", "error", str(document)]

    def __enter__(self) -> Self:
        with self._log.open("w", encoding="utf-8") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the program of this checkout, on its own document
                self._command, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, "NO_COLOR": "1"}
            )
        return self

    def wait(self) -> Self:
        """Wait until it answers: a process of its own tells by nothing else that it is ready."""
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return self
        raise AssertionError(f"Prism did not start:\n{self._log.read_text(encoding='utf-8')[-2000:]}")

    def __exit__(self, *exception: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
