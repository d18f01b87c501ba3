"""The form of one kind of request: its fields, what is offered in them, and the units of its amounts."""

import contextlib
import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets as widgets
import pandas as pd

from ledgerkit.checks import Units
from ledgerkit.drafts import Draft
from ledgerkit.errors import InvalidRequest, LedgerError
from ledgerkit.forms.fields import Field, PickField
from ledgerkit.forms.kinds.base import Kind
from ledgerkit.forms.kinds.inputs import AmountField
from ledgerkit.forms.work import Work
from ledgerkit.forms.workspace import Workspace
from ledgerkit.forms.writing import WriteForm
from ledgerkit.lookups import Lookups
from ledgerkit.payloads.base import Checked


class KindForm(WriteForm):
    """Create one kind of request.

    Parameters
    ----------
    workspace
        Where it is created.
    kind
        What is created.
    """

    def __init__(self, workspace: Workspace, kind: Kind) -> None:
        self.kind = kind
        self.title = kind.name  # type: ignore[misc]  # of a form that is for many kinds, each has its own words
        self.makes, self.agreed, self.action = kind.makes, kind.agreed, kind.action  # type: ignore[misc]  # as above
        # Beside the review, which they must not overtake.
        self._names = Work(self._without("Names could not be looked up: type ids instead."))
        self._units = Work(self._without("The units of the account could not be looked up: write base units."))
        # The account that was chosen for another kind; where this one does not offer it, it is dropped.
        self.carried: Any = None
        self.about = widgets.HTML()
        self.estimate = widgets.Button(
            description="Estimate fees", tooltip="Ask the service, and fill the ceiling in with what it says"
        )
        super().__init__(workspace)
        self.about.value = f"<div class='lk-about'>{html.escape(kind.about())}</div>"
        self._fields_box.children = (self.about, *self._fields_box.children)
        self.on_click(self.estimate, self.ask_for_fees)
        if kind.danger:
            self.create.button_style = ""
            self.create.add_class("lk-danger")
        self._names.start(lambda: kind.offers(workspace), self._offer)

    # What WriteForm asks for

    def fields(self) -> Sequence[Field]:
        """Return the fields of the kind."""
        return self.kind.fields()

    def extra(self) -> Sequence[widgets.Widget]:
        """Return the estimate of fees, where there is a ceiling to fill in."""
        row = widgets.HBox([self.estimate])
        row.add_class("lk-actions")
        row.layout.display = None if self.kind.estimates else "none"
        return (row,)

    def prepare(self, values: Mapping[str, Any]) -> Draft:
        """Return the draft of the kind."""
        return self.kind.prepare(self.workspace, values)

    def code_for(self, values: Mapping[str, Any]) -> str:
        """Return the line of Python that makes the same draft."""
        line = self.kind.code(values)
        if line or self.draft is None:
            return line.replace("session.", f"{self.workspace.variable()}.", 1)
        if self.kind.makes != "request":
            return ""
        return f"{self.workspace.variable()}.requests.draft({_written(_unmarked(self.draft))})"

    def edited(self, name: str) -> None:
        """Take away what was reviewed; another account has other units."""
        super().edited(name)
        if name and name == self.kind.source:
            self._look_units_up()

    def _created(self, draft: Any, frame: pd.DataFrame | None) -> None:
        super()._created(draft, frame)
        if self.kind.makes != "request":
            self.say(self.kind.done(draft.request_id), "done")
            # What they show are requests.
            self.follow.layout.display = self.approve.layout.display = "none"

    def _told(self, draft: Any) -> str:
        return super()._told(draft) if draft.request_id is None else f"as {self.kind.named()} {draft.request_id}"

    # What is offered

    def _offer(self, offers: Mapping[str, Mapping[str, Any]]) -> None:
        for name, options in offers.items():
            field = self.entries[name]
            if isinstance(field, PickField):
                field.offer(options)
                if name == "account_id" and self.carried is not None and self.carried not in options.values():
                    self._drop_carried(field)
                if not options:
                    self.say(f"{field.label}: nothing that these credentials may see can be used here.", "warning")

    def _drop_carried(self, field: PickField) -> None:
        with contextlib.suppress(InvalidRequest):  # another one is being typed
            if field.read() == self.carried:
                field.clear()

    def _without(self, told: str) -> Callable[[BaseException], None]:
        """Return what is done where a look-up fails that one can do without."""

        def failed(error: BaseException) -> None:
            if isinstance(error, LedgerError):
                self.say(told, "warning", details=str(error))
            else:
                self.fail(error)

        return failed

    def _look_units_up(self) -> None:
        amounts = [one for one in self.entries.values() if isinstance(one, AmountField)]
        try:
            value = self.entries[self.kind.source].read()
        except InvalidRequest:  # it is being typed, and is said at the review
            value = None
        if not amounts or value is None:
            self._units.stop()
            return

        def job() -> tuple[Units, Units]:
            account = self.kind.account(self.workspace, value)
            return ((), ()) if account is None else Lookups(self.workspace.connection).units(account)

        self._units.start(job, lambda found: self._offer_units(amounts, *found))

    def _offer_units(self, amounts: Sequence[AmountField], own: Units, of_fees: Units) -> None:
        for one in amounts:
            one.offer(of_fees if one.name in self.kind.of_fees else own)

    # Fees

    def ask_for_fees(self) -> None:
        """Ask what it would cost, and fill the ceiling in."""
        if self.sending or self.work.running:
            return
        values = self.read()
        self.state = "running"
        self.say("Asking what it would cost…")
        self.work.start(lambda: self.kind.estimate(self.workspace, values), self._estimated)

    def _estimated(self, cost: int | None) -> None:
        ceiling = self.entries["max_fees"]
        self.state = "ready"
        if cost is not None and isinstance(ceiling, AmountField):
            ceiling.show(cost)
            self.say("The ceiling of fees is what the service estimates now; it can be changed.")

    # Waiting, and the end

    def wait(self, seconds: float = 60.0) -> "KindForm":
        """Wait in a cell until what runs behind the form is done."""
        self._names.wait(seconds)
        self._units.wait(seconds)
        super().wait(seconds)
        return self

    def close(self) -> None:
        """End the form."""
        self._names.stop()
        self._units.stop()
        super().close()


def _unmarked(draft: Draft) -> Any:
    """Return the payload without its mark: the line makes a draft with a mark of its own."""
    payload, mark = draft.payload, draft.mark
    note = payload.values().get("note")
    if mark is None or note is None:
        return payload
    if note.content == mark:
        return payload.replace(note=None if note.title == "ledgerkit" else type(note)(note.title, ""))
    return payload.replace(note=type(note)(note.title, note.content.removesuffix(f" [{mark}]")))


def _written(value: Any) -> str:
    """Return the code that makes a payload or a part of one."""
    if not isinstance(value, Checked):
        return repr(value)
    given = ", ".join(f"{name}={_written(one)}" for name, one in value.values().items() if one is not None)
    return f"lk.payloads.{type(value).__name__}({given})"
