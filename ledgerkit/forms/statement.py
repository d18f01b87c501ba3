"""What an approver knows of a payment from a source of their own, as fields that begin empty."""

import html
import json
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, NoReturn

import ipywidgets as widgets

from ledgerkit import payloads
from ledgerkit.addresses import EVM_ADDRESS
from ledgerkit.amounts import Unit, display_unit, to_base_units
from ledgerkit.challenges import LEAST_END, LEAST_HEX_END
from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.forms.fields import ChoiceField, Field, TextField, tooltip
from ledgerkit.forms.units import Offered, Units, code_for_label
from ledgerkit.payloads.parts import Memo
from ledgerkit.payments import SENDS
from ledgerkit.showing import amount as grouped
from ledgerkit.showing import visible

_NUMBER: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?")
# No body of a request is half as deep; what reads it later has to come to its end too.
MOST_LEVELS: Final = 50
_DIGITS: Final = re.compile(r"[0-9]{1,78}")
# Which type of account a payment that has this comes from: the fields of other types are folded away.
_OWN: Final = {
    "tag": ("Ripple",),
    "memo": ("Stellar",),
    "memo_kind": ("Stellar",),
    "contract_address": ("Bep20", "Erc20", "Trc20"),
    "token_mint": ("Solana",),
}
# What payments of other types carry is not documented: all is asked for.
_KNOWN: Final = frozenset({*SENDS, "Trc20"})
# How a whole address of each type of account looks; of other types nothing is told before it is compared.
_EVM: Final = (EVM_ADDRESS, "0x and 40 hex digits")
_TRON: Final = (re.compile(r"T[1-9A-HJ-NP-Za-km-z]{33}"), "34 letters and digits that begin with T")
_WHOLE: Final = {
    "Bitcoin": (re.compile(r"(?:bitcoincash:)?[0-9A-Za-z]{26,130}"), "26 letters and digits or more"),
    "Bep20": _EVM,
    "Erc20": _EVM,
    "Ethereum": _EVM,
    "Polygon": _EVM,
    "Ripple": (re.compile(r"[rX][0-9A-Za-z]{24,47}"), "25 letters and digits or more that begin with r or X"),
    "Solana": (re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}"), "32 to 44 letters and digits"),
    "Stellar": (re.compile(r"G[A-Z2-7]{55}|M[A-Z2-7]{68}"), "56 letters and digits that begin with G"),
    "Trc20": _TRON,
    "Tron": _TRON,
}
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
        self._unit: Unit | None = None
        self._currency = ""
        self._plain = label
        self.shown = widgets.HTML()
        self.shown.add_class("lk-base-units")
        self.widget = widgets.VBox([self.widget, self.shown])
        self.widget.add_class("lk-pick")
        self.on_edit(self._echo)

    def use(self, units: Units, currency: str, *, on_word: bool) -> None:
        """Read amounts in these units from now on; a number alone is in the largest of them, as the label says.

        What was typed in another unit is taken away: it would mean something else.

        Parameters
        ----------
        currency
            Of which network they are: a coin of another has other units of the same name.
        on_word
            Whether nothing but the word of the service says how large they are.
        """
        unit = display_unit(units)
        code = code_for_label(unit)
        if unit is None or code is None:
            self.of, unit, self.label = (), None, f"{self._plain}, in base units"
        else:
            word = f", on the word of the service, {unit.magnitude} decimal places" if on_word else ""
            self.of, self.label = tuple(units), f"{self._plain}, in {code}{word}"
        self.input.description = self.label
        self._currency = currency
        typed, before, self._unit = self.read_text(), self._unit, unit
        if typed is None or unit == before:
            self._echo()
            return
        self.clear()
        self.shown.value = _quiet("Its unit is another now: type it anew.")

    def read_text(self) -> str | None:
        """Return what was typed, or None."""
        return super().read()

    def read(self) -> Any | None:
        """Return the amount in base units, or None."""
        text = self.read_text()
        if text is None:
            return None
        amount: str | int = text
        if _NUMBER.fullmatch(text) and self._unit is not None:
            amount = f"{text} {self._unit.code}"
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
            places = ""
            if self._unit is not None:
                of = f"{self._unit.code} of {visible(self._currency)}"
                places = f"; {html.escape(of)} has {self._unit.magnitude} decimal places"
            shown = "" if base is None else f"= {grouped(str(base))} base units{places}"
        self.shown.value = _quiet(shown) if shown else ""


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
            TextField("recipient_end", "End of the recipient", ends),
            TextField("recipient", "Or the whole recipient", "The address that is paid.", wide=True),
        ]
        self._decisive: list[Field] = [
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
        self.fields = {one.name: one for one in (*needed, *self._decisive, *other)}
        self._offered = Offered()
        self._kind: str | None = None
        self._hint = _hint("Where the payment has one; these decide who gets what.")
        self._here, self._elsewhere = _grid(self._decisive), _grid(())
        self.folded = widgets.Accordion([self._elsewhere], titles=("Of other currencies",), selected_index=None)
        self.folded.add_class("lk-more")
        self._arrange()
        for name in ("contract_address", "token_mint"):
            self.fields[name].on_edit(self._offer)
        self.box = widgets.VBox(
            [
                _hint("What you know from a source of your own: the invoice, the order, a call. Not this request."),
                _grid(needed),
                self._hint,
                self._here,
                _hint("What you leave empty here is left to your eye."),
                _grid(other),
                self.folded,
            ]
        )

    def use(self, offered: Offered, kind: str | None = None) -> None:
        """Read amounts in the units that are offered, and show what payments of a type of account may have.

        What they have not is folded away and still read: which type it is, is the word of the service.
        """
        self._offered, self._kind = offered, kind
        self._arrange()
        self._offer()

    def _arrange(self) -> None:
        here = [
            one
            for one in self._decisive
            if self._kind not in _KNOWN or self._kind in _OWN[one.name] or one.read() is not None
        ]
        elsewhere = [one for one in self._decisive if one not in here]
        self._here.children = [one.widget for one in here]
        self._elsewhere.children = [one.widget for one in elsewhere]
        self._hint.layout.display = self._here.layout.display = None if here else "none"
        self.folded.layout.display = None if elsewhere else "none"
        least = LEAST_END if self._kind in _WHOLE and _WHOLE[self._kind] is not _EVM else LEAST_HEX_END
        end = self.fields["recipient_end"]
        assert isinstance(end, TextField)  # noqa: S101  # made above
        end.input.placeholder = f"its last {least} characters or more"

    def _offer(self) -> None:
        given = self._offered
        # Of a token that the service does not speak of, nothing says how many decimal places it has.
        other = self.fields["token_mint"].read() or (self.fields["contract_address"].read() and not given.token)
        for name, units, on_word in (
            ("amount", () if other else given.amounts, given.amounts_on_word),
            ("max_fees", given.fees, given.fees_on_word),
        ):
            field = self.fields[name]
            assert isinstance(field, AmountField)  # noqa: S101  # made above
            field.use(units, given.currency, on_word=on_word)

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
        self._check_whole(stated.get("recipient"))
        if "tag" in stated:
            stated["tag"] = self._integer("tag", stated["tag"])
        kind = stated.pop("memo_kind", None)
        if kind is not None and "memo" not in stated:
            self.fields["memo"].mark(True)
            raise InvalidRequest("Memo: its kind was chosen, and the memo is empty.", field="memo")
        if "memo" in stated:
            stated["memo"] = self._memo(kind, stated["memo"])
        return stated

    def _check_whole(self, recipient: str | None) -> None:
        """Refuse what can be no whole address, before it is compared and told as another recipient."""
        shape = _WHOLE.get(self._kind or "")
        if recipient is None or shape is None or shape[0].fullmatch(recipient):
            return
        self.fields["recipient"].mark(True)
        raise InvalidRequest(
            f"Or the whole recipient: {shorten(recipient)} is no whole address of an account of type {self._kind}: "
            f"that is {shape[1]}. A part of one goes into 'End of the recipient'. Nothing was compared.",
            field="recipient",
        )

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


class BodyField(Field):
    """The whole body of a request as JSON: what amount and recipient don't tell, such as a stake or an account.

    Attributes
    ----------
    shown
        What was read of it, a line for each value.
    """

    def __init__(self) -> None:
        label = "The whole body that was agreed, as JSON"
        self.input = widgets.Textarea(
            description=label,
            rows=6,
            placeholder='{"type": "CREATE_...", "data": {...}}',
            tooltip=tooltip("intent", "The body of the request, as the one who made it gave it to you."),
        )
        self.input.add_class("lk-field")
        self.shown = widgets.HTML()
        box = widgets.VBox([self.input, self.shown])
        box.add_class("lk-pick")
        box.add_class("lk-wide")
        super().__init__("intent", label, box)
        self.input.observe(self._changed, "value")
        self.on_edit(self._echo)

    def read(self) -> Any | None:
        """Return the body, or None."""
        text = self.input.value.strip()
        if not text:
            return None
        try:
            body = json.loads(
                text, parse_float=Decimal, parse_constant=_not_a_number, object_pairs_hook=_object_of_one_reading
            )
            list(_lines(body))  # what can't be shown back is not compared
        except ValueError as error:
            raise self._refused(text, f"it is no JSON, {error}") from None
        except RecursionError:
            raise self._refused(text, "it is nested too deeply") from None
        if not isinstance(body, dict) or not isinstance(body.get("data"), dict) or not body.get("type"):
            raise self._refused(text, "it takes an object with `type` and `data`, as the body of a request has them")
        return body

    def write(self, value: Any) -> None:
        """Put a text into it."""
        self.input.value = "" if value is None else str(value)

    def mark(self, wrong: bool) -> None:
        """Show whether what is in it was refused."""
        (self.input.add_class if wrong else self.input.remove_class)("lk-wrong")

    def _echo(self) -> None:
        try:
            body = self.read()
        except InvalidRequest:
            self.shown.value = _quiet("This can't be read as a body yet.")
            return
        lines = "" if body is None else "\n".join(html.escape(line) for line in _lines(body))
        self.shown.value = (
            "<div class='lk-said mathjax_ignore tex2jax_ignore' aria-live='polite'>Read as:"
            f"<pre class='lk-code' style='white-space:pre-wrap'>{lines}</pre></div>"
            if lines
            else ""
        )


def _object_of_one_reading(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; of a key that comes twice, two readers may take another value each."""
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"it has the key {shorten(twice)} twice")
    return dict(pairs)


def _not_a_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _lines(value: Any, path: str = "", level: int = 0) -> Iterable[str]:
    """Give a line for each value, as it was read, after the way to it."""
    if level > MOST_LEVELS:
        raise RecursionError
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _lines(inner, f"{path}.{visible(name)}" if path else visible(name), level + 1)
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _lines(inner, f"{path}[{index}]", level + 1)
    else:
        shown = str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)
        yield f"{path}: {visible(shown)}"


def _quiet(shown: str) -> str:
    return f"<span class='lk-quiet mathjax_ignore tex2jax_ignore' aria-live='polite'>{shown}</span>"


def _hint(text: str) -> widgets.HTML:
    return widgets.HTML(f"<span class='lk-quiet'>{text}</span>")


def _grid(fields: Iterable[Field]) -> widgets.Box:
    box = widgets.Box([field.widget for field in fields])
    box.add_class("lk-grid")
    return box
