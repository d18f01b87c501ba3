"""What an approver knows of a payment from a source of their own, as fields that begin empty."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

import ipywidgets as widgets

from ledgerkit import payloads
from ledgerkit.amounts import display_unit, to_base_units
from ledgerkit.challenges import LEAST_END, LEAST_HEX_END
from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.forms.fields import ChoiceField, Field, TextField
from ledgerkit.payloads.parts import Memo
from ledgerkit.showing import amount as grouped

Units = Iterable[Mapping[str, Any]]
_NUMBER: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_DIGITS: Final = re.compile(r"[0-9]{1,78}")
_MEMOS: Final = {"Number": "id", "Hash": "hash", "Hash of what is paid back": "return"}


class AmountField(TextField):
    """An amount as text; its base units are shown while it is typed.

    Attributes
    ----------
    shown
        Where the base units are shown.
    """

    def __init__(self, name: str, label: str, help: str) -> None:
        super().__init__(name, label, help)
        self.of: Units = ()
        self._plain = label
        self.shown = widgets.HTML()
        self.shown.add_class("lk-base-units")
        self.widget = widgets.VBox([self.widget, self.shown])
        self.widget.add_class("lk-pick")
        self.on_edit(self._echo)

    def use(self, units: Units) -> None:
        """Read amounts in these units from now on; a number alone is in the largest of them, as the label says."""
        self.of = tuple(units)
        largest = display_unit(self.of)
        self.label = self._plain + (f", in {largest.code}" if largest else ", in base units")
        self.input.description = self.label
        self._echo()

    def read(self) -> Any | None:
        """Return the amount in base units, or None."""
        text = self.input.value.strip()
        if not text:
            return None
        largest = display_unit(self.of)
        amount: str | int = text
        if _NUMBER.fullmatch(text) and largest is not None:
            amount = f"{text} {largest.code}"
        elif _DIGITS.fullmatch(text):
            amount = int(text)
        try:
            return to_base_units(amount, self.of, self.label)
        except InvalidRequest as error:
            raise InvalidRequest(error.message, field=self.name) from None

    def _echo(self) -> None:
        try:
            base = self.read()
        except InvalidRequest:
            shown = "This can't be read as an amount yet."
        else:
            shown = "" if base is None else f"= {grouped(str(base))} base units"
        self.shown.value = f"<span class='lk-quiet' aria-live='polite'>{shown}</span>" if shown else ""


class Statement:
    """The fields of a statement, and what they say together.

    Attributes
    ----------
    box
        What is shown of them.
    fields
        The fields by the name of the parameter of ``session.requests.approve``.
    """

    def __init__(self) -> None:
        ends = f"The last {LEAST_END} or more characters; {LEAST_HEX_END} of an address in hex digits."
        needed: list[Field] = [
            AmountField("amount", "Amount", "What is paid, from a source of your own."),
            TextField("recipient_end", "End of the recipient", ends, f"its last {LEAST_HEX_END} characters"),
            TextField("recipient", "Or the whole recipient", "The address that is paid.", wide=True),
        ]
        decisive: list[Field] = [
            TextField("tag", "Destination tag", "A number that XRP payments may have."),
            TextField("memo", "Memo", "What Stellar payments may carry."),
            ChoiceField(
                "memo_kind",
                "Kind of memo",
                _MEMOS,
                help="How the memo is written.",
                default="Text",
            ),
            TextField("contract_address", "Contract of the token", "The contract whose token is paid."),
            TextField("token_mint", "Mint of the token", "The mint whose token is paid."),
        ]
        other: list[Field] = [
            AmountField("max_fees", "Most fees", "The most that may be paid as fees."),
            TextField("currency", "Currency", "As the API calls it, such as bitcoin."),
            TextField("account_name", "Account", "The name of the account that pays."),
        ]
        self.fields = {one.name: one for one in (*needed, *decisive, *other)}
        self.box = widgets.VBox(
            [
                _hint("What you know from a source of your own: the invoice, the order, a call. Not this request."),
                _grid(needed),
                _hint("Where the payment has one; these decide who gets what."),
                _grid(decisive),
                _hint("What you leave empty here is left to your eye."),
                _grid(other),
            ]
        )

    def use(self, amounts: Units, fees: Units) -> None:
        """Read amounts in the units of an account."""
        for name, units in (("amount", amounts), ("max_fees", fees)):
            field = self.fields[name]
            assert isinstance(field, AmountField)  # noqa: S101  # made above
            field.use(units)

    def on_edit(self, callback: Callable[[], None]) -> None:
        """Have a callback called whenever something in it changes."""
        for field in self.fields.values():
            field.on_edit(callback)

    def clear(self) -> None:
        """Empty all fields."""
        for field in self.fields.values():
            field.clear()

    def read(self) -> dict[str, Any]:
        """Return what is stated, by parameter, without what is empty.

        Raises
        ------
        InvalidRequest
            A field can't be read; it is marked.
        """
        stated: dict[str, Any] = {}
        for name, field in self.fields.items():
            try:
                value = field.read()
            except InvalidRequest:
                field.mark(True)
                raise
            if value is not None:
                stated[name] = value
        if "tag" in stated:
            stated["tag"] = self._integer("tag", stated["tag"])
        kind = stated.pop("memo_kind", None)
        if kind is not None and "memo" not in stated:
            self.fields["memo"].mark(True)
            raise InvalidRequest("Memo: its kind was chosen, and the memo is empty.", field="memo")
        if "memo" in stated:
            stated["memo"] = self._memo(kind, stated["memo"])
        return stated

    def _memo(self, kind: str | None, text: str) -> Memo:
        if kind == "id":
            return payloads.MemoId(self._integer("memo", text))
        kinds: Mapping[str | None, Callable[[str], Memo]] = {
            None: payloads.MemoText,
            "hash": payloads.MemoHash,
            "return": payloads.MemoReturn,
        }
        return kinds[kind](text)

    def _integer(self, name: str, text: str) -> int:
        if not _DIGITS.fullmatch(text):
            self.fields[name].mark(True)
            raise InvalidRequest(
                f"{self.fields[name].label}: {shorten(text)} was not taken: it takes digits alone.", field=name
            )
        return int(text)


class BodyField(TextField):
    """The whole body of a request as JSON: what amount and recipient don't tell, such as a stake or an account."""

    def __init__(self) -> None:
        super().__init__(
            "intent",
            "The whole body that was agreed, as JSON",
            "The body of the request, as the one who made it gave it to you.",
            '{"type": "CREATE_...", "data": {...}}',
            wide=True,
        )

    def read(self) -> Any | None:
        """Return the body, or None."""
        text = super().read()
        if text is None:
            return None
        try:
            body = json.loads(text, parse_float=Decimal)
        except ValueError as error:
            raise self._refused(text, f"it is no JSON, {error}") from None
        if not isinstance(body, dict) or not isinstance(body.get("data"), dict) or not body.get("type"):
            raise self._refused(text, "it takes an object with `type` and `data`, as the body of a request has them")
        return body


def _hint(text: str) -> widgets.HTML:
    return widgets.HTML(f"<span class='lk-quiet'>{text}</span>")


def _grid(fields: Iterable[Field]) -> widgets.Box:
    box = widgets.Box([field.widget for field in fields])
    box.add_class("lk-grid")
    return box
