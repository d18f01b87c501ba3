"""The whole kit on one page: the connection, and a tab for each thing that people do."""

from collections.abc import Callable
from typing import Any, ClassVar, Final

import ipywidgets as widgets
import traitlets

from ledgerkit.forms import cells
from ledgerkit.forms.base import Form, close_all
from ledgerkit.forms.detail import Detail
from ledgerkit.forms.inbox import InboxForm
from ledgerkit.forms.kinds import RequestForm
from ledgerkit.forms.overview import Overview
from ledgerkit.forms.panel import Panel
from ledgerkit.forms.search import SearchForm
from ledgerkit.forms.style import style
from ledgerkit.forms.workspace import Workspace
from ledgerkit.session import Session
from ledgerkit.showing import visible

TABS: Final = ("Overview", "Accounts", "Transactions", "Requests", "Inbox", "New request", "Audit", "Detail")
NOTHING_OPEN: Final = "Nothing is open. What has a link in a table is opened here."
# What an auditor asks, and the read that answers it.
AUDIT: Final = {
    "Requests by type, user and state": ("requests", "search"),
    "Steps and approvals of a request": ("requests", "governance_status"),
    "History of an account": ("accounts", "history"),
    "History of a transaction": ("transactions", "history"),
    "Changes to a user": ("users", "history"),
    "What a user requested": ("requests", "search"),
    "History of a group": ("groups", "history"),
    "History of an entity": ("entities", "history"),
    "History of a whitelist": ("whitelists", "history"),
    "History of a message": ("messages", "history"),
    "Users": ("users", "search"),
    "Groups": ("groups", "search"),
    "Entities": ("entities", "search"),
    "Whitelists": ("whitelists", "search"),
    "Messages": ("messages", "search"),
    "Pledges": ("pledges", "search"),
    "Settlements": ("settlements", "search"),
    "Labels": ("labels", "search"),
    "API users": ("api_users", "search"),
    "Addresses of an account": ("accounts", "addresses"),
    "Balances of an account by day": ("accounts", "balance_history"),
    "Risk of an address": ("compliance", "address_risk"),
}


class Audit(Form):
    """A chooser of what is looked at, and the search for it.

    Parameters
    ----------
    workspace
        Where it looks.
    search
        Makes the form of a read, by section and method.
    """

    title: ClassVar[str] = "Audit"

    def __init__(self, workspace: Workspace, search: Callable[[str, str], Form]) -> None:
        super().__init__(workspace)
        self._search = search
        self.forms: dict[str, Form] = {}
        self.chooser = widgets.Dropdown(
            options=list(AUDIT), value=None, description="What to look at", tooltip="The section and the read"
        )
        self.chooser.add_class("lk-field")
        self.place = widgets.VBox()
        self.lay(self.chooser, self.place)
        choose = self.guarded(self._choose)
        self.chooser.observe(lambda change: choose(change["new"]), "value")
        self.chooser.value = next(iter(AUDIT))

    @property
    def form(self) -> Form:
        """The form that is shown."""
        return self.forms[self.chooser.value]

    def _choose(self, question: str) -> None:
        self.say("", "none")
        self.place.children = ()
        if question not in self.forms:
            self.forms[question] = self._search(*AUDIT[question])
        self.place.children = (self.forms[question],)

    def wait(self, seconds: float = 60.0) -> "Audit":
        """Wait in a cell until what is shown is there."""
        self.form.wait(seconds)
        return self

    def text(self) -> str:
        """Return what is shown, as text."""
        return (
            f"{super().text()}\n{self.chooser.value}\n{self.form.text() if self.chooser.value in self.forms else ''}"
        )

    def close(self) -> None:
        """End the chooser and all its forms."""
        for form in self.forms.values():
            form.close()
        super().close()


class Explorer(Form):
    """The connection on top, and below it a tab each for looking, searching, approving and requesting.

    Parameters
    ----------
    workspace
        Where it works; :meth:`of` takes a session.

    Attributes
    ----------
    tab
        The name of the tab that is shown; it can be set.
    forms
        The forms of the tabs that were shown so far, by name.
    detail
        The card of what was opened, in any tab. It has a tab of its own: below a table, nobody would see it come.
    """

    title: ClassVar[str] = "Explorer"

    tab = traitlets.Enum(TABS, default_value=TABS[0])

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self.panel = Panel(workspace)
        self.detail = Detail(workspace)
        self.detail.observe(self.guarded(self._opened), "state")
        self._nothing_open = widgets.HTML(f"<p class='lk-quiet'>{NOTHING_OPEN}</p>")
        self._before = TABS[0]
        self._shown = ""
        self.forms: dict[str, Form] = {"Detail": self.detail}
        self._makers: dict[str, Callable[[], Form]] = {
            "Overview": self._overview,
            "Accounts": lambda: self._search("accounts"),
            "Transactions": lambda: self._search("transactions"),
            "Requests": lambda: self._search("requests"),
            "Inbox": lambda: InboxForm(workspace),
            "New request": lambda: RequestForm(workspace),
            "Audit": lambda: Audit(workspace, self._search),
        }
        self._places = {name: widgets.VBox() for name in TABS}
        self._places["Detail"].children = (self._nothing_open, self.detail)
        self.tabs = widgets.Tab(list(self._places.values()), titles=TABS, selected_index=0)
        self.tabs.add_class("lk-tabs")
        # The mark of the panel is that of all: no second bar above it.
        close_all(self.head)
        self.children = (style(), self.panel, self.tabs, self._message)
        self.tabs.observe(self.guarded(lambda change: self.show(TABS[change["new"]])), "selected_index")
        self.observe(self.guarded(lambda change: self.show(change["new"])), "tab")
        self.show(TABS[0])

    @classmethod
    def of(cls, session: Session) -> "Explorer":
        """Make the explorer of a session; what an earlier run of the same cell made is closed."""
        explorer = cls.on(session.accounts._connection)
        cells.replace(explorer, "explorer")
        return explorer

    @property
    def sending(self) -> bool:
        """Whether a form is sending something: it is not closed then by another run of its cell."""
        return any(getattr(form, "sending", False) for form in self.forms.values())

    @property
    def unsettled(self) -> bool:
        """Whether what became of a write or a vote from here is still to be found out."""
        return any(getattr(form, "unsettled", False) for form in self.forms.values())

    def show(self, name: str) -> None:
        """Show a tab; its form is made when it is shown for the first time."""
        again = name != self._shown
        self._shown = self.tab = name
        self.tabs.selected_index = TABS.index(name)
        if name not in self.forms:
            self._build(name)
        elif again:
            self._read_again(self.forms[name])

    def wait(self, seconds: float = 60.0) -> "Explorer":
        """Wait in a cell until what is shown is there."""
        for form in (self.panel, self.forms.get(self.tab)):
            if form is not None:
                form.wait(seconds)
        return self

    def text(self) -> str:
        """Return the connection and the tab that is shown, as text."""
        form = self.forms.get(self.tab)
        parts = [super().text(), self.panel.text(), f"{self.tab} of {', '.join(TABS)}", form.text() if form else ""]
        return "\n\n".join(filter(None, parts))

    def close(self) -> None:
        """End the explorer and all its forms."""
        for form in (*self.forms.values(), self.panel):
            form.close()
        super().close()

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        self.panel.live()
        return super()._repr_mimebundle_(**options)

    # Making

    def _build(self, name: str) -> None:
        place = self._places[name]
        close_children(place)
        try:
            form = self._makers[name]()
        except Exception as error:  # noqa: BLE001 - it is shown in the tab, and the other tabs go on
            form = Form(self.workspace)
            form.fail(error)
            again = widgets.Button(description="Try again", tooltip=f"Make the tab {name} anew")
            form.on_click(again, lambda: self._build(name))
            form.lay(again)
        else:
            self.forms[name] = form
        place.children = (form,)

    def _read_again(self, form: Form) -> None:
        """Read what waits, and what is counted, as it is now: old numbers look like new ones."""
        if getattr(form, "unsettled", False) or form.state == "running":
            return
        if isinstance(form, InboxForm):
            form.refresh()
        elif isinstance(form, Overview):
            form.run()

    def _overview(self) -> Form:
        overview = Overview(self.workspace, self.show)
        overview.run()
        return overview

    def _search(self, section: str, method: str = "search") -> Form:
        form = SearchForm(self.workspace, section, method)
        # What its results open is shown in the one card of the explorer.
        form.detail = self.detail
        return form

    def _opened(self, change: Any) -> None:
        """Show the card when something is opened, and what was shown before when it is closed."""
        before, now = change["old"], change["new"]
        if now == "running" or (now == "failed" and before != "running"):
            self._before = self._before if self.tab == "Detail" else self.tab
            self.show("Detail")
        elif now == "ready" and self.tab == "Detail":
            self.show(self._before)
        key = self.detail.key if len(self.detail.key) <= 20 else f"{self.detail.key[:8]}…{self.detail.key[-8:]}"
        title = f"{self.detail.kind.capitalize()} {key}" if key else "Detail"
        self.tabs.set_title(TABS.index("Detail"), visible(title))
        self._nothing_open.layout.display = None if now == "ready" else "none"


def close_children(place: widgets.VBox) -> None:
    """Close the forms in a place, and empty it."""
    for one in place.children:
        one.close()
    place.children = ()
