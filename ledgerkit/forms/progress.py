"""The progress of a request: its status, its steps and who is still asked, looked at until nothing more happens."""

import html
from typing import Any, ClassVar, Final

import ipywidgets as widgets
import pandas as pd

from ledgerkit import watching
from ledgerkit.errors import Cancelled, LedgerError
from ledgerkit.following import LONGEST_BETWEEN, SECONDS_BETWEEN
from ledgerkit.forms.base import Form
from ledgerkit.forms.workspace import Workspace
from ledgerkit.resources.request_tables import FINAL
from ledgerkit.resources.requests import Requests
from ledgerkit.showing import visible

_REFUSED: Final = frozenset({"BLOCKED", "EXPIRED", "REJECTED"})


class Progress(Form):
    """How far a request is.

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
        self.on_click(self.stop, self._stop)
        row = widgets.HBox([self.stop])
        row.add_class("lk-actions")
        self.lay(self.shown, row)
        self.state = "running"
        self._look(0.0)

    def _look(self, pause: float) -> None:
        requests, request_id = self.workspace.section(Requests), self.request_id
        clock = self.workspace.connection.transport.clock

        def job() -> tuple[str, pd.DataFrame | None]:
            watch = watching.current()
            if watch is not None and clock.wait(watch.cancel, pause):
                raise Cancelled
            status = str(requests.get(request_id)["status"].iloc[0])
            try:
                return status, requests.governance_status(request_id)
            except LedgerError:  # steps may be hidden; the status is what counts
                return status, None

        self.work.start(job, self._seen)

    def _seen(self, found: tuple[str, pd.DataFrame | None]) -> None:
        status, steps = found
        self._pause = SECONDS_BETWEEN if status != self.status else min(LONGEST_BETWEEN, self._pause * 1.3)
        self.status = status
        self.shown.value = _html(self.request_id, status, steps, self.workspace)
        if status in FINAL:
            self.state = "done"
            self.stop.disabled = True
            return
        self._look(self._pause)

    def _stop(self) -> None:
        self.work.stop()
        self.state = "stopped"
        self.stop.disabled = True
        self.say(f"Request {self.request_id} is not followed any more; its status was {self.status or 'not seen'}.")


def _html(request_id: int, status: str, steps: pd.DataFrame | None, workspace: Workspace) -> str:
    kind = "lk-done" if status == "APPROVED" else "lk-refused" if status in _REFUSED else "lk-waiting"
    word = html.escape(visible(status.replace("_", " ").capitalize()))
    lines = [] if steps is None else [_step(row) for row in steps.to_dict("records")]
    listed = "".join(f"<li>{html.escape(visible(line))}</li>" for line in lines)
    hidden = "<div>Its steps can't be seen with these credentials.</div>" if steps is None else ""
    return (
        "<div class='mathjax_ignore tex2jax_ignore' role='status'>"
        f"Request {request_id} <span class='lk-pill {kind}'>{word}</span><ul class='lk-checks'>{listed}</ul>{hidden}"
        "</div>"
    )


def _step(row: Any) -> str:
    if not isinstance(row["approvals"], list):
        return "A step that is hidden from you"
    given = sum(one.get("type") == "APPROVE" for one in row["approvals"])
    group = "" if pd.isna(row["group_id"]) else f" of group {row['group_id']}"
    return f"Step {int(row['step_index']) + 1}: {given} of {row['quorum']} approvals{group}"
