"""What all forms that create something share: fields, a review, an explicit yes, one send, and what became of it."""

import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

import ipywidgets as widgets
import pandas as pd
import traitlets

from ledgerkit.errors import InvalidRequest, LedgerError, OutcomeUnknown
from ledgerkit.forms.approval import ApprovalPanel
from ledgerkit.forms.base import Form, close_all
from ledgerkit.forms.code import CodeBox
from ledgerkit.forms.entering import on_enter
from ledgerkit.forms.fields import Field
from ledgerkit.forms.progress import Progress
from ledgerkit.forms.work import Work
from ledgerkit.forms.workspace import Workspace
from ledgerkit.outcomes import Outcome
from ledgerkit.showing import QUIET, beside, fields, page, told, visible, visible_frame
from ledgerkit.states import words

STEPS: Final = ("fields", "review", "sending", "sent", "unknown")
_VERDICTS: Final = {
    "problem": ("lk-refused", "Problem"),
    "warning": ("lk-waiting", "Look at this"),
    "ok": ("lk-done", "Checked"),
}
# What the names of checks say to who does not write code.
_CHECKED: Final = {"double": "Not paid before"}
_READS_ONLY: Final = (
    "This session reads only: nothing can be sent from here, and a review can still be made. To send, open a session "
    "with connect(..., writes=True), and a form of that one."
)
_LOST: Final = (
    "<div class='lk-message lk-error' role='alert'><strong>What became of it is not known.</strong> It was sent, and "
    "it may have been carried out. Do not make it again before you have looked for it, here or with "
    "form.draft.find().</div>"
)


class WriteForm(Form):
    """Create something in the steps fields, review, confirmation, one send, result.

    A subclass gives :meth:`fields` and :meth:`prepare`, and may say more with the other methods.

    Parameters
    ----------
    workspace
        Where it is created.

    Attributes
    ----------
    step
        ``"fields"``, ``"review"``, ``"sending"``, ``"sent"``, or ``"unknown"`` where the answer was lost.
    sending
        Whether a write is in flight.
    draft
        What was reviewed last.
    sent
        Every draft that was sent from here, the newest last, whatever became of it.
    entries
        The fields by name.
    code
        The lines of Python that make the same draft.
    """

    title: ClassVar[str] = "Create a request"
    # What a person says yes to, and the button that does it.
    agreed: ClassVar[str] = "This is what I mean"
    action: ClassVar[str] = "Create request"
    # What is made, in words.
    makes: ClassVar[str] = "request"
    # The lines of a payload that the facts of its draft say too, in units that people speak in.
    repeated: ClassVar[frozenset[str]] = frozenset()

    step = traitlets.Enum(STEPS, default_value="fields")
    sending = traitlets.Bool(default_value=False)
    code = traitlets.Unicode("")

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self.draft: Any = None
        self.sent: list[Any] = []
        self.entries: dict[str, Field] = {}
        # The one draft that a click may send. Whoever sends takes it away first.
        self._ticket: Any = None
        # Whether what is in the fields was sent: it is not reviewed again before it is changed.
        self._spent = False
        self._reviewed = ""
        # Whether the recipient of what was reviewed looks like a known address, and nothing else stops it.
        self._alike = False
        # Whether it was looked for, after its answer was lost.
        self._looked = False
        # A write of its own, which nothing else that the form does overtakes.
        self._post = Work(self.fail, self.warned)

        self.review = widgets.Button(description="Review", button_style="primary")
        self.clear = widgets.Button(description="Clear")
        self.agree = widgets.Checkbox(description=self.agreed, indent=False)
        self.create = widgets.Button(description=self.action, button_style="primary", disabled=True)
        self.back = widgets.Button(description="Back to edit")
        self.look = widgets.Button(description="Look for it", button_style="primary")
        self.follow = widgets.Button(description="Follow", button_style="primary")
        self.approve = widgets.Button(description="Approve it")
        self.another = widgets.Button(description="Make another")
        self.again = widgets.Checkbox(description="A second one of the same content is meant", indent=False)
        self.again.layout.display = "none"
        self.compared = widgets.Checkbox(
            description="I compared all of the recipient with a source of my own, and mean this one", indent=False
        )
        for one in (self.agree, self.again, self.compared):
            one.add_class("lk-yes")

        self.reads_only = widgets.HTML()
        self.grid = widgets.Box()
        self.grid.add_class("lk-grid")
        self.shown = widgets.HTML()
        self.code_box = CodeBox()
        self.below = widgets.VBox()
        self._fields_box = widgets.VBox()
        self._review_row = _row(self.create, self.back)
        self._sent_row = _row(self.follow, self.approve, self.another)
        self.lost = widgets.HTML(_LOST)
        self._look_row = widgets.VBox([self.lost, _row(self.look)])
        for button, act in (
            (self.review, self.prepare_review),
            (self.clear, self.empty),
            (self.create, self.send),
            (self.back, self.edit),
            (self.look, self.find),
            (self.follow, self.show_progress),
            (self.approve, self.show_approval),
            (self.another, self.make_another),
        ):
            self.on_click(button, act)
        self.agree.observe(self.guarded(lambda _: self._arm()), "value")
        self.compared.observe(self.guarded(lambda _: self._arm()), "value")
        self.again.observe(self.guarded(lambda _: self.edited("again")), "value")
        if not workspace.connection.writes:
            self.reads_only.value = (
                f"<div class='lk-message lk-warning mathjax_ignore tex2jax_ignore' role='alert'>{_READS_ONLY}</div>"
            )
        self.show_fields(self.fields())

    # What a subclass says

    def fields(self) -> Sequence[Field]:
        """Return the fields to fill in; called once."""
        raise NotImplementedError

    def prepare(self, values: Mapping[str, Any]) -> Any:
        """Return the draft of what was filled in; called in a thread, and touches no widget.

        Parameters
        ----------
        values
            What was filled in by name of field, without the empty ones.
        """
        raise NotImplementedError

    def remarks(self, draft: Any) -> Mapping[str, str]:
        """Return what to say beside the facts of a draft, by their names; called in a thread."""
        return {}

    def code_for(self, values: Mapping[str, Any]) -> str:
        """Return the line that makes the same draft, as ``session.transactions.send(...)``; empty where none does."""
        return ""

    def arrange(self) -> Sequence[widgets.Widget]:
        """Return what the grid shows: the fields, and what a form says beside them."""
        return [one.widget for one in self.entries.values()]

    def extra(self) -> Sequence[widgets.Widget]:
        """Return widgets to show below the fields."""
        return ()

    def read(self) -> dict[str, Any]:
        """Return what was filled in, without what is empty or hidden.

        Raises
        ------
        InvalidRequest
            A field can't be read; it is named.
        """
        values = {}
        for name, field in self.entries.items():
            field.mark(False)
            if field.widget.layout.display == "none":
                continue
            if (value := field.read()) is not None:
                values[name] = value
        return values

    @property
    def unsettled(self) -> bool:
        """Whether what became of a write from here, or of a vote below, is still to be found out."""
        return self.sending or self.step == "unknown" or self._unsettled_below()

    # Step 1: the fields

    def show_fields(self, made: Sequence[Field]) -> None:
        """Show these fields; a review of others is discarded."""
        gone = [one for one in self.entries.values() if all(one is not kept for kept in made)]
        kept = list(self.entries.values())
        self.entries = {one.name: one for one in made}
        self.grid.children = list(self.arrange())
        for one in gone:
            close_all(one.widget)
        for one in made:
            if all(one is not old for old in kept):
                one.on_edit(lambda *_, name=one.name: self.guarded(self.edited)(name))
                on_enter([one], self.guarded(self._entered))
        if not self._fields_box.children:
            self._fields_box.children = (self.grid, *self.extra(), self.again, _row(self.review, self.clear))
            self.lay(
                self.reads_only,
                self._fields_box,
                self.shown,
                self.compared,
                self.agree,
                self._review_row,
                self._look_row,
                self._sent_row,
            )
            # What was said stays beside the buttons that it is about.
            self.children = (*self.children, self.code_box, self.below)
        self.edited("")

    def edited(self, name: str) -> None:
        """Take away what was reviewed: it is no longer what the fields say."""
        if self.unsettled:
            return  # what was sent is settled first
        self._spent = False
        self.work.stop()
        self._disarm()
        if self.step == "review":
            self.say("The fields were changed since the review: review them again.", "warning")
        elif self.state != "ready":
            self.say("", "none")
        self.state = "ready"
        self._go("fields")

    def edit(self) -> None:
        """Go back to the fields, as they are."""
        if self.sending or (self.step == "unknown" and not self._looked) or self._vote_goes_first():
            return
        self._disarm()
        self.say("", "none")
        self.state = "ready"
        self._go("fields")

    def make_another(self) -> None:
        """Begin anew, with empty fields: what is left filled in would be sent, or paid, twice."""
        if self.step != "sent" or self.sending or self._vote_goes_first():
            return
        self.edit()
        self.empty()

    def empty(self) -> None:
        """Empty the fields."""
        for field in self.entries.values():
            field.clear()
        self.again.value = False
        self.edited("")

    # Step 2: the review

    def prepare_review(self) -> None:
        """Make the draft behind, and show it."""
        if self.sending or self.step == "unknown" or self.work.running:
            return
        if self._spent and not self.again.value:
            self.again.layout.display = None
            raise InvalidRequest(
                f"this was sent from here, {self._told(self.sent[-1])}. Change a field to make another one, or tick "
                "that a second one of the same content is meant.",
                field="again",
            )
        values = self.read()
        self._disarm()
        self.state = "running"
        self.say("Looking everything up…")
        self.review.disabled = True

        def job() -> tuple[Any, Mapping[str, str]]:
            draft = self.prepare(values)
            return draft, self.remarks(draft)

        self.work.start(job, lambda made: self._review(values, *made))

    def _entered(self) -> None:
        if self.step == "fields":  # an Enter of before asks for nothing
            self.prepare_review()

    def _review(self, values: Mapping[str, Any], draft: Any, remarks: Mapping[str, str]) -> None:
        self.draft = draft
        self.agree.value = False  # a yes is one to what is shown from here on
        stops = [one for one in draft.checks if one.verdict == "problem"]
        # What only looks like another address is sent where a person says that it is meant.
        alike = bool(stops) and all(one.allowed_by == "look_alike" for one in stops)
        self._ticket = draft if (alike or not stops) and self.workspace.connection.writes else None
        self._alike, self.compared.value = alike, False
        self.code = self._lines(values).replace(".submit()", ".submit(look_alike=True)" if alike else ".submit()")
        self.code_box.code = self.code
        self._reviewed = self.shown.value = review_html(draft, remarks, self.repeated)
        self.state = "ready"
        if any(one.name == "double" and one.verdict == "problem" for one in draft.checks):
            self.again.layout.display = None
        if draft.problems:
            way = " unless you tick that this recipient is meant" if self._ticket is not None else ""
            self.say(f"It can't be sent as it is{way}:\n" + "\n".join(draft.problems), "error")
        elif not self.workspace.connection.writes:
            self.say(_READS_ONLY, "warning")
        else:
            self.say("Nothing was sent yet. Read it, and tick that it is what you mean.")
        self._go("review")

    def _lines(self, values: Mapping[str, Any]) -> str:
        line = self.code_for(values)
        return f"draft = {line}\ndraft\n# After you have read it:\n# draft.submit()" if line else ""

    def _arm(self) -> None:
        if self._ticket is None and self.agree.value:
            self.agree.value = False  # there is nothing yet that it could be about
        compared = self.compared.value or not self._alike
        self.create.disabled = self._ticket is None or not self.agree.value or not compared

    def _disarm(self) -> None:
        self._ticket = None
        self.agree.value = self.compared.value = False
        self.create.disabled = True

    # Step 3: sending

    def send(self) -> None:
        """Send what was reviewed, once."""
        # The browser's clicks come also while a button is disabled or hidden: they were queued before.
        if self.step != "review" or self.create.disabled or not self.agree.value:
            return
        # Before anything else: the clicks that are queued behind this one find no ticket.
        ticket, self._ticket = self._ticket, None
        if ticket is None:
            return
        self.create.disabled = True
        self.sending = self._spent = True
        self.sent.append(ticket)
        meant = {"look_alike": True} if self._alike else {}
        again = self.again.value
        self.state = "running"
        self._go("sending")
        self.say(f"Sending the {self.makes}…")

        def job() -> Any:
            try:
                return ticket.submit(again=again, **meant)
            except Exception as error:  # noqa: BLE001 - shown by what follows
                return error

        self._post.start(job, lambda result: self._answered(ticket, result))

    def _answered(self, draft: Any, result: Any) -> None:
        self.sending = False
        self.agree.value = False
        if draft.request_id is not None:
            self._created(draft, result if isinstance(result, pd.DataFrame) else None)
        elif isinstance(result, OutcomeUnknown) or draft.state == "unknown":
            self._unknown(result)
        else:
            self._refused(draft, result)

    def _refused(self, draft: Any, error: BaseException) -> None:
        """Nothing was made: the fields may be corrected, or the same reviewed anew."""
        self.sent.remove(draft)
        self._spent = False
        self._go("fields")
        if isinstance(error, LedgerError) and error.details.get("field") == "again":
            self.again.layout.display = None
        self.fail(error)

    # Step 4: what became of it

    def _created(self, draft: Any, frame: pd.DataFrame | None) -> None:
        self.state = "done"
        self.again.value = False
        self.again.layout.display = "none"
        self._spent = True
        status = (
            "" if frame is None or "status" not in frame else f" Its status: {words(str(frame['status'].iloc[0]))}."
        )
        # Out of the way of what comes next, and there to be read.
        self.shown.value = f"<details><summary>What was sent</summary>{self._reviewed}</details>"
        self._go("sent")
        self.say(f"{self.makes.capitalize()} {draft.request_id} was created.{status} {self.next_step()}", "done")

    def next_step(self) -> str:
        """Return what comes next, in words."""
        return "It waits for your own approval first: nobody else is told before."

    def _unknown(self, error: BaseException) -> None:
        self.state = "failed"
        self._looked = False
        self._go("unknown")
        self.say(
            f"WHAT BECAME OF IT IS NOT KNOWN: the {self.makes} was sent, and its answer was lost.",
            "error",
            details=str(error),
        )

    def find(self) -> None:
        """Look whether what was sent was carried out."""
        if self.sending or not self.sent or self.work.running:
            return
        draft = self.sent[-1]
        self.state = "running"
        self.look.disabled = True
        self.say("Looking for it, several times…")
        self.work.start(draft.find, lambda outcome: self._found(draft, outcome))

    def _found(self, draft: Any, outcome: Outcome) -> None:
        if outcome.state == "found" and draft.request_id is not None:
            self._created(draft, None)
            return
        self.state = "failed"
        candidates = "" if outcome.candidates.empty else visible_frame(outcome.candidates).to_string()
        self.say(f"{outcome.state.capitalize()}: {outcome.text}", "warning", details=candidates)
        self._looked = True
        self._go("unknown")

    def show_progress(self) -> None:
        """Follow what was made until nothing more happens to it."""
        request_id = self.sent[-1].request_id if self.sent else None
        if request_id is not None and not self.sending and not self._vote_goes_first():
            self._put_below(lambda: Progress(self.workspace, request_id))

    def show_approval(self) -> None:
        """Compare what would be signed with the draft, and approve it."""
        draft = self.sent[-1] if self.sent else None
        if draft is None or draft.request_id is None or self.sending or self._vote_goes_first():
            return
        self._put_below(lambda: self._panel(draft))

    def _panel(self, draft: Any) -> ApprovalPanel:
        panel = ApprovalPanel(self.workspace, draft.request_id, intent=draft)
        # Whoever looks whether a write is in flight looks at the form.
        panel.observe(lambda change: setattr(self, "sending", change.new), "sending")
        panel.on_vote(lambda: self.say(""))  # what became of it stands in the panel
        return panel

    # The rest

    def fail(self, error: BaseException) -> None:
        """Show what went wrong; what was entered stays."""
        super().fail(error)
        self.review.disabled = self.look.disabled = False
        if isinstance(error, LedgerError) and (field := self.entries.get(str(error.details.get("field")))):
            field.mark(True)

    def wait(self, seconds: float = 60.0) -> "WriteForm":
        """Wait in a cell until what runs behind the form is done."""
        self._post.wait(seconds)
        self.work.wait(seconds)
        return self

    def text(self) -> str:
        """Return what the form shows, as text, for where no widgets can be shown."""
        reviewed = f"\n{self.draft!r}" if self.step != "fields" and self.draft is not None else ""
        return f"{super().text()}{reviewed}"

    def close(self) -> None:
        """End the form. A write that is in flight goes on, and ``draft`` says what became of it."""
        self._post.stop()
        self._put_below(None)
        super().close()

    def _told(self, draft: Any) -> str:
        return f"as {self.makes} {draft.request_id}" if draft.request_id is not None else "with an outcome unknown"

    def _unsettled_below(self) -> bool:
        return any(getattr(one, "unsettled", False) for one in self.below.children)

    def _vote_goes_first(self) -> bool:
        """Say that a vote whose answer was lost is looked for before its panel may go, if there is one."""
        if not self._unsettled_below():
            return False
        self.say(
            "Whether your vote below is in is not known: look for it there first. Nothing else was done.", "warning"
        )
        return True

    def _put_below(self, make: Callable[[], Form] | None) -> None:
        for one in self.below.children:
            one.close()
        self.below.children = () if make is None else (make(),)

    def _go(self, step: str) -> None:
        """Show what belongs to a step."""
        self.step = step
        can_send = self._ticket is not None
        if step == "fields":
            self._put_below(None)
            self.shown.value = ""
        for widget, shown in (
            (self._fields_box, step == "fields"),
            (self.agree, step == "review" and can_send),
            (self.compared, step == "review" and can_send and self._alike),
            (self._review_row, step == "review" or (step == "unknown" and self._looked)),
            (self.create, can_send),
            (self._look_row, step == "unknown"),
            (self._sent_row, step == "sent"),
            (self.code_box, bool(self.code) and step != "fields"),
        ):
            widget.layout.display = None if shown else "none"
        self.review.disabled = self.look.disabled = False


def review_html(draft: Any, remarks: Mapping[str, str], repeated: frozenset[str] = frozenset()) -> str:
    """Return what a person reads before they say yes: facts, what was checked, problems first, and what is sent."""
    facts = draft.facts
    rows = (
        (
            name,
            told(value)
            + html.escape(beside(value))
            + (f" <strong>{html.escape(visible(remarks[name]))}</strong>" if name in remarks else ""),
            None,
        )
        for name, value in facts
    )
    order = list(_VERDICTS)
    checks = "".join(
        f"<li><span class='lk-pill {_VERDICTS[one.verdict][0]}'>{_VERDICTS[one.verdict][1]}</span> "
        f"<strong>{html.escape(_checked(one.name))}</strong> {told(one.text)}</li>"
        for one in sorted(draft.checks, key=lambda one: order.index(one.verdict))
    )
    mark = getattr(draft, "mark", None)
    found_by = f"<div style='{QUIET}'>It is found again by its mark {html.escape(mark)}.</div>" if mark else ""
    return page(
        "review",
        fields(rows) if facts else "",
        f"<ul class='lk-checks'>{checks}</ul>" if checks else "",
        _sent_html(draft, repeated),
        found_by,
    )


def _checked(name: str) -> str:
    return _CHECKED.get(name, name[:1].upper() + name[1:])


def _sent_html(draft: Any, repeated: frozenset[str]) -> str:
    """Return the payload in its own words: what the facts say too in people's units is folded with the JSON."""
    preview = draft.payload.preview()
    shown: str = preview._repr_html_()
    if not repeated:
        return shown
    rest = ((line.label, told(line.value) + html.escape(beside(line.value)), None) for line in preview.lines)
    unsaid = fields(row for row in rest if row[0] not in repeated)
    return f"{unsaid}<details><summary>What is sent, in base units</summary>{shown}</details>"


def _row(*buttons: widgets.Widget) -> widgets.HBox:
    row = widgets.HBox(list(buttons))
    row.add_class("lk-actions")
    return row
