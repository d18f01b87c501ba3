"""A payment without code: account, recipient and amount, checked while they are typed, reviewed, and sent once."""

import html
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import ipywidgets as widgets
import pandas as pd

from ledgerkit.amounts import Unit, display_unit, read_amount, readable_units, to_display
from ledgerkit.drafts import Draft
from ledgerkit.errors import Cancelled, InvalidRequest, LedgerError, shorten
from ledgerkit.forms import recipients
from ledgerkit.forms.fields import ChoiceField, Field, PickField, TextField, unique_labels
from ledgerkit.forms.recipients import Entry, Known
from ledgerkit.forms.telling import look_alike_pill
from ledgerkit.forms.units import code_for_label
from ledgerkit.forms.work import Work
from ledgerkit.forms.workspace import Workspace
from ledgerkit.forms.writing import WriteForm
from ledgerkit.lookups import Lookups
from ledgerkit.payloads import MemoHash, MemoId, MemoReturn, MemoText, Note
from ledgerkit.payments import SENDS, WITHOUT_FEES
from ledgerkit.resources.transactions import Transactions
from ledgerkit.showing import QUIET, address, amount, beside, told, visible
from ledgerkit.watching import current

BASE: Final = "base units"
# Who types an address does not want to be told of each of its letters.
SECONDS_OF_REST: Final = 0.3
_MEMOS: Final = {"Text": MemoText, "Number (ID)": MemoId, "Hash": MemoHash, "Return hash": MemoReturn}
# What only one type of account takes, by field.
_OWN: Final = {
    "tag": "Ripple",
    "memo_type": "Stellar",
    "memo": "Stellar",
    "token_mint": "Solana",
    "max_priority_fee": "Solana",
}
_NO_UNIT: Final = "Unit: choose one."
_ORDER: Final = (
    "account",
    "recipient",
    "amount",
    "unit",
    "tag",
    "memo_type",
    "memo",
    "token_mint",
    "speed",
    "max_fees",
    "max_priority_fee",
    "note_title",
    "note_content",
)


@dataclass(frozen=True)
class Source:
    """The account that pays, as it was looked up."""

    row: "pd.Series[Any]"
    own: list[Mapping[str, Any]]
    of_fees: list[Mapping[str, Any]]
    entries: Mapping[str, Entry]
    lookups: Lookups


class UnitField(Field):
    """The unit of an amount, of those that the account has; an amount that stands is not read in another one."""

    def __init__(self, name: str, label: str, help: str) -> None:
        self.input = widgets.Dropdown(description=label, options=[("choose", None)], tooltip=f"{name}: {help}")
        self.input.add_class("lk-field")
        super().__init__(name, label, self.input)
        self._offering = False
        self._of: object = None
        self.input.observe(self._chosen, "value")

    def offer(self, units: Sequence[Mapping[str, Any]], *, of: object, keep: bool) -> None:
        """Offer the units of an account; the largest is chosen where none was, and nothing else is at stake.

        Parameters
        ----------
        of
            What is paid: base units of something else are another amount, and are chosen anew.
        """
        before = chosen = self.input.value
        if chosen == BASE and of != self._of:
            chosen = None
        self._of = of
        largest = display_unit(units)
        known = sorted(readable_units(units).values(), key=lambda unit: -unit.magnitude)
        codes = [unit.code for unit in known if code_for_label(unit) and _readable(unit, units)]
        default = None if keep or largest is None or largest.code not in codes else largest.code
        self._offering = True  # new options choose the first of them in between
        self.input.options = [("choose", None), *((one, one) for one in codes), (BASE, BASE)]
        self.input.value = chosen if chosen in (*codes, BASE) else default
        self._offering = False
        if self.input.value != before:
            self._changed()

    def _chosen(self, *_: Any) -> None:
        if not self._offering:
            self._changed()

    def read(self) -> str | None:
        """Return the code of the unit, or None."""
        value: str | None = self.input.value
        return value

    def write(self, value: Any) -> None:
        """Choose a unit."""
        if value not in [one for _, one in self.input.options]:
            raise self._refused(value, "the account has no such unit")
        self.input.value = value


class PaymentForm(WriteForm):
    """A payment of any account: recipient, amount in a unit of the account, fees, note.

    Attributes
    ----------
    source
        The account that was chosen, as it was looked up; None before.
    known
        What is known of the recipient that was typed; None before it was looked up.
    """

    title: ClassVar[str] = "Payment"
    agreed: ClassVar[str] = "Account, recipient, amount and fees are what I mean"
    repeated: ClassVar[frozenset[str]] = frozenset({"Account", "Amount", "At most for fees", "Currency", "To"})

    def __init__(self, workspace: Workspace) -> None:
        self.source: Source | None = None
        self.known: Known | None = None
        # What the highest fees are in, of the account that was shown last.
        self._fees_in: Unit | None = None
        self._fees_told = False
        super().__init__(workspace)
        self._names, self._account, self._recipient = Work(self._unnamed), Work(self.fail), Work(self.fail)
        self._names.start(lambda: self.workspace.directory.listed("account"), self._offer_accounts)

    # The fields

    def fields(self) -> Sequence[Field]:
        """Return the fields of a payment; those that one kind alone takes are hidden until it is chosen."""
        self.picker = PickField(
            "whitelisted", "Recipient from the whitelists of the account", integer=False, help="fills the address in"
        )
        self.picker.on_edit(self.guarded(self._picked))
        self.of_account, self.of_recipient, self.exact = (widgets.HTML() for _ in range(3))
        for one in (self.of_account, self.of_recipient):
            one.add_class("lk-wide")
        made = [
            PickField("account", "Account", help="The id or the name of the account that pays."),
            TextField("recipient", "Recipient", "The whole address.", wide=True),
            TextField("amount", "Amount", "Digits, perhaps with a point; in the unit beside it.", "0.5"),
            UnitField("unit", "Unit", "The unit of the amount."),
            TextField("tag", "Destination tag", "Of XRP payments only."),
            ChoiceField("memo_type", "Type of memo", list(_MEMOS), default="no memo", help="Of Stellar only."),
            TextField("memo", "Memo", "Of Stellar payments only."),
            TextField("token_mint", "Mint of the token", "To pay an SPL token: the address of its mint.", wide=True),
            ChoiceField(
                "speed",
                "Speed",
                ["SLOW", "NORMAL", "FAST"],
                default="normal, as by default",
                help="SLOW, NORMAL (the default) or FAST.",
            ),
            TextField("max_fees", "Highest fees", "By default what the service estimates.", "as estimated"),
            TextField("max_priority_fee", "Highest priority fee, in base units", "Of Solana, in lamports."),
            TextField("note_title", "Title of the note", "By which people search later."),
            TextField("note_content", "Content of the note", "A mark is added to it."),
        ]
        for one in made:
            if one.name in _OWN:
                one.widget.layout.display = "none"
        return made

    def arrange(self) -> Sequence[widgets.Widget]:
        """Return the fields, and beside them what is known of what was entered."""
        shown: list[widgets.Widget] = []
        for name in _ORDER:
            shown.append(self.entries[name].widget)
            if name == "account":
                shown += [self.picker.widget, self.of_account]
            elif name == "recipient":
                shown.append(self.of_recipient)
            elif name == "unit":
                shown.append(self.exact)
        return shown

    def read(self) -> dict[str, Any]:
        """Return the arguments of ``session.transactions.send``."""
        values = super().read()
        if "account" in values and self.source is None:
            if not self._account.running:
                self._look_at_account()
            raise InvalidRequest("Account: it is being looked up; review again in a moment.", field="account")
        if self.picker.read() is not None:
            raise InvalidRequest(
                "Recipient from the whitelists: what is in the box names no entry; pick one, or empty the box.",
                field="whitelisted",
            )
        for name, what in (("account", "choose who pays"), ("recipient", "whom to pay"), ("amount", "how much")):
            if name not in values:
                raise InvalidRequest(f"{self.entries[name].label}: it is empty; say {what}.", field=name)
        if "unit" not in values and not any(one.isalpha() for one in values["amount"]):
            raise InvalidRequest(_NO_UNIT, field="unit")
        values["account"] = int(values["account"])
        values["amount"] = _with_unit("amount", values["amount"], values.pop("unit", None))
        if "max_fees" in values:
            values["max_fees"] = _with_unit("max_fees", values["max_fees"], code_for_label(self._fees_in) or BASE)
        for name in ("tag", "max_priority_fee"):
            if name in values:
                values[name] = _whole(name, values[name])
        kind, memo = values.pop("memo_type", None), values.pop("memo", None)
        if (kind is None) != (memo is None):
            raise InvalidRequest("Memo: give its type and the memo, or neither.", field="memo")
        if kind is not None:
            values["memo"] = _MEMOS[kind](_whole("memo", memo) if _MEMOS[kind] is MemoId else memo)
        title, content = values.pop("note_title", None), values.pop("note_content", None)
        if content is not None and title is None:
            raise InvalidRequest("Title of the note: it is empty, and the note has a content.", field="note_title")
        if title is not None:
            values["note"] = Note(title, content) if content is not None else title
        if self.again.value:
            values["again"] = True
        return values

    def prepare(self, values: Mapping[str, Any]) -> Draft:
        """Return the draft of the payment, with its fees estimated and all checks made."""
        draft: Draft = self.workspace.section(Transactions).send(**values)
        return draft

    def remarks(self, draft: Draft) -> Mapping[str, str]:
        """Return whether the recipient is on a whitelist, and its risk."""
        said = next((one for one in draft.checks if one.name == "whitelist"), None)
        listed = said.text if said is not None and said.verdict == "ok" else "NOT WHITELISTED"
        return {"to": f"{listed} · {recipients.risk_of(self.workspace.connection, draft.payload.recipient)}"}

    def code_for(self, values: Mapping[str, Any]) -> str:
        """Return the call of ``transactions.send``."""
        given = ", ".join(
            f"{name}={_spelled(value)}" for name, value in values.items() if name not in ("account", "recipient")
        )
        start = f"{values['account']!r}, {values['recipient']!r}"
        return f"{self.workspace.variable()}.transactions.send({start}, {given})"

    def empty(self) -> None:
        """Empty the fields, and the recipient that is being picked."""
        self.picker.clear()
        super().empty()

    # While it is typed

    def edited(self, name: str) -> None:
        """Take the review away, and look at what was entered."""
        super().edited(name)
        if name == "account":
            self._look_at_account()
        elif name in ("recipient", "tag"):
            self._look_at_recipient()
        elif name in ("amount", "unit", "token_mint"):
            if name == "token_mint":
                self._offer_units()
            self._show_exact()

    def _offer_accounts(self, listed: pd.DataFrame) -> None:
        pairs = zip(listed["name"].astype(str), listed["id"].tolist(), strict=True)
        self.entries["account"].offer(unique_labels(pairs))  # type: ignore[attr-defined]  # it is a PickField

    def _unnamed(self, error: BaseException) -> None:
        if not isinstance(error, LedgerError):
            self.fail(error)
            return
        self.say("Names of accounts could not be looked up: type the id of one.", "warning", details=str(error))

    def _look_at_account(self) -> None:
        self.source = None
        self.of_account.value = ""
        self.picker.offer({})
        try:
            chosen = self.entries["account"].read()
        except InvalidRequest:  # half a name; it is told when it is reviewed
            chosen = None
        self._look_at_recipient()
        if chosen is None:
            self._account.stop()
            return
        connection = self.workspace.connection

        def job() -> Source:
            _rest(connection.transport.clock)
            lookups = Lookups(connection)
            row = lookups.account(int(chosen))
            own, of_fees = lookups.units(int(row["id"]))
            return Source(row, own, of_fees, recipients.entries(lookups, row), lookups)

        self._account.start(job, self._show_account)

    def _show_account(self, source: Source) -> None:
        self.source = source
        kind = SENDS.get(str(source.row["type"]))
        for name, owner in _OWN.items():
            field = self.entries[name]
            shown = source.row["type"] == owner
            field.widget.layout.display = None if shown else "none"
            if not shown:
                field.clear()
        for name in ("speed", "max_fees"):
            pays = kind is None or not kind.startswith(WITHOUT_FEES)
            self.entries[name].widget.layout.display = None if pays else "none"
            if not pays:
                self.entries[name].clear()
        emptied = self._tell_unit_of_fees(display_unit(source.of_fees))
        self.picker.offer(source.entries)
        self.of_account.value = _account_html(source, kind)
        self._offer_units()
        self._show_exact()
        self._look_at_recipient()
        if emptied:
            self.say(emptied, "warning")

    def _tell_unit_of_fees(self, unit: Unit | None) -> str:
        """Label the highest fees with their unit; a number that was typed in another one goes, and that is said."""
        fees = self.entries["max_fees"]
        label = f"Highest fees, in {code_for_label(unit) or BASE}"
        typed, changed = fees.read(), self._fees_told and unit != self._fees_in
        self._fees_in, self._fees_told = unit, True
        fees.input.description = label  # type: ignore[attr-defined]  # it is a TextField
        if typed is None or not changed:
            return ""
        fees.clear()
        return f"{label}: {typed} was meant in the unit of the account before, and was taken away."

    def _offer_units(self) -> None:
        if self.source is None:
            return
        unit = self.entries["unit"]
        # The decimal places of a mint are known nowhere: those of the account are SOL's.
        mint = self.entries["token_mint"].read()
        units = [] if mint else self.source.own
        chosen = unit.read() is not None and self.entries["amount"].read() is not None
        unit.offer(units, of=(int(self.source.row["id"]), mint), keep=chosen)  # type: ignore[attr-defined]  # it is a UnitField

    def _show_exact(self) -> None:
        text, unit = self.entries["amount"].read(), self.entries["unit"].read()
        if self.source is None or text is None:
            self.exact.value = ""
            return
        units = [] if self.entries["token_mint"].read() else self.source.own
        if unit is None and not any(one.isalpha() for one in text):
            self.exact.value = _quiet(f"<span class='lk-pill lk-refused'>{_NO_UNIT}</span>")
            return
        try:
            base, _ = read_amount(_with_unit("amount", text, unit), units)
        except InvalidRequest as error:
            self.exact.value = _quiet(
                f"<span class='lk-pill lk-refused'>{html.escape(visible(error.message))}</span>"
            )
            return
        self.exact.value = _quiet(f"= {amount(str(base))} base units")

    def _look_at_recipient(self) -> None:
        self.known = None
        self.of_recipient.value = ""
        source, recipient, tag = self.source, self.entries["recipient"].read(), self.entries["tag"].read()
        if source is None or recipient is None:
            if hasattr(self, "_recipient"):
                self._recipient.stop()
            return
        connection = self.workspace.connection

        def job() -> Known:
            _rest(connection.transport.clock)
            return recipients.known(connection, source.lookups, source.row, recipient, tag)

        self._recipient.start(job, lambda found: self._show_recipient(recipient, found))

    def _show_recipient(self, recipient: str, found: Known) -> None:
        self.known = found
        self.of_recipient.value = _recipient_html(recipient, found)

    def _picked(self) -> None:
        try:
            entry = self.picker.read()
        except InvalidRequest:
            return
        if isinstance(entry, Entry):
            self.entries["recipient"].write(entry.address)
            self.entries["tag"].write(entry.tag)  # also where it has none: that of another one sends it elsewhere
            self.picker.clear()

    # The rest

    def wait(self, seconds: float = 60.0) -> "PaymentForm":
        """Wait in a cell until what runs behind the form is done, also what is looked up while one types."""
        works = (self._names, self._account, self._recipient)
        while any(one.running for one in works):  # what one finds may start another
            for one in works:
                one.wait(seconds)
        super().wait(seconds)
        return self

    def close(self) -> None:
        """End the form. A write that is in flight goes on, and ``draft`` says what became of it."""
        for one in (self._names, self._account, self._recipient):
            one.stop()
        super().close()


def _rest(clock: Any) -> None:
    watch = current()
    if clock.wait(watch.cancel if watch else threading.Event(), SECONDS_OF_REST):
        raise Cancelled


def _readable(unit: Unit, units: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether an amount can be written in a unit: a code that begins with a digit would be read as the amount."""
    try:
        return read_amount(f"1 {unit.code}", units)[1] == unit
    except InvalidRequest:
        return False


def _with_unit(name: str, text: str, unit: str | None) -> str | int:
    """Return an amount as ``transactions.send`` takes it: the text as it was typed, and its unit."""
    if unit == BASE:
        return _whole(name, text)
    if unit is None:
        return text  # with its unit, or it is told that it has none
    if any(one.isalpha() for one in text):
        if text.lstrip("0123456789. \u00a0") == unit:
            return text
        raise InvalidRequest(
            f"`{name}` = {shorten(text)} can't be used: the unit that is chosen is {visible(unit)}. Write the digits "
            "alone.",
            field=name,
        )
    return f"{text} {unit}"


def _whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 78):
        raise InvalidRequest(f"`{name}` = {shorten(text)} can't be used: it is a whole number of digits.", field=name)
    return int(text)


def _spelled(value: Any) -> str:
    return f"lk.payloads.{value!r}" if type(value).__module__.startswith("ledgerkit.") else repr(value)


def _account_html(source: Source, kind: str | None) -> str:
    row = source.row
    unit = display_unit(source.own)
    available = row["available_balance"]
    said = [f"{row['name']} (account {row['id']})", f"{row['currency']}", f"type {row['type']}"]
    if row["status"] != "ACTIVE":
        said.append(f"status {row['status']}")
    if available is not pd.NA:
        shown = f"{to_display(available, unit.magnitude)} {unit.code}" if unit else f"{available} base units"
        said.append(f"{shown} available")
    told = html.escape(" · ".join(visible(one) + beside(one) for one in said))
    if kind is None:
        told += (
            " <span class='lk-pill lk-refused'>The API documents no payment for accounts of type "
            f"{html.escape(visible(str(row['type'])))}: this one can't be paid from here.</span>"
        )
    return _quiet(told)


def _recipient_html(recipient: str, found: Known) -> str:
    verdict = {
        True: "<span class='lk-pill lk-done'>Well-formed address</span>",
        False: "<span class='lk-pill lk-refused'>No address of this currency</span>",
        None: "<span class='lk-pill lk-waiting'>The service can't check the address</span>",
    }[found.valid]
    place = html.escape(visible(f"on whitelist {found.listed}"))
    if found.as_given:
        listed = f"<span class='lk-pill lk-done'>{place}</span>"
    elif found.listed:
        listed = f"<span class='lk-pill lk-waiting'>NOT WHITELISTED with this tag: {place}</span>"
    else:
        listed = "<span class='lk-pill lk-waiting'>NOT WHITELISTED</span>"
    risk = html.escape(visible(found.risk))
    alike = "" if found.alike is None else f"{look_alike_pill(found.alike)} {told(visible(found.alike.text))}"
    unseen = f"<span class='lk-pill lk-waiting'>{html.escape(found.uncompared)}</span>" if found.uncompared else ""
    return _quiet(" · ".join(one for one in (address(recipient), alike, verdict, listed, risk, unseen) if one))


def _quiet(shown: str) -> str:
    return f"<div class='lk-beside mathjax_ignore tex2jax_ignore' role='status' style='{QUIET}'>{shown}</div>"
