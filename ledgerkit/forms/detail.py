"""One object in a form: its card, what belongs to it, and the way back."""

from typing import Any, ClassVar

import ipywidgets as widgets
import traitlets

from ledgerkit import cards
from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.forms.base import Form, close_all
from ledgerkit.forms.related import Found, Related, load
from ledgerkit.forms.workspace import Workspace
from ledgerkit.showing import visible


class Detail(Form):
    """Shows one object: an account, a transaction, a request, a user, a whitelist, a group, an entity, an address.

    Attributes
    ----------
    kind, key
        What is shown, such as ``"transaction"`` and ``"4012"``; empty where nothing is.
    related
        What belongs to it and has a button, as texts.
    """

    title: ClassVar[str] = "Detail"

    kind = traitlets.Unicode("")
    key = traitlets.Unicode("")
    related = traitlets.List(traitlets.Unicode())

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self._places: list[tuple[str, str]] = []
        self._facts = ""
        self.card = widgets.HTML()
        self.back_button = widgets.Button(description="Back", tooltip="To what was shown before", disabled=True)
        self.close_button = widgets.Button(description="Close", tooltip="Show nothing more here", disabled=True)
        self.links = widgets.HBox()
        self.links.add_class("lk-relations")
        self.on_click(self.back_button, self.back)
        self.on_click(self.close_button, self.dismiss)
        actions = widgets.HBox([self.back_button, self.close_button])
        actions.add_class("lk-actions")
        self.lay(self.card, self.links, actions)

    def open(self, kind: str | None = None, id: int | str = "") -> None:
        """Load an object behind the form, and show it.

        Parameters
        ----------
        kind
            ``"account"``, ``"transaction"``, ``"request"``, ``"user"``, ``"whitelist"``, ``"group"``, ``"entity"`` or
            ``"address"``.
        id
            Its id, or the whole address.
        """
        if kind is None:
            super().open()  # ipywidgets' own method of this name, which it calls when a widget is made
        else:
            self.guarded(self._open)(kind, id)

    def back(self) -> None:
        """Show what was shown before."""
        if len(self._places) > 1:
            self._places.pop()
            self._load()

    def dismiss(self) -> None:
        """Show nothing; what is opened next is shown again."""
        self.work.stop()
        self._places.clear()
        self._clear()
        self.kind = self.key = ""
        self.state = "ready"
        self.layout.display = "none"
        self.say("", "none")
        self._set_buttons()

    def text(self) -> str:
        """Return the card as text, for where no widgets can be shown."""
        parts = [super().text(), self._facts]
        if self.related:
            parts.append("\n".join(["Related:", *(f"  {visible(one)}" for one in self.related)]))
        return "\n".join(part for part in parts if part)

    def _open(self, kind: str, id: int | str) -> None:
        place = (_checked_kind(kind), _checked_key(kind, id))
        if not self._places or self._places[-1] != place:
            self._places.append(place)
        self._load()

    def _load(self) -> None:
        self._clear()
        self.layout.display = None
        self.kind, self.key = self._places[-1]
        self.state = "running"
        self._set_buttons()
        self.say(f"Loading {self.kind} {self.key}.")
        kind, key, workspace = self.kind, self.key, self.workspace
        self.work.start(lambda: load(workspace, kind, key), self._show)

    def _clear(self) -> None:
        # What was shown must not stand under the name of what could not be loaded.
        self.card.value = ""
        self.head.layout.display = None
        self._facts = ""
        self.related = []
        old, self.links.children = self.links.children, ()
        for button in old:
            close_all(button)

    def _show(self, found: Found) -> None:
        known = cards.Known(self.workspace.connection)
        self.card.value = cards.card(self.kind, found.frame, known, more=[draw(known) for draw in found.more])
        self.head.layout.display = "none"  # a card begins with the same bar
        rows = cards.rows_of(found.frame)
        width = max(len(name) for name, _ in rows)
        self._facts = "\n".join(
            [
                cards.title(self.kind, found.frame),
                *(f"  {name:<{width}}  {value}" for name, value in rows),
                *cards.look_alikes(self.kind, found.frame, known),
                *found.lines,
            ]
        )
        self.related = [one.label for one in found.related]
        self.links.children = [self._button(one) for one in found.related]
        self.state = "done"
        self._set_buttons()
        self.say("\n".join(found.faults), "warning" if found.faults else "none")

    def _button(self, one: Related) -> widgets.Button:
        button = widgets.Button(description=visible(one.label), tooltip=f"Open {one.kind} {visible(one.key)}")
        button.add_class("lk-related")
        self.on_click(button, lambda: self._follow(one))
        return button

    def _follow(self, one: Related) -> None:
        self._open(one.kind, one.key)
        # The button that was pressed goes: whoever works with the keyboard goes on from here.
        self.back_button.focus()

    def _set_buttons(self) -> None:
        self.back_button.disabled = len(self._places) < 2
        self.close_button.disabled = not self._places


def _checked_kind(kind: Any) -> str:
    if kind in cards.KINDS:
        return str(kind)
    raise InvalidRequest(
        f"`kind` = {shorten(kind)} can't be opened; what can is: {', '.join(cards.KINDS)}.", field="kind"
    )


def _checked_key(kind: str, key: Any) -> str:
    shown = str(key).strip()
    if kind == "address" and shown and isinstance(key, str):
        return shown
    if kind != "address" and shown.isascii() and shown.isdecimal() and len(shown) < 19:
        return str(int(shown))
    rule = "the whole address" if kind == "address" else "a whole number"
    raise InvalidRequest(f"`id` = {shorten(key)} can not be opened as {kind}: its id is {rule}.", field="id")
