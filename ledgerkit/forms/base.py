"""What all forms share: the bar that says where one is, a message, work behind, and an end that leaves nothing."""

import html
import sys
import traceback
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, ClassVar, Final, Literal, Self

import ipywidgets as widgets
import traitlets

from ledgerkit.connection import Connection
from ledgerkit.errors import LedgerError
from ledgerkit.forms.style import style
from ledgerkit.forms.work import Work
from ledgerkit.forms.workspace import Workspace
from ledgerkit.showing import visible, visible_lines

MessageKind = Literal["none", "info", "done", "warning", "error"]
STATES: Final = ("ready", "running", "done", "stopped", "failed")


class Form(widgets.VBox):
    """A form: plain widgets, with its state in traits, so that it works and is tested without a browser.

    Parameters
    ----------
    workspace
        Where it works.

    Attributes
    ----------
    state
        ``"ready"``, ``"running"``, ``"done"``, ``"stopped"`` or ``"failed"``.
    message, message_kind
        What the form says below its fields, in words, and how; empty where there is nothing to say.
    """

    title: ClassVar[str] = ""

    state = traitlets.Enum(STATES, default_value="ready")
    message = traitlets.Unicode("")
    message_kind = traitlets.Enum(("none", "info", "done", "warning", "error"), default_value="none")

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.work = Work(self.fail, self.warned)
        self.head = widgets.HTML(head(workspace, self.title))
        self._message = widgets.HTML()
        super().__init__()
        self.add_class("lk-form")
        self.add_class(f"lk-{workspace.environment.lower()}")
        # What is outside of a form and shown in it, and so not closed with it.
        self._shared: tuple[widgets.Widget, ...] = (style(),)

    @classmethod
    def on(cls, connection: Connection, *arguments: Any) -> Self:
        """Make a form on the workspace of a section."""
        return cls(Workspace(connection), *arguments)

    def lay(self, *parts: widgets.Widget) -> None:
        """Put the form together: bar, parts, and the message last."""
        self.children = (style(), self.head, *parts, self._message)

    # What it says

    def say(self, text: str, kind: MessageKind = "info", *, details: str = "") -> None:
        """Say something below the fields.

        Parameters
        ----------
        text
            Plain text: what, why, and what next.
        details
            What only some want to read, folded under it.
        """
        self.message_kind = kind
        self.message = text
        role = "alert" if kind in ("error", "warning") else "status"
        folded = (
            f"<details><summary>Details</summary><pre>{html.escape(visible_lines(details))}</pre></details>"
            if details
            else ""
        )
        shown = html.escape(visible_lines(text)).replace("\n", "<br>")
        self._message.value = (
            f"<div class='lk-message lk-{kind} mathjax_ignore tex2jax_ignore' role='{role}'>{shown}{folded}</div>"
            if text
            else ""
        )

    def fail(self, error: BaseException) -> None:
        """Show what went wrong; what was entered stays."""
        self.state = "failed"
        if isinstance(error, LedgerError):
            details = f"{type(error).__name__}" + (f" on {error.call}" if error.call else "")
            self.say(str(error), "error", details=details)
            return
        # Where it happened, and no values: a traceback that shows them may show what a form must not hold.
        places = "".join(traceback.format_tb(error.__traceback__))
        self.say(
            f"This is a fault of the kit, not of yours: {type(error).__name__}: {error}. Nothing that you entered is "
            "lost; please report it with the details.",
            "error",
            details=places,
        )

    def warned(self, lines: list[str]) -> None:
        """Show what a job warned about, below what its result said."""
        new = [one for one in dict.fromkeys(lines) if one not in self.message]
        if new:
            said = [self.message] if self.message else []
            self.say("\n".join([*said, *new]), "error" if self.message_kind == "error" else "warning")

    def on_click(self, button: widgets.Button, act: Callable[[], None]) -> None:
        """Do something at a click; what it raises is shown in the form."""
        button.on_click(lambda _: self.guarded(act)())

    def guarded(self, act: Callable[..., None]) -> Callable[..., None]:
        """Return a callback that shows what it raises in the form: ipywidgets would swallow it."""

        @wraps(act)
        def call(*arguments: Any) -> None:
            try:
                act(*arguments)
            except Exception as error:  # noqa: BLE001 - it is shown
                self.fail(error)

        return call

    def wait(self, seconds: float = 60.0) -> Self:
        """Wait in a cell until what runs behind the form is done.

        Raises
        ------
        TimeoutError
            It is not done within the time; it goes on.
        """
        self.work.wait(seconds)
        return self

    # As text, and its end

    def text(self) -> str:
        """Return what the form shows, as text, for where no widgets can be shown."""
        said = f"\n{visible_lines(self.message)}" if self.message else ""
        return f"{visible(self.title)} · {self.workspace.environment} · {self.state}{said}"

    def __repr__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        # ipywidgets cuts the text at 110 characters: without widgets the rest would be lost.
        bundle: dict[str, Any] = super()._repr_mimebundle_(**options) or {}
        return {**bundle, "text/plain": self.text()}

    def close(self) -> None:
        """End the form: what runs is given up, and none of its widgets stays."""
        if sys.is_finalizing():  # ipywidgets closes what is collected, and half of Python is gone by then
            return
        self.work.stop()
        close_all(self, keep=self._shared)


def head(workspace: Workspace, title: str) -> str:
    """Return the HTML of the bar that every form begins with."""
    origin = workspace.connection.origin
    where = " · ".join(html.escape(visible(one)) for one in (origin.get("workspace", ""), title) if one)
    return (
        f"<div class='lk-head lk-env-{workspace.environment.lower()} mathjax_ignore tex2jax_ignore'>"
        f"<strong class='lk-env'>{html.escape(workspace.environment)}</strong> {where}</div>"
    )


def close_all(root: widgets.Widget, *, keep: tuple[widgets.Widget, ...] = ()) -> None:
    """Close a widget and all that it holds, with their layouts and styles, which ipywidgets leaves behind.

    Forms in it end in their own way.
    """
    found: dict[int, widgets.Widget] = {}

    def walk(one: Any) -> Iterator[widgets.Widget]:
        if isinstance(one, widgets.Widget) and id(one) not in found and not any(one is kept for kept in keep):
            found[id(one)] = one
            yield one
            if isinstance(one, Form) and one is not root:
                return
            for name in one.trait_names():
                if one.has_trait(name) and name != "comm":
                    yield from walk(getattr(one, name, None))
        elif isinstance(one, tuple | list):
            for inner in one:
                yield from walk(inner)

    for one in list(walk(root)):
        if isinstance(one, Form) and one is not root:
            one.close()
        else:
            widgets.Widget.close(one)
