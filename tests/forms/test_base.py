"""What all forms share: errors in words, text without widgets, and an end that leaves nothing behind."""

import gc
import weakref
from collections.abc import Iterator

import ipywidgets as widgets
import pytest

import ledgerkit as lk
from ledgerkit.errors import IncompleteResult, warn
from ledgerkit.forms.base import Form
from ledgerkit.forms.style import style
from ledgerkit.forms.workspace import Workspace


class Example(Form):
    title = "An example"

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self.name = widgets.Text(description="Name")
        self.go = widgets.Button(description="Go")
        self.on_click(self.go, self._go)
        self.lay(self.name, self.go)

    def _go(self) -> None:
        if not self.name.value:
            raise lk.InvalidRequest("`name` is missing: type one.", field="name")
        raise KeyError(self.name.value)


@pytest.fixture
def form(session: lk.Session) -> Iterator[Example]:
    form = Example.on(session.accounts._connection)
    yield form
    form.close()


def test_a_form_says_where_it_is_before_anything_else(form: Example) -> None:
    assert "SANDBOX" in form.head.value
    assert form.children[1] is form.head


def test_an_error_is_shown_in_the_form_in_words(form: Example) -> None:
    form.go.click()
    assert form.state == "failed"
    assert form.message == "`name` is missing: type one."
    assert "role='alert'" in form.children[-1].value


def test_a_fault_of_the_kit_is_shown_too_and_leaves_the_input(form: Example) -> None:
    form.name.value = "<b>Dana</b>"
    form.go.click()
    assert "fault of the kit" in form.message
    assert "<b>" not in form.children[-1].value  # what was typed is text, not markup
    assert form.name.value == "<b>Dana</b>"


def test_what_a_job_warns_about_is_shown_below_what_it_found(form: Example) -> None:
    form.work.start(lambda: warn("the rows may not be complete", IncompleteResult), lambda _: form.say("2 rows"))
    form.wait()
    assert form.message == "2 rows\nthe rows may not be complete"
    assert form.message_kind == "warning"


def test_a_closed_search_lets_its_rows_go(session: lk.Session) -> None:
    form = session.users.form()
    form.run()
    form.wait()
    rows = weakref.ref(form.frame)
    form.close()
    del form
    gc.collect()
    assert rows() is None


def test_without_widgets_the_same_is_there_as_text(form: Example) -> None:
    form.say(" ".join(["2 accounts were found."] * 20))
    bundle = form._repr_mimebundle_()
    assert bundle["text/plain"] == form.text()
    assert form.message in bundle["text/plain"]


def test_a_closed_form_leaves_no_widget_behind_but_the_style_sheet_of_all(session: lk.Session) -> None:
    style()
    before = set(widgets.widget._instances)
    form = Example.on(session.accounts._connection)
    assert len(widgets.widget._instances) > len(before)
    form.close()
    assert set(widgets.widget._instances) == before


def test_the_style_sheet_is_sent_once(session: lk.Session) -> None:
    first, second = (Example.on(session.accounts._connection) for _ in range(2))
    assert first.children[0] is second.children[0]
    first.close()
    assert second.children[0].comm is not None
    second.close()
