"""What one wants to see first: totals by currency, what waits, and what moved in the last thirty days."""

import html
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

import ipywidgets as widgets
import pandas as pd

from ledgerkit.amounts import Unit, to_display
from ledgerkit.cards import values
from ledgerkit.directory import Directory, Units
from ledgerkit.errors import LedgerError
from ledgerkit.forms.base import Form, MessageKind
from ledgerkit.forms.work import Work
from ledgerkit.forms.workspace import Workspace
from ledgerkit.resources.accounts import Accounts
from ledgerkit.resources.requests import Requests
from ledgerkit.resources.transactions import Transactions
from ledgerkit.resources.users import Users
from ledgerkit.showing import visible
from ledgerkit.states import words
from ledgerkit.watching import Watch

DAYS: Final = 30
# Requests that wait for somebody, however old they are.
WAITING: Final = ("PENDING_APPROVAL", "PENDING_FIRST_APPROVAL", "PENDING_REGISTRATION")
VOTES: Final = ("PENDING_APPROVAL", "PENDING_FIRST_APPROVAL")
UNTOLD: Final = "not told"


@dataclass(frozen=True)
class Total:
    """What all accounts of one currency or token hold together.

    Parameters
    ----------
    currency, contract
        The currency, or the network and the contract of a token.
    accounts, inactive
        How many there are, and how many of them are in another state than ACTIVE.
    balance, available
        The exact sums in base units; None where an account does not tell its own.
    unit
        The unit that they are shown in; None where there is none, and ``reason`` says why.
    """

    currency: str
    contract: str | None
    accounts: int
    inactive: int
    balance: int | None
    available: int | None
    unit: Unit | None
    reason: str = ""


def totals(accounts: pd.DataFrame, directory: Directory) -> list[Total]:
    """Return the exact totals of accounts by currency or token: base units are summed, and then scaled."""
    contracts = [_contract(one) for one in accounts["contract_address"]]
    currencies = accounts["currency"].fillna("").tolist()
    keys = pd.DataFrame({"currency": currencies, "contract": contracts}, index=accounts.index)
    units = directory.units(accounts["id"].tolist())
    found = []
    for (currency, contract), same in keys.groupby(["currency", "contract"]):
        rows = accounts.loc[same.index]
        unit, reason = _unit(units[one] for one in rows["id"].tolist())
        found.append(
            Total(
                currency=str(currency) or UNTOLD,
                contract=str(rows["contract_address"].iloc[0]) if contract else None,
                accounts=len(rows),
                inactive=int((rows["status"] != "ACTIVE").sum()),
                balance=_sum(rows["balance"]),
                available=_sum(rows["available_balance"]),
                unit=unit,
                reason=reason,
            )
        )
    return sorted(found, key=lambda one: (one.currency, one.contract or ""))


def _contract(address: Any) -> str:
    if not isinstance(address, str):
        return ""
    # The hexadecimal digits of a contract may be written in either case; base58 tells the two apart.
    return address.lower() if address.startswith("0x") else address


def _unit(units: Iterable[Units]) -> tuple[Unit | None, str]:
    """Return the one unit of several accounts, or why there is none."""
    all_units = list(units)
    distinct = {one.amount for one in all_units if one.amount is not None}
    if len(distinct) == 1:
        return distinct.pop(), ""
    if distinct:
        return None, "the accounts name different units"
    return None, next((one.error for one in all_units if one.error), "the service names no unit")


def _sum(amounts: "pd.Series[Any]") -> int | None:
    exact = [one for one in amounts.tolist() if isinstance(one, int)]
    return sum(exact) if len(exact) == len(amounts) else None


@dataclass
class _Part:
    """One part of the overview, with work and errors of its own."""

    name: str
    load: Callable[[], Any]
    show: Callable[[Any], str]
    work: Work
    body: widgets.HTML
    said: str = "not loaded yet"
    watch: Watch | None = None


class Overview(Form):
    """Totals by currency, requests that wait, and the transactions of the last thirty days.

    Parameters
    ----------
    workspace
        Where it looks.
    on_show
        Called with the name of what a button of the overview leads to, such as ``"Inbox"``.

    Attributes
    ----------
    totals
        The totals by currency, once they are there.
    """

    title: ClassVar[str] = "Overview"

    def __init__(self, workspace: Workspace, on_show: Callable[[str], None] | None = None) -> None:
        super().__init__(workspace)
        self.totals: list[Total] = []
        self.reload = widgets.Button(description="Refresh", tooltip="Read all parts anew")
        self.on_click(self.reload, self.run)
        buttons = [self.reload]
        for name in ("Inbox", "Transactions") if on_show else ():
            button = widgets.Button(description=f"Open {name.lower()}", tooltip=f"Show the tab {name}")
            self.on_click(button, lambda name=name: on_show(name))  # type: ignore[misc]  # bound as a default
            buttons.append(button)
        self._parts = [
            self._part("Holdings", self._read_totals, self._show_totals),
            self._part("Requests", self._read_requests, self._show_requests),
            self._part("Transactions", self._read_transactions, self._show_transactions),
        ]
        actions = widgets.HBox(buttons)
        actions.add_class("lk-actions")
        holdings, *counted = (part.body for part in self._parts)
        # What waits comes before a long table of holdings.
        above = widgets.HBox(counted)
        above.add_class("lk-counted")
        self.lay(actions, above, holdings)

    def run(self) -> None:
        """Read all parts anew; one that fails says so in its place, and the others go on."""
        self.state = "running"
        self.say("", "none")
        for part in self._parts:
            part.said = "loading"
            part.body.value = _section(part.name, "<p class='lk-quiet'>Loading.</p>")
            part.work.start(part.load, lambda found, part=part: self._came(part, found))  # type: ignore[misc]  # bound as a default
            part.watch = part.work.watch

    def wait(self, seconds: float = 60.0) -> "Overview":
        """Wait in a cell until all parts are there."""
        for part in self._parts:
            part.work.wait(seconds)
        return self

    def text(self) -> str:
        """Return what the overview shows, as text."""
        return "\n".join([super().text(), *(f"{part.name}: {part.said}" for part in self._parts)])

    def close(self) -> None:
        """End the overview."""
        for part in self._parts:
            part.work.stop()
        super().close()

    # The parts

    def _part(self, name: str, load: Callable[[], Any], show: Callable[[Any], str]) -> _Part:
        part = _Part(name, load, show, Work(lambda error: self._failed(part, error)), widgets.HTML())
        part.body.add_class("lk-part")
        return part

    def _came(self, part: _Part, found: Any) -> None:
        shown = part.show(found)
        # A read that may be incomplete gives numbers that may be wrong.
        warned = list(dict.fromkeys(part.watch.warnings)) if part.watch is not None else []
        alerts = "".join(
            f"<div class='lk-message lk-warning' role='alert'>{html.escape(visible(one))}</div>" for one in warned
        )
        part.body.value = _section(part.name, alerts + shown)
        if warned:
            part.said = "; ".join([part.said, *warned])
            kind: MessageKind = "error" if self.message_kind == "error" else "warning"
            self._add("\n".join(f"{part.name}: {one}" for one in warned), kind)
        self._ended()

    def _failed(self, part: _Part, error: BaseException) -> None:
        part.said = f"failed: {error}"
        what = (
            str(error) if isinstance(error, LedgerError) else f"{type(error).__name__}: {error}, a fault of the kit"
        )
        message = f"{part.name} can't be shown: {what}"
        part.body.value = _section(
            part.name, f"<div class='lk-message lk-error' role='alert'>{html.escape(visible(message))}</div>"
        )
        self._add(message, "error")
        self._ended()

    def _add(self, message: str, kind: MessageKind) -> None:
        self.say("\n".join(filter(None, [self.message, message])), kind)

    def _ended(self) -> None:
        if not any(part.work.running for part in self._parts):
            self.state = "failed" if self.message_kind == "error" else "done"

    def _server_time(self) -> datetime:
        return datetime.fromtimestamp(self.workspace.connection.transport.server_time(), UTC)

    def _read_totals(self) -> tuple[list[Total], datetime]:
        accounts = self.workspace.section(Accounts).search()
        return totals(accounts, self.workspace.directory), self._server_time()

    def _show_totals(self, found: tuple[list[Total], datetime]) -> str:
        self.totals, moment = found
        part = self._parts[0]
        part.said = "; ".join(map(_said, self.totals)) or "no accounts"
        if not self.totals:
            return _quiet("No accounts: there are none, or these credentials see none.")
        zone = self.workspace.connection.zone
        as_of = values.time(pd.Timestamp(moment.replace(microsecond=0)), zone, None)
        rows = [
            (
                values.text(one.currency) + (f" {_short(one.contract)}" if one.contract else ""),
                _amount(one.balance, one),
                _amount(one.available, one),
                values.text(_counted(one)),
            )
            for one in self.totals
        ]
        heads = ("Currency", "Balance", "Available", "Accounts")
        return f"{_quiet_html(f'As the service tells it, {as_of}.')}{_table(heads, rows, amounts=(1, 2))}"

    def _read_requests(self) -> tuple[pd.DataFrame, int | None, str]:
        requests = self.workspace.section(Requests)
        since = self._server_time() - timedelta(days=DAYS)
        recent = requests.search(created_after=since)
        waiting = requests.search(status=list(WAITING))
        both = pd.concat([recent, waiting]).drop_duplicates("id", ignore_index=True)
        operator = self.workspace.connection.operator
        if operator is None:
            return both, None, "only an API user has requests that wait for its own approval"
        try:
            own = operator.user_id(self.workspace.section(Users).search)
        except LedgerError as error:
            return both, None, str(error)
        return both, len(requests.search(pending_by=own, status=list(VOTES))), ""

    def _show_requests(self, found: tuple[pd.DataFrame, int | None, str]) -> str:
        requests, mine, reason = found
        own = f"{mine} waiting for your approval" if mine is not None else f"Waiting for you can't be told: {reason}"
        rows = [(values.pill(status, "request"), str(count)) for status, count in _counts(requests["status"])]
        self._parts[1].said = f"{own}; {_listed(requests['status'])}"
        shown = f"<p><strong>{html.escape(visible(own))}</strong></p>"
        scope = _quiet(f"All that wait, and all of the last {DAYS} days.")
        return f"{shown}{scope}{_table(('State', 'Requests'), rows)}"

    def _read_transactions(self) -> pd.DataFrame:
        since = self._server_time() - timedelta(days=DAYS)
        found: pd.DataFrame = self.workspace.section(Transactions).search(created_after=since)
        return found

    def _show_transactions(self, found: pd.DataFrame) -> str:
        self._parts[2].said = _listed(found["status"])
        if found.empty:
            return _quiet(f"None in the last {DAYS} days.")
        told = found[["status", "type"]].fillna(UNTOLD)
        kinds = [str(one) for one in told["type"].unique()]
        counted = told.groupby(["status", "type"]).size()
        rows = [
            (values.pill(status), str(count), *(str(counted.get((status, kind), 0)) for kind in kinds))
            for status, count in _counts(found["status"])
        ]
        heads = ("State", f"Last {DAYS} days", *map(words, kinds))
        return _table(heads, rows, amounts=tuple(range(1, len(heads))))


def _counts(states: "pd.Series[str]") -> list[tuple[str, int]]:
    counted = states.fillna(UNTOLD).value_counts()
    return [(str(state), int(count)) for state, count in counted.items()]


def _listed(states: "pd.Series[str]") -> str:
    return ", ".join(f"{count} {visible(state)}" for state, count in _counts(states)) or "none"


def _amount(base: int | None, total: Total) -> str:
    if base is None:
        return _quiet_html("an account tells no exact amount")
    shown = values.amount(base, total.unit)
    because = f" {_quiet_html(html.escape(visible(total.reason)))}" if total.reason else ""
    return f"{shown.html} {html.escape(shown.unit or '')}{because}"


def _said(total: Total) -> str:
    if total.balance is None:
        return f"{visible(total.currency)}: an account tells no exact balance"
    if total.unit is None:
        return f"{visible(total.currency)}: {total.balance} base units"
    return (
        f"{to_display(total.balance, total.unit.magnitude):f} {visible(total.unit.code)} ({visible(total.currency)})"
    )


def _counted(total: Total) -> str:
    return f"{total.accounts}" + (f", {total.inactive} of them not active" if total.inactive else "")


def _short(address: str) -> str:
    shown = visible(address)
    elided = shown if len(shown) <= 20 else f"{shown[:8]}…{shown[-8:]}"
    return f"<span class='lk-code lk-quiet' title='{html.escape(shown)}'>{html.escape(elided)}</span>"


def _section(name: str, body: str) -> str:
    return f"<section class='mathjax_ignore tex2jax_ignore'><h4>{html.escape(name)}</h4>{body}</section>"


def _quiet(text: str) -> str:
    return f"<p class='lk-quiet'>{html.escape(visible(text))}</p>"


def _quiet_html(shown: str) -> str:
    return f"<span class='lk-quiet'>{shown}</span>"


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]], *, amounts: tuple[int, ...] = (1,)) -> str:
    def cell(tag: str, place: int, shown: str) -> str:
        return f"<{tag} class='lk-amount'>{shown}</{tag}>" if place in amounts else f"<{tag}>{shown}</{tag}>"

    head = "".join(cell("th", place, html.escape(visible(one))) for place, one in enumerate(heads))
    body = "".join(f"<tr>{''.join(cell('td', place, one) for place, one in enumerate(row))}</tr>" for row in rows)
    return f"<table class='lk-counts'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
