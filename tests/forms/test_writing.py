"""The way of any request through a form, with drafts that wait, fail and lose answers where a test says."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import ipywidgets as widgets
import pandas as pd
import pytest
from writes.conftest import HurriedClock, open_session

import ledgerkit as lk
from ledgerkit.drafts import Check, Draft
from ledgerkit.errors import ConnectionFailed, InvalidRequest, OutcomeUnknown
from ledgerkit.forms.base import Form
from ledgerkit.forms.fields import Field, TextField
from ledgerkit.forms.workspace import Workspace
from ledgerkit.forms.writing import WriteForm, review_html
from ledgerkit.outcomes import Outcome
from ledgerkit.sandbox import Sandbox


class Service:
    """What takes the drafts of a form: it counts them, and holds them as long as a test says."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.fails: BaseException | None = None
        self.outcome = Outcome("not found", "nothing was seen.")

    def take(self, body: Any) -> pd.DataFrame:
        self.got.append(body.note.content)
        self.may_answer.wait(20)
        if self.fails is not None:
            raise self.fails
        return pd.DataFrame({"id": [len(self.got)], "status": ["PENDING_APPROVAL"]})


class NoteForm(WriteForm):
    """A form of two fields, whose drafts a service of the test takes."""

    def __init__(self, workspace: Workspace, service: Service) -> None:
        self.service = service
        self.checks: tuple[Check, ...] = ()
        self.prepared: list[Mapping[str, Any]] = []
        super().__init__(workspace)

    def fields(self) -> Sequence[Field]:
        return [TextField("title", "Title"), TextField("text", "Text")]

    def prepare(self, values: Mapping[str, Any]) -> Any:
        self.prepared.append(values)
        if "title" not in values:
            raise InvalidRequest("`title` is empty.", field="title")
        note = lk.payloads.Note(values["title"], values.get("text", ""))
        body = SimpleNamespace(note=note, type="NOTE", to_json=lambda: {"title": note.title})
        body.preview = lambda: SimpleNamespace(_repr_html_=lambda: f"<pre>{note.title}</pre>")
        return Draft(
            body,  # type: ignore[arg-type]  # a stand-in
            send=self.service.take,
            find=lambda draft: self.service.outcome,
            outbox=self.workspace.connection.outbox,
            checks=self.checks,
            facts=[("title", note.title)],
            mark=f"lk-{len(self.prepared)}",
        )


@pytest.fixture(scope="module")
def connection() -> Iterator[Any]:
    with Sandbox(transactions=5, pace=0) as server, open_session(server, sandbox=server, clock=HurriedClock()) as one:
        yield one.accounts._connection


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.may_answer.set()


@pytest.fixture
def form(connection: Any, service: Service) -> Iterator[NoteForm]:
    made = NoteForm(Workspace(connection), service)
    yield made
    made.close()


@pytest.fixture
def reviewed(form: NoteForm, request: pytest.FixtureRequest) -> NoteForm:
    """A form whose review is shown, and was agreed to; each test sends a text of its own."""
    form.entries["title"].write(request.node.name)
    form.review.click()
    form.wait()
    form.agree.value = True
    return form


def seen(part: widgets.Widget) -> bool:
    return bool(part.layout.display != "none")


def until(condition: Callable[[], bool]) -> None:
    """Wait until a thread has come somewhere."""
    waiting = threading.Event()
    for _ in range(2000):
        if condition():
            return
        waiting.wait(0.005)
    pytest.fail("it did not come to this")


def test_each_step_shows_what_belongs_to_it(form: NoteForm) -> None:
    assert [seen(one) for one in (form._fields_box, form._review_row, form._sent_row, form._look_row)] == [
        True,
        False,
        False,
        False,
    ]
    form.entries["title"].write("Steps")
    form.review.click()
    form.wait()
    assert form.step == "review"
    assert [seen(one) for one in (form._fields_box, form._review_row, form.agree)] == [False, True, True]
    assert form.create.disabled
    form.agree.value = True
    assert not form.create.disabled
    form.create.click()
    form.wait()
    assert (form.step, form.state) == ("sent", "done")
    assert [seen(one) for one in (form.agree, form._review_row, form._sent_row)] == [False, False, True]
    assert "What was sent" in form.shown.value
    assert "Steps" in form.shown.value


def test_sending_is_seen_at_once_and_sends_once(reviewed: NoteForm, service: Service) -> None:
    service.may_answer.clear()
    for _ in range(3):
        reviewed.create.click()
    assert (reviewed.sending, reviewed.step, reviewed.state) == (True, "sending", "running")
    assert "Sending" in reviewed.message
    for button in (reviewed.review, reviewed.back, reviewed.another, reviewed.look, reviewed.create):
        button.click()
    reviewed.entries["title"].write("typed while it is sent")
    assert reviewed.step == "sending"
    service.may_answer.set()
    reviewed.wait()
    assert len(service.got) == 1
    assert (reviewed.sending, reviewed.step) == (False, "sent")


def test_without_a_yes_nothing_is_sent(form: NoteForm, service: Service) -> None:
    form.entries["title"].write("No yes")
    form.review.click()
    form.wait()
    form.create.click()
    form.agree.value = True
    form.agree.value = False
    form.create.click()
    form.wait()
    assert service.got == []
    assert form.step == "review"


def test_a_yes_from_before_the_review_is_shown_counts_for_nothing(form: NoteForm, service: Service) -> None:
    form.entries["title"].write("Unread")
    form.review.click()
    form.agree.value = True  # queued while everything is looked up
    assert not form.agree.value
    form.create.click()
    form.wait()
    form.create.click()
    form.wait()
    assert (form.step, form.agree.value, form.create.disabled) == ("review", False, True)
    assert service.got == []
    form.agree.value = True
    form.create.click()
    form.wait()
    assert (form.step, len(service.got)) == ("sent", 1)


def test_a_click_on_a_button_that_is_disabled_sends_nothing(reviewed: NoteForm, service: Service) -> None:
    reviewed.create.disabled = True
    reviewed.create.click()
    reviewed.wait()
    assert (reviewed.step, service.got) == ("review", [])


def test_a_form_is_unsettled_from_the_send_until_it_is_known_what_became_of_it(
    reviewed: NoteForm, service: Service
) -> None:
    seen_at = [reviewed.unsettled]
    service.fails = OutcomeUnknown("lost.")
    reviewed.create.click()
    seen_at.append(reviewed.unsettled)
    reviewed.wait()
    seen_at.append(reviewed.unsettled)
    service.outcome = Outcome("found", "there it is.", 7)
    reviewed.look.click()
    reviewed.wait()
    assert (reviewed.step, [*seen_at, reviewed.unsettled]) == ("sent", [False, True, True, False])


class Vote(Form):
    """A panel whose vote was posted, and its answer lost."""

    unsettled = True


def test_a_lost_vote_is_not_put_away_by_what_comes_next(reviewed: NoteForm) -> None:
    reviewed.create.click()
    reviewed.wait()
    vote = Vote(reviewed.workspace)
    reviewed.below.children = (vote,)
    assert reviewed.unsettled
    for button in (reviewed.follow, reviewed.approve, reviewed.another):
        reviewed.say("", "none")
        button.click()
        assert "look for it there first" in reviewed.message
    reviewed.entries["title"].write("typed meanwhile")
    assert (reviewed.step, reviewed.below.children, vote.comm is None) == ("sent", (vote,), False)
    vote.unsettled = False
    reviewed.another.click()
    assert (reviewed.step, reviewed.below.children, vote.comm) == ("fields", (), None)


def test_a_form_that_is_closed_while_it_sends_does_not_lose_the_outcome(reviewed: NoteForm, service: Service) -> None:
    service.may_answer.clear()
    reviewed.create.click()
    reviewed.close()
    service.may_answer.set()
    draft = reviewed.draft
    until(lambda: draft.state == "sent")
    assert draft.request_id == 1
    assert len(service.got) == 1


def test_back_to_edit_keeps_what_was_typed_and_takes_the_yes_away(reviewed: NoteForm, service: Service) -> None:
    title = reviewed.entries["title"].read()
    reviewed.back.click()
    assert reviewed.step == "fields"
    assert reviewed.entries["title"].read() == title
    assert not reviewed.agree.value
    reviewed.agree.value = True
    reviewed.create.click()
    reviewed.wait()
    assert service.got == []


def test_an_edit_while_a_draft_is_made_gives_that_draft_up(form: NoteForm, service: Service) -> None:
    form.entries["title"].write("First")
    form.review.click()
    form.entries["title"].write("Second")
    form.wait()
    assert (form.step, form.draft) == ("fields", None)
    form.review.click()
    form.wait()
    assert form.draft.payload.note.title == "Second"


def test_problems_come_first_and_leave_nothing_to_click(form: NoteForm, service: Service) -> None:
    form.checks = (Check("small", "ok", "fine"), Check("large", "problem", "it is too <b>large</b>"))
    form.entries["title"].write("Problem")
    form.review.click()
    form.wait()
    assert form.message_kind == "error"
    assert "large: it is too <b>large</b>" in form.message
    assert form.shown.value.index("Large") < form.shown.value.index("Small")
    assert "<b>" not in form.shown.value
    assert not seen(form.create)
    assert seen(form.back)
    form.agree.value = True
    form.create.click()
    form.wait()
    assert service.got == []


def test_a_field_that_was_refused_is_marked_until_it_is_edited(form: NoteForm) -> None:
    form.entries["text"].write("kept")
    form.review.click()
    form.wait()
    title = form.entries["title"]
    assert (form.state, form.message) == ("failed", "`title` is empty.")
    assert "lk-wrong" in title.widget._dom_classes
    assert form.entries["text"].read() == "kept"
    title.write("now")
    assert "lk-wrong" not in title.widget._dom_classes
    assert form.message == ""


def test_what_never_reached_the_service_may_be_reviewed_and_sent(reviewed: NoteForm, service: Service) -> None:
    service.fails = ConnectionFailed("no route.")
    reviewed.create.click()
    reviewed.wait()
    assert (reviewed.step, reviewed.message, reviewed.sent) == ("fields", "no route.", [])
    service.fails = None
    reviewed.review.click()
    reviewed.wait()
    reviewed.agree.value = True
    reviewed.create.click()
    reviewed.wait()
    assert reviewed.step == "sent"


@pytest.mark.parametrize("error", [OutcomeUnknown("lost."), RuntimeError("a fault of ours")])
def test_whatever_ends_a_send_without_an_answer_is_an_unknown_outcome(
    reviewed: NoteForm, service: Service, error: Exception
) -> None:
    service.fails = error
    reviewed.create.click()
    reviewed.wait()
    assert (reviewed.step, reviewed.message_kind, reviewed.sending) == ("unknown", "error", False)
    assert seen(reviewed._look_row)
    assert "NOT KNOWN" in reviewed.text()
    for button in (reviewed.review, reviewed.back, reviewed.another, reviewed.create, reviewed.clear):
        button.click()
    reviewed.wait()
    assert (reviewed.step, len(service.got)) == ("unknown", 1)
    service.outcome = Outcome("found", "there it is.", 7)
    reviewed.look.click()
    reviewed.wait()
    assert reviewed.step == "sent"
    assert "Request 7 was created" in reviewed.message


def test_what_can_not_be_told_shows_the_candidates(reviewed: NoteForm, service: Service) -> None:
    service.fails = OutcomeUnknown("lost.")
    reviewed.create.click()
    reviewed.wait()
    service.outcome = Outcome("can't tell", "it has no note.", candidates=pd.DataFrame({"id": [311]}))
    reviewed.look.click()
    reviewed.wait()
    assert reviewed.message == "Can't tell: it has no note."
    assert "311" in reviewed._message.value
    assert seen(reviewed.back)
    assert not seen(reviewed.create)


def test_a_look_that_fails_leaves_the_outcome_unknown(reviewed: NoteForm, service: Service) -> None:
    service.fails = OutcomeUnknown("lost.")
    reviewed.create.click()
    reviewed.wait()

    def fail(_: Any) -> Outcome:
        raise ConnectionFailed("no route.")

    reviewed.draft._find = fail
    reviewed.look.click()
    reviewed.wait()
    assert (reviewed.step, reviewed.message) == ("unknown", "no route.")
    assert "is not known" in reviewed.lost.value
    assert not reviewed.look.disabled
    assert not seen(reviewed._review_row)


def test_other_fields_discard_the_review(reviewed: NoteForm, service: Service) -> None:
    old = reviewed.entries["title"]
    reviewed.show_fields([reviewed.entries["text"], TextField("title", "Another title")])
    assert reviewed.step == "fields"
    assert reviewed.entries["title"] is not old
    assert old.widget.comm is None
    reviewed.create.click()
    reviewed.wait()
    assert service.got == []


def test_a_hidden_field_is_not_read(form: NoteForm) -> None:
    form.entries["title"].write("Shown")
    form.entries["text"].write("Hidden")
    form.entries["text"].widget.layout.display = "none"
    assert form.read() == {"title": "Shown"}


def test_nothing_of_a_draft_is_html() -> None:
    draft = SimpleNamespace(
        checks=[Check("name", "ok", "<i>text</i>")],
        facts=[("<b>fact</b>", "<u>value</u>")],
        payload=SimpleNamespace(preview=lambda: SimpleNamespace(_repr_html_=lambda: "")),
    )
    shown = review_html(draft, {"<b>fact</b>": "<s>remark</s>"})
    assert "&lt;s&gt;remark&lt;/s&gt;" in shown
    for tag in ("<b>", "<u>", "<i>", "<s>"):
        assert tag not in shown


def test_make_another_begins_with_empty_fields(reviewed: NoteForm) -> None:
    reviewed.create.click()
    reviewed.wait()
    reviewed.another.click()
    assert (reviewed.step, reviewed.read()) == ("fields", {})


def test_enter_in_a_text_asks_for_the_review_and_never_sends(form: NoteForm, service: Service) -> None:
    form.entries["title"].write("By keyboard")
    text: Any = form.entries["title"]
    for _ in range(3):
        text.input._handle_custom_msg({"event": "submit"}, [])
        form.wait()
    assert form.step == "review"
    assert (len(form.prepared), service.got) == (1, [])
