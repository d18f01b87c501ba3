"""A real kernel for tests: cells are run in it, and its widgets get the messages that a browser would send."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jupyter_client.manager import start_new_kernel


class Kernel:
    """A kernel of its own."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def run(self, code: str, seconds: float = 60) -> str:
        """Run a cell and return what it printed; an error fails the test."""
        printed: list[str] = []

        def hear(message: Any) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                printed.append(content["text"])
            elif message["msg_type"] == "error":
                raise AssertionError("\n".join([content["ename"], content["evalue"], *content["traceback"]]))

        self._client.execute_interactive(code, timeout=seconds, output_hook=hear, allow_stdin=False)
        return "".join(printed)

    def queue(self, code: str) -> None:
        """Send a cell, and do not wait for it."""
        self._client.execute(code)

    def click(self, model_id: str) -> None:
        """Send what the browser sends at a click on a button, and do not wait for what it does."""
        self.send(model_id, {"method": "custom", "content": {"event": "click"}})

    def set(self, model_id: str, **state: Any) -> None:
        """Send what the browser sends when somebody types or chooses."""
        self.send(model_id, {"method": "update", "state": state})

    def send(self, model_id: str, data: Any) -> None:
        message = self._client.session.msg("comm_msg", {"comm_id": model_id, "data": data})
        self._client.shell_channel.send(message)


@contextmanager
def kernel() -> Iterator[Kernel]:
    """Start a kernel that ends with the block."""
    manager, client = start_new_kernel()
    try:
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
