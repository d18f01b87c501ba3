"""One request that waits for a vote: what it says, what the approver knows, what would be signed, and the vote."""

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import ipywidgets as widgets
import pandas as pd
import traitlets

from ledgerkit import approvals
from ledgerkit.approvals import Verb, Vote
from ledgerkit.challenges import LEAST_END, LEAST_HEX_END, Review
from ledgerkit.errors import InvalidRequest, LedgerError, OutcomeUnknown
from ledgerkit.forms import telling, units, voting
from ledgerkit.forms.base import Form, head
from ledgerkit.forms.statement import BodyField, Statement
from ledgerkit.forms.units import Offered
from ledgerkit.forms.work import Work
from ledgerkit.forms.workspace import Workspace
from ledgerkit.lookups import DEFINITE
from ledgerkit.outcomes import Outcome
from ledgerkit.resources.accounts import Accounts
from ledgerkit.resources.requests import Requests
from ledgerkit.resources.transactions import Transactions
from ledgerkit.states import words

WAITING: Final = frozenset({"PENDING_APPROVAL", "PENDING_FIRST_APPROVAL"})


@dataclass(frozen=True)
class Told:
    """What the service says of a request, and whether this session can vote."""

    status: str
    pays: bool
    said: str
    steps: tuple[str, ...]
    obstacle: str | None
    offered: Offered
    kind: str | None = None


class ApprovalPanel(Form):
    """Approve or reject one request.

    What would be signed is fetched and laid beside what the approver means; only where it is the same, a phrase is
    asked for, and what is signed is what was shown.

    Parameters
    ----------
    workspace
        Where the request is.
    request_id
        The request.
    intent
        The draft, or the payload, that it was made from. Without it the approver states what they know.

    Attributes
    ----------
    sending
        Whether a vote is being posted.
    vote
        The vote, once the service took it.
    review
        What would be signed beside what was meant, while it is shown.
    """

    title: ClassVar[str] = "Approval"

    sending = traitlets.Bool(default_value=False)

    def __init__(self, workspace: Workspace, request_id: int, intent: approvals.Intent = None) -> None:
        super().__init__(workspace)
        self.request_id = int(request_id)
        self.intent = intent
        self.vote: Vote | None = None
        self.review: Review | None = None
        # What may be signed, and what was meant by it: taken away by the click that signs it.
        self._ticket: tuple[Review, Mapping[str, Any] | None] | None = None
        self._lost: OutcomeUnknown | None = None
        self._voted: list[Callable[[], None]] = []
        self._told: Told | None = None
        # A post of its own, which nothing else that the form does overtakes.
        self._post = Work(self._broken)

        self.said = widgets.HTML()
        self.steps = widgets.HTML()
        self.statement = Statement()
        self.body = BodyField()
        whole = widgets.Box([self.body.widget])
        whole.add_class("lk-grid")
        self.body_box = widgets.Accordion([whole], titles=("The whole body, as JSON",), selected_index=None)
        self.body_box.add_class("lk-more")
        self.compare = widgets.Button(
            description="Compare", button_style="primary", tooltip="Fetch what would be signed"
        )
        self.reject = widgets.Button(description="Reject", tooltip="Fetch what would be signed to reject it")
        self.look = widgets.Button(description="Look whether it is in", button_style="primary")
        self.shown = widgets.HTML()
        self.phrase = widgets.Text(description="", continuous_update=True)
        self.sign = widgets.Button(description="Sign and approve", button_style="primary")
        self.sign_rejection = widgets.Button(description="Sign and reject")
        self.leave = widgets.Button(description="Do not sign")
        self.reject.add_class("lk-danger")
        self.sign_rejection.add_class("lk-danger")
        self.phrase.add_class("lk-field")
        self.phrase.add_class("lk-phrase")
        self.actions = _row(self.compare, self.reject)
        self.signing = _row(self.sign, self.leave, self.sign_rejection)
        self.lost = _row(self.look)

        self.statement.on_edit(self.guarded(self._edited))
        self.body.on_edit(self.guarded(self._edited))
        self.phrase.on_msg(self._entered)
        self.on_click(self.compare, self._ask_for_review)
        self.on_click(self.reject, self._reject)
        self.on_click(self.sign, lambda: self._sign("approve"))
        self.on_click(self.sign_rejection, lambda: self._sign("reject"))
        self.on_click(self.leave, self._leave)
        self.on_click(self.look, self._look)
        self.head.value = head(workspace, f"Request {self.request_id}")
        self.lay(
            self.said,
            self.steps,
            self.statement.box,
            self.body_box,
            self.actions,
            self.shown,
            self.phrase,
            self.signing,
            self.lost,
        )
        self._arrange()
        self.load()

    @property
    def unsettled(self) -> bool:
        """Whether a vote is being posted, or was, and nobody knows whether it is in."""
        return self.sending or self._lost is not None

    def on_vote(self, callback: Callable[[], None]) -> None:
        """Have a callback called after a vote is in."""
        self._voted.append(callback)

    # What the request says

    def load(self) -> None:
        """Read what the service says of the request."""
        if self.unsettled:
            return
        self._put_away()
        self.state = "running"
        self.say(f"Reading request {self.request_id}.")
        self.work.start(lambda: read(self.workspace, self.request_id), self._loaded)

    def _loaded(self, told: Told) -> None:
        self._told = told
        self._show(told)
        self.state = "ready"
        self.say("")
        self._arrange()
        if told.status not in WAITING:
            self.say(f"Request {self.request_id} waits for no vote: it is {words(told.status).lower()}.")
        elif told.obstacle:
            self.say(told.obstacle, "warning")

    def _show(self, told: Told) -> None:
        self.said.value = told.said + _problem(told.offered.problem)
        self.steps.value = telling.steps(told.steps)
        self.statement.use(told.offered, told.kind)
        if not told.pays:
            self.body_box.selected_index = 0  # of what is no payment nothing else can be stated

    # What would be signed

    def _edited(self) -> None:
        """What was compared is not what is stated any more."""
        if self.sending or self.vote is not None or self._lost is not None:
            return
        if self.review is not None or (self.work.running and self._told is not None):
            self.work.stop()
            self._put_away()
            self.state = "ready"
            self.say("")

    def _ask_for_review(self) -> None:
        if not self._free():
            return
        self._put_away()
        meant = self._meant()
        self._fetch("approve", meant)

    def _reject(self) -> None:
        if not self._free():
            return
        self._put_away()
        self._fetch("reject", None)

    def _meant(self) -> Mapping[str, Any]:
        assert self._told is not None  # noqa: S101  # `_free` has looked
        if self.intent is not None:
            meant = approvals.intended(self.intent, None, self.request_id)
        else:
            body = self.body.read()
            stated = self.statement.read() if self._told.pays else {}
            if body is not None and stated:
                raise InvalidRequest(
                    "Give the whole body, or single fields, not both: empty one of them. Nothing was compared.",
                    field="intent",
                )
            if body is None and not self._told.pays:
                raise InvalidRequest(
                    "Paste the body that was agreed, as the one who made the request gave it to you. Nothing was "
                    "compared.",
                    field="intent",
                )
            if body is None and ("amount" not in stated or not {"recipient", "recipient_end"} & stated.keys()):
                raise InvalidRequest(
                    "State at least the amount and the end of the recipient "
                    f"({LEAST_END} characters or more, {LEAST_HEX_END} of an address in hex digits), from a source "
                    "of your own and not from this request. Nothing was compared.",
                    field="amount",
                )
            meant = approvals.intended(body, stated, self.request_id)
        assert meant is not None  # noqa: S101  # something was given
        return meant

    def _fetch(self, verb: Verb, meant: Mapping[str, Any] | None) -> None:
        connection, request_id = self.workspace.connection, self.request_id
        self.state = "running"
        self.say("Fetching what would be signed.")
        self.work.start(
            lambda: voting.review_of(connection, request_id, verb, meant),
            lambda found: self._compared(found[0], found[1], meant),
        )

    def _compared(self, review: Review, refusal: str | None, meant: Mapping[str, Any] | None) -> None:
        told = self._told
        assert told is not None  # noqa: S101  # `_free` has looked
        if (problem := units.contradiction(review, told.offered)) is not None:
            # What was stated was read in units of something else: they are taken away, and it is typed anew.
            told = self._told = replace(told, offered=Offered(token=told.offered.token, problem=problem))
            self._show(told)
            if meant is not None and not isinstance(meant.get("data"), Mapping):
                refusal = refusal or f"{problem} Type base units. Nothing was signed."
        self.review = review
        self.shown.value = review._repr_html_() + telling.in_units(review, told.offered.amounts, told.offered.fees)
        if refusal is not None:
            self.state = "failed"
            self.say(refusal[:1].upper() + refusal[1:], "error")
        else:
            self._ticket = (review, meant)
            self.state = "ready"
            self.say("Look at every line, then type the phrase.")
        self._arrange()

    def _entered(self, _: Any, content: Any, __: Any) -> None:
        """Say which button signs: Enter overtakes letters that the browser holds back."""
        if content.get("event") == "submit" and self._ticket is not None:
            button = self.sign if self._ticket[0].verb == "approve" else self.sign_rejection
            self.say(f"Enter signs nothing: press '{button.description}'.")

    def _leave(self) -> None:
        if not self.sending:
            self._put_away()
            self.state = "ready"
            self.say("Nothing was signed.")

    def _put_away(self) -> None:
        """Take the review, the phrase and what was typed away."""
        self.review = self._ticket = None
        self.shown.value = ""
        self.phrase.value = ""
        self._arrange()

    # The vote

    def _sign(self, verb: Verb) -> None:
        if self._ticket is None or self._ticket[0].verb != verb:
            return  # a click that waited behind the one that took it
        review, meant = self._ticket
        typed, self.phrase.value = self.phrase.value.strip(), ""
        phrase = approvals.phrase_for(review, self.request_id)
        if typed != phrase:
            self.say(f"Nothing was signed: type exactly '{phrase}', without the quotation marks.", "error")
            return
        self._ticket = None
        self.sending = True
        self.state = "running"
        self.say("Signing and posting.")
        self._arrange()
        section, request_id, directory = self._requests(), self.request_id, self.workspace.directory

        def job() -> tuple[Vote, tuple[str, ...], str] | Exception:
            try:
                vote = voting.cast(section, review, request_id, meant, typed)
            except Exception as error:  # noqa: BLE001 - shown by the kernel's thread
                return error
            try:
                steps = tuple(voting.told_steps(vote.steps, directory))
                return vote, steps, voting.told_next(vote.steps, directory)
            except Exception:  # noqa: BLE001 - the vote is in: nothing after it may look as if it were not
                return vote, (), ""

        self._post.start(job, self._posted)

    def _posted(self, result: "tuple[Vote, tuple[str, ...], str] | Exception") -> None:
        self.sending = False
        self._put_away()
        if isinstance(result, OutcomeUnknown):
            self._lost = result
            self._arrange()
            self.state = "failed"
            self.say(
                f"It was posted, and the answer was lost: {result.message} Look whether it is in before you do "
                "anything else.",
                "error",
                details=f"{type(result).__name__} on {result.call}",
            )
            return
        if isinstance(result, Exception):
            self.fail(result)
            return
        self.vote, steps, what_next = result
        self._clear()
        self._arrange()
        self.steps.value = telling.steps(steps or ("How far it is can't be read now.",))
        self.state = "done"
        status = str(self.vote.request["status"].iloc[0])
        if status not in WAITING or not what_next:
            what_next = f"It is {words(status).lower()} now."
        done = "approval" if self.vote.verb == "approve" else "rejection"
        self.say(f"Your {done} of request {self.request_id} is in. {what_next}", "done")
        self._tell()

    def _look(self) -> None:
        if self._lost is None or self._post.running:
            return
        self.state = "running"
        self.say("Looking whether your vote is in.")
        self._post.start(self._lost.find, self._found)

    def _found(self, outcome: Outcome) -> None:
        self._lost = None
        text = outcome.text[:1].upper() + outcome.text[1:]
        self.state = "ready"
        if outcome.state == "found":
            self._clear()
            self._told = None
            self.state = "done"
        self._arrange()
        self.say(text, "done" if outcome.state == "found" else "warning")
        if outcome.state == "found":
            self._tell()

    def _broken(self, error: BaseException) -> None:
        self.sending = False
        self._arrange()
        self.fail(error)

    def _tell(self) -> None:
        for callback in self._voted:
            callback()

    # What all of it shares

    def _requests(self) -> Requests:
        section: Requests = self.workspace.section(Requests)
        return section

    def _free(self) -> bool:
        """Whether something may be compared now; a click that comes while it may not is one too many."""
        return self._votes() and not self.sending

    def _votes(self) -> bool:
        told = self._told
        undecided = self.vote is None and self._lost is None
        return told is not None and told.status in WAITING and told.obstacle is None and undecided

    def _clear(self) -> None:
        self.statement.clear()
        self.body.clear()

    def _arrange(self) -> None:
        """Show what can be done now, and nothing else."""
        votes, told = self._votes(), self._told
        asked = votes and self.intent is None and told is not None
        pays = told is not None and told.pays
        verb = self._ticket[0].verb if self._ticket is not None else None
        rejects = verb == "reject"  # what was stated has no part in it
        _let(self.statement.box, asked and pays and not rejects)
        _let(self.body_box, asked and not rejects)
        _let(self.actions, votes and not rejects)
        _let(self.phrase, verb is not None)
        _let(self.signing, verb is not None)
        _let(self.sign, verb == "approve")
        _let(self.sign_rejection, verb == "reject")
        _let(self.lost, self._lost is not None)
        if self._ticket is not None:
            phrase = approvals.phrase_for(self._ticket[0], self.request_id)
            self.phrase.description = f"Type '{phrase}' to sign"
        self.compare.button_style = "" if verb is not None else "primary"
        for button in (self.compare, self.reject):
            button.disabled = self.sending

    def wait(self, seconds: float = 60.0) -> "ApprovalPanel":
        """Wait in a cell until what runs behind the form is done."""
        self.work.wait(seconds)
        self._post.wait(seconds)
        self.work.wait(seconds)
        return self

    def text(self) -> str:
        """Return what the panel shows, as text, for where no widgets can be shown."""
        shown = f"\n{self.review!r}" if self.review is not None else ""
        return f"Request {self.request_id} · {super().text()}{shown}"

    def close(self) -> None:
        """End the form. A vote that is being posted goes on, and nobody hears of it."""
        self._post.stop()
        super().close()


def read(workspace: Workspace, request_id: int) -> Told:
    """Ask the service what it says of a request; called in a thread."""
    section: Requests = workspace.section(Requests)
    request = section.get(request_id).iloc[0]
    try:
        steps = tuple(voting.told_steps(section.governance_status(request_id), workspace.directory))
    except LedgerError as error:
        steps = (f"How far it is can't be read: {error.message}",)
    except (AttributeError, KeyError, TypeError, ValueError):  # of a shape that nobody expected: the vote needs none
        steps = ("How far it is can't be read.",)
    pays = request["target_type"] == "TRANSACTION" and not pd.isna(request["target_id"])
    payment = account = said_units = None
    if pays:
        payment = _seen(lambda: workspace.section(Transactions).get(int(request["target_id"])).iloc[0])
    if payment is not None and not pd.isna(payment["account_id"]):
        account_id, accounts = int(payment["account_id"]), workspace.section(Accounts)
        account = _seen(lambda: accounts.get(account_id).iloc[0])
        said_units = _seen(lambda: accounts.currency(account_id).iloc[0])
    offered = Offered()
    if payment is not None and said_units is not None:
        mint = not pd.isna(payment["coin_fields_tx_parameters_token_mint"])
        offered = units.offered(account, said_units["amount_units"], said_units["fees_units"], mint=mint)
    obstacle = voting.obstacle(workspace.connection)
    said = telling.request(workspace, request, payment, offered.amounts, offered.fees)
    kind = None if account is None or pd.isna(account["type"]) else str(account["type"])
    return Told(str(request["status"]), pays, said, steps, obstacle, offered, kind)


def _seen(look: Callable[[], "pd.Series[Any]"]) -> "pd.Series[Any] | None":
    """Return what is looked up, or None where it can't be seen: the vote needs none of it."""
    try:
        return look()
    except DEFINITE:
        return None


def _problem(text: str | None) -> str:
    if text is None:
        return ""
    return (
        "<div class='lk-message lk-error lk-beside mathjax_ignore tex2jax_ignore' role='alert'>"
        f"<span class='lk-problem'>{html.escape(text)}</span></div>"
    )


def _row(*buttons: widgets.Widget) -> widgets.HBox:
    row = widgets.HBox(list(buttons))
    row.add_class("lk-actions")
    return row


def _let(widget: widgets.Widget, shown: bool) -> None:
    widget.layout.display = None if shown else "none"
