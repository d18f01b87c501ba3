"""What waits for the own vote: a list, and the one request that is looked at."""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, ClassVar, Final

import ipywidgets as widgets
import pandas as pd

from ledgerkit.addresses import KnownAddresses
from ledgerkit.coins import counts_a_token
from ledgerkit.connection import Connection
from ledgerkit.directory import Units
from ledgerkit.errors import LedgerError
from ledgerkit.forms import telling, voting
from ledgerkit.forms.approval import ApprovalPanel
from ledgerkit.forms.base import Form, close_all
from ledgerkit.forms.workspace import Workspace
from ledgerkit.known_addresses import remembered
from ledgerkit.resources.requests import Requests
from ledgerkit.showing import spelled
from ledgerkit.states import words
from ledgerkit.watching import Watch

# Each costs two calls to show, and a widget of its own.
MOST_SHOWN: Final = 100
_SOON: Final = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Waiting:
    """What waits, the names and units to show it with, and why this session can't vote."""

    frame: pd.DataFrame
    own: bool
    names: Mapping[int, str]
    units: Mapping[int, Units]
    obstacle: str | None
    read_on: datetime
    known: KnownAddresses


class InboxForm(Form):
    """What waits for the own vote, the oldest first, and a panel to compare, approve and reject each of it.

    Parameters
    ----------
    workspace
        Where it waits.

    Attributes
    ----------
    frame
        What waited when it was last read, as ``session.requests.inbox()`` returns it.
    panel
        The panel of the request that is looked at; None where none is.
    buttons
        The button of each request, by its id.
    """

    title: ClassVar[str] = "Approvals"

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self.frame: pd.DataFrame | None = None
        self.panel: ApprovalPanel | None = None
        self.buttons: dict[int, widgets.Button] = {}
        self.reload = widgets.Button(description="Refresh", tooltip="session.requests.inbox()")
        self.stop = widgets.Button(description="Stop", disabled=True)
        self.count = widgets.HTML()
        self.rows = widgets.VBox()
        self.rows.add_class("lk-inbox")
        self.place = widgets.VBox()
        self.back = widgets.Button(description="Back to the list")
        self.on_click(self.reload, self.refresh)
        self.on_click(self.stop, self._stop)
        self.on_click(self.back, self.go_back)
        row = widgets.HBox([self.reload, self.stop, self.back])
        row.add_class("lk-actions")
        self.lay(row, self.count, self.rows, self.place)
        self._let_list(True)
        self.refresh()

    @property
    def sending(self) -> bool:
        """Whether a vote is being posted."""
        return self.panel is not None and bool(self.panel.sending)

    @property
    def unsettled(self) -> bool:
        """Whether a vote is being posted, or was, and nobody knows whether it is in."""
        return self.panel is not None and self.panel.unsettled

    def refresh(self) -> None:
        """Read anew what waits."""
        self.state = "running"
        self.stop.disabled = False
        self.say("Reading what waits for you.")
        workspace = self.workspace
        self.work.start(lambda: waiting(workspace), self._show, ticked=self._ticked)

    def _ticked(self, watch: Watch) -> None:
        if watch.calls_expected:
            self.say(f"Reading what waits for you: {watch.calls_done} of {watch.calls_expected} calls.")

    def _stop(self) -> None:
        self.work.stop()
        self.stop.disabled = True
        self.state = "stopped"
        self.say("Stopped. What is shown is what was read before.")

    def fail(self, error: BaseException) -> None:
        """Show what went wrong; what was read before stays."""
        self.stop.disabled = True
        super().fail(error)

    def _show(self, found: Waiting) -> None:
        self.frame = found.frame
        self.stop.disabled = True
        self.state = "ready"
        rows = found.frame.head(MOST_SHOWN).to_dict("records")
        before, buttons = self.rows.children, {}
        shown = []
        for row in rows:
            button = widgets.Button(description=f"Look at {row['id']}", tooltip=f"Request {row['id']}")
            self.on_click(button, lambda one=int(row["id"]): self.look_at(one))  # type: ignore[misc]  # bound as a default: the loop goes on
            buttons[int(row["id"])] = button
            line = widgets.HBox([button, widgets.HTML(_line(row, found, self.workspace.connection.zone))])
            line.add_class("lk-inbox-row")
            shown.append(line)
        self.rows.children, self.buttons = shown, buttons
        for line in before:
            close_all(line)
        self.count.value = (
            f"<div role='status'>{html.escape(_counted(found, len(rows)))} "
            f"<span class='lk-quiet'>Read at {found.read_on.astimezone(self.workspace.connection.zone):%H:%M}.</span>"
            "</div>"
        )
        self._mark()
        if found.obstacle:
            self.say(found.obstacle, "warning")
        else:
            self.say("")

    def look_at(self, request_id: int) -> None:
        """Look at one request."""
        if self._vote_goes_first():
            return
        self._let_list(False)
        before = self.panel
        if before is not None and before.request_id == request_id:
            before.load()
            return
        self.panel = ApprovalPanel(self.workspace, request_id)
        self.panel.on_vote(self.refresh)
        self.place.children = [self.panel]
        if before is not None:
            before.close()
        self._mark()

    def go_back(self) -> None:
        """Show the list again; what was stated of the request that was looked at is kept until another one is."""
        if not self._vote_goes_first():
            self._let_list(True)

    def _let_list(self, shown: bool) -> None:
        """Show the list, or in its place the request that is looked at."""
        self.rows.layout.display = None if shown else "none"
        self.place.layout.display = self.back.layout.display = "none" if shown else None

    def _vote_goes_first(self) -> bool:
        """Say that the outcome of a vote is to be known before its panel may go, if there is one."""
        if self.panel is None or not self.panel.unsettled:
            return False
        posted = self.panel.request_id
        self.say(
            f"Your vote on request {posted} is being posted: wait until its outcome is known."
            if self.panel.sending
            else f"Whether your vote on request {posted} is in is not known, and this panel alone knows of "
            "it: look whether it is in first.",
            "warning",
        )
        return True

    def _mark(self) -> None:
        """Show which request is looked at."""
        for request_id, button in self.buttons.items():
            looked = self.panel is not None and self.panel.request_id == request_id
            button.button_style = "info" if looked else ""

    def wait(self, seconds: float = 60.0) -> "InboxForm":
        """Wait in a cell until what runs behind the form is done."""
        self.work.wait(seconds)
        if self.panel is not None:
            self.panel.wait(seconds)
        self.work.wait(seconds)  # a vote has it read again
        return self

    def text(self) -> str:
        """Return what waits, as text, for where no widgets can be shown."""
        lines = [] if self.frame is None else [f"  request {one}" for one in self.frame["id"].tolist()]
        return "\n".join([super().text(), *lines])

    def close(self) -> None:
        """End the form, and the panel in it."""
        if self.panel is not None:
            self.panel.close()
        super().close()


def waiting(workspace: Workspace) -> Waiting:
    """Ask what waits for the own vote, or for anybody's where the caller has none; called in a thread."""
    connection, section = workspace.connection, workspace.section(Requests)
    frame = section.inbox() if connection.operator is not None else _of_anybody(section, connection)
    ids = [int(one) for one in frame["account_id"].dropna().unique()]
    names, units = {}, {}
    if ids:
        try:
            names, units = workspace.directory.names("account", ids), workspace.directory.units(ids)
        except LedgerError:  # a help: without them ids and base units are shown
            names, units = {}, {}
    read_on = datetime.fromtimestamp(connection.transport.server_time(), UTC)
    own, known = connection.operator is not None, remembered(connection)
    return Waiting(frame, own, names, units, voting.obstacle(connection), read_on, known)


def _of_anybody(section: Requests, connection: Connection) -> pd.DataFrame:
    found = section.search(status=["PENDING_APPROVAL", "PENDING_FIRST_APPROVAL"])
    found = found.sort_values("id", ignore_index=True)
    now = pd.Timestamp(connection.transport.server_time(), unit="s", tz="UTC").as_unit("us")
    nothing = pd.Series(pd.NA, index=found.index, dtype="Int64")
    empty = pd.Series(pd.NA, index=found.index, dtype=object)
    return found.assign(
        age=now - found["created_on"],
        time_to_expiry=found["expires_at"] - now,
        approvals=nothing,
        quorum=nothing,
        account_id=nothing,
        transaction_type=empty,
        amount=empty,
        recipient=empty,
        title=empty,
    )


def _counted(found: Waiting, shown: int) -> str:
    total = len(found.frame)
    whose = "your vote" if found.own else "a vote"
    if not total:
        return (
            f"Nothing waits for {whose} now. What others have to approve first is not listed; a request that you "
            "made waits for your own approval before anybody else is asked."
            if found.own
            else "No request waits for a vote now, of those that these credentials may see."
        )
    one = "1 request waits" if total == 1 else f"{total} requests wait"
    more = f" The {shown} oldest are shown; the others follow as these are decided." if shown < total else ""
    said = found.known.uncompared
    unseen = f" {said[:1].upper()}{said[1:]}." if said else ""
    return f"{one} for {whose}, the oldest first.{more}{unseen}"


def _line(row: Mapping[Any, Any], found: Waiting, zone: tzinfo) -> str:
    """Return the HTML of a request in the list."""
    account, left = row["account_id"], row["time_to_expiry"]
    cells = ["", "", ""]
    if not pd.isna(account):
        name, units = found.names.get(int(account)), found.units.get(int(account))
        in_token = counts_a_token(row["transaction_type"])
        cells = [
            html.escape(spelled(name) if isinstance(name, str) else f"account {account}"),
            telling.amount(row["amount"], None if units is None or in_token else units.amount),
            telling.elided(row["recipient"], found.known),
        ]
    soon = "lk-waiting" if not pd.isna(left) and left < _SOON else ""
    beside = [
        voting.pill(row["status"]),
        f"{telling.span(row['age'])} old, made {telling.moment(row['created_on'], zone)}",
        f"<span class='lk-pill {soon}'>expires in {telling.span(left)}</span>, "
        + telling.moment(row["expires_at"], zone),
    ]
    if isinstance(row["title"], str):
        beside.append(html.escape(spelled(row["title"])))
    first = "".join(
        f"<span>{cell}</span>" for cell in [html.escape(words(str(row["type"]))), *cells, _votes(row, found)]
    )
    second = "".join(f"<span>{cell}</span>" for cell in beside)
    return (
        f"<div class='mathjax_ignore tex2jax_ignore'><div class='lk-inbox-line'>{first}</div>"
        f"<div class='lk-inbox-beside lk-quiet'>{second}</div></div>"
    )


def _votes(row: Mapping[Any, Any], found: Waiting) -> str:
    if not found.own:
        return ""  # not asked: one call for each
    return "votes hidden" if pd.isna(row["quorum"]) else f"{row['approvals']} of {row['quorum']}"
