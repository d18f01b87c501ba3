"""The connection: where one is, as whom, what one may do there, and how long the token lives."""

import asyncio
import html
import weakref
from typing import Any, ClassVar, Final

import ipywidgets as widgets

from ledgerkit import doctor
from ledgerkit.connection import Connection
from ledgerkit.errors import Unsupported
from ledgerkit.forms import cells
from ledgerkit.forms.base import Form
from ledgerkit.forms.workspace import Workspace
from ledgerkit.operations import FAMILIES
from ledgerkit.resources.users import Users
from ledgerkit.session import Session
from ledgerkit.showing import visible

SECONDS_BETWEEN_LOOKS: Final = 5.0
# The words carry the meaning, and the colour repeats it.
MEANS: Final = {
    "SANDBOX": "An embedded server with an invented workspace. Nothing here is real.",
    "PRODUCTION": "The production service of the vendor. What is created and approved here is real.",
    "TENANT": "A service that is neither the sandbox nor the vendor's production address. Take it for real.",
    "LOCAL": "A server on this machine.",
}
LEVELS: Final = {"ok": ("done", "Fine"), "warning": ("waiting", "Warning"), "problem": ("refused", "Problem")}


class Panel(Form):
    """The connection of a session: environment, workspace, user, rights, life of the token, rate limit.

    Parameters
    ----------
    workspace
        Where it is; :meth:`of` takes a session.

    Attributes
    ----------
    findings
        What the doctor found; empty before it was asked.
    """

    title: ClassVar[str] = "Connection"

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self.findings: tuple[doctor.Finding, ...] = ()
        self._user = ""
        self._task: asyncio.Task[None] | None = None
        self._facts = widgets.HTML()
        self._found = widgets.HTML()
        self.look_up = widgets.Button(
            description="Look up the user", tooltip="session.me(): the user of these credentials"
        )
        self.run_doctor = widgets.Button(
            description="Run doctor", tooltip="Address, sign-in, clock, user, private key and rate limit"
        )
        self.on_click(self.look_up, self._look_up)
        self.on_click(self.run_doctor, self._run_doctor)
        self.head.value = mark(workspace.connection)
        actions = widgets.HBox([self.look_up, self.run_doctor])
        actions.add_class("lk-actions")
        self.lay(self._facts, actions, self._found)
        self.refresh()

    @classmethod
    def of(cls, session: Session) -> "Panel":
        """Make the panel of a session; what an earlier run of the same cell made is closed."""
        panel = cls.on(session.accounts._connection)
        cells.replace(panel, "panel")
        return panel

    # What it shows

    def refresh(self) -> None:
        """Show how the connection is now; it asks the service nothing."""
        self._facts.value = facts_html(facts(self.workspace.connection, self._user))

    def live(self) -> None:
        """Refresh every few seconds, where the kernel has an event loop, until the panel or the session ends."""
        if self._task is not None and not self._task.done():
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # a script or a test
            return
        # The task holds no panel: one that nobody has closed, and nobody holds, may go.
        self._task = loop.create_task(_refresh(weakref.ref(self)))

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        self.live()
        return super()._repr_mimebundle_(**options)

    def text(self) -> str:
        """Return what the panel shows, as text."""
        lines = [f"{name}: {visible(value)}" for name, value in facts(self.workspace.connection, self._user)]
        return "\n".join([super().text(), *lines, *(str(one) for one in self.findings)])

    # What it does

    def _look_up(self) -> None:
        operator = self.workspace.connection.operator
        if operator is None:
            family = FAMILIES[self.workspace.connection.family]
            raise Unsupported(f"{family} has no token that names a user; only an API user has.")
        users = Users(self.workspace.connection)
        self._begin("Looking up the user.", lambda: operator.user(users.search), self._show_user)

    def _show_user(self, user: Any) -> None:
        row = user.iloc[0]
        self._user = f"{row['username']} (user {row['id']}, {row['role']})"
        self._end()

    def _run_doctor(self) -> None:
        connection = self.workspace.connection
        self._begin("The doctor looks.", lambda: [*doctor.installed(), *doctor.examine(connection)], self._show_found)

    def _show_found(self, findings: list[doctor.Finding]) -> None:
        self.findings = tuple(findings)
        self._found.value = findings_html(findings)
        self._end()
        amiss = [one for one in findings if one.level != "ok"]
        if amiss:
            names = ", ".join(one.name for one in amiss)
            kind = "error" if any(one.level == "problem" for one in amiss) else "warning"
            self.say(f"The doctor found something amiss: {names}. Each line says what to do.", kind)  # type: ignore[arg-type]  # one of the two
        else:
            self.say("The doctor found nothing amiss.", "done")

    def _begin(self, said: str, job: Any, done: Any) -> None:
        self.state = "running"
        self.say(said)
        self.work.start(job, done)

    def _end(self) -> None:
        self.state = "done"
        self.say("", "none")
        self.refresh()

    def close(self) -> None:
        """End the panel."""
        if self._task is not None:
            self._task.cancel()
        super().close()


async def _refresh(panel: "weakref.ref[Panel]") -> None:
    while True:
        shown = panel()
        if shown is None or shown.comm is None:
            return
        shown.refresh()
        if ended(shown.workspace.connection):
            return
        del shown
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)


def ended(connection: Connection) -> bool:
    """Say whether the session of a connection was closed."""
    return connection.transport._ended.is_set()


def mark(connection: Connection) -> str:
    """Return the HTML of the mark that says where one is, and what that means."""
    environment = connection.origin["environment"]
    workspace = connection.origin["workspace"] or "as the LAM is set up"
    return (
        f"<div class='lk-mark lk-head lk-env-{environment.lower()} mathjax_ignore tex2jax_ignore'>"
        f"<strong class='lk-env'>{html.escape(environment)}</strong> "
        f"<span class='lk-means'>{html.escape(MEANS.get(environment, ''))}</span>"
        f"<div>Workspace <strong>{html.escape(visible(workspace))}</strong> at "
        f"<span class='lk-code'>{html.escape(visible(connection.origin['base_url']))}</span></div></div>"
    )


def facts(connection: Connection, user: str = "") -> list[tuple[str, str]]:
    """Return how a connection is: names and texts, none of them secret."""
    found = [
        ("Credentials", FAMILIES[connection.family]),
        ("Rights", "reads and writes" if connection.writes else "reads only: nothing that changes anything is sent"),
    ]
    if connection.operator is not None:
        found.insert(1, ("User", user or "not looked up yet"))
    if ended(connection):
        return [*found, ("State", "closed: connect again")]
    if connection.operator is not None:
        state = connection.operator._keeper.state()
        left = f"{state.seconds_left:.0f} s left" if state.seconds_left else "none: the next call asks for one"
        found.append(("Token", left))
        if state.problem:
            found.append(("Renewal problem", state.problem))
    announced = connection.transport.limiter.announced
    if announced.remaining is not None:
        of = "" if announced.limit is None else f" of {announced.limit}"
        found.append(("Rate limit", f"{announced.remaining}{of} calls left"))
    return found


def facts_html(rows: list[tuple[str, str]]) -> str:
    """Return names and texts as a list beside each other."""
    shown = "".join(
        f"<div><div class='lk-name'>{html.escape(name)}</div>{html.escape(visible(value))}</div>"
        for name, value in rows
    )
    return f"<div class='lk-facts mathjax_ignore tex2jax_ignore'>{shown}</div>"


def findings_html(findings: list[doctor.Finding]) -> str:
    """Return what a doctor found as a table, with its lines below to copy."""
    rows = []
    for one in findings:
        pill, word = LEVELS[one.level]
        rows.append(
            f"<tr><td><span class='lk-pill lk-{pill}'>{word}</span></td><td>{html.escape(visible(one.name))}</td>"
            f"<td>{html.escape(doctor.pasteable(one.text))}</td></tr>"
        )
    lines = html.escape("\n".join(map(str, findings)))
    as_text = f"<details><summary>As text, without any secret</summary><pre class='lk-code'>{lines}</pre></details>"
    return (
        "<details open class='mathjax_ignore tex2jax_ignore'><summary>What the doctor found</summary>"
        f"<table class='lk-findings'>{''.join(rows)}</table>{as_text}</details>"
    )
