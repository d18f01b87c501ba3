"""Inputs of forms that create: made from the rules of a payload's fields, and read back into these fields."""

import html
import inspect
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import ipywidgets as widgets
import msgspec

from ledgerkit.amounts import display_unit, read_amount, readable_units, to_display
from ledgerkit.checks import Units
from ledgerkit.errors import InvalidRequest
from ledgerkit.forms.fields import ChoiceField, Field, TextField, tooltip
from ledgerkit.payloads import Body, Note, Speed
from ledgerkit.payloads.base import rules
from ledgerkit.payloads.parts import ContractData, OneOf, Part
from ledgerkit.payloads.rules import Address, Amount, Choice, Integer, Json, Pattern, Rule
from ledgerkit.payloads.transactions import SHOWN
from ledgerkit.showing import amount

UNIT: Final = "unit…"
BASE: Final = "base units"
CHOOSE: Final = "choose"
LABELS: Final = {
    **{name: label for name, (label, _) in SHOWN.items()},
    "account_id": "Account",
    "account_name": "Account",
    "raw_message": "Message",
    "address": "Address that signs",
    "policy_name": "Policy",
    "parent_id": "Parent account",
    "max_fee": "At most for fees",
    "to_account_id": "To account",
    "encoded_contract_data": "Call, encoded (deprecated)",
}
# Numbers that no unit of an account is for: 90000 gas are not 90000 ether.
_OF_GAS: Final = frozenset({"fees_per_byte", "gas_limit", "gas_price", "priority_fees", "storage_limit"})
_PLAIN: Final = re.compile(r"[0-9]+(\.[0-9]+)?")


class AreaField(Field):
    """A text of several lines, exactly as it was typed: a message is signed with all its blanks.

    Parameters
    ----------
    help, placeholder
        What it says on hover, and while it is empty.
    """

    def __init__(self, name: str, label: str, help: str = "", placeholder: str = "") -> None:
        self.input = widgets.Textarea(description=label, placeholder=placeholder, tooltip=tooltip(name, help), rows=3)
        self.input.add_class("lk-field")
        self.input.add_class("lk-wide")
        super().__init__(name, label, self.input)
        self.input.observe(self._changed, "value")

    def read(self) -> str | None:
        """Return the text, or None where there is nothing but blanks."""
        text: str = self.input.value
        return text if text.strip() else None

    def write(self, value: Any) -> None:
        """Put a text into it."""
        self.input.value = "" if value is None else str(value)


class JsonField(AreaField):
    """JSON, read exactly: without floats, and no name twice."""

    def read(self) -> Any | None:
        """Return what the JSON says, or None."""
        text = super().read()
        if text is None:
            return None
        try:
            # A fraction stays exact until the payload refuses it; a float would not.
            return json.loads(text, parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_object)
        except (ValueError, RecursionError) as error:
            raise self._refused(text, f"it takes JSON, such as {self.input.placeholder or '{}'} ({error})") from None

    def write(self, value: Any) -> None:
        """Put JSON into it: a text as it is, anything else written out."""
        super().write(value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name stands in it twice, and which is meant can't be told")
    return made


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


class AmountField(Field):
    """An amount, as text with its unit beside, and the exact base units that it means.

    Parameters
    ----------
    help
        What it says on hover.
    """

    def __init__(self, name: str, label: str, help: str = "") -> None:
        self.input = widgets.Text(description=label, placeholder="0.5", tooltip=tooltip(name, help))
        self.unit = widgets.Dropdown(
            description="Unit", options=[UNIT, BASE], tooltip=f"The unit of: {label}", value=UNIT
        )
        self.beside = widgets.HTML()
        for one in (self.input, self.unit):
            one.add_class("lk-field")
        self.input.add_class("lk-amount-input")
        self.beside.add_class("lk-beside")
        box = widgets.HBox([self.input, self.unit, self.beside])
        box.add_class("lk-amount-field")
        super().__init__(name, label, box)
        self._units: Units = ()
        self._offering = False
        self.input.observe(self._typed, "value")
        self.unit.observe(self._typed, "value")

    def offer(self, units: Units) -> None:
        """Offer the units of an account; an amount in a unit that it has not asks for another unit."""
        self._units = tuple(units)
        codes = sorted(readable_units(units).values(), key=lambda one: -one.magnitude)
        largest = display_unit(units)
        before = self.unit.value
        options = [UNIT, *(one.code for one in codes), BASE]
        if before in options and before != UNIT:
            chosen = before
        elif before == UNIT or not self.input.value.strip():
            chosen = BASE if largest is None else largest.code
        else:
            chosen = UNIT
        # No edit: the amount is what it was, and a review that is under way stands.
        self._offering = True
        try:
            self.unit.options = options
            self.unit.value = chosen
        finally:
            self._offering = False
        self._say()

    def read(self) -> int | str | None:
        """Return an int of base units, a text with its unit, or None."""
        text: str = self.input.value.strip()
        if not text:
            return None
        if not _PLAIN.fullmatch(text):
            return text  # with a unit of its own, or wrong, which is said where units are known
        if self.unit.value == UNIT:
            raise self._refused(text, "it could mean two things: choose its unit, or write it, as 0.5 ETH")
        if self.unit.value != BASE:
            return f"{text} {self.unit.value}"
        if "." in text:
            raise self._refused(text, "base units are whole")
        return int(text)

    def write(self, value: Any) -> None:
        """Put an amount into it: a text, or an int of base units."""
        if isinstance(value, int):
            self.unit.value = BASE
        self.input.value = "" if value is None else str(value)

    def show(self, base: int) -> None:
        """Put an amount of base units into it, in the unit that people speak in."""
        unit = display_unit(self._units)
        if unit is None:
            self.write(base)
            return
        self.unit.value = unit.code
        self.input.value = str(to_display(base, unit.magnitude))

    def _typed(self, *_: Any) -> None:
        if not self._offering:
            self._say()
            self._changed()

    def _say(self) -> None:
        """Say beside it what it means; computed here, so that it is there while one types."""
        try:
            value = self.read()
            if value is None or not (self._units or isinstance(value, int)):
                said = ""
            else:
                base = read_amount(value, self._units, self.name)[0]
                said = f"<span class='lk-amount'>= {amount(str(base))} base units</span>"
        except InvalidRequest as error:
            said = f"<span class='lk-problem'>{html.escape(error.message)}</span>"
        self.beside.value = f"<span class='mathjax_ignore tex2jax_ignore'>{said}</span>" if said else ""


# From rules to fields


def documented(kind: Any) -> dict[str, str]:
    """Return what the docstrings of a class, or of a function, say of each parameter."""
    said: dict[str, str] = {}
    for one in reversed(inspect.getmro(kind) if inspect.isclass(kind) else (kind,)):
        _, _, section = inspect.cleandoc(one.__doc__ or "").partition("Parameters\n----------\n")
        names: list[str] = []
        for line in section.split("\n\n")[0].splitlines() if section else ():
            if not line.startswith(" "):
                names = line.split(", ")
                said |= dict.fromkeys(names, "")
                continue
            for name in names:
                said[name] = f"{said[name]} {line.strip()}".strip()
    return said


def label_of(name: str) -> str:
    """Return what stands above a field."""
    return LABELS.get(name, name.replace("_", " ").capitalize())


def inputs(kind: type[Body], *, known: Iterable[str] = ()) -> list[Field]:
    """Return fields for all that a payload takes but for what is known already."""
    said = documented(kind)
    order = {name: place for place, name in enumerate(SHOWN)}
    names = [name for name in rules(kind) if name not in known]
    # As they are read in the summary; what no summary has comes first.
    names.sort(key=lambda name: order.get(name, -1))
    return [field for name in names for field in inputs_of(name, rules(kind)[name], said.get(name, ""))]


def inputs_of(name: str, rule: Rule, help: str) -> list[Field]:
    """Return the fields in which a value of this rule is entered."""
    label = label_of(name)
    match rule:
        case OneOf(kinds=kinds) if Note in kinds:
            return note_inputs()
        case OneOf(kinds=kinds):
            return fee_inputs(kinds, help)
        case ContractData():
            return [
                TextField("function_name", "Function", help, "transfer"),
                JsonField("function_arguments", "Arguments, as JSON", help, '{"to": "0x...", "amount": "1000"}'),
                JsonField(
                    "abi", "ABI, as JSON", f"{help} With the ABI, function and arguments are checked here.", "[]"
                ),
                AreaField(name, "Or the call, encoded", help, "0xa9059cbb..."),
            ]
        case Json():
            return [JsonField(name, label, help, "{}")]
        case Choice(choices=choices):
            return [ChoiceField(name, label, choices, help=help, default=CHOOSE)]
        case Amount() if name in _OF_GAS:
            return [TextField(name, _of_gas(name), help)]
        case Amount():
            return [AmountField(name, label, help)]
        case Integer():
            return [TextField(name, label, help)]
        case Pattern():
            return [TextField(name, label, help, wide=name.startswith("encoded"))]
        case Address():
            return [TextField(name, label, help, wide=True)]
        case _ if getattr(rule, "lines", False):
            return [AreaField(name, label, help)]
        case _:
            return [TextField(name, label, help)]


def _of_gas(name: str) -> str:
    return label_of(name) if name.endswith("_limit") else f"{label_of(name)}, in base units"


def note_inputs() -> list[Field]:
    """Return the fields of a note."""
    said = documented(Note).get("title", "")
    return [
        TextField("note_title", "Note", f"What people search by later. {said}"),
        AreaField("note_content", "Note, more", said),
    ]


def fee_inputs(kinds: Sequence[type[Part]], help: str = "") -> list[Field]:
    """Return the fields of a fee strategy: the speed, and what each other strategy takes."""
    choices = rules(Speed)["speed"].choices  # type: ignore[attr-defined]  # a Choice
    made: list[Field] = [ChoiceField("speed", "Speed", choices, help=help, default="Normal, or as below")]
    custom = dict.fromkeys(name for kind in kinds if kind is not Speed for name in kind.__struct_fields__)
    return [
        *made,
        *(TextField(name, _of_gas(name), "Instead of a speed.") for name in custom),
    ]


# And back


def read_fields(
    kind: type[Body], values: Mapping[str, Any], known: Mapping[str, Any], units: Mapping[str, Units]
) -> dict[str, Any]:
    """Return what a payload is made from: what was entered, and what is known.

    Parameters
    ----------
    values
        What the fields gave, by their names; None where they are empty.
    known
        What is not entered.
    units
        The units of each amount, by its name.

    Raises
    ------
    InvalidRequest
        Something is missing, or can't be used.
    """
    given: dict[str, Any] = {}
    for name, rule in rules(kind).items():
        if name in known:
            continue
        value = read_value(name, rule, values, units.get(name, ()))
        if value is not None:
            given[name] = value
    for field in msgspec.structs.fields(kind):
        if field.required and field.name not in {**given, **known}:
            raise missing(field.name)
    return {**given, **known}


def read_value(name: str, rule: Rule, values: Mapping[str, Any], units: Units = ()) -> Any | None:
    """Return the value of one field of a payload, or None where nothing was entered."""
    match rule:
        case OneOf(kinds=kinds) if Note in kinds:
            return read_note(values)
        case OneOf(kinds=kinds):
            return read_fee_strategy(kinds, values)
        case ContractData():
            return _read_call(name, values)
        case Amount() if name not in _OF_GAS:
            value = values.get(name)
            return None if value is None else read_amount(value, units, name)[0]
        case Integer():
            return digits(values.get(name))
        case _:
            return values.get(name)


def read_note(values: Mapping[str, Any]) -> Note | None:
    """Return the note, or None."""
    title, content = values.get("note_title"), values.get("note_content")
    if title is None and content is None:
        return None
    if title is None:
        raise InvalidRequest("Note is missing: a note has a title before it has more.", field="note_title")
    return Note(title, content or "")


def read_fee_strategy(kinds: Sequence[type[Part]], values: Mapping[str, Any]) -> Part:
    """Return the fee strategy; of the speed NORMAL where nothing was chosen."""
    others = [kind for kind in kinds if kind is not Speed]
    names = dict.fromkeys(name for kind in others for name in kind.__struct_fields__)
    given = {name: values[name] for name in names if values.get(name) is not None}
    if not given:
        return Speed(values.get("speed") or "NORMAL")
    if values.get("speed") is not None:
        raise InvalidRequest(
            f"Speed and {', '.join(map(label_of, given))} were both given: empty one of them.", field="speed"
        )
    for kind in others:
        if given.keys() == set(kind.__struct_fields__):
            return kind(**given)
    ways = " or ".join(" and ".join(map(label_of, kind.__struct_fields__)) for kind in others)
    raise InvalidRequest(f"The fees are not said in whole: fill in {ways}, or the speed.", field=next(iter(given)))


def digits(text: Any) -> Any:
    """Return a whole number that was typed as an int; anything else as it is, for its rule to refuse."""
    return int(text) if isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) < 40 else text


def missing(name: str) -> InvalidRequest:
    """Return the error for a field that must be filled in."""
    return InvalidRequest(f"{label_of(name)} is missing: fill it in. Nothing was sent.", field=name)


def _read_call(name: str, values: Mapping[str, Any]) -> Any | None:
    parts = {
        key: values[key] for key in ("function_name", "function_arguments", "abi") if values.get(key) is not None
    }
    encoded = values.get(name)
    if not parts:
        return encoded.strip() if isinstance(encoded, str) else encoded
    if encoded is not None:
        raise InvalidRequest(
            "The call was given twice, by its function and encoded: empty one of them.", field="function_name"
        )
    return parts
