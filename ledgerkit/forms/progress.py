"""The progress of a request: its status, its steps and who is still asked, looked at until nothing more happens."""

from typing import ClassVar

import ipywidgets as widgets

from ledgerkit import watching
from ledgerkit.errors import Cancelled, LedgerError
from ledgerkit.following import LONGEST_BETWEEN, SECONDS_BETWEEN
from ledgerkit.forms import telling, voting
from ledgerkit.forms.base import Form
from ledgerkit.forms.workspace import Workspace
from ledgerkit.resources.request_tables import FINAL
from ledgerkit.resources.requests import Requests


class Progress(Form):
    """How far a request is, looked at behind until it is decided, stopped or closed.

    Parameters
    ----------
    workspace
        Where it is.
    request_id
        The request.

    Attributes
    ----------
    status
        The last one that was seen; empty before the first look.
    """

    title: ClassVar[str] = "Progress"

    def __init__(self, workspace: Workspace, request_id: int) -> None:
        super().__init__(workspace)
        self.request_id = request_id
        self.status = ""
        self._pause = SECONDS_BETWEEN
        self.shown = widgets.HTML()
        self.stop = widgets.Button(description="Stop following")
        self.again = widgets.Button(description="Follow again")
        self.on_click(self.stop, self._stop)
        self.on_click(self.again, self._start)
        row = widgets.HBox([self.stop, self.again])
        row.add_class("lk-actions")
        self.lay(self.shown, row)
        self._start()

    def _start(self) -> None:
        if self.work.running:
            return
        self.say("", "none")
        self._rest("running")
        self._pause = SECONDS_BETWEEN
        self._look(0.0)

    def _look(self, pause: float) -> None:
        requests, request_id = self.workspace.section(Requests), self.request_id
        clock, directory = self.workspace.connection.transport.clock, self.workspace.directory

        def job() -> tuple[str, tuple[str, ...]]:
            watch = watching.current()
            if watch is not None and clock.wait(watch.cancel, pause):
                raise Cancelled
            status = str(requests.get(request_id)["status"].iloc[0])
            try:
                return status, tuple(voting.told_steps(requests.governance_status(request_id), directory))
            except LedgerError as error:  # the status is what counts
                return status, (f"How far it is can't be read: {error.message}",)

        self.work.start(job, self._seen)

    def _seen(self, found: tuple[str, tuple[str, ...]]) -> None:
        status, steps = found
        self._pause = SECONDS_BETWEEN if status != self.status else min(LONGEST_BETWEEN, self._pause * 1.3)
        self.status = status
        self.shown.value = (
            f"<div class='mathjax_ignore tex2jax_ignore' role='status'>Request {self.request_id} "
            f"{voting.pill(status)}{telling.steps(steps)}</div>"
        )
        if status in FINAL:
            self._rest("done")
        else:
            self._look(self._pause)

    def _stop(self) -> None:
        self.work.stop()
        self._rest("stopped")
        self.say(f"Request {self.request_id} is not followed any more; its status was {self.status or 'not seen'}.")

    def _rest(self, state: str) -> None:
        self.state = state
        self.stop.disabled = state != "running"
        self.again.layout.display = None if state in ("stopped", "failed") else "none"

    def fail(self, error: BaseException) -> None:
        """Show why it is not followed any more."""
        super().fail(error)
        self._rest("failed")
