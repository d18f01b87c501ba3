"""One form for all that can be created: a chooser of the kind, and the form of the kind below it."""

import contextlib
from typing import Any, ClassVar, Final

import ipywidgets as widgets

from ledgerkit.errors import InvalidRequest, LedgerError, shorten
from ledgerkit.forms.base import Form
from ledgerkit.forms.kinds.base import Kind
from ledgerkit.forms.kinds.form import KindForm
from ledgerkit.forms.kinds.lam import LAM
from ledgerkit.forms.kinds.requests import REQUESTS
from ledgerkit.forms.kinds.tradelink import TRADELINK
from ledgerkit.forms.payment import PaymentForm
from ledgerkit.forms.workspace import Workspace
from ledgerkit.forms.writing import WriteForm
from ledgerkit.operations import REQUEST_CREATION, check_family, families

PAYMENT: Final = "Payment"
KINDS: Final[dict[str, Kind]] = {kind.name: kind for kind in (*REQUESTS, *TRADELINK, *LAM)}
# What stays when the kind is changed, under the names that forms have for it.
_KEPT: Final = (("account_id", "account"), ("note_title",), ("note_content",))


class RequestForm(Form):
    """Create anything that the kit can create.

    Parameters
    ----------
    workspace
        Where it is created.
    kind
        What to begin with, as the form names it, such as ``"Payment"``; it can be changed in the form.

    Attributes
    ----------
    current
        The form of the kind that is chosen; None where these credentials can't create it.
    """

    title: ClassVar[str] = "Create a request"

    def __init__(self, workspace: Workspace, kind: str | None = None) -> None:
        super().__init__(workspace)
        self.current: WriteForm | None = None
        try:
            first = _first(workspace) if kind is None else _known(kind)
        except InvalidRequest:
            self.close()
            raise
        self._sent: list[Any] = []
        self._returning = False
        self._stays: dict[str, Any] = {}
        self.kind = widgets.Dropdown(
            description="What to create",
            options=[PAYMENT, *KINDS],
            value=first,
            tooltip="kind: what to create",
        )
        self.kind.add_class("lk-field")
        self.kind.add_class("lk-kind")
        self.place = widgets.VBox()
        self.kind.observe(self.guarded(lambda change: self._chosen(change.old)), "value")
        self.lay(self.kind, self.place)
        self._show()

    @property
    def sending(self) -> bool:
        """Whether a write is in flight."""
        return self.current is not None and self.current.sending

    @property
    def unsettled(self) -> bool:
        """Whether what became of a write from here, or of a vote below, is still to be found out."""
        return self.current is not None and self.current.unsettled

    @property
    def draft(self) -> Any:
        """What was reviewed last."""
        return None if self.current is None else self.current.draft

    @property
    def sent(self) -> list[Any]:
        """Every draft that was sent from here, of whatever kind."""
        return [*self._sent, *(self.current.sent if self.current is not None else ())]

    def choose(self, kind: str) -> None:
        """Change what is created; account and note stay, a review is discarded."""
        self.kind.value = _known(kind)

    def wait(self, seconds: float = 60.0) -> "RequestForm":
        """Wait in a cell until what runs behind the form is done."""
        if self.current is not None:
            self.current.wait(seconds)
        return self

    def text(self) -> str:
        """Return what the form shows, as text."""
        return super().text() if self.current is None else f"{self.title}: {self.current.text()}"

    def close(self) -> None:
        """End the form. A write that is in flight goes on."""
        if self.current is not None:
            self.current.close()
        super().close()

    def _chosen(self, old: str) -> None:
        if self._returning:
            return
        if self.unsettled:
            self._returning = True
            self.kind.value = old
            self._returning = False
            # The panel of the vote alone knows of it: what closes it loses it.
            self.say(
                "What was sent, or voted below, is settled first: wait for it, or look for it. Another form can make "
                "another kind.",
                "warning",
            )
            return
        self._show()

    def _show(self) -> None:
        """Show the form of the kind; account and note stay."""
        before, self.current = self.current, None
        if before is not None:
            self._stays |= _kept(before)
        self.say("", "none")
        self.state = "ready"
        if before is not None:
            self._sent += before.sent
            self.place.children = ()
            before.close()
        chosen = self.kind.value
        try:
            check_family(_operation(chosen), self.workspace.connection.family, _operation(chosen))
        except LedgerError as error:
            self.say(f"{chosen}: {error.message}", "warning")
            return
        made = PaymentForm(self.workspace) if chosen == PAYMENT else KindForm(self.workspace, KINDS[chosen])
        made.head.layout.display = "none"  # the bar of this form says it
        self.current = made
        self.place.children = (made,)
        for names in _KEPT:
            for name in names:
                if name in made.entries and names[0] in self._stays:
                    made.entries[name].write(self._stays[names[0]])
        if isinstance(made, KindForm):
            made.carried = self._stays.get("account_id")
        made.observe(lambda _: self._mirror(), ["state", "message", "message_kind"])
        self._mirror()

    def _mirror(self) -> None:
        """Say in this form's traits what the form below shows."""
        if self.current is not None:
            self.state = self.current.state
            self.message, self.message_kind = self.current.message, self.current.message_kind
            self._message.value = ""  # it stands once, in that form


def _first(workspace: Workspace) -> str:
    """Return the first kind that these credentials can create."""
    family = workspace.connection.family
    return next((name for name in (PAYMENT, *KINDS) if family in families(_operation(name))), PAYMENT)


def _known(kind: str) -> str:
    if kind == PAYMENT or kind in KINDS:
        return kind
    raise InvalidRequest(
        f"`kind` = {shorten(kind)} can't be created here: it is one of {', '.join([PAYMENT, *KINDS])}.", field="kind"
    )


def _operation(name: str) -> str:
    return REQUEST_CREATION if name == PAYMENT else KINDS[name].operation


def _kept(form: WriteForm) -> dict[str, Any]:
    """Return account and note of a form, as far as they can be read; None where they are empty."""
    found: dict[str, Any] = {}
    for names in _KEPT:
        for name in names:
            if name not in form.entries:
                continue
            with contextlib.suppress(InvalidRequest):
                found[names[0]] = form.entries[name].read()
    return found
