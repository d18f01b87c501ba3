"""Search forms: every read of every section, made from the signature of its method."""

import html
import inspect
from functools import partial
from typing import Any, ClassVar, Self

import ipywidgets as widgets
import pandas as pd
import traitlets

from ledgerkit.errors import InvalidRequest
from ledgerkit.filters import filters
from ledgerkit.forms import cells
from ledgerkit.forms.base import Form
from ledgerkit.forms.code import CodeBox
from ledgerkit.forms.detail import Detail
from ledgerkit.forms.entering import on_enter
from ledgerkit.forms.fields import Field, PickField, TimeField
from ledgerkit.forms.pickers import Named, names
from ledgerkit.forms.ranges import RANGES, bounds
from ledgerkit.forms.results import Results, counted, empty
from ledgerkit.forms.sections import NAMED, WHOLE, common, fields_of, folded_away, given, method_of, required
from ledgerkit.forms.style import style
from ledgerkit.forms.work import Work
from ledgerkit.forms.workspace import Workspace
from ledgerkit.resources.base import Section
from ledgerkit.showing import visible, visible_frame
from ledgerkit.watching import Watch

STALE = "The filters were changed since: what is shown is what the filters before found."
MORE = "More filters"
NAMES_FIRST = "Names are still being looked up: the search begins by itself once they are there."
# What is shown where there is no front end.
ROWS_AS_TEXT, COLUMNS_AS_TEXT = 5, 6


class SearchForm(Form):
    """A form for one read of one section.

    Parameters
    ----------
    workspace
        Where it reads.
    section
        The name of a section in a session, such as ``"transactions"``.
    method
        One of its reads.

    Attributes
    ----------
    fields
        The fields by parameter, each with ``read()`` and ``write(value)``.
    frame
        What was found; None before, while it runs, and after it was stopped or failed.
    stale
        Whether a filter was changed since.
    code
        The line of Python that returns the same frame; empty where what is filled in can't be read.
    detail
        Where an object of the results is opened: below, unless another was set.
    """

    title: ClassVar[str] = "Search"

    frame = traitlets.Instance(pd.DataFrame, allow_none=True)
    stale = traitlets.Bool(False)
    code = traitlets.Unicode("")

    def __init__(self, workspace: Workspace, section: str, method: str = "search") -> None:
        self.section = workspace.section(section)
        self._method = method_of(type(self.section), method)
        self._call = f"{section}.{method}"
        self.fields: dict[str, Field] = fields_of(self._method)
        super().__init__(workspace)
        self.head.value += f"<div class='lk-call'>{_summary(section, method, self._method)}</div>"
        self._names = Work(self._without_names)
        self._watched: Watch | None = None
        self._edited_meanwhile = False
        # Whether a search was asked for that begins once names are there.
        self._awaits_names = False
        self._make(section, method)
        for field in self.fields.values():
            field.on_edit(self._edited)
        on_enter(self.fields.values(), self.guarded(self._entered))
        self._edited()
        self._look_up_names()

    @classmethod
    def of(cls, section: Section, method: str = "search") -> Self:
        """Make the form of a section; the form that an earlier run of the same cell made is closed."""
        method_of(type(section), method)  # a widget that is not made to its end can't be closed
        form = cls.on(section._connection, section.name, method)
        cells.replace(form, form._call)
        return form

    def _make(self, section: str, method: str) -> None:
        shown = common(section, method, self._method)
        self._hidden = folded_away(self._method, shown)
        grid = widgets.Box([self.fields[name].widget for name in shown])
        grid.add_class("lk-grid")
        self._folded: widgets.Accordion | None = None
        if self._hidden:
            more = widgets.Box([self.fields[name].widget for name in self._hidden])
            more.add_class("lk-grid")
            self._folded = widgets.Accordion([more], titles=(MORE,), selected_index=None)
            self._folded.add_class("lk-more")
        self.search = widgets.Button(description="Search", button_style="primary", tooltip=f"Call {self._call}")
        self.cancel = widgets.Button(description="Cancel", disabled=True, tooltip="Give up the search that runs")
        self.empty = widgets.Button(description="Clear", tooltip="Empty all filters")
        self.on_click(self.search, self.run)
        self.on_click(self.cancel, self.stop)
        self.on_click(self.empty, self.clear)
        self.bar = widgets.IntProgress(min=0, max=1, tooltip="How much of what is read has come")
        self.bar.layout.display = "none"
        self._progress = widgets.Label()
        actions = widgets.HBox([self.search, self.cancel, self.empty, self.bar, self._progress])
        actions.add_class("lk-actions")
        self._stale = widgets.HTML()
        self.results = Results(self.workspace, on_open=self.guarded(self._open))
        self.code_box = CodeBox()
        self.detail: Detail | None = None
        self._place = widgets.VBox()
        parts = [grid, *self._ranges(), *([self._folded] if self._folded is not None else []), actions]
        self.lay(*parts)

    def lay(self, *parts: widgets.Widget) -> None:
        """Put the form together: what it says stands below its buttons, where a long table can't hide it."""
        below = (self._message, self._stale, self.results, self.code_box, self._place)
        self.children = (style(), self.head, *parts, *below)

    def _ranges(self) -> list[widgets.Widget]:
        """Return the row of quick ranges, where the method takes two moments."""
        for first, last in (("created_after", "created_before"), ("start", "end")):
            if isinstance(self.fields.get(first), TimeField) and isinstance(self.fields.get(last), TimeField):
                buttons = []
                for name in RANGES:
                    button = widgets.Button(description=name, tooltip=f"Fill in {first} and {last}: {name.lower()}")
                    self.on_click(button, partial(self.choose_range, name, first, last))
                    buttons.append(button)
                row = widgets.HBox(buttons)
                row.add_class("lk-ranges")
                return [row]
        return []

    def choose_range(self, name: str, first: str = "created_after", last: str = "created_before") -> None:
        """Fill in the two moments of a quick range, such as ``"Last 7 days"``, by the server's clock."""
        connection = self.workspace.connection
        after, before = bounds(name, connection.transport.server_time(), connection.zone)
        self.fields[first].write(after)
        self.fields[last].write(before)
        if self._folded is not None and (first in self._hidden or last in self._hidden):
            self._folded.selected_index = 0  # what is filled in is seen

    # Names

    def _look_up_names(self) -> None:
        kinds: list[Named] = list(dict.fromkeys(NAMED[name] for name in self.fields if name in NAMED))
        if kinds:
            self._names.start(lambda: {kind: names(self.workspace, kind) for kind in kinds}, self._offer)

    def _offer(self, found: dict[Named, dict[str, Any]]) -> None:
        for name, field in self.fields.items():
            if isinstance(field, PickField) and name in NAMED:
                field.offer(found[NAMED[name]])
        self._names_settled()

    def _without_names(self, error: BaseException) -> None:
        self._names_settled()
        # What a search says is more important than what it lacks.
        if not self.work.running and self.message_kind in ("none", "info", "done"):
            self.say(f"Names could not be looked up, so that ids are to be typed: {error}", "warning")

    def _names_settled(self) -> None:
        if self._awaits_names:
            self.guarded(self.run)()

    def _needs_names(self) -> bool:
        """Say whether something was typed that only names that are still to come give a meaning."""
        return self._names.running and any(
            isinstance(field, PickField) and name in NAMED and _may_name(field) for name, field in self.fields.items()
        )

    # What it does

    def values(self) -> dict[str, Any]:
        """Return what is filled in, as arguments of the method.

        Raises
        ------
        InvalidRequest
            A field can't be read, or one that is needed is empty.
        """
        known = filters(self._method)
        read = {name: given(field, known[name].kind) for name, field in self.fields.items()}
        for name in required(self._method):
            if read[name] is None:
                label = self.fields[name].label
                raise InvalidRequest(f"{label}: it is empty, and there is nothing to ask without it.", field=name)
        return {name: value for name, value in read.items() if value is not None}

    def run(self) -> None:
        """Search; what was found is in ``frame`` once it is there, and what went wrong in ``message``."""
        self.work.stop()
        for field in self.fields.values():
            field.mark(False)
        self._forget()
        self._awaits_names = self._needs_names()
        if self._awaits_names:
            self._running(True)
            self._progress.value = "waiting for names"
            self.say(NAMES_FIRST)
            return
        try:
            values = self.values()
        except InvalidRequest as error:
            self.code = self.code_box.code = ""
            self.fail(error)
            return
        self.code = self.code_box.code = self._line(values)
        self._running(True)
        self.say("")
        self.work.start(partial(self._method, self.section, **values), self._found, ticked=self._ticked)
        self._watched = self.work.watch

    def _entered(self) -> None:
        if not self.search.disabled:
            self.run()

    def stop(self) -> None:
        """Give up the search that runs."""
        if not self.work.running and not self._awaits_names:
            return
        self.work.stop()
        self._awaits_names = False
        self._running(False)
        self.state = "stopped"
        self.say("Stopped: what had come was dropped. The filters are as they were.")
        self._edited()  # while it ran the line was that of the search

    def clear(self) -> None:
        """Empty all filters; what was found stays."""
        for field in self.fields.values():
            field.clear()

    def fail(self, error: BaseException) -> None:
        """Show what went wrong, at the field that it is about; what was entered stays."""
        ended = not self.work.running and not self._awaits_names
        if ended:
            self._running(False)
        super().fail(error)
        wrong = getattr(error, "details", {}).get("field")
        if wrong in self.fields:
            self.fields[wrong].mark(True)
            if self._folded is not None and wrong in self._hidden:
                self._folded.selected_index = 0
        if ended and self.frame is None:
            self._edited()  # while it ran the line was that of the search

    def wait(self, seconds: float = 60.0) -> Self:
        """Wait in a cell until the search is done, and names are there to pick from.

        Raises
        ------
        TimeoutError
            It is not done within the time; it goes on.
        """
        self._names.wait(seconds)
        super().wait(seconds)
        self.results.wait(seconds)
        return self

    def close(self) -> None:
        """End the form: what runs is given up, and none of its widgets stays."""
        self._names.stop()
        for part in (self.results, *self._place.children):  # a detail that stands elsewhere belongs to whoever set it
            part.close()
        super().close()

    def _running(self, runs: bool) -> None:
        if runs:
            self.state = "running"
        self.search.disabled, self.cancel.disabled = runs, not runs
        self.bar.layout.display = None if runs else "none"
        self.bar.value, self.bar.max = 0, 1
        self._progress.value = "asking" if runs else ""

    def _forget(self) -> None:
        self.frame = None
        self.stale = self._edited_meanwhile = False
        self._stale.value = ""
        self.results.clear()

    def _ticked(self, watch: Watch) -> None:
        self.bar.max, self.bar.value = max(watch.calls_expected, 1), watch.calls_done
        unit = "page" if "limit" in self.fields else "answer"
        self._progress.value = f"{unit} {watch.calls_done} of {watch.calls_expected}"

    def _found(self, frame: pd.DataFrame) -> None:
        self._running(False)
        self.frame = frame
        self.results.show(frame)
        if self._edited_meanwhile:
            self._mark_stale()
        self.state = "done"
        problems = list(dict.fromkeys(self._watched.warnings)) if self._watched is not None else []
        named = [told for name, told in WHOLE.items() if name in frame.attrs.get("parameters", {})]
        if frame.empty and named:
            problems.append(f"{named[0]} may be matched whole: a part of one then finds nothing.")
        self.say("\n".join(problems), "warning" if problems else "none")

    def _edited(self) -> None:
        if self._folded is not None:
            # A filter that nobody sees must not be one that nobody knows of.
            filled = sum(_filled(self.fields[name]) for name in self._hidden)
            self._folded.titles = (f"{MORE} · {filled} filled in" if filled else MORE,)
        if self.work.running:
            self._edited_meanwhile = True  # the line is that of what runs
            return
        if self.frame is not None:
            self._mark_stale()
            return
        try:
            self.code = self.code_box.code = self._line(self.values())
        except InvalidRequest:
            self.code = self.code_box.code = ""  # what can't be read yet is told when it is searched for

    def _mark_stale(self) -> None:
        self.stale = True
        self._stale.value = f"<div class='lk-message lk-warning' role='status'>{STALE}</div>"

    def _line(self, values: dict[str, Any]) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in values.items())
        return f"frame = {self.workspace.variable()}.{self._call}({arguments})"

    def _open(self, kind: str, id: Any) -> None:
        if self.detail is None:
            self.detail = Detail(self.workspace)
            self._place.children = [self.detail]
        self.detail.open(kind, id)

    def text(self) -> str:
        """Return what the form shows, as text, for where no widgets can be shown."""
        lines = [f"{super().text()}", f"session.{self._call}"]
        for name, field in self.fields.items():
            try:
                value = field.read()
            except InvalidRequest as error:
                value = f"? {error}"
            if value is not None:
                lines.append(f"  {name}: {visible(str(value))}")
        if self.frame is not None:
            lines += [STALE] if self.stale else []
            lines.append(f"{counted(self.frame)[0]}.")
            first = visible_frame(self.frame.iloc[:ROWS_AS_TEXT, :COLUMNS_AS_TEXT])
            lines.append(first.to_string(index=False) if len(first) else empty(self.frame))
        return "\n".join(lines)


def _may_name(field: PickField) -> bool:
    if not field.input.value.strip():
        return False
    try:
        field.read()
    except InvalidRequest:
        return True
    return not field.integer  # ids say themselves what they are; a text is taken as it is


def _filled(field: Field) -> bool:
    try:
        return field.read() is not None
    except InvalidRequest:
        return True


def _summary(section: str, method: str, called: Any) -> str:
    told = (inspect.getdoc(called) or "").partition("\n")[0].replace("``", "")
    return f"{html.escape(told)} <span class='lk-code'>{section}.{method}</span>"
